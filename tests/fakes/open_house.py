"""A real platform process with its doors open, and real browsers walking in.

For the tests of the buyer page: staff and buyers over HTTP, pages in Chromium whose
console must stay silent, a publisher with the test card, the log by SQL.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from seller_console.contract import routes
from seller_console.contract.codec import decode_runtime
from seller_console.contract.media import RuntimeFile

WATCHED = """
(() => {
  window.connections = [];
  const Stock = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Stock {
    constructor(...words) { super(...words); window.connections.push(this); }
  };
  window.buzzed = 0;
  Navigator.prototype.vibrate = function () { window.buzzed += 1; return true; };
  window.media = async () => {
    let frames = 0, energy = 0;
    for (const pc of window.connections) {
      if (pc.connectionState === "closed") continue;
      (await pc.getStats()).forEach(one => {
        if (one.type === "inbound-rtp" && one.kind === "video") frames += one.framesDecoded || 0;
        if (one.type === "inbound-rtp" && one.kind === "audio") energy += one.totalAudioEnergy || 0;
      });
    }
    return [frames, energy];
  };
})();
"""
PHONE = (390, 844)


async def until(done: Callable[[], Awaitable[Any]], within_s: float = 10.0, saying: str = "") -> Any:
    """The first true answer of `done`; fails in words."""
    deadline = time.monotonic() + within_s
    while not (found := await done()):
        assert time.monotonic() < deadline, f"waited {within_s} s in vain: {saying}"
        await asyncio.sleep(0.03)
    return found


class Visitor:
    """A buyer with no browser."""

    def __init__(self, house: OpenHouse, http: httpx.AsyncClient, person: str) -> None:
        self._house = house
        self.http = http
        self.person = person

    async def say(self, command: str, /, **words: Any) -> httpx.Response:
        return await self._house.post(self.http, {"type": command, **words})

    async def bid(self, euros: int, kind: str = "tap") -> httpx.Response:
        return await self.say("place_bid", run_id=self._house.run_id, amount_cents=euros * 100, kind=kind)


class OpenHouse:
    def __init__(self, start_program: Callable[..., Any], title: str = "Déstockage du dimanche") -> None:
        self._start_program = start_program
        self._clients: list[httpx.AsyncClient] = []
        self._contexts: list[BrowserContext] = []
        self.complaints: list[str] = []
        """What pages wrote to their console as an error, and what they threw."""
        self.forgiven: list[str] = []
        """Parts of complaints a test expects."""
        self.run_id = ""
        self.program = start_program("seller_console", "platform", "--show", title)
        self.place: RuntimeFile = decode_runtime(self.program.line(0, 30))
        self.show = self.place.show_id
        self.owner = self._client({"Authorization": f"Bearer {self.place.secret}"})

    def _client(self, headers: dict[str, str] | None = None) -> httpx.AsyncClient:
        made = httpx.AsyncClient(base_url=self.place.url, headers=headers, trust_env=False, timeout=10)
        self._clients.append(made)
        return made

    def kill_and_restart(self) -> None:
        """kill -9, then the same home again: same port, same passes, same show."""
        self.program.popen.kill()
        self.program.popen.wait(10)
        self.program = self._start_program("seller_console", "platform")
        again = decode_runtime(self.program.line(0, 30))
        assert (again.url, again.show_id) == (self.place.url, self.show)

    def publish(self, *words: str) -> Any:
        """The test card and a tone, on air by WHIP."""
        return self._start_program(
            "seller_console", "publish", "--to", self.place.whip_url, f"--token={self.place.stream_key}",
            "--camera", "testcard", "--microphone", "tone", "--size", "360x640", "--fps", "30", "--json", *words,
        )  # fmt: skip

    # --- people ----------------------------------------------------------------------

    async def post(self, http: httpx.AsyncClient, command: dict[str, Any]) -> httpx.Response:
        return await http.post(
            routes.at(routes.COMMANDS, self.show), json=command, headers={routes.IDEMPOTENCY_KEY: uuid.uuid4().hex}
        )

    async def say(self, command: str, /, **words: Any) -> dict[str, Any]:
        """A command of the owner, which must be accepted."""
        answer = await self.post(self.owner, {"type": command, **words})
        assert answer.status_code == 200, answer.text
        accepted: dict[str, Any] = answer.json()
        return accepted

    async def lot(self, title: str, **words: Any) -> str:
        return str((await self.say("add_lot", lot={"title": title, **words}))["made"]["lot_id"])

    async def open_lot(self, seconds: float = 30, counter_bid_s: float = 10, **preset: Any) -> str:
        """PDD: opens the next lot, whatever it is; the show goes live for it."""
        preset = {"duration_ms": int(seconds * 1000), "counter_bid_ms": int(counter_bid_s * 1000), **preset}
        self.run_id = (await self.say("start_auction", preset=preset))["made"]["run_id"]
        return self.run_id

    async def visitor(self, nickname: str) -> Visitor:
        http = self._client()
        answer = await http.post(routes.at(routes.JOIN, self.show), json={"nickname": nickname})
        assert answer.status_code == 200, answer.text
        return Visitor(self, http, answer.json()["person"])

    # --- pages -----------------------------------------------------------------------

    async def page(
        self, browser: Browser, size: tuple[int, int] = PHONE, locale: str = "fr-FR", touch: bool | None = None
    ) -> Page:
        """The buyer page at its door. Phones touch, wide screens have a mouse."""
        hand = size[0] < 700 if touch is None else touch
        context = await browser.new_context(
            viewport={"width": size[0], "height": size[1]}, locale=locale, has_touch=hand, is_mobile=hand
        )
        self._contexts.append(context)
        await context.add_init_script(WATCHED)
        page = await context.new_page()
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(f"thrown: {error}"))
        await page.goto(f"{self.place.url}/s/{self.show}")
        return page

    def _heard(self, message: ConsoleMessage) -> None:
        address = message.location.get("url", "")
        if "503" in message.text and "/whep/" in address:
            return  # the relay starts beside the sale: a page that came before it is told so, and asks again
        if message.type in {"error", "warning"}:
            self.complaints.append(f"{message.type}: {message.text} {address}")

    async def enter(self, browser: Browser, nickname: str, **words: Any) -> Page:
        """The buyer page, inside, under that name."""
        page = await self.page(browser, **words)
        await page.fill("#nickname", nickname)
        await page.click("#entry-send")
        await page.wait_for_selector('#app[data-phase="inside"]')
        return page

    # --- the record ------------------------------------------------------------------

    def rows(self, kind: str) -> list[dict[str, Any]]:
        log = sqlite3.connect(f"file:{self.place.log_path}?mode=ro", uri=True)
        try:
            found = log.execute("SELECT event FROM events WHERE kind = ? ORDER BY seq", (kind,)).fetchall()
        finally:
            log.close()
        return [json.loads(raw) for (raw,) in found]

    async def close(self) -> None:
        for context in self._contexts:
            await context.close()
        for client in self._clients:
            await client.aclose()

    def silent(self) -> None:
        """Fails on any complaint of a page nobody expected."""
        left = [one for one in self.complaints if not any(part in one for part in self.forgiven)]
        assert not left, left


# --- what a page shows ------------------------------------------------------------------

N = "\u202f"


async def text(page: Page, selector: str) -> str:
    return (await page.locator(selector).text_content() or "").strip()


async def shows(page: Page, selector: str, words: str, within_s: float = 6.0) -> None:
    await expect(page.locator(selector)).to_have_text(words, timeout=within_s * 1000)


async def asked(page: Page, euros: str, within_s: float = 6.0) -> None:
    """The button asks that much, and has for long enough to be read: an earlier press is not taken."""
    await shows(page, "#bid", f"Enchérir {euros}{N}€", within_s)
    await page.wait_for_timeout(450)
