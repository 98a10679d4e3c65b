"""A seller's voice for hours: espeak-ng speaks a few sentences once, the rest is cut and laid from them, by a seed.

Sentences louder and softer, laughs and claps, pauses of up to two seconds, and a room's
noise under all of it; in some minutes music from a loudspeaker across the room, in some a
fan; now and then somebody else says a word over there. The same through a gate, for a
headset or a system that takes noise out: nothing at all between the words. A fault is laid over what the
microphone gives: nothing at all (its cable), far too much gain, or the same voice through
another microphone across a living room (reverberation 0.35 to 0.7 s, more echo than voice,
8 to 18 dB less, its own noise).
"""

from __future__ import annotations

import subprocess
import tempfile
import wave
from collections import deque
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
SoundFault = Literal["", "sound_silent", "sound_clipping", "sound_wrong_microphone"]
ECHO = int(0.7 * HZ)
MINUTE = 60 * 50
"""In blocks."""


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


def room(rng: np.random.Generator, reverberation_s: float, direct_db: float) -> NDArray[np.float32]:
    """Impulse response, ECHO long, of energy 1: the voice itself `direct_db` over its dying echoes (from 2 ms on)."""
    at_s = np.arange(ECHO) / HZ
    echoes = rng.normal(0, 1, ECHO) * 10 ** (-3 * at_s / reverberation_s)
    echoes[: HZ // 500] = 0
    echoes /= np.sqrt(np.sum(echoes**2))
    direct = 10 ** (direct_db / 20)
    echoes[0] = direct
    return (echoes / np.sqrt(1 + direct**2)).astype(np.float32)


@lru_cache(maxsize=1)
def music() -> NDArray[np.float32]:
    """Eight seconds of chords and beats as a room gives them back; RMS -52 dBFS, 30 dB under a voice."""
    rng = np.random.default_rng(88)
    sound = np.zeros(8 * HZ)
    for beat in range(16):
        at_s = np.arange(len(sound) - beat * HZ // 2) / HZ
        for hertz in rng.choice([220.0, 262.0, 330.0, 392.0, 440.0], 3, replace=False):
            sound[beat * HZ // 2 :] += np.sin(2 * np.pi * hertz * at_s) * np.exp(-3 * at_s) / 3
        sound[beat * HZ // 2 :] += rng.normal(0, 0.5, len(at_s)) * np.exp(-25 * at_s)
    heard = np.fft.irfft(np.fft.rfft(sound) * np.fft.rfft(room(rng, 0.5, -6.0), len(sound)), len(sound))
    return (heard * 0.0025 / np.sqrt(np.mean(heard**2))).astype(np.float32)


class Voice:
    """`block(fault)` is the next 20 ms; the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._waiting = np.zeros(0, np.float32)
        self._over_there = np.zeros(0, np.float32)
        self._said = np.zeros(ECHO, np.float32)
        parts = ECHO // 960
        self._spectra = deque([np.zeros(961, np.complex128)] * parts, parts)
        """Of each of the last blocks together with the one before it, newest first."""
        self.speaks = False
        """In the last half second."""
        self._blocks = 0
        self._about = 0
        """0 and 1: a quiet room; 2: a fan; 3: music."""
        self._across = room(self._rng, self._rng.uniform(0.35, 0.7), self._rng.uniform(-8.0, -2.0))
        self._echoes = np.fft.rfft(self._across.reshape(-1, 960), 1920)
        self._less = 10 ** (self._rng.uniform(-18.0, -8.0) / 20)
        self._hiss = 10 ** (self._rng.uniform(-60.0, -52.0) / 20)

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

    def keep_quiet(self, seconds: float) -> None:
        """From this very moment."""
        self._waiting = np.zeros(int(seconds * HZ), np.float32)

    def _around(self) -> NDArray[np.float32]:
        rng = self._rng
        if self._blocks % MINUTE == 0:
            self._about = int(rng.integers(0, 4))
        if not len(self._over_there) and rng.random() < 1 / 1500:  # twice a minute
            words = sentences()[int(rng.integers(0, len(SENTENCES)))][: int(HZ * rng.uniform(0.3, 1.2))]
            there = np.fft.irfft(np.fft.rfft(words, 2 * HZ) * np.fft.rfft(self._across, 2 * HZ), 2 * HZ) * 0.06
            self._over_there = there.astype(np.float32)
        around = rng.normal(0, (0.0012, 0.0012, 0.0025, 0.0012)[self._about], 960).astype(np.float32)
        if self._about == 3:
            around += music()[self._blocks % 400 * 960 :][:960]
        heard, self._over_there = self._over_there[:960], self._over_there[960:]
        around[: len(heard)] += heard
        self._blocks += 1
        return around

    def block(self, fault: SoundFault = "") -> NDArray[np.float32]:
        while len(self._waiting) < 960:
            self._say_on()
        sound, self._waiting = self._waiting[:960], self._waiting[960:]
        self._said = np.concatenate([self._said[960:], sound])
        self._spectra.appendleft(np.fft.rfft(self._said[-1920:]))
        self.speaks = float(np.abs(self._said[-HZ // 2 :]).max()) > 0.15
        around = self._around()
        heard = sound + around
        if fault == "sound_silent":
            heard = np.zeros(960, np.float32)
        elif fault == "sound_clipping":
            heard = heard * np.float32(25)
        elif fault == "sound_wrong_microphone":
            heard = self._far() + around + self._rng.normal(0, self._hiss, 960).astype(np.float32)
        return np.asarray(np.clip(heard, -1, 1), np.float32)

    def _far(self) -> NDArray[np.float32]:
        """The last 20 ms of what was said, from across the room: overlap-save, in blocks."""
        heard = np.fft.irfft(np.einsum("bf,bf->f", np.array(self._spectra), self._echoes))
        return (heard[960:] * self._less).astype(np.float32)


class GatedVoice(Voice):
    """Zeros wherever nobody speaks; after a minute, now and then, for some 12 s, and then somebody does."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self._open = 0
        """Blocks for which the gate stays open."""
        self._rested = MINUTE // 2
        """The block at which it was last silent for long."""

    def _say_on(self) -> None:
        super()._say_on()
        if self._blocks > self._rested + MINUTE // 2 and self._rng.random() < 1 / 6:
            self.keep_quiet(self._rng.uniform(3.0, 12.0))
            self._rested = self._blocks

    def block(self, fault: SoundFault = "") -> NDArray[np.float32]:
        heard = super().block(fault)
        loud = float(np.sqrt(np.mean(heard**2))) > 0.01
        self._open = 8 if loud else max(0, self._open - 1)
        return heard if self._open else np.zeros(960, np.float32)
