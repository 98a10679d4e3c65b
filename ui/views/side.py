"""The right column: figures, chat with its reply box, buyers."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QSizePolicy, QStackedWidget, QVBoxLayout, QWidget

from .. import theme
from ..desk import Desk
from ..values import ChatLine
from ..words import t
from . import paint
from .backstage import Backstage
from .buyers import Buyers
from .chat import Chat
from .controls import Tabs, plain_button
from .figures import Figures

LINE_MOST = 300
BACKSTAGE = 2
"""Which tab the consoles' own is."""


class ReplyBox(QLineEdit):
    """Enter sends, Escape gives up."""

    sent = Signal(str)
    given_up = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            text = self.text().strip()
            if text and not event.isAutoRepeat():
                self.clear()
                self.sent.emit(text)
        elif event.key() == Qt.Key.Key_Escape:
            self.clear()
            self.given_up.emit()
        else:
            super().keyPressEvent(event)


class Pinned(QWidget):
    """The pinned line, above the chat; a press takes it down."""

    taken_down = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._line: ChatLine | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.hide()

    def sizeHint(self) -> QSize:
        return QSize(200, 40)

    def show_line(self, line: ChatLine | None) -> None:
        self._line = line
        self.setVisible(line is not None)
        if line is not None:
            self.setAccessibleName(t("chat.pinned", text=f"{line.nickname} {line.text}"))
            self.setToolTip(line.text)
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.position().x() > self.width() - 36 and self.rect().contains(event.position().toPoint()):
            self.taken_down.emit()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._line is None:
            return
        c = theme.colours()
        with QPainter(self) as painter:
            painter.fillRect(self.rect(), theme.colour(c.next_chip))
            box = QRectF(12, 0, self.width() - 48, self.height())
            used = paint.text(painter, box, self._line.nickname + "  ", 13, c.on_next_chip, theme.BOLD, elide=True)
            paint.text(painter, box.adjusted(used, 0, 0, 0), self._line.text, 13, c.on_next_chip, elide=True)
            cross = QRectF(self.width() - 34, 0, 24, self.height())
            paint.text(painter, cross, "✕", 13, c.on_next_chip, align=paint.CENTRE)


class SideColumn(QWidget):
    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("ground")
        self._desk = desk
        self._answering: ChatLine | None = None
        self._announcing = False
        self.figures = Figures(desk, self)
        self.tabs = Tabs(self)
        head = QWidget(self)
        head.setObjectName("head")
        head.setFixedHeight(46)
        line = QHBoxLayout(head)
        line.setContentsMargins(12, 7, 12, 7)
        line.addWidget(self.tabs)
        line.addStretch(1)
        self.pinned = Pinned(self)
        self.pinned.taken_down.connect(lambda: desk.pin_line(None))
        self.chat = Chat(desk, self)
        self.buyers = Buyers(desk, self)
        self.pages = QStackedWidget(self)
        self.pages.addWidget(self.chat)
        self.pages.addWidget(self.buyers)
        self.backstage = Backstage(desk, self)
        self.pages.addWidget(self.backstage)
        foot = QWidget(self)
        foot.setObjectName("foot")
        foot.setFixedHeight(53)
        self.foot = foot
        under = QHBoxLayout(foot)
        under.setContentsMargins(12, 8, 12, 8)
        under.setSpacing(8)
        self.reply = ReplyBox(foot)
        self.reply.setMaxLength(LINE_MOST)
        self.pin = plain_button(t("chat.pin"), self._pin, foot)
        under.addWidget(self.reply, 1)
        under.addWidget(self.pin)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.figures)
        column.addWidget(head)
        column.addWidget(self.pinned)
        column.addWidget(self.pages, 1)
        column.addWidget(foot)
        self.tabs.chosen.connect(self._turn)
        self.chat.wants_reply.connect(self.answer)
        self.chat.chosen_changed.connect(lambda _line: self._refresh())
        self.reply.sent.connect(self._send)
        self.reply.given_up.connect(self._give_up)
        desk.buyers_changed.connect(lambda _buyers: self._count())
        desk.whispers_changed.connect(lambda _whispers: self._count())
        desk.show_changed.connect(lambda _show: self._refresh())
        desk.pinned_changed.connect(self._pinned_changed)
        self._count()
        desk.invitation_changed.connect(lambda _invitation: self._refresh())
        self._pinned_changed(desk.pinned)
        self._refresh()

    def _turn(self, which: int) -> None:
        self.pages.setCurrentIndex(which)
        self._give_up()

    def _count(self) -> None:
        bought = sum(1 for row in self._desk.buyers if row.purchases)
        unread = self._desk.whispers.unread
        backstage = t("backstage.tab")
        self.tabs.show_names(
            [
                t("chat.tab"),
                f"{t('buyers.tab')} {bought}" if bought else t("buyers.tab"),
                f"{backstage} {unread}" if unread else backstage,
            ]
        )
        self.tabs.mark(frozenset({BACKSTAGE}) if unread else frozenset())

    def show_tab(self, which: int) -> None:
        self.tabs.choose(which)

    def _pinned_changed(self, line: ChatLine | None) -> None:
        self.pinned.show_line(line)
        self._refresh()

    def _refresh(self) -> None:
        whispering = self.tabs.current == BACKSTAGE
        hint = t("chat.reply")
        if whispering:
            hint = t("backstage.hint" if self._desk.show.role == "owner" else "backstage.hint_seller")
        elif self._announcing:
            hint = t("chat.announce_hint")
        elif self._answering is not None:
            hint = t("chat.reply_to", name=self._answering.nickname)
        self.pin.setVisible(not whispering)
        self.foot.setVisible(not whispering or self._desk.invitation.state == "none")
        self.reply.setPlaceholderText(hint)
        self.reply.setAccessibleName(hint)
        who_may = self._desk.reserved("whisper") if whispering else ""
        self.reply.setEnabled(not who_may)
        self.reply.setToolTip(who_may)
        chosen = self.chat.chosen()
        self.pin.setEnabled(chosen is not None and chosen.kind in ("said", "announced"))
        self.pin.setToolTip("" if self.pin.isEnabled() else t("chat.pin_hint"))

    def answer(self, line: ChatLine) -> None:
        self._answering, self._announcing = line, False
        self._refresh()
        self.reply.setFocus()

    def begin_announcement(self) -> None:
        """F12: the next line typed goes to everyone, large."""
        self.tabs.choose(0)
        self._announcing, self._answering = True, None
        self._refresh()
        self.reply.setFocus()

    def _send(self, text: str) -> None:
        if self.tabs.current == BACKSTAGE:
            self._desk.whisper(text)
        elif self._announcing:
            self._desk.announce(text)
        else:
            self._desk.say(text, self._answering.line_id if self._answering else "")
        self._give_up()

    def _give_up(self) -> None:
        self._answering, self._announcing = None, False
        self._refresh()

    def _pin(self) -> None:
        line = self.chat.chosen()
        if line is not None:
            self._desk.pin_line(line.line_id)
