"""What two consoles at one show let each other see: notes, edits that wait or were refused, an invitation, the money.

Plain immutable values, ready to draw, no Qt; money is integer cents.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class WaitingEdit:
    """Said, not answered yet: the line is down, or slow."""

    edit_id: int
    what: str
    """In words: "Lot 152 · titre"."""
    lot_id: str = ""


@dataclass(frozen=True, slots=True)
class RefusedEdit:
    """What could not be applied: kept until the person takes it up again or forgets it."""

    edit_id: int
    what: str
    lot_id: str = ""
    mine: str = ""
    """In words; "" when there is nothing to compare."""
    theirs: str = ""
    by: str = ""
    """Whose value stands now, "" when nobody's."""
    why: str = ""
    retakable: bool = True
    """Said again now, the rules would take it."""
    run_of_show: bool = False


@dataclass(frozen=True, slots=True)
class Edits:
    waiting: tuple[WaitingEdit, ...] = ()
    refused: tuple[RefusedEdit, ...] = ()


@dataclass(frozen=True, slots=True)
class Whispers:
    """The notes between seller and producers, oldest first, as (who, when, text) lines."""

    lines: tuple[Whisper, ...] = ()
    unread: int = 0


@dataclass(frozen=True, slots=True)
class Whisper:
    line_id: str
    at_ms: int
    name: str
    text: str
    mine: bool = False


@dataclass(frozen=True, slots=True)
class Invitation:
    """A pairing code for another console. loopback: nobody but this machine could come."""

    state: Literal["none", "asking", "open", "joined", "failed"] = "none"
    code: str = ""
    address: str = ""
    """What the other types after --platform."""
    expires_ms: int = 0
    """Platform clock."""
    loopback: bool = False
    fingerprint: str = ""
    """Of the certificate of `address`, as the other console shows it; "" without TLS."""
    name: str = ""
    """Who came, when joined."""


@dataclass(frozen=True, slots=True)
class MoneyRow:
    """What an hour or a lot came to."""

    name: str
    units: int
    total_cents: int
    cost_cents: int
    fee_cents: int
    margin_cents: int


@dataclass(frozen=True, slots=True)
class Money:
    total_cents: int = 0
    cost_cents: int = 0
    fee_cents: int = 0
    margin_cents: int = 0
    margin_per_hour_cents: int = 0
    basket_cents: int = 0
    sell_through_bps: int = -1
    """-1: no lot has ended yet."""
    failed_cents: int = 0
    pace_ms: int = 0
    units_to_go: int = 0
    forecast_end_ms: int = 0
    """0: nothing left to sell, or the show has ended."""
    hours: tuple[MoneyRow, ...] = ()
    lots: tuple[MoneyRow, ...] = ()
    """Those that sold, newest number first."""
