"""Further destinations: the same pictures to RTMP, SRT or a second WHIP door; one failing never harms the others.

Each has a thread and a queue of 5 s of its own; full: everything is dropped until the
next IDR. A connection that fails is tried again after 0.5, 1, 2, 5, 5 ... s. RTMP and
SRT take AAC, made from the programme's sound on the destination's own thread; the
pictures are never encoded again. Addresses hold stream keys: they are never said or logged.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

import av
import numpy as np

from ..contract.media import AirChanged, AirState
from ..rtc.payload import Codec
from .clock import AUDIO_BASE, AUDIO_HZ
from .encode import Output, Packet
from .muxing import Muxer, Unit, copy_of
from .publish import Publisher
from .sound import Samples

log = logging.getLogger("engine.destinations")

QUEUE_S = 5.0
RETRY_S = (0.5, 1.0, 2.0, 5.0)


class StreamDestination:
    """RTMP, SRT or a file, through FFmpeg. `on_state(state, detail)` is called on its thread."""

    def __init__(
        self,
        name: str,
        url: str,
        size: tuple[int, int],
        fps: int,
        ask_idr: Callable[[], None],
        on_state: Callable[[AirState, str], None],
        codec: Codec = "H264",
    ) -> None:
        self.name = name
        self._codec: Codec = codec
        self._url = url
        self._size, self._fps = size, fps
        self._ask_idr = ask_idr
        self._on_state = on_state
        self._units: deque[Unit | tuple[Samples, int]] = deque()
        self._oldest_s = 0.0
        self._wake = threading.Condition()
        self._stopping = threading.Event()
        self._need_idr = True
        self.dropped = 0
        self.state: AirState = "connecting"
        self.output = Output(f"destination {name}", self._video, _nothing, self._pcm)
        self._thread = threading.Thread(target=self._run, name=f"destination {name}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Blocks for 6 s at most: not for the loop."""
        self._stopping.set()
        with self._wake:
            self._wake.notify()
        self._thread.join(6)

    # --- on the encoders' threads ------------------------------------------------------------------

    def _video(self, packet: Packet) -> None:
        unit = copy_of("video", packet)
        with self._wake:
            if self._need_idr and not unit.key:
                self.dropped += 1
                return
            self._need_idr = False
            if not self._units:
                self._oldest_s = unit.at_s
            elif unit.at_s - self._oldest_s > QUEUE_S:
                self.dropped += sum(isinstance(waiting, Unit) for waiting in self._units) + 1
                self._units.clear()
                self._need_idr = True
            else:
                self._oldest_s = max(self._oldest_s, unit.at_s - QUEUE_S)
            if not self._need_idr:
                self._units.append(unit)
                self._wake.notify()
        if self._need_idr:
            self._ask_idr()
            if self.state == "on_air":
                self._say("reconnecting", "too_slow")

    def _pcm(self, block: Samples, pts: int) -> None:
        with self._wake:
            if not self._need_idr:
                self._units.append((block.copy(), pts))

    # --- on the destination's thread -----------------------------------------------------------------

    def _say(self, state: AirState, detail: str = "") -> None:
        if (state, detail) != (self.state, ""):
            log.info("destination name=%s state=%s detail=%s", self.name, state, detail)
        self.state = state
        self._on_state(state, detail)

    def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            try:
                self._send_all()
            except (OSError, ValueError) as error:
                detail = getattr(error, "strerror", "") or type(error).__name__
                self._say("reconnecting", str(detail))
            if self.state == "on_air":
                failures = 0
            self._stopping.wait(RETRY_S[min(failures, len(RETRY_S) - 1)])
            failures += 1
        self._say("off")

    def _format(self) -> str:
        if self._url.startswith("rtmp"):
            return "flv"
        return "mpegts" if "://" in self._url else "matroska"

    def _send_all(self) -> None:
        muxer = Muxer(self._url, self._format(), self._size, self._fps, None, "aac", self._codec)
        try:
            with self._wake:
                self._units.clear()
                self._need_idr = True
            self._ask_idr()
            sound = _AacMaker(muxer.sound)
            while (waiting := self._next()) is not None:
                for unit in [waiting] if isinstance(waiting, Unit) else sound.make(*waiting):
                    if muxer.write(unit) and self.state != "on_air":
                        self._say("on_air")
        finally:
            muxer.close()

    def _next(self) -> Unit | tuple[Samples, int] | None:
        with self._wake:
            while not self._units and not self._stopping.is_set():
                self._wake.wait()
            return None if self._stopping.is_set() else self._units.popleft()


def _nothing(_packet: Packet) -> None:
    """Opus is not wanted there."""


class _AacMaker:
    """20 ms blocks to AAC frames of 1024 samples, on the media clock."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._fifo = np.zeros(0, np.float32)
        self._at: int | None = None

    def make(self, block: Samples, pts: int) -> list[Unit]:
        if self._at is None or abs(pts - self._at - len(self._fifo)) > AUDIO_HZ // 10:
            self._fifo, self._at = np.zeros(0, np.float32), pts
        self._fifo = np.concatenate((self._fifo, block))
        units: list[Unit] = []
        while len(self._fifo) >= 1024:
            frame = av.AudioFrame.from_ndarray(self._fifo[:1024].reshape(1, -1), "fltp", "mono")
            frame.sample_rate, frame.pts, frame.time_base = AUDIO_HZ, self._at, AUDIO_BASE
            self._fifo, self._at = self._fifo[1024:], self._at + 1024
            units += [
                Unit("audio", bytes(p), int(p.pts), True) for p in self._stream.encode(frame) if p.pts is not None
            ]
        return [Unit("audio", unit.data, unit.pts, False) for unit in units]


class WhipDestination:
    """A second WHIP door. Its uplink never lowers the programme's rate: it drops instead. Belongs to the loop."""

    def __init__(
        self,
        name: str,
        url: str,
        token: str,
        ask_idr: Callable[[], None],
        on_state: Callable[[AirState, str], None],
        max_bps: int,
        codec: Codec = "H264",
    ) -> None:
        self.name = name
        self.state: AirState = "connecting"
        self._on_state = on_state
        self._publisher = Publisher(
            on_air=self._changed, on_keyframe_wanted=ask_idr, codec=codec, min_bps=max_bps, start_bps=max_bps,
            max_bps=max_bps,
        )  # fmt: skip
        self.output = Output(f"destination {name}", self._publisher.send_video, self._publisher.send_audio)
        self._publisher.start(url, token)

    def _changed(self, air: AirChanged) -> None:
        self.state = air.state
        self._on_state(air.state, air.detail or air.reason)

    async def stop(self) -> None:
        await self._publisher.stop()
