"""Cameras: by their own name or not at all; gone, busy, back; the newest picture wins."""

from __future__ import annotations

import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seller_console.engine.capture import KNOWN, CameraDevice, CapturedCamera
from seller_console.engine.device import DeviceBusy, DeviceGone
from seller_console.engine.devices import CameraWish, Devices, UnknownDevice, plain
from seller_console.engine.files import FileSound
from seller_console.engine.picture import Picture, blank, planes

from .conftest import make_clip, moving, psnr, wait_for

WISH = CameraWish(720, 1280, 30, 0)


class FakeCamera:
    """The shape of a camera, under a test's thumb."""

    def __init__(self) -> None:
        self.refuse: Exception | None = None
        self.gone = threading.Event()
        self.next = threading.Semaphore(0)
        self.opened = self.closed = self.count = 0

    def open(self) -> None:
        self.opened += 1
        if self.refuse:
            raise self.refuse

    def read(self) -> Picture:
        while not self.next.acquire(timeout=0.05):
            if self.gone.is_set():
                raise DeviceGone("pulled out")
        if self.gone.is_set():
            raise DeviceGone("pulled out")
        self.count += 1
        return Picture(blank(64, 48, 16 + self.count), time.monotonic_ns(), self.count)

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def fake() -> Iterator[tuple[FakeCamera, CapturedCamera]]:
    device = FakeCamera()
    feed = CapturedCamera("camera:Top@usb-1", "Top", lambda: device)
    feed.start()
    yield device, feed
    device.gone.set()
    feed.stop()


def test_the_newest_picture_wins_and_the_replaced_are_counted(fake: tuple[FakeCamera, CapturedCamera]) -> None:
    device, feed = fake
    device.next.release(5)
    wait_for(lambda: feed.captured == 5, 5, "five pictures")
    picture = feed.take(0)
    assert picture is not None and picture.number == 5
    assert feed.replaced == 4
    assert feed.take(0) is picture, "the same again when there is no newer"


def test_a_camera_is_as_old_as_most_of_its_pictures_and_not_as_its_first_ones() -> None:
    feed, captured_ns = CapturedCamera("camera:x", "x", FakeCamera), 0

    def come(pictures: int, late_ms: float) -> float | None:
        nonlocal captured_ns
        for _ in range(pictures):
            captured_ns += 33_000_000
            at_ns = captured_ns + int(late_ms * 1e6)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(time, "monotonic_ns", lambda at_ns=at_ns: at_ns)
                feed._put(Picture(blank(64, 64), captured_ns, feed.captured))
        return None if feed.age_ns is None else feed.age_ns / 1e6

    assert come(KNOWN - 1, 400) is None, "a driver's backlog, for all we know"
    assert come(5 * KNOWN, 60) == pytest.approx(60 + 16.5)
    assert come(KNOWN, 250) == pytest.approx(60 + 16.5), "a second of the network is no age"
    assert come(600, 120) == pytest.approx(120 + 16.5)


def test_a_camera_pulled_out_is_named_keeps_its_last_picture_and_comes_back(
    fake: tuple[FakeCamera, CapturedCamera],
) -> None:
    device, feed = fake
    device.next.release()
    wait_for(lambda: feed.state == "live", 5, "it lives")
    device.gone.set()
    wait_for(lambda: feed.state == "gone", 3, "gone is said")
    assert feed.detail == "pulled out" and feed.name == "Top"
    last = feed.take(0)
    assert last is not None and last.number == 1
    device.gone.clear()
    device.next.release()
    wait_for(lambda: feed.state == "live", 3, "it comes back by itself")
    assert device.closed == device.opened - 1


def test_a_camera_another_program_holds_is_busy_and_taken_when_it_is_free(
    fake: tuple[FakeCamera, CapturedCamera],
) -> None:
    device, feed = fake
    device.gone.set()
    device.refuse = DeviceBusy("zoom")
    wait_for(lambda: feed.state == "busy", 3, "busy is said")
    assert feed.detail == "zoom"
    device.refuse = None
    device.gone.clear()
    device.next.release()
    feed.retry_now()
    wait_for(lambda: feed.state == "live", 3, "taken when free")


def test_retry_now_does_not_wait(fake: tuple[FakeCamera, CapturedCamera], monkeypatch: pytest.MonkeyPatch) -> None:
    device, feed = fake
    device.refuse = DeviceGone("no")
    device.gone.set()
    wait_for(lambda: device.opened >= 2, 5, "tried")
    monkeypatch.setattr("seller_console.engine.device.RETRY_S", 60.0)
    seen = device.opened
    wait_for(lambda: device.opened > seen, 10, "the long wait has begun")
    before = device.opened
    feed.retry_now()
    wait_for(lambda: device.opened > before, 10, "tried at once")


def test_a_device_that_hangs_without_a_word_is_gone_within_3_s(fake: tuple[FakeCamera, CapturedCamera]) -> None:
    device, feed = fake
    device.next.release()
    wait_for(lambda: feed.state == "live", 5, "it lives")
    wait_for(lambda: feed.state == "gone", 3, "silence is seen")


class Brittle(FakeCamera):
    """Raises what no device should, where it is told to."""

    def __init__(self, where: str) -> None:
        super().__init__()
        self.where = where

    def _break(self, where: str) -> None:
        if self.where == where:
            raise ZeroDivisionError("rtsp://seller:hunter2@10.0.0.9/live")

    def open(self) -> None:
        super().open()
        self._break("open")

    def read(self) -> Picture:
        self._break("read")
        return super().read()

    def close(self) -> None:
        super().close()
        self._break("close")


@pytest.mark.warns("camera_failed")
@pytest.mark.parametrize("where", ["make", "open", "read", "close"])
def test_whatever_a_device_raises_the_camera_comes_back(where: str, caplog: pytest.LogCaptureFixture) -> None:
    device = Brittle(where)
    made = 0

    def make() -> CameraDevice:
        nonlocal made
        made += 1
        device._break("make")
        return device

    feed = CapturedCamera("camera:Top@usb-1", "Top", make)
    feed.start()
    try:
        if where == "close":
            device.gone.set()
        wait_for(lambda: made >= 2, 10, "tried again")
        assert feed.state == "gone" and feed.detail in ("ZeroDivisionError", "pulled out")
        device.where = ""
        device.gone.clear()
        device.next.release()
        wait_for(lambda: feed.state == "live", 10, "it lives")
        assert "hunter2" not in caplog.text
    finally:
        device.gone.set()
        feed.stop()


class Silent(FakeCamera):
    """Is open and says again and again that it has nothing yet."""

    def read(self) -> Picture | None:  # type: ignore[override]
        if self.next.acquire(timeout=0.05):
            return Picture(blank(64, 48), time.monotonic_ns(), 1)
        return None


def test_retry_opens_a_silent_camera_anew() -> None:
    device = Silent()
    feed = CapturedCamera("url:http://x/", "x", lambda: device)
    feed.start()
    try:
        device.next.release()
        wait_for(lambda: feed.state == "live", 5, "it lives")
        wait_for(lambda: feed.state == "gone", 5, "silence is seen")
        assert device.opened == 1
        feed.retry_now()
        wait_for(lambda: device.opened == 2, 5, "opened anew")
        device.next.release()
        wait_for(lambda: feed.state == "live", 5, "it lives again")
        assert device.opened == 2
    finally:
        feed.stop()


@pytest.mark.parametrize("spec", ["", "camera", "camera:", "nonsense:x", "file:", "default", "testcard:1"])
def test_what_is_not_a_spec_is_refused_not_guessed(spec: str) -> None:
    with pytest.raises(UnknownDevice):
        Devices().open_camera(spec, WISH)


def test_names_never_show_a_password() -> None:
    assert plain("camera:Logi C920@/dev/v4l/by-id/usb-1") == "Logi C920"
    assert plain("file:/films/demo.mp4") == "demo.mp4"
    assert plain("screen::0") == "screen::0" and plain("testcard") == "testcard"
    assert plain("url:http://10.0.0.9:8080/video") == "http://10.0.0.9:8080"


@pytest.mark.parametrize(
    "spec",
    [
        "url:rtsp://seller:hunter2@10.0.0.9:554/live?key=abc",
        "rtsp://seller:hunter2@10.0.0.9/hunter2",
        "HTTP://seller:hunter2@10.0.0.9/video?token=hunter2",
        "url:rtsp://seller:hunt/er2@10.0.0.9/live",
        "url:rtsp://seller:hunt?er2@10.0.0.9/live",
        "url:seller:hunter2@10.0.0.9/live",
        "rtps://seller:hunter2@10.0.0.9/live",
        "rtsp:/seller:hunter2@10.0.0.9/live",
        "seller:hunter2@10.0.0.9",
        "hunter2@10.0.0.9",
        "screen:hunter2@10.0.0.9",
    ],
)
def test_what_is_said_of_an_address_holds_no_secret(spec: str) -> None:
    said = plain(spec)
    try:
        said += Devices().open_camera(spec, WISH).name
    except UnknownDevice as error:
        said += str(error)
    assert "hunt" not in said and "er2" not in said and "key" not in said


@pytest.mark.parametrize("spec", ["rtsp://10.0.0.9/live", "http://10.0.0.9/video", "https://10.0.0.9/v", "RTSP://a/b"])
def test_an_address_is_a_camera_as_it_stands(spec: str) -> None:
    devices = Devices()
    assert devices.knows(spec)
    assert devices.open_camera(spec, WISH).name == devices.open_camera(f"url:{spec}", WISH).name


def test_a_camera_that_is_not_plugged_in_is_gone_and_nothing_takes_its_place() -> None:
    feed = Devices().open_camera("camera:Logi C920@/dev/v4l/by-id/usb-not-there", WISH)
    feed.start()
    try:
        wait_for(lambda: feed.state == "gone", 3, "said gone")
        assert feed.name == "Logi C920" and feed.take(0) is None
    finally:
        feed.stop()


def run_feed(spec: str, done: Callable[[Any], bool], timeout_s: float = 10) -> list[Picture]:
    feed = Devices().open_camera(spec, WISH)
    feed.start()
    seen: list[Picture] = []

    def look() -> bool:
        picture = feed.take(0)
        if picture is not None and (not seen or picture.number != seen[-1].number):
            seen.append(picture)
        return done(seen)

    try:
        wait_for(look, timeout_s, f"{spec}: {feed.state} {feed.detail}")
    finally:
        feed.stop()
    return seen


@pytest.mark.media
def test_a_video_file_plays_at_its_own_pace_and_again(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", seconds=1.0)
    began = time.monotonic()
    seen = run_feed(f"file:{clip}", lambda s: len(s) >= 50)
    assert 1.2 < time.monotonic() - began < 4
    expected = [planes(moving(320, 240, n))[0] for n in range(30)]
    best = [max(psnr(planes(p.pixels)[0], e) for e in expected) for p in seen]
    assert min(best) > 30, "every picture is one of the file's"


@pytest.mark.media
def test_a_still_picture_is_a_camera_that_never_moves(tmp_path: Path) -> None:
    import cv2

    still = np.zeros((101, 151, 3), np.uint8)
    still[:] = (40, 180, 60)
    cv2.imwrite(str(tmp_path / "card.png"), still)
    seen = run_feed(f"file:{tmp_path / 'card.png'}", lambda s: len(s) >= 3)
    assert (seen[0].width, seen[0].height) == (150, 100)
    assert np.array_equal(seen[0].pixels, seen[2].pixels)


@pytest.mark.parametrize("content", [None, b"", b"not a film at all" * 100])
def test_a_file_that_cannot_be_played_is_gone_and_says_why(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "bad.mp4"
    if content is not None:
        path.write_bytes(content)
    feed = Devices().open_camera(f"file:{path}", WISH)
    feed.start()
    try:
        wait_for(lambda: feed.state == "gone" and bool(feed.detail), 5, "said gone")
    finally:
        feed.stop()


def test_both_halves_of_a_file_meet_on_the_media_clock(tmp_path: Path) -> None:
    """Opened half a second apart, sound and picture are at the same place of their loop."""
    clip = make_clip(tmp_path / "clip.mp4", seconds=2.0, tone_hz=500)
    origin_ns = time.monotonic_ns() - 700_000_000
    sound = Devices().open_microphone(f"file:{clip}", origin_ns)
    sound.start()
    try:
        wait_for(lambda: sound.state == "live", 5, "it sounds")
        loud = []
        pause = threading.Event()
        began = time.monotonic_ns()
        for n in range(60):
            due = began + n * 20_000_000
            pause.wait(max(0.0, (due - time.monotonic_ns()) / 1e9))
            loud.append(float(np.abs(sound.pull(due)).max()))
        assert np.mean(loud) > 0.3
        assert sum(level < 0.01 for level in loud) <= 12, "only the gap at the end of the loop is silent"
    finally:
        sound.stop()


@pytest.mark.warns("sound_failed")
def test_whatever_a_decoder_raises_the_sound_of_a_file_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = make_clip(tmp_path / "clip.mp4", seconds=1.0, tone_hz=500)
    real, breaks = FileSound._play_once, True

    def brittle(sound: FileSound, *words: Any) -> None:
        if breaks:
            raise ZeroDivisionError
        real(sound, *words)

    monkeypatch.setattr(FileSound, "_play_once", brittle)
    sound = Devices().open_microphone(f"file:{clip}", 0)
    sound.start()
    try:
        wait_for(lambda: (sound.state, sound.detail) == ("gone", "ZeroDivisionError"), 5, "gone is said, and why")
        breaks = False
        wait_for(lambda: sound.state == "live", 5, "it sounds")
    finally:
        sound.stop()


@pytest.mark.media
def test_a_screen_is_a_camera(start_program: Any) -> None:
    program = start_program("Xvfb", "-displayfd", "1", "-screen", "0", "640x480x24", python=False)
    display = program.line(0)
    seen = run_feed(f"screen::{display}", lambda s: len(s) >= 5)
    assert (seen[0].width, seen[0].height) == (640, 480)


def test_makers_of_a_test_take_the_place_of_a_kind() -> None:
    def make(_rest: str, _wish: CameraWish) -> CameraDevice:
        return FakeCamera()

    feed = Devices(cameras={"camera": make}).open_camera("camera:X@1", WISH)
    assert feed.name == "X"


@pytest.mark.media
@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_a_screen_that_cannot_be_taken_says_so(platform: str) -> None:
    from seller_console.engine.streams import ScreenCamera

    with pytest.raises(DeviceGone, match="no_grabber"):
        ScreenCamera(":0", 30, platform).open()


@pytest.mark.media
def test_a_raw_stream_without_times_plays_at_its_pace_and_again(tmp_path: Path) -> None:
    import av

    raw = tmp_path / "raw.h264"
    with av.open(str(make_clip(tmp_path / "clip.mp4", seconds=1.0))) as source, av.open(str(raw), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    began = time.monotonic()
    assert len(run_feed(f"file:{raw}", lambda s: len(s) >= 40, 20)) >= 40
    assert time.monotonic() - began > 0.8, "not all at once"


def test_a_still_that_is_a_trap_is_refused_in_words(tmp_path: Path) -> None:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = b"\x89PNG\r\n\x1a\n"
    bomb = head + chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)) + chunk(b"IDAT", b"")
    broken = head + chunk(b"IHDR", struct.pack(">IIBBBBB", 60, 60, 8, 2, 0, 0, 0)) + struct.pack(">I", 9) + b"\0\0\0\0"
    for name, content in (("bomb.png", bomb), ("broken.png", broken)):
        (tmp_path / name).write_bytes(content)
        feed = Devices().open_camera(f"file:{tmp_path / name}", WISH)
        feed.start()
        try:
            wait_for(lambda feed=feed: feed.state == "gone" and bool(feed.detail), 5, f"{name} is refused")
        finally:
            feed.stop()
