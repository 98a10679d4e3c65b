"""How the desk's calls reach the link, and how the link's news reach the desk.

Promises: every call of `Wires` returns at once; every task has this object for a
parent and ends with it; the programs it started end with the console when its end
is wanted, and stay when it is killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import uuid
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Literal

from seller_console import places
from seller_console.contract import commands as c
from seller_console.contract import events as e
from seller_console.contract import media as m
from seller_console.contract import routes
from seller_console.contract.words import Accepted, LotDraft, Preset, Refusal, Who
from seller_console.link import pairing, trust
from seller_console.link.awake import Awake
from seller_console.link.engine import EngineClient
from seller_console.link.keys import Keys
from seller_console.link.pictures import Pictures
from seller_console.link.platform import Address, PlatformClient, RoadState, Unanswered
from seller_console.link.rehearsal import RehearsalCrowd
from seller_console.link.settings import Settings
from seller_console.link.supervisor import ProgramOutcome, ProgramSpec, Supervisor, living
from seller_console.link.waiting import KeptEdit, WaitingEdits

from . import naming
from .desk import Desk
from .free_names import FreeNames
from .importing import dry_run
from .values import Connection, ImportDryRun, ProgramState
from .values_backstage import Invitation
from .wires import Answered
from .words import t

log = logging.getLogger(__name__)

PICTURE_PATIENCE_S = 0.8
SAVE_PATIENCE_S = 10.0
"""A disk may have to wake up."""
END_PATIENCE_S = 3.0
AGAIN_S, SAID_AGAIN_S = 3.0, 60.0
"""Before a part that broke is begun again; one that breaks on and on is said once a minute."""
EDITING_AGAIN_S = 10.0


class Wiring:
    """Also the listener of PlatformClient and EngineClient, and the desk's Wires."""

    def __init__(
        self,
        desk: Desk,
        settings: Settings,
        *,
        join: Address | None = None,
        stream_key: str = "",
        title: str = "",
        lan: bool = False,
    ) -> None:
        self._desk = desk
        self._settings = settings
        self._join = join
        self._stream_key = stream_key
        self._awake = Awake()
        engine = ProgramSpec("engine", ("engine",))
        again = ("platform", "--embedded", *(("--lan",) if lan else ()))
        platform = ProgramSpec("platform", (*again, *(("--show", title) if title else ())), again)
        if join is None:
            specs: tuple[ProgramSpec, ...] = (platform, engine)
        else:  # beside the seller, or far away: without a stream key the picture is somebody else's
            specs = (engine,) if stream_key else ()
        self.supervisor = Supervisor(specs, self._program_changed)
        self.engine = EngineClient(self, lambda: living("engine"))
        self._address = join or Address("", "")
        self.platform = PlatformClient(self._address, self)
        self.crowd = RehearsalCrowd(desk.take_crowd)
        self._pictures = Pictures(self.platform, self._start, desk.pictures_came)
        self._tasks: asyncio.TaskGroup | None = None
        self._platform_known = asyncio.Event()
        if join:
            self._platform_known.set()
        self._waiting: WaitingEdits | None = None
        """Of the pass we hold; None until there is one."""
        self._recalled: set[str] = set()
        """Shows whose edits of an earlier window were taken up."""
        self._keys = Keys()
        self._keyring = asyncio.Lock()
        self._snapshots: dict[str, asyncio.Future[m.SnapshotTaken]] = {}
        self._names = FreeNames()
        self._engine_restarts = 0
        self._recording = False
        self._first_engine = True
        self._following: asyncio.Task[None] | None = None
        self._presence: asyncio.Task[None] | None = None

    # --- life --------------------------------------------------------------------------

    async def run(self) -> None:
        """Runs until cancelled."""
        self._desk.wire(self)
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            try:
                tasks.create_task(self._lasting(self.supervisor.run))
                tasks.create_task(self._lasting(self.engine.run))
                tasks.create_task(self._lasting(self.crowd.run))
                self._following = tasks.create_task(self._lasting(self._follow_platform))
                await asyncio.Event().wait()
            finally:
                self._tasks = None
                await self._awake.end()

    async def _lasting(self, part: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """A part that breaks is begun again: its fault must not close the window of a show that runs."""
        said_s = float("-inf")
        while True:
            try:
                return await part()
            except Exception:  # whatever it was: it is logged, and said
                log.exception("part_broke")
                if (task := asyncio.current_task()) is not None and task.cancelling():
                    raise  # at its end: begun again it would never end
                if time.monotonic() - said_s >= SAID_AGAIN_S:
                    said_s = time.monotonic()
                    self._desk.notice(t("part.broke"), "trouble")
            await asyncio.sleep(AGAIN_S)

    async def _follow_platform(self) -> None:
        await self._platform_known.wait()
        await self.platform.run()

    async def end_programs(self) -> None:
        """The console's end is wanted: its programs end with it."""
        self.supervisor.forget()
        if self._following is not None:
            self._following.cancel()
        for name in self.supervisor.names:
            await self.supervisor.end(name, (lambda: self.engine.tell(m.Quit())) if name == "engine" else None)

    def _edits_not_kept(self, code: str) -> None:
        self._desk.notice(t("edits.unreadable" if code == "unreadable" else "edits.not_kept"), "trouble")

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None] | None:
        """None: the console is ending."""
        if self._tasks is None:
            work.close()
            return None
        task = self._tasks.create_task(self._minded(work))
        task.add_done_callback(lambda _: work.close())  # one cancelled before its first step never began it
        return task

    async def _minded(self, work: Coroutine[Any, Any, None]) -> None:
        """One act that breaks costs that act: what it runs beside is the whole console."""
        try:
            await work
        except Exception:  # whatever it was: it is logged, and said
            log.exception("act_broke")
            self._desk.notice(t("act.broke"), "trouble")

    # --- Wires: what the desk asks ---------------------------------------------------------

    def say(
        self,
        command: c.Command,
        answered: Answered,
        *,
        patience_s: float | None = None,
        in_turn: bool = False,
        key: str = "",
    ) -> None:
        async def work() -> None:
            try:
                if in_turn:
                    answer: Accepted | Refusal | None = await self.platform.say_in_turn(command, key=key)
                else:
                    answer = await self.platform.say(command, patience_s=patience_s)
            except Unanswered:
                answer = None
            answered(answer)

        self._start(work())

    def keep_edits(self, show_id: str, edits: tuple[KeptEdit, ...]) -> None:
        if self._waiting is not None:
            self._waiting.keep(show_id, edits)

    def tell(self, command: m.EngineCommand) -> None:
        self.engine.tell(command)

    def keep(self, command: m.EngineCommand) -> None:
        self.engine.wanted.take(command)

    def keep_secret(self, name: str, secret: str) -> None:
        async def work() -> None:
            try:
                async with self._keyring:  # in the order in which they were asked
                    if secret:
                        await asyncio.to_thread(self._keys.keep, name, secret)
                    else:
                        await asyncio.to_thread(self._keys.forget, name)
            except OSError as error:
                log.info("secret_not_kept error=%s", type(error).__name__)
                self._desk.notice(t("destinations.key_not_kept"), "trouble")
            else:
                if secret and self._keys.notice:
                    self._desk.notice(t("destinations.key_in_file"), "said")

        self._start(work())

    def secret(self, name: str, got: Callable[[str], None]) -> None:
        async def work() -> None:
            async with self._keyring:
                found = await asyncio.to_thread(self._keys.get, name)
            got(found)

        self._start(work())

    def go_on_air(self) -> None:
        if "engine" not in self.supervisor.names:
            return
        self.engine.tell(self._on_air())
        if self._settings.values.record:
            self.engine.tell(m.StartRecording(folder=self._settings.values.record_folder))
        self._start(self._keep_awake())

    def keep_on_air(self) -> None:
        if "engine" not in self.supervisor.names:
            return
        self.engine.wanted.take(self._on_air())
        self._start(self._keep_awake())

    def leave_air(self) -> None:
        self.engine.tell(m.LeaveAir())
        self.engine.tell(m.StopRecording())
        self._start(self._awake.end())

    def _on_air(self) -> m.GoOnAir:
        place = living("platform") if self._join is None else None
        key = place.stream_key if place is not None else self._stream_key
        url = self._address.url.rstrip("/") + routes.at(routes.WHIP, self.platform.show_id)
        return m.GoOnAir(url=url, token=key)

    def open_show(self, title: str, opened: Callable[[bool], None]) -> None:
        async def work() -> None:
            opened(bool(await self.platform.open_show(title)))

        self._start(work())

    async def buyer_pass(self, nickname: str) -> str:
        """A seat in the room, as anyone takes one; its pass, "" when the platform would not."""
        return await self.platform.join_as_buyer(nickname)

    @property
    def whep_url(self) -> str:
        return self._address.url.rstrip("/") + routes.at(routes.WHEP, self.platform.show_id)

    async def _keep_awake(self) -> None:
        if await self._awake.begin() == "inactive":
            self._desk.notice(t("awake.inactive"), "trouble")

    def editing(self, lot_id: str | None) -> None:
        if self._presence is not None:
            self._presence.cancel()

        async def work() -> None:
            await self.platform.put_editing(lot_id)
            while lot_id is not None:  # the platform forgets after 30 s
                await asyncio.sleep(EDITING_AGAIN_S)
                await self.platform.put_editing(lot_id)

        self._presence = self._start(work())

    def invite(self, role: str, invited: Callable[[Invitation], None]) -> None:
        async def work() -> None:
            opened = await self.platform.invite(role)
            if opened is None:
                invited(Invitation("failed"))
                return
            code, url, expires_ms = opened
            fingerprint = ""
            with contextlib.suppress(OSError):
                fingerprint = trust.fingerprint(await asyncio.to_thread(trust.seen, url))
            alone = pairing.is_loopback(url)
            invited(Invitation("open", code, url, expires_ms, loopback=alone, fingerprint=fingerprint))

        self._start(work())

    def take_picture(self, taken: Callable[[str], None]) -> None:
        async def work() -> None:
            path = ""
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PICTURE_PATIENCE_S):
                    path = await self._picture()
            taken(path)

        self._start(work())

    def _photographed(self) -> str:
        """The first camera of the scene that gives pictures, the table's of two, and behind a card: the lot is there.

        All are lost: one that gives none, never a card in its place. What is drawn is nowhere but in the programme.
        """
        programme = self._desk.programme
        lost = {one.device for one in self._desk.troubles if one.code in ("camera_gone", "camera_busy")}
        real = [spec for spec in (*programme.seen, programme.camera) if spec not in naming.STAND_INS]
        return next((spec for spec in real if spec not in lost), next(iter(real), ""))

    async def _snapshot(self, path: Path, camera: str = "") -> str:
        """What this camera sees, or the programme, into this file; why not, "" when it is there."""
        request = uuid.uuid4().hex
        self._snapshots[request] = asyncio.get_running_loop().create_future()
        try:
            self.engine.tell(m.TakeSnapshot(request=request, path=str(path), camera=camera))
            note = await self._snapshots[request]
        finally:
            self._snapshots.pop(request, None)
        if note.error:
            log.info("snapshot_failed reason=%s", note.error)
        return note.error

    async def _picture(self) -> str:
        place = places.runtime() / f"snapshot-{uuid.uuid4().hex}.jpg"
        try:
            if await self._snapshot(place, self._photographed()):
                return ""
            content = await asyncio.to_thread(place.read_bytes)
            return await self.platform.upload_picture(content)
        except OSError as error:
            log.info("snapshot_unreadable error=%s", error)
            return ""
        finally:
            place.unlink(missing_ok=True)

    def save_picture(self, path: Path, saved: Callable[[Path, str], None]) -> None:
        async def work() -> None:
            free = path
            try:
                async with asyncio.timeout(SAVE_PATIENCE_S):
                    free = await self._names.take(path)
                    why = await self._snapshot(free)
                    self._names.give_back(free)
            except TimeoutError:  # the engine may still write it: the name stays taken
                why = "timeout"
            except OSError as error:
                log.info("picture_folder_refused error=%s", error)
                why = "not_writable"
            saved(free, why)

        self._start(work())

    def free_path(self, path: Path, got: Callable[[Path], None]) -> None:
        async def work() -> None:
            try:
                free = await self._names.take(path)
            except (OSError, ValueError) as error:  # the engine meets the same there, and says why
                log.info("clip_folder_refused error=%s", type(error).__name__)
                free = path
            got(free)

        self._start(work())

    def give_back(self, path: Path) -> None:
        self._names.give_back(path)

    def read_inventory(self, path: Path, read: Callable[[ImportDryRun], None]) -> None:
        async def work() -> None:
            read(await asyncio.to_thread(dry_run, path))

        self._start(work())

    def send_pictures(
        self, lots: tuple[LotDraft, ...], folder: Path, sent: Callable[[tuple[LotDraft, ...]], None]
    ) -> None:
        async def work() -> None:
            sent(await self._pictures.send(lots, folder))

        self._start(work())

    def local_picture(self, path: str) -> str:
        return self._pictures.local(path)

    def simulate_public(self, wanted: bool) -> None:
        if wanted and self.supervisor.elected:
            self.crowd.want(self._address.url, self.platform.show_id)
        else:
            self.crowd.unwant()

    def retry_connection(self) -> None:
        self.platform.retry_now()
        if "platform" in self.supervisor.names:
            self.supervisor.retry("platform")

    def retry_program(self, name: str) -> None:
        for known in self.supervisor.names:
            if known == name:
                self.supervisor.retry(known)

    def remember(self, **settings: object) -> None:
        for name, value in settings.items():
            setattr(self._settings.values, name, value)
        self._settings.save()

    def remembered(self, name: str) -> object:
        return getattr(self._settings.values, name)

    # --- Listener: what the platform says ----------------------------------------------------

    def road_changed(self, state: RoadState) -> None:
        self._desk.take_connection(Connection(state.state, state.reason, state.detail, time.monotonic()))

    def feed_began(self, show_id: str, who: Who) -> None:
        if self._waiting is None and self._tasks is not None:
            self._waiting = WaitingEdits(self._address.owner_pass)
            self._waiting.on_trouble = self._edits_not_kept
            self._tasks.create_task(self._lasting(self._waiting.run))
        url = self._address.url.rstrip("/") + routes.at(routes.BUYER_PAGE, show_id)
        self._desk.begin_feed(who, url)

    def row(self, stamped: e.Stamped) -> None:
        self._desk.take(stamped)

    def caught_up(self, seq: int) -> None:
        """A show of ours that nobody has touched yet begins with the presets of the last one."""
        log.info("caught_up seq=%d", seq)
        show_id = self.platform.show_id
        if self._waiting is not None and show_id not in self._recalled:
            self._recalled.add(show_id)
            self._desk.take_kept(self._waiting.read(show_id))
        self._desk.bring_lots()
        self._desk.feed_whole(True)
        state, kept = self._desk.fold.state, self._settings.values
        if self._desk.fold.who.role != "owner" or state.status != "prepared" or state.preset != Preset():
            return
        if kept.fee_bps and not state.fee_bps:
            self.say(c.EditShow(fee_bps=kept.fee_bps), lambda answer: None)
        if kept.preset not in {None, state.preset} or kept.other_preset not in {None, state.other_preset}:
            edit = c.EditShow(preset=kept.preset, other_preset=kept.other_preset)
            self.say(edit, lambda answer: None)

    def passing(self, passing: e.Passing) -> None:
        self._desk.take_passing(passing)

    def clock(self, offset_ms: float, rtt_ms: float) -> None:
        self._desk.take_clock(offset_ms)

    # --- EngineListener: what the engine says ---------------------------------------------------

    def engine_road_changed(self, state: str) -> None:
        self._desk.take_engine_road(state)

    def note(self, note: m.EngineNote) -> None:
        if isinstance(note, m.SnapshotTaken):
            waiting = self._snapshots.get(note.request)
            if waiting is not None and not waiting.done():
                waiting.set_result(note)
            return
        if isinstance(note, m.EngineRefused):
            log.info("engine_refused command=%s code=%s", note.command, note.code)
            self._desk.engine_refused(note)
            return
        if isinstance(note, m.RecordingChanged):
            self._note_recording(note)
        if isinstance(note, m.ProgrammeSet):
            self._settings.identify(microphone=note.microphone, second_microphone=note.second_microphone)
        self._desk.take_note(note)

    def _note_recording(self, note: m.RecordingChanged) -> None:
        """The show's log knows what was recorded, and where."""
        active = note.state == "recording"
        if active == self._recording or self._desk.show.status != "live":
            self._recording = active
            return
        self._recording = active
        what: Literal["recording_started", "recording_ended"] = "recording_started" if active else "recording_ended"
        self.say(c.NoteMedia(what=what, detail=Path(note.path).stem), lambda answer: None)

    # --- the programs ---------------------------------------------------------------------------

    def _program_changed(self, outcome: ProgramOutcome) -> None:
        self._desk.take_program(ProgramState(outcome.name, outcome.state, outcome.restarts, outcome.reason))
        if outcome.name == "platform" and outcome.state == "running" and outcome.place is not None:
            place = outcome.place
            self._address = Address(place.url, place.secret)
            self.platform.move(self._address)
            self.platform.retry_now()
            self._platform_known.set()
        if outcome.name == "engine" and outcome.state == "running":
            if self._first_engine and outcome.reason != "attached":
                self._set_up_engine()
            elif self._first_engine:
                for word in self._sound():  # it keeps its own; the next one will hear of it
                    self.engine.wanted.take(word)
            self._first_engine = False
            self.engine.look_again()
            if outcome.restarts > self._engine_restarts and self._desk.show.status == "live":
                noted = c.NoteMedia(what="engine_restarted", detail=f"n={outcome.restarts}")
                self.say(noted, lambda answer: None)
            self._engine_restarts = outcome.restarts

    def _sound(self) -> list[m.EngineCommand]:
        """How the microphones were set."""
        kept = self._settings.values
        words: list[m.EngineCommand] = [] if kept.shaped else [m.SetSound(shaped=False)]
        for spec, second in ((kept.microphone, False), (kept.second_microphone, True)):
            if gain_db := kept.gains.get(spec, 0.0):
                words.append(m.SetGain(gain_db=gain_db, second=second))
        return words

    def _set_up_engine(self) -> None:
        """A new engine gets what was chosen last time."""
        kept = self._settings.values
        if kept.encoder != "x264":
            self.engine.tell(m.SetEncoder(encoder=kept.encoder))
        for word in self._sound():
            self.engine.tell(word)
        self.engine.tell(
            m.SetProgramme(
                camera=kept.camera or "testcard",
                microphone=kept.microphone or "tone",
                second_camera=kept.second_camera,
                second_microphone=kept.second_microphone,
                still=kept.still,
                width=kept.width,
                height=kept.height,
                target_bps=kept.target_bps,
                mirror=self._settings.device(kept.camera).mirror if kept.camera else False,
            )
        )
