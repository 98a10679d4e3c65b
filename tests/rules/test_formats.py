"""Buy it now, flash sales, giveaways with a published seed, offers, a show without lots."""

from __future__ import annotations

import hashlib

import pytest

from seller_console.contract import commands as cm
from seller_console.contract import events as ev
from seller_console.contract.words import LotChanges
from seller_console.sale.formats import drawn_index
from seller_console.sale.state import ShowState

from .floor import ANA, BEN, CLEO, DAN, MARIE, MODO, OWNER, SEED, Floor


def shelf(floor: Floor, euros: int = 20, **fields: object) -> str:
    return floor.lot("Booster", format="buy_it_now", opening=euros, **fields)


def buy(lot_id: str, euros: int = 20, quantity: int = 1) -> cm.BuyNow:
    return cm.BuyNow(lot_id=lot_id, price_cents=euros * 100, quantity=quantity)


def test_the_first_to_confirm_gets_it_and_stock_never_goes_below_zero() -> None:
    floor = Floor()
    lot_id = shelf(floor, quantity=2)
    floor.ok(buy(lot_id), ANA)
    floor.no("not_enough", buy(lot_id, quantity=2), BEN)
    floor.ok(buy(lot_id), BEN)
    floor.no("sold_out", buy(lot_id), CLEO)
    known = floor.state.lots[lot_id]
    assert (known.status, known.units_left, known.units_sold) == ("sold", 0, 2)


@pytest.mark.parametrize("quantity", [0, -1, 10_001])
def test_an_impossible_quantity_buys_nothing(quantity: int) -> None:
    floor = Floor()
    floor.no("bad_quantity", buy(shelf(floor, quantity=3), quantity=quantity), ANA)


def test_a_purchase_may_run_beside_the_auction() -> None:
    floor = Floor()
    lot_id = shelf(floor)
    run = floor.pdd()
    made = floor.ok(buy(lot_id), BEN)[0]
    assert isinstance(made, ev.SaleMade) and made.how == "buy_it_now"
    assert floor.state.run is run
    floor.bid(ANA, 1)
    floor.bell()
    assert [sale.bag_number for sale in floor.state.sales.values()] == [1, 2]


def test_a_price_that_changed_since_it_was_seen_is_refused() -> None:
    floor = Floor()
    lot_id = shelf(floor)
    assert floor.no("price_changed", buy(lot_id, 19), ANA).facts["price_cents"] == 20_00


def test_only_a_shelf_lot_of_a_live_show_can_be_bought() -> None:
    floor = Floor(live=False)
    lot_id = shelf(floor)
    floor.no("not_live", buy(lot_id), ANA)
    floor.ok(cm.GoLive(), OWNER)
    floor.no("not_buy_it_now", buy(floor.lot()), ANA)
    floor.no("unknown_lot", buy("L999"), ANA)
    floor.no("not_allowed", buy(lot_id), OWNER)
    floor.ok(cm.Block(person="ben"), MODO)
    floor.no("blocked", buy(lot_id), BEN)
    floor.ok(cm.RemoveLot(lot_id=lot_id), OWNER)
    floor.no("lot_removed", buy(lot_id), ANA)


def test_a_voided_purchase_goes_back_on_the_shelf() -> None:
    floor = Floor()
    lot_id = shelf(floor, quantity=3)
    made = floor.ok(buy(lot_id, quantity=3), ANA)[0]
    assert isinstance(made, ev.SaleMade)
    assert floor.state.people["ana"].spent_cents == 60_00
    floor.ok(cm.VoidSale(sale_id=made.sale_id, reason="erreur"), OWNER)
    known = floor.state.lots[lot_id]
    assert (known.status, known.units_left, known.units_sold) == ("queued", 3, 0)


# --- flash ------------------------------------------------------------------------------


def flash(lot_id: str, euros: int = 12, seconds: int = 30, per_buyer: int = 1) -> cm.StartFlash:
    return cm.StartFlash(lot_id=lot_id, price_cents=euros * 100, seconds=seconds, per_buyer=per_buyer)


def test_a_flash_sale_cuts_the_price_until_its_clock_ends() -> None:
    floor = Floor()
    lot_id = shelf(floor, quantity=9)
    floor.ok(flash(lot_id), OWNER)
    ends_at = floor.state.lots[lot_id].flash_ends_at
    assert ends_at == floor.now + 30_000
    floor.no("price_changed", buy(lot_id, 20), ANA)
    made = floor.ok(buy(lot_id, 12), ANA, ends_at - 1)[0]
    assert isinstance(made, ev.SaleMade) and made.how == "flash"
    floor.no("price_changed", buy(lot_id, 12), BEN, ends_at)
    floor.ok(buy(lot_id, 20), BEN)
    assert [type(event) for event in floor.tick()] == [ev.FlashEnded]
    assert floor.tick() == ()


def test_a_flash_sale_lasts_thirty_seconds_at_least_and_is_a_cut() -> None:
    floor = Floor()
    lot_id = shelf(floor)
    floor.no("bad_duration", flash(lot_id, seconds=29), OWNER)
    floor.no("flash_price", flash(lot_id, 20), OWNER)
    floor.no("bad_price", flash(lot_id, 0), OWNER)
    floor.no("bad_quantity", flash(lot_id, per_buyer=0), OWNER)
    floor.no("not_buy_it_now", flash(floor.lot(opening=30)), OWNER)
    floor.ok(flash(lot_id), MARIE)
    floor.no("flash_on", flash(lot_id, 10), OWNER)


def test_a_flash_sale_has_a_limit_per_buyer() -> None:
    floor = Floor()
    lot_id = shelf(floor, quantity=9)
    floor.ok(flash(lot_id, per_buyer=2), OWNER)
    floor.no("per_buyer", buy(lot_id, 12, 3), ANA)
    floor.ok(buy(lot_id, 12), ANA)
    floor.ok(buy(lot_id, 12), ANA)
    floor.no("per_buyer", buy(lot_id, 12), ANA)
    floor.ok(buy(lot_id, 12, 2), BEN)
    floor.tick(30_000)
    floor.ok(flash(lot_id, 11), OWNER)
    floor.ok(buy(lot_id, 11), ANA)


@pytest.mark.parametrize(("cents", "ends"), [(12_01, False), (12_00, True), (8_00, True)])
def test_a_flash_sale_is_never_dearer_than_the_price(cents: int, ends: bool) -> None:
    floor = Floor()
    lot_id = shelf(floor)
    floor.ok(flash(lot_id, 12), OWNER)
    changes = LotChanges(opening_cents=cents)
    told = floor.ok(cm.EditLot(lot_id=lot_id, seen_version=1, changes=changes), OWNER)
    assert (ev.FlashEnded in [type(event) for event in told]) is ends
    price = cents if ends else 12_00
    made = floor.ok(cm.BuyNow(lot_id=lot_id, price_cents=price), ANA)[0]
    assert isinstance(made, ev.SaleMade) and (made.how == "flash") is not ends
    assert floor.tick(60_000) == () if ends else True


def test_a_lot_that_leaves_the_shelf_ends_its_flash_sale() -> None:
    floor = Floor()
    lot_id = shelf(floor)
    floor.ok(flash(lot_id, 12), OWNER)
    told = floor.ok(cm.EditLot(lot_id=lot_id, seen_version=1, changes=LotChanges(format="auction")), OWNER)
    assert isinstance(told[-1], ev.FlashEnded)
    assert floor.state.lots[lot_id].flash_ends_at == 0


# --- giveaway -----------------------------------------------------------------------------


def gift(floor: Floor, **fields: object) -> tuple[str, str]:
    lot_id = floor.lot("Cadeau", format="giveaway")
    opened = floor.ok(cm.StartGiveaway(lot_id=lot_id, seed=SEED, **fields), OWNER)[0]  # type: ignore[arg-type]
    assert isinstance(opened, ev.GiveawayOpened)
    return lot_id, opened.giveaway_id


def enter(floor: Floor, giveaway_id: str, *whos: object) -> None:
    for who in whos:
        floor.ok(cm.EnterGiveaway(giveaway_id=giveaway_id), who)  # type: ignore[arg-type]


def test_the_hash_of_the_seed_is_shown_first_and_the_seed_after() -> None:
    floor = Floor()
    lot_id, giveaway_id = gift(floor)
    for reader in (ANA, OWNER):
        seen = floor.seen_by(reader).giveaways[giveaway_id]
        assert (seen.seed, seen.seed_hash) == ("", hashlib.sha256(SEED.encode()).hexdigest())
    enter(floor, giveaway_id, ANA, BEN)
    floor.ok(cm.DrawGiveaway(giveaway_id=giveaway_id, present=("ana", "ben")), OWNER)
    seen = floor.seen_by(ANA).giveaways[giveaway_id]
    assert hashlib.sha256(seen.seed.encode()).hexdigest() == seen.seed_hash
    assert seen.winner in ("ana", "ben")
    assert floor.state.lots[lot_id].status == "sold"


def test_anybody_can_work_out_the_winner_from_what_is_published() -> None:
    floor = Floor()
    _, giveaway_id = gift(floor)
    enter(floor, giveaway_id, CLEO, ANA, BEN)
    drawn = floor.ok(cm.DrawGiveaway(giveaway_id=giveaway_id, present=("cleo", "ben", "ana")), OWNER)[0]
    assert isinstance(drawn, ev.GiveawayDrawn)
    assert drawn.entrants == ("ana", "ben", "cleo")
    text = "\n".join([drawn.seed, *drawn.entrants, "0"])
    number = int(hashlib.sha256(text.encode()).hexdigest(), 16)
    assert number < 2**256 - 2**256 % 3
    assert drawn.winner == drawn.entrants[number % 3]


def test_a_draw_favours_nobody() -> None:
    entrants = ("a", "b", "c", "d", "e")
    wins = [0] * 5
    for seed in range(5_000):
        wins[drawn_index(f"{seed:064x}", entrants)] += 1
    assert all(850 < won < 1150 for won in wins), wins


def test_an_entrant_must_be_present_and_not_blocked() -> None:
    floor = Floor()
    lot_id, giveaway_id = gift(floor)
    enter(floor, giveaway_id, ANA, BEN, CLEO)
    floor.ok(cm.Block(person="cleo"), MODO)
    drawn, made = floor.ok(cm.DrawGiveaway(giveaway_id=giveaway_id, present=("ben", "cleo", "dan")), OWNER)
    assert isinstance(drawn, ev.GiveawayDrawn) and isinstance(made, ev.SaleMade)
    assert (drawn.entrants, drawn.winner) == (("ben",), "ben")
    assert (made.how, made.price_cents, made.buyer, made.bag_number) == ("giveaway", 0, "ben", 1)
    assert lot_id not in floor.state.queue


def test_with_nobody_present_the_gift_goes_back_to_the_queue() -> None:
    floor = Floor()
    lot_id, giveaway_id = gift(floor)
    enter(floor, giveaway_id, ANA)
    drawn = floor.tick(300_000, present=("ben",))[0]
    assert isinstance(drawn, ev.GiveawayDrawn) and drawn.winner is None
    assert floor.state.queue == [lot_id]
    assert floor.state.sales == {}


def test_a_giveaway_lasts_five_minutes_or_is_drawn_early_once() -> None:
    floor = Floor()
    _, giveaway_id = gift(floor)
    enter(floor, giveaway_id, ANA)
    assert floor.tick(299_999, present=("ana",)) == ()
    floor.ok(cm.EnterGiveaway(giveaway_id=giveaway_id), BEN)
    floor.wait(1)
    floor.no("late", cm.EnterGiveaway(giveaway_id=giveaway_id), DAN)
    assert isinstance(floor.tick(present=("ana",))[0], ev.GiveawayDrawn)
    floor.no("unknown_giveaway", cm.DrawGiveaway(giveaway_id=giveaway_id, present=("ana",)), OWNER)
    assert floor.tick(present=("ana",)) == ()


def test_one_giveaway_at_a_time_beside_the_auction() -> None:
    floor = Floor()
    floor.pdd()
    _, giveaway_id = gift(floor)
    other = floor.lot(format="giveaway")
    floor.no("giveaway_on", cm.StartGiveaway(lot_id=other, seed=SEED), OWNER)
    enter(floor, giveaway_id, ANA)
    floor.bid(BEN, 1)
    floor.bell()
    assert floor.state.current_giveaway == giveaway_id


def test_everyone_is_equal_unless_it_is_for_followers() -> None:
    floor = Floor()
    _, giveaway_id = gift(floor, followers_only=True)
    floor.no("followers_only", cm.EnterGiveaway(giveaway_id=giveaway_id), ANA)
    floor.ok(cm.Follow(), ANA)
    enter(floor, giveaway_id, ANA)
    floor.no("already_entered", cm.EnterGiveaway(giveaway_id=giveaway_id), ANA)
    floor.no("not_allowed", cm.EnterGiveaway(giveaway_id=giveaway_id), OWNER)


def test_a_gift_in_play_is_frozen_and_only_a_gift_can_be_given() -> None:
    floor = Floor()
    lot_id, _ = gift(floor)
    floor.no("on_block", cm.RemoveLot(lot_id=lot_id), OWNER)
    floor = Floor()
    floor.no("not_a_giveaway", cm.StartGiveaway(lot_id=floor.lot(), seed=SEED), OWNER)
    floor.no("bad_duration", cm.StartGiveaway(lot_id=floor.lot(format="giveaway"), seconds=9, seed=SEED), OWNER)


def test_ending_the_show_draws_the_gift_among_those_present() -> None:
    floor = Floor()
    _, giveaway_id = gift(floor)
    enter(floor, giveaway_id, ANA, BEN, CLEO)
    floor.ok(cm.EndShow(present=("ben", "dan")), OWNER)
    giveaway = floor.state.giveaways[giveaway_id]
    assert (giveaway.winner, [sale.buyer for sale in floor.state.sales.values()]) == ("ben", ["ben"])


def test_ending_the_show_with_no_entrant_present_gives_nothing() -> None:
    floor = Floor()
    _, giveaway_id = gift(floor)
    enter(floor, giveaway_id, ANA)
    floor.ok(cm.EndShow(), OWNER)
    giveaway = floor.state.giveaways[giveaway_id]
    assert (giveaway.drawn, giveaway.winner, floor.state.sales) == (True, None, {})


# --- offers ---------------------------------------------------------------------------------


def test_an_offer_is_below_the_price_and_accepted_or_not() -> None:
    floor = Floor()
    lot_id = shelf(floor, quantity=2, offers_accepted=True)
    floor.no("offer_not_below", cm.MakeOffer(lot_id=lot_id, price_cents=20_00), ANA)
    floor.no("bad_price", cm.MakeOffer(lot_id=lot_id, price_cents=0), ANA)
    made = floor.ok(cm.MakeOffer(lot_id=lot_id, price_cents=15_00), ANA)[0]
    assert isinstance(made, ev.OfferMade) and made.audience() == "buyer:ana"
    floor.no("offer_open", cm.MakeOffer(lot_id=lot_id, price_cents=16_00), ANA)
    floor.ok(cm.AnswerOffer(offer_id=made.offer_id, accept=False), OWNER)
    floor.no("offer_closed", cm.AnswerOffer(offer_id=made.offer_id, accept=True), OWNER)
    made = floor.ok(cm.MakeOffer(lot_id=lot_id, price_cents=17_00), ANA)[0]
    assert isinstance(made, ev.OfferMade)
    sold = floor.ok(cm.AnswerOffer(offer_id=made.offer_id, accept=True), MARIE)[1]
    assert isinstance(sold, ev.SaleMade)
    assert (sold.how, sold.price_cents, sold.buyer) == ("offer", 17_00, "ana")
    assert floor.state.lots[lot_id].units_left == 1


def test_an_offer_needs_a_lot_that_takes_offers_and_stock_to_be_accepted() -> None:
    floor = Floor()
    floor.no("no_offers", cm.MakeOffer(lot_id=shelf(floor), price_cents=5_00), ANA)
    lot_id = shelf(floor, offers_accepted=True)
    made = floor.ok(cm.MakeOffer(lot_id=lot_id, price_cents=15_00), ANA)[0]
    assert isinstance(made, ev.OfferMade)
    floor.ok(buy(lot_id), BEN)
    floor.no("sold_out", cm.AnswerOffer(offer_id=made.offer_id, accept=True), OWNER)
    floor.ok(cm.AnswerOffer(offer_id=made.offer_id, accept=False), OWNER)


def test_a_lot_for_followers_is_for_followers() -> None:
    floor = Floor()
    card = floor.lot(followers_only=True)
    kept = shelf(floor, followers_only=True, offers_accepted=True, quantity=2)
    tries = (
        cm.SetPreBid(lot_id=card, max_cents=5_00),
        cm.BuyNow(lot_id=kept, price_cents=20_00),
        cm.MakeOffer(lot_id=kept, price_cents=9_00),
    )
    for command in tries:
        floor.no("followers_only", command, ANA)
    floor.ok(cm.Follow(), ANA)
    for command in tries:
        floor.ok(command, ANA)
    floor.pdd(card)
    floor.no_bid("followers_only", BEN, 9)
    floor.bid(ANA, 9, "max")


# --- a show without lots ----------------------------------------------------------------------


def test_a_show_without_lots_is_just_talking() -> None:
    floor = Floor()
    said = floor.ok(cm.Say(text="Bonsoir !"), ANA)[0]
    assert isinstance(said, ev.LineSaid)
    floor.ok(cm.PinLine(line_id=said.line_id), MODO)
    floor.ok(cm.Follow(), ANA)
    floor.ok(cm.EndShow(), OWNER)
    assert (floor.state.status, floor.state.lots) == ("ended", {})


def test_nothing_happens_before_the_show_is_opened() -> None:
    floor = Floor()
    floor.state = ShowState()
    floor.no("not_open", cm.GoLive(), OWNER)


def test_a_show_is_opened_once_goes_live_once_and_ends_once() -> None:
    floor = Floor(live=False)
    floor.no("already_open", cm.OpenShow(show_id="x", title="x"), OWNER)
    floor.ok(cm.GoLive(rehearsal=True), OWNER)
    assert floor.state.rehearsal
    floor.no("already_live", cm.GoLive(), OWNER)
    floor.no("not_allowed", cm.EndShow(), MARIE)
    floor.ok(cm.EndShow(reason="fini"), OWNER)
    floor.no("show_ended", cm.EndShow(), OWNER)
