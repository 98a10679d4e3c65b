"""What each word of contract.media does: the engine without its socket.

`Engine.obey` takes a command, `on_note` is called on the loop with everything a
console should hear. Troubles are kept as a set: raised once, cured once, said again
to whoever comes later (`greeting`). A refused word changes nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from .. import contract
from ..contract.media import (
    AddDestination,
    AirChanged,
    CameraSet,
    ClipSaved,
    DevicesFound,
    EncoderChosen,
    EncoderTried,
    EngineCommand,
    EngineNote,
    EngineRefused,
    FindDevices,
    GoOnAir,
    LeaveAir,
    MicrophoneLevel,
    ProgrammeSet,
    Quit,
    Ready,
    RemoveDestination,
    RetryNow,
    SaveClip,
    SetCamera,
    SetEncoder,
    SetGain,
    SetMuted,
    SetOverlay,
    SetProgramme,
    SetScene,
    SetSound,
    SnapshotTaken,
    StartRecording,
    StopRecording,
    TakeSnapshot,
    TroubleCured,
    TroubleRaised,
)
from ..rtc.payload import Codec
from .arenas import GIVE_BACK_S, give_back
from .aside import aside
from .camerabook import unfit
from .devices import Devices, UnknownDevice
from .encode import Output
from .hardware import SOFTWARE, Choice, Known, Shape, choose
from .outputs import Outputs
from .preview import PreviewWriter
from .program import Programme, write_jpeg
from .publish import Publisher
from .record import code_of
from .sentinel import Sentinel
from .stats import StatsTaker
from .troubles import TroubleWatch, of_outputs, of_seams

log = logging.getLogger("engine")

LEVEL_S, WATCH_S, STATS_S, DEVICES_S = 0.1, 0.25, 1.0, 2.0
CLOSE_S, ALONE_CLOSE_S = 2.0, 300.0
"""For the last rewrapping: a window waits 6 s in all for its engine; without one, whoever started it wants the MP4."""
WORDS_S = 2.0
"""For words that are still being done when the engine ends."""
PICTURES_AT_ONCE = 8
"""Snapshots and clips that may be on their way to a disk together."""
LARGEST_SIDE, SMALLEST_SIDE = 3840, 64


def _write_whole(path: Path, content: bytes) -> None:
    """All of it, or nothing: what lay at `path` stays when the disk is full. Raises OSError, ValueError."""
    if path.exists() and not path.is_file():  # a pipe, a device: they take it as it comes, and stay
        path.write_bytes(content)
        return
    beside = path.with_name(f".{uuid.uuid4().hex}.part")
    try:
        beside.write_bytes(content)
        beside.replace(path)
    finally:
        with contextlib.suppress(OSError):
            beside.unlink()


class Engine:
    """Made on the loop; `run` until Quit or cancelled.

    Without a preview path nobody is watching here: devices are not looked for either.
    """

    def __init__(
        self,
        preview_path: Path | None,
        on_note: Callable[[EngineNote], None],
        devices: Devices | None = None,
        codec: Codec = "H264",
    ) -> None:
        """`codec`: of every output, as long as this engine lives; VP8 is for WHIP and files only."""
        self._on_note = on_note
        self._devices = devices or Devices()
        self._preview = None if preview_path is None else PreviewWriter(preview_path)
        self.programme = Programme(self._devices, self._preview, codec)
        self._air = AirChanged(state="off")
        self._publisher = Publisher(
            on_air=self._air_changed,
            on_keyframe_wanted=self.programme.ask_idr,
            on_target_bps=self.programme.set_bps,
            codec=codec,
            start_bps=self.programme.ceiling_bps,
            max_bps=self.programme.ceiling_bps,
        )
        self._whip = Output("whip", self._publisher.send_video, self._publisher.send_audio)
        """Fed only while on air: nothing is encoded for a door that is shut."""
        self.outputs = Outputs(self.programme, on_note)
        self._sentinel = Sentinel(self.programme)
        self._troubles = TroubleWatch()
        self._found: DevicesFound | None = None
        self._cameras_said: dict[str, CameraSet] = {}
        self._choice = Choice()
        self._proofs: Known = {}
        self._choosing: asyncio.Task[None] | None = None
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        """programme, air, overlay, and one for each further destination: words of one are done in order."""
        self._words: set[asyncio.Task[None]] = set()
        self._air_wish: GoOnAir | None = None
        self._being_saved = 0
        self.quitting = asyncio.Event()

    # --- for the door ------------------------------------------------------------------------

    @property
    def air(self) -> AirChanged:
        return self._air

    def greeting(self) -> tuple[EngineNote, ...]:
        """What a console that has just come must know."""
        notes: list[EngineNote] = [
            Ready(
                pid=os.getpid(),
                contract=contract.VERSION,
                preview_path=str(self._preview.path) if self._preview else "",
            ),
            self._programme_set(),
            *self.outputs.destinations,  # before the air: a console then knows what need not be begun
            self._air,
        ]
        if self._found is not None:
            notes.append(self._found)
        notes += self.programme.camera_reports()
        notes.append(self._encoder_chosen())
        notes.append(self.outputs.recording)
        return (*notes, *self._troubles.raised())

    async def run(self) -> None:
        """Everything that beats on the loop; ends, off air and tidy, after `quitting` is set."""
        self.programme.start()
        self._sentinel.start()
        self.outputs.salvage()
        try:
            async with asyncio.TaskGroup() as group:
                beats = [
                    group.create_task(beat())
                    for beat in (self._say_levels, self._watch, self._say_stats, self._find_devices)
                    if self._preview is not None or beat != self._find_devices
                ]
                await self.quitting.wait()
                for beat in beats:
                    beat.cancel()
        finally:
            if self._choosing is not None:
                self._choosing.cancel()
            for ending in (
                self._leave_air, self._close_outputs, self._finish_words, self._stop_watching, self._stop_programme,
            ):  # fmt: skip
                try:
                    await ending()
                except Exception:  # whatever became of one, the next must run: a file is to be closed, a camera freed
                    log.exception("ending_failed step=%s", ending.__name__)
            if self._preview is not None:
                self._preview.close()

    async def _leave_air(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(3):
                await self._publisher.stop()

    async def _close_outputs(self) -> None:
        await self.outputs.close(CLOSE_S if self._preview is not None else ALONE_CLOSE_S)

    async def _finish_words(self) -> None:
        if self._words:
            await asyncio.wait(self._words, timeout=WORDS_S)
        for word in self._words:
            word.cancel()

    async def _stop_watching(self) -> None:
        await asyncio.to_thread(self._sentinel.stop)

    async def _stop_programme(self) -> None:
        await asyncio.to_thread(self.programme.stop)
        await asyncio.to_thread(self.programme.keep_cameras)

    async def obey(self, command: EngineCommand) -> None:
        """Do one word to its end; notes tell the outcome."""
        await self.begin(command)

    def begin(self, command: EngineCommand) -> asyncio.Task[None]:
        """The same beside those that came before it: mute and leaving the air never wait for a disk or a server."""
        word = asyncio.get_running_loop().create_task(self._do(command))
        self._words.add(word)
        word.add_done_callback(self._words.discard)
        return word

    async def _do(self, command: EngineCommand) -> None:
        try:
            match command:
                case SetMuted():
                    self.programme.sound.muted = command.muted
                    self._on_note(self._programme_set())
                case SetGain():
                    self.programme.sound.set_gain_db(command.gain_db, command.second)
                case SetSound():
                    self.programme.sound.shaped = command.shaped
                    self._on_note(self._programme_set())
                case LeaveAir():
                    await self._leave_air_now()
                case RetryNow():
                    self.programme.retry_now()
                    self.outputs.retry_now()
                    for trouble in self._sentinel.troubles:
                        if trouble.code in ("picture_frozen", "picture_blurred"):
                            self.programme.cure_camera(trouble.device, reopen=trouble.code == "picture_frozen")
                        if trouble.code == "picture_blurred":
                            self._sentinel.refocused(trouble.device)
                    self._publisher.retry_now()
                case Quit():
                    self.quitting.set()
                case FindDevices():
                    await self._look_for_devices(asked=True)
                case SetOverlay():
                    await self._show_overlay(command)
                case TakeSnapshot():
                    await self._save_snapshot(command)
                case SaveClip():
                    await self._save_clip(command)
                case AddDestination():
                    await self._add_destination(command)
                case RemoveDestination():
                    async with self._turns[f"destination {command.name}"]:
                        await self.outputs.remove(command.name)
                case GoOnAir():
                    await self._go_on_air(command)
                case StopRecording():
                    async with self._turns["programme"]:
                        ending = self.outputs.stop_recording()
                    await ending
                case _:
                    async with self._turns["programme"]:
                        await self._change_programme(command)
        except Exception as error:  # one word that goes wrong is told, and is not the end of the rest
            log.exception("word_failed command=%s", type(command).__name__)
            self._refuse(command, "failed", str(error))

    async def _change_programme(self, command: EngineCommand) -> None:
        match command:
            case SetProgramme():
                await self._set_programme(command)
            case SetCamera():
                self._set_camera(command)
            case SetEncoder():
                self._choose_encoder(command.encoder)
            case SetScene():
                if await asyncio.to_thread(self.programme.show, command.scene, command.words, command.cut):
                    self._on_note(self._programme_set())
                else:
                    self._refuse(command, "unknown_scene", command.scene)
            case StartRecording():
                self.outputs.start_recording(command.folder)
            case _:
                self._refuse(command, "unexpected")

    # --- inside --------------------------------------------------------------------------------

    def _refuse(self, command: object, code: str, detail: str = "") -> None:
        name = type(command).__name__
        log.info("refused command=%s code=%s detail=%s", name, code, detail)
        self._on_note(EngineRefused(command=name, code=code, detail=detail))

    def _programme_set(self) -> ProgrammeSet:
        now = self.programme.settings
        return ProgrammeSet(
            camera=now.camera,
            microphone=now.microphone,
            width=now.width,
            height=now.height,
            fps=now.fps,
            target_bps=now.target_bps,
            muted=self.programme.sound.muted,
            mirror=now.mirror,
            scene=self.programme.scene,
            second_camera=now.second_camera,
            still=now.still,
            second_microphone=now.second_microphone,
            shaped=self.programme.sound.shaped,
            scenes=self.programme.scenes,
        )

    async def _set_programme(self, wanted: SetProgramme) -> None:
        now = self.programme.settings
        reshaped = (wanted.width, wanted.height, wanted.fps) != (now.width, now.height, now.fps)
        if reshaped:
            async with self._turns["air"]:
                pass  # left, if that was asked before
        if reshaped and (self._air.state != "off" or self.outputs.fixed):
            code = "on_air" if self._air.state != "off" else "recording"
            self._refuse(wanted, code, "size and frame rate change off air only")
            return
        sides_ok = all(s % 2 == 0 and SMALLEST_SIDE <= s <= LARGEST_SIDE for s in (wanted.width, wanted.height))
        if not sides_ok or not 1 <= wanted.fps <= 60 or not (wanted.target_bps == 0 or wanted.target_bps >= 50_000):
            self._refuse(wanted, "unfit", f"{wanted.width}x{wanted.height} at {wanted.fps}, {wanted.target_bps} b/s")
            return
        try:
            await asyncio.to_thread(self._change, wanted)
        except UnknownDevice as error:
            self._refuse(wanted, "unknown_device", str(error))
            return
        if reshaped:
            self.outputs.reshaped()
            await self._show_overlay(None)
        if reshaped and self._choice.wanted != "x264":
            self._choose_encoder(self._choice.wanted)
        self._publisher.set_bounds(min_bps=150_000, max_bps=self.programme.ceiling_bps)
        log.info("programme camera=%s microphone=%s size=%dx%d fps=%d", self.programme.camera.name,
                 self.programme.sound.microphone.name, wanted.width, wanted.height, wanted.fps)  # fmt: skip
        self._on_note(self._programme_set())

    def _change(self, wanted: SetProgramme) -> None:
        """Each microphone by its identity, as it is listed: menus tick it, and it is never open twice."""
        first, second = map(self._devices.identity, (wanted.microphone, wanted.second_microphone))
        self.programme.change(msgspec.structs.replace(wanted, microphone=first, second_microphone=second))

    def _set_camera(self, command: SetCamera) -> None:
        if why := unfit(command.settings):
            self._refuse(command, "unfit", str(why))
            return
        try:
            self.programme.set_camera(command.camera, command.settings)
        except UnknownDevice as error:
            self._refuse(command, "unknown_device", str(error))
            return
        self._say_cameras()

    def _say_cameras(self) -> None:
        """What changed of how a camera is used."""
        now = {report.camera: report for report in self.programme.camera_reports()}
        for spec, report in now.items():
            if self._cameras_said.get(spec) != report:
                self._on_note(report)
        self._cameras_said = now

    async def _show_overlay(self, facts: SetOverlay | None) -> None:
        """None: those there are, for another size."""
        async with self._turns["overlay"]:
            now, overlay = self.programme.settings, self.programme.overlay
            await aside(lambda: overlay.show(facts or overlay.facts, now.width, now.height), "overlay")

    def _choose_encoder(self, wanted: str) -> None:
        """The proof takes seconds: x264 goes on meanwhile, unless this size has its proof."""
        if self._choosing is not None:
            self._choosing.cancel()
        self.programme.forget_lost()
        self._choice = Choice(wanted)
        self._choosing = asyncio.create_task(self._prove_encoder(wanted, self.programme.shape))

    async def _prove_encoder(self, wanted: str, shape: Shape) -> None:
        choice = await aside(lambda: choose(wanted, shape, self._proofs), "encoder proof")
        for verdict in choice.tried:
            log.info("encoder_tried name=%s works=%s why=%s", verdict.name, verdict.works, verdict.why)
        self._choice = choice
        self.programme.use_encoder(choice.name)
        self._on_note(self._encoder_chosen())

    async def encoder_settled(self) -> None:
        """Until the choice of an encoder is made."""
        if self._choosing is not None:
            await asyncio.wait([self._choosing])

    def _encoder_chosen(self) -> EncoderChosen:
        tried = tuple(EncoderTried(name=one.name, works=one.works, why=one.why) for one in self._choice.tried)
        return EncoderChosen(wanted=self._choice.wanted, encoder=self._choice.name, tried=tried)

    def _encoder_troubles(self) -> list[TroubleRaised]:
        """An encoder that was asked for by name and is not used, or was lost on air."""
        choice = self._choice
        lost = self.programme.mind_encoder(time.monotonic_ns())
        if lost is not None:
            if choice.name == lost.name:
                self._choice = Choice(choice.wanted, SOFTWARE, (*choice.tried, lost))
                self._on_note(self._encoder_chosen())
            return [TroubleRaised(code="encoder_fallback", subject=lost.name, detail=lost.why)]
        if self._choosing is None or not self._choosing.done() or not choice.fell_back:
            return []
        why = choice.tried[-1].why if choice.tried else ""
        return [TroubleRaised(code="encoder_fallback", subject=choice.wanted, detail=why)]

    async def _go_on_air(self, command: GoOnAir) -> None:
        if not command.url.startswith(("http://", "https://")):
            self._refuse(command, "bad_url", "the address must begin with http:// or https://")
            return
        self._air_wish = command
        async with self._turns["programme"], self._turns["air"]:
            if self._air_wish is command:
                self._publisher.start(command.url, command.token)

    async def _leave_air_now(self) -> None:
        self._air_wish = None  # a word that still waits for its turn is taken back
        async with self._turns["air"]:
            await self._publisher.stop()

    async def _add_destination(self, command: AddDestination) -> None:
        async with self._turns[f"destination {command.name}"]:
            await self.outputs.remove(command.name)
            async with self._turns["programme"]:
                if not self.quitting.is_set():
                    await self.outputs.add(command)

    def _air_changed(self, air: AirChanged) -> None:
        if air == self._air:
            return
        log.info("air state=%s reason=%s attempt=%d", air.state, air.reason, air.attempt)
        self._air = air
        self.outputs.set_air(self._whip if air.state == "on_air" else None)
        self._on_note(air)

    async def _save_snapshot(self, command: TakeSnapshot) -> None:
        if self._being_saved >= PICTURES_AT_ONCE:
            self._on_note(SnapshotTaken(request=command.request, error="busy"))
            return
        with self._saving():
            self._on_note(await aside(lambda: self._snapshot(command), "snapshot"))

    async def _save_clip(self, command: SaveClip) -> None:
        if self._being_saved >= PICTURES_AT_ONCE:
            self._on_note(ClipSaved(request=command.request, error="busy"))
            return
        with self._saving():
            await self.outputs.save_clip(command)

    @contextlib.contextmanager
    def _saving(self) -> Iterator[None]:
        self._being_saved += 1
        try:
            yield
        finally:
            self._being_saved -= 1

    def _snapshot(self, command: TakeSnapshot) -> SnapshotTaken:
        pixels = self.programme.snapshot(command.camera)
        if pixels is None:
            return SnapshotTaken(request=command.request, error="no_picture")
        try:
            _write_whole(Path(command.path), write_jpeg(pixels))
        except (OSError, ValueError) as error:
            log.info("snapshot_failed error=%s", error)
            why = code_of(error) if isinstance(error, OSError) else "not_writable"  # ValueError: a path that is none
            return SnapshotTaken(request=command.request, error=why)
        return SnapshotTaken(request=command.request, path=command.path)

    async def _say_levels(self) -> None:
        while True:
            await asyncio.sleep(LEVEL_S)
            peak, rms, clipped = self.programme.sound.meter.read()
            self._on_note(MicrophoneLevel(peak_db=round(peak, 1), rms_db=round(rms, 1), clipped=clipped))

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(WATCH_S)
            self.outputs.watch(once_a_second=False)
            self._say_cameras()
            further = (
                *of_outputs(self.outputs),
                *of_seams(self._publisher.broken_seams),
                *self._sentinel.troubles,
                *self._encoder_troubles(),
            )
            for note in self._troubles.look(self.programme, self._air, time.monotonic_ns(), further):
                if isinstance(note, TroubleRaised | TroubleCured):
                    log.info("%s code=%s subject=%s", type(note).__name__, note.code, note.subject)
                self._on_note(note)

    async def _say_stats(self) -> None:
        taker = StatsTaker()
        for second in itertools.count(1):
            await asyncio.sleep(STATS_S)
            self.outputs.watch(once_a_second=True)
            await asyncio.to_thread(self.programme.keep_cameras)
            self._on_note(taker.take(self.programme, self._publisher.stats(), self._air.state))
            if second % GIVE_BACK_S == 0:
                give_back()

    async def _look_for_devices(self, asked: bool) -> None:
        found = await asyncio.to_thread(self._devices.find, asked)
        if asked or found != self._found:
            self._found = found
            self._on_note(found)

    async def _find_devices(self) -> None:
        while True:
            await self._look_for_devices(asked=False)
            await asyncio.sleep(DEVICES_S)
