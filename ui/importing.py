"""An inventory file as the window shows it before anything is written.

The reading itself is `sale.inventory`; here only the file, the side table that
lies beside it, its pictures on this disk, and the sentences.
"""

from __future__ import annotations

from pathlib import Path

from seller_console.sale import inventory, inventory_words

from .values import ImportDryRun, ImportProblem
from .words import language, t

MOST_BYTES = 32 * 1024 * 1024


def dry_run(path: Path) -> ImportDryRun:
    """Never raises for what a file can do wrong: `state` is then "unreadable" and `error` a sentence."""
    try:
        if path.stat().st_size > MOST_BYTES:
            return _unreadable(path, t("import.too_large"))
        raw = path.read_bytes()
        beside = path.with_name(f"{path.stem}.show.csv")
        side = beside.read_bytes() if beside != path and beside.is_file() else None
    except OSError as error:
        return _unreadable(path, t("import.cannot_open", reason=error.strerror or str(error)))
    speaking = language()
    try:
        found = inventory.read(raw, side, have_picture=lambda picture: (path.parent / picture).is_file())
    except inventory.Unusable as error:
        return _unreadable(path, inventory_words.unusable(error.code, speaking, error.facts))
    problems = tuple(
        ImportProblem(
            row=problem.row,
            column=problem.column,
            value=problem.value,
            reason=inventory_words.reason(problem.code, speaking, problem.value, problem.facts),
            repair=inventory_words.repair(problem.code, speaking, problem.value, problem.facts),
            severity="noticed" if problem.severity == "noted" else problem.severity,
            side_table=problem.sheet == "show",
        )
        for problem in found.problems
    )
    return ImportDryRun(
        state="ready",
        path=str(path),
        rows=found.totals.rows,
        lots=found.lots,
        units=found.totals.units,
        problems=problems,
        left_out=found.totals.left_out,
    )


def _unreadable(path: Path, sentence: str) -> ImportDryRun:
    return ImportDryRun(state="unreadable", path=str(path), error=sentence)
