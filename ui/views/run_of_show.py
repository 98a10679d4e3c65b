"""The run of show: hours and what happens then, written by both consoles.

A chosen line is in the fields below, to be rewritten, moved or removed; with none
chosen the fields add one. What somebody else changed meanwhile is never written over.
"""

from __future__ import annotations

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from seller_console.contract.words import RunOfShowNote

from .. import theme
from ..desk import Desk
from ..run_of_show import NoteChange, clock_of, line_words
from ..words import t
from . import paint
from .controls import plain_button, reserve
from .fields import mark

Index = QModelIndex | QPersistentModelIndex
NoteRole = int(Qt.ItemDataRole.UserRole)
TALL = 30
TEXT_MOST = 120
ROWS_SHOWN = 6


class NoteModel(QAbstractListModel):
    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.notes: tuple[RunOfShowNote, ...] = ()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - the signature is Qt's
        return 0 if parent.isValid() else len(self.notes)

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> object:
        if not index.isValid() or not 0 <= index.row() < len(self.notes):
            return None
        note = self.notes[index.row()]
        if role == NoteRole:
            return note
        said = role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole)
        return line_words(note) if said else None

    def show(self, notes: tuple[RunOfShowNote, ...]) -> None:
        if notes != self.notes:
            self.beginResetModel()
            self.notes = notes
            self.endResetModel()


class NoteDelegate(QStyledItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(200, TALL)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        note = index.data(NoteRole)
        if not isinstance(note, RunOfShowNote):
            return
        c = theme.colours()
        box = QRectF(option.rect)
        painter.save()
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(box, theme.colour(c.info_row))
        at = QRectF(box.x() + 12, box.y(), 46, box.height())
        paint.text(painter, at, note.at or "—", 14, c.text if note.at else c.text3, theme.BOLD)
        rest = QRectF(at.right() + 4, box.y(), box.right() - 12 - at.right() - 4, box.height())
        paint.text(painter, rest, note.text, 14, c.text2, elide=True)
        painter.restore()


class NoteList(QListView):
    left = Signal()
    stepped = Signal(int)
    removed = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()), 0)
        if step and event.modifiers() & Qt.KeyboardModifier.AltModifier:
            self.stepped.emit(step)
        elif event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.removed.emit()
        elif event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        else:
            super().keyPressEvent(event)

    def keyboardSearch(self, search: str) -> None:
        """Letters do nothing here."""


class RunOfShow(QWidget):
    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("ground")
        self._desk = desk
        self._chosen: RunOfShowNote | None = None
        heading = QLabel(t("run_of_show.heading"), self)
        heading.setFont(theme.font(13, theme.BOLD))
        heading.setContentsMargins(12, 0, 12, 0)
        self.notes = NoteModel(self)
        self.list = NoteList(self)
        self.list.setModel(self.notes)
        self.list.setItemDelegate(NoteDelegate(self.list))
        self.list.setUniformItemSizes(True)
        self.list.setFrameShape(QListView.Shape.NoFrame)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setAccessibleName(t("run_of_show.heading"))
        self.empty = QLabel(t("run_of_show.empty"), self)
        self.empty.setProperty("tone", "second")
        self.empty.setWordWrap(True)
        self.empty.setContentsMargins(12, 2, 12, 2)
        self.at = QLineEdit(self)
        self.at.setMaxLength(5)
        self.at.setFixedWidth(74)
        self.at.setPlaceholderText("21:15")
        self.at.setAccessibleName(t("run_of_show.at"))
        self.text = QLineEdit(self)
        self.text.setMaxLength(TEXT_MOST)
        self.text.setPlaceholderText(t("run_of_show.text"))
        self.text.setAccessibleName(t("run_of_show.text"))
        self.save = plain_button("+", self.submit, self, tone="square")
        self.save.setFixedWidth(38)
        fields = QHBoxLayout()
        fields.setContentsMargins(12, 0, 12, 0)
        fields.setSpacing(6)
        fields.addWidget(self.at)
        fields.addWidget(self.text, 1)
        fields.addWidget(self.save)
        self.up = self._small("↑", "run_of_show.up", lambda: self._step(-1))
        self.down = self._small("↓", "run_of_show.down", lambda: self._step(1))
        self.remove = self._small(t("run_of_show.remove"), "run_of_show.remove", self._remove)
        self._tools = QWidget(self)
        tools = QHBoxLayout(self._tools)
        tools.setContentsMargins(8, 0, 12, 0)
        tools.setSpacing(2)
        for button in (self.up, self.down, self.remove):
            tools.addWidget(button)
        tools.addStretch(1)
        self.said = QLabel(self)
        self.said.setProperty("tone", "warn")
        self.said.setWordWrap(True)
        self.said.setContentsMargins(12, 0, 12, 0)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 10, 0, 10)
        column.setSpacing(6)
        for part in (heading, self.list, self.empty, self._tools):
            column.addWidget(part)
        column.addLayout(fields)
        column.addWidget(self.said)
        self.list.selectionModel().selectionChanged.connect(lambda *_rows: self._choose())
        self.list.left.connect(self.leave)
        self.list.stepped.connect(self._step)
        self.list.removed.connect(self._remove)
        self.at.returnPressed.connect(self.submit)
        self.text.returnPressed.connect(self.submit)
        reserve(desk, "run_of_show", self.at, self.text, self.save, self.up, self.down, self.remove)
        desk.run_of_show_changed.connect(self._show)
        self._show(desk.run_of_show)

    def _small(self, said: str, name: str, pressed: object) -> QWidget:
        button = plain_button(said, pressed, self, tone="flat")  # type: ignore[arg-type]
        button.setAccessibleName(t(name))
        button.setToolTip(t(name))
        return button

    @property
    def chosen(self) -> RunOfShowNote | None:
        return self._chosen

    def _show(self, notes: tuple[RunOfShowNote, ...]) -> None:
        kept = self._chosen
        typed = (self.at.text(), self.text.text())
        self.notes.show(notes)
        self.list.setVisible(bool(notes))
        self.empty.setVisible(not notes)
        self.list.setFixedHeight(TALL * min(ROWS_SHOWN, max(1, len(notes))))
        self._chosen = kept
        if kept is not None and kept in notes:
            self.list.setCurrentIndex(self.notes.index(notes.index(kept)))
        self._refresh()
        if kept is not None and typed != (self.at.text(), self.text.text()):
            self.at.setText(typed[0])  # what was being typed stays
            self.text.setText(typed[1])

    def _choose(self) -> None:
        rows = self.list.selectedIndexes()
        note = rows[0].data(NoteRole) if rows else None
        if isinstance(note, RunOfShowNote):
            self._chosen = note
            self.at.setText(note.at)
            self.text.setText(note.text)
            self.text.setCursorPosition(0)
            self._say("")
        self._refresh()

    def _refresh(self) -> None:
        chosen = self._chosen is not None
        self._tools.setVisible(chosen)
        said = t("run_of_show.save" if chosen else "run_of_show.add")
        self.save.setText("✓" if chosen else "+")
        self.save.setAccessibleName(said)
        self.save.setToolTip(said)
        self.said.setVisible(bool(self.said.text()))

    def _say(self, sentence: str) -> None:
        self.said.setText(sentence)
        self.said.setVisible(bool(sentence))

    def submit(self) -> None:
        at, text = clock_of(self.at.text()), self.text.text().strip()
        mark(self.at, at is None)
        mark(self.text, not text)
        if at is None:
            self._say(t("run_of_show.not_an_hour", typed=self.at.text()))
            self.at.setFocus()
            return
        if not text:
            self._say(t("run_of_show.no_text"))
            self.text.setFocus()
            return
        old, new = self._chosen, RunOfShowNote(text=text, at=at)
        self.leave()
        if new != old:
            self._desk.change_run_of_show(NoteChange(old=old, new=new))
        self.at.setFocus()

    def _step(self, step: int) -> None:
        if self._chosen is not None:
            self._desk.change_run_of_show(NoteChange(old=self._chosen, step=step))

    def _remove(self) -> None:
        note = self._chosen
        if note is not None:
            self.leave()
            self._desk.change_run_of_show(NoteChange(old=note))

    def leave(self) -> None:
        """Nothing is chosen: the fields are for a new line."""
        self._chosen = None
        self.list.clearSelection()
        self.at.clear()
        self.text.clear()
        self._say("")
        self._refresh()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.leave()
        else:
            super().keyPressEvent(event)
