"""What nobody at the camera notices: black, frozen, blurred, burnt-out, mirrored, late, silent, clipping, far, hot.

Looks four times a second at a thinned picture (about 1 ms) and at the meter; says a
fault within 3 s and takes it back within 2 s of its end. Blur is judged against the
same camera's own recent minutes, as the share of fine detail in all detail, so that
light, cuts and hands do not matter. Only real cameras and microphones are watched:
stand-ins do what they are told. Pure but for `Sentinel`: time is an argument.
"""

from __future__ import annotations

import contextlib
import statistics
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import cv2
import numpy as np
import psutil

from ..contract.media import TroubleCode, TroubleRaised
from .capture import CameraFeed
from .clock import SECOND_NS
from .distance import SYLLABLES, Heard, hear
from .picture import Picture, Pixels, planes
from .program import Programme
from .sound import SoundFeed
from .writing import is_mirrored

LOOK_S = 0.25
STAND_INS = ("testcard", "none", "file", "screen", "tone", "silence")
BLACK_LUMA, WHITE_LUMA = 34, 232
WHITE_SHARE = 0.5
BLUR_SHARE = 0.45
"""Fine detail below this share of the camera's usual: blurred."""
SKEW_NS = 160 * SECOND_NS // 1000
"""Age of the pictures shown, in the middle; at 15 frames a second it is 33 ms, at 5 it is 100."""
REMEMBER_NS = 4 * SECOND_NS
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
HOT_C = 95.0

Cure = Literal["", "retry", "choose_camera", "choose_microphone", "refocus", "unmute", "unmirror", "set_up_camera"]
CURES: dict[TroubleCode, Cure] = {
    "picture_black": "choose_camera",
    "picture_frozen": "retry",
    "picture_blurred": "refocus",
    "picture_overexposed": "set_up_camera",
    "picture_mirrored": "unmirror",
    "av_skew": "set_up_camera",
    "sound_silent": "choose_microphone",
    "sound_clipping": "choose_microphone",
    "sound_wrong_microphone": "choose_microphone",
}


@dataclass(slots=True)
class Held:
    """A fault counts after `after_s` without a break, and is over after `until_s` without it."""

    after_s: float
    until_s: float = 1.0
    on: bool = False
    _since_ns: int | None = None

    def look(self, seen: bool, at_ns: int) -> bool:
        if seen == self.on:
            self._since_ns = None
            return self.on
        if self._since_ns is None:
            self._since_ns = at_ns
        if at_ns - self._since_ns >= (self.until_s if self.on else self.after_s) * SECOND_NS:
            self.on, self._since_ns = seen, None
        return self.on


def detail(luma: Pixels) -> tuple[float, float]:
    """(share of fine detail, all detail) of a picture: Laplacian energy at full over half scale.

    Focus lost takes the fine first; light and content move both scales alike.
    """
    width = min(640, luma.shape[1])
    scaled = cv2.resize(luma, (width, max(2, luma.shape[0] * width // luma.shape[1])), interpolation=cv2.INTER_AREA)
    calm = cv2.GaussianBlur(scaled, (3, 3), 0)
    fine = float(np.var(cv2.Laplacian(calm, cv2.CV_16S)))
    half = cv2.resize(calm, (width // 4, calm.shape[0] // 4), interpolation=cv2.INTER_AREA)
    coarse = float(np.var(cv2.Laplacian(half, cv2.CV_16S)))
    return fine / (coarse + 1.0), coarse


@dataclass(slots=True)
class PictureSentinel:
    """One camera."""

    black: Held = field(default_factory=lambda: Held(1.5))
    frozen: Held = field(default_factory=lambda: Held(1.75, 0.25))
    white: Held = field(default_factory=lambda: Held(1.75))
    blurred: Held = field(default_factory=lambda: Held(2.0))
    _before: Pixels | None = None
    _usual: deque[float] = field(default_factory=lambda: deque(maxlen=KEEP_LOOKS))

    def look(self, picture: Picture, at_ns: int) -> tuple[TroubleCode, ...]:
        luma = planes(picture.pixels)[0]
        thin = luma[::8, ::8].copy()
        dark = float(np.quantile(thin, 0.98)) < BLACK_LUMA
        white = float((thin >= WHITE_LUMA).mean()) > WHITE_SHARE
        same = self._before is not None and self._before.shape == thin.shape and bool((self._before == thin).all())
        self._before = thin
        found: list[TroubleCode] = []
        if self.black.look(dark, at_ns):
            found.append("picture_black")
        if self.frozen.look(same, at_ns):
            found.append("picture_frozen")
        if self.white.look(white, at_ns):
            found.append("picture_overexposed")
        if self.blurred.look(not dark and not white and not same and self._is_blurred(luma), at_ns):
            found.append("picture_blurred")
        return tuple(found)

    def _is_blurred(self, luma: Pixels) -> bool:
        share, coarse = detail(luma)
        learnt = len(self._usual) >= LEARN_LOOKS
        blurred = learnt and coarse > 2.0 and share < BLUR_SHARE * float(np.median(self._usual))
        if not blurred and coarse > 2.0:
            self._usual.append(share)
        return blurred


@dataclass(slots=True)
class SkewSentinel:
    """How old the pictures are that go out beside a sound that is on time: that much the lips are late.

    Sound is placed by its capture; a picture by the tick that shows it. A camera that gives
    few pictures, or gives them late, is seen here; what lies before the engine is not.
    """

    late: Held = field(default_factory=lambda: Held(1.0))
    _ages: deque[int] = field(default_factory=lambda: deque(maxlen=6))

    def look(self, age_ns: int, at_ns: int) -> tuple[TroubleCode, ...]:
        self._ages.append(age_ns)
        usual_ns = statistics.median_low(self._ages)  # a stumble or two is not a skew
        return ("av_skew",) if self.late.look(usual_ns > SKEW_NS, at_ns) else ()


@dataclass(slots=True)
class WritingSentinel:
    """The writing one camera sees. Twice a second: dark letters, then bright ones."""

    mirrored: Held = field(default_factory=lambda: Held(0.9, 0.5))
    _looks: int = 0
    _verdict: bool = False
    _at_ns: int = 0

    def look(self, luma: Pixels, flipped: bool, at_ns: int) -> tuple[TroubleCode, ...]:
        """`luma` upright; `flipped`: buyers see it mirrored. Without writing nothing new is known."""
        self._looks += 1
        if self._looks % 2:
            mirrored = is_mirrored(luma, bright=self._looks % 4 == 1)
            if mirrored is not None:
                self._verdict, self._at_ns = mirrored != flipped, at_ns
        seen = self._verdict and at_ns - self._at_ns < REMEMBER_NS
        return ("picture_mirrored",) if self.mirrored.look(seen, at_ns) else ()


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


def machine_troubles() -> tuple[TroubleRaised, ...]:
    """Heat and battery, where the system tells (Linux: sensors; elsewhere battery only)."""
    found: list[TroubleRaised] = []
    with contextlib.suppress(AttributeError, OSError):
        battery = psutil.sensors_battery()
        if battery is not None and battery.power_plugged is False:
            found.append(TroubleRaised(code="on_battery", detail=f"{battery.percent:.0f}"))
    with contextlib.suppress(AttributeError, OSError):
        for sensors in psutil.sensors_temperatures().values():
            for sensor in sensors:
                if sensor.current and sensor.current >= min(HOT_C, sensor.critical or HOT_C):
                    return (*found, TroubleRaised(code="machine_hot", detail=f"{sensor.current:.0f}"))
    return tuple(found)


def _of(code: TroubleCode, feed: CameraFeed | SoundFeed) -> TroubleRaised:
    return TroubleRaised(code=code, subject=feed.name, cure=CURES.get(code, ""), device=feed.spec)


class Sentinel:
    """The watcher's thread; `troubles` is what is wrong now."""

    def __init__(self, programme: Programme) -> None:
        self._programme = programme
        self._pictures: dict[str, PictureSentinel] = {}
        self._writing: dict[str, WritingSentinel] = {}
        self._skews: dict[str, SkewSentinel] = {}
        self._sounds: dict[str, SoundSentinel] = {}
        self._voice = VoiceSentinel()
        self._voice_of = ""
        self._machine: tuple[TroubleRaised, ...] = ()
        self._machine_at_ns = 0
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
            self.troubles = (*self._look_at_pictures(began_ns), *self._listen(began_ns), *self._feel(began_ns))
            self.busy_ns += time.monotonic_ns() - began_ns

    def _look_at_pictures(self, at_ns: int) -> list[TroubleRaised]:
        found = []
        for camera, picture in self._programme.seen():
            if camera.spec.partition(":")[0] in STAND_INS or camera.state != "live":
                continue
            watcher = self._pictures.setdefault(camera.spec, PictureSentinel())
            turned, flipped = self._programme.way_of(camera)
            luma = planes(picture.pixels)[0]
            if turned is not None:
                luma = np.asarray(cv2.rotate(luma, turned), np.uint8)
            reader = self._writing.setdefault(camera.spec, WritingSentinel())
            lips = self._skews.setdefault(camera.spec, SkewSentinel())
            codes = (
                *watcher.look(picture, at_ns),
                *reader.look(luma, flipped, at_ns),
                *lips.look(at_ns - picture.captured_ns, at_ns),
            )
            found += [_of(code, camera) for code in codes]
        return found

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
        if at_ns - self._machine_at_ns > 2 * SECOND_NS:
            self._machine_at_ns = at_ns
            self._machine = machine_troubles()
        return self._machine
