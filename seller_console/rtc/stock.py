"""Stock aiortc as the way out when our seams are broken: worse, but on air.

The same surface as sending.Sending. What is lost: transport-wide feedback, pacing,
keyframes on request (one is asked every 2 s instead), numbers that go on after a
reconnection, 127.0.0.1. Queue: 8 packets a line; full: dropped until the next keyframe.
"""

from __future__ import annotations

import asyncio
import fractions
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

import av
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError

from .payload import Codec
from .peer import PeerState
from .sending import Delivery, Lines

log = logging.getLogger(__name__)

QUEUE_PACKETS = 8
KEYFRAME_EVERY_S = 2.0
LOOK_S = 0.5


class _Track(MediaStreamTrack):
    """Encoded packets, as RTCRtpSender accepts them instead of frames."""

    def __init__(self, kind: str, clock: int) -> None:
        super().__init__()
        self.kind = kind
        self._base = fractions.Fraction(1, clock)
        self._packets: asyncio.Queue[av.Packet[Any]] = asyncio.Queue(QUEUE_PACKETS)

    def put(self, data: bytes, ts: int) -> bool:
        packet: av.Packet[Any] = av.Packet(data)
        packet.pts, packet.time_base = ts, self._base
        try:
            self._packets.put_nowait(packet)
        except asyncio.QueueFull:
            while not self._packets.empty():
                self._packets.get_nowait()
            return False
        return True

    async def recv(self) -> Any:
        if self.readyState != "live":
            raise MediaStreamError
        return await self._packets.get()


class StockPeer:
    """What the publisher reads of a transport."""

    def __init__(self) -> None:
        self.state: PeerState = "new"
        self.reason = ""
        self.heard_at_s = time.monotonic()
        self.rtt_s = -1.0


class StockSending:
    """See Sending; parameters that stock aiortc has no use for are accepted and ignored."""

    def __init__(
        self,
        lines: Lines,
        *,
        wall_zero_s: float,
        codec: Codec = "H264",
        profile: str = "42e01f",
        on_state: Callable[[PeerState], None],
        on_keyframe_wanted: Callable[[], None],
        on_deliveries: Callable[[Sequence[Delivery]], None],
        on_loss: Callable[[float], None],
        on_remb: Callable[[int], None],
        on_overflow: Callable[[], None],
    ) -> None:
        self.nacks = self.plis = 0
        self.loss = 0.0
        self.rtt_s = -1.0
        self.frames = self.video_bytes = self.audio_bytes = 0
        self.wall_zero_s = wall_zero_s
        self.to_our_relay = False
        self.peer = StockPeer()
        self._on_state, self._on_loss, self._on_overflow = on_state, on_loss, on_overflow
        self._on_keyframe_wanted = on_keyframe_wanted
        self._codec: Codec = codec
        self._profile = profile
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._connection.on("connectionstatechange", self._changed)
        self._video, self._audio = _Track("video", 90_000), _Track("audio", 48_000)
        self._looking: asyncio.Task[None] | None = None
        self._reported: Any = None

    async def offer(self) -> str:
        video = self._connection.addTransceiver(self._video, direction="sendonly")
        ours = [
            codec
            for codec in RTCRtpSender.getCapabilities("video").codecs
            if codec.mimeType in ("video/rtx", f"video/{self._codec}")
            and (codec.mimeType != "video/H264" or codec.parameters.get("profile-level-id") == self._profile)
        ]
        video.setCodecPreferences(ours)
        audio = self._connection.addTransceiver(self._audio, direction="sendonly")
        opus = [codec for codec in RTCRtpSender.getCapabilities("audio").codecs if codec.mimeType == "audio/opus"]
        audio.setCodecPreferences(opus)
        await self._connection.setLocalDescription(await self._connection.createOffer())
        return self._connection.localDescription.sdp

    def accept(self, answer: str) -> None:
        if not answer.startswith("v=0"):
            raise ValueError("not a session description")
        self._looking = asyncio.create_task(self._live(answer), name="stock-sending")

    async def _live(self, answer: str) -> None:
        try:
            await self._connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        except Exception as unreadable:
            # aiortc raises whatever its parser stumbles on; here every one of them means the same
            log.info("answer_unreadable error=%s", type(unreadable).__name__)
            self.peer.reason = "bad_answer"
            self._set("failed")
            return
        asked_at_s = 0.0
        while True:
            now_s = time.monotonic()
            if self.peer.state == "connected":
                await self._look(now_s)
                if now_s - asked_at_s >= KEYFRAME_EVERY_S:
                    asked_at_s = now_s
                    self._on_keyframe_wanted()
            await asyncio.sleep(LOOK_S)

    async def _look(self, now_s: float) -> None:
        report = await self._connection.getStats()
        for stats in report.values():
            if stats.type != "remote-inbound-rtp" or stats.kind != "video":
                continue
            if stats.timestamp != self._reported:
                self._reported = stats.timestamp
                self.peer.heard_at_s = now_s
                self.loss = stats.fractionLost / 256
                if stats.roundTripTime:
                    self.rtt_s = self.peer.rtt_s = stats.roundTripTime
                self._on_loss(self.loss)

    def _changed(self) -> None:
        state = self._connection.connectionState
        if state == "connected":
            self.peer.heard_at_s = time.monotonic() + 5.0  # its first report may take this long
            self._set("connected")
        elif state == "failed":
            self.peer.reason = "unreachable" if self.peer.state == "connecting" else "silence"
            self._set("failed")
        elif state == "closed":
            self.peer.reason = "goodbye"
            self._set("closed")
        elif state == "connecting":
            self._set("connecting")

    def _set(self, state: PeerState) -> None:
        if self.peer.state != state and self.peer.state not in ("failed", "closed"):
            self.peer.state = state
            self._on_state(state)

    def set_target(self, bps: float) -> None:
        """Stock aiortc has no pacer."""

    def send_video(self, access_unit: bytes, ts: int) -> bool:
        if not self._video.put(access_unit, ts):
            self._on_overflow()
            return False
        self.frames += 1
        self.video_bytes += len(access_unit)
        return True

    def send_audio(self, packet: bytes, ts: int) -> None:
        if self._audio.put(packet, ts):
            self.audio_bytes += len(packet)

    async def close(self, reason: str = "asked") -> None:
        self._set("closed")
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait([self._looking])
        await self._connection.close()
