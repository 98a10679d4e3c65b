"""Encoders of the graphics card: which are tried, how they are opened, and the proof each must give first.

What a build of FFmpeg lists says nothing of the machine it runs on. Each candidate
encodes a second of moving picture at the wanted size in a process of its own, which a
driver may hang or crash; only one whose packets are whole, in order, baseline, key
frames when asked, and decode to the same picture, is used. x264 is what is used
otherwise, and nothing is taken for granted: `Verdict.why` says what went wrong.
VAAPI wants frames that lie on the card, which PyAV cannot make: it fails its proof.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.codec.context import CodecContext

from .clock import VIDEO_BASE
from .encode import IDR_EVERY_S, Packet
from .picture import Pixels, planes

SOFTWARE = "libx264"
PROOF_S = 8.0
FRAMES = 24
LEAST_PSNR = 24.0
_PICTURE_I = 1
_MPEG_RANGE, _BT601 = 1, 6
_BASELINE = 66


@dataclass(frozen=True, slots=True)
class Kind:
    """How an encoder is asked for low delay, no B-frames, key frames on request, a steady rate."""

    name: str
    brand: str
    options: dict[str, str]
    pix_fmt: str = "nv12"
    systems: tuple[str, ...] = ("linux", "win32", "darwin")
    reopens: bool = False
    """A new rate needs the encoder to be opened again."""
    floored: bool = False
    """Keeps a steady rate only when it is told the least as well."""


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("h264_nvenc", "NVENC", {
            "preset": "p4", "tune": "ull", "rc": "cbr", "zerolatency": "1", "delay": "0", "profile": "baseline",
            "forced-idr": "1", "no-scenecut": "1", "b_ref_mode": "disabled", "rc-lookahead": "0",
        }, "yuv420p", ("linux", "win32")),
        Kind("h264_qsv", "Quick Sync", {
            "preset": "veryfast", "async_depth": "1", "look_ahead": "0", "low_delay_brc": "1", "forced_idr": "1",
            "profile": "baseline", "idr_interval": "0",
        }, systems=("linux", "win32")),
        Kind("h264_amf", "AMF", {
            "usage": "ultralowlatency", "quality": "speed", "rc": "cbr", "forced_idr": "1",
            "profile": "constrained_baseline", "max_b_frames": "0",
        }, "yuv420p", ("linux", "win32"), reopens=True),
        Kind("h264_videotoolbox", "VideoToolbox", {
            "realtime": "1", "prio_speed": "1", "allow_sw": "0", "profile": "constrained_baseline",
        }, systems=("darwin",), reopens=True),
        Kind("h264_vaapi", "VAAPI", {
            "rc_mode": "CBR", "async_depth": "1", "profile": "constrained_baseline",
        }, systems=("linux",), reopens=True),
        Kind("h264_mf", "Media Foundation", {
            "rate_control": "ld_vbr", "scenario": "live_streaming", "hw_encoding": "1",
        }, systems=("win32",), reopens=True),
        Kind(SOFTWARE, "x264", {
            "preset": "ultrafast", "tune": "zerolatency", "profile": "baseline", "forced-idr": "1",
        }, "yuv420p"),
    )
}  # fmt: skip
"""In the order they are tried. x264 is here to prove the proof."""
VP8 = Kind(
    "libvpx",
    "VP8",
    {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0", "error-resilient": "default", "auto-alt-ref": "0"},
    "yuv420p",
    reopens=True,
    floored=True,
)
"""Where H.264 is not wanted. Software: nothing to prove, and x264 is no way out of it."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What is to be encoded."""

    width: int
    height: int
    fps: int
    ceiling_bps: int


@dataclass(frozen=True, slots=True)
class Verdict:
    name: str
    works: bool
    why: str = ""
    """Why not, in the driver's words."""


@dataclass(frozen=True, slots=True)
class Choice:
    """`name` is used. `tried`: everything that was asked for a proof, in order."""

    wanted: str = "x264"
    name: str = SOFTWARE
    tried: tuple[Verdict, ...] = field(default=())

    @property
    def fell_back(self) -> bool:
        """Somebody asked for an encoder by name and does not get it."""
        return self.wanted not in ("auto", "x264", self.name)


class HardwareEncoder:
    """One context of the card, or of libvpx. Belongs to one thread; has the shape of VideoEncoder."""

    def __init__(self, kind: Kind, shape: Shape) -> None:
        self.name = kind.name
        self._kind, self._shape = kind, shape
        self._bps = shape.ceiling_bps
        self._context = self._open()

    def _open(self) -> Any:
        kind, shape = self._kind, self._shape
        context: Any = CodecContext.create(kind.name, "w")
        context.width, context.height, context.pix_fmt = shape.width, shape.height, kind.pix_fmt
        context.time_base, context.framerate = VIDEO_BASE, Fraction(shape.fps)
        context.bit_rate = self._bps
        context.max_b_frames = 0
        context.gop_size = IDR_EVERY_S * shape.fps
        context.color_range, context.colorspace = _MPEG_RANGE, _BT601
        context.color_primaries = context.color_trc = _BT601
        context.options = {
            "maxrate": str(self._bps), "bufsize": str(self._bps // 4), **kind.options,
            **({"minrate": str(self._bps)} if kind.floored else {}),
        }  # fmt: skip
        context.open()
        return context

    def set_bps(self, bps: int) -> None:
        bps = max(50_000, min(self._shape.ceiling_bps, bps))
        if not self._kind.reopens:
            self._context.bit_rate = bps
        elif abs(bps - self._bps) > self._bps * 0.15:
            self._bps = bps
            self._context = self._open()

    def feed(self, pixels: Pixels, pts: int, idr: bool = False) -> list[Packet]:
        """An I420 picture in; the access units (Annex B; VP8 frames) that are ready, usually this one's."""
        frame = av.VideoFrame.from_numpy_buffer(pixels, "yuv420p")
        if self._kind.pix_fmt != "yuv420p":
            frame = frame.reformat(format=self._kind.pix_fmt)
        frame.pts, frame.time_base = pts, VIDEO_BASE
        frame.pict_type = _PICTURE_I if idr else 0
        packets: list[Packet] = self._context.encode(frame)
        for packet in packets:
            packet.time_base = VIDEO_BASE
            packet.dts = packet.pts
        return packets


def candidates() -> tuple[str, ...]:
    """What this build has for this system, the likeliest first."""
    return tuple(
        kind.name
        for kind in KINDS.values()
        if kind.name != SOFTWARE and sys.platform in kind.systems and kind.name in av.codecs_available
    )


# --- the proof, in the child --------------------------------------------------------------


def _moving(shape: Shape, number: int) -> Pixels:
    """Texture that slides: bad for an encoder that only repeats itself."""
    y, x = np.mgrid[0 : shape.height, 0 : shape.width].astype(np.float32)
    luma = 120 + 60 * np.sin((x + 5 * number) / 37) * np.cos((y - 3 * number) / 29)
    pixels = np.full((shape.height * 3 // 2, shape.width), 128, np.uint8)
    pixels[: shape.height] = luma.astype(np.uint8)
    return pixels


def prove(kind: Kind, shape: Shape) -> str:
    """Encodes, looks at every packet, decodes. "": it may be used; else why not. May hang or crash with its driver."""
    with av.logging.Capture() as said:
        try:
            return _prove(kind, shape)
        except (av.FFmpegError, ValueError, OSError) as error:
            words = [message.strip() for _, _, message in said if message.strip()]
            return words[0] if words else str(getattr(error, "strerror", "") or error)


def _prove(kind: Kind, shape: Shape) -> str:
    encoder = HardwareEncoder(kind, shape)
    asked = {0, FRAMES // 2}
    period = 90_000 // shape.fps
    pictures, packets = [], []
    for number in range(FRAMES):
        if number == FRAMES // 3:
            encoder.set_bps(shape.ceiling_bps // 2)
        pictures.append(_moving(shape, number))
        packets += encoder.feed(pictures[-1], number * period, number in asked)
        if len(packets) < number - 1:
            return f"holds back {number + 1 - len(packets)} pictures"
    times = [-1 if packet.pts is None else packet.pts for packet in packets]
    if times[0] < 0 or times != sorted(set(times)):
        return "pictures come out of order"
    keys = {at // period for at, packet in zip(times, packets, strict=True) if packet.is_keyframe}
    if not asked <= keys:
        return f"no key frame when asked (asked {sorted(asked)}, got {sorted(keys)})"
    first = bytes(packets[0])
    at = first.find(b"\x00\x00\x01\x67")
    if not first.startswith((b"\x00\x00\x01", b"\x00\x00\x00\x01")) or at < 0:
        return "not Annex B with its parameters in band"
    if first[at + 4] != _BASELINE:
        return f"profile {first[at + 4]}, not baseline"
    decoder: Any = CodecContext.create("h264", "r")
    frames = [frame for packet in packets for frame in decoder.decode(packet)] + decoder.decode(None)
    if len(frames) < FRAMES - 2:
        return f"{len(frames)} of {FRAMES} pictures can be decoded"
    seen = frames[-1].to_ndarray(format="yuv420p")
    wanted = planes(pictures[int(frames[-1].pts // period)])[0].astype(np.float32)
    error = float(np.mean((wanted - planes(seen)[0].astype(np.float32)) ** 2))
    psnr = 99.0 if error == 0 else 10 * float(np.log10(255**2 / error))
    return "" if psnr >= LEAST_PSNR else f"another picture comes out ({psnr:.0f} dB)"


# --- the choice, in the engine ----------------------------------------------------------------


def verify(name: str, shape: Shape, command: Sequence[str] = (), within_s: float = PROOF_S) -> Verdict:
    """The proof in a process of its own, ended after `within_s`. Not for the loop."""
    if name not in KINDS:
        return Verdict(name, False, "no such encoder")
    if name not in av.codecs_available:
        return Verdict(name, False, "not in this build")
    whole = list(command) or [
        sys.executable, "-m", "seller_console.engine.hardware", name,
        *(str(value) for value in (shape.width, shape.height, shape.fps, shape.ceiling_bps)),
    ]  # fmt: skip
    try:
        done = subprocess.run(
            whole, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
            timeout=within_s, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return Verdict(name, False, f"no answer within {within_s:g} s")
    except OSError as error:
        return Verdict(name, False, str(error))
    with contextlib.suppress(ValueError, KeyError, IndexError, TypeError):
        why = str(json.loads(done.stdout.splitlines()[-1])["why"])
        if done.returncode == 0:
            return Verdict(name, not why, why)
    return Verdict(name, False, f"its proof ended with code {done.returncode}")


Known = dict[tuple[str, int, int, int], Verdict]
"""Proofs given in this run of the program, by name, width, height, frames a second."""


def choose(wanted: str, shape: Shape, known: Known | None = None) -> Choice:
    """`wanted`: x264, auto (the first of the card that works), or one by name. Not for the loop."""
    known = {} if known is None else known
    if wanted in ("", "x264", SOFTWARE):
        return Choice()
    tried: list[Verdict] = []
    for name in candidates() if wanted == "auto" else (wanted,):
        key = (name, shape.width, shape.height, shape.fps)
        verdict = known[key] = known.get(key) or verify(name, shape)
        tried.append(verdict)
        if verdict.works:
            return Choice(wanted, name, tuple(tried))
    return Choice(wanted, SOFTWARE, tuple(tried))


def main(argv: list[str]) -> int:
    """NAME WIDTH HEIGHT FPS BPS: one JSON line with `why` ("" when it holds)."""
    faulthandler.dump_traceback_later(PROOF_S + 2, exit=True)  # nobody may be left to end us
    name, *numbers = argv
    width, height, fps, bps = (int(number) for number in numbers)
    av.logging.set_level(av.logging.ERROR)
    why = prove(KINDS[name], Shape(width, height, fps, bps))
    print(json.dumps({"name": name, "why": why}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
