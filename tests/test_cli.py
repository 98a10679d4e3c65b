"""The one script: every word leads to a program, and nobody reads a traceback."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from seller_console import cli, language


def test_help_names_every_program(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for tongue in ("fr", "en"):
        monkeypatch.setenv("SELLER_CONSOLE_LANGUAGE", tongue)
        assert cli.main(["--help"]) == 0
        said = capsys.readouterr().out
        assert all(word in said for word in cli.PROGRAMS), tongue


@pytest.mark.parametrize("word", sorted(cli.PROGRAMS))
def test_every_word_has_its_program(word: str) -> None:
    """Found without importing it: the window must not start to know that it is there."""
    module, _, function = cli.PROGRAMS[word].partition(":")
    found = importlib.util.find_spec(module)
    assert found is not None and found.origin is not None
    assert f"def {function}(" in Path(found.origin).read_text("utf-8")


@pytest.mark.processes
@pytest.mark.parametrize("word", sorted(set(cli.PROGRAMS) - {"console"}))
def test_every_program_explains_itself_in_both_languages(word: str) -> None:
    said = []
    for tongue in ("fr", "en"):
        done = subprocess.run(
            [sys.executable, "-m", "seller_console", word, "--help"], capture_output=True, text=True, timeout=60,
            env={**os.environ, "SELLER_CONSOLE_LANGUAGE": tongue, "COLUMNS": "200"},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert word in done.stdout and "Traceback" not in done.stderr
        for option in re.split(r"\n(?=  -)", done.stdout)[1:]:
            assert len(re.split(r"\s{2,}", option.strip(), maxsplit=1)) == 2, f"{option} says nothing of itself"
        said.append(done.stdout)
    assert said[0] != said[1]


def test_an_unknown_word_is_said_and_is_two(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["vendre"]) == 2
    said = capsys.readouterr()
    assert "vendre" in said.err and "--help" in said.err and said.out == ""


@pytest.mark.parametrize("word", ["import", "doctor"])
def test_wrong_options_are_two(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([word, "--nonsense"]) == 2
    assert "Traceback" not in capsys.readouterr().err


def _stand_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, body: str) -> None:
    (tmp_path / "stand_in.py").write_text(f"def main(argv):\n    {body}\n", "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "stand_in", raising=False)
    monkeypatch.setitem(cli.PROGRAMS, "doctor", "stand_in:main")


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        ("return len(argv)", 2, ""),
        ("raise KeyboardInterrupt", 130, ""),
        ("raise OSError(28, 'plus de place', 'log.sqlite')", 1, "plus de place (log.sqlite)"),
        ("raise ValueError('deux lignes\\nici')", 1, "deux lignes"),
        ("import nulle_part", 1, "nulle_part"),
    ],
)
def test_whatever_a_program_does_ends_in_a_code_and_a_sentence(
    body: str, code: int, said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _stand_in(monkeypatch, tmp_path, body)
    assert cli.main(["doctor", "a", "b"]) == code
    shown = capsys.readouterr().err
    assert said in shown and "Traceback" not in shown


def test_the_traceback_of_a_bug_is_kept_in_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _stand_in(monkeypatch, tmp_path, "return {}['absent']")
    assert cli.main(["doctor"]) == 1
    kept = home / "logs" / "doctor-crash.log"
    assert str(kept) in capsys.readouterr().err
    assert "KeyError: 'absent'" in kept.read_text("utf-8")


def test_no_word_at_all_and_options_alone_open_the_console(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _stand_in(monkeypatch, tmp_path, "return 40 + len(argv)")
    monkeypatch.setitem(cli.PROGRAMS, "console", "stand_in:main")
    assert cli.main([]) == 40
    assert cli.main(["--demo", "90"]) == 42
    assert cli.main(["console", "--demo", "90"]) == 42


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys\nfrom seller_console.cli import main\nmain(['--help'])\n"
        "heavy = {'PySide6', 'av', 'cv2', 'numpy', 'aiortc', 'starlette', 'httpx', 'msgspec'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("environ", "spoken"),
    [
        ({"LANG": "fr_FR.UTF-8"}, "fr"),
        ({"LANG": "en_GB.UTF-8"}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "C.UTF-8"}, "fr"),
        ({"LC_ALL": "C", "LANG": "en_US.UTF-8"}, "en"),
        ({"LC_ALL": "en_US.UTF-8", "LANG": "fr_FR.UTF-8"}, "en"),
        ({"SELLER_CONSOLE_LANGUAGE": "fr", "LC_ALL": "en_US.UTF-8"}, "fr"),
    ],
)
def test_the_system_language_decides(environ: dict[str, str], spoken: str) -> None:
    assert language.language(environ) == spoken


def test_french_is_typeset() -> None:
    assert language.typeset("« Ça » : oui ! 3 €") == "«\u202fÇa\u202f»\u202f: oui\u202f! 3\u202f€"
