"""How one reaches the socket under a request: the only touch of the server's insides.

A feed of thousands writes the same bytes to every socket; going through ASGI's
`send` costs a task switch a reader and cannot end a reader that stopped reading.
So each request's scope carries its asyncio transport. Bodies written here are
framed as chunks (RFC 9112 section 7.1); the head goes out through ASGI as usual.

Promises: a request whose head is longer than HEAD_BYTES or takes longer than HEAD_S, and
a connection that says nothing for as long, is cut off; one address has at most so many
connections (a house behind one router has one address).
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import Counter
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

logger = logging.getLogger(__name__)

HEAD_BYTES = 32 * 1024
HEAD_S = 10.0
CONNECTIONS_PER_ADDRESS = 256
_SCOPE_KEY = "seller_console.transport"
_SEND_BUFFER_BYTES = 32 * 1024
"""What the kernel may hold for a reader: megabytes would hide for minutes that it reads no more."""


class Connections:
    """Who is connected how often. One for all the doors of a platform."""

    def __init__(self, most: int = CONNECTIONS_PER_ADDRESS) -> None:
        self.most = most
        self._by_address: Counter[str] = Counter()

    def enter(self, address: str) -> bool:
        """False: that address has enough."""
        if self._by_address[address] >= self.most:
            return False
        self._by_address[address] += 1
        return True

    def count(self, address: str) -> int:
        return self._by_address[address]

    def leave(self, address: str) -> None:
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]


class Protocol(HttpToolsProtocol):
    """uvicorn's own, leaving its transport in the scope, and impatient with heads that do not end."""

    def __init__(self, *args: Any, connections: Connections, counted: str | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._of_address = connections
        self._address = counted
        """Counted under this name; None: not counted."""
        self._in_head = True
        self._head_bytes = 0
        self._head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self._address is None:
            address = self.client[0] if self.client else ""
            if not self._of_address.enter(address):
                logger.info("connection_refused why=too_many")
                transport.abort()
                return
            self._address = address
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._no_longer_wait()
        self.leave()
        super().connection_lost(exc)

    def leave(self) -> None:
        """Counted no more."""
        if self._address is not None:
            self._of_address.leave(self._address)
            self._address = None

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            self._head_bytes += len(data)
            self._wait_for_head()
        super().data_received(data)
        if self._in_head and self._head_bytes > HEAD_BYTES:
            self._cut("head_too_long")

    def _wait_for_head(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_S, self._cut, "head_too_slow")

    def _no_longer_wait(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _cut(self, why: str) -> None:
        logger.info("connection_cut why=%s", why)
        self._no_longer_wait()
        self.transport.abort()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {_SCOPE_KEY: {"transport": self.transport}}
        self._wait_for_head()  # of a second request that begins in the same packet as well

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._no_longer_wait()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._in_head, self._head_bytes = True, 0
        super().on_message_complete()


def chunk(body: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(body), body)


LAST_CHUNK = b"0\r\n\r\n"


class Wire:
    """One response's socket. Never blocks: what the kernel does not take waits in `buffered()`."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self.write = transport.write
        """Takes bytes already framed by `chunk`."""
        self.buffered = transport.get_write_buffer_size
        """Bytes the kernel has not taken yet."""
        sock: socket.socket | None = transport.get_extra_info("socket")
        if sock is not None:
            try:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
            except OSError:
                # A socket that closes under us: the next write says so.
                return

    @property
    def closing(self) -> bool:
        return self._transport.is_closing()

    def end(self) -> None:
        """A proper last chunk; a reader that does not read is dropped instead."""
        if self.closing:
            return
        if self.buffered():
            self.abort()
        else:
            self.write(LAST_CHUNK)
            self._transport.close()

    def abort(self) -> None:
        """At once, whatever is still buffered."""
        self._transport.abort()


def wire_of(scope: Any) -> Wire:
    """The socket of an ASGI scope served by `Protocol`."""
    return Wire(scope["extensions"][_SCOPE_KEY]["transport"])
