"""How words are drawn into pictures: Inter, prerendered once, blended as luma and chroma.

Only for what must be seen in the programme itself: the test card, the mark on a
camera that is gone. Screens word everything else.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from .. import places
from .picture import Pixels, planes


@functools.lru_cache(maxsize=64)
def font(weight: str, size: int) -> Any:
    """Inter of this weight (Regular, Medium, SemiBold, Bold, ExtraBold); Pillow's own when it is not shipped."""
    path = places.resources() / "fonts" / f"Inter-{weight}.otf"
    if path.is_file():
        return ImageFont.truetype(str(path), size)
    return ImageFont.load_default(size)


@functools.lru_cache(maxsize=32)
def label(text: str, height: int, widest: int) -> NDArray[np.float32]:
    """A dark plate with white words, as (rows, columns, 2): luma and opacity; even sizes, at most `widest` wide."""
    size = max(10, int(height * 0.5))
    face = font("SemiBold", size)
    while size > 10 and face.getlength(text) + height > widest:
        size -= 2
        face = font("SemiBold", size)
    width = min(widest, int(face.getlength(text)) + height) & ~1
    plate = Image.new("LA", (width, height & ~1), (0, 0))
    draw = ImageDraw.Draw(plate)
    draw.rounded_rectangle((0, 0, plate.width - 1, plate.height - 1), radius=height // 2, fill=(24, 215))
    draw.text((plate.width / 2, plate.height / 2), text, font=face, fill=(235, 255), anchor="mm")
    return np.asarray(plate, np.float32) / 255.0


Box = tuple[int, int, int, int]
"""x, y, width, height in luma pixels, all even."""


def stamp(pixels: Pixels, text: str, at: float, box: Box | None = None) -> None:
    """Draw a label across the middle of `box` (all), its centre `at` this fraction of the height. Changes `pixels`."""
    y, u, v = planes(pixels)
    rows, columns = y.shape
    x, _, wide_box, high_box = box or (0, 0, columns, rows)
    plate = label(text, max(24, min(high_box, wide_box) // 14) & ~1, (wide_box * 9 // 10) & ~1)
    high, wide = plate.shape[:2]
    top = max(0, min(rows - high, int(rows * at) - high // 2)) & ~1
    left = max(0, x + (wide_box - wide) // 2) & ~1
    opacity = plate[..., 1]
    part = y[top : top + high, left : left + wide]
    part[:] = part * (1 - opacity) + (16 + 219 * plate[..., 0]) * opacity
    half = opacity[::2, ::2]
    for plane in (u, v):
        tint = plane[top // 2 : (top + high) // 2, left // 2 : (left + wide) // 2]
        tint[:] = tint * (1 - half) + 128 * half


def dim(pixels: Pixels, box: Box | None = None) -> None:
    """Half the light, no colour: a picture that is no longer live. Changes `pixels`."""
    y, u, v = planes(pixels)
    x, top, wide, high = box or (0, 0, y.shape[1], y.shape[0])
    part = y[top : top + high, x : x + wide]
    np.right_shift(part, 1, out=part)
    np.add(part, 8, out=part)
    for plane in (u, v):
        tint = plane[top // 2 : (top + high) // 2, x // 2 : (x + wide) // 2]
        tint[:] = (tint >> 2) + 96
