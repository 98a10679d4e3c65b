"""A viewer that cannot keep up harms itself at most: its picture is thinned, then it is cut."""

from __future__ import annotations

import asyncio
import errno
import itertools
from collections.abc import AsyncIterator

import psutil
import pytest

from seller_console.platform.relay import RelayNote, RelayRefused, RelayStats, SessionEnded
from seller_console.platform.relay_forward import Piece, Programme
from seller_console.platform.relay_process import Switch
from seller_console.platform.relay_sessions import Viewer, read_offer
from seller_console.rtc.payload import pack_h264
from seller_console.rtc.receiving import Receiving
from seller_console.rtc.wire import Block, Rtp, build_pli, build_rr

IDR = pack_h264(b"\0\0\0\1\x67spsps\0\0\0\1\x68pps\0\0\0\1\x65" + b"i" * 900)[0]
DELTA = pack_h264(b"\0\0\0\1\x61" + b"d" * 900)[0]


class Stage:
    """One viewer whose socket is ours: what is sent lands in `sent`, `unsent` is what the kernel refused."""

    def __init__(self, viewer: Viewer) -> None:
        self.viewer = viewer
        self.programme = Programme(0.0)
        self.programme.begin()
        self.sent: list[Rtp] = []
        self.unsent = 0
        self.gone: list[str] = []
        self.asked = 0
        self.index = 0
        viewer.peer.state = "connected"
        viewer.peer.send_rtp = self._send  # type: ignore[method-assign]
        viewer.peer.send_rtcp = lambda packet: True  # type: ignore[method-assign]
        viewer.peer.unsent_bytes = lambda: self.unsent  # type: ignore[method-assign]

    def _send(self, packet: bytes) -> bool:
        self.sent.append(Rtp(packet))
        return True

    def frame(self, now_s: float, keyframe: bool = False) -> int:
        """How many packets of this picture the viewer was sent."""
        before = len(self.sent)
        payload = IDR if keyframe else DELTA
        piece: Piece = self.programme.place("video", "H264", self.index, self.index * 3_000, 1, payload, now_s)
        self.index += 1
        self.viewer.peer.heard_at_s = now_s
        self.viewer.forward(piece, now_s)
        self.viewer.tick(now_s, self.programme)
        return len(self.sent) - before


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    receiving = Receiving(on_received=lambda _: None, on_state=lambda _: None)
    staged: list[Stage] = []
    viewer = Viewer(
        "session-of-a-test",
        read_offer(await receiving.offer()),
        only_codec="H264",
        like_profile="42e01f",
        on_keyframe_wanted=lambda: setattr(staged[0], "asked", staged[0].asked + 1),
        on_gone=lambda _, reason: staged[0].gone.append(reason),
    )
    staged.append(Stage(viewer))
    yield staged[0]
    await viewer.peer.close()
    await receiving.close()


async def test_a_full_queue_drops_to_the_next_keyframe_and_is_cut_after_ten_seconds(stage: Stage) -> None:
    assert stage.frame(0.0, keyframe=True)
    assert stage.frame(0.1)
    stage.unsent = 10_000_000
    stage.frame(0.2)
    asked = stage.asked
    assert not any(stage.frame(0.3 + index / 30) for index in range(60))
    stage.unsent = 0
    stage.frame(2.5)
    assert stage.asked > asked, "room again: a picture to begin with is asked for"
    assert not stage.frame(2.6)
    assert stage.frame(2.7, keyframe=True)
    assert stage.frame(2.8)
    seqs = [packet.seq for packet in stage.sent]
    assert [(b - a) % 65_536 for a, b in itertools.pairwise(seqs)] == [1] * (len(seqs) - 1)
    stage.unsent = 10_000_000
    for index in range(120):
        stage.frame(3.0 + index / 10)
    assert stage.gone == ["too_slow"]


async def test_a_silent_viewer_is_forgotten_after_ten_seconds(stage: Stage) -> None:
    stage.frame(100.0, keyframe=True)
    for index in range(11):
        stage.viewer.tick(100.0 + index, stage.programme)
        assert bool(stage.gone) == (index > 10)
    stage.viewer.tick(111.0, stage.programme)
    assert stage.gone == ["silent"]


async def test_one_viewer_cannot_make_the_publisher_send_keyframes_without_end(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = 1_000.0
    monkeypatch.setattr("seller_console.platform.relay_sessions.time.monotonic", lambda: now_s)
    stage.frame(now_s, keyframe=True)
    ssrc = stage.sent[0].ssrc
    for _ in range(200):
        now_s += 0.1
        stage.viewer._rtcp(build_pli(1, ssrc))
    assert 10 <= stage.asked <= 14, "one in two seconds, and three to begin with"


async def test_a_viewer_that_loses_a_quarter_gets_a_rest_and_then_a_fresh_picture(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = 1_000.0
    monkeypatch.setattr("seller_console.platform.relay_sessions.time.monotonic", lambda: now_s)
    stage.frame(now_s, keyframe=True)
    ssrc = stage.sent[0].ssrc
    shown: list[bool] = []
    for index in range(60):
        now_s += 0.1
        if index % 10 == 0:
            stage.viewer._rtcp(build_rr(1, [Block(ssrc, 0.4, 0, 0, 0, 0, 0)]))
        shown.append(bool(stage.frame(now_s, keyframe=index % 15 == 14)))
    assert all(shown[:30]), "three seconds of grace"
    assert not any(shown[30:50]), "two seconds of rest"
    assert any(shown[50:]), "then a fresh picture"
    assert stage.gone == []


async def test_of_a_session_only_so_many_candidates_are_tried() -> None:
    """Each is paired with each of ours: nine hundred of them held every viewer's picture up for seconds."""
    switch = Switch(lambda note: None, 5)
    receiving = Receiving(on_received=lambda _: None, on_state=lambda _: None)
    offer = await receiving.offer()
    session = await switch.view(offer)
    many = [f"a=candidate:{n} 1 udp 1 10.1.{n // 250}.{n % 250 + 1} 9 typ host" for n in range(900)]
    for part in (many[:450], many[450:]):
        await switch.patch(session["session_id"], "\r\n".join(part), session["etag"])
    peer = switch._viewers[session["session_id"]].peer
    assert 20 < len(peer._agent.remote_candidates) <= 30
    await switch.close()
    await receiving.close()


async def test_viewers_who_come_at_once_have_as_many_places_as_those_who_come_one_by_one() -> None:
    notes: list[RelayNote] = []
    switch = Switch(notes.append, 2)
    receivings = [Receiving(on_received=lambda _: None, on_state=lambda _: None) for _ in range(5)]
    offers = [await receiving.offer() for receiving in receivings]
    answers = await asyncio.gather(*(switch.view(offer) for offer in offers), return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, RelayRefused)]
    assert [answer.code for answer in refused] == ["full"] * 3
    opened = [answer for answer in answers if isinstance(answer, dict)]
    assert switch.delete(opened[0]["session_id"]) == {"closed": True}
    assert notes == [SessionEnded(session_id=opened[0]["session_id"])]
    await switch.close()
    for receiving in receivings:
        await receiving.close()


class _NoFileLeft(psutil.Process):
    def cpu_percent(self, interval: float | None = None) -> float:
        raise OSError(errno.EMFILE, "Too many open files")


@pytest.mark.warns("cost_unknown")
async def test_a_relay_that_cannot_read_its_own_cost_goes_on() -> None:
    notes: list[RelayNote] = []
    switch = Switch(notes.append, 2)
    switch._me = _NoFileLeft()
    switch._count(switch._stats_at_s + 1.0)
    assert [note.rss_mb for note in notes if isinstance(note, RelayStats)] == [0.0]
