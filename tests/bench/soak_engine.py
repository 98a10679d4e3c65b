"""The engine for an hour: is its memory flat, is every frame there?

    python packaging/dev.py soak engine [--minutes 60] [--size 720x1280]

The real engine publishes the test card to a real relay, records, and is asked for its
words every few seconds (scenes, mute, snapshots, clips). Prints a line each half minute and one
JSON object: slope of resident memory after the first sixth in MB/h, frames per second,
sent, dropped and late. Exit code 1: slope of 2 MB/h or more, or 0.1 % of the frames lost. `machine_late_share` is
the machine's own: a program beside it, of the same priority, that only waits for the same beats.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import json
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.bench import _bars, _engine
from tests.fakes import relay_door

SLOPE_BAR_MB = 2.0

IDLE = """
import sys, threading, time
from fractions import Fraction
from seller_console.engine.clock import Metronome
from seller_console.engine.priority import come_first
come_first()
beats = Metronome(Fraction(30), time.monotonic_ns())
done = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), done.set()), daemon=True).start()
served = 0
while beats.wait(done) is not None:
    served += 1
print(beats.late / max(1, served + beats.late))
"""


@contextlib.asynccontextmanager
async def idle_beside() -> AsyncIterator[Callable[[], Awaitable[float]]]:
    """A program that waits for 30 beats a second and does nothing; awaited, the share it was too late for."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", IDLE, cwd=_engine.ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )

    async def ask() -> float:
        return float((await child.communicate(b""))[0])

    try:
        yield ask
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()


async def soak(minutes: float, size: str) -> dict[str, Any]:
    width, _, height = size.partition("x")
    with tempfile.TemporaryDirectory() as folder:
        async with relay_door.opened() as door, idle_beside() as idle, _engine.running(folder) as engine:
            engine.say(type="set_programme", width=int(width), height=int(height), second_camera="testcard")
            engine.say(type="go_on_air", url=door.whip)
            engine.say(type="start_recording", folder=f"{folder}/kept")
            found = await _listen(engine, minutes, Path(folder))
            return {**found, "machine_late_share": round(await idle(), 5)}


async def _listen(engine: _engine.Engine, minutes: float, folder: Path) -> dict[str, Any]:
    scenes = itertools.cycle(("table", "both", "pause", "face", "split"))
    taken: list[tuple[float, float]] = []
    pictures = _engine.Pictures()
    first: dict[str, Any] = {}
    last: dict[str, Any] = {}
    while not last or last["uptime_s"] < minutes * 60:
        note = await engine.hear()
        if note is None:
            raise SystemExit("the engine has gone")
        if note["type"] != "engine_stats" or note.get("air") != "on_air":
            continue
        pictures.take(note)
        last = note
        first = first or note
        second = int(note["uptime_s"])
        taken.append((note["uptime_s"], note["rss_mb"]))
        if second % 5 == 0:
            engine.say(type="set_scene", scene=next(scenes))
        if second % 7 == 0:
            engine.say(type="take_snapshot", request="s", path=str(folder / "s.jpg"))
        if second % 30 == 0:
            engine.say(type="save_clip", request="c", path=str(folder / "c.mp4"), seconds=20)
            print(f"{second:6d} s  {note['rss_mb']:7.1f} MB  {note['fps']:5.1f} fps  late {note['late']}", flush=True)
    settled = np.array([pair for pair in taken if pair[0] > minutes * 60 / 6])
    slope_mb_h = float(np.polyfit(settled[:, 0] / 3600, settled[:, 1], 1)[0])
    span_s = last["uptime_s"] - first["uptime_s"]
    figures = pictures.figures()
    return {
        "minutes": minutes,
        "slope_mb_per_hour": round(slope_mb_h, 2),
        "rss_mb": last["rss_mb"],
        "fps_sent": round(figures["sent"] / span_s, 3),
        **figures,
        "cpu": last["cpu"],
        "bars": {"slope_mb_per_hour": SLOPE_BAR_MB, "lost_share": _engine.LOST_SHARE},
    }


def missed(found: dict[str, Any]) -> list[str]:
    """The bars that were not reached."""
    slope = found["slope_mb_per_hour"]
    steep = [] if slope < SLOPE_BAR_MB else [f"memory {slope} MB/h, not < {SLOPE_BAR_MB}"]
    return steep + _bars.over("lost_share", found["lost_share"], _engine.LOST_SHARE)


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="soak engine")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--size", default="720x1280")
    options = parser.parse_args(argv)
    found = asyncio.run(soak(options.minutes, options.size))
    print(json.dumps(found, indent=1))
    return _bars.verdict(missed(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
