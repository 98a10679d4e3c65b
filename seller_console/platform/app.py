"""The doors of the platform: each route of contract/routes.py, and nothing a rule could say.

A handler reads the pass, decodes, asks, encodes. What may be refused before that is
in doors.py; who may say what in passes.py; what a command does in the salesroom.
"""

from __future__ import annotations

import asyncio
import logging
import mimetypes
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from .. import __version__
from ..contract import VERSION, routes
from ..contract import commands as c
from ..contract.codec import Unreadable, decode_command
from ..contract.words import BACKSTAGE, Accepted, Refusal, Who
from ..sale.text import NICKNAME_LENGTH
from . import limits, pairing, pictures, routes_media
from .asking import (
    JSON,
    answer_json,
    as_known,
    json_of,
    limit,
    limit_address,
    need_role,
    room_of,
    shop_of,
    text_of,
    who_of,
)
from .doors import Doors, Problem, body_of, from_elsewhere, host_names, kind_of, problem_response, refused
from .passes import DAY_MS, may_say
from .regulars import lasting_token
from .relay import Relay
from .salesroom import Unavailable
from .shop import Room, Shop, TitleRefused
from .wire import wire_of

logger = logging.getLogger(__name__)

KEY_MAX = 200
SIMULATED = "(simulé)"
NICKNAME_KEPT = NICKNAME_LENGTH - len(SIMULATED) - 1
REGULAR_DAYS = 400
"""The longest a browser keeps a cookie; each entry renews it."""
# Some systems' registries know these wrong, and a browser then runs no module.
for _ending, _kind in {".js": "text/javascript", ".css": "text/css", ".woff2": "font/woff2"}.items():
    mimetypes.add_type(_kind, _ending)


# --- small doors -----------------------------------------------------------------------


async def health(request: Request) -> Response:
    said = {"ok": True, "contract": VERSION, "version": __version__, "show_id": shop_of(request).keys.current_show}
    lan_url = request.app.state.lan_url
    return answer_json({**said, "lan_url": lan_url} if lan_url else said)


async def time_now(request: Request) -> Response:
    return answer_json({"server_ms": shop_of(request).clock.now_ms()})


async def openapi(request: Request) -> Response:
    from ..contract.openapi import document

    return answer_json(document())


async def home_page(request: Request) -> Response:
    return RedirectResponse(routes.at(routes.BUYER_PAGE, shop_of(request).keys.current_show), 307)


async def buyer_page(request: Request) -> Response:
    if not shop_of(request).has(request.path_params["show"]):
        raise Problem("no_show")
    page = request.app.state.resources / "buyer" / "index.html"
    return FileResponse(page, media_type="text/html; charset=utf-8", headers={"Cache-Control": "no-cache"})


# --- shows ------------------------------------------------------------------------------------


def show_face(room: Room) -> dict[str, Any]:
    state = room.sales.state
    return {
        "show_id": room.show_id,
        "title": state.title,
        "status": state.status,
        "rehearsal": state.rehearsal,
        "opened_at": state.opened_at,
        "live_at": state.live_at,
        "ended_at": state.ended_at,
    }


async def shows(request: Request) -> Response:
    shop = shop_of(request)
    who = who_of(request, shop.keys.current_show)
    if request.method == "POST":
        need_role(who, frozenset({"owner"}))
        title = text_of(await json_of(request), "title", 80).strip() or "Mon live"
        try:
            room = await shop.open_show(title)
        except TitleRefused as error:
            raise refused(error.refusal) from error
        return answer_json(show_face(room), 201, Location=routes.at(routes.SHOW, room.show_id))
    need_role(who, BACKSTAGE)
    if who.role != "owner":
        return answer_json({"shows": [show_face(room) for room in [shop.current] if room is not None]})
    return answer_json({"shows": [{"show_id": name} for name in shop.show_ids()]})


async def show(request: Request) -> Response:
    """Its public face, for anyone with the address."""
    return answer_json(show_face(await room_of(request)))


def simulated(room: Room, nickname: str) -> str:
    """A made-up buyer enters a rehearsal only, and is called one on every screen."""
    state = room.sales.state
    if state.status != "live" or not state.rehearsal:
        raise Problem("not_a_rehearsal")
    return f"{nickname.strip()[:NICKNAME_KEPT]} {SIMULATED}"


async def join(request: Request) -> Response:
    room, shop = await room_of(request), shop_of(request)
    if from_elsewhere(request):
        raise Problem("foreign_origin")
    found = await json_of(request)
    nickname, invite = text_of(found, "nickname", 200), text_of(found, "invite", 100)
    if found.get("simulated"):
        nickname = simulated(room, nickname)
    token = request.cookies.get(routes.BUYER_COOKIE, "")
    known = shop.passes.who(token, room.show_id, shop.clock.now_ms()) if token else None
    if known is not None:
        known = as_known(room, known)
        again = await room.sales.say(known, c.Join())
        if isinstance(again, Refusal):
            raise refused(again)
        return answer_json(known)
    limit_address(request, limits.JOINS)
    lasting = lasting_token(request.cookies.get(routes.REGULAR_COOKIE, ""))
    admitted = await shop.admit(room, "buyer", nickname.strip(), invite, lasting)
    if isinstance(admitted, Refusal):
        raise refused(admitted)
    token, who = admitted
    answer = answer_json(as_known(room, who))
    for name, value, days, path in (
        (routes.BUYER_COOKIE, token, 7, "/"),
        (routes.REGULAR_COOKIE, lasting, REGULAR_DAYS, "/api"),
    ):
        answer.set_cookie(
            name,
            value,
            max_age=days * DAY_MS // 1000,
            path=path,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
    return answer


async def commands(request: Request) -> Response:
    room = await room_of(request)
    who = who_of(request, room.show_id)
    if who.role == "buyer":
        limit_address(request, limits.ADDRESS_COMMANDS)
    key = request.headers.get(routes.IDEMPOTENCY_KEY, "")
    if not 0 < len(key) <= KEY_MAX:
        raise Problem("no_key")
    if kind_of(request) != JSON:
        raise Problem("media_type", expected=JSON)
    most = routes.IMPORT_BYTES if who.role in BACKSTAGE else routes.COMMAND_BYTES
    raw = await body_of(request, most)
    if len(raw) > routes.COMMAND_BYTES and b'"import_lots"' not in raw:
        raise Problem("too_large", most=routes.COMMAND_BYTES)
    try:
        command = decode_command(raw)
    except Unreadable as error:
        raise Problem("unreadable", why=str(error)) from error
    if len(raw) > routes.COMMAND_BYTES and not isinstance(command, c.ImportLots):
        raise Problem("too_large", most=routes.COMMAND_BYTES)
    if not may_say(who, command):
        raise Problem("not_allowed")
    limit(request, rate_of(who, command), who.person)
    answer = await room.sales.say(who, command, key)
    if isinstance(answer, Accepted):
        return answer_json(answer)
    raise refused(answer)


def rate_of(who: Who, command: Any) -> limits.Rate:
    if who.role != "buyer":
        return limits.STAFF_COMMANDS
    if isinstance(command, c.PlaceBid):
        return limits.BIDS
    return limits.CHAT if isinstance(command, c.Say) else limits.COMMANDS


def limit_reads(request: Request, who: Who) -> None:
    if who.role == "buyer":
        limit_address(request, limits.ADDRESS_READS)
        limit(request, limits.READS, who.person)


async def get_brief(request: Request) -> Response:
    room = await room_of(request)
    who = who_of(request, room.show_id)
    limit_reads(request, who)
    return answer_json(await room.briefs.of(who))


async def editing(request: Request) -> Response:
    room = await room_of(request)
    who = who_of(request, room.show_id)
    need_role(who, BACKSTAGE)
    limit(request, limits.STAFF_COMMANDS, who.person)
    found = await json_of(request)
    lot_id = found.get("lot_id")
    if lot_id is not None and (not isinstance(lot_id, str) or len(lot_id) > 64):
        raise Problem("unreadable", why="« lot_id » doit être un texte ou null")
    room.editing(who, lot_id)
    return Response(status_code=204)


class FeedDoor:
    """GET FEED, as ASGI: the head goes out by `send`, rows by the wire."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        if request.method not in {"GET"}:
            raise Problem("method", headers={"Allow": "GET"})
        room = await room_of(request)
        who = who_of(request, room.show_id)
        limit_reads(request, who)
        raw = request.headers.get(routes.LAST_EVENT_ID) or request.query_params.get("after") or "0"
        if not (raw.isascii() and raw.isdecimal()) or len(raw) > 18:
            raise Problem("unreadable", why="Last-Event-ID doit être un numéro")
        after = int(raw)
        if after > room.feed.head:
            # A command's answer and its row leave together, but by two roads.
            await room.sales.certain(lambda: None)
            if after > room.feed.head:
                raise Problem("feed_ahead", head=room.feed.head)
        wire = wire_of(scope)
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [
                    (b"content-type", b"text/event-stream; charset=utf-8"),
                    (b"cache-control", b"no-store"),
                    (b"connection", b"close"),
                ],
            }
        )
        reader = await room.feed.attach(who, wire, after)
        if reader is None:
            return
        for event in room.greeting(who):
            room.feed.pass_to(reader, event)
        try:
            while (await receive())["type"] != "http.disconnect":
                continue
        finally:
            room.feed.detach(reader)
            wire.end()


class Pages(StaticFiles):
    """The page's files: asked about each time, so that a new version is seen at once."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "no-cache"
        return response


# --- the application -----------------------------------------------------------------------------


async def say_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return problem_response(error)


async def say_unavailable(request: Request, error: Exception) -> Response:
    assert isinstance(error, Unavailable)
    return problem_response(Problem(error.code, headers={"Retry-After": str(error.retry_after_s)}))


async def say_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = {404: "not_found", 405: "method", 413: "too_large"}.get(error.status_code, "not_found")
    return problem_response(Problem(code, headers=error.headers or {}, status=error.status_code))


async def say_bug(request: Request, error: Exception) -> Response:
    logger.error("request_failed path=%s", request.url.path, exc_info=error)
    return problem_response(Problem("bug"))


def make_app(
    shop: Shop,
    relay: Relay,
    resources: Path,
    *,
    hosts: frozenset[str] = frozenset(),
    ice_servers: tuple[str, ...] = (),
    lan_url: str = "",
) -> Starlette:
    """The ASGI application; `hosts` are names it answers to beside loopback."""
    app = Starlette(
        routes=[
            Route("/", home_page),
            Route(routes.HEALTH, health),
            Route(routes.TIME, time_now),
            Route(routes.OPENAPI, openapi),
            Route(routes.SHOWS, shows, methods=["GET", "POST"]),
            Route(routes.SHOW, show),
            Route(routes.JOIN, join, methods=["POST"]),
            Route(routes.COMMANDS, commands, methods=["POST"]),
            Route(routes.FEED, FeedDoor()),
            Route(routes.BRIEF, get_brief),
            Route(routes.EDITING, editing, methods=["PUT"]),
            Route(routes.PICTURES, pictures.upload, methods=["POST"]),
            Route(routes.PICTURE, pictures.show),
            Route(routes.PAIRING, pairing.open_door, methods=["POST"]),
            Route(routes.PAIRING_CLAIM, pairing.claim, methods=["POST"]),
            *routes_media.ROUTES,
            Route(routes.BUYER_PAGE, buyer_page),
            Mount(routes.STATIC, GZipMiddleware(StaticFiles(directory=resources / "buyer", check_dir=False))),
        ],
        middleware=[Middleware(Doors, hosts=host_names(hosts))],
        exception_handlers={
            Problem: say_problem,
            Unavailable: say_unavailable,
            HTTPException: say_http,
            Exception: say_bug,
        },
    )
    app.state.shop = shop
    app.state.relay = relay
    app.state.resources = resources
    app.state.codes = pairing.Codes(shop.clock.now_ms)
    app.state.ice_servers = ice_servers
    app.state.lan_url = lan_url
    app.state.drawing = asyncio.Semaphore(pictures.AT_ONCE)
    app.state.in_hand = asyncio.Semaphore(pictures.IN_HAND)
    app.state.pictures = shop.home / "pictures"
    return app
