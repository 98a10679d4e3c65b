"""The action table: keys, guards, holding; and what stands between a cat and the sale."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QPushButton, QWidget

from seller_console.contract import commands as c
from seller_console.contract.words import LotDraft
from seller_console.link.settings import Settings
from tests.ui.desk_floor import DeskFloor
from ui.actions import ACTIONS, Action

Wait = Callable[[Callable[[], bool], float], None]


@pytest.fixture
def floor(app: QApplication) -> DeskFloor:
    made = DeskFloor()
    for n in range(5):
        made.desk.add_lot(LotDraft(title=f"lot {n}"))
    made.desk.flush()
    return made


@pytest.fixture
def pane(app: QApplication, floor: DeskFloor) -> QWidget:
    """A window with something that takes keys, and the desk's actions listening."""
    window = QWidget()
    field, button = QLineEdit(window), QPushButton("?", window)
    field.setObjectName("field")
    button.setObjectName("button")
    app.installEventFilter(floor.desk.actions)
    window.show()
    window.activateWindow()
    assert QTest.qWaitForWindowActive(window)
    field.setFocus()
    yield window  # type: ignore[misc]
    app.removeEventFilter(floor.desk.actions)
    window.deleteLater()


def settle(action: Action) -> None:
    """As if the action had been possible for a while."""
    action._possible_since = -1e9


def opened(floor: DeskFloor) -> int:
    return sum(isinstance(one, c.StartAuction) for one in floor.wires.said)


def press(widget: QWidget, key: Qt.Key, *, repeat: bool = False, text: str = "") -> None:
    event = QKeyEvent(QEvent.Type.KeyPress, key, Qt.KeyboardModifier.NoModifier, text, repeat)
    QApplication.sendEvent(widget, event)


def release(widget: QWidget, key: Qt.Key, *, repeat: bool = False) -> None:
    event = QKeyEvent(QEvent.Type.KeyRelease, key, Qt.KeyboardModifier.NoModifier, "", repeat)
    QApplication.sendEvent(widget, event)


def test_every_default_key_belongs_to_one_action_and_fits_it(floor: DeskFloor) -> None:
    keys = [key for spec in ACTIONS for key in spec.keys]
    assert len(keys) == len(set(keys))
    for spec in ACTIONS:
        for key in spec.keys:
            assert floor.desk.actions.why_not(spec.id, key) == "", (spec.id, key)
    table = {spec.id: spec.keys for spec in ACTIONS}
    assert table["start_at_opening_price"] == ("F1",) and table["cure_trouble"] == ("F9",)


def test_f1_opens_one_lot_whatever_has_the_focus(floor: DeskFloor, pane: QWidget) -> None:
    settle(floor.desk.actions.start_at_opening_price)
    QTest.keyClick(pane.findChild(QLineEdit), Qt.Key.Key_F1)
    assert opened(floor) == 1


def test_f1_held_down_opens_one_lot(floor: DeskFloor, pane: QWidget) -> None:
    action = floor.desk.actions.start_at_opening_price
    settle(action)
    press(pane, Qt.Key.Key_F1)
    for _ in range(30):
        settle(action)
        press(pane, Qt.Key.Key_F1, repeat=True)
        release(pane, Qt.Key.Key_F1, repeat=True)
    release(pane, Qt.Key.Key_F1)
    assert opened(floor) == 1


def test_a_press_within_the_settling_time_opens_nothing(floor: DeskFloor, pane: QWidget, wait: Wait) -> None:
    action = floor.desk.actions.start_at_opening_price
    floor.desk.take_connection(floor.desk.connection.__class__("away", "unreachable"))
    assert not action.enabled
    floor.desk.take_connection(floor.desk.connection.__class__("connected"))
    assert action.enabled
    QTest.keyClick(pane, Qt.Key.Key_F1)
    assert opened(floor) == 0
    wait(lambda: action.press(), 3)
    assert opened(floor) == 1


@pytest.mark.parametrize("key", ["A", "z", "1", "Space", "Return", "Enter", "Tab", "Esc", "Ctrl+A", "Up", "Del", ","])
def test_nothing_one_types_with_can_be_given_to_the_sale(floor: DeskFloor, key: str) -> None:
    actions = floor.desk.actions
    for spec in ACTIONS:
        if spec.sale and not (key == "Space" and spec.id == "start_at_opening_price"):
            assert actions.rebind(spec.id, (key,)) == "keys.not_for_the_sale", spec.id
    assert actions.rebind("skip_lot", ("Blorp",)) == "keys.unknown"


def test_space_opens_nothing_until_it_is_chosen(floor: DeskFloor, pane: QWidget) -> None:
    action = floor.desk.actions.start_at_opening_price
    settle(action)
    QTest.keyClick(pane, Qt.Key.Key_Space)
    assert opened(floor) == 0
    assert floor.desk.actions.rebind("start_at_opening_price", ("F1", "Space")) == ""
    settle(action)
    QTest.keyClick(pane, Qt.Key.Key_Space)
    assert opened(floor) == 1


def test_bindings_are_kept_and_a_key_has_one_owner(app: QApplication, home: object) -> None:
    settings = Settings()
    from ui.desk import Desk

    desk = Desk(keys=settings)
    assert desk.actions.rebind("announce", ("F13",)) == ""
    assert desk.actions.rebind("skip_lot", ("F13", "F3")) == ""
    assert desk.actions.announce.keys == ()
    again = Desk(keys=Settings())
    assert again.actions.skip_lot.keys == ("F13", "F3")
    assert again.actions.announce.keys == ()


def test_a_bad_binding_in_the_settings_is_not_used(app: QApplication, home: object) -> None:
    settings = Settings()
    settings.set_bindings({"start_at_opening_price": ["A"], "nothing": ["F3"]})
    from ui.desk import Desk

    desk = Desk(keys=settings)
    assert desk.actions.start_at_opening_price.keys == ("F1",)


def test_a_held_action_runs_after_its_time_and_not_when_released_before(floor: DeskFloor, wait: Wait) -> None:
    action = floor.desk.actions.end_show
    drawn: list[float] = []
    action.hold_changed.connect(drawn.append)
    assert not action.press(), "a press alone does nothing"
    action.hold_began()
    wait(lambda: len(drawn) > 3, 2)
    action.hold_ended()
    assert drawn[-1] == 0.0 and 0 < max(drawn) < 1
    assert floor.floor.state.status == "live"
    action.hold_began()
    wait(lambda: floor.floor.state.status == "ended", 3)


def test_undo_in_a_text_field_is_the_fields_own(floor: DeskFloor, pane: QWidget) -> None:
    field = pane.findChild(QLineEdit)
    assert isinstance(field, QLineEdit)
    QTest.keyClicks(field, "abc")
    QTest.keyClick(field, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert field.text() != "abc"
    floor.desk.flush()
    assert len(floor.desk.queue) == 5
    button = pane.findChild(QPushButton)
    assert isinstance(button, QPushButton)
    button.setFocus()
    QTest.keyClick(button, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    floor.desk.flush()
    assert len(floor.desk.queue) == 4


def _random_keys(seed: int, bound: frozenset[str]) -> list[Qt.Key]:
    rng = random.Random(seed)
    old = {Qt.Key.Key_mu}  # Qt has another name for it now
    free = [k for k in Qt.Key if k not in old and QKeySequence(k).toString() not in bound and 0 < k.value < 0x01FFFFFF]
    return [rng.choice(free) for _ in range(3_000)]


def test_thousands_of_keys_that_are_not_bound_do_nothing_to_the_sale(floor: DeskFloor, pane: QWidget) -> None:
    before = len(floor.wires.said)
    for action in floor.desk.actions:
        settle(action)
    sale = frozenset(key for action in floor.desk.actions for key in action.keys)
    for key in _random_keys(7, sale):
        press(pane, key, text="x")
        release(pane, key)
    said = floor.wires.said[before:]
    assert said == []


def test_without_its_guards_the_table_would_let_a_letter_and_a_held_key_act(floor: DeskFloor, pane: QWidget) -> None:
    """The proof that the guards are what stops them."""
    actions = floor.desk.actions
    actions.set_guards(sale_keys_only=False, ignore_repeat=False, settle=False, hold=False)
    assert actions.rebind("skip_lot", ("A",)) == ""
    press(pane, Qt.Key.Key_A, text="a")
    for _ in range(3):
        press(pane, Qt.Key.Key_A, repeat=True)
    assert sum(isinstance(one, c.SkipLot) for one in floor.wires.said) == 4
    assert actions.end_show.press()
    assert floor.floor.state.status == "ended"
