"""Who keeps the programs alive: with small real programs that are killed for real."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import IO

import psutil
import pytest

from seller_console.contract.codec import encode
from seller_console.contract.media import RuntimeFile
from seller_console.link import supervisor
from seller_console.link import supervisor as module
from seller_console.link.supervisor import Lock, ProgramOutcome, ProgramSpec, Supervisor, alive, living, runtime_path

from .conftest import until

pytestmark = pytest.mark.processes

ROOT = str(Path(__file__).resolve().parents[2])
FAKE = (sys.executable, str(Path(__file__).resolve().parent.parent / "fakes" / "child_program.py"))
DIED = pytest.mark.warns("program_died", "program_did_not_end")


class Outcomes(list[ProgramOutcome]):
    @property
    def last(self) -> ProgramOutcome:
        return self[-1]


@contextlib.asynccontextmanager
async def supervised(
    *words: str, again: tuple[str, ...] | None = None, end: bool = True, command: tuple[str, ...] = FAKE
) -> AsyncIterator[tuple[Supervisor, Outcomes]]:
    outcomes = Outcomes()
    environment = {**os.environ, "PYTHONPATH": ROOT}
    one = Supervisor((ProgramSpec("engine", words, again),), outcomes.append, command=command, environment=environment)
    task = asyncio.create_task(one.run())
    try:
        yield one, outcomes
    finally:
        if end:
            await one.end("engine")
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def starts(home: Path) -> list[str]:
    return (home / "engine.starts").read_text().splitlines() if (home / "engine.starts").exists() else []


async def test_a_missing_program_is_started_in_a_session_of_its_own(home: Path) -> None:
    async with supervised("engine", "lives") as (_, outcomes):
        await until(lambda: outcomes and outcomes.last.state == "running")
        place = outcomes.last.place
        assert place is not None and os.getsid(place.pid) == place.pid
        assert outcomes.last.restarts == 0
    assert not alive(place), "an intended end ends it"
    assert len(starts(home)) == 1


@DIED
async def test_a_killed_program_is_back_by_itself_and_counted(home: Path) -> None:
    async with supervised("engine", "lives") as (_, outcomes):
        for n in range(1, 4):
            await until(lambda: outcomes and outcomes.last.state == "running")
            assert outcomes.last.place is not None
            before = outcomes.last.place.pid
            os.kill(before, signal.SIGKILL)
            await until(lambda n=n: outcomes.last.state == "running" and outcomes.last.restarts == n)
            assert outcomes.last.place.pid != before
    assert {o.restarts for o in outcomes if o.state == "restarting"} == {1, 2, 3}


@DIED
async def test_a_restart_uses_the_words_of_a_restart(home: Path) -> None:
    async with supervised("engine", "lives", again=("engine", "lives", "again")) as (_, outcomes):
        await until(lambda: outcomes and outcomes.last.state == "running")
        assert outcomes.last.place is not None
        os.kill(outcomes.last.place.pid, signal.SIGKILL)
        await until(lambda: outcomes.last.state == "running" and outcomes.last.restarts == 1)
        assert outcomes.last.place is not None
        assert psutil.Process(outcomes.last.place.pid).cmdline()[-1] == "again"


@DIED
async def test_a_program_that_cannot_live_is_given_up_and_says_its_last_words(home: Path) -> None:
    async with supervised("engine", "dies_at_once") as (one, outcomes):
        await until(lambda: outcomes and outcomes.last.state == "failed", 40)
        assert outcomes.last.reason == "gave_up"
        assert outcomes.last.detail == "the last words"
        assert len(starts(home)) == module.RESTARTS + 1
        one.retry("engine")
        await until(lambda: len(starts(home)) > module.RESTARTS + 1, saying="a person may ask again")
        await until(lambda: outcomes.last.state == "failed", 40)


@DIED
async def test_a_taken_port_is_said_and_not_hammered(home: Path) -> None:
    async with supervised("engine", "taken") as (_, outcomes):
        await until(lambda: outcomes and outcomes.last.state == "failed")
        assert outcomes.last.reason == "port_in_use"
        assert len(starts(home)) == 1


@DIED
async def test_a_program_that_never_describes_itself_is_started_again(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "START_S", 2.0)  # less, and a busy machine has not begun to run it
    async with supervised("engine", "mute") as (_, outcomes):
        await until(lambda: len(starts(home)) >= 2, 40)
        assert outcomes.last.state == "restarting"


@pytest.mark.warns("program_without_log")
async def test_a_program_whose_log_cannot_be_written_runs_without_one(home: Path) -> None:
    (home / "logs").mkdir(exist_ok=True)
    (home / "logs" / "engine.log").mkdir()
    async with supervised("engine", "lives") as (_, outcomes):
        await until(lambda: outcomes and outcomes.last.state == "running")
        assert outcomes.last.restarts == 0


@pytest.mark.skipif(sys.platform == "win32", reason="no shell there")
@pytest.mark.warns("program_not_started")
async def test_a_program_the_system_will_not_start_is_tried_again_with_the_words_of_a_first_start(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LONGEST_PAUSE_S", 0.2)
    python = tmp_path / "python"
    async with supervised("engine", "lives", again=("engine", "lives", "again"), command=(str(python), FAKE[1])) as (
        _,
        outcomes,
    ):
        await until(lambda: len(outcomes) >= 2)
        assert {(one.state, one.reason) for one in outcomes} == {("starting", "not_started")} and not starts(home)
        python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        python.chmod(0o755)
        await until(lambda: outcomes.last.state == "running")
        assert outcomes.last.place is not None and outcomes.last.restarts == 0
        assert psutil.Process(outcomes.last.place.pid).cmdline()[-1] == "lives"


@pytest.mark.warns("program_not_started")
async def test_a_program_the_system_never_starts_is_given_up_and_says_so(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LONGEST_PAUSE_S", 0.05)
    async with supervised("engine", "lives", command=(str(tmp_path / "python"),)) as (one, outcomes):
        await until(lambda: outcomes and outcomes.last.state == "failed")
        assert outcomes.last.reason == "not_started" and outcomes.last.detail
        assert len(outcomes) == module.RESTARTS + 1
        one.retry("engine")
        await until(lambda: outcomes.last.state == "starting", saying="a person may ask again")


async def test_an_end_that_is_wanted_while_the_watch_pauses_ends_the_program(home: Path) -> None:
    outcomes = Outcomes()
    environment = {**os.environ, "PYTHONPATH": ROOT}
    spec = ProgramSpec("engine", ("engine", "lives"))
    one = Supervisor((spec,), outcomes.append, command=FAKE, environment=environment)
    task = asyncio.create_task(one.run())
    await until(lambda: outcomes and outcomes.last.state == "running")
    place = outcomes.last.place
    task.cancel()
    await asyncio.wait((task,))
    assert not one.elected
    await one.end("engine")
    assert place is not None and not alive(place)


async def test_an_intended_end_starts_nothing_again(home: Path) -> None:
    async with supervised("engine", "lives") as (one, outcomes):
        await until(lambda: outcomes and outcomes.last.state == "running")
        await one.end("engine")
        assert outcomes.last.state == "stopped"
        await asyncio.sleep(module.LOOK_S * 6)
        assert len(starts(home)) == 1


async def test_a_console_that_comes_back_attaches_to_what_runs(home: Path) -> None:
    async with supervised("engine", "lives", end=False) as (_, outcomes):
        await until(lambda: outcomes and outcomes.last.state == "running")
        place = outcomes.last.place
    assert place is not None and alive(place), "a console that dies takes nobody with it"
    async with supervised("engine", "lives") as (_, later):
        await until(lambda: later and later.last.state == "running")
        assert later.last.reason == "attached"
        assert later.last.place == place
    assert len(starts(home)) == 1


@DIED
async def test_a_program_attached_to_is_restarted_too(home: Path) -> None:
    async with supervised("engine", "lives", end=False) as (_, outcomes):
        await until(lambda: outcomes and outcomes.last.state == "running")
        place = outcomes.last.place
    assert place is not None
    async with supervised("engine", "lives") as (_, later):
        await until(lambda: later and later.last.state == "running")
        os.kill(place.pid, signal.SIGKILL)
        await until(lambda: later.last.state == "running" and later.last.restarts == 1)


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    """A living process that is none of ours."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process
    assert process.stdin is not None
    process.stdin.close()
    process.kill()
    process.wait()


async def test_a_recycled_pid_is_not_our_program(home: Path, stranger: subprocess.Popen[bytes]) -> None:
    started = psutil.Process(stranger.pid).create_time()
    described = RuntimeFile(program="engine", pid=stranger.pid, started=started - 3600, contract=1, port=1, secret="s")
    runtime_path("engine").write_bytes(encode(described))
    assert living("engine") is None
    async with supervised("engine", "lives") as (_, outcomes):
        await until(lambda: outcomes and outcomes.last.state == "running")
        assert outcomes.last.place is not None and outcomes.last.place.pid != stranger.pid
    assert stranger.poll() is None, "what is not ours is left alone"


async def test_a_program_of_another_contract_is_not_attached_to(home: Path) -> None:
    async with supervised("engine", "other_contract", end=False) as (_, outcomes):
        await until(lambda: runtime_path("engine").exists())
    pid = int(starts(home)[0].split()[0])
    try:
        async with supervised("engine", "lives", end=False) as (_, later):
            await until(lambda: later and later.last.state == "failed")
            assert later.last.reason == "version"
            assert len(starts(home)) == 1
    finally:
        os.kill(pid, signal.SIGKILL)
    assert outcomes.last.state == "starting"


async def test_one_console_is_elected_and_the_other_takes_over(home: Path) -> None:
    async with supervised("engine", "lives", end=False) as (first, outcomes):
        await until(lambda: outcomes and outcomes.last.state == "running")
        async with supervised("engine", "lives", end=False) as (second, later):
            await until(lambda: later and later.last.state == "running")
            assert first.elected and not second.elected
            assert later.last.place == outcomes.last.place
    async with supervised("engine", "lives") as (third, _):
        await until(lambda: third.elected)
    assert len(starts(home)) == 1


def test_a_lock_is_freed_by_the_death_of_its_holder(home: Path) -> None:
    path = home / "a.lock"
    holder = subprocess.Popen(
        [sys.executable, "-c",
         "import sys, pathlib; from seller_console.link.supervisor import Lock\n"
         "lock = Lock(pathlib.Path(sys.argv[1])); print(lock.take(), flush=True); input()", str(path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).resolve().parents[2],
    )  # fmt: skip
    assert holder.stdout is not None and holder.stdin is not None
    assert holder.stdout.readline().strip() == b"True"
    mine = Lock(path)
    assert not mine.take()
    holder.kill()
    holder.wait()
    assert mine.take() and mine.held
    mine.free()
    holder.stdin.close()
    holder.stdout.close()


def test_a_lock_on_a_file_its_holder_removed_meanwhile_is_a_lock_on_the_file_that_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.lock"
    opened: list[IO[bytes]] = []
    real = supervisor.lock

    def late(file: IO[bytes]) -> None:
        if not opened:
            path.unlink()  # its holder goes between our opening and our lock
        opened.append(file)
        real(file)

    monkeypatch.setattr(supervisor, "lock", late)
    mine, other = Lock(path), Lock(path)
    assert mine.take() and path.exists() and len(opened) == 2
    assert not other.take()
    mine.free()
