"""The small controls of every pane: badges, tabs, buttons of the sale, held buttons.

Promises: a button of the sale never takes the focus, counts a press on release
inside it, and goes through its action (which guards); a held one fills a ring.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QEnterEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QPushButton, QSizePolicy, QWidget

from .. import theme
from ..actions import Action
from ..desk import Desk
from ..words import known, t
from . import paint


class Badge(QWidget):
    """A quiet fact in a rounded box, with an optional dot. Its width never shrinks while it is on screen."""

    def __init__(self, parent: QWidget | None = None, *, filled: str = "", bold: bool = False, least: str = "") -> None:
        super().__init__(parent)
        self._words = ""
        self._dot = ""
        self._filled = filled
        self._bold = bold
        self._least = least
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def show_words(self, words: str, dot: str = "", filled: str | None = None) -> None:
        """dot and filled: names of a palette colour."""
        if filled is not None:
            self._filled = filled
        if (words, dot) != (self._words, self._dot) or filled is not None:
            self._words, self._dot = words, dot
            self.setAccessibleName(words)
            self.updateGeometry()
            self.update()

    @property
    def words(self) -> str:
        return self._words

    def sizeHint(self) -> QSize:
        weight = theme.BOLD if self._bold else theme.REGULAR
        wide = max(paint.advance(self._words, 13, weight), paint.advance(self._least, 13, weight))
        return QSize(round(wide + 18 + (17 if self._dot else 0) + 0.5), 26)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        c = theme.colours()
        with QPainter(self) as painter:
            box = QRectF(self.rect())
            fill = getattr(c, self._filled) if self._filled else c.raised
            paint.rounded(painter, box, 6, fill)
            colour = c.on_air if self._filled == "air_fill" else c.text2
            x = 9.0
            if self._dot:
                paint.dot(painter, x, box.center().y(), c.on_air if self._filled else getattr(c, self._dot))
                x += 17
            inner = QRectF(x, 0, box.width() - x - 9, box.height())
            weight = theme.BOLD if self._bold else theme.REGULAR
            paint.text(painter, inner, self._words, 13, colour, weight, paint.CENTRE if not self._dot else paint.LEFT)


class Tabs(QWidget):
    """A row of tabs, one chosen. Left and right arrows when it has the focus."""

    chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._names: list[str] = []
        self._marked: frozenset[int] = frozenset()
        self._current = 0
        self._hover = -1
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def show_names(self, names: Sequence[str]) -> None:
        if list(names) != self._names:
            self._names = list(names)
            self._tell()
            self.updateGeometry()
            self.update()

    def mark(self, marked: frozenset[int]) -> None:
        """These have something new in them."""
        if marked != self._marked:
            self._marked = marked
            self.update()

    @property
    def marked(self) -> frozenset[int]:
        return self._marked

    @property
    def current(self) -> int:
        return self._current

    def choose(self, index: int) -> None:
        if 0 <= index < len(self._names) and index != self._current:
            self._current = index
            self._tell()
            self.update()
            self.chosen.emit(index)

    def _tell(self) -> None:
        if self._names:
            self.setAccessibleName(t("a11y.tab", name=self._names[self._current]))

    def _boxes(self) -> list[QRectF]:
        boxes, x = [], 0.0
        for name in self._names:
            wide = paint.advance(name, 13, theme.SEMI) + 20
            boxes.append(QRectF(x, (self.height() - 26) / 2, wide, 26))
            x += wide + 8
        return boxes

    def sizeHint(self) -> QSize:
        boxes = self._boxes()
        return QSize(round(boxes[-1].right() + 1) if boxes else 60, 30)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def _at(self, x: float) -> int:
        return next((i for i, box in enumerate(self._boxes()) if box.left() <= x <= box.right()), -1)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.choose(self._at(event.position().x()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        hover = self._at(event.position().x())
        if hover != self._hover:
            self._hover = hover
            self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self._hover = -1
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()), 0)
        if step:
            self.choose(self._current + step)
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        c = theme.colours()
        with QPainter(self) as painter:
            for i, (name, box) in enumerate(zip(self._names, self._boxes(), strict=True)):
                if i == self._current:
                    paint.rounded(painter, box, 6, c.raised, c.info if self.hasFocus() else "")
                colour = c.text if i in (self._current, self._hover) else c.text2
                paint.text(painter, box, name, 13, colour, theme.SEMI, paint.CENTRE)
                if i in self._marked:
                    paint.dot(painter, box.right() - 7, box.top() + 5, c.info, 4)


class ActionButton(QAbstractButton):
    """A button of an action: its words, its key in a cap, enabled when the rules say so.

    Never takes the focus when the action acts on the sale. A held action fills
    its outline while pressed.
    """

    def __init__(
        self,
        action: Action,
        parent: QWidget | None = None,
        *,
        words: str = "",
        quiet: bool = False,
        outlined: bool = False,
        tall: int = 32,
        px: float = 13,
        tone: str = "",
        pad: int = 14,
        capped: bool = True,
        instead: Callable[[], None] | None = None,
    ) -> None:
        super().__init__(parent)
        self._action = action
        self._key_words = words or action.words
        self._quiet = quiet
        self._outlined = outlined
        self._tall = tall
        self._px = px
        self._tone = tone
        self._pad = pad
        self._capped = capped
        self._instead = instead
        self._values: dict[str, object] = {}
        self._done = 0.0
        self._hover = False
        self._spread = False
        if action.spec.sale:
            guarded = action.guards.no_focus
            self.setFocusPolicy(Qt.FocusPolicy.NoFocus if guarded else Qt.FocusPolicy.StrongFocus)
        else:
            self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)
        action.changed.connect(self._refresh)
        action.hold_changed.connect(self._filled)
        if action.spec.hold_ms:
            self.pressed.connect(action.hold_began)
            self.released.connect(action.hold_ended)
        else:
            self.clicked.connect(self._pressed)
        self._refresh()

    def spread(self) -> ActionButton:
        """Words at the left, key at the right (in a column of buttons)."""
        self._spread = True
        return self

    def say(self, words: str, **values: object) -> None:
        """Other words of the catalogue (the same action in another state)."""
        if (words, values) != (self._key_words, self._values):
            self._key_words, self._values = words, values
            self._refresh()

    @property
    def action(self) -> Action:
        return self._action

    def _pressed(self) -> None:
        """`instead`: what the button does, when that is less than what the key does."""
        if self._instead is not None:
            self._instead()
        else:
            self._action.press()

    def _filled(self, done: float) -> None:
        self._done = done
        self.update()

    def _cap(self) -> str:
        """The key drawn on it, "" for none (the tip says it all the same)."""
        return self._action.key if self._capped else ""

    def _words_now(self) -> str:
        words = t(self._key_words, **self._values)
        return t("hold", words=words) if self._action.spec.hold_ms else words

    def _refresh(self) -> None:
        self.setEnabled(self._action.enabled)
        words = self._words_now()
        self.setAccessibleName(words)
        key = self._action.key
        reason = self._action.reason
        self.setToolTip(reason or (f"{words} ({key})" if key else ""))
        self.setAccessibleDescription(reason or key)
        self.updateGeometry()
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """A button of the sale answers no key, even when someone gave it the focus."""
        if self._action.spec.sale and self._action.guards.no_focus:
            event.ignore()
        else:
            super().keyPressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if self._action.spec.sale:
            event.accept()
            return
        super().mouseDoubleClickEvent(event)

    def enterEvent(self, event: QEnterEvent) -> None:
        self._hover = True
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self._hover = False
        if self.isDown() and self._action.spec.hold_ms:
            self._action.hold_ended()
        self.update()

    def sizeHint(self) -> QSize:
        wide = paint.advance(self._words_now(), self._px, theme.SEMI) + 2 * self._pad
        if self._cap():
            wide += paint.key_cap_width(self._cap()) + 6
        return QSize(round(wide + 0.5), self._tall)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        c = theme.colours()
        with QPainter(self) as painter:
            box = QRectF(self.rect())
            main = self._tone == "main" and self.isEnabled()
            fill = c.hover if (self._hover and self.isEnabled()) or self.isDown() else c.raised
            line = c.edge if self._outlined else c.line
            colour = c.text2 if self._quiet or not self.isEnabled() else c.text
            if not self.isEnabled():
                fill = c.bg if not self._outlined else c.panel
            if main:
                fill, line, colour = c.text, c.text, c.bg
            paint.rounded(painter, box, 8, fill, line)
            if self.hasFocus():
                paint.rounded(painter, box, 8, None, c.info, 2)
            if self._done > 0:
                paint.outline_part(painter, box, 8, self._done, c.air, 3)
            x = 12.0
            right = box.right() - 10
            if self._cap():
                right = paint.key_cap(painter, right, box.center().y(), self._cap()) - 6
            inner = QRectF(x, 0, right - x, box.height())
            align = paint.LEFT if self._spread or self._cap() else paint.CENTRE
            paint.text(painter, inner, self._words_now(), self._px, colour, theme.SEMI, align, least=11)


def plain_button(words: str, pressed: Callable[[], None], parent: QWidget | None = None, tone: str = "") -> QPushButton:
    """A button that does not touch the sale: takes the focus by Tab, answers Space."""
    made = QPushButton(words, parent)
    made.setAutoDefault(False)
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    made.setAccessibleName(words)
    if tone:
        made.setProperty("tone", tone)
    made.clicked.connect(lambda: pressed())
    return made


def reserve(desk: Desk, intent: str, *widgets: QWidget) -> None:
    """Off, with who may as their tip, for whoever may not; as they were for the others."""
    tips = [widget.toolTip() for widget in widgets]

    def show(_show: object = None) -> None:
        why = desk.reserved(intent)
        for widget, tip in zip(widgets, tips, strict=True):
            widget.setEnabled(not why)
            widget.setToolTip(why or tip)

    desk.show_changed.connect(show)
    show()


def words_of(prefix: str, code: str, otherwise: str) -> str:
    """`t(prefix + code)` when the catalogue knows it, else the words of `otherwise`."""
    key = f"{prefix}.{code}"
    return t(key) if code and known(key) else t(otherwise)
