"""The programme: regular, marked when a camera is lost, silent when muted, never waiting for an output."""

from __future__ import annotations

import itertools
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import av
import msgspec
import numpy as np
import pytest

from seller_console.contract.media import AirChanged, SetProgramme
from seller_console.engine.capture import CameraDevice
from seller_console.engine.device import DeviceGone
from seller_console.engine.devices import CameraWish, Devices, UnknownDevice
from seller_console.engine.encode import Output, Packet, VideoEncoder
from seller_console.engine.picture import Picture, blank, planes
from seller_console.engine.program import Programme
from seller_console.engine.testcard import read_code
from seller_console.engine.troubles import TroubleWatch

from .conftest import wait_for


class Listener:
    """An output that keeps what it is given."""

    def __init__(self) -> None:
        self.video: list[tuple[float, Packet]] = []
        self.audio: list[Packet] = []

    def output(self, name: str = "test") -> Output:
        return Output(name, lambda p: self.video.append((time.monotonic(), p)), self.audio.append)


class PulledCamera:
    """A grey camera whose plug a test pulls."""

    plugged = threading.Event()
    count = 0

    def open(self) -> None:
        if not self.plugged.is_set():
            raise DeviceGone("not plugged in")

    def read(self) -> Picture:
        threading.Event().wait(0.02)
        if not self.plugged.is_set():
            raise DeviceGone("pulled out")
        self.count += 1
        return Picture(blank(640, 480, 150), time.monotonic_ns(), self.count)

    def close(self) -> None:
        """Nothing held."""


def make_pulled(_rest: str, _wish: CameraWish) -> CameraDevice:
    return PulledCamera()


@pytest.fixture
def programme() -> Iterator[Programme]:
    made = Programme(Devices(cameras={"camera": make_pulled}), None)
    made.start()
    yield made
    made.stop()


def small(**more: Any) -> SetProgramme:
    return SetProgramme(width=320, height=576, **more)


def codes(packets: list[Packet]) -> list[Any]:
    decoder: Any = av.CodecContext.create("h264", "r")
    frames = [f for p in packets for f in decoder.decode(p)] + decoder.decode(None)
    return [read_code(f.to_ndarray()[: f.height]) for f in frames]


@pytest.mark.media
def test_every_tick_is_one_frame_on_the_grid_and_in_order(programme: Programme) -> None:
    programme.change(small())
    listener = Listener()
    programme.set_outputs((listener.output(),))
    wait_for(lambda: len(listener.video) >= 60, 10, "two seconds of pictures")
    programme.set_outputs(())
    packets = [p for _, p in listener.video]
    steps = np.diff([p.pts for p in packets])
    assert set(steps % 3000) <= {0, 1, 2999}
    assert packets[0].is_keyframe
    read = codes(packets)
    assert all(code is not None for code in read)
    assert all(later.number > earlier.number for earlier, later in itertools.pairwise(read))
    missing = read[-1].number - read[0].number + 1 - len(read)
    assert missing <= programme.counts().dropped, "whatever lacks was counted"


@pytest.mark.media
def test_the_tick_stays_regular_while_others_burn_the_machine(programme: Programme, start_program: Any) -> None:
    programme.change(SetProgramme(camera="testcard", microphone="tone"))
    burn = "print(1, flush=True)\nwhile True: sum(range(20000))"
    for burner in [start_program(sys.executable, "-c", burn, python=False) for _ in range(2)]:
        burner.line()
    listener = Listener()
    programme.set_outputs((listener.output(),))
    wait_for(lambda: len(listener.video) > 5, 10, "it has begun")
    start = len(listener.video)
    began = time.monotonic()
    wait_for(lambda: time.monotonic() - began > 4, 6, "four seconds")
    made = len(listener.video) - start
    sounds = len(listener.audio)
    programme.set_outputs(())
    assert made / 4 >= 8, "the machine of a suite is not ours alone: figures come from the benches"
    assert sounds >= 4 * 45
    ticks = np.array([round(p.pts / 3000) for _, p in listener.video])
    assert (np.diff(ticks) >= 1).all(), "a late tick is skipped, never squeezed in"
    counts = programme.counts()
    assert ticks[-1] - ticks[0] + 1 - len(ticks) <= programme.late + counts.dropped, "and every one is counted"


@pytest.mark.media
def test_a_lost_camera_keeps_its_last_picture_marked_and_is_said(programme: Programme) -> None:
    watch, air = TroubleWatch(), AirChanged(state="off")

    def look() -> list[Any]:
        notes = watch.look(programme, air, time.monotonic_ns())
        return [note for note in notes if getattr(note, "code", "") != "encoder_late"]  # the suite's machine is busy

    PulledCamera.plugged.set()
    programme.change(small(camera="camera:Top@usb-1"))

    def luma() -> Any:
        pixels = programme.snapshot()
        return None if pixels is None else planes(pixels)[0]

    wait_for(lambda: programme.camera.state == "live" and luma().std() < 1 and luma().mean() > 140, 5, "grey is on")
    assert look() == []
    PulledCamera.plugged.clear()
    wait_for(lambda: programme.camera.state == "gone", 3, "gone is seen")
    wait_for(lambda: luma()[:200].mean() < 100 and luma()[:200].mean() > 60, 2, "dimmed, not black")
    assert luma()[270:306].max() > 180, "the mark"
    notes = look()
    assert [(n.code, n.subject) for n in notes] == [("camera_gone", "Top")]
    assert look() == [], "said once"
    assert programme.settings.camera == "camera:Top@usb-1", "never replaced"
    PulledCamera.plugged.set()
    programme.retry_now()
    wait_for(lambda: programme.camera.state == "live", 3, "it is back")
    cured = look()
    assert [(type(n).__name__, n.code) for n in cured] == [("TroubleCured", "camera_gone")]
    wait_for(lambda: luma().std() < 1, 2, "the mark goes")


@pytest.mark.media
def test_muted_is_silent_on_air_and_still_metered(programme: Programme) -> None:
    listener = Listener()
    programme.sound.muted = True
    programme.set_outputs((listener.output(),))
    wait_for(lambda: len(listener.audio) >= 50, 5, "a second of sound")
    programme.set_outputs(())
    decoder: Any = av.CodecContext.create("opus", "r")
    decoder.sample_rate, decoder.layout = 48_000, "mono"
    heard = np.concatenate([f.to_ndarray()[0] for p in listener.audio for f in decoder.decode(p)])
    assert np.abs(heard).max() < 1e-3
    assert programme.sound.meter.read()[0] > -30


@pytest.mark.media
def test_gain_moves_the_meter_by_as_many_decibels(programme: Programme) -> None:
    pause = threading.Event()
    pause.wait(1.1)
    before = programme.sound.meter.read()[0]
    programme.sound.set_gain_db(-12.0)
    pause.wait(0.1)
    programme.sound.meter.read()
    pause.wait(1.1)
    assert programme.sound.meter.read()[0] == pytest.approx(before - 12, abs=1.0)


@pytest.mark.media
def test_sound_is_continuous_in_time_across_a_change_of_microphone(programme: Programme) -> None:
    listener = Listener()
    programme.set_outputs((listener.output(),))
    wait_for(lambda: len(listener.audio) >= 20, 5, "some sound")
    programme.change(SetProgramme(microphone="silence"))
    wait_for(lambda: len(listener.audio) >= 40, 5, "more sound")
    programme.set_outputs(())
    times = [p.pts for p in listener.audio]
    assert set(np.diff(times)) == {960}


def test_what_cannot_be_opened_changes_nothing(programme: Programme) -> None:
    before = programme.settings
    with pytest.raises(UnknownDevice):
        programme.change(msgspec.structs.replace(before, camera="nonsense:1"))
    with pytest.raises(UnknownDevice):
        programme.change(msgspec.structs.replace(before, microphone="nonsense:1"))
    assert programme.settings == before


@pytest.mark.media
def test_counts_go_on_over_changes_of_size_and_outputs(programme: Programme) -> None:
    listener = Listener()
    for size in ((320, 576), (576, 320), (320, 576)):
        programme.change(SetProgramme(width=size[0], height=size[1]))
        programme.set_outputs((listener.output(),))
        already = len(listener.video)
        wait_for(lambda already=already: len(listener.video) >= already + 10, 10, "ten frames")
        programme.set_outputs(())
    counts = programme.counts()
    assert counts.encoded == len(listener.video)
    assert counts.composed >= counts.encoded


def test_an_air_that_fails_is_a_trouble_kept_until_it_is_cured(programme: Programme) -> None:
    watch, now = TroubleWatch(), time.monotonic_ns()
    failed = AirChanged(state="connecting", reason="unreachable", detail="no_connection", url="http://x/whip")
    raised = watch.look(programme, failed, now)
    assert [(n.code, n.subject) for n in raised] == [("publish_unreachable", "http://x/whip")]
    assert watch.look(programme, AirChanged(state="connecting", attempt=1, url="http://x/whip"), now) == []
    cured = watch.look(programme, AirChanged(state="on_air", url="http://x/whip"), now)
    assert [(type(n).__name__, n.code) for n in cured] == [("TroubleCured", "publish_unreachable")]


@pytest.mark.media
@pytest.mark.warns("tick_failed")
def test_a_tick_that_goes_wrong_loses_its_picture_and_is_counted_and_the_next_comes(
    programme: Programme, monkeypatch: pytest.MonkeyPatch
) -> None:
    programme.change(small())
    listener = Listener()
    programme.set_outputs((listener.output(),))
    wait_for(lambda: len(listener.video) >= 5, 10, "pictures")
    watch, air = TroubleWatch(), AirChanged(state="on_air")
    real, failed = type(programme.overlay).draw, 0

    def broken(*_what: Any) -> Any:
        nonlocal failed
        failed += 1
        raise ZeroDivisionError("a drawing nobody has tried")

    late = programme.late
    monkeypatch.setattr(type(programme.overlay), "draw", broken)
    watch.look(programme, air, time.monotonic_ns())
    wait_for(lambda: failed > 15, 10, "ticks that go wrong, more than there are buffers")
    assert programme.late >= late + 15
    later_ns = time.monotonic_ns() + 3_000_000_000
    assert [note.code for note in watch.look(programme, air, later_ns)] == ["encoder_late"]
    monkeypatch.setattr(type(programme.overlay), "draw", real)
    so_far = len(listener.video)
    wait_for(lambda: len(listener.video) >= so_far + 10, 10, "pictures again")


@pytest.mark.media
@pytest.mark.warns("output_failed")
def test_an_output_that_goes_wrong_harms_no_other(programme: Programme) -> None:
    def broken(_packet: Packet) -> None:
        raise IndexError("deque index out of range")

    listener = Listener()
    programme.change(small())
    programme.set_outputs((Output("broken", broken, lambda _packet: None), listener.output()))
    wait_for(lambda: len(listener.video) >= 10, 10, "pictures for the other")
    assert programme.encoder_failure == ""


@pytest.mark.media
@pytest.mark.warns("encoder_anew", "encode_failed")
@pytest.mark.parametrize("error", [av.ExternalError(0, "lost"), RuntimeError("never seen before")])
def test_an_encoder_of_ours_that_fails_is_begun_anew(
    programme: Programme, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    programme.change(small())
    listener = Listener()
    programme.set_outputs((listener.output(),))
    wait_for(lambda: len(listener.video) >= 5, 10, "pictures")
    real = VideoEncoder.feed
    begun = 0

    def broken(*_what: Any) -> Any:
        nonlocal begun
        begun += 1
        raise error

    monkeypatch.setattr(VideoEncoder, "feed", broken)

    def look() -> bool:
        programme.mind_encoder(time.monotonic_ns())
        assert begun == 0 or programme.encoder_failure, "told, also between two tries"
        return begun >= 3

    wait_for(look, 15, "it is tried again, with a pause")
    monkeypatch.setattr(VideoEncoder, "feed", real)
    so_far = len(listener.video)

    def back() -> bool:
        programme.mind_encoder(time.monotonic_ns())
        return len(listener.video) >= so_far + 10

    wait_for(back, 15, "pictures again: no buffer was lost on the way")
    assert programme.encoder_failure == ""
    assert listener.video[so_far][1].is_keyframe
