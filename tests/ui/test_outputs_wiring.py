"""The keyring and the settings behind further destinations and the sound: nothing blocks, nothing is told aloud."""

from __future__ import annotations

import asyncio
import contextlib
import stat
from functools import partial
from pathlib import Path

import keyring
import msgspec
import pytest
from PySide6.QtWidgets import QApplication

from seller_console.contract import media as m
from seller_console.link.settings import Settings
from tests.link.test_settings import NoKeyring
from ui.desk import Desk
from ui.values import Notice
from ui.wiring import Wiring


def test_a_microphone_kept_by_its_name_alone_is_kept_by_its_identity_with_its_gain(
    app: QApplication, home: Path
) -> None:
    settings = Settings()
    settings.values.microphone, settings.values.second_microphone = "microphone:a", "microphone:b@ALSA"
    settings.values.gains = {"microphone:a": 3.0}
    desk = Desk()
    wiring, now = Wiring(desk, settings), desk.programme_set
    wiring.note(msgspec.structs.replace(now, microphone="microphone:x@ALSA"))
    assert settings.values.microphone == "microphone:a", "another one"
    wiring.note(msgspec.structs.replace(now, microphone="microphone:a@ALSA"))
    kept = Settings().values
    assert (kept.microphone, kept.second_microphone) == ("microphone:a@ALSA", "microphone:b@ALSA")
    assert kept.gains["microphone:a@ALSA"] == 3.0
    assert wiring._sound() == [m.SetGain(gain_db=3.0)]


async def test_a_key_is_kept_read_and_forgotten_in_that_order_and_is_in_no_log(
    app: QApplication, home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    monkeypatch.setattr(keyring.core, "_keyring_backend", NoKeyring())
    desk, settings = Desk(), Settings()
    said: list[Notice] = []
    desk.noticed.connect(said.append)
    wiring = Wiring(desk, settings)
    got: list[str] = []
    async with asyncio.TaskGroup() as tasks:
        wiring._tasks = tasks
        wiring.keep_secret("destination/Club", "very-secret")
        wiring.secret("destination/Club", got.append)
    kept = home / "passes.json"
    assert got == ["very-secret"] and stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert [notice.kind for notice in said] == ["said"] and "trousseau" in said[0].text
    async with asyncio.TaskGroup() as tasks:
        wiring._tasks = tasks
        wiring.keep_secret("destination/Club", "")
        wiring.secret("destination/Club", got.append)
    assert got[-1] == "" and "very-secret" not in kept.read_text() and "very-secret" not in caplog.text


def test_a_new_engine_gets_both_gains_and_the_shaping_and_one_that_is_there_gets_none(
    app: QApplication, home: Path
) -> None:
    settings = Settings()
    settings.values.microphone, settings.values.second_microphone = "microphone:a", "microphone:b"
    settings.values.gains = {"microphone:a": 3.0, "microphone:b": -6.0}
    settings.values.shaped = False
    settings.values.destinations = [{"name": "Club", "address": "https://c/w", "on": False}]
    settings.values.keep_clips = True
    assert settings.save()
    again = Settings().values
    assert (again.destinations, again.keep_clips, again.shaped) == (settings.values.destinations, True, False)
    wiring = Wiring(Desk(), settings)
    assert wiring._sound() == [
        m.SetSound(shaped=False), m.SetGain(gain_db=3.0), m.SetGain(gain_db=-6.0, second=True),
    ]  # fmt: skip
    word = m.AddDestination(name="Club", url="https://c/w", token="k")
    wiring.keep(word)
    assert wiring.engine.wanted.again() == [word] and wiring.engine._waiting == []


async def test_a_folder_for_clips_that_cannot_be_made_is_for_the_engine_to_tell_and_the_console_goes_on(
    app: QApplication, home: Path
) -> None:
    (home / "gone").write_text("a file where the disk was")
    wished, got = home / "gone" / "clips" / "Lot 1.mp4", asyncio.Queue[Path]()
    wiring = Wiring(Desk(), Settings())
    async with asyncio.TaskGroup() as tasks:
        wiring._tasks = tasks
        console = tasks.create_task(asyncio.Event().wait())
        wiring.free_path(wished, got.put_nowait)
        assert await asyncio.wait_for(got.get(), 5) == wished
        wiring.give_back(wished)
        wiring.free_path(Path("no\0name.mp4"), got.put_nowait)
        assert await asyncio.wait_for(got.get(), 5) == Path("no\0name.mp4")
        assert not console.done()
        console.cancel()


@pytest.mark.warns("act_broke")
async def test_an_act_that_breaks_is_said_and_the_console_goes_on(app: QApplication, home: Path) -> None:
    desk = Desk()
    said: list[Notice] = []
    desk.noticed.connect(said.append)
    wiring = Wiring(desk, Settings())

    def broken(_path: Path) -> None:
        raise ZeroDivisionError

    async with asyncio.TaskGroup() as tasks:
        wiring._tasks = tasks
        console = tasks.create_task(asyncio.Event().wait())
        wiring.free_path(home / "Lot 1.mp4", broken)
        async with asyncio.timeout(5):
            while not said:  # noqa: ASYNC110 - the disk is looked at on another thread
                await asyncio.sleep(0.01)
        assert not console.done()
        console.cancel()
    assert [notice.kind for notice in said] == ["trouble"] and "échoué" in said[0].text


@pytest.mark.warns("part_broke")
async def test_a_part_that_breaks_is_said_and_begun_again_and_the_others_go_on(
    app: QApplication, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ui.wiring.AGAIN_S", 0.05)
    desk = Desk()
    said: list[Notice] = []
    desk.noticed.connect(said.append)
    wiring = Wiring(desk, Settings())
    begun: dict[str, int] = {}

    async def part(name: str) -> None:
        begun[name] = begun.get(name, 0) + 1
        if name == "supervisor" and begun[name] < 3:
            raise ExceptionGroup("its own group", [OSError("no space left on device")])
        await asyncio.Event().wait()

    for name in ("supervisor", "engine", "crowd"):
        monkeypatch.setattr(getattr(wiring, name), "run", partial(part, name), raising=True)
    running = asyncio.create_task(wiring.run())
    try:
        async with asyncio.timeout(5):
            while begun.get("supervisor", 0) < 3:  # noqa: ASYNC110 - nothing announces it
                await asyncio.sleep(0.01)
        assert begun == {"supervisor": 3, "engine": 1, "crowd": 1} and not running.done()
        assert [notice.kind for notice in said] == ["trouble"], "not at each time"
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


@pytest.mark.warns("part_broke")
async def test_a_part_that_breaks_as_the_console_ends_is_not_begun_again(
    app: QApplication, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wiring, begun = Wiring(Desk(), Settings()), asyncio.Event()

    async def part() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            raise OSError("no space left on device")

    ending = asyncio.create_task(wiring._lasting(part))
    await asyncio.wait_for(begun.wait(), 5)
    ending.cancel()
    done, _ = await asyncio.wait((ending,), timeout=5)
    assert done and isinstance(ending.exception(), OSError)
