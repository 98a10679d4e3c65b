"""The room: who is here, what is said, and who may still say it.

A line with a muted word is told to its author only. Moderators quiet buyers, never each
other. Blocking the leader of a run is also an affair of the auction (rule 13).
"""

from __future__ import annotations

from ..contract import commands as cm
from ..contract import events as ev
from ..contract.words import STAFF, LineId, PersonId, Refusal, Who
from .auction import new_epoch
from .guards import MOST_CENTS, buyer_of, name_of, room_buyer, said
from .refusals import refuse
from .state import Line, ShowState
from .text import CHAT_LENGTH, NICKNAME_LENGTH, NOTE_LENGTH, clean, contains_any, folded, heard

Decision = tuple[ev.Event, ...] | Refusal

SLOWEST_MS = 600_000
MOST_MUTED_WORDS = 500
LONGEST_TIME_OUT_S = 86_400


def join(state: ShowState, command: cm.Join, who: Who, at_ms: int) -> Decision:
    """A nickname is one person's: a second Julie is "Julie 2"."""
    known = state.people.get(who.person)
    wanted = said(who.nickname, NICKNAME_LENGTH)
    if isinstance(wanted, Refusal):
        return wanted
    if not folded(wanted):
        return refuse("bad_nickname")
    if known is not None and known.present and known.role == who.role and _root(known.nickname, wanted):
        return ()
    if known is not None and _root(known.nickname, wanted):
        nickname = known.nickname
    else:
        nickname = _free(state, who.person, wanted)
    inviter = command.invited_by if command.invited_by in state.people and command.invited_by != who.person else ""
    joined = ev.PersonJoined(person=who.person, nickname=nickname, role=who.role, invited_by=inviter)
    if command.regular is None or known is not None:
        return (joined,)
    return joined, ev.RegularRecognised(buyer=who.person, regular=command.regular)


def _root(held: str, wanted: str) -> bool:
    """True if `held` is what this person was given when they asked for `wanted`."""
    return held == wanted or (held.startswith(f"{wanted} ") and held[len(wanted) + 1 :].isdecimal())


def _free(state: ShowState, person: PersonId, wanted: str) -> str:
    nickname, count = wanted, 1
    while state.nicknames.get(heard(nickname), person) != person:
        count += 1
        nickname = f"{wanted} {count}"
    return nickname


def leave(state: ShowState, command: cm.Leave, who: Who, at_ms: int) -> Decision:
    known = state.people.get(who.person)
    if known is None or not known.present:
        return ()
    return (ev.PersonLeft(person=who.person),)


def say(state: ShowState, command: cm.Say, who: Who, at_ms: int) -> Decision:
    person = state.people.get(who.person)
    if person is None:
        return refuse("not_joined")
    text = said(command.text, CHAT_LENGTH)
    if isinstance(text, Refusal):
        return text
    muted = False
    if who.role not in STAFF:
        if person.blocked:
            return refuse("blocked")
        if at_ms < person.timed_out_until:
            return refuse("timed_out", wait_ms=person.timed_out_until - at_ms)
        wait = person.last_line_at + state.slow_mode_ms - at_ms
        if state.slow_mode_ms and person.last_line_at and wait > 0:
            return refuse("slow_mode", wait_ms=wait)
        muted = contains_any(text, state.muted_words)
    replied = _line_of(state, command.reply_to, who)
    shown = replied is not None and not replied.deleted and (muted or not replied.muted)
    reply_to = command.reply_to if shown else ""
    kind = ev.LineMuted if muted else ev.LineSaid
    return (
        kind(
            line_id=f"C{state.next_id}",
            person=who.person,
            nickname=person.nickname,
            role=who.role,
            text=text,
            reply_to=reply_to,
        ),
    )


def _line_of(state: ShowState, line_id: LineId, who: Who) -> Line | None:
    """The line as `who` may know it: somebody else's muted line does not exist."""
    for line in reversed(state.lines):
        if line.line_id == line_id:
            return None if line.muted and line.person != who.person else line
    return None


def delete_line(state: ShowState, command: cm.DeleteLine, who: Who, at_ms: int) -> Decision:
    line = _line_of(state, command.line_id, who)
    if line is None or line.kind not in ("said", "announced"):
        return refuse("unknown_line")
    if line.person != who.person and who.role not in STAFF:
        return refuse("not_yours")
    if line.deleted:
        return ()
    return (deleted(line, who.person),)


def deleted(line: Line, by: PersonId) -> ev.LineDeleted | ev.MutedLineDeleted:
    if line.muted:
        return ev.MutedLineDeleted(line_id=line.line_id, person=line.person)
    return ev.LineDeleted(line_id=line.line_id, by=by)


def pin_line(state: ShowState, command: cm.PinLine, who: Who, at_ms: int) -> Decision:
    if command.line_id == state.pinned_line:
        return ()
    if command.line_id is not None:
        line = _line_of(state, command.line_id, who)
        if line is None or line.deleted:
            return refuse("unknown_line")
    return (ev.LinePinned(line_id=command.line_id, by=who.person),)


def announce(state: ShowState, command: cm.Announce, who: Who, at_ms: int) -> Decision:
    text = said(command.text, CHAT_LENGTH)
    if isinstance(text, Refusal):
        return text
    return (ev.Announced(text=text, by=who.person, line_id=f"C{state.next_id}"),)


def set_slow_mode(state: ShowState, command: cm.SetSlowMode, who: Who, at_ms: int) -> Decision:
    if not 0 <= command.every_ms <= SLOWEST_MS:
        return refuse("bad_duration", least=0, most=SLOWEST_MS // 1000)
    if command.every_ms == state.slow_mode_ms:
        return ()
    return (ev.SlowModeSet(every_ms=command.every_ms, by=who.person),)


def set_muted_words(state: ShowState, command: cm.SetMutedWords, who: Who, at_ms: int) -> Decision:
    if len(command.words) > MOST_MUTED_WORDS:
        return refuse("too_many", most=MOST_MUTED_WORDS)
    words: dict[str, None] = {}
    for raw in command.words:
        word = clean(raw)
        if len(word) > NICKNAME_LENGTH * 2:
            return refuse("too_long", length=NICKNAME_LENGTH * 2)
        if folded(word):
            words[word] = None
    return (ev.MutedWordsSet(words=tuple(words), by=who.person),)


def time_out(state: ShowState, command: cm.TimeOut, who: Who, at_ms: int) -> Decision:
    person = room_buyer(state, command.person)
    if isinstance(person, Refusal):
        return person
    if not 0 <= command.seconds <= LONGEST_TIME_OUT_S:
        return refuse("bad_duration", least=0, most=LONGEST_TIME_OUT_S)
    return (ev.TimedOut(person=command.person, until=at_ms + command.seconds * 1000, by=who.person),)


def block(state: ShowState, command: cm.Block, who: Who, at_ms: int) -> Decision:
    person = room_buyer(state, command.person)
    if isinstance(person, Refusal):
        return person
    if person.blocked:
        return ()
    blocked = ev.Blocked(person=command.person, by=who.person)
    run = state.run
    if run is None or run.leader != command.person:
        return (blocked,)
    return blocked, *new_epoch(state, run, command.person, at_ms)


def unblock(state: ShowState, command: cm.Unblock, who: Who, at_ms: int) -> Decision:
    person = room_buyer(state, command.person)
    if isinstance(person, Refusal):
        return person
    if not person.blocked:
        return ()
    return (ev.Unblocked(person=command.person, by=who.person),)


def follow(state: ShowState, command: cm.Follow, who: Who, at_ms: int) -> Decision:
    person = state.people.get(who.person)
    if person is None:
        return refuse("not_joined")
    if person.following == command.following:
        return ()
    return (ev.Followed(person=who.person, following=command.following),)


def whisper(state: ShowState, command: cm.Whisper, who: Who, at_ms: int) -> Decision:
    text = said(command.text, CHAT_LENGTH)
    if isinstance(text, Refusal):
        return text
    return (ev.Whispered(text=text, by=who.person, by_name=name_of(state, who)),)


def note_buyer(state: ShowState, command: cm.NoteBuyer, who: Who, at_ms: int) -> Decision:
    person = room_buyer(state, command.buyer)
    if isinstance(person, Refusal):
        return person
    note = clean(command.note, lines=True)
    if len(note) > NOTE_LENGTH:
        return refuse("too_long", length=NOTE_LENGTH)
    return (ev.BuyerNoted(buyer=command.buyer, note=note, by=who.person),)


def set_spending_limit(state: ShowState, command: cm.SetSpendingLimit, who: Who, at_ms: int) -> Decision:
    """The buyer's own; 0 takes it off. Below what is already spent it simply stops further bids."""
    buyer = buyer_of(state, who)
    if isinstance(buyer, Refusal):
        return buyer
    if not 0 <= command.limit_cents <= MOST_CENTS:
        return refuse("bad_price")
    if command.limit_cents == buyer.limit_cents:
        return ()
    return (ev.SpendingLimitSet(buyer=who.person, limit_cents=command.limit_cents),)
