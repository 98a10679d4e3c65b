"""What seller and producers share beside the sale: who is here, the run of show, notes, an invitation."""

from __future__ import annotations

import datetime

from PySide6.QtCore import QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QMouseEvent, QPainter, QPaintEvent, QShowEvent, QTextOption
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from .. import theme
from ..desk import Desk
from ..values_backstage import Invitation, Whisper, Whispers
from ..words import t
from . import paint
from .controls import plain_button
from .invite import InvitePanel, breakable
from .run_of_show import RunOfShow

BAND_MS = 10_000
BAND_MOST = 220


class Thread(QScrollArea):
    """The notes, oldest first, mine to the right."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._drawn: list[str] = []
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName(t("backstage.whispers"))
        inside = QWidget(self)
        inside.setObjectName("ground")
        self._column = QVBoxLayout(inside)
        self._column.setContentsMargins(12, 4, 12, 10)
        self._column.setSpacing(8)
        self._empty = QLabel(t("backstage.no_whispers"), inside)
        self._empty.setProperty("tone", "second")
        self._empty.setWordWrap(True)
        self._column.addWidget(self._empty)
        self._column.addStretch(1)
        self.setWidget(inside)
        self.verticalScrollBar().rangeChanged.connect(lambda _least, most: self.verticalScrollBar().setValue(most))
        desk.whispers_changed.connect(self._show)
        self._show(desk.whispers)

    @property
    def texts(self) -> list[str]:
        return list(self._drawn)

    def _show(self, whispers: Whispers) -> None:
        ids = [line.line_id for line in whispers.lines]
        if ids[: len(self._drawn)] != self._drawn:
            while self._column.count() > 2:
                item = self._column.takeAt(1)
                widget = item.widget() if item is not None else None
                if widget is not None:
                    widget.deleteLater()
            self._drawn = []
        for line in whispers.lines[len(self._drawn) :]:
            self._column.insertWidget(self._column.count() - 1, _note(line))
        self._drawn = ids
        self._empty.setVisible(not ids)


def _note(line: Whisper) -> QWidget:
    made = QFrame()
    made.setObjectName("mine" if line.mine else "note")
    column = QVBoxLayout(made)
    column.setContentsMargins(10, 7, 10, 8)
    column.setSpacing(2)
    at = datetime.datetime.fromtimestamp(line.at_ms / 1000).strftime("%H:%M")
    head = QLabel(f"{t('backstage.you', name=line.name) if line.mine else line.name} · {at}", made)
    text = QLabel(breakable(line.text, 24), made)
    for label in (head, text):
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setMinimumWidth(1)
    head.setProperty("tone", "second")
    head.setFont(theme.font(12))
    text.setWordWrap(True)
    text.setFont(theme.font(15))
    column.addWidget(head)
    column.addWidget(text)
    holder = QWidget()
    line_layout = QHBoxLayout(holder)
    line_layout.setContentsMargins(28 if line.mine else 0, 0, 0 if line.mine else 28, 0)
    line_layout.addWidget(made)
    holder.setAccessibleName(f"{line.name}, {at} : {line.text}")
    return holder


class Here(QWidget):
    """Who is connected, and the way to invite."""

    invite = Signal()

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self.names = QLabel(self)
        self.names.setTextFormat(Qt.TextFormat.PlainText)
        self.names.setWordWrap(True)
        self.names.setMinimumWidth(1)
        self.button = plain_button(t("invite.button"), self.invite.emit, self)
        line = QHBoxLayout(self)
        line.setContentsMargins(12, 10, 12, 4)
        line.setSpacing(10)
        line.addWidget(self.names, 1)
        line.addWidget(self.button)
        for signal in (desk.consoles_changed, desk.show_changed, desk.connection_changed):
            signal.connect(lambda _value: self._refresh())
        self._refresh()

    def _refresh(self) -> None:
        names = self._desk.consoles
        said = " · ".join(names)
        self.names.setText(breakable(said) if len(names) > 1 else t("backstage.alone"))
        self.names.setProperty("tone", "" if len(names) > 1 else "second")
        self.names.setAccessibleName(f"{t('backstage.here')} : {said}")
        self.button.setVisible(self._desk.show.role == "owner")
        self.button.setEnabled(self._desk.connection.state == "connected")


class Backstage(QWidget):
    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("ground")
        self._desk = desk
        self.here = Here(desk, self)
        self.run_of_show = RunOfShow(desk, self)
        self.notes = Thread(desk, self)
        shared = QWidget(self)
        shared.setObjectName("ground")
        rule = QFrame(shared)
        rule.setObjectName("rule")
        rule.setFixedHeight(1)
        heading = QLabel(t("backstage.whispers"), shared)
        heading.setFont(theme.font(13, theme.BOLD))
        heading.setIndent(12)
        heading.setFixedHeight(34)
        column = QVBoxLayout(shared)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.here)
        column.addWidget(self.run_of_show)
        column.addWidget(rule)
        column.addWidget(heading)
        column.addWidget(self.notes, 1)
        self.invitation = InvitePanel(desk, self)
        scroll = QScrollArea(self)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(self.invitation)
        self.pages = QStackedWidget(self)
        self.pages.addWidget(shared)
        self.pages.addWidget(scroll)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self.pages)
        self.here.invite.connect(desk.invite)
        desk.invitation_changed.connect(self._invited)
        desk.whispers_changed.connect(lambda _whispers: self._read())
        self._invited(desk.invitation)

    def _invited(self, invitation: Invitation) -> None:
        self.pages.setCurrentIndex(0 if invitation.state == "none" else 1)

    def _read(self) -> None:
        if self.isVisible() and self._desk.whispers.unread:
            self._desk.whispers_read()

    def showEvent(self, event: QShowEvent) -> None:
        QTimer.singleShot(0, self, self._read)


class WhisperBand(QWidget):
    """A note for this console, large, over what is not pressed; gone by itself, or by a press."""

    def __init__(self, desk: Desk, parent: QWidget) -> None:
        super().__init__(parent)
        self._desk = desk
        self._whisper: Whisper | None = None
        self._room = QRectF()
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._gone = QTimer(self)
        self._gone.setSingleShot(True)
        self._gone.setInterval(BAND_MS)
        self._gone.timeout.connect(self.hide)
        self.hide()
        desk.whispered.connect(self.say)

    @property
    def whisper(self) -> Whisper | None:
        return self._whisper if not self.isHidden() else None

    def say(self, whisper: Whisper) -> None:
        self._whisper = whisper
        self.setAccessibleName(t("backstage.whisper_from", name=whisper.name, text=whisper.text))
        self._gone.start()
        self.place(self._room)
        self.show()
        self.raise_()
        self.update()

    def place(self, room: QRectF) -> None:
        """`room`: as far as it may go; it takes the top of it."""
        self._room = room
        if self._whisper is not None and room.width() > 60:
            self._px = self._fitting(room.width() - 44)
            tall = min(BAND_MOST, round(self._tall(self._px, room.width() - 44)) + 46)
            self.setGeometry(round(room.x()), round(room.y()), round(room.width()), tall)

    _px = 24

    def _fitting(self, wide: float) -> int:
        return next((px for px in (26, 24, 22, 20, 18) if self._tall(px, wide) <= BAND_MOST - 46), 16)

    def _tall(self, px: int, wide: float) -> float:
        text = self._whisper.text if self._whisper is not None else ""
        flags = Qt.TextFlag.TextWrapAnywhere | Qt.TextFlag.TextWordWrap
        return theme.metrics(px, theme.SEMI).boundingRect(QRectF(0, 0, wide, 10_000), flags, text).height()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self.hide()
        self._desk.whispers_read()

    def hideEvent(self, event: QHideEvent) -> None:
        self._gone.stop()

    def sizeHint(self) -> QSize:
        return QSize(300, 90)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._whisper is None:
            return
        c = theme.colours()
        with QPainter(self) as painter:
            box = QRectF(self.rect())
            paint.rounded(painter, box, 12, c.panel, c.info, 2)
            paint.rounded(painter, QRectF(10, 12, 4, box.height() - 24), 2, c.info)
            inner = box.adjusted(24, 8, -16, -10)
            paint.text(painter, QRectF(inner.x(), inner.y(), inner.width(), 20), self._whisper.name, 14, c.info,
                       theme.BOLD, elide=True)  # fmt: skip
            painter.setFont(theme.font(self._px, theme.SEMI))
            painter.setPen(theme.colour(c.text))
            option = QTextOption()
            option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
            painter.drawText(inner.adjusted(0, 24, 0, 0), self._whisper.text, option)
