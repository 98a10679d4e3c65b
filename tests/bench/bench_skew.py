"""How far sound and picture are apart where they are watched: through the relay, by what is seen and heard.

    python packaging/dev.py bench skew [--seconds 20]

The engine's test card lights a lamp and its tone beeps at the same instants. `content`: a viewer of ours decodes
both and places each by the sender reports that came with it (RFC 3550, 6.4.1), as a player does for lip sync; the
lamp can light only with a picture, up to 33 ms after the beep, and that is left in the figure.
`chromium`: the browser's own view of the same broadcast, the playout times of the two tracks against each other
(estimatedPlayoutTimestamp of W3C webrtc-stats). Milliseconds; positive: the sound comes after its picture.
Exit code 1: one of them is over 40 ms.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from seller_console.engine.watch import Viewer
from seller_console.rtc.receiving import Received
from tests.fakes import chromium, relay_door
from tests.fakes.relay_door import Door

ROOT = Path(__file__).resolve().parents[2]
BAR_MS = 40.0
WIDTH, HEIGHT = 360, 640
LAMP = (int(HEIGHT * 0.83), WIDTH // 2)
LIT, LOUD = 140.0, 0.09
STEP = 240
"""Samples of sound looked at together, more than two swings of the tone: 5 ms."""

PLAYOUT = """
async () => {
  const at = {};
  (await viewer.getStats()).forEach(s => {
    if (s.type === 'inbound-rtp' && s.estimatedPlayoutTimestamp) at[s.kind] = s.estimatedPlayoutTimestamp;
  });
  return at;
}
"""


def edges(levels: list[tuple[float, float]], threshold: float) -> list[float]:
    """The times at which a level rises over a threshold."""
    return [at for (_, before), (at, now) in itertools.pairwise(levels) if before < threshold <= now]


def lamps(units: list[Received], at: Callable[[Received], float]) -> list[float]:
    decoder: Any = av.CodecContext.create("h264", "r")
    levels = []
    for unit in units:
        for frame in decoder.decode(av.Packet(unit.data)):  # one in, one out: nothing is reordered
            levels.append((at(unit), float(frame.to_ndarray()[LAMP])))
    return edges(levels, LIT)


def beeps(units: list[Received], at: Callable[[Received], float]) -> list[float]:
    decoder: Any = av.CodecContext.create("opus", "r")
    decoder.sample_rate, decoder.layout = 48_000, "mono"
    levels = []
    for unit in units:
        for frame in decoder.decode(av.Packet(unit.data)):
            samples = np.abs(frame.to_ndarray().reshape(-1))
            for start in range(0, len(samples) - STEP + 1, STEP):
                levels.append((at(unit) + start / 48_000, float(samples[start : start + STEP].max())))
    return edges(levels, LOUD)


def figures(skews_ms: list[float]) -> dict[str, float]:
    if not skews_ms:
        return {"n": 0}
    return {
        "median": round(statistics.median(skews_ms), 1),
        "worst": round(max(skews_ms, key=abs), 1),
        "n": len(skews_ms),
    }


async def by_content(door: Door, seconds: float) -> dict[str, float]:
    units: dict[str, list[Received]] = {"video": [], "audio": []}
    viewer = Viewer(door.whep, on_access_unit=lambda unit: units[unit.kind].append(unit))
    watching = asyncio.create_task(viewer.run())
    await asyncio.sleep(seconds)
    assert viewer._receiving is not None
    reports = dict(viewer._receiving.reports)
    watching.cancel()
    await asyncio.wait([watching])

    def at(unit: Received) -> float:
        """In the seconds of the reports' NTP clock."""
        report, hz = reports[unit.kind], 90_000 if unit.kind == "video" else 48_000
        ahead = (unit.ts - report.rtp_ts + (1 << 31)) % (1 << 32) - (1 << 31)
        return report.ntp / (1 << 32) + ahead / hz

    heard = beeps(units["audio"], at)
    return figures([min((beep - lit for beep in heard), key=abs) * 1000 for lit in lamps(units["video"], at)[1:-1]])


async def by_chromium(door: Door, seconds: float) -> dict[str, float]:
    async with chromium.running() as browser:
        page = await chromium.page(browser, door.url)
        await page.evaluate("watch('/whep')")
        await asyncio.sleep(6)  # the first reports, and a jitter buffer that has settled
        found = []
        for _ in range(int(seconds * 5)):
            at = await page.evaluate(PLAYOUT)
            if "audio" in at and "video" in at:
                found.append(at["video"] - at["audio"])
            await asyncio.sleep(0.2)
    if not found:
        return {"n": 0}
    # The picture's time stands still between two pictures: single samples saw by 33 ms, the median does not.
    return figures([statistics.median(found[at : at + 10]) for at in range(0, len(found) - 9, 10)])


async def once(seconds: float) -> dict[str, Any]:
    async with relay_door.opened() as door:
        engine = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "seller_console.engine.headless", "--to", door.whip, "--size", f"{WIDTH}x{HEIGHT}",
            cwd=ROOT, stdout=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            await asyncio.sleep(4)
            return {"content": await by_content(door, seconds), "chromium": await by_chromium(door, seconds)}
        finally:
            engine.terminate()
            await engine.wait()


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="bench skew")
    parser.add_argument("--seconds", type=float, default=20.0)
    options = parser.parse_args(argv)
    found = asyncio.run(once(options.seconds))
    print(json.dumps(found, indent=1))
    return 0 if all(one["n"] and abs(one["worst"]) <= BAR_MS for one in found.values()) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
