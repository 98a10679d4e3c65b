"""Rule 15: the platform down, the picture lost, the log unwritable."""

from __future__ import annotations

import pytest

from seller_console.contract import commands as cm
from seller_console.contract import events as ev
from seller_console.contract.words import Preset
from seller_console.sale.show import next_due_ms

from .floor import ANA, BEN, MARIE, OWNER, PLATFORM, Floor


def lose(floor: Floor, gone_ms: int = 5_000) -> tuple[ev.Event, ...]:
    return floor.ok(cm.LosePicture(since_ms=floor.now - gone_ms), PLATFORM)


def kinds(events: tuple[ev.Event, ...]) -> list[type]:
    return [type(event) for event in events]


@pytest.mark.parametrize("sudden_death", [False, True])
def test_a_platform_that_was_down_gives_back_the_counter_bid_time(sudden_death: bool) -> None:
    floor = Floor()
    run = floor.pdd(preset=Preset(sudden_death=sudden_death))
    floor.bid(ANA, 1)
    floor.now = run.ends_at + 60_000
    events = floor.ok(cm.ReturnPlatform(down_ms=60_000), PLATFORM)
    assert kinds(events) == [ev.PlatformReturned, ev.ClockMoved]
    assert floor.run.ends_at == floor.now + 10_000
    assert floor.bell(floor.now) == ()
    floor.bid(BEN, 2)


def test_a_short_outage_does_not_shorten_the_clock() -> None:
    floor = Floor()
    run = floor.pdd()
    floor.now = run.ends_at - 15_000
    assert kinds(floor.ok(cm.ReturnPlatform(down_ms=500), PLATFORM)) == [ev.PlatformReturned]
    assert floor.run.ends_at == run.opened_at + 30_000


def test_with_no_lot_running_a_return_is_only_announced() -> None:
    floor = Floor()
    assert kinds(floor.ok(cm.ReturnPlatform(down_ms=500), PLATFORM)) == [ev.PlatformReturned]


def test_five_seconds_without_picture_pause_the_lot_and_everyone_is_told() -> None:
    floor = Floor()
    run = floor.pdd()
    floor.bid(ANA, 1)
    floor.now = run.ends_at - 3_000
    floor.no("too_soon", cm.LosePicture(since_ms=floor.now - 4_999), PLATFORM)
    events = lose(floor)
    assert kinds(events) == [ev.PictureLost, ev.RunPaused]
    assert all(event.audience() == "everyone" for event in events)
    assert (run.status, run.remaining_ms) == ("paused", 3_000)
    floor.no_bid("paused", BEN, 2)
    assert floor.bell(run.ends_at + 60_000) == (), "a frozen clock rings no bell"


def test_one_second_is_enough_when_the_bell_is_due() -> None:
    floor = Floor()
    run = floor.pdd()
    floor.bid(ANA, 1)
    floor.now = run.ends_at
    floor.no("too_soon", cm.LosePicture(since_ms=floor.now - 999), PLATFORM)
    assert kinds(lose(floor, 1_000)) == [ev.PictureLost, ev.RunPaused]
    assert run.remaining_ms == 0


def test_one_second_is_not_enough_just_before_the_bell() -> None:
    floor = Floor()
    run = floor.pdd()
    floor.now = run.ends_at - 1
    floor.no("too_soon", cm.LosePicture(since_ms=floor.now - 1_000), PLATFORM)


@pytest.mark.parametrize(("remaining", "given"), [(25_000, 25_000), (10_001, 10_001), (3_000, 10_000), (0, 10_000)])
def test_a_resumed_run_has_its_remaining_time_or_the_counter_bid_time(remaining: int, given: int) -> None:
    floor = Floor()
    run = floor.pdd()
    floor.now = run.ends_at - remaining
    lose(floor)
    floor.wait(7_000)
    events = floor.ok(cm.ReturnPicture(), PLATFORM)
    assert kinds(events) == [ev.PictureReturned, ev.RunResumed]
    assert (run.status, run.ends_at) == ("running", floor.now + given)
    floor.bid(ANA, 1)


def test_two_minutes_of_pause_are_a_void() -> None:
    floor = Floor()
    lot_id = floor.lot()
    run = floor.pdd()
    floor.bid(ANA, 1)
    lose(floor)
    assert floor.tick(119_999) == ()
    assert kinds(floor.tick(1)) == [ev.RunVoided]
    assert (run.status, floor.state.queue, floor.state.sales) == ("voided", [lot_id], {})


def test_the_seller_may_choose_to_continue() -> None:
    floor = Floor(picture_rule="continue")
    run = floor.pdd()
    assert kinds(lose(floor)) == [ev.PictureLost]
    assert run.status == "running"
    floor.bid(ANA, 1)


def test_the_seller_may_choose_to_void() -> None:
    floor = Floor()
    floor.ok(cm.EditShow(picture_rule="void"), OWNER)
    run = floor.pdd()
    assert kinds(lose(floor)) == [ev.PictureLost, ev.RunVoided]
    assert run.status == "voided"


def test_no_lot_opens_without_a_picture_unless_the_seller_continues() -> None:
    floor = Floor()
    floor.lot()
    assert kinds(lose(floor)) == [ev.PictureLost]
    floor.no("picture_lost", cm.StartAuction(), OWNER)
    floor.ok(cm.EditShow(picture_rule="continue"), OWNER)
    floor.pdd()


def test_a_lost_picture_is_lost_once_and_returns_once() -> None:
    floor = Floor()
    floor.pdd()
    lose(floor)
    assert lose(floor) == ()
    floor.ok(cm.ReturnPicture(), PLATFORM)
    assert floor.ok(cm.ReturnPicture(), PLATFORM) == ()


def test_the_seller_may_resume_a_paused_lot_by_hand() -> None:
    floor = Floor()
    run = floor.pdd()
    floor.no("not_paused", cm.ResumeRun(run_id=run.run_id), OWNER)
    lose(floor)
    floor.wait(4_000)
    floor.ok(cm.ResumeRun(run_id=run.run_id), MARIE)
    assert (run.status, run.ends_at) == ("running", floor.now + 30_000)
    assert lose(floor) == (), "it is known to be lost; the seller said to go on"


def test_a_log_that_cannot_be_written_pauses_the_lot() -> None:
    floor = Floor()
    run = floor.pdd()
    floor.bid(ANA, 1)
    floor.now = run.ends_at - 2_000
    assert kinds(floor.ok(cm.HaltRun(), PLATFORM)) == [ev.RunPaused]
    assert floor.state.halted
    floor.no_bid("paused", BEN, 2)
    floor.no("log_unwritable", cm.ResumeRun(run_id=run.run_id), OWNER)
    assert floor.ok(cm.HaltRun(), PLATFORM) == ()
    floor.wait(30_000)
    floor.ok(cm.UnhaltRun(), PLATFORM)
    assert (run.status, run.ends_at, floor.state.halted) == ("running", floor.now + 10_000, False)
    assert floor.ok(cm.UnhaltRun(), PLATFORM) == ()


def test_a_picture_that_returns_does_not_resume_what_the_log_stopped() -> None:
    floor = Floor()
    run = floor.pdd()
    floor.ok(cm.HaltRun(), PLATFORM)
    assert kinds(lose(floor)) == [ev.PictureLost]
    assert kinds(floor.ok(cm.ReturnPicture(), PLATFORM)) == [ev.PictureReturned]
    assert (run.status, run.pause_reason) == ("paused", "log_unwritable")
    assert kinds(lose(floor)) == [ev.PictureLost]
    assert kinds(floor.ok(cm.UnhaltRun(), PLATFORM)) == [ev.RunResumed, ev.RunPaused]
    assert run.pause_reason == "picture_lost"
    floor.ok(cm.ReturnPicture(), PLATFORM)
    assert run.status == "running"


def test_blocking_the_leader_of_a_paused_run_leaves_its_clock_frozen() -> None:
    floor = Floor()
    run = floor.pdd()
    floor.bid(ANA, 5, "max")
    floor.bid(BEN, 9, "max")
    lose(floor)
    ends_at = run.ends_at
    floor.ok(cm.Block(person="ben"), OWNER)
    assert (run.leader, run.ends_at, run.status) == ("ana", ends_at, "paused")
    floor.ok(cm.ReturnPicture(), PLATFORM)
    assert run.ends_at == floor.now + 30_000


def test_a_picture_lost_before_the_show_is_no_affair_of_the_sale() -> None:
    floor = Floor(live=False)
    assert lose(floor) == ()


def test_ending_the_show_voids_what_runs_and_sells_nothing() -> None:
    floor = Floor()
    run = floor.pdd()
    floor.bid(ANA, 5)
    assert kinds(floor.ok(cm.EndShow(), OWNER)) == [ev.RunVoided, ev.ShowEnded]
    assert (run.status, floor.state.sales) == ("voided", {})
    floor.no("show_ended", cm.StartAuction(), OWNER)
    assert floor.ok(cm.RingBell(run_id=run.run_id), PLATFORM) == ()


@pytest.mark.parametrize("reason", ["picture_lost", "log_unwritable"])
def test_the_time_a_platform_was_down_is_no_part_of_a_pauses_two_minutes(reason: str) -> None:
    floor = Floor()
    run = floor.pdd()
    floor.bid(ANA, 1)
    if reason == "picture_lost":
        lose(floor)
    else:
        floor.ok(cm.HaltRun(), PLATFORM)
    remaining, paused_at = run.remaining_ms, run.paused_at
    floor.wait(50_000)
    floor.ok(cm.Say(text="alors ?"), BEN)
    floor.wait(300_000)
    events = floor.ok(cm.ReturnPlatform(down_ms=300_000), PLATFORM)
    assert kinds(events) == [ev.PlatformReturned, ev.RunPaused]
    assert (run.status, run.remaining_ms, run.pause_reason) == ("paused", remaining, reason)
    assert run.paused_at == paused_at + 300_000
    assert next_due_ms(floor.state) == floor.now + 70_000
    assert floor.tick() == ()
    assert floor.tick(69_999) == ()
    assert kinds(floor.tick(1)) == [ev.RunVoided]
    assert floor.replayed() == floor.state


def test_a_pause_never_begins_in_the_future_of_the_clock() -> None:
    """The wall clock may have jumped while nobody measured."""
    floor = Floor()
    run = floor.pdd()
    lose(floor)
    floor.wait(1_000)
    floor.ok(cm.ReturnPlatform(down_ms=10**9), PLATFORM)
    assert run.paused_at == floor.now
    assert kinds(floor.tick(120_000)) == [ev.RunVoided]
