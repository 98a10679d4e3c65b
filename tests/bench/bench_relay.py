"""What the relay costs and how late it is: beside Chromium to Chromium through the same relay, in the same run.

    python packaging/dev.py bench relay [--seconds 10] [--viewers 10] [--runs 1]

Prints one JSON object. CPU in cores. Latencies in ms, from the moment a picture is
drawn to the moment it is shown (Chromium) or whole (ours, before decoding): p50, p95.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import av
import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from playwright.async_api import Browser

from seller_console.engine.watch import Viewer
from seller_console.rtc.receiving import Received
from tests.fakes import chromium, relay_door
from tests.fakes.relay_door import Door
from tests.fakes.studio import Studio, on_air, read_stamp

WIDTH, HEIGHT, BPS = 1280, 720, 2_500_000


def percentiles(values: list[float]) -> dict[str, float]:
    if len(values) < 20:
        return {"n": len(values)}
    cuts = statistics.quantiles(values, n=20)
    return {"p50": round(cuts[9], 1), "p95": round(cuts[18], 1), "n": len(values)}


async def cores(pid: int, seconds: float) -> float:
    child = psutil.Process(pid)
    before, begun = sum(child.cpu_times()[:2]), time.monotonic()
    await asyncio.sleep(seconds)
    return (sum(child.cpu_times()[:2]) - before) / (time.monotonic() - begun)


class Stopwatch:
    """Decodes what arrives and reads the stamp in the picture."""

    def __init__(self) -> None:
        self._decoder: Any = av.CodecContext.create("h264", "r")
        self.late_ms: list[float] = []

    def __call__(self, received: Received) -> None:
        if received.kind != "video":
            return
        arrived_ms = (time.time() - (time.monotonic() - received.arrived_s)) * 1000
        for frame in self._decoder.decode(av.Packet(received.data)):
            stamp = read_stamp(frame.to_ndarray(format="gray"))
            self.late_ms.append((round(arrived_ms) - stamp) & 0xFFFFFF)


async def seats(door: Door, count: int, seconds: float) -> list[asyncio.subprocess.Process]:
    command = ["-m", "seller_console.engine.watch", "--url", door.whep, "--seconds", str(seconds), "--json"]
    return [
        await asyncio.create_subprocess_exec(sys.executable, *command, stdout=asyncio.subprocess.PIPE)
        for _ in range(count)
    ]


async def in_chromium(browser: Browser, door: Door, seconds: float) -> dict[str, Any]:
    page = await chromium.page(browser, door.url)
    await page.evaluate("w => { window.measureLatency = true; window.nominalWidth = w; return watch('/whep') }", WIDTH)
    await asyncio.sleep(2)
    await page.evaluate("latencies.length = 0")
    await asyncio.sleep(seconds)
    late = await page.evaluate("latencies")
    first_ms = await page.evaluate("firstFrameAt - joinedAt")
    await page.close()
    return {"first_frame_ms": round(first_ms, 1), "latency_ms": percentiles(late)}


async def once(seconds: float, viewers: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    async with relay_door.opened() as door, chromium.running() as browser:
        pid = door.relay.pid
        assert pid is not None
        await asyncio.sleep(1)
        found["idle_cpu"] = round(await cores(pid, 2), 4)
        studio = Studio(WIDTH, HEIGHT, bps=BPS, noise=24, stamp=True)
        async with on_air(door.whip, studio) as (publisher, _, _):
            await asyncio.sleep(2)
            ingest = await cores(pid, seconds)
            found["ingest_cpu"] = round(ingest, 4)
            watch = Stopwatch()
            viewer = Viewer(door.whep, on_access_unit=watch)
            watching = asyncio.create_task(viewer.run())
            await asyncio.sleep(seconds)
            found["ours_to_ours"] = {
                "first_frame_ms": round(viewer.first_frame_ms, 1),
                "latency_ms": percentiles(watch.late_ms),
            }
            watching.cancel()
            await asyncio.wait([watching])
            found["ours_to_chromium"] = await in_chromium(browser, door, seconds)
            taken = await seats(door, viewers, seconds + 12)
            await asyncio.sleep(8)
            found["per_viewer_cpu"] = round((await cores(pid, seconds) - ingest) / viewers, 4)
            found["ingest_bps"] = publisher.stats().video_bps
            for seat in taken:
                with contextlib.suppress(ProcessLookupError):
                    seat.terminate()
                await seat.communicate()
        page = await chromium.page(browser, door.url)
        await page.evaluate("([w, h, bps]) => publish('/whip', {width: w, height: h, bps})", [WIDTH, HEIGHT, BPS])
        await asyncio.sleep(6)
        found["chromium_ingest_cpu"] = round(await cores(pid, seconds), 4)
        stats = await page.evaluate("inbound(publisher)")
        found["chromium_uplink_estimate_bps"] = int(stats.get("pair", {}).get("availableOutgoingBitrate", 0))
        found["chromium_to_chromium"] = await in_chromium(browser, door, seconds)
        await page.close()
    return found


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="bench relay")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--viewers", type=int, default=10)
    parser.add_argument("--runs", type=int, default=1)
    args = parser.parse_args(argv)
    runs = [asyncio.run(once(args.seconds, args.viewers)) for _ in range(args.runs)]
    print(json.dumps(runs[0] if len(runs) == 1 else {"runs": runs}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
