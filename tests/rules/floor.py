"""A sale floor for the tests: one show, its log, and short words to act on it.

Every command goes through `say`, which also checks what must hold of any command at all:
a refusal changes nothing, deciding changes nothing, every event can be written and read back.
"""

from __future__ import annotations

from typing import Any

import msgspec

from seller_console.contract import commands as cm
from seller_console.contract import events as ev
from seller_console.contract.codec import decode_event, encode
from seller_console.contract.words import LotBackstage, LotDraft, Preset, Refusal, Who
from seller_console.sale.audience import may_see
from seller_console.sale.fold import apply
from seller_console.sale.show import decide
from seller_console.sale.state import Run, ShowState

_packer = msgspec.msgpack.Encoder()

OWNER = Who(person="vera", role="owner", nickname="Vera")
MARIE = Who(person="marie", role="producer", nickname="Marie")
MODO = Who(person="modo", role="moderator", nickname="Modo")
PLATFORM = Who(person="platform", role="owner", nickname="")
SEED = "5eed" * 16


def buyer(name: str) -> Who:
    return Who(person=name, role="buyer", nickname=name.capitalize())


ANA, BEN, CLEO, DAN = map(buyer, ("ana", "ben", "cleo", "dan"))


def snapshot(state: ShowState) -> bytes:
    return _packer.encode(state)


class Floor:
    """A live show with a few buyers; `now` is the platform's clock."""

    def __init__(
        self, *buyers: Who, live: bool = True, preset: Preset | None = None, strict: bool = True, **opened: Any
    ) -> None:
        self.state = ShowState()
        self.log: list[tuple[int, bytes]] = []
        self.now = 1_000_000
        self.strict = strict
        self.ok(cm.OpenShow(show_id="show", title="Soirée cartes", preset=preset or Preset(), **opened), OWNER)
        for who in (MARIE, MODO, *(buyers or (ANA, BEN, CLEO, DAN))):
            self.ok(cm.Join(), who)
        if live:
            self.ok(cm.GoLive(), OWNER)

    def say(self, command: cm.Command, who: Who, at: int | None = None) -> tuple[ev.Event, ...] | Refusal:
        if at is not None:
            self.now = at
        before = snapshot(self.state) if self.strict else b""
        answer = decide(self.state, command, who, self.now)
        if self.strict:
            assert snapshot(self.state) == before, "deciding changed the state"
        if isinstance(answer, Refusal):
            return answer
        for event in answer:
            raw = encode(event)
            assert decode_event(raw) == event
            apply(self.state, event, self.now)
            self.log.append((self.now, raw))
        return answer

    def ok(self, command: cm.Command, who: Who, at: int | None = None) -> tuple[ev.Event, ...]:
        answer = self.say(command, who, at)
        assert not isinstance(answer, Refusal), answer
        return answer

    def no(self, code: str, command: cm.Command, who: Who, at: int | None = None) -> Refusal:
        answer = self.say(command, who, at)
        assert isinstance(answer, Refusal), answer
        assert answer.code == code, answer
        return answer

    # --- short words ------------------------------------------------------------

    def wait(self, ms: int) -> None:
        self.now += ms

    def lot(self, title: str = "Carte", *, reserve: int = 0, opening: int = 1, **fields: Any) -> str:
        """Adds a lot at the tail; euros. Its id."""
        secrets = fields.pop("backstage", LotBackstage(reserve_cents=reserve * 100))
        draft = LotDraft(title=title, opening_cents=opening * 100, backstage=secrets, **fields)
        added = self.ok(cm.AddLot(lot=draft), OWNER)[0]
        assert isinstance(added, ev.LotAdded)
        return added.lot.lot_id

    def pdd(self, lot_id: str = "", **fields: Any) -> Run:
        self.ok(cm.StartAuction(lot_id=lot_id, **fields), OWNER)
        return self.run

    @property
    def run(self) -> Run:
        assert self.state.run is not None
        return self.state.run

    def _bid(self, euros: int, kind: Any) -> cm.PlaceBid:
        run_id = self.state.current_run or self.state.last_run or ""
        return cm.PlaceBid(run_id=run_id, amount_cents=euros * 100, kind=kind)

    def bid(self, who: Who, euros: int, kind: Any = "tap", at: int | None = None) -> tuple[ev.Event, ...]:
        return self.ok(self._bid(euros, kind), who, at)

    def no_bid(self, code: str, who: Who, euros: int, kind: Any = "tap", at: int | None = None) -> Refusal:
        return self.no(code, self._bid(euros, kind), who, at)

    def bell(self, at: int | None = None) -> tuple[ev.Event, ...]:
        """The bell, rung exactly at `ends_at` unless told otherwise."""
        run = self.run
        return self.ok(cm.RingBell(run_id=run.run_id), PLATFORM, run.ends_at if at is None else at)

    def sell(self, who: Who, euros: int = 5, lot_id: str = "", kind: Any = "exact") -> str:
        """Runs a whole auction that `who` wins. The sale's id."""
        self.pdd(lot_id)
        self.bid(who, euros, kind)
        hammered = self.bell()[0]
        assert isinstance(hammered, ev.Hammered) and hammered.sold
        return hammered.sale_id

    def tick(self, ms: int = 0, present: tuple[str, ...] = ()) -> tuple[ev.Event, ...]:
        """The platform's timers, `ms` later."""
        self.wait(ms)
        return self.ok(cm.LapseTimers(present=present), PLATFORM)

    @property
    def price(self) -> int:
        """Euros."""
        return self.run.price_cents // 100

    @property
    def leader(self) -> str | None:
        return self.run.leader

    def run_of(self, sale_id: str) -> Run:
        return self.state.runs[self.state.sales[sale_id].run_id]

    @classmethod
    def watching(cls, other: Floor, who: Who) -> Floor:
        """A console's own fold of `other`, on which commands are tried dry."""
        console = cls.__new__(cls)
        console.state, console.log, console.now, console.strict = other.seen_by(who), [], other.now, True
        return console

    # --- folds --------------------------------------------------------------------

    def replayed(self) -> ShowState:
        """The log, read back from its bytes, folded anew."""
        state = ShowState()
        for at, raw in self.log:
            apply(state, decode_event(raw), at)
        return state

    def seen_by(self, who: Who) -> ShowState:
        """The fold of the rows `who` may see."""
        state = ShowState()
        for at, raw in self.log:
            event = decode_event(raw)
            if may_see(event.audience(), who):
                apply(state, event, at)
        return state
