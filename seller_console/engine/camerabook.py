"""Where the settings of each camera are kept: one JSON file by spec, the engine's own.

The engine keeps them (decision 27), so that a camera is used the same way with a
window, without one, and after either died. A file that cannot be read is put aside,
never overwritten; a disk that will not take it costs the memory only. Nobody else may read it. Also how
settings are written on a command line.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from pathlib import Path

import msgspec

from ..contract.media import CameraSettings
from .capture import KNOBS

log = logging.getLogger("engine.cameras")

MOST_ZOOM = 8.0
LARGEST_SIDE, MOST_FPS = 7680, 240
UNSET = CameraSettings()
_decoder = msgspec.json.Decoder(dict[str, CameraSettings])


class Unfit(ValueError):
    """Settings that cannot be meant; str() says why in English, as the wire does, `french` in French."""

    def __init__(self, french: str, english: str) -> None:
        super().__init__(english)
        self.french = french


def unfit(settings: CameraSettings) -> Unfit | None:
    """Why these settings cannot be meant; None when they can."""
    sides = (settings.width, settings.height)
    if bool(settings.width) != bool(settings.height) or any(s % 2 or not 0 <= s <= LARGEST_SIDE for s in sides):
        size = f"{settings.width}x{settings.height}"
        return Unfit(f"une taille de {size} (côtés pairs, {LARGEST_SIDE} au plus)", f"a size of {size}")
    if not 0 <= settings.fps <= MOST_FPS:
        return Unfit(f"{settings.fps} images par seconde (de 0 à {MOST_FPS})", f"{settings.fps} frames a second")
    if not 1.0 <= settings.zoom <= MOST_ZOOM:
        return Unfit(
            f"un zoom de {settings.zoom:g} (de 1 à {MOST_ZOOM:g})", f"a zoom of {settings.zoom:g} (1 to {MOST_ZOOM:g})"
        )
    if not (0.0 <= settings.centre_x <= 1.0 and 0.0 <= settings.centre_y <= 1.0):
        return Unfit("un centre hors de l’image (de 0x0 à 1x1)", "a centre outside the picture")
    return None


def read_settings(text: str) -> CameraSettings:
    """'size=1920x1080,fps=30,rotation=90,mirror,zoom=1.5,centre=0.5x0.4,focus=30' -> settings. Raises Unfit."""
    found: dict[str, object] = {}
    for part in filter(None, (one.strip() for one in text.split(","))):
        name, _, value = part.partition("=")
        if name == "size":
            width, _, height = value.partition("x")
            found["width"], found["height"] = _number(int, width), _number(int, height)
        elif name == "centre":
            across, _, down = value.partition("x")
            found["centre_x"], found["centre_y"] = _number(float, across), _number(float, down)
        elif name == "mirror":
            found["mirror"] = value in ("", "yes", "1")
        elif name in ("fps", "rotation"):
            found[name] = _number(int, value)
        elif name in KNOBS:
            found[name] = None if value == "auto" else _number(float, value)
        elif name == "zoom":
            found[name] = _number(float, value)
        else:
            raise Unfit(f"« {name} » n’est pas un réglage", f"no such setting: {name!r}")
    try:
        settings = msgspec.convert(found, CameraSettings)
    except msgspec.ValidationError as error:  # the rotation: all the rest is a number like another
        turned = found.get("rotation")
        raise Unfit(
            f"une rotation de {turned} (0, 90, 180 ou 270)", f"a rotation of {turned} (0, 90, 180 or 270)"
        ) from error
    if why := unfit(settings):
        raise why
    return settings


def _number(kind: type[int] | type[float], text: str) -> float:
    try:
        return kind(text)
    except ValueError as error:
        raise Unfit(f"« {text} » n’est pas un nombre", f"{text!r} is not a number") from error


class CameraBook:
    """By spec. Without a path nothing outlives the program. Any thread."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._kept: dict[str, CameraSettings] = {}
        self._lent: dict[str, CameraSettings] = {}
        """Over those kept, and never written."""
        self._dirty = False
        if path is not None:
            self._read(path)

    def _read(self, path: Path) -> None:
        try:
            self._kept = _decoder.decode(path.read_bytes())
        except FileNotFoundError:
            return
        except (OSError, msgspec.DecodeError) as error:
            log.info("cameras_unreadable error=%s", error)
            with contextlib.suppress(OSError):
                path.chmod(0o600)
                path.replace(path.with_name(path.name + ".unreadable"))

    def of(self, spec: str) -> CameraSettings:
        lent = self._lent.get(spec)
        return self._kept.get(spec, UNSET) if lent is None else lent

    def lend(self, spec: str, settings: CameraSettings) -> None:
        """In the place of those kept, until this program ends or somebody puts others."""
        self._lent[spec] = settings

    def put(self, spec: str, settings: CameraSettings) -> None:
        """Known at once; on disk with the next `save`."""
        with self._lock:
            if settings == UNSET:
                self._kept.pop(spec, None)
            else:
                self._kept[spec] = settings
            self._lent.pop(spec, None)
            self._dirty = True

    def save(self) -> None:
        """Writes what changed since the last time, whole or not at all. Not for the loop."""
        with self._lock:
            if self._path is None or not self._dirty:
                return
            self._dirty = False
            raw = msgspec.json.format(msgspec.json.encode(self._kept), indent=1)
            beside = self._path.with_name(f"{self._path.name}.{os.getpid()}")
            try:
                beside.unlink(missing_ok=True)
                with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
                    out.write(raw)  # an address among the specs may hold a password
                beside.replace(self._path)
            except OSError as error:
                log.info("cameras_not_kept error=%s", error)
