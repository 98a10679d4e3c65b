"""How much memory is kept that nobody uses: two arenas, nothing huge in them, pages of 4 kB, the free ones given back.

glibc gives each thread that meets a busy lock an arena of its own and never takes it
back; after a crowded minute every one of them holds the largest picture it once made.
With two the engine is 5 % smaller at the same CPU (mallopt(3), M_ARENA_MAX).

Left to itself it learns from each large block that is freed to put the next one of that
size among the small ones (M_MMAP_THRESHOLD grows to 32 MB): a snapshot or a clip then
leaves a hole that something small keeps open. Here whatever is larger than a picture
stands alone and goes back whole; a picture does not, for the system would clear 340 pages
for each one that is copied (a sixth of the cost of publishing).

numpy asks for huge pages wherever it has once put 4 MB or more (madvise(2),
MADV_HUGEPAGE), and the mark stays when the array goes: whatever small thing lies there
later, the kernel makes 2 MB of it when it comes by. That was 20 MB in half an hour of
an engine that held nothing more (prctl(2), PR_SET_THP_DISABLE).

And what is free is given back now and then, from the middle of the heap as well: a moment
that needed more (a stall, a clip) would otherwise be kept by the first small thing above it.
"""

from __future__ import annotations

import contextlib
import ctypes
import sys

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_PR_SET_THP_DISABLE = 41
ARENAS = 2
LARGE_BYTES, SPARE_BYTES = 4 << 20, 16 << 20
GIVE_BACK_S = 10


def keep_few() -> None:
    """Before the first thread. Other systems have no such thing: nothing happens there."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            library = ctypes.CDLL(None)
            library.mallopt(_M_ARENA_MAX, ARENAS)
            library.mallopt(_M_MMAP_THRESHOLD, LARGE_BYTES)
            library.mallopt(_M_TRIM_THRESHOLD, SPARE_BYTES)
            library.prctl(_PR_SET_THP_DISABLE, *map(ctypes.c_ulong, (1, 0, 0, 0)))


def give_back() -> None:
    """What is free, to the system (malloc_trim(3)). Takes 0.3 ms at most; every GIVE_BACK_S is often enough."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(ctypes.c_size_t(0))
