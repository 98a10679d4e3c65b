"""A desk on a real sale floor: the rules decide, the desk hears what its role may hear, time stands still."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from seller_console.contract import events as e
from seller_console.contract.commands import Command
from seller_console.contract.words import Accepted, Preset, Refusal, Who
from seller_console.link.waiting import KeptEdit
from seller_console.sale.audience import may_see
from tests.rules.floor import OWNER, Floor
from ui.desk import Desk
from ui.values import Connection, ImportDryRun
from ui.wires import Answered, NoWires


class FloorWires(NoWires):
    """The desk's road to the floor; orders to the engine are only remembered."""

    def __init__(self, floor: DeskFloor) -> None:
        self._floor = floor
        self.said: list[Command] = []
        self.keys: list[str] = []
        self.waiting: dict[str, tuple[KeptEdit, ...]] = {}
        self.told: list[Any] = []
        self.kept: dict[str, object] = {}
        self.silent = False
        self.picture = "/pictures/x.jpg"
        self.air: list[str] = []
        self.crowd: list[bool] = []
        self.only_kept: list[Any] = []
        self.secrets: dict[str, str] = {}

    def say(
        self,
        command: Command,
        answered: Answered,
        *,
        patience_s: float | None = None,
        in_turn: bool = False,
        key: str = "",
    ) -> None:
        self.said.append(command)
        self.keys.append(key)
        if self.silent:
            return
        answer = self._floor.hear(command)
        answered(answer)

    def keep_edits(self, show_id: str, edits: tuple[KeptEdit, ...]) -> None:
        self.waiting[show_id] = edits

    def tell(self, command: Any) -> None:
        self.told.append(command)

    def keep(self, command: Any) -> None:
        self.only_kept.append(command)

    def keep_secret(self, name: str, secret: str) -> None:
        if secret:
            self.secrets[name] = secret
        else:
            self.secrets.pop(name, None)

    def secret(self, name: str, got: Callable[[str], None]) -> None:
        got(self.secrets.get(name, ""))

    def simulate_public(self, wanted: bool) -> None:
        self.crowd.append(wanted)

    def go_on_air(self) -> None:
        self.air.append("on")

    def keep_on_air(self) -> None:
        self.air.append("kept")

    def leave_air(self) -> None:
        self.air.append("off")

    def take_picture(self, taken: Callable[[str], None]) -> None:
        taken(self.picture)

    def read_inventory(self, path: Path, read: Callable[[ImportDryRun], None]) -> None:
        from ui.importing import dry_run

        read(dry_run(path))

    def local_picture(self, path: str) -> str:
        return path

    def remember(self, **settings: object) -> None:
        self.kept.update(settings)

    def remembered(self, name: str) -> object:
        return self.kept.get(name, "")


class DeskFloor:
    def __init__(self, *, live: bool = True, preset: Preset | None = None, who: Who = OWNER) -> None:
        self.who = who
        self._seq = itertools.count(1)
        self._fed = 0
        self.floor = Floor(live=live, preset=preset, strict=False)
        self.wires = FloorWires(self)
        self.desk = Desk(self.wires, monotonic=lambda: self.floor.now / 1000)
        self.desk.begin_feed(who, "http://x/s/show")
        self.desk.take_connection(Connection("connected"))
        self.feed()

    def hear(self, command: Command) -> Accepted | Refusal:
        """A command of this desk's own person."""
        answer = self.floor.say(command, self.who)
        if isinstance(answer, Refusal):
            return answer
        made: dict[str, str] = {}
        for event in answer:
            if isinstance(event, e.LotAdded):
                made["lot_id"] = event.lot.lot_id
        self.feed(flush=False)
        return Accepted(seq=self.desk._seq, at_ms=self.floor.now, made=made)

    def ok(self, command: Command, who: Who) -> None:
        self.floor.ok(command, who)
        self.feed()

    def feed(self, *, flush: bool = True) -> None:
        """What the platform committed since, as far as this desk may see it."""
        from seller_console.contract.codec import decode_event

        for at_ms, raw in self.floor.log[self._fed :]:
            seq = next(self._seq)
            event = decode_event(raw)
            if may_see(event.audience(), self.who):
                self.desk.take(e.Stamped(seq=seq, at_ms=at_ms, event=event))
        self._fed = len(self.floor.log)
        if flush:
            self.desk.flush()

    def pass_ms(self, ms: int) -> None:
        """Time passes for everyone; what is due is said by the platform."""
        self.floor.now += ms
        self.desk._time_passed()
