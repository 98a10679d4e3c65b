"""Memory that nobody uses does not grow by the kernel's huge pages."""

from __future__ import annotations

import subprocess
import sys

import pytest

HUGE = """
import re
import numpy as np
{first}
kept = np.ones(64 << 20, np.uint8)  # numpy asks for huge pages from 4 MB on
print(re.search(r"AnonHugePages:\\s+(\\d+)", open("/proc/self/smaps_rollup").read())[1])
"""


SPREAD = """
import psutil
from seller_console.engine.arenas import give_back
small = [bytes(3000) for _ in range(20_000)]
kept = small[::20]  # one in twenty keeps its neighbours' pages from going back by themselves
full = psutil.Process().memory_info().rss
del small
before = psutil.Process().memory_info().rss
give_back()
print(full - before, before - psutil.Process().memory_info().rss)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's own")
def test_what_is_free_in_the_middle_of_the_heap_goes_back() -> None:
    done = subprocess.run([sys.executable, "-c", SPREAD], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    by_itself, given_back = map(int, done.stdout.split())
    assert by_itself < 5_000_000 and given_back > 40_000_000, done.stdout


def huge_kb(first: str = "") -> int:
    done = subprocess.run([sys.executable, "-c", HUGE.format(first=first)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="huge pages of Linux")
def test_a_large_array_brings_no_huge_pages_into_the_engine() -> None:
    if not huge_kb():
        pytest.skip("this kernel gives no huge pages, there is nothing to guard against")
    assert huge_kb("from seller_console.engine.arenas import keep_few; keep_few()") == 0
