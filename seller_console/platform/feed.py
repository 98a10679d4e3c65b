"""The feed: every event of a show, in order, to anyone who may see it.

Promises: no gaps and no repeats within a connection; a reader returning with
Last-Event-ID continues where it stopped, from memory or from the log; a hidden
row leaves its bare seq. Rows are serialised once per audience and the same bytes
go to every reader of it. A reader that does not read is cut within 10 s and
comes back by itself: readers are dropped, never events.

Queue of a reader: its socket's buffer, at most READER_BYTES; when full the
reader falls behind and catches up from the tail, or is cut.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice

from ..contract.codec import encode
from ..contract.events import Heartbeat
from ..contract.words import PersonId, Role, Struct, Who
from ..sale.audience import may_see
from .clock import Clock
from .log import Log, Row
from .wire import Wire, chunk

logger = logging.getLogger(__name__)

COALESCE_FROM = 800
"""From this many readers on, rows go out every TICK_S instead of at once (a hammer always at once)."""
TICK_S = 0.05
READER_BYTES = 256 * 1024
STUCK_S = 6.0
"""A socket that takes nothing for this long while bytes wait is cut."""
SWEEP_S = 0.25
HEARTBEAT_S = 5.0
READERS_EACH: dict[Role, int] = {"owner": 32, "producer": 32, "moderator": 32, "buyer": 6}
"""Open feeds of one person: the newest stay."""
_TAIL_ROWS = 10_000
_PAGE_ROWS = 1000
_AT_ONCE = frozenset({"hammered", "run_paused", "run_voided", "run_withdrawn"})
_OPEN_AUDIENCES = frozenset({"everyone", "staff", "backstage", "platform"})


@dataclass(eq=False, slots=True)
class Reader:
    """One open connection. `position` is the last seq written to its socket."""

    who: Who
    wire: Wire
    position: int
    behind: bool = True
    waiting_bytes: int = 0
    moved_at_s: float = field(default=0.0)
    """When its socket last took something, or had nothing to take."""


def row_bytes(row: Row) -> bytes:
    return (
        f'id: {row.seq}\nevent: row\ndata: {{"seq":{row.seq},"at_ms":{row.at_ms},"event":{row.event}}}\n\n'
    ).encode()


def bare_bytes(row: Row) -> bytes:
    return b"id: %d\n\n" % row.seq


def passing_bytes(event: Struct) -> bytes:
    return b"event: passing\ndata: " + encode(event) + b"\n\n"


def rows_for(rows: Sequence[Row], who: Who) -> bytes:
    return b"".join(row_bytes(row) if may_see(row.audience, who) else bare_bytes(row) for row in rows)


class Feed:
    """Of one show. `on_readers` is called when somebody comes or goes."""

    def __init__(self, log: Log, clock: Clock, head: int, on_readers: Callable[[], None] = lambda: None) -> None:
        self._log = log
        self._clock = clock
        self.head = head
        self.on_readers = on_readers
        self.readers: set[Reader] = set()
        self.cut = 0
        """Readers cut for not reading, since the start."""
        self._tail: deque[Row] = deque(maxlen=_TAIL_ROWS)
        self._unsent: list[Row] = []
        self._by_person: dict[PersonId, list[Reader]] = {}
        """In the order they came; also those that have not caught up yet."""
        self._loop = asyncio.get_running_loop()
        self._tick: asyncio.TimerHandle | None = None
        self._closed = False
        self._sweep_timer = self._loop.call_later(SWEEP_S, self._sweep)
        self._heartbeat_at_s = self._loop.time() + HEARTBEAT_S

    # --- rows going out ---------------------------------------------------------------

    def publish(self, rows: Sequence[Row]) -> None:
        """Committed rows, in order."""
        if not rows:
            return
        self._tail.extend(rows)
        self._unsent.extend(rows)
        self.head = rows[-1].seq
        if len(self.readers) < COALESCE_FROM or any(row.kind in _AT_ONCE for row in rows):
            self._flush()
        elif self._tick is None:
            self._tick = self._loop.call_later(TICK_S, self._flush)

    def _flush(self) -> None:
        if self._tick is not None:
            self._tick.cancel()
            self._tick = None
        rows, self._unsent = self._unsent, []
        if not rows or not self.readers:
            return
        named = {row.audience.partition(":")[2] for row in rows if row.audience not in _OPEN_AUDIENCES}
        by_role: dict[Role, bytes] = {}
        by_person: dict[PersonId, bytes] = {}
        head = rows[-1].seq
        for reader in self.readers:
            if reader.behind:
                continue
            who = reader.who
            if who.person in named:
                framed = by_person.get(who.person)
                if framed is None:
                    framed = by_person[who.person] = chunk(rows_for(rows, who))
            else:
                framed = by_role.get(who.role)
                if framed is None:
                    framed = by_role[who.role] = chunk(rows_for(rows, who))
            if reader.wire.buffered() > READER_BYTES:
                reader.behind = True
                continue
            reader.wire.write(framed)
            reader.position = head

    def pass_by(self, event: Struct, audience: str = "everyone") -> None:
        """To whoever is connected and keeps up; never kept, never resumed."""
        framed = chunk(passing_bytes(event))
        for reader in self.readers:
            if not reader.behind and may_see(audience, reader.who):
                reader.wire.write(framed)

    def pass_to(self, reader: Reader, event: Struct) -> None:
        reader.wire.write(chunk(passing_bytes(event)))

    # --- a reader comes, stays, goes ------------------------------------------------------

    async def attach(self, who: Who, wire: Wire, after: int) -> Reader | None:
        """Everything after `after` is written, then the reader follows; the caller calls `detach`.

        None: the socket closed, or took nothing for STUCK_S, before the reader had caught up.
        """
        reader = Reader(who, wire, after, moved_at_s=self._loop.time())
        self._enter(reader)
        try:
            followed = await self._follow(reader)
        except BaseException:
            self._leave(reader)
            raise
        if not followed:
            self._leave(reader)
            return None
        return reader

    def _enter(self, reader: Reader) -> None:
        theirs = self._by_person.setdefault(reader.who.person, [])
        theirs.append(reader)
        while len(theirs) > READERS_EACH[reader.who.role]:
            oldest = theirs.pop(0)
            oldest.wire.abort()
            self.detach(oldest)

    def _leave(self, reader: Reader) -> None:
        theirs = self._by_person.get(reader.who.person, [])
        if reader in theirs:
            theirs.remove(reader)
        if not theirs:
            self._by_person.pop(reader.who.person, None)

    async def _follow(self, reader: Reader) -> bool:
        who, wire = reader.who, reader.wire
        wire.write(chunk(b"retry: 1000\n\n" + passing_bytes(Heartbeat(server_ms=self._clock.now_ms()))))
        while not self._in_tail(reader.position):
            page = await self._loop.run_in_executor(None, self._log.rows, reader.position, _PAGE_ROWS, self.head)
            if not page or not await self._room_in(reader):
                wire.abort()
                return False
            wire.write(chunk(rows_for(page, who)))
            reader.position = page[-1].seq
        if wire.closing or self._closed:
            wire.end()
            return False
        self.readers.add(reader)
        self._catch_up(reader)
        self.on_readers()
        return True

    async def _room_in(self, reader: Reader) -> bool:
        """Waits until the socket has taken most of what was written; False: it is closed or stuck."""
        while reader.wire.buffered() > READER_BYTES and not self._closed:
            if self._is_stuck(reader):
                self.cut += 1
                return False
            await asyncio.sleep(SWEEP_S / 10)
        return not (reader.wire.closing or self._closed)

    def _is_stuck(self, reader: Reader) -> bool:
        """Bytes have waited for STUCK_S and the socket took none of them."""
        now_s = self._loop.time()
        waiting = reader.wire.buffered()
        if waiting == 0 or waiting < reader.waiting_bytes:
            reader.moved_at_s = now_s
        reader.waiting_bytes = waiting
        return waiting > 0 and now_s - reader.moved_at_s > STUCK_S

    def detach(self, reader: Reader) -> None:
        self._leave(reader)
        if reader in self.readers:
            self.readers.discard(reader)
            self.on_readers()

    def _in_tail(self, position: int) -> bool:
        """Memory has every row after `position`."""
        return position >= self.head or (bool(self._tail) and position >= self._tail[0].seq - 1)

    def _catch_up(self, reader: Reader) -> None:
        """From memory, as far as its socket's buffer allows."""
        while reader.position < self.head and reader.wire.buffered() <= READER_BYTES:
            start = max(0, reader.position + 1 - self._tail[0].seq)
            rows = list(islice(self._tail, start, start + _PAGE_ROWS))
            reader.wire.write(chunk(rows_for(rows, reader.who)))
            reader.position = rows[-1].seq
        if reader.position >= self.head:
            # This reader has the rows that wait for the tick: the others get them before it follows.
            self._flush()
            reader.behind = False

    # --- once in a while ---------------------------------------------------------------------

    def _sweep(self) -> None:
        if self._closed:
            return
        now_s = self._loop.time()
        for reader in list(self.readers):
            stuck = self._is_stuck(reader)
            if reader.wire.closing:
                self.detach(reader)
            elif stuck:
                self._cut(reader, "stuck")
            elif reader.behind and not self._in_tail(reader.position):
                self._cut(reader, "too_far_behind")
            elif reader.behind and reader.waiting_bytes < READER_BYTES // 2:
                self._catch_up(reader)
        if now_s >= self._heartbeat_at_s:
            self._heartbeat_at_s = now_s + HEARTBEAT_S
            self.pass_by(Heartbeat(server_ms=self._clock.now_ms()))
        self._sweep_timer = self._loop.call_later(SWEEP_S, self._sweep)

    def _cut(self, reader: Reader, why: str) -> None:
        self.cut += 1
        logger.info("reader_cut why=%s role=%s seq=%d head=%d", why, reader.who.role, reader.position, self.head)
        reader.wire.abort()
        self.detach(reader)

    def present(self) -> tuple[PersonId, ...]:
        """Buyers with the feed open, in a stable order."""
        return tuple(sorted({reader.who.person for reader in self.readers if reader.who.role == "buyer"}))

    def close(self) -> None:
        self._closed = True
        self._sweep_timer.cancel()
        if self._tick is not None:
            self._tick.cancel()
        for reader in list(self.readers):
            reader.wire.end()
        self.readers.clear()
        self._by_person.clear()
