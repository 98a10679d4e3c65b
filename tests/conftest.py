"""What every test stands on: its own home, and proof that it left nothing behind.

A test fails when it logs an unexpected WARNING, or leaves a thread, a task or a
child process. What is expected is said by a marker:
    @pytest.mark.warns("ingest_ended")       these regular expressions may be logged
    @pytest.mark.leaves("thread", "why")     "thread", "task" or "process"
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("SELLER_CONSOLE_LANGUAGE", "fr")

ROOT = Path(__file__).resolve().parent.parent
GRACE_S = 10.0
"""How long what is ending may still take to end after a test."""


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "warns(*patterns): these log lines of WARNING and above are expected")
    config.addinivalue_line("markers", "leaves(kind, why): this test may leave a thread, task or process behind")


# --- a home of one's own ------------------------------------------------------------


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """SELLER_CONSOLE_HOME of this test; children inherit it, which is how they are found again."""
    folder = tmp_path / "home"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("SELLER_CONSOLE_HOME", str(folder))
    return folder


@pytest.fixture(scope="session")
def repository() -> Path:
    return ROOT


# --- nothing unexpected is logged -----------------------------------------------------


class _Warnings(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        line = f"{record.levelname} {record.name}: {record.getMessage()}"
        if record.exc_info:
            line += "\n" + "".join(traceback.format_exception(*record.exc_info))
        self.lines.append(line)


class ExpectedLogs:
    """`expected_logs.allow("regex")` inside a test, for what only the test can know."""

    def __init__(self, patterns: list[str]) -> None:
        self._patterns = [re.compile(pattern) for pattern in patterns]

    def allow(self, *patterns: str) -> None:
        self._patterns += [re.compile(pattern) for pattern in patterns]

    def cover(self, line: str) -> bool:
        return any(pattern.search(line) for pattern in self._patterns)


@pytest.fixture(autouse=True)
def expected_logs(request: pytest.FixtureRequest) -> Iterator[ExpectedLogs]:
    marked = [str(pattern) for mark in request.node.iter_markers("warns") for pattern in mark.args]
    expected = ExpectedLogs(marked)
    handler = _Warnings()
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield expected
    finally:
        root.removeHandler(handler)
    unexpected = [line for line in handler.lines if not expected.cover(line)]
    if unexpected:
        pytest.fail("logged, and nobody expected it:\n" + "\n".join(unexpected[:10]), pytrace=False)


# --- nothing is left running -----------------------------------------------------------

_starts: dict[int, str] = {}
_stock_start = threading.Thread.start


def _start_and_remember(self: threading.Thread) -> None:
    stack = traceback.extract_stack(limit=12)[:-1]
    _stock_start(self)
    _starts[id(self)] = "".join(
        traceback.format_list([frame for frame in stack if "site-packages" not in frame.filename])
    )


threading.Thread.start = _start_and_remember  # type: ignore[method-assign]

_pending_at_close: list[str] = []
_stock_close = asyncio.Runner.close


def _close_and_count(self: asyncio.Runner) -> None:
    """What a test's own loop still runs when its runner closes was forgotten by the test."""
    loop = getattr(self, "_loop", None)
    if loop is not None and not loop.is_closed():
        _pending_at_close.extend(repr(task) for task in asyncio.all_tasks(loop))
    _stock_close(self)


asyncio.Runner.close = _close_and_count  # type: ignore[method-assign]


def _threads() -> set[threading.Thread]:
    return {
        thread
        for thread in threading.enumerate()
        # A dummy is a foreign thread (Qt, FFmpeg, PortAudio) that once ran Python: not ours to end.
        if not isinstance(thread, threading._DummyThread)
    }


def _children(known: set[int]) -> list[psutil.Process]:
    """Descendants of this process that no process of `known` (started before the test) begot."""
    found: list[psutil.Process] = []

    def walk(process: psutil.Process) -> None:
        for child in process.children():
            if child.pid in known:
                continue
            if child.status() != psutil.STATUS_ZOMBIE:
                found.append(child)
            walk(child)

    try:
        walk(psutil.Process())
    except psutil.NoSuchProcess:
        return _children(known)
    return found


def _strays(home: str) -> list[psutil.Process]:
    """Programs whose home is this test's: also those whose parent died first."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.environ().get("SELLER_CONSOLE_HOME") == home:
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied, OSError):
            continue
    return found


def _describe(process: psutil.Process) -> str:
    try:
        return f"process {process.pid}: {' '.join(process.cmdline())[:200]}"
    except psutil.Error:
        return f"process {process.pid}"


@pytest.fixture(autouse=True)
def nothing_left(request: pytest.FixtureRequest, home: Path) -> Iterator[None]:
    allowed = {mark.args[0] for mark in request.node.iter_markers("leaves")}
    threads_before = _threads()
    processes_before = {process.pid for process in psutil.Process().children(recursive=True)}
    _pending_at_close.clear()
    yield
    left: list[str] = []

    if "process" not in allowed:
        starts_programs = any(request.node.get_closest_marker(name) for name in ("processes", "browser", "media"))
        look: Callable[[], list[psutil.Process]] = lambda: (  # noqa: E731
            _children(processes_before) + (_strays(str(home)) if starts_programs else [])
        )
        if _wait(lambda: not look()) is False:
            for process in {process.pid: process for process in look()}.values():
                left.append(_describe(process))
                try:
                    process.kill()
                    process.wait(GRACE_S)
                except psutil.Error:
                    continue

    if "thread" not in allowed and _wait(lambda: not (_threads() - threads_before)) is False:
        for thread in _threads() - threads_before:
            left.append(f"thread {thread.name}, started at\n{_starts.get(id(thread), '  (unknown)')}")

    if "task" not in allowed:
        left += [f"task {task}" for task in _pending_at_close]
    _pending_at_close.clear()
    if left:
        pytest.fail("left behind:\n" + "\n".join(left), pytrace=False)


def _wait(done: Callable[[], bool], timeout_s: float = GRACE_S) -> bool:
    deadline = time.monotonic() + timeout_s
    pause = threading.Event()
    while not done():
        if time.monotonic() > deadline:
            return False
        pause.wait(0.02)
    return True


# --- waiting, and child programs ---------------------------------------------------------


@pytest.fixture
def wait_until() -> Callable[..., None]:
    """`wait_until(lambda: ..., timeout_s=5, saying="...")` for tests that are not coroutines."""

    def wait(done: Callable[[], bool], timeout_s: float = 10.0, saying: str = "") -> None:
        if not _wait(done, timeout_s):
            pytest.fail(f"waited {timeout_s} s in vain{': ' + saying if saying else ''}")

    return wait


class Program:
    """A child program of a test: its lines on stdout as they come, its stderr in a file."""

    def __init__(self, arguments: list[str], stderr: Path, environ: dict[str, str] | None, python: bool) -> None:
        command = [sys.executable, "-m", *arguments] if python else arguments
        self._stderr = stderr
        with stderr.open("wb") as sink:
            self.popen = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=sink,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **(environ or {})},
                cwd=ROOT,
            )
        self.lines: list[str] = []
        self._more = threading.Condition()
        self._closed = False
        self._reader = threading.Thread(target=self._read, name=f"stdout of {arguments[0]}", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self.popen.pid

    def _read(self) -> None:
        assert self.popen.stdout is not None
        for raw in self.popen.stdout:
            with self._more:
                self.lines.append(raw.decode("utf-8", "replace").rstrip("\r\n"))
                self._more.notify_all()
        with self._more:
            self._closed = True
            self._more.notify_all()

    def line(self, index: int = 0, timeout_s: float = 20.0) -> str:
        """The index-th line of stdout, waited for; fails with the program's stderr."""
        with self._more:
            self._more.wait_for(lambda: len(self.lines) > index or self._closed, timeout_s)
            if len(self.lines) > index:
                return self.lines[index]
        pytest.fail(f"no line {index} on stdout within {timeout_s} s\n{self.errors()}")

    def wait(self, timeout_s: float = 20.0) -> int:
        """Its exit code; fails (and kills it) when it does not end."""
        try:
            code = self.popen.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.end()
            pytest.fail(f"still running after {timeout_s} s\n{self.errors()}")
        self._reader.join(GRACE_S)
        return code

    def errors(self) -> str:
        return self._stderr.read_text(encoding="utf-8", errors="replace")[-4000:]

    def end(self, timeout_s: float = 10.0) -> None:
        """Asked to end, then killed; its own children with it."""
        family: list[psutil.Process] = []
        if self.popen.poll() is None:
            try:
                family = psutil.Process(self.pid).children(recursive=True)
            except psutil.NoSuchProcess:
                family = []
            self.popen.terminate()
            try:
                self.popen.wait(timeout_s)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait(timeout_s)
        _, alive = psutil.wait_procs(family, GRACE_S)
        for process in alive:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        for pipe in (self.popen.stdin, self.popen.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:
                    continue
        self._reader.join(GRACE_S)


@pytest.fixture
def start_program(tmp_path: Path) -> Iterator[Callable[..., Program]]:
    """`start_program("seller_console", "platform", "--port", "0")` runs `python -m …`; ended after the test.

    `python=False` starts any program; `environ={...}` adds variables.
    """
    started: list[Program] = []

    def start(*arguments: str, environ: dict[str, str] | None = None, python: bool = True) -> Program:
        program = Program(list(arguments), tmp_path / f"stderr-{len(started)}.txt", environ, python)
        started.append(program)
        return program

    yield start
    for program in reversed(started):
        program.end()


@pytest.fixture
def data() -> Path:
    """The sample inventories."""
    return ROOT / "tests" / "data"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The cheap tests first: a broken rule is known before a browser is started."""

    def weight(item: pytest.Item) -> int:
        marks: list[tuple[str, int]] = [("browser", 3), ("processes", 2), ("media", 1)]
        return max((cost for name, cost in marks if item.get_closest_marker(name)), default=0)

    items.sort(key=weight)
