"""Fields one types in: a whole number within bounds, with its unit; an amount in euros."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QLineEdit, QWidget

from .. import theme
from . import paint


class Count(QLineEdit):
    """A whole number within bounds, with its unit painted at the right."""

    def __init__(self, least: int, most: int, unit: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._least, self._most, self._unit = least, most, unit
        self.setMaxLength(len(str(most)))
        self.setInputMethodHints(Qt.InputMethodHint.ImhDigitsOnly)

    def value(self) -> int | None:
        """None: not a number within the bounds."""
        typed = self.text().strip()
        if not (typed.isascii() and typed.isdigit()) or not self._least <= int(typed) <= self._most:
            return None
        return int(typed)

    def set_value(self, value: int) -> None:
        self.setText(str(value))

    @property
    def bounds(self) -> tuple[int, int]:
        return self._least, self._most

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        box = QRectF(self.rect()).adjusted(0, 0, -12, 0)
        paint.text(QPainter(self), box, self._unit, 13, theme.colours().text2, align=paint.RIGHT)


def cents_of(typed: str) -> int | None:
    """ "1", "1,50", "1 050 €" -> cents; None when it is not an amount. "" is 0."""
    plain = "".join(c for c in typed if not c.isspace() and c not in "€$£").replace(",", ".")
    if not plain:
        return 0
    whole, _, part = plain.partition(".")
    if not whole.isascii() or not whole.isdigit() or len(whole) > 7 or len(part) > 2 or (part and not part.isdigit()):
        return None
    return int(whole) * 100 + int((part + "00")[:2])


def mark(field: QLineEdit, wrong: bool) -> None:
    """Red outline. Not a hot path: at most once a press."""
    if bool(field.property("wrong")) != wrong:
        field.setProperty("wrong", wrong)
        field.style().unpolish(field)
        field.style().polish(field)
