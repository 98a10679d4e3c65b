"""Real cameras: OpenCV, found again by name and port, never by number and never by a name two may share.

A number changes with the order of plugging in. On Linux /dev/v4l/by-id has one name for
two cameras of a kind without serial numbers and is pointed at whichever is left; so a camera
is the one in its port (by-path), and by-id serves only where there are no ports
(decision 46). Windows and macOS give a path of their own. Busy and gone are told apart:
what another program holds is named when the system lets us see it; what we hold
ourselves is nobody else's fault.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "1")  # seconds; OpenCV's 10 is read at the first capture

import cv2
import psutil
from cv2_enumerate_cameras import enumerate_cameras

from ..contract.media import CameraSettings
from .capture import CameraFacts
from .clock import SECOND_NS
from .device import DeviceBusy, DeviceGone
from .knobs import Knobs
from .picture import Picture, from_bgr

_BACKENDS = {"linux": cv2.CAP_V4L2, "win32": cv2.CAP_MSMF, "darwin": cv2.CAP_AVFOUNDATION}
PATIENCE_S = 2.5
"""An open camera that gives nothing for so long is gone."""
SMALL, LARGE = (1280, 720), (1920, 1080)
_PORT = re.compile(r"usb(?:v\d)?-\d+:([\d.]+):[\d.]+-video-index(\d+)$")


def _backend() -> int:
    return int(_BACKENDS.get(sys.platform, cv2.CAP_ANY))


@dataclass(frozen=True, slots=True)
class Plugged:
    """A camera that is there. `path` outlives unplugging, `device` and `number` do not."""

    name: str
    path: str
    device: str
    number: int

    @property
    def port(self) -> str:
        """Short, for a person who has two of a kind."""
        found = _PORT.search(self.path)
        if found is None:
            return self.path.rpartition("/")[2].removesuffix("-video-index0")[-12:]
        return f"USB {found[1]}" + (f"/{found[2]}" if found[2] != "0" else "")


@dataclass(frozen=True, slots=True)
class Bus:
    """What cameras are plugged in and how one is opened. A test has one of its own."""

    dev: Path = Path("/dev")
    listing: Callable[[], Iterable[Any]] = lambda: enumerate_cameras(_backend())
    """Things with a name, a path and an index."""
    capture: Callable[[int], Any] = lambda number: cv2.VideoCapture(number, _backend())
    settled: dict[str, str] = field(default_factory=dict)
    """What a by-id name of an earlier version was found to mean: it means that as long as this program runs."""

    def _link(self, folder: str, device: str) -> str:
        place = self.dev / "v4l" / folder
        for link in sorted(place.iterdir()) if place.is_dir() else ():
            if link.resolve() == Path(device).resolve():
                return str(link)
        return ""

    def plugged(self) -> tuple[Plugged, ...]:
        found: dict[str, Plugged] = {}
        for camera in self.listing():
            device = str(camera.path or camera.index)
            path = self._link("by-path", device) or self._link("by-id", device) or device
            found.setdefault(path, Plugged(str(camera.name or path), path, device, int(camera.index)))
        return tuple(found.values())

    def find(self, name: str, path: str) -> Plugged:
        """The camera of that name in that place ("": the only one of that name). Raises DeviceGone."""
        here = self.plugged()
        named = [camera for camera in here if camera.name == name]
        path = self.settled.get(path, path)
        if not path and len(named) > 1:
            raise DeviceGone("several_alike")
        for camera in named if not path or path.startswith(f"{self.dev}/") else here:
            if path in ("", camera.path):
                return camera
        if path.startswith(f"{self.dev}/v4l/by-id/"):
            camera = self._by_id(named, Path(path).resolve())
            self.settled[path] = camera.path
            return camera
        raise DeviceGone("not plugged in")

    def _by_id(self, named: list[Plugged], target: Path) -> Plugged:
        """What an earlier version called by its id, while that can mean one camera only."""
        meant = [camera for camera in named if Path(camera.device).resolve() == target]
        if not meant:
            raise DeviceGone("not plugged in")
        if any(not self._link("by-id", other.device) for other in named):
            raise DeviceGone("several_alike")
        return meant[0]


BUS = Bus()


def find_webcams(bus: Bus = BUS) -> tuple[tuple[str, str, str], ...]:
    """(name, lasting path, what to call it: with its port where a name repeats) of each camera plugged in."""
    here = bus.plugged()
    names = [camera.name for camera in here]
    return tuple(
        (one.name, one.path, f"{one.name} ({one.port})" if names.count(one.name) > 1 else one.name) for one in here
    )


def _has_open(pid: int | str, device: str) -> bool:
    try:
        return any(str(link.readlink()) == device for link in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return False


def holder(path: str) -> str:
    """The other program that has this device file open, '' when there is none or it cannot be seen (Linux)."""
    device = str(Path(path).resolve())
    for process in psutil.process_iter(["name", "pid"]):
        if process.pid != os.getpid() and _has_open(process.pid, device):
            return str(process.info["name"])
    return ""


def fitting(width: int, height: int, rotation: int = 0) -> tuple[int, int]:
    """The landscape size whose middle fills a programme of this size, the camera lying so, with little enlarging."""
    across = height if rotation in (0, 180) else width
    return LARGE if across > SMALL[1] else SMALL


def probe(wanted: str) -> CameraFacts:
    """What a camera offers: opened, asked, closed. Raises DeviceGone or DeviceBusy. Takes a second or two."""
    camera = Webcam(wanted, SMALL, 30)
    try:
        camera.open()
        return camera.adjust(CameraSettings())
    finally:
        camera.close()


class Webcam:
    """`wanted` is NAME@PATH. Asks for this size and rate, as MJPEG; takes what the camera gives.

    With `spare`: takes that size instead when the first is not to be had at this rate.
    """

    def __init__(
        self, wanted: str, size: tuple[int, int], fps: int, spare: tuple[int, int] | None = None, bus: Bus = BUS
    ) -> None:
        name, _, path = wanted.rpartition("@")
        self._name, self._path = name or wanted, path if name else ""
        self._size, self._spare = size, spare
        self._fps = fps
        self._bus = bus
        self._device = ""
        self._knobs: Knobs | None = None
        self._capture: Any = None
        self._count = 0

    def open(self) -> None:
        found = self._bus.find(self._name, self._path)
        self._device = found.device
        capture = self._bus.capture(found.number)
        if not capture.isOpened():
            capture.release()
            raise self._why_closed()
        self._capture = capture
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
        self._ask(self._size)
        if self._spare is not None and not self._gives(self._size):
            self._ask(self._spare)
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        self._knobs = Knobs(capture, found.path)

    def _ask(self, size: tuple[int, int]) -> None:
        self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, size[0])
        self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, size[1])
        self._capture.set(cv2.CAP_PROP_FPS, self._fps)

    def _gives(self, size: tuple[int, int]) -> bool:
        width, height, fps = self._shape()
        return (width, height) == size and not 0 < fps < self._fps - 1

    def _shape(self) -> tuple[int, int, float]:
        props = (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT, cv2.CAP_PROP_FPS)
        width, height, fps = (float(self._capture.get(prop)) for prop in props)
        return int(width), int(height), round(fps, 2)

    def _why_closed(self) -> Exception:
        """Of a device that is listed and does not open."""
        if not sys.platform.startswith("linux"):
            return DeviceBusy("")
        if not Path(self._device).exists():
            return DeviceGone("not plugged in")
        if who := holder(self._device):
            return DeviceBusy(who)
        if _has_open("self", str(Path(self._device).resolve())):
            return DeviceGone("already_open")
        if not os.access(self._device, os.R_OK | os.W_OK):
            return DeviceGone("no_access")
        return DeviceBusy("")

    def adjust(self, settings: CameraSettings) -> CameraFacts:
        width, height, fps = self._shape()
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
        until = time.monotonic() + PATIENCE_S
        asked = False
        while True:
            done, bgr = self._capture.read()
            if done and bgr is not None:
                taken_ns = self._taken_ns(time.monotonic_ns())
                self._count += 1
                return Picture(from_bgr(bgr), taken_ns, self._count)
            if self._count == 0 and not asked and sys.platform.startswith("linux"):
                asked = True
                if who := holder(self._device):
                    raise DeviceBusy(who)
            if time.monotonic() > until:
                break
            time.sleep(0.02)
        if self._count == 0:
            raise DeviceGone("usb_full")
        raise DeviceGone("gives no picture any more")

    def _taken_ns(self, now_ns: int) -> int:
        """When the driver says the picture was taken; V4L2 tells it on the monotonic clock, others on their own."""
        if sys.platform.startswith("linux"):
            said_ns = int(self._capture.get(cv2.CAP_PROP_POS_MSEC) * 1_000_000)
            if 0 <= now_ns - said_ns <= 2 * SECOND_NS:
                return said_ns
        return now_ns

    def close(self) -> None:
        if self._capture is not None:
            self._capture.release()
            self._capture = None
