"""Who gets in, with what, how often; and how a no sounds."""

from __future__ import annotations

import asyncio
import io
import json
import secrets
import time
from collections.abc import AsyncIterator
from typing import Any, get_args

import httpx
import pytest
from PIL import Image

from seller_console.contract import commands as c
from seller_console.contract import routes
from seller_console.contract.codec import encode
from seller_console.contract.examples import example
from seller_console.contract.words import ANYONE, LotDraft, Role, Who
from seller_console.platform import limits
from seller_console.platform.limits import Limits, Rate
from seller_console.platform.pairing import Codes
from seller_console.platform.passes import Passes, may_say, new_token
from seller_console.platform.pictures import BadPicture, redrawn

from .conftest import MakeTown, Town

COMMANDS: tuple[Any, ...] = get_args(c.Command)
ROLES: tuple[Role, ...] = get_args(Role)


def is_problem(answer: httpx.Response, status: int, code: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["code"] == code
    assert problem["status"] == status
    assert problem["detail"] == problem["sentence"]
    assert len(problem["sentence"]) > 10
    assert problem["type"].endswith(code)


# --- roles --------------------------------------------------------------------------------


async def somebody(town: Town, role: Role) -> httpx.AsyncClient:
    if role == "owner":
        return town.owner
    return await town.buyer() if role == "buyer" else await town.staff(role)


@pytest.mark.parametrize("role", ROLES)
async def test_every_command_is_taken_from_exactly_the_roles_of_the_table(
    make_town: MakeTown, role: Role, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("COMMANDS", "BIDS", "CHAT", "STAFF_COMMANDS"):
        monkeypatch.setattr(limits, name, Rate(name.lower(), 1000, 1000))
    town = await make_town()
    client = await somebody(town, role)
    last = [c.Leave, c.EndShow]
    for kind in sorted(COMMANDS, key=lambda kind: (last.index(kind) if kind in last else -1, kind.__name__)):
        head = town.room.sales.head
        answer = await town.post(client, example(kind))
        if role in kind.BY:
            assert answer.status_code in {200, 409}, f"{role} {kind.__name__}: {answer.text}"
            assert answer.status_code == 200 or answer.json()["code"] != "not_allowed"
        else:
            is_problem(answer, 403, "not_allowed")
            assert town.room.sales.head == head


def test_what_only_the_platform_says_is_for_nobody() -> None:
    own = {kind for kind in COMMANDS if not kind.BY}
    assert {c.OpenShow, c.Join, c.RingBell, c.LapseTimers, c.ReturnPlatform, c.HaltRun, c.UnhaltRun} <= own
    for kind in own:
        for role in ANYONE:
            assert not may_say(c_who(role), example(kind))


def c_who(role: Role) -> Who:
    return Who(person="p", role=role, nickname="N")


async def test_the_stream_key_is_no_pass_and_the_owners_pass_no_stream_key(town: Town) -> None:
    stream = town.client(town.shop.keys.stream_key)
    is_problem(await town.post(stream, c.Say(text="bonjour")), 401, "wrong_pass")
    answer = await town.owner.post(
        routes.at(routes.WHIP, town.show), content="v=0", headers={"Content-Type": "application/sdp"}
    )
    assert answer.status_code == 401


async def test_a_pass_of_one_show_opens_no_other(town: Town) -> None:
    producer, buyer = await town.staff("producer"), await town.buyer()
    made = await town.owner.post(routes.SHOWS, json={"title": "Un autre"})
    assert made.status_code == 201
    other = made.json()["show_id"]
    assert other != town.show
    for client in (producer, buyer):
        for path in (routes.BRIEF, routes.FEED):
            is_problem(await client.get(routes.at(path, other)), 401, "wrong_pass")
        answer = await client.post(
            routes.at(routes.COMMANDS, other),
            content=encode(c.Say(text="bonjour")),
            headers={"Content-Type": "application/json", routes.IDEMPOTENCY_KEY: "k"},
        )
        is_problem(answer, 401, "wrong_pass")
    assert (await town.owner.get(routes.at(routes.BRIEF, other))).status_code == 200


async def test_a_show_whose_title_says_nothing_is_not_made(town: Town) -> None:
    shows = town.room.log.path.parent
    before = sorted(shows.iterdir())
    is_problem(await town.owner.post(routes.SHOWS, json={"title": "\u200b\u202e"}), 409, "empty")
    assert sorted(shows.iterdir()) == before
    assert town.shop.current is town.room


async def test_passes_end(town: Town) -> None:
    buyer = await town.buyer()
    kept = town.room.log.passes()[-1]
    town.shop.passes.learn(town.show, [kept._replace(expires_ms=town.shop.clock.now_ms() - 1)])
    is_problem(await town.post(buyer, c.Say(text="bonjour")), 401, "wrong_pass")


async def test_tokens_are_kept_only_as_hashes(town: Town) -> None:
    buyer = await town.buyer()
    token = buyer.cookies[routes.BUYER_COOKIE]
    assert len(token) >= 43
    await town.room.sales.certain(lambda: None)
    on_disk = b"".join(path.read_bytes() for path in town.room.log.path.parent.iterdir())
    assert token.encode() not in on_disk
    assert Passes(new_token()).who(token, town.show, 0) is None


def test_no_token_looks_like_an_option_of_a_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter(["-first", "--second", "third-"])
    monkeypatch.setattr(secrets, "token_urlsafe", lambda _size: next(drawn))
    assert new_token() == "third-"


@pytest.mark.parametrize("token", ["x", "é" * 40, "a" * 5000, "null"])
async def test_a_wrong_pass_is_401(town: Town, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}".encode()}
    answer = await town.client().get(routes.at(routes.BRIEF, town.show), headers=headers)  # type: ignore[arg-type]
    assert answer.status_code == 401
    assert answer.json()["code"] in {"wrong_pass", "no_pass"}
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_guessing_passes_is_slowed_down(town: Town) -> None:
    guesser = town.client("wrong")
    answers = [await guesser.get(routes.at(routes.BRIEF, town.show)) for _ in range(40)]
    is_problem(answers[-1], 429, "too_often")


# --- what arrives ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"say"',
        b'{"type":"fly"}',
        b'{"type":"say"}',
        b'{"type":"say","text":7}',
        b'{"type":"say","text":"\xff"}',
        b'{"type":"say","text":"x","extra":1}',
        b'{"type":"place_bid","run_id":"R1","amount_cents":1e400}',
        b"[" * 10_000,
    ],
)
async def test_an_unreadable_command_is_400_and_changes_nothing(town: Town, body: bytes) -> None:
    head = town.room.sales.head
    is_problem(await town.post(town.owner, body), 400, "unreadable")
    assert town.room.sales.head == head


LONG = "x" * 5000


@pytest.mark.parametrize(
    ("role", "body"),
    [
        ("buyer", {"type": "place_bid", "run_id": LONG, "amount_cents": 100}),
        ("buyer", {"type": "place_bid", "run_id": "R" * 65, "amount_cents": 100}),
        ("buyer", {"type": "buy_now", "lot_id": LONG, "price_cents": 100}),
        ("buyer", {"type": "answer_runner_up", "offer_id": LONG, "accept": True}),
        ("buyer", {"type": "say", "text": LONG}),
        ("buyer", {"type": "say", "text": "x", "reply_to": LONG}),
        ("buyer", {"type": "say", "text": "x", LONG: 1}),
        ("buyer", {"type": LONG}),
        ("owner", {"type": "void_run", "run_id": "R1", "reason": LONG}),
        ("owner", {"type": "add_lot", "lot": {"title": "x" * 501}}),
        ("owner", {"type": "edit_lot", "lot_id": "L1", "seen_version": 1, "changes": {"place": LONG}}),
        ("owner", {"type": "edit_lot", "lot_id": "L1", "seen_version": 1, "changes": {"pictures": ["p"] * 101}}),
        ("owner", {"type": "set_run_of_show", "seen_version": 0, "notes": [{"text": ""}] * 1001}),
        ("owner", {"type": "set_muted_words", "words": [""] * 1001}),
        ("owner", {"type": "note_buyer", "buyer": "b1", "note": LONG}),
    ],
)
async def test_what_is_longer_than_any_word_of_ours_is_neither_kept_nor_sent_back(
    town: Town, role: Role, body: dict[str, Any]
) -> None:
    client = await somebody(town, role)
    answer = await town.post(client, json.dumps(body).encode(), key="long")
    is_problem(answer, 400, "unreadable")
    assert len(answer.content) < 1200
    assert "long" not in {key for _, key in town.room.log.answered()}


async def test_only_json_is_read(town: Town) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        answer = await town.owner.post(
            routes.at(routes.COMMANDS, town.show),
            content=encode(c.Say(text="x")),
            headers={"Content-Type": kind, routes.IDEMPOTENCY_KEY: "k"},
        )
        is_problem(answer, 415, "media_type")


async def test_a_command_needs_a_key(town: Town) -> None:
    path = routes.at(routes.COMMANDS, town.show)
    json_type = {"Content-Type": "application/json"}
    is_problem(await town.owner.post(path, content=encode(c.Say(text="x")), headers=json_type), 400, "no_key")
    long = {**json_type, routes.IDEMPOTENCY_KEY: "k" * 201}
    is_problem(await town.owner.post(path, content=encode(c.Say(text="x")), headers=long), 400, "no_key")


async def test_bodies_have_a_cap_declared_or_not(town: Town) -> None:
    big = encode(c.Say(text="x" * 20_000))
    is_problem(await town.post(town.owner, big), 413, "too_large")

    async def dripping() -> Any:
        for _ in range(100):
            yield b" " * 1000

    buyer = await town.buyer()
    answer = await buyer.post(
        routes.at(routes.COMMANDS, town.show),
        content=dripping(),
        headers={"Content-Type": "application/json", routes.IDEMPOTENCY_KEY: "k"},
    )
    is_problem(answer, 413, "too_large")


async def test_only_an_import_may_be_large_and_only_from_backstage(town: Town) -> None:
    lots = c.ImportLots(lots=tuple(LotDraft(title=f"Carte {n}", description="d" * 200) for n in range(200)))
    assert len(encode(lots)) > routes.COMMAND_BYTES
    answer = await town.post(town.owner, lots)
    assert answer.status_code == 200, answer.text
    assert len(town.room.sales.state.queue) == 200
    is_problem(await town.post(await town.buyer(), lots), 413, "too_large")
    smuggled = c.Whisper(text='"import_lots"' + "x" * 20_000)
    is_problem(await town.post(town.owner, smuggled), 413, "too_large")


# --- from where --------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "[::2]:80"])
async def test_a_foreign_host_name_is_refused(town: Town, host: str) -> None:
    answer = await town.client().get(routes.TIME, headers={"Host": host})
    assert answer.status_code in {400, 421}
    if answer.status_code == 421:
        is_problem(answer, 421, "foreign_host")


async def test_our_own_names_are_known(make_town: MakeTown) -> None:
    town = await make_town(hosts=frozenset({"192.168.1.7"}))
    for host in ("127.0.0.1", "localhost:1234", "[::1]:9", "192.168.1.7:8443"):
        assert (await town.client().get(routes.TIME, headers={"Host": host})).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://["},
        {"Origin": "http://[::1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://127.0.0.1:1"},
    ],
)
async def test_another_sites_page_cannot_act_with_a_buyers_cookie(town: Town, headers: dict[str, str]) -> None:
    buyer = await town.buyer()
    head = town.room.sales.head
    buyer.headers.update(headers)
    is_problem(await town.post(buyer, c.Say(text="acheté")), 403, "foreign_origin")
    answer = await buyer.post(routes.at(routes.JOIN, town.show), json={"nickname": "X"})
    is_problem(answer, 403, "foreign_origin")
    assert town.room.sales.head == head


async def test_our_own_page_can(town: Town) -> None:
    buyer = await town.buyer()
    buyer.headers.update({"Origin": town.url, "Sec-Fetch-Site": "same-origin"})
    assert (await town.post(buyer, c.Say(text="bonjour"))).status_code == 200


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(town: Town) -> None:
    answer = await town.client().post(routes.at(routes.JOIN, town.show), json={"nickname": "Léa"})
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert answer.json() == {"person": answer.json()["person"], "role": "buyer", "nickname": "Léa"}


async def test_a_second_julie_is_julie_2_and_joining_again_is_the_same_person(town: Town) -> None:
    one, two = await town.buyer("Julie"), await town.buyer("Julie")
    names = [(await client.get(routes.at(routes.BRIEF, town.show))).json()["nickname"] for client in (one, two)]
    assert names == ["Julie", "Julie 2"]
    people = len(town.room.sales.state.people)
    again = await two.post(routes.at(routes.JOIN, town.show), json={"nickname": "Julie"})
    assert again.json()["nickname"] == "Julie 2"
    assert len(town.room.sales.state.people) == people


@pytest.mark.parametrize("nickname", ["", "   ", "\u202e\u200b", "x" * 250, 7, None])
async def test_a_nickname_that_is_none_is_refused(town: Town, nickname: Any) -> None:
    answer = await town.client().post(routes.at(routes.JOIN, town.show), json={"nickname": nickname})
    assert answer.status_code in {400, 409}, answer.text
    assert "set-cookie" not in answer.headers


async def test_every_page_keeps_to_itself(town: Town) -> None:
    for path in ("/", routes.at(routes.BUYER_PAGE, town.show), routes.HEALTH, "/nowhere"):
        answer = await town.client().get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"


async def test_the_buyer_page_is_served_and_the_root_leads_to_it(town: Town) -> None:
    client = town.client()
    answer = await client.get("/", follow_redirects=True)
    assert answer.status_code == 200
    assert answer.url.path == routes.at(routes.BUYER_PAGE, town.show)
    assert answer.headers["content-type"].startswith("text/html")
    script = await client.get(f"{routes.STATIC}/page.js")
    assert script.headers["content-type"].startswith("text/javascript")
    is_problem(await client.get(routes.at(routes.BUYER_PAGE, "nothing")), 404, "no_show")
    for path in (f"{routes.STATIC}/../../pyproject.toml", f"{routes.STATIC}/%2e%2e/%2e%2e/pyproject.toml"):
        assert (await client.get(path)).status_code == 404


@pytest.mark.parametrize("show", ["..", "%2e%2e%2fplatform-keys", "a b", "x" * 100, "../../etc"])
async def test_a_show_that_is_not_there_is_404(town: Town, show: str) -> None:
    answer = await town.owner.get(f"/api/shows/{show}/brief")
    assert answer.status_code == 404
    assert not list(town.room.log.path.parent.glob("*x*x*"))


async def test_methods_that_mean_nothing_are_405(town: Town) -> None:
    for method, path in (
        ("DELETE", routes.HEALTH),
        ("POST", routes.at(routes.FEED, town.show)),
        ("GET", routes.at(routes.COMMANDS, town.show)),
        ("PUT", routes.at(routes.WHIP, town.show)),
    ):
        answer = await town.owner.request(method, path)
        is_problem(answer, 405, "method")
        assert answer.headers["allow"]


# --- how often ------------------------------------------------------------------------------------


@pytest.fixture
def stopped(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limits' clock stands: what was spent does not fill again while a busy machine counts."""
    now_s = time.monotonic()
    monkeypatch.setattr(town.shop.limits, "_monotonic", lambda: now_s)


async def test_bids_and_lines_have_a_rate_and_say_when_to_come_back(town: Town, stopped: None) -> None:
    owner = town.owner
    run_id = await town.run_a_lot(owner)
    buyer, other = await town.buyer(), await town.buyer("Max")
    bid = c.PlaceBid(run_id=run_id, amount_cents=100)
    answers = await asyncio.gather(*(town.post(buyer, bid) for _ in range(30)))
    refused = [answer for answer in answers if answer.status_code == 429]
    assert 10 <= len(refused) <= 20
    is_problem(refused[0], 429, "too_often")
    assert int(refused[0].headers["retry-after"]) >= 1
    assert (await town.post(other, c.PlaceBid(run_id=run_id, amount_cents=200))).status_code == 200
    lines = await asyncio.gather(*(town.post(buyer, c.Say(text="ha")) for _ in range(9)))
    assert sum(answer.status_code == 429 for answer in lines) in {3, 4}


async def test_one_address_has_a_share_whoever_it_says_it_is(
    town: Town, stopped: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names cost nothing: many of them do together what one house may do."""
    join = routes.at(routes.JOIN, town.show)
    joined = await asyncio.gather(*(town.client().post(join, json={"nickname": f"N{n}"}) for n in range(60)))
    refused = [answer for answer in joined if answer.status_code == 429]
    assert 10 <= len(refused) <= 20
    is_problem(refused[0], 429, "too_often")
    monkeypatch.setattr(limits, "ADDRESS_COMMANDS", Rate("few_commands", 0.1, 6))
    monkeypatch.setattr(limits, "ADDRESS_READS", Rate("few_reads", 0.1, 6))
    buyers = []
    for answer in [answer for answer in joined if answer.status_code == 200][:10]:
        buyers.append(town.client(answer.cookies[routes.BUYER_COOKIE]))
    said = [(await town.post(buyer, c.Follow())).status_code for buyer in buyers]
    read = [(await buyer.get(routes.at(routes.BRIEF, town.show))).status_code for buyer in buyers]
    assert said == read == [200] * 6 + [429] * 4
    assert (await town.post(town.owner, c.Say(text="bonsoir"))).status_code == 200, "the seller is not counted"


def test_an_address_may_be_given_more() -> None:
    three = Limits(lambda: 0.0, per_address=3)
    assert [three.take_of_address(limits.JOINS, "a") == 0 for _ in range(121)] == [True] * 120 + [False]


async def test_a_429_is_not_remembered_as_the_keys_answer(town: Town, stopped: None) -> None:
    buyer = await town.buyer()
    answers = [await town.post(buyer, c.Say(text="ha"), key=f"k{n}") for n in range(7)]
    assert answers[-1].status_code == 429
    town.shop.limits._buckets.clear()
    assert (await town.post(buyer, c.Say(text="ha"), key="k6")).status_code == 200


def test_a_bucket_fills_again_at_its_rate() -> None:
    now = 0.0
    bucket = Limits(lambda: now)
    rate = Rate("test", 5, 10)
    assert [bucket.take(rate, "a") for _ in range(12)] == [0] * 10 + [1, 1]
    assert bucket.take(rate, "b") == 0
    now = 0.2
    assert [bucket.take(rate, "a") for _ in range(2)] == [0, 1]
    now = 100.0
    assert [bucket.take(rate, "a") for _ in range(11)] == [0] * 10 + [1]


def test_forgetting_buckets_gives_nobody_more_than_a_full_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BUCKETS_MAX", 100)
    now = 0.0
    buckets = Limits(lambda: now)
    rate = Rate("test", 1, 3)
    for n in range(99):
        buckets.take(rate, f"p{n}")
    for _ in range(3):
        buckets.take(rate, "greedy")
    now = 1.5
    buckets.take(rate, "newcomer")
    assert len(buckets._buckets) <= 100
    assert [buckets.take(rate, "greedy") for _ in range(2)] == [0, 1]


# --- pairing -----------------------------------------------------------------------------------------


async def test_a_producer_pairs_by_a_code_once(town: Town) -> None:
    opened = (await town.owner.post(routes.PAIRING, json={"role": "producer"})).json()
    assert len(opened["code"]) == 8
    assert 0 < opened["expires_ms"] - town.shop.clock.now_ms() <= 120_000
    claimed = await town.client().post(routes.PAIRING_CLAIM, json={"code": opened["code"], "name": "Marie"})
    assert claimed.status_code == 200, claimed.text
    producer = town.client(claimed.json()["pass"])
    assert (await town.post(producer, c.Whisper(text="carte 12"))).status_code == 200
    is_problem(await town.post(producer, c.GoLive()), 403, "not_allowed")
    again = await town.client().post(routes.PAIRING_CLAIM, json={"code": opened["code"], "name": "Paul"})
    is_problem(again, 422, "wrong_code")


@pytest.mark.parametrize("name", ["", "  ", "\u200b", "x" * 150])
async def test_a_code_is_not_used_up_by_a_name_that_is_none(town: Town, name: str) -> None:
    opened = (await town.owner.post(routes.PAIRING, json={"role": "producer"})).json()
    refused = await town.client().post(routes.PAIRING_CLAIM, json={"code": opened["code"], "name": name})
    assert refused.status_code == 409, refused.text
    claimed = await town.client().post(routes.PAIRING_CLAIM, json={"code": opened["code"], "name": "Marie"})
    assert claimed.status_code == 200, claimed.text


async def test_only_the_owner_opens_the_door(town: Town) -> None:
    for client in (await town.staff("producer"), await town.staff("moderator", "Zoé"), await town.buyer()):
        is_problem(await client.post(routes.PAIRING, json={"role": "producer"}), 403, "not_allowed")
    is_problem(await town.owner.post(routes.PAIRING, json={"role": "owner"}), 400, "unreadable")


async def test_codes_cannot_be_guessed_over_http(town: Town) -> None:
    opened = (await town.owner.post(routes.PAIRING, json={"role": "producer"})).json()
    wrong = f"{(int(opened['code']) + 1) % 10**8:08d}"
    statuses = [
        (await town.client().post(routes.PAIRING_CLAIM, json={"code": wrong, "name": "X"})).status_code
        for _ in range(8)
    ]
    assert statuses == [422] * 5 + [429] * 3


def test_five_wrong_tries_and_two_minutes_end_a_code() -> None:
    now = 0
    codes = Codes(lambda: now)
    digits, _ = codes.open("producer", "s")
    wrong = f"{(int(digits) + 1) % 10**8:08d}"
    assert [codes.claim(wrong) for _ in range(4)] == [None] * 4
    assert codes.claim(digits) == ("producer", "s")
    digits, _ = codes.open("producer", "s")
    assert [codes.claim("x") for _ in range(5)] == [None] * 5
    assert codes.claim(digits) is None
    digits, _ = codes.open("moderator", "s")
    now = 120_001
    assert codes.claim(digits) is None


# --- pictures -------------------------------------------------------------------------------------------


def picture(kind: str, size: tuple[int, int] = (400, 300), **words: Any) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", size, (200, 30, 60)).save(made, kind, **words)
    return made.getvalue()


async def test_a_picture_is_drawn_again_without_its_secrets(town: Town) -> None:
    exif = Image.Exif()
    exif[0x010E] = "SECRET-PLACE"
    exif[0x0112] = 6  # turned by 90°
    sent = picture("JPEG", exif=exif) + b"TRAILING-SECRET"
    answer = await town.owner.post(
        routes.at(routes.PICTURES, town.show), content=sent, headers={"Content-Type": "image/jpeg"}
    )
    assert answer.status_code == 201, answer.text
    shown = await town.client().get(answer.json()["path"])
    assert shown.status_code == 200
    assert shown.headers["content-type"] == "image/jpeg"
    assert b"SECRET" not in shown.content
    with Image.open(io.BytesIO(shown.content)) as opened:
        assert opened.size == (300, 400), "upright"
        assert not opened.getexif()


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "JPEG"])
def test_every_kind_is_taken_and_large_ones_shrink(kind: str) -> None:
    with Image.open(io.BytesIO(redrawn(picture(kind, (3000, 1500)), f"image/{kind.lower()}"))) as opened:
        assert opened.format == "JPEG"
        assert opened.size == (2048, 1024)


def test_see_through_pictures_lie_on_white() -> None:
    made = io.BytesIO()
    Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(made, "PNG")
    with Image.open(io.BytesIO(redrawn(made.getvalue(), "image/png"))) as opened:
        assert opened.getpixel((4, 4)) == (255, 255, 255)


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (b"", "image/png"),
        (b"GIF89a" + bytes(100), "image/png"),
        (picture("JPEG"), "image/png"),
        (picture("PNG")[:200], "image/png"),
        (picture("JPEG")[:300], "image/jpeg"),
        (picture("PNG", (9000, 9000)), "image/png"),
    ],
)
def test_what_is_no_such_picture_is_refused_in_words(raw: bytes, kind: str) -> None:
    with pytest.raises(BadPicture) as refused:
        redrawn(raw, kind)
    assert len(str(refused.value)) > 5


async def test_picture_doors_have_their_limits(town: Town) -> None:
    path = routes.at(routes.PICTURES, town.show)
    is_problem(await town.owner.post(path, content=b"x", headers={"Content-Type": "image/svg+xml"}), 415, "media_type")
    is_problem(await town.owner.post(path, content=b"x", headers={"Content-Type": "image/png"}), 422, "bad_picture")
    heavy = bytes(routes.PICTURE_BYTES + 1)
    is_problem(await town.owner.post(path, content=heavy, headers={"Content-Type": "image/png"}), 413, "too_large")
    buyer = await town.buyer()
    is_problem(
        await buyer.post(path, content=picture("PNG"), headers={"Content-Type": "image/png"}), 403, "not_allowed"
    )
    for name in ("../platform-keys.json", "x.jpg", "0" * 32 + ".jpg"):
        assert (await buyer.get(f"/pictures/{name}")).status_code == 404


async def test_the_pictures_of_a_whole_inventory_go_in_one_after_another(town: Town) -> None:
    path, small = routes.at(routes.PICTURES, town.show), picture("JPEG", (16, 16))
    marie, headers = await town.staff("producer"), {"Content-Type": "image/jpeg"}
    for _ in range(6):
        answers = await asyncio.gather(*(marie.post(path, content=small, headers=headers) for _ in range(20)))
        assert {answer.status_code for answer in answers} == {201}


async def test_pictures_are_bounded_by_their_bytes(make_town: MakeTown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PICTURES", Rate("pictures", 1_000_000, 10_000_000))
    town = await make_town()
    path, headers = routes.at(routes.PICTURES, town.show), {"Content-Type": "image/jpeg"}
    owner, heavy = town.owner, picture("JPEG") + bytes(4_900_000)
    assert [(await owner.post(path, content=heavy, headers=headers)).status_code for _ in range(2)] == [201, 201]
    answer = await owner.post(path, content=heavy, headers=headers)
    is_problem(answer, 429, "too_often")
    assert 1 <= int(answer.headers["Retry-After"]) <= 5
    marie = await town.staff("producer")
    assert (await marie.post(path, content=heavy, headers=headers)).status_code == 201, "each has their own"

    async def unsized() -> AsyncIterator[bytes]:
        yield picture("JPEG")

    zoe = await town.staff("producer", "Zoé")
    assert (await zoe.post(path, content=unsized(), headers=headers)).status_code == 201
    is_problem(await zoe.post(path, content=unsized(), headers=headers), 429, "too_often")


# --- the description -----------------------------------------------------------------------------------------


async def test_the_description_is_served(town: Town) -> None:
    answer = await town.client().get(routes.OPENAPI)
    assert answer.status_code == 200
    document = json.loads(answer.content)
    assert document["openapi"].startswith("3.1")
    assert routes.COMMANDS in document["paths"]
