"""How a value of the window is kept and announced: one property and one typed signal each.

Promises: `put(name=value)` is the only way a value changes, and says so only when
it differs. View tests feed a desk by `put`; the desk itself does nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QObject, Signal

from seller_console.contract.media import CameraSet, EncoderChosen
from seller_console.contract.words import RunOfShowNote

from .values import (
    BuyerRow,
    ChatLine,
    ClipOffer,
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
from .values_backstage import Edits, Invitation, Money, Whispers

CHAT_KEPT = 500


class DeskValues(QObject):
    show_changed = Signal(object)  # ShowView
    connection_changed = Signal(object)  # Connection
    viewers_changed = Signal(int)
    crowd_changed = Signal(str)  # of a rehearsal: off, here, failed
    consoles_changed = Signal(object)  # tuple[str, ...] names of owner and producers connected
    health_changed = Signal(object)  # Health
    recording_changed = Signal(object)  # Recording
    clip_changed = Signal(object)  # ClipOffer
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
    guides_changed = Signal(bool)  # lines in the preview: what the buyers' page covers
    cameras_changed = Signal(object)  # tuple[contract.media.CameraSet, ...]: those of the programme, the first first
    encoder_changed = Signal(object)  # contract.media.EncoderChosen
    import_changed = Signal(object)  # ImportDryRun
    closing_changed = Signal(object)  # Closing
    programs_changed = Signal(object)  # Programs
    run_of_show_changed = Signal(object)  # tuple[RunOfShowNote, ...]
    whispers_changed = Signal(object)  # Whispers
    edits_changed = Signal(object)  # Edits: those that wait for the line, those that could not be applied
    invitation_changed = Signal(object)  # Invitation
    money_changed = Signal(object)  # Money, while it is wanted
    refusals_changed = Signal(object)  # Mapping[action id, reason]
    noticed = Signal(object)  # Notice
    engine_counted = Signal(object)  # contract.media.EngineStats, once a second, as the engine said it
    asked = Signal(str)
    """The window should open something of its own: one of WINDOW_ACTIONS."""

    def __init__(
        self,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._values: dict[str, Any] = {
            "show": ShowView(),
            "connection": Connection(),
            "viewers": 0,
            "crowd": "off",
            "consoles": (),
            "health": Health(),
            "recording": Recording(),
            "clip": ClipOffer(),
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
            "guides": False,
            "cameras": (),
            "encoder": EncoderChosen(wanted="x264", encoder="libx264"),
            "import": ImportDryRun(),
            "closing": Closing(),
            "programs": Programs(),
            "run_of_show": (),
            "whispers": Whispers(),
            "edits": Edits(),
            "invitation": Invitation(),
            "money": Money(),
            "refusals": {},
        }
        self._chat: tuple[ChatLine, ...] = ()

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
    def crowd(self) -> str:
        """The made-up public of a rehearsal: off, here or failed."""
        return self._values["crowd"]  # type: ignore[no-any-return]

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
    def clip(self) -> ClipOffer:
        return self._values["clip"]  # type: ignore[no-any-return]

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
    def guides(self) -> bool:
        return self._values["guides"]  # type: ignore[no-any-return]

    @property
    def programme(self) -> Programme:
        return self._values["programme"]  # type: ignore[no-any-return]

    @property
    def cameras(self) -> tuple[CameraSet, ...]:
        return self._values["cameras"]  # type: ignore[no-any-return]

    @property
    def encoder(self) -> EncoderChosen:
        return self._values["encoder"]  # type: ignore[no-any-return]

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
    def whispers(self) -> Whispers:
        return self._values["whispers"]  # type: ignore[no-any-return]

    @property
    def edits(self) -> Edits:
        return self._values["edits"]  # type: ignore[no-any-return]

    @property
    def invitation(self) -> Invitation:
        return self._values["invitation"]  # type: ignore[no-any-return]

    @property
    def money(self) -> Money:
        return self._values["money"]  # type: ignore[no-any-return]

    @property
    def refusals(self) -> Mapping[str, str]:
        return self._values["refusals"]  # type: ignore[no-any-return]

    def refusal(self, action_id: str) -> str | None:
        """Why this action may not be done now (in the screen's words), None when it may."""
        return self.refusals.get(action_id)

    def add_chat(self, lines: tuple[ChatLine, ...]) -> None:
        """A batch of new lines, oldest first."""
        if lines:
            self._chat = (*self._chat, *lines)[-CHAT_KEPT:]
            self.chat_added.emit(lines)
