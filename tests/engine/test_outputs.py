"""One encode, many outputs: recording, clips, further destinations; none harms another."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from seller_console.contract import media as m
from seller_console.engine import muxing, outputs, record
from seller_console.engine import ring as ring_module
from seller_console.engine.app import Engine
from seller_console.engine.clock import AUDIO_HZ
from seller_console.engine.devices import Devices
from seller_console.engine.encode import BLOCK, SoundEncoder, VideoEncoder
from seller_console.engine.muxing import Muxer, Unit, copy_of, rewrap, to_mp4
from seller_console.engine.picture import Picture
from seller_console.engine.program import Programme
from seller_console.engine.record import Recorder
from seller_console.engine.ring import BLOCK_BYTES, Ring
from seller_console.engine.sound import Tone
from seller_console.engine.testcard import TestCard, read_code
from seller_console.engine.watch import Viewer
from seller_console.platform.tls import certificate
from seller_console.rtc.payload import Codec
from tests.fakes import relay_door

from .conftest import moving, wait_for

pytestmark = pytest.mark.media

SIZE = (160, 128)


class Packets:
    """Packets of both encoders in order of time, as fast as they are asked for."""

    def __init__(self, start_s: float = 100.0) -> None:
        self._video = VideoEncoder(*SIZE, 30, 400_000)
        self._sound, self._tone = SoundEncoder(), Tone("tone", "tone", 0)
        self._start_s = start_s
        self._frame = self._block = 0
        self.idr = True

    def ask_idr(self) -> None:
        self.idr = True

    def sleep(self, seconds: float) -> None:
        """The media clock runs on and nothing is made."""
        self._start_s += seconds

    def pause(self, seconds: float) -> None:
        """Nobody takes anything, so nothing is encoded."""
        self._frame += round(seconds * 30)
        self._block = -(-self._frame * 1600 // BLOCK)

    def play(self, seconds: float, *sinks: Any) -> None:
        for _ in range(round(seconds * 30)):
            pts = round(self._start_s * 90_000) + self._frame * 3000
            packet = self._video.encode(moving(*SIZE, self._frame % 60), pts, self.idr)
            self.idr = False
            for sink in sinks:
                sink.video(packet)
            self._frame += 1
            while self._block * BLOCK < self._frame * 1600:
                at = round(self._start_s * AUDIO_HZ) + self._block * BLOCK
                sound = self._sound.encode(self._tone.pull(self._block * 20_000_000), at)
                for sink in sinks:
                    if sound is not None:
                        sink.audio(sound)
                self._block += 1


def contents(path: Path) -> tuple[int, float]:
    """(pictures decoded, seconds of sound decoded) of a file."""
    with av.open(str(path)) as container:
        pictures = sum(1 for _ in container.decode(video=0))
    with av.open(str(path)) as container:
        samples = sum(frame.samples for frame in container.decode(audio=0))
    return pictures, samples / AUDIO_HZ


def recorder(folder: Path, packets: Packets, **more: Any) -> Recorder:
    return Recorder(folder, "show", SIZE, 30, packets.ask_idr, reserve_bytes=more.pop("reserve_bytes", 1), **more)


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
from tests.engine.test_outputs import Packets, recorder
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


class Units:
    def __init__(self) -> None:
        self.units: list[Unit] = []

    def video(self, packet: Any) -> None:
        self.units.append(copy_of("video", packet))

    def audio(self, packet: Any) -> None:
        self.units.append(copy_of("audio", packet))


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


@pytest.mark.warns("recording_failed")
def test_a_disk_that_hung_until_it_was_given_up_does_not_record_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
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


# --- the engine's words -----------------------------------------------------------------------------


@asynccontextmanager
async def running(codec: Codec = "H264", devices: Devices | None = None) -> AsyncIterator[tuple[Engine, list[Any]]]:
    notes: list[Any] = []
    engine = Engine(None, notes.append, devices or Devices(), codec)
    await engine.obey(m.SetProgramme(width=320, height=576))
    task = asyncio.create_task(engine.run())
    try:
        yield engine, notes
    finally:
        engine.quitting.set()
        await task


async def until(done: Callable[[], Any], timeout_s: float = 15.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not done():  # noqa: ASYNC110 - what is waited for lives on other threads
            await asyncio.sleep(0.02)


def said(notes: list[Any], kind: type) -> list[Any]:
    return [note for note in notes if isinstance(note, kind)]


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


async def test_a_clip_of_nothing_is_an_answer_not_a_crash(tmp_path: Path) -> None:
    async with running() as (engine, notes):
        await engine.obey(m.SaveClip(request="1", path=str(tmp_path / "x.mp4")))
    assert said(notes, m.ClipSaved)[0].error


RTMP = """
import sys, av
with av.open(sys.argv[1], options={"listen": "1"}) as container:
    print("names", [s.codec_context.name for s in container.streams], flush=True)
    pictures = sounds = 0
    for packet in container.demux():
        for frame in packet.decode():
            pictures += packet.stream.type == "video"
            sounds += packet.stream.type == "audio"
        if pictures >= 30 and sounds >= 30:
            break
print("got", pictures, sounds, flush=True)
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.processes
async def test_an_rtmp_server_gets_the_same_pictures_and_may_come_late(start_program: Any) -> None:
    url = f"rtmp://127.0.0.1:{free_port()}/live/very-secret-key"
    async with running() as (engine, notes):
        await engine.obey(m.AddDestination(name="Autre site", url=url))
        await until(lambda: engine.outputs.failing)
        await until(lambda: said(notes, m.TroubleRaised))
        raised = said(notes, m.TroubleRaised)[0]
        assert (raised.code, raised.subject, raised.cure) == ("destination_failed", "Autre site", "open_destinations")
        program = start_program(sys.executable, "-c", RTMP, url, python=False)
        await until(lambda: any(n.state == "on_air" for n in said(notes, m.DestinationChanged)), 20)
        await until(lambda: any(line.startswith("got") for line in program.lines), 20)
        await until(lambda: said(notes, m.TroubleCured))
        await engine.obey(m.RemoveDestination(name="Autre site"))
    assert program.lines[0] == "names ['h264', 'aac']"
    assert all("very-secret-key" not in repr(note) for note in notes)


@pytest.mark.processes
async def test_rtmps_is_rtmp_through_tls(start_program: Any, tmp_path: Path) -> None:
    """FFmpeg's server knows no TLS: it stands behind a door that does."""
    behind = free_port()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own = certificate(tmp_path, ())
    context.load_cert_chain(own.cert_path, own.key_path)
    talks: list[str] = []

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def door(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talks.append(str(writer.get_extra_info("ssl_object").version()))
        try:
            there, back = await asyncio.open_connection("127.0.0.1", behind)
        except OSError:
            writer.close()
            return
        await asyncio.gather(pump(reader, back), pump(there, writer))

    server = await asyncio.start_server(door, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    program = start_program(sys.executable, "-c", RTMP, f"rtmp://127.0.0.1:{behind}/live/key", python=False)
    try:
        async with running() as (engine, notes):
            await engine.obey(m.AddDestination(name="Autre site", url=f"rtmps://127.0.0.1:{port}/live/key"))
            await until(lambda: any(line.startswith("got") for line in program.lines), 40)
            await engine.obey(m.RemoveDestination(name="Autre site"))
    finally:
        server.close()
    assert program.lines[0] == "names ['h264', 'aac']"
    assert talks and all(version.startswith("TLS") for version in talks)
    assert any(note.state == "on_air" for note in said(notes, m.DestinationChanged))


async def test_a_destination_that_fails_harms_no_other(tmp_path: Path) -> None:
    async with running() as (engine, notes):
        await engine.obey(m.AddDestination(name="nowhere", url="rtmp://127.0.0.1:9/live/x"))
        await engine.obey(m.AddDestination(name="file", url=str(tmp_path / "copy.mkv")))
        await until(lambda: any((n.name, n.state) == ("file", "on_air") for n in said(notes, m.DestinationChanged)), 30)
        await engine.obey(m.StartRecording(folder=str(tmp_path)))
        await until(lambda: engine.outputs.recording.seconds > 1.5)
        await engine.obey(m.StopRecording())
        before = engine.programme.counts()
        await engine.obey(m.RemoveDestination(name="file"))
    assert said(notes, m.RecordingChanged)[-1].state == "off"
    assert contents(tmp_path / "copy.mkv")[0] > 20
    assert before.dropped < before.encoded, "a door that hangs holds no encoder"


def test_nothing_is_encoded_for_nobody() -> None:
    programme = Programme(Devices(), None)
    programme.start()
    try:
        wait_for(lambda: programme.counts().composed > 10, 5, "it ticks")
        assert programme.counts().encoded == 0
    finally:
        programme.stop()


def edges(levels: list[tuple[float, float]], threshold: float) -> list[float]:
    """The times at which a level rises over a threshold."""
    return [at for (_, before), (at, now) in itertools.pairwise(levels) if before < threshold <= now]


class SlowCard:
    """A camera whose pictures are 120 ms old when they come, as a webcam's are: the test card of that moment."""

    origin_ns = 0

    def __init__(self) -> None:
        self._card = TestCard(320, 576, SlowCard.origin_ns)
        self._pause = threading.Event()

    def open(self) -> None:
        """At once."""

    def read(self) -> Picture:
        self._pause.wait(0.033)
        drawn = self._card.draw(time.monotonic_ns() - 120_000_000)
        return Picture(drawn.pixels.copy(), drawn.captured_ns, drawn.number)

    def close(self) -> None:
        """Nothing held."""


@pytest.mark.parametrize("camera", ["testcard", "camera:slow"])
async def test_the_lamp_and_the_beep_of_each_second_meet_within_40_ms(tmp_path: Path, camera: str) -> None:
    """The test card's lamp and the tone's beep mark the same instants: skew, end to end, in a file."""
    async with running(devices=Devices(cameras={"camera": lambda _rest, _wish: SlowCard()})) as (engine, notes):
        SlowCard.origin_ns = engine.programme.clock.origin_ns
        await engine.obey(m.SetProgramme(width=320, height=576, camera=camera))
        await until(lambda: engine.programme.counts().captured > 90)
        await engine.obey(m.StartRecording(folder=str(tmp_path)))
        await until(lambda: engine.outputs.recording.seconds > 4.2)
        await engine.obey(m.StopRecording())
    path = said(notes, m.RecordingChanged)[-1].path
    row, column = int(576 * 0.83), 160
    with av.open(path) as container:
        lamp = [(float(f.time), float(f.to_ndarray()[row, column])) for f in container.decode(video=0)]
    sound: list[tuple[float, float]] = []
    with av.open(path) as container:
        for frame in container.decode(audio=0):
            samples = frame.to_ndarray()[0]
            for start in range(0, len(samples) - 240, 240):
                sound.append((float(frame.time) + start / 48_000, float(np.abs(samples[start : start + 240]).max())))
    lit, heard = edges(lamp, 140.0), edges(sound, 0.09)
    assert len(lit) >= 3
    for at in lit[1:]:
        skew_s = min((beep - at for beep in heard), key=abs)
        assert abs(skew_s) <= 0.040, f"lamp at {at:.3f}, nearest beep {skew_s * 1000:+.0f} ms away"
