"""The lists are fed by diffs: Qt's own tester watches every step."""

from __future__ import annotations

import random
import time
from dataclasses import replace

import pytest
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QApplication

from tests.ui import scenes
from ui.values import BuyerRow, ImportProblem, LotRow
from ui.views.buyers import BuyerModel
from ui.views.importing import ProblemModel
from ui.views.lot_model import LotModel, RowRole

FATAL = QAbstractItemModelTester.FailureReportingMode.Fatal


def lots(count: int) -> tuple[LotRow, ...]:
    return tuple(LotRow(f"L{i}", i, f"Lot {i}", category="Cartes" if i % 3 else "Été") for i in range(count))


def seen(model: LotModel) -> list[LotRow]:
    return [model.index(i).data(RowRole) for i in range(model.rowCount())]


@pytest.mark.parametrize("seed", range(8))
def test_lots_follow_any_change(app: QApplication, seed: int) -> None:
    chance = random.Random(seed)
    model = LotModel()
    tester = QAbstractItemModelTester(model, FATAL)
    rows = list(lots(20))
    fresh = 20
    for _ in range(120):
        what = chance.choice(("move", "move", "add", "drop", "edit", "edit", "shuffle", "several", "nothing"))
        if what == "move" and rows:
            row = rows.pop(chance.randrange(len(rows)))
            rows.insert(chance.randint(0, len(rows)), row)
        elif what == "add":
            rows.insert(chance.randint(0, len(rows)), LotRow(f"L{fresh}", fresh, f"Lot {fresh}"))
            fresh += 1
        elif what == "drop" and rows:
            del rows[chance.randrange(len(rows))]
        elif what == "edit" and rows:
            at = chance.randrange(len(rows))
            rows[at] = replace(rows[at], title=f"{rows[at].title}!", version=rows[at].version + 1)
        elif what == "shuffle" and chance.random() < 0.2:
            chance.shuffle(rows)
        elif what == "several":
            for _ in range(3):
                if rows:
                    del rows[chance.randrange(len(rows))]
            rows.append(LotRow(f"L{fresh}", fresh, "nouveau"))
            fresh += 1
        model.show(tuple(rows))
        assert seen(model) == rows
        if chance.random() < 0.1:
            model.filter(chance.choice(("", "cartes", "1")))
            model.filter("")
    assert tester is not None


def test_a_move_is_one_move_and_an_edit_one_row(app: QApplication) -> None:
    model = LotModel()
    rows = list(lots(50))
    model.show(tuple(rows))
    steps: list[str] = []
    model.rowsMoved.connect(lambda *_: steps.append("moved"))
    model.rowsInserted.connect(lambda *_: steps.append("inserted"))
    model.rowsRemoved.connect(lambda *_: steps.append("removed"))
    model.modelReset.connect(lambda: steps.append("reset"))
    model.dataChanged.connect(lambda first, last, _roles: steps.append(f"changed {first.row()}-{last.row()}"))
    rows.insert(30, rows.pop(10))
    model.show(tuple(rows))
    rows[7] = replace(rows[7], title="autre")
    model.show(tuple(rows))
    rows.append(LotRow("L99", 99, "au bout"))
    model.show(tuple(rows))
    del rows[0]
    model.show(tuple(rows))
    assert steps == ["moved", "changed 7-7", "inserted", "removed"]


@pytest.mark.parametrize(
    ("typed", "found"),
    [("ete", 7), ("ÉTÉ", 7), ("lot 12", 1), ("12", 1), ("cartes 5", 1), ("absent", 0), ("", 20)],
)
def test_the_filter_finds_whatever_the_case_and_accents(app: QApplication, typed: str, found: int) -> None:
    model = LotModel()
    model.show(lots(20))
    model.filter(typed)
    assert model.rowCount() == found


def test_ten_thousand_lots_are_filtered_and_changed_at_once(app: QApplication) -> None:
    model = LotModel()
    rows = list(lots(10_000))
    model.show(tuple(rows))
    began = time.thread_time()
    model.filter("lot 99")
    model.filter("")
    first = time.thread_time() - began
    rows.insert(9_000, rows.pop(3))
    rows[50] = replace(rows[50], title="changé")
    began = time.thread_time()
    model.show(tuple(rows))
    second = time.thread_time() - began
    assert seen(model) == rows
    assert first < 1.5, "generous: about 0.1 s on a quiet machine"
    assert second < 0.5, "generous: about 10 ms on a quiet machine"


def test_buyers_and_problems_are_sound_models(app: QApplication) -> None:
    buyers = BuyerModel(lambda: "EUR")
    problems = ProblemModel()
    testers = [QAbstractItemModelTester(model, FATAL) for model in (buyers, problems)]
    buyers.show(scenes.BUYERS)
    changed: list[int] = []
    buyers.dataChanged.connect(lambda first, _last, _roles: changed.append(first.row()))
    buyers.show((replace(scenes.BUYERS[0], purchases=10), *scenes.BUYERS[1:]))
    assert changed == [0]
    buyers.show((BuyerRow("p9", "nouvelle"), *scenes.BUYERS))
    assert buyers.rowCount() == len(scenes.BUYERS) + 1
    known = buyers.index(2, 0).data(Qt.ItemDataRole.ToolTipRole)
    assert known == "déjà 6 lives · 19 achats · 312\u202f€\n1 impayé", known
    assert buyers.index(1, 0).data(Qt.ItemDataRole.ToolTipRole) is None
    problems.show(scenes.DRY_RUN.problems)
    assert problems.rowCount() == len(scenes.DRY_RUN.problems)
    assert problems.index(3, 4).data() == "ligne écartée"
    assert problems.index(0, 4).data() == "1 €"
    problems.show((ImportProblem(0, "Titre", "", "sans titre", ""),))
    assert problems.index(0, 0).data() == "—"
    assert problems.rowCount(QModelIndex()) == 1
    assert len(testers) == 2
