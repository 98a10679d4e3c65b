"""How the programme reaches the window: pixels in an mmap file, three slots, sequence-locked.

Full: overwrites the oldest slot; a reader that is slow skips frames, never waits and
never sees half a frame. Layout: contract.media.Preview; the reader is link.preview.
The file is sized for the largest preview once, so a change of geometry moves no bytes
under a reader's feet; a new engine makes a new file.
"""

from __future__ import annotations

import mmap
from pathlib import Path

import cv2
import numpy as np

from ..contract.media import Preview
from .picture import Pixels, planes, to_bgra

SHORT_SIDE, LONG_SIDE = 540, 960
"""Pixels: the preview is scaled in the engine to fit these, keeping its shape."""


def preview_size(width: int, height: int) -> tuple[int, int]:
    """Width and height (even) of the preview of a programme of this size."""
    scale = min(1.0, SHORT_SIDE / min(width, height), LONG_SIDE / max(width, height))
    return max(2, int(width * scale + 0.5) & ~1), max(2, int(height * scale + 0.5) & ~1)


class PreviewWriter:
    """One writer a file. `set_size` then `write`, from one thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._slot_bytes = Preview.SLOT_HEADER_BYTES + SHORT_SIDE * LONG_SIDE * 4
        size = Preview.HEADER_BYTES + Preview.SLOTS * self._slot_bytes
        path.touch(mode=0o600)
        with path.open("r+b") as file:
            file.truncate(size)
            self._map = mmap.mmap(file.fileno(), size)
        self._width = self._height = 0
        self._generation = 0
        self._latest = 0
        self._sequences = [0] * Preview.SLOTS
        self._scaled: Pixels | None = None

    def set_size(self, width: int, height: int) -> None:
        """The programme's size in pixels; readers see a new generation."""
        wide, high = preview_size(width, height)
        if (wide, high) == (self._width, self._height):
            return
        self._width, self._height = wide, high
        self._generation += 1
        self._scaled = np.empty((high * 3 // 2, wide), np.uint8)
        for slot in range(Preview.SLOTS):
            self._begin(slot)
            self._end(slot, 0, 0)
        Preview.HEADER.pack_into(
            self._map,
            0,
            Preview.MAGIC,
            Preview.VERSION,
            Preview.SLOTS,
            wide,
            high,
            wide * 4,
            self._generation,
            self._slot_bytes,
            self._latest,
        )

    def _offset(self, slot: int) -> int:
        return Preview.HEADER_BYTES + slot * self._slot_bytes

    def _begin(self, slot: int) -> None:
        self._sequences[slot] += 1
        self._map[self._offset(slot) : self._offset(slot) + 8] = self._sequences[slot].to_bytes(8, "little")

    def _end(self, slot: int, frame: int, captured_ns: int) -> None:
        self._sequences[slot] += 1
        Preview.SLOT_HEADER.pack_into(self._map, self._offset(slot), self._sequences[slot] - 1, frame, captured_ns)
        self._map[self._offset(slot) : self._offset(slot) + 8] = self._sequences[slot].to_bytes(8, "little")

    def write(self, pixels: Pixels, frame: int, captured_ns: int) -> None:
        """Scale this I420 picture of the programme's size and publish it. `frame` counts from 1."""
        if self._scaled is None:
            return
        source = pixels
        if source.shape != self._scaled.shape:
            for plane, target in zip(planes(pixels), planes(self._scaled), strict=True):
                cv2.resize(plane, (target.shape[1], target.shape[0]), dst=target, interpolation=cv2.INTER_LINEAR)
            source = self._scaled
        slot = (self._latest + 1) % Preview.SLOTS
        self._begin(slot)
        view = np.frombuffer(
            self._map, np.uint8, self._width * self._height * 4, self._offset(slot) + Preview.SLOT_HEADER_BYTES
        ).reshape(self._height, self._width, 4)
        to_bgra(source, view)
        del view
        self._end(slot, frame, captured_ns)
        self._latest = slot
        at = Preview.LATEST_OFFSET
        self._map[at : at + 4] = slot.to_bytes(4, "little")

    def close(self) -> None:
        """Let go of the file and delete it; readers keep what they mapped."""
        self._map.close()
        self.path.unlink(missing_ok=True)
