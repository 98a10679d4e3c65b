"""What of the lot on the block is drawn into the picture itself, when the seller wants it.

Promises: only what the platform has said; nothing between two lots but the logo; the
engine is told when a fact changes, at most seven times a second; switched off, it is
told once to draw nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from msgspec import structs
from PySide6.QtCore import QObject, QTimer

from seller_console.contract.media import SetOverlay
from seller_console.contract.words import Currency

from .values import RUNNING, DeckView
from .words import language

PAUSE_MS = 150
CLOCK_MOVES_MS = 40.0
"""A platform's clock that is known better by so little is not worth a word."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """What a drawing needs beside the deck."""

    currency: Currency = "EUR"
    offset_ms: float = 0.0
    logo: str = ""


def overlay_of(deck: DeckView, beside: Drawn) -> SetOverlay:
    """The facts to draw for this deck."""
    card = deck.card
    spoken = language()
    if card is None or deck.state not in RUNNING | {"paused", "adjudged"}:
        return SetOverlay(shown=bool(beside.logo), logo=beside.logo, language=spoken)
    paused, sold = deck.state == "paused", deck.state == "adjudged"
    return SetOverlay(
        shown=True,
        number=card.number,
        title=card.title,
        price_cents=deck.price_cents or card.opening_cents,
        currency=beside.currency,
        ends_at_ms=0 if paused or sold else deck.ends_at_ms,
        offset_ms=0.0 if paused or sold else beside.offset_ms,
        remaining_ms=deck.remaining_ms if paused else -1,
        winner=deck.winner_name if sold else "",
        logo=beside.logo,
        language=spoken,
    )


def same(one: SetOverlay, other: SetOverlay) -> bool:
    """Would the picture look the same?"""
    near = abs(one.offset_ms - other.offset_ms) < CLOCK_MOVES_MS
    return near and structs.replace(one, offset_ms=0.0) == structs.replace(other, offset_ms=0.0)


class Brake(QObject):
    """Says the newest of what it is given, at once when it has been quiet, else after a pause."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(PAUSE_MS)

    @property
    def timer(self) -> QTimer:
        return self._timer

    def may_pass(self) -> bool:
        """False: it will time out, ask again then."""
        if self._timer.isActive():
            return False
        self._timer.start()
        return True
