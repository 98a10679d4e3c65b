"""What the show is made of, before it goes live: its title, devices, picture, and how long a lot lasts.

Promises: a device shown as chosen is the one the engine was told; the test card and
the test tone are called so; the wheel changes nothing by accident.
"""

from __future__ import annotations

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import (
    QCheckBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from seller_console.contract.words import Preset

from ..desk import Desk
from ..destinations import count_words
from ..values import Programme
from ..words import t
from .camera import CameraPanel
from .choice import Choice
from .controls import plain_button
from .destinations import DestinationsPanel
from .fields import Count, mark
from .meter import Bars
from .preview import Preview
from .recording import RecordChoice
from .sources import SourceChoices, cameras, microphones, second_microphone, second_microphones, take_camera

SIZES = ((720, 1280), (1080, 1920), (1280, 720), (1920, 1080))
TITLE_MOST = 80


class PresetFields(QWidget):
    """How long a lot lasts and its counter-bid time: the usual preset, and the other (F2)."""

    def __init__(self, desk: Desk, parent: QWidget) -> None:
        super().__init__(parent)
        self._desk = desk
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(8)
        unit = t("editor.unit_s")
        self.fields: list[Count] = []
        for name, short, least, most in (
            ("preflight.duration", "", 5, 3600),
            ("preflight.counter_bid", "+", 0, 120),
            ("preflight.other_duration", t("preflight.other_short"), 5, 3600),
            ("preflight.other_counter_bid", "+", 0, 120),
        ):
            field = Count(least, most, unit, self)
            field.setAccessibleName(t(name))
            field.setToolTip(t(name))
            field.editingFinished.connect(self._edited)
            if short:
                label = QLabel(short, self)
                label.setProperty("tone", "second")
                line.addWidget(label)
            line.addWidget(field, 1)
            self.fields.append(field)
        desk.show_changed.connect(lambda _show: self.refresh())
        self.refresh()

    def refresh(self) -> None:
        show = self._desk.show
        known = (
            show.preset.duration_ms, show.preset.counter_bid_ms, show.other_preset.duration_ms,
            show.other_preset.counter_bid_ms,
        )  # fmt: skip
        for field, ms in zip(self.fields, known, strict=True):
            if not field.hasFocus():
                field.set_value(ms // 1000)
                mark(field, False)

    def _edited(self) -> None:
        values = [field.value() for field in self.fields]
        for field, value in zip(self.fields, values, strict=True):
            mark(field, value is None)
        seconds = [value for value in values if value is not None]
        if len(seconds) < len(values):
            return
        show = self._desk.show
        usual = Preset(
            duration_ms=seconds[0] * 1000, counter_bid_ms=seconds[1] * 1000, sudden_death=show.preset.sudden_death
        )
        other = Preset(
            duration_ms=seconds[2] * 1000,
            counter_bid_ms=seconds[3] * 1000,
            sudden_death=show.other_preset.sudden_death,
        )
        if (usual, other) != (show.preset, show.other_preset):
            self._desk.set_presets(usual, other)


class SetUp(QWidget):
    """The left half of the pre-flight screen."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("ground")
        self._desk = desk
        self.preview = Preview(desk, self, overlays=False, radius=12)
        self.preview.setMinimumHeight(90)
        self.bars = Bars(desk, self, named=False)
        self.title = QLineEdit(self)
        self.title.setMaxLength(TITLE_MOST)
        self.title.setAccessibleName(t("preflight.title"))
        self.camera = Choice(t("preflight.camera"), self)
        self.microphone = Choice(t("preflight.microphone"), self)
        self.second = Choice(t("sources.second"), self)
        self.destination = Choice(t("preflight.destination"), self)
        self.quality = Choice(t("preflight.quality"), self)
        self.presets = PresetFields(desk, self)
        self.sources = SourceChoices(desk, self)
        self.recording = RecordChoice(desk, self)
        self.mirror = QCheckBox(t("preflight.mirror"), self)
        self.mirror.setAccessibleName(self.mirror.text())
        column = QVBoxLayout(self)
        column.setContentsMargins(32, 24, 32, 16)
        column.setSpacing(0)
        column.addWidget(self.preview, 1)
        column.addSpacing(12)
        self.tune = plain_button(t("preflight.tune"), self._tune, self)
        self.tune.setAccessibleName(t("action.camera"))
        self.sound = plain_button(t("preflight.sound"), self._open_sound, self)
        self.sound.setAccessibleName(t("action.sound"))
        self.also = plain_button("", self._open_destinations, self)
        fields = QWidget(self)
        fields.setLayout(self._fields())
        self.camera_panel = CameraPanel(desk, self)
        self.camera_panel.closed.connect(self._close_camera)
        self.pages = QStackedWidget(self)
        self.pages.addWidget(fields)
        self.pages.addWidget(self.camera_panel)
        self.destinations = DestinationsPanel(desk, self)
        self.destinations.closed.connect(self._close_destinations)
        self.pages.addWidget(self.destinations)
        desk.destinations.changed.connect(self._count_destinations)
        self._count_destinations()
        column.addWidget(self.pages)
        self._column, self._fields_page = column, fields
        self.title.editingFinished.connect(self._titled)
        self.camera.activated.connect(lambda _i: self._camera_chosen())
        self.microphone.activated.connect(lambda _i: desk.choose_microphone(str(self.microphone.currentData())))
        self.second.activated.connect(lambda _i: desk.choose_second_microphone(str(self.second.currentData())))
        self.quality.activated.connect(lambda _i: desk.set_size(*self.quality.currentData()))
        self.mirror.toggled.connect(desk.set_mirror)
        for signal in (
            desk.devices_changed, desk.programme_changed, desk.show_changed, desk.health_changed,
            desk.connection_changed,
        ):  # fmt: skip
            signal.connect(lambda _value: self.refresh())
        self.refresh()

    def _fields(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(14)
        grid.setVerticalSpacing(8)
        camera, sound, places_to = QWidget(self), QWidget(self), QWidget(self)
        buttons = (self.tune, self.sound, self.also)
        for line, parts in (
            (camera, (self.camera, self.tune)),
            (sound, (self.microphone, self.second, self.sound)),
            (places_to, (self.destination, self.also)),
        ):
            beside = QHBoxLayout(line)
            beside.setContentsMargins(0, 0, 0, 0)
            beside.setSpacing(8)
            for part in parts:
                beside.addWidget(part, 0 if part in buttons else 1)
        places: list[tuple[str, QWidget]] = [
            ("preflight.title", self.title),
            ("preflight.camera", camera),
            ("preflight.microphone", sound),
            ("", self.bars),
            ("preflight.destination", places_to),
            ("preflight.quality", self.quality),
            ("preflight.scenes", self.sources),
            ("preflight.record", self.recording),
            ("preflight.lots", self.presets),
            ("", self.mirror),
        ]
        for row, (name, field) in enumerate(places):
            if name:
                label = QLabel(t(name), self)
                label.setMinimumWidth(104)
                buddies = {
                    camera: self.camera,
                    sound: self.microphone,
                    places_to: self.destination,
                    self.sources: self.sources.face,
                    self.recording: self.recording.choice,
                }
                label.setBuddy(buddies.get(field, field))
                grid.addWidget(label, row, 0)
            grid.addWidget(field, row, 1)
        grid.setColumnStretch(1, 1)
        return grid

    def _tune(self) -> None:
        self._desk.actions.open_camera.press()

    def _open_sound(self) -> None:
        self.bars.open_gain(self.sound.mapToGlobal(QPoint(0, self.sound.height() + 4)))

    def _open_destinations(self) -> None:
        self._desk.actions.open_destinations.press()

    def open_destinations(self) -> None:
        """Where else the show goes, under the picture."""
        self.destinations.refresh()
        self.pages.setCurrentWidget(self.destinations)
        self._share(picture_first=True)
        self.destinations.begin()

    def _close_destinations(self) -> None:
        self.pages.setCurrentIndex(0)
        self._share(picture_first=False)
        self.also.setFocus()

    def _count_destinations(self) -> None:
        self.also.setText(count_words(self._desk.destinations.rows))
        self.also.setAccessibleName(f"{t('action.destinations')} – {self.also.text()}")

    def open_camera(self) -> None:
        """The camera's settings, under its picture."""
        self.camera_panel.refresh()
        self.pages.setCurrentWidget(self.camera_panel)
        self._share(picture_first=True)
        self.camera_panel.begin()

    def _close_camera(self) -> None:
        self.pages.setCurrentIndex(0)
        self._share(picture_first=False)
        self.tune.setFocus()

    def _share(self, picture_first: bool) -> None:
        """While the camera is set up its picture keeps half of the height; the knobs scroll."""
        ignored, kept = QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred
        self._fields_page.setSizePolicy(ignored if picture_first else kept, ignored if picture_first else kept)
        self._column.setStretchFactor(self.pages, 1 if picture_first else 0)

    def _camera_chosen(self) -> None:
        chosen = str(self.camera.currentData())
        self.refresh()  # what is shown is what the engine was told, not what was touched
        take_camera(self._desk, "camera", chosen)

    def _titled(self) -> None:
        typed = self.title.text().strip()
        if typed and typed != self._desk.show.title and self._desk.show.status == "prepared":
            self._desk.rename_show(typed)

    def refresh(self) -> None:
        desk = self._desk
        programme: Programme = desk.programme
        if not self.title.hasFocus():
            self.title.setText(desk.show.title)
        self.camera.become(cameras(desk, programme.camera), programme.camera)
        self.tune.setEnabled(desk.actions.open_camera.enabled)
        self.microphone.become(microphones(desk), programme.microphone)
        seconds = [(t("sources.second_is", name=said), spec) for said, spec in second_microphones(desk)]
        self.second.become(seconds, second_microphone(desk))
        self.second.setToolTip(t("sources.second"))
        size = (programme.width, programme.height)
        sizes: list[tuple[str, object]] = [(_size_words(w, h), (w, h)) for w, h in SIZES]
        if size not in SIZES:
            sizes.append((_size_words(*size), size))
        self.quality.become(sizes, size)
        self.quality.setEnabled(desk.health.air == "off")
        where = desk.connection.detail if desk.connection.detail.startswith("http") else ""
        self.destination.become([(where or t("preflight.embedded"), "platform")], "platform")
        self.mirror.blockSignals(True)
        self.mirror.setChecked(programme.mirror)
        self.mirror.blockSignals(False)


def _size_words(width: int, height: int) -> str:
    return t("preflight.size", width=width, height=height, shape="9:16" if height > width else "16:9")
