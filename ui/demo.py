"""An unattended show, played by the same presses a person makes, with a real audience and a real viewer.

The seller is played by mouse events on the window's own buttons and by the action
table; the buyers are `seller-console crowd`, the viewer `seller-console watch`,
both separate programs over HTTP and WebRTC. The summary says what the log and the
viewer saw; exit code 0 only if the show was sound, and why not on stderr.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication, QWidget

from seller_console import places
from seller_console.contract.media import EngineStats
from seller_console.contract.words import Preset
from seller_console.link.supervisor import living

from .words import t

if TYPE_CHECKING:
    from .desk import Desk
    from .wiring import Wiring

log = logging.getLogger(__name__)

BUYERS = 12
PRESET = Preset(duration_ms=15_000, counter_bid_ms=5_000)
OTHER = Preset(duration_ms=10_000, counter_bid_ms=5_000)
START_S = 45.0
BREATH_S = 0.6
"""Between a hammer and the next press: a seller needs a moment, and PDD settles for 0.4 s."""
LAST_PRESS_S = 18.0
"""No lot is opened when less than this is left."""
SOUND_FPS = 0.75
"""Of the programme's frames a second, published on average."""
SOUND_GAP_MS = 1_500.0


class Unsound(Exception):
    """The show could not go on; str() says why, in words."""


class Summary(msgspec.Struct):
    lots_sold: int = 0
    lots_passed: int = 0
    bids: int = 0
    buyers_bidding: int = 0
    hammer_total_cents: int = 0
    seconds_on_air: float = 0.0
    frames_published: int = 0
    fps_mean: float = 0.0
    largest_frame_gap_ms: float = -1.0
    """Seen by a viewer through WHEP; -1: the viewer saw nothing."""
    frames_viewed: int = 0
    first_frame_ms: float = -1.0
    restarts: dict[str, int] = {}
    log: str = ""
    seed: int = 0
    lots_imported: int = 0
    unsound: list[str] = []
    """Why the show was not sound, in words; empty when it was."""


async def wait_until(
    what: Callable[[], bool], seconds: float, why: str, check: Callable[[], None] = lambda: None
) -> None:
    """Polls at 20 Hz; raises Unsound(why) when it takes longer than `seconds`."""
    deadline = time.monotonic() + seconds
    while not what():
        check()
        if time.monotonic() > deadline:
            raise Unsound(why)
        await asyncio.sleep(0.05)


async def press_with_mouse(button: QWidget) -> None:
    """What a person does: the button goes down, a tenth of a second later it comes up inside."""
    middle = QPointF(button.rect().center())
    where = button.mapToGlobal(middle)
    for kind, buttons in (
        (QEvent.Type.MouseButtonPress, Qt.MouseButton.LeftButton),
        (QEvent.Type.MouseButtonRelease, Qt.MouseButton.NoButton),
    ):
        event = QMouseEvent(kind, middle, where, Qt.MouseButton.LeftButton, buttons, Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(button, event)
        await asyncio.sleep(0.1)


class _Frames:
    """Frames the engine handed to RTP while on air, across its restarts (its counters begin anew)."""

    def __init__(self, desk: Desk) -> None:
        self.total = 0
        self.seconds = 0.0
        self.counting = False
        self._last: EngineStats | None = None
        desk.engine_counted.connect(self._take)

    def _take(self, stats: EngineStats) -> None:
        last, self._last = self._last, stats
        if not self.counting or last is None:
            return
        again = stats.uptime_s < last.uptime_s
        self.total += stats.sent if again else stats.sent - last.sent
        self.seconds += stats.uptime_s if again else stats.uptime_s - last.uptime_s

    @property
    def fps(self) -> float:
        return self.total / self.seconds if self.seconds else 0.0


class Demo:
    def __init__(self, desk: Desk, window: QWidget, wiring: Wiring, *, seconds: int, seed: int) -> None:
        self._desk = desk
        self._window = window
        self._wiring = wiring
        self._seconds = seconds
        self._seed = seed
        self._frames = _Frames(desk)
        self.summary = Summary(seed=seed)
        self._children: list[subprocess.Popen[bytes]] = []
        self._viewer: subprocess.Popen[bytes] | None = None
        self._watched = places.runtime() / f"demo-watch-{time.time_ns()}.jsonl"

    async def run(self) -> Summary:
        try:
            await self._prepare()
            await self._go_live()
            await self._sell()
            await self._end()
        except Unsound as error:
            self.summary.unsound.append(str(error))
        finally:
            await self._end_children()
        self._sum_up()
        return self.summary

    # --- before the show ------------------------------------------------------------------

    async def _prepare(self) -> None:
        desk = self._desk
        await wait_until(lambda: desk.connection.state == "connected", START_S, t("demo.no_platform"))
        await wait_until(lambda: desk.health.engine == "running" and desk.devices.asked, START_S, t("demo.no_engine"))
        if desk.show.status == "live":
            raise Unsound(t("demo.live_already"))
        if desk.show.status == "ended" or desk.queue or desk.sold or desk.passed:
            before = desk.show.show_id
            desk.open_show(t("demo.title", seed=self._seed))
            await wait_until(lambda: desk.show.show_id not in {"", before}, 10, t("demo.no_platform"))
        place = living("platform")
        self.summary.log = str(Path(place.log_path).with_name(f"{desk.show.show_id}.db")) if place else ""
        if place is not None and place.show_id == desk.show.show_id:
            self.summary.log = place.log_path
        if desk.devices.no_camera and not self._wiring.remembered("camera"):  # else it was chosen by an earlier show
            await wait_until(lambda: desk.actions.cure_trouble.enabled, 5, t("demo.no_camera"))
            desk.actions.cure_trouble.press()  # F9: the labelled test card
        desk.set_presets(PRESET, OTHER)
        await wait_until(lambda: desk.show.preset == PRESET, 10, t("demo.no_platform"))
        desk.read_inventory(places.resources() / "demo" / "demo.csv")
        await wait_until(lambda: desk.import_.state in {"ready", "unreadable"}, 10, t("demo.no_inventory"))
        if desk.import_.state != "ready":
            raise Unsound(desk.import_.error)
        lots = len(desk.import_.lots)
        desk.accept_import()
        await wait_until(lambda: desk.import_.state == "done" and len(desk.queue) >= lots, 15, t("demo.no_inventory"))
        self.summary.lots_imported = lots

    async def _go_live(self) -> None:
        desk = self._desk
        await wait_until(lambda: desk.actions.go_live.enabled, 5, desk.actions.go_live.reason)
        await asyncio.sleep(BREATH_S)
        desk.actions.go_live.press()
        await wait_until(lambda: desk.show.status == "live", 10, t("demo.not_live"))
        await wait_until(lambda: desk.health.air == "on_air", 20, t("demo.not_on_air"))
        self._frames.counting = True
        self._on_air_since = time.monotonic()
        place = living("platform")
        assert place is not None
        self._start(
            "crowd", "--url", place.url, "--buyers", str(BUYERS), "--seed", str(self._seed),
            "--seconds", str(self._seconds + 60),
        )  # fmt: skip
        seat = await self._wiring.buyer_pass(t("demo.viewer"))
        with self._watched.open("wb") as out:
            self._viewer = self._start("watch", "--url", self._wiring.whep_url, f"--token={seat}", "--json", out=out)

    def _start(self, *words: str, out: Any = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
        errors = (places.logs() / f"demo-{words[0]}.log").open("ab")
        with errors:
            child = subprocess.Popen(
                [sys.executable, "-m", "seller_console", *words], stdin=subprocess.DEVNULL, stdout=out, stderr=errors
            )
        self._children.append(child)
        return child

    # --- on air ----------------------------------------------------------------------------

    async def _sell(self) -> None:
        """Presses PDD for one lot after the other until the time is up."""
        desk = self._desk
        button = self._window.findChild(QWidget, "pdd")
        if not isinstance(button, QWidget):
            raise Unsound(t("demo.no_button"))
        pdd = desk.actions.start_at_opening_price
        while self._left_s() > LAST_PRESS_S:
            await wait_until(lambda: pdd.enabled, 60, t("demo.never_ready"), self._check)
            await asyncio.sleep(BREATH_S)
            if self._left_s() <= LAST_PRESS_S:
                break
            before = desk.deck.run_id
            await press_with_mouse(button)
            await wait_until(
                lambda before=before: desk.fold.state.current_run not in {None, before},  # type: ignore[misc]
                6, t("demo.did_not_open"), self._check,
            )  # fmt: skip
            await wait_until(lambda: desk.fold.state.current_run is None, 120, t("demo.no_hammer"), self._check)
        await wait_until(lambda: self._left_s() <= 0, self._seconds, "", self._check)

    def _left_s(self) -> float:
        return self._seconds - (time.monotonic() - self._on_air_since)

    def _check(self) -> None:
        if self._desk.show.status == "ended":
            raise Unsound(t("demo.ended_early"))

    async def _end(self) -> None:
        """The show is ended by holding the button, as a person does."""
        desk = self._desk
        self.summary.seconds_on_air = round(time.monotonic() - self._on_air_since, 1)
        self._frames.counting = False
        if self._viewer is not None:
            self._viewer.terminate()  # it sums up, before the picture goes with the show
            await asyncio.to_thread(self._viewer.wait, 8)
        await wait_until(lambda: desk.actions.end_show.enabled, 5, desk.actions.end_show.reason)
        desk.actions.end_show.hold_began()
        await wait_until(lambda: desk.show.status == "ended", 10, t("demo.not_ended"))
        await wait_until(lambda: desk.health.air == "off", 10, t("demo.not_ended"))

    async def _end_children(self) -> None:
        for child in self._children:
            if child.poll() is None:
                child.terminate()
        for child in self._children:
            try:
                await asyncio.to_thread(child.wait, 8)
            except subprocess.TimeoutExpired:
                child.kill()
                await asyncio.to_thread(child.wait)

    # --- after -------------------------------------------------------------------------------

    def _sum_up(self) -> None:
        summary, fold = self.summary, self._desk.fold
        state = fold.state
        sold = [sale for sale in state.sales.values() if sale.how == "auction" and sale.status != "voided"]
        summary.lots_sold = len(sold)
        summary.lots_passed = sum(1 for run in state.runs.values() if run.status == "passed")
        summary.bids = fold.bids
        summary.buyers_bidding = len(fold.bidders)
        summary.hammer_total_cents = sum(sale.price_cents for sale in sold)
        summary.frames_published = self._frames.total
        summary.fps_mean = round(self._frames.fps, 2)
        programs = self._desk.programs
        summary.restarts = {"platform": programs.platform.restarts, "engine": programs.engine.restarts}
        self._read_watched()
        if summary.unsound:
            return
        summary.unsound += self._judge()

    def _read_watched(self) -> None:
        """What the viewer saw: its last line sums up."""
        with contextlib.suppress(OSError, ValueError, IndexError):
            seen = json.loads(self._watched.read_text("utf-8").splitlines()[-1])
            if seen.get("final") and seen.get("frames"):
                self.summary.largest_frame_gap_ms = float(seen["largest_frame_gap_ms"])
                self.summary.frames_viewed = int(seen["frames"])
                self.summary.first_frame_ms = float(seen["first_frame_ms"])
        self._watched.unlink(missing_ok=True)

    def _judge(self) -> list[str]:
        """Every reason for which this show was not sound."""
        summary, fps = self.summary, self._desk.programme.fps
        expected = max(1, (self._seconds - 10) // 30)
        wrong: list[str] = []
        if summary.lots_sold < expected:
            wrong.append(t("demo.few_sold", sold=summary.lots_sold, expected=expected))
        if summary.bids == 0:
            wrong.append(t("demo.no_bids"))
        if summary.fps_mean < SOUND_FPS * fps:
            wrong.append(t("demo.slow", fps=summary.fps_mean, expected=SOUND_FPS * fps))
        if summary.frames_viewed == 0:
            wrong.append(t("demo.no_viewer"))
        elif summary.largest_frame_gap_ms > SOUND_GAP_MS:
            wrong.append(t("demo.gap", gap=summary.largest_frame_gap_ms, most=SOUND_GAP_MS))
        if any(summary.restarts.values()):
            wrong.append(t("demo.restarts", restarts=summary.restarts))
        if summary.seconds_on_air < self._seconds:
            wrong.append(t("demo.short", seconds=summary.seconds_on_air))
        return wrong


async def play(desk: Desk, window: QWidget, wiring: Wiring, *, seconds: int, seed: int, summary: Path | None) -> int:
    """Plays the show, writes the summary, and answers the exit code."""
    found = await Demo(desk, window, wiring, seconds=seconds, seed=seed).run()
    raw = msgspec.json.format(msgspec.json.encode(found), indent=1)
    if summary is not None:
        await asyncio.to_thread(summary.write_bytes, raw + b"\n")
    else:
        print(raw.decode())
    for reason in found.unsound:
        print(reason, file=sys.stderr)
    return 1 if found.unsound else 0
