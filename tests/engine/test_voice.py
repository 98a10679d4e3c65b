"""What is done to a microphone: rumble off, peaks held, two mixed; and left alone when asked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from seller_console.engine.capture import DeviceGone
from seller_console.engine.clock import MediaClock
from seller_console.engine.devices import Devices, UnknownDevice
from seller_console.engine.encode import BLOCK
from seller_console.engine.sound import MicrophoneDevice, Samples
from seller_console.engine.sounddesk import SoundDesk
from seller_console.engine.voice import LIMIT, Voice

from .conftest import wait_for


def shaped(wave: Callable[[np.ndarray], np.ndarray], blocks: int = 100) -> Samples:
    voice, out = Voice(), []
    for number in range(blocks):
        at = (number * BLOCK + np.arange(BLOCK)) / 48_000
        out.append(voice.shape(wave(at).astype(np.float32)))
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
