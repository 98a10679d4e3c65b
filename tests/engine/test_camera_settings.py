"""Each camera as it was set up: turned, cut, focused; kept by its own name; what it does not do is said."""

from __future__ import annotations

import asyncio
import json
import os
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from seller_console.contract import media as m
from seller_console.engine import framing
from seller_console.engine.app import Engine
from seller_console.engine.camerabook import CameraBook, read_settings, unfit
from seller_console.engine.devices import Devices
from seller_console.engine.headless import main as publish
from seller_console.engine.knobs import Knobs, read_control
from seller_console.engine.picture import Pixels, blank, planes, to_bgr
from seller_console.engine.scenes import Cast, Stage
from tests.fakes.knob_camera import Driver, KnobCamera, webcam_driver

from .conftest import moving, psnr
from .test_scenes import Grey

TOP = "camera:Top@usb-1"
Settings = m.CameraSettings


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    KnobCamera.made, KnobCamera.pulled_out = [], False
    yield


# --- how it is seen ------------------------------------------------------------------------


def reference(pixels: Pixels, settings: Settings, mirror: bool) -> np.ndarray:
    """The same by whole pictures in BGR: turn, mirror, cut."""
    turns = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
    image = to_bgr(pixels)
    if settings.rotation:
        image = cv2.rotate(image, turns[settings.rotation])
    if mirror:
        image = cv2.flip(image, 1)
    high, wide = (int(side / settings.zoom) for side in image.shape[:2])
    y = min(max(0, int(image.shape[0] * settings.centre_y - high / 2)), image.shape[0] - high)
    x = min(max(0, int(image.shape[1] * settings.centre_x - wide / 2)), image.shape[1] - wide)
    return image[y : y + high, x : x + wide]


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("zoom", [1.0, 2.0])
def test_turned_mirrored_and_cut_as_a_person_sees_it(rotation: Any, mirror: bool, zoom: float) -> None:
    source = moving(640, 480, 7)
    settings = Settings(rotation=rotation, zoom=zoom, centre_x=0.3, centre_y=0.65)
    got, wanted = to_bgr(framing.framed(source, settings, mirror)), reference(source, settings, mirror)
    assert abs(got.shape[0] - wanted.shape[0]) <= 2 and abs(got.shape[1] - wanted.shape[1]) <= 2
    high, wide = min(got.shape[0], wanted.shape[0]), min(got.shape[1], wanted.shape[1])
    assert psnr(got[:high, :wide], wanted[:high, :wide]) > 33


def test_a_turned_camera_fills_the_programme_and_an_untouched_one_takes_the_old_road() -> None:
    camera = Grey("top", 60)
    picture = camera.take(0)
    assert picture is not None
    planes(picture.pixels)[0][:120] = 200  # the top quarter of the camera is light
    used = Settings()
    stage = Stage(360, 640, lambda _camera: "", lambda _spec: used)
    out = blank(360, 640)
    stage.draw(out, Cast(camera), 0)
    plain = out.copy()
    Stage(360, 640, lambda _camera: "").draw(out, Cast(camera), 0)
    assert (plain == out).all()
    assert int(planes(plain)[0][20, 180]) == 200
    used = Settings(rotation=180)
    stage.draw(out, Cast(camera), 0)
    assert int(planes(out)[0][20, 180]) == 60 and int(planes(out)[0][620, 180]) == 200
    used = Settings(rotation=90)
    stage.draw(out, Cast(camera), 0)
    assert int(planes(out)[0][320, 350]) == 200, "clockwise: the top is at the right"
    used = Settings(rotation=90, mirror=True)
    stage.draw(out, Cast(camera), 0)
    assert int(planes(out)[0][320, 10]) == 200


def test_a_camera_nobody_touched_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError("framing was asked")

    monkeypatch.setattr(framing, "place", never)
    stage = Stage(360, 640, lambda _camera: "", lambda _spec: Settings(focus=30, width=1280, height=720))
    stage.draw(blank(360, 640), Cast(Grey("top", 60)), 0)


# --- the lens and the sensor ---------------------------------------------------------------


def test_what_a_camera_has_is_offered_and_what_it_has_not_is_said() -> None:
    driver = webcam_driver()
    knobs = Knobs(driver, "", lambda _path, _control: (0.0, 250.0, 5.0))
    offers = {offer.name: offer for offer in knobs.offers()}
    assert set(offers) == {"focus", "exposure", "gain"}
    assert offers["focus"].automatic and not offers["gain"].automatic
    assert (offers["focus"].lowest, offers["focus"].highest, offers["focus"].value) == (0, 250, 20)
    assert knobs.turn(Settings(focus=90, white_balance=4000)) == ("white_balance",)
    assert driver.values[cv2.CAP_PROP_FOCUS] == 90 and driver.values[cv2.CAP_PROP_AUTOFOCUS] == 0


def test_a_knob_nobody_touched_is_never_written_and_one_let_go_is_automatic_again() -> None:
    driver = webcam_driver()
    knobs = Knobs(driver, "")
    assert knobs.turn(Settings()) == () and driver.written == []
    knobs.turn(Settings(exposure=300, gain=10))
    assert driver.values[cv2.CAP_PROP_AUTO_EXPOSURE] == 1
    knobs.turn(Settings())
    assert driver.values[cv2.CAP_PROP_AUTO_EXPOSURE] == 3
    assert driver.values[cv2.CAP_PROP_GAIN] == 64, "what has no automatic stands where it stood"


def test_looking_for_the_focus_is_off_and_on_again_and_leaves_a_focus_set_by_hand() -> None:
    driver = webcam_driver()
    knobs = Knobs(driver, "")
    assert knobs.refocus() and driver.written == [(cv2.CAP_PROP_AUTOFOCUS, 0), (cv2.CAP_PROP_AUTOFOCUS, 1)]
    knobs.turn(Settings(focus=90))
    assert not knobs.refocus() and driver.values[cv2.CAP_PROP_AUTOFOCUS] == 0
    assert not Knobs(Driver({cv2.CAP_PROP_GAIN: 1}), "").refocus()


def test_windows_knows_white_balance_under_its_own_word() -> None:
    driver = Driver({cv2.CAP_PROP_TEMPERATURE: 4600})
    knobs = Knobs(driver, "", platform="win32")
    assert [(offer.name, offer.value, offer.automatic) for offer in knobs.offers()] == [("white_balance", 4600, False)]
    assert knobs.turn(Settings(white_balance=3200)) == () and driver.values[cv2.CAP_PROP_TEMPERATURE] == 3200
    assert Knobs(driver, "", platform="linux").offers() == ()


def test_a_deaf_knob_is_not_pretended() -> None:
    driver = Driver({cv2.CAP_PROP_FOCUS: 20}, deaf=frozenset({cv2.CAP_PROP_FOCUS}))
    assert Knobs(driver, "").turn(Settings(focus=90)) == ("focus",)


def test_ranges_are_read_as_the_driver_writes_them() -> None:
    def ask(asked: bytearray) -> None:
        assert struct.unpack_from("<I", asked)[0] == 0x009A090A
        struct.pack_into("<II32siiiiI", asked, 0, 0x009A090A, 1, b"Focus", 0, 250, 5, 0, 0)

    assert read_control(ask, 0x009A090A) == (0, 250, 5)

    def absent(_asked: bytearray) -> None:
        raise OSError("no such control")

    assert read_control(absent, 1) is None


# --- kept ----------------------------------------------------------------------------------


def test_settings_are_kept_by_name_and_path_and_a_broken_file_is_put_aside(tmp_path: Path) -> None:
    path = tmp_path / "cameras.json"
    book = CameraBook(path)
    book.put(TOP, Settings(rotation=90, focus=30))
    book.put("camera:Other@usb-2", Settings(zoom=2))
    book.save()
    again = CameraBook(path)
    assert again.of(TOP) == Settings(rotation=90, focus=30) and again.of("camera:New@usb-3") == Settings()
    again.put("camera:Other@usb-2", Settings())
    again.save()
    assert set(json.loads(path.read_text("utf-8"))) == {TOP}
    path.write_text("{ half", "utf-8")
    assert CameraBook(path).of(TOP) == Settings()
    assert (tmp_path / "cameras.json.unreadable").read_text("utf-8") == "{ half"


def test_settings_lent_for_one_run_leave_the_kept_ones_of_every_camera_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "cameras.json"
    kept, other = CameraBook(path), "camera:Other@usb-2"
    kept.put(TOP, Settings(rotation=90))
    kept.put(other, Settings(zoom=2))
    kept.save()
    book = CameraBook(path)
    book.lend(TOP, Settings())
    assert book.of(TOP) == Settings() and book.of(other) == Settings(zoom=2)
    book.put(other, Settings(zoom=3))
    book.save()
    assert CameraBook(path).of(TOP) == Settings(rotation=90), "what was lent is not written with the rest"
    book.put(TOP, Settings(mirror=True))
    assert book.of(TOP) == Settings(mirror=True), "what is asked later holds"


@pytest.mark.media
@pytest.mark.parametrize("option", ["--camera-settings", "--second-camera-settings"])
def test_publish_uses_a_camera_so_this_once_and_the_other_one_as_it_is_kept(
    option: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SELLER_CONSOLE_HOME", str(tmp_path))
    first, second = f"file:{tmp_path / 'a.mp4'}", f"file:{tmp_path / 'b.mp4'}"
    book = CameraBook(tmp_path / "cameras.json")
    book.put(first, Settings(rotation=90))
    book.put(second, Settings(rotation=180))
    book.save()
    words = ["--to", "http://127.0.0.1:9/whip", "--camera", first, "--second-camera", second, "--size", "360x640"]
    assert publish([*words, option, "rotation=270", "--seconds", "1", "--json"]) == 1
    notes = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    used = {note["camera"]: note["settings"]["rotation"] for note in notes if note["type"] == "camera_set"}
    assert used == ({first: 270, second: 180} if option == "--camera-settings" else {first: 90, second: 270})
    again = CameraBook(tmp_path / "cameras.json")
    assert (again.of(first).rotation, again.of(second).rotation) == (90, 180), "kept as they were"


def test_settings_for_a_second_camera_want_one(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        publish(["--to", "http://127.0.0.1:9/whip", "--second-camera-settings", "mirror"])
    assert stop.value.code == 2 and "--second-camera" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_what_may_hold_the_password_of_a_camera_is_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "cameras.json"
    path.write_text("{}", "utf-8")
    path.chmod(0o644)
    book = CameraBook(path)
    book.put("url:rtsp://seller:hunter2@10.0.0.9/live", Settings(rotation=90))
    book.save()
    assert "hunter2" in path.read_text("utf-8") and path.stat().st_mode & 0o777 == 0o600
    path.write_text("{ half", "utf-8")
    path.chmod(0o644)
    CameraBook(path)
    assert (tmp_path / "cameras.json.unreadable").stat().st_mode & 0o777 == 0o600


def test_settings_on_a_command_line() -> None:
    assert read_settings("size=1920x1080, fps=25,rotation=270,mirror,zoom=1.5,centre=0.4x0.6,focus=30,gain=auto") == (
        Settings(width=1920, height=1080, fps=25, rotation=270, mirror=True, zoom=1.5, centre_x=0.4, centre_y=0.6,
                 focus=30)
    )  # fmt: skip
    for wrong in ("rotation=45", "zoom=0.5", "zoom=nan", "colour=red", "size=1921x1080", "centre=2x0", "focus=near"):
        with pytest.raises(ValueError):
            read_settings(wrong)
    assert unfit(Settings(width=640)) and unfit(Settings(fps=-1)) and not unfit(Settings())


def test_publish_refuses_settings_that_cannot_be_meant(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        publish(["--to", "http://127.0.0.1:9/whip", "--camera-settings", "rotation=45"])
    assert stop.value.code == 2 and "camera-settings" in capsys.readouterr().err


# --- through the engine ----------------------------------------------------------------------


class Heard:
    def __init__(self) -> None:
        self.notes: list[Any] = []
        self.said = asyncio.Event()

    def __call__(self, note: Any) -> None:
        self.notes.append(note)
        self.said.set()

    async def until(self, done: Any, seconds: float = 5.0) -> Any:
        async with asyncio.timeout(seconds):
            while True:
                found = [note for note in self.notes if done(note)]
                if found:
                    return found[-1]
                self.said.clear()
                await self.said.wait()


def camera_set(**facts: Any) -> Any:
    return lambda n: isinstance(n, m.CameraSet) and all(getattr(n, k) == v for k, v in facts.items())


@pytest.mark.media
async def test_a_camera_obeys_and_obeys_again_when_it_is_plugged_in_again(tmp_path: Path) -> None:
    hear, book = Heard(), CameraBook(tmp_path / "cameras.json")
    engine = Engine(None, hear, Devices(cameras={"camera": KnobCamera.make}, book=book))
    await engine.obey(m.SetProgramme(width=360, height=640, camera=TOP))
    running = asyncio.create_task(engine.run())
    try:
        first = await hear.until(lambda n: isinstance(n, m.CameraSet) and n.offers)
        assert (first.width, first.height) == (1280, 720) and first.ignored == ()
        wanted = Settings(rotation=90, focus=90, white_balance=4000)
        await engine.obey(m.SetCamera(camera=TOP, settings=wanted))
        done = await hear.until(camera_set(settings=wanted, ignored=("white_balance",)))
        assert done.camera == TOP and len(KnobCamera.made) == 1, "a knob does not open the device again"
        KnobCamera.pulled_out = True
        await hear.until(lambda n: isinstance(n, m.TroubleRaised) and n.code == "camera_gone")
        KnobCamera.pulled_out = False
        await hear.until(lambda n: isinstance(n, m.TroubleCured) and n.code == "camera_gone")
        assert KnobCamera.made[-1] is not KnobCamera.made[0]
        assert KnobCamera.made[-1].adjusted[0] == wanted, "before its first picture"
        await engine.obey(m.SetCamera(camera=TOP, settings=Settings(width=640, height=480, fps=15)))
        said = await hear.until(lambda n: camera_set(width=640, height=480)(n) and n.fps == 15)
        assert said.ignored == ()
    finally:
        engine.quitting.set()
        await running
    assert CameraBook(tmp_path / "cameras.json").of(TOP).width == 640


async def test_what_cannot_be_meant_is_refused_and_changes_nothing() -> None:
    hear = Heard()
    devices = Devices(cameras={"camera": KnobCamera.make})
    engine = Engine(None, hear, devices)
    await engine.obey(m.SetCamera(camera=TOP, settings=Settings(zoom=100)))
    await engine.obey(m.SetCamera(camera="nonsense", settings=Settings(zoom=2)))
    assert [note.code for note in hear.notes] == ["unfit", "unknown_device"]
    assert devices.book.of(TOP) == Settings()
    await engine.obey(m.SetCamera(camera=TOP, settings=Settings(zoom=2)))
    assert devices.book.of(TOP).zoom == 2, "a camera that is not plugged in is set up too"


async def test_the_test_card_has_no_lens_and_says_so() -> None:
    hear = Heard()
    engine = Engine(None, hear)
    await engine.obey(m.SetCamera(camera="testcard", settings=Settings(rotation=90, focus=30, width=640, height=480)))
    assert hear.notes[-1].ignored == ("size", "focus")


@pytest.mark.media
async def test_a_snapshot_of_one_camera_is_whole_and_as_it_is_used(tmp_path: Path) -> None:
    hear = Heard()
    engine = Engine(None, hear, Devices(cameras={"camera": KnobCamera.make}))
    await engine.obey(m.SetProgramme(width=360, height=640, camera="testcard", second_camera=TOP))
    await engine.obey(m.SetCamera(camera=TOP, settings=Settings(rotation=90)))
    running = asyncio.create_task(engine.run())
    try:
        await hear.until(camera_set(camera=TOP, width=1280))
        place = tmp_path / "lot.jpg"
        deadline = time.monotonic() + 5
        while True:
            await engine.obey(m.TakeSnapshot(request="q", path=str(place), camera=TOP))
            if not hear.notes[-1].error or time.monotonic() > deadline:
                break
        taken = cv2.imread(str(place), cv2.IMREAD_GRAYSCALE)
        assert taken is not None and taken.shape == (1280, 720), "its own size, turned; not the programme's"
        assert taken[100, 700] > taken[100, 20] + 80, "the mark of the top left is at the top right"
        await engine.obey(m.TakeSnapshot(request="none", path=str(place), camera="camera:Gone@x"))
        assert hear.notes[-1].request == "none" and hear.notes[-1].error
    finally:
        engine.quitting.set()
        await running
