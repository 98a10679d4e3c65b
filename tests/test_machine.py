"""What a machine says of its battery and its heat: a made-up /sys, and sensors as psutil gives them."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from seller_console import machine
from seller_console.machine import Battery

MOUSE = {"type": "Battery", "scope": "Device", "capacity": "55", "status": "Discharging", "online": "1"}
CELL = {"type": "Battery", "present": "1", "capacity": "80"}


@pytest.fixture
def supplies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`supplies(BAT0={...})` is what the kernel says."""
    monkeypatch.setattr(machine, "POWER_SUPPLIES", tmp_path)
    monkeypatch.setattr(machine, "SYSTEM", "linux")

    def make(**named: dict[str, str]) -> None:
        for name, said in named.items():
            (tmp_path / name).mkdir(exist_ok=True)
            for fact, value in said.items():
                (tmp_path / name / fact).write_text(value + "\n")

    return make


def test_a_wireless_mouse_is_no_battery_of_the_machine(supplies: Any) -> None:
    supplies(hidpp_battery_0=MOUSE)
    assert machine.battery() is None


def test_a_laptop_is_on_mains_or_on_battery_whatever_its_mouse_says(supplies: Any) -> None:
    supplies(hidpp_battery_0=MOUSE, AC={"type": "Mains", "online": "1"}, BAT0={**CELL, "status": "Charging"})
    assert machine.battery() == Battery(80.0, True)
    supplies(AC={"online": "0"}, BAT0={"status": "Discharging", "energy_now": "20000000", "power_now": "10000000"})
    assert machine.battery() == Battery(80.0, False, 7200.0)


def test_a_laptop_charged_through_usb_c_is_on_mains(supplies: Any) -> None:
    ports = {f"ucsi-source-psy-USBC000:00{n}": {"type": "USB", "online": str(n)} for n in (0, 1)}
    supplies(BAT1={**CELL, "status": "Not charging"}, **ports)
    assert machine.battery() == Battery(80.0, True)


@pytest.mark.parametrize(("status", "plugged"), [("Discharging", False), ("Full", True), ("Unknown", None), ("", None)])
def test_without_a_word_of_the_mains_the_cell_tells_or_nobody_knows(
    supplies: Any, status: str, plugged: bool | None
) -> None:
    supplies(BAT0={**CELL, "status": status})
    found = machine.battery()
    assert found is not None and found.plugged is plugged


def test_an_empty_bay_and_a_system_that_says_nothing_are_no_battery(
    supplies: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    supplies(BAT0={**CELL, "present": "0", "status": "Unknown"})
    assert machine.battery() is None
    monkeypatch.setattr(machine, "POWER_SUPPLIES", tmp_path / "nowhere")
    assert machine.battery() is None


@pytest.mark.parametrize(
    ("current", "critical", "hot"),
    [(96.0, 100.0, True), (94.0, 100.0, False), (97.0, 110.0, False), (82.0, 85.0, True), (96.0, None, True),
     (60.0, 0.0, False), (90.0, 65261.8, False)],
)  # fmt: skip
def test_hot_is_what_is_hot_for_that_sensor(
    monkeypatch: pytest.MonkeyPatch, current: float, critical: float | None, hot: bool
) -> None:
    sensor = SimpleNamespace(current=current, critical=critical, high=None)
    cool = SimpleNamespace(current=35.0, critical=None, high=None)
    readings = {"acpitz": [cool], "coretemp": [sensor]}
    monkeypatch.setattr(machine.psutil, "sensors_temperatures", lambda: readings, raising=False)
    assert machine.heat() == (current, hot)


def test_where_no_sensor_can_be_read_heat_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.psutil, "sensors_temperatures", dict, raising=False)
    assert machine.heat() is None
    monkeypatch.delattr(machine.psutil, "sensors_temperatures")
    assert machine.heat() is None, "Windows and macOS have no such word"
