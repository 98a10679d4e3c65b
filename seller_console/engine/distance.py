"""How far away the voice is, from the levels of a microphone's last seconds: a near voice stops, a far one dies away.

Between syllables a voice close by falls as fast as the mouth closes, 25 to 40 dB in
60 ms. From across a room its echoes fill the gap: they fall by 60 dB in the room's
reverberation time (a living room: 0.3 to 0.7 s), so 5 to 15 dB in 60 ms, at whatever level and
gain. Pure; one call costs about 0.1 ms.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

BLOCKS = 80
"""Of 20 ms each: 1.6 s. Less holds too few syllables; more, and a change is said too late."""
FALL_BLOCKS = 3
NEAR_TOP_DB = 12.0
"""Falls are measured from blocks at most this far below the loudest: an ebbing noise is no syllable."""
RISE_DB = 4.0
GATE_DB = -90.0
"""Under this a gate is shut: that says nothing of what lies under the voice."""
SYLLABLES = 3


class Heard(NamedTuple):
    fall_db: float
    """The steepest fall in 60 ms (the mean of the two steepest)."""
    loud_db: float
    """dBFS of the loudest blocks (95th percentile)."""
    quiet_db: float
    """dBFS between them (10th percentile; while a gate is open, if there is one)."""
    syllables: int
    """How often the level rose by 4 dB to near its loudest: speech does some four times a second, a lorry once."""

    @property
    def range_db(self) -> float:
        return self.loud_db - self.quiet_db


def hear(levels_db: Sequence[float]) -> Heard | None:
    """`levels_db`: dBFS (RMS) of the last blocks, oldest first; None while there are fewer than BLOCKS."""
    if len(levels_db) < BLOCKS:
        return None
    levels = list(levels_db[-BLOCKS:])
    ordered = sorted(levels)
    loud_db = quantile(ordered, 0.95)
    quiet_db = quantile([level for level in ordered if level > GATE_DB] or ordered, 0.1)
    syllable = loud_db - NEAR_TOP_DB
    falls = sorted(
        level - later for level, later in zip(levels, levels[FALL_BLOCKS:], strict=False) if level > syllable
    )[-2:]
    fall_db = sum(falls) / 2 if len(falls) == 2 else 0.0
    return Heard(fall_db, loud_db, quiet_db, _rises(levels, syllable))


def quantile(ordered: Sequence[float], share: float) -> float:
    """Of sorted values, between two of them in proportion: as np.quantile, which takes 0.1 ms however few they are."""
    at = share * (len(ordered) - 1)
    low = int(at)
    return ordered[low] + (ordered[min(low + 1, len(ordered) - 1)] - ordered[low]) * (at - low)


def _rises(levels_db: list[float], least_db: float) -> int:
    """Climbs of at least RISE_DB to over `least_db`, each after a descent of as much."""
    count, extreme, climbing = 0, math.inf, False
    for level in levels_db:
        if climbing:
            extreme = max(extreme, level)
            if level < extreme - RISE_DB:
                climbing, extreme = False, level
        else:
            extreme = min(extreme, level)
            if level > max(extreme + RISE_DB, least_db):
                climbing, extreme, count = True, level, count + 1
    return count
