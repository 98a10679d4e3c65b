"""A show under any sequence of commands, and what must hold through all of it.

Two consoles edit from what they last saw; buyers bid, also at exactly `ends_at` -1, 0 and
+1 ms; pictures are lost, platforms return, leaders are blocked. After every step the state is
checked against the rules; at the end the log is folded again, whole and as each reader sees it.
An independent reckoning of rule 5 (a sort of all maxima) runs beside the real one.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from seller_console.contract import commands as cm
from seller_console.contract import events as ev
from seller_console.contract.codec import decode_event
from seller_console.contract.words import LotChanges, LotDraft, Preset, Refusal, Who
from seller_console.sale.audience import may_see
from seller_console.sale.brief import brief
from seller_console.sale.fold import apply
from seller_console.sale.show import next_due_ms
from seller_console.sale.state import Run, ShowState

from .floor import ANA, BEN, CLEO, DAN, MARIE, MODO, OWNER, PLATFORM, SEED, Floor
from .screens import differences, public, screen

BUYERS = (ANA, BEN, CLEO, DAN)
READERS = (OWNER, MARIE, MODO, ANA, DAN)
CONSOLES = (OWNER, MARIE)
buyers = st.sampled_from(BUYERS)
consoles = st.sampled_from(CONSOLES)
pick = st.integers(min_value=0, max_value=50)
bursts = st.lists(
    st.tuples(
        buyers,
        st.sampled_from([-1, 0, 0, 0, 1, 2, 7, 20, 60]),
        st.sampled_from(["tap", "max", "max", "exact"]),
        st.sampled_from([0, 0, 1, 900, 3_000, 9_000]),
    ),
    min_size=1,
    max_size=7,
)
"""Bids: who, how many units over the need, what kind, how long after the one before."""


ID_OF: dict[type, str] = {
    ev.RunOpened: "run_id",
    ev.SaleMade: "sale_id",
    ev.RunnerUpOffered: "offer_id",
    ev.OfferMade: "offer_id",
}


def step_of(cents: int) -> int:
    """Rule 1, written down a second time."""
    for below, step in ((30, 1), (50, 2), (100, 3), (300, 5), (1000, 10), (2000, 20)):
        if cents < below * 100:
            return step * 100
    return 5000


class ShowMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.floor = Floor(*BUYERS, strict=True)
        self.ends: dict[str, str] = {}
        self.tops: dict[tuple[str, int], int] = {}
        self.clocks: dict[str, int] = {}
        self.maxima: dict[str, dict[str, tuple[int, int]]] = {}
        self.order = 0
        self.live: set[str] = set()
        self.ids: set[str] = set()
        self.numbers: set[int] = set()
        self.field_seen: dict[tuple[str, str], tuple[int, str]] = {}
        self.seen = {who.person: dict[str, int]() for who in CONSOLES}
        self.shelf_sold: dict[str, int] = {}

    # --- acting -------------------------------------------------------------------

    @property
    def state(self) -> ShowState:
        return self.floor.state

    def say(self, command: cm.Command, who: Who) -> tuple[ev.Event, ...] | Refusal:
        run = self.state.run
        before = None if run is None else (run.run_id, run.status, run.ends_at, run.leader, run.price_cents)
        answer = self.floor.say(command, who)
        if isinstance(answer, tuple):
            for event in answer:
                self.note(event, command, before)
        return answer

    def note(self, event: ev.Event, command: cm.Command, before: Any) -> None:
        now = self.floor.now
        if isinstance(event, ev.RunOpened | ev.LotAdded | ev.SaleMade | ev.RunnerUpOffered | ev.OfferMade):
            name = event.lot.lot_id if isinstance(event, ev.LotAdded) else getattr(event, ID_OF[type(event)])
            assert name not in self.ids, f"{name} was given twice"
            self.ids.add(name)
        if isinstance(event, ev.LotAdded):
            assert event.lot.number not in self.numbers, "a lot number was reused"
            self.numbers.add(event.lot.number)
        if isinstance(event, ev.RunOpened):
            self.maxima[event.run_id] = {}
            self.clocks[event.run_id] = event.ends_at
        if isinstance(event, ev.Hammered | ev.RunWithdrawn | ev.RunVoided):
            assert event.run_id not in self.ends, "a run ended twice"
            self.ends[event.run_id] = type(event).__name__
        if isinstance(event, ev.Hammered):
            assert isinstance(command, cm.RingBell)
            assert before is not None and before[1] == "running" and now >= before[2], "hammered early"
            assert event.sold == (before[3] is not None and event.reserve_met)
            if event.sold:
                assert event.sale_id not in self.ids
                self.ids.add(event.sale_id)
        if isinstance(event, ev.MaxSet) and event.kind == "capped":
            assert isinstance(command, cm.Block)
            had, place = self.maxima[event.run_id].pop(event.bidder)
            assert event.max_cents < had
            if event.max_cents:
                self.maxima[event.run_id][event.bidder] = (event.max_cents, place)
        elif isinstance(event, ev.MaxSet):
            self.order += 1
            if event.kind != "pre_bid":
                self.live.add(event.run_id)
                assert before is not None and before[1] == "running" and now < before[2], "a late bid was taken"
                assert event.bidder not in ("vera", "marie", "modo")
            self.maxima[event.run_id][event.bidder] = (event.max_cents, self.order)
        if isinstance(event, ev.Blocked) and self.state.current_run:
            self.maxima[self.state.current_run].pop(event.person, None)
        if isinstance(event, ev.PriceMoved):
            self.check_price(event, before)

    def check_price(self, event: ev.PriceMoved, before: Any) -> None:
        ranked = sorted(self.maxima[event.run_id].items(), key=lambda item: (-item[1][0], item[1][1]))
        assert event.leader == (ranked[0][0] if ranked else None), "not the first by max, then by order"
        if event.cause == "bid" and before is not None and before[3] is not None:
            assert event.bidder != before[3], "somebody outbid themselves"
        if not ranked:
            assert event.price_cents == 0
            return
        run = self.state.runs[event.run_id]
        top = ranked[0][1][0]
        leader = self.state.people[ranked[0][0]]
        if event.cause == "epoch" and leader.limit_cents:
            assert leader.spent_cents + top <= leader.limit_cents, "a new leader is beyond their limit"
        floor_price = run.opening_cents
        if len(ranked) > 1:
            second = ranked[1][1][0]
            floor_price = max(floor_price, min(top, second + step_of(second)))
        assert floor_price <= event.price_cents <= top
        if run.reserve_cents and top >= run.reserve_cents:
            assert event.price_cents >= run.reserve_cents
        assert event.asking_cents == event.price_cents + step_of(event.price_cents)

    # --- rules ------------------------------------------------------------------------

    @initialize(
        presets=st.lists(
            st.builds(
                Preset,
                duration_ms=st.sampled_from([5_000, 15_000, 30_000]),
                counter_bid_ms=st.sampled_from([0, 3_000, 10_000, 20_000]),
                sudden_death=st.booleans(),
            ),
            min_size=3,
            max_size=3,
        ),
        reserves=st.lists(st.sampled_from([0, 0, 20, 45]), min_size=3, max_size=3),
        quantities=st.lists(st.sampled_from([1, 1, 2, 3]), min_size=3, max_size=3),
        pre_bids=st.lists(st.tuples(buyers, st.sampled_from([1, 20, 30, 30, 45]), st.integers(0, 2)), max_size=4),
    )
    def fill_the_queue(
        self,
        presets: list[Preset],
        reserves: list[int],
        quantities: list[int],
        pre_bids: list[tuple[Who, int, int]],
    ) -> None:
        for preset, reserve, quantity in zip(presets, reserves, quantities, strict=True):
            self.floor.lot(preset=preset, reserve=reserve, quantity=quantity)
        self.floor.lot("Rayon", format="buy_it_now", opening=20, quantity=2, offers_accepted=True)
        self.floor.lot("Cadeau", format="giveaway")
        for known in self.state.lots.values():
            self.ids.add(known.lot.lot_id)
            self.numbers.add(known.lot.number)
        for who, euros, which in pre_bids:
            self.say(cm.SetPreBid(lot_id=self.state.queue[which], max_cents=euros * 100), who)

    @rule(ms=st.sampled_from([1, 400, 1_999, 2_000, 11_000]))
    def time_passes(self, ms: int) -> None:
        self.floor.wait(ms)

    @rule(offset=st.sampled_from([-1, 0, 1]), who=buyers, kind=st.sampled_from(["tap", "max"]))
    def a_bid_at_the_very_end(self, offset: int, who: Who, kind: Any) -> None:
        if not self.opened():
            return
        run = self.floor.run
        self.floor.now = max(self.floor.now, run.ends_at + offset)
        ends_at, on_time = run.ends_at, self.floor.now < run.ends_at and run.status == "running"
        answer = self.say(self.bid_command(run, run.asking_cents, kind), who)
        if not on_time:
            assert isinstance(answer, Refusal), "a late bid was taken"
            assert run.ends_at == ends_at
        if offset >= 0 and run.status == "running":
            self.the_bell_rings(0)

    def bid_command(self, run: Run, cents: int, kind: Any) -> cm.PlaceBid:
        return cm.PlaceBid(run_id=run.run_id, amount_cents=cents, kind=kind)

    def opened(self) -> bool:
        """A lot is on the block: the one that is, or the next."""
        if self.state.run is None:
            self.say(cm.StartAuction(), OWNER)
        return self.state.run is not None

    @rule(burst=bursts)
    def bids(self, burst: list[tuple[Who, int, Any, int]]) -> None:
        self.opened()
        for who, over, kind, pause in burst:
            self.floor.wait(pause)
            if self.state.run is not None:
                self.a_bid(who, over, kind)

    @rule(burst=bursts, which=pick)
    def a_whole_sale(self, burst: list[tuple[Who, int, Any, int]], which: int) -> None:
        """From PDD to the hammer, whatever was going on."""
        if self.state.run is None:
            self.pdd(which, which % 2 == 0)
        if self.state.run is not None:
            self.bids(burst)
        if self.state.run is not None:
            self.the_bell_rings(0)

    def a_bid(self, who: Who, over: int, kind: Any) -> None:
        run = self.floor.run
        need = run.asking_cents
        led, ends_at, price = run.leader == who.person, run.ends_at, run.price_cents
        had = self.maxima[run.run_id].get(who.person, (0, 0))[0]
        answer = self.say(self.bid_command(run, need + over * 100, kind), who)
        if over < 0 and not led:
            assert isinstance(answer, Refusal)
        if isinstance(answer, Refusal):
            return
        if led:
            assert kind == "max" and need + over * 100 > had
            assert run.ends_at == ends_at
            assert run.price_cents == price or run.price_cents == run.reserve_cents
            return
        remaining = ends_at - self.floor.now
        if run.sudden_death or remaining >= run.counter_bid_ms:
            assert run.ends_at == ends_at
        else:
            assert run.ends_at == self.floor.now + run.counter_bid_ms

    @precondition(lambda self: self.state.run is None)
    @rule(which=pick, named=st.booleans())
    def pdd(self, which: int, named: bool) -> None:
        lot_id = self.state.queue[which % len(self.state.queue)] if named and self.state.queue else ""
        self.say(cm.StartAuction(lot_id=lot_id), OWNER)

    @precondition(lambda self: self.state.run is not None)
    @rule()
    def pdd_while_a_lot_runs(self) -> None:
        assert isinstance(self.say(cm.StartAuction(), OWNER), Refusal)

    @precondition(lambda self: self.state.run is not None)
    @rule(late=st.sampled_from([0, 1, 900]))
    def the_bell_rings(self, late: int) -> None:
        run = self.floor.run
        if run.status == "running":
            self.floor.now = max(self.floor.now, run.ends_at + late)
        self.say(cm.RingBell(run_id=run.run_id), PLATFORM)

    @precondition(lambda self: self.state.run is not None)
    @rule(early=st.sampled_from([1, 500]))
    def a_bell_too_early_does_nothing(self, early: int) -> None:
        run = self.floor.run
        if self.floor.now <= run.ends_at - early:
            self.floor.now = run.ends_at - early
            assert self.say(cm.RingBell(run_id=run.run_id), PLATFORM) == ()

    @rule(who=consoles)
    def retirer(self, who: Who) -> None:
        if not self.opened():
            return
        run = self.floor.run
        allowed = self.floor.now < run.opened_at + 2_000 and run.run_id not in self.live
        standing = dict(self.state.lots[run.lot_id].pre_bids)
        answer = self.say(cm.WithdrawRun(run_id=run.run_id), who)
        assert isinstance(answer, tuple) is allowed
        if allowed:
            assert self.state.queue[0] == run.lot_id
            assert self.state.lots[run.lot_id].pre_bids == standing

    @rule(back=st.booleans())
    def void(self, back: bool) -> None:
        if not self.opened():
            return
        self.say(cm.VoidRun(run_id=self.floor.run.run_id, reason="essai", back_to_queue=back), MARIE)

    @rule(who=buyers, which=pick, euros=st.sampled_from([0, 3, 20, 30, 45]))
    def a_pre_bid(self, who: Who, which: int, euros: int) -> None:
        if self.state.queue:
            lot_id = self.state.queue[which % len(self.state.queue)]
            self.say(cm.SetPreBid(lot_id=lot_id, max_cents=euros * 100), who)

    def a_limit(self, who: Who, euros: int) -> None:
        self.say(cm.SetSpendingLimit(limit_cents=euros * 100), who)

    @rule(burst=bursts, whose=st.sampled_from(["leader", "leader", "anybody"]), who=buyers)
    def a_block_in_the_heat(self, burst: list[tuple[Who, int, Any, int]], whose: str, who: Who) -> None:
        """Bids, then the leader (or anybody) is blocked, and later let back in."""
        self.bids(burst)
        run = self.state.run
        person = run.leader if run is not None and whose == "leader" and run.leader else who.person
        self.say(cm.Block(person=person), MODO)
        self.bids(burst)
        self.say(cm.Unblock(person=person), MODO)

    @rule(who=buyers, blocked=st.booleans())
    def moderation(self, who: Who, blocked: bool) -> None:
        self.say(cm.Block(person=who.person) if blocked else cm.Unblock(person=who.person), MODO)

    def the_picture_goes(self, gone: int) -> None:
        self.say(cm.LosePicture(since_ms=self.floor.now - gone), PLATFORM)

    def the_picture_returns(self) -> None:
        run = self.state.run
        paused = run is not None and run.status == "paused" and run.pause_reason == "picture_lost"
        remaining = run.remaining_ms if run is not None else 0
        self.say(cm.ReturnPicture(), PLATFORM)
        if paused and run is not None:
            assert run.ends_at == self.floor.now + max(remaining, run.counter_bid_ms)

    def another_picture_rule(self, rule_: Any) -> None:
        self.say(cm.EditShow(picture_rule=rule_), OWNER)

    def the_platform_was_down(self, down: int) -> None:
        run = self.state.run
        self.floor.wait(down)
        self.say(cm.ReturnPlatform(down_ms=down), PLATFORM)
        if run is not None and run.status == "running":
            assert run.ends_at >= self.floor.now + run.counter_bid_ms

    def the_log(self, halt: bool) -> None:
        self.say(cm.HaltRun() if halt else cm.UnhaltRun(), PLATFORM)

    def resume_by_hand(self) -> None:
        if self.state.run is None:
            return
        self.say(cm.ResumeRun(run_id=self.floor.run.run_id), OWNER)

    @rule(present=st.sets(st.sampled_from([who.person for who in BUYERS])), wait=st.booleans())
    def timers(self, present: set[str], wait: bool) -> None:
        due = next_due_ms(self.state)
        if wait and due is not None:
            self.floor.now = max(self.floor.now, due)
        self.say(cm.LapseTimers(present=tuple(sorted(present))), PLATFORM)
        assert self.say(cm.LapseTimers(), PLATFORM) == (), "timers lapse once"

    @rule(
        steps=st.lists(
            st.tuples(
                st.sampled_from(["goes", "goes", "returns", "returns", "rule", "down", "halt", "unhalt", "resume"]),
                st.sampled_from([0, 1, 2, 3]),
            ),
            min_size=1,
            max_size=5,
        ),
        burst=bursts,
        running=st.booleans(),
    )
    def outages(self, steps: list[tuple[str, int]], burst: list[tuple[Who, int, Any, int]], running: bool) -> None:
        if running:
            self.bids(burst)
        for what, which in steps:
            if what == "goes":
                self.the_picture_goes((5_000, 900, 1_000, 8_000)[which])
            elif what == "returns":
                self.the_picture_returns()
            elif what == "rule":
                self.another_picture_rule(("pause", "pause", "continue", "void")[which])
            elif what == "down":
                self.the_platform_was_down((500, 2_000, 20_000, 130_000)[which])
            elif what == "resume":
                self.resume_by_hand()
            else:
                self.the_log(what == "halt")

    # --- payment ------------------------------------------------------------------------

    def a_sale_is(self, sale_id: str, what: str) -> None:
        sale = self.state.sales[sale_id]
        status = sale.status
        command: cm.Command
        if what in ("void", "aside"):
            command = cm.VoidSale(sale_id=sale.sale_id, reason="essai", back_to_queue=what == "void")
        elif what == "ask":
            command = cm.OfferToRunnerUp(sale_id=sale.sale_id)
        else:
            command = cm.MarkPayment(sale_id=sale.sale_id, outcome="paid" if what == "paid" else "failed")
        answer = self.say(command, OWNER)
        if status in ("paid", "voided"):
            assert isinstance(answer, Refusal), "what is paid or undone is final"

    def a_runner_up_answers(self, accept: bool) -> None:
        offer = next((offer for offer in self.state.runner_ups.values() if not offer.answer), None)
        if offer is None:
            return
        who = Who(person=offer.buyer, role="buyer", nickname=offer.buyer)
        on_time = self.floor.now < offer.expires_at
        answer = self.say(cm.AnswerRunnerUp(offer_id=offer.offer_id, accept=accept), who)
        assert on_time or isinstance(answer, Refusal)

    def a_basket(self, who: Who) -> None:
        self.say(cm.ValidateBasket(), who)

    def re_run(self, which: int) -> None:
        lots = list(self.state.lots)
        self.say(cm.ReRunLot(lot_id=lots[which % len(lots)]), OWNER)

    @rule(
        which=pick,
        burst=bursts,
        steps=st.lists(
            st.sampled_from(["paid", "failed", "failed", "void", "aside", "ask", "ask", "yes", "no", "no", "basket"]),
            min_size=1,
            max_size=6,
        ),
        unpaid=st.booleans(),
    )
    def a_sale_is_settled_or_not(
        self, which: int, burst: list[tuple[Who, int, Any, int]], steps: list[str], unpaid: bool
    ) -> None:
        if which % 2 or not self.state.sales:
            self.a_whole_sale(burst, which)
        if not self.state.sales:
            return
        sale_id = list(self.state.sales)[-1 - which % len(self.state.sales)]
        for step in (["failed", "ask"] if unpaid else []) + steps:
            if step in ("yes", "no"):
                self.a_runner_up_answers(step == "yes")
            elif step == "basket":
                self.a_basket(BUYERS[which % len(BUYERS)])
            else:
                self.a_sale_is(sale_id, step)

    # --- other formats --------------------------------------------------------------------

    def shelf(self) -> str:
        return next(k.lot.lot_id for k in self.state.lots.values() if k.lot.format == "buy_it_now")

    def a_purchase(self, who: Who, euros: int, quantity: int) -> None:
        self.say(cm.BuyNow(lot_id=self.shelf(), price_cents=euros * 100, quantity=quantity), who)

    def a_flash_sale(self, per_buyer: int) -> None:
        self.say(cm.StartFlash(lot_id=self.shelf(), price_cents=12_00, seconds=30, per_buyer=per_buyer), MARIE)

    def an_offer(self, who: Who, euros: int, accept: bool | None) -> None:
        self.say(cm.MakeOffer(lot_id=self.shelf(), price_cents=euros * 100), who)
        if accept is not None:
            for offer in list(self.state.offers.values()):
                if not offer.answer:
                    self.say(cm.AnswerOffer(offer_id=offer.offer_id, accept=accept), OWNER)

    @rule(
        what=st.sampled_from(["buy", "buy", "flash", "offer"]),
        who=buyers,
        euros=st.sampled_from([5, 12, 20, 20]),
        quantity=st.sampled_from([1, 1, 2, 3]),
        accept=st.sampled_from([None, True, False]),
    )
    def the_shelf(self, what: str, who: Who, euros: int, quantity: int, accept: bool | None) -> None:
        if what == "buy":
            self.a_purchase(who, euros, quantity)
        elif what == "flash":
            self.a_flash_sale(min(quantity, 2))
        else:
            self.an_offer(who, euros, accept)

    @rule(who=buyers, entering=st.integers(0, 15), draw=st.booleans())
    def a_giveaway(self, who: Who, entering: int, draw: bool) -> None:
        if self.state.current_giveaway is None:
            for known in list(self.state.lots.values()):
                if known.lot.format == "giveaway":
                    self.say(cm.StartGiveaway(lot_id=known.lot.lot_id, seed=SEED), OWNER)
        giveaway = self.state.current_giveaway
        if giveaway is None:
            return
        for index, each in enumerate(BUYERS):
            if entering >> index & 1:
                self.say(cm.EnterGiveaway(giveaway_id=giveaway), each)
        if draw:
            self.say(cm.DrawGiveaway(giveaway_id=giveaway, present=(who.person, "dan")), OWNER)
            won = self.state.giveaways[giveaway].winner
            assert won is None or won in (who.person, "dan")

    # --- the room --------------------------------------------------------------------------

    def a_line(self, who: Who, text: str) -> None:
        self.say(cm.Say(text=text), who)

    def a_line_is_deleted_or_pinned(self, which: int, who: Who, pin: bool) -> None:
        if self.state.lines:
            line_id = self.state.lines[which % len(self.state.lines)].line_id
            self.say(cm.PinLine(line_id=line_id) if pin else cm.DeleteLine(line_id=line_id), who)

    def room_settings(self, words: tuple[str, ...], slow: int) -> None:
        self.say(cm.SetMutedWords(words=words), MODO)
        self.say(cm.SetSlowMode(every_ms=slow), MODO)

    def coming_and_going(self, who: Who, back: bool) -> None:
        self.say(cm.Join() if back else cm.Leave(), who)

    @rule(
        what=st.sampled_from(["say", "say", "delete", "pin", "settings", "leave", "join", "limit"]),
        who=buyers,
        text=st.sampled_from(["zut", "bonsoir", "45 !"]),
        which=pick,
    )
    def the_room(self, what: str, who: Who, text: str, which: int) -> None:
        if what == "say":
            self.a_line((*BUYERS, MODO, OWNER)[which % 6], text)
        elif what in ("delete", "pin"):
            self.a_line_is_deleted_or_pinned(which, (who, MODO)[which % 2], what == "pin")
        elif what == "settings":
            self.room_settings(((), ("zut",))[which % 2], (0, 0, 3_000)[which % 3])
        elif what == "limit":
            self.a_limit(who, (0, 0, 30, 200)[which % 4])
        else:
            self.coming_and_going(who, what == "join")

    # --- two consoles on one queue ------------------------------------------------------------

    @rule(who=consoles)
    def a_console_catches_up(self, who: Who) -> None:
        for lot_id, known in self.state.lots.items():
            self.seen[who.person][lot_id] = known.version

    @rule(
        who=consoles,
        which=pick,
        change=st.sampled_from(
            [
                {"title": "Un"}, {"title": "Deux"}, {"opening_cents": 300}, {"reserve_cents": 20_00}, {"quantity": 2},
                {"host_note": "note"}, {"producer_note": "autre"}, {"title": "Trois", "cost_cents": 150},
                {"opening_cents": 100, "reserve_cents": 0},
            ]
        ),
    )  # fmt: skip
    def an_edit(self, who: Who, which: int, change: dict[str, Any]) -> None:
        lots = list(self.state.lots.values())
        known = lots[which % len(lots)]
        lot_id = known.lot.lot_id
        seen = self.seen[who.person].get(lot_id, 1)
        frozen = known.status == "on_block"
        before = (known.lot, known.backstage.reserve_cents, known.units_left)
        answer = self.say(cm.EditLot(lot_id=lot_id, seen_version=seen, changes=LotChanges(**change)), who)
        if frozen and not set(change) <= {"host_note", "producer_note"}:
            assert isinstance(answer, Refusal)
        if frozen:
            assert (known.lot, known.backstage.reserve_cents, known.units_left) == before, "the block was altered"
        if isinstance(answer, tuple):
            touched = {
                name
                for event in answer
                if isinstance(event, ev.LotEdited | ev.LotBackstageEdited)
                for name in change
                if getattr(event.changes, name) is not getattr(LotChanges(), name)
            }
            for name in touched:
                changed_at, by = self.field_seen.get((lot_id, name), (1, ""))
                assert changed_at <= seen or by == who.person, "somebody's edit was overwritten unseen"
                self.field_seen[lot_id, name] = known.field_versions[name], who.person

    def a_move(self, who: Who, which: int, after: int | None) -> None:
        lots = list(self.state.lots)
        lot_id = lots[which % len(lots)]
        anchor = None if after is None else lots[after % len(lots)]
        others = [x for x in self.state.queue if x != lot_id]
        answer = self.say(cm.MoveLot(lot_id=lot_id, after=anchor), who)
        if isinstance(answer, tuple):
            assert [x for x in self.state.queue if x != lot_id] == others, "a move moved somebody else"

    def a_lot_is_taken_out_or_back(self, who: Who, which: int, what: str) -> None:
        lots = list(self.state.lots)
        lot_id = lots[which % len(lots)]
        command = {"remove": cm.RemoveLot, "restore": cm.RestoreLot, "skip": cm.SkipLot, "pin": cm.PinLot}[what]
        self.say(command(lot_id=lot_id), who)

    def a_new_lot(self, who: Who, quantity: int, head: bool) -> None:
        self.say(cm.AddLot(lot=LotDraft(title="Neuf", quantity=quantity), after=None if head else ""), who)

    @rule(
        who=consoles,
        what=st.sampled_from(["move", "move", "remove", "restore", "skip", "pin", "add", "re_run"]),
        which=pick,
        after=st.none() | pick,
    )
    def the_order(self, who: Who, what: str, which: int, after: int | None) -> None:
        if what == "move":
            self.a_move(who, which, after)
        elif what == "add":
            self.a_new_lot(who, 1 + which % 2, after is None)
        elif what == "re_run":
            self.re_run(which)
        else:
            self.a_lot_is_taken_out_or_back(who, which, what)

    # --- what always holds ----------------------------------------------------------------------

    @invariant()
    def the_queue_is_a_permutation_of_the_queued_lots(self) -> None:
        queued = sorted(x for x, known in self.state.lots.items() if known.status == "queued")
        assert sorted(self.state.queue) == queued
        block = [x for x, k in self.state.lots.items() if k.status == "on_block" and k.lot.format != "giveaway"]
        assert block == ([self.state.run.lot_id] if self.state.run is not None else [])

    @invariant()
    def units_are_left_sold_or_aside_and_never_lost(self) -> None:
        for lot_id, known in self.state.lots.items():
            standing = [s for s in self.state.sales.values() if s.lot_id == lot_id and s.status != "voided"]
            assert known.units_sold == sum(s.quantity for s in standing)
            assert known.units_left >= 0 and known.units_left + known.units_sold <= known.units_total
            assert known.units_done == known.units_total - known.units_left
            if known.status == "queued":
                assert known.units_left > 0
            if known.status in ("sold", "passed"):
                assert known.units_left == 0 and (known.units_sold > 0) == (known.status == "sold")
            assert all(bought <= known.flash_per_buyer for bought in known.flash_bought.values())

    @invariant()
    def the_run_is_sound(self) -> None:
        run = self.state.run
        if run is None:
            return
        assert run.run_id not in self.ends
        assert run.ends_at >= self.clocks[run.run_id], "the clock went back"
        self.clocks[run.run_id] = run.ends_at
        top = self.tops.get((run.run_id, run.epoch), 0)
        assert run.price_cents >= top, "the price fell within an epoch"
        self.tops[run.run_id, run.epoch] = run.price_cents
        if run.leader is None:
            assert run.price_cents == 0 and not run.maxima
            return
        best = run.maxima[run.leader]
        assert run.price_cents <= best.max_cents
        for other in run.maxima.values():
            assert other.max_cents <= best.max_cents
            assert other.max_cents < best.max_cents or best.order <= other.order, "a tie went to the later"
        if run.reserve_cents and best.max_cents >= run.reserve_cents:
            assert run.price_cents >= run.reserve_cents

    @invariant()
    def at_most_three_are_asked_and_never_below_the_reserve(self) -> None:
        asked: dict[str, list[str]] = {}
        for offer in self.state.runner_ups.values():
            asked.setdefault(offer.run_id, []).append(offer.buyer)
            run = self.state.runs[offer.run_id]
            assert offer.price_cents >= max(run.opening_cents, run.reserve_cents)
            assert offer.price_cents <= run.maxima[offer.buyer].max_cents
            assert offer.buyer != run.leader
        for people in asked.values():
            assert len(people) <= 3 and len(set(people)) == len(people)

    @invariant()
    def a_basket_asks_for_what_is_owed(self) -> None:
        for basket in self.state.baskets:
            owed = [one for one in basket.sale_ids if self.state.sales[one].status == "validated"]
            if owed:
                assert basket.sale_ids == tuple(owed)
                sales = [self.state.sales[one] for one in owed]
                assert basket.total_cents == sum(sale.price_cents * sale.quantity for sale in sales)

    @invariant()
    def limits_hold(self) -> None:
        for person in self.state.people.values():
            mine = [s for s in self.state.sales.values() if s.buyer == person.person and s.status != "voided"]
            assert person.spent_cents == sum(s.price_cents * s.quantity for s in mine)
            assert person.purchases == len(mine)

    def teardown(self) -> None:
        floor = self.floor
        assert floor.replayed() == floor.state, "the log does not fold to the state"
        truth = public(floor.state)
        for who in READERS:
            seen = floor.seen_by(who)
            assert not differences(public(seen), truth), (who.person, differences(public(seen), truth))
            late = ShowState()
            for event in brief(floor.state, who):
                assert may_see(event.audience(), who)
                apply(late, event, floor.now)
            told = differences(screen(late, who), screen(seen, who))
            assert not told, (who.person, told)
        rows = [decode_event(raw) for _, raw in floor.log]
        ends = [row.run_id for row in rows if isinstance(row, ev.Hammered | ev.RunVoided | ev.RunWithdrawn)]
        assert len(ends) == len(set(ends))
