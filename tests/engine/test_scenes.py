"""Scenes: who is where, by a cut or a fade; what cannot be shown is not offered."""

from __future__ import annotations

import os
import struct
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from msgspec import structs
from PIL import Image

from seller_console.contract.media import SetProgramme
from seller_console.contract.safe_area import BARE, CLEAR_WIDE, SEEN
from seller_console.engine.device import FeedState
from seller_console.engine.devices import Devices, UnknownDevice
from seller_console.engine.picture import Picture, Pixels, blank, planes
from seller_console.engine.program import MOST_AGE_NS, Programme
from seller_console.engine.scenes import FADE_NS, HELD_NS, Cast, Stage, lost_mark, pause_card
from seller_console.language import Language

from .conftest import wait_for


class Grey:
    """A camera of one grey."""

    captured = replaced = 0
    age_ns: int | None = 0
    detail = ""

    def __init__(self, name: str, luma: int, state: FeedState = "live") -> None:
        self.spec = self.name = name
        self.state: FeedState = state
        self.taken = 0
        self._picture: Picture | None = Picture(blank(640, 480, luma), 0, 1)

    def start(self) -> None:
        """Nothing to open."""

    def take(self, now_ns: int) -> Picture | None:
        self.taken += 1
        return self._picture

    def retry_now(self) -> None:
        """Never lost."""

    def stop(self) -> None:
        """Nothing to close."""


class Patient:
    """A camera device that gives a picture each 30 ms, or none."""

    def __init__(self, blind: bool) -> None:
        self._blind = blind

    def open(self) -> None:
        """At once."""

    def read(self) -> Picture | None:
        threading.Event().wait(0.03)
        return None if self._blind else Picture(blank(320, 240, 60), 0, 1)

    def close(self) -> None:
        """Nothing held."""


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
    assert inset[0:200].mean() == 60
    assert 0.05 < (inset == 180).mean() < 0.3
    assert (inset == 200).any(), "the inset has a border"


@pytest.mark.parametrize("size", [(720, 1280), (1080, 1920), (360, 640), (1280, 720), (1920, 1080)])
def test_the_inset_stays_clear_of_the_edges_and_is_never_behind_the_buyers_lot_card(size: tuple[int, int]) -> None:
    on = Stage(*size, lambda _camera: "")
    on.show("both", "", 0, fade=False)
    out = blank(*size)
    on.draw(out, Cast(Grey("top", 60), Grey("face", 180)), 0)
    rows, columns = np.nonzero(planes(out)[0] != 60)
    areas = [BARE, SEEN] if size[1] > size[0] else [BARE, CLEAR_WIDE]
    for area in areas:
        x, y, wide, high = area.box(*size)
        assert columns.min() >= x and columns.max() < x + wide and rows.min() >= y and rows.max() < y + high


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
    on.show("pause", "words", 0, card=on.card("pause", "words", ""))
    drawn(on, Cast(first), FADE_NS // 2)
    assert first.taken == 1


def stand_in(on: Stage, camera: Grey, before: Grey) -> None:
    still = on.still_of(before, False, 0)
    assert still is not None
    on.hold({id(camera): still})


def test_a_camera_that_opens_leaves_no_hole_where_another_was() -> None:
    on, first = stage(), Grey("top", 60)
    drawn(on, Cast(first))
    opening = Grey("other", 180, "opening")
    picture, opening._picture = opening._picture, None
    stand_in(on, opening, first)
    assert drawn(on, Cast(opening), HELD_NS - 1).mean() == 60
    third = Grey("third", 90, "opening")
    third._picture = None
    stand_in(on, third, opening)
    assert drawn(on, Cast(third), HELD_NS - 1).mean() == 60, "one that had given none yet is replaced again"
    stand_in(on, opening, third)
    opening._picture = picture
    assert drawn(on, Cast(opening), HELD_NS - 1).mean() == 180
    opening._picture = None
    assert drawn(on, Cast(opening), HELD_NS - 1).mean() < 30, "the picture before is over for good"


def test_no_picture_stands_in_for_long_nor_for_a_lost_camera_nor_from_behind_a_card() -> None:
    on, first, opening = stage(), Grey("top", 60), Grey("other", 180, "opening")
    opening._picture = None
    drawn(on, Cast(first))
    stand_in(on, opening, first)
    assert drawn(on, Cast(opening), HELD_NS).mean() < 30
    drawn(on, Cast(first))
    stand_in(on, opening, first)
    opening.state = "gone"
    assert drawn(on, Cast(opening), 0)[:100].mean() < 50, "dimmed, under its name"
    drawn(on, Cast(first))
    on.scene = "pause"
    assert on.still_of(first, False, 0) is None
    on.scene, first.state = "table", "gone"
    assert on.still_of(first, False, 0) is None


def test_the_sound_goes_with_the_camera_of_the_lips_and_with_what_was_known_while_nothing_is() -> None:
    programme = Programme(Devices(), None)
    first, second = Grey("top", 60), Grey("face", 180)
    programme._camera, first.age_ns = first, 60_000_000
    assert programme.picture_age_ns == 60_000_000
    programme._second, second.age_ns = second, None
    assert programme.picture_age_ns == 60_000_000, "one that has given nothing yet says nothing"
    second.age_ns = 90_000_000
    assert programme.picture_age_ns == 90_000_000
    first.age_ns = second.age_ns = None
    assert programme.picture_age_ns == 90_000_000, "another camera is opening: no step and back"
    first.age_ns = 900_000_000
    assert programme.picture_age_ns == MOST_AGE_NS


def test_only_a_camera_that_opens_is_waited_for() -> None:
    """Chosen to be seen no more, a camera is seen no more: `none`, and one that is still there as the second."""
    programme = Programme(Devices(cameras={"camera": lambda rest, _wish: Patient(rest == "blind")}), None)
    try:
        programme.start()
        programme.change(SetProgramme(width=320, height=576, camera="camera:a"))
        wait_for(lambda: programme.camera.state == "live" and programme.seen(), 10, "it is seen")
        programme.change(SetProgramme(width=320, height=576, camera="none"))
        assert not programme._stage.held
        programme.change(SetProgramme(width=320, height=576, camera="camera:a"))
        wait_for(lambda: programme.camera.state == "live" and programme.seen(), 10, "it is seen again")
        programme.change(SetProgramme(width=320, height=576, camera="camera:b", second_camera="camera:a"))
        assert not programme._stage.held
        wait_for(lambda: any(camera.spec == "camera:b" for camera, _ in programme.seen()), 10, "b is seen")
        blind = SetProgramme(width=320, height=576, camera="camera:blind", second_camera="camera:a")
        programme.change(blind)
        assert list(programme._stage.held) == [id(programme.camera)]
        programme.change(structs.replace(blind, mirror=True))
        assert list(programme._stage.held) == [id(programme.camera)], "another change on the way does not end it"
    finally:
        programme.stop()


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
    for name in ("card.png", "broken.png"):
        path = str(tmp_path / name)
        on.show("still", "", 0, fade=False, card=on.card("still", "", path))
        luma = drawn(on, Cast(Grey("top", 60), still=path))
        assert luma.min() > 200 if name == "card.png" else (np.median(luma) < 30 and luma.max() > 150)


def test_a_fade_between_two_cards_shows_both_and_makes_neither_again(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "white.png"), np.full((100, 100, 3), 255, np.uint8))
    cast, on, path = Cast(Grey("top", 60), still=str(tmp_path / "white.png")), stage(), str(tmp_path / "white.png")
    still, pause, other = (on.card(*of, path) for of in (("still", ""), ("pause", "Pause"), ("pause", "Retour")))
    assert still is on.card("still", "", path) and other is on.card("pause", "Retour", path), "made once"
    on.show("still", "", 0, fade=False, card=still)
    assert pause is not None and other is not None
    on.show("pause", "Pause", 1_000, card=pause)
    half = drawn(on, cast, 1_000 + FADE_NS // 2).mean()
    assert half == pytest.approx((235 + planes(pause)[0].mean()) / 2, abs=2)
    on.show("pause", "Retour", 2 * FADE_NS, card=other)
    begun = drawn(on, cast, 2 * FADE_NS)
    assert np.abs(begun.astype(int) - planes(pause)[0]).max() <= 2, "from the words before, not by a cut"


def test_a_photo_that_was_written_anew_is_read_again(tmp_path: Path) -> None:
    path, on = tmp_path / "still.png", stage()
    cards = []
    for written, luma in enumerate((0, 255)):
        cv2.imwrite(str(path), np.full((100, 100, 3), luma, np.uint8))
        os.utime(path, (written, written))
        cards.append(on.card("still", "", str(path)))
    assert cards[0] is not None and cards[1] is not None
    assert cards[0][0, 0] == 16 and cards[1][0, 0] == 235


@pytest.mark.parametrize(
    ("language", "words"), [("fr", "192.168.1.20\u202f: image perdue"), ("en", "192.168.1.20: picture lost")]
)
def test_the_mark_of_a_lost_camera_speaks_the_shows_language_and_keeps_the_address_to_itself(
    language: Language, words: str
) -> None:
    for name in ("http://192.168.1.20:8080/video/SECRET", "rtsp://192.168.1.20", "http://192.168.1.20:8080"):
        assert lost_mark(Grey(name, 60, state="gone"), language) == words
    assert lost_mark(Grey("Logitech BRIO", 60, state="busy"), language).startswith("Logitech BRIO")
    assert lost_mark(Grey("Logitech BRIO", 60), language) == ""


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


def _changed(still: str = "", **how: Any) -> SetProgramme:
    return SetProgramme(width=360, height=640, still=still, **how)


@pytest.mark.media
def test_a_photo_is_never_read_on_the_tick(
    programme: Programme, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cv2.imwrite(str(tmp_path / "photo.jpg"), np.full((3000, 4000, 3), 255, np.uint8))
    read_by: list[str] = []
    really = Image.open

    def told(*arguments: Any) -> Any:
        read_by.append(threading.current_thread().name)
        return really(*arguments)

    monkeypatch.setattr(Image, "open", told)
    programme.change(_changed(str(tmp_path / "photo.jpg")))
    assert programme.show("pause", "Pause", cut=True)
    assert programme.show("still")

    def shown() -> bool:
        pixels = programme.snapshot()
        return pixels is not None and pixels.shape == (960, 360) and int(planes(pixels)[0].min()) > 220

    wait_for(shown, 10, "the photo is on, faded in from the card")
    assert len(read_by) == 1, "once, however long the fade"
    assert read_by[0] != "programme tick"


@pytest.mark.media
def test_a_file_that_nothing_can_read_costs_its_name_on_a_card_and_never_the_broadcast(
    programme: Programme, tmp_path: Path
) -> None:
    def piece(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = piece(b"IHDR", struct.pack(">IIBBBBB", 40_000, 40_000, 8, 2, 0, 0, 0))
    (tmp_path / "huge.png").write_bytes(b"\x89PNG\r\n\x1a\n" + head + piece(b"IDAT", zlib.compress(b"0")))
    cv2.imwrite(str(tmp_path / "torn.png"), np.full((100, 100, 3), 255, np.uint8))
    (tmp_path / "torn.png").write_bytes((tmp_path / "torn.png").read_bytes()[:40])
    for name in ("torn.png", "missing.png", "huge.png"):
        programme.change(_changed(str(tmp_path / name)))
        assert programme.show("still", cut=True)
        composed = programme.counts().composed
        wait_for(lambda before=composed: programme.counts().composed > before + 3, 10, f"the tick lives after {name}")
        programme.show("table", cut=True)


def test_a_camera_that_is_seen_in_a_scene_of_two_is_seen_while_the_next_frame_is_drawn() -> None:
    on = stage()

    class Watched(Grey):
        missing = 0

        def take(self, now_ns: int) -> Picture | None:
            Watched.missing += len(on.seen) < 2
            return super().take(now_ns)

    cast = Cast(Watched("top", 60), Watched("face", 180))
    on.show("both", "", 0, fade=False)
    drawn(on, cast)
    Watched.missing = 0
    drawn(on, cast)
    assert Watched.missing == 0, "whoever looks meanwhile finds both"
    assert [camera.name for camera, _ in on.seen.values()] == ["top", "face"]
