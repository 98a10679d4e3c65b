"""What the tests of the link share: a real platform process, and a listener that folds what it hears."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from seller_console.contract.codec import decode_runtime
from seller_console.contract.media import RuntimeFile
from seller_console.contract.words import Who
from seller_console.link.platform import Address, RoadState
from seller_console.sale.fold import apply
from seller_console.sale.state import ShowState


class Heard:
    """A PlatformClient's listener: folds rows, remembers the rest."""

    def __init__(self) -> None:
        self.state = ShowState()
        self.seqs: list[int] = []
        self.rows: list[Any] = []
        self.roads: list[RoadState] = []
        self.passings: list[Any] = []
        self.offsets: list[float] = []
        self.rtts: list[float] = []
        self.began = 0
        self.who: Who | None = None

    def road_changed(self, state: RoadState) -> None:
        self.roads.append(state)

    def feed_began(self, show_id: str, who: Who) -> None:
        self.began += 1
        self.who = who
        self.state = ShowState()
        self.seqs.clear()

    def row(self, stamped: Any) -> None:
        self.seqs.append(stamped.seq)
        self.rows.append(stamped)
        apply(self.state, stamped.event, stamped.at_ms)

    def caught_up(self, seq: int) -> None:
        return

    def passing(self, passing: Any) -> None:
        self.passings.append(passing)

    def clock(self, offset_ms: float, rtt_ms: float) -> None:
        self.offsets.append(offset_ms)
        self.rtts.append(rtt_ms)

    @property
    def road(self) -> str:
        return self.roads[-1].state if self.roads else "connecting"


async def until(done: Callable[[], Any], timeout_s: float = 15.0, saying: str = "") -> None:
    """Waits on a condition; fails in words."""
    try:
        async with asyncio.timeout(timeout_s):
            while not done():  # noqa: ASYNC110 - any condition at all may be waited for
                await asyncio.sleep(0.01)
    except TimeoutError:
        pytest.fail(f"waited {timeout_s} s in vain{': ' + saying if saying else ''}")


@pytest.fixture
def start_platform(start_program: Callable[..., Any]) -> Callable[..., tuple[Any, RuntimeFile]]:
    """Starts a real platform of this test's home; gives the program and how it described itself."""

    def start(*words: str) -> tuple[Any, RuntimeFile]:
        program = start_program("seller_console", "platform", *words)
        return program, decode_runtime(program.line(0))

    return start


def address_of(place: RuntimeFile) -> Address:
    return Address(place.url, place.secret)
