"""Recording and the sources of the scenes, as a person chooses them before the show and while it runs."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, QPoint, Qt, QUrl, Slot
from PySide6.QtGui import QAction, QContextMenuEvent, QDesktopServices
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QMenu, QSlider

from seller_console import places
from seller_console.contract import media as m
from seller_console.contract.media import Camera, Microphone
from tests.ui import scenes
from tests.ui.desk_floor import DeskFloor
from ui.checks import Machine, read_machine
from ui.desk import Desk
from ui.values import Devices, Recording
from ui.views.meter import Bars
from ui.views.recording import RecordChoice, facts, recording_menu
from ui.views.sources import SourceChoices, second_microphones, sources_menu
from ui.window import Window

TWO = Devices((Camera("camera:a", "C920"), Camera("camera:b", "Brio"), Camera("testcard", "", stand_in=True)), ())


@pytest.fixture
def floor(app: object) -> DeskFloor:
    made = DeskFloor(live=False)
    made.desk.take_engine_road("connected")
    return made


def pick(choice: RecordChoice, value: object) -> None:
    """As a person: an entry of the list."""
    choice.choice.setCurrentIndex(choice.choice.findData(value))
    choice.choice.activated.emit(choice.choice.currentIndex())


def entry(menu: QMenu, words: str) -> QAction:
    return next(action for action in menu.actions() if words in action.text())


def told(floor: DeskFloor, kind: type) -> list[object]:
    return [word for word in floor.wires.told if isinstance(word, kind)]


# --- before the show ---------------------------------------------------------------------------


def test_the_choice_before_the_show_is_kept_and_writes_nothing_yet(floor: DeskFloor, tmp_path: Path) -> None:
    choice = RecordChoice(floor.desk, None)  # type: ignore[arg-type]
    assert choice.choice.currentData() == "no"
    pick(choice, "")
    assert floor.wires.kept["record"] is True and told(floor, m.StartRecording) == []
    choice.record_into(str(tmp_path))
    assert floor.wires.kept["record_folder"] == str(tmp_path)
    assert choice.choice.currentData() == str(tmp_path) and tmp_path.name in choice.choice.currentText()
    pick(choice, "no")
    assert floor.wires.kept["record"] is False and choice.choice.currentData() == "no"


def test_another_folder_is_only_taken_once_it_was_named(floor: DeskFloor) -> None:
    choice = RecordChoice(floor.desk, None)  # type: ignore[arg-type]
    pick(choice, "other")
    assert choice._dialog is not None and choice._dialog.isVisible() and not choice._dialog.isModal()
    assert choice.choice.currentData() == "no" and "record" not in floor.wires.kept
    choice._dialog.close()


def test_the_room_is_that_of_the_disk_recorded_to(floor: DeskFloor, tmp_path: Path) -> None:
    machine = read_machine(tmp_path / "not" / "made" / "yet")
    assert machine.record_free_bytes > 0 and Machine().record_free_bytes == -1
    choice = RecordChoice(floor.desk, None)  # type: ignore[arg-type]
    choice.show_free(412_000_000_000)
    assert "412" in choice.choice.itemText(1) and "348" in choice.choice.itemText(1), "at 2.5 Mb/s and the sound"
    choice.record_into(str(tmp_path))
    assert "412" not in choice.choice.itemText(1), "another disk was not measured yet"


# --- while it runs -------------------------------------------------------------------------------


def test_on_air_it_begins_and_ends_at_once_in_the_chosen_folder(app: object, tmp_path: Path) -> None:
    floor = DeskFloor()
    floor.wires.kept["record_folder"] = str(tmp_path)
    floor.desk.set_recording(True)
    assert told(floor, m.StartRecording) == [m.StartRecording(folder=str(tmp_path))]
    floor.desk.set_recording(False)
    assert told(floor, m.StopRecording) == [m.StopRecording()] and floor.wires.kept["record"] is False


def test_the_badge_says_whether_the_show_is_recorded_and_opens_more(window: Window, desk: Desk) -> None:
    badge = window.top.recording
    asked: list[str] = []
    desk.asked.connect(asked.append)
    said = {}
    for state in ("off", "recording", "finishing", "failed"):
        active = state == "recording"
        desk.put(recording=Recording(active, 412_000_000_000, state, error="disk_full"))  # type: ignore[arg-type]
        said[state] = badge.words
        assert badge.isVisible()
    assert len(set(said.values())) == 4 and "412" in said["recording"]
    QTest.mouseClick(badge, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(8, 8))
    assert asked == ["open_recording"] and window._menu is not None and window._menu.isVisible()
    window._menu.close()
    scenes.producer(desk)
    assert not badge.isVisible(), "a producer's console records nothing"


def test_the_menu_says_time_size_and_room_and_stops_or_begins(window: Window, desk: Desk) -> None:
    orders: list[bool] = []
    desk.set_recording = lambda wanted, folder=None: orders.append(wanted)  # type: ignore[method-assign]
    desk.put(recording=Recording(True, 1, "recording", "/x/a.mkv", 754, 1_412_000_000, 190.2))
    menu = recording_menu(desk, window, lambda: None)
    assert "00:12:34" in menu.actions()[0].text() and "1,4\u202fGo" in menu.actions()[0].text()
    assert "190,2\u202f" in menu.actions()[1].text() or "190,2" in menu.actions()[1].text()
    entry(menu, "Arrêter").trigger()
    desk.put(recording=Recording(False, 1, "failed", "/x/a.mkv", 754, 1_412_000_000, 0.0, "disk_full"))
    assert "plein" in facts(desk)[0]
    entry(recording_menu(desk, window, lambda: None), "Enregistrer").trigger()
    assert orders == [False, True]


class Files(QObject):
    """Stands where the system's window of files is called."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[str] = []

    @Slot(QUrl)
    def open(self, url: QUrl) -> None:
        self.opened.append(url.toLocalFile())


@pytest.fixture
def files() -> Iterator[Files]:
    made = Files()
    QDesktopServices.setUrlHandler("file", made, "open")
    yield made
    QDesktopServices.unsetUrlHandler("file")


def test_the_folder_of_the_segments_opens_and_before_the_first_the_nearest_one(
    window: Window, desk: Desk, files: Files, tmp_path: Path, home: Path
) -> None:
    desk.asked.emit("open_recordings")
    desk.put(recording=Recording(True, 1, "recording", str(tmp_path / "a-01.mkv")))
    desk.asked.emit("open_recordings")
    assert [Path(folder) for folder in files.opened] == [places.home(), tmp_path]


def test_a_recording_that_stopped_by_itself_is_on_the_strip_with_why_and_f9_begins_anew(app: object) -> None:
    from ui.views.strip import trouble_sentence

    floor = DeskFloor()
    floor.desk.take_engine_road("connected")
    floor.desk.take_note(m.TroubleRaised(code="recording_failed", subject="/x/a.mkv", detail="disk_full"))
    (trouble,) = floor.desk.troubles
    assert "plein" in trouble_sentence(trouble, trouble.since_mono) and "continue" in trouble_sentence(trouble, 0)
    floor.desk.cure_trouble()
    assert told(floor, m.StartRecording) == [m.StartRecording()]


# --- what the scenes are made of -------------------------------------------------------------------


def test_the_cameras_of_the_scenes_and_the_still_are_chosen_and_kept(floor: DeskFloor, tmp_path: Path) -> None:
    picture = tmp_path / "logo.png"
    picture.write_bytes(b"x")
    floor.desk.put(devices=TWO)
    parts = SourceChoices(floor.desk, None)  # type: ignore[arg-type]
    offered = [parts.face.itemData(i) for i in range(parts.face.count())]
    assert [spec for spec in offered if not spec.startswith(("screen", "network"))] == [
        "", "camera:a", "camera:b", "testcard",
    ]  # fmt: skip
    parts.face.setCurrentIndex(2)
    parts.face.activated.emit(2)
    assert told(floor, m.SetProgramme)[-1].second_camera == "camera:b"  # type: ignore[attr-defined]
    assert floor.wires.kept["second_camera"] == "camera:b"
    parts.asking.open()
    assert parts.asking.dialog is not None and not parts.asking.dialog.isModal()
    parts.asking.dialog.fileSelected.emit(str(picture))
    parts.asking.dialog.close()
    assert told(floor, m.SetProgramme)[-1].still == str(picture)  # type: ignore[attr-defined]
    assert floor.wires.kept["still"] == str(picture)
    now = replace(floor.desk.programme, second_camera="camera:gone@usb1", still=str(tmp_path / "away.png"))
    floor.desk.put(programme=now)
    assert "absente" in parts.face.currentText() and "gone" in parts.face.currentText()
    assert "absent" in parts.still.currentText()


def test_a_second_microphone_is_chosen_kept_and_outlives_every_other_choice(floor: DeskFloor) -> None:
    two = Devices(
        microphones=(Microphone("microphone:a", "C920"), Microphone("microphone:b", "Yeti"), Microphone("tone", "tone"))
    )
    floor.desk.put(devices=two, programme=replace(floor.desk.programme, microphone="microphone:a"))
    assert [spec for _, spec in second_microphones(floor.desk)] == ["", "microphone:b", "tone"]  # type: ignore[arg-type]
    floor.desk.choose_second_microphone("microphone:b")
    assert told(floor, m.SetProgramme)[-1].second_microphone == "microphone:b"  # type: ignore[attr-defined]
    assert floor.wires.kept["second_microphone"] == "microphone:b"
    floor.desk.put(programme=replace(floor.desk.programme, second_microphone="microphone:b"))
    floor.desk.choose_camera("testcard")
    assert told(floor, m.SetProgramme)[-1].second_microphone == "microphone:b"  # type: ignore[attr-defined]
    floor.desk.put(programme=replace(floor.desk.programme, second_microphone="microphone:gone"))
    assert "absent" in second_microphones(floor.desk)[-1][0]  # type: ignore[arg-type]


def test_the_gain_is_turned_beside_the_bars_and_kept_with_its_microphone(floor: DeskFloor, window: Window) -> None:
    floor.desk.put(programme=replace(floor.desk.programme, microphone="microphone:a"))
    bars = Bars(floor.desk)  # type: ignore[arg-type]
    bars.open_gain(QPoint(10, 10))
    assert bars._menu is not None
    slider = bars._menu.findChild(QSlider)
    assert slider is not None and slider.value() == 0
    slider.setValue(-6)
    assert told(floor, m.SetGain)[-1] == m.SetGain(gain_db=-6.0)
    assert any("−6 dB" in label.text() for label in bars._menu.findChildren(QLabel))
    floor.desk.choose_microphone("microphone:b")
    assert told(floor, m.SetGain)[-1] == m.SetGain(gain_db=0.0)
    floor.desk.choose_microphone("microphone:a")
    assert told(floor, m.SetGain)[-1] == m.SetGain(gain_db=-6.0)
    bars._menu.close()


def test_on_air_a_right_click_on_the_picture_offers_the_same(window: Window, desk: Desk) -> None:
    chosen: list[tuple[str, str]] = []
    for name in ("choose_camera", "choose_second_camera", "choose_still"):
        setattr(desk, name, lambda value, name=name: chosen.append((name, value)))
    desk.put(devices=TWO, programme=replace(desk.programme, camera="camera:a", still="/x/logo.png"))
    menu = sources_menu(desk, window, window._stills)
    names = [action.text() for action in menu.actions() if action.isEnabled() and not action.isSeparator()]
    assert names.count("C920") == 2 and names.count("Brio") == 2
    for action in [action for action in menu.actions() if action.text() == "Brio"]:
        action.trigger()
    assert chosen == [("choose_camera", "camera:b"), ("choose_second_camera", "camera:b")]
    asked: list[str] = []
    desk.asked.connect(asked.append)
    QApplication.processEvents()
    preview = window.live.preview
    where = QPoint(200, 200)
    QApplication.sendEvent(
        preview, QContextMenuEvent(QContextMenuEvent.Reason.Mouse, where, preview.mapToGlobal(where))
    )
    assert "open_scenes" in asked and window._menu is not None
    window._menu.close()


def test_every_scene_that_can_be_shown_has_its_tile(window: Window, desk: Desk) -> None:
    every = ("table", "face", "both", "split", "still", "pause")
    for offered in (("table", "pause"), every):
        refusals = {button.action.id: "-" for button in window.live.preview.scenes if button.scene not in offered}
        desk.put(refusals=refusals, programme=replace(desk.programme, scenes=offered))
        QApplication.processEvents()
        shown = [button for button in window.live.preview.scenes if button.isVisible()]
        assert [button.scene for button in shown] == list(offered)
        boxes = [button.geometry() for button in shown]
        assert all(not one.intersects(other) for one, other in itertools.pairwise(boxes))
        assert min(box.y() for box in boxes) > 44, "under the words at the top"
