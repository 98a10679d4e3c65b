"""When the seller's picture counts as lost, and as back (rule 15).

Pure: fed with what the relay saw and with platform time, it answers commands for
the salesroom. Only an ingest that was seen on this show is watched: a foreign one
is the console's to report. A picture that dies between two lots is said to be lost
then, so that PDD is refused until it is back. One that said goodbye is missed by the lot
it left, and by no other; one that somebody else says is back (a foreign ingest) is
no longer ours to watch.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..contract import commands as c
from ..contract.codec import Unreadable, decode_event
from ..contract.events import MediaNoted
from ..contract.words import RunId
from ..sale.state import ShowState

LOST_AFTER_MS = 5_000
LOST_AT_BELL_MS = 1_000


class PictureWatch:
    """`frame_at_ms`: platform time of the last ingest frame; 0 = none is expected."""

    def __init__(self) -> None:
        self.frame_at_ms = 0
        self._left: RunId = ""
        """The run during which it said goodbye."""
        self._lost = False
        """We said so, and it has not come back to us."""

    def returned(self, now_ms: int, media_noted: Sequence[str]) -> None:
        """After a restart: an ingest that was on is expected back. `media_noted`: rows, newest first."""
        for raw in media_noted:
            try:
                noted = decode_event(raw)
            except Unreadable:
                continue
            if isinstance(noted, MediaNoted) and noted.what in {"ingest_started", "ingest_ended"}:
                self.frame_at_ms = now_ms if noted.what == "ingest_started" else 0
                return

    def frame(self, now_ms: int, state: ShowState) -> c.ReturnPicture | None:
        """Pictures come in."""
        self.frame_at_ms = now_ms
        self._left, self._lost = "", False
        return c.ReturnPicture() if state.picture_lost_since else None

    def ended(self, state: ShowState, *, said_goodbye: bool) -> None:
        """A goodbye between lots is no loss; a line that went silent is expected back."""
        if not said_goodbye:
            return
        if state.run is None:
            self.frame_at_ms = 0
        else:
            self._left = state.run.run_id

    def look(self, now_ms: int, state: ShowState) -> c.LosePicture | None:
        """Asked several times a second."""
        return self._missing(now_ms, state, LOST_AFTER_MS)

    def before_bell(self, now_ms: int, state: ShowState) -> c.LosePicture | None:
        return self._missing(now_ms, state, LOST_AT_BELL_MS)

    def _missing(self, now_ms: int, state: ShowState, after_ms: int) -> c.LosePicture | None:
        if state.status != "live" or not self.frame_at_ms:
            return None
        if state.picture_lost_since:
            self._lost = True
            return None
        run = state.run
        if self._lost or (self._left and (run is None or run.run_id != self._left)):
            self.frame_at_ms, self._left, self._lost = 0, "", False
            return None
        if (run is not None and run.status != "running") or now_ms - self.frame_at_ms < after_ms:
            return None
        return c.LosePicture(since_ms=self.frame_at_ms)
