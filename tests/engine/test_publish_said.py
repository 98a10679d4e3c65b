"""What `seller-console publish` says to a person at a terminal, in both languages."""

from __future__ import annotations

from itertools import pairwise
from typing import get_args

import pytest

from seller_console.contract import media as m
from seller_console.contract.codec import decode_engine_command
from seller_console.contract.examples import example
from seller_console.engine import headless
from seller_console.engine.commandlist import line_of


@pytest.fixture(params=["fr", "en"])
def language(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("SELLER_CONSOLE_LANGUAGE", request.param)
    return str(request.param)


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
