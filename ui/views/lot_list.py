"""A list of lots one can walk with the keys, choose from, and put in order by hand.

Promises: dragging a row shows where it will land and asks the desk to move it
(no nested event loop: the drag is ours); Alt with an arrow does the same from the
keyboard; Enter opens the lot for editing, Delete takes it away (undoable).
"""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPoint, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractItemView, QApplication, QHeaderView, QTableView, QWidget

from .. import theme
from ..desk import Desk
from ..values import LotRow
from . import paint
from .lot_model import LotModel, RowRole
from .lot_rows import TALL, LotDelegate
from .pictures import Pictures


class LotList(QTableView):
    wants_edit = Signal(object)  # LotRow
    wants_menu = Signal(object, QPoint)  # LotRow, global position
    wants_removal = Signal(object)  # LotRow
    chosen_changed = Signal()

    def __init__(self, desk: Desk, pictures: Pictures, parent: QWidget | None = None, *, ordered: bool) -> None:
        super().__init__(parent)
        self._desk = desk
        self._ordered = ordered
        self._lots = LotModel(self)
        self._pressed_at: QPoint | None = None
        self._dragged: LotRow | None = None
        self._target = -1
        self._follow = ""
        self.setModel(self._lots)
        self._delegate = LotDelegate(desk, pictures, self)
        self.setItemDelegate(self._delegate)
        # A table, not a list: QListView lays out every row anew, through Python, at each change of one.
        self.horizontalHeader().hide()
        self.horizontalHeader().setStretchLastSection(True)
        rows = self.verticalHeader()
        rows.hide()
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        rows.setMinimumSectionSize(TALL)
        rows.setDefaultSectionSize(TALL)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.setCornerButtonEnabled(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setFrameShape(QTableView.Shape.NoFrame)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._menu_at)
        self.doubleClicked.connect(lambda index: self.wants_edit.emit(index.data(RowRole)))
        self._scroll = QTimer(self)
        self._scroll.setInterval(30)
        self._scroll.timeout.connect(self._scroll_on)
        pictures.arrived.connect(lambda _path: self.viewport().update())
        selection = self.selectionModel()
        selection.selectionChanged.connect(lambda _new, _old: self.chosen_changed.emit())

    @property
    def lots(self) -> LotModel:
        return self._lots

    def chosen(self) -> LotRow | None:
        index = self.currentIndex()
        if not index.isValid() or not self.selectionModel().isSelected(index):
            return None
        row = index.data(RowRole)
        return row if isinstance(row, LotRow) else None

    def choose(self, at: int) -> None:
        self.setCurrentIndex(self._lots.index(at))

    def keyboardSearch(self, search: str) -> None:
        """Letters do nothing here: they are for the filter."""

    def _menu_at(self, at: QPoint) -> None:
        index = self.indexAt(at)
        if index.isValid():
            self.setCurrentIndex(index)
            self.wants_menu.emit(index.data(RowRole), self.viewport().mapToGlobal(at))

    # --- moving -----------------------------------------------------------------------------

    def may_move(self, row: LotRow | None) -> bool:
        if row is None or row.status not in ("queued", "next") or self._desk.reserved("move_lot"):
            return False
        return self._ordered and not self._lots.filtered

    def move_row(self, row: LotRow, to: int) -> None:
        """Asks that `row` stand at place `to` of the list (counted without it)."""
        others = [other for other in self._lots.rows if other.lot_id != row.lot_id and other.status != "on_block"]
        shift = sum(1 for other in self._lots.rows if other.status == "on_block")
        place = max(0, min(len(others), to - shift))
        after = others[place - 1].lot_id if place > 0 else None
        self._desk.move_lot(row.lot_id, after)

    def step(self, row: LotRow, by: int) -> None:
        at = next((i for i, other in enumerate(self._lots.rows) if other.lot_id == row.lot_id), -1)
        if at >= 0:
            self.move_row(row, at + by)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        row = self.chosen()
        key = event.key()
        if event.modifiers() & Qt.KeyboardModifier.AltModifier and row is not None and self.may_move(row):
            steps = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1, Qt.Key.Key_PageUp: -10, Qt.Key.Key_PageDown: 10}
            if key in steps:
                self.step(row, steps[Qt.Key(key)])
                return
            if key == Qt.Key.Key_Home:
                self.move_row(row, 0)
                return
            if key == Qt.Key.Key_End:
                self.move_row(row, len(self._lots.rows))
                return
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and row is not None:
            self.wants_edit.emit(row)
            return
        if key == Qt.Key.Key_Delete and row is not None and not event.isAutoRepeat():
            self.wants_removal.emit(row)
            return
        if key == Qt.Key.Key_Menu and row is not None:
            at = self.visualRect(self.currentIndex()).center()
            self.wants_menu.emit(row, self.viewport().mapToGlobal(at))
            return
        super().keyPressEvent(event)

    # --- dragging ---------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        super().mousePressEvent(event)
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed_at = event.position().toPoint()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        at = event.position().toPoint()
        if self._pressed_at is not None and self._dragged is None:
            far = (at - self._pressed_at).manhattanLength() >= QApplication.startDragDistance()
            index = self.indexAt(self._pressed_at)
            row = index.data(RowRole) if index.isValid() else None
            if far and isinstance(row, LotRow) and self.may_move(row):
                self._dragged = row
                self.setCursor(Qt.CursorShape.ClosedHandCursor)
                self._scroll.start()
        if self._dragged is not None:
            self._aim(at)
            return
        super().mouseMoveEvent(event)

    def _aim(self, at: QPoint) -> None:
        index = self.indexAt(QPoint(20, max(0, min(self.viewport().height() - 1, at.y()))))
        if index.isValid():
            below = at.y() > self.visualRect(index).center().y()
            target = index.row() + (1 if below else 0)
        else:
            target = self._lots.rowCount()
        first = self._lots.row(0)
        if first is not None and first.status == "on_block":
            target = max(1, target)
        if target != self._target:
            self._target = target
            self.viewport().update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        dragged, target = self._dragged, self._target
        self._drop()
        if dragged is not None and target >= 0:
            at = self._lots.find(dragged.key or dragged.lot_id)
            to = target - 1 if at < target else target
            if to != at:
                self.move_row(dragged, to)
            return
        super().mouseReleaseEvent(event)

    def _drop(self) -> None:
        self._pressed_at = None
        self._dragged = None
        self._target = -1
        self._scroll.stop()
        self.unsetCursor()
        self.viewport().update()

    def _scroll_on(self) -> None:
        at = self.viewport().mapFromGlobal(self.cursor().pos())
        bar = self.verticalScrollBar()
        if at.y() < 24:
            bar.setValue(bar.value() - 14)
        elif at.y() > self.viewport().height() - 24:
            bar.setValue(bar.value() + 14)
        else:
            return
        self._aim(at)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._dragged is None or self._target < 0:
            return
        c = theme.colours()
        with QPainter(self.viewport()) as painter:
            count = self._lots.rowCount()
            last: QModelIndex = self._lots.index(min(self._target, count - 1))
            where = self.visualRect(last)
            y = where.top() if self._target < count else where.top() + TALL
            paint.rounded(painter, QRectF(6, y - 2, self.viewport().width() - 12, 4), 2, c.info)
            at = self.viewport().mapFromGlobal(self.cursor().pos()).y()
            painter.setOpacity(0.85)
            ghost = QRectF(0, at - TALL / 2, self.viewport().width(), TALL)
            self._delegate.paint_row(painter, ghost, self._dragged, True, False)
