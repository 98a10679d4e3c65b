"""The lot drawn into the picture, for those who watch where there is no page beside it: drawn rarely, laid on cheaply.

A card at the top left (number, title, price, clock, then the winner), a logo at the top
right. Each is drawn once per change, off the tick; only the clock is drawn on it, once
a second, in its own small rectangle. Laying on is two passes in C over the card's
rectangle (premultiplied by opacity), nothing when nothing is shown. What lay under it
is kept with the frame, so that a picture taken of the table has no card on it.

All outputs have it, so in an upright picture the card stands where the buyers' page
covers nothing. The logo above it is only clear of the edge: the page's own bar names
the shop.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageOps, UnidentifiedImageError

from ..contract.media import SetOverlay
from ..contract.safe_area import BARE, CLEAR
from . import lettering
from .picture import Pixels, from_rgb, planes

log = logging.getLogger("engine.overlay")

NARROW = "\u202f"
PLATE, PLATE_SOLD = (14, 17, 22, 214), (10, 74, 44, 224)
INK, DIM, SOON, GOOD = (245, 246, 250), (178, 186, 200), (255, 178, 36), (78, 222, 128)
SOON_S = 10
LONGEST = 200
"""Characters of a title that are looked at."""
_WORDS = {"fr": ("Lot {}", "Adjugé à {}"), "en": ("Lot {}", "Sold to {}")}
_SIGNS = {"EUR": "€", "USD": "$", "GBP": "£"}

Box = tuple[int, int, int, int]
"""x, y, width, height, all even."""
Under = tuple[tuple[Box, tuple[Pixels, ...]], ...]
"""What lay under each layer of one frame."""


def money(cents: int, currency: str, language: str) -> str:
    """47 € / €47; cents only when there are some."""
    amount = f"{cents // 100:,}" if cents % 100 == 0 else f"{cents / 100:,.2f}"
    sign = _SIGNS.get(currency, currency)
    if language == "fr":
        return amount.replace(",", NARROW).replace(".", ",") + NARROW + sign
    return sign + amount


def left_s(facts: SetOverlay, at_ns: int) -> int | None:
    """Whole seconds on the clock at that moment (monotonic), rounded up; None: there is no clock."""
    if facts.remaining_ms >= 0:
        return math.ceil(facts.remaining_ms / 1000)
    if not facts.ends_at_ms:
        return None
    return max(0, math.ceil((facts.ends_at_ms - (at_ns / 1e6 + facts.offset_ms)) / 1000))


class Layer:
    """A picture with opacity, ready to be laid on I420 at an even place."""

    def __init__(self, image: Image.Image, x: int, y: int) -> None:
        wide, high = image.width & ~1, image.height & ~1
        self.box: Box = (x & ~1, y & ~1, wide, high)
        self._image = image.crop((0, 0, wide, high))
        self._made = _premultiplied(np.asarray(self._image))

    def lay(self, pixels: Pixels) -> tuple[Pixels, ...]:
        """Changes `pixels`; returns what was there."""
        x, y, wide, high = self.box
        before = []
        for index, (plane, (colour, through)) in enumerate(zip(planes(pixels), self._made, strict=True)):
            half = 0 if index == 0 else 1
            part = plane[y >> half : (y + high) >> half, x >> half : (x + wide) >> half]
            before.append(part.copy())
            cv2.add(cv2.multiply(before[-1], through, scale=1 / 255), colour, dst=part)
        return tuple(before)

    def redraw(self, box: Box, draw: Callable[[Image.Image], None]) -> None:
        """Draw anew what is in `box` (of this layer, even), over what the layer was made with."""
        x, y, wide, high = box
        piece = self._image.crop((x, y, x + wide, y + high))
        draw(piece)
        for index, (mine, fresh) in enumerate(zip(self._made, _premultiplied(np.asarray(piece)), strict=True)):
            half = 0 if index == 0 else 1
            rows, columns = slice(y >> half, (y + high) >> half), slice(x >> half, (x + wide) >> half)
            for old, new in zip(mine, fresh, strict=True):
                old[rows, columns] = new


def _premultiplied(rgba: NDArray[np.uint8]) -> list[tuple[Pixels, Pixels]]:
    """(colour times opacity, 255 - opacity) of Y, U and V."""
    opacity = np.ascontiguousarray(rgba[..., 3])
    half = cv2.resize(opacity, (opacity.shape[1] // 2, opacity.shape[0] // 2), interpolation=cv2.INTER_AREA)
    made = []
    for plane, cover in zip(planes(from_rgb(rgba)), (opacity, half, half), strict=True):
        colour = np.asarray(cv2.multiply(np.ascontiguousarray(plane), cover, scale=1 / 255), np.uint8)
        made.append((colour, np.asarray(255 - cover, np.uint8)))
    return made


@dataclass(frozen=True, slots=True)
class _Places:
    """Where things stand on a card of this programme, in pixels."""

    unit: float
    margin: int
    top: int
    wide: int
    high: int
    clock: Box


def _places(width: int, height: int, winner: bool) -> _Places:
    unit = min(width, height) / 720
    margin = int(min(width, height) * 0.045) & ~1
    wide = int(min(width - 2 * margin, 560 * unit)) & ~1
    high = int((206 if not winner else 214) * unit) & ~1
    clock_wide = int(176 * unit) & ~1
    clock = ((wide - clock_wide - int(18 * unit)) & ~1, int(122 * unit) & ~1, clock_wide, int(74 * unit) & ~1)
    top = round(height * (CLEAR.top if height >= width else 0.07))
    return _Places(unit, margin, top, wide, high, clock)


def _lines(text: str, face: object, wide: float, most: int) -> list[str]:
    """Wrapped at spaces; what does not fit ends in an ellipsis."""
    length: Callable[[str], float] = face.getlength  # type: ignore[attr-defined]
    lines = [""]
    for word in text[:LONGEST].split():
        longer = f"{lines[-1]} {word}".strip()
        if length(longer) <= wide or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    cut = len(lines) > most
    lines = lines[:most]
    while lines[-1] and (length(lines[-1] + ("…" if cut else "")) > wide):
        lines[-1], cut = lines[-1][:-1].rstrip(), True
    return [*lines[:-1], lines[-1] + ("…" if cut else "")]


def draw_card(facts: SetOverlay, width: int, height: int) -> Layer:
    """All of the card but its clock."""
    at = _places(width, height, bool(facts.winner))
    unit = at.unit
    image = Image.new("RGBA", (at.wide, at.high), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    plate = PLATE_SOLD if facts.winner else PLATE
    draw.rounded_rectangle((0, 0, at.wide - 1, at.high - 1), radius=int(18 * unit), fill=plate)
    lot, sold = _WORDS[facts.language]
    left, room = 22 * unit, at.wide - 44 * unit
    if facts.number:
        draw.text(
            (left, 18 * unit), lot.format(facts.number), font=lettering.font("SemiBold", int(24 * unit)), fill=DIM
        )
    face = lettering.font("SemiBold", int(31 * unit))
    title = _lines(facts.title, face, room, 1 if facts.winner else 2)
    for line, words in enumerate(title):
        draw.text((left, (48 + line * 37) * unit), words, font=face, fill=INK)
    if facts.winner:
        face = lettering.font("Bold", int(36 * unit))
        draw.text((left, 90 * unit), _lines(sold.format(facts.winner), face, room, 1)[0], font=face, fill=GOOD)
    if facts.price_cents >= 0:
        price = money(facts.price_cents, facts.currency, facts.language)
        face = lettering.font("ExtraBold", int(66 * unit))
        most = room if facts.winner else at.clock[0] - left
        size = 66.0
        while size > 24 and face.getlength(price) > most:
            size -= 4
            face = lettering.font("ExtraBold", int(size * unit))
        draw.text((left, at.high - 16 * unit), price, font=face, fill=INK, anchor="ls")
    return Layer(image, at.margin, at.top)


def draw_logo(path: str, width: int, height: int) -> Layer | None:
    """The picture file in the top right corner; None when it cannot be read."""
    at = _places(width, height, False)
    most, floor = int(120 * at.unit), at.top - int(12 * at.unit)
    if height >= width:
        most = min(most, floor - math.ceil(BARE.top * height)) & ~1  # above the card, and never on it
    try:
        with Image.open(path) as opened:
            image = ImageOps.exif_transpose(opened).convert("RGBA")
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError) as error:
        log.info("logo_unreadable error=%s", type(error).__name__)
        return None
    image.thumbnail((max(2, most), max(2, most)), Image.Resampling.LANCZOS)
    whole = Image.new("RGBA", (image.width + (image.width & 1), image.height + (image.height & 1)), (0, 0, 0, 0))
    whole.paste(image, (0, 0))
    return Layer(whole, width - at.margin - whole.width, at.top if width > height else floor - whole.height)


class Overlay:
    """`show` from any one thread at a time, `draw` on the tick."""

    def __init__(self) -> None:
        self.facts = SetOverlay()
        self._lock = threading.Lock()
        self._size = (0, 0)
        self._card: Layer | None = None
        self._logo: Layer | None = None
        self._clock_shown: int | None = None
        self.drawn = 0
        """Cards drawn, for those who count."""

    def show(self, facts: SetOverlay, width: int, height: int) -> None:
        """From the next frame on. Takes up to 20 ms: not for the loop, not for the tick."""
        before, resized = self.facts, self._size != (width, height)
        card, logo = self._card, self._logo
        if not facts.shown:
            card = logo = None
        else:
            seen = ("shown", "number", "title", "price_cents", "currency", "winner", "language")
            if resized or any(getattr(before, name) != getattr(facts, name) for name in seen):
                has_card = bool(facts.number or facts.title)
                card = draw_card(facts, width, height) if has_card else None
                self.drawn += 1
            if resized or (before.shown, before.logo) != (True, facts.logo):
                logo = draw_logo(facts.logo, width, height) if facts.logo else None
        with self._lock:
            if card is not self._card:
                self._clock_shown = None
            self.facts, self._size, self._card, self._logo = facts, (width, height), card, logo
        if card is not None:
            self._keep_time(time.monotonic_ns())

    def _keep_time(self, at_ns: int) -> None:
        with self._lock:
            card, facts = self._card, self.facts
            seconds = None if facts.winner else left_s(facts, at_ns)
            if card is None or seconds == self._clock_shown:
                return
            self._clock_shown = seconds
            at = _places(*self._size, bool(facts.winner))

            def clock(piece: Image.Image) -> None:
                if seconds is None:
                    return
                face = lettering.font("ExtraBold", int(54 * at.unit))
                colour = SOON if seconds < SOON_S else INK
                words = f"{seconds // 60}:{seconds % 60:02d}"
                ImageDraw.Draw(piece).text(
                    (piece.width, piece.height - 6 * at.unit), words, font=face, fill=colour, anchor="rs"
                )

            card.redraw(at.clock, clock)

    def draw(self, pixels: Pixels, at_ns: int) -> Under:
        """Lays what is shown on a frame; what was under it, for `lift`."""
        if self._card is None and self._logo is None:
            return ()
        with self._lock:
            card, logo, size = self._card, self._logo, self._size
        if (pixels.shape[1], pixels.shape[0] * 2 // 3) != size:
            return ()
        if card is not None:
            self._keep_time(at_ns)
        return tuple((layer.box, layer.lay(pixels)) for layer in (card, logo) if layer is not None)


def lift(pixels: Pixels, under: Under) -> None:
    """Takes the layers off a copy of the frame they were laid on."""
    for (x, y, wide, high), parts in reversed(under):
        for index, (plane, part) in enumerate(zip(planes(pixels), parts, strict=True)):
            half = 0 if index == 0 else 1
            plane[y >> half : (y + high) >> half, x >> half : (x + wide) >> half] = part
