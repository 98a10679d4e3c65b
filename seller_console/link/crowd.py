"""`seller-console crowd`: made-up buyers over real HTTP, each with a pass, a feed and taste.

Every buyer joins with a nickname, follows the feed, bids and chats as taste.py says.
Promises: the same seed wants the same things at the same prices; nobody bids while
leading; 429 is waited for, a refusal is counted and learnt from, a broken line is
resumed; never more than `REQUESTS_PER_S` requests a second and buyer, and an end after
`--seconds`, whatever the platform does. With `--rehearsal` it enters a rehearsal only (the
platform sees to it), its buyers are called simulated, and it ends with its standard input.
SIGINT and SIGTERM end it early, with its summary.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import os
import sys
import threading
import time
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec
from httpx_sse import EventSource, SSEError

from ..contract import events as ev
from ..contract import routes
from ..contract.codec import Unreadable, decode_accepted, decode_brief, decode_refusal, decode_stamped, encode
from ..contract.commands import Command, PlaceBid, Say
from ..ending import when_asked
from ..language import either
from .tally import Tally
from .taste import OnBlock, Taste, Wish, crowd, lines, next_bid, wish

log = logging.getLogger(__name__)

REQUESTS_PER_S = 3.0
BUYERS_MOST = 500
SECONDS_MOST = 13 * 3600.0
ANSWER_S = 8.0
SILENCE_S = 12.0
LONGEST_WAIT_S = 3.0
TRIES = 5
LEAVE_S = 2.0
"""For finishing what was asked and seeing what it did; under the 3 s a window waits for its crowd."""
JOIN_SPREAD_S = 0.06
"""Buyers come one after the other, not in one instant."""


class Closed(Exception):
    """The show cannot be entered (any more): no such show, pass refused, or it has ended."""


class Unanswered(Exception):
    """No answer after every try."""


class Shopper:
    """One buyer: a client, what they see of the block, and their tasks."""

    def __init__(
        self,
        url: str,
        show: str,
        seed: int,
        who: int,
        taste: Taste,
        tally: Tally,
        seconds: float,
        leaving: asyncio.Event,
        rehearsal: bool = False,
    ) -> None:
        self._show = show
        self._leaving = leaving
        self._rehearsal = rehearsal
        self._seed = seed
        self._who = who
        self._taste = taste
        self._tally = tally
        self._lines = lines(seed, who, taste, seconds)
        limits = httpx.Limits(max_connections=3, max_keepalive_connections=1, keepalive_expiry=30.0)
        verify = url.startswith("https:")
        # trust_env off: a proxy of the environment must not stand between us and loopback.
        self._http = httpx.AsyncClient(base_url=url, limits=limits, trust_env=False, timeout=ANSWER_S, verify=verify)
        self._person = ""
        self._seq = 0
        self._over = asyncio.Event()
        self._offset_ms = 0.0
        self._numbers: dict[str, tuple[int, int]] = {}
        self._block: OnBlock | None = None
        self._wish: Wish | None = None
        self._changed = asyncio.Event()
        self._sent: dict[int, float] = {}
        self._next_request_s = 0.0
        self._key = 0

    # --- the visit -----------------------------------------------------------------------

    async def visit(self) -> None:
        """Join, watch, bid and chat until told to leave. Raises Closed when the show cannot be entered."""
        async with self._http:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._leaving.wait(), self._who * JOIN_SPREAD_S)
                return
            await self._join()
            tasks = [asyncio.create_task(part) for part in (self._follow(), self._bid(), self._chat())]
            following, *asking = tasks
            leaving = asyncio.create_task(self._leaving.wait())
            try:
                await asyncio.wait([*tasks, leaving], return_when=asyncio.FIRST_COMPLETED)
                if self._leaving.is_set() and not following.done():
                    self._changed.set()
                    await asyncio.wait(asking)
                    await self._caught_up(await self._newest())
            finally:
                for task in (*tasks, leaving):
                    task.cancel()
                outcomes = await asyncio.gather(*tasks, return_exceptions=True)
            for outcome in outcomes:
                if isinstance(outcome, Exception) and not isinstance(outcome, Closed):
                    raise outcome

    async def _join(self) -> None:
        entering: dict[str, Any] = {"nickname": self._taste.nickname}
        if self._rehearsal:
            entering["simulated"] = True  # the platform lets it into a rehearsal only
        answer = await self._asked("POST", routes.at(routes.JOIN, self._show), json=entering)
        if answer.status_code not in {200, 201}:
            raise Closed(f"join answered {answer.status_code}")
        self._tally.joined += 1
        best_ms = float("inf")
        for _ in range(3):
            asked = time.monotonic()
            sample = await self._asked("GET", routes.TIME)
            answered = time.monotonic()
            if sample.status_code == 200 and (answered - asked) * 1000 < best_ms:
                best_ms = (answered - asked) * 1000
                self._offset_ms = float(sample.json()["server_ms"]) - (asked + answered) * 500
        await self._brief()

    async def _newest(self) -> int:
        """The newest number of the log now; what was hammered before that is told before leaving."""
        answer = await self._asked("GET", routes.at(routes.BRIEF, self._show))
        return decode_brief(answer.content).seq if answer.status_code == 200 else 0

    async def _brief(self) -> None:
        answer = await self._asked("GET", routes.at(routes.BRIEF, self._show))
        if answer.status_code != 200:
            raise Closed(f"brief answered {answer.status_code}")
        brief = decode_brief(answer.content)
        self._person = brief.person
        self._numbers.clear()
        self._block = None
        for event in brief.events:
            self._happened(event, live=False)
        self._seq = brief.seq

    # --- the feed --------------------------------------------------------------------------

    async def _follow(self) -> None:
        """Follows the feed; returns when the show has ended. Raises Closed."""
        url = routes.at(routes.FEED, self._show)
        attempt = 0
        while not self._over.is_set():
            headers = {routes.LAST_EVENT_ID: str(self._seq), "Accept": "text/event-stream"}
            try:
                async with self._http.stream(
                    "GET", url, headers=headers, timeout=httpx.Timeout(ANSWER_S, read=SILENCE_S)
                ) as answer:
                    self._tally.requests += 1
                    if answer.status_code in {401, 403, 404}:
                        raise Closed(f"feed answered {answer.status_code}")
                    if answer.status_code == 409:
                        await self._brief()
                    elif answer.status_code == 200:
                        attempt = 0
                        await self._read(answer)
                        if self._over.is_set():
                            return
            except (httpx.HTTPError, SSEError, Unanswered) as error:
                log.info("feed_lost buyer=%s error=%s", self._taste.nickname, type(error).__name__)
            self._tally.reconnects += 1
            await asyncio.sleep(0 if attempt == 0 else min(LONGEST_WAIT_S, 0.1 * 2**attempt))
            attempt += 1

    async def _read(self, answer: httpx.Response) -> None:
        """One connection of the feed, until it drops or the show has ended."""
        async for event in EventSource(answer).aiter_sse():
            if event.event == "row" and event.data:
                self._tally.rows += 1
                try:
                    row = decode_stamped(event.data)
                except Unreadable:
                    continue  # a kind of a newer platform: screens skip those
                if row.seq <= self._seq:
                    continue
                self._seq = row.seq
                self._happened(row.event, live=True)
                if self._over.is_set():
                    return
            elif event.event != "passing" and event.id.isdigit():
                self._seq = max(self._seq, int(event.id))

    def _happened(self, event: ev.Event, *, live: bool) -> None:
        block = self._block
        if isinstance(event, ev.LotAdded):
            self._numbers[event.lot.lot_id] = (event.lot.number, event.lot.opening_cents)
            return
        if isinstance(event, ev.RunOpened):
            number, _ = self._numbers.get(event.lot_id, (0, 0))
            self._wish = wish(self._seed, self._who, self._taste, number * 1000 + event.unit, event.opening_cents)
            self._block = OnBlock(
                run_id=event.run_id,
                number=number,
                opened_at=event.opened_at,
                duration_ms=event.duration_ms,
                ends_at=event.ends_at,
                asking_cents=event.opening_cents,
            )
        elif isinstance(event, ev.Hammered):
            if live and event.sold and event.buyer == self._person:
                self._tally.won += 1
                self._tally.spent_cents += event.price_cents
            self._block = None
        elif isinstance(event, ev.RunWithdrawn | ev.RunVoided | ev.ShowEnded):
            self._block = None
            if isinstance(event, ev.ShowEnded):
                self._over.set()
        elif block is None or getattr(event, "run_id", None) != block.run_id:
            return
        elif isinstance(event, ev.PriceMoved):
            was_leading = block.leading
            block.leading = event.leader == self._person
            block.asking_cents = event.asking_cents
            block.ends_at = event.ends_at
            if not block.leading and (was_leading or event.bidder == self._person):
                block.provoked_at = round(self._now_ms())
            if live and event.bidder == self._person and (left := self._sent.pop(event.price_cents, 0.0)):
                self._tally.seen_ms.append((time.monotonic() - left) * 1000)
        elif isinstance(event, ev.RunPaused):
            block.paused = True
        elif isinstance(event, ev.RunResumed | ev.ClockMoved):
            block.paused = False
            block.ends_at = event.ends_at
        self._changed.set()

    def _now_ms(self) -> float:
        """The platform's time."""
        return time.monotonic() * 1000 + self._offset_ms

    # --- bidding ----------------------------------------------------------------------------

    async def _bid(self) -> None:
        while not self._leaving.is_set():
            self._changed.clear()
            block, wanted = self._block, self._wish
            intent = next_bid(wanted, block) if block is not None and wanted is not None else None
            wait_s = None if intent is None else max(0.0, (intent.at_ms - self._now_ms()) / 1000)
            try:
                await asyncio.wait_for(self._changed.wait(), wait_s)
            except TimeoutError:
                assert block is not None and intent is not None
                if block is self._block:
                    await self._place(
                        block, PlaceBid(run_id=block.run_id, amount_cents=intent.amount_cents, kind=intent.kind)
                    )

    async def _place(self, block: OnBlock, bid: PlaceBid) -> None:
        tally = self._tally
        block.bids_made += 1
        tally.bids_sent += 1
        tally.bidders.add(self._who)
        left = time.monotonic()
        self._sent = {bid.amount_cents: left} if bid.kind == "tap" else {}
        try:
            answer = await self._said(bid)
        except Unanswered:
            tally.bids_unanswered += 1
            return
        except asyncio.CancelledError:  # leaving cannot wait any longer
            tally.bids_unanswered += 1
            raise
        tally.answer_ms.append((time.monotonic() - left) * 1000)
        if answer.status_code == 200:
            tally.bids_accepted += 1
            await self._caught_up(decode_accepted(answer.content).seq)
            return
        self._sent.clear()
        code, facts = _refused(answer)
        tally.bids_refused[code] += 1
        block.provoked_at = round(self._now_ms())
        if code == "low":
            block.bids_made -= 1  # outrun, not bid: patience is for bids
            block.asking_cents = max(block.asking_cents, int(facts.get("need_cents", 0)))
        elif code == "already_leading":
            block.leading = True

    async def _caught_up(self, seq: int) -> None:
        """Wait until the feed shows what the answer said; not for ever: the feed may be down."""
        until_s = time.monotonic() + 2.0
        while self._seq < seq and time.monotonic() < until_s:
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), 0.2)
        self._changed.set()

    # --- chat --------------------------------------------------------------------------------

    async def _chat(self) -> None:
        began = time.monotonic()
        for at_s, text in self._lines:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._leaving.wait(), max(0.0, began + at_s - time.monotonic()))
                return
            self._tally.lines_sent += 1
            try:
                answer = await self._said(Say(text=text))
            except Unanswered:
                self._tally.lines_refused["unanswered"] += 1
                continue
            except asyncio.CancelledError:
                self._tally.lines_refused["unanswered"] += 1
                raise
            if answer.status_code == 200:
                self._tally.lines_accepted += 1
            else:
                self._tally.lines_refused[_refused(answer)[0]] += 1
        await self._leaving.wait()  # silent from here on, still watching

    # --- HTTP -----------------------------------------------------------------------------------

    async def _said(self, command: Command) -> httpx.Response:
        self._key += 1
        headers = {
            "Content-Type": "application/json",
            routes.IDEMPOTENCY_KEY: f"crowd-{self._seed}-{self._who}-{self._person}-{self._key}",
        }
        return await self._asked(
            "POST", routes.at(routes.COMMANDS, self._show), content=encode(command), headers=headers
        )

    async def _asked(self, method: str, path: str, **more: Any) -> httpx.Response:
        """One request, tried again (same key) while nobody answers, with what Retry-After asks. Raises Unanswered."""
        for attempt in range(TRIES):
            now = time.monotonic()
            self._next_request_s = max(now, self._next_request_s + 1 / REQUESTS_PER_S)
            await asyncio.sleep(max(0.0, self._next_request_s - now - 3 / REQUESTS_PER_S))
            self._tally.requests += 1
            wait_s = 0.0 if attempt == 0 else min(LONGEST_WAIT_S, 0.1 * 2**attempt)
            try:
                answer = await self._http.request(method, path, **more)
            except httpx.HTTPError as error:
                log.info("request_retried path=%s error=%s", path, type(error).__name__)
            else:
                if answer.status_code == 429:
                    self._tally.waited_429 += 1
                elif answer.status_code < 500:
                    return answer
                wait_s = max(wait_s, _retry_after_s(answer))
            await asyncio.sleep(wait_s)
        raise Unanswered(path)


def _refused(answer: httpx.Response) -> tuple[str, dict[str, Any]]:
    try:
        refusal = decode_refusal(answer.content)
    except Unreadable:
        return f"http_{answer.status_code}", {}
    return refusal.code, refusal.facts


def _retry_after_s(answer: httpx.Response) -> float:
    try:
        return min(10.0, float(answer.headers.get("Retry-After", "0")))
    except ValueError:
        return 0.0


async def play(
    url: str, show: str, *, buyers: int, seed: int, seconds: float, stop: asyncio.Event, rehearsal: bool = False
) -> Tally:
    """Let a crowd visit a show; with `rehearsal`, a rehearsal and nothing else.

    Raises Closed when nobody could enter, Unanswered when nobody answers.
    """
    tally = Tally()
    if not show:
        show = await _current_show(url)
    leaving = asyncio.Event()
    visits = [
        asyncio.create_task(Shopper(url, show, seed, who, taste, tally, seconds, leaving, rehearsal).visit())
        for who, taste in enumerate(crowd(seed, buyers))
    ]
    stopping = asyncio.create_task(stop.wait())
    try:
        everyone = asyncio.gather(*visits, return_exceptions=True)
        either: list[asyncio.Future[Any]] = [stopping, everyone]
        await asyncio.wait(either, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        leaving.set()
        await asyncio.wait([everyone], timeout=LEAVE_S)
    finally:
        stopping.cancel()
        for visit in visits:
            visit.cancel()
        outcomes = await asyncio.gather(*visits, return_exceptions=True)
    troubles = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    for trouble in troubles:
        if not isinstance(trouble, Closed | Unanswered | httpx.HTTPError):
            raise trouble
    if tally.joined == 0 and troubles:
        raise troubles[0]
    return tally


async def _current_show(url: str) -> str:
    try:
        async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=ANSWER_S) as http:
            answer = await http.get(routes.HEALTH)
            return str(msgspec.json.decode(answer.content)["show_id"])
    except (httpx.HTTPError, msgspec.DecodeError, KeyError, TypeError) as error:
        raise Closed(f"{url}: {type(error).__name__}") from error


def base_of(address: str) -> tuple[str, str]:
    """The platform's base URL, and the show when the address is a buyer page. Raises ValueError."""
    parts = urlsplit(address if "://" in address else f"http://{address}")
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise ValueError(address)
    steps = [step for step in parts.path.split("/") if step]
    return f"{parts.scheme}://{parts.netloc}", steps[1] if len(steps) == 2 and steps[0] == "s" else ""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="seller-console crowd",
        description=either(
            "Des acheteurs simulés, par le vrai HTTP : ils regardent, enchérissent, parlent.",
            "Made-up buyers over real HTTP: they watch, bid and chat.",
        ),
    )
    parser.add_argument(
        "--url",
        required=True,
        help=either("la plateforme, ou la page des acheteurs d’un live", "the platform, or the buyers’ page of a show"),
    )
    parser.add_argument(
        "--show", default="", help=either("le live ; sinon celui en cours", "the show; else the current one")
    )
    parser.add_argument("--buyers", type=int, default=12, help=either("combien", "how many"))
    parser.add_argument(
        "--seed",
        type=int,
        default=1,
        help=either(
            "la même graine veut les mêmes choses aux mêmes prix",
            "the same seed wants the same things at the same prices",
        ),
    )
    parser.add_argument("--seconds", type=float, default=60.0, help=either("combien de temps", "how long"))
    parser.add_argument("--json", action="store_true", help=either("le bilan en JSON", "the summary as JSON"))
    parser.add_argument(
        "--rehearsal",
        action="store_true",
        help=either(
            "n’entre que dans une répétition, et finit avec son entrée standard",
            "enters a rehearsal only, and ends with its standard input",
        ),
    )
    return parser


async def _run(url: str, show: str, options: argparse.Namespace) -> Tally:
    stop = asyncio.Event()
    when_asked(stop.set)
    if options.rehearsal:  # the window that began it holds the other end: gone with it, however it went
        threading.Thread(target=_until_eof, args=(asyncio.get_running_loop(), stop), name="window", daemon=True).start()
    return await play(
        url, show, buyers=options.buyers, seed=options.seed, seconds=options.seconds, stop=stop,
        rehearsal=options.rehearsal,
    )  # fmt: skip


def _until_eof(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    while os.read(0, 4096):  # not sys.stdin: a thread that holds its lock aborts a program that ends by itself
        continue
    with contextlib.suppress(RuntimeError):  # it has ended already
        loop.call_soon_threadsafe(stop.set)


def main(argv: list[str]) -> int:
    """0: somebody entered. 1: nobody could. 2: the words of the command make no sense."""
    options = _parser().parse_args(argv)
    try:
        url, named = base_of(options.url)
    except ValueError:
        print(f"--url: {options.url}", file=sys.stderr)
        return 2
    if not 1 <= options.buyers <= BUYERS_MOST or not 0 < options.seconds <= SECONDS_MOST:
        print(f"--buyers 1..{BUYERS_MOST}, --seconds 0..{SECONDS_MOST:.0f}", file=sys.stderr)
        return 2
    began = time.monotonic()
    try:
        tally = asyncio.run(_run(url, options.show or named, options))
    except (Closed, Unanswered, httpx.HTTPError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    found = tally.summary(seed=options.seed, buyers=options.buyers, seconds=time.monotonic() - began)
    if options.json:
        print(json.dumps(found))
    else:
        counts = f"{tally.joined}/{options.buyers}"
        print(
            either(
                f"{counts} acheteurs : {tally.bids_accepted} enchères prises sur {tally.bids_sent},"
                f" {tally.lines_accepted} messages, {tally.won} lots gagnés.",
                f"{counts} buyers: {tally.bids_accepted} of {tally.bids_sent} bids taken,"
                f" {tally.lines_accepted} chat lines, {tally.won} lots won.",
            )
        )
    return 0 if tally.joined else 1
