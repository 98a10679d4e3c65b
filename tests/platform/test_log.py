"""The record: one writer, whole transactions, salvage, migration, copies."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from pathlib import Path

import pytest

from seller_console.contract.codec import encode
from seller_console.contract.events import LineSaid, ShowOpened
from seller_console.platform import log as log_module
from seller_console.platform.log import (
    Answer,
    Damaged,
    HeadMoved,
    KeptPass,
    Log,
    NewerLog,
    Row,
    Snapshot,
    Turn,
)
from seller_console.platform.salvage import salvage


def row(seq: int, text: str = "bonjour") -> Row:
    if seq == 1:
        event = encode(ShowOpened(show_id="s", title="Cartes", owner="owner", owner_name="Anna")).decode()
        return Row(1, 1000, "everyone", "show_opened", "owner", event)
    said = LineSaid(line_id=f"C{seq}", person="b1", nickname="Léa", role="buyer", text=text)
    return Row(seq, 1000 + seq, "everyone", "line_said", "b1", encode(said).decode())


def filled(path: Path, rows: int, text: str = "bonjour") -> Log:
    log = Log(path)
    for start in range(0, rows, 100):
        log.append([Turn(seq - 1, (row(seq, text),)) for seq in range(start + 1, min(start + 100, rows) + 1)])
    return log


def test_a_second_writer_is_refused_and_nothing_of_it_is_kept(tmp_path: Path) -> None:
    first = filled(tmp_path / "s.db", 3)
    second = Log(tmp_path / "s.db")
    first.append([Turn(3, (row(4),), Answer("b1", "k", b"x", 200, b"{}"))])
    with pytest.raises(HeadMoved):
        second.append([Turn(3, (row(4, "autre"),), Answer("b2", "k", b"x", 200, b"{}"))])
    assert [kept.seq for kept in second.rows(0)] == [1, 2, 3, 4]
    assert second.answer("b2", "k") is None
    second.append([Turn(4, (row(5),))])
    with pytest.raises(HeadMoved):
        first.append([Turn(4, ())])
    first.close()
    second.close()


def test_the_primary_key_alone_refuses_a_second_writer(tmp_path: Path) -> None:
    """Were the head not compared, the number itself would still be taken."""
    log = filled(tmp_path / "s.db", 3)
    with pytest.raises(HeadMoved):
        log.append([Turn(3, (row(2),))])
    assert log.head()[0] == 3
    log.close()


def test_a_batch_is_whole_or_not_at_all(tmp_path: Path) -> None:
    log = filled(tmp_path / "s.db", 2)
    taken = Answer("b1", "k", b"x", 200, b"{}")
    log.append([Turn(2, (row(3),), taken)])
    with pytest.raises(HeadMoved):
        log.append([Turn(3, (row(4),)), Turn(4, (row(5),), taken)])
    assert log.head()[0] == 3
    log.append([Turn(3, (row(4),))])
    log.close()


@pytest.mark.parametrize("size", [1, 15, 16, 17, 127, 128, 129, 1000])
def test_every_row_of_a_batch_of_any_size_is_kept(tmp_path: Path, size: int) -> None:
    log = Log(tmp_path / "s.db")
    turns = [Turn(n, (row(n + 1),), Answer("b", f"k{n}", b"d", 200, b"{}")) for n in range(size)]
    log.append(turns)
    assert list(log.every_row(page=7)) == [turn.rows[0] for turn in turns]
    assert len(log.answered()) == size
    log.close()


def test_passes_answers_and_snapshots_come_back(tmp_path: Path) -> None:
    log = filled(tmp_path / "s.db", 2)
    kept = KeptPass(b"h" * 32, "b1", "buyer", "Léa", 99)
    log.append([Turn(2, (), Answer("b1", "k", b"d", 409, b'{"code":"low"}'), kept)])
    for seq in range(1, 6):
        log.save_snapshot(Snapshot(seq, "new" if seq > 3 else "old", bytes([seq])))
    log.close()
    log = Log(tmp_path / "s.db")
    assert log.passes() == [kept]
    assert log.answer("b1", "k") == Answer("b1", "k", b"d", 409, b'{"code":"low"}')
    assert log.snapshot("new") == Snapshot(5, "new", b"\x05")
    assert log.snapshot("old") is None, "only the last two are kept"
    log.close()


def test_it_is_written_through_to_the_disk(tmp_path: Path) -> None:
    log = filled(tmp_path / "s.db", 1)
    assert log._writer is not None
    assert log._writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert log._writer.execute("PRAGMA synchronous").fetchone() == (2,), "FULL"
    log.close()


def test_a_checkpoint_empties_the_wal_beside_an_open_writer(tmp_path: Path) -> None:
    log = filled(tmp_path / "s.db", 500)
    wal = tmp_path / "s.db-wal"
    log.checkpoint()
    size = wal.stat().st_size
    log.append([Turn(500, (row(501),))])
    assert wal.stat().st_size == size, "the next commit begins the WAL anew"
    alone = tmp_path / "alone.db"
    alone.write_bytes((tmp_path / "s.db").read_bytes())
    db = sqlite3.connect(alone)
    assert db.execute("SELECT count(*) FROM events").fetchone() == (500,)
    db.close()
    log.close()


def test_a_log_of_the_first_schema_is_migrated(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    db = sqlite3.connect(path)
    log_module._create(db)
    db.execute("INSERT INTO events VALUES (?,?,?,?,?)", (1, 1000, "everyone", "show_opened", row(1).event))
    db.execute("PRAGMA user_version=1")
    db.commit()
    db.close()
    log = Log(path)
    assert log.rows(0) == [row(1)._replace(said_by="")]
    log.append([Turn(1, (row(2),))])
    assert log.rows(1) == [row(2)]
    log.close()


def test_a_log_of_a_newer_program_is_left_alone(tmp_path: Path) -> None:
    filled(tmp_path / "s.db", 1).close()
    db = sqlite3.connect(tmp_path / "s.db")
    db.execute(f"PRAGMA user_version={log_module.SCHEMA + 1}")
    db.close()
    with pytest.raises(NewerLog):
        Log(tmp_path / "s.db")


def test_a_missing_row_is_noticed(tmp_path: Path) -> None:
    filled(tmp_path / "s.db", 10).close()
    db = sqlite3.connect(tmp_path / "s.db")
    db.execute("DELETE FROM events WHERE seq = 6")
    db.commit()
    db.close()
    with pytest.raises(Damaged, match="missing"):
        Log(tmp_path / "s.db")
    saved = salvage(tmp_path / "s.db")
    assert saved.rows == 5
    log = Log(tmp_path / "s.db")
    assert [kept.seq for kept in log.rows(0)] == [1, 2, 3, 4, 5]
    log.close()


@pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
def test_a_truncated_log_is_salvaged_up_to_the_last_whole_event(tmp_path: Path, part: float) -> None:
    path = tmp_path / "s.db"
    filled(path, 2000, "une ligne assez longue " * 8).close()
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * part)])
    with pytest.raises(Damaged):
        Log(path)
    saved = salvage(path)
    assert 2000 * part * 0.6 < saved.rows < 2000
    assert saved.kept_as.read_bytes()[:100] == whole[:100]
    log = Log(path)
    rows = list(log.every_row())
    assert [kept.seq for kept in rows] == list(range(1, saved.rows + 1))
    assert rows[-1] == row(saved.rows, "une ligne assez longue " * 8)
    log.append([Turn(saved.rows, (row(saved.rows + 1),))])
    log.close()


def test_a_page_of_noise_costs_only_what_follows(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    filled(path, 2000, "une ligne assez longue " * 8).close()
    raw = bytearray(path.read_bytes())
    middle = len(raw) // 2 // 4096 * 4096
    raw[middle : middle + 4096] = bytes(range(256)) * 16
    path.write_bytes(raw)
    with pytest.raises(Damaged):
        Log(path)
    saved = salvage(path)
    assert 500 < saved.rows < 2000
    log = Log(path)
    assert log.head()[0] == saved.rows
    log.close()


def test_long_events_answers_and_passes_are_salvaged_from_file_and_wal(tmp_path: Path) -> None:
    """Copied while open: most of it is still in the WAL, and its last transaction is torn."""
    path = tmp_path / "live.db"
    log = filled(path, 60, "é" * 9000)
    kept = KeptPass(b"h" * 32, "b1", "buyer", "Léa", 99, b"r" * 32)
    log.append([Turn(60, (), Answer("b1", "yes", b"d" * 16, 200, b'{"seq":60,"at_ms":1}'), kept)])
    log.append([Turn(60, (row(61),), Answer("b1", "lost", b"d" * 16, 200, b'{"seq":61,"at_ms":1}'))])
    broken = tmp_path / "s.db"
    broken.write_bytes(path.read_bytes())
    wal = path.with_name("live.db-wal").read_bytes()
    assert len(wal) > 100_000
    broken.with_name("s.db-wal").write_bytes(wal[:-100])
    log.close()
    saved = salvage(broken)
    assert saved.rows == 60
    log = Log(broken)
    assert list(log.every_row()) == [row(seq, "é" * 9000) for seq in range(1, 61)]
    assert log.passes() == [kept]
    assert log.answer("b1", "yes") is not None
    assert log.answer("b1", "lost") is None
    log.close()


def test_a_damaged_first_page_does_not_hide_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    filled(path, 500, "une ligne assez longue " * 8).close()
    raw = bytearray(path.read_bytes())
    raw[0:4096] = bytes(4096)
    path.write_bytes(raw)
    with pytest.raises(Damaged):
        Log(path)
    assert salvage(path).rows == 500


def test_a_file_that_is_no_database_is_kept_beside(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    path.write_bytes(b"Ceci n'est pas un journal." * 400)
    with pytest.raises(Damaged):
        Log(path)
    saved = salvage(path)
    assert saved.rows == 0
    assert saved.kept_as.read_bytes().startswith(b"Ceci")
    Log(path).close()


def test_a_copy_and_an_export_while_it_is_written(tmp_path: Path) -> None:
    log = filled(tmp_path / "s.db", 250)
    log.back_up(tmp_path / "copy.db")
    assert log.export(tmp_path / "s.jsonl") == 250
    copy = Log(tmp_path / "copy.db")
    assert list(copy.every_row()) == list(log.every_row())
    copy.close()
    lines = (tmp_path / "s.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["seq"] for line in lines] == list(range(1, 251))
    assert json.loads(lines[1])["event"]["text"] == "bonjour"
    log.close()


async def test_reading_from_many_threads_while_one_writes(tmp_path: Path) -> None:
    log = filled(tmp_path / "s.db", 100)

    def write() -> None:
        for seq in range(101, 301):
            log.append([Turn(seq - 1, (row(seq),))])

    def read() -> bool:
        for _ in range(50):
            seqs = [kept.seq for kept in log.rows(0, 500)]
            if seqs != list(range(1, len(seqs) + 1)):
                return False
        return True

    results = await asyncio.gather(asyncio.to_thread(write), *(asyncio.to_thread(read) for _ in range(4)))
    assert results[1:] == [True] * 4
    log.close()
