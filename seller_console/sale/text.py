"""Texts typed by people, made safe to show: NFC, no control, no invisible direction marks.

Refuses nothing: it cleans. Who calls decides what an empty or a long text means.
"""

from __future__ import annotations

import unicodedata

CHAT_LENGTH = 300
TITLE_LENGTH = 80
NICKNAME_LENGTH = 30
REASON_LENGTH = 200
NOTE_LENGTH = 2_000

_DROPPED = frozenset(
    "\u00ad\u061c\u200b\u200e\u200f\u2028\u2029\u2060\u2066\u2067\u2068\u2069\u202a\u202b\u202c\u202d\u202e\ufeff"
)
"""Bidirectional marks and overrides, and characters nobody can see. The joiner of emoji (U+200D) stays."""


def clean(text: str, *, lines: bool = False) -> str:
    """`text` in NFC, trimmed, runs of blanks made one space; with `lines`, line breaks are kept."""
    kept: list[str] = []
    for character in unicodedata.normalize("NFC", text):
        if character == "\n" and lines:
            kept.append("\n")
        elif character in "\t\n\r\v\f":
            kept.append(" ")
        elif character in _DROPPED or unicodedata.category(character) in ("Cc", "Cs"):
            continue
        else:
            kept.append(character)
    whole = "".join(kept)
    if lines:
        return "\n".join(" ".join(line.split(" ")).rstrip() for line in whole.split("\n")).strip()
    return " ".join(part for part in whole.split(" ") if part)


def folded(text: str) -> str:
    """`text` as muted words are compared: no case, no accents, words parted by single spaces."""
    bare = (c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return " ".join("".join(c if c.isalnum() else " " for c in bare).split())


def heard(nickname: str) -> str:
    """Two nicknames that would be taken for one another are the same here (Zoé, zoe)."""
    return folded(nickname) or nickname


def contains_any(text: str, words: tuple[str, ...]) -> bool:
    """True if one of the muted `words` (or phrases) stands in `text` as a whole word."""
    padded = f" {folded(text)} "
    return any(f" {bare} " in padded for bare in map(folded, words) if bare)
