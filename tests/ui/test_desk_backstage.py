"""Two people at one queue, as one desk lives it: waiting, refusal, undo, the run of show, notes, money."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import ClassVar

import msgspec
import pytest

from seller_console.contract import commands as c
from seller_console.contract.commands import Command
from seller_console.contract.words import Accepted, LotChanges, LotDraft, RunOfShowNote
from seller_console.link.waiting import KeptEdit
from seller_console.sale.report import report
from tests.rules.floor import MARIE, OWNER
from tests.ui.desk_floor import DeskFloor, FloorWires
from ui.desk import Desk
from ui.run_of_show import NoteChange, apply_to, clock_of
from ui.values import Connection
from ui.values_backstage import Edits, Whisper
from ui.wires import Answered


class CutWires(FloorWires):
    """A line that can be cut: what is said waits, in its order."""

    remembered_answers: ClassVar[dict[str, Accepted]] = {}

    def __init__(self, floor: DeskFloor) -> None:
        super().__init__(floor)
        self.cut = False
        self.held: list[Callable[[], None]] = []

    def say(
        self,
        command: Command,
        answered: Answered,
        *,
        patience_s: float | None = None,
        in_turn: bool = False,
        key: str = "",
    ) -> None:
        if key in self.remembered_answers:
            answered(self.remembered_answers[key])
        elif self.cut:
            self.held.append(lambda: super(CutWires, self).say(command, answered, in_turn=in_turn, key=key))
        else:
            super().say(command, answered, in_turn=in_turn, key=key)


class Stand(DeskFloor):
    """A producer's desk with a line that can be cut."""

    notices: list[str]

    def __init__(self) -> None:
        super().__init__(who=MARIE)
        self.line = CutWires(self)
        self.desk.wire(self.line)
        self.desk.take_kept(())
        for title in ("un", "deux", "trois"):
            self.ok(c.AddLot(lot=LotDraft(title=title)), OWNER)

    def cut(self) -> None:
        self.line.cut = True
        self.desk.take_connection(Connection("away", "unreachable"))

    def mend(self) -> None:
        self.line.cut = False
        self.feed()
        while self.line.held:
            self.line.held.pop(0)()
            self.feed()
        self.desk.take_connection(Connection("connected"))

    def edit(self, lot_id: str, **fields: object) -> None:
        version = next(row.version for row in self.desk.queue if row.lot_id == lot_id)
        self.desk.edit_lot(lot_id, version, LotChanges(**fields))  # type: ignore[arg-type]
        self.desk.flush()

    def owner_edits(self, lot_id: str, **fields: object) -> None:
        version = self.floor.state.lots[lot_id].version
        changes = LotChanges(**fields)  # type: ignore[arg-type]
        self.floor.ok(c.EditLot(lot_id=lot_id, seen_version=version, changes=changes), OWNER)
        if not self.line.cut:
            self.feed()

    def title(self, lot_id: str) -> str:
        return self.floor.state.lots[lot_id].lot.title


@pytest.fixture
def stand(app: object) -> Stand:
    return Stand()


def ids(stand: Stand) -> list[str]:
    return [row.lot_id for row in stand.desk.queue]


# --- waiting and refusal -----------------------------------------------------------------


def test_edits_without_a_line_are_shown_as_waiting_and_keep_their_order(stand: Stand) -> None:
    one, two, three = ids(stand)
    stand.cut()
    stand.edit(one, title="à moi")
    stand.edit(one, title="à moi, mieux")
    stand.desk.move_lot(three, None)
    stand.desk.whisper("je reviens")
    assert [edit.what.split(" · ")[0] for edit in stand.desk.edits.waiting] == ["Lot 1", "Lot 1", "Lot 3", "Note"]
    assert stand.title(one) == "un"
    stand.mend()
    assert stand.desk.edits.waiting == () and stand.desk.edits.refused == ()
    assert stand.title(one) == "à moi, mieux", "my second edit is not refused for my first"
    assert ids(stand) == [three, one, two]
    assert [line.text for line in stand.desk.whispers.lines] == ["je reviens"]


def test_what_somebody_else_overtook_is_kept_with_both_values_and_the_rest_is_applied(stand: Stand) -> None:
    one = ids(stand)[0]
    stand.cut()
    stand.edit(one, title="à moi", category="Cartes", cost_cents=300)
    stand.owner_edits(one, title="au vendeur")
    stand.mend()
    (refused,) = stand.desk.edits.refused
    assert (refused.mine, refused.theirs, refused.retakable) == ("à moi", "au vendeur", True)
    assert refused.what == "Lot 1 · titre" and refused.by
    lot = stand.floor.state.lots[one]
    assert (lot.lot.title, lot.lot.category, lot.backstage.cost_cents) == ("au vendeur", "Cartes", 300)
    stand.desk.retake_edit(refused.edit_id)
    stand.desk.flush()
    assert stand.title(one) == "à moi" and stand.desk.edits.refused == ()


def test_a_refused_edit_is_forgotten_only_when_the_person_says_so_or_writes_it_anew(stand: Stand) -> None:
    one, two, _ = ids(stand)
    stand.cut()
    stand.edit(one, title="A")
    stand.edit(two, title="B")
    stand.owner_edits(one, title="X")
    stand.owner_edits(two, title="Y")
    stand.mend()
    first, second = stand.desk.edits.refused
    stand.pass_ms(3_600_000)
    stand.desk.flush()
    assert len(stand.desk.edits.refused) == 2
    stand.desk.forget_edit(first.edit_id)
    assert [edit.edit_id for edit in stand.desk.edits.refused] == [second.edit_id]
    stand.edit(two, title="C")
    assert stand.desk.edits.refused == () and stand.title(two) == "C"


def test_an_edit_of_a_lot_that_was_sold_meanwhile_is_kept_and_cannot_be_taken_up(stand: Stand) -> None:
    one = ids(stand)[0]
    stand.cut()
    stand.desk.move_lot(one, None)
    stand.edit(one, title="trop tard")
    stand.floor.ok(c.StartAuction(lot_id=one), OWNER)
    stand.mend()
    assert [(edit.what, edit.retakable) for edit in stand.desk.edits.refused] == [
        ("Lot 1 · déplacé", False),
        ("Lot 1 · titre", False),
    ]
    assert stand.title(one) == "un", "the lot on the block is not altered"


def test_a_window_with_waiting_edits_asks_before_it_closes_and_closes_when_they_went(stand: Stand) -> None:
    one = ids(stand)[0]
    stand.cut()
    stand.edit(one, title="à moi")
    assert not stand.desk.asked_to_close()
    assert (stand.desk.closing.state, stand.desk.closing.waiting) == ("asked", 1)
    stand.desk.stay_open()
    assert stand.desk.closing.state == "no"
    stand.desk.asked_to_close()
    stand.mend()
    assert stand.desk.closing.state == "closed" and stand.title(one) == "à moi"
    assert stand.floor.state.status == "live", "a producer's window does not end the show"


# --- a window that is killed ------------------------------------------------------------------


def reopened(stand: Stand) -> Stand:
    """Another window of the same person at the same floor, which finds what the first had kept."""
    again = Stand.__new__(Stand)
    again.who, again._seq, again._fed = stand.who, itertools.count(1), 0
    again.floor = stand.floor
    again.wires = again.line = CutWires(again)
    again.desk = Desk(again.line, monotonic=lambda: again.floor.now / 1000)
    again.desk.begin_feed(again.who, "http://x/s/show")
    again.desk.take_connection(Connection("connected"))
    again.feed()
    again.notices = []
    again.desk.noticed.connect(lambda notice: again.notices.append(notice.text))
    kept = msgspec.json.decode(msgspec.json.encode(stand.line.waiting["show"]), type=tuple[KeptEdit, ...])
    again.desk.take_kept(kept)
    again.desk.flush()
    return again


def test_a_killed_windows_edits_are_sent_by_the_next_under_their_keys_and_what_was_overtaken_is_shown(
    stand: Stand,
) -> None:
    one, two, three = ids(stand)
    stand.cut()
    stand.edit(one, title="à moi", category="Cartes")
    stand.edit(two, title="à moi aussi")
    stand.desk.move_lot(three, None)
    stand.desk.whisper("je reviens")
    stand.owner_edits(two, title="au vendeur")
    keys = [edit.key for edit in stand.line.waiting["show"]]
    assert len(set(keys)) == 4
    again = reopened(stand)
    assert again.line.keys == keys
    assert (again.title(one), again.title(two)) == ("à moi", "au vendeur")
    assert ids(again) == [three, one, two]
    (refused,) = again.desk.edits.refused
    assert (refused.mine, refused.theirs) == ("à moi aussi", "au vendeur")
    assert any("4" in notice for notice in again.notices)
    # and what was not looked at outlives this window too
    third = reopened(again)
    assert [edit.what for edit in third.desk.edits.refused] == [refused.what]
    assert third.line.said == [], "nothing is sent twice"
    third.desk.retake_edit(third.desk.edits.refused[0].edit_id)
    assert third.title(two) == "à moi aussi" and third.line.waiting["show"] == ()


def test_what_was_undone_while_it_waited_stays_undone_and_the_rest_can_still_be_undone(stand: Stand) -> None:
    one, two, three = ids(stand)
    stand.cut()
    stand.edit(one, title="gardé")
    stand.desk.remove_lot(two)
    stand.edit(three, title="repris")
    stand.desk.undo_queue_edit()
    again = reopened(stand)
    again.feed()
    assert (again.title(one), again.title(three)) == ("gardé", "trois")
    assert ids(again) == [one, three]
    again.desk.undo_queue_edit()
    again.feed()
    assert ids(again) == [one, two, three], "Ctrl Z of the new window takes back what the old one removed"
    again.desk.undo_queue_edit()
    again.feed()
    assert again.title(one) == "un"


def test_lines_of_the_run_of_show_survive_their_window_and_are_written_once(stand: Stand) -> None:
    stand.cut()
    stand.desk.change_run_of_show(NoteChange(new=A))
    stand.desk.change_run_of_show(NoteChange(new=B))
    kept = stand.line.waiting["show"]
    assert [bool(edit.covers) for edit in kept] == [False, False, True], "two lines, and a list on its way"
    theirs = RunOfShowNote(text="au vendeur", at="20:00")
    stand.floor.ok(c.SetRunOfShow(seen_version=0, notes=(theirs,)), OWNER)
    again = reopened(stand)
    again.feed()
    assert stand.floor.state.run_of_show == (theirs, A, B)
    assert again.desk.edits == Edits() and again.line.waiting["show"] == ()


def test_a_list_that_was_written_before_its_answer_came_is_not_written_twice(stand: Stand) -> None:
    """The platform gives the first answer again for the same key: here the list that goes is the same one."""
    stand.cut()
    stand.desk.change_run_of_show(NoteChange(new=A))
    sent = stand.line.waiting["show"][-1]
    assert isinstance(sent.command, c.SetRunOfShow)
    stand.floor.ok(sent.command, stand.who)  # it was written; the answer was lost with the line, and then the window
    answer = Accepted(seq=1, at_ms=1)
    again = reopened_with(stand, {sent.key: answer})
    again.feed()
    assert stand.floor.state.run_of_show == (A,)
    assert again.desk.edits == Edits()


def reopened_with(stand: Stand, answers: dict[str, Accepted]) -> Stand:
    """As `reopened`, at a platform that remembers these answers."""
    CutWires.remembered_answers = answers
    try:
        return reopened(stand)
    finally:
        CutWires.remembered_answers = {}


# --- undo is per person ---------------------------------------------------------------------


def test_undo_takes_back_my_last_edit_and_leaves_the_sellers_later_ones(stand: Stand) -> None:
    one, two, _ = ids(stand)
    stand.edit(one, title="à moi")
    stand.owner_edits(two, title="au vendeur")
    stand.ok(c.MoveLot(lot_id=two, after=None), OWNER)
    stand.desk.undo_queue_edit()
    stand.desk.flush()
    assert (stand.title(one), stand.title(two)) == ("un", "au vendeur")
    assert ids(stand)[0] == two
    assert stand.desk.refusal("undo_queue_edit"), "nothing of mine is left to undo"


def test_undo_without_a_line_takes_back_what_waits_the_last_first(stand: Stand) -> None:
    one = ids(stand)[0]
    stand.edit(one, title="avant")
    stand.cut()
    stand.edit(one, title="pendant")
    stand.edit(one, category="Cartes")
    stand.desk.undo_queue_edit()
    assert len(stand.desk.edits.waiting) == 1
    stand.desk.undo_queue_edit()
    stand.mend()
    stand.feed()
    lot = stand.floor.state.lots[one].lot
    assert (lot.title, lot.category) == ("avant", "")
    stand.desk.undo_queue_edit()
    stand.desk.flush()
    assert stand.title(one) == "un"


# --- the run of show ------------------------------------------------------------------------

A, B, C = (RunOfShowNote(text=text, at=at) for text, at in (("a", "21:00"), ("b", "22:00"), ("c", "01:00")))


def test_lines_of_two_people_both_stand_and_the_same_line_is_kept_beside(stand: Stand) -> None:
    stand.desk.change_run_of_show(NoteChange(new=A))
    stand.desk.flush()
    stand.cut()
    stand.desk.change_run_of_show(NoteChange(new=B))
    stand.desk.change_run_of_show(NoteChange(old=A, new=RunOfShowNote(text="à moi", at="21:00")))
    theirs = RunOfShowNote(text="au vendeur", at="21:00")
    stand.floor.ok(c.SetRunOfShow(seen_version=1, notes=(theirs, C)), OWNER)
    stand.mend()
    assert stand.floor.state.run_of_show == (theirs, B, C)
    (refused,) = stand.desk.edits.refused
    assert refused.run_of_show and refused.mine == "21:00 à moi" and "au vendeur" in refused.theirs
    stand.desk.retake_edit(refused.edit_id)
    stand.desk.flush()
    assert [note.text for note in stand.floor.state.run_of_show] == ["au vendeur", "à moi", "b", "c"]


def test_a_line_is_moved_rewritten_and_removed() -> None:
    assert apply_to((A, B, C), NoteChange(old=B, step=-1)) == (B, A, C)
    assert apply_to((A, B), NoteChange(old=B, step=1)) == (A, B)
    assert apply_to((A, B), NoteChange(old=A)) == (B,)
    assert apply_to((A, C), NoteChange(new=B)) == (A, B, C), "one o'clock comes after ten in the evening"
    assert apply_to((A,), NoteChange(old=B)) is None


@pytest.mark.parametrize(
    ("typed", "at"), [("21h15", "21:15"), ("9", "09:00"), ("2115", "21:15"), ("", ""), ("25:00", None), ("x", None)]
)
def test_hours_are_read_as_people_write_them(typed: str, at: str | None) -> None:
    assert clock_of(typed) == at


# --- notes ----------------------------------------------------------------------------------


def test_a_note_of_the_other_is_said_once_and_counted_until_it_was_seen(stand: Stand) -> None:
    heard: list[Whisper] = []
    stand.desk.whispered.connect(heard.append)
    stand.floor.now += 1_000
    stand.ok(c.Whisper(text="Montre le dos"), OWNER)
    stand.desk.whisper("D’accord")
    stand.desk.flush()
    assert [whisper.text for whisper in heard] == ["Montre le dos"]
    assert stand.desk.whispers.unread == 1 and len(stand.desk.whispers.lines) == 2
    assert not any(line.text == "Montre le dos" for line in stand.desk.chat), "the chat is the buyers'"
    stand.desk.whispers_read()
    assert stand.desk.whispers.unread == 0


# --- money ----------------------------------------------------------------------------------


def test_the_account_is_the_reports_and_only_counted_while_it_is_looked_at(stand: Stand) -> None:
    stand.desk.set_fee(850)
    stand.desk.flush()
    assert stand.desk.show.fee_bps == 850 and stand.line.kept["fee_bps"] == 850
    stand.desk._refresh_figures()
    assert stand.desk.money.pace_ms == 0
    stand.desk.want_money(True)
    whole = report(stand.floor.state, stand.floor.now)
    assert (stand.desk.money.units_to_go, stand.desk.money.forecast_end_ms) == (3, whole.forecast_end_ms)


def test_the_account_of_a_long_show_costs_little(app: object) -> None:
    from seller_console.contract.words import Lot, LotBackstage
    from seller_console.sale.state import LotState, Run, Sale, ShowState
    from ui import readings

    state = ShowState(show_id="s", status="live", live_at=1, fee_bps=850)
    for n in range(900):
        key = str(n)
        state.lots[key] = LotState(
            Lot(lot_id=key, number=n, title=f"Lot {n}"), LotBackstage(cost_cents=200), units_left=0, units_sold=1,
            status="sold", runs=[key],
        )  # fmt: skip
        state.runs[key] = Run(
            key, key, 1, 1, 100, n * 40_000, n * 40_000 + 30_000, 30_000, 10_000, False, False, 0, status="hammered",
            bid_count=28, ended_at=n * 40_000 + 30_000, sale_id=key,
        )  # fmt: skip
        state.sales[key] = Sale(key, key, key, f"p{n % 150}", "x", 1_200, 1, "auction", n % 150 + 1, n * 40_000)
    spent_ms = []
    for _ in range(3):  # the garbage of the tests before is collected in one of them
        began = time.process_time()
        money = readings.money(state, 900 * 40_000)
        spent_ms.append((time.process_time() - began) * 1000)
    assert (money.total_cents, money.cost_cents, money.fee_cents) == (900 * 1_200, 900 * 200, 900 * 102)
    assert len(money.hours) == 10 and sum(hour.units for hour in money.hours) == 900
    assert min(spent_ms) < 50, spent_ms
