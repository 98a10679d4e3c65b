"""Sound: on time whatever the device's clock says, metered, never blocking."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest

from seller_console.engine.device import DeviceBusy, DeviceGone
from seller_console.engine.downmix import Downmix
from seller_console.engine.encode import BLOCK
from seller_console.engine.meter import Meter
from seller_console.engine.sound import (
    MOST_TARGET,
    RING,
    TARGET,
    CapturedMicrophone,
    MicrophoneFacts,
    Samples,
    SoftResampler,
    Tone,
)

from .conftest import wait_for


def run(ppm: float, minutes: float) -> tuple[SoftResampler, list[int], Samples]:
    """A device whose clock is `ppm` fast plays 1 kHz into the ring for so long; (ring, fills, the last sound)."""
    ring, fills = SoftResampler(), []
    heard: list[Samples] = []
    rate = 48_000 * (1 + ppm / 1e6)
    pushed = 0
    jitter = np.random.default_rng(7)
    for tick in range(int(minutes * 60 * 50)):
        now_s = tick * 0.02 + 0.013
        while pushed + BLOCK <= now_s * rate:
            at = (pushed + np.arange(BLOCK)) / 48_000
            given_s = min(now_s, (pushed + BLOCK) / rate + abs(jitter.normal(0, 0.003)))
            ring.push((0.5 * np.sin(2 * np.pi * 1000 * at)).astype(np.float32), int(given_s * 1e9))
            pushed += BLOCK
        block = ring.pull(int(now_s * 1e9))
        fills.append(ring.waiting)
        if block is not None:
            heard.append(block)
    return ring, fills, np.concatenate(heard[-50:])


@pytest.mark.parametrize("ppm", [-300.0, 0.0, 100.0])
def test_a_clock_that_is_off_never_adds_up(ppm: float) -> None:
    ring, fills, _heard = run(ppm, 6)
    assert ring.dropped == 0
    assert ring.starved == 0
    settled = fills[len(fills) // 2 :]
    assert abs(np.mean(settled) + BLOCK - TARGET) < 48_000 * 0.005
    assert max(settled) - min(settled) < 48_000 * 0.030
    assert ring.stretch == pytest.approx(ppm / 1e6, abs=6e-5)


def test_without_following_the_ring_overflows() -> None:
    """The accident the resampler is for."""
    ring = SoftResampler()
    ring._follow = lambda fill: None  # type: ignore[method-assign]
    pushed = 0
    for tick in range(6 * 60 * 50):
        while pushed + BLOCK <= int(tick * 0.02 * 48_000 * 1.0003):
            ring.push(np.zeros(BLOCK, np.float32), 0)
            pushed += BLOCK
        ring.pull(0)
    assert ring.dropped > 0


def test_the_resampler_is_not_heard() -> None:
    ring, _, heard = run(150.0, 2)
    heard = heard[-9_600:]
    at = np.arange(len(heard)) / 48_000
    hz = 1000 * (1 + ring.stretch)
    model = np.stack([np.sin(2 * np.pi * hz * at), np.cos(2 * np.pi * hz * at)], axis=1)
    fit, *_ = np.linalg.lstsq(model, heard, rcond=None)
    rest = heard - model @ fit
    assert 20 * np.log10(np.std(rest) / np.std(heard)) < -40


def test_a_full_ring_drops_the_oldest_and_counts() -> None:
    ring = SoftResampler()
    ring.push(np.zeros(RING - 10, np.float32), 0)
    assert ring.dropped == 0
    ring.push(np.ones(BLOCK, np.float32), 0)
    assert ring.dropped == RING - 10 + BLOCK - ring.depth
    assert ring.waiting == ring.depth


def test_an_empty_ring_waits_to_be_filled_again_before_it_speaks() -> None:
    ring = SoftResampler()
    ring.push(np.zeros(TARGET, np.float32), 0)
    assert ring.pull(0) is None, "not deep enough yet"
    ring.push(np.zeros(BLOCK // 2, np.float32), 0)
    assert ring.pull(0) is not None
    assert ring.pull(0) is not None
    assert ring.pull(0) is None
    assert ring.starved == 1
    ring.push(np.zeros(BLOCK // 2, np.float32), 0)
    assert ring.pull(0) is None
    ring.push(np.zeros(TARGET + BLOCK // 2, np.float32), 0)
    assert ring.pull(0) is not None
    assert ring.waiting == ring.depth - BLOCK, "a block deeper, to the sample"


def ages(device_stalls: tuple[float, float], desk_stalls: tuple[float, float]) -> tuple[SoftResampler, list[float]]:
    """How old each block was when its turn came, in ms, before what the ring says of itself is taken off.

    The sound is its own clock: each sample is the moment it was in the air. Blocks are given 7 ms before
    the desk's turns; either side does nothing for a while, and then all that has come due at once.
    """
    ring, off_ms = SoftResampler(), []
    given = turn = 0
    for now_ms in range(3_000):
        now_s = now_ms / 1000
        if not device_stalls[0] <= now_s < device_stalls[1]:
            while (given + BLOCK) / 48_000 + 0.013 <= now_s:
                ring.push(np.arange(given, given + BLOCK, dtype=np.float32), now_ms * 1_000_000)
                given += BLOCK
        if not desk_stalls[0] <= now_s < desk_stalls[1]:
            while turn * 0.02 <= now_s:
                late_ns = now_ms * 1_000_000 - turn * 20_000_000
                if (block := ring.pull(now_ms * 1_000_000, late_ns)) is not None:
                    off_ms.append((turn * BLOCK - float(block[0]) - ring.depth) / 48)
                turn += 1
    return ring, off_ms


@pytest.mark.parametrize("until_s", [1.495, 1.5, 1.505, 1.51])
def test_after_a_gap_the_sound_is_as_old_as_it_is_said_to_be(until_s: float) -> None:
    """What a stalled device gives at once is up to a block old, and nobody knows it: heeded at the next block."""
    _, calm = ages((9, 9), (9, 9))
    ring, off = ages((1.3, until_s), (9, 9))
    assert ring.starved == 1
    assert max(calm) - min(calm) < 3.5
    assert off[-20:] == pytest.approx(calm[-20:], abs=3.5)


def test_a_desk_that_comes_five_blocks_late_loses_no_sound_and_one_that_skips_is_in_time_at_once() -> None:
    ring, off = ages((9, 9), (1.3, 1.4))
    assert (ring.dropped, ring.starved, len(off)) == (0, 0, 146)
    assert max(off) - min(off) < 3.5
    ring = SoftResampler()
    for block in range(20):
        ring.push(np.arange(block * BLOCK, (block + 1) * BLOCK, dtype=np.float32), block * 20_000_000)
        ring.pull(block * 20_000_000)
    for block in range(20, 40):
        ring.push(np.arange(block * BLOCK, (block + 1) * BLOCK, dtype=np.float32), block * 20_000_000)
        if block >= 26:
            heard = ring.pull(block * 20_000_000)
    assert heard is not None
    assert (40 * BLOCK - heard[0] - ring.depth) / 48 == pytest.approx(0, abs=3.5)
    assert ring.overflowed == 1, "and it is counted"


@pytest.mark.parametrize("period_ms", [20, 40])
def test_a_jumpy_microphone_keeps_what_saves_it_from_its_next_gap(period_ms: int) -> None:
    """Blocks 10 ms late on the mean, some much more: a gap is answered by a deeper ring, and never by many jumps."""
    late = np.random.default_rng(3).exponential(10, 120_000 // period_ms)
    given_ms = np.maximum.accumulate((np.arange(len(late)) + 1) * period_ms + late)
    ring, heard, at, jumps, before = SoftResampler(), 0, 0, 0, -1.0
    samples = period_ms * 48
    for turn in range(6_000):
        now_ms = turn * 20 + 1
        while at < len(given_ms) and given_ms[at] <= now_ms:
            ring.push(np.arange(at * samples, (at + 1) * samples, dtype=np.float32), int(given_ms[at] * 1e6))
            at += 1
        block = ring.pull(now_ms * 1_000_000, 1_000_000)
        jumps += block is not None and 0 <= before and block[0] - before > 40
        before = -1.0 if block is None else float(block[-1])
        heard += block is not None
    assert heard > 5_700 and jumps <= 2
    assert ring.starved < 35


def test_the_meter_reads_peak_rms_and_clipping_once() -> None:
    meter = Meter()
    at = np.arange(BLOCK) / 48_000
    meter.take((0.5 * np.sin(2 * np.pi * 1000 * at)).astype(np.float32))
    peak, rms, clipped = meter.read()
    assert peak == pytest.approx(-6.02, abs=0.1)
    assert rms == pytest.approx(-9.03, abs=0.1)
    assert not clipped
    assert meter.read() == (-120.0, -120.0, False)
    meter.take(np.ones(BLOCK, np.float32))
    assert meter.read()[2]
    meter.take(np.full(BLOCK, 0.5, np.float32), over=True)
    assert meter.read()[2], "what a limiter held"
    meter.take(np.full(BLOCK, 0.5, np.float32))
    assert not meter.read()[2]


def test_the_tone_beeps_at_each_second_of_the_media_clock() -> None:
    tone = Tone("tone", "tone", 1_000)
    beep = tone.pull(1_000 + 3_020_000_000)
    hum = tone.pull(1_000 + 3_500_000_000)
    assert np.abs(beep).max() > 2.5 * np.abs(hum).max()
    assert len(tone.pull(1_000 + 999_999_000)) == BLOCK


class Loudspeaker:
    """The shape of a microphone, under a test's thumb."""

    def __init__(self) -> None:
        self.fail: Exception | None = None
        self.opened = self.closed = 0
        self.speak: Callable[[Samples], None] = lambda _block: None

    def open(self, on_block: Callable[[Samples], None]) -> None:
        self.opened += 1
        if self.fail:
            raise self.fail
        self.speak = on_block

    def check(self) -> None:
        if self.fail:
            raise self.fail

    def facts(self) -> MicrophoneFacts:
        return MicrophoneFacts()

    def close(self) -> None:
        self.closed += 1


def test_a_microphone_that_goes_is_named_gives_silence_and_comes_back() -> None:
    device = Loudspeaker()
    feed = CapturedMicrophone("microphone:Blue", "Blue", lambda: device)
    feed.start()
    try:
        wait_for(lambda: device.opened == 1, 5, "it is opened")
        device.speak(np.full(2 * TARGET, 0.25, np.float32))
        assert feed.state == "live"
        assert np.abs(feed.pull(time.monotonic_ns())).max() > 0.2
        device.fail = DeviceGone("unplugged")
        wait_for(lambda: feed.state == "gone" and feed.detail == "unplugged", 3, "it is said to be gone")
        for _ in range(5):
            silent = feed.pull(time.monotonic_ns())
        assert np.abs(silent).max() == 0
        before = device.opened
        device.fail = None
        feed.retry_now()
        wait_for(lambda: device.opened > before, 3, "it is tried again at once")
        device.speak(np.full(2 * TARGET, 0.25, np.float32))
        assert feed.state == "live"
    finally:
        feed.stop()
    assert device.closed == device.opened


def test_a_microphone_in_use_elsewhere_is_busy_not_gone() -> None:
    device = Loudspeaker()
    device.fail = DeviceBusy("another program")
    feed = CapturedMicrophone("microphone:Blue", "Blue", lambda: device)
    feed.start()
    try:
        wait_for(lambda: feed.state == "busy", 3, "busy is said")
        assert feed.detail == "another program"
    finally:
        feed.stop()


class Brittle(Loudspeaker):
    """Raises what no device should, where it is told to."""

    def __init__(self, where: str) -> None:
        super().__init__()
        self.where = where

    def _break(self, where: str) -> None:
        if self.where == where:
            raise ZeroDivisionError(where)

    def open(self, on_block: Callable[[Samples], None]) -> None:
        super().open(on_block)
        self._break("open")

    def check(self) -> None:
        super().check()
        self._break("check")

    def close(self) -> None:
        super().close()
        self._break("close")


@pytest.mark.warns("microphone_failed")
@pytest.mark.parametrize("where", ["make", "open", "check", "close"])
def test_whatever_a_microphone_raises_it_is_gone_and_comes_back(where: str) -> None:
    device = Brittle(where)
    tries = 0

    def make() -> Brittle:
        nonlocal tries
        tries += 1
        device._break("make")
        return device

    feed = CapturedMicrophone("microphone:Blue", "Blue", make)
    feed.start()
    try:
        if where == "close":
            wait_for(lambda: device.opened == 1, 5, "it is opened")
            device.fail = DeviceGone("unplugged")
        detail = "unplugged" if where == "close" else "ZeroDivisionError"
        wait_for(lambda: (feed.state, feed.detail) == ("gone", detail), 5, "gone is said, and why")
        before = tries
        wait_for(lambda: tries > before, 5, "it is tried again")
        device.where, device.fail = "", None
        opened = device.opened
        wait_for(lambda: device.opened > opened, 5, "it is opened again")
        device.speak(np.full(2 * TARGET, 0.25, np.float32))
        assert feed.state == "live"
    finally:
        feed.stop()


def test_a_microphone_that_falls_silent_without_a_word_is_gone_within_3_s() -> None:
    device = Loudspeaker()
    feed = CapturedMicrophone("microphone:Blue", "Blue", lambda: device)
    feed.start()
    try:
        wait_for(lambda: device.opened == 1, 5, "it is opened")
        device.speak(np.zeros(BLOCK, np.float32))
        began = time.monotonic()
        wait_for(lambda: feed.state == "gone", 3, "no callback means gone")
        assert time.monotonic() - began < 3
    finally:
        feed.stop()


def sine(amplitude: float, hz: float = 500.0, blocks: int = 20) -> Samples:
    return (amplitude * np.sin(2 * np.pi * hz * np.arange(blocks * BLOCK) / 48_000)).astype(np.float32)


def mixed_down(left: Samples, right: Samples) -> tuple[Samples, int]:
    """(the last half of what comes out, blocks that clipped)."""
    downmix = Downmix()
    both = np.stack([left, right], axis=1).reshape(-1, BLOCK, 2)
    return np.concatenate([downmix.take(block) for block in both])[len(left) // 2 :], downmix.clipped


def test_a_voice_on_one_channel_only_is_taken_whole_and_its_clipping_is_seen() -> None:
    noise = np.random.default_rng(1).normal(0, 1e-4, 20 * BLOCK).astype(np.float32)
    heard, clipped = mixed_down(sine(0.5), noise)
    assert np.abs(heard).max() == pytest.approx(0.5, abs=0.01) and clipped == 0
    heard, clipped = mixed_down(noise, np.clip(sine(3.0), -1, 1))
    assert np.abs(heard).max() == pytest.approx(1.0, abs=0.01) and clipped == 20


def test_two_channels_that_carry_are_averaged_and_two_that_cancel_are_not() -> None:
    assert np.abs(mixed_down(sine(0.5), sine(0.5))[0]).max() == pytest.approx(0.5, abs=0.01)
    assert np.abs(mixed_down(sine(0.5, 500), sine(0.5, 700))[0]).max() == pytest.approx(0.5, abs=0.02)
    assert np.abs(mixed_down(sine(0.5), -sine(0.5))[0]).max() == pytest.approx(0.5, abs=0.01)


def test_one_channel_is_left_as_it_is() -> None:
    downmix = Downmix()
    assert (downmix.take(sine(0.5)) == sine(0.5)).all()
    assert (downmix.take(sine(0.5)[:, None]) == sine(0.5)).all()


def test_opened_again_a_microphone_is_not_held_for_jumpy_and_its_age_is_told() -> None:
    ring = SoftResampler()
    shallow = ring.depth
    ring.push(np.zeros(TARGET + BLOCK // 2, np.float32), 0)
    while ring.pull(0) is not None:
        pass
    assert ring.depth == shallow + BLOCK
    for _ in range(9):
        ring.push(np.zeros(2 * TARGET, np.float32), 0)
        while ring.pull(0) is not None:
            pass
    assert ring.depth == MOST_TARGET + BLOCK // 2
    ring.restart()
    assert ring.depth == shallow and ring.waiting == 0 and ring.starved > 1


def test_what_a_device_says_of_its_latency_is_believed_when_it_has_settled() -> None:
    """A sound server's first readings: 0.68 s, then the truth; a figure no microphone can have is left out."""
    feed = CapturedMicrophone("microphone:x", "x", Loudspeaker)
    ring_ms = feed.delay_ns / 1e6

    def told_ms(*readings: float) -> float:
        for reading in readings:
            feed._heed(MicrophoneFacts(int(reading * 1e6)))
        return feed.delay_ns / 1e6 - ring_ms

    feed._heed(MicrophoneFacts(679_000_000), opened=True)
    assert told_ms(679, 599) == 0
    assert told_ms(300, 139) == 139
    assert told_ms(*[20, 30] * 3) == pytest.approx(25, abs=5.1)
    assert told_ms(180) == pytest.approx(25, abs=5.1), "one odd reading moves nothing"
    assert told_ms(*[150] * 8) == 150, "another road to the same device"


def test_levels_are_in_decibels_of_full_scale_and_a_driver_that_gives_no_number_is_silence() -> None:
    meter = Meter(4)
    assert meter.levels_db() == []
    for amplitude in (1.0, 0.5, 0.0, float("nan")):
        meter.take(np.full(BLOCK, amplitude, np.float32))
    assert meter.levels_db() == pytest.approx([0.0, -6.02, -120.0, -120.0], abs=0.01)


def test_a_meter_tells_each_silence_that_has_ended_and_no_pause_of_a_room() -> None:
    meter = Meter()
    room = np.random.default_rng(2).normal(0, 0.0006, BLOCK).astype(np.float32)
    for block, times in ((room, 40), (np.zeros(BLOCK, np.float32), 25), (room, 3), (np.zeros(BLOCK, np.float32), 4)):
        for _ in range(times):
            meter.take(block)
    assert meter.gaps_s() == pytest.approx([0.5])
    meter.take(room)
    assert meter.gaps_s() == [], "80 ms are a stumble"
