"""The window was asked to close while on air: a strip, a held button, and a way to stay. Never a box."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QWidget

from .. import theme
from ..desk import Desk
from ..values import Closing
from ..words import t, tn
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
        lost = closing.waiting and not self._ends_show()
        self.end.say(t("hold", words=t("closing.leave" if lost else "closing.end")))
        self.stay.setText(t("closing.wait" if lost else "closing.stay"))
        self.stay.setAccessibleName(self.stay.text())
        self.end.setVisible(closing.state == "asked")
        self.stay.setVisible(closing.state == "asked")
        self.setAccessibleName(self._words())
        self.update()

    def _words(self) -> str:
        if self._closing.state == "ending":
            return t("closing.ending")
        said = [t("closing.asked")] if self._ends_show() or not self._closing.waiting else []
        if self._closing.waiting:
            said.append(tn("closing.waiting", self._closing.waiting))
        return " ".join(said)

    def _ends_show(self) -> bool:
        return self._desk.show.status == "live" and self._desk.show.role == "owner"

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
