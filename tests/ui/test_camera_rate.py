"""The pictures a second on screen are the camera's own, and too few of them are said with what to do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec import structs
from PySide6.QtWidgets import QApplication

from seller_console.contract import media as m
from tests.ui import scenes
from tests.ui.conftest import bury
from tests.ui.desk_floor import DeskFloor
from tests.ui.test_desk_intents import stats
from ui.checks import Heard, checks
from ui.values import ProgramState
from ui.views.preview import Preview

CAMERA = "camera:C920@usb-1"
PROGRAMME = m.ProgrammeSet(
    camera=CAMERA, microphone="tone", width=720, height=1280, fps=30, target_bps=0, muted=False
)  # fmt: skip


class Engine:
    """Counts the seconds and the camera's pictures, as the engine does."""

    def __init__(self) -> None:
        self.floor = DeskFloor(live=False)
        self.desk = self.floor.desk
        self.desk.take_program(ProgramState("engine", "running"))
        self.desk.take_engine_road("connected")
        self.desk.take_note(m.DevicesFound(cameras=(m.Camera(spec=CAMERA, name="C920"),), microphones=()))
        self.desk.take_note(PROGRAMME)
        self.seconds, self.captured = 100.0, 2_000

    def run(self, seconds: int, fps: float) -> None:
        for _ in range(seconds):
            self.seconds += 1.0
            self.captured += round(fps)
            self.desk.take_note(stats(uptime_s=self.seconds, captured=self.captured, fps=30.0))

    def camera(self) -> tuple[str, str]:
        check = next(one for one in checks(self.desk, Heard(), None) if one.id == "camera")
        return check.verdict, check.sentence


@pytest.fixture
def engine(app: QApplication) -> Engine:
    return Engine()


@pytest.fixture
def preview(app: QApplication, engine: Engine) -> Iterator[Preview]:
    made = Preview(engine.desk)
    made.show_image(scenes.picture())
    yield made
    made.deleteLater()
    bury(app)


def test_a_camera_that_gives_half_is_not_good_though_the_programme_runs_at_thirty(
    engine: Engine, preview: Preview
) -> None:
    engine.run(5, 14)
    assert engine.camera() == ("warning", "14,0 i/s au lieu de 30 — ajoutez de la lumière")
    assert preview._state_words() == "14 i/s seulement"
    engine.run(5, 30)
    verdict, said = engine.camera()
    assert verdict == "good" and said.startswith("30,0 i/s")
    assert preview._state_words() == "30 i/s"


def test_a_network_camera_wants_better_wi_fi_not_light(engine: Engine) -> None:
    engine.desk.take_note(structs.replace(PROGRAMME, camera="url:http://phone/v"))
    engine.run(5, 10)
    assert "Wi-Fi" in engine.camera()[1]


@pytest.mark.parametrize(("asked", "gives", "verdict"), [(0, 25, "good"), (0, 23, "warning"), (15, 15, "good")])
def test_what_is_too_few_is_judged_by_what_was_asked_of_the_camera(
    engine: Engine, asked: int, gives: int, verdict: str
) -> None:
    engine.desk.take_note(m.CameraSet(camera=CAMERA, settings=m.CameraSettings(fps=asked)))
    engine.run(5, gives)
    assert engine.camera()[0] == verdict


def test_nothing_is_said_of_a_camera_before_it_was_measured(engine: Engine, preview: Preview) -> None:
    engine.run(1, 30)
    assert engine.camera()[0] == "waiting" and preview._state_words() == "image en mouvement"
    engine.run(4, 30)
    engine.desk.take_note(structs.replace(PROGRAMME, camera="camera:Brio@usb-2"))
    assert engine.camera()[0] == "waiting", "another camera is measured anew"
    engine.run(3, 0)
    engine.run(2, 30)
    assert engine.camera()[0] == "good", "the seconds in which it was being opened do not count"


def test_the_count_of_another_engine_is_not_taken_for_the_cameras(engine: Engine) -> None:
    engine.run(4, 30)
    engine.seconds, engine.captured = 0.0, 0
    engine.run(1, 30)
    assert engine.camera()[0] == "waiting"
    engine.run(3, 30)
    assert engine.camera()[1].startswith("30,0")


def test_a_fault_of_a_camera_that_is_not_shown_is_not_written_over_the_picture(
    engine: Engine, preview: Preview
) -> None:
    face = "camera:Brio@usb-2"
    engine.run(5, 30)
    engine.desk.take_note(structs.replace(PROGRAMME, second_camera=face, scenes=("table", "face")))
    engine.desk.take_note(m.TroubleRaised(code="picture_black", subject="Brio", device=face))
    assert preview._state_words() == "30 i/s"
    engine.desk.take_note(structs.replace(PROGRAMME, second_camera=face, scene="face", scenes=("table", "face")))
    assert preview._state_words() == "image noire"
