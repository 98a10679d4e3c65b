"""The clip of a sale: from the opening of the lot to three seconds after its hammer, out of the engine's last minute.

Promises: only what the engine can still hold is offered, and why not is said in words;
every clip that was asked for has an outcome, also when the engine dies under it. The
file is named after the lot, its price and the moment of the hammer.
"""

from __future__ import annotations

import datetime
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QObject, QTimer, Signal

from seller_console.contract import media as m
from seller_console.sale.state import Run

from .values import ClipOffer
from .words import known, t

if TYPE_CHECKING:
    from .desk_outputs import DeskOutputs

KEPT_MS = 60_000
"""What the engine keeps (engine/ring.py)."""
TAIL_MS = 3_000
"""After the hammer: the winner is named."""
HEAD_MS = 10_000
"""The least before the hammer that is worth a clip; all of a shorter run."""
PATIENCE_MS = 45_000
JUST_NOW_MS = 10_000
"""A hammer older than this was not seen falling: nothing is kept by itself."""


@dataclass(frozen=True, slots=True)
class Clip:
    """What became of the clip of one run."""

    state: Literal["waiting", "saving", "saved", "failed"]
    path: str = ""
    why: str = ""
    by_itself: bool = False


def file_name(number: int, price_cents: int, currency: str, hammer_ms: int, unit: int = 1, of: int = 1) -> str:
    """ "Lot 148 - 47 EUR - 2026-11-28 21h04.mp4": nothing that a disk of any system refuses."""
    price = f"{price_cents // 100}" + (f",{price_cents % 100:02d}" if price_cents % 100 else "")
    which = f"Lot {number} ({unit} sur {of})" if of > 1 else f"Lot {number}"
    at = datetime.datetime.fromtimestamp(hammer_ms / 1000).strftime("%Y-%m-%d %Hh%M")
    return f"{which} - {price} {currency} - {at}.mp4"


def picture_name(number: int, at: datetime.datetime) -> str:
    """ "Lot 148 - 2026-11-28 21h04m05.jpg" of the lot on the block, 0: "Image - …"."""
    return f"{f'Lot {number}' if number else 'Image'} - {at:%Y-%m-%d %Hh%Mm%S}.jpg"


class Clips(QObject):
    changed = Signal()

    def __init__(self, desk: DeskOutputs) -> None:
        super().__init__(desk)
        self._desk = desk
        self._clips: dict[str, Clip] = {}
        self._asked: dict[str, str] = {}
        """Request -> run."""
        self._by_itself: set[str] = set()
        """Runs whose hammer we saw, with the choice made."""
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.timeout.connect(self.refresh)
        self._told_why = ""

    def of(self, run_id: str) -> Clip | None:
        return self._clips.get(run_id)

    # --- what may be saved ------------------------------------------------------------------------

    def _run(self, run_id: str) -> Run | None:
        return self._desk.fold.state.runs.get(run_id)

    def refusal(self, run_id: str) -> str:
        """Why no clip of this run may be saved now, in words; "" when it may."""
        run = self._run(run_id)
        if run is None or run.status != "hammered":
            return t("clip.no_sale")
        clip = self._clips.get(run_id)
        if clip is not None and clip.state in ("waiting", "saving"):
            return t("clip.under_way")
        if clip is not None and clip.state == "saved":
            return t("clip.already")
        if self._desk.show.role != "owner" or not self._desk.engine_here:
            return t("refused.no_engine")
        if self._left_ms(run) <= 0:
            return t("clip.too_old")
        return ""

    def _left_ms(self, run: Run) -> float:
        """For how long the engine still holds what is worth keeping."""
        return max(run.opened_at, run.ended_at - HEAD_MS) + KEPT_MS - self._desk.now_ms()

    def last(self) -> str:
        """The run that was hammered last, "" when there is none."""
        state = self._desk.fold.state
        run = state.runs.get(state.last_run) if state.last_run is not None else None
        return run.run_id if run is not None and run.status == "hammered" else ""

    # --- saving --------------------------------------------------------------------------------------

    def save(self, run_id: str, by_itself: bool = False) -> None:
        """Now, or three seconds after the hammer when that is to come."""
        if self.refusal(run_id):
            return
        run = self._run(run_id)
        assert run is not None
        self._put(run_id, Clip("waiting", by_itself=by_itself))
        wait_ms = run.ended_at + TAIL_MS - self._desk.now_ms()
        QTimer.singleShot(max(0, round(wait_ms)), self, lambda: self._send(run_id))

    def _send(self, run_id: str) -> None:
        run, clip, desk = self._run(run_id), self._clips.get(run_id), self._desk
        if run is None or clip is None or clip.state != "waiting":
            return
        if not desk.engine_here:
            self._fail(run_id, "no_engine")
            return
        lot, sale = desk.fold.state.lots[run.lot_id], desk.fold.state.sales.get(run.sale_id)
        price = sale.price_cents if sale is not None else run.price_cents
        name = file_name(lot.lot.number, price, desk.show.currency, run.ended_at, run.unit, run.of)
        request = uuid.uuid4().hex
        self._asked[request] = run_id
        self._put(run_id, Clip("saving", by_itself=clip.by_itself))
        QTimer.singleShot(PATIENCE_MS, self, lambda: self._fail_request(request, "timeout"))

        def send(path: Path) -> None:
            """The lot may have been sold twice in a minute."""
            if request not in self._asked:  # the disk took too long to say
                desk.give_back(path)
                return
            self._put(run_id, Clip("saving", str(path), by_itself=clip.by_itself))
            seconds = min(KEPT_MS, desk.now_ms() - run.opened_at) / 1000
            desk.tell_engine(m.SaveClip(request=request, path=str(path), seconds=round(seconds, 1)))

        desk.free_path(desk.clips_folder() / name, send)

    def hear(self, note: m.EngineNote) -> None:
        if not isinstance(note, m.ClipSaved) or (run_id := self._asked.pop(note.request, "")) == "":
            return
        clip = self._clips[run_id]
        self._desk.give_back(Path(clip.path))
        if note.error:
            self._fail(run_id, note.error)
            return
        self._told_why = ""
        self._put(run_id, Clip("saved", note.path, by_itself=clip.by_itself))
        if not clip.by_itself:
            self._desk.notice(t("clip.saved", number=self._number(run_id)), folder=str(Path(note.path).parent))

    def engine_left(self) -> None:
        """Whatever it was saving is lost."""
        for request in list(self._asked):
            self._fail_request(request, "no_engine")
        self.refresh()

    def _fail_request(self, request: str, why: str) -> None:
        if run_id := self._asked.pop(request, ""):
            self._fail(run_id, why)

    def _fail(self, run_id: str, code: str) -> None:
        """Said; of those kept by themselves, once for each reason."""
        clip = self._clips[run_id]
        said = {"no_engine": "refused.no_engine", "busy": "clip.busy"}.get(code, f"detail.{code}")
        why = t(said if known(said) else "detail.disk_error")
        self._put(run_id, Clip("failed", clip.path, why, clip.by_itself))
        if not clip.by_itself or code != self._told_why:
            said = t("clip.failed", number=self._number(run_id), why=self._clips[run_id].why)
            self._desk.notice(said, "trouble")
        self._told_why = code

    def _number(self, run_id: str) -> int:
        run = self._run(run_id)
        return self._desk.fold.state.lots[run.lot_id].lot.number if run is not None else 0

    def _put(self, run_id: str, clip: Clip) -> None:
        self._clips[run_id] = clip
        self.refresh()
        self.changed.emit()

    # --- with the deck ---------------------------------------------------------------------------------

    def refresh(self) -> None:
        """What the deck offers: the last sale, as long as it can be had."""
        run_id = self.last()
        run = self._run(run_id)
        if run is None:
            self._desk.put(clip=ClipOffer())
            return
        self._keep_by_itself(run)
        clip, left_ms = self._clips.get(run_id), self._left_ms(run)
        offer = ClipOffer()
        if left_ms > 0 and self._desk.show.role == "owner":
            state = clip.state if clip is not None else "offered"
            offer = ClipOffer(run_id, self._number(run_id), state, clip.why if clip is not None else "")
            self._later.start(max(100, round(left_ms) + 50))
        self._desk.put(clip=offer)

    def _keep_by_itself(self, run: Run) -> None:
        """Garder un clip de chaque vente: of a hammer that was seen falling, on air, and not for a made-up crowd."""
        desk = self._desk
        if run.run_id in self._by_itself or not desk.remembered("keep_clips"):
            return
        if desk.show.status != "live" or desk.show.rehearsal or desk.health.air != "on_air":
            return
        self._by_itself.add(run.run_id)
        if desk.now_ms() - run.ended_at < JUST_NOW_MS:
            self.save(run.run_id, by_itself=True)
