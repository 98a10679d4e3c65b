"""The real window, engine and platform, with real browsers in the room."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from seller_console.contract import routes
from tests.fakes import chromium
from tests.fakes.open_house import WATCHED, until

from .conftest import RUNNING, DrivenConsole, Record, place_of

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.media, pytest.mark.timeout(180)]

N = "\u202f"


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium.running() as running:
        yield running


LOTS_OF_2_MIN = {"duration_ms": 120_000, "counter_bid_ms": 10_000}


class Room:
    """A console, asked from a coroutine, and the pages of its buyers."""

    def __init__(self, console: DrivenConsole, browser: Browser) -> None:
        self._console = console
        self._browser = browser
        self.show = ""

    async def do(self, what: str, **words: Any) -> dict[str, Any]:
        return await asyncio.to_thread(self._console.do, what, **words)

    async def until(self, done: Callable[[dict[str, Any]], Any], seconds: float, saying: str) -> dict[str, Any]:
        return await asyncio.to_thread(self._console.until, done, seconds, saying)

    async def go_live(self) -> dict[str, Any]:
        live = await asyncio.to_thread(self._console.go_live)
        self.show = live["show_id"]
        return live

    async def open_lot(self) -> dict[str, Any]:
        return await asyncio.to_thread(self._console.open_lot)

    async def enter(self, nickname: str, size: tuple[int, int] = (390, 844)) -> Page:
        context = await self._browser.new_context(viewport={"width": size[0], "height": size[1]}, locale="fr-FR")
        await context.add_init_script(WATCHED)
        page = await context.new_page()
        await page.goto(place_of("platform").url + routes.at(routes.BUYER_PAGE, self.show))
        await page.fill("#nickname", nickname)
        await page.click("#entry-send")
        await page.wait_for_selector('#app[data-phase="inside"]')
        return page


async def press_bid(page: Page, says: str) -> None:
    """A person's press: the page ignores one that comes in the first 400 ms of a lot."""
    await expect(page.locator("#bid")).to_have_text(says, timeout=12_000)
    await page.wait_for_timeout(500)
    await page.click("#bid")


async def frames(page: Page) -> int:
    return int((await page.evaluate("media()"))[0])


async def more_frames(page: Page, count: int, within_s: float, saying: str) -> None:
    before = await frames(page)

    async def moved() -> bool:
        return await frames(page) >= before + count

    await until(moved, within_s, saying)


@pytest.fixture
def room(open_console: Callable[..., DrivenConsole], browser: Browser) -> Room:
    return Room(open_console(), browser)


async def test_a_bid_with_the_mouse_is_seen_in_the_window_and_in_a_second_browser_and_the_hammer_in_all(
    room: Room, record: Callable[[str], Record]
) -> None:
    await room.do("presets", preset={"duration_ms": 12_000, "counter_bid_ms": 5_000})
    await room.go_live()
    await room.do("add_lot", title="Dracaufeu holo 151")
    await room.until(lambda s: s["queue"] == 1, 12, "queued")
    mouse = await room.enter("leo_cards", (1440, 900))
    phone = await room.enter("nora.b")
    await more_frames(mouse, 45, 20, "the picture advances")

    async def heard() -> bool:
        return float((await mouse.evaluate("media()"))[1]) > 0

    await until(heard, 10, "audio energy")
    opened = await room.open_lot()
    await press_bid(mouse, f"Enchérir 1{N}€")
    await expect(phone.locator("#lead-word")).to_have_text("leo_cards mène", timeout=12_000)
    seen = await room.until(lambda s: s["leader"] == "leo_cards", 12, "the window shows the bid")
    assert (seen["price_cents"], seen["run_id"]) == (100, opened["run_id"])
    await press_bid(phone, f"Enchérir 2{N}€")
    await room.until(lambda s: s["leader"] == "nora.b" and s["price_cents"] == 200, 12, "and the next one")
    hammered = await room.until(lambda s: s["deck"] == "adjudged", 30, "the hammer in the window")
    assert hammered["winner"] == "nora.b" and hammered["results"][0] == ["sold", 200, "nora.b"]
    await expect(phone.locator("#moment-word")).to_have_text(f"Adjugé{N}! C’est à vous", timeout=12_000)
    await expect(mouse.locator("#moment-text")).to_have_text("à nora.b", timeout=12_000)
    await more_frames(phone, 30, 10, "the picture goes on")
    assert [row["price_cents"] for row in record(room.show).of("hammered")] == [200]


async def test_the_engine_killed_on_air_is_back_in_a_browser_without_joining_again(
    room: Room, record: Callable[[str], Record]
) -> None:
    await room.go_live()
    page = await room.enter("ines")
    await more_frames(page, 45, 20, "the picture advances")
    await room.do("presets", preset=LOTS_OF_2_MIN)
    opened = await room.open_lot()
    joined = await page.evaluate("connections.length")
    await page.evaluate(
        """() => {
          const video = document.getElementById("video");
          window.shown = [];
          const seen = () => { window.shown.push(performance.now()); video.requestVideoFrameCallback(seen); };
          video.requestVideoFrameCallback(seen);
        }"""
    )
    await asyncio.sleep(0.5)
    os.kill(place_of("engine").pid, signal.SIGKILL)
    await room.until(lambda s: s["restarts"] == [0, 1] and s["air"] == "on_air", 30, "the engine is on air again")
    await more_frames(page, 30, 30, "the picture is back")
    gap_ms = await page.evaluate("Math.max(...shown.slice(1).map((at, n) => at - shown[n]))")
    assert gap_ms <= 15_000, gap_ms  # a ceiling for a busy machine: bench show has the figure
    assert await page.evaluate("connections.length") == joined, "the same connection"
    after = await room.do("look")
    assert after["run_id"] == opened["run_id"] and after["deck"] in RUNNING
    if not record(room.show).of("run_paused"):  # 5 s without a picture pause the lot: a busy machine may get there
        assert after["ends_at_ms"] == opened["ends_at_ms"], "the auction did not notice"


async def test_the_platform_killed_under_browsers_is_back_and_says_so(
    room: Room, record: Callable[[str], Record]
) -> None:
    await room.go_live()
    page = await room.enter("ines")
    await more_frames(page, 30, 20, "the picture advances")
    await room.do("presets", preset=LOTS_OF_2_MIN)
    await room.open_lot()
    await press_bid(page, f"Enchérir 1{N}€")
    await room.until(lambda s: s["leader"] == "ines", 12, "her bid")
    os.kill(place_of("platform").pid, signal.SIGKILL)
    back = await room.until(
        lambda s: s["restarts"][0] == 1 and s["connection"] == "connected", 30, "the platform is back by itself"
    )
    assert back["leader"] == "ines" and back["deck"] in RUNNING | {"paused"}
    await expect(page.locator("#lead-word")).to_have_text("Vous menez", timeout=10_000)
    await more_frames(page, 30, 40, "the picture is back")
    assert len(record(room.show).of("platform_returned")) == 1


async def test_a_second_console_joins_the_same_show_and_both_see_each_others_edits(
    room: Room, open_console: Callable[..., DrivenConsole], tmp_path: Any
) -> None:
    live = await room.go_live()
    place = place_of("platform")
    elsewhere = tmp_path / "elsewhere"
    other = await asyncio.to_thread(
        open_console, "--platform", place.url, "--pass", place.secret, environ={"SELLER_CONSOLE_HOME": str(elsewhere)}
    )
    joined = await asyncio.to_thread(other.until, lambda s: s["connection"] == "connected", 20, "joined")
    assert joined["show_id"] == live["show_id"] and joined["status"] == "live"
    await asyncio.to_thread(other.do, "add_lot", title="depuis la régie")
    await room.until(lambda s: s["queue"] == 1, 12, "the seller sees it")
    await room.open_lot()
    seen = await asyncio.to_thread(other.until, lambda s: s["deck"] in RUNNING, 12, "the other sees the lot open")
    assert seen["engine"] == "none", "the picture is the seller's"
    assert not (elsewhere / "run" / "engine.json").exists() and not (elsewhere / "run" / "platform.json").exists()
