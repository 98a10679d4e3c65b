"""Where else the show goes: which places are kept, which of them the engine must send to now, and how each fares.

Promises: a place begins with the show and ends with it, never during a rehearsal (a
rehearsal is for nobody); one the engine already sends to is not begun again; a key is
kept by the keyring, not here, and is never said, shown or logged.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from PySide6.QtCore import QObject, Signal

from seller_console.contract import media as m

from .words import known, t

if TYPE_CHECKING:
    from .desk_outputs import DeskOutputs

State = Literal["off", "ready", "rehearsal", "connecting", "on_air", "reconnecting"]
STREAMS, WHIP = ("rtmp", "rtmps"), "https"
NAME_MOST = 40


@dataclass(frozen=True, slots=True)
class Destination:
    """A row of "Diffuser aussi vers"."""

    name: str
    address: str
    """Without its key."""
    on: bool = True
    state: State = "ready"
    why: str = ""
    """In words, while it is away."""

    @property
    def host(self) -> str:
        """What may be shown of the address."""
        return urlsplit(self.address).hostname or ""


def part(address: str, key: str) -> tuple[str, str]:
    """Address and key as they are kept: the end of an RTMP path is the key, when none was given by itself."""
    address, key = address.strip(), key.strip()
    if urlsplit(address).scheme.lower() in STREAMS and not key:
        head, _, tail = address.rstrip("/").rpartition("/")
        if len(urlsplit(address).path.strip("/").split("/")) > 1:
            return head, tail
    return address, key


def whole(address: str, key: str) -> tuple[str, str]:
    """(url, token) as the engine is told."""
    if urlsplit(address).scheme.lower() in STREAMS:
        return (f"{address.rstrip('/')}/{key}" if key else address), ""
    return address, key


def wrong_address(address: str) -> str:
    """What is wrong with it, in words; "" when nothing is."""
    address = address.strip()
    if not address:
        return t("destinations.address_missing")
    try:
        parts = urlsplit(address)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return t("destinations.address_unreadable")
    if parts.scheme.lower() not in (*STREAMS, WHIP):
        return t("destinations.address_kind")
    if any(letter.isspace() for letter in address) or not host:
        return t("destinations.address_unreadable")
    if parts.username or parts.password:
        return t("destinations.address_password")
    if parts.scheme.lower() in STREAMS and not parts.path.strip("/"):
        return t("destinations.address_path")
    return ""


def why_words(detail: str) -> str:
    """The engine's reason, or FFmpeg's, in the screen's words."""
    if known(f"detail.{detail}"):
        return t(f"detail.{detail}")
    said = detail.lower()
    for code, marks in (
        ("timeout", ("timed out", "timeout")),
        ("unreachable", ("refused", "resolve", "unreachable", "no route", "not known")),
        ("refused", ("forbidden", "unauthorized", "permitted", "denied", "40")),
    ):
        if any(mark in said for mark in marks):
            return t(f"detail.{code}")
    return t("detail.lost") if detail else ""


class Destinations(QObject):
    changed = Signal()

    def __init__(self, desk: DeskOutputs) -> None:
        super().__init__(desk)
        self._desk = desk
        self._heard: dict[str, m.DestinationChanged] = {}
        """What the engine we are connected to says."""
        self._wanted: set[str] = set()
        """Told to the engine, or known to be there; the link says them again to the next one."""
        self._keys: dict[str, str] = {}
        """Typed in this window: the keyring need not have them yet."""
        self._whole = False
        self._said: tuple[object, ...] = ()

    # --- what is kept -------------------------------------------------------------------------

    @property
    def rows(self) -> tuple[Destination, ...]:
        return tuple(
            Destination(
                one["name"], one["address"], bool(one["on"]), self._state(one["name"], bool(one["on"])),
                self._why(one["name"]),
            )
            for one in self._kept()
        )  # fmt: skip

    def _kept(self) -> list[dict[str, Any]]:
        kept = self._desk.remembered("destinations")
        return [dict(one) for one in kept] if isinstance(kept, list) else []

    def _state(self, name: str, on: bool) -> State:
        show = self._desk.show
        heard = self._heard.get(name)
        if heard is not None and heard.state != "off":
            return heard.state
        if not on:
            return "off"
        if show.status != "live":
            return "ready"
        return "rehearsal" if show.rehearsal else "connecting"

    def _why(self, name: str) -> str:
        heard = self._heard.get(name)
        return why_words(heard.detail) if heard is not None and heard.state == "reconnecting" else ""

    def wrong(self, name: str, address: str, before: str = "") -> dict[str, str]:
        """Field (name, address) -> what is wrong with it. `before`: the name of the one that is altered."""
        found: dict[str, str] = {}
        if not name.strip():
            found["name"] = t("destinations.name_missing")
        elif name.strip() in {row.name for row in self.rows} - {before}:
            found["name"] = t("destinations.name_taken")
        if why := wrong_address(address):
            found["address"] = why
        return found

    def put(self, name: str, address: str, key: str, before: str = "") -> None:
        """Add one, or alter `before`. An empty key leaves the one that is kept."""
        name = name.strip()
        address, key = part(address, key)
        kept = self._kept()
        altered: dict[str, Any] = {"name": name, "address": address, "on": True}
        at = next((i for i, one in enumerate(kept) if one["name"] == before), len(kept))
        if at < len(kept):
            altered["on"] = kept[at]["on"]
        kept[at : at + 1] = [altered]
        self._desk.remember(destinations=kept)
        self._stop(before)
        if before and before != name:
            self._move_key(before, name, key)
        elif key:
            self._keep_key(name, key)
        self._settle_and_say()

    def remove(self, name: str) -> None:
        self._desk.remember(destinations=[one for one in self._kept() if one["name"] != name])
        self._keys.pop(name, None)
        self._desk.keep_secret(_place(name), "")
        self._stop(name)
        self._settle_and_say()

    def switch(self, name: str, on: bool) -> None:
        """Off without being forgotten, and on again."""
        self._desk.remember(destinations=[{**one, "on": on} if one["name"] == name else one for one in self._kept()])
        self._settle_and_say()

    def _keep_key(self, name: str, key: str) -> None:
        self._keys[name] = key
        self._desk.keep_secret(_place(name), key)

    def _move_key(self, before: str, name: str, key: str) -> None:
        def move(old: str) -> None:
            if key or old:
                self._keep_key(name, key or old)
            self._keys.pop(before, None)
            self._desk.keep_secret(_place(before), "")
            self._settle_and_say()

        self._with_key(before, move)

    def _with_key(self, name: str, then: Callable[[str], None]) -> None:
        if name in self._keys:
            then(self._keys[name])
        else:
            self._desk.secret(_place(name), then)

    # --- what the engine says ------------------------------------------------------------------

    def hear(self, note: m.EngineNote) -> None:
        if isinstance(note, m.Ready):
            self._heard.clear()
        elif isinstance(note, m.DestinationChanged):
            if note.state == "off":
                self._heard.pop(note.name, None)
            else:
                self._heard[note.name] = note
        else:
            return
        self.say()

    def engine_left(self) -> None:
        self._heard.clear()
        self.say()

    # --- what it must do -------------------------------------------------------------------------

    def known_whole(self, known_now: bool) -> None:
        """Whether the show's past has been heard to its end: before, "live" may be long ago."""
        self._whole = known_now

    def settle(self) -> None:
        """The engine sends where it must: to each that is on, while the show is live; whoever died meanwhile."""
        show = self._desk.show
        if not self._whole or show.role != "owner" or show.status not in ("live", "ended"):
            return
        live = show.status == "live" and not show.rehearsal
        wanted = {row.name: row for row in self.rows if row.on} if live else {}
        for name in (self._wanted | set(self._heard)) - set(wanted):
            self._stop(name)
        for name in [name for name in wanted if name not in self._wanted]:
            self._begin(wanted[name])
        self.say()

    def _stop(self, name: str) -> None:
        if name in self._wanted or name in self._heard:
            self._wanted.discard(name)
            self._heard.pop(name, None)
            self._desk.tell_engine(m.RemoveDestination(name=name))

    def _begin(self, row: Destination) -> None:
        self._wanted.add(row.name)
        there = row.name in self._heard
        self._with_key(row.name, partial(self._begin_with, row.name, row.address, there))

    def _begin_with(self, name: str, address: str, there: bool, key: str) -> None:
        now = next((row for row in self.rows if row.name == name), None)
        if now is None or not now.on or now.address != address or name not in self._wanted:
            return  # it was altered while the keyring was asked
        url, token = whole(address, key)
        self._desk.tell_engine(m.AddDestination(name=name, url=url, token=token), only_keep=there)

    def _settle_and_say(self) -> None:
        self.settle()
        self.say()

    def say(self) -> None:
        """That something differs, when it does."""
        said = (self.rows, self._desk.show.status)
        if said != self._said:
            self._said = said
            self.changed.emit()


def _place(name: str) -> str:
    """What the keyring calls it."""
    return f"destination/{name}"


def count_words(rows: tuple[Destination, ...]) -> str:
    """On the button that opens the list: how many, and what is the matter with them."""
    on = [row for row in rows if row.on]
    if not on:
        return t("destinations.open")
    away = sum(row.state in ("connecting", "reconnecting") for row in on)
    if away:
        return t("destinations.open_away", count=len(on), away=away)
    return t("destinations.open_count", count=len(on))
