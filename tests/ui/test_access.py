"""Everything can be reached by its name and its key, and nothing of the sale by accident."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QComboBox,
    QLineEdit,
    QScrollBar,
    QWidget,
)

from tests.ui import gallery, scenes
from ui.actions import ACTIONS
from ui.desk import Desk
from ui.views.controls import ActionButton, Tabs
from ui.views.hold import HoldButton
from ui.views.pdd import PddButton
from ui.views.preview import SceneButton
from ui.window import Window

CONTROLS = (QAbstractButton, QLineEdit, QComboBox, QAbstractItemView, Tabs, SceneButton)


def controls(window: Window) -> list[QWidget]:
    found = []
    for kind in CONTROLS:
        for widget in window.findChildren(kind):
            inside = widget.parent()
            if isinstance(inside, (QComboBox, QScrollBar)) or widget.objectName().startswith("qt_"):
                continue
            if type(widget).__name__ in ("QTableCornerButton", "QHeaderView", "QComboBoxListView"):
                continue
            if widget.window() is window:
                found.append(widget)
    return found


@pytest.mark.parametrize("name", ["live", "not_live", "preflight", "editor", "import", "sold", "paused", "palette"])
def test_every_control_has_a_name(app: QApplication, window: Window, desk: Desk, name: str) -> None:
    if name in scenes.SCENES:
        scenes.SCENES[name](desk)
    else:
        gallery.panel(window, desk, name)
    app.processEvents()
    nameless = [
        f"{type(widget).__name__} in {type(widget.parent()).__name__}"
        for widget in controls(window)
        if widget.isVisible() and not widget.accessibleName()
    ]
    assert nameless == []
    assert len(controls(window)) > 25


def test_no_button_of_the_sale_takes_the_focus(window: Window) -> None:
    sale = [
        widget
        for widget in controls(window)
        if isinstance(widget, (PddButton, HoldButton, SceneButton))
        or (isinstance(widget, ActionButton) and widget.action.spec.sale)
    ]
    assert len(sale) > 12
    assert [type(widget).__name__ for widget in sale if widget.focusPolicy() != Qt.FocusPolicy.NoFocus] == []
    assert window.live.deck.ticker.focusPolicy() == Qt.FocusPolicy.NoFocus


def test_everything_else_can_be_reached_with_the_tab_key(app: QApplication, window: Window) -> None:
    window.activateWindow()
    app.processEvents()
    live = window.live
    wanted: set[QWidget] = {
        live.queue.tabs, live.queue.add, live.queue.bring, live.queue.list_now, live.queue.filter,
        live.side.tabs, live.side.chat, live.side.reply,
    }  # fmt: skip
    window.setFocus()
    reached: set[QWidget] = set()
    for _ in range(60):
        QTest.keyClick(app.focusWidget() or window, Qt.Key.Key_Tab)
        focused = app.focusWidget()
        if focused is not None:
            reached.add(focused)
    assert {type(widget).__name__ for widget in wanted - reached} == set()
    assert not any(isinstance(widget, (PddButton, HoldButton)) for widget in reached)


def test_the_action_table_names_a_key_for_what_the_drawings_name_one_for() -> None:
    keys = {spec.id: spec.keys for spec in ACTIONS}
    for action_id, key in {
        "start_at_opening_price": "F1", "start_with_other_preset": "F2", "skip_lot": "F3", "start_giveaway": "F4",
        "scene_1": "F5", "scene_4": "F8", "cure_trouble": "F9", "toggle_mute": "F10", "toggle_stage": "F11",
        "announce": "F12", "open_palette": "Ctrl+K", "add_lot": "Ctrl+N", "undo_queue_edit": "Ctrl+Z",
    }.items():  # fmt: skip
        assert keys[action_id][0] == key


FORBIDDEN = {"exec", "exec_", "processEvents", "QMessageBox", "QInputDialog", "QShortcut", "getOpenFileName"}


def test_nothing_is_modal_and_nothing_spins_the_loop(repository: Path) -> None:
    wrong = []
    for path in sorted((repository / "ui").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
            if name in FORBIDDEN:
                wrong.append(f"{path.name}:{node.lineno} {name}")  # type: ignore[attr-defined]
    assert wrong == []


def test_the_style_sheet_is_set_in_one_place_only(repository: Path) -> None:
    using = [path.name for path in (repository / "ui").rglob("*.py") if "setStyleSheet(" in path.read_text("utf-8")]
    assert using == ["theme.py"]


def test_the_palette_finds_by_name_and_runs_what_is_not_the_sale(app: QApplication, window: Window, desk: Desk) -> None:
    asked: list[str] = []
    desk.asked.connect(asked.append)
    window.palette_box.open()
    QTest.keyClicks(window.palette_box.field, "ajouter")
    assert window.palette_box.list.count() == 1
    QTest.keyClick(window.palette_box.field, Qt.Key.Key_Return)
    assert asked == ["add_lot"]
    assert window.palette_box.isHidden()


def test_enter_in_the_palette_never_acts_on_the_sale(
    app: QApplication, window: Window, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    monkeypatch.setattr(desk, "do", lambda action_id, _other_way: done.append(action_id))
    window.palette_box.open()
    for _ in range(30):
        QTest.keyClick(window.palette_box.field, Qt.Key.Key_Return)
        if window.palette_box.isHidden():
            window.palette_box.open()
            for _ in range(len(done)):
                QTest.keyClick(window.palette_box.field, Qt.Key.Key_Down)
        QTest.keyClick(window.palette_box.field, Qt.Key.Key_Down)
    sale = {spec.id for spec in ACTIONS if spec.sale}
    assert sale.isdisjoint(done)


def test_the_trouble_strip_says_what_since_when_and_the_cure(app: QApplication, window: Window, desk: Desk) -> None:
    scenes.ready_trouble(desk)
    app.processEvents()
    said = window.strip.accessibleName()
    assert said.startswith("Caméra Table floue depuis 6")
    assert said.endswith("les acheteurs ne lisent plus les cartes")
    assert window.strip.cure.accessibleName() == "Refaire le point"
    assert window.strip.cure.action.key == "F9"
    desk.put(troubles=())
    app.processEvents()
    assert not window.strip.isVisible(), "it goes by itself"


def test_closing_on_air_asks_in_the_window_and_is_held(
    app: QApplication, window: Window, desk: Desk, wait: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[bool] = []
    scenes.closing_window(desk)
    app.processEvents()
    monkeypatch.setattr(desk, "close_and_end", lambda: ended.append(True))
    window.closing.end.held.disconnect()
    window.closing.end.held.connect(lambda: desk.close_and_end())
    assert window.closing.isVisible()
    end = window.closing.end
    QTest.mousePress(end, Qt.MouseButton.LeftButton)
    wait(lambda: end.done > 0.3)
    QTest.mouseRelease(end, Qt.MouseButton.LeftButton)
    assert ended == []
    assert end.done == 0
    QTest.mousePress(end, Qt.MouseButton.LeftButton)
    wait(lambda: ended == [True])
    QTest.mouseRelease(end, Qt.MouseButton.LeftButton)
    assert ended == [True]
