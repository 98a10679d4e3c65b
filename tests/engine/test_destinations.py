"""Further destinations: whatever they do, what else is on air goes on."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import psutil
import pytest

from seller_console.contract import media as m
from seller_console.engine import carrier, destinations
from seller_console.engine.clock import AUDIO_HZ
from seller_console.engine.destinations import StreamDestination
from seller_console.engine.encode import BLOCK, SoundEncoder, VideoEncoder
from seller_console.engine.muxing import can_stream

from .conftest import moving, wait_for
from .encoded import running, said

pytestmark = [pytest.mark.media, pytest.mark.processes]
SIZE = (160, 128)
KEY = "very-secret-key"


class Server:
    """Takes every connection; reads while `reading`, up to `most` bytes of each; never answers."""

    def __init__(self, most: int = 1 << 40) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self.most, self.hang_up = most, False
        self.got: list[bytearray] = []
        self._ended = threading.Event()
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve, name="server of a test", daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        self._socket.settimeout(0.02)
        while not self._ended.is_set():
            try:
                one, _ = self._socket.accept()
            except TimeoutError:
                one = None
            if one is not None:
                one.settimeout(0.02)
                self._open.append(one)
                self.got.append(bytearray())
            for line, got in zip(self._open, self.got, strict=True):
                try:
                    while len(got) < self.most and (came := line.recv(65_536)):
                        got += came
                    if self.hang_up and len(got) >= self.most:
                        line.close()
                except (TimeoutError, OSError):
                    continue

    def close(self) -> None:
        self._ended.set()
        self._thread.join(5)
        for one in (*self._open, self._socket):
            one.close()


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def start(**how: Any) -> Server:
        servers.append(Server(**how))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


_made: list[StreamDestination] = []


@pytest.fixture(autouse=True)
def ended() -> Iterator[None]:
    """A test that failed leaves the next one no carrier to count."""
    yield
    while _made:
        _made.pop().stop()


class Show:
    """Pictures and sound to a destination and to another output, which notes when each packet came."""

    def __init__(self) -> None:
        self._video, self._sound = VideoEncoder(*SIZE, 30, 400_000), SoundEncoder()
        self.frame = self._block = self.asked = 0
        self.asked_by_then = 0
        """When it was too slow the last time."""
        self._idr = True
        self.states: list[tuple[str, str]] = []
        self.came_s: list[float] = []
        self._noise = np.random.default_rng(7)
        self.rich = False

    def ask_idr(self) -> None:
        self.asked += 1
        self._idr = True

    def on_state(self, state: str, detail: str) -> None:
        self.states.append((state, detail))
        if detail == "too_slow":
            self.asked_by_then = self.asked

    def destination(self, url: str) -> StreamDestination:
        to = StreamDestination("other", url, SIZE, 30, self.ask_idr, self.on_state)
        _made.append(to)
        return to

    def picture(self, to: StreamDestination, sound: bool = True) -> None:
        idr, self._idr = self._idr, False
        pixels = moving(*SIZE, self.frame % 60)
        if self.rich:
            pixels = self._noise.integers(16, 235, pixels.shape).astype(np.uint8)
        to.output.video(self._video.encode(pixels, 9_000_000 + self.frame * 3000, idr))
        self.came_s.append(time.monotonic())
        self.frame += 1
        if sound:
            self.sound(to)

    def sound(self, to: StreamDestination) -> None:
        while self._block * BLOCK < self.frame * 1600:
            assert to.output.pcm is not None
            to.output.pcm(np.zeros(BLOCK, np.float32), 100 * AUDIO_HZ + self._block * BLOCK)
            self._block += 1

    def in_real_time(self, seconds: float, to: StreamDestination) -> float:
        """The longest gap between two packets of the other output."""
        began_s, first = time.monotonic(), self.frame
        self.came_s = [began_s]
        while (due_s := began_s + (self.frame - first) / 30) < began_s + seconds:
            threading.Event().wait(max(0.0, due_s - time.monotonic()))
            self.picture(to)
        return max(b - a for a, b in zip(self.came_s, self.came_s[1:], strict=False))


def waiting(to: StreamDestination) -> int:
    return len(to._waiting)


def carriers() -> dict[int, list[str]]:
    """The command lines of those that run, by pid."""
    found = {}
    for one in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            found[one.pid] = one.cmdline()
    return {pid: line for pid, line in found.items() if any("carrier" in word for word in line)}


def has_ended(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.mark.parametrize(
    ("url", "can"),
    [("rtmp://{}/live/key", True), ("rtmps://{}/live/key", True), ("http://{}/whip", True), ("unheard://{}/x", False)],
)
def test_what_ffmpeg_was_built_with_is_known_at_once_and_without_a_connection(
    serve: Callable[..., Server], url: str, can: bool
) -> None:
    server = serve()
    assert can_stream(url.format(server.address)) is can
    assert can_stream("/tmp/copy.mkv") and can_stream("C:\\shows\\copy.mkv")
    assert not server.got


async def test_an_address_this_ffmpeg_has_no_part_for_is_refused_at_once() -> None:
    async with running() as (engine, notes):
        await engine.obey(m.AddDestination(name="other", url=f"unheard://host/{KEY}"))
        await engine.obey(m.RemoveDestination(name="other"))
    refused = said(notes, m.EngineRefused)
    assert [(note.command, note.code, note.detail) for note in refused] == [
        ("AddDestination", "not_in_this_build", "unheard")
    ]
    assert not said(notes, m.DestinationChanged)


def test_one_that_is_away_does_not_wait_when_it_is_told_to_try_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(destinations, "RETRY_S", (60.0,))
    show = Show()
    to = show.destination(f"rtmp://127.0.0.1:9/{KEY}")
    for attempts in (1, 2):
        until_s = time.monotonic() + 20
        while len(show.states) < attempts and time.monotonic() < until_s:
            show.in_real_time(0.2, to)
        assert len(show.states) == attempts
        to.retry_now()


async def test_an_address_that_takes_h264_only_is_refused_while_vp8_is_sent() -> None:
    async with running(codec="VP8") as (engine, notes):
        await engine.obey(m.AddDestination(name="other", url=f"rtmp://127.0.0.1:9/{KEY}"))
    refused = said(notes, m.EngineRefused)
    assert [(note.command, note.code, note.detail) for note in refused] == [("AddDestination", "takes_h264_only", "")]
    assert not said(notes, m.DestinationChanged)


@pytest.mark.parametrize("url", ["rtmp://{}/live/" + KEY, "rtmps://{}/live/" + KEY])
def test_a_server_that_takes_the_connection_and_never_answers_stops_nothing_else(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setattr(carrier, "PATIENCE_S", 2.0)
    server, show = serve(), Show()
    to = show.destination(url.format(server.address))
    gap_s = 0.0
    deadline_s = time.monotonic() + 30
    while len(server.got) < 2 and time.monotonic() < deadline_s:  # the second comes after patience had an end
        gap_s = max(gap_s, show.in_real_time(0.5, to))
        assert all(KEY not in word for line in carriers().values() for word in line)
    assert len(server.got) >= 2 and ("reconnecting", "timeout") in show.states
    assert ("on_air", "") not in show.states, "nothing has gone"
    assert gap_s < 1.0
    began_s = time.monotonic()
    to.stop()
    assert time.monotonic() - began_s < 8 and not carriers()
    assert show.states[-1] == ("off", "")


def test_a_server_that_stops_reading_is_left_after_a_while_and_stops_nothing_else(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carrier, "PATIENCE_S", 3.0)
    server, show = serve(most=200_000), Show()
    show.rich = True
    to = show.destination(f"tcp://{server.address}")
    gap_s = show.in_real_time(2.0, to)
    deadline_s = time.monotonic() + 60
    while ("reconnecting", "silence") not in show.states and time.monotonic() < deadline_s:
        began = time.monotonic()
        for _ in range(60):  # four times as fast: so much sooner is every buffer of the system full
            show.picture(to)
        gap_s = max(gap_s, *(b - a for a, b in zip(show.came_s, show.came_s[1:], strict=False)))
        threading.Event().wait(max(0.0, began + 0.5 - time.monotonic()))
        assert show.asked <= 2 + show.frame / 60, "one every two seconds of the show, and one to begin with"
        assert waiting(to) < 500, "five seconds of pictures and sound"
    assert ("on_air", "") in show.states and ("reconnecting", "too_slow") in show.states
    assert ("reconnecting", "silence") in show.states
    assert show.asked - show.asked_by_then <= 2, "nobody else sees whole pictures at every moment because one is stuck"
    assert gap_s < 1.0
    server.most = 1 << 40
    show.states.clear()
    deadline_s = time.monotonic() + 30
    while ("on_air", "") not in show.states and time.monotonic() < deadline_s:
        show.in_real_time(0.5, to)
    to.stop()
    assert len(server.got) == 2 and show.states == [("on_air", ""), ("off", "")]


def test_twelve_seconds_reach_a_healthy_server_whole(serve: Callable[..., Server]) -> None:
    server, show = serve(), Show()
    to = show.destination(f"tcp://{server.address}")
    wait_for(lambda: show.asked > 0, 20, "it wants a key picture")
    for _ in range(360):
        show.picture(to, sound=False)
        wait_for(lambda: waiting(to) == 0, 30, "the picture is taken before its sound comes")
        show.sound(to)
    wait_for(lambda: waiting(to) == 0, 20, "all is taken")
    to.stop()
    assert show.states == [("on_air", ""), ("off", "")]
    assert (to.dropped, show.asked) == (0, 1 + 5), "at its beginning, and every 2 s, which is all it could ask for"
    wait_for(lambda: whole(server.got[0]) >= 355, 10, "nearly all of it")


def whole(came: bytearray) -> int:
    with av.open(io.BytesIO(bytes(came)), format="mpegts") as container:
        return sum(1 for _ in container.decode(video=0))


def test_sound_alone_does_not_pile_up_for_a_server_that_takes_nothing(serve: Callable[..., Server]) -> None:
    server, show = serve(), Show()
    to = show.destination(f"rtmp://{server.address}/live/{KEY}")
    wait_for(lambda: show.asked > 0, 20, "it wants a key picture")
    show.picture(to)
    wait_for(lambda: bool(server.got), 20, "it is connected, and waits for an answer")
    most = 0
    for number in range(3000):  # a minute
        assert to.output.pcm is not None
        to.output.pcm(np.zeros(BLOCK, np.float32), 101 * AUDIO_HZ + number * BLOCK)
        most = max(most, waiting(to))
    assert 200 < most <= 260
    to.stop()


def test_a_sound_that_left_out_20_ms_stays_in_time() -> None:
    class Stream:
        def encode(self, frame: Any) -> list[Any]:
            at.append(frame.pts)
            return []

    at: list[int] = []
    maker = carrier.AacMaker(Stream())
    for number in (*range(50), *range(51, 100)):
        maker.make(np.zeros(BLOCK, np.float32), number * BLOCK)
    assert at[0] == 0 and 0 <= 100 * BLOCK - (at[-1] + 1024) < 1024


def test_after_a_while_on_air_the_next_attempt_comes_soon(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(destinations, "RETRY_S", (0.05, 60.0))
    monkeypatch.setattr(destinations, "STEADY_S", 0.0)
    server, show = serve(most=20_000), Show()
    server.hang_up = show.rich = True
    to = show.destination(f"tcp://{server.address}")
    deadline_s = time.monotonic() + 30
    while len(server.got) < 4 and time.monotonic() < deadline_s:
        show.in_real_time(0.2, to)
    to.stop()
    assert len(server.got) >= 4
    assert ("reconnecting", "lost") in show.states


ABANDONED = """
import sys
from tests.engine.test_destinations import Show
from seller_console.engine import carrier
carrier.PATIENCE_S = 3.0
show = Show()
to = show.destination(sys.argv[1])
print("on", flush=True)
while True:
    show.in_real_time(1.0, to)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="killed as on Unix")
@pytest.mark.parametrize("url", ["rtmp://{}/live/x", "tcp://{}"])
def test_a_carrier_ends_when_its_engine_was_killed(serve: Callable[..., Server], start_program: Any, url: str) -> None:
    server = serve()
    program = start_program(sys.executable, "-c", ABANDONED, url.format(server.address), python=False)
    wait_for(lambda: bool(server.got), 30, "it is connected")
    left = carriers()
    assert left
    os.kill(program.pid, signal.SIGKILL)
    program.wait(5)
    wait_for(lambda: all(has_ended(pid) for pid in left), 20, "it has ended")


def test_a_file_is_whole_when_its_destination_is_removed(tmp_path: Path) -> None:
    show = Show()
    to = show.destination(str(tmp_path / "copy.mkv"))
    wait_for(lambda: show.asked > 0, 20, "it wants a key picture")
    for _ in range(60):
        show.picture(to)
    wait_for(lambda: waiting(to) == 0 and ("on_air", "") in show.states, 30, "written")
    to.stop()
    with av.open(str(tmp_path / "copy.mkv")) as container:
        assert container.duration and sum(1 for _ in container.decode(video=0)) >= 58
