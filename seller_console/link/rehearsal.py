"""The simulated public of a rehearsal: `seller-console crowd --rehearsal` as a child of this console.

Promises: at most one; it enters a rehearsal only (the platform refuses it anywhere else);
it ends when asked, when the show ends, and with this console however that ends (its
standard input is ours); one that dies is started again, at most `STARTS` times a show;
every change is said. Never waits: ending is asked here and seen to by `run`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Literal

from .. import places
from .supervisor import open_log, own_session

log = logging.getLogger(__name__)

BUYERS = 14
SECONDS = 4 * 3600
"""A rehearsal that was forgotten does not go on for ever."""
STARTS = 3
LOOK_S = 0.1
STOP_S = 3.0

CrowdState = Literal["off", "here", "failed"]


class RehearsalCrowd:
    def __init__(
        self,
        on_state: Callable[[CrowdState], None],
        command: tuple[str, ...] = (sys.executable, "-m", "seller_console"),
    ) -> None:
        self._on_state = on_state
        self._command = command
        self._wanted: tuple[str, str] | None = None
        """(address, show) it is wanted at."""
        self._at: tuple[str, str] | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._starts = 0
        self._stop_by = 0.0
        self._state: CrowdState = "off"

    @property
    def state(self) -> CrowdState:
        return self._state

    @property
    def pid(self) -> int:
        """0: none runs."""
        return self._child.pid if self._child is not None else 0

    def want(self, url: str, show_id: str) -> None:
        """From now on there is one at this show."""
        if self._wanted != (url, show_id):
            self._wanted, self._starts = (url, show_id), 0

    def unwant(self) -> None:
        self._wanted = None

    async def run(self) -> None:
        """Sees to it, until cancelled; then none is left."""
        try:
            while True:
                self._look()
                await asyncio.sleep(LOOK_S)
        finally:
            self._wanted = None
            self._end()
            if self._child is not None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._child.wait(STOP_S)
                self._gone(kill=True)

    def _look(self) -> None:
        child = self._child
        if child is not None and child.poll() is not None:
            log.info("crowd_ended code=%d", child.returncode)
            if child.returncode == 0 and self._wanted == self._at:
                self._wanted = None  # it has had its evening
            self._gone()
        elif child is not None and self._wanted != self._at:
            self._end()
            if time.monotonic() > self._stop_by:
                self._gone(kill=True)
        if self._child is None:
            if self._wanted is None:
                self._say("off")
            elif self._starts < STARTS:
                self._start(self._wanted)
            else:
                self._say("failed")

    def _start(self, where: tuple[str, str]) -> None:
        url, show_id = where
        self._starts += 1
        words = ("crowd", "--rehearsal", "--url", url, "--show", show_id, "--buyers", str(BUYERS))
        # the same seed wants the same things at the same prices: a rehearsal can be played again
        more = ("--seed", "1", "--seconds", str(SECONDS))
        try:
            with open_log(places.logs() / "crowd.log") as out:
                self._child = subprocess.Popen(
                    [*self._command, *words, *more],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=out,
                    **own_session(),  # Ctrl C in a terminal is a question to the window, not to its public
                )
        except OSError as error:  # the next look tries again, STARTS times
            log.warning("crowd_not_started error=%s", error)
            return
        self._at, self._stop_by = where, 0.0
        log.info("crowd_started pid=%d starts=%d", self._child.pid, self._starts)
        self._say("here")

    def _end(self) -> None:
        """Asks once: its input ends."""
        if self._child is not None and self._child.stdin is not None and not self._child.stdin.closed:
            with contextlib.suppress(OSError):
                self._child.stdin.close()
            self._stop_by = time.monotonic() + STOP_S

    def _gone(self, kill: bool = False) -> None:
        child, self._child, self._at = self._child, None, None
        if child is None:
            return
        if kill and child.poll() is None:
            log.warning("crowd_did_not_end pid=%d", child.pid)
            child.kill()
            child.wait()
        if child.stdin is not None:
            with contextlib.suppress(OSError):
                child.stdin.close()

    def _say(self, state: CrowdState) -> None:
        if state != self._state:
            self._state = state
            self._on_state(state)
