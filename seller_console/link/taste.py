"""What a made-up buyer likes, and when they bid: pure, and the same for the same seed.

A buyer is a `Taste` (how keen, how rich, how they bid). For each lot the taste and the
lot's number give one `Wish`, whatever happened before: the plan of a crowd is a
function of its seed, only the instants depend on the show. `next_bid` says what a buyer
with that wish does in front of what stands on the block; it never bids while leading.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random
from typing import Literal

from ..contract.words import UNIT_CENTS, BidKind

Style = Literal["tapper", "planner", "sniper"]
"""tapper: one step at a time. planner: names a maximum and waits. sniper: comes at the end."""

STYLES: tuple[Style, ...] = ("tapper", "planner", "sniper")

NAMES = (
    "leo_cards", "nora.b", "brocante87", "tom_tom", "ines", "mamie.colette", "jules", "camille59", "sacha_tcg",
    "lulu.vintage", "petit_prix", "marion-d", "karim75", "zoe.luxe", "papy_bernard", "clem", "manon34", "yanis_ol",
    "elise.r", "hugo_boss_fan", "margaux", "titi93", "anais_k", "gaspard", "lina.m", "noemie", "basile", "fanny_76",
    "malo", "rose.and.co", "chineuse", "alix", "theo_d", "mireille", "oscar", "jeanne_b", "samir", "louison",
    "paulo", "agathe.v",
)  # fmt: skip
LINES = (
    "bonsoir tout le monde", "tu peux montrer le dos ?", "merci pour la soirée !", "quelle taille ?",
    "elle est centrée ?", "ça monte", "oh le joli lot", "je passe mon tour", "il y a des traces ?",
    "livraison en point relais ?", "belle pièce", "bonsoir de Limoges", "encore un comme ça ?", "c'est parti",
    "trop vite pour moi", "je la prends", "félicitations !", "on voit bien, merci", "le suivant svp",
    "vous êtes là jusqu'à quelle heure ?", "première fois ici, coucou", "c'est neuf ou d'occasion ?", "bravo",
    "j'adore ce live", "combien il en reste ?",
)  # fmt: skip

BID_ROOM_MS = 250
"""Nobody in the crowd bids with less than this left: it would only arrive late."""


@dataclass(frozen=True, slots=True)
class Taste:
    """One buyer. `budget_cents` is what a lot they like is worth to them, roughly."""

    nickname: str
    style: Style
    keenness: float
    """Chance that a lot interests them."""
    budget_cents: int
    pace_s: float
    """How fast they answer an outbid."""
    chatter_s: float
    """Mean time between two lines."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What one buyer wants of one lot. limit_cents 0: nothing."""

    limit_cents: int
    style: Style
    opens_at: float
    """When the first bid comes, as a part of the lot's duration (tapper, planner)."""
    last_ms: int
    """How long before the end the first bid comes (sniper)."""
    pace_ms: int
    patience: int
    """Bids on this lot at most."""


@dataclass(slots=True)
class OnBlock:
    """The running lot as this buyer sees it. Times are the platform's, ms."""

    run_id: str
    number: int
    opened_at: int
    duration_ms: int
    ends_at: int
    asking_cents: int
    leading: bool = False
    paused: bool = False
    bids_made: int = 0
    provoked_at: int = 0
    """When this buyer last had a reason to answer (outbid, or refused as too low)."""


@dataclass(frozen=True, slots=True)
class Intent:
    """A bid to place at `at_ms` if nothing changes."""

    at_ms: int
    amount_cents: int
    kind: BidKind


def crowd(seed: int, buyers: int) -> tuple[Taste, ...]:
    """The buyers of a seed. A larger crowd has the same first buyers."""
    names = list(NAMES)
    Random(f"{seed}/names").shuffle(names)
    return tuple(_taste(seed, who, names) for who in range(buyers))


def _taste(seed: int, who: int, names: list[str]) -> Taste:
    dice = Random(f"{seed}/{who}")
    again, at = divmod(who, len(names))
    return Taste(
        nickname=names[at] + (f"_{again + 1}" if again else ""),
        style=dice.choices(STYLES, (6, 3, 1))[0],
        keenness=dice.uniform(0.45, 0.85),
        budget_cents=_units(dice.lognormvariate(math.log(16), 0.6)),
        pace_s=dice.uniform(0.6, 2.2),
        chatter_s=dice.uniform(14, 50),
    )


def _units(amount: float) -> int:
    """Whole units, as cents; at least one."""
    return max(1, round(min(amount, 5_000))) * UNIT_CENTS


def wish(seed: int, who: int, taste: Taste, number: int, opening_cents: int) -> Wish:
    """What buyer `who` wants of lot `number`: a function of the seed and the lot alone."""
    dice = Random(f"{seed}/{who}/{number}")
    wants = dice.random() < taste.keenness
    worth = opening_cents + _units(taste.budget_cents / UNIT_CENTS * dice.lognormvariate(0, 0.5))
    return Wish(
        limit_cents=_units(worth / UNIT_CENTS) if wants else 0,
        style=taste.style,
        opens_at=dice.uniform(0.06, 0.5),
        last_ms=round(dice.uniform(1_200, 3_200)),
        pace_ms=round(1_000 * taste.pace_s * dice.uniform(0.7, 1.4)),
        patience={"tapper": dice.randint(2, 4), "planner": dice.randint(1, 2), "sniper": 1}[taste.style],
    )


def next_bid(wish: Wish, block: OnBlock) -> Intent | None:
    """What this buyer does next on this lot, None: nothing unless something changes."""
    if block.leading or block.paused or block.bids_made >= wish.patience or block.asking_cents > wish.limit_cents:
        return None
    if wish.style == "sniper":
        at_ms = block.ends_at - wish.last_ms
    elif block.bids_made == 0:
        at_ms = block.opened_at + round(block.duration_ms * wish.opens_at)
    else:
        at_ms = block.provoked_at + wish.pace_ms
    if at_ms > block.ends_at - BID_ROOM_MS:
        return None
    if wish.style == "planner":
        return Intent(at_ms, wish.limit_cents, "max")
    return Intent(at_ms, block.asking_cents, "tap")


def lines(seed: int, who: int, taste: Taste, seconds: float) -> tuple[tuple[float, str], ...]:
    """When (seconds from the start) and what this buyer says."""
    dice = Random(f"{seed}/{who}/chat")
    said: list[tuple[float, str]] = []
    at_s = dice.uniform(1, taste.chatter_s)
    while at_s < seconds:
        said.append((at_s, dice.choice(LINES)))
        at_s += max(2.0, dice.expovariate(1 / taste.chatter_s))
    return tuple(said)
