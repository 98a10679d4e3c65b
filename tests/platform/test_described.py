"""What the platform does is what its description says: generated requests, every answer checked against it."""

from __future__ import annotations

import asyncio
import json
from typing import Any, get_args

import hypothesis
import jsonschema
import pytest
import schemathesis
from hypothesis import strategies as st
from schemathesis.checks import CHECKS

from seller_console.contract import commands as c
from seller_console.contract import routes
from seller_console.contract.codec import encode
from seller_console.contract.examples import example
from seller_console.contract.openapi import document
from seller_console.platform import limits
from seller_console.platform.limits import Rate

from .conftest import MakeTown, Town

EXAMPLES = 8
"""Of each operation."""
BY_HAND = {routes.FEED, routes.COMMANDS}
"""The feed answers for ever; commands are generated below, from the words themselves."""
CHECKED = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance")
SETTINGS: dict[str, Any] = {
    "deadline": None,
    "database": None,
    "derandomize": True,
    "suppress_health_check": list(hypothesis.HealthCheck),
}


@schemathesis.serializer("application/sdp", "application/trickle-ice-sdpfrag", "image/jpeg", "image/png", "image/webp")
def _as_it_is(ctx: Any, value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


@pytest.fixture
async def open_town(make_town: MakeTown, monkeypatch: pytest.MonkeyPatch) -> Town:
    for name in ("COMMANDS", "BIDS", "CHAT", "STAFF_COMMANDS", "JOINS", "PAIRING", "MEDIA", "PUBLISH", "PICTURES"):
        monkeypatch.setattr(limits, name, Rate(name.lower(), 10**9, 10**9))
    return await make_town()


async def token_of(town: Town, role: str) -> str:
    if role == "owner":
        return town.shop.keys.owner_pass
    if role == "stream_key":
        return town.shop.keys.stream_key
    if role == "buyer":
        return (await town.buyer()).cookies[routes.BUYER_COOKIE]
    return (await town.staff(role)).headers["Authorization"].removeprefix("Bearer ") if role != "nobody" else "x"


def shows_this(case: Any, town: Town) -> Any:
    """The generated request, for the show there is (half of them) or for any other."""
    if "show" in (case.path_parameters or {}) and len(str(case.path_parameters["show"])) % 2 == 0:
        case.path_parameters["show"] = town.show
    return case


def generated(town: Town, token: str) -> int:
    asked = 0
    schema = schemathesis.openapi.from_dict(document())
    checks = [CHECKS.get_one(name) for name in CHECKED]
    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.path in BY_HAND:
            continue

        @hypothesis.settings(max_examples=EXAMPLES, **SETTINGS)
        @hypothesis.given(case=operation.as_strategy())
        def ask(case: Any) -> None:
            nonlocal asked
            asked += 1
            case = shows_this(case, town)
            answer = case.call(base_url=town.url, headers={"Authorization": f"Bearer {token}"}, allow_redirects=False)
            case.validate_response(answer, checks=checks)

        ask()
    return asked


@pytest.mark.parametrize("role", ["owner", "stream_key", "nobody"])
async def test_every_answer_is_one_the_description_knows_and_none_is_5xx(open_town: Town, role: str) -> None:
    town = open_town
    asked = await asyncio.to_thread(generated, town, await token_of(town, role))
    assert asked > 100
    seqs = [row.seq for row in town.room.log.every_row()]
    assert seqs == list(range(1, len(seqs) + 1))


# --- commands -------------------------------------------------------------------------------------

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([-1, 0, 1, 50, 100, 101, 2**31, 2**63 - 1, 2**63, -(2**63), 10**30]),
    st.sampled_from(["", "L1", "R2", "owner", "x" * 400, "\u0000", "\u202e", "é", "'; DROP TABLE events", "👍" * 200]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.lists(st.text(max_size=5), max_size=3),
    st.just({}),
)


@st.composite
def commands(draw: st.DrawFn) -> bytes:
    """A command as it should be, or with some fields replaced, left out or added."""
    kind = draw(st.sampled_from([kind for kind in get_args(c.Command) if kind is not c.EndShow]))
    word = json.loads(encode(example(kind)))
    for name in draw(st.lists(st.sampled_from(list(word)), max_size=2)):
        word[name] = draw(VALUES)
    if draw(st.integers(0, 9)) == 0:
        word[draw(st.text(max_size=6))] = draw(VALUES)
    return json.dumps(word).encode("utf-8", "surrogatepass")


@pytest.mark.parametrize("role", ["owner", "producer", "moderator", "buyer"])
async def test_any_command_is_answered_yes_or_with_a_problem_and_the_log_stays_whole(
    open_town: Town, role: str
) -> None:
    town = open_town
    client = town.client(await token_of(town, role))
    await town.say(town.owner, c.GoLive())
    schemas = document()["components"]["schemas"]
    known = {
        name: jsonschema.Draft202012Validator({**schemas[name], "components": {"schemas": schemas}})
        for name in ("Accepted", "Problem")
    }
    loop = asyncio.get_running_loop()
    statuses: set[int] = set()

    @hypothesis.settings(max_examples=120, **SETTINGS)
    @hypothesis.given(body=commands())
    def ask(body: bytes) -> None:
        answer = asyncio.run_coroutine_threadsafe(town.post(client, body), loop).result(20)
        statuses.add(answer.status_code)
        assert answer.status_code in {200, 400, 403, 409, 413, 422}, answer.text
        known["Accepted" if answer.status_code == 200 else "Problem"].validate(answer.json())

    await asyncio.to_thread(ask)
    assert {200, 400, 403} <= statuses
    rows = list(town.room.log.every_row())
    assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
    head = town.room.sales.head
    await town.room.sales.certain(lambda: None)
    assert town.room.log.head()[0] == head
