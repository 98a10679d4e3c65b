"""Money shown right: cost, fee, margin, pace and forecast, from the log alone.

    report(state, now_ms) -> Report          of a show as it stands (a fold of its log)
    report_of(rows, now_ms) -> Report        of the log itself

A sale counts while it stands: voided ones are gone, failed payments are counted apart. The fee
is basis points of each sale, rounded to the nearest cent, half up. What this fold may not know
(costs, on a buyer's screen) counts as nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..contract.events import Stamped
from ..contract.words import LotId, Struct
from .fold import apply
from .state import LotState, Sale, ShowState

HOUR_MS = 3_600_000
PACE_RUNS = 20
"""Pace is measured over the last so many openings."""
BETWEEN_LOTS_MS = 8_000
"""Talk between two lots, until the show's own pace is known."""


class Money(Struct, frozen=True):
    """What some sales came to. Margin = total - fee - cost."""

    units: int = 0
    total_cents: int = 0
    fee_cents: int = 0
    cost_cents: int = 0

    @property
    def margin_cents(self) -> int:
        return self.total_cents - self.fee_cents - self.cost_cents


class LotMoney(Struct, frozen=True):
    lot_id: LotId
    number: int
    title: str
    status: str
    money: Money
    units_left: int
    units_passed: int
    bids: int
    on_block_ms: int


class HourMoney(Struct, frozen=True):
    """An hour of the show, counted from going live."""

    from_ms: int
    money: Money


class Report(Struct, frozen=True):
    money: Money
    hammer_total_cents: int
    """All hammers that sold, also those undone later."""
    lots_sold: int
    lots_passed: int
    """Lots that ended without a sale."""
    runs_sold: int
    runs_passed: int
    sales_voided: int
    failed_cents: int
    paid_cents: int
    bids: int
    buyers: int
    average_basket_cents: int
    sell_through_bps: int
    """Of the runs that ended by the bell, how many sold."""
    duration_ms: int
    margin_per_hour_cents: int
    lots: tuple[LotMoney, ...]
    hours: tuple[HourMoney, ...]
    pace_ms: int
    """Time a lot, from opening to opening."""
    units_to_go: int
    forecast_end_ms: int
    """When the queue will be empty at this pace; 0 when it is, or the show has ended."""


def report_of(rows: Iterable[Stamped], now_ms: int) -> Report:
    state = ShowState()
    for row in rows:
        apply(state, row.event, row.at_ms)
    return report(state, now_ms)


def fee_cents(sale: Sale, fee_bps: int) -> int:
    return (sale.price_cents * sale.quantity * fee_bps + 5_000) // 10_000


def _stands(sale: Sale) -> bool:
    return sale.status in ("sold", "validated", "paid")


def money_of(state: ShowState, sales: Iterable[Sale]) -> Money:
    """What these sales came to."""
    units = total = fee = cost = 0
    for sale in sales:
        known = state.lots.get(sale.lot_id)
        units += sale.quantity
        total += sale.price_cents * sale.quantity
        fee += fee_cents(sale, state.fee_bps)
        cost += (known.backstage.cost_cents if known is not None else 0) * sale.quantity
    return Money(units=units, total_cents=total, fee_cents=fee, cost_cents=cost)


def report(state: ShowState, now_ms: int) -> Report:
    standing = [sale for sale in state.sales.values() if _stands(sale)]
    money = money_of(state, standing)
    baskets: dict[str, int] = {}
    for sale in standing:
        baskets[sale.buyer] = baskets.get(sale.buyer, 0) + sale.price_cents * sale.quantity
    runs_sold = sum(run.status == "hammered" for run in state.runs.values())
    runs_passed = sum(run.status == "passed" for run in state.runs.values())
    until = state.ended_at or now_ms
    duration = max(0, until - state.live_at) if state.live_at else 0
    pace = pace_ms(state)
    to_go = units_to_go(state)
    return Report(
        money=money,
        hammer_total_cents=sum(sale.price_cents for sale in state.sales.values() if sale.how == "auction"),
        lots_sold=sum(known.units_sold > 0 for known in state.lots.values()),
        lots_passed=sum(known.status == "passed" for known in state.lots.values()),
        runs_sold=runs_sold,
        runs_passed=runs_passed,
        sales_voided=sum(sale.status == "voided" for sale in state.sales.values()),
        failed_cents=sum(s.price_cents * s.quantity for s in state.sales.values() if s.status == "failed"),
        paid_cents=sum(s.price_cents * s.quantity for s in standing if s.status == "paid"),
        bids=sum(run.bid_count for run in state.runs.values()),
        buyers=len(baskets),
        average_basket_cents=money.total_cents // len(baskets) if baskets else 0,
        sell_through_bps=10_000 * runs_sold // (runs_sold + runs_passed) if runs_sold + runs_passed else 0,
        duration_ms=duration,
        margin_per_hour_cents=money.margin_cents * HOUR_MS // duration if duration else 0,
        lots=_lots(state, standing),
        hours=_hours(state, standing, until),
        pace_ms=pace,
        units_to_go=to_go,
        forecast_end_ms=now_ms + to_go * pace if to_go and state.status != "ended" else 0,
    )


def _lots(state: ShowState, standing: list[Sale]) -> tuple[LotMoney, ...]:
    """Every lot, by number."""
    by_lot: dict[LotId, list[Sale]] = {}
    for sale in standing:
        by_lot.setdefault(sale.lot_id, []).append(sale)
    numbered = sorted(state.lots.values(), key=lambda known: known.lot.number)
    return tuple(_lot_money(state, known, by_lot.get(known.lot.lot_id, [])) for known in numbered)


def _lot_money(state: ShowState, known: LotState, sales: list[Sale]) -> LotMoney:
    lot = known.lot
    runs = [state.runs[run_id] for run_id in known.runs if run_id in state.runs]
    return LotMoney(
        lot_id=lot.lot_id,
        number=lot.number,
        title=lot.title,
        status=known.status,
        money=money_of(state, sales),
        units_left=known.units_left,
        units_passed=known.units_total - known.units_left - known.units_sold,
        bids=sum(run.bid_count for run in runs),
        on_block_ms=sum(run.ended_at - run.opened_at for run in runs if run.ended_at),
    )


def _hours(state: ShowState, standing: list[Sale], until: int) -> tuple[HourMoney, ...]:
    """Every hour of the show so far, also those without a sale."""
    if not state.live_at:
        return ()
    by_hour: dict[int, list[Sale]] = {}
    for sale in standing:
        by_hour.setdefault(max(0, sale.at_ms - state.live_at) // HOUR_MS, []).append(sale)
    last = max([*by_hour, max(0, until - state.live_at - 1) // HOUR_MS])
    return tuple(
        HourMoney(from_ms=state.live_at + hour * HOUR_MS, money=money_of(state, by_hour.get(hour, ())))
        for hour in range(last + 1)
    )


def units_to_go(state: ShowState) -> int:
    """Runs still to come: the units left of every auction lot in the queue or on the block."""
    return sum(
        known.units_left
        for known in state.lots.values()
        if known.lot.format == "auction" and known.status in ("queued", "on_block")
    )


def pace_ms(state: ShowState) -> int:
    """Mean time from opening to opening over the last runs; a guess from the preset before that."""
    opened = [run.opened_at for run in state.runs.values() if run.status != "withdrawn"][-PACE_RUNS - 1 :]
    if len(opened) < 2:
        return state.preset.duration_ms + BETWEEN_LOTS_MS
    return (opened[-1] - opened[0]) // (len(opened) - 1)
