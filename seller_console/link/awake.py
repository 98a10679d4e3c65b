"""Keeping the laptop awake while on air, and saying so when it cannot be done.

wakepy is told from one thread of its own, because some of its ways are bound to
the thread that began them and others wait on a bus.
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

from wakepy import keep

log = logging.getLogger(__name__)

AwakeState = Literal["off", "kept", "inactive"]


class Awake:
    """`await begin()` / `await end()`; state "inactive" = this system offers no way."""

    def __init__(self) -> None:
        self.state: AwakeState = "off"
        self._mode: Any = None
        self._thread: ThreadPoolExecutor | None = None

    async def begin(self) -> AwakeState:
        if self.state == "off":
            self._thread = ThreadPoolExecutor(1, "awake")
            self.state = await asyncio.get_running_loop().run_in_executor(self._thread, self._enter)
            log.info("awake state=%s", self.state)
        return self.state

    async def end(self) -> None:
        if self._thread is not None:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._leave)
            self._thread.shutdown(wait=True)
            self._thread = None
        self.state = "off"

    def _enter(self) -> AwakeState:
        self._mode = keep.presenting(on_fail="pass")
        self._mode.__enter__()
        return "kept" if self._mode.active else "inactive"

    def _leave(self) -> None:
        if self._mode is not None:
            self._mode.__exit__(None, None, None)
            self._mode = None
