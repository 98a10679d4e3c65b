"""What the desk hears, and what it makes of it: feed, engine, programs, troubles, time.

Promises: a value is refreshed at most 20 times a second however fast rows come; the
deck changes by itself when only time passes; the engine is on air exactly while
the show is live. No intent of a person is here: see desk.py.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from PySide6.QtCore import QObject, QTimer

from seller_console.contract import events as e
from seller_console.contract import media as m
from seller_console.contract.commands import Command
from seller_console.contract.words import Who

from . import permissions, readings
from .airing import Airing, trouble_of
from .desk_values import DeskValues
from .folding import Folding
from .values import Connection, LotCard, Programs, ProgramState, Trouble
from .wires import NoWires, Wires

UndoStep = tuple[Command, Callable[[], Command | None]]
"""An edit, and what takes it back (None: no longer possible)."""

FLUSH_MS = 50
FIGURES_MS = 1_000


class DeskCore(DeskValues):
    def __init__(
        self,
        wires: Wires | None = None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._wires: Wires = wires or NoWires()
        self._monotonic = monotonic
        self._offset_ms = 0.0
        self._fold = Folding()
        self._airing = Airing()
        self._preview_path = ""
        self._opening_until_seq: int | None = None
        """None: nothing is opening. 0: pressed, no answer yet. Else: until this row is heard."""
        self._seq = 0
        self._flushed_at = -1e9
        self._flush_timer = QTimer(self)
        self._flush_timer.setSingleShot(True)
        self._flush_timer.timeout.connect(self.flush)
        self._deck_timer = QTimer(self)
        self._deck_timer.setSingleShot(True)
        self._deck_timer.timeout.connect(self._time_passed)
        self._figures_timer = QTimer(self)
        self._figures_timer.setInterval(FIGURES_MS)
        self._figures_timer.timeout.connect(self._refresh_figures)
        self._local_troubles: dict[str, Trouble] = {}
        self._settled_air: str = ""
        self._crowd_wanted = False
        self._halted = False
        self._undo: list[UndoStep] = []

    def wire(self, wires: Wires) -> None:
        """The link is there; everything may now be possible."""
        self._wires = wires
        self._fold.local_picture = wires.local_picture
        self.put(guides=bool(wires.remembered("guides")))
        self._refresh_refusals()

    @property
    def fold(self) -> Folding:
        return self._fold

    # --- the clock (rule 16) --------------------------------------------------------------

    def now_ms(self) -> float:
        """The platform's clock, as well as we know it. Remaining = `deck.ends_at_ms - now_ms()`."""
        return self._monotonic() * 1000 + self._offset_ms

    def take_clock(self, offset_ms: float) -> None:
        self._offset_ms = offset_ms
        self._refresh_deck()

    # --- what the platform says --------------------------------------------------------------

    def begin_feed(self, who: Who, buyer_url: str) -> None:
        """Rows from seq 1 follow."""
        self._fold.who, self._fold.buyer_url = who, buyer_url
        self._fold.begin()
        self._fold.read_at_ms = self._fold.read_at_ms or round(self.now_ms())
        self._seq = 0
        self._opening_until_seq = None

    def take(self, stamped: e.Stamped) -> None:
        """A row of the feed."""
        self._fold.take(stamped)
        self._seq = stamped.seq
        if isinstance(stamped.event, e.RunOpened) or (self._opening_until_seq and self._seq >= self._opening_until_seq):
            self._opening_until_seq = None
        self._plan_flush()

    def take_passing(self, passing: e.Passing) -> None:
        if isinstance(passing, e.ViewersCounted):
            self.put(viewers=passing.viewers)
        elif isinstance(passing, e.ConsolesCounted):
            before = self.consoles
            self.put(consoles=passing.names)
            self._consoles_came(before, passing.names)
        elif isinstance(passing, e.LogHalted):
            self._halted = passing.halted
            self._show_halt()
        elif isinstance(passing, e.EditingSeen):
            mine = self._fold.who.nickname
            self._fold.editing({lot: who for lot, who in passing.editors.items() if who != mine})
            self._plan_flush()

    def _consoles_came(self, before: tuple[str, ...], names: tuple[str, ...]) -> None:
        """Another console is there (see desk_backstage)."""

    def _can_undo(self) -> bool:
        return bool(self._undo)

    def _show_halt(self) -> None:
        """The platform cannot write its log: nothing is taken. (It says so aside, for it cannot write that either.)"""
        if self._halted or self._fold.state.halted:
            self.raise_trouble("disk_full")
        else:
            self.cure_local("disk_full")

    def take_connection(self, connection: Connection) -> None:
        self.put(connection=connection)
        if connection.state == "away":
            self.raise_trouble("platform_away", subject=connection.reason, cure="retry_connection")
        elif connection.state == "connected":
            self.cure_local("platform_away")
        self.flush()

    # --- what the engine says ------------------------------------------------------------------

    def take_note(self, note: m.EngineNote) -> None:
        values = self._airing.take(note, self._monotonic())
        if "preview_path" in values:
            self._preview_path = values.pop("preview_path")
            # A new engine wrote a new file under the old name: views must open it again.
            self.put(preview=self._airing.preview(""))
        self.put(**values)
        if self._preview_path:
            self.put(preview=self._airing.preview(self._preview_path))
        if isinstance(note, (m.TroubleRaised, m.TroubleCured, m.Ready, m.ProgrammeSet, m.DevicesFound)):
            self._refresh_troubles()
        if isinstance(note, m.EngineStats):
            self.engine_counted.emit(note)
        if isinstance(note, (m.AirChanged, m.EngineStats)):
            self._settle_air()
        if isinstance(note, m.DevicesFound):
            self._devices_found(note)
        if not isinstance(note, (m.MicrophoneLevel, m.EngineStats)):
            self._refresh_refusals()

    def take_engine_road(self, state: str) -> None:
        self.put(**self._airing.road(state))
        if state in {"wrong_secret", "version"}:
            self.raise_trouble("engine_failed", subject=state)
        elif state == "connected":
            self.cure_local("engine_failed")
        self._refresh_troubles()
        self._refresh_refusals()

    def take_program(self, program: ProgramState) -> None:
        """Where a supervised program stands."""
        programs = self.programs
        if program.name == "engine":
            self.put(programs=Programs(programs.platform, program))
            self._airing.engine = "running" if program.state == "running" else program.state
            if program.state == "starting":
                self._airing.engine = "none"
            self.put(health=self._airing.health())
        else:
            self.put(programs=Programs(program, programs.engine))
        for code, wrong in (("restarting", program.state == "restarting"), ("failed", program.state == "failed")):
            name = f"{program.name}_{code}"
            if wrong:
                cure = "retry_program" if code == "failed" else ""
                self.raise_trouble(name, subject=program.reason, cure=cure)
            else:
                self.cure_local(name)

    # --- troubles: one place ---------------------------------------------------------------------

    def raise_trouble(self, code: str, *, subject: str = "", detail: str = "", cure: str = "") -> None:
        before = self._local_troubles.get(code)
        since = before.since_mono if before is not None else self._monotonic()
        self._local_troubles[code] = trouble_of(code, since, subject=subject, detail=detail, cure=cure)
        self._refresh_troubles()

    def cure_local(self, code: str) -> None:
        if self._local_troubles.pop(code, None) is not None:
            self._refresh_troubles()

    def _refresh_troubles(self) -> None:
        every = [*self._local_troubles.values(), *self._airing.troubles()]
        if self.show.status != "live":  # nothing is recorded that nobody sees
            every = [replace(one, cure="dismiss") if one.cure == "record_again" else one for one in every]
        every.sort(key=lambda trouble: (trouble.severity != "bad", trouble.since_mono))
        self.put(troubles=tuple(every))
        self._refresh_refusals()

    # --- drawing, at most 20 times a second --------------------------------------------------------

    def _plan_flush(self) -> None:
        if not self._flush_timer.isActive():
            since_ms = (self._monotonic() - self._flushed_at) * 1000
            self._flush_timer.start(max(0, round(FLUSH_MS - since_ms)))

    def flush(self) -> None:
        """Says everything that changed since the last time."""
        self._flushed_at = self._monotonic()
        self._flush_timer.stop()
        if self._fold.stale:
            values = self._fold.fresh(self.now_ms())
            self._refresh_deck()
            before = self.show.status
            self.put(**values)
            if self.show.status != before:
                self._refresh_troubles()
            lines, anew = self._fold.lines()
            if anew:
                self.put(chat=lines)
            else:
                self.add_chat(lines)
            state = self._fold.state
            if state.picture_lost_since and state.status == "live":
                self.raise_trouble("picture_lost")
            else:
                self.cure_local("picture_lost")
            self._show_halt()
            live = state.status == "live"
            if live != self._figures_timer.isActive():
                self._figures_timer.start() if live else self._figures_timer.stop()
            self._settle_air()
            if self.connection.state == "connected":
                self._settle_crowd()
        else:
            self._refresh_deck()
        self._refresh_refusals()

    def _time_passed(self) -> None:
        self._refresh_deck()
        self._refresh_refusals()

    def _refresh_deck(self) -> None:
        if type(self._wires) is NoWires:
            return  # a desk fed by hand keeps what it was given
        now_ms = self.now_ms()
        state = self._fold.state
        away = (
            "" if self.connection.state in {"connected", "none"} else f"away.{self.connection.reason or 'connecting'}"
        )
        if not state.show_id and not away:
            away = "away.connecting"
        deck = readings.deck(state, now_ms, away=away, opening=self._opening_until_seq is not None)
        self.put(deck=replace(deck, card=self._with_picture(deck.card), next_card=self._with_picture(deck.next_card)))
        change_ms = readings.next_change_ms(state, now_ms)
        if change_ms is None:
            self._deck_timer.stop()
        else:
            self._deck_timer.start(max(1, int(change_ms - now_ms) + 1))

    def _with_picture(self, card: LotCard | None) -> LotCard | None:
        if card is None or not card.picture:
            return card
        return replace(card, picture=self._wires.local_picture(card.picture))

    def pictures_came(self, path: str) -> None:
        """A picture that a row wanted has its file now."""
        self._fold.picture_came(path)
        self._plan_flush()

    def _refresh_figures(self) -> None:
        self.put(figures=readings.figures(self._fold.state, self.now_ms(), self._fold.bids))

    # --- the air follows the show ---------------------------------------------------------------------

    def _settle_air(self) -> None:
        """While the show is live the engine is on air; when it has ended it is not. Whoever died meanwhile."""
        if not self._airing.air_known or self._fold.who.role != "owner":
            return
        status, air = self._fold.state.status, self._airing.air.state
        if status == "live":
            if air == "off" and self._settled_air != "live":
                self._wires.go_on_air()
            elif air != "off" and self._settled_air != "live":
                self._wires.keep_on_air()
            self._settled_air = "live"
        elif status == "ended" and self._settled_air != "ended":
            self._settled_air = "ended"
            if air != "off":
                self._wires.leave_air()

    def _settle_crowd(self) -> None:
        """A made-up public is here while this is a rehearsal of ours, and at no other time."""
        state = self._fold.state
        wanted = state.status == "live" and state.rehearsal and self._fold.who.role == "owner"
        if wanted != self._crowd_wanted:
            self._crowd_wanted = wanted
            self._wires.simulate_public(wanted)

    def take_crowd(self, state: Literal["off", "here", "failed"]) -> None:
        """What became of it."""
        self.put(crowd=state)

    def _refresh_refusals(self) -> None:
        if type(self._wires) is NoWires:
            return  # a desk fed by hand keeps what it was given
        refusals = permissions.refused(
            self._fold.state,
            self._fold.who,
            int(self.now_ms()),
            away="" if self.connection.state == "connected" else self.connection.reason or "connecting",
            opening=self._opening_until_seq is not None,
            closing=self.closing.state in {"ending", "closed"},
            curable=len(self.troubles) > 1 or any(trouble.cure for trouble in self.troubles),
            troubles=len(self.troubles),
            undoable=self._can_undo(),
            engine=self._airing.engine_here,
            scenes=self.programme.scenes,
        )
        self.put(refusals={**refusals, **self._more_refusals()})

    def _more_refusals(self) -> dict[str, str]:
        """Those of clips (see desk_outputs)."""
        return {}

    def _devices_found(self, found: m.DevicesFound) -> None:
        """No camera at all: said, with the test card on offer. Nothing is chosen for the seller."""
        none = all(camera.stand_in for camera in found.cameras)
        if none and not self._wires.remembered("camera"):
            self.raise_trouble("no_camera", cure="test_card")
        else:
            self.cure_local("no_camera")
