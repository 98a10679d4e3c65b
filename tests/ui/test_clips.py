"""A clip of a sale: offered as long as the picture of it is kept, named after it, and never without an outcome."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication, QMenu

from seller_console.contract import commands as c
from seller_console.contract import media as m
from seller_console.contract.words import LotDraft, Preset
from tests.rules.floor import ANA, OWNER
from tests.ui.desk_floor import DeskFloor
from ui import clips
from ui.clips import file_name
from ui.values import Notice
from ui.views.clips import clip_entries, mark_of

Wait = Callable[..., None]


@pytest.fixture
def floor(app: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DeskFloor:
    made = DeskFloor(preset=Preset(duration_ms=20_000, counter_bid_ms=0))
    made.wires.kept["record_folder"] = str(tmp_path)
    made.desk.take_engine_road("connected")
    made.desk.take_note(m.AirChanged(state="on_air"))
    return made


def sell(floor: DeskFloor, euros: int = 47) -> str:
    """One lot from its opening to its hammer; its run."""
    floor.ok(c.AddLot(lot=LotDraft(title="Carte")), OWNER)
    floor.desk.start_at_opening_price()
    floor.feed()
    run = floor.floor.state.current_run
    assert run is not None
    floor.floor.bid(ANA, euros, "exact")
    floor.pass_ms(20_000)
    floor.ok(c.RingBell(run_id=run), OWNER)
    return str(run)


def asked(floor: DeskFloor) -> list[m.SaveClip]:
    return [word for word in floor.wires.told if isinstance(word, m.SaveClip)]


def entries(floor: DeskFloor, run_id: str) -> list[tuple[str, bool]]:
    """What the menu of this sale says of clips, and whether it can be chosen."""
    menu = QMenu()
    row = next(row for row in floor.desk.sold if row.run_id == run_id)
    clip_entries(menu, floor.desk, row)
    return [(action.text(), action.isEnabled()) for action in menu.actions() if not action.isSeparator()]


def test_a_clip_begins_at_the_opening_and_ends_three_seconds_after_the_hammer(
    floor: DeskFloor, wait: Wait, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(clips, "TAIL_MS", 60)
    run = sell(floor)
    assert floor.desk.clip.state == "offered" and floor.desk.refusal("save_clip") is None
    floor.desk.do("save_clip")
    assert asked(floor) == [] and floor.desk.clip.state == "waiting", "the winner is still to be named"
    floor.floor.now += 3_000
    wait(lambda: asked(floor) != [])
    (word,) = asked(floor)
    assert word.seconds == 23.0
    assert Path(word.path).parent == tmp_path / "clips"
    assert Path(word.path).name.startswith("Lot 1 - 47 EUR - ") and word.path.endswith(".mp4")
    assert floor.desk.clip.state == "saving" and floor.desk.refusal("save_clip")
    said: list[Notice] = []
    floor.desk.noticed.connect(said.append)
    floor.desk.take_note(m.ClipSaved(request=word.request, path=word.path, seconds=23.4))
    assert said == [Notice("Clip du lot 1 enregistré", "said", False, str(tmp_path / "clips"))]
    assert mark_of(floor.desk, run) == "clip gardé" and floor.desk.clip.state == "saved"


def test_of_a_long_sale_the_last_minute_is_kept(floor: DeskFloor, wait: Wait) -> None:
    floor.ok(c.AddLot(lot=LotDraft(title="Carte", preset=Preset(duration_ms=90_000, counter_bid_ms=0))), OWNER)
    floor.desk.start_at_opening_price()
    floor.feed()
    run = floor.floor.state.current_run
    assert run is not None
    floor.floor.bid(ANA, 5, "exact")
    floor.pass_ms(90_000)
    floor.ok(c.RingBell(run_id=run), OWNER)
    floor.pass_ms(4_000)
    floor.desk.save_clip()
    wait(lambda: asked(floor) != [])
    assert asked(floor)[0].seconds == 60.0


def test_a_sale_that_is_too_old_is_not_offered_and_it_is_said_why(floor: DeskFloor) -> None:
    run = sell(floor)
    assert entries(floor, run) == [("Garder un clip", True), ("Ouvrir le dossier des clips", True)]
    floor.pass_ms(49_000)
    floor.desk.clips.refresh()
    assert floor.desk.clip.state == "offered", "ten seconds before the hammer are still kept"
    floor.pass_ms(2_000)
    floor.desk.clips.refresh()
    assert floor.desk.clip.state == "none"
    assert "une minute" in str(floor.desk.refusal("save_clip"))
    save, folder = entries(floor, run)
    assert "trop ancienne" in save[0] and not save[1] and folder[1]
    floor.desk.clips.save(run)
    assert asked(floor) == []


@pytest.mark.parametrize(
    ("error", "words"), [("disk_full", "le disque est plein"), ("nothing_on_air", "rien n’est encore passé")]
)
def test_why_it_failed_is_told_and_it_may_be_tried_again(floor: DeskFloor, wait: Wait, error: str, words: str) -> None:
    run = sell(floor)
    floor.pass_ms(4_000)
    floor.desk.save_clip()
    wait(lambda: asked(floor) != [])
    said: list[Notice] = []
    floor.desk.noticed.connect(said.append)
    floor.desk.take_note(m.ClipSaved(request=asked(floor)[0].request, error=error))
    assert said[0].kind == "trouble" and words in said[0].text and "lot 1" in said[0].text
    assert floor.desk.clip.state == "failed" and floor.desk.refusal("save_clip") is None
    floor.desk.clips.save(run)
    wait(lambda: len(asked(floor)) == 2)


def test_an_engine_that_dies_over_it_is_an_outcome_too(floor: DeskFloor, wait: Wait) -> None:
    sell(floor)
    floor.pass_ms(4_000)
    floor.desk.save_clip()
    wait(lambda: asked(floor) != [])
    said: list[Notice] = []
    floor.desk.noticed.connect(said.append)
    floor.desk.take_engine_road("away")
    assert floor.desk.clip.state == "failed" and len(said) == 1
    assert floor.desk.refusal("save_clip"), "without an engine there is no picture"
    floor.desk.take_note(m.ClipSaved(request=asked(floor)[0].request, path="late"))
    assert floor.desk.clip.state == "failed"


def test_a_clip_of_each_sale_is_kept_by_itself_when_that_was_chosen(
    floor: DeskFloor, wait: Wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clips, "TAIL_MS", 0)
    sell(floor)
    QApplication.processEvents()
    assert asked(floor) == [], "off unless it is chosen"
    floor.desk.remember(keep_clips=True)
    floor.pass_ms(30_000)
    assert asked(floor) == [], "nor of a sale before it was"
    said: list[Notice] = []
    floor.desk.noticed.connect(said.append)
    sell(floor, 12)
    wait(lambda: len(asked(floor)) == 1)
    floor.desk.take_note(m.ClipSaved(request=asked(floor)[0].request, path=asked(floor)[0].path))
    assert said == [], "a sale every thirty seconds needs no sentence"
    for _ in range(2):
        sell(floor)
        wait(lambda: asked(floor)[-1].request not in [one.request for one in asked(floor)[:-1]])
        wait(lambda: floor.desk.clip.state == "saving")
        floor.desk.take_note(m.ClipSaved(request=asked(floor)[-1].request, error="disk_full"))
    assert len(asked(floor)) == 3 and len(said) == 1, "a full disk is said once"
    floor.desk.take_note(m.AirChanged(state="reconnecting"))
    sell(floor)
    QApplication.processEvents()
    assert len(asked(floor)) == 3, "off air there is no picture of it"


def test_a_rehearsal_leaves_no_clips_by_itself(app: QApplication, tmp_path: Path) -> None:
    floor = DeskFloor(live=False, preset=Preset(duration_ms=20_000, counter_bid_ms=0))
    floor.wires.kept.update(keep_clips=True, record_folder=str(tmp_path))
    floor.desk.take_engine_road("connected")
    floor.desk.take_note(m.AirChanged(state="on_air"))
    floor.desk.put_on_air(rehearsal=True)
    floor.feed()
    sell(floor)
    QApplication.processEvents()
    assert asked(floor) == [] and floor.desk.clip.state == "offered"


def test_the_name_of_the_file_is_one_that_every_disk_takes() -> None:
    at_ms = 1_795_900_000_000
    for name in (
        file_name(148, 4700, "EUR", at_ms),
        file_name(148, 1250, "EUR", at_ms),
        file_name(148, 105_000, "EUR", at_ms, 2, 3),
    ):
        assert not set(name) & set('<>:"/\\|?*') and name.isascii()
    assert file_name(148, 4700, "EUR", at_ms).startswith("Lot 148 - 47 EUR - 2026-")
    assert file_name(148, 105_050, "EUR", at_ms, 2, 3).startswith("Lot 148 (2 sur 3) - 1050,50 EUR - ")


def test_the_engine_is_asked_once_a_free_name_is_found_and_not_for_a_clip_that_was_given_up(
    floor: DeskFloor, wait: Wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk that is to take it may be asleep: it is not looked at here."""
    looks: list[tuple[Path, Callable[[Path], None]]] = []
    back: list[Path] = []
    monkeypatch.setattr(floor.wires, "free_path", lambda path, got: looks.append((path, got)))
    monkeypatch.setattr(floor.wires, "give_back", back.append)
    run = sell(floor)
    floor.pass_ms(4_000)
    floor.desk.save_clip()
    wait(lambda: len(looks) == 1)
    assert floor.desk.clip.state == "saving" and asked(floor) == []
    floor.desk.take_engine_road("away")
    wished, got = looks[0]
    got(wished)
    assert asked(floor) == [] and back == [wished] and floor.desk.clip.state == "failed"
    floor.desk.take_engine_road("connected")
    floor.desk.clips.save(run)
    wait(lambda: len(looks) == 2)
    free = wished.with_name("Lot 1 (2).mp4")
    looks[1][1](free)
    (word,) = asked(floor)
    assert word.path == str(free) and back == [wished], "on its way"
    floor.desk.take_note(m.ClipSaved(request=word.request, error="disk_full"))
    assert back == [wished, free]


def test_the_deck_offers_it_right_after_the_hammer_and_while_it_can_be_had(window: Any, desk: Any) -> None:
    from ui.values import ClipOffer

    deck = window.live.deck
    assert not deck.clip.isVisible()
    places = [button.geometry() for button in deck._buttons_now()]
    desk.put(clip=ClipOffer("r", 148, "offered"))
    assert deck.clip.isVisible() and deck.clip.accessibleName() == "Clip du lot 148"
    assert [button.geometry() for button in deck._buttons_now()][:3] == places, "nothing else moves"
    assert deck.rect().contains(deck.clip.geometry())
    desk.put(clip=ClipOffer())
    assert not deck.clip.isVisible()
