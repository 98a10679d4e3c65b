"""A made-up show, as the soak makes it, in small: repeatable, whole, and the same when opened again."""

from __future__ import annotations

from pathlib import Path

import msgspec

from seller_console.contract.codec import decode_event
from seller_console.platform.log import Log
from seller_console.sale.fold import apply
from seller_console.sale.state import ShowState
from tests.fakes.long_show import LongShow


def short(seed: int) -> LongShow:
    return LongShow(seed, lots=24, buyers=20, bids=400, lines=500, hours=0.3)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_show() -> None:
    first, again, other = (list(short(seed).turns()) for seed in (7, 7, 8))
    assert first == again
    assert first != other


def test_what_a_show_kept_folds_to_what_it_was(tmp_path: Path) -> None:
    show = short(7)
    log = Log(tmp_path / "show.db")
    log.append(list(show.turns()))
    state = ShowState()
    for row in log.every_row():
        apply(state, decode_event(row.event), row.at_ms)
    log.close()
    assert msgspec.json.encode(state) == msgspec.json.encode(show.state)
    assert show.told.bids == 400
    assert show.told.lines == 500
    assert show.told.refused == 0
