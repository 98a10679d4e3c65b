"""The buyer page's door, chat, layout, keyboard and languages, in a real Chromium on a real platform."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from playwright.async_api import Browser, expect

from tests.fakes.open_house import N, OpenHouse, asked, shows, text

# ruff: noqa: E501 - scripts that run in the page
pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),  # one Chromium for them all
    pytest.mark.browser,
    pytest.mark.processes,
    pytest.mark.timeout(120),
]

SHORT = {"seconds": 5, "counter_bid_s": 1}


# --- the door and the chat ------------------------------------------------------------------


async def test_nobody_enters_without_a_proper_name_and_the_name_is_remembered(
    house: OpenHouse, browser: Browser
) -> None:
    page = await house.page(browser)
    await shows(page, "#entry-title", "Déstockage du dimanche")
    for typed, reason in {
        "": "Il faut au moins 2 caractères.",
        "x": "Il faut au moins 2 caractères.",
        "<img src=x onerror=alert(1)>": "24 caractères au plus.",
        "<script>": "Utilisez des lettres, des chiffres, un point, un tiret ou un espace.",
    }.items():
        await page.fill("#nickname", typed)
        await page.tap("#entry-send")
        await shows(page, "#nickname-hint", reason)
        await expect(page.locator("#nickname")).to_have_attribute("aria-invalid", "true")
    await expect(page.locator("#app")).to_have_attribute("data-phase", "entry")
    await page.fill("#nickname", "mamie.colette")
    await page.keyboard.press("Enter")
    await page.wait_for_selector('#app[data-phase="inside"]')
    assert "mamie.colette" in [row["nickname"] for row in house.rows("person_joined")]
    await page.reload()
    await page.wait_for_selector('#app[data-phase="inside"]')
    await page.context.clear_cookies()
    await page.reload()
    await expect(page.locator("#nickname")).to_have_value("mamie.colette")
    house.forgiven += ["401", "/whep/"]


HOSTILE = [
    "<img src=x onerror=\"document.title='pris'\">",
    "</div><script>document.title='pris'</script>",
    "\u202eesrever\u202c fin",
    "a" * 300,
    "𒐫" * 150,
    "{price} {{constructor}} %s __proto__",
    "javascript:alert(1) https://evil.example/",
]


async def test_hostile_names_and_lines_are_only_text(house: OpenHouse, browser: Browser) -> None:
    """Written over HTTP, past the page's own checks; the page must not believe the platform either."""
    page = await house.enter(browser, "leo_cards", size=(360, 740))
    troll = await house.visitor("<b onclick=x>tr\u202eoll</b>")

    async def say(line: str) -> int:
        while (answer := await troll.say("say", text=line)).status_code == 429:  # noqa: ASYNC110
            await asyncio.sleep(float(answer.headers["Retry-After"]))
        return answer.status_code

    assert [await say(line) for line in HOSTILE] == [200] * len(HOSTILE)
    assert await say("z" * 1_000) == 409
    assert await say("z" * 10_000) == 400
    await house.lot("<u>Titre</u> \u202einversé " + "w" * 50)
    await house.say("announce", text="<h1>Annonce</h1>")
    await expect(page.locator("#lines")).to_contain_text("https://evil.example/")
    await expect(page.locator("#lot-title")).to_contain_text("<u>Titre</u>")
    await shows(page, "#announce-banner", "<h1>Annonce</h1>")
    found = await page.evaluate(
        """() => ({
          title: document.title,
          made: [...document.querySelectorAll("#lines img, #lines script, #lines a, #lines b, #lot-title u, h1 > *, #banners h1")].length,
          marks: /[\\u202a-\\u202e\\u2066-\\u2069]/.test(document.body.textContent),
          wide: document.documentElement.scrollWidth > innerWidth
            || [...document.querySelectorAll(".line")].some(one => one.getBoundingClientRect().right > innerWidth),
        })"""
    )
    assert found == {"title": "Déstockage du dimanche · en direct", "made": 0, "marks": False, "wide": False}


async def test_a_platform_that_lies_cannot_write_markup_either(house: OpenHouse, browser: Browser) -> None:
    page = await house.page(browser)

    async def lie(route: Any) -> None:
        answer = await route.fetch()
        word = await answer.json()
        word["events"].append(
            {"type": "line_said", "line_id": "C1", "person": "x", "nickname": "<i>x</i>\u202e" * 500, "role": "buyer",
             "text": "<img src=x onerror=alert(1)>\u202e" + "y" * 10_000}
        )  # fmt: skip
        await route.fulfill(response=answer, json=word)

    await page.route("**/brief", lie)
    await page.fill("#nickname", "leo_cards")
    await page.tap("#entry-send")
    await expect(page.locator(".line")).to_contain_text("<img src=x")
    assert await page.locator(".line img, .line i").count() == 0
    assert len(await text(page, ".line")) < 400


async def test_the_chat_talks_replies_hides_and_deletes(house: OpenHouse, browser: Browser) -> None:
    page = await house.enter(browser, "leo_cards")
    nora = await house.visitor("nora.b")
    await nora.say("say", text="tu peux montrer le dos ?")
    await page.locator(".line", has_text="montrer le dos").tap()
    await shows(page, "#line-reply", "Répondre à nora.b")
    await page.tap("#line-reply")
    await shows(page, "#replying-text", "Réponse à nora.b")
    await page.fill("#say", "je regarde")
    await page.keyboard.press("Enter")
    mine = page.locator(".line.mine")
    await expect(mine).to_contain_text("je regarde")
    await expect(mine.locator(".to")).to_contain_text("montrer le dos")
    await expect(page.locator("#say")).to_have_value("")
    (said,) = [row for row in house.rows("line_said") if row["text"] == "je regarde"]
    assert said["reply_to"]
    await mine.tap()
    await expect(page.locator("#line-mute")).to_be_hidden()
    await page.tap("#line-delete")
    await expect(mine).to_contain_text("message supprimé")
    await page.locator(".line", has_text="montrer le dos").tap()
    await page.tap("#line-mute")
    await expect(page.locator("#lines")).to_contain_text("message masqué")
    await expect(page.locator("#lines")).not_to_contain_text("montrer le dos")
    await nora.say("say", text="encore moi")
    await expect(page.locator(".line")).to_have_count(3)
    await expect(page.locator("#lines")).not_to_contain_text("encore moi")
    assert (await nora.http.get(f"/api/shows/{house.show}/brief")).text.count("encore moi") == 1, "hidden here only"


async def test_a_line_the_platform_will_not_take_is_kept(house: OpenHouse, browser: Browser) -> None:
    page = await house.enter(browser, "leo_cards")
    await house.say("set_slow_mode", every_ms=60_000)
    await expect(page.locator("#say")).to_have_attribute("placeholder", f"Chat ralenti{N}: un message toutes les 60 s.")
    for line in ("premier", "second"):
        await page.fill("#say", line)
        await page.tap("#say-send")
        if line == "premier":
            await expect(page.locator("#say")).to_have_value("")
    await expect(page.locator("#toasts")).to_contain_text("Mode lent")
    await expect(page.locator("#say")).to_have_value("second")
    await page.fill("#say", "n" * 400)
    assert len(await page.input_value("#say")) == 300
    await shows(page, "#say-left", "0")
    house.forgiven.append("409")


async def test_a_busy_chat_follows_the_newest_unless_the_reader_scrolled_away(
    house: OpenHouse, browser: Browser
) -> None:
    page = await house.enter(browser, "leo_cards")
    for n in range(260):
        await house.say("say", text=f"ligne {n}")
    await expect(page.locator(".line").last).to_contain_text("ligne 259", timeout=15_000)
    assert await page.locator(".line").count() <= 200
    lines = page.locator("#lines")
    assert await lines.evaluate("n => n.scrollHeight - n.scrollTop - n.clientHeight") < 4
    await lines.evaluate("n => { n.scrollTop = 0; }")
    await page.wait_for_timeout(100)
    await house.say("say", text="pendant ce temps")
    await shows(page, "#fresh", "1 nouveau message")
    assert await lines.evaluate("n => n.scrollTop") < 60, "the reader stays where they read"
    await page.tap("#fresh")
    assert await lines.evaluate("n => n.scrollHeight - n.scrollTop - n.clientHeight") < 4
    await expect(page.locator("#fresh")).to_be_hidden()


# --- layout, touch, keyboard, languages -------------------------------------------------------


SIZES = [(360, 740), (390, 844), (768, 1024), (1440, 900), (844, 390), (320, 568), (1024, 768)]

LAYOUT = """
() => {
  const seen = node => {
    const style = getComputedStyle(node);
    const box = node.getBoundingClientRect();
    return style.visibility !== "hidden" && style.display !== "none" && box.width > 0 && box.height > 0 && !node.closest("[hidden]");
  };
  const trouble = [];
  if (document.documentElement.scrollWidth > innerWidth) trouble.push("page scrolls sideways");
  const parts = [".top", "#banners > :not([hidden])", "#chat .lines", "#composer", "#rail", ".card", "#panel", ".strip"]
    .flatMap(one => [...document.querySelectorAll(one)]).filter(seen);
  const name = node => node.id || node.className;
  for (const node of parts) {
    const box = node.getBoundingClientRect();
    if (box.left < -0.5 || box.right > innerWidth + 0.5 || box.bottom > innerHeight + 0.5 || box.top < -0.5)
      trouble.push(`${name(node)} leaves the screen`);
  }
  parts.forEach((a, i) => parts.slice(i + 1).forEach(b => {
    if (a.contains(b) || b.contains(a)) return;
    const p = a.getBoundingClientRect(), q = b.getBoundingClientRect();
    const w = Math.min(p.right, q.right) - Math.max(p.left, q.left), h = Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top);
    if (w > 1 && h > 1) trouble.push(`${name(a)} overlaps ${name(b)}`);
  }));
  for (const id of ["price", "clock", "bid", "max-open", "lot-number"]) {
    const node = document.getElementById(id);
    if (!seen(node)) continue;
    if (node.scrollWidth > node.clientWidth + 1 && id !== "lot-number") trouble.push(`${id} is cut`);
    const box = node.getBoundingClientRect(), card = document.querySelector(".card").getBoundingClientRect();
    if (box.right > card.right + 0.5 || box.left < card.left - 0.5) trouble.push(`${id} leaves the card`);
  }
  const price = document.getElementById("price").getBoundingClientRect(), clock = document.getElementById("clock").getBoundingClientRect();
  if (price.width && clock.width && price.right > clock.left + 1) trouble.push("price meets clock");
  for (const node of document.querySelectorAll("button, input, a")) {
    if (!seen(node) || node.closest(".lines")) continue;
    const box = node.getBoundingClientRect();
    const row = node.type === "checkbox" ? node.closest("label").getBoundingClientRect() : box;
    if (row.width < 43.5 || row.height < 43.5) trouble.push(`${name(node)} is ${row.width}x${row.height}, too small to touch`);
    if (node.tagName === "BUTTON" && !node.textContent.trim() && !node.getAttribute("aria-label")) trouble.push(`${name(node)} has no name`);
  }
  return trouble;
}
"""


async def test_nothing_overlaps_overflows_or_is_too_small_to_touch(house: OpenHouse, browser: Browser) -> None:
    await house.lot("Dracaufeu holo 151 — proche du neuf, édition française, boîte abîmée au dos")
    await house.lot("Montre")
    pin = await house.lot("Porte-clés collector", format="buy_it_now", opening_cents=125050, quantity=2)
    await house.say("go_live")
    pages = [await house.enter(browser, f"moi.{width}", size=(width, height)) for width, height in SIZES]
    troubles: list[str] = []

    async def look(state: str) -> None:
        for page, size in zip(pages, SIZES, strict=True):
            await page.wait_for_timeout(120)
            troubles.extend(f"{size} {state}: {one}" for one in await page.evaluate(LAYOUT))

    await look("before")
    nora = await house.visitor("un_pseudo_de_24_lettres_")
    for n in range(5):
        await nora.say("say", text=f"ligne {n}, un message assez long pour passer à la ligne sur un petit téléphone")
    await house.open_lot(seconds=120)
    for page in pages:
        await asked(page, "1")
    await look("running")
    await nora.bid(12_450, "exact")
    for page in pages:
        await shows(page, "#price", f"12{N}450{N}€")
    await house.say("announce", text="Pause de cinq minutes, on revient avec les cartes gradées")
    await house.say("pin_lot", lot_id=pin)
    now = (await house.owner.get("/api/time")).json()["server_ms"]
    await house.say("lose_picture", since_ms=now - 6_000)
    for page in pages:
        await shows(page, "#bid", "Enchères en pause")
    await look("paused, announced, pinned")
    for page, (width, _) in zip(pages, SIZES, strict=True):
        if width < 700:
            if not await page.locator("#rail-lots").is_visible():
                continue
            await page.tap("#rail-lots")
            await page.wait_for_timeout(300)
            troubles.extend(
                f"{width} sheet: {one}"
                for one in await page.evaluate(LAYOUT)
                if "overlaps" not in one and "panel" not in one
            )
            await page.tap("#panel-close")
    assert not troubles, "\n".join(sorted(set(troubles)))


CONTRAST = """
() => {
  const parse = colour => {
    const found = colour.match(/[\\d.]+/g).map(Number);
    return { rgb: found.slice(0, 3), alpha: found[3] ?? 1 };
  };
  const over = (top, bottom) => top.rgb.map((one, i) => one * top.alpha + bottom[i] * (1 - top.alpha));
  const light = rgb => {
    const [r, g, b] = rgb.map(one => one / 255).map(one => (one <= 0.03928 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const weak = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = walk.currentNode.parentElement;
    if (!walk.currentNode.textContent.trim() || !node.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
    if (node.closest("noscript, .hidden, .thumb, .curtain, .lines, title, script")) continue;
    const layers = [];
    for (let one = node; one; one = one.parentElement) {
      const back = parse(getComputedStyle(one).backgroundColor);
      if (back.alpha > 0) layers.push(back);
      if (back.alpha === 1) break;
    }
    // What lies under a veil may be a white picture: the worst case.
    let under = layers.length && layers.at(-1).alpha === 1 ? layers.pop().rgb : [255, 255, 255];
    for (const layer of layers.reverse()) under = over(layer, under);
    const ink = over(parse(getComputedStyle(node).color), under);
    const [a, b] = [light(ink), light(under)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const size = parseFloat(getComputedStyle(node).fontSize), bold = Number(getComputedStyle(node).fontWeight) >= 700;
    const need = size >= 24 || (size >= 18.66 && bold) ? 3 : 4.5;
    if (ratio < need) weak.push(`${node.id || node.className} "${node.textContent.trim().slice(0, 30)}" ${ratio.toFixed(2)}`);
  }
  return [...new Set(weak)];
}
"""


async def test_every_word_stands_out_even_over_a_white_picture(house: OpenHouse, browser: Browser) -> None:
    await house.lot("Dracaufeu holo 151")
    await house.lot("Porte-clés", format="buy_it_now", opening_cents=500)
    page = await house.page(browser)
    weak = [f"door: {one}" for one in await page.evaluate(CONTRAST)]
    await page.fill("#nickname", "leo_cards")
    await page.tap("#entry-send")
    await page.wait_for_selector('#app[data-phase="inside"]')
    wide = await house.enter(browser, "nora.b", size=(1440, 900))
    await house.say("go_live")
    weak += [f"before: {one}" for one in await wide.evaluate(CONTRAST) + await page.evaluate(CONTRAST)]
    await house.open_lot(seconds=15, counter_bid_s=1)
    await asked(page, "1")
    await page.tap("#bid")
    await shows(page, "#bid", "Vous menez")
    weak += [f"leading: {one}" for one in await page.evaluate(CONTRAST)]
    await asked(wide, "2")
    await wide.click("#max-open")
    await wide.fill("#max-amount", "1,5")
    weak += [f"max: {one}" for one in await wide.evaluate(CONTRAST)]
    await wide.fill("#max-amount", "9")
    await wide.click("#max-send")
    await shows(page, "#lead-word", "Surenchéri par nora.b")
    weak += [f"outbid: {one}" for one in await page.evaluate(CONTRAST)]
    await expect(wide.locator("#moment.won")).to_be_visible(timeout=25_000)
    weak += [f"won: {one}" for one in await wide.evaluate(CONTRAST) + await page.evaluate(CONTRAST)]
    await page.tap("#rail-lots")
    await page.wait_for_timeout(300)
    weak += [f"lots: {one}" for one in await page.evaluate(CONTRAST)]
    await wide.click("#tab-basket")
    weak += [f"basket: {one}" for one in await wide.evaluate(CONTRAST)]
    assert not weak, "\n".join(weak)


async def test_a_keyboard_alone_enters_bids_talks_and_shops(house: OpenHouse, browser: Browser) -> None:
    await house.lot("Dracaufeu holo 151")
    await house.lot("Foulard")
    await house.say("go_live")
    page = await house.page(browser, size=(1440, 900))
    await expect(page.locator("#nickname")).to_be_focused()
    await page.keyboard.type("leo_cards")
    await page.keyboard.press("Enter")
    await page.wait_for_selector('#app[data-phase="inside"]')
    await house.open_lot(seconds=60)
    await asked(page, "1")
    await page.wait_for_timeout(300)

    async def tab_to(name: str) -> None:
        for _ in range(60):
            await page.keyboard.press("Tab")
            if await page.evaluate("document.activeElement?.id") == name:
                outline = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
                assert outline != "none", f"{name} shows no focus"
                return
        raise AssertionError(f"Tab never reaches {name}")

    await tab_to("bid")
    await page.keyboard.press("Enter")
    await shows(page, "#bid", "Vous menez")
    await tab_to("max-open")
    await page.keyboard.press("Space")
    await expect(page.locator("#max-amount")).to_be_focused()
    await page.keyboard.type("30")
    await page.keyboard.press("Enter")
    await shows(page, "#lead-more", f"votre max. 30{N}€")
    await expect(page.locator("#max-open")).to_be_focused()
    await tab_to("say")
    await page.keyboard.type("bonsoir")
    await page.keyboard.press("Enter")
    await expect(page.locator(".line.mine")).to_contain_text("bonsoir")
    await tab_to("lines")
    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("Enter")
    await expect(page.locator("#line-menu")).to_be_visible()
    await page.keyboard.press("Escape")
    await tab_to("tab-lots")
    await page.keyboard.press("ArrowRight")
    await expect(page.locator("#pane-basket")).to_be_visible()
    await page.wait_for_timeout(1_600)
    assert await text(page, "#spoken") == f"1{N}€, Vous menez", "price and leader are spoken"


async def test_a_sheet_on_a_phone_keeps_the_rest_out_of_reach_and_gives_focus_back(
    house: OpenHouse, browser: Browser
) -> None:
    await house.lot("Dracaufeu holo 151")
    page = await house.enter(browser, "leo_cards")
    await page.tap("#rail-lots")
    await expect(page.locator("#panel-close")).to_be_focused()
    await expect(page.locator("#panel")).to_have_attribute("role", "dialog")
    assert await page.evaluate("[...document.querySelectorAll('#app > :not(#panel)')].every(one => one.inert)")
    await page.keyboard.press("Escape")
    await expect(page.locator("#rail-lots")).to_be_focused()
    assert await page.evaluate("[...document.querySelectorAll('#app > *')].every(one => !one.inert)")


async def test_an_english_phone_reads_english_and_may_switch(house: OpenHouse, browser: Browser) -> None:
    await house.lot("Dracaufeu holo 151")
    await house.say("go_live")
    page = await house.page(browser, locale="en-GB")
    await shows(page, "#entry-send", "Enter the show")
    assert await page.evaluate("document.documentElement.lang") == "en"
    await page.fill("#nickname", "x")
    await page.tap("#entry-send")
    await shows(page, "#nickname-hint", "At least 2 characters are needed.")
    await page.tap("#entry-lang")
    await shows(page, "#entry-send", "Entrer dans le direct")
    await page.tap("#entry-lang")
    await page.fill("#nickname", "leo_cards")
    await page.tap("#entry-send")
    await page.wait_for_selector('#app[data-phase="inside"]')
    await house.open_lot()
    await shows(page, "#bid", "Bid €1")
    await page.wait_for_timeout(450)
    nora = await house.visitor("nora.b")

    async def outrun(route: Any) -> None:
        await nora.bid(10, "exact")
        await route.continue_()

    await page.route("**/commands", outrun, times=1)
    await page.tap("#bid")
    await shows(page, "#answer", "It takes more now: look at the new price.")
    visible = await page.evaluate("document.body.innerText")
    assert not any(word in visible for word in ("Enchérir", "Vous ", "mène", "Panier", "départ"))
    house.forgiven.append("409")


async def test_a_phone_downloads_little_and_from_here_only(house: OpenHouse, browser: Browser) -> None:
    page = await house.enter(browser, "leo_cards")
    found = await page.evaluate(
        """() => [...performance.getEntriesByType("resource"), ...performance.getEntriesByType("navigation")]
             .map(one => [one.name, one.transferSize])"""
    )
    assert all(name.startswith(house.place.url) for name, _ in found), found
    page_bytes = sum(
        size for name, size in found if "/api/" not in name and "/whep/" not in name and "woff2" not in name
    )
    assert 20_000 < page_bytes <= 150_000, page_bytes
