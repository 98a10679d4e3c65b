"""How the window sees the programme without asking: the reader's side of the preview file.

`PreviewReader.read()` gives the newest whole frame once, or None when there is
nothing new; never half a frame, never waits. One copy of the pixels is made.
Layout and lock: contract.media.Preview. Writer: the engine, alone.
"""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from pathlib import Path

from ..contract.media import Preview

_TRIES = 4


class PreviewUnreadable(Exception):
    """The file is not there, not ours, or not whole; str() says which."""


@dataclass(frozen=True, slots=True)
class PreviewPicture:
    """BGRA, `stride` bytes a row, top row first. `captured_ns` is time.monotonic_ns of the frame's moment."""

    width: int
    height: int
    stride: int
    pixels: bytes
    frame: int
    captured_ns: int
    generation: int


class PreviewReader:
    """One per window. Raises PreviewUnreadable on opening; after an engine restart open the path it says anew."""

    def __init__(self, path: str | Path) -> None:
        try:
            with Path(path).open("rb") as file:
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            raise PreviewUnreadable(f"{path}: {error}") from error
        header_ok = len(self._map) >= Preview.HEADER_BYTES and self._map[:8] in (Preview.MAGIC, bytes(8))
        if not header_ok:
            self._map.close()
            raise PreviewUnreadable(f"{path}: not a preview")
        self._seen: tuple[int, int] = (0, 0)

    def read(self) -> PreviewPicture | None:
        """The newest whole frame if it was not given before."""
        for _ in range(_TRIES):
            header = Preview.HEADER.unpack_from(self._map, 0)
            magic, version, slots, width, height, stride, generation, slot_bytes, latest = header
            if magic != Preview.MAGIC or version != Preview.VERSION or latest >= slots:
                return None
            at = Preview.HEADER_BYTES + latest * slot_bytes
            if at + slot_bytes > len(self._map) or stride * height > slot_bytes - Preview.SLOT_HEADER_BYTES:
                return None
            sequence, frame, captured_ns = Preview.SLOT_HEADER.unpack_from(self._map, at)
            if sequence & 1:
                continue
            if frame == 0 or (generation, frame) == self._seen:
                return None
            start = at + Preview.SLOT_HEADER_BYTES
            pixels = self._map[start : start + stride * height]
            if int.from_bytes(self._map[at : at + 8], "little") != sequence:
                continue
            if Preview.HEADER.unpack_from(self._map, 0)[6] != generation:
                continue
            self._seen = (generation, frame)
            return PreviewPicture(width, height, stride, pixels, frame, captured_ns, generation)
        return None

    def close(self) -> None:
        self._map.close()
