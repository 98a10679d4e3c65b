"""Real cameras: OpenCV, found again by name and path, never by number.

A number changes with the order of plugging in; the path (by-id on Linux, the device
path on Windows, the unique id on macOS) does not. Busy and gone are told apart: a path
that exists and does not open is held by another program, named when the system lets us see it.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import cv2
import psutil
from cv2_enumerate_cameras import enumerate_cameras

from ..contract.media import CameraSettings
from .capture import CameraFacts, DeviceBusy, DeviceGone
from .knobs import Knobs
from .picture import Picture, from_bgr

_BACKENDS = {"linux": cv2.CAP_V4L2, "win32": cv2.CAP_MSMF, "darwin": cv2.CAP_AVFOUNDATION}
_FAILED_READS = 10


def _backend() -> int:
    return int(_BACKENDS.get(sys.platform, cv2.CAP_ANY))


def _lasting_path(path: str) -> str:
    """The by-id or by-path name of a /dev/videoN; the path itself elsewhere."""
    for folder in ("/dev/v4l/by-id", "/dev/v4l/by-path"):
        if Path(folder).is_dir():
            for link in sorted(Path(folder).iterdir()):
                if link.resolve() == Path(path).resolve():
                    return str(link)
    return path


def find_webcams() -> tuple[tuple[str, str], ...]:
    """(name, lasting path) of each camera plugged in."""
    found: dict[str, str] = {}
    for camera in enumerate_cameras(_backend()):
        path = _lasting_path(str(camera.path or camera.index))
        found.setdefault(path, str(camera.name or path))
    return tuple((name, path) for path, name in found.items())


def _number(path: str) -> int | None:
    for camera in enumerate_cameras(_backend()):
        if _lasting_path(str(camera.path or camera.index)) == path:
            return int(camera.index)
    return None


def holder(path: str) -> str:
    """The program that has this device file open, '' when it cannot be seen (Linux)."""
    real = str(Path(path).resolve())
    for process in psutil.process_iter(["name", "pid"]):
        folder = Path(f"/proc/{process.pid}/fd")
        try:
            if any(str(link.readlink()) == real for link in folder.iterdir()):
                return str(process.info["name"])
        except OSError:
            continue
    return ""


def fitting(width: int, height: int) -> tuple[int, int]:
    """The landscape size that holds a programme of this size."""
    return (1920, 1080) if min(width, height) > 720 else (1280, 720)


def probe(wanted: str) -> CameraFacts:
    """What a camera offers: opened, asked, closed. Raises DeviceGone or DeviceBusy. Takes a second or two."""
    camera = Webcam(wanted, fitting(720, 1280), 30)
    try:
        camera.open()
        return camera.adjust(CameraSettings())
    finally:
        camera.close()


class Webcam:
    """`wanted` is NAME@PATH. Asks for this size and rate, as MJPEG; takes what the camera gives."""

    def __init__(self, wanted: str, size: tuple[int, int], fps: int) -> None:
        name, _, path = wanted.rpartition("@")
        self._name, self._path = name or wanted, path if name else ""
        self._size = size
        self._fps = fps
        self._knobs: Knobs | None = None
        self._capture: Any = None
        self._count = 0

    def _find(self) -> tuple[str, int]:
        if not self._path:
            for name, path in find_webcams():
                if name == self._name:
                    self._path = path
        number = _number(self._path) if self._path else None
        if number is None:
            raise DeviceGone("not plugged in")
        return self._path, number

    def open(self) -> None:
        path, number = self._find()
        capture = cv2.VideoCapture(number, _backend())
        if not capture.isOpened():
            capture.release()
            if Path(path).exists() or sys.platform != "linux":
                raise DeviceBusy(holder(path) if sys.platform == "linux" else "")
            raise DeviceGone("not plugged in")
        self._capture = capture
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, self._size[0])
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, self._size[1])
        capture.set(cv2.CAP_PROP_FPS, self._fps)
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        self._knobs = Knobs(capture, path)

    def adjust(self, settings: CameraSettings) -> CameraFacts:
        width = int(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        height = int(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        fps = round(float(self._capture.get(cv2.CAP_PROP_FPS)), 2)
        assert self._knobs is not None
        ignored = list(self._knobs.turn(settings))
        if settings.fps and abs(fps - settings.fps) > 1:
            ignored.insert(0, "fps")
        if settings.width and (settings.width, settings.height) != (width, height):
            ignored.insert(0, "size")
        return CameraFacts(width, height, fps, self._knobs.offers(), tuple(ignored))

    def refocus(self) -> None:
        if self._knobs is not None:
            self._knobs.refocus()

    def read(self) -> Picture:
        for _ in range(_FAILED_READS):
            done, bgr = self._capture.read()
            if done and bgr is not None:
                self._count += 1
                return Picture(from_bgr(bgr), time.monotonic_ns(), self._count)
            if self._count == 0 and sys.platform == "linux" and (who := holder(self._path)):
                raise DeviceBusy(who)
        raise DeviceGone("gives no picture any more")

    def close(self) -> None:
        if self._capture is not None:
            self._capture.release()
            self._capture = None
