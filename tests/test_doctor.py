"""The doctor: every check ends, in a line with a cure, whatever the machine does to it."""

from __future__ import annotations

import json
import re
import threading
from pathlib import Path

import pytest

from seller_console import doctor, machine
from tests.engine.conftest import wait_for
from tests.fakes.sound_server import SoundServer, write_sine

FRENCH, ENGLISH = doctor.Tongue("fr"), doctor.Tongue("en")


def test_a_show_can_be_run_where_the_suite_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert doctor.main(["--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["ok"] and [line["check"] for line in said["checks"]] == [name for name, *_ in doctor.CHECKS]
    levels = {line["check"]: line["level"] for line in said["checks"]}
    for name in ("program", "python", "webrtc", "window", "loopback"):
        assert levels[name] == "ok", said
    assert levels["encoders"] in {"ok", "warn"} and levels["home"] in {"ok", "warn"}


def test_a_check_that_raises_is_a_failed_line_with_a_cure() -> None:
    def broken(t: doctor.Tongue) -> doctor.Finding:
        raise RuntimeError("pilote absent\nligne 2")

    found = doctor.examine(broken, FRENCH)
    assert (found.level, found.said) == ("fail", "RuntimeError: pilote absent") and found.cure


def test_a_check_that_hangs_is_given_up() -> None:
    never = threading.Event()

    def hanging(t: doctor.Tongue) -> doctor.Finding:
        never.wait(30)
        return doctor.Finding("ok", "")

    try:
        found = doctor.examine(hanging, FRENCH, deadline_s=0.2)
    finally:
        never.set()
    assert found.level == "warn" and found.cure


def test_each_camera_is_said_with_what_it_offers(monkeypatch: pytest.MonkeyPatch) -> None:
    from seller_console.contract.media import Camera, CameraOffer
    from seller_console.engine import devices, webcam
    from seller_console.engine.capture import CameraFacts
    from seller_console.engine.device import DeviceBusy

    def probe(wanted: str) -> CameraFacts:
        if wanted.startswith("Face"):
            raise DeviceBusy("zoom")
        return CameraFacts(1280, 720, 30.0, (CameraOffer(name="focus", lowest=0, highest=250, automatic=True),))

    found = (Camera(spec="camera:Top@usb-1", name="Top"), Camera(spec="camera:Face@usb-2", name="Face"))
    monkeypatch.setattr(devices, "find_cameras", lambda: found)
    monkeypatch.setattr(webcam, "probe", probe)
    said = doctor.check_cameras(ENGLISH)
    assert said.said == (
        "camera:Top@usb-1 (1280x720 30/s, focus 0–250 or auto); camera:Face@usb-2 (held by another program zoom)"
    ), "by what publish takes for it, too: two of one model are told apart"
    assert "mise au point 0–250 ou auto" in doctor.check_cameras(FRENCH).said


@pytest.mark.media
def test_a_microphone_is_opened_and_heard_not_only_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = SoundServer(tmp_path / "sound")
    for name, value in server.variables.items():
        monkeypatch.setenv(name, value)
    server.start()
    try:
        wait_for(server.answers, 10, "the sound server answers")
        server.plug("mic", "Blue Yeti")
        silent = doctor.check_microphones(ENGLISH)
        assert silent.level == "warn" and "microphone:Blue Yeti@mic (perfect silence" in silent.said and silent.cure
        server.play(write_sine(tmp_path / "a.wav", 1000, 20))
        heard = doctor.check_microphones(ENGLISH)
        assert heard.level == "ok" and re.search(r"Blue Yeti@mic \(peak -\d+ dB, mean -\d+ dB\)", heard.said)
    finally:
        server.stop()


def test_one_failure_is_exit_code_one_and_no_show(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = ("home", "dossier", "folder", lambda t: doctor.Finding("fail", "plein", "videz"))
    monkeypatch.setattr(doctor, "CHECKS", (bad,))
    assert doctor.main([]) == 1
    said = capsys.readouterr().out
    assert "NON" in said and "videz" in said


def test_a_folder_that_cannot_be_written_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    taken = tmp_path / "a-file"
    taken.write_text("", "utf-8")
    monkeypatch.setenv("SELLER_CONSOLE_HOME", str(taken))
    assert doctor.examine(doctor.check_home, FRENCH).level == "fail"


def test_a_nearly_full_disk_fails_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = doctor.psutil.disk_usage(Path.cwd())
    monkeypatch.setattr(doctor.psutil, "disk_usage", lambda path: usage._replace(free=20 * 2**20))
    found = doctor.check_home(ENGLISH)
    assert found.level == "fail" and "SELLER_CONSOLE_HOME" in found.cure


def test_without_a_screen_the_cure_is_the_virtual_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    found = doctor.check_window(FRENCH)
    assert found.level == "warn" and "dev.py run" in found.cure


def test_a_window_that_cannot_open_fails_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "no-such-platform")
    found = doctor.check_window(ENGLISH)
    assert found.level == "fail" and found.cure


def test_a_seam_that_does_not_hold_fails_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    from seller_console.rtc import peer

    monkeypatch.setattr(peer, "seams", lambda: {"aiortc.x": True, "aioice.y": False})
    found = doctor.check_webrtc(ENGLISH)
    assert found.level == "fail" and "aioice.y" in found.said and "aiortc.x" not in found.said


def test_where_else_a_show_can_go_is_asked_of_ffmpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    from seller_console.engine import muxing

    found = doctor.check_destinations(ENGLISH)
    assert found.level == "ok" and "WHIP, RTMP, RTMPS" in found.said
    monkeypatch.setattr(muxing, "can_stream", lambda url: url.startswith("rtmp:"))
    found = doctor.check_destinations(ENGLISH)
    assert found.level == "warn" and found.cure and "not in this build: RTMPS, SRT" in found.said


def test_every_line_speaks_both_languages() -> None:
    for name, french, english, check in doctor.CHECKS:
        if name in {"encoders", "window"}:
            continue
        assert french and english
        for tongue in (FRENCH, ENGLISH):
            assert doctor.examine(check, tongue).said


def test_heat_and_mains_that_cannot_be_read_are_said_so_and_not_guessed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "heat", lambda: None)
    monkeypatch.setattr(machine, "battery", lambda: machine.Battery(80.0, None))
    found = doctor.check_machine(ENGLISH)
    assert "does not say how hot" in found.said and "mains unknown" in found.said and "charger" not in found.cure
    monkeypatch.setattr(machine, "heat", lambda: (60.0, False))
    monkeypatch.setattr(machine, "battery", lambda: machine.Battery(80.0, False))
    found = doctor.check_machine(FRENCH)
    assert found.level == "warn" and "sur batterie (80" in found.said and "chauffe" not in found.said
