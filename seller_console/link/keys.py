"""Where passes of other platforms are kept: the system's keyring, or a private file when there is none.

Promises: never in the settings, never in a log; when there is no keyring (a bare
container, a locked one) a 0600 file is used and `notice` says so in words.
"""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path

import keyring
import keyring.errors

from .. import places

log = logging.getLogger(__name__)

SERVICE = "seller-console"


class Keys:
    """Calls may block on the system's keyring: not on the window's thread."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or places.home() / "passes.json"
        self.notice = ""
        """Words key of what must be told, "" else."""

    def get(self, url: str) -> str:
        """The pass for this platform, "" when none is kept."""
        try:
            kept = keyring.get_password(SERVICE, url)
        except keyring.errors.KeyringError as error:
            self._fall_back(error)
            kept = None
        return kept or self._file().get(url, "")

    def keep(self, url: str, owner_pass: str) -> None:
        try:
            keyring.set_password(SERVICE, url, owner_pass)
        except keyring.errors.KeyringError as error:
            self._fall_back(error)
            self._write({**self._file(), url: owner_pass})

    def forget(self, url: str) -> None:
        try:
            keyring.delete_password(SERVICE, url)
        except keyring.errors.PasswordDeleteError:
            log.debug("keyring_had_none")
        except keyring.errors.KeyringError as error:
            self._fall_back(error)
        kept = self._file()
        if kept.pop(url, None) is not None:
            self._write(kept)

    def _fall_back(self, error: keyring.errors.KeyringError) -> None:
        if not self.notice:
            self.notice = "keys.no_keyring"
            log.info("keyring_unavailable error=%s", type(error).__name__)

    def _file(self) -> dict[str, str]:
        try:
            kept = json.loads(self._path.read_bytes())
        except (OSError, ValueError):
            return {}
        return {str(url): str(word) for url, word in kept.items()} if isinstance(kept, dict) else {}

    def _write(self, kept: dict[str, str]) -> None:
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(kept, file)
