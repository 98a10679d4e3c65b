"""The encoders, by decoding what they made."""

from __future__ import annotations

import itertools
import threading
import time
from typing import Any

import av
import numpy as np
import pytest

from seller_console.engine import encode
from seller_console.engine.encode import (
    BLOCK,
    QUEUE_FRAMES,
    EncodeThread,
    Packet,
    SoundEncoder,
    Thinner,
    VideoEncoder,
    usual_bps,
)
from seller_console.engine.picture import Pixels, planes
from seller_console.engine.sound import Tone

from .conftest import moving, psnr, wait_for


def units(packet: Packet) -> list[int]:
    """NAL unit types of an Annex B access unit."""
    data = bytes(packet)
    found, at = [], data.find(b"\x00\x00\x01")
    while at >= 0:
        found.append(data[at + 3] & 0x1F)
        at = data.find(b"\x00\x00\x01", at + 3)
    return found


def decode_all(packets: list[Packet]) -> list[Any]:
    decoder: Any = av.CodecContext.create("h264", "r")
    frames = [frame for packet in packets for frame in decoder.decode(packet)]
    return frames + decoder.decode(None)


def test_what_is_decoded_equals_what_was_encoded() -> None:
    encoder = VideoEncoder(320, 576, 30, 1_200_000)
    pictures = [moving(320, 576, n) for n in range(45)]
    packets = [encoder.encode(p, n * 3000, n == 0) for n, p in enumerate(pictures)]
    frames = decode_all(packets)
    assert len(frames) == 45
    for picture, frame in list(zip(pictures, frames, strict=True))[5:]:
        assert psnr(picture, frame.to_ndarray()) > 33
    assert [f.pts for f in frames] == [n * 3000 for n in range(45)]


def test_no_b_frames_and_the_profile_every_browser_answers() -> None:
    encoder = VideoEncoder(320, 240, 30, 800_000)
    packets = [encoder.encode(moving(320, 240, n), n * 3000, n == 0) for n in range(20)]
    assert all(p.pts == p.dts for p in packets)
    first = bytes(packets[0])
    sps = first[first.index(b"\x00\x00\x01\x67") + 4 :]
    assert sps[0] == 66 and sps[1] & 0x40, "constrained baseline"


def test_an_idr_asked_for_stands_alone() -> None:
    encoder = VideoEncoder(320, 240, 30, 800_000)
    packets = [encoder.encode(moving(320, 240, n), n * 3000, n in (0, 20)) for n in range(30)]
    assert [n for n, p in enumerate(packets) if p.is_keyframe] == [0, 20]
    assert {7, 8, 5} <= set(units(packets[20])), "SPS, PPS and IDR in band"
    frames = decode_all(packets[20:])
    assert len(frames) == 10
    assert psnr(moving(320, 240, 25), frames[5].to_ndarray()) > 30


def test_a_cut_in_the_picture_makes_no_idr_of_its_own() -> None:
    encoder = VideoEncoder(320, 240, 30, 800_000)
    cuts = [moving(320, 240, n) if n < 15 else 255 - moving(320, 240, n) for n in range(30)]
    packets = [encoder.encode(p, n * 3000, n == 0) for n, p in enumerate(cuts)]
    assert [n for n, p in enumerate(packets) if p.is_keyframe] == [0]


def test_the_rate_follows_between_frames_without_an_idr() -> None:
    encoder = VideoEncoder(640, 480, 30, 3_000_000)
    rng = np.random.default_rng(5)
    noise = [moving(640, 480, n) for n in range(30)]
    for picture in noise:
        picture[:480] = np.clip(picture[:480].astype(np.int16) + rng.integers(-20, 20, (480, 640)), 16, 235)
    sizes, keys = [], []
    for n in range(300):
        if n == 90:
            encoder.set_bps(600_000)
        if n == 210:
            encoder.set_bps(2_500_000)
        packet = encoder.encode(noise[n % 30], n * 3000, n == 0)
        sizes.append(packet.size * 8)
        keys.append(packet.is_keyframe)
    second = [sum(sizes[n : n + 30]) for n in range(0, 300, 30)]
    assert 2_200_000 < second[2] < 3_600_000
    assert all(420_000 < rate < 780_000 for rate in second[5:7])
    assert 1_900_000 < second[9] < 3_000_000
    assert sum(keys) == 1


def test_auto_means_the_rates_of_the_house() -> None:
    assert usual_bps(720, 1280, 30) == 2_500_000
    assert usual_bps(1080, 1920, 30) == 4_500_000
    assert usual_bps(360, 640, 15) < 1_200_000


class Collector:
    def __init__(self) -> None:
        self.packets: list[Packet] = []
        self.at: list[float] = []
        self.back: list[Pixels] = []
        self.hold = threading.Event()
        self.hold.set()

    def take(self, packet: Packet) -> None:
        self.hold.wait(10)
        self.packets.append(packet)
        self.at.append(time.monotonic())


def test_a_full_queue_drops_the_newest_and_counts_it() -> None:
    got = Collector()
    got.hold.clear()
    thread = EncodeThread(lambda preset: VideoEncoder(160, 128, 30, 400_000, preset), got.take, got.back.append)
    try:
        assert thread.offer(moving(160, 128, 0), 0)
        wait_for(lambda: thread.encoded == 1, 5, "the first frame is in the encoder's hands")
        taken = [thread.offer(moving(160, 128, n), n * 3000) for n in range(1, 6)]
        assert taken == [True] * QUEUE_FRAMES + [False] * (5 - QUEUE_FRAMES)
        assert thread.dropped == 5 - QUEUE_FRAMES
        got.hold.set()
        wait_for(lambda: len(got.packets) == 3, 5, "what was queued comes out")
        assert [p.pts for p in got.packets] == [0, 3000, 6000]
        assert len(got.back) == 3
    finally:
        got.hold.set()
        thread.stop()


def test_idrs_asked_for_without_end_come_at_most_every_500_ms() -> None:
    got = Collector()
    idrs_ns: list[int] = []

    def take(packet: Packet) -> None:
        got.take(packet)
        if packet.is_keyframe:
            idrs_ns.append(thread._last_idr_ns)

    # one preset: on a busy machine another one would begin with an IDR of its own
    thread = EncodeThread(
        lambda preset: VideoEncoder(160, 128, 30, 400_000, preset), take, got.back.append, ("superfast",)
    )
    pause = threading.Event()
    try:
        began = time.monotonic()
        number = 0
        while time.monotonic() - began < 1.3:
            thread.ask_idr()
            thread.offer(moving(160, 128, number % 30), number * 900)
            number += 1
            pause.wait(0.01)
    finally:
        thread.stop()
    assert 2 <= len(idrs_ns) <= 3
    assert all(later - earlier >= encode.IDR_PAUSE_NS for earlier, later in itertools.pairwise(idrs_ns))


def test_an_encoder_that_cannot_open_says_so_and_blocks_nobody() -> None:
    got = Collector()
    thread = EncodeThread(lambda preset: VideoEncoder(161, 128, 30, 400_000, preset), got.take, got.back.append)
    try:
        wait_for(lambda: bool(thread.failure), 5, "an odd width cannot be encoded")
        assert not thread.offer(moving(160, 128, 2), 6000)
        assert thread.dropped == 1
    finally:
        thread.stop()


def test_an_encoder_too_slow_for_the_machine_takes_a_cheaper_preset_and_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(encode, "CALM_WINDOWS", 3)
    monkeypatch.setattr(encode, "PRESETS", ("veryfast", "superfast", "ultrafast"))
    got = Collector()
    made: list[str] = []

    def make(preset: str) -> VideoEncoder:
        made.append(preset)
        return VideoEncoder(160, 128, 30, 400_000, preset)

    thread = EncodeThread(make, got.take, got.back.append)
    try:
        number = 0
        while len(made) < 3 and number < 3000:
            got.hold.clear()
            for _ in range(12):
                thread.offer(moving(160, 128, number % 30), number * 3000)
                number += 1
            got.hold.set()
            wait_for(lambda sent=number: thread.encoded + thread.dropped >= sent, 5, "all taken or dropped")
        assert made == ["veryfast", "superfast", "ultrafast"]
        pause = threading.Event()
        while len(made) < 4 and number < 6000:
            thread.offer(moving(160, 128, number % 30), number * 3000)
            number += 1
            wait_for(lambda sent=number: thread.encoded + thread.dropped >= sent, 5, "taken")
            pause.wait(0.004)
        assert made[3:] == ["superfast"], "a calm while later it is tried again"
    finally:
        thread.stop()
    assert len(decode_all(got.packets)) == len(got.packets)


def test_one_hiccup_is_no_reason_to_change() -> None:
    got = Collector()
    thread = EncodeThread(lambda preset: VideoEncoder(160, 128, 30, 400_000, preset), got.take, got.back.append)
    try:
        for number in range(200):
            if number % 60 == 5:
                got.hold.clear()
            thread.offer(moving(160, 128, number % 30), number * 3000)
            if number % 60 == 8:
                got.hold.set()
            if got.hold.is_set():
                wait_for(lambda number=number: thread.encoded + thread.dropped > number, 5, "taken")
        assert thread.preset == encode.PRESETS[0]
    finally:
        got.hold.set()
        thread.stop()


def test_too_few_bits_for_every_frame_means_fewer_frames() -> None:
    second = 1_000_000_000
    thinner = Thinner(720 * 1280 * 30)

    def taken(bps: int, start_ns: int, seconds: int) -> int:
        return sum(thinner.take(bps, n, start_ns + n * second // 30) for n in range(seconds * 30))

    assert taken(2_500_000, 0, 1) == 30
    assert taken(500_000, second, 1) == 15
    assert taken(250_000, 2 * second, 1) == 10
    assert taken(500_000, 3 * second, 5) == 50, "not up again at once"
    assert taken(500_000, 8 * second, 4) == 60
    assert taken(620_000, 12 * second, 8) == 120, "a hair above the threshold does not flap"
    assert taken(2_500_000, 20 * second, 12) > 250


@pytest.mark.parametrize("seconds", [1])
def test_opus_comes_out_as_it_went_in(seconds: int) -> None:
    tone, encoder = Tone("tone", "tone", 0), SoundEncoder()
    packets = [encoder.encode(tone.pull(n * 20_000_000), n * BLOCK) for n in range(50 * seconds)]
    assert all(p is not None and p.pts == n * BLOCK for n, p in enumerate(packets))
    decoder: Any = av.CodecContext.create("opus", "r")
    decoder.sample_rate, decoder.layout = 48_000, "mono"
    heard = np.concatenate([f.to_ndarray()[0] for p in packets if p is not None for f in decoder.decode(p)])
    middle = heard[24_000:40_000]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    assert abs(float(np.argmax(spectrum)) * 48_000 / len(middle) - 440) < 6
    assert 0.02 < float(np.sqrt(np.mean(middle**2))) < 0.05


def test_planes_are_views() -> None:
    pixels = moving(64, 64, 0)
    planes(pixels)[1][:] = 7
    assert (pixels[64:80] == 7).all()
