"""How pictures and sound are cut into RTP payloads, and put together again.

H.264: RFC 6184, packetisation mode 1 (single NAL units, STAP-A, FU-A). VP8: RFC 7741.
Opus: RFC 7587, one packet is one payload. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import pack, unpack_from
from typing import Literal

Codec = Literal["H264", "VP8"]
"""Of the picture, as SDP names it."""
PAYLOAD_BYTES = 1180
"""Largest payload: leaves room for RTP, extensions, RTX, SRTP and a tunnel inside 1,280."""

_START = b"\0\0\0\1"


def nal_units(access_unit: bytes) -> Iterator[bytes]:
    """The NAL units of an Annex B access unit, without start codes."""
    at = access_unit.find(b"\0\0\1")
    while at >= 0:
        begin = at + 3
        at = access_unit.find(b"\0\0\1", begin)
        end = len(access_unit) if at < 0 else at
        while end > begin and access_unit[end - 1] == 0:
            end -= 1
        if end > begin:
            yield access_unit[begin:end]


def is_idr(access_unit: bytes) -> bool:
    """Whether an Annex B access unit holds an IDR slice."""
    at = access_unit.find(b"\0\0\1")
    while 0 <= at < len(access_unit) - 3:
        kind = access_unit[at + 3] & 0x1F
        if kind == 5:
            return True
        if kind == 1:
            return False
        at = access_unit.find(b"\0\0\1", at + 3)
    return False


def pack_h264(access_unit: bytes, limit: int = PAYLOAD_BYTES) -> list[bytes]:
    """Annex B access unit -> payloads, in order; the last one carries the marker."""
    payloads: list[bytes] = []
    small: list[bytes] = []
    small_bytes = 1

    def flush() -> None:
        nonlocal small_bytes
        if len(small) == 1:
            payloads.append(small[0])
        elif small:
            importance = max(unit[0] & 0x60 for unit in small)
            payloads.append(bytes((24 | importance,)) + b"".join(pack("!H", len(unit)) + unit for unit in small))
        small.clear()
        small_bytes = 1

    for unit in nal_units(access_unit):
        if unit[0] & 0x1F == 9:
            continue  # access unit delimiters say nothing RTP does not
        if len(unit) <= limit:
            if small_bytes + 2 + len(unit) > limit:
                flush()
            small.append(unit)
            small_bytes += 2 + len(unit)
            continue
        flush()
        body = memoryview(unit)[1:]
        pieces = -(-len(body) // (limit - 2))
        size, longer = divmod(len(body), pieces)
        indicator = unit[0] & 0xE0 | 28
        kind = unit[0] & 0x1F
        at = 0
        for index in range(pieces):
            step = size + (index < longer)
            head = kind | (0x80 if index == 0 else 0) | (0x40 if index == pieces - 1 else 0)
            payloads.append(bytes((indicator, head)) + body[at : at + step])
            at += step
    flush()
    return payloads


def unpack_h264(payload: bytes) -> bytes:
    """One payload -> the Annex B bytes it adds to its access unit. Raises ValueError."""
    if len(payload) < 2:
        raise ValueError("NAL unit too short")
    kind = payload[0] & 0x1F
    if kind == 28:
        if payload[1] & 0x80:
            return _START + bytes((payload[0] & 0xE0 | payload[1] & 0x1F,)) + payload[2:]
        return payload[2:]
    if kind == 24:
        out = b""
        at = 1
        while at + 2 <= len(payload):
            size = unpack_from("!H", payload, at)[0]
            at += 2
            if at + size > len(payload):
                raise ValueError("truncated aggregate")
            out += _START + payload[at : at + size]
            at += size
        return out
    if 1 <= kind <= 23:
        return _START + payload
    raise ValueError(f"NAL unit type {kind} is not for mode 1")


def h264_starts(payload: bytes) -> tuple[bool, bool]:
    """(holds an SPS, begins an IDR slice): what a decoder can start from."""
    if len(payload) < 2:
        return False, False
    kind = payload[0] & 0x1F
    if kind == 28:
        return False, bool(payload[1] & 0x80) and payload[1] & 0x1F == 5
    if kind == 24:
        sps = idr = False
        at = 1
        while at + 2 < len(payload):
            inner = payload[at + 2] & 0x1F
            sps = sps or inner == 7
            idr = idr or inner == 5
            at += 2 + unpack_from("!H", payload, at)[0]
        return sps, idr
    return kind == 7, kind == 5


def _vp8_header(payload: bytes) -> int:
    if not payload:
        raise ValueError("empty VP8 payload")
    at = 1
    if payload[0] & 0x80:
        if len(payload) < 2:
            raise ValueError("truncated VP8 descriptor")
        flags = payload[1]
        at = 2
        if flags & 0x80:
            if len(payload) <= at:
                raise ValueError("truncated VP8 descriptor")
            at += 2 if payload[at] & 0x80 else 1
        at += bool(flags & 0x40) + bool(flags & 0x30)
    if at > len(payload):
        raise ValueError("truncated VP8 descriptor")
    return at


def unpack_vp8(payload: bytes) -> bytes:
    return payload[_vp8_header(payload) :]


def vp8_starts(payload: bytes) -> bool:
    """Whether this payload begins a VP8 key frame."""
    try:
        at = _vp8_header(payload)
    except ValueError:
        return False
    return bool(payload[0] & 0x10) and payload[0] & 0x0F == 0 and at < len(payload) and not payload[at] & 1


def starts_picture(codec: str, payload: bytes, sps_in_band: bool) -> bool:
    """Whether a viewer can begin here. H.264: at the SPS, or at the IDR when SPS never come in band."""
    if codec == "VP8":
        return vp8_starts(payload)
    sps, idr = h264_starts(payload)
    return sps or (idr and not sps_in_band)


def pack_vp8(frame: bytes, limit: int = PAYLOAD_BYTES) -> list[bytes]:
    """A VP8 frame -> payloads of nearly the same size, each behind the shortest descriptor there is."""
    pieces = max(1, -(-len(frame) // (limit - 1)))
    size, longer = divmod(len(frame), pieces)
    payloads, at = [], 0
    for index in range(pieces):
        step = size + (index < longer)
        payloads.append((b"\x00" if index else b"\x10") + frame[at : at + step])
        at += step
    return payloads


def pack_picture(codec: Codec, data: bytes) -> list[bytes]:
    """An access unit (Annex B) or a VP8 frame -> payloads, in order; the last one carries the marker."""
    return pack_h264(data) if codec == "H264" else pack_vp8(data)


def is_key(codec: str, data: bytes) -> bool:
    """Whether this access unit or VP8 frame can be decoded by itself."""
    return is_idr(data) if codec == "H264" else bool(data) and not data[0] & 1


def unpack(codec: str, payload: bytes) -> bytes:
    if codec == "H264":
        return unpack_h264(payload)
    if codec == "VP8":
        return unpack_vp8(payload)
    return payload
