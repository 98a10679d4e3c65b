"""What a person edits beside another: the queue, the run of show; what waits, what was refused, what is undone.

Promises: an edit keeps its order and waits as long as the line is down, shown as
waiting, also when this window is killed meanwhile (link/waiting.py); one that the
platform refused because of somebody else is kept, with the other's value, until the
person takes it up again or forgets it; fields of the same edit that nobody else
changed are applied all the same; Ctrl Z takes back only what this person did here,
the last first, also while it waits.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from PySide6.QtCore import QTimer

from seller_console.contract import commands as c
from seller_console.contract.words import Accepted, LotChanges, LotDraft, LotId, Refusal, RunOfShowNote
from seller_console.link.waiting import KeptEdit, KeptNote, WayBack
from seller_console.sale.queue import current_value
from seller_console.sale.show import decide

from . import edit_words, readings
from .desk_core import DeskCore
from .edit_words import set_fields
from .run_of_show import NoteChange, apply_to, line_words
from .values import Closing, Notice, NoticeKind
from .values_backstage import Edits, RefusedEdit, WaitingEdit
from .wires import Answer, NoWires
from .words import t, tn

UNDO_KEPT = 50
WAITING_AFTER_MS = 800
"""An edit that took longer is shown as waiting."""
SOMEBODY_ELSE = frozenset(
    {"stale", "on_block", "lot_ended", "lot_removed", "after_gone", "not_queued", "unknown_lot", "not_removed"}
)
"""Refusals that come of what happened meanwhile, not of what was typed."""

Inverse = Callable[[], c.Command | None]


@dataclass
class _Edit:
    edit_id: int
    command: c.Command
    what: str
    said_mono: float
    show_id: str
    key: str
    """Its Idempotency-Key, for as long as it takes."""
    shown: bool = False
    back: WayBack | None = None
    """None: it is not undone by Ctrl Z."""
    made: dict[str, str] = field(default_factory=dict)
    undone: bool = False
    note: NoteChange | None = None
    refusal: Refusal | None = None


class DeskEdits(DeskCore):
    def __init__(self, *words: Any, **more: Any) -> None:
        super().__init__(*words, **more)
        self._edits: dict[int, _Edit] = {}
        self._refused: dict[int, _Edit] = {}
        self._next_edit = 1
        self._could_undo = False
        self._undo_at: list[tuple[int, Inverse]] = []
        """Undone while it waited: taken back as soon as its row is heard."""
        self._recalled: set[str] = set()
        """Shows whose edits of an earlier window are here: only theirs are written anew."""
        self._notes_sent: list[_Edit] = []
        self._notes_list: KeptEdit | None = None
        """The list of the run of show that is on its way."""
        self._notes_seen = -1
        """The version our own last list made; the feed may not have said it yet."""
        self._waiting_timer = QTimer(self)
        self._waiting_timer.setSingleShot(True)
        self._waiting_timer.setInterval(WAITING_AFTER_MS)
        self._waiting_timer.timeout.connect(self._show_edits)
        self.connection_changed.connect(lambda _road: self._show_edits())

    # --- the queue ---------------------------------------------------------------------------------

    def add_lot(self, lot: LotDraft, after: str | None = "") -> None:
        """after: None = head, "" = tail."""
        self._edit(c.AddLot(lot=lot, after=after), WayBack())

    def edit_lot(self, lot_id: str, seen_version: int, changes: LotChanges) -> None:
        lot = self._fold.state.lots.get(lot_id)
        if lot is None:
            return
        before = {name: self._mine(lot_id, name, current_value(lot, name)) for name in set_fields(changes)}
        back = WayBack(before=LotChanges(**before))
        self._edit(c.EditLot(lot_id=lot_id, seen_version=seen_version, changes=changes), back)

    def editing(self, lot_id: str | None) -> None:
        """I have this lot open (others see it)."""
        self._wires.editing(lot_id)

    def move_lot(self, lot_id: str, after: str | None) -> None:
        """after: None = head."""
        self._edit(c.MoveLot(lot_id=lot_id, after=after), self._here(lot_id))

    def remove_lot(self, lot_id: str) -> None:
        self._edit(c.RemoveLot(lot_id=lot_id), self._here(lot_id))
        self.notice(t("undo.removed"), "said", undo=True)

    def skip_lot(self) -> None:
        upcoming = readings.next_lot(self._fold.state)
        if upcoming is not None:
            self._edit(c.SkipLot(lot_id=upcoming.lot.lot_id), self._here(upcoming.lot.lot_id))

    def _mine(self, lot_id: LotId, name: str, otherwise: Any) -> Any:
        """A field as I last wrote it: what waits counts."""
        for edit in reversed(self._edits.values()):
            command = edit.command
            if isinstance(command, c.EditLot) and command.lot_id == lot_id and name in set_fields(command.changes):
                return getattr(command.changes, name)
        return otherwise

    def _here(self, lot_id: str) -> WayBack:
        """Back to where it stands now."""
        queue = self._fold.state.queue
        place = queue.index(lot_id) if lot_id in queue else 0
        return WayBack(after=queue[place - 1] if place > 0 else None)

    def re_run(self, lot_id: str) -> None:
        """Relancer: back at the head of the queue."""
        self._edit(c.ReRunLot(lot_id=lot_id), None)

    # --- undo: mine only, the last first --------------------------------------------------------------

    def undo_queue_edit(self) -> None:
        """Ctrl Z: takes back my last queue edit, also one that still waits for the line."""
        waiting = [edit for edit in self._edits.values() if edit.back is not None and not edit.undone]
        if waiting:
            waiting[-1].undone = True
            self._keep()
            self._show_edits()
            self._refresh_refusals()
            return
        while self._undo:
            _, inverse = self._undo.pop()
            command = inverse()
            if command is not None:
                self._take_back(command)
                break
        self._refresh_refusals()

    def _take_back(self, command: c.Command) -> None:
        self._edit(command, None)

    def _can_undo(self) -> bool:
        waiting = any(edit.back is not None and not edit.undone for edit in self._edits.values())
        return bool(self._undo) or waiting

    def _inverse(self, edit: _Edit) -> c.Command | None:
        """What takes an accepted edit back now; None: no longer possible."""
        command, back = edit.command, edit.back or WayBack()
        if isinstance(command, c.EditLot):
            now = self._fold.state.lots.get(command.lot_id)
            changed = set_fields(command.changes)
            if now is None or any(current_value(now, name) != getattr(command.changes, name) for name in changed):
                self.notice(t("undo.changed_since"), "refused")
                return None
            return c.EditLot(lot_id=command.lot_id, seen_version=now.version, changes=back.before)
        if isinstance(command, c.MoveLot | c.SkipLot):
            return c.MoveLot(lot_id=command.lot_id, after=back.after)
        if isinstance(command, c.RemoveLot):
            return c.RestoreLot(lot_id=command.lot_id, after=back.after)
        if isinstance(command, c.AddLot) and "lot_id" in edit.made:
            return c.RemoveLot(lot_id=edit.made["lot_id"])
        return None

    # --- an edit and its answer -------------------------------------------------------------------------

    def _edit(self, command: c.Command, back: WayBack | None) -> None:
        """An edit that waits its turn, and can be undone once it was accepted when there is a way `back`."""
        edit = self._new_edit(command)
        edit.back = back
        self._send(edit)

    def _send(self, edit: _Edit) -> None:
        command = edit.command

        def answered(answer: Answer) -> None:
            self._edits.pop(edit.edit_id, None)
            if isinstance(answer, Accepted):
                edit.made.update(answer.made)
                self._superseded(command)
                inverse = partial(self._inverse, edit)
                if edit.back is not None and edit.undone:
                    self._undo_at.append((answer.seq, inverse))
                elif edit.back is not None:
                    self._undo = [*self._undo[-UNDO_KEPT + 1 :], (command, inverse)]
            elif isinstance(answer, Refusal) and not edit.undone:
                self._refuse(edit, answer)
            elif answer is None:
                self.notice(t("refused.unanswered"), "trouble")
            self._after_answer()

        self._wires.say(command, answered, in_turn=True, key=edit.key)
        self._keep()
        self._show_edits()

    def _new_edit(self, command: c.Command, note: NoteChange | None = None, kept: KeptEdit | None = None) -> _Edit:
        what = edit_words.what(self._fold.state, command)
        if note is not None:
            about = note.new or note.old
            what = f"{what} · {edit_words.short(line_words(about))}" if about is not None else what
        show_id, key = self._fold.state.show_id, kept.key if kept is not None else uuid.uuid4().hex
        edit = _Edit(self._next_edit, command, what, self._monotonic(), show_id, key, note=note)
        self._next_edit += 1
        if kept is not None:
            edit.shown, edit.back, edit.undone, edit.refusal = True, kept.back, kept.undone, kept.refusal
            lot_id = getattr(command, "lot_id", "")
            edit.what = kept.what if lot_id and lot_id not in self._fold.state.lots and kept.what else what
        if edit.refusal is not None:
            self._refused[edit.edit_id] = edit
        else:
            self._edits[edit.edit_id] = edit
        return edit

    def _after_answer(self) -> None:
        self._take_back_what_was_undone()
        self._keep()
        self._show_edits()
        if self.closing.state == "asked" and self.closing.waiting:
            if self._edits:
                self.put(closing=replace(self.closing, waiting=len(self._edits)))
            elif self._ends_show():
                self.put(closing=Closing("asked"))
            else:
                self.put(closing=Closing("closed"))

    def _take_back_what_was_undone(self) -> None:
        due = [inverse for seq, inverse in self._undo_at if seq <= self._seq]
        self._undo_at = [(seq, inverse) for seq, inverse in self._undo_at if seq > self._seq]
        for inverse in due:
            command = inverse()
            if command is not None:
                self._take_back(command)

    def flush(self) -> None:
        """Says everything that changed since the last time."""
        super().flush()
        if self._undo_at:
            self._take_back_what_was_undone()
        if self._notes_sent:
            self._send_notes()
        if self._refused:
            self._show_edits()

    def _refuse(self, edit: _Edit, refusal: Refusal) -> None:
        """Kept when it comes of somebody else; the fields nobody else changed go on alone."""
        self.notice(edit_words.refusal_words(self._fold.state, refusal), "refused")
        if refusal.code not in SOMEBODY_ELSE and not edit.shown:
            return
        command = edit.command
        field = refusal.facts.get("field")
        if isinstance(command, c.EditLot) and refusal.code == "stale" and isinstance(field, str):
            wanted = {name: getattr(command.changes, name) for name in set_fields(command.changes)}
            mine = {field: wanted.pop(field)} if field in wanted else wanted
            edit.command = c.EditLot(
                lot_id=command.lot_id, seen_version=command.seen_version, changes=LotChanges(**mine)
            )
            edit.what = edit_words.what(self._fold.state, edit.command)
            if wanted and wanted is not mine:
                self.edit_lot(command.lot_id, command.seen_version, LotChanges(**wanted))
        edit.refusal = refusal
        self._refused[edit.edit_id] = edit

    def _superseded(self, command: c.Command) -> None:
        """What I have since written otherwise is no longer in question."""
        if not isinstance(command, c.EditLot):
            return
        written = set(set_fields(command.changes))
        for edit_id, kept in list(self._refused.items()):
            old = kept.command
            if isinstance(old, c.EditLot) and old.lot_id == command.lot_id and set(set_fields(old.changes)) <= written:
                del self._refused[edit_id]

    # --- what waits, what was refused ---------------------------------------------------------------------

    def retake_edit(self, edit_id: int) -> None:
        """Reprendre: the same again, knowingly, on what stands now."""
        edit = self._refused.pop(edit_id, None)
        if edit is None:
            return
        command = edit.command
        if edit.note is not None:
            self.change_run_of_show(_anew(edit.note))
        elif isinstance(command, c.EditLot):
            known = self._fold.state.lots.get(command.lot_id)
            self.edit_lot(command.lot_id, known.version if known is not None else 0, command.changes)
        elif isinstance(command, c.MoveLot):
            self.move_lot(command.lot_id, command.after)
        elif isinstance(command, c.RemoveLot):
            self.remove_lot(command.lot_id)
        elif isinstance(command, c.AddLot):
            self.add_lot(command.lot, self._anchor(command.after))
        else:
            self._edit(command, None)
        self._keep()
        self._show_edits()

    def forget_edit(self, edit_id: int) -> None:
        """Oublier: what stands now is right."""
        if self._refused.pop(edit_id, None) is not None:
            self._keep()
            self._show_edits()

    def _anchor(self, after: str | None) -> str | None:
        return after if after in ("", None) or after in self._fold.state.queue else ""

    def _show_edits(self) -> None:
        if type(self._wires) is NoWires:
            return  # a desk fed by hand keeps what it was given
        away = self.connection.state != "connected"
        now = self._monotonic()
        for edit in self._edits.values():
            if away or (now - edit.said_mono) * 1000 >= WAITING_AFTER_MS - 50:
                edit.shown = True
        if self._edits and not all(edit.shown for edit in self._edits.values()):
            self._waiting_timer.start()
        waiting = tuple(
            WaitingEdit(edit.edit_id, edit.what, getattr(edit.command, "lot_id", ""))
            for edit in self._edits.values()
            if edit.shown and not edit.undone
        )
        self.put(edits=Edits(waiting, tuple(self._refused_words(edit) for edit in self._refused.values())))
        if self._can_undo() != self._could_undo:
            self._could_undo = self._can_undo()
            self._refresh_refusals()

    def _refused_words(self, edit: _Edit) -> RefusedEdit:
        state, command = self._fold.state, edit.command
        mine = theirs = by = ""
        if isinstance(command, c.EditLot):
            names = set_fields(command.changes)
            mine = " · ".join(edit_words.value_words(state, n, getattr(command.changes, n)) for n in names)
            standing = [edit_words.theirs(state, command.lot_id, name) for name in names]
            theirs = " · ".join(value for value, _ in standing)
            by = next((who for _, who in standing if who), "")
        elif edit.note is not None:
            mine = line_words(edit.note.new) if edit.note.new is not None else t("edits.removed")
            theirs = " — ".join(line_words(note) for note in state.run_of_show) or t("edits.empty")
        why = edit_words.refusal_words(state, edit.refusal) if edit.refusal is not None else ""
        return RefusedEdit(
            edit.edit_id, edit.what, getattr(command, "lot_id", ""), mine, theirs, by, why,
            retakable=edit.note is not None or self._would_be_taken(command), run_of_show=edit.note is not None,
        )  # fmt: skip

    def _would_be_taken(self, command: c.Command) -> bool:
        state = self._fold.state
        if isinstance(command, c.EditLot):
            known = state.lots.get(command.lot_id)
            if known is None:
                return False
            command = c.EditLot(lot_id=command.lot_id, seen_version=known.version, changes=command.changes)
        elif isinstance(command, c.AddLot):
            command = c.AddLot(lot=command.lot, after=self._anchor(command.after))
        return not isinstance(decide(state, command, self._fold.who, int(self.now_ms())), Refusal)

    # --- the run of show --------------------------------------------------------------------------------

    def change_run_of_show(self, change: NoteChange) -> None:
        """One line of it. Made again by itself on what others wrote meanwhile, unless it was about the same line."""
        command = c.SetRunOfShow(seen_version=0, notes=())
        self._notes_sent.append(self._new_edit(command, change))
        self._send_notes()
        self._keep()

    def _send_notes(self) -> None:
        """One list at a time, with every change that waits; only on a version that is known here."""
        state = self._fold.state
        if not self._notes_sent or self._notes_list is not None or state.run_of_show_version < self._notes_seen:
            return
        notes, going = state.run_of_show, []
        for edit in [edit for edit in self._notes_sent if edit.show_id == state.show_id]:
            changed = apply_to(notes, edit.note) if edit.note is not None else None
            if changed is None:
                self._notes_sent.remove(edit)
                self._edits.pop(edit.edit_id, None)
                edit.refusal = Refusal(code="stale", sentence="", facts={"field": "run_of_show"})
                self._refused[edit.edit_id] = edit
                self.notice(t("run_of_show.changed_meanwhile"), "refused")
                continue
            notes = changed
            going.append(edit)
        if going and notes == state.run_of_show:
            self._notes_done(going)
        elif going:
            self._say_notes(notes, going)
        self._show_edits()

    def _say_notes(self, notes: tuple[RunOfShowNote, ...], going: list[_Edit]) -> None:
        command = c.SetRunOfShow(seen_version=self._fold.state.run_of_show_version, notes=notes)
        covers = tuple(edit.key for edit in going)
        self._send_list(KeptEdit(key=uuid.uuid4().hex, command=command, covers=covers), going)

    def _send_list(self, sent: KeptEdit, going: list[_Edit]) -> None:
        assert isinstance(sent.command, c.SetRunOfShow)
        seen = sent.command.seen_version
        self._notes_list = sent

        def answered(answer: Answer) -> None:
            self._notes_list = None
            if isinstance(answer, Accepted):
                self._notes_seen = seen + 1
                self._notes_done(going)
            elif isinstance(answer, Refusal) and answer.code == "stale":
                self._notes_seen = max(seen + 1, int(answer.facts.get("version", 0)))
            else:
                self._notes_done(going)
                if isinstance(answer, Refusal):
                    self.notice(edit_words.refusal_words(self._fold.state, answer), "refused")
                    for edit in going:
                        edit.refusal = answer
                        self._refused[edit.edit_id] = edit
            self._after_answer()
            self._send_notes()

        self._wires.say(sent.command, answered, in_turn=True, key=sent.key)
        self._keep()

    def _notes_done(self, edits: list[_Edit]) -> None:
        for edit in edits:
            self._edits.pop(edit.edit_id, None)
            if edit in self._notes_sent:
                self._notes_sent.remove(edit)

    # --- kept for the next window, should this one be killed ----------------------------------------------

    def _keep(self) -> None:
        """What waits, and what was refused and not looked at, goes to the disk."""
        kept: dict[str, list[KeptEdit]] = {show_id: [] for show_id in self._recalled}
        for edit in (*self._refused.values(), *self._edits.values()):
            if edit.show_id in kept:
                kept[edit.show_id].append(_kept(edit))
        sent, show_id = self._notes_list, self._fold.state.show_id
        if sent is not None and show_id in kept:
            kept[show_id].append(sent)
        for show_id, edits in kept.items():
            self._wires.keep_edits(show_id, tuple(edits))

    def take_kept(self, kept: tuple[KeptEdit, ...]) -> None:
        """What an earlier window of this show left, once the show is known again: it goes now, in its order."""
        show_id = self._fold.state.show_id
        if not show_id or show_id in self._recalled:
            return
        self._recalled.add(show_id)
        for made_before in (edit for edit in self._edits.values() if not edit.show_id):
            made_before.show_id = show_id
        waiting = sum(edit.refusal is None and not edit.covers for edit in kept)
        notes: dict[str, _Edit] = {}
        for one in (one for one in kept if not one.covers):
            note = NoteChange(one.note.old, one.note.new, one.note.step) if one.note is not None else None
            edit = self._new_edit(one.command, note, one)
            if edit.refusal is None and note is not None:
                self._notes_sent.append(edit)
                notes[edit.key] = edit
            elif edit.refusal is None:
                self._send(edit)
        for sent in (one for one in kept if one.covers):
            if self._notes_list is None and isinstance(sent.command, c.SetRunOfShow):
                self._send_list(sent, [notes[key] for key in sent.covers if key in notes])
        self._send_notes()
        self._keep()
        self._show_edits()
        if waiting:
            self.notice(tn("edits.recalled", waiting), "said")

    # --- small parts --------------------------------------------------------------------------------------

    def _ends_show(self) -> bool:
        """Closing this window ends the show."""
        return self._fold.state.status == "live" and self._fold.who.role == "owner"

    def _say(
        self,
        command: c.Command,
        then: Callable[[Answer], None] | None = None,
        *,
        patience_s: float | None = None,
        in_turn: bool = False,
    ) -> None:
        def answered(answer: Answer) -> None:
            if isinstance(answer, Refusal):
                self.notice(edit_words.refusal_words(self._fold.state, answer), "refused")
            elif answer is None:
                self.notice(t("refused.unanswered"), "trouble")
            if then is not None:
                then(answer)

        self._wires.say(command, answered, patience_s=patience_s, in_turn=in_turn)

    def notice(self, text: str, kind: NoticeKind = "said", *, undo: bool = False, folder: str = "") -> None:
        """A sentence that passes by."""
        self.noticed.emit(Notice(text, kind, undo, folder))


def _kept(edit: _Edit) -> KeptEdit:
    note = edit.note
    return KeptEdit(
        key=edit.key, command=edit.command, what=edit.what, back=edit.back, undone=edit.undone, refusal=edit.refusal,
        note=KeptNote(old=note.old, new=note.new, step=note.step) if note is not None else None,
    )  # fmt: skip


def _anew(change: NoteChange) -> NoteChange:
    """A line that is gone is written again; a removal of what is gone is done already."""
    return NoteChange(new=change.new) if change.new is not None else NoteChange()
