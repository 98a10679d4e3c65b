"""What `seller-console publish` says to a person at a terminal, in both languages."""

from __future__ import annotations

import io
import json
import re
import sys
from itertools import pairwise
from pathlib import Path
from typing import get_args

import pytest

from seller_console.catalogue import catalogue
from seller_console.contract import media as m
from seller_console.contract.codec import decode_engine_command
from seller_console.contract.examples import example
from seller_console.engine import headless, spoken
from seller_console.engine.commandlist import line_of
from tests.codes import air_reasons, cures, details, refusals, unkept


@pytest.fixture(params=["fr", "en"])
def language(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("SELLER_CONSOLE_LANGUAGE", request.param)
    return str(request.param)


COMMAND_WORDS = {"retry_now", "set_muted"}


def codes_in(line: str) -> set[str]:
    """What reads like a code: words_with_underscores, but for the commands that cure."""
    return set(re.findall(r"[a-z]+_[a-z_]+", line)) - COMMAND_WORDS


# --- every code in words ---------------------------------------------------------------------


def test_every_refusal_is_in_words_of_its_own(repository: Path, language: str) -> None:
    known = set(catalogue(language))  # type: ignore[arg-type]
    codes = refusals(repository)
    assert {"unknown_scene", "unfit", "takes_h264_only", "unreadable"} <= codes
    wordless = [code for code in codes if not known & {f"publish.refused.{code}", f"engine_refused.{code}"}]
    assert wordless == []
    for code in codes:
        assert codes_in(spoken.refused(m.EngineRefused(command="SetScene", code=code, detail="x"))) == set()


def test_every_reason_of_the_air_a_recording_or_a_destination_is_in_words(repository: Path, language: str) -> None:
    found = details(repository) | air_reasons(repository)
    assert {"disk_full", "disk_slow", "wrong_pass", "unreachable"} <= found
    assert [code for code in found if not spoken.why(code)] == []
    for code in found:
        assert spoken.why(code) in spoken.not_recorded(code)
        assert spoken.why(code) in spoken.not_on_air("also 1", code)
        assert spoken.why(code) in spoken.told(m.AirChanged(state="reconnecting", reason="lost", detail=code))
        assert spoken.why(code) in spoken.told(m.DestinationChanged(name="x", state="connecting", detail=code))
    assert "disk_error" in found and spoken.why("disk_error") in spoken.not_recorded("odd")


def test_every_reason_why_there_is_no_picture_or_clip_is_in_words(repository: Path, language: str) -> None:
    codes = unkept(repository)
    assert {"no_picture", "nothing_on_air", "busy", "disk_full", "not_writable"} <= codes
    said = {code: spoken.told(m.SnapshotTaken(request="1", error=code)) for code in codes}
    assert said == {code: spoken.told(m.ClipSaved(request="1", error=code)) for code in codes}
    assert len(set(said.values())) == len(codes), "each has words of its own"
    for sentence in (*said.values(), spoken.told(m.SnapshotTaken(request="1", error="odd_new_code"))):
        assert sentence and codes_in(sentence) == set()


def test_a_destination_that_is_away_for_a_reason_without_words_is_told_all_the_same(language: str) -> None:
    said = spoken.not_on_air("also 1", "odd_new_code")
    assert "also 1" in said and codes_in(said) == set()


def test_every_state_is_in_words(language: str) -> None:
    for air in get_args(m.AirState):
        assert codes_in(spoken.told(m.AirChanged(state=air)) + spoken.not_on_air("also 1", air)) == set()
    for state in get_args(m.RecordState):
        assert (spoken.told(m.RecordingChanged(state=state)) == "") == (state == "recording"), "once a second, that"


def test_every_trouble_and_every_cure_is_in_words(language: str) -> None:
    known = set(catalogue(language))  # type: ignore[arg-type]
    assert [code for code in get_args(m.TroubleCode) if f"trouble.{code}" not in known] == []
    assert [cure for cure in cures() if f"publish.cure.{cure}" not in known] == []
    for code in get_args(m.TroubleCode):
        for cure in ("", *cures()):
            note = m.TroubleRaised(code=code, subject="C920", detail="12", cure=cure)
            assert codes_in(spoken.told(note)) == set()
        assert codes_in(spoken.told(m.TroubleCured(code=code, subject="C920"))) == set()


def test_every_other_note_is_said_without_a_code(language: str) -> None:
    ignored = ("size", "fps", *get_args(m.CameraKnob))
    notes = [
        m.CameraSet(camera="camera:C920@usb-1", settings=m.CameraSettings(), ignored=ignored),
        m.EncoderChosen(wanted="auto", encoder="x264", tried=(m.EncoderTried(name="nvenc", works=True),)),
    ]
    for note in notes:
        assert spoken.told(note) and codes_in(spoken.told(note)) == set()
    assert spoken.told(m.ClipSaved(request="1", path="/tmp/a.mp4")) == "/tmp/a.mp4"


def test_a_cure_names_the_option_of_the_device_that_is_in_trouble(language: str) -> None:
    programme = m.ProgrammeSet(
        camera="camera:A@1", second_camera="camera:B@2", microphone="microphone:C", second_microphone="microphone:D",
        width=720, height=1280, fps=30, target_bps=0, muted=False,
    )  # fmt: skip
    for device, option in (("camera:A@1", " --camera"), ("camera:B@2", " --second-camera")):
        gone = m.TroubleRaised(code="camera_gone", subject="X", cure="choose_camera", device=device)
        assert option in spoken.told(gone, programme)
    busy = m.TroubleRaised(code="microphone_busy", cure="choose_microphone", device="microphone:D")
    assert " --second-microphone" in spoken.told(busy, programme)
    for code, option in (("publish_refused", " --token"), ("destination_failed", " --also-token")):
        refused = m.TroubleRaised(code=code, subject="x", detail="wrong_pass", cure="retry")  # type: ignore[arg-type]
        assert option in spoken.told(refused, programme)


# --- the command line ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "option", "french"),
    [
        (["--scene", "face"], "--second-camera", "la scène face veut une deuxième caméra"),
        (["--scene", "still"], "--still", "la scène still veut une image"),
        (["--scene", "nowhere"], "--scene", "il n’y a pas de scène nowhere"),
        (["--camera", "nonsense:1"], "--help", "il n’y a pas d’appareil 'nonsense:…'"),
        (["--fps", "0"], "--fps", "cadence ou débit impossibles"),
        (["--to", "ftp://nowhere/whip"], "http://", "L’adresse doit commencer par"),
    ],
)
def test_what_is_refused_is_said_in_the_language_with_the_option_that_cures(
    words: list[str], option: str, french: str, language: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert headless.main(["--to", "http://127.0.0.1:9/whip", "--size", "360x640", *words]) == 2
    said = capsys.readouterr().err
    assert said.startswith({"fr": "Refusé\u202f: ", "en": "Refused: "}[language]) and option in said
    assert (french in said) == (language == "fr") and codes_in(said) == set()


@pytest.mark.parametrize(
    ("words", "french", "english"),
    [
        (["--size", "big"], "une taille s’écrit", "a size is"),
        (["--bitrate", "much"], "un débit est", "a bit rate is"),
        (["--camera-settings", "zoom=99"], "un zoom de 99 (de 1 à 8)", "a zoom of 99 (1 to 8)"),
        (["--camera-settings", "rotation=45"], "une rotation de 45", "a rotation of 45"),
        (["--camera-settings", "size=3x3"], "une taille de 3x3", "a size of 3x3"),
        (["--camera-settings", "fps=999"], "999 images par seconde", "999 frames a second"),
        (["--camera-settings", "centre=2x0"], "un centre hors", "a centre outside"),
        (["--camera-settings", "focus=near"], "n’est pas un nombre", "is not a number"),
        (["--camera-settings", "colour=red"], "n’est pas un réglage", "no such setting"),
    ],
)
def test_an_option_that_cannot_be_read_says_why_in_the_language(
    words: list[str], french: str, english: str, language: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        headless.main(["--to", "http://127.0.0.1:9/whip", *words])
    assert ended.value.code == 2 and {"fr": french, "en": english}[language] in capsys.readouterr().err


def test_a_program_reads_the_same_codes_in_every_language(language: str, capsys: pytest.CaptureFixture[str]) -> None:
    tell = headless._Teller(as_json=True)
    for note in (
        m.EngineRefused(command="SetScene", code="unknown_scene", detail="face"),
        m.TroubleRaised(code="publish_unreachable", subject="x", detail="no_connection", cure="retry"),
        m.RecordingChanged(state="failed", error="disk_full"),
    ):
        tell(note)
    assert capsys.readouterr().out.splitlines() == [
        '{"type":"engine_refused","command":"SetScene","code":"unknown_scene","detail":"face"}',
        '{"type":"trouble_raised","code":"publish_unreachable","subject":"x","detail":"no_connection","cure":"retry"}',
        '{"type":"recording_changed","state":"failed","error":"disk_full"}',
    ]


def test_what_a_program_reads_is_utf8_whatever_the_terminal_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="cp1252"))
    words = ["--to", "http://127.0.0.1:9/whip", "--size", "360x640", "--scene", "été 日本", "--json"]
    assert headless.main(words) == 2
    notes = [json.loads(line.decode("utf-8")) for line in raw.getvalue().splitlines()]
    assert [note["detail"] for note in notes if note["type"] == "engine_refused"] == ["été 日本"]
    assert b"\r" not in raw.getvalue()


# --- what --commands obeys -------------------------------------------------------------------


def test_every_command_is_listed_with_its_fields_and_what_it_does(
    language: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        headless.main(["--help-commands"])
    assert not ended.value.code
    lines = capsys.readouterr().out.splitlines()
    told = {line: below.strip() for line, below in pairwise(lines) if line.startswith("{")}
    assert set(told) == {line_of(word) for word in get_args(m.EngineCommand) if word is not m.Greet}
    assert [line for line, what in told.items() if len(what) < 10] == []
    for line in told:
        filled_in = line.replace("NUMBER", "1").replace("true|false", "true")
        assert decode_engine_command(filled_in), "a line that is copied is a command"
    assert decode_engine_command(line_of(m.SetOverlay)) == m.SetOverlay(), "what is shown is the default"


def test_the_list_of_commands_is_found_from_the_help(language: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        headless.main(["--help"])
    assert "(--help-commands)" in capsys.readouterr().out


# --- while it runs ---------------------------------------------------------------------------


def test_what_the_disk_has_room_for_is_on_every_line_while_it_records(
    language: str, capsys: pytest.CaptureFixture[str]
) -> None:
    tell, room = headless._Teller(as_json=False), {"fr": "disque 12,3 h", "en": "disk 12.3 h"}[language]

    def line() -> str:
        tell(example(m.EngineStats))
        return capsys.readouterr().out

    assert room not in line()
    tell(m.RecordingChanged(state="recording"))
    assert " h" not in line(), "not known yet"
    tell(m.RecordingChanged(state="recording", hours_left=12.31))
    assert room in line() and room in line()
    tell(m.RecordingChanged(state="finishing", hours_left=12.31))
    assert room not in line()
