"""Files as cameras and microphones: looped, placed on the media clock, so that both halves of one file agree.

Where a file is in its loop is (media clock) modulo (its length): picture and sound,
opened apart, at different moments, still meet. A still picture is a file that never moves.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from .clock import AUDIO_HZ, SECOND_NS
from .device import DeviceGone, DeviceThread
from .encode import BLOCK
from .picture import Picture, Pixels, from_rgb, planes
from .sound import Samples, SoundFacts

UNREADABLE = (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError)
"""What PIL raises of a picture it cannot read; SyntaxError is a broken PNG."""
STILLS = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp"})
_BT601, _BT709, _FULL_RANGE = 5, 1, 2
_AHEAD = AUDIO_HZ // 2
"""Samples decoded ahead of need; full: the decoder waits."""


def to_i420(frame: Any) -> Pixels:
    """A decoded frame as we keep pictures: even sides, limited range, BT.601, upright."""
    width, height = frame.width & ~1, frame.height & ~1
    fits = frame.format.name == "yuv420p" and (width, height) == (frame.width, frame.height)
    if not fits or frame.color_range == _FULL_RANGE or frame.colorspace == _BT709:
        frame = frame.reformat(
            width=width, height=height, format="yuv420p", dst_colorspace=_BT601, dst_color_range="MPEG"
        )
    pixels: Pixels = frame.to_ndarray()
    return pixels


def turn(pixels: Pixels, degrees: int) -> Pixels:
    """Rotated anticlockwise by a multiple of 90 degrees."""
    how = {90: cv2.ROTATE_90_COUNTERCLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_CLOCKWISE}.get(degrees % 360)
    if how is None:
        return pixels
    turned = [cv2.rotate(plane, how) for plane in planes(pixels)]
    high, wide = turned[0].shape
    return np.concatenate([plane.reshape(-1) for plane in turned]).reshape(high * 3 // 2, wide)


def _open(path: str) -> Any:
    try:
        return av.open(path)
    except (av.FFmpegError, OSError) as error:
        raise DeviceGone(error.strerror or "cannot be read") from error


def _length_ns(container: Any) -> int:
    return int(container.duration * 1000) if container.duration else 0


class FileCamera:
    """A video file or a still picture."""

    def __init__(self, path: str, origin_ns: int) -> None:
        self._path = path
        self._origin_ns = origin_ns
        self._container: Any = None
        self._still: Pixels | None = None
        self._frames: Iterator[tuple[int, Any]] | None = None
        self._count = 0

    def open(self) -> None:
        if not Path(self._path).is_file():
            raise DeviceGone("there is no such file")
        if Path(self._path).suffix.lower() in STILLS:
            try:
                with Image.open(self._path) as image:
                    upright = ImageOps.exif_transpose(image).convert("RGB")
                    upright.thumbnail((3840, 3840))
                    self._still = from_rgb(np.asarray(upright))
            except UNREADABLE as error:
                raise DeviceGone(str(error)) from error
            return
        self._container = _open(self._path)
        if not self._container.streams.video:
            raise DeviceGone("the file has no picture")
        self._frames = self._play(self._container.streams.video[0])

    def _play(self, stream: Any) -> Iterator[tuple[int, Any]]:
        """(when it is due, frame) for ever."""
        stream.thread_type = "SLICE"
        length_ns = _length_ns(self._container)
        now_ns = time.monotonic_ns()
        since_ns = now_ns - self._origin_ns
        loop_ns = now_ns - since_ns % length_ns if length_ns else now_ns
        if now_ns - loop_ns > SECOND_NS:
            self._container.seek((now_ns - loop_ns) // 1000)
        while True:
            first_ns = int((stream.start_time or 0) * stream.time_base * SECOND_NS)
            shown = 0
            for frame in self._container.decode(stream):
                if frame.pts is None:  # a raw stream has no times: the pace is its own, or the usual one
                    due_ns = loop_ns + int(shown * SECOND_NS / (stream.average_rate or stream.guessed_rate or 25))
                else:
                    due_ns = loop_ns + int(frame.pts * frame.time_base * SECOND_NS) - first_ns
                shown += 1
                if due_ns > time.monotonic_ns() - SECOND_NS // 10:
                    yield due_ns, frame
            if not shown:
                raise DeviceGone("the file has no picture")
            loop_ns = loop_ns + length_ns if length_ns else time.monotonic_ns()
            stream = self._rewound()

    def _rewound(self) -> Any:
        """The picture's stream, at its beginning; a raw stream knows no places and is opened again."""
        try:
            self._container.seek(0)
        except av.FFmpegError:
            self._container.close()
            self._container = _open(self._path)
            self._container.streams.video[0].thread_type = "SLICE"
        return self._container.streams.video[0]

    def read(self) -> Picture:
        self._count += 1
        if self._still is not None:
            time.sleep(0.2 if self._count > 1 else 0)
            return Picture(self._still, time.monotonic_ns(), self._count)
        if self._frames is None:
            raise DeviceGone("not open")
        try:
            due_ns, frame = next(self._frames)
        except (av.FFmpegError, StopIteration) as error:
            raise DeviceGone(f"the file ends in {type(error).__name__}") from error
        pixels = turn(to_i420(frame), frame.rotation)
        time.sleep(max(0, min(due_ns - time.monotonic_ns(), SECOND_NS)) / SECOND_NS)
        return Picture(pixels, time.monotonic_ns(), self._count)

    def close(self) -> None:
        self._frames = None
        if self._container is not None:
            self._container.close()
            self._container = None


class FileSound(DeviceThread[Any]):
    """The sound of a file: decoded half a second ahead on a thread of its own."""

    what = "sound"
    delay_ns = 0
    facts = SoundFacts()

    def __init__(self, spec: str, name: str, path: str, origin_ns: int) -> None:
        super().__init__(spec, name, partial(_open, path))
        self._origin_ns = origin_ns
        self._chunks: deque[tuple[int, Samples]] = deque()
        self._wanted = 0
        self._lock = threading.Condition()

    def start(self) -> None:
        self._wanted = self._index(time.monotonic_ns())
        super().start()

    def _index(self, at_ns: int) -> int:
        return round((at_ns - self._origin_ns) * AUDIO_HZ / SECOND_NS)

    def pull(self, due_ns: int) -> Samples:
        want = self._index(due_ns)
        out = np.zeros(BLOCK, np.float32)
        with self._lock:
            self._wanted = want
            while self._chunks and self._chunks[0][0] + len(self._chunks[0][1]) <= want:
                self._chunks.popleft()
            for start, samples in self._chunks:
                if start >= want + BLOCK:
                    break
                begin, end = max(start, want), min(start + len(samples), want + BLOCK)
                out[begin - want : end - want] = samples[begin - start : end - start]
            self._lock.notify()
        return out

    def stop(self) -> None:
        with self._lock:
            self._stopping.set()
            self._lock.notify()
        super().stop()

    def _put(self, start: int, samples: Samples) -> None:
        with self._lock:
            self._chunks.append((start, samples))
            while not self._stopping.is_set() and start > self._wanted + _AHEAD:
                self._lock.wait(0.5)

    def _use(self, container: Any) -> bool:
        if not container.streams.audio:
            raise DeviceGone("the file has no sound")
        length_ns = _length_ns(container)
        now_ns = time.monotonic_ns()
        loop_ns = now_ns - (now_ns - self._origin_ns) % length_ns if length_ns else now_ns
        try:
            if now_ns - loop_ns > SECOND_NS:
                container.seek((now_ns - loop_ns) // 1000)
            while not self._stopping.is_set():
                self._play_once(container, loop_ns)
                loop_ns = loop_ns + length_ns if length_ns else time.monotonic_ns()
                container.seek(0)
        except av.FFmpegError as error:
            raise DeviceGone(error.strerror or "cannot be read") from error
        return False

    def _play_once(self, container: Any, loop_ns: int) -> None:
        stream = container.streams.audio[0]
        first_s = float((stream.start_time or 0) * stream.time_base)
        resampler = av.AudioResampler("flt", "mono", AUDIO_HZ)
        at: int | None = None
        for frame in container.decode(stream):
            if self._stopping.is_set():
                return
            if at is None:
                at_s = 0.0 if frame.pts is None else float(frame.pts * frame.time_base) - first_s
                at = self._index(loop_ns) + round(at_s * AUDIO_HZ)
            for part in resampler.resample(frame):
                samples = part.to_ndarray().reshape(-1).astype(np.float32)
                self._put(at, samples)
                at += len(samples)
                self._came()
        if at is None:
            raise DeviceGone("the file has no sound")
