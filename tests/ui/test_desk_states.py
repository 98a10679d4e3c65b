"""The deck in each of its states, by the real rules and a clock that stands still."""

from __future__ import annotations

import itertools

import pytest

from seller_console.contract import commands as c
from seller_console.contract.words import LotBackstage, LotDraft, Preset
from tests.rules.floor import ANA, BEN, MARIE, OWNER
from tests.ui.desk_floor import DeskFloor
from ui.values import Connection

PLATFORM = OWNER


@pytest.fixture
def floor(app: object) -> DeskFloor:
    return DeskFloor(preset=Preset(duration_ms=30_000, counter_bid_ms=10_000))


def lot(floor: DeskFloor, title: str = "Foulard", **words: object) -> None:
    floor.ok(c.AddLot(lot=LotDraft(title=title, **words)), OWNER)  # type: ignore[arg-type]


def open_run(floor: DeskFloor) -> str:
    floor.desk.start_at_opening_price()
    floor.desk.flush()
    run = floor.floor.state.current_run
    assert run is not None
    return run


def test_not_live_then_empty_then_ready(app: object) -> None:
    floor = DeskFloor(live=False)
    assert floor.desk.deck.state == "not_live"
    floor.desk.put_on_air()
    floor.desk.flush()
    assert floor.desk.show.status == "live"
    assert floor.desk.deck.state == "empty" and floor.desk.deck.next_number == 1
    lot(floor)
    deck = floor.desk.deck
    assert deck.state == "ready" and deck.next_card is not None and deck.card == deck.next_card
    assert deck.next_card.number == 1 and deck.next_card.title == "Foulard"


def test_pressed_but_not_answered_is_opening_and_cannot_be_pressed_again(floor: DeskFloor) -> None:
    lot(floor)
    floor.wires.silent = True
    floor.desk.start_at_opening_price()
    assert floor.desk.deck.state == "opening"
    assert floor.desk.refusal("start_at_opening_price")
    floor.desk.start_at_opening_price()
    assert len([one for one in floor.wires.said if isinstance(one, c.StartAuction)]) == 1


def test_withdrawable_for_two_seconds_then_running_under_ten_closing_and_only_the_hammer_ends_it(
    floor: DeskFloor,
) -> None:
    lot(floor)
    run = open_run(floor)
    assert floor.desk.deck.state == "withdrawable"
    assert floor.desk.refusal("withdraw") is None
    floor.pass_ms(2_001)
    assert floor.desk.deck.state == "running"
    assert floor.desk.refusal("withdraw") is not None
    floor.pass_ms(18_000)
    assert floor.desk.deck.state == "under_10"
    floor.pass_ms(9_000)
    assert floor.desk.deck.state == "closing"
    floor.pass_ms(5_000)
    assert floor.desk.deck.state == "closing", "the clock alone ends nothing"
    floor.ok(c.RingBell(run_id=run), PLATFORM)
    assert floor.desk.deck.state == "passed"
    floor.pass_ms(3_001)
    assert floor.desk.deck.state in {"ready", "empty"}


def test_the_first_bid_ends_the_time_to_withdraw(floor: DeskFloor) -> None:
    lot(floor)
    run = open_run(floor)
    floor.ok(c.PlaceBid(run_id=run, amount_cents=100), ANA)
    assert floor.desk.deck.state == "running"
    assert floor.desk.refusal("withdraw") is not None


def test_price_leader_ticker_and_counter_bid_time(floor: DeskFloor) -> None:
    lot(floor)
    run = open_run(floor)
    floor.ok(c.PlaceBid(run_id=run, amount_cents=100), ANA)
    floor.ok(c.PlaceBid(run_id=run, amount_cents=1_000, kind="max"), BEN)
    floor.ok(c.PlaceBid(run_id=run, amount_cents=500, kind="max"), ANA)
    deck = floor.desk.deck
    assert (deck.leader_name, deck.price_cents, deck.bids) == ("Ben", 600, 3)
    newest = deck.bid_rows[0]
    assert (newest.bidder_name, newest.leader_name, newest.leads, newest.raise_cents) == ("Ana", "Ben", False, 400)
    assert not deck.extended
    floor.pass_ms(25_000)
    floor.ok(c.PlaceBid(run_id=run, amount_cents=1_100, kind="max"), ANA)
    deck = floor.desk.deck
    assert deck.extended and deck.ends_at_ms - floor.desk.now_ms() == 10_000


def test_adjudged_for_three_seconds_with_winner_and_bag(floor: DeskFloor) -> None:
    lot(floor)
    lot(floor, "Baskets")
    run = open_run(floor)
    floor.ok(c.PlaceBid(run_id=run, amount_cents=100), ANA)
    floor.pass_ms(30_000)
    floor.ok(c.RingBell(run_id=run), PLATFORM)
    deck = floor.desk.deck
    assert (deck.state, deck.winner_name, deck.price_cents, deck.bag_number) == ("adjudged", "Ana", 100, 1)
    assert deck.card is not None and deck.card.title == "Foulard"
    assert deck.next_card is not None and deck.next_card.title == "Baskets"
    assert floor.desk.refusal("start_at_opening_price") is None, "the next lot need not wait"
    assert (floor.desk.figures.sold, floor.desk.figures.sales_cents, floor.desk.figures.sold_percent) == (1, 100, 100)
    assert [row.buyer_name for row in floor.desk.sold] == ["Ana"]
    floor.pass_ms(3_000)
    deck = floor.desk.deck
    assert deck.state == "ready"
    assert deck.results[0].outcome == "sold" and deck.results[0].can_void


def test_a_lot_of_several_units_says_which_one(floor: DeskFloor) -> None:
    lot(floor, "Lessive", quantity=3)
    run = open_run(floor)
    card = floor.desk.deck.card
    assert card is not None and (card.unit, card.of) == (1, 3)
    floor.ok(c.PlaceBid(run_id=run, amount_cents=100), ANA)
    floor.pass_ms(30_000)
    floor.ok(c.RingBell(run_id=run), PLATFORM)
    upcoming = floor.desk.deck.next_card
    assert upcoming is not None and (upcoming.title, upcoming.unit, upcoming.of) == ("Lessive", 2, 3)
    assert floor.desk.queue[0].units_left == 2


def test_paused_says_why_and_freezes_the_clock(floor: DeskFloor) -> None:
    lot(floor)
    open_run(floor)
    floor.pass_ms(12_000)
    floor.ok(c.LosePicture(since_ms=floor.floor.now - 5_000), OWNER)
    deck = floor.desk.deck
    assert deck.state == "paused" and deck.reason == "paused.picture_lost"
    frozen = deck.remaining_ms
    floor.pass_ms(4_000)
    assert floor.desk.deck.remaining_ms == frozen > 0
    assert "picture_lost" in {trouble.code for trouble in floor.desk.troubles}
    floor.ok(c.ReturnPicture(), OWNER)
    assert floor.desk.deck.state in {"running", "under_10"}
    assert not floor.desk.troubles


def test_an_absent_platform_turns_off_what_needs_it_and_says_why(floor: DeskFloor) -> None:
    lot(floor)
    open_run(floor)
    floor.desk.take_connection(Connection("away", "unreachable"))
    assert floor.desk.deck.state == "away" and floor.desk.deck.reason == "away.unreachable"
    for action in ("start_at_opening_price", "withdraw", "stop_sale", "end_show"):
        assert floor.desk.refusal(action), action
    assert floor.desk.troubles[0].code == "platform_away"
    floor.desk.take_connection(Connection("connected"))
    assert floor.desk.deck.state == "withdrawable" and not floor.desk.troubles


def test_a_reserve_that_is_not_met_passes_the_lot(floor: DeskFloor) -> None:
    lot(floor, "Sac", backstage=LotBackstage(reserve_cents=6_000))
    run = open_run(floor)
    floor.ok(c.PlaceBid(run_id=run, amount_cents=4_000, kind="max"), ANA)
    assert not floor.desk.deck.reserve_met
    floor.pass_ms(30_000)
    floor.ok(c.RingBell(run_id=run), PLATFORM)
    assert floor.desk.deck.state == "passed"
    assert [row.title for row in floor.desk.passed] == ["Sac"]
    assert floor.desk.passed[0].price_cents == 100


def test_a_withdrawn_lot_is_back_at_the_head_and_is_no_result(floor: DeskFloor) -> None:
    lot(floor, "un")
    lot(floor, "deux")
    open_run(floor)
    floor.desk.withdraw()
    floor.desk.flush()
    deck = floor.desk.deck
    assert deck.state == "ready" and deck.next_card is not None and deck.next_card.title == "un"
    assert deck.results == ()


def test_the_deck_changes_by_itself_when_only_time_passes(floor: DeskFloor) -> None:
    """The next moment at which the deck changes is always planned."""
    lot(floor)
    open_run(floor)
    desk = floor.desk
    planned = []
    for _ in range(3):
        wait_ms = desk._deck_timer.interval()
        planned.append(desk.deck.state)
        floor.pass_ms(wait_ms)
    assert [*planned, desk.deck.state] == ["withdrawable", "running", "under_10", "closing"]


# --- a rehearsal ---------------------------------------------------------------------------


def test_a_made_up_public_comes_to_a_rehearsal_of_ours_only_and_goes_with_it(app: object) -> None:
    floor = DeskFloor(live=False)
    assert floor.wires.crowd == []
    floor.desk.put_on_air(rehearsal=True)
    floor.desk.flush()
    assert floor.wires.crowd == [True]
    floor.ok(c.AddLot(lot=LotDraft(title="un")), OWNER)
    floor.ok(c.EndShow(), OWNER)
    assert floor.wires.crowd == [True, False]
    real = DeskFloor(live=False)
    real.desk.put_on_air()
    real.desk.flush()
    assert real.desk.show.status == "live" and real.wires.crowd == [], "never at a real show"
    beside = DeskFloor(live=False, who=MARIE)
    beside.ok(c.GoLive(rehearsal=True), OWNER)
    assert beside.desk.show.rehearsal and beside.wires.crowd == [], "the seller's console sees to it"


def test_what_was_rehearsed_is_for_sale_in_the_show_opened_after_it(app: object) -> None:
    floor = DeskFloor(live=False, preset=Preset(duration_ms=30_000, counter_bid_ms=10_000))
    opened: list[str] = []
    floor.wires.open_show = lambda title, done: (opened.append(title), done(True))  # type: ignore[assignment, misc]
    lot(floor, "Foulard", quantity=3, category="Luxe", backstage=LotBackstage(cost_cents=500, host_note="le dos"))
    lot(floor, "Peluche")
    floor.ok(c.RemoveLot(lot_id=floor.desk.queue[1].lot_id), OWNER)
    lot(floor, "Carte", preset=Preset(duration_ms=15_000))
    floor.desk.put_on_air(rehearsal=True)
    floor.desk.flush()
    open_run(floor)
    floor.ok(c.EndShow(), OWNER)
    floor.desk.open_show("Samedi")
    floor.desk.bring_lots()
    assert not [word for word in floor.wires.said if isinstance(word, c.ImportLots)], "not into the one that ended"
    floor.desk.open_show("Samedi")
    new = DeskFloor(live=False)
    floor.floor, new.desk = new.floor, floor.desk
    floor._fed, floor._seq = 0, itertools.count(1)
    floor.desk.begin_feed(OWNER, "http://x/s/new")
    floor.feed()
    floor.desk.bring_lots()
    floor.desk.flush()
    brought = [word for word in floor.wires.said if isinstance(word, c.ImportLots)]
    assert len(brought) == 1
    assert [(draft.title, draft.quantity, draft.category) for draft in brought[0].lots] == [
        ("Foulard", 3, "Luxe"),
        ("Carte", 1, ""),
    ]
    assert brought[0].lots[0].backstage == LotBackstage(cost_cents=500, host_note="le dos")
    assert brought[0].lots[1].preset == Preset(duration_ms=15_000)
    assert [row.title for row in floor.desk.queue] == ["Foulard", "Carte"]
    floor.desk.bring_lots()
    assert len([word for word in floor.wires.said if isinstance(word, c.ImportLots)]) == 1, "once"
    assert opened == ["Samedi", "Samedi"]
