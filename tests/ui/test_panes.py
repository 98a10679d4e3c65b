"""What the panes do: order by hand and by keys, edit, import, chat, checks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit

from seller_console.contract.words import UNSET, LotChanges, LotDraft
from tests.ui import scenes
from ui.checks import Heard, Machine, checks
from ui.desk import Desk
from ui.values import ChatLine, Devices, Health, Notice, Programme
from ui.views.fields import cents_of
from ui.window import Window

LEFT = Qt.MouseButton.LeftButton
Wait = Callable[..., None]


class Asked:
    """Hears the intents of the desk."""

    def __init__(self, desk: Desk, monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
        self.calls: list[tuple[Any, ...]] = []
        for name in names:
            monkeypatch.setattr(desk, name, lambda *given, name=name: self.calls.append((name, *given)))


@pytest.fixture
def asked(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Asked:
    return Asked(
        desk, monkeypatch, "move_lot", "remove_lot", "edit_lot", "add_lot", "editing", "re_run", "void_sale", "say",
        "announce", "pin_line", "note_buyer", "accept_import", "drop_import", "read_inventory", "mark_payment",
        "set_muted",
    )  # fmt: skip


# --- order ----------------------------------------------------------------------------------


def test_a_lot_is_dragged_to_its_new_place(app: QApplication, window: Window, asked: Asked) -> None:
    lots = window.live.queue.lists[0]
    start = lots.visualRect(lots.lots.index(3)).center()
    end = lots.visualRect(lots.lots.index(1)).center() - QPoint(0, 20)
    QTest.mousePress(lots.viewport(), LEFT, pos=start)
    for part in range(1, 6):
        QTest.mouseMove(lots.viewport(), start + (end - start) * part / 5)
    assert lots._dragged is not None
    QTest.mouseRelease(lots.viewport(), LEFT, pos=end)
    assert asked.calls == [("move_lot", "L152", "L149")]


def test_a_lot_dropped_where_it_was_asks_nothing(app: QApplication, window: Window, asked: Asked) -> None:
    lots = window.live.queue.lists[0]
    start = lots.visualRect(lots.lots.index(2)).center()
    QTest.mousePress(lots.viewport(), LEFT, pos=start)
    QTest.mouseMove(lots.viewport(), start + QPoint(0, 40))
    QTest.mouseMove(lots.viewport(), start + QPoint(0, 4))
    QTest.mouseRelease(lots.viewport(), LEFT, pos=start + QPoint(0, 4))
    assert asked.calls == []


def test_the_lot_on_the_block_is_not_dragged(app: QApplication, window: Window, desk: Desk, asked: Asked) -> None:
    scenes.running(desk)
    app.processEvents()
    lots = window.live.queue.lists[0]
    start = lots.visualRect(lots.lots.index(0)).center()
    QTest.mousePress(lots.viewport(), LEFT, pos=start)
    QTest.mouseMove(lots.viewport(), start + QPoint(0, 100))
    QTest.mouseRelease(lots.viewport(), LEFT, pos=start + QPoint(0, 100))
    assert asked.calls == []


@pytest.mark.parametrize("on_block", [False, True])
def test_lots_are_moved_with_the_keys(
    app: QApplication, window: Window, desk: Desk, asked: Asked, on_block: bool
) -> None:
    if on_block:
        scenes.running(desk)
    lots = window.live.queue.lists[0]
    alt = Qt.KeyboardModifier.AltModifier
    lots.choose(lots.lots.find("L151"))
    for key, after in (
        (Qt.Key.Key_Up, "L149"),
        (Qt.Key.Key_Down, "L152"),
        (Qt.Key.Key_Home, None),
        (Qt.Key.Key_End, desk.queue[-1].lot_id),
    ):
        asked.calls.clear()
        QTest.keyClick(lots, key, alt)
        assert asked.calls == [("move_lot", "L151", after)]
    asked.calls.clear()
    QTest.keyClick(lots, Qt.Key.Key_Delete)
    assert asked.calls == [("remove_lot", "L151")]


def test_the_chosen_lot_stays_chosen_when_the_order_changes(app: QApplication, window: Window, desk: Desk) -> None:
    lots = window.live.queue.lists[0]
    lots.choose(5)
    before = lots.chosen()
    assert before is not None
    rows = list(desk.queue)
    rows.insert(1, rows.pop(9))
    desk.put(queue=tuple(rows))
    assert lots.chosen() == before


def test_the_filter_narrows_the_list_and_enter_goes_to_it(app: QApplication, window: Window, wait: Wait) -> None:
    queue = window.live.queue
    window.activateWindow()
    queue.filter.setFocus()
    QTest.keyClicks(queue.filter, "foulard")
    wait(lambda: queue.lists[0].lots.rowCount() == 1)
    QTest.keyClick(queue.filter, Qt.Key.Key_Return)
    chosen = queue.lists[0].chosen()
    assert chosen is not None and chosen.number == 150
    assert not queue.lists[0].may_move(chosen), "an order among what is hidden is not shown"
    QTest.keyClick(queue.filter, Qt.Key.Key_Escape)
    wait(lambda: queue.lists[0].lots.rowCount() > 10)


# --- editing --------------------------------------------------------------------------------


def test_only_what_changed_is_sent(app: QApplication, window: Window, desk: Desk, asked: Asked) -> None:
    queue = window.live.queue
    row = desk.queue[1]
    queue.open_editor(row)
    editor = queue.editor
    editor.title.setText("Foulard soie, 90 × 90")
    editor.reserve.setText("70")
    editor.submit()
    assert asked.calls[0] == ("editing", row.lot_id)
    name, lot_id, version, changes = asked.calls[1]
    assert (name, lot_id, version) == ("edit_lot", row.lot_id, row.version)
    assert changes == LotChanges(title="Foulard soie, 90 × 90", reserve_cents=7000)
    assert changes.category is UNSET
    assert queue.pages.currentWidget() is editor, "until the platform has it"
    desk.put(queue=tuple(replace(one, version=2) if one.lot_id == row.lot_id else one for one in desk.queue))
    assert queue.pages.currentWidget() is queue.lists[0]
    assert asked.calls[-1] == ("editing", None)


def test_a_refused_edit_keeps_what_was_typed(app: QApplication, window: Window, desk: Desk, asked: Asked) -> None:
    queue = window.live.queue
    queue.open_editor(desk.queue[1])
    queue.editor.title.setText("Un autre titre")
    queue.editor.submit()
    assert not queue.editor.save.isEnabled()
    desk.noticed.emit(Notice("Ce champ vient d’être changé par quelqu’un d’autre.", "refused"))
    assert queue.pages.currentWidget() is queue.editor
    assert queue.editor.title.text() == "Un autre titre"
    assert "changé" in queue.editor.said.text()
    assert queue.editor.save.isEnabled()


def test_a_lot_is_typed_in(app: QApplication, window: Window, desk: Desk, asked: Asked) -> None:
    queue = window.live.queue
    queue.open_new()
    editor = queue.editor
    editor.title.setText("  Vase  ")
    editor.opening.setText("5")
    editor.quantity.setText("3")
    editor.cost.setText("1,50")
    editor.own_preset.setChecked(True)
    editor.duration.setText("45")
    editor.submit()
    ((name, draft),) = asked.calls
    assert name == "add_lot"
    assert isinstance(draft, LotDraft)
    assert (draft.title, draft.opening_cents, draft.quantity, draft.backstage.cost_cents) == ("Vase", 500, 3, 150)
    assert draft.preset is not None and draft.preset.duration_ms == 45_000


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("title", "", "titre"),
        ("opening", "abc", "montant"),
        ("opening", "0", "montant"),
        ("opening", "1,50", "entiers"),
        ("reserve", "0,5x", "montant"),
        ("quantity", "beaucoup", "Quantité"),
        ("quantity", "0", "Quantité"),
    ],
)
def test_what_cannot_be_is_said_and_not_sent(
    app: QApplication, window: Window, asked: Asked, field: str, typed: str, said: str
) -> None:
    editor = window.live.queue.editor
    window.live.queue.open_new()
    editor.title.setText("Vase")
    getattr(editor, field).setText(typed)
    editor.submit()
    assert asked.calls == []
    assert said in editor.said.text()


def test_the_lot_on_the_block_may_only_have_its_note_changed(app: QApplication, window: Window, desk: Desk) -> None:
    scenes.running(desk)
    window.live.queue.open_editor(desk.queue[0])
    editor = window.live.queue.editor
    assert not editor.title.isEnabled()
    assert editor.host_note.isEnabled()


@pytest.mark.parametrize(
    ("typed", "cents"),
    [("1", 100), ("1,50", 150), ("1.5", 150), ("1 050 €", 105_000), ("1\u202f050", 105_000), ("", 0), ("-1", None),
     ("1,505", None), ("un", None), ("99999999", None), ("١", None)],
)  # fmt: skip
def test_amounts_as_people_type_them(typed: str, cents: int | None) -> None:
    assert cents_of(typed) == cents


# --- import ---------------------------------------------------------------------------------


def test_nothing_is_written_before_the_import_is_accepted(
    app: QApplication, window: Window, desk: Desk, asked: Asked
) -> None:
    queue = window.live.queue
    queue.open_import()
    panel = queue.importing
    assert not panel.accept.isEnabled()
    panel.read("/nowhere/destockage.csv")
    assert asked.calls == [("read_inventory", Path("/nowhere/destockage.csv"))]
    desk.put(import_=scenes.DRY_RUN)
    assert panel.problems.rowCount() == 7
    assert panel.accept.text() == "Importer 897 lots"
    assert "3 lignes écartées" in panel.said.text()
    assert [call[0] for call in asked.calls] == ["read_inventory"]
    panel.leave()
    assert [call[0] for call in asked.calls] == ["read_inventory", "drop_import"]


def test_an_unreadable_file_says_why(app: QApplication, window: Window, desk: Desk) -> None:
    window.live.queue.open_import()
    desk.put(import_=replace(scenes.DRY_RUN, state="unreadable", error="Ce n’est pas un CSV.", lots=(), problems=()))
    panel = window.live.queue.importing
    assert panel.said.text() == "Ce n’est pas un CSV."
    assert not panel.accept.isEnabled()


# --- sales ----------------------------------------------------------------------------------


def test_a_sale_is_voided_by_holding(app: QApplication, window: Window, asked: Asked, wait: Wait) -> None:
    queue = window.live.queue
    queue.show_tab(1)
    queue.list_now.choose(0)
    app.processEvents()
    assert queue.void.isVisible()
    QTest.mouseClick(queue.void, LEFT)
    assert asked.calls == []
    QTest.mousePress(queue.void, LEFT)
    wait(lambda: bool(asked.calls))
    assert asked.calls == [("void_sale", "S0")]
    QTest.mouseRelease(queue.void, LEFT)


def test_a_passed_lot_is_run_again_from_the_ticker(app: QApplication, window: Window, asked: Asked) -> None:
    ticker = window.live.deck.ticker
    ticker.grab()
    box, row = ticker._links[-1]
    assert row.outcome == "passed"
    QTest.mouseClick(ticker, LEFT, pos=box.center().toPoint())
    assert asked.calls == [("re_run", "L146")]


# --- chat -----------------------------------------------------------------------------------


def test_the_chat_stays_at_the_newest_unless_one_reads_above(
    app: QApplication, window: Window, desk: Desk, wait: Wait
) -> None:
    chat = window.live.side.chat
    many = tuple(ChatLine(f"n{i}", scenes.NOW_MS, "said", "p1", "nora.b", text=f"ligne {i} " * 4) for i in range(60))
    desk.put(chat=many)
    bar = chat.verticalScrollBar()
    assert bar.value() == bar.maximum() > 0
    bar.setValue(0)
    desk.chat_added.emit((ChatLine("new", scenes.NOW_MS, "said", "p2", "leo", text="nouveau"),))
    wait(lambda: chat._unread == 1)
    assert bar.value() == 0
    bar.setValue(bar.maximum())
    assert chat._unread == 0


def test_lines_are_answered_announced_and_pinned(app: QApplication, window: Window, desk: Desk, asked: Asked) -> None:
    side = window.live.side
    QTest.keyClicks(side.reply, "bonsoir")
    QTest.keyClick(side.reply, Qt.Key.Key_Return)
    side.answer(scenes.CHAT[4])
    assert "tom_tom" in side.reply.placeholderText()
    QTest.keyClicks(side.reply, "oui")
    QTest.keyClick(side.reply, Qt.Key.Key_Return)
    side.begin_announcement()
    QTest.keyClicks(side.reply, "pause")
    QTest.keyClick(side.reply, Qt.Key.Key_Return)
    side.chat.choose("5")
    side.pin.click()
    assert asked.calls == [
        ("say", "bonsoir", ""),
        ("say", "oui", "5"),
        ("announce", "pause"),
        ("pin_line", "5"),
    ]


# --- preview and checks -----------------------------------------------------------------------


def test_the_preview_is_never_mirrored(app: QApplication, window: Window) -> None:
    image = QImage(90, 160, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.blue)
    for y in range(160):
        for x in range(45):
            image.setPixelColor(x, y, Qt.GlobalColor.red)
    preview = window.live.preview
    preview.show_image(image)
    app.processEvents()
    box = preview.picture_box()
    seen = preview.grab().toImage()
    middle = round(box.center().y())
    left = seen.pixelColor(round(box.x() + box.width() * 0.4), middle)
    right = seen.pixelColor(round(box.x() + box.width() * 0.6), middle)
    assert left.red() > 200 > 60 > left.blue()
    assert right.blue() > 200 > 60 > right.red()
    assert box.width() / box.height() == pytest.approx(9 / 16, abs=0.01)


def test_the_preview_reads_the_engines_file(
    app: QApplication, window: Window, desk: Desk, tmp_path: Path, wait: Wait
) -> None:
    from seller_console.contract.media import Preview as Layout
    from ui.values import PreviewPlace

    width, height = 36, 64
    stride = width * 4
    slot = Layout.SLOT_HEADER_BYTES + stride * height
    head = Layout.HEADER.pack(Layout.MAGIC, Layout.VERSION, Layout.SLOTS, width, height, stride, 1, slot, 0)
    import time

    whole = Layout.SLOT_HEADER.pack(2, 1, time.monotonic_ns()) + b"\x20\x40\xe0\xff" * (width * height)
    path = tmp_path / "preview"
    path.write_bytes(head + whole + bytes(slot * 2))
    desk.put(preview=PreviewPlace(str(path), 720, 1280))
    preview = window.live.preview
    wait(lambda: preview._image is not None)
    app.processEvents()
    seen = preview.grab().toImage().pixelColor(preview.width() // 2, preview.height() // 2)
    assert (seen.red(), seen.green(), seen.blue()) == (0xE0, 0x40, 0x20)
    wait(lambda: "figée" in preview._state_words(), 8.0)


def test_no_camera_is_said_in_words(app: QApplication, window: Window, desk: Desk) -> None:
    scenes.no_camera(desk)
    found = {check.id: check for check in checks(desk, Heard(), Machine())}
    assert found["camera"].verdict == "warning"
    assert "aucune caméra" in found["camera"].sentence
    assert found["microphone"].verdict == "warning"


@pytest.mark.parametrize(
    ("heard", "verdict"),
    [
        (Heard(-16.0, False, 5.0), "good"),
        (Heard(-50.0, False, 5.0), "warning"),
        (Heard(-90.0, False, 5.0), "warning"),
        (Heard(-0.1, True, 5.0), "warning"),
        (Heard(-16.0, False, 0.2), "waiting"),
    ],
)
def test_the_microphone_check_listens(app: QApplication, desk: Desk, heard: Heard, verdict: str) -> None:
    scenes.prepared(desk)
    found = {check.id: check for check in checks(desk, heard, None)}
    assert found["microphone"].verdict == verdict


def test_checks_say_good_only_of_what_was_measured(app: QApplication, desk: Desk) -> None:
    nothing = {check.id: check.verdict for check in checks(desk, Heard(), None)}
    assert "good" not in nothing.values()
    scenes.prepared(desk)
    desk.put(
        health=Health(engine="running", fps=30.0, camera_fps=12.0, camera_slow=True, width=720, height=1280),
        programme=Programme(camera="camera:C@0", stand_in=False, fps=30),
        devices=Devices(scenes.DEVICES.cameras, scenes.DEVICES.microphones, True),
    )
    slow = {check.id: check for check in checks(desk, Heard(), Machine(50.0, False, 6000.0, 10**9, 0.2))}
    assert slow["camera"].verdict == "warning"
    assert "12,0" in slow["camera"].sentence
    assert slow["power"].verdict == "warning" and "1\u202fh\u202f40" in slow["power"].sentence
    assert slow["disk"].verdict == "warning"
    assert slow["connection"].verdict == "waiting"


def test_going_live_is_pressed_on_the_preflight_screen(app: QApplication, window: Window, desk: Desk) -> None:
    scenes.prepared(desk)
    app.processEvents()
    assert window.pages.currentWidget() is window.preflight
    assert window.preflight.go.isEnabled()
    window.top.prepare.emit()
    assert window.pages.currentWidget() is window.live, "the queue can be made ready off air"
    scenes.ready(desk)
    assert window.pages.currentWidget() is window.live


# --- buyers ---------------------------------------------------------------------------------


def test_a_note_on_a_buyer_is_written_in_the_menu_itself(app: QApplication, window: Window, asked: Asked) -> None:
    buyers = window.live.side.buyers
    buyers._open_menu(buyers.visualRect(buyers.rows.index(2, 0)).center())
    menu = buyers._menu
    assert menu is not None
    field = menu.findChild(QLineEdit)
    assert field is not None
    assert field.text() == "paie toujours le soir même"
    field.setText("  paie par virement ")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert asked.calls == [("note_buyer", "p1", "paie par virement")]
    assert not menu.isVisible()
