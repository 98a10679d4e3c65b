"""Publishing by WHIP: every refusal has a reason, every loss is followed by a return."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

import pytest

from seller_console.contract.media import AirChanged
from seller_console.engine.publish import Publisher
from seller_console.engine.watch import Viewer
from seller_console.platform.relay import IngestEnded, IngestStarted, Relay, RelayStats
from seller_console.rtc.outbound import Outbound
from tests.fakes import relay_door
from tests.fakes.doorman import doorman, publishing, until
from tests.fakes.studio import Studio, on_air

pytestmark = pytest.mark.media


@pytest.mark.parametrize(
    ("status", "reason", "detail"),
    [
        (401, "refused", "wrong_pass"),
        (403, "refused", "wrong_pass"),
        (404, "refused", "not_found"),
        (409, "refused", "busy"),
        (415, "refused", "offer_rejected"),
        (422, "refused", "offer_rejected"),
        (429, "refused", "too_often"),
        (500, "unreachable", "server_error"),
        (503, "unreachable", "server_error"),
        (302, "refused", "offer_rejected"),
        (200, "refused", "offer_rejected"),
    ],
)
async def test_each_refusal_has_its_words(status: int, reason: str, detail: str) -> None:
    async with doorman() as keeper:
        keeper.status = status
        async with publishing(keeper.url) as (_, said):
            await until(lambda: any(air.reason for air in said))
        air = next(air for air in said if air.reason)
    assert (air.state, air.reason, air.detail) == ("connecting", reason, detail)
    assert air.next_try_ms <= 5_000
    assert said[-1].state == "off"


@pytest.mark.parametrize("answer", ["", "hello", "v=0\r\n", "v=0\r\nm=video 0 UDP/TLS/RTP/SAVPF 102\r\na=mid:0\r\n"])
async def test_an_answer_that_is_none_is_a_refusal_not_a_crash(answer: str) -> None:
    async with doorman() as keeper:
        keeper.status, keeper.body = 201, answer
        async with publishing(keeper.url) as (_, said):
            await until(lambda: any(air.detail == "bad_answer" for air in said))


async def test_nobody_there_is_unreachable_and_tried_at_once_then_ever_slower_but_never_slower_than_5_s() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/whip"
        async with publishing(url) as (_, said):
            await until(lambda: sum(air.reason == "unreachable" for air in said) >= 4)
    waits = [air.next_try_ms for air in said if air.reason]
    assert waits[:4] == [0, 500, 1_000, 2_000]
    assert {air.detail for air in said if air.reason} == {"no_connection"}


async def test_retry_now_skips_the_wait() -> None:
    async with doorman() as keeper:
        keeper.status = 401
        async with publishing(keeper.url) as (publisher, said):
            await until(lambda: any(air.reason for air in said))
            assert next(air for air in said if air.reason).next_try_ms == 5_000
            before = len(keeper.posts)
            publisher.retry_now()
            await until(lambda: len(keeper.posts) > before, within_s=5)


@pytest.fixture
async def relay() -> AsyncIterator[tuple[Relay, list[Any]]]:
    notes: list[Any] = []
    running = Relay(on_note=notes.append)
    await running.start()
    yield running, notes
    await running.stop()


async def test_the_pass_goes_along_and_the_session_is_deleted_at_the_end(relay: tuple[Relay, list[Any]]) -> None:
    running, notes = relay
    async with doorman(running) as keeper:
        keeper.location = "resource/7"
        async with publishing(keeper.url, "s3cret") as (_, said):
            await until(lambda: any(air.state == "on_air" for air in said))
        assert keeper.passes == ["Bearer s3cret"]
        assert keeper.deleted == ["/resource/7"]
    assert [air.state for air in said] == ["connecting", "on_air", "off"]
    assert not [note for note in notes if isinstance(note, IngestStarted)], "not one frame was sent"


async def test_a_redirect_is_followed_with_the_offer_and_the_pass(relay: tuple[Relay, list[Any]]) -> None:
    async with doorman(relay[0]) as keeper:
        async with publishing(keeper.url.replace("/whip", "/moved"), "s3cret") as (_, said):
            await until(lambda: any(air.state == "on_air" for air in said))
        assert keeper.passes == ["Bearer s3cret", "Bearer s3cret"]


async def test_a_circle_of_redirects_ends() -> None:
    async with doorman() as keeper:
        keeper.url = keeper.url.replace("/whip", "/moved")
        async with publishing(keeper.url) as (_, said):
            await until(lambda: any(air.detail == "redirect_loop" for air in said))


async def test_a_far_side_that_falls_silent_is_left_within_four_seconds(relay: tuple[Relay, list[Any]]) -> None:
    running, _notes = relay
    async with doorman(running) as keeper, on_air(keeper.url) as (publisher, _, said):
        await until(lambda: any(air.state == "on_air" for air in said))
        sending = publisher._sending
        assert sending is not None

        async def unanswered(*_: Any, **__: Any) -> None:
            await asyncio.Event().wait()

        sending.peer._agent.on_media = lambda _: None  # nothing they say reaches us
        for pair in sending.peer._agent._nominated.values():
            pair.protocol.request = unanswered
        silent_s = time.monotonic()
        await until(lambda: said[-1].state == "reconnecting", within_s=8)
        assert time.monotonic() - silent_s < 7
        assert (said[-1].reason, said[-1].detail, said[-1].next_try_ms) == ("lost", "silence", 0)
        await until(lambda: said[-1].state == "on_air", within_s=8)
        assert publisher.stats().sessions == 2


async def test_a_goodbye_from_the_server_is_answered_by_coming_back(relay: tuple[Relay, list[Any]]) -> None:
    running, notes = relay
    async with doorman(running) as keeper, on_air(keeper.url) as (publisher, _, said):
        await until(lambda: any(isinstance(note, IngestStarted) for note in notes))
        session = next(note.session_id for note in notes if isinstance(note, IngestStarted))
        assert await running.close_session(session)
        await until(lambda: publisher.stats().sessions == 2 and said[-1].state == "on_air", within_s=5)
    lost = next(air for air in said if air.state == "reconnecting")
    assert (lost.reason, lost.detail) == ("lost", "goodbye")


async def test_every_session_begins_with_a_keyframe_and_counts_go_on(relay: tuple[Relay, list[Any]]) -> None:
    running, notes = relay
    async with doorman(running) as keeper, on_air(keeper.url) as (publisher, studio, _said):
        await until(lambda: publisher.stats().sent_frames > 20)
        sent, idrs = publisher.stats().sent_frames, studio.idrs
        publisher._end_session("goodbye")
        await until(lambda: publisher.stats().sessions == 2 and publisher.stats().sent_frames > sent + 20)
        assert studio.idrs > idrs
        seen = [note for note in notes if isinstance(note, RelayStats) and note.ingest]
        assert seen
    assert next(note.reason for note in notes if isinstance(note, IngestEnded)) in ("closed", "deleted")


async def test_leaving_the_air_takes_at_most_two_seconds_whatever_the_network_does() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(1)
        async with publishing(f"http://127.0.0.1:{deaf.getsockname()[1]}/whip") as (publisher, said):
            await until(lambda: said)
            begun = time.monotonic()
            await publisher.stop()
            assert time.monotonic() - begun < 4
    assert said[-1].state == "off"


async def test_packets_may_come_from_another_thread_and_too_many_are_dropped_to_the_next_keyframe(
    relay: tuple[Relay, list[Any]],
) -> None:
    running, _ = relay
    studio = Studio()
    wanted: list[float] = []
    said: list[AirChanged] = []
    publisher = Publisher(on_air=said.append, on_keyframe_wanted=lambda: wanted.append(time.monotonic()))
    async with doorman(running) as keeper:
        publisher.start(keeper.url)
        await until(lambda: said and said[-1].state == "on_air")
        packets = [studio.encode(index, index * 3_000) for index in range(60)]
        thread = threading.Thread(target=lambda: [publisher.send_video(packet) for packet in packets])
        thread.start()
        thread.join()  # the loop stands still meanwhile: the queue of 8 overflows
        before = len(wanted)
        await until(lambda: len(wanted) > before, within_s=5, saying="a keyframe asked for after the loss")
        stats = publisher.stats()
        assert stats.dropped_frames >= 50
        assert stats.sent_frames + stats.dropped_frames == 60
        studio.want_keyframe()
        sent = stats.sent_frames
        publisher.send_video(studio.encode(60, 60 * 3_000))
        await until(lambda: publisher.stats().sent_frames == sent + 1)
        await publisher.stop()


class _Contended(deque[Any]):
    """Full, and looked at by the loop: the encoder empties it just then, and takes its time before it adds one."""

    def __init__(self) -> None:
        super().__init__()
        self._loop_thread = threading.current_thread()
        self.looked_at, self._emptied = threading.Event(), threading.Event()

    def __len__(self) -> int:
        waiting = super().__len__()
        if threading.current_thread() is self._loop_thread and waiting >= 8 and not self.looked_at.is_set():
            self.looked_at.set()
            self._emptied.wait(0.5)
        return waiting

    def clear(self) -> None:
        super().clear()
        if threading.current_thread() is not self._loop_thread:
            self._emptied.set()
            threading.Event().wait(0.5)


async def test_an_inbox_emptied_by_the_encoder_while_the_loop_empties_it_harms_nobody() -> None:
    packet = Studio(64, 64).encode(0, 0)
    broke: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _loop, context: broke.append(context))
    publisher = Publisher(on_air=lambda _: None, on_keyframe_wanted=lambda: None)
    inbox = publisher._inbox = _Contended()
    publisher._loop = loop  # nothing is on air: what is handed over is counted and dropped

    def encode() -> None:
        inbox.looked_at.wait(5)
        publisher.send_video(packet)

    encoder = threading.Thread(target=encode)
    encoder.start()
    for _ in range(8):
        publisher.send_video(packet)
    await until(lambda: not encoder.is_alive() and publisher.stats().dropped_frames == 9, within_s=10)
    encoder.join()
    assert broke == []


async def test_moving_to_another_door_keeps_the_numbers_going(relay: tuple[Relay, list[Any]]) -> None:
    running, _notes = relay
    async with doorman(running) as first, doorman(running) as second:
        async with on_air(first.url) as (publisher, _, said):
            await until(lambda: publisher.stats().sent_frames > 5)
            publisher.start(second.url)
            await until(lambda: len(second.posts) == 1 and said[-1].state == "on_air" and said[-1].url == second.url)
            await until(lambda: publisher.stats().sent_frames > 20)
        assert first.deleted
        assert second.deleted


async def test_a_publisher_that_was_never_started_stops_quietly() -> None:
    said: list[AirChanged] = []
    publisher = Publisher(on_air=said.append, on_keyframe_wanted=lambda: None)
    await publisher.stop()
    publisher.send_video(Studio().encode(0, 0))
    assert said == []
    assert publisher.stats().dropped_frames == 1


@pytest.mark.warns("aiortc_seams")
async def test_with_a_broken_seam_we_broadcast_by_stock_aiortc_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from seller_console.rtc import proof

    monkeypatch.setattr(proof, "seams", lambda: {"aiortc.something": False})
    async with relay_door.opened() as door:
        viewer = Viewer(door.whep, decode=True)
        watching = asyncio.create_task(viewer.run())
        async with on_air(door.whip) as (publisher, _, _said):
            await until(lambda: viewer.total.changed > 45, within_s=30, saying="a moving picture")
            assert publisher.broken_seams == ("aiortc.something",)
            assert publisher.stats().sessions == 1
        watching.cancel()
        await asyncio.wait([watching])
    assert viewer.total.level_db > -20


async def test_a_step_of_the_wall_clock_does_not_part_sound_and_picture(
    relay: tuple[Relay, list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A laptop that finds its time zone, or summer time, during a show: reports go on by the monotonic clock."""
    zeros: list[tuple[int, float]] = []
    told = Outbound.sender_report

    def reported(line: Outbound, ntp_time: int, ts: int) -> bytes:
        zeros.append((line.clock, ntp_time / 2**32 - ts / line.clock))
        return told(line, ntp_time, ts)

    monkeypatch.setattr(Outbound, "sender_report", reported)
    real = time.time
    running, _notes = relay
    async with doorman(running) as keeper, on_air(keeper.url) as (publisher, _, said):
        for step_h in (0, 8, -1):
            monkeypatch.setattr(time, "time", lambda hours=step_h: real() + hours * 3600)
            reports, sent = len(zeros), publisher.stats().sent_frames
            await until(lambda: {clock for clock, _ in zeros[reports:]} == {90_000, 48_000}, 20)  # noqa: B023
            await until(lambda: publisher.stats().sent_frames > sent + 20, 20)  # noqa: B023
    assert max(zero for _, zero in zeros) - min(zero for _, zero in zeros) < 0.001
    assert [air.state for air in said].count("on_air") == 1
