"""requirements.lock and pyproject.toml say the same, and the lock is what is installed here."""

from __future__ import annotations

import importlib.metadata
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def _project(repository: Path) -> dict[str, Any]:
    return tomllib.loads((repository / "pyproject.toml").read_text("utf-8"))


def _locked(repository: Path) -> dict[str, list[Requirement]]:
    """Name -> its pinned versions (more than one where Pythons or systems differ)."""
    text = (repository / "requirements.lock").read_text("utf-8")
    found: dict[str, list[Requirement]] = {}
    for line in re.findall(r"^[A-Za-z0-9].*", text, re.MULTILINE):
        requirement = Requirement(line.rstrip(" \\"))
        found.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    return found


def _asked(repository: Path) -> list[Requirement]:
    project = _project(repository)
    return [Requirement(line) for line in [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]]


def _environments() -> list[dict[str, str]]:
    systems = [("linux", "Linux", "posix"), ("win32", "Windows", "nt"), ("darwin", "Darwin", "posix")]
    return [
        {
            "sys_platform": system,
            "platform_system": name,
            "os_name": kind,
            "python_version": f"3.{minor}",
            "python_full_version": f"3.{minor}.4",
            "implementation_name": "cpython",
            "platform_python_implementation": "CPython",
        }
        for system, name, kind in systems
        for minor in range(11, 15)
    ]


@pytest.mark.parametrize("environment", _environments(), ids=lambda e: f"{e['sys_platform']}-{e['python_version']}")
def test_every_dependency_is_locked_once_for_each_system_and_python(
    repository: Path, environment: dict[str, str]
) -> None:
    locked = _locked(repository)

    def applies(marker: Marker | None) -> bool:
        return marker is None or marker.evaluate(environment)

    for asked in _asked(repository):
        if not applies(asked.marker):
            continue
        pins = [pin for pin in locked.get(canonicalize_name(asked.name), []) if applies(pin.marker)]
        assert len(pins) == 1, f"{asked.name}: {len(pins)} versions; lock again (README)"
        version = next(iter(pins[0].specifier)).version
        assert asked.specifier.contains(version), f"{asked}: the lock has {version}; lock again (README)"


def test_every_locked_package_is_pinned_and_hashed(repository: Path) -> None:
    text = (repository / "requirements.lock").read_text("utf-8")
    blocks = re.split(r"\n(?=[A-Za-z0-9])", text.strip())
    assert len(blocks) > 50
    for block in blocks:
        assert "==" in block.splitlines()[0], block[:80]
        assert "--hash=sha256:" in block, block[:80]
    assert "://" not in text, "no address of an index"


def test_what_is_installed_is_what_is_locked(repository: Path) -> None:
    for name, pins in _locked(repository).items():
        for pin in pins:
            if pin.marker is None or pin.marker.evaluate():
                assert importlib.metadata.version(name) == next(iter(pin.specifier)).version, name


def test_pyside_stays_below_the_release_that_loses_references(repository: Path) -> None:
    (pin,) = _locked(repository)["pyside6-essentials"]
    assert Requirement("x>=6.11.3,<6.12").specifier.contains(next(iter(pin.specifier)).version)


def test_nothing_that_must_not_be_together_is_locked(repository: Path) -> None:
    locked = _locked(repository)
    for unwanted in ("opencv-python", "pyside6", "pyside6-addons", "pyqt6"):
        assert unwanted not in locked
