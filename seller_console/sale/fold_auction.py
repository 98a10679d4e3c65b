"""What events do to a run: its price, leader, clock and end."""

from __future__ import annotations

from typing import Literal

from ..contract import events as ev
from .fold_room import Folds, add_line, count_id
from .fold_stock import forget_pre_bids, leave_queue, record_sale, set_left, stand
from .state import Bid, Line, Maximum, Run, Sale, ShowState

KEPT_BIDS = 200


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
        pre_bids=event.pre_bids or (known.pre_bid_count if known is not None else 0),
        reserve_cents=known.backstage.reserve_cents if known is not None else 0,
    )
    state.current_run = event.run_id
    count_id(state, event.run_id)
    leave_queue(state, event.lot_id)
    if known is not None:
        known.status = "on_block"
        known.runs.append(event.run_id)


def _max_set(state: ShowState, event: ev.MaxSet, at_ms: int) -> None:
    run = state.runs.get(event.run_id)
    if event.kind == "capped":
        if run is not None and event.max_cents == 0:
            run.maxima.pop(event.bidder, None)
        elif run is not None and event.bidder in run.maxima:
            run.maxima[event.bidder].max_cents = event.max_cents
        return
    order = state.next_order
    state.next_order += 1
    if run is not None:
        run.bid_live = run.bid_live or event.kind != "pre_bid"
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
        run.paused_at = event.paused_at or at_ms
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
        stand(state, known)


def _run_voided(state: ShowState, event: ev.RunVoided, at_ms: int) -> None:
    run = _end_run(state, event.run_id, "voided", at_ms)
    if run is not None:
        run.void_reason = event.reason
        run.back_to_queue = event.back_to_queue
    known = state.lots.get(event.lot_id)
    if known is not None:
        forget_pre_bids(known)
        if not event.back_to_queue:
            set_left(known, max(0, known.units_left - 1))
        stand(state, known)
    add_line(
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
        set_left(known, max(0, known.units_left - 1))
    if event.sold and event.buyer is not None:
        if run is not None:
            run.sale_id = event.sale_id
        if known is not None:
            known.units_sold += 1
            known.pre_bids.pop(event.buyer, None)
        record_sale(
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
                first_purchase=event.first_purchase,
            ),
        )
    else:
        add_line(
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
        stand(state, known)


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


FOLDS: Folds = {
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
    ev.PreBidSet: _pre_bid_set,
    ev.PreBidsCounted: _pre_bids_counted,
}
