"""How sound comes in and stays in time: 20 ms blocks on the media clock, whatever the device's clock says.

A device's callback fills a ring of 240 ms; full: drops the oldest and counts it. The
tick pulls 20 ms every 20 ms; a soft resampler (at most 0.2 %, windowed sinc) holds the
ring at one depth, so a clock that is 100 ppm off never adds up (4 s in 12 h, decision 18),
and how old a sample is when it is pulled is known: that depth, and what the device says it takes.
A device that stops is reported by name, gives silence, and is tried again for ever.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from .clock import AUDIO_HZ, SECOND_NS
from .device import DeviceGone, DeviceThread, FeedState
from .downmix import Downmix
from .encode import BLOCK

Samples = NDArray[np.float32]
RING = AUDIO_HZ * 240 // 1000
"""What may wait: the deepest target, and the 100 ms by which the desk may be late and lose nothing."""
TARGET, MOST_TARGET = AUDIO_HZ * 40 // 1000, AUDIO_HZ * 80 // 1000
SILENT_NS = SECOND_NS
"""A live microphone that calls back nothing for so long counts as gone."""
WARM_UP_NS = 3 * SECOND_NS
"""How long one just opened may take to its first sound (a sleeping sound server: 2 s)."""
MOST_STRETCH = 0.002
TAPS, PHASES = 16, 512
LOOKS = 10
"""Pulls looked at together, for what is too far off for the slow loop."""
CLOSE, FAR = AUDIO_HZ * 3 // 1000, 2 * BLOCK
"""Too deep by so much on the mean of the first looks after a gap; or at each of them, at any time."""
MOST_LATENCY_NS = SECOND_NS // 2
"""More than a microphone by radio takes is a driver that does not know: left out."""
LOOK_S = 0.2
LATENCY_LOOKS = 15


class MicrophoneFacts(NamedTuple):
    """What a device says of itself; may change while it is open."""

    latency_ns: int = 0
    """How old the newest sample is when it is given; 0: not told."""
    muted: bool = False
    """In the system's own sound settings."""


class SoundFacts(NamedTuple):
    """What a microphone has come to since it was chosen."""

    dropped: int = 0
    """Samples thrown away because nobody took them in time."""
    starved: int = 0
    """Times it had nothing to give when its turn came."""
    stumbles: int = 0
    """Times it was either."""
    clipped: int = 0
    """Blocks in which one of its channels, as it came, was at its rail."""
    muted: bool = False


class MicrophoneDevice(Protocol):
    """One microphone, of any kind. Raises DeviceGone or DeviceBusy (anything else counts as gone)."""

    def open(self, on_block: Callable[[Samples], None]) -> None:
        """Begin to call `on_block`, from any thread: (n,) or (n, 1 or 2) samples at 48 kHz in -1..1."""

    def check(self) -> None:
        """Raises DeviceGone when the device knows it has ended."""

    def facts(self) -> MicrophoneFacts:
        """Never waits."""

    def close(self) -> None: ...


class SoundFeed(Protocol):
    """What the sound tick sees of a microphone."""

    spec: str
    name: str

    @property
    def facts(self) -> SoundFacts: ...

    @property
    def state(self) -> FeedState: ...

    @property
    def detail(self) -> str: ...

    @property
    def delay_ns(self) -> int:
        """How old the samples pulled are: taken off their time on the media clock."""

    def start(self) -> None: ...

    def pull(self, due_ns: int) -> Samples:
        """The next 960 samples, silence when there are none. Never blocks."""

    def retry_now(self) -> None: ...

    def stop(self) -> None: ...


class Silence:
    """`silence` and `none`."""

    state: FeedState = "live"
    detail = ""
    delay_ns = 0
    facts = SoundFacts()

    def __init__(self, spec: str = "silence", name: str = "silence") -> None:
        self.spec, self.name = spec, name
        self._block = np.zeros(BLOCK, np.float32)

    def start(self) -> None:
        """Nothing to open."""

    def pull(self, due_ns: int) -> Samples:
        return self._block

    def retry_now(self) -> None:
        """Never lost."""

    def stop(self) -> None:
        """Nothing to close."""


class Tone(Silence):
    """A soft 440 Hz; at each second of the media clock a short 880 Hz, while the test card's lamp is lit."""

    def __init__(self, spec: str, name: str, origin_ns: int) -> None:
        super().__init__(spec, name)
        self._origin_ns = origin_ns
        self._second = self._make_second()

    @staticmethod
    def _make_second() -> Samples:
        at = np.arange(AUDIO_HZ) / AUDIO_HZ
        hum = 0.045 * np.sin(2 * np.pi * 440 * at)
        beep_at = at[: AUDIO_HZ // 10]
        envelope = np.minimum(1.0, np.minimum(beep_at, 0.1 - beep_at) / 0.005)
        hum[: AUDIO_HZ // 10] += 0.11 * np.sin(2 * np.pi * 880 * beep_at) * envelope
        return hum.astype(np.float32)

    def pull(self, due_ns: int) -> Samples:
        start = round((due_ns - self._origin_ns) * AUDIO_HZ / SECOND_NS) % AUDIO_HZ
        if start + BLOCK <= AUDIO_HZ:
            block: Samples = self._second[start : start + BLOCK]
            return block
        return np.concatenate((self._second[start:], self._second[: start + BLOCK - AUDIO_HZ]))


def _sinc_table() -> Samples:
    phase = np.arange(PHASES + 1)[:, None] / PHASES
    tap = np.arange(TAPS)[None, :] - (TAPS // 2 - 1) - phase
    window = np.cos(np.pi * tap / TAPS) ** 2 * (np.abs(tap) < TAPS / 2)
    table = np.sinc(tap) * window
    unity: Samples = (table / table.sum(axis=1, keepdims=True)).astype(np.float32)
    return unity


class SoftResampler:
    """A ring of samples read at a rate a hair off theirs. Not thread-safe: its owner locks.

    Ring of 240 ms; full: drops the oldest, counts the samples in `dropped`.
    """

    _TABLE = _sinc_table()

    def __init__(self, ring: int = RING, target: int = TARGET) -> None:
        self._ring, self._target, self._least = ring, target, target
        self._pushed_ns = 0
        self._held: Samples = np.zeros(TAPS, np.float32)
        self._at = 0.0
        self._mean: float | None = None
        self._stretch = 0.0
        self._integral = 0.0
        self._primed = False
        self._overs: list[int] = []
        self._fresh = False
        """Just after a gap: how late the last samples of a burst were nobody knew."""
        self.dropped = 0
        self.overflowed = 0
        self.starved = 0

    def restart(self) -> None:
        """Another device, or the same one opened again: nothing waits, and it is not known to be jumpy."""
        self._held, self._at = np.zeros(TAPS, np.float32), 0.0
        self._primed, self._target = False, self._least

    @property
    def depth(self) -> int:
        """How long ago, in samples, the next sample was given: held there while it plays, to the sample."""
        return self._target + BLOCK // 2

    @property
    def waiting(self) -> int:
        """Samples that may still be pulled."""
        return max(0, int(len(self._held) - TAPS - self._at))

    @property
    def stretch(self) -> float:
        """How much faster than 1:1 samples are being taken; +0.0001 = the device runs 100 ppm fast."""
        return self._stretch

    def push(self, samples: Samples, at_ns: int) -> None:
        """What the device gave, at this moment."""
        self._pushed_ns = at_ns
        self._held = np.concatenate((self._held, samples))
        if self.waiting > self._ring:
            self._throw_away(self.waiting - self.depth)
            self._begin_anew()

    def _throw_away(self, samples: int) -> None:
        self._held = self._held[samples:]
        self.dropped += samples
        self.overflowed += 1

    def pull(self, at_ns: int, late_ns: int = 0) -> Samples | None:
        """960 samples at this moment, so long after their turn, or None when fewer wait.

        Then it waits to be filled to its depth again, and aims 20 ms deeper: this device is jumpy.
        """
        over = int(self._fill(at_ns, late_ns)) - self.depth
        if not self._primed:
            if over < 0 or self.waiting - over < self._target - BLOCK // 2:
                return None
            self._held = self._held[over:]
            self._primed = True
            self._begin_anew()
        else:
            self._set_right(over)
        if self.waiting < BLOCK + 4:
            self._primed = False
            self._target = min(self._target + BLOCK, MOST_TARGET)  # a whole block: the desk leaves out a silent one
            self.starved += 1
            return None
        self._follow(self._fill(at_ns, late_ns))
        places = self._at + np.arange(BLOCK) * (1.0 + self._stretch)
        whole = places.astype(np.int64)
        phase = ((places - whole) * PHASES + 0.5).astype(np.int64)
        gathered = self._held[whole[:, None] + np.arange(TAPS)]
        out: Samples = np.einsum("ij,ij->i", gathered, self._TABLE[phase])
        end = self._at + BLOCK * (1.0 + self._stretch)
        used = int(end)
        self._held = self._held[used:]
        self._at = end - used
        return out

    def _begin_anew(self) -> None:
        self._mean, self._fresh = None, True
        self._overs.clear()

    def _set_right(self, over: int) -> None:
        """What the slow loop needs minutes for. A device known to be jumpy keeps what it has against its next gap."""
        self._overs.append(over)
        if len(self._overs) < LOOKS:
            return
        mean, least = sum(self._overs) // LOOKS, min(self._overs)
        fresh, self._fresh = self._fresh, False
        self._overs.clear()
        if least > FAR and self.waiting - least >= BLOCK + 4:
            self._throw_away(least)
            self._mean = None
        elif fresh and mean > CLOSE and self._target < MOST_TARGET and self.waiting - mean >= BLOCK + 4:
            self._held = self._held[mean:]
            self._mean = None

    def _fill(self, at_ns: int, late_ns: int) -> float:
        """What waits, and what the device has recorded but not yet given; had it been asked for in its turn.

        Without the second it would saw by a whole block as the two clocks slide past each other. Never
        more than the truth: samples given late count from when they were given.
        """
        unseen = min(2 * BLOCK, max(0, at_ns - self._pushed_ns) * AUDIO_HZ // SECOND_NS)
        return float(len(self._held) - TAPS - self._at + unseen - late_ns * AUDIO_HZ // SECOND_NS)

    def _follow(self, fill: float) -> None:
        """A slow loop: the mean fill (over about 4 s) steers the stretch, so jitter of callbacks is not heard."""
        self._mean = fill if self._mean is None else self._mean + 0.005 * (fill - self._mean)
        error = (self._mean - self.depth) / self._target
        self._integral = max(-MOST_STRETCH, min(MOST_STRETCH, self._integral + error * 2e-7))
        self._stretch = max(-MOST_STRETCH, min(MOST_STRETCH, error * 0.001 + self._integral))


class CapturedMicrophone(DeviceThread[MicrophoneDevice]):
    """A device called back on its own thread, watched by one of ours."""

    what = "microphone"

    def __init__(self, spec: str, name: str, make: Callable[[], MicrophoneDevice]) -> None:
        super().__init__(spec, name, make)
        self._latency_ns = 0
        self._latencies_ns: deque[int] = deque(maxlen=LATENCY_LOOKS)
        self._muted = False
        self._ring = SoftResampler()
        self._downmix = Downmix()
        self._lock = threading.Lock()
        self._silence = np.zeros(BLOCK, np.float32)

    @property
    def state(self) -> FeedState:
        patience_ns = {"live": 2 * SILENT_NS, "opening": WARM_UP_NS}.get(self._state)
        if patience_ns is not None and time.monotonic_ns() - self._last_ns > patience_ns:
            return "gone"
        return self._state

    @property
    def delay_ns(self) -> int:
        return self._latency_ns + self._ring.depth * SECOND_NS // AUDIO_HZ

    @property
    def facts(self) -> SoundFacts:
        ring = self._ring
        stumbles = ring.overflowed + ring.starved
        return SoundFacts(ring.dropped, ring.starved, stumbles, self._downmix.clipped, self._muted)

    @property
    def stretch(self) -> float:
        return self._ring.stretch

    def pull(self, due_ns: int) -> Samples:
        with self._lock:
            now_ns = time.monotonic_ns()
            block = self._ring.pull(now_ns, max(0, now_ns - due_ns))
        return self._silence if block is None else block

    def _take(self, device: MicrophoneDevice, samples: Samples) -> None:
        fresh = self._state != "live"
        if fresh:
            self._heed(device.facts(), opened=True)
        mono = self._downmix.take(samples)
        with self._lock:
            if fresh:
                self._ring.restart()
            self._ring.push(mono, time.monotonic_ns())
        self._came(f" latency_ms={self._latency_ns // 1_000_000}")

    def _heed(self, facts: MicrophoneFacts, opened: bool = False) -> None:
        """What the device says of its latency trembles, and may be far off at first: the median of 3 s."""
        if opened:
            self._latencies_ns.clear()
        if 0 <= facts.latency_ns <= MOST_LATENCY_NS:
            self._latencies_ns.append(facts.latency_ns)
        known_ns = list(self._latencies_ns)  # the device's thread may begin anew meanwhile
        self._latency_ns = statistics.median_low(known_ns) if known_ns else 0
        self._muted = facts.muted

    def _use(self, device: MicrophoneDevice) -> bool:
        device.open(partial(self._take, device))
        opened_ns = time.monotonic_ns()
        while not self._stopping.wait(LOOK_S):
            device.check()
            self._heed(device.facts())
            limit_ns = self._last_ns + SILENT_NS if self._gave else opened_ns + WARM_UP_NS
            if time.monotonic_ns() > limit_ns:
                raise DeviceGone("no sound arrives any more")
        return False
