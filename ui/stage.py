"""The stage view: a second screen read at two metres; it follows the show by itself.

Promises: price and clock fill the screen, whoever leads is named beside them, then
the last thing said in the chat and the next lot; nothing here can be pressed.
"""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QGuiApplication, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from . import theme, words
from .desk import Desk
from .values import RUNNING, ChatLine
from .views import paint
from .words import known, t, tn

DRAWN_WIDE, DRAWN_TALL = 1440.0, 900.0
SOON_MS = 10_000


class Stage(QWidget):
    def __init__(self, desk: Desk) -> None:
        super().__init__(None, Qt.WindowType.Window)
        self.setObjectName("screen")
        self.setWindowTitle(t("action.stage"))
        self.setAccessibleName(t("action.stage"))
        self._desk = desk
        self._last: ChatLine | None = None
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.update)
        for signal in (desk.deck_changed, desk.show_changed, desk.viewers_changed, desk.pinned_changed,
                       desk.health_changed):  # fmt: skip
            signal.connect(lambda _value: self._refresh())
        desk.chat_added.connect(self._heard)
        desk.chat_changed.connect(self._heard)
        self._heard(desk.chat)

    # --- where it lies --------------------------------------------------------------------

    def toggle(self, beside: QWidget) -> None:
        """Full screen on another screen than `beside`; in a window when there is only one."""
        if self.isVisible():
            self.close()
            return
        screens = QGuiApplication.screens()
        other = next((screen for screen in screens if screen is not beside.screen()), None)
        if other is None:
            self.resize(1120, 700)
            self.show()
        else:
            self.setScreen(other)
            self.setGeometry(other.geometry())
            self.showFullScreen()

    def sizeHint(self) -> QSize:
        return QSize(1120, 700)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.close()

    def showEvent(self, event: object) -> None:
        self._refresh()

    def hideEvent(self, event: object) -> None:
        self._timer.stop()

    # --- what it shows --------------------------------------------------------------------

    def _heard(self, lines: tuple[ChatLine, ...]) -> None:
        said = [line for line in lines if line.kind in ("said", "announced") and not line.deleted]
        if said:
            self._last = said[-1]
            self.update()

    def _refresh(self) -> None:
        if self.isVisible():
            running = self._desk.deck.state in RUNNING
            soon = running and self._remaining_ms() < SOON_MS + 1000
            self._timer.start(33 if soon else 200)
        self.update()

    def _remaining_ms(self) -> float:
        deck = self._desk.deck
        return deck.remaining_ms if deck.state == "paused" else deck.ends_at_ms - self._desk.now_ms()

    def paintEvent(self, event: QPaintEvent) -> None:
        c = theme.colours()
        with QPainter(self) as painter:
            painter.fillRect(self.rect(), theme.colour(c.bg))
            k = min(self.width() / DRAWN_WIDE, self.height() / DRAWN_TALL)
            wide, tall = self.width() / k, self.height() / k
            painter.scale(k, k)
            inner = QRectF(48, 36, wide - 96, tall - 72)
            self._paint_top(painter, QRectF(inner.x(), inner.y(), inner.width(), 48))
            foot = QRectF(inner.x(), inner.bottom() - 150, inner.width(), 150)
            self._paint_foot(painter, foot)
            self._paint_middle(painter, QRectF(inner.x(), 110, inner.width(), foot.y() - 140))

    def _paint_top(self, painter: QPainter, box: QRectF) -> None:
        c = theme.colours()
        desk = self._desk
        right = box.right()
        if desk.show.status == "live":
            viewers = tn("topbar.viewers", desk.viewers)
            right -= paint.text(painter, box, viewers, 34, c.text2, align=paint.RIGHT) + 12
            on_air = desk.health.air == "on_air"
            name = t("topbar.on_air") if on_air else t("preview.not_on_air")
            fill, colour = (c.air_fill, c.on_air) if on_air else (c.raised, c.text2)
            right = paint.chip(painter, right, box.center().y(), f"● {name}", fill, colour, 24, pad=10, height=40) - 24
        card = desk.deck.card
        if card is None:
            return
        lot = t("deck.lot", number=card.number)
        used = paint.text(painter, box, lot[:1].upper() + lot[1:], 34, c.text, theme.BOLD)
        rest = QRectF(box.x() + used, box.y(), right - box.x() - used, box.height())
        paint.text(painter, rest, f" · {card.title}", 34, c.text2, elide=True)

    def _paint_middle(self, painter: QPainter, box: QRectF) -> None:
        c = theme.colours()
        deck, currency = self._desk.deck, self._desk.show.currency
        if deck.state == "passed":
            paint.text(painter, box, t("deck.passed"), 220, c.text2, theme.HEAVY, paint.CENTRE, -0.04, least=80)
            return
        before = deck.state in ("ready", "opening", "empty", "not_live", "away")
        cents = deck.price_cents if deck.price_cents and not before else (deck.card.opening_cents if deck.card else 100)
        colour = c.sold if deck.state == "adjudged" else c.text3 if before or not deck.price_cents else c.text
        upper = QRectF(box.x(), box.y(), box.width(), box.height() * 0.62)
        clock, clock_colour = self._clock()
        clock_wide = box.width() * (0.42 if clock else 0.0)
        price = QRectF(upper.x(), upper.y(), upper.width() - clock_wide - 24, upper.height())
        paint.text(painter, price, words.money(cents, currency), 310, colour, theme.HEAVY, paint.LEFT, -0.05, least=90)
        where = QRectF(upper.right() - clock_wide, upper.y(), clock_wide, upper.height())
        paint.text(painter, where, clock, 250, clock_colour, theme.HEAVY, paint.RIGHT, -0.04, least=70)
        first = QRectF(box.x(), upper.bottom() + 6, box.width(), 72)
        second = QRectF(box.x(), first.bottom() + 2, box.width(), 58)
        self._paint_who(painter, first, second)

    def _clock(self) -> tuple[str, str]:
        c = theme.colours()
        deck = self._desk.deck
        if deck.state == "adjudged":
            return (t("deck.bag", number=deck.bag_number) if deck.bag_number else ""), c.sold
        if deck.state == "closing":
            return t("deck.closing"), c.warn
        if deck.state == "paused":
            return words.countdown(deck.remaining_ms), c.info
        if deck.state in RUNNING:
            remaining = self._remaining_ms()
            return words.countdown(remaining), c.warn if remaining < SOON_MS else c.text
        preset = deck.card.preset if deck.card else self._desk.show.preset
        return words.countdown(preset.duration_ms), c.text3

    def _paint_who(self, painter: QPainter, first: QRectF, second: QRectF) -> None:
        c = theme.colours()
        deck = self._desk.deck
        if deck.state == "adjudged":
            self._name(painter, first, deck.winner_name, t("deck.wins"))
        elif deck.state == "paused":
            why = t(deck.reason) if known(deck.reason) else t("deck.state.paused")
            paint.text(painter, first, why, 50, c.info, theme.BOLD, least=28)
        elif deck.state == "away":
            paint.text(painter, first, t("deck.state.away"), 50, c.warn, theme.BOLD, least=28)
        elif deck.state in RUNNING and deck.leader_name:
            self._name(painter, first, deck.leader_name, t("deck.leads"))
            paint.text(painter, second, tn("deck.bids", deck.bids), 44, c.text2, least=28)
        elif deck.state in RUNNING:
            paint.text(painter, first, t("deck.no_bid_yet"), 50, c.text2, least=28)
        elif deck.card is not None:
            card = deck.card
            parts = [tn("deck.pre_bids", card.pre_bids)] if card.pre_bids else []
            parts += [card.host_note] if card.host_note else []
            paint.text(painter, first, " · ".join(parts), 44, c.text2, elide=True)

    def _name(self, painter: QPainter, box: QRectF, name: str, verb: str) -> None:
        c = theme.colours()
        verb_wide = paint.advance(f" {verb}", 54, theme.BOLD)
        room = QRectF(box.x(), box.y(), box.width() - verb_wide, box.height())
        used = paint.text(painter, room, name, 54, c.sold, theme.BOLD, elide=True)
        paint.text(painter, box.adjusted(used, 0, 0, 0), f" {verb}", 54, c.text, theme.BOLD, least=30)

    def _paint_foot(self, painter: QPainter, box: QRectF) -> None:
        c = theme.colours()
        painter.fillRect(QRectF(box.x(), box.y(), box.width(), 2), theme.colour(c.line))
        first = QRectF(box.x(), box.y() + 18, box.width(), 60)
        second = QRectF(box.x(), box.y() + 84, box.width(), 60)
        line = self._desk.pinned or self._last
        if line is not None:
            used = paint.text(painter, first, f"{line.nickname}  ", 44, c.text, theme.BOLD, elide=True)
            paint.text(painter, first.adjusted(used, 0, 0, 0), line.text, 44, c.text, elide=True)
        following = self._desk.deck.next_card
        if following is None:
            return
        used = paint.text(painter, second, t("stage.next") + " ", 44, c.text2)
        action = self._desk.actions.start_at_opening_price
        price = words.money(following.opening_cents, self._desk.show.currency)
        press = t("stage.press", key=action.key, price=price) if action.key and action.enabled else ""
        said = f"{following.number} · {following.title}"
        room = second.adjusted(used, 0, -paint.advance(press, 44), 0)
        used += paint.text(painter, room, said, 44, c.text, theme.BOLD, elide=True)
        paint.text(painter, second.adjusted(used, 0, 0, 0), press, 44, c.text2, elide=True)
