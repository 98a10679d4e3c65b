"""What the screen reads from the state of a show: pure functions, no Qt, no clock of their own.

Each takes the fold (and `now_ms` of the platform where time matters) and gives
values of `values.py`. The states of the deck are decided here and nowhere else.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable

from seller_console.contract.words import Lot, LotDraft, LotId, Regular
from seller_console.sale.report import Money as Made
from seller_console.sale.report import money_of, report
from seller_console.sale.state import Line, LotState, Run, Sale, ShowState

from .values import (
    BidRow,
    BuyerRow,
    ChatLine,
    DeckState,
    DeckView,
    Figures,
    LotCard,
    LotRow,
    ResultRow,
    ShowView,
)
from .values_backstage import Money, MoneyRow

AFTERGLOW_MS = 3_000
"""How long adjugé and passed stay large."""
LAST_SECOND_MS = 1_000
SOON_MS = 10_000
TICKER_ROWS = 12
RESULT_ROWS = 8


def show_view(state: ShowState, *, role: str, buyer_url: str) -> ShowView:
    return ShowView(
        show_id=state.show_id,
        title=state.title,
        status=state.status if state.show_id else "none",
        rehearsal=state.rehearsal,
        live_since_ms=state.live_at,
        currency=state.currency,
        preset=state.preset,
        other_preset=state.other_preset,
        fee_bps=state.fee_bps,
        role=role,
        buyer_url=buyer_url,
    )


# --- the deck -----------------------------------------------------------------------------


def next_lot(state: ShowState) -> LotState | None:
    """What PDD opens: the first queued auction lot."""
    for lot_id in state.queue:
        lot = state.lots[lot_id]
        if lot.lot.format == "auction":
            return lot
    return None


def card(state: ShowState, lot: LotState, run: Run | None = None) -> LotCard:
    face = lot.lot
    return LotCard(
        lot_id=face.lot_id,
        number=face.number,
        title=face.title,
        category=face.category,
        picture=face.pictures[0] if face.pictures else "",
        unit=run.unit if run else lot.units_done + 1,
        of=run.of if run else lot.units_total,
        opening_cents=run.opening_cents if run else face.opening_cents,
        preset=face.preset or state.preset,
        has_reserve=face.has_reserve,
        reserve_cents=lot.backstage.reserve_cents,
        cost_cents=lot.backstage.cost_cents,
        pre_bids=lot.pre_bid_count,
        hearts=lot.hearts,
        salons=lot.salons,
        host_note=lot.backstage.host_note,
    )


def run_state(run: Run, now_ms: float) -> DeckState:
    """The state of the deck while a run is open."""
    if run.status == "paused":
        return "paused"
    remaining_ms = run.ends_at - now_ms
    if remaining_ms <= LAST_SECOND_MS:
        return "closing"
    if now_ms < run.withdrawable_until and run.bid_count == 0:
        return "withdrawable"
    return "under_10" if remaining_ms < SOON_MS else "running"


def next_change_ms(state: ShowState, now_ms: float) -> float | None:
    """When time alone next changes the deck, on the platform's clock; None: never."""
    moments: list[float] = []
    if (run := state.run) is not None and run.status == "running":
        moments = [run.ends_at - SOON_MS, run.ends_at - LAST_SECOND_MS, run.withdrawable_until]
    elif state.last_run is not None:
        moments = [state.runs[state.last_run].ended_at + AFTERGLOW_MS]
    return min((moment for moment in moments if moment > now_ms), default=None)


def deck(state: ShowState, now_ms: float, *, away: str = "", opening: bool = False) -> DeckView:
    """`away`: words key of why the platform does not answer, "" when it does. `opening`: PDD was pressed."""
    upcoming = next_lot(state)
    next_card = card(state, upcoming) if upcoming is not None else None
    run = state.run
    ended = state.runs.get(state.last_run) if state.last_run is not None else None
    glowing = ended is not None and now_ms < ended.ended_at + AFTERGLOW_MS and ended.status in {"hammered", "passed"}

    name: DeckState
    reason = ""
    if away:
        name, reason = "away", away
    elif run is not None:
        name = run_state(run, now_ms)
        reason = f"paused.{run.pause_reason}" if name == "paused" else ""
    elif state.status != "live":
        name = "not_live"
    elif opening:
        name = "opening"
    elif glowing and ended is not None:
        name = "adjudged" if ended.status == "hammered" else "passed"
    else:
        name = "ready" if upcoming is not None else "empty"

    shown = run if run is not None else (ended if name in {"adjudged", "passed"} else None)
    preset = next_card.preset if next_card is not None else state.preset
    results = result_rows(state)
    if shown is None:
        return DeckView(
            state=name, reason=reason, card=next_card, next_card=next_card, next_number=state.next_number,
            duration_ms=preset.duration_ms, counter_bid_ms=preset.counter_bid_ms, sudden_death=preset.sudden_death,
            results=results,
        )  # fmt: skip
    sale = state.sales.get(shown.sale_id)
    return DeckView(
        state=name,
        reason=reason,
        card=card(state, state.lots[shown.lot_id], shown),
        next_card=next_card,
        next_number=state.next_number,
        run_id=shown.run_id,
        price_cents=shown.price_cents,
        asking_cents=shown.asking_cents,
        leader_name=shown.leader_name,
        bids=shown.bid_count,
        extended=shown.ends_at > shown.opened_at + shown.duration_ms,
        reserve_met=shown.reserve_met or not shown.has_reserve,
        ends_at_ms=shown.ends_at,
        opened_at_ms=shown.opened_at,
        duration_ms=shown.duration_ms,
        counter_bid_ms=shown.counter_bid_ms,
        sudden_death=shown.sudden_death,
        remaining_ms=shown.remaining_ms,
        withdraw_until_ms=shown.withdrawable_until,
        bid_rows=bid_rows(shown),
        results=results,
        winner_name=sale.buyer_name if sale else "",
        bag_number=sale.bag_number if sale else 0,
        first_purchase=bool(sale and sale.buyer in state.people and state.people[sale.buyer].purchases == 1),
    )


def bid_rows(run: Run) -> tuple[BidRow, ...]:
    rows: list[BidRow] = []
    recent = run.bids[-TICKER_ROWS - 1 :]
    for n, bid in enumerate(recent):
        before = recent[n - 1].price_cents if n else (run.opening_cents if len(recent) == len(run.bids) else None)
        rows.append(
            BidRow(
                at_ms=bid.at_ms,
                bidder_name=bid.bidder_name,
                price_cents=bid.price_cents,
                raise_cents=bid.price_cents - before if before is not None else 0,
                leader_name=bid.leader_name,
                leads=bid.leader == bid.bidder,
                cause=bid.cause,
            )
        )
    return tuple(reversed(rows[-TICKER_ROWS:]))


def result_rows(state: ShowState) -> tuple[ResultRow, ...]:
    rows: list[ResultRow] = []
    for run in reversed(state.runs.values()):
        if run.status not in {"hammered", "passed", "voided"}:
            continue
        lot = state.lots[run.lot_id]
        sale = state.sales.get(run.sale_id)
        undone = sale is not None and sale.status == "voided"
        rows.append(
            ResultRow(
                run_id=run.run_id,
                lot_id=run.lot_id,
                number=lot.lot.number,
                title=lot.lot.title,
                outcome="voided" if undone or run.status == "voided" else "sold" if sale is not None else "passed",
                unit=run.unit,
                of=run.of,
                price_cents=sale.price_cents if sale else 0,
                buyer_name=sale.buyer_name if sale else "",
                bag_number=sale.bag_number if sale else 0,
                sale_id=run.sale_id,
                can_void=sale is not None and sale.status in {"sold", "validated", "failed"},
                can_re_run=lot.status == "passed",
            )
        )
        if len(rows) == RESULT_ROWS:
            break
    return tuple(rows)


# --- the lists ----------------------------------------------------------------------------


def queue_row(state: ShowState, lot: LotState, *, first: bool, editor: str) -> LotRow:
    face, back = lot.lot, lot.backstage
    return LotRow(
        lot_id=face.lot_id,
        key=face.lot_id,
        number=face.number,
        title=face.title,
        status="on_block" if lot.status == "on_block" else "next" if first else "queued",
        format=face.format,
        category=face.category,
        picture=face.pictures[0] if face.pictures else "",
        opening_cents=face.opening_cents,
        units_left=lot.units_left,
        units_total=lot.units_total,
        duration_ms=(face.preset or state.preset).duration_ms,
        own_preset=face.preset is not None,
        preset=face.preset,
        cost_cents=back.cost_cents,
        has_reserve=face.has_reserve,
        reserve_cents=back.reserve_cents,
        pre_bids=lot.pre_bid_count,
        hearts=lot.hearts,
        salons=lot.salons,
        version=lot.version,
        editor=editor,
        description=face.description,
        condition=face.condition,
        sku=back.sku,
        place=back.place,
        host_note=back.host_note,
        producer_note=back.producer_note,
    )


def sold_row(lot: LotState, sale: Sale, run: Run | None) -> LotRow:
    face = lot.lot
    return LotRow(
        lot_id=face.lot_id,
        key=sale.sale_id,
        number=face.number,
        title=face.title,
        status="sold",
        format=face.format,
        category=face.category,
        picture=face.pictures[0] if face.pictures else "",
        opening_cents=face.opening_cents,
        units_left=sale.quantity,
        units_total=lot.units_total,
        cost_cents=lot.backstage.cost_cents,
        version=lot.version,
        run_id=sale.run_id,
        sale_id=sale.sale_id,
        unit=run.unit if run else 1,
        price_cents=sale.price_cents,
        buyer_name=sale.buyer_name,
        bag_number=sale.bag_number,
        paid=sale.status,
        at_ms=sale.at_ms,
    )


def passed_row(state: ShowState, lot: LotState) -> LotRow:
    face = lot.lot
    run = state.runs.get(lot.runs[-1]) if lot.runs else None
    return LotRow(
        lot_id=face.lot_id,
        key=face.lot_id,
        number=face.number,
        title=face.title,
        status="passed",
        format=face.format,
        category=face.category,
        picture=face.pictures[0] if face.pictures else "",
        opening_cents=face.opening_cents,
        units_left=lot.units_left,
        units_total=lot.units_total,
        cost_cents=lot.backstage.cost_cents,
        has_reserve=face.has_reserve,
        reserve_cents=lot.backstage.reserve_cents,
        version=lot.version,
        run_id=run.run_id if run else "",
        unit=run.unit if run else 1,
        price_cents=run.price_cents if run else 0,
        at_ms=run.ended_at if run else 0,
    )


# --- the right column -----------------------------------------------------------------------


def chat_line(state: ShowState, line: Line) -> ChatLine:
    lot = state.lots.get(line.lot_id)
    return ChatLine(
        line_id=line.line_id,
        at_ms=line.at_ms,
        kind=line.kind,
        person=line.person,
        nickname=line.nickname,
        role=line.role,
        text=line.text,
        number=lot.lot.number if lot else 0,
        price_cents=line.price_cents,
        reply_to=line.reply_to,
        first_purchase=line.first_purchase,
        deleted=line.deleted,
    )


def buyers(state: ShowState) -> tuple[BuyerRow, ...]:
    """Those who bought first, by bag; then those present."""
    rows = [
        BuyerRow(
            person=person.person,
            nickname=person.nickname,
            bag_number=person.bag_number,
            purchases=person.purchases,
            spent_cents=person.spent_cents,
            present=person.present,
            blocked=person.blocked,
            following=person.following,
            note=person.note,
            **_earlier(person.regular),
        )
        for person in state.people.values()
        if person.role == "buyer"
    ]
    rows.sort(key=lambda row: (row.bag_number == 0, row.bag_number, not row.present, row.nickname.casefold()))
    return tuple(rows)


def _earlier(known: Regular | None) -> dict[str, int]:
    if known is None:
        return {}
    return {
        "earlier_shows": known.shows,
        "earlier_purchases": known.purchases,
        "earlier_spent_cents": known.spent_cents,
        "earlier_unpaid": known.unpaid,
    }


def figures(state: ShowState, now_ms: float, bids: int) -> Figures:
    """`bids` is counted by the fold (runs keep only their last 200)."""
    standing = [sale for sale in state.sales.values() if sale.status not in ("voided", "failed")]
    money = money_of(state, standing)
    sales_cents = money.total_cents
    sold = len(standing)
    passed = sum(1 for run in state.runs.values() if run.status == "passed")
    until_ms = state.ended_at or now_ms
    hours = max(0.0, until_ms - state.live_at) / 3_600_000 if state.live_at else 0.0
    return Figures(
        sales_cents=sales_cents,
        sold=sold,
        passed=passed,
        sold_percent=round(100 * sold / (sold + passed)) if sold + passed else -1,
        # Under a minute the pace would be a wild guess.
        per_hour_cents=round(sales_cents / hours) if hours >= 1 / 60 else 0,
        queued=sum(state.lots[lot_id].units_left for lot_id in state.queue),
        bids=bids,
        buyers=sum(1 for person in state.people.values() if person.purchases),
        cost_cents=money.cost_cents,
        fee_cents=money.fee_cents,
        margin_cents=money.margin_cents,
    )


def money(state: ShowState, now_ms: int) -> Money:
    """The whole account, from the log alone."""
    whole = report(state, now_ms)
    ended = whole.runs_sold + whole.runs_passed
    hours = tuple(
        _money_row(datetime.datetime.fromtimestamp(hour.from_ms / 1000).strftime("%H:%M"), hour.money)
        for hour in whole.hours
    )
    sold = [lot for lot in reversed(whole.lots) if lot.money.units]
    lots = tuple(_money_row(f"{lot.number} · {lot.title}", lot.money) for lot in sold)
    return Money(
        total_cents=whole.money.total_cents,
        cost_cents=whole.money.cost_cents,
        fee_cents=whole.money.fee_cents,
        margin_cents=whole.money.margin_cents,
        margin_per_hour_cents=whole.margin_per_hour_cents,
        basket_cents=whole.average_basket_cents,
        sell_through_bps=whole.sell_through_bps if ended else -1,
        failed_cents=whole.failed_cents,
        pace_ms=whole.pace_ms,
        units_to_go=whole.units_to_go,
        forecast_end_ms=whole.forecast_end_ms,
        hours=hours,
        lots=lots,
    )


def _money_row(name: str, made: Made) -> MoneyRow:
    return MoneyRow(name, made.units, made.total_cents, made.cost_cents, made.fee_cents, made.margin_cents)


def block_and_queue(state: ShowState) -> Iterable[LotId]:
    """The lot on the block first, then the queue in order."""
    run = state.run
    if run is not None:
        yield run.lot_id
    yield from (lot_id for lot_id in state.queue if run is None or lot_id != run.lot_id)


def drafts_of(state: ShowState) -> tuple[LotDraft, ...]:
    """The lots of a show as they were before any of them sold, in the order of their numbers."""
    shared = set(LotDraft.__struct_fields__) & set(Lot.__struct_fields__)
    lots = sorted((known for known in state.lots.values() if known.status != "removed"), key=lambda k: k.lot.number)
    return tuple(
        LotDraft(
            **{name: getattr(known.lot, name) for name in shared - {"quantity"}},
            quantity=known.units_total,
            backstage=known.backstage,
        )
        for known in lots
    )
