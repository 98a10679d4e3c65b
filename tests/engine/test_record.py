"""The recording: what the disk, sleep and death may do to it, and what is said of it."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import av
import pytest

from seller_console.contract import media as m
from seller_console.engine import outputs, record
from seller_console.engine.muxing import Muxer, Unit, rewrap, to_mp4
from seller_console.engine.record import Recorder
from seller_console.engine.testcard import read_code
from seller_console.engine.watch import Viewer
from tests.fakes import relay_door

from .conftest import wait_for
from .encoded import SIZE, Packets, Units, contents, recorder, running, said, until

pytestmark = pytest.mark.media


def test_a_recording_is_an_mp4_with_every_picture_and_all_the_sound(tmp_path: Path) -> None:
    packets = Packets()
    recording = recorder(tmp_path, packets)
    packets.play(3.0, recording)
    facts = recording.stop()
    assert (facts.state, facts.error) == ("off", "")
    assert [path.name for path in tmp_path.glob("*.*")] == ["show-01.mp4"]
    assert facts.path == str(tmp_path / "show-01.mp4")
    pictures, seconds = contents(tmp_path / "show-01.mp4")
    assert pictures == 90
    assert seconds == pytest.approx(3.0, abs=0.1)


def test_it_begins_at_a_whole_picture(tmp_path: Path) -> None:
    packets = Packets()
    packets.play(0.5)
    recording = recorder(tmp_path, packets)
    wait_for(lambda: packets.idr, 3, "an IDR is asked for")
    packets.idr = False
    packets.play(0.5, recording)
    packets.ask_idr()
    packets.play(1.0, recording)
    facts = recording.stop()
    assert facts.seconds == pytest.approx(1.0, abs=0.1)
    assert contents(tmp_path / "show-01.mp4")[0] == 30


def test_segments_follow_one_another_without_a_picture_lost(tmp_path: Path) -> None:
    packets = Packets()
    recording = recorder(tmp_path, packets, segment_s=1.0)
    for _ in range(7):
        packets.play(0.5, recording)
        wait_for(lambda: not recording._units, 5, "written")
    recording.stop()
    files = sorted(tmp_path.glob("*.mp4"))
    assert len(files) >= 3
    assert sum(contents(path)[0] for path in files) == 105


def test_a_name_that_is_taken_is_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "show-01.mp4").write_bytes(b"last week's show")
    packets = Packets()
    recording = recorder(tmp_path, packets)
    packets.play(0.5, recording)
    recording.stop()
    assert (tmp_path / "show-01.mp4").read_bytes() == b"last week's show"
    assert contents(tmp_path / "show-02.mp4")[0] == 15


@pytest.mark.warns("recording_failed")
def test_a_disk_that_is_full_stops_the_recording_in_words(tmp_path: Path) -> None:
    packets = Packets()
    recording = recorder(tmp_path, packets, reserve_bytes=1 << 60)
    packets.play(0.5, recording)
    wait_for(lambda: recording.facts().state == "failed", 5, "it says so")
    assert recording.facts().error == "disk_full"
    packets.play(0.5, recording)
    recording.stop()


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "tiny"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="mounting a small disk needs root")
@pytest.mark.warns("recording_failed")
def test_a_real_small_disk_that_fills_up_fails_and_the_encoder_never_waits(tiny_disk: Path) -> None:
    packets = Packets()
    recording = recorder(tiny_disk, packets)
    for _ in range(40):
        packets.play(0.5, recording)
        if recording.facts().state == "failed":
            break
    assert recording.facts().state == "failed"
    assert recording.facts().error
    recording.stop()


KILLED = """
import sys, time
from pathlib import Path
from tests.engine.encoded import Packets, recorder
packets = Packets()
recording = recorder(Path(sys.argv[1]), packets)
began = time.monotonic()
print("on", flush=True)
for n in range(10_000):
    packets.play(0.1, recording)
    print(n, flush=True)
    time.sleep(max(0, began + n * 0.1 - time.monotonic()))
"""


@pytest.mark.processes
def test_killed_it_plays_and_lacks_at_most_the_last_second(tmp_path: Path, start_program: Any) -> None:
    program = start_program(sys.executable, "-c", KILLED, str(tmp_path), python=False)
    program.line(40, 30)
    os.kill(program.pid, signal.SIGKILL)
    program.wait(5)
    sent_s = (len(program.lines) - 2) * 0.1
    path = tmp_path / "show-01.mkv"
    pictures, seconds = contents(path)
    assert pictures / 30 > sent_s - 1.2
    assert seconds > sent_s - 1.2
    assert to_mp4(path, tmp_path / "saved.mp4") > sent_s - 1.2
    assert contents(tmp_path / "saved.mp4")[0] == pytest.approx(pictures, abs=2)


def test_what_cannot_be_rewrapped_stays_as_it_is(tmp_path: Path) -> None:
    path, target = tmp_path / "show-01.mkv", tmp_path / "show-01.mp4"
    path.write_bytes(b"no film at all" * 1000)
    with pytest.raises(OSError, match="Invalid data"):
        rewrap(path, target, 1)
    assert [one.name for one in tmp_path.glob("*.*")] == ["show-01.mkv"]


def recorded(tmp_path: Path) -> tuple[Path, int]:
    """A Matroska of three seconds, and how many packets it holds."""
    packets, path = Packets(), tmp_path / "show-01.mkv"
    muxer = Muxer(str(path), "matroska", SIZE, 30)
    sink = Units()
    packets.play(3.0, sink)
    count = sum(muxer.write(unit) for unit in sink.units)
    muxer.close()
    return path, count


def test_a_segment_with_a_hole_in_it_stays_matroska(tmp_path: Path) -> None:
    path, count = recorded(tmp_path)
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 3 : len(raw) // 2] = bytes(len(raw) // 2 - len(raw) // 3)
    path.write_bytes(raw)
    with pytest.raises(OSError, match="packets could be read"):
        rewrap(path, tmp_path / "show-01.mp4", count)
    assert [one.name for one in tmp_path.glob("*.*")] == ["show-01.mkv"]


@pytest.mark.processes
def test_a_rewrapping_that_is_ended_leaves_the_matroska_and_no_half(tmp_path: Path) -> None:
    path, _ = recorded(tmp_path)
    slow = tmp_path / "slow.mkv"
    os.mkfifo(slow)
    child = subprocess.Popen([sys.executable, "-m", "seller_console.engine.muxing", slow, tmp_path / "x.mp4", "9"])
    with slow.open("wb") as pipe:
        pipe.write(path.read_bytes()[: path.stat().st_size // 2])
        pipe.flush()
        wait_for((tmp_path / "x.part").exists, 20, "it is at work")
        child.terminate()
    assert child.wait(20) != 0
    assert sorted(one.name for one in tmp_path.glob("*.*")) == ["show-01.mkv", "slow.mkv"]


def test_a_rewrapping_that_fails_touches_nothing_of_the_segment_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = threading.Event()
    asked: list[str] = []

    def fails(source: Path, target: Path, packets: int) -> None:
        asked.append(source.name)
        if source.name == "show-01.mkv":
            failed.set()
            raise OSError("killed")
        rewrap(source, target, packets)

    monkeypatch.setattr(record, "rewrap", fails)
    packets = Packets()
    recording = recorder(tmp_path, packets, segment_s=1.0)
    while not failed.is_set():
        packets.play(0.3, recording)
        time.sleep(0.05)
    packets.play(1.0, recording)
    facts = recording.stop()
    assert asked[:2] == ["show-01.mkv", "show-02.mkv"] and len(asked) == len(set(asked))
    assert (tmp_path / "show-01.mkv").exists() and (tmp_path / "show-02.mp4").exists()
    assert Path(facts.path).exists() and not facts.path.endswith("show-01.mkv")


def test_a_recording_is_closed_at_once_and_off_when_its_mp4_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()

    def waits(source: Path, target: Path, packets: int) -> None:
        assert go_on.wait(20)
        rewrap(source, target, packets)

    monkeypatch.setattr(record, "rewrap", waits)
    packets = Packets()
    recording = recorder(tmp_path, packets)
    packets.play(1.0, recording)
    facts = recording.end()
    assert facts.state == "finishing" and contents(Path(facts.path))[0] == 30, "the Matroska is whole"
    assert recording.stop(0.2).path == facts.path
    go_on.set()
    facts = recording.stop()
    assert (facts.state, Path(facts.path).name) == ("off", "show-01.mp4") and Path(facts.path).exists()


@pytest.fixture
def stuck_disk(monkeypatch: pytest.MonkeyPatch) -> tuple[threading.Event, threading.Event]:
    """(somebody writes and waits, he may go on)."""
    hangs, go_on = threading.Event(), threading.Event()
    real = Muxer.write

    def slow(muxer: Muxer, unit: Unit) -> bool:
        hangs.set()
        assert go_on.wait(30)
        return real(muxer, unit)

    monkeypatch.setattr(Muxer, "write", slow)
    return hangs, go_on


@pytest.mark.warns("recording_failed")
def test_a_disk_that_hung_until_it_was_given_up_does_not_record_again(
    tmp_path: Path, stuck_disk: tuple[threading.Event, threading.Event]
) -> None:
    hangs, go_on = stuck_disk
    packets = Packets()
    recording = recorder(tmp_path, packets)
    packets.play(0.5, recording)
    assert hangs.wait(10)
    packets.play(6.0, recording)
    assert (recording.facts().state, recording.facts().error) == ("failed", "disk_slow")
    go_on.set()
    facts = recording.stop()
    assert (facts.state, facts.error) == ("off", "disk_slow")
    assert facts.seconds < 0.1, "nothing was written after it was given up"


async def test_a_stop_is_told_to_its_end_however_often_one_looks_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Recorder.end

    def slowly(recording: Recorder, wait_s: float = 20.0) -> record.RecordFacts:
        threading.Event().wait(0.8)  # three looks
        return real(recording, wait_s)

    monkeypatch.setattr(Recorder, "end", slowly)
    async with running() as (engine, notes):
        await engine.obey(m.StartRecording(folder=str(tmp_path)))
        await until(lambda: engine.outputs.recording.seconds > 0.5)
        await engine.obey(m.StopRecording())
        await until(lambda: said(notes, m.RecordingChanged)[-1].state == "off", 20)
        path = said(notes, m.RecordingChanged)[-1].path
    assert path.endswith(".mp4") and contents(Path(path))[0] > 10


async def test_a_recording_off_air_has_the_test_cards_own_frames(tmp_path: Path) -> None:
    async with running() as (engine, notes):
        await engine.obey(m.StartRecording(folder=str(tmp_path)))
        await until(lambda: engine.outputs.recording.seconds > 1.5)
        await engine.obey(m.SetProgramme(width=640, height=480))
        assert said(notes, m.EngineRefused)[-1].code == "recording"
        await engine.obey(m.SaveClip(request="7", path=str(tmp_path / "clips" / "lot-7.mp4"), seconds=1.0))
        await engine.obey(m.StopRecording())
        await engine.obey(m.SetProgramme(width=640, height=480))
    last = said(notes, m.RecordingChanged)[-1]
    assert last.state == "off" and last.seconds > 1.5
    with av.open(last.path) as container:
        codes = [read_code(frame.to_ndarray()[: frame.height]) for frame in container.decode(video=0)]
    numbers = [code.number for code in codes if code is not None]
    assert len(numbers) == len(codes) > 30
    assert numbers == sorted(set(numbers))
    clip = said(notes, m.ClipSaved)[0]
    assert (clip.request, clip.error) == ("7", "")
    assert contents(Path(clip.path))[0] > 20
    assert said(notes, m.ProgrammeSet)[-1].width == 640


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="mounting a small disk needs root")
@pytest.mark.warns("recording_failed")
async def test_a_disk_that_fills_up_ends_the_recording_in_words_and_no_viewer_notices(
    tiny_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outputs, "Recorder", partial(Recorder, reserve_bytes=0))
    async with relay_door.opened() as door, running() as (engine, notes):
        await engine.obey(m.GoOnAir(url=door.whip))
        viewer = Viewer(door.whep)
        watching = asyncio.create_task(viewer.run())
        try:
            await until(lambda: viewer.total.frames > 15)
            await engine.obey(m.StartRecording(folder=str(tiny_disk)))
            await until(lambda: any(note.error for note in said(notes, m.RecordingChanged)), 30)
            after = viewer.total.frames
            await until(lambda: viewer.total.frames > after + 60)
        finally:
            watching.cancel()
            await asyncio.wait([watching])
    failed = next(note for note in said(notes, m.RecordingChanged) if note.error)
    assert (failed.state, failed.error) == ("failed", "disk_full") and failed.bytes > 100_000
    assert viewer.total.largest_gap_ms < 1_000 and viewer.rejoins == 0


@pytest.mark.parametrize("slept_s", [60.0, 30_000.0])
def test_a_laptop_that_slept_records_on(
    tmp_path: Path, stuck_disk: tuple[threading.Event, threading.Event], slept_s: float
) -> None:
    """The media clock jumps while twenty packets wait for a disk that is no slower than ever."""
    hangs, go_on = stuck_disk
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


@pytest.mark.warns("recording_failed")
async def test_a_file_where_the_folder_would_be_is_told_as_a_folder_that_takes_nothing(tmp_path: Path) -> None:
    (tmp_path / "show").write_text("a file")
    async with running() as (engine, notes):
        await engine.obey(m.StartRecording(folder=str(tmp_path / "show")))
        await until(lambda: any(note.error for note in said(notes, m.RecordingChanged)))
    assert next(note.error for note in said(notes, m.RecordingChanged) if note.error) == "not_writable"
    assert (tmp_path / "show").read_text() == "a file"
