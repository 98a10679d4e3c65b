"""The chat: lines painted by hand, only those in sight, at most twenty times a second.

Promises: 200 lines a second do not slow the window (lines are laid out once for a
width, in batches); it stays at the newest line unless one has scrolled up, and
then says how many came; a chosen line can be answered, pinned or moderated.
"""

from __future__ import annotations

from collections import deque

from PySide6.QtCore import QPoint, QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QTextCharFormat,
    QTextLayout,
    QTextOption,
)
from PySide6.QtWidgets import QAbstractScrollArea, QMenu, QWidget

from .. import theme, words
from ..desk import Desk
from ..values import ChatLine
from ..words import t, tn
from . import paint

KEPT = 500
BATCH_MS = 50
SIDE = 12
GAP = 9


class Laid:
    """One line laid out for a width."""

    __slots__ = ("badge", "badge_wide", "height", "layout", "line", "system", "width")

    def __init__(self, line: ChatLine, said: str, bold: list[tuple[int, int]], badge: str, system: bool) -> None:
        self.line = line
        self.badge = badge
        self.system = system
        self.width = -1.0
        self.height = 19.0
        self.badge_wide = paint.advance(badge, 11, theme.BOLD) + 15 if badge else 0.0
        self.layout = QTextLayout(said, theme.font(13 if system else 14))
        formats = []
        for start, length in bold:
            strong = QTextLayout.FormatRange()
            strong.start, strong.length = start, length
            shape = QTextCharFormat()
            shape.setFont(theme.font(13 if system else 14, theme.BOLD))
            strong.format = shape
            formats.append(strong)
        self.layout.setFormats(formats)
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.layout.setTextOption(option)

    def fit(self, width: float) -> None:
        if width == self.width:
            return
        self.width = width
        y = 0.0
        self.layout.beginLayout()
        first = True
        while True:
            row = self.layout.createLine()
            if not row.isValid():
                break
            indent = self.badge_wide if first else 0.0
            if self.system:
                indent += 10
            row.setLineWidth(max(20.0, width - indent))
            row.setPosition(QPointF(indent, y))
            y += max(19.0, row.height())
            first = False
        self.layout.endLayout()
        self.height = max(19.0, y)


def lay(line: ChatLine, currency: str) -> Laid:
    """The words of a line, what of them is bold, and its badge."""
    price = words.money(line.price_cents, currency)
    if line.kind == "sold":
        said = t("chat.sold", number=line.number, price=price, name=line.nickname)
        at = said.rfind(line.nickname) if line.nickname else -1
        return Laid(line, said, [(at, len(line.nickname))] if at >= 0 else [], "", True)
    if line.kind == "passed":
        return Laid(line, t("chat.passed", number=line.number), [], "", True)
    if line.kind == "joined":
        said = t("chat.joined", name=line.nickname)
        return Laid(line, said, [(0, len(line.nickname))], "", True)
    if line.kind == "notice":
        return Laid(line, line.text, [], "", True)
    badge = ""
    if line.kind == "announced":
        badge = t("chat.badge.announce")
    elif line.role in ("owner", "producer", "moderator"):
        badge = t(f"chat.badge.{line.role}")
    elif line.first_purchase:
        badge = t("chat.badge.first")
    name = line.nickname
    said = f"{name}  {t('chat.deleted') if line.deleted else line.text}" if name else line.text
    return Laid(line, said, [(0, len(name))], badge, False)


class Chat(QAbstractScrollArea):
    wants_reply = Signal(object)  # ChatLine
    chosen_changed = Signal(object)  # ChatLine | None

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._laid: deque[Laid] = deque(maxlen=KEPT)
        self._waiting: list[ChatLine] = []
        self._unread = 0
        self._chosen = ""
        self._menu: QMenu | None = None
        self.setFrameShape(QAbstractScrollArea.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(t("a11y.chat"))
        self.viewport().setCursor(Qt.CursorShape.ArrowCursor)
        self._batch = QTimer(self)
        self._batch.setSingleShot(True)
        self._batch.setInterval(BATCH_MS)
        self._batch.timeout.connect(self._take)
        self.verticalScrollBar().valueChanged.connect(self._scrolled)
        desk.chat_added.connect(self._added)
        desk.chat_changed.connect(self._anew)
        self._anew(desk.chat)

    # --- lines coming -------------------------------------------------------------------------

    def _added(self, lines: tuple[ChatLine, ...]) -> None:
        self._waiting.extend(lines)
        if len(self._waiting) > KEPT:
            del self._waiting[: len(self._waiting) - KEPT]
        if not self._batch.isActive():
            self._batch.start()

    def _anew(self, lines: tuple[ChatLine, ...]) -> None:
        self._laid.clear()
        self._waiting = list(lines[-KEPT:])
        self._take()

    def _take(self) -> None:
        at_end = self._at_end()
        currency = self._desk.show.currency
        gone = max(0, len(self._laid) + len(self._waiting) - KEPT)
        lost = sum(self._laid[i].height + GAP for i in range(min(gone, len(self._laid))))
        for line in self._waiting:
            self._laid.append(lay(line, currency))
        came = len(self._waiting)
        self._waiting.clear()
        self._measure()
        bar = self.verticalScrollBar()
        if at_end:
            bar.setValue(bar.maximum())
            self._unread = 0
        else:
            self._unread += came
            if lost:
                bar.setValue(max(0, bar.value() - round(lost)))
        self.viewport().update()

    def _measure(self) -> None:
        wide = self.viewport().width() - 2 * SIDE
        total = float(GAP)
        for laid in self._laid:
            laid.fit(wide)
            total += laid.height + GAP
        bar = self.verticalScrollBar()
        bar.setPageStep(self.viewport().height())
        bar.setSingleStep(40)
        bar.setRange(0, max(0, round(total) - self.viewport().height()))

    def _at_end(self) -> bool:
        bar = self.verticalScrollBar()
        return bar.value() >= bar.maximum() - 4

    def _scrolled(self) -> None:
        if self._at_end():
            self._unread = 0
        self.viewport().update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        at_end = self._at_end()
        self._measure()
        if at_end:
            self.verticalScrollBar().setValue(self.verticalScrollBar().maximum())

    # --- choosing -----------------------------------------------------------------------------

    def chosen(self) -> ChatLine | None:
        return next((laid.line for laid in self._laid if laid.line.line_id == self._chosen and self._chosen), None)

    def choose(self, line_id: str) -> None:
        if line_id != self._chosen:
            self._chosen = line_id
            self.chosen_changed.emit(self.chosen())
            self.viewport().update()

    def _line_at(self, y: float) -> ChatLine | None:
        top = GAP - self.verticalScrollBar().value()
        for laid in self._laid:
            if top - GAP / 2 <= y < top + laid.height + GAP / 2:
                return laid.line
            top += round(laid.height + GAP)
        return None

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self._unread and event.position().y() > self.viewport().height() - 40:
            self.verticalScrollBar().setValue(self.verticalScrollBar().maximum())
            return
        line = self._line_at(event.position().y())
        self.choose("" if line is None or line.line_id == self._chosen else line.line_id)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        line = self._line_at(event.position().y())
        if line is not None and line.kind == "said":
            self.choose(line.line_id)
            self.wants_reply.emit(line)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()), 0)
        if step and self._laid:
            ids = [laid.line.line_id for laid in self._laid]
            at = ids.index(self._chosen) + step if self._chosen in ids else len(ids) - 1
            self.choose(ids[max(0, min(len(ids) - 1, at))])
            return
        line = self.chosen()
        if event.key() == Qt.Key.Key_Escape:
            self.choose("")
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and line is not None:
            self.wants_reply.emit(line)
        elif event.key() == Qt.Key.Key_Menu and line is not None:
            self._open_menu(line, self.viewport().mapToGlobal(self.viewport().rect().center()))
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        line = self._line_at(event.pos().y())
        if line is not None and line.kind in ("said", "announced"):
            self.choose(line.line_id)
            self._open_menu(line, event.globalPos())

    def _open_menu(self, line: ChatLine, at: QPoint) -> None:
        if self._menu is not None:
            self._menu.deleteLater()
        desk = self._desk
        menu = self._menu = QMenu(self)
        menu.addAction(t("chat.menu.reply"), lambda: self.wants_reply.emit(line))
        pinned = desk.pinned is not None and desk.pinned.line_id == line.line_id
        menu.addAction(
            t("chat.menu.unpin") if pinned else t("chat.menu.pin"),
            lambda: desk.pin_line(None if pinned else line.line_id),
        )
        menu.addAction(t("chat.menu.delete"), lambda: desk.delete_line(line.line_id)).setEnabled(not line.deleted)
        if line.role == "buyer" and line.person:
            menu.addSeparator()
            menu.addAction(t("chat.menu.time_out", name=line.nickname), lambda: desk.time_out(line.person))
            menu.addAction(t("chat.menu.block", name=line.nickname), lambda: desk.block(line.person))
        menu.popup(at)

    # --- painting -----------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        c = theme.colours()
        with QPainter(self.viewport()) as painter:
            painter.fillRect(event.rect(), theme.colour(c.bg))
            port = self.viewport().height()
            if not self._laid:
                box = QRectF(SIDE, 10, self.viewport().width() - 2 * SIDE, 22)
                paint.text(painter, box, t("chat.empty"), 13, c.text2, elide=True)
                return
            top = float(GAP - self.verticalScrollBar().value())
            if self.verticalScrollBar().maximum() == 0:
                top = float(GAP)
            for laid in self._laid:
                bottom = top + laid.height
                if bottom >= event.rect().top() and top <= event.rect().bottom():
                    self._paint_line(painter, top, laid)
                top += round(laid.height + GAP)
                if top > event.rect().bottom():
                    break
            if self._unread:
                said = tn("chat.unread", self._unread)
                wide = paint.advance(said, 13, theme.SEMI) + 26
                box = QRectF((self.viewport().width() - wide) / 2, port - 36, wide, 28)
                paint.rounded(painter, box, 14, c.info_badge, c.info)
                paint.text(painter, box, said, 13, c.text, theme.SEMI, paint.CENTRE)

    def _paint_line(self, painter: QPainter, top: float, laid: Laid) -> None:
        c = theme.colours()
        line = laid.line
        wide = self.viewport().width() - 2 * SIDE
        if line.line_id and line.line_id == self._chosen:
            box = QRectF(SIDE - 6, top - 4, wide + 12, laid.height + 8)
            paint.rounded(painter, box, 6, c.info_row, c.info if self.hasFocus() else "")
        if laid.system:
            edge = {"sold": c.sold, "passed": c.edge, "joined": c.info}.get(line.kind, c.warn)
            painter.fillRect(QRectF(SIDE, top, 2, laid.height), theme.colour(edge))
        if laid.badge:
            fill, colour = c.info_badge, c.info
            if line.kind == "announced":
                fill, colour = c.next_chip, c.on_next_chip
            elif line.role != "buyer":
                fill, colour = c.raised, c.text2
            box = QRectF(SIDE, top + 1, laid.badge_wide - 5, 17)
            paint.rounded(painter, box, 4, fill)
            paint.text(painter, box, laid.badge, 11, colour, theme.BOLD, paint.CENTRE)
        painter.setPen(theme.colour(c.text2 if laid.system or line.deleted else c.text))
        laid.layout.draw(painter, QPointF(SIDE, top))
