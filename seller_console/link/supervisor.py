"""Who keeps the other programs alive: one console a home, elected by a lock.

Promises: a program that runs already is attached to, after its pid, start time and
contract were checked; one that is missing is started in a session of its own, with
its words in a log file; one that died is started again at once, at most
`RESTARTS` times in `RESTART_WINDOW_S`, and every outcome is a `ProgramOutcome`
said to the listener. Refuses: starting anything again after an intentional end;
ending what it did not check; a second supervisor (another console of the same
home attaches, and takes over when the first one is gone).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Literal

import psutil

from .. import places
from ..contract import VERSION
from ..contract.codec import Unreadable, decode_runtime
from ..contract.media import RuntimeFile
from ..locking import lock

log = logging.getLogger(__name__)

RESTARTS = 6
RESTART_WINDOW_S = 60.0
START_S = 20.0
"""A program that has not described itself after this long is started again."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 3.0
"""Before the second restart within the window; doubled each time."""
STOP_S = 6.0
LOCK_TRIES = 5
LOOK_S = 0.05
HOPELESS = frozenset({"port_in_use", "unusable_home", "log_unusable"})
"""Trying again at once would not help: a person must do something first."""

ProgramName = Literal["platform", "engine"]
Starting = Literal["starting", "restarting"]
State = Literal[Starting, "none", "running", "failed", "stopped"]


@dataclass(frozen=True, slots=True)
class ProgramSpec:
    name: ProgramName
    argv: tuple[str, ...]
    """The words after `seller-console`."""
    again: tuple[str, ...] | None = None
    """The same for a restart, when it differs: a restart must not open another show."""


@dataclass(frozen=True, slots=True)
class ProgramOutcome:
    """Where a program stands. `reason`: "", "attached", "version", "port_in_use", "not_started", "gave_up"."""

    name: ProgramName
    state: State
    restarts: int = 0
    reason: str = ""
    detail: str = ""
    place: RuntimeFile | None = None


def runtime_path(name: ProgramName) -> Path:
    return places.runtime() / f"{name}.json"


def read_runtime(name: ProgramName) -> RuntimeFile | None:
    """The program's description of itself, whoever it is; None when there is none that can be read."""
    try:
        return decode_runtime(runtime_path(name).read_bytes())
    except (OSError, Unreadable):
        return None


def alive(place: RuntimeFile) -> bool:
    """The very process that wrote the file still runs (a recycled pid has another start time)."""
    try:
        process = psutil.Process(place.pid)
        same = bool(abs(process.create_time() - place.started) < 1.0)
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def living(name: ProgramName) -> RuntimeFile | None:
    """The program to talk to: described, alive, and of our contract."""
    place = read_runtime(name)
    return place if place is not None and place.contract == VERSION and alive(place) else None


class Lock:
    """A lock on a file, freed by the system when its holder dies."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[bytes] | None = None

    @property
    def held(self) -> bool:
        return self._file is not None

    def take(self) -> bool:
        """True when it is ours (now, or already)."""
        if self._file is not None:
            return True
        for _ in range(LOCK_TRIES):
            file = self._path.open("a+b")
            try:
                lock(file)
            except OSError:
                file.close()
                return False
            with contextlib.suppress(OSError):
                if os.path.samestat(os.fstat(file.fileno()), self._path.stat()):
                    self._file = file
                    return True
            file.close()  # its last holder removed it between our opening and our lock
        return False

    def free(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


@dataclass
class _Program:
    spec: ProgramSpec
    state: State = "none"
    restarts: int = 0
    child: subprocess.Popen[bytes] | None = None
    place: RuntimeFile | None = None
    started_at: float = 0.0
    start_at: float = 0.0
    """When to start it again, while that waits; 0: not waiting."""
    deaths: deque[float] = field(default_factory=deque)
    ending: bool = False
    """Its end is wanted: whatever happens to it is not an accident."""
    seen_alive: bool = False
    log_file: Path | None = None


class Supervisor:
    def __init__(
        self,
        specs: tuple[ProgramSpec, ...],
        listener: Callable[[ProgramOutcome], None],
        *,
        command: tuple[str, ...] = (sys.executable, "-m", "seller_console"),
        environment: dict[str, str] | None = None,
    ) -> None:
        self._programs = {spec.name: _Program(spec) for spec in specs}
        self._listener = listener
        self._command = command
        self._environment = environment
        self._lock = Lock(places.runtime() / "console.lock")

    @property
    def elected(self) -> bool:
        return self._lock.held

    @property
    def names(self) -> tuple[ProgramName, ...]:
        """What it looks after."""
        return tuple(self._programs)

    def outcome(self, name: ProgramName) -> ProgramOutcome:
        program = self._programs[name]
        return ProgramOutcome(name, program.state, program.restarts, place=program.place)

    def place(self, name: ProgramName) -> RuntimeFile | None:
        """Where to talk to it, None while there is nobody."""
        return self._programs[name].place if name in self._programs else None

    async def run(self) -> None:
        """Watches until cancelled. Cancelling leaves the programs running: call `end` to end them."""
        try:
            while True:
                elected = self._lock.take()
                for program in self._programs.values():
                    self._look(program, elected)
                await asyncio.sleep(LOOK_S)
        finally:
            self._lock.free()

    def retry(self, name: ProgramName) -> None:
        """A person asks: a program we gave up on gets its chances anew."""
        program = self._programs[name]
        if program.state in {"failed", "stopped"}:
            program.deaths.clear()
            program.ending = False
            self._set(program, "none")

    # --- one look at one program ----------------------------------------------------------

    def _look(self, program: _Program, elected: bool) -> None:
        if program.state in {"failed", "stopped"} or program.ending:
            return
        if program.state in {"starting", "restarting"}:
            self._look_starting(program)
        elif program.state == "running":
            self._look_running(program, elected)
        else:
            self._find(program, elected)

    def _find(self, program: _Program, elected: bool) -> None:
        """Nothing is known yet: attach to what runs, or start it."""
        place = read_runtime(program.spec.name)
        if place is not None and alive(place):
            if place.contract != VERSION:
                self._set(program, "failed", "version", f"contract {place.contract}")
                return
            self._attach(program, place)
        elif elected:
            self._start(program, "starting")

    def _attach(self, program: _Program, place: RuntimeFile) -> None:
        program.place = place
        program.seen_alive = True
        self._set(program, "running", "attached")

    def _start(self, program: _Program, state: Starting) -> None:
        name = program.spec.name
        program.child = program.place = None
        argv = program.spec.argv if state == "starting" or program.spec.again is None else program.spec.again
        program.log_file = places.logs() / f"{name}.log"
        try:
            runtime_path(name).unlink(missing_ok=True)  # what it says is over; the new one says it anew
            with open_log(program.log_file) as out:
                program.child = subprocess.Popen(
                    [*self._command, *argv],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,  # its first line holds a pass; the runtime file has it, mode 0600
                    stderr=out,
                    env=self._environment,
                    close_fds=True,
                    **own_session(),
                )
        except OSError as error:  # no memory, no room: there may be some in a moment
            log.warning("program_not_started name=%s error=%s", name, error)
            program.start_at = time.monotonic() + LONGEST_PAUSE_S
            now: State = "failed" if self._fallen(program) > RESTARTS else state
            self._set(program, now, "not_started", error.strerror or "")
            return
        program.started_at = time.monotonic()
        self._set(program, state)
        log.info("program_started name=%s pid=%d restarts=%d", name, program.child.pid, program.restarts)

    def _look_starting(self, program: _Program) -> None:
        if program.child is None and program.start_at:
            if time.monotonic() >= program.start_at:
                program.start_at = 0.0
                self._start(program, "starting" if program.state == "starting" else "restarting")
            return
        place = read_runtime(program.spec.name)
        if place is not None and place.contract == VERSION and alive(place):
            program.place = place
            program.seen_alive = True
            self._set(program, "running")
            return
        child = program.child
        if child is not None and child.poll() is not None:
            self._died(program, _why(program, child.returncode))
        elif time.monotonic() - program.started_at > START_S:
            if child is not None:
                child.kill()
                child.wait()
            self._died(program, "did_not_start")

    def _look_running(self, program: _Program, elected: bool) -> None:
        child = program.child
        if child is not None and self._is_child(program):
            gone = child.poll() is not None
        else:
            gone = program.place is None or not alive(program.place)
        if not gone:
            return
        newer = living(program.spec.name)  # another console was faster
        if newer is not None:
            program.child = None
            program.restarts += 1
            self._attach(program, newer)
            return
        if not elected:
            program.place = None
            self._set(program, "none", "died")
            return
        code = child.returncode if child is not None and child.returncode is not None else None
        self._died(program, _why(program, code))

    def _is_child(self, program: _Program) -> bool:
        return program.child is not None and program.place is not None and program.child.pid == program.place.pid

    def _fallen(self, program: _Program) -> int:
        """One more time, of so many within the window."""
        now = time.monotonic()
        program.deaths.append(now)
        while program.deaths and now - program.deaths[0] > RESTART_WINDOW_S:
            program.deaths.popleft()
        return len(program.deaths)

    def _died(self, program: _Program, reason: str) -> None:
        self._fallen(program)
        program.child = None
        program.place = None
        log.warning("program_died name=%s reason=%s deaths=%d", program.spec.name, reason, len(program.deaths))
        if len(program.deaths) > RESTARTS or reason in HOPELESS:
            self._set(program, "failed", reason if reason in HOPELESS else "gave_up", _last_words(program))
            return
        if program.seen_alive:
            program.restarts += 1
            program.seen_alive = False
        if len(program.deaths) < 2:
            self._start(program, "restarting")  # at once: the picture waits for it
            return
        program.start_at = time.monotonic() + min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** (len(program.deaths) - 2))
        self._set(program, "restarting", reason)

    # --- the end ---------------------------------------------------------------------------

    def forget(self) -> None:
        """The end of all is wanted from now on: nothing is started again."""
        for program in self._programs.values():
            program.ending = True

    async def end(self, name: ProgramName, ask: Callable[[], None] | None = None) -> None:
        """Ends a program: asked politely (`ask`, else a signal), then killed after STOP_S. Only by the elected one."""
        program = self._programs[name]
        program.ending = True
        place = program.place or living(name)
        if self._elected_still() and (place is not None or program.child is not None):
            pid = place.pid if place is not None else program.child.pid if program.child is not None else 0
            await _end_process(pid, place.started if place is not None else None, ask)
            if program.child is not None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    await asyncio.to_thread(program.child.wait, 1.0)
        program.place = None
        self._set(program, "stopped")

    def _elected_still(self) -> bool:
        """Also while the watch pauses after an error, which freed the lock."""
        try:
            return self._lock.take()
        except OSError:  # no lock can be had: nobody else has one
            return True

    def _set(self, program: _Program, state: State, reason: str = "", detail: str = "") -> None:
        program.state = state
        self._listener(ProgramOutcome(program.spec.name, state, program.restarts, reason, detail, program.place))


async def _end_process(pid: int, started: float | None, ask: Callable[[], None] | None) -> None:
    try:
        process = psutil.Process(pid)
        if started is not None and abs(process.create_time() - started) > 1.0:
            return
        if ask is not None:
            ask()
        else:
            process.terminate()
        for patience_s in (STOP_S, 2.0):
            deadline = time.monotonic() + patience_s
            while time.monotonic() < deadline:
                if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
                    return
                await asyncio.sleep(0.03)
            log.warning("program_did_not_end pid=%d", pid)
            process.kill()
    except psutil.NoSuchProcess:
        return


def own_session() -> dict[str, Any]:
    """Popen words that keep the child alive when its console dies."""
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.DETACHED_PROCESS
        return {"creationflags": flags}
    return {"start_new_session": True}


def open_log(path: Path) -> IO[bytes]:
    """Appended, private, and begun anew past 8 MiB (the one before is kept). Where a disk takes none: nowhere."""
    try:
        if path.exists() and path.stat().st_size > 8 * 1024 * 1024:
            path.replace(path.with_suffix(".log.1"))
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError as error:  # no program stays away for want of a log
        log.warning("program_without_log file=%s error=%s", path.name, error)
        descriptor = os.open(os.devnull, os.O_WRONLY)
    return os.fdopen(descriptor, "ab")


EXIT_TAKEN = 3
"""A program that could not have its port or its home ends with this, and says which in its last line."""


def _why(program: _Program, code: int | None) -> str:
    """A stable code: the program's own when it said one."""
    if code is None:
        return "died"
    if code > 0:
        with contextlib.suppress(ValueError):
            said = json.loads(_last_words(program))
            if isinstance(said, dict) and isinstance(said.get("error"), str):
                return str(said["error"])
    return f"exit_{code}"


def _last_words(program: _Program) -> str:
    """The last line of its log, for the trouble strip."""
    if program.log_file is None:
        return ""
    try:
        with program.log_file.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - 4096))
            lines = file.read().decode("utf-8", "replace").strip().splitlines()
    except OSError:
        return ""
    return lines[-1][:300] if lines else ""
