"""A lot, typed in or corrected, in the place of the list.

Promises: only what was changed is sent, with the version that was seen; what was
typed stays until the platform has it (a refusal says why and keeps everything);
the lot on the block can only have its notes changed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from seller_console.contract.words import LotBackstage, LotChanges, LotDraft, Preset

from .. import theme, words
from ..desk import Desk
from ..values import LotRow, Notice
from ..values_backstage import Edits
from ..words import t
from .controls import plain_button
from .fields import Count, cents_of, mark

TITLE_MOST = 80


class LotEditor(QWidget):
    closed = Signal()

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("ground")
        self._desk = desk
        self._row: LotRow | None = None
        self._before: frozenset[str] | None = None
        self._waiting = False
        self.heading = QLabel(self)
        self.heading.setFont(theme.font(17, theme.BOLD))
        self.said = QLabel(self)
        self.said.setProperty("tone", "warn")
        self.said.setWordWrap(True)
        self.title = self._line("editor.title")
        self.title.setMaxLength(TITLE_MOST)
        self.category = self._line("editor.category")
        self.opening = self._line("editor.opening")
        self.quantity = self._count("editor.quantity", 1, 9999)
        self.own_preset = QCheckBox(t("editor.own_preset"), self)
        self.duration = self._count("editor.duration", 5, 3600, t("editor.unit_s"))
        self.counter_bid = self._count("editor.counter_bid", 0, 120, t("editor.unit_s"))
        self.sudden_death = QCheckBox(t("editor.sudden_death"), self)
        self.reserve = self._line("editor.reserve")
        self.cost = self._line("editor.cost")
        self.sku = self._line("editor.sku")
        self.place = self._line("editor.place")
        self.host_note = self._line("editor.host_note")
        self.description = self._line("editor.description")
        for box in (self.own_preset, self.sudden_death):
            box.setAccessibleName(box.text())
        self.own_preset.toggled.connect(self._preset_toggled)
        form = QWidget(self)
        form.setObjectName("ground")
        grid = QGridLayout(form)
        grid.setContentsMargins(16, 12, 16, 12)
        grid.setHorizontalSpacing(14)
        grid.setVerticalSpacing(4)
        places: list[tuple[str, QWidget, int, int, int]] = [
            ("editor.title", self.title, 0, 0, 4),
            ("editor.opening", self.opening, 2, 0, 1),
            ("editor.quantity", self.quantity, 2, 1, 1),
            ("editor.reserve", self.reserve, 2, 2, 1),
            ("editor.cost", self.cost, 2, 3, 1),
            ("editor.duration", self.duration, 5, 0, 1),
            ("editor.counter_bid", self.counter_bid, 5, 1, 1),
            ("editor.category", self.category, 7, 0, 2),
            ("editor.sku", self.sku, 7, 2, 1),
            ("editor.place", self.place, 7, 3, 1),
            ("editor.host_note", self.host_note, 9, 0, 4),
            ("editor.description", self.description, 11, 0, 4),
        ]
        for name, field, line, column, span in places:
            label = QLabel(t(name), form)
            label.setProperty("tone", "second")
            label.setBuddy(field)
            label.setContentsMargins(0, 6, 0, 0)
            grid.addWidget(label, line, column, 1, span)
            grid.addWidget(field, line + 1, column, 1, span)
        grid.addWidget(self.own_preset, 4, 0, 1, 4)
        grid.addWidget(self.sudden_death, 6, 2, 1, 2)
        for column in range(4):
            grid.setColumnStretch(column, 1)
        grid.setRowStretch(13, 1)
        scroll = QScrollArea(self)
        scroll.setWidgetResizable(True)
        scroll.setWidget(form)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.save = plain_button(t("editor.save"), self.submit, self, tone="main")
        self.cancel = plain_button(t("editor.cancel"), self.leave, self)
        head = QWidget(self)
        top = QHBoxLayout(head)
        top.setContentsMargins(16, 10, 16, 0)
        top.addWidget(self.heading, 1)
        foot = QWidget(self)
        foot.setObjectName("foot")
        under = QHBoxLayout(foot)
        under.setContentsMargins(16, 9, 16, 9)
        under.addWidget(self.said, 1)
        under.addWidget(self.cancel)
        under.addWidget(self.save)
        column_layout = QVBoxLayout(self)
        column_layout.setContentsMargins(0, 0, 0, 0)
        column_layout.setSpacing(0)
        column_layout.addWidget(head)
        column_layout.addWidget(scroll, 1)
        column_layout.addWidget(foot)
        desk.queue_changed.connect(self._queue_changed)
        desk.noticed.connect(self._noticed)
        desk.edits_changed.connect(self._edits_changed)

    def _line(self, name: str) -> QLineEdit:
        made = QLineEdit(self)
        made.setAccessibleName(t(name))
        return made

    def _count(self, name: str, least: int, most: int, unit: str = "") -> Count:
        made = Count(least, most, unit, self)
        made.setAccessibleName(t(name))
        return made

    # --- opening ----------------------------------------------------------------------------

    def open_new(self) -> None:
        self._row = None
        self._fill(LotRow(lot_id="", number=0, title="", preset=None), t("editor.new"))

    def open_copy(self, row: LotRow, opened: Callable[[], None]) -> None:
        self._row = None
        self._fill(row, t("editor.new"))
        opened()

    def open_lot(self, row: LotRow) -> None:
        self._row = row
        self._fill(row, t("editor.lot", number=row.number))
        self._editors = (row.editor,)
        if row.editor:
            self._say(t("editor.others", name=row.editor))
        self._desk.editing(row.lot_id)

    def _fill(self, row: LotRow, heading: str) -> None:
        self._waiting = self._sent = False
        self._before = None
        self._say("")
        self.heading.setText(heading)
        self.title.setText(row.title)
        self.category.setText(row.category)
        self.opening.setText(_typed(row.opening_cents))
        self.quantity.set_value(max(1, row.units_left))
        show = self._desk.show
        preset = row.preset or show.preset
        self.own_preset.setChecked(row.preset is not None)
        self.duration.set_value(preset.duration_ms // 1000)
        self.counter_bid.set_value(preset.counter_bid_ms // 1000)
        self.sudden_death.setChecked(preset.sudden_death)
        self._preset_toggled(row.preset is not None)
        self.reserve.setText(_typed(row.reserve_cents) if row.reserve_cents else "")
        self.cost.setText(_typed(row.cost_cents) if row.cost_cents else "")
        self.sku.setText(row.sku)
        self.place.setText(row.place)
        self.host_note.setText(row.host_note)
        self.description.setText(row.description)
        frozen = row.status == "on_block"
        for field in (self.title, self.category, self.opening, self.quantity, self.own_preset, self.reserve,
                      self.cost, self.sku, self.place, self.description):  # fmt: skip
            field.setEnabled(not frozen)
        if frozen:
            self._say(t("editor.frozen"))
        self.save.setEnabled(True)
        (self.host_note if frozen else self.title).setFocus()
        self.title.selectAll()

    def _preset_toggled(self, own: bool) -> None:
        for field in (self.duration, self.counter_bid, self.sudden_death):
            field.setEnabled(own and self.own_preset.isEnabled())

    # --- sending ----------------------------------------------------------------------------

    def _preset(self) -> Preset | None:
        if not self.own_preset.isChecked():
            return None
        return Preset(
            duration_ms=(self.duration.value() or 0) * 1000,
            counter_bid_ms=(self.counter_bid.value() or 0) * 1000,
            sudden_death=self.sudden_death.isChecked(),
        )

    def _amounts(self) -> tuple[int, int, int] | None:
        found: list[int] = []
        for field in (self.opening, self.reserve, self.cost):
            cents = cents_of(field.text())
            wrong = cents is None or (field is self.opening and not cents)
            mark(field, wrong)
            if wrong:
                self._say(t("editor.not_an_amount", field=field.accessibleName(), typed=field.text()))
                field.setFocus()
                return None
            found.append(cents or 0)
        for count in (self.quantity, self.duration, self.counter_bid):
            wrong = count.isEnabled() and count.value() is None
            mark(count, wrong)
            if wrong:
                least, most = count.bounds
                self._say(t("editor.not_within", field=count.accessibleName(), least=least, most=words.whole(most)))
                count.setFocus()
                return None
        opening, reserve, cost = found
        if opening % 100 or reserve % 100:
            self._say(t("editor.whole_euros"))
            return None
        if reserve and reserve < opening:
            mark(self.reserve, True)
            self._say(t("editor.reserve_low"))
            return None
        return opening, reserve, cost

    def submit(self) -> None:
        title = self.title.text().strip()
        mark(self.title, not title)
        if not title:
            self._say(t("editor.no_title"))
            self.title.setFocus()
            return
        amounts = self._amounts()
        if amounts is None:
            return
        opening, reserve, cost = amounts
        if self._row is None:
            draft = LotDraft(
                title=title,
                opening_cents=opening,
                quantity=self.quantity.value() or 1,
                category=self.category.text().strip(),
                description=self.description.text().strip(),
                preset=self._preset(),
                backstage=LotBackstage(
                    reserve_cents=reserve,
                    cost_cents=cost,
                    sku=self.sku.text().strip(),
                    place=self.place.text().strip(),
                    host_note=self.host_note.text().strip(),
                ),
            )
            self._before = frozenset(row.lot_id for row in self._desk.queue)
            self._wait()
            self._desk.add_lot(draft)
            return
        changes = self._changes(self._row, title, opening, reserve, cost)
        if not changes:
            self.leave()
            return
        self._sent = True
        self._refused_before = max((edit.edit_id for edit in self._desk.edits.refused), default=0)
        self._wait()
        self._desk.edit_lot(self._row.lot_id, self._row.version, LotChanges(**changes))

    def _changes(self, row: LotRow, title: str, opening: int, reserve: int, cost: int) -> dict[str, Any]:
        now: dict[str, Any] = {
            "title": title,
            "opening_cents": opening,
            "quantity": self.quantity.value() or 1,
            "category": self.category.text().strip(),
            "description": self.description.text().strip(),
            "preset": self._preset(),
            "reserve_cents": reserve,
            "cost_cents": cost,
            "sku": self.sku.text().strip(),
            "place": self.place.text().strip(),
            "host_note": self.host_note.text().strip(),
        }
        seen: dict[str, Any] = {
            "title": row.title,
            "opening_cents": row.opening_cents,
            "quantity": max(1, row.units_left),
            "category": row.category,
            "description": row.description,
            "preset": row.preset,
            "reserve_cents": row.reserve_cents,
            "cost_cents": row.cost_cents,
            "sku": row.sku,
            "place": row.place,
            "host_note": row.host_note,
        }
        return {name: value for name, value in now.items() if value != seen[name]}

    def _wait(self) -> None:
        self._waiting = True
        self.save.setEnabled(False)
        self._say(t("editor.saving"))

    def _show_others(self, rows: tuple[LotRow, ...]) -> None:
        """Who else has this lot open, said once, where it is read."""
        mine = next((row for row in rows if self._row is not None and row.lot_id == self._row.lot_id), None)
        if mine is not None and not self._waiting and mine.status != "on_block":
            self._say(t("editor.others", name=mine.editor) if mine.editor else "")

    def _queue_changed(self, rows: tuple[LotRow, ...]) -> None:
        editors = tuple(row.editor for row in rows if self._row is not None and row.lot_id == self._row.lot_id)
        if editors != self._editors:
            self._editors = editors
            self._show_others(rows)
        if not self._waiting:
            return
        if self._row is None:
            if self._before is not None and any(row.lot_id not in self._before for row in rows):
                self.leave()
            return
        mine = next((row for row in rows if row.lot_id == self._row.lot_id), None)
        if mine is not None and mine.version > self._row.version:
            self.leave()

    _sent = False
    _editors: tuple[str, ...] = ()
    _refused_before = 0

    def _edits_changed(self, edits: Edits) -> None:
        """The line is down, or somebody else was first: what was typed is kept beside the list."""
        if not self._sent or self._row is None:
            return
        mine = self._row.lot_id
        if any(edit.lot_id == mine for edit in edits.waiting) and self._desk.connection.state != "connected":
            self._desk.notice(t("editor.kept"))
            self.leave()
        elif any(edit.lot_id == mine and edit.edit_id > self._refused_before for edit in edits.refused):
            self.leave()

    def _noticed(self, notice: Notice) -> None:
        if self._waiting and notice.kind != "said":
            self._waiting = False
            self.save.setEnabled(True)
            self._say(notice.text)

    def _say(self, sentence: str) -> None:
        self.said.setText(sentence)

    def leave(self) -> None:
        self._waiting = self._sent = False
        if self._row is not None:
            self._desk.editing(None)
        self._row = None
        self.closed.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.leave()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.save.isEnabled():
            self.submit()
        else:
            super().keyPressEvent(event)


def _typed(cents: int) -> str:
    return str(cents // 100) if cents % 100 == 0 else words.decimal(cents / 100, 2)
