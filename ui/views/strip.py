"""The trouble strip: what is wrong, since when, what it costs, and the one key that cures it.

Promises: shows the first trouble only and counts the rest; goes by itself; the
button says what F9 will do. Never a box.
"""

from __future__ import annotations

import time

from PySide6.QtCore import QRectF, QSize, QTimer
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from .. import theme, words
from ..desk import Desk
from ..values import Trouble
from ..words import known, t, tn
from . import paint
from .controls import ActionButton

TALL = 44


class TroubleStrip(QWidget):
    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._troubles: tuple[Trouble, ...] = desk.troubles
        self.setFixedHeight(TALL)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.cure = ActionButton(desk.actions.cure_trouble, self)
        self._line = QHBoxLayout(self)
        self._line.setContentsMargins(14, 0, 14, 0)
        self._line.addStretch(1)
        self._line.addWidget(self.cure)
        self._second = QTimer(self)
        self._second.setInterval(500)
        self._second.timeout.connect(self.update)
        desk.troubles_changed.connect(self._show)
        self._show(desk.troubles)

    def _show(self, troubles: tuple[Trouble, ...]) -> None:
        self._troubles = troubles
        self._refresh()

    def _refresh(self) -> None:
        trouble = self._troubles[0] if self._troubles else None
        curable = next((one for one in self._troubles if one.cure), None)
        self.cure.setVisible(curable is not None)
        if curable is not None:
            self.cure.say(f"cure.{curable.cure}" if known(f"cure.{curable.cure}") else "cure.retry")
        self.setVisible(trouble is not None)
        if trouble is not None:
            self._second.start()
        else:
            self._second.stop()
        self.setAccessibleName(self._sentence() or t("a11y.strip"))
        self.update()

    def _sentence(self) -> str:
        return trouble_sentence(self._troubles[0], time.monotonic()) if self._troubles else ""

    def sizeHint(self) -> QSize:
        return QSize(400, TALL)

    def minimumSizeHint(self) -> QSize:
        return QSize(200, TALL)

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self._troubles:
            return
        c = theme.colours()
        with QPainter(self) as painter:
            box = QRectF(self.rect())
            bad = self._troubles[0].severity == "bad"
            painter.fillRect(self.rect(), theme.colour(c.warn_strip))
            painter.fillRect(0, self.height() - 1, self.width(), 1, theme.colour(c.warn_strip_line))
            mark = QRectF(12, box.center().y() - 11, 20, 20)
            paint.rounded(painter, mark, 10, c.air_fill if bad else c.warn)
            paint.text(painter, mark, "!", 14, c.on_air if bad else c.bg, theme.HEAVY, paint.CENTRE)
            right = self.cure.x() - 12.0 if not self.cure.isHidden() else box.right() - 14
            if len(self._troubles) > 1:
                more = tn("trouble.more", len(self._troubles) - 1)
                wide = paint.advance(more, 13)
                where = QRectF(right - wide, 0, wide, box.height())
                paint.text(painter, where, more, 13, c.on_warn_strip, align=paint.RIGHT)
                right -= wide + 12
            sentence = self._sentence()
            self.setToolTip(sentence)
            inner = QRectF(42, 0, right - 42, box.height() - 1)
            paint.text(painter, inner, sentence, 14, c.on_warn_strip, elide=True, least=12)


def trouble_sentence(trouble: Trouble, now_mono: float) -> str:
    """ "Caméra C920 figée depuis 4 s — les acheteurs voient une image fixe."""
    key = f"trouble.{trouble.code}"
    if not known(key):
        key = "trouble.other"
    since = words.since((now_mono - trouble.since_mono) * 1000) if trouble.since_mono else ""
    subject = trouble.subject
    if known(f"away.{subject}"):
        subject = t(f"away.{subject}")
    said = t(key, subject=subject or t("trouble.subject"), detail=trouble.detail, code=trouble.code)
    if known(f"detail.{trouble.detail}"):
        said = f"{said} ({t(f'detail.{trouble.detail}')})"
    if since:
        said = t("trouble.since", what=said, since=since)
    cost = f"trouble.{trouble.code}.cost"
    return f"{said} — {t(cost)}" if known(cost) else said
