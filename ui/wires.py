"""What the desk needs of the link, as plain calls that return at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from seller_console.contract.commands import Command
from seller_console.contract.media import EngineCommand
from seller_console.contract.words import Accepted, LotDraft, Refusal
from seller_console.link.waiting import KeptEdit

from .values import ImportDryRun
from .values_backstage import Invitation

Answer = Accepted | Refusal | None
"""None: nobody answered in time; the feed will say whether it was done."""
Lots = tuple[LotDraft, ...]
Answered = Callable[[Answer], None]


class Wires(Protocol):
    def say(
        self,
        command: Command,
        answered: Answered,
        *,
        patience_s: float | None = None,
        in_turn: bool = False,
        key: str = "",
    ) -> None:
        """To the platform. `in_turn`: queue edits, which keep their order and wait as long as it takes, under `key`."""

    def keep_edits(self, show_id: str, edits: tuple[KeptEdit, ...]) -> None:
        """These wait for an answer, or to be looked at: for the next window, should this one be killed."""

    def tell(self, command: EngineCommand) -> None:
        """To the engine."""

    def keep(self, command: EngineCommand) -> None:
        """The engine does so already: for the next one, should it die."""

    def keep_secret(self, name: str, secret: str) -> None:
        """In the system's keyring, or a private file; "" forgets it."""

    def secret(self, name: str, got: Callable[[str], None]) -> None:
        """What was kept under this name, "" when nothing was."""

    def go_on_air(self) -> None:
        """The engine publishes to this show's ingest."""

    def keep_on_air(self) -> None:
        """The engine is on air already: remember that this is wanted, should it die."""

    def leave_air(self) -> None: ...

    def editing(self, lot_id: str | None) -> None: ...

    def take_picture(self, taken: Callable[[str], None]) -> None:
        """What the camera of the scene sees, as a path on the platform; "" when it could not be had in time."""

    def save_picture(self, path: Path, saved: Callable[[Path, str], None]) -> None:
        """The programme into this file, or one beside it when that is taken, in a folder that may be new.

        Then where it is, and a code of why not, "" when it is there.
        """

    def free_path(self, path: Path, got: Callable[[Path], None]) -> None:
        """This path, or with a number: nothing lies there, and nobody else gets it until it is given back."""

    def give_back(self, path: Path) -> None:
        """What was to lie there does, or never will."""

    def read_inventory(self, path: Path, read: Callable[[ImportDryRun], None]) -> None:
        """Off the window's thread."""

    def send_pictures(
        self, lots: tuple[LotDraft, ...], folder: Path, sent: Callable[[tuple[LotDraft, ...]], None]
    ) -> None:
        """The lots' pictures of this disk go to the platform; the same lots, with its paths."""

    def local_picture(self, path: str) -> str:
        """The file on this disk of a picture of the platform, "" while there is none (it is being fetched)."""

    def open_show(self, title: str, opened: Callable[[bool], None]) -> None:
        """Another show on the same platform, which the desk then follows."""

    def invite(self, role: str, invited: Callable[[Invitation], None]) -> None:
        """A pairing code for another console."""

    def simulate_public(self, wanted: bool) -> None:
        """A made-up crowd at the show that is followed; the platform lets it into a rehearsal only."""

    def retry_connection(self) -> None: ...

    def retry_program(self, name: str) -> None: ...

    def remember(self, **settings: object) -> None:
        """Keeps choices for the next launch."""

    def remembered(self, name: str) -> object:
        """A kept choice ("" or 0 when there is none)."""


class NoWires:
    """Nothing is connected: nothing is ever answered. The desk is fed by hand (`put`)."""

    def say(
        self,
        command: Command,
        answered: Answered,
        *,
        patience_s: float | None = None,
        in_turn: bool = False,
        key: str = "",
    ) -> None:
        return

    def keep_edits(self, show_id: str, edits: tuple[KeptEdit, ...]) -> None:
        return

    def tell(self, command: EngineCommand) -> None:
        return

    def keep(self, command: EngineCommand) -> None:
        return

    def keep_secret(self, name: str, secret: str) -> None:
        return

    def secret(self, name: str, got: Callable[[str], None]) -> None:
        got("")

    def go_on_air(self) -> None:
        return

    def keep_on_air(self) -> None:
        return

    def leave_air(self) -> None:
        return

    def editing(self, lot_id: str | None) -> None:
        return

    def take_picture(self, taken: Callable[[str], None]) -> None:
        taken("")

    def save_picture(self, path: Path, saved: Callable[[Path, str], None]) -> None:
        return

    def free_path(self, path: Path, got: Callable[[Path], None]) -> None:
        got(path)

    def give_back(self, path: Path) -> None:
        return

    def read_inventory(self, path: Path, read: Callable[[ImportDryRun], None]) -> None:
        return

    def send_pictures(
        self, lots: tuple[LotDraft, ...], folder: Path, sent: Callable[[tuple[LotDraft, ...]], None]
    ) -> None:
        sent(lots)

    def local_picture(self, path: str) -> str:
        return path

    def open_show(self, title: str, opened: Callable[[bool], None]) -> None:
        return

    def invite(self, role: str, invited: Callable[[Invitation], None]) -> None:
        return

    def simulate_public(self, wanted: bool) -> None:
        return

    def retry_connection(self) -> None:
        return

    def retry_program(self, name: str) -> None:
        return

    def remember(self, **settings: object) -> None:
        return

    def remembered(self, name: str) -> object:
        return ""
