"""The lots: queue, sold, passed; the filter; what one may do with the chosen lot; the editor and the import in place.

Promises: nothing here opens a box; a menu or a key of this pane never acts on the
sale: what undoes a sale is held with the mouse, and the rest is undoable.
"""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QMenu, QStackedWidget, QVBoxLayout, QWidget

from ..desk import Desk
from ..values import RUNNING, LotRow
from ..values_backstage import Edits
from ..words import t
from .camera import CameraPanel
from .clips import clip_entries
from .controls import Badge, Tabs, plain_button, reserve
from .destinations import DestinationsPanel
from .edits import EditsPanel
from .hold import HoldButton
from .importing import ImportPanel
from .lot_editor import LotEditor
from .lot_list import LotList
from .money import MoneyPanel
from .pictures import Pictures
from .settings import SettingsPanel


class Filter(QLineEdit):
    down = Signal()
    cleared = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.down.emit()
        elif event.key() == Qt.Key.Key_Escape:
            self.clear()
            self.cleared.emit()
        else:
            super().keyPressEvent(event)


class QueuePane(QWidget):
    wants_palette = Signal()

    def __init__(self, desk: Desk, pictures: Pictures, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("ground")
        self.setAcceptDrops(True)
        self._desk = desk
        self._menu: QMenu | None = None
        self.tabs = Tabs(self)
        self.add = plain_button(t("queue.add"), self.open_new, self)
        self.bring = plain_button(t("queue.import"), self.open_import, self)
        self.add.setToolTip(desk.actions.add_lot.key)
        self.bring.setToolTip(desk.actions.import_lots.key)
        reserve(desk, "add_lot", self.add)
        reserve(desk, "import_lots", self.bring)
        head = QWidget(self)
        head.setObjectName("head")
        line = QHBoxLayout(head)
        line.setContentsMargins(12, 9, 12, 9)
        line.setSpacing(8)
        line.addWidget(self.tabs)
        line.addStretch(1)
        line.addWidget(self.add)
        line.addWidget(self.bring)
        head.setFixedHeight(53)
        self.lists = (
            LotList(desk, pictures, self, ordered=True),
            LotList(desk, pictures, self, ordered=False),
            LotList(desk, pictures, self, ordered=False),
        )
        self.pages = QStackedWidget(self)
        self.pages.setMinimumHeight(64)  # what is said above the list is never squeezed by it
        self._empties: list[QLabel] = []
        for name, lots in zip(("queue", "sold", "passed"), self.lists, strict=True):
            lots.setAccessibleName(t(f"a11y.list.{name}"))
            self.pages.addWidget(lots)
            empty = QLabel(t(f"queue.empty.{name}"), lots.viewport())
            empty.setProperty("tone", "second")
            empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
            empty.setWordWrap(True)
            empty.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
            self._empties.append(empty)
            lots.wants_edit.connect(self.open_editor)
            lots.wants_menu.connect(self._open_menu)
            lots.wants_removal.connect(self._remove)
            lots.chosen_changed.connect(self._refresh_sale_bar)
        self.editor = LotEditor(desk, self)
        self.editor.closed.connect(self._back)
        self.importing = ImportPanel(desk, self)
        self.importing.closed.connect(self._back)
        self.pages.addWidget(self.editor)
        self.pages.addWidget(self.importing)
        self.settings = SettingsPanel(desk, self)
        self.settings.closed.connect(self._back)
        self.pages.addWidget(self.settings)
        self.camera = CameraPanel(desk, self)
        self.camera.closed.connect(self._back)
        self.pages.addWidget(self.camera)
        self.destinations = DestinationsPanel(desk, self)
        self.destinations.closed.connect(self._back)
        self.pages.addWidget(self.destinations)
        self.money = MoneyPanel(desk, self)
        self.money.closed.connect(self._back)
        self.pages.addWidget(self.money)
        self.edits = EditsPanel(desk, self)
        self._sale_bar = self._make_sale_bar()
        foot = QWidget(self)
        foot.setObjectName("foot")
        self.foot = foot
        under = QHBoxLayout(foot)
        under.setContentsMargins(12, 8, 12, 8)
        under.setSpacing(8)
        self.filter = Filter(foot)
        self.filter.setPlaceholderText(t("queue.filter"))
        self.filter.setAccessibleName(t("queue.filter"))
        self.filter.setClearButtonEnabled(False)
        under.addWidget(self.filter, 1)
        palette = Badge(foot)
        palette.show_words(desk.actions.open_palette.key.replace("+", " "))
        palette.setToolTip(t("action.palette"))
        under.addWidget(palette)
        foot.setFixedHeight(53)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(head)
        column.addWidget(self.edits)
        column.addWidget(self.pages, 1)
        column.addWidget(self._sale_bar)
        column.addWidget(foot)
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(80)
        self._typing.timeout.connect(self._filter_now)
        self.filter.textChanged.connect(lambda _text: self._typing.start())
        self.filter.down.connect(self._into_list)
        self.tabs.chosen.connect(self._choose_tab)
        self._clock = QTimer(self)
        self._clock.setInterval(200)
        self._clock.timeout.connect(self._touch_clock)
        desk.queue_changed.connect(lambda rows: self._show(0, rows))
        desk.sold_changed.connect(lambda rows: self._show(1, rows))
        desk.passed_changed.connect(lambda rows: self._show(2, rows))
        desk.deck_changed.connect(lambda _deck: self._deck_changed())
        desk.import_changed.connect(lambda dry: self.open_import() if dry.state == "reading" else None)
        desk.edits_changed.connect(self._mark)
        self._mark(desk.edits)
        desk.clips.changed.connect(self._clips_changed)
        for i, rows in enumerate((desk.queue, desk.sold, desk.passed)):
            self._show(i, rows)
        self._choose_tab(0)
        self._deck_changed()

    def _clips_changed(self) -> None:
        self.lists[1].viewport().update()
        self._refresh_sale_bar()

    def _mark(self, edits: Edits) -> None:
        for lots in self.lists:
            lots.lots.mark(edits)

    # --- tabs -------------------------------------------------------------------------------

    def _show(self, which: int, rows: tuple[LotRow, ...]) -> None:
        self.lists[which].lots.show(rows)
        counts = [len(lots.lots.rows) for lots in self.lists]
        names = ("queue", "sold", "passed")
        self.tabs.show_names([f"{t(f'queue.tab.{n}')} {count}" for n, count in zip(names, counts, strict=True)])
        self._empties[which].setVisible(not rows)
        self._place_empties()
        self._refresh_sale_bar()

    def _place_empties(self) -> None:
        for empty, lots in zip(self._empties, self.lists, strict=True):
            empty.setGeometry(lots.viewport().rect().adjusted(24, 8, -24, -8))

    def resizeEvent(self, event: object) -> None:
        QTimer.singleShot(0, self, self._place_empties)

    def _choose_tab(self, which: int) -> None:
        self.pages.setCurrentIndex(which)
        self.foot.setVisible(True)
        self._refresh_sale_bar()
        self._place_empties()

    @property
    def list_now(self) -> LotList:
        return self.lists[self.tabs.current]

    def show_tab(self, which: int) -> None:
        self.tabs.choose(which)
        self._choose_tab(which)

    # --- filter -----------------------------------------------------------------------------

    def _filter_now(self) -> None:
        for lots in self.lists:
            lots.lots.filter(self.filter.text())

    def _into_list(self) -> None:
        self._filter_now()
        lots = self.list_now
        if lots.lots.rowCount():
            lots.choose(0)
            lots.setFocus()

    # --- the clock of the row on the block ----------------------------------------------------

    def _deck_changed(self) -> None:
        running = self._desk.deck.state in RUNNING or self._desk.deck.state == "paused"
        if running and not self._clock.isActive():
            self._clock.start()
        elif not running:
            self._clock.stop()
        self._touch_clock()

    def _touch_clock(self) -> None:
        first = self.lists[0].lots.row(0)
        if first is not None and first.status == "on_block":
            self.lists[0].lots.touch(first.key or first.lot_id)

    # --- what may be done with a lot -----------------------------------------------------------

    def _open_menu(self, row: LotRow, at: QPoint) -> None:
        if self._menu is not None:
            self._menu.deleteLater()
        lots = self.list_now
        menu = self._menu = QMenu(self)
        menu.setAccessibleName(t("a11y.lot_menu"))
        menu.setToolTipsVisible(True)
        menu.addAction(t("queue.menu.edit"), lambda: self.open_editor(row))
        if self.tabs.current == 0:
            movable = lots.may_move(row)
            for words, call in (
                ("queue.menu.head", lambda: lots.move_row(row, 0)),
                ("queue.menu.up", lambda: lots.step(row, -1)),
                ("queue.menu.down", lambda: lots.step(row, 1)),
                ("queue.menu.tail", lambda: lots.move_row(row, len(lots.lots.rows))),
            ):
                menu.addAction(t(words), call).setEnabled(movable)
            menu.addSeparator()
            menu.addAction(t("queue.menu.copy"), lambda: self.editor.open_copy(row, self._open_editor_page))
            menu.addAction(t("queue.menu.remove"), lambda: self._remove(row)).setEnabled(row.status != "on_block")
        elif self.tabs.current == 2:
            menu.addAction(t("queue.menu.re_run"), lambda: self._desk.re_run(row.lot_id))
        if who_may := self._desk.reserved("edit_lot"):
            for action in menu.actions():
                action.setEnabled(False)
                action.setToolTip(who_may)
        if self.tabs.current == 1:
            clip_entries(menu, self._desk, row)
        menu.popup(at)

    def _remove(self, row: LotRow) -> None:
        if row.status in ("queued", "next") and not self._desk.reserved("remove_lot"):
            self._desk.remove_lot(row.lot_id)

    # --- the bar of a chosen sale ----------------------------------------------------------------

    def _make_sale_bar(self) -> QWidget:
        bar = QWidget(self)
        bar.setObjectName("foot")
        line = QHBoxLayout(bar)
        line.setContentsMargins(12, 7, 12, 7)
        line.setSpacing(8)
        self._paid = plain_button(t("sale.mark_paid"), lambda: self._on_sale("paid"), bar)
        self._failed = plain_button(t("sale.mark_failed"), lambda: self._on_sale("failed"), bar)
        self._runner_up = plain_button(t("sale.runner_up"), lambda: self._on_sale("runner_up"), bar)
        self._again = plain_button(t("queue.menu.re_run"), lambda: self._on_sale("again"), bar)
        self.void = HoldButton(t("hold", words=t("sale.void")), bar)
        self.void.held.connect(lambda: self._on_sale("void"))
        self._clip = plain_button(t("clip.save"), lambda: self._on_sale("clip"), bar)
        for button in (self._paid, self._failed, self._runner_up, self._again, self._clip):
            line.addWidget(button)
        reserve(self._desk, "mark_payment", self._paid, self._failed)
        reserve(self._desk, "offer_to_runner_up", self._runner_up)
        reserve(self._desk, "re_run", self._again)
        reserve(self._desk, "void_sale", self.void)
        line.addStretch(1)
        line.addWidget(self.void)
        bar.hide()
        return bar

    def _refresh_sale_bar(self) -> None:
        if not hasattr(self, "_sale_bar"):
            return
        row = self.list_now.chosen() if self.pages.currentIndex() < 3 else None
        sold = row is not None and row.status == "sold" and bool(row.sale_id)
        passed = row is not None and row.status == "passed"
        self._sale_bar.setVisible(sold or passed)
        paid = row.paid if row is not None else ""
        open_sale = sold and paid in ("", "sold", "validated")
        self._paid.setVisible(open_sale)
        self._failed.setVisible(open_sale)
        self.void.setVisible(sold and paid not in ("paid", "voided"))
        self._runner_up.setVisible(sold and paid == "failed")
        self._clip.setVisible(sold and row is not None and not self._desk.clips.refusal(row.run_id))
        self._again.setVisible(passed or (sold and paid in ("failed", "voided")))

    def _on_sale(self, what: str) -> None:
        row = self.list_now.chosen()
        if row is None:
            return
        if what in ("paid", "failed"):
            self._desk.mark_payment(row.sale_id, what == "paid")
        elif what == "runner_up":
            self._desk.offer_to_runner_up(row.sale_id)
        elif what == "again":
            self._desk.re_run(row.lot_id)
        elif what == "clip":
            self._desk.clips.save(row.run_id)
        else:
            self._desk.void_sale(row.sale_id)

    # --- editor and import, in place --------------------------------------------------------------

    def _open_editor_page(self) -> None:
        self.pages.setCurrentWidget(self.editor)
        self.foot.hide()
        self._sale_bar.hide()

    def open_editor(self, row: LotRow) -> None:
        if row.status in ("queued", "next", "on_block") and not self._desk.reserved("edit_lot"):
            self.editor.open_lot(row)
            self._open_editor_page()

    def open_new(self) -> None:
        self.editor.open_new()
        self._open_editor_page()

    def open_import(self) -> None:
        self.pages.setCurrentWidget(self.importing)
        self.foot.hide()
        self._sale_bar.hide()

    def open_settings(self) -> None:
        self.settings.refresh()
        self._open_page(self.settings)

    def open_camera(self) -> None:
        self.camera.refresh()
        self._open_page(self.camera)
        self.camera.begin()

    def open_destinations(self) -> None:
        self.destinations.refresh()
        self._open_page(self.destinations)
        self.destinations.begin()

    def open_money(self) -> None:
        """The account; pressed again, the lots."""
        if self.pages.currentWidget() is self.money:
            self._back()
        else:
            self._open_page(self.money)

    def _open_page(self, page: QWidget) -> None:
        self.pages.setCurrentWidget(page)
        self.foot.hide()
        self._sale_bar.hide()

    def _back(self) -> None:
        self._choose_tab(self.tabs.current)
        self.list_now.setFocus()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        for url in event.mimeData().urls():
            if url.isLocalFile() and not self._desk.reserved("import_lots"):
                self.open_import()
                self.importing.read(url.toLocalFile())
                return
