"""What each event does to a show: the one fold every program uses.

    apply(state, event, at_ms) -> None        in place

Promises: folding a whole log and folding only the rows one reader may see agree on every
public fact; a row about something this fold never heard of is taken for what it says and
never crashes; an event kind it does not know changes nothing but the stamp.
Refuses to compute what only a full log could know: events carry their outcome.
"""

from __future__ import annotations

from typing import Any

from ..contract import events as ev
from . import fold_auction, fold_room, fold_stock
from .state import Person, ShowState


def apply(state: ShowState, event: ev.Event, at_ms: int) -> None:
    """Let `event`, stamped `at_ms`, happen to `state`."""
    state.last_at = at_ms
    fold = _FOLDS.get(type(event))
    if fold is not None:
        fold(state, event, at_ms)


# --- the show -------------------------------------------------------------------


def _show_opened(state: ShowState, event: ev.ShowOpened, at_ms: int) -> None:
    state.show_id = event.show_id
    state.title = event.title
    state.owner = event.owner
    state.currency = event.currency
    state.preset = event.preset
    state.other_preset = event.other_preset
    state.picture_rule = event.picture_rule
    state.next_number = event.first_number
    state.opened_at = at_ms
    fold_room.name_person(state, event.owner, event.owner_name)
    state.people[event.owner] = Person(
        person=event.owner, nickname=event.owner_name, role="owner", joined_at=at_ms, present=True
    )


def _show_edited(state: ShowState, event: ev.ShowEdited, at_ms: int) -> None:
    if event.title is not None:
        state.title = event.title
    if event.preset is not None:
        state.preset = event.preset
    if event.other_preset is not None:
        state.other_preset = event.other_preset
    if event.picture_rule is not None:
        state.picture_rule = event.picture_rule
    if event.fee_bps is not None:
        state.fee_bps = event.fee_bps
    if event.payment_page is not None:
        state.payment_page = event.payment_page


def _show_backstage_set(state: ShowState, event: ev.ShowBackstageSet, at_ms: int) -> None:
    if event.fee_bps is not None:
        state.fee_bps = event.fee_bps
    if event.payment_page is not None:
        state.payment_page = event.payment_page


def _show_went_live(state: ShowState, event: ev.ShowWentLive, at_ms: int) -> None:
    state.status = "live"
    state.live_at = at_ms
    state.rehearsal = event.rehearsal


def _show_ended(state: ShowState, event: ev.ShowEnded, at_ms: int) -> None:
    state.status = "ended"
    state.ended_at = at_ms


def _run_of_show_set(state: ShowState, event: ev.RunOfShowSet, at_ms: int) -> None:
    state.run_of_show = event.notes
    state.run_of_show_version = event.version


def _only_news(state: ShowState, event: Any, at_ms: int) -> None:
    """Said for the record and the screens; the state of the sale is not touched."""


_FOLDS: fold_room.Folds = {
    **fold_room.FOLDS,
    **fold_stock.FOLDS,
    **fold_auction.FOLDS,
    ev.ShowOpened: _show_opened,
    ev.ShowEdited: _show_edited,
    ev.ShowBackstageSet: _show_backstage_set,
    ev.ShowWentLive: _show_went_live,
    ev.ShowEnded: _show_ended,
    ev.RunOfShowSet: _run_of_show_set,
    ev.PlatformReturned: _only_news,
    ev.MediaNoted: _only_news,
}
