"""What the operating system must lend us: its packages, a display, a browser.

Debian and Ubuntu: only what is missing is installed; apt-get update runs only when
apt does not know a package. Nothing is asked: root installs, anyone else is told
the exact command. Other systems carry all this in the wheels.
"""

from __future__ import annotations

import contextlib
import os
import platform
import select
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

WINDOW = (
    "libegl1",
    "libgl1",
    "libfontconfig1",
    "fontconfig",
    "libdbus-1-3",
    "libglib2.0-0",
    "libxkbcommon-x11-0",
    "libxkbcommon0",
    "libx11-xcb1",
    "libxcb-cursor0",
    "libxcb-icccm4",
    "libxcb-image0",
    "libxcb-keysyms1",
    "libxcb-randr0",
    "libxcb-render-util0",
    "libxcb-shape0",
    "libxcb-xinerama0",
    "libxcb-xkb1",
)
SOUND = ("libportaudio2",)
DISPLAY = ("xvfb",)
TESTS = ("git", "pulseaudio", "pulseaudio-utils", "espeak-ng")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


class CannotGoOn(Exception):
    """Set-up stops here; str() says what a person can do."""


def wanted(*, for_tests: bool) -> list[str]:
    """Debian package names this word needs on this machine."""
    if sys.platform != "linux" or shutil.which("dpkg-query") is None:
        return []
    names = [*WINDOW, *SOUND]
    if for_tests:
        names += [*TESTS, *DISPLAY]
        if _debian() and not any(shutil.which(name) for name in BROWSERS):
            names.append("chromium")
    elif not _has_display():
        names += DISPLAY
    return names


def install_missing(names: list[str]) -> None:
    missing = _missing(names)
    if not missing:
        return
    install = ["apt-get", "install", "-y", "--no-install-recommends", *missing]
    if os.geteuid() != 0:
        raise CannotGoOn(
            f"{len(missing)} system packages are missing. Install them, then call again:\n\n"
            f"    sudo apt-get update && sudo {' '.join(install)}\n\n"
            "(or go on without: python3 packaging/dev.py --skip-system …)"
        )
    print(f"  system packages: {' '.join(missing)}", flush=True)
    if not _apt(install):
        print("  system packages: refreshing the list (apt-get update)", flush=True)
        _apt(["apt-get", "update"])
        if not _apt(install):
            raise CannotGoOn(f"the system packages could not be installed; try by hand:\n\n    {' '.join(install)}\n")


def _apt(command: list[str]) -> bool:
    """apt-get, waiting for another apt; its last words are shown when it fails."""
    full = [command[0], "-q", "-o", "DPkg::Lock::Timeout=300", "-o", "Acquire::Retries=3", *command[1:]]
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(full, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        lines = done.stdout.decode("utf-8", "replace").strip().splitlines()
        print("\n".join(f"    {line}" for line in lines[-3:]), flush=True)
    return done.returncode == 0


def _missing(names: list[str]) -> list[str]:
    """Some libraries carry a t64 suffix since the 64-bit time change: either will do."""
    if not names:
        return []
    query = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *names, *(f"{name}t64" for name in names)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=False,
    )
    installed = {line.split()[0] for line in query.stdout.splitlines() if line.endswith(" installed")}
    return [name for name in names if name not in installed and f"{name}t64" not in installed]


def _debian() -> bool:
    """Debian's chromium is a package; Ubuntu's is a snap, which does not start in a container."""
    try:
        return platform.freedesktop_os_release().get("ID") == "debian"
    except OSError:
        return False


def browser(python: Path) -> None:
    """Where the system has no Chromium, the one playwright brings."""
    if any(shutil.which(name) for name in BROWSERS):
        return
    probe = "from playwright.sync_api import sync_playwright as p\nwith p() as it: print(it.chromium.executable_path)"
    asked = subprocess.run([str(python), "-c", probe], stdout=subprocess.PIPE, text=True, check=False)
    if asked.returncode == 0 and Path(asked.stdout.strip()).exists():
        return
    print("  browser: fetching Chromium", flush=True)
    words = (
        ["install", "--with-deps", "chromium"]
        if sys.platform == "linux" and os.geteuid() == 0
        else ["install", "chromium"]
    )
    if subprocess.call([str(python), "-m", "playwright", *words]) != 0:
        raise CannotGoOn("no Chromium could be installed; the browser tests need one on the PATH")


def _has_display() -> bool:
    return sys.platform != "linux" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


@contextlib.contextmanager
def display(*, wanted: bool) -> Iterator[dict[str, str]]:
    """The environment for a program with a window; starts Xvfb when there is no screen, and ends it."""
    environ = dict(os.environ)
    if not wanted or _has_display() or environ.get("QT_QPA_PLATFORM") in {"offscreen", "minimal", "vnc"}:
        yield environ
        return
    server = shutil.which("Xvfb")
    if server is None:
        raise CannotGoOn("there is no screen, and Xvfb is not installed:\n\n    sudo apt-get install -y xvfb\n")
    reader, writer = os.pipe()
    child = subprocess.Popen(
        [server, "-displayfd", str(writer), "-screen", "0", "1920x1080x24", "-nolisten", "tcp"],
        pass_fds=[writer],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    os.close(writer)
    try:
        number = _first_line(reader, timeout_s=20.0)
        if not number:
            raise CannotGoOn("there is no screen, and Xvfb did not start")
        print(f"  no screen here: started a virtual one, Xvfb :{number} (1920x1080)", flush=True)
        yield {**environ, "DISPLAY": f":{number}"}
    finally:
        os.close(reader)
        child.terminate()
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _first_line(reader: int, timeout_s: float) -> str:
    """The number Xvfb chose; empty when it said none in time."""
    ready, _, _ = select.select([reader], [], [], timeout_s)
    return os.read(reader, 64).decode("ascii", "replace").strip() if ready else ""


def install_venv_module() -> None:
    """A bare Debian python3 has no ensurepip until python3-venv is there."""
    minor = f"python3.{sys.version_info.minor}-venv"
    if sys.platform != "linux" or shutil.which("dpkg-query") is None:
        raise CannotGoOn(f"this Python ({sys.executable}) has no venv and ensurepip; use one from python.org")
    if not Path(sys.executable).resolve().is_relative_to("/usr/bin"):
        raise CannotGoOn(f"this Python ({sys.executable}) was built without ensurepip; use the system's python3")
    install_missing([minor])
