"""A real microphone path: PulseAudio, libpulse, the ring, Opus; and what is heard is what was said."""

from __future__ import annotations

import statistics
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from seller_console.engine import pulse
from seller_console.engine.devices import Devices
from seller_console.engine.sound import (
    LATENCY_LOOKS,
    MOST_LATENCY_NS,
    CapturedMicrophone,
    MicrophoneFacts,
    SoundFeed,
)
from tests.fakes.sound_server import SoundServer, write_sine

from .conftest import wait_for

pytestmark = pytest.mark.media


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SoundServer]:
    made = SoundServer(tmp_path / "sound")
    for name, value in made.variables.items():
        monkeypatch.setenv(name, value)
    made.start()
    wait_for(made.answers, 10, "the sound server answers")
    yield made
    made.stop()


def listen(feed: SoundFeed, seconds: float) -> np.ndarray:
    """Pulled as the programme does: 20 ms every 20 ms."""
    pause, heard = threading.Event(), []
    began = time.monotonic_ns()
    for n in range(int(seconds * 50)):
        pause.wait(max(0.0, (began + n * 20_000_000 - time.monotonic_ns()) / 1e9))
        heard.append(feed.pull(began + n * 20_000_000))
    return np.concatenate(heard)


def loudest_hz(samples: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum)) * 48_000 / len(samples)


def test_microphones_are_found_by_name_and_monitors_are_not(server: SoundServer) -> None:
    server.plug("mic_a", "Blue Yeti")
    server.plug("mic_b", "Micro cravate")
    found = {m.spec: m.name for m in Devices().find().microphones if not m.stand_in}
    assert found == {"microphone:Blue Yeti@mic_a": "Blue Yeti", "microphone:Micro cravate@mic_b": "Micro cravate"}


def test_what_is_played_into_the_microphone_is_heard(server: SoundServer, tmp_path: Path) -> None:
    server.plug("mic", "Blue Yeti")
    server.play(write_sine(tmp_path / "a.wav", 1000, 8))
    feed = Devices().open_microphone("microphone:Blue Yeti@mic", 0)
    feed.start()
    try:
        wait_for(lambda: feed.state == "live", 5, "it is live")
        listen(feed, 1.0)
        heard = listen(feed, 2.0)
    finally:
        feed.stop()
    assert abs(loudest_hz(heard[48_000:]) - 1000) < 2
    assert np.abs(heard).max() == pytest.approx(0.5, abs=0.1)


@pytest.fixture
def answers_ns(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What the real sound server answers when it is asked how old a sample is; what lies ahead of now is 0."""
    heard: list[int] = []
    library = pulse._library()
    stock = library.pa_stream_get_latency

    def ask(stream: Any, latency_us: Any, negative: Any) -> int:
        result = int(stock(stream, latency_us, negative))
        if result == 0:
            heard.append(0 if negative._obj.value else latency_us._obj.value * 1000)
        return result

    monkeypatch.setattr(library, "pa_stream_get_latency", ask)
    return heard


def test_a_voice_on_one_channel_of_two_is_heard_whole_and_its_age_is_known(
    server: SoundServer, tmp_path: Path, answers_ns: list[int]
) -> None:
    server.plug("mic", "Interface")
    server.play(write_sine(tmp_path / "a.wav", 1000, 8, 1.0, left_only=True))
    feed = Devices().open_microphone("microphone:Interface@mic", 0)
    assert isinstance(feed, CapturedMicrophone)
    stock = feed._heed
    said_ns: list[int] = []

    def ring_ns() -> int:
        return feed._ring.depth * 1_000_000_000 // 48_000

    def told_ns() -> int:
        return statistics.median_low([one for one in said_ns if one <= MOST_LATENCY_NS][-LATENCY_LOOKS:])

    def heed(facts: MicrophoneFacts, opened: bool = False) -> None:
        said_ns.append(facts.latency_ns)
        stock(facts, opened)

    feed._heed = heed  # type: ignore[method-assign]
    feed.start()
    try:
        wait_for(lambda: feed.state == "live", 5, "it is live")
        listen(feed, 1.0)
        heard = listen(feed, 1.0)
        assert np.abs(heard[24_000:]).max() == pytest.approx(1.0, abs=0.1)
        assert feed.facts.clipped > 10, "what is at the rail on one side is seen"
        wait_for(lambda: feed.delay_ns == ring_ns() + told_ns() < 300_000_000, 3, "the ring, and what the server says")
        assert len(answers_ns) > 50, "the server was asked at each block, and knew"
        assert set(said_ns) <= {0, *answers_ns} and said_ns[-1] in answers_ns[-100:], "and that is what was said"
    finally:
        feed.stop()


def test_a_microphone_muted_in_the_system_says_so(server: SoundServer) -> None:
    server.plug("mic", "Blue Yeti")
    feed = Devices().open_microphone("microphone:Blue Yeti@mic", 0)
    feed.start()
    try:
        wait_for(lambda: feed.state == "live", 5, "it is live")
        assert not feed.facts.muted
        server.mute("mic", True)
        wait_for(lambda: feed.facts.muted, 3, "it is said")
        server.mute("mic", False)
        wait_for(lambda: not feed.facts.muted, 3, "and taken back")
    finally:
        feed.stop()


def test_a_voice_is_heard(server: SoundServer, tmp_path: Path) -> None:
    server.plug("mic", "Blue Yeti")
    said = tmp_path / "voice.wav"
    words = "Bonjour à tous, la prochaine carte part à un euro, regardez bien le coin en haut à gauche."
    subprocess.run(["espeak-ng", "-v", "fr", "-w", str(said), words], check=True, timeout=20)
    feed = Devices().open_microphone("microphone:Blue Yeti@mic", 0)
    feed.start()
    try:
        wait_for(lambda: feed.state == "live", 5, "it is live")
        server.play(said)
        heard = listen(feed, 4.0)
    finally:
        feed.stop()
    blocks = np.abs(heard.reshape(-1, 960)).max(axis=1)
    assert (blocks > 0.02).mean() > 0.3, "speech"
    assert (blocks < 0.005).any(), "and pauses"


def test_unplugged_it_is_gone_by_name_even_with_another_beside_it_and_comes_back(
    server: SoundServer, tmp_path: Path
) -> None:
    plug = server.plug("mic", "Blue Yeti")
    server.plug("other", "Webcam")
    server.play(write_sine(tmp_path / "a.wav", 1000, 20))
    feed = Devices().open_microphone("microphone:Blue Yeti@mic", 0)
    feed.start()
    try:
        wait_for(lambda: feed.state == "live", 5, "it is live")
        server.pull(plug)
        wait_for(lambda: feed.state == "gone", 3, "gone is said")
        assert feed.name == "Blue Yeti"
        listen(feed, 0.2)
        assert np.abs(listen(feed, 0.5)).max() == 0, "the other one is not taken for it"
        server.plug("mic", "Blue Yeti")
        wait_for(lambda: feed.state == "live", 4, "it comes back by itself")
        wait_for(lambda: np.abs(listen(feed, 0.1)).max() > 0.3, 3, "and is heard")
    finally:
        feed.stop()


def test_without_a_sound_server_there_are_no_microphones_and_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULSE_SERVER", f"unix:{tmp_path / 'nobody'}")
    assert pulse.find_sources() == ()
    assert not pulse.reachable()
    assert [m.spec for m in Devices().find().microphones] == ["tone", "silence"]
    feed = Devices().open_microphone("microphone:Blue Yeti@mic", 0)
    feed.start()
    try:
        wait_for(lambda: feed.state == "gone", 4, "gone is said")
    finally:
        feed.stop()


def test_a_server_that_dies_is_a_microphone_gone(server: SoundServer) -> None:
    server.plug("mic", "Blue Yeti")
    feed = Devices().open_microphone("microphone:Blue Yeti@mic", 0)
    feed.start()
    try:
        wait_for(lambda: feed.state == "live", 5, "it is live")
        server.stop()
        wait_for(lambda: feed.state == "gone", 3, "gone is said")
    finally:
        feed.stop()


def test_asking_for_devices_again_and_again_keeps_no_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULSE_SERVER", f"unix:{tmp_path / 'nobody'}")
    devices, me = Devices(), psutil.Process()
    for _ in range(30):
        devices.find()
    before = me.memory_info().rss
    for _ in range(150):
        devices.find()
    assert me.memory_info().rss - before < 600_000
