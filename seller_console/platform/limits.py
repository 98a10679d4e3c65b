"""How often: token buckets, one per (what, whom): a person, or an address.

A person costs an attacker one request, so whatever a buyer may do is also counted by
address: generously, a house or a café has one. A platform whose crowd lives at one address
(a bench) is started with a factor for those (main.PER_ADDRESS).

Promises: at most BUCKETS_MAX are kept; the fullest are forgotten first, so that
forgetting one gives nobody more than a full bucket.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

BUCKETS_MAX = 50_000


@dataclass(frozen=True)
class Rate:
    name: str
    per_s: float
    burst: float


BIDS = Rate("bids", 5, 10)
CHAT = Rate("chat", 1, 5)
COMMANDS = Rate("commands", 5, 20)
"""What else a buyer may say."""
READS = Rate("reads", 2, 20)
"""A buyer's briefs and feeds: each is made for them."""
STAFF_COMMANDS = Rate("staff_commands", 100, 400)
JOINS = Rate("joins", 2, 40)
"""Per address, as the three below: a whole café behind one, not a script."""
ADDRESS_COMMANDS = Rate("address_commands", 200, 1000)
ADDRESS_READS = Rate("address_reads", 20, 400)
ADDRESS_MEDIA = Rate("address_media", 2, 60)
PAIRING = Rate("pairing", 5 / 60, 5)
MEDIA = Rate("media", 10 / 60, 10)
TRICKLE = Rate("trickle", 1, 30)
"""Fragments of candidates: a browser sends one for each address it finds."""
PUBLISH = Rate("publish", 30 / 60, 10)
"""A publisher that lost its line tries again every 5 s at most, for as long as it takes."""
WRONG_PASSES = Rate("wrong_passes", 1, 30)
"""Per address: guessing."""
PICTURES = Rate("pictures", 16 * 1024 * 1024, 64 * 1024 * 1024)
"""Bytes: a whole inventory is sent at once, and by staff alone."""
PICTURE_LEAST_BYTES = 64 * 1024
"""What a picture counts for at least: a small one is work too."""


@dataclass(slots=True)
class _Bucket:
    level: float
    at_s: float


class Limits:
    def __init__(self, monotonic: Callable[[], float] = time.monotonic, *, per_address: float = 1.0) -> None:
        self._monotonic = monotonic
        self._per_address = per_address
        self._buckets: dict[tuple[Rate, str], _Bucket] = {}

    def take(self, rate: Rate, whom: str, amount: float = 1) -> int:
        """0: go on. Else: seconds to wait (Retry-After). More than a burst is never had."""
        now = self._monotonic()
        bucket = self._buckets.get((rate, whom))
        if bucket is None:
            if len(self._buckets) >= BUCKETS_MAX:
                self._forget(now)
            bucket = self._buckets[rate, whom] = _Bucket(rate.burst, now)
        bucket.level = min(rate.burst, bucket.level + (now - bucket.at_s) * rate.per_s)
        bucket.at_s = now
        if bucket.level < amount:
            return max(1, math.ceil((amount - bucket.level) / rate.per_s))
        bucket.level -= amount
        return 0

    def take_of_address(self, rate: Rate, address: str) -> int:
        """The same, for what one address may do together."""
        factor = self._per_address
        return self.take(rate if factor == 1.0 else Rate(rate.name, rate.per_s * factor, rate.burst * factor), address)

    def _forget(self, now: float) -> None:
        full = [
            key
            for key, bucket in self._buckets.items()
            if bucket.level + (now - bucket.at_s) * key[0].per_s >= key[0].burst
        ]
        for key in full or list(self._buckets)[: BUCKETS_MAX // 10]:
            del self._buckets[key]
