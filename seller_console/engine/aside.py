"""Work that may hang for ever: on a thread of its own that nothing waits for at the end.

A driver, a disk that is gone, a pipe nobody reads. The loop's own threads are few, and it
joins them when it ends: whatever hangs there stops the rest, and the end.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def aside(work: Callable[[], T], name: str) -> T:
    """What `work` says or raises."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def tell(answer: T | None, error: Exception | None) -> None:
        if done.done():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(answer)  # type: ignore[arg-type]

    def run() -> None:
        answer: T | None = None
        failed: Exception | None = None
        try:
            answer = work()
        except Exception as error:
            failed = error
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(tell, answer, failed)

    threading.Thread(target=run, name=name, daemon=True).start()
    return await done
