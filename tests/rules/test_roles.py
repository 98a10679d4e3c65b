"""The capability table: every role and every command."""

from __future__ import annotations

import typing

import msgspec
import pytest

from seller_console.contract import commands as cm
from seller_console.contract.words import LotChanges, LotDraft, Refusal, Role, Who
from seller_console.sale.guards import may_say

from .floor import ANA, MARIE, MODO, OWNER, Floor

BY_ROLE: dict[Role, Who] = {"owner": OWNER, "producer": MARIE, "moderator": MODO, "buyer": ANA}
COMMANDS: tuple[type[cm.CommandBase], ...] = typing.get_args(cm.Command)

TABLE = {
    "owner": {"GoLive", "EndShow", "LosePicture", "ReturnPicture", "NoteMedia"},
    "backstage": {
        "EditShow", "SetRunOfShow", "AddLot", "ImportLots", "EditLot", "MoveLot", "RemoveLot", "RestoreLot", "SkipLot",
        "PinLot", "StartAuction", "WithdrawRun", "VoidRun", "ResumeRun", "ReRunLot", "VoidSale", "MarkPayment",
        "OfferToRunnerUp", "StartFlash", "StartGiveaway", "DrawGiveaway", "AnswerOffer", "Announce", "Whisper",
        "NoteBuyer",
    },
    "staff": {"PinLine", "SetSlowMode", "SetMutedWords", "TimeOut", "Block", "Unblock"},
    "buyers": {
        "PlaceBid", "SetPreBid", "ValidateBasket", "AnswerRunnerUp", "SetSpendingLimit", "BuyNow", "EnterGiveaway",
        "MakeOffer", "Follow",
    },
    "anyone": {"Leave", "Say", "DeleteLine"},
    "platform": {
        "OpenShow", "Join", "RingBell", "LapseTimers", "ReturnPlatform", "HaltRun", "UnhaltRun",
    },
}  # fmt: skip
"""Written out by hand, so that a change of the table is a change of this test."""

ROLES_OF: dict[str, set[Role]] = {
    "owner": {"owner"},
    "backstage": {"owner", "producer"},
    "staff": {"owner", "producer", "moderator"},
    "buyers": {"buyer"},
    "anyone": {"owner", "producer", "moderator", "buyer"},
    "platform": set(),
}


def group_of(command: type) -> str:
    return next(group for group, names in TABLE.items() if command.__name__ in names)


def example(command: type[cm.CommandBase]) -> cm.Command:
    """The smallest command of a kind."""
    fields: dict[str, object] = {}
    for info in msgspec.structs.fields(command):
        if info.required:
            given: dict[str, object] = {
                "lot": LotDraft(title="x"), "lots": (), "changes": LotChanges(), "notes": (), "words": (),
                "outcome": "paid", "accept": True, "what": "ingest_started", "line_id": "C1",
            }  # fmt: skip
            simple: dict[object, object] = {str: "x", int: 100, bool: True}
            fields[info.name] = given.get(info.name, simple.get(getattr(info.type, "__origin__", info.type)))
    return command(**fields)  # type: ignore[return-value]


def test_every_command_is_in_the_table_once() -> None:
    named = [name for names in TABLE.values() for name in names]
    assert sorted(named) == sorted(command.__name__ for command in COMMANDS)


@pytest.mark.parametrize("role", BY_ROLE)
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.__name__)
def test_a_role_may_say_what_the_table_gives_it_and_nothing_else(command: type[cm.CommandBase], role: Role) -> None:
    allowed = role in ROLES_OF[group_of(command)]
    assert may_say(command, role) is allowed
    if group_of(command) == "platform":
        return
    answer = Floor().say(example(command), BY_ROLE[role])
    refused = isinstance(answer, Refusal) and answer.code == "not_allowed"
    assert refused is not allowed
