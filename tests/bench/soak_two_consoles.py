"""Soak of the queue: 10,000 edits by two consoles, the producer's line cut every few seconds.

    packaging/dev.py soak two_consoles [--edits 10000] [--seed N]
    packaging/dev.py soak two_consoles --cut 60

--cut: the producer's line is down once, for so many seconds; her edits wait, and all are answered when it is back.

Exit code 1 when an edit got no answer, the two consoles and the platform do not hold the same
queue, an accepted value is lost, or a lot was altered while it was on the block.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time

from seller_console.contract.codec import decode_runtime
from tests.fakes.two_consoles import play, play_one_cut


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="soak two_consoles", description=__doc__)
    parser.add_argument("--edits", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--cut-every-s", type=float, default=3.0)
    parser.add_argument("--cut", type=float, default=0.0, metavar="SECONDS")
    asked = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="two-consoles-") as home:
        child = subprocess.Popen(
            [sys.executable, "-m", "seller_console", "platform", "--home", home],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "SELLER_CONSOLE_HOME": home},
        )
        try:
            assert child.stdout is not None
            place = decode_runtime(child.stdout.readline())
            began = time.monotonic()
            if asked.cut:
                outcome = asyncio.run(play_one_cut(place, cut_s=asked.cut, seed=asked.seed))
            else:
                outcome = asyncio.run(play(place, edits=asked.edits, seed=asked.seed, cut_every_s=asked.cut_every_s))
        finally:
            child.terminate()
            child.wait(timeout=10)
    refused = ", ".join(f"{count} {code}" for code, count in sorted(outcome.refused.items()))
    print(
        f"{outcome.asked} edits in {time.monotonic() - began:.0f} s: {outcome.accepted} accepted, refused: {refused};"
        f" {outcome.cuts} cuts, {outcome.runs} runs, {outcome.lots} lots"
    )
    if asked.cut:
        print(
            f"cut for {asked.cut:.0f} s: {outcome.waited} edits waited, all answered {outcome.replayed_s:.1f} s after"
        )
        if not outcome.waited:
            outcome.broken.append("nothing waited for the line")
    for line in outcome.broken[:20]:
        print(f"BROKEN {line}")
    print(f"soak two_consoles: {len(outcome.broken)} broken (seed {asked.seed})")
    return 1 if outcome.broken or (not asked.cut and outcome.asked < asked.edits) else 0


if __name__ == "__main__":
    sys.exit(main())
