"""One encode, many outputs: further destinations, none of which harms another; picture and sound meet in a file."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import ssl
import sys
import threading
import time
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from seller_console.contract import media as m
from seller_console.engine.devices import Devices
from seller_console.engine.picture import Picture
from seller_console.engine.program import Programme
from seller_console.engine.testcard import TestCard
from seller_console.platform.tls import certificate

from .conftest import wait_for
from .encoded import contents, running, said, until

pytestmark = pytest.mark.media


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
