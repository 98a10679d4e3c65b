"""The single writer of a show: the order in which things happened, and when.

`say()` stamps a command and takes its turn in one step of the event loop, so the
order of stamps is the order of turns (rule 2). It decides on the speculative
state and applies at once; the answer is given, and rows are published, only after
their commit. The closing bell and every timer come by the same road.

Promises: a command is answered once per (person, key), refusals included (rule
14); a failed commit refuses the whole batch and everything decided on it, the
state is folded again from the log, the running lot stops where it was and
everyone is told; it goes on by itself once the log can be written again.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
import secrets
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple, TypeVar, get_args

import msgspec

from ..contract import commands as c
from ..contract import events as e
from ..contract.codec import Unreadable, decode_accepted, decode_event, decode_refusal, encode
from ..contract.words import Accepted, PersonId, Refusal, Struct, Who
from ..sale.fold import apply
from ..sale.show import decide
from ..sale.state import ShowState
from .clock import Clock
from .log import Answer, Damaged, KeptPass, Log, LogUnwritable, NewerLog, Row, Snapshot, Turn
from .snapshots import FINGERPRINT, BadSnapshot, decode_state, encode_state
from .writer import Writer

_T = TypeVar("_T")

logger = logging.getLogger(__name__)

PLATFORM = Who(person="platform", role="owner", nickname="")
"""Who says the bell, the timers and what the platform itself observed."""
ROWS_PER_SNAPSHOT = 5000
ROWS_PER_CHECKPOINT = 1000
PAUSE_MS = 120_000
"""When to ask the rules about a pause (rule 15); what then happens is theirs to say."""
_ANSWERS_REMEMBERED = 20_000
_PROBE_EVERY_S = 0.5
ACCEPTED_STATUS = 200


class Unavailable(Exception):
    """Not now (503): nothing was kept and no answer is remembered. `code` is stable."""

    def __init__(self, code: str, retry_after_s: int = 1) -> None:
        super().__init__(code)
        self.code = code
        self.retry_after_s = retry_after_s


KEY_REUSED = Refusal(code="key_reused", sentence="Cette clé a déjà servi pour une autre demande.")


@dataclass(slots=True)
class _Waiting:
    """A turn on its way to the disk."""

    turn: Turn
    answer: Accepted | Refusal
    future: asyncio.Future[Accepted | Refusal]
    slot: tuple[PersonId, str] | None


class Folded(NamedTuple):
    """What a log says, read once: on any thread."""

    state: ShowState
    head: int
    snapshot_seq: int
    """Of the snapshot the fold began with; 0: none."""

    @staticmethod
    def of(log: Log, upto: int = 2**62) -> Folded:
        """Raises Damaged, or NewerLog for a row of a kind this program does not know."""
        state, began = _from_snapshot(log, upto)
        head = began
        for row in log.every_row(began, upto):
            try:
                event = decode_event(row.event)
            except Unreadable as error:
                found = NewerLog if row.kind not in _KINDS else Damaged
                raise found(f"{log.path.name}: row {row.seq} ({row.kind}): {error}") from error
            apply(state, event, row.at_ms)
            head = row.seq
        return Folded(state, head, began)


def _from_snapshot(log: Log, upto: int) -> tuple[ShowState, int]:
    """Where a fold may begin; a snapshot the disk did not keep well is left, the rows say it all."""
    snapshot = log.snapshot(FINGERPRINT)
    if snapshot is None or snapshot.seq > upto:
        return ShowState(), 0
    try:
        return decode_state(snapshot.state), snapshot.seq
    except BadSnapshot as error:
        logger.warning("snapshot_not_used log=%s seq=%d why=%r", log.path.name, snapshot.seq, str(error))
        return ShowState(), 0


def slots_of(log: Log) -> set[int]:
    """Every (person, key) that has an answer, as hashes."""
    return {hash(slot) for slot in log.answered()}


class Salesroom:
    """One per show, on the event loop's thread. `on_rows` hears committed rows in order;
    `on_halt(True)` says that the log cannot be written, `on_halt(False)` that it can again."""

    def __init__(
        self,
        log: Log,
        clock: Clock,
        *,
        folded: Folded | None = None,
        answered: set[int] | None = None,
        on_rows: Callable[[Sequence[Row]], None] = lambda rows: None,
        on_halt: Callable[[bool], None] = lambda halted: None,
        present: Callable[[], tuple[PersonId, ...]] = lambda: (),
        before_bell: Callable[[int], Struct | None] = lambda now_ms: None,
    ) -> None:
        self.log = log
        self.clock = clock
        self.on_rows = on_rows
        self.on_halt = on_halt
        self.present = present
        self.before_bell = before_bell
        """Asked when a bell is due: a command (LosePicture) to be said before it, or None."""
        self.halted_at_ms = 0
        """Platform time at which the log could no longer be written; 0 = it can."""
        self._closing = False
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[_Waiting] = deque()
        self._by_slot: dict[tuple[PersonId, str], _Waiting] = {}
        self._remembered: OrderedDict[tuple[PersonId, str], tuple[bytes, Accepted | Refusal]] = OrderedDict()
        self._answered = slots_of(log) if answered is None else answered
        self._due: list[int] = []
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at_ms = 0
        self._since_snapshot = 0
        self._since_checkpoint = 0
        self._checkpoint: asyncio.Future[None] | None = None
        self.state = ShowState()
        self.head = 0
        """Of the speculative state."""
        self._take(folded or Folded.of(log))
        self.committed = self.head
        clock.not_before(log.head()[1])
        self._writer = Writer(log, self._loop, self._kept, self._failed)
        self._arm()

    # --- a command ------------------------------------------------------------------

    def say(
        self, who: Who, command: Struct, key: str = "", kept_pass: KeptPass | None = None
    ) -> asyncio.Future[Accepted | Refusal]:
        """Stamp and turn in this very step; the future resolves after the commit.

        It raises Unavailable when the log cannot be written (nothing happened).
        Without a key nothing is remembered (the platform's own commands).
        """
        future: asyncio.Future[Accepted | Refusal] = self._loop.create_future()
        if self._closing or self.halted_at_ms:
            future.set_exception(Unavailable("closing" if self._closing else "log_unwritable"))
            return future
        slot, body = ((who.person, key), digest(command)) if key else (None, b"")
        if slot is not None and hash(slot) in self._answered:
            again = self._again(slot, body)
            if again is not None:
                return again
        self._turn(who, command, self.clock.now_ms(), slot, body, kept_pass, future)
        return future

    def _turn(
        self,
        who: Who,
        command: Struct,
        at_ms: int,
        slot: tuple[PersonId, str] | None,
        body: bytes,
        kept_pass: KeptPass | None,
        future: asyncio.Future[Accepted | Refusal],
    ) -> None:
        seen = self.head
        decided = decide(self.state, self._filled(command), who, at_ms)  # type: ignore[arg-type]
        rows: list[Row] = []
        answer: Accepted | Refusal
        if isinstance(decided, Refusal):
            answer = decided
        else:
            try:
                for event in decided:
                    apply(self.state, event, at_ms)
                    raw = encode(event).decode()
                    rows.append(Row(seen + len(rows) + 1, at_ms, event.audience(), tag_of(event), who.person, raw))
            except Exception:
                logger.exception("fold_broke command=%s", type(command).__name__)
                self._mend()
                raise
            self.head = seen + len(rows)
            answer = Accepted(seq=self.head, at_ms=at_ms, made=made_by(decided))
            self._mind(decided)
        kept: Answer | None = None
        if slot is not None:
            status = ACCEPTED_STATUS if isinstance(answer, Accepted) else 0
            kept = Answer(slot[0], slot[1], body, status, encode(answer))
            self._answered.add(hash(slot))
        elif not rows and kept_pass is None and not self._waiting:
            future.set_result(answer)
            return
        turn = Turn(seen, rows, kept, kept_pass)
        waiting = _Waiting(turn, answer, future, slot)
        self._waiting.append(waiting)
        if slot is not None:
            self._by_slot[slot] = waiting
        self._writer.put(turn)
        self._since_snapshot += len(rows)
        if self._since_snapshot >= ROWS_PER_SNAPSHOT:
            self._snapshot()

    def _filled(self, command: Struct) -> Struct:
        """What only the platform may put into a person's command: a seed, who is present."""
        if type(command) not in _FILLED_IN:
            return command
        if isinstance(command, c.StartGiveaway):
            return msgspec.structs.replace(command, seed=secrets.token_hex(32))
        if isinstance(command, c.DrawGiveaway | c.LapseTimers | c.EndShow):
            return msgspec.structs.replace(command, present=self.present())
        return command

    def _again(self, slot: tuple[PersonId, str], body: bytes) -> asyncio.Future[Accepted | Refusal] | None:
        """The answer already given (or on its way) for this key; None: only a hash collision."""
        future: asyncio.Future[Accepted | Refusal] = self._loop.create_future()
        waiting = self._by_slot.get(slot)
        if waiting is not None and waiting.turn.answer is not None:
            if waiting.turn.answer.body != body:
                future.set_result(KEY_REUSED)
                return future
            waiting.future.add_done_callback(lambda first: _follow(first, future))
            return future
        known = self._remembered.get(slot)
        if known is None:
            kept = self.log.answer(*slot)
            if kept is None:
                return None
            answer = decode_accepted(kept.answer) if kept.status == ACCEPTED_STATUS else decode_refusal(kept.answer)
            known = (kept.body, answer)
        future.set_result(known[1] if known[0] == body else KEY_REUSED)
        return future

    async def certain(self, look: Callable[[], _T]) -> _T:
        """What `look` saw of the state, once everything it saw is on the disk; looks again if that failed."""
        while True:
            seen = look()
            if not self._waiting:
                return seen
            last = self._waiting[-1].future
            await asyncio.wait([last])
            if not last.cancelled() and last.exception() is None:
                return seen

    # --- after the commit ----------------------------------------------------------------

    def _kept(self, turns: int) -> None:
        rows: list[Row] = []
        for _ in range(turns):
            waiting = self._waiting.popleft()
            rows.extend(waiting.turn.rows)
            if waiting.slot is not None:
                self._by_slot.pop(waiting.slot, None)
                self._remember(waiting)
            if not waiting.future.done():
                waiting.future.set_result(waiting.answer)
        if rows:
            self.committed = rows[-1].seq
            self.on_rows(rows)
            self._since_checkpoint += len(rows)
            if self._since_checkpoint >= ROWS_PER_CHECKPOINT and (self._checkpoint is None or self._checkpoint.done()):
                self._since_checkpoint = 0
                self._checkpoint = self._loop.run_in_executor(None, self._tidy)

    def _tidy(self) -> None:
        try:
            self.log.checkpoint()
        except LogUnwritable as error:
            # The commits will say so too, if it lasts.
            logger.info("checkpoint_put_off why=%r", str(error))

    def _remember(self, waiting: _Waiting) -> None:
        assert waiting.slot is not None and waiting.turn.answer is not None
        self._remembered[waiting.slot] = (waiting.turn.answer.body, waiting.answer)
        if len(self._remembered) > _ANSWERS_REMEMBERED:
            self._remembered.popitem(last=False)

    def _failed(self, error: Exception) -> None:
        """Nothing that was waiting came to be."""
        now = self.clock.now_ms()
        self.halted_at_ms = self.halted_at_ms or now
        self._writer.forgive()
        refused, self._waiting = self._waiting, deque()
        self._by_slot.clear()
        self._fold_again()
        for waiting in refused:
            if waiting.slot is not None:
                self._answered.discard(hash(waiting.slot))
            if not waiting.future.done():
                waiting.future.set_exception(Unavailable("log_unwritable"))
                # Nobody may be waiting any more (a bell, a client that hung up): not a lost error.
                waiting.future.exception()
        logger.error("show_halted show=%s refused=%d why=%r", self.state.show_id, len(refused), str(error))
        self.on_halt(True)
        self._loop.call_later(_PROBE_EVERY_S, self._try_again)

    def _try_again(self) -> None:
        if not self._closing:
            self._writer.probe(self._probed)

    def _probed(self, writable: bool) -> None:
        if self._closing or not self.halted_at_ms:
            return
        if not writable:
            self._loop.call_later(_PROBE_EVERY_S, self._try_again)
            return
        # The lot stopped when the log did: that is what the record says, then that it goes on.
        since, now = self.halted_at_ms, self.clock.now_ms()
        self.halted_at_ms = 0
        for command, at_ms in ((c.HaltRun(), since), (c.UnhaltRun(), now)):
            future: asyncio.Future[Accepted | Refusal] = self._loop.create_future()
            self._turn(PLATFORM, command, at_ms, None, b"", None, future)
            future.add_done_callback(heard)
        logger.info("show_unhalted show=%s after_ms=%d", self.state.show_id, now - since)
        self.on_halt(False)
        self._arm()

    def _fold_again(self) -> None:
        """The state is what the log says, and nothing else. Rows not yet published are published."""
        published = self.committed
        self._take(Folded.of(self.log))
        self.committed = self.head
        if 0 < published < self.head:
            self.on_rows(list(self.log.every_row(published)))

    def _take(self, folded: Folded) -> None:
        self.state, self.head, began = folded
        self._due = _all_due(self.state)
        self._since_snapshot = self.head - began

    def _mend(self) -> None:
        """A fold broke half way (a bug): the state is made again from what is kept and what waits."""
        self._take(Folded.of(self.log, upto=self.committed))
        for waiting in self._waiting:
            for row in waiting.turn.rows:
                apply(self.state, decode_event(row.event), row.at_ms)
                self.head = row.seq
        self._due = _all_due(self.state)

    def _snapshot(self) -> None:
        self._since_snapshot = 0
        self._writer.put_snapshot(Snapshot(self.head, FINGERPRINT, encode_state(self.state)))

    async def close(self) -> None:
        """Everything said so far is kept; a snapshot makes the next opening fast."""
        if self._closing:
            return
        self._closing = True
        if self._alarm is not None:
            self._alarm.cancel()
        if self._since_snapshot and not self.halted_at_ms:
            self._snapshot()
        await self._writer.stop()
        if self._checkpoint is not None:
            await self._checkpoint
        # What the writer told on its last breath is heard before the log is shut.
        await asyncio.sleep(0)
        self.log.close()

    @property
    def busy(self) -> bool:
        """A lot is on the block, something will be due, or something is on its way to the disk."""
        return self.state.run is not None or bool(self._due or self._waiting)

    # --- bells and timers --------------------------------------------------------------------

    def _mind(self, decided: Sequence[Struct]) -> None:
        """New due times come from events; a due time that no longer matters finds nothing to do."""
        for event in decided:
            if type(event) in _TIMED:
                heapq.heappush(self._due, _due_of(event, self.state))
        self._arm()

    def _next_due_ms(self) -> int:
        run = self.state.run
        bell = run.ends_at if run is not None and run.status == "running" else 0
        timer = self._due[0] if self._due else 0
        return min(bell, timer) if bell and timer else bell or timer

    def _arm(self, least_s: float = 0.0) -> None:
        """A later due time lets the alarm ring and look again; an earlier one replaces it."""
        due = self._next_due_ms()
        if not due or self._closing or self.halted_at_ms:
            return
        if self._alarm is not None:
            if self._alarm_at_ms <= due:
                return
            self._alarm.cancel()
        self._alarm_at_ms = due
        delay_s = max(least_s, (due - self.clock.now_ms()) / 1000)
        self._alarm = self._loop.call_later(delay_s, self._ring)

    def _ring(self) -> None:
        self._alarm = None
        self.tick()
        # Something due that no rule would end must not keep the loop spinning.
        self._arm(least_s=0.25 if 0 < self._next_due_ms() <= self.clock.now_ms() else 0.0)

    def tick(self) -> None:
        """Says whatever is due now. The alarm calls it; a test with its own clock may."""
        if self._closing or self.halted_at_ms:
            return
        now = self.clock.now_ms()
        run = self.state.run
        if run is not None and run.status == "running" and now >= run.ends_at:
            first = self.before_bell(now)
            if first is not None:
                self.say(PLATFORM, first).add_done_callback(heard)
            self.say(PLATFORM, c.RingBell(run_id=run.run_id)).add_done_callback(heard)
        if self._due and self._due[0] <= now:
            while self._due and self._due[0] <= now:
                heapq.heappop(self._due)
            self.say(PLATFORM, c.LapseTimers()).add_done_callback(heard)


def digest(command: Struct) -> bytes:
    """Same command, same digest, however its JSON was spaced."""
    return blake2b(encode(command), digest_size=16).digest()


_TAGS: dict[type[Struct], str] = {kind: str(kind.__struct_config__.tag) for kind in get_args(e.Event)}
_KINDS = frozenset(_TAGS.values())


def tag_of(event: Struct) -> str:
    """Its kind, as it is on the wire."""
    return _TAGS[type(event)]


_FILLED_IN = frozenset({c.StartGiveaway, c.DrawGiveaway, c.LapseTimers, c.EndShow})
_TIMED = frozenset({e.FlashStarted, e.GiveawayOpened, e.RunnerUpOffered, e.RunPaused})
_MADE = ("lot_id", "run_id", "sale_id", "line_id", "offer_id", "giveaway_id")
_MAKERS = frozenset({
    e.LotAdded, e.RunOpened, e.Hammered, e.SaleMade, e.LineSaid, e.LineMuted, e.RunnerUpOffered, e.OfferMade,
    e.GiveawayOpened,
})  # fmt: skip


def made_by(decided: Sequence[Struct]) -> dict[str, str]:
    """Ids made by a command, by name; of several lots imported, the first."""
    made: dict[str, str] = {}
    for event in decided:
        if type(event) in _MAKERS:
            source = event.lot if isinstance(event, e.LotAdded) else event
            for name in _MADE:
                value = getattr(source, name, "")
                if value:
                    made.setdefault(name, value)
    return made


def _due_of(event: Struct, state: ShowState) -> int:
    if isinstance(event, e.FlashStarted | e.GiveawayOpened):
        return event.ends_at
    if isinstance(event, e.RunnerUpOffered):
        return event.expires_at
    assert isinstance(event, e.RunPaused)
    return state.runs[event.run_id].paused_at + PAUSE_MS


def _all_due(state: ShowState) -> list[int]:
    due = [lot.flash_ends_at for lot in state.lots.values() if lot.flash_ends_at]
    due += [offer.expires_at for offer in state.runner_ups.values() if not offer.answer]
    due += [giveaway.ends_at for giveaway in state.giveaways.values() if not giveaway.drawn]
    if state.run is not None and state.run.status == "paused":
        due.append(state.run.paused_at + PAUSE_MS)
    heapq.heapify(due)
    return due


def _follow(first: asyncio.Future[Accepted | Refusal], second: asyncio.Future[Accepted | Refusal]) -> None:
    if second.done():
        return
    if first.cancelled():
        second.cancel()
    elif error := first.exception():
        second.set_exception(error)
    else:
        second.set_result(first.result())


def heard(future: asyncio.Future[Accepted | Refusal]) -> None:
    """The platform's own commands: a failed commit has already been told to everyone."""
    if not future.cancelled() and future.exception() is None and isinstance(future.result(), Refusal):
        logger.info("own_command_refused code=%s", future.result().code)  # type: ignore[union-attr]
