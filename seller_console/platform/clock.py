"""The one clock of a platform: where its milliseconds come from.

Wall time is read once, at start; after that only the monotonic clock counts, so
a step of the wall clock hammers nothing (auction-rules, preamble). Promises: a
stamp is never below the one before, nor below the last stamp of any log opened.
"""

from __future__ import annotations

import time
from collections.abc import Callable


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


def _monotonic_ns() -> int:
    return time.monotonic_ns()


class Clock:
    def __init__(self, wall_ms: Callable[[], int] = _wall_ms, monotonic_ns: Callable[[], int] = _monotonic_ns) -> None:
        self._monotonic_ns = monotonic_ns
        self.wall_ms = wall_ms
        self._base_ms = wall_ms() - monotonic_ns() // 1_000_000
        self._last_ms = 0

    def now_ms(self) -> int:
        now = self._base_ms + self._monotonic_ns() // 1_000_000
        if now < self._last_ms:
            return self._last_ms
        self._last_ms = now
        return now

    def not_before(self, stamp_ms: int) -> None:
        """A log ends at `stamp_ms`: time goes on from there, even if the wall clock says earlier."""
        behind_ms = stamp_ms - self.now_ms()
        if behind_ms > 0:
            self._base_ms += behind_ms
            self._last_ms = stamp_ms
