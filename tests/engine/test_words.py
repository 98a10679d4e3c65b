"""The engine's words beside one another: none waits for a disk, a device or a server that another waits for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seller_console.contract import media as m
from seller_console.engine.destinations import StreamDestination
from seller_console.engine.muxing import Muxer
from seller_console.engine.program import Programme
from seller_console.engine.ring import Ring

from .encoded import contents, running, said, until

pytestmark = pytest.mark.media


class Gate:
    """What a call waits at until a test opens it."""

    def __init__(self) -> None:
        self.reached, self._open = threading.Event(), threading.Event()

    def wait(self) -> None:
        self.reached.set()
        assert self._open.wait(60)

    def open(self) -> None:
        self._open.set()


@pytest.fixture
def gate() -> Iterator[Gate]:
    made = Gate()
    yield made
    made.open()


def before(monkeypatch: pytest.MonkeyPatch, gate: Gate, owner: type, name: str) -> None:
    """Every call of this method waits at the gate first."""
    real = getattr(owner, name)

    def waiting(*what: Any) -> Any:
        gate.wait()
        return real(*what)

    monkeypatch.setattr(owner, name, waiting)


def muted(notes: list[Any]) -> bool:
    return any(note.muted for note in said(notes, m.ProgrammeSet))


async def test_a_recording_that_cannot_be_closed_holds_up_neither_mute_nor_the_next_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gate: Gate
) -> None:
    before(monkeypatch, gate, Muxer, "close")
    async with running() as (engine, notes):
        await engine.obey(m.StartRecording(folder=str(tmp_path)))
        await until(lambda: engine.outputs.recording.seconds > 0.5)
        stopping = engine.begin(m.StopRecording())
        await until(gate.reached.is_set)
        engine.begin(m.SetMuted(muted=True))
        await until(lambda: muted(notes), 5)
        engine.begin(m.StartRecording(folder=str(tmp_path)))
        await until(lambda: engine.outputs.recording.path.endswith("-02.mkv"))
        await until(lambda: engine.outputs.recording.seconds > 0.5)
        assert not stopping.done()
        gate.open()
        await stopping
        await engine.obey(m.StopRecording())
    paths = [path for path in tmp_path.iterdir() if path.suffix == ".mp4"]  # noqa: ASYNC240
    assert len(paths) == 2 and all(contents(path)[0] > 5 for path in paths)


async def test_clips_that_hang_hold_up_nothing_and_there_are_never_more_than_a_few(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gate: Gate
) -> None:
    before(monkeypatch, gate, Ring, "save")
    async with running() as (engine, notes):
        await engine.obey(m.StartRecording(folder=str(tmp_path)))
        await until(lambda: engine.outputs.recording.seconds > 0.5)
        clips = [engine.begin(m.SaveClip(request=str(n), path=str(tmp_path / f"clip{n}.mp4"))) for n in range(12)]
        await until(gate.reached.is_set)
        engine.begin(m.SetMuted(muted=True))
        await until(lambda: muted(notes), 5)
        assert [note.error for note in said(notes, m.ClipSaved)] == ["busy"] * 4
        gate.open()
        for clip in clips:
            await clip
        assert [note.error for note in said(notes, m.ClipSaved)][4:] == [""] * 8


async def test_a_destination_that_hangs_as_it_is_taken_off_holds_up_its_own_words_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gate: Gate
) -> None:
    before(monkeypatch, gate, StreamDestination, "stop")
    async with running() as (engine, notes):
        await engine.obey(m.AddDestination(name="copy", url=str(tmp_path / "one.mkv")))
        engine.begin(m.RemoveDestination(name="copy"))
        again = engine.begin(m.AddDestination(name="copy", url=str(tmp_path / "two.mkv")))
        await until(gate.reached.is_set)
        await engine.obey(m.AddDestination(name="other", url=str(tmp_path / "three.mkv")))
        engine.begin(m.SetMuted(muted=True))
        await until(lambda: muted(notes), 5)
        assert not again.done() and not (tmp_path / "two.mkv").exists()
        gate.open()
        await again
        await until((tmp_path / "two.mkv").exists)


async def test_going_on_air_that_waits_for_the_programme_is_taken_back_by_leaving_it(
    monkeypatch: pytest.MonkeyPatch, gate: Gate
) -> None:
    async with running() as (engine, notes):
        before(monkeypatch, gate, Programme, "change")
        changing = engine.begin(m.SetProgramme(width=640, height=480))
        going = engine.begin(m.GoOnAir(url="http://127.0.0.1:9/whip"))
        await until(gate.reached.is_set)
        leaving = engine.begin(m.LeaveAir())
        engine.begin(m.SetMuted(muted=True))
        await until(lambda: muted(notes) and leaving.done(), 5)
        gate.open()
        for word in (changing, going):
            await word
        assert engine.air.state == "off" and not said(notes, m.AirChanged)
        assert said(notes, m.ProgrammeSet)[-1].width == 640
        await engine.obey(m.GoOnAir(url="http://127.0.0.1:9/whip"))
        await until(lambda: said(notes, m.AirChanged))


@pytest.mark.warns("word_failed")
async def test_a_word_that_goes_wrong_is_told_and_the_next_is_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_what: Any) -> None:
        raise ZeroDivisionError("never tried")

    async with running() as (engine, notes):
        monkeypatch.setattr(Programme, "change", broken)
        await engine.obey(m.SetProgramme(width=640, height=480))
        refused = said(notes, m.EngineRefused)[-1]
        assert (refused.command, refused.code) == ("SetProgramme", "failed")
        await engine.obey(m.SetMuted(muted=True))
        assert muted(notes)
