"""Briefs that cost are shared, and stay whole: a kept one and the rows after it are what a fresh one says."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from seller_console.contract import commands as c
from seller_console.contract import routes
from seller_console.contract.codec import decode_brief
from seller_console.contract.events import Brief, Event
from seller_console.contract.words import LotBackstage, LotDraft, Who
from seller_console.platform import briefs as briefs_module
from seller_console.sale.brief import brief
from seller_console.sale.state import ShowState

from .conftest import Town
from .sse import listening


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """For whom a brief was made; every one counts as dear."""
    people: list[str] = []

    def counted(state: ShowState, who: Who) -> tuple[Event, ...]:
        people.append(who.person)
        return brief(state, who)

    monkeypatch.setattr(briefs_module, "CHEAP_S", -1.0)
    monkeypatch.setattr(briefs_module, "brief", counted)
    return people


async def brief_of(town: Town, client: Any) -> Brief:
    answer = await client.get(routes.at(routes.BRIEF, town.show))
    assert answer.status_code == 200, answer.text
    return decode_brief(answer.content)


async def test_those_who_join_share_one(town: Town, made: list[str]) -> None:
    early = await town.buyer("Ana")
    await town.say(town.owner, c.AddLot(lot=LotDraft(title="Carte", backstage=LotBackstage(cost_cents=4200))))
    first = await brief_of(town, early)
    assert made == ["", first.person]
    newcomers = [await town.buyer(f"N{n}") for n in range(12)]
    seen = await asyncio.gather(*(brief_of(town, newcomer) for newcomer in newcomers))
    assert len(made) == 2, "none was made for them"
    assert {one.seq for one in seen} == {first.seq}
    assert {one.nickname for one in seen} == {f"N{n}" for n in range(12)}
    again = await brief_of(town, early)
    assert (len(made), again.events) == (2, first.events)
    producer = await town.staff("producer")
    assert (await brief_of(town, producer)).seq == town.room.sales.head, "a console has its own, of now"


async def test_the_rows_after_a_shared_one_bring_the_newcomer_in(town: Town, made: list[str]) -> None:
    await brief_of(town, await town.buyer("Ana"))
    late = await town.buyer("Max")
    known = await brief_of(town, late)
    assert known.person not in str(known.events)
    feed = await listening(town.url, town.show, late.cookies[routes.BUYER_COOKIE], after=known.seq)
    await feed.wait_seq(town.room.sales.head)
    joined = [row["event"]["person"] for row in feed.rows if row["event"]["type"] == "person_joined"]
    assert known.person in joined
    await feed.close()


async def test_a_cheap_one_is_made_each_time(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(briefs_module, "CHEAP_S", 60.0)
    buyer = await town.buyer()
    for n in range(3):
        await town.say(town.owner, c.Announce(text=f"Bonsoir {n}"))
        assert (await brief_of(town, buyer)).seq == town.room.sales.head


async def test_a_kept_one_is_not_kept_for_long(town: Town, made: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(briefs_module, "KEPT_S", 0.0)
    buyer = await town.buyer()
    await brief_of(town, buyer)
    await town.say(town.owner, c.Announce(text="Bonsoir"))
    assert (await brief_of(town, buyer)).seq == town.room.sales.head
