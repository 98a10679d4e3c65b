"""How a picture becomes H.264 and sound becomes Opus: one encode, the same packets for every output.

Video queue: 2 frames; full: drops the newest, counts it, and says `encoder_late`
when it goes on. libx264 superfast (veryfast where there are cores), zerolatency,
constrained baseline (what every browser answers), no B-frames, no scene cuts, IDR only
when asked (at most one per 500 ms) or every 10 s; SPS and PPS in band. The rate moves between frames: the
context is opened at its ceiling (rate = maxrate, so x264 keeps to its buffer) and
lowered from there; opened below its ceiling x264 ignores a later, lower rate.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol, TypeAlias

import av
import numpy as np
from av.codec.context import CodecContext
from numpy.typing import NDArray

from .clock import AUDIO_BASE, AUDIO_HZ, VIDEO_BASE
from .picture import Pixels

log = logging.getLogger("engine.encode")

Packet: TypeAlias = "av.Packet[Any]"
BLOCK = AUDIO_HZ // 50
"""Samples in 20 ms."""
PacketSink = Callable[[Packet], None]
QUEUE_FRAMES = 2
IDR_EVERY_S = 10
IDR_PAUSE_NS = 500_000_000
OPUS_BPS = 64_000
_PICTURE_I = 1
_MPEG_RANGE, _BT601 = 1, 6


@dataclass(frozen=True, slots=True)
class Output:
    """Where packets go: called on the encoders' threads, must never block.

    `pcm`: the sound before Opus (960 samples, pts in 1/48000 s), for those who need another codec.
    """

    name: str
    video: PacketSink
    audio: PacketSink
    pcm: Callable[[NDArray[np.float32], int], None] | None = None


def usual_bps(width: int, height: int, fps: int) -> int:
    """The rate `auto` stands for: 2.5 Mb/s at 720p30, 4.5 Mb/s at 1080p30, by pixels between."""
    megapixels = width * height * fps / 30 / 1_000_000
    return int(min(8_000_000, max(300_000, 900_000 + 1_740_000 * megapixels)) // 50_000 * 50_000)


class PictureEncoder(Protocol):
    """What an EncodeThread works with."""

    name: str

    def set_bps(self, bps: int) -> None: ...

    def feed(self, pixels: Pixels, pts: int, idr: bool = False) -> list[Packet]:
        """The access units that are ready; the buffer may be used again at once."""


class VideoEncoder:
    """One libx264 context. Belongs to one thread."""

    name = "libx264"

    def __init__(self, width: int, height: int, fps: int, ceiling_bps: int, preset: str = "superfast") -> None:
        self.width, self.height = width, height
        self._ceiling_bps = ceiling_bps
        context: Any = CodecContext.create("libx264", "w")
        context.width, context.height, context.pix_fmt = width, height, "yuv420p"
        context.time_base, context.framerate = VIDEO_BASE, Fraction(fps)
        context.bit_rate = ceiling_bps
        context.max_b_frames = 0
        context.gop_size = IDR_EVERY_S * fps
        context.thread_count = 2 if width * height > 1_400_000 else 1
        context.color_range, context.colorspace = _MPEG_RANGE, _BT601
        context.color_primaries = context.color_trc = _BT601
        context.options = {
            "preset": preset,
            "tune": "zerolatency",
            "profile": "baseline",
            "sc_threshold": "0",
            "forced-idr": "1",
            "maxrate": str(ceiling_bps),
            "bufsize": str(ceiling_bps // 5),
            **({"partitions": "none"} if preset == "superfast" else {}),  # decision 59
        }
        context.open()
        self._context = context

    def set_bps(self, bps: int) -> None:
        """What the next frames aim at; never above the ceiling."""
        self._context.bit_rate = max(50_000, min(self._ceiling_bps, bps))

    @property
    def ceiling_bps(self) -> int:
        return self._ceiling_bps

    def encode(self, pixels: Pixels, pts: int, idr: bool = False) -> Packet:
        """An I420 picture to one access unit (Annex B). `pts` in 1/90000 s, growing."""
        frame = av.VideoFrame.from_numpy_buffer(pixels, "yuv420p")
        frame.pts, frame.time_base = pts, VIDEO_BASE
        frame.pict_type = _PICTURE_I if idr else 0
        packets = self._context.encode(frame)
        packet: Packet = packets[0]
        packet.time_base = VIDEO_BASE
        return packet

    def feed(self, pixels: Pixels, pts: int, idr: bool = False) -> list[Packet]:
        return [self.encode(pixels, pts, idr)]


class SoundEncoder:
    """Opus, mono, 48 kHz, 20 ms, with in-band correction for a lossy link. Belongs to one thread."""

    def __init__(self, bps: int = OPUS_BPS) -> None:
        context: Any = CodecContext.create("libopus", "w")
        context.sample_rate, context.layout, context.format = AUDIO_HZ, "mono", "flt"
        context.bit_rate = bps
        context.time_base = AUDIO_BASE
        context.options = {"frame_duration": "20", "application": "audio", "fec": "1", "packet_loss": "5"}
        context.open()
        self._context = context

    def encode(self, block: NDArray[np.float32], pts: int) -> Packet | None:
        """960 samples in -1..1 to one packet; `pts` in 1/48000 s."""
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block).reshape(1, -1), "flt", "mono")
        frame.sample_rate, frame.time_base, frame.pts = AUDIO_HZ, AUDIO_BASE, pts
        packets = self._context.encode(frame)
        if not packets:
            return None
        packet: Packet = packets[0]
        packet.pts = packet.dts = pts
        packet.time_base = AUDIO_BASE
        return packet


class Thinner:
    """When the rate is too low for every frame, fewer frames: every second, then every third.

    Judged by bits a pixel; a step down at once, a step up after 5 s at 1.35 times its threshold.
    720p30: every second frame below 600 kb/s, every third below 330 kb/s.
    """

    STEPS = (0.022, 0.012)
    BACK = 1.35
    BACK_NS = 5_000_000_000

    def __init__(self, pixels_per_second: int) -> None:
        self._pixels_per_second = pixels_per_second
        self._better_since_ns: int | None = None
        self.every = 1

    def take(self, target_bps: int, number: int, at_ns: int) -> bool:
        """Is the frame of this number to be encoded?"""
        bits = target_bps / self._pixels_per_second
        wanted = 1 + sum(bits < step for step in self.STEPS)
        could = 1 + sum(bits < step * self.BACK for step in self.STEPS)
        if wanted > self.every:
            self.every, self._better_since_ns = wanted, None
        elif could < self.every:
            if self._better_since_ns is None:
                self._better_since_ns = at_ns
            elif at_ns - self._better_since_ns > self.BACK_NS:
                self.every, self._better_since_ns = could, None
        else:
            self._better_since_ns = None
        return number % self.every == 0


MANY_CORES = 6


def presets_for(cores: int) -> tuple[str, ...]:
    """The presets this machine may use, best first. superfast costs a third less than veryfast for 0.001 of SSIM."""
    every = ("veryfast", "superfast", "ultrafast")
    return every if cores >= MANY_CORES else every[1:]


PRESETS = presets_for(os.cpu_count() or 1)
LATE_FRAMES, LATE_WINDOW = 6, 60
"""So many dropped of so many offered: the machine is too slow for this preset, the next is taken."""
CALM_SHARE, CALM_WINDOWS = 0.3, 30
"""So many windows (a minute at 30 fps) without a drop and with little work: a better preset is tried again."""


class EncodeThread:
    """The encoder's own thread: frames in, packets out to `on_packet` (called on this thread).

    Queue of 2 frames; full: the new frame is dropped and counted in `dropped`; when that
    goes on, a cheaper preset is taken. `give_back` receives each buffer when the encoder
    no longer reads it. Whatever goes wrong on it is told in `failure`, and it has ended.
    """

    def __init__(
        self,
        encoder: Callable[[str], PictureEncoder],
        on_packet: Callable[[Packet], None],
        give_back: Callable[[Pixels], None],
        presets: tuple[str, ...] = (),
    ) -> None:
        self._make = encoder
        self._on_packet = on_packet
        self._give_back = give_back
        self._frames: deque[tuple[Pixels, int]] = deque()
        self._wake = threading.Condition()
        self._stopping = self._abandoned = False
        self._idr_wanted = True
        self._last_idr_ns = -IDR_PAUSE_NS
        self._target_bps = 0
        self.encoded = 0
        self.dropped = 0
        self.busy_ns = 0
        self.failure = ""
        self._presets = presets or PRESETS
        self.preset = self._presets[0]
        self._began_ns = 0
        self._offered = 0
        self._window = (0, 0, 0, 0)
        self._calm = 0
        self._thread = threading.Thread(target=self._run, name="encode", daemon=True)
        self._thread.start()

    def offer(self, pixels: Pixels, pts: int) -> bool:
        """False: the queue is full, the frame was dropped and the buffer stays the caller's."""
        with self._wake:
            self._offered += 1
            if self._stopping or self.failure or len(self._frames) >= QUEUE_FRAMES:
                self.dropped += 1
                return False
            self._frames.append((pixels, pts))
            self._wake.notify()
        return True

    def ask_idr(self) -> None:
        """The next frame shall stand alone; asked again within 500 ms it waits that long."""
        self._idr_wanted = True

    def set_bps(self, bps: int) -> None:
        self._target_bps = bps

    def stuck_ns(self, now_ns: int) -> int:
        """How long the frame in hand has been in the encoder."""
        began_ns = self._began_ns
        return now_ns - began_ns if began_ns else 0

    def stop(self) -> None:
        """Ends after the frame in hand; what waits is given back unencoded."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        self._thread.join(timeout=5)

    def abandon(self) -> None:
        """Stuck in its driver: what it may still bring out is thrown away; its thread is left to itself."""
        with self._wake:
            self._stopping = self._abandoned = True
            self._wake.notify()

    def _next(self) -> tuple[Pixels, int] | None:
        with self._wake:
            while not self._frames and not self._stopping:
                self._wake.wait()
            if self._stopping:
                while self._frames:
                    self._give_back(self._frames.popleft()[0])
                return None
            return self._frames.popleft()

    def _other_preset(self) -> bool:
        """Looks every 60 frames offered; True: a cheaper, or after a calm minute a better preset has been chosen."""
        offered, dropped, busy_ns, since_ns = self._window
        if self._offered - offered < LATE_WINDOW:
            return False
        now_ns = time.monotonic_ns()
        late = self.dropped - dropped
        calm = late == 0 and self.busy_ns - busy_ns < CALM_SHARE * (now_ns - since_ns)
        self._window = (self._offered, self.dropped, self.busy_ns, now_ns)
        self._calm = self._calm + 1 if calm else 0
        at = self._presets.index(self.preset)
        if late >= LATE_FRAMES and at + 1 < len(self._presets):
            at += 1
        elif self._calm >= CALM_WINDOWS and at > 0:
            at -= 1
        else:
            return False
        self._calm = 0
        self.preset = self._presets[at]
        log.info("encoder_preset preset=%s dropped=%d of=%d", self.preset, late, LATE_WINDOW)
        return True

    def _run(self) -> None:
        try:
            self._work()
        except Exception as error:  # a driver's or a sink's, expected or not: whoever owns us begins another
            if not isinstance(error, av.FFmpegError | ValueError):
                log.exception("encode_failed preset=%s", self.preset)
            self._fail(str(error) or type(error).__name__)

    def _fail(self, why: str) -> None:
        with self._wake:
            self._began_ns = 0
            self.failure = why
            while self._frames:
                self._give_back(self._frames.popleft()[0])

    def _work(self) -> None:
        self._began_ns = time.monotonic_ns()
        encoder = self._make(self.preset)
        self._began_ns = 0
        applied_bps = 0
        while (waiting := self._next()) is not None:
            pixels, pts = waiting
            began_ns = self._began_ns = time.monotonic_ns()
            try:
                if self._other_preset():
                    encoder, applied_bps = self._make(self.preset), 0
                    self._last_idr_ns = began_ns
                if self._target_bps and self._target_bps != applied_bps:
                    applied_bps = self._target_bps
                    encoder.set_bps(applied_bps)
                idr = self._idr_wanted and began_ns - self._last_idr_ns >= IDR_PAUSE_NS
                if idr:
                    self._idr_wanted = False
                    self._last_idr_ns = began_ns
                packets = encoder.feed(pixels, pts, idr)
            finally:
                self._began_ns = 0
                self._give_back(pixels)
            self.encoded += 1
            self.busy_ns += time.monotonic_ns() - began_ns
            if self._stopping and self._abandoned:
                return
            for packet in packets:
                self._on_packet(packet)
