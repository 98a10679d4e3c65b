"""How a show is kept: one SQLite file, numbered rows, and no other SQL in the house.

Promises: a row appended is on the disk (WAL, synchronous=FULL); rows, the answer
given for them and a pass made with them are one transaction; `append` names the
head its decision saw, and the primary key refuses a second writer. Refuses: a
file of a newer schema (NewerLog), one that is damaged (Damaged, see salvage.py).
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

SCHEMA = 3


class LogUnwritable(Exception):
    """The disk said no (full, read-only, gone); nothing of the batch was kept."""


class HeadMoved(Exception):
    """Another writer appended first; nothing of the batch was kept."""


class Damaged(Exception):
    """The file is not a whole log; str() says what was found."""


class NewerLog(Exception):
    """Written by a newer version of this program."""


class Row(NamedTuple):
    """One event of the log; `event` is its JSON."""

    seq: int
    at_ms: int
    audience: str
    kind: str
    said_by: str
    event: str


class Answer(NamedTuple):
    """What (person, key) was answered. `body` is a digest of the command; status 200 = Accepted."""

    person: str
    key: str
    body: bytes
    status: int
    answer: bytes


class KeptPass(NamedTuple):
    token_hash: bytes
    person: str
    role: str
    nickname: str
    expires_ms: int
    regular_hash: bytes = b""
    """Of the buyer's lasting token; empty: none."""


class Snapshot(NamedTuple):
    """The state after row `seq`, readable by code with the same fingerprint."""

    seq: int
    fingerprint: str
    state: bytes


class Turn(NamedTuple):
    """What one command adds. `expected_head` is the head its decision saw."""

    expected_head: int
    rows: Sequence[Row] = ()
    answer: Answer | None = None
    kept_pass: KeptPass | None = None


def _create(db: sqlite3.Connection) -> None:
    db.execute(
        "CREATE TABLE events (seq INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, audience TEXT NOT NULL,"
        " kind TEXT NOT NULL, event TEXT NOT NULL)"
    )
    db.execute(
        "CREATE TABLE answers (person TEXT NOT NULL, key TEXT NOT NULL, body BLOB NOT NULL, status INTEGER NOT NULL,"
        " answer BLOB NOT NULL, PRIMARY KEY (person, key)) WITHOUT ROWID"
    )
    db.execute(
        "CREATE TABLE passes (token_hash BLOB PRIMARY KEY, person TEXT NOT NULL, role TEXT NOT NULL,"
        " nickname TEXT NOT NULL, expires_ms INTEGER NOT NULL) WITHOUT ROWID"
    )
    db.execute("CREATE TABLE snapshots (seq INTEGER PRIMARY KEY, fingerprint TEXT NOT NULL, state BLOB NOT NULL)")
    db.execute("CREATE TABLE probe (id INTEGER PRIMARY KEY, filler BLOB NOT NULL)")


def _who_said_it(db: sqlite3.Connection) -> None:
    """2: a row remembers who said the command that made it (disputes)."""
    db.execute("ALTER TABLE events ADD COLUMN said_by TEXT NOT NULL DEFAULT ''")


def _who_comes_again(db: sqlite3.Connection) -> None:
    """3: a pass remembers which buyer of other shows its holder is."""
    db.execute("ALTER TABLE passes ADD COLUMN regular_hash BLOB NOT NULL DEFAULT x''")


MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = (_create, _who_said_it, _who_comes_again)
"""MIGRATIONS[n] takes a file from schema n to n + 1."""

_ROW = "seq, at_ms, audience, kind, said_by, event"
_PASS = "token_hash, person, role, nickname, expires_ms, regular_hash"
_BATCHES = (128, 16, 1)
"""Rows an INSERT takes at once. One step of SQLite a batch: each step gives the interpreter
lock away, and getting it back from a busy event loop can take 5 ms."""
_INSERTS = {n: f"INSERT INTO events ({_ROW}) VALUES {','.join(['(?,?,?,?,?,?)'] * n)}" for n in _BATCHES}
_ANSWERS = {
    n: f"INSERT INTO answers (person, key, body, status, answer) VALUES {','.join(['(?,?,?,?,?)'] * n)}"
    for n in _BATCHES
}
_SNAPSHOTS_KEPT = 2
_PROBE_BYTES = 256 * 1024
"""A disk is writable again when this much can be written: more than one batch of bids."""
_BUSY_S = 5.0
_CHECKPOINT_PAGES = 8000
"""A WAL this long is copied by the commit itself, which then waits for it (see `checkpoint`)."""


def _connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    address = f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}"
    return sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False, timeout=_BUSY_S)


def _check(db: sqlite3.Connection, path: Path) -> None:
    found = [str(line) for (line,) in db.execute("PRAGMA quick_check(5)")]
    if found != ["ok"]:
        raise Damaged(f"{path.name}: {'; '.join(found)}")
    rows, first, last = db.execute(
        "SELECT count(*), coalesce(min(seq), 1), coalesce(max(seq), 0) FROM events"
    ).fetchone()
    if first != 1 or rows != last:
        raise Damaged(f"{path.name}: {rows} rows numbered {first} to {last}: rows are missing")


class Log:
    """`append`, `save_snapshot` and `probe` are for one writer thread; reading is for anyone."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._reading = threading.Lock()
        self._writer: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None
        try:
            self._writer = self._open_writer()
            self._reader = _connect(path, read_only=True)
        except sqlite3.DatabaseError as error:
            self.close()
            if isinstance(error, sqlite3.OperationalError) and "malformed" not in str(error):
                raise LogUnwritable(f"{path}: {error}") from error
            raise Damaged(f"{path.name}: {error}") from error
        except (Damaged, NewerLog):
            self.close()
            raise

    def _open_writer(self) -> sqlite3.Connection:
        known = self.path.exists() and self.path.stat().st_size > 0
        db = _connect(self.path)
        self._writer = db
        if not known:
            self.path.chmod(0o600)
        version = int(db.execute("PRAGMA user_version").fetchone()[0])
        if version > SCHEMA:
            raise NewerLog(f"{self.path.name}: schema {version}, this program knows {SCHEMA}")
        if known and version == 0:
            raise Damaged(f"{self.path.name}: not a log of a show")
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        db.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")
        for step in range(version, SCHEMA):
            db.execute("BEGIN IMMEDIATE")
            MIGRATIONS[step](db)
            db.execute(f"PRAGMA user_version={step + 1}")
            db.execute("COMMIT")
        if known:
            _check(db, self.path)
        return db

    def close(self) -> None:
        for db in (self._reader, self._writer):
            if db is not None:
                db.close()
        self._reader = self._writer = None

    # --- writing (one thread) ---------------------------------------------------------

    def append(self, turns: Sequence[Turn]) -> None:
        """All turns, or none: raises HeadMoved or LogUnwritable."""
        assert self._writer is not None, "the log is closed"
        db = self._writer
        rows = [value for turn in turns for row in turn.rows for value in row]
        answers = [value for turn in turns if turn.answer is not None for value in turn.answer]
        passes = [turn.kept_pass for turn in turns if turn.kept_pass is not None]
        try:
            db.execute("BEGIN IMMEDIATE")
            head = int(db.execute("SELECT coalesce(max(seq), 0) FROM events").fetchone()[0])
            if turns and head != turns[0].expected_head:
                raise HeadMoved(f"the log is at {head}, the decision saw {turns[0].expected_head}")
            _insert(db, _INSERTS, rows, len(Row._fields))
            _insert(db, _ANSWERS, answers, len(Answer._fields))
            if passes:
                db.executemany(f"INSERT OR REPLACE INTO passes ({_PASS}) VALUES (?,?,?,?,?,?)", passes)
            db.execute("COMMIT")
        except sqlite3.IntegrityError as error:
            _roll_back(db)
            raise HeadMoved(str(error)) from error
        except HeadMoved:
            _roll_back(db)
            raise
        except sqlite3.Error as error:
            _roll_back(db)
            raise LogUnwritable(str(error)) from error

    def save_snapshot(self, snapshot: Snapshot) -> None:
        assert self._writer is not None, "the log is closed"
        db = self._writer
        try:
            db.execute("BEGIN IMMEDIATE")
            db.execute("INSERT OR REPLACE INTO snapshots VALUES (?,?,?)", snapshot)
            db.execute(
                "DELETE FROM snapshots WHERE seq NOT IN (SELECT seq FROM snapshots ORDER BY seq DESC LIMIT ?)",
                (_SNAPSHOTS_KEPT,),
            )
            db.execute("COMMIT")
        except sqlite3.Error as error:
            _roll_back(db)
            raise LogUnwritable(str(error)) from error

    def probe(self) -> None:
        """Writes and forgets a filler: raises LogUnwritable while the disk still says no."""
        assert self._writer is not None, "the log is closed"
        db = self._writer
        try:
            db.execute("BEGIN IMMEDIATE")
            db.execute("INSERT OR REPLACE INTO probe VALUES (1, zeroblob(?))", (_PROBE_BYTES,))
            db.execute("COMMIT")
            db.execute("DELETE FROM probe")
        except sqlite3.Error as error:
            _roll_back(db)
            raise LogUnwritable(str(error)) from error

    # --- reading (any thread) ------------------------------------------------------------

    def _read(self, sql: str, values: Sequence[object] = ()) -> list[tuple[object, ...]]:
        assert self._reader is not None, "the log is closed"
        try:
            with self._reading:
                return self._reader.execute(sql, values).fetchall()
        except sqlite3.ProgrammingError:
            raise
        except sqlite3.DatabaseError as error:
            # A text that is no UTF-8 is found by nothing else (as is a page that went bad since).
            said = str(error).partition(" with text")[0]
            bad = not isinstance(error, sqlite3.OperationalError) or "UTF-8" in said or "malformed" in said
            raise (Damaged if bad else LogUnwritable)(f"{self.path.name}: {said}") from error

    def head(self) -> tuple[int, int]:
        """(seq, at_ms) of the last row; (0, 0) of an empty log."""
        found = self._read("SELECT seq, at_ms FROM events ORDER BY seq DESC LIMIT 1")
        return (int(str(found[0][0])), int(str(found[0][1]))) if found else (0, 0)

    def rows(self, after: int, limit: int = 1000, upto: int = 2**62) -> list[Row]:
        found = self._read(
            f"SELECT {_ROW} FROM events WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?", (after, upto, limit)
        )
        return [Row(*line) for line in found]  # type: ignore[arg-type]

    def every_row(self, after: int = 0, upto: int = 2**62, page: int = 5000) -> Iterator[Row]:
        while rows := self.rows(after, page, upto):
            yield from rows
            after = rows[-1].seq

    def last_of(self, kind: str, limit: int = 20) -> list[Row]:
        """The last rows of a kind, newest first."""
        found = self._read(f"SELECT {_ROW} FROM events WHERE kind = ? ORDER BY seq DESC LIMIT ?", (kind, limit))
        return [Row(*line) for line in found]  # type: ignore[arg-type]

    def answer(self, person: str, key: str) -> Answer | None:
        found = self._read(
            "SELECT person, key, body, status, answer FROM answers WHERE person = ? AND key = ?", (person, key)
        )
        return Answer(*found[0]) if found else None  # type: ignore[arg-type]

    def answered(self) -> list[tuple[str, str]]:
        """Every (person, key) that has an answer."""
        return self._read("SELECT person, key FROM answers")  # type: ignore[return-value]

    def passes(self) -> list[KeptPass]:
        found = self._read(f"SELECT {_PASS} FROM passes")
        return [KeptPass(*line) for line in found]  # type: ignore[arg-type]

    def snapshot(self, fingerprint: str) -> Snapshot | None:
        """The newest snapshot this code can read."""
        found = self._read(
            "SELECT seq, fingerprint, state FROM snapshots WHERE fingerprint = ? ORDER BY seq DESC LIMIT 1",
            (fingerprint,),
        )
        return Snapshot(*found[0]) if found else None  # type: ignore[arg-type]

    def checkpoint(self) -> None:
        """Copies what the WAL holds into the file, beside the writer: no commit waits for it."""
        try:
            with closing(_connect(self.path)) as db:
                db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        except sqlite3.Error as error:
            raise LogUnwritable(str(error)) from error

    # --- copies --------------------------------------------------------------------------

    def back_up(self, to: Path) -> None:
        """A whole copy, taken while the show runs."""
        with closing(_connect(self.path, read_only=True)) as source, closing(_connect(to)) as copy:
            source.backup(copy)

    def export(self, to: Path) -> int:
        """The log as JSON lines {"seq", "at_ms", "audience", "event"}; answers how many."""
        count = 0
        with to.open("w", encoding="utf-8", newline="\n") as sink:
            for row in self.every_row():
                audience = json.dumps(row.audience, ensure_ascii=False)
                sink.write(f'{{"seq":{row.seq},"at_ms":{row.at_ms},"audience":{audience},"event":{row.event}}}\n')
                count += 1
        return count


def _insert(db: sqlite3.Connection, statements: dict[int, str], values: Sequence[object], width: int) -> None:
    done = 0
    for size in _BATCHES:
        step = size * width
        while len(values) - done >= step:
            db.execute(statements[size], values[done : done + step])
            done += step


def _roll_back(db: sqlite3.Connection) -> None:
    if db.in_transaction:
        try:
            db.execute("ROLLBACK")
        except sqlite3.Error:
            # SQLite has already rolled back by itself (disk full, I/O error).
            return
