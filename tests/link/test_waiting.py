"""Edits that wait, on disk: what a killed window left is what the next one finds, once."""

from __future__ import annotations

import asyncio
import stat
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from seller_console import places
from seller_console.contract import commands as c
from seller_console.contract.words import LotChanges, LotDraft, Refusal, RunOfShowNote
from seller_console.link.waiting import KeptEdit, KeptNote, WaitingEdits, WayBack

SECRET = "pass-of-marie-that-nobody-else-has"
ONE = KeptEdit(
    key="k1",
    command=c.EditLot(lot_id="l1", seen_version=3, changes=LotChanges(title="Foulard", cost_cents=300)),
    what="Lot 1 · titre",
    back=WayBack(before=LotChanges(title="foulard", cost_cents=0)),
)
TWO = KeptEdit(key="k2", command=c.AddLot(lot=LotDraft(title="Peluche"), after=None), back=WayBack(), undone=True)
NOTE = KeptEdit(
    key="k3",
    command=c.SetRunOfShow(seen_version=0, notes=()),
    note=KeptNote(new=RunOfShowNote(text="pause", at="21:15")),
)
REFUSED = KeptEdit(
    key="k4",
    command=c.MoveLot(lot_id="l2", after=None),
    refusal=Refusal(code="on_block", sentence="Non.", facts={"lot_id": "l2"}),
)
EVERY = (ONE, TWO, NOTE, REFUSED)


@asynccontextmanager
async def window(secret: str = SECRET) -> AsyncIterator[WaitingEdits]:
    edits = WaitingEdits(secret)
    task = asyncio.create_task(edits.run())
    await asyncio.sleep(0)
    try:
        yield edits
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def files() -> list[Path]:
    return sorted(places.waiting().glob("*.json"))


async def until(done: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not done():  # noqa: ASYNC110 - a file of another thread
            await asyncio.sleep(0.005)


async def test_what_one_window_kept_the_next_one_finds_whole_and_in_order(home: Path) -> None:
    async with window() as edits:
        edits.keep("show", EVERY[:1])
        edits.keep("show", EVERY)
    async with window() as edits:
        assert edits.read("show") == EVERY
        assert edits.read("another show") == ()
    async with window("another pass") as edits:
        assert edits.read("show") == ()


async def test_it_is_on_the_disk_while_the_window_lives_private_and_without_the_pass(home: Path) -> None:
    async with window() as edits:
        edits.keep("show", EVERY)
        await until(files)
        (file,) = files()
        await until(lambda: len(msgspec.json.decode(file.read_bytes())["edits"]) == 4)
        if sys.platform != "win32":
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert SECRET not in file.read_text() and SECRET not in file.name
        edits.keep("show", ())
        await until(lambda: not files())
    assert list(places.waiting().iterdir()) == [], "an empty record leaves nothing behind"


async def test_two_windows_of_one_home_do_not_write_over_each_other_and_the_survivor_takes_over(home: Path) -> None:
    async with window() as first:
        first.read("show")
        first.keep("show", (ONE,))
        async with window() as second:
            assert second.read("show") == (), "those of a living window are its own"
            second.keep("show", (TWO,))
        await until(lambda: len(files()) == 2)
    async with window() as third:
        assert third.read("show") == (ONE, TWO)
        assert len(files()) == 1


async def test_a_damaged_record_is_set_aside_and_said(home: Path) -> None:
    async with window() as edits:
        edits.keep("show", EVERY)
    (file,) = files()
    file.write_bytes(file.read_bytes()[:-20])
    heard: list[str] = []
    async with window() as edits:
        edits.on_trouble = heard.append
        assert edits.read("show") == ()
        edits.keep("show", (ONE,))
    assert heard == ["unreadable"]
    assert len(list(places.waiting().glob("*.unreadable-*"))) == 1
    async with window() as edits:
        assert edits.read("show") == (ONE,)


async def test_a_disk_that_refuses_is_said(home: Path) -> None:
    heard: list[str] = []
    async with window() as edits:
        edits.on_trouble = heard.append
        edits.read("show")
        folder = places.waiting()
        for left in folder.iterdir():
            left.unlink()
        folder.rmdir()
        folder.write_text("a file in the way")
        edits.keep("show", (ONE,))
        await until(lambda: heard)
    assert heard == ["not_kept"]
