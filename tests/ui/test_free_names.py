"""Names of pictures and clips: nobody gets one twice, and one dead folder stands in nobody else's way."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Set
from pathlib import Path

import pytest

from ui import free_names
from ui.free_names import FreeNames


async def test_each_gets_a_name_of_its_own_in_a_folder_that_is_made(tmp_path: Path) -> None:
    names, path = FreeNames(), tmp_path / "images" / "lot.jpg"
    got = await asyncio.gather(names.take(path), names.take(path))
    assert [one.name for one in got] == ["lot.jpg", "lot (2).jpg"] and path.parent.is_dir()
    names.give_back(got[0])
    assert await names.take(path) == path


async def test_a_folder_that_hangs_holds_up_one_thread_and_no_other_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free, answers, looks = free_names._free, threading.Event(), []

    def slow(path: Path, given: Set[Path]) -> Path:
        if path.parent.name == "dead":
            looks.append(path)
            answers.wait(30)
        return free(path, given)

    monkeypatch.setattr(free_names, "_free", slow)
    names, dead = FreeNames(), tmp_path / "dead" / "lot.jpg"
    for _ in range(3):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(names.take(dead), 0.05)
    assert len(looks) == 1
    assert (await asyncio.wait_for(names.take(tmp_path / "well" / "lot.jpg"), 10)).name == "lot.jpg"
    answers.set()
    assert await asyncio.wait_for(names.take(dead), 10) == dead, "who gave up got none"
