"""Being asked to end: Ctrl C, a service manager, a closed terminal; the same on every system."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable


def when_asked(end: Callable[[], None]) -> None:
    """`end` is called on the running loop, as often as somebody asks. In the main thread only.

    Loops of Windows take no signal handlers (NotImplementedError), and SIGTERM does not exist
    between programs there: Ctrl C and Ctrl Break do. Started with nohup, it outlives its terminal.
    """
    loop = asyncio.get_running_loop()
    if sys.platform == "win32":

        def asked(*_: object) -> None:
            with contextlib.suppress(RuntimeError):  # asked again when the loop has ended
                loop.call_soon_threadsafe(end)

        for number in (signal.SIGINT, signal.SIGBREAK):
            signal.signal(number, asked)
        return
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, end)
