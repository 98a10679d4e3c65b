"""What is drawn into the picture follows the deck, is off until it is wanted, and is remembered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication

from seller_console.contract.media import SetOverlay
from seller_console.link.settings import Settings
from tests.ui import scenes
from tests.ui.conftest import bury
from tests.ui.test_settings import Keeping
from ui.desk import Desk
from ui.overlays import Drawn, overlay_of, same
from ui.values import DeckView, ShowView
from ui.views.settings import SettingsPanel

CARD = scenes.CARD
RUN = DeckView(
    "running", card=CARD, run_id="R1", price_cents=4700, ends_at_ms=scenes.NOW_MS + 9_000, winner_name="", bids=3
)


def facts(deck: DeckView, **beside: Any) -> SetOverlay:
    return overlay_of(deck, Drawn(**beside))


def test_the_lot_on_the_block_with_its_price_and_clock() -> None:
    drawn = facts(RUN, offset_ms=500.0)
    assert (drawn.shown, drawn.number, drawn.title, drawn.price_cents) == (True, 148, CARD.title, 4700)
    assert (drawn.ends_at_ms, drawn.offset_ms, drawn.winner) == (RUN.ends_at_ms, 500.0, "")
    assert facts(replace(RUN, price_cents=0)).price_cents == CARD.opening_cents, "no bid yet: the opening price"


def test_paused_the_clock_stands_sold_the_winner_is_named_and_between_lots_there_is_nothing() -> None:
    paused = facts(replace(RUN, state="paused", remaining_ms=7_000))
    assert (paused.ends_at_ms, paused.remaining_ms) == (0, 7_000)
    sold = facts(replace(RUN, state="adjudged", winner_name="leo_cards"))
    assert (sold.winner, sold.ends_at_ms, sold.price_cents) == ("leo_cards", 0, 4700)
    for state in ("ready", "empty", "passed", "not_live", "away", "opening"):
        assert not facts(replace(RUN, state=state)).shown
        assert facts(replace(RUN, state=state), logo="x.png") == SetOverlay(shown=True, logo="x.png")


def test_a_clock_known_a_little_better_is_not_worth_a_word() -> None:
    assert same(facts(RUN, offset_ms=500.0), facts(RUN, offset_ms=510.0))
    assert not same(facts(RUN, offset_ms=500.0), facts(RUN, offset_ms=900.0))
    assert not same(facts(RUN), facts(replace(RUN, price_cents=4900)))


class Telling(Keeping):
    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.told: list[Any] = []

    def tell(self, command: Any) -> None:
        if isinstance(command, SetOverlay):
            self.told.append(command)


@pytest.fixture
def stand(app: QApplication) -> Iterator[tuple[Desk, Telling]]:
    wires = Telling(Settings())
    desk = Desk(wires, keys=wires.settings, monotonic=scenes.StillClock())
    desk.put(show=ShowView(show_id="s", status="live"))
    yield desk, wires
    desk.deleteLater()
    bury(app)


def test_off_until_wanted_then_told_at_each_change_but_not_oftener_than_it_can_be_seen(
    stand: tuple[Desk, Telling], wait: Callable[..., None]
) -> None:
    desk, wires = stand
    desk.put(deck=RUN)
    assert wires.told == []
    desk.set_overlay(True)
    assert [one.price_cents for one in wires.told] == [4700] and Settings().values.overlay
    for price in range(4800, 6800, 100):
        desk.put(deck=replace(RUN, price_cents=price))
    assert len(wires.told) == 1
    wait(lambda: wires.told[-1].price_cents == 6700, 3)
    assert len(wires.told) == 2, "twenty bids in one breath are one drawing"
    wait(lambda: not desk._overlay_brake.timer.isActive(), 3)
    desk.set_overlay(False)
    assert wires.told[-1] == SetOverlay() and not Settings().values.overlay


def test_a_producers_console_draws_nothing(stand: tuple[Desk, Telling]) -> None:
    desk, wires = stand
    desk.put(show=ShowView(show_id="s", status="live", role="producer"), deck=RUN)
    desk.set_overlay(True)
    assert wires.told == []


def test_the_switch_says_that_every_output_shows_it(stand: tuple[Desk, Telling], app: QApplication) -> None:
    desk, _ = stand
    panel = SettingsPanel(desk)
    assert not panel.overlay.isChecked() and "toutes les destinations" in panel.overlay_hint.text()
    panel.overlay.click()
    assert Settings().values.overlay
    panel._take_logo("/somewhere/logo.png")
    assert Settings().values.overlay_logo == "/somewhere/logo.png" and "logo.png" in panel.logo.text()
    panel.logo.click()
    assert Settings().values.overlay_logo == ""
    panel.deleteLater()
