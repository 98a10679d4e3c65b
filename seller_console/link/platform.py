"""The road to the platform: the feed in, commands out, and whose clock is right.

Promises: every row of the log once and in order, across any number of lost
connections (Last-Event-ID); a command is tried with one Idempotency-Key until the
platform answered it, so an answer lost on the way never sells twice; the first
retry is immediate, later ones at most `LONGEST_WAIT_S` apart, and `retry_now()`
cuts any wait; unreachable, wrong pass, another contract and a show that is gone
are four different reasons. Refuses: guessing an outcome.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import httpx
import msgspec
from httpx_sse import EventSource, SSEError

from ..contract import VERSION, routes
from ..contract.codec import Unreadable, decode_accepted, decode_passing, decode_refusal, decode_stamped, encode
from ..contract.commands import Command
from ..contract.events import Passing, Stamped
from ..contract.words import Accepted, Refusal, Role, Who
from . import pairing, trust

log = logging.getLogger(__name__)

CONNECT_S = 3.0
ANSWER_S = 10.0
SILENCE_S = 12.0
"""A feed that says nothing, not even a heartbeat, for this long is dead."""
LONGEST_WAIT_S = 3.0
SAMPLES = 5
RENEW_CLOCK_S = 30.0
PICTURE_TRIES = 20
BREATH_S = 0.01
STEADY_S = 1.0
"""A connection that held less than this does not make the next retry immediate again."""

AwayReason = Literal["", "unreachable", "wrong_pass", "version", "show_gone"]


@dataclass(frozen=True, slots=True)
class RoadState:
    """connected, or away and why. `detail` is for the log and the curious."""

    state: Literal["connecting", "connected", "away"]
    reason: AwayReason = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a show is and the pass that opens it."""

    url: str
    owner_pass: str
    show_id: str = ""
    """"" = the platform's current show."""


class Listener(Protocol):
    """Who folds what the platform says. Called on the client's loop, in order."""

    def road_changed(self, state: RoadState) -> None: ...

    def feed_began(self, show_id: str, who: Who) -> None:
        """The fold starts anew: rows from seq 1 follow. `who` we are, by our pass."""

    def row(self, stamped: Stamped) -> None: ...

    def caught_up(self, seq: int) -> None:
        """Everything the platform had when we asked has been said."""

    def passing(self, passing: Passing) -> None: ...

    def clock(self, offset_ms: float, rtt_ms: float) -> None:
        """platform_ms = time.monotonic() * 1000 + offset_ms (rule 16)."""


class Unanswered(Exception):
    """The platform did not answer in the time the caller would wait. The command may have been done: the feed says."""


@dataclass(frozen=True, slots=True)
class ClockSample:
    asked: float
    """time.monotonic() when asked, and when answered."""
    answered: float
    server_ms: int

    @property
    def rtt_ms(self) -> float:
        return (self.answered - self.asked) * 1000

    @property
    def offset_ms(self) -> float:
        return self.server_ms - (self.asked + self.answered) * 500


def fastest(samples: list[ClockSample]) -> ClockSample:
    """The sample least bent by the road: its error is at most half its round trip."""
    return min(samples, key=lambda sample: sample.rtt_ms)


class _TimeAnswer(msgspec.Struct):
    server_ms: int


class _Health(msgspec.Struct):
    contract: int
    show_id: str = ""


class _Away(Exception):
    def __init__(self, reason: AwayReason, detail: str) -> None:
        super().__init__(detail)
        self.reason: AwayReason = reason
        self.detail = detail


class PlatformClient:
    def __init__(
        self,
        address: Address,
        listener: Listener,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._listener = listener
        self._monotonic = monotonic
        self._transport = transport
        self._address = address
        self._http: httpx.AsyncClient | None = None
        self._seq = 0
        self._show = ""
        self._anew = False
        """The feed is to be read from its beginning: what was made of it may be half."""
        self._broke_at = 0
        self._state = RoadState("connecting")
        self._retry = asyncio.Event()
        self._connected_at = float("inf")
        self._edits = asyncio.Lock()
        self._reading: asyncio.Task[None] | None = None

    @property
    def seq(self) -> int:
        """Last row heard."""
        return self._seq

    @property
    def state(self) -> RoadState:
        return self._state

    @property
    def show_id(self) -> str:
        return self._show

    def retry_now(self) -> None:
        self._retry.set()

    def move(self, address: Address) -> None:
        """The platform is elsewhere (or its pass changed): goes there at the next attempt, which is now."""
        if address != self._address:
            self._address = address
            self.retry_now()

    # --- the feed ----------------------------------------------------------------------

    async def run(self) -> None:
        """Follows the feed until cancelled."""
        attempt = 0
        async with self._client() as http:
            self._http = http
            try:
                while True:
                    self._retry.clear()
                    self._connected_at = float("inf")
                    try:
                        await self._follow(http)
                        away = _Away("unreachable", "feed ended")
                    except _Away as error:
                        away = error
                    except Exception:  # whoever listens broke, not the platform: the next run goes on
                        self._say_state(RoadState("connecting"))
                        raise
                    if self._monotonic() - self._connected_at > STEADY_S:
                        attempt = 0  # it held: the first retry is immediate again
                    self._say_state(RoadState("away", away.reason, away.detail))
                    await self._wait(attempt)
                    attempt += 1
            finally:
                self._http = None

    async def _wait(self, attempt: int) -> None:
        """Immediate, then 0.1 s doubling to LONGEST_WAIT_S; `retry_now` cuts it."""
        delay_s = 0.0 if attempt == 0 else min(LONGEST_WAIT_S, 0.1 * 2 ** (attempt - 1))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._retry.wait(), delay_s)

    async def _follow(self, http: httpx.AsyncClient) -> None:
        """One connection of the feed, from health to its end. Raises _Away."""
        try:
            head = await self._greet(http)
            async with asyncio.TaskGroup() as tasks:
                clock = tasks.create_task(self._renew_clock(http))
                self._reading = tasks.create_task(self._read(http, head))
                await asyncio.wait((self._reading,))
                clock.cancel()
        except* _Away as group:
            raise _first(group) from group
        except* (httpx.HTTPError, SSEError, Unreadable, OSError) as group:
            error = _first(group)
            raise _Away("unreachable", f"{type(error).__name__}: {error}") from group

    async def _greet(self, http: httpx.AsyncClient) -> int:
        """Checks who answers; returns the show's head, so that catching up has an end. Sets the clock."""
        answer = await http.get(self._url(routes.HEALTH), timeout=CONNECT_S)
        if answer.status_code != 200:
            raise _Away("unreachable", f"health answered {answer.status_code}")
        try:
            health = msgspec.json.decode(answer.content, type=_Health)
        except msgspec.DecodeError as error:
            raise _Away("version", "this address is not a seller-console platform") from error
        if health.contract != VERSION:
            raise _Away("version", f"it speaks contract {health.contract}, we speak {VERSION}")
        show = self._address.show_id or health.show_id
        if not show:
            raise _Away("show_gone", "the platform has no show")
        await self._set_clock(http)
        brief = await http.get(self._url(routes.at(routes.BRIEF, show)), headers=self._pass(), timeout=ANSWER_S)
        self._check(brief)
        head = msgspec.json.decode(brief.content, type=_Head)
        if show != self._show or head.seq < self._seq or self._anew:
            self._show, self._seq, self._anew = show, 0, True
            self._listener.feed_began(show, Who(person=head.person, role=head.role, nickname=head.nickname))
            self._anew = False
        return head.seq

    def _check(self, answer: httpx.Response) -> None:
        if answer.status_code in {401, 403}:
            raise _Away("wrong_pass", f"{answer.request.url.path} answered {answer.status_code}")
        if answer.status_code == 404:
            raise _Away("show_gone", f"{answer.request.url.path} answered 404")
        if answer.status_code != 200:
            raise _Away("unreachable", f"{answer.request.url.path} answered {answer.status_code}")

    async def _read(self, http: httpx.AsyncClient, head: int) -> None:
        url = self._url(routes.at(routes.FEED, self._show))
        headers = {**self._pass(), "Accept": "text/event-stream", "Cache-Control": "no-store"}
        headers[routes.LAST_EVENT_ID] = str(self._seq)
        timeout = httpx.Timeout(CONNECT_S, read=SILENCE_S)
        behind = True
        breath_at = self._monotonic()
        async with http.stream("GET", url, headers=headers, timeout=timeout) as answer:
            self._check(answer)
            if self._seq >= head:
                behind = False
                self._caught_up()
            async for event in EventSource(answer).aiter_sse():
                if self._monotonic() - breath_at > BREATH_S:
                    await asyncio.sleep(0)  # a long history must not hold up who draws it
                    breath_at = self._monotonic()
                if event.event == "passing":
                    self._pass_by(event.data)
                    continue
                if event.event == "row" and event.data:
                    stamped = decode_stamped_or_none(event.data)
                    if stamped is not None and stamped.seq > self._seq:
                        self._hand_over(stamped)
                if event.id.isdigit():
                    self._seq = max(self._seq, int(event.id))
                if behind and self._seq >= head:
                    behind = False
                    self._caught_up()

    def _hand_over(self, stamped: Stamped) -> None:
        """A row whose listener breaks may be half taken: all is read anew, once; breaking again it is left out."""
        self._seq = stamped.seq
        try:
            self._listener.row(stamped)
        except Exception:  # told by whoever runs us; here only where to read on
            if self._broke_at != stamped.seq:
                self._broke_at, self._anew = stamped.seq, True
            raise

    def _caught_up(self) -> None:
        self._connected_at = self._monotonic()
        self._listener.caught_up(self._seq)
        self._say_state(RoadState("connected"))

    def _pass_by(self, data: str) -> None:
        try:
            self._listener.passing(decode_passing(data))
        except Unreadable as error:
            log.info("passing_unknown reason=%s", error)  # a newer platform may say more

    # --- the clock ----------------------------------------------------------------------

    async def _renew_clock(self, http: httpx.AsyncClient) -> None:
        while True:
            await asyncio.sleep(RENEW_CLOCK_S)
            try:
                await self._set_clock(http)
            except httpx.HTTPError as error:
                log.info("clock_not_renewed error=%s", type(error).__name__)  # the feed decides who is away

    async def _set_clock(self, http: httpx.AsyncClient) -> None:
        samples = []
        for _ in range(SAMPLES):
            asked = self._monotonic()
            answer = await http.get(self._url(routes.TIME), timeout=CONNECT_S)
            answered = self._monotonic()
            if answer.status_code == 200:
                server_ms = msgspec.json.decode(answer.content, type=_TimeAnswer).server_ms
                samples.append(ClockSample(asked, answered, server_ms))
        if samples:
            best = fastest(samples)
            self._listener.clock(best.offset_ms, best.rtt_ms)

    # --- commands -----------------------------------------------------------------------

    async def say(self, command: Command, *, key: str = "", patience_s: float | None = None) -> Accepted | Refusal:
        """The platform's answer. Tried with one key until answered, or `patience_s` passed (Unanswered).

        A refusal that a later try could change (429, 503) is tried again; any other is the answer.
        """
        key = key or uuid.uuid4().hex
        async with asyncio.timeout(patience_s) as limit:
            try:
                return await self._say(command, key)
            except asyncio.CancelledError:
                if limit.expired():
                    raise Unanswered(type(command).__name__) from None
                raise
        raise Unanswered(type(command).__name__)  # pragma: no cover - the block above returns or raises

    async def say_in_turn(self, command: Command, *, key: str = "") -> Accepted | Refusal:
        """As `say`, but after every earlier one said in turn: queue edits keep their order across an absence.

        It is for the show that was followed when it was asked, whatever is followed when its turn comes.
        """
        show = self._show
        async with self._edits:
            return await self._say(command, key or uuid.uuid4().hex, show)

    async def _say(self, command: Command, key: str, show: str = "") -> Accepted | Refusal:
        body = encode(command)
        attempt = 0
        while True:
            try:
                answer = await self._post(body, key, show)
            except httpx.HTTPError as error:
                log.info("command_retried command=%s error=%s", type(command).__name__, type(error).__name__)
            else:
                outcome = _outcome(answer)
                if outcome is not None:
                    return outcome
                if (wait_s := _retry_after(answer)) > 0:
                    await asyncio.sleep(wait_s)
            await asyncio.sleep(0 if attempt == 0 else min(LONGEST_WAIT_S, 0.05 * 2**attempt))
            attempt += 1

    async def _post(self, body: bytes, key: str, show: str) -> httpx.Response:
        if self._http is None:
            raise httpx.ConnectError("not running")
        show = show or self._show or self._address.show_id
        if not show:
            raise httpx.ConnectError("no show yet")
        headers = {**self._pass(), "Content-Type": "application/json", routes.IDEMPOTENCY_KEY: key}
        url = self._url(routes.at(routes.COMMANDS, show))
        return await self._http.post(
            url, content=body, headers=headers, timeout=httpx.Timeout(ANSWER_S, connect=CONNECT_S)
        )

    async def open_show(self, title: str) -> str:
        """Another show on this platform (the owner's); its id, "" when the platform would not. Follows it."""
        if self._http is None:
            return ""
        try:
            answer = await self._http.post(
                self._url(routes.SHOWS), json={"title": title}, headers=self._pass(), timeout=ANSWER_S
            )
            if answer.status_code != 201:
                log.info("show_not_opened status=%d", answer.status_code)
                return ""
            show = str(answer.json()["show_id"])
        except (httpx.HTTPError, ValueError, KeyError) as error:
            log.info("show_not_opened error=%s", type(error).__name__)
            return ""
        self.move(Address(self._address.url, self._address.owner_pass, show))
        if self._reading is not None:
            self._reading.cancel()
        return show

    async def invite(self, role: str) -> tuple[str, str, int] | None:
        """(digits, address, expires_ms) of a pairing code for another console; None when there is none."""
        if self._http is None:
            return None
        try:
            answer = await self._http.post(
                self._url(routes.PAIRING), json={"role": role}, headers=self._pass(), timeout=ANSWER_S
            )
            if answer.status_code != 201:
                log.info("not_invited status=%d", answer.status_code)
                return None
            return pairing.opened_of(answer.content)
        except (httpx.HTTPError, msgspec.DecodeError) as error:
            log.info("not_invited error=%s", type(error).__name__)
            return None

    async def join_as_buyer(self, nickname: str) -> str:
        """A buyer's pass for this show, "" when the platform would not."""
        url = self._url(routes.at(routes.JOIN, self._show))
        try:
            async with self._client() as other:  # of its own: the cookie must not become ours
                answer = await other.post(url, json={"nickname": nickname}, timeout=ANSWER_S)
        except httpx.HTTPError as error:
            log.info("not_joined error=%s", type(error).__name__)
            return ""
        return answer.cookies.get(routes.BUYER_COOKIE) or ""

    async def picture(self, path: str) -> bytes:
        """A picture of a lot, b"" when it cannot be had."""
        if self._http is None:
            return b""
        try:
            answer = await self._http.get(self._url(path), timeout=ANSWER_S)
        except httpx.HTTPError:
            return b""
        return answer.content if answer.status_code == 200 and len(answer.content) <= routes.PICTURE_BYTES else b""

    async def put_editing(self, lot_id: str | None) -> None:
        """Presence: lost ones don't matter, they are said again."""
        if self._http is None or not self._show:
            return
        with contextlib.suppress(httpx.HTTPError):
            url = self._url(routes.at(routes.EDITING, self._show))
            await self._http.put(url, json={"lot_id": lot_id}, headers=self._pass(), timeout=CONNECT_S)

    async def upload_picture(self, content: bytes, kind: str = "image/jpeg") -> str:
        """The picture's path on the platform, "" when it would not have it. Waits its turn when asked to."""
        for _ in range(PICTURE_TRIES):
            if self._http is None or not self._show:
                return ""
            url = self._url(routes.at(routes.PICTURES, self._show))
            try:
                answer = await self._http.post(
                    url, content=content, headers={**self._pass(), "Content-Type": kind}, timeout=ANSWER_S
                )
            except httpx.HTTPError as error:
                log.info("picture_not_sent error=%s", type(error).__name__)
                return ""
            if answer.status_code == 429:
                await asyncio.sleep(max(0.2, _retry_after(answer)))
                continue
            if answer.status_code not in {200, 201}:
                log.info("picture_refused status=%d", answer.status_code)
                return ""
            path: Any = answer.json().get("path", "")
            return path if isinstance(path, str) else ""
        return ""

    # --- small parts ---------------------------------------------------------------------

    def _client(self) -> httpx.AsyncClient:
        limits = httpx.Limits(max_connections=16, max_keepalive_connections=4, keepalive_expiry=20.0)
        # trust_env off: a proxy of the environment must not stand between us and loopback.
        verify = trust.context(self._address.url)
        return httpx.AsyncClient(transport=self._transport, limits=limits, trust_env=False, verify=verify)

    def _url(self, path: str) -> str:
        return self._address.url.rstrip("/") + path

    def _pass(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._address.owner_pass}"}

    def _say_state(self, state: RoadState) -> None:
        if state != self._state:
            self._state = state
            log.info("road state=%s reason=%s detail=%s", state.state, state.reason or "-", state.detail)
            self._listener.road_changed(state)


class _Head(msgspec.Struct):
    """Of a Brief: how far it goes, and who we are."""

    seq: int
    person: str
    nickname: str
    role: Role


def decode_stamped_or_none(data: str) -> Stamped | None:
    """None for a kind we don't know: screens skip those."""
    try:
        return decode_stamped(data)
    except Unreadable as error:
        log.info("row_unknown reason=%s", error)
        return None


def _outcome(answer: httpx.Response) -> Accepted | Refusal | None:
    """None: no answer yet, try again with the same key."""
    status = answer.status_code
    try:
        if status in {200, 201}:
            return decode_accepted(answer.content)
        if status in {429, 503} or status >= 500:
            return None
        return decode_refusal(answer.content)
    except Unreadable:
        return Refusal(code=f"http_{status}", sentence="")


def _retry_after(answer: httpx.Response) -> float:
    try:
        return min(5.0, float(answer.headers.get("Retry-After", "0")))
    except ValueError:
        return 0.0


def _first(group: BaseExceptionGroup[Any]) -> Any:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
