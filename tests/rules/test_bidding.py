"""Rules 1 to 6 and 8: need, arrival, tap, max, resolution, counter-bid time, reserve."""

from __future__ import annotations

import pytest

from seller_console.contract import commands as cm
from seller_console.contract import events as ev
from seller_console.contract.words import Preset
from seller_console.sale.increments import increment_cents

from .floor import ANA, BEN, CLEO, DAN, MARIE, MODO, OWNER, PLATFORM, Floor


@pytest.mark.parametrize(
    ("price", "step"),
    [
        (1, 1), (29, 1), (30, 2), (49, 2), (50, 3), (99, 3), (100, 5), (299, 5), (300, 10), (999, 10),
        (1_000, 20), (1_999, 20), (2_000, 50), (50_000, 50),
    ],
)  # fmt: skip
def test_a_price_on_a_threshold_takes_the_higher_step(price: int, step: int) -> None:
    assert increment_cents(price * 100) == step * 100


def test_a_price_just_under_a_threshold_keeps_the_lower_step() -> None:
    assert increment_cents(29_99) == 1_00
    assert increment_cents(99_99) == 3_00


def test_with_no_leader_the_need_is_the_opening_price() -> None:
    floor = Floor()
    floor.lot(opening=7)
    assert floor.pdd().asking_cents == 700
    refusal = floor.no_bid("low", ANA, 6)
    assert refusal.facts["need_cents"] == 700
    floor.bid(ANA, 7)
    assert (floor.price, floor.leader) == (7, "ana")


def test_with_a_leader_the_need_is_the_price_and_a_step() -> None:
    floor = Floor()
    floor.lot(opening=30)
    floor.pdd()
    floor.bid(ANA, 30)
    assert floor.run.asking_cents == 32_00
    assert floor.no_bid("low", BEN, 31).facts["need_cents"] == 32_00
    floor.bid(BEN, 32)
    assert (floor.price, floor.leader) == (32, "ben")


def test_a_bid_one_millisecond_before_the_end_counts_and_one_at_the_end_does_not() -> None:
    for offset, counts in ((-1, True), (0, False), (1, False)):
        floor = Floor()
        run = floor.pdd(preset=Preset(sudden_death=True))
        floor.bid(ANA, 1)
        if counts:
            floor.bid(BEN, 2, at=run.ends_at + offset)
            assert floor.leader == "ben"
        else:
            floor.no_bid("late", BEN, 2, at=run.ends_at + offset)
            assert floor.leader == "ana"


def test_a_late_bid_hammers_nothing() -> None:
    floor = Floor()
    run = floor.pdd()
    floor.bid(ANA, 1)
    floor.no_bid("late", BEN, 2, at=run.ends_at + 5_000)
    assert floor.run.status == "running"
    assert isinstance(floor.bell(floor.now)[0], ev.Hammered)


def test_a_bid_on_a_run_that_has_ended_is_late() -> None:
    floor = Floor()
    floor.pdd()
    floor.bid(ANA, 1)
    floor.bell()
    floor.no_bid("late", BEN, 2)


def test_a_bid_on_a_run_that_was_stopped_early_is_late_too() -> None:
    floor = Floor()
    run = floor.pdd()
    floor.ok(cm.VoidRun(run_id=run.run_id, reason="erreur"), OWNER)
    late = cm.PlaceBid(run_id=run.run_id, amount_cents=100)
    floor.no("late", late, ANA)
    floor.pdd()
    floor.no("late", late, ANA)
    assert (run.leader, floor.leader) == (None, None)


def test_a_bid_on_a_run_nobody_opened_is_unknown() -> None:
    floor = Floor()
    floor.pdd()
    floor.no("unknown_run", cm.PlaceBid(run_id="R999", amount_cents=100), ANA)


def test_a_tap_is_a_max_of_exactly_what_was_on_the_button() -> None:
    floor = Floor()
    floor.pdd()
    floor.bid(ANA, 1)
    floor.bid(BEN, 5)
    assert (floor.price, floor.leader) == (2, "ben"), "a tap above the need is a max, not a price"
    floor.bid(CLEO, 5)
    assert (floor.price, floor.leader) == (5, "ben")
    floor.bid(CLEO, 6)
    assert (floor.price, floor.leader) == (6, "cleo")


def test_a_tap_below_the_need_is_refused_and_never_raised() -> None:
    floor = Floor()
    floor.pdd()
    floor.bid(ANA, 1)
    floor.bid(BEN, 2)
    refusal = floor.no_bid("low", CLEO, 2)
    assert refusal.facts == {"need_cents": 300}
    assert "3\u202f€" in refusal.sentence
    assert (floor.price, floor.leader, floor.run.bid_count) == (2, "ben", 2)


def test_a_leaders_tap_or_exact_bid_is_refused() -> None:
    floor = Floor()
    floor.pdd()
    floor.bid(ANA, 1)
    floor.no_bid("already_leading", ANA, 2, "tap")
    floor.no_bid("already_leading", ANA, 9, "exact")
    assert floor.price == 1


def test_one_bidder_pays_the_opening_price_however_high_their_max() -> None:
    floor = Floor()
    floor.pdd()
    floor.bid(ANA, 500, "max")
    assert (floor.price, floor.leader) == (1, "ana")


def test_a_max_must_reach_the_need() -> None:
    floor = Floor()
    floor.pdd()
    floor.bid(ANA, 50, "max")
    floor.bid(BEN, 20, "max")
    assert floor.price == 21
    floor.no_bid("low", CLEO, 21, "max")
    floor.bid(CLEO, 22, "max")
    assert (floor.price, floor.leader) == (23, "ana")


def test_a_leaders_new_max_must_exceed_the_old_and_moves_neither_price_nor_clock() -> None:
    floor = Floor()
    run = floor.pdd()
    floor.bid(ANA, 10, "max")
    floor.no_bid("max_not_raised", ANA, 10, "max")
    floor.no_bid("max_not_raised", ANA, 9, "max")
    floor.now = run.ends_at - 1
    events = floor.bid(ANA, 11, "max")
    assert [type(event) for event in events] == [ev.MaxSet]
    assert (floor.price, floor.run.ends_at) == (1, run.opened_at + 30_000)
    floor.bid(BEN, 11)
    assert (floor.price, floor.leader) == (11, "ana"), "the raised max holds"


def test_the_price_is_a_step_above_the_second_max_capped_by_the_leaders() -> None:
    floor = Floor()
    floor.pdd()
    floor.bid(ANA, 40, "max")
    floor.bid(BEN, 60, "max")
    assert (floor.price, floor.leader) == (42, "ben")
    floor.bid(CLEO, 59, "max")
    assert (floor.price, floor.leader) == (60, "ben"), "59 + 3 is more than the leader's max"


def test_a_new_leader_pays_no_more_than_their_max() -> None:
    floor = Floor()
    floor.pdd()
    floor.bid(ANA, 30, "max")
    floor.bid(BEN, 31, "max")
    assert (floor.price, floor.leader) == (31, "ben"), "30 + 2 is capped at 31"


def test_a_tie_goes_to_the_earlier_at_that_amount() -> None:
    floor = Floor()
    floor.pdd()
    floor.bid(ANA, 20, "max")
    floor.bid(BEN, 20, "max")
    assert (floor.price, floor.leader) == (20, "ana")


def test_raising_a_max_takes_a_new_place_in_the_order() -> None:
    floor = Floor()
    floor.pdd()
    floor.bid(ANA, 10, "max")
    floor.bid(BEN, 20, "max")
    floor.bid(ANA, 20, "max")
    assert (floor.price, floor.leader) == (20, "ben")
    floor.bid(CLEO, 50, "max")
    floor.ok(cm.Block(person="cleo"), OWNER)
    assert floor.leader == "ben", "Ana bid first, but her 20 came after Ben's"


def test_an_exact_bid_is_the_price_at_once_when_it_leads() -> None:
    floor = Floor()
    floor.pdd()
    floor.bid(ANA, 1)
    floor.bid(BEN, 40, "exact")
    assert (floor.price, floor.leader) == (40, "ben")


def test_an_exact_bid_that_loses_to_a_max_is_a_max() -> None:
    floor = Floor()
    floor.pdd()
    floor.bid(ANA, 60, "max")
    floor.bid(BEN, 40, "exact")
    assert (floor.price, floor.leader) == (42, "ana")


def test_a_bid_that_loses_to_a_max_still_counts_and_is_shown() -> None:
    floor = Floor()
    floor.pdd()
    floor.bid(ANA, 60, "max")
    moved = floor.bid(BEN, 10)[1]
    assert isinstance(moved, ev.PriceMoved)
    assert (moved.bidder, moved.leader, moved.price_cents, moved.bids) == ("ben", "ana", 1100, 2)


# --- counter-bid time -------------------------------------------------------------


@pytest.mark.parametrize(("left", "extends"), [(10_001, False), (10_000, False), (9_999, True), (1, True)])
def test_a_bid_with_less_than_the_counter_bid_time_left_gives_it_back(left: int, extends: bool) -> None:
    floor = Floor()
    run = floor.pdd()
    ends_at = run.ends_at
    moved = floor.bid(ANA, 1, at=ends_at - left)[1]
    assert isinstance(moved, ev.PriceMoved)
    assert moved.extended is extends
    assert floor.run.ends_at == (floor.now + 10_000 if extends else ends_at)


def test_a_bid_never_shortens_the_clock() -> None:
    floor = Floor()
    run = floor.pdd(preset=Preset(duration_ms=60_000, counter_bid_ms=10_000))
    floor.bid(ANA, 1, at=run.opened_at + 1)
    assert floor.run.ends_at == run.opened_at + 60_000


def test_a_bid_that_loses_to_a_max_extends_too() -> None:
    floor = Floor()
    run = floor.pdd()
    floor.bid(ANA, 50, "max")
    floor.bid(BEN, 2, at=run.ends_at - 1)
    assert floor.leader == "ana"
    assert floor.run.ends_at == floor.now + 10_000


def test_the_lots_own_counter_bid_time_is_used() -> None:
    floor = Floor(preset=Preset(counter_bid_ms=4_000))
    run = floor.pdd()
    floor.bid(ANA, 1, at=run.ends_at - 5_000)
    assert floor.run.ends_at == run.opened_at + 30_000
    floor.bid(BEN, 2, at=run.ends_at - 3_000)
    assert floor.run.ends_at == floor.now + 4_000


def test_in_sudden_death_bids_never_extend() -> None:
    floor = Floor()
    run = floor.pdd(preset=Preset(sudden_death=True))
    ends_at = run.ends_at
    floor.bid(ANA, 1, at=ends_at - 500)
    floor.bid(BEN, 2, at=ends_at - 1)
    assert floor.run.ends_at == ends_at


# --- reserve ------------------------------------------------------------------------


def test_the_examples_of_the_reserve_hold() -> None:
    floor = Floor()
    floor.lot(reserve=60)
    floor.pdd()
    floor.bid(ANA, 100, "max")
    assert (floor.price, floor.run.reserve_met) == (60, True)
    floor = Floor()
    floor.lot(reserve=60)
    floor.pdd()
    floor.bid(ANA, 40, "max")
    assert (floor.price, floor.run.reserve_met) == (1, False)


def test_a_max_of_exactly_the_reserve_meets_it() -> None:
    floor = Floor()
    floor.lot(reserve=60)
    floor.pdd()
    floor.bid(ANA, 60, "max")
    assert (floor.price, floor.run.reserve_met) == (60, True)
    assert isinstance(sold := floor.bell()[0], ev.Hammered) and sold.sold


def test_a_leader_raising_their_own_max_to_the_reserve_moves_the_price_but_not_the_clock() -> None:
    floor = Floor()
    floor.lot(reserve=60)
    run = floor.pdd()
    floor.bid(ANA, 40, "max")
    floor.bid(BEN, 10)
    events = floor.bid(ANA, 80, "max", at=run.ends_at - 1)
    moved = events[1]
    assert isinstance(moved, ev.PriceMoved)
    assert (moved.cause, moved.price_cents, moved.reserve_met) == ("reserve", 6000, True)
    assert floor.run.ends_at == run.opened_at + 30_000
    assert floor.run.bid_count == 2


def test_below_the_reserve_the_lot_passes() -> None:
    floor = Floor()
    lot_id = floor.lot(reserve=60)
    floor.pdd()
    floor.bid(ANA, 59, "exact")
    end = floor.bell()[0]
    assert isinstance(end, ev.Hammered)
    assert (end.sold, end.reserve_met, end.price_cents, end.buyer) == (False, False, 5900, None)
    assert floor.state.lots[lot_id].status == "passed"
    assert floor.state.sales == {}


def test_a_second_bidder_reaching_the_reserve_meets_it() -> None:
    floor = Floor()
    floor.lot(reserve=60)
    floor.pdd()
    floor.bid(ANA, 40, "max")
    floor.bid(BEN, 70, "max")
    assert (floor.price, floor.leader, floor.run.reserve_met) == (60, "ben", True)


# --- amounts, people ----------------------------------------------------------------


@pytest.mark.parametrize("cents", [0, -100, 50, 150, 101, 1_000_001_00])
@pytest.mark.parametrize("kind", ["tap", "max", "exact"])
def test_a_bid_is_a_whole_number_of_units_up_to_a_million(cents: int, kind: str) -> None:
    floor = Floor()
    run = floor.pdd()
    floor.no("bad_amount", cm.PlaceBid(run_id=run.run_id, amount_cents=cents, kind=kind), ANA)  # type: ignore[arg-type]


def test_the_team_of_a_show_cannot_bid_on_it_whatever_pass_they_hold() -> None:
    floor = Floor()
    run = floor.pdd()
    for who in (OWNER, MARIE, MODO):
        floor.no("not_allowed", cm.PlaceBid(run_id=run.run_id, amount_cents=100), who)
    disguised = ANA.__class__(person="modo", role="buyer", nickname="Modo")
    floor.no("staff_cannot_bid", cm.PlaceBid(run_id=run.run_id, amount_cents=100), disguised)


def test_who_has_not_joined_cannot_bid() -> None:
    floor = Floor(ANA)
    floor.pdd()
    floor.no_bid("not_joined", BEN, 1)


def test_who_is_blocked_cannot_bid() -> None:
    floor = Floor()
    floor.pdd()
    floor.ok(cm.Block(person="ana"), MODO)
    floor.no_bid("blocked", ANA, 1)
    floor.ok(cm.Unblock(person="ana"), MODO)
    floor.bid(ANA, 1)


# --- the end of a run ---------------------------------------------------------------


def test_the_bell_does_nothing_before_the_current_end() -> None:
    floor = Floor()
    run = floor.pdd()
    first_end = run.ends_at
    floor.bid(ANA, 1, at=first_end - 1)
    assert floor.bell(first_end) == ()
    assert floor.bell(floor.run.ends_at - 1) == ()
    assert isinstance(floor.bell(floor.run.ends_at)[0], ev.Hammered)


def test_a_run_ends_once() -> None:
    floor = Floor()
    run = floor.pdd()
    floor.bid(ANA, 1)
    floor.bell()
    assert floor.ok(cm.RingBell(run_id=run.run_id), PLATFORM) == ()
    floor.no("no_run", cm.VoidRun(run_id=run.run_id, reason="trop tard"), OWNER)
    floor.no("no_run", cm.WithdrawRun(run_id=run.run_id), OWNER)
    floor.no("no_run", cm.ResumeRun(run_id=run.run_id), OWNER)


def test_the_bell_of_an_old_run_does_not_end_the_new_one() -> None:
    floor = Floor()
    old = floor.pdd().run_id
    floor.bell()
    run = floor.pdd()
    assert floor.ok(cm.RingBell(run_id=old), PLATFORM, run.ends_at) == ()
    assert floor.run is run


def test_with_a_leader_and_no_reserve_the_hammer_sells() -> None:
    floor = Floor()
    lot_id = floor.lot("Dracaufeu")
    floor.pdd()
    floor.bid(ANA, 1)
    floor.bid(BEN, 2)
    end = floor.bell()[0]
    assert isinstance(end, ev.Hammered)
    assert (end.sold, end.price_cents, end.buyer, end.buyer_name, end.bids) == (True, 200, "ben", "Ben", 2)
    sale = floor.state.sales[end.sale_id]
    assert (sale.buyer, sale.price_cents, sale.how, sale.lot_id) == ("ben", 200, "auction", lot_id)
    assert floor.state.lots[lot_id].status == "sold"
    assert floor.state.run is None


def test_without_a_leader_the_lot_passes() -> None:
    floor = Floor()
    lot_id = floor.lot()
    floor.pdd()
    end = floor.bell()[0]
    assert isinstance(end, ev.Hammered)
    assert (end.sold, end.price_cents) == (False, 0)
    assert floor.state.lots[lot_id].status == "passed"
    assert floor.state.queue == []


def test_a_bag_number_is_given_at_the_first_purchase_and_stays() -> None:
    floor = Floor()
    for who in (ANA, BEN, ANA, DAN):
        floor.sell(who)
    bags = [sale.bag_number for sale in floor.state.sales.values()]
    assert bags == [1, 2, 1, 3]
    first = [line.first_purchase for line in floor.state.lines if line.kind == "sold"]
    assert first == [True, True, False, True]
    assert floor.state.people["ana"].bag_number == 1
