"""The road to the engine, against a small engine of the same wire: what we want survives its death."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from seller_console.contract import VERSION
from seller_console.contract import media as m
from seller_console.contract.codec import decode_engine_command, encode
from seller_console.link.engine import EngineClient

from .conftest import until

SECRET = "s3cret"


class SmallEngine:
    """Greets as the contract says, remembers what it is told, says what the test says."""

    def __init__(self, pid: int, contract: int = VERSION) -> None:
        self.pid = pid
        self.contract = contract
        self.told: list[Any] = []
        self.port = 0
        self._writers: list[asyncio.StreamWriter] = []
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> SmallEngine:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *error: object) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.sleep(0)

    @property
    def place(self) -> m.RuntimeFile:
        return m.RuntimeFile(
            program="engine", pid=self.pid, started=float(self.pid), contract=VERSION, port=self.port, secret=SECRET
        )

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            greet = decode_engine_command(await reader.readline())
            if not isinstance(greet, m.Greet) or greet.secret != SECRET:
                writer.close()
                return
            writer.write(encode(m.Ready(pid=self.pid, contract=self.contract, preview_path="p")) + b"\n")
            while line := await reader.readline():
                self.told.append(decode_engine_command(line))

    def say(self, raw: bytes) -> None:
        for writer in self._writers:
            writer.write(raw + b"\n")


class Ears:
    def __init__(self) -> None:
        self.roads: list[str] = []
        self.notes: list[Any] = []

    def engine_road_changed(self, state: str) -> None:
        self.roads.append(state)

    def note(self, note: Any) -> None:
        self.notes.append(note)


class Road:
    """Where the engine is, changed by the test."""

    def __init__(self) -> None:
        self.place: m.RuntimeFile | None = None

    def __call__(self) -> m.RuntimeFile | None:
        return self.place


@contextlib.asynccontextmanager
async def talking(road: Road) -> AsyncIterator[tuple[EngineClient, Ears]]:
    ears = Ears()
    client = EngineClient(ears, road)
    task = asyncio.create_task(client.run())
    try:
        yield client, ears
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


PROGRAMME = m.SetProgramme(camera="testcard", width=720, height=1280)
AIR = m.GoOnAir(url="http://x/whip/s", token="k")


async def test_an_engine_started_anew_is_told_again_what_we_want() -> None:
    road = Road()
    async with talking(road) as (client, ears):
        async with SmallEngine(1) as first:
            road.place = first.place
            await until(lambda: client.state == "connected")
            for word in (PROGRAMME, m.SetMuted(muted=True), m.SetGain(gain_db=3.0), AIR, m.RetryNow()):
                client.tell(word)
            await until(lambda: len(first.told) == 5)
        await until(lambda: client.state == "away")
        async with SmallEngine(2) as second:
            road.place = second.place
            await until(lambda: len(second.told) >= 4)
            assert second.told == [PROGRAMME, m.SetMuted(muted=True), m.SetGain(gain_db=3.0), AIR]
            assert [n for n in ears.notes if isinstance(n, m.Ready)][-1].pid == 2
    assert ears.roads[:3] == ["connected", "away", "connected"]


async def test_an_engine_told_to_leave_the_air_is_not_sent_back_on_it() -> None:
    road = Road()
    async with talking(road) as (client, _):
        async with SmallEngine(1) as first:
            road.place = first.place
            await until(lambda: client.state == "connected")
            client.tell(PROGRAMME)
            client.tell(AIR)
            client.tell(m.LeaveAir())
            await until(lambda: len(first.told) == 3)
        async with SmallEngine(2) as second:
            road.place = second.place
            await until(lambda: second.told)
            assert second.told == [PROGRAMME]


async def test_coming_back_to_the_same_engine_says_nothing_twice_and_adopts_its_programme() -> None:
    road = Road()
    async with SmallEngine(1) as engine:
        road.place = engine.place
        async with talking(road) as (client, _):
            await until(lambda: client.state == "connected")
            set_ = m.ProgrammeSet(
                camera="camera:Brio@p", microphone="tone", width=1080, height=1920, fps=30, target_bps=0, muted=True
            )
            engine.say(encode(set_))
            await until(lambda: client.wanted.programme() is not None)
            wanted = client.wanted.programme()
            assert wanted is not None and (wanted.camera, wanted.width) == ("camera:Brio@p", 1080)
            for writer in engine._writers:
                writer.transport.abort()
            await until(lambda: len(engine._writers) == 2)
        assert engine.told == []


async def test_what_is_asked_before_there_is_an_engine_is_asked_when_there_is_one() -> None:
    road = Road()
    async with talking(road) as (client, _):
        client.tell(m.FindDevices())
        client.tell(PROGRAMME)
        async with SmallEngine(1) as engine:
            road.place = engine.place
            await until(lambda: len(engine.told) == 2)
            assert engine.told == [PROGRAMME, m.FindDevices()]


async def test_a_note_of_a_newer_engine_is_skipped() -> None:
    road = Road()
    async with SmallEngine(1) as engine, talking(road) as (client, ears):
        road.place = engine.place
        await until(lambda: client.state == "connected")
        engine.say(b'{"type":"hologram_raised","depth":3}')
        engine.say(encode(m.MicrophoneLevel(peak_db=-3, rms_db=-9)))
        await until(lambda: any(isinstance(note, m.MicrophoneLevel) for note in ears.notes))


@pytest.mark.warns("engine_refused_greeting", "engine_other_contract")
@pytest.mark.parametrize(("contract", "secret", "said"), [(999, SECRET, "version"), (VERSION, "no", "wrong_secret")])
async def test_a_wrong_secret_and_another_contract_are_told_apart(contract: int, secret: str, said: str) -> None:
    road = Road()
    async with SmallEngine(1, contract) as engine, talking(road) as (client, ears):
        road.place = m.RuntimeFile(
            program="engine", pid=1, started=1.0, contract=VERSION, port=engine.port, secret=secret
        )
        await until(lambda: said in ears.roads)
        client.tell(AIR)
        assert engine.told == []


async def test_a_recording_goes_on_with_the_next_engine_and_a_stopped_one_does_not() -> None:
    road = Road()
    async with talking(road) as (client, _):
        async with SmallEngine(1) as first:
            road.place = first.place
            await until(lambda: client.state == "connected")
            client.tell(PROGRAMME)
            client.tell(m.StartRecording())
            await until(lambda: len(first.told) == 2)
        async with SmallEngine(2) as second:
            road.place = second.place
            await until(lambda: len(second.told) == 2)
            assert second.told == [PROGRAMME, m.StartRecording()]
            client.tell(m.StopRecording())
            await until(lambda: len(second.told) == 3)
        async with SmallEngine(3) as third:
            road.place = third.place
            await until(lambda: third.told)
            assert third.told == [PROGRAMME]


async def test_a_console_that_comes_back_to_a_recording_has_the_next_engine_go_on_in_its_folder() -> None:
    road = Road()
    async with talking(road) as (client, _):
        async with SmallEngine(1) as first:
            road.place = first.place
            await until(lambda: client.state == "connected")
            first.say(encode(m.RecordingChanged(state="recording", path="/films/a-01.mkv")))
            await until(lambda: client.wanted.again())
        async with SmallEngine(2) as second:
            road.place = second.place
            await until(lambda: second.told)
            assert second.told == [m.StartRecording(folder=str(Path("/films")))]
