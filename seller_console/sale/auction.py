"""The auction: who leads, at what price, until when (rules 1 to 11, 13 and 15).

Resolution (rule 5) is a sort by max, then by order of acceptance. A bid needs only the
leader's max and its own: no other max can matter to the price, because the price already
answers them. Pre-bids and a new epoch have no such past and are resolved whole.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from ..contract import commands as cm
from ..contract import events as ev
from ..contract.words import Lot, LotBackstage, PersonId, Preset, Refusal, Who
from .guards import (
    buyer_of,
    is_bid_amount,
    limit_refusal,
    lot_of,
    preset_refusal,
    queued_lot,
    said,
    within_limit,
)
from .increments import increment_cents, need_cents
from .refusals import refuse
from .state import LotState, Maximum, Run, ShowState
from .text import REASON_LENGTH

WITHDRAWABLE_MS = 2_000
PAUSE_MS = 120_000

Decision = tuple[ev.Event, ...] | Refusal


# --- resolution -----------------------------------------------------------------


def resolved(maxima: Iterable[Maximum], opening_cents: int, reserve_cents: int) -> tuple[Maximum | None, int]:
    """Leader and price of a set of maxima with no past (rules 5 and 8). (None, 0) of an empty one."""
    ranked = sorted(maxima, key=lambda m: (-m.max_cents, m.order))
    if not ranked:
        return None, 0
    leader = ranked[0]
    price = opening_cents
    if len(ranked) > 1:
        second = ranked[1].max_cents
        price = max(price, min(leader.max_cents, second + increment_cents(second)))
    if leader.exact:
        price = max(price, leader.max_cents)
    return leader, with_reserve(price, leader.max_cents, reserve_cents)


def with_reserve(price_cents: int, leader_max_cents: int, reserve_cents: int) -> int:
    """Once the leader's max reaches the reserve, the price does too (rule 8)."""
    if reserve_cents and leader_max_cents >= reserve_cents:
        return max(price_cents, reserve_cents)
    return price_cents


def _nickname(state: ShowState, person: PersonId | None) -> str:
    known = state.people.get(person) if person is not None else None
    return known.nickname if known is not None else ""


# --- starting -------------------------------------------------------------------


def next_lot(state: ShowState) -> LotState | None:
    """The lot PDD would open: the first queued auction lot."""
    for lot_id in state.queue:
        known = state.lots[lot_id]
        if known.lot.format == "auction":
            return known
    return None


def start_auction(state: ShowState, command: cm.StartAuction, who: Who, at_ms: int) -> Decision:
    if state.status != "live":
        return refuse("not_live")
    if state.current_run is not None:
        return refuse("run_on", run_id=state.current_run)
    if state.picture_lost_since and state.picture_rule != "continue":
        return refuse("picture_lost")
    made: tuple[ev.Event, ...] = ()
    if command.lot_id:
        known = state.lots.get(command.lot_id)
        if known is None or known.status != "queued":
            return refuse("not_next", lot_id=command.lot_id)
        if known.lot.format != "auction":
            return refuse("not_an_auction_lot", lot_id=command.lot_id)
    else:
        known = next_lot(state)
        if known is None:
            known, added = _lot_on_the_spot(state, who, command.picture)
            made = (added,)
    preset = command.preset or known.lot.preset or state.preset
    bad = preset_refusal(preset)
    if bad is not None:
        return bad
    return made + _opened(state, known, preset, who, at_ms, state.next_id + len(made))


def _lot_on_the_spot(state: ShowState, who: Who, picture: str) -> tuple[LotState, ev.LotAdded]:
    """With an empty queue: next number, title "Lot 148", picture from the camera."""
    lot = Lot(
        lot_id=f"L{state.next_id}",
        number=state.next_number,
        title=f"Lot {state.next_number}",
        pictures=(picture,) if picture else (),
    )
    return LotState(lot=lot, backstage=LotBackstage()), ev.LotAdded(lot=lot, by=who.person, after=None)


def _opened(
    state: ShowState, known: LotState, preset: Preset, who: Who, at_ms: int, number: int
) -> tuple[ev.Event, ...]:
    run_id = f"R{number}"
    lot = known.lot
    reserve = known.backstage.reserve_cents
    ends_at = at_ms + preset.duration_ms
    maxima = _pre_bid_maxima(state, known)
    opened = ev.RunOpened(
        run_id=run_id,
        lot_id=lot.lot_id,
        unit=known.units_done + 1,
        of=known.units_total,
        opening_cents=lot.opening_cents,
        opened_at=at_ms,
        ends_at=ends_at,
        counter_bid_ms=preset.counter_bid_ms,
        sudden_death=preset.sudden_death,
        has_reserve=lot.has_reserve,
        withdrawable_until=at_ms + WITHDRAWABLE_MS,
        by=who.person,
        duration_ms=preset.duration_ms,
    )
    leader, price = resolved(maxima, lot.opening_cents, reserve)
    if leader is None:
        return (opened,)
    name = _nickname(state, leader.bidder)
    return (
        opened,
        *(ev.MaxSet(run_id=run_id, bidder=m.bidder, max_cents=m.max_cents, kind="pre_bid") for m in maxima),
        ev.PriceMoved(
            run_id=run_id,
            lot_id=lot.lot_id,
            cause="pre_bid",
            price_cents=price,
            asking_cents=price + increment_cents(price),
            leader=leader.bidder,
            leader_name=name,
            bidder=leader.bidder,
            bidder_name=name,
            ends_at=ends_at,
            bids=0,
            reserve_met=price >= reserve,
        ),
    )


def _pre_bid_maxima(state: ShowState, known: LotState) -> list[Maximum]:
    """The pre-bids that count at the opening, in their order: not of the blocked, not below the
    opening price (it may have been raised), and no higher than what is left of a spending limit."""
    maxima: list[Maximum] = []
    for order, (bidder, cents) in enumerate(known.pre_bids.items()):
        person = state.people.get(bidder)
        if person is None or person.blocked:
            continue
        cents = within_limit(state, person, cents)
        if cents >= known.lot.opening_cents:
            maxima.append(Maximum(bidder=bidder, max_cents=cents, order=order))
    return maxima


def set_pre_bid(state: ShowState, command: cm.SetPreBid, who: Who, at_ms: int) -> Decision:
    """Rule 7: a max kept on a queued lot. A changed pre-bid takes a new place in the order; it can be
    taken back (0) whatever became of the lot, but not while it bids on the block."""
    buyer = buyer_of(state, who)
    if isinstance(buyer, Refusal):
        return buyer
    known = lot_of(state, command.lot_id)
    if isinstance(known, Refusal):
        return known
    standing = known.pre_bids.get(who.person, 0)
    if command.max_cents != 0 or known.status == "on_block":
        queued = queued_lot(state, command.lot_id)
        if isinstance(queued, Refusal):
            return queued
    if command.max_cents == standing:
        return ()
    if command.max_cents != 0:
        if known.lot.format != "auction":
            return refuse("not_an_auction_lot", lot_id=command.lot_id)
        if known.lot.followers_only and not buyer.following:
            return refuse("followers_only")
        if not is_bid_amount(command.max_cents):
            return refuse("bad_amount")
        if command.max_cents < known.lot.opening_cents:
            return refuse("low", state.currency, need_cents=known.lot.opening_cents)
        beyond = limit_refusal(state, buyer, command.max_cents)
        if beyond is not None:
            return beyond
    count = len(known.pre_bids) + (command.max_cents > 0) - (standing > 0)
    told: tuple[ev.Event, ...] = (ev.PreBidSet(lot_id=command.lot_id, bidder=who.person, max_cents=command.max_cents),)
    if count != known.pre_bid_count:
        told += (ev.PreBidsCounted(lot_id=command.lot_id, count=count),)
    return told


# --- bidding --------------------------------------------------------------------


def place_bid(state: ShowState, command: cm.PlaceBid, who: Who, at_ms: int) -> Decision:
    buyer = buyer_of(state, who)
    if isinstance(buyer, Refusal):
        return buyer
    run = state.runs.get(command.run_id)
    if run is None:
        return refuse("unknown_run")
    if run.run_id != state.current_run:
        return refuse("late")
    if run.status == "paused":
        return refuse("paused", reason=run.pause_reason)
    if at_ms >= run.ends_at:
        return refuse("late")
    amount = command.amount_cents
    if not is_bid_amount(amount):
        return refuse("bad_amount")
    if run.leader == who.person:
        return _leader_raises(state, run, command, who)
    if not buyer.following and state.lots[run.lot_id].lot.followers_only:
        return refuse("followers_only")
    need = need_cents(run.leader, run.price_cents, run.opening_cents)
    if amount < need:
        return refuse("low", state.currency, need_cents=need)
    beyond = limit_refusal(state, buyer, amount)
    if beyond is not None:
        return beyond

    exact = command.kind == "exact"
    standing = run.maxima.get(run.leader) if run.leader is not None else None
    if standing is None:
        leader, leader_name, leader_max = who.person, buyer.nickname, amount
        price = max(run.price_cents, run.opening_cents)
    elif amount > standing.max_cents:
        leader, leader_name, leader_max = who.person, buyer.nickname, amount
        second = standing.max_cents
        price = max(run.price_cents, run.opening_cents, min(amount, second + increment_cents(second)))
    else:
        leader, leader_name, leader_max = standing.bidder, run.leader_name, standing.max_cents
        price = max(run.price_cents, min(leader_max, amount + increment_cents(amount)))
    if exact and leader == who.person:
        price = max(price, amount)
    price = with_reserve(price, leader_max, run.reserve_cents)
    ends_at = run.ends_at
    if not run.sudden_death and ends_at - at_ms < run.counter_bid_ms:
        ends_at = at_ms + run.counter_bid_ms
    return (
        ev.MaxSet(run_id=run.run_id, bidder=who.person, max_cents=amount, kind=command.kind),
        ev.PriceMoved(
            run_id=run.run_id,
            lot_id=run.lot_id,
            cause="bid",
            price_cents=price,
            asking_cents=price + increment_cents(price),
            leader=leader,
            leader_name=leader_name,
            bidder=who.person,
            bidder_name=buyer.nickname,
            ends_at=ends_at,
            bids=run.bid_count + 1,
            extended=ends_at > run.ends_at,
            reserve_met=price >= run.reserve_cents,
            epoch=run.epoch,
        ),
    )


def _leader_raises(state: ShowState, run: Run, command: cm.PlaceBid, who: Who) -> Decision:
    """Rule 4: only a higher max; it moves neither price nor clock, except up to the reserve (rule 8)."""
    if command.kind != "max":
        return refuse("already_leading")
    standing = run.maxima.get(who.person)
    amount = command.amount_cents
    if standing is not None and amount <= standing.max_cents:
        return refuse("max_not_raised", state.currency, max_cents=standing.max_cents)
    beyond = limit_refusal(state, state.people[who.person], amount - (standing.max_cents if standing else 0))
    if beyond is not None:
        return beyond
    raised = ev.MaxSet(run_id=run.run_id, bidder=who.person, max_cents=amount, kind="max")
    price = with_reserve(run.price_cents, amount, run.reserve_cents)
    if price == run.price_cents:
        return (raised,)
    return (
        raised,
        ev.PriceMoved(
            run_id=run.run_id,
            lot_id=run.lot_id,
            cause="reserve",
            price_cents=price,
            asking_cents=price + increment_cents(price),
            leader=who.person,
            leader_name=run.leader_name,
            bidder=who.person,
            bidder_name=run.leader_name,
            ends_at=run.ends_at,
            bids=run.bid_count,
            reserve_met=True,
            epoch=run.epoch,
        ),
    )


def new_epoch(state: ShowState, run: Run, gone: PersonId, at_ms: int) -> tuple[ev.Event, ...]:
    """Rule 13: the blocked leader's max is gone; the rest is resolved as if it had never been there.

    Who lost was free to spend elsewhere: a max counts as far as its bidder's limit goes.
    """
    capped: list[ev.MaxSet] = []
    standing: list[Maximum] = []
    for known in run.maxima.values():
        if known.bidder == gone:
            continue
        cents = within_limit(state, state.people[known.bidder], known.max_cents)
        cents = cents if cents >= run.opening_cents else 0
        if cents != known.max_cents:
            capped.append(ev.MaxSet(run_id=run.run_id, bidder=known.bidder, max_cents=cents, kind="capped"))
        if cents:
            standing.append(msgspec.structs.replace(known, max_cents=cents))
    leader, price = resolved(standing, run.opening_cents, run.reserve_cents)
    person = leader.bidder if leader is not None else None
    ends_at = run.ends_at
    if run.status == "running":
        ends_at = max(ends_at, at_ms + run.counter_bid_ms)
    moved = ev.PriceMoved(
        run_id=run.run_id,
        lot_id=run.lot_id,
        cause="epoch",
        price_cents=price,
        asking_cents=need_cents(person, price, run.opening_cents),
        leader=person,
        leader_name=_nickname(state, person),
        bidder=None,
        bidder_name="",
        ends_at=ends_at,
        bids=run.bid_count,
        extended=ends_at > run.ends_at,
        reserve_met=person is not None and price >= run.reserve_cents,
        epoch=run.epoch + 1,
    )
    return *capped, moved


# --- the end of a run -----------------------------------------------------------


def ring_bell(state: ShowState, command: cm.RingBell, who: Who, at_ms: int) -> Decision:
    """Rules 2 and 9: a bell stamped before the current `ends_at` does nothing."""
    run = state.run
    if run is None or run.run_id != command.run_id or run.status != "running" or at_ms < run.ends_at:
        return ()
    if run.leader is None or run.price_cents < run.reserve_cents:
        return (
            ev.Hammered(
                run_id=run.run_id,
                lot_id=run.lot_id,
                sold=False,
                price_cents=run.price_cents,
                bids=run.bid_count,
                reserve_met=run.price_cents >= run.reserve_cents,
            ),
        )
    buyer = state.people[run.leader]
    hammered = ev.Hammered(
        run_id=run.run_id,
        lot_id=run.lot_id,
        sold=True,
        price_cents=run.price_cents,
        buyer=run.leader,
        buyer_name=buyer.nickname,
        sale_id=f"S{state.next_id}",
        bag_number=buyer.bag_number or state.next_bag,
        first_purchase=buyer.bag_number == 0,
        bids=run.bid_count,
    )
    known = state.lots[run.lot_id]
    if run.leader not in known.pre_bids:
        return (hammered,)
    return hammered, ev.PreBidsCounted(lot_id=run.lot_id, count=len(known.pre_bids) - 1)


def withdraw_run(state: ShowState, command: cm.WithdrawRun, who: Who, at_ms: int) -> Decision:
    """Retirer: for 2 s, or until the first live bid. Pre-bids are no live bids; a leader's higher max is
    one, though it moves nothing (a console, tried dry, cannot know of it and may hear no)."""
    run = state.run
    if run is None or run.run_id != command.run_id:
        return refuse("no_run")
    if at_ms >= run.withdrawable_until or run.bid_count > 0 or run.bid_live:
        return refuse("too_late_to_withdraw")
    return (ev.RunWithdrawn(run_id=run.run_id, lot_id=run.lot_id, by=who.person),)


def void_run(state: ShowState, command: cm.VoidRun, who: Who, at_ms: int) -> Decision:
    run = state.run
    if run is None or run.run_id != command.run_id:
        return refuse("no_run")
    reason = said(command.reason, REASON_LENGTH)
    if isinstance(reason, Refusal):
        return refuse("no_reason") if reason.code == "empty" else reason
    return (voided(run, who.person, reason, back_to_queue=command.back_to_queue),)


def voided(run: Run, by: PersonId, reason: str, *, back_to_queue: bool = True) -> ev.RunVoided:
    return ev.RunVoided(run_id=run.run_id, lot_id=run.lot_id, by=by, reason=reason, back_to_queue=back_to_queue)


def re_run_lot(state: ShowState, command: cm.ReRunLot, who: Who, at_ms: int) -> Decision:
    """Rule 11: what is put aside (passed, voided, unpaid) goes back to the queue; earlier maxima do not count."""
    known = lot_of(state, command.lot_id)
    if isinstance(known, Refusal):
        return known
    if known.status == "removed":
        return refuse("lot_removed", lot_id=command.lot_id)
    if known.status == "on_block":
        return refuse("on_block", lot_id=command.lot_id)
    asked = {offer.sale_id for offer in state.runner_ups.values() if not offer.answer}
    failed = [s for s in state.sales.values() if s.lot_id == command.lot_id and s.status == "failed"]
    held = [s for s in failed if s.sale_id in asked]
    free = [s for s in failed if s.sale_id not in asked]
    aside = known.units_total - known.units_left - known.units_sold
    if not free and aside <= 0:
        if held:
            return refuse("offer_pending", lot_id=command.lot_id)
        return refuse("already_queued" if known.status == "queued" else "nothing_to_rerun", lot_id=command.lot_id)
    if command.after is not None and command.after not in state.queue and command.after != "":
        return refuse("after_gone", after=command.after)
    if command.after == command.lot_id:
        return refuse("after_itself")
    undone = tuple(
        ev.SaleVoided(sale_id=sale.sale_id, lot_id=sale.lot_id, by=who.person, reason="", back_to_queue=False)
        for sale in free
    )
    return (*undone, ev.LotRestored(lot_id=command.lot_id, after=command.after, by=who.person))
