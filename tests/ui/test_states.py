"""Every state of the deck is drawn, each differently, in the same boxes; nothing is clipped; figures stand still."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QRect, QRectF
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QWidget

from tests.ui import gallery, scenes
from ui import theme, words
from ui.desk import Desk
from ui.values import DeckView
from ui.views import paint
from ui.views.deck import Deck, places_for
from ui.window import Window

SIZES = ((1280, 720), (1440, 900), (1920, 1080))


def grab(widget: QWidget, box: QRect | QRectF | None = None) -> QImage:
    if isinstance(box, QRectF):
        box = box.toAlignedRect()
    return (
        (widget.grab(box) if box is not None else widget.grab()).toImage().convertToFormat(QImage.Format.Format_RGB32)
    )


def share(image: QImage, colour: str, near: int = 24) -> float:
    """How much of the picture is about this colour."""
    wanted = QColor(colour)
    hits = total = 0
    for y in range(0, image.height(), 2):
        for x in range(0, image.width(), 2):
            seen = image.pixelColor(x, y)
            total += 1
            hits += (
                abs(seen.red() - wanted.red()) < near
                and abs(seen.green() - wanted.green()) < near
                and abs(seen.blue() - wanted.blue()) < near
            )
    return hits / max(1, total)


@pytest.fixture
def deck(window: Window) -> Deck:
    return window.live.deck


def test_every_state_looks_different(app: QApplication, window: Window, desk: Desk, deck: Deck) -> None:
    drawn: dict[str, QImage] = {}
    for name in scenes.DECK_STATES:
        scenes.SCENES[name](desk)
        window.pages.setCurrentWidget(window.live)
        desk.put(troubles=())
        app.processEvents()
        drawn[name] = grab(deck)
    for one, other in itertools.combinations(drawn, 2):
        assert drawn[one] != drawn[other], f"{one} is drawn like {other}"


@pytest.mark.parametrize("look", ["dark", "light"])
def test_colour_means_state(app: QApplication, window: Window, desk: Desk, deck: Deck, look: theme.ThemeName) -> None:
    c = theme.wear(app, look)
    at = deck.places

    def shown(scene: Callable[[Desk], None]) -> None:
        scene(desk)
        desk.put(troubles=())
        app.processEvents()

    shown(scenes.ready)
    assert share(grab(deck.pdd), c.pdd) > 0.6, "ready: the yellow button is bright"
    assert share(grab(deck, at.clock), c.warn) == 0
    shown(scenes.opening)
    assert share(grab(deck.pdd), c.pdd) < 0.25, "opening: outlined"
    assert share(grab(deck.pdd), c.bg) > 0.5
    shown(scenes.running)
    assert share(grab(deck.pdd), c.pdd) < 0.02, "running: dim"
    assert share(grab(deck, at.clock), c.text) > 0.1
    assert share(grab(deck, at.bar), c.sold) > 0.25
    assert share(grab(deck, at.leader), c.sold) > 0.02, "the leader is green"
    shown(scenes.under_10)
    assert share(grab(deck, at.clock), c.warn) > 0.1, "under ten seconds: amber"
    assert share(grab(deck, at.bar), c.warn) > 0.1
    shown(scenes.withdrawable)
    assert share(grab(deck.pdd), c.warn) > 0.01, "the ring of Retirer"
    shown(scenes.paused)
    assert share(grab(deck, at.clock), c.info) > 0.1, "paused: blue, frozen"
    shown(scenes.adjudged)
    assert share(grab(deck, at.price), c.sold) > 0.1, "adjugé: the price in green, large"
    shown(scenes.away)
    assert share(grab(deck, at.leader), c.warn_strip) > 0.3, "away: why, on amber"
    assert not deck.pdd.isEnabled()


def test_the_withdraw_ring_empties(app: QApplication, window: Window, desk: Desk, deck: Deck) -> None:
    scenes.withdrawable(desk)
    c = theme.colours()
    rings = []
    for left in (1900, 1000, 100):
        desk.put(deck=replace(desk.deck, withdraw_until_ms=scenes.NOW_MS + left))
        rings.append(share(grab(deck.pdd), c.warn))
    assert rings[0] > rings[1] > rings[2]


def test_under_ten_seconds_the_clock_is_painted_thirty_times_a_second(
    app: QApplication, window: Window, desk: Desk, deck: Deck
) -> None:
    scenes.running(desk)
    assert deck._timer.interval() >= 100
    scenes.under_10(desk)
    assert deck._timer.isActive()
    assert deck._timer.interval() <= 33
    scenes.ready(desk)
    assert not deck._timer.isActive(), "nothing is painted for nothing"


# --- nothing moves ----------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
def test_no_state_moves_another(app: QApplication, window: Window, desk: Desk, size: tuple[int, int]) -> None:
    window.resize(*size)
    live = window.live
    seen = set()
    for name in scenes.DECK_STATES:
        scenes.SCENES[name](desk)
        window.pages.setCurrentWidget(live)
        desk.put(troubles=())
        app.processEvents()
        deck = live.deck
        seen.add(
            tuple(
                tuple(widget.geometry().getRect())
                for widget in (live.preview, live.meter, deck, deck.pdd, deck.ticker, live.queue, live.side)
            )
        )
    assert len(seen) == 1


def test_the_strip_pushes_down_and_moves_nothing_sideways(app: QApplication, window: Window, desk: Desk) -> None:
    live = window.live
    app.processEvents()
    before = [widget.geometry() for widget in (live.preview, live.deck, live.side)]
    scenes.ready_trouble(desk)
    app.processEvents()
    assert window.strip.isVisible()
    after = [widget.geometry() for widget in (live.preview, live.deck, live.side)]
    assert [(box.x(), box.width()) for box in before] == [(box.x(), box.width()) for box in after]


def test_a_price_grows_without_moving_anything(app: QApplication, window: Window, desk: Desk, deck: Deck) -> None:
    """Only the price's own box changes between 9 € and 1 050 €."""
    scenes.running(desk)
    app.processEvents()
    prices = (900, 9900, 105_000, 1_234_500)
    for cents in prices:  # a glyph is cut when it is first drawn, and drawn from that afterwards
        desk.put(deck=replace(desk.deck, price_cents=cents))
        grab(deck)
    outside: list[QImage] = []
    for cents in prices:
        desk.put(deck=replace(desk.deck, price_cents=cents))
        app.processEvents()
        image = grab(deck)
        painter_box = deck.places.price.toAlignedRect()
        for y in range(painter_box.top(), painter_box.bottom() + 1):
            for x in range(painter_box.left(), painter_box.right() + 1):
                image.setPixel(x, y, 0)
        outside.append(image)
    assert all(image == outside[0] for image in outside)


def test_figures_of_one_width_do_not_dance(app: QApplication) -> None:
    for price in ("10 €", "47 €", "88 €", "11 €"):
        assert paint.advance(price, 76, theme.HEAVY) == pytest.approx(paint.advance("00 €", 76, theme.HEAVY), abs=0.5)
    for clock in ("0:11", "0:07", "0:30"):
        assert paint.advance(clock, 76, theme.HEAVY) == pytest.approx(paint.advance("0:00", 76, theme.HEAVY), abs=0.5)


@pytest.mark.parametrize("width", [470, 560, 652, 1000])
@pytest.mark.parametrize("k", [0.86, 1.0, 1.6])
def test_the_parts_of_the_deck_do_not_overlap(app: QApplication, width: int, k: float) -> None:
    at = places_for(width, k)
    parts = {
        "card": at.card, "price": at.price, "clock": at.clock, "leader": at.leader, "bar": at.bar,
        "ticker": QRectF(at.ticker), "pdd": QRectF(at.pdd),
        **{f"button {i}": QRectF(box) for i, box in enumerate(at.buttons[:3])},
    }  # fmt: skip
    for (name, one), (other_name, other) in itertools.combinations(parts.items(), 2):
        assert not one.intersects(other), f"{name} lies over {other_name}"
    for name, part in parts.items():
        assert QRectF(0, 0, width, at.height).contains(part), f"{name} lies outside"


# --- nothing is clipped --------------------------------------------------------------------------


@pytest.fixture
def clipped() -> Iterator[list[str]]:
    found: list[str] = []
    paint.witness = lambda said, needed, given: found.append(f"{said!r} needs {needed:.0f}, has {given:.0f}")
    yield found
    paint.witness = None


def squeezed(window: QWidget) -> list[str]:
    """Labels and buttons narrower than their words."""
    found = []
    for widget in window.findChildren(QWidget):
        if not widget.isVisible() or not isinstance(widget, (QLabel, QPushButton)):
            continue
        label = isinstance(widget, QLabel)
        if label and (widget.wordWrap() or not widget.text()):  # type: ignore[attr-defined]
            continue
        need = widget.fontMetrics().horizontalAdvance(widget.text())  # type: ignore[attr-defined]
        if need > widget.width() + 1:
            found.append(f"{widget.text()!r} needs {need}, has {widget.width()}")  # type: ignore[attr-defined]
    return found


@pytest.mark.parametrize(
    ("size", "language"),
    [
        ((1280, 720), "fr"), ((1280, 720), "en"), ((1440, 900), "fr"), ((1440, 900), "en"), ((1920, 1080), "fr"),
        ((1024, 600), "fr"), ((1024, 600), "en"),
    ],
)  # fmt: skip
def test_no_word_is_clipped(
    app: QApplication, clipped: list[str], size: tuple[int, int], language: words.Language, tmp_path: Path
) -> None:
    bad: list[str] = []
    words.use(language)
    stand = gallery.open_window(size)  # the states follow one another in one window, as in a show; a panel has its own
    for name in (*scenes.SCENES, *gallery.STAGE, *gallery.PANELS):
        clipped.clear()

        def look(window: QWidget, name: str = name) -> None:
            bad.extend(f"{name}: {said}" for said in squeezed(window))

        shared = stand if name not in gallery.PANELS or name in gallery.LEAVE_NOTHING else None
        gallery.draw(app, name, "dark", language, size, tmp_path, look=look, stand=shared, clipped=clipped)
        bad.extend(f"{name}: {said}" for said in clipped)
    assert stand.window.isVisible()
    gallery.bury(app, stand)
    assert bad == []


def test_the_window_is_whole_at_twice_the_scale(repository: Path, tmp_path: Path) -> None:
    """In a process of its own, since the scale is chosen before the application is made."""
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    theme.set_scale(environment, 200)
    out = tmp_path / "double"
    done = subprocess.run(
        [sys.executable, "tests/ui/gallery.py", str(out), "live", "ready_trouble", "preflight", "--size", "1280x720",
         "--strict"],
        cwd=repository, env=environment, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    drawn = QImage(str(out / "live-dark-fr-1280x720.png"))
    assert (drawn.width(), drawn.height()) == (2560, 1440)


def test_an_empty_deck_invites_to_make_a_lot(app: QApplication, window: Window, desk: Desk, deck: Deck) -> None:
    desk.put(deck=DeckView("empty", next_number=148), queue=(), refusals={})
    assert deck.pdd.isEnabled()
    assert "148" in deck.pdd.accessibleName()
