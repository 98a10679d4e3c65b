"""Whole pictures: asked for when somebody needs one, and rationed, because everybody pays for them."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from struct import pack

import pytest

from seller_console.engine import publish
from seller_console.engine.publish import Publisher
from seller_console.platform.relay import Relay
from seller_console.rtc.keyframes import KeyframeGate
from seller_console.rtc.sending import Sending
from tests.fakes.doorman import doorman, until
from tests.fakes.studio import on_air

pytestmark = pytest.mark.media


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    running = Relay()
    await running.start()
    yield running
    await running.stop()


def asked(gate: KeyframeGate, seconds: float, begin_s: float = 100.0) -> int:
    """How often it asks when a door wants one at every moment, and one comes each time."""
    count = 0
    for step in range(int(seconds * 100)):
        gate.want()
        if gate.due(begin_s + step / 100):
            count += 1
            gate.came()
    return count


def test_a_door_that_always_wants_a_keyframe_gets_three_and_then_one_in_two_seconds() -> None:
    assert asked(KeyframeGate(at_once=3, every_s=2.0), 60) in (32, 33)
    assert asked(KeyframeGate(), 60) == 120


def test_who_was_quiet_may_ask_at_once_again() -> None:
    gate = KeyframeGate(at_once=3, every_s=2.0)
    assert asked(gate, 10) in (7, 8)
    assert asked(gate, 2, begin_s=130.0) in (3, 4)


@pytest.mark.parametrize(("further", "foreign", "most"), [(True, True, 2), (False, True, 3), (False, False, 99)])
async def test_a_foreign_door_is_rationed_a_further_one_more_and_our_own_relay_rations_itself(
    relay: Relay, further: bool, foreign: bool, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publish, "KEYFRAME_EVERY_S", 1e9)
    wanted: list[float] = []
    said: list[str] = []
    publisher = Publisher(
        on_air=lambda air: said.append(air.state), on_keyframe_wanted=lambda: wanted.append(0.0), further=further
    )
    async with doorman(relay) as keeper:
        keeper.foreign = foreign
        publisher.start(keeper.url)
        try:
            await until(lambda: "on_air" in said)
            now_s = time.monotonic()
            with monkeypatch.context() as patch:
                patch.setattr(time, "monotonic", lambda: now_s)
                for _ in range(5):
                    publisher._want_keyframe()
                    now_s += 0.6
        finally:
            await publisher.stop()
    assert len(wanted) <= most + 2, "in three seconds one or two are earned again"
    assert len(wanted) >= min(most, 5)


@pytest.mark.parametrize("foreign", [True, False])
async def test_a_door_that_is_not_our_relay_gets_a_keyframe_every_two_seconds_without_asking(
    relay: Relay, foreign: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publish, "KEYFRAME_EVERY_S", 0.3)
    async with doorman(relay) as keeper:
        keeper.foreign = foreign
        async with on_air(keeper.url) as (publisher, studio, said):
            await until(lambda: any(air.state == "on_air" for air in said) and publisher.stats().sent_frames > 10)
            before, frames = studio.idrs, studio.frames
            if foreign:
                await until(lambda: studio.idrs >= before + 4, saying="keyframes nobody asked for")
                assert studio.frames - frames >= 4 * 0.3 * 30 * 0.5, "and not more of them than that"
            else:
                await until(lambda: studio.frames >= frames + 60)
                assert studio.idrs == before


async def test_a_limit_the_far_side_sets_is_obeyed_in_the_session_that_set_it(relay: Relay) -> None:
    told: list[int] = []
    async with doorman(relay) as keeper, on_air(keeper.url, on_target_bps=told.append) as (publisher, _, said):
        await until(lambda: any(air.state == "on_air" for air in said))
        sending = publisher._sending
        assert isinstance(sending, Sending)
        sending._rtcp(pack("!BBHII4sBBHI", 0x8F, 206, 5, 7, 0, b"REMB", 1, 2 << 2 | 175_000 >> 16, 175_000 & 0xFFFF, 7))
        assert publisher.stats().target_bps == told[-1] == 700_000, "and the encoder was told"
