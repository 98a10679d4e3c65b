"""How a picture lies in memory between a camera and the encoder: I420, one array.

Shape (height * 3 // 2, width) uint8: luma rows, then U, then V, each packed. BT.601,
limited range, even width and height. `fill` crops to fill, scales, and may mirror;
all of it in C without the interpreter's lock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

cv2.setNumThreads(1)


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of a camera. `captured_ns` is monotonic; `number` grows by one a picture."""

    pixels: Pixels
    captured_ns: int
    number: int

    @property
    def width(self) -> int:
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        return int(self.pixels.shape[0]) * 2 // 3


def blank(width: int, height: int, luma: int = 16) -> Pixels:
    """A grey picture; 16 is black."""
    pixels = np.full((height * 3 // 2, width), 128, np.uint8)
    pixels[:height] = luma
    return pixels


def planes(pixels: Pixels) -> tuple[Pixels, Pixels, Pixels]:
    """Y, U and V as views on `pixels`."""
    width = int(pixels.shape[1])
    height = int(pixels.shape[0]) * 2 // 3
    half_w, half_h = width // 2, height // 2
    flat = pixels.reshape(-1)
    u_at, v_at = height * width, height * width + half_h * half_w
    return (
        pixels[:height],
        flat[u_at:v_at].reshape(half_h, half_w),
        flat[v_at : v_at + half_h * half_w].reshape(half_h, half_w),
    )


def crop_to_fill(width: int, height: int, out_width: int, out_height: int) -> tuple[int, int, int, int]:
    """x, y, width, height (all even) of the largest middle part with the shape of the outcome."""
    if width * out_height > height * out_width:
        part_w = min(width, max(2, (height * out_width // out_height) & ~1))
        return ((width - part_w) // 2) & ~1, 0, part_w, height
    part_h = min(height, max(2, (width * out_height // out_width) & ~1))
    return 0, ((height - part_h) // 2) & ~1, width, part_h


def fill(source: Pixels, out: Pixels, mirror: bool = False) -> None:
    """Draw `source` into all of `out`, cropped in the middle; both I420, sizes free."""
    if source.shape == out.shape and not mirror:
        np.copyto(out, source)
        return
    height, width = int(source.shape[0]) * 2 // 3, int(source.shape[1])
    out_height, out_width = int(out.shape[0]) * 2 // 3, int(out.shape[1])
    fill_planes(planes(source), planes(out), crop_to_fill(width, height, out_width, out_height), mirror)


def fill_planes(
    source: tuple[Pixels, ...], targets: tuple[Pixels, ...], crop: tuple[int, int, int, int], mirror: bool = False
) -> None:
    """Scale the part `crop` (x, y, width, height in luma pixels) of Y, U, V into three planes of any size."""
    x, y, part_w, part_h = crop
    shrinks = part_w * 2 > targets[0].shape[1] * 3
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    for index, (plane, target) in enumerate(zip(source, targets, strict=True)):
        half = 0 if index == 0 else 1
        part = plane[y >> half : (y + part_h) >> half, x >> half : (x + part_w) >> half]
        if part.shape == target.shape:
            scaled: Any = part
        elif mirror:
            scaled = cv2.resize(part, (target.shape[1], target.shape[0]), interpolation=how)
        else:
            cv2.resize(part, (target.shape[1], target.shape[0]), dst=target, interpolation=how)
            continue
        if mirror:
            cv2.flip(scaled, 1, dst=target)
        else:
            np.copyto(target, scaled)


def from_bgr(bgr: NDArray[np.uint8]) -> Pixels:
    """OpenCV's colours to I420; odd edges are cut."""
    height, width = bgr.shape[0] & ~1, bgr.shape[1] & ~1
    if bgr.shape[:2] != (height, width):
        bgr = np.ascontiguousarray(bgr[:height, :width])
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2YUV_I420), np.uint8)


def from_rgb(rgb: NDArray[np.uint8]) -> Pixels:
    height, width = rgb.shape[0] & ~1, rgb.shape[1] & ~1
    part = np.ascontiguousarray(rgb[:height, :width, :3])
    return np.asarray(cv2.cvtColor(part, cv2.COLOR_RGB2YUV_I420), np.uint8)


def to_bgra(pixels: Pixels, out: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
    """(height, width, 4); `out` is written in place when given."""
    if out is None:
        return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_YUV2BGRA_I420), np.uint8)
    cv2.cvtColor(pixels, cv2.COLOR_YUV2BGRA_I420, dst=out)
    return out


def to_bgr(pixels: Pixels) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_YUV2BGR_I420), np.uint8)
