"""From rows of the feed to values of the window: folds, and remembers what must be drawn again.

Promises: every row is folded at once; `fresh()` gives only the values that a row
(or time) may have changed, and rebuilds only the lot rows that were touched, so
that 10,000 lots cost nothing while one of them sells. Refuses: waiting, sending.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from seller_console.contract import events as e
from seller_console.contract.words import LotId, PersonId, Who
from seller_console.sale.fold import apply
from seller_console.sale.state import Line, ShowState

from . import readings
from .values import ChatLine, LotRow
from .values_backstage import Whisper, Whispers

_SHOW = (e.ShowOpened, e.ShowEdited, e.ShowBackstageSet, e.ShowWentLive, e.ShowEnded)
_QUEUE = (
    e.ShowOpened, e.ShowEdited, e.LotAdded, e.LotBackstageSet, e.LotEdited, e.LotBackstageEdited, e.LotMoved,
    e.LotRemoved, e.LotRestored, e.LotSkipped, e.RunOpened, e.RunWithdrawn, e.RunVoided, e.Hammered, e.PreBidsCounted,
    e.SaleMade, e.SaleVoided, e.FlashStarted, e.FlashEnded, e.GiveawayOpened, e.GiveawayDrawn, e.RunnerUpAnswered,
    e.PaymentMarked,
)  # fmt: skip
_SALES = (e.Hammered, e.SaleMade, e.SaleVoided, e.PaymentMarked, e.BasketValidated, e.RunnerUpAnswered)
_ENDS = (e.Hammered, e.RunVoided, e.RunWithdrawn, e.SaleVoided, e.LotRestored, e.SaleMade, e.GiveawayDrawn)
_PEOPLE = (
    e.PersonJoined, e.PersonLeft, e.Hammered, e.SaleMade, e.SaleVoided, e.Blocked, e.Unblocked, e.Followed,
    e.BuyerNoted, e.TimedOut,
)  # fmt: skip


class Folding:
    """The show as the feed told it, and what of it is not drawn yet."""

    def __init__(self) -> None:
        self.state = ShowState()
        self.who = Who(person="", role="owner", nickname="")
        self.bids = 0
        self.bidders: set[PersonId] = set()
        self.editors: dict[LotId, str] = {}
        self.buyer_url = ""
        self.local_picture: Callable[[str], str] = lambda path: path
        self._stale: set[str] = set()
        self._rows: dict[LotId, LotRow] = {}
        self._last_line: Line | None = None
        self._last_whisper: Line | None = None
        self.read_at_ms = 0
        """Notes up to this moment were seen."""
        self._new_lines: list[ChatLine] = []
        self._chat_anew = True
        self._spoiled = True

    def begin(self) -> None:
        """A new fold from seq 1."""
        buyer_url, who, local_picture, read_at_ms = self.buyer_url, self.who, self.local_picture, self.read_at_ms
        self.__init__()  # type: ignore[misc]  # every field anew
        self.buyer_url, self.who, self.local_picture, self.read_at_ms = buyer_url, who, local_picture, read_at_ms
        self.spoil()

    def picture_came(self, path: str) -> None:
        """Rows that show it are built again."""
        for lot_id, lot in self.state.lots.items():
            if lot.lot.pictures and lot.lot.pictures[0] == path:
                self._rows.pop(lot_id, None)
        self._stale |= {"queue", "sold", "passed", "deck"}

    def spoil(self) -> None:
        """Everything is to be drawn again."""
        self._spoiled = True
        self._rows.clear()
        self._stale |= {"show", "queue", "sold", "passed", "people", "figures", "deck", "room", "whispers"}

    def take(self, stamped: e.Stamped) -> None:
        """Folds one row."""
        event = stamped.event
        apply(self.state, event, stamped.at_ms)
        stale = self._stale
        stale.add("deck")
        if isinstance(event, _SHOW):
            stale.add("show")
            self._rows.clear()
        if isinstance(event, _QUEUE):
            stale |= {"queue", "figures"}
            if isinstance(event, e.LotAdded):
                self._rows.pop(event.lot.lot_id, None)
            elif lot_id := getattr(event, "lot_id", ""):
                self._rows.pop(lot_id, None)
        if isinstance(event, e.PriceMoved) and event.cause == "bid":
            self.bids += 1
            if event.bidder is not None:
                self.bidders.add(event.bidder)
        if isinstance(event, _SALES):
            stale.add("sold")
        if isinstance(event, _ENDS):
            stale.add("passed")
        if isinstance(event, _PEOPLE):
            stale.add("people")
        if isinstance(event, (e.LinePinned, e.RunOfShowSet)):
            stale.add("room")
        if isinstance(event, e.Whispered):
            stale.add("whispers")
        if isinstance(event, e.LineDeleted):
            self._chat_anew = True
        self._gather_lines()

    def editing(self, editors: dict[LotId, str]) -> None:
        for lot_id in set(editors) ^ set(self.editors):
            self._rows.pop(lot_id, None)
        self.editors = dict(editors)
        self._stale.add("queue")

    @property
    def stale(self) -> bool:
        return bool(self._stale) or bool(self._new_lines) or self._chat_anew

    def fresh(self, now_ms: float) -> dict[str, Any]:
        """Values to `put`, of all that may have changed since the last call; the deck is not among them."""
        state, stale = self.state, self._stale
        self._stale = set()
        values: dict[str, Any] = {}
        if "show" in stale:
            values["show"] = readings.show_view(state, role=self.who.role, buyer_url=self.buyer_url)
        if "queue" in stale:
            values["queue"] = self._queue()
        if "sold" in stale:
            values["sold"] = tuple(
                self._pictured(readings.sold_row(state.lots[sale.lot_id], sale, state.runs.get(sale.run_id)))
                for sale in reversed(state.sales.values())
            )
        if "passed" in stale:
            rows = [
                self._pictured(readings.passed_row(state, lot)) for lot in state.lots.values() if lot.status == "passed"
            ]
            values["passed"] = tuple(sorted(rows, key=lambda row: -row.at_ms))
        if "people" in stale:
            values["buyers"] = readings.buyers(state)
        if "figures" in stale:
            values["figures"] = readings.figures(state, now_ms, self.bids)
        if "room" in stale:
            pinned = next((line for line in state.lines if line.line_id == state.pinned_line), None)
            values["pinned"] = readings.chat_line(state, pinned) if pinned is not None else None
            values["run_of_show"] = state.run_of_show
        if "whispers" in stale:
            values["whispers"] = self.whispers()
        return values

    # --- notes between consoles ----------------------------------------------------------------

    def whispers(self) -> Whispers:
        lines = tuple(self._whisper(line) for line in self.state.whispers)
        return Whispers(lines, sum(not line.mine and line.at_ms > self.read_at_ms for line in lines))

    def read_whispers(self) -> None:
        if self.state.whispers:
            self.read_at_ms = max(self.read_at_ms, self.state.whispers[-1].at_ms)

    def new_whispers(self, since_ms: float) -> list[Whisper]:
        """Those heard since the last call and written after `since_ms`, oldest first."""
        new: list[Whisper] = []
        for line in reversed(self.state.whispers):
            if line is self._last_whisper or line.at_ms <= since_ms:
                break
            new.append(self._whisper(line))
        self._last_whisper = self.state.whispers[-1] if self.state.whispers else None
        return new[::-1]

    def _whisper(self, line: Line) -> Whisper:
        return Whisper(line.line_id, line.at_ms, line.nickname, line.text, line.person == self.who.person)

    def lines(self) -> tuple[tuple[ChatLine, ...], bool]:
        """New lines since the last call; or (all, True) when they must be drawn anew."""
        if self._chat_anew:
            self._chat_anew = False
            self._new_lines.clear()
            lines = [readings.chat_line(self.state, line) for line in self.state.lines]
            return tuple(sorted(lines, key=lambda line: line.at_ms)), True
        new = tuple(self._new_lines)
        self._new_lines.clear()
        return new, False

    def _queue(self) -> tuple[LotRow, ...]:
        state = self.state
        first = readings.next_lot(state)
        rows: list[LotRow] = []
        for lot_id in readings.block_and_queue(state):
            lot = state.lots[lot_id]
            is_first = lot is first
            row = self._rows.get(lot_id)
            wanted = "on_block" if lot.status == "on_block" else "next" if is_first else "queued"
            if row is None or row.status != wanted:
                row = readings.queue_row(state, lot, first=is_first, editor=self.editors.get(lot_id, ""))
                row = self._rows[lot_id] = self._pictured(row)
            rows.append(row)
        return tuple(rows)

    def _pictured(self, row: LotRow) -> LotRow:
        return replace(row, picture=self.local_picture(row.picture)) if row.picture else row

    def _gather_lines(self) -> None:
        """The fold keeps the last 500 lines: what came after the last one we saw is new."""
        self._last_line = self._gather(self.state.lines, self._last_line)

    def _gather(self, lines: list[Line], last: Line | None) -> Line | None:
        if not lines or lines[-1] is last:
            return last
        new: list[Line] = []
        for line in reversed(lines):
            if line is last:
                break
            new.append(line)
        self._new_lines.extend(readings.chat_line(self.state, line) for line in reversed(new))
        return lines[-1]
