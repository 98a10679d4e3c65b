"""A whole show on a virtual clock: the real rules, a seeded room, no waiting.

Twelve hours, 900 lots, 150 buyers, 25,000 accepted bids, 40,000 lines and 4 % of payments
failed, all drawn from one seed. What comes out is what a platform would have kept: the same
seed gives the same turns, byte for byte.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from seller_console.contract import commands as cm
from seller_console.contract import events as ev
from seller_console.contract.codec import encode
from seller_console.contract.words import LotBackstage, LotDraft, Preset, Refusal, Who
from seller_console.platform.log import Row, Turn
from seller_console.sale.fold import apply
from seller_console.sale.show import decide
from seller_console.sale.state import ShowState

OWNER = Who(person="vera", role="owner", nickname="Vera")
PLATFORM = Who(person="platform", role="owner", nickname="")
FIRST_MS = 1_790_000_000_000
"""Virtual: an evening in 2026."""

_GOODS = ("Puzzle 300 pièces", "Baskets montantes 42", "Lessive liquide 5 L", "Carte holo 151", "Foulard soie 90 × 90")
_LINES = (
    "bonsoir de Limoges",
    "elle est centrée ?",
    "tu peux montrer le dos ?",
    "ça monte",
    "je la prends",
    "merci pour la soirée !",
    "c’est quelle pointure ?",
    "🔥🔥🔥",
    "le port est groupé ?",
    "la prochaine est pour moi",
)


@dataclass
class Told:
    """What the show came to, counted as it was made."""

    runs: int = 0
    bids: int = 0
    lines: int = 0
    sold: int = 0
    failed_payments: int = 0
    runner_ups: int = 0
    refused: int = 0
    rows: int = 0
    kinds: dict[str, int] = field(default_factory=dict)


class LongShow:
    """`turns()` is the log, a turn a command; `state` and `told` grow with it."""

    def __init__(
        self,
        seed: int,
        *,
        lots: int = 900,
        buyers: int = 150,
        bids: int = 25_000,
        lines: int = 40_000,
        hours: float = 12,
        ended: bool = True,
    ) -> None:
        self.seed = seed
        self.random = Random(seed)
        self.state = ShowState()
        self.told = Told()
        self.head = 0
        self.now_ms = FIRST_MS
        self.lots, self.bids, self.lines, self.hours = lots, bids, lines, hours
        self.ended = ended
        self.buyers = [Who(person=f"b{n:03d}", role="buyer", nickname=f"acheteur_{n:03d}") for n in range(buyers)]
        self._by_id = {who.person: who for who in self.buyers}

    def turns(self) -> Iterator[Turn]:
        yield from self._say(OWNER, cm.OpenShow(show_id=f"long-{self.seed}", title="Déstockage du dimanche"))
        yield from self._say(OWNER, cm.ImportLots(lots=tuple(self._draft(n) for n in range(self.lots))))
        for who in self.buyers:
            yield from self._say(who, cm.Join())
        yield from self._say(OWNER, cm.GoLive())
        length_ms = int(self.hours * 3_600_000) // self.lots
        for number in range(self.lots):
            yield from self._lot(number, FIRST_MS + (number + 1) * length_ms)
        self.now_ms += 200_000
        yield from self._say(PLATFORM, cm.LapseTimers())
        if self.ended:
            yield from self._say(OWNER, cm.EndShow())

    def _draft(self, number: int) -> LotDraft:
        rng = self.random
        return LotDraft(
            title=f"{rng.choice(_GOODS)} n° {number + 1}",
            description="Fin de série, neuf sauf mention.",
            category="Déstockage",
            preset=Preset(duration_ms=rng.choice((15_000, 20_000)), counter_bid_ms=5_000),
            backstage=LotBackstage(
                cost_cents=rng.randrange(50, 1_600),
                sku=f"DS-{number:04d}",
                reserve_cents=rng.choice((0,) * 19 + (900,)),
            ),
        )

    def _lot(self, number: int, until_ms: int) -> Iterator[Turn]:
        rng, left = self.random, self.lots - number
        due = (self.bids - self.told.bids) // left
        lines = (self.lines - self.told.lines) // left
        chat_ms = sorted(rng.randrange(self.now_ms, until_ms) for _ in range(lines))
        self.now_ms += rng.randrange(2_000, 6_000)
        yield from self._say(OWNER, cm.StartAuction())
        for _ in range(due):
            run = self.state.run
            if run is None:
                break
            room_ms = run.ends_at - self.now_ms
            yield from self._chat(chat_ms, self.now_ms)
            self.now_ms += rng.randrange(1, max(2, min(900, room_ms - 1)))
            if self.now_ms >= run.ends_at:
                break
            yield from self._bid(run.leader, run.run_id, run.asking_cents or run.opening_cents)
        run = self.state.run
        if run is not None:
            self.now_ms = max(self.now_ms, run.ends_at)
            yield from self._say(PLATFORM, cm.RingBell(run_id=run.run_id))
            yield from self._settle(self.state.runs[run.run_id].sale_id)
        yield from self._chat(chat_ms, until_ms)
        self.now_ms = max(self.now_ms, until_ms)
        yield from self._say(PLATFORM, cm.LapseTimers())

    def _bid(self, leader: str | None, run_id: str, asking_cents: int) -> Iterator[Turn]:
        rng = self.random
        who = rng.choice(self.buyers)
        while who.person == leader:
            who = rng.choice(self.buyers)
        # A maximum far above the price would end the bidding of a short lot.
        more = rng.choice((0, 0, 0, 0, 100, 200))
        bid = cm.PlaceBid(run_id=run_id, amount_cents=asking_cents + more, kind="max" if more else "tap")
        yield from self._say(who, bid)

    def _chat(self, due_ms: list[int], upto_ms: int) -> Iterator[Turn]:
        while due_ms and due_ms[0] <= upto_ms:
            self.now_ms = max(self.now_ms, due_ms.pop(0))
            yield from self._say(self.random.choice(self.buyers), cm.Say(text=self.random.choice(_LINES)))

    def _settle(self, sale_id: str) -> Iterator[Turn]:
        if not sale_id:
            return
        failed = self.random.random() < 0.04
        yield from self._say(OWNER, cm.MarkPayment(sale_id=sale_id, outcome="failed" if failed else "paid"))
        if failed:
            yield from self._say(OWNER, cm.OfferToRunnerUp(sale_id=sale_id))
            waiting = [offer for offer in self.state.runner_ups.values() if not offer.answer]
            if waiting and self.random.random() < 0.6:
                answer = cm.AnswerRunnerUp(offer_id=waiting[-1].offer_id, accept=True)
                yield from self._say(self._by_id[waiting[-1].buyer], answer)

    def _say(self, who: Who, command: cm.Command) -> Iterator[Turn]:
        decided = decide(self.state, command, who, self.now_ms)
        if isinstance(decided, Refusal):
            self.told.refused += 1
            return
        seen, rows = self.head, []
        for event in decided:
            apply(self.state, event, self.now_ms)
            self.head += 1
            kind = str(event.__struct_config__.tag)
            rows.append(Row(self.head, self.now_ms, event.audience(), kind, who.person, encode(event).decode()))
            self._count(event, kind)
        if rows:
            yield Turn(seen, rows, None, None)

    def _count(self, event: ev.Event, kind: str) -> None:
        told = self.told
        told.rows += 1
        told.kinds[kind] = told.kinds.get(kind, 0) + 1
        if isinstance(event, ev.MaxSet) and event.kind != "pre_bid":
            told.bids += 1
        elif isinstance(event, ev.LineSaid):
            told.lines += 1
        elif isinstance(event, ev.RunOpened):
            told.runs += 1
        elif isinstance(event, ev.Hammered) and event.sold:
            told.sold += 1
        elif isinstance(event, ev.PaymentMarked) and event.outcome == "failed":
            told.failed_payments += 1
        elif isinstance(event, ev.RunnerUpOffered):
            told.runner_ups += 1
