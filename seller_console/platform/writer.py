"""How turns become durable: one thread, one transaction for whatever is waiting.

Promises: turns are kept in the order they were put; `on_kept` and `on_failed`
run on the event loop, in that same order; after a failure everything put before
the failure was handled is refused with it (it was decided on a state that never
came to be). Bound of the queue: the callers' own (each waits for its answer).
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from .log import HeadMoved, Log, LogUnwritable, Snapshot, Turn

_T = TypeVar("_T")

logger = logging.getLogger(__name__)

_BATCH_MAX = 2000


@dataclass(frozen=True)
class _Probe:
    on_answer: Callable[[bool], None]


@dataclass(frozen=True)
class _Stop:
    pass


_Put = tuple[int, Turn | Snapshot | _Probe | _Stop]


class Writer:
    """`generation` numbers the failures: turns of an older one are dropped unwritten."""

    def __init__(
        self,
        log: Log,
        loop: asyncio.AbstractEventLoop,
        on_kept: Callable[[int], None],
        on_failed: Callable[[Exception], None],
    ) -> None:
        self._log = log
        self._loop = loop
        self._on_kept = on_kept
        self._on_failed = on_failed
        self._queue: queue.SimpleQueue[_Put] = queue.SimpleQueue()
        self._generation = 0
        self._thread = threading.Thread(target=self._work, name=f"log of {log.path.stem}", daemon=True)
        self._thread.start()

    def put(self, turn: Turn) -> None:
        self._queue.put((self._generation, turn))

    def put_snapshot(self, snapshot: Snapshot) -> None:
        """Kept only if every turn put before it is."""
        self._queue.put((self._generation, snapshot))

    def probe(self, on_answer: Callable[[bool], None]) -> None:
        self._queue.put((self._generation, _Probe(on_answer)))

    def forgive(self) -> None:
        """The failure has been handled on the loop: turns put from now on are written again."""
        self._generation += 1

    async def stop(self) -> None:
        """Returns when everything put before is written or failed."""
        self._queue.put((self._generation, _Stop()))
        await asyncio.get_running_loop().run_in_executor(None, self._thread.join)

    # --- on the writer's thread -------------------------------------------------------

    def _work(self) -> None:
        failed = -1
        while True:
            puts: list[_Put] = [self._queue.get()]
            while len(puts) < _BATCH_MAX:
                try:
                    puts.append(self._queue.get_nowait())
                except queue.Empty:
                    break
            turns: list[Turn] = []
            for generation, put in puts:
                if isinstance(put, Turn):
                    if generation > failed:
                        turns.append(put)
                    continue
                if turns:
                    failed = self._keep(turns, generation, failed)
                    turns = []
                if isinstance(put, _Stop):
                    return
                self._aside(put, stale=generation <= failed)
            if turns:
                failed = self._keep(turns, puts[-1][0], failed)

    def _keep(self, turns: Sequence[Turn], generation: int, failed: int) -> int:
        """Answers the generation that has failed (unchanged when all went well)."""
        try:
            self._log.append(turns)
        except (HeadMoved, LogUnwritable) as error:
            logger.error("commit_failed turns=%d why=%r", len(turns), str(error))
            self._tell(self._on_failed, error)
            return generation
        self._tell(self._on_kept, len(turns))
        return failed

    def _aside(self, put: Snapshot | _Probe | _Stop, *, stale: bool) -> None:
        if isinstance(put, Snapshot) and not stale:
            try:
                self._log.save_snapshot(put)
            except LogUnwritable as error:
                logger.warning("snapshot_not_kept seq=%d why=%r", put.seq, str(error))
        elif isinstance(put, _Probe):
            try:
                self._log.probe()
            except LogUnwritable:
                self._tell(put.on_answer, False)
            else:
                self._tell(put.on_answer, True)

    def _tell(self, callback: Callable[[_T], None], value: _T) -> None:
        try:
            self._loop.call_soon_threadsafe(callback, value)
        except RuntimeError:
            # The loop has closed: nobody is left to be told. What is kept is kept.
            logger.info("loop_closed_before_answer")
