"""How another laptop gets its pass: eight digits, two minutes, five tries.

The owner asks for a code with a role; whoever types it first gets the pass. Codes
live in memory: a restart forgets them, and they are worth two minutes.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from ..contract import routes
from ..contract.words import Refusal, Role
from . import limits
from .asking import address_of, answer_json, json_of, limit, need_role, shop_of, text_of, who_of
from .doors import Problem, from_elsewhere, refused

LASTS_MS = 120_000
TRIES = 5
CODES_MAX = 8
_ROLES = frozenset({"producer", "moderator"})


@dataclass
class _Code:
    digits: str
    role: Role
    show_id: str
    expires_ms: int


class Codes:
    """Wrong tries count against every open code: five in all and none is left."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._codes: list[_Code] = []
        self._tries = 0

    def open(self, role: Role, show_id: str) -> tuple[str, int]:
        """(digits, expires_ms)"""
        self._drop_old()
        self._tries = 0
        code = _Code(f"{secrets.randbelow(10**8):08d}", role, show_id, self._now_ms() + LASTS_MS)
        self._codes = [*self._codes[-(CODES_MAX - 1) :], code]
        return code.digits, code.expires_ms

    def look(self, digits: str) -> tuple[Role, str] | None:
        """(role, show); None: wrong, late, or too many tries."""
        self._drop_old()
        for code in self._codes:
            if hmac.compare_digest(code.digits.encode(), digits.encode()):
                return code.role, code.show_id
        self._tries += 1
        if self._tries >= TRIES:
            self._codes.clear()
        return None

    def claim(self, digits: str) -> tuple[Role, str] | None:
        """The same, and the code is used up."""
        found = self.look(digits)
        self._codes = [code for code in self._codes if not hmac.compare_digest(code.digits.encode(), digits.encode())]
        return found

    def _drop_old(self) -> None:
        now = self._now_ms()
        self._codes = [code for code in self._codes if code.expires_ms > now]


async def open_door(request: Request) -> Response:
    """POST PAIRING."""
    shop = shop_of(request)
    who = who_of(request, shop.keys.current_show)
    need_role(who, frozenset({"owner"}))
    role = text_of(await json_of(request), "role", 20, "producer")
    if role not in _ROLES:
        raise Problem("unreadable", why="« role » : producer ou moderator")
    digits, expires_ms = request.app.state.codes.open(role, shop.keys.current_show)
    lan = request.app.state.lan_url
    url = f"{lan or str(request.base_url).rstrip('/')}{routes.PAIRING_CLAIM}"
    return answer_json({"code": digits, "url": url, "expires_ms": expires_ms}, 201)


async def claim(request: Request) -> Response:
    """POST PAIRING_CLAIM."""
    shop = shop_of(request)
    limit(request, limits.PAIRING, address_of(request))
    if from_elsewhere(request):
        raise Problem("foreign_origin")
    found = await json_of(request)
    digits, name = text_of(found, "code", 20).replace(" ", ""), text_of(found, "name", 200).strip()
    codes: Codes = request.app.state.codes
    found_code = codes.look(digits)
    if found_code is None:
        raise Problem("wrong_code")
    role, show_id = found_code
    room = await shop.room(show_id)
    if room is None:
        raise Problem("no_show")
    would = shop.would_admit(room, role, name)
    if would is not None:
        raise refused(would)
    if codes.claim(digits) is None:  # whoever typed it first
        raise Problem("wrong_code")
    admitted = await shop.admit(room, role, name)
    if isinstance(admitted, Refusal):
        raise refused(admitted)
    token, who = admitted
    return answer_json({"pass": token, "show_id": show_id, "person": who.person, "role": who.role, "nickname": name})
