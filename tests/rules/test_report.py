"""Money shown right, from the log alone."""

from __future__ import annotations

from seller_console.contract import commands as cm
from seller_console.contract import events as ev
from seller_console.contract.codec import decode_event
from seller_console.contract.words import LotBackstage, Preset
from seller_console.sale.report import BETWEEN_LOTS_MS, HOUR_MS, Money, report, report_of

from .floor import ANA, BEN, CLEO, OWNER, Floor


def priced(floor: Floor, cost_cents: int, **fields: object) -> str:
    return floor.lot(backstage=LotBackstage(cost_cents=cost_cents), **fields)


def test_margin_is_the_sale_less_fee_and_cost() -> None:
    floor = Floor()
    floor.ok(cm.EditShow(fee_bps=850), OWNER)
    priced(floor, 3_25)
    floor.sell(ANA, 17)
    money = report(floor.state, floor.now).money
    assert money == Money(units=1, total_cents=17_00, fee_cents=1_45, cost_cents=3_25)
    assert money.margin_cents == 12_30


def test_a_fee_is_rounded_half_up_sale_by_sale() -> None:
    floor = Floor()
    floor.ok(cm.EditShow(fee_bps=850), OWNER)
    for _ in range(3):
        floor.sell(ANA, 1)
    assert report(floor.state, floor.now).money.fee_cents == 3 * 9


def test_voided_and_failed_sales_earn_nothing() -> None:
    floor = Floor()
    kept, voided, failed = floor.sell(ANA, 10), floor.sell(BEN, 20), floor.sell(CLEO, 40)
    floor.ok(cm.VoidSale(sale_id=voided, reason="erreur"), OWNER)
    floor.ok(cm.MarkPayment(sale_id=failed, outcome="failed"), OWNER)
    floor.ok(cm.MarkPayment(sale_id=kept, outcome="paid"), OWNER)
    shown = report(floor.state, floor.now)
    assert shown.money.total_cents == 10_00
    assert (shown.hammer_total_cents, shown.failed_cents, shown.paid_cents, shown.sales_voided) == (7000, 4000, 1000, 1)
    assert (shown.buyers, shown.average_basket_cents) == (1, 10_00)


def test_the_average_basket_is_per_buyer() -> None:
    floor = Floor()
    for who, euros in ((ANA, 10), (ANA, 20), (BEN, 31)):
        floor.sell(who, euros)
    assert report(floor.state, floor.now).average_basket_cents == 61_00 // 2


def test_sell_through_counts_runs_that_ended_by_the_bell() -> None:
    floor = Floor()
    floor.sell(ANA)
    floor.pdd()
    floor.bell()
    run = floor.pdd()
    floor.ok(cm.VoidRun(run_id=run.run_id, reason="x"), OWNER)
    shown = report(floor.state, floor.now)
    assert (shown.runs_sold, shown.runs_passed, shown.sell_through_bps) == (1, 1, 5_000)


def test_quantities_multiply_price_and_cost() -> None:
    floor = Floor()
    lot_id = priced(floor, 4_00, format="buy_it_now", opening=10, quantity=5)
    floor.ok(cm.BuyNow(lot_id=lot_id, price_cents=10_00, quantity=3), ANA)
    shown = report(floor.state, floor.now)
    assert shown.money == Money(units=3, total_cents=30_00, cost_cents=12_00)
    assert shown.lots[0].money == shown.money
    assert shown.lots[0].units_left == 2


def test_each_lot_and_each_hour_has_its_money() -> None:
    floor = Floor()
    a, b = priced(floor, 1_00), priced(floor, 2_00)
    floor.sell(ANA, 5, a)
    floor.wait(2 * HOUR_MS)
    floor.sell(BEN, 8, b)
    shown = report(floor.state, floor.now)
    assert [lot.money.margin_cents for lot in shown.lots] == [4_00, 6_00]
    assert [hour.money.total_cents for hour in shown.hours] == [5_00, 0, 8_00]
    assert shown.hours[2].from_ms == floor.state.live_at + 2 * HOUR_MS
    assert shown.margin_per_hour_cents == 10_00 * HOUR_MS // (floor.now - floor.state.live_at)


def test_the_end_is_forecast_from_the_pace_of_the_show() -> None:
    floor = Floor(preset=Preset(duration_ms=20_000))
    for _ in range(6):
        floor.lot()
    floor.lot(quantity=4)
    floor.lot(format="giveaway")
    assert report(floor.state, floor.now).pace_ms == 20_000 + BETWEEN_LOTS_MS
    for _ in range(3):
        floor.pdd()
        floor.bell()
        floor.wait(5_000)
    shown = report(floor.state, floor.now)
    assert (shown.pace_ms, shown.units_to_go) == (25_000, 7)
    assert shown.forecast_end_ms == floor.now + 7 * 25_000
    floor.ok(cm.EndShow(), OWNER)
    assert report(floor.state, floor.now).forecast_end_ms == 0


def test_the_report_of_the_log_is_the_report_of_the_show() -> None:
    floor = Floor()
    priced(floor, 1_00)
    floor.sell(ANA, 9)
    rows = [ev.Stamped(seq=n, at_ms=at, event=decode_event(raw)) for n, (at, raw) in enumerate(floor.log, 1)]
    assert report_of(rows, floor.now) == report(floor.state, floor.now)


def test_an_empty_show_reports_nothing_and_divides_by_nothing() -> None:
    floor = Floor(live=False)
    shown = report(floor.state, floor.now)
    assert (shown.money, shown.hours, shown.sell_through_bps, shown.average_basket_cents) == (Money(), (), 0, 0)
