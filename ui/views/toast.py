"""A sentence that passes by, over the foot of the lots: it moves nothing and asks for nothing."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from .. import theme
from ..desk import Desk
from ..values import Notice
from ..words import t
from . import paint
from .controls import plain_button

SHOWN_MS = 6000


class Toast(QWidget):
    def __init__(self, desk: Desk, parent: QWidget) -> None:
        super().__init__(parent)
        self._desk = desk
        self._over = parent
        self._notice: Notice | None = None
        self.undo = plain_button(t("notice.undo"), self._undo, self)
        self.folder = plain_button(t("recording.open_folder"), self._open_folder, self)
        line = QHBoxLayout(self)
        line.setContentsMargins(16, 0, 8, 0)
        line.addStretch(1)
        line.addWidget(self.folder)
        line.addWidget(self.undo)
        self._gone = QTimer(self)
        self._gone.setSingleShot(True)
        self._gone.setInterval(SHOWN_MS)
        self._gone.timeout.connect(self.hide)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.hide()
        desk.noticed.connect(self.say)

    @property
    def notice(self) -> Notice | None:
        return self._notice if not self.isHidden() else None

    def say(self, notice: Notice) -> None:
        self._notice = notice
        self.undo.setVisible(notice.undo)
        self.folder.setVisible(bool(notice.folder))
        self.setAccessibleName(notice.text)
        self.setToolTip(notice.text)
        self._gone.start()
        self.place()
        self.show()
        self.raise_()
        self.update()

    def _undo(self) -> None:
        self._desk.actions.undo_queue_edit.press()
        self.hide()

    def _open_folder(self) -> None:
        if self._notice is not None:
            self._desk.ask("open_folder", self._notice.folder)
        self.hide()

    def _buttons(self) -> list[QPushButton]:
        return [button for button in (self.folder, self.undo) if not button.isHidden()]

    def sizeHint(self) -> QSize:
        words = self._notice.text if self._notice else ""
        wide = paint.advance(words, 14) + 56 + sum(button.sizeHint().width() + 10 for button in self._buttons())
        return QSize(round(wide), 46)

    def place(self) -> None:
        """Over the foot of its parent, centred."""
        over = self._over
        wide = min(self.sizeHint().width(), over.width() - 24)
        self.setGeometry((over.width() - wide) // 2, over.height() - 46 - 62, wide, 46)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._notice is None:
            return
        c = theme.colours()
        with QPainter(self) as painter:
            box = QRectF(self.rect())
            refused = self._notice.kind != "said"
            paint.rounded(
                painter, box, 10, c.warn_strip if refused else c.raised, c.warn_strip_line if refused else c.edge
            )
            mark = QRectF(12, box.center().y() - 10, 20, 20)
            paint.rounded(painter, mark, 10, c.warn if refused else c.info)
            paint.text(painter, mark, "!" if refused else "i", 13, c.bg, theme.HEAVY, paint.CENTRE)
            right = min((button.x() - 8.0 for button in self._buttons()), default=box.right() - 12)
            inner = QRectF(42, 0, right - 42, box.height())
            colour = c.on_warn_strip if refused else c.text
            paint.text(painter, inner, self._notice.text, 14, colour, elide=True, least=11)
