"""The auction deck: lot card, price, clock, leader, bar, ticker, and the buttons of the sale.

Promises: the same boxes in every state, so that nothing moves when a price grows
or a lot ends; price and clock are as large as the room allows; below ten seconds
the clock is painted forty times a second, above it only when a figure changes.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QRect, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from .. import theme, words
from ..actions import Action
from ..desk import Desk
from ..values import RUNNING, DeckView
from ..words import t, tn
from . import paint
from .clips import deck_words
from .controls import ActionButton, words_of
from .pdd import PddButton
from .pictures import Pictures
from .ticker import Ticker

SOON_MS = 10_000
FAST_TICK_MS = 25
SLOW_TICK_MS = 100


@dataclass(frozen=True)
class Places:
    """Where everything lies, in the deck's own pixels."""

    k: float
    card: QRectF
    price: QRectF
    clock: QRectF
    leader: QRectF
    bar: QRectF
    ticker: QRect
    pdd: QRect
    buttons: tuple[QRect, ...]
    height: int


def places_for(width: int, k: float) -> Places:
    """The layout of the drawings, its large parts grown by `k`."""
    side, top, gap = 14.0, 12.0, 14.0
    pdd_wide = round(190 * k)
    left = width - 2 * side - gap - pdd_wide
    y = top
    card = QRectF(side, y, left, 64 * k)
    y += card.height() + 8 * k
    big = 80 * k
    clock_wide = min(paint.advance("0:00", 76 * k, theme.HEAVY, -0.03) + 4, left * 0.48)
    price = QRectF(side, y, left - clock_wide - 16, big)
    clock = QRectF(side + left - clock_wide, y, clock_wide, big)
    y += big + 2
    leader = QRectF(side, y, left, 42 * k)
    y += leader.height() + 8
    bar = QRectF(side, y, left, 6)
    y += 6 + 6
    ticker = QRect(round(side), round(y), round(left), 3 * 29)
    height = ticker.bottom() + 1 + 12
    pdd = QRect(round(width - side - pdd_wide), round(top), pdd_wide, round(150 * k))
    tall = round(32 * min(1.25, max(1.0, k)))
    at = pdd.bottom() + 1 + 8
    buttons = tuple(QRect(pdd.x(), at + i * (tall + 6), pdd_wide, tall) for i in range(4))
    return Places(k, card, price, clock, leader, bar, ticker, pdd, buttons, height)


class Deck(QWidget):
    def __init__(self, desk: Desk, pictures: Pictures, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("ground")
        self._desk = desk
        self._pictures = pictures
        self._deck: DeckView = desk.deck
        self._clock_shown = ""
        self.pdd = PddButton(desk, self)
        self.ticker = Ticker(desk, self)
        act = desk.actions
        self._buttons: dict[str, ActionButton] = {
            action.id: ActionButton(action, self, quiet=bool(action.spec.hold_ms)).spread()
            for action in (
                act.skip_lot,
                act.start_giveaway,
                act.announce,
                act.resume_sale,
                act.stop_sale,
            )
        }
        self._preset = ActionButton(act.start_with_other_preset, self, instead=self.pdd.switch_preset).spread()
        self._buttons[act.start_with_other_preset.id] = self._preset
        self.pdd.preset_switched.connect(self._preset_switched)
        desk.show_changed.connect(lambda _show: self._say_preset())
        self.clip = self._buttons[act.save_clip.id] = ActionButton(act.save_clip, self).spread()
        desk.clip_changed.connect(lambda _clip: self._show_clip())
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        self._places = places_for(652, 1.0)
        desk.deck_changed.connect(self._show)
        pictures.arrived.connect(lambda _path: self.update())
        self._show(desk.deck)

    # --- layout --------------------------------------------------------------------------

    def fit(self, width: int, column_height: int) -> int:
        """Chooses how large the large parts are; returns the deck's height."""
        k = max(0.86, min(1.6, width / 652, column_height / 800))
        self._places = places_for(width, k)
        return self._places.height

    @property
    def places(self) -> Places:
        return self._places

    def sizeHint(self) -> QSize:
        return QSize(652, self._places.height)

    def resizeEvent(self, event: QResizeEvent) -> None:
        if self.width() > 0:
            self._places = places_for(self.width(), self._places.k)
        self._arrange()

    def _arrange(self) -> None:
        at = self._places
        self.pdd.setGeometry(at.pdd)
        self.ticker.setGeometry(at.ticker)
        shown = self._buttons_now()
        for button in self._buttons.values():
            if button not in shown:
                button.hide()
        for button, where in zip(shown, at.buttons, strict=False):
            button.setGeometry(where)
            button.show()

    def _buttons_now(self) -> list[ActionButton]:
        state = self._deck.state
        if state == "paused":
            names = ["resume_sale", "announce", "stop_sale"]
        elif state in RUNNING:
            names = ["start_giveaway", "announce", "stop_sale"]
        else:
            names = ["start_with_other_preset", "skip_lot", "start_giveaway"]
        if self._desk.clip.state != "none":
            names.append("save_clip")
        return [self._buttons[name] for name in names]

    def _show_clip(self) -> None:
        offer = self._desk.clip
        if offer.state != "none":
            self.clip.say(deck_words(offer), number=offer.number)
        self._arrange()

    def _preset_switched(self, _other: bool) -> None:
        self._say_preset()
        self.update()

    def _say_preset(self) -> None:
        show, card = self._desk.show, self._deck.next_card
        usual = card.preset if card is not None else show.preset
        if self.pdd.other_preset:
            self._preset.say("deck.usual_preset", seconds=words.seconds(usual.duration_ms))
        else:
            self._preset.say("deck.other_preset", seconds=words.seconds(show.other_preset.duration_ms))

    def button(self, action: Action) -> ActionButton:
        return self._buttons[action.id]

    # --- what it shows --------------------------------------------------------------------

    def _show(self, deck: DeckView) -> None:
        self._deck = deck
        self._say_preset()
        self._pace()
        self._arrange()
        self.setAccessibleName(self._spoken())
        self.update()

    def _spoken(self) -> str:
        deck = self._deck
        card = deck.card
        title = f"{t('deck.lot', number=card.number)} {card.title}" if card else ""
        return " · ".join(part for part in (t(f"deck.state.{deck.state}"), title, self._price_words()) if part)

    def _remaining_ms(self) -> float:
        if self._deck.state == "paused":
            return self._deck.remaining_ms
        return self._deck.ends_at_ms - self._desk.now_ms()

    def _pace(self) -> None:
        """How often to look at the clock now."""
        state = self._deck.state
        if state == "withdrawable" or (state in RUNNING and self._remaining_ms() < SOON_MS):
            wanted = FAST_TICK_MS
        elif state in RUNNING:
            wanted = SLOW_TICK_MS
        else:
            self._timer.stop()
            return
        if self._timer.interval() != wanted or not self._timer.isActive():
            self._timer.start(wanted)

    def _tick(self) -> None:
        self._pace()
        fast = self._timer.interval() == FAST_TICK_MS
        if self._deck.state == "withdrawable":
            self.pdd.update()
        shown = self._clock_words()
        if fast or shown != self._clock_shown:
            self.update(self._places.clock.toAlignedRect())
        self.update(self._places.bar.toAlignedRect())
        self.ticker.pass_time()

    def _clock_words(self) -> str:
        deck = self._deck
        if deck.state == "closing":
            return t("deck.closing")
        if deck.state in RUNNING or deck.state == "paused":
            return words.countdown(self._remaining_ms())
        if deck.state in ("ready", "opening", "empty", "away", "not_live"):
            preset = deck.card.preset if deck.card else self._desk.show.preset
            if self.pdd.other_preset:
                preset = self._desk.show.other_preset
            return words.countdown(preset.duration_ms)
        return ""

    def _price_words(self) -> str:
        deck = self._deck
        if deck.state == "passed":
            return t("deck.passed")
        cents = deck.price_cents
        if deck.state in ("ready", "opening", "empty") or not cents:
            cents = deck.card.opening_cents if deck.card else 100
        return words.money(cents, self._desk.show.currency)

    # --- painting -------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        c = theme.colours()
        with QPainter(self) as painter:
            region = QRectF(event.rect())
            painter.fillRect(event.rect(), theme.colour(c.bg))
            paint.rounded(painter, QRectF(0, self.height() - 1, self.width(), 1), 0, c.line)
            at = self._places
            deck = self._deck
            if deck.state in ("adjudged", "passed"):
                self._paint_ground(painter, c.sold_row if deck.state == "adjudged" else c.raised)
            elif deck.state == "away":
                self._paint_ground(painter, c.warn_strip)
            if region.intersects(at.card):
                self._paint_card(painter, at)
            if region.intersects(at.price):
                self._paint_price(painter, at)
            if region.intersects(at.clock):
                self._paint_clock(painter, at)
            if region.intersects(at.leader):
                self._paint_leader(painter, at)
            if region.intersects(at.bar):
                self._paint_bar(painter, at)

    def _paint_ground(self, painter: QPainter, fill: str) -> None:
        at = self._places
        box = QRectF(at.price.x() - 8, at.price.y() - 4, at.card.width() + 16, at.leader.bottom() - at.price.y() + 6)
        paint.rounded(painter, box, 10, fill)

    def _paint_card(self, painter: QPainter, at: Places) -> None:
        c = theme.colours()
        deck = self._deck
        card = deck.card
        side = at.card.height()
        box = QRectF(at.card.x(), at.card.y(), side, side)
        x = box.right() + 12
        wide = at.card.right() - x
        first = QRectF(x, at.card.y() + side * 0.5 - 22 * at.k, wide, 20 * at.k)
        second = QRectF(x, at.card.y() + side * 0.5 - 1, wide, 25 * at.k)
        if card is None:
            paint.rounded(painter, box, 8, None, c.edge, 1.5)
            paint.text(painter, box, "+", 30 * at.k, c.text3, theme.REGULAR, paint.CENTRE)
            empty = deck.state == "empty"
            above = t("deck.on_the_spot", number=deck.next_number) if empty else t("deck.no_lot")
            below = t("deck.empty_title") if empty else t("deck.no_lot_title")
            paint.text(painter, first, above, 13 * at.k, c.text2, elide=True)
            paint.text(painter, second, below, 17 * at.k, c.text, theme.BOLD, elide=True)
            return
        paint.picture(painter, box, self._pictures.of(card.picture), card.number, 8)
        shade, weight = (c.sold, theme.BOLD) if deck.state == "adjudged" else (c.text2, theme.REGULAR)
        paint.text(painter, first, self._card_line(), 13 * at.k, shade, weight, elide=True)
        paint.text(painter, second, card.title, 17 * at.k, c.text, theme.BOLD, elide=True)

    def _card_line(self) -> str:
        deck = self._deck
        card = deck.card
        if card is None:
            return ""
        currency = self._desk.show.currency
        lot = t("deck.lot_of", number=card.number, unit=card.unit, of=card.of) if card.of > 1 else ""
        lot = lot or t("deck.lot", number=card.number)
        start = t("deck.opening_price", price=words.money(card.opening_cents, currency))
        if deck.state in ("ready", "opening", "not_live", "away") and not deck.run_id:
            parts = [t("deck.next"), lot, start]
        elif deck.state == "adjudged":
            parts = [t("deck.state.adjudged"), lot]
        elif deck.state == "passed":
            parts = [t("deck.state.passed"), lot]
        else:
            pdd = t("deck.pdd_price", price=words.money(card.opening_cents, currency))
            parts = [lot, card.category, pdd]
        if card.has_reserve:
            parts.append(
                t("deck.reserve", price=words.money(card.reserve_cents, currency))
                if card.reserve_cents
                else t("deck.with_reserve")
            )
        line = " · ".join(part for part in parts if part)
        return line[:1].upper() + line[1:]

    def _paint_price(self, painter: QPainter, at: Places) -> None:
        c = theme.colours()
        state = self._deck.state
        if state == "passed":
            where = QRectF(at.price.x(), at.price.y(), at.card.width(), at.price.height())
            paint.text(painter, where, t("deck.passed"), 60 * at.k, c.text2, theme.HEAVY, paint.LEFT, -0.03, least=20)
            return
        dim = state in ("ready", "opening", "empty", "not_live") or not self._deck.price_cents
        colour = c.text3 if dim else c.text
        if state == "adjudged":
            colour = c.sold
        paint.text(painter, at.price, self._price_words(), 76 * at.k, colour, theme.HEAVY, paint.LEFT, -0.035, least=20)

    def _paint_clock(self, painter: QPainter, at: Places) -> None:
        c = theme.colours()
        deck = self._deck
        shown = self._clock_shown = self._clock_words()
        if deck.state == "adjudged":
            bag = t("deck.bag", number=deck.bag_number) if deck.bag_number else ""
            paint.text(painter, at.clock, bag, 46 * at.k, c.sold, theme.HEAVY, paint.RIGHT, -0.02, least=16)
            return
        if deck.state == "passed":
            return
        soon = deck.state in ("under_10", "closing") or (deck.state in RUNNING and self._remaining_ms() < SOON_MS)
        colour = c.text if deck.state in RUNNING else c.text3
        px = 76 * at.k
        if soon:
            colour = c.warn
        if deck.state == "paused":
            colour = c.info
            tall = 40 * at.k
            bars = QRectF(at.clock.x() - 30 * at.k, at.clock.center().y() - tall / 2, 8 * at.k, tall)
            paint.rounded(painter, bars, 2, c.info)
            paint.rounded(painter, bars.translated(13 * at.k, 0), 2, c.info)
        if deck.state == "closing":
            paint.text(painter, at.clock, shown, 44 * at.k, colour, theme.HEAVY, paint.RIGHT, -0.02, least=14)
            return
        paint.text(painter, at.clock, shown, px, colour, theme.HEAVY, paint.RIGHT, -0.03, least=20)

    def _paint_leader(self, painter: QPainter, at: Places) -> None:
        c = theme.colours()
        deck = self._deck
        state = deck.state
        line = at.leader
        if state == "adjudged":
            tails = [(t("deck.wins_first"), "")] if deck.first_purchase else []
            self._name_and_rest(painter, line, deck.winner_name, c.sold, [*tails, (t("deck.wins"), "")])
            return
        if state == "passed":
            why = t("deck.passed_reserve") if deck.bids else t("deck.passed_no_bid")
            paint.text(painter, line, why, 19 * at.k, c.text2, least=12)
            return
        if state == "away":
            why = t("deck.away", why=words_of("away", deck.reason, "deck.state.away"))
            paint.text(painter, line, why, 16 * at.k, c.on_warn_strip, theme.SEMI, least=11, elide=True)
            return
        if state == "paused":
            why = t(deck.reason) if words.known(deck.reason) else t("deck.state.paused")
            paint.text(painter, line, why, 17 * at.k, c.info, theme.SEMI, least=11, elide=True)
            return
        if state in RUNNING:
            self._paint_running_line(painter, line)
            return
        paint.text(painter, line, self._before_line(), 17 * at.k, c.text2, least=12, elide=True)

    def _paint_running_line(self, painter: QPainter, line: QRectF) -> None:
        c = theme.colours()
        deck = self._deck
        if not deck.leader_name:
            paint.text(painter, line, t("deck.no_bid_yet"), 19 * self._places.k, c.text2, least=12)
            return
        leads, bids = t("deck.leads"), tn("deck.bids", deck.bids)
        if deck.card and deck.card.has_reserve and not deck.reserve_met:
            low = t("deck.reserve_not_met")
            tails = [(f"{leads} · {bids}", low), (leads, low)]
        else:
            tails = [(f"{leads} · {bids}", t("deck.extended"))] if deck.extended else []
            tails += [(f"{leads} · {bids}", ""), (leads, "")]
        self._name_and_rest(painter, line, deck.leader_name, c.sold, tails)

    def _name_and_rest(
        self, painter: QPainter, line: QRectF, name: str, colour: str, tails: list[tuple[str, str]]
    ) -> None:
        """A name, large, and the longest of the tails (plain, warning) that leaves it whole."""
        c = theme.colours()
        k = self._places.k
        px, small = 34 * k, 19 * k
        wanted = paint.advance(name, px, theme.BOLD, -0.01)

        def tail_wide(tail: tuple[str, str]) -> float:
            return 7 + paint.advance(tail[0] + (f" · {tail[1]}" if tail[1] else ""), small)

        rest, warning = next((tail for tail in tails if wanted + tail_wide(tail) <= line.width()), tails[-1])
        room = max(60.0, line.width() - tail_wide((rest, warning)))
        where = QRectF(line.x(), line.y(), room, line.height())
        wide = paint.text(painter, where, name, px, colour, theme.BOLD, paint.LEFT, -0.01, elide=True, least=24 * k)
        x = line.x() + wide + 7
        drop = (px - small) * 0.36
        tail = QRectF(x, line.y() + drop, line.right() - x, line.height() - drop)
        used = paint.text(painter, tail, rest, small, c.text, least=11)
        if warning:
            paint.text(painter, tail.adjusted(used, 0, 0, 0), f" · {warning}", small, c.warn, elide=True)

    def _before_line(self) -> str:
        """Before the opening: the preset, the pre-bids, the heat."""
        deck = self._deck
        if deck.state == "empty":
            return t("deck.empty_hint")
        if deck.state == "not_live":
            return t("deck.ended") if self._desk.show.status == "ended" else t("deck.not_live")
        card = deck.card
        if card is None:
            return ""
        preset = self._desk.show.other_preset if self.pdd.other_preset else card.preset
        parts = [
            t("deck.sudden_death")
            if preset.sudden_death
            else t("deck.counter_bid", seconds=words.seconds(preset.counter_bid_ms))
        ]
        if card.pre_bids:
            parts.append(tn("deck.pre_bids", card.pre_bids))
        if card.hearts:
            parts.append(f"♥ {words.whole(card.hearts)}")
        if card.host_note:
            parts.append(card.host_note)
        return " · ".join(parts)

    def _paint_bar(self, painter: QPainter, at: Places) -> None:
        c = theme.colours()
        deck = self._deck
        paint.rounded(painter, at.bar, 3, c.raised)
        if deck.state not in RUNNING and deck.state != "paused":
            return
        remaining = self._remaining_ms()
        done = max(0.0, min(1.0, remaining / max(1, deck.duration_ms)))
        if done <= 0:
            return
        colour = c.warn if remaining < SOON_MS else c.sold
        if deck.state == "paused":
            colour = c.info
        wide = max(6.0, at.bar.width() * done)
        paint.rounded(painter, QRectF(at.bar.x(), at.bar.y(), wide, at.bar.height()), 3, colour)
