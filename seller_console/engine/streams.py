"""Cameras that are addresses: MJPEG over HTTP, RTSP, and the screen.

Read as fast as they come, the newest picture wins. A stream without a picture for 2.5 s
is gone and is opened again, whatever else still comes; until then what cannot be decoded
is skipped. One just joined may take 10 s, for it may have to wait for a key frame. What
is said of a failure never holds the address: it may carry a password.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Any

import av
from av.stream import Discard

from .clock import SECOND_NS
from .device import DeviceGone
from .files import to_i420
from .picture import Picture

OPEN_S, READ_S, JOIN_S = 5.0, 2.5, 10.0
LOOK_S = 0.25
"""A read that has no picture after so long says so; what waits for the camera to stop waits no longer."""
_HASTE = {"fflags": "nobuffer", "flags": "low_delay", "probesize": "500000", "analyzeduration": "500000"}
_TIMED = frozenset({"rtsp", "mpegts", "flv", "matroska,webm"})
"""Formats whose times are the camera's own; MJPEG over HTTP has none and FFmpeg counts pictures."""
_GRABBERS = {"win32": "gdigrab", "darwin": "avfoundation"}


def _why(error: BaseException) -> str:
    return str(getattr(error, "strerror", "") or type(error).__name__)


class TakenClock:
    """When a picture was taken, by its own time stamp: the least delay ever seen is no delay.

    A backlog that builds up on the way shows as age. The least delay is forgotten at 200 ppm,
    which two clocks never drift apart. Times that jump (back, or to more than 10 s late)
    begin anew.
    """

    FORGET_PPM = 200
    WORST_NS = 10 * SECOND_NS

    def __init__(self) -> None:
        self._least_ns: int | None = None
        self._pts_ns = self._arrived_ns = 0

    def taken_ns(self, pts_ns: int, arrived_ns: int) -> int:
        """Monotonic, never after `arrived_ns`."""
        delay_ns = arrived_ns - pts_ns
        if self._least_ns is not None:
            self._least_ns += (arrived_ns - self._arrived_ns) * self.FORGET_PPM // 1_000_000
        jumped = pts_ns < self._pts_ns or (self._least_ns is not None and delay_ns - self._least_ns > self.WORST_NS)
        if self._least_ns is None or jumped or delay_ns < self._least_ns:
            self._least_ns = delay_ns
        self._pts_ns, self._arrived_ns = pts_ns, arrived_ns
        return pts_ns + self._least_ns


class _Stream:
    """What av can open, picture by picture."""

    def __init__(self) -> None:
        self._container: Any = None
        self._video: Any = None
        self._packets: Iterator[Any] | None = None
        self._clock: TakenClock | None = None
        self._seen = 0.0
        self._count = 0

    def _begin(self, address: str, format_name: str | None, options: dict[str, str]) -> None:
        try:
            self._container = av.open(address, format=format_name, options=options, timeout=(OPEN_S, READ_S))
            if not self._container.streams.video:
                raise DeviceGone("the stream has no picture")
            self._video = self._container.streams.video[0]
            self._video.thread_type = "SLICE"
            for stream in self._container.streams:
                if stream is not self._video:
                    stream.discard = Discard.all
        except (av.FFmpegError, OSError, ValueError) as error:
            raise DeviceGone(_why(error)) from None
        self._packets = self._container.demux()
        if self._container.format.name in _TIMED:
            self._clock = TakenClock()
        self._seen = time.monotonic()

    def read(self) -> Picture | None:
        if self._packets is None:
            raise DeviceGone("not open")
        look_until = time.monotonic() + LOOK_S
        while True:
            picture = self._picture(self._packet())
            now = time.monotonic()
            if picture is not None:
                self._seen = now
                return picture
            if now - self._seen > (READ_S if self._count else JOIN_S):
                raise DeviceGone("no picture comes")
            if now > look_until:
                return None

    def _packet(self) -> Any:
        """The next, of any stream; None: what came is none."""
        assert self._packets is not None
        try:
            return next(self._packets)
        except StopIteration:
            raise DeviceGone("the stream ended") from None
        except av.error.InvalidDataError:
            self._packets = self._container.demux()  # a generator that raised has ended
            time.sleep(0.02)
            return None
        except (av.FFmpegError, OSError) as error:
            raise DeviceGone(_why(error)) from None

    def _picture(self, packet: Any) -> Picture | None:
        if packet is None or packet.stream.index != self._video.index:
            return None
        arrived_ns = time.monotonic_ns()
        try:
            frames = packet.decode()
        except av.FFmpegError:  # broken on the way, or before the first key frame
            return None
        if not frames:
            return None
        frame = frames[-1]
        self._count += 1
        taken_ns = arrived_ns
        if self._clock is not None and frame.pts is not None:
            taken_ns = self._clock.taken_ns(int(frame.pts * self._video.time_base * SECOND_NS), arrived_ns)
        return Picture(to_i420(frame), taken_ns, self._count)

    def close(self) -> None:
        self._packets = self._video = None
        if self._container is not None:
            self._container.close()
            self._container = None


class UrlCamera(_Stream):
    """`address`: http(s) with MJPEG or any stream FFmpeg knows, rtsp (over TCP, the picture only)."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self._address = address

    def open(self) -> None:
        options = dict(_HASTE)
        if self._address.lower().startswith("rtsp"):
            options |= {"rtsp_transport": "tcp", "allowed_media_types": "video"}
        self._begin(self._address, None, options)


class ScreenCamera(_Stream):
    """`display`: on Linux an X display, ':0.0' or ':0.0+100,200'; elsewhere FFmpeg's word for a screen, or anything."""

    def __init__(self, display: str, fps: int, platform: str = sys.platform) -> None:
        super().__init__()
        self._display, self._fps = display, fps
        self._grabber = _GRABBERS.get(platform, "x11grab")

    def open(self) -> None:
        if self._grabber not in av.formats_available:
            raise DeviceGone("no_grabber")
        options = {"framerate": str(self._fps)}
        if self._grabber == "avfoundation":
            named = self._display.startswith("Capture screen")
            screen = f"{self._display if named else 'Capture screen 0'}:none"
            self._begin(screen, self._grabber, {**options, "capture_cursor": "1"})
            return
        elsewhere = self._grabber == "gdigrab" and not self._display.startswith("title=")
        self._begin("desktop" if elsewhere else self._display, self._grabber, {**options, "draw_mouse": "1"})
