"""The window: lays out the screens and hands them the desk; decides nothing.

Promises: usable from 1024 × 600 to full screen; the preview keeps the shape of
the programme; the deck takes what is left; a strip that appears moves everything
down together. Closing asks the desk.
"""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QEvent, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QCloseEvent, QGuiApplication, QPainter, QPaintEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QApplication, QMenu, QStackedWidget, QVBoxLayout, QWidget

from . import theme
from .desk import Desk
from .stage import Stage
from .values import ShowView
from .views.address import AddressBox
from .views.backstage import WhisperBand
from .views.closing import ClosingStrip
from .views.deck import Deck
from .views.meter import Meter
from .views.palette import Palette
from .views.pictures import Pictures
from .views.preflight import Preflight
from .views.preview import Preview
from .views.queue import QueuePane
from .views.recording import open_folder, recording_menu, under
from .views.side import SideColumn
from .views.sources import StillDialog, device_menu, sources_menu
from .views.strip import TroubleStrip
from .views.toast import Toast
from .views.topbar import TALL, TopBar
from .words import t

SIDE_WIDE, SIDE_NARROW = 336, 272
LEAST = QSize(1024, 600)


class LiveScreen(QWidget):
    """Preview above its meter, deck above the lots, figures above the chat."""

    arranged = Signal()
    over = QRectF(10, 50, 400, 300)
    """Where a note may lie for a moment."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("screen")
        self._desk = desk
        self.pictures = Pictures(self)
        self.preview = Preview(desk, self)
        self.meter = Meter(desk, self)
        self.deck = Deck(desk, self.pictures, self)
        self.queue = QueuePane(desk, self.pictures, self)
        self.side = SideColumn(desk, self)
        desk.programme_changed.connect(lambda _programme: self._arrange())
        desk.show_changed.connect(lambda _show: self._arrange())
        self.setTabOrder(self.queue.tabs, self.queue.filter)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._arrange()

    def _arrange(self) -> None:
        wide, tall = self.width(), self.height()
        if wide <= 0 or tall <= 0:
            return
        side = SIDE_WIDE if wide >= 1360 else max(SIDE_NARROW, round(wide * 0.228))
        meter = self.meter.height()
        programme = self._desk.programme
        shape = programme.width / programme.height if programme.height else 9 / 16
        least_deck = 560 if wide >= 1180 else 470
        room = max(tall, self.window().height() - TALL)  # a strip that comes and goes does not move the columns
        preview = round((room - meter) * shape) if shape < 1 else round(wide * 0.42)
        preview = max(200, min(preview, wide - side - 1 - least_deck))
        camera = self._desk.show.role == "owner"
        self.preview.setVisible(camera)
        self.meter.setVisible(camera)
        if not camera:  # a producer's console: the picture is made elsewhere
            preview = -1
        deck_wide = wide - preview - side - 2
        self.preview.setGeometry(0, 0, preview, tall - meter)
        self.meter.setGeometry(0, tall - meter, preview, meter)
        deck_tall = self.deck.fit(deck_wide, tall)
        self.deck.setGeometry(preview + 1, 0, deck_wide, deck_tall)
        self.queue.setGeometry(preview + 1, deck_tall, deck_wide, tall - deck_tall)
        self.side.setGeometry(wide - side, 0, side, tall)
        self._rules = (preview, wide - side - 1)
        self.over = QRectF(10, 50, preview - 20, 300) if camera else QRectF(12, deck_tall + 8, deck_wide - 24, 300)
        self.arranged.emit()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            for x in self._rules:
                painter.fillRect(QRect(x, 0, 1, self.height()), theme.colour(theme.colours().line))

    _rules: tuple[int, ...] = ()


class Window(QWidget):
    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        app = QApplication.instance()
        if isinstance(app, QApplication) and not app.styleSheet():
            theme.wear(app)
        super().__init__(parent)
        self.setObjectName("screen")
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setWindowTitle(t("window.title"))
        self._desk = desk
        self._menu: QMenu | None = None
        self._stills = StillDialog(desk, self)
        self._on_preflight_by_hand: bool | None = None
        self.top = TopBar(desk, self)
        self.closing = ClosingStrip(desk, self)
        self.strip = TroubleStrip(desk, self)
        self.pages = QStackedWidget(self)
        self.live = LiveScreen(desk, self.pages)
        self.preflight = Preflight(desk, self.pages)
        self.pages.addWidget(self.live)
        self.pages.addWidget(self.preflight)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.top)
        column.addWidget(self.closing)
        column.addWidget(self.strip)
        column.addWidget(self.pages, 1)
        self.toast = Toast(desk, self)
        self.band = WhisperBand(desk, self)
        self.address = AddressBox(desk, self)
        self.live.arranged.connect(self._place_band)
        self.stage = Stage(desk)
        self.palette_box = Palette(desk, self)
        self.top.prepare.connect(self._prepare_pressed)
        self.preflight.wants_queue.connect(lambda: self._choose_page(False))
        desk.show_changed.connect(self._show_changed)
        desk.asked.connect(self._asked)
        self.setMinimumSize(self._least())
        self.resize(self._first_size())
        self._show_changed(desk.show)

    # --- size --------------------------------------------------------------------------------

    def _least(self) -> QSize:
        screen = QGuiApplication.primaryScreen()
        room = screen.availableGeometry().size() if screen is not None else LEAST
        return LEAST.boundedTo(room)

    def _first_size(self) -> QSize:
        screen = QGuiApplication.primaryScreen()
        room = screen.availableGeometry().size() if screen is not None else QSize(1440, 900)
        return QSize(1440, 900).boundedTo(room)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.toast.place()
        self.palette_box.place()
        self._place_band()

    def _place_band(self) -> None:
        """Over the preview; while the show is prepared, over the top of the page."""
        at = self.pages.mapTo(self, QPoint(0, 0))
        wide = min(620, self.width() - 24)
        over = QRectF((self.width() - wide) / 2, at.y() + 12, wide, 300)
        if self.pages.currentWidget() is self.live:
            over = self.live.over.translated(at.x(), at.y())
        self.band.place(over)
        self.address.place(over)

    # --- screens -----------------------------------------------------------------------------

    def _show_changed(self, show: ShowView) -> None:
        self.setWindowTitle(f"{show.title} — {t('window.title')}" if show.title else t("window.title"))
        if show.status == "live":
            self._on_preflight_by_hand = None
        wanted = self._on_preflight_by_hand
        self._choose_page(show.status == "prepared" or show.status == "none" if wanted is None else wanted)

    def _prepare_pressed(self) -> None:
        self._on_preflight_by_hand = self.pages.currentWidget() is not self.preflight
        self._choose_page(self._on_preflight_by_hand)

    def _choose_page(self, preflight: bool) -> None:
        if self._desk.show.role != "owner":
            preflight = False
        if self._desk.show.status != "live":
            self._on_preflight_by_hand = preflight
        else:
            preflight = False
        self.pages.setCurrentWidget(self.preflight if preflight else self.live)
        self._place_band()
        self.top.preparing(preflight)

    # --- what an action asks the window to open -------------------------------------------------

    def _asked(self, what: str) -> None:
        if what == "add_lot":
            self._choose_page(False)
            self.live.queue.open_new()
        elif what == "import_lots":
            self._choose_page(False)
            self.live.queue.open_import()
            self.live.queue.importing.choose()
        elif what == "announce":
            self._choose_page(False)
            self.live.side.begin_announcement()
        elif what == "open_settings":
            self._choose_page(False)
            self.live.queue.open_settings()
        elif what == "open_camera":
            if self.pages.currentWidget() is self.preflight:
                self.preflight.setup.open_camera()
            else:
                self.live.queue.open_camera()
        elif what == "open_money":
            self._choose_page(False)
            self.live.queue.open_money()
        elif what == "toggle_stage":
            self.stage.toggle(self)
        elif what == "open_palette":
            self.palette_box.open()
        elif what.startswith("choose_"):
            self._offer_devices(what.removeprefix("choose_"))
        elif what == "network_camera":
            self.address.open(self._desk.asked_about)
        elif what == "open_recording":
            self._pop_up(recording_menu(self._desk, self, self._open_recordings), under(self.top.recording))
        elif what == "open_scenes":
            middle = self.pages.mapToGlobal(QPoint(90, 60))
            self._pop_up(sources_menu(self._desk, self, self._stills), middle)
        elif what == "open_recordings":
            self._open_recordings()
        elif what == "open_folder":
            self._open_folder(Path(self._desk.asked_about))
        elif what == "open_sound":
            self._open_sound()
        elif what == "open_destinations":
            if self.pages.currentWidget() is self.preflight:
                self.preflight.setup.open_destinations()
            else:
                self.live.queue.open_destinations()

    def _pop_up(self, menu: QMenu, at: QPoint) -> None:
        if self._menu is not None:
            self._menu.deleteLater()
        self._menu = menu
        menu.popup(at)

    def _open_sound(self) -> None:
        bars = self.preflight.setup.bars if self.pages.currentWidget() is self.preflight else self.live.meter.bars
        bars.open_gain(bars.mapToGlobal(QPoint(0, -8)))

    def _open_recordings(self) -> None:
        self._open_folder(self._desk.recordings_folder())

    def _open_folder(self, folder: Path) -> None:
        """The system's own window of files, where the segments or the clips are."""
        there = next((place for place in (folder, *folder.parents) if place.is_dir()), None)
        if there is None or not open_folder(there):
            self._desk.notice(t("recording.not_opened", folder=str(folder)), "refused")

    def _offer_devices(self, role: str) -> None:
        """A short list under the strip, for the place whose device is in trouble; the sale goes on."""
        desk, about = self._desk, self._desk.asked_about
        menu = device_menu(desk, self, role)
        if role in ("camera", "second_camera"):
            menu.addSeparator()
            menu.addAction(t("action.camera"), lambda: desk.ask("open_camera", about))
        self._pop_up(menu, self.strip.mapToGlobal(QPoint(self.strip.width() - 320, self.strip.height())))

    # --- the end -----------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        if not self._shown:
            self._shown = True
            self.setFocus()

    _shown = False

    def closeEvent(self, event: QCloseEvent) -> None:
        if self._desk.asked_to_close():
            self.finish()
            event.accept()
        else:
            event.ignore()

    def finish(self) -> None:
        """Ends what reads in the background, and the stage with it."""
        self.stage.close()
        self.stage.deleteLater()
        self.preflight.finish()
        self.live.pictures.finish()

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.WindowStateChange:
            self.toast.place()
        super().changeEvent(event)
