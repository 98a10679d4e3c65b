"""The made-up buyers: the same for the same seed, sensible on the floor, polite on the wire."""

from __future__ import annotations

import json
import sqlite3
import statistics
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import psutil
import pytest

from seller_console.contract import commands as cm
from seller_console.contract import routes
from seller_console.contract.codec import decode_runtime
from seller_console.contract.media import RuntimeFile
from seller_console.contract.words import Preset, Refusal
from seller_console.link import crowd as program
from seller_console.link.tally import spread
from seller_console.link.taste import OnBlock, Wish, crowd, lines, next_bid, wish
from tests.rules.floor import PLATFORM, Floor, buyer

LATENCY_MS = 60
DEMO = Preset(duration_ms=15_000, counter_bid_ms=5_000)

# --- the plan -----------------------------------------------------------------------------


def play(seed: int, buyers: int = 12, seconds: float = 90, preset: Preset = DEMO) -> tuple[Floor, list[int]]:
    """A crowd on a sale floor, in virtual time. Returns the floor and the length of each lot, ms."""
    tastes = crowd(seed, buyers)
    people = [buyer(f"b{who}") for who in range(buyers)]
    floor = Floor(*people, preset=preset, strict=False)
    began = floor.now
    lengths = []
    while floor.now - began < seconds * 1_000:
        floor.lot()
        run = floor.pdd()
        number = floor.state.lots[run.lot_id].lot.number
        wishes = [wish(seed, who, taste, number * 1000 + 1, 100) for who, taste in enumerate(tastes)]
        views = [
            OnBlock(
                run_id=run.run_id,
                number=number,
                opened_at=run.opened_at,
                duration_ms=run.duration_ms,
                ends_at=run.ends_at,
                asking_cents=run.asking_cents,
            )
            for _ in people
        ]
        while True:
            intents = [
                (max(floor.now, intent.at_ms), who, intent)
                for who in range(buyers)
                if (intent := next_bid(wishes[who], views[who])) is not None
            ]
            if not intents:
                break
            at_ms, who, intent = min(intents, key=lambda one: one[:2])
            if at_ms + LATENCY_MS >= run.ends_at:
                break
            assert not views[who].leading, "nobody bids while leading"
            assert intent.amount_cents <= wishes[who].limit_cents, "nobody goes beyond their limit"
            views[who].bids_made += 1
            bid = cm.PlaceBid(run_id=run.run_id, amount_cents=intent.amount_cents, kind=intent.kind)
            answer = floor.say(bid, people[who], at_ms + LATENCY_MS)
            assert not isinstance(answer, Refusal), answer
            for other, view in enumerate(views):
                was_leading = view.leading
                view.leading = run.leader == people[other].person
                view.asking_cents, view.ends_at = run.asking_cents, run.ends_at
                if not view.leading and (was_leading or other == who):
                    view.provoked_at = floor.now
        floor.say(cm.RingBell(run_id=run.run_id), PLATFORM, run.ends_at)
        lengths.append(run.ends_at - run.opened_at)
        floor.now += 1_500
    return floor, lengths


def test_every_seed_makes_a_lively_demonstration() -> None:
    """90 s of 15 s lots: at least 3 sold and 20 bids from 5 buyers, whatever the seed; no lot drags on."""
    for seed in range(60):
        floor, lengths = play(seed)
        runs = list(floor.state.runs.values())
        assert sum(run.bid_count for run in runs) >= 20, seed
        assert len({bid.bidder for run in runs for bid in run.bids}) >= 5, seed
        assert sum(run.status == "hammered" for run in runs) >= 3, seed
        assert max(lengths) <= 40_000, seed


def test_somebody_bids_late_enough_to_move_the_clock() -> None:
    lengths = [length for seed in range(20) for length in play(seed)[1]]
    assert any(length > DEMO.duration_ms for length in lengths)
    assert statistics.mean(lengths) < 1.6 * DEMO.duration_ms


def test_the_same_seed_is_the_same_crowd_and_another_seed_another() -> None:
    assert crowd(7, 12) == crowd(7, 12)
    assert crowd(7, 40)[:12] == crowd(7, 12), "more buyers do not change the first"
    assert crowd(7, 12) != crowd(8, 12)
    assert len({taste.nickname for taste in crowd(7, 500)}) == 500
    tastes = crowd(7, 12)
    plan = [[wish(7, who, taste, number, 100) for number in range(1, 40)] for who, taste in enumerate(tastes)]
    backwards = [
        [wish(7, who, taste, number, 100) for number in reversed(range(1, 40))] for who, taste in enumerate(tastes)
    ]
    assert plan == [row[::-1] for row in backwards], "what one wants of a lot does not depend on the lots before"
    assert [lines(7, who, taste, 60) for who, taste in enumerate(tastes)] == [
        lines(7, who, taste, 60) for who, taste in enumerate(tastes)
    ]
    assert play(7)[1] == play(7)[1]


def test_nobody_bids_while_leading_paused_above_the_limit_or_out_of_patience() -> None:
    wanted = Wish(limit_cents=2_000, style="tapper", opens_at=0.2, last_ms=2_000, pace_ms=900, patience=2)
    block = OnBlock(
        run_id="R1", number=1, opened_at=1_000, duration_ms=10_000, ends_at=11_000, asking_cents=500
    )  # fmt: skip
    first = next_bid(wanted, block)
    assert first is not None and (first.at_ms, first.amount_cents, first.kind) == (3_000, 500, "tap")
    for change in (
        {"leading": True},
        {"paused": True},
        {"asking_cents": 2_100},
        {"bids_made": 2},
        {"bids_made": 1, "provoked_at": 10_000},
    ):
        changed = OnBlock(
            **{
                "run_id": "R1", "number": 1, "opened_at": 1_000, "duration_ms": 10_000, "ends_at": 11_000,
                "asking_cents": 500, **change,
            }  # type: ignore[arg-type]
        )  # fmt: skip
        assert next_bid(wanted, changed) is None, change


def test_addresses_are_read_as_people_paste_them() -> None:
    assert program.base_of("http://127.0.0.1:8080/") == ("http://127.0.0.1:8080", "")
    assert program.base_of("127.0.0.1:8080") == ("http://127.0.0.1:8080", "")
    assert program.base_of("https://shop.test/s/2026-a?i=x") == ("https://shop.test", "2026-a")
    for wrong in ("ftp://shop.test", "http://", ""):
        with pytest.raises(ValueError):
            program.base_of(wrong)


def test_latency_is_ranked_not_averaged() -> None:
    assert spread([]) == {}
    assert spread([5.0]) == {"p50": 5.0, "p99": 5.0}
    assert spread([float(n) for n in range(1, 101)]) == {"p50": 51.0, "p99": 100.0}


# --- the visit ------------------------------------------------------------------------------


class Shop:
    """A real platform process and its owner."""

    def __init__(self, start_program: Callable[..., Any]) -> None:
        self._start = start_program
        self.program = start_program("seller_console", "platform", "--show", "Soirée cartes")
        self.place: RuntimeFile = decode_runtime(self.program.line(0, 30))
        self.http = httpx.Client(
            base_url=self.place.url,
            headers={"Authorization": f"Bearer {self.place.secret}"},
            trust_env=False,
            timeout=10,
        )

    def say(self, command: str, /, **words: Any) -> dict[str, Any]:
        answer = self.http.post(
            routes.at(routes.COMMANDS, self.place.show_id),
            json={"type": command, **words},
            headers={routes.IDEMPOTENCY_KEY: uuid.uuid4().hex},
        )
        assert answer.status_code == 200, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def rows(self, kind: str) -> list[dict[str, Any]]:
        log = sqlite3.connect(f"file:{self.place.log_path}?mode=ro", uri=True)
        try:
            return [
                json.loads(raw)
                for (raw,) in log.execute("SELECT event FROM events WHERE kind = ? ORDER BY seq", (kind,))
            ]
        finally:
            log.close()

    def kill_and_restart(self) -> None:
        self.program.popen.kill()
        self.program.popen.wait(10)
        self.program = self._start("seller_console", "platform")
        assert decode_runtime(self.program.line(0, 30)).url == self.place.url

    def crowd(self, *words: str) -> Any:
        return self._start("seller_console", "crowd", "--url", self.place.url, "--json", *words)


@pytest.fixture
def shop(start_program: Callable[..., Any]) -> Iterator[Shop]:
    opened = Shop(start_program)
    yield opened
    opened.http.close()


def lot(seconds: float, counter_bid_s: float = 2) -> dict[str, int]:
    return {"duration_ms": int(seconds * 1000), "counter_bid_ms": int(counter_bid_s * 1000)}


@pytest.mark.processes
def test_a_crowd_joins_bids_and_talks_and_its_summary_agrees_with_the_log(
    shop: Shop, wait_until: Callable[..., None]
) -> None:
    shop.say("go_live")
    visitors = shop.crowd("--buyers", "8", "--seed", "7", "--seconds", "60")
    wait_until(lambda: len(shop.rows("person_joined")) == 8, 20, "everybody joined")
    names = {row["nickname"] for row in shop.rows("person_joined")}
    assert names == {taste.nickname for taste in crowd(7, 8)}
    for n in (1, 2):
        shop.say("start_auction", preset=lot(7))
        wait_until(lambda n=n: len(shop.rows("hammered")) == n, 40, "the hammer")
    wait_until(lambda: shop.rows("line_said"), 30, "somebody says something")
    busy = psutil.Process(visitors.pid).cpu_times()
    visitors.popen.terminate()
    assert visitors.wait(15) == 0
    found = json.loads(visitors.lines[-1])
    moved = [row for row in shop.rows("price_moved") if row["cause"] == "bid"]
    assert found["bids_accepted"] == len(moved) >= 4
    assert found["buyers_bidding"] >= len({row["bidder"] for row in moved}) >= 3
    assert found["bids_sent"] == found["bids_accepted"] + sum(found["bids_refused"].values()) + found["bids_unanswered"]
    assert set(found["bids_refused"]) <= {"low", "late"}, "nobody bid while leading"
    assert found["lines_accepted"] == len(shop.rows("line_said"))
    assert found["won"] == sum(row["sold"] for row in shop.rows("hammered"))
    assert found["spent_cents"] == sum(row["price_cents"] for row in shop.rows("hammered") if row["sold"])
    assert 0 < found["answer_ms"]["p50"] <= found["answer_ms"]["p99"]
    assert (found["seed"], found["buyers"], found["joined"]) == (7, 8, 8)
    assert found["requests"] < 8 * found["seconds"] * program.REQUESTS_PER_S
    assert (busy.user + busy.system) / found["seconds"] < 0.5, "a crowd is light"


@pytest.mark.processes
def test_a_crowd_outlives_a_killed_platform_and_bids_on(shop: Shop, wait_until: Callable[..., None]) -> None:
    shop.say("go_live")
    visitors = shop.crowd("--buyers", "6", "--seed", "3", "--seconds", "90")
    wait_until(lambda: len(shop.rows("person_joined")) == 6, 20, "everybody joined")
    shop.say("start_auction", preset=lot(60))
    wait_until(lambda: shop.rows("price_moved"), 40, "somebody bids")
    shop.kill_and_restart()
    run = shop.rows("run_opened")[-1]
    shop.say("void_run", run_id=run["run_id"], reason="on recommence")
    before = len(shop.rows("price_moved"))
    for _ in range(4):
        run_id = shop.say("start_auction", preset=lot(8))["made"]["run_id"]
        wait_until(lambda run_id=run_id: any(r["run_id"] == run_id for r in shop.rows("hammered")), 40, "the hammer")
        if len(shop.rows("price_moved")) > before:
            break
    assert len(shop.rows("price_moved")) > before
    visitors.popen.terminate()
    assert visitors.wait(15) == 0
    found = json.loads(visitors.lines[-1])
    assert found["reconnects"] >= 5, "who was on the feed came back to it"
    assert found["bids_accepted"] >= 1
    assert len({row["person"] for row in shop.rows("person_joined")}) == 6, "nobody became somebody else"


@pytest.mark.processes
def test_a_crowd_goes_home_when_the_show_ends_or_the_time_is_up(shop: Shop, wait_until: Callable[..., None]) -> None:
    shop.say("go_live")
    timed = shop.crowd("--buyers", "2", "--seed", "1", "--seconds", "3")
    assert timed.wait(20) == 0
    assert json.loads(timed.lines[-1])["joined"] == 2
    staying = shop.crowd("--buyers", "3", "--seed", "2", "--seconds", "600")
    wait_until(lambda: len(shop.rows("person_joined")) == 5, 20, "everybody joined")
    shop.say("end_show")
    assert staying.wait(20) == 0


@pytest.mark.processes
def test_what_makes_no_sense_is_said_and_nobody_home_is_one(start_program: Callable[..., Any], shop: Shop) -> None:
    cases = {
        ("--url", "ftp://x"): 2,
        ("--url", shop.place.url, "--buyers", "0"): 2,
        ("--url", shop.place.url, "--seconds", "-1"): 2,
        ("--url", shop.place.url, "--show", "nowhere", "--buyers", "1"): 1,
    }
    for words, code in cases.items():
        started = start_program("seller_console", "crowd", *words)
        assert started.wait(30) == code, words
        assert started.errors().strip(), "it says why"
        assert "Traceback" not in started.errors()
