"""Encoded packets to hand to outputs, what a file holds, and an engine whose notes are kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import av

from seller_console.contract import media as m
from seller_console.engine.app import Engine
from seller_console.engine.clock import AUDIO_HZ
from seller_console.engine.devices import Devices
from seller_console.engine.encode import BLOCK, SoundEncoder, VideoEncoder
from seller_console.engine.muxing import Unit, copy_of
from seller_console.engine.record import Recorder
from seller_console.engine.sound import Tone
from seller_console.rtc.payload import Codec

from .conftest import moving

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


class Units:
    def __init__(self) -> None:
        self.units: list[Unit] = []

    def video(self, packet: Any) -> None:
        self.units.append(copy_of("video", packet))

    def audio(self, packet: Any) -> None:
        self.units.append(copy_of("audio", packet))


def contents(path: Path) -> tuple[int, float]:
    """(pictures decoded, seconds of sound decoded) of a file."""
    with av.open(str(path)) as container:
        pictures = sum(1 for _ in container.decode(video=0))
    with av.open(str(path)) as container:
        samples = sum(frame.samples for frame in container.decode(audio=0))
    return pictures, samples / AUDIO_HZ


def recorder(folder: Path, packets: Packets, **more: Any) -> Recorder:
    return Recorder(folder, "show", SIZE, 30, packets.ask_idr, reserve_bytes=more.pop("reserve_bytes", 1), **more)


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
