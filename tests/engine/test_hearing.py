"""A microphone that is dead is said; one that is silent between two words is not; nor is a dead one beside a living."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from seller_console.engine.distance import BLOCKS
from seller_console.engine.encode import BLOCK
from seller_console.engine.hearing import SoundSentinel, StutterSentinel
from seller_console.engine.meter import Meter
from seller_console.engine.sentinel import LOOK_S, Sentinel
from seller_console.engine.sound import Samples, Silence, SoundFacts
from seller_console.engine.sounddesk import Strip
from tests.fakes.spoken import GatedVoice, SoundFault, Voice


class Ear:
    def __init__(self, voice: Voice) -> None:
        self.voice, self.meter, self.sentinel = voice, Meter(BLOCKS), SoundSentinel()
        self.now_s, self._blocks = 0.0, 0

    def listen(self, seconds: float, fault: SoundFault = "", least: float = 0.0) -> list[float]:
        """When silence was said, in seconds from now; `least`: noise in the place of the fault's nothing."""
        began_s, said = self.now_s, []
        for _ in range(int(seconds / LOOK_S)):
            self.now_s += LOOK_S
            while self._blocks * 0.02 < self.now_s:
                block = self.voice.block(fault)
                self.meter.take(block + np.float32(least) * np.sign(np.arange(BLOCK) % 2 - 0.5).astype(np.float32))
                self._blocks += 1
            peak_db = self.meter.read()[0]
            if "sound_silent" in self.sentinel.look(peak_db, 0, int(self.now_s * 1e9), self.meter.gaps_s()):
                said.append(self.now_s - began_s)
        return said


@pytest.mark.parametrize("seed", range(4))
def test_the_pauses_of_a_gated_voice_are_no_fault_and_its_death_is_said_within_a_minute(seed: int) -> None:
    ear = Ear(GatedVoice(seed))
    assert ear.listen(600) == []
    ear.voice.keep_quiet(0.5)
    said = ear.listen(70, "sound_silent")
    assert said and 15.0 <= said[0] <= 61.0
    assert not [at_s for at_s in ear.listen(20) if at_s > 15], "and taken back at its first word"


def test_a_gate_is_known_before_its_first_long_pause() -> None:
    ear = Ear(GatedVoice(7))
    ear.listen(12)
    ear.voice.keep_quiet(12)
    assert ear.listen(12) == []


@pytest.mark.parametrize("seed", range(3))
def test_a_microphone_that_hears_the_room_is_said_within_3_s_when_it_dies_however_often(seed: int) -> None:
    ear = Ear(Voice(seed))
    for _ in range(6):
        assert ear.listen(40) == []
        assert 0 < ear.listen(8, "sound_silent")[0] <= 3.0
        ear.listen(1)


def test_far_under_all_it_ever_gave_it_is_dead_though_not_at_zero() -> None:
    ear = Ear(Voice(3))
    assert ear.listen(90) == []
    assert ear.listen(8, "sound_silent", least=0.0005)[0] <= 3.0, "-66 dBFS: an interface without its microphone"
    ear = Ear(Voice(3))
    ear.listen(90)
    assert ear.listen(8, "sound_silent", least=0.002) == [], "-54 dBFS: somebody has shut the window"


def test_what_was_silence_and_came_back_is_silence_no_more() -> None:
    ear = Ear(Voice(3))
    ear.listen(90)
    assert ear.listen(8, "sound_silent", least=0.0005)
    ear.listen(20)
    assert ear.listen(8, "sound_silent", least=0.0005) == [], "it is as still as that, and alive"
    assert ear.listen(8, "sound_silent")


def test_sound_in_pieces_is_said_at_once_and_taken_back_when_calm() -> None:
    sentinel, stumbles, said = StutterSentinel(), 0, []
    for look in range(60):
        stumbles += 1 if look in (3, 20, 22, 24, 25) else 0
        said.append(bool(sentinel.look(stumbles, int(look * LOOK_S * 1e9))))
    assert said.index(True) == 24, "the third within two seconds; one alone is none"
    assert 8 <= sum(said) <= 30 and not said[-1]


class Feed(Silence):
    def __init__(self, name: str, amplitude: float, kind: str = "microphone", **facts: Any) -> None:
        super().__init__(f"{kind}:{name}", name)
        self.facts = SoundFacts(**facts)
        self._block = np.full(BLOCK, amplitude, np.float32)


def told(*feeds: Feed) -> list[tuple[str, str, str]]:
    """(code, microphone, detail) after three seconds."""
    strips = tuple(Strip(feed, None) for feed in feeds)
    sound = SimpleNamespace(strips=strips, microphone=feeds[0], skips=0)
    programme: Any = SimpleNamespace(sound=sound)
    sentinel = Sentinel(programme)
    found = []
    for look in range(13):
        for strip in strips:
            block: Samples = strip.feed.pull(0)
            for _ in range(12):
                strip.meter.take(block)
        found = sentinel._listen(int(look * LOOK_S * 1e9))
    return [(one.code, one.subject, one.detail) for one in found]


def test_a_dead_microphone_beside_a_living_one_says_that_another_is_heard() -> None:
    assert told(Feed("Col", 0.0)) == [("sound_silent", "Col", "")]
    assert told(Feed("Col", 0.2), Feed("Salle", 0.0)) == [("sound_silent", "Salle", "beside")]
    assert told(Feed("Col", 0.0), Feed("Salle", 0.0)) == [("sound_silent", "Col", ""), ("sound_silent", "Salle", "")]
    assert told(Feed("Col", 0.0), Feed("musique.mp3", 0.1, "file")) == [("sound_silent", "Col", "beside")]


def test_a_microphone_muted_in_the_system_is_said_to_be_that() -> None:
    assert told(Feed("Col", 0.0, muted=True)) == [("sound_silent", "Col", "muted_in_system")]
