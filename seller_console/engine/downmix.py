"""How the two channels of an input become one voice, which is often on one of them only.

An interface with one microphone plugged in has nothing on its other channel: the one that
carries is taken as it is (half the sum would be 6 dB less, and would hide its clipping).
Two that carry are averaged, unless they cancel (a balanced cable in a stereo socket).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FULL = 0.999
HEARD_POWER = 1e-5
"""-50 dBFS: below it nobody speaks, and nothing is learnt."""
FORGET_A_SECOND = 0.8
NOTHING = 1e-3
"""A channel 30 dB under the other carries nothing; an average so far under either is two that cancel."""


class Downmix:
    """Blocks of one device, in order, from one thread."""

    def __init__(self) -> None:
        self.clipped = 0
        """Blocks in which a channel, as it came, was at its rail."""
        self._heard = np.zeros(3)
        """Power of left, right and their average, at their loudest of late."""
        self._shares = np.array([0.5, 0.5])

    def take(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n,) or (n, 1 or 2), at 48 kHz -> (n,)."""
        if len(samples) and float(np.abs(samples).max()) >= FULL:
            self.clipped += 1
        if samples.ndim == 1 or samples.shape[1] == 1 or not len(samples):
            return samples.reshape(-1)
        before, after = self._shares, self._learn(samples)
        self._shares = after
        if (before == after).all():
            mixed = samples @ after
        else:  # in the course of the block: a step would be heard
            way = np.linspace(0.0, 1.0, len(samples))[:, None]
            mixed = (samples * (before + (after - before) * way)).sum(axis=1)
        return np.asarray(mixed, np.float32)

    def _learn(self, samples: NDArray[np.float32]) -> NDArray[np.float64]:
        three = np.concatenate((samples, samples.mean(axis=1, keepdims=True)), axis=1)
        power = np.mean(np.square(three, dtype=np.float64), axis=0)
        if power.max() < HEARD_POWER:
            return self._shares
        self._heard = np.maximum(self._heard * FORGET_A_SECOND ** (len(samples) / 48_000), power)
        sides, loudest = self._heard[:2], self._heard[:2].max()
        carrying = sides > loudest * NOTHING
        if carrying.all() and self._heard[2] < loudest * NOTHING:
            carrying = np.arange(2) == np.argmax(sides)
        return np.asarray(carrying / carrying.sum(), np.float64)
