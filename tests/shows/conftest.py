"""What the tests of whole shows share: the real console driven from outside, buyers, a viewer, the log read by SQL."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import threading
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import pytest_asyncio
from playwright.async_api import Browser

from seller_console.contract import routes
from seller_console.contract.codec import decode_runtime
from seller_console.contract.media import RuntimeFile
from tests.fakes import chromium
from tests.fakes.open_house import OpenHouse


def wait(done: Callable[[], Any], timeout_s: float, saying: str) -> Any:
    """The first true answer of `done`; fails in words."""
    deadline = time.monotonic() + timeout_s
    pause = threading.Event()
    while True:
        found = done()
        if found:
            return found
        if time.monotonic() > deadline:
            pytest.fail(f"waited {timeout_s} s in vain: {saying}")
        pause.wait(0.02)


class DrivenConsole:
    """A console process: orders in, what it shows out."""

    def __init__(self, program: Any) -> None:
        self.program = program
        self._line = 0
        self.first = json.loads(program.line(0, 30))

    @property
    def pid(self) -> int:
        return int(self.program.pid)

    def do(self, what: str, **words: Any) -> dict[str, Any]:
        stdin = self.program.popen.stdin
        stdin.write(json.dumps({"do": what, **words}).encode() + b"\n")
        stdin.flush()
        self._line += 1
        answer: dict[str, Any] = json.loads(self.program.line(self._line, 20))
        return answer

    def look(self) -> dict[str, Any]:
        return self.do("look")

    def until(self, done: Callable[[dict[str, Any]], Any], timeout_s: float = 20.0, saying: str = "") -> dict[str, Any]:
        seen: dict[str, Any] = {}

        def look() -> bool:
            seen.clear()
            seen.update(self.look())
            return bool(done(seen))

        try:
            wait(look, timeout_s, saying)
        except pytest.fail.Exception:
            pytest.fail(f"waited {timeout_s} s in vain: {saying}\nthe console shows {seen}\n{self.program.errors()}")
        return seen

    def go_live(self) -> dict[str, Any]:
        self.until(lambda s: s["connection"] == "connected" and s["devices"], 30, "platform and engine there")
        # the button settles; a press too early does nothing
        wait(lambda: self.do("press", action="go_live")["done"], 10, "the button has settled")
        return self.until(lambda s: s["status"] == "live" and s["air"] == "on_air", 30, "on air")

    def open_lot(self) -> dict[str, Any]:
        """PDD, pressed with the mouse."""
        before = self.until(lambda s: s["pdd"] and s["pdd_settled"], 30, "PDD possible and settled")
        self.do("pdd")
        return self.until(
            lambda s: s["run_id"] not in ("", before["run_id"]) and s["deck"] in RUNNING, 8, "a lot is open"
        )


RUNNING = {"withdrawable", "running", "under_10", "closing"}


class Buyer:
    """A person with a phone, over real HTTP."""

    def __init__(self, place: RuntimeFile, show_id: str, nickname: str) -> None:
        self.show_id = show_id
        self.nickname = nickname
        self.http = httpx.Client(base_url=place.url, trust_env=False, timeout=5)
        joined = self.http.post(routes.at(routes.JOIN, show_id), json={"nickname": nickname})
        assert joined.status_code == 200, joined.text
        self.person = joined.json()["person"]

    def bid(self, run_id: str, euros: int, kind: str = "tap", key: str = "") -> httpx.Response:
        command = {"type": "place_bid", "run_id": run_id, "amount_cents": euros * 100, "kind": kind}
        headers = {routes.IDEMPOTENCY_KEY: key or uuid.uuid4().hex, "Sec-Fetch-Site": "same-origin"}
        return self.http.post(routes.at(routes.COMMANDS, self.show_id), json=command, headers=headers)

    def close(self) -> None:
        self.http.close()


class Viewer:
    """`seller-console watch`, its figures second by second."""

    def __init__(self, program: Any) -> None:
        self.program = program

    def lines(self) -> list[dict[str, Any]]:
        found = []
        for line in list(self.program.lines):
            with contextlib.suppress(ValueError):
                found.append(json.loads(line))
        return found

    def until_frames(self, count: int, timeout_s: float = 20.0, saying: str = "the viewer sees the programme") -> None:
        """Waits until it has seen so many pictures in all."""
        try:
            wait(lambda: self.frames() > count, timeout_s, saying)
        except pytest.fail.Exception as failed:
            pytest.fail(f"{failed}\nthe viewer said {self.program.lines[-5:]}\n{self.program.errors()}")

    def frames(self) -> int:
        return sum(int(line["frames"]) for line in self.lines() if not line.get("final"))

    def finish(self) -> dict[str, Any]:
        """Its summing up."""
        self.program.popen.terminate()
        self.program.wait()
        last = self.lines()[-1]
        assert last.get("final"), self.program.errors()
        return last


@pytest.fixture
def open_console(start_program: Callable[..., Any]) -> Iterator[Callable[..., DrivenConsole]]:
    """Opens a console of this test's home. What it started ends with the test."""

    def open_(*words: str, environ: dict[str, str] | None = None) -> DrivenConsole:
        offscreen = {"QT_QPA_PLATFORM": "offscreen", **(environ or {})}
        program = start_program("tests.fakes.driven_console", *words, environ=offscreen)
        opened.append(program)
        return DrivenConsole(program)

    opened: list[Any] = []
    yield open_
    for program in opened:  # the consoles first: they would start again what we end
        program.popen.kill()
        program.popen.wait(10)
    end_programs()


@pytest.fixture
def watch(start_program: Callable[..., Any]) -> Callable[..., Viewer]:
    def start(buyer: Buyer, *words: str) -> Viewer:
        url = str(buyer.http.base_url).rstrip("/") + routes.at(routes.WHEP, buyer.show_id)
        seat = buyer.http.cookies[routes.BUYER_COOKIE]
        return Viewer(start_program("seller_console", "watch", "--url", url, f"--token={seat}", "--json", *words))

    return start


@pytest.fixture
def join() -> Iterator[Callable[[str, str], Buyer]]:
    """`join(show_id, nickname)`."""
    joined: list[Buyer] = []

    def one(show_id: str, nickname: str) -> Buyer:
        buyer = Buyer(place_of("platform"), show_id, nickname)
        joined.append(buyer)
        return buyer

    yield one
    for buyer in joined:
        buyer.close()


def place_of(name: str) -> RuntimeFile:
    return decode_runtime((Path(os.environ["SELLER_CONSOLE_HOME"]) / "run" / f"{name}.json").read_bytes())


def end_programs() -> None:
    """Ends the platform and the engine of this home, by the pids they wrote down, at once.

    How they end when they are asked to is what tests of ending look at; here nothing would look.
    """
    doomed: list[psutil.Process] = []
    for name in ("engine", "platform"):
        with contextlib.suppress(OSError, psutil.NoSuchProcess):
            place = place_of(name)
            process = psutil.Process(place.pid)
            if abs(process.create_time() - place.started) <= 1:
                doomed += [process, *process.children(recursive=True)]
    for process in doomed:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    wait(lambda: not any(_runs(process) for process in doomed), 8, "killed programs end")


def _runs(process: psutil.Process) -> bool:
    """A dead one whose parent has not looked yet runs no more."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


class Record:
    """The log of a show, read by plain SQL and plain JSON: independent of every fold."""

    def __init__(self, show_id: str) -> None:
        path = Path(os.environ["SELLER_CONSOLE_HOME"]) / "shows" / f"{show_id}.db"
        self._db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)

    def of(self, kind: str) -> list[dict[str, Any]]:
        rows = self._db.execute("SELECT seq, event FROM events WHERE kind = ? ORDER BY seq", (kind,)).fetchall()
        return [{"seq": seq, **json.loads(event)} for seq, event in rows]

    def seqs(self) -> list[int]:
        return [row[0] for row in self._db.execute("SELECT seq FROM events ORDER BY seq")]

    def close(self) -> None:
        self._db.close()


@pytest.fixture
def record() -> Iterator[Callable[[str], Record]]:
    opened: list[Record] = []

    def open_(show_id: str) -> Record:
        opened.append(Record(show_id))
        return opened[-1]

    yield open_
    for one in opened:
        one.close()


# --- the buyer page ----------------------------------------------------------------------------


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium.running() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def house(start_program: Callable[..., Any], browser: Browser) -> AsyncIterator[OpenHouse]:
    opened = OpenHouse(start_program)
    yield opened
    await opened.close()
    opened.silent()
