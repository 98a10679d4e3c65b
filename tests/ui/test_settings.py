"""Keys and looks are chosen in the window, kept, and cannot make a letter act on the sale; the stage follows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton

from seller_console.contract import media as m
from seller_console.link.settings import Settings
from tests.ui import scenes
from tests.ui.conftest import bury
from ui import theme
from ui.desk import Desk
from ui.views.settings import SettingsPanel
from ui.window import Window
from ui.wires import NoWires

LEFT = Qt.MouseButton.LeftButton


class Keeping(NoWires):
    """Remembers like the console does."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def remember(self, **settings: object) -> None:
        for name, value in settings.items():
            setattr(self.settings.values, name, value)
        self.settings.save()

    def remembered(self, name: str) -> object:
        return getattr(self.settings.values, name)


class Stand:
    def __init__(self, app: QApplication) -> None:
        self.app = app
        self.settings = Settings()
        self.desk = Desk(Keeping(self.settings), keys=self.settings, monotonic=scenes.StillClock())
        self.window = Window(self.desk)
        self.window.resize(1440, 900)
        scenes.ready(self.desk)
        app.installEventFilter(self.desk.actions)
        self.window.show()
        self.window.live.queue.open_settings()
        self.window.activateWindow()
        app.processEvents()
        self.done: list[str] = []
        self.desk.do = lambda action_id, other_way=False: self.done.append(action_id)  # type: ignore[method-assign]

    @property
    def panel(self) -> SettingsPanel:
        return self.window.live.queue.settings

    def told(self) -> list[object]:
        """What the engine is told from now on."""
        told: list[object] = []
        self.desk._wires.tell = told.append  # type: ignore[method-assign]
        return told

    def choose(
        self, action_id: str, key: Qt.Key, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier
    ) -> None:
        button = self.panel.buttons[action_id]
        QTest.mouseClick(button, LEFT)
        assert button.waiting
        QTest.keyClick(button, key, modifiers)

    def end(self) -> None:
        self.app.removeEventFilter(self.desk.actions)
        self.window.hide()
        self.window.finish()
        self.window.deleteLater()
        self.desk.deleteLater()
        bury(self.app)


@pytest.fixture
def stand(app: QApplication) -> Iterator[Stand]:
    made = Stand(app)
    yield made
    made.end()


def test_a_pedal_is_given_an_action_and_kept(stand: Stand) -> None:
    stand.choose("start_at_opening_price", Qt.Key.Key_F13)
    pdd = stand.desk.actions.start_at_opening_price
    assert pdd.keys == ("F13",)
    assert stand.panel.buttons[pdd.id].text() == "F13"
    assert Settings().bindings() == {"start_at_opening_price": ["F13"]}
    assert stand.done == [], "choosing a key does not press it"


def test_a_bound_key_pressed_while_choosing_changes_hands_and_does_nothing(stand: Stand) -> None:
    stand.choose("skip_lot", Qt.Key.Key_F1)
    assert stand.desk.actions.skip_lot.keys == ("F1",)
    assert stand.desk.actions.start_at_opening_price.keys == ()
    assert stand.done == []
    QTest.mouseClick(stand.panel.original, LEFT)
    assert stand.desk.actions.start_at_opening_price.keys == ("F1",)
    assert Settings().bindings() == {}


@pytest.mark.parametrize("key", [Qt.Key.Key_P, Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_1])
def test_what_one_types_with_is_refused_to_the_sale(stand: Stand, key: Qt.Key) -> None:
    stand.choose("skip_lot", key)
    assert stand.desk.actions.skip_lot.keys == ("F3",)
    assert "ne peut pas agir sur la vente" in stand.panel.said.text()


def test_escape_keeps_the_key_and_backspace_removes_it(stand: Stand) -> None:
    stand.choose("skip_lot", Qt.Key.Key_Escape)
    assert stand.desk.actions.skip_lot.keys == ("F3",)
    stand.choose("skip_lot", Qt.Key.Key_Backspace)
    assert stand.desk.actions.skip_lot.keys == ()


def test_a_modifier_alone_is_waited_out(stand: Stand) -> None:
    button = stand.panel.buttons["add_lot"]
    QTest.mouseClick(button, LEFT)
    QTest.keyPress(button, Qt.Key.Key_Control)
    assert button.waiting
    QTest.keyClick(button, Qt.Key.Key_L, Qt.KeyboardModifier.ControlModifier)
    assert stand.desk.actions.add_lot.keys == ("Ctrl+L",)


def test_space_is_given_to_pdd_only_by_choice(stand: Stand) -> None:
    pdd = stand.desk.actions.start_at_opening_price
    assert "Space" not in pdd.keys
    stand.panel.space.click()
    assert pdd.keys == ("F1", "Space")
    stand.panel.space.click()
    assert pdd.keys == ("F1",)


def test_the_theme_is_worn_at_once_and_kept(stand: Stand) -> None:
    stand.panel.theme.setCurrentIndex(1)
    stand.panel.theme.activated.emit(1)
    assert theme.colours().name == "light"
    assert Settings().values.theme == "light"
    stand.panel.scale.setCurrentIndex(4)
    stand.panel.scale.activated.emit(4)
    stand.panel.language.setCurrentIndex(2)
    stand.panel.language.activated.emit(2)
    assert (Settings().values.scale, Settings().values.language) == (200, "en")


def test_the_panel_closes_and_the_lots_are_back(stand: Stand) -> None:
    queue = stand.window.live.queue
    close = next(b for b in stand.panel.findChildren(QPushButton) if b.text() == "Fermer")
    QTest.mouseClick(close, LEFT)
    assert queue.pages.currentWidget() is queue.lists[0]


def test_the_stage_opens_beside_and_follows(app: QApplication, window: Window, desk: Desk) -> None:
    desk.actions.toggle_stage.press()
    app.processEvents()
    stage = window.stage
    assert stage.isVisible()
    before = stage.grab().toImage()
    scenes.under_10(desk)
    app.processEvents()
    assert stage.grab().toImage() != before
    QTest.keyClick(stage, Qt.Key.Key_F1)
    QTest.keyClick(stage, Qt.Key.Key_Escape)
    assert not stage.isVisible()


def test_the_graphics_card_is_asked_for_remembered_and_its_refusal_is_said(stand: Stand) -> None:
    told = stand.told()
    stand.panel.encoder.setCurrentIndex(1)
    stand.panel.encoder.activated.emit(1)
    assert told == [m.SetEncoder(encoder="auto")] and Settings().values.encoder == "auto"
    tried = (m.EncoderTried(name="h264_nvenc", why="Cannot load libcuda.so.1"),)
    stand.desk.take_note(m.EncoderChosen(wanted="auto", encoder="libx264", tried=tried))
    assert "libx264" in stand.panel.encoder_used.text() and "libcuda" in stand.panel.encoder_used.text()
