"""An inventory before it is one: what the file holds, every problem by row and column, accept or leave.

Promises: nothing is written before *Importer* is pressed; every repair is said
with what it becomes; a file that cannot be read says why in a sentence.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from .. import theme, words
from ..desk import Desk
from ..values import ImportDryRun, ImportProblem
from ..words import t, tn
from .controls import plain_button

COLUMNS = ("row", "column", "value", "reason", "repair")
Index = QModelIndex | QPersistentModelIndex


class ProblemModel(QAbstractTableModel):
    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._problems: tuple[ImportProblem, ...] = ()

    def show(self, problems: tuple[ImportProblem, ...]) -> None:
        self.beginResetModel()
        self._problems = problems
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - the signature is Qt's
        return 0 if parent.isValid() else len(self._problems)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - the signature is Qt's
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = int(Qt.ItemDataRole.DisplayRole)
    ) -> Any:
        if role == Qt.ItemDataRole.DisplayRole and orientation == Qt.Orientation.Horizontal:
            return t(f"import.column.{COLUMNS[section]}")
        return None

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> Any:
        if not index.isValid():
            return None
        problem = self._problems[index.row()]
        column = COLUMNS[index.column()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            if column == "row":
                return str(problem.row) if problem.row else "—"
            if column == "repair":
                if problem.severity == "left_out":
                    return t("import.left_out")
                return problem.repair or t("import.as_is")
            return str(getattr(problem, column)) or "—"
        if role == Qt.ItemDataRole.ForegroundRole:
            c = theme.colours()
            if column == "repair":
                shade = {"left_out": c.air, "repaired": c.sold, "noticed": c.text2}[problem.severity]
                return QColor(shade)
            return QColor(c.text2 if column in ("row", "value") else c.text)
        if role == Qt.ItemDataRole.TextAlignmentRole and column == "row":
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return None


class ImportPanel(QWidget):
    closed = Signal()

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("ground")
        self._desk = desk
        self._dialog: QFileDialog | None = None
        self.heading = QLabel(t("import.title"), self)
        self.heading.setFont(theme.font(17, theme.BOLD))
        self.said = QLabel(self)
        self.said.setProperty("tone", "second")
        self.said.setWordWrap(True)
        self.problems = ProblemModel(self)
        self.table = QTableView(self)
        self.table.setModel(self.problems)
        self.table.setAccessibleName(t("a11y.problems"))
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setShowGrid(False)
        self.table.setWordWrap(True)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(46)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setStretchLastSection(True)
        self.file = plain_button(t("import.choose"), self.choose, self)
        self.accept = plain_button(t("import.accept"), desk.accept_import, self, tone="main")
        self.drop = plain_button(t("import.drop"), self.leave, self)
        head = QWidget(self)
        top = QHBoxLayout(head)
        top.setContentsMargins(16, 10, 12, 4)
        top.addWidget(self.heading, 1)
        top.addWidget(self.file)
        summary = QWidget(self)
        line = QHBoxLayout(summary)
        line.setContentsMargins(16, 0, 16, 8)
        line.addWidget(self.said, 1)
        foot = QWidget(self)
        foot.setObjectName("foot")
        under = QHBoxLayout(foot)
        under.setContentsMargins(16, 9, 16, 9)
        self.promise = QLabel(t("import.nothing_written"), foot)
        self.promise.setProperty("tone", "second")
        self.promise.setWordWrap(True)
        under.addWidget(self.promise, 1)
        under.addWidget(self.drop)
        under.addWidget(self.accept)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(head)
        column.addWidget(summary)
        column.addWidget(self.table, 1)
        column.addWidget(foot)
        desk.import_changed.connect(self._show)
        self._show(desk.import_)

    def resizeEvent(self, event: object) -> None:
        wide = self.table.viewport().width()
        for column, share in enumerate((0.09, 0.16, 0.19, 0.33)):
            self.table.setColumnWidth(column, round(wide * share))

    def choose(self) -> None:
        """A file window beside ours: not modal, the sale goes on."""
        if self._dialog is None:
            self._dialog = QFileDialog(self.window(), t("import.choose"))
            self._dialog.setOption(QFileDialog.Option.DontUseNativeDialog)
            self._dialog.setWindowModality(Qt.WindowModality.NonModal)
            self._dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
            self._dialog.setNameFilters([t("import.files") + " (*.csv *.tsv *.txt)", t("import.all_files") + " (*)"])
            self._dialog.fileSelected.connect(self.read)
        self._dialog.show()
        self._dialog.raise_()

    def read(self, path: str) -> None:
        self._desk.read_inventory(Path(path))

    def leave(self) -> None:
        if self._desk.import_.state in ("reading", "ready", "unreadable", "done"):
            self._desk.drop_import()
        self.closed.emit()

    def _show(self, dry: ImportDryRun) -> None:
        self.problems.show(dry.problems)
        name = Path(dry.path).name
        ready = dry.state == "ready"
        self.heading.setText(t("import.title_of", name=name) if name else t("import.title"))
        self.accept.setEnabled(ready and bool(dry.lots))
        self.accept.setText(tn("import.accept_count", len(dry.lots)) if ready else t("import.accept"))
        self.accept.setAccessibleName(self.accept.text())
        self.promise.setVisible(dry.state in ("none", "reading", "ready", "unreadable"))
        self.table.setVisible(bool(dry.problems))
        tone = "second"
        if dry.state == "reading":
            said = t("import.reading")
        elif dry.state == "unreadable":
            said, tone = dry.error or t("import.unreadable"), "bad"
        elif dry.state == "importing":
            said = t("import.importing")
        elif dry.state == "done":
            said = t("import.done")
        elif ready:
            said = self._summary(dry)
        else:
            said = t("import.hint")
        self.said.setProperty("tone", tone)
        self.said.style().unpolish(self.said)
        self.said.style().polish(self.said)
        self.said.setText(said)
        self.setAccessibleDescription(said)
        if dry.state == "done":
            self.closed.emit()

    def _summary(self, dry: ImportDryRun) -> str:
        repaired = sum(1 for problem in dry.problems if problem.severity == "repaired")
        noticed = sum(1 for problem in dry.problems if problem.severity == "noticed")
        parts = [tn("import.rows", dry.rows), tn("import.lots", len(dry.lots))]
        if dry.units > len(dry.lots):
            parts.append(t("import.units", count=words.whole(dry.units)))
        if repaired:
            parts.append(tn("import.repaired", repaired))
        if dry.left_out:
            parts.append(tn("import.left_out_count", dry.left_out))
        if noticed:
            parts.append(tn("import.noticed", noticed))
        if not dry.problems:
            parts.append(t("import.clean"))
        return " · ".join(parts)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.leave()
        else:
            super().keyPressEvent(event)
