"""The road to the engine: JSON lines over loopback, and what we want of it across its deaths.

Promises: `tell` never waits; what was asked (programme, gains, mute, scene, air,
further destinations) is remembered, and told again to an engine that was started anew, so that it comes
back as it was; an engine we only come back to keeps its own state, which we adopt.
Refuses: an engine that speaks another contract.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, Protocol

from ..contract import VERSION
from ..contract.codec import Unreadable, decode_engine_note, encode
from ..contract.media import (
    AddDestination,
    EngineCommand,
    EngineNote,
    GoOnAir,
    Greet,
    LeaveAir,
    ProgrammeSet,
    Ready,
    RecordingChanged,
    RemoveDestination,
    RuntimeFile,
    SetEncoder,
    SetGain,
    SetMuted,
    SetOverlay,
    SetProgramme,
    SetScene,
    SetSound,
    StartRecording,
    StopRecording,
)

log = logging.getLogger(__name__)

ORDER = (
    SetProgramme, SetEncoder, SetMuted, SetSound, SetGain, SetScene, SetOverlay, GoOnAir, StartRecording,
    AddDestination,
)  # fmt: skip
"""What is remembered, in the order in which the next engine must hear it; anything else is said once."""
KEPT = (*ORDER, LeaveAir, StopRecording, RemoveDestination)

LINE_BYTES = 1024 * 1024
CONNECT_S = 2.0
READY_S = 5.0

EngineRoad = Literal["away", "connected", "wrong_secret", "version"]


class EngineListener(Protocol):
    def engine_road_changed(self, state: EngineRoad) -> None: ...

    def note(self, note: EngineNote) -> None: ...


class Wanted:
    """What we want of the engine: the last word of each kind, of each microphone's gain and each destination."""

    def __init__(self) -> None:
        self._by_kind: dict[type, dict[object, EngineCommand]] = {}

    def take(self, command: EngineCommand) -> None:
        if isinstance(command, (GoOnAir, LeaveAir)):
            self._keep(GoOnAir, command)  # the last of the two is what we want
        elif isinstance(command, (StartRecording, StopRecording)):
            self._keep(StartRecording, command)
        elif isinstance(command, SetGain):
            self._keep(SetGain, command, command.second)
        elif isinstance(command, AddDestination):
            self._keep(AddDestination, command, command.name)
        elif isinstance(command, RemoveDestination):
            self._by_kind.get(AddDestination, {}).pop(command.name, None)
        elif isinstance(command, ORDER):
            self._keep(type(command), command)

    def _keep(self, kind: type, command: EngineCommand, which: object = "") -> None:
        self._by_kind.setdefault(kind, {})[which] = command

    def _word(self, kind: type) -> EngineCommand | None:
        return self._by_kind.get(kind, {}).get("")

    def programme(self) -> SetProgramme | None:
        word = self._word(SetProgramme)
        return word if isinstance(word, SetProgramme) else None

    def on_air(self) -> bool:
        return isinstance(self._word(GoOnAir), GoOnAir)

    def adopt(self, note: ProgrammeSet) -> None:
        """The engine as it is becomes what we want, where we wanted nothing yet."""
        for word in (
            SetProgramme(
                camera=note.camera, microphone=note.microphone, width=note.width, height=note.height,
                fps=note.fps, target_bps=note.target_bps, mirror=note.mirror,
                second_camera=note.second_camera, second_microphone=note.second_microphone, still=note.still,
            ),
            SetMuted(muted=note.muted),
            SetSound(shaped=note.shaped),
            SetScene(scene=note.scene),
        ):  # fmt: skip
            if self._word(type(word)) is None:
                self.take(word)

    def adopt_recording(self, path: str) -> None:
        if self._word(StartRecording) is None:
            self.take(StartRecording(folder=str(Path(path).parent) if path else ""))

    def again(self) -> list[EngineCommand]:
        words = [word for kind in ORDER for word in self._by_kind.get(kind, {}).values()]
        return [word for word in words if not isinstance(word, (LeaveAir, StopRecording))]


class EngineClient:
    def __init__(self, listener: EngineListener, where: Callable[[], RuntimeFile | None]) -> None:
        """`where` reads the engine's runtime file; None while there is no engine."""
        self._listener = listener
        self._where = where
        self._wanted = Wanted()
        self._writer: asyncio.StreamWriter | None = None
        self._waiting: list[EngineCommand] = []
        """Said while nobody listened: said on connecting, but for what a new engine hears from `_wanted`."""
        self._told: tuple[int, float] | None = None
        """The engine (pid, start) that knows what we want."""
        self._poke = asyncio.Event()
        self._state: EngineRoad = "away"

    @property
    def state(self) -> EngineRoad:
        return self._state

    @property
    def wanted(self) -> Wanted:
        return self._wanted

    def look_again(self) -> None:
        """There may be an engine now (the supervisor says so)."""
        self._poke.set()

    def tell(self, command: EngineCommand) -> None:
        self._wanted.take(command)
        if self._writer is not None and self._state == "connected":
            self._write(command)
        else:
            self._waiting = [*self._waiting[-31:], command]

    async def run(self) -> None:
        """Stays connected to whatever engine there is, until cancelled."""
        while True:
            self._poke.clear()
            place = self._where()
            if place is not None:
                await self._talk(place)
                self._set_state("away")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._poke.wait(), 0.1)

    async def _talk(self, place: RuntimeFile) -> None:
        """One connection, from greeting to end."""
        try:
            async with asyncio.timeout(CONNECT_S):
                reader, writer = await asyncio.open_connection("127.0.0.1", place.port, limit=LINE_BYTES)
        except (OSError, TimeoutError):
            return
        try:
            writer.write(encode(Greet(secret=place.secret, contract=VERSION)) + b"\n")
            async with asyncio.timeout(READY_S):
                first = await reader.readline()
            ready = _read(first)
            if not isinstance(ready, Ready):
                self._set_state("wrong_secret")
                log.warning("engine_refused_greeting pid=%d", place.pid)
                await asyncio.sleep(1.0)
                return
            if ready.contract != VERSION:
                self._set_state("version")
                log.warning("engine_other_contract theirs=%d ours=%d", ready.contract, VERSION)
                await asyncio.sleep(1.0)
                return
            self._writer = writer
            self._set_state("connected")
            self._listener.note(ready)
            known = (place.pid, place.started)
            if self._told != known:
                words = self._wanted.again()
                for word in words:
                    self._write(word)
                self._waiting = [word for word in self._waiting if not isinstance(word, KEPT)]
                log.info("engine_told pid=%d words=%d", place.pid, len(words))
            self._told = known
            for word in self._waiting:
                self._write(word)
            self._waiting.clear()
            while line := await reader.readline():
                note = _read(line)
                if note is not None:
                    if isinstance(note, ProgrammeSet):
                        self._wanted.adopt(note)
                    elif isinstance(note, RecordingChanged) and note.state == "recording":
                        self._wanted.adopt_recording(note.path)
                    self._listener.note(note)
        except (OSError, TimeoutError, ValueError) as error:
            log.info("engine_road_lost error=%s", type(error).__name__)
        finally:
            self._writer = None
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def _write(self, command: EngineCommand) -> None:
        if self._writer is not None:
            self._writer.write(encode(command) + b"\n")

    def _set_state(self, state: EngineRoad) -> None:
        if state != self._state:
            self._state = state
            log.info("engine_road state=%s", state)
            self._listener.engine_road_changed(state)


def _read(line: bytes) -> Any:
    """A note, or None for an empty or unknown line (a newer engine may say more)."""
    if not line.strip():
        return None
    try:
        return decode_engine_note(line)
    except Unreadable as error:
        log.info("engine_note_unknown reason=%s", error)
        return None
