"""Faults seeded into the rules, one at a time: the tests of the rules must find every one.

    packaging/dev.py mutants [--only WORD] [--jobs N] [--list]

Each mutant is one exact replacement in one file of seller_console/sale, made in a temporary copy
of the package; tests/rules runs against that copy in its own process (fixed seeds, first failure
ends it). Killed: a test failed. SURVIVED: all passed, which is a fault of the tests.
The run fails too when the unharmed copy does not pass, or a replacement no longer fits.
"""

# ruff: noqa: E501  (the table below: one fault a line)

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LONGEST_S = 300


@dataclass(frozen=True)
class Mutant:
    kind: str
    file: str
    sound: str
    broken: str
    why: str


M = Mutant
MUTANTS: tuple[Mutant, ...] = (
    # rule 1
    M("increment", "increments.py", "if price_cents < below:", "if price_cents <= below:", "a threshold takes the lower step"),
    M("increment", "increments.py", "(100_00, 3_00)", "(100_00, 5_00)", "a wrong step from 50 to 100"),
    M("increment", "increments.py", "return price_cents + increment_cents(price_cents)", "return price_cents + 100", "always one unit"),
    # rule 2
    M("boundary", "auction.py", "    if at_ms >= run.ends_at:\n        return refuse(\"late\")", "    if at_ms > run.ends_at:\n        return refuse(\"late\")", "a bid at ends_at is taken"),
    M("boundary", "auction.py", "run.status != \"running\" or at_ms < run.ends_at:", "run.status != \"running\" or at_ms < run.ends_at - 1:", "the bell rings a millisecond early"),
    M("boundary", "auction.py", "run.status != \"running\" or at_ms < run.ends_at:", "run.status != \"running\":", "the bell ignores the current end"),
    M("boundary", "auction.py", "run.run_id != command.run_id or run.status != \"running\"", "run.status != \"running\"", "an old run's bell ends the new one"),
    M("boundary", "auction.py", "    if run.run_id != state.current_run:\n        return refuse(\"late\")\n", "", "a bid on a run that has ended"),
    # rules 3 to 5
    M("tap", "auction.py", "    if amount < need:\n        return refuse(\"low\", state.currency, need_cents=need)", "    amount = max(amount, need)", "a low bid is silently raised"),
    M("tap", "auction.py", "    if amount < need:\n        return refuse(\"low\", state.currency, need_cents=need)", "    if amount <= need:\n        return refuse(\"low\", state.currency, need_cents=need)", "a bid of exactly the need is low"),
    M("leader", "auction.py", "    if command.kind != \"max\":\n        return refuse(\"already_leading\")\n", "", "a leader outbids themselves"),
    M("leader", "auction.py", "amount <= standing.max_cents:\n        return refuse(\"max_not_raised\"", "amount < standing.max_cents:\n        return refuse(\"max_not_raised\"", "an equal max counts as raised"),
    M("tie", "auction.py", "elif amount > standing.max_cents:", "elif amount >= standing.max_cents:", "a tie goes to the later"),
    M("tie", "auction.py", "key=lambda m: (-m.max_cents, m.order)", "key=lambda m: (-m.max_cents, -m.order)", "pre-bids: a tie goes to the later"),
    M("proxy", "auction.py", "min(amount, second + increment_cents(second))", "second + increment_cents(second)", "a new leader pays more than their max"),
    M("proxy", "auction.py", "min(leader_max, amount + increment_cents(amount))", "amount + increment_cents(amount)", "the leader is pushed above their max"),
    M("proxy", "auction.py", "price = max(run.price_cents, min(leader_max, amount + increment_cents(amount)))", "price = amount", "a max does not answer a bid"),
    M("proxy", "auction.py", "min(amount, second + increment_cents(second))", "min(amount, second)", "a new leader stands on the second max"),
    M("proxy", "auction.py", "price = max(price, min(leader.max_cents, second + increment_cents(second)))", "price = max(price, second)", "pre-bids: no step above the second"),
    M("exact", "auction.py", "    if exact and leader == who.person:\n        price = max(price, amount)\n", "", "an exact bid is a max"),
    M("exact", "auction.py", "    if leader.exact:\n        price = max(price, leader.max_cents)\n", "", "an exact bid forgets its price in a new epoch"),
    M("order", "fold_auction.py", "    state.next_order += 1\n", "", "maxima have no order"),
    M("amount", "guards.py", "and cents % UNIT_CENTS == 0", "", "cents in a bid"),
    # rule 6
    M("extension", "auction.py", "ends_at - at_ms < run.counter_bid_ms:", "ends_at - at_ms < run.counter_bid_ms - 1:", "a millisecond less than the counter-bid time does not extend"),
    M("extension", "auction.py", "        ends_at = at_ms + run.counter_bid_ms\n    return (", "        ends_at = ends_at + run.counter_bid_ms\n    return (", "extends from the old end"),
    M("extension", "auction.py", "if not run.sudden_death and ends_at", "if leader == who.person and not run.sudden_death and ends_at", "a bid that loses to a max does not extend"),
    M("extension", "auction.py", "ends_at - at_ms < run.counter_bid_ms:\n        ends_at = at_ms", "True:\n        ends_at = at_ms", "a bid shortens the clock"),
    M("sudden death", "auction.py", "if not run.sudden_death and ends_at", "if ends_at", "sudden death extends"),
    # rule 7
    M("pre-bid", "fold_auction.py", "    known.pre_bids.pop(event.bidder, None)\n    if event", "    if event", "a changed pre-bid keeps its place"),
    M("pre-bid", "fold_auction.py", "            known.pre_bids.pop(event.buyer, None)\n", "", "a pre-bid buys every unit"),
    M("pre-bid", "auction.py", "        if cents >= known.lot.opening_cents:", "        if cents > 0:", "a pre-bid below the opening price counts"),
    M("pre-bid", "auction.py", "person is None or person.blocked", "person is None", "a blocked person's pre-bid counts"),
    M("pre-bid", "fold_auction.py", "        forget_pre_bids(known)\n        if not", "        if not", "a void keeps the pre-bids"),
    M("pre-bid", "fold_stock.py", "sale.quantity)\n            forget_pre_bids(known)\n", "sale.quantity)\n", "a sale undone keeps the pre-bids"),
    # rule 8
    M("reserve", "auction.py", "leader_max_cents >= reserve_cents:", "leader_max_cents > reserve_cents:", "a max of exactly the reserve does not meet it"),
    M("reserve", "auction.py", "    price = with_reserve(price, leader_max, run.reserve_cents)\n", "", "a bid never meets the reserve by itself"),
    M("reserve", "auction.py", "price = with_reserve(run.price_cents, amount, run.reserve_cents)", "price = run.price_cents", "a leader's own raise does not meet it"),
    M("reserve", "auction.py", "if run.leader is None or run.price_cents < run.reserve_cents:", "if run.leader is None:", "sold below the reserve"),
    M("reserve", "queue.py", "if public or has_reserve is not None:", "if public:", "a new reserve is not made public"),
    # rules 9 and 10
    M("start", "auction.py", "    if state.current_run is not None:\n        return refuse(\"run_on\", run_id=state.current_run)\n", "", "two auctions at once"),
    M("start", "auction.py", "if known is None or known.status != \"queued\":\n            return refuse(\"not_next\"", "if known is None:\n            return refuse(\"not_next\"", "a removed lot is opened"),
    M("start", "auction.py", "if known.lot.format == \"auction\":\n            return known", "if known.lot.format != \"giveaway\":\n            return known", "PDD opens a buy-it-now"),
    M("start", "auction.py", "command.preset or known.lot.preset or state.preset", "command.preset or state.preset", "a lot's own preset is ignored"),
    M("withdraw", "auction.py", "at_ms >= run.withdrawable_until or", "at_ms > run.withdrawable_until or", "withdrawn at two seconds"),
    M("withdraw", "auction.py", "at_ms >= run.withdrawable_until or run.bid_count > 0 or run.bid_live:", "at_ms >= run.withdrawable_until:", "withdrawn after a bid"),
    M("withdraw", "auction.py", "run.bid_count > 0 or run.bid_live:", "run.leader is not None:", "pre-bids end the time to withdraw"),
    M("withdraw", "auction.py", "run.bid_count > 0 or run.bid_live:", "run.bid_count > 0:", "withdrawn over a leader's raise"),
    M("bag", "auction.py", "bag_number=buyer.bag_number or state.next_bag,", "bag_number=state.next_bag,", "a new bag at each purchase"),
    # rule 11
    M("re-run", "auction.py", "if not free and aside <= 0:", "if False:", "a sold lot is run again"),
    M("void", "payment.py", "    if sale.status == \"paid\":\n        return refuse(\"already_paid\")\n    if _pending", "    if _pending", "a paid sale is undone"),
    M("void", "fold_stock.py", "    buyer.spent_cents -= sale.price_cents * sale.quantity\n", "", "a voided sale is still owed"),
    # rule 12
    M("runner-up", "payment.py", "if len(made) >= MOST_OFFERS:", "if len(made) > MOST_OFFERS:", "four offers"),
    M("runner-up", "payment.py", "m.bidder not in out and not", "m.bidder != run.leader and not", "somebody is asked twice"),
    M("runner-up", "payment.py", "if leader is None or price < run.reserve_cents:", "if leader is None:", "offered below the reserve"),
    M("runner-up", "payment.py", "resolved(standing, run.opening_cents, run.reserve_cents)", "resolved(run.maxima.values(), run.opening_cents, run.reserve_cents)", "the failed winner is in the price"),
    M("runner-up", "payment.py", "or at_ms >= offer.expires_at:\n        return refuse(\"offer_closed\")", "or at_ms > offer.expires_at:\n        return refuse(\"offer_closed\")", "accepted as it expires"),
    M("runner-up", "payment.py", "valid_ms = FIRST_OFFER_MS if nth == 1 else NEXT_OFFER_MS", "valid_ms = FIRST_OFFER_MS", "two minutes for each"),
    M("runner-up", "payment.py", "not in out and not _is_blocked(state, m.bidder)", "not in out", "the blocked are asked"),
    M("stock", "payment.py", "    if _pending(state, sale):\n        return refuse(\"offer_pending\")\n    reason", "    reason", "stock is not held while somebody is asked"),
    M("basket", "payment.py", "    return marked, *_less_owed(state, sale)", "    return (marked,)", "a link still asks for what was marked"),
    M("basket", "payment.py", "        *_less_owed(state, sale),\n    )", "    )", "a link still asks for what was undone"),
    M("basket", "payment.py", "    left = [one for one in left if one.status == \"validated\"]\n", "", "a link asks again for what was given up"),
    M("basket", "payment.py", "if one != sale.sale_id and one in state.sales]", "if one in state.sales]", "the undone sale stays in its basket"),
    M("basket", "fold_stock.py", "            basket.payment_link = event.payment_link\n", "", "the old link stays"),
    M("stock", "auction.py", "free = [s for s in failed if s.sale_id not in asked]", "free = failed", "run again while somebody is asked"),
    M("stock", "formats.py", "    if command.quantity > known.units_left:\n        return refuse(\"not_enough\", left=known.units_left)\n", "", "sold more than there is"),
    M("stock", "fold_stock.py", "            set_left(known, known.units_left + sale.quantity)\n", "", "a voided purchase is lost"),
    M("stock", "fold_stock.py", "if not (event.how == \"runner_up\" and aside >= event.quantity):", "if True:", "a runner-up takes a second unit"),
    M("limit", "guards.py", "if owed + more_cents <= person.limit_cents:", "if more_cents <= person.limit_cents:", "the limit forgets what is spent"),
    M("limit", "guards.py", "        owed += run.maxima[person.person].max_cents\n", "        owed += 0\n", "the limit forgets the run one leads"),
    # rule 13
    M("epoch", "auction.py", "        if known.bidder == gone:\n            continue\n", "", "the blocked leader still leads"),
    M("epoch", "auction.py", "ends_at = max(ends_at, at_ms + run.counter_bid_ms)", "ends_at = at_ms + run.counter_bid_ms", "a new epoch shortens the clock"),
    M("epoch", "auction.py", "        ends_at = max(ends_at, at_ms + run.counter_bid_ms)\n    moved = ev", "        pass\n    moved = ev", "a new epoch gives no time"),
    M("limit", "auction.py", "cents = within_limit(state, state.people[known.bidder], known.max_cents)", "cents = known.max_cents", "a new epoch forgets the limit"),
    M("limit", "guards.py", "if known is not None and on_shelf(state, known):", "if True:", "an offer on a lot that is gone holds money"),
    M("limit", "formats.py", "if limit_refusal(state, buyer, 0) is not None:", "if False:", "an offer that came back is accepted beyond the limit"),
    M("epoch", "auction.py", "epoch=run.epoch + 1,", "epoch=run.epoch,", "no new epoch"),
    M("epoch", "fold_room.py", "        run.maxima.pop(event.person, None)\n", "        pass\n", "a blocked max comes back"),
    M("roles", "guards.py", "if person.role in STAFF or who.role in STAFF:", "if who.role in STAFF:", "a moderator bids with a buyer's pass"),
    M("roles", "show.py", "    if command.BY and who.role not in command.BY:\n        return refuse(\"not_allowed\")\n", "", "everyone may say everything"),
    # rule 15
    M("pause", "outage.py", "return at_ms + max(run.remaining_ms, run.counter_bid_ms)", "return at_ms + run.remaining_ms", "resumed with what remained only"),
    M("pause", "outage.py", "PICTURE_LOST_AT_BELL_MS if bell_is_due else PICTURE_LOST_MS", "PICTURE_LOST_MS", "the bell rings over a lost picture"),
    M("pause", "outage.py", "at_ms - command.since_ms <", "at_ms - command.since_ms <=", "five seconds are not enough"),
    M("pause", "outage.py", "min(at_ms, run.paused_at + command.down_ms)", "run.paused_at", "a pause counts the time the platform was down"),
    M("pause", "outage.py", "min(at_ms, run.paused_at + command.down_ms)", "at_ms", "a pause begins anew when the platform returns"),
    M("pause", "outage.py", "at_ms < run.paused_at + PAUSE_MS", "at_ms <= run.paused_at + PAUSE_MS", "void a millisecond late"),
    M("pause", "auction.py", "    if run.status == \"paused\":\n        return refuse(\"paused\", reason=run.pause_reason)\n", "", "bids during a pause"),
    M("pause", "outage.py", "if run is None or run.status != \"paused\" or run.pause_reason != \"picture_lost\":\n        return (back,)", "if run is None or run.status != \"paused\":\n        return (back,)", "a picture resumes what the log stopped"),
    M("outage", "outage.py", "ends_at=at_ms + run.counter_bid_ms, reason=\"outage\"", "ends_at=run.ends_at + run.counter_bid_ms, reason=\"outage\"", "the time given back is counted from the old end"),
    M("outage", "outage.py", "or at_ms + run.counter_bid_ms <= run.ends_at:", "or run.sudden_death or at_ms + run.counter_bid_ms <= run.ends_at:", "sudden death gets no time back"),
    # audiences and folds
    M("audience", "audience.py", "return who.person == name or who.role in BACKSTAGE", "return True", "baskets are for everybody"),
    M("audience", "audience.py", "    if kind == \"person\":\n        return who.person == name", "    if kind == \"person\":\n        return who.person == name or who.role == \"owner\"", "the seller sees maxima"),
    M("audience", "audience.py", "if audience == \"backstage\":\n        return who.role in BACKSTAGE", "if audience == \"backstage\":\n        return who.role in STAFF", "moderators see reserves"),
    M("audience", "audience.py", "        return name in salons\n    return False", "        return name in salons\n    return True", "an unknown audience is everybody"),
    M("audience", "brief_history.py", "            if line.muted and line.person != self.who.person:\n                return\n", "", "a brief tells muted lines"),
    M("audience", "brief.py", "own = run.maxima.get(self.who.person)", "own = run.maxima.get(run.leader or \"\")", "a brief tells the leader's max"),
    M("fold", "fold_room.py", "        if not lines.pop(0).muted:\n            state.public_lines -= 1", "        lines.pop(0)\n        state.public_lines -= 1", "muted lines push out public ones"),
    M("audience", "room.py", "    if line.muted:\n        return ev.Muted", "    if False:\n        return ev.Muted", "a deleted muted line is announced"),
    M("audience", "room.py", " and (muted or not replied.muted)", "", "an answer names a muted line"),
    M("brief", "brief.py", "            if self.history.units[lot_id].disturbed:\n", "            if False:\n", "a brief forgets the order of the queue"),
    # the queue
    M("merge", "queue.py", "known.field_versions.get(name, 1) > command.seen_version:", "known.version > command.seen_version:", "different fields do not merge"),
    M("merge", "queue.py", "known.field_versions.get(name, 1) > command.seen_version:", "False:", "the last writer wins"),
    M("merge", "fold_stock.py", "        known.field_versions[name] = version\n", "        pass\n", "versions of fields are not kept"),
    M("queue", "queue.py", "if known.status == \"on_block\" and not wanted.keys() <= NOTE_FIELDS:", "if False:", "the lot on the block is edited"),
    M("queue", "fold_stock.py", "        queue.insert(queue.index(after) + 1, lot_id)", "        queue.insert(queue.index(after), lot_id)", "after means before"),
    M("queue", "fold_stock.py", "    if lot_id in queue:\n        queue.remove(lot_id)\n", "", "a moved lot is there twice"),
    M("numbers", "fold_stock.py", "state.next_number = max(state.next_number, lot.number + 1)", "state.next_number = len(state.queue) + 1", "numbers are reused"),
    M("numbers", "fold_room.py", "int(digits) >= state.next_id", "int(digits) > state.next_id", "ids are reused"),
    M("numbers", "fold_stock.py", "    known.units_done = known.units_total - units\n", "", "units are not counted"),
    M("stock", "fold_stock.py", "        known.field_versions[\"quantity\"] = known.version\n", "", "a sale is no change of the quantity one saw"),
    M("names", "room.py", "while state.nicknames.get(heard(nickname), person) != person:", "while False:", "two people have one name"),
    M("room", "room.py", "return None if line.muted and line.person != who.person else line", "return line", "a muted line is answered"),
    M("followers", "auction.py", "    if not buyer.following and state.lots[run.lot_id].lot.followers_only:\n        return refuse(\"followers_only\")\n", "", "anybody bids on a followers' lot"),
    # other formats, room
    M("giveaway", "formats.py", "if p in here and not state.people[p].blocked", "if not state.people[p].blocked", "somebody absent wins"),
    M("giveaway", "formats.py", "eligible = sorted(", "eligible = list(", "the draw depends on who came first"),
    M("giveaway", "formats.py", "return number % count", "return number % max(1, count - 1)", "the last entrant never wins"),
    M("giveaway", "formats.py", "    if who.person in giveaway.entrants:\n        return refuse(\"already_entered\")\n", "", "entered twice"),
    M("flash", "formats.py", "return known.flash_price_cents if at_ms < known.flash_ends_at", "return known.flash_price_cents if at_ms <= known.flash_ends_at", "the flash price a millisecond too long"),
    M("flash", "queue.py", "and price > known.flash_price_cents:", "and price >= known.flash_price_cents:", "a flash sale that cuts nothing goes on"),
    M("pre-bid", "auction.py", "if command.max_cents != 0 or known.status == \"on_block\":", "if True:", "a pre-bid on a removed lot cannot be taken back"),
    M("flash", "formats.py", "known.flash_bought.get(who.person, 0) + command.quantity >", "command.quantity >", "the limit per buyer counts one purchase"),
    M("room", "room.py", "muted = contains_any(text, state.muted_words)", "muted = False", "muted words are shown"),
    M("room", "text.py", "        elif character in _DROPPED or", "        elif", "direction overrides are kept"),
    M("room", "text.py", " for character in plain if character not in _DROPPED", " for character in plain", "an invisible character parts a muted word"),
    M("room", "text.py", "return joined and _is_picture(after)", "return joined", "a joiner that joins nothing stays"),
    M("names", "room.py", "    if not folded(wanted):\n        return refuse(\"bad_nickname\")\n", "", "a nickname nobody can say"),
    M("room", "room.py", "if state.slow_mode_ms and person.last_line_at and wait > 0:", "if False:", "slow mode is off"),
    M("report", "report.py", "+ 5_000) // 10_000", ") // 10_000", "fees are rounded down"),
    M("report", "report.py", "return self.total_cents - self.fee_cents - self.cost_cents", "return self.total_cents - self.fee_cents", "margin without cost"),
)  # fmt: skip


def _copy(into: Path) -> None:
    """The rules and their tests, and nothing that needs a window or a server."""
    hidden = shutil.ignore_patterns("__pycache__", ".hypothesis")
    package = into / "seller_console"
    package.mkdir()
    shutil.copy(ROOT / "seller_console" / "__init__.py", package)
    for part in ("contract", "sale"):
        shutil.copytree(ROOT / "seller_console" / part, package / part, ignore=hidden)
    shutil.copytree(ROOT / "tests" / "rules", into / "tests" / "rules", ignore=hidden)


def _run_tests(place: str) -> None:
    """In a process of its own: pytest on the copy at `place`; its words to a file, its verdict the exit code."""
    os.chdir(place)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    sys.dont_write_bytecode = True
    sys.path.insert(0, place)
    import pytest

    words = ["tests/rules", "-x", "-q", "--no-header", "--tb=line", "-p", "no:cacheprovider"]
    words += ["--import-mode=importlib", "-o", "pythonpath=."]
    words += [
        "--ignore=tests/rules/test_speed.py",
        "--ignore=tests/rules/test_refusals.py",
    ]  # it reads the source: a kill there would prove nothing
    with Path("output.txt").open("w", encoding="utf-8") as output, contextlib.redirect_stdout(output):
        verdict = pytest.main(words)
    rules = sys.modules["seller_console.sale"].__file__ or ""
    if not Path(rules).resolve().is_relative_to(Path(place).resolve()):
        sys.exit(99)
    sys.exit(int(verdict))


def _context() -> multiprocessing.context.BaseContext:
    """Where there is a fork server, pytest and Hypothesis are imported once for all mutants."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["pytest", "hypothesis", "hypothesis.stateful", "msgspec"])
    return context


def _failed_test(output: str) -> str:
    for line in output.splitlines():
        if line.startswith(("FAILED ", "ERROR ")):
            return line.split(" ", 1)[1].split(" - ")[0].removeprefix("tests/rules/")
    return output.strip().splitlines()[-1] if output.strip() else "?"


def _try(mutant: Mutant | None) -> tuple[str, str, float]:
    """("killed" | "SURVIVED" | "MISFIT", which test, seconds). None: the unharmed copy."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        place = Path(folder)
        _copy(place)
        if mutant is not None:
            source = place / "seller_console" / "sale" / mutant.file
            text = source.read_text(encoding="utf-8")
            if text.count(mutant.sound) != 1:
                return "MISFIT", f"found {text.count(mutant.sound)} times", 0.0
            source.write_text(text.replace(mutant.sound, mutant.broken), encoding="utf-8")
        (place / "pytest.ini").write_text("[pytest]\n")
        child = _context().Process(target=_run_tests, args=(str(place),))  # type: ignore[attr-defined]
        child.start()
        child.join(LONGEST_S)
        if child.is_alive():
            child.kill()
            child.join()
            return "killed", "never ended", time.monotonic() - began
        output = (place / "output.txt").read_text(encoding="utf-8") if (place / "output.txt").exists() else ""
    seconds = time.monotonic() - began
    if child.exitcode == 0:
        return "SURVIVED", "", seconds
    if child.exitcode == 1:
        return "killed", _failed_test(output), seconds
    if child.exitcode == 2 and "ERROR" in output:
        return "killed", _failed_test(output), seconds
    return "MISFIT", f"exit code {child.exitcode}", seconds


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="mutants", description=__doc__)
    parser.add_argument("--only", default="", help="mutants whose kind, file or reason contains this")
    parser.add_argument("--jobs", type=int, default=max(1, min(4, os.cpu_count() or 2)))
    parser.add_argument("--list", action="store_true")
    asked = parser.parse_args(argv)
    chosen = [m for m in MUTANTS if asked.only in f"{m.kind} {m.file} {m.why}"]
    if asked.list:
        for mutant in chosen:
            print(f"{mutant.kind:13} {mutant.file:18} {mutant.why}")
        return 0
    verdict, where, seconds = _try(None)
    if verdict != "SURVIVED":
        print(f"the unharmed rules do not pass their tests: {where}")
        return 2
    print(f"unharmed: passes in {seconds:.0f} s; {len(chosen)} mutants, {asked.jobs} at a time", flush=True)
    tally: dict[str, int] = {}
    with ThreadPoolExecutor(asked.jobs) as pool:
        for mutant, (verdict, where, seconds) in zip(chosen, pool.map(_try, chosen), strict=True):
            tally[verdict] = tally.get(verdict, 0) + 1
            print(f"{verdict:9} {mutant.kind:13} {mutant.why:55} {seconds:5.1f} s  {where}", flush=True)
    killed = tally.get("killed", 0)
    print(f"{killed} of {len(chosen)} killed, {tally.get('SURVIVED', 0)} survived, {tally.get('MISFIT', 0)} misfit")
    return 0 if chosen and killed == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main())
