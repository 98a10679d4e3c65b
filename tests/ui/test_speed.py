"""The window is never held up: 10,000 lots, 200 lines a second and 50 bids a second at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from PySide6.QtWidgets import QApplication

from tests.ui import scenes
from ui.desk import Desk
from ui.values import BidRow, ChatLine, LotRow
from ui.window import Window

TICKS = 60
TICK_S = 0.05
CEILING_MS = 100.0
"""Of the thread's own time (other work does not count): 20 ms where it was written; the bar is 50."""
CEILING_CPU = 0.8
"""Cores: 0.3 where it was written."""


def many_lots(count: int) -> tuple[LotRow, ...]:
    return tuple(
        LotRow(f"L{i}", i, f"Carton n° {i} de vaisselle dépareillée", "next" if i == 1 else "queued", category="Divers")
        for i in range(1, count + 1)
    )


def test_ten_thousand_lots_are_shown_at_once(app: QApplication, desk: Desk) -> None:
    desk.put(queue=many_lots(10_000))
    window = Window(desk)
    scenes.ready(desk)
    desk.put(queue=many_lots(10_000))
    began = time.thread_time()
    window.show()
    app.processEvents()
    assert time.thread_time() - began < 2.0
    lots = window.live.queue.lists[0]
    began = time.thread_time()
    for step in range(40):
        lots.verticalScrollBar().setValue(step * 1000)
        app.processEvents()
    assert (time.thread_time() - began) / 40 < 0.1, "a step of scrolling"
    window.hide()
    window.finish()
    window.deleteLater()


def test_a_storm_does_not_hold_the_window(
    app: QApplication, window: Window, desk: Desk, wait: Callable[..., None]
) -> None:
    scenes.under_10(desk)
    rows = list(many_lots(10_000))
    desk.put(queue=tuple(rows))
    app.processEvents()
    deck = desk.deck
    held_ms: list[float] = []
    began = spent = 0.0

    def worked(work: Callable[[], object]) -> None:
        before = time.thread_time()
        work()
        held_ms.append((time.thread_time() - before) * 1000)

    def rain(tick: int) -> None:
        """Every 50 ms: ten lines, three bids, one changed lot, sometimes one moved."""
        lines = tuple(
            ChatLine(f"s{tick}-{i}", scenes.NOW_MS, "said", f"p{i}", f"acheteur_{i}", text="je prends ! " * 3)
            for i in range(10)
        )
        desk.chat_added.emit(lines)
        price = 4700 + tick * 300
        bids = tuple(BidRow(scenes.NOW_MS, f"b{i}", price - i * 100, 100, "leo", i == 0) for i in range(3))
        desk.put(deck=replace(deck, price_cents=price, bids=tick * 3, bid_rows=bids))
        at = 10 + tick * 7
        rows[at] = replace(rows[at], hearts=rows[at].hearts + 1)
        if tick % 4 == 0:
            rows.insert(5, rows.pop(at))
        desk.put(queue=tuple(rows))

    began, spent = time.monotonic(), time.thread_time()
    for tick in range(TICKS):
        worked(lambda tick=tick: rain(tick))  # type: ignore[misc]
        due = began + (tick + 1) * TICK_S
        while True:
            worked(app.processEvents)
            if time.monotonic() >= due:
                break
            app.thread().msleep(2)
    cpu = (time.thread_time() - spent) / max(TICKS * TICK_S, time.monotonic() - began)
    busy = sorted(held for held in held_ms if held > 0.5)
    p99 = busy[int(len(busy) * 0.99)]
    print(f"ui_held_p99_ms={p99:.1f} worst={busy[-1]:.1f} cpu={cpu:.2f}")
    wait(lambda: len(window.live.side.chat._laid) == 500)
    assert p99 < CEILING_MS
    assert cpu < CEILING_CPU


def test_the_clock_repaints_little(app: QApplication, window: Window, desk: Desk, wait: Callable[..., None]) -> None:
    """Under ten it is painted anew some 30 times a second, in little time each."""
    scenes.under_10(desk)
    app.processEvents()
    deck = window.live.deck
    painted: list[float] = []
    before = deck._paint_clock

    def counted(*given: object) -> None:
        began = time.thread_time()
        before(*given)  # type: ignore[arg-type]
        painted.append(time.thread_time() - began)

    deck._paint_clock = counted  # type: ignore[method-assign]
    ticks: list[int] = []
    deck._timer.timeout.connect(lambda: ticks.append(1))
    wait(lambda: len(painted) >= 25, 15.0)
    assert deck._timer.interval() <= 33
    assert len(painted) >= len(ticks) * 0.8, "each tick paints"
    assert sorted(painted)[len(painted) // 2] < 0.005
