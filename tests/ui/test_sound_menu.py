"""How loud each microphone is and whether the sound is cleaned: by the same gesture, kept, and told to the engine."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel

from seller_console.contract import media as m
from seller_console.contract.media import Microphone
from tests.ui.desk_floor import DeskFloor
from ui.values import Devices
from ui.views.meter import Bars
from ui.views.sound import SoundMenu

TWO = Devices((), (Microphone("microphone:a", "Yeti"), Microphone("microphone:b", "Cravate")))


@pytest.fixture
def floor(app: QApplication) -> DeskFloor:
    made = DeskFloor(live=False)
    now = replace(made.desk.programme, microphone="microphone:a", second_microphone="microphone:b")
    made.desk.put(devices=TWO, programme=now)
    return made


def told(floor: DeskFloor, kind: type) -> list[object]:
    return [word for word in floor.wires.told if isinstance(word, kind)]


def test_each_microphone_has_its_slider_its_name_and_its_own_gain(floor: DeskFloor) -> None:
    bars = Bars(floor.desk)
    bars.open_gain(QPoint(10, 10))
    menu = bars._menu
    assert isinstance(menu, SoundMenu)
    assert ["Yeti" in menu.sliders[0].accessibleName(), "Cravate" in menu.sliders[1].accessibleName()] == [True, True]
    menu.sliders[1].setValue(6)
    menu.sliders[0].setValue(-3)
    assert told(floor, m.SetGain) == [m.SetGain(gain_db=6.0, second=True), m.SetGain(gain_db=-3.0)]
    assert floor.wires.kept["gains"] == {"microphone:b": 6.0, "microphone:a": -3.0}
    assert [label.text() for label in menu.findChildren(QLabel)] == [
        "Yeti\u202f: gain −3 dB", "Cravate\u202f: gain +6 dB",
    ]  # fmt: skip
    menu.close()


def test_by_the_keyboard_the_second_slider_and_the_switch_are_reached(app: QApplication, floor: DeskFloor) -> None:
    bars = Bars(floor.desk)
    bars.show()
    bars.open_gain(QPoint(10, 10))
    menu = bars._menu
    assert menu is not None and not menu.isModal()
    QTest.keyClick(app.focusWidget() or menu, Qt.Key.Key_Right)
    assert menu.sliders[0].value() == 1
    QTest.keyClick(menu.sliders[0], Qt.Key.Key_Tab)
    assert menu.sliders[1].hasFocus()
    QTest.keyClick(menu.sliders[1], Qt.Key.Key_Tab)
    assert menu.activeAction() is menu.reset
    QTest.keyClick(menu, Qt.Key.Key_Down)
    assert menu.activeAction() is menu.shaped
    QTest.keyClick(menu, Qt.Key.Key_Return)
    assert told(floor, m.SetSound) == [m.SetSound(shaped=False)]


def test_which_microphones_they_are_is_chosen_below_their_gains(app: QApplication, floor: DeskFloor) -> None:
    bars = Bars(floor.desk)
    bars.show()
    bars.open_gain(QPoint(10, 10))
    menu = bars._menu
    assert menu is not None
    ticked = [entry.text() for entry in menu.actions() if entry.isChecked() and entry is not menu.shaped]
    assert ticked == ["Yeti", "Cravate"], "the first, and the one mixed with it"
    QTest.keyClick(menu.sliders[0], Qt.Key.Key_Backtab)
    assert menu.activeAction() is menu.actions()[-1], "the last entry, then up"
    while menu.activeAction() is not menu.shaped:
        QTest.keyClick(menu, Qt.Key.Key_Up)
    QTest.keyClick(menu, Qt.Key.Key_Down)
    QTest.keyClick(menu, Qt.Key.Key_Down)
    assert menu.activeAction().text() == "Cravate"
    QTest.keyClick(menu, Qt.Key.Key_Return)
    (word,) = told(floor, m.SetProgramme)
    assert isinstance(word, m.SetProgramme) and word.microphone == "microphone:b"
    assert floor.wires.kept["microphone"] == "microphone:b"


def test_one_device_in_both_places_is_heard_once_and_has_one_gain(floor: DeskFloor) -> None:
    floor.desk.put(programme=replace(floor.desk.programme, microphone="microphone:b"))
    assert len(SoundMenu(floor.desk, Bars(floor.desk)).sliders) == 1


def test_a_second_microphone_comes_with_the_gain_that_was_kept_with_it(floor: DeskFloor) -> None:
    floor.wires.kept["gains"] = {"microphone:b": 4.0}
    floor.desk.choose_second_microphone("microphone:b")
    assert told(floor, m.SetGain) == [m.SetGain(gain_db=4.0, second=True)]
    floor.desk.choose_second_microphone("")
    assert told(floor, m.SetGain)[-1] == m.SetGain(gain_db=0.0, second=True)
    floor.desk.put(programme=replace(floor.desk.programme, second_microphone=""))
    assert len(SoundMenu(floor.desk, Bars(floor.desk)).sliders) == 1


def test_the_sound_is_cleaned_or_not_as_was_chosen_and_it_is_kept(floor: DeskFloor) -> None:
    menu = SoundMenu(floor.desk, Bars(floor.desk))
    assert menu.shaped.isChecked()
    menu.shaped.trigger()
    assert told(floor, m.SetSound) == [m.SetSound(shaped=False)] and floor.wires.kept["shaped"] is False
    floor.desk.take_note(
        m.ProgrammeSet(
            camera="testcard", microphone="tone", width=720, height=1280, fps=30, target_bps=0, muted=False,
            shaped=False,
        )
    )  # fmt: skip
    assert not floor.desk.programme.shaped
    assert not SoundMenu(floor.desk, Bars(floor.desk)).shaped.isChecked()
