"""The one command on a fresh machine: what it installs, repairs, starts, and says when it may not."""

from __future__ import annotations

import importlib
import os
import stat
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import psutil
import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="stand-in programs are shell scripts")


@pytest.fixture
def machine(repository: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(repository / "packaging")
    return importlib.import_module("machine")


@pytest.fixture
def environment(machine: ModuleType) -> ModuleType:
    return importlib.import_module("environment")


@pytest.fixture
def dev(environment: ModuleType) -> ModuleType:
    return importlib.import_module("dev")


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`tools(name, script)` puts a small real program first on the PATH; what they are told is in `calls`."""
    folder = tmp_path / "tools"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))

    def put(name: str, script: str) -> None:
        path = folder / name
        path.write_text(f'#!/bin/sh\necho "{name} $*" >> "$CALLS"\n{script}\n', "utf-8")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    return put


def _calls(tmp_path: Path) -> list[str]:
    path = tmp_path / "calls"
    return path.read_text("utf-8").splitlines() if path.exists() else []


# --- system packages -----------------------------------------------------------------------


def test_only_what_is_missing_is_installed(machine: ModuleType, tools: Any, tmp_path: Path) -> None:
    tools("dpkg-query", "echo 'git installed'; echo 'libglib2.0-0t64 installed'; echo 'xvfb config-files'; exit 1")
    assert machine._missing(["git", "libglib2.0-0", "xvfb", "espeak-ng"]) == ["xvfb", "espeak-ng"]
    assert machine._missing([]) == []


def test_root_is_asked_nothing_and_the_list_is_refreshed_only_when_needed(
    machine: ModuleType, tools: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    tools("dpkg-query", "exit 1")
    tools("apt-get", f'case "$*" in *update*) touch {tmp_path}/fresh;; *) test -e {tmp_path}/fresh;; esac')
    machine.install_missing(["xvfb"])
    words = [call for call in _calls(tmp_path) if call.startswith("apt-get")]
    assert ["update" in call for call in words] == [False, True, False]
    assert all("-y" in call and "xvfb" in call for call in words if "update" not in call)
    (tmp_path / "calls").unlink()
    machine.install_missing(["xvfb"])
    assert not any("update" in call for call in _calls(tmp_path))


def test_anyone_else_is_told_the_exact_command(
    machine: ModuleType, tools: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1_000)
    tools("dpkg-query", "exit 1")
    tools("apt-get", "exit 0")
    with pytest.raises(machine.CannotGoOn) as stopped:
        machine.install_missing(["xvfb", "libegl1"])
    assert "sudo apt-get install -y --no-install-recommends xvfb libegl1" in str(stopped.value)
    assert not any(call.startswith("apt-get") for call in _calls(tmp_path))


def test_what_apt_cannot_install_is_said_with_the_command(
    machine: ModuleType, tools: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    tools("dpkg-query", "exit 1")
    tools("apt-get", "echo 'E: Unable to locate package'; exit 100")
    with pytest.raises(machine.CannotGoOn, match="apt-get install"):
        machine.install_missing(["xvfb"])
    assert "Unable to locate" in capsys.readouterr().out


def test_a_display_is_wanted_only_where_there_is_none(machine: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("DISPLAY", ":7")
    assert "xvfb" not in machine.wanted(for_tests=False)
    monkeypatch.delenv("DISPLAY")
    assert "xvfb" in machine.wanted(for_tests=False)
    assert {"pulseaudio", "espeak-ng", "git", "libportaudio2"} <= set(machine.wanted(for_tests=True))


# --- the display ----------------------------------------------------------------------------


def test_a_virtual_screen_is_started_said_and_ended(
    machine: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    with machine.display(wanted=True) as environ:
        code = "from PySide6.QtWidgets import QApplication; a = QApplication([]); print(a.platformName())"
        shown = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, timeout=60)
        assert shown.stdout.strip() == "xcb", shown.stderr
        (server,) = [child for child in psutil.Process().children() if child.name() == "Xvfb"]
    assert "virtual" in capsys.readouterr().out
    assert not server.is_running() or server.status() == psutil.STATUS_ZOMBIE


def test_a_screen_that_is_there_is_used(machine: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":7")
    with machine.display(wanted=True) as environ:
        assert environ["DISPLAY"] == ":7"


# --- the environment -------------------------------------------------------------------------


@pytest.fixture
def clone(environment: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project set up in no time: pip is a stand-in, its calls are counted; the venv is real."""

    def make(folder: Path) -> None:
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
        (packages,) = folder.glob("lib/python*/site-packages")
        (packages / "pip").mkdir()
        (packages / "pip" / "__init__.py").touch()
        (packages / "pip-1.dist-info").mkdir()

    root = tmp_path / "clone"
    root.mkdir()
    (root / "requirements.lock").write_text("", "utf-8")
    (root / "pyproject.toml").write_text("", "utf-8")
    monkeypatch.setattr(environment, "IMPORTS", "import pip")
    monkeypatch.setattr(environment, "_make", make)
    monkeypatch.setattr(environment, "_pip", lambda *words, **more: (tmp_path / "calls").open("a").write("pip\n"))
    return root


def test_a_second_call_does_nothing_and_another_lock_fills_again(
    environment: ModuleType, clone: Path, tmp_path: Path
) -> None:
    python = environment.ready(clone)
    subprocess.run([str(python), "-c", "import pip"], check=True)
    done = len(_calls(tmp_path))
    assert environment.ready(clone) == python
    assert len(_calls(tmp_path)) == done
    kept = clone / ".venv" / "kept"
    kept.touch()
    (clone / "requirements.lock").write_text("# another\n", "utf-8")
    environment.ready(clone)
    assert kept.exists() and len(_calls(tmp_path)) == done + 2


def test_a_set_up_that_was_interrupted_is_made_anew(
    environment: ModuleType, clone: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*words: Any, **more: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(environment, "_pip", interrupted)
        with pytest.raises(KeyboardInterrupt):
            environment.ready(clone)
    half = clone / ".venv" / "half"
    half.touch()
    environment.ready(clone)
    assert not half.exists()
    assert "interrupted" in capsys.readouterr().out


def test_a_second_set_up_waits_for_the_first(
    environment: ModuleType, clone: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The other one is a living program; it ends while we wait."""
    environment.ready(clone)
    stamp, begun = clone / ".venv" / environment.DONE, clone / ".venv" / environment.BEGUN
    kept = stamp.read_text("utf-8")
    stamp.unlink()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, text=True) as other:
        begun.write_text(str(other.pid), "ascii")

        def other_ends(_: float) -> None:
            stamp.write_text(kept, "utf-8")
            begun.unlink()
            other.communicate("\n")

        monkeypatch.setattr(environment.time, "sleep", other_ends)
        capsys.readouterr()
        environment.ready(clone)
    said = capsys.readouterr().out
    assert "waiting for it" in said and "Setting up" not in said


@pytest.mark.parametrize("accident", ["lost python", "emptied", "moved"])
def test_a_broken_environment_is_made_anew(environment: ModuleType, clone: Path, accident: str, tmp_path: Path) -> None:
    python = environment.ready(clone)
    root = clone
    if accident == "lost python":
        python.unlink()
        python.symlink_to(tmp_path / "nowhere")
    elif accident == "emptied":
        for path in (clone / ".venv").glob("lib/python*/site-packages/pip*"):
            path.rename(tmp_path / path.name)
    else:
        root = clone.rename(tmp_path / "elsewhere")
    python = environment.ready(root)
    assert subprocess.run([str(python), "-c", "import pip"], check=False).returncode == 0
    assert str(root) in (python.parent / "activate").read_text("utf-8")


def test_a_python_without_ensurepip_is_cured_or_said(
    machine: ModuleType, tools: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools("dpkg-query", "exit 1")
    monkeypatch.setattr(os, "geteuid", lambda: 1_000)
    monkeypatch.setattr(sys, "executable", "/usr/bin/python3")
    with pytest.raises(machine.CannotGoOn, match=r"sudo apt-get .*python3\.\d+-venv"):
        machine.install_venv_module()
    monkeypatch.setattr(sys, "executable", str(Path(sys.prefix) / "elsewhere" / "python3"))
    with pytest.raises(machine.CannotGoOn, match="ensurepip"):
        machine.install_venv_module()


# --- the words ---------------------------------------------------------------------------------


def test_an_unknown_word_is_two(dev: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert dev.main(["fly"]) == 2
    assert dev.main([]) == 2
    assert dev.main(["--help"]) == 0
    assert "no such word: fly" in capsys.readouterr().err


@pytest.mark.parametrize("told", [{"PYTHONDONTWRITEBYTECODE": "1"}, {"PYTHONPYCACHEPREFIX": "/elsewhere"}, {}])
def test_a_module_is_compiled_once_and_never_beside_its_source_when_that_is_not_wanted(
    dev: ModuleType, told: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, kept = tmp_path / "source", tmp_path / "kept"
    source.mkdir()
    (tmp_path / ".venv").mkdir()
    (source / "once.py").write_text("", "utf-8")
    told = {name: str(kept) if value == "/elsewhere" else value for name, value in told.items()}
    monkeypatch.setattr(dev, "ROOT", tmp_path)
    hidden = ("PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX")
    environ = {name: value for name, value in os.environ.items() if name not in hidden} | told
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(source)!r}); import once"]
    assert dev._obey(command, environ) == 0
    where = {"PYTHONDONTWRITEBYTECODE": tmp_path / ".venv" / "bytecode", "PYTHONPYCACHEPREFIX": kept}
    (found,) = tmp_path.rglob("once.*.pyc")
    assert where.get(next(iter(told), ""), source) in found.parents


def test_dev_is_standard_library_only(repository: Path) -> None:
    code = "import sys; sys.path.insert(0, 'packaging'); import dev; print('\\n'.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], cwd=repository, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    tops = {name.partition(".")[0] for name in done.stdout.split()}
    allowed = set(sys.stdlib_module_names) | {"dev", "machine", "environment", "__main__"}
    assert {top for top in tops if top not in allowed and not top.startswith("_")} == set()


def test_the_pipeline_calls_the_readme_command_and_nothing_else(repository: Path) -> None:
    path = repository / ".ci" / "run"
    assert os.access(path, os.X_OK)
    commands = [line for line in path.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    assert len(commands) == 1 and commands[0].endswith("python3 packaging/dev.py test")
    assert "python3 packaging/dev.py test" in (repository / "README.md").read_text("utf-8")
    assert "python3 packaging/dev.py run" in (repository / "README.md").read_text("utf-8")
