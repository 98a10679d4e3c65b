"""The trouble strip: what is wrong, since when, what it costs, and the one key that cures it.

Promises: shows one trouble and counts the rest, each of which can be turned to; goes
by itself; the button says what F9 will do now. Never a box.
"""

from __future__ import annotations

import time

from PySide6.QtCore import QRectF, QSize, QTimer
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from seller_console.catalogue import with_cost

from .. import theme, words
from ..desk import Desk
from ..naming import trouble_words
from ..values import Trouble
from ..words import t, tn
from . import paint
from .controls import ActionButton

TALL = 44


class NextTrouble(ActionButton):
    """How many more there are; pressed, the next one."""

    def __init__(self, desk: Desk, parent: QWidget) -> None:
        self._others = 0
        super().__init__(desk.actions.next_trouble, parent, quiet=True, capped=False)

    def count(self, others: int) -> None:
        if others != self._others:
            self._others = others
            self._refresh()

    def _words_now(self) -> str:
        return f"{tn('trouble.more', self._others)} ›"

    def _refresh(self) -> None:
        super()._refresh()
        more, what = tn("trouble.more", self._others), t(self.action.words)
        self.setAccessibleName(f"{more}, {what[:1].lower()}{what[1:]}")
        self.setToolTip(f"{what} ({self.action.key.replace('+', ' ')})" if self.action.key else what)


class TroubleStrip(QWidget):
    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._trouble: Trouble | None = None
        self.setFixedHeight(TALL)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.next = NextTrouble(desk, self)
        self.cure = ActionButton(desk.actions.cure_trouble, self)
        self._line = QHBoxLayout(self)
        self._line.setContentsMargins(14, 0, 14, 0)
        self._line.setSpacing(8)
        self._line.addStretch(1)
        self._line.addWidget(self.next)
        self._line.addWidget(self.cure)
        self._second = QTimer(self)
        self._second.setInterval(500)
        self._second.timeout.connect(self.update)
        desk.curing.turned.connect(self._refresh)
        self._refresh()

    def _refresh(self) -> None:
        curing = self._desk.curing
        trouble = self._trouble = curing.shown
        said = curing.words
        self.cure.setVisible(bool(said))
        if said:
            self.cure.say(said)
        self.next.count(curing.others)
        self.next.setVisible(curing.others > 0)
        self.setVisible(trouble is not None)
        if trouble is not None:
            self._second.start()
        else:
            self._second.stop()
        self.setAccessibleName(self._sentence() or t("a11y.strip"))
        self.update()

    def _sentence(self) -> str:
        return trouble_sentence(self._trouble, time.monotonic()) if self._trouble is not None else ""

    def sizeHint(self) -> QSize:
        return QSize(400, TALL)

    def minimumSizeHint(self) -> QSize:
        return QSize(200, TALL)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._trouble is None:
            return
        c = theme.colours()
        with QPainter(self) as painter:
            box = QRectF(self.rect())
            bad = self._trouble.severity == "bad"
            painter.fillRect(self.rect(), theme.colour(c.warn_strip))
            painter.fillRect(0, self.height() - 1, self.width(), 1, theme.colour(c.warn_strip_line))
            mark = QRectF(12, box.center().y() - 11, 20, 20)
            paint.rounded(painter, mark, 10, c.air_fill if bad else c.warn)
            paint.text(painter, mark, "!", 14, c.on_air if bad else c.bg, theme.HEAVY, paint.CENTRE)
            buttons = [button.x() for button in (self.next, self.cure) if not button.isHidden()]
            right = min(buttons) - 12.0 if buttons else box.right() - 14
            sentence = self._sentence()
            self.setToolTip(sentence)
            inner = QRectF(42, 0, right - 42, box.height() - 1)
            paint.text(painter, inner, sentence, 14, c.on_warn_strip, elide=True, least=12)


def trouble_sentence(trouble: Trouble, now_mono: float) -> str:
    """ "Caméra C920 figée depuis 4 s — les acheteurs voient une image fixe."""
    since = words.since((now_mono - trouble.since_mono) * 1000) if trouble.since_mono else ""
    said = trouble_words(trouble)
    if since:
        said = t("trouble.since", what=said, since=since)
    return with_cost(words.language(), said, trouble.code, trouble.detail)
