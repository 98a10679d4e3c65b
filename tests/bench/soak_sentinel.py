"""The sentinel at length: each fault injected 20 times, then an hour in which nothing is wrong.

    python packaging/dev.py soak sentinel [--times 20] [--minutes 60]

Pictures are tests/fakes/table_film.py (cuts, light, hands, noise), for mirrored writing
print_film.py (the same over things one can read, some upside down), sound is
tests/fakes/spoken.py (espeak-ng, claps, pauses; the clean hour also through a gate);
encoder, disk, heat and battery are the engine's own counting on made-up readings. All on
a simulated clock, looked at as often as the engine looks. A far microphone hurts while
the seller speaks: pauses do not count for it. Prints one JSON object; exit code 1 unless every fault
was said within 3 s, each time, looking took 0.03 core at most, and the clean hour raised nothing
but what decision 47 allows when other things come before the camera: that alarm is printed all the same.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import cv2
import numpy as np

from seller_console import machine
from seller_console.contract.media import AirChanged, RecordingChanged
from seller_console.engine.distance import BLOCKS
from seller_console.engine.hearing import SoundSentinel, VoiceSentinel
from seller_console.engine.meter import Meter
from seller_console.engine.picture import Picture, Pixels, blank, planes
from seller_console.engine.program import Counts
from seller_console.engine.seeing import PictureSentinel, SkewSentinel, WritingSentinel
from seller_console.engine.sentinel import LOOK_S, Sentinel
from seller_console.engine.troubles import TroubleWatch, of_outputs
from tests.bench import _bars
from tests.engine.test_sentinel import FAULTS, injected
from tests.fakes.print_film import PrintFault, PrintFilm
from tests.fakes.spoken import GatedVoice, SoundFault, Voice
from tests.fakes.table_film import TableFilm

WITHIN_S = 3.0
CORE_BAR = 0.03
SIZES = ((1280, 720), (1920, 1080))
CALM_S = 40.0
CONTENT_S, UNSURE_S = 600.0, 66.0
SOUND_FAULTS: list[SoundFault] = [fault for fault in get_args(SoundFault) if fault]
PRINT_FAULTS: list[PrintFault] = [fault for fault in get_args(PrintFault) if fault]
MACHINE_FAULTS = ("encoder_late", "disk_filling", "machine_hot", "on_battery")


class Ear:
    """Speech through the engine's meter, four times a second."""

    def __init__(self, seed: int, voice: type[Voice] = Voice) -> None:
        self._voice, self._meter = voice(seed), Meter(BLOCKS)
        self._clipped = 0
        self._sentinel, self._distance = SoundSentinel(), VoiceSentinel()
        self._blocks = 0
        self.now_s = 0.0
        self.hurt = True
        """Too much gain is no fault before somebody speaks; too far away is none while nobody does."""
        self._fault: SoundFault = ""
        self.cost_s = 0.0

    def look(self, fault: SoundFault = "") -> tuple[str, ...]:
        self.now_s += LOOK_S
        while self._blocks * 0.02 < self.now_s:
            self._meter.take(self._voice.block(fault))
            self._blocks += 1
        peak, _, clipped = self._meter.read()
        self._clipped += clipped
        if fault == "sound_clipping":
            self.hurt = clipped or (self.hurt and self._fault == fault)
        else:
            self.hurt = fault != "sound_wrong_microphone" or self._voice.speaks
        self._fault = fault
        began, at_ns = time.thread_time(), int(self.now_s * 1e9)
        codes = (
            *self._sentinel.look(peak, self._clipped, at_ns, self._meter.gaps_s()),
            *self._distance.look(self._meter.levels_db(), at_ns),
        )
        self.cost_s += time.thread_time() - began
        return codes


class Reader:
    """Things with print on them, before one camera."""

    hurt = True

    def __init__(self, seed: int) -> None:
        self._film, self._sentinel = PrintFilm(seed), WritingSentinel()
        self.now_s = self.cost_s = 0.0

    def look(self, fault: PrintFault = "") -> tuple[str, ...]:
        self.now_s += LOOK_S
        seen = self._film.at(self.now_s, fault)
        began = time.thread_time()
        codes = self._sentinel.look(seen, False, int(self.now_s * 1e9))
        self.cost_s += time.thread_time() - began
        return codes


class Lips:
    """Ages of the pictures shown: a camera of 15 frames a second that stumbles; or one 300 ms behind."""

    hurt = True

    def __init__(self, seed: int) -> None:
        self._rng, self._sentinel = np.random.default_rng(seed), SkewSentinel()
        self.now_s = 0.0

    def look(self, fault: str = "") -> tuple[str, ...]:
        self.now_s += LOOK_S
        age_s = self._rng.uniform(0, 0.067) + (0.4 if self._rng.random() < 0.03 else 0.0)
        if fault == "av_skew":
            age_s = 0.3 + self._rng.uniform(-0.05, 0.05)
        return self._sentinel.look(int(age_s * 1e9), int(self.now_s * 1e9))


class Machine:
    """Encoder, disk, heat and battery: what the engine reads, made up; what it makes of it, its own."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._watch = TroubleWatch()
        self._programme: Any = SimpleNamespace(
            cameras=(), sound=SimpleNamespace(microphones=()), late=0, encoder_failure="", counts=lambda: self._counts
        )
        self._sentinel = Sentinel(self._programme)
        self._counts = Counts()
        self.hurt = True
        self.now_s = float(self._rng.uniform(10, 20))

    def look(self, fault: str = "") -> tuple[str, ...]:
        self.now_s += LOOK_S
        at_ns = int(self.now_s * 1e9)
        frames = int(30 * LOOK_S)
        lost = int(self._rng.integers(3, 5)) if fault == "encoder_late" else int(self._rng.random() < 0.02)
        self._counts = Counts(composed=self._counts.composed + frames, dropped=self._counts.dropped + lost)
        hours = 0.9 if fault == "disk_filling" else float(self._rng.uniform(2.5, 90))
        outputs: Any = SimpleNamespace(failing={}, recording=RecordingChanged(state="recording", hours_left=hours))
        heat = 99.0 if fault == "machine_hot" else float(self._rng.uniform(40, 92))
        plugged = fault != "on_battery"
        battery = machine.Battery(80.0, plugged)
        sensors = {"cpu": [SimpleNamespace(current=heat, critical=100.0, high=None)]}
        readings = mock.Mock(sensors_temperatures=lambda: sensors)
        with mock.patch.object(machine, "psutil", readings), mock.patch.object(machine, "battery", lambda: battery):
            felt = self._sentinel._feel(at_ns)
        self._watch.look(self._programme, AirChanged(state="off"), at_ns, (*of_outputs(outputs), *felt))
        return tuple(trouble.code for trouble in self._watch.raised())


def inject(watcher: Ear | Reader | Lips | Machine, fault: Any, calm_s: float) -> float:
    """Seconds that it hurt until it is said, after some normal life. AssertionError: not said, or not taken back."""
    for _ in range(int(calm_s / LOOK_S)):
        said = watcher.look()
        assert not said, f"false alarm before the fault: {said}"
    hurt_s, late_s = 0.0, -1.0
    for _ in range(int(12 / LOOK_S)):
        said = watcher.look(fault)
        hurt_s += LOOK_S if watcher.hurt else 0.0
        if fault in said and late_s < 0:
            late_s = hurt_s
    assert late_s >= 0, "never said"
    # pauses say nothing of a microphone; a machine that cools for a moment is not cool
    back_s = {"sound_wrong_microphone": 12, "machine_hot": 14}.get(fault, 6)
    left = [fault in watcher.look() for _ in range(int(back_s / LOOK_S))]
    assert not left[-1], "never taken back"
    return late_s


def one(fault: str, seed: int) -> float:
    if fault in FAULTS:
        return injected(seed, fault, CALM_S)[0]  # type: ignore[arg-type]
    if fault in PRINT_FAULTS:
        return inject(Reader(seed), fault, CALM_S)
    if fault == "av_skew":
        return inject(Lips(seed), fault, CALM_S)
    if fault in SOUND_FAULTS:
        return inject(Ear(seed), fault, CALM_S)
    return inject(Machine(seed), fault, CALM_S)


def many(fault: str, times: int) -> dict[str, Any]:
    said: list[float] = []
    missed: list[str] = []
    for seed in range(1000, 1000 + times):
        try:
            said.append(one(fault, seed))
        except AssertionError as why:
            missed.append(f"{seed}: {why}")
    late = [one_s for one_s in said if one_s > WITHIN_S]
    return {
        "said": f"{len(said)}/{times}",
        "p50_s": round(statistics.median(said), 2) if said else -1.0,
        "max_s": round(max(said, default=-1.0), 2),
        "missed": missed,
        "sound": not missed and not late,
    }


def clean(minutes: float) -> dict[str, Any]:
    """An hour in which nothing is wrong: all that was raised, and what looking cost.

    Every ten minutes other things come before the camera, plush after cards and cards after
    plush: what has less fine detail may be called blurred for a minute and no longer.
    """
    film, picture = TableFilm(4242), PictureSentinel()
    ear, reader, lips, machine = Ear(4242), Reader(4242), Lips(4242), Machine(4242)
    gated = Ear(4242, GatedVoice)
    alarms: list[list[object]] = []
    cost_s = unsure_s = longest_s = 0.0
    brought_s = -CONTENT_S
    for look in range(int(minutes * 60 / LOOK_S)):
        now_s = look * LOOK_S
        if now_s % CONTENT_S == 0 and now_s:
            brought_s = now_s
            film.bring("plush" if now_s // CONTENT_S % 2 else "cards")
        seen = film.at(now_s)
        began = time.thread_time()
        codes = picture.look(seen, int(now_s * 1e9))
        cost_s += time.thread_time() - began
        if codes == ("picture_blurred",) and now_s - brought_s < UNSURE_S:
            unsure_s, longest_s, codes = unsure_s + LOOK_S, max(longest_s, now_s - brought_s), ()
        for found in (codes, reader.look(), lips.look(), ear.look(), gated.look(), machine.look()):
            if found:
                alarms.append([round(now_s, 2), *found])
    return {
        "minutes": minutes,
        "alarms": alarms,
        "allowed_by_decision_47": {"alarm": "picture_blurred", "seconds": unsure_s, "until_s_after": longest_s},
        "core": round((cost_s + reader.cost_s + ear.cost_s) / (minutes * 60), 4),
        "core_of_eyes": {f"{wide}x{high}": eyes_at((wide, high)) for wide, high in SIZES},
    }


def eyes_at(size: tuple[int, int], seconds: float = 30.0) -> float:
    """Cores that looking at one camera of this size takes: the films, brought to it, with a sensor's noise."""
    rng, film, print_film = np.random.default_rng(1), TableFilm(7), PrintFilm(7)
    picture, reading = PictureSentinel(), WritingSentinel()
    noise = rng.normal(0, 2, (size[1], size[0])).astype(np.float32)

    def brought(luma: Pixels) -> Pixels:
        large = cv2.resize(luma, size, interpolation=cv2.INTER_CUBIC) + np.roll(noise, int(rng.integers(1000)))
        return np.clip(large, 0, 255).astype(np.uint8)

    cost_s = 0.0
    for look in range(int(seconds / LOOK_S)):
        at_ns = int(look * LOOK_S * 1e9)
        pixels = blank(*size)
        planes(pixels)[0][:] = brought(planes(film.at(look * LOOK_S).pixels)[0])
        page = brought(print_film.at(look * LOOK_S))
        began = time.thread_time()
        picture.look(Picture(pixels, at_ns, look), at_ns)
        reading.look(page, False, at_ns)
        cost_s += time.thread_time() - began
    return round(cost_s / seconds, 4)


def missed(found: dict[str, Any]) -> list[str]:
    """The bars that were not reached."""
    hour = found["clean"]
    late = [
        f"{fault}: said {one['said']}, slowest after {one['max_s']} s"
        for fault, one in found.items()
        if fault != "clean" and not one["sound"]
    ]
    if hour["alarms"]:
        late.append(f"clean: {len(hour['alarms'])} looks with an alarm, first {hour['alarms'][0]}")
    late += _bars.over("core", hour["core"], CORE_BAR)
    return late + [word for size, core in hour["core_of_eyes"].items() for word in _bars.over(size, core, CORE_BAR)]


def main(argv: list[str], tell: Callable[[str], None] = print) -> int:
    parser = argparse.ArgumentParser(prog="soak sentinel")
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=60.0)
    options = parser.parse_args(argv)
    found: dict[str, Any] = {}
    for fault in (*FAULTS, *PRINT_FAULTS, "av_skew", *SOUND_FAULTS, *MACHINE_FAULTS):
        found[fault] = many(fault, options.times)
        print(f"{fault:<20} {found[fault]['said']:>6}  p50 {found[fault]['p50_s']} s  max {found[fault]['max_s']} s",
              file=sys.stderr, flush=True)  # fmt: skip
    hour = found["clean"] = clean(options.minutes)
    tell(json.dumps(found, indent=1))
    allowed = hour["allowed_by_decision_47"]
    if allowed["seconds"]:
        print(f"clean: alarm {allowed['alarm']} for {allowed['seconds']} s, until {allowed['until_s_after']} s after "
              "other things came: decision 47 allows it", file=sys.stderr)  # fmt: skip
    return _bars.verdict(missed(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
