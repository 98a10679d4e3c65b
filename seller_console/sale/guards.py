"""The questions every rule asks first: who is this, is this amount possible, does this lot stand there?

Each returns what was asked for, or the Refusal.
"""

from __future__ import annotations

from ..contract.commands import CommandBase
from ..contract.words import STAFF, UNIT_CENTS, LotId, PersonId, Preset, Refusal, Role, Who
from .refusals import refuse
from .state import LotState, Person, ShowState
from .text import clean

MOST_CENTS = 1_000_000_00
"""No amount in a show is above one million."""
MOST_UNITS = 10_000


def may_say(command: type[CommandBase], role: Role) -> bool:
    """The capability table, read in this one place. A command BY nobody is the platform's own: False."""
    return role in command.BY


def buyer_of(state: ShowState, who: Who) -> Person | Refusal:
    """The buyer acting, fit to bid, buy or enter (rule 13)."""
    person = state.people.get(who.person)
    if person is None:
        return refuse("not_joined")
    if person.role in STAFF or who.role in STAFF:
        return refuse("staff_cannot_bid")
    if person.blocked:
        return refuse("blocked")
    return person


def room_buyer(state: ShowState, person: PersonId) -> Person | Refusal:
    """The buyer a moderator points at."""
    known = state.people.get(person)
    if known is None:
        return refuse("unknown_person")
    if known.role in STAFF or person == state.owner:
        return refuse("not_a_buyer")
    return known


def name_of(state: ShowState, who: Who) -> str:
    known = state.people.get(who.person)
    return known.nickname if known is not None else who.nickname


def is_bid_amount(cents: int) -> bool:
    """Bids, opening prices and reserves: whole units, from 1 to a million."""
    return 0 < cents <= MOST_CENTS and cents % UNIT_CENTS == 0


def is_price(cents: int) -> bool:
    """Prices that are no bids: any cents above nothing."""
    return 0 < cents <= MOST_CENTS


def preset_refusal(preset: Preset) -> Refusal | None:
    if not 500 <= preset.duration_ms <= 3_600_000:
        return refuse("bad_preset", what="une durée de 0,5 s à 1 h")
    if not 0 <= preset.counter_bid_ms <= 600_000:
        return refuse("bad_preset", what="un temps de contre-enchère de 0 à 10 min")
    return None


def said(text: str, most: int, *, lines: bool = False) -> str | Refusal:
    """`text` cleaned; refused when nothing is left of it or it is longer than `most`."""
    cleaned = clean(text, lines=lines)
    if not cleaned:
        return refuse("empty")
    if len(cleaned) > most:
        return refuse("too_long", length=most)
    return cleaned


def lot_of(state: ShowState, lot_id: LotId) -> LotState | Refusal:
    return state.lots.get(lot_id) or refuse("unknown_lot", lot_id=lot_id)


def queued_lot(state: ShowState, lot_id: LotId) -> LotState | Refusal:
    known = state.lots.get(lot_id)
    if known is None:
        return refuse("unknown_lot", lot_id=lot_id)
    if known.status == "on_block":
        return refuse("on_block", lot_id=lot_id)
    if known.status != "queued":
        return refuse("not_queued", lot_id=lot_id)
    return known


def on_shelf(state: ShowState, known: LotState) -> bool:
    """True for a buy-it-now lot with stock, on a live show."""
    return (
        state.status == "live"
        and known.lot.format == "buy_it_now"
        and known.status == "queued"
        and known.units_left > 0
    )


def committed_cents(state: ShowState, person: Person) -> int:
    """What a buyer may already owe tonight: purchases, offers that can still be accepted, and the run they lead."""
    owed = person.spent_cents
    for offer in state.offers.values():
        if offer.buyer == person.person and not offer.answer:
            known = state.lots.get(offer.lot_id)
            if known is not None and on_shelf(state, known):
                owed += offer.price_cents
    run = state.run
    if run is not None and run.leader == person.person and person.person in run.maxima:
        owed += run.maxima[person.person].max_cents
    return owed


def within_limit(state: ShowState, person: Person, cents: int) -> int:
    """As much of a bid of `cents` as is left of the person's limit, in whole units; may be below nothing."""
    if not person.limit_cents:
        return cents
    left = person.limit_cents - committed_cents(state, person)
    return min(cents, left - left % UNIT_CENTS)


def limit_refusal(state: ShowState, person: Person, more_cents: int) -> Refusal | None:
    """Kindly: only the buyer ever learns that they have a limit."""
    if not person.limit_cents:
        return None
    owed = committed_cents(state, person)
    if owed + more_cents <= person.limit_cents:
        return None
    return refuse("limit", state.currency, limit_cents=person.limit_cents, owed_cents=owed)
