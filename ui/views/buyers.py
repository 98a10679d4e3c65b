"""The buyers of the show: bag number, name, what they took, and whether they are here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, QPoint, QRectF, QSize, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import (
    QLineEdit,
    QListView,
    QMenu,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
    QWidgetAction,
)

from .. import theme, words
from ..desk import Desk
from ..values import BuyerRow
from ..words import t, tn
from . import paint

Index = QModelIndex | QPersistentModelIndex
BuyerRole = int(Qt.ItemDataRole.UserRole)
TALL = 50
NOTE_LONG = 500


class BuyerModel(QAbstractListModel):
    def __init__(self, currency: Callable[[], str], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._currency = currency
        self._rows: list[BuyerRow] = []

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - the signature is Qt's
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> Any:
        if not index.isValid() or not 0 <= index.row() < len(self._rows):
            return None
        row = self._rows[index.row()]
        if role == BuyerRole:
            return row
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._known(row)
        return row.nickname if role == Qt.ItemDataRole.DisplayRole else None

    def _known(self, row: BuyerRow) -> str | None:
        """What earlier shows know, and the note in full: the row itself has one line."""
        lines = []
        if row.earlier_shows:
            spent = words.money(row.earlier_spent_cents, self._currency())
            lines.append(
                f"{tn('buyers.regular', row.earlier_shows)} · {tn('buyers.purchases', row.earlier_purchases)} · {spent}"
            )
        if row.earlier_unpaid:
            lines.append(tn("buyers.unpaid", row.earlier_unpaid))
        if row.note:
            lines.append(row.note)
        return "\n".join(lines) or None

    def show(self, rows: tuple[BuyerRow, ...]) -> None:
        new = list(rows)
        if [row.person for row in new] == [row.person for row in self._rows]:
            for i, row in enumerate(new):
                if row != self._rows[i]:
                    self._rows[i] = row
                    self.dataChanged.emit(self.index(i), self.index(i))
            return
        self.beginResetModel()
        self._rows = new
        self.endResetModel()


class BuyerDelegate(QStyledItemDelegate):
    def __init__(self, desk: Desk, parent: QWidget) -> None:
        super().__init__(parent)
        self._desk = desk

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(200, TALL)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        row = index.data(BuyerRole)
        if not isinstance(row, BuyerRow):
            return
        c = theme.colours()
        box = QRectF(option.rect)
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        painter.save()
        painter.fillRect(box, theme.colour(c.info_row if chosen else c.bg))
        painter.fillRect(QRectF(box.x(), box.bottom() - 1, box.width(), 1), theme.colour(c.row_line))
        middle = box.center().y() - 0.5
        bag = QRectF(box.x() + 12, middle - 13, 36, 26)
        if row.bag_number:
            paint.rounded(painter, bag, 6, c.raised)
            paint.text(painter, bag, str(row.bag_number), 14, c.text, theme.BOLD, paint.CENTRE, least=9)
        x = bag.right() + 10
        spent = words.money(row.spent_cents, self._desk.show.currency) if row.purchases else ""
        wide = paint.text(
            painter,
            QRectF(x, box.y(), box.right() - 12 - x, box.height() - 1),
            spent,
            14,
            c.text,
            theme.SEMI,
            paint.RIGHT,
        )
        room = box.right() - 24 - wide - x
        paint.text(painter, QRectF(x, middle - 19, room, 20), row.nickname, 14, c.text, theme.BOLD, elide=True)
        facts = [tn("buyers.purchases", row.purchases)] if row.purchases else [t("buyers.none_yet")]
        if row.earlier_shows:
            facts.append(tn("buyers.regular", row.earlier_shows))
        if row.blocked:
            facts.append(t("buyers.blocked"))
        elif not row.present:
            facts.append(t("buyers.gone"))
        if row.note:
            facts.append(row.note)
        if row.earlier_unpaid:
            unpaid = tn("buyers.unpaid", row.earlier_unpaid)
            taken = paint.text(painter, QRectF(x, middle + 1, room, 17), unpaid, 12, c.warn, theme.SEMI)
            x, room = x + taken + 8, room - taken - 8
        paint.text(painter, QRectF(x, middle + 1, room, 17), " · ".join(facts), 12, c.text2, elide=True)
        painter.restore()


class Buyers(QListView):
    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._buyers = BuyerModel(lambda: desk.show.currency, self)
        self._menu: QMenu | None = None
        self.setModel(self._buyers)
        self.setItemDelegate(BuyerDelegate(desk, self))
        self.setUniformItemSizes(True)
        self.setFrameShape(QListView.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName(t("a11y.buyers"))
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._open_menu)
        desk.buyers_changed.connect(self._buyers.show)
        self._buyers.show(desk.buyers)

    @property
    def rows(self) -> BuyerModel:
        return self._buyers

    def keyboardSearch(self, search: str) -> None:
        """Letters do nothing here."""

    def _open_menu(self, at: QPoint) -> None:
        row = self.indexAt(at).data(BuyerRole)
        if not isinstance(row, BuyerRow):
            return
        if self._menu is not None:
            self._menu.deleteLater()
        menu = self._menu = QMenu(self)
        menu.addAction(self._note_of(row, menu))
        menu.addSeparator()
        if row.blocked:
            menu.addAction(t("buyers.unblock"), lambda: self._desk.unblock(row.person))
        else:
            menu.addAction(t("chat.menu.time_out", name=row.nickname), lambda: self._desk.time_out(row.person))
            menu.addAction(t("chat.menu.block", name=row.nickname), lambda: self._desk.block(row.person))
        menu.popup(self.viewport().mapToGlobal(at))

    def _note_of(self, row: BuyerRow, menu: QMenu) -> QWidgetAction:
        """A private note, written in the menu itself: Enter keeps it, Escape leaves it as it was."""
        field = QLineEdit(row.note)
        field.setPlaceholderText(t("buyers.note"))
        field.setAccessibleName(t("buyers.note"))
        field.setMaxLength(NOTE_LONG)
        field.setMinimumWidth(260)

        def keep() -> None:
            if field.text().strip() != row.note:
                self._desk.note_buyer(row.person, field.text().strip())
            menu.close()

        field.returnPressed.connect(keep)
        holder = QWidgetAction(menu)
        holder.setDefaultWidget(field)
        return holder
