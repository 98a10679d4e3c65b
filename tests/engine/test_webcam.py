"""Webcams: two of a kind are never taken for one another; what stalls is given up; who holds one is named."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import pytest

from seller_console.engine import webcam
from seller_console.engine.capture import CapturedCamera
from seller_console.engine.device import DeviceBusy, DeviceGone
from seller_console.engine.devices import CameraWish, Devices
from seller_console.engine.webcam import Webcam, find_webcams, fitting, holder
from tests.fakes.video_bus import Capture, VideoBus

from .conftest import wait_for

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="how Linux names cameras")


@pytest.fixture
def here(tmp_path: Path) -> VideoBus:
    return VideoBus(tmp_path)


def opened(here: VideoBus, name: str, path: object, **how: Any) -> Webcam:
    camera = Webcam(f"{name}@{path}", (1280, 720), 30, bus=here.bus, **how)
    camera.open()
    return camera


def captures(here: VideoBus) -> list[bool]:
    """Which of them were asked for something."""
    return [bool(one.written) for one in here.captures.values()]


# --- which one it is ---------------------------------------------------------------------------


@linux
def test_two_cameras_of_a_kind_are_two_and_neither_becomes_the_other(here: VideoBus) -> None:
    here.plug_in("1.2", "C920")
    here.plug_in("1.4", "C920")
    found = find_webcams(here.bus)
    assert [label for _, _, label in found] == ["C920 (USB 1.2)", "C920 (USB 1.4)"]
    assert len({path for _, path, _ in found}) == 2
    first = found[0][1]
    here.pull_out("1.2")
    with pytest.raises(DeviceGone):
        opened(here, "C920", first)
    assert captures(here) == [False, False], "the other one was left alone"
    here.plug_in("1.2", "C920")
    opened(here, "C920", first)
    assert captures(here) == [True, False], "it is back in its port"


@linux
def test_a_camera_alone_of_its_name_is_called_by_it(here: VideoBus) -> None:
    here.plug_in("1.2", "C920", serial="8A2F")
    here.plug_in("1.4", "Brio")
    assert [(name, label) for name, _, label in find_webcams(here.bus)] == [("C920", "C920"), ("Brio", "Brio")]


@linux
def test_another_camera_in_the_same_port_is_another_camera(here: VideoBus) -> None:
    here.plug_in("1.2", "C920")
    path = find_webcams(here.bus)[0][1]
    here.pull_out("1.2")
    here.plug_in("1.2", "Brio")
    with pytest.raises(DeviceGone):
        opened(here, "C920", path)


@linux
def test_a_name_alone_means_a_camera_only_while_one_has_it(here: VideoBus) -> None:
    here.plug_in("1.2", "C920")
    Webcam("C920", (1280, 720), 30, bus=here.bus).open()
    here.plug_in("1.4", "C920")
    with pytest.raises(DeviceGone, match="several_alike"):
        Webcam("C920", (1280, 720), 30, bus=here.bus).open()


@linux
def test_the_name_an_earlier_version_gave_holds_while_it_can_mean_one_camera(here: VideoBus) -> None:
    here.plug_in("1.2", "C920", serial="8A2F")
    here.plug_in("1.4", "C920", serial="77B0")
    opened(here, "C920", here.by_id("C920", "77B0"))
    assert captures(here) == [False, True], "each has a serial number: no doubt"


@linux
def test_the_name_an_earlier_version_gave_is_refused_when_two_may_be_meant(here: VideoBus) -> None:
    here.plug_in("1.2", "C920")
    here.plug_in("1.4", "C920")
    with pytest.raises(DeviceGone, match="several_alike"):
        opened(here, "C920", here.by_id("C920"))


@linux
def test_the_name_an_earlier_version_gave_does_not_move_to_the_camera_that_is_left(here: VideoBus) -> None:
    here.plug_in("1.2", "C920")
    opened(here, "C920", here.by_id("C920"))
    here.plug_in("1.4", "C920")
    here.pull_out("1.2")
    with pytest.raises(DeviceGone):
        opened(here, "C920", here.by_id("C920"))
    assert captures(here) == [True, False]


@linux
def test_where_there_are_no_ports_the_serial_number_serves(tmp_path: Path) -> None:
    here = VideoBus(tmp_path, ports=False)
    here.plug_in("1.2", "C920", serial="8A2F")
    assert find_webcams(here.bus)[0][1] == str(here.by_id("C920", "8A2F"))
    opened(here, "C920", here.by_id("C920", "8A2F"))


# --- who has it --------------------------------------------------------------------------------


@linux
def test_what_we_hold_ourselves_is_not_another_program(tmp_path: Path) -> None:
    device = tmp_path / "video0"
    with device.open("w"):
        assert holder(str(device)) == ""
        other = subprocess.Popen(["sleep", "60"], stdin=device.open())
        try:
            assert holder(str(device)) == "sleep"
        finally:
            other.kill()
            other.wait()


@linux
def test_a_camera_too_much_on_its_port_is_not_said_to_be_taken(here: VideoBus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webcam, "PATIENCE_S", 0.2)
    device = here.plug_in("1.2", "C920")
    here.captures[0].gives = False
    camera = opened(here, "C920", here.by_path("1.2"))
    with device.open("w"), pytest.raises(DeviceGone, match="usb_full"):  # as our own capture has it open
        camera.read()


@linux
def test_a_camera_that_does_not_open_says_whose_fault_it_is(here: VideoBus) -> None:
    device = here.plug_in("1.2", "C920", capture=Capture())
    here.captures[0].opened = False
    with device.open("w"), pytest.raises(DeviceGone, match="already_open"):
        opened(here, "C920", here.by_path("1.2"))
    other = subprocess.Popen(["sleep", "60"], stdin=device.open())
    try:
        with pytest.raises(DeviceBusy, match="sleep"):
            opened(here, "C920", here.by_path("1.2"))
    finally:
        other.kill()
        other.wait()
    assert here.captures[0].released


@pytest.mark.parametrize("code", ["already_open", "no_access", "no_grabber", "several_alike", "usb_full"])
def test_the_screens_have_words_for_why_a_camera_is_not_there(code: str, repository: Path) -> None:
    for language in ("fr", "en"):
        words = json.loads((repository / "resources" / "locale" / f"{language}.json").read_text("utf-8"))
        assert words[f"detail.{code}"]


# --- its pictures ------------------------------------------------------------------------------


def test_a_camera_that_stalls_is_given_up_by_the_clock_however_long_a_read_takes(here: VideoBus) -> None:
    here.plug_in("1.2", "C920")
    camera = opened(here, "C920", find_webcams(here.bus)[0][1])
    camera.read()
    here.captures[0].gives, here.captures[0].waits_s = False, 1.0
    began = time.monotonic()
    with pytest.raises(DeviceGone):
        camera.read()
    assert time.monotonic() - began < 6
    assert os.environ["OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT"] == "1", "a read of V4L2 ends after a second, not ten"


def test_a_camera_that_stalled_is_opened_again(here: VideoBus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webcam, "PATIENCE_S", 0.2)
    here.plug_in("1.2", "C920")
    capture = here.captures[0]
    path = find_webcams(here.bus)[0][1]
    feed = CapturedCamera("camera:C920@x", "C920", lambda: Webcam(f"C920@{path}", (1280, 720), 30, bus=here.bus))
    feed.start()
    try:
        wait_for(lambda: feed.state == "live", 5, "it lives")
        capture.gives = False
        wait_for(lambda: capture.released, 5, "the stalled one is closed")
        capture.gives = True
        wait_for(lambda: feed.state == "live", 5, "it is back")
    finally:
        feed.stop()


@linux
@pytest.mark.parametrize(("said_ms", "age_ms"), [(400.0, 400.0), (None, 0.0), (90_000.0, 0.0), (-500.0, 0.0)])
def test_a_picture_is_as_old_as_the_driver_says_when_that_can_be(
    here: VideoBus, said_ms: float | None, age_ms: float
) -> None:
    here.plug_in("1.2", "C920")
    here.captures[0].late_ms = said_ms
    picture = opened(here, "C920", find_webcams(here.bus)[0][1]).read()
    assert abs((time.monotonic_ns() - picture.captured_ns) / 1e6 - age_ms) < 200


# --- its size ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("programme", "rotation", "size"),
    [
        ((720, 1280), 0, (1920, 1080)),
        ((720, 1280), 180, (1920, 1080)),
        ((720, 1280), 90, (1280, 720)),
        ((1280, 720), 0, (1280, 720)),
        ((1920, 1080), 0, (1920, 1080)),
        ((360, 640), 0, (1280, 720)),
        ((1080, 1920), 270, (1920, 1080)),
    ],
)
def test_a_camera_is_asked_for_the_size_that_fills_the_programme_without_enlarging_much(
    programme: tuple[int, int], rotation: int, size: tuple[int, int]
) -> None:
    assert fitting(*programme, rotation) == size


@pytest.mark.parametrize(
    ("sizes", "got"),
    [
        ({(1280, 720): 30.0, (1920, 1080): 30.0}, (1920, 1080)),
        ({(1280, 720): 30.0, (1920, 1080): 5.0}, (1280, 720)),
        ({(640, 480): 30.0, (1280, 720): 30.0}, (1280, 720)),
    ],
)
def test_a_large_picture_is_taken_only_where_it_comes_at_the_rate_asked(
    here: VideoBus, sizes: dict[tuple[int, int], float], got: tuple[int, int]
) -> None:
    here.plug_in("1.2", "C920", capture=Capture(sizes))
    camera = Webcam(f"C920@{find_webcams(here.bus)[0][1]}", (1920, 1080), 30, spare=(1280, 720), bus=here.bus)
    camera.open()
    driver = here.captures[0].values
    assert (driver[cv2.CAP_PROP_FRAME_WIDTH], driver[cv2.CAP_PROP_FRAME_HEIGHT]) == got
    chosen = Webcam(f"C920@{find_webcams(here.bus)[0][1]}", (1920, 1080), 30, bus=here.bus)
    chosen.open()
    if (1920, 1080) in sizes:
        assert driver[cv2.CAP_PROP_FRAME_WIDTH] == 1920, "what a seller chose is kept, however slow"


def test_a_camera_is_asked_according_to_how_it_lies() -> None:
    from seller_console.contract.media import CameraSettings

    wishes: list[CameraWish] = []

    def make(_rest: str, wish: CameraWish) -> Any:
        wishes.append(wish)
        raise DeviceGone("no")

    devices = Devices(cameras={"camera": make})
    devices.book.put("camera:Top@1", CameraSettings(rotation=270))
    feed = devices.open_camera("camera:Top@1", CameraWish(720, 1280, 30, 0))
    feed.start()
    try:
        wait_for(lambda: bool(wishes), 5, "asked")
        assert wishes[0].rotation == 270
    finally:
        feed.stop()
