"""What engine tests share: an engine as a process of its own, a console at its door, moving pictures."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seller_console.engine.picture import Pixels


class EngineConsole:
    """A console's socket: says words, remembers every note."""

    def __init__(self, runtime: dict[str, Any], secret: str | None = None, contract: int = 1) -> None:
        self.notes: list[dict[str, Any]] = []
        self.closed = False
        self._more = threading.Condition()
        self._socket = socket.create_connection(("127.0.0.1", runtime["port"]), timeout=10)
        self._socket.settimeout(None)
        self.say(type="greet", secret=runtime["secret"] if secret is None else secret, contract=contract)
        self._reader = threading.Thread(target=self._read, name="console of a test", daemon=True)
        self._reader.start()

    def say(self, **word: Any) -> None:
        self.send(json.dumps(word).encode() + b"\n")

    def send(self, raw: bytes) -> None:
        self._socket.sendall(raw)

    def _read(self) -> None:
        try:
            for line in self._socket.makefile("rb"):
                with self._more:
                    self.notes.append(json.loads(line))
                    self._more.notify_all()
        except OSError:
            pass
        with self._more:
            self.closed = True
            self._more.notify_all()

    def wait(self, wanted: Callable[[dict[str, Any]], bool], timeout_s: float = 10.0, since: int = 0) -> dict[str, Any]:
        """The first note from index `since` on that is wanted."""
        found: list[dict[str, Any]] = []

        def look() -> bool:
            found.extend(note for note in self.notes[since:] if wanted(note))
            return bool(found) or self.closed

        with self._more:
            self._more.wait_for(look, timeout_s)
        if found:
            return found[0]
        pytest.fail(f"waited {timeout_s} s in vain; last notes: {self.notes[-5:]}")

    def wait_type(self, kind: str, timeout_s: float = 10.0, since: int = 0, **facts: Any) -> dict[str, Any]:
        return self.wait(
            lambda n: n["type"] == kind and all(n.get(key) == value for key, value in facts.items()), timeout_s, since
        )

    def wait_closed(self, timeout_s: float = 10.0) -> None:
        with self._more:
            assert self._more.wait_for(lambda: self.closed, timeout_s), "the door stayed open"

    def close(self) -> None:
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._socket.close()
        self._reader.join(5)


class RunningEngine:
    def __init__(self, program: Any) -> None:
        self.program = program
        self.runtime: dict[str, Any] = json.loads(program.line())
        self._consoles: list[EngineConsole] = []

    def console(self, **how: Any) -> EngineConsole:
        console = EngineConsole(self.runtime, **how)
        self._consoles.append(console)
        return console

    def close(self) -> None:
        for console in self._consoles:
            console.close()


@pytest.fixture
def start_engine(start_program: Any) -> Iterator[Callable[..., RunningEngine]]:
    """`start_engine()` is an engine of its own process; its first line has been read."""
    engines: list[RunningEngine] = []

    def start(*arguments: str, environ: dict[str, str] | None = None) -> RunningEngine:
        program = start_program("seller_console.engine.main", *arguments, environ=environ)
        engines.append(RunningEngine(program))
        return engines[-1]

    yield start
    for engine in engines:
        engine.close()


def moving(width: int, height: int, number: int) -> Pixels:
    """A picture with texture and motion, the same for the same number."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    luma = 120 + 60 * np.sin((x + 3 * number) / 23) * np.cos((y - 2 * number) / 31) + 25 * np.sin((x * y) / 9000)
    pixels = np.full((height * 3 // 2, width), 128, np.uint8)
    pixels[:height] = np.clip(luma, 16, 235).astype(np.uint8)
    pixels[height : height + height // 4] = 110
    return pixels


def psnr(one: Pixels, other: Pixels) -> float:
    error = float(np.mean((one.astype(np.float32) - other.astype(np.float32)) ** 2))
    return 99.0 if error == 0 else 10 * float(np.log10(255**2 / error))


def make_clip(path: Path, seconds: float = 2.0, size: tuple[int, int] = (320, 240), tone_hz: float = 0.0) -> Path:
    """A small real video file: frame n is `moving(n)` at 30 fps; with a sine when `tone_hz`."""
    import av

    with av.open(str(path), "w") as container:
        video: Any = container.add_stream("libx264", rate=30, options={"preset": "ultrafast", "crf": "18"})
        video.width, video.height = size
        video.pix_fmt = "yuv420p"
        sound: Any = container.add_stream("aac", rate=48_000, layout="mono") if tone_hz else None
        for number in range(int(seconds * 30)):
            frame = av.VideoFrame.from_ndarray(moving(*size, number), "yuv420p")
            container.mux(video.encode(frame))
        container.mux(video.encode())
        if sound is not None:
            at = np.arange(int(seconds * 48_000)) / 48_000
            wave = (0.5 * np.sin(2 * np.pi * tone_hz * at)).astype(np.float32)
            for start in range(0, len(wave) - 1024, 1024):
                piece = av.AudioFrame.from_ndarray(wave[start : start + 1024].reshape(1, -1), "fltp", "mono")
                piece.sample_rate, piece.pts = 48_000, start
                container.mux(sound.encode(piece))
            container.mux(sound.encode())
    return path


def wait_for(done: Callable[[], bool], timeout_s: float, saying: str) -> None:
    """For threads of this process that no callback announces."""
    deadline = time.monotonic() + timeout_s
    pause = threading.Event()
    while not done():
        if time.monotonic() > deadline:
            pytest.fail(f"waited {timeout_s} s in vain: {saying}")
        pause.wait(0.01)
