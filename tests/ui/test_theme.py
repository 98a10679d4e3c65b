"""The palettes are readable, and figures keep their width."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QFontInfo
from PySide6.QtWidgets import QApplication

from ui import theme


@pytest.mark.parametrize("name", ["dark", "light"])
def test_every_text_stands_out_from_its_ground(name: theme.ThemeName) -> None:
    pairs = theme.PALETTES[name].pairs
    assert len(pairs) > 35
    faint = [(what, round(theme.contrast(ink, ground), 2)) for what, ink, ground in pairs]
    assert [pair for pair in faint if pair[1] < 4.5] == []


def test_contrast_is_the_one_of_wcag() -> None:
    assert theme.contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert theme.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert theme.contrast("#ffffff", "#777777") == theme.contrast("#777777", "#ffffff")


@pytest.mark.parametrize("weight", [theme.REGULAR, theme.SEMI, theme.BOLD, theme.HEAVY])
def test_the_bundled_typeface_is_worn_in_every_weight(app: QApplication, weight: object) -> None:
    made = theme.font(20, weight)  # type: ignore[arg-type]
    worn = QFontInfo(made)
    assert worn.family().startswith("Inter")
    assert abs(worn.weight() - int(weight)) <= 1  # type: ignore[call-overload]


@pytest.mark.parametrize("px", [12, 14, 19, 34, 76])
def test_figures_are_all_as_wide(app: QApplication, px: int) -> None:
    measure = theme.metrics(px, theme.HEAVY)
    widths = {figure: measure.horizontalAdvance(figure * 10) / 10 for figure in "0123456789"}
    assert max(widths.values()) - min(widths.values()) < px * 0.005
    plain = theme.metrics(px, theme.HEAVY, tabular=False)
    assert plain.horizontalAdvance("1") < plain.horizontalAdvance("0") - px * 0.05


@pytest.mark.parametrize(("percent", "factor"), [(100, "1"), (150, "1.5"), (200, "2"), (80, "1"), (400, "2")])
def test_scaling_stays_between_100_and_200_percent(percent: int, factor: str) -> None:
    environment: dict[str, str] = {}
    theme.set_scale(environment, percent)
    assert environment["QT_SCALE_FACTOR"] == factor
    assert theme.scale_of(environment) == round(float(factor) * 100)
