"""Changes of the run of show, one line at a time, so that two people's changes of different lines both stand.

`apply_to(notes, change)` gives the new list, or None when the line it was about is no
longer there (somebody changed or removed it). Pure; the platform refuses a whole list
made from an old version, and then the change is made again on the fresh one.
"""

from __future__ import annotations

from dataclasses import dataclass

from seller_console.contract.words import RunOfShowNote

Notes = tuple[RunOfShowNote, ...]
DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class NoteChange:
    """old None: a new line. new None: removed. Both: rewritten. `step`: moved up (-1) or down (1)."""

    old: RunOfShowNote | None = None
    new: RunOfShowNote | None = None
    step: int = 0


def apply_to(notes: Notes, change: NoteChange) -> Notes | None:
    lines = list(notes)
    if change.old is None:
        return _added(notes, change.new) if change.new is not None else notes
    if change.old not in lines:
        return None
    here = lines.index(change.old)
    if change.step:
        there = min(len(lines) - 1, max(0, here + change.step))
        lines.insert(there, lines.pop(here))
    elif change.new is None:
        del lines[here]
    else:
        lines[here] = change.new
    return tuple(lines)


def _added(notes: Notes, new: RunOfShowNote) -> Notes:
    """Before the first line of a later hour; a line without an hour goes last. A show runs past midnight."""
    place = len(notes)
    if new.at:
        first = next((_minutes(note.at) for note in notes if note.at), 0)
        mine = _evening(new.at, first)
        place = next((i for i, note in enumerate(notes) if note.at and _evening(note.at, first) > mine), place)
    return (*notes[:place], new, *notes[place:])


def _minutes(at: str) -> int:
    hour, _, minute = at.partition(":")
    return int(hour) * 60 + int(minute) if hour.isdigit() and minute.isdigit() else 0


def _evening(at: str, first: int) -> int:
    """Minutes, those long before the first line of the evening being of the next day."""
    minutes = _minutes(at)
    return minutes + DAY if minutes < first - DAY // 4 else minutes


def clock_of(typed: str) -> str | None:
    """ "21:15", "21h15", "2115", "9" -> "21:15", "09:00"; "" is "" (no hour), None: not an hour."""
    plain = typed.strip().lower().replace("h", ":").rstrip(":")
    if not plain:
        return ""
    hours, colon, minutes = plain.partition(":")
    if not colon and plain.isdigit() and len(plain) in (3, 4):
        hours, minutes = plain[:-2], plain[-2:]
    if not (hours.isascii() and hours.isdigit() and (not minutes or (minutes.isascii() and minutes.isdigit()))):
        return None
    hour, minute = int(hours), int(minutes or 0)
    return f"{hour:02d}:{minute:02d}" if hour < 24 and minute < 60 else None


def line_words(note: RunOfShowNote) -> str:
    return f"{note.at} {note.text}".strip()
