"""The one clock: never back, whatever the wall clock does."""

from __future__ import annotations

from seller_console.platform.clock import Clock


class Time:
    def __init__(self, wall_ms: int) -> None:
        self.wall = wall_ms
        self.ns = 5_000_000_000

    def clock(self) -> Clock:
        return Clock(lambda: self.wall, lambda: self.ns)

    def advance(self, ms: int) -> None:
        self.ns += ms * 1_000_000
        self.wall += ms


def test_it_starts_at_the_wall_and_goes_by_the_monotonic_clock() -> None:
    time = Time(1_700_000_000_000)
    clock = time.clock()
    assert clock.now_ms() == 1_700_000_000_000
    time.advance(1234)
    assert clock.now_ms() == 1_700_000_001_234


def test_a_step_of_the_wall_clock_changes_nothing() -> None:
    time = Time(1_700_000_000_000)
    clock = time.clock()
    time.wall -= 3_600_000
    time.advance(10)
    assert clock.now_ms() == 1_700_000_000_010
    time.wall += 8 * 3_600_000
    assert clock.now_ms() == 1_700_000_000_010


def test_a_log_from_the_future_moves_it_forward_and_it_keeps_going() -> None:
    time = Time(1_700_000_000_000)
    clock = time.clock()
    clock.not_before(1_700_000_500_000)
    assert clock.now_ms() == 1_700_000_500_000
    time.advance(7)
    assert clock.now_ms() == 1_700_000_500_007


def test_a_log_from_the_past_leaves_it_alone() -> None:
    time = Time(1_700_000_000_000)
    clock = time.clock()
    clock.not_before(1_600_000_000_000)
    assert clock.now_ms() == 1_700_000_000_000
