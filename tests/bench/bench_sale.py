"""How fast a sale is kept: bids through say(), bids over HTTP, and how soon a long show opens.

    python packaging/dev.py bench sale [say] [http] [open] [--seconds 5] [--runs 5]

say   one show, every bid acknowledged after its commit (bar: 10,000 bids/s)
http  200 bids/s, open loop: late answers do not slow the next bid (bar: p99 <= 15 ms)
open  a show of 12 h, 25,000 bids and 40,000 lines (bar: 2 s), with and without its snapshot
Prints one JSON object; medians of --runs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import httpx
import psutil
import uvloop

from seller_console.contract import commands as c
from seller_console.contract import routes
from seller_console.contract.codec import decode_accepted, decode_runtime, encode
from seller_console.contract.words import Accepted, LotDraft, Preset, Who
from seller_console.platform.clock import Clock
from seller_console.platform.log import Log
from seller_console.platform.passes import OWNER
from seller_console.platform.salesroom import Salesroom

LONG = Preset(duration_ms=300_000, counter_bid_ms=10_000)
PRICE_MAX_CENTS = 90_000_000
"""Beyond a million no bid is taken: another lot is opened before."""


def percentile(values: list[float], part: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


# --- say() -----------------------------------------------------------------------------


class Floor:
    """A room full of buyers who always bid what is asked."""

    def __init__(self, room: Salesroom) -> None:
        self.room = room
        self.people = [Who(person=f"b{n}", role="buyer", nickname=f"B{n}") for n in range(200)]
        self.run_id = ""
        self._bids = 0

    async def open(self) -> None:
        await self.room.say(OWNER, c.OpenShow(show_id="bench", title="Banc"))
        await self.room.say(OWNER, c.GoLive())
        for who in self.people:
            await self.room.say(who, c.Join())
        await self.next_lot()

    async def next_lot(self) -> None:
        if self.room.state.run is not None:
            await self.room.say(OWNER, c.VoidRun(run_id=self.run_id, reason="suivant", back_to_queue=False))
        answer = await self.room.say(OWNER, c.StartAuction(preset=LONG))
        assert isinstance(answer, Accepted), answer
        self.run_id = answer.made["run_id"]

    def bid(self) -> asyncio.Future[Any]:
        """Stamped and decided now; done once it is on the disk."""
        run = self.room.state.runs[self.run_id]
        self._bids += 1
        who = self.people[self._bids % len(self.people)]
        bid = c.PlaceBid(run_id=self.run_id, amount_cents=run.asking_cents)
        return self.room.say(who, bid, f"k{self._bids}")


async def say_bids(folder: Path, seconds: float, at_once: int) -> dict[str, float]:
    room = Salesroom(Log(folder / "say.db"), Clock())
    floor = Floor(room)
    await floor.open()
    late: list[float] = []
    accepted = 0
    began = time.perf_counter()
    cpu = time.process_time()
    while time.perf_counter() - began < seconds:
        if room.state.runs[floor.run_id].price_cents > PRICE_MAX_CENTS:
            await floor.next_lot()
        asked = time.perf_counter()
        for answer in await asyncio.gather(*(floor.bid() for _ in range(at_once))):
            assert isinstance(answer, Accepted), answer
        late.append(time.perf_counter() - asked)
        accepted += at_once
    spent = time.perf_counter() - began
    cpu = time.process_time() - cpu
    await room.close()
    log = Log(folder / "say.db")
    kept = sum(row.kind == "price_moved" for row in log.every_row())
    log.close()
    assert kept == accepted, (kept, accepted)
    return {
        "bids_per_s": accepted / spent,
        "batch_ms_p50": 1000 * percentile(late, 0.5),
        "cores": cpu / spent,
        "bids_per_cpu_s": accepted / cpu,
    }


# --- HTTP ---------------------------------------------------------------------------------


class Platform:
    """The real program in a home of its own."""

    def __init__(self, home: Path) -> None:
        self.child = subprocess.Popen(
            [sys.executable, "-m", "seller_console", "platform", "--home", str(home)],
            stdout=subprocess.PIPE,
            stderr=(home.parent / "platform.log").open("ab"),
            cwd=Path(__file__).resolve().parents[2],
            env={**os.environ, "SELLER_CONSOLE_HOME": str(home), "SELLER_CONSOLE_PER_ADDRESS": "1000"},
        )
        assert self.child.stdout is not None
        self.place = decode_runtime(self.child.stdout.readline())

    def end(self, how: int = signal.SIGTERM) -> None:
        self.child.send_signal(how)
        self.child.wait(10)


class Connection:
    """One keep-alive HTTP/1.1 connection, as lean as a client can be: the clock is for the server."""

    def __init__(self, place: Any) -> None:
        self.place = place

    async def open(self) -> None:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.place.port)

    async def post(self, path: str, body: bytes, token: str = "", key: str = "") -> tuple[int, bytes, str]:
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        head += f"Content-Length: {len(body)}\r\n"
        if token:
            head += f"Authorization: Bearer {token}\r\n"
        if key:
            head += f"{routes.IDEMPOTENCY_KEY}: {key}\r\n"
        self.writer.write(head.encode() + b"\r\n" + body)
        answered = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        length = next(line for line in answered.lower().split("\r\n") if line.startswith("content-length:"))
        content = await self.reader.readexactly(int(length.split(":")[1]))
        return int(answered[9:12]), content, answered


async def http_bids(folder: Path, seconds: float, per_s: int) -> dict[str, float]:
    platform = Platform(folder / "home")
    place = platform.place
    commands = routes.at(routes.COMMANDS, place.show_id)
    try:
        async with httpx.AsyncClient(base_url=place.url) as http:
            owner = {"Authorization": f"Bearer {place.secret}", "Content-Type": "application/json"}

            async def say(command: Any, key: str) -> Accepted:
                answer = await http.post(
                    commands, content=encode(command), headers={**owner, routes.IDEMPOTENCY_KEY: key}
                )
                assert answer.status_code == 200, answer.text
                return decode_accepted(answer.content)

            await say(c.GoLive(), "live")
            run_id = (await say(c.StartAuction(preset=LONG), "start")).made["run_id"]
            tokens = []
            for n in range(100):
                joined = await http.post(routes.at(routes.JOIN, place.show_id), json={"nickname": f"B{n}"})
                tokens.append(joined.cookies[routes.BUYER_COOKIE])
                http.cookies.clear()
        free: asyncio.Queue[Connection] = asyncio.Queue()
        for _ in range(64):
            connection = Connection(place)
            await connection.open()
            free.put_nowait(connection)
        late: list[float] = []
        statuses: dict[int, int] = {}
        server = psutil.Process(place.pid)

        async def bid(number: int, due: float) -> None:
            connection = await free.get()
            cents = min(99_999_900, 100 * (1 + number) * 100)
            body = encode(c.PlaceBid(run_id=run_id, amount_cents=cents, kind="exact"))
            status, _, _ = await connection.post(commands, body, tokens[number % len(tokens)], f"bid-{number}")
            late.append(time.perf_counter() - due)
            statuses[status] = statuses.get(status, 0) + 1
            free.put_nowait(connection)

        cpu = sum(server.cpu_times()[:2])
        began = time.perf_counter()
        tasks = []
        for number in range(int(seconds * per_s)):
            due = began + number / per_s
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            tasks.append(asyncio.create_task(bid(number, due)))
        await asyncio.gather(*tasks)
        spent = time.perf_counter() - began
        cpu = sum(server.cpu_times()[:2]) - cpu
        return {
            "accepted_per_s": statuses.get(200, 0) / spent,
            "refused": sum(count for status, count in statuses.items() if status != 200),
            "p50_ms": 1000 * percentile(late, 0.5),
            "p99_ms": 1000 * percentile(late, 0.99),
            "server_cores": cpu / spent,
        }
    finally:
        platform.end()


# --- opening ---------------------------------------------------------------------------------


async def opening(folder: Path) -> dict[str, float]:
    """900 lots, 25,000 bids, 40,000 lines, then closed and opened again."""
    path = folder / "long.db"
    room = Salesroom(Log(path), Clock())
    floor = Floor(room)
    await floor.open()
    drafts = tuple(LotDraft(title=f"Lot {n}", description="Neuf, boîte d’origine. " * 4) for n in range(900))
    await room.say(OWNER, c.ImportLots(lots=drafts))
    pending: list[Any] = []
    for n in range(25_000):
        pending.append(floor.bid())
        if n % 28 == 27:
            await asyncio.gather(*pending)
            pending.clear()
            await floor.next_lot()
    for n in range(40_000):
        pending.append(room.say(floor.people[n % 200], c.Say(text=f"Bonsoir à tous, message numéro {n}"), f"l{n}"))
        if n % 500 == 499:
            await asyncio.gather(*pending)
            pending.clear()
    head = room.head
    await room.close()
    began = time.perf_counter()
    room = Salesroom(Log(path), Clock())
    with_snapshot = time.perf_counter() - began
    assert room.head == head
    whole = room.state
    await room.close()

    class Forgetful(Log):
        def snapshot(self, fingerprint: str) -> None:
            return None

    began = time.perf_counter()
    room = Salesroom(Forgetful(path), Clock())
    without = time.perf_counter() - began
    assert room.state == whole, "a snapshot is nothing but a saved fold"
    await room.close()
    rss_mb = psutil.Process().memory_info().rss / 2**20
    return {
        "rows": head,
        "open_s": with_snapshot,
        "open_without_snapshot_s": without,
        "log_mb": path.stat().st_size / 2**20,
        "rss_mb": rss_mb,
    }


# --- all ----------------------------------------------------------------------------------------


def median(results: list[dict[str, float]]) -> dict[str, float]:
    return {name: round(statistics.median(result[name] for result in results), 3) for name in results[0]}


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", choices=["say", "http", "open", []], default=[])
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--at-once", type=int, default=256)
    parser.add_argument("--per-s", type=int, default=200)
    words = parser.parse_args(argv)
    what = words.what or ["say", "http", "open"]
    report: dict[str, Any] = {}
    for name in what:
        results = []
        for _ in range(1 if name == "open" else words.runs):
            folder = Path(tempfile.mkdtemp(prefix="bench-sale-"))
            (folder / "home").mkdir()
            try:
                if name == "say":
                    work = say_bids(folder, words.seconds, words.at_once)
                elif name == "http":
                    work = http_bids(folder, words.seconds, words.per_s)
                else:
                    work = opening(folder)
                with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                    results.append(runner.run(work))
            finally:
                shutil.rmtree(folder, ignore_errors=True)
            print(f"{name} {json.dumps({k: round(v, 3) for k, v in results[-1].items()})}", file=sys.stderr, flush=True)
        report[name] = median(results)
    print(json.dumps(report, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
