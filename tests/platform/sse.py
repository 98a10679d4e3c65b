"""A reader of the feed that hides nothing: what came, in order, as it came."""

from __future__ import annotations

import asyncio
import json
import socket
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from seller_console.contract import routes


@dataclass
class Heard:
    """One block of the stream."""

    seq: int | None
    event: str
    data: Any


@dataclass
class Listener:
    """Reads until closed; `rows` are full rows, `seqs` every id, hidden rows too."""

    blocks: list[Heard] = field(default_factory=list)
    raw: bytes = b""
    status: int = 0
    ended: bool = False

    @property
    def seqs(self) -> list[int]:
        return [block.seq for block in self.blocks if block.seq is not None]

    @property
    def rows(self) -> list[dict[str, Any]]:
        return [block.data for block in self.blocks if block.event == "row"]

    @property
    def passing(self) -> list[dict[str, Any]]:
        return [block.data for block in self.blocks if block.event == "passing"]

    def kinds(self) -> list[str]:
        return [row["event"]["type"] for row in self.rows]

    async def open(
        self, url: str, show: str, token: str = "", after: int | None = None, receive_bytes: int = 0
    ) -> None:
        """Returns after the head. `receive_bytes`: the kernel's buffer on our side."""
        where = urlsplit(url)
        sock = socket.socket()
        if receive_bytes:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, (where.hostname, where.port))
        self._reader, self._writer = await asyncio.open_connection(sock=sock, limit=2**16)
        lines = [f"GET {routes.at(routes.FEED, show)} HTTP/1.1", f"Host: {where.netloc}"]
        if token:
            lines.append(f"Authorization: Bearer {token}")
        if after is not None:
            lines.append(f"{routes.LAST_EVENT_ID}: {after}")
        self._writer.write("\r\n".join([*lines, "", ""]).encode())
        head = await self._reader.readuntil(b"\r\n\r\n")
        self.status = int(head.split()[1])
        self.head = head.decode().lower()

    def follow(self) -> None:
        self._task = asyncio.create_task(self._follow())

    async def _follow(self) -> None:
        pending = b""
        try:
            while True:
                size = int((await self._reader.readline()).strip() or b"0", 16)
                if size == 0:
                    break
                body = await self._reader.readexactly(size + 2)
                self.raw += body[:-2]
                pending += body[:-2]
                *blocks, pending = pending.split(b"\n\n")
                self.blocks.extend(parse(block.decode()) for block in blocks)
        except (asyncio.IncompleteReadError, ConnectionError, ValueError):
            pass
        self.ended = True

    async def close(self) -> None:
        if hasattr(self, "_task"):
            self._task.cancel()
            await asyncio.wait([self._task])
        self._writer.close()
        try:
            await self._writer.wait_closed()
        except ConnectionError:
            return

    async def wait_seq(self, seq: int, timeout_s: float = 10.0) -> None:
        async with asyncio.timeout(timeout_s):
            while not self.seqs or self.seqs[-1] < seq:  # noqa: ASYNC110
                await asyncio.sleep(0.005)


def parse(block: str) -> Heard:
    seq: int | None = None
    event, data = "", None
    for line in block.split("\n"):
        name, _, value = line.partition(": ")
        if name == "id":
            seq = int(value)
        elif name == "event":
            event = value
        elif name == "data":
            data = json.loads(value)
    return Heard(seq, event, data)


async def listening(url: str, show: str, token: str = "", after: int | None = None) -> Listener:
    listener = Listener()
    await listener.open(url, show, token, after)
    listener.follow()
    return listener
