"""The state of a show: what a fold of its log comes to.

One mutable tree, changed only by `apply` (fold.py). A fold of the whole log (the
platform) and a fold of the rows one reader may see (a screen) use the same code:
so an event says its outcome (price, leader, ends_at) and the fold never computes
what only a full log could know.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from ..contract.words import (
    Currency,
    GiveawayId,
    LineId,
    Lot,
    LotBackstage,
    LotId,
    OfferId,
    PersonId,
    PictureRule,
    Preset,
    Regular,
    Role,
    RunId,
    RunOfShowNote,
    SaleId,
)

LotStatus = Literal["queued", "on_block", "sold", "passed", "removed"]
"""sold: no unit left and at least one sold. passed: ended unsold. removed: undoable until the show ends."""
RunStatus = Literal["running", "paused", "hammered", "passed", "withdrawn", "voided"]


class Bid(msgspec.Struct):
    """One line of the bid ticker, newest last in Run.bids."""

    at_ms: int
    bidder: PersonId
    bidder_name: str
    price_cents: int
    leader: PersonId | None
    leader_name: str
    cause: Literal["bid", "pre_bid", "reserve", "epoch"] = "bid"


class Maximum(msgspec.Struct):
    """A bidder's standing maximum in a run; `order` = order of acceptance. Platform only (and its owner)."""

    bidder: PersonId
    max_cents: int
    order: int
    exact: bool = False


class Run(msgspec.Struct):
    """One auction of one unit."""

    run_id: RunId
    lot_id: LotId
    unit: int
    of: int
    opening_cents: int
    opened_at: int
    ends_at: int
    duration_ms: int
    counter_bid_ms: int
    sudden_death: bool
    has_reserve: bool
    withdrawable_until: int
    status: RunStatus = "running"
    price_cents: int = 0
    """0 until there is a leader."""
    asking_cents: int = 0
    leader: PersonId | None = None
    leader_name: str = ""
    reserve_met: bool = False
    epoch: int = 0
    bid_count: int = 0
    """Accepted bids that were shown: no pre-bids, and no higher max of the leader's own."""
    bid_live: bool = False
    """A live bid was accepted, also one that moved no price: as far as this fold may know."""
    pre_bids: int = 0
    """How many waited at the opening, as far as this fold may know."""
    bids: list[Bid] = []
    """The ticker: the last 200."""
    maxima: dict[PersonId, Maximum] = {}
    """What this fold may know: all on the platform, one's own on a screen."""
    remaining_ms: int = 0
    """While paused."""
    paused_at: int = 0
    pause_reason: str = ""
    ended_at: int = 0
    sale_id: SaleId = ""
    void_reason: str = ""
    back_to_queue: bool = False
    """Voided: whether the unit went back to the queue."""
    reserve_cents: int = 0
    """As it stood at the opening; 0 where this fold may not know it."""


class Sale(msgspec.Struct):
    sale_id: SaleId
    lot_id: LotId
    run_id: RunId
    buyer: PersonId
    buyer_name: str
    price_cents: int
    """Of one unit; the sale is worth price_cents x quantity."""
    quantity: int
    how: Literal["auction", "buy_it_now", "flash", "offer", "runner_up", "giveaway"]
    bag_number: int
    at_ms: int
    status: Literal["sold", "validated", "paid", "failed", "voided"] = "sold"
    first_purchase: bool = False
    void_reason: str = ""
    returned: bool = False
    """Voided: whether its units went back to the queue."""


class Basket(msgspec.Struct):
    """What a buyer validated at one time and may still owe, and where it is paid."""

    buyer: PersonId
    sale_ids: tuple[SaleId, ...]
    total_cents: int
    payment_link: str = ""


class LotState(msgspec.Struct):
    """A lot, its secrets (as far as this fold may know) and where it stands."""

    lot: Lot
    backstage: LotBackstage
    status: LotStatus = "queued"
    version: int = 1
    field_versions: dict[str, int] = {}
    """Version at which each field last changed (absent: as added)."""
    field_by: dict[str, PersonId] = {}
    """Who changed it last."""
    units_total: int = 1
    units_left: int = 1
    units_done: int = 0
    """Units sold or put aside so far (units_total - units_left): the next is #units_done + 1."""
    units_sold: int = 0
    """Units whose sale stands. What is neither left nor sold is put aside: passed, or voided and not re-queued."""
    runs: list[RunId] = []
    pre_bids: dict[PersonId, int] = {}
    """Maxima before the opening (platform; on a screen one's own). Insertion order = order."""
    pre_bid_count: int = 0
    hearts: int = 0
    salons: int = 0
    flash_price_cents: int = 0
    flash_ends_at: int = 0
    flash_per_buyer: int = 0
    flash_bought: dict[PersonId, int] = {}
    """Units bought by each buyer in the flash sale that is on."""


class Person(msgspec.Struct):
    person: PersonId
    nickname: str
    role: Role
    joined_at: int = 0
    present: bool = True
    bag_number: int = 0
    """0 until the first purchase; constant for the show."""
    purchases: int = 0
    spent_cents: int = 0
    blocked: bool = False
    timed_out_until: int = 0
    following: bool = False
    limit_cents: int = 0
    last_line_at: int = 0
    invited_by: PersonId = ""
    note: str = ""
    regular: Regular | None = None
    """What earlier shows know of them, backstage."""


class Line(msgspec.Struct):
    """A line of the chat column: said, announced, or a fact of the sale worth a line."""

    line_id: LineId
    at_ms: int
    kind: Literal["said", "announced", "sold", "passed", "joined", "notice"]
    person: PersonId = ""
    nickname: str = ""
    role: Role = "buyer"
    text: str = ""
    lot_id: LotId = ""
    price_cents: int = 0
    reply_to: LineId = ""
    first_purchase: bool = False
    muted: bool = False
    deleted: bool = False


class RunnerUp(msgspec.Struct):
    offer_id: OfferId
    sale_id: SaleId
    lot_id: LotId
    run_id: RunId
    buyer: PersonId
    price_cents: int
    expires_at: int
    nth: int
    answer: Literal["", "accepted", "declined", "lapsed"] = ""


class BuyerOffer(msgspec.Struct):
    offer_id: OfferId
    lot_id: LotId
    buyer: PersonId
    buyer_name: str
    price_cents: int
    answer: Literal["", "accepted", "declined"] = ""


class Giveaway(msgspec.Struct):
    giveaway_id: GiveawayId
    lot_id: LotId
    seed_hash: str
    ends_at: int
    followers_only: bool
    entrants: list[PersonId] = []
    seed: str = ""
    """Known to the platform at once, to others at the draw."""
    drawn: bool = False
    winner: PersonId | None = None
    winner_name: str = ""


class ShowState(msgspec.Struct):
    """A whole show. `ShowState()` is the state before the first event."""

    show_id: str = ""
    title: str = ""
    owner: PersonId = ""
    currency: Currency = "EUR"
    preset: Preset = Preset()
    other_preset: Preset = Preset(duration_ms=15_000, counter_bid_ms=5_000)
    picture_rule: PictureRule = "pause"
    fee_bps: int = 0
    payment_page: str = ""
    """Address of the payment page, "{reference}" and "{amount}" filled in; "": the seller marks paid."""
    status: Literal["prepared", "live", "ended"] = "prepared"
    rehearsal: bool = False
    opened_at: int = 0
    live_at: int = 0
    ended_at: int = 0
    last_at: int = 0
    """Stamp of the last event applied."""

    lots: dict[LotId, LotState] = {}
    queue: list[LotId] = []
    """Queued lots in order. The lot on the block is not in it."""
    runs: dict[RunId, Run] = {}
    current_run: RunId | None = None
    """The run that is running or paused."""
    last_run: RunId | None = None
    """The last run that ended (for the deck's adjugé / passed and for undo)."""
    sales: dict[SaleId, Sale] = {}
    baskets: list[Basket] = []
    """Validated, in that order."""
    people: dict[PersonId, Person] = {}
    nicknames: dict[str, PersonId] = {}
    """Whose each nickname is, as it is heard (no case, no accents): one person's."""
    lines: list[Line] = []
    """The last 500 lines."""
    public_lines: int = 0
    """How many of `lines` are not muted: the 500 count these, so that every reader keeps the same ones."""
    pinned_line: LineId | None = None
    pinned_lot: LotId | None = None
    slow_mode_ms: int = 0
    muted_words: tuple[str, ...] = ()
    run_of_show: tuple[RunOfShowNote, ...] = ()
    run_of_show_version: int = 0
    whispers: list[Line] = []
    runner_ups: dict[OfferId, RunnerUp] = {}
    offers: dict[OfferId, BuyerOffer] = {}
    giveaways: dict[GiveawayId, Giveaway] = {}
    current_giveaway: GiveawayId | None = None
    picture_lost_since: int = 0
    """Platform time of the last ingest frame while the picture is lost; 0 = there is a picture (or none yet)."""
    halted: bool = False
    """The log cannot be written."""

    next_number: int = 1
    next_bag: int = 1
    next_id: int = 1
    """Ids are made by counting: L1, R2, S3 … (no randomness in the rules)."""
    next_notice: int = 1
    """Announcements are counted apart, by everyone alike."""
    next_order: int = 1
    """Order of acceptance of maxima."""

    @property
    def run(self) -> Run | None:
        """The run on the block, running or paused."""
        return self.runs.get(self.current_run) if self.current_run else None
