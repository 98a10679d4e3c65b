"""When the seller's picture counts as lost, and as back (rule 15).

Pure: fed with what the relay saw and with platform time, it answers commands for
the salesroom. Only an ingest that was seen on this show is watched: a foreign one
is the console's to report.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..contract import commands as c
from ..contract.codec import decode_event
from ..contract.events import MediaNoted
from ..sale.state import ShowState

LOST_AFTER_MS = 5_000
LOST_AT_BELL_MS = 1_000


class PictureWatch:
    """`frame_at_ms`: platform time of the last ingest frame; 0 = none is expected."""

    def __init__(self) -> None:
        self.frame_at_ms = 0

    def returned(self, now_ms: int, media_noted: Sequence[str]) -> None:
        """After a restart: an ingest that was on is expected back. `media_noted`: rows, newest first."""
        for raw in media_noted:
            noted = decode_event(raw)
            if isinstance(noted, MediaNoted) and noted.what in {"ingest_started", "ingest_ended"}:
                self.frame_at_ms = now_ms if noted.what == "ingest_started" else 0
                return

    def frame(self, now_ms: int, state: ShowState) -> c.ReturnPicture | None:
        """Pictures come in."""
        self.frame_at_ms = now_ms
        return c.ReturnPicture() if state.picture_lost_since else None

    def ended(self, state: ShowState, *, said_goodbye: bool) -> None:
        """A goodbye between lots is no loss; a line that went silent is expected back."""
        if said_goodbye and state.run is None:
            self.frame_at_ms = 0

    def look(self, now_ms: int, state: ShowState) -> c.LosePicture | None:
        """Asked several times a second."""
        return self._lost(now_ms, state, LOST_AFTER_MS)

    def before_bell(self, now_ms: int, state: ShowState) -> c.LosePicture | None:
        return self._lost(now_ms, state, LOST_AT_BELL_MS)

    def _lost(self, now_ms: int, state: ShowState, after_ms: int) -> c.LosePicture | None:
        run = state.run
        if run is None or run.status != "running" or not self.frame_at_ms or state.picture_lost_since:
            return None
        if now_ms - self.frame_at_ms < after_ms:
            return None
        return c.LosePicture(since_ms=self.frame_at_ms)
