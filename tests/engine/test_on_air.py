"""On air for real: the engine's process, a relay's process, a viewer that reads the code in the picture."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import av
import pytest
import pytest_asyncio

from seller_console.engine import headless
from seller_console.engine.testcard import Code, read_code
from seller_console.engine.watch import Viewer
from seller_console.platform.relay import IngestEnded, IngestStarted
from seller_console.rtc.receiving import Received
from tests.fakes import relay_door
from tests.fakes.relay_door import Door

from .conftest import EngineConsole, make_clip, wait_for

pytestmark = [pytest.mark.processes, pytest.mark.media]


@pytest_asyncio.fixture
async def door() -> AsyncIterator[Door]:
    async with relay_door.opened() as opened:
        yield opened


class Reader:
    """A viewer's eyes: decodes every picture, reads its code."""

    def __init__(self) -> None:
        self._decoder: Any = av.CodecContext.create("h264", "r")
        self.codes: list[tuple[float, Code]] = []
        self.sounds = 0
        self.came = asyncio.Event()

    def __call__(self, received: Received) -> None:
        if received.kind != "video":
            self.sounds += 1
            return
        for frame in self._decoder.decode(av.Packet(received.data)):
            code = read_code(frame.to_ndarray()[: frame.height])
            if code is not None:
                self.codes.append((time.monotonic(), code))
        self.came.set()

    async def until(self, done: Callable[[], bool], timeout_s: float = 15) -> None:
        async with asyncio.timeout(timeout_s):
            while not done():
                self.came.clear()
                await self.came.wait()


async def heard(console: EngineConsole, kind: str, timeout_s: float = 15, **facts: Any) -> dict[str, Any]:
    return await asyncio.to_thread(console.wait_type, kind, timeout_s, 0, **facts)


@contextlib.asynccontextmanager
async def viewing(door: Door) -> AsyncIterator[Reader]:
    reader = Reader()
    task = asyncio.create_task(Viewer(door.whep, on_access_unit=reader).run())
    try:
        yield reader
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_a_console_puts_the_test_card_on_air_and_takes_it_off(
    door: Door, start_engine: Callable[..., Any]
) -> None:
    console = start_engine().console()
    console.say(type="go_on_air", url=door.whip)
    await heard(console, "air_changed", state="on_air")
    async with viewing(door) as reader:
        await reader.until(lambda: len(reader.codes) > 20 and reader.sounds > 20)
    numbers = [code.number for _, code in reader.codes]
    assert numbers == sorted(numbers)
    at, last = reader.codes[-1]
    assert 0 <= (int(at * 1000) - last.clock_ms) % 2**24 < 3000, "the code carries the moment it was drawn"
    await asyncio.to_thread(console.wait, lambda n: n["type"] == "engine_stats" and n["sent"] > 20)
    start = len(console.notes)
    console.say(type="leave_air")
    await asyncio.to_thread(console.wait_type, "air_changed", 5, start, state="off")
    assert [note.reason for note in door.of(IngestEnded)]  # type: ignore[attr-defined]


async def test_size_changes_off_air_only(door: Door, start_engine: Callable[..., Any]) -> None:
    console = start_engine().console()
    console.say(type="go_on_air", url=door.whip)
    await heard(console, "air_changed", state="on_air")
    console.say(type="set_programme", width=1080, height=1920)
    assert (await heard(console, "engine_refused"))["code"] == "on_air"
    console.say(type="set_programme", microphone="silence", target_bps=600_000)
    assert (await heard(console, "programme_set", microphone="silence"))["target_bps"] == 600_000
    stats = await asyncio.to_thread(console.wait, lambda n: n["type"] == "engine_stats" and n["target_bps"] <= 600_000)
    assert stats["width"] == 720


async def test_killed_on_air_the_next_one_goes_on_where_viewers_sit(
    door: Door, start_engine: Callable[..., Any]
) -> None:
    first = start_engine()
    console = first.console()
    console.say(type="go_on_air", url=door.whip)
    await heard(console, "air_changed", state="on_air")
    async with viewing(door) as reader:
        await reader.until(lambda: len(reader.codes) > 10)
        os.kill(first.program.pid, signal.SIGKILL)
        killed = time.monotonic()
        first.program.wait(5)
        second = await asyncio.to_thread(start_engine)
        second.console().say(type="go_on_air", url=door.whip)
        await reader.until(lambda: bool(reader.codes) and reader.codes[-1][0] > killed + 0.5, 12)
    assert len(door.of(IngestStarted)) == 2


async def test_a_door_that_is_shut_is_a_trouble_with_its_address_and_cured_when_it_opens(
    start_engine: Callable[..., Any],
) -> None:
    async with relay_door.opened() as first:
        url, port = first.whip, int(first.url.rpartition(":")[2])
    console = start_engine().console()
    console.say(type="go_on_air", url=url, token="secret-key")
    raised = await heard(console, "trouble_raised", 15, code="publish_unreachable")
    assert (raised["subject"], raised["cure"]) == (url, "retry")
    async with relay_door.opened(port):
        console.say(type="retry_now")
        await heard(console, "trouble_cured", 10, code="publish_unreachable")
        await heard(console, "air_changed", 10, state="on_air")
        assert all("secret-key" not in json.dumps(note) for note in console.notes)
        console.say(type="quit")
        await asyncio.to_thread(console.wait_closed, 8)


async def test_headless_publishes_a_file_and_prints_a_line_a_second(
    door: Door, start_program: Callable[..., Any], tmp_path: Path
) -> None:
    clip = make_clip(tmp_path / "clip.mp4", 2.0, tone_hz=440)
    program = start_program(
        "seller_console.engine.headless", "--to", door.whip, "--camera", f"file:{clip}", "--microphone", f"file:{clip}",
        "--size", "360x640", "--fps", "25", "--bitrate", "500000", "--seconds", "5", "--json",
    )  # fmt: skip
    assert await asyncio.to_thread(program.wait, 20) == 0
    notes = [json.loads(line) for line in program.lines]
    stats = [note for note in notes if note["type"] == "engine_stats"]
    assert len(stats) >= 3
    assert stats[-1]["sent"] > 40 and stats[-1]["captured"] > 60
    assert (stats[-1]["width"], stats[-1]["height"], stats[-1]["target_bps"]) == (360, 640, 500_000)
    assert [note["state"] for note in notes if note["type"] == "air_changed"] == ["connecting", "on_air", "off"]


async def test_headless_records_and_publishes_twice_with_one_encode(
    door: Door, start_program: Callable[..., Any], tmp_path: Path
) -> None:
    async with relay_door.opened() as second:
        words = ["--also", second.whip, "--also", str(tmp_path / "b.mkv"), "--record", str(tmp_path / "kept")]
        program = start_program(
            "seller_console.engine.headless", "--to", door.whip, *words, "--size", "360x640", "--seconds", "6", "--json"
        )
        assert await asyncio.to_thread(program.wait, 30) == 0
        assert door.of(IngestStarted) and second.of(IngestStarted)
    (recorded,) = (tmp_path / "kept").glob("*.mp4")
    for path in (recorded, tmp_path / "b.mkv"):
        with av.open(str(path)) as container:
            assert sum(1 for _ in container.decode(video=0)) > 40


async def test_vp8_goes_to_whip_and_matroska_and_is_watched(
    door: Door, start_program: Callable[..., Any], tmp_path: Path
) -> None:
    async with relay_door.opened() as second:
        words = ["--also", second.whip, "--also", str(tmp_path / "b.mkv"), "--record", str(tmp_path / "kept")]
        program = start_program(
            "seller_console.engine.headless", "--to", door.whip, *words, "--size", "360x640", "--seconds", "14",
            "--codec", "vp8",
        )  # fmt: skip
        viewer = Viewer(door.whep, decode=True)
        watching = asyncio.create_task(viewer.run())
        assert await asyncio.to_thread(program.wait, 60) == 0
        watching.cancel()
        await asyncio.wait([watching])
        assert [one.video_codec for one in (*door.of(IngestStarted), *second.of(IngestStarted))] == ["VP8", "VP8"]
    seen = viewer.summary()
    assert seen["decoded"] > 70 and seen["changed"] > 0.9 * seen["decoded"] and seen["errors"] == []
    (recorded,) = (tmp_path / "kept").iterdir()
    for path in (recorded, tmp_path / "b.mkv"):
        with av.open(str(path)) as container:
            assert container.streams.video[0].codec_context.name == "vp8"
            assert sum(1 for _ in container.decode(video=0)) > 70


async def test_what_a_window_would_say_comes_by_lines_on_standard_input(door: Door, tmp_path: Path) -> None:
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "seller_console.engine.headless", "--to", door.whip, "--size", "360x640", "--json",
        "--second-camera", "testcard", "--scene", "both", "--gain", "-6", "--commands",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert program.stdin is not None and program.stdout is not None and program.stderr is not None
    notes: list[dict[str, Any]] = []

    async def told(kind: str, **facts: Any) -> dict[str, Any]:
        assert program.stdout is not None
        async with asyncio.timeout(30):
            while True:
                notes.append(json.loads(await program.stdout.readline()))
                if notes[-1]["type"] == kind and all(notes[-1].get(key) == value for key, value in facts.items()):
                    return notes[-1]

    def say(raw: bytes) -> None:
        assert program.stdin is not None
        program.stdin.write(raw + b"\n")

    try:
        assert (await told("programme_set", scene="both"))["second_camera"] == "testcard"
        await told("air_changed", state="on_air")
        await told("engine_stats")
        say(b'{"type":"set_scene","scene":"pause"}')
        await told("programme_set", scene="pause")
        say(b"{nonsense\n\n" + b'{"type":"set_scene","scene":"nowhere"}')
        await told("engine_refused", code="unknown_scene")
        say(b'{"type":"save_clip","request":"2","path":""}')
        await told("clip_saved", request="2")
        say(b'{"type":"find_devices"}')
        specs = [camera["spec"] for camera in (await told("devices_found"))["cameras"]]
        assert "testcard" in specs, "what --camera takes is told without a window"
        shot = tmp_path / "shot.jpg"
        say(json.dumps({"type": "take_snapshot", "request": "1", "path": str(shot)}).encode())
        assert "error" not in await told("snapshot_taken", request="1") and shot.exists()
        say(b'{"type":"quit"}')
        assert await asyncio.wait_for(program.wait(), 20) == 0
        assert b"--help-commands" in await program.stderr.read(), "what was no command is told, and where they are"
    finally:
        if program.returncode is None:
            program.kill()
            await program.wait()


@pytest.mark.parametrize("words", [["--also", "rtmp://127.0.0.1:9/live/x"], ["--encoder", "auto"]])
def test_what_vp8_cannot_do_is_said_before_anything_begins(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        headless.main(["--to", "http://127.0.0.1:9/whip", "--codec", "vp8", *words])
    assert ended.value.code == 2 and ("H.264" in capsys.readouterr().err) == ("--also" in words)


IN_A_TERMINAL = """
import fcntl, os, signal, sys, termios
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # a suite started with nohup is deaf to it, and its children with it
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="terminals of Windows do not hang up")
async def test_a_terminal_that_is_closed_ends_it_tidily_and_the_recording_is_whole(door: Door, tmp_path: Path) -> None:
    master, slave = os.openpty()
    kept = tmp_path / "kept"
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", IN_A_TERMINAL, "-m", "seller_console.engine.headless", "--to", door.whip,
        "--size", "360x640", "--record", str(kept), stdin=slave, stdout=slave, start_new_session=True,
        env={**os.environ, "SELLER_CONSOLE_LANGUAGE": "en"},
    )  # fmt: skip
    os.close(slave)

    def is_on_air() -> None:
        said = b""
        while b"Air: on air" not in said:
            more = os.read(master, 65_536)
            assert more, said
            said += more

    try:
        await asyncio.wait_for(asyncio.to_thread(is_on_air), 30)
        await asyncio.to_thread(
            wait_for, lambda: any(path.stat().st_size > 100_000 for path in kept.glob("*.mkv")), 30, "it records"
        )
        os.close(master)
        assert await asyncio.wait_for(child.wait(), 30) == 0
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    (recorded,) = kept.glob("*.*")
    assert recorded.suffix == ".mp4"
    with av.open(str(recorded)) as container:
        assert sum(1 for _ in container.decode(video=0)) > 20


@pytest.mark.parametrize(
    "words",
    [
        ["--to", "ftp://nowhere/whip"],
        ["--to", "http://127.0.0.1:9/whip", "--camera", "nonsense:1"],
        ["--to", "http://127.0.0.1:9/whip", "--size", "721x1280"],
        ["--to", "http://127.0.0.1:9/whip", "--fps", "0"],
    ],
)
def test_a_wrong_command_line_says_so_and_ends(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert headless.main(words) == 2
    assert "Refus" in capsys.readouterr().err


async def test_on_air_without_what_was_asked_beside_it_is_exit_code_3(door: Door, tmp_path: Path) -> None:
    taken = tmp_path / "a-file"
    taken.write_text("", "utf-8")
    for words, why in (
        (["--record", str(taken)], "Not recorded: the folder"),
        (["--also", "http://127.0.0.1:9/whip"], "also 1"),
    ):
        program = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "seller_console.engine.headless", "--to", door.whip, "--size", "360x640",
            "--seconds", "8", *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "SELLER_CONSOLE_LANGUAGE": "en"},
        )  # fmt: skip
        said, complained = await asyncio.wait_for(program.communicate(), 60)
        assert program.returncode == 3 and why in complained.decode(), (said, complained)
        assert re.search(rb"sound +-\d+/-\d+ dB", said), "the level of the sound is on every line"


def test_nobody_there_means_exit_code_1() -> None:
    assert headless.main(["--to", "http://127.0.0.1:9/whip", "--seconds", "1"]) == 1


async def test_asleep_for_a_while_it_is_back_on_air_by_itself(door: Door, start_engine: Callable[..., Any]) -> None:
    """SIGSTOP is a laptop's lid: longer than the relay waits, so that the session is lost."""
    engine = start_engine()
    console = engine.console()
    console.say(type="go_on_air", url=door.whip)
    await heard(console, "air_changed", state="on_air")
    async with viewing(door) as reader:
        await reader.until(lambda: len(reader.codes) > 10)
        os.kill(engine.program.pid, signal.SIGSTOP)
        try:
            async with asyncio.timeout(15):
                while not door.of(IngestEnded):  # noqa: ASYNC110 - notes come from the relay
                    await asyncio.sleep(0.05)
        finally:
            os.kill(engine.program.pid, signal.SIGCONT)
        woken = time.monotonic()
        await reader.until(lambda: reader.codes[-1][0] > woken + 1, 12)
    first = next(at for at, _ in reader.codes if at > woken)
    assert first - woken < 8
    numbers = [code.number for _, code in reader.codes]
    assert numbers == sorted(numbers), "frames of before the sleep are not sent after it"
