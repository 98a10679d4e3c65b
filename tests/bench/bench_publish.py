"""What publishing costs: ours, Chromium and aiortc as it comes, the same pictures at the same rate, in one run.

    python packaging/dev.py bench publish [--seconds 20] [--sizes 720,1080] [--runs 1]

Prints one JSON object. `cpu` is cores of the whole publishing program (all of
Chromium's processes), `fps` what the relay received, `cpu_per_30fps` the cost of 30
delivered frames, `ssim` of what a viewer decodes against the pictures sent (luma,
frames matched by a code burnt into them). Ratios: ours over each other.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
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
from tests.fakes import chromium, relay_door

ROOT = Path(__file__).resolve().parents[2]
SIZES = {"720": (720, 1280, 2_500_000), "1080": (1080, 1920, 4_500_000)}
FRAMES = 90

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


async def measure(door: relay_door.Door, pid: int, seconds: float, film: list[Pixels]) -> dict[str, Any]:
    """A publisher already sending: cost, what arrives, how it looks."""
    height = film[0].shape[0] * 2 // 3
    await asyncio.sleep(4)
    start, before, began = len(door.notes), family_seconds(pid), time.monotonic()
    await asyncio.sleep(seconds)
    cpu = (family_seconds(pid) - before) / (time.monotonic() - began)
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
    }


@contextlib.asynccontextmanager
async def program(*arguments: str) -> AsyncIterator[int]:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", *arguments, cwd=ROOT, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        yield child.pid
    finally:
        with contextlib.suppress(ProcessLookupError):
            child.terminate()
        await child.wait()


async def ours(door: relay_door.Door, path: Path, size: tuple[int, int, int]) -> AsyncIterator[int]:
    width, height, bps = size
    words = ["--to", door.whip, "--camera", f"file:{path}", "--size", f"{width}x{height}", "--bitrate", str(bps)]
    async with program("seller_console.engine.headless", *words) as pid:
        yield pid


async def stock(door: relay_door.Door, path: Path, size: tuple[int, int, int]) -> AsyncIterator[int]:
    async with program("tests.fakes.stock_publisher", door.whip, str(path), str(size[2])) as pid:
        yield pid


async def in_chromium(door: relay_door.Door, path: Path, size: tuple[int, int, int]) -> AsyncIterator[int]:
    mine = {child.pid for child in psutil.Process().children()}
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=[*chromium.FLAGS, f"--use-file-for-fake-video-capture={path}"]
        )
        try:
            page = await chromium.page(browser, door.url)
            await page.evaluate(CAPTURE, size[2])
            yield _chromium_pid(mine)
        finally:
            await browser.close()


def _chromium_pid(mine: set[int]) -> int:
    for child in psutil.Process().children(recursive=True):
        if child.pid not in mine and "chromium" in child.name() and "--type=" not in " ".join(child.cmdline()):
            return child.pid
    raise RuntimeError("no Chromium among our children")


async def once(names: list[str], seconds: float) -> dict[str, Any]:
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            size = SIZES[name]
            path = Path(folder) / f"{name}.y4m"
            film = draw_film(path, size[0], size[1])
            figures: dict[str, Any] = {}
            for who, publishing in (("ours", ours), ("chromium", in_chromium), ("aiortc", stock)):
                async with relay_door.opened() as door:
                    async for pid in publishing(door, path, size):
                        figures[who] = await measure(door, pid, seconds, film)
            mine = figures["ours"]
            for other in ("chromium", "aiortc"):
                figures[f"ours_over_{other}_per_frame"] = round(
                    mine["cpu_per_30fps"] / figures[other]["cpu_per_30fps"], 3
                )
            found[name] = figures
            path.unlink()
    return found


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="bench publish")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--sizes", default="720,1080")
    parser.add_argument("--runs", type=int, default=1)
    options = parser.parse_args(argv)
    names = [name for name in options.sizes.split(",") if name in SIZES]
    runs = [asyncio.run(once(names, options.seconds)) for _ in range(options.runs)]
    print(json.dumps(runs[0] if len(runs) == 1 else {"runs": runs}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
