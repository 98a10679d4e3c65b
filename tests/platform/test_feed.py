"""The feed on the wire: order, audience, resume, stuck readers."""

from __future__ import annotations

import asyncio

import pytest

from seller_console.contract import commands as c
from seller_console.contract import routes
from seller_console.contract.words import LotBackstage, LotDraft
from seller_console.platform import feed as feed_module

from .conftest import MakeTown, Town, until
from .sse import Listener, listening


async def chatter(town: Town, lines: int) -> None:
    owner = town.owner
    for number in range(lines):
        await town.say(owner, c.Say(text=f"ligne {number}"))


async def test_every_row_once_and_in_order_to_a_reader_from_the_first(town: Town) -> None:
    await chatter(town, 3)
    listener = await listening(town.url, town.show, town.shop.keys.owner_pass)
    await chatter(town, 4)
    await listener.wait_seq(town.room.sales.head)
    assert listener.seqs == list(range(1, town.room.sales.head + 1))
    assert listener.kinds().count("line_said") == 7
    assert "connection: close" in listener.head
    await listener.close()


async def test_a_returning_reader_goes_on_where_it_stopped(town: Town) -> None:
    token = town.shop.keys.owner_pass
    first = await listening(town.url, town.show, token)
    await chatter(town, 5)
    await first.wait_seq(4)
    last = first.seqs[-1]
    await first.close()
    await chatter(town, 5)
    second = await listening(town.url, town.show, token, after=last)
    await chatter(town, 2)
    await second.wait_seq(town.room.sales.head)
    assert first.seqs + second.seqs == list(range(1, town.room.sales.head + 1))
    await second.close()


async def test_a_reader_returning_after_a_restart_reads_on_from_the_log(make_town: MakeTown) -> None:
    town = await make_town()
    await chatter(town, 30)
    await town.stop()
    town = await make_town()
    assert not town.room.feed._in_tail(5), "this test is about rows memory no longer has"
    listener = await listening(town.url, town.show, town.shop.keys.owner_pass, after=5)
    await chatter(town, 3)
    await listener.wait_seq(town.room.sales.head)
    assert listener.seqs == list(range(6, town.room.sales.head + 1))
    await listener.close()


async def test_rows_come_while_a_reader_still_reads_the_log(
    make_town: MakeTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = await make_town()
    await chatter(town, 60)
    await town.stop()
    monkeypatch.setattr(feed_module, "_PAGE_ROWS", 7)
    town = await make_town()
    speaking = asyncio.create_task(chatter(town, 40))
    listeners = [await listening(town.url, town.show, town.shop.keys.owner_pass, after=n) for n in range(0, 40, 5)]
    await speaking
    for after, listener in zip(range(0, 40, 5), listeners, strict=True):
        await listener.wait_seq(town.room.sales.head)
        assert listener.seqs == list(range(after + 1, town.room.sales.head + 1))
        await listener.close()


async def test_a_hidden_row_leaves_its_bare_seq(town: Town) -> None:
    owner, buyer = town.owner, await town.buyer()
    listener = await listening(town.url, town.show, buyer.cookies[routes.BUYER_COOKIE])
    await town.say(
        owner, c.AddLot(lot=LotDraft(title="Carte", backstage=LotBackstage(reserve_cents=987_600, cost_cents=1)))
    )
    await listener.wait_seq(town.room.sales.head)
    assert listener.seqs == list(range(1, town.room.sales.head + 1))
    hidden = set(listener.seqs) - {row["seq"] for row in listener.rows}
    assert hidden
    assert all(block.data is None for block in listener.blocks if block.seq in hidden)
    assert b"987600" not in listener.raw
    await listener.close()


async def test_coalesced_rows_are_the_same_rows(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "COALESCE_FROM", 0)
    token = town.shop.keys.owner_pass
    early = await listening(town.url, town.show, token)
    speaking = asyncio.create_task(chatter(town, 30))
    await until(lambda: town.room.feed.head > 8)
    late = await listening(town.url, town.show, token, after=2)
    await speaking
    for listener, first in ((early, 1), (late, 3)):
        await listener.wait_seq(town.room.sales.head)
        assert listener.seqs == list(range(first, town.room.sales.head + 1))
        await listener.close()


async def test_a_reader_ahead_of_the_log_is_told_to_start_anew(town: Town) -> None:
    answer = await town.owner.get(routes.at(routes.FEED, town.show), headers={routes.LAST_EVENT_ID: "999999"})
    assert answer.status_code == 409
    assert answer.json()["code"] == "feed_ahead"


@pytest.mark.parametrize("wrong", ["-1", "abc", "1e9", "9" * 30, "१"])
async def test_a_last_event_id_that_is_no_number_is_refused(town: Town, wrong: str) -> None:
    answer = await town.owner.get(routes.at(routes.FEED, town.show), params={"after": wrong})
    assert answer.status_code in {400, 409}


async def test_heartbeats_carry_the_platforms_time(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "HEARTBEAT_S", 0.2)
    town.room.feed._heartbeat_at_s = 0
    listener = await listening(town.url, town.show, town.shop.keys.owner_pass)
    await until(lambda: sum(p["type"] == "heartbeat" for p in listener.passing) >= 3)
    beats = [p["server_ms"] for p in listener.passing if p["type"] == "heartbeat"]
    assert beats == sorted(beats)
    assert abs(beats[-1] - town.shop.clock.now_ms()) < 2000
    await listener.close()


async def test_a_reader_that_stops_reading_is_cut_and_comes_back_without_a_gap(town: Town) -> None:
    """Its kernel takes what it can, then nothing: 7 s later the socket is gone, the others saw no delay."""
    token = town.shop.keys.owner_pass
    stuck = Listener()
    await stuck.open(town.url, town.show, token, receive_bytes=4096)
    fine = await listening(town.url, town.show, token)
    loop = asyncio.get_running_loop()
    owner = town.owner
    began = loop.time()
    blocked_at = 0.0
    while town.room.feed.cut == 0 and loop.time() - began < 30:
        await town.say(owner, c.SetRunOfShow(seen_version=town.room.sales.state.run_of_show_version, notes=notes()))
        waiting = max((reader.wire.buffered() for reader in town.room.feed.readers), default=0)
        if waiting and not blocked_at:
            blocked_at = loop.time()
    assert town.room.feed.cut == 1
    assert loop.time() - blocked_at < 10
    head = town.room.sales.head
    await fine.wait_seq(head)
    assert fine.seqs == list(range(1, head + 1))
    # What the stuck one had is a gapless beginning; it goes on from there.
    stuck.follow()
    await until(lambda: stuck.ended)
    assert stuck.seqs == list(range(1, len(stuck.seqs) + 1))
    back = await listening(town.url, town.show, token, after=stuck.seqs[-1])
    await back.wait_seq(head)
    assert stuck.seqs + back.seqs == list(range(1, head + 1))
    for listener in (stuck, fine, back):
        await listener.close()


def notes() -> tuple[c.RunOfShowNote, ...]:
    return tuple(c.RunOfShowNote(text="x" * 100) for _ in range(40))


async def test_who_is_here_passes_by(town: Town) -> None:
    owner = await listening(town.url, town.show, town.shop.keys.owner_pass)
    buyer = await town.buyer()
    viewer = await listening(town.url, town.show, buyer.cookies[routes.BUYER_COOKIE])
    await until(lambda: {"type": "viewers_counted", "viewers": 1} in owner.passing)
    await until(lambda: any(p["type"] == "viewers_counted" for p in viewer.passing))
    assert any(p["type"] == "consoles_counted" for p in owner.passing)
    assert not any(p["type"] == "consoles_counted" for p in viewer.passing)
    await viewer.close()
    await until(
        lambda: owner.passing[-1] == {"type": "viewers_counted", "viewers": 0} or owner.passing[-2]["viewers"] == 0
    )
    await owner.close()


async def test_who_edits_what_is_seen_by_backstage_and_forgotten_when_they_leave(town: Town) -> None:
    producer = await town.staff("producer", "Marie")
    token = producer.headers["Authorization"].removeprefix("Bearer ")
    marie = await listening(town.url, town.show, token)
    owner = await listening(town.url, town.show, town.shop.keys.owner_pass)
    answer = await producer.put(routes.at(routes.EDITING, town.show), json={"lot_id": "L2"})
    assert answer.status_code == 204
    await until(lambda: {"type": "editing_seen", "editors": {"L2": "Marie"}} in owner.passing)
    await marie.close()
    await until(lambda: {"type": "editing_seen", "editors": {}} in owner.passing)
    await owner.close()
