"""Every stable code the engine says, read from its own source, so that none is ever forgotten."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import get_args

from msgspec import structs

from seller_console.contract.media import TroubleRaised

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


def unkept(root: Path) -> set[str]:
    """Why there is no picture or clip: `error=` of these notes, also by way of a name of the same function."""
    found = said(root / ENGINE / "record.py", {}, set(), "code_of")
    for path in (root / ENGINE).glob("*.py"):
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(function, ast.AsyncFunctionDef | ast.FunctionDef):
                found |= _errors_in(function)
    return found - NEVER_SAID


def _errors_in(function: ast.AST) -> set[str]:
    found: set[str] = set()
    named: set[str] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("SnapshotTaken", "ClipSaved"):
            for word in node.keywords:
                if word.arg == "error":
                    found |= strings(word.value)
                    named |= {word.value.id} if isinstance(word.value, ast.Name) else set()
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and {getattr(target, "id", "") for target in node.targets} & named:
            found |= strings(node.value)
    return found


def refusals(root: Path) -> set[str]:
    refused = said(root / ENGINE / "app.py", {"_refuse": 1}, {"code"})
    for path in (root / ENGINE).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "EngineRefused":
                refused |= set().union(*(strings(word.value) for word in node.keywords if word.arg == "code"))
    return refused


def cures() -> set[str]:
    return set(get_args(next(field.type for field in structs.fields(TroubleRaised) if field.name == "cure"))) - {""}
