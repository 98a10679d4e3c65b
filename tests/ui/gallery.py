"""Every screen and state, drawn to PNG: `python tests/ui/gallery.py OUTDIR [NAME…] [--all]`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

if __name__ == "__main__":
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    sys.path[:0] = [str(Path(__file__).resolve().parents[2])]

from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication

from tests.ui import scenes
from ui import theme, words
from ui.values import ClipOffer, Closing, Connection, Notice
from ui.views import paint
from ui.window import Window

SIZES = ((1440, 900), (1280, 720), (1920, 1080))
STAGE = ("stage_live", "stage_ready", "stage_adjudged", "stage_paused", "stage_under_10_large", "stage_passed")
PANELS = (
    "preflight",
    "no_camera",
    "sold",
    "passed_list",
    "editor",
    "import",
    "buyers",
    "palette",
    "toast",
    "chosen",
    "settings",
    "camera",
    "camera_live",
    "address",
    "backstage",
    "note_chosen",
    "whisper",
    "invite",
    "invite_loopback",
    "edits_waiting",
    "edits_refused",
    "money_hours",
    "money_lots",
    "closing_waiting",
    "producer_backstage",
    "destinations",
    "destinations_live",
    "clip_offered",
    "clip_saved",
    "guides",
)

LEAVE_NOTHING = frozenset(
    {
        "preflight", "no_camera", "buyers", "backstage", "whisper", "invite", "invite_loopback", "edits_waiting",
        "edits_refused", "closing_waiting", "producer_backstage",
    }
)  # fmt: skip
"""Panels that are values of the desk and a tab: they can follow one another in one window."""


def panel(window: Window, desk: object, name: str) -> None:
    """The screens that are not a state of the deck."""
    assert isinstance(desk, scenes.Desk)
    queue = window.live.queue
    if name in ("preflight", "camera"):
        scenes.prepared(desk)
        if name == "camera":
            scenes.tuned(desk)
            window.preflight.setup.open_camera()
    elif name == "no_camera":
        scenes.no_camera(desk)
    else:
        scenes.under_10(desk)
    if name == "sold":
        queue.show_tab(1)
        queue.list_now.choose(0)
    elif name == "passed_list":
        queue.show_tab(2)
        queue.list_now.choose(1)
    elif name == "editor":
        queue.open_editor(scenes.queue_rows(False)[1])
    elif name == "camera_live":
        scenes.tuned(desk)
        queue.open_camera()
    elif name == "address":
        scenes.two_troubles(desk)
        desk.ask("network_camera", "second_camera")
        window.address.field.setText("192.168.1.20:8080/video")
        window.address.use.click()
    elif name == "settings":
        queue.open_settings()
    elif name.startswith("destinations"):
        live = name == "destinations_live"
        if not live:
            scenes.prepared(desk)
        scenes.broadcast(desk, live)
        if live:
            queue.open_destinations()
        else:
            window.preflight.setup.open_destinations()
            form = window.preflight.setup.destinations.form
            form.name.setText("Site du club")
            form.address.setText("club.example/whip")
            form.done.click()
    elif name in ("clip_offered", "clip_saved"):
        scenes.adjudged(desk)
        desk.put(clip=ClipOffer("r148", 148, "offered" if name == "clip_offered" else "saved"))
        if name == "clip_saved":
            queue.show_tab(1)
            desk.noticed.emit(Notice(words.t("clip.saved", number=148), folder="/x/clips"))
    elif name == "guides":
        desk.put(guides=True)
    elif name == "import":
        desk.put(import_=scenes.DRY_RUN)
        queue.open_import()
    elif name == "buyers":
        window.live.side.tabs.choose(1)
    elif name == "palette":
        window.palette_box.open()
    elif name == "toast":
        desk.noticed.emit(Notice(words.t("undo.removed"), "said", True))
    elif name in ("backstage", "note_chosen", "producer_backstage"):
        (scenes.producer if name.startswith("producer") else scenes.backstage)(desk)
        window.live.side.show_tab(2)
        if name == "note_chosen":
            window.live.side.backstage.run_of_show.list.setCurrentIndex(
                window.live.side.backstage.run_of_show.notes.index(1)
            )
    elif name == "whisper":
        scenes.backstage(desk)
        desk.whispered.emit(scenes.WHISPERS.lines[-1])
    elif name in ("invite", "invite_loopback"):
        scenes.backstage(desk)
        window.live.side.show_tab(2)
        desk.put(invitation=scenes.INVITATION if name == "invite" else scenes.INVITATION_LOOPBACK)
    elif name == "edits_waiting":
        desk.put(edits=scenes.EDITS_WAITING, connection=Connection("away", "unreachable"))
    elif name == "edits_refused":
        desk.put(edits=scenes.EDITS_REFUSED)
    elif name in ("money_hours", "money_lots"):
        scenes.backstage(desk)
        queue.open_money()
        queue.money.tabs.choose(int(name == "money_lots"))
    elif name == "closing_waiting":
        scenes.producer(desk)
        desk.put(edits=scenes.EDITS_WAITING, closing=Closing("asked", waiting=3))
    elif name == "chosen":
        queue.list_now.choose(2)
        window.live.side.chat.choose("6")
        desk.put(pinned=scenes.CHAT[8])


class Stand(NamedTuple):
    window: Window
    desk: scenes.Desk
    fresh: dict[str, Any]
    """The values of a desk to which nothing has happened."""


def open_window(size: tuple[int, int]) -> Stand:
    """A window of its own; `bury` it."""
    desk = scenes.still_desk()
    window = Window(desk)
    window.setMinimumSize(1, 1)
    window.resize(*size)
    window.show()
    return Stand(window, desk, dict(desk._values))


def bury(app: QApplication, stand: Stand) -> None:
    window, desk, _ = stand
    window.finish()
    window.close()
    window.deleteLater()
    desk.deleteLater()
    app.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def draw(
    app: QApplication,
    name: str,
    dress: theme.ThemeName,
    language: words.Language,
    size: tuple[int, int],
    out: Path,
    look: Callable[[Window], None] | None = None,
    stand: Stand | None = None,
    clipped: list[str] | None = None,
) -> None:
    """Writes one picture; `look` sees the window before it goes. `stand`: an open window of this size and language.

    `clipped`: what the witness collects. A window may be painted once before its layout has followed a change;
    what was said then is dropped, since the picture is taken after it.
    """
    before = len(clipped or ())
    words.use(language)
    if theme.colours().name != dress or not app.styleSheet():
        theme.wear(app, dress)
    mine = stand or open_window(size)
    window, desk, fresh = mine
    desk.put(**fresh)  # nothing of the scene before
    scene = name.removeprefix("stage_")
    if scene in scenes.SCENES:
        scenes.SCENES[scene](desk)
        if name == "not_live":
            window.top.prepare.emit()
    else:
        panel(window, desk, name)
    window.live.preview.show_image(scenes.picture())
    window.preflight.preview.show_image(scenes.picture())
    for _ in range(6):
        app.processEvents()
    if name.startswith("stage"):
        window.stage.resize(*size)
        window.stage.show()
        app.processEvents()
    if clipped is not None:
        del clipped[before:]
    image = window.stage.grab() if name.startswith("stage") else window.grab()
    path = out / f"{name}-{dress}-{language}-{size[0]}x{size[1]}.png"
    if look is not None:
        look(window)
    else:
        image.save(str(path))
    if stand is None:
        bury(app, mine)
    else:
        window.stage.hide()
        window.band.hide()
        window.live.side.show_tab(0)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--all", action="store_true", help="both themes, both languages, every size")
    parser.add_argument("--look", default="dark")
    parser.add_argument("--language", default="fr")
    parser.add_argument("--size", default="1440x900")
    parser.add_argument("--strict", action="store_true", help="a clipped word is an error")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    app = QApplication([])
    names = asked.names or [*scenes.SCENES, *PANELS, *STAGE]
    wide, _, tall = asked.size.partition("x")
    clipped: list[str] = []
    if asked.strict:
        paint.witness = lambda said, needed, given: clipped.append(f"{said!r} needs {needed:.0f}, has {given:.0f}")
    looks: list[theme.ThemeName] = ["dark", "light"] if asked.all else [asked.look]
    languages: list[words.Language] = ["fr", "en"] if asked.all else [asked.language]
    sizes = list(SIZES) if asked.all else [(int(wide), int(tall))]
    for name in names:
        for look in looks:
            for language in languages:
                for size in sizes:
                    draw(app, name, look, language, size, asked.out, clipped=clipped)
    print("\n".join(clipped))
    return 1 if clipped else 0


if __name__ == "__main__":
    sys.exit(main())
