"""The media clock: no drift, no squeezing in, no wrap of ours."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from seller_console.engine.clock import SECOND_NS, MediaClock, Metronome, rtp
from seller_console.engine.encode import BLOCK, SoundEncoder, VideoEncoder

from .conftest import moving


def test_a_beat_an_hour_later_is_still_on_the_grid() -> None:
    metronome = Metronome(Fraction(30), 1_000)
    assert metronome.due_ns(30 * 3600) == 1_000 + 3600 * SECOND_NS


def test_a_tick_that_comes_too_late_is_skipped_and_counted() -> None:
    metronome = Metronome(Fraction(10), 0)
    assert metronome.take(0) == (0, 0)
    assert metronome.take(50_000_000) is None
    assert metronome.take(450_000_000) == (4, 400_000_000)
    assert metronome.late == 3
    assert metronome.take(460_000_000) is None


def test_blocks_of_sound_are_caught_up_with_before_any_is_skipped() -> None:
    metronome = Metronome(Fraction(50), 0, patience=5)
    metronome.take(0)
    late_ns = 5 * 20_000_000 + 1
    assert [metronome.take(late_ns) for _ in range(5)] == [(n, n * 20_000_000) for n in range(1, 6)]
    assert metronome.late == 0
    assert metronome.take(20 * 20_000_000) == (20, 400_000_000)
    assert metronome.late == 14


@given(st.integers(0, 60 * 3600 * SECOND_NS))
def test_media_time_grows_past_32_bits_and_only_the_wire_wraps(since_ns: int) -> None:
    clock = MediaClock(origin_ns=7)
    pts = clock.video_pts(7 + since_ns)
    assert pts == since_ns * 9 // 100_000
    assert rtp(pts) == pts % 2**32
    assert rtp(pts + 3000) == (rtp(pts) + 3000) % 2**32


def test_the_encoders_carry_times_across_two_to_the_32() -> None:
    encoder = VideoEncoder(160, 128, 30, 400_000)
    start = 2**32 - 3 * 3000
    times = [encoder.encode(moving(160, 128, n), start + n * 3000, n == 0).pts for n in range(6)]
    assert times == [start + n * 3000 for n in range(6)]
    opus = SoundEncoder()
    packets = [opus.encode(np.zeros(BLOCK, np.float32), 2**32 - BLOCK + n * BLOCK) for n in range(3)]
    assert [p.pts for p in packets if p is not None] == [2**32 - BLOCK, 2**32, 2**32 + BLOCK]
