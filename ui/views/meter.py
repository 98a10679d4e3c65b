"""The microphone: its name, how loud it is, and the button that mutes it.

Promises: peak above, mean below, falling smoothly, clipping held in red for a
second; says when it is muted, and when it has heard nothing.
"""

from __future__ import annotations

import time

from PySide6.QtCore import QPoint, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QContextMenuEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from .. import theme, words
from ..desk import Desk
from ..naming import device_words
from ..values import Level
from ..words import t
from . import paint
from .controls import ActionButton
from .sound import SoundMenu

FLOOR_DB = -60.0
AMBER_DB = -12.0
RED_DB = -3.0
FALL_DB_PER_S = 24.0


class Bars(QWidget):
    """The two bars alone."""

    def __init__(self, desk: Desk, parent: QWidget | None = None, *, named: bool = True) -> None:
        super().__init__(parent)
        self._desk = desk
        self._named = named
        self._level = Level()
        self._peak = self._rms = FLOOR_DB
        self._at = time.monotonic()
        self._clipped_at = -1e9
        self._menu: SoundMenu | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._fall = QTimer(self)
        self._fall.setInterval(50)
        self._fall.timeout.connect(self._falling)
        desk.level_changed.connect(self._heard)
        desk.programme_changed.connect(lambda _programme: self._refresh())
        self._heard(desk.level)
        self._refresh()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self.open_gain(event.globalPos())

    def open_gain(self, at: QPoint) -> None:
        """The gains beside the bars: what is heard is seen while it is turned."""
        if self._menu is not None:
            self._menu.deleteLater()
        menu = self._menu = SoundMenu(self._desk, self)
        menu.popup(at)
        menu.sliders[0].setFocus()

    def sizeHint(self) -> QSize:
        return QSize(200, 38 if self._named else 17)

    def minimumSizeHint(self) -> QSize:
        return QSize(80, self.sizeHint().height())

    def _heard(self, level: Level) -> None:
        self._level = level
        self._peak = max(self._peak, level.peak_db)
        self._rms = max(self._rms, level.rms_db)
        if level.clipped:
            self._clipped_at = time.monotonic()
        self._at = time.monotonic()
        if not self._fall.isActive():
            self._fall.start()
        self.update()

    def _falling(self) -> None:
        now = time.monotonic()
        step = FALL_DB_PER_S * min(0.2, now - self._at)
        self._at = now
        self._peak = max(self._level.peak_db, self._peak - step, FLOOR_DB)
        self._rms = max(self._level.rms_db, self._rms - step, FLOOR_DB)
        settled = self._peak <= max(self._level.peak_db, FLOOR_DB) and self._rms <= max(self._level.rms_db, FLOOR_DB)
        if settled and now - self._clipped_at > 1.0:
            self._fall.stop()
        self.update()

    def _refresh(self) -> None:
        self.setAccessibleName(t("a11y.meter"))
        self.setAccessibleDescription(self._caption())
        self.setToolTip(t("meter.gain_hint"))
        self.update()

    def _caption(self) -> str:
        programme = self._desk.programme
        name = device_words(programme.microphone, programme.microphone_name)
        if programme.muted:
            return t("meter.muted", name=name)
        if self._level.clipped or time.monotonic() - self._clipped_at < 1.0:
            return t("meter.clipping", name=name)
        return f"{name} · {words.decibels(self._level.peak_db)}"

    def paintEvent(self, event: QPaintEvent) -> None:
        c = theme.colours()
        with QPainter(self) as painter:
            muted = self._desk.programme.muted
            y = 0.0
            if self._named:
                colour = c.air if muted or time.monotonic() - self._clipped_at < 1.0 else c.text2
                paint.text(painter, QRectF(0, 0, self.width(), 18), self._caption(), 12, colour, elide=True)
                y = 21.0
            for level, strength in ((self._peak, 1.0), (self._rms, 0.7)):
                box = QRectF(0, y, self.width(), 7)
                paint.rounded(painter, box, 3.5, c.meter_off)
                if not muted:
                    painter.setOpacity(strength)
                    self._fill(painter, box, level)
                    painter.setOpacity(1.0)
                y += 10

    def _fill(self, painter: QPainter, box: QRectF, level: float) -> None:
        c = theme.colours()

        def x(db: float) -> float:
            return box.width() * max(0.0, min(1.0, (db - FLOOR_DB) / -FLOOR_DB))

        end = x(level)
        if end < 3:
            return
        painter.save()
        painter.setClipRect(QRectF(box.x(), box.y(), end, box.height()))
        paint.rounded(painter, box, 3.5, c.sold)
        if level > AMBER_DB:
            amber = QRectF(box.x() + x(AMBER_DB), box.y(), x(RED_DB) - x(AMBER_DB), box.height())
            painter.fillRect(amber, theme.colour(c.warn))
        if level > RED_DB:
            painter.fillRect(QRectF(box.x() + x(RED_DB), box.y(), box.width(), box.height()), theme.colour(c.air))
        painter.restore()


class Meter(QWidget):
    """The strip under the preview."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("foot")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._desk = desk
        self.bars = Bars(desk, self)
        self.mute = ActionButton(desk.actions.toggle_mute, self, words="meter.mute", tall=34)
        line = QHBoxLayout(self)
        line.setContentsMargins(12, 7, 12, 7)
        line.setSpacing(8)
        line.addWidget(self.bars, 1)
        line.addWidget(self.mute)
        self.setFixedHeight(53)
        desk.programme_changed.connect(lambda _programme: self._refresh())
        self._refresh()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Also from the button, by the menu key."""
        self.bars.open_gain(event.globalPos())

    def _refresh(self) -> None:
        self.mute.say("meter.unmute" if self._desk.programme.muted else "meter.mute")
