"""The brief: the shortest history that folds to what one reader's screen shows now.

    brief(state, who) -> tuple[Event, ...]

For somebody who arrives late: every lot as it stands, sales, the last lines of the room, the
run on the block with its ticker, and of secrets only the reader's own. Left out: runs that
ended before the last one (their sale stays), bids of those runs, arrivals of other buyers
(for buyers), and stamps: everything in a brief happens when it is read.

How: lots join in their final order; then, in the order they really happened, sales, passed
lots and lines, so that the chat column comes out the same; then the block, the pins and the
reader's own affairs. A unit put aside and brought back later (`LotRestored`) is replayed only
as far as the units come out right.
"""

from __future__ import annotations

from ..contract import events as ev
from ..contract.words import BACKSTAGE, STAFF, LotBackstage, LotChanges, Who
from .brief_history import History
from .payment import is_owed
from .state import LotState, ShowState


def brief(state: ShowState, who: Who) -> tuple[ev.Event, ...]:
    """Events for `who` to fold from `ShowState()`; each is one that `who` may see."""
    if not state.show_id:
        return ()
    return tuple(_Brief(state, who).events())


class _Brief:
    def __init__(self, state: ShowState, who: Who) -> None:
        self.state = state
        self.who = who
        self.staff = who.role in STAFF
        self.backstage = who.role in BACKSTAGE
        self.out: list[ev.Event] = []
        self.history = History(state, who, self.out)

    def events(self) -> list[ev.Event]:
        self._show()
        self._people()
        self._lots()
        self.history.tell()
        self._stands()
        self._block()
        self._room()
        self._own()
        if self.state.status == "ended":
            self.out.append(ev.ShowEnded(by=self.state.owner))
        return self.out

    # --- show and people ------------------------------------------------------

    def _show(self) -> None:
        state = self.state
        owner = state.people.get(state.owner)
        self.out.append(
            ev.ShowOpened(
                show_id=state.show_id,
                title=state.title,
                owner=state.owner,
                owner_name=owner.nickname if owner is not None else "",
                currency=state.currency,
                preset=state.preset,
                other_preset=state.other_preset,
                picture_rule=state.picture_rule,
                first_number=state.next_number,
            )
        )
        if self.backstage and (state.fee_bps or state.payment_page):
            self.out.append(ev.ShowBackstageSet(by=state.owner, fee_bps=state.fee_bps, payment_page=state.payment_page))
        if state.live_at:
            self.out.append(ev.ShowWentLive(by=state.owner, rehearsal=state.rehearsal))

    def _people(self) -> None:
        """Everybody for the staff; for a buyer the staff and themselves. Arrivals with a line come with it."""
        shown = {line.line_id for line in self.state.lines if line.kind == "joined"}
        for person in self.state.people.values():
            wanted = self.staff or person.role in STAFF or person.person == self.who.person
            if wanted and f"joined:{person.person}" not in shown:
                self.history.join(person.person)

    # --- lots -------------------------------------------------------------------

    def _lots(self) -> None:
        queued = set(self.state.queue)
        for known in self.state.lots.values():
            if known.lot.lot_id not in queued:
                self._lot(known)
        for lot_id in self.state.queue:
            self._lot(self.state.lots[lot_id])

    def _lot(self, known: LotState) -> None:
        lot_id = known.lot.lot_id
        self.out.append(ev.LotAdded(lot=known.lot, by=self.state.owner))
        if not self.backstage:
            return
        if known.backstage != LotBackstage():
            self.out.append(ev.LotBackstageSet(lot_id=lot_id, backstage=known.backstage))

    # --- where everything stands now ---------------------------------------------

    def _stands(self) -> None:
        state = self.state
        last = state.runs.get(state.last_run) if state.last_run else None
        if last is not None and last.status == "withdrawn":
            self.history.tell_opening(last)
            self.out.append(ev.RunWithdrawn(run_id=last.run_id, lot_id=last.lot_id, by=state.owner))
            self.history.units[last.lot_id].disturbed = True
        for lot_id, known in state.lots.items():
            units = self.history.units[lot_id]
            if units.left != known.units_left:
                self.history.restore(lot_id, units)
            if known.status == "removed":
                self.out.append(ev.LotRemoved(lot_id=lot_id, by=state.owner))
        self._giveaways()
        for lot_id, before in zip(state.queue, (None, *state.queue), strict=False):
            if self.history.units[lot_id].disturbed:
                self.out.append(ev.LotMoved(lot_id=lot_id, after=before, by=state.owner))
        for lot_id, known in state.lots.items():
            if known.flash_ends_at:
                self.out.append(
                    ev.FlashStarted(
                        lot_id=lot_id,
                        price_cents=known.flash_price_cents,
                        ends_at=known.flash_ends_at,
                        per_buyer=known.flash_per_buyer,
                        by=state.owner,
                    )
                )
            if self.backstage and known.version > 1:
                self.out.append(
                    ev.LotEdited(lot_id=lot_id, version=known.version, by=state.owner, changes=LotChanges())
                )
            if self.staff and (known.pre_bid_count or lot_id in self.history.counted):
                self.out.append(ev.PreBidsCounted(lot_id=lot_id, count=known.pre_bid_count))
            if self.who.person in known.pre_bids:
                self.out.append(
                    ev.PreBidSet(lot_id=lot_id, bidder=self.who.person, max_cents=known.pre_bids[self.who.person])
                )

    def _giveaways(self) -> None:
        """The one in play, with who has entered."""
        state = self.state
        giveaway = state.giveaways.get(state.current_giveaway) if state.current_giveaway else None
        if giveaway is None:
            return
        self.out.append(
            ev.GiveawayOpened(
                giveaway_id=giveaway.giveaway_id,
                lot_id=giveaway.lot_id,
                seed_hash=giveaway.seed_hash,
                ends_at=giveaway.ends_at,
                followers_only=giveaway.followers_only,
                by=state.owner,
            )
        )
        self.out.extend(
            ev.GiveawayEntered(giveaway_id=giveaway.giveaway_id, buyer=buyer, entrants=count)
            for count, buyer in enumerate(giveaway.entrants, start=1)
        )

    def _block(self) -> None:
        state = self.state
        if state.picture_lost_since:
            self.out.append(ev.PictureLost(since_ms=state.picture_lost_since))
        run = state.run
        if run is None:
            return
        self.history.opened(run)
        after = sum(bid.cause == "bid" for bid in run.bids)
        for index, bid in enumerate(run.bids):
            after -= bid.cause == "bid"
            self.history.price(run, index, run.bid_count - after)
        own = run.maxima.get(self.who.person)
        if own is not None:
            self.out.append(
                ev.MaxSet(
                    run_id=run.run_id,
                    bidder=own.bidder,
                    max_cents=own.max_cents,
                    kind="exact" if own.exact else "max",
                )
            )
        if run.status == "paused":
            self.out.append(
                ev.RunPaused(
                    run_id=run.run_id,
                    remaining_ms=run.remaining_ms,
                    reason="log_unwritable" if run.pause_reason == "log_unwritable" else "picture_lost",
                    paused_at=run.paused_at,
                )
            )

    def _room(self) -> None:
        state = self.state
        if state.slow_mode_ms:
            self.out.append(ev.SlowModeSet(every_ms=state.slow_mode_ms, by=""))
        if state.pinned_lot is not None:
            self.out.append(ev.LotPinned(lot_id=state.pinned_lot, by=""))
        if state.pinned_line is not None:
            self.out.append(ev.LinePinned(line_id=state.pinned_line, by=""))
        if self.staff and state.muted_words:
            self.out.append(ev.MutedWordsSet(words=state.muted_words, by=""))
        if self.backstage:
            if state.run_of_show_version:
                self.out.append(ev.RunOfShowSet(by="", version=state.run_of_show_version, notes=state.run_of_show))
            self.out.extend(
                ev.Whispered(text=line.text, by=line.person, by_name=line.nickname) for line in state.whispers
            )
        for person in state.people.values():
            if not self.staff and person.person != self.who.person:
                continue
            if person.following:
                self.out.append(ev.Followed(person=person.person))
            if person.blocked:
                self.out.append(ev.Blocked(person=person.person, by=""))
            if person.timed_out_until > state.last_at:
                self.out.append(ev.TimedOut(person=person.person, until=person.timed_out_until, by=""))
            if self.backstage and person.regular is not None:
                self.out.append(ev.RegularRecognised(buyer=person.person, regular=person.regular))
            if self.backstage and person.note != (person.regular.note if person.regular is not None else ""):
                self.out.append(ev.BuyerNoted(buyer=person.person, note=person.note, by=""))
            if not person.present:
                self.out.append(ev.PersonLeft(person=person.person))

    def _own(self) -> None:
        """Payment, offers and the limit: the reader's own, or everybody's backstage."""
        state = self.state
        me = state.people.get(self.who.person)
        if me is not None and me.limit_cents:
            self.out.append(ev.SpendingLimitSet(buyer=me.person, limit_cents=me.limit_cents))
        for sale in state.sales.values():
            if self._mine(sale.buyer) and (sale.status == "paid" or sale.status == "failed"):
                self.out.append(ev.PaymentMarked(sale_id=sale.sale_id, buyer=sale.buyer, outcome=sale.status, by=""))
        for basket in state.baskets:
            if self._mine(basket.buyer) and is_owed(state, basket):
                self.out.append(
                    ev.BasketValidated(
                        buyer=basket.buyer,
                        sale_ids=basket.sale_ids,
                        total_cents=basket.total_cents,
                        payment_link=basket.payment_link,
                    )
                )
        for asked in state.runner_ups.values():
            if not self._mine(asked.buyer):
                continue
            self.out.append(
                ev.RunnerUpOffered(
                    offer_id=asked.offer_id,
                    sale_id=asked.sale_id,
                    lot_id=asked.lot_id,
                    run_id=asked.run_id,
                    buyer=asked.buyer,
                    price_cents=asked.price_cents,
                    expires_at=asked.expires_at,
                    nth=asked.nth,
                )
            )
            if asked.answer:
                self.out.append(ev.RunnerUpAnswered(offer_id=asked.offer_id, buyer=asked.buyer, answer=asked.answer))
        for offer in state.offers.values():
            if not self._mine(offer.buyer):
                continue
            self.out.append(
                ev.OfferMade(
                    offer_id=offer.offer_id,
                    lot_id=offer.lot_id,
                    buyer=offer.buyer,
                    buyer_name=offer.buyer_name,
                    price_cents=offer.price_cents,
                )
            )
            if offer.answer:
                self.out.append(
                    ev.OfferAnswered(offer_id=offer.offer_id, buyer=offer.buyer, answer=offer.answer, by="")
                )

    def _mine(self, buyer: str) -> bool:
        return self.backstage or buyer == self.who.person
