"""The three lines under the clock: bids while a lot runs, the last results between two lots."""

from __future__ import annotations

import time

from PySide6.QtCore import QRectF, Qt, QTimer
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from .. import theme, words
from ..actions import HOLD_MS
from ..desk import Desk
from ..values import RUNNING, BidRow, DeckView, ResultRow
from ..words import t
from . import paint

ROW = 29
ROWS = 3


class Ticker(QWidget):
    """Links at the right of a result: void the sale (held 700 ms), run again."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._deck: DeckView = desk.deck
        self._links: list[tuple[QRectF, ResultRow]] = []
        self._hover = -1
        self._held: ResultRow | None = None
        self._held_since = 0.0
        self._hold = QTimer(self)
        self._hold.setInterval(16)
        self._hold.timeout.connect(self._holding)
        self._ages: tuple[str, ...] = ()
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        desk.deck_changed.connect(self._show)
        self._show(desk.deck)

    @property
    def showing_bids(self) -> bool:
        return self._deck.state in RUNNING or self._deck.state == "paused"

    def _show(self, deck: DeckView) -> None:
        self._deck = deck
        self._stop()
        self._tell()
        self.update()

    def _tell(self) -> None:
        if self.showing_bids:
            said = [f"{row.bidder_name} {self._money(row.price_cents)}" for row in self._deck.bid_rows[:ROWS]]
        else:
            said = [f"{self._money(row.price_cents)} {self._result_words(row)}" for row in self._deck.results[:ROWS]]
        self.setAccessibleName(t("a11y.ticker"))
        self.setAccessibleDescription(" · ".join(said))

    def pass_time(self) -> None:
        """Repaints when an age on screen changed."""
        if self.showing_bids and self._ages != self._ages_now():
            self.update()

    def _ages_now(self) -> tuple[str, ...]:
        now = self._desk.now_ms()
        return tuple(words.ago(now - row.at_ms) for row in self._deck.bid_rows[:ROWS])

    def _money(self, cents: int) -> str:
        return words.money(cents, self._desk.show.currency)

    # --- links ------------------------------------------------------------------------------

    def _at(self, event: QMouseEvent) -> int:
        return next((i for i, (box, _) in enumerate(self._links) if box.contains(event.position())), -1)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        hover = self._at(event)
        if hover != self._hover:
            self._hover = hover
            self.setCursor(Qt.CursorShape.PointingHandCursor if hover >= 0 else Qt.CursorShape.ArrowCursor)
            if hover < 0:
                self._stop()
            self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        at = self._at(event)
        if at < 0 or event.button() != Qt.MouseButton.LeftButton:
            return
        row = self._links[at][1]
        if row.outcome == "sold":
            self._held, self._held_since = row, time.monotonic()
            self._hold.start()
        else:
            self._held = row

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        at = self._at(event)
        row = self._held
        self._stop()
        if row is not None and row.outcome != "sold" and at >= 0 and self._links[at][1] == row:
            self._desk.re_run(row.lot_id)

    def _holding(self) -> None:
        row = self._held
        if row is not None and (time.monotonic() - self._held_since) * 1000 >= HOLD_MS:
            self._stop()
            self._desk.void_sale(row.sale_id)
        self.update()

    def _stop(self) -> None:
        self._hold.stop()
        self._held = None
        self.update()

    # --- painting ---------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            self._links = []
            if self.showing_bids:
                self._ages = self._ages_now()
                for i, row in enumerate(self._deck.bid_rows[:ROWS]):
                    self._paint_bid(painter, i, row)
            else:
                for i, result in enumerate(self._deck.results[:ROWS]):
                    self._paint_result(painter, i, result)

    def _line(self, painter: QPainter, i: int, first: bool) -> QRectF:
        box = QRectF(0, i * ROW, self.width(), ROW)
        if first:
            paint.rounded(painter, box, 6, theme.colours().sold_row)
        return box.adjusted(8, 0, -8, 0)

    def _paint_bid(self, painter: QPainter, i: int, row: BidRow) -> None:
        c = theme.colours()
        box = self._line(painter, i, i == 0)
        colour = c.text if i == 0 else c.text2
        price = QRectF(box.x(), box.y(), 66, ROW)
        paint.text(painter, price, self._money(row.price_cents), 14, colour, least=10)
        age = QRectF(box.right() - 62, box.y(), 62, ROW)
        paint.text(painter, age, self._ages[i], 14, colour, align=paint.RIGHT)
        gain = QRectF(age.x() - 62, box.y(), 54, ROW)
        raised = f"+{self._money(row.raise_cents)}" if row.raise_cents else ""
        paint.text(painter, gain, raised, 14, colour, align=paint.RIGHT, least=10)
        name = QRectF(price.right(), box.y(), gain.x() - price.right() - 8, ROW)
        weight = theme.BOLD if i == 0 else theme.REGULAR
        said = row.bidder_name if row.leads else t("deck.outbid_at_once", name=row.bidder_name)
        paint.text(painter, name, said, 14, colour, weight, elide=True)

    def _result_words(self, row: ResultRow) -> str:
        number = f"{row.number} #{row.unit}" if row.of > 1 else str(row.number)
        return t(f"deck.result.{row.outcome}", number=number, name=row.buyer_name)

    def _paint_result(self, painter: QPainter, i: int, row: ResultRow) -> None:
        c = theme.colours()
        sold = row.outcome == "sold"
        box = self._line(painter, i, i == 0 and sold)
        colour = c.text if i == 0 else c.text2
        price = QRectF(box.x(), box.y(), 62, ROW)
        paint.text(painter, price, self._money(row.price_cents) if sold else "—", 14, colour, least=10)
        right = box.right()
        link = ""
        if row.can_void and i == 0:
            link = t("hold", words=t("deck.void_sale"))
        elif row.can_re_run:
            link = t("deck.re_run")
        if link:
            wide = paint.advance(link, 13)
            where = QRectF(right - wide, box.y(), wide, ROW)
            hovered = self._hover == len(self._links)
            paint.text(painter, where, link, 13, c.text if hovered or i == 0 else c.text2, align=paint.RIGHT)
            if self._held is row and sold:
                done = min(1.0, (time.monotonic() - self._held_since) * 1000 / HOLD_MS)
                paint.rounded(painter, QRectF(where.x(), where.bottom() - 4, wide * done, 3), 1.5, c.air)
            elif hovered:
                paint.rounded(painter, QRectF(where.x(), where.bottom() - 5, wide, 1), 0, c.text2)
            self._links.append((where.adjusted(-6, 0, 6, 0), row))
            right = where.x() - 10
        if sold and row.bag_number:
            bag = t("deck.bag", number=row.bag_number)
            wide = paint.advance(bag, 14)
            paint.text(painter, QRectF(right - wide, box.y(), wide, ROW), bag, 14, colour, align=paint.RIGHT)
            right -= wide + 10
        said = self._result_words(row)
        name = QRectF(price.right() + 4, box.y(), right - price.right() - 4, ROW)
        if sold and said.endswith(row.buyer_name) and row.buyer_name:
            head = said[: -len(row.buyer_name)]
            used = paint.text(painter, name, head, 14, colour, elide=True)
            rest = name.adjusted(used, 0, 0, 0)
            paint.text(painter, rest, row.buyer_name, 14, colour, theme.BOLD if i == 0 else theme.REGULAR, elide=True)
        else:
            paint.text(painter, name, said, 14, colour, elide=True)
