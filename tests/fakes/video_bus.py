"""Cameras in ports, without a camera: a /dev tree of files and links such as udev makes, and what OpenCV would open.

udev's by-id name holds maker, model and serial number: two cameras of a kind without one
share it, and it points at the camera that came last, or at the one that is left.
"""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np

from seller_console.engine.webcam import Bus
from tests.fakes.knob_camera import Driver


class Capture(Driver):
    """A cv2.VideoCapture of a camera that has these sizes, each with its most frames a second."""

    def __init__(self, sizes: dict[tuple[int, int], float] | None = None) -> None:
        super().__init__({cv2.CAP_PROP_FRAME_WIDTH: 640, cv2.CAP_PROP_FRAME_HEIGHT: 480, cv2.CAP_PROP_FPS: 30})
        self.sizes = sizes or {(640, 480): 30.0, (1280, 720): 30.0, (1920, 1080): 30.0}
        self.opened = True
        self.released = False
        self.gives = True
        self.waits_s = 0.0
        """Before a read without a picture gives up, as the driver's select does."""
        self.late_ms: float | None = None
        """How long ago the driver says the picture was taken; None: it says nothing."""
        self.reads = 0

    def isOpened(self) -> bool:
        return self.opened

    def set(self, prop: int, value: float, /) -> bool:
        done = super().set(prop, value)
        size = (int(self.values[cv2.CAP_PROP_FRAME_WIDTH]), int(self.values[cv2.CAP_PROP_FRAME_HEIGHT]))
        if prop == cv2.CAP_PROP_FRAME_HEIGHT and size not in self.sizes:
            size = max(self.sizes)
            self.values[cv2.CAP_PROP_FRAME_WIDTH], self.values[cv2.CAP_PROP_FRAME_HEIGHT] = size
        if prop == cv2.CAP_PROP_FPS:
            self.values[prop] = min(value, self.sizes[size])
        return done

    def get(self, prop: int, /) -> float:
        if prop == cv2.CAP_PROP_POS_MSEC and self.late_ms is not None:
            return time.monotonic() * 1000 - self.late_ms
        return super().get(prop)

    def read(self) -> tuple[bool, Any]:
        self.reads += 1
        if not self.gives:
            time.sleep(self.waits_s)
            return False, None
        return True, np.zeros((480, 640, 3), np.uint8)

    def release(self) -> None:
        self.released = True


class VideoBus:
    """`bus` is what engine.webcam takes. Cameras are plugged in and pulled out of ports by a test."""

    def __init__(self, root: Path, ports: bool = True) -> None:
        self.dev = root / "dev"
        self._ports = ports
        self._links = self.dev / "v4l"
        self._links.mkdir(parents=True)
        self._plugged: dict[str, SimpleNamespace] = {}
        self.captures: dict[int, Capture] = {}
        self.bus = Bus(self.dev, lambda: list(self._plugged.values()), self._capture)

    def _capture(self, number: int) -> Capture:
        return self.captures[number]

    def plug_in(self, port: str, name: str, serial: str = "", capture: Capture | None = None) -> Path:
        """The device file; its number is the lowest that is free."""
        number = next(n for n in range(64) if not (self.dev / f"video{n}").exists())
        device = self.dev / f"video{number}"
        device.touch()
        self.captures[number] = capture or Capture()
        self._plugged[port] = SimpleNamespace(name=name, path=str(device), index=number, serial=serial)
        self._link_anew()
        return device

    def pull_out(self, port: str) -> None:
        Path(self._plugged.pop(port).path).unlink()
        self._link_anew()

    def _link_anew(self) -> None:
        for folder in ("by-id", "by-path"):
            place = self._links / folder
            place.mkdir(exist_ok=True)
            for link in place.iterdir():
                link.unlink()
        for port, camera in self._plugged.items():
            self._point(self.by_id(camera.name, camera.serial), camera.path)
            if self._ports:
                self._point(self.by_path(port), camera.path)

    @staticmethod
    def _point(link: Path, device: str) -> None:
        link.unlink(missing_ok=True)
        link.symlink_to(device)

    def by_id(self, name: str, serial: str = "") -> Path:
        words = "_".join(filter(None, (name.replace(" ", "_"), serial)))
        return self._links / "by-id" / f"usb-{words}-video-index0"

    def by_path(self, port: str) -> Path:
        return self._links / "by-path" / f"pci-0000:00:14.0-usb-0:{port}:1.0-video-index0"
