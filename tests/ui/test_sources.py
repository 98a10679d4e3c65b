"""A phone's address or the screen can be a camera; of an address only the computer is ever shown."""

from __future__ import annotations

import itertools
import json
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import structs
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox, QLabel, QLineEdit, QMenu

from seller_console.contract import media as m
from seller_console.link.settings import Settings
from tests.ui.conftest import bury, shown
from tests.ui.desk_floor import DeskFloor
from ui import words
from ui.naming import NoAddress, device_words, network_camera
from ui.views.sources import StillDialog, cameras, sources_menu
from ui.views.strip import trouble_sentence
from ui.window import Window

SECRET = "rtsp://anna:hush-hush@192.168.1.20:8554/live/k3y?token=abc"
CARD = m.Camera(spec="testcard", name="testcard", stand_in=True)
PROGRAMME = m.ProgrammeSet(
    camera="testcard", microphone="tone", width=720, height=1280, fps=30, target_bps=0, muted=False
)


@pytest.fixture
def floor(app: QApplication, monkeypatch: pytest.MonkeyPatch) -> DeskFloor:
    monkeypatch.setenv("DISPLAY", ":7")
    made = DeskFloor(live=False)
    made.desk.take_engine_road("connected")
    made.desk.take_note(m.DevicesFound(cameras=(CARD,), microphones=()))
    made.desk.take_note(PROGRAMME)
    return made


@pytest.fixture
def window(app: QApplication, floor: DeskFloor) -> Iterator[Window]:
    with shown(app, floor.desk) as made:
        yield made


def entries(choice: QComboBox) -> list[str]:
    return [choice.itemText(i) for i in range(choice.count())]


def pick(choice: QComboBox, said: str) -> None:
    choice.setCurrentIndex(entries(choice).index(said))
    choice.activated.emit(choice.currentIndex())


def give(window: Window, address: str) -> None:
    window.address.field.setText(address)
    window.address.use.click()


def programme(floor: DeskFloor) -> m.SetProgramme:
    return next(one for one in reversed(floor.wires.told) if isinstance(one, m.SetProgramme))


def every_word(window: Window) -> str:
    """All that any widget shows or says, and what is in the lists."""
    said: list[str] = []
    for label in window.findChildren(QLabel):
        said += [label.text(), label.toolTip()]
    for field in window.findChildren(QLineEdit):
        said += [field.text(), field.placeholderText()]
    for button in window.findChildren(QAbstractButton):
        said += [button.text(), button.toolTip(), button.accessibleName()]
    for choice in window.findChildren(QComboBox):
        said += [*entries(choice), choice.toolTip()]
    menu = sources_menu(window._desk, window, StillDialog(window._desk, window))
    said += [action.text() for action in menu.actions()]
    menu.deleteLater()
    said += [window.strip.accessibleName(), window.strip.toolTip(), window.live.preview.accessibleDescription()]
    return "\n".join(said)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the engine films the screen under X only")
def test_the_screen_is_among_the_cameras_and_is_not_called_the_test_card(floor: DeskFloor, window: Window) -> None:
    pick(window.preflight.setup.camera, "Écran")
    assert programme(floor).camera == "screen::7"
    floor.desk.take_note(structs.replace(PROGRAMME, camera="screen::7"))
    assert not floor.desk.programme.stand_in and floor.desk.programme.camera_name == "Écran"
    assert window.preflight.setup.camera.currentText() == "Écran"


@pytest.mark.parametrize(
    ("spec", "stands_in"),
    [("testcard", True), ("none", True), ("file:/x/clip.mp4", False), ("screen::0", False), (f"url:{SECRET}", False)],
)
def test_only_what_is_drawn_stands_in_for_a_camera(floor: DeskFloor, spec: str, stands_in: bool) -> None:
    floor.desk.take_note(structs.replace(PROGRAMME, camera=spec))
    assert floor.desk.programme.stand_in == stands_in


def test_a_network_camera_is_given_by_its_address_and_kept_for_the_next_time(floor: DeskFloor, window: Window) -> None:
    pick(window.preflight.setup.camera, "Caméra réseau…")
    assert window.address.isVisible() and window.address.field.hasFocus()
    assert programme_unchanged(floor) and window.preflight.setup.camera.currentData() == "testcard"
    give(window, f"  {SECRET} ")
    assert programme(floor).camera == f"url:{SECRET}" and not window.address.isVisible()
    assert floor.wires.kept["network_cameras"] == [f"url:{SECRET}"] and floor.wires.kept["camera"] == f"url:{SECRET}"
    floor.desk.take_note(structs.replace(PROGRAMME, camera=f"url:{SECRET}"))
    assert window.preflight.setup.camera.currentText() == "Caméra réseau 192.168.1.20:8554"
    floor.desk.take_note(structs.replace(PROGRAMME, camera="testcard"))
    assert "Caméra réseau 192.168.1.20:8554" in entries(window.preflight.setup.camera), "another time without typing"


def programme_unchanged(floor: DeskFloor) -> bool:
    return not any(isinstance(one, m.SetProgramme) for one in floor.wires.told)


def test_the_second_camera_may_be_a_network_camera_too(floor: DeskFloor, window: Window) -> None:
    pick(window.preflight.setup.sources.face, "Caméra réseau…")
    assert "visage" in window.address.heading.text()
    give(window, "http://phone.local:8080/video")
    told = programme(floor)
    assert (told.camera, told.second_camera) == ("testcard", "url:http://phone.local:8080/video")


def test_f9_on_a_lost_camera_offers_an_address_and_the_screen(floor: DeskFloor, window: Window) -> None:
    floor.desk.take_note(structs.replace(PROGRAMME, second_camera="camera:Brio@1"))
    gone = m.TroubleRaised(code="camera_gone", subject="Brio", cure="choose_camera", device="camera:Brio@1")
    floor.desk.take_note(gone)
    floor.floor.now += 1_000
    floor.desk.cure_trouble()
    assert window._menu is not None
    offered = {action.text(): action for action in window._menu.actions()}
    assert {"aucune", "Mire", "Caméra réseau…"} <= set(offered)
    offered["Caméra réseau…"].trigger()
    window._menu.close()
    give(window, "http://10.0.0.9/a")
    assert programme(floor).second_camera == "url:http://10.0.0.9/a"


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("", "network.empty"), ("   ", "network.empty"), ("192.168.1.20:8080", "network.scheme"),
        ("ftp://x/y", "network.scheme"), ("file:///etc/passwd", "network.scheme"), ("http://", "network.address"),
        ("http://:8080/x", "network.address"), ("http://x:99999/", "network.address"),
        ("http://a b/", "network.address"), ("rtsp://[::1", "network.address"),
    ],
)  # fmt: skip
def test_what_cannot_be_an_address_is_refused_in_words(floor: DeskFloor, window: Window, typed: str, why: str) -> None:
    with pytest.raises(NoAddress, match=why):
        network_camera(typed)
    floor.desk.ask("network_camera", "camera")
    give(window, typed)
    assert window.address.isVisible() and window.address.said.text() == words.t(why)
    assert programme_unchanged(floor)


def test_escape_puts_the_address_away_and_forgets_what_was_typed(floor: DeskFloor, window: Window) -> None:
    floor.desk.ask("network_camera", "camera")
    window.address.field.setText(SECRET)
    QTest.keyClick(window.address.field, Qt.Key.Key_Escape)
    assert not window.address.isVisible() and window.address.field.text() == "" and programme_unchanged(floor)


@pytest.mark.parametrize("language", ["fr", "en"])
def test_nothing_of_an_address_but_the_computer_is_ever_shown(
    app: QApplication, floor: DeskFloor, language: words.Language
) -> None:
    words.use(language)
    window = Window(floor.desk)
    window.resize(1440, 900)
    window.show()
    floor.desk.ask("network_camera", "camera")
    give(window, SECRET)
    spec = f"url:{SECRET}"
    floor.desk.take_note(structs.replace(PROGRAMME, camera=spec, second_camera=spec))
    floor.desk.take_note(m.CameraSet(camera=spec, settings=m.CameraSettings()))
    raised = m.TroubleRaised(
        code="camera_gone", subject="rtsp://192.168.1.20:8554/live/k3y", cure="choose_camera", device=spec
    )
    floor.desk.take_note(raised)
    floor.desk.ask("open_camera", spec)
    app.processEvents()
    shown = every_word(window) + trouble_sentence(floor.desk.troubles[0], 0.0) + floor.desk.programme.camera_name
    assert "192.168.1.20:8554" in shown
    for secret in ("hush", "anna", "k3y", "abc", "/live"):
        assert secret not in shown, secret
    window.hide()
    window.finish()
    window.deleteLater()
    bury(app)


def test_two_cameras_of_one_computer_are_numbered(floor: DeskFloor) -> None:
    for path in ("a", "b"):
        floor.desk.choose_camera(f"url:http://10.0.0.9/{path}")
    said = [said for said, spec in cameras(floor.desk, "") if str(spec).startswith("url:")]
    assert said == ["Caméra réseau 10.0.0.9 · 1", "Caméra réseau 10.0.0.9 · 2"]


def test_a_device_that_is_away_is_said_so_and_an_address_is_not(floor: DeskFloor) -> None:
    assert "HD Pro (absente)" in [said for said, _ in cameras(floor.desk, "camera:HD Pro@usb-1")]
    assert "Caméra réseau h" in [said for said, _ in cameras(floor.desk, "url:http://h/x")]
    assert device_words("camera:HD Pro@usb-1") == "HD Pro"


@pytest.mark.skipif(sys.platform == "win32", reason="a file's mode says nothing there")
def test_the_file_that_keeps_an_address_is_its_owners_alone(tmp_path: Path) -> None:
    (tmp_path / "settings.json.new").write_text("{}")
    (tmp_path / "settings.json.new").chmod(0o666)  # left by a crash
    settings = Settings(tmp_path / "settings.json")
    settings.values.network_cameras = [f"url:{SECRET}"]
    assert settings.save()
    assert stat.S_IMODE((tmp_path / "settings.json").stat().st_mode) == 0o600
    assert Settings(tmp_path / "settings.json").values.network_cameras == [f"url:{SECRET}"]
    assert json.loads((tmp_path / "settings.json").read_text())["network_cameras"]


HEADSET, LAVALIER = m.Microphone(spec="microphone:a", name="Casque"), m.Microphone(spec="microphone:b", name="Cravate")


def part(menu: QMenu, heading: str) -> dict[str, QAction]:
    """What stands under this heading, by its words."""
    entries = menu.actions()
    at = [entry.text() for entry in entries].index(heading) + 1
    return {entry.text(): entry for entry in itertools.takewhile(lambda entry: not entry.isSeparator(), entries[at:])}


def with_microphones(floor: DeskFloor, first: str, second: str = "") -> None:
    floor.desk.take_note(m.DevicesFound(cameras=(CARD,), microphones=(HEADSET, LAVALIER)))
    floor.desk.take_note(structs.replace(PROGRAMME, microphone=first, second_microphone=second))


def on_the_picture(window: Window, floor: DeskFloor) -> QMenu:
    floor.desk.actions.open_scenes.press()
    assert window._menu is not None
    return window._menu


def test_on_air_a_headset_that_dies_is_replaced_from_the_menu_of_the_picture(
    app: QApplication, floor: DeskFloor, window: Window
) -> None:
    floor.desk.put_on_air()
    floor.feed()
    floor.wires.kept["gains"] = {"microphone:b": 4.0}
    with_microphones(floor, "microphone:a")
    menu = on_the_picture(window, floor)
    offered = part(menu, "Premier micro")
    assert {said: entry.isChecked() for said, entry in offered.items()} == {"Casque": True, "Cravate": False}
    for _ in menu.actions():  # by the keyboard alone
        QTest.keyClick(menu, Qt.Key.Key_Down)
        if menu.activeAction() is offered["Cravate"]:
            break
    QTest.keyClick(menu, Qt.Key.Key_Return)
    assert programme(floor).microphone == "microphone:b" and floor.wires.kept["microphone"] == "microphone:b"
    assert floor.wires.told[-1] == m.SetGain(gain_db=4.0), "as loud as it was left"


def test_the_first_microphone_that_is_away_is_ticked_and_said_so(floor: DeskFloor, window: Window) -> None:
    with_microphones(floor, "microphone:gone")
    offered = part(on_the_picture(window, floor), "Premier micro")
    assert [said for said, entry in offered.items() if entry.isChecked()] == ["gone (absent)"]
    assert window.preflight.setup.microphone.currentText() == "gone (absent)"


def test_the_second_microphone_taken_as_the_first_is_none_until_it_is_given_back(
    floor: DeskFloor, window: Window
) -> None:
    with_microphones(floor, "microphone:a", "microphone:b")
    part(on_the_picture(window, floor), "Premier micro")["Cravate"].trigger()
    assert programme(floor).second_microphone == "microphone:b", "it comes back with the headset"
    with_microphones(floor, "microphone:b", "microphone:b")
    seconds = part(on_the_picture(window, floor), "Second micro")
    assert {said: entry.isChecked() for said, entry in seconds.items()} == {"aucun": True, "Casque": False}
    assert window.preflight.setup.second.currentText() == "2e micro\u202f: aucun"
