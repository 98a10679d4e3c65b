"""The programme as the engine last drew it, as a picture ready to paint.

Promises: `newest` never waits and never shows half a frame; a file that is not
there, or was replaced (the engine came back), is found again within a second.
"""

from __future__ import annotations

import time
from pathlib import Path

from PySide6.QtGui import QImage

from seller_console.link.preview import PreviewPicture, PreviewReader, PreviewUnreadable

LOOK_AGAIN_S = 0.7


class Frames:
    """One reader of the preview file; `newest` gives each frame once."""

    def __init__(self) -> None:
        self._path = ""
        self._reader: PreviewReader | None = None
        self._identity: tuple[int, int] = (0, 0)
        self._looked = -1e9
        self._kept: PreviewPicture | None = None

    def watch(self, path: str) -> None:
        """The file to look at; "" for none."""
        if path != self._path:
            self._path = path
            self.close()

    def newest(self) -> QImage | None:
        """The newest frame not given before, or None. Its pixels stay ours: paint or copy it."""
        self._look()
        if self._reader is None:
            return None
        picture = self._reader.read()
        if picture is None:
            return None
        self._kept = picture  # QImage does not own the bytes
        return QImage(picture.pixels, picture.width, picture.height, picture.stride, QImage.Format.Format_RGB32)

    @property
    def age_s(self) -> float:
        """How old the newest frame is; infinity when there never was one."""
        return (time.monotonic_ns() - self._kept.captured_ns) / 1e9 if self._kept else float("inf")

    def _look(self) -> None:
        now = time.monotonic()
        if not self._path or now - self._looked < LOOK_AGAIN_S:
            return
        self._looked = now
        try:
            found = Path(self._path).stat()
        except OSError:
            return
        identity = (found.st_ino, found.st_size)
        if self._reader is not None and identity == self._identity:
            return
        self.close()
        self._looked = now
        try:
            self._reader = PreviewReader(self._path)
        except PreviewUnreadable:
            return
        self._identity = identity

    def close(self) -> None:
        self._looked = -1e9
        if self._reader is not None:
            self._reader.close()
            self._reader = None
        self._kept = None
