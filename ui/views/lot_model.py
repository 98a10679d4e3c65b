"""Lots as rows of a list, changed by the smallest steps, filtered in the Python list.

Promises: the same keys in another order cost one move, a changed lot one
`dataChanged`; 10,000 rows are filtered in one pass; rows never flicker because
nothing is reset unless everything changed.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from ..values import LotRow
from ..values_backstage import Edits
from ..words import t

RowRole = int(Qt.ItemDataRole.UserRole)
MarkRole = RowRole + 1
"""What became of an edit of this lot: "waiting", "refused", "" when there is none."""
Index = QModelIndex | QPersistentModelIndex


def folded(words: str) -> str:
    """Lower case, without accents."""
    return "".join(c for c in unicodedata.normalize("NFKD", words.casefold()) if not unicodedata.combining(c))


def key_of(row: LotRow) -> str:
    return row.key or row.lot_id


class LotModel(QAbstractListModel):
    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: tuple[LotRow, ...] = ()
        self._shown: list[LotRow] = []
        self._wanted: tuple[str, ...] = ()
        self._folded: dict[str, tuple[LotRow, str]] = {}
        self._marks: dict[str, str] = {}

    # --- what Qt asks ----------------------------------------------------------------------

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - the signature is Qt's
        return 0 if parent.isValid() else len(self._shown)

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> Any:
        if not index.isValid() or not 0 <= index.row() < len(self._shown):
            return None
        row = self._shown[index.row()]
        if role == RowRole:
            return row
        if role == MarkRole:
            return self._marks.get(row.lot_id, "")
        if role in (int(Qt.ItemDataRole.DisplayRole), int(Qt.ItemDataRole.AccessibleTextRole)):
            mark = self._marks.get(row.lot_id)
            return f"{row.number} {row.title}" + (f" – {t(f'queue.mark.{mark}')}" if mark else "")
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        if not index.isValid():
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemNeverHasChildren

    # --- what we ask -----------------------------------------------------------------------

    def row(self, at: int) -> LotRow | None:
        return self._shown[at] if 0 <= at < len(self._shown) else None

    @property
    def rows(self) -> tuple[LotRow, ...]:
        """All of them, filtered or not."""
        return self._rows

    @property
    def shown(self) -> Sequence[LotRow]:
        return self._shown

    @property
    def filtered(self) -> bool:
        return bool(self._wanted)

    def find(self, key: str) -> int:
        return next((i for i, row in enumerate(self._shown) if key_of(row) == key), -1)

    def show(self, rows: tuple[LotRow, ...]) -> None:
        self._rows = rows
        self._become([row for row in rows if self._fits(row)] if self._wanted else list(rows))

    def filter(self, words: str) -> None:
        """Keeps the rows in which every word is found: title, number, category, SKU, buyer, place."""
        wanted = tuple(folded(words).split())
        if wanted == self._wanted:
            return
        self._wanted = wanted
        self._become([row for row in self._rows if self._fits(row)] if wanted else list(self._rows))

    def mark(self, edits: Edits) -> None:
        """Rows with an edit that waits, or was refused and not looked at: what was refused is said first."""
        marks = {edit.lot_id: "waiting" for edit in edits.waiting if edit.lot_id}
        marks.update({edit.lot_id: "refused" for edit in edits.refused if edit.lot_id})
        changed = {
            lot_id for lot_id in marks.keys() | self._marks.keys() if marks.get(lot_id) != self._marks.get(lot_id)
        }
        self._marks = marks
        if changed:
            for at, row in enumerate(self._shown):
                if row.lot_id in changed:
                    self.dataChanged.emit(self.index(at), self.index(at))

    def touch(self, key: str) -> None:
        """The row shows something that depends on the clock."""
        at = self.find(key)
        if at >= 0:
            self.dataChanged.emit(self.index(at), self.index(at))

    def _fits(self, row: LotRow) -> bool:
        key = key_of(row)
        known = self._folded.get(key)
        if known is None or known[0] is not row:
            words = (str(row.number), row.title, row.category, row.sku, row.buyer_name, row.place)
            known = (row, folded(" ".join(words)))
            self._folded[key] = known
        return all(word in known[1] for word in self._wanted)

    # --- the smallest steps ------------------------------------------------------------------

    def _become(self, new: list[LotRow]) -> None:
        old = self._shown
        if len(old) == len(new):
            differing = [i for i, (mine, theirs) in enumerate(zip(old, new, strict=True)) if mine is not theirs]
            misplaced = [i for i in differing if key_of(old[i]) != key_of(new[i])]
            if misplaced:
                head, tail = misplaced[0], len(old) - 1 - misplaced[-1]
            else:
                head, tail = len(old), 0
        else:
            head, tail = _common(old, new)
        removed, added = len(old) - head - tail, len(new) - head - tail
        if removed and added and not self._move_one(old, new, head, removed, added):
            self._take(head, removed)
            self._put(new, head, added)
        elif removed and not added:
            self._take(head, removed)
        elif added and not removed:
            self._put(new, head, added)
        self._say_changed(new)

    def _move_one(self, old: list[LotRow], new: list[LotRow], head: int, removed: int, added: int) -> bool:
        """One row went up or down within the part that differs."""
        if removed != added or removed < 2:
            return False
        before = [key_of(row) for row in old[head : head + removed]]
        after = [key_of(row) for row in new[head : head + added]]
        if before[1:] + before[:1] == after:
            source, target = head, head + removed
        elif before[-1:] + before[:-1] == after:
            source, target = head + removed - 1, head
        else:
            return False
        root = QModelIndex()
        if not self.beginMoveRows(root, source, source, root, target):
            return False
        moved = self._shown.pop(source)
        self._shown.insert(target if target < source else target - 1, moved)
        self.endMoveRows()
        return True

    def _take(self, at: int, count: int) -> None:
        self.beginRemoveRows(QModelIndex(), at, at + count - 1)
        del self._shown[at : at + count]
        self.endRemoveRows()

    def _put(self, new: list[LotRow], at: int, count: int) -> None:
        self.beginInsertRows(QModelIndex(), at, at + count - 1)
        self._shown[at:at] = new[at : at + count]
        self.endInsertRows()

    def _say_changed(self, new: list[LotRow]) -> None:
        """Rows that stayed where they are but say something else, in as few spans as they make."""
        shown = self._shown
        differing = [i for i, (mine, theirs) in enumerate(zip(shown, new, strict=True)) if mine is not theirs]
        changed = [i for i in differing if shown[i] != new[i]]
        self._shown = new
        start = 0
        for at in range(1, len(changed) + 1):
            if at == len(changed) or changed[at] != changed[at - 1] + 1:
                self.dataChanged.emit(self.index(changed[start]), self.index(changed[at - 1]))
                start = at


def _common(old: list[LotRow], new: list[LotRow]) -> tuple[int, int]:
    """How many rows at the head and at the tail are the same lots."""
    limit = min(len(old), len(new))
    head = 0
    while head < limit and (old[head] is new[head] or key_of(old[head]) == key_of(new[head])):
        head += 1
    tail = 0
    while tail < limit - head and (
        old[-1 - tail] is new[-1 - tail] or key_of(old[-1 - tail]) == key_of(new[-1 - tail])
    ):
        tail += 1
    return head, tail
