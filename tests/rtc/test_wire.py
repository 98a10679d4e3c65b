"""RTP and RTCP bytes: what goes out comes back, numbers wrap, nonsense is refused."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seller_console.rtc import wire
from seller_console.rtc.wire import SEQUENCE, TIMESTAMP, Block, Rtp, Unwrapper

u16, u32 = st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF)


@given(start=u32, steps=st.lists(st.integers(-2_000, 100_000), max_size=200))
def test_a_counter_that_wraps_is_followed_whatever_it_started_from(start: int, steps: list[int]) -> None:
    unwrap = Unwrapper(TIMESTAMP)
    truth = start
    assert unwrap(start) == start
    newest = truth
    for step in steps:
        truth = newest + step
        assert unwrap(truth % TIMESTAMP) == truth
        newest = max(newest, truth)


def test_a_late_packet_from_before_the_wrap_keeps_its_place() -> None:
    unwrap = Unwrapper(SEQUENCE)
    assert [unwrap(n) for n in (65_534, 1, 65_535, 0, 2)] == [65_534, 65_537, 65_535, 65_536, 65_538]


@given(
    pt=st.integers(0, 127), marker=st.integers(0, 1), seq=u16, ts=u32, ssrc=u32, payload=st.binary(max_size=1_200),
    values=st.dictionaries(st.integers(1, 14), st.binary(min_size=1, max_size=16), max_size=4),
)  # fmt: skip
def test_a_packet_comes_back_as_it_was_built(
    pt: int, marker: int, seq: int, ts: int, ssrc: int, payload: bytes, values: dict[int, bytes]
) -> None:
    packet = Rtp(wire.build_rtp(pt, marker, seq, ts, ssrc, payload, wire.extension_block(values.items())))
    assert (packet.pt, packet.marker, packet.seq, packet.ts, packet.ssrc) == (pt, marker, seq, ts, ssrc)
    assert packet.payload == payload
    for number, value in values.items():
        assert wire.extension_value(packet, number) == value
    missing = next(number for number in range(1, 15) if number not in values)
    assert wire.extension_value(packet, missing) is None


@given(st.binary(max_size=200))
@settings(max_examples=500)
def test_noise_is_a_value_error_and_nothing_else(noise: bytes) -> None:
    for read in (Rtp, wire.parse_rtcp):
        try:
            read(noise)
        except ValueError:
            continue


@given(cut=st.integers(0, 200), flip=st.integers(0, 199), value=st.integers(0, 255))
@settings(max_examples=500)
def test_damaged_rtcp_is_a_value_error_and_nothing_else(cut: int, flip: int, value: int) -> None:
    whole = (
        wire.build_sr(1, 2, 3, 4, 5) + wire.build_sdes(1, "name") + wire.build_rr(1, [Block(2, 0.5, 3, 4, 5, 6, 7)])
        + wire.build_nack(1, 2, [1, 2, 40]) + wire.build_transport_feedback(1, 2, 3, [1_000, None, 3_000], 4)
        + wire.build_bye([1, 2])
    )  # fmt: skip
    damaged = bytearray(whole)
    damaged[flip % len(whole)] = value
    for data in (whole[:cut], bytes(damaged)):
        try:
            wire.parse_rtcp(data)
        except ValueError:
            continue


@given(first=u16, lost=st.sets(st.integers(0, 400), min_size=1, max_size=80))
def test_what_is_missing_is_asked_for_exactly(first: int, lost: set[int]) -> None:
    asked = [(first + offset) % SEQUENCE for offset in sorted(lost)]
    (nack,) = wire.parse_rtcp(wire.build_nack(1, 2, asked))
    assert isinstance(nack, wire.Nack)
    assert sorted(nack.lost) == sorted(asked)


@given(
    base=u16,
    start_us=st.integers(0, 10**14),
    steps=st.lists(st.one_of(st.none(), st.integers(-60_000, 500_000)), min_size=1, max_size=600),
)
def test_arrivals_come_back_to_a_quarter_of_a_millisecond(base: int, start_us: int, steps: list[int | None]) -> None:
    arrivals: list[int | None] = [start_us]
    at_us = start_us
    for step in steps:
        if step is None:
            arrivals.append(None)
        else:
            at_us = max(0, at_us + step)
            arrivals.append(at_us)
    (feedback,) = wire.parse_rtcp(wire.build_transport_feedback(1, 2, base, arrivals, 0))
    assert isinstance(feedback, wire.TransportFeedback)
    assert feedback.base_seq == base
    assert len(feedback.arrivals) == len(arrivals)
    for reported, true in zip(feedback.arrivals, arrivals, strict=True):
        assert (reported is None) == (true is None)
        if reported is not None and true is not None:
            assert 0 <= (true - reported) % wire.ARRIVAL_US <= 250


def test_a_report_says_what_was_lost() -> None:
    block = Block(ssrc=7, fraction_lost=0.25, lost=-3, highest_seq=70_000, jitter=9, lsr=11, dlsr=13)
    (report,) = wire.parse_rtcp(wire.build_rr(1, [block]))
    assert report == wire.ReceiverReport(1, (block,))


def test_a_keyframe_is_asked_by_pli_and_by_fir_alike() -> None:
    fir = bytes.fromhex("84ce0004 00000001 00000000 00000007 05000000")
    assert wire.parse_rtcp(wire.build_pli(1, 7)) == wire.parse_rtcp(fir) == [wire.KeyframeWanted(7)]


def test_an_estimate_by_remb_is_read() -> None:
    remb = bytes.fromhex("8fce0005 00000001 00000000 52454d42 010a0f42 00000007")
    (found,) = wire.parse_rtcp(remb)
    assert isinstance(found, wire.Remb)
    assert found.bps == 0x20F42 << 2


@pytest.mark.parametrize("count", [1, 2, 7, 15])
def test_a_feedback_of_nothing_received_cannot_be_built(count: int) -> None:
    with pytest.raises(ValueError, match="arrival"):
        wire.build_transport_feedback(1, 2, 3, [None] * count, 0)
