"""How one programme goes on for its viewers while the publishers behind it come and go.

The `Programme` renumbers whatever ingest is on into one line of pictures and one of
sound that only grow; a `ViewerLine` cuts that line for one viewer without ever
leaving a hole the viewer would wait for. So after a publisher has died and another
has come, each viewer's SSRC, sequence and timestamps go on, and nobody rejoins.

Pure: times are arguments, in seconds of one monotonic clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..rtc.outbound import Outbound, Sent
from ..rtc.payload import h264_starts, starts_picture
from ..rtc.wire import NTP_PER_SECOND, TIMESTAMP, SenderReport, Unwrapper

Kind = Literal["video", "audio"]
CLOCKS: dict[Kind, int] = {"video": 90_000, "audio": 48_000}
SPARE_NUMBERS = 1_000
"""Left between two publishers, so that a late packet of the first never lands in the second."""


@dataclass(slots=True)
class Piece:
    """One packet of the programme. `start`: a decoder may begin here. Numbers never wrap."""

    kind: Kind
    codec: str
    generation: int
    seq: int
    ts: int
    marker: int
    start: bool
    payload: bytes


class _Line:
    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.clock = CLOCKS[kind]
        self.next_seq = 0
        self.last_ts = -1
        self.last_at_s = 0.0
        self.begin()

    def begin(self) -> None:
        """A new publisher: its numbers mean nothing yet."""
        self._unwrap_ts = Unwrapper(TIMESTAMP)
        self._seq_offset: int | None = None
        self._ts_offset: int | None = None
        self.report: SenderReport | None = None
        self.sps_in_band = False

    def place(self, seq: int, ts: int, at_s: float) -> tuple[int, int]:
        if self._seq_offset is None:
            self._seq_offset = self.next_seq + SPARE_NUMBERS - seq
        wide = self._unwrap_ts(ts)
        if self._ts_offset is None:
            after = self.last_ts + self.clock // 50 if self.last_ts >= 0 else 0
            self._ts_offset = max(int(at_s * self.clock), after) - wide
        placed, placed_ts = seq + self._seq_offset, wide + self._ts_offset
        if placed >= self.next_seq:
            self.next_seq = placed + 1
            self.last_ts, self.last_at_s = placed_ts, at_s
        return placed, placed_ts

    def ts_by_report(self, ntp_s: float) -> int | None:
        """Where the publisher's moment `ntp_s` lies on our line, by its last sender report."""
        if self.report is None or self._ts_offset is None:
            return None
        reported_s = self.report.ntp / NTP_PER_SECOND
        return self._unwrap_ts(self.report.rtp_ts) + self._ts_offset + int((ntp_s - reported_s) * self.clock)


class Programme:
    """What all viewers are shown. `zero_s`: the clock's zero, so that timestamps start small."""

    def __init__(self, zero_s: float) -> None:
        self._zero_s = zero_s
        self.generation = 0
        self._lines: dict[Kind, _Line] = {"video": _Line("video"), "audio": _Line("audio")}
        self._offset_s: float | None = None

    def begin(self) -> None:
        """Another publisher is on from now."""
        self.generation += 1
        self._offset_s = None
        for line in self._lines.values():
            line.begin()

    def place(self, kind: Kind, codec: str, seq: int, ts: int, marker: int, payload: bytes, now_s: float) -> Piece:
        """A packet of the publisher that is on; `seq` unwrapped, `ts` as on the wire."""
        line = self._lines[kind]
        if codec == "H264" and not line.sps_in_band and h264_starts(payload)[0]:
            line.sps_in_band = True
        start = kind == "audio" or starts_picture(codec, payload, line.sps_in_band)
        placed, placed_ts = line.place(seq, ts, now_s - self._zero_s)
        return Piece(kind, codec, self.generation, placed, placed_ts, marker, start, payload)

    def heard_report(self, kind: Kind, report: SenderReport, now_s: float) -> None:
        self._lines[kind].report = report
        if self._offset_s is None:
            self._offset_s = now_s - report.ntp / NTP_PER_SECOND

    def ts_now(self, kind: Kind, now_s: float) -> int | None:
        """What a sender report should pair with now, or None before the first packet.

        By the publisher's own reports once both lines have one (that is what keeps
        lips and voice together), by arrival until then.
        """
        line = self._lines[kind]
        if line.last_ts < 0:
            return None
        live = [one for one in self._lines.values() if one.last_ts >= 0]
        if self._offset_s is not None and all(one.report is not None for one in live):
            reported = line.ts_by_report(now_s - self._offset_s)
            if reported is not None:
                return reported
        return line.last_ts + int((now_s - self._zero_s - line.last_at_s) * line.clock)


class ViewerLine:
    """The programme's line of one kind as one viewer sees it.

    `waiting`: pictures are thrown away until one a decoder can begin with. What is
    thrown away leaves no gap in the viewer's numbers.
    """

    def __init__(self, kind: Kind, outbounds: dict[str, Outbound]) -> None:
        """`outbounds`: by codec name, sharing one SSRC when there are several."""
        self.kind = kind
        self._outbounds = outbounds
        first = next(iter(outbounds.values()))
        self.ssrc = first.ssrc
        self.waiting = kind == "video"
        self.foreign = False
        """The publisher's codec is none this viewer agreed to: it must rejoin."""
        self._current = first
        self._generation = -1
        self._offset = 0
        self._floor = 0

    @property
    def outbound(self) -> Outbound:
        return self._current

    def wait(self) -> None:
        self.waiting = True

    def take(self, piece: Piece) -> Sent | None:
        """The packet to send for this piece, or None when this viewer does not get it."""
        if piece.generation != self._generation:
            if piece.generation < self._generation:
                return None
            self._generation = piece.generation
            chosen = self._outbounds.get(piece.codec)
            self.foreign = chosen is None
            if chosen is not None and chosen is not self._current:
                chosen.next_seq = self._current.next_seq
                self._current = chosen
            self.waiting = self.kind == "video"
            self._join(piece)
        if self.foreign:
            return None
        if self.waiting:
            if not piece.start:
                return None
            self.waiting = False
            self._join(piece)
        if piece.seq < self._floor:
            return None
        outbound = self._current
        sent = Sent(piece.seq + self._offset, piece.ts, piece.marker, piece.payload)
        if sent.seq >= outbound.next_seq:
            outbound.next_seq = sent.seq + 1
        outbound.remember(sent)
        return sent

    def _join(self, piece: Piece) -> None:
        self._offset = self._current.next_seq - piece.seq
        self._floor = piece.seq
