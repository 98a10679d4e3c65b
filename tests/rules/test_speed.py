"""The rules are fast enough to be forgotten: processor time, with generous ceilings."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator

import pytest

from seller_console.contract import commands as cm
from seller_console.contract.codec import decode_event, encode
from seller_console.contract.words import LotDraft, Preset, Refusal
from seller_console.sale.brief import brief
from seller_console.sale.fold import apply
from seller_console.sale.report import report
from seller_console.sale.show import decide
from seller_console.sale.state import ShowState

from .floor import OWNER, Floor, buyer


@pytest.fixture(autouse=True)
def own_garbage_only() -> Iterator[None]:
    """Collecting what hundreds of tests before left takes longer than what is measured here."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


CROWD = [buyer(f"b{n}") for n in range(150)]


def long_show(lots: int = 900, bids: int = 12, lines: int = 20) -> Floor:
    """As many lots as a destocking seller runs, each with its bids and its chat."""
    floor = Floor(*CROWD, strict=False)
    floor.ok(cm.ImportLots(lots=tuple(LotDraft(title=f"Lot {n}") for n in range(lots))), OWNER)
    for lot in range(lots):
        run = floor.pdd()
        for n in range(bids):
            floor.wait(500)
            floor.bid(CROWD[(lot + n) % len(CROWD)], run.asking_cents // 100)
        for n in range(lines):
            floor.ok(cm.Say(text=f"ligne {n}"), CROWD[(lot * 7 + n) % len(CROWD)])
        floor.bell()
    return floor


def test_bids_are_decided_and_folded_at_far_more_than_ten_thousand_a_second() -> None:
    floor = Floor(*CROWD, strict=False)
    run = floor.pdd(preset=Preset(duration_ms=3_600_000))
    state, now, count = floor.state, floor.now, 9_000
    began = time.process_time()
    for n in range(count):
        bid = cm.PlaceBid(run_id=run.run_id, amount_cents=run.asking_cents)
        events = decide(state, bid, CROWD[n % 150], now + n)
        assert not isinstance(events, Refusal)
        for event in events:
            apply(state, event, now + n)
    assert time.process_time() - began < count / 10_000
    assert run.bid_count == count


def test_a_twelve_hour_show_is_folded_briefed_and_reported_in_no_time() -> None:
    floor = long_show()
    rows = [(at, decode_event(raw)) for at, raw in floor.log]
    assert len(rows) > 40_000
    state = ShowState()
    began = time.process_time()
    for at, event in rows:
        apply(state, event, at)
    assert time.process_time() - began < 2.0
    assert state == floor.state
    began = time.process_time()
    told = brief(state, CROWD[0])
    raw = b"".join(map(encode, told))
    assert time.process_time() - began < 0.5
    assert len(told) < 3_500 and len(raw) < 1_000_000
    began = time.process_time()
    shown = report(state, floor.now)
    assert time.process_time() - began < 0.5
    assert shown.lots_sold == 900


def test_a_thousand_people_of_the_same_name_join() -> None:
    floor = Floor(strict=False)
    began = time.process_time()
    for n in range(1_000):
        floor.ok(cm.Join(), buyer("julie").__class__(person=f"j{n}", role="buyer", nickname=f"Julie{n % 50}"))
    assert time.process_time() - began < 2.0
    assert len(floor.state.nicknames) == len(floor.state.people)
