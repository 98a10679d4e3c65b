"""How a lot looks in a list: number, picture, title, what matters, and its chip."""

from __future__ import annotations

import datetime

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRectF, QSize
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from .. import theme, words
from ..desk import Desk
from ..values import RUNNING, LotRow
from ..words import known, t, tn
from . import paint
from .clips import mark_of
from .lot_model import MarkRole, RowRole
from .pictures import Pictures

TALL = 59


class LotDelegate(QStyledItemDelegate):
    def __init__(self, desk: Desk, pictures: Pictures, parent: QWidget) -> None:
        super().__init__(parent)
        self._desk = desk
        self._pictures = pictures

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(320, TALL)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        row = index.data(RowRole)
        if isinstance(row, LotRow):
            chosen = bool(option.state & QStyle.StateFlag.State_Selected)
            focused = bool(option.state & QStyle.StateFlag.State_HasFocus)
            painter.save()
            self.paint_row(painter, QRectF(option.rect), row, chosen, focused, str(index.data(MarkRole)))
            painter.restore()

    def paint_row(
        self, painter: QPainter, box: QRectF, row: LotRow, chosen: bool, focused: bool, mark: str = ""
    ) -> None:
        c = theme.colours()
        ground = c.bg
        if chosen:
            ground = c.info_row
        elif row.status == "on_block":
            ground = c.air_row
        painter.fillRect(box, theme.colour(ground))
        painter.fillRect(QRectF(box.x(), box.bottom() - 1, box.width(), 1), theme.colour(c.row_line))
        edge = {"on_block": c.air, "next": c.pdd}.get(row.status)
        if edge:
            painter.fillRect(QRectF(box.x(), box.y(), 3, box.height() - 1), theme.colour(edge))
        if focused:
            paint.rounded(painter, box.adjusted(1, 1, -1, -2), 4, None, c.info, 1.5)
        middle = box.y() + (box.height() - 1) / 2
        number = QRectF(box.x() + 8, box.y(), 42, box.height() - 1)
        paint.text(painter, number, str(row.number), 14, c.text3, theme.BOLD, paint.RIGHT, least=10)
        image = QRectF(box.x() + 60, middle - 22, 44, 44)
        paint.picture(painter, image, self._pictures.of(row.picture), row.number)
        right = self._paint_right(painter, box.right() - 12, middle, row)
        if mark:
            said = t(f"queue.mark.{mark}") if mark == "waiting" else f"! {t(f'queue.mark.{mark}')}"
            colour = c.warn if mark == "refused" else c.on_warn_strip
            line = c.warn if mark == "refused" else c.warn_strip_line
            right = paint.chip(painter, right - 8, middle, said, c.warn_strip, colour, line=line)
        x = image.right() + 10
        room = right - 10 - x
        title = row.title
        if row.units_total > 1 and row.status in ("sold", "passed", "on_block"):
            title = t("queue.unit", title=title, unit=row.unit, of=row.units_total)
        paint.text(painter, QRectF(x, middle - 20, room, 20), title, 14, c.text, theme.SEMI, elide=True)
        paint.text(painter, QRectF(x, middle + 1, room, 17), self.second_line(row), 12, c.text2, elide=True)

    # --- words ------------------------------------------------------------------------------

    def second_line(self, row: LotRow) -> str:
        currency = self._desk.show.currency
        if row.status == "sold":
            at = datetime.datetime.fromtimestamp(row.at_ms / 1000).strftime("%H:%M") if row.at_ms else ""
            bag = t("queue.bag", number=row.bag_number) if row.bag_number else ""
            margin = ""
            if row.cost_cents:
                margin = t("queue.margin", price=words.money(row.price_cents - row.cost_cents, currency))
            clip = mark_of(self._desk, row.run_id)
            return " · ".join(part for part in (row.buyer_name, bag, at, margin, clip) if part)
        parts = [row.category]
        if row.status == "passed":
            parts.append(t("queue.best", price=words.money(row.price_cents, currency)) if row.price_cents else "")
        if row.status == "queued" and row.units_left > 1:
            parts.append(t("queue.quantity", count=row.units_left))
        if row.format == "buy_it_now":
            parts.append(t("queue.buy_now", price=words.money(row.opening_cents, currency)))
        elif row.format == "giveaway":
            parts.append(t("queue.giveaway"))
        else:
            parts.append(t("deck.opening_price", price=words.money(row.opening_cents, currency)))
        if row.status == "on_block":
            parts.append(words.seconds(row.duration_ms))
        if row.reserve_cents:
            parts.append(t("deck.reserve", price=words.money(row.reserve_cents, currency)))
        elif row.has_reserve:
            parts.append(t("deck.with_reserve"))
        if row.cost_cents and row.status != "on_block":
            parts.append(t("queue.cost", price=words.money(row.cost_cents, currency)))
        if row.pre_bids:
            parts.append(tn("deck.pre_bids", row.pre_bids))
        return " · ".join(part for part in parts if part)

    def _paint_right(self, painter: QPainter, right: float, middle: float, row: LotRow) -> float:
        c = theme.colours()
        currency = self._desk.show.currency
        if row.status == "sold":
            price = words.money(row.price_cents, currency)
            left = paint.chip(painter, right, middle, price, c.sold_row, c.sold, 14)
            if row.paid in ("paid", "failed", "voided", "validated") and known(f"queue.paid.{row.paid}"):
                fill, colour = {
                    "paid": (c.sold_row, c.sold),
                    "failed": (c.air_row, c.air),
                    "voided": (c.raised, c.text2),
                    "validated": (c.info_badge, c.info),
                }[row.paid]
                left = paint.chip(painter, left - 8, middle, t(f"queue.paid.{row.paid}"), fill, colour)
            return left
        if row.status == "passed":
            return paint.chip(painter, right, middle, t("queue.passed"), c.raised, c.text2)
        if row.status == "on_block":
            left = paint.chip(painter, right, middle, self._clock(), c.air_fill, c.on_air)
        elif row.editor:
            left = paint.chip(painter, right, middle, t("queue.editing", name=row.editor), c.info_badge, c.info)
        elif row.status == "next":
            left = paint.chip(painter, right, middle, t("queue.next"), c.next_chip, c.on_next_chip)
        elif row.units_left > 1:
            left = paint.chip(painter, right, middle, f"×{words.whole(row.units_left)}", c.raised, c.text2)
        elif row.format == "auction":
            left = paint.chip(painter, right, middle, words.seconds(row.duration_ms), c.raised, c.text2)
        else:
            left = right
        heat = []
        if row.hearts:
            heat.append(f"♥ {words.whole(row.hearts)}")
        if row.salons:
            heat.append(tn("queue.salons", row.salons))
        if heat:
            said = " · ".join(heat)
            wide = paint.advance(said, 12)
            box = QRectF(left - 10 - wide, middle - 10, wide, 20)
            paint.text(painter, box, said, 12, c.violet, align=paint.RIGHT)
            left = box.x()
        return left

    def _clock(self) -> str:
        deck = self._desk.deck
        if deck.state == "paused":
            return "❚❚ " + words.countdown(deck.remaining_ms)
        if deck.state in RUNNING:
            return words.countdown(deck.ends_at_ms - self._desk.now_ms())
        return t("queue.on_block")
