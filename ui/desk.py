"""The one view-model: what the window may show, and what a person may ask, with no wire and no widget.

Promises: each value has a property and a `*_changed` signal that carries it (sent
only when it differs, at most 20 times a second for what changes fast); intents
return None and say their outcome through the feed or a notice; nothing is shown
that the platform has not said, except "opening…"; an action is possible iff the
rules, run dry on our own fold, would say yes.
Views get a Desk and nothing else: `Desk()` alone works (nothing is connected),
and `put(name=value)` sets any value by hand, which is how view tests are fed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from msgspec import structs
from PySide6.QtCore import QObject

from seller_console.contract import commands as c
from seller_console.contract import media as m
from seller_console.contract.media import SetOverlay
from seller_console.contract.words import Accepted, LotDraft, Preset

from . import permissions, readings
from .actions import Actions, Guards, KeyStore
from .curing import Curing
from .desk_outputs import DeskOutputs
from .overlays import Brake, Drawn, overlay_of, same
from .permissions import SCENES
from .values import Closing, ImportDryRun, Trouble
from .wires import Answer, NoWires, Wires
from .words import known, t

WINDOW_ACTIONS = frozenset(
    {
        "toggle_stage",
        "open_palette",
        "open_settings",
        "open_camera",
        "open_recording",
        "open_scenes",
        "open_sound",
        "open_destinations",
        "add_lot",
        "import_lots",
        "announce",
    }
)
ADDRESSES = 6
"""Of network cameras, that are kept for the lists."""
PRESS_PATIENCE_S = 4.0
"""What acts on the running sale does not wait for an absent platform: a press must not open a lot much later."""


class Desk(DeskOutputs):
    def __init__(
        self,
        wires: Wires | None = None,
        *,
        keys: KeyStore | None = None,
        guards: Guards | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(wires, monotonic=monotonic, parent=parent)
        self.curing = Curing(self, monotonic)
        self.actions = Actions(self, keys, guards)
        self._overlay = SetOverlay()
        self._overlay_brake = Brake(self)
        self._overlay_brake.timer.timeout.connect(self._draw_overlay)
        self.deck_changed.connect(lambda _deck: self._draw_overlay())

    def do(self, action_id: str, other_way: bool = False) -> None:
        """Runs the intent of an action. Buttons and keys go through `actions`, which guards."""
        if action_id in WINDOW_ACTIONS:
            self.ask(action_id)
            return
        if action_id in SCENES:
            self.set_scene(SCENES[action_id], other_way)
            return
        intents: dict[str, Callable[[], None]] = {
            "start_at_opening_price": self.start_at_opening_price,
            "start_with_other_preset": self.start_with_other_preset,
            "skip_lot": self.skip_lot,
            "start_giveaway": self.start_giveaway,
            "withdraw": self.withdraw,
            "stop_sale": self.stop_sale,
            "resume_sale": self.resume_sale,
            "cure_trouble": self.cure_trouble,
            "next_trouble": self.curing.turn,
            "toggle_mute": lambda: self.set_muted(not self.programme.muted),
            "go_live": self.put_on_air,
            "rehearse": lambda: self.put_on_air(rehearsal=True),
            "end_show": self.end_show,
            "undo_queue_edit": self.undo_queue_edit,
            "retry_connection": self.retry_connection,
            "save_clip": self.save_clip,
            "save_picture": self.save_picture,
            "toggle_guides": self.toggle_guides,
        }
        intents[action_id]()

    # --- the show ------------------------------------------------------------------------------

    def put_on_air(self, rehearsal: bool = False) -> None:
        """Passer en direct: the show is live, and the engine goes on air as soon as the platform says so."""
        self._say(c.GoLive(rehearsal=rehearsal), patience_s=PRESS_PATIENCE_S)

    def end_show(self, done: Callable[[], None] | None = None) -> None:
        def ended(answer: Answer) -> None:
            if done is not None:
                done()

        self._say(c.EndShow(), ended, patience_s=PRESS_PATIENCE_S)

    def open_show(self, title: str) -> None:
        """After the show: another one on the same platform; empty, or with the lots of the rehearsal that ended."""
        lots = readings.drafts_of(self._fold.state) if self.show.rehearsal else ()

        def opened(done: bool) -> None:
            if done:
                self._to_bring = lots
            else:
                self.notice(t("refused.unanswered"), "trouble")

        self._wires.open_show(title, opened)

    _to_bring: tuple[LotDraft, ...] = ()

    def bring_lots(self) -> None:
        """Said once the new show is known whole: what was rehearsed is for sale."""
        lots, self._to_bring = self._to_bring, ()
        if lots and self._fold.state.status == "prepared" and not self._fold.state.lots:
            self._say(c.ImportLots(lots=lots), in_turn=True)

    def rename_show(self, title: str) -> None:
        self._say(c.EditShow(title=title))
        self._wires.remember(title=title)

    def set_presets(self, preset: Preset, other: Preset) -> None:
        self._say(c.EditShow(preset=preset, other_preset=other))
        self._wires.remember(preset=preset, other_preset=other)

    def reserved(self, intent: str) -> str:
        """Who may do this (a row of permissions.RESERVED), in words, when I may not; "" when I may."""
        return permissions.reserved(permissions.RESERVED[intent], self.show.role)

    # --- the auction ---------------------------------------------------------------------------

    def start_at_opening_price(self) -> None:
        """PDD 1 €."""
        self._start(None)

    def start_with_other_preset(self) -> None:
        self._start(self._fold.state.other_preset)

    def start_lot(self, lot_id: str) -> None:
        """Opens this queued lot now (from the queue's menu)."""
        self._start(None, lot_id)

    def _start(self, preset: Preset | None, lot_id: str = "") -> None:
        if self._opening_until_seq is not None:
            return
        if not lot_id:
            upcoming = readings.next_lot(self._fold.state)
            lot_id = upcoming.lot.lot_id if upcoming is not None else ""
        self._opening_until_seq = 0
        self._refresh_deck()
        self._refresh_refusals()
        bare = False

        def send(picture: str) -> None:
            nonlocal bare
            bare = not lot_id and not picture
            self._say(
                c.StartAuction(lot_id=lot_id, preset=preset, picture=picture), answered, patience_s=PRESS_PATIENCE_S
            )

        def answered(answer: Answer) -> None:
            if bare and isinstance(answer, Accepted):
                self.notice(t("lot.without_picture"), "trouble")
            if isinstance(answer, Accepted) and self._seq < answer.seq:
                self._opening_until_seq = answer.seq
            else:
                self._opening_until_seq = None
            self.flush()

        if lot_id:
            send("")
        else:  # a lot made on the spot, with a picture of what the camera shows
            self._wires.take_picture(send)

    def withdraw(self) -> None:
        """Retirer."""
        if run := self._fold.state.run:
            self._say(c.WithdrawRun(run_id=run.run_id), patience_s=PRESS_PATIENCE_S)

    def stop_sale(self, reason: str = "") -> None:
        if run := self._fold.state.run:
            reason = reason or t("void.stopped_by_seller")
            self._say(c.VoidRun(run_id=run.run_id, reason=reason), patience_s=PRESS_PATIENCE_S)

    def resume_sale(self) -> None:
        if run := self._fold.state.run:
            self._say(c.ResumeRun(run_id=run.run_id), patience_s=PRESS_PATIENCE_S)

    def start_giveaway(self) -> None:
        if lot_id := self._gift():
            self._say(c.StartGiveaway(lot_id=lot_id), patience_s=PRESS_PATIENCE_S)

    def _gift(self) -> str:
        return permissions.gift(self._fold.state)

    def void_sale(self, sale_id: str, reason: str = "") -> None:
        reason = reason or t("void.undone_by_seller")
        self._say(c.VoidSale(sale_id=sale_id, reason=reason), in_turn=True)

    def mark_payment(self, sale_id: str, paid: bool) -> None:
        self._say(c.MarkPayment(sale_id=sale_id, outcome="paid" if paid else "failed"), in_turn=True)

    def offer_to_runner_up(self, sale_id: str) -> None:
        self._say(c.OfferToRunnerUp(sale_id=sale_id), in_turn=True)

    # --- import ------------------------------------------------------------------------------------

    def read_inventory(self, path: Path) -> None:
        """Dry run: `import_changed` says what it found; nothing is written."""
        self.put(import_=ImportDryRun(state="reading", path=str(path)))
        self._wires.read_inventory(path, lambda found: self.put(import_=found))

    def accept_import(self) -> None:
        """Writes the lots of the dry run, all or none."""
        found = self.import_
        if found.state != "ready" or not found.lots:
            return
        self.put(import_=replace(found, state="importing"))

        def answered(answer: Answer) -> None:
            if isinstance(answer, Accepted):
                self.put(import_=replace(found, state="done"))
            else:
                self.put(import_=found)

        def send(lots: tuple[LotDraft, ...]) -> None:
            self._say(c.ImportLots(lots=lots), answered, in_turn=True)

        self._wires.send_pictures(found.lots, Path(found.path).parent, send)

    def drop_import(self) -> None:
        self.put(import_=ImportDryRun())

    # --- the room ------------------------------------------------------------------------------------

    def announce(self, text: str) -> None:
        self._say(c.Announce(text=text))

    def say(self, text: str, reply_to: str = "") -> None:
        self._say(c.Say(text=text, reply_to=reply_to))

    def delete_line(self, line_id: str) -> None:
        self._say(c.DeleteLine(line_id=line_id))

    def pin_line(self, line_id: str | None) -> None:
        self._say(c.PinLine(line_id=line_id))

    def block(self, person: str) -> None:
        self._say(c.Block(person=person))

    def unblock(self, person: str) -> None:
        self._say(c.Unblock(person=person))

    def time_out(self, person: str, seconds: int = 300) -> None:
        self._say(c.TimeOut(person=person, seconds=seconds))

    def note_buyer(self, person: str, note: str) -> None:
        self._say(c.NoteBuyer(buyer=person, note=note))

    # --- the engine ------------------------------------------------------------------------------------

    def find_devices(self) -> None:
        self._wires.tell(m.FindDevices())

    @property
    def network_cameras(self) -> tuple[str, ...]:
        """Specs of the addresses that were given, the oldest first."""
        kept = self._wires.remembered("network_cameras")
        return tuple(kept) if isinstance(kept, list) else ()

    def _keep_address(self, spec: str) -> None:
        known_ones = self.network_cameras
        if spec.startswith("url:") and spec not in known_ones:
            self._wires.remember(network_cameras=[*known_ones, spec][-ADDRESSES:])

    def choose_camera(self, spec: str) -> None:
        self._keep_address(spec)
        self._programme(camera=spec)
        self._wires.remember(camera=spec)
        self.cure_local("no_camera")

    def choose_microphone(self, spec: str) -> None:
        self._programme(microphone=spec)
        self._wires.remember(microphone=spec)
        self._tell_gain(spec)

    def choose_second_microphone(self, spec: str) -> None:
        """Mixed with the first; "": none."""
        self._programme(second_microphone=spec)
        self._wires.remember(second_microphone=spec)
        self._tell_gain(spec, second=True)

    def use_test_card(self) -> None:
        """The labelled stand-in, chosen knowingly."""
        self.choose_camera("testcard")

    def set_size(self, width: int, height: int) -> None:
        """720x1280, 1080x1920, 1280x720, 1920x1080; off air only."""
        self._programme(width=width, height=height)
        self._wires.remember(width=width, height=height)

    def set_mirror(self, mirror: bool) -> None:
        """Of the first camera, and kept with it."""
        if self._airing.programme.mirror:  # as an older console said it: for whatever camera comes first
            self._programme(mirror=False)
        spec = self.programme.camera
        self.set_camera(spec, structs.replace(self._airing.camera(spec).settings, mirror=mirror))

    def set_camera(self, spec: str, settings: m.CameraSettings) -> None:
        """How this camera is used; `cameras` says what came of it."""
        self._wires.tell(m.SetCamera(camera=spec, settings=settings))

    def set_encoder(self, encoder: str) -> None:
        """x264, or auto: the graphics card if it gives its proof; `encoder` says what came of it."""
        self._wires.tell(m.SetEncoder(encoder=encoder))
        self._wires.remember(encoder=encoder)

    def set_overlay(self, wanted: bool, logo: str | None = None) -> None:
        """Incruster le lot dans l'image: for every output, and remembered."""
        self._wires.remember(overlay=wanted, **({} if logo is None else {"overlay_logo": logo}))
        self._draw_overlay()

    def toggle_guides(self) -> None:
        """Lines in the preview: what the buyers' page covers. Never in the programme; remembered."""
        self.put(guides=not self.guides)
        self._wires.remember(guides=self.guides)

    def take_clock(self, offset_ms: float) -> None:
        super().take_clock(offset_ms)
        self._draw_overlay()

    def _draw_overlay(self) -> None:
        """Tells the engine what to draw, when that has changed."""
        if self.show.role != "owner":
            return
        facts = SetOverlay()
        if self._wires.remembered("overlay"):
            beside = Drawn(self.show.currency, self._offset_ms, str(self._wires.remembered("overlay_logo") or ""))
            facts = overlay_of(self.deck, beside)
        if not same(facts, self._overlay) and self._overlay_brake.may_pass():
            self._overlay = facts
            self._wires.tell(facts)

    def set_muted(self, muted: bool) -> None:
        self._wires.tell(m.SetMuted(muted=muted))

    def start_recording(self) -> None:
        """The programme to this disk, on air or not. One that failed is begun anew."""
        self._wires.tell(m.StartRecording(folder=str(self.remembered("record_folder"))))
        self._wires.remember(record=True)

    def stop_recording(self) -> None:
        self._wires.tell(m.StopRecording())
        self._wires.remember(record=False)

    def set_recording(self, wanted: bool, folder: str | None = None) -> None:
        """Enregistrer l'émission: from going live on, or from now when it is live. `folder` "": the shop's own."""
        if folder is not None:
            self._wires.remember(record_folder=folder)
        if self.show.status != "live":
            self._wires.remember(record=wanted)
        elif wanted:
            self.start_recording()
        else:
            self.stop_recording()

    def set_scene(self, scene: str, other_way: bool = False) -> None:
        """table, face, both, split, still, pause: one of `programme.scenes`. `other_way`: a cut for a fade, or back."""
        words = t("scene.pause_words") if scene == "pause" else ""
        self._wires.tell(m.SetScene(scene=scene, words=words, cut=bool(self.remembered("cut")) != other_way))

    def set_cut(self, cut: bool) -> None:
        """Scenes change by a cut, not by a fade: from the next change on, and remembered."""
        self._wires.remember(cut=cut)

    def choose_second_camera(self, spec: str) -> None:
        """For the scenes face, both and split; "" for none."""
        self._keep_address(spec)
        self._programme(second_camera=spec)
        self._wires.remember(second_camera=spec)

    def choose_still(self, path: str) -> None:
        self._programme(still=path)
        self._wires.remember(still=path)

    def _programme(self, **changes: Any) -> None:
        now = self.programme
        wanted: dict[str, Any] = {
            "camera": now.camera, "microphone": now.microphone, "width": now.width, "height": now.height,
            "fps": now.fps, "target_bps": now.target_bps, "mirror": self._airing.programme.mirror,
            "second_camera": now.second_camera, "second_microphone": now.second_microphone, "still": now.still,
        }  # fmt: skip
        self._wires.tell(m.SetProgramme(**{**wanted, **changes}))

    def engine_refused(self, refused: m.EngineRefused) -> None:
        key = f"engine_refused.{refused.code}"
        if known(key):
            self.notice(t(key), "refused")

    def cure_trouble(self) -> None:
        """F9: what the button of the strip says."""
        self.curing.press()

    def record_again(self) -> None:
        """While the show is live; at another time there is nothing to record."""
        if self.show.status == "live":
            self.start_recording()

    def dismiss(self, trouble: Trouble) -> None:
        """It has been read, and that is all there is to do."""
        self._airing.dismiss(trouble)
        self._refresh_troubles()

    def retry_devices(self) -> None:
        """What is lost is tried at once; a frozen camera is opened again, a blurred one looks for its focus."""
        self._wires.tell(m.RetryNow())

    def retry_program(self, name: str) -> None:
        self._wires.retry_program(name)

    def ask(self, what: str, about: str = "") -> None:
        """The window should open something of its own; `about`: the device, or the place of one, it is for."""
        self.asked_about = about
        self.asked.emit(what)

    asked_about = ""

    @property
    def programme_set(self) -> m.ProgrammeSet:
        """As the engine last said it."""
        return self._airing.programme

    def retry_connection(self) -> None:
        self._wires.retry_connection()

    # --- closing ------------------------------------------------------------------------------------

    def asked_to_close(self) -> bool:
        """The window's closeEvent asks. False = stay; `closing` says "asked": draw the held button."""
        if type(self._wires) is NoWires or self.closing.state == "closed":
            return True
        if self.closing.state == "ending":
            return False
        if self._ends_show() or self._edits:
            self.put(closing=Closing("asked", waiting=len(self._edits)))
        else:
            self.put(closing=Closing("closed"))
        return False

    def stay_open(self) -> None:
        """The person thought better of closing."""
        if self.closing.state == "asked":
            self.put(closing=Closing("no"))

    def close_and_end(self) -> None:
        """The held "Tenir pour terminer" was held: ends the show if it is ours to end, then closes."""
        if self.closing.state == "ending":
            return
        if not self._ends_show():
            self.put(closing=Closing("closed"))
            return
        self.put(closing=Closing("ending"))
        self.end_show(done=lambda: self.put(closing=Closing("closed")))
