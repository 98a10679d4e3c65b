"""How the programme leaves the house: WHIP (RFC 9725), our own RTP, and coming back after every failure.

`Publisher` takes encoded access units and Opus packets and keeps one WHIP session
alive: first retry at once, then after 0.5, 1, 2, 5, 5 ... s; `retry_now()` skips the
wait. Its own watchdog ends a session when nothing has been heard of the far side for
3 s (no feedback, no STUN answer), long before ICE would. Nothing but `stop` ends the
trying. Queue of 8 video packets; full: drop all until the next IDR and ask for one.
Keyframes: the relay of our own platform asks for them (and rations its viewers); any other
door gets one every 2 s, and what it asks beyond that is rationed here.

Reasons (AirChanged.reason): "unreachable" (no answer, or media cannot pass),
"refused" (the server said no), "lost" (was on air). `detail` is stable too:
wrong_pass, not_found, busy, other_show, show_ended, too_often, offer_rejected, redirect_loop,
server_error, bad_answer, no_connection, bad_proxy, timeout, tls, media_blocked, handshake,
silence, goodbye, broken, bad_url. (tests/ui/test_codes.py: a screen has words for each.)
"""

from __future__ import annotations

import asyncio
import logging
import math
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import av

from ..contract.media import AirChanged, AirState
from ..rtc.keyframes import KeyframeGate
from ..rtc.payload import Codec, is_key
from ..rtc.peer import PeerState
from ..rtc.proof import broken_seams
from ..rtc.sending import Delivery, Sending, new_lines
from ..rtc.stock import StockSending
from .uplink import Fate, Uplink
from .whip import Failed, Opened, close_session, open_session

log = logging.getLogger(__name__)

QUEUE_PACKETS = 8
RETRY_S = (0.0, 0.5, 1.0, 2.0, 5.0)
STEADY_S = 5.0
"""On air this long, the next failure counts as a first one."""
SILENCE_S = 3.0
KEYFRAME_EVERY_S = 2.0
"""To a door that is not our relay: such services cut their segments there, and ask for none."""
TARGET_STEP = 0.03
RETURN_BPS = 600_000
"""A session that comes back starts at the last estimate, but not below this."""
TICK_S = 0.1


@dataclass(frozen=True)
class PublishStats:
    """Counters are totals since the Publisher was made; *_bps of the last second."""

    sent_frames: int = 0
    dropped_frames: int = 0
    video_bps: int = 0
    audio_bps: int = 0
    target_bps: int = 0
    rtt_ms: float = -1.0
    loss: float = 0.0
    nacks: int = 0
    plis: int = 0
    sessions: int = 0
    """How many times a session was opened; 1 = never had to come back."""


class Publisher:
    """All methods but send_* belong to the event loop; send_* may be called from any thread.

    Packets: `packet.pts` and `packet.time_base` on the one media clock (same zero for
    video and audio). H.264 in Annex B, IDRs with SPS/PPS in band, or VP8; Opus, one packet a frame.
    Before `start` and while reconnecting, packets are dropped (counted).
    Callbacks run on the event loop.
    """

    def __init__(
        self,
        *,
        on_air: Callable[[AirChanged], None],
        on_keyframe_wanted: Callable[[], None],
        on_target_bps: Callable[[int], None] | None = None,
        codec: Codec = "H264",
        min_bps: int = 150_000,
        start_bps: int = 2_500_000,
        max_bps: int = 2_500_000,
        further: bool = False,
    ) -> None:
        """`on_target_bps`: what the video encoder should aim at; called when it moves by more than 3 %.

        `further`: a door beside the programme's own, whose keyframes everybody's picture pays for.
        """
        self._on_air, self._on_keyframe_wanted, self._on_target_bps = on_air, on_keyframe_wanted, on_target_bps
        self._codec: Codec = codec
        self._bounds = (min_bps, start_bps, max_bps)
        self._uplink = Uplink(min_bps=min_bps, start_bps=start_bps, max_bps=max_bps)
        self._told_bps = 0
        self._lines = new_lines(secrets.token_hex(8))
        self._wall_zero_s: float | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._url = self._token = ""
        self._inbox: deque[tuple[bytes, int, bool]] = deque()
        self._inbox_lock = threading.Lock()
        self._inbox_lost = False
        self._inbox_dropped = 0
        self._need_idr = True
        self._further = further
        self._gate = KeyframeGate()
        self._keyframe_at_s = self._regular_at_s = 0.0
        self._sending: Sending | StockSending | None = None
        self._ended: asyncio.Future[str] | None = None
        self._hurry = asyncio.Event()
        self._state: AirState = "off"
        self._sessions = self._dropped = 0
        self.broken_seams: tuple[str, ...] | None = None
        """What of our way into aiortc does not hold (stock aiortc is used then); None: not tried yet."""
        self._totals = [0, 0, 0, 0, 0]  # frames, video bytes, audio bytes, nacks, plis of ended sessions
        self._rates = (0.0, 0, 0, 0, 0)  # since, video bytes, audio bytes, video bps, audio bps

    # --- going on and off air -------------------------------------------------------------------

    def start(self, url: str, token: str = "") -> None:
        """Begin publishing. Calling it again with another URL moves there."""
        self._loop = asyncio.get_running_loop()
        if self._task is not None and not self._task.done():
            if (url, token) == (self._url, self._token):
                return
            self._url, self._token = url, token
            self._end_session("moved")
            self._hurry.set()
            return
        self._url, self._token = url, token
        self._task = self._loop.create_task(self._stay_on_air(), name="publisher")

    async def stop(self) -> None:
        """Leave the air: DELETE, then close. Returns within 2 s whatever the network does."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task], timeout=2.0)
        self._tell("off")

    def retry_now(self) -> None:
        """Skip the wait before the next attempt; on air: nothing."""
        self._hurry.set()

    def set_bounds(self, *, min_bps: int, max_bps: int) -> None:
        """The range the uplink estimate may move in (encoder's, audio excluded)."""
        self._bounds = (min_bps, max_bps, max_bps)
        self._uplink.set_bounds(min_bps, max_bps)
        self._retarget()

    def _tell(self, state: AirState, reason: str = "", detail: str = "", attempt: int = 0, next_s: float = 0.0) -> None:
        if state == self._state == "off":
            return
        self._state = state
        self._on_air(
            AirChanged(
                state=state, reason=reason, detail=detail, attempt=attempt,
                next_try_ms=int(next_s * 1000), url=self._url,
            )
        )  # fmt: skip

    async def _stay_on_air(self) -> None:
        failures = 0
        was_on_air = False
        self._tell("connecting")
        while True:
            self._hurry.clear()
            if failures and not was_on_air:
                self._tell("connecting", attempt=failures)
            since_s = time.monotonic()
            failed = await self._attempt()
            if self._state == "on_air":
                was_on_air = True
                if time.monotonic() - since_s > STEADY_S:
                    failures = 0
            wait_s = max(RETRY_S[min(failures, len(RETRY_S) - 1)], failed.wait_s)
            failures += 1
            log.info("air_lost reason=%s detail=%s next_s=%s", failed.reason, failed.detail, wait_s)
            if failed.detail != "moved":
                state: AirState = "reconnecting" if was_on_air else "connecting"
                self._tell(state, failed.reason, failed.detail, failures, wait_s)
            try:
                async with asyncio.timeout(wait_s):
                    await self._hurry.wait()
            except TimeoutError:
                pass

    async def _attempt(self) -> Failed:
        """One session, and why it is over: whatever it was, the next attempt follows."""
        try:
            if self.broken_seams is None:
                self.broken_seams = await broken_seams()
                if self.broken_seams:
                    log.warning("aiortc_seams broken=%s", ", ".join(self.broken_seams))
            await self._session()
            return Failed("lost", "moved")
        except Failed as failed:
            return failed
        except OSError as trouble:  # no socket, no network card
            log.info("air_no_socket error=%s", type(trouble).__name__)
            return Failed("unreachable", "no_connection")
        except Exception:  # a bug of ours ends this session, not the broadcast
            log.exception("air_broke")
            return Failed("unreachable", "broken")

    async def _session(self) -> None:
        """One WHIP session from POST to its end. Raises Failed."""
        url, token = self._url, self._token
        self._ended = asyncio.get_running_loop().create_future()
        make = StockSending if self.broken_seams else Sending
        sending = make(
            self._lines,
            wall_zero_s=self._wall_zero_s or 0.0,
            codec=self._codec,
            on_state=self._peer_changed,
            on_keyframe_wanted=self._want_keyframe,
            on_deliveries=self._delivered,
            on_loss=self._lost_some,
            on_remb=self._limited,
            on_overflow=self._overflowed,
        )
        opened: Opened | None = None
        gone = ""
        try:
            opened = await open_session(url, token, await sending.offer())
            self._sending = sending
            min_bps, start_bps, max_bps = self._bounds
            if self._sessions:
                start_bps = max(self._uplink.target_bps, min(start_bps, RETURN_BPS))
            self._uplink = Uplink(min_bps=min_bps, start_bps=start_bps, max_bps=max_bps)
            sending.set_target(self._uplink.target_bps)
            try:
                sending.accept(opened.answer)
            except ValueError as unreadable:
                raise Failed("refused", "bad_answer", 5.0) from unreadable
            self._gate = self._ration(sending)
            self._sessions += 1
            gone = await self._watch(sending, self._ended)
            if gone in ("unreachable", "handshake"):
                raise Failed("unreachable", "media_blocked" if gone == "unreachable" else "handshake")
            if gone != "moved":
                raise Failed("lost", gone)
        finally:
            self._sending = None
            self._need_idr = True
            self._keep_totals(sending)
            await asyncio.shield(self._bury(sending, opened, gone))

    def _ration(self, sending: Sending | StockSending) -> KeyframeGate:
        if self._further:
            return KeyframeGate(at_once=2, every_s=4.0)
        return KeyframeGate() if sending.to_our_relay else KeyframeGate(at_once=3, every_s=2.0)

    async def _watch(self, sending: Sending | StockSending, ended: asyncio.Future[str]) -> str:
        """Until the session ends; says why."""
        while True:
            done, _ = await asyncio.wait([ended], timeout=TICK_S)
            if done:
                return ended.result()
            if sending.peer.state == "connected":
                if time.monotonic() - sending.peer.heard_at_s > SILENCE_S:
                    return "silence"
                self._ask_if_due()
                self._ask_regularly(sending)
                self._measure()

    async def _bury(self, sending: Sending | StockSending, opened: Opened | None, gone: str) -> None:
        """DELETE, then goodbye, each as far as the network allows."""
        try:
            if opened is not None and opened.resource and gone != "goodbye":
                async with asyncio.timeout(1.0):
                    await close_session(opened)
        except TimeoutError:
            log.info("whip_delete_failed why=timeout")
        finally:
            await sending.close()

    def _end_session(self, why: str) -> None:
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(why)

    def _peer_changed(self, state: PeerState) -> None:
        sending = self._sending
        if sending is None:
            return
        if state == "connected":
            self._need_idr = True
            self._gate.want()
            self._ask_if_due()
            self._regular_at_s = time.monotonic()
            self._tell("on_air")
        elif state in ("failed", "closed"):
            self._end_session(sending.peer.reason)

    # --- media ----------------------------------------------------------------------------------

    def send_video(self, packet: av.Packet[Any]) -> None:
        """An access unit of our codec. Thread-safe, never blocks."""
        loop = self._loop
        if loop is None or packet.pts is None or packet.time_base is None:
            self._dropped += 1
            return
        data = bytes(packet)
        key = packet.is_keyframe or is_key(self._codec, data)
        with self._inbox_lock:
            if len(self._inbox) >= QUEUE_PACKETS:
                self._inbox_dropped += len(self._inbox)
                self._inbox.clear()
                self._inbox_lost = True
            self._inbox.append((data, round(packet.pts * packet.time_base * 90_000), key))
        self._call(loop, self._drain)

    def send_audio(self, packet: av.Packet[Any]) -> None:
        """An Opus packet. Thread-safe, never blocks."""
        loop = self._loop
        if loop is None or packet.pts is None or packet.time_base is None:
            return
        data, ts = bytes(packet), round(packet.pts * packet.time_base * 48_000)
        self._call(loop, lambda: self._send_audio(data, ts))

    @staticmethod
    def _call(loop: asyncio.AbstractEventLoop, what: Callable[[], None]) -> None:
        try:
            loop.call_soon_threadsafe(what)
        except RuntimeError:
            log.info("packet_after_the_end")  # the loop has closed; nothing is on air any more

    def _on_the_clock(self, media_s: float) -> None:
        if self._wall_zero_s is None:
            self._wall_zero_s = time.time() - media_s
            if self._sending is not None:
                self._sending.wall_zero_s = self._wall_zero_s

    def _drain(self) -> None:
        with self._inbox_lock:
            waiting = list(self._inbox)
            self._inbox.clear()
            if self._inbox_lost:
                self._inbox_lost, self._need_idr = False, True
        for data, ts, keyframe in waiting:
            self._on_the_clock(ts / 90_000)
            sending = self._sending
            if sending is None or sending.peer.state != "connected":
                self._dropped += 1
                continue
            if self._need_idr and not keyframe:
                self._dropped += 1
                self._want_keyframe()
                continue
            if keyframe:
                self._need_idr = False
                self._keyframe_at_s = time.monotonic()
                self._gate.came()
            if not sending.send_video(data, ts):
                self._dropped += 1

    def _send_audio(self, data: bytes, ts: int) -> None:
        self._on_the_clock(ts / 48_000)
        sending = self._sending
        if sending is not None and sending.peer.state == "connected":
            sending.send_audio(data, ts)

    def _want_keyframe(self) -> None:
        self._gate.want()
        self._ask_if_due()

    def _ask_if_due(self) -> None:
        if self._gate.due(time.monotonic()):
            self._on_keyframe_wanted()

    def _ask_regularly(self, sending: Sending | StockSending) -> None:
        now_s = time.monotonic()
        if sending.to_our_relay or now_s - max(self._keyframe_at_s, self._regular_at_s) < KEYFRAME_EVERY_S:
            return
        self._regular_at_s = now_s
        self._on_keyframe_wanted()

    def _overflowed(self) -> None:
        self._need_idr = True
        self._want_keyframe()
        self._uplink.penalise()
        self._retarget()

    # --- the uplink ------------------------------------------------------------------------------

    def _delivered(self, deliveries: Sequence[Delivery]) -> None:
        sending = self._sending
        if sending is None:
            return
        rtt_s = sending.rtt_s if sending.rtt_s >= 0 else sending.peer.rtt_s
        if rtt_s >= 0:
            self._uplink.rtt_s = rtt_s
        self._uplink.take((Fate(one.sent_s, one.size, one.arrived_s) for one in deliveries), time.monotonic())
        self._retarget()

    def _lost_some(self, loss: float) -> None:
        self._uplink.take_loss(loss)
        self._retarget()

    def _limited(self, bps: int) -> None:
        self._uplink.take_remb(bps)
        self._retarget()

    def _retarget(self) -> None:
        target = self._uplink.target_bps
        if self._sending is not None:
            self._sending.set_target(target)
        small = abs(target - self._told_bps) < TARGET_STEP * self._told_bps
        at_an_end = target != self._told_bps and target in (self._bounds[0], self._bounds[2])
        if small and not at_an_end:
            return
        self._told_bps = target
        if self._on_target_bps is not None:
            self._on_target_bps(target)

    # --- figures -----------------------------------------------------------------------------------

    def _keep_totals(self, sending: Sending | StockSending) -> None:
        ended = (sending.frames, sending.video_bytes, sending.audio_bytes, sending.nacks, sending.plis)
        self._totals = [total + more for total, more in zip(self._totals, ended, strict=True)]

    def _measure(self) -> None:
        now_s = time.monotonic()
        since_s, video_before, audio_before, _, _ = self._rates
        if now_s - since_s < 1.0:
            return
        _, video, audio, _, _ = self._all()
        span_s = now_s - since_s if since_s else math.inf
        self._rates = (
            now_s, video, audio, int((video - video_before) * 8 / span_s), int((audio - audio_before) * 8 / span_s),
        )  # fmt: skip

    def _all(self) -> tuple[int, int, int, int, int]:
        sending = self._sending
        live = (0, 0, 0, 0, 0)
        if sending is not None:
            live = (sending.frames, sending.video_bytes, sending.audio_bytes, sending.nacks, sending.plis)
        frames, video, audio, nacks, plis = (a + b for a, b in zip(self._totals, live, strict=True))
        return frames, video, audio, nacks, plis

    def stats(self) -> PublishStats:
        sending = self._sending
        on_air = sending is not None and sending.peer.state == "connected"
        frames, _, _, nacks, plis = self._all()
        rtt_s = -1.0
        if sending is not None:
            rtt_s = sending.rtt_s if sending.rtt_s >= 0 else sending.peer.rtt_s
        return PublishStats(
            sent_frames=frames,
            dropped_frames=self._dropped + self._inbox_dropped,
            video_bps=self._rates[3] if on_air else 0,
            audio_bps=self._rates[4] if on_air else 0,
            target_bps=self._uplink.target_bps,
            rtt_ms=rtt_s * 1000 if rtt_s >= 0 else -1.0,
            loss=sending.loss if sending is not None else 0.0,
            nacks=nacks,
            plis=plis,
            sessions=self._sessions,
        )
