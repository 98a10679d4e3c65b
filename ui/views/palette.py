"""The command palette: every action by name, filtered as one types.

Promises: what acts on the sale is shown with its key but not run from here (Enter
never acts on the sale); everything else runs on Enter. Escape, or leaving it, closes it.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QRectF, QSize, Qt
from PySide6.QtGui import QFocusEvent, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from .. import theme
from ..actions import Action
from ..desk import Desk
from ..words import t
from . import paint
from .lot_model import Index, folded

ROW = 40
STAY_OPEN = (Qt.FocusReason.ActiveWindowFocusReason, Qt.FocusReason.PopupFocusReason)
WIDE = 560
ActionRole = int(Qt.ItemDataRole.UserRole)


class _Rows(QStyledItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(200, ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        action = index.data(ActionRole)
        if not isinstance(action, Action):
            return
        c = theme.colours()
        box = QRectF(option.rect)
        painter.save()
        if option.state & QStyle.StateFlag.State_Selected:
            paint.rounded(painter, box.adjusted(6, 1, -6, -1), 6, c.info_row)
        right = box.right() - 16
        if action.key:
            right = paint.key_cap(painter, right, box.center().y(), action.key.replace("+", " ")) - 10
        colour = c.text if action.enabled else c.text3
        name = QRectF(box.x() + 18, box.y(), right - box.x() - 18, ROW)
        used = paint.text(painter, name, t(action.words), 14, colour, theme.SEMI, elide=True)
        why = action.reason if not action.enabled else (t("palette.by_key") if action.spec.sale else "")
        x = box.x() + 18 + used + 12
        if why and right - x > 60:
            paint.text(painter, QRectF(x, box.y(), right - x, ROW), why, 12, c.text2, elide=True, align=paint.RIGHT)
        painter.restore()


class Palette(QWidget):
    def __init__(self, desk: Desk, parent: QWidget) -> None:
        super().__init__(parent)
        self._desk = desk
        self._over = parent
        self._came_from: QWidget | None = None
        self.setAccessibleName(t("action.palette"))
        self.field = QLineEdit(self)
        self.field.setPlaceholderText(t("palette.hint"))
        self.field.setAccessibleName(t("palette.hint"))
        self.list = QListWidget(self)
        self.list.setItemDelegate(_Rows(self.list))
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setFrameShape(QListWidget.Shape.NoFrame)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setAccessibleName(t("a11y.actions"))
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 12, 12, 12)
        column.addWidget(self.field)
        column.addWidget(self.list, 1)
        self.field.textChanged.connect(lambda _text: self._fill())
        self.field.installEventFilter(self)
        self.list.itemClicked.connect(lambda _item: self._run())
        self.hide()

    def open(self) -> None:
        if not self.isHidden():
            self.close_it()
            return
        self._came_from = self.window().focusWidget()
        self.field.clear()
        self._fill()
        self.place()
        self.show()
        self.raise_()
        self.field.setFocus()

    def close_it(self) -> None:
        self.hide()
        if self._came_from is not None and self._came_from.isVisible():
            self._came_from.setFocus()

    def place(self) -> None:
        over = self._over
        wide = min(WIDE, over.width() - 40)
        tall = min(460, over.height() - 140)
        self.setGeometry((over.width() - wide) // 2, 70, wide, tall)

    def _fill(self) -> None:
        wanted = folded(self.field.text()).split()
        self.list.clear()
        for action in self._desk.actions:
            if action.id == "open_palette" or not all(word in folded(t(action.words)) for word in wanted):
                continue
            item = QListWidgetItem(t(action.words))
            item.setData(ActionRole, action)
            self.list.addItem(item)
        self.list.setCurrentRow(0)

    def _run(self) -> None:
        item = self.list.currentItem()
        action = item.data(ActionRole) if item is not None else None
        if isinstance(action, Action) and not action.spec.sale and action.enabled:
            self.close_it()
            action.press()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            step = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()), 0)
            if step:
                at = self.list.currentRow() + step
                self.list.setCurrentRow(max(0, min(self.list.count() - 1, at)))
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._run()
                return True
            if event.key() == Qt.Key.Key_Escape:
                self.close_it()
                return True
        if isinstance(event, QFocusEvent) and event.lostFocus() and event.reason() not in STAY_OPEN:
            self.hide()
        return False

    def paintEvent(self, event: QPaintEvent) -> None:
        c = theme.colours()
        with QPainter(self) as painter:
            paint.rounded(painter, QRectF(self.rect()), 12, c.panel, c.edge)
