"""Texts typed by people, made safe to show: NFC, no control, nothing invisible but what holds an emoji together.

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
    chr(code)
    for first, last in (
        (0x00AD, 0x00AD), (0x034F, 0x034F), (0x061C, 0x061C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F),
        (0x200B, 0x200F), (0x2028, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF),
        (0xFFA0, 0xFFA0), (0xFFF0, 0xFFFB), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
    )
    for code in range(first, last + 1)
)  # fmt: skip
"""Characters nobody can see: Default_Ignorable_Code_Point of Unicode 16 (DerivedCoreProperties.txt), which
has the bidirectional marks and overrides, and the separators of lines and annotations."""
_JOINER, _EMOJI_STYLE, _KEYCAP = "\u200d", "\ufe0f", "\u20e3"
_PICTURES = frozenset("\u203c\u2049\u2139\u2194\u25fd\u25fe\u3030")
"""Emoji that Unicode does not count among the other symbols (So)."""


def _is_picture(character: str) -> bool:
    return unicodedata.category(character) == "So" or character in _PICTURES


def _holds_an_emoji(character: str, before: str, after: str) -> bool:
    """True for a joiner between two pictures, and for the emoji style after one or inside a keycap."""
    if character == _JOINER:
        joined = _is_picture(before) or before == _EMOJI_STYLE or "\U0001f3fb" <= before <= "\U0001f3ff"
        return joined and _is_picture(after)
    if character == _EMOJI_STYLE:
        return _is_picture(before) or (before in "0123456789#*" and after == _KEYCAP)
    return False


def clean(text: str, *, lines: bool = False) -> str:
    """`text` in NFC, trimmed, runs of blanks made one space; with `lines`, line breaks are kept."""
    kept: list[str] = []
    whole = unicodedata.normalize("NFC", text)
    for index, character in enumerate(whole):
        if character == "\n" and lines:
            kept.append("\n")
        elif character in "\t\n\r\v\f":
            kept.append(" ")
        elif character in _DROPPED or unicodedata.category(character) in ("Cc", "Cs"):
            before, after = kept[-1] if kept else "\n", whole[index + 1 : index + 2] or "\n"
            if _holds_an_emoji(character, before, after):
                kept.append(character)
        else:
            kept.append(character)
    whole = "".join(kept)
    if lines:
        return "\n".join(" ".join(line.split(" ")).rstrip() for line in whole.split("\n")).strip()
    return " ".join(part for part in whole.split(" ") if part)


def folded(text: str) -> str:
    """`text` as muted words and nicknames are compared: no case, no accents, nothing invisible, letters
    of another face made plain, words parted by single spaces."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return " ".join("".join(_heard(character) for character in plain if character not in _DROPPED).split())


def _heard(character: str) -> str:
    """A letter or figure as it is, a mark on one as nothing (a vowel sign as it is), the rest as a space."""
    if character.isalnum():
        return character
    category = unicodedata.category(character)
    if category == "Me" or unicodedata.combining(character):
        return ""
    return character if category in ("Mn", "Mc") else " "


def heard(nickname: str) -> str:
    """Two nicknames that would be taken for one another are the same here (Zoé, zoe)."""
    return folded(nickname) or nickname


def contains_any(text: str, words: tuple[str, ...]) -> bool:
    """True if one of the muted `words` (or phrases) stands in `text` as a whole word."""
    padded = f" {folded(text)} "
    return any(f" {bare} " in padded for bare in map(folded, words) if bare)
