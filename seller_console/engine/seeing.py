"""What one camera's pictures say: black, frozen, blurred, burnt-out, mirrored, late, few.

Blur is judged against the same camera's own recent minutes, as the share of fine detail
in all detail, so that light, cuts and hands do not matter. Other things before the
camera may have less of it and be sharp: a minute of "blurred", or a search for the focus
that changed nothing, and it is how this camera sees. Pure: time is an argument.
"""

from __future__ import annotations

import statistics
from collections import deque
from dataclasses import dataclass, field

import cv2
import numpy as np
from cv2.typing import MatLike

from ..contract.media import TroubleCode
from .clock import SECOND_NS
from .held import Held
from .picture import Picture, Pixels, planes
from .writing import is_mirrored

BLACK_LUMA, WHITE_LUMA = 34, 232
WHITE_SHARE = 0.5
BLUR_SHARE = 0.45
"""Fine detail below this share of the camera's usual: blurred."""
LEARN_LOOKS, KEEP_LOOKS = 24, 480
ACCEPT_LOOKS, REFOCUSED_LOOKS = 240, 40
"""A minute; and 10 s after the focus was looked for."""
MIDDLE = 1280
SKEW_NS = 160 * SECOND_NS // 1000
"""How late pictures may come, in the middle."""
REMEMBER_NS = 4 * SECOND_NS
OTHER_KIND = 8
"""Where dark letters are found, bright ones are looked for at each eighth turn, and the other way about."""
SLOW_SHARE = 0.6
"""Fewer pictures than this share of what is wanted are too few."""
PACE_NS, LONGEST_LOOK_NS = 2 * SECOND_NS, SECOND_NS
PACE_STEP = 2.0
"""A figure on a screen moves no finer."""
STEADY_LOOKS = 40


def detail(luma: Pixels) -> tuple[float, float]:
    """(share of fine detail, all detail) of a picture: Laplacian energy at full over half scale.

    Focus lost takes the fine first; light and content move both scales alike. Of a large
    picture the middle is enough.
    """
    top, left = (max(0, (side - MIDDLE) // 2) for side in luma.shape)
    luma = luma[top : top + MIDDLE, left : left + MIDDLE]
    width = min(640, luma.shape[1])
    scaled = cv2.resize(luma, (width, max(2, luma.shape[0] * width // luma.shape[1])), interpolation=cv2.INTER_AREA)
    calm = cv2.GaussianBlur(scaled, (3, 3), 0)
    fine = _variance(cv2.Laplacian(calm, cv2.CV_16S))
    half = cv2.resize(calm, (width // 4, calm.shape[0] // 4), interpolation=cv2.INTER_AREA)
    coarse = _variance(cv2.Laplacian(half, cv2.CV_16S))
    return fine / (coarse + 1.0), coarse


def _variance(plane: MatLike) -> float:
    """As np.var, which makes two copies in double first and takes twice the time."""
    return float(cv2.meanStdDev(plane)[1].item()) ** 2


def _nearly_brightest(luma: Pixels) -> int:
    """One in fifty is brighter."""
    flat = luma.reshape(-1)
    return int(np.partition(flat, at := len(flat) * 49 // 50)[at])


@dataclass(slots=True)
class PictureSentinel:
    """One camera, as long as it is set up the same way."""

    black: Held = field(default_factory=lambda: Held(1.5))
    frozen: Held = field(default_factory=lambda: Held(1.75, 0.25))
    white: Held = field(default_factory=lambda: Held(1.75))
    blurred: Held = field(default_factory=lambda: Held(2.0))
    _before: Pixels | None = None
    _usual: deque[float] = field(default_factory=lambda: deque(maxlen=KEEP_LOOKS))
    _odd: list[float] = field(default_factory=list)
    """Shares since it counts as blurred."""
    _patience: int = ACCEPT_LOOKS

    def look(self, picture: Picture, at_ns: int) -> tuple[TroubleCode, ...]:
        luma = planes(picture.pixels)[0]
        thin = luma[::8, ::8].copy()
        dark = _nearly_brightest(thin) < BLACK_LUMA
        white = float((thin >= WHITE_LUMA).mean()) > WHITE_SHARE
        same = self._before is not None and self._before.shape == thin.shape and bool((self._before == thin).all())
        self._before = thin
        plain = dark or white  # the same again and again for want of anything to see
        found: list[TroubleCode] = []
        if self.black.look(dark, at_ns):
            found.append("picture_black")
        if self.frozen.look(same and not plain, at_ns):
            found.append("picture_frozen")
        if self.white.look(white, at_ns):
            found.append("picture_overexposed")
        if self.blurred.look(not plain and not same and self._is_blurred(luma), at_ns):
            found.append("picture_blurred")
        return tuple(found)

    def refocused(self) -> None:
        """The camera looks for its focus now: what is blurred still in a while is how it sees."""
        self._patience = min(self._patience, len(self._odd) + REFOCUSED_LOOKS)

    def _is_blurred(self, luma: Pixels) -> bool:
        share, coarse = detail(luma)
        if coarse <= 2.0:
            return False
        learnt = len(self._usual) >= LEARN_LOOKS
        if not learnt or share >= BLUR_SHARE * float(np.median(self._usual)):
            self._usual.append(share)
            if not self.blurred.on:
                self._odd, self._patience = [], ACCEPT_LOOKS
            return False
        self._odd.append(share)
        if len(self._odd) < self._patience:
            return True
        self._usual.clear()
        self._usual.extend(self._odd)
        return False


@dataclass(slots=True)
class SkewSentinel:
    """How much older the pictures are that go out than the sound beside them: that much the lips are late.

    Sound is placed by its capture and what the camera of the lips takes, up to a bound; a picture by the
    tick that shows it. Few pictures are older than many, half of the time between two in the middle:
    that is said as few (`PaceSentinel`) and left out here.
    """

    late: Held = field(default_factory=lambda: Held(1.0))
    _ages: deque[int] = field(default_factory=lambda: deque(maxlen=6))

    def look(self, age_ns: int, at_ns: int, between_ns: int = 0) -> tuple[TroubleCode, ...]:
        self._ages.append(age_ns - between_ns // 2)
        usual_ns = statistics.median_low(self._ages)  # a stumble or two is not a skew
        return ("av_skew",) if self.late.look(usual_ns > SKEW_NS, at_ns) else ()


@dataclass(slots=True)
class PaceSentinel:
    """How many pictures a second one camera gives, of those it was asked for.

    A network camera gives what it gives: too few are those of one that gave more before.
    """

    slow: Held = field(default_factory=lambda: Held(4.5, 2.0))
    said: int = 0
    """Pictures a second, as it is told."""
    _counts: deque[tuple[int, int]] = field(default_factory=deque)
    _paces: deque[float] = field(default_factory=lambda: deque(maxlen=STEADY_LOOKS))
    _steady: float = 0.0
    """The most it gave for 10 s, not counting bursts."""

    def look(self, captured: int, wanted: float, at_ns: int, as_before: bool = False) -> tuple[TroubleCode, ...]:
        """`captured`: pictures so far; `wanted`: a second; `as_before`: and no more than it gave before."""
        if self._counts and (at_ns - self._counts[-1][0] > LONGEST_LOOK_NS or captured < self._counts[-1][1]):
            self._counts.clear()
        self._counts.append((at_ns, captured))
        while len(self._counts) > 1 and at_ns - self._counts[1][0] >= PACE_NS:
            self._counts.popleft()
        pace = self.pace
        if pace is None:
            return ("picture_slow",) if self.slow.on else ()
        self._paces.append(pace)
        if len(self._paces) == STEADY_LOOKS:
            self._steady = max(self._steady, statistics.median_low(self._paces))
        if as_before:
            wanted = min(wanted, self._steady)
        if not self.slow.look(pace < SLOW_SHARE * wanted, at_ns):
            self.said = 0
            return ()
        if not self.said or abs(pace - self.said) >= PACE_STEP:
            self.said = round(pace)
        return ("picture_slow",)

    @property
    def pace(self) -> float | None:
        """A second, of the last two seconds; None: not known yet."""
        if len(self._counts) < 2:
            return None
        (began_ns, first), (ended_ns, last) = self._counts[0], self._counts[-1]
        return (last - first) * SECOND_NS / (ended_ns - began_ns) if ended_ns - began_ns >= PACE_NS else None


@dataclass(slots=True)
class WritingSentinel:
    """The writing one camera sees. Twice a second: dark letters, then bright ones.

    Where the one kind is found it is read once a second, and the other now and then.
    """

    mirrored: Held = field(default_factory=lambda: Held(0.9, 0.5))
    _looks: int = 0
    _found: bool | None = None
    """The kind there is: bright letters, dark ones; None: not known."""
    _verdict: bool = False
    _at_ns: int = 0

    def look(self, luma: Pixels, flipped: bool, at_ns: int) -> tuple[TroubleCode, ...]:
        """`luma` upright; `flipped`: buyers see it mirrored. Without writing nothing new is known."""
        self._looks += 1
        turn, between = divmod(self._looks, 2)
        bright = turn % 2 == 0
        if between and (self._found is None or bright == self._found or turn % OTHER_KIND < 2):
            mirrored = is_mirrored(luma, bright)
            if mirrored is not None:
                self._verdict, self._at_ns, self._found = mirrored != flipped, at_ns, bright
            elif bright == self._found:
                self._found = None
        seen = self._verdict and at_ns - self._at_ns < REMEMBER_NS
        return ("picture_mirrored",) if self.mirrored.look(seen, at_ns) else ()
