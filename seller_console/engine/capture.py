"""How pictures come in, whatever they come from: a feed gives its newest picture and never blocks.

`CapturedCamera` runs one device on a thread: slot of one picture; full: the new one
replaces the old and `replaced` counts it. Of a device that is gone or taken the last
picture stays; nothing is ever put in its place. A device that can be adjusted is told
its settings on every opening. `DrawnCamera` is the test card, drawn when asked.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol, runtime_checkable

from ..contract.media import CameraKnob, CameraOffer, CameraSettings
from .clock import SECOND_NS
from .device import DeviceThread, FeedState
from .picture import Picture
from .testcard import TestCard

SILENT_NS = 2 * SECOND_NS
"""A live device that gives nothing for so long counts as gone."""
AGED, KNOWN, AGED_EVERY = 600, 30, 30
"""Pictures over which it is told how old they are, from which it is known, and how often it is reckoned anew."""
MOST_BETWEEN_NS = SECOND_NS // 15
"""Fewer pictures are said as few (`picture_slow`), not waited for by the sound."""
KNOBS: tuple[CameraKnob, ...] = ("focus", "exposure", "white_balance", "gain")


class CameraDevice(Protocol):
    """One camera, of any kind. Used by one thread; raises DeviceGone or DeviceBusy (anything else counts as gone)."""

    def open(self) -> None: ...

    def read(self) -> Picture | None:
        """Blocks until the next picture, 3 s at most; None: not yet, ask again."""

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class CameraFacts:
    """What a camera makes of its settings."""

    width: int = 0
    height: int = 0
    fps: float = 0.0
    offers: tuple[CameraOffer, ...] = ()
    ignored: tuple[str, ...] = ()


@runtime_checkable
class AdjustableCamera(Protocol):
    """A CameraDevice whose lens and sensor can be set."""

    def adjust(self, settings: CameraSettings) -> CameraFacts:
        """After open, and again at every change. Never raises: what is not done is said in `ignored`."""

    def refocus(self) -> None:
        """Look for the focus anew, where it has an automatic one."""


class CameraFeed(Protocol):
    """What the programme sees of a camera."""

    spec: str
    name: str
    captured: int
    replaced: int
    age_ns: int | None
    """How old a picture usually is when it is shown: what camera and driver take, and half the time to the next.

    None: not known yet.
    """

    @property
    def state(self) -> FeedState: ...

    @property
    def detail(self) -> str: ...

    def start(self) -> None: ...

    def take(self, now_ns: int) -> Picture | None:
        """The newest picture, the same again when there is no newer; None before the first."""

    def retry_now(self) -> None: ...

    def stop(self) -> None: ...


class DrawnCamera:
    """The test card: exactly one picture a tick, at the programme's size."""

    state: FeedState = "live"
    detail = ""
    age_ns: int | None = 0

    def __init__(self, spec: str, name: str, width: int, height: int, origin_ns: int) -> None:
        self.spec, self.name = spec, name
        self.captured = self.replaced = 0
        self._card = TestCard(width, height, origin_ns)

    def start(self) -> None:
        """Nothing to open."""

    def take(self, now_ns: int) -> Picture | None:
        self.captured += 1
        return self._card.draw(now_ns)

    def retry_now(self) -> None:
        """Never lost."""

    def stop(self) -> None:
        """Nothing to close."""


class NoCamera:
    """`none`: no picture, and nothing wrong with that."""

    state: FeedState = "live"
    detail = ""
    age_ns: int | None = None

    def __init__(self) -> None:
        self.spec = self.name = "none"
        self.captured = self.replaced = 0

    def start(self) -> None:
        """Nothing to open."""

    def take(self, now_ns: int) -> Picture | None:
        return None

    def retry_now(self) -> None:
        """Never lost."""

    def stop(self) -> None:
        """Nothing to close."""


class CapturedCamera(DeviceThread[CameraDevice]):
    """A device on its own thread."""

    what = "camera"
    stops_s = 1.0

    def __init__(
        self, spec: str, name: str, make: Callable[[], CameraDevice], settings: CameraSettings | None = None
    ) -> None:
        super().__init__(spec, name, make)
        self.captured = self.replaced = 0
        self.age_ns: int | None = None
        self.facts = CameraFacts()
        self._settings = settings or CameraSettings()
        self._changed = self._anew = self._refocus = False
        self._slot: Picture | None = None
        self._taken = True
        self._seen: deque[tuple[int, int]] = deque(maxlen=AGED)
        """(captured, how late it came) of the last pictures, in ns."""
        self._lock = threading.Lock()

    @property
    def state(self) -> FeedState:
        silent = time.monotonic_ns() - self._last_ns > SILENT_NS
        if silent and self._state in ("live", "opening"):
            return "gone"
        return self._state

    def cure(self, reopen: bool) -> None:
        """Before the next picture: the device is opened again, or looks for its focus."""
        if reopen:
            self._anew = self._changed = True
        else:
            self._refocus = True

    def adjust(self, settings: CameraSettings, make: Callable[[], CameraDevice] | None = None) -> None:
        """Before the next picture; with `make` the device is closed and made anew."""
        self._settings = settings
        if make is not None:
            self._make, self._anew = make, True
        self._changed = True

    def take(self, now_ns: int) -> Picture | None:
        with self._lock:
            self._taken = True
            return self._slot

    def retry_now(self) -> None:
        """Does not wait for the next attempt; a device that is open and silent is opened anew."""
        if self.state == "gone" and self._state != "gone":
            self._anew = self._changed = True
        super().retry_now()

    def _put(self, picture: Picture) -> None:
        self._seen.append((picture.captured_ns, time.monotonic_ns() - picture.captured_ns))
        if self.captured % AGED_EVERY == 0 and len(self._seen) >= KNOWN:
            self._reckon_age()
        with self._lock:
            if not self._taken:
                self.replaced += 1
            self._slot, self._taken = picture, False
            self.captured += 1
        self._came()

    def _reckon_age(self) -> None:
        between_ns = statistics.median_low(later[0] - earlier[0] for earlier, later in pairwise(self._seen))
        late_ns = statistics.median_low(late for _, late in self._seen)
        self.age_ns = max(0, late_ns) + min(max(0, between_ns), MOST_BETWEEN_NS) // 2

    def _adjust(self, device: CameraDevice) -> None:
        settings = self._settings
        if isinstance(device, AdjustableCamera):
            self.facts = device.adjust(settings)
            return
        picture = self._slot
        width, height = (picture.width, picture.height) if picture is not None else (0, 0)
        self.facts = CameraFacts(width, height, ignored=left_undone(settings, width, height))

    def _use(self, device: CameraDevice) -> bool:
        """Pictures until the device is lost (raises), the feed ends (False) or it is to be made anew (True)."""
        device.open()
        self._seen.clear()
        self._adjust(device)
        first = True
        while not self._stopping.is_set():
            if self._changed:
                self._changed = False
                if self._anew:
                    self._anew = False
                    self._last_ns = time.monotonic_ns()  # opening again takes a while: not gone yet
                    return True
                self._adjust(device)
            if self._refocus:
                self._refocus = False
                if isinstance(device, AdjustableCamera):
                    device.refocus()
            picture = device.read()
            if picture is None:
                continue
            self._put(picture)
            if first and not isinstance(device, AdjustableCamera):
                self._adjust(device)
            first = False
        return False


def left_undone(settings: CameraSettings, width: int, height: int) -> tuple[str, ...]:
    """What of these settings a device that takes none does not do."""
    undone = []
    if settings.width and (settings.width, settings.height) != (width, height):
        undone.append("size")
    if settings.fps:
        undone.append("fps")
    undone += [name for name in KNOBS if getattr(settings, name) is not None]
    return tuple(undone)
