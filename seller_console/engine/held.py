"""When a fault counts: after it has lasted a while, until it has been away a while."""

from __future__ import annotations

from dataclasses import dataclass

from .clock import SECOND_NS


@dataclass(slots=True)
class Held:
    """A fault counts after `after_s` without a break, and is over after `until_s` without it."""

    after_s: float
    until_s: float = 1.0
    on: bool = False
    _since_ns: int | None = None

    def look(self, seen: bool, at_ns: int) -> bool:
        if seen == self.on:
            self._since_ns = None
            return self.on
        if self._since_ns is None:
            self._since_ns = at_ns
        if at_ns - self._since_ns >= (self.until_s if self.on else self.after_s) * SECOND_NS:
            self.on, self._since_ns = seen, None
        return self.on

    def forget(self) -> None:
        self.on, self._since_ns = False, None
