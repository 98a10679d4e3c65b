"""What publishing costs: ours, Chromium and aiortc as it comes, the same pictures at the same rate, in one run.

    python packaging/dev.py bench publish [--seconds 20] [--sizes 720,1080] [--runs 1] [--only ours]

Prints one JSON object. `cpu` is cores of the whole publishing program (all of
Chromium's processes), `fps` what the relay received, `cpu_per_30fps` the cost of 30
delivered frames, `ssim` of what a viewer decodes against the pictures sent (luma,
frames matched by a code burnt into them); of ours also the pictures lost, by the engine's own
count. `ours_over`: the ratios, and by how much our SSIM is higher.

One after another: two at 1080p fill two cores, and who has to wait for them is not measured but
the scheduler. Of several runs every second has the order turned round, so that a machine that
grows slower is as slow for both; the median of the ratios decides, and the lost pictures of all.
Exit code 1 when a bar is missed (BARS; SSIM no lower than Chromium's; 0.1 % lost). Five minutes
of ours alone: `--only ours --seconds 300`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import math
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from playwright.async_api import async_playwright

from seller_console.engine.picture import Pixels, blank
from seller_console.engine.testcard import draw_code, read_code
from seller_console.engine.watch import Viewer
from seller_console.platform.relay import RelayStats
from seller_console.rtc.receiving import Received
from tests.bench import _bars, _engine
from tests.fakes import chromium, relay_door

ROOT = Path(__file__).resolve().parents[2]
SIZES = {"720": (720, 1280, 2_500_000), "1080": (1080, 1920, 4_500_000)}
FRAMES = 90
SETTLES_S = 4.0
BARS = {"chromium": 1.0, "aiortc_per_frame": 0.45}

CAPTURE = """
async (bps) => {
  const stream = await navigator.mediaDevices.getUserMedia({video: true, audio: true});
  const pc = window.publisher = new RTCPeerConnection();
  for (const track of stream.getTracks()) {
    const transceiver = pc.addTransceiver(track, {direction: 'sendonly', streams: [stream]});
    if (track.kind !== 'video') continue;
    const all = RTCRtpSender.getCapabilities('video').codecs;
    transceiver.setCodecPreferences(all.filter(c => ['video/H264', 'video/rtx'].includes(c.mimeType)));
    const parameters = transceiver.sender.getParameters();
    parameters.encodings[0].maxBitrate = bps;
    parameters.degradationPreference = 'maintain-resolution';
    await transceiver.sender.setParameters(parameters);
  }
  await pc.setLocalDescription(await pc.createOffer());
  await gathered(pc);
  const headers = {'Content-Type': 'application/sdp'};
  const answer = await fetch('/whip', {method: 'POST', headers, body: pc.localDescription.sdp});
  const kbps = Math.round(bps / 1000);
  const rate = `;x-google-start-bitrate=${kbps};x-google-min-bitrate=${kbps};x-google-max-bitrate=${kbps}`;
  const sdp = (await answer.text()).replace(/(a=fmtp:\\d+ [^\\r]*packetization-mode=1[^\\r]*)/g, '$1' + rate);
  await pc.setRemoteDescription({type: 'answer', sdp});
}
"""


def draw_film(path: Path, width: int, height: int) -> list[Pixels]:
    """Three seconds of textured, panning, slightly noisy pictures, each with its number; raw, so decoding is free."""
    rng = np.random.default_rng(11)
    rough = cv2.GaussianBlur(rng.integers(0, 256, (height * 3 // 2, width * 3 // 2), np.uint8), (0, 0), 4)
    wide = cv2.normalize(rough, np.empty_like(rough), 30, 220, cv2.NORM_MINMAX)
    chroma = cv2.GaussianBlur(rng.integers(60, 200, (height // 2, width // 2), np.uint8), (0, 0), 20)
    frames = []
    for number in range(FRAMES):
        turn = 2 * np.pi * number / FRAMES
        x, y = int(width / 5 * (1 + np.sin(turn))), int(height / 8 * (1 + np.cos(turn)))
        pixels = blank(width, height)
        grain = rng.integers(-3, 4, (height, width), np.int16)
        pixels[:height] = np.clip(wide[y : y + height, x : x + width] + grain, 16, 235)
        pixels.reshape(-1)[height * width : height * width * 5 // 4] = np.roll(chroma, number, 1).reshape(-1)
        draw_code(pixels[:height], number, number)
        frames.append(pixels)
    with path.open("wb") as out:
        out.write(b"YUV4MPEG2 W%d H%d F30:1 Ip A1:1 C420jpeg\n" % (width, height))
        for pixels in frames:
            out.write(b"FRAME\n" + pixels.tobytes())
    return frames


def ssim(one: Pixels, other: Pixels) -> float:
    """Wang et al. 2004, 11x11 Gaussian window, on luma."""
    a, b = one.astype(np.float32), other.astype(np.float32)
    mean_a, mean_b = (cv2.GaussianBlur(p, (11, 11), 1.5) for p in (a, b))
    var_a = cv2.GaussianBlur(a * a, (11, 11), 1.5) - mean_a**2
    var_b = cv2.GaussianBlur(b * b, (11, 11), 1.5) - mean_b**2
    both = cv2.GaussianBlur(a * b, (11, 11), 1.5) - mean_a * mean_b
    c1, c2 = 6.5025, 58.5225
    figure = (2 * mean_a * mean_b + c1) * (2 * both + c2) / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2))
    return float(np.mean(figure))


class Judge:
    """Keeps what a viewer receives; decodes and compares when the clock is stopped."""

    def __init__(self, height: int) -> None:
        self._height = height
        self.units: list[bytes] = []

    def __call__(self, received: Received) -> None:
        if received.kind == "video":
            self.units.append(received.data)

    def score(self, film: list[Pixels]) -> float:
        decoder: Any = av.CodecContext.create("h264", "r")
        scores = []
        for index, unit in enumerate(self.units):
            for frame in decoder.decode(av.Packet(unit)):
                if index % 6 or frame.height != self._height:
                    continue
                luma = frame.to_ndarray(format="gray" if frame.format.name != "yuv420p" else "yuv420p")[: frame.height]
                code = read_code(luma)
                if code is not None and code.number < FRAMES:
                    scores.append(ssim(film[code.number][: self._height], luma))
        return round(statistics.mean(scores), 4) if scores else float("nan")


def family_seconds(pid: int) -> float:
    """CPU seconds of a program and all its children so far."""
    total = 0.0
    for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system
    return total


@dataclass
class Program:
    """One that publishes; ours says what became of its pictures."""

    pid: int
    pictures: _engine.Pictures = field(default_factory=_engine.Pictures)


async def measure(door: relay_door.Door, program: Program, seconds: float, film: list[Pixels]) -> dict[str, Any]:
    """A publisher that has been started: cost once it is on air, what arrives, how it looks."""
    height = film[0].shape[0] * 2 // 3
    async with asyncio.timeout(60):
        while not any(isinstance(note, RelayStats) and note.fps > 0 for note in door.notes):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    await asyncio.sleep(SETTLES_S)
    start, before, began = len(door.notes), family_seconds(program.pid), time.monotonic()
    await asyncio.sleep(seconds)
    cpu = (family_seconds(program.pid) - before) / (time.monotonic() - began)
    pictures = program.pictures.figures() if program.pictures.heard else {}
    said = [note for note in door.notes[start:] if isinstance(note, RelayStats)]
    fps = statistics.mean(note.fps for note in said)
    judge = Judge(height)
    viewer = Viewer(door.whep, on_access_unit=judge)
    watching = asyncio.create_task(viewer.run())
    await asyncio.sleep(6)
    watching.cancel()
    await asyncio.wait([watching])
    looks = await asyncio.to_thread(judge.score, film)
    return {
        "cpu": round(cpu, 3),
        "fps": round(fps, 2),
        "bps": int(statistics.mean(note.video_bps for note in said)),
        "cpu_per_30fps": round(cpu * 30 / fps, 3) if fps else float("nan"),
        "ssim": looks,
        **pictures,
    }


@contextlib.asynccontextmanager
async def running(*arguments: str) -> AsyncIterator[Program]:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", *arguments, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    program = Program(child.pid)
    listening = asyncio.create_task(_listen(child.stdout, program.pictures))
    try:
        yield program
    finally:
        with contextlib.suppress(ProcessLookupError):
            child.terminate()
        await child.wait()
        await listening


async def _listen(lines: asyncio.StreamReader | None, pictures: _engine.Pictures) -> None:
    assert lines is not None
    async for line in lines:
        pictures.take(json.loads(line))


async def ours(door: relay_door.Door, path: Path, size: tuple[int, int, int]) -> AsyncIterator[Program]:
    width, height, bps = size
    words = ["--to", door.whip, "--camera", f"file:{path}", "--size", f"{width}x{height}", "--bitrate", str(bps)]
    async with running("seller_console.engine.headless", *words, "--json") as program:
        yield program


async def stock(door: relay_door.Door, path: Path, size: tuple[int, int, int]) -> AsyncIterator[Program]:
    async with running("tests.fakes.stock_publisher", door.whip, str(path), str(size[2])) as program:
        yield program


async def in_chromium(door: relay_door.Door, path: Path, size: tuple[int, int, int]) -> AsyncIterator[Program]:
    mine = {child.pid for child in psutil.Process().children()}
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=[*chromium.FLAGS, f"--use-file-for-fake-video-capture={path}"]
        )
        try:
            page = await chromium.page(browser, door.url)
            await page.evaluate(CAPTURE, size[2])
            yield Program(_chromium_pid(mine))
        finally:
            await browser.close()


def _chromium_pid(mine: set[int]) -> int:
    for child in psutil.Process().children(recursive=True):
        if child.pid not in mine and "chromium" in child.name() and "--type=" not in " ".join(child.cmdline()):
            return child.pid
    raise RuntimeError("no Chromium among our children")


PUBLISHERS = {"ours": ours, "chromium": in_chromium, "aiortc": stock}


def ratios(figures: dict[str, Any]) -> dict[str, float]:
    mine, chromium_, aiortc = (figures[who] for who in PUBLISHERS)
    return {
        "chromium": round(mine["cpu"] / chromium_["cpu"], 3),
        "chromium_per_frame": round(mine["cpu_per_30fps"] / chromium_["cpu_per_30fps"], 3),
        "aiortc_per_frame": round(mine["cpu_per_30fps"] / aiortc["cpu_per_30fps"], 3),
        "chromium_ssim": round(mine["ssim"] - chromium_["ssim"], 4),
    }


def judged(runs: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Of each size what the bars are laid to: the median of each ratio, and the lost pictures of all runs."""
    found: dict[str, dict[str, float]] = {}
    for name in runs[0]:
        ratios_of = [run[name]["ours_over"] for run in runs if "ours_over" in run[name]]
        mine = [run[name]["ours"] for run in runs]
        lost = _engine.counted(*(sum(one.get(what, 0) for one in mine) for what in ("sent", "dropped", "late")))
        heard = all("sent" in one for one in mine)
        found[name] = {
            **{what: _bars.median(one[what] for one in ratios_of) for what in (ratios_of[0] if ratios_of else ())},
            "lost_share": lost["lost_share"] if heard else math.nan,
        }
    return found


def missed(found: dict[str, dict[str, float]]) -> list[str]:
    """The bars that were not reached, of what was measured."""
    late: list[str] = []
    for name, figures in found.items():
        late += _bars.over(f"{name}: lost_share", figures["lost_share"], _engine.LOST_SHARE)
        if "chromium" not in figures:
            continue
        for other, most in BARS.items():
            late += _bars.over(f"{name}: CPU over {other}", figures[other], most)
        late += _bars.over(f"{name}: SSIM below Chromium's by", -figures["chromium_ssim"], 0.0)
    return late


async def once(names: list[str], seconds: float, order: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            size = SIZES[name]
            path = Path(folder) / f"{name}.y4m"
            film = draw_film(path, size[0], size[1])
            figures: dict[str, Any] = {}
            for who in order:
                async with relay_door.opened() as door:
                    async for program in PUBLISHERS[who](door, path, size):
                        figures[who] = await measure(door, program, seconds, film)
            if len(figures) == len(PUBLISHERS):
                figures["ours_over"] = ratios(figures)
            found[name] = figures
            path.unlink()
    return found


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="bench publish")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--sizes", default="720,1080")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--only", choices=["ours"], help="no others beside it: only the lost pictures are judged")
    options = parser.parse_args(argv)
    names = options.sizes.split(",")
    order = [options.only] if options.only else list(PUBLISHERS)
    runs = []
    for _ in range(options.runs):
        runs.append(asyncio.run(once(names, options.seconds, order)))
        order.reverse()
    found = judged(runs)
    bars = {**BARS, "chromium_ssim": 0.0, "lost_share": _engine.LOST_SHARE}
    print(json.dumps({"runs": runs, "judged": found, "bars": bars}, indent=1))
    return _bars.verdict(missed(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
