"""The sound of the microphones in one small menu: how loud each is, whether it is cleaned, and which they are.

Promises: a gain acts as it is turned, beside the bars that show it; the arrows and Tab
reach everything; not modal.
"""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QMenu, QSlider, QVBoxLayout, QWidget, QWidgetAction

from ..desk import Desk
from ..naming import device_words
from ..words import t
from .sources import microphones_part, second_microphone

GAIN_MOST_DB = 20


class SoundMenu(QMenu):
    def __init__(self, desk: Desk, parent: QWidget) -> None:
        super().__init__(parent)
        self._desk = desk
        self.setAccessibleName(t("action.sound"))
        programme = desk.programme
        self.sliders = [self._gain(programme.microphone, second=False)]
        if second := second_microphone(desk):
            self.sliders.append(self._gain(second, second=True))
        self.reset = self.addAction(t("meter.gain_reset"), self._reset)
        self.addSeparator()
        self.shaped = self.addAction(t("sound.shaped"))
        self.shaped.setCheckable(True)
        self.shaped.setChecked(programme.shaped)
        self.shaped.toggled.connect(desk.set_shaped)
        microphones_part(self, desk)

    def _gain(self, spec: str, *, second: bool) -> QSlider:
        page = QWidget(self)
        said, slider = QLabel(page), QSlider(Qt.Orientation.Horizontal, page)
        column = QVBoxLayout(page)
        column.setContentsMargins(14, 8, 14, 6)
        column.setSpacing(2)
        column.addWidget(said)
        column.addWidget(slider)
        name = self._name(spec)
        slider.setRange(-GAIN_MOST_DB, GAIN_MOST_DB)
        slider.setPageStep(6)
        slider.setMinimumWidth(260)
        slider.setAccessibleName(t("meter.gain_name", name=name))
        page.setFocusProxy(slider)

        def say(gain_db: int) -> None:
            said.setText(t("meter.gain", name=name, gain=f"{gain_db:+d}".replace("-", "−") if gain_db else "0"))

        slider.setValue(round(self._desk.gain_db(second)))
        say(slider.value())
        slider.valueChanged.connect(say)
        slider.valueChanged.connect(partial(self._turned, second))
        holder = QWidgetAction(self)
        holder.setDefaultWidget(page)
        self.addAction(holder)
        return slider

    def _turned(self, second: bool, gain_db: int) -> None:
        self._desk.set_gain(float(gain_db), second)

    def _name(self, spec: str) -> str:
        names = {one.spec: one.name for one in self._desk.devices.microphones}
        return device_words(spec, names.get(spec, ""))

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Tab goes from slider to slider, then to the entries below: the arrows turn a slider."""
        at = next((i for i, slider in enumerate(self.sliders) if slider.hasFocus()), None)
        if at is None:
            return super().focusNextPrevChild(forward)
        to = at + (1 if forward else -1)
        if 0 <= to < len(self.sliders):
            self.sliders[to].setFocus(Qt.FocusReason.TabFocusReason)
        else:
            self.setFocus(Qt.FocusReason.TabFocusReason)
            self.setActiveAction(self.reset if forward else self.actions()[-1])
        return True

    def _reset(self) -> None:
        for slider in self.sliders:
            slider.setValue(0)
