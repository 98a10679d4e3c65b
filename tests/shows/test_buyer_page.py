"""The buyer page in a real Chromium, on a real platform: the picture, the bids, and what a lot goes through."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from playwright.async_api import Browser, expect

from tests.fakes.open_house import N, OpenHouse, asked, shows, text, until

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),  # one Chromium for them all
    pytest.mark.browser,
    pytest.mark.processes,
    pytest.mark.timeout(120),
]

SHORT = {"seconds": 5, "counter_bid_s": 1}


# --- picture and sound ------------------------------------------------------------------


@pytest.mark.media
async def test_the_picture_moves_and_is_heard_and_comes_back_by_itself(house: OpenHouse, browser: Browser) -> None:
    publisher = house.publish()
    await house.say("go_live")
    page = await house.enter(browser, "leo_cards")

    async def frames(at_least: int) -> bool:
        return bool((await page.evaluate("media()"))[0] >= at_least)

    await until(lambda: frames(60), 20, "two seconds of picture")

    async def heard() -> bool:
        return bool((await page.evaluate("media()"))[1] > 0)

    await until(heard, 10, "the tone is heard")
    assert not await page.evaluate("document.getElementById('video').muted"), "the press that entered allowed sound"
    shown = await page.evaluate(
        """() => new Promise(done => {
          const video = document.getElementById("video");
          let n = 0;
          const told = () => done([n, video.videoWidth, video.videoHeight]);
          const seen = () => { n += 1; n >= 20 ? told() : video.requestVideoFrameCallback(seen); };
          video.requestVideoFrameCallback(seen);
          setTimeout(told, 15_000);
        })"""
    )
    assert shown[0] >= 20, "pictures are painted, not only decoded"
    assert shown[1:] == [360, 640]
    await expect(page.locator("#curtain")).not_to_have_class("curtain on")

    publisher.popen.kill()
    await shows(page, "#curtain-title", "Le direct reprend…", 6)
    await expect(page.locator("#curtain")).to_be_visible()
    house.publish()
    await expect(page.locator("#curtain")).to_be_hidden(timeout=20_000)
    before = (await page.evaluate("media()"))[0]
    await until(lambda: frames(before + 30), 15, "the picture moves again")
    house.forgiven.append("/whep/")  # sessions the relay had already ended


@pytest.mark.media
async def test_the_picture_returns_by_itself_after_the_platform_was_killed(house: OpenHouse, browser: Browser) -> None:
    house.forgiven += ["Failed to load resource", "ERR_", "/whep/"]
    house.publish()
    await house.say("go_live")
    page = await house.enter(browser, "leo_cards")

    async def painted() -> int:
        return int(await page.evaluate("document.getElementById('video').getVideoPlaybackQuality().totalVideoFrames"))

    async def moved_by(before: int, frames: int) -> bool:
        return await painted() >= before + frames

    await until(lambda: moved_by(0, 30), 20, "a second of picture")
    house.kill_and_restart()
    await expect(page.locator("#curtain")).to_be_visible(timeout=8_000)
    await expect(page.locator("#curtain")).to_be_hidden(timeout=20_000)
    before = await painted()
    await until(lambda: moved_by(before, 30), 15, "the picture moves again")


@pytest.mark.media
async def test_a_buyer_who_came_back_sees_the_picture_and_may_turn_sound_on(house: OpenHouse, browser: Browser) -> None:
    house.publish()
    page = await house.enter(browser, "ines")
    await page.reload()
    await page.wait_for_selector('#app[data-phase="inside"]')
    await until(lambda: page.evaluate("document.getElementById('video').videoWidth"), 20, "a picture")
    await page.evaluate("document.getElementById('video').muted = true")
    sound = page.locator("#sound")
    await expect(sound).to_have_attribute("aria-label", "Activer le son")
    await sound.click()
    assert not await page.evaluate("document.getElementById('video').muted")
    await expect(sound).to_have_attribute("aria-pressed", "true")
    house.forgiven.append("/whep/")


# --- bidding -----------------------------------------------------------------------------


async def test_a_bid_with_the_mouse_shows_in_a_second_browser_and_in_the_log_and_the_hammer_in_both(
    house: OpenHouse, browser: Browser
) -> None:
    await house.lot("Dracaufeu holo 151 — proche du neuf")
    await house.say("go_live")
    mouse = await house.enter(browser, "leo_cards", size=(1440, 900))
    phone = await house.enter(browser, "nora.b")
    run_id = await house.open_lot(seconds=9, counter_bid_s=5)
    await asked(mouse, "1")
    await mouse.click("#bid")
    await shows(phone, "#lead-word", "leo_cards mène")
    await shows(mouse, "#lead-word", "Vous menez")
    await shows(mouse, "#bid", "Vous menez")
    await expect(mouse.locator("#bid")).to_have_attribute("aria-disabled", "true")
    assert [(row["run_id"], row["price_cents"], row["leader_name"]) for row in house.rows("price_moved")] == [
        (run_id, 100, "leo_cards")
    ]
    await asked(phone, "2")
    await phone.tap("#bid")
    await shows(phone, "#lead-word", "Vous menez")
    await shows(mouse, "#lead-word", "Surenchéri par nora.b")
    await expect(mouse.locator("#block")).to_have_attribute("data-standing", "outbid")
    assert await mouse.evaluate("buzzed") >= 1, "outbid is felt"
    await expect(mouse.locator("#toasts")).to_contain_text(f"Prochaine enchère{N}: 3{N}€")
    await expect(phone.locator("#moment")).to_be_visible(timeout=15_000)
    await shows(phone, "#moment-word", f"Adjugé{N}! C’est à vous")
    await shows(phone, "#moment-bag", f"Sac n°{N}1")
    await shows(mouse, "#moment-word", "Adjugé")
    await shows(mouse, "#moment-text", "à nora.b")
    assert [row["price_cents"] for row in house.rows("hammered")] == [200]
    await phone.tap("#rail-basket")
    await shows(phone, "#bag-number", f"Sac n°{N}1")
    await shows(phone, "#total-price", f"2{N}€")
    await phone.tap("#basket-validate")
    await expect(phone.locator("#basket-note")).to_be_visible()
    assert len(house.rows("basket_validated")) == 1


async def test_the_button_never_says_more_than_the_platform_said(house: OpenHouse, browser: Browser) -> None:
    """A press sends the amount shown, once; until the answer is in the feed nothing claims success."""
    await house.say("go_live")
    page = await house.enter(browser, "leo_cards")
    await house.open_lot()
    await asked(page, "1")
    held = asyncio.Event()
    sent: list[dict[str, Any]] = []

    async def hold(route: Any) -> None:
        sent.append({"body": route.request.post_data_json, "key": route.request.headers["idempotency-key"]})
        await held.wait()
        await route.continue_()

    await page.route("**/commands", hold)
    await page.tap("#bid")
    await page.evaluate("for (let n = 0; n < 5; n += 1) document.getElementById('bid').click()")
    await shows(page, "#bid", "Envoi…")
    assert await text(page, "#lead-word") == "Aucune enchère", "no optimism with money"
    held.set()
    await shows(page, "#bid", "Vous menez")
    assert [one["body"]["amount_cents"] for one in sent] == [100], "six presses, one bid"
    assert len(house.rows("price_moved")) == 1


async def test_a_bid_outrun_is_refused_in_words_and_never_raised(house: OpenHouse, browser: Browser) -> None:
    await house.say("go_live")
    page = await house.enter(browser, "leo_cards")
    nora = await house.visitor("nora.b")
    await house.open_lot()
    await asked(page, "1")

    async def outrun(route: Any) -> None:
        await nora.bid(10, "exact")
        await route.continue_()

    await page.route("**/commands", outrun, times=1)
    await page.tap("#bid")
    await shows(page, "#answer", f"Il faut maintenant 11{N}€ au moins.")
    await asked(page, "11")
    assert [row["price_cents"] for row in house.rows("price_moved")] == [1000]
    house.forgiven.append("409")


async def test_a_price_that_changes_under_the_finger_is_not_what_was_meant(house: OpenHouse, browser: Browser) -> None:
    await house.say("go_live")
    page = await house.enter(browser, "leo_cards", size=(1440, 900))
    nora = await house.visitor("nora.b")
    await house.open_lot()
    await asked(page, "1")
    box = await page.locator("#bid").bounding_box()
    assert box is not None
    await page.mouse.move(box["x"] + 40, box["y"] + 20)
    await page.mouse.down()
    await nora.bid(20, "exact")
    await shows(page, "#bid", f"Enchérir 21{N}€")
    await page.mouse.up()
    await shows(page, "#answer", f"Il faut maintenant 21{N}€ au moins.")
    assert [row["price_cents"] for row in house.rows("price_moved")] == [2000]
    house.forgiven.append("409")


async def test_an_answer_lost_on_the_way_is_asked_for_again_and_bids_once(house: OpenHouse, browser: Browser) -> None:
    await house.say("go_live")
    page = await house.enter(browser, "leo_cards")
    await house.open_lot()
    await asked(page, "1")
    keys: list[str] = []

    async def lose(route: Any) -> None:
        keys.append(route.request.headers["idempotency-key"])
        if len(keys) == 1:
            await route.fetch()  # the platform heard it
            await route.abort("connectionreset")
        else:
            await route.continue_()

    await page.route("**/commands", lose)
    await page.tap("#bid")
    await shows(page, "#bid", "Vous menez")
    await until(lambda: _true(len(keys) == 2), 5, "tried again")
    assert keys[0] == keys[1]
    assert len(house.rows("price_moved")) == 1
    house.forgiven.append("commands")


async def _true(value: bool) -> bool:
    return value


async def test_a_max_bid_is_explained_checked_and_kept_secret(house: OpenHouse, browser: Browser) -> None:
    await house.say("go_live")
    page = await house.enter(browser, "leo_cards")
    nora = await house.visitor("nora.b")
    await house.open_lot(seconds=60)
    await asked(page, "1")
    await nora.bid(10, "exact")
    await page.tap("#max-open")
    await expect(page.locator("#max-explain")).to_contain_text("personne ne le voit")
    for typed, reason in {
        "12,50": "Un nombre entier d’euros, sans centimes.",
        "5": f"Il faut au moins 11{N}€.",
        "9999999": "Ce montant est trop élevé.",
    }.items():
        await page.fill("#max-amount", typed)
        await shows(page, "#max-hint", reason)
        await expect(page.locator("#max-send")).to_have_attribute("aria-disabled", "true")
    await page.fill("#max-amount", "40")
    await shows(page, "#max-send", f"Valider 40{N}€ max.")
    await page.tap("#max-send")
    await expect(page.locator("#max-sheet")).to_be_hidden()
    await shows(page, "#lead-more", f"votre max. 40{N}€")
    await shows(page, "#price", f"11{N}€")
    feed = await nora.http.get(f"/api/shows/{house.show}/brief")
    assert "4000" not in feed.text, "nobody else reads the maximum"

    assert (await nora.bid(20, "max")).status_code == 200
    await shows(page, "#price", f"21{N}€")
    await shows(page, "#bid", "Vous menez")
    await page.tap("#max-open")
    await page.fill("#max-amount", "40")
    await shows(page, "#max-hint", f"Il faut dépasser votre max. actuel de 40{N}€.")
    await page.fill("#max-amount", "60")
    await page.tap("#max-exact-row")
    await shows(page, "#max-send", f"Enchérir 60{N}€")
    await page.keyboard.press("Escape")
    await expect(page.locator("#max-sheet")).to_be_hidden()
    assert len(house.rows("max_set")) == 3


async def test_pre_bids_wait_for_their_lot(house: OpenHouse, browser: Browser) -> None:
    await house.lot("Foulard soie imprimé")
    page = await house.enter(browser, "leo_cards")
    await shows(page, "#lot-title", "Foulard soie imprimé")
    await page.tap("#max-open")
    await shows(page, "#max-title", "Offre préalable")
    await page.fill("#max-amount", "15")
    await page.tap("#max-send")
    await shows(page, "#lead-word", f"Votre offre{N}: 15{N}€")
    await page.tap("#rail-lots")
    await shows(page, "#lots .small", f"15{N}€")
    await page.tap("#panel-close")
    await house.say("go_live")
    await house.open_lot()
    await shows(page, "#lead-word", "Vous menez")
    await shows(page, "#lead-more", f"votre max. 15{N}€")
    assert [row["max_cents"] for row in house.rows("pre_bid_set")] == [1500]


async def test_buy_it_now_asks_twice_and_lands_in_the_basket(house: OpenHouse, browser: Browser) -> None:
    lot_id = await house.lot("Porte-clés collector", format="buy_it_now", opening_cents=1250, quantity=2)
    await house.say("go_live")
    await house.say("pin_lot", lot_id=lot_id)
    page = await house.enter(browser, "leo_cards")
    button = page.locator("#strips .small")
    await expect(button).to_have_text(f"Acheter 12,50{N}€")
    await button.dblclick()
    await expect(button).to_have_text(f"Confirmer 12,50{N}€")
    assert house.rows("sale_made") == [], "a double tap buys nothing"
    await page.wait_for_timeout(450)
    await button.tap()
    await shows(page, "#rail-basket-count", "1")
    assert [row["price_cents"] for row in house.rows("sale_made")] == [1250]


async def test_a_giveaway_is_entered_with_one_press(house: OpenHouse, browser: Browser) -> None:
    lot_id = await house.lot("Badge brodé", format="giveaway", opening_cents=0)
    await house.say("go_live")
    page = await house.enter(browser, "leo_cards")
    giveaway_id = (await house.say("start_giveaway", lot_id=lot_id, seconds=60))["made"]["giveaway_id"]
    await page.tap("#strips .small")
    await shows(page, "#strips .small", "Vous participez")
    await house.say("draw_giveaway", giveaway_id=giveaway_id)
    await shows(page, "#moment-word", f"Cadeau gagné{N}!")
    await shows(page, "#rail-basket-count", "1")


# --- what happens to a lot -----------------------------------------------------------------


async def test_every_end_of_a_lot_is_told(house: OpenHouse, browser: Browser) -> None:
    await house.say("go_live")
    page = await house.enter(browser, "leo_cards")
    nora = await house.visitor("nora.b")
    run_id = await house.open_lot()
    await asked(page, "1")
    await house.say("withdraw_run", run_id=run_id)
    await shows(page, "#moment-word", "Lot retiré")
    await shows(page, "#lots .about, #lead-word >> nth=0", "Lot retiré")
    run_id = await house.open_lot()
    await nora.bid(1)
    await house.say("void_run", run_id=run_id, reason="Mauvaise carte montrée", back_to_queue=False)
    await shows(page, "#moment-word", "Vente arrêtée")
    await shows(page, "#moment-text", "Mauvaise carte montrée")
    await house.open_lot(**SHORT)
    await shows(page, "#clock", "Clôture…", 10)
    await shows(page, "#moment-word", "Invendu", 10)
    await shows(page, "#moment-text", "Aucune enchère")
    await house.lot("Montre", backstage={"reserve_cents": 6000})
    await house.open_lot(**SHORT)
    await expect(page.locator("#lot-number")).to_contain_text("prix de réserve")
    await nora.bid(1)
    await expect(page.locator("#lot-number")).to_contain_text("réserve non atteinte")
    await shows(page, "#moment-text", "Réserve non atteinte", 12)


async def test_a_lost_picture_pauses_the_lot_and_says_why(house: OpenHouse, browser: Browser) -> None:
    await house.say("go_live")
    page = await house.enter(browser, "leo_cards")
    await house.open_lot()
    await asked(page, "1")
    now = (await house.owner.get("/api/time")).json()["server_ms"]
    await house.say("lose_picture", since_ms=now - 6_000)
    await shows(page, "#sale-banner", f"Image coupée{N}: enchères en pause, le temps est figé.")
    await shows(page, "#bid", "Enchères en pause")
    frozen = await text(page, "#clock")
    assert frozen.startswith("0:")
    await expect(page.locator("#clock")).to_have_attribute("aria-label", "En pause")
    await page.wait_for_timeout(1_300)
    assert await text(page, "#clock") == frozen
    await house.say("return_picture")
    await asked(page, "1")
    await expect(page.locator("#sale-banner")).to_be_hidden()


async def test_the_page_outlives_a_platform_killed_during_a_lot(house: OpenHouse, browser: Browser) -> None:
    house.forgiven += ["Failed to load resource", "ERR_", "/whep/"]
    await house.say("go_live")
    page = await house.enter(browser, "leo_cards")
    nora = await house.visitor("nora.b")
    await house.open_lot(seconds=60)
    assert (await nora.bid(5, "exact")).status_code == 200
    await asked(page, "6")
    await house.post(nora.http, {"type": "say", "text": "avant la coupure"})
    await expect(page.locator("#lines")).to_contain_text("avant la coupure")
    house.kill_and_restart()
    await asked(page, "6", 15)
    await expect(page.locator("#lines")).to_contain_text("Coupure du serveur", timeout=15_000)
    await page.tap("#bid")
    await shows(page, "#lead-word", "Vous menez", 10)
    assert await page.locator("#lines .line", has_text="avant la coupure").count() == 1, "nothing twice"
    assert [row["price_cents"] for row in house.rows("price_moved")] == [500, 600]


async def test_while_the_platform_is_away_nothing_can_be_spent(house: OpenHouse, browser: Browser) -> None:
    house.forgiven += ["Failed to load resource", "ERR_", "/whep/"]
    await house.say("go_live")
    page = await house.enter(browser, "leo_cards")
    await house.open_lot(seconds=60)
    await asked(page, "1")
    house.program.popen.kill()
    await shows(page, "#bid", "Connexion perdue", 8)
    await shows(page, "#net-text", "Connexion perdue, nouvel essai…")
    await expect(page.locator("#bid")).to_have_attribute("aria-disabled", "true")
    await expect(page.locator("#net-retry")).to_be_visible()
    house.program.popen.wait(10)


async def test_the_show_ends_with_thanks_and_what_was_bought(house: OpenHouse, browser: Browser) -> None:
    await house.say("go_live")
    page = await house.enter(browser, "leo_cards")
    other = await house.enter(browser, "nora.b")
    await house.open_lot(seconds=10, counter_bid_s=1)
    await asked(page, "1")
    await page.tap("#bid")
    await expect(page.locator("#moment.won")).to_be_visible(timeout=20_000)
    await house.say("end_show")
    await shows(page, "#ended-title", "Le direct est terminé")
    await shows(page, "#ended-sum", f"Vous repartez avec 1 lot pour 1{N}€.")
    await expect(other.locator("#ended-sum")).to_contain_text("Pas d’achat cette fois")
    await page.tap("#ended-basket")
    await shows(page, "#total-price", f"1{N}€")
    late = await house.enter(browser, "jules")
    await shows(late, "#ended-title", "Le direct est terminé")
    house.forgiven.append("/whep/")
