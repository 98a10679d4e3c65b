"""A button that must be held for 700 ms; its outline fills meanwhile. No key can hold it."""

from __future__ import annotations

import time

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from .. import theme
from ..actions import HOLD_MS
from . import paint


class HoldButton(QAbstractButton):
    held = Signal()

    def __init__(self, words: str, parent: QWidget | None = None, *, tall: int = 34, px: float = 13) -> None:
        super().__init__(parent)
        self._words = words
        self._tall = tall
        self._px = px
        self._since = 0.0
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAccessibleName(words)
        self.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)
        self._timer = QTimer(self)
        self._timer.setInterval(16)
        self._timer.timeout.connect(self._filling)

    def say(self, words: str) -> None:
        """Other words for the same hold."""
        if words != self._words:
            self._words = words
            self.setAccessibleName(words)
            self.updateGeometry()
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(round(paint.advance(self._words, self._px, theme.SEMI) + 28.5), self._tall)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    @property
    def done(self) -> float:
        return min(1.0, (time.monotonic() - self._since) * 1000 / HOLD_MS) if self._timer.isActive() else 0.0

    def keyPressEvent(self, event: QKeyEvent) -> None:
        event.ignore()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        super().mousePressEvent(event)
        if self.isDown():
            self._since = time.monotonic()
            self._timer.start()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._let_go()
        super().mouseReleaseEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        if not self.isDown():
            self._let_go()

    def leaveEvent(self, event: QEvent) -> None:
        self._let_go()

    def hideEvent(self, event: object) -> None:
        self._let_go()

    def _let_go(self) -> None:
        self._timer.stop()
        self.update()

    def _filling(self) -> None:
        if self.done >= 1.0:
            self._let_go()
            self.held.emit()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        c = theme.colours()
        with QPainter(self) as painter:
            box = QRectF(self.rect())
            paint.rounded(painter, box, 8, c.hover if self.isDown() or self.underMouse() else c.raised, c.line)
            if self.done > 0:
                paint.outline_part(painter, box, 8, self.done, c.air, 3)
            paint.text(
                painter, box.adjusted(10, 0, -10, 0), self._words, self._px, c.text, theme.SEMI, paint.CENTRE, least=11
            )
