"""What events do to the lots: where each stands, how many units are left, who bought them.

A unit is left, sold, or put aside (passed, or voided and not re-queued): the three make
`units_total`. A lot with units left is queued (or on the block); one with none is sold or passed.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET

from ..contract import events as ev
from ..contract.words import BACKSTAGE_FIELDS, LotBackstage, LotChanges, LotId, PersonId
from .fold_room import Folds, add_line, count_id, person_of
from .state import Basket, BuyerOffer, Giveaway, Line, LotState, RunnerUp, Sale, ShowState

LOT_FIELDS = frozenset(LotChanges.__struct_fields__) - BACKSTAGE_FIELDS


# --- the queue ------------------------------------------------------------------


def place(queue: list[LotId], lot_id: LotId, after: LotId | None) -> None:
    """Stand `lot_id` right after `after` (None: head; "" or one that is gone: tail)."""
    if lot_id in queue:
        queue.remove(lot_id)
    if after is None:
        queue.insert(0, lot_id)
    elif after in queue:
        queue.insert(queue.index(after) + 1, lot_id)
    else:
        queue.append(lot_id)


def leave_queue(state: ShowState, lot_id: LotId) -> None:
    if lot_id in state.queue:
        state.queue.remove(lot_id)


def _unpin(state: ShowState, lot_id: LotId) -> None:
    if state.pinned_lot == lot_id:
        state.pinned_lot = None


def set_left(known: LotState, units: int) -> None:
    """Units were sold, put aside or came back: to an editor, `quantity` has changed."""
    if units != known.units_left:
        known.units_left = units
        known.version += 1
        known.field_versions["quantity"] = known.version
        known.field_by["quantity"] = ""
    known.units_done = known.units_total - units


def forget_pre_bids(known: LotState) -> None:
    """What is run again is run anew: neither earlier maxima nor earlier pre-bids count (rule 11)."""
    known.pre_bids.clear()
    known.pre_bid_count = 0


def stand(state: ShowState, known: LotState, *, keep_place: bool = False) -> None:
    """Put a lot where its units say: units left -> head of the queue (or where it stands), none -> sold or passed."""
    lot_id = known.lot.lot_id
    if known.units_left > 0:
        known.status = "queued"
        if not (keep_place and lot_id in state.queue):
            place(state.queue, lot_id, None)
        return
    leave_queue(state, lot_id)
    _unpin(state, lot_id)
    known.status = "sold" if known.units_sold > 0 else "passed"
    known.flash_ends_at = 0


def stand_if_idle(state: ShowState, known: LotState) -> None:
    """After a sale or its undoing: a lot that is neither on the block nor removed finds its place."""
    if known.status not in ("on_block", "removed"):
        stand(state, known, keep_place=True)


def _lot_added(state: ShowState, event: ev.LotAdded, at_ms: int) -> None:
    lot = event.lot
    if event.after == "" and lot.lot_id not in state.lots:
        state.queue.append(lot.lot_id)
    else:
        place(state.queue, lot.lot_id, event.after)
    state.lots[lot.lot_id] = LotState(
        lot=lot, backstage=LotBackstage(), units_total=lot.quantity, units_left=lot.quantity
    )
    state.next_number = max(state.next_number, lot.number + 1)
    count_id(state, lot.lot_id)


def _lot_backstage_set(state: ShowState, event: ev.LotBackstageSet, at_ms: int) -> None:
    known = state.lots.get(event.lot_id)
    if known is not None:
        known.backstage = event.backstage


def _changed(changes: LotChanges) -> dict[str, Any]:
    return {name: value for name in changes.__struct_fields__ if (value := getattr(changes, name)) is not UNSET}


def _note_versions(known: LotState, fields: dict[str, Any], version: int, by: PersonId) -> None:
    known.version = version
    for name in fields:
        known.field_versions[name] = version
        known.field_by[name] = by


def _lot_edited(state: ShowState, event: ev.LotEdited, at_ms: int) -> None:
    known = state.lots.get(event.lot_id)
    if known is None:
        return
    fields = {name: value for name, value in _changed(event.changes).items() if name in LOT_FIELDS}
    _note_versions(known, fields, event.version, event.by)
    if "quantity" in fields:
        known.units_total = known.units_done + fields["quantity"]
        known.units_left = fields["quantity"]
        fields["quantity"] = known.units_total
    if event.has_reserve is not None:
        fields["has_reserve"] = event.has_reserve
    if fields:
        known.lot = msgspec.structs.replace(known.lot, **fields)


def _lot_backstage_edited(state: ShowState, event: ev.LotBackstageEdited, at_ms: int) -> None:
    known = state.lots.get(event.lot_id)
    if known is None:
        return
    fields = {name: value for name, value in _changed(event.changes).items() if name in BACKSTAGE_FIELDS}
    _note_versions(known, fields, event.version, event.by)
    if fields:
        known.backstage = msgspec.structs.replace(known.backstage, **fields)


def _lot_moved(state: ShowState, event: ev.LotMoved, at_ms: int) -> None:
    if event.lot_id in state.queue:
        place(state.queue, event.lot_id, event.after)


def _lot_removed(state: ShowState, event: ev.LotRemoved, at_ms: int) -> None:
    known = state.lots.get(event.lot_id)
    leave_queue(state, event.lot_id)
    _unpin(state, event.lot_id)
    if known is not None:
        known.status = "removed"
        known.flash_ends_at = 0


def _lot_restored(state: ShowState, event: ev.LotRestored, at_ms: int) -> None:
    known = state.lots.get(event.lot_id)
    if known is None:
        return
    if known.status != "removed":
        forget_pre_bids(known)
        set_left(known, known.units_total - known.units_sold)
    known.status = "queued"
    place(state.queue, event.lot_id, event.after)


def _lot_skipped(state: ShowState, event: ev.LotSkipped, at_ms: int) -> None:
    if event.lot_id in state.queue:
        place(state.queue, event.lot_id, "")


def _lot_pinned(state: ShowState, event: ev.LotPinned, at_ms: int) -> None:
    state.pinned_lot = event.lot_id


# --- sales, payment, runner-up ----------------------------------------------------


def record_sale(state: ShowState, sale: Sale) -> None:
    state.sales[sale.sale_id] = sale
    count_id(state, sale.sale_id)
    buyer = person_of(state, sale.buyer, sale.buyer_name)
    buyer.purchases += 1
    buyer.spent_cents += sale.price_cents * sale.quantity
    buyer.bag_number = buyer.bag_number or sale.bag_number
    state.next_bag = max(state.next_bag, sale.bag_number + 1)
    add_line(
        state,
        Line(
            line_id=f"sold:{sale.sale_id}",
            at_ms=sale.at_ms,
            kind="sold",
            person=sale.buyer,
            nickname=sale.buyer_name,
            text="" if sale.how == "auction" else sale.how,
            lot_id=sale.lot_id,
            price_cents=sale.price_cents,
            first_purchase=sale.first_purchase,
        ),
    )


def _sale_made(state: ShowState, event: ev.SaleMade, at_ms: int) -> None:
    known = state.lots.get(event.lot_id)
    if known is not None:
        aside = known.units_total - known.units_left - known.units_sold
        if not (event.how == "runner_up" and aside >= event.quantity):
            set_left(known, max(0, known.units_left - event.quantity))
        known.units_sold += event.quantity
        if event.how == "flash":
            known.flash_bought[event.buyer] = known.flash_bought.get(event.buyer, 0) + event.quantity
    record_sale(
        state,
        Sale(
            sale_id=event.sale_id,
            lot_id=event.lot_id,
            run_id=event.run_id,
            buyer=event.buyer,
            buyer_name=event.buyer_name,
            price_cents=event.price_cents,
            quantity=event.quantity,
            how=event.how,
            bag_number=event.bag_number,
            at_ms=at_ms,
            first_purchase=event.first_purchase,
        ),
    )
    if known is not None:
        stand_if_idle(state, known)


def _sale_voided(state: ShowState, event: ev.SaleVoided, at_ms: int) -> None:
    sale = state.sales.get(event.sale_id)
    if sale is None or sale.status == "voided":
        return
    sale.status = "voided"
    sale.void_reason = event.reason
    sale.returned = event.back_to_queue
    buyer = person_of(state, sale.buyer, sale.buyer_name)
    buyer.purchases -= 1
    buyer.spent_cents -= sale.price_cents * sale.quantity
    known = state.lots.get(event.lot_id)
    if known is not None:
        known.units_sold -= sale.quantity
        if event.back_to_queue:
            set_left(known, known.units_left + sale.quantity)
            forget_pre_bids(known)
        stand_if_idle(state, known)
    add_line(
        state,
        Line(
            line_id=f"void:{event.sale_id}",
            at_ms=at_ms,
            kind="notice",
            text="sale_voided",
            lot_id=event.lot_id,
        ),
    )


def _basket_validated(state: ShowState, event: ev.BasketValidated, at_ms: int) -> None:
    state.baskets.append(
        Basket(
            buyer=event.buyer,
            sale_ids=event.sale_ids,
            total_cents=event.total_cents,
            payment_link=event.payment_link,
        )
    )
    for sale_id in event.sale_ids:
        sale = state.sales.get(sale_id)
        if sale is not None and sale.status == "sold":
            sale.status = "validated"


def _basket_reduced(state: ShowState, event: ev.BasketReduced, at_ms: int) -> None:
    for basket in state.baskets:
        if basket.buyer == event.buyer and set(event.sale_ids) <= set(basket.sale_ids):
            basket.sale_ids = event.sale_ids
            basket.total_cents = event.total_cents
            basket.payment_link = event.payment_link


def _payment_marked(state: ShowState, event: ev.PaymentMarked, at_ms: int) -> None:
    sale = state.sales.get(event.sale_id)
    if sale is not None:
        sale.status = event.outcome


def _runner_up_offered(state: ShowState, event: ev.RunnerUpOffered, at_ms: int) -> None:
    count_id(state, event.offer_id)
    state.runner_ups[event.offer_id] = RunnerUp(
        offer_id=event.offer_id,
        sale_id=event.sale_id,
        lot_id=event.lot_id,
        run_id=event.run_id,
        buyer=event.buyer,
        price_cents=event.price_cents,
        expires_at=event.expires_at,
        nth=event.nth,
    )


def _runner_up_answered(state: ShowState, event: ev.RunnerUpAnswered, at_ms: int) -> None:
    offer = state.runner_ups.get(event.offer_id)
    if offer is not None:
        offer.answer = event.answer


def _spending_limit_set(state: ShowState, event: ev.SpendingLimitSet, at_ms: int) -> None:
    person_of(state, event.buyer).limit_cents = event.limit_cents


# --- other formats ------------------------------------------------------------------


def _flash_started(state: ShowState, event: ev.FlashStarted, at_ms: int) -> None:
    known = state.lots.get(event.lot_id)
    if known is not None:
        known.flash_price_cents = event.price_cents
        known.flash_ends_at = event.ends_at
        known.flash_per_buyer = event.per_buyer
        known.flash_bought.clear()


def _flash_ended(state: ShowState, event: ev.FlashEnded, at_ms: int) -> None:
    known = state.lots.get(event.lot_id)
    if known is not None:
        known.flash_ends_at = 0


def _giveaway_opened(state: ShowState, event: ev.GiveawayOpened, at_ms: int) -> None:
    count_id(state, event.giveaway_id)
    state.giveaways[event.giveaway_id] = Giveaway(
        giveaway_id=event.giveaway_id,
        lot_id=event.lot_id,
        seed_hash=event.seed_hash,
        ends_at=event.ends_at,
        followers_only=event.followers_only,
    )
    state.current_giveaway = event.giveaway_id
    leave_queue(state, event.lot_id)
    known = state.lots.get(event.lot_id)
    if known is not None:
        known.status = "on_block"


def _giveaway_seed_kept(state: ShowState, event: ev.GiveawaySeedKept, at_ms: int) -> None:
    giveaway = state.giveaways.get(event.giveaway_id)
    if giveaway is not None:
        giveaway.seed = event.seed


def _giveaway_entered(state: ShowState, event: ev.GiveawayEntered, at_ms: int) -> None:
    giveaway = state.giveaways.get(event.giveaway_id)
    if giveaway is not None:
        giveaway.entrants.append(event.buyer)


def _giveaway_drawn(state: ShowState, event: ev.GiveawayDrawn, at_ms: int) -> None:
    giveaway = state.giveaways.get(event.giveaway_id)
    if giveaway is not None:
        giveaway.seed = event.seed
        giveaway.drawn = True
        giveaway.winner = event.winner
        giveaway.winner_name = event.winner_name
    if state.current_giveaway == event.giveaway_id:
        state.current_giveaway = None
    known = state.lots.get(event.lot_id)
    if known is not None and known.status == "on_block":
        stand(state, known)


def _offer_made(state: ShowState, event: ev.OfferMade, at_ms: int) -> None:
    count_id(state, event.offer_id)
    state.offers[event.offer_id] = BuyerOffer(
        offer_id=event.offer_id,
        lot_id=event.lot_id,
        buyer=event.buyer,
        buyer_name=event.buyer_name,
        price_cents=event.price_cents,
    )


def _offer_answered(state: ShowState, event: ev.OfferAnswered, at_ms: int) -> None:
    offer = state.offers.get(event.offer_id)
    if offer is not None:
        offer.answer = event.answer


FOLDS: Folds = {
    ev.LotAdded: _lot_added,
    ev.LotBackstageSet: _lot_backstage_set,
    ev.LotEdited: _lot_edited,
    ev.LotBackstageEdited: _lot_backstage_edited,
    ev.LotMoved: _lot_moved,
    ev.LotRemoved: _lot_removed,
    ev.LotRestored: _lot_restored,
    ev.LotSkipped: _lot_skipped,
    ev.LotPinned: _lot_pinned,
    ev.SaleMade: _sale_made,
    ev.SaleVoided: _sale_voided,
    ev.BasketValidated: _basket_validated,
    ev.BasketReduced: _basket_reduced,
    ev.PaymentMarked: _payment_marked,
    ev.RunnerUpOffered: _runner_up_offered,
    ev.RunnerUpAnswered: _runner_up_answered,
    ev.SpendingLimitSet: _spending_limit_set,
    ev.FlashStarted: _flash_started,
    ev.FlashEnded: _flash_ended,
    ev.GiveawayOpened: _giveaway_opened,
    ev.GiveawaySeedKept: _giveaway_seed_kept,
    ev.GiveawayEntered: _giveaway_entered,
    ev.GiveawayDrawn: _giveaway_drawn,
    ev.OfferMade: _offer_made,
    ev.OfferAnswered: _offer_answered,
}
