"""The queue: two people at once, and still a permutation of the lots.

Moves are relative ("after lot X"), so they commute or one is refused. An edit names the
version it saw: the same field changed since by another value is refused with that value,
different fields merge. The lot on the block is frozen but for its notes. Numbers are given
once and never again.
"""

from __future__ import annotations

from typing import Any

from msgspec import UNSET

from ..contract import commands as cm
from ..contract import events as ev
from ..contract.words import (
    BACKSTAGE_FIELDS,
    NOTE_FIELDS,
    LotBackstage,
    LotChanges,
    LotDraft,
    LotId,
    Refusal,
    RunOfShowNote,
    Who,
)
from .guards import lot_of, queued_lot
from .lots import cleaned_draft, cleaned_field, lot_from
from .refusals import refuse
from .state import LotState, ShowState
from .text import CHAT_LENGTH, clean

Decision = tuple[ev.Event, ...] | Refusal

MOST_LOTS_AT_ONCE = 5_000
MOST_RUN_OF_SHOW_NOTES = 200
AFTER_SALE_FIELDS = NOTE_FIELDS | {"cost_cents", "sku", "place"}
"""What may still be written down about a lot that is sold."""


def add_lot(state: ShowState, command: cm.AddLot, who: Who, at_ms: int) -> Decision:
    after = _anchor(state, command.after)
    if isinstance(after, Refusal):
        return after
    draft = cleaned_draft(command.lot)
    if isinstance(draft, Refusal):
        return draft
    return _added(draft, state.next_id, state.next_number, who, after)


def import_lots(state: ShowState, command: cm.ImportLots, who: Who, at_ms: int) -> Decision:
    """All or nothing; a refusal's facts name the lot by `index`."""
    if not command.lots:
        return refuse("empty")
    if len(command.lots) > MOST_LOTS_AT_ONCE:
        return refuse("too_many", most=MOST_LOTS_AT_ONCE)
    events: list[ev.Event] = []
    for index, raw in enumerate(command.lots):
        draft = cleaned_draft(raw)
        if isinstance(draft, Refusal):
            return Refusal(code=draft.code, sentence=draft.sentence, facts={**draft.facts, "index": index})
        events += _added(draft, state.next_id + index, state.next_number + index, who, "")
    return tuple(events)


def _added(draft: LotDraft, id_number: int, number: int, who: Who, after: LotId | None) -> tuple[ev.Event, ...]:
    lot = lot_from(draft, f"L{id_number}", number)
    added = ev.LotAdded(lot=lot, by=who.person, after=after)
    if draft.backstage == LotBackstage():
        return (added,)
    return added, ev.LotBackstageSet(lot_id=lot.lot_id, backstage=draft.backstage)


def _anchor(state: ShowState, after: LotId | None) -> LotId | Refusal | None:
    """Where "after" points now. After the lot on the block is the head of the queue."""
    if after is None or after == "" or after in state.queue:
        return after
    known = state.lots.get(after)
    if known is not None and known.status == "on_block":
        return None
    return refuse("after_gone", after=after)


def edit_lot(state: ShowState, command: cm.EditLot, who: Who, at_ms: int) -> Decision:
    known = lot_of(state, command.lot_id)
    if isinstance(known, Refusal):
        return known
    wanted = {
        name: value for name in LotChanges.__struct_fields__ if (value := getattr(command.changes, name)) is not UNSET
    }
    frozen = _frozen(known, wanted)
    if frozen is not None:
        return frozen
    format = wanted.get("format", known.lot.format)
    if "format" in wanted and "opening_cents" not in wanted:
        priced = cleaned_field("opening_cents", known.lot.opening_cents, format)
        if isinstance(priced, Refusal):
            return priced
    changed: dict[str, Any] = {}
    for name, raw in wanted.items():
        value = cleaned_field(name, raw, format)
        if isinstance(value, Refusal):
            return value
        current = current_value(known, name)
        if value == current:
            continue
        mine = known.field_by.get(name, "") == who.person
        if not mine and known.field_versions.get(name, 1) > command.seen_version:
            return refuse(
                "stale",
                field=name,
                value=current,
                by=known.field_by.get(name, ""),
                version=known.version,
            )
        changed[name] = value
    return _edited(known, changed, who) + _flash_outdone(known, changed)


def _flash_outdone(known: LotState, changed: dict[str, Any]) -> tuple[ev.Event, ...]:
    """A flash sale ends when its lot leaves the shelf, or is now as cheap without it."""
    if not known.flash_ends_at:
        return ()
    format = changed.get("format", known.lot.format)
    price = changed.get("opening_cents", known.lot.opening_cents)
    if format == "buy_it_now" and price > known.flash_price_cents:
        return ()
    return (ev.FlashEnded(lot_id=known.lot.lot_id),)


def current_value(known: LotState, name: str) -> Any:
    """A field of a lot as an editor sees it: `quantity` is the units left."""
    if name in BACKSTAGE_FIELDS:
        return getattr(known.backstage, name)
    return known.units_left if name == "quantity" else getattr(known.lot, name)


def _frozen(known: LotState, wanted: dict[str, Any]) -> Refusal | None:
    lot_id = known.lot.lot_id
    if known.status == "removed":
        return refuse("lot_removed", lot_id=lot_id)
    if known.status == "on_block" and not wanted.keys() <= NOTE_FIELDS:
        return refuse("on_block", lot_id=lot_id)
    if known.status == "sold" and not wanted.keys() <= AFTER_SALE_FIELDS:
        return refuse("lot_ended", lot_id=lot_id)
    if known.status == "passed" and "quantity" in wanted:
        return refuse("not_queued", lot_id=lot_id)
    return None


def _edited(known: LotState, changed: dict[str, Any], who: Who) -> tuple[ev.Event, ...]:
    lot_id = known.lot.lot_id
    public = {name: value for name, value in changed.items() if name not in BACKSTAGE_FIELDS}
    backstage = {name: value for name, value in changed.items() if name in BACKSTAGE_FIELDS}
    has_reserve: bool | None = None
    if "reserve_cents" in backstage and (backstage["reserve_cents"] > 0) != known.lot.has_reserve:
        has_reserve = backstage["reserve_cents"] > 0
    version = known.version
    events: list[ev.Event] = []
    if public or has_reserve is not None:
        version += 1
        events.append(
            ev.LotEdited(
                lot_id=lot_id, version=version, by=who.person, changes=LotChanges(**public), has_reserve=has_reserve
            )
        )
    if backstage:
        version += 1
        events.append(
            ev.LotBackstageEdited(lot_id=lot_id, version=version, by=who.person, changes=LotChanges(**backstage))
        )
    return tuple(events)


def move_lot(state: ShowState, command: cm.MoveLot, who: Who, at_ms: int) -> Decision:
    known = queued_lot(state, command.lot_id)
    if isinstance(known, Refusal):
        return known
    if command.after == command.lot_id:
        return refuse("after_itself")
    after = _anchor(state, command.after)
    if isinstance(after, Refusal):
        return after
    here = state.queue.index(command.lot_id)
    before = state.queue[here - 1] if here else None
    if after == before or (after == "" and here == len(state.queue) - 1):
        return ()
    return (ev.LotMoved(lot_id=command.lot_id, after=after, by=who.person),)


def remove_lot(state: ShowState, command: cm.RemoveLot, who: Who, at_ms: int) -> Decision:
    known = queued_lot(state, command.lot_id)
    if isinstance(known, Refusal):
        return known
    return (ev.LotRemoved(lot_id=command.lot_id, by=who.person),)


def restore_lot(state: ShowState, command: cm.RestoreLot, who: Who, at_ms: int) -> Decision:
    known = lot_of(state, command.lot_id)
    if isinstance(known, Refusal):
        return known
    if known.status != "removed":
        return refuse("not_removed", lot_id=command.lot_id)
    after = _anchor(state, command.after)
    if isinstance(after, Refusal):
        return after
    return (ev.LotRestored(lot_id=command.lot_id, after=after, by=who.person),)


def skip_lot(state: ShowState, command: cm.SkipLot, who: Who, at_ms: int) -> Decision:
    known = queued_lot(state, command.lot_id)
    if isinstance(known, Refusal):
        return known
    return (ev.LotSkipped(lot_id=command.lot_id, by=who.person),)


def pin_lot(state: ShowState, command: cm.PinLot, who: Who, at_ms: int) -> Decision:
    if command.lot_id == state.pinned_lot:
        return ()
    if command.lot_id is not None:
        known = lot_of(state, command.lot_id)
        if isinstance(known, Refusal):
            return known
        if known.status not in ("queued", "on_block"):
            return refuse("not_queued", lot_id=command.lot_id)
    return (ev.LotPinned(lot_id=command.lot_id, by=who.person),)


def set_run_of_show(state: ShowState, command: cm.SetRunOfShow, who: Who, at_ms: int) -> Decision:
    if command.seen_version != state.run_of_show_version:
        return refuse("stale", field="run_of_show", version=state.run_of_show_version)
    if len(command.notes) > MOST_RUN_OF_SHOW_NOTES:
        return refuse("too_many", most=MOST_RUN_OF_SHOW_NOTES)
    notes: list[RunOfShowNote] = []
    for note in command.notes:
        text, at = clean(note.text), clean(note.at)
        if len(text) > CHAT_LENGTH or len(at) > 5:
            return refuse("too_long", length=CHAT_LENGTH)
        if text or at:
            notes.append(RunOfShowNote(text=text, at=at))
    return (ev.RunOfShowSet(by=who.person, version=state.run_of_show_version + 1, notes=tuple(notes)),)
