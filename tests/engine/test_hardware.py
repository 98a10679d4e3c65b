"""Encoders of the graphics card: used after a proof only, a hang or a crash costs nothing, x264 takes over aloud.

No such encoder works where the suite runs, which is itself worth a test: those of
this build really fail to open. x264 gives the same proof in their place.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import av
import numpy as np
import pytest
from av.codec.context import CodecContext

from seller_console import doctor
from seller_console.contract import media as m
from seller_console.engine import app, hardware, program
from seller_console.engine.app import Engine
from seller_console.engine.devices import Devices
from seller_console.engine.encode import Output, Packet
from seller_console.engine.hardware import KINDS, SOFTWARE, Shape, Verdict, choose, prove, verify
from seller_console.engine.program import Programme

from .conftest import wait_for
from .test_camera_settings import Heard

SMALL = Shape(320, 240, 30, 800_000)


def test_each_encoder_knows_every_option_it_is_given() -> None:
    asked = 0
    for kind in KINDS.values():
        if kind.name in av.codecs_available:
            context: Any = CodecContext.create(kind.name, "w")
            known = {option.name for option in context.supported_options.private}
            assert set(kind.options) <= known, kind.name
            asked += 1
    assert asked >= 3, "x264 and at least two of cards are in this build"


def test_the_proof_is_given_by_an_encoder_that_works_in_a_process_of_its_own() -> None:
    assert verify(SOFTWARE, SMALL) == Verdict(SOFTWARE, True, "")


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"profile": "high", "coder": "1"}, "profile"),
        ({"tune": "film", "preset": "medium", "rc-lookahead": "20"}, "holds back"),
    ],
)
def test_the_proof_is_refused_to_what_a_browser_or_a_live_show_cannot_use(options: dict[str, str], why: str) -> None:
    kind = KINDS[SOFTWARE]
    assert prove(replace(kind, options=kind.options | options), SMALL).startswith(why)


def test_a_key_frame_that_does_not_come_when_asked_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "_PICTURE_I", 0)
    assert prove(KINDS[SOFTWARE], SMALL).startswith("no key frame when asked")


def test_another_picture_than_the_one_put_in_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    real = hardware.HardwareEncoder.feed

    def upside_down(self: Any, pixels: Any, pts: int, idr: bool = False) -> Any:
        return real(self, np.ascontiguousarray(255 - pixels), pts, idr)

    monkeypatch.setattr(hardware.HardwareEncoder, "feed", upside_down)
    assert prove(KINDS[SOFTWARE], SMALL).startswith("another picture")


def test_those_of_this_build_really_fail_here_and_say_why_in_the_drivers_words() -> None:
    names = [name for name in hardware.candidates() if name in ("h264_nvenc", "h264_amf")]
    assert names or sys.platform == "darwin"
    for name in names:
        verdict = verify(name, SMALL)
        if not verdict.works:
            assert verdict.why and "Errno" not in verdict.why


def test_a_driver_that_hangs_is_ended_and_one_that_crashes_is_named_by_its_code() -> None:
    began = time.monotonic()
    hangs = verify(SOFTWARE, SMALL, [sys.executable, "-c", "import threading; threading.Event().wait(60)"], 1.0)
    assert not hangs.works and "1 s" in hangs.why and time.monotonic() - began < 10
    crash = verify(SOFTWARE, SMALL, [sys.executable, "-c", "import os; os.abort()"])
    assert not crash.works and "code" in crash.why
    lies = verify(SOFTWARE, SMALL, [sys.executable, "-c", "print('fine!')"])
    assert not lies.works


def test_what_is_wanted_and_what_is_got(monkeypatch: pytest.MonkeyPatch) -> None:
    works = {"h264_qsv"}
    asked: list[str] = []

    def fake(name: str, shape: Shape) -> Verdict:
        asked.append(name)
        return Verdict(name, name in works, "" if name in works else "no card")

    monkeypatch.setattr(hardware, "verify", fake)
    monkeypatch.setattr(hardware, "candidates", lambda: ("h264_nvenc", "h264_qsv", "h264_amf"))
    assert choose("x264", SMALL).name == SOFTWARE and asked == [], "the default asks nobody"
    known: hardware.Known = {}
    auto = choose("auto", SMALL, known)
    assert (auto.name, asked, auto.fell_back) == ("h264_qsv", ["h264_nvenc", "h264_qsv"], False)
    assert choose("auto", replace(SMALL, ceiling_bps=1), known).name == "h264_qsv" and len(asked) == 2, "remembered"
    assert choose("auto", replace(SMALL, width=640), known).name == "h264_qsv" and len(asked) == 4, "of that size"
    named = choose("h264_amf", SMALL)
    assert (named.name, named.fell_back, named.tried[-1].why) == (SOFTWARE, True, "no card")
    works.clear()
    nothing = choose("auto", SMALL)
    assert (nothing.name, nothing.fell_back, len(nothing.tried)) == (SOFTWARE, False, 3)


async def test_an_encoder_asked_for_by_name_that_does_not_work_is_a_trouble_and_x264_goes_on() -> None:
    hear = Heard()
    notes, engine = hear.notes, Engine(None, hear)
    await engine.obey(m.SetProgramme(width=320, height=240))
    await engine.obey(m.SetEncoder(encoder="h264_nonsense"))
    await engine.encoder_settled()
    chosen = [note for note in notes if isinstance(note, m.EncoderChosen)][-1]
    assert (chosen.wanted, chosen.encoder, chosen.tried[0].works) == ("h264_nonsense", "libx264", False)
    running = asyncio.create_task(engine.run())
    try:
        await hear.until(lambda n: isinstance(n, m.TroubleRaised) and n.code == "encoder_fallback")
        assert chosen in engine.greeting()
        await engine.obey(m.SetEncoder(encoder="x264"))
        await hear.until(lambda n: isinstance(n, m.TroubleCured) and n.code == "encoder_fallback")
    finally:
        engine.quitting.set()
        await running


async def test_an_engine_that_ends_waits_for_no_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    never = threading.Event()

    def hanging(wanted: str, shape: Shape, known: hardware.Known) -> hardware.Choice:
        never.wait(20)
        return hardware.Choice(wanted)

    monkeypatch.setattr(app, "choose", hanging)
    engine = Engine(None, lambda _note: None)
    await engine.obey(m.SetEncoder(encoder="auto"))
    running = asyncio.create_task(engine.run())
    began = time.monotonic()
    engine.quitting.set()
    await running
    assert time.monotonic() - began < 6
    never.set()
    wait_for(lambda: not any(thread.name == "encoder proof" for thread in threading.enumerate()), 5, "its thread ends")


class Card:
    """An encoder of a card that works until it is told to hang or to fail."""

    name = "h264_nvenc"
    hang = threading.Event()
    fail = threading.Event()
    released = threading.Event()

    def __init__(self, _kind: Any, shape: Shape) -> None:
        self._inner = hardware.HardwareEncoder(KINDS[SOFTWARE], shape)

    def set_bps(self, bps: int) -> None:
        self._inner.set_bps(bps)

    def feed(self, pixels: Any, pts: int, idr: bool = False) -> list[Packet]:
        if Card.hang.is_set():
            Card.released.wait(20)
        if Card.fail.is_set():
            raise av.ExternalError(0, "device lost")
        return self._inner.feed(pixels, pts, idr)


@pytest.mark.media
@pytest.mark.parametrize("how", ["hang", "fail"])
def test_a_card_lost_on_air_is_left_for_x264_and_the_picture_goes_on(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for event in (Card.hang, Card.fail, Card.released):
        event.clear()
    monkeypatch.setattr(program, "HardwareEncoder", Card)
    got: list[Packet] = []
    programme = Programme(Devices(), None)
    programme.change(m.SetProgramme(width=320, height=240))
    programme.use_encoder("h264_nvenc")
    programme.start()
    programme.set_outputs((Output("whip", got.append, lambda _packet: None),))
    try:
        wait_for(lambda: len(got) > 10, 10, "the card encodes")
        assert programme.encoder == "h264_nvenc"
        (Card.hang if how == "hang" else Card.fail).set()
        before = 0

        def seen() -> bool:
            nonlocal before
            before = len(got)  # a lost card gives nothing more
            return programme.mind_encoder(time.monotonic_ns()) is not None

        wait_for(seen, 8, "it is seen")
        assert programme.encoder.startswith("libx264")
        wait_for(lambda: len(got) > before + 10, 10, "x264 goes on")
        assert got[before].is_keyframe or got[before + 1].is_keyframe
        Card.released.set()
    finally:
        Card.released.set()
        programme.stop()


async def until(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not done():  # noqa: ASYNC110 - what is waited for lives on other threads
            await asyncio.sleep(0.02)


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> type[Card]:
    """A machine whose card gives its proof."""
    for event in (Card.hang, Card.fail, Card.released):
        event.clear()
    monkeypatch.setattr(program, "HardwareEncoder", Card)
    monkeypatch.setattr(hardware, "candidates", lambda: ("h264_nvenc",))
    monkeypatch.setattr(hardware, "verify", lambda name, shape: Verdict(name, True))
    return Card


@pytest.mark.media
async def test_after_a_card_lost_on_air_another_encoder_can_be_chosen_and_the_trouble_ends(card: type[Card]) -> None:
    hear = Heard()
    engine = Engine(None, hear)
    await engine.obey(m.SetProgramme(width=320, height=240))
    await engine.obey(m.SetEncoder(encoder="auto"))
    await engine.encoder_settled()
    running = asyncio.create_task(engine.run())
    try:
        got: list[Packet] = []
        engine.programme.set_outputs((Output("whip", got.append, lambda _packet: None),))
        await until(lambda: len(got) > 5)
        card.fail.set()
        raised = await hear.until(lambda n: isinstance(n, m.TroubleRaised) and n.code == "encoder_fallback", 20)
        assert (raised.subject, "device lost" in raised.detail) == ("h264_nvenc", True)
        card.fail.clear()
        await engine.obey(m.SetEncoder(encoder="x264"))
        await hear.until(lambda n: isinstance(n, m.TroubleCured) and n.code == "encoder_fallback")
        await engine.obey(m.SetEncoder(encoder="auto"))
        await until(lambda: engine.programme.encoder == "h264_nvenc")
        so_far = len(got)
        await until(lambda: len(got) > so_far + 10)
        assert not running.done(), "the engine lives"
    finally:
        engine.quitting.set()
        await running


@pytest.mark.media
def test_an_encoder_chosen_during_a_recording_is_used_when_it_is_over(card: type[Card]) -> None:
    got: list[Packet] = []
    air = Output("whip", got.append, lambda _packet: None)
    programme = Programme(Devices(), None)
    programme.change(m.SetProgramme(width=320, height=240))
    programme.start()
    programme.set_outputs((air, Output("recording", lambda _packet: None, lambda _packet: None)))
    try:
        wait_for(lambda: len(got) > 3, 10, "on air")
        programme.use_encoder("h264_nvenc")
        assert programme.encoder.startswith("libx264"), "a file has one encoder"
        card.fail.set()
        assert programme.mind_encoder(time.monotonic_ns()) is None, "what is not used cannot be lost"
        card.fail.clear()
        programme.set_outputs((air,))
        assert programme.encoder == "h264_nvenc"
        so_far = len(got)
        wait_for(lambda: len(got) > so_far + 5, 10, "the card goes on")
    finally:
        programme.stop()


def test_the_doctor_says_which_would_be_taken_and_what_is_wrong_with_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "candidates", lambda: ("h264_nvenc", "h264_qsv"))
    monkeypatch.setattr(hardware, "verify", lambda name, shape: Verdict(name, name == "h264_qsv", "no libcuda"))
    said = doctor.check_encoders(doctor.Tongue("en")).said
    assert "would take: Quick Sync" in said and "NVENC (no libcuda)" in said
