"""Which way round the writing in a picture is: letters found in rows, each compared with its own mirror image.

A small scorer (resources/writing.npz, learnt on print by tests/bench/learn_writing.py)
says how much a patch looks like a letter the right way up and round. Each letter is
read as it is, mirrored, turned over, and both; the page is what its letters agree on,
so a card lying upside down is not mirrored. The four readings use one scorer: texture,
which has no right way round, says nothing on the whole. One letter in four is misread;
of thirty together none of 500 draws was.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from .. import places
from .picture import Pixels

SIDE = 16
LOWEST, HIGHEST = 9, 70
"""Height of a letter in pixels."""
MOST, IN_A_ROW = 56, 4
MOST_BLOBS = 220
LEAST_LETTERS, ODDS_A_LETTER = 24, 0.95
"""Writing counts from so many letters on that agree so well: half of print has twice that, no texture tried has it."""
LONGEST, SHORTEST = 960, 720
"""Of the longer and of the shorter side of a picture, so much is looked at, in the middle."""
_WINDOW, _CONTRAST = 31, 18

Patches = NDArray[np.float32]


def is_mirrored(luma: Pixels, bright: bool) -> bool | None:
    """Of the dark or the bright letters in an upright picture; None: there is no writing to tell by."""
    letters = find_letters(luma, bright)
    odds = evidence(letters)
    if len(letters) < LEAST_LETTERS or abs(odds) < ODDS_A_LETTER * len(letters):
        return None
    return odds > 0


def find_letters(luma: Pixels, bright: bool, most: int = MOST) -> Patches:
    """Patches (n, 256) in 0..1 of what stands in rows like letters; `bright`: light ones on a dark ground."""
    most_high, most_wide = (LONGEST, SHORTEST) if luma.shape[0] > luma.shape[1] else (SHORTEST, LONGEST)
    top, left = max(0, (luma.shape[0] - most_high) // 2), max(0, (luma.shape[1] - most_wide) // 2)
    luma = np.ascontiguousarray(luma[top : top + most_high, left : left + most_wide])
    kind = cv2.THRESH_BINARY if bright else cv2.THRESH_BINARY_INV
    contrast = -_CONTRAST if bright else _CONTRAST
    ink = cv2.adaptiveThreshold(luma, 255, cv2.ADAPTIVE_THRESH_MEAN_C, kind, _WINDOW, contrast)
    # this algorithm finds the same as the usual one; among writing in half the time
    _, _, boxes, _ = cv2.connectedComponentsWithStatsWithAlgorithm(ink, 8, cv2.CV_32S, cv2.CCL_BBDT)
    rows = _in_rows(np.asarray(boxes[1:], np.int32))
    chosen = rows if len(rows) <= most else rows[np.arange(most) * len(rows) // most]
    if not len(chosen):
        return np.zeros((0, SIDE * SIDE), np.float32)
    return np.stack([_patch(luma, box.tolist(), bright) for box in chosen])


def _in_rows(boxes: NDArray[np.int32]) -> NDArray[np.int32]:
    """(x, y, width, height) of those with neighbours of their own size beside them, four in a row or more."""
    wide, high, area = boxes[:, 2], boxes[:, 3], boxes[:, 4]
    fill = area / np.maximum(1, wide * high)
    fit = (high >= LOWEST) & (high <= HIGHEST) & (wide >= 4) & (wide * 6 > high) & (wide < high * 1.6)
    boxes = boxes[fit & (fill > 0.15) & (fill < 0.9)][:, :4]
    if len(boxes) > MOST_BLOBS:  # a band of the picture, so that its rows are whole
        boxes = boxes[np.argsort(boxes[:, 1], kind="stable")]
        begin = (len(boxes) - MOST_BLOBS) // 2
        boxes = boxes[begin : begin + MOST_BLOBS]
    if len(boxes) < IN_A_ROW:
        return boxes[:0]
    x, y, across, tall = (boxes[:, n].astype(np.float32) for n in range(4))
    middle = y + tall / 2
    size = np.maximum(tall[:, None], tall[None, :])
    gap = x[None, :] - (x + across)[:, None]
    ratio = tall[None, :] / tall[:, None]
    beside = (gap > -0.3 * size) & (gap < 0.9 * size) & (np.abs(middle[None, :] - middle[:, None]) < 0.45 * size)
    beside &= (ratio > 0.45) & (ratio < 2.2) & (x[None, :] > x[:, None])
    distance = np.where(beside, gap, np.inf)
    after = np.where(beside.any(axis=1), distance.argmin(axis=1), -1)
    before = np.full(len(boxes), -1)
    before[after[after >= 0]] = np.nonzero(after >= 0)[0]
    length = np.ones(len(boxes), np.int64)
    for start in np.nonzero(before < 0)[0]:
        chain, seen = [int(start)], {int(start)}
        while (following := int(after[chain[-1]])) >= 0 and following not in seen:
            chain.append(following)
            seen.add(following)
        length[chain] = np.maximum(length[chain], len(chain))
    return boxes[length >= IN_A_ROW]


def _patch(luma: Pixels, box: list[int], bright: bool) -> Patches:
    """The letter in the middle of a square, ink 1, ground 0."""
    x, y, wide, high = box
    cut = luma[y : y + high, x : x + wide].astype(np.float32)
    low, top = float(cut.min()), float(cut.max())
    cut = (cut - low) / max(1.0, top - low)
    if not bright:
        cut = 1 - cut
    side = max(wide, high)
    square = np.zeros((side, side), np.float32)
    left, over = (side - wide) // 2, (side - high) // 2
    columns, rows = {left, side - wide - left}, {over, side - high - over}
    cut /= len(columns) * len(rows)
    for column in columns:  # an odd rest is shared: where it falls must not tell the sides apart
        for row in rows:
            square[row : row + high, column : column + wide] += cut
    return np.asarray(cv2.resize(square, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.float32).reshape(-1)


def four(patches: Patches) -> tuple[Patches, ...]:
    """As they are, mirrored, turned over, both."""
    grid = patches.reshape(-1, SIDE, SIDE)
    ways = (grid, grid[:, :, ::-1], grid[:, ::-1, ::-1], grid[:, ::-1, :])
    return tuple(np.ascontiguousarray(way).reshape(-1, SIDE * SIDE) for way in ways)


@lru_cache(maxsize=1)
def _weights() -> tuple[Patches, Patches, Patches]:
    with np.load(places.resources() / "writing.npz") as kept:
        w1, b1, w2 = (np.asarray(kept[name], np.float32) for name in ("w1", "b1", "w2"))
    return w1, b1, w2


def evidence(patches: Patches) -> float:
    """Log odds that this writing is mirrored: above 0 it is, below it is not, about 0 for texture and for nothing."""
    if not len(patches):
        return 0.0
    w1, b1, w2 = _weights()
    # not by BLAS: for so little it wakes threads on all cores, which costs thirty times the sums themselves
    inner = [np.einsum("ij,jk->ik", way, w1) + b1 for way in four(patches)]
    scores = np.stack([np.einsum("ij,j->i", np.maximum(0, one), w2) for one in inner])
    scores -= scores.max(axis=0)
    likely = scores - np.log(np.exp(scores).sum(axis=0))
    page = np.maximum(likely, -4.0).sum(axis=1)  # one letter never speaks for many
    return float(max(page[1], page[3]) - max(page[0], page[2]))
