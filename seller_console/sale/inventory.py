"""An inventory file read dry: what would be imported, what repaired, what left out, and why.

`read(csv, show_csv)` takes bytes and gives a value; nothing is written. It accepts the
bulk-listing CSV of 21 columns (headers fr, en, en-GB, de) and the six columns of another
marketplace, in any order; the optional side table (NAME.show.csv) is keyed by SKU.
Promises: every row of the file is either a lot or named in `problems`; raises
Unusable, and nothing else, when the file cannot be read at all.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Any, Literal

import msgspec

from ..contract.words import UNIT_CENTS, LotBackstage, LotDraft, LotFormat, Preset
from . import inventory_words, spreadsheet
from .spellings import COLUMNS, FORMATS, HARMLESS, NO, SHOW_COLUMNS, YES, cents_of
from .spreadsheet import Row, Sheet, Unusable
from .text import NOTE_LENGTH, TITLE_LENGTH, clean, folded

__all__ = ["DryRun", "Problem", "Unusable", "read"]

MOST_UNITS = 10_000
MOST_CENTS = 100_000_000
SECONDS = range(5, 3_601)

Which = Literal["inventory", "show"]
Severity = Literal["repaired", "left_out", "noted"]


class Problem(msgspec.Struct, frozen=True):
    """One thing to know about one cell. `code` is stable; the sentences come from the catalogue."""

    code: str
    row: int
    column: str
    """As the file's own header spells it; "" = the whole row."""
    value: str
    severity: Severity
    facts: dict[str, Any] = {}
    sheet: Which = "inventory"

    def reason(self, language: str = "fr") -> str:
        return inventory_words.reason(self.code, language, self.value, self.facts)

    def repair(self, language: str = "fr") -> str:
        """What the import does about it; for a row left out, what a person can do."""
        return inventory_words.repair(self.code, language, self.value, self.facts)


class Totals(msgspec.Struct, frozen=True):
    rows: int
    """Rows of the file that hold anything, the header not counted."""
    lots: int
    units: int
    auctions: int
    buy_it_nows: int
    giveaways: int
    left_out: int
    """Rows left out."""
    repaired: int
    """Problems repaired."""
    noted: int
    cost_cents: int
    """Of all units."""
    reserves: int
    show_ms: int
    """All units run once at their own duration (30 s where none is given)."""


class DryRun(msgspec.Struct, frozen=True):
    lots: tuple[LotDraft, ...]
    """In show order."""
    problems: tuple[Problem, ...]
    totals: Totals
    encoding: str
    separator: str


def read(inventory: bytes, show: bytes | None = None, *, have_picture: Callable[[str], bool] | None = None) -> DryRun:
    """`show` is the side table. `have_picture(path)` says whether a relative picture is there (None: not looked at)."""
    sheet = spreadsheet.read(inventory, lambda cell: folded(cell) in COLUMNS)
    reading = _Reading(sheet, COLUMNS, "inventory")
    names = set(reading.places)
    if "title" not in names:
        raise Unusable("missing_column", column="Titre", found=", ".join(sheet.header)[:200])
    if not names & {"price", "instant_price"}:
        raise Unusable("missing_column", column="Prix", found=", ".join(sheet.header)[:200])
    side = _side_table(show) if show is not None else None

    drafts: list[tuple[float, int, LotDraft]] = []
    first_row_of: dict[str, int] = {}
    used: set[str] = set()
    order = 0.0
    for row in sheet.rows:
        cells = reading.cells(row)
        draft = _lot(cells, have_picture)
        if draft is None:
            used.add(cells.text("sku"))
            continue
        sku = draft.backstage.sku
        again = first_row_of.get(sku) if sku else None
        if again is not None:
            fresh = next(f"{sku}-{n}" for n in range(2, MOST_UNITS) if f"{sku}-{n}" not in first_row_of)
            cells.say("sku_twice", "sku", first=again, fresh=fresh)
            draft = _backed(draft, sku=fresh)
            sku = fresh
        if sku:
            first_row_of[sku] = row.number
        if side is not None and sku in side.settings and again is None:
            draft, given = _with_settings(draft, side.settings[sku])
            order = order if given is None else given
        # A lot without an order of its own follows the lot above it in the file.
        drafts.append((order, row.number, draft))
    if not drafts and not reading.problems:
        raise Unusable("no_rows")

    problems = reading.problems
    if side is not None:
        for cells in side.settings.values():
            if cells.text("sku") not in first_row_of and cells.text("sku") not in used:
                cells.say("unknown_sku", "sku")
        problems = problems + side.reading.problems
    problems.sort(key=lambda problem: (problem.sheet != "inventory", problem.row))
    lots = tuple(draft for _, _, draft in sorted(drafts, key=lambda entry: entry[:2]))
    return DryRun(lots, tuple(problems), _totals(lots, problems, sheet), sheet.encoding, sheet.separator)


def _totals(lots: tuple[LotDraft, ...], problems: list[Problem], sheet: Sheet) -> Totals:
    formats = Counter(lot.format for lot in lots)
    severities = Counter(problem.severity for problem in problems)
    return Totals(
        rows=len(sheet.rows) + len(sheet.broken),
        lots=len(lots),
        units=sum(lot.quantity for lot in lots),
        auctions=formats["auction"],
        buy_it_nows=formats["buy_it_now"],
        giveaways=formats["giveaway"],
        left_out=len(sheet.rows) + len(sheet.broken) - len(lots),
        repaired=severities["repaired"],
        noted=severities["noted"],
        cost_cents=sum(lot.backstage.cost_cents * lot.quantity for lot in lots),
        reserves=sum(1 for lot in lots if lot.backstage.reserve_cents),
        show_ms=sum((lot.preset or Preset()).duration_ms * lot.quantity for lot in lots if lot.format == "auction"),
    )


# --- a sheet, and one row of it ------------------------------------------------------


class _Reading:
    """A sheet with its columns found, and the problems met in it so far."""

    def __init__(self, sheet: Sheet, columns: dict[str, str], which: Which) -> None:
        self.sheet = sheet
        self.which: Which = which
        self.problems: list[Problem] = []
        self.places: dict[str, int] = {}
        for place, header in enumerate(sheet.header):
            name = columns.get(folded(header))
            if name is not None and name not in self.places:
                self.places[name] = place
            elif header.strip():
                code = "column_twice" if name else "unknown_column"
                self.problems.append(Problem(code, 1, header, header[:120], "noted", sheet=which))
        for broken in sheet.broken:
            self.problems.append(Problem(broken.code, broken.number, "", broken.text, "left_out", sheet=which))
        if sheet.damaged:
            facts = {"count": sheet.damaged}
            self.problems.append(Problem("damaged", 1, "", "", "noted", facts, which))

    def cells(self, row: Row) -> _Cells:
        return _Cells(self, row)


class _Cells:
    """One row: its cells by name, and a way to say what is wrong with one of them."""

    def __init__(self, reading: _Reading, row: Row) -> None:
        self._reading = reading
        self.row = row

    def raw(self, name: str) -> str:
        place = self._reading.places.get(name)
        return self.row.cells[place] if place is not None and place < len(self.row.cells) else ""

    def text(self, name: str, *, lines: bool = False) -> str:
        """Clean of what cannot be seen, and of UTF-8 that was once read as Windows-1252 ("Ã©")."""
        raw = self.raw(name)
        if "Ã" in raw or "â€" in raw or "Â" in raw:
            try:
                raw = raw.encode("cp1252").decode("utf-8")
            except (UnicodeEncodeError, UnicodeDecodeError):
                return clean(raw, lines=lines)
        return clean(raw, lines=lines)

    def has(self, name: str) -> bool:
        return name in self._reading.places

    def excess(self) -> list[str]:
        return [cell for cell in self.row.cells[len(self._reading.sheet.header) :] if cell.strip()]

    def say(self, code: str, name: str, **facts: Any) -> None:
        place = self._reading.places.get(name)
        column = self._reading.sheet.header[place].strip() if place is not None else ""
        severity = inventory_words.SEVERITY[code]
        value = clean(self.raw(name))[:120]
        self._reading.problems.append(
            Problem(code, self.row.number, column, value, severity, facts, self._reading.which)
        )


# --- a row of the inventory -------------------------------------------------------------


def _lot(cells: _Cells, have_picture: Callable[[str], bool] | None) -> LotDraft | None:
    """The lot of this row; None (and a problem said) when it must be left out."""
    if cells.excess():
        cells.say("too_many_cells", "", count=len(cells.excess()))
        return None
    full = cells.text("title")
    if not full:
        cells.say("no_title", "title")
        return None
    description = cells.text("description", lines=True)
    title = full
    if len(full) > TITLE_LENGTH:
        title = _cut(full)
        cells.say("long_title", "title", length=len(full), most=TITLE_LENGTH, title=title)
        if full not in description:
            description = f"{full}\n{description}".strip()
    lot_format = _format(cells)
    if lot_format is None:
        return None
    price = _price(cells, lot_format)
    quantity = _quantity(cells)
    if price is None or quantity is None:
        return None
    hazmat = cells.text("hazmat")
    if folded(hazmat) in HARMLESS:
        hazmat = ""
    else:
        cells.say("hazmat", "hazmat")
    return LotDraft(
        title=title,
        format=lot_format,
        opening_cents=price,
        quantity=quantity,
        description=description[: 2 * NOTE_LENGTH],
        category=cells.text("category"),
        subcategory=cells.text("subcategory"),
        condition=cells.text("condition"),
        pictures=_pictures(cells, have_picture),
        offers_accepted=_yes(cells, "offers"),
        hazmat=hazmat,
        shipping=cells.text("shipping"),
        backstage=LotBackstage(cost_cents=_cost(cells), sku=cells.text("sku")),
    )


def _cut(title: str) -> str:
    """At most TITLE_LENGTH characters, cut between words, the cut shown."""
    kept = title[: TITLE_LENGTH - 1]
    if title[TITLE_LENGTH - 1] != " " and " " in kept[TITLE_LENGTH // 2 :]:
        kept = kept[: kept.rindex(" ")]
    return kept.rstrip(" ,;:—–-(") + "…"


def _format(cells: _Cells) -> LotFormat | None:
    said = folded(cells.text("format"))
    if said:
        known = FORMATS.get(said)
        if known is None:
            cells.say("unknown_format", "format")
        return known
    if cells.has("format"):
        cells.say("no_format", "format")
    only_instant = not cells.text("price") and cells.text("instant_price")
    return "buy_it_now" if only_instant else "auction"


def _price(cells: _Cells, lot_format: LotFormat) -> int | None:
    name = "price" if cells.text("price") or not cells.text("instant_price") else "instant_price"
    said = cells.text(name)
    if name == "price" and cells.text("instant_price"):
        cells.say("instant_ignored", "instant_price")
    cents = cents_of(said)
    if lot_format == "giveaway":
        return cents if cents is not None and 0 < cents <= MOST_CENTS else UNIT_CENTS
    if cents is None or cents < 0 or cents > MOST_CENTS:
        if not said and lot_format == "auction":
            cells.say("no_price", name)
            return UNIT_CENTS
        cells.say("bad_price", name)
        return None
    if lot_format == "buy_it_now":
        if cents == 0:
            cells.say("free_price", name)
            return None
        return cents
    if cents == 0:
        cells.say("zero_price", name)
        return UNIT_CENTS
    whole = -(-cents // UNIT_CENTS) * UNIT_CENTS
    if whole != cents:
        cells.say("odd_price", name, units=whole // UNIT_CENTS)
    elif not said.isdecimal():
        cells.say("spelled_price", name, units=whole // UNIT_CENTS)
    return whole


def _quantity(cells: _Cells) -> int | None:
    said = cells.text("quantity")
    if not said:
        if cells.has("quantity"):
            cells.say("no_quantity", "quantity")
        return 1
    hundredths = cents_of(said)
    if hundredths is None:
        cells.say("bad_quantity", "quantity")
        return 1
    units, rest = divmod(hundredths, 100)
    if units < 1 or rest or units > MOST_UNITS:
        cells.say("impossible_quantity", "quantity", most=MOST_UNITS)
        return None
    if not said.isdecimal():
        cells.say("spelled_quantity", "quantity", units=units)
    return units


def _cost(cells: _Cells) -> int:
    said = cells.text("cost")
    if not said:
        return 0
    cents = cents_of(said)
    if cents is None or cents < 0 or cents > MOST_CENTS:
        cells.say("bad_cost", "cost")
        return 0
    return cents


def _yes(cells: _Cells, name: str) -> bool:
    said = folded(cells.text(name))
    if said in YES:
        return True
    if said not in NO:
        cells.say("bad_yes_no", name)
    return False


def _pictures(cells: _Cells, have_picture: Callable[[str], bool] | None) -> tuple[str, ...]:
    found = [(f"picture_{n}", cells.text(f"picture_{n}")) for n in range(1, 9)]
    found += [
        ("pictures", part) for part in re.split(r"[\s|;]+|,(?=\s*https?:|\S+\.\w{3,4}\b)", cells.text("pictures"))
    ]
    kept: list[str] = []
    missing: list[tuple[str, str]] = []
    for name, path in found:
        if not path:
            continue
        if re.match(r"https?://", path, re.IGNORECASE):
            kept.append(path)
            continue
        path = path.replace("\\", "/")
        if path.startswith("/") or ":" in path or ".." in path.split("/"):
            cells.say("picture_outside", name)
            continue
        kept.append(path)
        if have_picture is not None and not have_picture(path):
            missing.append((name, path))
    if missing:
        cells.say("picture_missing", missing[0][0], count=len(missing), first=missing[0][1])
    return tuple(dict.fromkeys(kept))


# --- the side table -----------------------------------------------------------------------


class _SideTable(msgspec.Struct):
    reading: Any
    settings: dict[str, Any]


def _side_table(raw: bytes) -> _SideTable:
    sheet = spreadsheet.read(raw, lambda cell: folded(cell) in SHOW_COLUMNS)
    reading = _Reading(sheet, SHOW_COLUMNS, "show")
    if "sku" not in reading.places:
        raise Unusable("missing_column_show", column="SKU", found=", ".join(sheet.header)[:200])
    settings: dict[str, _Cells] = {}
    for row in sheet.rows:
        cells = reading.cells(row)
        sku = cells.text("sku")
        if not sku:
            cells.say("no_sku", "sku")
        elif sku in settings:
            cells.say("show_sku_twice", "sku", first=settings[sku].row.number)
        else:
            settings[sku] = cells
    return _SideTable(reading, settings)


def _with_settings(draft: LotDraft, cells: _Cells) -> tuple[LotDraft, float | None]:
    """The lot with what the side table says of it, and its order in the show."""
    duration, counter_bid = _seconds(cells, "duration"), _seconds(cells, "counter_bid", zero=True)
    sudden_death = _yes(cells, "sudden_death")
    preset = None
    if duration is not None or counter_bid is not None or sudden_death:
        usual = Preset()
        preset = Preset(
            duration_ms=usual.duration_ms if duration is None else duration * 1_000,
            counter_bid_ms=usual.counter_bid_ms if counter_bid is None else counter_bid * 1_000,
            sudden_death=sudden_death,
        )
    if draft.format != "auction":
        preset = None
    draft = _backed(
        msgspec.structs.replace(draft, preset=preset),
        reserve_cents=_reserve(cells, draft),
        host_note=cells.text("host_note", lines=True)[:NOTE_LENGTH],
        producer_note=cells.text("producer_note", lines=True)[:NOTE_LENGTH],
        place=cells.text("place"),
    )
    said = cells.text("order")
    hundredths = cents_of(said)
    if said and hundredths is None:
        cells.say("bad_order", "order")
    return draft, None if hundredths is None else hundredths / 100


def _backed(draft: LotDraft, **changes: Any) -> LotDraft:
    return msgspec.structs.replace(draft, backstage=msgspec.structs.replace(draft.backstage, **changes))


def _seconds(cells: _Cells, name: str, *, zero: bool = False) -> int | None:
    said = cells.text(name)
    if not said:
        return None
    hundredths = cents_of(said)
    if hundredths is None or hundredths % 100 or (hundredths // 100 not in SECONDS and not (zero and hundredths == 0)):
        cells.say("bad_seconds", name, least=SECONDS[0], most=SECONDS[-1])
        return None
    return hundredths // 100


def _reserve(cells: _Cells, draft: LotDraft) -> int:
    said = cells.text("reserve")
    if not said or cents_of(said) == 0:
        return 0
    cents = cents_of(said)
    if cents is None or cents < 0 or cents > MOST_CENTS:
        cells.say("bad_reserve", "reserve")
        return 0
    if draft.format != "auction":
        cells.say("reserve_ignored", "reserve")
        return 0
    whole = -(-cents // UNIT_CENTS) * UNIT_CENTS
    if whole != cents:
        cells.say("odd_reserve", "reserve", units=whole // UNIT_CENTS)
    if whole <= draft.opening_cents:
        cells.say("low_reserve", "reserve", units=draft.opening_cents // UNIT_CENTS)
    return whole
