"""Who somebody is, and what that lets them do: passes, and the one capability check.

A pass is 256 random bits, kept only as its SHA-256, good for one show (or, the
owner's, for all), one role and a time. The stream key is no pass: it opens WHIP
and nothing else. `may_say` is the only place where a role meets a command.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from typing import cast

from ..contract.words import PersonId, Role, ShowId, Struct, Who
from .log import KeptPass

ANY_SHOW = "*"
OWNER = Who(person="owner", role="owner", nickname="Vendeur")
DAY_MS = 24 * 3600 * 1000
LASTS_MS: dict[Role, int] = {"owner": 0, "producer": 30 * DAY_MS, "moderator": 30 * DAY_MS, "buyer": 7 * DAY_MS}


def new_token() -> str:
    """Never with a hyphen in front: after `--pass` or `--token` it would be read as an option."""
    while (token := secrets.token_urlsafe(32)).startswith("-"):
        pass
    return token


def new_person(role: Role) -> PersonId:
    return f"{role[0]}{secrets.token_hex(5)}"


def token_hash(token: str) -> bytes:
    """Tokens are random: a plain hash is enough, there is nothing to guess."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def same_secret(offered: str, kept: str) -> bool:
    return hmac.compare_digest(token_hash(offered), token_hash(kept))


def may_say(who: Who, command: Struct) -> bool:
    """The capability table (contract.commands, BY). Empty: the platform only, hence nobody."""
    return who.role in type(command).BY  # type: ignore[attr-defined]


class Passes:
    """All passes of this platform, by show. Kept in the show's own log (see Turn.kept_pass)."""

    def __init__(self, owner_token: str) -> None:
        self._owner_hash = token_hash(owner_token)
        self._by_hash: dict[tuple[ShowId, bytes], KeptPass] = {}

    def learn(self, show: ShowId, kept: Iterable[KeptPass]) -> None:
        for known in kept:
            self._by_hash[show, known.token_hash] = known

    def make(self, role: Role, person: PersonId, nickname: str, now_ms: int, lasting: str = "") -> tuple[str, KeptPass]:
        """A token for its holder, and what to keep. Valid once `learn` has been told (after its commit).
        `lasting`: the holder's token as a regular (regulars.py)."""
        token = new_token()
        regular_hash = token_hash(lasting) if lasting else b""
        return token, KeptPass(token_hash(token), person, role, nickname, now_ms + LASTS_MS[role], regular_hash)

    def who(self, token: str, show: ShowId, now_ms: int) -> Who | None:
        """None: unknown, expired, or of another show."""
        if not token or len(token) > 200:
            return None
        hashed = token_hash(token)
        if hmac.compare_digest(hashed, self._owner_hash):
            return OWNER
        kept = self._by_hash.get((show, hashed))
        if kept is None or kept.expires_ms <= now_ms:
            return None
        return Who(person=kept.person, role=cast(Role, kept.role), nickname=kept.nickname)
