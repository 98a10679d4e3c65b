"""How encoded packets become a file or a stream: one muxer for recording, clips and further destinations.

The encoders' packets are shared, and a muxer rescales what it is given: each muxer
copies. It begins at an IDR; sound from before it is left out; its time starts at zero.
Opus goes into a stream made with an encoder's parameters (its header), H.264 into one
without (PyAV takes SPS and PPS out of the first IDR).
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import av

from ..rtc.payload import Codec
from .claims import Claim
from .clock import AUDIO_BASE, AUDIO_HZ, VIDEO_BASE, VIDEO_HZ
from .encode import Packet
from .priority import go_last

log = logging.getLogger("engine.muxing")

PATIENCE_S, SLOW_DISK = 60.0, 2_000_000
"""A rewrapping is given a minute, and a second more for so many bytes."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A packet of ours, copied once. `pts` on the media clock, in 1/90000 s (video) or 1/48000 s (sound)."""

    kind: Literal["video", "audio"]
    data: bytes
    pts: int
    key: bool

    @property
    def base(self) -> Fraction:
        return VIDEO_BASE if self.kind == "video" else AUDIO_BASE

    @property
    def at_s(self) -> float:
        return self.pts / (VIDEO_HZ if self.kind == "video" else AUDIO_HZ)


def copy_of(kind: Literal["video", "audio"], packet: Packet) -> Unit:
    return Unit(kind, bytes(packet), int(packet.pts or 0), kind == "video" and bool(packet.is_keyframe))


@contextlib.contextmanager
def _as_oserror() -> Iterator[None]:
    """FFmpeg's errors, translated once: callers know OSError."""
    try:
        yield
    except av.FFmpegError as error:
        raise OSError(error.errno or 0, error.strerror or str(error)) from error


def can_stream(url: str) -> bool:
    """Has this build of FFmpeg the protocol of this address? Nothing is opened, no name looked up."""
    if "://" not in url:
        return True
    try:
        av.open(url, options={"protocol_whitelist": "none"}).close()
    except av.ProtocolNotFoundError:
        return False
    except (av.FFmpegError, ValueError):
        pass  # it is known, and not on the list
    return True


class Muxer:
    """One file or stream. Raises OSError when it cannot be opened, written or closed."""

    def __init__(
        self,
        target: str,
        format_name: str,
        size: tuple[int, int],
        fps: int,
        options: dict[str, str] | None = None,
        sound_codec: str = "libopus",
        codec: Codec = "H264",
    ) -> None:
        sound: dict[str, Any] = {"layout": "mono", "format": "flt", "bit_rate": 64_000}
        if sound_codec == "aac":
            sound = {"layout": "mono", "format": "fltp", "bit_rate": 96_000}
        with _as_oserror():
            self._container: Any = av.open(target, "w", format=format_name, options=options or {})
            self._video: Any = self._container.add_mux_stream(codec.lower(), rate=fps, width=size[0], height=size[1])
            self._video.time_base = VIDEO_BASE
            self.sound: Any = self._container.add_stream(sound_codec, rate=AUDIO_HZ, **sound)
        self._zero: dict[str, int] = {}
        """The pts of each kind at which the file begins; empty: it has not begun."""
        self._last: dict[str, int] = {}
        self.seconds = 0.0
        self.bytes = 0

    def write(self, unit: Unit) -> bool:
        """False: left out, the first IDR has not come."""
        if not self._zero:
            if not unit.key:
                return False
            self._zero = {"video": unit.pts, "audio": unit.pts * AUDIO_HZ // VIDEO_HZ}
        pts = unit.pts - self._zero[unit.kind]
        if pts < 0 or pts <= self._last.get(unit.kind, -1):
            return False
        self._last[unit.kind] = pts
        packet: Any = av.Packet(unit.data)
        packet.pts = packet.dts = pts
        packet.time_base = unit.base
        packet.stream = self._video if unit.kind == "video" else self.sound
        packet.is_keyframe = unit.key or unit.kind == "audio"
        with _as_oserror():
            self._container.mux(packet)
        self.seconds = max(self.seconds, pts / (VIDEO_HZ if unit.kind == "video" else AUDIO_HZ))
        self.bytes += len(unit.data)
        return True

    def close(self) -> None:
        with _as_oserror():
            self._container.close()


def rewrap(source: Path, target: Path, packets: int) -> None:
    """`source`, which holds `packets`, becomes the MP4 `target`. Blocks. Raises OSError: `source` is still there.

    In a program of its own, which ends its work even when ours has gone: in the engine the tables of half an
    hour (some 8 MB) would lie among what is on air, and never quite go back to the system.
    """
    child = subprocess.Popen(
        [sys.executable, "-m", "seller_console.engine.muxing", str(source), str(target), str(packets)],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        start_new_session=True,  # Ctrl C in a terminal is for us
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )  # fmt: skip
    try:
        said = child.communicate(timeout=PATIENCE_S + source.stat().st_size / SLOW_DISK)[1]
    except subprocess.TimeoutExpired as late:
        child.kill()  # and not waited for: it may hang in a disk that is gone
        raise OSError("it took too long") from late
    if child.returncode:
        raise OSError((said.strip().splitlines() or [f"ended with {child.returncode}"])[-1])


def to_mp4(source: Path, target: Path, packets: int = 0) -> float:
    """Rewrap, nothing re-encoded; seconds written. Whole and on the disk, or not at all; then `source` goes.

    `packets`: how many there must be; 0: it was cut short, what can be read is what there is. Raises OSError.
    """
    half = target.with_suffix(".part")
    try:
        with _as_oserror():
            copied = _copy(source, half)
            with av.open(str(half)) as check:
                written = (check.duration or 0) / 1_000_000
        if not written or copied < packets:
            raise OSError(f"{copied} of {packets} packets could be read")
        _sync(half)
        half.replace(target)
        _sync(target.parent)
    finally:
        half.unlink(missing_ok=True)
    source.unlink()
    return written


def _sync(path: Path) -> None:
    """Onto the disk, before what it was made from goes. Folders only where the system lets one open them."""
    with contextlib.suppress(OSError) if path.is_dir() else contextlib.nullcontext():
        handle = os.open(path, os.O_RDWR if path.is_file() else os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _copy(source: Path, target: Path) -> int:
    options = {"movflags": "faststart"}
    with av.open(str(source)) as came, av.open(str(target), "w", format="mp4", options=options) as out:
        streams: dict[int, Any] = {stream.index: out.add_stream_from_template(stream) for stream in came.streams}
        last: dict[int, int] = {}
        copied = 0
        try:
            for packet in came.demux():
                index = packet.stream.index
                if packet.dts is None or packet.dts <= last.get(index, -1):
                    continue
                last[index] = packet.dts
                packet.stream = streams[index]
                out.mux(packet)
                copied += 1
        except av.InvalidDataError:
            log.info("cut_short path=%s", source)  # by a crash; everything before the cut is kept
    return copied


def _give_up(number: int, _frame: object) -> None:
    """At once: an exception out of a signal is lost in FFmpeg's callbacks."""
    Path(sys.argv[2]).with_suffix(".part").unlink(missing_ok=True)
    claim.free()
    os._exit(128 + number)


if __name__ == "__main__":
    claim = Claim(Path(sys.argv[1]))
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), _give_up)
    go_last()
    if not claim.take() and claim.others:
        sys.exit("another program is at it")
    try:
        to_mp4(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
    except OSError as error:
        sys.exit(str(error) or type(error).__name__)
    finally:
        claim.free()
