"""Who is asking, for which show, with what: the same reading of a request everywhere.

Every function answers what it was asked or raises Problem.
"""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from ..contract import routes
from ..contract.codec import encode
from ..contract.words import Who
from . import limits
from .doors import Problem, body_of, from_elsewhere, kind_of
from .log import LogUnwritable, NewerLog
from .shop import Room, Shop

JSON = "application/json"


def shop_of(request: Request) -> Shop:
    return request.app.state.shop  # type: ignore[no-any-return]


async def room_of(request: Request) -> Room:
    """A show that is not open is opened for who has a pass of it, and does not exist for others."""
    shop, show = shop_of(request), request.path_params["show"]
    room = shop.rooms.get(show)
    if room is None and shop.has(show):
        token = bearer_of(request) or request.cookies.get(routes.BUYER_COOKIE, "")
        if shop.passes.who(token, show, shop.clock.now_ms()) is not None:
            try:
                room = await shop.room(show)
            except LogUnwritable as error:
                raise Problem("log_unwritable", headers={"Retry-After": "5"}) from error
            except NewerLog as error:
                raise Problem("no_show") from error
    if room is None:
        raise Problem("no_show")
    room.asked()
    return room


def address_of(request: Request) -> str:
    return request.client.host if request.client else ""


def bearer_of(request: Request) -> str:
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def who_of(request: Request, show: str) -> Who:
    """From the bearer, or the cookie (then an unsafe request must come from our own page)."""
    shop = shop_of(request)
    token = bearer_of(request)
    if not token:
        token = request.cookies.get(routes.BUYER_COOKIE, "")
        if not token:
            raise Problem("no_pass", headers={"WWW-Authenticate": "Bearer"})
        if request.method not in {"GET", "HEAD"} and from_elsewhere(request):
            raise Problem("foreign_origin")
    who = shop.passes.who(token, show, shop.clock.now_ms())
    if who is None:
        limit(request, limits.WRONG_PASSES, address_of(request))
        raise Problem("wrong_pass", headers={"WWW-Authenticate": "Bearer"})
    return as_known(shop.rooms.get(show), who)


def as_known(room: Room | None, who: Who) -> Who:
    """By the name this show gave them (a second Julie is "Julie 2")."""
    person = room.sales.state.people.get(who.person) if room is not None else None
    return msgspec.structs.replace(who, nickname=person.nickname) if person is not None else who


def limit(request: Request, rate: limits.Rate, whom: str, amount: float = 1) -> None:
    wait_s = shop_of(request).limits.take(rate, whom, amount)
    if wait_s:
        raise Problem("too_often", headers={"Retry-After": str(wait_s)}, wait_s=wait_s)


def limit_address(request: Request, rate: limits.Rate) -> None:
    wait_s = shop_of(request).limits.take_of_address(rate, address_of(request))
    if wait_s:
        raise Problem("too_often", headers={"Retry-After": str(wait_s)}, wait_s=wait_s)


def need_role(who: Who, roles: frozenset[Any]) -> None:
    if who.role not in roles:
        raise Problem("not_allowed")


async def json_of(request: Request, most: int = routes.COMMAND_BYTES) -> dict[str, Any]:
    """A JSON object."""
    if kind_of(request) != JSON:
        raise Problem("media_type", expected=JSON)
    raw = await body_of(request, most)
    try:
        found = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem("unreadable", why=str(error)) from error
    if not isinstance(found, dict):
        raise Problem("unreadable", why="il faut un objet JSON")
    return found


def text_of(found: dict[str, Any], name: str, most: int, default: str = "") -> str:
    value = found.get(name, default)
    if not isinstance(value, str) or len(value) > most:
        raise Problem("unreadable", why=f"« {name} » doit être un texte de {most} caractères au plus")
    return value


def answer_json(word: Any, status: int = 200, **headers: str) -> Response:
    return Response(encode(word), status, media_type=JSON, headers={"Cache-Control": "no-store", **headers})
