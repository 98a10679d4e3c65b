"""How the engine lives and dies: its session, its runtime file, its door on loopback.

The first line on stdout is the RuntimeFile; after that nothing is ever written to the
parent's pipes (decision: a console that dies must not take the picture with it).
Without a console it stays on air for 10 minutes, then leaves cleanly. SIGTERM leaves
cleanly at once; after SIGKILL the next engine starts over whatever was left.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hmac
import logging
import os
import secrets
import sys
import time
from pathlib import Path

import psutil

from .. import contract, places
from ..contract.codec import Unreadable, decode_engine_command, decode_runtime, encode
from ..contract.media import EngineNote, EngineRefused, Greet, RuntimeFile
from ..ending import when_asked
from ..language import either
from .arenas import keep_few
from .priority import come_first

log = logging.getLogger("engine.door")

LINGER_S = 600.0
GREET_S = 5.0
LONGEST_LINE = 1 << 20
MOST_WAITING = 1 << 20
"""Bytes a console may be behind; beyond that it is cut off and comes back by itself."""


class Door:
    """The TCP server: who may speak, one JSON object a line, every note to everyone."""

    def __init__(self, secret: str) -> None:
        from .app import Engine
        from .camerabook import CameraBook
        from .devices import Devices

        self._secret = secret
        self._consoles: set[asyncio.StreamWriter] = set()
        self._empty_since = time.monotonic()
        self._doors: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        preview = places.runtime() / f"preview-{os.getpid()}.bin"
        self.engine = Engine(preview, self.say, Devices(book=CameraBook(places.home() / "cameras.json")))

    def say(self, note: EngineNote) -> None:
        """To every console. Full (1 MiB unsent): that console is cut off."""
        line = encode(note) + b"\n"
        for writer in list(self._consoles):
            if writer.transport.get_write_buffer_size() > MOST_WAITING:
                log.info("console_cut reason=behind")
                writer.transport.abort()
                self._consoles.discard(writer)
            elif not writer.is_closing():
                writer.write(line)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One console, from its greeting to its end."""
        task = asyncio.current_task()
        assert task is not None
        self._doors[task] = writer
        try:
            if await self._greeted(reader):
                for note in self.engine.greeting():
                    writer.write(encode(note) + b"\n")
                self._consoles.add(writer)
                log.info("console_came consoles=%d", len(self._consoles))
                await self._listen(reader)
        except (ConnectionError, TimeoutError, asyncio.LimitOverrunError, ValueError) as error:
            log.info("console_lost reason=%s", type(error).__name__)
        finally:
            self._consoles.discard(writer)
            self._doors.pop(task)
            self._empty_since = time.monotonic()
            writer.close()
            with contextlib.suppress(ConnectionError, TimeoutError):
                async with asyncio.timeout(1):
                    await writer.wait_closed()

    async def _greeted(self, reader: asyncio.StreamReader) -> bool:
        async with asyncio.timeout(GREET_S):
            line = await reader.readuntil(b"\n")
        try:
            greet = decode_engine_command(line)
        except Unreadable:
            log.info("greeting_refused reason=unreadable")
            return False
        if not isinstance(greet, Greet) or not hmac.compare_digest(greet.secret.encode(), self._secret.encode()):
            log.info("greeting_refused reason=secret")
            return False
        if greet.contract != contract.VERSION:
            log.info("greeting_refused reason=contract theirs=%d ours=%d", greet.contract, contract.VERSION)
            return False
        return True

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        while True:
            line = await reader.readline()
            if not line.endswith(b"\n"):
                return
            try:
                command = decode_engine_command(line)
            except Unreadable as error:
                self.say(EngineRefused(command="", code="unreadable", detail=str(error)[:200]))
                continue
            self.engine.begin(command)

    async def close(self) -> None:
        """Says goodbye to every console; what was still to be said is said, for a second at most."""
        for writer in self._doors.values():
            writer.close()
        if self._doors:
            await asyncio.wait(self._doors, timeout=1)

    async def linger(self, linger_s: float) -> None:
        """Ends the engine when nobody has been there for so long."""
        while True:
            await asyncio.sleep(min(1.0, linger_s / 4))
            if not self._consoles and time.monotonic() - self._empty_since > linger_s:
                log.info("alone seconds=%.0f", linger_s)
                self.engine.quitting.set()
                return


async def _run(linger_s: float, log_path: Path) -> int:
    secret = secrets.token_urlsafe(24)
    door = Door(secret)
    server = await asyncio.start_server(door.serve, "127.0.0.1", 0, limit=LONGEST_LINE)
    runtime_path = places.runtime() / "engine.json"
    described = RuntimeFile(
        program="engine",
        pid=os.getpid(),
        started=psutil.Process().create_time(),
        contract=contract.VERSION,
        port=server.sockets[0].getsockname()[1],
        secret=secret,
        log_path=str(log_path),
    )
    write_private(runtime_path, encode(described))
    loop = asyncio.get_running_loop()
    when_asked(door.engine.quitting.set)
    print(encode(described).decode(), flush=True)
    _leave_parents_pipes(log_path)
    log.info("engine_started port=%d", described.port)
    lingering = loop.create_task(door.linger(linger_s))
    try:
        await door.engine.run()
    finally:
        lingering.cancel()
        server.close()
        await door.close()
        with contextlib.suppress(FileNotFoundError, Unreadable):
            if decode_runtime(runtime_path.read_bytes()).pid == os.getpid():
                runtime_path.unlink()
        log.info("engine_ended")
    return 0


def write_private(path: Path, content: bytes) -> None:
    """Whole or not at all, mode 0600."""
    fresh = path.with_suffix(f".{os.getpid()}")
    with contextlib.suppress(FileNotFoundError):
        fresh.unlink()
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    fresh.replace(path)


def _leave_parents_pipes(log_path: Path) -> None:
    """From here on what libraries print goes to the log as well."""
    sys.stdout.flush()
    handle = os.open(log_path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for stream in (1, 2):
        os.dup2(handle, stream)
    os.close(handle)


def _already_running() -> RuntimeFile | None:
    """The engine of this home, if it lives; leftovers of a dead one are swept."""
    path = places.runtime() / "engine.json"
    living: RuntimeFile | None = None
    with contextlib.suppress(FileNotFoundError, Unreadable):
        said = decode_runtime(path.read_bytes())
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(said.pid)
            if abs(process.create_time() - said.started) < 1 and process.status() != psutil.STATUS_ZOMBIE:
                living = said
    for left in places.runtime().glob("preview-*.bin"):
        pid = left.stem.removeprefix("preview-")
        if not (pid.isdigit() and psutil.pid_exists(int(pid))):
            left.unlink(missing_ok=True)
    return living


def main(argv: list[str]) -> int:
    """Runs until told to end. 0: clean; 3: an engine of this home already runs."""
    parser = argparse.ArgumentParser(
        prog="seller-console engine",
        description=either("Caméra et micro vers WebRTC.", "Camera and microphone to WebRTC."),
    )
    parser.add_argument("--home", help=either(*places.HOME_HELP))
    parser.add_argument(
        "--linger",
        type=float,
        default=LINGER_S,
        help=either(
            "secondes à l’antenne sans console avant de finir", "seconds on air without a console before ending"
        ),
    )
    options = parser.parse_args(argv)
    if options.home:
        os.environ["SELLER_CONSOLE_HOME"] = options.home
    if hasattr(os, "setsid"):
        with contextlib.suppress(PermissionError):
            os.setsid()
    living = _already_running()
    if living is not None:
        print(
            either(
                f"un moteur de ce dossier tourne déjà (pid {living.pid})",
                f"an engine of this home already runs (pid {living.pid})",
            ),
            file=sys.stderr,
        )
        return 3
    log_path = places.logs() / "engine.log"
    logging.basicConfig(
        filename=log_path, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s", force=True
    )
    for noisy in ("aiortc", "aioice", "httpx", "httpcore", "libav"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    sys.setswitchinterval(0.002)
    keep_few()
    come_first()
    return asyncio.run(_run(options.linger, log_path))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
