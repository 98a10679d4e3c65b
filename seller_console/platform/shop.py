"""Which shows this platform has, and how one comes back after a restart.

A show is its log, its salesroom and its feed, together a `Room`. The current one is
open; another is opened, off the loop, for who shows a pass of it, and put away when idle.
After a restart the open show is folded, the platform says how long it was away (rule 15),
then the doors open.
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ..contract import commands as c
from ..contract import events as e
from ..contract.words import PersonId, Refusal, Role, ShowId, Struct, Who
from ..sale.audience import may_see
from ..sale.show import decide
from ..sale.state import ShowState
from .briefs import Briefs
from .clock import Clock
from .feed import Feed
from .keys import Keys, keep_keys, read_keys
from .limits import Limits
from .log import Damaged, KeptPass, Log, LogUnwritable, NewerLog, Row
from .media_sessions import MediaSessions
from .passes import OWNER, Passes, new_person
from .picture_watch import PictureWatch
from .regulars import Regulars
from .relay import FrameSeen, IngestEnded, IngestStarted, RelayNote
from .salesroom import PLATFORM, Folded, Salesroom, heard, slots_of
from .salvage import salvage

logger = logging.getLogger(__name__)

EDITING_LASTS_S = 30.0
COUNT_EVERY_S = 1.0
LOOK_EVERY_S = 0.2
IDLE_ROOM_S = 300.0
REGULARS_WAIT_S = 2.0
"""How long who enters right after a start waits for what earlier shows know."""
_STORY = frozenset({
    "show_went_live", "show_ended", "run_opened", "hammered", "run_voided", "run_withdrawn", "run_paused",
    "run_resumed", "clock_moved", "picture_lost", "picture_returned", "platform_returned", "media_noted",
})  # fmt: skip
"""What the log file tells of a show, in a page or two."""
_SHOW_NAME = re.compile(r"[A-Za-z0-9-]{1,64}")


class TitleRefused(ValueError):
    """The rules would not open a show of that title."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.sentence)
        self.refusal = refusal


class _Read(NamedTuple):
    """All that is read of a show to open it: seconds for a long one, so never on the loop while it serves."""

    log: Log
    folded: Folded
    answered: set[int]
    passes: list[KeptPass]

    @staticmethod
    def of(path: Path) -> _Read:
        try:
            return _Read._whole(path)
        except Damaged as error:
            logger.warning("log_damaged show=%s why=%r", path.stem, str(error))
            saved = salvage(path)
            logger.warning("log_salvaged show=%s rows=%d kept_as=%s", path.stem, saved.rows, saved.kept_as.name)
            return _Read._whole(path)

    @staticmethod
    def _whole(path: Path) -> _Read:
        log = Log(path)
        try:
            return _Read(log, Folded.of(log), slots_of(log), log.passes())
        except (Damaged, NewerLog, LogUnwritable):
            log.close()
            raise


class Room:
    """One show, open."""

    def __init__(self, read: _Read, clock: Clock, show_id: ShowId) -> None:
        log = read.log
        self.show_id = show_id
        self.log = log
        self.clock = clock
        self.watch = PictureWatch()
        self.sales = Salesroom(
            log,
            clock,
            folded=read.folded,
            answered=read.answered,
            on_rows=self._rows,
            on_halt=self._halted,
            present=lambda: self.feed.present(),
            before_bell=lambda now_ms: self.watch.before_bell(now_ms, self.sales.state),
        )
        self.briefs = Briefs(self.sales)
        self.feed = Feed(log, clock, self.sales.committed, self._readers_changed)
        self._editors: dict[PersonId, tuple[str, str, float]] = {}
        self._loop = asyncio.get_running_loop()
        self._told: dict[str, tuple[str, Struct]] = {}
        self._count_timer: asyncio.TimerHandle | None = None
        self._look_timer = self._loop.call_later(LOOK_EVERY_S, self._look)
        self._asked_at_s = self._loop.time()

    def asked(self) -> None:
        """Somebody with a right to it wanted this show."""
        self._asked_at_s = self._loop.time()

    def idle_s(self) -> float:
        """0 while a lot runs, something is due or somebody follows; else since it was last asked for."""
        return 0.0 if self.sales.busy or self.feed.readers else self._loop.time() - self._asked_at_s

    async def settled(self) -> None:
        """Everything said so far is on the disk."""
        await self.sales.certain(lambda: None)

    def come_back(self, *, current: bool) -> None:
        """Rule 15, in the very step in which the show is opened: before any bell that fell due while
        the platform was away, the lot on the block gets its time back. The current show is told
        of every return, another one only when a lot is on its block."""
        head, last_at = self.log.head()
        state = self.sales.state
        if head == 0 or state.status == "ended" or (state.run is None and not current):
            return
        down_ms = max(0, self.clock.wall_ms() - last_at)
        self.watch.returned(self.clock.now_ms(), self._media_noted())
        self.sales.say(PLATFORM, c.ReturnPlatform(down_ms=down_ms)).add_done_callback(heard)
        logger.info("show_returned show=%s seq=%d down_ms=%d", self.show_id, self.sales.committed, down_ms)

    def _media_noted(self) -> list[str]:
        try:
            return [row.event for row in self.log.last_of("media_noted")]
        except Damaged as error:
            # Before the snapshot the show was folded from: nothing else of it is missed.
            logger.info("picture_not_expected show=%s why=%r", self.show_id, str(error))
            return []

    def _rows(self, rows: Sequence[Row]) -> None:
        self.feed.publish(rows)
        for row in rows:
            if row.kind in _STORY:
                logger.info("%s show=%s seq=%d event=%s", row.kind, self.show_id, row.seq, row.event)

    def _halted(self, halted: bool) -> None:
        self.feed.pass_by(e.LogHalted(halted=halted))

    # --- what the relay sees ---------------------------------------------------------------

    def hear(self, note: RelayNote) -> None:
        """Media facts enter the log as the platform observed them; the picture is watched (rule 15)."""
        now, state = self.clock.now_ms(), self.sales.state
        if isinstance(note, IngestStarted):
            sound = "" if note.audio else ", sans son"
            self._say(c.NoteMedia(what="ingest_started", detail=f"{note.video_codec}{sound}"))
            self._say(self.watch.frame(now, state))
        elif isinstance(note, FrameSeen):
            self._say(self.watch.frame(now, state))
        elif isinstance(note, IngestEnded) and note.reason != "replaced":
            self._say(c.NoteMedia(what="ingest_ended", detail=note.reason))
            self.watch.ended(state, said_goodbye=note.reason in {"deleted", "closed"})

    def _look(self) -> None:
        self._say(self.watch.look(self.clock.now_ms(), self.sales.state))
        self._look_timer = self._loop.call_later(LOOK_EVERY_S, self._look)

    def _say(self, command: Struct | None) -> None:
        if command is not None and self.sales.state.status != "ended":
            self.sales.say(PLATFORM, command).add_done_callback(heard)

    # --- who is here -------------------------------------------------------------------

    def _readers_changed(self) -> None:
        """Counts go out at most once in COUNT_EVERY_S, the latest only."""
        if self._count_timer is None:
            self._count_timer = self._loop.call_later(COUNT_EVERY_S, self.tell_counts)

    def tell_counts(self) -> None:
        self._count_timer = None
        self._tell("viewers", e.ViewersCounted(viewers=len(self.feed.present())))
        self._tell("consoles", e.ConsolesCounted(names=self.consoles()), "staff")
        connected = {reader.who.person for reader in self.feed.readers}
        for person in [person for person in self._editors if person not in connected]:
            del self._editors[person]
        self._tell_editors()

    def _tell(self, what: str, event: Struct, audience: str = "everyone") -> None:
        self._told[what] = (audience, event)
        self.feed.pass_by(event, audience)

    def greeting(self, who: Who) -> list[Struct]:
        """What passes by and a newcomer should know at once."""
        told = [event for audience, event in self._told.values() if may_see(audience, who)]
        if self.sales.halted_at_ms:
            told.append(e.LogHalted(halted=True))
        return told

    def consoles(self) -> tuple[str, ...]:
        """Names of the owner and producers connected."""
        return tuple(
            sorted({reader.who.nickname for reader in self.feed.readers if reader.who.role in {"owner", "producer"}})
        )

    def editing(self, who: Who, lot_id: str | None) -> None:
        if lot_id is None:
            self._editors.pop(who.person, None)
        else:
            self._editors[who.person] = (lot_id, who.nickname, self._loop.time() + EDITING_LASTS_S)
            self._loop.call_later(EDITING_LASTS_S + 0.1, self._tell_editors)
        self._tell_editors()

    def _tell_editors(self) -> None:
        now_s = self._loop.time()
        for person in [person for person, (_, _, until_s) in self._editors.items() if until_s <= now_s]:
            del self._editors[person]
        editors: dict[str, list[str]] = {}
        for lot_id, nickname, _ in self._editors.values():
            editors.setdefault(lot_id, []).append(nickname)
        seen = e.EditingSeen(editors={lot_id: ", ".join(sorted(names)) for lot_id, names in sorted(editors.items())})
        if self._told.get("editing", ("", e.EditingSeen(editors={})))[1] != seen:
            self._tell("editing", seen, "backstage")

    async def close(self) -> None:
        self._look_timer.cancel()
        if self._count_timer is not None:
            self._count_timer.cancel()
        self.feed.close()
        await self.sales.close()


class Shop:
    """All shows of a home. `await open()` before anything else."""

    def __init__(self, home: Path, clock: Clock | None = None, *, per_address: float = 1.0) -> None:
        self.home = home
        self.clock = clock or Clock()
        self.keys: Keys = read_keys(home)
        self.passes = Passes(self.keys.owner_pass)
        self.limits = Limits(per_address=per_address)
        self.media = MediaSessions(per_address)
        self.regulars = Regulars(home / "regulars")
        self.rooms: dict[ShowId, Room] = {}
        self.opened_at_s = time.monotonic()
        self._shows = home / "shows"
        self._shows.mkdir(exist_ok=True, mode=0o700)
        self._closing = False
        self._moving = asyncio.Lock()
        """Held while a show that is not the current one is opened or put away: one writer a log."""
        self._tidying: asyncio.Task[None] | None = None
        self._recalling: asyncio.Task[None] | None = None

    # --- shows ------------------------------------------------------------------------------

    async def open(self, title: str = "") -> Room:
        """The open show again, or a new one: when there is none, it has ended, or `title` is another."""
        if self._tidying is None:
            self._tidying = asyncio.create_task(self._put_away_idle(), name="idle shows")
        room = await self.room(self.keys.current_show)
        if self._recalling is None:
            self._recalling = asyncio.create_task(self._recall(), name="regulars")
        if room is None or room.sales.state.status == "ended" or title not in {"", room.sales.state.title}:
            return await self.open_show(title or "Mon live")
        await room.settled()
        return room

    async def open_show(self, title: str) -> Room:
        """A new show, the current one from now on. Raises TitleRefused before anything is made."""
        show_id = f"{time.strftime('%Y%m%d')}-{secrets.token_hex(3)}"
        command = c.OpenShow(show_id=show_id, title=title)
        would = decide(ShowState(), command, OWNER, self.clock.now_ms())
        if isinstance(would, Refusal):
            raise TitleRefused(would)
        room = self._enter(show_id, _Read.of(self._path(show_id)))
        await room.sales.say(OWNER, command)
        self.keys.current_show = show_id
        keep_keys(self.home, self.keys)
        logger.info("show_opened show=%s title=%r", show_id, title)
        return room

    @property
    def current(self) -> Room | None:
        return self.rooms.get(self.keys.current_show)

    def has(self, show_id: ShowId) -> bool:
        return show_id in self.rooms or bool(_SHOW_NAME.fullmatch(show_id) and self._path(show_id).exists())

    async def room(self, show_id: ShowId) -> Room | None:
        """The show of that id, opened if need be; None: there is none. Raises LogUnwritable, NewerLog."""
        if show_id in self.rooms or not self.has(show_id):
            return self.rooms.get(show_id)
        async with self._moving:
            if show_id in self.rooms:
                return self.rooms[show_id]
            read = await asyncio.to_thread(_Read.of, self._path(show_id))
            if self._closing:
                read.log.close()
                return None
            return self._enter(show_id, read)

    def _path(self, show_id: ShowId) -> Path:
        return self._shows / f"{show_id}.db"

    def _enter(self, show_id: ShowId, read: _Read) -> Room:
        room = self.rooms[show_id] = Room(read, self.clock, show_id)
        room.come_back(current=show_id == self.keys.current_show)
        self.passes.learn(show_id, read.passes)
        self.regulars.opened(show_id, room.sales, read.passes)
        return room

    async def _recall(self) -> None:
        """What earlier shows know of their buyers, the newest first."""
        for show_id in self.show_ids():
            async with self._moving:
                if self._closing:
                    return
                if not self.regulars.knows(show_id):
                    await asyncio.to_thread(self.regulars.read, show_id, self._path(show_id))

    async def _put_away_idle(self) -> None:
        """Shows that are over and that nobody asks for any more need no memory, file or timer."""
        while True:
            await asyncio.sleep(IDLE_ROOM_S / 10)
            async with self._moving:
                for room in list(self.rooms.values()):
                    if room is not self.current and room.idle_s() >= IDLE_ROOM_S:
                        del self.rooms[room.show_id]
                        await self._close(room)
                        logger.info("show_put_away show=%s", room.show_id)

    async def _close(self, room: Room) -> None:
        await room.close()
        await asyncio.to_thread(self.regulars.put_away, room.show_id, self._path(room.show_id))

    def show_ids(self) -> list[ShowId]:
        """Newest first."""
        return sorted((path.stem for path in self._shows.glob("*.db") if _SHOW_NAME.fullmatch(path.stem)), reverse=True)

    def hear(self, note: RelayNote) -> None:
        """One relay a platform: what it sees is the current show's."""
        self.media.hear(note)
        room = self.current
        if room is not None and not self._closing:
            room.hear(note)

    # --- people --------------------------------------------------------------------------------

    async def admit(
        self, room: Room, role: Role, nickname: str, invited_by: PersonId = "", lasting: str = ""
    ) -> tuple[str, Who] | Refusal:
        """A fresh pass, kept in the same transaction as the person's joining. `lasting`: a buyer's
        token of all shows, by which earlier ones know them."""
        who = Who(person=new_person(role), role=role, nickname=nickname)
        regular = None
        if lasting:
            if self._recalling is not None:
                await asyncio.wait([self._recalling], timeout=REGULARS_WAIT_S)
            regular = await self.regulars.of(lasting, but=room.show_id)
        token, kept = self.passes.make(role, who.person, nickname, self.clock.now_ms(), lasting)
        answer = await room.sales.say(who, c.Join(invited_by=invited_by, regular=regular), kept_pass=kept)
        if isinstance(answer, Refusal):
            return answer
        self.passes.learn(room.show_id, [kept])
        self.regulars.joined(room.show_id, kept)
        return token, who

    def would_admit(self, room: Room, role: Role, nickname: str) -> Refusal | None:
        """Why `admit` would refuse; nothing is said."""
        who = Who(person=new_person(role), role=role, nickname=nickname)
        would = decide(room.sales.state, c.Join(), who, self.clock.now_ms())
        return would if isinstance(would, Refusal) else None

    # --- the end ----------------------------------------------------------------------------------

    def busy(self) -> bool:
        """A console is connected, or a lot is running."""
        return any(room.consoles() or room.sales.state.run is not None for room in self.rooms.values())

    async def close(self) -> None:
        self._closing = True
        if self._tidying is not None:
            self._tidying.cancel()
            await asyncio.wait([self._tidying])
        if self._recalling is not None:
            await asyncio.wait([self._recalling])
        for room in list(self.rooms.values()):
            await self._close(room)
