"""The relay's line to its child: media lives in another process, this file is how one talks to it.

`Relay` starts `python -m seller_console.platform.relay_process`, asks it for
sessions and hears its notes; JSON lines on the child's stdin and stdout. A child
that dies is started again at once (then after 1, 2, 5 s at most); its sessions
are gone, publishers and players come back by themselves.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

import msgspec

from ..contract.words import Struct

log = logging.getLogger(__name__)

ANSWER_WITHIN_S = 5.0
LINE_BYTES = 1 << 20
RETRY_S = (0.0, 1.0, 2.0, 5.0)

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
    """A publisher's first whole frame has arrived. `audio`: it announced sound. `replaced`: it took over a session."""

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


class SessionEnded(_Note, frozen=True, tag="session_ended"):
    """Any session, a viewer's too: its id means nothing any more."""

    session_id: str


class RelayRestarted(_Note, frozen=True, tag="relay_restarted"):
    """The child died and is back: every session is gone."""

    restarts: int


RelayNote = IngestStarted | FrameSeen | IngestEnded | ViewersCounted | RelayStats | SessionEnded | RelayRestarted


def _command(viewers_max: int) -> list[str]:
    return [sys.executable, "-m", "seller_console.platform.relay_process", str(viewers_max)]


class Relay:
    """Asyncio client of the relay process. One per platform. `on_note` runs on the event loop."""

    def __init__(
        self,
        *,
        on_note: Callable[[RelayNote], None] | None = None,
        log_path: Path | None = None,
        viewers_max: int = 100,
    ) -> None:
        self.on_note = on_note
        self.restarts = 0
        self._log_path = log_path
        self._viewers_max = viewers_max
        self._child: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._notes = msgspec.json.Decoder(RelayNote)
        self._up = asyncio.Event()
        self._stopping = False

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child is not None else None

    async def start(self) -> None:
        """Returns when the child answers. Raises OSError when it cannot be started at all."""
        await self._spawn()
        self._keeper = asyncio.create_task(self._keep(), name="relay")
        await self._ask("hello", within_s=20.0)

    async def stop(self) -> None:
        """Closes stdin and waits for the child; kills it after 2 s."""
        self._stopping = True
        child = self._child
        if child is not None and child.returncode is None:
            if child.stdin is not None:
                child.stdin.close()
            try:
                async with asyncio.timeout(2):
                    await child.wait()
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    child.kill()
                await child.wait()
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])

    async def ingest(self, offer_sdp: str) -> Session:
        """WHIP: a publisher's offer. A newer ingest replaces an older one. Raises RelayRefused."""
        return Session(**await self._ask("ingest", sdp=offer_sdp))

    async def view(self, offer_sdp: str) -> Session:
        """WHEP: a viewer's offer; allowed before any ingest. Raises RelayRefused."""
        return Session(**await self._ask("view", sdp=offer_sdp))

    async def patch(self, session_id: str, fragment: str, if_match: str | None = None) -> None:
        """Trickled candidates (RFC 8840 fragment). Returns when taken (204). Raises RelayRefused."""
        await self._ask("patch", session_id=session_id, fragment=fragment, if_match=if_match)

    async def close_session(self, session_id: str) -> bool:
        """DELETE. False when there is no such session (any more)."""
        answer = await self._ask("delete", session_id=session_id)
        return bool(answer["closed"])

    # --- the child ------------------------------------------------------------------------------

    async def _spawn(self) -> None:
        with contextlib.ExitStack() as opened:
            errors: IO[bytes] | int = asyncio.subprocess.DEVNULL
            if self._log_path is not None:
                errors = opened.enter_context(self._log_path.open("ab"))
            self._child = await asyncio.create_subprocess_exec(
                *_command(self._viewers_max),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                limit=LINE_BYTES,
                start_new_session=True,  # Ctrl-C is the platform's to handle; the end of stdin ends the child
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
        log.info("relay_started pid=%s", self._child.pid)
        self._up.set()

    async def _keep(self) -> None:
        """Reads the child; when it dies, starts another."""
        failures = 0
        while True:
            child = self._child
            if child is None or child.stdout is None:
                return
            while line := await child.stdout.readline():
                failures = 0
                self._heard(line)
            await child.wait()
            self._up.clear()
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.set_exception(RelayRefused("unavailable", "the relay ended"))
            if self._stopping:
                return
            self.restarts += 1
            log.warning("relay_died code=%s restarts=%s", child.returncode, self.restarts)
            while True:
                await asyncio.sleep(RETRY_S[min(failures, len(RETRY_S) - 1)])
                failures += 1
                try:
                    await self._spawn()
                except OSError as trouble:
                    log.warning("relay_not_started why=%s", trouble)
                    continue
                break
            if self.on_note is not None:
                self.on_note(RelayRestarted(restarts=self.restarts))

    def _heard(self, line: bytes) -> None:
        if line.startswith(b'{"note"'):
            if self.on_note is not None:
                self.on_note(self._notes.decode(line))
            return
        words = json.loads(line)
        waiting = self._waiting.get(words["id"])
        if waiting is None or waiting.done():
            return
        if "error" in words:
            waiting.set_exception(RelayRefused(words["error"], words.get("detail", "")))
        else:
            waiting.set_result(words["ok"])

    async def _ask(self, do: str, *, within_s: float = ANSWER_WITHIN_S, **words: Any) -> Any:
        if self._stopping:
            raise RelayRefused("unavailable", "stopping")
        identity = next(self._ids)
        waiting: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[identity] = waiting
        try:
            async with asyncio.timeout(within_s):
                await self._up.wait()
                child = self._child
                if child is None or child.stdin is None:
                    raise RelayRefused("unavailable", "not started")
                child.stdin.write(json.dumps({"id": identity, "do": do, **words}).encode() + b"\n")
                await child.stdin.drain()
                return await waiting
        except (TimeoutError, ConnectionError) as trouble:
            raise RelayRefused("unavailable", type(trouble).__name__) from trouble
        finally:
            del self._waiting[identity]
            waiting.cancel()
