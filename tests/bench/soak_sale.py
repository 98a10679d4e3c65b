"""Soak of the rules: many shows of many steps under any sequence of commands.

    packaging/dev.py soak sale [--shows 1000] [--steps 40] [--seed N]

The suite runs a sample of the same machine (tests/rules/machine.py). A failure prints the
steps that led to it, shortened, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

ROOT = Path(__file__).resolve().parents[2]


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="soak sale", description=__doc__)
    parser.add_argument("--shows", type=int, default=1_000)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--shrink", action="store_true", help="shorten a failing show (slow)")
    asked = parser.parse_args(argv)
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    from seller_console.contract.codec import decode_event
    from tests.rules.machine import ShowMachine

    shows = 0
    events: Counter[str] = Counter()

    class Counted(ShowMachine):
        def teardown(self) -> None:
            nonlocal shows
            shows += 1
            events.update(type(decode_event(raw)).__name__ for _, raw in self.floor.log)
            super().teardown()

    phases = [Phase.explicit, Phase.generate] + ([Phase.shrink] if asked.shrink else [])
    started = time.monotonic()
    run_state_machine_as_test(
        seed(asked.seed)(Counted),
        settings=settings(
            max_examples=asked.shows,
            stateful_step_count=asked.steps,
            deadline=None,
            database=None,
            phases=phases,
            suppress_health_check=list(HealthCheck),
            print_blob=False,
        ),
    )
    for name, count in sorted(events.items()):
        print(f"{count:8d} {name}")
    print(
        f"soak sale: {shows} shows of up to {asked.steps} steps, {events.total()} events, 0 broken, "
        f"{time.monotonic() - started:.0f} s (seed {asked.seed})"
    )
    return 0 if shows >= asked.shows else 1


if __name__ == "__main__":
    sys.exit(main())
