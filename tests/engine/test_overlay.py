"""The lot in the picture: what was asked for, where it was asked for, drawn rarely, and nothing when it is off."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from seller_console.contract.media import SetOverlay, SetProgramme, SnapshotTaken, TakeSnapshot
from seller_console.contract.safe_area import BARE, CLEAR, SafeArea
from seller_console.engine import overlay as o
from seller_console.engine.app import Engine
from seller_console.engine.headless import _follow_overlay
from seller_console.engine.overlay import Overlay, left_s, lift, money
from seller_console.engine.picture import Pixels, planes

from .conftest import moving

W, H = 720, 1280
FACTS = SetOverlay(shown=True, number=148, title="Dracaufeu holo 151, proche du neuf", price_cents=4700)


async def until(done: Callable[[], bool], seconds: float = 5.0) -> None:
    """For what other threads do."""
    async with asyncio.timeout(seconds):
        while True:
            if done():
                return
            await asyncio.sleep(0.02)


def shown(facts: SetOverlay, at_ns: int = 0, size: tuple[int, int] = (W, H)) -> tuple[Pixels, Pixels, o.Under]:
    """(before, after, what was under) of one frame."""
    overlay = Overlay()
    overlay.show(facts, *size)
    before = moving(*size, 3)
    after = before.copy()
    return before, after, overlay.draw(after, at_ns)


def changed(before: Pixels, after: Pixels) -> tuple[int, int, int, int]:
    """x, y, right, bottom of what differs in luma."""
    rows, columns = np.nonzero(planes(before)[0] != planes(after)[0])
    return int(columns.min()), int(rows.min()), int(columns.max()), int(rows.max())


def test_switched_off_it_touches_nothing_and_costs_nothing() -> None:
    before, after, under = shown(SetOverlay(number=148, title="x", price_cents=100))
    assert (before == after).all() and under == ()
    overlay, pixels = Overlay(), moving(W, H, 1)
    began = time.perf_counter()
    for _ in range(1000):
        overlay.draw(pixels, 0)
    assert time.perf_counter() - began < 0.2, "0.2 ms would already be something"


def test_the_card_stands_in_its_corner_inside_the_picture_and_its_words_can_be_read() -> None:
    before, after, _ = shown(FACTS)
    x, y, right, bottom = changed(before, after)
    assert x >= W * 0.03 and right < W * 0.97 and H * 0.05 < y and bottom < H * 0.3
    card = planes(after)[0][y:bottom, x:right]
    assert card.max() > 225, "white letters"
    assert float(np.median(card)) < 60, "on a dark plate, whatever lies under it"


@pytest.mark.parametrize("size", [(720, 1280), (1080, 1920), (1280, 720), (540, 960)])
def test_it_fits_every_shape_whatever_the_words(size: tuple[int, int]) -> None:
    long = SetOverlay(shown=True, number=12345, title="Anticonstitutionnellement " * 30, price_cents=123456700,
                      remaining_ms=3_599_000)  # fmt: skip
    for facts in (long, o.SetOverlay(shown=True, title="x" * 500, number=1, winner="y" * 80, price_cents=0)):
        before, after, _ = shown(facts, size=size)
        x, _, right, bottom = changed(before, after)
        assert x > 0 and right < size[0] - 1 and bottom < size[1] * 0.42


def test_the_clock_is_the_platforms_and_moves_once_a_second_without_a_new_card() -> None:
    facts = SetOverlay(shown=True, number=1, title="x", ends_at_ms=1_000_000 + 12_000, offset_ms=1_000_000.0)
    assert [left_s(facts, at_ms * 1_000_000) for at_ms in (0, 1, 1_000, 11_999, 12_000, 60_000)] == [
        12,
        12,
        11,
        1,
        0,
        0,
    ]
    assert left_s(SetOverlay(remaining_ms=7_200), 0) == 8 and left_s(SetOverlay(), 0) is None
    overlay = Overlay()
    overlay.show(facts, W, H)
    frames = []
    for tick in range(90):
        frame = np.full((H * 3 // 2, W), 100, np.uint8)
        overlay.draw(frame, tick * 33_333_333)
        frames.append(frame)
    changes = [tick for tick in range(1, 90) if (frames[tick] != frames[tick - 1]).any()]
    assert len(changes) == 2, "three seconds on a clock that stood at twelve"
    assert overlay.drawn == 1
    x, y, right, bottom = changed(frames[0], frames[-1])
    assert right - x < W * 0.25 and bottom - y < H * 0.06, "only the clock"


def test_under_ten_seconds_the_clock_is_amber() -> None:
    def reds(remaining_ms: int) -> int:
        _, after, _ = shown(SetOverlay(shown=True, number=1, title="x", remaining_ms=remaining_ms))
        return int((planes(after)[2][: H // 6] > 150).sum())

    assert reds(9_000) > reds(31_000) + 50


def test_a_price_draws_a_new_card_and_the_same_facts_do_not() -> None:
    overlay = Overlay()
    for price in (4700, 4700, 4900, 4900):
        overlay.show(SetOverlay(shown=True, number=148, title="x", price_cents=price, offset_ms=float(price)), W, H)
    assert overlay.drawn == 2


def test_laying_it_on_is_cheap() -> None:
    overlay = Overlay()
    overlay.show(SetOverlay(shown=True, number=148, title="Dracaufeu", price_cents=4700, remaining_ms=9000), 1080, 1920)
    pixels = moving(1080, 1920, 1)
    costs = []
    for _ in range(40):
        began = time.perf_counter()
        overlay.draw(pixels, 0)
        costs.append(time.perf_counter() - began)
    assert sorted(costs)[20] < 0.004, (
        "at 30 frames a second an eighth of the tick on a busy machine; 0.2 ms on a quiet one"
    )


def test_a_logo_stands_at_the_top_right_with_its_own_opacity_and_a_bad_file_is_no_matter(tmp_path: Path) -> None:
    logo = Image.new("RGBA", (301, 200), (255, 255, 255, 0))
    logo.paste((255, 255, 255, 255), (100, 50, 200, 150))
    logo.save(tmp_path / "logo.png")
    before, after, _ = shown(SetOverlay(shown=True, logo=str(tmp_path / "logo.png")))
    x, _, right, bottom = changed(before, after)
    assert x > W * 0.7 and right < W and bottom < H * 0.1
    (tmp_path / "bad.png").write_text("no picture", "utf-8")
    before, after, under = shown(SetOverlay(shown=True, logo=str(tmp_path / "bad.png")))
    assert (before == after).all() and under == ()


SIZES = [(720, 1280), (1080, 1920), (1280, 720), (540, 960), (360, 640)]


def outside(area: SafeArea, box: o.Box, size: tuple[int, int]) -> float:
    """By how many pixels."""
    x, y, wide, high = area.box(*size)
    return max(x - box[0], y - box[1], box[0] + box[2] - x - wide, box[1] + box[3] - y - high)


@pytest.mark.parametrize("size", SIZES)
def test_what_is_drawn_stays_clear_of_the_edges_and_of_the_buyers_page(tmp_path: Path, size: tuple[int, int]) -> None:
    Image.new("RGB", (400, 400), (255, 255, 255)).save(tmp_path / "square.png")
    Image.new("RGB", (900, 90), (255, 255, 255)).save(tmp_path / "long.png")
    for winner in ("", "leo"):
        facts = SetOverlay(shown=True, number=148, title="Dracaufeu " * 9, price_cents=4700, winner=winner,
                           remaining_ms=90_000)  # fmt: skip
        card = o.draw_card(facts, *size).box
        assert outside(BARE, card, size) <= 1
        if size[1] > size[0]:
            assert outside(CLEAR, card, size) <= 1, "all outputs have it, our own page too"
        for name in ("square.png", "long.png"):
            layer = o.draw_logo(str(tmp_path / name), *size)
            assert layer is not None and outside(BARE, layer.box, size) <= 1
            logo = layer.box
            beside = logo[0] >= card[0] + card[2]
            assert beside or logo[1] + logo[3] <= card[1], "the logo is never on the card"


def test_the_winner_turns_the_card_green_in_the_language_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    _, sold, _ = shown(SetOverlay(shown=True, number=1, title="x", price_cents=100, winner="leo"))
    _, running, _ = shown(SetOverlay(shown=True, number=1, title="x", price_cents=100))
    green = [int(planes(frame)[1][72, 60]) + int(planes(frame)[2][72, 60]) for frame in (sold, running)]
    assert green[0] < green[1] - 8
    assert (money(105000, "EUR", "fr"), money(1250, "GBP", "en")) == ("1\u202f050\u202f€", "£12.50")


def test_a_programme_that_changes_its_shape_meanwhile_is_never_drawn_on_with_the_old_card() -> None:
    overlay, stop = Overlay(), threading.Event()
    sizes = ((720, 1280), (360, 640), (1280, 720))
    wrong: list[BaseException] = []

    def tick() -> None:
        frames = [moving(*size, 1) for size in sizes]
        while not stop.is_set():
            for frame in frames:
                try:
                    overlay.draw(frame, time.monotonic_ns())
                except Exception as error:
                    wrong.append(error)
                    return

    thread = threading.Thread(target=tick, name="tick of a test")
    thread.start()
    for number in range(60):
        overlay.show(SetOverlay(shown=True, number=number + 1, title="x"), *sizes[number % 3])
    stop.set()
    thread.join(5)
    assert wrong == []


def test_what_lay_under_it_comes_back_whole() -> None:
    before, after, under = shown(FACTS)
    assert (before != after).any()
    lift(after, under)
    assert (before == after).all()


@pytest.mark.media
async def test_the_programme_shows_it_and_a_picture_taken_of_the_table_does_not(tmp_path: Path) -> None:
    notes: list[Any] = []
    engine = Engine(None, notes.append)
    await engine.obey(SetProgramme(width=360, height=640, camera="none"))
    running = asyncio.create_task(engine.run())
    try:
        await engine.obey(FACTS)
        await until(lambda: engine.programme.overlaid)
        await engine.obey(TakeSnapshot(request="q", path=str(tmp_path / "lot.jpg")))
        assert [note for note in notes if isinstance(note, SnapshotTaken)][-1].error == ""
        taken = cv2.imread(str(tmp_path / "lot.jpg"), cv2.IMREAD_GRAYSCALE)
        assert taken is not None and int(taken.max()) - int(taken.min()) < 12, "an empty table, and no card"
        await engine.obey(SetProgramme(width=540, height=960, camera="none"))
        await until(lambda: engine.programme.overlaid)
    finally:
        engine.quitting.set()
        await running


async def test_without_a_window_a_file_says_what_is_drawn(tmp_path: Path) -> None:
    file = tmp_path / "overlay.json"
    engine = Engine(None, lambda _note: None)
    following = asyncio.create_task(_follow_overlay(engine, file))
    try:
        for raw, number in (('{"shown": true, "number": 7, "title": "x"}', 7), ('{"shown": tr', 7),
                            ('{"shown": true, "number": 8, "title": "x"}', 8)):  # fmt: skip
            file.write_text(raw, "utf-8")
            await until(lambda number=number: engine.programme.overlay.facts.number == number)  # type: ignore[misc]
        ahead_ms = engine.programme.overlay.facts.offset_ms + time.monotonic() * 1000 - time.time() * 1000
        assert abs(ahead_ms) < 1_000, "its times are Unix time"
    finally:
        following.cancel()
        await asyncio.wait([following])
        engine.quitting.set()
        await engine.run()
