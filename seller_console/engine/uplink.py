"""How fast the uplink may be fed: what arrived when, turned into a target rate.

Delay gradient with a trendline and an adaptive threshold, additive-multiplicative
control, and a loss bound, after draft-ietf-rmcat-gcc-02; a growing delay counts only
while no packet escapes it, so that a busy machine is not taken for a full link. Pure: every time is an
argument, in seconds of any monotonic clock; tested on a simulated link.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of one packet. `arrived_s` on the receiver's clock, None: lost."""

    sent_s: float
    size: int
    arrived_s: float | None


BURST_S = 0.005
WINDOW = 20
GAIN = 4.0
OVERUSE_S = 0.010
SMOOTHING = 0.9
K_UP, K_DOWN = 0.0087, 0.039
BETA = 0.85
IDLE = 0.7
"""Below this share of the estimate a sender is limited by its picture, not by the link."""
RATE_WINDOW_S = 0.5
STANDING_WINDOW_S, BASE_WINDOW_S = 0.25, 10.0
STANDING_S = 0.010
LOSS_WINDOW_S = 0.5
LOSS_LOW, LOSS_HIGH = 0.02, 0.12


class Trend:
    """The delay gradient: is a queue growing (1), draining (-1), or neither (0)?"""

    def __init__(self) -> None:
        self._group: tuple[float, float, float] | None = None  # first sent, last sent, last arrival
        self._prior: tuple[float, float] | None = None
        self._points: deque[tuple[float, float]] = deque(maxlen=WINDOW)
        self._sum_ms = 0.0
        self._smooth_ms = 0.0
        self._count = 0
        self._threshold_ms = 12.5
        self._threshold_at_s: float | None = None
        self._over_since_s: float | None = None
        self._slope_before = 0.0
        self._origin_s: float | None = None
        self.state = 0

    def arrived(self, sent_s: float, arrived_s: float) -> None:
        """In order of sending."""
        group = self._group
        if group is not None and sent_s - group[0] <= BURST_S:
            self._group = (group[0], max(group[1], sent_s), max(group[2], arrived_s))
            return
        if group is not None:
            if self._prior is not None:
                self._step(group[1] - self._prior[0], group[2] - self._prior[1], group[2])
            self._prior = (group[1], group[2])
        self._group = (sent_s, sent_s, arrived_s)

    def _step(self, sent_s: float, arrived_s: float, now_s: float) -> None:
        if self._origin_s is None:
            self._origin_s = now_s
        delta_ms = (arrived_s - sent_s) * 1000
        if abs(delta_ms) > 3_000:  # a clock jumped, or the link slept
            self._points.clear()
            self._sum_ms = self._smooth_ms = 0.0
            return
        self._count = min(self._count + 1, 60)
        self._sum_ms += delta_ms
        self._smooth_ms = SMOOTHING * self._smooth_ms + (1 - SMOOTHING) * self._sum_ms
        self._points.append(((now_s - self._origin_s) * 1000, self._smooth_ms))
        slope = self._slope() if len(self._points) == WINDOW else self._slope_before
        self._judge(slope, sent_s, now_s)

    def _slope(self) -> float:
        mean_x = sum(x for x, _ in self._points) / len(self._points)
        mean_y = sum(y for _, y in self._points) / len(self._points)
        below = sum((x - mean_x) ** 2 for x, _ in self._points)
        if below <= 0:
            return 0.0
        return sum((x - mean_x) * (y - mean_y) for x, y in self._points) / below

    def _judge(self, slope: float, sent_s: float, now_s: float) -> None:
        trend_ms = self._count * slope * GAIN
        if trend_ms > self._threshold_ms:
            if self._over_since_s is None:
                self._over_since_s = now_s - sent_s / 2
            if now_s - self._over_since_s >= OVERUSE_S and slope >= self._slope_before:
                self.state = 1
        else:
            self._over_since_s = None
            self.state = -1 if trend_ms < -self._threshold_ms else 0
        self._slope_before = slope
        excess = abs(trend_ms) - self._threshold_ms
        if excess <= 15:
            k = K_DOWN if excess < 0 else K_UP
            passed_ms = 0.0 if self._threshold_at_s is None else min(100.0, (now_s - self._threshold_at_s) * 1000)
            self._threshold_ms = min(600.0, max(6.0, self._threshold_ms + k * excess * passed_ms))
        self._threshold_at_s = now_s


class Standing:
    """The least delay of the last quarter second above the least of the last ten seconds.

    A queue delays every packet; a machine that was busy delays some and then catches
    up, so its least delay stays where it was.
    """

    def __init__(self) -> None:
        self._recent: deque[tuple[float, float]] = deque()
        self._base: deque[tuple[float, float]] = deque()  # growing delays: the first is the least

    def arrived(self, sent_s: float, arrived_s: float) -> None:
        delay = arrived_s - sent_s
        self._recent.append((sent_s, delay))
        while self._recent[0][0] < sent_s - STANDING_WINDOW_S:
            self._recent.popleft()
        while self._base and self._base[-1][1] >= delay:
            self._base.pop()
        self._base.append((sent_s, delay))
        while self._base[0][0] < sent_s - BASE_WINDOW_S:
            self._base.popleft()

    @property
    def seconds(self) -> float:
        if not self._recent:
            return 0.0
        return min(delay for _, delay in self._recent) - self._base[0][1]


class Uplink:
    """The estimate. Feed it fates in order of sending, once per feedback; read `target_bps`."""

    def __init__(self, *, min_bps: int, start_bps: int, max_bps: int) -> None:
        self.min_bps, self.max_bps = min_bps, max_bps
        self._delay_bps = float(min(max(start_bps, min_bps), max_bps))
        self._loss_bps = float(max_bps)
        self._remb_bps: float | None = None
        self._trend = Trend()
        self._standing = Standing()
        self._acked: deque[tuple[float, int]] = deque()
        self._acked_bps: float | None = None
        self._sends: deque[tuple[float, int]] = deque()
        self._sent_bps: float | None = None
        self._held_bps = 0.0
        """The estimate a plain picture was lowered from: it may come back to it unproven."""
        self._capacity: float | None = None
        self._capacity_deviation = 0.4
        self._holding = False
        self._at_s: float | None = None
        self._lowered_at_s = float("-inf")
        self._lost = self._sent = 0
        self._loss_at_s: float | None = None
        self._loss: float | None = None
        self.rtt_s = 0.1

    @property
    def target_bps(self) -> int:
        target = min(self._delay_bps, self._loss_bps)
        if self._remb_bps is not None:
            target = min(target, self._remb_bps)
        return int(min(self.max_bps, max(self.min_bps, target)))

    @property
    def acked_bps(self) -> float | None:
        """What got through in the last half second."""
        return self._acked_bps

    def set_bounds(self, min_bps: int, max_bps: int) -> None:
        grown = max_bps > self.max_bps and self._loss_bps >= self.max_bps
        self.min_bps, self.max_bps = min_bps, max_bps
        self._delay_bps = min(max(self._delay_bps, min_bps), max_bps)
        self._loss_bps = max_bps if grown else min(max(self._loss_bps, min_bps), max_bps)

    def take(self, fates: Iterable[Fate], now_s: float) -> None:
        """A transport-wide feedback."""
        for fate in fates:
            self._sent += 1
            self._sends.append((fate.sent_s, fate.size))
            if fate.arrived_s is None:
                self._lost += 1
                continue
            self._trend.arrived(fate.sent_s, fate.arrived_s)
            self._standing.arrived(fate.sent_s, fate.arrived_s)
            self._acked.append((fate.arrived_s, fate.size))
        self._measure()
        self._by_delay(now_s)
        if self._loss_at_s is None:
            self._loss_at_s = now_s
        elif now_s - self._loss_at_s >= LOSS_WINDOW_S and self._sent >= 20:
            self._loss_at_s = now_s
            loss, self._lost, self._sent = self._lost / self._sent, 0, 0
            self._by_loss(loss, quiet=now_s - self._lowered_at_s > 2.0)

    def take_loss(self, loss: float) -> None:
        """A receiver report, where the far side gives no transport-wide feedback."""
        self._by_loss(loss)
        if loss < 0.02:
            self._delay_bps = min(self.max_bps, self._delay_bps * 1.05)

    def take_remb(self, bps: int) -> None:
        self._remb_bps = float(bps)

    def penalise(self) -> None:
        """Our own queue grew beyond its bound: the estimate was too high."""
        self._delay_bps = max(self.min_bps, min(self._delay_bps, self.target_bps) * BETA)

    def _measure(self) -> None:
        if self._sends:
            while self._sends[0][0] < self._sends[-1][0] - RATE_WINDOW_S:
                self._sends.popleft()
            span_s = self._sends[-1][0] - self._sends[0][0]
            if span_s >= RATE_WINDOW_S * 0.6:
                self._sent_bps = sum(size for _, size in self._sends) * 8 / span_s
        if not self._acked:
            return
        newest_s = self._acked[-1][0]
        while self._acked and self._acked[0][0] < newest_s - RATE_WINDOW_S:
            self._acked.popleft()
        span_s = newest_s - self._acked[0][0]
        if span_s >= RATE_WINDOW_S * 0.6:
            fresh = sum(size for _, size in self._acked) * 8 / span_s
            self._acked_bps = fresh if self._acked_bps is None else 0.6 * self._acked_bps + 0.4 * fresh

    def _by_delay(self, now_s: float) -> None:
        passed_s = 0.0 if self._at_s is None else min(1.0, now_s - self._at_s)
        self._at_s = now_s
        acked = self._acked_bps
        if self._trend.state == 1 and self._standing.seconds > STANDING_S and self._idle:
            # A plain picture sends little: what got through then says nothing of what the link holds.
            if now_s - self._lowered_at_s > max(0.2, self.rtt_s):
                self._lowered_at_s = now_s
                self._held_bps = max(self._held_bps, self._delay_bps)
                self._delay_bps = max(self._delay_bps * BETA, self.min_bps)
            self._holding = True
        elif self._trend.state == 1 and self._standing.seconds > STANDING_S:
            if now_s - self._lowered_at_s > max(0.2, self.rtt_s) or (
                acked is not None and self._delay_bps > 1.5 * acked
            ):
                self._lowered_at_s = now_s
                self._held_bps = 0.0
                if acked is not None:
                    self._learn(acked)
                    self._delay_bps = min(self._delay_bps, max(BETA * acked, self.min_bps))
                else:
                    self._delay_bps = max(self._delay_bps * 0.5, self.min_bps)
            self._holding = True
        elif self._trend.state:
            self._holding = True
        else:
            if self._holding:  # one feedback of rest after the queue has drained
                self._holding = False
                return
            self._raise(passed_s, acked)

    @property
    def _idle(self) -> bool:
        """The encoder sends well below the estimate: its rate is the picture's, not the link's."""
        return self._sent_bps is not None and self._sent_bps < IDLE * self._delay_bps

    def _learn(self, acked: float) -> None:
        """The link's capacity, from what got through while it was full."""
        kbps = acked / 1000
        if self._capacity is None:
            self._capacity = kbps
        else:
            error = kbps - self._capacity
            self._capacity += 0.05 * error
            norm = max(self._capacity, 1.0)
            self._capacity_deviation = 0.95 * self._capacity_deviation + 0.05 * error * error / norm
            self._capacity_deviation = min(2.5, max(0.4, self._capacity_deviation))

    def _raise(self, passed_s: float, acked: float | None) -> None:
        if self._capacity is not None and acked is not None:
            spread = 3 * (self._capacity_deviation * self._capacity) ** 0.5
            if acked / 1000 > self._capacity + spread:
                self._capacity = None  # the link has widened: search again
        if self._capacity is not None and self._delay_bps / 1000 > self._capacity * 0.9:
            response_s = self.rtt_s + 0.1
            packets = max(1.0, self._delay_bps / 30 / 8 / 1200)
            packet_bits = self._delay_bps / 30 / packets
            step = max(4_000.0, packet_bits / response_s) * passed_s
        else:
            step = self._delay_bps * (1.08 ** min(passed_s, 1.0) - 1) + (1_000 if passed_s else 0)
        raised = self._delay_bps + step
        if acked is not None:
            raised = min(raised, max(self._delay_bps, self._held_bps, 1.5 * acked + 10_000))
        self._delay_bps = min(raised, self.max_bps)

    def _by_loss(self, loss: float, quiet: bool = False) -> None:
        """`quiet`: no queue has grown for a while, so a little loss is the air's, not ours."""
        self._loss = loss if self._loss is None else 0.5 * self._loss + 0.5 * loss
        if min(self._loss, loss) > LOSS_HIGH:
            self._loss_bps = max(self.min_bps, min(self._loss_bps, self.target_bps) * (1 - 0.5 * self._loss))
        elif self._loss < LOSS_LOW or (quiet and self._loss < LOSS_HIGH):
            self._loss_bps = min(self.max_bps, self._loss_bps * 1.05 + 1_000)
