"""When the picture, the log or the platform fails while a lot runs (rule 15).

The clock is frozen or given back, never simply lost: a resumed run has what remained of it or
the counter-bid time, whichever is more; a pause of two minutes is a void.
"""

from __future__ import annotations

from ..contract import commands as cm
from ..contract import events as ev
from ..contract.words import Refusal, Who
from .auction import PAUSE_MS, voided
from .refusals import refuse
from .state import Run, ShowState

Decision = tuple[ev.Event, ...] | Refusal

PICTURE_LOST_MS = 5_000
PICTURE_LOST_AT_BELL_MS = 1_000


def lose_picture(state: ShowState, command: cm.LosePicture, who: Who, at_ms: int) -> Decision:
    """5 s without ingest video, or 1 s when the bell is due."""
    if state.status != "live" or state.picture_lost_since:
        return ()
    run = state.run
    running = run is not None and run.status == "running"
    bell_is_due = run is not None and running and at_ms >= run.ends_at
    if at_ms - command.since_ms < (PICTURE_LOST_AT_BELL_MS if bell_is_due else PICTURE_LOST_MS):
        return refuse("too_soon")
    lost = ev.PictureLost(since_ms=max(1, command.since_ms))
    if run is None or not running or state.picture_rule == "continue":
        return (lost,)
    if state.picture_rule == "void":
        return lost, voided(run, "", "Image perdue")
    return lost, _paused(run, "picture_lost", _left(run, at_ms))


def _left(run: Run, at_ms: int) -> int:
    return max(0, run.ends_at - at_ms)


def _paused(run: Run, reason: str, remaining_ms: int, since: int = 0) -> ev.RunPaused:
    return ev.RunPaused(
        run_id=run.run_id,
        remaining_ms=remaining_ms,
        reason="picture_lost" if reason == "picture_lost" else "log_unwritable",
        paused_at=since,
    )


def _resume_at(run: Run, at_ms: int) -> int:
    return at_ms + max(run.remaining_ms, run.counter_bid_ms)


def return_picture(state: ShowState, command: cm.ReturnPicture, who: Who, at_ms: int) -> Decision:
    if not state.picture_lost_since:
        return ()
    back = ev.PictureReturned(gap_ms=max(0, at_ms - state.picture_lost_since))
    run = state.run
    if run is None or run.status != "paused" or run.pause_reason != "picture_lost":
        return (back,)
    return back, ev.RunResumed(run_id=run.run_id, ends_at=_resume_at(run, at_ms), reason="picture_back")


def resume_run(state: ShowState, command: cm.ResumeRun, who: Who, at_ms: int) -> Decision:
    run = state.run
    if run is None or run.run_id != command.run_id:
        return refuse("no_run")
    if run.status != "paused":
        return refuse("not_paused")
    if run.pause_reason == "log_unwritable":
        return refuse("log_unwritable")
    return (ev.RunResumed(run_id=run.run_id, ends_at=_resume_at(run, at_ms), reason="seller"),)


def return_platform(state: ShowState, command: cm.ReturnPlatform, who: Who, at_ms: int) -> Decision:
    """A platform that was down gives everybody the counter-bid time, sudden death included; a pause
    goes on, and the time nobody could end it is no part of its two minutes."""
    back = ev.PlatformReturned(down_ms=max(0, command.down_ms))
    run = state.run
    if run is not None and run.status == "paused" and command.down_ms > 0:
        since = min(at_ms, run.paused_at + command.down_ms)
        return back, _paused(run, run.pause_reason, run.remaining_ms, since)
    if run is None or run.status != "running" or at_ms + run.counter_bid_ms <= run.ends_at:
        return (back,)
    return back, ev.ClockMoved(run_id=run.run_id, ends_at=at_ms + run.counter_bid_ms, reason="outage")


def halt_run(state: ShowState, command: cm.HaltRun, who: Who, at_ms: int) -> Decision:
    run = state.run
    if run is None or run.status != "running":
        return ()
    return (_paused(run, "log_unwritable", _left(run, at_ms)),)


def unhalt_run(state: ShowState, command: cm.UnhaltRun, who: Who, at_ms: int) -> Decision:
    run = state.run
    if run is None or run.status != "paused" or run.pause_reason != "log_unwritable":
        return ()
    ends_at = _resume_at(run, at_ms)
    resumed = ev.RunResumed(run_id=run.run_id, ends_at=ends_at, reason="log_writable")
    if not state.picture_lost_since or state.picture_rule == "continue":
        return (resumed,)
    return resumed, ev.RunPaused(run_id=run.run_id, remaining_ms=ends_at - at_ms, reason="picture_lost")


def lapse_pause(state: ShowState, at_ms: int) -> tuple[ev.Event, ...]:
    """A pause of two minutes is a void."""
    run = state.run
    if run is None or run.status != "paused" or at_ms < run.paused_at + PAUSE_MS:
        return ()
    return (voided(run, "", "Suspendue depuis 2 minutes"),)
