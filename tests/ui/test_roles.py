"""What each role may press: the contract's capability table, as the window shows it, and who may instead."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from seller_console.contract.words import Role, Who
from tests.rules.floor import MARIE, MODO, OWNER
from tests.ui.desk_floor import DeskFloor
from ui import permissions
from ui.desk import Desk
from ui.window import Window
from ui.words import t

SELLER, TEAM = "vendeur", "régie"


@pytest.mark.parametrize("who", [OWNER, MARIE, MODO])
def test_every_action_and_every_other_intent_follows_the_capability_table(app: object, who: Who) -> None:
    desk = DeskFloor(who=who).desk
    for action_id, command in permissions.ACTIONS_SAY.items():
        may = who.role in command.BY
        said = permissions.reserved(command, who.role)
        assert (said == "") is may, action_id
        if not may:
            assert desk.refusal(action_id) == said, f"{action_id}: who may comes before anything else"
            assert not desk.actions[action_id].enabled
        else:
            assert desk.refusal(action_id) not in {t("refused.only_owner"), t("refused.only_backstage")}
    for intent, command in permissions.RESERVED.items():
        assert (desk.reserved(intent) == "") is (who.role in command.BY), intent


def test_the_table_names_every_action_that_says_something(app: object) -> None:
    """An action of the sale that is in neither list would be offered to those who may not say it."""
    state = DeskFloor().floor.state
    assert set(permissions.dry_commands(state)) <= set(permissions.ACTIONS_SAY)


@pytest.mark.parametrize(
    ("who", "reserved", "names"),
    [
        (MARIE, {"go_live", "rehearse", "end_show"}, (SELLER,)),
        (MODO, set(permissions.ACTIONS_SAY), (SELLER,)),
    ],
)
def test_who_may_is_said_by_name(app: object, who: Who, reserved: set[str], names: tuple[str, ...]) -> None:
    floor = DeskFloor(who=who)
    only = {i for i in permissions.ACTIONS_SAY if (floor.desk.refusal(i) or "").startswith("Réservé")}
    assert only == reserved
    assert all(name in (floor.desk.refusal("end_show") or "") for name in names)
    if who is MODO:
        assert TEAM in (floor.desk.refusal("start_at_opening_price") or "")


def stand(window: Window, desk: Desk, role: Role) -> dict[str, object]:
    desk.put(
        show=replace(desk.show, role=role),
        refusals={i: why for i, c in permissions.ACTIONS_SAY.items() if (why := permissions.reserved(c, role))},
    )
    QApplication.processEvents()
    queue = window.live.queue
    queue.show_tab(1)
    queue.list_now.choose(0)
    QApplication.processEvents()
    run_of_show = window.live.side.backstage.run_of_show
    return {
        "add": queue.add, "bring": queue.bring, "paid": queue._paid, "void": queue.void, "again": queue._again,
        "runner_up": queue._runner_up, "note": run_of_show.text, "note_save": run_of_show.save,
    }  # fmt: skip


@pytest.mark.parametrize(("role", "may"), [("owner", True), ("producer", True), ("moderator", False)])
def test_buttons_of_the_queue_are_off_with_who_may_as_their_tip(
    window: Window, desk: Desk, role: Role, may: bool
) -> None:
    for name, widget in stand(window, desk, role).items():
        assert widget.isEnabled() is may, name  # type: ignore[attr-defined]
        assert ("Réservé" in widget.toolTip()) is not may, name  # type: ignore[attr-defined]
    assert window.live.deck.pdd.isEnabled() is may
    assert ("Réservé" in window.live.deck.pdd.toolTip()) is not may
    row = desk.queue[2]
    window.live.queue.open_editor(row)
    assert (window.live.queue.pages.currentWidget() is window.live.queue.editor) is may
    assert window.live.queue.lists[0].may_move(row) is may
    window.live.side.show_tab(2)
    assert window.live.side.reply.isEnabled() is may
    window.live.side.show_tab(0)
    assert window.live.side.reply.isEnabled(), "anyone of the team may write in the chat"


def test_a_button_that_is_off_says_nothing_when_it_is_pressed(window: Window, desk: Desk) -> None:
    widgets = stand(window, desk, "moderator")
    opened = window.live.queue.pages.currentWidget()
    QTest.mouseClick(widgets["add"], Qt.MouseButton.LeftButton)  # type: ignore[call-overload]
    assert window.live.queue.pages.currentWidget() is opened
