"""The check of the mains: said of what feeds the machine, and not guessed."""

from __future__ import annotations

import pytest

from seller_console import machine
from seller_console.machine import Battery
from ui import words
from ui.checks import Check, Heard, checks, read_machine

from .desk_floor import DeskFloor


def power(found: Battery | None, monkeypatch: pytest.MonkeyPatch) -> Check:
    monkeypatch.setattr(machine, "battery", lambda: found)
    return next(one for one in checks(DeskFloor().desk, Heard(), read_machine()) if one.id == "power")


def test_mains_that_nobody_speaks_of_are_neither_good_nor_gone(app: object, monkeypatch: pytest.MonkeyPatch) -> None:
    assert power(None, monkeypatch).verdict == "good"
    assert power(Battery(80.0, True), monkeypatch).verdict == "good"
    gone = power(Battery(80.0, False, 7200.0), monkeypatch)
    assert gone.verdict == "warning" and gone.sentence == words.t("check.battery_left", hours=2, minutes="00")
    unsure = power(Battery(80.0, None), monkeypatch)
    assert unsure.verdict == "warning"
    assert unsure.sentence == words.t("check.battery_unsure", charge=words.percent(0.8))
