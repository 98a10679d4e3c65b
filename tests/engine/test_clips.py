"""Clips: the last seconds from a ring of encoded packets, and what the disk may do to them."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from pathlib import Path

import av
import pytest

from seller_console.contract import media as m
from seller_console.engine import muxing
from seller_console.engine import ring as ring_module
from seller_console.engine.muxing import Unit
from seller_console.engine.ring import BLOCK_BYTES, Ring

from .encoded import SIZE, Packets, contents, running, said

pytestmark = pytest.mark.media


def test_a_clip_is_the_last_seconds_from_a_whole_picture(tmp_path: Path) -> None:
    packets, ring = Packets(), Ring()
    for _ in range(6):
        packets.ask_idr()
        packets.play(1.0, ring)
    assert ring.save(tmp_path / "clip.mp4", 2.5, SIZE, 30) == pytest.approx(3.0, abs=0.15)
    assert contents(tmp_path / "clip.mp4")[0] == 90
    assert [path.name for path in tmp_path.glob("*.*")] == ["clip.mp4"]


def test_a_clip_holds_nothing_from_before_a_break(tmp_path: Path) -> None:
    packets, ring = Packets(), Ring()
    packets.play(3.0, ring)
    packets.pause(20.0)
    packets.ask_idr()
    packets.play(2.0, ring)
    assert ring.save(tmp_path / "clip.mp4", 60.0, SIZE, 30) == pytest.approx(2.0, abs=0.1)
    assert contents(tmp_path / "clip.mp4") == (60, pytest.approx(2.0, abs=0.1))


def test_a_clip_is_made_mp4_by_another_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def not_here(*_words: object) -> float:
        raise AssertionError("in the engine")

    monkeypatch.setattr(muxing, "to_mp4", not_here)
    monkeypatch.setattr(ring_module, "to_mp4", not_here, raising=False)
    packets, ring = Packets(), Ring()
    packets.play(1.0, ring)
    assert ring.save(tmp_path / "clip.mp4", 1.0, SIZE, 30) == pytest.approx(1.0, abs=0.05)
    with av.open(str(tmp_path / "clip.mp4")) as container:
        assert container.duration == pytest.approx(1_000_000, abs=50_000)


@pytest.mark.skipif(sys.platform == "win32", reason="no FIFO there")
def test_a_disk_that_makes_a_clip_wait_stops_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A FIFO nobody reads: opening it takes as long as a disk that sleeps, or a share that is gone."""
    monkeypatch.setattr(ring_module, "rewrap", lambda *_words: None)  # that program would wait for it as well
    os.mkfifo(tmp_path / "clip.clip")
    packets, ring = Packets(), Ring()
    packets.play(1.0, ring)
    ended = threading.Event()

    def save() -> None:
        with contextlib.suppress(OSError):
            ring.save(tmp_path / "clip.mp4", 1.0, SIZE, 30)
        ended.set()

    thread = threading.Thread(target=save, daemon=True)
    thread.start()
    longest_s, before_s, until_s = 0.0, time.monotonic(), time.monotonic() + 1.5
    while before_s < until_s:
        time.sleep(0.01)
        longest_s, before_s = max(longest_s, time.monotonic() - before_s), time.monotonic()
    assert not ended.is_set() and longest_s < 1.0
    reader = os.open(tmp_path / "clip.clip", os.O_RDONLY | os.O_NONBLOCK)
    until_s = time.monotonic() + 20
    while not ended.wait(0.01) and time.monotonic() < until_s:
        with contextlib.suppress(BlockingIOError):
            os.read(reader, 1 << 20)
    os.close(reader)
    assert ended.is_set()


def test_the_ring_keeps_a_minute_and_no_more(tmp_path: Path) -> None:
    packets, ring = Packets(), Ring(kept_s=2.0)
    with pytest.raises(LookupError):
        ring.save(tmp_path / "clip.mp4", 1.0, SIZE, 30)
    for _ in range(12):
        packets.ask_idr()
        packets.play(0.5, ring)
    assert 2.0 <= ring.seconds <= 2.6
    assert ring.save(tmp_path / "clip.mp4", 60.0, SIZE, 30) < 2.7


def test_the_packets_of_a_minute_lie_in_few_large_blocks_and_are_what_they_were() -> None:
    ring, put = Ring(), []
    for number in range(70 * 30):
        size = 3 << 20 if number == 1800 else 4_000 + number % 700
        put.append(Unit("video", bytes([number % 251]) * size, number * 3000, number % 300 == 0))
        ring._put(put[-1])
    kept = [one for group in ring._groups for one in group]
    assert [(bytes(one.data), one.pts) for one in kept] == [(unit.data, unit.pts) for unit in put[-len(kept) :]]
    blocks = {id(one.data.obj): len(one.data.obj) for one in kept}  # type: ignore[arg-type]
    assert min(blocks.values()) >= BLOCK_BYTES
    assert sum(blocks.values()) < 1.3 * sum(len(one.data) for one in kept)


async def test_a_clip_of_nothing_is_an_answer_not_a_crash(tmp_path: Path) -> None:
    async with running() as (engine, notes):
        await engine.obey(m.SaveClip(request="1", path=str(tmp_path / "x.mp4")))
    assert said(notes, m.ClipSaved)[0].error
