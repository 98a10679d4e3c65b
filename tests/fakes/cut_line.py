"""A line that can be cut: TCP on loopback, passed on byte by byte until somebody pulls the plug.

`cut()` ends every connection and takes no new ones; `mend()` takes them again. The bytes are
never touched, so what is on both ends is the real program.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator


class CutLine:
    def __init__(self, port: int) -> None:
        self._far_port = port
        self._whole = True
        self._tasks: set[asyncio.Task[None]] = set()
        self.cuts = 0
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cut(self) -> None:
        self._whole = False
        self.cuts += 1
        for task in self._tasks:
            task.cancel()

    def mend(self) -> None:
        self._whole = True

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._whole:
            writer.close()
            return
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        far_writer: asyncio.StreamWriter | None = None
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._far_port)
            await asyncio.gather(_pour(reader, far_writer), _pour(far_reader, writer))
        except (OSError, asyncio.CancelledError):
            return
        finally:
            self._tasks.discard(task)
            for end in (writer, far_writer):
                if end is not None:
                    end.transport.abort()


async def _pour(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while chunk := await source.read(65536):
        sink.write(chunk)
        await sink.drain()
    with contextlib.suppress(OSError):
        sink.write_eof()


@contextlib.asynccontextmanager
async def line_to(port: int) -> AsyncIterator[CutLine]:
    """A line to the server at `port` of this machine."""
    line = CutLine(port)
    server = await asyncio.start_server(line._take, "127.0.0.1", 0)
    line.port = int(server.sockets[0].getsockname()[1])
    try:
        yield line
    finally:
        server.close()
        ending = tuple(line._tasks)
        line.cut()
        await asyncio.gather(*ending, return_exceptions=True)
