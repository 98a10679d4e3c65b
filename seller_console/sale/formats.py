"""Selling without an auction: buy it now, flash sales, giveaways, offers.

The giveaway can be checked by anybody. Before: `seed_hash`, the SHA-256 of the seed's text.
After: the seed, and the entrants who could win, sorted. The draw (`drawn_index`):

    for counter = 0, 1, 2, …:
        h = SHA-256( seed + "\\n" + entrant 1 + "\\n" + … + entrant n + "\\n" + counter )   as UTF-8
        h is read as a 256-bit big-endian number; if h < 2^256 - (2^256 mod n): winner = entrant number h mod n

counted from 0; the condition throws away the few numbers that would favour the first entrants.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence

from ..contract import commands as cm
from ..contract import events as ev
from ..contract.words import LotId, PersonId, Refusal, Who
from .guards import MOST_CENTS, MOST_UNITS, buyer_of, is_price, limit_refusal, on_shelf, queued_lot
from .payment import bag_of
from .refusals import refuse
from .state import Giveaway, LotState, Person, ShowState

Decision = tuple[ev.Event, ...] | Refusal

SHORTEST_FLASH_S = 30
LONGEST_FLASH_S = 3_600
SHORTEST_GIVEAWAY_S = 10
LONGEST_GIVEAWAY_S = 3_600


# --- buy it now -----------------------------------------------------------------


def price_now(known: LotState, at_ms: int) -> int:
    """The price of a buy-it-now: the flash price while its clock runs."""
    return known.flash_price_cents if at_ms < known.flash_ends_at else known.lot.opening_cents


def _shelf_lot(state: ShowState, lot_id: LotId) -> LotState | Refusal:
    """A buy-it-now lot with stock, on a live show."""
    if state.status != "live":
        return refuse("not_live")
    known = state.lots.get(lot_id)
    if known is None:
        return refuse("unknown_lot", lot_id=lot_id)
    if known.lot.format != "buy_it_now":
        return refuse("not_buy_it_now", lot_id=lot_id)
    if known.status == "removed":
        return refuse("lot_removed", lot_id=lot_id)
    if not on_shelf(state, known):
        return refuse("sold_out", lot_id=lot_id)
    return known


def buy_now(state: ShowState, command: cm.BuyNow, who: Who, at_ms: int) -> Decision:
    buyer = buyer_of(state, who)
    if isinstance(buyer, Refusal):
        return buyer
    known = _shelf_lot(state, command.lot_id)
    if isinstance(known, Refusal):
        return known
    if known.lot.followers_only and not buyer.following:
        return refuse("followers_only")
    if not 1 <= command.quantity <= MOST_UNITS:
        return refuse("bad_quantity")
    price = price_now(known, at_ms)
    if command.price_cents != price:
        return refuse("price_changed", state.currency, price_cents=price)
    if command.quantity > known.units_left:
        return refuse("not_enough", left=known.units_left)
    flash = at_ms < known.flash_ends_at
    if flash and known.flash_bought.get(who.person, 0) + command.quantity > known.flash_per_buyer:
        return refuse("per_buyer", most=known.flash_per_buyer)
    beyond = limit_refusal(state, buyer, price * command.quantity)
    if beyond is not None:
        return beyond
    bag, first = bag_of(state, buyer)
    return (
        ev.SaleMade(
            sale_id=f"S{state.next_id}",
            lot_id=command.lot_id,
            buyer=who.person,
            buyer_name=buyer.nickname,
            price_cents=price,
            how="flash" if flash else "buy_it_now",
            bag_number=bag,
            quantity=command.quantity,
            first_purchase=first,
        ),
    )


def start_flash(state: ShowState, command: cm.StartFlash, who: Who, at_ms: int) -> Decision:
    known = _shelf_lot(state, command.lot_id)
    if isinstance(known, Refusal):
        return known
    if at_ms < known.flash_ends_at:
        return refuse("flash_on", lot_id=command.lot_id)
    if not SHORTEST_FLASH_S <= command.seconds <= LONGEST_FLASH_S:
        return refuse("bad_duration", least=SHORTEST_FLASH_S, most=LONGEST_FLASH_S)
    if not 1 <= command.per_buyer <= MOST_UNITS:
        return refuse("bad_quantity")
    if not is_price(command.price_cents):
        return refuse("bad_price")
    if command.price_cents >= known.lot.opening_cents:
        return refuse("flash_price", state.currency, price_cents=known.lot.opening_cents)
    return (
        ev.FlashStarted(
            lot_id=command.lot_id,
            price_cents=command.price_cents,
            ends_at=at_ms + command.seconds * 1000,
            per_buyer=command.per_buyer,
            by=who.person,
        ),
    )


def lapse_flashes(state: ShowState, at_ms: int, *, now: bool = False) -> tuple[ev.Event, ...]:
    """Flash sales whose time is up; all of them with `now`."""
    return tuple(
        ev.FlashEnded(lot_id=lot_id)
        for lot_id, known in state.lots.items()
        if known.flash_ends_at and (now or at_ms >= known.flash_ends_at)
    )


# --- giveaway -------------------------------------------------------------------


def seed_hash(seed: str) -> str:
    """What is shown before the draw."""
    return hashlib.sha256(seed.encode()).hexdigest()


def drawn_index(seed: str, entrants: Sequence[PersonId]) -> int:
    """Which of the sorted `entrants` (one at least) the seed chooses; see the top of this file."""
    count = len(entrants)
    fair = 2**256 - 2**256 % count
    listed = "\n".join((seed, *entrants))
    counter = 0
    while True:
        number = int.from_bytes(hashlib.sha256(f"{listed}\n{counter}".encode()).digest(), "big")
        if number < fair:
            return number % count
        counter += 1


def start_giveaway(state: ShowState, command: cm.StartGiveaway, who: Who, at_ms: int) -> Decision:
    if state.status != "live":
        return refuse("not_live")
    if state.current_giveaway is not None:
        return refuse("giveaway_on")
    known = queued_lot(state, command.lot_id)
    if isinstance(known, Refusal):
        return known
    if known.lot.format != "giveaway":
        return refuse("not_a_giveaway", lot_id=command.lot_id)
    if not SHORTEST_GIVEAWAY_S <= command.seconds <= LONGEST_GIVEAWAY_S:
        return refuse("bad_duration", least=SHORTEST_GIVEAWAY_S, most=LONGEST_GIVEAWAY_S)
    giveaway_id = f"G{state.next_id}"
    return (
        ev.GiveawayOpened(
            giveaway_id=giveaway_id,
            lot_id=command.lot_id,
            seed_hash=seed_hash(command.seed),
            ends_at=at_ms + command.seconds * 1000,
            followers_only=command.followers_only or known.lot.followers_only,
            by=who.person,
        ),
        ev.GiveawaySeedKept(giveaway_id=giveaway_id, seed=command.seed),
    )


def enter_giveaway(state: ShowState, command: cm.EnterGiveaway, who: Who, at_ms: int) -> Decision:
    buyer = buyer_of(state, who)
    if isinstance(buyer, Refusal):
        return buyer
    giveaway = state.giveaways.get(command.giveaway_id)
    if giveaway is None or giveaway.drawn:
        return refuse("unknown_giveaway")
    if at_ms >= giveaway.ends_at:
        return refuse("late")
    if who.person in giveaway.entrants:
        return refuse("already_entered")
    if giveaway.followers_only and not buyer.following:
        return refuse("followers_only")
    return (ev.GiveawayEntered(giveaway_id=command.giveaway_id, buyer=who.person, entrants=len(giveaway.entrants) + 1),)


def draw_giveaway(state: ShowState, command: cm.DrawGiveaway, who: Who, at_ms: int) -> Decision:
    giveaway = state.giveaways.get(command.giveaway_id)
    if giveaway is None or giveaway.drawn:
        return refuse("unknown_giveaway")
    return drawn(state, giveaway, command.present, state.next_id)


def drawn(state: ShowState, giveaway: Giveaway, present: Collection[PersonId], number: int) -> tuple[ev.Event, ...]:
    """The draw among the entrants who are present and not blocked; `number` counts the sale's id."""
    here = set(present)
    eligible = sorted(p for p in giveaway.entrants if p in here and not state.people[p].blocked)
    winner: Person | None = None
    if eligible:
        winner = state.people[eligible[drawn_index(giveaway.seed, eligible)]]
    told = ev.GiveawayDrawn(
        giveaway_id=giveaway.giveaway_id,
        lot_id=giveaway.lot_id,
        seed=giveaway.seed,
        entrants=tuple(eligible),
        winner=winner.person if winner is not None else None,
        winner_name=winner.nickname if winner is not None else "",
    )
    if winner is None:
        return (told,)
    bag, first = bag_of(state, winner)
    return (
        told,
        ev.SaleMade(
            sale_id=f"S{number}",
            lot_id=giveaway.lot_id,
            buyer=winner.person,
            buyer_name=winner.nickname,
            price_cents=0,
            how="giveaway",
            bag_number=bag,
            first_purchase=first,
        ),
    )


def lapse_giveaway(state: ShowState, present: Collection[PersonId], at_ms: int, number: int) -> tuple[ev.Event, ...]:
    if state.current_giveaway is None:
        return ()
    giveaway = state.giveaways[state.current_giveaway]
    if at_ms < giveaway.ends_at:
        return ()
    return drawn(state, giveaway, present, number)


# --- offers ---------------------------------------------------------------------


def make_offer(state: ShowState, command: cm.MakeOffer, who: Who, at_ms: int) -> Decision:
    buyer = buyer_of(state, who)
    if isinstance(buyer, Refusal):
        return buyer
    known = _shelf_lot(state, command.lot_id)
    if isinstance(known, Refusal):
        return known
    if known.lot.followers_only and not buyer.following:
        return refuse("followers_only")
    if not known.lot.offers_accepted:
        return refuse("no_offers", lot_id=command.lot_id)
    if not 0 < command.price_cents <= MOST_CENTS:
        return refuse("bad_price")
    price = price_now(known, at_ms)
    if command.price_cents >= price:
        return refuse("offer_not_below", state.currency, price_cents=price)
    if any(o.lot_id == command.lot_id and o.buyer == who.person and not o.answer for o in state.offers.values()):
        return refuse("offer_open")
    beyond = limit_refusal(state, buyer, command.price_cents)
    if beyond is not None:
        return beyond
    return (
        ev.OfferMade(
            offer_id=f"O{state.next_id}",
            lot_id=command.lot_id,
            buyer=who.person,
            buyer_name=buyer.nickname,
            price_cents=command.price_cents,
        ),
    )


def answer_offer(state: ShowState, command: cm.AnswerOffer, who: Who, at_ms: int) -> Decision:
    offer = state.offers.get(command.offer_id)
    if offer is None:
        return refuse("unknown_offer")
    if offer.answer:
        return refuse("offer_closed")
    if not command.accept:
        return (ev.OfferAnswered(offer_id=offer.offer_id, buyer=offer.buyer, answer="declined", by=who.person),)
    known = _shelf_lot(state, offer.lot_id)
    if isinstance(known, Refusal):
        return known
    buyer = state.people[offer.buyer]
    if buyer.blocked:
        return refuse("unknown_person")
    if limit_refusal(state, buyer, 0) is not None:
        # The lot was gone and came back, and the buyer spent meanwhile. Nobody else learns of a limit.
        return refuse("offer_closed")
    bag, first = bag_of(state, buyer)
    return (
        ev.OfferAnswered(offer_id=offer.offer_id, buyer=offer.buyer, answer="accepted", by=who.person),
        ev.SaleMade(
            sale_id=f"S{state.next_id}",
            lot_id=offer.lot_id,
            buyer=offer.buyer,
            buyer_name=buyer.nickname,
            price_cents=offer.price_cents,
            how="offer",
            bag_number=bag,
            first_purchase=first,
        ),
    )
