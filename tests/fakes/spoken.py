"""A seller's voice for hours: espeak-ng speaks a few sentences once, the rest is cut and laid from them, by a seed.

Sentences louder and softer, laughs and claps, pauses of up to two seconds, and a room's
noise under all of it. A fault is laid over what the microphone gives: nothing at all
(its cable), or far too much gain.
"""

from __future__ import annotations

import subprocess
import tempfile
import wave
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

HZ = 48_000
SENTENCES = (
    "Bonsoir à tous, on commence tout de suite avec le lot numéro cent quarante-huit.",
    "Regardez les coins, ils sont parfaits, la carte sort du classeur.",
    "Un euro seulement, qui dit mieux ? Cinq euros, dix euros, ça monte !",
    "Deux fois, trois fois, adjugé, merci beaucoup et à tout de suite pour la suite.",
)
SoundFault = Literal["", "sound_silent", "sound_clipping"]


@lru_cache(maxsize=1)
def sentences() -> tuple[NDArray[np.float32], ...]:
    """Each sentence at 48 kHz, peaks at one half. Raises FileNotFoundError without espeak-ng."""
    spoken = []
    with tempfile.TemporaryDirectory() as folder:
        for number, words in enumerate(SENTENCES):
            path = Path(folder) / f"{number}.wav"
            subprocess.run(["espeak-ng", "-v", "fr", "-w", str(path), words], check=True, timeout=30)
            with wave.open(str(path)) as file:
                rate = file.getframerate()
                raw = np.frombuffer(file.readframes(file.getnframes()), np.int16).astype(np.float32) / 32768
            at = np.arange(int(len(raw) * HZ / rate)) * rate / HZ
            sound = np.interp(at, np.arange(len(raw)), raw).astype(np.float32)
            spoken.append(sound / np.float32(max(1e-6, float(np.abs(sound).max())) * 2))
    return tuple(spoken)


class Voice:
    """`block(fault)` is the next 20 ms; the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._waiting = np.zeros(0, np.float32)

    def _say_on(self) -> None:
        rng = self._rng
        what = rng.integers(0, 8)
        if what == 0:  # a clap, a card laid on the table
            burst = rng.normal(0, 0.25, HZ // 20) * np.exp(-np.arange(HZ // 20) / 400)
        elif what <= 2:
            burst = np.zeros(int(HZ * rng.uniform(0.1, 2.0)))
        else:
            words = sentences()[int(rng.integers(0, len(SENTENCES)))]
            start = int(rng.integers(0, max(1, len(words) // 2)))
            burst = words[start:] * rng.uniform(0.15, 1.6)
        self._waiting = np.concatenate([self._waiting, burst.astype(np.float32)])

    def block(self, fault: SoundFault = "") -> NDArray[np.float32]:
        while len(self._waiting) < 960:
            self._say_on()
        sound, self._waiting = self._waiting[:960], self._waiting[960:]
        heard = sound + self._rng.normal(0, 0.0012, 960).astype(np.float32)
        if fault == "sound_silent":
            heard = np.zeros(960, np.float32)
        elif fault == "sound_clipping":
            heard = heard * np.float32(25)
        return np.asarray(np.clip(heard, -1, 1), np.float32)
