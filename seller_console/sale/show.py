"""The front door of the rules: one command in, the events it causes or a Refusal out.

    decide(state, command, who, at_ms) -> tuple[Event, ...] | Refusal

Pure: changes nothing, knows no clock (`at_ms` is the command's stamp), no randomness. An
empty tuple is a yes to something already so. Commands BY nobody are the platform's own: the
door of the platform lets nobody else say them. A console runs the same `decide`, dry, on what
it knows, to enable its buttons.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..contract import commands as cm
from ..contract import events as ev
from ..contract.words import Refusal, Who
from . import auction, formats, outage, payment, queue, room
from .guards import preset_refusal, said
from .refusals import refuse
from .state import ShowState
from .text import REASON_LENGTH, TITLE_LENGTH, clean

Decision = tuple[ev.Event, ...] | Refusal

PAYMENT_PAGE_LENGTH = 500


def decide(state: ShowState, command: cm.Command, who: Who, at_ms: int) -> Decision:
    """What `command`, said by `who` and stamped `at_ms`, does to the show."""
    kind = type(command)
    if command.BY and who.role not in command.BY:
        return refuse("not_allowed")
    if not state.show_id:
        if kind is not cm.OpenShow:
            return refuse("not_open")
    elif state.status == "ended" and kind not in AFTER_THE_END:
        return refuse("show_ended")
    return _DECISIONS[kind](state, command, who, at_ms)


def next_due_ms(state: ShowState) -> int | None:
    """When the platform must next say RingBell or LapseTimers; None while nothing runs."""
    due: list[int] = []
    run = state.run
    if run is not None:
        due.append(run.ends_at if run.status == "running" else run.paused_at + auction.PAUSE_MS)
    if state.current_giveaway is not None:
        due.append(state.giveaways[state.current_giveaway].ends_at)
    due += [known.flash_ends_at for known in state.lots.values() if known.flash_ends_at]
    due += [offer.expires_at for offer in state.runner_ups.values() if not offer.answer]
    return min(due, default=None)


# --- the show itself ------------------------------------------------------------


def _open_show(state: ShowState, command: cm.OpenShow, who: Who, at_ms: int) -> Decision:
    if state.show_id:
        return refuse("already_open")
    title = said(command.title, TITLE_LENGTH)
    if isinstance(title, Refusal):
        return title
    bad = preset_refusal(command.preset)
    if bad is not None:
        return bad
    return (
        ev.ShowOpened(
            show_id=command.show_id,
            title=title,
            owner=who.person,
            owner_name=clean(who.nickname) or "Vendeur",
            currency=command.currency,
            preset=command.preset,
            picture_rule=command.picture_rule,
            first_number=max(1, command.first_number),
        ),
    )


def _edit_show(state: ShowState, command: cm.EditShow, who: Who, at_ms: int) -> Decision:
    title = command.title
    if title is not None:
        cleaned = said(title, TITLE_LENGTH)
        if isinstance(cleaned, Refusal):
            return cleaned
        title = cleaned
    for preset in (command.preset, command.other_preset):
        bad = preset_refusal(preset) if preset is not None else None
        if bad is not None:
            return bad
    if command.fee_bps is not None and not 0 <= command.fee_bps <= 10_000:
        return refuse("bad_fee")
    page = command.payment_page
    if page is not None:
        page = clean(page)
        if page and (not page.startswith("https://") or len(page) > PAYMENT_PAGE_LENGTH or " " in page):
            return refuse("bad_payment_page")
    events: list[ev.Event] = []
    if command.fee_bps is not None or page is not None:
        events.append(ev.ShowBackstageSet(by=who.person, fee_bps=command.fee_bps, payment_page=page))
    public = ev.ShowEdited(
        by=who.person,
        title=title,
        preset=command.preset,
        other_preset=command.other_preset,
        picture_rule=command.picture_rule,
    )
    if public != ev.ShowEdited(by=who.person):
        events.append(public)
    return tuple(events)


def _go_live(state: ShowState, command: cm.GoLive, who: Who, at_ms: int) -> Decision:
    if state.status == "live":
        return refuse("already_live")
    return (ev.ShowWentLive(by=who.person, rehearsal=command.rehearsal),)


def _end_show(state: ShowState, command: cm.EndShow, who: Who, at_ms: int) -> Decision:
    """A lot still running is voided (nothing is sold by leaving), a giveaway in play is drawn."""
    reason = clean(command.reason)
    if len(reason) > REASON_LENGTH:
        return refuse("too_long", length=REASON_LENGTH)
    events: tuple[ev.Event, ...] = ()
    if state.run is not None:
        events += (auction.voided(state.run, who.person, "Fin du live"),)
    events += formats.lapse_flashes(state, at_ms, now=True)
    if state.current_giveaway is not None:
        events += formats.drawn(state, state.giveaways[state.current_giveaway], command.present, state.next_id)
    return (*events, ev.ShowEnded(by=who.person, reason=reason))


def _lapse_timers(state: ShowState, command: cm.LapseTimers, who: Who, at_ms: int) -> Decision:
    offers = payment.lapse_offers(state, at_ms)
    made = sum(type(event) is ev.RunnerUpOffered for event in offers)
    return (
        *outage.lapse_pause(state, at_ms),
        *formats.lapse_flashes(state, at_ms),
        *offers,
        *formats.lapse_giveaway(state, command.present, at_ms, state.next_id + made),
    )


def _note_media(state: ShowState, command: cm.NoteMedia, who: Who, at_ms: int) -> Decision:
    return (ev.MediaNoted(what=command.what, detail=clean(command.detail)[:REASON_LENGTH]),)


_DECISIONS: dict[type, Callable[[ShowState, Any, Who, int], Decision]] = {
    cm.OpenShow: _open_show,
    cm.EditShow: _edit_show,
    cm.GoLive: _go_live,
    cm.EndShow: _end_show,
    cm.Join: room.join,
    cm.Leave: room.leave,
    cm.SetRunOfShow: queue.set_run_of_show,
    cm.AddLot: queue.add_lot,
    cm.ImportLots: queue.import_lots,
    cm.EditLot: queue.edit_lot,
    cm.MoveLot: queue.move_lot,
    cm.RemoveLot: queue.remove_lot,
    cm.RestoreLot: queue.restore_lot,
    cm.SkipLot: queue.skip_lot,
    cm.PinLot: queue.pin_lot,
    cm.StartAuction: auction.start_auction,
    cm.WithdrawRun: auction.withdraw_run,
    cm.VoidRun: auction.void_run,
    cm.ResumeRun: outage.resume_run,
    cm.PlaceBid: auction.place_bid,
    cm.SetPreBid: auction.set_pre_bid,
    cm.ReRunLot: auction.re_run_lot,
    cm.VoidSale: payment.void_sale,
    cm.ValidateBasket: payment.validate_basket,
    cm.MarkPayment: payment.mark_payment,
    cm.OfferToRunnerUp: payment.offer_to_runner_up,
    cm.AnswerRunnerUp: payment.answer_runner_up,
    cm.SetSpendingLimit: room.set_spending_limit,
    cm.BuyNow: formats.buy_now,
    cm.StartFlash: formats.start_flash,
    cm.StartGiveaway: formats.start_giveaway,
    cm.EnterGiveaway: formats.enter_giveaway,
    cm.DrawGiveaway: formats.draw_giveaway,
    cm.MakeOffer: formats.make_offer,
    cm.AnswerOffer: formats.answer_offer,
    cm.Say: room.say,
    cm.DeleteLine: room.delete_line,
    cm.PinLine: room.pin_line,
    cm.Announce: room.announce,
    cm.SetSlowMode: room.set_slow_mode,
    cm.SetMutedWords: room.set_muted_words,
    cm.TimeOut: room.time_out,
    cm.Block: room.block,
    cm.Unblock: room.unblock,
    cm.Follow: room.follow,
    cm.Whisper: room.whisper,
    cm.NoteBuyer: room.note_buyer,
    cm.RingBell: auction.ring_bell,
    cm.LapseTimers: _lapse_timers,
    cm.LosePicture: outage.lose_picture,
    cm.ReturnPicture: outage.return_picture,
    cm.ReturnPlatform: outage.return_platform,
    cm.HaltRun: outage.halt_run,
    cm.UnhaltRun: outage.unhalt_run,
    cm.NoteMedia: _note_media,
}

AFTER_THE_END: frozenset[type] = frozenset(
    {
        cm.EditShow, cm.Join, cm.Leave, cm.EditLot, cm.ValidateBasket, cm.MarkPayment, cm.VoidSale, cm.OfferToRunnerUp,
        cm.AnswerRunnerUp, cm.DeleteLine, cm.Block, cm.Unblock, cm.Follow, cm.NoteBuyer, cm.Whisper, cm.RingBell,
        cm.LapseTimers, cm.LosePicture, cm.ReturnPicture, cm.ReturnPlatform, cm.HaltRun, cm.UnhaltRun, cm.NoteMedia,
    }
)  # fmt: skip
"""What can still be said when the show has ended: payment, packing, and what the world does by itself."""
