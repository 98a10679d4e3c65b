"""A real platform in the test's own loop: SQLite, uvicorn, sockets; only the media child stands in."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from seller_console import places
from seller_console.contract import commands as c
from seller_console.contract import routes
from seller_console.contract.codec import decode_accepted, encode
from seller_console.contract.words import Accepted, Struct
from seller_console.platform.app import make_app
from seller_console.platform.main import _server
from seller_console.platform.relay import RelayRefused, Session
from seller_console.platform.shop import Room, Shop
from seller_console.platform.wire import Connections

ANSWER = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"


class StandInRelay:
    """The shape of platform.relay.Relay: it answers at once, or refuses as told. No media."""

    def __init__(self) -> None:
        self.refuses: str = ""
        self.sessions: dict[str, str] = {}
        self._opened = 0
        self.fragments: list[str] = []

    async def _open(self, kind: str) -> Session:
        if self.refuses:
            raise RelayRefused(self.refuses, "as told")  # type: ignore[arg-type]
        self._opened += 1
        session_id = f"{kind}{self._opened}"
        self.sessions[session_id] = '"1"'
        return Session(session_id, ANSWER, '"1"')

    async def ingest(self, offer_sdp: str) -> Session:
        return await self._open("in")

    async def view(self, offer_sdp: str) -> Session:
        return await self._open("out")

    async def patch(self, session_id: str, fragment: str, if_match: str | None = None) -> None:
        if self.refuses:
            raise RelayRefused(self.refuses, "as told")  # type: ignore[arg-type]
        if if_match not in {"*", self.sessions[session_id]}:
            raise RelayRefused("etag_mismatch")
        self.fragments.append(fragment)

    async def close_session(self, session_id: str) -> bool:
        return self.sessions.pop(session_id, None) is not None


class Town:
    """A platform and ways to be somebody on it."""

    def __init__(self, shop: Shop, room: Room, relay: StandInRelay, url: str, connections: Connections) -> None:
        self.shop = shop
        self.room = room
        self.relay = relay
        self.url = url
        self.connections = connections
        self.show = room.show_id
        self.stop: Callable[[], Awaitable[None]] = self.close
        self._clients: list[httpx.AsyncClient] = []
        self._keys = 0

    def client(self, token: str = "") -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        made = httpx.AsyncClient(base_url=self.url, headers=headers, timeout=20)
        self._clients.append(made)
        return made

    @property
    def owner(self) -> httpx.AsyncClient:
        return self.client(self.shop.keys.owner_pass)

    async def staff(self, role: str, name: str = "Marie") -> httpx.AsyncClient:
        admitted = await self.shop.admit(self.room, role, name)  # type: ignore[arg-type]
        assert isinstance(admitted, tuple), admitted
        return self.client(admitted[0])

    async def buyer(self, nickname: str = "Léa") -> httpx.AsyncClient:
        client = self.client()
        answer = await client.post(routes.at(routes.JOIN, self.show), json={"nickname": nickname})
        assert answer.status_code == 200, answer.text
        return client

    async def post(self, client: httpx.AsyncClient, command: Struct | bytes, key: str = "") -> httpx.Response:
        self._keys += 1
        body = command if isinstance(command, bytes) else encode(command)
        headers = {"Content-Type": "application/json", routes.IDEMPOTENCY_KEY: key or f"k{self._keys}"}
        return await client.post(routes.at(routes.COMMANDS, self.show), content=body, headers=headers)

    async def say(self, client: httpx.AsyncClient, command: Struct) -> Accepted:
        answer = await self.post(client, command)
        assert answer.status_code == 200, answer.text
        return decode_accepted(answer.content)

    async def run_a_lot(self, owner: httpx.AsyncClient, **preset: Any) -> str:
        """Live (if it is not yet), a lot made on the spot, its run."""
        from seller_console.contract.words import Preset

        if self.room.sales.state.status == "prepared":
            await self.say(owner, c.GoLive())
        accepted = await self.say(owner, c.StartAuction(preset=Preset(**preset) if preset else None))
        return accepted.made["run_id"]

    async def close(self) -> None:
        for client in self._clients:
            await client.aclose()


async def until(done: Callable[[], bool], timeout_s: float = 5.0, saying: str = "") -> None:
    async with asyncio.timeout(timeout_s):
        while not done():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


MakeTown = Callable[..., Awaitable[Town]]


@pytest.fixture
async def make_town(home: Path, tmp_path: Path) -> AsyncIterator[MakeTown]:
    """`await make_town()`; again after `await town.stop()` for a restart on the same home."""
    endings: list[Callable[[], Awaitable[None]]] = []

    async def make(
        folder: Path | None = None,
        resources: Path | None = None,
        connections: Connections | None = None,
        **app_words: Any,
    ) -> Town:
        shop = Shop(folder or home)
        room = await shop.open()
        relay = StandInRelay()
        app = make_app(shop, relay, resources or places.resources(), **app_words)  # type: ignore[arg-type]
        counted = connections or Connections()
        server = _server(app, connections=counted)
        sock = socket.socket()
        sock.bind(("127.0.0.1", 0))
        serving = asyncio.create_task(server.serve(sockets=[sock]))
        await server.listening.wait()
        town = Town(shop, room, relay, f"http://127.0.0.1:{sock.getsockname()[1]}", counted)
        ended = False

        async def stop() -> None:
            nonlocal ended
            if ended:
                return
            ended = True
            await town.close()
            for open_room in shop.rooms.values():
                open_room.feed.close()
            server.should_exit = True
            await serving
            await shop.close()

        town.stop = stop
        endings.append(stop)
        return town

    yield make
    for stop in reversed(endings):
        await stop()


@pytest.fixture
async def town(make_town: MakeTown) -> Town:
    return await make_town()
