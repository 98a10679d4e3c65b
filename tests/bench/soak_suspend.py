"""A laptop's lid: the engine is stopped for a minute while on air; how soon is it back?

    python packaging/dev.py soak suspend [--seconds 60] [--times 3]

SIGSTOP and SIGCONT on the real engine, publishing the test card to a real relay and recording
it; a viewer stays. Prints one JSON object: milliseconds from waking to `on_air`, and to the next
picture at the viewer; seconds and pictures recorded. Exit code 1: a new session took 5 s or more,
or the recording is not whole: it failed, is shorter than the sleep, or lacks pictures of the time awake.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import av

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from seller_console.engine.watch import Viewer
from seller_console.rtc.receiving import Received
from tests.bench import _bars, _engine
from tests.fakes import relay_door

AWAKE_S = 3.0
"""After each sleep, at least."""
BACK_BAR_MS = 5000
FEWEST_FPS = 25
"""Recorded while awake; at the start of a sleep and at its end a few cannot be."""


async def soak(seconds: float, times: int) -> dict[str, Any]:
    on_air_ms: list[int] = []
    picture_ms: list[int] = []
    with tempfile.TemporaryDirectory() as folder:
        async with relay_door.opened() as door, _engine.running(folder) as engine:
            aired: list[float] = []
            seen: list[float] = []
            recorded: list[dict[str, Any]] = []

            async def listen() -> None:
                while note := await engine.hear():
                    if note["type"] == "recording_changed":
                        recorded.append(note)
                    if note["type"] == "air_changed" and note.get("state") == "on_air":
                        aired.append(time.monotonic())

            def watched(received: Received) -> None:
                if received.kind == "video":
                    seen.append(time.monotonic())

            async def after(moments: list[float], then: float) -> float:
                async with asyncio.timeout(60):
                    while not moments or moments[-1] <= then:  # noqa: ASYNC110
                        await asyncio.sleep(0.01)
                return next(moment for moment in moments if moment > then)

            listening = asyncio.create_task(listen())
            engine.say(type="start_recording")
            engine.say(type="go_on_air", url=door.whip)
            await after(aired, 0)
            watching = asyncio.create_task(Viewer(door.whep, on_access_unit=watched).run())
            try:
                for _ in range(times):
                    await after(seen, time.monotonic())
                    os.kill(engine.pid, signal.SIGSTOP)
                    try:
                        await asyncio.sleep(seconds)
                    finally:
                        os.kill(engine.pid, signal.SIGCONT)
                    woken = time.monotonic()
                    on_air_ms.append(round(1000 * (await after(aired, woken) - woken)))
                    picture_ms.append(round(1000 * (await after(seen, woken) - woken)))
                    print(f"back on air after {on_air_ms[-1]} ms, a picture after {picture_ms[-1]} ms", flush=True)
                    await asyncio.sleep(AWAKE_S)
                engine.say(type="stop_recording")
                async with asyncio.timeout(60):
                    while not recorded or recorded[-1]["state"] != "off":  # noqa: ASYNC110
                        await asyncio.sleep(0.05)
            finally:
                watching.cancel()
                await asyncio.wait([watching])
                listening.cancel()
        return {
            "asleep_s": seconds, "on_air_ms": on_air_ms, "picture_ms": picture_ms,
            "recorded_s": recorded[-1]["seconds"], "recording_error": recorded[-1].get("error", ""),
            "recorded_pictures": pictures_in(recorded[-1]["path"]),
        }  # fmt: skip


def pictures_in(path: str) -> int:
    with av.open(path) as container:
        return sum(1 for _ in container.decode(video=0))


def missed(report: dict[str, Any]) -> list[str]:
    """The bars that were not reached."""
    late = [
        f"{name} {slowest}, not < {BACK_BAR_MS}"
        for name in ("on_air_ms", "picture_ms")
        if (slowest := max(report[name])) >= BACK_BAR_MS
    ]
    times = len(report["on_air_ms"])
    if report["recording_error"]:
        late.append(f"recording failed: {report['recording_error']}")
    if report["recorded_s"] <= report["asleep_s"] * times:
        late.append(f"recorded_s {report['recorded_s']}: it ended in a sleep")
    if report["recorded_pictures"] < FEWEST_FPS * AWAKE_S * times:
        late.append(f"recorded_pictures {report['recorded_pictures']}, fewer than {FEWEST_FPS} for each second awake")
    return late


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--times", type=int, default=3)
    words = parser.parse_args(argv)
    report = asyncio.run(soak(words.seconds, words.times))
    print(json.dumps(report))
    return _bars.verdict(missed(report))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
