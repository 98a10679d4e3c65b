"""The look: two palettes, one typeface with figures that do not dance, one static style sheet.

Promises: every pair of text and ground named in `Colours.pairs` has a contrast of
at least 4.5:1 (tests/ui/test_theme.py computes it); fonts are made once per size.
Refuses: any look that changes on a hot path: `wear` is called at start and when
the person changes theme, nothing else sets a style sheet.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QFontMetricsF, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

from seller_console import places

ThemeName = Literal["dark", "light"]

REGULAR = QFont.Weight.Normal
MEDIUM = QFont.Weight.Medium
SEMI = QFont.Weight.DemiBold
BOLD = QFont.Weight.Bold
HEAVY = QFont.Weight.ExtraBold

FACES = ("Regular", "Medium", "SemiBold", "Bold", "ExtraBold")
FEATURES = ("tnum", "cv11", "ss03")
"""Tabular figures; one-storey a and round commas, as in the drawings."""


@dataclass(frozen=True)
class Colours:
    """Colour means state: air = on air, pdd = the one thing to press, sold = leading or healthy,
    warn = soon, info = selection, violet = salons."""

    name: ThemeName
    bg: str
    panel: str
    raised: str
    hover: str
    line: str
    row_line: str
    text: str
    text2: str
    text3: str
    edge: str
    """The outline of a control that must be found, not read."""
    pdd: str
    on_pdd: str
    pdd_dim: str
    on_pdd_dim: str
    air: str
    air_fill: str
    on_air: str
    air_row: str
    sold: str
    sold_row: str
    warn: str
    warn_strip: str
    warn_strip_line: str
    on_warn_strip: str
    info: str
    info_row: str
    info_badge: str
    violet: str
    violet_badge: str
    next_chip: str
    on_next_chip: str
    meter_off: str
    key_cap: str
    key_line: str

    @property
    def pairs(self) -> tuple[tuple[str, str, str], ...]:
        """(what, text colour, ground colour) of everything that is read."""
        grounds = (("bg", self.bg), ("panel", self.panel), ("raised", self.raised))
        made = [
            (f"{name} on {where}", colour, ground)
            for name, colour in (
                ("text", self.text),
                ("text2", self.text2),
                ("text3", self.text3),
                ("sold", self.sold),
                ("warn", self.warn),
                ("info", self.info),
                ("violet", self.violet),
            )
            for where, ground in grounds
        ]
        made += [
            ("PDD", self.on_pdd, self.pdd),
            ("PDD dim", self.on_pdd_dim, self.pdd_dim),
            ("on air", self.on_air, self.air_fill),
            ("row on air", self.text, self.air_row),
            ("row on air, second line", self.text2, self.air_row),
            ("row on air, number", self.text3, self.air_row),
            ("leading row", self.text, self.sold_row),
            ("leading row, second", self.text2, self.sold_row),
            ("trouble", self.on_warn_strip, self.warn_strip),
            ("trouble mark", self.warn, self.warn_strip),
            ("selected row", self.text, self.info_row),
            ("selected row, second", self.text2, self.info_row),
            ("selected row, number", self.text3, self.info_row),
            ("first purchase", self.info, self.info_badge),
            ("salon", self.violet, self.violet_badge),
            ("next", self.on_next_chip, self.next_chip),
            ("air on bg", self.air, self.bg),
            ("air on panel", self.air, self.panel),
            ("hovered", self.text, self.hover),
            ("key cap", self.text, self.key_cap),
        ]
        return tuple(made)


DARK = Colours(
    name="dark",
    bg="#0d1014",
    panel="#14191f",
    raised="#1b222a",
    hover="#242d37",
    line="#28323d",
    row_line="#1c242c",
    text="#edf1f5",
    text2="#98a5b3",
    text3="#82909d",
    edge="#67737f",
    pdd="#ffd43b",
    on_pdd="#1b1600",
    pdd_dim="#37311a",
    on_pdd_dim="#cdb45a",
    air="#ff4254",
    air_fill="#dd2438",
    on_air="#ffffff",
    air_row="#25151a",
    sold="#2fd480",
    sold_row="#11261f",
    warn="#ffb224",
    warn_strip="#2e2616",
    warn_strip_line="#5e461a",
    on_warn_strip="#ffd58a",
    info="#58a6ff",
    info_row="#152231",
    info_badge="#182b40",
    violet="#c4b5fd",
    violet_badge="#2a2540",
    next_chip="#332e18",
    on_next_chip="#ffd43b",
    meter_off="#2a333d",
    key_cap="#0b0e12",
    key_line="#48525c",
)

LIGHT = Colours(
    name="light",
    bg="#f4f6f8",
    panel="#ffffff",
    raised="#eceff3",
    hover="#dfe4ea",
    line="#d5dbe2",
    row_line="#e4e8ed",
    text="#12181f",
    text2="#4c5a67",
    text3="#5c6974",
    edge="#7a8794",
    pdd="#ffd43b",
    on_pdd="#1b1600",
    pdd_dim="#f6ebbf",
    on_pdd_dim="#6b5a17",
    air="#cc1f37",
    air_fill="#d6213a",
    on_air="#ffffff",
    air_row="#fbe6e9",
    sold="#087a42",
    sold_row="#ddf0e6",
    warn="#925600",
    warn_strip="#fdf0d6",
    warn_strip_line="#edce8f",
    on_warn_strip="#5c3a00",
    info="#1264c8",
    info_row="#e0ecfa",
    info_badge="#e0ecfa",
    violet="#6140c4",
    violet_badge="#ece6fb",
    next_chip="#ffe58a",
    on_next_chip="#5a4500",
    meter_off="#d5dbe2",
    key_cap="#ffffff",
    key_line="#b9c1ca",
)

PALETTES: dict[ThemeName, Colours] = {"dark": DARK, "light": LIGHT}

_worn: Colours = DARK


def colours() -> Colours:
    """The palette worn now."""
    return _worn


@lru_cache(maxsize=512)
def colour(hexadecimal: str, alpha: float = 1.0) -> QColor:
    made = QColor(hexadecimal)
    made.setAlphaF(alpha)
    return made


def luminance(hexadecimal: str) -> float:
    """Relative luminance, WCAG 2.2."""

    def linear(part: int) -> float:
        value = part / 255
        return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)

    made = QColor(hexadecimal)
    return 0.2126 * linear(made.red()) + 0.7152 * linear(made.green()) + 0.0722 * linear(made.blue())


def contrast(one: str, other: str) -> float:
    """1 to 21, WCAG 2.2."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@lru_cache(maxsize=512)
def font(px: float, weight: QFont.Weight = REGULAR, spacing_em: float = 0.0, tabular: bool = True) -> QFont:
    """Inter at `px` logical pixels. The value is shared: copy before changing it."""
    made = QFont("Inter")
    made.setPixelSize(max(1, round(px)))
    made.setWeight(weight)
    made.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    made.setStyleStrategy(QFont.StyleStrategy.PreferAntialias)
    if spacing_em:
        made.setLetterSpacing(QFont.SpacingType.AbsoluteSpacing, spacing_em * px)
    for feature in FEATURES if tabular else FEATURES[1:]:
        made.setFeature(QFont.Tag(feature), 1)
    return made


@lru_cache(maxsize=512)
def metrics(px: float, weight: QFont.Weight = REGULAR, spacing_em: float = 0.0, tabular: bool = True) -> QFontMetricsF:
    return QFontMetricsF(font(px, weight, spacing_em, tabular))


def _bring_fonts() -> None:
    folder = places.resources() / "fonts"
    for face in FACES:
        QFontDatabase.addApplicationFont(str(folder / f"Inter-{face}.otf"))
    QFont.insertSubstitutions("Inter", ["Segoe UI", "Helvetica Neue", "Noto Sans", "DejaVu Sans"])


def set_scale(environment: MutableMapping[str, str], percent: int) -> None:
    """Before the application is made: 100 to 200 % of the screen's own scale."""
    environment["QT_SCALE_FACTOR"] = f"{min(200, max(100, percent)) / 100:g}"


def system_theme() -> ThemeName:
    scheme = QGuiApplication.styleHints().colorScheme()
    return "light" if scheme == Qt.ColorScheme.Light else "dark"


def wear(app: QApplication, name: ThemeName | None = None) -> Colours:
    """Dress the application: Fusion, the palette, the sheet. None: what the system prefers."""
    global _worn
    if not _brought:
        _bring_fonts()
        _brought.append(True)
    _worn = PALETTES[name or system_theme()]
    app.setStyle("Fusion")
    app.setFont(font(14))
    app.setPalette(_palette(_worn))
    app.setStyleSheet(sheet(_worn))
    for window in app.topLevelWidgets():
        window.update()
    return _worn


_brought: list[bool] = []


def _palette(c: Colours) -> QPalette:
    made = QPalette()
    role = QPalette.ColorRole
    for which, value in (
        (role.Window, c.bg),
        (role.WindowText, c.text),
        (role.Base, c.raised),
        (role.AlternateBase, c.panel),
        (role.Text, c.text),
        (role.PlaceholderText, c.text3),
        (role.Button, c.raised),
        (role.ButtonText, c.text),
        (role.BrightText, c.air),
        (role.Highlight, c.info),
        (role.HighlightedText, c.bg),
        (role.ToolTipBase, c.raised),
        (role.ToolTipText, c.text),
        (role.Link, c.info),
        (role.Light, c.hover),
        (role.Midlight, c.raised),
        (role.Mid, c.line),
        (role.Dark, c.panel),
        (role.Shadow, c.bg),
        (role.Accent, c.info),
    ):
        made.setColor(which, QColor(value))
    for which in (role.WindowText, role.Text, role.ButtonText):
        made.setColor(QPalette.ColorGroup.Disabled, which, QColor(c.text3))
    return made


def sheet(c: Colours) -> str:
    """The style sheet of the standard controls; the rest is painted by hand."""
    icons = (places.resources() / "icons").as_posix()
    return f"""
* {{ outline: 0; }}
QWidget#screen, QWidget#ground {{ background: {c.bg}; }}
QWidget#panel {{ background: {c.panel}; }}
QWidget#head {{ background: {c.panel}; border-bottom: 1px solid {c.line}; }}
QWidget#foot {{ background: {c.panel}; border-top: 1px solid {c.line}; }}
QWidget#card {{ background: {c.panel}; border: 1px solid {c.line}; border-radius: 12px; }}
QWidget#note {{ background: {c.raised}; border-radius: 10px; }}
QWidget#mine {{ background: {c.info_badge}; border-radius: 10px; }}
QFrame#rule {{ background: {c.line}; }}
QFrame#edits {{ background: {c.warn_strip}; border: 0; border-bottom: 1px solid {c.warn_strip_line}; }}
QFrame#edits QLabel {{ color: {c.on_warn_strip}; }}
QLabel {{ background: transparent; color: {c.text}; }}
QLabel[tone="second"] {{ color: {c.text2}; }}
QLabel[tone="warn"] {{ color: {c.warn}; }}
QLabel[tone="bad"] {{ color: {c.air}; }}
QLabel[tone="good"] {{ color: {c.sold}; }}
QPushButton {{ background: {c.raised}; color: {c.text}; border: 1px solid {c.line}; border-radius: 8px;
  padding: 6px 13px; font-size: 13px; font-weight: 600; }}
QPushButton:hover {{ background: {c.hover}; }}
QPushButton:pressed {{ background: {c.line}; }}
QPushButton:disabled {{ color: {c.text3}; background: transparent; }}
QPushButton:focus {{ border: 1px solid {c.info}; }}
QPushButton[tone="main"] {{ background: {c.text}; color: {c.bg}; border: 1px solid {c.text}; }}
QPushButton[tone="main"]:disabled {{ background: {c.raised}; color: {c.text3}; border: 1px solid {c.line}; }}
QPushButton[tone="main"]:focus {{ border: 2px solid {c.info}; padding: 5px 12px; }}
QPushButton[tone="square"] {{ padding: 6px 0; }}
QPushButton[tone="flat"] {{ background: transparent; border: 1px solid transparent; color: {c.text2};
  padding: 4px 8px; }}
QPushButton[tone="flat"]:hover {{ color: {c.text}; background: {c.raised}; }}
QPushButton[tone="flat"]:focus {{ border: 1px solid {c.info}; }}
QLineEdit, QPlainTextEdit, QComboBox {{ background: {c.raised}; color: {c.text};
  border: 1px solid {c.line}; border-radius: 8px; padding: 7px 10px; font-size: 14px;
  selection-background-color: {c.info}; selection-color: {c.bg}; }}
QLineEdit:focus, QPlainTextEdit:focus, QComboBox:focus {{ border: 1px solid {c.info}; }}
QLineEdit[wrong="true"] {{ border: 1px solid {c.air}; }}
QLineEdit:disabled, QComboBox:disabled {{ color: {c.text3}; }}
QComboBox {{ padding: 8px 12px; }}
QComboBox::drop-down {{ border: 0; width: 28px; }}
QComboBox::down-arrow {{ image: url({icons}/down-{c.name}.svg); width: 12px; height: 12px; }}
QComboBox QAbstractItemView {{ background: {c.raised}; color: {c.text}; border: 1px solid {c.line};
  selection-background-color: {c.info_row}; selection-color: {c.text}; padding: 4px; }}
QCheckBox {{ color: {c.text}; spacing: 8px; font-size: 14px; background: transparent; }}
QCheckBox::indicator {{ width: 18px; height: 18px; border-radius: 5px;
  border: 1px solid {c.edge}; background: {c.raised}; }}
QCheckBox::indicator:checked {{ background: {c.info};
  border: 1px solid {c.info}; image: url({icons}/tick-{c.name}.svg); }}
QCheckBox::indicator:focus {{ border: 2px solid {c.info}; }}
QSlider {{ background: transparent; min-height: 24px; }}
QSlider::groove:horizontal {{ height: 4px; border-radius: 2px; background: {c.line}; }}
QSlider::sub-page:horizontal {{ height: 4px; border-radius: 2px; background: {c.info}; }}
QSlider::sub-page:horizontal:disabled {{ background: {c.line}; }}
QSlider::handle:horizontal {{ width: 16px; margin: -6px 0; border-radius: 8px; background: {c.text}; }}
QSlider::handle:horizontal:disabled {{ background: {c.text3}; }}
QSlider::handle:horizontal:focus {{ background: {c.info}; border: 2px solid {c.text}; width: 12px; }}
QListView, QTableView, QTreeView, QScrollArea, QScrollArea > QWidget > QWidget {{ background: {c.bg}; border: 0; }}
QTableView {{ gridline-color: {c.row_line}; color: {c.text}; font-size: 13px; selection-background-color: {c.info_row};
  selection-color: {c.text}; alternate-background-color: {c.bg}; }}
QTableView::item {{ padding: 4px 8px; border-bottom: 1px solid {c.row_line}; }}
QHeaderView::section {{ background: {c.panel}; color: {c.text2}; border: 0; border-bottom: 1px solid {c.line};
  padding: 7px 8px; font-size: 12px; font-weight: 600; }}
QTableCornerButton::section {{ background: {c.panel}; border: 0; }}
QScrollBar:vertical {{ background: transparent; width: 10px; margin: 0; }}
QScrollBar:horizontal {{ background: transparent; height: 10px; margin: 0; }}
QScrollBar::handle {{ background: {c.line}; border-radius: 4px; min-height: 36px; min-width: 36px; margin: 1px; }}
QScrollBar::handle:hover {{ background: {c.edge}; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
QMenu {{ background: {c.raised}; color: {c.text}; border: 1px solid {c.line}; padding: 6px; font-size: 14px; }}
QMenu::item {{ padding: 7px 22px 7px 14px; border-radius: 6px; background: transparent; }}
QMenu::item:selected {{ background: {c.info_row}; }}
QMenu::item:disabled {{ color: {c.text3}; }}
QMenu::separator {{ height: 1px; background: {c.line}; margin: 5px 8px; }}
QToolTip {{ background: {c.raised}; color: {c.text}; border: 1px solid {c.line}; padding: 5px 8px; font-size: 13px; }}
"""


def scale_of(environment: MutableMapping[str, str] | None = None) -> int:
    """The scale asked for, in percent."""
    found = (environment if environment is not None else os.environ).get("QT_SCALE_FACTOR", "1")
    try:
        return round(float(found) * 100)
    except ValueError:
        return 100
