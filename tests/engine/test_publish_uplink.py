"""The uplink estimate on a simulated link: one bottleneck, a drop-tail queue, losses by seed."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import pytest

from seller_console.engine.uplink import Fate, Uplink
from tests.fakes.narrow_line import Link

PACKET = 1_200
FEEDBACK_S = 0.08


@dataclass
class Run:
    targets: list[tuple[float, int]] = field(default_factory=list)
    delays: list[tuple[float, float]] = field(default_factory=list)

    def mean_bps(self, since_s: float, until_s: float = 1e9) -> float:
        values = [bps for at_s, bps in self.targets if since_s <= at_s < until_s]
        return sum(values) / len(values)

    def worst_delay_s(self, since_s: float, until_s: float = 1e9) -> float:
        return max(delay for at_s, delay in self.delays if since_s <= at_s < until_s)


def play(
    uplink: Uplink,
    link: Link,
    until_s: float,
    begin_s: float = 0.0,
    run: Run | None = None,
    appetite_bps: float = float("inf"),
) -> Run:
    """An encoder that follows the target at 30 frames a second, paced over each frame's time.

    `appetite_bps`: what the picture needs at the most; a plain one sends less than it may.
    """
    run = run or Run()
    pending: deque[tuple[float, Fate]] = deque()
    owed = 0.0
    now_s, next_feedback_s = begin_s, begin_s + FEEDBACK_S
    step_s = 0.005
    while now_s < until_s:
        owed += min(uplink.target_bps, appetite_bps) / 8 * step_s * (0.9 + 0.2 * link.chance.random())
        while owed >= PACKET:
            owed -= PACKET
            arrived_s = link.send(now_s, PACKET)
            # what is lost is known when something sent after it has arrived
            known_s = arrived_s if arrived_s is not None else now_s + 0.05 + link.queue_s / 2
            pending.append((known_s, Fate(now_s, PACKET, arrived_s)))
            if arrived_s is not None:
                run.delays.append((now_s, arrived_s - now_s))
        if now_s >= next_feedback_s:
            next_feedback_s += FEEDBACK_S
            ready = []
            while pending and pending[0][0] + 0.02 <= now_s:
                ready.append(pending.popleft()[1])
            if ready:
                uplink.rtt_s = 0.04
                uplink.take(ready, now_s)
        run.targets.append((now_s, uplink.target_bps))
        now_s += step_s
    return run


def estimate(start_bps: int = 2_500_000, max_bps: int = 2_500_000) -> Uplink:
    return Uplink(min_bps=150_000, start_bps=start_bps, max_bps=max_bps)


def test_a_wide_link_is_left_alone() -> None:
    run = play(estimate(), Link(20_000_000, jitter_s=0.004), 30)
    assert run.mean_bps(2) >= 2_400_000
    assert min(bps for _, bps in run.targets) >= 1_500_000


def test_a_start_below_what_the_link_bears_rises_to_the_ceiling() -> None:
    run = play(estimate(start_bps=600_000), Link(20_000_000, jitter_s=0.002), 30)
    assert run.mean_bps(25) >= 2_300_000


@pytest.mark.parametrize("bps", [600_000, 1_000_000, 1_800_000])
def test_a_narrow_link_is_filled_but_not_flooded(bps: int) -> None:
    run = play(estimate(), Link(bps), 60)
    assert 0.6 * bps <= run.mean_bps(10) <= 1.05 * bps
    worst = sorted(delay for at_s, delay in run.delays if at_s > 10)
    assert worst[int(0.95 * len(worst))] < 0.20, "the queue stays short"


def test_a_link_that_narrows_is_followed_within_two_seconds_and_used_again_when_it_widens() -> None:
    uplink, link = estimate(), Link(5_000_000)
    run = play(uplink, link, 10)
    link.bps = 800_000
    run = play(uplink, link, 30, 10, run)
    link.bps = 5_000_000
    run = play(uplink, link, 70, 30, run)
    assert run.mean_bps(5, 10) >= 2_400_000
    assert run.mean_bps(12, 30) <= 900_000
    assert run.mean_bps(15, 30) >= 400_000
    assert run.worst_delay_s(14, 30) <= 0.25
    back = next(at_s for at_s, bps in run.targets if at_s > 30 and bps >= 0.8 * 2_500_000)
    assert back - 30 <= 25


@pytest.mark.parametrize(("loss", "least"), [(0.02, 2_000_000), (0.05, 1_800_000), (0.10, 1_000_000)])
def test_random_loss_is_not_taken_for_a_full_link(loss: float, least: int) -> None:
    run = play(estimate(), Link(20_000_000, loss=loss), 30)
    assert run.mean_bps(5) >= least


@pytest.mark.parametrize(("every_s", "stall_s"), [(1.0, 0.05), (2.0, 0.15), (3.0, 0.3)])
def test_a_busy_machine_is_not_taken_for_a_full_link(every_s: float, stall_s: float) -> None:
    run = play(estimate(), Link(20_000_000, jitter_s=0.004, stall_every_s=every_s, stall_s=stall_s), 40)
    assert run.mean_bps(10) >= 1_900_000


def test_a_plain_picture_beside_a_busy_queue_does_not_sink_the_estimate() -> None:
    """A queue that others fill for a while, when we send a fifth of what we may."""
    uplink, run = estimate(), Run()
    for burst in range(6):
        play(uplink, Link(20_000_000, jitter_s=0.002), burst * 5 + 4.6, burst * 5.0, run, 450_000)
        play(uplink, Link(300_000), burst * 5 + 5.0, burst * 5 + 4.6, run, 450_000)
    assert min(bps for _, bps in run.targets) > 1_500_000


def test_heavy_loss_lowers_the_rate() -> None:
    run = play(estimate(), Link(20_000_000, loss=0.30), 20)
    assert run.mean_bps(10) <= 1_000_000


def test_the_bounds_hold_whatever_happens() -> None:
    uplink = estimate()
    link = Link(50_000, queue_s=1.0, loss=0.4)
    run = play(uplink, link, 20)
    assert min(bps for _, bps in run.targets) >= 150_000
    assert max(bps for _, bps in run.targets) <= 2_500_000
    uplink.set_bounds(300_000, 800_000)
    assert 300_000 <= uplink.target_bps <= 800_000


def test_an_overflow_of_our_own_queue_lowers_the_estimate() -> None:
    uplink = estimate()
    uplink.penalise()
    assert uplink.target_bps == int(2_500_000 * 0.85)


def test_a_far_side_without_feedback_is_steered_by_its_reports_and_remb() -> None:
    uplink = estimate()
    for _ in range(10):
        uplink.take_loss(0.3)
    low = uplink.target_bps
    assert low < 1_000_000
    for _ in range(200):
        uplink.take_loss(0.0)
    assert uplink.target_bps > 2 * low
    uplink.take_remb(700_000)
    assert uplink.target_bps == 700_000


def test_a_receiver_clock_that_jumps_does_not_sink_the_rate() -> None:
    uplink = estimate()
    link = Link(20_000_000, jitter_s=0.002)
    run = play(uplink, link, 10)
    uplink.take([Fate(10.0 + i * 0.01, PACKET, 3_610.0 + i * 0.01) for i in range(20)], 10.2)
    run = play(uplink, link, 20, 10.5, run)
    assert run.mean_bps(15) >= 2_000_000
