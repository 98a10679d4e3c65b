"""What is verified before the public sees: seven checks, each from something measured now.

Promises: a check says *good* only of what was measured; what cannot be known yet
says so. `Machine` is read in a thread of its own by the screen that shows it.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psutil

from seller_console import machine as this_machine
from seller_console import places

from . import words
from .desk import Desk
from .naming import trouble_words
from .words import known, t, tn

Verdict = Literal["good", "warning", "bad", "waiting"]
CheckId = Literal["camera", "microphone", "connection", "platform", "power", "disk", "queue"]
QUIET_DB, SILENT_DB = -45.0, -60.0
LOW_DISK_BYTES = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Machine:
    """battery_percent -1: none. left_s -1: not known."""

    battery_percent: float = -1.0
    plugged: bool | None = True
    """None: not known."""
    left_s: float = -1.0
    free_bytes: int = -1
    cores_busy: float = -1.0
    """0…1, of all cores together."""
    record_free_bytes: int = -1
    """On the disk of the recordings."""


def read_machine(recordings: Path | None = None) -> Machine:
    """Measures; may wait on the system a few milliseconds. `recordings`: where the show is recorded to."""
    battery = this_machine.battery()
    free = shutil.disk_usage(places.home()).free
    busy = psutil.cpu_percent() / 100
    room = _room(recordings) if recordings is not None else -1
    if battery is None:
        return Machine(free_bytes=free, cores_busy=busy, record_free_bytes=room)
    return Machine(battery.percent, battery.plugged, battery.left_s, free, busy, room)


def _room(folder: Path) -> int:
    """Free bytes where this folder is, or would be made; -1: it cannot be said."""
    there = next((place for place in (folder, *folder.parents) if place.is_dir()), None)
    try:
        return shutil.disk_usage(there).free if there is not None else -1
    except OSError:
        return -1


@dataclass(frozen=True, slots=True)
class Heard:
    """The microphone over the last seconds."""

    peak_db: float = -120.0
    clipped: bool = False
    seconds: float = 0.0
    """How long we have listened."""


@dataclass(frozen=True, slots=True)
class Check:
    id: CheckId
    verdict: Verdict
    sentence: str
    button: str = ""
    """Words key of what the button at its right does; "" for none."""


def checks(desk: Desk, heard: Heard, machine: Machine | None) -> tuple[Check, ...]:
    return (
        _camera(desk),
        _microphone(desk, heard),
        _connection(desk),
        _platform(desk),
        _power(machine),
        _disk(machine),
        _queue(desk),
    )


def _trouble(desk: Desk, *starts: str) -> str:
    found = next((trouble for trouble in desk.troubles if trouble.code.startswith(starts)), None)
    return trouble_words(found) if found is not None else ""


def _camera(desk: Desk) -> Check:
    button = "check.button.look_again"
    programme = desk.programme
    wrong = _trouble(desk, "camera_", "picture_")
    if wrong:
        return Check("camera", "bad", wrong, button)
    if desk.health.engine != "running" or not desk.devices.asked:
        failed = desk.health.engine == "failed"
        return Check(
            "camera", "bad" if failed else "waiting", t("preview.engine_failed" if failed else "check.looking")
        )
    if programme.stand_in:
        key = "check.no_camera" if desk.devices.no_camera else "check.test_card"
        return Check("camera", "warning", t(key), button)
    size = f"{programme.width} × {programme.height}"
    mirrored = t("check.mirrored" if programme.mirror else "check.not_mirrored")
    fps = desk.health.camera_fps
    if fps <= 0:
        return Check("camera", "waiting", t("check.measuring"), button)
    if desk.health.camera_slow:
        key = "check.slow_network" if programme.camera.startswith("url:") else "check.slow"
        return Check("camera", "warning", t(key, fps=words.decimal(fps), wanted=programme.fps), button)
    rate = t("check.fps", fps=words.decimal(fps))
    return Check("camera", "warning" if programme.mirror else "good", f"{rate}, {size}, {mirrored}", button)


def _microphone(desk: Desk, heard: Heard) -> Check:
    wrong = _trouble(desk, "microphone_", "sound_")
    if wrong:
        return Check("microphone", "bad", wrong, "check.button.look_again")
    programme = desk.programme
    if programme.muted:
        return Check("microphone", "warning", t("check.muted"), "check.button.unmute")
    if programme.microphone in ("tone", "silence", "none"):
        return Check("microphone", "warning", t(f"check.{programme.microphone}"))
    if heard.seconds < 1.0:
        return Check("microphone", "waiting", t("check.listening"))
    level = words.decibels(heard.peak_db)
    if heard.clipped:
        return Check("microphone", "warning", t("check.clipping", level=level))
    if heard.peak_db < SILENT_DB:
        return Check("microphone", "warning", t("check.silent"))
    if heard.peak_db < QUIET_DB:
        return Check("microphone", "warning", t("check.quiet", level=level))
    return Check("microphone", "good", t("check.voice", level=level))


def _connection(desk: Desk) -> Check:
    health = desk.health
    if health.air == "on_air":
        said = t(
            "check.uplink",
            rate=words.rate(health.video_bps),
            rtt=round(max(0.0, health.rtt_ms)),
            loss=words.percent(health.loss, 1),
        )
        return Check("connection", "good" if health.verdict == "good" else "warning", said)
    if health.air in ("connecting", "reconnecting"):
        return Check("connection", "warning", t(f"topbar.stream_{health.air}"))
    return Check("connection", "waiting", t("check.uplink_later"))


def _platform(desk: Desk) -> Check:
    connection = desk.connection
    if connection.state == "connected":
        return Check("platform", "good", t("check.connected", role=t(f"role.{desk.show.role}")))
    if connection.state == "away":
        key = f"away.{connection.reason}"
        return Check("platform", "bad", t(key) if known(key) else t("away.unreachable"), "action.retry")
    return Check("platform", "waiting", t("away.connecting"))


def _power(machine: Machine | None) -> Check:
    if machine is None:
        return Check("power", "waiting", t("check.measuring"))
    if machine.battery_percent < 0:
        return Check("power", "good", t("check.mains"))
    charge = words.percent(machine.battery_percent / 100)
    if machine.plugged:
        return Check("power", "good", t("check.charging", charge=charge))
    if machine.plugged is None:
        return Check("power", "warning", t("check.battery_unsure", charge=charge))
    if machine.left_s > 0:
        hours, minutes = int(machine.left_s // 3600), int(machine.left_s // 60 % 60)
        return Check("power", "warning", t("check.battery_left", hours=hours, minutes=f"{minutes:02d}"))
    return Check("power", "warning", t("check.battery", charge=charge))


def _disk(machine: Machine | None) -> Check:
    if machine is None or machine.free_bytes < 0:
        return Check("disk", "waiting", t("check.measuring"))
    low = machine.free_bytes < LOW_DISK_BYTES
    said = t("check.disk_low" if low else "check.disk_free", size=words.size(machine.free_bytes))
    return Check("disk", "warning" if low else "good", said)


def _queue(desk: Desk) -> Check:
    rows = [row for row in desk.queue if row.status in ("queued", "next")]
    if not rows:
        return Check("queue", "warning", t("check.queue_empty"), "check.button.see")
    bare = sum(1 for row in rows if not row.picture)
    free = sum(1 for row in rows if row.opening_cents <= 0 and row.format == "auction")
    said = ", ".join((tn("check.lots", len(rows)), tn("check.without_picture", bare), tn("check.without_price", free)))
    return Check("queue", "good" if not free else "warning", said, "check.button.see")
