"""The test card: what is on air when there is no camera, and it says so.

Prerendered once; a frame draws only what moves: the running time, a sliding mark, a
lamp that lights for the first tenth of each second (with the tone's beep, for skew),
and two rows of 32 blocks for machines: the frame's number and time.monotonic in ms, 24
bits each and 8 of check. `read_code` reads them back from any scaled picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image, ImageDraw

from .clock import SECOND_NS
from .lettering import font
from .picture import Picture, Pixels, from_rgb, planes

BITS = 24
CHECK_BITS = 8
CELLS = BITS + CHECK_BITS
_COLUMNS = CELLS + 4
_BLACK, _WHITE = 20, 230
_BARS = ((192, 192, 192), (190, 188, 40), (40, 176, 186), (46, 178, 70), (176, 56, 168), (190, 52, 48), (44, 70, 190))


def _check(value: int) -> int:
    return ((value & 0xFF) ^ (value >> 8 & 0xFF) ^ (value >> 16 & 0xFF) ^ 0xA5) & 0xFF


def _cells(value: int) -> list[int]:
    value &= (1 << BITS) - 1
    word = value << CHECK_BITS | _check(value)
    return [word >> (CELLS - 1 - i) & 1 for i in range(CELLS)]


@dataclass(frozen=True, slots=True)
class Code:
    """What a machine reads off a frame. Both wrap at 2^24; `clock_ms` is time.monotonic of the moment it was drawn."""

    number: int
    clock_ms: int


def read_code(luma: Pixels) -> Code | None:
    """The code burnt into a picture (its luma plane, any size); None: unreadable."""
    height, width = luma.shape
    cell = width / _COLUMNS
    values = []
    for row in (4.5, 2.5):
        centre = height - cell * row
        word = 0
        for i in range(CELLS):
            x, reach = cell * (i + 2.5), max(1.0, cell / 5)
            patch = luma[
                max(0, int(centre - reach)) : int(centre + reach) + 1, max(0, int(x - reach)) : int(x + reach) + 1
            ]
            word = word << 1 | int(patch.mean() > (_BLACK + _WHITE) / 2)
        value, check = word >> CHECK_BITS, word & 0xFF
        if check != _check(value):
            return None
        values.append(value)
    return Code(values[0], values[1])


def draw_code(luma: Pixels, number: int, clock_ms: int) -> None:
    """Burn a code into any picture, where `read_code` looks for it. Changes `luma`."""
    height, width = luma.shape
    cell = width / _COLUMNS
    for value, row in ((number, 5), (clock_ms, 3)):
        top, bottom = int(height - cell * row), int(height - cell * (row - 1))
        left, right = int(cell * 2), int(cell * 2 + cell * CELLS)
        line = np.array(_cells(value), np.uint8) * (_WHITE - _BLACK) + _BLACK
        luma[top:bottom, left:right] = line[np.arange(right - left) * CELLS // (right - left)]


def _draw_still(width: int, height: int) -> Pixels:
    unit = min(width, height) / 720
    image = Image.new("RGB", (width, height), (17, 19, 24))
    draw = ImageDraw.Draw(image)
    grid = int(80 * unit) & ~1
    for x in range(width // 2 % grid, width, grid):
        draw.line((x, 0, x, height), fill=(30, 33, 41), width=max(1, int(unit * 2)))
    for y in range(height // 2 % grid, height, grid):
        draw.line((0, y, width, y), fill=(30, 33, 41), width=max(1, int(unit * 2)))
    bars_top, bars_high = int(height * 0.08), int(height * 0.17)
    side = int(width * 2 / _COLUMNS)
    wide = (width - 2 * side) / len(_BARS)
    for i, colour in enumerate(_BARS):
        draw.rectangle((side + i * wide, bars_top, side + (i + 1) * wide - 1, bars_top + bars_high), fill=colour)
    ramp_top = bars_top + bars_high + int(8 * unit)
    for x in range(side, width - side):
        level = int(255 * (x - side) / (width - 2 * side))
        draw.line((x, ramp_top, x, ramp_top + int(26 * unit)), fill=(level, level, level))
    centre = (width / 2, height * 0.42)
    draw.text(centre, "MIRE", font=font("ExtraBold", int(150 * unit)), fill=(245, 246, 250), anchor="mm")
    draw.text(
        (width / 2, centre[1] + 112 * unit),
        "aucune caméra · no camera",
        font=font("Medium", int(36 * unit)),
        fill=(170, 176, 190),
        anchor="mm",
    )
    return from_rgb(np.asarray(image))


class TestCard:
    """Draws itself at a size; `draw` returns the same array each time, changed in place."""

    __test__ = False

    def __init__(self, width: int, height: int, origin_ns: int = 0) -> None:
        self._origin_ns = origin_ns
        self._pixels = _draw_still(width, height)
        self._y, self._u, self._v = planes(self._pixels)
        unit = min(width, height) / 720
        self._cell = width / _COLUMNS
        self._glyphs = self._make_glyphs(int(72 * unit))
        glyph_h, glyph_w = self._glyphs["0"].shape
        self._time_at = (int(height * 0.60) & ~1, int(width / 2 - glyph_w * 5.5) & ~1)
        plate = self._y[self._time_at[0] - 12 : self._time_at[0] + glyph_h + 12]
        plate[:, self._time_at[1] - 16 : self._time_at[1] + glyph_w * 11 + 16] = 24
        self._rail = self._make_rail(width, height, unit)
        self._lamp = self._make_lamp(width, height, unit)
        edge = int(self._cell * 0.5)
        top = int(height - self._cell * 5) - edge
        self._y[
            top : int(height - self._cell * 2) + edge, int(self._cell * 2) - edge : width - int(self._cell * 2) + edge
        ] = 90
        self._number = 0

    def _make_glyphs(self, size: int) -> dict[str, Pixels]:
        face = font("SemiBold", size)
        wide = max(int(face.getlength(c)) for c in "0123456789") + 2 & ~1
        glyphs = {}
        for character in "0123456789:":
            tile = Image.new("L", (wide, int(size * 1.1) & ~1), 24)
            ImageDraw.Draw(tile).text((wide / 2, tile.height / 2), character, font=face, fill=232, anchor="mm")
            glyphs[character] = np.array(tile)
        return glyphs

    def _make_rail(self, width: int, height: int, unit: float) -> tuple[int, int, int, int]:
        top, high = int(height * 0.74) & ~1, int(36 * unit) & ~1
        left, wide = int(self._cell * 2) & ~1, int(width - self._cell * 4) & ~1
        self._y[top : top + high, left : left + wide] = 34
        self._u[top // 2 : (top + high) // 2, left // 2 : (left + wide) // 2] = 128
        self._v[top // 2 : (top + high) // 2, left // 2 : (left + wide) // 2] = 128
        self._mark = high * 2
        self._mark_at = left
        return top, high, left, wide

    def _make_lamp(self, width: int, height: int, unit: float) -> tuple[Pixels, Pixels, Pixels]:
        radius = int(22 * unit)
        centre = (int(width / 2), int(height * 0.83))
        box = np.zeros((radius * 2, radius * 2), np.uint8)
        cv2.circle(box, (radius, radius), radius - 1, 255, -1, cv2.LINE_AA)
        view = self._y[centre[1] - radius : centre[1] + radius, centre[0] - radius : centre[0] + radius]
        cover = box.astype(np.float32) / 255
        off = (view * (1 - cover) + 48 * cover).astype(np.uint8)
        lit = (view * (1 - cover) + 235 * cover).astype(np.uint8)
        return view, off, lit

    def draw(self, at_ns: int) -> Picture:
        """The card at this moment (monotonic ns); the time shown counts from the media clock's zero."""
        clock_ns = at_ns - self._origin_ns
        seconds, rest_ns = divmod(clock_ns, SECOND_NS)
        text = f"{seconds // 3600 % 100:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}:{rest_ns // 10_000_000:02d}"
        row, column = self._time_at
        high, wide = self._glyphs["0"].shape
        for i, character in enumerate(text):
            self._y[row : row + high, column + i * wide : column + (i + 1) * wide] = self._glyphs[character]
        top, rail_high, left, rail_wide = self._rail
        for at, luma, u, v in (
            (self._mark_at, 34, 128, 128),
            (left + self._place(clock_ns, rail_wide - self._mark), 190, 70, 150),
        ):
            self._y[top : top + rail_high, at : at + self._mark] = luma
            self._u[top // 2 : (top + rail_high) // 2, at // 2 : (at + self._mark) // 2] = u
            self._v[top // 2 : (top + rail_high) // 2, at // 2 : (at + self._mark) // 2] = v
            self._mark_at = at
        view, off, lit = self._lamp
        view[:] = lit if rest_ns < 100_000_000 else off
        draw_code(self._y, self._number, at_ns // 1_000_000)
        picture = Picture(self._pixels, at_ns, self._number)
        self._number += 1
        return picture

    @staticmethod
    def _place(clock_ns: int, reach: int) -> int:
        """There and back in four seconds, softly."""
        phase = clock_ns % (4 * SECOND_NS) / (4 * SECOND_NS)
        return int(reach * (0.5 - 0.5 * np.cos(2 * np.pi * phase))) & ~1
