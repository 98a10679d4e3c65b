"""Where things lie on this machine: one home folder, everything under it.

SELLER_CONSOLE_HOME replaces the default (tests, a second shop on one laptop).
"""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

HOME_HELP = ("dossier des données (sinon SELLER_CONSOLE_HOME)", "data folder (else SELLER_CONSOLE_HOME)")
"""What `--home` says of itself, in French and in English."""


def home() -> Path:
    """The folder of this shop; made on first use, private to the user."""
    named = os.environ.get("SELLER_CONSOLE_HOME")
    folder = Path(named) if named else Path(platformdirs.user_data_dir("seller-console", appauthor=False))
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def _under(name: str) -> Path:
    folder = home() / name
    folder.mkdir(exist_ok=True, mode=0o700)
    return folder


def shows() -> Path:
    """One SQLite log a show."""
    return _under("shows")


def runtime() -> Path:
    """Runtime files (engine.json, platform.json), the console's lock, the preview."""
    return _under("run")


def logs() -> Path:
    return _under("logs")


def waiting() -> Path:
    """Edits without an answer yet, a file a show and pass."""
    return _under("waiting")


def pictures() -> Path:
    return _under("pictures")


def resources() -> Path:
    """The files shipped with the program: fonts, locale, demo, the buyer page."""
    beside = Path(__file__).resolve().parent.parent / "resources"
    return beside if beside.is_dir() else Path(__file__).resolve().parent / "resources"
