"""How the picture gets its turn on a busy laptop: a step ahead of other programs, where the system allows it."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import psutil

NICE, LAST_NICE = -5, 10


def come_first() -> None:
    """Ask for a higher priority; refused to most users on Linux and macOS, which is no trouble.

    Linux weighs whole sessions against each other first (autogroups), so the session is asked for as well.
    """
    _weigh(psutil.ABOVE_NORMAL_PRIORITY_CLASS if sys.platform == "win32" else NICE, NICE)


def go_last() -> None:
    """What can wait: only when nobody else wants the machine. In a session of its own."""
    _weigh(psutil.BELOW_NORMAL_PRIORITY_CLASS if sys.platform == "win32" else LAST_NICE, LAST_NICE)


def _weigh(process: int, session: int) -> None:
    with contextlib.suppress(psutil.Error, OSError):
        psutil.Process().nice(process)
    with contextlib.suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(session))
