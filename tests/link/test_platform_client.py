"""The road to the platform, against the real program: nothing lost, nothing twice, each reason its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from seller_console.contract import commands as c
from seller_console.contract.words import Accepted, LotDraft, Refusal
from seller_console.link.platform import Address, ClockSample, PlatformClient, Unanswered, fastest

from .conftest import Heard, address_of, until

pytestmark = pytest.mark.processes

Start = Callable[..., tuple[Any, Any]]


@contextlib.asynccontextmanager
async def following(
    address: Address, heard: Heard, transport: httpx.AsyncBaseTransport | None = None
) -> AsyncIterator[PlatformClient]:
    client = PlatformClient(address, heard, transport=transport)
    task = asyncio.create_task(client.run())
    try:
        yield client
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_what_one_console_says_every_console_hears_once_and_in_order(start_platform: Start) -> None:
    _, place = start_platform("--show", "Dimanche")
    first, second = Heard(), Heard()
    async with following(address_of(place), first) as client, following(address_of(place), second):
        await until(lambda: first.road == second.road == "connected")
        for n in range(20):
            answer = await client.say(c.AddLot(lot=LotDraft(title=f"Lot {n}")))
            assert isinstance(answer, Accepted)
        await until(lambda: len(second.state.lots) == 20 and len(first.state.lots) == 20)
    assert first.seqs == second.seqs == list(range(1, max(first.seqs) + 1))
    assert first.who is not None and first.who.role == "owner"
    assert first.state.title == "Dimanche"


async def test_a_refusal_is_an_answer_and_says_why(start_platform: Start) -> None:
    _, place = start_platform()
    heard = Heard()
    async with following(address_of(place), heard) as client:
        await until(lambda: heard.road == "connected")
        answer = await client.say(c.StartAuction())
    assert isinstance(answer, Refusal)
    assert answer.code and answer.sentence


@pytest.mark.warns("")
async def test_a_platform_killed_and_started_anew_loses_no_row_and_repeats_none(start_platform: Start) -> None:
    program, place = start_platform()
    heard = Heard()
    async with following(address_of(place), heard) as client:
        await until(lambda: heard.road == "connected")
        for n in range(5):
            await client.say(c.AddLot(lot=LotDraft(title=f"avant {n}")))
        os.kill(program.pid, signal.SIGKILL)
        program.wait()
        waiting = asyncio.create_task(client.say(c.AddLot(lot=LotDraft(title="pendant"))))
        await until(lambda: heard.road == "away")
        _, again = start_platform()
        assert again.url == place.url and again.secret == place.secret
        answer = await asyncio.wait_for(waiting, 15)
        assert isinstance(answer, Accepted)
        await until(lambda: heard.road == "connected" and heard.seqs[-1] >= answer.seq)
    assert heard.began == 1, "the fold goes on where it was"
    assert heard.seqs == list(range(1, heard.seqs[-1] + 1))
    assert [lot.lot.title for lot in heard.state.lots.values()].count("pendant") == 1


class Breaks(Heard):
    """Breaks at a row, so many times; until then it has taken half of it."""

    def __init__(self, at: str, times: int) -> None:
        super().__init__()
        self._at, self.left = at, times

    def row(self, stamped: Any) -> None:
        super().row(stamped)
        if self.left and getattr(getattr(stamped.event, "lot", None), "title", "") == self._at:
            self.left -= 1
            self.state.lots.clear()
            raise ZeroDivisionError


@pytest.mark.parametrize("times", [1, 2])
async def test_a_row_at_which_the_listener_breaks_is_read_anew_once_and_then_passed_over(
    start_platform: Start, times: int
) -> None:
    _, place = start_platform()
    sane, heard = Heard(), Breaks("b", times)
    async with following(address_of(place), sane) as client:
        await until(lambda: sane.road == "connected")
        for title in "abc":
            await client.say(c.AddLot(lot=LotDraft(title=title)))
        other = PlatformClient(address_of(place), heard)
        for n in range(times):
            with pytest.raises(ExceptionGroup):
                await asyncio.wait_for(other.run(), 10)
            assert heard.began == n + 1 and heard.road == "connecting"
        going = asyncio.create_task(other.run())
        try:
            await until(lambda: heard.road == "connected")
        finally:
            going.cancel()
            await asyncio.wait((going,))
    assert heard.began == 2, "one whole reading, not one for each time it breaks"
    assert [lot.lot.title for lot in heard.state.lots.values()] == (list("abc") if times == 1 else ["c"])
    assert heard.seqs == sane.seqs, "none twice, none left out"


class AnswersLost(httpx.AsyncHTTPTransport):
    """A road that loses the answer of the first tries of every command, after the platform took it."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.left = times
        self.keys: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await super().handle_async_request(request)
        if request.method == "POST":
            self.keys.append(request.headers["Idempotency-Key"])
            if self.left:
                self.left -= 1
                await answer.aread()
                raise httpx.ReadError("the answer was lost")
        return answer


async def test_a_command_whose_answer_is_lost_is_asked_again_and_done_once(start_platform: Start) -> None:
    _, place = start_platform()
    heard, road = Heard(), AnswersLost(3)
    async with following(address_of(place), heard, road) as client:
        await until(lambda: heard.road == "connected")
        answer = await client.say(c.AddLot(lot=LotDraft(title="une fois")))
        assert isinstance(answer, Accepted)
        await until(lambda: heard.seqs[-1] >= answer.seq)
    assert len(road.keys) == 4 and len(set(road.keys)) == 1
    assert len(heard.state.lots) == 1


async def test_a_press_does_not_wait_longer_than_its_patience(start_platform: Start) -> None:
    _, place = start_platform()
    heard, road = Heard(), AnswersLost(10_000)
    async with following(address_of(place), heard, road) as client:
        await until(lambda: heard.road == "connected")
        with pytest.raises(Unanswered):
            await client.say(c.GoLive(), patience_s=0.3)


async def test_edits_said_in_turn_keep_their_order(start_platform: Start) -> None:
    _, place = start_platform()
    heard, road = Heard(), AnswersLost(2)
    async with following(address_of(place), heard, road) as client:
        await until(lambda: heard.road == "connected")
        await asyncio.gather(*(client.say_in_turn(c.AddLot(lot=LotDraft(title=f"{n}"))) for n in range(10)))
        await until(lambda: len(heard.state.queue) == 10)
    titles = [heard.state.lots[lot_id].lot.title for lot_id in heard.state.queue]
    assert titles == [str(n) for n in range(10)]


async def test_a_wrong_pass_is_told_from_a_platform_that_is_not_there(start_platform: Start) -> None:
    _, place = start_platform()
    wrong = Heard()
    async with following(Address(place.url, "x" * 43), wrong):
        await until(lambda: wrong.road == "away")
    assert wrong.roads[-1].reason == "wrong_pass"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nobody = Heard()
        async with following(Address(f"http://127.0.0.1:{taken.getsockname()[1]}", "x"), nobody):
            await until(lambda: nobody.road == "away")
    assert nobody.roads[-1].reason == "unreachable"


async def _serve_once(answer: bytes) -> tuple[asyncio.Server, str]:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    return server, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize("body", [b'{"ok":true,"contract":999,"version":"9","show_id":"s"}', b"<html>hello</html>"])
async def test_another_contract_and_another_program_are_said_as_such(body: bytes) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body)
    server, url = await _serve_once(head + body)
    heard = Heard()
    async with following(Address(url, "x"), heard):
        await until(lambda: heard.road == "away")
    server.close()
    assert heard.roads[-1].reason == "version"


async def test_the_clock_is_the_platforms_within_a_few_milliseconds(start_platform: Start) -> None:
    _, place = start_platform()
    heard = Heard()
    async with following(address_of(place), heard) as client:
        await until(lambda: heard.road == "connected")
        answer = await client.say(c.AddLot(lot=LotDraft(title="maintenant")))
        now_ms = time.monotonic() * 1000 + heard.offsets[-1]
        assert isinstance(answer, Accepted)
    assert -(heard.rtts[-1] / 2 + 2) <= now_ms - answer.at_ms < 5_000


def test_the_fastest_of_the_samples_sets_the_clock() -> None:
    samples = [ClockSample(10.0, 10.200, 5_000), ClockSample(11.0, 11.010, 5_900), ClockSample(12.0, 12.080, 7_300)]
    best = fastest(samples)
    assert best is samples[1]
    assert best.offset_ms == pytest.approx(5_900 - 11_005)


async def test_another_show_is_opened_and_followed(start_platform: Start) -> None:
    _, place = start_platform("--show", "Un")
    heard = Heard()
    async with following(address_of(place), heard) as client:
        await until(lambda: heard.road == "connected")
        show = await client.open_show("Deux")
        assert show
        await until(lambda: heard.state.title == "Deux")
    assert heard.began == 2
    assert heard.seqs == list(range(1, heard.seqs[-1] + 1))
