"""The recording: the packets on air, onto the seller's disk, whatever happens to the program.

Queue of 5 s; full: recording stops with a visible error (the encoder never waits for a
disk); time in which nothing was made, as a laptop slept, does not count. Matroska while
running, in clusters of 0.7 s, so that a killed program loses less than the last second;
segments of 30 minutes, each rewrapped to MP4 when it is whole (VP8 stays as it is: no MP4
holds it).
Ends by itself, in words, when the disk has less than 300 MB left.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import shutil
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from ..rtc.payload import Codec
from .claims import Claim
from .encode import Packet
from .muxing import Muxer, Unit, copy_of, rewrap

log = logging.getLogger("engine.record")

QUEUE_S, QUEUE_UNITS = 5.0, 2000
STEP_S = 0.5
"""More than this between two neighbours is a gap in what was made, not a slow disk."""
SEGMENT_S = 1800.0
RESERVE_BYTES = 300_000_000
DISK_CHECK_S = 2.0
ABANDONED_S = 3600.0
BATCH_S = 0.25
"""The disk is woken for so much at once, not for each of 80 packets a second."""
_OPTIONS = {"cluster_time_limit": "700", "flush_packets": "1"}

RecordState = Literal["off", "waiting", "recording", "finishing", "failed"]


@dataclass(frozen=True, slots=True)
class RecordFacts:
    """`path`: the file being written, or the last one written. `hours_left` at the present rate; -1: not known."""

    state: RecordState
    path: str = ""
    seconds: float = 0.0
    bytes: int = 0
    hours_left: float = -1.0
    error: str = ""
    """disk_full, disk_slow, not_writable or disk_error; kept when what failed has been ended."""
    busy: bool = False
    """Something of it is still being written or rewrapped, though it may have failed."""


_NOT_WRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR, errno.EEXIST)
"""EEXIST: a file stands where the folder would be."""


def code_of(error: Exception) -> str:
    """What a screen has words for."""
    if not isinstance(error, OSError):
        log.error("recording_broken", exc_info=error)
        return "disk_error"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "disk_full"
    return "not_writable" if error.errno in _NOT_WRITABLE else "disk_error"


class Recorder:
    """From `Recorder(...)` to `stop()`; one programme size. `video` and `audio` are called by the encoders' threads."""

    def __init__(
        self,
        folder: Path,
        name: str,
        size: tuple[int, int],
        fps: int,
        ask_idr: Callable[[], None],
        codec: Codec = "H264",
        segment_s: float = SEGMENT_S,
        reserve_bytes: int = RESERVE_BYTES,
    ) -> None:
        self._folder, self._name = folder, name
        self._size, self._fps = size, fps
        self._ask_idr = ask_idr
        self._codec: Codec = codec
        self._segment_s, self._reserve_bytes = segment_s, reserve_bytes
        self._units: deque[tuple[float, Unit]] = deque()
        """Each with how much had been made before it, gaps left out."""
        self._made_s = self._newest_s = 0.0
        self._wake = threading.Condition()
        self._stopping = False
        self._state: RecordState = "waiting"
        self._error = ""
        self._path = self._writing = Path()
        self._segment = 0
        self._past_s = 0.0
        self._past_bytes = 0
        self._began_s = time.monotonic()
        self._muxer: Muxer | None = None
        self._claim: Claim | None = None
        self._hours_left = -1.0
        self._rewrapping: list[threading.Thread] = []
        self._packets = 0
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    def facts(self) -> RecordFacts:
        muxer = self._muxer
        seconds = self._past_s + (muxer.seconds if muxer else 0.0)
        size = self._past_bytes + (muxer.bytes if muxer else 0)
        state = self._state
        busy = self._thread.is_alive() or any(thread.is_alive() for thread in self._rewrapping)
        if self._stopping:
            state = "finishing" if busy else "off"
        path = "" if self._path == Path() else str(self._path)
        return RecordFacts(state, path, round(seconds, 2), size, self._hours_left, self._error, busy)

    def video(self, packet: Packet) -> None:
        self._put(copy_of("video", packet))

    def audio(self, packet: Packet) -> None:
        self._put(copy_of("audio", packet))

    def _put(self, unit: Unit) -> None:
        with self._wake:
            if self._stopping or self._state == "failed":
                return
            self._made_s += min(max(0.0, unit.at_s - self._newest_s), STEP_S)
            self._newest_s = max(self._newest_s, unit.at_s)
            self._units.append((self._made_s, unit))
            if self._made_s - self._units[0][0] > QUEUE_S or len(self._units) > QUEUE_UNITS:
                self._fail("disk_slow")

    def end(self, wait_s: float = 20.0) -> RecordFacts:
        """Writes what is queued and closes; the rewrapping goes on ("finishing"). Blocks: not for the loop."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        self._thread.join(wait_s)
        return self.facts()

    def stop(self, wait_s: float = 20.0) -> RecordFacts:
        """The same, and waits for the rewrapping; what takes longer ends by itself. Blocks: not for the loop."""
        until_s = time.monotonic() + wait_s
        self.end(wait_s)
        for thread in self._rewrapping:
            thread.join(max(0.0, until_s - time.monotonic()))
        return replace(self.facts(), state="off")

    # --- on the recorder's thread ---------------------------------------------------------------

    def _fail(self, code: str, why: str = "") -> None:
        log.warning("recording_failed code=%s why=%s path=%s", code, why, self._path)
        with self._wake:
            self._state, self._error = "failed", code
            self._units.clear()
            self._wake.notify()

    def _run(self) -> None:
        checked_s = 0.0
        self._ask_idr()
        self._sweep()
        while (unit := self._next()) is not None:
            try:
                if unit.key and self._muxer is not None and self._muxer.seconds >= self._segment_s:
                    self._end_segment()
                if self._muxer is None:
                    self._begin_segment()
                muxer = self._muxer
                assert muxer is not None
                if muxer.write(unit):
                    self._packets += 1
                    self._began()
                if muxer.seconds >= self._segment_s:
                    self._ask_idr()
                if time.monotonic() - checked_s > DISK_CHECK_S:
                    checked_s = time.monotonic()
                    self._check_disk()
            except Exception as error:  # what is not the disk's fault ends the recording in words as well
                self._fail(code_of(error), str(error))
        try:
            self._end_segment()
        except Exception as error:
            self._fail(code_of(error), str(error))

    def _began(self) -> None:
        with self._wake:
            if self._state == "waiting":  # a disk that hung until all was given up does not take that back
                self._state = "recording"

    def _next(self) -> Unit | None:
        with self._wake:
            while not self._units and not self._stopping and self._state != "failed":
                self._wake.wait(BATCH_S)
            if self._state == "failed" or not self._units:
                return None
            return self._units.popleft()[1]

    def _sweep(self) -> None:
        """Halves that a power cut left of a rewrapping: their Matroska is there."""
        with contextlib.suppress(OSError):
            for half in self._folder.glob("*-[0-9][0-9].part"):
                if half.with_suffix(".mkv").exists() and time.time() - half.stat().st_mtime > ABANDONED_S:
                    half.unlink()

    def _begin_segment(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._segment += 1
        path = self._folder / f"{self._name}-{self._segment:02d}.mkv"
        while path.exists() or path.with_suffix(".mp4").exists():
            self._segment += 1
            path = self._folder / f"{self._name}-{self._segment:02d}.mkv"
        self._check_disk()
        self._packets = 0
        self._writing = self._path = path
        self._claim = Claim(path)
        self._claim.take()  # where a disk knows no locks it is written all the same
        self._muxer = Muxer(str(path), "matroska", self._size, self._fps, _OPTIONS, codec=self._codec)
        log.info("recording path=%s", path)

    def _end_segment(self) -> None:
        muxer, self._muxer = self._muxer, None
        if muxer is None:
            self._let_go()
            return
        self._past_s += muxer.seconds
        self._past_bytes += muxer.bytes
        path = self._writing
        try:
            muxer.close()
            if not muxer.bytes:
                path.unlink(missing_ok=True)
        finally:
            self._let_go()
        if not muxer.bytes or self._codec != "H264":
            return  # no MP4 holds VP8: the Matroska is what there is
        thread = threading.Thread(target=self._rewrap, args=(path, self._packets), name="rewrap", daemon=True)
        self._rewrapping = [t for t in self._rewrapping if t.is_alive()] + [thread]
        thread.start()

    def _let_go(self) -> None:
        claim, self._claim = self._claim, None
        if claim is not None:
            claim.free()

    def _rewrap(self, path: Path, packets: int) -> None:
        """The Matroska stays when it cannot be rewrapped: nothing recorded is ever lost to a conversion."""
        whole = path.with_suffix(".mp4")
        try:
            if shutil.disk_usage(self._folder).free < path.stat().st_size * 1.1 + self._reserve_bytes:
                raise OSError("no room for a second copy")
            rewrap(path, whole, packets)
        except OSError as error:
            log.info("rewrap_left_out path=%s why=%s", path, error)
            return
        with self._wake:
            if self._path == path:  # nothing newer is being written
                self._path = whole

    def _check_disk(self) -> None:
        free = shutil.disk_usage(self._folder).free
        facts = self.facts()
        if facts.seconds > 3:
            self._hours_left = round(max(0, free - self._reserve_bytes) / (facts.bytes / facts.seconds) / 3600, 2)
        if free < self._reserve_bytes:
            raise OSError(errno.ENOSPC, "the disk is full")
