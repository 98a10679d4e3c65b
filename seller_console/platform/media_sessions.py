"""Which media session belongs to whom, and how many anybody may hold.

Promises: nobody patches or ends another's; a viewer has at most VIEWS_EACH pictures (the
newest stay), one address at most VIEWS_PER_ADDRESS times the platform's factor, counted
from the moment they are asked for; a publisher is never forgotten because of viewers. What
the relay says has ended is forgotten at once.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from .relay import RelayNote, RelayRestarted, SessionEnded

VIEWS_EACH = 2
VIEWS_PER_ADDRESS = 40


@dataclass(frozen=True)
class Holder:
    """The door ("whip", "whep"), the show, the person and where they came from."""

    door: str
    show_id: str
    whom: str
    address: str = ""


class MediaSessions:
    """`reserve` before the relay is asked; then `add`, or `give_up` when it refused."""

    def __init__(self, per_address: float = 1.0) -> None:
        self._views_per_address = int(VIEWS_PER_ADDRESS * per_address)
        self._known: dict[str, Holder] = {}
        self._at: Counter[str] = Counter()

    def reserve(self, holder: Holder) -> bool:
        """False: that address watches enough already."""
        if holder.door != "whep":
            return True
        if self._at[holder.address] >= self._views_per_address:
            return False
        self._at[holder.address] += 1
        return True

    def give_up(self, holder: Holder) -> None:
        if holder.door == "whep":
            self._at[holder.address] -= 1
            if not self._at[holder.address]:
                del self._at[holder.address]

    def add(self, session_id: str, holder: Holder) -> list[str]:
        """The person's older sessions that are too many now: to be closed, and forgotten here already."""
        self._known[session_id] = holder
        if holder.door != "whep":
            return []
        theirs = [
            known
            for known, held in self._known.items()
            if (held.door, held.show_id, held.whom) == (holder.door, holder.show_id, holder.whom)
        ]
        too_many = theirs[:-VIEWS_EACH]
        for old in too_many:
            self.forget(old)
        return too_many

    def is_of(self, session_id: str, door: str, show_id: str, whom: str) -> bool:
        held = self._known.get(session_id)
        return held is not None and (held.door, held.show_id, held.whom) == (door, show_id, whom)

    def forget(self, session_id: str) -> None:
        held = self._known.pop(session_id, None)
        if held is not None:
            self.give_up(held)

    def hear(self, note: RelayNote) -> None:
        if isinstance(note, SessionEnded):
            self.forget(note.session_id)
        elif isinstance(note, RelayRestarted):
            for session_id in list(self._known):
                self.forget(session_id)
