"""The virtual environment: made, filled from the lock, repaired, and known to be right by a stamp.

Promises: when `ready` returns, .venv holds exactly what requirements.lock says for
this Python, and the project in place. A set-up that was interrupted, a venv that was
moved or lost its Python is made anew. Refuses: building anything from source.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import machine

OLDEST = (3, 11)
NEWEST = (3, 14)
LOG, DONE, BEGUN = "set-up.log", ".set-up-done.json", ".set-up-begun"
SITE_PACKAGES = ("lib/python*/site-packages",) if os.name == "posix" else ("Lib/site-packages",)
IMPORTS = "import PySide6.QtWidgets, aiortc, av, cv2, msgspec, starlette, pytest, seller_console.cli"
"""What must import at the end of a set-up."""


def ready(root: Path) -> Path:
    """The Python of the environment, set up if need be."""
    folder = root / ".venv"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp, begun = folder / DONE, folder / BEGUN
    want = _stamp(root)
    if _complete(folder, python, want) or (_another_finished(begun) and _complete(folder, python, want)):
        return python

    have = _read(stamp)
    began = time.monotonic()
    print(f"Setting up .venv (Python {sys.version.split()[0]}). The first time takes a few minutes.", flush=True)
    why = _beyond_repair(folder, python, begun, have, want)
    if why:
        print(f"  environment: made anew ({why})", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        if folder.exists():
            raise machine.CannotGoOn(f"{folder} could not be removed; close what uses it, then call again")
    folder.mkdir(exist_ok=True)
    begun.write_text(str(os.getpid()), encoding="ascii")
    stamp.unlink(missing_ok=True)
    (folder / LOG).unlink(missing_ok=True)
    if not _works(python, "import pip"):
        print("  1/3 environment", flush=True)
        _make(folder)
    placed = set(have.get("placed", "").split())
    filled = have.get("lock") == want["lock"] and have.get("python") == want["python"]
    if not (filled and placed <= set(_placed(folder)) and _works(python, IMPORTS)):
        _fill(python, folder, root / "requirements.lock")
    print("  3/3 the project itself, in place", flush=True)
    _pip(python, ["install", "--no-deps", "--no-build-isolation", "--editable", str(root)])
    if not _works(python, IMPORTS, show=True):
        raise machine.CannotGoOn("the environment was filled but does not work (see above)")
    stamp.write_text(json.dumps({**want, "placed": " ".join(_placed(folder))}), encoding="utf-8")
    begun.unlink()
    print(f"Set up in {time.monotonic() - began:.0f} s.", flush=True)
    return python


def _complete(folder: Path, python: Path, want: dict[str, str]) -> bool:
    """The stamp says so, and what pip placed is still there."""
    have = _read(folder / DONE)
    placed = have.pop("placed", "").split()
    return have == want and python.exists() and not (folder / BEGUN).exists() and set(placed) <= set(_placed(folder))


def _another_finished(begun: Path) -> bool:
    """Two terminals, one environment: the second waits while the first is alive; whether it had to."""
    waited = False
    while os.name == "posix" and _alive(begun):
        if not waited:
            print("  another set-up of this folder is running: waiting for it", flush=True)
            waited = True
        time.sleep(0.5)
    return waited


def _alive(begun: Path) -> bool:
    try:
        pids = [int(pid) for pid in begun.read_text(encoding="ascii").split()]
    except (OSError, ValueError):
        return False
    return any(pid != os.getpid() and _runs(pid) for pid in pids)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def _placed(folder: Path) -> list[str]:
    """What pip has put in place, by the names of its records."""
    return sorted(path.name for under in SITE_PACKAGES for path in folder.glob(f"{under}/*.dist-info"))


def newer_python() -> str | None:
    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        found = shutil.which(f"python3.{minor}")
        if found:
            return found
    return None


def _stamp(root: Path) -> dict[str, str]:
    def digest(name: str) -> str:
        return hashlib.sha256((root / name).read_bytes()).hexdigest()

    return {
        "lock": digest("requirements.lock"),
        "project": digest("pyproject.toml"),
        "python": f"{sys.version.split()[0]} {sys.base_prefix}",
        "root": str(root),
    }


def _read(stamp: Path) -> dict[str, str]:
    try:
        value = json.loads(stamp.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _beyond_repair(folder: Path, python: Path, begun: Path, have: dict[str, str], want: dict[str, str]) -> str:
    """Why the folder cannot be built upon; empty when it can, or is not there."""
    if not folder.exists():
        return ""
    if begun.exists():
        return "the last set-up was interrupted"
    if not _works(python, "import pip"):
        return "its Python does not start"
    if have and have.get("root") != want["root"]:
        return "the project was moved"
    version = f"import sys; sys.exit(sys.version_info[:2] != {sys.version_info[:2]!r})"
    if not _works(python, version):
        return "another Python"
    return ""


def _works(python: Path, code: str, *, show: bool = False) -> bool:
    if not python.exists():
        return False
    quiet = None if show else subprocess.DEVNULL
    environ = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    return subprocess.call([str(python), "-c", code], env=environ, stdout=quiet, stderr=quiet) == 0


def _make(folder: Path) -> None:
    if subprocess.call([sys.executable, "-c", "import ensurepip, venv"], stderr=subprocess.DEVNULL) != 0:
        machine.install_venv_module()
    if _watched([sys.executable, "-m", "venv", str(folder)], folder, dict(os.environ)) != 0:
        raise machine.CannotGoOn(f"the environment could not be made:\n{_last_words(folder)}")


def _fill(python: Path, folder: Path, lock: Path) -> None:
    """pip, with how far it is: packages fetched, then packages in place."""
    total = len(re.findall(r"^[A-Za-z0-9_.-]+==", lock.read_text(encoding="utf-8"), re.MULTILINE))
    log = folder / LOG
    stop = threading.Event()
    watcher = threading.Thread(target=_watch, args=(folder, log, total, stop), daemon=True)
    watcher.start()
    try:
        # Bytecode is written as modules are first imported: compiling everything here doubles the wait.
        words = ["install", "--no-compile", "--require-hashes", "--only-binary", ":all:", "--requirement", str(lock)]
        _pip(python, words)
    finally:
        stop.set()
        watcher.join()


def _watch(folder: Path, log: Path, total: int, stop: threading.Event) -> None:
    """One line each time a tenth more is fetched, then in place."""
    said = ""
    while not stop.wait(0.5):
        try:
            told = log.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        # A few locked packages are for other systems: pip names them as it begins.
        here = max(1, total - len(re.findall(r"^Ignoring ", told, re.MULTILINE)))
        fetched = len(re.findall(r"^(?:Collecting|Processing) ", told, re.MULTILINE))
        if "\nInstalling collected packages" in told:
            placed = len(_placed(folder))
            step, line = f"placed {10 * placed // here}", f"  2/3 packages: {min(placed, here)} of {here} in place"
        else:
            step, line = f"fetched {10 * fetched // here}", f"  2/3 packages: {fetched} of {here} fetched"
        if step != said:
            said = step
            print(line, flush=True)


def _pip(python: Path, words: list[str]) -> None:
    environ = {
        **os.environ,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_ROOT_USER_ACTION": "ignore",
        "PIP_NO_INPUT": "1",
        "PIP_PROGRESS_BAR": "off",
        "PIP_NO_WARN_SCRIPT_LOCATION": "1",
        "PYTHONUNBUFFERED": "1",
    }
    folder = python.parent.parent
    if _watched([str(python), "-m", "pip", *words], folder, environ) != 0:
        raise machine.CannotGoOn(f"pip could not go on:\n{_last_words(folder)}")


def _watched(command: list[str], folder: Path, environ: dict[str, str]) -> int:
    """The exit code of a step, its words in the log; ended with its children when we are.

    Its pid is written beside ours: a set-up killed outright leaves its step at work,
    and the next one must wait for that.
    """
    with (
        (folder / LOG).open("ab") as sink,
        subprocess.Popen(command, env=environ, stdout=sink, stderr=subprocess.STDOUT, start_new_session=True) as child,
    ):
        with (folder / BEGUN).open("a", encoding="ascii") as begun:
            begun.write(f" {child.pid}")
        try:
            return child.wait()
        except BaseException:
            if os.name == "posix":
                os.killpg(child.pid, signal.SIGKILL)
            else:
                child.kill()
            raise


def _last_words(folder: Path) -> str:
    lines = (folder / LOG).read_text(encoding="utf-8", errors="replace").strip().splitlines()[-12:]
    return "\n".join(f"    {line}" for line in lines)
