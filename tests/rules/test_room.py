"""The room: nicknames, chat, moderation, announcements, the lines everybody keeps."""

from __future__ import annotations

import pytest

from seller_console.contract import commands as cm
from seller_console.contract import events as ev
from seller_console.contract.words import Refusal, Regular, Who
from seller_console.sale.brief import brief
from seller_console.sale.fold import apply
from seller_console.sale.fold_room import KEPT_LINES
from seller_console.sale.state import ShowState

from .floor import ANA, BEN, CLEO, MARIE, MODO, OWNER, Floor, buyer


def line(floor: Floor, who: Who, text: str) -> str:
    event = floor.ok(cm.Say(text=text), who)[0]
    assert isinstance(event, ev.LineSaid | ev.LineMuted)
    return event.line_id


def test_a_line_is_at_most_three_hundred_characters() -> None:
    floor = Floor()
    line(floor, ANA, "é" * 300)
    floor.no("too_long", cm.Say(text="é" * 301), ANA)
    floor.no("empty", cm.Say(text=" \u200b\u202e \x07"), ANA)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("e\u0301te\u0301", "été"),
        ("gratuit\u202e€5\u202c", "gratuit€5"),
        ("a\u2067b\u2069c\u200fd", "abcd"),
        ("x\x00y\x1bz", "xyz"),
        ("deux\nlignes\tici", "deux lignes ici"),
        ("👩\u200d🎨 ok", "👩\u200d🎨 ok"),
    ],
)
def test_a_line_is_nfc_without_control_or_direction_characters(typed: str, kept: str) -> None:
    floor = Floor()
    line(floor, ANA, typed)
    assert floor.state.lines[-1].text == kept


def test_slow_mode_makes_buyers_wait_and_not_the_team() -> None:
    floor = Floor()
    floor.ok(cm.SetSlowMode(every_ms=10_000), MODO)
    line(floor, ANA, "un")
    floor.wait(9_999)
    assert floor.no("slow_mode", cm.Say(text="deux"), ANA).facts["wait_ms"] == 1
    line(floor, BEN, "moi")
    line(floor, OWNER, "a")
    line(floor, OWNER, "b")
    floor.wait(1)
    line(floor, ANA, "deux")
    floor.no("bad_duration", cm.SetSlowMode(every_ms=-1), MODO)


def test_a_muted_line_is_visible_to_its_author_only() -> None:
    floor = Floor()
    floor.ok(cm.SetMutedWords(words=("Arnaque", "trop cher")), MODO)
    for text in ("c'est une ARNAQUE !", "arnaqué", "Trop   chër."):
        event = floor.ok(cm.Say(text=text), ANA)[0]
        assert isinstance(event, ev.LineMuted), text
        assert event.audience() == "person:ana"
    for text in ("arnaques", "cher trop", "tropcher"):
        assert isinstance(floor.ok(cm.Say(text=text), ANA)[0], ev.LineSaid), text
    assert len(floor.seen_by(ANA).lines) == 6
    assert len(floor.seen_by(BEN).lines) == 3
    assert len(floor.seen_by(OWNER).lines) == 3
    assert isinstance(floor.ok(cm.Say(text="arnaque"), MODO)[0], ev.LineSaid), "the team is not muted"


def test_a_muted_line_cannot_be_answered_pinned_or_deleted_by_others() -> None:
    floor = Floor()
    floor.ok(cm.SetMutedWords(words=("arnaque",)), MODO)
    muted = line(floor, ANA, "arnaque")
    event = floor.ok(cm.Say(text="hein ?", reply_to=muted), BEN)[0]
    assert isinstance(event, ev.LineSaid) and event.reply_to == ""
    floor.no("unknown_line", cm.PinLine(line_id=muted), MODO)
    floor.no("unknown_line", cm.DeleteLine(line_id=muted), MODO)
    floor.ok(cm.DeleteLine(line_id=muted), ANA)


def test_a_time_out_silences_for_its_time() -> None:
    floor = Floor()
    floor.ok(cm.TimeOut(person="ana", seconds=60), MODO)
    assert floor.no("timed_out", cm.Say(text="oh"), ANA).facts["wait_ms"] == 60_000
    floor.pdd()
    floor.bid(ANA, 1)
    floor.wait(60_000)
    line(floor, ANA, "me revoilà")
    floor.ok(cm.TimeOut(person="ana", seconds=60), MODO)
    floor.ok(cm.TimeOut(person="ana", seconds=0), MODO)
    line(floor, ANA, "pardon")
    floor.no("not_a_buyer", cm.TimeOut(person="vera"), MODO)
    floor.no("bad_duration", cm.TimeOut(person="ana", seconds=86_401), MODO)


def test_the_blocked_say_nothing() -> None:
    floor = Floor()
    floor.ok(cm.Block(person="ana"), MODO)
    assert floor.ok(cm.Block(person="ana"), MODO) == ()
    floor.no("blocked", cm.Say(text="oh"), ANA)
    floor.ok(cm.Unblock(person="ana"), MODO)
    assert floor.ok(cm.Unblock(person="ana"), MODO) == ()
    line(floor, ANA, "merci")


def test_a_line_is_deleted_by_its_author_or_the_team() -> None:
    floor = Floor()
    mine, other = line(floor, ANA, "un"), line(floor, ANA, "deux")
    floor.no("not_yours", cm.DeleteLine(line_id=mine), BEN)
    floor.ok(cm.DeleteLine(line_id=mine), ANA)
    floor.ok(cm.DeleteLine(line_id=other), MODO)
    assert floor.ok(cm.DeleteLine(line_id=other), MODO) == ()
    assert [(ln.deleted, ln.text) for ln in floor.state.lines] == [(True, ""), (True, "")]
    floor.no("unknown_line", cm.DeleteLine(line_id="C999"), MODO)


def test_a_pinned_line_that_is_deleted_is_unpinned() -> None:
    floor = Floor()
    pinned = line(floor, ANA, "question")
    floor.no("not_allowed", cm.PinLine(line_id=pinned), ANA)
    floor.ok(cm.PinLine(line_id=pinned), MODO)
    assert floor.ok(cm.PinLine(line_id=pinned), MODO) == ()
    floor.ok(cm.DeleteLine(line_id=pinned), MODO)
    assert floor.state.pinned_line is None
    floor.no("unknown_line", cm.PinLine(line_id=pinned), MODO)


def test_a_reply_names_a_line_that_exists() -> None:
    floor = Floor()
    first = line(floor, ANA, "il est centré ?")
    event = floor.ok(cm.Say(text="oui", reply_to=first), OWNER)[0]
    assert isinstance(event, ev.LineSaid) and event.reply_to == first
    event = floor.ok(cm.Say(text="oui", reply_to="C999"), OWNER)[0]
    assert isinstance(event, ev.LineSaid) and event.reply_to == ""


def test_an_announcement_is_a_line_of_its_own() -> None:
    floor = Floor()
    floor.ok(cm.Announce(text="Pause de 5 minutes"), MARIE)
    assert (floor.state.lines[-1].kind, floor.state.lines[-1].nickname) == ("announced", "Marie")
    for who in (MODO, ANA):
        floor.no("not_allowed", cm.Announce(text="non"), who)


def test_roles_and_first_purchases_are_badged() -> None:
    floor = Floor()
    floor.sell(ANA)
    line(floor, ANA, "merci")
    line(floor, MODO, "bravo")
    assert (floor.state.lines[-2].first_purchase, floor.state.lines[-2].role) == (True, "buyer")
    assert (floor.state.lines[-1].first_purchase, floor.state.lines[-1].role) == (False, "moderator")
    floor.sell(ANA)
    line(floor, ANA, "encore")
    assert not floor.state.lines[-1].first_purchase


def test_hammers_and_passes_leave_a_line() -> None:
    floor = Floor()
    lot_id = floor.lot()
    floor.sell(ANA, 12)
    other = floor.lot()
    floor.pdd()
    floor.bell()
    sold, passed = floor.state.lines
    assert (sold.kind, sold.lot_id, sold.price_cents, sold.nickname) == ("sold", lot_id, 12_00, "Ana")
    assert (passed.kind, passed.lot_id) == ("passed", other)


def test_everybody_keeps_the_same_last_lines_whatever_was_muted() -> None:
    floor = Floor(strict=False)
    floor.ok(cm.SetMutedWords(words=("zut",)), MODO)
    for n in range(KEPT_LINES + 50):
        line(floor, ANA, "zut" if n % 3 == 0 else f"ligne {n}")
        line(floor, BEN, f"réponse {n}")
    public = [ln.line_id for ln in floor.state.lines if not ln.muted]
    assert len(public) == KEPT_LINES
    assert [ln.line_id for ln in floor.seen_by(CLEO).lines] == public
    for _ in range(KEPT_LINES + 50):
        line(floor, ANA, "zut")
    assert [ln.line_id for ln in floor.state.lines if not ln.muted] == public
    assert len(floor.state.lines) <= 2 * KEPT_LINES


def test_a_nickname_is_one_persons() -> None:
    floor = Floor(ANA)
    for person in ("x1", "x2"):
        floor.ok(cm.Join(), Who(person=person, role="buyer", nickname="ána"))
    names = [p.nickname for p in floor.state.people.values()]
    assert names == ["Vera", "Marie", "Modo", "Ana", "ána 2", "ána 3"]
    assert floor.ok(cm.Join(), Who(person="x2", role="buyer", nickname="ána")) == ()
    joined = floor.ok(cm.Join(), Who(person="x3", role="buyer", nickname="VERA"))[0]
    assert isinstance(joined, ev.PersonJoined) and joined.nickname == "VERA 2"
    floor.no("too_long", cm.Join(), Who(person="x4", role="buyer", nickname="n" * 31))
    floor.no("empty", cm.Join(), Who(person="x4", role="buyer", nickname=" "))


def test_who_leaves_and_returns_keeps_name_bag_and_purchases() -> None:
    floor = Floor()
    floor.sell(ANA)
    floor.ok(cm.Leave(), ANA)
    assert floor.ok(cm.Leave(), ANA) == ()
    assert not floor.state.people["ana"].present
    floor.ok(cm.Join(), ANA)
    person = floor.state.people["ana"]
    assert (person.present, person.bag_number, person.purchases) == (True, 1, 1)


def test_an_invitation_is_credited_and_shown() -> None:
    floor = Floor(ANA)
    floor.ok(cm.Join(invited_by="ana"), BEN)
    floor.ok(cm.Join(invited_by="nobody"), CLEO)
    assert floor.state.people["ben"].invited_by == "ana"
    assert floor.state.people["cleo"].invited_by == ""
    assert [(ln.kind, ln.person) for ln in floor.state.lines] == [("joined", "ben")]


def test_whispers_and_notes_stay_backstage() -> None:
    floor = Floor()
    floor.ok(cm.Whisper(text="montre le dos"), MARIE)
    floor.ok(cm.NoteBuyer(buyer="ana", note="aime les dragons\nligne 2"), OWNER)
    assert [w.text for w in floor.seen_by(OWNER).whispers] == ["montre le dos"]
    assert floor.seen_by(OWNER).people["ana"].note == "aime les dragons\nligne 2"
    for who in (MODO, ANA):
        assert floor.seen_by(who).whispers == []
        assert floor.seen_by(who).people["ana"].note == ""
        floor.no("not_allowed", cm.Whisper(text="psst"), who)


def test_a_buyer_of_earlier_shows_is_recognised_backstage() -> None:
    floor = Floor(BEN)
    past = Regular(shows=3, purchases=12, spent_cents=240_00, last_visit_ms=5, note="paie toujours le lendemain")
    floor.ok(cm.Join(regular=past), ANA)
    assert floor.seen_by(OWNER).people["ana"].regular == past
    assert floor.seen_by(OWNER).people["ana"].note == past.note
    for who in (MODO, ANA, BEN):
        assert floor.seen_by(who).people["ana"].regular is None
    floor.ok(cm.NoteBuyer(buyer="ana", note="nouvelle note"), OWNER)
    floor.ok(cm.Leave(), ANA)
    floor.ok(cm.Join(regular=past), ANA)
    assert floor.state.people["ana"].note == "nouvelle note"


def test_a_regulars_note_that_was_taken_back_is_in_no_brief() -> None:
    floor = Floor(BEN)
    floor.ok(cm.Join(regular=Regular(shows=1, note="à surveiller")), ANA)
    floor.ok(cm.NoteBuyer(buyer="ana", note=""), OWNER)
    screen = ShowState()
    for event in brief(floor.state, OWNER):
        apply(screen, event, floor.now)
    assert screen.people["ana"].note == ""
    assert screen.people["ana"].regular is not None


def test_following_is_said_once() -> None:
    floor = Floor()
    floor.ok(cm.Follow(), ANA)
    assert floor.ok(cm.Follow(), ANA) == ()
    floor.ok(cm.Follow(following=False), ANA)
    assert not floor.state.people["ana"].following


def test_a_stranger_says_nothing() -> None:
    floor = Floor(ANA)
    floor.no("not_joined", cm.Say(text="coucou"), buyer("inconnu"))


INVISIBLE = (
    "\u200d\u034f\u200c\ufe0f\u2063\u180e\U000e0061\u3164\u115f\u1160\uffa0\u00ad\u061c\u17b4\u2060\ufe00\ufff0"
    "\U0001bca0\U0001d173\U000e0100\ufeff"
)
"""Characters that take no room on a screen, one of each kind."""


@pytest.mark.parametrize("hidden", INVISIBLE, ids=lambda c: f"U+{ord(c):04X}")
def test_invisible_characters_beat_no_muted_word_and_no_nickname(hidden: str) -> None:
    floor = Floor()
    floor.ok(cm.SetMutedWords(words=("arnaque", f"vo{hidden}leur")), MODO)
    for text in (f"ar{hidden}naque", f"🔥{hidden}ARN{hidden}{hidden}AQUE !", f"v{hidden}oleur", "voleur"):
        assert isinstance(floor.ok(cm.Say(text=text), ANA)[0], ev.LineMuted), text
    assert isinstance(floor.ok(cm.Say(text=f"a{hidden}b"), BEN)[0], ev.LineSaid)
    assert floor.state.lines[-1].text == "ab"
    for number, nickname in enumerate((f"Ve{hidden}ra", f"{hidden}Vera", f"A{hidden}na")):
        joined = floor.ok(cm.Join(), Who(person=f"x{number}", role="buyer", nickname=nickname))[0]
        assert isinstance(joined, ev.PersonJoined)
        assert joined.nickname == ("Vera 2", "Vera 3", "Ana 2")[number]


@pytest.mark.parametrize(
    "text", ["👩\u200d🎨", "❤\ufe0f\u200d🔥", "1\ufe0f\u20e3", "👩🏽\u200d🦰 !", "🏳\ufe0f\u200d⚧\ufe0f", "ℹ\ufe0f"]
)
def test_what_holds_an_emoji_together_stays(text: str) -> None:
    floor = Floor()
    line(floor, ANA, text)
    assert floor.state.lines[-1].text == text


@pytest.mark.parametrize("typed", ["🔥\u200d", "🔥\u200dx", "🔥\u200d\u200d", "\u200d🔥", "🔥\U000e0067\U000e007f"])
def test_a_joiner_that_joins_nothing_is_dropped(typed: str) -> None:
    floor = Floor()
    line(floor, ANA, typed)
    assert floor.state.lines[-1].text == ("🔥x" if "x" in typed else "🔥")


def test_letters_of_another_face_are_the_same_letters() -> None:
    floor = Floor()
    floor.ok(cm.SetMutedWords(words=("arnaque",)), MODO)
    assert isinstance(floor.ok(cm.Say(text="𝐀𝐑𝐍𝐀𝐐𝐔𝐄"), ANA)[0], ev.LineMuted)
    joined = floor.ok(cm.Join(), Who(person="x1", role="buyer", nickname="𝓥𝓮𝓻𝓪"))[0]
    assert isinstance(joined, ev.PersonJoined) and joined.nickname == "𝓥𝓮𝓻𝓪 2"


@pytest.mark.parametrize("nickname", ["🔥", "...", "\u3164\u3164", "🔥\u200d🔥", "\u00a0\u2800"])
def test_a_nickname_nobody_could_say_is_refused(nickname: str) -> None:
    floor = Floor()
    answer = floor.say(cm.Join(), Who(person="x1", role="buyer", nickname=nickname))
    assert isinstance(answer, Refusal) and answer.code in ("bad_nickname", "empty")
