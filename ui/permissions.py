"""Whether each action may be done now: the rules themselves, run dry on what this screen knows.

A button is enabled iff `decide` would say yes; its reason is the rule's own, in
the screen's words.
"""

from __future__ import annotations

from seller_console.contract import commands as c
from seller_console.contract.words import BACKSTAGE, STAFF, LotId, Refusal, Who
from seller_console.sale.show import decide
from seller_console.sale.state import ShowState

from . import readings
from .words import known, t

NEEDS_PLATFORM = (
    "start_at_opening_price", "start_with_other_preset", "skip_lot", "start_giveaway", "withdraw", "stop_sale",
    "resume_sale", "go_live", "rehearse", "end_show", "announce",
)  # fmt: skip
RESERVED: dict[str, type[c.CommandBase]] = {
    "add_lot": c.AddLot, "import_lots": c.ImportLots, "edit_lot": c.EditLot, "move_lot": c.MoveLot,
    "remove_lot": c.RemoveLot, "re_run": c.ReRunLot, "void_sale": c.VoidSale, "mark_payment": c.MarkPayment,
    "offer_to_runner_up": c.OfferToRunnerUp, "edit_show": c.EditShow, "whisper": c.Whisper,
    "run_of_show": c.SetRunOfShow, "announce": c.Announce, "note_buyer": c.NoteBuyer,
}  # fmt: skip
"""What a button of the window says, when it is not an action of the table."""
SCENES = {
    "scene_1": "table",
    "scene_2": "face",
    "scene_3": "both",
    "scene_4": "pause",
    "scene_5": "split",
    "scene_6": "still",
}
ACTIONS_SAY: dict[str, type[c.CommandBase]] = {
    "start_at_opening_price": c.StartAuction, "start_with_other_preset": c.StartAuction, "skip_lot": c.SkipLot,
    "start_giveaway": c.StartGiveaway, "withdraw": c.WithdrawRun, "stop_sale": c.VoidRun, "resume_sale": c.ResumeRun,
    "announce": c.Announce, "go_live": c.GoLive, "rehearse": c.GoLive, "end_show": c.EndShow, "add_lot": c.AddLot,
    "import_lots": c.ImportLots,
}  # fmt: skip
"""What each action of the sale says: a role that may not say it is told who may, whatever else is wrong."""
NEEDS_ENGINE = (*SCENES, "toggle_mute", "open_camera", "open_scenes", "save_picture", "toggle_guides")


def gift(state: ShowState) -> LotId:
    """The next queued giveaway, "" when there is none."""
    return next((lot_id for lot_id in state.queue if state.lots[lot_id].lot.format == "giveaway"), "")


def dry_commands(state: ShowState) -> dict[str, c.Command | None]:
    """What each action would say now; None: nothing."""
    upcoming = readings.next_lot(state)
    lot_id = upcoming.lot.lot_id if upcoming is not None else ""
    run, given = state.run, gift(state)
    return {
        "start_at_opening_price": c.StartAuction(lot_id=lot_id),
        "start_with_other_preset": c.StartAuction(lot_id=lot_id, preset=state.other_preset),
        "skip_lot": c.SkipLot(lot_id=lot_id) if lot_id else None,
        "start_giveaway": c.StartGiveaway(lot_id=given, seed="0" * 64) if given else None,
        "withdraw": c.WithdrawRun(run_id=run.run_id) if run else None,
        "stop_sale": c.VoidRun(run_id=run.run_id, reason="-") if run else None,
        "resume_sale": c.ResumeRun(run_id=run.run_id) if run else None,
        "go_live": c.GoLive(),
        "rehearse": c.GoLive(rehearsal=True),
        "end_show": c.EndShow(),
        "announce": c.Announce(text="-"),
    }


def reserved(command: type[c.CommandBase], role: str) -> str:
    """Who may say it, in words, when this role may not; "" when it may. The capability table is the contract's."""
    if role in command.BY:
        return ""
    who = {c.OWNER: "owner", BACKSTAGE: "backstage", STAFF: "staff"}.get(command.BY)
    return t(f"refused.only_{who}") if who else t("refused.not_allowed")


def refused(
    state: ShowState,
    who: Who,
    now_ms: int,
    *,
    away: str,
    opening: bool,
    closing: bool,
    curable: bool,
    troubles: int,
    undoable: bool,
    engine: bool,
    scenes: tuple[str, ...],
) -> dict[str, str]:
    """Action id -> why not, for every action that may not be done now. `away`: why the platform is not there."""
    why_not: dict[str, str] = {}
    nothing = t("refused.nothing_to_do")
    if away or not state.show_id:
        absent = t(f"away.{away or 'connecting'}")
        why_not.update(dict.fromkeys(NEEDS_PLATFORM, absent))
    else:
        for action_id, command in dry_commands(state).items():
            if command is None:
                why_not[action_id] = nothing
                continue
            outcome = decide(state, command, who, now_ms) if who.role in type(command).BY else None
            if isinstance(outcome, Refusal):
                why_not[action_id] = words_of(outcome)
        if opening:
            pressed = ("start_at_opening_price", "start_with_other_preset", "skip_lot")
            why_not.update(dict.fromkeys(pressed, t("deck.opening")))
        if closing:
            why_not.update(dict.fromkeys(("go_live", "rehearse"), t("closing.ending")))
    if not engine:
        why_not.update(dict.fromkeys(NEEDS_ENGINE, t("refused.no_engine")))
    else:
        missing = [action_id for action_id, scene in SCENES.items() if scene not in scenes]
        why_not.update(dict.fromkeys(missing, t("refused.no_scene")))
    if not curable:
        why_not["cure_trouble"] = nothing
    if troubles < 2:
        why_not["next_trouble"] = nothing
    if not undoable:
        why_not["undo_queue_edit"] = nothing
    if not away:
        why_not["retry_connection"] = nothing
    for action_id, said in ACTIONS_SAY.items():
        if who_may := reserved(said, who.role):
            why_not[action_id] = who_may
    return why_not


def words_of(refusal: Refusal) -> str:
    """The screen's words for a refusal; the platform's own sentence when we have none."""
    key = f"refusal.{refusal.code}"
    return t(key) if known(key) else refusal.sentence or refusal.code
