"""The sound of the programme: microphones mixed, shaped, muted, metered, and Opus every 20 ms.

Beats on a thread of its own, on the same media clock as the pictures. A block that comes
late is caught up with; more than 5 late are skipped (a gap in time, never a squeeze).
Each block is timed by when its first sample was in the air, block upon block without a gap:
what the first microphone takes is followed in whole blocks, and only when it has changed.
All is sent later by what the camera takes, for a picture is timed by the tick that shows it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from .clock import AUDIO_HZ, SECOND_NS, MediaClock, Metronome
from .devices import Devices
from .distance import BLOCKS
from .encode import BLOCK, Output, Packet, SoundEncoder
from .meter import FULL_SCALE, Meter
from .sound import Samples, SoundFeed
from .stumbles import Stumbles
from .voice import LOOK_AHEAD, Limiter, Voice

log = logging.getLogger("engine.sound")

PATIENCE = 5
"""Blocks (20 ms) that may be made late, all of them, before any is skipped."""
FOLLOW = BLOCK * 3 // 4
"""A delay that is off by so much is followed, by a whole block."""
STEP_FROM, STEP_EVERY, STEP_LATEST = BLOCK * 5 // 4, 50, 250
"""The pictures' age is followed when it is so many samples off, in blocks a second or five apart."""
PAUSE = 0.006
"""-45 dBFS: nobody speaks."""


class SoundTotals(NamedTuple):
    """Since the programme started, of all microphones there were."""

    dropped: int = 0
    """Samples thrown away because nobody took them in time."""
    starved: int = 0
    """Times a microphone had nothing to give when its turn came."""
    late: int = 0
    """Blocks of the programme that were never made."""


@dataclass(frozen=True, slots=True, eq=False)
class Strip:
    """One microphone's place at the desk, for as long as it is open."""

    feed: SoundFeed
    voice: Voice | None
    meter: Meter = field(default_factory=lambda: Meter(BLOCKS))
    """As it comes, before gain and shaping (a limiter hides what clips); for the sentinel."""


class SoundDesk:
    """`run` on a thread; the rest from the event loop (or one helper thread of it)."""

    def __init__(
        self,
        devices: Devices,
        clock: MediaClock,
        microphone: str,
        outputs: Callable[[], tuple[Output, ...]],
        picture_age_ns: Callable[[], int] = lambda: 0,
    ) -> None:
        """`picture_age_ns`: how old the pictures are that go out; the sound is timed to go with them."""
        self._devices, self._clock, self._outputs = devices, clock, outputs
        self._picture_age_ns = picture_age_ns
        self.strips: tuple[Strip, ...] = (self._open(microphone),)
        """Of all microphones that are open, the first first; never two of one device."""
        self._gains = [1.0, 1.0]
        self._limiter = Limiter()
        self._past = SoundTotals()
        self._timed: SoundFeed | None = None
        self._delay = self._age = 0
        self._stepped = 0
        """The block at which the age was followed last, or was right."""
        self._pause = True
        """The block before was one."""
        self._clipped = 0
        """Blocks, of all microphones there are, that came at their rail."""
        self._over = False
        """The limiter hides it: a microphone at its rail, or more gain than there is room for."""
        self._sinks = Stumbles(log, "sound_output_failed")
        self.started = False
        self.muted = False
        self.shaped = True
        self.meter = Meter()
        self.late = 0
        self.skips = 0
        """Times the programme's own beat came so late that blocks were skipped."""

    @property
    def microphone(self) -> SoundFeed:
        return self.strips[0].feed

    @property
    def microphones(self) -> tuple[SoundFeed, ...]:
        return tuple(strip.feed for strip in self.strips)

    def totals(self) -> SoundTotals:
        facts = [feed.facts for feed in self.microphones]
        return SoundTotals(
            self._past.dropped + sum(one.dropped for one in facts),
            self._past.starved + sum(one.starved for one in facts),
            self.late,
        )

    def _open(self, spec: str) -> Strip:
        feed = self._devices.open_microphone(spec, self._clock.origin_ns)
        return Strip(feed, Voice() if spec.startswith("microphone:") else None)

    def change(self, first: str, second: str) -> list[SoundFeed]:
        """Take these microphones from now on ("" second: none); says which are to be stopped. Raises UnknownDevice.

        One that is open already goes on in its new place; the second is none when it is the first.
        """
        for strip in self.strips:  # opened by its name alone, and listed since
            strip.feed.spec = self._devices.identity(strip.feed.spec)
        open_now = {strip.feed.spec: strip for strip in self.strips}
        wanted = (first, second) if second and second != first else (first,)
        strips = tuple(open_now.get(spec) or self._open(spec) for spec in wanted)
        old = [strip.feed for strip in self.strips if strip not in strips]
        fresh = [strip.feed for strip in strips if strip not in self.strips]
        self.strips = strips
        for feed in old:
            dropped, starved = feed.facts[:2]
            self._past = SoundTotals(self._past.dropped + dropped, self._past.starved + starved)
        if self.started:
            for feed in fresh:
                feed.start()
        return old

    def set_gain_db(self, gain_db: float, second: bool = False) -> None:
        self._gains[int(second)] = 10.0 ** (max(-60.0, min(30.0, gain_db)) / 20.0)

    def _mix(self, strips: tuple[Strip, ...], due_ns: int) -> Samples:
        """20 ms of the microphones, each after its shaping and its gain, held together."""
        mixed = np.zeros(BLOCK, np.float32)
        for strip, gain in zip(strips, self._gains, strict=False):
            block = strip.feed.pull(due_ns)
            if strip.feed.state == "live":
                strip.meter.take(block)
            if strip.voice is not None and self.shaped:
                block = strip.voice.shape(block)
            mixed += block * np.float32(gain)
        clipped = sum(strip.feed.facts.clipped for strip in strips)
        self._over |= clipped > self._clipped or float(np.max(np.abs(mixed))) >= FULL_SCALE
        self._clipped = clipped
        return self._limiter.hold(mixed)

    def _delay_of(self, feed: SoundFeed) -> int:
        """How old, in samples, the first of the block in hand is."""
        wanted = feed.delay_ns * AUDIO_HZ // SECOND_NS + LOOK_AHEAD
        if feed is not self._timed:
            self._timed, self._delay = feed, wanted
        elif abs(wanted - self._delay) >= FOLLOW:
            self._delay += round((wanted - self._delay) / BLOCK) * BLOCK
        return self._delay

    @property
    def age_ns(self) -> int:
        """How old pictures this sound goes with."""
        return self._age * SECOND_NS // AUDIO_HZ

    def _age_at(self, number: int, heard: bool) -> int:
        """By so many samples later the sound is sent, to go with the pictures.

        Each step is a block that is not sent, or a gap of one: while somebody listens one in a second at most,
        in a pause of the voice or after five.
        """
        off = self._picture_age_ns() * AUDIO_HZ // SECOND_NS - self._age
        if not heard:
            self._age += off
        elif abs(off) < STEP_FROM:
            self._stepped = max(self._stepped, number - STEP_EVERY)
        elif number - self._stepped >= (STEP_EVERY if self._pause else STEP_LATEST):
            self._age += BLOCK if off > 0 else -BLOCK
            self._stepped = number
        return self._age

    def run(self, stopping: threading.Event) -> None:
        """Until `stopping`."""
        metronome = Metronome(Fraction(50), self._clock.origin_ns, patience=PATIENCE)
        metronome.take(time.monotonic_ns())
        metronome.late = 0
        encoder: SoundEncoder | None = None
        next_pts = 0
        while (beat := metronome.wait(stopping)) is not None:
            if metronome.late > self.late:
                self.late = metronome.late
                self.skips += 1
            number, due_ns = beat
            strips = self.strips
            outputs = self._outputs()
            pts = number * BLOCK - self._delay_of(strips[0].feed) + self._age_at(number, bool(outputs))
            block = self._mix(strips, due_ns)
            self._pause = float(np.max(np.abs(block))) < PAUSE
            self.meter.take(block, self._over)
            self._over = False
            if not outputs:
                encoder = None
                continue
            if pts < next_pts:
                continue  # the delay has grown: what was in the air at this moment was sent already
            next_pts = pts + BLOCK
            encoder = encoder or SoundEncoder()
            if self.muted:
                block = block * np.float32(0)
            self._hand_out(outputs, block, pts, encoder.encode(block, pts))

    def _hand_out(self, outputs: tuple[Output, ...], block: Samples, pts: int, packet: Packet | None) -> None:
        """To each, whatever the others do; one that fails gets the next block all the same."""
        for output in outputs:
            try:
                if output.pcm is not None:
                    output.pcm(block, pts)
                if packet is not None:
                    output.audio(packet)
            except Exception:  # whatever it is, the others are on air
                self._sinks.say(output.name)
