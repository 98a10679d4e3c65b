"""The bytes of RTP and RTCP, and counters that wrap.

Pure: bytes in, values out, no sockets and no clock. Parsers raise ValueError on
anything malformed and never read past the end. Sources: RFC 3550 (RTP, SR, RR,
SDES, BYE), RFC 4585 (NACK, PLI), RFC 5104 (FIR), RFC 4588 (RTX), RFC 8285 (header
extensions), draft-holmer-rmcat-transport-wide-cc-extensions-01, draft-alvestrand-rmcat-remb-03.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from struct import Struct, pack, unpack_from

RTP_HEADER = Struct("!BBHLL")
SEQUENCE = 1 << 16
TIMESTAMP = 1 << 32
ARRIVAL_US = (1 << 24) * 64_000
"""Where arrival times in transport-wide feedback wrap (12 days)."""
NTP_PER_SECOND = 1 << 32


class Unwrapper:
    """Numbers that wrap at `modulus`, turned into ones that don't.

    Follows late arrivals backwards as well; a jump is taken the shorter way round.
    """

    __slots__ = ("_last", "_modulus")

    def __init__(self, modulus: int) -> None:
        self._modulus = modulus
        self._last: int | None = None

    def __call__(self, value: int) -> int:
        last = self._last
        if last is None:
            self._last = value
            return value
        step = (value - last) % self._modulus
        if step >= self._modulus // 2:
            return last + step - self._modulus  # older: the anchor stays with the newest
        self._last = last + step
        return last + step


class Rtp:
    """One packet, taken apart; `payload` has no padding left. `extension` is the raw one-byte block."""

    __slots__ = ("extension", "marker", "payload", "profile", "pt", "seq", "ssrc", "ts")

    def __init__(self, data: bytes) -> None:
        if len(data) < 12:
            raise ValueError("shorter than an RTP header")
        first, second, self.seq, self.ts, self.ssrc = RTP_HEADER.unpack_from(data)
        if first >> 6 != 2:
            raise ValueError("not RTP version 2")
        self.marker = second >> 7
        self.pt = second & 0x7F
        start = 12 + 4 * (first & 0x0F)
        end = len(data)
        if first & 0x10:
            if end < start + 4:
                raise ValueError("truncated header extension")
            self.profile, words = unpack_from("!HH", data, start)
            self.extension = data[start + 4 : start + 4 + 4 * words]
            start += 4 + 4 * words
        else:
            self.profile = 0
            self.extension = b""
        if first & 0x20:
            if end <= start or not 0 < data[-1] <= end - start:
                raise ValueError("padding longer than the packet")
            end -= data[-1]
        if start > end:
            raise ValueError("truncated packet")
        self.payload = data[start:end]


def extension_value(packet: Rtp, wanted: int) -> bytes | None:
    """The value of header extension `wanted` (its negotiated id), one-byte or two-byte form."""
    block = packet.extension
    at, end = 0, len(block)
    if packet.profile == 0xBEDE:
        while at < end:
            head = block[at]
            if head == 0:
                at += 1
                continue
            identity = head >> 4
            if identity == 15:
                return None
            size = (head & 0x0F) + 1
            if identity == wanted:
                return block[at + 1 : at + 1 + size]
            at += 1 + size
    elif packet.profile & 0xFFF0 == 0x1000:
        while at + 1 < end:
            if block[at] == 0:
                at += 1
                continue
            size = block[at + 1]
            if block[at] == wanted:
                return block[at + 2 : at + 2 + size]
            at += 2 + size
    return None


def extension_block(values: Iterable[tuple[int, bytes]]) -> bytes:
    """Header and body of a one-byte extension block (ids 1-14, 1-16 bytes each); b"" for none."""
    body = b"".join(bytes(((identity << 4) | (len(value) - 1),)) + value for identity, value in values)
    if not body:
        return b""
    body += b"\0" * (-len(body) % 4)
    return pack("!HH", 0xBEDE, len(body) // 4) + body


def build_rtp(pt: int, marker: int, seq: int, ts: int, ssrc: int, payload: bytes, extension: bytes = b"") -> bytes:
    """`extension` as made by extension_block. seq, ts, ssrc are taken modulo their width."""
    head = RTP_HEADER.pack(
        0x90 if extension else 0x80, (marker << 7) | pt, seq & 0xFFFF, ts & 0xFFFFFFFF, ssrc & 0xFFFFFFFF
    )
    return head + extension + payload


# --- RTCP ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Block:
    """A reception report about one source."""

    ssrc: int
    fraction_lost: float
    lost: int
    highest_seq: int
    jitter: int
    lsr: int
    dlsr: int


@dataclass(frozen=True, slots=True)
class SenderReport:
    ssrc: int
    ntp: int
    rtp_ts: int
    packets: int
    octets: int
    blocks: tuple[Block, ...] = ()


@dataclass(frozen=True, slots=True)
class ReceiverReport:
    ssrc: int
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Nack:
    ssrc: int
    lost: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class KeyframeWanted:
    """PLI or FIR."""

    ssrc: int


@dataclass(frozen=True, slots=True)
class Remb:
    bps: int


@dataclass(frozen=True, slots=True)
class TransportFeedback:
    """Arrivals by transport-wide sequence number; None: not received. Times in µs on the receiver's clock,
    modulo the 24-bit reference time."""

    base_seq: int
    count: int
    arrivals: tuple[int | None, ...]
    """arrivals[i] belongs to (base_seq + i) mod 2^16."""


@dataclass(frozen=True, slots=True)
class Bye:
    ssrcs: tuple[int, ...]


Rtcp = SenderReport | ReceiverReport | Nack | KeyframeWanted | Remb | TransportFeedback | Bye


def _blocks(data: bytes, count: int) -> tuple[Block, ...]:
    if len(data) < 24 * count:
        raise ValueError("truncated reception report")
    found = []
    for at in range(0, 24 * count, 24):
        ssrc, lost_word, highest, jitter, lsr, dlsr = unpack_from("!LLLLLL", data, at)
        lost = lost_word & 0xFFFFFF
        if lost >= 1 << 23:
            lost -= 1 << 24
        found.append(Block(ssrc, (lost_word >> 24) / 256, lost, highest, jitter, lsr, dlsr))
    return tuple(found)


def parse_rtcp(data: bytes) -> list[Rtcp]:
    """Every packet of a compound that we know; others are skipped."""
    found: list[Rtcp] = []
    at, end = 0, len(data)
    while at < end:
        if end - at < 4:
            raise ValueError("truncated RTCP header")
        head, kind, words = unpack_from("!BBH", data, at)
        if head >> 6 != 2:
            raise ValueError("not RTCP version 2")
        after = at + 4 + 4 * words
        if after > end:
            raise ValueError("truncated RTCP packet")
        body = data[at + 4 : after]
        if head & 0x20:
            if not body or not 0 < body[-1] <= len(body):
                raise ValueError("bad RTCP padding")
            body = body[: -body[-1]]
        at = after
        count = head & 0x1F
        if kind == 200:
            if len(body) < 24:
                raise ValueError("truncated sender report")
            ssrc, ntp, rtp_ts, packets, octets = unpack_from("!LQLLL", body)
            found.append(SenderReport(ssrc, ntp, rtp_ts, packets, octets, _blocks(body[24:], count)))
        elif kind == 201:
            if len(body) < 4:
                raise ValueError("truncated receiver report")
            found.append(ReceiverReport(unpack_from("!L", body)[0], _blocks(body[4:], count)))
        elif kind == 203:
            if len(body) < 4 * count:
                raise ValueError("truncated bye")
            found.append(Bye(tuple(unpack_from(f"!{count}L", body))))
        elif kind in (205, 206) and len(body) >= 8:
            media = unpack_from("!L", body, 4)[0]
            rest = body[8:]
            if kind == 205 and count == 1:
                found.append(Nack(media, tuple(_nacked(rest))))
            elif kind == 205 and count == 15:
                found.append(_parse_transport(rest))
            elif kind == 206 and count == 1:
                found.append(KeyframeWanted(media))
            elif kind == 206 and count == 4 and len(rest) >= 8:
                found.extend(KeyframeWanted(unpack_from("!L", rest, i)[0]) for i in range(0, len(rest) - 7, 8))
            elif kind == 206 and count == 15 and rest[:4] == b"REMB" and len(rest) >= 8:
                found.append(Remb((((rest[5] & 3) << 16) | (rest[6] << 8) | rest[7]) << (rest[5] >> 2)))
    return found


def _nacked(body: bytes) -> Iterable[int]:
    for at in range(0, len(body) - 3, 4):
        first, mask = unpack_from("!HH", body, at)
        yield first
        for bit in range(16):
            if mask >> bit & 1:
                yield (first + bit + 1) & 0xFFFF


def _parse_transport(body: bytes) -> TransportFeedback:
    if len(body) < 8:
        raise ValueError("truncated transport feedback")
    base, count, reference = unpack_from("!HHL", body)
    clock_us = (reference >> 8) * 64_000
    symbols: list[int] = []
    at = 8
    while len(symbols) < count:
        if at + 2 > len(body):
            raise ValueError("truncated packet chunks")
        chunk = unpack_from("!H", body, at)[0]
        at += 2
        if not chunk & 0x8000:
            symbols.extend([chunk >> 13 & 3] * min(chunk & 0x1FFF, count - len(symbols)))
        elif chunk & 0x4000:
            symbols.extend(chunk >> shift & 3 for shift in range(12, -2, -2))
        else:
            symbols.extend(chunk >> shift & 1 for shift in range(13, -1, -1))
    arrivals: list[int | None] = []
    for symbol in symbols[:count]:
        if symbol == 1:
            if at + 1 > len(body):
                raise ValueError("truncated deltas")
            clock_us += body[at] * 250
            at += 1
            arrivals.append(clock_us)
        elif symbol == 2:
            if at + 2 > len(body):
                raise ValueError("truncated deltas")
            clock_us += unpack_from("!h", body, at)[0] * 250
            at += 2
            arrivals.append(clock_us)
        else:
            arrivals.append(None)
    return TransportFeedback(base, count, tuple(arrivals))


def _rtcp(kind: int, count: int, body: bytes) -> bytes:
    return pack("!BBH", 0x80 | count, kind, len(body) // 4) + body


def build_report_block(block: Block) -> bytes:
    fraction = min(255, int(block.fraction_lost * 256))
    lost = max(-(1 << 23), min((1 << 23) - 1, block.lost)) & 0xFFFFFF
    return pack(
        "!LLLLLL",
        block.ssrc,
        (fraction << 24) | lost,
        block.highest_seq & 0xFFFFFFFF,
        block.jitter & 0xFFFFFFFF,
        block.lsr,
        block.dlsr & 0xFFFFFFFF,
    )


def build_sr(ssrc: int, ntp: int, rtp_ts: int, packets: int, octets: int) -> bytes:
    body = pack("!LQLLL", ssrc, ntp, rtp_ts & 0xFFFFFFFF, packets & 0xFFFFFFFF, octets & 0xFFFFFFFF)
    return _rtcp(200, 0, body)


def build_rr(ssrc: int, blocks: Sequence[Block]) -> bytes:
    return _rtcp(201, len(blocks), pack("!L", ssrc) + b"".join(build_report_block(block) for block in blocks))


def build_sdes(ssrc: int, cname: str) -> bytes:
    name = cname.encode()
    chunk = pack("!LBB", ssrc, 1, len(name)) + name + b"\0"
    return _rtcp(202, 1, chunk + b"\0" * (-len(chunk) % 4))


def build_bye(ssrcs: Sequence[int]) -> bytes:
    return _rtcp(203, len(ssrcs), pack(f"!{len(ssrcs)}L", *ssrcs))


def build_pli(ssrc: int, media_ssrc: int) -> bytes:
    return _rtcp(206, 1, pack("!LL", ssrc, media_ssrc))


def build_nack(ssrc: int, media_ssrc: int, lost: Sequence[int]) -> bytes:
    """`lost`: sequence numbers, oldest first."""
    body = pack("!LL", ssrc, media_ssrc)
    at = 0
    while at < len(lost):
        first, mask = lost[at], 0
        at += 1
        while at < len(lost) and 0 < (lost[at] - first) & 0xFFFF <= 16:
            mask |= 1 << (((lost[at] - first) & 0xFFFF) - 1)
            at += 1
        body += pack("!HH", first & 0xFFFF, mask)
    return _rtcp(205, 1, body)


def build_transport_feedback(
    ssrc: int, media_ssrc: int, base_seq: int, arrivals_us: Sequence[int | None], number: int
) -> bytes:
    """`arrivals_us[i]`: when base_seq + i arrived, or None; at least one has.

    Deltas beyond ±8 s do not fit the format and are reported as lost.
    """
    first = next((arrival for arrival in arrivals_us if arrival is not None), None)
    if first is None:
        raise ValueError("a feedback needs an arrival")
    reference = first // 64_000
    clock = reference * 256  # in 250 µs
    symbols: list[int] = []
    deltas = bytearray()
    for arrival in arrivals_us:
        if arrival is None:
            symbols.append(0)
            continue
        delta = arrival // 250 - clock
        if 0 <= delta <= 255:
            symbols.append(1)
            deltas.append(delta)
        elif -32768 <= delta <= 32767:
            symbols.append(2)
            deltas += pack("!h", delta)
        else:
            symbols.append(0)
            continue
        clock += delta
    chunks = bytearray()
    at = 0
    while at < len(symbols):
        run = 1
        while at + run < len(symbols) and symbols[at + run] == symbols[at] and run < 0x1FFF:
            run += 1
        if run >= 7 or at + run == len(symbols):
            chunks += pack("!H", symbols[at] << 13 | run)
            at += run
        else:
            word = 0xC000
            for i, symbol in enumerate(symbols[at : at + 7]):
                word |= symbol << (12 - 2 * i)
            chunks += pack("!H", word)
            at += 7
    fci = pack("!HHL", base_seq & 0xFFFF, len(symbols), (reference & 0xFFFFFF) << 8 | number & 0xFF)
    body = fci + bytes(chunks) + bytes(deltas)
    return _rtcp(205, 15, pack("!LL", ssrc, media_ssrc) + body + b"\0" * (-len(body) % 4))
