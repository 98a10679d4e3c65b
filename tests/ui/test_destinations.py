"""Further destinations, as a person gives them: with the show and with nothing else, and no key is ever shown again."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit

from seller_console.contract import media as m
from tests.ui.desk_floor import DeskFloor
from ui.destinations import part, whole, why_words, wrong_address
from ui.values import Trouble
from ui.views.destinations import DestinationsPanel
from ui.views.strip import trouble_sentence

YOUTUBE = "rtmp://a.rtmp.youtube.com/live2"
LEFT = Qt.MouseButton.LeftButton
ON_AIR = m.AirChanged(state="on_air")


def begun(*, live: bool = False, whole_feed: bool = True) -> DeskFloor:
    floor = DeskFloor(live=live)
    engine_comes(floor)
    if whole_feed:
        floor.desk.feed_whole(True)
    return floor


def engine_comes(floor: DeskFloor, *sends_to: str) -> None:
    floor.desk.take_engine_road("connected")
    floor.desk.take_note(m.Ready(pid=1, contract=1, preview_path=""))
    for name in sends_to:
        floor.desk.take_note(m.DestinationChanged(name=name, state="on_air"))
    floor.desk.take_note(m.AirChanged(state="on_air" if sends_to else "off"))


def told(floor: DeskFloor) -> list[object]:
    """Of destinations, from the last time on."""
    found = [word for word in floor.wires.told if isinstance(word, (m.AddDestination, m.RemoveDestination))]
    floor.wires.told.clear()
    return found


def go_live(floor: DeskFloor, rehearsal: bool = False) -> None:
    floor.desk.put_on_air(rehearsal)
    floor.desk.flush()


@pytest.fixture
def floor(app: QApplication) -> DeskFloor:
    return begun()


def states(floor: DeskFloor) -> dict[str, str]:
    return {row.name: row.state for row in floor.desk.destinations.rows}


# --- what is kept ----------------------------------------------------------------------------------


def test_a_destination_begins_with_the_show_and_ends_with_it(floor: DeskFloor) -> None:
    floor.desk.destinations.put("YouTube", YOUTUBE, "key-1")
    floor.desk.destinations.put("Club", "https://club.example/whip", "key-2")
    assert told(floor) == [] and set(states(floor).values()) == {"ready"}
    go_live(floor)
    assert told(floor) == [
        m.AddDestination(name="YouTube", url=f"{YOUTUBE}/key-1"),
        m.AddDestination(name="Club", url="https://club.example/whip", token="key-2"),
    ]
    assert states(floor) == {"YouTube": "connecting", "Club": "connecting"}
    floor.desk.take_note(m.DestinationChanged(name="Club", state="reconnecting", detail="wrong_pass"))
    assert floor.desk.destinations.rows[1].why == "la clé de flux n’est pas la bonne"
    floor.desk.end_show()
    floor.desk.flush()
    assert sorted(word.name for word in told(floor)) == ["Club", "YouTube"]  # type: ignore[attr-defined]
    floor.desk.take_note(m.EngineStats(0, 0, 0, 0, 0, 0, 0, 0, 0.0, 0, 0, 0, 0.0))
    assert told(floor) == [], "it is said once"


def test_a_rehearsal_goes_nowhere_else(floor: DeskFloor) -> None:
    floor.desk.destinations.put("YouTube", YOUTUBE, "key-1")
    go_live(floor, rehearsal=True)
    assert floor.desk.show.rehearsal and told(floor) == [] and states(floor) == {"YouTube": "rehearsal"}


def test_on_air_one_is_added_switched_off_on_altered_and_taken_away_at_once(floor: DeskFloor) -> None:
    go_live(floor)
    destinations = floor.desk.destinations
    destinations.put("YouTube", YOUTUBE, "key-1")
    assert told(floor) == [m.AddDestination(name="YouTube", url=f"{YOUTUBE}/key-1")]
    destinations.switch("YouTube", False)
    assert told(floor) == [m.RemoveDestination(name="YouTube")] and states(floor) == {"YouTube": "off"}
    destinations.switch("YouTube", True)
    assert told(floor) == [m.AddDestination(name="YouTube", url=f"{YOUTUBE}/key-1")]
    destinations.put("Chaîne", YOUTUBE, "", before="YouTube")
    assert told(floor) == [
        m.RemoveDestination(name="YouTube"), m.AddDestination(name="Chaîne", url=f"{YOUTUBE}/key-1"),
    ]  # fmt: skip
    assert floor.wires.secrets == {"destination/Chaîne": "key-1"}
    destinations.put("Chaîne", "rtmps://b.example/app", "key-9", before="Chaîne")
    assert told(floor)[-1] == m.AddDestination(name="Chaîne", url="rtmps://b.example/app/key-9")
    destinations.remove("Chaîne")
    assert told(floor) == [m.RemoveDestination(name="Chaîne")]
    assert floor.wires.secrets == {} and destinations.rows == ()


def test_the_key_is_with_the_keyring_alone_even_when_it_was_pasted_into_the_address(floor: DeskFloor) -> None:
    floor.desk.destinations.put("YouTube", f"{YOUTUBE}/abcd-secret", "")
    assert "abcd-secret" not in repr(floor.wires.kept)
    assert floor.wires.secrets == {"destination/YouTube": "abcd-secret"}
    assert "abcd-secret" not in repr(floor.desk.destinations.rows)
    go_live(floor)
    assert told(floor) == [m.AddDestination(name="YouTube", url=f"{YOUTUBE}/abcd-secret")]


# --- other windows, other engines --------------------------------------------------------------------


def test_a_window_that_comes_back_begins_nothing_twice(app: QApplication) -> None:
    floor = begun(live=True, whole_feed=False)
    floor.wires.kept["destinations"] = [
        {"name": "YouTube", "address": YOUTUBE, "on": True}, {"name": "Club", "address": "https://c/w", "on": True},
    ]  # fmt: skip
    floor.wires.secrets["destination/YouTube"] = "key-1"
    engine_comes(floor, "YouTube", "Forgotten")
    assert told(floor) == [], "what is live may be long ago, until all has been heard"
    floor.desk.feed_whole(True)
    assert floor.wires.only_kept == [m.AddDestination(name="YouTube", url=f"{YOUTUBE}/key-1")]
    assert told(floor) == [m.RemoveDestination(name="Forgotten"), m.AddDestination(name="Club", url="https://c/w")]
    assert states(floor)["YouTube"] == "on_air"


def test_while_the_engine_starts_anew_it_is_said_and_the_link_does_the_rest(floor: DeskFloor) -> None:
    floor.desk.destinations.put("YouTube", YOUTUBE, "key-1")
    go_live(floor)
    floor.desk.take_note(m.DestinationChanged(name="YouTube", state="on_air"))
    told(floor)
    floor.desk.take_engine_road("away")
    assert states(floor) == {"YouTube": "connecting"}
    engine_comes(floor)
    assert told(floor) == []


def test_a_show_that_ended_while_no_window_was_there_goes_nowhere_else_any_more(app: QApplication) -> None:
    floor = begun(live=True, whole_feed=False)
    floor.desk.end_show()
    floor.desk.flush()
    engine_comes(floor, "YouTube")
    floor.desk.feed_whole(True)
    assert told(floor) == [m.RemoveDestination(name="YouTube")]


# --- words ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "right"),
    [
        (YOUTUBE, True), ("rtmps://live.example:443/rtmp", True), ("https://ingest.example/whip", True),
        ("", False), ("youtube.com/live", False), ("http://ingest.example/whip", False), ("rtmp://", False),
        ("rtmp://host.example", False), ("rtmp://user:word@host.example/live", False), ("https://a b/whip", False),
        ("rtmp://[::1/live", False), ("rtmp://host.example:port/live", False), ("file:///etc/passwd", False),
    ],
)  # fmt: skip
def test_an_address_is_right_or_it_is_said_why_not(app: QApplication, address: str, right: bool) -> None:
    assert (wrong_address(address) == "") is right


def test_parts_make_the_whole_again() -> None:
    for address, key in ((f"{YOUTUBE}/k", ""), (YOUTUBE, "k"), (f"{YOUTUBE}/", " k ")):
        assert whole(*part(address, key)) == (f"{YOUTUBE}/k", "")
    assert whole(*part("https://c/whip/room", "")) == ("https://c/whip/room", "")


def test_a_reason_is_told_in_words(app: QApplication) -> None:
    assert why_words("too_slow") == "la ligne est trop lente"
    assert why_words("Connection refused") == "le serveur ne répond pas"
    assert why_words("Connection timed out") == "aucune réponse à temps"
    assert why_words("Input/output error") == "la connexion est coupée"
    assert why_words("") == ""


def test_one_that_fails_is_on_the_strip_by_its_name(app: QApplication) -> None:
    said = trouble_sentence(Trouble("destination_failed", "YouTube", "wrong_pass"), 0)
    assert "YouTube" in said and "la clé de flux n’est pas la bonne" in said and "les autres continuent" in said


# --- the panel --------------------------------------------------------------------------------------


@pytest.fixture
def panel(app: QApplication, floor: DeskFloor) -> DestinationsPanel:
    made = DestinationsPanel(floor.desk)
    made.resize(640, 700)
    made.show()
    made.activateWindow()
    made.begin()
    app.processEvents()
    return made


def shown(panel: DestinationsPanel) -> str:
    """Every word on it and every word it is read out with."""
    fields = [field.text() for field in panel.findChildren(QLineEdit)]
    return repr([fields, [label.text() for label in panel.findChildren(QLabel)], [*panel.rows]])


def test_by_the_keyboard_alone_one_is_added_and_its_errors_are_at_the_field(
    app: QApplication, panel: DestinationsPanel, floor: DeskFloor
) -> None:
    form = panel.form
    assert form.name.hasFocus()
    QTest.keyClicks(form.name, "YouTube")
    QTest.keyClick(form.name, Qt.Key.Key_Tab)
    QTest.keyClicks(form.address, "youtube.com")
    QTest.keyClick(form.address, Qt.Key.Key_Tab)
    assert form.key.hasFocus() and form.key.echoMode() == QLineEdit.EchoMode.Password
    QTest.keyClicks(form.key, "key-1")
    QTest.keyClick(form.key, Qt.Key.Key_Return)
    assert "rtmp://" in form.wrong["address"].text() and form.wrong["address"].isVisible()
    assert form.address.hasFocus() and form.address.accessibleDescription() and panel.rows == {}
    form.address.selectAll()
    QTest.keyClicks(form.address, YOUTUBE)
    assert not form.wrong["address"].isVisible()
    QTest.keyClick(form.address, Qt.Key.Key_Return)
    assert list(panel.rows) == ["YouTube"] and floor.wires.secrets == {"destination/YouTube": "key-1"}
    assert form.key.text() == "" and "key-1" not in shown(panel)
    QTest.keyClicks(form.name, "YouTube")
    QTest.keyClick(form.name, Qt.Key.Key_Return)
    assert form.wrong["name"].isVisible()


def test_a_row_says_its_state_by_word_and_mark_and_is_read_out(
    app: QApplication, panel: DestinationsPanel, floor: DeskFloor
) -> None:
    floor.desk.destinations.put("YouTube", YOUTUBE, "key-1")
    row = panel.rows["YouTube"]
    assert row.state.text() == "○ partira avec l’émission" and row.where.text() == "· a.rtmp.youtube.com"
    go_live(floor)
    said = {}
    for state, detail in (("connecting", ""), ("on_air", ""), ("reconnecting", "unreachable")):
        floor.desk.take_note(m.DestinationChanged(name="YouTube", state=state, detail=detail))  # type: ignore[arg-type]
        said[state] = row.state.text()
        assert row.state.text() in row.accessibleName()
    assert said["on_air"] == "● à l’antenne"
    assert said["reconnecting"] == "! reconnexion… — le serveur ne répond pas"
    assert len({words[0] for words in said.values()}) == 3
    QTest.mouseClick(row.on, LEFT)
    assert states(floor) == {"YouTube": "off"} and row.state.text() == "– éteinte"


def test_taking_one_away_asks_twice_and_altering_keeps_the_key(
    app: QApplication, panel: DestinationsPanel, floor: DeskFloor
) -> None:
    floor.desk.destinations.put("YouTube", YOUTUBE, "key-1")
    row = panel.rows["YouTube"]
    QTest.mouseClick(row.alter, LEFT)
    assert panel.form.address.text() == YOUTUBE and panel.form.key.text() == ""
    panel.form.address.setText("rtmp://b.example/live")
    QTest.mouseClick(panel.form.done, LEFT)
    assert floor.wires.secrets == {"destination/YouTube": "key-1"}
    QTest.mouseClick(row.take_off, LEFT)
    assert list(panel.rows) == ["YouTube"] and "Vraiment" in row.take_off.text()
    QTest.mouseClick(row.take_off, LEFT)
    assert panel.rows == {} and floor.desk.destinations.rows == ()


def test_in_a_small_window_the_field_and_what_is_wrong_with_it_are_in_sight(
    app: QApplication, panel: DestinationsPanel, floor: DeskFloor, wait: Callable[..., None]
) -> None:
    for name in ("YouTube", "Twitch", "Club"):
        floor.desk.destinations.put(name, YOUTUBE, "k")
    panel.resize(560, 300)
    app.processEvents()
    form = panel.form
    panel.rows["YouTube"].on.setFocus()
    wait(lambda: form.address.visibleRegion().isEmpty())
    form.name.setText("Village")
    form.address.setText("village.example")
    form.done.click()
    assert form.address.hasFocus()
    wait(lambda: form.address.visibleRegion().boundingRect().height() == form.address.height())
    wait(lambda: form.wrong["address"].visibleRegion().boundingRect().height() == form.wrong["address"].height())
