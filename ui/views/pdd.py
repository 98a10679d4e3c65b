"""The yellow button: PDD 1 €, and Retirer in the same place for two seconds.

Promises: a press counts when it began on the settled button and is released
inside it in the same role; a double click, a press within the settling time and
another mouse button do nothing; it never takes the keyboard focus. What it does
goes through the action table, which guards again. It draws what the desk says:
pressed is not open, only the platform opens.
"""

from __future__ import annotations

import time
from typing import Literal

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QEnterEvent, QKeyEvent, QMouseEvent, QMoveEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from .. import theme, words
from ..actions import Action
from ..desk import Desk
from ..values import DeckView
from ..words import t
from . import paint

ButtonRole = Literal["open", "withdraw", "none"]
WITHDRAW_MS = 2000
BEFORE = frozenset({"ready", "empty", "adjudged", "passed"})
"""States in which the next lot may be opened."""


class PddButton(QAbstractButton):
    preset_switched = Signal(bool)

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._open = desk.actions.start_at_opening_price
        self._open_other = desk.actions.start_with_other_preset
        self._withdraw = desk.actions.withdraw
        self._other = False
        self._deck = desk.deck
        self._armed: ButtonRole = "none"
        self._by_mouse = False
        self._hover = False
        self._ready_since = -1e9
        self._was_possible = False
        self._role: ButtonRole = "none"
        guarded = self._open.guards.no_focus
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus if guarded else Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setObjectName("pdd")
        self.clicked.connect(self._clicked)
        self._open.changed.connect(self._refresh)
        self._open_other.changed.connect(self._refresh)
        self._withdraw.changed.connect(self._refresh)
        desk.deck_changed.connect(self._show)
        self._refresh()

    @property
    def role(self) -> ButtonRole:
        return self._role

    def _show(self, deck: DeckView) -> None:
        self._deck = deck
        self._refresh()

    @property
    def other_preset(self) -> bool:
        """The next press opens with the show's other preset."""
        return self._other

    def switch_preset(self) -> None:
        """*Autre réglage* opens nothing: it changes what the next press does, which must settle anew."""
        self._other = not self._other
        self._ready_since = time.monotonic()
        self._refresh()
        self.preset_switched.emit(self._other)

    def _action(self) -> Action | None:
        if self._role == "open":
            return self._open_other if self._other else self._open
        return self._withdraw if self._role == "withdraw" else None

    def _refresh(self) -> None:
        state = self._deck.state
        if self._other and state not in BEFORE:
            self._other = False
            self.preset_switched.emit(False)
        role: ButtonRole = "withdraw" if state == "withdrawable" else "open"
        if state in ("running", "under_10", "closing", "paused", "opening", "away", "not_live"):
            role = "none" if not self._open.enabled else "open"
        changed = role != self._role
        self._role = role
        action = self._action()
        possible = action is not None and action.enabled
        if possible and (changed or not self._was_possible):
            self._ready_since = time.monotonic()
        self._was_possible = possible
        self.setEnabled(possible)
        self.setAccessibleName(self._spoken())
        self.setAccessibleDescription(action.reason if action else "")
        self.setToolTip("" if possible or action is None else action.reason)
        self.update()

    def _spoken(self) -> str:
        if self._role == "withdraw":
            return t("deck.withdraw")
        return t("deck.pdd_spoken", price=self._price(), what=self._caption())

    def _settled(self) -> bool:
        action = self._action()
        if action is None:
            return False
        return not action.guards.settle or (time.monotonic() - self._ready_since) * 1000 >= action.spec.settle_ms

    # --- the press -----------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._by_mouse = True
        self._armed = self._role if self.isEnabled() and self._settled() else "none"
        super().mousePressEvent(event)
        self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self._armed = "none"
        event.accept()

    def moveEvent(self, event: QMoveEvent) -> None:
        """It came under the pointer by itself (a strip appeared): it must settle again."""
        self._ready_since = time.monotonic()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        self._by_mouse = False
        self._armed = "none"
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """No key presses it, even when someone gave it the focus: its key is in the action table."""
        if self._open.guards.no_focus:
            event.ignore()
        else:
            super().keyPressEvent(event)

    def _clicked(self) -> None:
        if self._by_mouse and self._armed != self._role:
            return
        action = self._action()
        if action is not None:
            action.press()

    def enterEvent(self, event: QEnterEvent) -> None:
        self._hover = True
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self._hover = False
        self.update()

    # --- the drawing -----------------------------------------------------------------------

    def sizeHint(self) -> QSize:
        return QSize(190, 150)

    def _price(self) -> str:
        deck = self._deck
        return words.money(deck.next_card.opening_cents if deck.next_card else 100, self._desk.show.currency)

    def _caption(self) -> str:
        deck = self._deck
        preset = deck.next_card.preset if deck.next_card else self._desk.show.preset
        if self._other:
            preset = self._desk.show.other_preset
        number = deck.next_card.number if deck.next_card else deck.next_number
        card = deck.next_card
        lot = (
            t("deck.lot_unit", number=number, unit=card.unit) if card and card.of > 1 else t("deck.lot", number=number)
        )
        parts = [words.seconds(preset.duration_ms), lot, (self._open_other if self._other else self._open).key]
        return " · ".join(part for part in parts if part)

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            box = QRectF(self.rect())
            k = box.height() / 150
            if self._role == "withdraw":
                self._paint_withdraw(painter, box, k)
            elif self._deck.state == "opening":
                self._paint_opening(painter, box, k)
            else:
                self._paint_pdd(painter, box, k)
            if self.hasFocus():
                paint.rounded(painter, box, 16 * k, None, theme.colours().info, 3)

    def _paint_pdd(self, painter: QPainter, box: QRectF, k: float) -> None:
        c = theme.colours()
        bright = self.isEnabled()
        fill, colour = (c.pdd, c.on_pdd) if bright else (c.pdd_dim, c.on_pdd_dim)
        if bright and self.isDown() and self._armed != "none":
            box = box.adjusted(3, 3, -3, -3)
        paint.rounded(painter, box, 16 * k, fill)
        if bright and self._hover:
            paint.rounded(painter, box, 16 * k, None, "#ffffff", 2)
        self._three_lines(painter, box, k, t("deck.pdd"), self._price(), self._caption(), colour)

    def _three_lines(
        self, painter: QPainter, box: QRectF, k: float, top: str, middle: str, foot: str, colour: str
    ) -> None:
        wide = box.width() - 24
        paint.text(
            painter, QRectF(box.x() + 12, box.y() + 19 * k, wide, 20 * k), top, 15 * k, colour, theme.BOLD,
            paint.CENTRE, 0.08,
        )  # fmt: skip
        paint.text(
            painter, QRectF(box.x() + 12, box.y() + 41 * k, wide, 68 * k), middle, 68 * k, colour, theme.HEAVY,
            paint.CENTRE, -0.03, least=22, tabular=False,
        )  # fmt: skip
        paint.text(
            painter, QRectF(box.x() + 12, box.y() + 111 * k, wide, 20 * k), foot, 13 * k, colour, theme.SEMI,
            paint.CENTRE, least=10,
        )  # fmt: skip

    def _paint_opening(self, painter: QPainter, box: QRectF, k: float) -> None:
        c = theme.colours()
        colour = c.pdd if c.name == "dark" else c.on_pdd_dim
        paint.rounded(painter, box, 16 * k, c.bg, c.pdd, 3)
        top = t("deck.pdd")
        head = QRectF(box.x(), box.y() + 19 * k, box.width(), 20 * k)
        paint.text(painter, head, top, 15 * k, colour, theme.BOLD, paint.CENTRE, 0.08)
        middle = QRectF(box.x() + 10, box.y() + 45 * k, box.width() - 20, 60 * k)
        paint.text(painter, middle, t("deck.opening"), 26 * k, colour, theme.BOLD, paint.CENTRE, -0.01, least=14)
        foot = QRectF(box.x() + 12, box.y() + 111 * k, box.width() - 24, 20 * k)
        paint.text(painter, foot, self._caption(), 13 * k, colour, theme.SEMI, paint.CENTRE, least=10)

    def _paint_withdraw(self, painter: QPainter, box: QRectF, k: float) -> None:
        c = theme.colours()
        left_ms = max(0.0, min(WITHDRAW_MS, self._deck.withdraw_until_ms - self._desk.now_ms()))
        line = c.text if self._hover else c.edge
        paint.rounded(painter, box, 16 * k, c.hover if self.isDown() else c.raised, line, 2)
        side = 62 * k
        circle = QRectF(box.center().x() - side / 2, box.y() + 20 * k, side, side)
        paint.ring(painter, circle, left_ms / WITHDRAW_MS, c.warn, c.line, 6 * k)
        paint.text(painter, circle, words.decimal(left_ms / 1000, 1), 20 * k, c.text, theme.BOLD, paint.CENTRE)
        name = QRectF(box.x() + 8, box.y() + 90 * k, box.width() - 16, 28 * k)
        paint.text(painter, name, t("deck.withdraw"), 22 * k, c.text, theme.BOLD, paint.CENTRE, least=14)
        foot = QRectF(box.x() + 8, box.y() + 117 * k, box.width() - 16, 18 * k)
        paint.text(painter, foot, t("deck.withdraw_hint"), 12 * k, c.text2, theme.REGULAR, paint.CENTRE, least=10)
