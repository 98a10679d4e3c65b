"""How much more than the price a bid must be (rule 1).

A price that stands on a threshold takes the higher step: at 30 € the step is 2 €.
All amounts are cents.
"""

from __future__ import annotations

_STEPS: tuple[tuple[int, int], ...] = (
    (30_00, 1_00),
    (50_00, 2_00),
    (100_00, 3_00),
    (300_00, 5_00),
    (1_000_00, 10_00),
    (2_000_00, 20_00),
)
_ABOVE = 50_00


def increment_cents(price_cents: int) -> int:
    """The step above `price_cents`: 1 € under 30 €, … 50 € from 2,000 €."""
    for below, step in _STEPS:
        if price_cents < below:
            return step
    return _ABOVE


def need_cents(leader: str | None, price_cents: int, opening_cents: int) -> int:
    """What the next bid must reach: the opening price, or a step above the leader's price."""
    if leader is None:
        return opening_cents
    return price_cents + increment_cents(price_cents)
