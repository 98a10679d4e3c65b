"""Microphones by PortAudio: the real engine's end and the real child, with a `sounddevice` that is made of files.

At the end, where ALSA's road to a sound server is installed, with the real one.
"""

from __future__ import annotations

import ctypes.util
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil
import pytest

from seller_console.contract import media as m
from seller_console.engine import portaudio
from seller_console.engine.app import DEVICES_S
from seller_console.engine.devices import Devices
from seller_console.engine.sound import SoundFeed
from tests.fakes.sound_ports import SoundPorts
from tests.fakes.sound_server import SoundServer, write_sine

from .conftest import wait_for
from .encoded import running, said

pytestmark = pytest.mark.media

PATIENCE_S = 15.0
"""A child is a Python that starts: on a busy machine that is seconds."""


@pytest.fixture
def make_ports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., SoundPorts]:
    """No sound server, and PortAudio with these hosts."""
    monkeypatch.setenv("PULSE_SERVER", f"unix:{tmp_path / 'nobody'}")
    monkeypatch.setattr(portaudio, "_inputs", portaudio.Inputs())
    for name, seconds in (("ASK_S", PATIENCE_S), ("OPEN_S", PATIENCE_S)):
        monkeypatch.setattr(portaudio, name, seconds)

    def make(*hosts: str) -> SoundPorts:
        made = SoundPorts(tmp_path / "ports", hosts or ("ALSA",))
        monkeypatch.setattr(portaudio, "CARDS", made.cards)
        for name, value in made.variables.items():
            monkeypatch.setenv(name, value)
        return made

    return make


@pytest.fixture
def ports(make_ports: Callable[..., SoundPorts]) -> SoundPorts:
    return make_ports()


def found(asked: bool = False) -> dict[str, str]:
    return {one.spec: one.name for one in Devices().find(asked).microphones if not one.stand_in}


@contextmanager
def opened(*specs: str) -> Iterator[list[SoundFeed]]:
    feeds = [Devices().open_microphone(spec, 0) for spec in specs]
    for feed in feeds:
        feed.start()
    try:
        yield feeds
    finally:
        for feed in feeds:
            feed.stop()


def live(feed: SoundFeed) -> None:
    wait_for(lambda: feed.state == "live", PATIENCE_S, f"{feed.name} is live, not {feed.state}: {feed.detail}")


def loudest_hz(feed: SoundFeed) -> float:
    """Of what is pulled as the programme does: 20 ms every 20 ms, the last half second of it."""
    pause, heard, began = threading.Event(), [], time.monotonic_ns()
    for n in range(50):
        pause.wait(max(0.0, (began + n * 20_000_000 - time.monotonic_ns()) / 1e9))
        heard.append(feed.pull(began + n * 20_000_000))
    last = np.concatenate(heard[25:])
    return float(np.argmax(np.abs(np.fft.rfft(last)))) * 48_000 / len(last)


def test_inputs_are_listed_by_name_and_host_and_loudspeakers_are_not(ports: SoundPorts) -> None:
    ports.plug("USB Audio: - (hw:1,0)")
    ports.plug("HDMI", channels=0)
    assert found() == {"microphone:USB Audio: - (hw:1,0)@ALSA": "USB Audio: - (hw:1,0)"}


def test_two_alike_are_two_and_a_name_saved_without_its_host_is_the_first(ports: SoundPorts) -> None:
    ports.plug("Blue Yeti", 1000)
    ports.plug("Blue Yeti", 3000)
    assert found() == {
        "microphone:Blue Yeti@ALSA": "Blue Yeti",
        "microphone:Blue Yeti (2)@ALSA": "Blue Yeti (2)",
    }
    with opened("microphone:Blue Yeti", "microphone:Blue Yeti (2)@ALSA") as (first, second):
        live(first)
        live(second)
        assert first.name == "Blue Yeti" and second.name == "Blue Yeti (2)"
        assert abs(loudest_hz(first) - 1000) < 10
        assert abs(loudest_hz(second) - 3000) < 10


@pytest.mark.parametrize("stale", [False, True])
def test_of_two_alike_the_one_unplugged_never_comes_back_as_the_other(
    ports: SoundPorts, stale: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also while the list still has both: the child looks for itself."""
    unplugged = ports.plug("Blue Yeti", 1000)
    ports.plug("Blue Yeti", 3000)
    if stale:
        monkeypatch.setattr(portaudio, "_plugged", lambda: None)
        monkeypatch.setattr(portaudio, "NEW_S", 60.0)
        monkeypatch.setattr(portaudio, "MISSING_S", 60.0)
    with opened("microphone:Blue Yeti@ALSA", "microphone:Blue Yeti (2)@ALSA") as (first, second):
        live(first)
        live(second)
        ports.pull(unplugged)
        wait_for(lambda: first.state == "gone" and first.detail == "not plugged in", PATIENCE_S, "gone is said")
        for _ in range(5):
            threading.Event().wait(0.5)
            assert first.state == "gone" and second.state == "live"
        second.stop()
        live(first)
        assert abs(loudest_hz(first) - 3000) < 10, "nobody's, it is the first of its name"


async def test_a_name_saved_without_its_host_is_the_one_listed_and_heard_once(ports: SoundPorts) -> None:
    ports.plug("Blue Yeti")
    async with running() as (engine, notes):
        await engine.obey(
            m.SetProgramme(
                width=320, height=576, microphone="microphone:Blue Yeti", second_microphone="microphone:Blue Yeti@ALSA"
            )
        )
        now = said(notes, m.ProgrammeSet)[-1]
        assert now.microphone == now.second_microphone == "microphone:Blue Yeti@ALSA"
        assert [feed.spec for feed in engine.programme.sound.microphones] == ["microphone:Blue Yeti@ALSA"]
        await engine.obey(
            m.SetProgramme(
                width=320, height=576, microphone="microphone:Headset", second_microphone="microphone:Blue Yeti"
            )
        )
        now = said(notes, m.ProgrammeSet)[-1]
        assert now.microphone == "microphone:Headset", "not plugged in: it stays as it is"
        assert now.second_microphone == "microphone:Blue Yeti@ALSA"


def test_an_input_windows_shows_by_every_road_is_listed_once_and_an_old_name_of_it_still_opens(
    make_ports: Callable[..., SoundPorts],
) -> None:
    ports = make_ports("MME", "Windows DirectSound", "Windows WASAPI", "Windows WDM-KS")
    ports.plug("Microphone (Realtek High Defini", host=0)
    for host in (1, 2, 3):
        ports.plug("Microphone (Realtek High Definition Audio)", host=host, hz_only=44_100 if host > 1 else 0)
    ports.plug("Speakers (Realtek High Definition Audio) [Loopback]", host=2)
    whole = "Microphone (Realtek High Definition Audio)"
    assert found() == {f"microphone:{whole}@Windows WASAPI": whole}
    with opened(f"microphone:{whole}@Windows WASAPI", "microphone:Microphone (Realtek High Defini") as feeds:
        for feed in feeds:
            live(feed)


def test_unplugged_beside_another_it_is_gone_comes_back_and_the_other_is_never_disturbed(ports: SoundPorts) -> None:
    yeti = ports.plug("Blue Yeti", 1000)
    ports.plug("Headset", 3000)
    with opened("microphone:Blue Yeti@ALSA", "microphone:Headset@ALSA") as (first, other):
        live(first)
        live(other)
        streams = [child.pid for child in psutil.Process().children() if "Headset@ALSA" in child.cmdline()]
        ports.pull(yeti)
        wait_for(lambda: first.state == "gone", PATIENCE_S, "gone is said")
        assert np.abs(first.pull(time.monotonic_ns())).max() == 0, "the other one is not taken for it"
        ports.plug("Blue Yeti", 2000)
        live(first)
        assert abs(loudest_hz(first) - 2000) < 10
        assert other.state == "live" and abs(loudest_hz(other) - 3000) < 10
        assert streams == [child.pid for child in psutil.Process().children() if "Headset@ALSA" in child.cmdline()]


@pytest.mark.parametrize("told", [True, False])
def test_one_plugged_in_while_another_is_open_is_listed_at_the_next_look(
    ports: SoundPorts, told: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not told:  # as on macOS
        monkeypatch.setattr(portaudio, "_plugged", lambda: None)
    ports.plug("Blue Yeti")
    with opened("microphone:Blue Yeti@ALSA") as (feed,):
        live(feed)
        assert list(found()) == ["microphone:Blue Yeti@ALSA"]
        ports.plug("Headset")
        assert portaudio.NEW_S < DEVICES_S < 3, "the look after the next is not needed"
        threading.Event().wait(DEVICES_S)
        assert list(found()) == ["microphone:Blue Yeti@ALSA", "microphone:Headset@ALSA"]


def test_while_nothing_changes_portaudio_is_left_alone(ports: SoundPorts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portaudio, "SETTLE_S", 0.0)
    ports.plug("Blue Yeti")
    for _ in range(50):
        assert len(found()) == 1
    assert ports.starts == 1
    with opened("microphone:Headset@ALSA") as (feed,):
        wait_for(lambda: feed.state == "gone", PATIENCE_S, "gone is said")
        threading.Event().wait(2.5)
    assert ports.starts <= 3, "what is missed is looked for every 3 s"


def test_what_needs_a_moment_after_it_was_plugged_in_is_found_all_the_same(ports: SoundPorts) -> None:
    """ALSA shows a card before its device files may be opened."""
    ports.plug("Blue Yeti")
    assert len(found()) == 1
    cards = ports.cards.read_text()
    ports.cards.write_text(cards + "02-00: Headset\n")
    assert len(found()) == 1, "not yet"
    shown = ports.cards.read_text()
    ports.plug("Headset")
    ports.cards.write_text(shown)
    wait_for(lambda: len(found()) == 2, PATIENCE_S, "it is listed without another change")


def test_without_a_sound_card_portaudio_is_asked_once_and_for_a_person(ports: SoundPorts) -> None:
    """JACK, and ALSA's road to a server, need no card."""
    ports.cards.unlink()
    for _ in range(3):
        assert found() == {} and ports.starts == 1
        portaudio._inputs._asked_s -= 2 * portaudio.SURE_S
    with opened("microphone:Blue Yeti@ALSA") as (feed,):
        wait_for(lambda: feed.state == "gone", PATIENCE_S, "gone is said")
        assert ports.starts == 1
    ports.plug("Blue Yeti")
    ports.cards.unlink()
    assert found() == {} and ports.starts == 1
    portaudio._inputs._asked_s -= 2 * portaudio.NEW_S
    assert len(found(asked=True)) == 1
    assert len(found()) == 1, "and it stays listed"


def test_a_listing_somebody_waits_for_is_not_the_last_to_get_its_turn(ports: SoundPorts) -> None:
    ports.plug("Blue Yeti")
    assert len(found()) == 1
    ports.plug("Headset")
    assert len(found()) == 2
    ports.plug("Webcam")
    portaudio._inputs._asked_s -= 2 * portaudio.NEW_S
    assert len(found(asked=True)) == 3
    usual = os.nice(0)
    assert ports.nices == [usual, min(19, usual + 10), usual], "the first; one in passing; one that was asked for"


def test_a_listing_that_hangs_keeps_no_microphone_off_the_air(
    ports: SoundPorts, monkeypatch: pytest.MonkeyPatch
) -> None:
    ports.plug("Blue Yeti")
    ports.turn("will not list")
    monkeypatch.setattr(portaudio, "ASK_S", 1.0)
    with opened("microphone:Blue Yeti@ALSA", "microphone:Headset@ALSA") as (feed, absent):
        live(feed)
        wait_for(lambda: absent.detail == "not plugged in", PATIENCE_S, "what is not there is gone all the same")


def test_a_microphone_nobody_can_read_is_closed_and_gives_up_its_place(
    ports: SoundPorts, monkeypatch: pytest.MonkeyPatch
) -> None:
    ports.plug("Blue Yeti")
    assert len(found()) == 1

    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    device = portaudio.PortAudioMicrophone("Blue Yeti@ALSA")
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError):
            device.open(lambda _block: None)
        device.close()
    device.close()
    with opened("microphone:Blue Yeti@ALSA") as (feed,):
        live(feed)


def test_one_held_by_another_program_is_busy_until_it_is_given_back(ports: SoundPorts) -> None:
    port = ports.plug("Blue Yeti")
    ports.take(port, True)
    with opened("microphone:Blue Yeti@ALSA") as (feed,):
        wait_for(lambda: feed.state == "busy", PATIENCE_S, "busy is said")
        ports.take(port, False)
        live(feed)


@pytest.mark.parametrize("mood", ["hangs", "rubbish"])
def test_a_listing_that_hangs_or_tells_rubbish_leaves_the_list_as_it_was(
    ports: SoundPorts, mood: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ports.plug("Blue Yeti")
    assert len(found()) == 1
    if mood == "hangs":
        monkeypatch.setattr(portaudio, "ASK_S", 1.0)
    ports.turn(mood)
    ports.plug("Headset")
    assert len(found()) == 1
    began = time.monotonic()
    assert len(found()) == 1
    assert time.monotonic() - began < 1.0, "and PortAudio is left alone for a while"
    monkeypatch.setattr(portaudio, "ASK_S", PATIENCE_S)
    ports.turn("")
    portaudio._inputs._rest_until_s = 0.0
    wait_for(lambda: len(found(asked=True)) == 2, PATIENCE_S, "it is asked again")


@pytest.mark.parametrize("mood", ["hangs", "rubbish", "deaf"])
def test_a_stream_that_hangs_or_tells_rubbish_is_gone_and_tried_again(
    ports: SoundPorts, mood: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ports.plug("Blue Yeti")
    with opened("microphone:Blue Yeti@ALSA") as (feed,):
        live(feed)
        monkeypatch.setattr(portaudio, "OPEN_S", 1.0)
        monkeypatch.setattr(portaudio, "MISSING_S", 60.0)  # it is listed, and does not open
        monkeypatch.setattr(portaudio, "SETTLE_S", 0.0)
        ports.turn(mood)
        _child("hear").kill()
        wait_for(lambda: feed.state == "gone" and "PortAudio" in feed.detail, PATIENCE_S, "gone is said, and why")
        monkeypatch.setattr(portaudio, "OPEN_S", PATIENCE_S)
        ports.turn("")
        live(feed)


def test_a_child_that_cannot_be_started_is_a_microphone_gone(
    ports: SoundPorts, monkeypatch: pytest.MonkeyPatch
) -> None:
    ports.plug("Blue Yeti")
    assert len(found()) == 1
    monkeypatch.setattr(portaudio, "SETTLE_S", 0.0)
    monkeypatch.setattr(portaudio, "MISSING_S", 60.0)
    python = sys.executable
    monkeypatch.setattr(sys, "executable", "/nowhere/python")  # as when memory or processes have run out
    with opened("microphone:Blue Yeti@ALSA") as (feed,):
        wait_for(lambda: "cannot be started" in feed.detail, PATIENCE_S, "gone is said, and why")
        ports.plug("Headset")
        assert len(found()) == 1
        monkeypatch.setattr(sys, "executable", python)
        live(feed)


def _child(word: str) -> psutil.Process:
    return next(child for child in psutil.Process().children() if word in child.cmdline())


def test_a_child_ends_when_its_engine_has_gone(ports: SoundPorts) -> None:
    ports.plug("Blue Yeti")
    child = portaudio._start("hear", PATIENCE_S, "Blue Yeti", "0", "48000", "960")
    assert child.stdout is not None and child.stdout.readline().startswith(b"{")
    child.stdout.close()  # as when the engine is killed
    assert child.wait(PATIENCE_S) == 0


@pytest.mark.parametrize("mood", ["hangs", "deaf"])
def test_a_child_in_a_driver_that_hangs_ends_by_itself(ports: SoundPorts, mood: str) -> None:
    ports.plug("Blue Yeti")
    ports.turn(mood)
    child = portaudio._start("hear", 1.0, "Blue Yeti", "0", "48000", "960")
    assert child.wait(PATIENCE_S) == 1
    assert child.stdout is not None
    child.stdout.close()


# --- the real one -----------------------------------------------------------------------


def _real() -> bool:
    plugins = [Path(f"/usr/lib/{folder}alsa-lib") for folder in ("x86_64-linux-gnu/", "aarch64-linux-gnu/", "")]
    return bool(ctypes.util.find_library("portaudio")) and any(
        (folder / "libasound_module_pcm_pulse.so").exists() for folder in plugins
    )


@pytest.mark.skipif(not sys.platform.startswith("linux") or not _real(), reason="needs ALSA's road to a sound server")
def test_the_real_portaudio_lists_and_hears(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An ALSA device of the name `studio` that is a microphone of our sound server; the engine knows PortAudio only."""
    server = SoundServer(tmp_path / "sound")
    for name, value in server.variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("seller_console.engine.pulse.reachable", lambda: False)
    monkeypatch.setattr(portaudio, "_inputs", portaudio.Inputs())
    monkeypatch.setattr(portaudio, "ASK_S", PATIENCE_S)
    monkeypatch.setattr(portaudio, "OPEN_S", PATIENCE_S)
    monkeypatch.setattr(portaudio, "CARDS", Path(__file__))
    alsa = tmp_path / "asound.conf"
    alsa.write_text("</usr/share/alsa/alsa.conf>\npcm.studio { type pulse device mic }\n")
    monkeypatch.setenv("ALSA_CONFIG_PATH", str(alsa))
    server.start()
    try:
        wait_for(server.answers, 10, "the sound server answers")
        server.plug("mic", "Blue Yeti")
        assert "microphone:studio@ALSA" in found()
        server.play(write_sine(tmp_path / "a.wav", 1000, 30))
        with opened("microphone:studio@ALSA") as (feed,):
            live(feed)
            wait_for(lambda: abs(loudest_hz(feed) - 1000) < 10, PATIENCE_S, "what is played is heard")
            assert 0 < feed.delay_ns < 300_000_000
    finally:
        server.stop()
