"""A buyer who comes to the next show with the same phone: known to the seller, and nothing on the page tells."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Browser, expect

from seller_console.contract import routes
from tests.fakes.open_house import N, OpenHouse, shows

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),  # one Chromium for them all
    pytest.mark.browser,
    pytest.mark.processes,
    pytest.mark.timeout(120),
]


async def regulars(house: OpenHouse) -> list[dict[str, Any]]:
    answer = await house.owner.get(routes.at(routes.BRIEF, house.show))
    return [event for event in answer.json()["events"] if event["type"] == "regular_recognised"]


async def test_the_same_phone_is_a_regular_at_the_next_show(house: OpenHouse, browser: Browser) -> None:
    await house.say("go_live")
    await house.lot("Manteau laine camel", format="buy_it_now", opening_cents=25_00)
    page = await house.enter(browser, "nora.b")
    await page.tap("#rail-lots")
    buy = page.get_by_role("button", name=f"Acheter 25{N}€")
    await buy.tap()
    await page.wait_for_timeout(450)  # a double tap is not a confirmation
    await page.get_by_role("button", name=f"Confirmer 25{N}€").tap()
    await shows(page, "#tab-basket-count", "1")
    assert await regulars(house) == []

    opened = await house.owner.post(routes.SHOWS, json={"title": "Le lendemain"})
    house.show = opened.json()["show_id"]
    house.forgiven.append("401")
    await page.goto(f"{house.place.url}/s/{house.show}")
    await expect(page.locator("#nickname")).to_have_value("nora.b")
    await page.tap("#entry-send")
    await page.wait_for_selector('#app[data-phase="inside"]')
    (known,) = await regulars(house)
    assert known["regular"]["purchases"] == 1
    assert known["regular"]["spent_cents"] == 25_00
    assert known["regular"]["nickname"] == "nora.b"

    kept = {cookie["name"]: cookie for cookie in await page.context.cookies(f"{house.place.url}/api/time")}
    token = kept[routes.REGULAR_COOKIE]["value"]
    seen = await page.evaluate("JSON.stringify([document.cookie, {...localStorage}, document.body.innerHTML])")
    assert token not in seen
    stranger = await house.enter(browser, "nora.b")
    await stranger.wait_for_selector('#app[data-phase="inside"]')
    assert len(await regulars(house)) == 1, "the same name on another phone is nobody"
