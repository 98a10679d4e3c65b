"""Briefs of one show: each costs the loop more the longer the show, so what can be shared is.

Promises: what is answered is on the disk, and with the rows after its `seq` it is the whole
of what this reader may see. While a brief costs less than CHEAP_S each is made as it is asked
for. Then one is made for everybody who joins after it, and serves them for KEPT_S (their own
joining comes by the feed); somebody who was there before gets their own, kept as long; and
between two of them the loop has as much time for bids as the brief took.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from typing import NamedTuple

import msgspec

from ..contract.codec import encode
from ..contract.words import PersonId, Role, Struct, Who
from ..sale.brief import brief
from .salesroom import Salesroom

CHEAP_S = 0.002
KEPT_S = 5.0
_KEPT_MOST = 64
_NEWCOMER = Who(person="", role="buyer", nickname="")
"""Somebody this show knows nothing of."""


class BriefAnswer(Struct, frozen=True):
    """As contract.events.Brief, its events encoded already."""

    seq: int
    server_ms: int
    person: PersonId
    nickname: str
    role: Role
    events: msgspec.Raw


class _Made(NamedTuple):
    seq: int
    events: msgspec.Raw
    until_s: float
    known: frozenset[PersonId] = frozenset()
    """Of the one for newcomers: who is none."""


class Briefs:
    def __init__(self, sales: Salesroom) -> None:
        self._sales = sales
        self._one_by_one = asyncio.Lock()
        self._newcomers: _Made | None = None
        self._own: OrderedDict[PersonId, _Made] = OrderedDict()
        self.cost_s = 0.0
        """Of the last one made."""

    async def of(self, who: Who) -> BriefAnswer:
        made = self._kept(who) if who.role == "buyer" else None
        if made is None and (who.role != "buyer" or self.cost_s < CHEAP_S):
            made = await self._make(who)
        if made is None:
            async with self._one_by_one:
                made = self._kept(who)
                if made is None:
                    made = await self._make_and_keep(who)
        return BriefAnswer(
            seq=made.seq,
            server_ms=self._sales.clock.now_ms(),
            person=who.person,
            nickname=who.nickname,
            role=who.role,
            events=made.events,
        )

    def _kept(self, who: Who) -> _Made | None:
        now_s = time.monotonic()
        shared = self._newcomers
        if shared is not None and now_s < shared.until_s and who.person not in shared.known:
            return shared
        own = self._own.get(who.person)
        return own if own is not None and now_s < own.until_s else None

    async def _make_and_keep(self, who: Who) -> _Made:
        if self._newcomers is None or time.monotonic() >= self._newcomers.until_s:
            self._newcomers = await self._make(_NEWCOMER)
            await asyncio.sleep(self.cost_s)
        made = self._own[who.person] = await self._make(who)
        while len(self._own) > _KEPT_MOST:
            self._own.popitem(last=False)
        await asyncio.sleep(self.cost_s)
        return made

    async def _make(self, who: Who) -> _Made:
        return await self._sales.certain(lambda: self._look(who))

    def _look(self, who: Who) -> _Made:
        began_s = time.monotonic()  # not the loop's time, which stands still within a step
        state = self._sales.state
        events = msgspec.Raw(encode(brief(state, who)))
        known = frozenset() if who.person else frozenset(state.people)
        now_s = time.monotonic()
        self.cost_s = now_s - began_s
        return _Made(self._sales.head, events, now_s + KEPT_S, known)
