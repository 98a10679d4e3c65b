"""Edits that wait for the line, and those that could not be applied: nothing of what was typed is lost from sight."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from .. import theme
from ..desk import Desk
from ..values_backstage import Edits, RefusedEdit
from ..words import t, tn
from .controls import plain_button
from .invite import breakable

NAMED = 3
"""So many waiting edits are named; the rest are in the tool tip."""
ROWS, TALL_WINDOW = 4, 800
"""So many refused edits have their row; the next comes when one is dealt with."""


class EditsPanel(QFrame):
    """Under the head of the lots; gone when there is nothing to say."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("edits")
        self.setAccessibleName(t("edits.a11y"))
        self._desk = desk
        self._drawn: tuple[RefusedEdit, ...] = ()
        self.waiting = self._label(14, theme.SEMI)
        self.named = self._label(13)
        self.named.setProperty("tone", "second")
        self.heading = self._label(14, theme.SEMI)
        self.forget_all = plain_button(t("edits.forget_all"), self._forget_all, self, tone="flat")
        self.rows: list[QWidget] = []
        self.more = self._label(13)
        self._list = QVBoxLayout()
        self._list.setSpacing(6)
        head = QHBoxLayout()
        head.addWidget(self.heading, 1)
        head.addWidget(self.forget_all)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 9, 12, 9)
        column.setSpacing(4)
        column.addWidget(self.waiting)
        column.addWidget(self.named)
        column.addLayout(head)
        column.addLayout(self._list)
        column.addWidget(self.more)
        desk.edits_changed.connect(lambda _edits: self.refresh())
        desk.connection_changed.connect(lambda _road: self.refresh())
        self.refresh()

    def _label(self, px: int, weight: QFont.Weight = theme.REGULAR) -> QLabel:
        made = QLabel(self)
        made.setFont(theme.font(px, weight))
        made.setTextFormat(Qt.TextFormat.PlainText)
        made.setWordWrap(True)
        made.setMinimumWidth(1)
        return made

    def refresh(self) -> None:
        edits = self._desk.edits
        self.setVisible(bool(edits.waiting or edits.refused))
        self._show_waiting(edits)
        self.heading.setVisible(bool(edits.refused))
        self.forget_all.setVisible(len(edits.refused) > 1)
        self.heading.setText(tn("edits.refused", len(edits.refused)))
        rows = ROWS if self.window().height() >= TALL_WINDOW else ROWS // 2
        beyond = len(edits.refused) - rows
        self.more.setVisible(beyond > 0)
        self.more.setText(t("edits.more", count=max(0, beyond)))
        if edits.refused != self._drawn:
            self._drawn = edits.refused
            for row in self.rows:
                self._list.removeWidget(row)
                row.hide()
                row.deleteLater()
            self.rows = [self._row(refused) for refused in edits.refused[:rows]]
            for row in self.rows:
                self._list.addWidget(row)

    def _show_waiting(self, edits: Edits) -> None:
        names = [edit.what for edit in edits.waiting]
        self.waiting.setVisible(bool(names))
        self.named.setVisible(bool(names))
        if names:
            away = self._desk.connection.state != "connected"
            self.waiting.setText(tn("edits.waiting", len(names)))
            shown = ", ".join(names[:NAMED]) + (f" +{len(names) - NAMED}" if len(names) > NAMED else "")
            why = t("edits.waiting_why" if away else "edits.waiting_slow")
            self.named.setText(f"{shown}. {why}")
            self.named.setToolTip("\n".join(names))

    def _row(self, refused: RefusedEdit) -> QWidget:
        row = QWidget(self)
        row.setMinimumHeight(38)
        grid = QGridLayout(row)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(1)
        what = self._label(13, theme.SEMI)
        what.setText(refused.what)
        facts = self._label(13)
        parts = [t("edits.mine", value=refused.mine)] if refused.mine else []
        if refused.theirs:
            by = t("edits.theirs", name=refused.by, value=refused.theirs) if refused.by else ""
            parts.append(by or t("edits.now", value=refused.theirs))
        facts.setText(breakable("   ·   ".join(parts) or refused.why, 30))
        facts.setProperty("tone", "second")
        row.setToolTip(refused.why)
        again = plain_button(t("edits.retake"), partial(self._desk.retake_edit, refused.edit_id), row)
        again.setEnabled(refused.retakable)
        again.setToolTip("" if refused.retakable else t("edits.not_retakable"))
        forget = plain_button(t("edits.forget"), partial(self._desk.forget_edit, refused.edit_id), row, tone="flat")
        again.setAccessibleName(f"{t('edits.retake')} : {refused.what}")
        forget.setAccessibleName(f"{t('edits.forget')} : {refused.what}")
        grid.addWidget(what, 0, 0)
        grid.addWidget(facts, 1, 0)
        grid.addWidget(again, 0, 1, 2, 1)
        grid.addWidget(forget, 0, 2, 2, 1)
        grid.setColumnStretch(0, 1)
        return row

    def _forget_all(self) -> None:
        for refused in self._desk.edits.refused:
            self._desk.forget_edit(refused.edit_id)
