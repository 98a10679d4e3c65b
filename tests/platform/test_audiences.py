"""Read off the wire of every role during a show with secrets: nobody hears what is not for them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from seller_console.contract import commands as c
from seller_console.contract import routes
from seller_console.contract.codec import decode_event
from seller_console.contract.words import LotBackstage, LotDraft, Role, Who
from seller_console.platform import limits
from seller_console.platform.limits import Rate
from seller_console.sale.audience import may_see
from seller_console.sale.fold import apply
from seller_console.sale.state import ShowState

from .conftest import MakeTown, Town
from .sse import Listener, listening

RESERVE, COST, MAXIMUM, PRE_BID, LIMIT = 7_777_700, 4_343_43, 6_666_600, 5_555_500, 8_888_800
MUTED, WHISPER, NOTE, HOST_NOTE = "zut-muet", "chuchote-ceci", "note-sur-lea", "note-animateur"


class Crowd:
    def __init__(self, town: Town) -> None:
        self.town = town
        self.tokens: dict[str, str] = {}
        self.listeners: dict[str, Listener] = {}
        self.who: dict[str, Who] = {}

    async def add(self, name: str, role: Role) -> Any:
        town = self.town
        if role == "owner":
            client, token = town.owner, town.shop.keys.owner_pass
        elif role == "buyer":
            client = await town.buyer(name)
            token = client.cookies[routes.BUYER_COOKIE]
        else:
            client = await town.staff(role, name)
            token = client.headers["Authorization"].removeprefix("Bearer ")
        self.tokens[name] = token
        self.who[name] = town.shop.passes.who(token, town.show, town.shop.clock.now_ms())  # type: ignore[assignment]
        self.listeners[name] = await listening(town.url, town.show, token)
        return client


async def a_show_with_secrets(town: Town) -> Crowd:
    crowd = Crowd(town)
    owner = await crowd.add("Anna", "owner")
    producer = await crowd.add("Marie", "producer")
    moderator = await crowd.add("Zoé", "moderator")
    lea, max_ = await crowd.add("Léa", "buyer"), await crowd.add("Max", "buyer")
    lot = await town.say(
        owner,
        c.AddLot(
            lot=LotDraft(
                title="Sac", backstage=LotBackstage(reserve_cents=RESERVE, cost_cents=COST, host_note=HOST_NOTE)
            )
        ),
    )
    await town.say(lea, c.SetPreBid(lot_id=lot.made["lot_id"], max_cents=PRE_BID))
    await town.say(lea, c.SetSpendingLimit(limit_cents=LIMIT))
    await town.say(moderator, c.SetMutedWords(words=(MUTED,)))
    await town.say(producer, c.Whisper(text=WHISPER))
    await town.say(producer, c.NoteBuyer(buyer=crowd.who["Léa"].person, note=NOTE))
    await town.say(owner, c.GoLive())
    run_id = (await town.say(owner, c.StartAuction(lot_id=lot.made["lot_id"]))).made["run_id"]
    await town.say(max_, c.PlaceBid(run_id=run_id, amount_cents=MAXIMUM, kind="max"))
    await town.say(lea, c.Say(text=f"oh {MUTED} !"))
    await town.say(max_, c.Say(text="bonsoir"))
    await town.say(owner, c.VoidRun(run_id=run_id, reason="abîmé", back_to_queue=False))
    pin = await town.say(owner, c.AddLot(lot=LotDraft(title="Pin's", format="buy_it_now", opening_cents=300)))
    await town.say(lea, c.BuyNow(lot_id=pin.made["lot_id"], price_cents=300))
    await town.say(lea, c.ValidateBasket())
    gift = await town.say(owner, c.AddLot(lot=LotDraft(title="Cadeau", format="giveaway")))
    await town.say(owner, c.StartGiveaway(lot_id=gift.made["lot_id"]))
    for listener in crowd.listeners.values():
        await listener.wait_seq(town.room.sales.head)
    return crowd


@pytest.fixture
async def crowd(make_town: MakeTown, monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in ("COMMANDS", "BIDS", "CHAT"):
        monkeypatch.setattr(limits, name, Rate(name.lower(), 1000, 1000))
    made = await a_show_with_secrets(await make_town())
    yield made
    for listener in made.listeners.values():
        await listener.close()


HEARERS = {
    str(RESERVE): {"Anna", "Marie"},
    str(COST): {"Anna", "Marie"},
    HOST_NOTE: {"Anna", "Marie"},
    str(PRE_BID): {"Léa"},
    str(LIMIT): {"Léa"},
    f"oh {MUTED}": {"Léa"},
    f'["{MUTED}"]': {"Anna", "Marie", "Zoé"},
    WHISPER: {"Anna", "Marie"},
    NOTE: {"Anna", "Marie"},
    '"max_set"': {"Max", "Léa"},
    "basket_validated": {"Anna", "Marie", "Léa"},
}


async def test_secrets_are_heard_by_exactly_their_audience_on_the_feed(crowd: Crowd) -> None:
    for secret, hearers in HEARERS.items():
        heard = {name for name, listener in crowd.listeners.items() if secret.encode() in listener.raw}
        assert heard == hearers, secret
    maxima = {name for name, listener in crowd.listeners.items() if f'"max_cents":{MAXIMUM}'.encode() in listener.raw}
    assert maxima == {"Max"}


async def test_a_seed_before_its_draw_is_on_no_wire(crowd: Crowd) -> None:
    giveaway = next(iter(crowd.town.room.sales.state.giveaways.values()))
    for listener in crowd.listeners.values():
        assert giveaway.seed.encode() not in listener.raw
        assert giveaway.seed_hash.encode() in listener.raw
    for name, token in crowd.tokens.items():
        answer = await crowd.town.client(token).get(routes.at(routes.BRIEF, crowd.town.show))
        assert giveaway.seed not in answer.text, name


async def test_the_brief_tells_no_more_than_the_feed(crowd: Crowd) -> None:
    for name, token in crowd.tokens.items():
        answer = await crowd.town.client(token).get(routes.at(routes.BRIEF, crowd.town.show))
        assert answer.status_code == 200
        for secret, hearers in HEARERS.items():
            assert name in hearers or secret not in answer.text, (name, secret)


async def test_every_row_of_everybody_is_one_they_may_see_and_no_seq_is_missing(crowd: Crowd) -> None:
    log = {row.seq: row for row in crowd.town.room.log.every_row()}
    for name, listener in crowd.listeners.items():
        assert listener.seqs == list(range(1, len(log) + 1))
        seen = {row["seq"] for row in listener.rows}
        assert seen == {seq for seq, row in log.items() if may_see(row.audience, crowd.who[name])}, name


async def test_a_screen_that_folds_its_wire_agrees_with_the_platform_on_public_facts(crowd: Crowd) -> None:
    whole = crowd.town.room.sales.state
    for name, listener in crowd.listeners.items():
        screen = ShowState()
        for row in listener.rows:
            apply(screen, decode_event(json.dumps(row["event"])), row["at_ms"])
        assert screen.queue == whole.queue, name
        assert {lot: state.status for lot, state in screen.lots.items()} == {
            lot: state.status for lot, state in whole.lots.items()
        }
        assert set(screen.sales) == set(whole.sales)
        assert {run: (state.price_cents, state.leader) for run, state in screen.runs.items()} == {
            run: (state.price_cents, state.leader) for run, state in whole.runs.items()
        }


async def test_answers_and_refusals_do_not_leak_a_secret(crowd: Crowd) -> None:
    """A maximum just under Max's, a reserve not met: the answer knows neither."""
    town = crowd.town
    await asyncio.sleep(0)
    max_ = town.client(crowd.tokens["Max"])
    answer = await town.post(max_, c.BuyNow(lot_id="L1", price_cents=1))
    assert str(RESERVE) not in answer.text
    face = await town.client().get(routes.at(routes.SHOW, town.show))
    assert str(RESERVE) not in face.text
