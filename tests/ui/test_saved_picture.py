"""A picture of the programme is kept beside the clips, under a name that says of what, and it is said where."""

from __future__ import annotations

import asyncio
import datetime
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication

from seller_console.contract import commands as c
from seller_console.contract import media as m
from seller_console.contract.words import LotDraft
from seller_console.link.settings import Settings
from tests.rules.floor import OWNER
from tests.ui.desk_floor import DeskFloor
from ui.clips import picture_name
from ui.desk import Desk
from ui.free_names import FreeNames
from ui.values import Notice
from ui.views.sources import sources_menu
from ui.window import Window
from ui.wiring import Wiring
from ui.words import t

Asked = list[tuple[Path, Callable[[Path, str], None]]]


def looks_at(folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The thread of each look at whether something lies in this folder."""
    threads: list[int] = []

    def watch(owner: Any, name: str) -> None:
        real = getattr(owner, name)

        def look(path: Any) -> bool:
            if str(path).startswith(str(folder)):
                threads.append(threading.get_ident())
            return bool(real(path))

        monkeypatch.setattr(owner, name, look)

    for owner, name in ((Path, "exists"), (os.path, "exists"), (os.path, "lexists")):
        watch(owner, name)
    return threads


@pytest.fixture
def floor(app: QApplication, tmp_path: Path) -> DeskFloor:
    made = DeskFloor()
    made.wires.kept["record_folder"] = str(tmp_path)
    made.desk.take_engine_road("connected")
    return made


@pytest.fixture
def asked(floor: DeskFloor, monkeypatch: pytest.MonkeyPatch) -> Asked:
    """The files that the wires were asked to make."""
    files: Asked = []
    monkeypatch.setattr(floor.wires, "save_picture", lambda path, saved: files.append((path, saved)))
    return files


def test_it_lies_beside_the_clips_and_is_named_after_the_lot_on_the_block(
    floor: DeskFloor, asked: Asked, tmp_path: Path
) -> None:
    assert floor.desk.actions.save_picture.press()
    floor.ok(c.AddLot(lot=LotDraft(title="Carte")), OWNER)
    floor.desk.start_at_opening_price()
    floor.feed()
    assert floor.desk.actions.save_picture.press()
    assert [path.parent for path, _ in asked] == [tmp_path / "images"] * 2
    assert [path.name.partition(" - ")[0] for path, _ in asked] == ["Image", "Lot 1"]
    assert floor.desk.clips_folder().parent == tmp_path


def test_its_name_is_one_that_every_disk_takes() -> None:
    at = datetime.datetime(2026, 11, 28, 21, 4, 5)
    assert picture_name(148, at) == "Lot 148 - 2026-11-28 21h04m05.jpg"
    assert picture_name(0, at) == "Image - 2026-11-28 21h04m05.jpg"


def test_where_it_is_or_why_it_is_not_is_said(floor: DeskFloor, asked: Asked) -> None:
    said: list[Notice] = []
    floor.desk.noticed.connect(said.append)
    floor.desk.save_picture()
    path, answer = asked[0]
    path = path.with_name("other.jpg")  # the wires say what it is called
    answer(path, "")
    assert said == [Notice(f"Image gardée\u202f: {path}", "said", False, str(path.parent))]
    for why, words in (("disk_full", "le disque est plein"), ("busy", "à la fois"), ("no_picture", "pas encore")):
        answer(path, why)
        assert said[-1].kind == "trouble" and words in said[-1].text and not said[-1].folder


def test_without_an_engine_it_is_off_and_says_why(floor: DeskFloor, asked: Asked) -> None:
    floor.desk.take_engine_road("away")
    assert floor.desk.refusal("save_picture") == t("refused.no_engine")
    assert not floor.desk.actions.save_picture.press() and asked == []


def test_the_menu_of_the_picture_offers_it(window: Window, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    pressed: list[bool] = []
    monkeypatch.setattr(desk, "save_picture", lambda: pressed.append(True))
    for off in (False, True):
        desk.put(refusals={"save_picture": "-"} if off else {})
        menu = sources_menu(desk, window, window._stills)
        entry = next(action for action in menu.actions() if action.text() == t("action.picture"))
        assert entry.isEnabled() is not off
        entry.trigger()
    assert pressed == [True]


@pytest.mark.parametrize("error", ["", "disk_full"])
async def test_the_engine_is_asked_for_the_programme_itself(
    app: QApplication, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: str
) -> None:
    path = tmp_path / "new" / "images" / "Image.jpg"
    told: list[m.TakeSnapshot] = []
    outcome: list[tuple[Path, str]] = []
    wiring = Wiring(Desk(), Settings())

    def tell(word: m.TakeSnapshot) -> None:
        """To an engine that answers so."""
        told.append(word)
        wiring.note(m.SnapshotTaken(request=word.request, error=error))

    monkeypatch.setattr(wiring.engine, "tell", tell)
    async with asyncio.TaskGroup() as tasks:
        wiring._tasks = tasks
        wiring.save_picture(path, lambda *said: outcome.append(said))
    assert [(word.path, word.camera) for word in told] == [(str(path), "")] and path.parent.is_dir()
    assert outcome == [(path, error)]


async def test_a_folder_that_cannot_be_and_an_engine_that_is_silent_are_outcomes_too(
    app: QApplication, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"")
    outcome: list[tuple[Path, str]] = []
    monkeypatch.setattr("ui.wiring.SAVE_PATIENCE_S", 0.05)
    wiring = Wiring(Desk(), Settings())
    async with asyncio.TaskGroup() as tasks:
        wiring._tasks = tasks
        wiring.save_picture(tmp_path / "file" / "images" / "a.jpg", lambda *said: outcome.append(said))
    async with asyncio.TaskGroup() as tasks:
        wiring._tasks = tasks
        wiring.save_picture(tmp_path / "images" / "a.jpg", lambda *said: outcome.append(said))
    assert [why for _, why in outcome] == ["not_writable", "timeout"] and wiring._snapshots == {}


def test_the_disk_is_not_looked_at_on_the_windows_thread(
    floor: DeskFloor, asked: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be asleep, or at the other end of a network."""
    looked = looks_at(tmp_path, monkeypatch)
    floor.desk.save_picture()
    assert len(asked) == 1 and looked == []


async def test_two_pictures_of_one_second_are_two_files_and_none_lies_over_an_older_one(
    app: QApplication, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "Image.jpg"
    path.write_bytes(b"older")
    told: list[m.TakeSnapshot] = []
    outcome: list[tuple[Path, str]] = []
    wiring = Wiring(Desk(), Settings())

    def tell(word: m.TakeSnapshot) -> None:
        """To an engine that answers when the second one is asked for."""
        told.append(word)
        if len(told) == 2:
            for one in told:
                wiring.note(m.SnapshotTaken(request=one.request, path=one.path))

    monkeypatch.setattr(wiring.engine, "tell", tell)
    looked = looks_at(tmp_path, monkeypatch)
    async with asyncio.TaskGroup() as tasks:
        wiring._tasks = tasks
        for _ in range(2):
            wiring.save_picture(path, lambda *said: outcome.append(said))
    assert [Path(word.path).name for word in told] == ["Image (2).jpg", "Image (3).jpg"]
    assert sorted(outcome) == [(Path(word.path), "") for word in told]
    assert looked and threading.get_ident() not in looked


async def test_a_name_is_nobody_elses_until_it_is_given_back_however_many_there_are(tmp_path: Path) -> None:
    names, path = FreeNames(), tmp_path / "Lot 1.mp4"
    for name in ("Lot 1.mp4", *(f"Lot 1 ({n}).mp4" for n in range(2, 120))):
        (tmp_path / name).write_bytes(b"")
    given = await asyncio.gather(names.take(path), names.take(path))
    assert [one.name for one in given] == ["Lot 1 (120).mp4", "Lot 1 (121).mp4"]
    names.give_back(given[0])
    assert await names.take(path) == given[0]
    assert await names.take(tmp_path / "no" / "such" / "a.mp4") == tmp_path / "no" / "such" / "a.mp4"
