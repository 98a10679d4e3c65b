"""Two roles, one device each or one for both: what is open goes on, and nothing is opened twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from seller_console.contract.media import SetProgramme
from seller_console.engine.devices import CameraWish, Devices
from seller_console.engine.program import Programme
from tests.fakes.knob_camera import KnobCamera

from .conftest import wait_for

TOP, FACE = "camera:Top@usb-1", "camera:Face@usb-2"


class OneHolder(KnobCamera):
    """A device that one opener may have at a time, as a webcam is."""

    held: dict[str, int] = {}
    opened: dict[str, int] = {}
    most_held = 0

    def __init__(self, rest: str, wish: CameraWish) -> None:
        super().__init__(wish)
        self._rest, self._holds = rest, False

    def open(self) -> None:
        super().open()
        self._holds = True
        OneHolder.held[self._rest] = OneHolder.held.get(self._rest, 0) + 1
        OneHolder.opened[self._rest] = OneHolder.opened.get(self._rest, 0) + 1
        OneHolder.most_held = max(OneHolder.most_held, OneHolder.held[self._rest])

    def close(self) -> None:
        if self._holds:
            self._holds = False
            OneHolder.held[self._rest] -= 1


@pytest.fixture
def programme() -> Iterator[Programme]:
    KnobCamera.made, KnobCamera.pulled_out = [], False
    OneHolder.held, OneHolder.opened, OneHolder.most_held = {}, {}, 0
    made = Programme(Devices(cameras={"camera": OneHolder}), None)
    made.start()
    yield made
    made.stop()


def shown(programme: Programme, camera: str, second: str) -> None:
    wanted = msgspec.structs.replace(
        SetProgramme(width=180, height=320, microphone="silence"), camera=camera, second_camera=second
    )
    programme.change(wanted)
    wait_for(lambda: all(feed.state == "live" for feed in programme.cameras), 10, "all live")


@pytest.mark.media
def test_table_and_face_change_places_without_opening_anything(programme: Programme) -> None:
    shown(programme, TOP, FACE)
    table, face = programme.cameras
    wait_for(lambda: table.captured > 5 and face.captured > 5, 10, "both give pictures")
    before = programme.counts().captured
    shown(programme, FACE, TOP)
    assert programme.cameras == (face, table), "the same two, in each other's place"
    assert OneHolder.opened == {"Top@usb-1": 1, "Face@usb-2": 1}
    assert 0 <= programme.counts().captured - before < 1_000, "what was counted goes on from where it was"
    count = face.captured
    wait_for(lambda: face.captured > count + 3 and face.state == "live", 5, "and they go on")


@pytest.mark.media
def test_one_camera_chosen_for_both_roles_is_opened_once_and_serves_both(programme: Programme) -> None:
    shown(programme, TOP, TOP)
    assert len(programme.cameras) == 1 and "split" in programme.scenes
    assert programme.show("split")
    shown(programme, TOP, FACE)
    shown(programme, FACE, FACE)
    wait_for(lambda: OneHolder.held == {"Top@usb-1": 0, "Face@usb-2": 1}, 5, "what is not used is closed")
    shown(programme, FACE, "")
    assert OneHolder.opened == {"Top@usb-1": 1, "Face@usb-2": 1} and OneHolder.most_held == 1
    assert programme.cameras[0].state == "live"


@pytest.mark.media
def test_an_address_with_its_kind_and_without_is_one_camera() -> None:
    opened: list[str] = []

    def make(rest: str, wish: CameraWish) -> Any:
        opened.append(rest)
        return KnobCamera(wish)

    programme = Programme(Devices(cameras={"url": make}), None)
    programme.start()
    try:
        shown(programme, "rtsp://10.0.0.9/live", "url:rtsp://10.0.0.9/live")
        assert opened == ["rtsp://10.0.0.9/live"]
    finally:
        programme.stop()
