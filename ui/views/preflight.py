"""Before the public sees: devices with picture and meter, seven checks that measure, and going live.

Promises: nothing is substituted silently: a device is the one that was chosen, the
test card is called the test card; every check says what was measured or that it
was not; going live is held for 700 ms.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from pathlib import Path

from PySide6.QtCore import QObject, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from .. import theme
from ..checks import Check, Heard, Machine, checks, read_machine
from ..desk import Desk
from ..values import Level
from ..words import t
from . import paint
from .controls import ActionButton, plain_button
from .preview import Preview
from .setup import SetUp

HEARD_S = 5.0
WIDE = 1180
"""From here on both doors are named in full."""


class CheckRow(QWidget):
    """One check: a mark, what, what was measured, and a button."""

    pressed = Signal(str)

    def __init__(self, name: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._name = name
        self._check: Check | None = None
        self.button = QPushButton(self)
        self.button.setAutoDefault(False)
        self.button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.button.clicked.connect(self._button_pressed)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.addStretch(1)
        line.addWidget(self.button)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(61)

    def _button_pressed(self) -> None:
        if self._check is not None:
            self.pressed.emit(self._check.button)

    def show_check(self, check: Check) -> None:
        if check == self._check:
            return
        self._check = check
        self.button.setVisible(bool(check.button))
        if check.button:
            self.button.setText(t(check.button))
            self.button.setAccessibleName(f"{self.button.text()} ({t(self._name)})")
        self.setAccessibleName(t(self._name))
        self.setAccessibleDescription(f"{t(f'verdict.{check.verdict}')} {check.sentence}")
        self.setToolTip(check.sentence)
        self.update()

    @property
    def check(self) -> Check | None:
        return self._check

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._check is None:
            return
        c = theme.colours()
        with QPainter(self) as painter:
            painter.fillRect(0, self.height() - 1, self.width(), 1, theme.colour(c.line))
            mark, shade = {
                "good": ("✓", c.sold),
                "warning": ("!", c.warn),
                "bad": ("✕", c.air),
                "waiting": ("…", c.text2),
            }[self._check.verdict]
            middle = self.height() / 2 - 0.5
            paint.text(painter, QRectF(0, middle - 12, 22, 24), mark, 16, shade, theme.BOLD, paint.CENTRE)
            right = self.button.x() - 12 if not self.button.isHidden() else self.width()
            box = QRectF(36, middle - 20, right - 36, 20)
            paint.text(painter, box, t(self._name), 14, c.text, theme.BOLD)
            paint.text(painter, box.translated(0, 20), self._check.sentence, 13, c.text2, elide=True)


class MachineReader(QObject):
    """Reads the machine every five seconds, off the window's thread."""

    came = Signal(object)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._timer = QTimer(self)
        self._timer.setInterval(5000)
        self._timer.timeout.connect(self.read)
        self._thread: threading.Thread | None = None
        self.recordings = Path()
        """Where the show is recorded to."""

    def start(self) -> None:
        self._timer.start()
        self.read()

    def stop(self) -> None:
        self._timer.stop()

    def finish(self) -> None:
        self.stop()
        if self._thread is not None:
            self._thread.join(2.0)

    def read(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._work, name="machine", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        machine = read_machine(self.recordings)
        try:
            self.came.emit(machine)
        except RuntimeError:  # the window went while we measured
            return


class Preflight(QWidget):
    wants_queue = Signal()

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("screen")
        self._desk = desk
        self._machine: Machine | None = None
        self._levels: deque[tuple[float, Level]] = deque(maxlen=200)
        self.setup = SetUp(desk, self)
        self.rows: dict[str, CheckRow] = {}
        both = QHBoxLayout(self)
        both.setContentsMargins(0, 0, 0, 0)
        both.setSpacing(0)
        both.addWidget(self.setup, 1)
        both.addWidget(Rule(self))
        both.addWidget(self._right(), 1)
        self._reader = MachineReader(self)
        self._reader.came.connect(self._machine_came)
        self._timer = QTimer(self)
        self._timer.setInterval(500)
        self._timer.timeout.connect(self._refresh)
        desk.level_changed.connect(self._heard)
        desk.show_changed.connect(lambda _show: self._refresh())
        desk.refusals_changed.connect(lambda _refusals: self._refresh())
        self._refresh()

    @property
    def preview(self) -> Preview:
        return self.setup.preview

    def _right(self) -> QScrollArea:
        right = QWidget(self)
        right.setObjectName("ground")
        scroll = QScrollArea(self)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        column = QVBoxLayout(right)
        column.setContentsMargins(32, 24, 32, 20)
        column.setSpacing(0)
        self.heading = QLabel(right)
        self.heading.setFont(theme.font(24, theme.BOLD))
        self.under = QLabel(right)
        self.under.setProperty("tone", "second")
        self.under.setWordWrap(True)
        column.addWidget(self.heading)
        column.addSpacing(4)
        column.addWidget(self.under)
        column.addSpacing(8)
        for check in checks(self._desk, Heard(), None):
            row = CheckRow(f"check.{check.id}", right)
            row.pressed.connect(self._cure)
            self.rows[check.id] = row
            column.addWidget(row)
        actions = self._desk.actions
        self.go = ActionButton(actions.go_live, right, tall=58, px=19, tone="main", pad=34)
        self.rehearse = ActionButton(actions.rehearse, right, tall=58, px=16, pad=24)
        self.fresh = plain_button(t("preflight.new_show"), self._open_show, right, tone="main")
        self.fresh.setMinimumHeight(58)
        self.why = QLabel(right)
        self.why.setProperty("tone", "second")
        self.why.setWordWrap(True)
        doors = QHBoxLayout()
        doors.setSpacing(12)
        for door in (self.go, self.rehearse, self.fresh):
            doors.addWidget(door)
        doors.addStretch(1)
        column.addSpacing(20)
        column.addLayout(doors)
        column.addSpacing(8)
        column.addWidget(self.why)
        column.addStretch(1)
        scroll.setWidget(right)
        return scroll

    def sizeHint(self) -> QSize:
        return QSize(1200, 720)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.rehearse.say("action.rehearse" if self.width() >= WIDE else "preflight.rehearse")

    def showEvent(self, event: object) -> None:
        self._timer.start()
        self._reader.recordings = self._desk.recordings_folder()
        self._reader.start()
        self._desk.find_devices()
        self._refresh()

    def hideEvent(self, event: object) -> None:
        self._timer.stop()
        self._reader.stop()

    def finish(self) -> None:
        self._reader.finish()

    # --- checks ------------------------------------------------------------------------------

    def _heard(self, level: Level) -> None:
        self._levels.append((time.monotonic(), level))

    def heard(self) -> Heard:
        now = time.monotonic()
        recent = [(at, level) for at, level in self._levels if now - at <= HEARD_S]
        if not recent:
            return Heard()
        peak = max(level.peak_db for _, level in recent)
        return Heard(peak, any(level.clipped for _, level in recent), now - recent[0][0])

    def _machine_came(self, machine: Machine) -> None:
        self._machine = machine
        self._reader.recordings = self._desk.recordings_folder()
        self.setup.recording.show_free(machine.record_free_bytes)
        self._refresh()

    def _refresh(self) -> None:
        for check in checks(self._desk, self.heard(), self._machine):
            self.rows[check.id].show_check(check)
        over = self._desk.show.status in ("ended", "none") and self._desk.connection.state == "connected"
        self.heading.setText(t("preflight.ended") if over else t("preflight.heading"))
        self.under.setText(t("preflight.ended_under") if over else t("preflight.under"))
        self.fresh.setVisible(over)
        self.fresh.setText(t("preflight.real_show" if over and self._desk.show.rehearsal else "preflight.new_show"))
        self.fresh.setAccessibleName(self.fresh.text())
        self.go.setVisible(not over)
        self.rehearse.setVisible(not over)
        self.why.setText(self.go.action.reason if not over and not self.go.action.enabled else "")

    def _open_show(self) -> None:
        self._desk.open_show(self.setup.title.text().strip() or t("preflight.new_title"))

    def _cure(self, button: str) -> None:
        if button == "check.button.look_again":
            self._desk.find_devices()
        elif button == "check.button.unmute":
            self._desk.set_muted(False)
        elif button == "action.retry":
            self._desk.retry_connection()
        elif button == "check.button.see":
            self.wants_queue.emit()


class Rule(QWidget):
    """A vertical hairline."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setFixedWidth(1)

    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self).fillRect(self.rect(), theme.colour(theme.colours().line))
