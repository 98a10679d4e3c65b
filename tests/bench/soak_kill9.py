"""The platform killed 100 times at random instants under load: nothing acknowledged is lost or done twice.

    python packaging/dev.py soak kill9 [--kills 100] [--seed 7]

Bidders over HTTP, bids with keys; a bid whose answer was lost is said again with its
key by the next life. At the end: every yes is one row, every row one yes, the log has
no hole, every run one end. Bar: >= 40,000 acknowledged. Exit code 1 if anything is wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import itertools

import uvloop

from seller_console.contract import commands as c
from seller_console.contract import routes
from seller_console.contract.codec import decode_accepted, encode
from seller_console.contract.words import Preset
from seller_console.platform.log import Log
from tests.bench.bench_sale import Connection, Platform

BUYERS = 200
CONNECTIONS = 24
LOT = Preset(duration_ms=5000, counter_bid_ms=1000, sudden_death=True)
ENDS = {"hammered", "run_voided", "run_withdrawn"}


class Sale:
    """What the bidders know: what they asked, what they were told."""

    def __init__(self) -> None:
        self.tokens: list[str] = []
        self.accepted: dict[str, int] = {}
        self.refused: dict[str, str] = {}
        self.unanswered: dict[str, tuple[bytes, str]] = {}
        self.run_id = ""
        self.bids = 0
        self.cents = 0
        self.problems: list[str] = []


class Life:
    """One start of the platform, to its kill."""

    def __init__(self, home: Path, sale: Sale) -> None:
        self.platform = Platform(home)
        self.place = self.platform.place
        self.sale = sale
        self.path = routes.at(routes.COMMANDS, self.place.show_id)

    async def connected(self) -> Connection:
        connection = Connection(self.place)
        await connection.open()
        return connection

    async def owner_says(self, connection: Connection, command: Any, key: str) -> tuple[int, bytes]:
        status, content, _ = await connection.post(self.path, encode(command), self.place.secret, key)
        return status, content

    async def join(self) -> None:
        connection = await self.connected()
        for n in range(BUYERS):
            join = routes.at(routes.JOIN, self.place.show_id)
            status, content, head = await connection.post(join, json.dumps({"nickname": f"B{n}"}).encode())
            if status == 429:
                await asyncio.sleep(1)
                continue
            assert status == 200, content
            self.sale.tokens.append(head.partition("pass=")[2].partition(";")[0])
        await self.owner_says(connection, c.GoLive(), "live")
        connection.writer.close()

    async def keep_lots_running(self) -> None:
        connection = await self.connected()
        while True:
            status, content = await self.owner_says(connection, c.StartAuction(preset=LOT), f"s{time.monotonic_ns()}")
            if status == 200:
                self.sale.run_id, self.sale.cents = decode_accepted(content).made["run_id"], 0
            await asyncio.sleep(0.2)

    async def say(self, connection: Connection, key: str, body: bytes, token: str) -> None:
        sale = self.sale
        sale.unanswered[key] = (body, token)
        status, content, _ = await connection.post(self.path, body, token, key)
        if status in {429, 503}:
            if key in sale.accepted:
                sale.problems.append(f"{key}: yes, then {status}")
            return
        del sale.unanswered[key]
        if status == 200:
            sale.accepted[key] = decode_accepted(content).seq
        elif status == 409:
            sale.refused[key] = json.loads(content)["code"]
        else:
            sale.problems.append(f"{key}: {status} {content[:200]!r}")

    async def bidder(self, retries: list[str]) -> None:
        """First what was never answered, then new bids, as fast as answers come."""
        connection = await self.connected()
        while retries:
            key = retries.pop()
            await self.say(connection, key, *self.sale.unanswered[key])
        sale = self.sale
        while True:
            sale.bids += 1
            sale.cents = min(99_999_900, sale.cents + 5000)
            bid = c.PlaceBid(run_id=sale.run_id, amount_cents=sale.cents, kind="exact")
            await self.say(connection, f"bid-{sale.bids}", encode(bid), sale.tokens[sale.bids % len(sale.tokens)])

    async def load(self, until_s: float, kill: bool) -> None:
        retries = list(self.sale.unanswered)
        tasks = [asyncio.create_task(self.keep_lots_running())]
        tasks += [asyncio.create_task(self.bidder(retries)) for _ in range(CONNECTIONS)]
        await asyncio.sleep(until_s)
        if kill:
            self.platform.end(signal.SIGKILL)
        else:
            for task in tasks:
                task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        expected = (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError)
        self.sale.problems += [repr(result) for result in results if not isinstance(result, expected)]

    async def settle(self) -> None:
        """Everything still without an answer gets one."""
        connection = await self.connected()
        for _ in range(60):
            for key in list(self.sale.unanswered):
                await self.say(connection, key, *self.sale.unanswered[key])
            if not self.sale.unanswered:
                return
            await asyncio.sleep(1)
        self.sale.problems.append(f"{len(self.sale.unanswered)} never answered")


def check(path: Path, sale: Sale) -> dict[str, Any]:
    log = Log(path)
    rows = list(log.every_row())
    log.close()
    bids = {row.seq for row in rows if row.kind == "price_moved" and json.loads(row.event)["cause"] == "bid"}
    told = Counter(sale.accepted.values())
    ends = Counter(json.loads(row.event)["run_id"] for row in rows if row.kind in ENDS)
    opened = [json.loads(row.event)["run_id"] for row in rows if row.kind == "run_opened"]
    return {
        "acknowledged": len(sale.accepted),
        "refused": len(sale.refused),
        "rows": len(rows),
        "runs": len(opened),
        "lost": len(set(told) - bids),
        "done_without_a_yes": len(bids - set(told)),
        "one_row_for_two_bids": sum(count - 1 for count in told.values()),
        "holes": len(rows) - rows[-1].seq,
        "runs_ended_twice": sum(count > 1 for count in ends.values()),
        "runs_never_ended": sum(run not in ends for run in opened[:-1]),
        "stamps_going_back": sum(one.at_ms > two.at_ms for one, two in itertools.pairwise(rows)),
        "outages_told": sum(row.kind == "platform_returned" for row in rows),
    }


async def soak(home: Path, kills: int, seed: int) -> dict[str, Any]:
    chance = random.Random(seed)
    sale = Sale()
    began = time.monotonic()
    for number in range(kills):
        life = await asyncio.to_thread(Life, home, sale)
        if not sale.tokens:
            await life.join()
        await life.load(chance.uniform(0.3, 1.8), kill=True)
        if number % 10 == 9:
            print(f"kills={number + 1} acknowledged={len(sale.accepted)}", file=sys.stderr, flush=True)
    last = await asyncio.to_thread(Life, home, sale)
    await last.settle()
    await asyncio.to_thread(last.platform.end)
    report = check(Path(last.place.log_path), sale)
    return {**report, "kills": kills, "seconds": round(time.monotonic() - began), "problems": sale.problems[:10]}


WRONG = (
    "lost",
    "done_without_a_yes",
    "one_row_for_two_bids",
    "holes",
    "runs_ended_twice",
    "runs_never_ended",
    "stamps_going_back",
)


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=7)
    words = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="soak-kill9-") as folder:
        home = Path(folder) / "home"
        home.mkdir()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            report = runner.run(soak(home, words.kills, words.seed))
    print(json.dumps(report, indent=1))
    sound = not report["problems"] and not any(report[name] for name in WRONG)
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
