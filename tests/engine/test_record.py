"""The recording: what the disk, sleep and death may do to it, and what is said of it."""

from __future__ import annotations

import errno
import threading
from collections import deque
from pathlib import Path
from typing import Any

import pytest

from seller_console.contract import media as m
from seller_console.engine.muxing import Muxer, Unit

from .test_outputs import Packets, contents, recorder, running, said, until

pytestmark = pytest.mark.media


@pytest.mark.parametrize("slept_s", [60.0, 30_000.0])
def test_a_laptop_that_slept_records_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slept_s: float) -> None:
    """The media clock jumps while twenty packets wait for a disk that is no slower than ever."""
    hangs, go_on = threading.Event(), threading.Event()
    real = Muxer.write

    def slow(muxer: Muxer, unit: Unit) -> bool:
        hangs.set()
        assert go_on.wait(30)
        return real(muxer, unit)

    monkeypatch.setattr(Muxer, "write", slow)
    packets = Packets()
    recording = recorder(tmp_path, packets)
    packets.play(0.5, recording)
    assert hangs.wait(10) and len(recording._units) >= 20
    packets.sleep(slept_s)
    packets.play(0.5, recording)
    assert recording.facts().error == ""
    go_on.set()
    facts = recording.stop()
    assert (facts.state, facts.error) == ("off", "")
    assert contents(Path(facts.path))[0] == 30


@pytest.mark.warns("recording_failed")
def test_what_waits_is_given_up_on_one_thread_while_another_adds_to_it(tmp_path: Path) -> None:
    packets = Packets()
    recording = recorder(tmp_path, packets)

    class GivenUp(deque[Any]):
        def append(self, one: Any) -> None:
            super().append(one)
            giving_up = threading.Thread(target=recording._fail, args=("disk_error",))
            giving_up.start()
            giving_up.join(0.3)

    recording._units = GivenUp()
    packets.play(0.04, recording)
    assert recording.stop().error == "disk_error"


@pytest.mark.warns("recording_failed")
async def test_what_failed_is_over_when_the_recording_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_muxer: Muxer, _unit: Unit) -> bool:
        raise OSError(errno.ENOSPC, "no space left on device")

    monkeypatch.setattr(Muxer, "write", full)
    async with running() as (engine, notes):
        await engine.obey(m.StartRecording(folder=str(tmp_path)))
        await until(lambda: any(t.code == "recording_failed" for t in said(notes, m.TroubleRaised)))
        await engine.obey(m.StopRecording())
        await until(lambda: any(t.code == "recording_failed" for t in said(notes, m.TroubleCured)))
        last = said(notes, m.RecordingChanged)[-1]
        assert (last.state, last.error) == ("off", "disk_full")


@pytest.mark.warns("recording_failed")
async def test_a_disk_that_fails_as_the_recording_is_closed_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Muxer.close

    def full(muxer: Muxer) -> None:
        real(muxer)
        raise OSError(errno.ENOSPC, "no space left on device")

    monkeypatch.setattr(Muxer, "close", full)
    async with running() as (engine, notes):
        await engine.obey(m.StartRecording(folder=str(tmp_path)))
        await until(lambda: engine.outputs.recording.seconds > 0.5)
        await engine.obey(m.StopRecording())
        await until(lambda: said(notes, m.RecordingChanged)[-1].state == "off")
    assert [(n.state, n.error) for n in said(notes, m.RecordingChanged)][-2:] == [
        ("failed", "disk_full"),
        ("off", "disk_full"),
    ]
