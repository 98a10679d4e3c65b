"""Both catalogues say the same things, everything said is in them, and numbers are written as people write them."""

from __future__ import annotations

import re
import string
from pathlib import Path
from typing import get_args

import pytest

from seller_console.contract.media import TroubleCode
from ui import words
from ui.actions import ACTIONS

USED = re.compile(r"""\b(?:t|tn|say|words_of|known|MenuText)\(\s*(f?)(["'])([^"']+)\2""")
QUOTED = re.compile(r"""(f?)["']([a-z0-9_]+(?:\.(?:[a-z0-9_]|\{[^}]*\})+)+)["']""")
PLURAL = (".one", ".other")


def sources(repository: Path) -> str:
    program = repository / "seller_console"
    without_a_window = [program / "catalogue.py", program / "engine" / "headless.py", program / "engine" / "spoken.py"]
    paths = [*sorted((repository / "ui").rglob("*.py")), *without_a_window]
    return "\n".join(path.read_text("utf-8") for path in paths)


def keys() -> set[str]:
    return set(words.catalogue("fr"))


def test_both_languages_have_the_same_keys() -> None:
    assert set(words.catalogue("en")) == keys()


def test_both_languages_fill_in_the_same_names() -> None:
    def names(sentence: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}

    unequal = [key for key, fr in words.catalogue("fr").items() if names(fr) != names(words.catalogue("en")[key])]
    assert unequal == []


def test_nothing_is_left_untranslated() -> None:
    fr, en = words.catalogue("fr"), words.catalogue("en")
    same = {key for key in fr if fr[key] == en[key] and re.search(r"[A-Za-z]{4}", re.sub(r"\{.*?\}", "", fr[key]))}
    alike = {
        "a11y.chat", "camera.gain", "camera.rotation", "camera.zoom",
        "chat.tab", "check.lots.one", "check.lots.other", "device.silence", "device.which.camera",
        "editor.description",
        "field.description", "field.format", "import.lots.one", "import.lots.other", "preflight.destination",
        "preview.live",
        "queue.salons.one", "queue.salons.other", "scene.pause", "scene.table", "settings.language.en",
        "settings.language.fr",
    }  # fmt: skip
    assert same <= alike


def test_every_word_said_is_in_the_catalogue(repository: Path) -> None:
    said = {
        (bool(formatted), key) for formatted, _, key in USED.findall(sources(repository)) if "." in key or key == "hold"
    }
    assert len(said) > 200
    missing = []
    for formatted, key in said:
        pattern = re.escape(key)
        if formatted:
            pattern = re.sub(r"\\\{.*?\\\}", ".+", pattern)
        if not any(re.fullmatch(f"{pattern}(?:\\.one|\\.other|\\..+)?", known) for known in keys()):
            missing.append(key)
    assert missing == []


def test_every_word_of_the_catalogue_is_said(repository: Path) -> None:
    text = sources(repository)
    literal = {key for formatted, key in QUOTED.findall(text) if not formatted}
    literal |= {key for formatted, _, key in USED.findall(text) if not formatted}
    patterns = [
        re.compile(re.sub(r"\\\{.*?\\\}", "[a-z0-9_]+", re.escape(key)) + r"(\.cost)?")
        for formatted, key in QUOTED.findall(text)
        if formatted
    ]
    prefixes = {
        *(f"{prefix}." for prefix in re.findall(r'words_of\(\s*"([a-z_]+)"', text)),
        *(f"{prefix}." for prefix in re.findall(r'f"([a-z_]+)\.\{', text)),
    }
    codes = {f"trouble.{code}" for code in get_args(TroubleCode)} | {f"cure.{cure}" for cure in ("retry",)}
    unsaid = []
    for key in keys():
        plain = re.sub(r"\.(one|other|cost)$", "", key)
        known = plain in literal or key in literal or plain in codes
        known = known or any(pattern.fullmatch(key) or pattern.fullmatch(plain) for pattern in patterns)
        known = known or any(plain.startswith(prefix) for prefix in prefixes)
        known = known or any(spec.words == plain for spec in ACTIONS)
        known = known or plain.startswith(("settings.", "keys."))  # said by code that hands over a key
        if not known:
            unsaid.append(key)
    assert sorted(unsaid) == []


def test_every_trouble_and_every_action_has_its_words() -> None:
    wanted = {f"trouble.{code}" for code in get_args(TroubleCode)} | {spec.words for spec in ACTIONS}
    assert wanted <= keys()


def test_french_is_spaced_as_french() -> None:
    """A narrow no-break space before € ! ? : ; » and after «; curly apostrophes; a true ellipsis."""
    wrong = []
    for key, said in words.catalogue("fr").items():
        plain = re.sub(r"[a-z]+://", "", said)
        loose = re.search(r"(?<!\u202f)[€!?;:»](?!\))", re.sub(r"\(€\)|\d:\d", "", plain))
        if loose or re.search("«(?!\u202f)", plain) or "'" in plain or "..." in plain:
            wrong.append((key, said))
    assert wrong == []


@pytest.mark.parametrize(
    ("language", "cents", "written"),
    [
        ("fr", 100, "1\u202f€"),
        ("fr", 4700, "47\u202f€"),
        ("fr", 105_000, "1\u202f050\u202f€"),
        ("fr", 1250, "12,50\u202f€"),
        ("fr", -400, "−4\u202f€"),
        ("fr", 0, "0\u202f€"),
        ("en", 100, "€1"),
        ("en", 105_000, "€1,050"),
        ("en", 1250, "€12.50"),
    ],
)
def test_money(language: words.Language, cents: int, written: str) -> None:
    words.use(language)
    assert words.money(cents) == written


@pytest.mark.parametrize(
    ("ms", "written"),
    [(30_000, "0:30"), (29_999, "0:30"), (10_001, "0:11"), (10_000, "0:10"), (999, "0:01"), (1, "0:01"), (0, "0:00"),
     (-50, "0:00"), (90_000, "1:30"), (3_600_000, "60:00")],
)  # fmt: skip
def test_a_countdown_is_rounded_up(ms: float, written: str) -> None:
    assert words.countdown(ms) == written


def test_other_numbers() -> None:
    words.use("fr")
    assert words.elapsed(8_077_000) == "02:14:37"
    assert words.seconds(30_000) == "30\u202fs"
    assert words.seconds(150_000) == "2\u202fmin\u202f30"
    assert words.ago(400) == "0,4\u202fs"
    assert words.ago(12_300) == "12\u202fs"
    assert words.since(300) == "1\u202fs"
    assert words.rate(4_180_000) == "4,2\u202fMb/s"
    assert words.rate(640_400) == "640\u202fkb/s"
    assert words.size(412_000_000_000) == "412\u202fGo"
    assert words.decibels(-14.2) == "−14\u202fdB"
    assert words.decibels(-120) == "−∞\u202fdB"
    assert words.percent(0.92) == "92\u202f%"
    assert words.percent(0.001, 1) == "0,1\u202f%"
    assert words.tn("deck.bids", 0) == "0 enchère"
    assert words.tn("deck.bids", 1) == "1 enchère"
    assert words.tn("deck.bids", 1200) == "1\u202f200 enchères"
    words.use("en")
    assert words.tn("deck.bids", 0) == "0 bids"
    assert words.size(412_000_000_000) == "412 GB".replace(" ", "\u202f")
    assert words.decimal(-0.04) == "0.0"


def test_an_unknown_key_is_a_bug() -> None:
    with pytest.raises(KeyError):
        words.t("no.such.key")


@pytest.mark.parametrize(("asked", "spoken"), [("fr", "fr"), ("en", "en")])
def test_the_language_can_be_asked_for(asked: str, spoken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SELLER_CONSOLE_LANGUAGE", asked)
    words.use(None)
    assert words.language() == spoken
