"""Two consoles on one queue, each now and then cut off: nothing is lost, all end up with the same."""

from __future__ import annotations

import random
from typing import Any

from seller_console.contract import commands as cm
from seller_console.contract import events as ev
from seller_console.contract.codec import decode_event
from seller_console.contract.words import LotChanges, LotDraft, Refusal, Who
from seller_console.sale.audience import may_see
from seller_console.sale.fold import apply
from seller_console.sale.state import ShowState

from .floor import ANA, MARIE, OWNER, PLATFORM, Floor

EDITS = 10_000
FIELDS: dict[str, tuple[Any, ...]] = {
    "title": ("Carte", "Lot de cartes", "Booster"),
    "opening_cents": (100, 200, 500),
    "category": ("Cartes", "Jeux"),
    "reserve_cents": (0, 20_00, 50_00),
    "host_note": ("montrer le dos", "centrage", ""),
    "place": ("A1", "B2"),
    "quantity": (1, 2, 3),
}


class Console:
    """What one person sees, what they have said since the line dropped, and what came of it."""

    def __init__(self, who: Who) -> None:
        self.who = who
        self.state = ShowState()
        self.read = 0
        self.connected = True
        self.waiting: list[cm.Command] = []
        self.accepted = 0
        self.refused: list[tuple[cm.Command, Refusal]] = []

    def listen(self, floor: Floor) -> None:
        for at, raw in floor.log[self.read :]:
            event = decode_event(raw)
            if may_see(event.audience(), self.who):
                apply(self.state, event, at)
        self.read = len(floor.log)

    def speak(self, floor: Floor) -> None:
        for command in self.waiting:
            answer = floor.say(command, self.who)
            if isinstance(answer, Refusal):
                self.refused.append((command, answer))
            else:
                self.accepted += 1
        self.waiting.clear()


def some_edit(chance: random.Random, console: Console) -> cm.Command:
    """An edit of something this console still sees in its queue."""
    state = console.state
    lots = [*state.queue, *([state.run.lot_id] if state.run is not None else [])]
    lot_id = chance.choice(lots) if lots else "L1"
    what = chance.random()
    if what < 0.55 and lots:
        names = chance.sample(sorted(FIELDS), chance.choice([1, 1, 2]))
        changes = LotChanges(**{name: chance.choice(FIELDS[name]) for name in names})
        return cm.EditLot(lot_id=lot_id, seen_version=state.lots[lot_id].version, changes=changes)
    if what < 0.85 and lots:
        return cm.MoveLot(lot_id=lot_id, after=chance.choice([None, *lots]))
    if what < 0.90 and lots:
        return cm.RemoveLot(lot_id=lot_id)
    gone = [x for x, known in state.lots.items() if known.status == "removed"]
    if what < 0.95 and gone:
        return cm.RestoreLot(lot_id=chance.choice(gone))
    return cm.AddLot(lot=LotDraft(title="Neuf"), after=chance.choice([None, ""]))


def test_ten_thousand_interleaved_edits_with_partitions_end_the_same_everywhere() -> None:
    chance = random.Random(7)
    floor = Floor(strict=False)
    for n in range(12):
        floor.lot(f"Lot {n}", quantity=1 + n % 3)
    consoles = [Console(OWNER), Console(MARIE)]
    said = 0
    latest: dict[tuple[str, str], int] = {}
    while said < EDITS:
        console = chance.choice(consoles)
        if chance.random() < 0.02:
            console.connected = not console.connected
        if console.connected:
            console.speak(floor)
            console.listen(floor)
        console.waiting.append(some_edit(chance, console))
        said += 1
        if chance.random() < 0.01:
            the_sale_goes_on(floor, chance)
        block = floor.state.run
        frozen = floor.state.lots[block.lot_id].lot if block is not None else None
        if console.connected:
            before = len(floor.log)
            console.speak(floor)
            check_nothing_overwritten(floor, before, latest)
        if block is not None:
            assert floor.state.lots[block.lot_id].lot is frozen, "the running lot was altered"
    for console in consoles:
        console.speak(floor)
    for console in consoles:
        console.listen(floor)
        assert console.state.queue == floor.state.queue
        assert console.state.lots.keys() == floor.state.lots.keys()
        for lot_id, known in floor.state.lots.items():
            mine = console.state.lots[lot_id]
            assert (mine.lot, mine.backstage, mine.version, mine.status) == (
                known.lot, known.backstage, known.version, known.status,
            )  # fmt: skip
    answered = sum(console.accepted + len(console.refused) for console in consoles)
    assert answered == EDITS, "an edit was neither taken nor refused"
    codes = {refusal.code for console in consoles for _, refusal in console.refused}
    assert {"stale", "after_gone", "on_block"} <= codes, codes
    assert sum(console.accepted for console in consoles) > EDITS // 2


def the_sale_goes_on(floor: Floor, chance: random.Random) -> None:
    if floor.state.run is None:
        floor.say(cm.StartAuction(), OWNER)
        return
    if chance.random() < 0.7:
        floor.say(cm.PlaceBid(run_id=floor.run.run_id, amount_cents=floor.run.asking_cents + 5_000, kind="max"), ANA)
    floor.say(cm.RingBell(run_id=floor.run.run_id), PLATFORM, floor.run.ends_at)


def check_nothing_overwritten(floor: Floor, before: int, latest: dict[tuple[str, str], int]) -> None:
    """Versions of a lot only grow, field by field."""
    for _, raw in floor.log[before:]:
        event = decode_event(raw)
        if isinstance(event, ev.LotEdited | ev.LotBackstageEdited):
            for name in FIELDS:
                if getattr(event.changes, name) is not getattr(LotChanges(), name):
                    assert event.version > latest.get((event.lot_id, name), 1)
                    latest[event.lot_id, name] = event.version
