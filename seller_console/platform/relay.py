"""The relay's line to its child: media lives in another process, this file is how one talks to it.

`Relay` starts `python -m seller_console.platform.relay_process`, asks it for
sessions and hears its notes; JSON lines on the child's stdin and stdout. A child
that dies is started again at once (then after 1, 2, 5 s at most); its sessions
are gone, publishers and players come back by themselves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..contract.words import Struct

RefusalCode = Literal[
    "bad_offer",  # not an SDP offer we can read (400 / 422)
    "no_common_codec",  # no H.264, VP8 or Opus in it (406 / 422)
    "no_session",  # unknown or ended session (404)
    "etag_mismatch",  # If-Match names another ICE generation (412)
    "bad_fragment",  # the trickle fragment makes no sense (400 / 422)
    "ice_restart",  # an ICE restart was asked: not supported, POST again (422)
    "full",  # more viewers than this relay takes (503)
    "unavailable",  # the child is not there right now (503, Retry-After 1)
]


class RelayRefused(Exception):
    """The relay said no; `code` is stable, `detail` is for the log."""

    def __init__(self, code: RefusalCode, detail: str = "") -> None:
        super().__init__(f"{code} {detail}".strip())
        self.code: RefusalCode = code
        self.detail = detail


@dataclass(frozen=True)
class Session:
    """A media session as the child opened it. `etag` is quoted, ready for the header."""

    session_id: str
    answer_sdp: str
    etag: str


class _Note(Struct, frozen=True, tag_field="note"):
    pass


class IngestStarted(_Note, frozen=True, tag="ingest_started"):
    """A publisher's first whole frame has arrived. `replaced`: it took over from a session still there."""

    session_id: str
    video_codec: str
    audio: bool
    replaced: bool = False


class FrameSeen(_Note, frozen=True, tag="frame_seen"):
    """At most every 200 ms while pictures come in."""

    session_id: str
    frames: int


class IngestEnded(_Note, frozen=True, tag="ingest_ended"):
    """`reason`: deleted, replaced, silent (no RTP for 3 s), closed (peer said goodbye), failed (ICE/DTLS)."""

    session_id: str
    reason: str


class ViewersCounted(_Note, frozen=True, tag="viewers_counted"):
    viewers: int


class RelayStats(_Note, frozen=True, tag="relay_stats"):
    """Once a second."""

    ingest: bool
    fps: float
    video_bps: int
    audio_bps: int
    viewers: int
    loss: float = 0.0
    """Fraction of the publisher's packets lost on their way here, last second, before retransmission."""
    cut: int = 0
    """Viewers cut for being too slow, total."""
    cpu: float = 0.0
    rss_mb: float = 0.0


class RelayRestarted(_Note, frozen=True, tag="relay_restarted"):
    """The child died and is back: every session is gone."""

    restarts: int


RelayNote = IngestStarted | FrameSeen | IngestEnded | ViewersCounted | RelayStats | RelayRestarted


class Relay:
    """Asyncio client of the relay process. One per platform."""

    def __init__(
        self,
        *,
        on_note: Callable[[RelayNote], None] | None = None,
        log_path: Path | None = None,
        viewers_max: int = 100,
    ) -> None:
        self.on_note = on_note
        self.restarts = 0

    async def start(self) -> None:
        """Returns when the child answers. Raises OSError when it cannot be started at all."""

    async def stop(self) -> None:
        """Closes stdin and waits for the child; kills it after 2 s."""

    async def ingest(self, offer_sdp: str) -> Session:
        """WHIP: a publisher's offer. A newer ingest replaces an older one. Raises RelayRefused."""
        raise RelayRefused("unavailable")

    async def view(self, offer_sdp: str) -> Session:
        """WHEP: a viewer's offer; allowed before any ingest. Raises RelayRefused."""
        raise RelayRefused("unavailable")

    async def patch(self, session_id: str, fragment: str, if_match: str | None = None) -> None:
        """Trickled candidates (RFC 8840 fragment). Returns when taken (204). Raises RelayRefused."""
        await asyncio.sleep(0)

    async def close_session(self, session_id: str) -> bool:
        """DELETE. False when there is no such session (any more)."""
        return False
