"""Lot pictures, read off the hot path and kept small.

Promises: `of` answers at once with what is known (None: no picture, or not read
yet) and emits `arrived` when one comes; reads one file at a time from a thread of
its own; keeps at most 600 thumbnails. A missing or broken file stays None.
"""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

from PySide6.QtCore import QObject, QRunnable, QSize, Qt, QThreadPool, Signal, SignalInstance
from PySide6.QtGui import QImage, QImageReader, QPixmap

SIDE = 192
KEPT = 600


class _Reading(QRunnable):
    def __init__(self, path: str, done: SignalInstance) -> None:
        super().__init__()
        self._path = path
        self._done = done

    def run(self) -> None:
        reader = QImageReader(self._path)
        reader.setAutoTransform(True)
        full = reader.size()
        if full.isValid() and min(full.width(), full.height()) > SIDE:
            reader.setScaledSize(full.scaled(QSize(SIDE, SIDE), Qt.AspectRatioMode.KeepAspectRatioByExpanding))
        image = reader.read()
        try:
            self._done.emit(self._path, image)
        except RuntimeError:  # the shelf went while we read
            return


class Pictures(QObject):
    arrived = Signal(str)
    _read = Signal(str, QImage)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._kept: OrderedDict[str, QPixmap | None] = OrderedDict()
        self._asked: set[str] = set()
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(1)
        self._read.connect(self._came, Qt.ConnectionType.QueuedConnection)

    def of(self, path: str) -> QPixmap | None:
        if not path or "://" in path:
            return None
        if path in self._kept:
            self._kept.move_to_end(path)
            return self._kept[path]
        if path not in self._asked and Path(path).is_file():
            self._asked.add(path)
            self._pool.start(_Reading(path, self._read))
        elif path not in self._asked:
            self._keep(path, None)
        return None

    def forget(self, path: str) -> None:
        self._kept.pop(path, None)
        self._asked.discard(path)

    def _came(self, path: str, image: QImage) -> None:
        self._asked.discard(path)
        self._keep(path, None if image.isNull() else QPixmap.fromImage(image))
        self.arrived.emit(path)

    def _keep(self, path: str, pixmap: QPixmap | None) -> None:
        self._kept[path] = pixmap
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)

    def finish(self) -> None:
        """No more reading; waits for the file being read."""
        self._pool.clear()
        self._pool.waitForDone(2000)
