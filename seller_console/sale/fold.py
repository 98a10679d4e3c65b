"""What each event does to a show: the one fold every program uses.

    apply(state, event, at_ms) -> None        in place

Promises: folding a whole log and folding only the rows one reader may see agree on every
public fact; a row about something this fold never heard of is taken for what it says and
never crashes; an event kind it does not know changes nothing but the stamp.
Refuses to compute what only a full log could know: events carry their outcome.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import msgspec
from msgspec import UNSET

from ..contract import events as ev
from ..contract.words import BACKSTAGE_FIELDS, LotBackstage, LotChanges, LotId, PersonId
from .state import Bid, BuyerOffer, Giveaway, Line, LotState, Maximum, Person, Run, RunnerUp, Sale, ShowState

KEPT_LINES = 500
KEPT_BIDS = 200
KEPT_WHISPERS = 100
LOT_FIELDS = frozenset(LotChanges.__struct_fields__) - BACKSTAGE_FIELDS


def apply(state: ShowState, event: ev.Event, at_ms: int) -> None:
    """Let `event`, stamped `at_ms`, happen to `state`."""
    state.last_at = at_ms
    fold = _FOLDS.get(type(event))
    if fold is not None:
        fold(state, event, at_ms)


def count_id(state: ShowState, made: str) -> None:
    """Ids are counted: after "L12" the next is 13."""
    digits = made[1:]
    if digits.isdecimal() and int(digits) >= state.next_id:
        state.next_id = int(digits) + 1


def person_of(state: ShowState, person: PersonId, nickname: str = "") -> Person:
    """The person, made from what is known when this fold never saw them join."""
    known = state.people.get(person)
    if known is None:
        known = state.people[person] = Person(person=person, nickname=nickname, role="buyer", present=False)
    return known


# --- the show -------------------------------------------------------------------


def _show_opened(state: ShowState, event: ev.ShowOpened, at_ms: int) -> None:
    state.show_id = event.show_id
    state.title = event.title
    state.owner = event.owner
    state.currency = event.currency
    state.preset = event.preset
    state.other_preset = event.other_preset
    state.picture_rule = event.picture_rule
    state.next_number = event.first_number
    state.opened_at = at_ms
    state.people[event.owner] = Person(
        person=event.owner, nickname=event.owner_name, role="owner", joined_at=at_ms, present=True
    )


def _show_edited(state: ShowState, event: ev.ShowEdited, at_ms: int) -> None:
    if event.title is not None:
        state.title = event.title
    if event.preset is not None:
        state.preset = event.preset
    if event.other_preset is not None:
        state.other_preset = event.other_preset
    if event.picture_rule is not None:
        state.picture_rule = event.picture_rule
    if event.fee_bps is not None:
        state.fee_bps = event.fee_bps
    if event.payment_page is not None:
        state.payment_page = event.payment_page


def _show_went_live(state: ShowState, event: ev.ShowWentLive, at_ms: int) -> None:
    state.status = "live"
    state.live_at = at_ms
    state.rehearsal = event.rehearsal


def _show_ended(state: ShowState, event: ev.ShowEnded, at_ms: int) -> None:
    state.status = "ended"
    state.ended_at = at_ms


def _person_joined(state: ShowState, event: ev.PersonJoined, at_ms: int) -> None:
    known = state.people.get(event.person)
    if known is None:
        state.people[event.person] = Person(
            person=event.person,
            nickname=event.nickname,
            role=event.role,
            joined_at=at_ms,
            invited_by=event.invited_by,
        )
        if event.invited_by:
            _line(
                state,
                Line(
                    line_id=f"joined:{event.person}",
                    at_ms=at_ms,
                    kind="joined",
                    person=event.person,
                    nickname=event.nickname,
                    role=event.role,
                    text=event.invited_by,
                ),
            )
        return
    known.nickname = event.nickname
    known.role = event.role
    known.present = True
    known.joined_at = known.joined_at or at_ms


def _person_left(state: ShowState, event: ev.PersonLeft, at_ms: int) -> None:
    person_of(state, event.person).present = False


def _run_of_show_set(state: ShowState, event: ev.RunOfShowSet, at_ms: int) -> None:
    state.run_of_show = event.notes
    state.run_of_show_version = event.version


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


def _leave_queue(state: ShowState, lot_id: LotId) -> None:
    if lot_id in state.queue:
        state.queue.remove(lot_id)


def _unpin(state: ShowState, lot_id: LotId) -> None:
    if state.pinned_lot == lot_id:
        state.pinned_lot = None


def _stand(state: ShowState, known: LotState, *, keep_place: bool = False) -> None:
    """Put a lot where its units say: units left -> head of the queue (or where it stands), none -> sold or passed."""
    lot_id = known.lot.lot_id
    known.units_done = known.units_total - known.units_left
    if known.units_left > 0:
        known.status = "queued"
        if not (keep_place and lot_id in state.queue):
            place(state.queue, lot_id, None)
        return
    _leave_queue(state, lot_id)
    _unpin(state, lot_id)
    known.status = "sold" if known.units_sold > 0 else "passed"
    known.flash_ends_at = 0


def _stand_if_idle(state: ShowState, known: LotState) -> None:
    """After a sale or its undoing: a lot that is neither on the block nor removed finds its place."""
    known.units_done = known.units_total - known.units_left
    if known.status not in ("on_block", "removed"):
        _stand(state, known, keep_place=True)


def _lot_added(state: ShowState, event: ev.LotAdded, at_ms: int) -> None:
    lot = event.lot
    state.lots[lot.lot_id] = LotState(
        lot=lot, backstage=LotBackstage(), units_total=lot.quantity, units_left=lot.quantity
    )
    place(state.queue, lot.lot_id, event.after)
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
    _leave_queue(state, event.lot_id)
    _unpin(state, event.lot_id)
    if known is not None:
        known.status = "removed"
        known.flash_ends_at = 0


def _lot_restored(state: ShowState, event: ev.LotRestored, at_ms: int) -> None:
    known = state.lots.get(event.lot_id)
    if known is None:
        return
    if known.status != "removed":
        known.pre_bids.clear()
        known.pre_bid_count = 0
        known.units_left = known.units_total - known.units_sold
        known.units_done = known.units_total - known.units_left
    known.status = "queued"
    place(state.queue, event.lot_id, event.after)


def _lot_skipped(state: ShowState, event: ev.LotSkipped, at_ms: int) -> None:
    if event.lot_id in state.queue:
        place(state.queue, event.lot_id, "")


def _lot_pinned(state: ShowState, event: ev.LotPinned, at_ms: int) -> None:
    state.pinned_lot = event.lot_id


# --- the auction ----------------------------------------------------------------


def _run_opened(state: ShowState, event: ev.RunOpened, at_ms: int) -> None:
    known = state.lots.get(event.lot_id)
    state.runs[event.run_id] = Run(
        run_id=event.run_id,
        lot_id=event.lot_id,
        unit=event.unit,
        of=event.of,
        opening_cents=event.opening_cents,
        opened_at=event.opened_at,
        ends_at=event.ends_at,
        duration_ms=event.duration_ms,
        counter_bid_ms=event.counter_bid_ms,
        sudden_death=event.sudden_death,
        has_reserve=event.has_reserve,
        withdrawable_until=event.withdrawable_until,
        asking_cents=event.opening_cents,
        pre_bids=event.pre_bids,
        reserve_cents=known.backstage.reserve_cents if known is not None else 0,
    )
    state.current_run = event.run_id
    count_id(state, event.run_id)
    _leave_queue(state, event.lot_id)
    if known is not None:
        known.status = "on_block"
        known.runs.append(event.run_id)


def _max_set(state: ShowState, event: ev.MaxSet, at_ms: int) -> None:
    order = state.next_order
    state.next_order += 1
    run = state.runs.get(event.run_id)
    if run is not None:
        run.maxima[event.bidder] = Maximum(
            bidder=event.bidder, max_cents=event.max_cents, order=order, exact=event.kind == "exact"
        )


def _price_moved(state: ShowState, event: ev.PriceMoved, at_ms: int) -> None:
    run = state.runs.get(event.run_id)
    if run is None:
        return
    run.price_cents = event.price_cents
    run.asking_cents = event.asking_cents
    run.leader = event.leader
    run.leader_name = event.leader_name
    run.ends_at = event.ends_at
    run.bid_count = event.bids
    run.reserve_met = event.reserve_met
    run.epoch = event.epoch
    bids = run.bids
    bids.append(
        Bid(
            at_ms=at_ms,
            bidder=event.bidder or "",
            bidder_name=event.bidder_name,
            price_cents=event.price_cents,
            leader=event.leader,
            leader_name=event.leader_name,
            cause=event.cause,
        )
    )
    if len(bids) > KEPT_BIDS:
        del bids[0]


def _run_paused(state: ShowState, event: ev.RunPaused, at_ms: int) -> None:
    if event.reason == "log_unwritable":
        state.halted = True
    run = state.runs.get(event.run_id)
    if run is not None:
        run.status = "paused"
        run.remaining_ms = event.remaining_ms
        run.paused_at = at_ms
        run.pause_reason = event.reason


def _run_resumed(state: ShowState, event: ev.RunResumed, at_ms: int) -> None:
    if event.reason == "log_writable":
        state.halted = False
    run = state.runs.get(event.run_id)
    if run is not None:
        run.status = "running"
        run.ends_at = event.ends_at
        run.remaining_ms = 0
        run.paused_at = 0
        run.pause_reason = ""


def _clock_moved(state: ShowState, event: ev.ClockMoved, at_ms: int) -> None:
    run = state.runs.get(event.run_id)
    if run is not None:
        run.ends_at = event.ends_at


def _end_run(
    state: ShowState,
    run_id: str,
    status: Literal["hammered", "passed", "withdrawn", "voided"],
    at_ms: int,
) -> Run | None:
    state.halted = False
    if state.current_run == run_id:
        state.current_run = None
    state.last_run = run_id
    run = state.runs.get(run_id)
    if run is not None:
        run.status = status
        run.ended_at = at_ms
        run.remaining_ms = 0
        run.paused_at = 0
        run.pause_reason = ""
    return run


def _run_withdrawn(state: ShowState, event: ev.RunWithdrawn, at_ms: int) -> None:
    _end_run(state, event.run_id, "withdrawn", at_ms)
    known = state.lots.get(event.lot_id)
    if known is not None:
        _stand(state, known)


def _run_voided(state: ShowState, event: ev.RunVoided, at_ms: int) -> None:
    run = _end_run(state, event.run_id, "voided", at_ms)
    if run is not None:
        run.void_reason = event.reason
        run.back_to_queue = event.back_to_queue
    known = state.lots.get(event.lot_id)
    if known is not None:
        known.pre_bids.clear()
        known.pre_bid_count = 0
        if not event.back_to_queue:
            known.units_left = max(0, known.units_left - 1)
        _stand(state, known)
    _line(
        state,
        Line(
            line_id=f"voided:{event.run_id}",
            at_ms=at_ms,
            kind="notice",
            text="voided",
            lot_id=event.lot_id,
        ),
    )


def _hammered(state: ShowState, event: ev.Hammered, at_ms: int) -> None:
    run = _end_run(state, event.run_id, "hammered" if event.sold else "passed", at_ms)
    if run is not None:
        run.bid_count = event.bids
        run.reserve_met = event.reserve_met
    known = state.lots.get(event.lot_id)
    if known is not None:
        known.units_left = max(0, known.units_left - 1)
    if event.sold and event.buyer is not None:
        if run is not None:
            run.sale_id = event.sale_id
        if known is not None:
            known.units_sold += 1
            known.pre_bids.pop(event.buyer, None)
        _sold(
            state,
            Sale(
                sale_id=event.sale_id,
                lot_id=event.lot_id,
                run_id=event.run_id,
                buyer=event.buyer,
                buyer_name=event.buyer_name,
                price_cents=event.price_cents,
                quantity=1,
                how="auction",
                bag_number=event.bag_number,
                at_ms=at_ms,
            ),
            first=event.first_purchase,
        )
    else:
        _line(
            state,
            Line(
                line_id=f"passed:{event.run_id}",
                at_ms=at_ms,
                kind="passed",
                lot_id=event.lot_id,
                price_cents=event.price_cents,
            ),
        )
    if known is not None:
        _stand(state, known)


def _picture_lost(state: ShowState, event: ev.PictureLost, at_ms: int) -> None:
    state.picture_lost_since = event.since_ms


def _picture_returned(state: ShowState, event: ev.PictureReturned, at_ms: int) -> None:
    state.picture_lost_since = 0


def _pre_bid_set(state: ShowState, event: ev.PreBidSet, at_ms: int) -> None:
    known = state.lots.get(event.lot_id)
    if known is None:
        return
    known.pre_bids.pop(event.bidder, None)
    if event.max_cents > 0:
        known.pre_bids[event.bidder] = event.max_cents


def _pre_bids_counted(state: ShowState, event: ev.PreBidsCounted, at_ms: int) -> None:
    known = state.lots.get(event.lot_id)
    if known is not None:
        known.pre_bid_count = event.count


# --- sales, payment, runner-up ----------------------------------------------------


def _sold(state: ShowState, sale: Sale, *, first: bool) -> None:
    state.sales[sale.sale_id] = sale
    count_id(state, sale.sale_id)
    buyer = person_of(state, sale.buyer, sale.buyer_name)
    buyer.purchases += 1
    buyer.spent_cents += sale.price_cents * sale.quantity
    buyer.bag_number = buyer.bag_number or sale.bag_number
    state.next_bag = max(state.next_bag, sale.bag_number + 1)
    _line(
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
            first_purchase=first,
        ),
    )


def _sale_made(state: ShowState, event: ev.SaleMade, at_ms: int) -> None:
    known = state.lots.get(event.lot_id)
    if known is not None:
        aside = known.units_total - known.units_left - known.units_sold
        if not (event.how == "runner_up" and aside >= event.quantity):
            known.units_left = max(0, known.units_left - event.quantity)
        known.units_sold += event.quantity
        if event.how == "flash":
            known.flash_bought[event.buyer] = known.flash_bought.get(event.buyer, 0) + event.quantity
    _sold(
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
        ),
        first=event.first_purchase,
    )
    if known is not None:
        _stand_if_idle(state, known)


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
            known.units_left += sale.quantity
        _stand_if_idle(state, known)
    _line(
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
    for sale_id in event.sale_ids:
        sale = state.sales.get(sale_id)
        if sale is not None and sale.status == "sold":
            sale.status = "validated"


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
    _leave_queue(state, event.lot_id)
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
        _stand(state, known)


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


# --- the room -------------------------------------------------------------------------


def _line(state: ShowState, line: Line) -> None:
    lines = state.lines
    lines.append(line)
    if line.muted:
        if len(lines) - state.public_lines > KEPT_LINES:
            del lines[next(i for i, old in enumerate(lines) if old.muted)]
        return
    state.public_lines += 1
    while state.public_lines > KEPT_LINES:
        if not lines.pop(0).muted:
            state.public_lines -= 1


def _said(state: ShowState, event: ev.LineSaid | ev.LineMuted, at_ms: int, muted: bool) -> None:
    count_id(state, event.line_id)
    person = state.people.get(event.person)
    if person is not None:
        person.last_line_at = at_ms
    _line(
        state,
        Line(
            line_id=event.line_id,
            at_ms=at_ms,
            kind="said",
            person=event.person,
            nickname=event.nickname,
            role=event.role,
            text=event.text,
            reply_to=event.reply_to,
            first_purchase=person is not None and person.purchases == 1,
            muted=muted,
        ),
    )


def _line_said(state: ShowState, event: ev.LineSaid, at_ms: int) -> None:
    _said(state, event, at_ms, False)


def _line_muted(state: ShowState, event: ev.LineMuted, at_ms: int) -> None:
    _said(state, event, at_ms, True)


def _line_deleted(state: ShowState, event: ev.LineDeleted, at_ms: int) -> None:
    if state.pinned_line == event.line_id:
        state.pinned_line = None
    for line in reversed(state.lines):
        if line.line_id == event.line_id:
            line.deleted = True
            line.text = ""
            return


def _line_pinned(state: ShowState, event: ev.LinePinned, at_ms: int) -> None:
    state.pinned_line = event.line_id


def _announced(state: ShowState, event: ev.Announced, at_ms: int) -> None:
    by = state.people.get(event.by)
    line_id = event.line_id or f"announced:{state.next_notice}"
    state.next_notice += 1
    _line(
        state,
        Line(
            line_id=line_id,
            at_ms=at_ms,
            kind="announced",
            person=event.by,
            nickname=by.nickname if by is not None else "",
            role=by.role if by is not None else "owner",
            text=event.text,
        ),
    )


def _slow_mode_set(state: ShowState, event: ev.SlowModeSet, at_ms: int) -> None:
    state.slow_mode_ms = event.every_ms


def _muted_words_set(state: ShowState, event: ev.MutedWordsSet, at_ms: int) -> None:
    state.muted_words = event.words


def _timed_out(state: ShowState, event: ev.TimedOut, at_ms: int) -> None:
    person_of(state, event.person).timed_out_until = event.until


def _blocked(state: ShowState, event: ev.Blocked, at_ms: int) -> None:
    person_of(state, event.person).blocked = True
    run = state.run
    if run is not None:
        run.maxima.pop(event.person, None)


def _unblocked(state: ShowState, event: ev.Unblocked, at_ms: int) -> None:
    person_of(state, event.person).blocked = False


def _followed(state: ShowState, event: ev.Followed, at_ms: int) -> None:
    person_of(state, event.person).following = event.following


def _whispered(state: ShowState, event: ev.Whispered, at_ms: int) -> None:
    by = state.people.get(event.by)
    state.whispers.append(
        Line(
            line_id=f"whisper:{at_ms}:{sum(old.at_ms == at_ms for old in state.whispers)}",
            at_ms=at_ms,
            kind="said",
            person=event.by,
            nickname=event.by_name,
            role=by.role if by is not None else "producer",
            text=event.text,
        )
    )
    if len(state.whispers) > KEPT_WHISPERS:
        del state.whispers[0]


def _buyer_noted(state: ShowState, event: ev.BuyerNoted, at_ms: int) -> None:
    person_of(state, event.buyer).note = event.note


def _only_news(state: ShowState, event: Any, at_ms: int) -> None:
    """Said for the record and the screens; the state of the sale is not touched."""


_FOLDS: dict[type, Callable[[ShowState, Any, int], None]] = {
    ev.ShowOpened: _show_opened,
    ev.ShowEdited: _show_edited,
    ev.ShowWentLive: _show_went_live,
    ev.ShowEnded: _show_ended,
    ev.PersonJoined: _person_joined,
    ev.PersonLeft: _person_left,
    ev.RunOfShowSet: _run_of_show_set,
    ev.LotAdded: _lot_added,
    ev.LotBackstageSet: _lot_backstage_set,
    ev.LotEdited: _lot_edited,
    ev.LotBackstageEdited: _lot_backstage_edited,
    ev.LotMoved: _lot_moved,
    ev.LotRemoved: _lot_removed,
    ev.LotRestored: _lot_restored,
    ev.LotSkipped: _lot_skipped,
    ev.LotPinned: _lot_pinned,
    ev.RunOpened: _run_opened,
    ev.MaxSet: _max_set,
    ev.PriceMoved: _price_moved,
    ev.RunPaused: _run_paused,
    ev.RunResumed: _run_resumed,
    ev.ClockMoved: _clock_moved,
    ev.RunWithdrawn: _run_withdrawn,
    ev.RunVoided: _run_voided,
    ev.Hammered: _hammered,
    ev.PictureLost: _picture_lost,
    ev.PictureReturned: _picture_returned,
    ev.PlatformReturned: _only_news,
    ev.PreBidSet: _pre_bid_set,
    ev.PreBidsCounted: _pre_bids_counted,
    ev.SaleMade: _sale_made,
    ev.SaleVoided: _sale_voided,
    ev.BasketValidated: _basket_validated,
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
    ev.LineSaid: _line_said,
    ev.LineMuted: _line_muted,
    ev.LineDeleted: _line_deleted,
    ev.LinePinned: _line_pinned,
    ev.Announced: _announced,
    ev.SlowModeSet: _slow_mode_set,
    ev.MutedWordsSet: _muted_words_set,
    ev.TimedOut: _timed_out,
    ev.Blocked: _blocked,
    ev.Unblocked: _unblocked,
    ev.Followed: _followed,
    ev.Whispered: _whispered,
    ev.BuyerNoted: _buyer_noted,
    ev.MediaNoted: _only_news,
}
