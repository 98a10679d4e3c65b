"""What is wrong with the sound of a microphone: nothing, too much, in pieces, or from too far away.

A microphone in a room is never quite still. One whose noise is taken out by its driver, or by a
gate, is, between any two words: it is known by that, and then its silence means something
only after much longer than its pauses. Pure: time is an argument.
"""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..contract.media import TroubleCode
from .clock import SECOND_NS
from .distance import SYLLABLES, Heard, hear, quantile
from .held import Held
from .meter import NOTHING_DB

LEARN_LOOKS, KEEP_LOOKS = 24, 480
DEAD_S = 2.5
GATE_GAPS, GATE_LOOKS = 3, 240
"""So many short gaps in a minute of sound: it gates."""
SHORT_GAP_S = 2.0
PATIENCE, LEAST_PATIENCE_S, MOST_PATIENCE_S = 3.0, 20.0, 60.0
"""A gate is dead after so many times its longest pause of late."""
UNDER_DB, MOST_DEAD_DB = 20.0, -60.0
"""So much under all it ever gave, a microphone is dead: unplugged from an interface that itself hums a little."""
STUMBLES, STUMBLE_S = 3, 2.0
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


@dataclass(slots=True)
class SoundSentinel:
    """One microphone."""

    silent: Held = field(default_factory=lambda: Held(DEAD_S, 0.25))
    clipping: Held = field(default_factory=lambda: Held(0.25, 1.5))
    _clips: deque[bool] = field(default_factory=lambda: deque(maxlen=6))
    _clipped: int | None = None
    _heard: int = 0
    """Looks at which there was sound."""
    _gaps: deque[tuple[int, float]] = field(default_factory=lambda: deque(maxlen=100))
    """(`_heard`, seconds) of each silence that ended by itself."""
    _floor_db: float = 0.0
    """The least it ever gave."""
    _least_db: float = 0.0
    """Since it fell silent."""

    def look(
        self, peak_db: float, clipped: int, at_ns: int, gaps_s: Sequence[float] = (), muted: bool = False
    ) -> tuple[TroubleCode, ...]:
        """`clipped`: blocks so far that were at the rail; `gaps_s`: silences that have ended since the last look."""
        self._clips.append(self._clipped is not None and clipped > self._clipped)
        self._clipped = clipped
        self._gaps.extend((self._heard, gap_s) for gap_s in gaps_s)
        still = peak_db < self.dead_db
        self._learn(peak_db, still)
        self.silent.after_s = self.patience_s
        found: list[TroubleCode] = []
        if self.silent.look(still, at_ns) or muted:
            found.append("sound_silent")
        if self.clipping.look(sum(self._clips) >= 3, at_ns):
            found.append("sound_clipping")
        return tuple(found)

    def away(self) -> None:
        """It is gone, which is said elsewhere."""
        self.silent.forget()
        self.clipping.forget()
        self._clips.clear()

    @property
    def patience_s(self) -> float:
        """How long it may be still. Silence itself is no time that passes: what is known of a gate stays known."""
        gaps_s = [gap_s for heard, gap_s in self._gaps if self._heard - heard <= GATE_LOOKS]
        if sum(gap_s <= SHORT_GAP_S for gap_s in gaps_s) < GATE_GAPS:
            return DEAD_S
        return min(MOST_PATIENCE_S, max(LEAST_PATIENCE_S, PATIENCE * max(gaps_s)))

    @property
    def dead_db(self) -> float:
        """Under this there is nothing."""
        if self._heard < GATE_LOOKS:
            return NOTHING_DB
        return min(MOST_DEAD_DB, max(NOTHING_DB, self._floor_db - UNDER_DB))

    def _learn(self, peak_db: float, still: bool) -> None:
        if still:
            self._least_db = min(self._least_db, peak_db)
            return
        if self._least_db >= NOTHING_DB:  # it was so still, and it was alive
            self._floor_db = min(self._floor_db, self._least_db)
        self._floor_db, self._least_db = min(self._floor_db, peak_db), 0.0
        self._heard += 1


@dataclass(slots=True)
class StutterSentinel:
    """One microphone that gives its sound in pieces: by radio, on a poor cable, or a machine that is too busy."""

    stuttering: Held = field(default_factory=lambda: Held(0.0, 4.0))
    _before: deque[tuple[int, int]] = field(default_factory=deque)
    """(when, stumbles so far) of the last two seconds."""

    def look(self, stumbles: int, at_ns: int) -> tuple[TroubleCode, ...]:
        self._before.append((at_ns, stumbles))
        while at_ns - self._before[0][0] > STUMBLE_S * SECOND_NS:
            self._before.popleft()
        many = stumbles - self._before[0][1] >= STUMBLES
        return ("sound_stuttering",) if self.stuttering.look(many, at_ns) else ()


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
        usual_fall_db = quantile(sorted(usual.fall_db for usual in self._usual), 0.75)
        usual_quiet_db = statistics.median(usual.quiet_db for usual in list(self._usual)[-LEARN_LOOKS:])
        known = len(self._louds) >= LEARN_LOOKS
        under_db = statistics.median(self._louds) - heard.loud_db if known else 0.0
        if under_db > INAUDIBLE_DB:
            return
        if len(self._murmurs) > FAR_LOOKS and heard.loud_db < statistics.median(self._murmurs) + OVER_MURMUR_DB:
            return
        if heard.fall_db >= min(FAR_FALL_DB, FAR_SHARE * usual_fall_db):
            self._usual.append(heard)
            self._louds.append(heard.loud_db)
            if self._heard_far and at_ns - self._far_since_ns < MURMUR_S * SECOND_NS:
                self._spells += 1
                if self._spells > 1 or not self._said:  # said once and put right at once, it was no murmur
                    self._murmurs.extend(self._heard_far)
            self._heard_far.clear()
            self._far, self._near = 0.0, self._near + 1
        elif heard.fall_db < min(heard.range_db, TO_THE_FLOOR * (heard.loud_db - usual_quiet_db)):
            if not self._heard_far:
                self._far_since_ns = at_ns
            self._heard_far.append(heard.loud_db)
            self._far, self._near = self._far + (0.5 if under_db > FAINT_DB else 1.0), 0
