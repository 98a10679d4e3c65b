"""Nothing but a deliberate press opens a lot: the accident is proven first, then the guards."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from seller_console.contract.commands import Command, StartAuction, WithdrawRun
from tests.ui import scenes
from tests.ui.conftest import bury
from ui.actions import SETTLE_MS, Guards
from ui.desk import Desk
from ui.values import DeckView
from ui.window import Window
from ui.wires import Answered, NoWires

LEFT = Qt.MouseButton.LeftButton
NO_GUARDS = Guards(ignore_repeat=False, settle=False, hold=False, sale_keys_only=False, no_focus=False)
EVENTS = 10_000
Wait = Callable[..., None]


class Listening(NoWires):
    """Hears what the desk would say to the platform. `answers`: whether it says at once that it failed."""

    def __init__(self, answers: bool = False) -> None:
        self.said: list[Command] = []
        self.answers = answers

    def say(
        self,
        command: Command,
        answered: Answered,
        *,
        patience_s: float | None = None,
        in_turn: bool = False,
        key: str = "",
    ) -> None:
        self.said.append(command)
        if self.answers:
            answered(None)

    @property
    def opened(self) -> int:
        return sum(isinstance(command, StartAuction) for command in self.said)

    @property
    def withdrawn(self) -> int:
        return sum(isinstance(command, WithdrawRun) for command in self.said)


class Stand:
    """A window on air with a lot ready, its actions installed as the console does."""

    def __init__(self, app: QApplication, wires: Listening, guards: Guards | None = None) -> None:
        self.app, self.wires = app, wires
        self.desk = Desk(wires, guards=guards, monotonic=scenes.StillClock())
        self.window = Window(self.desk)
        self.window.resize(1280, 720)
        scenes.ready(self.desk)
        self.desk.put(deck=scenes.DeckView("ready", card=scenes.NEXT, next_card=scenes.NEXT, results=scenes.RESULTS))
        app.installEventFilter(self.desk.actions)
        self.window.show()
        QTest.qWaitForWindowExposed(self.window)
        self.window.activateWindow()
        app.processEvents()
        self.pdd = self.window.live.deck.pdd

    def middle(self) -> QPoint:
        return self.pdd.rect().center()

    def end(self) -> None:
        self.app.removeEventFilter(self.desk.actions)
        for other in self.app.topLevelWidgets():
            if other is not self.window and other.isVisible():
                other.close()
        self.window.hide()
        self.window.finish()
        self.window.deleteLater()
        self.desk.deleteLater()
        bury(self.app)


@pytest.fixture
def stand(app: QApplication) -> Iterator[Stand]:
    made = Stand(app, Listening())
    yield made
    made.end()


def settled(stand: Stand, wait: Wait) -> None:
    wait(lambda: stand.pdd.isEnabled() and stand.pdd._settled())
    began = time.monotonic()
    wait(lambda: time.monotonic() - began > SETTLE_MS / 1000)


# --- the deliberate press -----------------------------------------------------------------


def test_one_deliberate_press_opens_exactly_one(stand: Stand, wait: Wait) -> None:
    settled(stand, wait)
    QTest.mouseClick(stand.pdd, LEFT, pos=stand.middle())
    assert stand.wires.opened == 1


def test_f1_opens_exactly_one_however_long_it_is_held(stand: Stand, wait: Wait) -> None:
    settled(stand, wait)
    stand.app.postEvent(stand.window, QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_F1, Qt.KeyboardModifier.NoModifier))
    for _ in range(50):
        repeat = QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_F1, Qt.KeyboardModifier.NoModifier, "", True)
        stand.app.postEvent(stand.window, repeat)
    stand.app.processEvents()
    assert stand.wires.opened == 1


def test_a_double_click_opens_one(stand: Stand, wait: Wait) -> None:
    settled(stand, wait)
    stand.wires.answers = True  # the platform answers between the two: nothing but the guard is left
    QTest.mouseClick(stand.pdd, LEFT, pos=stand.middle())
    press = stand.pdd.mapTo(stand.window, stand.middle())
    double = _mouse(QEvent.Type.MouseButtonDblClick, press, LEFT, stand.pdd)
    stand.app.sendEvent(stand.pdd, double)
    stand.app.sendEvent(stand.pdd, _mouse(QEvent.Type.MouseButtonRelease, press, LEFT, stand.pdd))
    assert stand.wires.opened == 1


def test_the_press_counts_on_release_inside(stand: Stand, wait: Wait) -> None:
    settled(stand, wait)
    QTest.mousePress(stand.pdd, LEFT, pos=stand.middle())
    assert stand.wires.opened == 0
    QTest.mouseMove(stand.pdd, QPoint(-40, 20))
    QTest.mouseRelease(stand.pdd, LEFT, pos=QPoint(-40, 20))
    assert stand.wires.opened == 0
    other = stand.window.live.deck
    QTest.mousePress(other, LEFT, pos=QPoint(20, 20))
    QTest.mouseRelease(stand.pdd, LEFT, pos=stand.middle())
    assert stand.wires.opened == 0


@pytest.mark.parametrize("button", [Qt.MouseButton.RightButton, Qt.MouseButton.MiddleButton, Qt.MouseButton.BackButton])
def test_other_mouse_buttons_open_nothing(stand: Stand, wait: Wait, button: Qt.MouseButton) -> None:
    settled(stand, wait)
    QTest.mouseClick(stand.pdd, button, pos=stand.middle())
    assert stand.wires.opened == 0


def test_a_press_within_the_settling_time_opens_nothing(stand: Stand, wait: Wait) -> None:
    off = {**stand.desk.refusals, "start_at_opening_price": "Un lot est déjà en cours."}
    on = {key: why for key, why in off.items() if key != "start_at_opening_price"}
    for _ in range(3):
        stand.desk.put(refusals=off)
        stand.desk.put(refusals=on)
        QTest.mouseClick(stand.pdd, LEFT, pos=stand.middle())
        QTest.keyClick(stand.window, Qt.Key.Key_F1)
    assert stand.wires.opened == 0
    settled(stand, wait)
    QTest.mouseClick(stand.pdd, LEFT, pos=stand.middle())
    assert stand.wires.opened == 1


def test_a_press_begun_too_early_does_not_count_when_released_late(stand: Stand, wait: Wait) -> None:
    off = {**stand.desk.refusals, "start_at_opening_price": "x"}
    on = {key: why for key, why in off.items() if key != "start_at_opening_price"}
    stand.desk.put(refusals=off)
    stand.desk.put(refusals=on)
    QTest.mousePress(stand.pdd, LEFT, pos=stand.middle())
    settled(stand, wait)
    QTest.mouseRelease(stand.pdd, LEFT, pos=stand.middle())
    assert stand.wires.opened == 0


def test_a_button_that_came_under_the_pointer_must_settle(stand: Stand, wait: Wait) -> None:
    settled(stand, wait)
    stand.pdd.move(stand.pdd.x(), stand.pdd.y() + 44)
    QTest.mouseClick(stand.pdd, LEFT, pos=stand.middle())
    assert stand.wires.opened == 0


def test_a_press_meant_for_pdd_does_not_withdraw(stand: Stand, wait: Wait) -> None:
    """Pressed as PDD, released as Retirer: someone opened the lot with F1 meanwhile."""
    settled(stand, wait)
    QTest.mousePress(stand.pdd, LEFT, pos=stand.middle())
    scenes.withdrawable(stand.desk)
    QTest.mouseRelease(stand.pdd, LEFT, pos=stand.middle())
    assert (stand.wires.opened, stand.wires.withdrawn) == (0, 0)
    assert stand.pdd.role == "withdraw"


def test_it_shows_opening_until_the_platform_says_so(stand: Stand, wait: Wait) -> None:
    settled(stand, wait)
    stand.desk.put(deck=DeckView("opening", card=scenes.NEXT, next_card=scenes.NEXT),
                   refusals={"start_at_opening_price": "Ouverture…"})  # fmt: skip
    QTest.mouseClick(stand.pdd, LEFT, pos=stand.middle())
    assert stand.wires.opened == 0
    assert not stand.pdd.isEnabled()


def test_the_other_preset_is_chosen_first_and_opened_by_the_same_button(stand: Stand, wait: Wait) -> None:
    settled(stand, wait)
    switch = stand.window.live.deck.button(stand.desk.actions.start_with_other_preset)
    QTest.mouseClick(switch, LEFT)
    assert stand.pdd.other_preset and stand.wires.opened == 0
    QTest.mouseClick(stand.pdd, LEFT, pos=stand.middle())
    assert stand.wires.opened == 0, "it has just changed its meaning"
    settled(stand, wait)
    QTest.mouseClick(stand.pdd, LEFT, pos=stand.middle())
    (said,) = stand.wires.said
    assert isinstance(said, StartAuction) and said.preset is not None
    scenes.running(stand.desk)
    assert not stand.pdd.other_preset


def test_f2_opens_with_the_other_preset_at_once(stand: Stand, wait: Wait) -> None:
    settled(stand, wait)
    QTest.keyClick(stand.window, Qt.Key.Key_F2)
    (said,) = stand.wires.said
    assert isinstance(said, StartAuction) and said.preset is not None


def test_keys_that_type_never_act_on_the_sale(stand: Stand, wait: Wait) -> None:
    settled(stand, wait)
    for widget in (stand.window, stand.pdd, stand.window.live.queue.list_now, stand.window.live.side.chat):
        widget.setFocus()
        for key in (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_P, Qt.Key.Key_1, Qt.Key.Key_Tab):
            QTest.keyClick(stand.app.focusWidget() or stand.window, key)
    assert stand.wires.said == []


# --- ten thousand accidents ----------------------------------------------------------------

KEYS = [key for key in Qt.Key if key not in (Qt.Key.Key_unknown, Qt.Key.Key_Any) and key.value != 0xB5]
MODIFIERS = [Qt.KeyboardModifier.NoModifier] * 6 + [
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.AltModifier,
    Qt.KeyboardModifier.MetaModifier,
]
LIKELY = (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Tab, Qt.Key.Key_Backtab, Qt.Key.Key_Escape)


def _mouse(kind: QEvent.Type, at: QPoint, button: Qt.MouseButton, widget: QWidget) -> QEvent:
    from PySide6.QtGui import QMouseEvent

    local = QPointF(widget.mapFrom(widget.window(), at))
    held = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseButtonRelease else button
    return QMouseEvent(
        kind, local, QPointF(widget.window().mapToGlobal(at)), button, held, Qt.KeyboardModifier.NoModifier
    )


class Cat:
    """Walks on the keyboard and on the mouse, by seed; never on a bound key nor on the button."""

    def __init__(self, stand: Stand, seed: int) -> None:
        self.stand = stand
        self.chance = random.Random(seed)
        self.grabber: QWidget | None = None
        self.sent = 0

    def walk(self, events: int) -> None:
        step = 0
        while self.sent < events:
            step += 1
            self.chance.choice((self.paw, self.paw, self.paw, self.click, self.click, self.drag, self.wheel))()
            if step % 50 == 0:
                self.stand.app.processEvents()
                self.close_others()

    def close_others(self) -> None:
        for other in self.stand.app.topLevelWidgets():
            if other is not self.stand.window and other.isVisible():
                other.close()
        if not self.stand.window.isActiveWindow():
            self.stand.window.activateWindow()
            self.stand.app.processEvents()

    def paw(self) -> None:
        """A few keys in a row, wherever the focus goes."""
        for _ in range(self.chance.randint(1, 4)):
            self.key()

    def key(self) -> None:
        key = self.chance.choice(LIKELY) if self.chance.random() < 0.6 else self.chance.choice(KEYS)
        modifiers = self.chance.choice(MODIFIERS)
        text = QKeySequence(key | modifiers).toString(QKeySequence.SequenceFormat.PortableText)
        bound = self.stand.desk.actions.bound_keys()  # asked each time: the cat may find the settings
        if text in bound or QKeySequence(key).toString(QKeySequence.SequenceFormat.PortableText) in bound:
            return
        target = self.stand.app.focusWidget() or self.stand.window
        said = chr(key.value) if 32 <= key.value < 127 else ""
        repeats = self.chance.randint(0, 3) if self.chance.random() < 0.3 else 0
        for i in range(repeats + 1):
            press = QKeyEvent(QEvent.Type.KeyPress, key, modifiers, said, i > 0)
            self.stand.app.sendEvent(target, press)
            self.sent += 1
            target = self.stand.app.focusWidget() or self.stand.window
        self.stand.app.sendEvent(target, QKeyEvent(QEvent.Type.KeyRelease, key, modifiers, said))

    def pixel(self, anywhere: bool = False) -> QPoint:
        rect = self.stand.window.rect()
        pdd = self.stand.pdd
        box = pdd.rect().translated(pdd.mapTo(self.stand.window, QPoint(0, 0)))
        while True:
            at = QPoint(self.chance.randrange(rect.width()), self.chance.randrange(rect.height()))
            if anywhere or not box.contains(at):
                return at

    def send(self, kind: QEvent.Type, at: QPoint, button: Qt.MouseButton) -> None:
        """As the window system does: to whatever lies there, then to whoever took the press."""
        target = self.grabber or self.stand.window.childAt(at) or self.stand.window
        if kind in (QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonDblClick):
            self.grabber = target
            focus = target
            while focus is not None and not focus.focusPolicy() & Qt.FocusPolicy.ClickFocus:
                focus = focus.parentWidget()
            if focus is not None:
                focus.setFocus(Qt.FocusReason.MouseFocusReason)
        self.stand.app.sendEvent(target, _mouse(kind, at, button, target))
        self.sent += 1
        if kind == QEvent.Type.MouseButtonRelease:
            self.grabber = None

    def button(self) -> Qt.MouseButton:
        return self.chance.choice((LEFT, LEFT, LEFT, LEFT, Qt.MouseButton.MiddleButton))

    def click(self) -> None:
        at, button = self.pixel(), self.button()
        self.send(QEvent.Type.MouseButtonPress, at, button)
        self.send(QEvent.Type.MouseButtonRelease, at, button)
        if self.chance.random() < 0.2:
            self.send(QEvent.Type.MouseButtonDblClick, at, button)
            self.send(QEvent.Type.MouseButtonRelease, at, button)

    def drag(self) -> None:
        """Pressed anywhere but on the button, let go anywhere, the button included."""
        button = self.button()
        self.send(QEvent.Type.MouseButtonPress, self.pixel(), button)
        for _ in range(self.chance.randint(1, 3)):
            self.send(QEvent.Type.MouseMove, self.pixel(anywhere=True), button)
        self.send(QEvent.Type.MouseButtonRelease, self.pixel(anywhere=True), button)

    def wheel(self) -> None:
        at = self.pixel(anywhere=True)
        target = self.stand.window.childAt(at) or self.stand.window
        turn = QPoint(0, self.chance.choice((-120, 120)))
        event = QWheelEvent(
            QPointF(target.mapFrom(self.stand.window, at)), QPointF(self.stand.window.mapToGlobal(at)), QPoint(), turn,
            Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        self.stand.app.sendEvent(target, event)


@pytest.mark.parametrize("seed", [1, 7])
def test_ten_thousand_accidents_open_nothing(stand: Stand, wait: Wait, seed: int) -> None:
    stand.wires.answers = True
    settled(stand, wait)
    Cat(stand, seed).walk(EVENTS)
    assert stand.wires.opened == 0
    assert stand.pdd.isEnabled(), "the lot could have been opened all the while"
    settled(stand, wait)  # the cat may have just switched the preset
    QTest.mouseClick(stand.pdd, LEFT, pos=stand.middle())
    assert stand.wires.opened == 1


@pytest.mark.parametrize("seed", [1, 7])
def test_without_the_guards_the_same_accidents_open_lots(app: QApplication, wait: Wait, seed: int) -> None:
    stand = Stand(app, Listening(answers=True), NO_GUARDS)
    try:
        settled(stand, wait)
        Cat(stand, seed).walk(EVENTS)
        assert stand.wires.opened > 0
    finally:
        stand.end()
