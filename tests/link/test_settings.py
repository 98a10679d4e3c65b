"""Settings: declared once, kept aside when unreadable, never lost by an older version."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import keyring
import keyring.backend
import keyring.errors
import pytest

from seller_console.contract.words import Preset
from seller_console.link.keys import Keys
from seller_console.link.settings import Settings


def test_what_is_saved_comes_back(home: Path) -> None:
    settings = Settings()
    settings.values.camera = "camera:Brio@/dev/video0"
    settings.values.preset = Preset(duration_ms=20_000)
    settings.device("camera:Brio@/dev/video0").mirror = True
    assert settings.save()
    again = Settings()
    assert again.values.camera == "camera:Brio@/dev/video0"
    assert again.values.preset == Preset(duration_ms=20_000)
    assert again.device("camera:Brio@/dev/video0").mirror
    assert stat.S_IMODE((home / "settings.json").stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"width": "large"}', b"\xff\xfe\x00", b"\x00" * 4096])
def test_a_corrupt_file_is_kept_aside_and_said(home: Path, content: bytes) -> None:
    (home / "settings.json").write_bytes(content)
    settings = Settings()
    assert settings.notice == "settings.kept_aside"
    assert settings.values.width == 720
    assert (home / "settings.json.unreadable-1").read_bytes() == content
    assert settings.save()
    (home / "settings.json").write_bytes(content)
    assert Settings().notice
    assert (home / "settings.json.unreadable-2").exists(), "the first one is not overwritten"


def test_a_newer_versions_keys_survive_an_older_ones_save(home: Path) -> None:
    (home / "settings.json").write_text(json.dumps({"title": "Dimanche", "hologram": {"depth": 3}}))
    settings = Settings()
    settings.values.title = "Lundi"
    settings.save()
    assert json.loads((home / "settings.json").read_text())["hologram"] == {"depth": 3}


def test_a_disk_that_refuses_does_not_stop_the_show(home: Path) -> None:
    settings = Settings()
    (home / "settings.json.new").mkdir()
    assert not settings.save()
    assert settings.notice == "settings.not_saved"


def test_bindings_are_kept(home: Path) -> None:
    Settings().set_bindings({"skip_lot": ["F13"]})
    assert Settings().bindings() == {"skip_lot": ["F13"]}


class NoKeyring(keyring.backend.KeyringBackend):
    priority = 1.0  # type: ignore[assignment]

    def get_password(self, service: str, username: str) -> str | None:
        raise keyring.errors.NoKeyringError

    def set_password(self, service: str, username: str, password: str) -> None:
        raise keyring.errors.NoKeyringError

    def delete_password(self, service: str, username: str) -> None:
        raise keyring.errors.NoKeyringError


class InMemory(NoKeyring):
    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.kept.pop((service, username), None) is None:
            raise keyring.errors.PasswordDeleteError


def test_without_a_keyring_a_private_file_is_used_and_said(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring.core, "_keyring_backend", NoKeyring())
    keys = Keys()
    keys.keep("https://chez.fr", "secret")
    assert keys.notice == "keys.no_keyring"
    assert Keys().get("https://chez.fr") == "secret"
    assert stat.S_IMODE((home / "passes.json").stat().st_mode) == 0o600
    keys.forget("https://chez.fr")
    assert Keys().get("https://chez.fr") == ""


def test_with_a_keyring_nothing_is_written_to_disk(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring.core, "_keyring_backend", InMemory())
    keys = Keys()
    keys.keep("https://chez.fr", "secret")
    assert keys.get("https://chez.fr") == "secret"
    assert not (home / "passes.json").exists()
    keys.forget("https://chez.fr")
    assert keys.get("https://chez.fr") == ""
    assert keys.notice == ""
