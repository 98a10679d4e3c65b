"""Three figures of the show: sales, share sold, pace."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from .. import theme, words
from ..desk import Desk
from ..words import t
from . import paint

TALL = 64


class Figures(QAbstractButton):
    """Pressed, it opens the whole account."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.clicked.connect(lambda: desk.asked.emit("open_money"))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(TALL)
        desk.figures_changed.connect(lambda _figures: self._refresh())
        desk.show_changed.connect(lambda _show: self._refresh())
        self._refresh()

    def sizeHint(self) -> QSize:
        return QSize(336, TALL)

    def _cells(self) -> list[tuple[str, str]]:
        figures, currency = self._desk.figures, self._desk.show.currency
        share = words.percent(figures.sold_percent / 100) if figures.sold_percent >= 0 else "—"
        per_hour = words.money(figures.per_hour_cents // 100 * 100, currency)
        return [
            (words.money(figures.sales_cents, currency), t("figures.sales")),
            (share, t("figures.sold")),
            (per_hour, t("figures.per_hour")),
        ]

    def _refresh(self) -> None:
        figures, currency = self._desk.figures, self._desk.show.currency
        self.setAccessibleName(t("a11y.figures"))
        self.setAccessibleDescription(" · ".join(f"{value} {name}" for value, name in self._cells()))
        more = t(
            "figures.more",
            cost=words.money(figures.cost_cents, currency),
            fee=words.money(figures.fee_cents, currency),
            margin=words.money(figures.margin_cents, currency),
            bids=words.whole(figures.bids),
            buyers=words.whole(figures.buyers),
        )
        self.setToolTip(t("money.open", words=more))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        c = theme.colours()
        with QPainter(self) as painter:
            painter.fillRect(self.rect(), theme.colour(c.hover if self.underMouse() else c.panel))
            painter.fillRect(0, self.height() - 1, self.width(), 1, theme.colour(c.line))
            wide = self.width() / 3
            for i, (value, name) in enumerate(self._cells()):
                x = i * wide
                if i:
                    painter.fillRect(QRectF(x, 0, 1, self.height() - 1), theme.colour(c.line))
                paint.text(painter, QRectF(x + 12, 9, wide - 18, 26), value, 19, c.text, theme.BOLD, least=12)
                paint.text(painter, QRectF(x + 12, 36, wide - 18, 17), name, 12, c.text2, elide=True)
            if self.hasFocus():
                paint.rounded(painter, QRectF(self.rect()).adjusted(1, 1, -1, -2), 4, None, c.info, 2)
