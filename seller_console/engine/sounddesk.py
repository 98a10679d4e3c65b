"""The sound of the programme: microphones mixed, shaped, muted, metered, and Opus every 20 ms.

Beats on a thread of its own, on the same media clock as the pictures. A block that comes
late is caught up with; more than 5 late are skipped (a gap in time, never a squeeze).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from fractions import Fraction

import numpy as np

from .clock import AUDIO_HZ, SECOND_NS, MediaClock, Metronome
from .devices import Devices
from .distance import BLOCKS
from .encode import BLOCK, Output, SoundEncoder
from .sound import Meter, Samples, SoundFeed
from .voice import Voice

PATIENCE = 5
"""Blocks (20 ms) that may be made late, all of them, before any is skipped."""


class SoundDesk:
    """`run` on a thread; the rest from the event loop (or one helper thread of it)."""

    def __init__(
        self, devices: Devices, clock: MediaClock, microphone: str, outputs: Callable[[], tuple[Output, ...]]
    ) -> None:
        self._devices, self._clock, self._outputs = devices, clock, outputs
        self._first = devices.open_microphone(microphone, clock.origin_ns)
        self._second: SoundFeed | None = None
        self._first_gain = self._second_gain = 1.0
        self._voices: dict[str, Voice] = {}
        self.started = False
        self.muted = False
        self.shaped = True
        self.meter = Meter()
        self.watched: dict[str, Meter] = {}
        """Each microphone as it comes, before gain and shaping (a limiter hides what clips); for the sentinel."""
        self.late = 0

    @property
    def microphone(self) -> SoundFeed:
        return self._first

    @property
    def microphones(self) -> tuple[SoundFeed, ...]:
        """All that are open."""
        return (self._first,) if self._second is None else (self._first, self._second)

    def change(self, first: str, second: str) -> list[SoundFeed]:
        """Take these microphones from now on ("" second: none); says which are to be stopped. Raises UnknownDevice."""
        fresh: list[SoundFeed] = []
        old: list[SoundFeed] = []
        opened = self._first
        if first != self._first.spec:
            opened = self._devices.open_microphone(first, self._clock.origin_ns)
            fresh.append(opened)
            old.append(self._first)
        beside = self._second
        if second != (self._second.spec if self._second else ""):
            beside = self._devices.open_microphone(second, self._clock.origin_ns) if second else None
            fresh += [beside] if beside else []
            old += [self._second] if self._second else []
        self._first, self._second = opened, beside
        self.watched = {feed.spec: Meter(BLOCKS) for feed in self.microphones}
        if self.started:
            for feed in fresh:
                feed.start()
        return old

    def set_gain_db(self, gain_db: float, second: bool = False) -> None:
        gain = 10.0 ** (max(-60.0, min(30.0, gain_db)) / 20.0)
        if second:
            self._second_gain = gain
        else:
            self._first_gain = gain

    def _mix(self, due_ns: int) -> Samples:
        """20 ms of the microphones, each after its gain and its shaping."""
        mixed: Samples | None = None
        feeds = [(self._first, self._first_gain)]
        if (second := self._second) is not None:
            feeds.append((second, self._second_gain))
        for feed, gain in feeds:
            block = feed.pull(due_ns)
            if (meter := self.watched.get(feed.spec)) is not None:
                meter.take(block)
            if gain != 1.0:
                block = block * np.float32(gain)
            if self.shaped and feed.spec.startswith("microphone:"):
                if feed.spec not in self._voices:
                    self._voices[feed.spec] = Voice()
                block = self._voices[feed.spec].shape(block)
            mixed = block if mixed is None else mixed + block
        assert mixed is not None
        return np.clip(mixed, -1.0, 1.0)

    def run(self, stopping: threading.Event) -> None:
        """Until `stopping`."""
        metronome = Metronome(Fraction(50), self._clock.origin_ns, patience=PATIENCE)
        metronome.take(time.monotonic_ns())
        metronome.late = 0
        encoder: SoundEncoder | None = None
        last_pts = -BLOCK
        while (beat := metronome.wait(stopping)) is not None:
            self.late = metronome.late
            number, due_ns = beat
            delay_ns = self._first.delay_ns
            block = self._mix(due_ns)
            self.meter.take(block)
            outputs = self._outputs()
            if not outputs:
                encoder = None
                continue
            encoder = encoder or SoundEncoder()
            pts = number * BLOCK - delay_ns * AUDIO_HZ // SECOND_NS
            if pts <= last_pts:
                continue  # a microphone of a longer delay took over: its first sound is older than what was sent
            last_pts = pts
            if self.muted:
                block = block * np.float32(0)
            packet = encoder.encode(block, pts)
            for output in outputs:
                if output.pcm is not None:
                    output.pcm(block, pts)
                if packet is not None:
                    output.audio(packet)
