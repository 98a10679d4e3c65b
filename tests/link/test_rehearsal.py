"""The simulated public: at a rehearsal, called what it is, and nowhere else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import psutil
import pytest

from seller_console.contract import commands as c
from seller_console.contract import routes
from seller_console.contract.media import RuntimeFile
from seller_console.contract.words import Accepted
from seller_console.link import rehearsal
from seller_console.link.platform import PlatformClient
from seller_console.link.rehearsal import STARTS, RehearsalCrowd

from .conftest import Heard, address_of, until

pytestmark = [pytest.mark.processes, pytest.mark.timeout(90)]

Start = Callable[..., tuple[Any, RuntimeFile]]


class Room:
    """A show as its owner sees it, and a crowd beside."""

    def __init__(self, place: RuntimeFile) -> None:
        self.place, self.heard = place, Heard()
        self.client = PlatformClient(address_of(place), self.heard)
        self.states: list[str] = []
        self.crowd = RehearsalCrowd(self.states.append)

    def buyers(self) -> list[str]:
        return [person.nickname for person in self.heard.state.people.values() if person.role == "buyer"]

    async def go_live(self, *, rehearsal: bool) -> None:
        assert isinstance(await self.client.say(c.GoLive(rehearsal=rehearsal)), Accepted)
        self.crowd.want(self.place.url, self.client.show_id)


@asynccontextmanager
async def room(place: RuntimeFile) -> AsyncIterator[Room]:
    made = Room(place)
    tasks = [asyncio.create_task(made.client.run()), asyncio.create_task(made.crowd.run())]
    try:
        await until(lambda: made.heard.road == "connected")
        yield made
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_it_comes_to_a_rehearsal_named_as_simulated_and_goes_when_asked(start_platform: Start) -> None:
    _, place = start_platform()
    async with room(place) as here:
        await here.go_live(rehearsal=True)
        await until(lambda: len(here.buyers()) >= 3, 30, "they come in")
        assert all(name.endswith("(simulé)") for name in here.buyers())
        child = psutil.Process(here.crowd.pid)
        here.crowd.unwant()
        await until(lambda: here.states == ["here", "off"] and not child.is_running())


@pytest.mark.parametrize("status", ["prepared", "live"])
async def test_the_platform_lets_no_made_up_buyer_into_anything_else(start_platform: Start, status: str) -> None:
    _, place = start_platform()
    async with room(place) as here:
        if status == "live":
            await here.go_live(rehearsal=False)
            here.crowd._starts = STARTS - 1  # one try tells as much as three
            await until(lambda: here.crowd.state == "failed", 40, "it gives up")
            assert here.crowd._starts == STARTS
        async with httpx.AsyncClient(base_url=place.url, trust_env=False) as http:
            path = routes.at(routes.JOIN, here.client.show_id)
            answer = await http.post(path, json={"nickname": "Léa", "simulated": True})
            assert answer.status_code == 409 and answer.json()["code"] == "not_a_rehearsal"
            real = await http.post(path, json={"nickname": "Léa"})
            assert real.status_code == 200 and real.json()["nickname"] == "Léa"
        await until(lambda: here.buyers() == ["Léa"])


async def test_one_that_has_had_its_evening_is_not_replaced(
    start_platform: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rehearsal, "SECONDS", 3)
    _, place = start_platform()
    async with room(place) as here:
        await here.go_live(rehearsal=True)
        await until(lambda: here.states == ["here", "off"], 30, "it ends by itself, with the window still listening")
        assert here.crowd._starts == 1


async def test_one_that_dies_is_replaced(start_platform: Start) -> None:
    _, place = start_platform()
    async with room(place) as here:
        await here.go_live(rehearsal=True)
        await until(lambda: here.buyers(), 30, "they come in")
        first, came = here.crowd.pid, len(here.buyers())
        psutil.Process(first).kill()
        await until(lambda: here.crowd.pid not in (0, first), 10, "another")
        await until(lambda: len(here.buyers()) > came, 30, "whose buyers come in too")
