"""Diffuser aussi vers: the list of further places, instead of the fields or the lots; before the show and on air.

Promises: a state is a word and a mark, never a colour alone; what is wrong with an
address is said under it; a key that was kept is never shown again; taking one away
asks twice, switching it off forgets nothing.
"""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from .. import theme
from ..desk import Desk
from ..destinations import NAME_MOST, Destination
from ..words import t
from .controls import plain_button
from .fields import mark

SURE_MS = 4000
MARKS = {"on_air": "●", "connecting": "…", "reconnecting": "!", "ready": "○", "rehearsal": "○", "off": "–"}
TONES = {"on_air": "good", "connecting": "warn", "reconnecting": "bad"}


def state_words(row: Destination) -> str:
    said = f"{MARKS[row.state]} {t(f'destinations.state.{row.state}')}"
    return f"{said} — {row.why}" if row.why else said


def tone(label: QLabel, name: str) -> None:
    """A colour of the sheet; at most once a change of state."""
    if label.property("tone") != name:
        label.setProperty("tone", name)
        label.style().unpolish(label)
        label.style().polish(label)


class Row(QWidget):
    """One place: its name, where, how it fares, and what may be done."""

    altered = Signal(str)

    def __init__(self, desk: Desk, row: Destination, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._desk, self._row = desk, row
        self.on = QCheckBox(row.name, self)
        self.on.setAccessibleName(t("destinations.on_name", name=row.name))
        self.on.setFont(theme.font(14, theme.SEMI))
        self.state = QLabel(self)
        self.where = QLabel(self)
        self.where.setProperty("tone", "second")
        self.alter = plain_button(t("destinations.alter"), lambda: self.altered.emit(row.name), self)
        self.alter.setAccessibleName(t("destinations.alter_name", name=row.name))
        self.take_off = plain_button(t("destinations.remove"), self._remove, self)
        self._sure = QTimer(self)
        self._sure.setSingleShot(True)
        self._sure.setInterval(SURE_MS)
        self._sure.timeout.connect(self._say_removal)
        grid = QGridLayout(self)
        grid.setContentsMargins(14, 10, 12, 10)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(3)
        grid.addWidget(self.on, 0, 0, 1, 2)
        grid.addWidget(self.state, 1, 0)
        grid.addWidget(self.where, 1, 1)
        for column, button in enumerate((self.alter, self.take_off), start=2):
            grid.addWidget(button, 0, column, 2, 1, Qt.AlignmentFlag.AlignVCenter)
        grid.setColumnStretch(1, 1)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.on.toggled.connect(lambda on: desk.destinations.switch(row.name, on))
        self.show_row(row)
        self._say_removal()

    def show_row(self, row: Destination) -> None:
        self._row = row
        with QSignalBlocker(self.on):
            self.on.setChecked(row.on)
        self.where.setText(f"· {row.host}")
        self.state.setText(state_words(row))
        tone(self.state, TONES.get(row.state, "second"))
        self.setAccessibleName(f"{row.name} — {state_words(row)}")

    def _remove(self) -> None:
        """The second press, within four seconds."""
        if self._sure.isActive():
            self._desk.destinations.remove(self._row.name)
            return
        self._sure.start()
        self._say_removal()

    def _say_removal(self) -> None:
        sure = self._sure.isActive()
        self.take_off.setText(t("destinations.remove_sure" if sure else "destinations.remove"))
        said = "destinations.remove_sure_name" if sure else "destinations.remove_name"
        self.take_off.setAccessibleName(t(said, name=self._row.name))


class Form(QWidget):
    """A new place, or one that is altered."""

    refused = Signal()

    def __init__(self, desk: Desk, parent: QWidget) -> None:
        super().__init__(parent)
        self._desk = desk
        self._before = ""
        self.heading = QLabel(self)
        self.heading.setFont(theme.font(14, theme.BOLD))
        self.name, self.address, self.key = QLineEdit(self), QLineEdit(self), QLineEdit(self)
        self.name.setMaxLength(NAME_MOST)
        self.name.setPlaceholderText(t("destinations.name_hint"))
        self.address.setPlaceholderText(t("destinations.address_hint"))
        self.key.setEchoMode(QLineEdit.EchoMode.Password)
        self.wrong: dict[str, QLabel] = {}
        self._fields = {"name": self.name, "address": self.address, "key": self.key}
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 6, 0, 0)
        grid.setHorizontalSpacing(14)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(1, 1)
        grid.addWidget(self.heading, 0, 0, 1, 2)
        for line, (name, field) in enumerate(self._fields.items()):
            label = QLabel(t(f"destinations.{name}"), self)
            label.setMinimumWidth(104)
            label.setBuddy(field)
            field.setAccessibleName(label.text())
            why = self.wrong[name] = QLabel(self)
            why.setProperty("tone", "bad")
            why.setWordWrap(True)
            why.hide()
            grid.addWidget(label, 2 * line + 1, 0)
            grid.addWidget(field, 2 * line + 1, 1)
            grid.addWidget(why, 2 * line + 2, 1)
            field.returnPressed.connect(self._done)
            field.textEdited.connect(lambda _text, name=name: self._say(name, ""))
        self.wrong["key"].setProperty("tone", "second")
        self.done = plain_button("", self._done, self, tone="main")
        self.leave = plain_button(t("destinations.leave"), self.begin, self)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.done)
        buttons.addWidget(self.leave)
        buttons.addStretch(1)
        grid.addLayout(buttons, 7, 1)
        self.begin()

    def begin(self, row: Destination | None = None) -> None:
        """Empty, or with what is known of this one: never its key."""
        self._before = row.name if row is not None else ""
        self.name.setText(row.name if row is not None else "")
        self.address.setText(row.address if row is not None else "")
        self.key.clear()
        for name in self._fields:
            self._say(name, "")
        self._say("key", t("destinations.key_stays") if row is not None else "")
        self.heading.setText(t("destinations.altering", name=row.name) if row is not None else t("destinations.new"))
        self.done.setText(t("destinations.save" if row is not None else "destinations.add"))
        self.done.setAccessibleName(self.done.text())
        self.leave.setVisible(row is not None)
        if row is not None:
            self.address.setFocus()

    @property
    def altering(self) -> str:
        return self._before

    def _say(self, name: str, why: str) -> None:
        label, field = self.wrong[name], self._fields[name]
        label.setText(why)
        label.setVisible(bool(why))
        field.setAccessibleDescription(why)
        if name != "key":
            mark(field, bool(why))

    def _done(self) -> None:
        wrong = self._desk.destinations.wrong(self.name.text(), self.address.text(), self._before)
        for name in ("name", "address"):
            self._say(name, wrong.get(name, ""))
        if wrong:
            self._fields[next(iter(wrong))].setFocus()
            self.refused.emit()
            return
        self._desk.destinations.put(self.name.text(), self.address.text(), self.key.text(), self._before)
        self.begin()


class DestinationsPanel(QWidget):
    closed = Signal()

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("ground")
        self._desk = desk
        self.rows: dict[str, Row] = {}
        heading = QLabel(t("destinations.heading"), self)
        heading.setFont(theme.font(17, theme.BOLD))
        hint = QLabel(t("destinations.hint"), self)
        hint.setProperty("tone", "second")
        hint.setWordWrap(True)
        inside = QWidget(self)
        inside.setObjectName("ground")
        column = QVBoxLayout(inside)
        column.setContentsMargins(16, 8, 16, 12)
        column.setSpacing(8)
        column.addWidget(hint)
        self._list = QVBoxLayout()
        self._list.setSpacing(8)
        column.addLayout(self._list)
        self.form = Form(desk, inside)
        column.addWidget(self.form)
        column.addStretch(1)
        scroll = self._scroll = QScrollArea(self)
        scroll.setWidgetResizable(True)
        scroll.setWidget(inside)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        head = QWidget(self)
        top = QHBoxLayout(head)
        top.setContentsMargins(16, 10, 16, 0)
        top.addWidget(heading, 1)
        foot = QWidget(self)
        foot.setObjectName("foot")
        under = QHBoxLayout(foot)
        under.setContentsMargins(16, 9, 16, 9)
        under.addStretch(1)
        self.close_button: QPushButton = plain_button(t("settings.close"), self.closed.emit, foot, tone="main")
        under.addWidget(self.close_button)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(head)
        whole.addWidget(scroll, 1)
        whole.addWidget(foot)
        app = QApplication.instance()
        if isinstance(app, QApplication):
            app.focusChanged.connect(self._follow)
        self.form.refused.connect(self._follow)
        desk.destinations.changed.connect(self.refresh)
        desk.show_changed.connect(lambda _show: self.refresh())
        self.refresh()

    def begin(self) -> None:
        """The keyboard is here now: at the first of the list, or at the form while there is none."""
        self.form.begin()
        first = next(iter(self.rows.values()), None)
        (first.on if first is not None else self.form.name).setFocus()

    def _follow(self, _old: QWidget | None = None, _now: QWidget | None = None) -> None:
        """What has the keyboard is in sight, with what is said under it: once that has its place."""
        QTimer.singleShot(0, self, self._show_focused)

    def _show_focused(self) -> None:
        now = QApplication.focusWidget()
        if now is not None and self._scroll.isAncestorOf(now):
            self._scroll.ensureWidgetVisible(now, 0, 60)

    def refresh(self) -> None:
        found = {row.name: row for row in self._desk.destinations.rows}
        if list(found) != list(self.rows):
            for old in self.rows.values():
                self._list.removeWidget(old)
                old.hide()
                old.deleteLater()
            self.rows = {}
            for row in found.values():
                made = self.rows[row.name] = Row(self._desk, row, self)
                made.altered.connect(self._alter)
                self._list.addWidget(made)
            if self.form.altering and self.form.altering not in found:
                self.form.begin()
        for name, row in found.items():
            self.rows[name].show_row(row)

    def _alter(self, name: str) -> None:
        row = next((row for row in self._desk.destinations.rows if row.name == name), None)
        if row is not None:
            self.form.begin(row)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            if self.form.altering:
                self.form.begin()
            else:
                self.closed.emit()
        else:
            super().keyPressEvent(event)
