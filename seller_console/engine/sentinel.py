"""What nobody at the camera notices: black, frozen, blurred, burnt-out, mirrored, late, silent, clipping, far, hot.

Looks four times a second at a thinned picture (about 1 ms) and at the meter; says a
fault within 3 s and takes it back within 2 s of its end (heat and few pictures, which
come and go, later). What is looked for: seeing.py, below. Only real cameras and
microphones are watched: stand-ins do what they are told.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
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
from .distance import SYLLABLES, Heard, hear
from .held import Held
from .picture import Picture, planes
from .program import Programme
from .seeing import PaceSentinel, PictureSentinel, SkewSentinel, WritingSentinel
from .sound import SoundFeed
from .stumbles import Stumbles

log = logging.getLogger("engine.sentinel")

LOOK_S = 0.25
STAND_INS = ("testcard", "none", "file", "screen", "tone", "silence")
FEEL_NS = SECOND_NS * 9 // 10
HEAT_STEP_C = 5.0
"""A figure on a screen moves no finer."""
MOTION_FPS = 24

LEARN_LOOKS, KEEP_LOOKS = 24, 480
SILENT_DB = -70.0
FAR_FALL_DB, FAR_SHARE = 15.0, 0.55
"""A voice that falls slower than this, and than this share of its usual, is far (see distance.py)."""
TO_THE_FLOOR, LEAST_RANGE_DB = 0.7, 8.0
"""A near voice over music falls as slowly, but all the way to what lies under it, or most of the usual way."""
FAINT_DB, INAUDIBLE_DB = 20.0, 27.0
"""So much under the usual it may be somebody else over there (half the weight); it is nobody the buyers should hear."""
FAR_LOOKS, NEAR_LOOKS = 3, 2
MURMUR_S, OVER_MURMUR_DB = 6.0, 4.0
"""What sounds far for less than that, and then the voice is near again, is the room: music, a colleague."""
ACCEPT_LOOKS = 240
"""A minute of speech from afar is how this seller wants it."""

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
}


@dataclass(slots=True)
class SoundSentinel:
    """One microphone."""

    silent: Held = field(default_factory=lambda: Held(2.5, 0.25))
    clipping: Held = field(default_factory=lambda: Held(0.25, 1.5))
    _clips: deque[bool] = field(default_factory=lambda: deque(maxlen=6))

    def look(self, peak_db: float, clipped: bool, at_ns: int) -> tuple[TroubleCode, ...]:
        self._clips.append(clipped)
        found: list[TroubleCode] = []
        if self.silent.look(peak_db < SILENT_DB, at_ns):
            found.append("sound_silent")
        if self.clipping.look(sum(self._clips) >= 3, at_ns):
            found.append("sound_clipping")
        return tuple(found)


@dataclass(slots=True)
class VoiceSentinel:
    """Whether the seller is heard from close by, whichever microphone that is.

    What is usual is learnt from the show (a laptop's own microphone never hears as dry as
    a headset): wrong from the first word on is not seen here. So is what the room says in
    the voice's pauses.
    """

    _usual: deque[Heard] = field(default_factory=lambda: deque(maxlen=KEEP_LOOKS))
    _louds: deque[float] = field(default_factory=lambda: deque(maxlen=KEEP_LOOKS))
    """Of the near voice at this microphone, dBFS."""
    _murmurs: deque[float] = field(default_factory=lambda: deque(maxlen=LEARN_LOOKS))
    """How loud the room was, dBFS, in pauses of the voice."""
    _heard_far: list[float] = field(default_factory=list)
    _spells: int = 0
    """Times it was far for a moment and near again by itself."""
    _far_since_ns: int = 0
    _far: float = 0.0
    """Looks at a far voice since it was last near; a pause says nothing, of no microphone."""
    _near: int = 0
    _said: bool = False

    def look(self, levels_db: Sequence[float], at_ns: int) -> tuple[TroubleCode, ...]:
        heard = hear(levels_db)
        if heard is not None and heard.syllables >= SYLLABLES and heard.range_db > LEAST_RANGE_DB:
            self._judge(heard, at_ns)
        if self._near >= NEAR_LOOKS:
            self._said = False
        elif self._far >= ACCEPT_LOOKS:
            self._usual.clear()
            self.elsewhere()
        elif self._far >= FAR_LOOKS:
            self._said = True
        return ("sound_wrong_microphone",) if self._said else ()

    def elsewhere(self) -> None:
        """Another microphone was chosen: what was said of the one before is over; how near the voice was is not."""
        self._far, self._near, self._said, self._spells = 0.0, 0, False, 0
        for of_the_other in (self._heard_far, self._murmurs, self._louds):
            of_the_other.clear()

    def _judge(self, heard: Heard, at_ns: int) -> None:
        if len(self._usual) < LEARN_LOOKS:
            self._usual.append(heard)
            self._louds.append(heard.loud_db)
            return
        falls, _, quiets, _ = np.array(self._usual).T
        known = len(self._louds) >= LEARN_LOOKS
        under_db = float(np.median(self._louds)) - heard.loud_db if known else 0.0
        if under_db > INAUDIBLE_DB:
            return
        if len(self._murmurs) > FAR_LOOKS and heard.loud_db < float(np.median(self._murmurs)) + OVER_MURMUR_DB:
            return
        if heard.fall_db >= min(FAR_FALL_DB, FAR_SHARE * float(np.quantile(falls, 0.75))):
            self._usual.append(heard)
            self._louds.append(heard.loud_db)
            if self._heard_far and at_ns - self._far_since_ns < MURMUR_S * SECOND_NS:
                self._spells += 1
                if self._spells > 1 or not self._said:  # said once and put right at once, it was no murmur
                    self._murmurs.extend(self._heard_far)
            self._heard_far.clear()
            self._far, self._near = 0.0, self._near + 1
        elif heard.fall_db < min(
            heard.range_db, TO_THE_FLOOR * (heard.loud_db - float(np.median(quiets[-LEARN_LOOKS:])))
        ):
            if not self._heard_far:
                self._far_since_ns = at_ns
            self._heard_far.append(heard.loud_db)
            self._far, self._near = self._far + (0.5 if under_db > FAINT_DB else 1.0), 0


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


class Sentinel:
    """The watcher's thread; `troubles` is what is wrong now."""

    def __init__(self, programme: Programme) -> None:
        self._programme = programme
        self._eyes: dict[str, _Eyes] = {}
        self._sounds: dict[str, SoundSentinel] = {}
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
            codes = (
                *eyes.sight.look(picture, at_ns),
                *eyes.reading.look(luma, flipped, at_ns),
                *eyes.lips.look(at_ns - picture.captured_ns, at_ns, between_ns),
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
        found = []
        meters = self._programme.sound.watched
        for microphone in self._programme.sound.microphones:
            meter = meters.get(microphone.spec)
            if meter is None or microphone.spec.partition(":")[0] in STAND_INS or microphone.state != "live":
                self._sounds.pop(microphone.spec, None)
                continue
            peak, _, clipped = meter.read()
            codes = self._sounds.setdefault(microphone.spec, SoundSentinel()).look(peak, clipped, at_ns)
            if microphone is self._programme.sound.microphone:  # a second one may be for the room
                if microphone.spec != self._voice_of:
                    self._voice_of = microphone.spec
                    self._voice.elsewhere()
                codes += self._voice.look(meter.levels_db(), at_ns)
            found += [_of(code, microphone) for code in codes]
        return found

    def _feel(self, at_ns: int) -> tuple[TroubleRaised, ...]:
        if at_ns - self._felt_at_ns >= FEEL_NS:
            self._felt_at_ns = at_ns
            self._felt = self._machine.look(machine.battery(), machine.heat(), at_ns)
        return self._felt
