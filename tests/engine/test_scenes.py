"""Scenes: who is where, by a cut or a fade; what cannot be shown is not offered."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from seller_console.contract.media import SetProgramme
from seller_console.engine.capture import FeedState
from seller_console.engine.devices import Devices, UnknownDevice
from seller_console.engine.picture import Picture, Pixels, blank, planes
from seller_console.engine.program import Programme
from seller_console.engine.scenes import FADE_NS, Cast, Stage, pause_card

from .conftest import wait_for


class Grey:
    """A camera of one grey."""

    captured = replaced = 0
    detail = ""

    def __init__(self, name: str, luma: int, state: FeedState = "live") -> None:
        self.spec = self.name = name
        self.state: FeedState = state
        self.taken = 0
        self._picture = Picture(blank(640, 480, luma), 0, 1)

    def start(self) -> None:
        """Nothing to open."""

    def take(self, now_ns: int) -> Picture | None:
        self.taken += 1
        return self._picture

    def retry_now(self) -> None:
        """Never lost."""

    def stop(self) -> None:
        """Nothing to close."""


def drawn(stage: Stage, cast: Cast, due_ns: int = 10 * FADE_NS) -> Pixels:
    out = blank(360, 640)
    stage.draw(out, cast, due_ns)
    return planes(out)[0]


def stage() -> Stage:
    return Stage(360, 640, lambda camera: f"{camera.name} ?" if camera.state == "gone" else "")


def test_each_scene_puts_the_cameras_where_they_belong() -> None:
    first, second = Grey("top", 60), Grey("face", 180)
    cast = Cast(first, second)
    on = stage()
    assert drawn(on, cast).mean() == 60
    on.show("face", "", 0, fade=False)
    assert drawn(on, cast).mean() == 180
    on.show("split", "", 0, fade=False)
    halves = drawn(on, cast)
    assert halves[:320].mean() == 60 and halves[320:].mean() == 180
    on.show("both", "", 0, fade=False)
    inset = drawn(on, cast)
    assert inset[0:300].mean() == 60
    assert 0.05 < (inset == 180).mean() < 0.3
    assert (inset == 200).any(), "the inset has a border"


def test_split_lies_side_by_side_in_a_wide_programme() -> None:
    on = Stage(640, 360, lambda _camera: "")
    on.show("split", "", 0, fade=False)
    out = blank(640, 360)
    on.draw(out, Cast(Grey("a", 60), Grey("b", 180)), 0)
    luma = planes(out)[0]
    assert luma[:, :320].mean() == 60 and luma[:, 320:].mean() == 180


def test_a_fade_takes_200_ms_and_ends() -> None:
    cast, on = Cast(Grey("top", 60), Grey("face", 180)), stage()
    on.show("face", "", 1_000)
    assert drawn(on, cast, 1_000).mean() == pytest.approx(60, abs=2)
    assert drawn(on, cast, 1_000 + FADE_NS // 2).mean() == pytest.approx(120, abs=2)
    assert drawn(on, cast, 1_000 + FADE_NS).mean() == 180


def test_a_camera_is_taken_once_a_frame_even_in_a_fade() -> None:
    first = Grey("top", 60)
    on = stage()
    on.show("pause", "words", 0)
    drawn(on, Cast(first), FADE_NS // 2)
    assert first.taken == 1


def test_the_pause_card_says_the_words_it_is_given() -> None:
    one, other = pause_card(360, 640, "De retour dans un instant"), pause_card(360, 640, "Back in a moment")
    assert not np.array_equal(one, other)
    assert planes(one)[0].max() > 200
    long = pause_card(360, 640, "mot " * 60)
    assert long.shape == one.shape


def test_a_still_is_shown_and_a_broken_one_is_named_not_fatal(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "card.png"), np.full((100, 100, 3), 255, np.uint8))
    (tmp_path / "broken.png").write_bytes(b"nothing")
    on = stage()
    on.show("still", "", 0, fade=False)
    assert drawn(on, Cast(Grey("top", 60), still=str(tmp_path / "card.png"))).min() > 200
    assert drawn(on, Cast(Grey("top", 60), still=str(tmp_path / "broken.png"))).max() > 150


def test_a_lost_camera_is_marked_in_its_own_part_only() -> None:
    on = stage()
    on.show("split", "", 0, fade=False)
    halves = drawn(on, Cast(Grey("top", 60), Grey("face", 180, state="gone")))
    assert halves[:320].mean() == 60
    assert 90 < np.median(halves[320:]) < 110, "dimmed"
    assert halves[400:560].max() > 180, "and named"


def test_only_what_the_cast_can_play_is_offered() -> None:
    top, face = Grey("top", 60), Grey("face", 180)
    assert Cast(top).offered() == ("table", "pause")
    assert Cast(top, face, "x.png").offered() == ("table", "face", "both", "split", "still", "pause")


@pytest.fixture
def programme() -> Iterator[Programme]:
    made = Programme(Devices(), None)
    made.start()
    yield made
    made.stop()


@pytest.mark.media
def test_the_programme_changes_scenes_and_refuses_those_it_cannot_show(programme: Programme) -> None:
    assert not programme.show("face")
    assert programme.scene == "table"
    programme.change(SetProgramme(width=360, height=640, second_camera="testcard"))
    assert programme.scenes == ("table", "face", "both", "split", "pause")
    assert programme.show("both")
    assert programme.show("pause", "Pause déjeuner", cut=True)

    def mean() -> float:
        pixels = programme.snapshot()
        return 255.0 if pixels is None or pixels.shape != (960, 360) else float(planes(pixels)[0].mean())

    card = float(planes(pause_card(360, 640, "Pause déjeuner"))[0].mean())
    wait_for(lambda: abs(mean() - card) < 1, 5, "the card is on")
    programme.show("face")
    programme.change(SetProgramme(width=360, height=640))
    assert programme.scene == "table", "a scene whose camera is gone from the programme is left"
    with pytest.raises(UnknownDevice):
        programme.change(SetProgramme(width=360, height=640, second_camera="nonsense:1"))
