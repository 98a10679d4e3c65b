"""When to ask for a keyframe: soon, but not more often than an encoder can bear. Pure."""

from __future__ import annotations


class KeyframeGate:
    """Asks upstream for a keyframe: at once, at most every `interval_s`, until one comes.

    `at_once` of them in a row, then one in `every_s`: who asks for ever costs everybody's picture.
    """

    def __init__(self, interval_s: float = 0.5, at_once: float = float("inf"), every_s: float = 0.5) -> None:
        self._interval_s = interval_s
        self._at_once, self._every_s = at_once, every_s
        self._left, self._counted_at_s = at_once, 0.0
        self._asked_at_s = float("-inf")
        self._wanted = False

    def want(self) -> None:
        self._wanted = True

    def came(self) -> None:
        self._wanted = False

    def due(self, now_s: float) -> bool:
        """True when a request must go out now."""
        self._left = min(self._at_once, self._left + (now_s - self._counted_at_s) / self._every_s)
        self._counted_at_s = now_s
        if not self._wanted or self._left < 1 or now_s - self._asked_at_s < self._interval_s:
            return False
        self._asked_at_s = now_s
        self._left -= 1
        return True
