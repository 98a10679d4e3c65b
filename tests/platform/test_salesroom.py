"""One writer a show: turns, group commit, failure, bells, snapshots."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from seller_console.contract import commands as c
from seller_console.contract.codec import decode_event
from seller_console.contract.words import Accepted, LotDraft, Preset, Refusal, Struct, Who
from seller_console.platform import salesroom as salesroom_module
from seller_console.platform.clock import Clock
from seller_console.platform.log import HeadMoved, Log, LogUnwritable, NewerLog, Row, Turn
from seller_console.platform.passes import OWNER
from seller_console.platform.salesroom import KEY_REUSED, Salesroom, Unavailable, encode, tag_of
from seller_console.platform.snapshots import FINGERPRINT, encode_state
from seller_console.sale.fold import apply
from seller_console.sale.show import decide
from seller_console.sale.state import ShowState


class FakeTime:
    def __init__(self) -> None:
        self.ms = 1_700_000_000_000

    def clock(self) -> Clock:
        return Clock(lambda: self.ms, lambda: self.ms * 1_000_000)


class Hall:
    """A salesroom on a clock of the test's own, and what it published."""

    def __init__(self, path: Path, time: FakeTime, log: Log | None = None) -> None:
        self.time = time
        self.rows: list[Row] = []
        self.halts: list[bool] = []
        self.present: tuple[str, ...] = ()
        self.room = Salesroom(
            log or Log(path),
            time.clock(),
            on_rows=self.rows.extend,
            on_halt=self.halts.append,
            present=lambda: self.present,
        )

    async def say(self, who: Who, command: Struct, key: str = "") -> Accepted:
        answer = await self.room.say(who, command, key)
        assert isinstance(answer, Accepted), answer
        return answer

    async def open(self, buyers: int = 3) -> list[Who]:
        await self.say(OWNER, c.OpenShow(show_id="s", title="Cartes"))
        await self.say(OWNER, c.GoLive())
        people = [Who(person=f"b{n}", role="buyer", nickname=f"Acheteur {n}") for n in range(buyers)]
        for who in people:
            await self.say(who, c.Join())
        return people

    async def start(self, duration_ms: int = 30_000, counter_bid_ms: int = 10_000) -> str:
        preset = Preset(duration_ms=duration_ms, counter_bid_ms=counter_bid_ms)
        return (await self.say(OWNER, c.StartAuction(preset=preset))).made["run_id"]

    async def advance(self, ms: int) -> None:
        self.time.ms += ms
        self.room.tick()
        await self.room.certain(lambda: None)

    def folded(self) -> ShowState:
        state = ShowState()
        for row in self.room.log.every_row():
            apply(state, decode_event(row.event), row.at_ms)
        return state


@asynccontextmanager
async def hall(path: Path, time: FakeTime | None = None, log: Log | None = None) -> AsyncIterator[Hall]:
    made = Hall(path, time or FakeTime(), log)
    try:
        yield made
    finally:
        await made.room.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s.db"


# --- turns ------------------------------------------------------------------------------


async def test_of_two_hundred_equal_bids_at_once_one_is_accepted(path: Path) -> None:
    async with hall(path) as h:
        people = await h.open(200)
        run_id = await h.start()
        bid = c.PlaceBid(run_id=run_id, amount_cents=100)
        answers = await asyncio.gather(*(h.room.say(who, bid, "k") for who in people))
        assert sum(isinstance(answer, Accepted) for answer in answers) == 1
        assert {answer.code for answer in answers if isinstance(answer, Refusal)} == {"low"}
        assert h.folded() == h.room.state


class HeadBlind(Log):
    """The same log, with the comparison of heads taken out and rows renumbered to fit."""

    def append(self, turns: Sequence[Turn]) -> None:
        head = self.head()[0]
        fitted = []
        for turn in turns:
            rows = [row._replace(seq=head + n + 1) for n, row in enumerate(turn.rows)]
            fitted.append(Turn(head, rows))
            head += len(rows)
        super().append(fitted)


async def without_turns(log: Log, state: ShowState, people: Sequence[Who], run_id: str, at_ms: int) -> list[str]:
    """What a server does that decides, waits for the disk, then applies: everybody sees the same price."""
    outcomes: list[str] = []
    disk = asyncio.Lock()

    async def bid(who: Who) -> None:
        seen = log.head()[0]
        decided = decide(state, c.PlaceBid(run_id=run_id, amount_cents=100), who, at_ms)
        await asyncio.sleep(0)
        if isinstance(decided, Refusal):
            outcomes.append(decided.code)
            return
        rows = [
            Row(seen + n + 1, at_ms, event.audience(), tag_of(event), who.person, encode(event).decode())
            for n, event in enumerate(decided)
        ]
        try:
            async with disk:
                log.append([Turn(seen, rows)])
        except HeadMoved:
            outcomes.append("head_moved")
            return
        for event in decided:
            apply(state, event, at_ms)
        outcomes.append("accepted")

    await asyncio.gather(*(bid(who) for who in people))
    return outcomes


async def test_the_race_is_real_without_turns_and_the_head_check_stops_it(path: Path) -> None:
    """The guard is worth its line only if the accident happens without it."""
    time = FakeTime()
    async with hall(path, time) as h:
        people = await h.open(200)
        run_id = await h.start()
        await h.room.certain(lambda: None)
        state = h.folded()
    blind = HeadBlind(path)
    outcomes = await without_turns(blind, state, people, run_id, time.ms)
    blind.close()
    assert outcomes.count("accepted") == 200, "without turns and without the check everybody wins"

    async with hall(path.with_name("t.db"), time) as h:
        people = await h.open(200)
        run_id = await h.start()
        await h.room.certain(lambda: None)
        state = h.folded()
    checked = Log(path.with_name("t.db"))
    outcomes = await without_turns(checked, state, people, run_id, time.ms)
    checked.close()
    assert outcomes.count("accepted") == 1
    assert outcomes.count("head_moved") == 199


@pytest.mark.warns("commit_failed", "show_halted")
async def test_two_platforms_on_one_log_never_both_accept(path: Path) -> None:
    """Which must not happen at all; if it does, the second is refused and sees the first's rows."""
    time = FakeTime()
    async with hall(path, time) as one:
        people = await one.open(2)
        run_id = await one.start()
        async with hall(path, time) as two:
            bid = c.PlaceBid(run_id=run_id, amount_cents=500)
            first = await one.room.say(people[0], bid, "k")
            assert isinstance(first, Accepted)
            with pytest.raises(Unavailable):
                await two.room.say(people[1], bid, "k")
            assert two.room.state.runs[run_id].leader == "b0"
            assert [row.seq for row in two.rows] == list(range(two.rows[0].seq, first.seq + 1))


# --- keys ---------------------------------------------------------------------------------


async def test_a_retry_while_the_first_is_on_its_way_waits_for_the_same_answer(path: Path) -> None:
    async with hall(path) as h:
        people = await h.open()
        run_id = await h.start()
        bid = c.PlaceBid(run_id=run_id, amount_cents=500)
        futures = [h.room.say(people[0], bid, "k") for _ in range(10)]
        other = h.room.say(people[0], c.PlaceBid(run_id=run_id, amount_cents=600), "k")
        answers = await asyncio.gather(*futures)
        assert len({(answer.seq, answer.at_ms) for answer in answers}) == 1  # type: ignore[union-attr]
        assert await other == KEY_REUSED
        assert h.room.state.runs[run_id].bid_count == 1


async def test_an_answer_no_longer_in_memory_is_read_from_the_log(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(salesroom_module, "_ANSWERS_REMEMBERED", 2)
    async with hall(path) as h:
        people = await h.open()
        said = [await h.say(people[0], c.Say(text=f"ligne {n}"), f"k{n}") for n in range(8)]
        again = [await h.say(people[0], c.Say(text=f"ligne {n}"), f"k{n}") for n in range(8)]
        assert again == said
        assert len(h.room._remembered) == 2


# --- bells ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("offset_ms", "accepted"), [(-1, True), (0, False), (1, False)])
async def test_a_bid_at_the_very_end_and_the_bell_have_one_order(path: Path, offset_ms: int, accepted: bool) -> None:
    async with hall(path) as h:
        people = await h.open()
        run_id = await h.start()
        run = h.room.state.runs[run_id]
        h.time.ms = run.ends_at + offset_ms
        answer = await h.room.say(people[0], c.PlaceBid(run_id=run_id, amount_cents=500))
        assert isinstance(answer, Accepted) is accepted
        await h.advance(0)
        assert run.status == ("running" if accepted else "passed")
        await h.advance(10_000)
        assert run.status == ("hammered" if accepted else "passed")


async def test_the_alarm_rings_by_itself_even_when_the_clock_was_extended(path: Path) -> None:
    h = Hall(path, FakeTime())
    h.room.clock = Clock()
    try:
        people = await h.open()
        run_id = await h.start(duration_ms=5000, counter_bid_ms=1000)
        run = h.room.state.runs[run_id]
        while h.room.clock.now_ms() < run.ends_at - 900:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await h.say(people[0], c.PlaceBid(run_id=run_id, amount_cents=100))
        extended = run.ends_at
        async with asyncio.timeout(15):
            while run.status == "running":  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert 0 <= run.ended_at - extended < 2_000
    finally:
        await h.room.close()


async def test_timers_end_what_is_due(path: Path) -> None:
    async with hall(path) as h:
        people = await h.open()
        lot = await h.say(OWNER, c.AddLot(lot=LotDraft(title="Pin's", format="giveaway")))
        drawn = await h.say(OWNER, c.StartGiveaway(lot_id=lot.made["lot_id"], seconds=60, seed="00"))
        giveaway = h.room.state.giveaways[drawn.made["giveaway_id"]]
        assert len(giveaway.seed) == 64, "the platform's own 256 bits, not the seed a person sent"
        for who in people:
            await h.say(who, c.EnterGiveaway(giveaway_id=giveaway.giveaway_id))
        h.present = ("b1",)
        await h.advance(59_999)
        assert not giveaway.drawn
        await h.advance(1)
        assert giveaway.drawn
        assert giveaway.winner == "b1", "only those present can win"


async def test_a_show_that_ends_draws_its_gift_among_those_connected(path: Path) -> None:
    async with hall(path) as h:
        people = await h.open()
        lot = await h.say(OWNER, c.AddLot(lot=LotDraft(title="Pin's", format="giveaway")))
        made = (await h.say(OWNER, c.StartGiveaway(lot_id=lot.made["lot_id"]))).made
        for who in people:
            await h.say(who, c.EnterGiveaway(giveaway_id=made["giveaway_id"]))
        h.present = ("b1",)
        await h.say(OWNER, c.EndShow(present=("b0", "b2")))
        assert h.room.state.giveaways[made["giveaway_id"]].winner == "b1", "the platform's list, not a person's"


async def test_a_pause_of_two_minutes_is_asked_about(path: Path) -> None:
    async with hall(path) as h:
        await h.open()
        run_id = await h.start()
        run = h.room.state.runs[run_id]
        h.time.ms += 6000
        await h.say(OWNER, c.LosePicture(since_ms=h.time.ms - 5000))
        assert run.status == "paused"
        await h.advance(119_999)
        assert run.status == "paused"
        await h.advance(1)
        assert run.status == "voided"


# --- when the disk says no -----------------------------------------------------------------------


class Brittle(Log):
    """A log whose disk can be full."""

    full = False

    def append(self, turns: Sequence[Turn]) -> None:
        if self.full:
            raise LogUnwritable("database or disk is full")
        super().append(turns)

    def probe(self) -> None:
        if self.full:
            raise LogUnwritable("database or disk is full")
        super().probe()


@pytest.mark.warns("commit_failed", "show_halted", "snapshot_not_kept")
async def test_a_failed_commit_refuses_the_batch_halts_the_lot_and_goes_on(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(salesroom_module, "_PROBE_EVERY_S", 0.01)
    log = Brittle(path)
    async with hall(path, log=log) as h:
        people = await h.open(20)
        run_id = await h.start()
        await h.say(people[0], c.PlaceBid(run_id=run_id, amount_cents=100))
        before, head = encode_state(h.room.state), h.room.head
        h.time.ms += 21_000
        log.full = True
        shown = len(h.rows)
        futures = [
            h.room.say(who, c.PlaceBid(run_id=run_id, amount_cents=200 + 100 * n), "k") for n, who in enumerate(people)
        ]
        results = await asyncio.gather(*futures, return_exceptions=True)
        assert all(isinstance(result, Unavailable) for result in results)
        assert encode_state(h.room.state) == before, "as if nothing had been said"
        assert h.room.head == head
        assert len(h.rows) == shown, "nothing was shown that is not in the log"
        assert h.halts == [True]
        with pytest.raises(Unavailable):
            await h.room.say(people[1], c.PlaceBid(run_id=run_id, amount_cents=900), "later")
        # Time passes, the bell is due, and does not ring.
        await h.advance(60_000)
        assert h.room.state.run is not None
        assert h.room.state.run.status == "running"

        log.full = False
        async with asyncio.timeout(5):
            while h.halts[-1] is not False or h.room.committed == head:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        run = h.room.state.runs[run_id]
        kinds = [row.kind for row in h.rows[shown:]]
        assert kinds == ["run_paused", "run_resumed"]
        assert run.status == "running"
        assert run.ends_at == h.time.ms + 10_000, "9 s were left when it stopped: the counter-bid time is more"
        # The same key again: a 503 was no answer.
        again = await h.room.say(people[1], c.PlaceBid(run_id=run_id, amount_cents=300), "k")
        assert isinstance(again, Accepted)
        assert h.folded() == h.room.state
        seqs = [row.seq for row in log.every_row()]
        assert seqs == list(range(1, len(seqs) + 1))


@pytest.mark.warns("commit_failed", "show_halted")
async def test_what_was_committed_before_the_failure_stays_and_was_answered(path: Path) -> None:
    """One after another without waiting: some are on the disk, the rest never were."""
    log = Brittle(path)
    async with hall(path, log=log) as h:
        people = await h.open(100)
        run_id = await h.start()
        futures = []
        for n, who in enumerate(people):
            futures.append(h.room.say(who, c.PlaceBid(run_id=run_id, amount_cents=100 * (n + 1), kind="exact"), "k"))
            if n % 10 == 9:
                await asyncio.sleep(0.002)
            if n == 60:
                log.full = True
        results = await asyncio.gather(*futures, return_exceptions=True)
        accepted = [result for result in results if isinstance(result, Accepted)]
        kept = {row.seq for row in log.every_row()}
        assert {answer.seq for answer in accepted} <= kept
        assert results[-1].__class__ is Unavailable
        assert len([row for row in log.every_row() if row.kind == "price_moved"]) == len(accepted)
        assert h.folded() == h.room.state


@pytest.mark.warns("fold_broke")
async def test_a_bug_in_one_command_costs_that_command_only(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fold breaks between two events of a bid; the bids before it are still on their way to the disk."""

    def breaking(state: ShowState, event: Struct, at_ms: int) -> None:
        apply(state, event, at_ms)  # type: ignore[arg-type]
        if getattr(event, "price_cents", 0) == 300:
            raise ZeroDivisionError

    async with hall(path) as h:
        people = await h.open()
        run_id = await h.start()
        monkeypatch.setattr(salesroom_module, "apply", breaking)
        before = [
            h.room.say(people[n % 2], c.PlaceBid(run_id=run_id, amount_cents=100 * (n + 1)), "k") for n in range(2)
        ]
        with pytest.raises(ZeroDivisionError):
            h.room.say(people[2], c.PlaceBid(run_id=run_id, amount_cents=300, kind="exact"), "k")
        after = h.room.say(people[2], c.PlaceBid(run_id=run_id, amount_cents=400, kind="exact"), "later")
        answers = await asyncio.gather(*before, after)
        assert all(isinstance(answer, Accepted) for answer in answers)
        assert h.room.state.runs[run_id].price_cents == 400
        assert h.folded() == h.room.state


# --- opening again ---------------------------------------------------------------------------------


async def test_a_show_opens_from_its_snapshot_and_the_rows_after(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(salesroom_module, "ROWS_PER_SNAPSHOT", 50)
    time = FakeTime()
    async with hall(path, time) as h:
        people = await h.open()
        for n in range(140):
            await h.say(people[n % 3], c.Say(text=f"ligne {n}"))
        whole = encode_state(h.room.state)
    log = Log(path)
    snapshot = log.snapshot(FINGERPRINT)
    log.close()
    assert snapshot is not None and snapshot.seq == h.room.head, "closing leaves one"
    db = sqlite3.connect(path)
    db.execute("DELETE FROM snapshots WHERE seq = (SELECT max(seq) FROM snapshots)")
    db.commit()
    db.close()
    read: list[int] = []
    log = Log(path)
    reading = log.every_row
    monkeypatch.setattr(log, "every_row", lambda after=0, upto=2**62: (read.append(after), reading(after, upto))[1])
    async with hall(path, time, log) as h:
        assert encode_state(h.room.state) == whole
        assert h.room.head == snapshot.seq
    assert read == [read[0]] and 50 <= read[0] < snapshot.seq


async def test_a_snapshot_of_other_rules_is_not_trusted(path: Path) -> None:
    time = FakeTime()
    async with hall(path, time) as h:
        await h.open()
        whole = encode_state(h.room.state)
    db = sqlite3.connect(path)
    db.execute("UPDATE snapshots SET fingerprint = 'older', state = x'00'")
    db.commit()
    db.close()
    async with hall(path, time) as h:
        assert encode_state(h.room.state) == whole


async def test_an_event_of_an_unknown_kind_is_fatal_to_the_platform(path: Path) -> None:
    """It is not guessed past: money hangs on it."""
    time = FakeTime()
    async with hall(path, time) as h:
        await h.open()
        head = h.room.head
    log = Log(path)
    log.append([Turn(head, (Row(head + 1, time.ms, "everyone", "teleported", "", '{"type":"teleported"}'),))])
    with pytest.raises(NewerLog, match="teleported"):
        Salesroom(log, time.clock())
    log.close()
