"""The nouns of a show: who, lots, presets, refusals.

Money is integer cents; bids are whole units (100 cents). Time is integer
milliseconds of the platform's clock unless the name says otherwise.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

ShowId = str
PersonId = str
LotId = str
RunId = str
SaleId = str
LineId = str
SalonId = str
OfferId = str
GiveawayId = str

Role = Literal["owner", "producer", "moderator", "buyer"]
"""owner > producer > moderator > buyer. The seller is the owner of the show."""
BACKSTAGE: frozenset[Role] = frozenset({"owner", "producer"})
STAFF: frozenset[Role] = frozenset({"owner", "producer", "moderator"})
ANYONE: frozenset[Role] = frozenset({"owner", "producer", "moderator", "buyer"})
BUYERS: frozenset[Role] = frozenset({"buyer"})

Currency = Literal["EUR", "USD", "GBP"]
LotFormat = Literal["auction", "buy_it_now", "giveaway"]
BidKind = Literal["tap", "max", "exact"]
PictureRule = Literal["pause", "continue", "void"]
"""What happens to a running lot when the seller's picture is lost (rule 15)."""

UNIT_CENTS = 100
"""Bids are whole units: every bid amount is a multiple of this."""


Label = Annotated[str, msgspec.Meta(max_length=500)]
"""What is typed into one line."""
Prose = Annotated[str, msgspec.Meta(max_length=4_000)]
"""What is typed into a box. Rules set shorter limits and say so in words; these keep nonsense out of memory and log."""
Pictures = Annotated[tuple[Label, ...], msgspec.Meta(max_length=100)]


class Struct(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base of every word: frozen, by keyword, defaults left out of the bytes."""


class Who(Struct, frozen=True):
    """A person acting on a show, as the platform knows them from their pass."""

    person: PersonId
    role: Role
    nickname: str


class Preset(Struct, frozen=True):
    """How an auction runs: duration, counter-bid time (ms), sudden death."""

    duration_ms: int = 30_000
    counter_bid_ms: int = 10_000
    sudden_death: bool = False


class Lot(Struct, frozen=True):
    """The public face of a lot: what a buyer may see."""

    lot_id: LotId
    number: int
    """Given once per show, never reused."""
    title: str
    format: LotFormat = "auction"
    opening_cents: int = 100
    """Opening price of an auction, or the price of a buy-it-now."""
    quantity: int = 1
    description: str = ""
    category: str = ""
    subcategory: str = ""
    condition: str = ""
    pictures: tuple[str, ...] = ()
    """Paths or addresses; the first is the card's picture. May be missing on disk."""
    preset: Preset | None = None
    """None: the show's own preset."""
    has_reserve: bool = False
    offers_accepted: bool = False
    hazmat: str = ""
    shipping: str = ""
    followers_only: bool = False


class LotBackstage(Struct, frozen=True):
    """What only owner and producer may see of a lot."""

    reserve_cents: int = 0
    """0: no reserve."""
    cost_cents: int = 0
    """Cost per unit."""
    sku: Label = ""
    place: Label = ""
    host_note: Prose = ""
    producer_note: Prose = ""


class LotDraft(Struct, frozen=True):
    """A lot before it has a number: typed in, or read from a file."""

    title: Label
    format: LotFormat = "auction"
    opening_cents: int = 100
    quantity: int = 1
    description: Prose = ""
    category: Label = ""
    subcategory: Label = ""
    condition: Label = ""
    pictures: Pictures = ()
    preset: Preset | None = None
    offers_accepted: bool = False
    hazmat: Label = ""
    shipping: Label = ""
    followers_only: bool = False
    backstage: LotBackstage = LotBackstage()


class LotChanges(Struct, frozen=True):
    """An edit: only the fields set are changed. Public fields and backstage fields together."""

    title: Label | UnsetType = UNSET
    opening_cents: int | UnsetType = UNSET
    quantity: int | UnsetType = UNSET
    """Units left to sell."""
    description: Prose | UnsetType = UNSET
    category: Label | UnsetType = UNSET
    subcategory: Label | UnsetType = UNSET
    condition: Label | UnsetType = UNSET
    pictures: Pictures | UnsetType = UNSET
    preset: Preset | UnsetType | None = UNSET
    format: LotFormat | UnsetType = UNSET
    offers_accepted: bool | UnsetType = UNSET
    hazmat: Label | UnsetType = UNSET
    shipping: Label | UnsetType = UNSET
    followers_only: bool | UnsetType = UNSET
    reserve_cents: int | UnsetType = UNSET
    cost_cents: int | UnsetType = UNSET
    sku: Label | UnsetType = UNSET
    place: Label | UnsetType = UNSET
    host_note: Prose | UnsetType = UNSET
    producer_note: Prose | UnsetType = UNSET


BACKSTAGE_FIELDS: frozenset[str] = frozenset(LotBackstage.__struct_fields__)
NOTE_FIELDS: frozenset[str] = frozenset({"host_note", "producer_note"})
"""What may still be edited on the lot that is on the block."""


class Regular(Struct, frozen=True):
    """What earlier shows know of a buyer: for the seller's eyes."""

    shows: int
    purchases: int = 0
    spent_cents: int = 0
    last_visit_ms: int = 0
    note: str = ""
    """The seller's private note."""
    nickname: str = ""
    """The last one they used."""
    unpaid: int = 0
    """Purchases they did not pay."""


class RunOfShowNote(Struct, frozen=True):
    """A line of the run of show: when (local "HH:MM", may be empty) and what."""

    text: Label
    at: Label = ""


class Refusal(Struct, frozen=True):
    """A rule said no. `code` is stable; `sentence` is for people (French); `facts` for screens.

    Encoded to HTTP as problem+json (RFC 9457): type, title, status, detail=sentence, code, facts.
    """

    code: str
    sentence: str
    facts: dict[str, Any] = msgspec.field(default_factory=dict)


class Accepted(Struct, frozen=True):
    """The platform's yes: the command is in the log, its last event at `seq`."""

    seq: int
    at_ms: int
    made: dict[str, str] = msgspec.field(default_factory=dict)
    """Ids made by the command, by name: {"lot_id": ...}, {"run_id": ...}."""
