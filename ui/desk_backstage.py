"""Beside the queue, between consoles: notes, who is invited, the network, the account of the show.

Notes wait for the line like edits do (desk_edits.py).
"""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Signal

from seller_console.contract import commands as c

from . import readings
from .desk_edits import DeskEdits
from .values_backstage import Invitation

WHISPER_NEWS_MS = 15_000
"""An older note is not shown large: it is in the thread."""


class DeskBackstage(DeskEdits):
    whispered = Signal(object)  # Whisper, of somebody else, just now

    def flush(self) -> None:
        """Says everything that changed since the last time."""
        super().flush()
        self._say_new_whispers()

    # --- notes between seller and producers ---------------------------------------------------------------

    def whisper(self, text: str) -> None:
        """A note to the other consoles. Waits for the line like an edit."""
        self._edit(c.Whisper(text=text), None)

    def whispers_read(self) -> None:
        """Everything up to now was seen."""
        self._fold.read_whispers()
        self.put(whispers=replace(self.whispers, unread=0))

    def _say_new_whispers(self) -> None:
        for whisper in self._fold.new_whispers(self.now_ms() - WHISPER_NEWS_MS):
            if not whisper.mine:
                self.whispered.emit(whisper)

    # --- another console ----------------------------------------------------------------------------------

    def invite(self) -> None:
        """Inviter la régie: a code for two minutes."""
        if self.invitation.state == "asking":
            return
        self.put(invitation=Invitation("asking"))
        self._wires.invite("producer", lambda invitation: self.put(invitation=invitation))

    def close_invitation(self) -> None:
        self.put(invitation=Invitation())

    def _consoles_came(self, before: tuple[str, ...], names: tuple[str, ...]) -> None:
        came = [name for name in names if name not in before]
        if came and self.invitation.state == "open":
            self.put(invitation=Invitation("joined", name=came[0]))

    def set_lan(self, wanted: bool) -> None:
        """From the next launch: the platform is open to the local network."""
        self._wires.remember(lan=wanted)

    # --- the money ----------------------------------------------------------------------------------------

    def set_fee(self, bps: int) -> None:
        """What the marketplace keeps of each sale, in hundredths of a percent."""
        self._say(c.EditShow(fee_bps=bps))
        self._wires.remember(fee_bps=bps)

    def want_money(self, wanted: bool) -> None:
        """The money is counted, once a second at most, only while somebody looks at it."""
        self._money_wanted = wanted
        if wanted:
            self._refresh_money()

    _money_wanted = False

    def _refresh_figures(self) -> None:
        super()._refresh_figures()
        if self._money_wanted:
            self._refresh_money()

    def _refresh_money(self) -> None:
        if self._fold.state.show_id:
            self.put(money=readings.money(self._fold.state, int(self.now_ms())))
