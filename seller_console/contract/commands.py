"""Everything a person, or the platform itself, can ask of a show.

BY is the one capability table: the roles that may say a command (empty: the
platform only). Names are imperative; the tag on the wire is the snake name.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from .events import snake
from .words import (
    ANYONE,
    BACKSTAGE,
    BUYERS,
    STAFF,
    BidKind,
    Currency,
    Label,
    LotChanges,
    LotDraft,
    PictureRule,
    Preset,
    Prose,
    Regular,
    Role,
    RunOfShowNote,
    Struct,
)

Id = Annotated[str, Meta(max_length=64)]
"""A person may send anything: what is longer is no id of ours, and is neither kept nor repeated."""
ShowId = Id
PersonId = Id
LotId = Id
RunId = Id
SaleId = Id
LineId = Id
OfferId = Id
GiveawayId = Id
Text = Annotated[str, Meta(max_length=2_000)]
Reason = Annotated[str, Meta(max_length=300)]
MOST_LOTS = 10_000
MOST_NOTES = 1_000
MOST_WORDS = 1_000
MOST_PEOPLE = 100_000

PLATFORM_ONLY: frozenset[Role] = frozenset()
OWNER: frozenset[Role] = frozenset({"owner"})


class CommandBase(Struct, frozen=True, tag_field="type", tag=snake, forbid_unknown_fields=True):
    BY: ClassVar[frozenset[Role]] = BACKSTAGE


# --- the show -------------------------------------------------------------------


class OpenShow(CommandBase, frozen=True):
    """Said by the platform for the owner, once, as the first command of a log."""

    BY: ClassVar[frozenset[Role]] = PLATFORM_ONLY
    show_id: ShowId
    title: Label
    currency: Currency = "EUR"
    preset: Preset = Preset()
    picture_rule: PictureRule = "pause"
    first_number: int = 1


class EditShow(CommandBase, frozen=True):
    title: Label | None = None
    preset: Preset | None = None
    other_preset: Preset | None = None
    picture_rule: PictureRule | None = None
    fee_bps: int | None = None
    payment_page: Text | None = None
    """https address with "{reference}" and "{amount}" to fill in, or "" for none."""


class GoLive(CommandBase, frozen=True):
    BY: ClassVar[frozenset[Role]] = OWNER
    rehearsal: bool = False


class EndShow(CommandBase, frozen=True):
    """A giveaway in play is drawn among those here: `present` is filled by the platform."""

    BY: ClassVar[frozenset[Role]] = OWNER
    reason: Reason = ""
    present: Annotated[tuple[PersonId, ...], Meta(max_length=MOST_PEOPLE)] = ()


class Join(CommandBase, frozen=True):
    """A person with a fresh pass enters; said by the platform in their name.

    `regular` is filled by a platform that knows the buyer from earlier shows.
    """

    BY: ClassVar[frozenset[Role]] = PLATFORM_ONLY
    invited_by: PersonId = ""
    regular: Regular | None = None


class Leave(CommandBase, frozen=True):
    BY: ClassVar[frozenset[Role]] = ANYONE


class SetRunOfShow(CommandBase, frozen=True):
    seen_version: int
    notes: Annotated[tuple[RunOfShowNote, ...], Meta(max_length=MOST_NOTES)]


# --- the queue ------------------------------------------------------------------


class AddLot(CommandBase, frozen=True):
    """after: None = head, "" = tail."""

    lot: LotDraft
    after: LotId | None = ""


class ImportLots(CommandBase, frozen=True):
    """Many lots at the tail, in order, in one turn: all or nothing."""

    lots: Annotated[tuple[LotDraft, ...], Meta(max_length=MOST_LOTS)]


class EditLot(CommandBase, frozen=True):
    """`seen_version` is the lot's version the editor saw. Same field changed since: refused
    `stale` with the other's value; different fields: merged."""

    lot_id: LotId
    seen_version: int
    changes: LotChanges


class MoveLot(CommandBase, frozen=True):
    """after: None = to the head of the queue."""

    lot_id: LotId
    after: LotId | None


class RemoveLot(CommandBase, frozen=True):
    lot_id: LotId


class RestoreLot(CommandBase, frozen=True):
    lot_id: LotId
    after: LotId | None = None


class SkipLot(CommandBase, frozen=True):
    lot_id: LotId


class PinLot(CommandBase, frozen=True):
    lot_id: LotId | None


# --- the auction ------------------------------------------------------------------


class StartAuction(CommandBase, frozen=True):
    """PDD. lot_id "" = the next queued auction lot, or one made on the spot when the queue is empty.

    `lot_id` given = the lot the seller saw on the button: refused `not_next` if it is no longer
    queued. preset None = the lot's own or the show's. `picture` is used by a lot made on the spot.
    """

    lot_id: LotId = ""
    preset: Preset | None = None
    picture: Label = ""


class WithdrawRun(CommandBase, frozen=True):
    run_id: RunId


class VoidRun(CommandBase, frozen=True):
    """Stop a running lot."""

    run_id: RunId
    reason: Reason
    back_to_queue: bool = True


class ResumeRun(CommandBase, frozen=True):
    """The seller resumes a paused lot by hand (a foreign ingest that is in fact fine)."""

    run_id: RunId


class PlaceBid(CommandBase, frozen=True):
    """tap: a max of exactly `amount_cents`, the amount on the button. max: rule 4. exact: rule 5."""

    BY: ClassVar[frozenset[Role]] = BUYERS
    run_id: RunId
    amount_cents: int
    kind: BidKind = "tap"


class SetPreBid(CommandBase, frozen=True):
    """0 withdraws it."""

    BY: ClassVar[frozenset[Role]] = BUYERS
    lot_id: LotId
    max_cents: int


class ReRunLot(CommandBase, frozen=True):
    """Put a passed (or voided, or payment-failed) lot back in the queue: earlier maxima do not count."""

    lot_id: LotId
    after: LotId | None = None


class VoidSale(CommandBase, frozen=True):
    """Undo a sale that is not yet paid."""

    sale_id: SaleId
    reason: Reason
    back_to_queue: bool = True


# --- payment ------------------------------------------------------------------------


class ValidateBasket(CommandBase, frozen=True):
    BY: ClassVar[frozenset[Role]] = BUYERS


class MarkPayment(CommandBase, frozen=True):
    sale_id: SaleId
    outcome: Literal["paid", "failed"]


class OfferToRunnerUp(CommandBase, frozen=True):
    """For a sale whose payment failed."""

    sale_id: SaleId


class AnswerRunnerUp(CommandBase, frozen=True):
    BY: ClassVar[frozenset[Role]] = BUYERS
    offer_id: OfferId
    accept: bool


class SetSpendingLimit(CommandBase, frozen=True):
    """0: no limit."""

    BY: ClassVar[frozenset[Role]] = BUYERS
    limit_cents: int


# --- other formats ----------------------------------------------------------------------


class BuyNow(CommandBase, frozen=True):
    """`price_cents` is the price the buyer saw: another price is refused `price_changed`."""

    BY: ClassVar[frozenset[Role]] = BUYERS
    lot_id: LotId
    price_cents: int
    quantity: int = 1


class StartFlash(CommandBase, frozen=True):
    lot_id: LotId
    price_cents: int
    seconds: int
    per_buyer: int = 1


class StartGiveaway(CommandBase, frozen=True):
    """The platform fills `seed` (256 bits, hex) as the command arrives; a person's is ignored."""

    lot_id: LotId
    seconds: int = 300
    followers_only: bool = False
    seed: Label = ""


class EnterGiveaway(CommandBase, frozen=True):
    BY: ClassVar[frozenset[Role]] = BUYERS
    giveaway_id: GiveawayId


class DrawGiveaway(CommandBase, frozen=True):
    """Draw early; the platform says it at `ends_at`. `present` is filled by the platform."""

    giveaway_id: GiveawayId
    present: Annotated[tuple[PersonId, ...], Meta(max_length=MOST_PEOPLE)] = ()


class MakeOffer(CommandBase, frozen=True):
    BY: ClassVar[frozenset[Role]] = BUYERS
    lot_id: LotId
    price_cents: int


class AnswerOffer(CommandBase, frozen=True):
    offer_id: OfferId
    accept: bool


# --- the room -----------------------------------------------------------------------------


class Say(CommandBase, frozen=True):
    BY: ClassVar[frozenset[Role]] = ANYONE
    text: Text
    reply_to: LineId = ""


class DeleteLine(CommandBase, frozen=True):
    """Staff: any line. A buyer: their own."""

    BY: ClassVar[frozenset[Role]] = ANYONE
    line_id: LineId


class PinLine(CommandBase, frozen=True):
    BY: ClassVar[frozenset[Role]] = STAFF
    line_id: LineId | None


class Announce(CommandBase, frozen=True):
    text: Text


class SetSlowMode(CommandBase, frozen=True):
    BY: ClassVar[frozenset[Role]] = STAFF
    every_ms: int


class SetMutedWords(CommandBase, frozen=True):
    BY: ClassVar[frozenset[Role]] = STAFF
    words: Annotated[tuple[Label, ...], Meta(max_length=MOST_WORDS)]


class TimeOut(CommandBase, frozen=True):
    BY: ClassVar[frozenset[Role]] = STAFF
    person: PersonId
    seconds: int = 300


class Block(CommandBase, frozen=True):
    BY: ClassVar[frozenset[Role]] = STAFF
    person: PersonId


class Unblock(CommandBase, frozen=True):
    BY: ClassVar[frozenset[Role]] = STAFF
    person: PersonId


class Follow(CommandBase, frozen=True):
    BY: ClassVar[frozenset[Role]] = BUYERS
    following: bool = True


class Whisper(CommandBase, frozen=True):
    text: Text


class NoteBuyer(CommandBase, frozen=True):
    buyer: PersonId
    note: Prose


# --- said by the platform itself --------------------------------------------------------------


class RingBell(CommandBase, frozen=True):
    """The closing bell: does nothing before the current `ends_at`."""

    BY: ClassVar[frozenset[Role]] = PLATFORM_ONLY
    run_id: RunId


class LapseTimers(CommandBase, frozen=True):
    """End whatever else is due: flash sales, runner-up offers, giveaways, a pause of 2 minutes."""

    BY: ClassVar[frozenset[Role]] = PLATFORM_ONLY
    present: Annotated[tuple[PersonId, ...], Meta(max_length=MOST_PEOPLE)] = ()


class LosePicture(CommandBase, frozen=True):
    """Observed by the platform; a console may report it when the ingest is foreign."""

    BY: ClassVar[frozenset[Role]] = OWNER
    since_ms: int


class ReturnPicture(CommandBase, frozen=True):
    BY: ClassVar[frozenset[Role]] = OWNER


class ReturnPlatform(CommandBase, frozen=True):
    """First command after a restart of the platform."""

    BY: ClassVar[frozenset[Role]] = PLATFORM_ONLY
    down_ms: int


class HaltRun(CommandBase, frozen=True):
    """The log could not be written: pause the running lot."""

    BY: ClassVar[frozenset[Role]] = PLATFORM_ONLY


class UnhaltRun(CommandBase, frozen=True):
    BY: ClassVar[frozenset[Role]] = PLATFORM_ONLY


class NoteMedia(CommandBase, frozen=True):
    BY: ClassVar[frozenset[Role]] = OWNER
    what: Literal["ingest_started", "ingest_ended", "recording_started", "recording_ended", "engine_restarted"]
    detail: Text = ""


Command = (
    OpenShow | EditShow | GoLive | EndShow | Join | Leave | SetRunOfShow
    | AddLot | ImportLots | EditLot | MoveLot | RemoveLot | RestoreLot | SkipLot | PinLot
    | StartAuction | WithdrawRun | VoidRun | ResumeRun | PlaceBid | SetPreBid | ReRunLot | VoidSale
    | ValidateBasket | MarkPayment | OfferToRunnerUp | AnswerRunnerUp | SetSpendingLimit
    | BuyNow | StartFlash | StartGiveaway | EnterGiveaway | DrawGiveaway | MakeOffer | AnswerOffer
    | Say | DeleteLine | PinLine | Announce | SetSlowMode | SetMutedWords | TimeOut | Block | Unblock
    | Follow | Whisper | NoteBuyer
    | RingBell | LapseTimers | LosePicture | ReturnPicture | ReturnPlatform | HaltRun | UnhaltRun | NoteMedia
)  # fmt: skip
