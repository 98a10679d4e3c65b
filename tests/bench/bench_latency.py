"""How late a viewer sees: capture to a Chromium, through the relay, by the code burnt into the picture.

    python packaging/dev.py bench latency [--seconds 20] [--runs 1]

Ours: the engine's test card (720x1280, 30 fps, recording and a second test card off),
drawn when composed, read off the video element when a frame is presented. Beside it, in
the same run, Chromium publishing a canvas through the same relay. Milliseconds; p50, p95, p99;
`unread` are pictures whose code did not agree with its check, on both sides. Exit code 1 when
a bar is missed: p50 60 ms, p95 120 ms, and neither later than Chromium's.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from playwright.async_api import Browser

from tests.bench import _bars
from tests.fakes import chromium, relay_door
from tests.fakes.relay_door import Door

ROOT = Path(__file__).resolve().parents[2]

Figures = dict[str, float]
BARS_MS = {"p50": 60.0, "p95": 120.0}
FEWEST = 100
"""Pictures below which there are no figures."""

READ_CARD = """
(offset) => {
  window.late = []; window.unread = 0;
  const video = document.getElementById('v');
  const probe = document.createElement('canvas');
  const context = probe.getContext('2d', {willReadFrequently: true});
  const seen = () => {
    const at = performance.timeOrigin + performance.now();
    const width = video.videoWidth, height = video.videoHeight, cell = width / 36;
    probe.width = width; probe.height = 1;
    context.drawImage(video, 0, Math.round(height - cell * 2.5), width, 1, 0, 0, width, 1);
    const row = context.getImageData(0, 0, width, 1).data;
    let value = 0, check = 0;
    for (let bit = 0; bit < 32; bit++) {
      const on = row[Math.round(cell * (bit + 2.5)) * 4] > 125 ? 1 : 0;
      if (bit < 24) value = value * 2 + on; else check = check * 2 + on;
    }
    const right = ((value & 255) ^ (value >> 8 & 255) ^ (value >> 16 & 255) ^ 0xA5) & 255;
    if (right === check) late.push(((Math.round(at - offset) - value) % 16777216 + 16777216) % 16777216);
    else unread++;
    video.requestVideoFrameCallback(seen);
  };
  video.requestVideoFrameCallback(seen);
}
"""


def figures(values: list[float], unread: int) -> Figures:
    if len(values) < FEWEST:
        return {"n": len(values), "unread": unread}
    cuts = statistics.quantiles(values, n=100)
    return {
        "p50": round(cuts[49], 1), "p95": round(cuts[94], 1), "p99": round(cuts[98], 1),
        "n": len(values), "unread": unread,
    }  # fmt: skip


def missed(runs: list[dict[str, Figures]]) -> list[str]:
    """The bars that were not reached, by the median of the runs; without figures, none is."""

    def median(name: str, figure: str) -> float:
        return statistics.median(run[name].get(figure, float("inf")) for run in runs)

    ours, theirs = "engine_to_chromium", "chromium_to_chromium"
    late = [
        f"{figure} {median(ours, figure)} ms > {most} ms"
        for figure, most in BARS_MS.items()
        if median(ours, figure) > most
    ]
    late += [
        f"{figure} {median(ours, figure)} ms > Chromium's {median(theirs, figure)} ms"
        for figure in BARS_MS
        if median(ours, figure) > median(theirs, figure)
    ]
    if any("p50" not in run[theirs] for run in runs):
        late.append("Chromium could not be measured")
    return late


async def ours(browser: Browser, door: Door, seconds: float) -> Figures:
    engine = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "seller_console.engine.headless", "--to", door.whip, cwd=ROOT,
        stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        await asyncio.sleep(4)
        page = await chromium.page(browser, door.url)
        await page.evaluate("watch('/whep')")
        await page.evaluate(READ_CARD, (time.time() - time.monotonic()) * 1000)
        await asyncio.sleep(3)
        await page.evaluate("late.length = 0; unread = 0")
        await asyncio.sleep(seconds)
        late, unread = await page.evaluate("[late, unread]")
        await page.close()
        return figures(late, unread)
    finally:
        engine.terminate()
        await engine.wait()


async def theirs(browser: Browser, door: Door, seconds: float) -> Figures:
    publisher = await chromium.page(browser, door.url)
    await publisher.evaluate("publish('/whip', {codec: 'H264', width: 720, height: 1280, bps: 2500000})")
    await asyncio.sleep(6)
    viewer = await chromium.page(browser, door.url)
    await viewer.evaluate("window.measureLatency = true; window.nominalWidth = 720; watch('/whep')")
    await asyncio.sleep(3)
    await viewer.evaluate("latencies.length = 0; unread = 0")
    await asyncio.sleep(seconds)
    late, unread = await viewer.evaluate("[latencies, unread]")
    await viewer.close()
    await publisher.close()
    return figures(late, unread)


async def once(seconds: float) -> dict[str, Figures]:
    found: dict[str, Figures] = {}
    for name, measure in (("engine_to_chromium", ours), ("chromium_to_chromium", theirs)):
        async with relay_door.opened() as door, chromium.running() as browser:
            found[name] = await measure(browser, door, seconds)
    return found


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="bench latency")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--runs", type=int, default=1)
    options = parser.parse_args(argv)
    runs = [asyncio.run(once(options.seconds)) for _ in range(options.runs)]
    print(json.dumps(runs[0] if len(runs) == 1 else {"runs": runs}, indent=1))
    return _bars.verdict(missed(runs))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
