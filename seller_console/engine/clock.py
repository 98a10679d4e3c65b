"""The one media clock: monotonic nanoseconds since the engine began, and what they are in RTP units.

Promises: never the wall clock; the same zero for pictures and sound; values grow
without wrapping (whoever writes 32 bits on the wire takes them modulo 2^32, see
`rtp`). A tick that comes too late is skipped and counted, never squeezed in.
"""

from __future__ import annotations

import threading
import time
from fractions import Fraction

VIDEO_HZ = 90_000
AUDIO_HZ = 48_000
VIDEO_BASE = Fraction(1, VIDEO_HZ)
AUDIO_BASE = Fraction(1, AUDIO_HZ)
SECOND_NS = 1_000_000_000


class MediaClock:
    """Zero is the moment it was made, or `origin_ns` of time.monotonic_ns."""

    def __init__(self, origin_ns: int | None = None) -> None:
        self.origin_ns = time.monotonic_ns() if origin_ns is None else origin_ns

    def video_pts(self, at_ns: int) -> int:
        """`at_ns` (monotonic) in 1/90000 s."""
        return (at_ns - self.origin_ns) * VIDEO_HZ // SECOND_NS

    def audio_pts(self, at_ns: int) -> int:
        """`at_ns` (monotonic) in 1/48000 s."""
        return (at_ns - self.origin_ns) * AUDIO_HZ // SECOND_NS


def rtp(pts: int, origin: int = 0) -> int:
    """The 32 bits that go on the wire (RFC 3550, 5.1)."""
    return (pts + origin) & 0xFFFFFFFF


class Metronome:
    """Beats at `start + n * period`, exactly: no drift however late a beat is served.

    When more than `patience` beats behind, the beats missed are skipped and counted in `late`.
    """

    def __init__(self, per_second: Fraction, start_ns: int, patience: int = 0) -> None:
        self._per_second = per_second
        self._start_ns = start_ns
        self._patience = patience
        self._next = 0
        self.late = 0

    def due_ns(self, number: int) -> int:
        return self._start_ns + int(number * SECOND_NS / self._per_second)

    def take(self, now_ns: int) -> tuple[int, int] | None:
        """(number, the ns it was due at) of the beat to serve now; None: too early."""
        due = self.due_ns(self._next)
        if now_ns < due:
            return None
        reached = int((now_ns - self._start_ns) * self._per_second / SECOND_NS)
        if reached > self._next + self._patience:
            self.late += reached - self._next
            self._next = reached
            due = self.due_ns(reached)
        number = self._next
        self._next += 1
        return number, due

    def wait(self, stopping: threading.Event) -> tuple[int, int] | None:
        """Sleep until the next beat; None: asked to stop."""
        while not stopping.is_set():
            beat = self.take(time.monotonic_ns())
            if beat is not None:
                return beat
            ahead_ns = self.due_ns(self._next) - time.monotonic_ns()
            if ahead_ns > 0:
                time.sleep(min(ahead_ns, 100_000_000) / SECOND_NS)
        return None
