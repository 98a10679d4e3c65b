"""What is done to a microphone: rumble off, peaks held, two mixed; and left alone when asked."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
import pytest

from seller_console.contract.media import Microphone
from seller_console.engine.clock import MediaClock
from seller_console.engine.device import DeviceGone
from seller_console.engine.devices import Devices, UnknownDevice
from seller_console.engine.encode import BLOCK, Output
from seller_console.engine.sound import MicrophoneDevice, MicrophoneFacts, Samples, Silence, SoundFeed
from seller_console.engine.sounddesk import SoundDesk, Strip
from seller_console.engine.voice import LIMIT, LOOK_AHEAD, Limiter, Voice

from .conftest import wait_for


def shaped(wave: Callable[[np.ndarray], np.ndarray], blocks: int = 100) -> Samples:
    voice, limiter, out = Voice(), Limiter(), []
    for number in range(blocks):
        at = (number * BLOCK + np.arange(BLOCK)) / 48_000
        out.append(limiter.hold(voice.shape(wave(at).astype(np.float32))))
        assert len(out[-1]) == BLOCK
    return np.concatenate(out)[blocks * BLOCK // 2 :]


def level(samples: Samples, hz: float) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) / len(samples) * 4
    return float(spectrum[round(hz * len(samples) / 48_000)])


def test_rumble_goes_and_a_voice_stays() -> None:
    heard = shaped(lambda at: 0.2 * np.sin(2 * np.pi * 25 * at) + 0.2 * np.sin(2 * np.pi * 400 * at))
    assert level(heard, 25) < 0.03
    assert level(heard, 400) == pytest.approx(0.2, abs=0.02)


def test_a_shout_is_held_under_the_limit_without_a_square_edge() -> None:
    heard = shaped(lambda at: 2.5 * np.sin(2 * np.pi * 300 * at))
    assert np.abs(heard).max() <= LIMIT + 0.005
    assert level(heard, 900) < 0.02 * level(heard, 300), "held, not clipped"


def test_a_quiet_voice_is_left_as_it_is() -> None:
    heard = shaped(lambda at: 0.1 * np.sin(2 * np.pi * 1000 * at))
    assert level(heard, 1000) == pytest.approx(0.1, abs=0.005)


class Whistle:
    """A microphone that plays a sine of so many hertz."""

    def __init__(self, hz: str) -> None:
        self._hz = float(hz)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def open(self, on_block: Callable[[Samples], None]) -> None:
        if self._hz <= 0:
            raise DeviceGone("not plugged in")
        self._thread = threading.Thread(target=self._play, args=(on_block,))
        self._thread.start()

    def _play(self, on_block: Callable[[Samples], None]) -> None:
        number = 0
        while not self._stop.wait(0.02):
            at = (number * BLOCK + np.arange(BLOCK)) / 48_000
            on_block((0.3 * np.sin(2 * np.pi * self._hz * at)).astype(np.float32))
            number += 1

    def check(self) -> None:
        """Always well."""

    def facts(self) -> MicrophoneFacts:
        return MicrophoneFacts()

    def close(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()


def whistle(hz: str) -> MicrophoneDevice:
    return Whistle(hz)


@pytest.fixture
def desk() -> Iterator[SoundDesk]:
    made = SoundDesk(Devices(microphones={"microphone": whistle}), MediaClock(), "silence", lambda: ())
    stopping = threading.Event()
    thread = threading.Thread(target=made.run, args=(stopping,))
    made.started = True
    thread.start()
    yield made
    stopping.set()
    thread.join()
    for feed in made.microphones:
        feed.stop()


def test_two_microphones_are_mixed_each_with_its_own_gain(desk: SoundDesk) -> None:
    desk.change("microphone:500", "microphone:1500")
    wait_for(lambda: [feed.state for feed in desk.microphones] == ["live", "live"], 5, "both live")
    pause = threading.Event()

    def peak() -> float:
        pause.wait(0.15)
        desk.meter.read()
        pause.wait(0.4)
        return desk.meter.read()[0]

    both = peak()
    desk.set_gain_db(-60, second=True)
    one = peak()
    assert both > one + 3
    assert one == pytest.approx(20 * np.log10(0.3), abs=1.5)


def test_a_second_microphone_that_is_gone_harms_not_the_first(desk: SoundDesk) -> None:
    desk.change("microphone:500", "microphone:0")
    wait_for(lambda: [feed.state for feed in desk.microphones] == ["live", "gone"], 5, "one live, one gone")
    wait_for(lambda: desk.meter.read()[0] > -15, 3, "the first is heard")


def test_what_cannot_be_opened_changes_neither(desk: SoundDesk) -> None:
    before = desk.microphones
    with pytest.raises(UnknownDevice):
        desk.change("microphone:500", "nonsense:1")
    assert desk.microphones == before
    old = desk.change("tone", "")
    assert old == list(before)


def stopped(feeds: list[SoundFeed]) -> list[SoundFeed]:
    for feed in feeds:
        feed.stop()
    return feeds


def test_the_living_second_microphone_takes_the_place_of_a_dead_first_and_is_not_opened_again(desk: SoundDesk) -> None:
    desk.change("microphone:0", "microphone:500")
    wait_for(lambda: [feed.state for feed in desk.microphones] == ["gone", "live"], 5, "one gone, one live")
    dead, living = desk.microphones
    strip = desk.strips[1]
    assert stopped(desk.change("microphone:500", "microphone:500")) == [dead]
    assert desk.strips == (strip,) and desk.microphones == (living,), "the very same, once"
    assert desk.change("microphone:500", "") == []
    assert living.state == "live"


def test_two_microphones_change_places_without_being_opened_again(desk: SoundDesk) -> None:
    desk.change("microphone:500", "microphone:1500")
    first, second = desk.microphones
    assert desk.change("microphone:1500", "microphone:500") == []
    assert desk.microphones == (second, first)
    assert stopped(desk.change("microphone:1500", "microphone:1500")) == [first]


class Steady(Silence):
    """A sine of its own, on every pull the next 20 ms."""

    def __init__(self, hz: float, spec: str) -> None:
        super().__init__(spec, spec)
        self._hz, self._at = hz, 0

    def pull(self, due_ns: int) -> Samples:
        at = (self._at + np.arange(BLOCK)) / 48_000
        self._at += BLOCK
        return (0.9 * np.sin(2 * np.pi * self._hz * at)).astype(np.float32)


@pytest.mark.parametrize("spec", ["microphone:a", "file:a"])
def test_two_who_are_loud_at_once_are_held_not_clipped(spec: str) -> None:
    desk = SoundDesk(Devices(), MediaClock(), "silence", lambda: ())
    voices = (Voice(), Voice()) if spec.startswith("microphone") else (None, None)
    strips = tuple(Strip(Steady(hz, spec), voice) for hz, voice in zip((300, 436), voices, strict=True))
    heard = np.concatenate([desk._mix(strips, 0) for _ in range(150)])[-48_000:]
    assert np.abs(heard).max() <= LIMIT + 0.005
    power = np.abs(np.fft.rfft(heard * np.hanning(len(heard)))) ** 2
    asked = sum(power[hz - 4 : hz + 5].sum() for hz in (300, 436))
    assert 10 * np.log10((power.sum() - asked) / asked) < -30, "at the rail it is -14 dB"


def test_what_is_shaped_and_what_is_not_come_out_at_the_same_moment() -> None:
    click = np.zeros(4 * BLOCK, np.float32)
    click[1000] = 0.5
    places = []
    for voice in (None, Voice()):
        desk = SoundDesk(Devices(), MediaClock(), "silence", lambda: ())
        feed = Silence("microphone:a")
        blocks = iter(click.reshape(-1, BLOCK))
        feed.pull = lambda _due_ns, blocks=blocks: next(blocks)  # type: ignore[method-assign, misc]
        places.append(int(np.argmax(np.concatenate([desk._mix((Strip(feed, voice),), 0) for _ in range(4)]))))
    assert places == [1000 + LOOK_AHEAD] * 2


def hand_to(outputs: tuple[Output, ...], seconds: float, microphone: str, devices: Devices) -> None:
    """A desk that runs for so long."""
    desk = SoundDesk(devices, MediaClock(), microphone, lambda: outputs)
    stopping = threading.Event()
    for feed in desk.microphones:
        feed.start()
    threading.Timer(seconds, stopping.set).start()
    desk.run(stopping)
    for feed in desk.microphones:
        feed.stop()


@pytest.mark.warns("sound_output_failed")
def test_an_output_that_fails_harms_neither_the_others_nor_the_sound(caplog: pytest.LogCaptureFixture) -> None:
    def fail(_packet: object) -> None:
        raise RuntimeError("a disk, a socket, a mistake")

    taken: list[object] = []
    outputs = (Output("bad", fail, fail), Output("good", taken.append, taken.append))
    hand_to(outputs, 0.6, "tone", Devices())
    assert len(taken) > 10
    assert caplog.text.count("sound_output_failed") == 1, "said once"


class Clicks(Whistle):
    """A click at each whole second of its own time, given `late_s` after it was in the air; it may stall a moment."""

    began_ns = 0
    stall = (0.0, 0.0)
    held_up_ms = 0.0
    """A busy machine: how late our own thread was, beyond what it waits, when all should be steady."""

    def __init__(self, late_s: str) -> None:
        super().__init__("1")
        self._late_s = float(late_s)

    def _play(self, on_block: Callable[[Samples], None]) -> None:
        began_ns, number = time.monotonic_ns(), 0
        Clicks.began_ns, Clicks.held_up_ms = began_ns, 0.0
        while not self._stop.wait(0.001):
            now_s = (time.monotonic_ns() - began_ns) / 1e9
            if Clicks.stall[0] <= now_s < Clicks.stall[1]:
                continue
            while (number + 1) * 0.02 + self._late_s <= now_s:
                block = np.zeros(BLOCK, np.float32)
                block[:48] = 0.8 if number % 50 == 0 and number else 0.0
                on_block(block)
                number += 1
                if number * 0.02 > 1.52:
                    Clicks.held_up_ms = max(Clicks.held_up_ms, (now_s - number * 0.02 - self._late_s) * 1000 - 2)

    def facts(self) -> MicrophoneFacts:
        return MicrophoneFacts(int(self._late_s * 1e9))


def test_a_microphone_opened_by_its_name_alone_goes_on_when_it_is_listed() -> None:
    devices = Devices(microphones={"microphone": Clicks})
    desk = SoundDesk(devices, MediaClock(), "microphone:0", lambda: ())
    devices._heard = (Microphone(spec="microphone:0@ALSA", name="0"),)
    before = desk.strips
    assert desk.change("microphone:0@ALSA", "") == [], "nothing is closed, nothing opened beside it"
    assert desk.strips == before and desk.microphone.spec == "microphone:0@ALSA"


def test_the_pictures_age_is_followed_at_once_while_nobody_hears_then_block_by_block_in_pauses() -> None:
    age_ms = 120
    desk = SoundDesk(Devices(), MediaClock(), "silence", lambda: (), lambda: age_ms * 1_000_000)
    assert desk._age_at(1, heard=False) == 120 * 48 and desk.age_ns == 120_000_000
    age_ms = 144
    assert {desk._age_at(n, heard=True) for n in range(2, 2_000)} == {120 * 48}, "a phase, or a darker room"
    age_ms, at, steps = 40, 2_000, []
    for pause in (True, False):
        desk._pause = pause
        before = desk._age
        while len(steps) < (2 if pause else 3):
            at += 1
            if desk._age_at(at, heard=True) != before:
                assert desk._age == before - BLOCK
                before = desk._age
                steps.append(at)
    assert steps[1] - steps[0] == 50 and steps[2] - steps[1] == 250, "a second apart in pauses, else five"
    assert {desk._age_at(n, heard=True) for n in range(at, at + 2_000)} == {60 * 48}, "near enough"


@pytest.mark.parametrize(("late_s", "stall"), [("0", (0.0, 0.0)), ("0.12", (0.0, 0.0)), ("0.03", (1.3, 1.5))])
def test_sound_is_timed_by_when_it_was_in_the_air_whatever_the_microphone_takes(
    late_s: str, stall: tuple[float, float]
) -> None:
    Clicks.stall = stall
    heard: list[tuple[int, Samples]] = []
    output = Output("pcm", lambda _p: None, lambda _p: None, lambda block, pts: heard.append((pts, block.copy())))
    for _ in range(3):  # when our own thread was held up it says nothing: once more
        heard.clear()
        clock_ns = time.monotonic_ns()
        hand_to((output,), 3.4, f"microphone:{late_s}", Devices(microphones={"microphone": Clicks}))
        if Clicks.held_up_ms < 3:
            break
    steps = {later[0] - earlier[0] for earlier, later in pairwise(heard)}
    assert all(step > 0 and step % BLOCK == 0 for step in steps), "block upon block, and never an overlap"
    clicks = [pts + int(np.argmax(np.abs(block) > 0.3)) for pts, block in heard if np.abs(block).max() > 0.3]
    assert clicks
    off_ms = ((clicks[-1] * 1e9 / 48_000 - (Clicks.began_ns - clock_ns)) / 1e6 + 500) % 1000 - 500
    assert abs(off_ms) < 20, "half of what lips may be late"
