"""How a camera's picture is turned, mirrored and cut before it is placed: where in the source, then in C.

Cut first, scale second, turn last: a turned picture costs one copy of what is shown,
never of what was captured. A camera nobody has touched takes the old road (`fill`),
so that it costs nothing. The centre is meant as a person sees it, after turning and
mirroring.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from ..contract.media import CameraSettings
from .picture import Pixels, blank, crop_to_fill, planes

SMALLEST = 64
"""No part smaller than this, in pixels of the source."""
TURNS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}

Part = tuple[int, int, int, int]
"""x, y, width, height, all even."""


def untouched(settings: CameraSettings) -> bool:
    """Nothing to turn and nothing to cut; a mirror alone is not our work."""
    return settings.rotation == 0 and settings.zoom <= 1.0


def _shown(width: int, height: int, settings: CameraSettings, mirror: bool) -> Part:
    """The part that zoom and centre leave, of a picture already turned but not mirrored."""
    zoom = max(1.0, settings.zoom)
    wide = min(width, max(SMALLEST, int(width / zoom))) & ~1
    high = min(height, max(SMALLEST, int(height / zoom))) & ~1
    across = 1 - settings.centre_x if mirror else settings.centre_x
    x = min(max(0, int(width * across - wide / 2)), width - wide) & ~1
    y = min(max(0, int(height * settings.centre_y - high / 2)), height - high) & ~1
    return x, y, wide, high


def _in_source(part: Part, width: int, height: int, rotation: int) -> Part:
    """Where that part of the turned picture lies in the source of this size."""
    x, y, wide, high = part
    if rotation == 90:
        return y, height - x - wide, high, wide
    if rotation == 180:
        return width - x - wide, height - y - high, wide, high
    if rotation == 270:
        return width - y - high, x, high, wide
    return part


def _size(pixels: Pixels, rotation: int) -> tuple[int, int]:
    """Width and height once turned."""
    width, height = int(pixels.shape[1]), int(pixels.shape[0]) * 2 // 3
    return (height, width) if rotation in (90, 270) else (width, height)


def place(pixels: Pixels, targets: tuple[Pixels, ...], settings: CameraSettings, mirror: bool) -> None:
    """Fill Y, U, V of any size with the picture as it is used. `mirror` is the whole truth about mirroring."""
    turned = _size(pixels, settings.rotation)
    x, y, wide, high = _shown(*turned, settings, mirror)
    inner = crop_to_fill(wide, high, int(targets[0].shape[1]), int(targets[0].shape[0]))
    _draw(pixels, targets, (x + inner[0], y + inner[1], inner[2], inner[3]), settings.rotation, mirror)


def framed(pixels: Pixels, settings: CameraSettings, mirror: bool) -> Pixels:
    """A copy of the whole part that is used, at the camera's own size."""
    part = _shown(*_size(pixels, settings.rotation), settings, mirror)
    out = blank(part[2], part[3])
    _draw(pixels, planes(out), part, settings.rotation, mirror)
    return out


def _draw(pixels: Pixels, targets: tuple[Pixels, ...], part: Part, rotation: int, mirror: bool) -> None:
    width, height = int(pixels.shape[1]), int(pixels.shape[0]) * 2 // 3
    x, y, wide, high = _in_source(part, width, height, rotation)
    sideways = rotation in (90, 270)
    how = cv2.INTER_AREA if part[2] * 2 > int(targets[0].shape[1]) * 3 else cv2.INTER_LINEAR
    for index, (plane, target) in enumerate(zip(planes(pixels), targets, strict=True)):
        half = 0 if index == 0 else 1
        drawn: Any = plane[y >> half : (y + high) >> half, x >> half : (x + wide) >> half]
        rows, columns = target.shape
        wanted = (rows, columns) if sideways else (columns, rows)
        if (drawn.shape[1], drawn.shape[0]) != wanted:
            drawn = cv2.resize(drawn, wanted, interpolation=how)
        if rotation:
            drawn = cv2.rotate(drawn, TURNS[rotation])
        if mirror:
            cv2.flip(drawn, 1, dst=target)
        else:
            np.copyto(target, drawn)
