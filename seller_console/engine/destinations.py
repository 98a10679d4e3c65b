"""Further destinations: the same pictures to RTMP or a second WHIP door; one failing never harms the others.

Each has a thread, a queue of 5 s and (but for WHIP) a carrier of its own, a program that may wait for a server as
long as it likes. Queue full: everything is dropped, and an IDR asked for when the carrier has taken something again.
A connection that fails is tried again after 0.5, 1, 2, 5, 5 ... s. Such a server cannot ask for an IDR, and cuts what
it gets into segments at each: one comes every 2 s. It takes AAC, made from the programme's sound by the carrier; the
pictures are never encoded again. Addresses hold stream keys: they are never said or logged.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from ..contract.media import AirChanged, AirState
from ..rtc.payload import Codec
from .carrier import Carrier, Kind, code_of
from .clock import AUDIO_HZ
from .encode import Output, Packet
from .muxing import copy_of
from .publish import Publisher
from .sound import Samples

log = logging.getLogger("engine.destinations")

QUEUE_S = 5.0
RETRY_S = (0.5, 1.0, 2.0, 5.0)
RETRY_LEAST_S = 0.3
"""However often one is told to try again."""
STEADY_S = 10.0
"""So long on air: whatever ends it, the next attempt comes as soon as after the first failure."""
KEYFRAME_EVERY_S = 2.0
POLITE_S = 2.5
"""Longer than a carrier takes to end; then it is killed."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    kind: Kind
    payload: bytes
    pts: int
    at_s: float


class StreamDestination:
    """RTMP, a file, or what else this FFmpeg can write to (`muxing.can_stream`).

    `on_state(state, detail)` is called on other threads.
    """

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
        self._waiting: deque[_Waiting] = deque()
        self._wake = threading.Condition()
        self._stopping, self._hurry = threading.Event(), threading.Event()
        self._need_idr = True
        self._stuck = False
        """It was full, and nothing has been taken since."""
        self._whole_at_s = 0.0
        """The media time of the last key picture, or of asking for one."""
        self._keys = 0
        """Key pictures given to this connection; on air when the server has number `_wanted`."""
        self._wanted = 1
        self._over = ""
        """Why this connection is."""
        self._gone = False
        """The carrier has ended."""
        self._since_s: float | None = None
        """When this connection came on air."""
        self._carrier: Carrier | None = None
        self.dropped = 0
        self.state: AirState = "connecting"
        self.output = Output(f"destination {name}", self._video, _nothing, self._pcm)
        self._thread = threading.Thread(target=self._run, name=f"destination {name}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Blocks for 5 s at most: not for the loop."""
        self._stopping.set()
        self._hurry.set()
        with self._wake:
            self._wake.notify_all()
        self._thread.join(POLITE_S)
        carrier = self._carrier
        if self._thread.is_alive() and carrier is not None:
            carrier.kill()  # it takes nothing any more
        self._thread.join(POLITE_S)

    def retry_now(self) -> None:
        """Skip the wait before the next attempt."""
        self._hurry.set()

    # --- on the encoders' threads ------------------------------------------------------------------

    def _video(self, packet: Packet) -> None:
        unit = copy_of("video", packet)
        with self._wake:
            if self._need_idr and (self._stuck or not unit.key):
                self.dropped += 1
                return
            self._need_idr = False
            full = self._put(_Waiting("key" if unit.key else "picture", unit.data, unit.pts, unit.at_s))
            due = unit.at_s - self._whole_at_s >= KEYFRAME_EVERY_S
            if unit.key or due:
                self._whole_at_s = unit.at_s
        if full:
            self._say_too_slow()
        elif due and not unit.key and "://" in self._url:
            self._ask_idr()

    def _pcm(self, block: Samples, pts: int) -> None:
        with self._wake:
            full = not self._need_idr and self._put(_Waiting("sound", block.tobytes(), pts, pts / AUDIO_HZ))
        if full:
            self._say_too_slow()

    def _put(self, new: _Waiting) -> bool:
        """True: it is full, all is dropped."""
        if self._waiting and new.at_s - self._waiting[0].at_s > QUEUE_S:
            self.dropped += sum(waiting.kind != "sound" for waiting in (*self._waiting, new))
            self._waiting.clear()
            self._need_idr = self._stuck = True
            self._wanted = self._keys + 1
            return True
        self._waiting.append(new)
        self._wake.notify_all()
        return False

    def _say_too_slow(self) -> None:
        if self.state == "on_air":
            self._say("reconnecting", "too_slow")

    # --- on the destination's thread, and its carrier's ------------------------------------------------

    def _say(self, state: AirState, detail: str = "") -> None:
        if (state, detail) != (self.state, ""):
            log.info("destination name=%s state=%s detail=%s", self.name, state, detail)
        self.state = state
        self._on_state(state, detail)

    def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            self._send_all()
            if self._stopping.is_set():
                break
            self._say("reconnecting", self._over)
            if self._since_s is not None and time.monotonic() - self._since_s >= STEADY_S:
                failures = 0
            if self._hurry.wait(RETRY_S[min(failures, len(RETRY_S) - 1)]):
                self._hurry.clear()
                self._stopping.wait(RETRY_LEAST_S)
            failures += 1
        self._let_go()
        self._say("off")

    def _format(self) -> str:
        if self._url.startswith("rtmp"):
            return "flv"
        return "mpegts" if "://" in self._url else "matroska"

    def _send_all(self) -> None:
        """Until the connection is over; `_over` says why."""
        if self._gone:
            self._let_go()
        with self._wake:
            self._waiting.clear()
            self._need_idr, self._stuck = True, False
            self._keys, self._wanted, self._over, self._since_s = 0, 1, "", None
        try:
            if self._carrier is None:
                self._carrier = Carrier(self._url, self._format(), self._size, self._fps, self._codec, self._hear)
            self._carrier.give("open")
            self._ask_idr()
            while (waiting := self._next()) is not None:
                self._carrier.give(waiting.kind, waiting.payload, waiting.pts)
        except OSError:
            self._hear("gone")

    def _let_go(self) -> None:
        if self._carrier is not None:
            self._carrier.end()
            self._carrier = None
        self._gone = False

    def _hear(self, word: str) -> None:
        """What the carrier says."""
        what, _, rest = word.partition(" ")
        with self._wake:
            if what != "went":
                self._gone = self._gone or what == "gone"
                self._over = self._over or rest or code_of(EOFError(), self._since_s is not None)
                self._wake.notify_all()
                return
            if int(rest) < self._wanted or self.state == "on_air":
                return
            self._since_s = self._since_s or time.monotonic()
        self._say("on_air")

    def _next(self) -> _Waiting | None:
        """None: the connection is over, or we stop and all has been given."""
        with self._wake:
            was_stuck, self._stuck = self._stuck, False
        if was_stuck:
            self._ask_idr()
        with self._wake:
            while not self._waiting and not self._over and not self._stopping.is_set():
                self._wake.wait()
            if self._over or not self._waiting:
                return None
            waiting = self._waiting.popleft()
            self._keys += waiting.kind == "key"
            return waiting


def _nothing(_packet: Packet) -> None:
    """Opus is not wanted there."""


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
            max_bps=max_bps, further=True,
        )  # fmt: skip
        self.output = Output(f"destination {name}", self._publisher.send_video, self._publisher.send_audio)
        self._publisher.start(url, token)

    def _changed(self, air: AirChanged) -> None:
        self.state = air.state
        self._on_state(air.state, air.detail or air.reason)

    def retry_now(self) -> None:
        self._publisher.retry_now()

    async def stop(self) -> None:
        await self._publisher.stop()
