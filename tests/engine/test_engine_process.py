"""The engine as a process: its door, its pipes, its deaths."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from seller_console.link.preview import PreviewReader

from .conftest import EngineConsole, wait_for

pytestmark = [pytest.mark.processes, pytest.mark.media]


def test_it_describes_itself_first_and_privately(start_engine: Callable[..., Any], home: Path) -> None:
    engine = start_engine()
    file = home / "run" / "engine.json"
    assert json.loads(file.read_text()) == engine.runtime
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert engine.runtime["program"] == "engine" and engine.runtime["pid"] == engine.program.pid
    assert os.getsid(engine.program.pid) == engine.program.pid, "a session of its own"
    process = psutil.Process(engine.program.pid)
    assert abs(process.create_time() - engine.runtime["started"]) < 1
    listening = [c.laddr for c in process.net_connections() if c.status == psutil.CONN_LISTEN]
    assert [(a.ip, a.port) for a in listening] == [("127.0.0.1", engine.runtime["port"])]
    assert len(engine.program.lines) == 1


def test_a_console_is_told_everything_at_once(start_engine: Callable[..., Any]) -> None:
    console = start_engine().console()
    ready = console.wait_type("ready")
    assert console.notes[0] == ready
    assert console.wait_type("programme_set")["camera"] == "testcard"
    assert console.wait_type("air_changed")["state"] == "off"
    assert {c["spec"] for c in console.wait_type("devices_found")["cameras"]} >= {"testcard"}
    first = console.wait_type("engine_stats")
    second = console.wait(lambda n: n["type"] == "engine_stats" and n["uptime_s"] > first["uptime_s"] + 0.5)
    made, took = second["composed"] - first["composed"], second["uptime_s"] - first["uptime_s"]
    assert 8 * took <= made <= 31 * took + 3, "late ticks are skipped on a busy machine"
    start = len(console.notes)
    console.wait(lambda n: n["type"] == "engine_stats", 3, start)
    levels = [n for n in console.notes[start:] if n["type"] == "microphone_level"]
    assert levels and all(n["peak_db"] < 0 for n in levels) and max(n["peak_db"] for n in levels) > -60


def test_the_preview_runs_at_the_programmes_pace(start_engine: Callable[..., Any]) -> None:
    console = start_engine().console()
    reader = PreviewReader(console.wait_type("ready")["preview_path"])
    frames: list[int] = []
    ages: list[float] = []

    def look() -> bool:
        picture = reader.read()
        if picture is not None:
            frames.append(picture.frame)
            ages.append((time.monotonic_ns() - picture.captured_ns) / 1e6)
        return len(frames) >= 60

    began = time.monotonic()
    wait_for(look, 20, "sixty previews")
    assert time.monotonic() - began > 1.5
    assert sorted(ages)[6] < 60, "nothing queues before the preview"
    reader.close()


@pytest.mark.parametrize(
    "greeting",
    [
        b'{"type":"greet","secret":"wrong","contract":1}\n',
        b'{"type":"quit"}\n',
        b"hello\n",
        b"\xff\xfe\x00\n",
        b'{"type":"greet"}\n',
        b"GET / HTTP/1.1\r\n\r\n",
        b"x" * (2 << 20) + b"\n",
    ],
)
def test_whoever_does_not_know_the_secret_is_shown_the_door(start_engine: Callable[..., Any], greeting: bytes) -> None:
    engine = start_engine()
    with socket.create_connection(("127.0.0.1", engine.runtime["port"]), timeout=10) as stranger:
        try:
            stranger.sendall(greeting)
            assert stranger.recv(100) == b""
        except ConnectionError:
            pass
    engine.console().wait_type("engine_stats")


def test_another_contract_is_not_let_in(start_engine: Callable[..., Any]) -> None:
    engine = start_engine()
    console = EngineConsole(engine.runtime, contract=99)
    console.wait_closed()
    assert console.notes == []
    console.close()


def test_garbage_from_a_console_is_refused_and_the_line_goes_on(start_engine: Callable[..., Any]) -> None:
    console = start_engine().console()
    console.wait_type("ready")
    for raw in (b"not json\n", b'{"type":"dance"}\n', b'{"type":"set_muted","muted":"perhaps"}\n', b"[" * 5000 + b"\n"):
        start = len(console.notes)
        console.send(raw)
        assert console.wait_type("engine_refused", since=start)["code"] == "unreadable"
    console.say(type="set_muted", muted=True)
    console.wait_type("programme_set", muted=True)


def test_an_endless_line_ends_that_console_only(start_engine: Callable[..., Any]) -> None:
    engine = start_engine()
    loud, other = engine.console(), engine.console()
    loud.wait_type("ready")
    other.wait_type("ready")
    try:
        loud.send(b"x" * (2 << 20))
    except OSError:
        pass
    loud.wait_closed()
    other.wait_type("engine_stats", since=len(other.notes))


def test_two_consoles_hear_the_same_and_either_may_leave(start_engine: Callable[..., Any]) -> None:
    engine = start_engine()
    one, two = engine.console(), engine.console()
    one.wait_type("ready")
    two.wait_type("ready")
    one.say(type="set_programme", camera="testcard", microphone="silence", width=1280, height=720, fps=25)
    for console in (one, two):
        noted = console.wait_type("programme_set", width=1280)
        assert (noted["height"], noted["fps"], noted["microphone"]) == (720, 25, "silence")
    one.close()
    two.say(type="set_muted", muted=True)
    two.wait_type("programme_set", muted=True)


def test_a_console_that_stops_reading_is_cut_off_and_harms_nobody(start_engine: Callable[..., Any]) -> None:
    engine = start_engine()
    with socket.create_connection(("127.0.0.1", engine.runtime["port"]), timeout=10) as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.sendall(json.dumps({"type": "greet", "secret": engine.runtime["secret"], "contract": 1}).encode() + b"\n")
        hearing = engine.console()
        hearing.wait_type("ready")
        noisy = json.dumps({"type": "take_snapshot", "request": "r" * 60_000, "path": "/nowhere/at/all.jpg"}).encode()
        for _ in range(120):
            start = len(hearing.notes)
            hearing.send(noisy + b"\n")
            hearing.wait_type("snapshot_taken", since=start)
        log = Path(engine.runtime["log_path"])
        wait_for(lambda: "console_cut reason=behind" in log.read_text(), 5, "the deaf console is cut")


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"camera": "nonsense:1"}, "unknown_device"),
        ({"microphone": "default"}, "unknown_device"),
        ({"width": 721}, "unfit"),
        ({"width": 0}, "unfit"),
        ({"fps": 1000}, "unfit"),
        ({"target_bps": 10}, "unfit"),
    ],
)
def test_an_unfit_programme_is_refused_and_changes_nothing(
    start_engine: Callable[..., Any], facts: dict[str, Any], code: str
) -> None:
    console = start_engine().console()
    console.wait_type("engine_stats")
    start = len(console.notes)
    console.say(type="set_programme", **facts)
    refused = console.wait_type("engine_refused", since=start)
    assert (refused["command"], refused["code"]) == ("SetProgramme", code)
    assert not [n for n in console.notes[start:] if n["type"] == "programme_set"]


def test_a_snapshot_is_the_programme_at_full_size(start_engine: Callable[..., Any], tmp_path: Path) -> None:
    import cv2

    console = start_engine().console()
    console.wait_type("engine_stats")
    console.say(type="take_snapshot", request="1", path=str(tmp_path / "shot.jpg"))
    assert console.wait_type("snapshot_taken", request="1")["path"] == str(tmp_path / "shot.jpg")
    picture = cv2.imread(str(tmp_path / "shot.jpg"))
    assert picture is not None and picture.shape == (1280, 720, 3)
    console.say(type="take_snapshot", request="2", path=str(tmp_path / "no" / "such" / "shot.jpg"))
    assert console.wait_type("snapshot_taken", request="2")["error"] == "not_writable"


def test_a_camera_that_is_not_there_is_a_trouble_by_its_name(start_engine: Callable[..., Any]) -> None:
    engine = start_engine()
    console = engine.console()
    console.wait_type("ready")
    console.say(type="set_programme", camera="camera:Logi C920@/dev/v4l/by-id/not-there")
    raised = console.wait_type("trouble_raised", 10, code="camera_gone")
    assert (raised["code"], raised["subject"], raised["cure"]) == ("camera_gone", "Logi C920", "choose_camera")
    late = engine.console()
    assert late.wait_type("trouble_raised", code="camera_gone")["subject"] == "Logi C920"
    console.say(type="set_programme", camera="testcard")
    assert console.wait_type("trouble_cured", 10, code="camera_gone")["subject"] == "Logi C920"


def test_one_home_one_engine(start_engine: Callable[..., Any], start_program: Any) -> None:
    start_engine()
    second = start_program("seller_console.engine.main")
    assert second.wait() == 3
    assert "tourne déjà" in second.errors()


@pytest.mark.parametrize("how", ["SIGTERM", "SIGINT", "quit"])
def test_asked_to_end_it_ends_cleanly(start_engine: Callable[..., Any], home: Path, how: str) -> None:
    engine = start_engine()
    console = engine.console()
    console.wait_type("engine_stats")
    if how == "quit":
        console.say(type="quit")
    else:
        os.kill(engine.program.pid, getattr(signal, how))
    assert engine.program.wait(8) == 0
    assert list((home / "run").iterdir()) == [], "runtime file and preview are gone"
    log = Path(engine.runtime["log_path"]).read_text()
    assert "engine_ended" in log and "Traceback" not in log


def test_killed_it_leaves_nothing_that_stops_the_next(start_engine: Callable[..., Any], home: Path) -> None:
    first = start_engine()
    first.console().wait_type("ready")
    os.kill(first.program.pid, signal.SIGKILL)
    first.program.wait(5)
    second = start_engine()
    assert second.runtime["pid"] != first.runtime["pid"]
    assert second.runtime["secret"] != first.runtime["secret"]
    second.console().wait_type("engine_stats")
    assert len(list((home / "run").glob("preview-*.bin"))) == 1


def test_alone_it_ends_by_itself(start_engine: Callable[..., Any]) -> None:
    engine = start_engine("--linger", "1.5")
    console = engine.console()
    console.wait_type("engine_stats")
    console.wait(lambda n: n["type"] == "engine_stats" and n["uptime_s"] > 2.5, 6)
    assert engine.program.popen.poll() is None, "not while a console is there"
    console.close()
    assert engine.program.wait(6) == 0


def test_a_parent_that_closes_its_pipes_takes_nothing_with_it(start_engine: Callable[..., Any]) -> None:
    engine = start_engine()
    engine.program.popen.stdout.close()
    console = engine.console()
    console.say(type="find_devices")
    console.wait(lambda n: n["type"] == "engine_stats" and n["uptime_s"] > 2.0, 8)


def test_a_disk_that_hangs_holds_up_no_other_word_and_no_end(start_engine: Callable[..., Any], tmp_path: Path) -> None:
    engine = start_engine()
    console = engine.console()
    console.wait_type("engine_stats")
    os.mkfifo(tmp_path / "shot.jpg")  # whoever opens it to write waits for a reader
    console.say(type="start_recording", folder=str(tmp_path / "recordings"))
    console.wait(lambda n: n["type"] == "recording_changed" and n.get("seconds", 0) > 1, 20)
    for number in range(12):
        console.say(type="take_snapshot", request=str(number), path=str(tmp_path / "shot.jpg"))
    start = len(console.notes)
    console.say(type="set_muted", muted=True)
    console.wait_type("programme_set", 5, start, muted=True)
    console.say(type="go_on_air", url="http://127.0.0.1:9/whip")
    console.wait_type("air_changed", 5, start, state="connecting")
    start = len(console.notes)
    console.say(type="leave_air")
    console.wait_type("air_changed", 5, start, state="off")
    console.say(type="stop_recording")
    console.wait_type("recording_changed", 20, start, state="off")
    answers = [n["error"] for n in console.notes if n["type"] == "snapshot_taken"]
    assert answers == ["busy"] * 4, "the others hang still"
    console.say(type="quit")
    assert engine.program.wait(15) == 0
