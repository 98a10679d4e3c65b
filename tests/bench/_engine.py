"""The real engine of a bench: its own process and home, told and heard over its door."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


class Engine:
    def __init__(self, pid: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.pid = pid
        self._reader, self._writer = reader, writer

    def say(self, **word: Any) -> None:
        self._writer.write(json.dumps(word).encode() + b"\n")

    async def hear(self) -> dict[str, Any] | None:
        """The next note; None when the engine has gone."""
        line = await self._reader.readline()
        return json.loads(line) if line else None


@contextlib.asynccontextmanager
async def running(folder: str) -> AsyncIterator[Engine]:
    """Greeted already; it is asked to quit at the end, and killed when it does not."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "seller_console.engine.main", "--home", folder, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert child.stdout is not None
        runtime = json.loads(await child.stdout.readline())
        reader, writer = await asyncio.open_connection("127.0.0.1", runtime["port"], limit=1 << 20)
        engine = Engine(child.pid, reader, writer)
        engine.say(type="greet", secret=runtime["secret"], contract=1)
        try:
            yield engine
        finally:
            engine.say(type="quit")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(child.wait(), 30)
            writer.close()
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
