"""Rules 7, 10, 11, 13: pre-bids, PDD, Retirer, void, re-run, blocking the leader."""

from __future__ import annotations

import pytest

from seller_console.contract import commands as cm
from seller_console.contract import events as ev
from seller_console.contract.words import LotChanges, Preset

from .floor import ANA, BEN, CLEO, DAN, MARIE, MODO, OWNER, Floor


def test_pdd_opens_the_next_lot_at_its_opening_price_with_the_shows_preset() -> None:
    floor = Floor()
    first = floor.lot("Un")
    floor.lot("Deux")
    run = floor.pdd()
    assert (run.lot_id, run.opening_cents, run.price_cents, run.leader) == (first, 100, 0, None)
    assert (run.duration_ms, run.counter_bid_ms, run.sudden_death) == (30_000, 10_000, False)
    assert run.ends_at == floor.now + 30_000
    assert floor.state.lots[first].status == "on_block"
    assert first not in floor.state.queue


def test_a_lots_own_preset_beats_the_shows_and_a_given_one_beats_both() -> None:
    floor = Floor()
    floor.lot(preset=Preset(duration_ms=45_000, counter_bid_ms=7_000, sudden_death=True))
    run = floor.pdd()
    assert (run.duration_ms, run.counter_bid_ms, run.sudden_death) == (45_000, 7_000, True)
    floor.bell()
    floor.lot(preset=Preset(duration_ms=45_000))
    assert floor.pdd(preset=Preset(duration_ms=15_000)).duration_ms == 15_000


@pytest.mark.parametrize("preset", [Preset(duration_ms=499), Preset(duration_ms=3_600_001), Preset(counter_bid_ms=-1)])
def test_an_impossible_preset_opens_nothing(preset: Preset) -> None:
    floor = Floor()
    floor.no("bad_preset", cm.StartAuction(preset=preset), OWNER)


def test_one_auction_at_a_time() -> None:
    floor = Floor()
    floor.lot()
    floor.lot()
    run = floor.pdd()
    floor.no("run_on", cm.StartAuction(), OWNER)
    floor.no("run_on", cm.StartAuction(), OWNER, run.ends_at + 1)


def test_pdd_needs_a_live_show() -> None:
    floor = Floor(live=False)
    floor.lot()
    floor.no("not_live", cm.StartAuction(), OWNER)


def test_pdd_opens_the_lot_that_was_on_the_button_or_refuses() -> None:
    floor = Floor()
    seen = floor.lot("Vu")
    floor.lot("Autre")
    floor.ok(cm.RemoveLot(lot_id=seen), MARIE)
    floor.no("not_next", cm.StartAuction(lot_id=seen), OWNER)
    floor.no("not_next", cm.StartAuction(lot_id="L999"), OWNER)
    floor.ok(cm.RestoreLot(lot_id=seen, after=floor.state.queue[-1]), MARIE)
    assert floor.pdd(seen).lot_id == seen


def test_pdd_takes_no_giveaway_and_no_buy_it_now() -> None:
    floor = Floor()
    gift = floor.lot("Cadeau", format="giveaway")
    shelf = floor.lot("Rayon", format="buy_it_now", opening=20)
    card = floor.lot("Carte")
    assert floor.pdd().lot_id == card
    floor.bell()
    for lot_id in (gift, shelf):
        floor.no("not_an_auction_lot", cm.StartAuction(lot_id=lot_id), OWNER)


def test_with_nothing_queued_pdd_makes_a_lot_on_the_spot() -> None:
    floor = Floor(first_number=148)
    floor.lot("Rayon", format="buy_it_now", opening=20)
    run = floor.pdd(picture="/pictures/snap.jpg")
    lot = floor.state.lots[run.lot_id].lot
    assert (lot.title, lot.number, lot.opening_cents, lot.pictures) == ("Lot 149", 149, 100, ("/pictures/snap.jpg",))
    floor.bid(ANA, 1)
    floor.bell()
    assert floor.state.lots[run.lot_id].status == "sold"


def test_a_lot_of_three_is_sold_unit_by_unit() -> None:
    floor = Floor()
    lot_id = floor.lot(quantity=3)
    other = floor.lot("Autre")
    for unit, who in enumerate((ANA, BEN, CLEO), start=1):
        run = floor.pdd()
        assert (run.lot_id, run.unit, run.of) == (lot_id, unit, 3)
        floor.bid(who, 1)
        floor.bell()
    assert floor.state.lots[lot_id].status == "sold"
    assert floor.pdd().lot_id == other


def test_a_skipped_lot_goes_to_the_tail_with_what_is_left_of_it() -> None:
    floor = Floor()
    lot_id = floor.lot(quantity=3)
    other = floor.lot("Autre")
    floor.sell(ANA)
    floor.ok(cm.SkipLot(lot_id=lot_id), OWNER)
    assert floor.state.queue == [other, lot_id]
    floor.sell(BEN)
    run = floor.pdd()
    assert (run.lot_id, run.unit) == (lot_id, 2)


def test_a_unit_that_passes_is_put_aside_and_the_next_follows() -> None:
    floor = Floor()
    lot_id = floor.lot(quantity=2)
    floor.pdd()
    floor.bell()
    known = floor.state.lots[lot_id]
    assert (known.status, known.units_left, known.units_sold) == ("queued", 1, 0)
    assert floor.pdd().unit == 2
    floor.bell()
    assert known.status == "passed"


# --- Retirer --------------------------------------------------------------------------


@pytest.mark.parametrize(("after", "allowed"), [(0, True), (1_999, True), (2_000, False), (2_001, False)])
def test_an_opening_may_be_withdrawn_for_two_seconds(after: int, allowed: bool) -> None:
    floor = Floor()
    floor.lot("Suivant")
    lot_id = floor.lot()
    run = floor.pdd(lot_id)
    command = cm.WithdrawRun(run_id=run.run_id)
    if not allowed:
        floor.no("too_late_to_withdraw", command, OWNER, floor.now + after)
        return
    floor.ok(command, OWNER, floor.now + after)
    assert floor.state.queue[0] == lot_id
    assert floor.state.lots[lot_id].status == "queued"
    assert floor.state.lots[lot_id].units_left == 1
    assert run.status == "withdrawn"
    assert floor.pdd().unit == 1


def test_a_live_bid_ends_the_time_to_withdraw() -> None:
    floor = Floor()
    run = floor.pdd()
    floor.bid(ANA, 1)
    floor.no("too_late_to_withdraw", cm.WithdrawRun(run_id=run.run_id), OWNER)


def test_pre_bids_do_not_end_the_time_to_withdraw_and_return_intact() -> None:
    floor = Floor()
    lot_id = floor.lot()
    floor.ok(cm.SetPreBid(lot_id=lot_id, max_cents=20_00), ANA)
    floor.ok(cm.SetPreBid(lot_id=lot_id, max_cents=30_00), BEN)
    run = floor.pdd()
    assert floor.leader == "ben"
    floor.ok(cm.WithdrawRun(run_id=run.run_id), OWNER)
    assert floor.state.lots[lot_id].pre_bids == {"ana": 20_00, "ben": 30_00}
    assert floor.state.lots[lot_id].pre_bid_count == 2
    floor.pdd()
    assert (floor.price, floor.leader) == (21, "ben")


# --- pre-bids ---------------------------------------------------------------------------


def test_pre_bids_are_resolved_once_at_the_opening_without_extension() -> None:
    floor = Floor()
    lot_id = floor.lot(preset=Preset(duration_ms=5_000, counter_bid_ms=10_000))
    for who, euros in ((ANA, 20), (BEN, 50), (CLEO, 30)):
        floor.ok(cm.SetPreBid(lot_id=lot_id, max_cents=euros * 100), who)
    run = floor.pdd()
    assert (floor.price, floor.leader) == (32, "ben")
    assert (run.ends_at, run.bid_count, run.pre_bids) == (floor.now + 5_000, 0, 3)
    assert [b.cause for b in run.bids] == ["pre_bid"]


def test_equal_pre_bids_go_to_the_earlier_and_a_changed_one_goes_last() -> None:
    floor = Floor()
    lot_id = floor.lot()
    floor.ok(cm.SetPreBid(lot_id=lot_id, max_cents=20_00), ANA)
    floor.ok(cm.SetPreBid(lot_id=lot_id, max_cents=30_00), BEN)
    floor.ok(cm.SetPreBid(lot_id=lot_id, max_cents=30_00), ANA)
    floor.pdd()
    assert (floor.price, floor.leader) == (30, "ben")


def test_a_pre_bid_can_be_taken_back() -> None:
    floor = Floor()
    lot_id = floor.lot()
    floor.ok(cm.SetPreBid(lot_id=lot_id, max_cents=20_00), ANA)
    floor.ok(cm.SetPreBid(lot_id=lot_id, max_cents=0), ANA)
    assert floor.state.lots[lot_id].pre_bid_count == 0
    assert floor.pdd().leader is None


def test_each_pre_bid_buys_one_unit() -> None:
    floor = Floor()
    lot_id = floor.lot(quantity=3)
    floor.ok(cm.SetPreBid(lot_id=lot_id, max_cents=20_00), ANA)
    floor.ok(cm.SetPreBid(lot_id=lot_id, max_cents=10_00), BEN)
    floor.pdd()
    assert floor.leader == "ana"
    floor.bell()
    assert floor.state.lots[lot_id].pre_bid_count == 1
    floor.pdd()
    assert (floor.price, floor.leader) == (1, "ben")
    floor.bell()
    assert floor.pdd().leader is None


def test_a_pre_bid_below_an_opening_price_raised_since_does_not_count() -> None:
    floor = Floor()
    lot_id = floor.lot()
    floor.ok(cm.SetPreBid(lot_id=lot_id, max_cents=20_00), ANA)
    changes = LotChanges(opening_cents=25_00)
    floor.ok(cm.EditLot(lot_id=lot_id, seen_version=1, changes=changes), OWNER)
    assert floor.pdd().leader is None


def test_the_pre_bid_of_somebody_blocked_does_not_count() -> None:
    floor = Floor()
    lot_id = floor.lot()
    floor.ok(cm.SetPreBid(lot_id=lot_id, max_cents=20_00), ANA)
    floor.ok(cm.Block(person="ana"), MODO)
    assert floor.pdd().leader is None


def test_a_pre_bid_is_a_whole_amount_on_a_queued_auction_lot() -> None:
    floor = Floor()
    lot_id = floor.lot(opening=5)
    shelf = floor.lot(format="buy_it_now")
    floor.no("bad_amount", cm.SetPreBid(lot_id=lot_id, max_cents=10_50), ANA)
    floor.no("low", cm.SetPreBid(lot_id=lot_id, max_cents=4_00), ANA)
    floor.no("not_an_auction_lot", cm.SetPreBid(lot_id=shelf, max_cents=4_00), ANA)
    floor.no("not_allowed", cm.SetPreBid(lot_id=lot_id, max_cents=9_00), OWNER)
    floor.pdd(lot_id)
    floor.no("on_block", cm.SetPreBid(lot_id=lot_id, max_cents=9_00), ANA)


def test_a_reserve_met_by_a_pre_bid_is_met_at_the_opening() -> None:
    floor = Floor()
    lot_id = floor.lot(reserve=60)
    floor.ok(cm.SetPreBid(lot_id=lot_id, max_cents=100_00), ANA)
    run = floor.pdd()
    assert (floor.price, run.reserve_met) == (60, True)


# --- void and re-run -----------------------------------------------------------------------


def test_a_running_lot_may_be_voided_with_a_reason_and_goes_back_to_the_queue() -> None:
    floor = Floor()
    floor.lot("Suivant")
    lot_id = floor.lot()
    run = floor.pdd(lot_id)
    floor.bid(ANA, 40, "max")
    floor.no("no_reason", cm.VoidRun(run_id=run.run_id, reason="  "), OWNER)
    floor.ok(cm.VoidRun(run_id=run.run_id, reason="carte abîmée"), MARIE)
    assert (run.status, run.void_reason, run.bid_count) == ("voided", "carte abîmée", 1)
    assert floor.state.queue[0] == lot_id
    again = floor.pdd(lot_id)
    assert again.run_id != run.run_id
    assert again.leader is None, "earlier maxima do not count"
    floor.bid(BEN, 1)
    assert (floor.price, floor.leader) == (1, "ben")


def test_a_voided_lot_may_be_left_passed_and_run_again_later() -> None:
    floor = Floor()
    lot_id = floor.lot()
    run = floor.pdd()
    floor.ok(cm.VoidRun(run_id=run.run_id, reason="abîmée", back_to_queue=False), OWNER)
    assert floor.state.lots[lot_id].status == "passed"
    floor.ok(cm.ReRunLot(lot_id=lot_id), OWNER)
    assert floor.state.queue == [lot_id]
    assert floor.pdd().unit == 1


def test_a_void_forgets_the_pre_bids_of_that_run() -> None:
    floor = Floor()
    lot_id = floor.lot()
    floor.ok(cm.SetPreBid(lot_id=lot_id, max_cents=20_00), ANA)
    run = floor.pdd()
    floor.ok(cm.VoidRun(run_id=run.run_id, reason="erreur"), OWNER)
    assert floor.pdd().leader is None


@pytest.mark.parametrize("quantity", [1, 2])
def test_a_sale_voided_back_to_the_queue_forgets_the_pre_bids_too(quantity: int) -> None:
    floor = Floor()
    lot_id = floor.lot(quantity=quantity)
    floor.ok(cm.SetPreBid(lot_id=lot_id, max_cents=20_00), ANA)
    floor.ok(cm.SetPreBid(lot_id=lot_id, max_cents=30_00), BEN)
    floor.pdd()
    hammered = floor.bell()[0]
    assert isinstance(hammered, ev.Hammered) and hammered.buyer == "ben"
    floor.ok(cm.VoidSale(sale_id=hammered.sale_id, reason="mauvaise carte"), OWNER)
    for who in (OWNER, ANA):
        known = floor.seen_by(who).lots[lot_id]
        assert (known.pre_bids, known.pre_bid_count) == ({}, 0)
    assert floor.pdd(lot_id).leader is None, "earlier maxima and pre-bids do not count"


def test_a_sale_voided_and_left_passed_keeps_the_pre_bids_of_the_other_units() -> None:
    floor = Floor()
    lot_id = floor.lot(quantity=2)
    floor.ok(cm.SetPreBid(lot_id=lot_id, max_cents=20_00), ANA)
    floor.ok(cm.SetPreBid(lot_id=lot_id, max_cents=30_00), BEN)
    floor.pdd()
    hammered = floor.bell()[0]
    assert isinstance(hammered, ev.Hammered)
    floor.ok(cm.VoidSale(sale_id=hammered.sale_id, reason="abîmée", back_to_queue=False), OWNER)
    assert floor.pdd(lot_id).leader == "ana"


def test_only_seller_and_producer_void() -> None:
    floor = Floor()
    run = floor.pdd()
    for who in (MODO, ANA):
        floor.no("not_allowed", cm.VoidRun(run_id=run.run_id, reason="non"), who)


def test_a_sale_is_undone_until_it_is_paid() -> None:
    floor = Floor()
    lot_id = floor.lot()
    sale_id = floor.sell(ANA, 30)
    floor.no("no_reason", cm.VoidSale(sale_id=sale_id, reason=""), OWNER)
    floor.ok(cm.VoidSale(sale_id=sale_id, reason="mauvais lot"), OWNER)
    assert floor.state.sales[sale_id].status == "voided"
    assert floor.state.queue == [lot_id]
    assert floor.state.people["ana"].spent_cents == 0
    floor.no("sale_voided", cm.VoidSale(sale_id=sale_id, reason="encore"), OWNER)
    again = floor.sell(BEN, 20)
    floor.ok(cm.MarkPayment(sale_id=again, outcome="paid"), OWNER)
    floor.no("already_paid", cm.VoidSale(sale_id=again, reason="trop tard"), OWNER)


def test_a_voided_sale_may_leave_its_lot_passed() -> None:
    floor = Floor()
    lot_id = floor.lot()
    sale_id = floor.sell(ANA)
    floor.ok(cm.VoidSale(sale_id=sale_id, reason="abîmée", back_to_queue=False), OWNER)
    assert floor.state.lots[lot_id].status == "passed"


def test_a_passed_lot_is_run_again_where_it_is_put() -> None:
    floor = Floor()
    passed = floor.lot("Passé")
    floor.pdd()
    floor.bell()
    a, b = floor.lot("A"), floor.lot("B")
    floor.no("after_gone", cm.ReRunLot(lot_id=passed, after="L999"), OWNER)
    floor.ok(cm.ReRunLot(lot_id=passed, after=a), OWNER)
    assert floor.state.queue == [a, passed, b]
    floor.no("already_queued", cm.ReRunLot(lot_id=passed), OWNER)
    sold = floor.state.lots[floor.state.sales[floor.sell(ANA)].lot_id].lot.lot_id
    floor.no("nothing_to_rerun", cm.ReRunLot(lot_id=sold), OWNER)


# --- blocking the leader ------------------------------------------------------------------


def test_blocking_the_leader_resolves_from_the_remaining_maxima_in_a_new_epoch() -> None:
    floor = Floor()
    run = floor.pdd()
    floor.bid(ANA, 20, "max")
    floor.bid(BEN, 30, "max")
    floor.bid(CLEO, 100, "max")
    assert (floor.price, floor.leader) == (32, "cleo")
    floor.now = run.ends_at - 3_000
    events = floor.ok(cm.Block(person="cleo"), MODO)
    moved = events[1]
    assert isinstance(moved, ev.PriceMoved) and moved.cause == "epoch"
    assert (floor.price, floor.leader, floor.run.epoch) == (21, "ben", 1)
    assert floor.run.ends_at == floor.now + 10_000
    assert floor.run.asking_cents == 22_00


def test_a_new_epoch_gives_the_counter_bid_time_even_in_sudden_death_and_never_shortens() -> None:
    floor = Floor()
    run = floor.pdd(preset=Preset(sudden_death=True))
    floor.bid(ANA, 1)
    ends_at = run.ends_at
    floor.ok(cm.Block(person="ana"), MODO)
    assert floor.run.ends_at == ends_at
    floor.bid(BEN, 1)
    floor.now = ends_at - 1_000
    floor.ok(cm.Block(person="ben"), MODO)
    assert floor.run.ends_at == ends_at - 1_000 + 10_000


def test_with_nobody_left_the_lot_starts_again_from_its_opening_price() -> None:
    floor = Floor()
    floor.lot(opening=5)
    floor.pdd()
    floor.bid(ANA, 90, "exact")
    floor.ok(cm.Block(person="ana"), MODO)
    assert (floor.leader, floor.run.price_cents, floor.run.asking_cents) == (None, 0, 5_00)
    floor.bid(BEN, 5)
    assert floor.price == 5


def test_blocking_somebody_who_does_not_lead_moves_nothing_but_their_max_is_gone() -> None:
    floor = Floor()
    floor.pdd()
    floor.bid(ANA, 20, "max")
    floor.bid(BEN, 30, "max")
    assert floor.price == 21
    events = floor.ok(cm.Block(person="ana"), MODO)
    assert [type(event) for event in events] == [ev.Blocked]
    assert (floor.price, floor.leader) == (21, "ben")
    floor.ok(cm.Block(person="ben"), MODO)
    assert floor.leader is None


def test_somebody_unblocked_bids_anew() -> None:
    floor = Floor()
    floor.pdd()
    floor.bid(ANA, 50, "max")
    floor.ok(cm.Block(person="ana"), MODO)
    floor.bid(BEN, 3)
    floor.ok(cm.Unblock(person="ana"), MODO)
    assert floor.leader == "ben"
    floor.bid(ANA, 4)
    assert (floor.price, floor.leader) == (4, "ana")


def test_an_exact_bid_that_leads_a_new_epoch_keeps_its_price() -> None:
    floor = Floor()
    floor.pdd()
    floor.bid(ANA, 60, "max")
    floor.bid(DAN, 40, "exact")
    floor.ok(cm.Block(person="ana"), MODO)
    assert (floor.price, floor.leader) == (40, "dan")


def test_the_team_cannot_be_blocked() -> None:
    floor = Floor()
    for person in ("vera", "marie", "modo"):
        floor.no("not_a_buyer", cm.Block(person=person), MODO)
    floor.no("unknown_person", cm.Block(person="nobody"), MODO)


@pytest.mark.parametrize("how", ["removed", "unfollowed", "on the shelf"])
def test_a_pre_bid_can_be_taken_back_whatever_became_of_its_lot(how: str) -> None:
    floor = Floor()
    lot_id = floor.lot(followers_only=how == "unfollowed")
    floor.ok(cm.Follow(), ANA)
    floor.ok(cm.SetPreBid(lot_id=lot_id, max_cents=20_00), ANA)
    if how == "removed":
        floor.ok(cm.RemoveLot(lot_id=lot_id), OWNER)
        floor.no("not_queued", cm.SetPreBid(lot_id=lot_id, max_cents=25_00), ANA)
    elif how == "unfollowed":
        floor.ok(cm.Follow(following=False), ANA)
    else:
        floor.ok(cm.EditLot(lot_id=lot_id, seen_version=1, changes=LotChanges(format="buy_it_now")), OWNER)
    floor.ok(cm.SetPreBid(lot_id=lot_id, max_cents=0), ANA)
    assert floor.ok(cm.SetPreBid(lot_id=lot_id, max_cents=0), ANA) == ()
    assert (floor.state.lots[lot_id].pre_bids, floor.seen_by(OWNER).lots[lot_id].pre_bid_count) == ({}, 0)
    if how == "removed":
        floor.ok(cm.RestoreLot(lot_id=lot_id), OWNER)
        assert floor.pdd(lot_id).leader is None


def test_a_pre_bid_that_is_on_the_block_is_a_bid_and_stays() -> None:
    floor = Floor()
    lot_id = floor.lot()
    floor.ok(cm.SetPreBid(lot_id=lot_id, max_cents=20_00), ANA)
    floor.pdd()
    floor.no("on_block", cm.SetPreBid(lot_id=lot_id, max_cents=0), ANA)


def test_a_leaders_live_raise_of_a_pre_bid_ends_the_time_to_withdraw() -> None:
    """Retirer lasts until the first live bid, also one that moves no price: it must not be lost."""
    floor = Floor()
    lot_id = floor.lot()
    floor.ok(cm.SetPreBid(lot_id=lot_id, max_cents=20_00), ANA)
    run = floor.pdd()
    assert [type(event) for event in floor.bid(ANA, 45, "max")] == [ev.MaxSet]
    floor.no("too_late_to_withdraw", cm.WithdrawRun(run_id=run.run_id), OWNER)
    assert (run.status, run.maxima["ana"].max_cents) == ("running", 45_00)
    assert floor.replayed() == floor.state
    floor.no_bid("max_not_raised", ANA, 45, "max")


def test_a_refused_raise_leaves_the_time_to_withdraw() -> None:
    floor = Floor()
    lot_id = floor.lot()
    floor.ok(cm.SetPreBid(lot_id=lot_id, max_cents=20_00), ANA)
    run = floor.pdd()
    floor.no_bid("max_not_raised", ANA, 20, "max")
    floor.ok(cm.WithdrawRun(run_id=run.run_id), OWNER)
