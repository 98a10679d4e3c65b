"""How the console lives and dies: one Qt application on one asyncio loop, and a clean way out.

Known traps kept here: the application never quits by itself when its last window
closes; the close event is answered by the desk, an asyncio event ends `main`, and
everything is torn down before it returns (after aboutToQuit nothing can be awaited).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import qasync
from PySide6.QtWidgets import QApplication

from seller_console import places
from seller_console.link.keys import Keys
from seller_console.link.platform import Address
from seller_console.link.settings import Settings

from . import joining, theme, words
from .desk import Desk
from .values import Closing
from .wiring import Wiring
from .words import t

if TYPE_CHECKING:
    from .window import Window

log = logging.getLogger(__name__)

Playing = Callable[["Desk", "Window", "Wiring"], Awaitable[int]]


def options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="seller-console", description=t("cli.console"))
    parser.add_argument("--title", default="", help=t("cli.title"))
    parser.add_argument("--platform", default="", metavar="URL", help=t("cli.platform"))
    parser.add_argument("--pass", dest="owner_pass", default="", metavar="PASS", help=t("cli.pass"))
    parser.add_argument("--stream-key", default="", metavar="KEY", help=t("cli.stream_key"))
    joining.add_options(parser)
    parser.add_argument("--demo", type=int, default=0, metavar="SECONDS", help=t("cli.demo"))
    parser.add_argument("--seed", type=int, default=7, metavar="S", help=t("cli.seed"))
    parser.add_argument("--summary", type=Path, default=None, metavar="FILE", help=t("cli.summary"))
    return parser.parse_args(argv)


def main(argv: list[str]) -> int:
    asked = options(argv)

    async def demo(desk: Desk, window: Window, wiring: Wiring) -> int:
        from .demo import play

        return await play(desk, window, wiring, seconds=asked.demo, seed=asked.seed, summary=asked.summary)

    return live(asked, demo if asked.demo else None)


def live(asked: argparse.Namespace, playing: Playing | None = None) -> int:
    """One console, from its window to its exit code. `playing` plays the person at it, and ends it by returning."""
    _log_to_file()
    if sys.platform.startswith("linux") and not any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    ):
        print(t("cli.no_display"), file=sys.stderr)
        return 1
    settings = Settings()
    look = settings.values
    if look.scale != 100 and "QT_SCALE_FACTOR" not in os.environ:
        theme.set_scale(os.environ, look.scale)
    words.use("fr" if look.language == "fr" else "en" if look.language == "en" else None)
    if refused := joining.join(asked):
        print(refused, file=sys.stderr)
        return 1
    app = QApplication.instance() or QApplication([sys.argv[0]])
    assert isinstance(app, QApplication)
    theme.wear(app, "light" if look.theme == "light" else "dark" if look.theme == "dark" else None)
    app.setApplicationName("seller-console")
    app.setQuitOnLastWindowClosed(False)
    with asyncio.Runner(loop_factory=lambda: qasync.QEventLoop(app)) as runner:
        return runner.run(Console(app, asked, settings, playing).run())


class Console:
    def __init__(
        self, app: QApplication, asked: argparse.Namespace, settings: Settings, playing: Playing | None = None
    ) -> None:
        self._app = app
        self._asked = asked
        self._playing = playing
        self._settings = settings
        self._ended = asyncio.Event()
        self._leave_programs = False

    async def run(self) -> int:
        """The whole life of the window; returns the exit code."""
        from .window import Window

        asked, settings = self._asked, self._settings
        keys = Keys()
        join = await self._other_platform(keys) if asked.platform else None
        desk = Desk(keys=settings)
        lan = asked.lan or settings.values.lan
        wiring = Wiring(desk, settings, join=join, stream_key=asked.stream_key, title=asked.title, lan=lan)
        window = Window(desk)
        self._app.installEventFilter(desk.actions)
        desk.closing_changed.connect(self._closing_changed)
        restore = self._catch_signals(desk)
        window.show()
        if settings.notice:
            desk.notice(t(settings.notice), "trouble")
        outcome = 0
        try:
            async with asyncio.TaskGroup() as tasks:
                running = tasks.create_task(wiring.run())
                keeping = tasks.create_task(self._keep_pass(desk, keys, join)) if join and asked.owner_pass else None
                ended = tasks.create_task(self._ended.wait())
                if self._playing is not None:
                    playing = asyncio.ensure_future(self._playing(desk, window, wiring))
                    await asyncio.wait((playing, ended), return_when=asyncio.FIRST_COMPLETED)
                    outcome = await _outcome(playing)
                else:
                    await ended
                ended.cancel()
                if not self._leave_programs:
                    window.setEnabled(False)
                    await wiring.end_programs()
                running.cancel()
                if keeping is not None:
                    keeping.cancel()
        finally:
            restore()
            self._app.removeEventFilter(desk.actions)
            window.finish()
            window.hide()
            window.deleteLater()
            desk.deleteLater()
        return outcome

    async def _other_platform(self, keys: Keys) -> Address:
        """Where to join, with the pass given now or kept from the last time."""
        url = self._asked.platform.rstrip("/")
        return Address(url, self._asked.owner_pass or await asyncio.to_thread(keys.get, url))

    async def _keep_pass(self, desk: Desk, keys: Keys, join: Address) -> None:
        """A pass that opened the door is kept for the next time."""
        opened = asyncio.Event()
        desk.connection_changed.connect(lambda road: opened.set() if road.state == "connected" else None)
        await opened.wait()
        try:
            await asyncio.to_thread(keys.keep, join.url, join.owner_pass)
        except OSError as error:
            log.info("pass_not_kept error=%s", type(error).__name__)
            desk.notice(t("keys.not_kept"), "trouble")
        else:
            if keys.notice:
                desk.notice(t(keys.notice), "trouble")

    def _closing_changed(self, closing: Closing) -> None:
        if closing.state == "closed":
            self._ended.set()

    def _catch_signals(self, desk: Desk) -> Callable[[], None]:
        """Ctrl C asks like the window's cross. SIGTERM leaves a live show on air for the next window."""
        loop = asyncio.get_running_loop()

        def interrupted(number: int, frame: object) -> None:
            loop.call_soon_threadsafe(desk.asked_to_close)

        def terminated(number: int, frame: object) -> None:
            self._leave_programs = desk.show.status == "live"
            loop.call_soon_threadsafe(self._ended.set)

        kept = {signal.SIGINT: signal.signal(signal.SIGINT, interrupted)}
        if hasattr(signal, "SIGTERM"):
            kept[signal.SIGTERM] = signal.signal(signal.SIGTERM, terminated)

        def restore() -> None:
            for number, handler in kept.items():
                with contextlib.suppress(ValueError, TypeError):
                    signal.signal(number, handler)

        return restore


async def _outcome(playing: asyncio.Future[int]) -> int:
    """What the player answered; when the window was ended under it, it is told, and has failed."""
    if playing.done():
        return playing.result()
    playing.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        return await playing
    return 1


def _log_to_file() -> None:
    """The console's story of the show; warnings also to stderr."""
    root = logging.getLogger()
    if any(handler.get_name() == "console" for handler in root.handlers):
        return
    line = logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s")
    file = logging.FileHandler(places.logs() / "console.log", encoding="utf-8", delay=True)
    file.setFormatter(line)
    loud = logging.StreamHandler()
    loud.setLevel(logging.WARNING)
    loud.setFormatter(line)
    root.setLevel(logging.INFO)
    for chatty in ("httpx", "wakepy", "qasync"):  # an address a request, a page a launch, a line a timer
        logging.getLogger(chatty).setLevel(logging.WARNING)
    handlers: tuple[logging.Handler, ...] = (file, loud)
    for handler in handlers:
        handler.set_name("console")
        root.addHandler(handler)
