"""What can still be read of a damaged log: everything up to the last whole event.

The damaged file is kept beside, never changed; a new log is written from the
rows that are whole and gapless from 1. Nothing is guessed.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ..contract.codec import Unreadable, decode_event
from .log import Log, Row, Turn


class Saved(NamedTuple):
    rows: int
    kept_as: Path


def salvage(path: Path) -> Saved:
    """Puts a whole log at `path`; the damaged one is kept under the name it answers."""
    kept_as = path.with_name(f"{path.stem}.damaged-{time.strftime('%Y%m%d-%H%M%S')}")
    number = 0
    while kept_as.exists():
        number += 1
        kept_as = kept_as.with_name(f"{kept_as.name}-{number}")
    for ending in ("", "-wal", "-shm"):
        part = path.with_name(path.name + ending)
        if part.exists():
            part.rename(kept_as.with_name(kept_as.name + ending))
    log = Log(path)
    count = 0
    try:
        batch: list[Turn] = []
        for row in _whole_rows(kept_as):
            batch.append(Turn(count, (row,)))
            count += 1
            if len(batch) == 1000:
                log.append(batch)
                batch = []
        if batch:
            log.append(batch)
    finally:
        log.close()
    return Saved(count, kept_as)


def _whole_rows(path: Path) -> Iterator[Row]:
    """Rows from 1 on, until one is missing or cannot be read."""
    try:
        db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None)
    except sqlite3.Error:
        return
    with contextlib.closing(db):
        db.text_factory = bytes
        expected = 1
        while True:
            try:
                found = db.execute(
                    "SELECT seq, at_ms, audience, kind, said_by, event FROM events WHERE seq = ?", (expected,)
                ).fetchone()
                seq, at_ms, *texts = found
                row = Row(int(seq), int(at_ms), *(text.decode() for text in texts))
                decode_event(row.event)
            except (sqlite3.Error, TypeError, ValueError, Unreadable):
                return
            yield row
            expected += 1
