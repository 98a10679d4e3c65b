"""A camera with a lens and a sensor to set, in the two shapes the engine meets: a driver's properties, and a device.

`Driver` answers like cv2.VideoCapture: -1 for what it has not, `set` True when it took
the value; `deaf` properties say True and do not move, as many webcams do. `KnobCamera`
is a CameraDevice that shows a mark in its top left corner and remembers every adjust.
"""

from __future__ import annotations

import threading
import time
from typing import ClassVar

import cv2

from seller_console.contract.media import CameraSettings
from seller_console.engine.capture import CameraFacts
from seller_console.engine.device import DeviceGone
from seller_console.engine.devices import CameraWish
from seller_console.engine.knobs import Knobs
from seller_console.engine.picture import Picture, blank, planes


class Driver:
    def __init__(self, values: dict[int, float], deaf: frozenset[int] = frozenset()) -> None:
        self.values = dict(values)
        self.deaf = deaf
        self.written: list[tuple[int, float]] = []

    def get(self, prop: int, /) -> float:
        return self.values.get(prop, -1)

    def set(self, prop: int, value: float, /) -> bool:
        self.written.append((prop, value))
        if prop not in self.values:
            return False
        if prop not in self.deaf:
            self.values[prop] = value
        return True


def webcam_driver() -> Driver:
    """Focus and exposure with an automatic of their own, gain without one, no white balance."""
    return Driver(
        {
            cv2.CAP_PROP_FOCUS: 20, cv2.CAP_PROP_AUTOFOCUS: 1, cv2.CAP_PROP_EXPOSURE: 156,
            cv2.CAP_PROP_AUTO_EXPOSURE: 3, cv2.CAP_PROP_GAIN: 64,
        }
    )  # fmt: skip


class KnobCamera:
    """`make` is what engine.devices.Devices takes for a kind of camera."""

    made: ClassVar[list[KnobCamera]] = []
    pulled_out: ClassVar[bool] = False

    def __init__(self, wish: CameraWish) -> None:
        self.wish = wish
        self.adjusted: list[CameraSettings] = []
        self.driver = webcam_driver()
        self._knobs = Knobs(self.driver, "", lambda _path, _control: (0.0, 250.0, 5.0))
        self._size = wish.size if wish.size[0] else (1280, 720)
        self._count = 0
        self._pause = threading.Event()
        KnobCamera.made.append(self)

    @staticmethod
    def make(_rest: str, wish: CameraWish) -> KnobCamera:
        return KnobCamera(wish)

    def open(self) -> None:
        if KnobCamera.pulled_out:
            raise DeviceGone("not plugged in")

    def adjust(self, settings: CameraSettings) -> CameraFacts:
        self.adjusted.append(settings)
        return CameraFacts(*self._size, float(self.wish.fps), self._knobs.offers(), self._knobs.turn(settings))

    def refocus(self) -> None:
        self._knobs.refocus()

    def read(self) -> Picture:
        self._pause.wait(0.02)
        if KnobCamera.pulled_out:
            raise DeviceGone("pulled out")
        self._count += 1
        pixels = blank(*self._size, luma=60)
        planes(pixels)[0][: self._size[1] // 4, : self._size[0] // 4] = 200
        return Picture(pixels, time.monotonic_ns(), self._count)

    def close(self) -> None:
        """Nothing held."""
