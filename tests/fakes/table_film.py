"""A seller's table as a camera sees it, and what can go wrong with it: pictures by the clock, the same for a seed.

Cards and cloth (sharp print over smooth areas) drift slowly; every few seconds a cut to
another table, a change of light, or a hand passing over the middle; the sensor's noise
on top. `bring` puts other things on the tables: plush has no edge and no print, only fur.
A fault is laid over the picture before the noise (blur, black, white) or takes the place
of the camera (frozen). Black and white are to some sensors without any noise: with every
other seed each picture is then exactly the one before.
"""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np

from seller_console.engine.picture import Picture, Pixels

WIDTH, HEIGHT = 640, 360
Content = Literal["cards", "plush"]
Fault = Literal["", "picture_black", "picture_frozen", "picture_overexposed", "picture_blurred"]


class TableFilm:
    """`at(seconds, fault)` is the picture of that moment; moments must grow."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._flat = seed % 2 == 1
        self._content: Content = "cards"
        self._number = 0
        self._last: Picture | None = None
        self._next_event_s = 0.0
        self._light = 1.0
        self._hand_until_s = -1.0
        self._table = self._lay()

    def bring(self, content: Content) -> None:
        """From the next picture on, and on every table to come."""
        self._content = content
        self._table = self._lay()

    def _lay(self) -> Pixels:
        return self._lay_cards() if self._content == "cards" else self._lay_plush()

    def _lay_plush(self) -> Pixels:
        """Round toys on a cloth, their fur softer than print and never still to the eye."""
        rng = self._rng
        size = (HEIGHT + 80, WIDTH + 80)
        table = np.full(size, float(rng.integers(60, 130)), np.float32)
        for _ in range(int(rng.integers(2, 5))):
            centre = (int(rng.integers(100, WIDTH)), int(rng.integers(100, HEIGHT)))
            body = np.zeros(size, np.float32)
            cv2.ellipse(body, centre, (int(rng.integers(70, 130)), int(rng.integers(70, 130))), 0, 0, 360, 1.0, -1)
            body = cv2.GaussianBlur(body, (0, 0), 6)
            table = table * (1 - body) + float(rng.integers(90, 200)) * body
        fur = cv2.GaussianBlur(rng.normal(0, 30, size).astype(np.float32), (0, 0), 1.3)
        fur += cv2.GaussianBlur(rng.normal(0, 120, size).astype(np.float32), (0, 0), 4)
        return np.clip(table + fur, 20, 225).astype(np.uint8)

    def _lay_cards(self) -> Pixels:
        """A table with cards: frames, pictures of soft blobs, lines of small print."""
        rng = self._rng
        table = np.full((HEIGHT + 80, WIDTH + 80), float(rng.integers(60, 130)), np.float32)
        table += cv2.GaussianBlur(rng.normal(0, 6, table.shape).astype(np.float32), (0, 0), 2)
        for _ in range(int(rng.integers(4, 9))):
            x, y = int(rng.integers(0, WIDTH - 90)), int(rng.integers(0, HEIGHT - 130))
            wide, high = int(rng.integers(80, 130)), int(rng.integers(110, 170))
            card = np.full((high, wide), float(rng.integers(150, 215)), np.float32)
            blob = cv2.GaussianBlur(rng.normal(0, 60, (high, wide)).astype(np.float32), (0, 0), 7) * 5
            card[10 : high // 2, 8 : wide - 8] += blob[10 : high // 2, 8 : wide - 8]
            print_on = np.zeros((high, wide), np.uint8)
            for line in range(high // 2 + 6, high - 8, 8):
                for start in range(8, wide - 16, int(rng.integers(6, 12))):
                    letter = chr(int(rng.integers(65, 91)))
                    cv2.putText(print_on, letter, (start, line + 6), 0, 0.24, 255, 1, cv2.LINE_AA)
            card -= print_on.astype(np.float32) * ((card - 40) / 255)
            cv2.rectangle(card, (0, 0), (wide - 1, high - 1), 30.0, 2)
            table[y : y + high, x : x + wide] = card[: table.shape[0] - y, : table.shape[1] - x]
        return np.clip(table, 20, 225).astype(np.uint8)

    def _happen(self, now_s: float) -> None:
        what = self._rng.integers(0, 3)
        if what == 0:
            self._table = self._lay()
        elif what == 1:
            self._light = float(self._rng.uniform(0.65, 1.15))
        else:
            self._hand_until_s = now_s + float(self._rng.uniform(0.5, 2.5))
        self._next_event_s = now_s + float(self._rng.uniform(2, 7))

    def at(self, now_s: float, fault: Fault = "") -> Picture:
        if fault == "picture_frozen" and self._last is not None:
            self._number += 1
            return Picture(self._last.pixels, int(now_s * 1e9), self._number)
        if now_s >= self._next_event_s:
            self._happen(now_s)
        x, y = int(40 + 38 * np.sin(now_s / 3.1)), int(40 + 38 * np.cos(now_s / 4.3))
        view = self._table[y : y + HEIGHT, x : x + WIDTH].astype(np.float32) * self._light
        if now_s < self._hand_until_s:
            centre = (int(WIDTH * (0.3 + 0.4 * (now_s % 1))), HEIGHT // 2)
            cv2.ellipse(view, centre, (120, 90), 30, 0, 360, 150.0 * self._light, -1, cv2.LINE_AA)
        if fault == "picture_blurred":
            view = cv2.GaussianBlur(view, (0, 0), 2.5)
        elif fault == "picture_black":
            view[:] = 18
        elif fault == "picture_overexposed":
            view = view / self._light * 2.5 + 120
        if not (self._flat and fault in ("picture_black", "picture_overexposed")):
            view += self._rng.normal(0, 1.5, view.shape)
        elif fault == "picture_overexposed":
            view[:] = 250
        pixels = np.full((HEIGHT * 3 // 2, WIDTH), 128, np.uint8)
        pixels[:HEIGHT] = np.clip(view, 16, 235)
        self._number += 1
        self._last = Picture(pixels, int(now_s * 1e9), self._number)
        return self._last
