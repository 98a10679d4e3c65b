"""What two folds must agree on: the public facts of a show, and what one reader's screen shows."""

from __future__ import annotations

from typing import Any

import msgspec

from seller_console.contract.words import BACKSTAGE, STAFF, Who
from seller_console.sale.payment import is_owed
from seller_console.sale.state import LotState, Run, ShowState


def public(state: ShowState) -> dict[str, Any]:
    """Facts that every reader's fold knows alike, whatever rows were hidden from it."""
    return {
        "show": (
            state.title, state.owner, state.status, state.rehearsal, state.live_at, state.ended_at, state.preset,
            state.picture_rule, state.picture_lost_since, state.halted,
        ),
        "queue": list(state.queue),
        "lots": {lot_id: _public_lot(known) for lot_id, known in state.lots.items()},
        "runs": {run_id: _public_run(run) for run_id, run in state.runs.items()},
        "block": (state.current_run, state.last_run),
        "sales": {
            sale.sale_id: (
                sale.lot_id, sale.run_id, sale.buyer, sale.buyer_name, sale.price_cents, sale.quantity, sale.how,
                sale.bag_number, sale.at_ms, sale.status == "voided",
            )
            for sale in state.sales.values()
        },
        "people": {
            person.person: (
                person.nickname, person.role, person.present, person.bag_number, person.purchases, person.spent_cents,
                person.blocked, person.timed_out_until, person.following, person.invited_by,
            )
            for person in state.people.values()
        },
        "lines": [msgspec.structs.asdict(line) for line in state.lines if not line.muted],
        "pinned": (state.pinned_line, state.pinned_lot),
        "slow": state.slow_mode_ms,
        "giveaways": {
            giveaway.giveaway_id: (
                giveaway.lot_id, giveaway.seed_hash, giveaway.ends_at, tuple(giveaway.entrants), giveaway.drawn,
                giveaway.winner, giveaway.seed if giveaway.drawn else "",
            )
            for giveaway in state.giveaways.values()
        },
        "giveaway": state.current_giveaway,
        "numbers": (state.next_number, state.next_bag),
    }  # fmt: skip


def _public_lot(known: LotState) -> tuple[Any, ...]:
    return (
        known.lot, known.status, known.units_total, known.units_left, known.units_done, known.units_sold,
        tuple(known.runs), known.flash_price_cents, known.flash_ends_at, known.flash_per_buyer,
        dict(known.flash_bought),
    )  # fmt: skip


def _public_run(run: Run) -> tuple[Any, ...]:
    return (
        run.lot_id, run.unit, run.of, run.opening_cents, run.opened_at, run.ends_at, run.duration_ms,
        run.counter_bid_ms, run.sudden_death, run.has_reserve, run.withdrawable_until, run.status, run.price_cents,
        run.asking_cents, run.leader, run.leader_name, run.reserve_met, run.epoch, run.bid_count,
        [msgspec.structs.asdict(bid) for bid in run.bids], run.remaining_ms, run.paused_at, run.pause_reason,
        run.ended_at, run.sale_id, run.void_reason,
    )  # fmt: skip


def screen(state: ShowState, who: Who) -> dict[str, Any]:
    """What `who` has before their eyes: no stamps of the past, no secrets of others, no old runs."""
    staff, backstage = who.role in STAFF, who.role in BACKSTAGE
    run = state.run
    last = state.runs.get(state.last_run) if state.last_run else None
    me = state.people.get(who.person)
    own = [s for s in state.sales.values() if backstage or s.buyer == who.person]
    return {
        "show": (
            state.title, state.owner, state.status, state.rehearsal, state.currency, state.preset, state.other_preset,
            state.picture_rule, state.picture_lost_since, state.halted,
        ),
        "paid": (state.fee_bps, state.payment_page) if backstage else None,
        "queue": list(state.queue),
        "lots": {
            lot_id: (
                known.lot, known.status, known.units_total, known.units_left, known.units_sold, known.flash_ends_at,
                known.flash_price_cents if known.flash_ends_at else 0,
                known.backstage if backstage else None, known.version if backstage else None,
                known.pre_bid_count if staff else None, known.pre_bids.get(who.person),
            )
            for lot_id, known in state.lots.items()
        },
        "run": None if run is None else (
            run.run_id, run.lot_id, run.unit, run.of, run.opening_cents, run.ends_at, run.counter_bid_ms,
            run.sudden_death, run.has_reserve, run.withdrawable_until, run.status, run.price_cents, run.asking_cents,
            run.leader, run.leader_name, run.reserve_met if run.bids else None, run.epoch, run.bid_count,
            run.pre_bids if staff else None, run.remaining_ms, run.pause_reason, run.paused_at,
            [(b.bidder, b.bidder_name, b.price_cents, b.leader, b.leader_name, b.cause) for b in run.bids],
            run.maxima[who.person].max_cents if who.person in run.maxima else None,
        ),
        "last": None if last is None else (
            last.run_id, last.status, last.price_cents, last.leader, last.leader_name, last.bid_count, last.sale_id,
            last.void_reason, last.pre_bids if staff else None,
        ),
        "sales": {
            s.sale_id: (s.lot_id, s.buyer, s.buyer_name, s.price_cents, s.quantity, s.how, s.bag_number,
                        s.status == "voided")
            for s in state.sales.values()
        },
        "baskets": [
            (b.buyer, b.sale_ids, b.total_cents, b.payment_link)
            for b in state.baskets if (backstage or b.buyer == who.person) and is_owed(state, b)
        ],
        "payments": {s.sale_id: s.status for s in own if s.status != "voided"},
        "lines": [
            (ln.line_id, ln.kind, ln.person, ln.nickname, ln.role, ln.text, ln.lot_id, ln.price_cents, ln.reply_to,
             ln.first_purchase, ln.muted, ln.deleted)
            for ln in state.lines if not ln.muted or ln.person == who.person
        ],
        "pinned": (state.pinned_line, state.pinned_lot),
        "slow": state.slow_mode_ms,
        "me": None if me is None else (
            me.nickname, me.role, me.bag_number, me.purchases, me.spent_cents, me.blocked, me.following,
            me.limit_cents, me.timed_out_until if me.timed_out_until > state.last_at else 0,
        ),
        "people": {
            p.person: (p.nickname, p.role, p.present, p.bag_number, p.purchases, p.spent_cents, p.blocked,
                       p.following, p.note if backstage else "")
            for p in state.people.values()
        } if staff else None,
        "muted": state.muted_words if staff else None,
        "run_of_show": (state.run_of_show, state.run_of_show_version) if backstage else None,
        "whispers": [(ln.person, ln.nickname, ln.text) for ln in state.whispers] if backstage else None,
        "giveaway": None if state.current_giveaway is None else (
            state.giveaways[state.current_giveaway].seed_hash, state.giveaways[state.current_giveaway].ends_at,
            list(state.giveaways[state.current_giveaway].entrants),
        ),
        "runner_ups": {
            o.offer_id: (o.sale_id, o.buyer, o.price_cents, o.expires_at, o.nth, o.answer)
            for o in state.runner_ups.values() if backstage or o.buyer == who.person
        },
        "offers": {
            o.offer_id: (o.lot_id, o.buyer, o.price_cents, o.answer)
            for o in state.offers.values() if backstage or o.buyer == who.person
        },
        "next_number": state.next_number,
    }  # fmt: skip


def differences(one: dict[str, Any], other: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Where two pictures of a show disagree; empty when they agree."""
    found: dict[str, tuple[Any, Any]] = {}
    for name, value in one.items():
        against = other[name]
        if value == against:
            continue
        if isinstance(value, dict) and isinstance(against, dict):
            absent = "(absent)"
            keys = [key for key in value.keys() | against.keys() if value.get(key, absent) != against.get(key, absent)]
            found |= {f"{name}[{key}]": (value.get(key), against.get(key)) for key in keys}
        else:
            found[name] = (value, against)
    return found
