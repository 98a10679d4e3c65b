"""The sentences of the program, read from resources/locale: for the window, and for what is said without one.

French is the reference, English complete. Refuses: a key that is in neither (KeyError: a bug, found by the tests).
"""

from __future__ import annotations

import json
from functools import lru_cache

from . import places
from .language import Language

NARROW = "\u202f"
MINUS = "−"


@lru_cache(maxsize=4)
def catalogue(language: Language) -> dict[str, str]:
    path = places.resources() / "locale" / f"{language}.json"
    loaded: dict[str, str] = json.loads(path.read_text("utf-8"))
    return loaded


def sentence(language: Language, key: str, /, **values: object) -> str:
    """The sentence for `key`, its {names} filled in."""
    words = catalogue(language).get(key)
    if words is None:
        words = catalogue("fr")[key]
    return words.format(**values) if values else words


def first_of(language: Language, *keys: str) -> str:
    """The first of these keys that has a sentence, "" when none has."""
    known = catalogue(language)
    return next((key for key in keys if key in known), "")


def decimal(language: Language, number: float, digits: int = 1) -> str:
    """4,2 / 4.2."""
    text = f"{abs(number):,.{digits}f}"
    if language == "fr":
        text = text.replace(",", NARROW).replace(".", ",")
    negative = number < 0 and any(figure in "123456789" for figure in text)
    return (MINUS if negative else "") + text


def trouble(language: Language, code: str, subject: str, detail: str, device: str) -> str:
    """What is wrong, with what. `device`: the spec of the one it is about."""
    kind = device.partition(":")[0]
    key = first_of(language, f"trouble.{code}.{kind}", f"trouble.{code}", "trouble.other")
    subject = subject or sentence(language, "trouble.subject")
    said = sentence(language, key, subject=subject, detail=detail, code=code)
    why = first_of(language, f"detail.{detail}")
    return f"{said} ({sentence(language, why)})" if why else said


def with_cost(language: Language, said: str, code: str, detail: str) -> str:
    """ "Caméra C920 figée — les acheteurs voient une image fixe"."""
    cost = first_of(language, f"trouble.{code}.{detail}.cost", f"trouble.{code}.cost")
    return f"{said} — {sentence(language, cost)}" if cost else said
