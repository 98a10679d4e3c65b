"""The one view-model: what the window may show, and what a person may ask, with no wire and no widget.

Promises: each value has a property and a `*_changed` signal that carries it (sent
only when it differs, at most 20 times a second for what changes fast); intents
return None and say their outcome through the feed or a notice; nothing is shown
that the platform has not said, except "opening…".
Views get a Desk and nothing else: `Desk()` alone works (nothing is connected),
and `put(name=value)` sets any value by hand, which is how view tests are fed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from PySide6.QtCore import QObject, Signal

from seller_console.contract.commands import Command
from seller_console.contract.media import EngineCommand
from seller_console.contract.words import Accepted, LotChanges, LotDraft, Preset, Refusal, RunOfShowNote

from .actions import Actions, Guards
from .values import (
    BuyerRow,
    ChatLine,
    Closing,
    Connection,
    DeckView,
    Devices,
    Figures,
    Health,
    ImportDryRun,
    Level,
    LotRow,
    PreviewPlace,
    Programme,
    Programs,
    Recording,
    ShowView,
    Trouble,
)

WINDOW_ACTIONS = frozenset({"toggle_stage", "open_palette", "add_lot", "import_lots", "announce"})

Answer = Accepted | Refusal | None
"""None: nobody answered; the command is still being tried."""


class Wires(Protocol):
    """What the desk needs of the link."""

    def say(self, command: Command, answered: Callable[[Answer], None] | None = None) -> None: ...

    def tell(self, command: EngineCommand) -> None: ...


class Desk(QObject):
    show_changed = Signal(object)  # ShowView
    connection_changed = Signal(object)  # Connection
    viewers_changed = Signal(int)
    consoles_changed = Signal(object)  # tuple[str, ...] names of owner and producers connected
    health_changed = Signal(object)  # Health
    recording_changed = Signal(object)  # Recording
    troubles_changed = Signal(object)  # tuple[Trouble, ...], the one to show first
    deck_changed = Signal(object)  # DeckView
    queue_changed = Signal(object)  # tuple[LotRow, ...]: on the block, next, queued
    sold_changed = Signal(object)  # tuple[LotRow, ...], newest first
    passed_changed = Signal(object)  # tuple[LotRow, ...], newest first
    chat_added = Signal(object)  # tuple[ChatLine, ...], a batch, oldest first
    chat_changed = Signal(object)  # tuple[ChatLine, ...]: all anew (deleted line, reconnection)
    pinned_changed = Signal(object)  # ChatLine | None
    buyers_changed = Signal(object)  # tuple[BuyerRow, ...]
    figures_changed = Signal(object)  # Figures
    level_changed = Signal(object)  # Level, ten a second
    preview_changed = Signal(object)  # PreviewPlace
    devices_changed = Signal(object)  # Devices
    programme_changed = Signal(object)  # Programme
    import_changed = Signal(object)  # ImportDryRun
    closing_changed = Signal(object)  # Closing
    programs_changed = Signal(object)  # Programs
    run_of_show_changed = Signal(object)  # tuple[RunOfShowNote, ...]
    refusals_changed = Signal(object)  # Mapping[action id, reason]
    noticed = Signal(object)  # Notice
    asked = Signal(str)
    """The window should open something of its own: one of WINDOW_ACTIONS."""

    def __init__(
        self,
        wires: Wires | None = None,
        *,
        keys: Any = None,
        guards: Guards | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._wires = wires
        self._monotonic = monotonic
        self._offset_ms = 0.0
        self._values: dict[str, Any] = {
            "show": ShowView(),
            "connection": Connection(),
            "viewers": 0,
            "consoles": (),
            "health": Health(),
            "recording": Recording(),
            "troubles": (),
            "deck": DeckView(),
            "queue": (),
            "sold": (),
            "passed": (),
            "pinned": None,
            "buyers": (),
            "figures": Figures(),
            "level": Level(),
            "preview": PreviewPlace(),
            "devices": Devices(),
            "programme": Programme(),
            "import": ImportDryRun(),
            "closing": Closing(),
            "programs": Programs(),
            "run_of_show": (),
            "refusals": {},
        }
        self._chat: tuple[ChatLine, ...] = ()
        self.actions = Actions(self, keys, guards)

    # --- values -----------------------------------------------------------------------

    def put(self, **values: Any) -> None:
        """Sets values and says which changed. `import_` for the word Python keeps; `chat` = all lines anew."""
        for name, value in values.items():
            key = name.rstrip("_")
            if key == "chat":
                self._chat = tuple(value)
                self.chat_changed.emit(self._chat)
                continue
            if self._values[key] != value:
                self._values[key] = value
                getattr(self, f"{key}_changed").emit(value)

    @property
    def show(self) -> ShowView:
        return self._values["show"]  # type: ignore[no-any-return]

    @property
    def connection(self) -> Connection:
        return self._values["connection"]  # type: ignore[no-any-return]

    @property
    def viewers(self) -> int:
        return self._values["viewers"]  # type: ignore[no-any-return]

    @property
    def consoles(self) -> tuple[str, ...]:
        return self._values["consoles"]  # type: ignore[no-any-return]

    @property
    def health(self) -> Health:
        return self._values["health"]  # type: ignore[no-any-return]

    @property
    def recording(self) -> Recording:
        return self._values["recording"]  # type: ignore[no-any-return]

    @property
    def troubles(self) -> tuple[Trouble, ...]:
        return self._values["troubles"]  # type: ignore[no-any-return]

    @property
    def deck(self) -> DeckView:
        return self._values["deck"]  # type: ignore[no-any-return]

    @property
    def queue(self) -> tuple[LotRow, ...]:
        return self._values["queue"]  # type: ignore[no-any-return]

    @property
    def sold(self) -> tuple[LotRow, ...]:
        return self._values["sold"]  # type: ignore[no-any-return]

    @property
    def passed(self) -> tuple[LotRow, ...]:
        return self._values["passed"]  # type: ignore[no-any-return]

    @property
    def chat(self) -> tuple[ChatLine, ...]:
        """The last 500 lines, oldest first."""
        return self._chat

    @property
    def pinned(self) -> ChatLine | None:
        return self._values["pinned"]  # type: ignore[no-any-return]

    @property
    def buyers(self) -> tuple[BuyerRow, ...]:
        return self._values["buyers"]  # type: ignore[no-any-return]

    @property
    def figures(self) -> Figures:
        return self._values["figures"]  # type: ignore[no-any-return]

    @property
    def level(self) -> Level:
        return self._values["level"]  # type: ignore[no-any-return]

    @property
    def preview(self) -> PreviewPlace:
        return self._values["preview"]  # type: ignore[no-any-return]

    @property
    def devices(self) -> Devices:
        return self._values["devices"]  # type: ignore[no-any-return]

    @property
    def programme(self) -> Programme:
        return self._values["programme"]  # type: ignore[no-any-return]

    @property
    def import_(self) -> ImportDryRun:
        return self._values["import"]  # type: ignore[no-any-return]

    @property
    def closing(self) -> Closing:
        return self._values["closing"]  # type: ignore[no-any-return]

    @property
    def programs(self) -> Programs:
        return self._values["programs"]  # type: ignore[no-any-return]

    @property
    def run_of_show(self) -> tuple[RunOfShowNote, ...]:
        return self._values["run_of_show"]  # type: ignore[no-any-return]

    @property
    def refusals(self) -> Mapping[str, str]:
        return self._values["refusals"]  # type: ignore[no-any-return]

    def refusal(self, action_id: str) -> str | None:
        """Why this action may not be done now (in the screen's words), None when it may."""
        return self.refusals.get(action_id)

    # --- the clock (rule 16) --------------------------------------------------------------

    def now_ms(self) -> float:
        """The platform's clock, as well as we know it. Remaining = `deck.ends_at_ms - now_ms()`."""
        return self._monotonic() * 1000 + self._offset_ms

    # --- intents --------------------------------------------------------------------------

    def do(self, action_id: str) -> None:
        """Runs the intent of an action. Buttons and keys go through `actions`, which guards."""
        if action_id in WINDOW_ACTIONS:
            self.asked.emit(action_id)

    def put_on_air(self, rehearsal: bool = False) -> None:
        """Passer en direct: the engine goes on air and the show is live."""

    def end_show(self) -> None: ...

    def announce(self, text: str) -> None: ...

    def say(self, text: str, reply_to: str = "") -> None: ...

    def whisper(self, text: str) -> None: ...

    def delete_line(self, line_id: str) -> None: ...

    def pin_line(self, line_id: str | None) -> None: ...

    def block(self, person: str) -> None: ...

    def unblock(self, person: str) -> None: ...

    def time_out(self, person: str, seconds: int = 300) -> None: ...

    def note_buyer(self, person: str, note: str) -> None: ...

    def add_lot(self, lot: LotDraft, after: str | None = "") -> None:
        """after: None = head, "" = tail."""

    def edit_lot(self, lot_id: str, seen_version: int, changes: LotChanges) -> None: ...

    def editing(self, lot_id: str | None) -> None:
        """I have this lot open (others see it)."""

    def move_lot(self, lot_id: str, after: str | None) -> None:
        """after: None = head."""

    def remove_lot(self, lot_id: str) -> None: ...

    def undo_queue_edit(self) -> None: ...

    def re_run(self, lot_id: str) -> None: ...

    def void_sale(self, sale_id: str, reason: str = "") -> None: ...

    def mark_payment(self, sale_id: str, paid: bool) -> None: ...

    def offer_to_runner_up(self, sale_id: str) -> None: ...

    def start_lot(self, lot_id: str) -> None:
        """Open this queued lot now (from the queue's menu)."""

    def set_presets(self, preset: Preset, other: Preset) -> None: ...

    def rename_show(self, title: str) -> None: ...

    def set_run_of_show(self, notes: tuple[RunOfShowNote, ...]) -> None: ...

    def read_inventory(self, path: Path) -> None:
        """Dry run: `import_changed` says what it found; nothing is written."""

    def accept_import(self) -> None: ...

    def drop_import(self) -> None: ...

    def find_devices(self) -> None: ...

    def choose_camera(self, spec: str) -> None: ...

    def choose_microphone(self, spec: str) -> None: ...

    def use_test_card(self) -> None: ...

    def set_size(self, width: int, height: int) -> None:
        """720x1280, 1080x1920, 1280x720, 1920x1080; off air only."""

    def set_mirror(self, mirror: bool) -> None: ...

    def set_muted(self, muted: bool) -> None: ...

    def set_gain(self, gain_db: float) -> None: ...

    def set_scene(self, scene: str) -> None: ...

    def cure_trouble(self) -> None:
        """F9: what the first trouble's cure says."""

    def retry_connection(self) -> None: ...

    def asked_to_close(self) -> bool:
        """The window's closeEvent asks. False = stay; `closing` says "asked": draw the held button."""
        return True

    def stay_open(self) -> None:
        """The person thought better of closing."""

    def close_and_end(self) -> None:
        """The held "Tenir pour terminer" was held: ends the show, then closes."""
