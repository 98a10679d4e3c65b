"""The camera is set up beside its picture: each knob acts at once, what it has not is not offered, all goes back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QScrollArea

from seller_console.contract import media as m
from tests.ui import scenes
from tests.ui.conftest import bury
from ui import words
from ui.desk import Desk
from ui.views.camera import CameraPanel
from ui.window import Window
from ui.wires import NoWires

SPEC = "camera:HD Pro@usb-1"
FOCUS = m.CameraOffer(name="focus", lowest=0, highest=250, step=5, value=35, automatic=True)


class Engine(NoWires):
    """Does what it is told of a camera, and says so, as the engine does."""

    def __init__(self) -> None:
        self.told: list[Any] = []
        self.desk: Desk | None = None

    def tell(self, command: Any) -> None:
        self.told.append(command)
        if isinstance(command, m.SetCamera) and self.desk is not None:
            self.say(command.settings)

    def say(self, settings: m.CameraSettings, **facts: Any) -> None:
        assert self.desk is not None
        facts = {"width": 1280, "height": 720, "fps": 30.0, "offers": (FOCUS,)} | facts
        self.desk.take_note(m.CameraSet(camera=SPEC, settings=settings, **facts))

    @property
    def last(self) -> m.CameraSettings:
        assert isinstance(self.told[-1], m.SetCamera) and self.told[-1].camera == SPEC
        return self.told[-1].settings


@pytest.fixture
def stand(app: QApplication) -> Iterator[tuple[Window, Engine]]:
    engine = Engine()
    desk = Desk(engine, monotonic=scenes.StillClock())
    engine.desk = desk
    window = Window(desk)
    window.resize(1440, 900)
    desk.take_engine_road("connected")
    desk.take_note(
        m.ProgrammeSet(camera=SPEC, microphone="tone", width=720, height=1280, fps=30, target_bps=0, muted=False)
    )
    engine.say(m.CameraSettings())
    window.show()
    app.processEvents()
    yield window, engine
    window.finish()
    window.close()
    window.deleteLater()
    desk.deleteLater()
    bury(app)


def opened(window: Window) -> CameraPanel:
    window.preflight.setup.tune.click()
    assert window.preflight.setup.pages.currentWidget() is window.preflight.setup.camera_panel
    return window.preflight.setup.camera_panel


def test_from_the_camera_choice_with_the_picture_beside_and_back_by_escape(stand: tuple[Window, Engine]) -> None:
    window, _ = stand
    panel = opened(window)
    assert panel.isVisible() and window.preflight.preview.isVisible()
    assert not window.preflight.preview.geometry().intersects(window.preflight.setup.pages.geometry())
    QTest.keyClick(panel.turn, Qt.Key.Key_Escape)
    assert not panel.isVisible() and window.preflight.setup.camera.isVisible()


def test_on_a_small_screen_the_picture_stays_and_nothing_is_cut_at_the_side(
    stand: tuple[Window, Engine], wait: Callable[..., None]
) -> None:
    window, _ = stand
    window.resize(1024, 600)
    panel = opened(window)
    wait(lambda: window.preflight.preview.height() >= 140)
    scroll = panel.findChild(QScrollArea)
    assert scroll is not None and scroll.widget().width() <= scroll.viewport().width()
    panel.done.click()
    wait(lambda: window.preflight.setup.camera.isVisible() and window.preflight.setup.camera.height() > 20)


def test_each_knob_acts_at_once_and_keeps_the_others(stand: tuple[Window, Engine]) -> None:
    window, engine = stand
    panel = opened(window)
    panel.turn.setFocus()
    QTest.keyClick(panel.turn, Qt.Key.Key_Down)
    panel.turn.activated.emit(panel.turn.currentIndex())
    assert engine.last == m.CameraSettings(rotation=90)
    QTest.keyClick(panel.zoom.slide, Qt.Key.Key_Right)
    assert engine.last == m.CameraSettings(rotation=90, zoom=1.1)
    assert panel.across.isEnabled()
    QTest.keyClick(panel.across.slide, Qt.Key.Key_Left)
    assert engine.last == m.CameraSettings(rotation=90, zoom=1.1, centre_x=0.49)
    panel.mirror.click()
    assert engine.last.mirror and engine.last.rotation == 90


def test_focus_by_hand_and_by_itself_again(stand: tuple[Window, Engine]) -> None:
    window, engine = stand
    panel = opened(window)
    focus = panel.knobs["focus"]
    assert focus.isVisible() and focus.auto.isChecked() and not focus.slide.isEnabled()
    focus.auto.click()
    assert engine.last.focus == 35, "by hand it begins where it stands"
    QTest.keyClick(focus.slide, Qt.Key.Key_Right)
    assert engine.last.focus == 40
    focus.auto.click()
    assert engine.last.focus is None and focus.auto.isChecked()


def test_what_it_has_not_is_not_offered_and_what_it_does_not_do_is_said(stand: tuple[Window, Engine]) -> None:
    window, engine = stand
    panel = opened(window)
    assert not panel.knobs["white_balance"].isVisible()
    assert "blancs" in panel.given.text() and "1280 × 720" in panel.given.text()
    assert not panel.said.isVisible()
    engine.say(m.CameraSettings(width=3840, height=2160), ignored=("size", "fps"))
    assert panel.said.isVisible() and "cadence" in panel.said.text()
    words.use("en")
    panel.refresh()
    assert "frame rate" in panel.said.text()


def test_one_button_puts_everything_back(stand: tuple[Window, Engine]) -> None:
    window, engine = stand
    panel = opened(window)
    assert not panel.reset.isEnabled()
    engine.say(m.CameraSettings(rotation=180, zoom=3, focus=35))
    panel.reset.click()
    assert engine.last == m.CameraSettings() and not panel.reset.isEnabled()


def test_the_wheel_changes_nothing(stand: tuple[Window, Engine], app: QApplication) -> None:
    from PySide6.QtCore import QPoint, QPointF
    from PySide6.QtGui import QWheelEvent

    window, engine = stand
    panel = opened(window)
    before = len(engine.told)
    for widget in (panel.zoom.slide, panel.turn):
        event = QWheelEvent(
            QPointF(5, 5), QPointF(5, 5), QPoint(0, 0), QPoint(0, -120), Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        app.sendEvent(widget, event)
    assert len(engine.told) == before


def test_the_mirror_of_the_first_screen_is_the_cameras_own(stand: tuple[Window, Engine]) -> None:
    window, engine = stand
    engine.say(m.CameraSettings(rotation=90))
    window.preflight.setup.mirror.click()
    assert engine.last == m.CameraSettings(rotation=90, mirror=True)
    assert engine.desk is not None and engine.desk.programme.mirror
    engine.desk.set_mirror(False)
    assert engine.last == m.CameraSettings(rotation=90) and not engine.desk.programme.mirror


def test_f9_on_mirrored_writing_turns_the_mirror_whoever_made_it(stand: tuple[Window, Engine]) -> None:
    _, engine = stand
    assert engine.desk is not None
    engine.desk.take_note(m.TroubleRaised(code="picture_mirrored", subject="HD Pro", cure="unmirror"))
    engine.say(m.CameraSettings(mirror=True))
    engine.desk.cure_trouble()
    assert not engine.last.mirror, "ours is taken off"
    engine.desk.cure_trouble()
    assert engine.last.mirror, "a camera that mirrors by itself is mirrored back"


def test_on_air_it_opens_beside_the_preview(app: QApplication, window: Window, desk: Desk) -> None:
    scenes.under_10(desk)
    desk.asked.emit("open_camera")
    app.processEvents()
    assert window.live.queue.camera.isVisible() and window.live.preview.isVisible()
    QTest.keyClick(window.live.queue.camera.turn, Qt.Key.Key_Escape)
    assert not window.live.queue.camera.isVisible()


def test_f9_on_a_blurred_camera_looks_for_focus_or_shows_the_knob(stand: tuple[Window, Engine]) -> None:
    window, engine = stand
    assert engine.desk is not None
    asked: list[str] = []
    engine.desk.asked.connect(asked.append)
    engine.desk.take_note(m.TroubleRaised(code="picture_blurred", subject="HD Pro", cure="refocus"))
    engine.desk.cure_trouble()
    assert engine.told[-1] == m.RetryNow() and asked == []
    engine.say(m.CameraSettings(focus=35))
    engine.desk.cure_trouble()
    assert asked == ["open_camera"] and window.preflight.setup.camera_panel.isVisible()
