"""The sentinel at length: each fault of the picture injected 20 times, then an hour in which nothing is wrong.

    python packaging/dev.py soak sentinel [--times 20] [--minutes 60]

Pictures are tests/fakes/table_film.py (cuts, light, hands, noise), seen four times a
second on a simulated clock. Prints one JSON object; exit code 1 when a fault was
missed or late (3 s), or when the clean film raised anything.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from seller_console.engine.sentinel import LOOK_S, PictureSentinel
from tests.engine.test_sentinel import FAULTS, injected
from tests.fakes.table_film import TableFilm


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="soak sentinel")
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=60.0)
    options = parser.parse_args(argv)
    found: dict[str, object] = {}
    sound = True
    for fault in FAULTS:
        said: list[float] = []
        missed: list[str] = []
        for seed in range(1000, 1000 + options.times):
            try:
                late_s, _ = injected(seed, fault, 40.0)
            except AssertionError as why:
                missed.append(f"{seed}: {why}")
            else:
                said.append(late_s)
        found[fault] = {
            "injected": options.times,
            "said": len(said),
            "latest_s": max(said, default=-1.0),
            "missed": missed,
        }
        sound = sound and not missed and max(said) <= 3.0
    film, sentinel = TableFilm(4242), PictureSentinel()
    cost_s = 0.0
    alarms = []
    for look in range(int(options.minutes * 60 / LOOK_S)):
        picture = film.at(look * LOOK_S)
        began = time.perf_counter()
        codes = sentinel.look(picture, int(look * LOOK_S * 1e9))
        cost_s += time.perf_counter() - began
        if codes:
            alarms.append([round(look * LOOK_S, 2), *codes])
    found["clean"] = {"minutes": options.minutes, "alarms": alarms, "core": round(cost_s / (options.minutes * 60), 4)}
    print(json.dumps(found, indent=1))
    return 0 if sound and not alarms else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
