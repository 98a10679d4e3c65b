"""Soak of the record: a show of twelve hours is made, kept, opened again and weighed.

    packaging/dev.py soak long_show [--seed N] [--hours 12]

Made twice with one seed: the two logs are the same bytes. Then a real platform process opens
the file: how long until its door answers, how much memory it holds. Exit code 1 when a bar of
the record is missed (made under 5 minutes, opened within 2 s, at most 200 MB).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
import psutil

from seller_console.platform.keys import keep_keys, read_keys
from seller_console.platform.log import Log
from tests.fakes.long_show import LongShow, Told

_BATCH = 200


def make(seed: int, hours: float, path: Path) -> tuple[Told, str, float]:
    """(what it came to, SHA-256 of the export, seconds it took)."""
    began = time.monotonic()
    show = LongShow(seed, hours=hours, ended=False)
    log = Log(path)
    batch = []
    for turn in show.turns():
        batch.append(turn)
        if len(batch) == _BATCH:
            log.append(batch)
            batch = []
    if batch:
        log.append(batch)
    took_s = time.monotonic() - began
    exported = path.with_suffix(".jsonl")
    log.export(exported)
    log.close()
    return show.told, hashlib.sha256(exported.read_bytes()).hexdigest(), took_s


def opened(home: Path) -> tuple[float, float]:
    """Seconds from the program's first instant to its first answer, and its memory in MB."""
    began = time.monotonic()
    child = subprocess.Popen(
        [sys.executable, "-m", "seller_console", "platform", "--home", str(home)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "SELLER_CONSOLE_HOME": str(home)},
    )
    try:
        assert child.stdout is not None
        told = json.loads(child.stdout.readline())
        with httpx.Client(headers={"Authorization": f"Bearer {told['secret']}"}, timeout=10) as client:
            answer = client.get(f"{told['url']}/api/shows/{told['show_id']}/brief")
            answer.raise_for_status()
            assert answer.json()["seq"] > 1_000, "another show was opened"
        took_s = time.monotonic() - began
        return took_s, psutil.Process(child.pid).memory_info().rss / 1e6
    finally:
        child.terminate()
        child.wait(timeout=10)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="soak long_show", description=__doc__)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--hours", type=float, default=12.0)
    asked = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="long-show-") as folder:
        home = Path(folder)
        (home / "shows").mkdir()
        name = f"long-{asked.seed}"
        told, first, made_s = make(asked.seed, asked.hours, home / "shows" / f"{name}.db")
        _, again, _ = make(asked.seed, asked.hours, home / "again.db")
        for kind, count in sorted(told.kinds.items()):
            print(f"{count:8d} {kind}")
        print(
            f"{told.runs} runs, {told.bids} bids, {told.lines} lines, {told.sold} sold, {told.failed_payments} payments"
            f" failed, {told.runner_ups} runner-up offers, {told.refused} refused, {told.rows} rows"
        )
        same = first == again
        print(f"made in {made_s:.1f} s (bar 300); same bytes for the same seed: {'yes' if same else 'NO'}")
        keys = read_keys(home)
        keys.current_show = name
        keep_keys(home, keys)
        cold_s, _ = opened(home)
        warm_s, memory_mb = opened(home)
        print(f"a fresh platform answers after {cold_s:.2f} s, with its snapshot {warm_s:.2f} s (bar 2)")
        print(f"and holds {memory_mb:.0f} MB (bar 200)")
    return 0 if same and made_s < 300 and warm_s <= 2 and memory_mb <= 200 else 1


if __name__ == "__main__":
    sys.exit(main())
