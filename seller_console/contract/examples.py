"""One example of every word, made from its fields: the catalogue shows them, the golden bytes are theirs.

Promises: `example(Word)` sets every field, optional ones too, to a value that is not
its default, so that its bytes show all there is; the same call gives the same value.
"""

from __future__ import annotations

import types
import typing
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
from msgspec import UNSET, UnsetType

VALUES: dict[str, Any] = {
    "show_id": "20250614-soiree",
    "title": "Soirée cartes du samedi",
    "show_title": "Soirée cartes du samedi",
    "owner": "p1",
    "owner_name": "Camille",
    "by": "p1",
    "by_name": "Marie",
    "person": "p7",
    "bidder": "p7",
    "bidder_name": "Léa",
    "buyer": "p7",
    "buyer_name": "Léa",
    "leader": "p7",
    "leader_name": "Léa",
    "winner": "p7",
    "winner_name": "Léa",
    "invited_by": "p3",
    "nickname": "Léa",
    "lot_id": "L148",
    "after": "L147",
    "run_id": "R12",
    "sale_id": "S9",
    "sale_ids": ("S9", "S11"),
    "line_id": "C31",
    "reply_to": "C30",
    "offer_id": "O2",
    "giveaway_id": "G1",
    "number": 148,
    "first_number": 101,
    "unit": 2,
    "of": 5,
    "quantity": 2,
    "nth": 2,
    "bag_number": 14,
    "bids": 11,
    "pre_bids": 3,
    "count": 3,
    "entrants": 23,
    "viewers": 132,
    "opening_cents": 500,
    "price_cents": 1_700,
    "asking_cents": 1_800,
    "amount_cents": 1_800,
    "max_cents": 4_000,
    "reserve_cents": 6_000,
    "cost_cents": 1_250,
    "total_cents": 4_300,
    "limit_cents": 10_000,
    "fee_bps": 670,
    "seq": 1_204,
    "version": 4,
    "seen_version": 3,
    "at_ms": 1_749_924_000_500,
    "server_ms": 1_749_924_000_500,
    "opened_at": 1_749_924_000_000,
    "ends_at": 1_749_924_030_000,
    "expires_at": 1_749_924_120_000,
    "withdrawable_until": 1_749_924_002_000,
    "until": 1_749_924_300_000,
    "since_ms": 1_749_923_995_000,
    "seconds": 60,
    "every_ms": 5_000,
    "gap_ms": 6_200,
    "down_ms": 1_900,
    "remaining_ms": 12_400,
    "duration_ms": 20_000,
    "counter_bid_ms": 5_000,
    "epoch": 1,
    "per_buyer": 2,
    "text": "Bonsoir à tous !",
    "note": "préfère les cartes japonaises",
    "reason": "mauvaise carte montrée",
    "words": ("arnaque",),
    "names": ("Camille", "Marie"),
    "editors": {"L152": "Marie"},
    "seed": "5e" * 32,
    "seed_hash": "a7" * 32,
    "payment_link": "https://paiement.example/p/8841",
    "payment_page": "https://paiement.example/?ref={reference}&montant={amount}",
    "picture": "/pictures/4f1c.jpg",
    "pictures": ("/pictures/4f1c.jpg",),
    "description": "Coins nets, dos propre.",
    "category": "Cartes à collectionner",
    "subcategory": "Cartes illustrées",
    "condition": "Near Mint",
    "hazmat": "Hazmat - Lithium Battery",
    "shipping": "De 20 g à <100 g",
    "sku": "PK-0148",
    "place": "B14",
    "host_note": "montrer les coins",
    "producer_note": "chuchoter au-delà de 40 €",
    "at": "21:15",
    "present": ("p7", "p9"),
    "detail": "programme 720x1280",
    "code": "too_low",
    "sentence": "Il faut au moins 18 €.",
    "facts": {"need_cents": 1_800},
    "made": {"run_id": "R12"},
    "secret": "0123456789abcdef",
    "contract": 1,
    "camera": "camera:HD Pro Webcam@/dev/video0",
    "microphone": "microphone:USB Audio",
    "spec": "camera:HD Pro Webcam@/dev/video0",
    "name": "HD Pro Webcam",
    "url": "http://127.0.0.1:8080",
    "whip_url": "http://127.0.0.1:8080/whip/20250614-soiree",
    "whep_url": "http://127.0.0.1:8080/whep/20250614-soiree",
    "stream_key": "fedcba9876543210",
    "log_path": "shows/20250614-soiree.sqlite",
    "preview_path": "run/preview-1",
    "path": "pictures/snapshot.jpg",
    "request": "q1",
    "error": "no frame yet",
    "command": "set_programme",
    "subject": "HD Pro Webcam",
    "encoder": "libx264",
    "scene": "face",
    "width": 1_080,
    "height": 1_920,
    "fps": 25,
    "target_bps": 2_500_000,
    "pid": 4_242,
    "port": 8_080,
    "started": 1_749_920_000.25,
    "gain_db": 3.5,
    "peak_db": -6.5,
    "rms_db": -18.25,
    "attempt": 2,
    "next_try_ms": 500,
}
"""By name of field; a name means the same in every word."""

LISTED = {("GiveawayDrawn", "entrants"): ("p7", "p9"), ("Brief", "seq"): 1_204}
"""Where one name has two types."""


def example(word: type[Any]) -> Any:
    """An instance of the struct `word` with every field set."""
    return word(**{field.name: _value(word, field) for field in msgspec.structs.fields(word)})


def _value(word: type[Any], field: msgspec.structs.FieldInfo) -> Any:
    if (word.__name__, field.name) in LISTED:
        return LISTED[word.__name__, field.name]
    fitting = _named(field.name, field.type)
    return _of(field.type, field.default) if fitting is UNSET else fitting


def _named(name: str, kind: Any) -> Any:
    """The value for that name, when it is of that type."""
    if name not in VALUES:
        return UNSET
    try:
        return msgspec.convert(VALUES[name], kind, strict=True)
    except msgspec.ValidationError:
        return UNSET


def _of(kind: Any, default: Any) -> Any:
    origin = get_origin(kind)
    if origin is Annotated:
        return _of(get_args(kind)[0], default)
    if origin in (Union, types.UnionType):
        choices = [choice for choice in get_args(kind) if choice not in (type(None), UnsetType)]
        return _of(choices[0], default)
    if origin is Literal:
        return next((choice for choice in get_args(kind) if choice != default), get_args(kind)[0])
    if origin is tuple:
        return (_of(get_args(kind)[0], None),)
    if origin is dict:
        return {}
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return example(kind)
    if kind is bool:
        return default is not True
    if kind is int:
        return 3
    if kind is float:
        return 2.5
    return "…"


def members(union: Any) -> tuple[type[Any], ...]:
    """The structs of a tagged union, in the order of its declaration."""
    return typing.get_args(union)


def tag_of(word: type[Any]) -> str:
    """`PriceMoved` -> "price_moved": the value of its "type" on the wire."""
    return str(word.__struct_config__.tag)
