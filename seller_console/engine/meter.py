"""What is read off sound that passes by: peak, RMS, clipping, levels, and the stretches in which there was nothing.

`take` on the sound tick, the rest from any thread.
"""

from __future__ import annotations

import threading
from collections import deque

import numpy as np
from numpy.typing import NDArray

from .clock import AUDIO_HZ

NOTHING_DB = -70.0
"""A block (20 ms) whose peak is under this has nothing in it: no microphone in a room is so still."""
GAP_S = 0.12
"""Shorter is a stumble of the machine, which is counted elsewhere."""
FLOOR_DB = -120.0
FULL_SCALE = 0.999


def decibels(amplitude: float) -> float:
    return max(FLOOR_DB, 20 * float(np.log10(amplitude))) if amplitude > 0 else FLOOR_DB


class Meter:
    """Peak, RMS and clipping since the last reading."""

    def __init__(self, remember: int = 0) -> None:
        """`remember`: how many blocks' levels to keep."""
        self._lock = threading.Lock()
        self._levels: deque[float] = deque(maxlen=remember)
        self._peak = 0.0
        self._power = 0.0
        self._count = 0
        self._over = False
        self._still_s = 0.0
        self._gaps_s: deque[float] = deque(maxlen=100)

    def take(self, block: NDArray[np.float32], over: bool = False) -> None:
        """`over`: it was at full scale before something held it."""
        peak = float(np.max(np.abs(block)))
        power = float(np.dot(block, block))
        with self._lock:
            self._peak = max(self._peak, peak)
            self._over |= over or peak >= FULL_SCALE
            self._power += power
            self._count += len(block)
            self._levels.append(power / max(1, len(block)))
            if decibels(peak) < NOTHING_DB:
                self._still_s += len(block) / AUDIO_HZ
            else:
                if self._still_s >= GAP_S:
                    self._gaps_s.append(self._still_s)
                self._still_s = 0.0

    def levels_db(self) -> list[float]:
        """RMS of the last blocks in dBFS, oldest first."""
        with self._lock:
            powers = np.array(self._levels)
        least = 10 ** (FLOOR_DB / 10)
        return list((10 * np.log10(np.fmax(powers, least))).tolist())

    def gaps_s(self) -> list[float]:
        """How long nothing was heard, each time it has ended by itself since the last call."""
        with self._lock:
            gaps_s = list(self._gaps_s)
            self._gaps_s.clear()
        return gaps_s

    def read(self) -> tuple[float, float, bool]:
        """(peak dBFS, RMS dBFS, clipped) of what was taken since the last call."""
        with self._lock:
            peak, power, count, over = self._peak, self._power, self._count, self._over
            self._peak = self._power = 0.0
            self._count, self._over = 0, False
        rms = (power / count) ** 0.5 if count else 0.0
        return decibels(peak), decibels(rms), over
