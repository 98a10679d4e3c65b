"""How a measurement is judged: a bar that was missed is said, and is the exit code."""

from __future__ import annotations

import math
import statistics
import sys
from collections.abc import Iterable


def over(name: str, value: float, most: float) -> list[str]:
    """What there is to say when it is more than that; a figure that is no number is over every bar."""
    return [] if value <= most else [f"{name} {value} > {most}"]


def median(values: Iterable[float]) -> float:
    """No number when one of them is none: where that lies among the others is by chance."""
    found = list(values)
    return math.nan if any(map(math.isnan, found)) else statistics.median(found)


def verdict(missed: list[str]) -> int:
    """The exit code."""
    for bar in missed:
        print(f"missed: {bar}", file=sys.stderr)
    return 1 if missed else 0
