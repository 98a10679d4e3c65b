"""F9 acts on the device that is in trouble, on the trouble that is read, and moves on when it does not help."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from msgspec import structs
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from seller_console.contract import media as m
from tests.ui.conftest import bury, shown
from tests.ui.desk_floor import DeskFloor
from ui import words
from ui.views.strip import TroubleStrip, trouble_sentence
from ui.window import Window

TABLE, FACE = "camera:HD Pro@usb-1", "camera:Brio@usb-2"
NEAR, FAR = "microphone:Yeti", "microphone:Lavalier"
PROGRAMME = m.ProgrammeSet(
    camera=TABLE, second_camera=FACE, microphone=NEAR, second_microphone=FAR,
    width=720, height=1280, fps=30, target_bps=0, muted=False, scenes=("table", "face", "both", "pause"),
)  # fmt: skip
FOUND = m.DevicesFound(
    cameras=(m.Camera(spec=TABLE, name="HD Pro"), m.Camera(spec="camera:C920@usb-3", name="C920")),
    microphones=(m.Microphone(spec=NEAR, name="Yeti"), m.Microphone(spec="microphone:Jabra", name="Jabra")),
)
FOCUS = m.CameraOffer(name="focus", lowest=0, highest=250, step=5, value=35, automatic=True)


@pytest.fixture
def floor(app: QApplication) -> DeskFloor:
    made = DeskFloor()
    made.desk.take_engine_road("connected")
    made.desk.take_note(FOUND)
    made.desk.take_note(PROGRAMME)
    return made


@pytest.fixture
def window(app: QApplication, floor: DeskFloor) -> Iterator[Window]:
    with shown(app, floor.desk) as made:
        yield made


def wrong(floor: DeskFloor, code: m.TroubleCode, device: str = "", cure: str = "retry") -> None:
    name = device.partition(":")[2].partition("@")[0]
    floor.desk.take_note(m.TroubleRaised(code=code, subject=name, cure=cure, device=device))  # type: ignore[arg-type]


def pass_a_moment(floor: DeskFloor) -> None:
    floor.floor.now += 1_000


def programme_told(floor: DeskFloor) -> m.SetProgramme:
    assert isinstance(floor.wires.told[-1], m.SetProgramme)
    return floor.wires.told[-1]


def choose(window: Window, words_of_it: str) -> None:
    """Picks from the list that F9 opened."""
    menu = window._menu
    assert menu is not None
    action = next(action for action in menu.actions() if action.text() == words_of_it)
    action.trigger()
    menu.close()


# --- which device ---------------------------------------------------------------------------------


def test_f9_turns_the_mirror_of_the_camera_whose_writing_is_mirrored(floor: DeskFloor) -> None:
    floor.desk.take_note(m.CameraSet(camera=FACE, settings=m.CameraSettings(rotation=90, mirror=True)))
    wrong(floor, "picture_mirrored", FACE, "unmirror")
    floor.desk.cure_trouble()
    assert floor.wires.told == [m.SetCamera(camera=FACE, settings=m.CameraSettings(rotation=90))]


def test_the_mirror_of_the_first_camera_is_still_turned_when_it_is_the_first(floor: DeskFloor) -> None:
    wrong(floor, "picture_mirrored", TABLE, "unmirror")
    floor.desk.cure_trouble()
    assert floor.wires.told == [m.SetCamera(camera=TABLE, settings=m.CameraSettings(mirror=True))]


def test_another_camera_takes_the_place_of_the_one_that_is_gone(floor: DeskFloor, window: Window) -> None:
    wrong(floor, "camera_gone", FACE, "choose_camera")
    floor.desk.cure_trouble()
    choose(window, "C920")
    told = programme_told(floor)
    assert (told.camera, told.second_camera) == (TABLE, "camera:C920@usb-3")
    assert floor.wires.kept["second_camera"] == "camera:C920@usb-3" and "camera" not in floor.wires.kept


def test_the_show_can_go_on_without_the_second_camera(floor: DeskFloor, window: Window) -> None:
    wrong(floor, "camera_gone", FACE, "choose_camera")
    floor.desk.cure_trouble()
    choose(window, "aucune")
    told = programme_told(floor)
    assert (told.camera, told.second_camera) == (TABLE, "")


def test_the_first_camera_is_replaced_when_it_is_the_one_that_is_gone(floor: DeskFloor, window: Window) -> None:
    wrong(floor, "camera_gone", TABLE, "choose_camera")
    floor.desk.cure_trouble()
    assert "aucune" not in [action.text() for action in window._menu.actions()]  # type: ignore[union-attr]
    choose(window, "C920")
    told = programme_told(floor)
    assert (told.camera, told.second_camera) == ("camera:C920@usb-3", FACE)


@pytest.mark.parametrize(("gone", "left"), [(FAR, NEAR), (NEAR, FAR)])
def test_another_microphone_takes_the_place_of_the_one_that_is_gone(
    floor: DeskFloor, window: Window, gone: str, left: str
) -> None:
    wrong(floor, "microphone_gone", gone, "choose_microphone")
    floor.desk.cure_trouble()
    choose(window, "Jabra")
    told = next(one for one in floor.wires.told if isinstance(one, m.SetProgramme))
    assert {told.microphone, told.second_microphone} == {left, "microphone:Jabra"}
    assert (told.microphone == left) == (gone == FAR)


def test_the_show_can_go_on_without_the_second_microphone(floor: DeskFloor, window: Window) -> None:
    wrong(floor, "sound_silent", FAR, "choose_microphone")
    floor.desk.cure_trouble()
    choose(window, "aucun")
    told = programme_told(floor)
    assert (told.microphone, told.second_microphone) == (NEAR, "")


def test_the_blurred_camera_looks_for_its_focus_whatever_the_other_can_do(floor: DeskFloor, window: Window) -> None:
    """The first has an automatic focus, the blurred one has not: its knobs are shown, and not the first one's."""
    floor.desk.take_note(m.CameraSet(camera=TABLE, settings=m.CameraSettings(), offers=(FOCUS,)))
    floor.desk.take_note(m.CameraSet(camera=FACE, settings=m.CameraSettings(focus=10), offers=(FOCUS,)))
    wrong(floor, "picture_blurred", FACE, "refocus")
    floor.desk.cure_trouble()
    assert floor.wires.told == []
    assert window.live.queue.camera.isVisible() and window.live.queue.camera.which.currentData() == FACE


def test_the_camera_that_is_too_bright_is_the_one_that_is_set_up(floor: DeskFloor, window: Window) -> None:
    for spec in (TABLE, FACE):
        floor.desk.take_note(m.CameraSet(camera=spec, settings=m.CameraSettings()))
    wrong(floor, "picture_overexposed", FACE, "set_up_camera")
    floor.desk.cure_trouble()
    assert window.live.queue.camera.which.currentData() == FACE


# --- the words ------------------------------------------------------------------------------------

OF_DEVICES: tuple[m.TroubleCode, ...] = (
    "picture_black", "picture_frozen", "picture_blurred", "picture_overexposed", "picture_mirrored", "camera_gone",
    "camera_busy", "sound_silent", "sound_clipping", "sound_wrong_microphone", "microphone_gone", "microphone_busy",
    "av_skew",
)  # fmt: skip


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("code", OF_DEVICES)
def test_a_trouble_of_a_device_names_it_and_fits_the_strip(
    app: QApplication, floor: DeskFloor, code: m.TroubleCode, language: words.Language
) -> None:
    from ui.views import paint

    words.use(language)
    device = NEAR if code.startswith(("sound", "microphone")) else TABLE
    floor.floor.now += 1
    wrong(floor, code, device, "choose_microphone" if device == NEAR else "choose_camera")
    (trouble,) = floor.desk.troubles
    said = trouble_sentence(trouble, trouble.since_mono + 140)
    assert ("Yeti" if device == NEAR else "HD Pro") in said
    strip = TroubleStrip(floor.desk)
    strip.resize(1280, 44)
    strip.layout().activate()
    assert paint.advance(said, 14) <= strip.cure.x() - 12 - 42
    strip.deleteLater()


def test_two_cameras_of_one_name_are_told_apart_by_what_they_show(floor: DeskFloor) -> None:
    twin = "camera:HD Pro@usb-9"
    floor.desk.take_note(structs.replace(PROGRAMME, second_camera=twin))
    wrong(floor, "picture_frozen", twin)
    assert "visage" in trouble_sentence(floor.desk.troubles[0], 0.0)


# --- which trouble --------------------------------------------------------------------------------


@pytest.fixture
def strip(app: QApplication, floor: DeskFloor) -> Iterator[TroubleStrip]:
    made = TroubleStrip(floor.desk)
    made.resize(1440, 44)
    made.show()
    yield made
    made.hide()
    made.deleteLater()
    bury(app)


def test_a_trouble_that_stands_does_not_keep_f9_from_the_next_one(floor: DeskFloor, strip: TroubleStrip) -> None:
    """A camera that stays gone, and a microphone that is muted by mistake: F9 once, and again."""
    wrong(floor, "camera_gone", FACE, "choose_camera")
    pass_a_moment(floor)
    wrong(floor, "sound_clipping", NEAR, "unmute")
    asked: list[str] = []
    floor.desk.asked.connect(asked.append)
    floor.desk.cure_trouble()
    assert asked == ["choose_second_camera"]
    assert strip.cure.accessibleName() == "Problème suivant", "the button says what F9 does now"
    pass_a_moment(floor)
    floor.desk.cure_trouble()
    assert asked == ["choose_second_camera"] and floor.wires.told == []
    assert "Yeti" in strip.accessibleName() and strip.cure.accessibleName() == "Rétablir le micro"
    floor.desk.cure_trouble()
    assert floor.wires.told == [m.SetMuted(muted=False)]


def test_some_seconds_later_f9_tries_the_same_cure_again(
    floor: DeskFloor, strip: TroubleStrip, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong(floor, "camera_busy", FACE, "retry")
    pass_a_moment(floor)
    wrong(floor, "sound_clipping", NEAR, "unmute")
    floor.desk.cure_trouble()
    floor.floor.now += 10_000
    floor.desk.cure_trouble()
    assert floor.wires.told == [m.RetryNow(), m.RetryNow()]


def test_f9_alone_with_one_trouble_tries_again_at_once(floor: DeskFloor) -> None:
    wrong(floor, "camera_busy", FACE, "retry")
    floor.desk.cure_trouble()
    floor.desk.cure_trouble()
    assert floor.wires.told == [m.RetryNow(), m.RetryNow()]


def test_the_button_belongs_to_the_trouble_that_is_read(floor: DeskFloor, strip: TroubleStrip) -> None:
    """The strip says something without a cure: F9 turns to the next one, it cures nothing unseen."""
    wrong(floor, "disk_full", cure="")
    pass_a_moment(floor)
    wrong(floor, "picture_mirrored", FACE, "unmirror")
    assert "Disque plein" in strip.accessibleName()
    assert strip.cure.accessibleName() == "Problème suivant"
    floor.desk.actions.cure_trouble.press()
    assert floor.wires.told == [] and "Brio" in strip.accessibleName()
    assert strip.cure.accessibleName() == "Remettre à l’endroit"
    floor.desk.actions.cure_trouble.press()
    assert len(floor.wires.told) == 1


def test_a_destination_that_fails_is_mended_where_its_address_is(floor: DeskFloor) -> None:
    asked: list[str] = []
    floor.desk.asked.connect(asked.append)
    wrong(floor, "destination_failed", cure="open_destinations")
    floor.desk.cure_trouble()
    assert asked == ["open_destinations"]


def test_alone_and_without_a_cure_a_trouble_has_no_button(floor: DeskFloor, strip: TroubleStrip) -> None:
    wrong(floor, "disk_full", cure="")
    assert not strip.cure.isVisible() and not floor.desk.actions.cure_trouble.enabled
    assert not strip.next.isVisible() and not floor.desk.actions.next_trouble.enabled


def test_the_next_trouble_comes_by_mouse_and_by_key_and_goes_round(
    app: QApplication, floor: DeskFloor, strip: TroubleStrip
) -> None:
    app.installEventFilter(floor.desk.actions)
    try:
        for code in ("camera_busy", "picture_frozen", "sound_silent"):
            wrong(floor, code, NEAR if code == "sound_silent" else FACE)  # type: ignore[arg-type]
            pass_a_moment(floor)
        assert strip.next.accessibleName() == "+ 2 autres, problème suivant" and strip.next.isVisible()
        read = [strip.accessibleName()]
        QTest.mouseClick(strip.next, Qt.MouseButton.LeftButton)
        read.append(strip.accessibleName())
        QTest.keyClick(strip, Qt.Key.Key_F9, Qt.KeyboardModifier.ShiftModifier)
        read.append(strip.accessibleName())
        assert len(set(read)) == 3
        QTest.keyClick(strip, Qt.Key.Key_F9, Qt.KeyboardModifier.ShiftModifier)
        assert strip.accessibleName() == read[0]
        for key in (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_N, Qt.Key.Key_Right):
            QTest.keyClick(strip.next, key)
            QTest.keyClick(strip, key)
        assert strip.accessibleName() == read[0] and floor.wires.told == []
        assert strip.next.focusPolicy() == Qt.FocusPolicy.NoFocus
    finally:
        app.removeEventFilter(floor.desk.actions)


def test_what_was_turned_to_stays_until_it_is_over_or_something_bad_comes(
    floor: DeskFloor, strip: TroubleStrip
) -> None:
    wrong(floor, "camera_gone", FACE, "choose_camera")
    wrong(floor, "picture_mirrored", TABLE, "unmirror")
    floor.desk.actions.next_trouble.press()
    wrong(floor, "sound_clipping", NEAR)
    assert "HD Pro" in strip.accessibleName(), "a lesser one that comes does not turn it"
    wrong(floor, "sound_silent", FAR)
    assert "Lavalier" in strip.accessibleName(), "a bad one is shown"
    floor.desk.take_note(m.TroubleCured(code="sound_silent", subject="Lavalier", device=FAR))
    assert "Brio" in strip.accessibleName(), "when it is over, the worst and oldest is shown"


def test_f9_at_the_moment_the_strip_changes_by_itself_does_nothing(floor: DeskFloor) -> None:
    wrong(floor, "picture_mirrored", FACE, "unmirror")
    pass_a_moment(floor)
    wrong(floor, "camera_busy", TABLE, "retry")  # worse: takes the place of the other
    floor.floor.now += 100
    floor.desk.cure_trouble()
    assert floor.wires.told == [], "nobody can have read it"
    floor.floor.now += 400
    floor.desk.cure_trouble()
    assert floor.wires.told == [m.RetryNow()]


# --- a recording that failed ------------------------------------------------------------------------


def failed_recording(floor: DeskFloor) -> None:
    floor.desk.take_note(m.TroubleRaised(code="recording_failed", subject="a", detail="disk_full"))


@pytest.mark.parametrize("after", [True, False])
def test_off_air_f9_on_a_failed_recording_records_nothing_and_puts_the_line_away(
    app: QApplication, after: bool
) -> None:
    from seller_console.contract import commands as c

    floor = DeskFloor(live=after)
    floor.desk.take_engine_road("connected")
    failed_recording(floor)
    if after:
        floor.ok(c.EndShow(), floor.who)
    strip = TroubleStrip(floor.desk)
    assert strip.cure.accessibleName() == "Compris"
    floor.wires.told.clear()
    floor.desk.cure_trouble()
    assert floor.wires.told == [] and floor.desk.troubles == () and "record" not in floor.wires.kept
    failed_recording(floor)
    assert len(floor.desk.troubles) == 1, "another failure is said"
    strip.deleteLater()


def test_on_air_f9_on_a_failed_recording_begins_anew(floor: DeskFloor) -> None:
    failed_recording(floor)
    floor.desk.cure_trouble()
    assert floor.wires.told == [m.StartRecording()]


def test_the_other_troubles_are_counted_and_drawn_clear_of_the_sentence(
    app: QApplication, window: Window, floor: DeskFloor, wait: Callable[..., None]
) -> None:
    wrong(floor, "camera_gone", FACE, "choose_camera")
    wrong(floor, "sound_silent", FAR, "choose_microphone")
    wait(lambda: window.strip.next.isVisible() and window.strip.next.width() > 20)
    buttons = (window.strip.next, window.strip.cure)
    left, right = (b.mapTo(window.strip, QPoint(0, 0)).x() for b in buttons)
    assert left + window.strip.next.width() <= right
    assert right + window.strip.cure.width() <= window.strip.width()
