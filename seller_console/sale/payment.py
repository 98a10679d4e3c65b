"""Payment: baskets, marks, undone sales, and who is asked next (rules 11 and 12).

The seam is one address: with no payment page the seller marks each sale paid; with one, the
basket carries a link, and another as soon as less is owed: what a link asks for is what is owed.
A runner-up is asked, never charged: three offers a run at most, two
minutes for the first and one for each next, never below the reserve, at the price the bids
come to without those who failed or declined. Stock is held until the last answer.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..contract import commands as cm
from ..contract import events as ev
from ..contract.words import PersonId, Refusal, Who
from .auction import resolved
from .guards import buyer_of, limit_refusal, said
from .refusals import refuse
from .state import Basket, Person, Run, Sale, ShowState
from .text import REASON_LENGTH

Decision = tuple[ev.Event, ...] | Refusal

MOST_OFFERS = 3
FIRST_OFFER_MS = 120_000
NEXT_OFFER_MS = 60_000
OFFER_AFTER_SHOW_MS = 24 * 3_600_000


def basket(state: ShowState, buyer: PersonId) -> list[Sale]:
    """What a buyer has bought and not yet validated."""
    return [sale for sale in state.sales.values() if sale.buyer == buyer and sale.status == "sold"]


def is_owed(state: ShowState, validated: Basket) -> bool:
    """True while a sale of a validated basket is neither paid nor given up."""
    return any(state.sales[sale_id].status == "validated" for sale_id in validated.sale_ids if sale_id in state.sales)


def total_cents(sales: Iterable[Sale]) -> int:
    return sum(sale.price_cents * sale.quantity for sale in sales)


def bag_of(state: ShowState, buyer: Person) -> tuple[int, bool]:
    """The buyer's bag number, and whether this is the purchase that gives it."""
    return buyer.bag_number or state.next_bag, buyer.bag_number == 0


def validate_basket(state: ShowState, command: cm.ValidateBasket, who: Who, at_ms: int) -> Decision:
    buyer = state.people.get(who.person)
    if buyer is None:
        return refuse("not_joined")
    sales = basket(state, who.person)
    if not sales:
        return refuse("empty_basket")
    total = total_cents(sales)
    return (
        ev.BasketValidated(
            buyer=who.person,
            sale_ids=tuple(sale.sale_id for sale in sales),
            total_cents=total,
            payment_link=_payment_link(state, buyer, total, sales[-1].sale_id),
        ),
    )


def _less_owed(state: ShowState, sale: Sale) -> tuple[ev.Event, ...]:
    """Said with what takes `sale` out of what its buyer owes; nothing when nothing is left of the basket."""
    validated = next((one for one in state.baskets if sale.sale_id in one.sale_ids), None)
    ids = validated.sale_ids if validated is not None else ()
    left = [state.sales[one] for one in ids if one != sale.sale_id and one in state.sales]
    left = [one for one in left if one.status == "validated"]
    buyer = state.people.get(sale.buyer)
    if not left or buyer is None:
        return ()
    total = total_cents(left)
    return (
        ev.BasketReduced(
            buyer=sale.buyer,
            sale_ids=tuple(one.sale_id for one in left),
            total_cents=total,
            payment_link=_payment_link(state, buyer, total, f"{left[-1].sale_id}-{len(left)}"),
        ),
    )


def _payment_link(state: ShowState, buyer: Person, total: int, basket_name: str) -> str:
    """`basket_name` is another for another amount: some payment pages take a reference once."""
    if not state.payment_page or total == 0:
        return ""
    reference = f"{state.show_id}-{buyer.bag_number}-{basket_name}"
    return state.payment_page.replace("{reference}", reference).replace("{amount}", f"{total // 100}.{total % 100:02d}")


def mark_payment(state: ShowState, command: cm.MarkPayment, who: Who, at_ms: int) -> Decision:
    sale = state.sales.get(command.sale_id)
    if sale is None:
        return refuse("unknown_sale")
    if sale.status == "voided":
        return refuse("sale_voided")
    if sale.status == "paid":
        return refuse("already_paid")
    if sale.status == "failed":
        if command.outcome == "failed":
            return refuse("already_failed")
        if _pending(state, sale):
            return refuse("offer_pending")
    marked = ev.PaymentMarked(sale_id=sale.sale_id, buyer=sale.buyer, outcome=command.outcome, by=who.person)
    return marked, *_less_owed(state, sale)


def void_sale(state: ShowState, command: cm.VoidSale, who: Who, at_ms: int) -> Decision:
    """Until it is paid. Bids are kept, the sale is undone."""
    sale = state.sales.get(command.sale_id)
    if sale is None:
        return refuse("unknown_sale")
    if sale.status == "voided":
        return refuse("sale_voided")
    if sale.status == "paid":
        return refuse("already_paid")
    if _pending(state, sale):
        return refuse("offer_pending")
    reason = said(command.reason, REASON_LENGTH)
    if isinstance(reason, Refusal):
        return refuse("no_reason") if reason.code == "empty" else reason
    return (
        ev.SaleVoided(
            sale_id=sale.sale_id,
            lot_id=sale.lot_id,
            by=who.person,
            reason=reason,
            back_to_queue=command.back_to_queue,
        ),
        *_less_owed(state, sale),
    )


def _pending(state: ShowState, sale: Sale) -> bool:
    return any(offer.sale_id == sale.sale_id and not offer.answer for offer in state.runner_ups.values())


# --- the runner-up --------------------------------------------------------------


def offer_to_runner_up(state: ShowState, command: cm.OfferToRunnerUp, who: Who, at_ms: int) -> Decision:
    sale = state.sales.get(command.sale_id)
    if sale is None:
        return refuse("unknown_sale")
    if sale.status == "voided":
        return refuse("sale_voided")
    if sale.status != "failed":
        return refuse("not_failed")
    if not sale.run_id:
        return refuse("not_an_auction")
    if _pending(state, sale):
        return refuse("offer_pending")
    offered = _next_offer(state, sale, at_ms, state.next_id)
    return (offered,) if offered is not None else refuse("no_runner_up")


def _next_offer(state: ShowState, sale: Sale, at_ms: int, number: int) -> ev.RunnerUpOffered | None:
    run = state.runs.get(sale.run_id)
    if run is None:
        return None
    made = [offer for offer in state.runner_ups.values() if offer.run_id == sale.run_id]
    if len(made) >= MOST_OFFERS:
        return None
    out = {s.buyer for s in state.sales.values() if s.run_id == sale.run_id}
    out.update(offer.buyer for offer in made)
    asked = _whom_to_ask(state, run, out)
    if asked is None:
        return None
    buyer, price = asked
    nth = len(made) + 1
    valid_ms = FIRST_OFFER_MS if nth == 1 else NEXT_OFFER_MS
    if state.status == "ended":
        valid_ms = OFFER_AFTER_SHOW_MS
    return ev.RunnerUpOffered(
        offer_id=f"O{number}",
        sale_id=sale.sale_id,
        lot_id=sale.lot_id,
        run_id=sale.run_id,
        buyer=buyer,
        price_cents=price,
        expires_at=at_ms + valid_ms,
        nth=nth,
    )


def _whom_to_ask(state: ShowState, run: Run, out: set[PersonId]) -> tuple[PersonId, int] | None:
    """The next distinct bidder and the price without those who are `out`; None when nobody is left."""
    if run.leader not in run.maxima:
        return _whom_the_ticker_shows(state, run, out)
    standing = (m for m in run.maxima.values() if m.bidder not in out and not _is_blocked(state, m.bidder))
    leader, price = resolved(standing, run.opening_cents, run.reserve_cents)
    if leader is None or price < run.reserve_cents:
        return None
    return leader.bidder, price


def _whom_the_ticker_shows(state: ShowState, run: Run, out: set[PersonId]) -> tuple[PersonId, int] | None:
    """A console knows no maxima: dry, it can only see whether somebody else took part."""
    for bid in reversed(run.bids):
        if bid.bidder and bid.bidder not in out and not _is_blocked(state, bid.bidder):
            return bid.bidder, max(run.opening_cents, run.reserve_cents)
    if run.pre_bids > 1:
        return "", max(run.opening_cents, run.reserve_cents)
    return None


def _is_blocked(state: ShowState, person: PersonId) -> bool:
    known = state.people.get(person)
    return known is not None and known.blocked


def answer_runner_up(state: ShowState, command: cm.AnswerRunnerUp, who: Who, at_ms: int) -> Decision:
    buyer = buyer_of(state, who)
    if isinstance(buyer, Refusal):
        return buyer
    offer = state.runner_ups.get(command.offer_id)
    if offer is None or offer.buyer != who.person:
        return refuse("unknown_offer")
    if offer.answer or at_ms >= offer.expires_at:
        return refuse("offer_closed")
    sale = state.sales[offer.sale_id]
    if not command.accept:
        declined = ev.RunnerUpAnswered(offer_id=offer.offer_id, buyer=who.person, answer="declined")
        following = _next_offer(state, sale, at_ms, state.next_id)
        return (declined, following) if following is not None else (declined,)
    beyond = limit_refusal(state, buyer, offer.price_cents)
    if beyond is not None:
        return beyond
    bag, first = bag_of(state, buyer)
    return (
        ev.RunnerUpAnswered(offer_id=offer.offer_id, buyer=who.person, answer="accepted"),
        ev.SaleVoided(
            sale_id=sale.sale_id,
            lot_id=sale.lot_id,
            by="",
            reason="",
            back_to_queue=False,
        ),
        ev.SaleMade(
            sale_id=f"S{state.next_id}",
            lot_id=offer.lot_id,
            buyer=who.person,
            buyer_name=buyer.nickname,
            price_cents=offer.price_cents,
            how="runner_up",
            bag_number=bag,
            first_purchase=first,
            run_id=offer.run_id,
        ),
    )


def lapse_offers(state: ShowState, at_ms: int) -> tuple[ev.Event, ...]:
    """Offers nobody answered in time lapse, and the next bidder is asked."""
    events: list[ev.Event] = []
    number = state.next_id
    for offer in state.runner_ups.values():
        if offer.answer or at_ms < offer.expires_at:
            continue
        events.append(ev.RunnerUpAnswered(offer_id=offer.offer_id, buyer=offer.buyer, answer="lapsed"))
        following = _next_offer(state, state.sales[offer.sale_id], at_ms, number)
        if following is not None:
            events.append(following)
            number += 1
    return tuple(events)
