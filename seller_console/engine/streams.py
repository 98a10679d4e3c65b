"""Cameras that are addresses: MJPEG over HTTP, RTSP, and the screen (X11).

Read as fast as they come, the newest picture wins; a stream that gives nothing for 3 s
is gone and is opened again. What is said of a failure never holds the address: it may
carry a password.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import av

from .capture import DeviceGone
from .files import to_i420
from .picture import Picture

OPEN_S, READ_S = 5.0, 2.5
_HASTE = {"fflags": "nobuffer", "flags": "low_delay", "probesize": "500000", "analyzeduration": "500000"}


def _why(error: BaseException) -> str:
    return str(getattr(error, "strerror", "") or type(error).__name__)


class _Stream:
    """What av can open, picture by picture."""

    def __init__(self) -> None:
        self._container: Any = None
        self._frames: Iterator[Any] | None = None
        self._count = 0

    def _begin(self, address: str, format_name: str | None, options: dict[str, str]) -> None:
        try:
            self._container = av.open(address, format=format_name, options=options, timeout=(OPEN_S, READ_S))
            if not self._container.streams.video:
                raise DeviceGone("the stream has no picture")
            stream = self._container.streams.video[0]
            stream.thread_type = "SLICE"
            self._frames = self._container.decode(stream)
        except (av.FFmpegError, OSError, ValueError) as error:
            raise DeviceGone(_why(error)) from None

    def read(self) -> Picture:
        if self._frames is None:
            raise DeviceGone("not open")
        try:
            frame = next(self._frames)
        except StopIteration:
            raise DeviceGone("the stream ended") from None
        except (av.FFmpegError, OSError) as error:
            raise DeviceGone(_why(error)) from None
        self._count += 1
        return Picture(to_i420(frame), time.monotonic_ns(), self._count)

    def close(self) -> None:
        self._frames = None
        if self._container is not None:
            self._container.close()
            self._container = None


class UrlCamera(_Stream):
    """`address`: http(s) with MJPEG or any stream FFmpeg knows, rtsp (over TCP)."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self._address = address

    def open(self) -> None:
        options = dict(_HASTE)
        if self._address.startswith("rtsp"):
            options["rtsp_transport"] = "tcp"
        self._begin(self._address, None, options)


class ScreenCamera(_Stream):
    """`display`: an X display, ':0.0' or ':0.0+100,200' (FFmpeg's x11grab)."""

    def __init__(self, display: str, fps: int) -> None:
        super().__init__()
        self._display, self._fps = display, fps

    def open(self) -> None:
        self._begin(self._display, "x11grab", {"framerate": str(self._fps), "draw_mouse": "1"})
