"""The words: their bytes for ever, their round trip, who may say them, who may see them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import typing
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seller_console.contract import codec, commands, events, media, words
from seller_console.contract.examples import example, members, tag_of
from tests.contract import golden

WANTED = golden.wanted()
GOLDEN = golden.lines()
ROLES = set(typing.get_args(words.Role))


def test_every_word_has_its_golden_line() -> None:
    missing = sorted(set(WANTED) - set(GOLDEN))
    assert not missing, f"run: python tests/contract/golden.py   (new words: {missing})"


def test_no_word_of_the_contract_has_gone() -> None:
    assert sorted(set(GOLDEN) - set(WANTED)) == []


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_golden_bytes_decode_and_encode_to_themselves(name: str) -> None:
    union = name.partition("/")[0]
    word = golden.DECODERS[union](GOLDEN[name])
    assert type(word) is WANTED[name]
    assert codec.encode(word).decode() == GOLDEN[name]


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_golden_bytes_name_every_required_field(name: str) -> None:
    """A golden line without a field could not notice that the field was renamed."""
    union = name.partition("/")[0]
    word = golden.DECODERS[union](GOLDEN[name])
    shown = json.loads(GOLDEN[name])
    kept = set(shown) - {"type"}
    assert kept <= set(type(word).__struct_fields__)
    required = {field.name for field in msgspec.structs.fields(type(word)) if field.required}
    assert required <= kept


def _word(union: Any) -> st.SearchStrategy[Any]:
    """Any instance of any word of a union: what the type hints allow."""
    return st.sampled_from(members(union)).flatmap(_instance)


def _instance(kind: type[Any]) -> st.SearchStrategy[Any]:
    return st.builds(kind, **{field.name: _value(field.type) for field in msgspec.structs.fields(kind)})


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def _value(kind: Any) -> st.SearchStrategy[Any]:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        return _value(arguments[0])
    if kind is msgspec.UnsetType:
        return st.just(msgspec.UNSET)
    if kind is type(None):
        return st.none()
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return _instance(kind)
    if origin is typing.Literal:
        return st.sampled_from(arguments)
    if origin is tuple:
        return st.lists(_value(arguments[0]), max_size=2).map(tuple)
    if origin is dict:
        return st.dictionaries(TEXT, st.integers(-5, 5) if arguments[1] is Any else _value(arguments[1]), max_size=2)
    if arguments:
        return st.one_of([_value(choice) for choice in arguments])
    plain: dict[Any, st.SearchStrategy[Any]] = {
        str: TEXT,
        bool: st.booleans(),
        int: st.integers(-(2**63), 2**63 - 1),
        float: st.floats(allow_nan=False, allow_infinity=False),
    }
    return plain[kind]


@pytest.mark.parametrize("union", sorted(golden.UNIONS))
def test_whatever_is_said_is_heard(union: str) -> None:
    @settings(max_examples=150, deadline=None)
    @given(_word(golden.UNIONS[union]))
    def round_trip(word: Any) -> None:
        assert golden.DECODERS[union](codec.encode(word)) == word

    round_trip()


@pytest.mark.parametrize("union", sorted(golden.DECODERS))
def test_noise_is_unreadable_and_nothing_worse(union: str) -> None:
    @settings(max_examples=100, deadline=None)
    @given(st.one_of(st.binary(max_size=200), st.sampled_from([b"[" * 100_000, b'{"type":"nope"}', b"", b"null"])))
    def noise(raw: bytes) -> None:
        with pytest.raises(codec.Unreadable):
            golden.DECODERS[union](raw)

    noise()


def test_a_command_with_a_field_nobody_knows_is_unreadable() -> None:
    """A misspelt optional field must not be obeyed as if it were not there."""
    for word in members(commands.Command):
        raw = json.loads(codec.encode(example(word)))
        with pytest.raises(codec.Unreadable):
            codec.decode_command(json.dumps(raw | {"amout_cents": 1}))


def test_every_event_says_who_may_know_it() -> None:
    allowed = re.compile(r"everyone|staff|backstage|platform|(buyer|person|salon):.+")
    for word in (*members(events.Event), *members(events.Passing)):
        assert allowed.fullmatch(example(word).audience()), word


def test_secrets_of_a_sale_are_never_for_everyone() -> None:
    """A field that holds a maximum, a reserve, a cost or a basket is in no event that everyone receives."""
    secret = {
        "max_cents",
        "reserve_cents",
        "cost_cents",
        "backstage",
        "total_cents",
        "limit_cents",
        "seed_kept",
        "note",
    }
    public_by_rule = {
        # The price of a runner-up's offer goes to that buyer only; a seed is public once drawn.
        "giveaway_drawn"
    }
    for word in members(events.Event):
        audience = example(word).audience()
        shown = secret & set(word.__struct_fields__)
        if shown and tag_of(word) not in public_by_rule:
            assert audience != "everyone", (word, shown)


def test_public_edits_carry_no_backstage_field_of_their_own() -> None:
    """LotEdited is for everyone: its `changes` may hold backstage fields by type, so the rule must split them."""
    assert words.BACKSTAGE_FIELDS <= set(words.LotChanges.__struct_fields__)
    assert events.LotEdited.AUDIENCE == "everyone"
    assert events.LotBackstageEdited.AUDIENCE == "backstage"
    assert not words.BACKSTAGE_FIELDS & set(words.Lot.__struct_fields__)


def test_the_capability_table_is_sane() -> None:
    for word in members(commands.Command):
        assert word.BY <= ROLES, word
    bidding = (commands.PlaceBid, commands.SetPreBid, commands.BuyNow, commands.EnterGiveaway, commands.MakeOffer)
    for word in bidding:
        assert word.BY == words.BUYERS, "rule 13: staff of a show cannot bid on it"
    for word in (commands.StartAuction, commands.WithdrawRun, commands.VoidRun, commands.VoidSale, commands.ImportLots):
        assert word.BY == words.BACKSTAGE, word
    for word in (commands.RingBell, commands.LapseTimers, commands.ReturnPlatform, commands.HaltRun, commands.OpenShow):
        assert word.BY == frozenset(), "said by the platform itself"
    for word in (commands.GoLive, commands.EndShow):
        assert word.BY == frozenset({"owner"}), word
    # Whatever a moderator or buyer may say, those above them in the room may say too (buyers' own acts apart).
    for word in members(commands.Command):
        if "moderator" in word.BY:
            assert words.STAFF <= word.BY, word
        if "producer" in word.BY:
            assert "owner" in word.BY, word


def test_the_words_import_nothing_of_ours_and_no_io() -> None:
    code = (
        "import sys, seller_console.contract.codec, seller_console.contract.routes, seller_console.contract.openapi\n"
        "ours = [m for m in sys.modules if m.startswith('seller_console.') and '.contract' not in m]\n"
        "io = [m for m in ('asyncio', 'socket', 'sqlite3', 'PySide6', 'httpx', 'av') if m in sys.modules]\n"
        "sys.exit(str(ours + io) if ours or io else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_the_preview_header_is_as_written() -> None:
    header = media.Preview.HEADER
    assert header.size == media.Preview.HEADER_BYTES
    assert media.Preview.SLOT_HEADER.size == media.Preview.SLOT_HEADER_BYTES
    packed = header.pack(media.Preview.MAGIC, 1, 3, 360, 640, 1440, 7, 921_632, 2)
    assert int.from_bytes(packed[media.Preview.LATEST_OFFSET :][:4], "little") == 2


def test_the_golden_file_is_what_its_script_would_write() -> None:
    """Nobody edits it by hand: sorted, one line a word."""
    text = golden.FILE.read_text("utf-8")
    assert text == json.dumps(json.loads(text), ensure_ascii=False, indent=0, sort_keys=True) + "\n"
