"""Every stable code the engine says has its words on screen: read from its own source, so that none is ever missing."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import get_args

import pytest
from msgspec import structs

from seller_console.contract.media import AirChanged, TroubleCode, TroubleRaised
from seller_console.engine.troubles import _PUBLISH
from tests.ui.desk_floor import DeskFloor
from ui import words
from ui.airing import trouble_of
from ui.views.strip import trouble_sentence

ENGINE = Path("seller_console") / "engine"
RTC = Path("seller_console") / "rtc"
NEVER_SAID = {"", "moved"}
"""`moved`: the address changed under a session; publish.py says nothing of it."""


def strings(node: ast.AST | None) -> set[str]:
    """Every string a value may be: "a", "a" if x else "b"; of a comparison, nothing."""
    if isinstance(node, ast.Constant):
        return {node.value} if isinstance(node.value, str) else set()
    if isinstance(node, ast.IfExp):
        return strings(node.body) | strings(node.orelse)
    if isinstance(node, ast.BoolOp):
        return set().union(*(strings(value) for value in node.values))
    return set()


def said(path: Path, calls: dict[str, int], names: set[str] = frozenset(), results: str = "") -> set[str]:  # type: ignore[assignment]
    """Strings given as argument n to these calls, assigned to these names, returned by this function."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            place = calls.get(name)
            if place is not None and len(node.args) > place:
                found |= strings(node.args[place])
        elif isinstance(node, ast.Assign):
            targets = {getattr(target, "id", getattr(target, "attr", "")) for target in node.targets}
            if targets & names:
                found |= strings(node.value)
        elif isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef) and node.name == results:
            for inner in ast.walk(node):
                if isinstance(inner, ast.Return):
                    found |= strings(inner.value)
    return found


def air_reasons(root: Path) -> set[str]:
    return said(root / ENGINE / "publish.py", {"Failed": 0}) | said(root / ENGINE / "whip.py", {"Failed": 0})


def details(root: Path) -> set[str]:
    publish = said(root / ENGINE / "publish.py", {"Failed": 1, "_end_session": 0}, {"detail"}, "_watch")
    publish |= said(root / ENGINE / "whip.py", {"Failed": 1}, {"detail"})
    reasons = air_reasons(root)
    peers = said(root / RTC / "peer.py", {"_end": 1}) | said(root / RTC / "stock.py", {}, {"reason"})
    record = said(root / ENGINE / "record.py", {"_fail": 0}, set(), "code_of")
    streams = said(root / ENGINE / "destinations.py", {"_say": 1})
    streams |= said(root / ENGINE / "carrier.py", {}, set(), "code_of")
    return (publish | reasons | peers | record | streams) - NEVER_SAID


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_detail_has_its_words(repository: Path, language: words.Language) -> None:
    found = details(repository)
    assert {"wrong_pass", "tls", "media_blocked", "goodbye", "broken", "disk_full", "not_writable", "too_slow"} <= found
    known = set(words.catalogue(language))
    assert sorted(code for code in found if f"detail.{code}" not in known) == []
    assert all(code.isidentifier() for code in found), "a detail is a code, not a sentence"


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_refusal_of_the_engine_every_trouble_and_every_reason_of_the_air_has_its_words(
    repository: Path, language: words.Language
) -> None:
    known = set(words.catalogue(language))
    refused = said(repository / ENGINE / "app.py", {"_refuse": 1}, {"code"})
    for path in (repository / ENGINE).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "EngineRefused":
                refused |= set().union(*(strings(word.value) for word in node.keywords if word.arg == "code"))
    assert {"on_air", "recording", "unreadable", "not_in_this_build"} <= refused
    assert sorted(code for code in refused if f"engine_refused.{code}" not in known) == []
    assert sorted(code for code in get_args(TroubleCode) if f"trouble.{code}" not in known) == []
    reasons = air_reasons(repository)
    assert reasons == set(_PUBLISH) and sorted(r for r in reasons if f"air.{r}" not in known) == []


def test_every_cure_the_engine_offers_has_its_words(app: object) -> None:
    cures = get_args(next(field.type for field in structs.fields(TroubleRaised) if field.name == "cure"))
    assert {"retry", "choose_camera"} <= set(cures)
    known = words.catalogue("fr")
    assert [cure for cure in cures if cure and f"cure.{cure}" not in known] == []


def test_the_strip_says_why_in_words_and_never_in_a_systems_own(app: object) -> None:
    said_ = trouble_sentence(trouble_of("publish_refused", 0.0, subject="http://x", detail="wrong_pass"), 0.0)
    assert said_.startswith("Le serveur refuse le flux (la clé de flux n’est pas la bonne)")
    odd = trouble_sentence(trouble_of("camera_busy", 0.0, subject="C920", detail="Device or resource busy"), 0.0)
    assert "resource" not in odd
    floor = DeskFloor()
    floor.desk.take_note(AirChanged(state="reconnecting", reason="lost", detail="silence"))
    assert floor.desk.health.reason == "lost"
