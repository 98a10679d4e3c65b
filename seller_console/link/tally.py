"""What a crowd did, counted: the one JSON object `seller-console crowd` ends with."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Tally:
    """What happened, of the whole crowd."""

    joined: int = 0
    requests: int = 0
    bids_sent: int = 0
    bids_accepted: int = 0
    bids_unanswered: int = 0
    bids_refused: Counter[str] = field(default_factory=Counter)
    bidders: set[int] = field(default_factory=set)
    lines_sent: int = 0
    lines_accepted: int = 0
    lines_refused: Counter[str] = field(default_factory=Counter)
    waited_429: int = 0
    reconnects: int = 0
    rows: int = 0
    won: int = 0
    spent_cents: int = 0
    answer_ms: list[float] = field(default_factory=list)
    """From a bid leaving to its answer."""
    seen_ms: list[float] = field(default_factory=list)
    """From a bid leaving to its row on the bidder's own feed."""

    def summary(self, *, seed: int, buyers: int, seconds: float) -> dict[str, Any]:
        return {
            "seed": seed,
            "buyers": buyers,
            "joined": self.joined,
            "seconds": round(seconds, 1),
            "requests": self.requests,
            "rows": self.rows,
            "bids_sent": self.bids_sent,
            "bids_accepted": self.bids_accepted,
            "bids_refused": dict(sorted(self.bids_refused.items())),
            "bids_unanswered": self.bids_unanswered,
            "buyers_bidding": len(self.bidders),
            "lines_sent": self.lines_sent,
            "lines_accepted": self.lines_accepted,
            "lines_refused": dict(sorted(self.lines_refused.items())),
            "won": self.won,
            "spent_cents": self.spent_cents,
            "waited_429": self.waited_429,
            "reconnects": self.reconnects,
            "answer_ms": spread(self.answer_ms),
            "seen_ms": spread(self.seen_ms),
        }


def spread(samples: list[float]) -> dict[str, float]:
    """p50 and p99 by nearest rank; empty when there is nothing to rank."""
    if not samples:
        return {}
    ranked = sorted(samples)
    return {
        name: round(ranked[min(len(ranked) - 1, int(len(ranked) * part))], 1)
        for name, part in (("p50", 0.50), ("p99", 0.99))
    }
