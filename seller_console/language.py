"""Which language a person at this machine reads: French or English, decided once a start.

The console speaks French unless the system says another language; then English.
SELLER_CONSOLE_LANGUAGE=fr|en decides it by hand.
"""

from __future__ import annotations

import locale
import os
import re
from collections.abc import Mapping
from typing import Literal

Language = Literal["fr", "en"]


def language(environ: Mapping[str, str] = os.environ) -> Language:
    """The first of: our own variable, the POSIX variables in their order, the system's locale."""
    named = [environ.get(name, "") for name in ("SELLER_CONSOLE_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")]
    if not any(named):
        named = [_system()]
    spoken = [name for name in named if name and not _says_nothing(name)]
    return "fr" if not spoken or spoken[0].lower().startswith("fr") else "en"


def _system() -> str:
    """Windows and programs started from a dock have no POSIX variables."""
    try:
        return locale.getlocale()[0] or ""
    except ValueError:
        return ""


def _says_nothing(name: str) -> bool:
    """The "C" locales name no language."""
    return name.split(".")[0].upper() in {"C", "POSIX"}


def typeset(french: str) -> str:
    """French spacing: a narrow no-break space before ! ? : ; » € % and after «."""
    return re.sub(r" (?=[:;!?»€%])|(?<=«) ", "\u202f", french)


def either(french: str, english: str) -> str:
    """Whichever this machine's reader reads."""
    return typeset(french) if language() == "fr" else english
