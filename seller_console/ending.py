"""Being asked to end: Ctrl C, a service manager, a closed terminal; the same on every system."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable


def when_asked(end: Callable[[], None]) -> None:
    """`end` is called on the running loop, as often as somebody asks. In the main thread only.

    Loops of Windows take no signal handlers (NotImplementedError), and SIGTERM does not exist
    between programs there: Ctrl C and Ctrl Break do.
    """
    loop = asyncio.get_running_loop()
    if sys.platform == "win32":
        for number in (signal.SIGINT, signal.SIGBREAK):
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(end))
        return
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # started with nohup: it is to outlive its terminal
        loop.add_signal_handler(signal.SIGHUP, end)
