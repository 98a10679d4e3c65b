"""The sentinel: every fault within 3 s, none where there is none, gone when cured."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

import numpy as np
import pytest

from seller_console import machine, places
from seller_console.contract import media as m
from seller_console.engine.app import Engine
from seller_console.engine.capture import CameraDevice, CameraFacts
from seller_console.engine.devices import CameraWish, Devices
from seller_console.engine.hearing import SoundSentinel
from seller_console.engine.held import Held
from seller_console.engine.picture import Picture, blank
from seller_console.engine.seeing import PaceSentinel, PictureSentinel, SkewSentinel
from seller_console.engine.sentinel import CURES, LOOK_S, MachineSentinel, Sentinel
from seller_console.engine.sound import MicrophoneFacts
from seller_console.machine import Battery
from tests.fakes.table_film import Fault, TableFilm

from .conftest import wait_for
from .test_camera_settings import Heard

FAULTS: list[Fault] = [fault for fault in get_args(Fault) if fault]


def watch(
    film: TableFilm, sentinel: PictureSentinel, start_s: float, seconds: float, fault: Fault = ""
) -> list[tuple[float, tuple[str, ...]]]:
    """What is said at each look of a stretch of film."""
    said = []
    for look in range(int(seconds / LOOK_S)):
        now_s = start_s + look * LOOK_S
        said.append((now_s, sentinel.look(film.at(now_s, fault), int(now_s * 1e9))))
    return said


def injected(seed: int, fault: Fault, life_s: float = 20.0) -> tuple[float, float]:
    """(seconds until it is said, seconds until it is taken back) of one injection after some normal life."""
    film, sentinel = TableFilm(seed), PictureSentinel()
    before = watch(film, sentinel, 0.0, life_s)
    assert all(not codes for _, codes in before), f"false alarm before the fault: {[c for _, c in before if c]}"
    during = watch(film, sentinel, life_s, 5.0, fault)
    said = [now_s for now_s, codes in during if fault in codes]
    assert said, f"seed {seed}: {fault} was never said"
    after = watch(film, sentinel, life_s + 5, 4.0)
    others = {code for _, codes in during + after for code in codes if code != fault}
    assert not others, f"seed {seed}: {fault} was also called {others}"
    still = [now_s for now_s, codes in after if fault in codes]
    return said[0] - life_s, (still[-1] - life_s - 5 if still else 0.0) + LOOK_S


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("seed", range(3))
def test_a_fault_is_said_within_3_s_and_taken_back(fault: Fault, seed: int) -> None:
    said_s, back_s = injected(seed, fault)
    assert said_s <= 3.0
    assert back_s <= 2.5


def test_minutes_of_cuts_light_and_hands_raise_nothing() -> None:
    film, sentinel = TableFilm(99), PictureSentinel()
    said = [codes for _, codes in watch(film, sentinel, 0.0, 150.0) if codes]
    assert said == []


def test_other_things_before_the_camera_are_sharp_within_a_minute_and_a_blur_of_them_is_said() -> None:
    film, sentinel = TableFilm(11), PictureSentinel()
    watch(film, sentinel, 0.0, 60.0)
    film.bring("plush")
    said = [now_s for now_s, codes in watch(film, sentinel, 60.0, 240.0) if codes]
    assert max(said, default=60.0) < 60.0 + 75.0, "not for ever"
    film.bring("cards")
    assert not any(codes for _, codes in watch(film, sentinel, 300.0, 90.0)), "what came back is no news"
    blurred = [now_s for now_s, codes in watch(film, sentinel, 390.0, 5.0, "picture_blurred") if codes]
    assert blurred and blurred[0] <= 393.0


def test_a_search_for_the_focus_that_changes_nothing_ends_the_alarm() -> None:
    film, sentinel = TableFilm(12), PictureSentinel()
    watch(film, sentinel, 0.0, 60.0)
    film.bring("plush")
    assert "picture_blurred" in watch(film, sentinel, 60.0, 10.0)[-1][1]
    sentinel.refocused()
    after = watch(film, sentinel, 70.0, 30.0)
    assert "picture_blurred" in after[10][1], "not before the camera had its time"
    assert not any(codes for _, codes in after[-60:])


def paced(sentinel: PaceSentinel, fps: float, seconds: float, begin_s: float = 0.0, **how: Any) -> list[float]:
    """When it was said, of a camera that gives so many pictures from then on."""
    said = []
    for look in range(int(seconds / LOOK_S)):
        now_s = begin_s + look * LOOK_S
        captured = int(10_000 + begin_s * 30 + look * LOOK_S * fps)
        if sentinel.look(captured, 30, int(now_s * 1e9), **how):
            said.append(now_s)
    return said


def test_a_camera_that_gives_few_pictures_is_said_with_how_many_and_taken_back() -> None:
    sentinel = PaceSentinel()
    assert paced(sentinel, 30, 20) == []
    said = paced(sentinel, 10, 20, 20.0)
    assert said and 24.0 <= said[0] <= 28.0
    assert 9 <= sentinel.said <= 11
    assert paced(sentinel, 11, 10, 40.0) and 9 <= sentinel.said <= 11, "a figure that stands still"
    assert max(paced(sentinel, 30, 20, 50.0)) <= 55.0
    assert sentinel.said == 0


def test_a_network_camera_gives_what_it_gives_unless_it_gave_more_before() -> None:
    steady = PaceSentinel()
    assert paced(steady, 15, 60, as_before=True) == []
    assert paced(steady, 5, 20, 60.0, as_before=True)
    burst = PaceSentinel()
    for second in range(0, 30, 3):  # catches up after a wait, as TCP does
        assert paced(burst, 4, 2, second, as_before=True) == []


def test_few_pictures_are_not_late_ones() -> None:
    few, late = SkewSentinel(), SkewSentinel()
    rng = np.random.default_rng(4)
    ages = rng.uniform(0.03, 0.43, 400)  # 2.5 a second, each 30 ms old when it comes
    said = [few.look(int(age * 1e9), int(n * LOOK_S * 1e9), 400_000_000) for n, age in enumerate(ages)]
    assert not any(said)
    assert [late.look(int((age + 0.3) * 1e9), int(n * LOOK_S * 1e9), 400_000_000) for n, age in enumerate(ages)][20]


def test_heat_counts_when_it_stays_and_until_it_has_been_away() -> None:
    sentinel = MachineSentinel()

    def feel(begin: int, seconds: int, heat: tuple[float, bool] | None) -> list[str]:
        found = [sentinel.look(None, heat, int((begin + n) * 1e9)) for n in range(seconds)]
        return [",".join(trouble.detail for trouble in troubles) for troubles in found]

    assert feel(0, 2, (97.0, True)) == ["", ""] and feel(2, 5, (80.0, False)) == [""] * 5, "a gust"
    said = feel(10, 10, (97.0, True))
    assert said[3:] == ["97"] * 7
    assert feel(20, 5, (99.0, True)) == ["97"] * 5, "a figure that stands still"
    cool = feel(25, 15, (70.0, False))
    assert cool[5] != "" and cool[12:] == ["", "", ""]
    assert feel(40, 5, None) == [""] * 5, "where heat cannot be read nothing is said of it"


def test_only_a_battery_that_is_known_to_feed_the_machine_is_a_trouble() -> None:
    sentinel = MachineSentinel()
    said = [sentinel.look(battery, None, 0) for battery in (None, Battery(80, True), Battery(80, None))]
    assert said == [(), (), ()]
    assert [t.code for t in sentinel.look(Battery(80, False), None, 0)] == ["on_battery"]


def test_what_is_known_of_a_camera_is_forgotten_when_it_is_set_up_another_way() -> None:
    settings = {"camera:A@1": m.CameraSettings()}
    programme: Any = SimpleNamespace(used=lambda camera: settings[camera.spec])
    sentinel, camera = Sentinel(programme), SimpleNamespace(spec="camera:A@1")
    small, large = (Picture(blank(wide, 360), 0, 1) for wide in (640, 1280))
    eyes = sentinel._eyes_on(camera, small)  # type: ignore[arg-type]
    assert sentinel._eyes_on(camera, small) is eyes  # type: ignore[arg-type]
    settings["camera:A@1"] = m.CameraSettings(zoom=2.0)
    zoomed = sentinel._eyes_on(camera, small)  # type: ignore[arg-type]
    assert zoomed is not eyes
    settings["camera:A@1"] = m.CameraSettings(zoom=2.0, mirror=True)
    assert sentinel._eyes_on(camera, small) is zoomed, "a mirror changes nothing of it"  # type: ignore[arg-type]
    assert sentinel._eyes_on(camera, large) is not zoomed  # type: ignore[arg-type]


@pytest.mark.warns("look_failed")
def test_a_look_that_goes_wrong_ends_neither_the_other_senses_nor_the_next_look(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []

    def seen() -> list[object]:
        looks.append(1)
        raise ZeroDivisionError

    programme: Any = SimpleNamespace(cameras=(), seen=seen, sound=SimpleNamespace(strips=(), microphones=()))
    monkeypatch.setattr(machine, "battery", lambda: Battery(40, False))
    sentinel = Sentinel(programme)
    sentinel.start()
    try:
        wait_for(lambda: len(looks) > 2, 10, "it looks again and again")
        assert [trouble.code for trouble in sentinel.troubles] == ["on_battery"]
    finally:
        sentinel.stop()
    assert [record.getMessage().split()[0] for record in caplog.records] == ["look_failed"], "said once, not each time"


def test_a_look_is_cheap() -> None:
    film, sentinel = TableFilm(1), PictureSentinel()
    pictures = [film.at(n * LOOK_S) for n in range(20)]
    costs = []
    for n, picture in enumerate(pictures):
        began = time.perf_counter()
        sentinel.look(picture, n * 250_000_000)
        costs.append(time.perf_counter() - began)
    assert sorted(costs)[10] * 4 < 0.03, "3 % of a core"


def speech(seconds: float) -> np.ndarray:
    """Peaks of speech in dBFS, one a look: syllables, pauses of up to two seconds over a room's noise."""
    rng = np.random.default_rng(3)
    peaks = []
    while len(peaks) < seconds / LOOK_S:
        peaks += list(rng.uniform(-28, -6, int(rng.integers(2, 20))))
        peaks += list(rng.uniform(-58, -50, int(rng.integers(1, 8))))
    return np.array(peaks)


def test_an_hour_of_speech_raises_nothing() -> None:
    sentinel = SoundSentinel()
    for look, peak in enumerate(speech(3600)):
        assert sentinel.look(float(peak), 0, int(look * LOOK_S * 1e9)) == ()


@pytest.mark.parametrize(
    ("peak_db", "clipped", "code"), [(-120.0, False, "sound_silent"), (-0.01, True, "sound_clipping")]
)
def test_a_dead_or_a_screaming_microphone_is_said_within_3_s(peak_db: float, clipped: bool, code: str) -> None:
    sentinel = SoundSentinel()
    for look in range(40):
        sentinel.look(-20.0, 0, int(look * LOOK_S * 1e9))
    said = [
        look * LOOK_S
        for look in range(40, 60)
        if code in sentinel.look(peak_db, look if clipped else 0, int(look * LOOK_S * 1e9))
    ]
    assert said and said[0] - 10.0 <= 3.0
    after = [code in sentinel.look(-20.0, 59 if clipped else 0, int(look * LOOK_S * 1e9)) for look in range(60, 80)]
    assert after[-1] is False
    assert sum(after) * LOOK_S <= 3.5


def test_a_fault_shorter_than_its_time_is_no_fault() -> None:
    held = Held(2.0, 1.0)
    seen = [held.look(n in range(4, 10), n * 250_000_000) for n in range(40)]
    assert not any(seen)


class FilmCamera:
    """The table film as a real camera, at 30 pictures a second."""

    fault: Fault = ""
    age_ns = 0

    def __init__(self) -> None:
        self._film = TableFilm(5)
        self._pause = threading.Event()
        self._began = time.monotonic()

    def open(self) -> None:
        """At once."""

    def read(self) -> Picture:
        self._pause.wait(0.033)
        seen = self._film.at(time.monotonic() - self._began, FilmCamera.fault)
        return Picture(seen.pixels, time.monotonic_ns() - FilmCamera.age_ns, seen.number)

    def close(self) -> None:
        """Nothing held."""


def make_film(_rest: str, _wish: CameraWish) -> CameraDevice:
    return FilmCamera()


@pytest.mark.media
async def test_the_engine_says_it_by_the_cameras_name_with_its_cure(tmp_path: Path) -> None:
    notes: list[Any] = []
    FilmCamera.fault = ""
    engine = Engine(None, notes.append, Devices(cameras={"camera": make_film}))
    await engine.obey(m.SetProgramme(width=360, height=640, camera="camera:Dessus@usb-1"))
    running = asyncio.create_task(engine.run())

    async def until(kind: type, code: str, seconds: float) -> Any:
        async with asyncio.timeout(seconds):
            while True:
                found = [n for n in notes if isinstance(n, kind) and getattr(n, "code", "") == code]
                if found:
                    return found[0]
                await asyncio.sleep(0.02)

    try:
        await asyncio.sleep(1.0)
        FilmCamera.fault = "picture_black"
        raised = await until(m.TroubleRaised, "picture_black", 12)
        assert (raised.subject, raised.cure) == ("Dessus", "choose_camera")
        FilmCamera.fault = ""
        await until(m.TroubleCured, "picture_black", 12)
    finally:
        engine.quitting.set()
        await running


class DimCamera(FilmCamera):
    """As many pictures a second as the light allows."""

    between_s = 1 / 30

    def __init__(self) -> None:
        super().__init__()
        self._frames = [self._film.at(n / 30) for n in range(8)]
        self._given = 0

    def read(self) -> Picture:
        self._pause.wait(DimCamera.between_s)
        self._given += 1
        return Picture(self._frames[self._given % 8].pixels, time.monotonic_ns(), self._given)


@pytest.mark.media
async def test_a_camera_in_evening_light_is_said_with_what_it_gives_and_taken_back() -> None:
    hear = Heard()
    DimCamera.between_s = 1 / 30
    engine = Engine(None, hear, Devices(cameras={"camera": lambda _rest, _wish: DimCamera()}))
    await engine.obey(m.SetProgramme(width=360, height=640, fps=15, camera="camera:Dessus@usb-1"))
    running = asyncio.create_task(engine.run())
    try:
        await hear.until(lambda n: isinstance(n, m.EngineStats) and n.captured > 20)
        DimCamera.between_s = 1 / 5
        said = await hear.until(raised("picture_slow"), 20)
        assert (said.subject, said.cure) == ("Dessus", "set_up_camera")
        assert 2 <= int(said.detail) <= 6
        DimCamera.between_s = 1 / 30
        await hear.until(cured("picture_slow"), 20)
    finally:
        engine.quitting.set()
        await running


class Stubborn(FilmCamera):
    """Freezes until it is opened again; counts its openings and its looking for focus."""

    opened = 0
    refocused = threading.Event()

    def open(self) -> None:
        Stubborn.opened += 1
        if Stubborn.opened > 1 and FilmCamera.fault == "picture_frozen":
            FilmCamera.fault = ""

    def adjust(self, settings: m.CameraSettings) -> CameraFacts:
        return CameraFacts(640, 360, 30.0)

    def refocus(self) -> None:
        Stubborn.refocused.set()
        FilmCamera.fault = ""


class Loud:
    """A microphone that speaks as loud as it is told, from a thread like a driver's."""

    amplitude = 0.3

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def open(self, on_block: Callable[[Any], None]) -> None:
        rng = np.random.default_rng(3)

        def run() -> None:
            began, given = time.monotonic(), 0
            while not self._stopping.wait(0.01):
                while given < (time.monotonic() - began) * 50:
                    block = rng.normal(0, Loud.amplitude, 960)
                    on_block(np.clip(block, -1, 1).astype(np.float32))
                    given += 1

        self._thread = threading.Thread(target=run, name="loud microphone", daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Never lost."""

    def facts(self) -> MicrophoneFacts:
        return MicrophoneFacts()

    def close(self) -> None:
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(2)


def raised(code: str) -> Any:
    return lambda n: isinstance(n, m.TroubleRaised) and n.code == code


def cured(code: str) -> Any:
    return lambda n: isinstance(n, m.TroubleCured) and n.code == code


@pytest.mark.media
async def test_retry_opens_a_frozen_camera_again_and_lets_a_blurred_one_look_for_its_focus() -> None:
    hear = Heard()
    FilmCamera.fault, Stubborn.opened = "", 0
    Stubborn.refocused.clear()
    engine = Engine(None, hear, Devices(cameras={"camera": lambda _rest, _wish: Stubborn()}))
    await engine.obey(m.SetProgramme(width=360, height=640, camera="camera:Dessus@usb-1"))
    running = asyncio.create_task(engine.run())
    try:
        await hear.until(lambda n: isinstance(n, m.EngineStats) and n.captured > 20)
        FilmCamera.fault = "picture_frozen"
        await hear.until(raised("picture_frozen"), 12)
        opened = Stubborn.opened
        await engine.obey(m.RetryNow())
        await hear.until(cured("picture_frozen"), 12)
        assert Stubborn.opened == opened + 1
        engine._sentinel.troubles = (
            m.TroubleRaised(code="picture_blurred", subject="Dessus", device="camera:Dessus@usb-1"),
        )
        told: list[bool] = []
        stock = engine._sentinel.refocused

        def refocused(spec: str) -> None:
            told.append(spec in engine._sentinel._eyes)
            stock(spec)

        engine._sentinel.refocused = refocused  # type: ignore[method-assign]
        await engine.obey(m.RetryNow())
        assert await asyncio.to_thread(Stubborn.refocused.wait, 12)
        assert told == [True], "the sentinel's eyes on this camera know"
        assert Stubborn.opened == opened + 1, "what is blurred is not opened again"
    finally:
        engine.quitting.set()
        await running


@pytest.mark.media
async def test_pictures_that_come_late_beside_the_sound_are_said_and_taken_back() -> None:
    hear = Heard()
    FilmCamera.fault, FilmCamera.age_ns = "", 0
    engine = Engine(None, hear, Devices(cameras={"camera": make_film}))
    await engine.obey(m.SetProgramme(width=360, height=640, camera="camera:Dessus@usb-1"))
    running = asyncio.create_task(engine.run())
    try:
        await hear.until(lambda n: isinstance(n, m.EngineStats) and n.captured > 20)
        assert not any(map(raised("av_skew"), hear.notes))
        FilmCamera.age_ns = 400_000_000
        said = await hear.until(raised("av_skew"), 12)
        assert (said.subject, said.cure) == ("Dessus", "set_up_camera")
        FilmCamera.age_ns = 0
        await hear.until(cured("av_skew"), 12)
    finally:
        FilmCamera.age_ns = 0
        engine.quitting.set()
        await running


@pytest.mark.media
async def test_a_microphone_that_clips_is_heard_through_the_limiter_that_hides_it() -> None:
    hear = Heard()
    Loud.amplitude = 0.05
    engine = Engine(None, hear, Devices(microphones={"microphone": lambda _rest: Loud()}))
    await engine.obey(m.SetProgramme(width=360, height=640, camera="none", microphone="microphone:Col@usb-1"))
    running = asyncio.create_task(engine.run())
    try:
        await hear.until(lambda n: isinstance(n, m.MicrophoneLevel) and n.peak_db > -30)
        assert not any(map(raised("sound_clipping"), hear.notes))
        Loud.amplitude = 1.5
        said = await hear.until(raised("sound_clipping"), 12)
        assert (said.subject, said.cure) == ("Col", "choose_microphone")
        levels = [n for n in hear.notes[-5:] if isinstance(n, m.MicrophoneLevel)]
        assert levels and levels[-1].clipped, "the lamp says it"
        assert levels[-1].peak_db < -0.9, "on air the limiter holds it"
        Loud.amplitude = 0.05
        await hear.until(cured("sound_clipping"), 12)
    finally:
        engine.quitting.set()
        await running


async def test_a_broken_seam_of_aiortc_is_a_trouble_until_the_engine_ends() -> None:
    hear = Heard()
    engine = Engine(None, hear)
    engine._publisher.broken_seams = ("aiortc.something", "aioice.other")
    running = asyncio.create_task(engine.run())
    try:
        said = await hear.until(raised("aiortc_seams"), 12)
        assert said.detail == "aiortc.something, aioice.other" and said in engine.greeting()
        assert not any(map(cured("aiortc_seams"), hear.notes))
    finally:
        engine.quitting.set()
        await running


def test_every_fault_the_sentinel_finds_has_words_in_both_languages_and_a_cure_the_window_knows() -> None:
    resources = places.resources() / "locale"
    faults = {
        *FAULTS,
        "picture_mirrored",
        "picture_slow",
        "av_skew",
        "sound_silent",
        "sound_clipping",
        "sound_wrong_microphone",
        "sound_stuttering",
    }
    assert faults <= set(CURES)
    for language in ("fr", "en"):
        words = json.loads((resources / f"{language}.json").read_text("utf-8"))
        for fault in faults:
            assert words[f"trouble.{fault}"] and words[f"trouble.{fault}.cost"]
            assert words[f"cure.{CURES[fault]}"]  # type: ignore[index]
