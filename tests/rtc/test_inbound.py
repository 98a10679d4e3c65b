"""What a receiver reports: holes are asked again until they fill or are given up, arrivals are all told."""

from __future__ import annotations

from seller_console.rtc.inbound import Arrivals, Inbound
from seller_console.rtc.wire import Rtp, TransportFeedback, build_rtp, parse_rtcp


def packet(seq: int, ts: int = 0) -> Rtp:
    return Rtp(build_rtp(102, 0, seq, ts, 7, b"x" * 100))


def test_a_hole_is_asked_at_once_then_every_round_trip_then_given_up() -> None:
    inbound = Inbound(7, 90_000)
    inbound.take(packet(65_534), 0.0)
    inbound.take(packet(1), 0.0)
    assert inbound.nacks_due(0.0, 0.1) == [65_535, 0]
    assert inbound.nacks_due(0.05, 0.1) == []
    assert inbound.nacks_due(0.13, 0.1) == [65_535, 0]
    assert inbound.take(packet(0), 0.15, repair=True) == 65_536
    assert inbound.nacks_due(0.30, 0.1) == [65_535]
    assert not inbound.gave_up()
    assert inbound.nacks_due(1.5, 0.1) == []
    assert inbound.gave_up()
    assert not inbound.gave_up()


def test_a_duplicate_is_not_passed_on() -> None:
    inbound = Inbound(7, 90_000)
    assert inbound.take(packet(5), 0.0) == 5
    assert inbound.take(packet(5), 0.0) is None
    assert inbound.take(packet(8), 0.0) == 8
    assert inbound.take(packet(6), 0.0) == 6
    assert inbound.take(packet(6), 0.0) is None


def test_an_outage_is_not_asked_for_packet_by_packet() -> None:
    inbound = Inbound(7, 90_000)
    inbound.take(packet(0), 0.0)
    inbound.take(packet(5_000), 1.0)
    assert inbound.nacks_due(1.0, 0.1) == []
    assert inbound.gave_up()


def test_the_report_counts_each_interval_for_itself() -> None:
    inbound = Inbound(7, 90_000)
    for seq in range(100):
        if seq % 4:
            inbound.take(packet(seq, seq * 3_000), seq / 30)
    first = inbound.report(4.0)
    assert 0.20 < first.fraction_lost <= 0.26
    for seq in range(100, 200):
        inbound.take(packet(seq, seq * 3_000), seq / 30)
    assert inbound.report(8.0).fraction_lost == 0.0


def test_every_arrival_is_told_once_holes_included() -> None:
    arrivals = Arrivals()
    told: dict[int, bool] = {}
    lost = {3, 40, 41, 42, 90, 150}
    wide = 65_480
    for index in range(200):
        if index not in lost:
            arrivals.take((wide + index) % 65_536, 100 + index * 0.01)
        if index % 17 == 16 or index == 199:
            data = arrivals.feedback(1, 2)
            if data is None:
                continue
            (feedback,) = parse_rtcp(data)
            assert isinstance(feedback, TransportFeedback)
            for offset, arrived in enumerate(feedback.arrivals):
                number = (feedback.base_seq + offset - wide) % 65_536
                told[number] = told.get(number, False) or arrived is not None
    assert told == {index: index not in lost for index in range(200)}
    assert arrivals.feedback(1, 2) is None
