"""What a console hears of further destinations and clips: their state, whenever it comes, and why in a code."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from seller_console.contract import media as m
from seller_console.engine.muxing import Muxer

from .encoded import running, said, until

pytestmark = pytest.mark.media


def states(notes: list[object], name: str) -> list[str]:
    return [note.state for note in said(notes, m.DestinationChanged) if note.name == name]


async def test_a_console_that_comes_later_is_told_each_destination_before_the_air(tmp_path: Path) -> None:
    async with running() as (engine, notes):
        await engine.obey(m.AddDestination(name="file", url=str(tmp_path / "copy.mkv")))
        await engine.obey(m.AddDestination(name="nowhere", url="rtmp://127.0.0.1:9/live/x"))
        await until(lambda: states(notes, "file")[-1:] == ["on_air"] and "nowhere" in engine.outputs.failing)
        told = engine.greeting()
        heard = {note.name: note for note in told if isinstance(note, m.DestinationChanged)}
        assert heard["file"].state == "on_air"
        assert heard["nowhere"].state == "reconnecting" and heard["nowhere"].detail
        places = [type(note) for note in told]
        assert places.index(m.DestinationChanged) < places.index(m.AirChanged), "nothing is begun twice on coming back"
        await engine.obey(m.RemoveDestination(name="file"))
        await until(lambda: states(notes, "file")[-1] == "off")
        assert [note.name for note in engine.greeting() if isinstance(note, m.DestinationChanged)] == ["nowhere"]
    assert states(notes, "file") == ["connecting", "on_air", "off"]


async def test_what_an_old_connection_says_late_is_not_said_of_the_new_one(tmp_path: Path) -> None:
    async with running() as (engine, notes):
        await engine.obey(m.AddDestination(name="one", url=str(tmp_path / "a.mkv")))
        await until(lambda: states(notes, "one")[-1:] == ["on_air"])
        old = engine.outputs._streams["one"]
        await engine.obey(m.AddDestination(name="one", url=str(tmp_path / "b.mkv")))
        await until(lambda: states(notes, "one").count("on_air") == 2)
        old._on_state("off", "")
        old._on_state("reconnecting", "late")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert states(notes, "one")[-1] == "on_air" and not engine.outputs.failing
    assert (tmp_path / "a.mkv").stat().st_size and (tmp_path / "b.mkv").stat().st_size


@pytest.mark.warns("recording_failed")
async def test_why_a_clip_could_not_be_saved_is_a_code_the_window_has_words_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running() as (engine, notes):
        await engine.obey(m.SaveClip(request="early", path=str(tmp_path / "x.mp4")))
        await engine.obey(m.StartRecording(folder=str(tmp_path)))
        await until(lambda: engine.outputs.recording.seconds > 0.5)
        (tmp_path / "file").write_bytes(b"")
        await engine.obey(m.SaveClip(request="folder", path=str(tmp_path / "file" / "clips" / "x.mp4")))

        def full(*_words: object) -> bool:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(Muxer, "write", full)
        await engine.obey(m.SaveClip(request="full", path=str(tmp_path / "y.mp4")))
        monkeypatch.undo()
    errors = {note.request: note.error for note in said(notes, m.ClipSaved)}
    assert errors == {"early": "nothing_on_air", "folder": "not_writable", "full": "disk_full"}
