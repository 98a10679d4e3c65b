"""Seller and producer, each at a real console: paired by code, at one queue, through a line that is cut."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.cut_line import CutLine, line_to

from .conftest import DrivenConsole, place_of, wait

pytestmark = [pytest.mark.processes, pytest.mark.media, pytest.mark.timeout(150)]

OpenConsole = Callable[..., DrivenConsole]


class Plug:
    """A line to the platform of this home, pulled and put back from a test that is no coroutine."""

    def __init__(self, port: int) -> None:
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._line: CutLine | None = None
        self._end: asyncio.Event | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run(port)), name="plug")
        self._thread.start()
        assert self._ready.wait(10)

    async def _run(self, port: int) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        async with line_to(port) as self._line:
            self._ready.set()
            await self._end.wait()

    @property
    def line(self) -> CutLine:
        assert self._line is not None
        return self._line

    def call(self, what: Callable[[], None]) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(what)

    def close(self) -> None:
        assert self._end is not None
        self.call(self._end.set)
        self._thread.join(10)


@pytest.fixture
def plug() -> Iterator[Callable[[int], Plug]]:
    made: list[Plug] = []

    def put(port: int) -> Plug:
        made.append(Plug(port))
        return made[-1]

    yield put
    for one in made:
        one.close()


def edit(console: DrivenConsole, number: int, **fields: str) -> dict[str, Any]:
    """As a person: the lot opened, the fields typed in, saved."""
    console.do("open_editor", number=number)
    console.do("type", fields=fields)
    return console.do("save")


def title_of(seen: dict[str, Any], number: int) -> str:
    return str(seen["lots"].get(str(number), ["", ""])[1])


def test_a_seller_and_a_producer_work_one_queue_through_a_line_that_is_cut(
    open_console: OpenConsole, plug: Callable[[int], Plug], tmp_path: Path
) -> None:
    seller = open_console()
    seller.until(lambda s: s["connection"] == "connected", 30, "the seller is there")
    for title in ("Foulard", "Baskets", "Peluche"):
        seller.do("add_lot", title=title)
    seller.until(lambda s: s["queue"] == 3, 10, "three lots")

    # pairing by code: the console claims it, keeps the pass, and opens in the role it was given
    seller.do("invite")
    code = seller.until(lambda s: s["invitation"] == "open", 10, "a code")["code"]
    assert len(code) == 8
    road = plug(place_of("platform").port)
    far = {"SELLER_CONSOLE_HOME": str(tmp_path / "marie")}
    producer = open_console("--platform", road.line.url, "--code", code, "--name", "Marie", environ=far)
    there = producer.until(lambda s: s["connection"] == "connected" and s["queue"] == 3, 30, "the producer is there")
    assert there["role"] == "producer" and not there["camera"]
    assert there["refusals"]["go_live"], "a producer does not go on air, and is told why"
    seen = seller.until(lambda s: s["invitation"] == "joined" and "Marie" in s["consoles"], 10, "the seller sees her")
    assert len(seen["consoles"]) == 2

    # notes, both ways
    seller.do("tab", tab=0)
    producer.do("whisper", text="Montre le dos de la carte")
    told = seller.until(lambda s: s["band"], 10, "large, at once")
    assert told["band"] == "Montre le dos de la carte" and told["unread"] == 1
    seller.do("lots")
    seller.do("whisper", text="Tout de suite")
    answer = producer.until(lambda s: len(s["whispers"]) == 2, 10, "the answer")
    assert [line[1:] for line in answer["whispers"]] == [["Montre le dos de la carte", True], ["Tout de suite", False]]
    seller.until(lambda s: s["unread"] == 0, 10, "read with the tab open")

    # presence, and the same field
    producer.do("open_editor", number=2)
    seller.until(lambda s: s["lots"]["2"][3] == "Marie", 10, "Marie has lot 2 open")
    edit(seller, 2, title="Baskets blanches")
    producer.until(lambda s: title_of(s, 2) == "Baskets blanches", 10, "the seller was first")
    producer.do("type", fields={"title": "Baskets montantes", "category": "Sneakers"})
    producer.do("save")
    refused = producer.until(lambda s: s["refused"] and s["lots"]["2"][2] == "Sneakers", 10, "the same field")
    assert refused["refused"][0][2:4] == ["Baskets montantes", "Baskets blanches"], "the other's value beside mine"
    assert refused["edits_shown"] and len(refused["refused"]) == 1
    producer.do("retake", edit_id=refused["refused"][0][0])
    seller.until(lambda s: title_of(s, 2) == "Baskets montantes", 10, "taken up again, knowingly")
    assert not producer.until(lambda s: not s["refused"], 10, "nothing left in question")["edits_shown"]

    # the line is cut: an edit waits, and a window that is asked to close says so and holds until it went
    road.call(road.line.cut)
    producer.until(lambda s: s["connection"] == "away", 20, "the line is cut")
    edit(producer, 1, title="Foulard de soie")
    waiting = producer.until(lambda s: s["waiting"], 10, "her edit waits")
    assert waiting["edits_shown"] and title_of(waiting, 1) == "Foulard"
    assert producer.do("close")["closing"] == "asked", "closing now would lose them: it is asked"
    road.call(road.line.mend)
    seller.until(lambda s: title_of(s, 1) == "Foulard de soie", 30, "it went")
    assert producer.program.wait() == 0, "and then the window closed by itself"


def test_what_a_producer_wrote_without_a_line_is_replayed_and_what_was_overtaken_is_shown(
    open_console: OpenConsole, plug: Callable[[int], Plug], tmp_path: Path
) -> None:
    seller = open_console()
    seller.until(lambda s: s["connection"] == "connected", 30, "the seller is there")
    for title in ("Foulard", "Peluche"):
        seller.do("add_lot", title=title)
    seller.do("invite")
    code = seller.until(lambda s: s["invitation"] == "open" and s["queue"] == 2, 10, "a code")["code"]
    road = plug(place_of("platform").port)
    far = {"SELLER_CONSOLE_HOME": str(tmp_path / "marie")}
    producer = open_console("--platform", f"{road.line.url}#{code}", "--name", "Marie", environ=far)
    producer.until(lambda s: s["connection"] == "connected" and s["queue"] == 2, 30, "the producer is there")
    road.call(road.line.cut)
    producer.until(lambda s: s["connection"] == "away", 20, "the line is cut")
    edit(producer, 1, title="Foulard de soie")
    edit(producer, 1, title="Foulard de soie 90 × 90")
    edit(producer, 2, title="Peluche de Marie")
    producer.do("note", at="21h15", text="pause boissons")
    edit(seller, 2, title="Peluche du vendeur")
    seller.do("note", at="22:30", text="baskets")
    seller.until(lambda s: title_of(s, 2) == "Peluche du vendeur" and s["run_of_show"], 10, "the seller goes on")
    producer.until(lambda s: len(s["waiting"]) == 4, 10, "four edits wait")
    road.call(road.line.mend)
    after = producer.until(
        lambda s: s["connection"] == "connected" and not s["waiting"] and len(s["run_of_show"]) == 2, 30, "replayed"
    )
    assert [row[2:4] for row in after["refused"]] == [["Peluche de Marie", "Peluche du vendeur"]], "one was overtaken"
    seen = seller.until(lambda s: title_of(s, 1) == "Foulard de soie 90 × 90", 10, "her last word on lot 1")
    assert title_of(seen, 2) == "Peluche du vendeur"
    assert seen["run_of_show"] == ["21:15 pause boissons", "22:30 baskets"], "both lines stand"
    # undo is per person: hers takes back her last accepted edit, not the seller's later one
    producer.do("press", action="undo_queue_edit")
    seen = seller.until(lambda s: title_of(s, 1) == "Foulard de soie", 10, "her own last edit")
    assert title_of(seen, 2) == "Peluche du vendeur"


def test_a_producers_window_killed_with_edits_waiting_sends_them_when_it_is_opened_again(
    open_console: OpenConsole, plug: Callable[[int], Plug], tmp_path: Path
) -> None:
    seller = open_console()
    seller.until(lambda s: s["connection"] == "connected", 30, "the seller is there")
    for title in ("Foulard", "Peluche"):
        seller.do("add_lot", title=title)
    seller.do("invite")
    code = seller.until(lambda s: s["invitation"] == "open" and s["queue"] == 2, 10, "a code")["code"]
    road = plug(place_of("platform").port)
    home = tmp_path / "marie"
    far = {"SELLER_CONSOLE_HOME": str(home)}
    producer = open_console("--platform", f"{road.line.url}#{code}", "--name", "Marie", environ=far)
    producer.until(lambda s: s["connection"] == "connected" and s["queue"] == 2, 30, "the producer is there")
    wait(lambda: (home / "passes.json").exists(), 10, "her pass is kept")
    road.call(road.line.cut)
    producer.until(lambda s: s["connection"] == "away", 20, "the line is cut")
    edit(producer, 1, title="Foulard de soie")
    edit(producer, 2, title="Peluche de Marie")
    producer.do("note", at="21h15", text="pause boissons")
    producer.until(lambda s: len(s["waiting"]) == 3, 10, "three edits wait")
    (kept,) = wait(lambda: [file for file in home.glob("waiting/*.json") if _kept(file) == 3], 5, "on her disk")
    assert kept.stat().st_mode & 0o077 == 0

    producer.program.popen.kill()
    producer.program.wait()
    edit(seller, 2, title="Peluche du vendeur")
    road.call(road.line.mend)
    producer = open_console("--platform", road.line.url, environ=far)
    after = producer.until(lambda s: s["refused"] and s["run_of_show"], 30, "sent again")
    assert [row[2:4] for row in after["refused"]] == [["Peluche de Marie", "Peluche du vendeur"]]
    assert after["run_of_show"] == ["21:15 pause boissons"] and after["edits_shown"]
    seen = seller.until(lambda s: title_of(s, 1) == "Foulard de soie" and s["run_of_show"], 10, "both came")
    assert title_of(seen, 2) == "Peluche du vendeur" and len(seen["run_of_show"]) == 1

    # asked to end by the system: the same, and what was refused and not looked at is still there
    road.call(road.line.cut)
    producer.until(lambda s: s["connection"] == "away", 20, "cut again")
    edit(producer, 1, title="Foulard rouge")
    producer.until(lambda s: s["waiting"], 10, "it waits")
    producer.program.popen.terminate()
    producer.program.wait()
    road.call(road.line.mend)
    producer = open_console("--platform", road.line.url, environ=far)
    after = producer.until(lambda s: title_of(s, 1) == "Foulard rouge" and not s["waiting"], 30, "sent again")
    assert [row[2] for row in after["refused"]] == ["Peluche de Marie"]
    wait(lambda: _kept(kept) == 1, 5, "only what is not looked at is left on the disk")


def _kept(file: Path) -> int:
    """How many edits wait in this file, a list on its way aside."""
    try:
        return sum(not edit.get("covers") for edit in json.loads(file.read_bytes())["edits"])
    except OSError:
        return 0


def test_a_wrong_code_opens_nothing(
    open_console: OpenConsole, start_program: Callable[..., Any], tmp_path: Path
) -> None:
    seller = open_console()
    seller.until(lambda s: s["connection"] == "connected", 30, "the seller is there")
    far = {"SELLER_CONSOLE_HOME": str(tmp_path / "x"), "QT_QPA_PLATFORM": "offscreen"}
    url = place_of("platform").url
    program = start_program("seller_console", "--platform", url, "--code", "00000000", "--name", "Ivan", environ=far)
    assert program.wait() == 1
    assert "--" not in program.errors() and program.errors().strip(), "a sentence"
