"""The real engine of a bench: its own process and home, told and heard over its door, its lost pictures counted."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
LOST_SHARE = 0.001
"""Bar: of the pictures sent, how many may be lost."""


class Pictures:
    """What became of an engine's pictures, by its own count, from its first stats on air: before that nobody waited."""

    def __init__(self) -> None:
        self.heard = 0
        """Stats so far."""
        self._first: dict[str, Any] = {}
        self._last: dict[str, Any] = {}

    def take(self, note: dict[str, Any]) -> None:
        if note["type"] == "engine_stats" and note.get("air") == "on_air":
            self._first, self._last = self._first or note, note
            self.heard += 1

    def _since(self, name: str) -> int:
        return int(self._last.get(name, 0) - self._first.get(name, 0))

    def figures(self) -> dict[str, Any]:
        return counted(self._since("sent"), self._since("dropped"), self._since("late"))


def counted(sent: int, dropped: int, late: int) -> dict[str, Any]:
    """With the share lost of those sent; where none was sent, all of it."""
    share = round((dropped + late) / sent, 5) if sent > 0 else 1.0
    return {"sent": sent, "dropped": dropped, "late": late, "lost_share": share}


class Engine:
    """A console's side of the door."""

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
async def heard(pid: int, port: int, secret: str) -> AsyncIterator[Engine]:
    """An engine that runs already; greeted."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    engine = Engine(pid, reader, writer)
    engine.say(type="greet", secret=secret, contract=1)
    try:
        yield engine
    finally:
        writer.close()


@contextlib.asynccontextmanager
async def running(folder: str) -> AsyncIterator[Engine]:
    """Greeted already; it is asked to quit at the end, and killed when it does not."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "seller_console.engine.main", "--home", folder, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert child.stdout is not None
        runtime = json.loads(await child.stdout.readline())
        async with heard(child.pid, runtime["port"], runtime["secret"]) as engine:
            try:
                yield engine
            finally:
                engine.say(type="quit")
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(child.wait(), 30)
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
