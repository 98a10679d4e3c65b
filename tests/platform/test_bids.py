"""A bid's road: door, turn, log, feed."""

from __future__ import annotations

import asyncio
import sqlite3

from seller_console.contract import commands as c
from seller_console.contract import routes
from seller_console.contract.codec import decode_accepted

from .conftest import MakeTown, Town, until


async def test_a_bid_is_accepted_kept_and_published(town: Town) -> None:
    owner, buyer = town.owner, await town.buyer()
    run_id = await town.run_a_lot(owner)
    answer = await town.post(buyer, c.PlaceBid(run_id=run_id, amount_cents=100))
    assert answer.status_code == 200, answer.text
    accepted = decode_accepted(answer.content)
    kept = town.room.log.rows(accepted.seq - 1)
    assert kept[0].seq == accepted.seq
    assert kept[0].kind == "price_moved"
    assert town.room.feed.head >= accepted.seq


async def test_a_low_bid_is_refused_with_the_new_need(town: Town) -> None:
    owner, lea, max_ = town.owner, await town.buyer("Léa"), await town.buyer("Max")
    run_id = await town.run_a_lot(owner)
    await town.say(lea, c.PlaceBid(run_id=run_id, amount_cents=500))
    answer = await town.post(max_, c.PlaceBid(run_id=run_id, amount_cents=100))
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["code"] == "low"
    assert problem["facts"]["need_cents"] == 200
    assert problem["detail"] == problem["sentence"] != ""


async def test_the_hammer_falls_by_the_platforms_own_clock(town: Town) -> None:
    owner, buyer = town.owner, await town.buyer()
    run_id = await town.run_a_lot(owner, duration_ms=5000, counter_bid_ms=1000)
    run = town.room.sales.state.runs[run_id]
    await town.say(buyer, c.PlaceBid(run_id=run_id, amount_cents=100))
    await until(lambda: run.status != "running", timeout_s=10)
    assert run.status == "hammered"
    await until(lambda: town.room.sales.committed == town.room.sales.head)
    db = sqlite3.connect(town.room.log.path)
    try:
        found = db.execute(
            "SELECT at_ms, json_extract(event, '$.price_cents') FROM events WHERE kind = 'hammered'"
        ).fetchall()
    finally:
        db.close()
    assert [price for _, price in found] == [100]
    assert 0 <= found[0][0] - run.ends_at < 3_000
    late = await town.post(buyer, c.PlaceBid(run_id=run_id, amount_cents=200))
    assert late.status_code == 409
    assert late.json()["code"] == "late"


async def test_the_same_key_gets_the_same_answer(town: Town) -> None:
    owner, buyer = town.owner, await town.buyer()
    run_id = await town.run_a_lot(owner)
    bid = c.PlaceBid(run_id=run_id, amount_cents=100)
    first = await town.post(buyer, bid, key="once")
    head = town.room.sales.head
    again = await town.post(buyer, bid, key="once")
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert town.room.sales.head == head


async def test_a_refusal_is_remembered_too(town: Town) -> None:
    owner, buyer = town.owner, await town.buyer()
    run_id = await town.run_a_lot(owner)
    low = c.PlaceBid(run_id=run_id, amount_cents=50)
    first = await town.post(buyer, low, key="low")
    await town.say(buyer, c.PlaceBid(run_id=run_id, amount_cents=100))
    again = await town.post(buyer, low, key="low")
    assert first.status_code == again.status_code == 409
    assert first.json() == again.json()


async def test_the_same_key_for_another_body_is_422(town: Town) -> None:
    owner, buyer = town.owner, await town.buyer()
    run_id = await town.run_a_lot(owner)
    await town.post(buyer, c.PlaceBid(run_id=run_id, amount_cents=100), key="once")
    other = await town.post(buyer, c.PlaceBid(run_id=run_id, amount_cents=900), key="once")
    assert other.status_code == 422
    assert other.json()["code"] == "key_reused"


async def test_two_people_may_use_the_same_key(town: Town) -> None:
    owner, lea, max_ = town.owner, await town.buyer("Léa"), await town.buyer("Max")
    run_id = await town.run_a_lot(owner)
    one = await town.post(lea, c.PlaceBid(run_id=run_id, amount_cents=100), key="k")
    two = await town.post(max_, c.PlaceBid(run_id=run_id, amount_cents=200), key="k")
    assert one.status_code == two.status_code == 200


async def test_answers_survive_a_restart(make_town: MakeTown) -> None:
    town = await make_town()
    owner, buyer = town.owner, await town.buyer()
    run_id = await town.run_a_lot(owner)
    bid = c.PlaceBid(run_id=run_id, amount_cents=100)
    first = await town.post(buyer, bid, key="once")
    cookie = buyer.cookies[routes.BUYER_COOKIE]
    await town.stop()
    town = await make_town()
    again = town.client(cookie)
    repeated = await town.post(again, bid, key="once")
    assert repeated.content == first.content


async def test_two_hundred_buyers_at_once_keep_one_order(town: Town) -> None:
    owner = town.owner
    run_id = await town.run_a_lot(owner)
    buyers = [await town.buyer(f"B{n}") for n in range(40)]
    bid = c.PlaceBid(run_id=run_id, amount_cents=100)
    answers = await asyncio.gather(*(town.post(buyer, bid) for buyer in buyers for _ in range(5)))
    assert sum(answer.status_code == 200 for answer in answers) == 1
    assert {answer.json()["code"] for answer in answers if answer.status_code != 200} <= {"low", "already_leading"}
    seqs = [row.seq for row in town.room.log.every_row()]
    assert seqs == list(range(1, len(seqs) + 1))
