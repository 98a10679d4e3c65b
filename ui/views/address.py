"""Asks for the address of a network camera, over the preview; the sale goes on beside it.

Promises: an address that cannot be one is refused in words, beside the field; what was
typed is taken once and never shown again, for it may hold a password. Escape closes it.
"""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from .. import theme
from ..desk import Desk
from ..naming import NoAddress, network_camera
from ..words import t
from . import paint
from .controls import plain_button
from .fields import mark
from .sources import take_camera

WIDE = 480
EXAMPLE = "http://192.168.1.20:8080/video"


class AddressBox(QWidget):
    def __init__(self, desk: Desk, parent: QWidget) -> None:
        super().__init__(parent)
        self._desk = desk
        self._over = QRectF(0, 0, WIDE, 300)
        self._role = "camera"
        self._came_from: QWidget | None = None
        self.heading = QLabel(self)
        self.heading.setFont(theme.font(17, theme.BOLD))
        self.heading.setWordWrap(True)
        hint = QLabel(t("network.hint"), self)
        hint.setProperty("tone", "second")
        hint.setWordWrap(True)
        self.field = QLineEdit(self)
        self.field.setPlaceholderText(EXAMPLE)
        self.field.setAccessibleName(t("network.field"))
        self.field.setMaxLength(400)
        self.said = QLabel(self)
        self.said.setProperty("tone", "warn")
        self.said.setWordWrap(True)
        self.use = plain_button(t("network.use"), self._take, self, tone="main")
        self.cancel = plain_button(t("network.cancel"), self.close_it, self)
        foot = QHBoxLayout()
        foot.setSpacing(8)
        foot.addStretch(1)
        foot.addWidget(self.cancel)
        foot.addWidget(self.use)
        column = self._column = QVBoxLayout(self)
        column.setContentsMargins(18, 16, 18, 16)
        column.setSpacing(10)
        for part in (self.heading, hint, self.field, self.said):
            column.addWidget(part)
        column.addLayout(foot)
        self.field.returnPressed.connect(self._take)
        self.field.textEdited.connect(lambda _text: self._complain(""))
        self.hide()

    def open(self, role: str) -> None:
        """`role`: camera or second_camera, the place it will have."""
        self._role = "second_camera" if role == "second_camera" else "camera"
        self._came_from = self.window().focusWidget()
        self.heading.setText(t(f"network.heading.{self._role}"))
        self.setAccessibleName(self.heading.text())
        self.field.clear()
        self._complain("")
        self.show()
        self.raise_()
        self.field.setFocus()

    def close_it(self) -> None:
        self.field.clear()
        self.hide()
        if self._came_from is not None and self._came_from.isVisible():
            self._came_from.setFocus()

    def place(self, over: QRectF) -> None:
        """`over`: where it hides nothing of the sale; as tall as its words need."""
        self._over = over
        wide = round(min(WIDE, over.width()))
        x = over.x() + (over.width() - wide) / 2
        self.setGeometry(round(x), round(over.y()), wide, self._column.heightForWidth(wide))

    def _take(self) -> None:
        try:
            spec = network_camera(self.field.text())
        except NoAddress as error:
            self._complain(str(error))
            self.field.setFocus()
            return
        self.close_it()
        take_camera(self._desk, self._role, spec)

    def _complain(self, key: str) -> None:
        mark(self.field, bool(key))
        self.said.setText(t(key) if key else "")
        self.said.setVisible(bool(key))
        self.place(self._over)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.close_it()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        c = theme.colours()
        with QPainter(self) as painter:
            paint.rounded(painter, QRectF(self.rect()), 12, c.panel, c.edge)
