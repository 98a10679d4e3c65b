"""What the console wants of the engine's outputs and sound outlives the engine that was told."""

from __future__ import annotations

from seller_console.contract import media as m
from seller_console.contract.codec import encode

from .conftest import until
from .test_engine_client import PROGRAMME, Road, SmallEngine, talking

YOUTUBE = m.AddDestination(name="YouTube", url="rtmp://a.example/live2/key-1")
CLUB = m.AddDestination(name="Club", url="https://club.example/whip", token="key-2")


async def test_the_next_engine_sends_to_every_destination_that_was_not_taken_off() -> None:
    road = Road()
    async with talking(road) as (client, _):
        async with SmallEngine(1) as first:
            road.place = first.place
            await until(lambda: client.state == "connected")
            for word in (YOUTUBE, CLUB, m.AddDestination(name="X", url="rtmp://x"), m.RemoveDestination(name="X")):
                client.tell(word)
            await until(lambda: len(first.told) == 4)
        async with SmallEngine(2) as second:
            road.place = second.place
            await until(lambda: len(second.told) >= 2)
            client.tell(m.RemoveDestination(name="YouTube"))
            await until(lambda: len(second.told) >= 3)
            assert second.told == [YOUTUBE, CLUB, m.RemoveDestination(name="YouTube")]
        async with SmallEngine(3) as third:
            road.place = third.place
            await until(lambda: third.told)
            assert third.told == [CLUB]


async def test_each_microphone_keeps_its_gain_and_the_sound_its_shaping() -> None:
    words = [m.SetSound(shaped=False), m.SetGain(gain_db=3.0), m.SetGain(gain_db=-6.0, second=True)]
    road = Road()
    async with talking(road) as (client, _):
        async with SmallEngine(1) as first:
            road.place = first.place
            await until(lambda: client.state == "connected")
            for word in (PROGRAMME, m.SetGain(gain_db=9.0, second=True), *words):
                client.tell(word)
            await until(lambda: len(first.told) == 5)
        async with SmallEngine(2) as second:
            road.place = second.place
            await until(lambda: len(second.told) >= 4)
            assert second.told[0] == PROGRAMME and len(second.told) == 4
            assert set(second.told[1:]) == set(words)


async def test_a_console_that_comes_back_has_the_next_engine_shape_the_sound_as_this_one_does() -> None:
    road = Road()
    async with talking(road) as (client, _):
        async with SmallEngine(1) as first:
            road.place = first.place
            await until(lambda: client.state == "connected")
            first.say(
                encode(
                    m.ProgrammeSet(
                        camera="testcard", microphone="tone", width=720, height=1280, fps=30, target_bps=0,
                        muted=False, shaped=False,
                    )
                )
            )  # fmt: skip
            await until(lambda: client.wanted.programme() is not None)
        async with SmallEngine(2) as second:
            road.place = second.place
            await until(lambda: m.SetSound(shaped=False) in second.told)


async def test_a_destination_taken_off_while_the_line_to_the_same_engine_is_down_is_taken_off() -> None:
    road = Road()
    async with SmallEngine(1) as engine, talking(road) as (client, _):
        road.place = engine.place
        await until(lambda: client.state == "connected")
        client.tell(YOUTUBE)
        await until(lambda: len(engine.told) == 1)
        road.place = None
        for writer in engine._writers:
            writer.transport.abort()
        await until(lambda: client.state == "away")
        client.tell(m.RemoveDestination(name="YouTube"))
        client.tell(m.SetMuted(muted=True))
        road.place = engine.place
        await until(lambda: len(engine.told) >= 3)
        assert engine.told == [YOUTUBE, m.RemoveDestination(name="YouTube"), m.SetMuted(muted=True)]


async def test_what_was_asked_while_there_was_no_engine_is_not_said_twice_to_the_next() -> None:
    road = Road()
    async with talking(road) as (client, _):
        client.tell(YOUTUBE)
        client.tell(m.FindDevices())
        async with SmallEngine(1) as engine:
            road.place = engine.place
            await until(lambda: len(engine.told) >= 2)
            client.tell(m.RetryNow())
            await until(lambda: m.RetryNow() in engine.told)
            assert engine.told == [YOUTUBE, m.FindDevices(), m.RetryNow()]
