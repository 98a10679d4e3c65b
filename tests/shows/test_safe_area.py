"""What the buyers' page lays over the picture, measured on a real one: the numbers of `contract.safe_area`."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Browser, Page

from seller_console.contract import safe_area
from seller_console.contract.safe_area import SafeArea
from tests.fakes.open_house import OpenHouse, until

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),  # one Chromium for them all
    pytest.mark.browser,
    pytest.mark.processes,
    pytest.mark.timeout(120),
]

PHONES = ((360, 640), (360, 800), (390, 844), (430, 932))
MEASURE = """() => {
  const video = document.getElementById("video"), style = getComputedStyle(video);
  const edges = one => { const r = document.querySelector(one).getBoundingClientRect(); return [r.top, r.bottom]; };
  const room = video.getBoundingClientRect();
  return { fit: style.objectFit, place: style.objectPosition, room: [room.x, room.y, room.width, room.height],
           top: edges(".top")[1], chat: edges(".lines")[0], lot: edges(".card")[0] };
}"""


async def covered(page: Page, width: int, height: int) -> tuple[SafeArea, SafeArea]:
    """What is clear, and what is seen, of a programme of that shape in this window."""
    found: dict[str, Any] = await page.evaluate(MEASURE)
    assert (found["fit"], found["place"]) == ("contain", "50% 0px"), "whole, at the top: nothing is cropped"
    x, y, wide, high = found["room"]
    assert (x, y) == (0, 0)
    tall = height * min(wide / width, high / height)
    shares = {name: min(1.0, max(0.0, found[name] / tall)) for name in ("top", "chat", "lot")}
    return tuple(SafeArea(0, 0, shares["top"], 1 - shares[name]) for name in ("chat", "lot"))  # type: ignore[return-value]


async def test_the_safe_areas_are_those_of_the_page_a_lot_running_and_its_chat_full(
    house: OpenHouse, browser: Browser
) -> None:
    await house.lot("Dracaufeu holo 151, proche du neuf, avec sa pochette")
    await house.say("go_live")
    page = await house.enter(browser, "leo_cards")
    await house.open_lot(100)
    for n in range(9):
        await house.say("say", text=f"quelqu’un peut montrer le dos de la carte {n} ?")

    async def full() -> bool:
        return bool(await page.evaluate("document.getElementById('lines').childElementCount >= 9"))

    await until(full, 10, "nine lines")
    for shape, clear, seen in (
        ((9, 16), safe_area.CLEAR, safe_area.SEEN),
        ((16, 9), safe_area.CLEAR_WIDE, safe_area.SEEN_WIDE),
    ):
        worst: list[tuple[SafeArea, SafeArea]] = []
        for width, height in PHONES:
            await page.set_viewport_size({"width": width, "height": height})
            worst.append(await covered(page, *shape))
        for stated, measured in ((clear, [one for one, _ in worst]), (seen, [one for _, one in worst])):
            for edge in ("top", "bottom"):
                most = max(getattr(one, edge) for one in measured)
                assert most <= getattr(stated, edge) + 0.001 < most + 0.03, (shape, edge, most)
    house.forgiven.append("/whep/")  # nobody publishes
