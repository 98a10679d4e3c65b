"""What a console hears of troubles: which device each is about, and the reason that holds now."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from seller_console.contract.media import AirChanged, SetProgramme, TroubleCured, TroubleRaised
from seller_console.engine.devices import CameraWish, Devices
from seller_console.engine.picture import Picture, blank
from seller_console.engine.program import Programme
from seller_console.engine.troubles import TroubleWatch

OFF = AirChanged(state="off")


class Grey:
    def open(self) -> None:
        """Always there."""

    def read(self) -> Picture:
        return Picture(blank(360, 640, 90), time.monotonic_ns(), 1)

    def close(self) -> None:
        """Nothing to close."""


@pytest.fixture
def two_of_one_name() -> Iterator[Programme]:
    def make(_rest: str, _wish: CameraWish) -> Grey:
        return Grey()

    programme = Programme(Devices(cameras={"camera": make}), None)
    programme.change(
        SetProgramme(width=360, height=640, camera="camera:Webcam@usb-1", second_camera="camera:Webcam@usb-2")
    )
    yield programme
    programme.stop()


def test_two_cameras_of_one_name_are_two_troubles_and_each_says_which(two_of_one_name: Programme) -> None:
    watch = TroubleWatch()
    for camera in two_of_one_name.cameras:
        camera._lost("gone", "unplugged")  # type: ignore[attr-defined]
    now_ns = time.monotonic_ns()
    raised = watch.look(two_of_one_name, OFF, now_ns)
    assert [(note.subject, note.device) for note in raised] == [
        ("Webcam", "camera:Webcam@usb-1"),
        ("Webcam", "camera:Webcam@usb-2"),
    ]
    two_of_one_name.cameras[1]._state = "live"  # type: ignore[attr-defined]
    two_of_one_name.cameras[1]._last_ns = now_ns  # type: ignore[attr-defined]
    cured = watch.look(two_of_one_name, OFF, now_ns)
    assert cured == [TroubleCured(code="camera_gone", subject="Webcam", device="camera:Webcam@usb-2")]


def test_a_trouble_whose_reason_changed_is_said_again(two_of_one_name: Programme) -> None:
    watch, now_ns = TroubleWatch(), time.monotonic_ns()

    def away(detail: str) -> AirChanged:
        return AirChanged(state="connecting", reason="refused", detail=detail, url="http://x/whip")

    (first,) = watch.look(two_of_one_name, away("busy"), now_ns)
    assert watch.look(two_of_one_name, away("busy"), now_ns) == []
    (second,) = watch.look(two_of_one_name, away("wrong_pass"), now_ns)
    assert isinstance(first, TroubleRaised) and isinstance(second, TroubleRaised)
    assert (first.detail, second.detail) == ("busy", "wrong_pass"), "the screen says why it is refused now"
    assert watch.raised() == (second,)
