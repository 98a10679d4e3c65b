"""One of two senders of the same rows, in a process of its own: ours, or bare ASGI.

    _feed_server.py ours|bare FOLDER RATE COALESCE_S

First line on stdout: JSON {"port", "show", "token"}. Then one line in starts the rows,
another ends them; the answer to that is {"rows", "cut", "rss_mb"}.
The bare one does what a careful ASGI application can: it serialises once, gives every
reader the same bytes through a deque of its own, joins what waits (every COALESCE_S
seconds when not 0), and sends by ASGI's `send`.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import time
from collections import deque
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import psutil
import uvicorn
import uvloop

from seller_console import places
from seller_console.contract import commands as c
from seller_console.contract.codec import encode
from seller_console.contract.events import Announced
from seller_console.platform import feed
from seller_console.platform.app import make_app
from seller_console.platform.feed import row_bytes
from seller_console.platform.log import Row
from seller_console.platform.main import _server
from seller_console.platform.passes import OWNER
from seller_console.platform.relay import Relay
from seller_console.platform.shop import Shop
from seller_console.platform.wire import Connections


def text() -> str:
    """The moment it is said, in a line as long as a price that moves."""
    return f"@{time.monotonic_ns()}@" + "x" * 180


class Ours:
    async def open(self, folder: Path) -> tuple[Any, str, str]:
        self.shop = Shop(folder, per_address=1000)
        feed.READERS_EACH["owner"] = 100_000
        self.room = await self.shop.open()
        app = make_app(self.shop, Relay(), places.resources())
        return _server(app, connections=Connections(100_000)), self.room.show_id, self.shop.keys.owner_pass

    def say(self) -> None:
        self.room.sales.say(OWNER, c.Announce(text=text()))

    def rows(self) -> int:
        return self.room.feed.head

    def cut(self) -> int:
        return self.room.feed.cut

    async def close(self) -> None:
        self.room.feed.close()
        await self.shop.close()


class Bare:
    """No log, no audience, no resume: only bytes to sockets."""

    def __init__(self, coalesce_s: float) -> None:
        self._coalesce_s = coalesce_s
        self._readers: set[Reader] = set()
        self._seq = 1
        self._tick: asyncio.TimerHandle | None = None

    async def open(self, folder: Path) -> tuple[Any, str, str]:
        config = uvicorn.Config(
            self._app,
            interface="asgi3",
            http="httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            backlog=4096,
        )
        server = uvicorn.Server(config)
        server.listening = asyncio.Event()  # type: ignore[attr-defined]
        startup = server.startup

        async def started(sockets: Any = None) -> None:
            await startup(sockets)
            server.listening.set()  # type: ignore[attr-defined]

        server.startup = started  # type: ignore[method-assign]
        return server, "bare", "none"

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-type", b"text/event-stream"), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"id: 1\n\n", "more_body": True})
        reader = Reader()
        self._readers.add(reader)
        try:
            while True:
                await reader.more.wait()
                reader.more.clear()
                body = b"".join(reader.waiting)
                reader.waiting.clear()
                await send({"type": "http.response.body", "body": body, "more_body": True})
        finally:
            self._readers.discard(reader)

    def say(self) -> None:
        self._seq += 1
        event = encode(Announced(text=text(), by="owner")).decode()
        body = row_bytes(Row(self._seq, time.time_ns() // 1_000_000, "everyone", "announced", "owner", event))
        for reader in self._readers:
            reader.waiting.append(body)
        if not self._coalesce_s:
            self._wake()
        elif self._tick is None:
            self._tick = asyncio.get_running_loop().call_later(self._coalesce_s, self._wake)

    def _wake(self) -> None:
        self._tick = None
        for reader in self._readers:
            reader.more.set()

    def rows(self) -> int:
        return self._seq

    def cut(self) -> int:
        return 0

    async def close(self) -> None:
        return


class Reader:
    def __init__(self) -> None:
        self.waiting: deque[bytes] = deque(maxlen=1000)
        self.more = asyncio.Event()


async def serve(kind: str, folder: Path, per_s: float, coalesce_s: float) -> None:
    sender: Ours | Bare = Ours() if kind == "ours" else Bare(coalesce_s)
    server, show, token = await sender.open(folder)
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    serving = asyncio.create_task(server.serve(sockets=[sock]))
    await server.listening.wait()
    print(json.dumps({"port": sock.getsockname()[1], "show": show, "token": token}), flush=True)
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(None, sys.stdin.readline)
    ending = loop.run_in_executor(None, sys.stdin.readline)
    began, said = loop.time(), 0
    while not ending.done():
        while said < (loop.time() - began) * per_s:
            sender.say()
            said += 1
        await asyncio.sleep(max(0.0, began + said / per_s - loop.time()))
    await asyncio.sleep(1)
    rss_mb = psutil.Process().memory_info().rss / 2**20
    print(json.dumps({"rows": sender.rows(), "cut": sender.cut(), "rss_mb": rss_mb}), flush=True)
    await loop.run_in_executor(None, sys.stdin.readline)
    await sender.close()
    server.should_exit = True
    server.force_exit = True
    await serving


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])))
