"""What can still be read of a damaged log: everything up to the last whole event.

SQLite refuses a file whose last pages are missing, or whose first is damaged, as a
whole; so pages are read here as they lie (sqlite.org/fileformat2.html): table and
index leaves of the file, with the committed frames of its WAL laid over them.
The damaged file is kept beside, never changed. Nothing is guessed: rows are taken
from 1 on until one is missing, answers and passes only if they are whole.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ..contract.codec import Unreadable, decode_accepted, decode_event
from .log import Answer, KeptPass, Log, LogUnwritable, Row, Turn
from .salesroom import ACCEPTED_STATUS

_PAGE_BYTES = 4096
"""What SQLite makes when nobody asks otherwise; ours never does. Used when the header is gone."""
_TABLE_LEAF, _INDEX_LEAF = 0x0D, 0x0A
_WAL_MAGIC = 0x377F0682
_BATCH = 1000
_ENDINGS = ("-wal", "-shm", "")

Value = int | str | bytes | None


class Saved(NamedTuple):
    rows: int
    kept_as: Path


class _Torn(ValueError):
    """A cell that does not hold what its numbers say."""


def salvage(path: Path) -> Saved:
    """Puts a whole log at `path`; the damaged one is kept under the name it answers.

    It stays where it is until the other is whole: on a full disk (LogUnwritable), or killed
    half way, the next start begins anew.
    """
    beside = path.with_name(f"{path.stem}.salvaging")
    _forget(beside)
    try:
        head = _write(beside, *_read(path))
    except LogUnwritable:
        _forget(beside)
        raise
    kept_as = _put_aside(path)
    beside.rename(path)
    return Saved(head, kept_as)


def _write(
    path: Path, rows: dict[int, Row], answers: dict[tuple[str, str], Answer], passes: dict[bytes, KeptPass]
) -> int:
    """Answers how many rows are whole. Raises LogUnwritable."""
    log = Log(path)
    try:
        whole = list(_gapless(rows))
        for start in range(0, len(whole), _BATCH):
            log.append([Turn(start + n, (row,)) for n, row in enumerate(whole[start : start + _BATCH])])
        head = len(whole)
        log.append(
            [Turn(head, answer=answer) for answer in answers.values() if _is_about(answer, head)]
            + [Turn(head, kept_pass=kept) for kept in passes.values()]
        )
    finally:
        log.close()
    wal = _beside(path, "-wal")
    if wal.exists() and wal.stat().st_size:
        raise LogUnwritable(f"{wal.name} could not be emptied")
    return head


def _forget(path: Path) -> None:
    for ending in _ENDINGS:
        _beside(path, ending).unlink(missing_ok=True)


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


def _put_aside(path: Path) -> Path:
    first = path.with_name(f"{path.stem}.damaged-{time.strftime('%Y%m%d-%H%M%S')}")
    kept_as, number = first, 0
    while kept_as.exists():
        number += 1
        kept_as = first.with_name(f"{first.name}-{number}")
    for ending in _ENDINGS:
        part = _beside(path, ending)
        if part.exists():
            part.rename(_beside(kept_as, ending))
    return kept_as


def _gapless(rows: dict[int, Row]) -> Iterator[Row]:
    seq = 1
    while (row := rows.get(seq)) is not None:
        try:
            decode_event(row.event)
        except Unreadable:
            return
        yield row
        seq += 1


def _is_about(answer: Answer, head: int) -> bool:
    """Not a yes to something that was lost."""
    if answer.status != ACCEPTED_STATUS:
        return True
    try:
        return decode_accepted(answer.answer).seq <= head
    except Unreadable:
        return False


def _read(path: Path) -> tuple[dict[int, Row], dict[tuple[str, str], Answer], dict[bytes, KeptPass]]:
    raw = path.read_bytes()
    size = _page_size(raw)
    pages = {number + 1: raw[number * size : (number + 1) * size] for number in range(len(raw) // size)}
    wal = path.with_name(path.name + "-wal")
    if wal.exists():
        pages.update(_committed_frames(wal.read_bytes(), size))
    rows: dict[int, Row] = {}
    answers: dict[tuple[str, str], Answer] = {}
    passes: dict[bytes, KeptPass] = {}
    for number in sorted(pages):
        for rowid, values in _cells(pages, number):
            match values:
                case [None, int(at_ms), str(audience), str(kind), str(event), *said] if rowid is not None:
                    said_by = said[0] if said and isinstance(said[0], str) else ""
                    rows[rowid] = Row(rowid, at_ms, audience, kind, said_by, event)
                case [str(person), str(key), bytes(body), int(status), bytes(answer)]:
                    answers[person, key] = Answer(person, key, body, status, answer)
                case [bytes(hashed), str(person), str(role), str(name), int(expires_ms), *more] if len(hashed) == 32:
                    regular_hash = more[0] if more and isinstance(more[0], bytes) else b""
                    passes[hashed] = KeptPass(hashed, person, role, name, expires_ms, regular_hash)
    return rows, answers, passes


def _page_size(raw: bytes) -> int:
    if raw[:16] != b"SQLite format 3\0":
        return _PAGE_BYTES
    size = int.from_bytes(raw[16:18], "big")
    return 65536 if size == 1 else size if size >= 512 and size & (size - 1) == 0 else _PAGE_BYTES


def _committed_frames(wal: bytes, size: int) -> dict[int, bytes]:
    """Pages of whole transactions only: a frame counts once a commit frame follows it."""
    if len(wal) < 32 or int.from_bytes(wal[:4], "big") & ~1 != _WAL_MAGIC:
        return {}
    order = ">" if wal[3] & 1 else "<"
    salts = wal[16:24]
    sums = _checksum(wal[:24], (0, 0), order)
    if struct.pack(">II", *sums) != wal[24:32]:
        return {}
    committed: dict[int, bytes] = {}
    open_: dict[int, bytes] = {}
    for start in range(32, len(wal) - 24 - size + 1, 24 + size):
        head, page = wal[start : start + 24], wal[start + 24 : start + 24 + size]
        sums = _checksum(page, _checksum(head[:8], sums, order), order)
        if head[8:16] != salts or struct.pack(">II", *sums) != head[16:24]:
            break
        number, is_commit = struct.unpack(">II", head[:8])
        open_[number] = page
        if is_commit:
            committed.update(open_)
            open_ = {}
    return committed


def _checksum(content: bytes, sums: tuple[int, int], order: str) -> tuple[int, int]:
    one, two = sums
    for first, second in struct.iter_unpack(f"{order}II", content):
        one = (one + first + two) & 0xFFFFFFFF
        two = (two + second + one) & 0xFFFFFFFF
    return one, two


def _cells(pages: dict[int, bytes], number: int) -> Iterator[tuple[int | None, list[Value]]]:
    """Records of a leaf page, (rowid or None, values); those that are torn are left out."""
    page = pages[number]
    base = 100 if number == 1 else 0
    kind = page[base]
    if kind not in {_TABLE_LEAF, _INDEX_LEAF}:
        return
    count = int.from_bytes(page[base + 3 : base + 5], "big")
    for n in range(count):
        pointer = base + 8 + 2 * n
        at = int.from_bytes(page[pointer : pointer + 2], "big")
        try:
            length, at = _varint(page, at)
            rowid = None
            if kind == _TABLE_LEAF:
                rowid, at = _varint(page, at)
            yield rowid, _record(_payload(pages, page, at, length, kind))
        except (_Torn, UnicodeDecodeError):
            continue


def _payload(pages: dict[int, bytes], page: bytes, at: int, length: int, kind: int) -> bytes:
    """What does not fit on the page goes on in a chain of overflow pages."""
    usable = len(page)
    most = usable - 35 if kind == _TABLE_LEAF else (usable - 12) * 64 // 255 - 23
    if length <= most:
        return _slice(page, at, length)
    least = (usable - 12) * 32 // 255 - 23
    here = least + (length - least) % (usable - 4)
    here = here if here <= most else least
    payload = _slice(page, at, here)
    following = int.from_bytes(_slice(page, at + here, 4), "big")
    while len(payload) < length:
        overflow = pages.get(following)
        if overflow is None:
            raise _Torn
        payload += overflow[4 : 4 + min(usable - 4, length - len(payload))]
        following = int.from_bytes(overflow[:4], "big")
    return payload


def _record(payload: bytes) -> list[Value]:
    end, at = _varint(payload, 0)
    kinds: list[int] = []
    while at < end:
        kind, at = _varint(payload, at)
        kinds.append(kind)
    values: list[Value] = []
    at = end
    for kind in kinds:
        if kind == 0:
            values.append(None)
        elif kind in {8, 9}:
            values.append(kind - 8)
        elif kind <= 6:
            width = (0, 1, 2, 3, 4, 6, 8)[kind]
            values.append(int.from_bytes(_slice(payload, at, width), "big", signed=True))
            at += width
        elif kind >= 12:
            width = (kind - 12) // 2
            raw = _slice(payload, at, width)
            values.append(raw.decode() if kind % 2 else raw)
            at += width
        else:
            raise _Torn
    return values


def _slice(content: bytes, at: int, length: int) -> bytes:
    if length < 0 or at + length > len(content):
        raise _Torn
    return content[at : at + length]


def _varint(content: bytes, at: int) -> tuple[int, int]:
    """(value, where it ends): up to nine bytes, big-endian, seven bits each."""
    value = 0
    for n in range(9):
        byte = _slice(content, at + n, 1)[0]
        if n == 8:
            return (value << 8) | byte, at + 9
        value = (value << 7) | (byte & 0x7F)
        if byte < 0x80:
            return value, at + n + 1
    raise _Torn
