"""What more outputs of the one encode cost: on air alone, with a recording, with a recording and one more WHIP.

    python packaging/dev.py bench outputs [--seconds 15] [--rounds 5] [--size 720x1280]

One engine stays on air all along; the three take turns, so that a busy machine is as
busy for each. CPU of the engine's process in cores; what is added is against the turn
on air alone of the same round. Bars: recording <= 2 %, recording and one more WHIP
destination <= 20 %. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.bench import _engine
from tests.fakes import relay_door

SETTLES_S = 3.0


async def bench(seconds: float, rounds: int, size: str) -> dict[str, Any]:
    width, _, height = size.partition("x")
    turns: dict[str, list[float]] = {"alone": [], "recording": [], "recording_and_whip": []}
    with tempfile.TemporaryDirectory() as folder:
        async with (
            relay_door.opened() as door,
            relay_door.opened() as other,
            _engine.running(folder) as engine,
        ):
            heard: list[dict[str, Any]] = []

            async def listen() -> None:
                while note := await engine.hear():
                    heard.append(note)

            async def until(kind: str, **facts: Any) -> None:
                async with asyncio.timeout(30):
                    while not any(  # noqa: ASYNC110
                        note["type"] == kind and all(note.get(name) == value for name, value in facts.items())
                        for note in heard
                    ):
                        await asyncio.sleep(0.05)

            async def cores() -> float:
                await asyncio.sleep(SETTLES_S)
                process = psutil.Process(engine.pid)
                before, began = sum(process.cpu_times()[:2]), time.monotonic()
                await asyncio.sleep(seconds)
                return float((sum(process.cpu_times()[:2]) - before) / (time.monotonic() - began))

            listening = asyncio.create_task(listen())
            try:
                engine.say(type="set_programme", width=int(width), height=int(height))
                engine.say(type="go_on_air", url=door.whip)
                await until("air_changed", state="on_air")
                for turn in range(rounds):
                    turns["alone"].append(await cores())
                    heard.clear()
                    engine.say(type="start_recording", folder=f"{folder}/kept{turn}")
                    await until("recording_changed", state="recording")
                    turns["recording"].append(await cores())
                    engine.say(type="add_destination", name="autre", url=other.whip)
                    await until("destination_changed", name="autre", state="on_air")
                    turns["recording_and_whip"].append(await cores())
                    engine.say(type="remove_destination", name="autre")
                    engine.say(type="stop_recording")
                    await until("recording_changed", state="off")
                    said = {name: round(taken[-1], 3) for name, taken in turns.items()}
                    print(f"round {turn + 1}: {json.dumps(said)}", file=sys.stderr, flush=True)
            finally:
                listening.cancel()
    return {
        "cores": {name: round(statistics.median(taken), 3) for name, taken in turns.items()},
        "added": {
            name: round(statistics.median(b / a - 1 for a, b in zip(turns["alone"], turns[name], strict=True)), 3)
            for name in ("recording", "recording_and_whip")
        },
        "bars": {"recording": 0.02, "recording_and_whip": 0.20},
    }


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", default="720x1280")
    words = parser.parse_args(argv)
    print(json.dumps(asyncio.run(bench(words.seconds, words.rounds, words.size)), indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
