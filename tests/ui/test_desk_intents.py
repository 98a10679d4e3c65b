"""What a person asks of the desk, and what comes of it by the real rules."""

from __future__ import annotations

from pathlib import Path

import pytest

from seller_console.contract import commands as c
from seller_console.contract import events as e
from seller_console.contract import media as m
from seller_console.contract.words import LotBackstage, LotChanges, LotDraft, Preset
from tests.rules.floor import ANA, MARIE, OWNER
from tests.ui.desk_floor import DeskFloor
from ui.actions import ACTIONS
from ui.values import Notice, ProgramState
from ui.wires import NoWires, Wires


@pytest.fixture
def floor(app: object) -> DeskFloor:
    return DeskFloor()


@pytest.fixture
def notices(floor: DeskFloor) -> list[Notice]:
    heard: list[Notice] = []
    floor.desk.noticed.connect(heard.append)
    return heard


def titles(floor: DeskFloor) -> list[str]:
    floor.desk.flush()
    return [row.title for row in floor.desk.queue]


def add(floor: DeskFloor, *names: str) -> None:
    for name in names:
        floor.desk.add_lot(LotDraft(title=name))
    floor.desk.flush()


def test_every_action_has_an_intent_or_asks_the_window(floor: DeskFloor) -> None:
    asked: list[str] = []
    floor.desk.asked.connect(asked.append)
    for spec in ACTIONS:
        floor.desk.do(spec.id)
    assert set(asked) == {
        "toggle_stage",
        "announce",
        "add_lot",
        "import_lots",
        "open_palette",
        "open_settings",
        "open_camera",
        "open_recording",
        "open_scenes",
        "open_sound",
        "open_destinations",
    }


def test_an_empty_queue_makes_a_lot_with_a_picture_of_the_programme(floor: DeskFloor) -> None:
    floor.desk.start_at_opening_price()
    floor.desk.flush()
    card = floor.desk.deck.card
    assert card is not None and (card.title, card.number, card.picture) == ("Lot 1", 1, "/pictures/x.jpg")


def test_the_other_preset_opens_with_the_other_preset(floor: DeskFloor) -> None:
    floor.desk.set_presets(Preset(), Preset(duration_ms=12_000, counter_bid_ms=3_000))
    add(floor, "un")
    floor.desk.start_with_other_preset()
    floor.desk.flush()
    assert (floor.desk.deck.duration_ms, floor.desk.deck.counter_bid_ms) == (12_000, 3_000)


def test_a_refusal_is_a_notice_in_words(floor: DeskFloor, notices: list[Notice]) -> None:
    floor.desk.re_run("L99")
    assert notices and notices[-1].kind == "refused" and notices[-1].text


def test_undo_takes_back_my_edits_one_by_one(floor: DeskFloor) -> None:
    add(floor, "un", "deux", "trois")
    first, second, third = (row.lot_id for row in floor.desk.queue)
    floor.desk.move_lot(third, None)
    assert titles(floor) == ["trois", "un", "deux"]
    floor.desk.remove_lot(first)
    assert titles(floor) == ["trois", "deux"]
    row = next(row for row in floor.desk.queue if row.lot_id == second)
    floor.desk.edit_lot(second, row.version, LotChanges(title="DEUX", reserve_cents=5_000))
    assert titles(floor) == ["trois", "DEUX"]
    floor.desk.undo_queue_edit()
    assert titles(floor) == ["trois", "deux"]
    assert floor.desk.queue[1].reserve_cents == 0
    floor.desk.undo_queue_edit()
    assert titles(floor) == ["trois", "un", "deux"]
    floor.desk.undo_queue_edit()
    assert titles(floor) == ["un", "deux", "trois"]
    for _ in range(3):
        floor.desk.undo_queue_edit()
    assert titles(floor) == []
    assert floor.desk.refusal("undo_queue_edit")


def test_undo_leaves_what_somebody_else_changed_since(floor: DeskFloor, notices: list[Notice]) -> None:
    add(floor, "un")
    row = floor.desk.queue[0]
    floor.desk.edit_lot(row.lot_id, row.version, LotChanges(title="à moi"))
    version = floor.floor.state.lots[row.lot_id].version
    floor.ok(c.EditLot(lot_id=row.lot_id, seen_version=version, changes=LotChanges(title="à Marie")), MARIE)
    floor.desk.undo_queue_edit()
    assert titles(floor)[:1] in (["à Marie"], [])
    assert "à Marie" in {lot.lot.title for lot in floor.floor.state.lots.values()}
    assert any(notice.kind == "refused" for notice in notices)


def test_skip_and_undo(floor: DeskFloor) -> None:
    add(floor, "un", "deux")
    floor.desk.skip_lot()
    assert titles(floor) == ["deux", "un"]
    floor.desk.undo_queue_edit()
    assert titles(floor) == ["un", "deux"]


def test_an_import_writes_nothing_before_it_is_accepted(floor: DeskFloor, repository: Path) -> None:
    floor.desk.read_inventory(repository / "tests" / "data" / "pokemon.csv")
    found = floor.desk.import_
    assert found.state == "ready" and len(found.lots) == 60
    assert not [one for one in floor.wires.said if isinstance(one, c.ImportLots)]
    assert titles(floor) == []
    floor.desk.accept_import()
    assert floor.desk.import_.state == "done"
    assert len(titles(floor)) == 60


@pytest.mark.parametrize(
    "content",
    [b"\x89PNG\r\n\x1a\n" + bytes(200), b"", b"bonjour", b'"Titre","Prix"\n"jamais ferm', b"\xff\xfe\x00\xd8"],
)
def test_what_is_no_inventory_is_said_in_words_and_nothing_is_lost(
    floor: DeskFloor, tmp_path: Path, content: bytes
) -> None:
    add(floor, "déjà là")
    path = tmp_path / "inventaire.csv"
    path.write_bytes(content)
    floor.desk.read_inventory(path)
    found = floor.desk.import_
    assert found.state == "unreadable" or not found.lots
    assert found.error or found.problems
    floor.desk.accept_import()
    assert titles(floor) == ["déjà là"]


def test_a_missing_inventory_is_said(floor: DeskFloor, tmp_path: Path) -> None:
    floor.desk.read_inventory(tmp_path / "rien.csv")
    assert floor.desk.import_.state == "unreadable" and floor.desk.import_.error


# --- the engine ------------------------------------------------------------------------


def stats(air: m.AirState = "off", **words: float) -> m.EngineStats:
    values = {
        "uptime_s": 1.0, "captured": 30, "composed": 30, "encoded": 30, "sent": 30, "replaced": 0, "dropped": 0,
        "late": 0, "fps": 30.0, "video_bps": 2_500_000, "audio_bps": 64_000, "target_bps": 2_500_000, "encode_ms": 5.0,
    }  # fmt: skip
    return m.EngineStats(**{**values, **words}, air=air)  # type: ignore[arg-type]


def ready(floor: DeskFloor) -> None:
    floor.desk.take_program(ProgramState("engine", "running"))
    floor.desk.take_engine_road("connected")
    floor.desk.take_note(m.Ready(pid=1, contract=1, preview_path="p"))


def test_the_engine_goes_on_air_when_the_show_is_live_and_leaves_when_it_has_ended(app: object) -> None:
    floor = DeskFloor(live=False)
    ready(floor)
    floor.desk.take_note(stats())
    assert floor.wires.air == []
    floor.desk.put_on_air()
    floor.desk.flush()
    assert floor.wires.air == ["on"]
    floor.desk.take_note(m.AirChanged(state="on_air", url="u"))
    floor.desk.take_note(stats("on_air"))
    assert floor.desk.health.air == "on_air" and floor.desk.health.verdict == "good"
    floor.desk.end_show()
    floor.desk.flush()
    assert floor.wires.air == ["on", "off"]


def test_a_window_that_comes_back_to_a_live_show_does_not_disturb_the_air(floor: DeskFloor) -> None:
    ready(floor)
    floor.desk.take_note(m.AirChanged(state="on_air", url="u"))
    floor.desk.flush()
    assert floor.wires.air == ["kept"]


def test_a_producer_never_moves_the_engine(app: object) -> None:
    floor = DeskFloor(who=MARIE)
    ready(floor)
    floor.desk.take_note(stats())
    assert floor.wires.air == []
    assert floor.desk.refusal("go_live")


def test_no_camera_is_said_and_f9_takes_the_test_card(floor: DeskFloor) -> None:
    ready(floor)
    card = m.Camera(spec="testcard", name="Mire", stand_in=True)
    floor.desk.take_note(m.DevicesFound(cameras=(card,), microphones=()))
    assert [trouble.code for trouble in floor.desk.troubles] == ["no_camera"]
    floor.desk.actions.cure_trouble.press()
    assert floor.wires.told[-1].camera == "testcard"
    assert floor.wires.kept == {"camera": "testcard"}
    assert not floor.desk.troubles
    floor.desk.take_note(m.DevicesFound(cameras=(card,), microphones=()))
    assert not floor.desk.troubles, "chosen once, not asked again"


def test_troubles_keep_their_beginning_show_the_worst_first_and_go_by_themselves(floor: DeskFloor) -> None:
    ready(floor)
    floor.desk.take_note(m.TroubleRaised(code="picture_blurred", subject="Brio", cure="refocus"))
    floor.floor.now += 3_000
    floor.desk.take_note(m.TroubleRaised(code="camera_gone", subject="Brio", cure="choose_camera"))
    began = floor.desk.troubles[1].since_mono
    floor.floor.now += 3_000
    floor.desk.take_note(m.TroubleRaised(code="picture_blurred", subject="Brio", cure="refocus"))
    assert [trouble.code for trouble in floor.desk.troubles] == ["camera_gone", "picture_blurred"]
    assert floor.desk.troubles[1].since_mono == began
    asked: list[str] = []
    floor.desk.asked.connect(asked.append)
    floor.desk.cure_trouble()
    assert asked == ["choose_camera"], "F9 cures what is shown"
    floor.desk.take_note(m.TroubleCured(code="camera_gone", subject="Brio"))
    floor.desk.take_note(m.TroubleCured(code="picture_blurred", subject="Brio"))
    assert floor.desk.troubles == ()


def test_choices_of_the_programme_change_one_thing_each(floor: DeskFloor) -> None:
    ready(floor)
    floor.desk.take_note(
        m.ProgrammeSet(camera="camera:A@p", microphone="microphone:B", width=720, height=1280, fps=30, target_bps=0,
                       muted=False)
    )  # fmt: skip
    floor.desk.choose_microphone("microphone:C")
    assert (floor.wires.told[-1].camera, floor.wires.told[-1].microphone) == ("camera:A@p", "microphone:C")
    floor.desk.set_size(1080, 1920)
    assert (floor.wires.told[-1].camera, floor.wires.told[-1].width) == ("camera:A@p", 1080)


# --- the room, the closing -------------------------------------------------------------


def test_chat_comes_in_batches_and_a_deleted_line_is_drawn_anew(floor: DeskFloor) -> None:
    batches: list[int] = []
    floor.desk.chat_added.connect(lambda lines: batches.append(len(lines)))
    for n in range(20):
        floor.floor.now += 2_000
        floor.floor.ok(c.Say(text=f"bonjour {n}"), ANA)
    floor.feed()
    assert batches == [20]
    assert [line.text for line in floor.desk.chat if line.kind == "said"][-1] == "bonjour 19"
    said = next(line for line in floor.desk.chat if line.text == "bonjour 19")
    floor.desk.delete_line(said.line_id)
    floor.desk.flush()
    kept = [line for line in floor.desk.chat if line.line_id == said.line_id]
    assert not kept or kept[0].deleted


def test_an_idle_window_closes_and_a_live_one_asks(app: object) -> None:
    idle = DeskFloor(live=False)
    assert not idle.desk.asked_to_close() and idle.desk.closing.state == "closed"
    live = DeskFloor()
    assert not live.desk.asked_to_close() and live.desk.closing.state == "asked"
    live.desk.stay_open()
    assert live.desk.closing.state == "no" and live.desk.show.status == "live"
    live.desk.asked_to_close()
    live.desk.close_and_end()
    live.desk.flush()
    assert live.desk.closing.state == "closed" and live.desk.show.status == "ended"


def test_a_producers_window_closes_without_ending_the_sellers_show(app: object) -> None:
    floor = DeskFloor(who=MARIE)
    assert not floor.desk.asked_to_close() and floor.desk.closing.state == "closed"
    assert floor.desk.show.status == "live"


def test_who_edits_what_is_shown_but_not_to_oneself(floor: DeskFloor) -> None:
    add(floor, "un", "deux")
    one, two = (row.lot_id for row in floor.desk.queue)
    floor.desk.take_passing(e.EditingSeen(editors={one: "Marie", two: OWNER.nickname}))
    floor.desk.flush()
    assert [row.editor for row in floor.desk.queue] == ["Marie", ""]
    floor.desk.take_passing(e.EditingSeen(editors={}))
    floor.desk.flush()
    assert [row.editor for row in floor.desk.queue] == ["", ""]


def test_reserve_and_cost_are_in_the_rows_of_the_backstage(floor: DeskFloor) -> None:
    floor.desk.add_lot(LotDraft(title="Sac", backstage=LotBackstage(reserve_cents=6_000, cost_cents=2_500)))
    floor.desk.flush()
    row = floor.desk.queue[0]
    assert (row.has_reserve, row.reserve_cents, row.cost_cents) == (True, 6_000, 2_500)


def test_wires_and_no_wires_have_the_same_calls() -> None:
    calls = {name for name in vars(Wires) if not name.startswith("_")}
    assert calls <= set(dir(NoWires))


def test_a_log_that_cannot_be_written_is_a_trouble_until_it_can(floor: DeskFloor) -> None:
    floor.desk.take_passing(e.LogHalted(halted=True))
    assert [trouble.code for trouble in floor.desk.troubles] == ["disk_full"]
    floor.desk.take_passing(e.LogHalted(halted=False))
    assert floor.desk.troubles == ()


def test_a_scene_without_its_camera_is_off_and_says_so(floor: DeskFloor) -> None:
    ready(floor)
    set_ = m.ProgrammeSet(
        camera="testcard", microphone="tone", width=720, height=1280, fps=30, target_bps=0, muted=False,
        scenes=("table", "pause"),
    )  # fmt: skip
    floor.desk.take_note(set_)
    assert floor.desk.refusal("scene_1") is None and floor.desk.refusal("scene_2")
    floor.desk.actions.scene_4.press()
    assert floor.wires.told[-1].scene == "pause" and floor.wires.told[-1].words


def test_a_recording_is_shown_with_the_room_left_on_its_disk(floor: DeskFloor, tmp_path: Path) -> None:
    ready(floor)
    floor.desk.start_recording()
    assert isinstance(floor.wires.told[-1], m.StartRecording) and floor.wires.kept["record"] is True
    floor.desk.take_note(m.RecordingChanged(state="recording", path=str(tmp_path / "live.mkv"), hours_left=12.5))
    assert floor.desk.recording.active and floor.desk.recording.free_bytes > 0
    floor.desk.take_note(m.RecordingChanged(state="off", path=str(tmp_path / "live.mp4")))
    assert not floor.desk.recording.active
