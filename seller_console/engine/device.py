"""What every device has in common: opened on a thread of its own, and tried again for as long as it is wanted.

A device that is gone or taken is reported by its own name and tried again for ever (after
0.5 s, then every 1 s). Whatever a library or a driver raises counts as gone: the thread goes on.
"""

from __future__ import annotations

import logging
import threading
import time
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar, Generic, Literal, Protocol, TypeVar

FeedState = Literal["opening", "live", "gone", "busy"]
FIRST_RETRY_S, RETRY_S = 0.5, 1.0


class DeviceGone(Exception):
    """The device is not there, or stopped; str() says what the system said, or is a code the screens have words for."""


class DeviceBusy(Exception):
    """Another program holds the device; str() names it when it can."""


class Closing(Protocol):
    """A device, as far as its thread knows it."""

    def close(self) -> None: ...


Device = TypeVar("Device", bound=Closing)


class DeviceThread(ABC, Generic[Device]):
    """One device from `start` to `stop`; each kind says how it is used (`_use`), and calls `_came` at what it gives."""

    what: ClassVar[str]
    """Its kind, in the log: camera_live, microphone_gone."""
    stops_s: ClassVar[float] = 2.0
    """How long `stop` waits; one stuck in its driver is left to its daemon thread."""

    def __init__(self, spec: str, name: str, make: Callable[[], Device]) -> None:
        self.spec, self.name = spec, name
        self._make = make
        self._log = logging.getLogger(type(self).__module__.removeprefix("seller_console."))
        self._state: FeedState = "opening"
        self._detail = ""
        self._last_ns = time.monotonic_ns()
        self._gave = False
        self._stopping = threading.Event()
        self._retry = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"{self.what} {name}", daemon=True)

    @property
    def state(self) -> FeedState:
        return self._state

    @property
    def detail(self) -> str:
        return self._detail

    def start(self) -> None:
        self._last_ns = time.monotonic_ns()
        self._thread.start()

    def retry_now(self) -> None:
        """Does not wait for the next attempt."""
        self._retry.set()

    def stop(self) -> None:
        self._stopping.set()
        self._retry.set()
        if self._thread.is_alive():
            self._thread.join(timeout=self.stops_s)

    @abstractmethod
    def _use(self, device: Device) -> bool:
        """Until the device is lost (raises) or `stop` is called; True: it is to be made anew, at once."""

    def _came(self, told: str = "") -> None:
        """The device gave something: called each time, when whoever takes it can have it."""
        self._last_ns = time.monotonic_ns()
        self._gave = True
        if self._state != "live":
            self._log.info("%s_live name=%s%s", self.what, self.name, told)
            self._state, self._detail = "live", ""

    def _lost(self, state: FeedState, why: str) -> None:
        if self._state != state:
            self._log.info("%s_%s name=%s detail=%s", self.what, state, self.name, why)
        self._state, self._detail = state, why

    def _failed(self, error: Exception) -> None:
        """What no device should raise: told by its type only, for its words may hold an address."""
        kind = type(error).__name__
        if (self._state, self._detail) != ("gone", kind):
            last = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{last.filename}:{last.lineno}"
            self._log.warning("%s_failed name=%s error=%s at=%s", self.what, self.name, kind, where)
        self._lost("gone", kind)

    def _close(self, device: Device) -> None:
        try:
            device.close()
        except Exception as error:  # it is gone either way
            self._log.info("%s_not_closed name=%s error=%s", self.what, self.name, type(error).__name__)

    def _run(self) -> None:
        wait_s = FIRST_RETRY_S
        while not self._stopping.is_set():
            device: Device | None = None
            self._gave = False
            try:
                device = self._make()
                if self._use(device):
                    continue
            except DeviceBusy as error:
                self._lost("busy", str(error))
            except DeviceGone as error:
                self._lost("gone", str(error))
            except Exception as error:  # a decoder, a library or a driver may raise anything: it must come back
                self._failed(error)
            finally:
                if device is not None:
                    self._close(device)
            if self._gave:
                wait_s = FIRST_RETRY_S
            if self._retry.wait(wait_s):
                self._retry.clear()
            wait_s = RETRY_S
