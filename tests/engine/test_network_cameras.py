"""Cameras on the network: gone, stalled, broken on the way, joined late; asked anew, and as old as they are."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from seller_console.engine.capture import CapturedCamera
from seller_console.engine.devices import CameraWish, Devices
from seller_console.engine.picture import planes
from seller_console.engine.streams import TakenClock
from tests.fakes.network_camera import NetworkCamera
from tests.fakes.rtsp_camera import RtspCamera

from .conftest import moving, psnr, wait_for

WISH = CameraWish(720, 1280, 30, 0)
MS = 1_000_000


@pytest.fixture
def network_camera() -> Iterator[NetworkCamera]:
    camera = NetworkCamera(lambda n: np.full((240, 320, 3), (n * 5) % 200, np.uint8))
    camera.start()
    yield camera
    camera.vanish()


@pytest.mark.media
def test_a_network_camera_that_vanishes_is_said_within_3_s_and_comes_back(network_camera: NetworkCamera) -> None:
    feed = Devices().open_camera(f"url:{network_camera.address}", WISH)
    feed.start()
    try:
        wait_for(lambda: feed.state == "live", 8, "it lives")
        picture = feed.take(0)
        assert picture is not None and (picture.width, picture.height) == (320, 240)
        network_camera.vanish()
        wait_for(lambda: feed.state == "gone", 3, "gone is said")
        assert "secret-word" not in feed.detail + feed.name
        assert feed.take(0) is not None, "the last picture stays"
        network_camera.start()
        wait_for(lambda: feed.state == "live", 6, "it comes back by itself")
    finally:
        feed.stop()


@pytest.mark.media
def test_a_network_camera_that_stalls_with_its_line_open_is_asked_anew(network_camera: NetworkCamera) -> None:
    feed = Devices().open_camera(f"url:{network_camera.address}", WISH)
    feed.start()
    try:
        wait_for(lambda: feed.state == "live", 8, "it lives")
        assert network_camera.connections == 1
        network_camera.stall_open()
        wait_for(lambda: feed.state == "gone", 5, "gone is said")
        wait_for(lambda: feed.state == "live", 15, "it is back")
        assert network_camera.connections == 2, "on another line: the first one stays silent"
    finally:
        feed.stop()


@pytest.mark.media
def test_a_picture_that_cannot_be_decoded_is_skipped(network_camera: NetworkCamera) -> None:
    network_camera.broken_every = 7
    feed = Devices().open_camera(network_camera.address, WISH)
    feed.start()
    try:
        wait_for(lambda: feed.captured > 40, 15, f"pictures come: {feed.captured} {feed.state} {feed.detail}")
        assert network_camera.connections == 1
    finally:
        feed.stop()


@pytest.mark.media
def test_an_rtsp_camera_is_seen_vanishes_and_comes_back() -> None:
    camera = RtspCamera(lambda number: moving(320, 240, number % 30), (320, 240))
    camera.start()
    feed = Devices().open_camera(f"url:{camera.address}", WISH)
    feed.start()
    try:
        wait_for(lambda: feed.state == "live", 10, "it lives")
        picture = feed.take(0)
        assert picture is not None and (picture.width, picture.height) == (320, 240)
        best = max(psnr(planes(picture.pixels)[0], planes(moving(320, 240, n))[0]) for n in range(30))
        assert best > 25
        camera.vanish()
        wait_for(lambda: feed.state == "gone", 3, "gone is said")
        camera.start()
        wait_for(lambda: feed.state == "live", 10, "it comes back by itself")
    finally:
        feed.stop()
        camera.vanish()


@pytest.fixture
def start_rtsp() -> Iterator[Callable[..., tuple[RtspCamera, CapturedCamera]]]:
    """A camera that speaks RTSP, and a feed that watches it."""
    begun: list[tuple[RtspCamera, CapturedCamera]] = []

    def start(**how: Any) -> tuple[RtspCamera, CapturedCamera]:
        camera = RtspCamera(lambda number: moving(320, 240, number % 30), (320, 240), **how)
        camera.start()
        feed = Devices().open_camera(camera.address, WISH)
        assert isinstance(feed, CapturedCamera)
        feed.start()
        begun.append((camera, feed))
        return camera, feed

    yield start
    for camera, feed in begun:
        feed.stop()
        camera.vanish()


@pytest.mark.media
def test_a_picture_that_stalls_beside_living_sound_is_asked_anew(start_rtsp: Any) -> None:
    camera, feed = start_rtsp(voice=True)
    wait_for(lambda: feed.state == "live", 15, "it lives")
    camera.stalled.set()
    wait_for(lambda: feed.state == "gone", 5, "gone is said")
    wait_for(lambda: camera.connections >= 2, 10, "asked anew")


@pytest.mark.media
def test_who_joins_between_key_frames_waits_for_the_next(start_rtsp: Any) -> None:
    camera, feed = start_rtsp(gop=105, joined_late=True)
    wait_for(lambda: feed.state == "live", 15, "it lives")
    assert camera.connections == 1


@pytest.mark.media
def test_what_is_long_on_its_way_is_old_when_it_comes(start_rtsp: Any) -> None:
    camera, feed = start_rtsp()

    def age_ms() -> float:
        picture = feed.take(0)
        return (time.monotonic_ns() - picture.captured_ns) / 1e6 if picture is not None else -1

    wait_for(lambda: feed.captured > 30 and 0 <= age_ms() < 400, 15, "pictures come at once")
    camera.late_s = 1.2
    before = feed.captured
    wait_for(lambda: feed.captured > before + 10 and 900 < age_ms() < 1800, 10, "a backlog is seen as age")
    assert camera.connections == 1


def test_the_time_a_picture_was_taken_follows_its_stamps() -> None:
    clock = TakenClock()
    at = 5_000 * MS
    assert clock.taken_ns(0, at) == at
    assert clock.taken_ns(40 * MS, at + 30 * MS) == at + 30 * MS, "the least delay is none"
    assert clock.taken_ns(80 * MS, at + 570 * MS) == pytest.approx(at + 70 * MS, abs=MS), "half a second late"
    at += 10 * MS
    assert clock.taken_ns(60 * MS, at + 600 * MS) == at + 600 * MS, "stamps that go back begin anew"
    assert clock.taken_ns(90_000 * MS, at + 700 * MS) == at + 700 * MS, "and those that leap ahead"
    assert clock.taken_ns(90_040 * MS, at + 20_000 * MS) == at + 20_000 * MS, "what cannot be is not believed"


def test_a_delay_that_stays_is_forgotten_slowly() -> None:
    clock = TakenClock()
    clock.taken_ns(0, 0)
    ages = [at * MS - clock.taken_ns((at - 1_000) * MS, at * MS) for at in range(2_000, 20_000_000, 1_000)]
    assert ages[10] > 950 * MS, "a backlog of ten seconds ago"
    assert ages[6_000] == 0, "the usual delay, an hour and a half later"
