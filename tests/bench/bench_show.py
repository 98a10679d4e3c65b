"""A whole show beside Chromium: the figures of one command, measured on the three real programs.

    python packaging/dev.py bench show [--runs 5] [--skip kills,stall]

Each run opens the real console in a home of its own (720x1280, test card), two real
Chromiums on the buyer page, and then has Chromium publish through the same relay,
for comparison. Prints one JSON object: each figure as its median, with every run, and its bar.
While the window holds its GIL or is stopped, the engine's own count says what it lost: `dropped`
pictures, judged by the worst run, and `late` ones (never made), by the median, for a busy machine
makes some by itself. Exit code 1 when a bar is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import operator
import os
import signal
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from playwright.async_api import Browser, Page

from seller_console.contract import routes
from seller_console.contract.codec import decode_runtime
from seller_console.contract.media import RuntimeFile
from tests.bench import _bars, _engine
from tests.fakes import chromium

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 10.0
WATCHING = """
(() => {
  window.joinedAt = null; window.firstAt = null; window.shown = []; window.bidAt = null; window.leadAt = {};
  const follow = video => {
    const seen = () => {
      const at = performance.now();
      if (window.firstAt === null && window.joinedAt !== null) window.firstAt = at;
      window.shown.push(at);
      video.requestVideoFrameCallback(seen);
    };
    video.requestVideoFrameCallback(seen);
  };
  addEventListener('DOMContentLoaded', () => {
    follow(document.getElementById('video'));
    document.getElementById('entry-form').addEventListener('submit', () => window.joinedAt = performance.now(), true);
    document.getElementById('bid').addEventListener('click', () => window.bidAt = Date.now(), true);
    const lead = document.getElementById('lead-word');
    new MutationObserver(() => { window.leadAt[lead.textContent] ??= Date.now(); })
      .observe(lead, {childList: true, characterData: true, subtree: true});
  });
})();
"""
GAP = "(from) => { let most = 0, last = from; for (const at of shown) if (at > from) { most = Math.max(most, at - last); last = at; } return Math.max(most, performance.now() - last); }"  # noqa: E501


class Console:
    """The driven console of a home of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.process: asyncio.subprocess.Process | None = None
        self._errors = home / "console-errors.txt"

    async def open(self) -> dict[str, Any]:
        environ = {**os.environ, "SELLER_CONSOLE_HOME": str(self.home), "QT_QPA_PLATFORM": "offscreen"}
        with self._errors.open("ab") as errors:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tests.fakes.driven_console", cwd=ROOT, env=environ, limit=1 << 22,
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=errors,
            )  # fmt: skip
        return await self._line()

    async def _line(self) -> dict[str, Any]:
        assert self.process is not None and self.process.stdout is not None
        async with asyncio.timeout(30):
            line = await self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the console ended: {self._errors.read_text('utf-8', 'replace')[-3000:]}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    async def do(self, what: str, **words: Any) -> dict[str, Any]:
        assert self.process is not None and self.process.stdin is not None
        self.process.stdin.write(json.dumps({"do": what, **words}).encode() + b"\n")
        return await self._line()

    async def until(self, done: Any, seconds: float = 30.0) -> dict[str, Any]:
        async with asyncio.timeout(seconds):
            while True:
                seen = await self.do("look")
                if done(seen):
                    return seen
                await asyncio.sleep(0.02)

    async def go_live(self) -> dict[str, Any]:
        await self.until(lambda s: s["connection"] == "connected" and s["devices"])
        await asyncio.sleep(0.5)
        await self.do("press", action="go_live")
        return await self.until(lambda s: s["status"] == "live" and s["air"] == "on_air")

    async def open_lot(self) -> dict[str, Any]:
        await self.until(lambda s: s["pdd"])
        await asyncio.sleep(0.5)
        await self.do("pdd")
        return await self.until(lambda s: s["deck"] in ("withdrawable", "running"))

    def place(self, name: str) -> RuntimeFile:
        return decode_runtime((self.home / "run" / f"{name}.json").read_bytes())

    async def end(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()
        for name in ("engine", "platform"):
            try:
                process = psutil.Process(self.place(name).pid)
            except (OSError, psutil.NoSuchProcess):
                continue
            process.terminate()
            await asyncio.to_thread(psutil.wait_procs, [process], 8)


async def until_true(page: Page, expression: str, seconds: float = 20.0) -> None:
    """Polled from outside: the page's own security policy forbids `wait_for_function`."""
    async with asyncio.timeout(seconds):
        while not await page.evaluate(expression):  # noqa: ASYNC110 - a page cannot set our event
            await asyncio.sleep(0.02)


async def enter(browser: Browser, url: str, show: str, nickname: str) -> Page:
    """The buyer page, inside."""
    context = await browser.new_context(viewport={"width": 390, "height": 844}, locale="fr-FR")
    await context.add_init_script(WATCHING)
    page = await context.new_page()
    await page.goto(url + routes.at(routes.BUYER_PAGE, show))
    await page.fill("#nickname", nickname)
    await page.click("#entry-send")
    await until_true(page, "window.firstAt !== null")
    return page


async def picture(page: Page, seconds: float = SECONDS) -> dict[str, float]:
    """First frame, frames a second and the longest gap, at a Chromium on the buyer page."""
    first = await page.evaluate("firstAt - joinedAt")
    await asyncio.sleep(1.5)
    began = await page.evaluate("(() => { shown.length = 0; return performance.now() })()")
    await asyncio.sleep(seconds)
    shown, now, gap = await page.evaluate(f"[shown.length, performance.now(), ({GAP})({began})]")
    return {"first_frame_ms": first, "fps": shown * 1000 / (now - began), "gap_ms": gap}


async def bid_everywhere(console: Console, mouse: Page, other: Page) -> dict[str, float]:
    """From the press of a bidder's mouse to the second browser and to the window."""
    opened = await console.open_lot()
    await until_true(mouse, "document.getElementById('bid').textContent.includes('1')")
    await asyncio.sleep(1.0)
    await mouse.click("#bid")
    await until_true(other, "Object.keys(leadAt).some(k => k.includes('leo_cards'))", 5)
    key = f"{opened['run_id']} leo_cards 100"
    seen = await console.until(lambda s: key in s["led_at_ms"], 5)
    pressed = await mouse.evaluate("bidAt")
    leads = await other.evaluate("leadAt")
    browser_at = next(at for words, at in leads.items() if "leo_cards" in words)
    return {"bid_to_browser_ms": browser_at - pressed, "bid_to_console_ms": seen["led_at_ms"][key] - pressed}


async def killed(console: Console, page: Page) -> dict[str, float]:
    """Longest gap in Chromium around a kill -9 of the engine, then of the window."""
    began = await page.evaluate("performance.now()")
    os.kill(console.place("engine").pid, signal.SIGKILL)
    await console.until(lambda s: s["restarts"][1] == 1 and s["air"] == "on_air")
    await asyncio.sleep(4)
    engine_ms = await page.evaluate(f"({GAP})({began})")
    began = await page.evaluate("performance.now()")
    assert console.process is not None
    console.process.kill()
    await console.process.wait()
    await console.open()
    await console.until(lambda s: s["air"] == "on_air" and s["status"] == "live")
    await asyncio.sleep(2)
    window_ms = await page.evaluate(f"({GAP})({began})")
    return {"engine_killed_gap_ms": engine_ms, "window_killed_gap_ms": window_ms}


async def _gap_at_receiver(console: Console, show: str, seconds: float) -> float:
    """Longest gap between whole pictures as they arrive, at our own viewer (no renderer in between)."""
    place = console.place("platform")
    async with httpx.AsyncClient(trust_env=False) as http:
        joined = await http.post(
            place.url + routes.at(routes.JOIN, show), json={"nickname": f"v{uuid.uuid4().hex[:6]}"}
        )
        seat = joined.cookies[routes.BUYER_COOKIE]
    watch = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "seller_console", "watch", "--url", place.url + routes.at(routes.WHEP, show),
        f"--token={seat}", "--seconds", str(seconds), "--json", cwd=ROOT, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    said, _ = await watch.communicate()
    return float(json.loads(said.decode().splitlines()[-1])["largest_frame_gap_ms"])


@contextlib.asynccontextmanager
async def _counting(console: Console) -> AsyncIterator[_engine.Pictures]:
    """What the engine makes of its pictures meanwhile, heard beside the window, from a count before to one after."""
    place, pictures = console.place("engine"), _engine.Pictures()
    async with _engine.heard(place.pid, place.port, place.secret) as engine:

        async def listen() -> None:
            while note := await engine.hear():
                pictures.take(note)

        async def next_count() -> None:
            so_far = pictures.heard
            async with asyncio.timeout(10):
                while pictures.heard == so_far:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)

        listening = asyncio.create_task(listen())
        try:
            await next_count()
            yield pictures
            await next_count()
        finally:
            listening.cancel()


async def _calm(console: Console, show: str) -> float:
    return await _gap_at_receiver(console, show, 12)


async def _stalled(console: Console, show: str) -> float:
    await console.do("stall", every_ms=2_000, for_ms=500)
    gap_ms = await _gap_at_receiver(console, show, 12)
    await console.do("unstall")
    return gap_ms


async def _stopped(console: Console, show: str) -> float:
    assert console.process is not None
    window = console.process.pid
    watching = asyncio.create_task(_gap_at_receiver(console, show, 10))
    await asyncio.sleep(3)
    os.kill(window, signal.SIGSTOP)
    try:
        await asyncio.sleep(5)
    finally:
        os.kill(window, signal.SIGCONT)
    return await watching


async def held_up(console: Console, show: str) -> dict[str, float]:
    """A window at rest, one that holds its GIL half a second of two, one that is stopped for five."""
    found: dict[str, float] = {}
    for name, going_on in (("calm", _calm), ("stalled", _stalled), ("stopped", _stopped)):
        async with _counting(console) as pictures:
            found[f"gap_{name}_ms"] = await going_on(console, show)
        found |= {f"{what}_{name}": pictures.figures()[what] for what in ("dropped", "late")}
    return found


async def chromium_to_chromium(console: Console, browser: Browser) -> dict[str, float]:
    """The same relay, Chromium in the engine's place."""
    place = console.place("platform")
    async with httpx.AsyncClient(
        base_url=place.url, headers={"Authorization": f"Bearer {place.secret}"}, trust_env=False
    ) as http:
        show = (await http.post(routes.SHOWS, json={"title": "Chromium"})).json()["show_id"]
        live = {"type": "go_live"}
        answer = await http.post(
            routes.at(routes.COMMANDS, show), json=live, headers={routes.IDEMPOTENCY_KEY: uuid.uuid4().hex}
        )
        assert answer.status_code == 200, answer.text
    context = await browser.new_context(bypass_csp=True)
    publisher = await context.new_page()
    await publisher.goto(place.url + routes.HEALTH)
    await publisher.add_script_tag(content=chromium.SCRIPT)
    words = {"width": 720, "height": 1280, "bps": 2_500_000, "token": place.stream_key, "codec": "H264"}
    await publisher.evaluate("([url, words]) => publish(url, words)", [routes.at(routes.WHIP, show), words])
    await asyncio.sleep(3)
    page = await enter(browser, place.url, show, "ines")
    seen = await picture(page)
    await page.context.close()
    await context.close()
    return {f"chromium_{name}": value for name, value in seen.items()}


async def one_run(browser: Browser, skip: set[str]) -> dict[str, float]:
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        console = Console(Path(home))
        try:
            opened_at = time.monotonic()
            await console.open()
            figures["window_ms"] = (time.monotonic() - opened_at) * 1000
            live = await console.go_live()
            url, show = console.place("platform").url, live["show_id"]
            await asyncio.sleep(2)
            mouse = await enter(browser, url, show, "leo_cards")
            figures |= await picture(mouse)
            other = await enter(browser, url, show, "nora.b")
            figures |= await bid_everywhere(console, mouse, other)
            await other.context.close()
            if "kills" not in skip:
                figures |= await killed(console, mouse)
            await mouse.context.close()
            if "stall" not in skip:
                figures |= await held_up(console, show)
            await console.until(
                lambda s: s["run_id"] == "" or s["deck"] in {"adjudged", "passed", "empty", "ready"}, 90
            )
            await console.do("hold", action="end_show")
            await console.until(lambda s: s["status"] == "ended" and s["air"] == "off")
            if "chromium" not in skip:
                figures |= await chromium_to_chromium(console, browser)
        finally:
            await console.end()
    return figures


BARS = {
    "first_frame_ms": "<= 1000", "fps": ">= 28", "bid_to_browser_ms": "<= 300", "bid_to_console_ms": "<= 300",
    "engine_killed_gap_ms": "<= 4000", "window_killed_gap_ms": "<= 500", "gap_stalled_ms": "< 100",
    "gap_stopped_ms": "< 100", "dropped_stalled": "<= 0", "dropped_stopped": "<= 0", "late_stalled": "<= 0",
    "late_stopped": "<= 0",
}  # fmt: skip
REACHED = {"<=": operator.le, "<": operator.lt, ">=": operator.ge}


def table(runs: list[dict[str, float]]) -> dict[str, dict[str, Any]]:
    return {
        name: {
            "median": round(statistics.median(run[name] for run in runs), 1),
            "runs": [round(run[name], 1) for run in runs],
            **({"bar": BARS[name]} if name in BARS else {}),
        }
        for name in runs[0]
    }


def missed(figures: dict[str, dict[str, Any]]) -> list[str]:
    """The bars that were not reached, by the median; of dropped pictures no run may have one."""
    late = []
    for name, row in figures.items():
        if "bar" in row:
            how, bar = row["bar"].split()
            value = max(row["runs"]) if name.startswith("dropped") else row["median"]
            if not REACHED[how](value, float(bar)):
                late.append(f"{name} {value}, not {row['bar']}")
    return late


async def _bench(runs: int, skip: set[str]) -> int:
    found: list[dict[str, float]] = []
    for n in range(runs):
        async with chromium.running() as browser:
            found.append(await one_run(browser, skip))
        print(
            f"run {n + 1}: " + json.dumps({k: round(v, 1) for k, v in found[-1].items()}), file=sys.stderr, flush=True
        )
    figures = table(found)
    print(json.dumps({"load": os.getloadavg(), "cpus": os.cpu_count(), "figures": figures}, indent=1))
    return _bars.verdict(missed(figures))


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="bench show")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--skip", default="", help="kills, stall, chromium")
    asked = parser.parse_args(argv)
    return asyncio.run(_bench(asked.runs, set(asked.skip.split(","))))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
