"""`seller-console import FILE [FILE.show.csv]`: an inventory read dry, or put into the queue of the running show.

With --dry-run nothing is written anywhere. Without it, the lots join the queue of the
platform running on this machine, in one command: all or none. Exit codes: 0 the file
can be imported (or was), 1 it cannot, 2 the words were wrong.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from . import places
from .contract import codec, routes
from .contract.commands import ImportLots
from .language import Language, language, typeset
from .sale import inventory, inventory_words, spreadsheet

WORDS: dict[Language, dict[str, str]] = {
    "fr": {
        "about": "Lit un inventaire CSV et dit ce qui sera importé, réparé ou laissé de côté.",
        "file": "l’inventaire (CSV)",
        "show": "les réglages du live (par défaut NOM.show.csv à côté, s’il existe)",
        "dry": "n’écrit rien : dit seulement ce qui se passerait",
        "json": "le résultat en JSON",
        "row": "ligne {row}",
        "settings": "réglages, ligne {row}",
        "repaired": "réparé",
        "left_out": "laissé de côté",
        "noted": "à savoir",
        "totals": "{lots} lots ({units} unités) sur {rows} lignes : "
        "{left_out} laissée(s) de côté, {repaired} réparation(s).",
        "hours": "Durée si tout passe une fois : {hours} h {minutes:02d}.",
        "nothing": "Rien n’a été écrit.",
        "imported": "{lots} lots ajoutés à la file.",
        "no_platform": "Aucune plateforme ne tourne ici. Ouvrez la console, ou ajoutez --dry-run pour lire à blanc.",
        "gone": "Il n’y a pas de fichier {file}",
        "unreadable": "Le fichier {file} ne se lit pas : {error}",
        "refused": "La plateforme a refusé : {error}",
        "unreachable": "La plateforme ne répond pas : {error}",
    },
    "en": {
        "about": "Reads a CSV inventory and says what would be imported, repaired or left out.",
        "file": "the inventory (CSV)",
        "show": "the settings of the show (by default NAME.show.csv beside it, if there is one)",
        "dry": "writes nothing: only says what would happen",
        "json": "the outcome as JSON",
        "row": "row {row}",
        "settings": "settings, row {row}",
        "repaired": "repaired",
        "left_out": "left out",
        "noted": "to know",
        "totals": "{lots} lots ({units} units) from {rows} rows: {left_out} left out, {repaired} repaired.",
        "hours": "Duration if each runs once: {hours} h {minutes:02d}.",
        "nothing": "Nothing was written.",
        "imported": "{lots} lots added to the queue.",
        "no_platform": "No platform is running here. Open the console, or add --dry-run to read without importing.",
        "gone": "There is no file {file}",
        "unreadable": "The file {file} cannot be read: {error}",
        "refused": "The platform refused: {error}",
        "unreachable": "The platform does not answer: {error}",
    },
}


def main(argv: list[str]) -> int:
    tongue = language()

    def say(key: str, **facts: Any) -> str:
        sentence = WORDS[tongue][key].format(**facts)
        return typeset(sentence) if tongue == "fr" else sentence

    parser = argparse.ArgumentParser(prog="seller-console import", description=say("about"))
    parser.add_argument("file", type=Path, help=say("file"))
    parser.add_argument("show", type=Path, nargs="?", help=say("show"))
    parser.add_argument("--dry-run", action="store_true", help=say("dry"))
    parser.add_argument("--json", action="store_true", help=say("json"))
    try:
        asked = parser.parse_args(argv)
    except SystemExit as stop:
        return int(stop.code or 0)

    try:
        found = read_files(asked.file, asked.show)
    except spreadsheet.Unusable as error:
        return _fail(asked.json, error.code, inventory_words.unusable(error.code, tongue, error.facts))
    except OSError as error:
        gone = isinstance(error, FileNotFoundError)
        return _fail(asked.json, "unreadable", say("gone" if gone else "unreadable", file=error.filename, error=error))

    if asked.dry_run:
        if asked.json:
            print(json.dumps(as_json(found, tongue), ensure_ascii=False))
        else:
            _print(found, tongue, say)
            print(say("nothing"))
        return 0
    trouble = _import(found, say)
    if trouble:
        return _fail(asked.json, "refused", trouble)
    if asked.json:
        print(json.dumps(as_json(found, tongue), ensure_ascii=False))
    else:
        _print(found, tongue, say)
        print(say("imported", lots=found.totals.lots))
    return 0


def read_files(file: Path, show: Path | None = None) -> inventory.DryRun:
    """The dry run of a file and of its side table; raises OSError and Unusable."""
    beside = file.with_name(f"{file.stem}.show.csv")
    if show is None and beside.is_file() and beside != file:
        show = beside
    return inventory.read(
        _bytes(file),
        None if show is None else _bytes(show),
        have_picture=lambda path: (file.parent / path).is_file(),
    )


def _bytes(file: Path) -> bytes:
    """At most one byte more than an inventory may have, so that a film dropped by mistake is not read whole."""
    with file.open("rb") as opened:
        return opened.read(spreadsheet.LARGEST_BYTES + 1)


def as_json(found: inventory.DryRun, tongue: Language) -> dict[str, Any]:
    return {
        "ok": True,
        "encoding": found.encoding,
        "separator": found.separator,
        "totals": msgspec.to_builtins(found.totals),
        "problems": [
            {
                "sheet": problem.sheet,
                "row": problem.row,
                "column": problem.column,
                "value": problem.value,
                "severity": problem.severity,
                "code": problem.code,
                "reason": problem.reason(tongue),
                "repair": problem.repair(tongue),
            }
            for problem in found.problems
        ],
        "lots": [_whole(lot) for lot in found.lots],
    }


def _whole(word: Any) -> Any:
    """A struct with every field, those at their default too: readers of this JSON know no defaults."""
    if isinstance(word, msgspec.Struct):
        return {name: _whole(getattr(word, name)) for name in word.__struct_fields__}
    return word


def _print(found: inventory.DryRun, tongue: Language, say: Callable[..., str]) -> None:
    for problem in found.problems:
        where = say("settings" if problem.sheet == "show" else "row", row=problem.row)
        column = f", {problem.column}" if problem.column else ""
        print(f"{where}{column} · {say(problem.severity)} · {problem.reason(tongue)} → {problem.repair(tongue)}")
    totals = found.totals
    print(say("totals", **msgspec.to_builtins(totals)))
    print(say("hours", hours=totals.show_ms // 3_600_000, minutes=totals.show_ms // 60_000 % 60))


def _fail(as_json: bool, code: str, sentence: str) -> int:
    if as_json:
        print(json.dumps({"ok": False, "code": code, "error": sentence}, ensure_ascii=False))
    else:
        print(sentence, file=sys.stderr)
    return 1


def _import(found: inventory.DryRun, say: Callable[..., str]) -> str:
    """Says ImportLots to the platform of this home; the trouble in words, or "" when it is done."""
    import uuid

    import httpx

    try:
        platform = codec.decode_runtime((places.runtime() / "platform.json").read_bytes())
    except (OSError, codec.Unreadable):
        return say("no_platform")
    body = codec.encode(ImportLots(lots=found.lots))
    headers = {
        "Authorization": f"Bearer {platform.secret}",
        "Content-Type": "application/json",
        routes.IDEMPOTENCY_KEY: f"import-{uuid.uuid4().hex}",
    }
    try:
        answer = httpx.post(
            platform.url + routes.at(routes.COMMANDS, platform.show_id), content=body, headers=headers, timeout=30.0
        )
    except httpx.HTTPError as error:
        return say("unreachable", error=str(error) or type(error).__name__)
    if answer.status_code != 200:
        try:
            detail = str(answer.json()["detail"])
        except (ValueError, KeyError, TypeError):
            detail = f"HTTP {answer.status_code}"
        return say("refused", error=detail)
    return ""
