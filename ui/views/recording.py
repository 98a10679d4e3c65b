"""Recording the show: the choice before it, and while it runs what was recorded, where, and for how long there is room.

Promises: the choice is kept; what is said of the disk was measured on the disk that is
recorded to; stopping a recording never touches the broadcast.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QPoint, Qt, QUrl
from PySide6.QtGui import QDesktopServices, QMouseEvent
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QMenu, QWidget

from .. import words
from ..desk import Desk
from ..values import Recording
from ..words import known, t
from .choice import Choice
from .controls import Badge, plain_button

NO, OTHER = "no", "other"
RESERVE_BYTES = 300_000_000
"""Recording ends by itself when the disk has less left."""
SOUND_BPS = 128_000
SMALL_BPS, LARGE_BPS = 2_500_000, 4_500_000
"""What 720 and 1080 lines come to when the rate follows the line."""


def hours_of(free_bytes: int, desk: Desk) -> int:
    """Whole hours of this programme that fit."""
    programme = desk.programme
    rate = programme.target_bps or (LARGE_BPS if min(programme.width, programme.height) > 720 else SMALL_BPS)
    return int(max(0, free_bytes - RESERVE_BYTES) * 8 / (rate + SOUND_BPS) / 3600)


def why_words(recording: Recording) -> str:
    """Why it stopped by itself, "" when it did not."""
    if recording.state != "failed":
        return ""
    key = f"detail.{recording.error}"
    return t(key) if known(key) else t("detail.disk_error")


class RecordChoice(QWidget):
    """Before the show: not recorded, or recorded into this folder with so much room."""

    def __init__(self, desk: Desk, parent: QWidget) -> None:
        super().__init__(parent)
        self._desk = desk
        self._free_bytes = -1
        self._dialog: QFileDialog | None = None
        self.choice = Choice(t("recording.choice"), self)
        self.folder = plain_button(t("recording.open_folder"), self._open, self)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(8)
        line.addWidget(self.choice, 1)
        line.addWidget(self.folder)
        self.choice.activated.connect(lambda _i: self._chosen())
        for signal in (desk.recording_changed, desk.programme_changed, desk.show_changed):
            signal.connect(lambda _value: self.refresh())
        self.refresh()

    def show_free(self, free_bytes: int) -> None:
        """Measured on the disk of `desk.recordings_folder()`; -1: not known."""
        self._free_bytes = free_bytes
        self.refresh()

    def refresh(self) -> None:
        folder = str(self._desk.remembered("record_folder"))
        where = Path(folder).name if folder else t("recording.own_folder")
        room = ""
        if self._free_bytes >= 0:
            hours = words.whole(hours_of(self._free_bytes, self._desk))
            room = t("recording.room", size=words.size(self._free_bytes), hours=hours)
        into = f"{where} — {room}" if room else where
        choices: list[tuple[str, object]] = [(t("recording.no"), NO), (into, folder), (t("recording.other"), OTHER)]
        self.choice.become(choices, folder if self._desk.remembered("record") else NO)
        self.choice.setToolTip(str(self._desk.recordings_folder()))

    def _chosen(self) -> None:
        chosen = self.choice.currentData()
        if chosen == OTHER:
            self.refresh()  # nothing is chosen until a folder is
            self._ask_folder()
        else:
            self._desk.set_recording(chosen != NO)
            self.refresh()

    def _ask_folder(self) -> None:
        """A file window beside ours: not modal."""
        if self._dialog is None:
            self._dialog = QFileDialog(self.window(), t("recording.other"))
            self._dialog.setOption(QFileDialog.Option.DontUseNativeDialog)
            self._dialog.setWindowModality(Qt.WindowModality.NonModal)
            self._dialog.setFileMode(QFileDialog.FileMode.Directory)
            self._dialog.fileSelected.connect(self.record_into)
        self._dialog.setDirectory(str(self._desk.recordings_folder()))
        self._dialog.show()
        self._dialog.raise_()

    def record_into(self, folder: str) -> None:
        self._desk.set_recording(True, folder)
        self._free_bytes = -1
        self.refresh()

    def _open(self) -> None:
        self._desk.asked.emit("open_recordings")


class RecordBadge(Badge):
    """In the top bar: whether the show is recorded. Pressed, it says more."""

    def __init__(self, desk: Desk, parent: QWidget) -> None:
        super().__init__(parent)
        self._desk = desk
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def refresh(self, narrow: bool) -> None:
        """Shown while the show is live, and as long as something is being written."""
        recording, show = self._desk.recording, self._desk.show
        live = show.status == "live" and show.role == "owner"
        self.setVisible(show.role == "owner" and (live or recording.active or recording.state == "finishing"))
        if recording.state == "failed":
            self.show_words(t("recording.badge.failed"), "warn")
        elif recording.active:
            known_room = recording.free_bytes >= 0 and not narrow
            free = t("topbar.free", size=words.size(recording.free_bytes)) if known_room else ""
            self.show_words(" · ".join(part for part in ("REC", free) if part), "air")
        elif recording.state == "finishing":
            self.show_words(t("recording.badge.finishing"), "edge")
        else:
            self.show_words(t("recording.badge.off"), "edge")
        self.setToolTip(" · ".join(facts(self._desk)) or t("recording.start"))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self._desk.asked.emit("open_recording")


def facts(desk: Desk) -> list[str]:
    """What is known of the recording, a line each."""
    recording = desk.recording
    said = []
    if why := why_words(recording):
        said.append(t("recording.failed", why=why))
    if recording.active or recording.seconds:
        done = words.elapsed(recording.seconds * 1000)
        said.append(t("recording.done", time=done, size=words.size(recording.bytes)))
    if recording.active and recording.hours_left >= 0:
        said.append(t("recording.left", hours=words.decimal(recording.hours_left)))
    return said


def recording_menu(desk: Desk, parent: QWidget, opened: Callable[[], None]) -> QMenu:
    """Under the badge: facts, the folder, start or stop. Not modal, and no key of the sale is lost to it."""
    menu = QMenu(parent)
    menu.setAccessibleName(t("action.recording"))
    for fact in facts(desk):
        menu.addAction(fact).setEnabled(False)
    if not menu.isEmpty():
        menu.addSeparator()
    menu.addAction(t("recording.open_folder"), opened).setToolTip(str(desk.recordings_folder()))
    recording = desk.recording
    possible = desk.show.role == "owner" and desk.show.status == "live" and desk.health.engine == "running"
    if recording.active:
        menu.addAction(t("recording.stop"), lambda: desk.set_recording(False))
    else:
        menu.addAction(t("recording.start"), lambda: desk.set_recording(True)).setEnabled(possible)
    return menu


def open_folder(folder: Path) -> bool:
    """In the system's own window of files."""
    return QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))


def under(widget: QWidget) -> QPoint:
    return widget.mapToGlobal(QPoint(0, widget.height() + 4))
