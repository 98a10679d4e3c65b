"""The account of the show, in the place of the list: what was made, what it cost, and when it will end."""

from __future__ import annotations

import datetime

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QHideEvent, QPainter, QPaintEvent, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QSizePolicy,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from .. import theme, words
from ..desk import Desk
from ..values_backstage import Money, MoneyRow
from ..words import t
from . import paint
from .controls import Tabs, plain_button

Index = QModelIndex | QPersistentModelIndex
COLUMNS = ("units", "total", "cost", "fee", "margin")
WIDE, NARROW_AT = 92, 640


class MoneyModel(QAbstractTableModel):
    def __init__(self, desk: Desk, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._rows: tuple[MoneyRow, ...] = ()
        self._first = "hour"

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - the signature is Qt's
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - the signature is Qt's
        return 0 if parent.isValid() else 1 + len(COLUMNS)

    def show(self, rows: tuple[MoneyRow, ...], first: str) -> None:
        if len(rows) == len(self._rows) and first == self._first:
            for i, (new, old) in enumerate(zip(rows, self._rows, strict=True)):
                if new != old:
                    self._rows = (*self._rows[:i], new, *self._rows[i + 1 :])
                    self.dataChanged.emit(self.index(i, 0), self.index(i, len(COLUMNS)))
            return
        self.beginResetModel()
        self._rows, self._first = rows, first
        self.endResetModel()

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> object:
        if not index.isValid():
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if index.column() else Qt.AlignmentFlag.AlignLeft
            return int(side | Qt.AlignmentFlag.AlignVCenter)
        if role == Qt.ItemDataRole.ToolTipRole and index.column() == 0:
            return self._rows[index.row()].name
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        row = self._rows[index.row()]
        if index.column() == 0:
            return row.name
        if index.column() == 1:
            return words.whole(row.units)
        cents = (row.total_cents, row.cost_cents, row.fee_cents, row.margin_cents)[index.column() - 2]
        return words.money(cents, self._desk.show.currency)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = int(Qt.ItemDataRole.DisplayRole)
    ) -> object:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if section else Qt.AlignmentFlag.AlignLeft
            return int(side | Qt.AlignmentFlag.AlignVCenter)
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        if section == 0:
            return t(f"money.column.{self._first}")
        name = COLUMNS[section - 1]
        said = t("money.column.units") if name == "units" else t(f"money.{name}")
        return said[:1].upper() + said[1:]


class Totals(QWidget):
    """Eight figures in two rows."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(118)

    def sizeHint(self) -> QSize:
        return QSize(500, 118)

    def cells(self) -> list[tuple[str, str]]:
        money, currency = self._desk.money, self._desk.show.currency
        share = words.percent(money.sell_through_bps / 10_000) if money.sell_through_bps >= 0 else "—"
        end = t("money.forecast_none")
        if money.forecast_end_ms:
            end = datetime.datetime.fromtimestamp(money.forecast_end_ms / 1000).strftime("%H:%M")
        return [
            (words.money(money.total_cents, currency), t("money.total")),
            (words.money(money.cost_cents, currency), t("money.cost")),
            (words.money(money.fee_cents, currency), t("money.fee")),
            (words.money(money.margin_cents, currency), t("money.margin")),
            (words.money(money.margin_per_hour_cents // 100 * 100, currency), t("money.margin_per_hour")),
            (words.money(money.basket_cents, currency), t("money.basket")),
            (share, t("money.sell_through")),
            (end, t("money.forecast")),
        ]

    def refresh(self) -> None:
        self.setAccessibleName(t("money.heading"))
        self.setAccessibleDescription(" · ".join(f"{value} {name}" for value, name in self.cells()))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        c = theme.colours()
        loss = self._desk.money.margin_cents < 0
        with QPainter(self) as painter:
            wide = (self.width() - 3 * 8) / 4
            for i, (value, name) in enumerate(self.cells()):
                box = QRectF((i % 4) * (wide + 8), (i // 4) * 62, wide, 56)
                paint.rounded(painter, box, 10, c.panel, c.line)
                colour = (c.air if loss else c.sold) if i == 3 else c.text
                inner = box.adjusted(12, 0, -8, 0)
                paint.text(painter, QRectF(inner.x(), box.y() + 6, inner.width(), 24), value, 19, colour, theme.BOLD,
                           least=11)  # fmt: skip
                paint.text(painter, QRectF(inner.x(), box.y() + 32, inner.width(), 17), name, 12, c.text2, elide=True)


class MoneyPanel(QWidget):
    closed = Signal()

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("ground")
        self._desk = desk
        heading = QLabel(t("money.heading"), self)
        heading.setFont(theme.font(17, theme.BOLD))
        self.totals = Totals(desk, self)
        self.said = QLabel(self)
        self.said.setProperty("tone", "second")
        self.said.setWordWrap(True)
        self.tabs = Tabs(self)
        self.tabs.show_names([t("money.by_hour"), t("money.by_lot")])
        self.rows = MoneyModel(desk, self)
        self.table = QTableView(self)
        self.table.setModel(self.rows)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.table.verticalHeader().setDefaultSectionSize(32)
        self.table.setShowGrid(False)
        self.table.setWordWrap(False)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.table.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.table.setFrameShape(QTableView.Shape.NoFrame)
        self.table.setAccessibleName(t("money.heading"))
        columns = self.table.horizontalHeader()
        columns.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        columns.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        columns.setHighlightSections(False)
        head = QHBoxLayout()
        head.setSpacing(10)
        head.addWidget(heading, 1)
        head.addWidget(self.tabs)
        head.addWidget(plain_button(t("money.close"), self.closed.emit, self))
        top = QVBoxLayout()
        top.setContentsMargins(16, 8, 12, 6)
        top.setSpacing(8)
        top.addLayout(head)
        top.addWidget(self.totals)
        top.addWidget(self.said)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(top)
        middle = QHBoxLayout()
        middle.setContentsMargins(8, 0, 8, 0)
        middle.addWidget(self.table)
        column.addLayout(middle, 1)
        self.tabs.chosen.connect(lambda _which: self.refresh())
        desk.money_changed.connect(lambda _money: self.refresh())
        desk.show_changed.connect(lambda _show: self.refresh())
        self.refresh()

    def refresh(self) -> None:
        if self.isHidden() and self.rows.rowCount():
            return
        money = self._desk.money
        by_lot = self.tabs.current == 1
        self.rows.show(money.lots if by_lot else money.hours, "lot" if by_lot else "hour")
        self.totals.refresh()
        self.said.setText(" ".join(self._sentences(money)))
        self.said.setVisible(bool(self.said.text()))

    def _sentences(self, money: Money) -> list[str]:
        said = []
        if money.forecast_end_ms:
            pace = words.seconds(money.pace_ms)
            said.append(t("money.forecast_why", count=words.whole(money.units_to_go), pace=pace) + ".")
        if money.failed_cents:
            said.append(t("money.failed", price=words.money(money.failed_cents, self._desk.show.currency)) + ".")
        if not self._desk.show.fee_bps:
            said.append(t("money.fee_zero"))
        return said

    def resizeEvent(self, event: object) -> None:
        wide = WIDE if self.width() >= NARROW_AT else 74
        for column in range(1, 1 + len(COLUMNS)):
            self.table.setColumnWidth(column, 62 if column == 1 else wide)

    def showEvent(self, event: QShowEvent) -> None:
        self._desk.want_money(True)
        self.refresh()

    def hideEvent(self, event: QHideEvent) -> None:
        self._desk.want_money(False)
