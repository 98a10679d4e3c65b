"""What is remembered between two launches: declared once here, one JSON file.

Promises: a missing field has its default; a file that cannot be read is kept aside
(`settings.json.unreadable-1`) and said, never overwritten; writing is atomic; keys
of a newer version survive a save by an older one.
"""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import Any

import msgspec

from .. import places
from ..contract.words import Preset

log = logging.getLogger(__name__)


class Device(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Kept per device, by its spec."""

    mirror: bool = False


class Values(msgspec.Struct, kw_only=True):
    """Every setting, its default and its type."""

    title: str = ""
    camera: str = ""
    """Spec of the chosen camera; "" = never chosen."""
    second_camera: str = ""
    network_cameras: list[str] = []
    """Specs of the addresses that were given. A password may be in one: this file is its owner's alone."""
    microphone: str = ""
    second_microphone: str = ""
    gains: dict[str, float] = {}
    """Decibels of each microphone that was made louder or softer, by its spec."""
    width: int = 720
    height: int = 1280
    target_bps: int = 0
    encoder: str = "x264"
    """x264, or auto: the graphics card if it gives its proof."""
    overlay: bool = False
    """The lot on the block is drawn into the picture, for all outputs."""
    overlay_logo: str = ""
    """The picture file drawn with it."""
    guides: bool = True
    """Lines in the preview: what the buyers' page covers."""
    record: bool = False
    """Record the programme whenever the show is on air."""
    record_folder: str = ""
    """"" = the recordings of this home."""
    keep_clips: bool = False
    """A clip of each sale is kept by itself."""
    destinations: list[dict[str, str | bool]] = []
    """Where else the show goes: name, address and on, of each. Their keys are in the keyring."""
    shaped: bool = True
    """Rumble off and peaks held, of real microphones."""
    still: str = ""
    """The picture file of the scene of that name."""
    cut: bool = False
    """Scenes change by a cut, not by a fade."""
    preset: Preset | None = None
    other_preset: Preset | None = None
    theme: str = "dark"
    """dark, light, or system."""
    scale: int = 100
    """Of the window, in percent of the screen's own scale: 100 to 200; from the next launch."""
    language: str = ""
    """"" = the system's."""
    devices: dict[str, Device] = {}
    bindings: dict[str, list[str]] = {}
    """Action id -> keys, only those that differ from the table."""
    window: str = ""
    """Geometry of the window, base64."""
    fee_bps: int = 0
    """What the marketplace keeps of each sale; for the next show of this home."""
    lan: bool = False
    """The platform is open to the local network."""
    join_url: str = ""
    """Last other platform joined; its pass is in the keyring."""


_decoder = msgspec.json.Decoder(Values)


class Settings:
    """The settings of this home. Change a field of `values`, then `save()`."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or places.home() / "settings.json"
        self.values = Values()
        self.notice = ""
        """A sentence when something must be told about the file; "" else."""
        self._others: dict[str, Any] = {}
        self._read()

    def _read(self) -> None:
        try:
            raw = self._path.read_bytes()
        except FileNotFoundError:
            return
        except OSError as error:
            self.notice = "settings.unreadable"
            log.info("settings_unreadable error=%s", error)
            return
        try:
            self.values = _decoder.decode(raw)
            known = set(Values.__struct_fields__)
            self._others = {key: value for key, value in json.loads(raw).items() if key not in known}
        except (msgspec.DecodeError, ValueError) as error:
            aside = self._aside()
            self._path.replace(aside)
            self.notice = "settings.kept_aside"
            log.info("settings_kept_aside as=%s reason=%s", aside.name, error)

    def _aside(self) -> Path:
        for n in range(1, 1000):
            aside = self._path.with_name(f"{self._path.name}.unreadable-{n}")
            if not aside.exists():
                return aside
        return self._path.with_name(f"{self._path.name}.unreadable")

    def save(self) -> bool:
        """False when the disk would not: settings are not worth stopping a show for."""
        own = json.loads(msgspec.json.encode(self.values))
        whole = json.dumps({**self._others, **own}, ensure_ascii=False, indent=1).encode()
        beside = self._path.with_name(self._path.name + ".new")
        try:
            descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                beside.chmod(0o600)  # one that a crash left here may be anybody's
                file.write(whole)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self._path)
        except OSError as error:
            self.notice = "settings.not_saved"
            log.info("settings_not_saved error=%s", error)
            return False
        return True

    def device(self, spec: str) -> Device:
        return self.values.devices.setdefault(spec, Device())

    def identify(self, **microphones: str) -> None:
        """A microphone kept by its name alone, and its gain, are kept by its identity (NAME@HOST) from now on."""
        kept = self.values
        for role, spec in microphones.items():
            name = getattr(kept, role)
            if name and name == spec.rpartition("@")[0]:
                setattr(kept, role, spec)
                if name in kept.gains:
                    kept.gains.setdefault(spec, kept.gains[name])
                self.save()

    # the KeyStore of ui.actions
    def bindings(self) -> dict[str, list[str]]:
        return dict(self.values.bindings)

    def set_bindings(self, bindings: dict[str, list[str]]) -> None:
        self.values.bindings = dict(bindings)
        self.save()
