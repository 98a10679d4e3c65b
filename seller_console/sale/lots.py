"""What a lot may be: one reading of every field, for what is typed and for what is imported.

`draft_refusal` is also what a dry run of an import asks, row by row.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ..contract.words import BACKSTAGE_FIELDS, Lot, LotBackstage, LotDraft, LotFormat, Refusal
from .guards import MOST_CENTS, MOST_UNITS, is_bid_amount, is_price, preset_refusal
from .refusals import refuse
from .text import NOTE_LENGTH, TITLE_LENGTH, clean

MOST_PICTURES = 20
PICTURE_LENGTH = 500
_SHORT = frozenset({"category", "subcategory", "condition", "hazmat", "shipping", "sku", "place"})
_LONG = frozenset({"description", "host_note", "producer_note"})
SHORT_LENGTH = 120
PUBLIC_FIELDS = tuple(name for name in LotDraft.__struct_fields__ if name != "backstage")


def cleaned_field(name: str, value: Any, format: LotFormat) -> Any | Refusal:
    """`value` of the lot's field `name`, made fit to keep; or the Refusal, which names the field."""
    if name == "title":
        title = clean(value)
        return title if 1 <= len(title) <= TITLE_LENGTH else refuse("bad_title", field=name)
    if name in _SHORT or name in _LONG:
        text = clean(value, lines=name in _LONG)
        most = NOTE_LENGTH if name in _LONG else SHORT_LENGTH
        return text if len(text) <= most else refuse("too_long", field=name, length=most)
    if name == "opening_cents":
        if format == "auction":
            return value if is_bid_amount(value) else refuse("bad_amount", field=name)
        if format == "buy_it_now":
            return value if is_price(value) else refuse("bad_price", field=name)
        return value if 0 <= value <= MOST_CENTS else refuse("bad_price", field=name)
    if name == "reserve_cents":
        return value if value == 0 or is_bid_amount(value) else refuse("bad_amount", field=name)
    if name == "cost_cents":
        return value if 0 <= value <= MOST_CENTS else refuse("bad_price", field=name)
    if name == "quantity":
        return value if 1 <= value <= MOST_UNITS else refuse("bad_quantity", field=name)
    if name == "pictures":
        if len(value) > MOST_PICTURES:
            return refuse("too_many", field=name, most=MOST_PICTURES)
        if any(not path or len(path) > PICTURE_LENGTH or clean(path) != path for path in value):
            return refuse("bad_picture", field=name)
        return value
    if name == "preset" and value is not None:
        bad = preset_refusal(value)
        return value if bad is None else msgspec.structs.replace(bad, facts={**bad.facts, "field": name})
    return value


def cleaned_draft(draft: LotDraft) -> LotDraft | Refusal:
    """The draft as it will be kept, or the first thing wrong with it (facts: {"field": …})."""
    changed: dict[str, Any] = {}
    for name in PUBLIC_FIELDS:
        value = cleaned_field(name, getattr(draft, name), draft.format)
        if isinstance(value, Refusal):
            return value
        changed[name] = value
    kept: dict[str, Any] = {}
    for name in BACKSTAGE_FIELDS:
        value = cleaned_field(name, getattr(draft.backstage, name), draft.format)
        if isinstance(value, Refusal):
            return value
        kept[name] = value
    return LotDraft(**changed, backstage=LotBackstage(**kept))


def draft_refusal(draft: LotDraft) -> Refusal | None:
    """Why a lot cannot be added; None if it can."""
    cleaned = cleaned_draft(draft)
    return cleaned if isinstance(cleaned, Refusal) else None


def lot_from(draft: LotDraft, lot_id: str, number: int) -> Lot:
    fields = {name: getattr(draft, name) for name in PUBLIC_FIELDS}
    return Lot(lot_id=lot_id, number=number, has_reserve=draft.backstage.reserve_cents > 0, **fields)
