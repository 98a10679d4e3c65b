"""A camera and a voice that need no device: moving bars and a tone, really encoded."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.codec.context import CodecContext

from seller_console.engine.hardware import VP8
from seller_console.engine.publish import Publisher
from seller_console.rtc.payload import Codec

VIDEO_BASE, AUDIO_BASE = Fraction(1, 90_000), Fraction(1, 48_000)


class Studio:
    """Encodes 30 pictures and 50 sound packets a second and hands them to a Publisher."""

    def __init__(
        self,
        width: int = 320,
        height: int = 240,
        fps: int = 30,
        bps: int = 600_000,
        noise: int = 0,
        stamp: bool = False,
        codec: Codec = "H264",
    ) -> None:
        self.width, self.height, self.fps, self.stamp = width, height, fps, stamp
        context: Any = CodecContext.create("libx264" if codec == "H264" else "libvpx", "w")
        context.width, context.height, context.pix_fmt = width, height, "yuv420p"
        context.time_base, context.framerate = VIDEO_BASE, Fraction(fps)
        context.bit_rate, context.max_b_frames, context.gop_size = bps, 0, 1_000
        context.options = VP8.options if codec == "VP8" else {
            "preset": "ultrafast", "tune": "zerolatency", "profile": "baseline", "sc_threshold": "0",
            "forced-idr": "1", "maxrate": str(bps), "bufsize": str(bps // 5),
        }  # fmt: skip
        self._video = context
        sound: Any = CodecContext.create("libopus", "w")
        sound.sample_rate, sound.layout, sound.format = 48_000, "mono", "flt"
        sound.time_base, sound.bit_rate = AUDIO_BASE, 64_000
        self._sound = sound
        self._want_idr = True
        self.idrs = 0
        self._noise = np.random.default_rng(7).integers(0, max(1, noise), (8, height * 3 // 2, width), np.uint8)
        self.frames = 0

    def want_keyframe(self) -> None:
        self._want_idr = True

    def picture(self, index: int) -> Any:
        """The I420 planes of a picture: a ramp, a bar that moves, the clock in black and white blocks."""
        planes = np.full((self.height * 3 // 2, self.width), 128, np.uint8)
        planes[: self.height] = np.linspace(40, 200, self.width, dtype=np.uint8)
        planes[: self.height * 3 // 2] += self._noise[index % 8]
        at = index * 4 % (self.width - 16)
        planes[self.height // 2 : self.height, at : at + 16] = 235
        if self.stamp:  # the wall clock in ms, as tests/fakes/chromium.py writes and reads it
            now_ms = round(time.time() * 1000) & 0xFFFFFF
            stamp = now_ms | ((now_ms ^ now_ms >> 8 ^ now_ms >> 16 ^ 0xA5) & 0xFF) << 24
            for bit in range(32):
                planes[0:24, bit * 16 : bit * 16 + 16] = 235 if stamp >> bit & 1 else 16
        return planes

    def encode(self, index: int, pts: int) -> Any:
        frame = av.VideoFrame.from_ndarray(self.picture(index), "yuv420p")
        frame.pts, frame.time_base = pts, VIDEO_BASE
        if self._want_idr:
            frame.pict_type = 1
            self._want_idr = False
        (packet,) = self._video.encode(frame)
        packet.time_base = VIDEO_BASE
        self.idrs += packet.is_keyframe
        return packet

    def sound(self, index: int) -> list[Any]:
        t = (np.arange(960) + index * 960) / 48_000
        samples = (0.3 * np.sin(2 * np.pi * 440 * t)).astype(np.float32).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(samples, "flt", "mono")
        frame.sample_rate, frame.time_base, frame.pts = 48_000, AUDIO_BASE, index * 960
        packets = self._sound.encode(frame)
        for packet in packets:
            packet.pts, packet.time_base = index * 960, AUDIO_BASE
        return list(packets)

    async def play(self, publisher: Publisher) -> None:
        """In real time until cancelled."""
        zero_s = time.monotonic()
        sounds = 0
        while True:
            index = self.frames
            packet = self.encode(index, index * 90_000 // self.fps)
            publisher.send_video(packet)
            self.frames += 1
            while sounds * 0.02 <= self.frames / self.fps:
                for one in self.sound(sounds):
                    publisher.send_audio(one)
                sounds += 1
            await asyncio.sleep(max(0.0, zero_s + self.frames / self.fps - time.monotonic()))


def read_stamp(luma: Any) -> int:
    """The low 24 bits of the wall clock in ms that the studio wrote, from a decoded picture's luma plane."""
    return sum(1 << bit for bit in range(24) if luma[6:18, bit * 16 + 4 : bit * 16 + 12].mean() > 128)


@contextlib.asynccontextmanager
async def on_air(
    url: str, studio: Studio | None = None, **options: Any
) -> AsyncIterator[tuple[Publisher, Studio, list[Any]]]:
    """A studio publishing to `url`; yields (publisher, studio, what on_air said)."""
    studio = studio or Studio()
    said: list[Any] = []
    publisher = Publisher(on_air=said.append, on_keyframe_wanted=studio.want_keyframe, **options)
    publisher.start(url)
    playing = asyncio.create_task(studio.play(publisher))
    try:
        yield publisher, studio, said
    finally:
        playing.cancel()
        await asyncio.wait([playing])
        await publisher.stop()
