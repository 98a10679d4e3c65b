"""Rule 12 and the seam: baskets, marks, failed payments, runners-up, spending limits."""

from __future__ import annotations

import pytest

from seller_console.contract import commands as cm
from seller_console.contract import events as ev
from seller_console.contract.words import Who
from seller_console.sale.brief import brief
from seller_console.sale.fold import apply
from seller_console.sale.state import ShowState

from .floor import ANA, BEN, CLEO, DAN, MARIE, MODO, OWNER, Floor, buyer
from .screens import screen

EVE = buyer("eve")


def contested(floor: Floor, *bids: tuple[object, int], reserve: int = 0) -> str:
    """A lot everybody gave a max for. The sale's id."""
    floor.lot(reserve=reserve)
    floor.pdd()
    for who, euros in bids:
        floor.bid(who, euros, "max")  # type: ignore[arg-type]
    end = floor.bell()[0]
    assert isinstance(end, ev.Hammered) and end.sold
    return end.sale_id


def offered(events: tuple[ev.Event, ...]) -> ev.RunnerUpOffered:
    found = [event for event in events if isinstance(event, ev.RunnerUpOffered)]
    assert len(found) == 1, events
    return found[0]


def fail(floor: Floor, sale_id: str) -> None:
    floor.ok(cm.MarkPayment(sale_id=sale_id, outcome="failed"), OWNER)


def test_a_buyer_validates_everything_in_their_basket_at_any_time() -> None:
    floor = Floor()
    floor.no("empty_basket", cm.ValidateBasket(), ANA)
    floor.sell(ANA, 5)
    floor.sell(BEN, 9)
    floor.sell(ANA, 7)
    event = floor.ok(cm.ValidateBasket(), ANA)[0]
    assert isinstance(event, ev.BasketValidated)
    assert (len(event.sale_ids), event.total_cents, event.payment_link) == (2, 12_00, "")
    assert [s.status for s in floor.state.sales.values()] == ["validated", "sold", "validated"]
    floor.no("empty_basket", cm.ValidateBasket(), ANA)
    floor.ok(cm.EndShow(), OWNER)
    floor.ok(cm.ValidateBasket(), BEN)


def test_with_a_payment_page_the_basket_carries_a_link() -> None:
    floor = Floor()
    floor.no("bad_payment_page", cm.EditShow(payment_page="javascript:alert(1)"), OWNER)
    floor.ok(cm.EditShow(payment_page="https://pay.example/?r={reference}&a={amount}"), OWNER)
    sale_id = floor.sell(ANA, 12)
    event = floor.ok(cm.ValidateBasket(), ANA)[0]
    assert isinstance(event, ev.BasketValidated)
    assert event.payment_link == f"https://pay.example/?r=show-1-{sale_id}&a=12.00"


@pytest.mark.parametrize("who", [ANA, OWNER, BEN], ids=lambda who: who.person)
def test_a_basket_and_its_link_are_told_to_who_comes_back(who: Who) -> None:
    """A buyer who loads the page again must still be able to pay."""
    floor = Floor()
    floor.ok(cm.EditShow(payment_page="https://pay.example/?r={reference}&a={amount}"), OWNER)
    first = floor.sell(ANA, 12)
    floor.ok(cm.ValidateBasket(), ANA)
    second, third = floor.sell(ANA, 7), floor.sell(ANA, 5)
    floor.ok(cm.ValidateBasket(), ANA)
    floor.ok(cm.MarkPayment(sale_id=third, outcome="paid"), OWNER)
    paid = floor.sell(BEN, 9)
    floor.ok(cm.ValidateBasket(), BEN)
    floor.ok(cm.MarkPayment(sale_id=paid, outcome="paid"), OWNER)
    told = [event for event in brief(floor.state, who) if isinstance(event, ev.BasketValidated)]
    link = "https://pay.example/?r=show-1-{}&a={}"
    baskets = [
        ("ana", (first,), 12_00, link.format(first, "12.00")),
        ("ana", (second,), 7_00, link.format(f"{second}-1", "7.00")),
    ]
    assert [(b.buyer, b.sale_ids, b.total_cents, b.payment_link) for b in told] == ([] if who is BEN else baskets)
    late = ShowState()
    for event in brief(floor.state, who):
        apply(late, event, floor.now)
    assert screen(late, who) == screen(floor.seen_by(who), who)


PAGE = "https://pay.example/?r={reference}&a={amount}"


def owed_baskets(state: ShowState, who: Who) -> list[ev.BasketValidated]:
    return [event for event in brief(state, who) if isinstance(event, ev.BasketValidated) and event.buyer == "ana"]


@pytest.mark.parametrize("how", ["voided", "paid", "failed"])
def test_a_link_asks_for_what_is_still_owed_and_for_nothing_else(how: str) -> None:
    floor = Floor()
    floor.ok(cm.EditShow(payment_page=PAGE), OWNER)
    first, second, third = (floor.sell(ANA, euros) for euros in (12, 30, 5))
    floor.ok(cm.ValidateBasket(), ANA)
    other = floor.sell(ANA, 8)
    floor.ok(cm.ValidateBasket(), ANA)
    links = {basket.payment_link for basket in owed_baskets(floor.state, ANA)}
    for gone, left, cents in ((second, (first, third), "17.00"), (third, (first,), "12.00")):
        if how == "voided":
            done = floor.ok(cm.VoidSale(sale_id=gone, reason="rendu"), OWNER)
        else:
            done = floor.ok(cm.MarkPayment(sale_id=gone, outcome=how), OWNER)  # type: ignore[arg-type]
        told = done[-1]
        assert isinstance(told, ev.BasketReduced)
        assert told.audience() == "buyer:ana"
        assert (told.buyer, told.sale_ids, f"{told.total_cents / 100:.2f}") == ("ana", left, cents)
        assert told.payment_link.endswith(f"&a={cents}")
        assert told.payment_link.partition("&")[0] not in {link.partition("&")[0] for link in links}, "a new reference"
        links.add(told.payment_link)
        for who in (ANA, OWNER):
            baskets = owed_baskets(floor.state, who)
            assert [basket.sale_ids for basket in baskets] == [left, (other,)]
            assert baskets[0].payment_link == told.payment_link
            late = ShowState()
            for event in brief(floor.state, who):
                apply(late, event, floor.now)
            assert screen(late, who) == screen(floor.seen_by(who), who)
    last = floor.ok(cm.VoidSale(sale_id=first, reason="rendu"), OWNER)
    assert [type(event) for event in last] == [ev.SaleVoided], "nothing of it is owed any more"
    assert [basket.sale_ids for basket in owed_baskets(floor.state, ANA)] == [(other,)]


def test_a_sale_that_was_not_validated_or_was_given_up_before_changes_no_link() -> None:
    floor = Floor()
    floor.ok(cm.EditShow(payment_page=PAGE), OWNER)
    first, second = floor.sell(ANA, 12), floor.sell(ANA, 30)
    floor.ok(cm.ValidateBasket(), ANA)
    late, bens = floor.sell(ANA, 5), floor.sell(BEN, 5)
    assert len(floor.ok(cm.VoidSale(sale_id=late, reason="rendu"), OWNER)) == 1
    assert len(floor.ok(cm.VoidSale(sale_id=bens, reason="rendu"), OWNER)) == 1
    fail(floor, second)
    assert [basket.total_cents for basket in owed_baskets(floor.state, ANA)] == [12_00]
    assert len(floor.ok(cm.VoidSale(sale_id=second, reason="rendu"), OWNER)) == 1, "it was owed no longer"
    assert [basket.sale_ids for basket in owed_baskets(floor.state, ANA)] == [(first,)]


def test_a_basket_of_an_older_log_is_put_right_as_well() -> None:
    """Logs written before BasketReduced keep what was paid in their baskets."""
    floor = Floor()
    floor.ok(cm.EditShow(payment_page=PAGE), OWNER)
    first, second, third = (floor.sell(ANA, euros) for euros in (12, 30, 5))
    floor.ok(cm.ValidateBasket(), ANA)
    apply(floor.state, ev.PaymentMarked(sale_id=first, buyer="ana", outcome="paid", by="vera"), floor.now)
    told = floor.ok(cm.VoidSale(sale_id=second, reason="rendu"), OWNER)[-1]
    assert isinstance(told, ev.BasketReduced)
    assert (told.sale_ids, told.total_cents) == ((third,), 5_00)


def test_the_seller_marks_a_sale_paid_once() -> None:
    floor = Floor()
    sale_id = floor.sell(ANA)
    floor.no("not_allowed", cm.MarkPayment(sale_id=sale_id, outcome="paid"), MODO)
    floor.ok(cm.MarkPayment(sale_id=sale_id, outcome="paid"), MARIE)
    floor.no("already_paid", cm.MarkPayment(sale_id=sale_id, outcome="failed"), OWNER)
    floor.no("unknown_sale", cm.MarkPayment(sale_id="S999", outcome="paid"), OWNER)


def test_a_failed_payment_may_still_be_made_good() -> None:
    floor = Floor()
    sale_id = floor.sell(ANA)
    fail(floor, sale_id)
    floor.no("already_failed", cm.MarkPayment(sale_id=sale_id, outcome="failed"), OWNER)
    floor.ok(cm.MarkPayment(sale_id=sale_id, outcome="paid"), OWNER)
    assert floor.state.sales[sale_id].status == "paid"


def test_the_runner_up_is_the_next_distinct_bidder_at_the_price_without_the_winner() -> None:
    floor = Floor()
    sale_id = contested(floor, (ANA, 20), (BEN, 50), (CLEO, 90))
    floor.no("not_failed", cm.OfferToRunnerUp(sale_id=sale_id), OWNER)
    fail(floor, sale_id)
    offer = offered(floor.ok(cm.OfferToRunnerUp(sale_id=sale_id), OWNER))
    assert (offer.buyer, offer.price_cents, offer.nth) == ("ben", 21_00, 1)
    assert offer.expires_at == floor.now + 120_000
    floor.no("offer_pending", cm.OfferToRunnerUp(sale_id=sale_id), OWNER)


def test_a_runner_up_is_asked_never_charged() -> None:
    floor = Floor()
    sale_id = contested(floor, (ANA, 20), (BEN, 50))
    fail(floor, sale_id)
    offer = offered(floor.ok(cm.OfferToRunnerUp(sale_id=sale_id), OWNER))
    assert [s.status for s in floor.state.sales.values()] == ["failed"]
    floor.no("unknown_offer", cm.AnswerRunnerUp(offer_id=offer.offer_id, accept=True), CLEO)
    made = floor.ok(cm.AnswerRunnerUp(offer_id=offer.offer_id, accept=True), ANA)[-1]
    assert isinstance(made, ev.SaleMade)
    assert (made.how, made.buyer, made.price_cents) == ("runner_up", "ana", 1_00)
    assert [s.status for s in floor.state.sales.values()] == ["voided", "sold"]
    known = floor.state.lots[offer.lot_id]
    assert (known.status, known.units_left, known.units_sold) == ("sold", 0, 1)
    floor.no("offer_closed", cm.AnswerRunnerUp(offer_id=offer.offer_id, accept=True), ANA)


def test_a_declined_offer_goes_to_the_next_for_one_minute_and_three_are_all() -> None:
    floor = Floor(ANA, BEN, CLEO, DAN, EVE)
    sale_id = contested(floor, (ANA, 10), (BEN, 20), (CLEO, 40), (DAN, 60), (EVE, 90))
    fail(floor, sale_id)
    first = offered(floor.ok(cm.OfferToRunnerUp(sale_id=sale_id), OWNER))
    assert (first.buyer, first.price_cents) == ("dan", 42_00)
    second = offered(floor.ok(cm.AnswerRunnerUp(offer_id=first.offer_id, accept=False), DAN))
    assert (second.buyer, second.price_cents, second.nth) == ("cleo", 21_00, 2)
    assert second.expires_at == floor.now + 60_000
    assert floor.tick(59_999) == ()
    third = offered(floor.tick(1))
    assert (third.buyer, third.price_cents, third.nth) == ("ben", 11_00, 3)
    lapsed = floor.tick(60_000)
    assert [type(event) for event in lapsed] == [ev.RunnerUpAnswered], "Ana would have been the fourth"
    floor.no("no_runner_up", cm.OfferToRunnerUp(sale_id=sale_id), OWNER)


def test_an_offer_cannot_be_accepted_once_it_has_expired() -> None:
    floor = Floor()
    sale_id = contested(floor, (ANA, 20), (BEN, 50))
    fail(floor, sale_id)
    offer = offered(floor.ok(cm.OfferToRunnerUp(sale_id=sale_id), OWNER))
    accept = cm.AnswerRunnerUp(offer_id=offer.offer_id, accept=True)
    floor.no("offer_closed", accept, ANA, offer.expires_at)
    floor.now = offer.expires_at - 1
    floor.ok(accept, ANA)


def test_a_runner_up_is_never_below_the_reserve() -> None:
    floor = Floor()
    sale_id = contested(floor, (ANA, 55), (BEN, 70), (CLEO, 90), reserve=60)
    fail(floor, sale_id)
    offer = offered(floor.ok(cm.OfferToRunnerUp(sale_id=sale_id), OWNER))
    assert (offer.buyer, offer.price_cents) == ("ben", 60_00)
    events = floor.ok(cm.AnswerRunnerUp(offer_id=offer.offer_id, accept=False), BEN)
    assert [type(event) for event in events] == [ev.RunnerUpAnswered], "Ana's 55 is below the reserve"


def test_the_reserve_of_an_offer_is_the_one_of_its_run() -> None:
    floor = Floor()
    sale_id = contested(floor, (ANA, 70), (BEN, 90), reserve=60)
    fail(floor, sale_id)
    assert floor.run_of(sale_id).reserve_cents == 60_00
    assert offered(floor.ok(cm.OfferToRunnerUp(sale_id=sale_id), OWNER)).price_cents == 60_00


def test_a_runner_up_who_fails_too_is_left_out_of_the_next_price() -> None:
    floor = Floor()
    sale_id = contested(floor, (ANA, 20), (BEN, 50), (CLEO, 90))
    fail(floor, sale_id)
    offer = offered(floor.ok(cm.OfferToRunnerUp(sale_id=sale_id), OWNER))
    made = floor.ok(cm.AnswerRunnerUp(offer_id=offer.offer_id, accept=True), BEN)[-1]
    assert isinstance(made, ev.SaleMade)
    fail(floor, made.sale_id)
    offer = offered(floor.ok(cm.OfferToRunnerUp(sale_id=made.sale_id), OWNER))
    assert (offer.buyer, offer.price_cents, offer.nth) == ("ana", 1_00, 2)


def test_the_blocked_are_not_asked() -> None:
    floor = Floor()
    sale_id = contested(floor, (ANA, 20), (BEN, 50), (CLEO, 90))
    fail(floor, sale_id)
    floor.ok(cm.Block(person="ben"), MODO)
    assert offered(floor.ok(cm.OfferToRunnerUp(sale_id=sale_id), OWNER)).buyer == "ana"


def test_stock_is_held_while_somebody_is_asked() -> None:
    floor = Floor()
    sale_id = contested(floor, (ANA, 20), (BEN, 50))
    lot_id = floor.state.sales[sale_id].lot_id
    fail(floor, sale_id)
    offer = offered(floor.ok(cm.OfferToRunnerUp(sale_id=sale_id), OWNER))
    floor.no("offer_pending", cm.ReRunLot(lot_id=lot_id), OWNER)
    floor.no("offer_pending", cm.VoidSale(sale_id=sale_id, reason="non"), OWNER)
    floor.no("offer_pending", cm.MarkPayment(sale_id=sale_id, outcome="paid"), OWNER)
    floor.ok(cm.AnswerRunnerUp(offer_id=offer.offer_id, accept=False), ANA)
    floor.ok(cm.ReRunLot(lot_id=lot_id), OWNER)
    assert floor.state.sales[sale_id].status == "voided"
    assert floor.state.queue == [lot_id]


def test_a_runner_up_takes_the_failed_unit_and_no_other() -> None:
    floor = Floor()
    lot_id = floor.lot(quantity=3)
    floor.pdd()
    floor.bid(ANA, 20, "max")
    floor.bid(BEN, 50, "max")
    end = floor.bell()[0]
    assert isinstance(end, ev.Hammered)
    fail(floor, end.sale_id)
    offer = offered(floor.ok(cm.OfferToRunnerUp(sale_id=end.sale_id), OWNER))
    floor.ok(cm.AnswerRunnerUp(offer_id=offer.offer_id, accept=True), ANA)
    known = floor.state.lots[lot_id]
    assert (known.units_left, known.units_sold, known.status) == (2, 1, "queued")


def test_that_a_payment_failed_is_not_told_to_everybody() -> None:
    floor = Floor()
    sale_id = contested(floor, (ANA, 20), (BEN, 50))
    fail(floor, sale_id)
    offer = offered(floor.ok(cm.OfferToRunnerUp(sale_id=sale_id), OWNER))
    floor.ok(cm.AnswerRunnerUp(offer_id=offer.offer_id, accept=True), ANA)
    assert floor.seen_by(CLEO).sales[sale_id].void_reason == ""
    assert "failed" not in {sale.status for sale in floor.seen_by(CLEO).sales.values()}


def test_only_the_unpaid_unit_of_a_lot_is_run_again() -> None:
    floor = Floor()
    lot_id = floor.lot(quantity=3)
    sales = [floor.sell(who) for who in (ANA, BEN, CLEO)]
    fail(floor, sales[1])
    floor.ok(cm.ReRunLot(lot_id=lot_id), OWNER)
    known = floor.state.lots[lot_id]
    assert (known.units_left, known.units_sold, known.units_total) == (1, 2, 3)
    assert floor.pdd().unit == 3
    floor.bid(DAN, 1)
    floor.bell()
    assert (known.status, known.units_left, known.units_sold) == ("sold", 0, 3)


def test_only_an_auction_has_a_runner_up() -> None:
    floor = Floor()
    lot_id = floor.lot(format="buy_it_now", opening=20)
    made = floor.ok(cm.BuyNow(lot_id=lot_id, price_cents=20_00), ANA)[0]
    assert isinstance(made, ev.SaleMade)
    fail(floor, made.sale_id)
    floor.no("not_an_auction", cm.OfferToRunnerUp(sale_id=made.sale_id), OWNER)


def test_after_the_show_an_offer_stands_for_a_day() -> None:
    floor = Floor()
    sale_id = contested(floor, (ANA, 20), (BEN, 50))
    floor.ok(cm.EndShow(), OWNER)
    fail(floor, sale_id)
    offer = offered(floor.ok(cm.OfferToRunnerUp(sale_id=sale_id), OWNER))
    assert offer.expires_at == floor.now + 24 * 3_600_000
    floor.ok(cm.AnswerRunnerUp(offer_id=offer.offer_id, accept=True), ANA)


def test_the_button_for_a_runner_up_is_right_on_a_console_that_knows_no_maxima() -> None:
    floor = Floor()
    alone = contested(floor, (ANA, 20))
    beaten = contested(floor, (ANA, 20), (BEN, 50))
    for sale_id in (alone, beaten):
        fail(floor, sale_id)
    console = Floor.watching(floor, MARIE)
    console.no("no_runner_up", cm.OfferToRunnerUp(sale_id=alone), OWNER)
    console.ok(cm.OfferToRunnerUp(sale_id=beaten), OWNER)


# --- spending limit -----------------------------------------------------------------------


def test_bids_beyond_the_evenings_limit_are_refused_kindly() -> None:
    floor = Floor()
    floor.ok(cm.SetSpendingLimit(limit_cents=50_00), ANA)
    floor.sell(ANA, 30)
    floor.pdd()
    refusal = floor.no_bid("limit", ANA, 21, "max")
    assert refusal.facts["limit_cents"] == 50_00
    floor.bid(ANA, 20, "max")
    floor.no_bid("limit", ANA, 21, "max")


def test_a_limit_counts_the_run_one_leads_and_open_offers() -> None:
    floor = Floor()
    shelf = floor.lot(format="buy_it_now", opening=30, quantity=2, offers_accepted=True)
    floor.ok(cm.SetSpendingLimit(limit_cents=50_00), ANA)
    floor.pdd()
    floor.bid(ANA, 25, "max")
    floor.no("limit", cm.BuyNow(lot_id=shelf, price_cents=30_00), ANA)
    floor.no("limit", cm.MakeOffer(lot_id=shelf, price_cents=26_00), ANA)
    floor.ok(cm.MakeOffer(lot_id=shelf, price_cents=25_00), ANA)
    floor.no_bid("limit", ANA, 26, "max")


def test_pre_bids_are_capped_at_what_is_left_of_the_limit() -> None:
    floor = Floor()
    floor.ok(cm.SetSpendingLimit(limit_cents=50_00), ANA)
    lots = [floor.lot(), floor.lot(opening=20)]
    floor.no("limit", cm.SetPreBid(lot_id=lots[0], max_cents=51_00), ANA)
    for lot_id in lots:
        floor.ok(cm.SetPreBid(lot_id=lot_id, max_cents=40_00), ANA)
    floor.pdd()
    floor.bid(BEN, 35, "max")
    floor.bell()
    assert floor.state.people["ana"].spent_cents == 37_00
    floor.pdd()
    assert floor.leader is None, "13 € are left and the lot opens at 20 €"


def test_a_limit_is_the_buyers_own_and_zero_takes_it_off() -> None:
    floor = Floor()
    floor.ok(cm.SetSpendingLimit(limit_cents=5_00), ANA)
    floor.pdd()
    floor.no_bid("limit", ANA, 6, "max")
    floor.bid(BEN, 6, "max")
    floor.ok(cm.SetSpendingLimit(limit_cents=0), ANA)
    floor.bid(ANA, 60, "max")
    floor.no("bad_price", cm.SetSpendingLimit(limit_cents=-1), ANA)


def open_offer(floor: Floor, lot_id: str, euros: int) -> str:
    made = floor.ok(cm.MakeOffer(lot_id=lot_id, price_cents=euros * 100), ANA)[0]
    assert isinstance(made, ev.OfferMade)
    return made.offer_id


@pytest.mark.parametrize("gone", ["sold_out", "removed"])
def test_an_offer_on_a_lot_that_is_gone_holds_no_money(gone: str) -> None:
    floor = Floor()
    shelf = floor.lot(format="buy_it_now", opening=45, offers_accepted=True)
    other = floor.lot(format="buy_it_now", opening=30)
    floor.ok(cm.SetSpendingLimit(limit_cents=50_00), ANA)
    offer_id = open_offer(floor, shelf, 40)
    floor.no("limit", cm.BuyNow(lot_id=other, price_cents=30_00), ANA)
    if gone == "removed":
        floor.ok(cm.RemoveLot(lot_id=shelf), OWNER)
    else:
        floor.ok(cm.BuyNow(lot_id=shelf, price_cents=45_00), BEN)
    floor.ok(cm.BuyNow(lot_id=other, price_cents=30_00), ANA)
    if gone == "removed":
        floor.ok(cm.RestoreLot(lot_id=shelf), OWNER)
        floor.no("offer_closed", cm.AnswerOffer(offer_id=offer_id, accept=True), OWNER)
        assert floor.state.people["ana"].spent_cents == 30_00, "the offer came back; the limit still holds"
        floor.ok(cm.SetSpendingLimit(limit_cents=70_00), ANA)
        floor.ok(cm.AnswerOffer(offer_id=offer_id, accept=True), OWNER)


def test_an_offer_within_the_limit_can_be_accepted_to_the_last_cent() -> None:
    floor = Floor()
    shelf = floor.lot(format="buy_it_now", opening=45, offers_accepted=True)
    floor.ok(cm.SetSpendingLimit(limit_cents=40_00), ANA)
    floor.ok(cm.AnswerOffer(offer_id=open_offer(floor, shelf, 40), accept=True), OWNER)
    assert floor.state.people["ana"].spent_cents == 40_00


def test_a_loser_who_spent_elsewhere_leads_a_new_epoch_only_as_far_as_their_limit() -> None:
    floor = Floor()
    shelf = floor.lot(format="buy_it_now", opening=40)
    floor.ok(cm.SetSpendingLimit(limit_cents=60_50), ANA)
    run = floor.pdd()
    floor.bid(CLEO, 30, "max")
    floor.bid(ANA, 50, "max")
    floor.bid(BEN, 90, "max")
    floor.ok(cm.BuyNow(lot_id=shelf, price_cents=40_00), ANA)
    told = floor.ok(cm.Block(person="ben"), MODO)
    assert (run.leader, floor.price) == ("cleo", 21), "20 € are left to Ana, whole units"
    assert [(e.bidder, e.max_cents, e.audience()) for e in told if isinstance(e, ev.MaxSet)] == [
        ("ana", 20_00, "person:ana")
    ]
    floor.bid(DAN, 40, "max")
    assert (floor.price, floor.leader) == (32, "dan")
    assert floor.replayed() == floor.state


def test_a_loser_with_nothing_left_is_out_of_a_new_epoch() -> None:
    floor = Floor()
    shelf = floor.lot(format="buy_it_now", opening=40)
    floor.ok(cm.SetSpendingLimit(limit_cents=50_00), ANA)
    run = floor.pdd()
    floor.bid(ANA, 50, "max")
    floor.bid(BEN, 90, "max")
    floor.ok(cm.BuyNow(lot_id=shelf, price_cents=40_00), ANA)
    floor.ok(cm.SetSpendingLimit(limit_cents=40_00), ANA)
    floor.ok(cm.Block(person="ben"), MODO)
    assert (run.leader, run.price_cents, run.asking_cents, run.maxima) == (None, 0, 1_00, {})
    hammered = floor.bell()[0]
    assert isinstance(hammered, ev.Hammered) and not hammered.sold
    assert floor.replayed() == floor.state


def test_a_capped_max_keeps_its_place_in_the_order() -> None:
    floor = Floor()
    shelf = floor.lot(format="buy_it_now", opening=40)
    floor.ok(cm.SetSpendingLimit(limit_cents=70_00), ANA)
    run = floor.pdd()
    floor.bid(ANA, 40, "max")
    floor.bid(BEN, 90, "max")
    floor.ok(cm.BuyNow(lot_id=shelf, price_cents=40_00), ANA)
    floor.ok(cm.Block(person="ben"), MODO)
    assert (run.leader, run.maxima["ana"].max_cents) == ("ana", 30_00)
    floor.bid(CLEO, 30, "max")
    assert (run.leader, floor.price) == ("ana", 30), "a tie goes to the earlier"
