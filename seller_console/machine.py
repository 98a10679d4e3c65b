"""What this machine says of itself: whether it runs on its battery, and how hot it is.

A wireless mouse has a battery too: on Linux only what feeds the machine is counted, by
the kernel's own word for it (Documentation/ABI/testing/sysfs-class-power). What is not
said is not known (None), never guessed.
"""

from __future__ import annotations

import contextlib
import sys
from dataclasses import dataclass
from pathlib import Path

import psutil

SYSTEM: str = sys.platform
POWER_SUPPLIES = Path("/sys/class/power_supply")
HOT_C = 95.0
"""Of a sensor that does not say what is critical to it."""
MARGIN_C = 5.0
"""Under what is critical, where a machine begins to slow itself down."""
LIKELY_C = (50.0, 130.0)
"""What a sensor says is critical is believed between these."""


@dataclass(frozen=True, slots=True)
class Battery:
    """`percent` and `left_s` -1: not known. `plugged` None: not known."""

    percent: float
    plugged: bool | None
    left_s: float = -1.0


def battery() -> Battery | None:
    """Of the machine itself; None: it has none, or nobody says."""
    if SYSTEM == "linux":
        return _from_sysfs()
    said = None
    with contextlib.suppress(OSError, AttributeError):
        said = psutil.sensors_battery()
    if said is None:
        return None
    left_s = float(said.secsleft) if said.secsleft and said.secsleft > 0 else -1.0
    return Battery(float(said.percent), said.power_plugged, left_s)


def _said(supply: Path, name: str) -> str:
    try:
        return (supply / name).read_text().strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _first_number(supply: Path, *names: str) -> float | None:
    for name in names:
        with contextlib.suppress(ValueError):
            return abs(float(_said(supply, name)))
    return None


def _share(cell: Path) -> float | None:
    """Percent."""
    told = _first_number(cell, "capacity")
    left, full = _first_number(cell, "energy_now", "charge_now"), _first_number(cell, "energy_full", "charge_full")
    return told if told is not None or left is None or not full else 100 * left / full


def _from_sysfs() -> Battery | None:
    try:
        found = sorted(POWER_SUPPLIES.iterdir())
    except OSError:
        return None
    ours = [supply for supply in found if _said(supply, "scope") != "Device"]
    cells = [one for one in ours if _said(one, "type") == "Battery" and _said(one, "present") != "0"]
    if not cells:
        return None
    mains = [one for one in ours if _said(one, "type") == "Mains" or _said(one, "type").startswith("USB")]
    shares = [share for one in cells if (share := _share(one)) is not None]
    percent = sum(shares) / len(shares) if shares else -1.0
    plugged = _plugged([_said(one, "online") for one in mains], [_said(one, "status") for one in cells])
    return Battery(percent, plugged, -1.0 if plugged else _left_s(cells))


def _plugged(online: list[str], status: list[str]) -> bool | None:
    if any(one not in ("", "0") for one in online):
        return True
    if "Discharging" in status:
        return False
    if any(one in ("Charging", "Full", "Not charging") for one in status):
        return True
    return False if "0" in online else None


def _left_s(cells: list[Path]) -> float:
    """Until all are empty, at what is drawn now; -1: not known."""
    hours = 0.0
    for one in cells:
        left = _first_number(one, "energy_now", "charge_now")
        drawn = _first_number(one, "power_now", "current_now")
        if left is None or drawn is None:
            return -1.0
        hours = hours + left / drawn if drawn else hours
    return hours * 3600 if hours else -1.0


def heat() -> tuple[float, bool] | None:
    """(°C of the sensor nearest to its limit, whether it is there); None: this system does not say."""
    sensors = {}
    with contextlib.suppress(OSError, AttributeError):
        sensors = psutil.sensors_temperatures()
    read = [
        (sensor.current, _limit_c(sensor.critical or sensor.high))
        for group in sensors.values()
        for sensor in group
        if sensor.current
    ]
    if not read:
        return None
    current, limit = max(read, key=lambda one: one[0] - one[1])
    return current, current >= limit


def _limit_c(critical: float | None) -> float:
    return critical - MARGIN_C if critical and LIKELY_C[0] <= critical <= LIKELY_C[1] else HOT_C
