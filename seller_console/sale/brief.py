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

from dataclasses import dataclass, field

from ..contract import events as ev
from ..contract.words import BACKSTAGE, STAFF, LotBackstage, LotChanges, LotId, Who
from .increments import need_cents
from .state import Line, LotState, Run, Sale, ShowState


def brief(state: ShowState, who: Who) -> tuple[ev.Event, ...]:
    """Events for `who` to fold from `ShowState()`; each is one that `who` may see."""
    if not state.show_id:
        return ()
    return tuple(_Brief(state, who).events())


@dataclass(slots=True)
class _Units:
    """The units of a lot as the brief has told them so far."""

    total: int
    left: int
    sold: int = 0
    asides_to_come: int = 0
    """Units put aside whose being put aside is still to be told."""
    aside_now: int = 0
    """How many are still aside in truth."""
    disturbed: bool = False
    """Its place in the queue must be told again."""


@dataclass(slots=True)
class _Moment:
    """Something that left a line, or changed the units of a lot."""

    order: int
    line_id: str
    what: Sale | Run
    undone: bool = False
    follow: list[_Moment] = field(default_factory=list)


class _Brief:
    def __init__(self, state: ShowState, who: Who) -> None:
        self.state = state
        self.who = who
        self.staff = who.role in STAFF
        self.backstage = who.role in BACKSTAGE
        self.out: list[ev.Event] = []
        self.joined: set[str] = set()
        self.units = {
            lot_id: _Units(total=known.units_total, left=known.units_total) for lot_id, known in state.lots.items()
        }

    def events(self) -> list[ev.Event]:
        self._show()
        self._people()
        self._lots()
        self._history()
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
        self.joined.add(state.owner)
        if state.fee_bps or state.payment_page:
            self.out.append(
                ev.ShowEdited(by=state.owner, fee_bps=state.fee_bps or None, payment_page=state.payment_page or None)
            )
        if state.live_at:
            self.out.append(ev.ShowWentLive(by=state.owner, rehearsal=state.rehearsal))

    def _people(self) -> None:
        """Everybody for the staff; for a buyer the staff and themselves. Arrivals with a line come with it."""
        shown = {line.line_id for line in self.state.lines if line.kind == "joined"}
        for person in self.state.people.values():
            wanted = self.staff or person.role in STAFF or person.person == self.who.person
            if wanted and f"joined:{person.person}" not in shown:
                self._join(person.person)

    def _join(self, person_id: str) -> None:
        person = self.state.people.get(person_id)
        if person is None or person_id in self.joined:
            return
        self.joined.add(person_id)
        self.out.append(
            ev.PersonJoined(
                person=person.person, nickname=person.nickname, role=person.role, invited_by=person.invited_by
            )
        )

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

    # --- what happened to them, and the chat column ------------------------------

    def _history(self) -> None:
        state = self.state
        moments = self._moments()
        self._count_asides(moments)
        shown = {line.line_id for line in state.lines}
        by_line: dict[str, _Moment] = {}
        for moment in moments:
            for each in (moment, *moment.follow):
                if each.line_id in shown:
                    by_line[each.line_id] = each
                else:
                    self._tell(each)
        for line in state.lines:
            found = by_line.get(line.line_id)
            if found is not None:
                self._tell(found)
            else:
                self._line(line)

    def _moments(self) -> list[_Moment]:
        state = self.state
        moments: list[_Moment] = []
        for sale in state.sales.values():
            moment = _Moment(int(sale.sale_id[1:]), f"sold:{sale.sale_id}", sale)
            if sale.status == "voided":
                moment.follow.append(_Moment(moment.order, f"void:{sale.sale_id}", sale, undone=True))
            moments.append(moment)
        for run in state.runs.values():
            if run.status == "passed":
                moments.append(_Moment(int(run.run_id[1:]), f"passed:{run.run_id}", run))
            elif run.status == "voided":
                moments.append(_Moment(int(run.run_id[1:]), f"voided:{run.run_id}", run))
        moments.sort(key=lambda moment: moment.order)
        return moments

    def _count_asides(self, moments: list[_Moment]) -> None:
        replaced = {sale.run_id for sale in self.state.sales.values() if sale.how == "runner_up"}
        for moment in moments:
            for each in (moment, *moment.follow):
                if _puts_aside(each, replaced):
                    self.units[each.what.lot_id].asides_to_come += 1
        for lot_id, known in self.state.lots.items():
            self.units[lot_id].aside_now = known.units_total - known.units_left - known.units_sold
        self.replaced = replaced

    def _tell(self, moment: _Moment) -> None:
        units = self.units.get(moment.what.lot_id)
        if units is None:
            return
        units.disturbed = True
        what = moment.what
        if isinstance(what, Sale):
            if moment.undone:
                self._tell_undone(what, units)
            else:
                self._tell_sale(what, units)
        else:
            self._tell_unsold(what, units)
        if _puts_aside(moment, self.replaced):
            units.asides_to_come -= 1
            if units.asides_to_come == units.aside_now and units.left < units.total - units.sold:
                self._restore(what.lot_id, units)

    def _restore(self, lot_id: LotId, units: _Units) -> None:
        self.out.append(ev.LotRestored(lot_id=lot_id, after=None, by=self.state.owner))
        units.left = units.total - units.sold
        units.disturbed = True

    def _tell_sale(self, sale: Sale, units: _Units) -> None:
        aside = units.total - units.left - units.sold
        from_aside = sale.how == "runner_up" and aside >= sale.quantity
        if not from_aside:
            if units.left < sale.quantity:
                self._restore(sale.lot_id, units)
            units.left -= sale.quantity
        units.sold += sale.quantity
        if sale.how == "auction":
            run = self.state.runs.get(sale.run_id)
            self._tell_opening(run)
            self.out.append(
                ev.Hammered(
                    run_id=sale.run_id,
                    lot_id=sale.lot_id,
                    sold=True,
                    price_cents=sale.price_cents,
                    buyer=sale.buyer,
                    buyer_name=sale.buyer_name,
                    sale_id=sale.sale_id,
                    bag_number=sale.bag_number,
                    first_purchase=sale.first_purchase,
                    bids=run.bid_count if run is not None else 0,
                )
            )
            return
        self.out.append(
            ev.SaleMade(
                sale_id=sale.sale_id,
                lot_id=sale.lot_id,
                buyer=sale.buyer,
                buyer_name=sale.buyer_name,
                price_cents=sale.price_cents,
                how=sale.how,
                bag_number=sale.bag_number,
                quantity=sale.quantity,
                first_purchase=sale.first_purchase,
                run_id=sale.run_id,
            )
        )

    def _tell_undone(self, sale: Sale, units: _Units) -> None:
        units.sold -= sale.quantity
        if sale.returned:
            units.left += sale.quantity
        self.out.append(
            ev.SaleVoided(
                sale_id=sale.sale_id,
                lot_id=sale.lot_id,
                by=self.state.owner,
                reason=sale.void_reason,
                back_to_queue=sale.returned,
            )
        )

    def _tell_unsold(self, run: Run, units: _Units) -> None:
        takes = run.status == "passed" or not run.back_to_queue
        if takes:
            if units.left < 1:
                self._restore(run.lot_id, units)
            units.left -= 1
        self._tell_opening(run)
        if run.status == "passed":
            self.out.append(
                ev.Hammered(
                    run_id=run.run_id,
                    lot_id=run.lot_id,
                    sold=False,
                    price_cents=run.price_cents,
                    bids=run.bid_count,
                    reserve_met=run.reserve_met,
                )
            )
            return
        self.out.append(
            ev.RunVoided(
                run_id=run.run_id,
                lot_id=run.lot_id,
                by=self.state.owner,
                reason=run.void_reason,
                back_to_queue=run.back_to_queue,
            )
        )

    def _tell_opening(self, run: Run | None) -> None:
        """Only the run that ended last is told with its price: the deck still shows it."""
        if run is None or run.run_id != self.state.last_run:
            return
        self._opened(run)
        if run.bids:
            self._price(run, len(run.bids) - 1, run.bid_count)

    def _line(self, line: Line) -> None:
        if line.kind == "joined":
            self._join(line.person)
        elif line.kind == "announced":
            self.out.append(ev.Announced(text=line.text, by=line.person, line_id=line.line_id))
        elif line.kind == "said":
            if line.muted and line.person != self.who.person:
                return
            kind = ev.LineMuted if line.muted else ev.LineSaid
            self.out.append(
                kind(
                    line_id=line.line_id,
                    person=line.person,
                    nickname=line.nickname,
                    role=line.role,
                    text=line.text,
                    reply_to=line.reply_to,
                )
            )
        else:
            return
        if line.deleted:
            self.out.append(ev.LineDeleted(line_id=line.line_id, by=""))

    # --- where everything stands now ---------------------------------------------

    def _stands(self) -> None:
        state = self.state
        last = state.runs.get(state.last_run) if state.last_run else None
        if last is not None and last.status == "withdrawn":
            self._tell_opening(last)
            self.out.append(ev.RunWithdrawn(run_id=last.run_id, lot_id=last.lot_id, by=state.owner))
            self.units[last.lot_id].disturbed = True
        for lot_id, known in state.lots.items():
            units = self.units[lot_id]
            if units.left != known.units_left:
                self._restore(lot_id, units)
            if known.status == "removed":
                self.out.append(ev.LotRemoved(lot_id=lot_id, by=state.owner))
        self._giveaways()
        for lot_id, before in zip(state.queue, (None, *state.queue), strict=False):
            if self.units[lot_id].disturbed:
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
            if self.staff and known.pre_bid_count:
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
        self._opened(run)
        after = sum(bid.cause == "bid" for bid in run.bids)
        for index, bid in enumerate(run.bids):
            after -= bid.cause == "bid"
            self._price(run, index, run.bid_count - after)
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
                )
            )

    def _opened(self, run: Run) -> None:
        self.out.append(
            ev.RunOpened(
                run_id=run.run_id,
                lot_id=run.lot_id,
                unit=run.unit,
                of=run.of,
                opening_cents=run.opening_cents,
                opened_at=run.opened_at,
                ends_at=run.ends_at,
                counter_bid_ms=run.counter_bid_ms,
                sudden_death=run.sudden_death,
                has_reserve=run.has_reserve,
                withdrawable_until=run.withdrawable_until,
                by=self.state.owner,
                duration_ms=run.duration_ms,
                pre_bids=run.pre_bids,
            )
        )

    def _price(self, run: Run, index: int, bids: int) -> None:
        bid = run.bids[index]
        self.out.append(
            ev.PriceMoved(
                run_id=run.run_id,
                lot_id=run.lot_id,
                cause=bid.cause,
                price_cents=bid.price_cents,
                asking_cents=need_cents(bid.leader, bid.price_cents, run.opening_cents),
                leader=bid.leader,
                leader_name=bid.leader_name,
                bidder=bid.bidder or None,
                bidder_name=bid.bidder_name,
                ends_at=run.ends_at,
                bids=bids,
                reserve_met=run.reserve_met,
                epoch=run.epoch,
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
            if self.backstage and person.note:
                self.out.append(ev.BuyerNoted(buyer=person.person, note=person.note, by=""))
            if not person.present:
                self.out.append(ev.PersonLeft(person=person.person))

    def _own(self) -> None:
        """Payment, offers and the limit: the reader's own, or everybody's backstage."""
        state = self.state
        me = state.people.get(self.who.person)
        if me is not None and me.limit_cents:
            self.out.append(ev.SpendingLimitSet(buyer=me.person, limit_cents=me.limit_cents))
        validated: dict[str, list[Sale]] = {}
        for sale in state.sales.values():
            if not self._mine(sale.buyer):
                continue
            if sale.status == "validated":
                validated.setdefault(sale.buyer, []).append(sale)
            elif sale.status == "paid" or sale.status == "failed":
                self.out.append(ev.PaymentMarked(sale_id=sale.sale_id, buyer=sale.buyer, outcome=sale.status, by=""))
        for buyer, sales in validated.items():
            self.out.append(
                ev.BasketValidated(
                    buyer=buyer,
                    sale_ids=tuple(sale.sale_id for sale in sales),
                    total_cents=sum(sale.price_cents * sale.quantity for sale in sales),
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


def _puts_aside(moment: _Moment, replaced: set[str]) -> bool:
    """True if the moment leaves a unit neither left nor sold (and no runner-up took it at once)."""
    what = moment.what
    if isinstance(what, Sale):
        return moment.undone and not what.returned and not (what.run_id and what.run_id in replaced)
    return what.status == "passed" or (what.status == "voided" and not what.back_to_queue)
