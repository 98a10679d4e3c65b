"""How often a thread that must go on says what goes wrong in it: at once, and then once a minute.

What fails thirty times a second would fill a disk with its own story. Each `what` is
counted for itself; one thread, or several that may lose a count.
"""

from __future__ import annotations

import logging
import time

AGAIN_S = 60.0


class Stumbles:
    def __init__(self, log: logging.Logger, event: str) -> None:
        self._log, self._event = log, event
        self._said_s: dict[str, float] = {}
        self.count = 0

    def say(self, what: str = "") -> None:
        """In an `except` only."""
        self.count += 1
        now_s = time.monotonic()
        if now_s - self._said_s.get(what, -AGAIN_S) >= AGAIN_S:
            self._said_s[what] = now_s
            self._log.exception("%s of=%s count=%d", self._event, what, self.count)
