"""The queue: two consoles at once, merges, refusals, relative moves, numbers given once."""

from __future__ import annotations

from typing import Any

import pytest

from seller_console.contract import commands as cm
from seller_console.contract import events as ev
from seller_console.contract.words import LotBackstage, LotChanges, LotDraft, Preset, RunOfShowNote

from .floor import ANA, BEN, MARIE, MODO, OWNER, Floor


def edit(lot_id: str, seen: int = 1, **changes: Any) -> cm.EditLot:
    return cm.EditLot(lot_id=lot_id, seen_version=seen, changes=LotChanges(**changes))


def test_edits_of_different_fields_merge() -> None:
    floor = Floor()
    lot_id = floor.lot("Carte")
    floor.ok(edit(lot_id, 1, title="Dracaufeu"), OWNER)
    floor.ok(edit(lot_id, 1, opening_cents=5_00, producer_note="boîte 3"), MARIE)
    known = floor.state.lots[lot_id]
    assert (known.lot.title, known.lot.opening_cents, known.backstage.producer_note) == ("Dracaufeu", 500, "boîte 3")
    assert known.version == 4


def test_a_stale_edit_of_the_same_field_is_refused_with_the_others_value() -> None:
    floor = Floor()
    lot_id = floor.lot("Carte")
    floor.ok(edit(lot_id, 1, title="Dracaufeu"), OWNER)
    refusal = floor.no("stale", edit(lot_id, 1, title="Tortank", category="Cartes"), MARIE)
    assert refusal.facts == {"field": "title", "value": "Dracaufeu", "by": "vera", "version": 2}
    assert floor.state.lots[lot_id].lot.category == "", "an edit is taken whole or not at all"
    floor.ok(edit(lot_id, 2, title="Tortank"), MARIE)
    assert floor.state.lots[lot_id].lot.title == "Tortank"


def test_my_later_edit_is_not_refused_for_my_earlier_one_but_for_somebody_elses() -> None:
    """Both were written on the version that was seen before the line went down."""
    floor = Floor()
    lot_id = floor.lot()
    floor.ok(edit(lot_id, 1, title="un"), MARIE)
    floor.ok(edit(lot_id, 1, title="deux"), MARIE)
    assert floor.state.lots[lot_id].lot.title == "deux"
    floor.no("stale", edit(lot_id, 1, title="trois"), OWNER)
    floor.ok(edit(lot_id, 3, title="trois"), OWNER)
    floor.no("stale", edit(lot_id, 3, title="quatre"), MARIE)


def test_a_stale_edit_of_a_backstage_field_is_refused_too() -> None:
    floor = Floor()
    lot_id = floor.lot()
    floor.ok(edit(lot_id, 1, reserve_cents=60_00), OWNER)
    refusal = floor.no("stale", edit(lot_id, 1, reserve_cents=80_00), MARIE)
    assert refusal.facts["value"] == 60_00


def test_two_edits_to_the_same_value_agree() -> None:
    floor = Floor()
    lot_id = floor.lot()
    floor.ok(edit(lot_id, 1, title="Dracaufeu"), OWNER)
    assert floor.ok(edit(lot_id, 1, title="Dracaufeu"), MARIE) == ()


def test_public_and_backstage_fields_travel_apart() -> None:
    floor = Floor()
    lot_id = floor.lot()
    events = floor.ok(edit(lot_id, 1, title="Tortank", cost_cents=3_50), OWNER)
    assert [(type(e), e.audience()) for e in events] == [
        (ev.LotEdited, "everyone"),
        (ev.LotBackstageEdited, "backstage"),
    ]


def test_a_reserve_put_or_taken_away_is_public_its_amount_is_not() -> None:
    floor = Floor()
    lot_id = floor.lot()
    shown, hidden = floor.ok(edit(lot_id, 1, reserve_cents=60_00), OWNER)
    assert isinstance(shown, ev.LotEdited) and shown.has_reserve is True
    assert isinstance(hidden, ev.LotBackstageEdited)
    assert floor.state.lots[lot_id].lot.has_reserve
    assert len(floor.ok(edit(lot_id, 9, reserve_cents=70_00), OWNER)) == 1
    floor.ok(edit(lot_id, 9, reserve_cents=0), OWNER)
    assert not floor.state.lots[lot_id].lot.has_reserve


def test_the_lot_on_the_block_is_frozen_but_for_its_notes() -> None:
    floor = Floor()
    lot_id = floor.lot()
    floor.pdd()
    for changes in ({"title": "X"}, {"opening_cents": 200}, {"reserve_cents": 100}, {"host_note": "n", "title": "X"}):
        floor.no("on_block", edit(lot_id, 1, **changes), MARIE)
    floor.ok(edit(lot_id, 1, host_note="montrer le dos"), MARIE)
    for command in (
        cm.MoveLot(lot_id=lot_id, after=None),
        cm.RemoveLot(lot_id=lot_id),
        cm.SkipLot(lot_id=lot_id),
    ):
        floor.no("on_block", command, MARIE)


def test_a_sold_lot_keeps_its_public_face() -> None:
    floor = Floor()
    lot_id = floor.lot()
    floor.sell(ANA)
    floor.no("lot_ended", edit(lot_id, 1, title="X"), MARIE)
    floor.ok(edit(lot_id, 1, cost_cents=2_00, place="A1"), MARIE)


def test_quantity_is_the_units_left() -> None:
    floor = Floor()
    lot_id = floor.lot(quantity=5)
    known = floor.state.lots[lot_id]
    floor.sell(ANA)
    floor.ok(edit(lot_id, known.version, quantity=2), OWNER)
    assert (known.units_left, known.units_total, known.lot.quantity) == (2, 3, 3)
    run = floor.pdd()
    assert (run.unit, run.of) == (2, 3)


def test_a_sale_is_a_change_of_the_quantity_one_saw() -> None:
    floor = Floor()
    lot_id = floor.lot(quantity=5)
    shelf = floor.lot(format="buy_it_now", opening=20, quantity=5)
    seen = {x: floor.state.lots[x].version for x in (lot_id, shelf)}
    floor.sell(ANA, 5, lot_id)
    floor.ok(cm.BuyNow(lot_id=shelf, price_cents=20_00), BEN)
    for x in (lot_id, shelf):
        refusal = floor.no("stale", edit(x, seen[x], quantity=4 + 1), MARIE)
        assert (refusal.facts["field"], refusal.facts["value"]) == ("quantity", 4)
        floor.ok(edit(x, seen[x], title="Autre chose"), MARIE)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"title": "  "}, "bad_title"),
        ({"title": "x" * 81}, "bad_title"),
        ({"opening_cents": 150}, "bad_amount"),
        ({"opening_cents": 0}, "bad_amount"),
        ({"opening_cents": 1_000_001_00}, "bad_amount"),
        ({"reserve_cents": 50}, "bad_amount"),
        ({"cost_cents": -1}, "bad_price"),
        ({"quantity": 0}, "bad_quantity"),
        ({"quantity": 10_001}, "bad_quantity"),
        ({"description": "x" * 2_001}, "too_long"),
        ({"sku": "x" * 121}, "too_long"),
        ({"pictures": ("x" * 501,)}, "bad_picture"),
        ({"pictures": ("a.jpg",) * 21}, "too_many"),
        ({"preset": Preset(duration_ms=1)}, "bad_preset"),
    ],
)
def test_impossible_values_are_refused_by_field(changes: dict[str, Any], code: str) -> None:
    floor = Floor()
    lot_id = floor.lot()
    refusal = floor.no(code, edit(lot_id, 1, **changes), OWNER)
    assert refusal.facts["field"] == next(iter(changes))


def test_a_price_in_cents_suits_a_shelf_but_not_an_auction() -> None:
    floor = Floor()
    shelf = floor.lot(format="buy_it_now", opening=20)
    floor.ok(edit(shelf, 1, opening_cents=19_90), OWNER)
    floor.no("bad_amount", edit(shelf, 9, format="auction"), OWNER)
    floor.ok(edit(shelf, 9, format="auction", opening_cents=19_00), OWNER)


def test_titles_are_nfc_without_control_or_direction_characters() -> None:
    floor = Floor()
    lot_id = floor.lot("  E\u0301toile\u202e\x00 \t rare\n ")
    assert floor.state.lots[lot_id].lot.title == "Étoile rare"


# --- order ------------------------------------------------------------------------------


def queue_of(floor: Floor, n: int = 4) -> list[str]:
    return [floor.lot(f"Lot {i}") for i in range(n)]


def test_moves_are_relative() -> None:
    floor = Floor()
    a, b, c, d = queue_of(floor)
    floor.ok(cm.MoveLot(lot_id=d, after=a), OWNER)
    assert floor.state.queue == [a, d, b, c]
    floor.ok(cm.MoveLot(lot_id=a, after=c), OWNER)
    assert floor.state.queue == [d, b, c, a]
    floor.ok(cm.MoveLot(lot_id=c, after=None), OWNER)
    assert floor.state.queue == [c, d, b, a]


def test_two_moves_commute_or_one_is_refused() -> None:
    ends = []
    for order in (0, 1):
        floor = Floor()
        a, b, c, d = queue_of(floor)
        moves = [(cm.MoveLot(lot_id=d, after=a), OWNER), (cm.MoveLot(lot_id=b, after=c), MARIE)]
        for command, who in moves if order else reversed(moves):
            floor.ok(command, who)
        ends.append(floor.state.queue)
    assert ends[0] == ends[1] == [a, d, c, b]


def test_a_move_after_a_lot_that_has_gone_is_refused() -> None:
    floor = Floor()
    a, b, c, _ = queue_of(floor)
    floor.ok(cm.RemoveLot(lot_id=a), OWNER)
    floor.no("after_gone", cm.MoveLot(lot_id=c, after=a), MARIE)
    floor.no("not_queued", cm.MoveLot(lot_id=a, after=b), MARIE)
    floor.no("unknown_lot", cm.MoveLot(lot_id="L999", after=b), MARIE)
    floor.no("after_itself", cm.MoveLot(lot_id=b, after=b), MARIE)


def test_after_the_lot_on_the_block_is_the_head() -> None:
    floor = Floor()
    a, b, c, d = queue_of(floor)
    floor.pdd()
    floor.ok(cm.MoveLot(lot_id=c, after=a), MARIE)
    assert floor.state.queue == [c, b, d]


def test_a_move_to_where_the_lot_already_stands_changes_nothing() -> None:
    floor = Floor()
    a, b, *_, d = queue_of(floor)
    assert floor.ok(cm.MoveLot(lot_id=b, after=a), OWNER) == ()
    assert floor.ok(cm.MoveLot(lot_id=a, after=None), OWNER) == ()
    assert floor.ok(cm.MoveLot(lot_id=d, after=""), OWNER) == ()


def test_a_lot_joins_at_the_head_the_tail_or_after_another() -> None:
    floor = Floor()
    a, b, *_ = queue_of(floor, 2)
    for after, place in ((None, 0), ("", -1), (a, 2)):
        added = floor.ok(cm.AddLot(lot=LotDraft(title="Neuf"), after=after), MARIE)[0]
        assert isinstance(added, ev.LotAdded)
        assert floor.state.queue[place] == added.lot.lot_id
    floor.no("after_gone", cm.AddLot(lot=LotDraft(title="Neuf"), after="L999"), MARIE)
    assert b in floor.state.queue


def test_a_removed_lot_can_be_brought_back_until_the_show_ends() -> None:
    floor = Floor()
    a, b, *_ = queue_of(floor, 2)
    floor.ok(cm.RemoveLot(lot_id=a), OWNER)
    assert floor.state.lots[a].status == "removed"
    floor.no("lot_removed", edit(a, 1, title="X"), OWNER)
    floor.no("not_removed", cm.RestoreLot(lot_id=b), OWNER)
    floor.ok(cm.RestoreLot(lot_id=a, after=b), MARIE)
    assert floor.state.queue == [b, a]
    floor.ok(cm.RemoveLot(lot_id=a), OWNER)
    floor.ok(cm.EndShow(), OWNER)
    floor.no("show_ended", cm.RestoreLot(lot_id=a), OWNER)


def test_numbers_are_given_once_and_never_again() -> None:
    floor = Floor(first_number=100)
    a, b, *_ = queue_of(floor, 2)
    floor.ok(cm.RemoveLot(lot_id=b), OWNER)
    new = floor.lot()
    numbers = [floor.state.lots[lot_id].lot.number for lot_id in (a, b, new)]
    assert numbers == [100, 101, 102]
    assert len({a, b, new}) == 3


def test_an_import_is_all_or_nothing_and_names_the_bad_lot() -> None:
    floor = Floor()
    good = LotDraft(title="Bon", backstage=LotBackstage(cost_cents=2_20))
    refusal = floor.no("bad_title", cm.ImportLots(lots=(good, good, LotDraft(title=""))), OWNER)
    assert refusal.facts["index"] == 2
    assert floor.state.lots == {}
    floor.ok(cm.ImportLots(lots=(good,) * 3), OWNER)
    assert [floor.state.lots[x].lot.number for x in floor.state.queue] == [1, 2, 3]
    assert [k.backstage.cost_cents for k in floor.state.lots.values()] == [220] * 3
    floor.no("empty", cm.ImportLots(lots=()), OWNER)


def test_a_pin_shows_a_lot_and_goes_with_it() -> None:
    floor = Floor()
    lot_id = floor.lot()
    floor.ok(cm.PinLot(lot_id=lot_id), OWNER)
    assert floor.ok(cm.PinLot(lot_id=lot_id), OWNER) == ()
    floor.sell(ANA)
    assert floor.state.pinned_lot is None
    floor.no("not_queued", cm.PinLot(lot_id=lot_id), OWNER)
    other = floor.lot()
    floor.ok(cm.PinLot(lot_id=other), OWNER)
    floor.ok(cm.PinLot(lot_id=None), OWNER)
    assert floor.state.pinned_lot is None


def test_the_run_of_show_is_edited_from_the_version_one_saw() -> None:
    floor = Floor()
    notes = (RunOfShowNote(text="Ouverture", at="20:00"), RunOfShowNote(text=" "))
    floor.ok(cm.SetRunOfShow(seen_version=0, notes=notes), MARIE)
    assert floor.state.run_of_show == notes[:1]
    floor.no("stale", cm.SetRunOfShow(seen_version=0, notes=()), OWNER)
    floor.ok(cm.SetRunOfShow(seen_version=1, notes=()), OWNER)


def test_the_queue_may_be_prepared_before_the_show() -> None:
    floor = Floor(live=False)
    lot_id = floor.lot()
    floor.ok(edit(lot_id, 1, title="Avant"), MARIE)
    floor.ok(cm.SetPreBid(lot_id=lot_id, max_cents=500), BEN)
    for who in (MODO, ANA):
        floor.no("not_allowed", edit(lot_id, 1, title="Non"), who)
