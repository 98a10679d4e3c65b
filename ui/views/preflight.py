"""Before the public sees: devices with picture and meter, seven checks that measure, and going live.

Promises: nothing is substituted silently: a device is the one that was chosen, the
test card is called the test card; every check says what was measured or that it
was not; going live is held for 700 ms.
"""

from __future__ import annotations

import threading
import time
from collections import deque

from PySide6.QtCore import QEvent, QObject, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from .. import theme
from ..checks import Check, Heard, Machine, checks, read_machine
from ..desk import Desk
from ..values import Devices, Level, Programme
from ..words import t
from . import paint
from .controls import ActionButton
from .meter import Bars
from .preview import Preview

SIZES = ((720, 1280), (1080, 1920), (1280, 720), (1920, 1080))
HEARD_S = 5.0


class Choice(QComboBox):
    """A list of choices the wheel does not change by accident."""

    def __init__(self, name: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(12)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()

    def become(self, choices: list[tuple[str, object]], chosen: object) -> None:
        """(words, value) of each; nothing is emitted."""
        self.blockSignals(True)
        if [(self.itemText(i), self.itemData(i)) for i in range(self.count())] != choices:
            self.clear()
            for said, value in choices:
                self.addItem(said, value)
        self.setCurrentIndex(next((i for i, (_, value) in enumerate(choices) if value == chosen), -1))
        self.blockSignals(False)


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
        painter = QPainter(self)
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
        machine = read_machine()
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
        self._listening_since = 0.0
        self.preview = Preview(desk, self, overlays=False, radius=12)
        self.preview.setMinimumHeight(160)
        self.bars = Bars(desk, self, named=False)
        self.camera = Choice(t("preflight.camera"), self)
        self.microphone = Choice(t("preflight.microphone"), self)
        self.destination = Choice(t("preflight.destination"), self)
        self.quality = Choice(t("preflight.quality"), self)
        self.mirror = QCheckBox(t("preflight.mirror"), self)
        self.mirror.setAccessibleName(self.mirror.text())
        left = QWidget(self)
        left.setObjectName("ground")
        column = QVBoxLayout(left)
        column.setContentsMargins(32, 28, 32, 20)
        column.setSpacing(0)
        column.addWidget(self.preview, 1)
        column.addSpacing(14)
        column.addLayout(self._fields())
        self.rows: dict[str, CheckRow] = {}
        right = QWidget(self)
        right.setObjectName("ground")
        scroll = QScrollArea(self)
        scroll.setWidgetResizable(True)
        scroll.setWidget(right)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        other = QVBoxLayout(right)
        other.setContentsMargins(32, 28, 32, 24)
        other.setSpacing(0)
        heading = QLabel(t("preflight.heading"), right)
        heading.setFont(theme.font(24, theme.BOLD))
        under = QLabel(t("preflight.under"), right)
        under.setProperty("tone", "second")
        under.setWordWrap(True)
        other.addWidget(heading)
        other.addSpacing(4)
        other.addWidget(under)
        other.addSpacing(12)
        for check in checks(desk, Heard(), None):
            row = CheckRow(f"check.{check.id}", right)
            row.pressed.connect(self._cure)
            self.rows[check.id] = row
            other.addWidget(row)
        other.addSpacing(22)
        self.go = ActionButton(desk.actions.go_live, right, tall=58, px=19, tone="main", pad=34)
        self.rehearse = ActionButton(desk.actions.rehearse, right, tall=58, px=16, pad=24)
        self.why = QLabel(right)
        self.why.setProperty("tone", "second")
        self.why.setWordWrap(True)
        doors = QHBoxLayout()
        doors.setSpacing(12)
        doors.addWidget(self.go)
        doors.addWidget(self.rehearse)
        doors.addStretch(1)
        other.addLayout(doors)
        other.addSpacing(10)
        other.addWidget(self.why)
        other.addStretch(1)
        both = QHBoxLayout(self)
        both.setContentsMargins(0, 0, 0, 0)
        both.setSpacing(0)
        both.addWidget(left, 1)
        both.addWidget(Rule(self))
        both.addWidget(scroll, 1)
        self._reader = MachineReader(self)
        self._reader.came.connect(self._machine_came)
        self._timer = QTimer(self)
        self._timer.setInterval(500)
        self._timer.timeout.connect(self._refresh)
        self.camera.activated.connect(lambda _i: desk.choose_camera(str(self.camera.currentData())))
        self.microphone.activated.connect(lambda _i: desk.choose_microphone(str(self.microphone.currentData())))
        self.quality.activated.connect(lambda _i: desk.set_size(*self.quality.currentData()))
        self.mirror.toggled.connect(desk.set_mirror)
        desk.level_changed.connect(self._heard)
        desk.devices_changed.connect(lambda _devices: self._fill())
        desk.programme_changed.connect(lambda _programme: self._fill())
        desk.show_changed.connect(lambda _show: self._fill())
        desk.refusals_changed.connect(lambda _refusals: self._refresh())
        self._fill()
        self._refresh()

    def _fields(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(14)
        grid.setVerticalSpacing(10)
        places: list[tuple[str, QWidget]] = [
            ("preflight.camera", self.camera),
            ("preflight.microphone", self.microphone),
            ("", self.bars),
            ("preflight.destination", self.destination),
            ("preflight.quality", self.quality),
            ("", self.mirror),
        ]
        for line, (name, field) in enumerate(places):
            if name:
                label = QLabel(t(name), self)
                label.setMinimumWidth(104)
                label.setBuddy(field)
                grid.addWidget(label, line, 0)
            grid.addWidget(field, line, 1)
        grid.setColumnStretch(1, 1)
        return grid

    def sizeHint(self) -> QSize:
        return QSize(1200, 720)

    def showEvent(self, event: object) -> None:
        self._listening_since = time.monotonic()
        self._timer.start()
        self._reader.start()
        self._desk.find_devices()
        self._refresh()

    def hideEvent(self, event: object) -> None:
        self._timer.stop()
        self._reader.stop()

    def finish(self) -> None:
        self._reader.finish()

    # --- devices -----------------------------------------------------------------------------

    def _fill(self) -> None:
        desk = self._desk
        devices: Devices = desk.devices
        programme: Programme = desk.programme
        cameras: list[tuple[str, object]] = [(one.name, one.spec) for one in devices.cameras]
        if programme.camera not in [spec for _, spec in cameras]:
            cameras.append((programme.camera_name or programme.camera, programme.camera))
        self.camera.become(cameras, programme.camera)
        sounds: list[tuple[str, object]] = [(one.name, one.spec) for one in devices.microphones]
        if programme.microphone not in [spec for _, spec in sounds]:
            sounds.append((programme.microphone_name or programme.microphone, programme.microphone))
        self.microphone.become(sounds, programme.microphone)
        size = (programme.width, programme.height)
        sizes: list[tuple[str, object]] = [
            (t("preflight.size", width=w, height=h, shape=_shape(w, h)), (w, h)) for w, h in SIZES
        ]
        if size not in SIZES:
            sizes.append((t("preflight.size", width=size[0], height=size[1], shape=_shape(*size)), size))
        self.quality.become(sizes, size)
        self.quality.setEnabled(desk.health.air == "off")
        where = desk.connection.detail if desk.connection.detail.startswith("http") else ""
        self.destination.become([(where or t("preflight.embedded"), "platform")], "platform")
        self.mirror.blockSignals(True)
        self.mirror.setChecked(programme.mirror)
        self.mirror.blockSignals(False)
        self._refresh()

    # --- checks ------------------------------------------------------------------------------

    def _heard(self, level: Level) -> None:
        self._levels.append((time.monotonic(), level))

    def heard(self) -> Heard:
        now = time.monotonic()
        recent = [level for at, level in self._levels if now - at <= HEARD_S]
        if not recent:
            return Heard()
        first = next(at for at, _ in self._levels if now - at <= HEARD_S)
        return Heard(max(level.peak_db for level in recent), any(level.clipped for level in recent), now - first)

    def _machine_came(self, machine: Machine) -> None:
        self._machine = machine
        self._refresh()

    def _refresh(self) -> None:
        for check in checks(self._desk, self.heard(), self._machine):
            self.rows[check.id].show_check(check)
        self.why.setText(self.go.action.reason if not self.go.action.enabled else "")

    def _cure(self, button: str) -> None:
        if button == "check.button.look_again":
            self._desk.find_devices()
        elif button == "check.button.unmute":
            self._desk.set_muted(False)
        elif button == "action.retry":
            self._desk.retry_connection()
        elif button == "check.button.see":
            self.wants_queue.emit()

    def focus_camera(self) -> None:
        self.camera.setFocus()

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange:
            self.update()
        super().changeEvent(event)


class Rule(QWidget):
    """A vertical hairline."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setFixedWidth(1)

    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self).fillRect(self.rect(), theme.colour(theme.colours().line))


def _shape(width: int, height: int) -> str:
    return "9:16" if height > width else "16:9"
