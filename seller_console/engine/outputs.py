"""Everyone the packets go to: the air, the recording, the ring for clips, further destinations.

Keeps the programme's list of outputs true: nothing is encoded while nobody takes it,
and the ring fills only while something else is fed. Belongs to the event loop.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from .. import places
from ..contract.media import (
    AddDestination,
    AirState,
    ClipSaved,
    DestinationChanged,
    EngineNote,
    EngineRefused,
    RecordingChanged,
    SaveClip,
)
from .aside import aside
from .destinations import StreamDestination, WhipDestination
from .encode import Output
from .muxing import can_stream
from .program import Programme
from .record import Recorder, RecordFacts, code_of
from .ring import Ring
from .salvage import Salvage, remember, remembered

log = logging.getLogger("engine.outputs")


def _is_whip(url: str) -> bool:
    return url.startswith(("http://", "https://"))


class Outputs:
    def __init__(self, programme: Programme, on_note: Callable[[EngineNote], None]) -> None:
        self._programme = programme
        self._on_note = on_note
        self._loop = asyncio.get_running_loop()
        self._whip: Output | None = None
        self._ring = Ring()
        self._ring_output = Output("ring", self._ring.video, self._ring.audio)
        self._recorder: Recorder | None = None
        self._salvage = Salvage()
        self._finishing: list[Recorder] = []
        """Those before, while something of theirs is rewrapped."""
        self._said = RecordingChanged(state="off")
        self._streams: dict[str, StreamDestination | WhipDestination] = {}
        self._failing: dict[str, str] = {}
        self._turns: dict[str, object] = {}
        self._told: dict[str, DestinationChanged] = {}
        """What was said last of each destination there is."""

    @property
    def fixed(self) -> bool:
        """Something is being written: the programme's shape may not change."""
        return self._recorder is not None or bool(self._streams)

    @property
    def recording(self) -> RecordingChanged:
        return self._said

    @property
    def failing(self) -> dict[str, str]:
        """Destinations that are away, and why."""
        return self._failing

    @property
    def destinations(self) -> tuple[DestinationChanged, ...]:
        return tuple(self._told.values())

    def set_air(self, whip: Output | None) -> None:
        self._whip = whip
        self._apply()

    def reshaped(self) -> None:
        """What the ring kept has another size."""
        self._ring.clear()

    def _apply(self) -> None:
        fed = [self._whip] if self._whip else []
        if self._recorder is not None:
            fed.append(Output("recording", self._recorder.video, self._recorder.audio))
        fed += [stream.output for stream in self._streams.values()]
        if fed:
            fed.append(self._ring_output)
        self._programme.set_outputs(tuple(fed))

    # --- recording -----------------------------------------------------------------------------------

    def salvage(self) -> None:
        """What a kill or a power cut left of the last recordings, in the background."""
        self._salvage.begin(*remembered())

    def start_recording(self, folder: str) -> None:
        """Already recording: nothing. A recording that failed is begun anew."""
        if self._recorder is not None and self._recorder.facts().state != "failed":
            return
        now = self._programme.settings
        name = time.strftime("%Y-%m-%d %Hh%M", time.localtime())
        into = Path(folder) if folder else places.home() / "recordings"
        remember(into.absolute())
        self._salvage.begin(into)
        self._recorder = Recorder(
            into,
            name,
            (now.width, now.height),
            now.fps,
            self._programme.ask_idr,
            self._programme.codec,
        )
        self._apply()
        self.watch(once_a_second=False)

    def stop_recording(self) -> Awaitable[None]:
        """Nothing more is recorded from now on; what is given is over when the file is closed."""
        recorder, self._recorder = self._recorder, None
        if recorder is not None:
            self._apply()
            self._finishing.append(recorder)
        return self._end(recorder)

    async def _end(self, recorder: Recorder | None) -> None:
        if recorder is not None:
            await aside(recorder.end, "recording end")
            self.watch(once_a_second=False)

    def watch(self, once_a_second: bool) -> None:
        """Says what changed of the recording; called on every look at the troubles."""
        before = [(recorder, recorder.facts()) for recorder in self._finishing]
        self._finishing = [recorder for recorder, facts in before if facts.busy]
        if self._recorder is None:
            if before:
                self._say_recording(before[-1][1])
            return
        facts = self._recorder.facts()
        if once_a_second or facts.state != self._said.state:
            self._say_recording(facts)
        if facts.state == "failed" and any(o.name == "recording" for o in self._programme.outputs):
            self._programme.set_outputs(tuple(o for o in self._programme.outputs if o.name != "recording"))

    def _say_recording(self, facts: RecordFacts) -> None:
        """That it failed while it was being ended is said before that it has ended."""
        if facts.error and facts.state != "failed" and not self._said.error:
            self._say_recording(replace(facts, state="failed"))
        said = RecordingChanged(
            state=facts.state,
            path=facts.path,
            seconds=facts.seconds,
            bytes=facts.bytes,
            hours_left=facts.hours_left,
            error=facts.error,
        )
        if said != self._said:
            self._said = said
            self._on_note(said)

    async def save_clip(self, command: SaveClip) -> None:
        now = self._programme.settings
        try:
            path, size, codec = Path(command.path), (now.width, now.height), self._programme.codec
            seconds = await aside(lambda: self._ring.save(path, command.seconds, size, now.fps, codec), "clip")
        except LookupError:
            self._on_note(ClipSaved(request=command.request, error="nothing_on_air"))
            return
        except (OSError, ValueError) as error:  # ValueError: a path that is none
            log.info("clip_failed error=%s", error)
            code = code_of(error) if isinstance(error, OSError) else "not_writable"
            self._on_note(ClipSaved(request=command.request, error=code))
            return
        self._on_note(ClipSaved(request=command.request, path=command.path, seconds=round(seconds, 2)))

    # --- further destinations ----------------------------------------------------------------------------

    async def add(self, command: AddDestination) -> None:
        """A destination of the same name is replaced."""
        if not can_stream(command.url):
            scheme = command.url.partition("://")[0]
            self._on_note(EngineRefused(command="AddDestination", code="not_in_this_build", detail=scheme))
            return
        if self._programme.codec != "H264" and "://" in command.url and not _is_whip(command.url):
            self._on_note(EngineRefused(command="AddDestination", code="takes_h264_only"))
            return
        await self.remove(command.name)
        now, ask = self._programme.settings, self._programme.ask_idr
        self._changed(command.name, "connecting", "")
        turn = self._turns[command.name] = object()

        def heard(state: AirState, detail: str) -> None:
            if self._turns.get(command.name) is turn:  # the last words of one that was taken off are no news
                self._changed(command.name, state, detail)

        def changed(state: AirState, detail: str) -> None:
            self._loop.call_soon_threadsafe(heard, state, detail)

        if _is_whip(command.url):
            ceiling = self._programme.ceiling_bps
            self._streams[command.name] = WhipDestination(
                command.name, command.url, command.token, ask, changed, ceiling, self._programme.codec
            )
        else:
            size = (now.width, now.height)
            self._streams[command.name] = StreamDestination(
                command.name, command.url, size, now.fps, ask, changed, self._programme.codec
            )
        self._apply()

    async def remove(self, name: str) -> None:
        stream = self._streams.pop(name, None)
        if stream is None:
            return
        self._turns.pop(name, None)
        self._apply()
        self._changed(name, "off", "")
        if isinstance(stream, WhipDestination):
            await stream.stop()
        else:
            await asyncio.to_thread(stream.stop)

    def retry_now(self) -> None:
        """Those that are away do not wait for their next attempt."""
        for stream in self._streams.values():
            stream.retry_now()

    def _changed(self, name: str, state: AirState, detail: str) -> None:
        if state in ("on_air", "off"):
            self._failing.pop(name, None)
        elif detail and name in self._streams:
            self._failing[name] = detail
        note = DestinationChanged(name=name, state=state, detail=detail)
        if state == "off":
            self._told.pop(name, None)
        else:
            self._told[name] = note
        self._on_note(note)

    async def close(self, patience_s: float) -> None:
        """Everything is ended and whole on disk; a last rewrapping that takes longer ends by itself."""
        await self.stop_recording()  # first: a server that hangs takes seconds
        await asyncio.gather(*(self.remove(name) for name in list(self._streams)), return_exceptions=True)
        finishing, self._finishing = self._finishing, []
        for recorder in finishing:
            self._say_recording(await asyncio.to_thread(recorder.stop, patience_s))
        self._whip = None
        self._apply()
