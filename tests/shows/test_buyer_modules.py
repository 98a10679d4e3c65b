"""The pure parts of the buyer page, run where they will run: in a Chromium."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from seller_console import places
from seller_console.contract import commands as cm
from seller_console.contract.codec import decode_event, encode
from seller_console.contract.words import Who
from seller_console.sale.audience import may_see
from seller_console.sale.brief import brief
from seller_console.sale.fold import apply
from seller_console.sale.guards import committed_cents
from seller_console.sale.payment import is_owed
from seller_console.sale.state import ShowState
from tests.fakes.lively_show import LivelyShow
from tests.fakes.lone_page import lone_page
from tests.rules.floor import ANA, OWNER, Floor

pytestmark = pytest.mark.browser
# ruff: noqa: E501 - scripts that run in the page

FOLD = """
async ({ prelude, rows, me, brief }) => {
  const { apply, committed, fresh, take, fromBrief } = await import("/static/fold.js");
  const state = brief ? fromBrief(brief) : fresh(me, "buyer");
  for (const row of rows) take(state, row);
  const { run, giveaway } = state;
  const last = state.lastRun;
  return {
    show: [state.show.title, state.show.status],
    queue: state.queue,
    pinned_lot: state.pinnedLot,
    run: run && [run.id, run.priceCents, run.askingCents, run.leader, run.leaderName, run.endsAt, run.status,
      run.status === "paused" ? run.remainingMs : 0, run.bids, run.myMaxCents, run.reserveMet && run.priceCents > 0],
    last: last && [last.id, last.status, last.priceCents],
    lots: Object.fromEntries([...state.lots.values()].map(lot => [lot.id, [lot.status, lot.unitsLeft, lot.unitsSold,
      lot.openingCents, lot.title, lot.format, lot.hasReserve, lot.condition, lot.myPreBidCents,
      lot.flash ? lot.flash.priceCents : 0]])),
    sales: Object.fromEntries([...state.sales.values()].map(s => [s.id, [s.lotId, s.priceCents, s.quantity, s.status]])),
    bag: state.bag,
    lines: state.lines.filter(l => l.kind === "said" || l.kind === "announced")
      .map(l => [l.id, l.nickname, l.text, l.replyTo, l.deleted].slice(l.kind === "said" ? 0 : 2)),
    slow: state.slowModeMs, quiet: state.timedOutUntil, blocked: state.blocked, following: state.following,
    limit: state.limitCents, committed: committed(state), link: [state.paymentLink, state.paymentCents],
    giveaway: giveaway && [giveaway.id, giveaway.lotId, giveaway.entrants, giveaway.entered],
    runner_ups: [...state.runnerUps.keys()],
    picture: state.picture.lostSince,
  };
}
"""


def facts(state: ShowState, me: str) -> dict[str, Any]:
    """What fold.js must come to, read off our own fold of the same rows."""
    run = state.run
    last = state.runs.get(state.last_run or "")
    giveaway = state.giveaways.get(state.current_giveaway or "")
    mine = run.maxima.get(me) if run is not None else None
    person = state.people.get(me)
    assert person is not None
    return {
        "show": [state.title, state.status],
        "queue": state.queue,
        "pinned_lot": state.pinned_lot,
        "run": run
        and [
            run.run_id, run.price_cents, run.asking_cents, run.leader, run.leader_name, run.ends_at, run.status,
            run.remaining_ms if run.status == "paused" else 0, run.bid_count, mine.max_cents if mine else 0,
            run.reserve_met and run.price_cents > 0,
        ],
        "last": last and [last.run_id, last.status, last.price_cents],
        "lots": {
            lot_id: [
                known.status, known.units_left, known.units_sold, known.lot.opening_cents, known.lot.title,
                known.lot.format, known.lot.has_reserve, known.lot.condition, known.pre_bids.get(me, 0),
                known.flash_price_cents if known.flash_ends_at else 0,
            ]
            for lot_id, known in state.lots.items()
        },
        "sales": {
            sale.sale_id: [sale.lot_id, sale.price_cents, sale.quantity, sale.status]
            for sale in state.sales.values()
            if sale.buyer == me
        },
        "bag": person.bag_number,
        "lines": [
            [line.line_id, line.nickname, line.text, line.reply_to, line.deleted][0 if line.kind == "said" else 2 :]
            for line in state.lines
            if line.kind in ("said", "announced")
        ],
        "slow": state.slow_mode_ms,
        "quiet": person.timed_out_until,
        "blocked": person.blocked,
        "following": person.following,
        "limit": person.limit_cents,
        "committed": committed_cents(state, person),
        "link": next(
            ([b.payment_link, b.total_cents] for b in reversed(state.baskets) if b.buyer == me and is_owed(state, b)),
            ["", 0],
        ),
        "giveaway": giveaway and [giveaway.giveaway_id, giveaway.lot_id, len(giveaway.entrants), me in giveaway.entrants],
        "runner_ups": [one.offer_id for one in state.runner_ups.values() if not one.answer and one.buyer == me],
        "picture": state.picture_lost_since,
    }  # fmt: skip


def visible(floor: Floor, who: Who, after: int = 0) -> tuple[ShowState, list[dict[str, Any]]]:
    """Our fold of the rows `who` may see, and those rows (from seq `after` + 1) as the feed writes them."""
    state = ShowState()
    rows: list[dict[str, Any]] = []
    for seq, (at_ms, raw) in enumerate(floor.log, 1):
        event = decode_event(raw)
        if not may_see(event.audience(), who):
            continue
        apply(state, event, at_ms)
        if seq > after:
            rows.append({"seq": seq, "at_ms": at_ms, "event": json.loads(raw)})
    return state, rows


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser) -> AsyncIterator[Page]:
    opened = await lone_page(browser)
    yield opened
    await opened.close()


@pytest.mark.asyncio(loop_scope="module")
async def test_the_page_folds_a_feed_as_the_rules_do(page: Page) -> None:
    """Forty shows in which everything happens: the same facts on the phone as in our own fold."""
    kinds: set[str] = set()
    for seed in range(40):
        show = LivelyShow(seed)
        show.go_on(160)
        if seed % 4 == 0:
            show.end()
        state, rows = visible(show.floor, ANA)
        kinds |= {row["event"]["type"] for row in rows}
        found = await page.evaluate(FOLD, {"rows": rows, "me": ANA.person, "brief": None})
        assert found == facts(state, ANA.person), f"seed {seed}"
    wanted = {
        "price_moved", "hammered", "run_withdrawn", "run_voided", "run_paused", "run_resumed", "sale_made",
        "sale_voided", "line_muted", "line_deleted", "muted_line_deleted", "giveaway_drawn", "flash_started", "runner_up_offered",
        "basket_validated", "pre_bid_set", "max_set", "lot_restored", "lot_skipped", "lot_moved", "clock_moved",
    }  # fmt: skip
    assert wanted <= kinds, f"never happened: {wanted - kinds}"


@pytest.mark.asyncio(loop_scope="module")
async def test_a_late_comer_sees_what_everybody_sees(page: Page) -> None:
    """A brief in the middle, then the feed: the same screen as the whole feed (but for bids of ended runs)."""
    for seed in range(100, 125):
        show = LivelyShow(seed)
        show.go_on(120)
        given = brief(show.floor.state, ANA)
        seq = len(show.floor.log)
        show.go_on(60)
        state, rows = visible(show.floor, ANA, after=seq)
        word = {
            "seq": seq, "server_ms": show.floor.now, "person": ANA.person, "nickname": ANA.nickname, "role": "buyer",
            "events": json.loads(encode(given)),
        }  # fmt: skip
        found = await page.evaluate(FOLD, {"rows": rows, "me": ANA.person, "brief": word})
        expected = facts(state, ANA.person)
        for name in (
            "show",
            "queue",
            "pinned_lot",
            "run",
            "sales",
            "bag",
            "lots",
            "slow",
            "blocked",
            "following",
            "committed",
            "link",
        ):
            assert found[name] == expected[name], f"seed {seed}: {name}"


@pytest.mark.asyncio(loop_scope="module")
async def test_the_page_asks_for_what_is_still_owed(page: Page) -> None:
    floor = Floor()
    floor.ok(cm.EditShow(payment_page="https://pay.example/?r={reference}&a={amount}"), OWNER)
    first, second, third = (floor.sell(ANA, euros) for euros in (12, 30, 5))
    floor.ok(cm.ValidateBasket(), ANA)
    steps: tuple[tuple[cm.Command, int], ...] = (
        (cm.VoidSale(sale_id=second, reason="rendu"), 17_00),
        (cm.MarkPayment(sale_id=first, outcome="paid"), 5_00),
        (cm.MarkPayment(sale_id=third, outcome="failed"), 0),
    )
    for command, cents in steps:
        floor.ok(command, OWNER)
        state, rows = visible(floor, ANA)
        found = await page.evaluate(FOLD, {"rows": rows, "me": ANA.person, "brief": None})
        assert found == facts(state, ANA.person)
        link, asked_cents = found["link"]
        assert asked_cents == cents
        assert link.endswith(f"&a={cents // 100}.00") if cents else link == ""


@pytest.mark.asyncio(loop_scope="module")
async def test_a_row_seen_twice_counts_once(page: Page) -> None:
    show = LivelyShow(3)
    show.go_on(150)
    state, rows = visible(show.floor, ANA)
    twice = [row for row in rows for _ in (0, 1)]
    found = await page.evaluate(FOLD, {"rows": twice, "me": ANA.person, "brief": None})
    assert found == facts(state, ANA.person)


@pytest.mark.asyncio(loop_scope="module")
async def test_unknown_kinds_and_strange_names_change_nothing(page: Page) -> None:
    kinds = ["comet_passed", "constructor", "__proto__", "toString"]
    found = await page.evaluate(
        """async kinds => {
          const { apply, fresh } = await import("/static/fold.js");
          const state = fresh("a"), before = JSON.stringify(state);
          const moments = kinds.map(type => apply(state, {type, x: 1}).length);
          return [moments, JSON.stringify(state) === before];
        }""",
        kinds,
    )
    assert found == [[0, 0, 0, 0], True]


@pytest.mark.asyncio(loop_scope="module")
async def test_moments_tell_leading_outbid_and_won(page: Page) -> None:
    found = await page.evaluate(
        """async () => {
          const { apply, fresh, standing } = await import("/static/fold.js");
          const s = fresh("me");
          const told = [];
          const say = event => told.push([apply(s, event, 1).map(m => m.kind).join("+"), standing(s)]);
          const moved = (leader, bidder, price, extra) => say({type: "price_moved", run_id: "R1", lot_id: "L1", cause: "bid",
            price_cents: price, asking_cents: price + 100, leader, leader_name: leader, bidder, bidder_name: bidder,
            ends_at: 9000, bids: 1, ...extra});
          apply(s, {type: "lot_added", by: "o", lot: {lot_id: "L1", number: 1, title: "x"}});
          say({type: "run_opened", run_id: "R1", lot_id: "L1", unit: 1, of: 1, opening_cents: 100, opened_at: 0, ends_at: 9000,
            duration_ms: 9000, counter_bid_ms: 5000, sudden_death: false, has_reserve: false, withdrawable_until: 2000, by: "o"});
          moved("you", "you", 100);
          moved("me", "me", 200);
          moved("you", "you", 300, {extended: true});
          moved("you", "me", 400);
          moved("me", "me", 500);
          say({type: "hammered", run_id: "R1", lot_id: "L1", sold: true, price_cents: 500, buyer: "me", buyer_name: "me",
            sale_id: "S1", bag_number: 7, bids: 5});
          return [told, s.bag, [...s.sales.keys()]];
        }"""
    )
    told, bag, sales = found
    assert told == [
        ["opened", "watching"],
        ["price", "watching"],
        ["price+leading", "leading"],
        ["price+extended+outbid", "outbid"],
        ["price+overtaken", "outbid"],
        ["price+leading", "leading"],
        ["won", "none"],
    ]
    assert (bag, sales) == (7, ["S1"])


@pytest.mark.asyncio(loop_scope="module")
async def test_the_clock_reads_closing_in_the_last_second_and_never_ends_by_itself(page: Page) -> None:
    found = await page.evaluate(
        """async () => {
          const { reading } = await import("/static/clock.js");
          return [61000, 30999, 10000, 9999, 1000, 999, 0, -5000].map(ms => reading(ms, "fin")).map(r => [r.text, r.phase]);
        }"""
    )
    assert found == [
        ["1:01", "calm"], ["0:30", "calm"], ["0:10", "calm"], ["0:09", "soon"], ["0:01", "soon"],
        ["fin", "closing"], ["fin", "closing"], ["fin", "closing"],
    ]  # fmt: skip


@pytest.mark.asyncio(loop_scope="module")
async def test_the_offset_comes_from_the_fastest_of_five_samples(page: Page) -> None:
    found = await page.evaluate(
        """async () => {
          const { ServerClock } = await import("/static/clock.js");
          const delays = [120, 15, 200, 90, 60], errors = [900, 0, -700, 500, -300];
          let n = 0, now = 5_000;  // a clock of its own: a busy machine adds delays
          performance.now = () => now;
          window.fetch = async () => {
            const i = n++;
            now += delays[i] / 2;
            const server_ms = now + 1_000_000 + errors[i];
            now += delays[i] / 2;
            return { ok: true, json: async () => ({ server_ms }) };
          };
          const clock = new ServerClock("/api/time");
          await clock.renew();
          return [n, clock.nowMs() - performance.now() - 1_000_000];
        }"""
    )
    samples, error_ms = found
    assert samples == 5
    assert abs(error_ms) < 1


@pytest.mark.asyncio(loop_scope="module")
async def test_amounts_are_whole_and_read_as_typed(page: Page) -> None:
    found = await page.evaluate(
        """async typed => {
          const { parseAmount, quickAmounts } = await import("/static/maxbid.js");
          return [typed.map(t => parseAmount(t)), [1, 2, 19, 20, 51, 99, 480, 1000].map(quickAmounts)];
        }""",
        ["60", " 1\u202f050 €", "", "12,50", "12.5", "-5", "1e3", "abc", "٣", "0060"],
    )
    parsed, quick = found
    whole, empty = {"reason": "whole"}, {"reason": "empty"}
    assert parsed == [{"units": 60}, {"units": 1050}, empty, whole, whole, whole, whole, whole, whole, {"units": 60}]
    for least, offered in zip([1, 2, 19, 20, 51, 99, 480, 1000], quick, strict=True):
        assert offered[0] == least
        assert offered == sorted(set(offered))


NICKNAMES = {
    "leo_cards": "leo_cards",
    "  Zoé   B. ": "Zoé B.",
    "a": "entry.short",
    "": "entry.short",
    "x" * 25: "entry.long",
    "🔥🔥🔥": "entry.letters",
    "<b>moi</b>": "entry.letters",
    "e\u0301lo": "élo",
    "ad\u202emin\u200b": "admin",
    "  \u200b ": "entry.short",
    "y" * 10_000: "entry.long",
}


@pytest.mark.asyncio(loop_scope="module")
async def test_nicknames_are_checked_and_cleaned(page: Page) -> None:
    found = await page.evaluate(
        """async typed => {
          const { checkNickname } = await import("/static/entry.js");
          return typed.map(t => checkNickname(t)).map(r => r.nickname ?? r.reason);
        }""",
        list(NICKNAMES),
    )
    assert dict(zip(NICKNAMES, found, strict=True)) == NICKNAMES


@pytest.mark.asyncio(loop_scope="module")
async def test_money_is_written_as_each_language_writes_it(page: Page) -> None:
    found = await page.evaluate(
        """async () => {
          const words = await import("/static/words.js");
          const out = {};
          for (const language of ["fr", "en"]) {
            await words.chooseLanguage(language);
            out[language] = [4700, 105000, 1250, 5, 123456700].map(words.money);
          }
          return out;
        }"""
    )
    n = "\u202f"
    assert found["fr"] == [f"47{n}€", f"1{n}050{n}€", f"12,50{n}€", f"0,05{n}€", f"1{n}234{n}567{n}€"]
    assert found["en"] == ["€47", "€1,050", "€12.50", "€0.05", "€1,234,567"]


@pytest.mark.asyncio(loop_scope="module")
async def test_both_languages_say_everything(page: Page) -> None:
    catalogues = await page.evaluate(
        """async () => [(await import("/static/words.fr.js")).WORDS, (await import("/static/words.en.js")).WORDS]"""
    )
    french, english = catalogues
    assert french.keys() == english.keys()
    for key, sentence in french.items():
        assert set(re.findall(r"\{\w+\}", sentence)) == set(re.findall(r"\{\w+\}", english[key])), key
        assert not re.search(r"[ \u00a0][!?;:»€]", sentence), f"{key}: a narrow no-break space is missing"
    sources = "".join(
        path.read_text("utf-8") for path in (places.resources() / "buyer").glob("*.js") if "words." not in path.name
    )
    used = set(
        re.findall(r"""\bt\("([\w.]+)"|many\("([\w.]+)"|"((?:entry|moment|lots|prebid|giveaway)\.[\w.]+)\"""", sources)
    )
    named = {name for found in used for name in found if name}
    assert named, "no words found in the sources"
    assert named <= french.keys(), sorted(named - french.keys())


def test_the_page_asks_nothing_of_another_host_and_writes_no_markup() -> None:
    folder = places.resources() / "buyer"
    for path in [*folder.glob("*.js"), *folder.glob("*.html"), *folder.glob("*.css")]:
        text = path.read_text("utf-8")
        hosts = set(re.findall(r"https?://[\w.-]+", text)) - {"http://www.w3.org"}
        assert not hosts, f"{path.name}: {hosts}"
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function", text), (
            path.name
        )
    html = (folder / "index.html").read_text("utf-8")
    assert not re.search(r"<style|<script(?![^>]*\bsrc=)|\sstyle=|\son\w+=", html)


def test_a_refusal_a_buyer_can_meet_has_an_english_sentence() -> None:
    """Codes a buyer's own commands can be refused with, as the rules and the doors name them."""
    from seller_console.platform.doors import PROBLEMS
    from seller_console.sale.refusals import SENTENCES

    english = (places.resources() / "buyer" / "words.en.js").read_text("utf-8")
    known = set(re.findall(r"^  (\w+): ", english, flags=re.M))
    assert known <= SENTENCES.keys() | PROBLEMS.keys(), known - SENTENCES.keys() - PROBLEMS.keys()
    needed = {
        "low",
        "late",
        "already_leading",
        "max_not_raised",
        "paused",
        "blocked",
        "limit",
        "slow_mode",
        "timed_out",
    }
    assert needed <= known


def test_words_decode_to_the_defaults_the_page_supplies() -> None:
    """fold.js fills in what JSON leaves out: if a default of the contract changes, this fails first."""
    from seller_console.contract.words import Lot, Preset

    lot = Lot(lot_id="L1", number=1, title="x")
    assert json.loads(msgspec.json.encode(lot)) == {"lot_id": "L1", "number": 1, "title": "x"}
    assert (lot.format, lot.opening_cents, lot.quantity, lot.pictures) == ("auction", 100, 1, ())
    assert (Preset().duration_ms, Preset().counter_bid_ms, Preset().sudden_death) == (30_000, 10_000, False)


@pytest.mark.asyncio(loop_scope="module")
async def test_without_storage_the_page_still_remembers_nothing_and_works(page: Page) -> None:
    found = await page.evaluate(
        """async () => {
          Object.defineProperty(window, "localStorage", { get() { throw new DOMException("no", "SecurityError"); } });
          const { memory } = await import("/static/dom.js");
          memory.set("nickname", "x");
          return memory.get("nickname");
        }"""
    )
    assert found is None
