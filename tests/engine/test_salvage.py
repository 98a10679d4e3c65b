"""What a kill left of a recording becomes an MP4 by itself, and nothing that is somebody's is touched."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seller_console.engine import salvage
from seller_console.engine.claims import Claim
from seller_console.engine.muxing import Muxer

from .conftest import EngineConsole, wait_for
from .encoded import SIZE, Packets, Units, contents

pytestmark = [pytest.mark.media, pytest.mark.processes]

NAME = "2026-11-28 17h41-01"


def record(console: EngineConsole, folder: Path, seconds: float) -> Path:
    console.say(type="start_recording", folder=str(folder))
    note = console.wait(lambda n: n["type"] == "recording_changed" and n.get("seconds", 0) > seconds, 30)
    return Path(note["path"])


@pytest.mark.parametrize("again", ["the engine starts", "a recording starts"])
def test_a_recording_of_an_engine_that_was_killed_becomes_an_mp4(
    start_engine: Callable[..., Any], tmp_path: Path, again: str
) -> None:
    folder = tmp_path / "video" / "shows"
    first = start_engine()
    path = record(first.console(), folder, 3)
    os.kill(first.program.pid, signal.SIGKILL)
    first.program.wait(5)
    whole = path.with_suffix(".mp4")
    assert path.exists() and not whole.exists()
    left = contents(path)[0]
    second = start_engine(environ={} if again == "the engine starts" else {"SELLER_CONSOLE_HOME": str(tmp_path / "b")})
    console = second.console()
    if again == "a recording starts":
        record(console, folder, 0.1)
    wait_for(lambda: whole.exists() and not path.exists(), 30, "made whole by itself")
    assert contents(whole)[0] >= left - 1
    console.say(type="quit")
    second.program.wait(15)
    assert sorted(one.suffix for one in folder.iterdir()) == [".mp4"] * (1 if again == "the engine starts" else 2)


def test_what_a_living_engine_writes_is_left_to_it(start_engine: Callable[..., Any], tmp_path: Path) -> None:
    folder = tmp_path / "shows"
    console = start_engine().console()
    path = record(console, folder, 1)
    assert salvage.left_behind(folder) == []
    assert "claimed" in salvage.save(path)
    start = len(console.notes)
    now = console.wait_type("recording_changed", 10, start, state="recording")
    console.wait(lambda n: n["type"] == "recording_changed" and n.get("seconds", 0) > now["seconds"] + 1, 20, start)
    assert path.exists() and not path.with_suffix(".mp4").exists()


def left(folder: Path, name: str = NAME) -> Path:
    """Five seconds as a kill leaves them: not closed, and cut in the middle of a packet."""
    packets, sink, path = Packets(), Units(), folder / f"{name}.mkv"
    muxer = Muxer(str(path), "matroska", SIZE, 30, {"cluster_time_limit": "700", "flush_packets": "1"})
    packets.play(5.0, sink)
    for unit in sink.units:
        muxer.write(unit)
    raw = path.read_bytes()
    muxer.close()
    path.write_bytes(raw[:-20])
    return path


def test_what_was_cut_short_is_whole_but_for_its_end(tmp_path: Path) -> None:
    path = left(tmp_path)
    assert salvage.left_behind(tmp_path) == [path]
    assert "recording_saved" in salvage.save(path)
    assert [one.name for one in tmp_path.iterdir() if one.is_file()] == [f"{NAME}.mp4"]
    assert contents(tmp_path / f"{NAME}.mp4")[0] > 5 * 30 - 30


def test_zeros_at_the_end_are_what_a_power_cut_leaves(tmp_path: Path) -> None:
    path = left(tmp_path)
    with path.open("ab") as file:
        file.write(bytes(1_000_000))
    assert "recording_saved" in salvage.save(path)
    assert contents(tmp_path / f"{NAME}.mp4")[0] > 5 * 30 - 30


def broken(path: Path, at: float, share: float) -> None:
    raw = bytearray(path.read_bytes())
    start, length = int(len(raw) * at), int(len(raw) * share)
    raw[start : start + length] = os.urandom(length)
    path.write_bytes(raw)


@pytest.mark.parametrize(("at", "share"), [(0.3, 0.3), (0.5, 0.002), (0.0, 0.05)])
def test_a_matroska_with_a_hole_in_it_is_never_lost(tmp_path: Path, at: float, share: float) -> None:
    path = left(tmp_path)
    broken(path, at, share)
    before = path.read_bytes()
    assert "left_out" in salvage.save(path)
    assert [one.name for one in tmp_path.iterdir() if one.is_file()] == [path.name] and path.read_bytes() == before


def test_only_ours_without_an_mp4_and_unclaimed_are_looked_at(tmp_path: Path) -> None:
    ours = left(tmp_path)
    for name in ("holiday-01.mkv", "2026-11-28 17h41-02.mkv", "2026-11-28 17h41-03.mkv"):
        shutil.copy(ours, tmp_path / name)
    (tmp_path / "2026-11-28 17h41-02.mp4").write_bytes(b"done already")
    claim = Claim(tmp_path / "2026-11-28 17h41-03.mkv")
    assert claim.take()
    try:
        assert salvage.left_behind(tmp_path) == [ours]
        assert "claimed" in salvage.save(tmp_path / "2026-11-28 17h41-03.mkv")
    finally:
        claim.free()
    assert salvage.left_behind(tmp_path) == [ours, tmp_path / "2026-11-28 17h41-03.mkv"]
