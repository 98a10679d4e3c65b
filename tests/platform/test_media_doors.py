"""WHIP and WHEP as HTTP, status by status; and what the relay's notes do to the sale."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest

from seller_console.contract import commands as c
from seller_console.contract import routes
from seller_console.platform import shop as shop_module
from seller_console.platform.media_sessions import Holder, MediaSessions
from seller_console.platform.picture_watch import PictureWatch
from seller_console.platform.relay import FrameSeen, IngestEnded, IngestStarted, RelayRestarted, SessionEnded
from seller_console.sale.state import Run, ShowState

from .conftest import ANSWER, MakeTown, Town, until
from .test_doors import is_problem

SDP = {"Content-Type": "application/sdp"}
FRAGMENT = {"Content-Type": "application/trickle-ice-sdpfrag"}
OFFER = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"


def publisher(town: Town) -> httpx.AsyncClient:
    return town.client(town.shop.keys.stream_key)


async def opened(town: Town, client: httpx.AsyncClient, path: str) -> httpx.Response:
    answer = await client.post(routes.at(path, town.show), content=OFFER, headers=SDP)
    assert answer.status_code == 201, answer.text
    return answer


@pytest.mark.parametrize("door", ["whip", "whep"])
async def test_an_offer_is_answered_as_rfc_9725_and_obs_want_it(town: Town, door: str) -> None:
    client = publisher(town) if door == "whip" else await town.buyer()
    answer = await opened(town, client, routes.WHIP if door == "whip" else routes.WHEP)
    assert answer.text == ANSWER
    assert answer.headers["content-type"].startswith("application/sdp")
    assert answer.headers["location"].startswith(f"/{door}/{town.show}/"), "an absolute path"
    assert answer.headers["etag"] == '"1"'
    assert answer.headers["accept-patch"] == FRAGMENT["Content-Type"]
    assert answer.headers["access-control-allow-origin"] == "*"
    exposed = answer.headers["access-control-expose-headers"]
    assert all(name in exposed for name in ("Location", "ETag", "Link"))
    assert "link" not in answer.headers, "no ICE server is announced unless there is one"
    assert (await client.delete(answer.headers["location"])).status_code == 200
    is_problem(await client.delete(answer.headers["location"]), 404, "not_found")


async def test_ice_servers_are_announced_when_there_are(make_town: MakeTown) -> None:
    town = await make_town(ice_servers=("stun:a.example:3478", "turn:b.example"))
    answer = await opened(town, publisher(town), routes.WHIP)
    assert answer.headers.get_list("link") == [
        '<stun:a.example:3478>; rel="ice-server"',
        '<turn:b.example>; rel="ice-server"',
    ]


@pytest.mark.parametrize("path", [routes.WHIP, routes.WHEP])
async def test_a_browser_of_another_site_may_ask_first(town: Town, path: str) -> None:
    headers = {"Origin": "https://player.example", "Access-Control-Request-Method": "POST"}
    answer = await town.client().options(routes.at(path, town.show), headers=headers)
    assert answer.status_code == 204
    assert answer.headers["accept-post"] == "application/sdp"
    assert {"POST", "PATCH", "DELETE"} <= set(answer.headers["access-control-allow-methods"].split(", "))
    assert "Authorization" in answer.headers["access-control-allow-headers"]


async def test_trickle_by_patch(town: Town) -> None:
    client = publisher(town)
    session = (await opened(town, client, routes.WHIP)).headers["location"]
    fragment = "a=ice-ufrag:x\r\na=candidate:1 1 udp 1 127.0.0.1 9 typ host\r\n"
    is_problem(await client.patch(session, content=fragment, headers=FRAGMENT), 428, "no_if_match")
    wrong = {**FRAGMENT, "If-Match": '"9"'}
    is_problem(await client.patch(session, content=fragment, headers=wrong), 412, "etag_mismatch")
    right = {**FRAGMENT, "If-Match": '"1"'}
    answer = await client.patch(session, content=fragment, headers=right)
    assert answer.status_code == 204
    assert town.relay.fragments == [fragment]
    is_problem(await client.patch(session, content=fragment, headers={**right, **SDP}), 415, "media_type")
    town.relay.refuses = "ice_restart"
    restart = {**FRAGMENT, "If-Match": "*"}
    is_problem(await client.patch(session, content=fragment, headers=restart), 422, "ice_restart")


async def test_a_publisher_needs_the_stream_key_and_a_viewer_a_pass(town: Town) -> None:
    whip, whep = routes.at(routes.WHIP, town.show), routes.at(routes.WHEP, town.show)
    is_problem(await town.client().post(whip, content=OFFER, headers=SDP), 401, "no_pass")
    is_problem(await town.client("wrong").post(whip, content=OFFER, headers=SDP), 401, "wrong_pass")
    is_problem(await (await town.buyer()).post(whip, content=OFFER, headers=SDP), 401, "no_pass")
    is_problem(await town.client().post(whep, content=OFFER, headers=SDP), 401, "no_pass")
    is_problem(await publisher(town).post(whep, content=OFFER, headers=SDP), 401, "wrong_pass")
    assert (await town.owner.post(whep, content=OFFER, headers=SDP)).status_code == 201
    refused = await town.client("wrong").post(whip, content=OFFER, headers=SDP)
    assert refused.headers["access-control-allow-origin"] == "*"


async def test_nobody_ends_or_patches_anothers_session(town: Town) -> None:
    lea, max_ = await town.buyer("Léa"), await town.buyer("Max")
    session = (await opened(town, lea, routes.WHEP)).headers["location"]
    is_problem(await max_.delete(session), 404, "not_found")
    is_problem(await max_.patch(session, content="a=x", headers={**FRAGMENT, "If-Match": "*"}), 404, "not_found")
    is_problem(await publisher(town).delete(session.replace("/whep/", "/whip/")), 404, "not_found")
    assert (await lea.delete(session)).status_code == 200


async def test_another_sites_page_cannot_watch_with_a_buyers_cookie(town: Town) -> None:
    buyer = await town.buyer()
    headers = {**SDP, "Origin": "https://evil.example"}
    is_problem(
        await buyer.post(routes.at(routes.WHEP, town.show), content=OFFER, headers=headers), 403, "foreign_origin"
    )


@pytest.mark.parametrize(
    ("refusal", "status", "code"),
    [
        ("bad_offer", 422, "bad_sdp"),
        ("no_common_codec", 406, "not_acceptable"),
        ("full", 503, "full"),
        ("unavailable", 503, "media_unavailable"),
    ],
)
async def test_what_the_relay_refuses_has_its_status(town: Town, refusal: str, status: int, code: str) -> None:
    town.relay.refuses = refusal
    answer = await publisher(town).post(routes.at(routes.WHIP, town.show), content=OFFER, headers=SDP)
    is_problem(answer, status, code)
    assert ("retry-after" in answer.headers) is (status == 503)


async def test_what_is_no_offer_is_refused_before_the_relay(town: Town) -> None:
    client, path = publisher(town), routes.at(routes.WHIP, town.show)
    is_problem(await client.post(path, content="hello", headers=SDP), 400, "bad_sdp")
    is_problem(await client.post(path, content=b"v=0\xff", headers=SDP), 400, "bad_sdp")
    is_problem(await client.post(path, content=OFFER, headers={"Content-Type": "application/json"}), 415, "media_type")
    big = OFFER + "a=x\r\n" * 20_000
    is_problem(await client.post(path, content=big, headers=SDP), 413, "too_large")
    is_problem(await client.post(routes.at(routes.WHIP, "nothing"), content=OFFER, headers=SDP), 404, "no_show")
    assert town.relay.sessions == {}


async def test_doors_and_sessions_answer_other_methods_with_405(town: Town) -> None:
    client = publisher(town)
    session = (await opened(town, client, routes.WHIP)).headers["location"]
    for method, path in (("GET", routes.at(routes.WHIP, town.show)), ("PATCH", routes.at(routes.WHIP, town.show)),
                         ("GET", session), ("POST", session)):  # fmt: skip
        answer = await client.request(method, path)
        is_problem(answer, 405, "method")
        assert answer.headers["allow"]


async def test_ten_players_a_minute_and_a_publisher_that_keeps_trying(town: Town) -> None:
    buyer = await town.buyer()
    path = routes.at(routes.WHEP, town.show)
    statuses = [(await buyer.post(path, content=OFFER, headers=SDP)).status_code for _ in range(12)]
    assert statuses == [201] * 10 + [429] * 2


async def test_a_viewer_has_two_pictures_and_the_newest_stay(town: Town) -> None:
    buyer, other = await town.buyer(), await town.buyer("Max")
    theirs = (await opened(town, other, routes.WHEP)).headers["location"]
    whip = (await opened(town, publisher(town), routes.WHIP)).headers["location"]
    places = [(await opened(town, buyer, routes.WHEP)).headers["location"] for _ in range(4)]
    assert {place.rsplit("/", 1)[1] for place in (theirs, whip, *places[2:])} == set(town.relay.sessions)
    is_problem(await buyer.delete(places[0]), 404, "not_found")
    for client, place in ((buyer, places[3]), (other, theirs), (publisher(town), whip)):
        assert (await client.delete(place)).status_code == 200


async def test_one_address_has_a_share_of_the_places(town: Town) -> None:
    town.shop.media = MediaSessions(per_address=0.1)
    buyers = [await town.buyer(f"B{n}") for n in range(6)]
    path = routes.at(routes.WHEP, town.show)
    answers = await asyncio.gather(*(buyer.post(path, content=OFFER, headers=SDP) for buyer in buyers))
    assert sorted(answer.status_code for answer in answers) == [201] * 4 + [503] * 2
    ended = next(iter(town.relay.sessions))
    town.shop.hear(SessionEnded(session_id=ended))
    assert sum([(await buyer.post(path, content=OFFER, headers=SDP)).status_code == 201 for buyer in buyers[4:]]) == 1
    town.relay.refuses = "unavailable"
    town.shop.hear(RelayRestarted(restarts=1))
    for buyer in buyers:
        is_problem(await buyer.post(path, content=OFFER, headers=SDP), 503, "media_unavailable")
    town.relay.refuses = ""
    assert (await buyers[0].post(path, content=OFFER, headers=SDP)).status_code == 201, "a refused one holds no place"


def test_the_publisher_is_not_forgotten_because_of_viewers() -> None:
    media = MediaSessions(per_address=100)
    media.add("in1", Holder("whip", "s", "publisher"))
    for n in range(2000):
        holder = Holder("whep", "s", f"b{n}", "10.0.0.1")
        assert media.reserve(holder)
        media.add(f"out{n}", holder)
    assert media.is_of("in1", "whip", "s", "publisher")
    for n in range(2000):
        media.hear(SessionEnded(session_id=f"out{n}"))
    media.hear(SessionEnded(session_id="in1"))
    assert not media.is_of("in1", "whip", "s", "publisher")
    assert (media._known, dict(media._at)) == ({}, {})


async def test_fragments_have_a_rate_of_their_own(town: Town) -> None:
    buyer = await town.buyer()
    session = (await opened(town, buyer, routes.WHEP)).headers["location"]
    right = {**FRAGMENT, "If-Match": '"1"'}
    answers = [await buyer.patch(session, content="a=x\r\n", headers=right) for _ in range(45)]
    assert [answer.status_code for answer in answers[:30]] == [204] * 30
    is_problem(next(answer for answer in answers if answer.status_code != 204), 429, "too_often")
    assert len(town.relay.fragments) < 45


async def test_only_the_current_show_has_a_picture(town: Town) -> None:
    await town.owner.post(routes.SHOWS, json={"title": "Un autre"})
    answer = await publisher(town).post(routes.at(routes.WHIP, town.show), content=OFFER, headers=SDP)
    is_problem(answer, 409, "not_current")


# --- the picture and the sale (rule 15) -----------------------------------------------------------


def kinds(town: Town) -> list[str]:
    return [row.kind for row in town.room.log.every_row()]


async def test_a_picture_lost_while_a_lot_runs_pauses_it_and_its_return_resumes_it(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shop_module, "LOOK_EVERY_S", 0.02)
    owner = town.owner
    run_id = await town.run_a_lot(owner, duration_ms=60_000)
    run = town.room.sales.state.runs[run_id]
    town.shop.hear(IngestStarted(session_id="in1", video_codec="H264", audio=True))
    town.shop.hear(FrameSeen(session_id="in1", frames=1))
    await town.room.sales.certain(lambda: None)
    assert "media_noted" in kinds(town)
    town.room.watch.frame_at_ms = town.shop.clock.now_ms() - 1_000
    await asyncio.sleep(0.1)
    assert run.status == "running"
    town.room.watch.frame_at_ms = town.shop.clock.now_ms() - 5_000
    await until(lambda: run.status == "paused")
    bid = await town.post(await town.buyer(), c.PlaceBid(run_id=run_id, amount_cents=100))
    is_problem(bid, 409, "paused")
    town.shop.hear(FrameSeen(session_id="in1", frames=2))
    await until(lambda: run.status == "running")
    await town.room.sales.certain(lambda: None)
    assert kinds(town)[-2:] == ["picture_returned", "run_resumed"]


async def test_a_bell_that_is_due_waits_for_the_picture(town: Town) -> None:
    run_id = await town.run_a_lot(town.owner, duration_ms=5000, counter_bid_ms=1000)
    run = town.room.sales.state.runs[run_id]
    await town.say(await town.buyer(), c.PlaceBid(run_id=run_id, amount_cents=100))
    town.shop.hear(FrameSeen(session_id="in1", frames=1))
    town.room.watch.frame_at_ms = run.ends_at - 1500
    await until(lambda: run.status != "running", timeout_s=8)
    assert run.status == "paused", "1 s without a picture when the bell is due"
    town.shop.hear(FrameSeen(session_id="in1", frames=2))
    town.room.watch.frame_at_ms += 60_000
    await until(lambda: run.status == "hammered", timeout_s=8)


async def test_a_publisher_that_says_goodbye_between_lots_is_no_loss(town: Town, tmp_path: Path) -> None:
    town.shop.hear(IngestStarted(session_id="in1", video_codec="H264", audio=True))
    town.shop.hear(IngestEnded(session_id="in1", reason="deleted"))
    assert town.room.watch.frame_at_ms == 0
    town.shop.hear(IngestStarted(session_id="in2", video_codec="H264", audio=True))
    town.shop.hear(IngestEnded(session_id="in2", reason="silent"))
    assert town.room.watch.frame_at_ms > 0


def running_since(now_ms: int) -> ShowState:
    run = Run(
        run_id="R1", lot_id="L1", unit=1, of=1, opening_cents=100, opened_at=now_ms, ends_at=now_ms + 30_000,
        duration_ms=30_000, counter_bid_ms=10_000, sudden_death=False, has_reserve=False, withdrawable_until=0,
    )  # fmt: skip
    return ShowState(runs={"R1": run}, current_run="R1", status="live")


def test_the_watch_knows_five_seconds_and_one() -> None:
    watch, state = PictureWatch(), running_since(0)
    assert watch.look(10_000, state) is None, "no ingest was seen: a foreign one is the console's to report"
    watch.frame(10_000, state)
    assert watch.look(14_999, state) is None
    assert watch.look(15_000, state) == c.LosePicture(since_ms=10_000)
    assert watch.before_bell(10_999, state) is None
    assert watch.before_bell(11_000, state) == c.LosePicture(since_ms=10_000)
    state.picture_lost_since = 10_000
    assert watch.look(20_000, state) is None, "said once"
    assert watch.frame(20_000, state) == c.ReturnPicture()


def between_lots(state: ShowState) -> ShowState:
    state.runs["R1"].status, state.current_run = "hammered", ""
    return state


def next_lot(state: ShowState, now_ms: int) -> ShowState:
    fresh = running_since(now_ms).runs["R1"]
    fresh.run_id = "R2"
    state.runs["R2"], state.current_run = fresh, "R2"
    return state


def test_a_picture_that_dies_between_lots_is_lost_before_the_next_begins() -> None:
    watch, state = PictureWatch(), between_lots(running_since(0))
    watch.frame(10_000, state)
    watch.ended(state, said_goodbye=False)
    assert watch.look(14_999, state) is None
    assert watch.look(15_000, state) == c.LosePicture(since_ms=10_000)
    state.status = "prepared"
    assert watch.look(15_000, state) is None, "before the show nobody misses it"


def test_a_goodbye_during_a_lot_is_missed_by_that_lot_only() -> None:
    watch, state = PictureWatch(), running_since(0)
    watch.frame(10_000, state)
    watch.ended(state, said_goodbye=True)
    assert watch.look(15_000, state) == c.LosePicture(since_ms=10_000)
    state.picture_lost_since = 10_000
    assert watch.look(15_200, state) is None
    # The seller goes on with a foreign ingest: the console says the picture is back.
    state.picture_lost_since = 0
    assert watch.look(15_400, state) is None
    assert watch.look(40_000, next_lot(between_lots(state), 39_000)) is None
    assert watch.frame(50_000, state) is None
    assert watch.look(55_000, state) == c.LosePicture(since_ms=50_000), "our own is watched again once it is back"


def test_a_goodbye_just_before_the_hammer_does_not_pause_the_next_lot() -> None:
    watch, state = PictureWatch(), running_since(0)
    watch.frame(10_000, state)
    watch.ended(state, said_goodbye=True)
    assert watch.look(12_000, state) is None
    assert watch.look(30_000, next_lot(between_lots(state), 20_000)) is None


async def test_no_lot_is_opened_on_a_dead_picture(town: Town) -> None:
    owner = town.owner
    await town.say(owner, c.GoLive())
    town.shop.hear(IngestStarted(session_id="in1", video_codec="H264", audio=True))
    town.shop.hear(IngestEnded(session_id="in1", reason="silent"))
    town.room.watch.frame_at_ms = town.shop.clock.now_ms() - 6000
    state = town.room.sales.state
    await until(lambda: state.picture_lost_since > 0)
    is_problem(await town.post(owner, c.StartAuction()), 409, "picture_lost")
    town.shop.hear(FrameSeen(session_id="in2", frames=1))
    run_id = await town.run_a_lot(owner, duration_ms=60_000)
    assert state.runs[run_id].status == "running"


def test_after_a_restart_an_ingest_that_was_on_is_expected_back() -> None:
    state = running_since(0)
    noted = ['{"type":"media_noted","what":"engine_restarted"}', '{"type":"media_noted","what":"ingest_started"}']
    watch = PictureWatch()
    watch.returned(50_000, noted)
    assert watch.look(54_999, state) is None
    assert watch.look(55_000, state) == c.LosePicture(since_ms=50_000)
    watch = PictureWatch()
    watch.returned(50_000, ['{"type":"media_noted","what":"ingest_ended"}', *noted])
    assert watch.look(90_000, state) is None
