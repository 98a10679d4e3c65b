"""What nobody at the camera notices: black, frozen, blurred, burnt-out, mirrored, late, silent, clipping, far, hot.

Looks four times a second at a thinned picture (about 1 ms) and at the meter; says a
fault within 3 s and takes it back within 2 s of its end (heat and few pictures, which
come and go, later). What is looked for: seeing.py, hearing.py. Only real cameras and
microphones are watched: stand-ins do what they are told.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import cv2
import numpy as np

from .. import machine
from ..contract.media import TroubleCode, TroubleRaised
from .camerabook import MOST_FPS
from .capture import CameraFeed, CapturedCamera
from .clock import SECOND_NS
from .devices import split
from .hearing import SoundSentinel, StutterSentinel, VoiceSentinel
from .held import Held
from .picture import Picture, planes
from .program import Programme
from .seeing import PaceSentinel, PictureSentinel, SkewSentinel, WritingSentinel
from .sound import SoundFeed
from .sounddesk import Strip
from .stumbles import Stumbles

log = logging.getLogger("engine.sentinel")

LOOK_S = 0.25
STAND_INS = ("testcard", "none", "file", "screen", "tone", "silence")
FEEL_NS = SECOND_NS * 9 // 10
HEAT_STEP_C = 5.0
"""A figure on a screen moves no finer."""
MOTION_FPS = 24

Cure = Literal["", "retry", "choose_camera", "choose_microphone", "refocus", "unmute", "unmirror", "set_up_camera"]
CURES: dict[TroubleCode, Cure] = {
    "picture_black": "choose_camera",
    "picture_frozen": "retry",
    "picture_blurred": "refocus",
    "picture_overexposed": "set_up_camera",
    "picture_mirrored": "unmirror",
    "picture_slow": "set_up_camera",
    "av_skew": "set_up_camera",
    "sound_silent": "choose_microphone",
    "sound_clipping": "choose_microphone",
    "sound_wrong_microphone": "choose_microphone",
    "sound_stuttering": "choose_microphone",
}


@dataclass(slots=True)
class MachineSentinel:
    """Heat comes in gusts: it counts when it stays, and until it has gone for a while."""

    hot: Held = field(default_factory=lambda: Held(1.75, 10.0))
    _heat_c: int = 0

    def look(
        self, battery: machine.Battery | None, heat: tuple[float, bool] | None, at_ns: int
    ) -> tuple[TroubleRaised, ...]:
        """`heat`: what is hottest, in °C, and whether that is too hot."""
        found: list[TroubleRaised] = []
        if battery is not None and battery.plugged is False:
            found.append(TroubleRaised(code="on_battery", detail=f"{battery.percent:.0f}"))
        current, too_hot = heat or (0.0, False)
        if not self.hot.look(too_hot, at_ns):
            self._heat_c = 0
            return tuple(found)
        if abs(current - self._heat_c) >= HEAT_STEP_C:
            self._heat_c = round(current)
        return (*found, TroubleRaised(code="machine_hot", detail=str(self._heat_c)))


@dataclass(slots=True)
class _Eyes:
    """On one camera, set up in one way."""

    setting: object
    sight: PictureSentinel = field(default_factory=PictureSentinel)
    reading: WritingSentinel = field(default_factory=WritingSentinel)
    pace: PaceSentinel = field(default_factory=PaceSentinel)
    lips: SkewSentinel = field(default_factory=SkewSentinel)


def _of(code: TroubleCode, feed: CameraFeed | SoundFeed, detail: str = "") -> TroubleRaised:
    return TroubleRaised(code=code, subject=feed.name, detail=detail, cure=CURES.get(code, ""), device=feed.spec)


def _silence(feed: SoundFeed, heard: Sequence[SoundFeed]) -> str:
    """Why, or what it costs: a stable word for a screen to word."""
    if feed.facts.muted:
        return "muted_in_system"
    return "beside" if heard else ""


class Sentinel:
    """The watcher's thread; `troubles` is what is wrong now."""

    def __init__(self, programme: Programme) -> None:
        self._programme = programme
        self._eyes: dict[str, _Eyes] = {}
        self._sounds: dict[str, SoundSentinel] = {}
        self._stutters: dict[str, StutterSentinel] = {}
        self._voice = VoiceSentinel()
        self._voice_of = ""
        self._machine = MachineSentinel()
        self._felt: tuple[TroubleRaised, ...] = ()
        self._felt_at_ns = 0
        self._stumbles = Stumbles(log, "look_failed")
        self.troubles: tuple[TroubleRaised, ...] = ()
        self.busy_ns = 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sentinel", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(2)

    def _run(self) -> None:
        while not self._stopping.wait(LOOK_S):
            began_ns = time.monotonic_ns()
            found: list[TroubleRaised] = []
            for sense in (self._look_at_pictures, self._listen, self._feel):
                try:
                    found += sense(began_ns)
                except Exception:  # the other senses hear and see, and the next look may go well
                    self._stumbles.say(sense.__name__)
            self.troubles = tuple(found)
            self.busy_ns += time.monotonic_ns() - began_ns

    def refocused(self, spec: str) -> None:
        """That camera has been told to look for its focus."""
        if (eyes := self._eyes.get(spec)) is not None:
            eyes.sight.refocused()

    def _look_at_pictures(self, at_ns: int) -> list[TroubleRaised]:
        found = []
        for spec in self._eyes.keys() - {camera.spec for camera in self._programme.cameras}:
            del self._eyes[spec]
        for camera, picture in self._programme.seen():
            if camera.spec.partition(":")[0] in STAND_INS or camera.state != "live":
                continue
            eyes = self._eyes_on(camera, picture)
            turned, flipped = self._programme.way_of(camera)
            luma = planes(picture.pixels)[0]
            if turned is not None:
                luma = np.asarray(cv2.rotate(luma, turned), np.uint8)
            as_before = split(camera.spec)[0] != "camera"
            slow = eyes.pace.look(camera.captured, self._wanted_fps(camera), at_ns, as_before)
            between_ns = int(SECOND_NS / eyes.pace.pace) if eyes.pace.pace else 0
            waits_ns = max(self._programme.sound.age_ns, self._programme.picture_age_ns)  # on its way to it, or there
            codes = (
                *eyes.sight.look(picture, at_ns),
                *eyes.reading.look(luma, flipped, at_ns),
                *eyes.lips.look(at_ns - picture.captured_ns - waits_ns, at_ns, between_ns),
            )
            found += [_of(code, camera) for code in codes]
            found += [_of(code, camera, str(eyes.pace.said)) for code in slow]
        return found

    def _wanted_fps(self, camera: CameraFeed) -> float:
        """What it was asked for, or agreed to give where that still looks like motion; the programme shows no more."""
        asked = self._programme.used(camera).fps or MOST_FPS
        agreed = camera.facts.fps if isinstance(camera, CapturedCamera) else 0.0
        return min(self._programme.settings.fps, asked, agreed if agreed >= MOTION_FPS else MOST_FPS)

    def _eyes_on(self, camera: CameraFeed, picture: Picture) -> _Eyes:
        used = self._programme.used(camera)
        setting = (picture.width, picture.height, used.fps, used.rotation, used.zoom, used.centre_x, used.centre_y)
        eyes = self._eyes.get(camera.spec)
        if eyes is None or eyes.setting != setting:
            eyes = self._eyes[camera.spec] = _Eyes(setting)
        return eyes

    def _listen(self, at_ns: int) -> list[TroubleRaised]:
        heard: list[SoundFeed] = []
        found: list[tuple[TroubleCode, SoundFeed]] = []
        strips = self._programme.sound.strips
        for spec in self._sounds.keys() - {strip.feed.spec for strip in strips}:
            self._away(spec)
        for strip in strips:
            feed = strip.feed
            codes: tuple[TroubleCode, ...] = ()
            if feed.state != "live":
                self._away(feed.spec)
                continue
            if feed.spec.partition(":")[0] not in STAND_INS:
                codes = self._listen_to(strip, at_ns)
            if "sound_silent" not in codes and feed.spec not in ("silence", "none"):
                heard.append(feed)
            found += [(code, feed) for code in codes]
        return [_of(code, feed, _silence(feed, heard) if code == "sound_silent" else "") for code, feed in found]

    def _listen_to(self, strip: Strip, at_ns: int) -> tuple[TroubleCode, ...]:
        feed, facts, meter = strip.feed, strip.feed.facts, strip.meter
        stumbles = facts.stumbles
        codes = self._sounds.setdefault(feed.spec, SoundSentinel()).look(
            meter.read()[0], facts.clipped, at_ns, meter.gaps_s(), facts.muted
        )
        if feed is self._programme.sound.microphone:  # a second one may be for the room
            stumbles += self._programme.sound.skips
            if feed.spec != self._voice_of:
                self._voice_of = feed.spec
                self._voice.elsewhere()
                self._stutters.clear()
            codes += self._voice.look(meter.levels_db(), at_ns)
        return codes + self._stutters.setdefault(feed.spec, StutterSentinel()).look(stumbles, at_ns)

    def _away(self, spec: str) -> None:
        """What is known of a microphone is kept, what is said of it is not."""
        self._stutters.pop(spec, None)
        if spec in self._sounds:
            self._sounds[spec].away()

    def _feel(self, at_ns: int) -> tuple[TroubleRaised, ...]:
        if at_ns - self._felt_at_ns >= FEEL_NS:
            self._felt_at_ns = at_ns
            self._felt = self._machine.look(machine.battery(), machine.heat(), at_ns)
        return self._felt
