"""Which name a picture or a clip gets: one that nothing lies at, and that nothing else is on its way to.

The disk is looked at off the window's thread, for it may sleep or be at the other end
of a network. One look at a time in each folder: one that is gone holds up one thread, and no more.
"""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Set
from pathlib import Path


class FreeNames:
    def __init__(self) -> None:
        self._given: set[Path] = set()
        """On their way: nothing lies there yet."""
        self._looking: dict[Path, asyncio.Lock] = {}
        """Of each folder."""

    async def take(self, path: Path) -> Path:
        """The path, or with a number, in a folder that is there; nobody else's until it is given back.

        Raises OSError. Who stops waiting gets none, but the next to look there waits for that look to end.
        """
        gone = asyncio.Event()
        look = asyncio.create_task(self._look(path, gone))
        look.add_done_callback(lambda done: done.cancelled() or done.exception())  # heard, whoever still waits
        try:
            return await asyncio.shield(look)
        except asyncio.CancelledError:
            gone.set()
            raise

    async def _look(self, path: Path, gone: asyncio.Event) -> Path:
        async with self._looking.setdefault(path.parent, asyncio.Lock()):
            if gone.is_set():
                return path
            free = await asyncio.to_thread(_free, path, frozenset(self._given))
            if not gone.is_set():
                self._given.add(free)
        return free

    def give_back(self, path: Path) -> None:
        """It lies there now, or never will."""
        self._given.discard(path)


def _free(path: Path, given: Set[Path]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    numbered = (path.with_name(f"{path.stem} ({n}){path.suffix}") for n in itertools.count(2))
    return next(one for one in itertools.chain((path,), numbered) if one not in given and not os.path.lexists(one))
