"""How a camera is used: size, turn, cut, and its lens and sensor, beside the picture that shows it at once.

Promises: every knob acts as it is turned, and what the camera does of it is said below
in words; a knob the camera has not is not shown; the wheel changes nothing by
accident; one button puts everything back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import structs
from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QKeyEvent, QWheelEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from seller_console.contract.media import CameraKnob, CameraOffer, CameraSet, CameraSettings

from .. import theme
from ..desk import Desk
from ..naming import device_words
from ..words import decimal, t
from .choice import Choice
from .controls import plain_button

SIZES = ((0, 0), (640, 480), (1280, 720), (1920, 1080), (2560, 1440), (3840, 2160))
RATES = (0, 15, 24, 25, 30, 50, 60)
TURNS = (0, 90, 180, 270)
KNOBS: tuple[CameraKnob, ...] = ("focus", "exposure", "white_balance", "gain")
UNSET = CameraSettings()


class Slide(QSlider):
    """Whole steps; the wheel scrolls the page instead."""

    def __init__(self, name: str, parent: QWidget) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()

    def show_value(self, value: int) -> None:
        """Not while a hand is on it; nothing is emitted."""
        if not self.isSliderDown():
            with QSignalBlocker(self):
                self.setValue(value)


class Knob(QWidget):
    """A slider with its figure, and *auto* where there is one. `turned`: the value, None for automatic."""

    turned = Signal(object)

    def __init__(self, name: str, parent: QWidget, *, automatic: bool = False) -> None:
        super().__init__(parent)
        self.slide = Slide(name, self)
        self.figure = QLabel(self)
        self.figure.setMinimumWidth(44)
        self.slide.setMinimumWidth(60)
        self.figure.setFont(theme.font(13))
        self.figure.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.auto = QCheckBox(t("camera.auto"), self)
        self.auto.setAccessibleName(f"{name} : {t('camera.auto')}")
        self.auto.setVisible(automatic)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(8)
        line.addWidget(self.slide, 1)
        line.addWidget(self.figure)
        line.addWidget(self.auto)
        self._step = 1.0
        self._lowest = 0.0
        self._words: Callable[[float], str] = lambda value: f"{value:g}"
        self.slide.valueChanged.connect(self._slid)
        self.auto.toggled.connect(self._toggled)

    def spread(self, lowest: float, highest: float, step: float, words: Callable[[float], str] | None = None) -> None:
        """What the slider runs over, and how its figure is written."""
        self._lowest, self._step = lowest, step if step > 0 else 1.0
        self._words = words or self._words
        with QSignalBlocker(self.slide):
            self.slide.setRange(0, max(1, round((highest - lowest) / self._step)))
            self.slide.setPageStep(max(1, self.slide.maximum() // 10))

    def show_value(self, value: float, automatic: bool = False) -> None:
        self.slide.show_value(round((value - self._lowest) / self._step))
        with QSignalBlocker(self.auto):
            self.auto.setChecked(automatic)
        self.slide.setEnabled(not automatic)
        self._write()

    def _value(self) -> float:
        return self._lowest + self.slide.value() * self._step

    def _write(self) -> None:
        self.figure.setText("" if self.auto.isChecked() else self._words(self._value()))

    def _slid(self) -> None:
        self._write()
        self.turned.emit(self._value())

    def _toggled(self, automatic: bool) -> None:
        self.turned.emit(None if automatic else self._value())


class CameraPanel(QWidget):
    closed = Signal()

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("ground")
        self._desk = desk
        self._spec = ""
        self.which = Choice(t("camera.which"), self)
        self.size_asked = Choice(t("camera.size"), self)
        self.rate = Choice(t("camera.fps"), self)
        self.turn = Choice(t("camera.rotation"), self)
        self.mirror = QCheckBox(t("camera.mirror"), self)
        self.mirror.setAccessibleName(self.mirror.text())
        self.zoom = Knob(t("camera.zoom"), self)
        self.zoom.spread(1.0, 8.0, 0.1, lambda value: f"× {decimal(value, 1)}")
        self.across = Knob(t("camera.centre_x"), self)
        self.down = Knob(t("camera.centre_y"), self)
        for knob in (self.across, self.down):
            knob.spread(0.0, 1.0, 0.01, lambda value: f"{round(value * 100)}\u202f%")
        self.knobs = {name: Knob(t(f"camera.{name}"), self, automatic=True) for name in KNOBS}
        self.given = QLabel(self)
        self.given.setProperty("tone", "second")
        self.given.setWordWrap(True)
        self.said = QLabel(self)
        self.said.setProperty("tone", "warn")
        self.said.setWordWrap(True)
        for choice, letters in ((self.size_asked, 9), (self.rate, 6), (self.turn, 4)):
            choice.setMinimumContentsLength(letters)
        self._labels: dict[str, QLabel] = {}
        self._lay_out()
        self.which.activated.connect(self._chosen)
        self.size_asked.activated.connect(
            lambda _i: self._use(width=self.size_asked.currentData()[0], height=self.size_asked.currentData()[1])
        )
        self.rate.activated.connect(lambda _i: self._use(fps=self.rate.currentData()))
        self.turn.activated.connect(lambda _i: self._use(rotation=self.turn.currentData()))
        self.mirror.toggled.connect(lambda on: self._use(mirror=on))
        self.zoom.turned.connect(lambda value: self._use(zoom=round(value, 2)))
        self.across.turned.connect(lambda value: self._use(centre_x=round(value, 2)))
        self.down.turned.connect(lambda value: self._use(centre_y=round(value, 2)))
        for name, knob in self.knobs.items():
            knob.turned.connect(lambda value, name=name: self._use(**{name: value}))
        desk.cameras_changed.connect(lambda _cameras: self.refresh())
        self.refresh()

    def _lay_out(self) -> None:
        inside = QWidget(self)
        inside.setObjectName("ground")
        grid = QGridLayout(inside)
        grid.setContentsMargins(16, 8, 12, 10)
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(7)
        grid.setColumnStretch(1, 1)
        both = QWidget(inside)
        sizes = QHBoxLayout(both)
        sizes.setContentsMargins(0, 0, 0, 0)
        sizes.setSpacing(8)
        sizes.addWidget(self.size_asked, 3)
        sizes.addWidget(self.rate, 2)
        turned = QWidget(inside)
        turns = QHBoxLayout(turned)
        turns.setContentsMargins(0, 0, 0, 0)
        turns.setSpacing(14)
        turns.addWidget(self.turn, 1)
        turns.addWidget(self.mirror)
        rows: list[tuple[str, QWidget]] = [
            ("size", both), ("rotation", turned), ("zoom", self.zoom), ("centre_x", self.across),
            ("centre_y", self.down), *self.knobs.items(),
        ]  # fmt: skip
        for line, (name, field) in enumerate(rows):
            label = self._labels[name] = QLabel(t(f"camera.{name}"), inside)
            label.setMinimumWidth(104)
            grid.addWidget(label, line, 0)
            grid.addWidget(field, line, 1)
        grid.addWidget(self.given, len(rows), 0, 1, 2)
        grid.setRowStretch(len(rows) + 1, 1)
        scroll = QScrollArea(self)
        scroll.setWidgetResizable(True)
        scroll.setWidget(inside)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        head = QWidget(self)
        top = QHBoxLayout(head)
        top.setContentsMargins(16, 8, 16, 0)
        heading = QLabel(t("action.camera"), head)
        heading.setFont(theme.font(17, theme.BOLD))
        top.addWidget(heading)
        top.addWidget(self.which, 1)
        foot = QWidget(self)
        foot.setObjectName("foot")
        under = QHBoxLayout(foot)
        under.setContentsMargins(16, 9, 16, 9)
        self.reset = plain_button(t("camera.reset"), self._reset, foot)
        under.addWidget(self.reset)
        under.addStretch(1)
        self.done = plain_button(t("settings.close"), self.closed.emit, foot, tone="main")
        under.addWidget(self.done)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(head)
        column.addWidget(scroll, 1)
        self.said.setContentsMargins(16, 6, 16, 6)
        column.addWidget(self.said)
        column.addWidget(foot)

    def begin(self) -> None:
        """The keyboard is here now; the camera is the one it was asked for."""
        if self._desk.asked_about:
            self._spec = self._desk.asked_about
            self.refresh()
        self.turn.setFocus()

    # --- what is asked -------------------------------------------------------------------------

    def _now(self) -> CameraSet:
        found = {one.camera: one for one in self._desk.cameras}
        if self._spec not in found:
            self._spec = next(iter(found), "testcard")
        return found.get(self._spec) or CameraSet(camera=self._spec, settings=UNSET)

    def _use(self, **changes: Any) -> None:
        now = self._now()
        self._desk.set_camera(now.camera, structs.replace(now.settings, **changes))

    def _reset(self) -> None:
        self._desk.set_camera(self._now().camera, UNSET)

    def _chosen(self, _index: int) -> None:
        self._spec = str(self.which.currentData())
        self.refresh()

    # --- what is shown -------------------------------------------------------------------------

    def refresh(self) -> None:
        now = self._now()
        used = now.settings
        self.which.become([(self._name(one.camera), one.camera) for one in self._desk.cameras], now.camera)
        self.which.setEnabled(len(self._desk.cameras) > 1)
        asked = (used.width, used.height)
        sizes: list[tuple[str, object]] = [(_size_words(*size), size) for size in SIZES]
        if asked not in SIZES:
            sizes.append((_size_words(*asked), asked))
        self.size_asked.become(sizes, asked)
        rates: list[tuple[str, object]] = [(_rate_words(rate), rate) for rate in dict.fromkeys((*RATES, used.fps))]
        self.rate.become(rates, used.fps)
        self.turn.become([(f"{turn}°", turn) for turn in TURNS], used.rotation)
        with QSignalBlocker(self.mirror):
            self.mirror.setChecked(used.mirror)
        self.zoom.show_value(used.zoom)
        for knob, value in ((self.across, used.centre_x), (self.down, used.centre_y)):
            knob.show_value(value)
            knob.setEnabled(used.zoom > 1)
        offers = {offer.name: offer for offer in now.offers}
        for name in KNOBS:
            self._show_knob(name, offers.get(name), getattr(used, name))
        real = now.camera.startswith("camera:")
        self.size_asked.setEnabled(real)
        self.rate.setEnabled(real)
        self.given.setText(self._given(now, real))
        self.said.setText(self._undone(now))
        self.said.setVisible(bool(now.ignored))
        self.reset.setEnabled(used != UNSET)

    def _show_knob(self, name: CameraKnob, offer: CameraOffer | None, asked: float | None) -> None:
        knob = self.knobs[name]
        knob.setVisible(offer is not None)
        self._labels[name].setVisible(offer is not None)
        if offer is not None:
            knob.spread(offer.lowest, offer.highest, offer.step)
            # without an automatic of its own it stands where it stood until somebody moves it
            knob.auto.setVisible(offer.automatic)
            knob.show_value(offer.value if asked is None else asked, offer.automatic and asked is None)

    def _name(self, spec: str) -> str:
        names = {one.spec: one.name for one in self._desk.devices.cameras}
        return device_words(spec, names.get(spec, ""))

    def _given(self, now: CameraSet, real: bool) -> str:
        said = [t("camera.gives", width=now.width, height=now.height, fps=round(now.fps))] if now.width else []
        if now.width and not now.fps:
            said = [t("camera.gives_size", width=now.width, height=now.height)]
        missing = [t(f"camera.{name}").lower() for name in KNOBS if name not in {offer.name for offer in now.offers}]
        if real and now.width and missing:
            said.append(t("camera.has_not", names=", ".join(missing)))
        return " ".join(said)

    def _undone(self, now: CameraSet) -> str:
        said = [t("camera.picture_size") if name == "size" else t(f"camera.{name}") for name in now.ignored]
        names = ", ".join(said).lower()
        return t("camera.ignored", names=names) if now.ignored else ""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.closed.emit()
        else:
            super().keyPressEvent(event)


def _size_words(width: int, height: int) -> str:
    return f"{width} × {height}" if width else t("camera.size_auto")


def _rate_words(fps: int) -> str:
    return t("camera.rate", fps=fps) if fps else t("camera.rate_auto")
