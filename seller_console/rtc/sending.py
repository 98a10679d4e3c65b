"""One outgoing broadcast connection: our offer, two RTP lines, a pacer, and what the far side says back.

Audio, repairs and RTCP never wait behind video. Pacer queue: 250 ms at its own
rate; full: everything is thrown away, a keyframe is asked and `on_overflow` called.
Repairs take REPAIR_SHARE of the target rate at most, so that a line which loses because it
is full still carries new pictures; a packet goes again once in a round trip and while younger
than REPAIR_YOUNG_S. Queue of repairs: what the share allows in a second; full: not repaired.
Sender reports pair the capture time of the last packet, on one clock for both lines.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from . import sdp
from .outbound import Outbound, Sent, ntp
from .payload import PAYLOAD_BYTES, Codec, pack_picture
from .peer import Peer, PeerState
from .wire import (
    ARRIVAL_US,
    Block,
    KeyframeWanted,
    Nack,
    ReceiverReport,
    Remb,
    SenderReport,
    TransportFeedback,
    Unwrapper,
    build_bye,
    extension_block,
    parse_rtcp,
)

VIDEO_PT, RTX_PT, AUDIO_PT = 102, 103, 111
MID_ID, WIDE_ID = 1, 3
PACING_FACTOR = 2.5
PACER_HOLDS_S = 0.25
BURST_BYTES = 15_000
REPAIR_SHARE = 0.3
REPAIR_YOUNG_S = 1.0
STEP_S = 0.005
LOG_PACKETS = 4_096


@dataclass(frozen=True, slots=True)
class Lines:
    """What stays the same from one session to the next, so that a server may see one stream go on."""

    video: Outbound
    audio: Outbound


def new_lines(cname: str) -> Lines:
    return Lines(
        video=Outbound(pt=VIDEO_PT, clock=90_000, cname=cname, rtx_pt=RTX_PT),
        audio=Outbound(pt=AUDIO_PT, clock=48_000, cname=cname),
    )


@dataclass(frozen=True, slots=True)
class Delivery:
    """(sent_s, bytes, arrived_s on the receiver's clock or None) of one packet."""

    sent_s: float
    size: int
    arrived_s: float | None


class Sending:
    """Make it, send `offer()`, hear `accept(answer)`; then `send_*`. All on the event loop."""

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
        """`wall_zero_s`: the wall time (Unix) of media time 0, for sender reports."""
        self.nacks = self.plis = 0
        self.loss = 0.0
        self.rtt_s = -1.0
        self.frames = 0
        self.video_bytes = self.audio_bytes = 0
        self.wide_feedback = False
        self.to_our_relay = False
        """Whether the answer was written by our own platform, which asks for the keyframes it needs."""
        self._lines = lines
        self.wall_zero_s = wall_zero_s
        self._codec: Codec = codec
        self._profile = profile
        self._on_keyframe_wanted, self._on_deliveries = on_keyframe_wanted, on_deliveries
        self._on_loss, self._on_remb, self._on_overflow = on_loss, on_remb, on_overflow
        self._on_state = on_state
        self.peer = Peer(controlling=True, on_rtp=_ignore, on_rtcp=self._rtcp, on_state=self._state)
        self._mid_video, self._mid_audio = b"0", b"1"
        self._wide_ids = (0, 0)  # video, audio: negotiated ids
        self._mid_ids = (0, 0)
        self._has_audio = True
        self._wide_next = 1
        self._sent_log: dict[int, tuple[float, int]] = {}
        self._arrival_unwrap = Unwrapper(ARRIVAL_US)
        self._target_bps = 2_000_000.0
        self._pace_bps = self._target_bps * PACING_FACTOR
        self._tokens = float(BURST_BYTES)
        self._filled_at_s = time.monotonic()
        self._queue: deque[tuple[int, int, bytes]] = deque()  # ts, marker, payload
        self._queued_bytes = 0
        self._repairs: deque[Sent] = deque()
        self._repair_bytes = 0.0
        """What the share still allows."""
        self._pacing: asyncio.TimerHandle | None = None
        self._reported_at_s: dict[int, float] = {}
        self._report_sent: deque[tuple[int, float]] = deque(maxlen=20)

    # --- the exchange ---------------------------------------------------------------------------

    async def offer(self) -> str:
        await self.peer.gather()
        extensions = {sdp.MID: MID_ID, sdp.TRANSPORT_CC: WIDE_ID}
        video, audio = self._lines.video, self._lines.audio
        parameters = {}
        if self._codec == "H264":
            parameters = {"level-asymmetry-allowed": "1", "packetization-mode": "1", "profile-level-id": self._profile}
        sections = [
            sdp.Media(
                "video", mid="0", direction="sendonly", extensions=extensions,
                codecs=[
                    sdp.Codec(
                        VIDEO_PT, self._codec, 90_000, parameters=parameters, rtx_pt=RTX_PT,
                        feedback=["nack", "nack pli", "ccm fir", "goog-remb", "transport-cc"],
                    )
                ],
                ssrcs=[video.ssrc], rtx_ssrcs={video.ssrc: video.rtx_ssrc}, cname=video.cname, msid="live video",
            ),
            sdp.Media(
                "audio", mid="1", direction="sendonly", extensions=extensions,
                codecs=[
                    sdp.Codec(
                        AUDIO_PT, "opus", 48_000, 2, {"minptime": "10", "useinbandfec": "1"}, ["transport-cc"]
                    )
                ],
                ssrcs=[audio.ssrc], cname=audio.cname, msid="live audio",
            ),
        ]  # fmt: skip
        return sdp.write(sections, self.peer.local("actpass"))

    def accept(self, answer: str) -> None:
        """Raises ValueError when the answer is none, or refuses our video."""
        described = sdp.parse(answer)
        self.to_our_relay = described.tool == sdp.TOOL
        video, audio = described.first("video"), described.first("audio")
        if video is None or video.direction not in ("recvonly", "sendrecv"):
            raise ValueError("video is refused")
        if not any(codec.pt == VIDEO_PT for codec in video.codecs):
            raise ValueError(f"our {self._codec} is refused")
        if not video.ufrag or not video.fingerprints:
            raise ValueError("no ICE credentials or no fingerprint")
        chosen = next(codec for codec in video.codecs if codec.pt == VIDEO_PT)
        self._lines.video.rtx_pt = chosen.rtx_pt
        self._has_audio = audio is not None and any(codec.pt == AUDIO_PT for codec in audio.codecs)
        audio_extensions = audio.extensions if audio is not None else {}
        self._wide_ids = (video.extensions.get(sdp.TRANSPORT_CC, 0), audio_extensions.get(sdp.TRANSPORT_CC, 0))
        self._mid_ids = (video.extensions.get(sdp.MID, 0), audio_extensions.get(sdp.MID, 0))
        remote = sdp.Media(
            "video", ufrag=video.ufrag, pwd=video.pwd, fingerprints=video.fingerprints,
            candidates=[candidate for media in described.media for candidate in media.candidates],
        )  # fmt: skip
        self.peer.connect(remote, dtls_client=video.setup == "passive")

    # --- media ----------------------------------------------------------------------------------

    def set_target(self, bps: float) -> None:
        """What the encoder aims at: the pacer runs at a multiple of it."""
        self._target_bps = bps
        self._pace_bps = max(300_000.0, bps * PACING_FACTOR)

    def send_video(self, access_unit: bytes, ts: int) -> bool:
        """Annex B or a VP8 frame; `ts` in 1/90000 s of media time. False when the pacer overflowed instead."""
        payloads = pack_picture(self._codec, access_unit)
        if self._queued_bytes * 8 > self._pace_bps * PACER_HOLDS_S:
            self._flush()
            return False
        for index, payload in enumerate(payloads):
            self._queue.append((ts, int(index == len(payloads) - 1), payload))
            self._queued_bytes += len(payload)
        self.frames += 1
        self._pump()
        return True

    def send_audio(self, packet: bytes, ts: int) -> None:
        """One Opus packet; `ts` in 1/48000 s of media time."""
        if not self._has_audio:
            return
        line = self._lines.audio
        self._emit(line, line.add(ts, 0, packet), repair=False)

    def _flush(self) -> None:
        """Throw away what waits. It was not numbered yet, so the far side waits for nothing."""
        self._queue.clear()
        self._queued_bytes = 0
        self._on_overflow()

    def _pump(self) -> None:
        now_s = time.monotonic()
        depth = max(BURST_BYTES, self._pace_bps / 8 * 2 * STEP_S)
        passed_s = now_s - self._filled_at_s
        self._tokens = min(depth, self._tokens + passed_s * self._pace_bps / 8)
        share = self._target_bps / 8 * REPAIR_SHARE
        self._repair_bytes = min(share, self._repair_bytes + passed_s * share)
        self._filled_at_s = now_s
        video = self._lines.video
        while self._repairs and self._tokens > 0 and self._repair_bytes > 0:
            sent = self._repairs.popleft()
            if now_s - sent.sent_s > REPAIR_YOUNG_S:
                continue
            size = self._emit(video, sent, repair=True)
            self._tokens -= size
            self._repair_bytes -= size
        while self._queue and self._tokens > 0:
            ts, marker, payload = self._queue.popleft()
            self._queued_bytes -= len(payload)
            self._tokens -= self._emit(video, video.add(ts, marker, payload), repair=False)
        if (self._queue or self._repairs) and self._pacing is None:
            self._pacing = asyncio.get_running_loop().call_later(STEP_S, self._step)

    def _step(self) -> None:
        self._pacing = None
        if self.peer.state == "connected":
            self._pump()

    def _emit(self, line: Outbound, sent: Sent, repair: bool) -> int:
        video = line is self._lines.video
        which = 0 if video else 1
        values: list[tuple[int, bytes]] = []
        if self._mid_ids[which]:
            values.append((self._mid_ids[which], self._mid_video if video else self._mid_audio))
        now_s = time.monotonic()
        wide = 0
        if self._wide_ids[which]:
            wide = self._wide_next
            self._wide_next += 1
            values.append((self._wide_ids[which], (wide & 0xFFFF).to_bytes(2, "big")))
        extension = extension_block(values) if values else b""
        if repair:
            data = line.repair(sent, extension)
        else:
            sent.sent_s = now_s
            data = line.serialise(sent, extension)
        self.peer.send_rtp(data)
        if wide:
            self._sent_log[wide] = (now_s, len(data))
            if len(self._sent_log) > LOG_PACKETS:
                del self._sent_log[next(iter(self._sent_log))]
        if video:
            self.video_bytes += len(data)
        else:
            self.audio_bytes += len(data)
        if not repair and now_s - self._reported_at_s.get(which, -1.0) >= 1.0:
            self._reported_at_s[which] = now_s
            moment = ntp(self.wall_zero_s + sent.ts / line.clock)
            self._report_sent.append((moment >> 16 & 0xFFFFFFFF, now_s))
            self.peer.send_rtcp(line.sender_report(moment, sent.ts))
        return len(data)

    # --- what the far side says -----------------------------------------------------------------

    def _rtcp(self, data: bytes) -> None:
        try:
            packets = parse_rtcp(data)
        except ValueError:
            return
        for packet in packets:
            if isinstance(packet, TransportFeedback):
                self._deliver(packet)
            elif isinstance(packet, ReceiverReport | SenderReport):
                for block in packet.blocks:
                    self._block(block)
            elif isinstance(packet, Nack):
                self._repair(packet)
            elif isinstance(packet, KeyframeWanted):
                self.plis += 1
                self._on_keyframe_wanted()
            elif isinstance(packet, Remb):
                self._on_remb(packet.bps)

    def _repair(self, nack: Nack) -> None:
        if nack.ssrc != self._lines.video.ssrc:
            return
        now_s = time.monotonic()
        rtt_s = max(self.rtt_s, self.peer.rtt_s, STEP_S)
        for seq in nack.lost:
            self.nacks += 1
            sent = self._lines.video.find(seq)
            if sent is None or now_s - sent.sent_s > REPAIR_YOUNG_S or now_s - sent.repaired_s < rtt_s:
                continue
            if len(self._repairs) * PAYLOAD_BYTES * 8 > self._target_bps * REPAIR_SHARE:
                return  # asked again in a round trip, if it still matters then
            sent.repaired_s = now_s
            self._repairs.append(sent)
        self._pump()

    def _block(self, block: Block) -> None:
        if block.lsr:
            for moment, at_s in self._report_sent:
                if moment == block.lsr:
                    rtt_s = time.monotonic() - at_s - block.dlsr / 65536
                    if 0 <= rtt_s < 10:
                        self.rtt_s = rtt_s if self.rtt_s < 0 else 0.7 * self.rtt_s + 0.3 * rtt_s
        if block.ssrc == self._lines.video.ssrc:
            self.loss = block.fraction_lost
            if not self.wide_feedback:
                self._on_loss(block.fraction_lost)

    def _deliver(self, feedback: TransportFeedback) -> None:
        self.wide_feedback = True
        deliveries: list[Delivery] = []
        # the nearest number we have used that has these low 16 bits
        base = self._wide_next - ((self._wide_next - feedback.base_seq) & 0xFFFF)
        for offset, arrived_us in enumerate(feedback.arrivals):
            logged = self._sent_log.get(base + offset)
            if logged is None:
                continue
            sent_s, size = logged
            if arrived_us is None:
                deliveries.append(Delivery(sent_s, size, None))
                continue
            del self._sent_log[base + offset]
            deliveries.append(Delivery(sent_s, size, self._arrival_unwrap(arrived_us) / 1e6))
        if deliveries:
            self._on_deliveries(deliveries)

    def _state(self, state: PeerState) -> None:
        self._on_state(state)

    async def close(self, reason: str = "asked") -> None:
        if self._pacing is not None:
            self._pacing.cancel()
            self._pacing = None
        self._queue.clear()
        self._repairs.clear()
        if self.peer.state == "connected":
            self.peer.send_rtcp(build_bye([self._lines.video.ssrc, self._lines.audio.ssrc]))
        await self.peer.close(reason)


def _ignore(_: bytes) -> None:
    """Nobody sends media to a publisher."""
