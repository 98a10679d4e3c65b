"""How far away a voice is: a near one stops, a far one dies away; whatever its level, whatever lies under it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from seller_console.contract import media as m
from seller_console.engine.app import Engine
from seller_console.engine.devices import Devices
from seller_console.engine.distance import BLOCKS, SYLLABLES, hear
from seller_console.engine.hearing import VoiceSentinel
from seller_console.engine.meter import Meter
from seller_console.engine.sentinel import LOOK_S
from seller_console.engine.sound import MicrophoneFacts
from tests.fakes.spoken import GatedVoice, SoundFault, Voice, music

from .test_camera_settings import Heard
from .test_sentinel import cured, raised


def syllables(fall_db_in_60_ms: float, loud_db: float = -20.0, floor_db: float = -60.0) -> list[float]:
    """100 ms of voice, 140 ms without, over and over: levels of 20 ms."""
    one = [loud_db] * 5 + [max(floor_db, loud_db - fall_db_in_60_ms / 3 * n) for n in range(1, 8)]
    return (one * 10)[:BLOCKS]


def test_a_fall_is_measured_over_60_ms_and_does_not_depend_on_the_gain() -> None:
    near, far = hear(syllables(36.0)), hear(syllables(9.0))
    assert near is not None and far is not None
    assert near.fall_db == pytest.approx(36.0) and far.fall_db == pytest.approx(9.0)
    quieter = hear([level - 25 for level in syllables(9.0)])
    assert quieter is not None and quieter.fall_db == pytest.approx(far.fall_db)
    assert quieter.syllables == far.syllables >= SYLLABLES


def test_a_lorry_and_a_steady_noise_have_no_syllables_and_little_is_not_judged() -> None:
    lorry = hear(list(-60 + 30 * np.sin(np.linspace(0, np.pi, BLOCKS))))
    noise = hear(list(-50 + np.random.default_rng(1).normal(0, 0.4, BLOCKS)))
    assert lorry is not None and lorry.syllables <= 1
    assert noise is not None and noise.syllables < SYLLABLES
    assert hear(syllables(30.0)[:-1]) is None


def test_what_a_gate_takes_away_is_not_what_lies_under_the_voice() -> None:
    open_db, shut = syllables(20.0, floor_db=-50.0), syllables(20.0, floor_db=-50.0)
    shut[30:60] = [-120.0] * 30
    through, gated = hear(open_db), hear(shut)
    assert through is not None and gated is not None
    assert gated.quiet_db == pytest.approx(through.quiet_db, abs=1)


class Ear:
    def __init__(self, seed: int, voice: type[Voice] = Voice) -> None:
        self.voice, self.meter, self.sentinel = voice(seed), Meter(BLOCKS), VoiceSentinel()
        self.now_s, self._blocks = 0.0, 0

    def listen(self, seconds: float, fault: SoundFault = "", beside: float = 0.0, pause: bool = False) -> list[float]:
        """When it was said, in seconds from now; `beside`: music, in so many times -52 dBFS; `pause`: nobody speaks."""
        began_s, said = self.now_s, []
        if pause:
            self.voice.keep_quiet(seconds)
        for _ in range(int(seconds / LOOK_S)):
            self.now_s += LOOK_S
            while self._blocks * 0.02 < self.now_s:
                block = self.voice.block(fault) + music()[self._blocks % 400 * 960 :][:960] * np.float32(beside)
                self.meter.take(block)
                self._blocks += 1
            if self.sentinel.look(self.meter.levels_db(), int(self.now_s * 1e9)):
                said.append(self.now_s - began_s)
        return said


@pytest.mark.parametrize("seed", [1000, 1002, 1005])
def test_another_microphone_across_the_room_is_said_and_taken_back(seed: int) -> None:
    ear = Ear(seed)
    assert ear.listen(40) == []
    said = ear.listen(12, "sound_wrong_microphone")
    assert said and said[0] <= 8.0, "with pauses; the soak counts speech"
    back = ear.listen(15)
    assert not back or back[-1] <= 10.0


@pytest.mark.parametrize("seed", [3, 5])
def test_music_that_begins_under_a_near_voice_is_no_far_voice(seed: int) -> None:
    """28 dB under the voice at its usual. Louder, it can be taken for one until it is learnt."""
    ear = Ear(seed)
    assert ear.listen(40) == []
    assert ear.listen(90, beside=1.5) == []


def test_music_under_a_gated_near_voice_is_no_far_voice() -> None:
    assert Ear(4242, GatedVoice).listen(175) == []


def test_far_from_the_first_word_is_what_is_usual_here() -> None:
    assert Ear(5).listen(60, "sound_wrong_microphone") == []


def test_a_seller_who_stays_far_is_left_alone_after_a_minute_of_it_and_silence_does_not_count() -> None:
    ear = Ear(6)
    ear.listen(40)
    assert ear.listen(12, "sound_wrong_microphone")
    assert len(ear.listen(90, "sound_wrong_microphone", pause=True)) == 360, "nobody spoke: nothing is known"
    said = ear.listen(160, "sound_wrong_microphone")
    assert 40 < said[-1] < 120


def test_what_was_said_of_one_microphone_is_not_said_of_the_next() -> None:
    ear = Ear(6)
    ear.listen(40)
    assert ear.listen(12, "sound_wrong_microphone")
    ear.sentinel.elsewhere()
    ear.meter = Meter(BLOCKS)
    assert ear.listen(3, "sound_wrong_microphone", pause=True) == []
    assert ear.listen(12, "sound_wrong_microphone"), "and how near the voice was is still known"


class Spoken:
    """The voice as a real microphone, from a thread like a driver's."""

    fault: SoundFault = ""
    known = threading.Event()
    """A quarter of a minute was spoken."""

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def open(self, on_block: Callable[[NDArray[np.float32]], None]) -> None:
        voice = Voice(1002)

        def run() -> None:
            began, given = time.monotonic(), 0
            while not self._stopping.wait(0.01):
                while given < (time.monotonic() - began) * 50:
                    on_block(voice.block(Spoken.fault))
                    given += 1
                    if given == 750:
                        Spoken.known.set()

        self._thread = threading.Thread(target=run, name="spoken", daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Never lost."""

    def facts(self) -> MicrophoneFacts:
        return MicrophoneFacts()

    def close(self) -> None:
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(2)


@pytest.mark.media
async def test_the_engine_says_it_by_the_microphones_name_and_takes_it_back() -> None:
    hear_it, Spoken.fault = Heard(), ""
    Spoken.known.clear()
    engine = Engine(None, hear_it, Devices(microphones={"microphone": lambda _rest: Spoken()}))
    await engine.obey(m.SetProgramme(width=360, height=640, camera="none", microphone="microphone:Col@usb-1"))
    running: asyncio.Task[Any] = asyncio.create_task(engine.run())
    try:
        assert await asyncio.to_thread(Spoken.known.wait, 40)
        assert not any(map(raised("sound_wrong_microphone"), hear_it.notes))
        Spoken.fault = "sound_wrong_microphone"
        said = await hear_it.until(raised("sound_wrong_microphone"), 10)
        assert (said.subject, said.cure) == ("Col", "choose_microphone")
        Spoken.fault = ""
        await hear_it.until(cured("sound_wrong_microphone"), 15)
    finally:
        Spoken.fault = ""
        engine.quitting.set()
        await running
