"""The one table of everything a person can do, and the only road from a key or a button to the desk.

Promises: one row an action (id, words key, default keys, guards, predicate,
intent); keys are rebindable and kept in settings; a letter, a digit, Space or
Enter never acts on the sale (Space may be given to PDD, by choice); auto-repeat
and a press within `settle_ms` of the action becoming possible are ignored; a
held action runs only after `hold_ms` without a release. Refuses: QShortcut and
QAction for the sale (they follow the focus, and repeat).

Buttons: on a deliberate press (released inside) call `action.press()`; for held
ones `hold_began()` / `hold_ended()`, and draw `hold_changed`. Keys come by themselves.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import QEvent, QKeyCombination, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QAbstractSpinBox, QApplication, QLineEdit, QPlainTextEdit, QTextEdit

if TYPE_CHECKING:
    from .desk import Desk

EDITORS = (QLineEdit, QTextEdit, QPlainTextEdit, QAbstractSpinBox)
SETTLE_MS = 400
HOLD_MS = 700


@dataclass(frozen=True, slots=True)
class Guards:
    """What stands between an accident and the sale. All on, except in the test that proves they matter."""

    ignore_repeat: bool = True
    settle: bool = True
    hold: bool = True
    sale_keys_only: bool = True
    """A letter, digit, Space, Enter or Tab cannot be bound to an action of the sale."""
    no_focus: bool = True
    """Buttons of the sale never take the keyboard focus (read by the buttons)."""


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """One row of the table."""

    id: str
    words: str
    keys: tuple[str, ...] = ()
    """Portable text of QKeySequence ("F1", "Ctrl+N"); the first is shown on the button."""
    sale: bool = False
    """Acts on the sale or the broadcast: guarded."""
    hold_ms: int = 0
    settle_ms: int = 0
    live_only: bool = False
    other_way: bool = False
    """There are two ways of it: Shift with its key or its button takes the one that is not set."""


ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec("start_at_opening_price", "action.pdd", ("F1",), sale=True, settle_ms=SETTLE_MS),
    ActionSpec("start_with_other_preset", "action.other_preset", ("F2",), sale=True, settle_ms=SETTLE_MS),
    ActionSpec("skip_lot", "action.skip", ("F3",), sale=True, settle_ms=SETTLE_MS),
    ActionSpec("start_giveaway", "action.giveaway", ("F4",), sale=True, settle_ms=SETTLE_MS),
    ActionSpec("withdraw", "action.withdraw", (), sale=True, settle_ms=SETTLE_MS),
    ActionSpec("stop_sale", "action.stop_sale", (), sale=True, hold_ms=HOLD_MS),
    ActionSpec("resume_sale", "action.resume_sale", (), sale=True, settle_ms=SETTLE_MS),
    ActionSpec("scene_1", "action.scene_1", ("F5",), sale=True, other_way=True),
    ActionSpec("scene_2", "action.scene_2", ("F6",), sale=True, other_way=True),
    ActionSpec("scene_3", "action.scene_3", ("F7",), sale=True, other_way=True),
    ActionSpec("scene_4", "action.scene_4", ("F8",), sale=True, other_way=True),
    ActionSpec("scene_5", "action.scene_5", (), sale=True, other_way=True),
    ActionSpec("scene_6", "action.scene_6", (), sale=True, other_way=True),
    ActionSpec("cure_trouble", "action.cure", ("F9",), sale=True),
    ActionSpec("next_trouble", "action.next_trouble", ("Shift+F9",), sale=True),
    ActionSpec("toggle_mute", "action.mute", ("F10",), sale=True),
    ActionSpec("toggle_stage", "action.stage", ("F11",)),
    ActionSpec("announce", "action.announce", ("F12",), sale=True),
    ActionSpec("go_live", "action.go_live", (), sale=True, settle_ms=SETTLE_MS),
    ActionSpec("rehearse", "action.rehearse", (), sale=True, settle_ms=SETTLE_MS),
    ActionSpec("end_show", "action.end_show", (), sale=True, hold_ms=HOLD_MS),
    ActionSpec("undo_queue_edit", "action.undo", ("Ctrl+Z",)),
    ActionSpec("add_lot", "action.add_lot", ("Ctrl+N",)),
    ActionSpec("import_lots", "action.import", ("Ctrl+I",)),
    ActionSpec("open_palette", "action.palette", ("Ctrl+K",)),
    ActionSpec("open_settings", "action.settings", ("Ctrl+,",)),
    ActionSpec("open_camera", "action.camera", ()),
    ActionSpec("open_recording", "action.recording", ()),
    ActionSpec("open_scenes", "action.scenes", ()),
    ActionSpec("toggle_guides", "action.guides", ("Ctrl+G",)),
    ActionSpec("open_sound", "action.sound", ()),
    ActionSpec("open_destinations", "action.destinations", ()),
    ActionSpec("save_clip", "action.clip", ()),
    ActionSpec("save_picture", "action.picture", ()),
    ActionSpec("retry_connection", "action.retry", ()),
)
FREE_KEYS: tuple[str, ...] = tuple(f"F{n}" for n in range(13, 25))
"""For pedals and stream decks: bound to nothing until someone does."""


class KeyStore(Protocol):
    """Where bindings are kept (link.settings.Settings is one)."""

    def bindings(self) -> dict[str, list[str]]: ...

    def set_bindings(self, bindings: dict[str, list[str]]) -> None: ...


class Action(QObject):
    """An action as the window sees it: words, key, whether it may be done now, and the press."""

    changed = Signal()
    """Enabled, reason or keys changed."""
    triggered = Signal()
    """The intent was called."""
    hold_changed = Signal(float)
    """0…1 while held, back to 0 on release."""

    def __init__(self, spec: ActionSpec, desk: Desk, guards: Guards, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.spec = spec
        self._desk = desk
        self.guards = guards
        self._keys = spec.keys
        self._reason: str | None = ""
        self._enabled = True
        self._possible_since = -1e9
        self._holding_since: float | None = None
        self._hold_timer = QTimer(self)
        self._hold_timer.setInterval(16)
        self._hold_timer.timeout.connect(self._held)

    @property
    def id(self) -> str:
        return self.spec.id

    @property
    def words(self) -> str:
        """Key of its name in the catalogue."""
        return self.spec.words

    @property
    def keys(self) -> tuple[str, ...]:
        return self._keys

    @property
    def key(self) -> str:
        """The key to print on the button, "" when none."""
        return self._keys[0] if self._keys else ""

    @property
    def enabled(self) -> bool:
        return self._enabled

    @property
    def reason(self) -> str:
        """Why it may not be done now, in the screen's words; "" when it may or nobody knows."""
        return self._reason or ""

    def refresh(self) -> None:
        """Ask the desk again; starts the settling time when it has just become possible."""
        refusal = self._desk.refusal(self.spec.id)
        enabled = refusal is None
        if enabled and not self._enabled:
            self._possible_since = time.monotonic()
        if (enabled, refusal) != (self._enabled, self._reason if not self._enabled else None):
            self._enabled, self._reason = enabled, refusal
            if not enabled:
                self.hold_ended()
            self.changed.emit()

    def set_keys(self, keys: tuple[str, ...]) -> None:
        self._keys = keys
        self.changed.emit()

    def press(self, other_way: bool = False) -> bool:
        """A deliberate press. Does nothing (False) when refused, held or not settled."""
        if self.spec.hold_ms and self.guards.hold:
            return False
        return self._run(other_way)

    def hold_began(self) -> None:
        if not self.spec.hold_ms or not self.guards.hold:
            self._run()
            return
        if self._enabled and self._holding_since is None:
            self._holding_since = time.monotonic()
            self._hold_timer.start()

    def hold_ended(self) -> None:
        """Released: whatever was filling empties."""
        if self._holding_since is not None:
            self._holding_since = None
            self._hold_timer.stop()
            self.hold_changed.emit(0.0)

    def _held(self) -> None:
        if self._holding_since is None:
            return
        done = (time.monotonic() - self._holding_since) * 1000 / self.spec.hold_ms
        if done < 1.0:
            self.hold_changed.emit(done)
            return
        self.hold_ended()
        self._run()

    def _run(self, other_way: bool = False) -> bool:
        self.refresh()
        if not self._enabled:
            return False
        settling = (time.monotonic() - self._possible_since) * 1000 < self.spec.settle_ms
        if settling and self.guards.settle:
            return False
        self._desk.do(self.spec.id, other_way)
        self.triggered.emit()
        self.refresh()
        return True


class Actions(QObject):
    """All actions, by id or as attributes (`actions.start_at_opening_price`), and their keys.

    Install it once as the application's event filter: `app.installEventFilter(desk.actions)`.
    """

    bindings_changed = Signal()

    def __init__(self, desk: Desk, store: KeyStore | None = None, guards: Guards | None = None) -> None:
        super().__init__(desk)
        self.guards = guards or Guards()
        self._store = store
        self._all = {spec.id: Action(spec, desk, self.guards, self) for spec in ACTIONS}
        self._by_key: dict[str, Action] = {}
        self._down: dict[int, Action] = {}
        if store is not None:
            for action_id, keys in store.bindings().items():
                if action_id in self._all and not any(self.why_not(action_id, key) for key in keys):
                    self._all[action_id].set_keys(tuple(keys))
        self._index()
        desk.refusals_changed.connect(self.refresh)
        self.refresh()

    def __getitem__(self, action_id: str) -> Action:
        return self._all[action_id]

    def __getattr__(self, name: str) -> Action:
        try:
            return self.__dict__["_all"][name]  # type: ignore[no-any-return]
        except KeyError:
            raise AttributeError(name) from None

    def __iter__(self) -> Iterator[Action]:
        return iter(self._all.values())

    def refresh(self) -> None:
        for action in self._all.values():
            action.refresh()

    def set_guards(self, **changes: bool) -> None:
        """For the test that removes them."""
        self.guards = replace(self.guards, **changes)
        for action in self._all.values():
            action.guards = self.guards

    def why_not(self, action_id: str, key: str) -> str:
        """Words key of why this key cannot be given to this action; "" when it can."""
        combination = _combination(key)
        if combination is None:
            return "keys.unknown"
        spec = self._all[action_id].spec
        if spec.sale and self.guards.sale_keys_only and not _fit_for_sale(combination):
            if action_id == "start_at_opening_price" and key == "Space":
                return ""
            return "keys.not_for_the_sale"
        return ""

    def rebind(self, action_id: str, keys: tuple[str, ...]) -> str:
        """Gives these keys to the action, taking them from any other; returns why not, or ""."""
        for key in keys:
            if reason := self.why_not(action_id, key):
                return reason
        for action in self._all.values():
            if action.id != action_id and set(action.keys) & set(keys):
                action.set_keys(tuple(key for key in action.keys if key not in keys))
        self._all[action_id].set_keys(keys)
        self._index()
        if self._store is not None:
            changed = {a.id: list(a.keys) for a in self._all.values() if a.keys != a.spec.keys}
            self._store.set_bindings(changed)
        self.bindings_changed.emit()
        return ""

    def bound_keys(self) -> frozenset[str]:
        return frozenset(self._by_key)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Takes bound keys before any widget, whatever has the focus; but undo in a text field is the field's own."""
        kind = event.type()
        if kind == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            if self._action_of(watched, event) is not None:
                event.accept()
                return True
            return False
        if kind == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            return self._pressed(watched, event)
        if kind == QEvent.Type.KeyRelease and isinstance(event, QKeyEvent):
            return self._released(event)
        if kind == QEvent.Type.ApplicationDeactivate:
            for action in self._down.values():
                action.hold_ended()
            self._down.clear()
        return False

    def _pressed(self, watched: QObject, event: QKeyEvent) -> bool:
        action = self._action_of(watched, event)
        if action is None:
            return False
        if event.isAutoRepeat() and self.guards.ignore_repeat:
            return True
        if event.key() in self._down and self.guards.ignore_repeat:
            return True  # the same press, seen again on its way up the widgets
        self._down[event.key()] = action
        if action.spec.hold_ms:
            action.hold_began()
        else:
            action.press(other_way=_text(event) not in action.keys)
        return True

    def _released(self, event: QKeyEvent) -> bool:
        if event.isAutoRepeat():
            return event.key() in self._down
        action = self._down.pop(event.key(), None)
        if action is None:
            return False
        action.hold_ended()
        return True

    def _action_of(self, watched: QObject, event: QKeyEvent) -> Action | None:
        text = _text(event)
        action = self._by_key.get(text)
        if action is None and "Shift+" in text:
            action = self._by_key.get(text.replace("Shift+", ""))
            return action if action is not None and action.spec.other_way else None
        if action is not None and not action.spec.sale and event.matches(QKeySequence.StandardKey.Undo):
            typing = isinstance(watched, EDITORS) or isinstance(QApplication.focusWidget(), EDITORS)
            return None if typing else action
        return action

    def _index(self) -> None:
        self._by_key = {key: action for action in self._all.values() for key in action.keys}


def _text(event: QKeyEvent) -> str:
    """The key as bindings are written, "" for one that Qt has no name for."""
    modifiers = event.modifiers() & ~(Qt.KeyboardModifier.KeypadModifier | Qt.KeyboardModifier.GroupSwitchModifier)
    try:
        combination = QKeyCombination(modifiers, Qt.Key(event.key()))
    except ValueError:
        return ""
    return QKeySequence(combination).toString(QKeySequence.SequenceFormat.PortableText)


def _combination(key: str) -> QKeyCombination | None:
    sequence = QKeySequence.fromString(key, QKeySequence.SequenceFormat.PortableText)
    if sequence.count() != 1:
        return None
    first: QKeyCombination = sequence[0]  # type: ignore[index]  # the stubs lack __getitem__
    return None if first.key() == Qt.Key.Key_unknown else first


def _fit_for_sale(combination: QKeyCombination) -> bool:
    """Function keys, and media/launch keys of pedals; with or without modifiers. Nothing one types with."""
    key = combination.key()
    return Qt.Key.Key_F1 <= key <= Qt.Key.Key_F35 or Qt.Key.Key_Back <= key <= Qt.Key.Key_LaunchH
