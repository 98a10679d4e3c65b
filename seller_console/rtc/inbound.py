"""What a receiver must remember of one RTP stream: what is missing, what to report, when it arrived.

Pure but for the caller's `now_s`: no sockets. NACK by RFC 4585 (asked again every
RTT while younger than a second), reports by RFC 3550 section 6.4 and appendix A,
arrivals for transport-wide feedback.
"""

from __future__ import annotations

from .wire import SEQUENCE, Block, Rtp, Unwrapper, build_transport_feedback

GIVE_UP_S = 1.0
MISSING_AT_MOST = 300
"""More holes than this at once is an outage: asking for a keyframe is cheaper."""


class Inbound:
    """One SSRC as received. Queue: at most MISSING_AT_MOST holes are remembered; beyond, all are given up."""

    def __init__(self, ssrc: int, clock: int) -> None:
        self.ssrc = ssrc
        self.clock = clock
        self.packets = 0
        self.octets = 0
        self.repaired = 0
        self.nacked = 0
        self._unwrap_seq = Unwrapper(SEQUENCE)
        self._first: int | None = None
        self.highest = -1
        self._missing: dict[int, tuple[float, float, int]] = {}  # seq -> (since, asked, times)
        self._jitter = 0.0
        self._transit: float | None = None
        self._prior = (0, 0)
        self._lsr = 0
        self._lsr_at_s = 0.0
        self._given_up = False

    def take(self, packet: Rtp, now_s: float, repair: bool = False) -> int | None:
        """The packet's unwrapped sequence number, or None when it is a duplicate or far too old."""
        seq = self._unwrap_seq(packet.seq)
        if self._first is None:
            self._first = self.highest = seq
        elif seq > self.highest:
            holes = seq - self.highest - 1
            if holes > MISSING_AT_MOST:
                self._missing.clear()
                self._given_up = True
            elif holes:
                for hole in range(self.highest + 1, seq):
                    self._missing[hole] = (now_s, -1.0, 0)
                if len(self._missing) > MISSING_AT_MOST:
                    self._missing.clear()
                    self._given_up = True
            self.highest = seq
        elif self._missing.pop(seq, None) is None:
            return None
        elif repair:
            self.repaired += 1
        if not repair:
            self.packets += 1
            transit = now_s * self.clock - packet.ts
            if self._transit is not None:
                step = abs(transit - self._transit)
                if step < self.clock * 10:  # a wrap of the timestamp is not jitter
                    self._jitter += (step - self._jitter) / 16
            self._transit = transit
        self.octets += len(packet.payload)
        return seq

    def nacks_due(self, now_s: float, rtt_s: float) -> list[int]:
        """Sequence numbers (16 bits) to ask for now. Holes older than a second are given up."""
        if not self._missing:
            return []
        again_s = max(0.02, rtt_s * 1.2)
        due: list[int] = []
        for seq, (since_s, asked_s, times) in list(self._missing.items()):
            if now_s - since_s > GIVE_UP_S or times >= 10:
                del self._missing[seq]
                self._given_up = True
            elif asked_s < 0 or now_s - asked_s >= again_s:
                self._missing[seq] = (since_s, now_s, times + 1)
                due.append(seq & 0xFFFF)
        self.nacked += len(due)
        return due

    def gave_up(self) -> bool:
        """Whether packets were given up since last asked: time for a keyframe request."""
        given_up, self._given_up = self._given_up, False
        return given_up

    def missing_below(self, seq: int) -> bool:
        return any(hole < seq for hole in self._missing)

    def heard_report(self, ntp: int, now_s: float) -> None:
        self._lsr = ntp >> 16 & 0xFFFFFFFF
        self._lsr_at_s = now_s

    def report(self, now_s: float) -> Block:
        """The reception report; its fraction covers the time since the last one."""
        expected = self.highest - (self._first or 0) + 1 if self._first is not None else 0
        before_expected, before_got = self._prior
        got = self.packets
        self._prior = (expected, got)
        interval = expected - before_expected
        lost = interval - (got - before_got)
        delay = int((now_s - self._lsr_at_s) * 65536) if self._lsr else 0
        return Block(
            ssrc=self.ssrc,
            fraction_lost=max(0, lost) / interval if interval > 0 else 0.0,
            lost=expected - got,
            highest_seq=self.highest,
            jitter=int(self._jitter),
            lsr=self._lsr,
            dlsr=delay,
        )


class Arrivals:
    """Transport-wide sequence numbers and when they came. Queue: 2,000 since the last feedback, then the oldest go."""

    def __init__(self) -> None:
        self._unwrap = Unwrapper(SEQUENCE)
        self._at: dict[int, int] = {}
        self._next: int | None = None
        self._number = 0

    def take(self, seq: int, now_s: float) -> None:
        wide = self._unwrap(seq)
        if self._next is None:
            self._next = wide
        if wide >= self._next - 500:
            self._at.setdefault(wide, int(now_s * 1_000_000))
        if len(self._at) > 2_000:
            del self._at[next(iter(self._at))]

    def feedback(self, ssrc: int, media_ssrc: int) -> bytes | None:
        """The next feedback packet, or None when nothing has come since the last."""
        if not self._at or self._next is None:
            return None
        first, last = min(self._at), max(self._at)
        begin = max(min(self._next, first), first - 500)  # holes since the last feedback are reported too
        arrivals = [self._at.get(seq) for seq in range(begin, min(last, begin + 1_500) + 1)]
        packet = build_transport_feedback(ssrc, media_ssrc, begin & 0xFFFF, arrivals, self._number)
        self._number = (self._number + 1) & 0xFF
        self._next = begin + len(arrivals)
        self._at = {seq: at for seq, at in self._at.items() if seq >= self._next}
        return packet
