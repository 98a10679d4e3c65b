"""Seller and producer at one queue, through a real platform, the producer's line cut again and again.

Each edits what it sees, as fast as its answers come; lots run meanwhile. Afterwards: every edit has
exactly one answer, all folds hold the same queue, each field holds the last value that was accepted
for it, and no lot was altered (but for its notes) while it was on the block.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec

from seller_console.contract import commands as c
from seller_console.contract import events as e
from seller_console.contract import routes
from seller_console.contract.media import RuntimeFile
from seller_console.contract.words import NOTE_FIELDS, Accepted, LotChanges, LotDraft, Preset, Refusal, Who
from seller_console.link.platform import Address, PlatformClient, RoadState
from seller_console.sale.fold import apply
from seller_console.sale.state import ShowState
from tests.fakes.cut_line import CutLine, line_to


class Screen:
    """A console's fold, and every row it was made of."""

    def __init__(self) -> None:
        self.state = ShowState()
        self.rows: list[e.Stamped] = []
        self.road = "connecting"

    def road_changed(self, state: RoadState) -> None:
        self.road = state.state

    def feed_began(self, show_id: str, who: Who) -> None:
        self.state, self.rows = ShowState(), []

    def row(self, stamped: e.Stamped) -> None:
        self.rows.append(stamped)
        apply(self.state, stamped.event, stamped.at_ms)

    def caught_up(self, seq: int) -> None:
        return

    def passing(self, passing: Any) -> None:
        return

    def clock(self, offset_ms: float, rtt_ms: float) -> None:
        return


@dataclass
class Outcome:
    """What came of it. `broken` names every promise that did not hold."""

    asked: int = 0
    accepted: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    cuts: int = 0
    runs: int = 0
    lots: int = 0
    broken: list[str] = field(default_factory=list)
    waited: int = 0
    """Edits of the producer without an answer when the line came back."""
    replayed_s: float = 0.0
    """From then until the last of them was answered."""


class Editor:
    """One person at one console, editing by seed."""

    def __init__(self, name: str, client: PlatformClient, screen: Screen, seed: int) -> None:
        self.name, self.client, self.screen = name, client, screen
        self.random = Random(f"{name}:{seed}")
        self.answers: list[tuple[c.Command, Accepted | Refusal]] = []
        self.asked = 0

    async def edit(self, count: int, others: int = 4) -> None:
        """Several edits wait at once, as they do while the line is down."""
        waiting: set[asyncio.Task[None]] = set()
        for number in range(count):
            command = self._next(number)
            waiting.add(asyncio.create_task(self._one(command)))
            if len(waiting) >= others:
                _, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if waiting:
            await asyncio.wait(waiting)

    async def edit_on(self, over: asyncio.Event, every_s: float) -> None:
        """An edit now and then until `over`, whether the ones before were answered or not."""
        number = 0
        async with asyncio.TaskGroup() as tasks:
            while not over.is_set():
                tasks.create_task(self._one(self._next(number)))
                number += 1
                self.asked = number
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(over.wait(), every_s * (0.5 + self.random.random()))

    async def _one(self, command: c.Command) -> None:
        self.answers.append((command, await self.client.say_in_turn(command)))

    def _next(self, number: int) -> c.Command:
        rng, state = self.random, self.screen.state
        known = [lot for lot in state.lots.values() if lot.status in {"queued", "on_block"}]
        removed = [lot.lot.lot_id for lot in state.lots.values() if lot.status == "removed"]
        pick = rng.random()
        if pick < 0.06 or len(known) < 12:
            return c.AddLot(lot=LotDraft(title=f"{self.name} {number}", preset=Preset(duration_ms=5_000)))
        lot = rng.choice(known)
        if pick < 0.60:
            return c.EditLot(lot_id=lot.lot.lot_id, seen_version=lot.version, changes=self._changes(number))
        if pick < 0.88:
            after = rng.choice([None, *(other.lot.lot_id for other in known)])
            return c.MoveLot(lot_id=lot.lot.lot_id, after=after)
        if pick < 0.93:
            return c.RemoveLot(lot_id=lot.lot.lot_id)
        if removed:
            return c.RestoreLot(lot_id=rng.choice(removed))
        return c.MoveLot(lot_id=lot.lot.lot_id, after=None)

    def _changes(self, number: int) -> LotChanges:
        word = f"{self.name} {number}"
        return self.random.choice(
            (
                LotChanges(title=word),
                LotChanges(description=word),
                LotChanges(cost_cents=number),
                LotChanges(host_note=word),
                LotChanges(producer_note=word),
                LotChanges(title=word, place=word),
            )
        )


Act = Callable[[list[Editor], CutLine], Awaitable[None]]


async def play(place: RuntimeFile, *, edits: int, seed: int, cut_every_s: float) -> Outcome:
    """`edits` in all, half by each, the line cut again and again."""

    async def act(editors: list[Editor], line: CutLine) -> None:
        cuts = asyncio.create_task(_cut(line, cut_every_s))
        await asyncio.gather(*(editor.edit(edits // 2) for editor in editors))
        cuts.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await cuts

    return await _play(place, seed, act)


async def play_one_cut(place: RuntimeFile, *, cut_s: float, seed: int, every_s: float = 0.4) -> Outcome:
    """Both edit now and then; the producer's line is down for `cut_s`, and whatever she does meanwhile waits."""
    waited, replayed_s = 0, 0.0

    async def act(editors: list[Editor], line: CutLine) -> None:
        nonlocal waited, replayed_s
        producer = editors[1]
        over = asyncio.Event()
        at_work = [asyncio.create_task(editor.edit_on(over, every_s)) for editor in editors]
        await _until(lambda: all(len(editor.answers) >= 3 for editor in editors))
        line.cut()
        await asyncio.sleep(cut_s)
        asked = producer.asked
        waited = asked - len(producer.answers)
        line.mend()
        mended = time.monotonic()
        await _until(lambda: len(producer.answers) >= asked)
        replayed_s = time.monotonic() - mended
        over.set()
        await asyncio.gather(*at_work)

    outcome = await _play(place, seed, act)
    outcome.waited, outcome.replayed_s = waited, replayed_s
    return outcome


async def _play(place: RuntimeFile, seed: int, act: Act) -> Outcome:
    """Bounded by the platform's own answers; raises TimeoutError after 15 min."""
    async with asyncio.timeout(900), line_to(urlsplit(place.url).port or 80) as line:
        pass_ = await _producer_pass(place)
        near, far, fresh = Screen(), Screen(), Screen()
        async with (
            _following(Address(place.url, place.secret), near) as seller,
            _following(Address(line.url, pass_), far) as producer,
        ):
            await _until(lambda: near.road == far.road == "connected")
            await seller.say(c.ImportLots(lots=tuple(LotDraft(title=f"Lot {n}") for n in range(40))))
            await seller.say(c.GoLive())
            editors = [Editor("Vera", seller, near, seed), Editor("Marie", producer, far, seed)]
            runs = asyncio.create_task(_run_lots(seller, near))
            await act(editors, line)
            runs.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await runs
            line.mend()
            producer.retry_now()
            last = max(answer.seq for editor in editors for _, answer in editor.answers if isinstance(answer, Accepted))
            await _until(lambda: min(_seen(near), _seen(far)) >= last and near.road == far.road == "connected")
            async with _following(Address(place.url, place.secret), fresh):
                await _until(lambda: fresh.road == "connected" and _seen(fresh) >= max(_seen(near), _seen(far)))
                await _until(lambda: len(near.rows) == len(far.rows) == len(fresh.rows))
    return _judge(editors, near, far, fresh, line)


def _seen(screen: Screen) -> int:
    return screen.rows[-1].seq if screen.rows else 0


async def _run_lots(seller: PlatformClient, screen: Screen) -> None:
    """Lots run one after the other; a run is stopped by the seller and its lot returns or not."""
    while True:
        await seller.say(c.StartAuction())
        await asyncio.sleep(0.15)
        run = screen.state.run
        if run is not None:
            await seller.say(c.VoidRun(run_id=run.run_id, reason="essai", back_to_queue=True))


async def _cut(line: CutLine, every_s: float) -> None:
    rng = Random(every_s)
    while True:
        await asyncio.sleep(every_s * (0.5 + rng.random()))
        line.cut()
        await asyncio.sleep(every_s * (0.2 + 0.5 * rng.random()))
        line.mend()


async def _producer_pass(place: RuntimeFile) -> str:
    async with httpx.AsyncClient(base_url=place.url, trust_env=False, timeout=10) as http:
        owner = {"Authorization": f"Bearer {place.secret}"}
        opened = await http.post(routes.PAIRING, json={"role": "producer"}, headers=owner)
        opened.raise_for_status()
        claimed = await http.post(routes.PAIRING_CLAIM, json={"code": opened.json()["code"], "name": "Marie"})
        claimed.raise_for_status()
        return str(claimed.json()["pass"])


@contextlib.asynccontextmanager
async def _following(address: Address, screen: Screen) -> Any:
    client = PlatformClient(address, screen)
    task = asyncio.create_task(client.run())
    try:
        yield client
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _until(done: Any) -> None:
    async with asyncio.timeout(60):
        while not done():  # noqa: ASYNC110 - any condition at all may be waited for
            await asyncio.sleep(0.02)


def _judge(editors: list[Editor], near: Screen, far: Screen, fresh: Screen, line: CutLine) -> Outcome:
    outcome = Outcome(cuts=line.cuts, lots=len(fresh.state.lots))
    for editor in editors:
        for _, answer in editor.answers:
            outcome.asked += 1
            if isinstance(answer, Accepted):
                outcome.accepted += 1
            else:
                outcome.refused[answer.code] = outcome.refused.get(answer.code, 0) + 1
    for name, screen in (("seller", near), ("producer", far)):
        if screen.state.queue != fresh.state.queue:
            outcome.broken.append(f"the {name}'s queue is not the platform's")
        if msgspec.json.encode(screen.state.lots) != msgspec.json.encode(fresh.state.lots):
            outcome.broken.append(f"the {name}'s lots are not the platform's")
    queued = {lot_id for lot_id, lot in fresh.state.lots.items() if lot.status == "queued"}
    if sorted(fresh.state.queue) != sorted(queued):
        outcome.broken.append("the queue is not a permutation of the queued lots")
    outcome.broken += _lost(editors, fresh.state)
    outcome.broken += _altered_on_block(fresh.rows)
    outcome.runs = sum(isinstance(row.event, e.RunOpened) for row in fresh.rows)
    return outcome


def _lost(editors: list[Editor], state: ShowState) -> list[str]:
    """An accepted lot that is not there; a field that does not hold the last value accepted for it."""
    broken = []
    last: dict[tuple[str, str], tuple[int, Any]] = {}
    for editor in editors:
        for command, answer in editor.answers:
            if not isinstance(answer, Accepted):
                continue
            if isinstance(command, c.AddLot) and answer.made["lot_id"] not in state.lots:
                broken.append(f"lot {answer.made['lot_id']} was accepted and is not there")
            if isinstance(command, c.EditLot):
                for name, value in msgspec.structs.asdict(command.changes).items():
                    slot = (command.lot_id, name)
                    if value is not msgspec.UNSET and answer.seq > last.get(slot, (0, None))[0]:
                        last[slot] = (answer.seq, value)
    for (lot_id, name), (_, value) in last.items():
        lot = state.lots[lot_id]
        held = getattr(lot.backstage, name) if hasattr(lot.backstage, name) else getattr(lot.lot, name)
        if held != value:
            broken.append(f"{name} of {lot_id} is {held!r}, accepted last was {value!r}")
    return broken


def _altered_on_block(rows: list[e.Stamped]) -> list[str]:
    broken, on_block = [], ""
    for row in rows:
        event = row.event
        if isinstance(event, e.RunOpened):
            on_block = event.lot_id
        elif isinstance(event, e.RunVoided | e.Hammered | e.RunWithdrawn):
            on_block = ""
        elif isinstance(event, e.LotEdited | e.LotBackstageEdited) and event.lot_id == on_block:
            changed = {n for n, v in msgspec.structs.asdict(event.changes).items() if v is not msgspec.UNSET}
            if changed - NOTE_FIELDS:
                broken.append(f"{event.lot_id} was altered on the block at {row.seq}: {sorted(changed)}")
        elif isinstance(event, e.LotMoved | e.LotRemoved) and event.lot_id == on_block:
            broken.append(f"{event.lot_id} was moved or removed on the block at {row.seq}")
    return broken
