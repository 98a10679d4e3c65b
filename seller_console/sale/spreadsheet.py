"""The bytes of a CSV from anywhere, made into numbered rows: encoding, separator, broken quotes.

Promises: rows are numbered as a spreadsheet shows them (the header is row 1, a line
break inside quotes does not count); a broken row costs that row, never those after
it. Raises Unusable, and nothing else, when there is no table to be had.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from itertools import islice
from typing import Any

import msgspec

LARGEST_BYTES = 8 * 1024 * 1024
MOST_ROWS = 20_000
MOST_BROKEN = 50
MOST_CONTROLS = 8
SEPARATORS = ",;\t|"

FOREIGN: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "PDF"),
    (b"PK\x03\x04", "XLSX"),
    (b"\xd0\xcf\x11\xe0", "XLS"),
    (b"\x89PNG", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF8", "GIF"),
    (b"RIFF", "RIFF"),
    (b"<!DOCTYPE", "HTML"),
    (b"<html", "HTML"),
    (b"<?xml", "XML"),
    (b"{", "JSON"),
    (b"[", "JSON"),
)
"""First bytes of what people drop here by mistake, and its name."""

BLANK_BYTES = b" \t\r\n\x00\xef\xbb\xbf\xff\xfe"


class Unusable(ValueError):
    """The whole file cannot be read. `code` is stable, `facts` fill the sentence (inventory_words)."""

    def __init__(self, code: str, **facts: Any) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts


class Row(msgspec.Struct, frozen=True):
    number: int
    cells: tuple[str, ...]


class Broken(msgspec.Struct, frozen=True):
    """A row that could not be read: its number, its beginning, and why (a code)."""

    number: int
    text: str
    code: str


class Sheet(msgspec.Struct, frozen=True):
    header: tuple[str, ...]
    rows: tuple[Row, ...]
    broken: tuple[Broken, ...]
    encoding: str
    separator: str
    damaged: int = 0
    """Characters that could not be read and became U+FFFD."""


def read(raw: bytes, known: Callable[[str], bool]) -> Sheet:
    """`known(header cell)` says whether a column is one of ours: that is how the separator is found."""
    if len(raw) > LARGEST_BYTES:
        raise Unusable("too_large", megabytes=-(-len(raw) // 1_000_000), most=LARGEST_BYTES // 1_000_000)
    if not raw.strip(BLANK_BYTES):
        raise Unusable("empty")
    text, encoding, damaged = _text(raw)
    # Lines end as spreadsheets end them, which str.splitlines does not know.
    lines = list(io.StringIO(text, newline=""))
    if lines and lines[0].lower().startswith("sep="):
        lines = lines[1:]
    separator = _separator(lines, known)
    return _sheet(lines, separator, encoding, damaged)


# --- bytes to text ------------------------------------------------------------------


def _text(raw: bytes) -> tuple[str, str, int]:
    """The text, the name of its encoding, and how many characters were lost."""
    if raw.startswith(b"\xef\xbb\xbf"):
        return _checked(*_utf8(raw[3:]))
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _checked(*_utf16(raw, "utf-16"))
    sample = raw[:4096]
    if sample.count(0) > len(sample) // 4:
        # ASCII in UTF-16: every other byte is zero, the second first when little-endian.
        little = sample[1::2].count(0) >= sample[0::2].count(0)
        return _checked(*_utf16(raw, "utf-16-le" if little else "utf-16-be"))
    for beginning, kind in FOREIGN:
        if raw.lstrip()[: len(beginning)].lower() == beginning.lower():
            raise Unusable("not_a_csv", kind=kind)
    if sum(1 for byte in raw[:65_536] if byte < 32 and byte not in b"\t\n\v\f\r") > MOST_CONTROLS:
        raise Unusable("not_a_csv", kind="")
    return _checked(*_utf8(raw))


def _utf8(raw: bytes) -> tuple[str, str, int]:
    """UTF-8; Windows-1252 when that fails, unless the failures are few among sound UTF-8."""
    try:
        return raw.decode("utf-8"), "utf-8", 0
    except UnicodeDecodeError:
        patched = raw.decode("utf-8", "replace")
        lost = patched.count("\ufffd")
        sound = sum(1 for character in patched if character > "\x7f") - lost
        if sound > lost:
            return patched, "utf-8", lost
    try:
        return raw.decode("cp1252"), "windows-1252", 0
    except UnicodeDecodeError as error:
        raise Unusable("unknown_encoding", row=raw.count(b"\n", 0, error.start) + 1) from error


def _utf16(raw: bytes, encoding: str) -> tuple[str, str, int]:
    text = raw.decode(encoding, "replace")
    return text.removeprefix("\ufeff"), "utf-16", text.count("\ufffd")


def _checked(text: str, encoding: str, lost: int) -> tuple[str, str, int]:
    """Text has no control characters but tabs and line ends; a picture or a program has many."""
    controls = sum(1 for character in text[:65_536] if character < " " and character not in "\t\n\v\f\r")
    if controls > MOST_CONTROLS or (lost > 20 and lost * 20 > len(text)):
        raise Unusable("not_a_csv", kind="")
    return text, encoding, lost


# --- text to rows --------------------------------------------------------------------


def _separator(lines: list[str], known: Callable[[str], bool]) -> str:
    """The one under which the first line holds the most of our columns."""
    first = lines[0] if lines else ""
    scores = []
    for separator in SEPARATORS:
        cells = next(csv.reader([first], delimiter=separator), [])
        scores.append((sum(1 for cell in cells if known(cell)), separator))
    best, separator = max(scores, key=lambda score: score[0])
    if best == 0:
        raise Unusable("no_known_column", found=first.strip()[:80])
    return separator


def _sheet(lines: list[str], separator: str, encoding: str, damaged: int) -> Sheet:
    header, at = _record(lines, 0, separator)
    width = len(header)
    if _ran_away(header, lines[:at], width, separator, at == len(lines)):
        raise Unusable("broken", row=1)
    rows: list[Row] = []
    broken: list[Broken] = []
    number = 1
    while at < len(lines):
        number += 1
        if number > MOST_ROWS:
            raise Unusable("too_many_rows", most=MOST_ROWS)
        cells, after = _record(lines, at, separator)
        last = after == len(lines)
        code = ""
        if _ran_away(cells, lines[at:after], width, separator, last):
            # Its quote never closes, or closes rows later: this line is given up, the next is read.
            code = "cut_short" if at == len(lines) - 1 else "open_quote"
            after = at + 1
        elif last and 0 < len(cells) < width and width > 2 and not lines[-1].endswith(("\n", "\r")):
            code = "cut_short"
        if code:
            broken.append(Broken(number, lines[at].strip()[:120], code))
            if len(broken) > MOST_BROKEN:
                raise Unusable("broken", row=broken[0].number)
        elif any(cell.strip() for cell in cells):
            rows.append(Row(number, tuple(cells)))
        at = after
    return Sheet(tuple(header), tuple(rows), tuple(broken), encoding, separator, damaged)


def _record(lines: list[str], at: int, separator: str) -> tuple[list[str], int]:
    """The record that begins on line `at`, and the line after it. A cell too long to be one runs to the end."""
    reader = csv.reader(islice(lines, at, None) if '"' in lines[at] else [lines[at]], delimiter=separator)
    try:
        cells = next(reader, [])
    except csv.Error:
        return [], len(lines)
    return cells, at + reader.line_num


def _ran_away(cells: list[str], spanned: list[str], width: int, separator: str, last: bool) -> bool:
    """Whether the quotes of this record are wrong: left open to the end, around whole rows, or in mid-cell."""
    if not any('"' in line for line in spanned):
        return False
    fault = _quote_fault("".join(spanned), separator)
    if fault == "open" and last:
        return True
    if width < 3:
        return False
    if fault == "stray" and len(cells) != width:
        return True
    return any(line.count(separator) >= width - 1 for cell in cells for line in cell.split("\n")[1:-1])


def _quote_fault(record: str, separator: str) -> str:
    """What a strict reader says of it."""
    try:
        list(csv.reader(io.StringIO(record, newline=""), delimiter=separator, strict=True))
    except csv.Error as error:
        return "stray" if "expected after" in str(error) else "open"
    return ""
