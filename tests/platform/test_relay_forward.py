"""One programme for a viewer while publishers come and go: no holes, no steps back, across every wrap."""

from __future__ import annotations

import itertools

import pytest

from seller_console.platform.relay_forward import Piece, Programme, ViewerLine
from seller_console.rtc.keyframes import KeyframeGate
from seller_console.rtc.outbound import HISTORY, Outbound, ntp
from seller_console.rtc.payload import pack_h264
from seller_console.rtc.wire import Rtp, SenderReport

IDR = pack_h264(b"\0\0\0\1\x67spsps\0\0\0\1\x68pps\0\0\0\1\x65" + b"i" * 2_500)
DELTA = pack_h264(b"\0\0\0\1\x61" + b"d" * 1_900)


class Camera:
    """A publisher's packets, with its own numbers."""

    def __init__(self, seq: int, ts: int) -> None:
        self.seq, self.ts = seq, ts

    def frame(self, programme: Programme, now_s: float, keyframe: bool = False) -> list[Piece]:
        payloads = IDR if keyframe else DELTA
        pieces = []
        for index, payload in enumerate(payloads):
            marker = int(index == len(payloads) - 1)
            pieces.append(programme.place("video", "H264", self.seq, self.ts % 2**32, marker, payload, now_s))
            self.seq += 1
        self.ts += 3_000
        return pieces


def viewer(first_seq: int = 65_530, ts_origin: int = 0xFFFF_F000) -> tuple[ViewerLine, Outbound]:
    outbound = Outbound(pt=102, clock=90_000, cname="v", rtx_pt=103, first_seq=first_seq, ts_origin=ts_origin)
    return ViewerLine("video", {"H264": outbound}), outbound


def show(line: ViewerLine, pieces: list[Piece]) -> list[Rtp]:
    sent = [line.take(piece) for piece in pieces]
    return [Rtp(line.outbound.serialise(one)) for one in sent if one is not None]


def steps(packets: list[Rtp]) -> tuple[set[int], list[int]]:
    """(steps of the sequence number, steps of the timestamp), modulo their width."""
    pairs = list(itertools.pairwise(packets))
    return (
        {(b.seq - a.seq) % 65_536 for a, b in pairs},
        [(b.ts - a.ts) % 2**32 for a, b in pairs],
    )


def test_a_viewer_notices_nothing_when_the_publisher_is_replaced() -> None:
    programme = Programme(100.0)
    line, _ = viewer()
    seen: list[Rtp] = []
    now_s = 100.0
    for seq, ts in ((65_500, 2**32 - 9_000), (12, 77), (40_000, 2**31)):
        programme.begin()
        camera = Camera(seq, ts)
        for index in range(40):
            seen += show(line, camera.frame(programme, now_s, keyframe=index == 0))
            now_s += 1 / 30
        now_s += 1.5  # nobody is on
    seq_steps, ts_steps = steps(seen)
    assert seq_steps == {1}, "a hole would be waited for"
    assert all(step < 2**31 for step in ts_steps), "time never runs back"
    assert sum(ts_steps) == pytest.approx((now_s - 100.0 - 1.5) * 90_000, abs=9_000)
    assert len({packet.ssrc for packet in seen}) == 1


def test_nothing_is_shown_before_a_picture_a_decoder_can_begin_with() -> None:
    programme = Programme(0.0)
    programme.begin()
    camera = Camera(5, 5)
    line, _ = viewer()
    assert show(line, camera.frame(programme, 0.0)) == []
    assert line.waiting
    assert len(show(line, camera.frame(programme, 0.1, keyframe=True))) == len(IDR)
    assert not line.waiting


def test_dropping_to_the_next_keyframe_leaves_no_gap() -> None:
    programme = Programme(0.0)
    programme.begin()
    camera = Camera(9, 9)
    line, _ = viewer()
    seen = show(line, camera.frame(programme, 0.0, keyframe=True))
    line.wait()
    for index in range(1, 20):
        assert show(line, camera.frame(programme, index / 30)) == []
    seen += show(line, camera.frame(programme, 1.0, keyframe=True))
    assert steps(seen)[0] == {1}


def test_a_packet_repaired_late_lands_in_its_own_place() -> None:
    programme = Programme(0.0)
    programme.begin()
    camera = Camera(65_533, 0)
    line, _ = viewer(first_seq=65_533)
    pieces = camera.frame(programme, 0.0, keyframe=True) + camera.frame(programme, 0.03)
    late = pieces.pop(2)
    packets = show(line, [*pieces, late])
    in_order = sorted(packets, key=lambda packet: (packet.seq - 65_533) % 65_536)
    assert steps(in_order)[0] == {1}
    assert packets[-1].payload == late.payload


def test_a_late_packet_of_the_publisher_before_is_not_shown() -> None:
    programme = Programme(0.0)
    programme.begin()
    old = Camera(1_000, 1_000)
    line, _ = viewer()
    seen = show(line, old.frame(programme, 0.0, keyframe=True))
    stray = old.frame(programme, 0.03)
    programme.begin()
    seen += show(line, Camera(3, 3).frame(programme, 0.1, keyframe=True))
    assert show(line, stray) == []
    assert steps(seen)[0] == {1}


def test_what_a_viewer_lost_is_found_in_its_history_and_nothing_else_is() -> None:
    programme = Programme(0.0)
    programme.begin()
    camera = Camera(7, 7)
    line, outbound = viewer(first_seq=65_000)
    packets = show(line, camera.frame(programme, 0.0, keyframe=True))
    for index in range(1_200):
        packets += show(line, camera.frame(programme, index / 30))
    for packet in packets[-HISTORY + 1 :]:
        sent = outbound.find(packet.seq)
        assert sent is not None
        repaired = Rtp(outbound.repair(sent))
        assert repaired.pt == 103
        assert repaired.payload == packet.seq.to_bytes(2, "big") + packet.payload
    for gone in (*packets[: -HISTORY - 10][:5], packets[-HISTORY - 10]):
        assert outbound.find(gone.seq) is None
    assert outbound.find((packets[-1].seq + 1) % 65_536) is None


def test_lips_and_voice_stay_together_by_the_publishers_own_reports() -> None:
    """The publisher's picture left its camera 300 ms before its packets came; sound came at once."""
    programme = Programme(1_000.0)
    programme.begin()
    wall_s = 50_000.0
    for index in range(60):
        capture_s = index / 30
        programme.place("audio", "OPUS", index, int(capture_s * 48_000) + 5, 0, b"s", 1_000.0 + capture_s)
        late_s = 1_000.3 + capture_s
        programme.place("video", "H264", index, int(capture_s * 90_000) + 9, 1, IDR[0], late_s)
    now_s = 1_002.3
    programme.heard_report("audio", SenderReport(1, ntp(wall_s), 5, 0, 0), now_s)
    programme.heard_report("video", SenderReport(2, ntp(wall_s), 9, 0, 0), now_s)
    video, audio = programme.ts_now("video", now_s), programme.ts_now("audio", now_s)
    assert video is not None
    assert audio is not None
    # video was placed 300 ms later on our line: the reports say so, and a player lines the two up again
    assert video / 90_000 - audio / 48_000 == pytest.approx(0.3, abs=0.001)


def test_without_reports_the_lines_go_by_arrival() -> None:
    programme = Programme(0.0)
    assert programme.ts_now("video", 1.0) is None
    programme.begin()
    programme.place("video", "H264", 1, 4_000, 1, IDR[0], 2.0)
    assert programme.ts_now("video", 2.5) == pytest.approx(2.5 * 90_000, abs=1)


def test_another_codec_makes_a_viewer_that_cannot_play_it_foreign() -> None:
    programme = Programme(0.0)
    programme.begin()
    line, _ = viewer()
    assert show(line, Camera(1, 1).frame(programme, 0.0, keyframe=True))
    programme.begin()
    piece = programme.place("video", "VP8", 1, 1, 1, bytes([0x90, 0x80, 0x81, 0x02]) + b"\x10key", 1.0)
    assert piece.start
    assert line.take(piece) is None
    assert line.foreign


def test_a_viewer_of_two_codecs_changes_between_them_without_a_gap() -> None:
    outbounds = {
        name: Outbound(pt=pt, clock=90_000, cname="v", ssrc=9, first_seq=10, ts_origin=0)
        for name, pt in (("H264", 102), ("VP8", 96))
    }
    line = ViewerLine("video", outbounds)
    programme = Programme(0.0)
    programme.begin()
    seen = show(line, Camera(1, 1).frame(programme, 0.0, keyframe=True))
    programme.begin()
    piece = programme.place("video", "VP8", 1, 1, 1, bytes([0x90, 0x80, 0x81, 0x02]) + b"\x10key", 1.0)
    seen += show(line, [piece])
    assert [packet.pt for packet in seen] == [102] * len(IDR) + [96]
    assert steps(seen)[0] == {1}


def test_keyframes_are_asked_at_once_then_every_half_second_until_one_comes() -> None:
    gate = KeyframeGate()
    asked = []
    gate.want()
    for tick in range(100):
        now_s = tick * 0.02
        gate.want()
        if gate.due(now_s):
            asked.append(round(now_s, 2))
    assert asked == [0.0, 0.5, 1.0, 1.5]
    gate.came()
    assert not gate.due(10.0)
