"""The relay itself, a process of its own: media must not share the bids' event loop.

One JSON object a line. In: {"id", "do", ...}; out: {"id", "ok": {...}} or {"id",
"error", "detail"}, and notes without an id (see relay.py). The end of stdin ends the
process, so it dies with the platform. Queue of notes to the platform: 1,000, then
notes are dropped (answers never are, nor which session ended).
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import logging
import queue
import secrets
import sys
import threading
import time
from typing import Any

import msgspec
import psutil

from ..rtc.keyframes import KeyframeGate
from ..rtc.peer import seams
from ..rtc.wire import Rtp, SenderReport
from .files import raise_file_limit
from .relay import (
    FrameSeen,
    IngestEnded,
    IngestStarted,
    RelayNote,
    RelayRefused,
    RelayStats,
    SessionEnded,
    ViewersCounted,
)
from .relay_forward import Kind, Programme
from .relay_sessions import Ingest, Viewer, read_offer

log = logging.getLogger(__name__)

TICK_S = 0.02
FRAME_NOTE_S = 0.2


class Switch:
    """Publishers on one side, viewers on the other, one programme between them."""

    def __init__(
        self, note: Any, viewers_max: int, *, ts_origin: int | None = None, first_seq: int | None = None
    ) -> None:
        """`ts_origin`, `first_seq`: where viewers' numbers start, for those who want to see them wrap."""
        self._note = note
        self._viewers_max = viewers_max
        self._ts_origin, self._first_seq = ts_origin, first_seq
        self.programme = Programme(time.monotonic())
        self._gate = KeyframeGate()
        self._ingests: dict[str, Ingest] = {}
        self._on: Ingest | None = None
        self._on_epoch = 0
        self._viewers: dict[str, Viewer] = {}
        self._coming = 0
        """Viewers whose offer is being answered: they have their place already."""
        self._watching: tuple[Viewer, ...] = ()
        self._counted = -1
        self._frames_noted_at_s = 0.0
        self._stats_at_s = time.monotonic()
        self._stats_before = (0, 0, 0)
        self._codec, self._profile = "", ""
        self._cut = 0
        self._closing: set[asyncio.Task[None]] = set()
        self._me = psutil.Process()
        self._me.cpu_percent()

    # --- sessions -----------------------------------------------------------------------------

    async def ingest(self, offer_sdp: str) -> dict[str, str]:
        ingest = Ingest(
            secrets.token_urlsafe(18),
            read_offer(offer_sdp),
            on_packet=self._packet,
            on_report=self._report,
            on_gone=self._ingest_gone,
        )
        try:
            answer = await ingest.answer()
        except OSError:
            self._close(ingest, "no_socket")
            raise
        self._ingests[ingest.session_id] = ingest
        log.info("ingest_opened session=%s codec=%s", ingest.session_id[:6], ingest.codec)
        return {"session_id": ingest.session_id, "answer_sdp": answer, "etag": ingest.etag}

    async def view(self, offer_sdp: str) -> dict[str, str]:
        if len(self._viewers) + self._coming >= self._viewers_max:
            raise RelayRefused("full")
        viewer = Viewer(
            secrets.token_urlsafe(18),
            read_offer(offer_sdp),
            only_codec=self._codec,
            like_profile=self._profile,
            on_keyframe_wanted=self._want_keyframe,
            on_gone=self._viewer_gone,
            ts_origin=self._ts_origin,
            first_seq=self._first_seq,
        )
        self._coming += 1
        try:
            answer = await viewer.answer()
        except OSError:
            self._close(viewer, "no_socket")
            raise
        finally:
            self._coming -= 1
        if viewer.gone:
            raise RelayRefused("unavailable", "gone before its answer")
        self._viewers[viewer.session_id] = viewer
        self._watching = tuple(self._viewers.values())
        return {"session_id": viewer.session_id, "answer_sdp": answer, "etag": viewer.etag}

    async def patch(self, session_id: str, fragment: str, if_match: str | None) -> dict[str, str]:
        session = self._session(session_id)
        if if_match == "*":
            raise RelayRefused("ice_restart")
        if if_match is not None and if_match != session.etag:
            raise RelayRefused("etag_mismatch")
        for line in fragment.replace("\r\n", "\n").split("\n"):
            name, _, value = line.strip().partition(":")
            if name == "a=ice-ufrag" and value != session.remote_ufrag:
                raise RelayRefused("ice_restart")
            if name == "a=candidate":
                try:
                    await session.peer.add_candidate(value)
                except ValueError as unreadable:
                    raise RelayRefused("bad_fragment", str(unreadable)) from unreadable
        return {}

    def delete(self, session_id: str) -> dict[str, bool]:
        if session_id in self._ingests:
            self._ingest_gone(self._ingests[session_id], "deleted")
        elif session_id in self._viewers:
            self._viewer_gone(self._viewers[session_id], "deleted")
        else:
            return {"closed": False}
        return {"closed": True}

    def _session(self, session_id: str) -> Ingest | Viewer:
        session = self._ingests.get(session_id) or self._viewers.get(session_id)
        if session is None:
            raise RelayRefused("no_session")
        return session

    def _close(self, session: Ingest | Viewer, reason: str) -> None:
        session.gone = True
        self._note(SessionEnded(session_id=session.session_id))
        task = asyncio.create_task(session.peer.close(reason))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def _ingest_gone(self, ingest: Ingest, reason: str) -> None:
        if self._ingests.pop(ingest.session_id, None) is None:
            return
        log.info("ingest_ended session=%s reason=%s", ingest.session_id[:6], reason)
        if ingest is self._on:
            self._on = None
        if ingest.announced:
            self._note(IngestEnded(session_id=ingest.session_id, reason=reason))
        self._close(ingest, reason)

    def _viewer_gone(self, viewer: Viewer, reason: str) -> None:
        if self._viewers.pop(viewer.session_id, None) is None:
            return
        self._watching = tuple(self._viewers.values())
        self._cut += reason == "too_slow"
        log.info("viewer_left session=%s reason=%s", viewer.session_id[:6], reason)
        self._close(viewer, reason)

    # --- media ----------------------------------------------------------------------------------

    def _want_keyframe(self) -> None:
        self._gate.want()
        self._ask_if_due(time.monotonic())

    def _ask_if_due(self, now_s: float) -> None:
        if self._on is not None and self._gate.due(now_s):
            self._on.ask_keyframe()

    def _packet(self, ingest: Ingest, kind: Kind, codec: str, packet: Rtp, seq: int, now_s: float) -> None:
        if ingest is not self._on:
            if self._on is not None and kind == "audio":
                return  # the newer takes over with its first picture
            self._take_over(ingest)
        elif ingest.epoch != self._on_epoch:
            self._on_epoch = ingest.epoch
            self.programme.begin()
            self._gate.want()
        piece = self.programme.place(kind, codec, seq, packet.ts, packet.marker, packet.payload, now_s)
        for viewer in self._watching:
            try:
                viewer.forward(piece, now_s)
            except Exception:  # one viewer's bug is not everybody's
                log.exception("viewer_broke session=%s", viewer.session_id[:6])
                self._viewer_gone(viewer, "broken")
        if kind == "video":
            if piece.start:
                ingest.seen_start = True
                self._gate.came()
            if packet.marker and ingest.seen_start:
                self._frame(ingest, now_s)
            elif not ingest.seen_start:
                self._gate.want()
                self._ask_if_due(now_s)

    def _take_over(self, ingest: Ingest) -> None:
        replaced, self._on = self._on, ingest
        self._on_epoch = ingest.epoch
        ingest.replaced_another = replaced is not None
        self._codec, self._profile = ingest.codec, ingest.profile
        self.programme.begin()
        if replaced is not None:
            self._ingest_gone(replaced, "replaced")

    def _frame(self, ingest: Ingest, now_s: float) -> None:
        if not ingest.announced:
            ingest.announced = True
            self._note(
                IngestStarted(
                    session_id=ingest.session_id,
                    video_codec=ingest.codec,
                    audio=ingest.has_audio,
                    replaced=ingest.replaced_another,
                )
            )
        if now_s - self._frames_noted_at_s >= FRAME_NOTE_S:
            self._frames_noted_at_s = now_s
            self._note(FrameSeen(session_id=ingest.session_id, frames=ingest.frames))

    def _report(self, ingest: Ingest, kind: Kind, report: SenderReport, now_s: float) -> None:
        if ingest is self._on:
            self.programme.heard_report(kind, report, now_s)

    # --- time -----------------------------------------------------------------------------------

    async def run(self) -> None:
        """Ticks until cancelled."""
        while True:
            now_s = time.monotonic()
            for ingest in tuple(self._ingests.values()):
                if ingest.tick(now_s) and ingest is self._on:
                    self._gate.want()
            self._ask_if_due(now_s)
            for viewer in self._watching:
                viewer.tick(now_s, self.programme)
            if now_s - self._stats_at_s >= 1.0:
                self._count(now_s)
            await asyncio.sleep(TICK_S)

    def _count(self, now_s: float) -> None:
        span_s = now_s - self._stats_at_s
        self._stats_at_s = now_s
        viewers = sum(viewer.watching for viewer in self._watching)
        if viewers != self._counted:
            self._counted = viewers
            self._note(ViewersCounted(viewers=viewers))
        on = self._on
        totals = (on.frames, on.video_octets, on.audio_octets) if on else (0, 0, 0)
        frames, video, audio = (max(0, total - prior) for total, prior in zip(totals, self._stats_before, strict=True))
        self._stats_before = totals
        cpu, rss = self._cost()
        self._note(
            RelayStats(
                ingest=on is not None,
                fps=round(frames / span_s, 1),
                video_bps=int(video * 8 / span_s),
                audio_bps=int(audio * 8 / span_s),
                viewers=viewers,
                loss=round(on.loss(), 4) if on else 0.0,
                cut=self._cut,
                cpu=round(cpu, 3),
                rss_mb=round(rss, 1),
            )
        )

    def _cost(self) -> tuple[float, float]:
        """(cores, MB); what the system will not tell (no file left to read it from) is 0."""
        try:
            with self._me.oneshot():
                return self._me.cpu_percent() / 100, self._me.memory_info().rss / 1e6
        except (OSError, psutil.Error) as trouble:
            log.warning("cost_unknown why=%s", trouble)
            return 0.0, 0.0

    async def close(self) -> None:
        for ingest in tuple(self._ingests.values()):
            self._ingest_gone(ingest, "deleted")
        for viewer in tuple(self._viewers.values()):
            self._viewer_gone(viewer, "deleted")
        if self._closing:
            await asyncio.wait(self._closing, timeout=1.0)


# --- the line to the platform ------------------------------------------------------------------------


class _Out:
    """Lines to stdout by a thread of their own, so that a slow reader never holds up media."""

    def __init__(self) -> None:
        self._lines: queue.Queue[bytes | None] = queue.Queue()
        self._thread = threading.Thread(target=self._write, name="relay-out", daemon=True)
        self._thread.start()

    def note(self, note: RelayNote) -> None:
        if self._lines.qsize() < 1_000 or isinstance(note, SessionEnded):
            self._lines.put(msgspec.json.encode(note) + b"\n")

    def answer(self, words: dict[str, Any]) -> None:
        self._lines.put(json.dumps(words).encode() + b"\n")

    def _write(self) -> None:
        while (line := self._lines.get()) is not None:
            try:
                sys.stdout.buffer.write(line)
                sys.stdout.buffer.flush()
            except (BrokenPipeError, ValueError):
                return  # the platform is gone; stdin says so too

    def finish(self) -> None:
        self._lines.put(None)
        self._thread.join(1.0)


async def _obey(switch: Switch, out: _Out, line: bytes) -> None:
    asked = json.loads(line)
    words: dict[str, Any] = {"id": asked["id"]}
    try:
        match asked["do"]:
            case "ingest":
                words["ok"] = await switch.ingest(asked["sdp"])
            case "view":
                words["ok"] = await switch.view(asked["sdp"])
            case "patch":
                words["ok"] = await switch.patch(asked["session_id"], asked["fragment"], asked.get("if_match"))
            case "delete":
                words["ok"] = switch.delete(asked["session_id"])
            case "hello":
                words["ok"] = {"seams": seams()}
            case other:
                words |= {"error": "bad_offer", "detail": f"unknown request {other}"}
    except RelayRefused as refused:
        words |= {"error": refused.code, "detail": refused.detail}
    except OSError as trouble:
        words |= {"error": "unavailable", "detail": str(trouble)}
    except Exception as bug:  # one hostile offer is not everybody's
        log.exception("request_broke do=%s", asked["do"])
        words |= {"error": "bad_offer", "detail": type(bug).__name__}
    out.answer(words)


async def _serve(viewers_max: int) -> None:
    loop = asyncio.get_running_loop()
    out = _Out()
    switch = Switch(out.note, viewers_max)
    lines: asyncio.Queue[bytes] = asyncio.Queue()

    def read() -> None:
        for line in sys.stdin.buffer:
            loop.call_soon_threadsafe(lines.put_nowait, line)
        with contextlib.suppress(RuntimeError):  # the loop has ended already
            loop.call_soon_threadsafe(lines.put_nowait, b"")

    threading.Thread(target=read, name="relay-in", daemon=True).start()
    async with asyncio.TaskGroup() as tasks:
        ticking = tasks.create_task(switch.run())
        while line := await lines.get():
            tasks.create_task(_obey(switch, out, line))
        await switch.close()
        ticking.cancel()
    out.finish()


def main(argv: list[str]) -> int:
    viewers_max = int(argv[0]) if argv else 100
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("aioice").setLevel(logging.WARNING)
    raise_file_limit()
    gc.freeze()
    if sys.platform == "win32":
        asyncio.run(_serve(viewers_max))
    else:
        import uvloop

        uvloop.run(_serve(viewers_max))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
