"""A bit that fell over inside a row or a snapshot: SQLite sees nothing of it, the show opens all the same."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from seller_console.contract import commands as c
from seller_console.contract.words import LotDraft
from seller_console.platform import export
from seller_console.platform import salvage as salvage_module
from seller_console.platform.log import Log, LogUnwritable, NewerLog, Turn
from seller_console.platform.passes import OWNER
from seller_console.platform.salesroom import PLATFORM
from seller_console.platform.shop import Shop
from seller_console.sale.state import ShowState

LOTS = 30


async def an_evening(home: Path) -> tuple[Path, ShowState]:
    """A show that was left in order: its log, and what it knew."""
    shop = Shop(home)
    room = await shop.open("Mon live")
    for number in range(LOTS):
        await room.sales.say(OWNER, c.AddLot(lot=LotDraft(title=f"Carte numéro {number}")))
    await shop.close()
    return room.log.path, room.sales.state


def changed(path: Path, sql: str, *values: object) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute(sql, values)
        db.commit()


@pytest.mark.warns("log_damaged", "log_salvaged")
@pytest.mark.parametrize("noise", [b'"\0', b"\xff\xfe", b'"}'])
async def test_a_row_that_cannot_be_read_costs_only_what_follows(
    home: Path, noise: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path, _ = await an_evening(home)
    changed(path, "DELETE FROM snapshots")  # as after a kill
    raw = path.read_bytes()
    assert raw.count("Carte numéro 20".encode()) == 1
    path.write_bytes(raw.replace(b"Carte num\xc3\xa9ro 20", noise + b"rte num\xc3\xa9ro 20"))
    shop = Shop(home)
    room = await shop.open()
    assert room.show_id == path.stem
    assert [lot.lot.title for lot in room.sales.state.lots.values()] == [f"Carte numéro {n}" for n in range(20)]
    assert len(list(path.parent.glob("*.damaged-*"))) == 1, "the damaged file is kept beside"
    assert "ro 20" not in caplog.text, "a row may be a secret"
    await shop.close()


def _cut(state: bytes) -> bytes:
    return state[: len(state) // 2]


def _flipped(state: bytes) -> bytes:
    """Still a state, of another price, title or time."""
    at = state.index("numéro 7".encode())
    return state[:at] + b"N" + state[at + 1 :]


async def test_a_salvage_that_is_cut_short_has_moved_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk, or a power cut: the next start finds the damaged log where it was."""
    path, _ = await an_evening(home)
    raw = path.read_bytes()
    path.write_bytes(raw.replace(b"Carte num\xc3\xa9ro 20", b"\xffarte num\xc3\xa9ro 20"))
    damaged = path.read_bytes()
    whole = Log.append

    def full(self: Log, turns: Sequence[Turn]) -> None:
        if turns and turns[0].expected_head:
            raise LogUnwritable("database or disk is full")
        whole(self, turns)

    monkeypatch.setattr(salvage_module, "_BATCH", 5)
    monkeypatch.setattr(Log, "append", full)
    with pytest.raises(LogUnwritable):
        salvage_module.salvage(path)
    assert path.read_bytes() == damaged
    assert [one.name for one in path.parent.iterdir()] == [path.name], "and nothing fills the disk"
    monkeypatch.setattr(Log, "append", whole)
    assert salvage_module.salvage(path).rows == 21
    log = Log(path)
    assert log.head()[0] == 21
    log.close()
    assert not list(path.parent.glob("*.salvaging*"))


@pytest.mark.warns("snapshot_not_used")
@pytest.mark.parametrize("damage", [_cut, _flipped])
async def test_a_snapshot_that_is_not_what_was_saved_is_not_believed(
    home: Path, damage: Callable[[bytes], bytes]
) -> None:
    path, before = await an_evening(home)
    with closing(sqlite3.connect(path)) as db:
        (state,) = db.execute("SELECT state FROM snapshots").fetchone()
    changed(path, "UPDATE snapshots SET state = ?", damage(state))
    shop = Shop(home)
    room = await shop.open()
    assert room.sales.state.lots == before.lots
    assert not list(path.parent.glob("*.damaged-*"))
    await shop.close()


@pytest.mark.parametrize("noise", [b'"', b"\xff"])
async def test_a_bad_note_of_the_picture_before_the_snapshot_keeps_nobody_out(home: Path, noise: bytes) -> None:
    shop = Shop(home)
    room = await shop.open("Mon live")
    for what in ("ingest_started", "recording_started"):
        await room.sales.say(PLATFORM, c.NoteMedia(what=what, detail="caméra du salon"))
    await shop.close()
    path = room.log.path
    raw = path.read_bytes()
    at = raw.rindex("caméra du salon".encode())  # the older one
    path.write_bytes(raw[:at] + noise + raw[at + 1 :])
    shop = Shop(home)
    room = await shop.open()
    assert room.show_id == path.stem
    assert not list(path.parent.glob("*.damaged-*")), "the snapshot has all that follows"
    await shop.close()


@pytest.mark.parametrize("words", [[], ["--backup"]])
async def test_what_cannot_be_exported_is_said(
    home: Path, tmp_path: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    path, _ = await an_evening(home)
    raw = path.read_bytes()
    path.write_bytes(raw.replace(b"Carte num\xc3\xa9ro 20", b"\xffarte num\xc3\xa9ro 20"))
    to = tmp_path / "out"
    code = export.main([path.stem, "--home", str(home), "--to", str(to), *words])
    assert (code, to.exists()) == ((0, True) if words else (1, False)), "a copy is a copy, of whatever is there"
    assert ("ne peut pas être lu" in capsys.readouterr().err) == (not words)


async def test_a_row_of_a_newer_program_is_no_damage(home: Path) -> None:
    path, _ = await an_evening(home)
    changed(path, "DELETE FROM snapshots")
    event = json.dumps({"type": "moon_landed"})
    changed(path, "INSERT INTO events SELECT max(seq) + 1, 1, 'everyone', 'moon_landed', ?, '' FROM events", event)
    whole = path.read_bytes()
    shop = Shop(home)
    with pytest.raises(NewerLog):
        await shop.open()
    await shop.close()
    assert path.read_bytes() == whole
    assert not list(path.parent.glob("*.damaged-*")), "nothing was cut off"
