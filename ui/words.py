"""The words on screen, and how numbers are written: French is the reference, English complete.

Promises: `t(key)` is a sentence in the language of the system (or the one chosen
by `use`); money, clocks, rates and sizes are written the way each language does,
with a narrow no-break space (U+202F) before € ! ? : ; in French. Refuses: a key
that is in neither catalogue (KeyError: a bug, found by the tests).
"""

from __future__ import annotations

import os

from PySide6.QtCore import QLocale

from seller_console import catalogue as shared
from seller_console.catalogue import MINUS, catalogue
from seller_console.catalogue import NARROW as NARROW
from seller_console.language import Language

_language: Language | None = None


def system_language() -> Language:
    """The first of the system's languages that we speak; French when it says nothing.

    SELLER_CONSOLE_LANGUAGE=fr or en decides before the system.
    """
    asked = os.environ.get("SELLER_CONSOLE_LANGUAGE", "")
    if asked in ("fr", "en"):
        return "fr" if asked == "fr" else "en"
    names = [name.lower() for name in QLocale.system().uiLanguages() if name.lower() not in ("c", "posix", "")]
    for name in names:
        if name.startswith("fr"):
            return "fr"
        if name.startswith("en"):
            return "en"
    return "en" if names else "fr"


def use(language: Language | None) -> None:
    """None: what the system speaks."""
    global _language
    _language = language


def language() -> Language:
    global _language
    if _language is None:
        _language = system_language()
    return _language


def known(key: str) -> bool:
    return key in catalogue(language())


def t(key: str, /, **values: object) -> str:
    """The sentence for `key`, its {names} filled in."""
    return shared.sentence(language(), key, **values)


def tn(key: str, count: int, /, **values: object) -> str:
    """The singular (`key.one`) or the plural (`key.other`); {count} is written with its thousands."""
    single = count < 2 if language() == "fr" else count == 1
    return t(f"{key}.{'one' if single else 'other'}", count=whole(count), **values)


# --- numbers ------------------------------------------------------------------------


def whole(number: int) -> str:
    """1 050 / 1,050."""
    text = f"{abs(number):,}"
    if language() == "fr":
        text = text.replace(",", NARROW)
    return (MINUS if number < 0 else "") + text


def decimal(number: float, digits: int = 1) -> str:
    """4,2 / 4.2."""
    return shared.decimal(language(), number, digits)


_SIGNS = {"EUR": "€", "USD": "$", "GBP": "£"}


def money(cents: int, currency: str = "EUR") -> str:
    """47 € / €47; cents only when there are some: 12,50 € / €12.50."""
    amount = whole(cents // 100) if cents % 100 == 0 else decimal(cents / 100, 2)
    sign = _SIGNS.get(currency, currency)
    return f"{amount}{NARROW}{sign}" if language() == "fr" else f"{sign}{amount}"


def percent(fraction: float, digits: int = 0) -> str:
    """0.92 -> 92 % / 92%."""
    return (
        f"{decimal(fraction * 100, digits)}{NARROW}%" if language() == "fr" else f"{decimal(fraction * 100, digits)}%"
    )


def countdown(ms: float) -> str:
    """What is left of a lot, rounded up: 0:07, 1:30. The last moment reads 0:00."""
    seconds = max(0, -int(-ms // 1000))
    return f"{seconds // 60}:{seconds % 60:02d}"


def elapsed(ms: float) -> str:
    """02:14:37."""
    seconds = max(0, int(ms // 1000))
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def seconds(ms: float) -> str:
    """A duration of a lot: 30 s, 1 min 30."""
    count = round(ms / 1000)
    if count < 90:
        return f"{count}{NARROW}s"
    minutes, rest = divmod(count, 60)
    return f"{minutes}{NARROW}min" + (f"{NARROW}{rest:02d}" if rest else "")


def ago(ms: float) -> str:
    """How long ago, short: 0,4 s · 12 s · 3 min · 2 h."""
    if ms < 9_950:
        return f"{decimal(max(0.0, ms) / 1000, 1)}{NARROW}s"
    count = int(ms // 1000)
    if count < 120:
        return f"{count}{NARROW}s"
    if count < 7_200:
        return f"{count // 60}{NARROW}min"
    return f"{count // 3600}{NARROW}h"


def since(ms: float) -> str:
    """How long something lasts, in whole seconds: 6 s · 3 min · 2 h."""
    count = max(1, int(ms // 1000))
    if count < 120:
        return f"{count}{NARROW}s"
    return f"{count // 60}{NARROW}min" if count < 7_200 else f"{count // 3600}{NARROW}h"


def rate(bits_per_second: float) -> str:
    """4,2 Mb/s · 640 kb/s."""
    if bits_per_second >= 995_000:
        return f"{decimal(bits_per_second / 1e6, 1)}{NARROW}Mb/s"
    return f"{whole(round(bits_per_second / 1000))}{NARROW}kb/s"


def size(count: float) -> str:
    """412 Go / 412 GB (powers of ten)."""
    units = ("o", "ko", "Mo", "Go", "To") if language() == "fr" else ("B", "kB", "MB", "GB", "TB")
    step = 0
    while count >= 1000 and step < len(units) - 1:
        count /= 1000
        step += 1
    text = decimal(count, 1) if step and count < 10 else whole(round(count))
    return f"{text}{NARROW}{units[step]}"


def decibels(level: float) -> str:
    """−14 dB; silence is −∞."""
    if level <= -100:
        return f"{MINUS}∞{NARROW}dB"
    return f"{whole(round(level))}{NARROW}dB"
