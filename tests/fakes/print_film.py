"""A table with things one can read: boxes and cards with a few lines of print, drifting, cut, lit, touched by hands.

Dark print on light and light on dark, some of it lying upside down, slightly askew,
with a camera's softness and grain. `picture_mirrored` is the same seen in a mirror.
"""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from seller_console.engine.lettering import font

WIDE, TALL = 960, 540
WORDS = (
    "Booster", "Écarlate", "cartes", "supplémentaires", "édition", "française", "neuf", "blister", "collection",
    "Limited", "Edition", "trading", "card", "game", "holographic", "rare", "Attaque", "Défense", "Faiblesse",
    "Résistance", "Évolution", "Lessive", "concentrée", "fraîcheur", "quarante", "lavages", "produit", "phosphates",
    "conseils", "dosage", "Made", "France",
)  # fmt: skip
PrintFault = Literal["", "picture_mirrored"]


class PrintFilm:
    """`at(seconds, fault)` is the luma of that moment; moments must grow."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._next_event_s, self._light, self._hand_until_s = 0.0, 1.0, -1.0
        self._table = self._lay()

    def _thing(self) -> NDArray[np.float32]:
        """A box or a card with its print."""
        rng = self._rng
        wide, high = int(rng.integers(200, 340)), int(rng.integers(190, 300))
        ground = int(rng.choice([rng.integers(25, 70), rng.integers(165, 225)]))
        ink = ground + 120 if ground < 100 else ground - 120
        image = Image.new("L", (wide, high), ground)
        draw, y = ImageDraw.Draw(image), 10
        while y < high - 24:
            size = int(rng.integers(16, 30))
            line = " ".join(WORDS[n] for n in rng.integers(0, len(WORDS), 5))
            weight = ("Regular", "Medium", "SemiBold", "Bold")[int(rng.integers(0, 4))]
            draw.text((10, y), line.upper() if rng.random() < 0.3 else line, font=font(weight, size), fill=ink)
            y += int(size * 1.3)
        thing = np.asarray(image, np.float32)
        return thing[::-1, ::-1] if rng.random() < 0.3 else thing

    def _lay(self) -> NDArray[np.float32]:
        rng = self._rng
        table = np.full((TALL + 80, WIDE + 80), float(rng.integers(60, 130)), np.float32)
        table += cv2.GaussianBlur(rng.normal(0, 6, table.shape).astype(np.float32), (0, 0), 2)
        for number in range(4):
            thing = self._thing()
            x = 60 + number % 2 * 460 + int(rng.integers(0, 60))
            y = 30 + number // 2 * 270 + int(rng.integers(0, 30))
            part = table[y : y + thing.shape[0], x : x + thing.shape[1]]
            part[:] = thing[: part.shape[0], : part.shape[1]]
        turn = cv2.getRotationMatrix2D((WIDE / 2, TALL / 2), float(rng.uniform(-5, 5)), 1)
        turned = cv2.warpAffine(table, turn, (WIDE + 80, TALL + 80), borderMode=cv2.BORDER_REFLECT)
        return np.asarray(cv2.GaussianBlur(turned, (0, 0), 0.6), np.float32)

    def _happen(self, now_s: float) -> None:
        what = self._rng.integers(0, 3)
        if what == 0:
            self._table = self._lay()
        elif what == 1:
            self._light = float(self._rng.uniform(0.65, 1.15))
        else:
            self._hand_until_s = now_s + float(self._rng.uniform(0.5, 2.5))
        self._next_event_s = now_s + float(self._rng.uniform(2, 7))

    def at(self, now_s: float, fault: PrintFault = "") -> NDArray[np.uint8]:
        if now_s >= self._next_event_s:
            self._happen(now_s)
        x, y = int(40 + 38 * np.sin(now_s / 3.1)), int(40 + 38 * np.cos(now_s / 4.3))
        view = self._table[y : y + TALL, x : x + WIDE] * self._light
        if now_s < self._hand_until_s:
            centre = (int(WIDE * (0.3 + 0.4 * (now_s % 1))), TALL // 2)
            cv2.ellipse(view, centre, (170, 120), 30, 0, 360, 150.0 * self._light, -1, cv2.LINE_AA)
        view = view + self._rng.normal(0, 1.5, view.shape).astype(np.float32)
        seen = np.clip(view, 16, 235).astype(np.uint8)
        return np.ascontiguousarray(seen[:, ::-1]) if fault == "picture_mirrored" else seen
