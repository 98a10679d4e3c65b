"""What events do to the people and the lines of a show, and how ids are counted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..contract import events as ev
from ..contract.words import PersonId
from .state import Line, Person, ShowState
from .text import heard

Folds = dict[type, Callable[[ShowState, Any, int], None]]

KEPT_LINES = 500
KEPT_WHISPERS = 100


def count_id(state: ShowState, made: str) -> None:
    """Ids are counted: after "L12" the next is 13."""
    digits = made[1:]
    if digits.isdecimal() and int(digits) >= state.next_id:
        state.next_id = int(digits) + 1


def name_person(state: ShowState, person: PersonId, nickname: str) -> None:
    """From now on `nickname` is this person's, and the one before is free."""
    known = state.people.get(person)
    if known is not None and state.nicknames.get(heard(known.nickname)) == person:
        del state.nicknames[heard(known.nickname)]
    state.nicknames[heard(nickname)] = person


def person_of(state: ShowState, person: PersonId, nickname: str = "") -> Person:
    """The person, made from what is known when this fold never saw them join."""
    known = state.people.get(person)
    if known is None:
        known = state.people[person] = Person(person=person, nickname=nickname, role="buyer", present=False)
    return known


# --- people ---------------------------------------------------------------------------


def _person_joined(state: ShowState, event: ev.PersonJoined, at_ms: int) -> None:
    known = state.people.get(event.person)
    name_person(state, event.person, event.nickname)
    if known is None:
        state.people[event.person] = Person(
            person=event.person,
            nickname=event.nickname,
            role=event.role,
            joined_at=at_ms,
            invited_by=event.invited_by,
        )
        if event.invited_by:
            add_line(
                state,
                Line(
                    line_id=f"joined:{event.person}",
                    at_ms=at_ms,
                    kind="joined",
                    person=event.person,
                    nickname=event.nickname,
                    role=event.role,
                    text=event.invited_by,
                ),
            )
        return
    known.nickname = event.nickname
    known.role = event.role
    known.present = True
    known.joined_at = known.joined_at or at_ms


def _regular_recognised(state: ShowState, event: ev.RegularRecognised, at_ms: int) -> None:
    person = person_of(state, event.buyer)
    person.regular = event.regular
    person.note = person.note or event.regular.note


def _person_left(state: ShowState, event: ev.PersonLeft, at_ms: int) -> None:
    person_of(state, event.person).present = False


# --- the room -------------------------------------------------------------------------


def add_line(state: ShowState, line: Line) -> None:
    lines = state.lines
    lines.append(line)
    if line.muted:
        if len(lines) - state.public_lines > KEPT_LINES:
            del lines[next(i for i, old in enumerate(lines) if old.muted)]
        return
    state.public_lines += 1
    while state.public_lines > KEPT_LINES:
        if not lines.pop(0).muted:
            state.public_lines -= 1


def _said(state: ShowState, event: ev.LineSaid | ev.LineMuted, at_ms: int, muted: bool) -> None:
    count_id(state, event.line_id)
    person = state.people.get(event.person)
    if person is not None:
        person.last_line_at = at_ms
    add_line(
        state,
        Line(
            line_id=event.line_id,
            at_ms=at_ms,
            kind="said",
            person=event.person,
            nickname=event.nickname,
            role=event.role,
            text=event.text,
            reply_to=event.reply_to,
            first_purchase=person is not None and person.purchases == 1,
            muted=muted,
        ),
    )


def _line_said(state: ShowState, event: ev.LineSaid, at_ms: int) -> None:
    _said(state, event, at_ms, False)


def _line_muted(state: ShowState, event: ev.LineMuted, at_ms: int) -> None:
    _said(state, event, at_ms, True)


def _line_deleted(state: ShowState, event: ev.LineDeleted | ev.MutedLineDeleted, at_ms: int) -> None:
    if state.pinned_line == event.line_id:
        state.pinned_line = None
    for line in reversed(state.lines):
        if line.line_id == event.line_id:
            line.deleted = True
            line.text = ""
            return


def _line_pinned(state: ShowState, event: ev.LinePinned, at_ms: int) -> None:
    state.pinned_line = event.line_id


def _announced(state: ShowState, event: ev.Announced, at_ms: int) -> None:
    by = state.people.get(event.by)
    line_id = event.line_id or f"announced:{state.next_notice}"
    state.next_notice += 1
    count_id(state, line_id)
    add_line(
        state,
        Line(
            line_id=line_id,
            at_ms=at_ms,
            kind="announced",
            person=event.by,
            nickname=by.nickname if by is not None else "",
            role=by.role if by is not None else "owner",
            text=event.text,
        ),
    )


def _slow_mode_set(state: ShowState, event: ev.SlowModeSet, at_ms: int) -> None:
    state.slow_mode_ms = event.every_ms


def _muted_words_set(state: ShowState, event: ev.MutedWordsSet, at_ms: int) -> None:
    state.muted_words = event.words


def _timed_out(state: ShowState, event: ev.TimedOut, at_ms: int) -> None:
    person_of(state, event.person).timed_out_until = event.until


def _blocked(state: ShowState, event: ev.Blocked, at_ms: int) -> None:
    person_of(state, event.person).blocked = True
    run = state.run
    if run is not None:
        run.maxima.pop(event.person, None)


def _unblocked(state: ShowState, event: ev.Unblocked, at_ms: int) -> None:
    person_of(state, event.person).blocked = False


def _followed(state: ShowState, event: ev.Followed, at_ms: int) -> None:
    person_of(state, event.person).following = event.following


def _whispered(state: ShowState, event: ev.Whispered, at_ms: int) -> None:
    by = state.people.get(event.by)
    state.whispers.append(
        Line(
            line_id=f"whisper:{at_ms}:{sum(old.at_ms == at_ms for old in state.whispers)}",
            at_ms=at_ms,
            kind="said",
            person=event.by,
            nickname=event.by_name,
            role=by.role if by is not None else "producer",
            text=event.text,
        )
    )
    if len(state.whispers) > KEPT_WHISPERS:
        del state.whispers[0]


def _buyer_noted(state: ShowState, event: ev.BuyerNoted, at_ms: int) -> None:
    person_of(state, event.buyer).note = event.note


FOLDS: Folds = {
    ev.PersonJoined: _person_joined,
    ev.RegularRecognised: _regular_recognised,
    ev.PersonLeft: _person_left,
    ev.LineSaid: _line_said,
    ev.LineMuted: _line_muted,
    ev.LineDeleted: _line_deleted,
    ev.MutedLineDeleted: _line_deleted,
    ev.LinePinned: _line_pinned,
    ev.Announced: _announced,
    ev.SlowModeSet: _slow_mode_set,
    ev.MutedWordsSet: _muted_words_set,
    ev.TimedOut: _timed_out,
    ev.Blocked: _blocked,
    ev.Unblocked: _unblocked,
    ev.Followed: _followed,
    ev.Whispered: _whispered,
    ev.BuyerNoted: _buyer_noted,
}
