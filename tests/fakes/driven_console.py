"""The real console, in a process of its own, with somebody at it who reads orders on stdin.

One JSON object a line in ({"do": ...}), one JSON object a line out. Presses go the way
of a person: mouse events on the button, actions of the table. Words after the
program are those of the console.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time
from typing import Any

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QWidget

from seller_console.contract.words import LotDraft, Preset
from ui.app import live, options
from ui.demo import press_with_mouse
from ui.desk import Desk
from ui.values import DeckView
from ui.window import Window
from ui.wiring import Wiring


class Driver:
    def __init__(self, desk: Desk, window: Window, wiring: Wiring) -> None:
        self.desk = desk
        self.window = window
        self.wiring = wiring
        self.notices: list[str] = []
        self.slowest_ms = 0.0
        self._beat_at = 0.0
        self._stall = QTimer()
        self.led_at_ms: dict[str, float] = {}
        """When this window first knew who leads (wall clock: compared with browsers of this machine)."""
        self.ended_at_ms = 0.0
        desk.deck_changed.connect(self._deck_changed)
        desk.noticed.connect(lambda notice: self.notices.append(notice.text))

    def _deck_changed(self, deck: DeckView) -> None:
        if deck.leader_name:
            self.led_at_ms.setdefault(f"{deck.run_id} {deck.leader_name} {deck.price_cents}", time.time() * 1000)
        if deck.state in {"adjudged", "passed"} and self._ended != deck.run_id:
            self._ended = deck.run_id
            self.ended_at_ms = time.time() * 1000

    _ended = ""

    def look(self) -> dict[str, Any]:
        desk = self.desk
        deck, show = desk.deck, desk.show
        return {
            "show_id": show.show_id,
            "status": show.status,
            "connection": desk.connection.state,
            "away": desk.connection.reason,
            "deck": deck.state,
            "run_id": deck.run_id,
            "ends_at_ms": deck.ends_at_ms,
            "price_cents": deck.price_cents,
            "leader": deck.leader_name,
            "winner": deck.winner_name,
            "results": [[row.outcome, row.price_cents, row.buyer_name] for row in deck.results],
            "remaining_ms": deck.ends_at_ms - desk.now_ms(),
            "now_ms": desk.now_ms(),
            "air": desk.health.air,
            "fps": desk.health.fps,
            "engine": desk.health.engine,
            "devices": desk.devices.asked,
            "restarts": [desk.programs.platform.restarts, desk.programs.engine.restarts],
            "programs": [desk.programs.platform.state, desk.programs.engine.state],
            "why": [desk.programs.platform.reason, desk.programs.engine.reason],
            "troubles": [trouble.code for trouble in desk.troubles],
            "queue": len(desk.queue),
            "sold": len(desk.sold),
            "viewers": desk.viewers,
            "crowd": desk.crowd,
            "badge": self.window.top._on_air.words,
            "buyers": [row.nickname for row in desk.buyers],
            "recording": desk.recording.state,
            "recorded": desk.recording.path,
            "closing": desk.closing.state,
            "notices": self.notices,
            "pdd": desk.actions.start_at_opening_price.enabled,
            "pdd_settled": self.window.live.deck.pdd._settled(),
            "chat": [line.text for line in desk.chat],
            "visible": self.window.isVisible(),
            "mono_ms": time.monotonic() * 1000,
            "led_at_ms": self.led_at_ms,
            "ended_at_ms": self.ended_at_ms,
            **self._look_backstage(),
        }

    def _look_backstage(self) -> dict[str, Any]:
        """What seller and producer see of one another."""
        desk, side = self.desk, self.window.live.side
        band = self.window.band.whisper
        return {
            "role": desk.show.role,
            "consoles": desk.consoles,
            "tabs": side.tabs.accessibleName(),
            "lots": {row.number: [row.lot_id, row.title, row.category, row.editor] for row in desk.queue},
            "whispers": [[line.name, line.text, line.mine] for line in desk.whispers.lines],
            "unread": desk.whispers.unread,
            "band": band.text if band is not None and self.window.band.isVisible() else "",
            "waiting": [edit.what for edit in desk.edits.waiting],
            "edits_shown": self.window.live.queue.edits.isVisible(),
            "refused": [
                [edit.edit_id, edit.what, edit.mine, edit.theirs, edit.by, edit.retakable]
                for edit in desk.edits.refused
            ],
            "code": desk.invitation.code,
            "invitation": desk.invitation.state,
            "loopback": desk.invitation.loopback,
            "run_of_show": [f"{note.at} {note.text}" for note in desk.run_of_show],
            "camera": self.window.live.preview.isVisible(),
            "refusals": dict(desk.refusals),
        }

    def _backstage(self, order: dict[str, Any]) -> None:
        """Orders of somebody who works with another console."""
        desk, what = self.desk, order["do"]
        side, queue = self.window.live.side, self.window.live.queue
        if what == "invite":
            side.show_tab(2)
            side.backstage.here.button.click()
        elif what == "lots":
            if self.window.pages.currentWidget() is not self.window.live:
                self.window.top.prepare.emit()
        elif what == "tab":
            side.show_tab(order["tab"])
        elif what == "whisper":
            side.show_tab(2)
            side.reply.sent.emit(order["text"])
        elif what == "open_editor":
            row = next(row for row in desk.queue if row.number == order["number"])
            queue.open_editor(row)
        elif what == "type":
            for name, value in order["fields"].items():
                getattr(queue.editor, name).setText(value)
        elif what == "save":
            queue.editor.submit()
        elif what == "leave_editor":
            queue.editor.leave()
        elif what == "note":
            side.backstage.run_of_show.at.setText(order["at"])
            side.backstage.run_of_show.text.setText(order["text"])
            side.backstage.run_of_show.submit()
        elif what == "retake":
            desk.retake_edit(order["edit_id"])

    async def obey(self, order: dict[str, Any]) -> dict[str, Any]:
        what, desk = order["do"], self.desk
        if what == "pdd":
            button = self.window.findChild(QWidget, "pdd")
            assert isinstance(button, QWidget)
            await press_with_mouse(button)
        elif what == "pdd_and_again":
            button = self.window.findChild(QWidget, "pdd")
            assert isinstance(button, QWidget)
            open_now = asyncio.Event()
            desk.deck_changed.connect(lambda deck: open_now.set() if deck.state == "withdrawable" else None)
            await press_with_mouse(button)
            await asyncio.wait_for(open_now.wait(), 15)
            await press_with_mouse(button)
        elif what == "press":
            return {"done": desk.actions[order["action"]].press()}
        elif what == "hold":
            desk.actions[order["action"]].hold_began()
            await asyncio.sleep(0.9)
            desk.actions[order["action"]].hold_ended()
        elif what == "add_lot":
            desk.add_lot(LotDraft(title=order["title"], quantity=order.get("quantity", 1)))
        elif what == "presets":
            desk.set_presets(Preset(**order["preset"]), Preset(**order["preset"]))
        elif what == "stall":
            self._stall.setInterval(order["every_ms"])
            self._stall.timeout.connect(lambda: _hold_the_gil(order["for_ms"]))
            self._stall.start()
        elif what == "unstall":
            self._stall.stop()
        elif what == "record":
            desk.start_recording()
        elif what == "open_show":
            self.window.preflight.fresh.click()
        elif what == "record_into":
            self.window.preflight.setup.recording.record_into(order["folder"])
        elif what == "close":
            self.window.close()
        elif what == "close_and_end":
            desk.close_and_end()
        else:
            self._backstage(order)
        return self.look()

    async def play(self) -> int:
        orders: asyncio.Queue[str | None] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        def read() -> None:
            for line in sys.stdin:
                loop.call_soon_threadsafe(orders.put_nowait, line)
            loop.call_soon_threadsafe(orders.put_nowait, None)

        threading.Thread(target=read, daemon=True, name="orders").start()
        self.desk.closing_changed.connect(
            lambda closing: orders.put_nowait(None) if closing.state == "closed" else None
        )
        print(json.dumps(self.look()), flush=True)
        while (line := await orders.get()) is not None:
            print(json.dumps(await self.obey(json.loads(line))), flush=True)
        return 0


def _hold_the_gil(for_ms: float) -> None:
    """A stall as bad as they come: Python busy in one bytecode loop."""
    sys.setswitchinterval(10)
    until = time.perf_counter() + for_ms / 1000
    while time.perf_counter() < until:
        pass
    sys.setswitchinterval(0.005)


async def play(desk: Desk, window: Window, wiring: Wiring) -> int:
    return await Driver(desk, window, wiring).play()


if __name__ == "__main__":
    sys.exit(live(options(sys.argv[1:]), play))
