"""The last 60 seconds on air, kept in memory for clips of a hammer.

Bound: 60 s of packets; full: the oldest picture group goes (cut at an IDR, so a clip
always begins with a whole picture). What was before a hole in the air goes as well. `save` writes an MP4 from
the IDR before the moment asked, finished by a program of its own.

Packets lie side by side in mappings of their own (see arenas.py): thousands of small ones, as many
megabytes as a minute has, would otherwise come and go among everything else and leave holes there.
"""

from __future__ import annotations

import threading
from collections import deque
from mmap import mmap
from pathlib import Path
from typing import Literal, NamedTuple

from ..rtc.payload import Codec
from .encode import Packet
from .muxing import Muxer, Unit, copy_of, rewrap

KEPT_S = 60.0
BLOCK_BYTES = 1 << 20
HOLE_S = 1.0
"""What lies before a hole in the air is another film."""


class _Kept(NamedTuple):
    """A packet in its block; the block goes with the last of its packets."""

    kind: Literal["video", "audio"]
    data: memoryview
    pts: int
    key: bool
    at_s: float


class Ring:
    """`video` and `audio` on the encoders' threads, `save` on any other."""

    def __init__(self, kept_s: float = KEPT_S) -> None:
        self._kept_s = kept_s
        self._groups: deque[list[_Kept]] = deque()
        self._block, self._used = memoryview(b""), 0
        self._lock = threading.Lock()

    def video(self, packet: Packet) -> None:
        self._put(copy_of("video", packet))

    def audio(self, packet: Packet) -> None:
        self._put(copy_of("audio", packet))

    def _put(self, unit: Unit) -> None:
        with self._lock:
            if self._groups and unit.at_s - self._groups[-1][-1].at_s > HOLE_S:
                self._groups.clear()
            if unit.key:
                self._groups.append([])
            if not self._groups:
                return
            self._groups[-1].append(self._laid_down(unit))
            while len(self._groups) > 1 and unit.at_s - self._groups[1][0].at_s > self._kept_s:
                self._groups.popleft()

    def _laid_down(self, unit: Unit) -> _Kept:
        size = len(unit.data)
        if self._used + size > len(self._block):
            self._block, self._used = memoryview(mmap(-1, max(BLOCK_BYTES, size))), 0
        data = self._block[self._used : self._used + size]
        data[:] = unit.data
        self._used += size
        return _Kept(unit.kind, data, unit.pts, unit.key, unit.at_s)

    @property
    def seconds(self) -> float:
        """How much could be saved now."""
        with self._lock:
            return self._groups[-1][-1].at_s - self._groups[0][0].at_s if self._groups else 0.0

    def clear(self) -> None:
        """The programme's shape changes: what was kept does not fit it."""
        with self._lock:
            self._groups.clear()

    def save(self, path: Path, seconds: float, size: tuple[int, int], fps: int, codec: Codec = "H264") -> float:
        """The last `seconds` (a little more: from an IDR) as MP4; says how many.

        Raises OSError; LookupError when nothing is kept.
        """
        with self._lock:
            if not self._groups:
                raise LookupError("nothing has been on air yet")
            newest_s = self._groups[-1][-1].at_s
            first = 0
            for index, group in enumerate(self._groups):
                if group[0].at_s <= newest_s - seconds:
                    first = index
            kept = [one for group in list(self._groups)[first:] for one in group]
        path.parent.mkdir(parents=True, exist_ok=True)
        raw = path.with_suffix(".clip")
        try:
            raw.open("wb").close()  # FFmpeg opens it with the GIL held: a disk that sleeps would hold up the air
            muxer = Muxer(str(raw), "matroska", size, fps, codec=codec)
            packets = sum(muxer.write(Unit(one.kind, bytes(one.data), one.pts, one.key)) for one in kept)
            muxer.close()
            if codec == "H264":
                rewrap(raw, path, packets)
            else:
                raw.replace(path)  # as it is: no MP4 holds VP8
            return muxer.seconds + 1 / fps  # the last picture has a length, too
        finally:
            raw.unlink(missing_ok=True)
