"""The edits that wait for the line, on disk: a console that is killed finds them again.

Promises: one small file a show and pass under `places.waiting()`, mode 0600, written
whole or not at all; the newest state wins and is on the disk within a moment; each
edit keeps its Idempotency-Key, so one that was done already is not done twice; two
windows of one home never write the same file, and the one that stays takes over the
other's. A file that cannot be read is kept aside, never overwritten. Refuses: the
pass itself (only a digest names the file), and anything older than `KEPT_DAYS`.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from .. import places
from ..contract.commands import Command
from ..contract.words import LotChanges, Refusal, RunOfShowNote
from .supervisor import Lock

log = logging.getLogger(__name__)

KEPT_DAYS = 30
WINDOWS = 8
"""So many windows of one home keep their edits; more would be somebody's mistake."""


class WayBack(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What takes an edit back once it was accepted."""

    before: LotChanges = LotChanges()
    """EditLot: the fields as they were."""
    after: str | None = None
    """MoveLot, SkipLot, RemoveLot: where it stood."""


class KeptNote(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A change of one line of the run of show."""

    old: RunOfShowNote | None = None
    new: RunOfShowNote | None = None
    step: int = 0


class KeptEdit(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An edit without an answer, or one that was refused and not looked at yet."""

    key: str
    command: Command
    what: str = ""
    """In words, should the lot be gone."""
    note: KeptNote | None = None
    covers: tuple[str, ...] = ()
    """A list of the run of show that is on its way: the keys of the notes in it."""
    back: WayBack | None = None
    undone: bool = False
    refusal: Refusal | None = None


Edits = tuple[KeptEdit, ...]


class _File(msgspec.Struct, kw_only=True):
    version: int = 1
    edits: Edits = ()


_decoder = msgspec.json.Decoder(_File)


class WaitingEdits:
    """Those of one pass. `read` once a show, then `keep` whatever is left, as often as it changes."""

    def __init__(self, secret: str, folder: Path | None = None) -> None:
        self._secret = secret
        self._folder = folder or places.waiting()
        self._files: dict[str, tuple[Path, Lock] | None] = {}
        self._wanted: dict[str, Edits] = {}
        self._taking = threading.Lock()
        """Held for the moment `_wanted` changes hands."""
        self._writing = threading.Lock()
        """Held while files are written: the newest state is always the last one written."""
        self._changed = asyncio.Event()
        self.on_trouble: Callable[[str], None] = lambda code: None
        """Hears "not_kept" or "unreadable", on the loop's thread."""

    async def run(self) -> None:
        """Writes until cancelled, and then once more what is left to write."""
        try:
            while True:
                await self._changed.wait()
                self._changed.clear()
                if not await asyncio.to_thread(self._write):
                    self.on_trouble("not_kept")
        finally:
            self.finish()

    def finish(self) -> None:
        """The last word, at once, and the files are free for the next window."""
        self._write()
        for kept in self._files.values():
            if kept is not None:
                path, lock = kept
                if not path.exists():
                    with contextlib.suppress(OSError):
                        path.with_suffix(".lock").unlink()
                lock.free()
        self._files.clear()

    def keep(self, show_id: str, edits: Edits) -> None:
        """From now on these wait, and no others of this show. Returns at once."""
        with self._taking:
            self._wanted[show_id] = edits
        self._changed.set()

    def read(self, show_id: str) -> Edits:
        """What an earlier window left, oldest first; what a window that is gone left aside comes too."""
        self._forget_old()
        mine = self._file(show_id)
        if mine is None:
            return ()
        found = list(self._read(mine[0]))
        for number in range(1, WINDOWS + 1):
            other = self._path(show_id, number)
            if other == mine[0] or not other.exists():
                continue
            lock = Lock(other.with_suffix(".lock"))
            if lock.take():
                known = {edit.key for edit in found}
                found += [edit for edit in self._read(other) if edit.key not in known]
                if self._put(mine[0], tuple(found)):
                    other.unlink(missing_ok=True)
                lock.free()
        return tuple(found)

    # --- files ----------------------------------------------------------------------------

    def _path(self, show_id: str, number: int) -> Path:
        name = hashlib.sha256(f"{show_id}\n{self._secret}".encode()).hexdigest()[:24]
        return self._folder / f"{name}-{number}.json"

    def _file(self, show_id: str) -> tuple[Path, Lock] | None:
        """The first file of this show that no living window has; None: they all do."""
        if show_id not in self._files:
            self._files[show_id] = None
            for number in range(1, WINDOWS + 1):
                path = self._path(show_id, number)
                lock = Lock(path.with_suffix(".lock"))
                if lock.take():
                    self._files[show_id] = path, lock
                    break
        return self._files[show_id]

    def _read(self, path: Path) -> Edits:
        try:
            return _decoder.decode(path.read_bytes()).edits
        except FileNotFoundError:
            return ()
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            log.info("waiting_edits_unreadable file=%s reason=%s", path.name, error)
            with contextlib.suppress(OSError):
                path.replace(path.with_suffix(f".unreadable-{int(time.time())}"))
            self.on_trouble("unreadable")
            return ()

    def _write(self) -> bool:
        """False when something could not be kept."""
        with self._writing:
            with self._taking:
                wanted, self._wanted = self._wanted, {}
            whole = True
            for show_id, edits in wanted.items():
                mine = self._file(show_id)
                whole = mine is not None and self._put(mine[0], edits) and whole
            return whole

    def _put(self, path: Path, edits: Edits) -> bool:
        """False when the disk would not."""
        beside = path.with_suffix(".new")
        try:
            if not edits:
                path.unlink(missing_ok=True)
                return True
            descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(msgspec.json.encode(_File(edits=edits)))
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
        except OSError as error:
            log.info("waiting_edits_not_kept error=%s", error)
            return False
        return True

    def _forget_old(self) -> None:
        before = time.time() - KEPT_DAYS * 86_400
        for path in (*self._folder.glob("*.json"), *self._folder.glob("*.unreadable-*"), *self._folder.glob("*.lock")):
            with contextlib.suppress(OSError):
                lock = Lock(path.with_suffix(".lock"))
                if path.stat().st_mtime < before and lock.take():
                    path.unlink()
                    lock.free()
