"""What more outputs of the one encode cost: a recording, and a recording with one more WHIP, against the air alone.

    python packaging/dev.py bench outputs [--seconds 15] [--rounds 5] [--size 720x1280]

Two engines are on air side by side, at the same time: one has more outputs, the other the air
alone; then they change places. So a machine whose speed wanders (a virtual one by 10 % within
seconds, five times what is looked for) is as fast for both, and what one engine costs more than
the other by itself cancels. CPU of each engine's process in cores. Bars: recording <= 2 %,
recording and one more WHIP destination <= 20 %, and 0.1 % of the pictures lost: an engine that
loses some is cheaper. Prints one JSON object; exit code 1 when a bar is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import statistics
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.bench import _bars, _engine
from tests.fakes import relay_door

SETTLES_S = 3.0
BARS = {"recording": 0.02, "recording_and_whip": 0.20}


class OnAir:
    """One engine on its way to one relay, and a second relay for what is added."""

    def __init__(self, engine: _engine.Engine, folder: str, whip: str, other: str) -> None:
        self.process = psutil.Process(engine.pid)
        self._engine, self._folder, self._whip, self._other = engine, folder, whip, other
        self._heard: list[dict[str, Any]] = []
        self._kept = 0
        self.pictures = _engine.Pictures()
        self._listening = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        while note := await self._engine.hear():
            self._heard.append(note)
            self.pictures.take(note)

    async def _until(self, kind: str, **facts: Any) -> None:
        async with asyncio.timeout(30):
            while not any(  # noqa: ASYNC110
                note["type"] == kind and all(note.get(name) == value for name, value in facts.items())
                for note in self._heard
            ):
                await asyncio.sleep(0.05)

    async def begin(self, width: int, height: int) -> None:
        self._engine.say(type="set_programme", width=width, height=height)
        self._engine.say(type="go_on_air", url=self._whip)
        await self._until("air_changed", state="on_air")

    async def add(self, whip: bool) -> None:
        self._heard.clear()
        self._kept += 1
        self._engine.say(type="start_recording", folder=f"{self._folder}/kept{self._kept}")
        await self._until("recording_changed", state="recording")
        if whip:
            self._engine.say(type="add_destination", name="autre", url=self._other)
            await self._until("destination_changed", name="autre", state="on_air")

    async def take_off(self) -> None:
        self._heard.clear()
        self._engine.say(type="remove_destination", name="autre")
        self._engine.say(type="stop_recording")
        await self._until("recording_changed", state="off")

    def end(self) -> None:
        self._listening.cancel()


async def cores(engines: list[OnAir], seconds: float) -> list[float]:
    """Of each, in the same seconds."""
    await asyncio.sleep(SETTLES_S)
    before, began = [sum(one.process.cpu_times()[:2]) for one in engines], time.monotonic()
    await asyncio.sleep(seconds)
    took = time.monotonic() - began
    return [(sum(one.process.cpu_times()[:2]) - was) / took for one, was in zip(engines, before, strict=True)]


async def bench(seconds: float, rounds: int, size: str) -> dict[str, Any]:
    width, _, height = size.partition("x")
    ratios: dict[str, list[float]] = {"recording": [], "recording_and_whip": []}
    alone: list[float] = []
    async with AsyncExitStack() as stack:
        engines = []
        for _ in range(2):
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            doors = [await stack.enter_async_context(relay_door.opened()) for _ in range(2)]
            engine = await stack.enter_async_context(_engine.running(folder))
            engines.append(OnAir(engine, folder, doors[0].whip, doors[1].whip))
            stack.callback(engines[-1].end)
        for one in engines:
            await one.begin(int(width), int(height))
        for turn in range(rounds):
            for name, both in ratios.items():
                places = []
                for busy, calm in (engines, engines[::-1]):
                    await busy.add(whip=name == "recording_and_whip")
                    more, less = await cores([busy, calm], seconds)
                    await busy.take_off()
                    places.append(more / less)
                    alone.append(less)
                both.append(math.prod(places) ** 0.5)
            said = {name: round(both[-1] - 1, 3) for name, both in ratios.items()}
            print(f"round {turn + 1}: {json.dumps(said)}", file=sys.stderr, flush=True)
    return {
        "cores_alone": round(statistics.median(alone), 3),
        "added": {name: round(statistics.median(both) - 1, 3) for name, both in ratios.items()},
        "rounds": {name: [round(one - 1, 3) for one in both] for name, both in ratios.items()},
        "pictures": [one.pictures.figures() for one in engines],
        "bars": {**BARS, "lost_share": _engine.LOST_SHARE},
    }


def missed(found: dict[str, Any]) -> list[str]:
    """The bars that were not reached."""
    late = [said for name, most in BARS.items() for said in _bars.over(f"{name} adds", found["added"][name], most)]
    for one in found["pictures"]:
        late += _bars.over("lost_share", one["lost_share"], _engine.LOST_SHARE)
    return late


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", default="720x1280")
    words = parser.parse_args(argv)
    found = asyncio.run(bench(words.seconds, words.rounds, words.size))
    print(json.dumps(found, indent=1))
    return _bars.verdict(missed(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
