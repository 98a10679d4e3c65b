"""How an edit, and what became of it, is said in words: which lot, which field, whose value."""

from __future__ import annotations

from typing import Any

import msgspec

from seller_console.contract import commands as c
from seller_console.contract.words import LotChanges, LotId, PersonId, Preset, Refusal
from seller_console.sale.queue import current_value
from seller_console.sale.state import ShowState

from . import words
from .permissions import words_of
from .words import t

LONGEST = 60


def set_fields(changes: LotChanges) -> list[str]:
    """Names of the fields an edit sets."""
    return [name for name in LotChanges.__struct_fields__ if getattr(changes, name) is not msgspec.UNSET]


def lot_words(state: ShowState, lot_id: LotId) -> str:
    known = state.lots.get(lot_id)
    return t("editor.lot", number=known.lot.number) if known is not None else t("edits.a_lot")


def what(state: ShowState, command: c.Command) -> str:
    """ "Lot 152 · titre", "Lot 153 · déplacé", "Note : …"."""
    match command:
        case c.EditLot():
            names = ", ".join(t(f"field.{name}") for name in set_fields(command.changes))
            return f"{lot_words(state, command.lot_id)} · {names}"
        case c.AddLot():
            return t("edits.added", title=short(command.lot.title))
        case c.ImportLots():
            return t("edits.imported", count=words.whole(len(command.lots)))
        case c.Whisper():
            return t("edits.whisper", text=short(command.text))
        case c.SetRunOfShow():
            return t("edits.run_of_show")
    kinds = {
        c.MoveLot: "edits.moved",
        c.SkipLot: "edits.moved",
        c.RemoveLot: "edits.removed",
        c.RestoreLot: "edits.restored",
        c.ReRunLot: "edits.re_run",
    }
    done = t(kinds.get(type(command), "edits.changed"))
    lot_id = getattr(command, "lot_id", "")
    return f"{lot_words(state, lot_id)} · {done}" if lot_id else done


def value_words(state: ShowState, name: str, value: Any) -> str:
    """A field's value as a person would write it."""
    if name.endswith("_cents") and isinstance(value, int):
        return words.money(value, state.currency)
    if name == "preset" and (value is None or isinstance(value, Preset)):
        if value is None:
            return t("edits.show_preset")
        return f"{words.seconds(value.duration_ms)} + {words.seconds(value.counter_bid_ms)}"
    if isinstance(value, bool):
        return t("edits.yes" if value else "edits.no")
    if isinstance(value, int):
        return words.whole(value)
    if isinstance(value, (tuple, list)):
        return words.whole(len(value))
    if name == "format" and value:
        return t(f"format.{value}")
    return short(str(value)) if value else t("edits.empty")


def theirs(state: ShowState, lot_id: LotId, name: str) -> tuple[str, str]:
    """(value, who) of a field as it stands."""
    known = state.lots.get(lot_id)
    if known is None:
        return "", ""
    return value_words(state, name, current_value(known, name)), person(state, known.field_by.get(name, ""))


def person(state: ShowState, who: PersonId) -> str:
    found = state.people.get(who)
    if found is not None and found.nickname:
        return found.nickname
    return t("backstage.seller") if who and who == state.owner else ""


def refusal_words(state: ShowState, refusal: Refusal) -> str:
    """With the other's value, when that is why."""
    name, by = refusal.facts.get("field"), refusal.facts.get("by", "")
    if refusal.code != "stale" or not isinstance(name, str) or name not in LotChanges.__struct_fields__:
        return words_of(refusal)
    value = value_words(state, name, refusal.facts.get("value"))
    return t("edits.stale", field=t(f"field.{name}"), name=person(state, by) or t("backstage.someone"), value=value)


def short(said: str) -> str:
    return said if len(said) <= LONGEST else said[: LONGEST - 1].rstrip() + "…"
