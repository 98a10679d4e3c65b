"""The two ends of the relay: the one publisher that is on, and each viewer.

An `Ingest` turns a publisher's datagrams into packets in their own numbering and
answers with what keeps it well: NACK, keyframe requests, reports and transport-wide
feedback (without which a Chromium stays at 1 Mb/s). A `Viewer` sends pieces of the
programme and repairs from its history. Queue to a viewer: one second in the socket;
full: drop to the next picture a decoder can begin with; full for 10 s: cut. A viewer
that loses a quarter of it for 3 s gets sound only for 2 s, then a fresh picture; and
no viewer makes the publisher send keyframes more than once in 2 s for long.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from ..rtc import sdp
from ..rtc.inbound import Arrivals, Inbound
from ..rtc.outbound import Outbound, ntp, random_seq
from ..rtc.peer import Peer, PeerState
from ..rtc.wire import (
    KeyframeWanted,
    Nack,
    ReceiverReport,
    Rtp,
    SenderReport,
    build_nack,
    build_pli,
    build_rr,
    extension_value,
    parse_rtcp,
)
from .relay import RelayRefused
from .relay_forward import CLOCKS, Kind, Piece, Programme, ViewerLine

log = logging.getLogger(__name__)

SILENT_S = 3.0
VIEWER_SILENT_S = 10.0
FULL_S = 10.0
QUEUE_S = 1.0
QUEUE_BYTES_LEAST = 96_000
LOSSY, LOSSY_S, REST_S = 0.25, 3.0, 2.0
KEYFRAMES_AT_ONCE, KEYFRAME_EVERY_S = 3.0, 2.0
FEEDBACK_S = 0.08
WALL_ZERO_S = time.time() - time.monotonic()
"""Reports carry wall time as it was when we started: a clock set during the show must not move them."""
FEEDBACK_WANTED = {"nack", "nack pli", "ccm fir", "transport-cc"}


def read_offer(text: str) -> sdp.Description:
    try:
        offer = sdp.parse(text)
    except ValueError as unreadable:
        raise RelayRefused("bad_offer", str(unreadable)) from unreadable
    for media in offer.media:
        if not media.rejected and media.kind in ("audio", "video") and not (media.ufrag and media.fingerprints):
            raise RelayRefused("bad_offer", "no ICE credentials or no fingerprint")
    return offer


def answer_transport(offer: sdp.Description) -> tuple[sdp.Media, bool]:
    """(the remote transport with all candidates of the bundle, whether we are the DTLS client)."""
    live = [media for media in offer.media if not media.rejected]
    leader = next((media for media in live if media.mid == (offer.bundle or [""])[0]), live[0])
    remote = sdp.Media(
        leader.kind, ufrag=leader.ufrag, pwd=leader.pwd, fingerprints=leader.fingerprints,
        candidates=[candidate for media in live for candidate in media.candidates],
    )  # fmt: skip
    return remote, leader.setup != "active"


def rejected(media: sdp.Media) -> sdp.Media:
    return sdp.Media(media.kind, mid=media.mid, protocol=media.protocol, formats=media.formats, rejected=True)


def agreed(codec: sdp.Codec) -> sdp.Codec:
    """The codec as our answer spells it: the offer's numbers, the feedback we act on."""
    return sdp.Codec(
        codec.pt, codec.name, codec.clock, codec.channels, dict(codec.parameters),
        [one for one in codec.feedback if one in FEEDBACK_WANTED], codec.rtx_pt,
    )  # fmt: skip


class Ingest:
    """A publisher. `on_packet(self, kind, codec, packet, seq, now_s)` for each packet, repaired ones included.

    `epoch` counts its changes of SSRC: numbers of two epochs have nothing in common.
    """

    def __init__(
        self,
        session_id: str,
        offer: sdp.Description,
        *,
        on_packet: Callable[[Ingest, Kind, str, Rtp, int, float], None],
        on_report: Callable[[Ingest, Kind, SenderReport, float], None],
        on_gone: Callable[[Ingest, str], None],
    ) -> None:
        self.session_id = session_id
        self.etag = f'"{session_id[:12]}"'
        self.epoch = 0
        self.frames = 0
        self.video_octets = self.audio_octets = 0
        self.heard_rtp_at_s = time.monotonic()
        self.seen_start = False
        self.announced = False
        self.replaced_another = False
        self.gone = False
        self._offer = offer
        self._on_packet, self._on_report, self._on_gone = on_packet, on_report, on_gone
        video, audio = offer.first("video"), offer.first("audio")
        self._video = next(iter(sdp.choose_video(video)), None) if video else None
        self._audio = next(iter(sdp.choose_audio(audio)), None) if audio else None
        if self._video is None or video is None:
            raise RelayRefused("no_common_codec", "no H.264 (packetization-mode=1) and no VP8")
        if not any(media.direction in ("sendonly", "sendrecv") for media in (video, audio) if media):
            raise RelayRefused("bad_offer", "nothing is sent")
        self.codec = "VP8" if self._video.name.upper() == "VP8" else "H264"
        self.profile = self._video.profile()
        self._kinds: dict[int, Kind] = {self._video.pt: "video"}
        if self._audio is not None:
            self._kinds[self._audio.pt] = "audio"
        self._rtx_pt = self._video.rtx_pt
        self._wide_id = video.extensions.get(sdp.TRANSPORT_CC, 0)
        self._streams: dict[Kind, Inbound] = {}
        self._arrivals = Arrivals()
        self._ssrc = Outbound(pt=0, clock=1, cname="").ssrc
        self._fed_back_at_s = self._reported_at_s = 0.0
        self._prior_lost = (0, 0)
        self.remote_ufrag = video.ufrag
        self.peer = Peer(controlling=offer.ice_lite, on_rtp=self._rtp, on_rtcp=self._rtcp, on_state=self._state)

    @property
    def has_audio(self) -> bool:
        return self._audio is not None

    async def answer(self) -> str:
        remote, dtls_client = answer_transport(self._offer)
        await self.peer.gather()
        sections = []
        for media in self._offer.media:
            codec = {"video": self._video, "audio": self._audio}.get(media.kind)
            if codec is None or media is not self._offer.first(media.kind):
                sections.append(rejected(media))
                continue
            wide = {uri: number for uri, number in media.extensions.items() if uri in (sdp.TRANSPORT_CC, sdp.MID)}
            sections.append(
                sdp.Media(
                    media.kind, mid=media.mid, direction="recvonly", protocol=media.protocol,
                    codecs=[agreed(codec)], extensions=wide,
                )
            )  # fmt: skip
        text = sdp.write(sections, self.peer.local("active" if dtls_client else "passive"))
        self.peer.connect(remote, dtls_client=dtls_client)
        return text

    # --- what comes in -------------------------------------------------------------------------

    def _rtp(self, data: bytes) -> None:
        try:
            packet = Rtp(data)
        except ValueError:
            return
        now_s = time.monotonic()
        self.heard_rtp_at_s = now_s
        if self._wide_id:
            wide = extension_value(packet, self._wide_id)
            if wide is not None and len(wide) == 2:
                self._arrivals.take(int.from_bytes(wide, "big"), now_s)
        repair = packet.pt == self._rtx_pt
        if repair:
            stream = self._streams.get("video")
            if stream is None or self._video is None or len(packet.payload) <= 2:
                return  # padding used for probing
            packet.seq = int.from_bytes(packet.payload[:2], "big")
            packet.ssrc, packet.pt, packet.payload = stream.ssrc, self._video.pt, packet.payload[2:]
        kind = self._kinds.get(packet.pt)
        if kind is None:
            return
        stream = self._streams.get(kind)
        if stream is None or (stream.ssrc != packet.ssrc and not repair):
            self.epoch += stream is not None
            stream = self._streams[kind] = Inbound(packet.ssrc, CLOCKS[kind])
        seq = stream.take(packet, now_s, repair=repair)
        if seq is None:
            return
        if kind == "video":
            self.video_octets += len(packet.payload)
            self.frames += packet.marker
        else:
            self.audio_octets += len(packet.payload)
        self._on_packet(self, kind, self.codec if kind == "video" else "OPUS", packet, seq, now_s)

    def _rtcp(self, data: bytes) -> None:
        try:
            packets = parse_rtcp(data)
        except ValueError:
            return
        now_s = time.monotonic()
        for packet in packets:
            if isinstance(packet, SenderReport):
                for kind, stream in self._streams.items():
                    if stream.ssrc == packet.ssrc:
                        stream.heard_report(packet.ntp, now_s)
                        self._on_report(self, kind, packet, now_s)

    def _state(self, state: PeerState) -> None:
        if state in ("failed", "closed"):
            self._leave("failed" if state == "failed" else "closed")
        elif state == "connected":
            self.heard_rtp_at_s = time.monotonic()

    def _leave(self, reason: str) -> None:
        if not self.gone:
            self.gone = True
            self._on_gone(self, reason)

    # --- what we answer ---------------------------------------------------------------------------

    def ask_keyframe(self) -> None:
        stream = self._streams.get("video")
        if stream is not None:
            self.peer.send_rtcp(build_pli(self._ssrc, stream.ssrc))

    def tick(self, now_s: float) -> bool:
        """Every 20 ms. True when packets were given up: a keyframe is needed."""
        if self.peer.state != "connected":
            return False
        if now_s - self.heard_rtp_at_s > SILENT_S:
            self._leave("silent")
            return False
        rtt_s = self.peer.rtt_s if self.peer.rtt_s > 0 else 0.05
        gave_up = False
        for kind, stream in self._streams.items():
            due = stream.nacks_due(now_s, rtt_s)
            if kind == "video":
                gave_up = stream.gave_up()
                if due:
                    self.peer.send_rtcp(build_nack(self._ssrc, stream.ssrc, due))
        if self._wide_id and now_s - self._fed_back_at_s >= FEEDBACK_S and self._streams:
            media = self._streams.get("video") or next(iter(self._streams.values()))
            feedback = self._arrivals.feedback(self._ssrc, media.ssrc)
            if feedback is not None:
                self._fed_back_at_s = now_s
                self.peer.send_rtcp(feedback)
        if now_s - self._reported_at_s >= 1.0 and self._streams:
            self._reported_at_s = now_s
            self.peer.send_rtcp(build_rr(self._ssrc, [stream.report(now_s) for stream in self._streams.values()]))
        return gave_up

    def loss(self) -> float:
        """Fraction of video packets that needed repair or were lost, since last asked."""
        stream = self._streams.get("video")
        if stream is None:
            return 0.0
        got, repaired = stream.packets, stream.nacked
        before_got, before_repaired = self._prior_lost
        self._prior_lost = (got, repaired)
        lost, whole = repaired - before_repaired, got - before_got + repaired - before_repaired
        return lost / whole if whole > 0 else 0.0


class Viewer:
    """One player. `on_keyframe_wanted` when it needs a picture to begin with."""

    def __init__(
        self,
        session_id: str,
        offer: sdp.Description,
        *,
        only_codec: str,
        like_profile: str,
        on_keyframe_wanted: Callable[[], None],
        on_gone: Callable[[Viewer, str], None],
        ts_origin: int | None = None,
        first_seq: int | None = None,
    ) -> None:
        self.session_id = session_id
        self.etag = f'"{session_id[:12]}"'
        self.gone = False
        self.remote_ufrag = ""
        self._offer = offer
        self._on_keyframe_wanted, self._on_gone = on_keyframe_wanted, on_gone
        self._codecs: dict[Kind, list[sdp.Codec]] = {"video": [], "audio": []}
        self._lines: dict[Kind, ViewerLine] = {}
        for media in (offer.first("video"), offer.first("audio")):
            if media is None or media.direction not in ("recvonly", "sendrecv"):
                continue
            self.remote_ufrag = self.remote_ufrag or media.ufrag
            kind: Kind = "video" if media.kind == "video" else "audio"
            chosen = (
                sdp.choose_video(media, only=only_codec, like_profile=like_profile)
                if kind == "video"
                else sdp.choose_audio(media)
            )
            if not chosen:
                continue
            self._codecs[kind] = chosen
            ssrc = Outbound(pt=0, clock=1, cname="").ssrc
            seq = random_seq() if first_seq is None else first_seq
            outbounds = {
                codec.name.upper(): Outbound(
                    pt=codec.pt, clock=CLOCKS[kind], cname=session_id[:12], rtx_pt=codec.rtx_pt,
                    ssrc=ssrc, first_seq=seq, ts_origin=ts_origin,
                )
                for codec in chosen
            }  # fmt: skip
            origin = next(iter(outbounds.values()))
            for outbound in outbounds.values():
                outbound.rtx_ssrc, outbound.ts_origin = origin.rtx_ssrc, origin.ts_origin
            self._lines[kind] = ViewerLine(kind, outbounds)
        if not self._codecs["video"] and (offer.first("video") is not None or not self._lines):
            raise RelayRefused("no_common_codec", "no H.264 (packetization-mode=1) or VP8 the programme is in")
        self._full_since_s = -1.0
        self._rate_bps = 2_500_000.0
        self._sent_bytes = 0
        self._rated_at_s = time.monotonic()
        self._reported: dict[Kind, float] = {}
        self._repair_budget = 60_000.0
        self._lossy_since_s = -1.0
        self._resting_until_s = -1.0
        self._keyframes_left = KEYFRAMES_AT_ONCE
        self._keyframe_at_s = 0.0
        self.loss = 0.0
        self.peer = Peer(controlling=offer.ice_lite, on_rtp=_ignore, on_rtcp=self._rtcp, on_state=self._state)

    async def answer(self) -> str:
        remote, dtls_client = answer_transport(self._offer)
        await self.peer.gather()
        sections = []
        for media in self._offer.media:
            kind: Kind = "video" if media.kind == "video" else "audio"
            line = self._lines.get(kind)
            if line is None or media is not self._offer.first(media.kind):
                sections.append(rejected(media))
                continue
            codecs = [agreed(codec) for codec in self._codecs[kind]]
            for codec in codecs:
                codec.feedback = [one for one in codec.feedback if one != "transport-cc"]
            repair = {line.ssrc: line.outbound.rtx_ssrc} if any(codec.rtx_pt for codec in codecs) else {}
            sections.append(
                sdp.Media(
                    media.kind, mid=media.mid, direction="sendonly", protocol=media.protocol, codecs=codecs,
                    ssrcs=[line.ssrc], rtx_ssrcs=repair, cname=self.session_id[:12], msid=f"live {kind}",
                )
            )  # fmt: skip
        text = sdp.write(sections, self.peer.local("active" if dtls_client else "passive"))
        self.peer.connect(remote, dtls_client=dtls_client)
        return text

    @property
    def watching(self) -> bool:
        return self.peer.state == "connected" and not self.gone

    def forward(self, piece: Piece, now_s: float) -> None:
        peer = self.peer
        if peer.state != "connected":
            return
        line = self._lines.get(piece.kind)
        if line is None:
            return
        if piece.kind == "video" and (self._full_since_s >= 0 or now_s < self._resting_until_s):
            return
        was_waiting = line.waiting
        sent = line.take(piece)
        if sent is None:
            if line.foreign:
                self._leave("codec_changed")
            elif line.waiting and not was_waiting:
                self._want_keyframe(now_s)
            return
        data = line.outbound.serialise(sent)
        peer.send_rtp(data)
        self._sent_bytes += len(data)

    def tick(self, now_s: float, programme: Programme) -> None:
        """Every 20 ms: reports, the queue's bound, the silent and the slow."""
        if self.peer.state != "connected":
            return
        for kind, line in self._lines.items():
            if line.outbound.packets and now_s - self._reported.get(kind, -1.0) >= 1.0:
                ts = programme.ts_now(kind, now_s)
                if ts is not None:
                    self._reported[kind] = now_s
                    self.peer.send_rtcp(line.outbound.sender_report(ntp(WALL_ZERO_S + now_s), ts))
        if now_s - self._rated_at_s >= 1.0:
            rate = self._sent_bytes * 8 / (now_s - self._rated_at_s)
            self._rate_bps = max(rate, 0.8 * self._rate_bps)
            self._rated_at_s, self._sent_bytes = now_s, 0
            self._repair_budget = max(60_000.0, self._rate_bps / 8)
        if now_s - self.peer.heard_at_s > VIEWER_SILENT_S:
            self._leave("silent")
            return
        if 0 <= self._resting_until_s <= now_s:
            self._resting_until_s = -1.0
            self._want_keyframe(now_s)
        unsent = self.peer.unsent_bytes()
        limit = max(QUEUE_BYTES_LEAST, self._rate_bps / 8 * QUEUE_S)
        if self._full_since_s < 0:
            if unsent > limit:
                self._full_since_s = now_s
                if "video" in self._lines:
                    self._lines["video"].wait()
        elif unsent < limit / 4:
            self._full_since_s = -1.0
            self._want_keyframe(now_s)
        elif now_s - self._full_since_s > FULL_S:
            self._leave("too_slow")

    def _rtcp(self, data: bytes) -> None:
        try:
            packets = parse_rtcp(data)
        except ValueError:
            return
        for packet in packets:
            if isinstance(packet, Nack):
                line = next((one for one in self._lines.values() if one.ssrc == packet.ssrc), None)
                for seq in packet.lost if line is not None else ():
                    sent = line.outbound.find(seq) if line is not None else None
                    if line is None or sent is None or self._repair_budget <= 0:
                        continue
                    repair = line.outbound.repair(sent)
                    self._repair_budget -= len(repair)
                    self.peer.send_rtp(repair)
            elif isinstance(packet, KeyframeWanted):
                self._want_keyframe(time.monotonic())
            elif isinstance(packet, ReceiverReport):
                video = self._lines.get("video")
                for block in packet.blocks:
                    if video is not None and block.ssrc == video.ssrc:
                        self._heard_loss(block.fraction_lost, time.monotonic())

    def _heard_loss(self, loss: float, now_s: float) -> None:
        self.loss = loss
        if now_s < self._resting_until_s:
            return
        if loss < LOSSY:
            self._lossy_since_s = -1.0
        elif self._lossy_since_s < 0:
            self._lossy_since_s = now_s
        elif now_s - self._lossy_since_s >= LOSSY_S and "video" in self._lines:
            self._lossy_since_s = -1.0
            self._resting_until_s = now_s + REST_S
            self._lines["video"].wait()

    def _want_keyframe(self, now_s: float) -> None:
        """Upstream, unless this viewer asks too often: a keyframe costs everyone's picture."""
        gained = (now_s - self._keyframe_at_s) / KEYFRAME_EVERY_S
        self._keyframes_left = min(KEYFRAMES_AT_ONCE, self._keyframes_left + gained)
        self._keyframe_at_s = now_s
        if self._keyframes_left >= 1 and now_s >= self._resting_until_s:
            self._keyframes_left -= 1
            self._on_keyframe_wanted()

    def _state(self, state: PeerState) -> None:
        if state == "connected":
            self._on_keyframe_wanted()
        elif state in ("failed", "closed"):
            self._leave(state)

    def _leave(self, reason: str) -> None:
        if not self.gone:
            self.gone = True
            self._on_gone(self, reason)


def _ignore(_: bytes) -> None:
    """A viewer sends no media."""
