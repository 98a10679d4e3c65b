"""Which name a picture or a clip gets: one that nothing lies at, and that nothing else is on its way to.

The disk is looked at off the window's thread, for it may sleep or be at the other end
of a network. One look at a time: a disk that is gone holds up one thread, and no more.
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
        self._looking = asyncio.Lock()

    async def take(self, path: Path) -> Path:
        """The path, or with a number; nobody else's until it is given back."""
        async with self._looking:
            free = await asyncio.to_thread(_free, path, frozenset(self._given))
            self._given.add(free)
        return free

    def give_back(self, path: Path) -> None:
        """It lies there now, or never will."""
        self._given.discard(path)


def _free(path: Path, given: Set[Path]) -> Path:
    numbered = (path.with_name(f"{path.stem} ({n}){path.suffix}") for n in itertools.count(2))
    return next(one for one in itertools.chain((path,), numbered) if one not in given and not os.path.lexists(one))
