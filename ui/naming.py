"""What a camera or a microphone is called on screen.

Promises: one name everywhere; of an address only the computer is ever said, for the
rest of it may be a password or lead to one; what stands in for a device is called what
it is. Refuses: an address that is no camera's (`network_camera`).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from seller_console import catalogue
from seller_console.contract.media import ProgrammeSet

from .values import Trouble
from .words import known, language, t

STAND_INS = ("testcard", "none")
SCHEMES = ("http", "https", "rtsp")


class NoAddress(ValueError):
    """Not the address of a camera; str() is the words key of why."""


def split(spec: str) -> tuple[str, str]:
    """'camera:NAME@PATH' -> ('camera', 'NAME@PATH'); a spec without a kind is its own."""
    kind, _, rest = spec.partition(":")
    return kind, rest


def device_words(spec: str, name: str = "") -> str:
    """In a list, or alone. `name`: as the system says it, where it did."""
    kind, _ = split(spec)
    if kind == "url":
        return t("device.network", host=plain(spec))
    return plain(spec, name)


def plain(spec: str, name: str = "") -> str:
    """Within a sentence, behind the word camera or microphone."""
    kind, rest = split(spec)
    if known(f"device.{spec}"):
        return t(f"device.{spec}")
    if kind == "url":
        return _host(rest)
    if kind == "screen":
        return t("device.screen")
    if kind == "file":
        return Path(rest).name
    return name or rest.rpartition("@")[0] or rest or spec


def _host(address: str) -> str:
    """'rtsp://user:word@10.0.0.9:554/live' -> '10.0.0.9:554'; nothing of an address that cannot be read."""
    parts = _parts(address)
    if parts is None or not parts.hostname:
        return "?"
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{host}:{parts.port}" if parts.port else host


def _parts(address: str) -> SplitResult | None:
    try:
        parts = urlsplit(address)
        _ = parts.port  # raises when it is none
    except ValueError:
        return None
    return parts


def network_camera(typed: str) -> str:
    """The spec of the camera at this address. Raises NoAddress."""
    address = typed.strip()
    if not address:
        raise NoAddress("network.empty")
    if address.partition("://")[0].lower() not in SCHEMES or "://" not in address:
        raise NoAddress("network.scheme")
    parts = _parts(address)
    if parts is None or not parts.hostname or any(letter.isspace() or ord(letter) < 32 for letter in address):
        raise NoAddress("network.address")
    scheme, _, rest = address.partition("://")
    return f"url:{scheme.lower()}://{rest}"


def screen() -> str:
    """The spec of this computer's screen, "" where the engine cannot film it (it does under X)."""
    display = os.environ.get("DISPLAY", "")
    return f"screen:{display}" if display and sys.platform.startswith("linux") else ""


def role_of(programme: ProgrammeSet, device: str) -> str:
    """camera, second_camera, microphone or second_microphone: what this device is now; "" when it is none of them."""
    roles = ("camera", "second_camera", "microphone", "second_microphone")
    return next((role for role in roles if device and getattr(programme, role) == device), "")


def subject_of(device: str, programme: ProgrammeSet, names: Mapping[str, str]) -> str:
    """The device a trouble is about; with what it shows, or its turn, when the other one has the same name.

    `names`: of each spec that the system has found.
    """
    role = role_of(programme, device)
    said = plain(device, names.get(device, ""))
    twin = {
        "camera": programme.second_camera, "second_camera": programme.camera,
        "microphone": programme.second_microphone, "second_microphone": programme.microphone,
    }.get(role, "")  # fmt: skip
    if twin and twin != device and plain(twin, names.get(twin, "")) == said:
        return t("device.of_two", name=said, which=t(f"device.which.{role}"))
    return said


def trouble_words(trouble: Trouble) -> str:
    """What is wrong, with what; without since when and what it costs."""
    subject = trouble.subject
    if known(f"away.{subject}"):
        subject = t(f"away.{subject}")
    return catalogue.trouble(language(), trouble.code, subject, trouble.detail, trouble.device)
