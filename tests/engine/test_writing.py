"""Writing the wrong way round is seen, writing that lies upside down is not taken for it, and texture says nothing."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import cv2
import numpy as np
import pytest

from seller_console.contract import media as m
from seller_console.engine.app import Engine
from seller_console.engine.devices import Devices
from seller_console.engine.picture import Picture, blank, planes
from seller_console.engine.sentinel import LOOK_S, WritingSentinel
from seller_console.engine.writing import evidence, find_letters, is_mirrored
from tests.fakes.print_film import TALL, WIDE, PrintFault, PrintFilm

from .test_camera_settings import Heard
from .test_sentinel import cured, raised


def odds(luma: Any) -> float:
    """Of dark and of bright letters together."""
    return sum(evidence(find_letters(np.ascontiguousarray(luma), bright)) for bright in (False, True))


@pytest.mark.parametrize("seed", range(4))
def test_print_is_told_from_its_mirror_image_whichever_way_up_it_lies(seed: int) -> None:
    page = PrintFilm(seed).at(0)
    assert odds(page) < -50
    assert odds(page[::-1, ::-1]) < -50, "upside down, not mirrored"
    assert odds(page[:, ::-1]) > 50
    assert odds(page[::-1]) > 50, "upside down and mirrored"


@pytest.mark.parametrize("seed", range(4))
def test_a_mirror_turns_the_odds_around_and_nothing_else_decides(seed: int) -> None:
    page = PrintFilm(seed).at(0)
    there, back = odds(page), odds(page[:, ::-1])
    assert abs(there + back) < 0.25 * abs(there), "what is learnt is letters, not how they were cut out"


def test_texture_and_an_empty_table_say_nothing() -> None:
    rng = np.random.default_rng(4)
    for _ in range(10):
        cloud = cv2.GaussianBlur(rng.normal(0, 1, (TALL, WIDE)), (0, 0), float(rng.uniform(2.5, 6)))
        spots = np.where(cloud > np.quantile(cloud, 0.8), 60, 190)
        bricks = np.kron(rng.integers(60, 200, (45, 60)), np.ones((12, 16))) + rng.normal(0, 4, (TALL, WIDE))
        for texture in (cloud * 900 + 128, spots, bricks, rng.integers(0, 255, (TALL, WIDE))):
            seen = texture.clip(0, 255).astype(np.uint8)
            assert [is_mirrored(seen, bright) for bright in (False, True)] == [None, None]
    assert odds(np.full((TALL, WIDE), 90, np.uint8)) == 0.0


def watch(film: PrintFilm, sentinel: WritingSentinel, start_s: float, seconds: float, fault: PrintFault = "",
          flipped: bool = False) -> list[float]:  # fmt: skip
    """When it said so."""
    said = []
    for look in range(int(seconds / LOOK_S)):
        now_s = start_s + look * LOOK_S
        if sentinel.look(film.at(now_s, fault), flipped, int(now_s * 1e9)):
            said.append(now_s)
    return said


@pytest.mark.parametrize("seed", range(3))
def test_it_is_said_within_3_s_and_taken_back(seed: int) -> None:
    film, sentinel = PrintFilm(seed), WritingSentinel()
    assert watch(film, sentinel, 0.0, 15.0) == []
    said = watch(film, sentinel, 15.0, 5.0, "picture_mirrored")
    assert said and said[0] - 15.0 <= 3.0
    after = watch(film, sentinel, 20.0, 6.0)
    assert not after or after[-1] - 20.0 <= 3.0


def test_a_camera_that_mirrors_and_a_window_that_mirrors_back_is_right_and_the_window_alone_is_not() -> None:
    assert watch(PrintFilm(5), WritingSentinel(), 0.0, 5.0, "picture_mirrored", flipped=True) == []
    assert watch(PrintFilm(5), WritingSentinel(), 0.0, 5.0, flipped=True)


def test_writing_that_went_out_of_the_picture_is_forgotten() -> None:
    sentinel = WritingSentinel()
    assert watch(PrintFilm(6), sentinel, 0.0, 4.0, "picture_mirrored")
    empty = np.full((TALL, WIDE), 90, np.uint8)
    said = [n for n in range(32) if sentinel.look(empty, False, int((4 + n * LOOK_S) * 1e9))]
    assert said and said[-1] * LOOK_S < 6


def test_reading_is_cheap() -> None:
    film, sentinel = PrintFilm(1), WritingSentinel()
    pages = [film.at(n * LOOK_S) for n in range(24)]
    began = time.thread_time()
    for n, page in enumerate(pages):
        sentinel.look(page, False, n * 250_000_000)
    assert (time.thread_time() - began) / (24 * LOOK_S) < 0.03, "3 % of a core"


class PrintCamera:
    """The film of print as a real camera, held upright or on its side."""

    def __init__(self, rotation: int = 0) -> None:
        self._back = {90: cv2.ROTATE_90_COUNTERCLOCKWISE, 270: cv2.ROTATE_90_CLOCKWISE}.get(rotation)
        self._film, self._pause, self._count = PrintFilm(8), threading.Event(), 0
        self._began = time.monotonic()

    def open(self) -> None:
        """At once."""

    def read(self) -> Picture:
        self._pause.wait(0.06)
        self._count += 1
        luma = self._film.at(time.monotonic() - self._began)
        if self._back is not None:
            luma = np.asarray(cv2.rotate(luma, self._back), np.uint8)
        pixels = blank(luma.shape[1], luma.shape[0])
        planes(pixels)[0][:] = luma
        return Picture(pixels, time.monotonic_ns(), self._count)

    def close(self) -> None:
        """Nothing held."""


@pytest.mark.media
@pytest.mark.parametrize("rotation", [90, 180, 270])
async def test_the_engine_says_a_mirror_left_on_and_takes_it_back_whatever_the_camera_is_turned_by(
    rotation: int,
) -> None:
    hear, spec = Heard(), "camera:Dessus@usb-1"
    engine = Engine(None, hear, Devices(cameras={"camera": lambda _rest, _wish: PrintCamera(rotation)}))
    await engine.obey(m.SetProgramme(width=360, height=640, camera=spec))
    await engine.obey(m.SetCamera(camera=spec, settings=m.CameraSettings(mirror=True, rotation=rotation)))
    running = asyncio.create_task(engine.run())
    try:
        said = await hear.until(raised("picture_mirrored"), 8)
        assert (said.subject, said.cure) == ("Dessus", "unmirror")
        await engine.obey(m.SetCamera(camera=spec, settings=m.CameraSettings(rotation=rotation)))
        await hear.until(cured("picture_mirrored"), 8)
    finally:
        engine.quitting.set()
        await running
