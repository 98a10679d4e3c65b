"""When to ask for a keyframe: soon, but not more often than an encoder can bear. Pure."""

from __future__ import annotations


class KeyframeGate:
    """Asks upstream for a keyframe: at once, at most every `interval_s`, until one comes."""

    def __init__(self, interval_s: float = 0.5) -> None:
        self._interval_s = interval_s
        self._asked_at_s = float("-inf")
        self._wanted = False

    def want(self) -> None:
        self._wanted = True

    def came(self) -> None:
        self._wanted = False

    def due(self, now_s: float) -> bool:
        """True when a request must go out now."""
        if not self._wanted or now_s - self._asked_at_s < self._interval_s:
            return False
        self._asked_at_s = now_s
        return True
