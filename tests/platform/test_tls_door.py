"""The door to the local network: who is not through their handshake counts, and has not long for it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from seller_console.platform import tls_door, wire
from seller_console.platform.main import _server
from seller_console.platform.tls import certificate
from seller_console.platform.wire import Connections

from .conftest import until
from .test_wire import is_cut

HERE = "127.0.0.1"
ASK = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


async def greets(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-scheme", scope["scheme"].encode())]})
    await send({"type": "http.response.body", "body": b"bonsoir"})


@dataclass
class House:
    port: int
    trusting: ssl.SSLContext
    connections: Connections

    async def silent(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A TCP connection that says nothing of TLS."""
        return await asyncio.open_connection(HERE, self.port)

    async def asks(self) -> bytes:
        reader, writer = await asyncio.open_connection(HERE, self.port, ssl=self.trusting)
        try:
            writer.write(ASK)
            return await reader.read()
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    made = certificate(tmp_path / "tls", [])
    trusting = ssl.create_default_context(cafile=str(made.cert_path))
    connections = Connections(4)
    server = _server(greets, certificate_paths=(made.cert_path, made.key_path), connections=connections)
    sock = socket.socket()
    sock.bind((HERE, 0))
    serving = asyncio.create_task(server.serve(sockets=[sock]))
    await server.listening.wait()
    yield House(sock.getsockname()[1], trusting, connections)
    server.should_exit = True
    await serving


async def test_it_is_https_and_counts_each_once(house: House) -> None:
    for _ in range(6):
        answer = await house.asks()
        assert answer.startswith(b"HTTP/1.1 200")
        assert b"x-scheme: https" in answer
    await until(lambda: house.connections.count(HERE) == 0)
    reader, writer = await asyncio.open_connection(HERE, house.port, ssl=house.trusting)
    assert house.connections.count(HERE) == 1
    writer.write(ASK)
    assert (await reader.readline()).split()[1] == b"200"
    writer.close()
    await until(lambda: house.connections.count(HERE) == 0)


async def test_those_before_their_handshake_count(house: House) -> None:
    held = [await house.silent() for _ in range(4)]
    await until(lambda: house.connections.count(HERE) == 4)
    reader, writer = await house.silent()
    assert await is_cut(reader, within_s=2.0)
    writer.close()
    with pytest.raises(OSError):
        await house.asks()
    for _, one in held:
        one.close()
    await until(lambda: house.connections.count(HERE) == 0)
    assert b"bonsoir" in await house.asks()


@pytest.mark.parametrize("drip", [b"", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"], ids=["silent", "dripping"])
async def test_a_handshake_that_takes_its_time_is_ended(
    house: House, monkeypatch: pytest.MonkeyPatch, drip: bytes
) -> None:
    monkeypatch.setattr(tls_door, "HANDSHAKE_S", 0.4)
    reader, writer = await house.silent()

    async def dripping() -> None:
        with contextlib.suppress(ConnectionError):
            for n in range(len(drip)):
                writer.write(drip[n : n + 1])
                await writer.drain()
                await asyncio.sleep(0.1)

    slowly = asyncio.create_task(dripping())
    assert await is_cut(reader, within_s=3.0)
    await until(lambda: house.connections.count(HERE) == 0)
    await slowly
    writer.close()
    monkeypatch.setattr(tls_door, "HANDSHAKE_S", 10.0)
    assert b"bonsoir" in await house.asks()


async def test_what_is_no_tls_is_shown_out(house: House) -> None:
    reader, writer = await house.silent()
    writer.write(ASK)
    assert await is_cut(reader)
    await until(lambda: house.connections.count(HERE) == 0)
    writer.close()


async def test_a_silent_one_after_its_handshake_is_cut_as_at_the_other_door(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "HEAD_S", 0.3)
    reader, writer = await asyncio.open_connection(HERE, house.port, ssl=house.trusting)
    assert await is_cut(reader)
    await until(lambda: house.connections.count(HERE) == 0)
    writer.close()


async def test_closing_the_door_leaves_nobody_in_it(tmp_path: Path) -> None:
    made = certificate(tmp_path / "tls", [])
    server = _server(greets, certificate_paths=(made.cert_path, made.key_path), connections=Connections(4))
    sock = socket.socket()
    sock.bind((HERE, 0))
    serving = asyncio.create_task(server.serve(sockets=[sock]))
    await server.listening.wait()
    reader, writer = await asyncio.open_connection(HERE, sock.getsockname()[1])
    await until(lambda: server._connections.count(HERE) == 1)
    server.should_exit = True
    await serving
    assert await is_cut(reader)
    assert server._connections.count(HERE) == 0
    writer.close()
