"""Refusals: stable codes, plain French, facts that match."""

from __future__ import annotations

import ast
import re
import string
from pathlib import Path

import pytest

import seller_console.sale
from seller_console.sale.refusals import SENTENCES, money, refuse

FILES = sorted(Path(seller_console.sale.__file__).parent.glob("*.py"))


def calls() -> list[tuple[str, set[str]]]:
    """Every `refuse("code", …)` of the rules and the facts it is given."""
    found = []
    for file in FILES:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "refuse":
                codes = [n.value for n in ast.walk(node.args[0]) if isinstance(n, ast.Constant)]
                facts = {keyword.arg or "" for keyword in node.keywords}
                found += [
                    (code, facts) for code in codes if code in SENTENCES or isinstance(node.args[0], ast.Constant)
                ]
    return found


def test_every_code_has_a_sentence_and_every_sentence_its_facts() -> None:
    for code, facts in calls():
        assert code in SENTENCES, code
        words = facts | {fact.removesuffix("_cents") for fact in facts} | {fact.removesuffix("_ms") for fact in facts}
        needed = {name for _, name, _, _ in string.Formatter().parse(SENTENCES[code]) if name}
        assert needed <= words, (code, needed - words)


def test_no_sentence_is_left_over() -> None:
    assert {code for code, _ in calls()} == set(SENTENCES)


@pytest.mark.parametrize("code", SENTENCES)
def test_sentences_are_french_as_it_is_printed(code: str) -> None:
    sentence = SENTENCES[code]
    assert sentence.endswith("."), sentence
    assert not re.search(r"(?<!\u202f)(?<!/)[!?;:€%»](?!//)", sentence), sentence
    assert "'" not in sentence, "a curved apostrophe"
    assert not re.search(r"\b(tu|ton|ta|tes|toi)\b", sentence, re.I)


@pytest.mark.parametrize(
    ("cents", "currency", "written"),
    [
        (100, "EUR", "1\u202f€"), (1_050_00, "EUR", "1\u202f050\u202f€"), (12_50, "EUR", "12,50\u202f€"),
        (5, "USD", "0,05\u202f$"), (-2_00, "GBP", "-2\u202f£"), (1_000_000_00, "EUR", "1\u202f000\u202f000\u202f€"),
    ],
)  # fmt: skip
def test_money_is_written_as_in_french(cents: int, currency: str, written: str) -> None:
    assert money(cents, currency) == written  # type: ignore[arg-type]


def test_a_refusal_carries_its_facts_and_words_them() -> None:
    refusal = refuse("low", need_cents=47_00)
    assert (refusal.code, refusal.facts) == ("low", {"need_cents": 47_00})
    assert refusal.sentence == "Il faut maintenant 47\u202f€ au moins."
    assert refuse("slow_mode", wait_ms=1).sentence == "Mode lent\u202f: encore 1\u202fs."
