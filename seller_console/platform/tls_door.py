"""How a TLS connection is let in: counted from its first packet, its handshake short.

A server that hands a connection over after its handshake counts none before: whoever opens
sockets and never says a word of TLS holds as many as they like, for a minute each. So sockets
are accepted here. Promises: an address that has enough connections is refused before anything
is read or computed for it; a handshake takes HANDSHAKE_S at most, however slowly it drips in.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from .wire import Connections, Protocol

logger = logging.getLogger(__name__)

HANDSHAKE_S = 10.0
"""Of a phone at the edge of its network."""
GOODBYE_S = 5.0
_BREATH_S = 0.2
"""After a refusal by the system itself: no files left."""


class TlsDoor:
    """`make(address)` gives the protocol of a connection that is already counted."""

    def __init__(
        self,
        listening: socket.socket,
        context: ssl.SSLContext,
        connections: Connections,
        make: Callable[[str], Protocol],
    ) -> None:
        self._listening = listening
        self._context = context
        self._connections = connections
        self._make = make
        self._loop = asyncio.get_running_loop()
        self._entering: set[asyncio.Task[None]] = set()
        self._accepting: asyncio.Task[None] | None = None

    def open(self, backlog: int) -> None:
        self._listening.setblocking(False)
        self._listening.listen(backlog)
        self._accepting = asyncio.create_task(self._accept(), name="tls door")

    async def close(self) -> None:
        """Nobody enters any more; who is inside stays."""
        tasks = [*self._entering, *([self._accepting] if self._accepting is not None else [])]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _accept(self) -> None:
        while True:
            try:
                arrived, place = await self._loop.sock_accept(self._listening)
            except OSError as error:
                logger.info("connection_not_accepted why=%r", str(error))
                await asyncio.sleep(_BREATH_S)
                continue
            address = str(place[0])
            if not self._connections.enter(address):
                logger.info("connection_refused why=too_many")
                arrived.close()
                continue
            task = asyncio.create_task(self._enter(arrived, address), name="tls handshake")
            self._entering.add(task)
            task.add_done_callback(self._entering.discard)

    async def _enter(self, arrived: socket.socket, address: str) -> None:
        protocol = self._make(address)
        inside = False
        try:
            # Handshakes that fail are the daily noise of a door: a scanner, a phone that will not trust it yet.
            with suppress(OSError):
                with suppress(OSError):
                    arrived.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                await self._loop.connect_accepted_socket(
                    lambda: protocol,
                    arrived,
                    ssl=self._context,
                    ssl_handshake_timeout=HANDSHAKE_S,
                    ssl_shutdown_timeout=GOODBYE_S,
                )
                inside = True
        finally:
            if not inside:
                protocol.leave()
                arrived.close()


def context_of(cert_path: Path, key_path: Path) -> ssl.SSLContext:
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    made.load_cert_chain(cert_path, key_path)
    return made
