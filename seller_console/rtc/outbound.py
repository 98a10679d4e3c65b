"""One RTP stream as we send it: numbers, history for retransmission, sender reports.

Pure: makes bytes, sends nothing. History: the last HISTORY packets, older ones are
forgotten (2,048 is 4 s at 4.5 Mb/s).
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from struct import pack

from .wire import build_rtp, build_sdes, build_sr

HISTORY = 2048
NTP_EPOCH_S = 2_208_988_800


def random_seq() -> int:
    """In the lower half: a wrap right after the start would leave SRTP guessing the rollover."""
    return secrets.randbits(15)


@dataclass(slots=True)
class Sent:
    seq: int
    ts: int
    marker: int
    payload: bytes
    sent_s: float = 0.0
    repaired_s: float = float("-inf")
    """When it was last sent again; both belong to whoever sends."""


def ntp(seconds: float) -> int:
    """Seconds since 1970 -> 64-bit NTP time."""
    return int((seconds + NTP_EPOCH_S) * (1 << 32)) & ((1 << 64) - 1)


class Outbound:
    """`seq` and `ts` passed in and out are unwrapped (they only grow); the wire sees them modulo."""

    def __init__(
        self,
        *,
        pt: int,
        clock: int,
        cname: str,
        rtx_pt: int | None = None,
        ssrc: int | None = None,
        first_seq: int | None = None,
        ts_origin: int | None = None,
    ) -> None:
        self.pt = pt
        self.clock = clock
        self.cname = cname
        self.rtx_pt = rtx_pt
        self.ssrc = ssrc if ssrc is not None else secrets.randbits(32) or 1
        self.rtx_ssrc = secrets.randbits(32) or 1
        self.next_seq = first_seq if first_seq is not None else random_seq()
        self.ts_origin = ts_origin if ts_origin is not None else secrets.randbits(32)
        self.packets = 0
        self.octets = 0
        self.resent = 0
        self._rtx_seq = random_seq()
        self._history: list[Sent | None] = [None] * HISTORY

    def add(self, ts: int, marker: int, payload: bytes) -> Sent:
        """Number a payload and remember it. `ts` counts from the stream's own zero."""
        sent = Sent(self.next_seq, ts, marker, payload)
        self.next_seq += 1
        self.remember(sent)
        return sent

    def remember(self, sent: Sent) -> None:
        self._history[sent.seq % HISTORY] = sent

    def serialise(self, sent: Sent, extension: bytes = b"") -> bytes:
        self.packets += 1
        self.octets += len(sent.payload)
        return build_rtp(self.pt, sent.marker, sent.seq, sent.ts + self.ts_origin, self.ssrc, sent.payload, extension)

    def find(self, seq16: int) -> Sent | None:
        """A packet still in history by its wire number."""
        behind = (self.next_seq - seq16) & 0xFFFF
        if not 0 < behind <= HISTORY:
            return None
        sent = self._history[(self.next_seq - behind) % HISTORY]
        return sent if sent is not None and sent.seq == self.next_seq - behind else None

    def repair(self, sent: Sent, extension: bytes = b"") -> bytes:
        """The same packet again: by RTX when negotiated (RFC 4588), else bit for bit."""
        self.resent += 1
        if self.rtx_pt is None:
            return build_rtp(
                self.pt, sent.marker, sent.seq, sent.ts + self.ts_origin, self.ssrc, sent.payload, extension
            )
        seq = self._rtx_seq
        self._rtx_seq += 1
        payload = pack("!H", sent.seq & 0xFFFF) + sent.payload
        return build_rtp(self.rtx_pt, sent.marker, seq, sent.ts + self.ts_origin, self.rtx_ssrc, payload, extension)

    def sender_report(self, ntp_time: int, ts: int) -> bytes:
        """SR and SDES: `ts` (from the stream's zero) happened at `ntp_time`."""
        report = build_sr(self.ssrc, ntp_time, ts + self.ts_origin, self.packets, self.octets)
        return report + build_sdes(self.ssrc, self.cname)
