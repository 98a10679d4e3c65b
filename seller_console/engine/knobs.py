"""How a lens and a sensor are set through OpenCV, and how one knows whether they listened.

OpenCV answers -1 for what a device has not, and its `set` is True only when the driver
took it; a value that did not move was ignored. A knob nobody has touched is never
written, so that a camera keeps what its own maker's program gave it. Ranges: asked of
the driver on Linux (VIDIOC_QUERYCTRL), the usual ones elsewhere.
"""

from __future__ import annotations

import contextlib
import os
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import cv2

from ..contract.media import CameraKnob, CameraOffer, CameraSettings

Range = tuple[float, float, float]
"""lowest, highest, step."""


class Props(Protocol):
    """Of a cv2.VideoCapture."""

    def get(self, prop: int, /) -> float: ...

    def set(self, prop: int, value: float, /) -> bool: ...


@dataclass(frozen=True, slots=True)
class _Knob:
    name: CameraKnob
    prop: int
    auto: int | None
    by_itself: tuple[float, ...]
    """Values of `auto` that mean automatic, the likeliest first."""
    by_hand: float
    control: int
    """Its number in V4L2."""
    usual: Range


_WHITE_BALANCE = {"win32": cv2.CAP_PROP_TEMPERATURE}
"""Media Foundation knows it under this word only, and without an automatic."""
_KNOBS = (
    _Knob("focus", cv2.CAP_PROP_FOCUS, cv2.CAP_PROP_AUTOFOCUS, (1,), 0, 0x009A090A, (0, 255, 1)),
    _Knob("exposure", cv2.CAP_PROP_EXPOSURE, cv2.CAP_PROP_AUTO_EXPOSURE, (3, 0), 1, 0x009A0902, (-13, 0, 1)),
    _Knob("white_balance", cv2.CAP_PROP_WB_TEMPERATURE, cv2.CAP_PROP_AUTO_WB, (1,), 0, 0x0098091A, (2800, 6500, 10)),
    _Knob("gain", cv2.CAP_PROP_GAIN, None, (), 0, 0x00980913, (0, 255, 1)),
)
"""exposure, by itself: 3 is V4L2's aperture priority, which webcams have instead of 0."""
_QUERYCTRL = 0xC0445624
_CONTROL = struct.Struct("<II32siiiiI8x")
_DISABLED = 1


def ask_driver(path: str, control: int) -> Range | None:
    """What V4L2 says of a control; None when it says nothing (or this is not Linux)."""
    if not sys.platform.startswith("linux"):
        return None
    import fcntl

    def ask(asked: bytearray) -> None:
        handle = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        try:
            fcntl.ioctl(handle, _QUERYCTRL, asked)
        finally:
            os.close(handle)

    return read_control(ask, control)


def read_control(ask: Callable[[bytearray], None], control: int) -> Range | None:
    """`ask` fills a struct v4l2_queryctrl whose first word is the number of the control."""
    asked = bytearray(_CONTROL.size)
    struct.pack_into("<I", asked, 0, control)
    with contextlib.suppress(OSError):
        ask(asked)
        _, kind, _, lowest, highest, step, _, flags = _CONTROL.unpack(asked)
        if kind and not flags & _DISABLED and highest > lowest:
            return float(lowest), float(highest), float(max(1, step))
    return None


class Knobs:
    """The knobs of one open camera. Belongs to its thread."""

    def __init__(
        self,
        props: Props,
        path: str,
        ask: Callable[[str, int], Range | None] = ask_driver,
        platform: str = sys.platform,
    ) -> None:
        self._props = props
        self._first: dict[str, float] = {}
        """What a knob stood at when we first moved it."""
        self._present: list[tuple[_Knob, Range, bool]] = []
        for knob in _KNOBS:
            if knob.name == "white_balance" and platform in _WHITE_BALANCE:
                knob = replace(knob, prop=_WHITE_BALANCE[platform])
            value = props.get(knob.prop)
            if value == -1 or (platform == "darwin" and value == 0):
                continue
            automatic = knob.auto is not None and props.get(knob.auto) != -1
            lowest, highest, step = ask(path, knob.control) or knob.usual
            self._present.append((knob, (min(lowest, value), max(highest, value), step), automatic))

    def offers(self) -> tuple[CameraOffer, ...]:
        return tuple(
            CameraOffer(
                name=knob.name, lowest=lowest, highest=highest, step=step, value=self._props.get(knob.prop),
                automatic=automatic,
            )
            for knob, (lowest, highest, step), automatic in self._present
        )  # fmt: skip

    def turn(self, settings: CameraSettings) -> tuple[str, ...]:
        """Set what is asked, let go of what is no longer; the names of those that did not listen."""
        present = {knob.name: (knob, automatic) for knob, _, automatic in self._present}
        ignored = []
        for any_knob in _KNOBS:
            wanted: float | None = getattr(settings, any_knob.name)
            here = present.get(any_knob.name)
            if here is None:
                if wanted is not None:
                    ignored.append(any_knob.name)
            elif wanted is None:
                self._let_go(*here)
            elif not self._set(*here, wanted):
                ignored.append(any_knob.name)
        return tuple(ignored)

    def refocus(self) -> bool:
        """Automatic focus off and on again; False: there is none."""
        for knob, _, automatic in self._present:
            if knob.name == "focus" and automatic and knob.auto is not None and knob.name not in self._first:
                self._props.set(knob.auto, knob.by_hand)
                return self._props.set(knob.auto, knob.by_itself[0])
        return False

    def _set(self, knob: _Knob, automatic: bool, wanted: float) -> bool:
        before = self._props.get(knob.prop)
        self._first.setdefault(knob.name, before)
        if automatic and knob.auto is not None:
            self._props.set(knob.auto, knob.by_hand)
        taken = self._props.set(knob.prop, wanted)
        after = self._props.get(knob.prop)
        return taken and (after == wanted or after != before)

    def _let_go(self, knob: _Knob, automatic: bool) -> None:
        if knob.name not in self._first:
            return
        first = self._first.pop(knob.name)
        if automatic and knob.auto is not None:
            for value in knob.by_itself:
                if self._props.set(knob.auto, value):
                    return
        self._props.set(knob.prop, first)
