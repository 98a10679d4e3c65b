"""Pictures: cropped to fill, never stretched; the test card speaks to people and to machines."""

from __future__ import annotations

import time

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seller_console.engine import lettering
from seller_console.engine.picture import blank, crop_to_fill, fill, from_bgr, planes, to_bgr
from seller_console.engine.testcard import TestCard, read_code

from .conftest import moving, psnr

even = st.integers(16, 2000).map(lambda n: n * 2)


@given(even, even, even, even)
def test_the_part_taken_lies_inside_and_has_the_outcomes_shape(w: int, h: int, out_w: int, out_h: int) -> None:
    x, y, part_w, part_h = crop_to_fill(w, h, out_w, out_h)
    assert x >= 0 and y >= 0 and x + part_w <= w and y + part_h <= h
    assert not (x | y | part_w | part_h) & 1
    assert part_w == w or part_h == h
    assert abs(part_w * out_h - part_h * out_w) <= 2 * max(out_w, out_h) or min(part_w, part_h) == 2


def test_a_landscape_camera_fills_a_portrait_programme_from_its_middle() -> None:
    camera = blank(1280, 720, 40)
    camera[:720, 560:720] = 200
    out = blank(720, 1280)
    fill(camera, out)
    luma = planes(out)[0]
    assert luma[:, 360 - 60 : 360 + 60].mean() > 190
    assert luma[:, :60].mean() < 50 and luma[:, -60:].mean() < 50


def test_a_mirrored_picture_is_the_other_way_round_in_all_planes() -> None:
    bgr = np.zeros((64, 96, 3), np.uint8)
    bgr[:, :48] = (0, 0, 255)
    bgr[:, 48:] = (255, 0, 0)
    out = blank(96, 64)
    fill(from_bgr(bgr), out, mirror=True)
    back = to_bgr(out)
    assert back[32, 10, 0] > 200 and back[32, 10, 2] < 60
    assert back[32, 85, 2] > 200 and back[32, 85, 0] < 60


def test_scaling_down_and_up_keeps_the_picture() -> None:
    source = moving(640, 480, 3)
    small, again = blank(320, 240), blank(640, 480)
    fill(source, small)
    fill(small, again)
    assert psnr(planes(source)[0], planes(again)[0]) > 32


@pytest.mark.parametrize(("width", "height"), [(720, 1280), (1080, 1920), (1280, 720)])
@pytest.mark.parametrize("shrunk_to", [1.0, 0.5, 1 / 3])
def test_the_cards_code_is_read_at_any_size(width: int, height: int, shrunk_to: float) -> None:
    card = TestCard(width, height)
    for number in range(3):
        at_ms = 16_777_200 + number * 33
        luma = planes(card.draw(at_ms * 1_000_000).pixels)[0]
        size = (int(width * shrunk_to), int(height * shrunk_to))
        code = read_code(np.asarray(cv2.resize(luma, size, interpolation=cv2.INTER_AREA), np.uint8))
        assert code is not None
        assert code.number == number and code.clock_ms == at_ms % 2**24


def test_a_picture_that_is_not_the_card_has_no_code() -> None:
    assert read_code(planes(moving(720, 1280, 1))[0]) is None
    assert read_code(planes(blank(720, 1280))[0]) is None


def test_every_frame_of_the_card_differs_from_the_one_before() -> None:
    card = TestCard(720, 1280)
    before = card.draw(0).pixels.copy()
    for number in range(1, 60):
        now = card.draw(number * 33_333_333).pixels
        assert np.count_nonzero(now != before) > 100
        before = now.copy()


def test_the_card_is_cheap_to_draw() -> None:
    card, out = TestCard(720, 1280), blank(720, 1280)
    costs = []
    for number in range(100):
        began = time.perf_counter()
        fill(card.draw(number * 33_333_333).pixels, out)
        costs.append(time.perf_counter() - began)
    assert sorted(costs)[50] < 0.003


def test_the_lamp_lights_for_the_first_tenth_of_each_second() -> None:
    card = TestCard(720, 1280)
    row, column = int(1280 * 0.83), 360
    lit = planes(card.draw(5_050_000_000).pixels)[0][row, column]
    dark = planes(card.draw(5_150_000_000).pixels)[0][row, column]
    assert lit > 200 and dark < 80


def test_a_mark_is_seen_and_leaves_the_rest_alone() -> None:
    pixels = blank(720, 1280, 120)
    lettering.stamp(pixels, "Caméra du dessus : image perdue", 0.5)
    luma = planes(pixels)[0]
    assert luma[600:680].max() > 200 and luma[600:680].min() < 60
    assert (luma[:560] == 120).all() and (luma[720:] == 120).all()
