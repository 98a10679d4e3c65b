"""A buyer of earlier shows is known again: to the seller, by the logs alone, and to nobody else."""

from __future__ import annotations

from http.cookies import SimpleCookie
from pathlib import Path
from threading import Thread

import httpx
import pytest

from seller_console.contract import commands as c
from seller_console.contract import routes
from seller_console.contract.codec import decode_brief
from seller_console.contract.events import RegularRecognised
from seller_console.contract.words import LotDraft, Regular
from seller_console.platform.log import Log
from seller_console.platform.passes import token_hash
from seller_console.platform.regulars import Regulars, Visit, lasting_token

from .conftest import MakeTown, Town, until
from .sse import Listener, listening

NOTE = "paie-le-lendemain"


async def another_show(town: Town, title: str) -> None:
    answer = await town.owner.post(routes.SHOWS, json={"title": title})
    assert answer.status_code == 201, answer.text
    town.show = answer.json()["show_id"]
    assert town.shop.current is not None
    town.room = town.shop.current


async def enter(town: Town, client: httpx.AsyncClient, nickname: str = "Léa") -> httpx.Response:
    answer = await client.post(routes.at(routes.JOIN, town.show), json={"nickname": nickname})
    assert answer.status_code == 200, answer.text
    return answer


async def buys(town: Town, client: httpx.AsyncClient, cents: int) -> str:
    """A sale of that much, out of the owner's hand."""
    lot = await town.say(town.owner, c.AddLot(lot=LotDraft(title="Pin's", format="buy_it_now", opening_cents=cents)))
    made = await town.say(client, c.BuyNow(lot_id=lot.made["lot_id"], price_cents=cents))
    return made.made["sale_id"]


def person_of(town: Town, client: httpx.AsyncClient) -> str:
    token = next(one.value for one in client.cookies.jar if one.name == routes.BUYER_COOKIE)
    who = town.shop.passes.who(token or "", town.show, town.shop.clock.now_ms())
    assert who is not None
    return who.person


async def known_of(town: Town, client: httpx.AsyncClient, by: httpx.AsyncClient | None = None) -> Regular | None:
    """What the show told the seller (or whoever asks) about this buyer."""
    answer = await (by or town.owner).get(routes.at(routes.BRIEF, town.show))
    told = [event for event in decode_brief(answer.content).events if isinstance(event, RegularRecognised)]
    person = person_of(town, client)
    return next((event.regular for event in told if event.buyer == person), None)


def files_of(folder: Path) -> list[Path]:
    found = [path for path in folder.rglob("*") if path.is_file()]
    assert len(found) > 2
    return found


async def evening(town: Town, lea: httpx.AsyncClient) -> None:
    """Léa buys three lots: one is undone, one is paid, one is not; and the seller writes something down."""
    await town.say(town.owner, c.GoLive())
    paid, undone, unpaid = [await buys(town, lea, cents) for cents in (1_000, 5_000, 70_000)]
    await town.say(town.owner, c.MarkPayment(sale_id=paid, outcome="failed"))
    await town.say(town.owner, c.MarkPayment(sale_id=paid, outcome="paid"))
    await town.say(town.owner, c.VoidSale(sale_id=undone, reason="abîmé"))
    await town.say(town.owner, c.MarkPayment(sale_id=unpaid, outcome="failed"))
    await town.say(town.owner, c.NoteBuyer(buyer=person_of(town, lea), note=NOTE))


async def test_a_buyer_is_known_again_at_the_next_show_with_what_became_of_every_sale(town: Town) -> None:
    lea = await town.buyer("Léa")
    max_ = await town.buyer("Max")
    await evening(town, lea)
    assert await known_of(town, lea) is None, "nobody's first show has a past"
    await another_show(town, "Le lendemain")
    await enter(town, lea, "Lea cartes")
    await enter(town, max_, "Max")
    known = await known_of(town, lea)
    assert known is not None
    assert (known.shows, known.purchases, known.spent_cents, known.unpaid) == (1, 1, 1_000, 1)
    assert (known.nickname, known.note) == ("Léa", NOTE)
    assert known.last_visit_ms > 0
    looked = await known_of(town, max_)
    assert looked is not None
    assert looked == Regular(shows=1, nickname="Max", last_visit_ms=looked.last_visit_ms), "who only looked"
    stranger = await town.buyer("Léa")
    assert await known_of(town, stranger) is None, "the name alone is nobody"


async def test_what_is_undone_after_the_show_is_undone_at_the_next(make_town: MakeTown) -> None:
    town = await make_town()
    lea = await town.buyer("Léa")
    await town.say(town.owner, c.GoLive())
    kept, void_later = await buys(town, lea, 2_000), await buys(town, lea, 9_000)
    assert kept
    old = town.show
    await another_show(town, "Deux")
    await enter(town, lea)
    first = await known_of(town, lea)
    assert first is not None
    assert (first.purchases, first.spent_cents) == (2, 11_000)
    second_show, town.show = town.show, old
    await town.say(town.owner, c.VoidSale(sale_id=void_later, reason="rendu"))
    town.show = second_show
    await another_show(town, "Trois")
    await enter(town, lea)
    then = await known_of(town, lea)
    assert then is not None
    assert (then.shows, then.purchases, then.spent_cents) == (1, 1, 2_000), "the second show never went live"
    await town.say(town.owner, c.GoLive())
    await another_show(town, "Quatre")
    await enter(town, lea)
    last = await known_of(town, lea)
    assert last is not None
    assert last.shows == 2


async def test_an_unpaid_lot_that_was_run_again_stays_unpaid_and_is_no_purchase(town: Town) -> None:
    lea, max_ = await town.buyer("Léa"), await town.buyer("Max")
    run_id = await town.run_a_lot(town.owner, duration_ms=600, counter_bid_ms=0)
    await town.say(lea, c.PlaceBid(run_id=run_id, amount_cents=100))
    await until(lambda: bool(town.room.sales.state.sales))
    (sale,) = town.room.sales.state.sales.values()
    await town.say(town.owner, c.MarkPayment(sale_id=sale.sale_id, outcome="failed"))
    await town.say(town.owner, c.ReRunLot(lot_id=sale.lot_id))
    await town.say(town.owner, c.NoteBuyer(buyer=person_of(town, max_), note=NOTE))
    await another_show(town, "Deux")
    await enter(town, lea)
    known = await known_of(town, lea)
    assert known is not None
    assert (known.shows, known.purchases, known.spent_cents, known.unpaid, known.note) == (1, 0, 0, 1, "")


@pytest.mark.parametrize("broken", [b"", b"not a database", b"SQLite format 3\0" + bytes(5_000)])
async def test_a_log_nobody_can_read_hides_no_other(make_town: MakeTown, home: Path, broken: bytes) -> None:
    town = await make_town()
    lea = await town.buyer("Léa")
    await evening(town, lea)
    jar = lea.cookies
    await another_show(town, "Deux")
    await town.stop()
    for name in ("20200101-aaaaaa", "29990101-ffffff"):
        (home / "shows" / f"{name}.db").write_bytes(broken)
    town = await make_town()
    again = town.client()
    again.cookies = httpx.Cookies(jar)
    await enter(town, again)
    known = await known_of(town, again)
    assert known is not None
    assert known.spent_cents == 1_000


async def test_a_rehearsal_is_no_visit_and_a_note_is_kept_all_the_same(town: Town) -> None:
    lea = await town.buyer("Léa")
    await town.say(town.owner, c.GoLive(rehearsal=True))
    await buys(town, lea, 3_000)
    await town.say(town.owner, c.NoteBuyer(buyer=person_of(town, lea), note=NOTE))
    await another_show(town, "Pour de vrai")
    await enter(town, lea)
    known = await known_of(town, lea)
    assert known is not None
    assert (known.shows, known.purchases, known.spent_cents, known.note) == (0, 0, 0, NOTE)


async def test_a_note_taken_back_stays_back(town: Town) -> None:
    lea = await town.buyer("Léa")
    await evening(town, lea)
    await another_show(town, "Deux")
    await enter(town, lea)
    await town.say(town.owner, c.NoteBuyer(buyer=person_of(town, lea), note=""))
    await town.say(town.owner, c.GoLive())
    await another_show(town, "Trois")
    await enter(town, lea)
    known = await known_of(town, lea)
    assert known is not None
    assert known.note == ""
    assert known.shows == 2


async def test_a_note_outlives_a_show_that_did_not_know_of_it(make_town: MakeTown, home: Path) -> None:
    """Its log could not be read that evening, or was not read yet when she came in."""
    town = await make_town()
    first, lea = home / "shows" / f"{town.show}.db", await town.buyer("Léa")
    await evening(town, lea)
    jar = lea.cookies

    async def known_at(title: str) -> Regular | None:
        town = await make_town()
        await another_show(town, title)
        again = town.client()
        again.cookies = httpx.Cookies(jar)
        await enter(town, again)
        await town.say(town.owner, c.GoLive())
        known = await known_of(town, again)
        await town.stop()
        return known

    await another_show(town, "Deux")
    await town.stop()
    away = first.rename(home / first.name)
    assert await known_at("Trois") is None
    away.rename(first)
    known = await known_at("Quatre")
    assert known is not None
    assert (known.shows, known.note) == (2, NOTE)


async def test_a_buyer_may_enter_while_another_show_is_being_read(tmp_path: Path) -> None:
    """Reading is done on a thread: what it adds does not trip who looks."""
    regulars = Regulars(tmp_path / "regulars")

    class Reading(dict[bytes, Visit]):
        def __contains__(self, hashed: object) -> bool:
            reading = Thread(target=regulars.read, args=("20260102-bbbbbb", tmp_path / "s.db"))
            reading.start()
            reading.join()
            return super().__contains__(hashed)

    token = lasting_token("")
    visit = Visit(at_ms=1, nickname="Léa", purchases=1)
    regulars._closed["20260101-aaaaaa"] = Reading({token_hash(token): visit})
    known = await regulars.of(token, but="20260103-cccccc")
    assert known is not None
    assert known.purchases == 1


async def test_only_those_backstage_hear_of_it_on_the_wire(town: Town) -> None:
    lea = await town.buyer("Léa")
    await evening(town, lea)
    await another_show(town, "Deux")
    max_ = await town.buyer("Max")
    producer, moderator = await town.staff("producer"), await town.staff("moderator", "Zoé")
    answer = await enter(town, lea)
    listeners: dict[str, Listener] = {}
    tokens = {
        "owner": town.shop.keys.owner_pass,
        "producer": producer.headers["Authorization"].removeprefix("Bearer "),
        "moderator": moderator.headers["Authorization"].removeprefix("Bearer "),
        "herself": next(one.value or "" for one in lea.cookies.jar if one.name == routes.BUYER_COOKIE),
        "another": max_.cookies[routes.BUYER_COOKIE],
    }
    for name, token in tokens.items():
        listeners[name] = await listening(town.url, town.show, token)
    for listener in listeners.values():
        await listener.wait_seq(town.room.sales.head)
        await listener.close()
    secrets = (b"regular_recognised", NOTE.encode(), b"spent_cents")
    for name, listener in listeners.items():
        heard = [secret in listener.raw for secret in secrets]
        assert heard == [name in {"owner", "producer"}] * 3, name
    for client in (lea, max_, moderator):
        brief = await client.get(routes.at(routes.BRIEF, town.show))
        assert b"regular" not in brief.content
        assert NOTE not in brief.text
    assert set(answer.json()) == {"person", "role", "nickname"}, "nor does the door tell her"


async def test_the_token_is_a_secret_of_the_browser_and_of_nobody_else(town: Town, home: Path) -> None:
    first = await enter(town, town.client())
    cookie = SimpleCookie(next(one for one in first.headers.get_list("set-cookie") if one.startswith("regular=")))
    morsel = cookie[routes.REGULAR_COOKIE]
    assert len(morsel.value) == 43
    assert morsel["httponly"]
    assert morsel["samesite"] == "strict"
    assert morsel["path"] == "/api"
    assert int(morsel["max-age"]) > 300 * 24 * 3600
    await town.say(town.owner, c.GoLive())
    await town.stop()
    assert not [path for path in files_of(home) if morsel.value.encode() in path.read_bytes()]


@pytest.mark.parametrize("offered", ["", "x", "a" * 42, "a" * 5_000, "é" * 43, "a" * 42 + "!"])
async def test_what_is_no_token_of_ours_is_replaced(town: Town, offered: str) -> None:
    client = town.client()
    headers = {"Cookie": f"regular={offered}".encode()}
    answer = await client.post(routes.at(routes.JOIN, town.show), json={"nickname": "Léa"}, headers=headers)
    assert answer.status_code == 200, answer.text
    assert len(answer.cookies[routes.REGULAR_COOKIE]) == 43
    assert answer.cookies[routes.REGULAR_COOKIE] != offered


async def test_a_token_opens_nothing(town: Town) -> None:
    lea = await town.buyer()
    client = town.client()
    lasting = next(one.value for one in lea.cookies.jar if one.name == routes.REGULAR_COOKIE)
    for headers in (
        {"Cookie": f"regular={lasting}"},
        {"Cookie": f"pass={lasting}"},
        {"Authorization": f"Bearer {lasting}"},
    ):
        assert (await client.get(routes.at(routes.BRIEF, town.show), headers=headers)).status_code == 401


async def test_regulars_outlive_restarts_and_the_loss_of_what_is_kept_beside_the_logs(
    make_town: MakeTown, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = await make_town()
    first_show, lea = town.show, await town.buyer("Léa")
    await evening(town, lea)
    jar = lea.cookies
    await another_show(town, "Deux")
    await town.stop()
    assert (home / "regulars" / f"{first_show}.json").exists()

    async def known_at_a_new_show() -> Regular | None:
        town = await make_town()
        await another_show(town, "Encore")
        again = town.client()
        again.cookies = httpx.Cookies(jar)
        await enter(town, again)
        known = await known_of(town, again)
        await town.stop()
        return known

    opened: list[str] = []
    whole = Log.__init__

    def opening(self: Log, path: Path) -> None:
        opened.append(path.stem)
        whole(self, path)

    monkeypatch.setattr(Log, "__init__", opening)
    kept = await known_at_a_new_show()
    assert kept is not None
    assert (kept.shows, kept.spent_cents, kept.unpaid, kept.note) == (1, 1_000, 1, NOTE)
    assert first_show not in opened, "what is kept beside an untouched log is enough"
    for path in (home / "regulars").iterdir():
        path.write_bytes(b"{}")
    made_again = await known_at_a_new_show()
    assert first_show in opened
    assert made_again is not None
    assert made_again == kept


async def test_a_show_put_away_is_still_known(make_town: MakeTown, monkeypatch: pytest.MonkeyPatch) -> None:
    from seller_console.platform import shop as shop_module

    monkeypatch.setattr(shop_module, "IDLE_ROOM_S", 0.2)
    town = await make_town()
    old, lea = town.show, await town.buyer("Léa")
    await evening(town, lea)
    await another_show(town, "Deux")
    await until(lambda: old not in town.shop.rooms, timeout_s=10)
    await enter(town, lea)
    known = await known_of(town, lea)
    assert known is not None
    assert known.spent_cents == 1_000
