"""What happened to the lots, retold briefly and in its true order, among the lines of the room.

Sales, passed lots and voided runs are told with the line they left, so that the chat column
comes out the same; those whose line is long gone are told first. A unit put aside and brought
back later (`LotRestored`) is told only as far as the units come out right.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ..contract import events as ev
from ..contract.words import STAFF, LotId, Who
from .increments import need_cents
from .room import deleted
from .state import Line, Run, Sale, ShowState


@dataclass(slots=True)
class Units:
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
class Moment:
    """Something that left a line, or changed the units of a lot."""

    order: int
    line_id: str
    what: Sale | Run
    undone: bool = False
    follow: list[Moment] = field(default_factory=list)


class History:
    """Writes into `out`; keeps how many units of each lot the told history leaves."""

    def __init__(self, state: ShowState, who: Who, out: list[ev.Event]) -> None:
        self.state = state
        self.who = who
        self.out = out
        self.joined: set[str] = {state.owner}
        self.counted: set[LotId] = set()
        """Lots of whose pre-bids a count was told, which may not be today's."""
        self.units = {
            lot_id: Units(total=known.units_total, left=known.units_total) for lot_id, known in state.lots.items()
        }
        self.replaced = {sale.run_id for sale in state.sales.values() if sale.how == "runner_up"}

    def join(self, person_id: str) -> None:
        person = self.state.people.get(person_id)
        if person is None or person_id in self.joined:
            return
        self.joined.add(person_id)
        self.out.append(
            ev.PersonJoined(
                person=person.person, nickname=person.nickname, role=person.role, invited_by=person.invited_by
            )
        )

    def tell(self) -> None:
        state = self.state
        moments = self._moments()
        self._count_asides(moments)
        shown = {line.line_id for line in state.lines}
        by_line: dict[str, Moment] = {}
        for moment in moments:
            for each in (moment, *moment.follow):
                if each.line_id in shown:
                    by_line[each.line_id] = each
                else:
                    self._tell_moment(each)
        for line in state.lines:
            found = by_line.get(line.line_id)
            if found is not None:
                self._tell_moment(found)
            else:
                self._line(line)

    def _moments(self) -> list[Moment]:
        state = self.state
        moments: list[Moment] = []
        for sale in state.sales.values():
            moment = Moment(int(sale.sale_id[1:]), f"sold:{sale.sale_id}", sale)
            if sale.status == "voided":
                moment.follow.append(Moment(moment.order, f"void:{sale.sale_id}", sale, undone=True))
            moments.append(moment)
        for run in state.runs.values():
            if run.status == "passed":
                moments.append(Moment(int(run.run_id[1:]), f"passed:{run.run_id}", run))
            elif run.status == "voided":
                moments.append(Moment(int(run.run_id[1:]), f"voided:{run.run_id}", run))
        moments.sort(key=lambda moment: moment.order)
        return moments

    def _count_asides(self, moments: list[Moment]) -> None:
        for moment in moments:
            for each in (moment, *moment.follow):
                if _puts_aside(each, self.replaced):
                    self.units[each.what.lot_id].asides_to_come += 1
        for lot_id, known in self.state.lots.items():
            self.units[lot_id].aside_now = known.units_total - known.units_left - known.units_sold

    def _tell_moment(self, moment: Moment) -> None:
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
                self.restore(what.lot_id, units)

    def restore(self, lot_id: LotId, units: Units) -> None:
        self.out.append(ev.LotRestored(lot_id=lot_id, after=None, by=self.state.owner))
        units.left = units.total - units.sold
        units.disturbed = True

    def _tell_sale(self, sale: Sale, units: Units) -> None:
        aside = units.total - units.left - units.sold
        from_aside = sale.how == "runner_up" and aside >= sale.quantity
        if not from_aside:
            if units.left < sale.quantity:
                self.restore(sale.lot_id, units)
            units.left -= sale.quantity
        units.sold += sale.quantity
        if sale.how == "auction":
            run = self.state.runs.get(sale.run_id)
            self.tell_opening(run)
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

    def _tell_undone(self, sale: Sale, units: Units) -> None:
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

    def _tell_unsold(self, run: Run, units: Units) -> None:
        takes = run.status == "passed" or not run.back_to_queue
        if takes:
            if units.left < 1:
                self.restore(run.lot_id, units)
            units.left -= 1
        self.tell_opening(run)
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

    def tell_opening(self, run: Run | None) -> None:
        """Only the run that ended last is told with its price: the deck still shows it."""
        if run is None or run.run_id != self.state.last_run:
            return
        self.opened(run)
        if run.bids:
            self.price(run, len(run.bids) - 1, run.bid_count)

    def _line(self, line: Line) -> None:
        if line.kind == "joined":
            self.join(line.person)
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
            self.out.append(deleted(line, ""))

    def opened(self, run: Run) -> None:
        if self.who.role in STAFF and run.pre_bids:
            self.out.append(ev.PreBidsCounted(lot_id=run.lot_id, count=run.pre_bids))
            self.counted.add(run.lot_id)
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
            )
        )

    def price(self, run: Run, index: int, bids: int) -> None:
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


def _puts_aside(moment: Moment, replaced: set[str]) -> bool:
    """True if the moment leaves a unit neither left nor sold (and no runner-up took it at once)."""
    what = moment.what
    if isinstance(what, Sale):
        return moment.undone and not what.returned and not (what.run_id and what.run_id in replaced)
    return what.status == "passed" or (what.status == "voided" and not what.back_to_queue)
