"""What seller and producer see of one another in the window, drawn and pressed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton

from tests.ui import scenes
from ui.desk import Desk
from ui.run_of_show import NoteChange
from ui.values import Closing, Connection
from ui.values_backstage import Edits
from ui.views.lot_model import MarkRole
from ui.window import Window

Wait = Callable[..., None]


def pixels(image: QImage) -> np.ndarray:
    """A copy, rows × columns × RGB."""
    plain = image.convertToFormat(QImage.Format.Format_RGB888)
    lines = np.frombuffer(plain.constBits(), np.uint8).reshape(plain.height(), plain.bytesPerLine())
    return lines[:, : plain.width() * 3].reshape(plain.height(), plain.width(), 3).copy()


def test_the_square_code_on_screen_is_read_by_a_reader(window: Window, desk: Desk) -> None:
    invitation = scenes.INVITATION
    window.live.side.show_tab(2)
    desk.put(invitation=invitation)
    QApplication.processEvents()
    seen = pixels(window.live.side.backstage.invitation.square.grab().toImage())
    for times in (1, 2, 3):
        nearer = cv2.resize(seen, None, fx=times, fy=times, interpolation=cv2.INTER_NEAREST)
        found, _, _ = cv2.QRCodeDetector().detectAndDecode(nearer)
        assert found == f"{invitation.address}#{invitation.code}.{invitation.fingerprint}"
    dark = (seen < 128).all(axis=2)[12:-12, 12:-12]  # inside the round corners of the card
    above, left = 12 + np.argwhere(dark).min(axis=0)
    assert min(left, above) >= 4 * 4, "four modules of white around it"


def test_a_code_that_expired_says_so_and_an_address_of_this_machine_says_how_to_open(
    window: Window, desk: Desk, wait: Wait
) -> None:
    window.live.side.show_tab(2)
    desk.put(invitation=scenes.INVITATION_LOOPBACK)
    panel = window.live.side.backstage.invitation
    assert panel.loopback.isVisible() and panel.lan.isVisible() and not panel.square.isVisible()
    assert "--lan" in panel.loopback.text()
    assert not panel.again.isVisible()
    clock = desk._monotonic
    assert isinstance(clock, scenes.StillClock)
    clock.seconds += 13
    wait(panel.again.isVisible)
    assert "expiré" in panel.digits._left()
    QTest.mouseClick(panel.leave, Qt.MouseButton.LeftButton)
    assert window.live.side.backstage.pages.currentIndex() == 0 and desk.invitation.state == "none"


def test_a_row_with_a_waiting_or_a_refused_edit_says_so_and_no_other_row_is_drawn_again(
    window: Window, desk: Desk
) -> None:
    lots = window.live.queue.lists[0].lots
    touched: list[int] = []
    lots.dataChanged.connect(lambda first, last: touched.extend(range(first.row(), last.row() + 1)))
    rows = {row.lot_id: at for at, row in enumerate(lots.shown)}

    def said(lot_id: str) -> tuple[str, str]:
        index = lots.index(rows[lot_id])
        return index.data(MarkRole), index.data(int(Qt.ItemDataRole.AccessibleTextRole))

    def drawn() -> np.ndarray:
        view = window.live.queue.lists[0]
        QApplication.processEvents()
        view.scrollTo(lots.index(rows["L152"]))
        QApplication.processEvents()
        box = view.visualRect(lots.index(rows["L152"]))
        return pixels(view.viewport().grab(box).toImage())

    plain = drawn()
    desk.put(edits=scenes.EDITS_WAITING)
    assert said("L152")[0] == said("L153")[0] == "waiting" and "en attente" in said("L152")[1]
    assert sorted(touched) == sorted([rows["L152"], rows["L153"]])
    waiting = drawn()
    assert (waiting != plain).any()
    desk.put(edits=replace(scenes.EDITS_REFUSED, waiting=scenes.EDITS_WAITING.waiting))
    assert said("L152")[0] == "refused" and said("L153")[0] == "waiting", "what was refused is said first"
    assert (drawn() != waiting).any()
    desk.put(edits=Edits())
    assert said("L152") == ("", said("L152")[1]) and "attente" not in said("L152")[1]
    assert (drawn() == plain).all()


def test_only_the_seller_invites(window: Window, desk: Desk) -> None:
    window.live.side.show_tab(2)
    assert window.live.side.backstage.here.button.isVisible()
    scenes.producer(desk)
    assert not window.live.side.backstage.here.button.isVisible()


def test_a_producers_window_has_no_camera_and_no_end_of_the_show(window: Window, desk: Desk) -> None:
    scenes.producer(desk)
    QApplication.processEvents()
    live = window.live
    assert not live.preview.isVisible() and not live.meter.isVisible()
    assert live.deck.x() == 0 and live.deck.width() > 1000
    assert not window.top._end.isVisible() and window.top._role.words == "Régie"
    scenes.ready(desk)
    QApplication.processEvents()
    assert live.preview.isVisible() and live.deck.x() > 200


def test_a_note_shows_large_over_the_preview_goes_by_itself_and_marks_the_tab(window: Window, desk: Desk) -> None:
    scenes.backstage(desk)
    desk.whispered.emit(scenes.WHISPERS.lines[-1])
    QApplication.processEvents()
    band = window.band
    assert band.isVisible() and band._px >= 18 and band._gone.isActive()
    assert window.live.preview.geometry().width() > band.width() and not band.hasFocus()
    assert window.live.side.tabs.marked == {2}
    assert QApplication.activeModalWidget() is None
    QTest.mouseClick(band, Qt.MouseButton.LeftButton)
    assert not band.isVisible() and window.live.side.tabs.marked == frozenset()


def test_a_note_also_shows_while_the_show_is_prepared(window: Window, desk: Desk) -> None:
    scenes.prepared(desk)
    desk.whispered.emit(scenes.WHISPERS.lines[0])
    QApplication.processEvents()
    assert window.pages.currentWidget() is window.preflight and window.band.isVisible()


def test_what_is_typed_in_the_tab_of_the_consoles_is_no_chat(
    window: Window, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[tuple[str, str]] = []
    monkeypatch.setattr(desk, "say", lambda text, reply="": said.append(("chat", text)))
    monkeypatch.setattr(desk, "whisper", lambda text: said.append(("note", text)))
    side = window.live.side
    side.show_tab(2)
    assert not side.pin.isVisible()
    QTest.keyClicks(side.reply, "tout va bien")
    QTest.keyClick(side.reply, Qt.Key.Key_Return)
    side.show_tab(0)
    QTest.keyClicks(side.reply, "bonsoir")
    QTest.keyClick(side.reply, Qt.Key.Key_Return)
    assert said == [("note", "tout va bien"), ("chat", "bonsoir")]


def test_lines_of_the_run_of_show_are_added_rewritten_moved_and_removed(
    window: Window, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes: list[NoteChange] = []
    monkeypatch.setattr(desk, "change_run_of_show", changes.append)
    scenes.backstage(desk)
    window.live.side.show_tab(2)
    pane = window.live.side.backstage.run_of_show
    pane.at.setText("25h")
    pane.text.setText("série sneakers")
    pane.submit()
    assert changes == [] and "25h" in pane.said.text()
    pane.at.setText("23h")
    pane.submit()
    first = scenes.RUN_OF_SHOW[0]
    pane.list.setCurrentIndex(pane.notes.index(0))
    assert pane.text.text() == first.text
    QTest.keyClick(pane.list, Qt.Key.Key_Down, Qt.KeyboardModifier.AltModifier)
    pane.text.setText("pause")
    pane.submit()
    pane.list.setCurrentIndex(pane.notes.index(1))
    QTest.keyClick(pane.list, Qt.Key.Key_Delete)
    assert [(change.old, change.new and change.new.text, change.step) for change in changes] == [
        (None, "série sneakers", 0),
        (first, None, 1),
        (first, "pause", 0),
        (scenes.RUN_OF_SHOW[1], None, 0),
    ]


def test_edits_that_wait_or_were_refused_are_above_the_list(
    window: Window, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    pressed: list[tuple[str, int]] = []
    monkeypatch.setattr(desk, "retake_edit", lambda edit_id: pressed.append(("retake", edit_id)))
    monkeypatch.setattr(desk, "forget_edit", lambda edit_id: pressed.append(("forget", edit_id)))
    panel = window.live.queue.edits
    assert not panel.isVisible()
    desk.put(edits=scenes.EDITS_WAITING, connection=Connection("away", "unreachable"))
    assert panel.isVisible() and panel.waiting.text() == "3 modifications en attente"
    assert "Lot 153" in panel.named.text()
    desk.put(edits=scenes.EDITS_REFUSED, connection=Connection("connected"))
    assert not panel.waiting.isVisible() and len(panel.rows) == 3
    buttons = [row.findChildren(QPushButton) for row in panel.rows]
    assert [pair[0].isEnabled() for pair in buttons] == [True, False, False]
    QTest.mouseClick(buttons[0][0], Qt.MouseButton.LeftButton)
    QTest.mouseClick(buttons[1][1], Qt.MouseButton.LeftButton)
    assert pressed == [("retake", 4), ("forget", 5)]
    desk.put(edits=Edits())
    assert not panel.isVisible()


def test_figures_open_the_account_and_close_it(window: Window, desk: Desk) -> None:
    scenes.backstage(desk)
    QTest.mouseClick(window.live.side.figures, Qt.MouseButton.LeftButton)
    money = window.live.queue.money
    assert money.isVisible() and desk._money_wanted
    assert [value for value, name in money.totals.cells() if name == "commission"] == ["384,96\u202f€"]
    assert money.rows.rowCount() == 3
    money.tabs.choose(1)
    assert money.rows.rowCount() == 30
    QTest.mouseClick(window.live.side.figures, Qt.MouseButton.LeftButton)
    assert not money.isVisible() and not desk._money_wanted


def test_the_fee_is_set_in_the_settings(window: Window, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    fees: list[int] = []
    monkeypatch.setattr(desk, "set_fee", fees.append)
    window.live.queue.open_settings()
    field = window.live.queue.settings.fee
    for typed in ("8,5", "101", "x"):
        field.setText(typed)
        field.editingFinished.emit()
    assert fees == [850]


def test_closing_with_waiting_edits_says_how_many_would_be_lost(window: Window, desk: Desk) -> None:
    scenes.producer(desk)
    desk.put(closing=Closing("asked", waiting=3))
    assert window.closing.isVisible()
    assert window.closing.accessibleName().startswith("3 modifications attendent")
    assert window.closing.stay.text() == "Attendre"
