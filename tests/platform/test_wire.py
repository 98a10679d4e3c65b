"""Connections that cost and say nothing: heads that do not end, too many of one address, too many feeds."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from seller_console.contract import routes
from seller_console.platform import wire
from seller_console.platform.wire import Connections

from .conftest import MakeTown, Town, until
from .sse import listening


async def connected(town: Town) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, _, port = town.url.removeprefix("http://").partition(":")
    return await asyncio.open_connection(host, int(port))


async def is_cut(reader: asyncio.StreamReader, within_s: float = 5.0) -> bool:
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(within_s):
            while await reader.read(65_536):
                continue
    return True


async def test_a_head_that_does_not_end_is_cut_off(town: Town) -> None:
    reader, writer = await connected(town)
    writer.write(b"GET /api/time HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Long: ")
    cut = asyncio.create_task(is_cut(reader))
    with contextlib.suppress(ConnectionError):
        for _ in range(60):
            writer.write(b"x" * 1000)
            await writer.drain()
            await asyncio.sleep(0)
    assert await cut
    writer.close()
    assert (await town.client().get(routes.TIME)).status_code == 200


@pytest.mark.parametrize("said", [b"", b"GET /api/time HTT", b"GET /api/time HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nGET /"])
async def test_a_head_that_takes_its_time_is_cut_off(town: Town, monkeypatch: pytest.MonkeyPatch, said: bytes) -> None:
    monkeypatch.setattr(wire, "HEAD_S", 0.3)
    reader, writer = await connected(town)
    writer.write(said)
    assert await is_cut(reader)
    writer.close()


async def test_a_body_may_take_longer_than_a_head(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "HEAD_S", 0.2)
    reader, writer = await connected(town)
    path = routes.at(routes.JOIN, town.show)
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 18\r\n\r\n"
    writer.write(head.encode())
    await asyncio.sleep(0.5)
    writer.write(b'{"nickname":"Ana"}')
    assert (await reader.readline()).split()[1] == b"200"
    writer.close()


async def test_one_address_has_so_many_connections(make_town: MakeTown) -> None:
    town = await make_town(connections=Connections(5))
    open_ones = [await connected(town) for _ in range(5)]
    reader, writer = await connected(town)
    assert await is_cut(reader)
    writer.close()
    for _, earlier in open_ones[:2]:
        earlier.close()
    await until(lambda: town.connections.count("127.0.0.1") == 3)
    assert (await town.client().get(routes.TIME)).status_code == 200
    for _, earlier in open_ones:
        earlier.close()


async def test_a_buyer_has_six_feeds_and_the_newest_stay(town: Town) -> None:
    buyer, other = await town.buyer(), await town.buyer("Max")
    theirs = await listening(town.url, town.show, other.cookies[routes.BUYER_COOKIE])
    mine = [await listening(town.url, town.show, buyer.cookies[routes.BUYER_COOKIE]) for _ in range(8)]
    await until(lambda: mine[0].ended and mine[1].ended)
    await until(lambda: len(town.room.feed.readers) == 7)
    assert not any(listener.ended for listener in (theirs, *mine[2:]))
    for listener in (theirs, *mine):
        await listener.close()
    await until(lambda: town.room.feed._by_person == {})
