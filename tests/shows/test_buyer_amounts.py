"""On the buyer page: one's own budget, an offer on a lot, and a sale that cannot be recorded; in a real Chromium."""

from __future__ import annotations

import asyncio
import os

import pytest
from playwright.async_api import Browser, Page, Route, expect

from tests.fakes.open_house import N, OpenHouse, asked, shows, until

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),  # one Chromium for them all
    pytest.mark.browser,
    pytest.mark.processes,
    pytest.mark.timeout(120),
]

SMALL = (360, 740)


async def fits(page: Page, selector: str) -> None:
    """Nothing of it is cut off or below a thumb's size."""
    inside = await page.evaluate(
        """async selector => {
          const moving = document.getAnimations().filter(one => one.effect.getComputedTiming().iterations < 9);
          await Promise.all(moving.map(one => one.finished.catch(() => 0)));
          const root = document.querySelector(selector);
          const wide = root.scrollWidth <= root.clientWidth;
          const buttons = [...root.querySelectorAll("button, a, input")].filter(one => one.offsetParent);
          const small = buttons.filter(one => one.getBoundingClientRect().height < 44).map(one => one.id);
          const out = buttons.filter(one => {
            const box = one.getBoundingClientRect();
            return box.left < 0 || box.right > innerWidth;
          }).map(one => one.id);
          return { wide, small, out, count: buttons.length };
        }""",
        selector,
    )
    assert inside["wide"], selector
    assert inside["small"] == inside["out"] == [], selector
    assert inside["count"] > 0


async def test_a_buyer_sets_a_budget_and_is_held_to_it(house: OpenHouse, browser: Browser) -> None:
    await house.say("go_live")
    page = await house.enter(browser, "leo_cards", size=SMALL)
    await page.tap("#rail-basket")
    await shows(page, "#budget-left", "Aucune limite")
    await page.tap("#budget-open")
    await shows(page, "#amount-title", "Budget de la soirée")
    await fits(page, "#amount-sheet")
    await expect(page.locator("#amount-none")).to_be_hidden()
    for typed in ("12,50", "0", "9999999"):
        await page.fill("#amount-units", typed)
        await expect(page.locator("#amount-send")).to_have_attribute("aria-disabled", "true")
    await page.fill("#amount-units", "20")
    await shows(page, "#amount-send", f"Fixer à 20{N}€")
    await page.tap("#amount-send")
    await expect(page.locator("#amount-sheet")).to_be_hidden()
    await shows(page, "#budget-word", f"Budget{N}: 20{N}€")
    await shows(page, "#budget-left", f"Il vous reste 20{N}€")
    await fits(page, "#pane-basket")
    assert [row["limit_cents"] for row in house.rows("spending_limit_set")] == [2_000]
    await page.tap("#panel-close")

    run_id = await house.open_lot(seconds=60)
    await asked(page, "1")
    await page.tap("#max-open")
    await page.fill("#max-amount", "30")
    await page.tap("#max-send")
    await shows(page, "#max-hint", f"Cela dépasserait votre budget de la soirée (20{N}€).")
    house.forgiven.append("409")
    await page.fill("#max-amount", "15")
    await page.tap("#max-send")
    await shows(page, "#lead-word", "Vous menez")
    await page.tap("#rail-basket")
    await shows(page, "#budget-left", f"Il vous reste 5{N}€")

    await page.reload()
    await page.wait_for_selector('#app[data-phase="inside"]')
    await page.tap("#rail-basket")
    await shows(page, "#budget-word", f"Budget{N}: 20{N}€")
    await page.tap("#budget-open")
    await expect(page.locator("#amount-units")).to_have_value("20")
    await page.fill("#amount-units", "10")
    await shows(page, "#amount-hint", f"Déjà engagé{N}: 15{N}€. Vous n’enchérirez plus ce soir.")
    await page.tap("#amount-none")
    await shows(page, "#budget-left", "Aucune limite")
    assert [row["limit_cents"] for row in house.rows("spending_limit_set")] == [2_000, 0]
    await house.say("void_run", run_id=run_id, reason="fini", back_to_queue=False)


async def test_a_buyer_makes_an_offer_and_hears_the_answer(house: OpenHouse, browser: Browser) -> None:
    await house.say("go_live")
    lot_id = await house.lot("Manteau laine camel", format="buy_it_now", opening_cents=25_00, offers_accepted=True)
    await house.lot("Sans offre", format="buy_it_now", opening_cents=25_00)
    await house.lot("Trop bas", format="buy_it_now", opening_cents=1_00, offers_accepted=True)
    page = await house.enter(browser, "nora.b", size=SMALL)
    await page.tap("#rail-lots")
    offer = page.get_by_role("button", name="Faire une offre")
    await expect(offer).to_have_count(1)
    await fits(page, "#pane-lots")
    await offer.tap()
    await shows(page, "#amount-title", "Faire une offre")
    await expect(page.locator("#amount-lot")).to_contain_text("Manteau laine camel")
    await fits(page, "#amount-sheet")
    await page.fill("#amount-units", "25")
    await shows(page, "#amount-hint", f"Votre offre doit être sous 25{N}€.")
    await expect(page.locator("#amount-send")).to_have_attribute("aria-disabled", "true")
    await page.get_by_role("button", name=f"20{N}€", exact=True).tap()
    await shows(page, "#amount-send", f"Offrir 20{N}€")
    await page.tap("#amount-send")
    await expect(page.locator("#amount-sheet")).to_be_hidden()
    await expect(page.locator("#lots")).to_contain_text(f"Offre{N}: 20{N}€")
    await expect(offer).to_have_count(0)
    made = house.rows("offer_made")
    assert [(row["lot_id"], row["price_cents"]) for row in made] == [(lot_id, 20_00)]

    await house.say("answer_offer", offer_id=made[0]["offer_id"], accept=False)
    await expect(page.locator("#toasts")).to_contain_text("Votre offre n’a pas été retenue.")
    await expect(offer).to_have_count(1)
    await offer.tap()
    await page.fill("#amount-units", "22")
    await page.tap("#amount-send")
    await expect(page.locator("#lots")).to_contain_text(f"Offre{N}: 22{N}€")
    await house.say("answer_offer", offer_id=house.rows("offer_made")[1]["offer_id"], accept=True)
    await page.tap("#tab-basket")
    await shows(page, "#total-price", f"22{N}€")


async def test_an_answer_that_comes_late_leaves_the_next_sheet_alone(house: OpenHouse, browser: Browser) -> None:
    await house.say("go_live")
    await house.lot("Vase", format="buy_it_now", opening_cents=30_00, offers_accepted=True)
    page = await house.enter(browser, "leo_cards", size=(1280, 800))
    line = asyncio.Event()

    async def slow(route: Route) -> None:
        await line.wait()
        await route.continue_()

    await page.route("**/commands", slow)
    await page.get_by_role("button", name="Faire une offre").click()
    await page.fill("#amount-units", "12")
    await page.click("#amount-send")
    await page.click("#amount-close")
    await page.click("#tab-basket")
    await page.click("#budget-open")
    await page.fill("#amount-units", "50")
    line.set()
    await expect(page.locator("#toasts")).to_contain_text(f"Offre de 12{N}€ envoyée")
    await expect(page.locator("#amount-sheet")).to_be_visible()
    await expect(page.locator("#amount-units")).to_have_value("50")
    await page.click("#amount-send")
    await shows(page, "#budget-word", f"Budget{N}: 50{N}€")


async def test_a_pre_bid_answered_late_leaves_the_next_one_alone(house: OpenHouse, browser: Browser) -> None:
    await house.say("go_live")
    first, _ = [await house.lot(title, format="auction", opening_cents=1_00) for title in ("Vase", "Robe")]
    page = await house.enter(browser, "leo_cards", size=(1280, 800))
    line = asyncio.Event()

    async def slow(route: Route) -> None:
        await line.wait()
        await route.continue_()

    await page.route("**/commands", slow)
    await page.click("#tab-lots")
    await page.locator("#lots li", has_text="Vase").get_by_role("button").last.click()
    await page.fill("#max-amount", "12")
    await page.click("#max-send")
    await page.click("#max-close")
    await page.locator("#lots li", has_text="Robe").get_by_role("button").last.click()
    await page.fill("#max-amount", "50")
    line.set()
    await expect(page.locator("#lots li", has_text="Vase")).to_contain_text(f"12{N}€")
    await expect(page.locator("#max-sheet")).to_be_visible()
    await expect(page.locator("#max-amount")).to_have_value("50")
    assert [(row["lot_id"], row["max_cents"]) for row in house.rows("pre_bid_set")] == [(first, 12_00)]
    await page.click("#max-send")
    await expect(page.locator("#lots li", has_text="Robe")).to_contain_text(f"50{N}€")


async def test_a_lot_sold_while_its_offer_is_typed_takes_none(house: OpenHouse, browser: Browser) -> None:
    await house.say("go_live")
    lot_id = await house.lot("Vase", format="buy_it_now", opening_cents=30_00, offers_accepted=True)
    page = await house.enter(browser, "leo_cards", size=(1280, 800))
    await page.get_by_role("button", name="Faire une offre").click()
    await page.fill("#amount-units", "12")
    await shows(page, "#amount-send", f"Offrir 12{N}€")
    other = await house.visitor("nora.b")
    assert (await other.say("buy_now", lot_id=lot_id, price_cents=30_00)).status_code == 200
    await shows(page, "#amount-hint", "Ce lot ne prend pas d’autre offre pour l’instant.")
    await expect(page.locator("#amount-send")).to_have_attribute("aria-disabled", "true")
    await page.keyboard.press("Escape")
    await expect(page.locator("#amount-sheet")).to_be_hidden()


@pytest.mark.skipif(os.name != "posix", reason="limits of another process are POSIX")
async def test_a_sale_that_cannot_be_recorded_is_said_and_the_clock_stands(house: OpenHouse, browser: Browser) -> None:
    await house.say("go_live")
    page = await house.enter(browser, "leo_cards", size=SMALL)
    await house.open_lot(seconds=40)
    await asked(page, "1")
    await expect(page.locator("#sale-banner")).to_be_hidden()
    import resource

    everything = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    resource.prlimit(house.program.pid, resource.RLIMIT_FSIZE, (4_096, resource.RLIM_INFINITY))
    refused = await house.post(house.owner, {"type": "announce", "text": "Bonsoir"})
    assert refused.status_code == 503
    await shows(
        page, "#sale-banner",
        f"La vente ne peut pas être enregistrée pour l’instant{N}: tout est en pause, le temps est figé.",
    )  # fmt: skip
    await shows(page, "#bid", "Enchères en pause")
    await expect(page.locator("#clock")).to_have_class("clock paused")
    stands = await page.inner_text("#clock")
    await asyncio.sleep(1.3)
    assert await page.inner_text("#clock") == stands
    resource.prlimit(house.program.pid, resource.RLIMIT_FSIZE, everything)
    await expect(page.locator("#sale-banner")).to_be_hidden(timeout=15_000)

    async def runs_on() -> bool:
        return await page.inner_text("#clock") != stands

    await until(runs_on, saying="the clock goes on")
    await asked(page, "1")
    await page.tap("#bid")
    await shows(page, "#lead-word", "Vous menez")
    assert [row["reason"] for row in house.rows("run_paused")] == ["log_unwritable"]
