"""Who may see what: secrets stay in their audience, and every fold agrees on what is public."""

from __future__ import annotations

import typing

import pytest

from seller_console.contract import commands as cm
from seller_console.contract import events as ev
from seller_console.contract.codec import decode_event, encode
from seller_console.contract.words import LotBackstage, Who
from seller_console.sale.audience import may_see
from seller_console.sale.brief import brief
from seller_console.sale.fold import _FOLDS, apply
from seller_console.sale.state import ShowState

from .floor import ANA, BEN, CLEO, MARIE, MODO, OWNER, PLATFORM, SEED, Floor
from .screens import differences, public, screen

READERS = (OWNER, MARIE, MODO, ANA, BEN, CLEO)


@pytest.mark.parametrize(
    ("audience", "seen_by"),
    [
        ("everyone", {"vera", "marie", "modo", "ana", "ben"}),
        ("staff", {"vera", "marie", "modo"}),
        ("backstage", {"vera", "marie"}),
        ("buyer:ana", {"vera", "marie", "ana"}),
        ("person:ana", {"ana"}),
        ("person:vera", {"vera"}),
        ("salon:s1", set()),
        ("platform", set()),
        ("", set()),
        ("buyer:", {"vera", "marie"}),
        ("tout le monde", set()),
    ],
)
def test_an_audience_is_read_in_one_way(audience: str, seen_by: set[str]) -> None:
    assert {who.person for who in (OWNER, MARIE, MODO, ANA, BEN) if may_see(audience, who)} == seen_by


def test_a_salon_sees_its_own_events() -> None:
    assert may_see("salon:s1", ANA, {"s1"})
    assert not may_see("salon:s2", ANA, {"s1"})


def test_every_event_of_the_contract_is_folded() -> None:
    assert set(typing.get_args(ev.Event)) == set(_FOLDS)


def busy_floor() -> Floor:
    """A show in which a bit of everything has happened."""
    floor = Floor()
    floor.lot("Secret", reserve=77, backstage=LotBackstage(reserve_cents=77_00, cost_cents=12_34, sku="SKU-SECRET"))
    pre_bid = floor.lot("Convoité", quantity=2)
    floor.ok(cm.SetPreBid(lot_id=pre_bid, max_cents=37_00), ANA)
    floor.ok(cm.SetPreBid(lot_id=pre_bid, max_cents=44_00), BEN)
    shelf = floor.lot("Rayon", format="buy_it_now", opening=20, quantity=3, offers_accepted=True)
    gift = floor.lot("Cadeau", format="giveaway")
    floor.pdd()
    floor.bid(ANA, 20, "max")
    floor.bid(BEN, 60, "max")
    floor.bell()
    floor.pdd(pre_bid)
    floor.bid(CLEO, 50, "exact")
    floor.bell()
    floor.ok(cm.BuyNow(lot_id=shelf, price_cents=20_00), ANA)
    floor.ok(cm.StartFlash(lot_id=shelf, price_cents=15_00, seconds=60), OWNER)
    floor.ok(cm.MakeOffer(lot_id=shelf, price_cents=11_00), BEN)
    floor.ok(cm.ValidateBasket(), ANA)
    sale = next(s for s in floor.state.sales.values() if s.buyer == "cleo")
    floor.ok(cm.MarkPayment(sale_id=sale.sale_id, outcome="failed"), OWNER)
    floor.ok(cm.OfferToRunnerUp(sale_id=sale.sale_id), OWNER)
    floor.ok(cm.StartGiveaway(lot_id=gift, seed=SEED), OWNER)
    giveaway = floor.state.current_giveaway or ""
    for who in (ANA, CLEO):
        floor.ok(cm.EnterGiveaway(giveaway_id=giveaway), who)
    floor.ok(cm.SetMutedWords(words=("zut",)), MODO)
    floor.ok(cm.Say(text="zut alors"), ANA)
    floor.ok(cm.Say(text="bonsoir"), BEN)
    floor.ok(cm.Whisper(text="chut"), MARIE)
    floor.ok(cm.NoteBuyer(buyer="ana", note="privé"), OWNER)
    floor.ok(cm.SetSpendingLimit(limit_cents=543_21), CLEO)
    floor.ok(cm.Announce(text="Bientôt la fin"), OWNER)
    floor.pdd(pre_bid)
    floor.bid(CLEO, 70, "max")
    floor.bid(ANA, 52, "max")
    return floor


@pytest.mark.parametrize("who", READERS, ids=lambda who: who.person)
def test_a_fold_of_the_rows_one_reader_may_see_has_the_public_picture(who: Who) -> None:
    floor = busy_floor()
    assert public(floor.seen_by(who)) == public(floor.state)


@pytest.mark.parametrize("who", READERS, ids=lambda who: who.person)
def test_a_brief_folds_to_the_same_screen(who: Who) -> None:
    floor = busy_floor()
    late = ShowState()
    for event in brief(floor.state, who):
        assert may_see(event.audience(), who), event
        assert decode_event(encode(event)) == event
        apply(late, event, floor.now)
    assert screen(late, who) == screen(floor.seen_by(who), who)


def test_a_brief_keeps_the_order_of_a_queue_that_was_moved_about() -> None:
    floor = Floor()
    lots = [floor.lot(f"Lot {n}", quantity=3) for n in range(5)]
    for lot_id in (lots[1], lots[3], lots[0], lots[1]):
        floor.sell(ANA, 5, lot_id)
    floor.pdd(lots[4])
    floor.bell()
    run = floor.pdd(lots[2])
    floor.ok(cm.WithdrawRun(run_id=run.run_id), OWNER)
    for lot_id, after in ((lots[1], lots[3]), (lots[0], lots[4]), (lots[2], "")):
        floor.say(cm.MoveLot(lot_id=lot_id, after=after), MARIE)
    late = ShowState()
    for event in brief(floor.state, BEN):
        apply(late, event, floor.now)
    assert late.queue == floor.state.queue
    assert not differences(screen(late, BEN), screen(floor.seen_by(BEN), BEN))


@pytest.mark.parametrize("who", READERS, ids=lambda who: who.person)
def test_a_brief_goes_on_by_the_feed(who: Who) -> None:
    """What happens next lands on a brief as it does on a whole fold."""
    floor = busy_floor()
    late = ShowState()
    for event in brief(floor.state, who):
        apply(late, event, floor.now)
    seen = floor.seen_by(who)
    start = len(floor.log)
    floor.bid(BEN, 90, "exact")
    floor.bell()
    giveaway = floor.state.current_giveaway or ""
    floor.ok(cm.DrawGiveaway(giveaway_id=giveaway, present=("ana", "cleo")), OWNER)
    floor.ok(cm.Say(text="gg"), CLEO)
    floor.tick(200_000)
    floor.ok(cm.EndShow(), OWNER)
    for at, raw in floor.log[start:]:
        event = decode_event(raw)
        if may_see(event.audience(), who):
            apply(late, event, at)
            apply(seen, event, at)
    assert screen(late, who) == screen(seen, who)


def test_no_secret_travels_to_a_reader_it_is_not_for() -> None:
    floor = busy_floor()
    secrets = {
        "7700": {"vera", "marie"},  # the reserve
        "1234": {"vera", "marie"},  # the cost
        "SKU-SECRET": {"vera", "marie"},
        "chut": {"vera", "marie"},
        "privé": {"vera", "marie"},
        "zut alors": {"ana"},
        "3700": {"ana"},  # a pre-bid
        "54321": {"cleo"},  # a spending limit
        "basket_validated": {"vera", "marie", "ana"},
        "payment_marked": {"vera", "marie", "cleo"},
        "runner_up_offered": {"vera", "marie", "ben"},
        "offer_made": {"vera", "marie", "ben"},
        SEED: set(),
        '"zut"': {"vera", "marie", "modo"},
    }
    for who in READERS:
        told = b"".join(raw for _, raw in floor.log if may_see(decode_event(raw).audience(), who)).decode()
        late = b"".join(encode(event) for event in brief(floor.state, who)).decode()
        for secret, known_to in secrets.items():
            assert (secret in told) == (who.person in known_to), (secret, who.person)
            assert secret not in late or who.person in known_to, (secret, who.person, "brief")


def test_nobody_but_its_owner_ever_sees_a_maximum() -> None:
    floor = busy_floor()
    for who in READERS:
        for run in floor.seen_by(who).runs.values():
            assert set(run.maxima) <= {who.person}


def test_staff_see_how_many_pre_bids_and_never_how_much() -> None:
    floor = Floor()
    lot_id = floor.lot()
    floor.ok(cm.SetPreBid(lot_id=lot_id, max_cents=20_00), ANA)
    floor.ok(cm.SetPreBid(lot_id=lot_id, max_cents=25_00), ANA)
    floor.ok(cm.SetPreBid(lot_id=lot_id, max_cents=30_00), BEN)
    for who in (OWNER, MODO):
        known = floor.seen_by(who).lots[lot_id]
        assert (known.pre_bid_count, known.pre_bids) == (2, {})
    assert floor.seen_by(ANA).lots[lot_id].pre_bids == {"ana": 25_00}
    assert floor.seen_by(CLEO).lots[lot_id].pre_bid_count == 0


def test_a_fold_of_any_rows_at_all_does_not_crash() -> None:
    """Rows lost, repeated or out of order: a screen may be wrong, never dead."""
    rows = busy_floor().log
    for step in (2, 3, 5, 7):
        for start in range(step):
            state = ShowState()
            for at, raw in (*rows[start::step], *reversed(rows[start::step])):
                apply(state, decode_event(raw), at)


def test_a_console_enables_its_buttons_from_what_it_may_see() -> None:
    """The rules, run dry on a console's fold, answer as the platform's do."""
    floor = busy_floor()
    run = floor.run
    for who in (OWNER, MARIE):
        console = Floor.watching(floor, who)
        lot_ids = list(floor.state.lots)
        tries: list[cm.Command] = [
            cm.StartAuction(),
            cm.WithdrawRun(run_id=run.run_id),
            cm.VoidRun(run_id=run.run_id, reason="x"),
            cm.EndShow() if who is OWNER else cm.Whisper(text="x"),
            *(cm.RemoveLot(lot_id=x) for x in lot_ids),
            *(cm.ReRunLot(lot_id=x) for x in lot_ids),
            *(cm.VoidSale(sale_id=x, reason="x") for x in floor.state.sales),
            *(cm.MarkPayment(sale_id=x, outcome="paid") for x in floor.state.sales),
            *(cm.OfferToRunnerUp(sale_id=x) for x in floor.state.sales),
            *(cm.AnswerOffer(offer_id=x, accept=True) for x in floor.state.offers),
        ]
        for command in tries:
            here = type(Floor.watching(floor, who).say(command, who))
            there = type(_copy(floor).say(command, who))
            assert here is there, command
        assert console.state.run is not None


def _copy(floor: Floor) -> Floor:
    twin = Floor.watching(floor, OWNER)
    twin.state = floor.replayed()
    return twin


def test_the_bell_needs_the_platforms_own_fold() -> None:
    floor = busy_floor()
    end = floor.ok(cm.RingBell(run_id=floor.run.run_id), PLATFORM, floor.run.ends_at)[0]
    assert isinstance(end, ev.Hammered) and end.sold


def test_how_many_pre_bids_waited_is_told_to_the_staff_only() -> None:
    floor = Floor()
    lot_id = floor.lot()
    for who, euros in ((ANA, 20), (BEN, 30), (CLEO, 25)):
        floor.ok(cm.SetPreBid(lot_id=lot_id, max_cents=euros * 100), who)
    opened = floor.ok(cm.StartAuction(), OWNER)[0]
    assert isinstance(opened, ev.RunOpened) and opened.pre_bids == 0
    assert b"pre_bids" not in encode(opened)
    for ended in (False, True):
        for who, known in ((OWNER, 3), (MODO, 3), (ANA, 0), (BEN, 0)):
            late = ShowState()
            for event in brief(floor.state, who):
                apply(late, event, floor.now)
            assert [run.pre_bids for run in floor.seen_by(who).runs.values()] == [known]
            assert [run.pre_bids for run in late.runs.values()] == [known], (who.person, ended)
            assert late.lots[lot_id].pre_bid_count == floor.seen_by(who).lots[lot_id].pre_bid_count
        if not ended:
            floor.bell()


def test_what_the_show_costs_and_where_it_is_paid_stay_backstage() -> None:
    floor = Floor()
    told = floor.ok(cm.EditShow(title="Suite", fee_bps=850, payment_page="https://pay.example/?a={amount}"), OWNER)
    assert [event.audience() for event in told] == ["backstage", "everyone"]
    for event in told:
        raw = encode(event)
        assert (b"850" in raw or b"pay.example" in raw) == (event.audience() == "backstage")
    assert [type(event) for event in floor.ok(cm.EditShow(fee_bps=900), MARIE)] == [ev.ShowBackstageSet]
    assert floor.ok(cm.EditShow(), MARIE) == ()
    floor.ok(cm.EditShow(fee_bps=0), MARIE)
    for who, page in ((OWNER, "https://pay.example/?a={amount}"), (MODO, ""), (ANA, "")):
        late = ShowState()
        for event in brief(floor.state, who):
            assert may_see(event.audience(), who)
            apply(late, event, floor.now)
        for seen in (late, floor.seen_by(who)):
            assert (seen.title, seen.fee_bps, seen.payment_page) == ("Suite", 0, page)


def test_a_muted_line_that_is_deleted_or_answered_betrays_nothing() -> None:
    floor = Floor()
    floor.ok(cm.SetMutedWords(words=("zut",)), MODO)
    floor.ok(cm.Say(text="zut"), ANA)
    muted = floor.state.lines[-1].line_id
    answered = floor.ok(cm.Say(text="oups", reply_to=muted), ANA)[0]
    assert isinstance(answered, ev.LineSaid) and answered.reply_to == ""
    floor.ok(cm.DeleteLine(line_id=muted), ANA)
    for who in (BEN, MODO, OWNER):
        told = b"".join(raw for _, raw in floor.log if may_see(decode_event(raw).audience(), who))
        assert f'"{muted}"'.encode() not in told, who.person
    for told_ana in (floor.seen_by(ANA), _late(floor, ANA)):
        assert [(ln.line_id, ln.text, ln.deleted) for ln in told_ana.lines] == [
            (muted, "", True),
            (answered.line_id, "oups", False),
        ]
    floor.ok(cm.DeleteLine(line_id=answered.line_id), MODO)
    assert floor.seen_by(BEN).lines[-1].deleted


def _late(floor: Floor, who: Who) -> ShowState:
    late = ShowState()
    for event in brief(floor.state, who):
        assert may_see(event.audience(), who)
        apply(late, event, floor.now)
    return late
