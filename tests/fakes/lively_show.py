"""A show in which everything happens: seeded commands of every kind, said on a sale floor.

Most are refused, as in life; what is accepted fills the log. For tests that compare folds.
"""

from __future__ import annotations

from random import Random

from seller_console.contract import commands as cm
from seller_console.contract.words import LotBackstage, LotChanges, LotDraft, Preset, Who
from tests.rules.floor import ANA, BEN, CLEO, DAN, MARIE, MODO, OWNER, PLATFORM, SEED, Floor

BUYERS = (ANA, BEN, CLEO, DAN)
TITLES = ("Carte holo", "Foulard soie", "Baskets 42", "Lessive 5 L", "Peluche", "Montre")
LINES = ("bonsoir", "c'est combien ?", "tu peux montrer le dos ?", "super zut", "merci !")


class LivelyShow:
    def __init__(self, seed: int) -> None:
        self.dice = Random(seed)
        preset = Preset(duration_ms=20_000, counter_bid_ms=8_000, sudden_death=seed % 5 == 0)
        self.floor = Floor(*BUYERS, preset=preset, strict=False)
        self.floor.say(cm.SetMutedWords(words=("zut",)), MODO)
        self.floor.say(cm.EditShow(payment_page="https://pay.example/?r={reference}&a={amount}"), OWNER)
        for _ in range(6):
            self.floor.say(cm.AddLot(lot=self._draft()), OWNER)

    def go_on(self, commands: int) -> None:
        """Say that many commands, time passing between them."""
        for _ in range(commands):
            self.floor.now += self.dice.choice((0, 40, 300, 900, 2_500))
            command, who = self._command()
            self.floor.say(command, who)
            self._bell()

    def end(self) -> None:
        self.floor.say(cm.EndShow(reason="fini"), OWNER)

    def _bell(self) -> None:
        run = self.floor.state.run
        if run is not None and run.status == "running" and self.floor.now >= run.ends_at:
            self.floor.say(cm.RingBell(run_id=run.run_id), PLATFORM)
        if self.dice.random() < 0.2:
            self.floor.say(cm.LapseTimers(present=tuple(who.person for who in BUYERS)), PLATFORM)

    def _draft(self) -> LotDraft:
        dice = self.dice
        kind = dice.choices(("auction", "buy_it_now", "giveaway"), (7, 2, 1))[0]
        reserve = dice.choice((0, 0, 0, 1_000, 3_000)) if kind == "auction" else 0
        return LotDraft(
            title=dice.choice(TITLES),
            format=kind,
            opening_cents=dice.choice((100, 100, 500, 2_000)),
            quantity=dice.choice((1, 1, 1, 2, 3)) if kind != "giveaway" else 1,
            offers_accepted=kind == "buy_it_now" and dice.random() < 0.5,
            backstage=LotBackstage(reserve_cents=reserve, cost_cents=300),
        )

    def _any_lot(self) -> str:
        return self.dice.choice(list(self.floor.state.lots))

    def _after(self) -> str | None:
        queue = self.floor.state.queue
        return self.dice.choice([None, "", *queue]) if queue else None

    def _sale(self) -> str:
        sales = list(self.floor.state.sales)
        return self.dice.choice(sales) if sales else "S0"

    def _line(self) -> str:
        lines = self.floor.state.lines
        return self.dice.choice(lines).line_id if lines else "C0"

    def _command(self) -> tuple[cm.Command, Who]:
        dice, state = self.dice, self.floor.state
        buyer = dice.choice(BUYERS)
        run = state.run
        run_id = run.run_id if run is not None else "R0"
        if run is not None and dice.random() < 0.45:
            kind = dice.choices(("tap", "max", "exact"), (6, 3, 1))[0]
            more = 0 if kind == "tap" else dice.choice((0, 100, 500, 2_000))
            return cm.PlaceBid(run_id=run_id, amount_cents=run.asking_cents + more, kind=kind), buyer
        if run is None and dice.random() < 0.3:
            return cm.StartAuction(), OWNER
        auctions = [lot_id for lot_id in state.queue if state.lots[lot_id].lot.format == "auction"]
        pre_bid_lot = dice.choice(auctions) if auctions else "L0"
        offers = [offer for offer in state.runner_ups.values() if not offer.answer]
        offer = dice.choice(offers) if offers else None
        whose = next((who for who in BUYERS if offer is not None and who.person == offer.buyer), buyer)
        own_offers = [one.offer_id for one in state.offers.values() if not one.answer]
        lot_id = self._any_lot()
        known = state.lots[lot_id]
        price = known.flash_price_cents if known.flash_ends_at else known.lot.opening_cents
        giveaway = state.current_giveaway or "G0"
        choices: tuple[tuple[cm.Command, Who], ...] = (
            (cm.AddLot(lot=self._draft(), after=self._after()), OWNER),
            (cm.EditLot(lot_id=lot_id, seen_version=known.version, changes=self._changes()), MARIE),
            (cm.MoveLot(lot_id=lot_id, after=dice.choice([None, *state.queue])), MARIE),
            (cm.RemoveLot(lot_id=lot_id), MARIE),
            (cm.RestoreLot(lot_id=lot_id, after=self._after()), MARIE),
            (cm.SkipLot(lot_id=lot_id), OWNER),
            (cm.PinLot(lot_id=dice.choice((None, lot_id))), OWNER),
            (cm.WithdrawRun(run_id=run_id), OWNER),
            (cm.VoidRun(run_id=run_id, reason="erreur", back_to_queue=dice.random() < 0.5), OWNER),
            (cm.SetPreBid(lot_id=pre_bid_lot, max_cents=dice.choice((0, 500, 1_500, 4_000))), buyer),
            (cm.SetPreBid(lot_id=pre_bid_lot, max_cents=dice.choice((500, 1_500, 4_000))), buyer),
            (cm.ReRunLot(lot_id=lot_id), OWNER),
            (cm.VoidSale(sale_id=self._sale(), reason="erreur", back_to_queue=dice.random() < 0.5), OWNER),
            (cm.ValidateBasket(), buyer),
            (cm.MarkPayment(sale_id=self._sale(), outcome=dice.choice(("paid", "failed"))), OWNER),
            (cm.OfferToRunnerUp(sale_id=self._sale()), OWNER),
            (cm.AnswerRunnerUp(offer_id=offer.offer_id if offer else "O0", accept=dice.random() < 0.6), whose),
            (cm.SetSpendingLimit(limit_cents=dice.choice((0, 50_000, 90_000))), buyer),
            (cm.BuyNow(lot_id=lot_id, price_cents=price), buyer),
            (cm.StartFlash(lot_id=lot_id, price_cents=max(1, price - 50), seconds=30), OWNER),
            (cm.StartGiveaway(lot_id=lot_id, seconds=60, seed=SEED), OWNER),
            (cm.EnterGiveaway(giveaway_id=giveaway), buyer),
            (cm.DrawGiveaway(giveaway_id=giveaway, present=tuple(who.person for who in BUYERS)), OWNER),
            (cm.MakeOffer(lot_id=lot_id, price_cents=max(100, price - 100)), buyer),
            (cm.AnswerOffer(offer_id=dice.choice(own_offers) if own_offers else "O0", accept=True), OWNER),
            (cm.Say(text=dice.choice(LINES)), dice.choice((*BUYERS, OWNER, MODO))),
            (cm.Say(text=dice.choice(LINES), reply_to=self._line()), buyer),
            (cm.DeleteLine(line_id=self._line()), dice.choice((MODO, buyer))),
            (cm.PinLine(line_id=dice.choice((None, self._line()))), MODO),
            (cm.Announce(text="Pause de cinq minutes"), OWNER),
            (cm.SetSlowMode(every_ms=dice.choice((0, 0, 1_000))), MODO),
            (cm.TimeOut(person=buyer.person, seconds=5), MODO),
            (cm.Block(person=buyer.person) if dice.random() < 0.15 else cm.Unblock(person=buyer.person), MODO),
            (cm.Unblock(person=buyer.person), MODO),
            (cm.Follow(following=dice.random() < 0.7), buyer),
            (cm.LosePicture(since_ms=self.floor.now - 6_000), OWNER),
            (cm.ReturnPicture(), OWNER),
            (cm.ReturnPlatform(down_ms=1_500), PLATFORM),
            (cm.HaltRun() if dice.random() < 0.3 else cm.UnhaltRun(), PLATFORM),
            (cm.UnhaltRun(), PLATFORM),
            (cm.ResumeRun(run_id=run_id), OWNER),
            (cm.EditShow(title=dice.choice(("Soirée cartes", "Soirée suite"))), OWNER),
        )
        return dice.choice(choices)

    def _changes(self) -> LotChanges:
        what = self.dice.randrange(4)
        if what == 0:
            return LotChanges(title=self.dice.choice(TITLES) + " bis")
        if what == 1:
            return LotChanges(opening_cents=self.dice.choice((100, 700)))
        if what == 2:
            return LotChanges(quantity=self.dice.choice((1, 2, 4)))
        return LotChanges(reserve_cents=self.dice.choice((0, 2_000)), condition="Bon état")
