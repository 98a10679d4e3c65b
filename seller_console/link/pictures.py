"""Pictures of lots between this disk and the platform.

Promises: a picture of the platform has one file here (the embedded platform's own,
or a fetched copy); `local` answers at once and fetches what is missing, each
picture once; an import's pictures are sent before its lots, each file once.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import msgspec

from .. import places
from ..contract import routes
from ..contract.words import LotDraft
from .platform import PlatformClient

log = logging.getLogger(__name__)

AT_ONCE = 3
KINDS = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".webp": "image/webp"}
_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}\.(?:jpg|png|webp)")


class Pictures:
    def __init__(
        self,
        platform: PlatformClient,
        start: Callable[[Coroutine[Any, Any, None]], object],
        came: Callable[[str], None],
    ) -> None:
        """`came(path)` is called when a picture asked for by `local` has its file."""
        self._platform = platform
        self._start = start
        self._came = came
        self._asked: set[str] = set()

    def local(self, path: str) -> str:
        """The file of a platform's path ("/pictures/NAME"), "" when there is none yet; any other path as it is."""
        prefix = routes.PICTURE.format(name="")
        if not path.startswith(prefix):
            return path
        name = path.removeprefix(prefix)
        if not _NAME.fullmatch(name):
            return ""
        file = places.pictures() / name
        if file.is_file():
            return str(file)
        if path not in self._asked:
            self._asked.add(path)
            self._start(self._fetch(path, file))
        return ""

    async def _fetch(self, path: str, file: Path) -> None:
        content = await self._platform.picture(path)
        if not content:
            log.info("picture_not_had path=%s", path)
            return
        beside = file.with_suffix(".part")
        await asyncio.to_thread(beside.write_bytes, content)
        beside.replace(file)
        self._came(path)

    async def send(self, lots: tuple[LotDraft, ...], folder: Path) -> tuple[LotDraft, ...]:
        """The same lots, the pictures found under `folder` replaced by their paths on the platform."""
        names = {name for lot in lots for name in lot.pictures if _on_disk(folder, name)}
        turns = asyncio.Semaphore(AT_ONCE)
        sent: dict[str, str] = {}

        async def send_one(name: str) -> None:
            async with turns:
                try:
                    content = await asyncio.to_thread((folder / name).read_bytes)
                except OSError as error:
                    log.info("picture_unreadable error=%s", error)
                    return
                sent[name] = await self._platform.upload_picture(content, KINDS[Path(name).suffix.lower()])

        async with asyncio.TaskGroup() as tasks:
            for name in sorted(names):
                tasks.create_task(send_one(name))
        return tuple(
            msgspec.structs.replace(lot, pictures=tuple(sent.get(name) or name for name in lot.pictures))
            for lot in lots
        )


def _on_disk(folder: Path, name: str) -> bool:
    return "://" not in name and Path(name).suffix.lower() in KINDS and (folder / name).is_file()
