"""Guides in the preview: where they lie, that they are remembered, and that they stay in the window."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QColor, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from seller_console.contract import safe_area
from seller_console.link.settings import Settings
from tests.ui.conftest import bury
from tests.ui.desk_floor import DeskFloor
from ui.desk import Desk
from ui.views.preview import Preview
from ui.views.sources import StillDialog, sources_menu
from ui.window import Window
from ui.wires import NoWires
from ui.words import t

GREY = 120


def grey(width: int, height: int) -> QImage:
    image = QImage(width, height, QImage.Format.Format_RGB32)
    image.fill(QColor(GREY, GREY, GREY))
    return image


@pytest.fixture
def preview(app: QApplication, desk: Desk) -> Iterator[Preview]:
    made = Preview(desk, overlays=False)
    made.resize(450, 800)
    made.show_image(grey(540, 960))
    yield made
    made.deleteLater()
    bury(app)


def levels(preview: Preview, x: int = 40) -> list[int]:
    """Of green, down one column, left of the words."""
    image = preview.grab().toImage()
    return [image.pixelColor(x, y).green() for y in range(image.height())]


def test_without_guides_the_picture_is_untouched(preview: Preview) -> None:
    assert set(levels(preview)) == {GREY}


def test_what_the_page_hides_is_darker_and_lines_lie_where_its_things_begin(preview: Preview, desk: Desk) -> None:
    desk.put(guides=True)
    column = levels(preview)
    top, chat, lot = 80, 220, 476
    assert all(level < GREY - 20 for level in (*column[: top - 1], *column[lot + 2 :])), "under the bar, under the lot"
    for first, last in ((top + 2, chat - 2), (chat + 2, lot - 2)):
        assert set(column[first:last]) == {GREY}, "seen, and shown as it is"
    image = preview.grab().toImage()
    for y in (top, chat, lot):
        line = [image.pixelColor(x, row).blue() for x in range(10, 110) for row in range(y - 2, y + 3)]
        assert max(line) > 220 and min(line) < GREY - 40, "dashes that show on light and on dark"


def test_a_wide_picture_has_its_own_guides_and_nothing_is_drawn_beside_it(preview: Preview, desk: Desk) -> None:
    preview.show_image(grey(960, 540))
    before = levels(preview)
    desk.put(guides=True)
    box = preview.picture_box()
    after = levels(preview)
    assert after[: int(box.top()) - 1] == before[: int(box.top()) - 1]
    assert after[int(box.bottom()) + 2 :] == before[int(box.bottom()) + 2 :]
    darker = [y for y, (one, other) in enumerate(zip(before, after, strict=True)) if other < one - 20]
    assert darker[-1] < box.bottom() - box.height() * 0.12, "the lot's card is below it: only the bar and a line"


def test_a_small_picture_has_lines_and_no_words(app: QApplication, preview: Preview, desk: Desk) -> None:
    desk.put(guides=True)
    preview.resize(120, 190)
    image = preview.grab().toImage()
    assert not any(image.pixelColor(x, y) == QColor("#ffffff") for x in range(120) for y in range(190))


def test_nothing_is_drawn_where_there_is_no_picture(preview: Preview, desk: Desk) -> None:
    preview.show_image(None)
    before = preview.grab().toImage()
    desk.put(guides=True)
    assert preview.grab().toImage() == before


def entry(window: Window, desk: Desk) -> QAction:
    menu = sources_menu(desk, window, StillDialog(desk, window))
    return next(action for action in menu.actions() if action.text() == t("action.guides"))


def test_the_pictures_menu_shows_and_hides_them(window: Window, desk: Desk) -> None:
    assert entry(window, desk).isCheckable() and not entry(window, desk).isChecked()
    entry(window, desk).trigger()
    assert desk.guides and entry(window, desk).isChecked()
    entry(window, desk).trigger()
    assert not desk.guides


def test_the_key_toggles_them(app: QApplication, window: Window, desk: Desk) -> None:
    app.installEventFilter(desk.actions)
    try:
        QTest.keyClick(window, Qt.Key.Key_G, Qt.KeyboardModifier.ControlModifier)
        assert desk.guides
    finally:
        app.removeEventFilter(desk.actions)


class Kept(NoWires):
    """Settings, and nothing else."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def remember(self, **settings: object) -> None:
        for name, value in settings.items():
            setattr(self._settings.values, name, value)
        self._settings.save()

    def remembered(self, name: str) -> object:
        return getattr(self._settings.values, name)


def test_they_are_there_at_first_and_once_put_away_stay_away() -> None:
    for expected in (True, False):
        desk = Desk()
        desk.wire(Kept(Settings()))
        assert desk.guides == expected
        if expected:
            desk.toggle_guides()
        desk.deleteLater()


def test_the_engine_is_never_told(app: QApplication) -> None:
    floor = DeskFloor()
    before = list(floor.wires.told)
    floor.desk.toggle_guides()
    assert floor.wires.told == before and floor.wires.kept == {"guides": True}


def test_the_safe_areas_lie_in_one_another() -> None:
    for clear, seen in ((safe_area.CLEAR, safe_area.SEEN), (safe_area.CLEAR_WIDE, safe_area.SEEN_WIDE)):
        x, y, wide, high = clear.box(100, 100)
        sx, sy, swide, shigh = seen.box(100, 100)
        assert wide > 0 and high > 0 and x >= sx and y >= sy and x + wide <= sx + swide and y + high <= sy + shigh
    assert safe_area.clear(720, 1280) is safe_area.CLEAR and safe_area.seen(1280, 720) is safe_area.SEEN_WIDE
