"""Shows that are not the current one: opened for who has a pass of them, off the loop, and put away again."""

from __future__ import annotations

import threading

import pytest

from seller_console.contract import commands as c
from seller_console.contract import routes
from seller_console.platform import salesroom
from seller_console.platform import shop as shop_module
from seller_console.platform.log import Log
from seller_console.platform.salesroom import Folded
from seller_console.sale.state import ShowState

from .conftest import MakeTown, Town, until
from .test_doors import is_problem


async def with_an_old_show(make_town: MakeTown) -> tuple[Town, str]:
    """A platform started again after another show was opened, and the id of the one before."""
    town = await make_town()
    old = town.show
    await town.say(town.owner, c.Announce(text="Bonsoir"))
    assert (await town.owner.post(routes.SHOWS, json={"title": "Un autre"})).status_code == 201
    await town.stop()
    town = await make_town()
    assert town.show != old
    return town, old


async def test_a_visitor_opens_no_old_show(make_town: MakeTown) -> None:
    town, old = await with_an_old_show(make_town)
    buyer = await town.buyer()
    for client in (town.client(), town.client("wrong"), buyer):
        for path in (routes.SHOW, routes.BRIEF, routes.FEED):
            is_problem(await client.get(routes.at(path, old)), 404, "no_show")
        is_problem(await client.post(routes.at(routes.JOIN, old), json={"nickname": "Max"}), 404, "no_show")
    assert (await town.client().get(routes.at(routes.BUYER_PAGE, old))).status_code == 200, "a page costs nothing"
    assert list(town.shop.rooms) == [town.show]
    assert (await town.owner.get(routes.at(routes.BRIEF, old))).status_code == 200
    assert (await town.client().get(routes.at(routes.SHOW, old))).json()["show_id"] == old, "open for everyone now"


async def test_an_old_show_is_read_beside_the_loop(make_town: MakeTown, monkeypatch: pytest.MonkeyPatch) -> None:
    town, old = await with_an_old_show(make_town)
    readers: list[threading.Thread] = []
    whole = Folded.of

    def of(log: Log, upto: int = 2**62) -> Folded:
        readers.append(threading.current_thread())
        return whole(log, upto)

    monkeypatch.setattr(salesroom.Folded, "of", of)
    assert (await town.owner.get(routes.at(routes.BRIEF, old))).status_code == 200
    assert len(readers) == 1
    assert readers[0] is not threading.main_thread()
    assert town.shop.rooms[old].sales.state != ShowState()


async def test_an_old_show_is_put_away_when_nobody_asks_for_it(
    make_town: MakeTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shop_module, "IDLE_ROOM_S", 0.3)
    town = await make_town()
    old, buyer = town.show, await town.buyer()
    run_id = await town.run_a_lot(town.owner, duration_ms=1500, counter_bid_ms=500)
    assert (await town.owner.post(routes.SHOWS, json={"title": "Un autre"})).status_code == 201
    await until(lambda: old not in town.shop.rooms, timeout_s=10)
    brief = await buyer.get(routes.at(routes.BRIEF, old))
    assert brief.status_code == 200, "her pass still opens it"
    run = town.shop.rooms[old].sales.state.runs[run_id]
    assert run.status == "passed", "not put away before its lot had ended"
    kinds = [row.kind for row in town.shop.rooms[old].log.every_row()]
    assert "platform_returned" not in kinds, "the platform was there all the time"
