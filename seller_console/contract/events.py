"""Everything that can happen in a show, each with the audience that may know it.

Audience is one of
  "everyone"      anyone on the show
  "staff"         owner, producer, moderator
  "backstage"     owner, producer
  "buyer:ID"      that buyer, and backstage
  "person:ID"     that person and nobody else
  "salon:ID"      members of that salon
  "platform"      nobody: kept for the rules only (a seed before the draw)
A reader who may not see an event receives its bare seq.

Screens skip kinds they don't know; to the platform an unknown kind is fatal.
"""

from __future__ import annotations

import re
from typing import ClassVar, Literal

from .words import (
    Currency,
    GiveawayId,
    LineId,
    Lot,
    LotBackstage,
    LotChanges,
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
    ShowId,
    Struct,
)


def snake(name: str) -> str:
    """`PriceMoved` -> `price_moved`: the tag of a struct on the wire."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


class EventBase(Struct, frozen=True, tag_field="type", tag=snake):
    AUDIENCE: ClassVar[str] = "everyone"

    def audience(self) -> str:
        return self.AUDIENCE


# --- the show -----------------------------------------------------------------


class ShowOpened(EventBase, frozen=True):
    show_id: ShowId
    title: str
    owner: PersonId
    owner_name: str
    currency: Currency = "EUR"
    preset: Preset = Preset()
    other_preset: Preset = Preset(duration_ms=15_000, counter_bid_ms=5_000)
    picture_rule: PictureRule = "pause"
    first_number: int = 1


class ShowEdited(EventBase, frozen=True):
    """Public settings. Fields left None did not change; the last two are said by ShowBackstageSet now."""

    by: PersonId
    title: str | None = None
    preset: Preset | None = None
    other_preset: Preset | None = None
    picture_rule: PictureRule | None = None
    fee_bps: int | None = None
    """The marketplace's fee in basis points of the hammer, for margins."""
    payment_page: str | None = None
    """Address of a payment page; "{reference}" and "{amount}" are filled in. "": none, the seller marks paid."""


class ShowBackstageSet(EventBase, frozen=True):
    """What the seller earns and where they are paid. Fields left None did not change."""

    AUDIENCE: ClassVar[str] = "backstage"
    by: PersonId
    fee_bps: int | None = None
    payment_page: str | None = None


class ShowWentLive(EventBase, frozen=True):
    by: PersonId
    rehearsal: bool = False


class ShowEnded(EventBase, frozen=True):
    by: PersonId
    reason: str = ""


class PersonJoined(EventBase, frozen=True):
    person: PersonId
    nickname: str
    role: Role
    invited_by: PersonId = ""


class RegularRecognised(EventBase, frozen=True):
    """A buyer of earlier shows is back."""

    AUDIENCE: ClassVar[str] = "backstage"
    buyer: PersonId
    regular: Regular


class PersonLeft(EventBase, frozen=True):
    person: PersonId


class RunOfShowSet(EventBase, frozen=True):
    AUDIENCE: ClassVar[str] = "backstage"
    by: PersonId
    version: int
    notes: tuple[RunOfShowNote, ...]


# --- the queue ----------------------------------------------------------------


class LotAdded(EventBase, frozen=True):
    """A lot joins the queue after `after` (None: at the head; "": at the tail)."""

    lot: Lot
    by: PersonId
    after: LotId | None = ""


class LotBackstageSet(EventBase, frozen=True):
    AUDIENCE: ClassVar[str] = "backstage"
    lot_id: LotId
    backstage: LotBackstage


class LotEdited(EventBase, frozen=True):
    """Public fields only. `version` is the lot's version after the edit."""

    lot_id: LotId
    version: int
    by: PersonId
    changes: LotChanges
    has_reserve: bool | None = None


class LotBackstageEdited(EventBase, frozen=True):
    """Backstage fields only; shares the lot's version counter with LotEdited."""

    AUDIENCE: ClassVar[str] = "backstage"
    lot_id: LotId
    version: int
    by: PersonId
    changes: LotChanges


class LotMoved(EventBase, frozen=True):
    """`lot_id` now stands right after `after` (None: at the head of the queue)."""

    lot_id: LotId
    after: LotId | None
    by: PersonId


class LotRemoved(EventBase, frozen=True):
    lot_id: LotId
    by: PersonId


class LotRestored(EventBase, frozen=True):
    """A removed lot is back, or a passed / voided one re-queued, after `after` (None: head)."""

    lot_id: LotId
    after: LotId | None
    by: PersonId


class LotSkipped(EventBase, frozen=True):
    """The seller skipped the lot: it goes to the tail of the queue with what is left of it."""

    lot_id: LotId
    by: PersonId


class LotPinned(EventBase, frozen=True):
    """None: nothing is pinned any more."""

    lot_id: LotId | None
    by: PersonId


# --- the auction ----------------------------------------------------------------


class RunOpened(EventBase, frozen=True):
    """Lot on the block. No leader yet; pre-bids, if any, follow as MaxSet and PriceMoved."""

    run_id: RunId
    lot_id: LotId
    unit: int
    """This is #unit of `of` (a lot with quantity n is sold unit by unit)."""
    of: int
    opening_cents: int
    opened_at: int
    ends_at: int
    counter_bid_ms: int
    sudden_death: bool
    has_reserve: bool
    withdrawable_until: int
    by: PersonId
    duration_ms: int
    pre_bids: int = 0
    """Not said any more: staff learn from PreBidsCounted how many there are."""


class MaxSet(EventBase, frozen=True):
    """A bid was accepted: a new maximum, a tap, or an exact bid. Order = order of seq.

    "capped" is no bid: in a new epoch a maximum beyond what is left of its bidder's spending
    limit is cut to that, keeping its place in the order, or is gone (0).
    """

    run_id: RunId
    bidder: PersonId
    max_cents: int
    kind: Literal["tap", "max", "exact", "pre_bid", "capped"]

    def audience(self) -> str:
        return f"person:{self.bidder}"


class PriceMoved(EventBase, frozen=True):
    """What everyone sees of a bid. `asking_cents` is the need of the next bid (rule 1)."""

    run_id: RunId
    lot_id: LotId
    cause: Literal["bid", "pre_bid", "reserve", "epoch"]
    price_cents: int
    asking_cents: int
    leader: PersonId | None
    leader_name: str
    bidder: PersonId | None
    """Who caused it; a bidder who lost to a max is not the leader."""
    bidder_name: str
    ends_at: int
    bids: int
    """Accepted bids of this run so far."""
    extended: bool = False
    reserve_met: bool = True
    epoch: int = 0


class RunPaused(EventBase, frozen=True):
    """Said again when the platform returns to a paused lot: `paused_at` is then the moment the two
    minutes count from, later by the time it was down (0: they count from now)."""

    run_id: RunId
    remaining_ms: int
    reason: Literal["picture_lost", "log_unwritable", "platform_down"]
    paused_at: int = 0


class RunResumed(EventBase, frozen=True):
    run_id: RunId
    ends_at: int
    reason: Literal["picture_back", "log_writable", "seller"]


class ClockMoved(EventBase, frozen=True):
    """`ends_at` moved later for a reason that is no bid (outage, epoch)."""

    run_id: RunId
    ends_at: int
    reason: Literal["outage", "epoch"]


class RunWithdrawn(EventBase, frozen=True):
    """Retirer: as if it had not been opened; the lot is back at the head of the queue."""

    run_id: RunId
    lot_id: LotId
    by: PersonId


class RunVoided(EventBase, frozen=True):
    """A running lot was stopped. Bids are kept in the log."""

    run_id: RunId
    lot_id: LotId
    by: PersonId
    reason: str
    back_to_queue: bool


class Hammered(EventBase, frozen=True):
    """The only event that sells an auction. sold=False: passed."""

    run_id: RunId
    lot_id: LotId
    sold: bool
    price_cents: int
    buyer: PersonId | None = None
    buyer_name: str = ""
    sale_id: SaleId = ""
    bag_number: int = 0
    first_purchase: bool = False
    bids: int = 0
    reserve_met: bool = True


class PictureLost(EventBase, frozen=True):
    """No ingest video: `since_ms` is the platform time of the last frame."""

    since_ms: int


class PictureReturned(EventBase, frozen=True):
    gap_ms: int


class PlatformReturned(EventBase, frozen=True):
    """The platform was down for `down_ms` (at least; from the last stamp of the log)."""

    down_ms: int


class PreBidSet(EventBase, frozen=True):
    """0: withdrawn."""

    lot_id: LotId
    bidder: PersonId
    max_cents: int

    def audience(self) -> str:
        return f"person:{self.bidder}"


class PreBidsCounted(EventBase, frozen=True):
    """Staff see how many, never how much."""

    AUDIENCE: ClassVar[str] = "staff"
    lot_id: LotId
    count: int


# --- sales, payment, runner-up ----------------------------------------------------


class SaleMade(EventBase, frozen=True):
    """A sale that was not an auction's hammer."""

    sale_id: SaleId
    lot_id: LotId
    buyer: PersonId
    buyer_name: str
    price_cents: int
    how: Literal["buy_it_now", "flash", "offer", "runner_up", "giveaway"]
    bag_number: int
    quantity: int = 1
    first_purchase: bool = False
    run_id: RunId = ""


class SaleVoided(EventBase, frozen=True):
    sale_id: SaleId
    lot_id: LotId
    by: PersonId
    reason: str
    back_to_queue: bool


class BasketValidated(EventBase, frozen=True):
    buyer: PersonId
    sale_ids: tuple[SaleId, ...]
    total_cents: int
    payment_link: str = ""

    def audience(self) -> str:
        return f"buyer:{self.buyer}"


class BasketReduced(EventBase, frozen=True):
    """Of a validated basket a sale was undone, paid or given up: `sale_ids` are still owed, by this link alone."""

    buyer: PersonId
    sale_ids: tuple[SaleId, ...]
    total_cents: int
    payment_link: str = ""

    def audience(self) -> str:
        return f"buyer:{self.buyer}"


class PaymentMarked(EventBase, frozen=True):
    sale_id: SaleId
    buyer: PersonId
    outcome: Literal["paid", "failed"]
    by: PersonId

    def audience(self) -> str:
        return f"buyer:{self.buyer}"


class RunnerUpOffered(EventBase, frozen=True):
    offer_id: OfferId
    sale_id: SaleId
    """The failed sale this offer replaces."""
    lot_id: LotId
    run_id: RunId
    buyer: PersonId
    price_cents: int
    expires_at: int
    nth: int

    def audience(self) -> str:
        return f"buyer:{self.buyer}"


class RunnerUpAnswered(EventBase, frozen=True):
    offer_id: OfferId
    buyer: PersonId
    answer: Literal["accepted", "declined", "lapsed"]

    def audience(self) -> str:
        return f"buyer:{self.buyer}"


class SpendingLimitSet(EventBase, frozen=True):
    """0: no limit."""

    buyer: PersonId
    limit_cents: int

    def audience(self) -> str:
        return f"person:{self.buyer}"


# --- other formats ------------------------------------------------------------------


class FlashStarted(EventBase, frozen=True):
    lot_id: LotId
    price_cents: int
    ends_at: int
    per_buyer: int
    by: PersonId


class FlashEnded(EventBase, frozen=True):
    lot_id: LotId


class GiveawayOpened(EventBase, frozen=True):
    """`seed_hash` is SHA-256 of the seed, hex; the seed is published at the draw."""

    giveaway_id: GiveawayId
    lot_id: LotId
    seed_hash: str
    ends_at: int
    followers_only: bool
    by: PersonId


class GiveawaySeedKept(EventBase, frozen=True):
    AUDIENCE: ClassVar[str] = "platform"
    giveaway_id: GiveawayId
    seed: str


class GiveawayEntered(EventBase, frozen=True):
    giveaway_id: GiveawayId
    buyer: PersonId
    entrants: int


class GiveawayDrawn(EventBase, frozen=True):
    """winner None: nobody present had entered."""

    giveaway_id: GiveawayId
    lot_id: LotId
    seed: str
    entrants: tuple[PersonId, ...]
    winner: PersonId | None
    winner_name: str = ""


class OfferMade(EventBase, frozen=True):
    offer_id: OfferId
    lot_id: LotId
    buyer: PersonId
    buyer_name: str
    price_cents: int

    def audience(self) -> str:
        return f"buyer:{self.buyer}"


class OfferAnswered(EventBase, frozen=True):
    offer_id: OfferId
    buyer: PersonId
    answer: Literal["accepted", "declined"]
    by: PersonId

    def audience(self) -> str:
        return f"buyer:{self.buyer}"


# --- the room -------------------------------------------------------------------------


class LineSaid(EventBase, frozen=True):
    line_id: LineId
    person: PersonId
    nickname: str
    role: Role
    text: str
    reply_to: LineId = ""


class LineMuted(EventBase, frozen=True):
    """A line with a muted word: its author sees it as said, nobody else does."""

    line_id: LineId
    person: PersonId
    nickname: str
    role: Role
    text: str
    reply_to: LineId = ""

    def audience(self) -> str:
        return f"person:{self.person}"


class LineDeleted(EventBase, frozen=True):
    line_id: LineId
    by: PersonId


class MutedLineDeleted(EventBase, frozen=True):
    """Nobody but its author ever saw the line, so nobody else is told."""

    line_id: LineId
    person: PersonId

    def audience(self) -> str:
        return f"person:{self.person}"


class LinePinned(EventBase, frozen=True):
    """None: nothing is pinned any more."""

    line_id: LineId | None
    by: PersonId


class Announced(EventBase, frozen=True):
    text: str
    by: PersonId
    line_id: LineId = ""


class SlowModeSet(EventBase, frozen=True):
    """0: off."""

    every_ms: int
    by: PersonId


class MutedWordsSet(EventBase, frozen=True):
    AUDIENCE: ClassVar[str] = "staff"
    words: tuple[str, ...]
    by: PersonId


class TimedOut(EventBase, frozen=True):
    person: PersonId
    until: int
    by: PersonId


class Blocked(EventBase, frozen=True):
    person: PersonId
    by: PersonId


class Unblocked(EventBase, frozen=True):
    person: PersonId
    by: PersonId


class Followed(EventBase, frozen=True):
    person: PersonId
    following: bool = True


class Whispered(EventBase, frozen=True):
    """From the producer to the seller (or back)."""

    AUDIENCE: ClassVar[str] = "backstage"
    text: str
    by: PersonId
    by_name: str


class BuyerNoted(EventBase, frozen=True):
    """The seller's private note on a regular."""

    AUDIENCE: ClassVar[str] = "backstage"
    buyer: PersonId
    note: str
    by: PersonId


class MediaNoted(EventBase, frozen=True):
    """A media fact: observed by the platform, or reported by the console when the ingest is foreign."""

    AUDIENCE: ClassVar[str] = "staff"
    what: Literal["ingest_started", "ingest_ended", "recording_started", "recording_ended", "engine_restarted"]
    detail: str = ""


Event = (
    ShowOpened | ShowEdited | ShowBackstageSet | ShowWentLive | ShowEnded
    | PersonJoined | RegularRecognised | PersonLeft | RunOfShowSet
    | LotAdded | LotBackstageSet | LotEdited | LotBackstageEdited | LotMoved | LotRemoved | LotRestored
    | LotSkipped | LotPinned
    | RunOpened | MaxSet | PriceMoved | RunPaused | RunResumed | ClockMoved | RunWithdrawn | RunVoided
    | Hammered | PictureLost | PictureReturned | PlatformReturned | PreBidSet | PreBidsCounted
    | SaleMade | SaleVoided | BasketValidated | BasketReduced | PaymentMarked | RunnerUpOffered | RunnerUpAnswered
    | SpendingLimitSet
    | FlashStarted | FlashEnded | GiveawayOpened | GiveawaySeedKept | GiveawayEntered | GiveawayDrawn
    | OfferMade | OfferAnswered
    | LineSaid | LineMuted | LineDeleted | MutedLineDeleted | LinePinned | Announced | SlowModeSet | MutedWordsSet
    | TimedOut | Blocked | Unblocked | Followed | Whispered | BuyerNoted | MediaNoted
)  # fmt: skip


class Stamped(Struct, frozen=True):
    """A row of the log: seq from 1 without a hole, at_ms of the platform's clock."""

    seq: int
    at_ms: int
    event: Event


class Brief(Struct, frozen=True):
    """The shortest history that folds to what this reader's screen shows at `seq`.

    Its events carry no seq of their own: the reader goes on from `seq` by the feed.
    """

    seq: int
    server_ms: int
    person: PersonId
    nickname: str
    role: Role
    events: tuple[Event, ...]


# --- what passes by and is not kept ------------------------------------------------------


class ViewersCounted(EventBase, frozen=True):
    viewers: int


class EditingSeen(EventBase, frozen=True):
    """Who has a lot open for editing, by lot; sent to backstage when it changes."""

    AUDIENCE: ClassVar[str] = "backstage"
    editors: dict[LotId, str]


class ConsolesCounted(EventBase, frozen=True):
    """Names of the owner and producers connected."""

    AUDIENCE: ClassVar[str] = "staff"
    names: tuple[str, ...]


class Heartbeat(EventBase, frozen=True):
    server_ms: int


class LogHalted(EventBase, frozen=True):
    """The log cannot be written: nothing is taken, the running lot stands still until halted=False."""

    halted: bool


Passing = ViewersCounted | EditingSeen | ConsolesCounted | Heartbeat | LogHalted
"""Sent on the feed without an id; never in the log, never resumed."""
