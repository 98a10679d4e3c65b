"""How one reaches the socket under a request: the only touch of the server's insides.

A feed of thousands writes the same bytes to every socket; going through ASGI's
`send` costs a task switch a reader and cannot end a reader that stopped reading.
So each request's scope carries its asyncio transport. Bodies written here are
framed as chunks (RFC 9112 section 7.1); the head goes out through ASGI as usual.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_SCOPE_KEY = "seller_console.transport"
_SEND_BUFFER_BYTES = 32 * 1024
"""What the kernel may hold for a reader: megabytes would hide for minutes that it reads no more."""


class Protocol(HttpToolsProtocol):
    """uvicorn's own, leaving its transport in the scope."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {_SCOPE_KEY: {"transport": self.transport}}


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
