"""A console that opens late on a long show: everything, in order, without holding its loop."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Any

import pytest

from seller_console.contract import commands as c
from seller_console.contract.words import Accepted, LotDraft
from seller_console.link.platform import PlatformClient

from .conftest import Heard, address_of, until

pytestmark = pytest.mark.processes


async def test_five_thousand_rows_are_heard_without_holding_the_loop(start_platform: Callable[..., Any]) -> None:
    _, place = start_platform()
    first = Heard()
    client = PlatformClient(address_of(place), first)
    task = asyncio.create_task(client.run())
    await until(lambda: first.road == "connected")
    for half in range(2):
        lots = tuple(LotDraft(title=f"Carton {half} {n}") for n in range(2_500))
        assert isinstance(await client.say(c.ImportLots(lots=lots)), Accepted)
    await until(lambda: len(first.state.queue) == 5_000, 30)

    late = Heard()
    again = PlatformClient(address_of(place), late)
    held_ms: list[float] = []

    async def pulse() -> None:
        while True:
            began = time.thread_time()  # the work of a turn; waiting for one's turn on a busy machine is not it
            await asyncio.sleep(0)
            held_ms.append((time.thread_time() - began) * 1000)

    beating = asyncio.create_task(pulse())
    following = asyncio.create_task(again.run())
    await until(lambda: late.road == "connected", 30)
    for one in (beating, following, task):
        one.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await one
    assert late.seqs == first.seqs and len(late.seqs) > 5_000
    assert late.state.queue == first.state.queue
    assert max(held_ms) < 400, "generous, for a busy machine: 15 ms on a quiet one"
