"""Access units cut into payloads and put together again, in any order, with losses."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seller_console.rtc.payload import (
    PAYLOAD_BYTES,
    h264_starts,
    is_idr,
    is_key,
    nal_units,
    pack_h264,
    pack_vp8,
    starts_picture,
    unpack_h264,
    unpack_vp8,
    vp8_starts,
)
from seller_console.rtc.receiving import Assembler, Received
from seller_console.rtc.wire import Rtp, build_rtp


def unit(kind: int, size: int) -> bytes:
    return bytes([0x60 | kind]) + bytes(1 + (i * 7) % 255 for i in range(max(1, size)))


def access_unit(*units: bytes) -> bytes:
    return b"".join(b"\0\0\0\1" + one for one in units)


units = st.lists(
    st.builds(unit, st.sampled_from([1, 5, 6, 7, 8]), st.one_of(st.integers(1, 40), st.integers(1_100, 6_000))),
    min_size=1,
    max_size=8,
)


@given(units)
@settings(max_examples=200)
def test_an_access_unit_survives_the_cut(parts: list[bytes]) -> None:
    payloads = pack_h264(access_unit(*parts))
    assert all(len(payload) <= PAYLOAD_BYTES for payload in payloads)
    assert list(nal_units(b"".join(unpack_h264(payload) for payload in payloads))) == parts


def test_a_viewer_begins_at_the_parameter_sets() -> None:
    idr = access_unit(unit(7, 20), unit(8, 6), unit(5, 4_000))
    delta = access_unit(unit(1, 900))
    assert is_idr(idr)
    assert not is_idr(delta)
    first, *others = pack_h264(idr)
    assert starts_picture("H264", first, sps_in_band=True)
    assert not any(starts_picture("H264", payload, sps_in_band=True) for payload in [*others, *pack_h264(delta)])
    assert h264_starts(others[0]) == (False, True)
    assert starts_picture("H264", others[0], sps_in_band=False), "no SPS ever comes in band: the IDR must do"


def test_a_vp8_picture_begins_at_its_key_frame() -> None:
    key = bytes([0x90, 0x80, 0x81, 0x02]) + b"\x10rest"
    delta = bytes([0x90, 0x80, 0x81, 0x03]) + b"\x11rest"
    assert vp8_starts(key)
    assert not vp8_starts(delta)
    assert not vp8_starts(bytes([0x80, 0x80, 0x81, 0x02]) + b"\x10rest"), "not the first packet of its frame"
    assert unpack_vp8(key) == b"\x10rest"


def stream(frames: int, first_seq: int = 65_500, gop: int = 10) -> list[Rtp]:
    """Packets of some frames; every `gop`-th is an IDR; numbers wrap on the way."""
    packets = []
    seq = first_seq
    for index in range(frames):
        parts = (unit(7, 10), unit(8, 5), unit(5, 3_000)) if index % gop == 0 else (unit(1, 2_500),)
        payloads = pack_h264(access_unit(*parts))
        for at, payload in enumerate(payloads):
            last = int(at == len(payloads) - 1)
            packets.append(Rtp(build_rtp(102, last, seq, 0xFFFF_F000 + index * 3_000, 1, payload)))
            seq += 1
    return packets


def feed(packets: list[tuple[int, Rtp]]) -> list[Received]:
    assembler = Assembler("H264")
    return [frame for at, packet in packets for frame in assembler.add(at, packet, 0.0)]


@given(st.integers(0, 2**32))
@settings(max_examples=50)
def test_frames_come_out_whole_and_in_order_however_packets_were_shuffled(seed: int) -> None:
    packets = list(enumerate(stream(30)))
    shuffled = packets[:1]
    rest = packets[1:]
    chance = random.Random(seed)
    for begin in range(0, len(rest), 6):
        block = rest[begin : begin + 6]
        chance.shuffle(block)
        shuffled += block
    frames = feed(shuffled)
    assert len(frames) == 30
    assert [frame.ts for frame in frames] == [0xFFFF_F000 + index * 3_000 for index in range(30)]
    assert [frame.keyframe for frame in frames] == [index % 10 == 0 for index in range(30)]


def test_a_frame_is_released_by_its_own_last_packet() -> None:
    packets = stream(1)
    assembler = Assembler("H264")
    out = [assembler.add(seq, packet, float(seq)) for seq, packet in enumerate(packets)]
    assert [len(frames) for frames in out] == [0] * (len(packets) - 1) + [1]


def test_after_a_hole_nothing_is_shown_until_the_next_keyframe() -> None:
    packets = list(enumerate(stream(30)))
    lost = next(at for at, packet in packets if packet.ts == (0xFFFF_F000 + 4 * 3_000) % 2**32)
    assembler = Assembler("H264")
    frames = []
    for at, packet in packets:
        if at != lost:
            frames += assembler.add(at, packet, 0.0)
        if at == lost + 3:
            assembler.give_up()
    shown = [(frame.ts - 0xFFFF_F000) // 3_000 for frame in frames]
    assert shown == [0, 1, 2, 3, *range(10, 30)]


def test_a_decoder_never_starts_in_the_middle() -> None:
    packets = list(enumerate(stream(20)))
    begin = next(at for at, packet in packets if packet.ts == (0xFFFF_F000 + 3 * 3_000) % 2**32)
    frames = feed(packets[begin:])
    assert frames[0].keyframe
    assert len(frames) == 10


@pytest.mark.parametrize("size", [1, 1179, 1180, 5_000, 65_000])
def test_a_vp8_frame_comes_out_as_it_went_in(size: int) -> None:
    frame = bytes(n % 251 for n in range(size))
    payloads = pack_vp8(frame)
    assert all(len(payload) <= PAYLOAD_BYTES for payload in payloads)
    assert max(map(len, payloads)) - min(map(len, payloads)) <= 1
    assert b"".join(map(unpack_vp8, payloads)) == frame
    assert [vp8_starts(payload) for payload in payloads] == [True] + [False] * (len(payloads) - 1)
    assert is_key("VP8", frame) and not is_key("VP8", b"\x31" + frame)
