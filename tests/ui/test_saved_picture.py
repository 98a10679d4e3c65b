"""A picture of the programme is kept beside the clips, under a name that says of what, and it is said where."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Callable
from pathlib import Path

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
from ui.values import Notice
from ui.views.sources import sources_menu
from ui.window import Window
from ui.wiring import Wiring
from ui.words import t

Asked = list[tuple[Path, Callable[[str], None]]]


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
    answer("")
    assert said == [Notice(f"Image gardée\u202f: {path}", "said", False, str(path.parent))]
    for why, words in (("disk_full", "le disque est plein"), ("busy", "à la fois"), ("no_picture", "pas encore")):
        answer(why)
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
    outcome: list[str] = []
    wiring = Wiring(Desk(), Settings())

    def tell(word: m.TakeSnapshot) -> None:
        """To an engine that answers so."""
        told.append(word)
        wiring.note(m.SnapshotTaken(request=word.request, error=error))

    monkeypatch.setattr(wiring.engine, "tell", tell)
    async with asyncio.TaskGroup() as tasks:
        wiring._tasks = tasks
        wiring.save_picture(path, outcome.append)
    assert [(word.path, word.camera) for word in told] == [(str(path), "")] and path.parent.is_dir()
    assert outcome == [error]


async def test_a_folder_that_cannot_be_and_an_engine_that_is_silent_are_outcomes_too(
    app: QApplication, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"")
    outcome: list[str] = []
    monkeypatch.setattr("ui.wiring.SAVE_PATIENCE_S", 0.05)
    wiring = Wiring(Desk(), Settings())
    async with asyncio.TaskGroup() as tasks:
        wiring._tasks = tasks
        wiring.save_picture(tmp_path / "file" / "images" / "a.jpg", outcome.append)
    async with asyncio.TaskGroup() as tasks:
        wiring._tasks = tasks
        wiring.save_picture(tmp_path / "images" / "a.jpg", outcome.append)
    assert outcome == ["not_writable", "timeout"] and wiring._snapshots == {}
