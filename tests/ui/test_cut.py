"""One scene follows another by a fade or by a cut: as was chosen, and with Shift the other way."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from seller_console.contract import media as m
from seller_console.link.settings import Settings
from tests.ui.conftest import shown
from tests.ui.desk_floor import DeskFloor
from ui.window import Window
from ui.words import t

NONE, SHIFT = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier
PROGRAMME = m.ProgrammeSet(
    camera="camera:a", microphone="tone", width=720, height=1280, fps=30, target_bps=0, muted=False,
    second_camera="camera:b", scenes=("table", "face", "pause"),
)  # fmt: skip


@pytest.fixture
def floor(app: QApplication) -> DeskFloor:
    made = DeskFloor()
    made.desk.take_engine_road("connected")
    made.desk.take_note(PROGRAMME)
    return made


@pytest.fixture
def window(app: QApplication, floor: DeskFloor) -> Iterator[Window]:
    app.installEventFilter(floor.desk.actions)
    with shown(app, floor.desk) as made:
        made.activateWindow()
        assert QTest.qWaitForWindowActive(made)
        yield made
        app.removeEventFilter(floor.desk.actions)


def changes(floor: DeskFloor) -> list[tuple[str, bool]]:
    """Scenes that the engine was told, and whether by a cut."""
    return [(word.scene, word.cut) for word in floor.wires.told if isinstance(word, m.SetScene)]


def entry(window: Window) -> QAction:
    """In the menu of the picture."""
    window._desk.actions.open_scenes.press()
    assert window._menu is not None
    return next(action for action in window._menu.actions() if action.text() == t("scene.cut"))


def test_scenes_fade_until_a_cut_is_chosen_and_the_choice_is_kept(floor: DeskFloor, window: Window) -> None:
    floor.desk.actions.scene_2.press()
    assert not entry(window).isChecked()
    entry(window).trigger()
    assert floor.wires.kept["cut"] is True
    floor.desk.actions.scene_4.press()
    assert entry(window).isChecked()
    entry(window).trigger()
    floor.desk.actions.scene_1.press()
    assert changes(floor) == [("face", False), ("pause", True), ("table", False)]


def test_the_choice_is_there_at_the_next_launch(home: object) -> None:
    settings = Settings()
    assert settings.values.cut is False
    settings.values.cut = True
    assert settings.save() and Settings().values.cut is True


@pytest.mark.parametrize("cut", [False, True])
def test_shift_with_the_key_of_a_scene_takes_the_other_way(floor: DeskFloor, window: Window, cut: bool) -> None:
    floor.desk.set_cut(cut)
    QTest.keyClick(window, Qt.Key.Key_F6, NONE)
    QTest.keyClick(window, Qt.Key.Key_F5, SHIFT)
    assert changes(floor) == [("face", cut), ("table", not cut)]
    QTest.keyClick(window, Qt.Key.Key_F6, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClick(window, Qt.Key.Key_F1, SHIFT)
    assert len(changes(floor)) == 2 and floor.wires.said == [], "nothing else has another way"


def test_a_key_that_is_bound_with_shift_is_what_it_is_bound_to(floor: DeskFloor, window: Window) -> None:
    assert floor.desk.actions.rebind("scene_4", ("Shift+F5",)) == ""
    QTest.keyClick(window, Qt.Key.Key_F5, SHIFT)
    assert changes(floor) == [("pause", False)]


def test_shift_with_the_tile_of_a_scene_takes_the_other_way(
    floor: DeskFloor, window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    tile = next(button for button in window.live.preview.scenes if button.scene == "face")
    assert tile.isVisible() and "Maj" in tile.toolTip()
    monkeypatch.setattr(tile, "underMouse", lambda: True)  # nobody moves the pointer of an offscreen screen
    for modifier in (NONE, SHIFT):
        QTest.mouseClick(tile, Qt.MouseButton.LeftButton, modifier)
    assert changes(floor) == [("face", False), ("face", True)]


def test_only_the_left_button_presses_a_tile(floor: DeskFloor, window: Window, monkeypatch: pytest.MonkeyPatch) -> None:
    """The choice of the cut is behind a right click in the same place."""
    tile = next(button for button in window.live.preview.scenes if button.scene == "face")
    monkeypatch.setattr(tile, "underMouse", lambda: True)
    left, right, middle = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton, Qt.MouseButton.MiddleButton
    for button in (right, middle):
        QTest.mouseClick(tile, button, NONE)
    QTest.mousePress(tile, right, NONE)
    QTest.mouseRelease(tile, left, NONE)
    QTest.mousePress(tile, left, NONE)
    QTest.mouseRelease(tile, right, NONE)
    assert changes(floor) == []
    QTest.mouseRelease(tile, left, NONE)
    assert changes(floor) == [("face", False)]
