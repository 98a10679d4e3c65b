"""The window was asked to close while on air: a strip, a held button, and a way to stay. Never a box."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QWidget

from .. import theme
from ..desk import Desk
from ..values import Closing
from ..words import t
from . import paint
from .controls import plain_button
from .hold import HoldButton

TALL = 52


class ClosingStrip(QWidget):
    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._closing = desk.closing
        self.setFixedHeight(TALL)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.end = HoldButton(t("hold", words=t("closing.end")), self)
        self.end.held.connect(desk.close_and_end)
        self.stay = plain_button(t("closing.stay"), desk.stay_open, self)
        line = QHBoxLayout(self)
        line.setContentsMargins(14, 0, 14, 0)
        line.addStretch(1)
        line.addWidget(self.stay)
        line.addWidget(self.end)
        desk.closing_changed.connect(self._show)
        self._show(desk.closing)

    def _show(self, closing: Closing) -> None:
        self._closing = closing
        self.setVisible(closing.state in ("asked", "ending"))
        self.end.setVisible(closing.state == "asked")
        self.stay.setVisible(closing.state == "asked")
        self.setAccessibleName(self._words())
        self.update()

    def _words(self) -> str:
        return t("closing.ending") if self._closing.state == "ending" else t("closing.asked")

    def paintEvent(self, event: QPaintEvent) -> None:
        c = theme.colours()
        with QPainter(self) as painter:
            painter.fillRect(self.rect(), theme.colour(c.air_row))
            painter.fillRect(0, self.height() - 1, self.width(), 1, theme.colour(c.air))
            mark = QRectF(14, self.height() / 2 - 5, 10, 10)
            paint.rounded(painter, mark, 5, c.air)
            right = self.stay.x() - 12 if not self.stay.isHidden() else self.width() - 14
            box = QRectF(34, 0, right - 34, self.height())
            paint.text(painter, box, self._words(), 14, c.text, theme.SEMI, elide=True, least=12)
