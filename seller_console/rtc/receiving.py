"""One incoming playback connection: our offer, and whole access units out.

A frame is released when its last packet (the marker) is in, not when the next one
begins: that saves a frame period. Frames come in order; one that cannot be completed
within a second is given up, a keyframe asked, and nothing released until it is there.
Queue: 4,096 packets waiting for a hole to fill; full: as if given up.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from . import sdp
from .inbound import Inbound
from .keyframes import KeyframeGate
from .payload import is_key, starts_picture, unpack
from .peer import Peer, PeerState
from .wire import (
    TIMESTAMP,
    Rtp,
    SenderReport,
    Unwrapper,
    build_nack,
    build_pli,
    build_rr,
    parse_rtcp,
)

TICK_S = 0.02
HELD_PACKETS = 4_096


@dataclass(frozen=True, slots=True)
class Received:
    """An access unit (Annex B or VP8 frame) or an Opus packet."""

    kind: str
    codec: str
    data: bytes
    ts: int
    """Unwrapped, in the line's clock."""
    arrived_s: float
    """Monotonic, when its last packet came."""
    keyframe: bool


class Assembler:
    """Packets in any order -> whole frames in order. Pure."""

    def __init__(self, codec: str) -> None:
        self.codec = codec
        self.waiting = True
        self.given_up = 0
        self._held: dict[int, tuple[int, int, bytes]] = {}
        self._next: int | None = None
        self._scan: int | None = None
        self._sps = False
        self._unwrap = Unwrapper(TIMESTAMP)

    def add(self, seq: int, packet: Rtp, arrived_s: float) -> list[Received]:
        if self.codec == "H264" and not self._sps:
            self._sps = starts_picture("H264", packet.payload, True)
        if self._next is not None and seq < self._next:
            return []
        self._held[seq] = (packet.ts, packet.marker, packet.payload)
        if self.waiting and not self._begin():
            if len(self._held) > HELD_PACKETS:
                self._held.clear()
            return []
        if len(self._held) > HELD_PACKETS:
            self.give_up()
            return []
        return self._release(arrived_s)

    def give_up(self) -> None:
        """The hole will not fill: wait for a keyframe."""
        self.waiting = True
        self.given_up += 1
        self._scan = None
        if self._next is not None:
            later = [seq for seq in self._held if seq > (self._next or 0)]
            self._held = {seq: self._held[seq] for seq in later}

    def _begin(self) -> bool:
        starts = [seq for seq in sorted(self._held) if starts_picture(self.codec, self._held[seq][2], self._sps)]
        if not starts:
            return False
        self._next = self._scan = starts[0]
        self._held = {seq: one for seq, one in self._held.items() if seq >= starts[0]}
        self.waiting = False
        return True

    def _release(self, arrived_s: float) -> list[Received]:
        out: list[Received] = []
        while self._next is not None:
            at = self._scan if self._scan is not None else self._next
            while at in self._held and not self._held[at][1]:
                at += 1
            self._scan = at
            if at not in self._held:
                return out
            parts = [self._held.pop(seq) for seq in range(self._next, at + 1)]
            self._next = self._scan = at + 1
            try:
                data = b"".join(unpack(self.codec, payload) for _, _, payload in parts if payload)
            except ValueError:
                self.give_up()
                return out
            keyframe = is_key(self.codec, data)
            ts = self._unwrap(parts[-1][0])
            if data:
                out.append(Received("video", self.codec, data, ts, arrived_s, keyframe))
        return out


class Receiving:
    """Make it, send `offer()`, hear `accept(answer)`; then `on_received` until it ends."""

    def __init__(self, *, on_received: Callable[[Received], None], on_state: Callable[[PeerState], None]) -> None:
        self._on_received, self._on_state = on_received, on_state
        self.peer = Peer(controlling=True, on_rtp=self._rtp, on_rtcp=self._rtcp, on_state=self._changed)
        self.packets_lost = self.plis = 0
        self._ssrc = secrets.randbits(32)
        self._codecs: dict[int, tuple[str, str]] = {}
        self._rtx: dict[int, int] = {}
        self._streams: dict[str, Inbound] = {}
        self._assembler: Assembler | None = None
        self._audio_unwrap = Unwrapper(TIMESTAMP)
        self._gate = KeyframeGate()
        self._reported_at_s = 0.0
        self._ticking: asyncio.Task[None] | None = None
        self.reports: dict[str, SenderReport] = {}

    async def offer(self) -> str:
        await self.peer.gather()
        feedback = ["nack", "nack pli", "ccm fir"]
        profiles = (("42e01f", 102), ("42001f", 104), ("4d001f", 106), ("64001f", 108))
        codecs = [
            sdp.Codec(
                pt, "H264", 90_000, rtx_pt=pt + 1, feedback=list(feedback),
                parameters={"level-asymmetry-allowed": "1", "packetization-mode": "1", "profile-level-id": profile},
            )
            for profile, pt in profiles
        ]  # fmt: skip
        codecs.append(sdp.Codec(96, "VP8", 90_000, rtx_pt=97, feedback=list(feedback)))
        video = sdp.Media("video", mid="0", direction="recvonly", codecs=codecs)
        opus = sdp.Codec(111, "opus", 48_000, 2, {"minptime": "10", "useinbandfec": "1"})
        audio = sdp.Media("audio", mid="1", direction="recvonly", codecs=[opus])
        return sdp.write([video, audio], self.peer.local("actpass"))

    def accept(self, answer: str) -> None:
        """Raises ValueError when the answer is none, or sends nothing."""
        described = sdp.parse(answer)
        live = [media for media in described.media if not media.rejected and media.ufrag and media.fingerprints]
        if not live:
            raise ValueError("nothing is sent")
        for media in live:
            for codec in media.codecs:
                self._codecs[codec.pt] = (media.kind, codec.name.upper())
                if codec.rtx_pt is not None:
                    self._rtx[codec.rtx_pt] = codec.pt
        leader = live[0]
        remote = sdp.Media(
            leader.kind, ufrag=leader.ufrag, pwd=leader.pwd, fingerprints=leader.fingerprints,
            candidates=[candidate for media in live for candidate in media.candidates],
        )  # fmt: skip
        self.peer.connect(remote, dtls_client=leader.setup == "passive")

    def _rtp(self, data: bytes) -> None:
        try:
            packet = Rtp(data)
        except ValueError:
            return
        now_s = time.monotonic()
        repair = packet.pt in self._rtx
        if repair:
            stream = self._streams.get("video")
            if stream is None or len(packet.payload) < 3:
                return
            packet.pt = self._rtx[packet.pt]
            packet.seq = int.from_bytes(packet.payload[:2], "big")
            packet.payload, packet.ssrc = packet.payload[2:], stream.ssrc
        found = self._codecs.get(packet.pt)
        if found is None:
            return
        kind, codec = found
        stream = self._streams.get(kind)
        if stream is None or (stream.ssrc != packet.ssrc and not repair):
            stream = self._streams[kind] = Inbound(packet.ssrc, 90_000 if kind == "video" else 48_000)
            if kind == "video":
                self._assembler = None
        seq = stream.take(packet, now_s, repair=repair)
        if seq is None:
            return
        if kind == "audio":
            ts = self._audio_unwrap(packet.ts)
            self._on_received(Received("audio", "OPUS", packet.payload, ts, now_s, True))
            return
        assembler = self._assembler
        if assembler is None or assembler.codec != codec:
            assembler = self._assembler = Assembler(codec)
        for received in assembler.add(seq, packet, now_s):
            self._on_received(received)
        if assembler.waiting:
            self._gate.want()
        else:
            self._gate.came()

    def _rtcp(self, data: bytes) -> None:
        try:
            packets = parse_rtcp(data)
        except ValueError:
            return
        for packet in packets:
            if isinstance(packet, SenderReport):
                for kind, stream in self._streams.items():
                    if stream.ssrc == packet.ssrc:
                        stream.heard_report(packet.ntp, time.monotonic())
                        self.reports[kind] = packet

    def ask_keyframe(self) -> None:
        self._gate.want()

    async def _tick(self) -> None:
        while True:
            now_s = time.monotonic()
            rtt_s = self.peer.rtt_s if self.peer.rtt_s > 0 else 0.05
            video = self._streams.get("video")
            for stream in self._streams.values():
                due = stream.nacks_due(now_s, rtt_s)
                if stream is not video:
                    continue
                if due:
                    self.peer.send_rtcp(build_nack(self._ssrc, stream.ssrc, due))
                if stream.gave_up() and self._assembler is not None and not self._assembler.waiting:
                    self._assembler.give_up()
                    self._gate.want()
            if video is not None and self._gate.due(now_s):
                self.plis += 1
                self.peer.send_rtcp(build_pli(self._ssrc, video.ssrc))
            if now_s - self._reported_at_s >= 1.0 and self._streams:
                self._reported_at_s = now_s
                blocks = [stream.report(now_s) for stream in self._streams.values()]
                self.packets_lost = sum(max(0, block.lost) for block in blocks)
                self.peer.send_rtcp(build_rr(self._ssrc, blocks))
            await asyncio.sleep(TICK_S)

    def _changed(self, state: PeerState) -> None:
        if state == "connected":
            self._ticking = asyncio.create_task(self._tick(), name="receiving")
        elif state in ("failed", "closed") and self._ticking is not None:
            self._ticking.cancel()
        self._on_state(state)

    async def close(self) -> None:
        await self.peer.close()
        if self._ticking is not None:
            self._ticking.cancel()
            await asyncio.wait([self._ticking])
