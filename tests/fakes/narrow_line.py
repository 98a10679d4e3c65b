"""A line that is simulated: one bottleneck with a drop-tail queue, and both real ends of a broadcast on it.

`Link` is the bottleneck. `Broadcast` puts a `Publisher` with its `Sending` on one side and the
relay's `Ingest` with a viewer's `Assembler` on the other, on a clock that only it moves:
no socket, no waiting; a minute of broadcast takes seconds.
"""

from __future__ import annotations

import contextlib
import heapq
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from seller_console.engine.publish import Publisher
from seller_console.platform.relay_sessions import Ingest, read_offer
from seller_console.rtc import sdp
from seller_console.rtc.keyframes import KeyframeGate
from seller_console.rtc.receiving import Assembler
from seller_console.rtc.sending import RTX_PT, STEP_S, VIDEO_PT, Sending, new_lines
from seller_console.rtc.wire import Rtp, build_nack

FPS = 30
FROZEN_S = 0.2
TICK_S = 0.02
ONE_WAY_S = 0.02


@dataclass
class Link:
    """20 ms each way, a queue of `queue_s` at the present rate, random loss."""

    bps: float
    queue_s: float = 0.3
    loss: float = 0.0
    jitter_s: float = 0.0
    stall_every_s: float = 0.0
    stall_s: float = 0.0
    """The receiver's machine is busy that often for that long: what comes meanwhile is seen at the end."""
    seed: int = 7
    busy_until_s: float = 0.0
    dropped: int = 0
    chance: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)

    def send(self, now_s: float, size: int) -> float | None:
        """When it arrives, or None."""
        if self.chance.random() < self.loss:
            return None
        start_s = max(now_s, self.busy_until_s)
        if start_s - now_s > self.queue_s:
            self.dropped += 1
            return None
        self.busy_until_s = start_s + size * 8 / self.bps
        arrived_s = self.busy_until_s + ONE_WAY_S + self.chance.random() * self.jitter_s
        if self.stall_every_s and arrived_s % self.stall_every_s < self.stall_s:
            arrived_s += self.stall_s - arrived_s % self.stall_every_s
        return arrived_s


class _End:
    """What an end of the broadcast sees of its transport."""

    state = "connected"
    reason = ""

    def __init__(self, line: Broadcast, up: bool) -> None:
        self._line, self._up = line, up

    @property
    def rtt_s(self) -> float:
        return 2 * ONE_WAY_S + max(0.0, self._line.link.busy_until_s - self._line.now_s)

    @property
    def heard_at_s(self) -> float:
        return self._line.now_s

    async def gather(self) -> None: ...

    async def close(self, reason: str = "") -> None: ...

    def connect(self, remote: sdp.Media, *, dtls_client: bool) -> None: ...

    def local(self, setup: str) -> sdp.Local:
        return sdp.Local("abcd", "0" * 22, ("sha-256", "00"), setup, ())

    def send_rtp(self, packet: bytes) -> bool:
        self._line.carry(packet, self._up)
        return True

    send_rtcp = send_rtp


class Broadcast:
    def __init__(self, link: Link, max_bps: int = 2_500_000) -> None:
        self.link = link
        self.now_s = time.monotonic()
        self.begun_s = self.now_s
        self.shown_s: list[float] = []
        """When a viewer beside the relay got each picture."""
        self.new_s: list[float] = []
        """When a packet of a new picture left."""
        self.targets: list[tuple[float, int]] = []
        self.bytes_new = self.bytes_again = 0
        self._max_bps = max_bps
        self._coming: list[tuple[float, int, bool, bytes]] = []
        self._count = 0
        self._chance = random.Random(11)
        self._key_wanted, self._key_s = True, float("-inf")
        self._debt = 0.0
        self._frames = self._sounds = 0
        self._assembler = Assembler("H264")
        self._gate = KeyframeGate()

    async def begin(self) -> None:
        publisher = self._publisher = Publisher(
            on_air=lambda _: None, on_keyframe_wanted=self._want_key, start_bps=self._max_bps, max_bps=self._max_bps
        )
        publisher._wall_zero_s = 0.0
        sending = self._sending = Sending(
            new_lines("line"), wall_zero_s=0.0, on_state=lambda _: None,
            on_keyframe_wanted=publisher._want_keyframe, on_deliveries=publisher._delivered,
            on_loss=publisher._lost_some, on_remb=lambda _: None, on_overflow=publisher._overflowed,
        )  # fmt: skip
        ends: list[Any] = [_End(self, True), _End(self, False)]
        sending.peer = ends[0]
        self._ingest = Ingest(
            "s" * 16, read_offer(await sending.offer()), on_packet=self._packet,
            on_report=lambda *_: None, on_gone=lambda *_: None,
        )  # fmt: skip
        self._ingest.peer = ends[1]
        sending.accept(await self._ingest.answer())
        sending.set_target(self._max_bps)
        publisher._sending = sending

    def _want_key(self) -> None:
        self._key_wanted = True

    # --- the line ---------------------------------------------------------------------------------

    def carry(self, packet: bytes, up: bool) -> None:
        if up and packet[1] & 0x7F == VIDEO_PT:
            self.new_s.append(self.now_s)
            self.bytes_new += len(packet)
        if up and packet[1] & 0x7F == RTX_PT:
            self.bytes_again += len(packet)
        arrived_s = self.link.send(self.now_s, len(packet) + 38) if up else self.now_s + ONE_WAY_S
        if arrived_s is not None:
            self._count += 1
            heapq.heappush(self._coming, (arrived_s, self._count, up, packet))

    def _arrive(self) -> None:
        while self._coming and self._coming[0][0] <= self.now_s:
            _, _, up, packet = heapq.heappop(self._coming)
            if not up:
                self._sending._rtcp(packet)
            elif 191 < packet[1] < 209:
                self._ingest._rtcp(packet)
            else:
                self._ingest._rtp(packet)

    def _packet(self, _: Ingest, kind: str, _codec: str, packet: Rtp, seq: int, now_s: float) -> None:
        if kind == "video":
            self.shown_s += [now_s for _ in self._assembler.add(seq, packet, now_s)]
            if not self._assembler.waiting:
                self._gate.came()

    def _tick(self) -> None:
        if self._ingest.tick(self.now_s) and not self._assembler.waiting:
            self._assembler.give_up()
        if self._assembler.waiting:
            self._gate.want()
        if self._gate.due(self.now_s):
            self._ingest.ask_keyframe()
        self._publisher._ask_if_due()

    def ask_again(self, seq: int) -> None:
        """The far side misses this packet of the picture, now."""
        with self._clock():
            self._sending._rtcp(build_nack(1, self._sending._lines.video.ssrc, [seq]))

    # --- the encoder ------------------------------------------------------------------------------

    def _encode(self) -> None:
        """Keyframes of six times the mean, repaid by those after; at most one in half a second."""
        mean = self._publisher._uplink.target_bps / 8 / FPS
        key = self._key_wanted and self.now_s - self._key_s >= 0.5
        if key:
            self._key_wanted, self._key_s = False, self.now_s
            size, self._debt = 6 * mean, self._debt + 5 * mean
        else:
            repaid = min(self._debt, 0.3 * mean)
            self._debt -= repaid
            size = mean * (0.8 + 0.4 * self._chance.random()) - repaid
        unit = b"\0\0\0\1" + (b"\x65" if key else b"\x41") + b"\x55" * int(size)
        with self._publisher._inbox_lock:
            self._publisher._inbox.append((unit, self._frames * 90_000 // FPS, key))
        self._publisher._drain()
        self._frames += 1

    # --- time -------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _clock(self) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(time, "monotonic", lambda: self.now_s)
            yield

    def play(self, seconds: float) -> None:
        """Moves the clock that everything here reads."""
        with self._clock():
            until_s, tick_s = self.now_s + seconds, self.now_s
            while self.now_s < until_s:
                self._arrive()
                while self._frames / FPS <= self.now_s - self.begun_s:
                    self._encode()
                while self._sounds * 0.02 <= self.now_s - self.begun_s:
                    self._sending.send_audio(b"\xfc" + b"a" * 159, self._sounds * 960)
                    self._sounds += 1
                if self.now_s >= tick_s:
                    tick_s += TICK_S
                    self._tick()
                if self._sending._pacing is not None:
                    self._sending._pacing.cancel()
                    self._sending._step()
                self.targets.append((self.now_s - self.begun_s, self._publisher._uplink.target_bps))
                self.now_s += STEP_S

    async def end(self) -> None:
        await self._sending.close()

    # --- figures ----------------------------------------------------------------------------------

    def gaps(self, moments: list[float], since_s: float, until_s: float) -> list[float]:
        """Between those moments, and at both ends. Seconds since `begin`."""
        inside = [at_s - self.begun_s for at_s in moments if since_s <= at_s - self.begun_s < until_s]
        return [after - before for before, after in zip([since_s, *inside], [*inside, until_s], strict=True)]

    def figures(self, since_s: float, until_s: float) -> dict[str, float]:
        shown = self.gaps(self.shown_s, since_s, until_s)
        return {
            "fps": round((len(shown) - 1) / (until_s - since_s), 1),
            "frozen_s": round(sum(gap for gap in shown if gap > FROZEN_S), 2),
            "longest_s": round(max(shown), 2),
            "no_new_video_s": round(max(self.gaps(self.new_s, since_s, until_s)), 2),
        }
