"""WHIP and WHEP as HTTP: RFC 9725, and what real clients need beyond it.

OBS takes only 201, wants an absolute-path Location and exactly 200 for DELETE, and
waits 8 s; browsers need Location, Link and ETag exposed and PATCH and DELETE in
the preflight. The media itself is the relay's (relay.py). A publisher shows the
stream key and nothing else; a viewer shows a pass of the show.
"""

from __future__ import annotations

import contextlib
import logging

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..contract import routes
from . import limits
from .asking import address_of, bearer_of, limit, limit_address, room_of, shop_of, who_of
from .doors import Problem, body_of, kind_of, problem_response
from .media_sessions import Holder
from .passes import same_secret
from .relay import Relay, RelayRefused, Session
from .salesroom import Unavailable
from .shop import Room

logger = logging.getLogger(__name__)

SDP = "application/sdp"
FRAGMENT = "application/trickle-ice-sdpfrag"

_REFUSED = {
    "bad_offer": "bad_sdp",
    "no_common_codec": "not_acceptable",
    "no_session": "not_found",
    "etag_mismatch": "etag_mismatch",
    "bad_fragment": "bad_sdp",
    "ice_restart": "ice_restart",
    "full": "full",
    "unavailable": "media_unavailable",
}
_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Location, Link, ETag, Accept-Post, Accept-Patch, Retry-After",
}
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "POST, PATCH, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, If-Match",
    "Access-Control-Max-Age": "86400",
}


def _publisher(request: Request, room: Room) -> str:
    """The stream key, checked; whom to count."""
    token = bearer_of(request)
    if not token:
        raise Problem("no_pass", headers={"WWW-Authenticate": "Bearer"}, sentence="Il manque la clé de diffusion.")
    if not same_secret(token, shop_of(request).keys.stream_key):
        limit(request, limits.WRONG_PASSES, address_of(request))
        raise Problem(
            "wrong_pass", headers={"WWW-Authenticate": "Bearer"}, sentence="Cette clé de diffusion n’est pas la bonne."
        )
    return "publisher"


def _viewer(request: Request, room: Room) -> str:
    return who_of(request, room.show_id).person


async def _door(request: Request) -> tuple[str, Room, str]:
    """("whip" | "whep", the room, whom)"""
    room = await room_of(request)
    door = "whip" if request.url.path.startswith("/whip/") else "whep"
    return door, room, _publisher(request, room) if door == "whip" else _viewer(request, room)


def _translated(refused: RelayRefused) -> Problem:
    logger.info("relay_refused code=%s detail=%r", refused.code, refused.detail)
    code = _REFUSED.get(refused.code, "media_unavailable")
    headers = {"Retry-After": "1"} if code in {"media_unavailable", "full"} else {}
    return Problem(code, headers=headers, why=refused.detail) if code == "bad_sdp" else Problem(code, headers=headers)


async def _opened(request: Request) -> Response:
    door, room, whom = await _door(request)
    if kind_of(request) != SDP:
        raise Problem("media_type", headers={"Accept-Post": SDP}, expected=SDP)
    if door == "whep":
        limit_address(request, limits.ADDRESS_MEDIA)
    limit(request, limits.PUBLISH if door == "whip" else limits.MEDIA, f"{room.show_id} {whom}")
    raw = await body_of(request, routes.SDP_BYTES)
    try:
        offer = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Problem("bad_sdp", status=400, why="pas du texte UTF-8") from error
    if not offer.startswith("v=0"):
        raise Problem("bad_sdp", status=400, why="elle commence par v=0")
    if room.sales.state.status == "ended" and door == "whip":
        raise Problem("show_ended", sentence="Le live est terminé.", status=409)
    if room is not shop_of(request).current:
        raise Problem("not_current")
    relay: Relay = request.app.state.relay
    media, holder = shop_of(request).media, Holder(door, room.show_id, whom, address_of(request))
    if not media.reserve(holder):
        raise Problem("full", headers={"Retry-After": "10"})
    try:
        session: Session = await (relay.ingest(offer) if door == "whip" else relay.view(offer))
    except RelayRefused as refused:
        media.give_up(holder)
        raise _translated(refused) from refused
    except BaseException:
        media.give_up(holder)
        raise
    for older in media.add(session.session_id, holder):
        with contextlib.suppress(RelayRefused):  # a relay that is away has closed it
            await relay.close_session(older)
    path = routes.WHIP_SESSION if door == "whip" else routes.WHEP_SESSION
    headers = {
        "Location": routes.at(path, room.show_id, session=session.session_id),
        "ETag": session.etag,
        "Accept-Patch": FRAGMENT,
        "Cache-Control": "no-store",
    }
    response = Response(session.answer_sdp, 201, media_type=SDP, headers=headers)
    for server in request.app.state.ice_servers:
        response.headers.append("Link", f'<{server}>; rel="ice-server"')
    return response


async def _own_session(request: Request) -> tuple[str, str]:
    """(its id, whom)"""
    door, room, whom = await _door(request)
    session_id: str = request.path_params["session"]
    if not shop_of(request).media.is_of(session_id, door, room.show_id, whom):
        raise Problem("not_found")
    return session_id, f"{room.show_id} {whom}"


async def _patched(request: Request) -> Response:
    """Trickle ICE: 204. An ICE restart is refused (422): the client opens a new session."""
    session_id, whom = await _own_session(request)
    limit(request, limits.TRICKLE, whom)
    if kind_of(request) != FRAGMENT:
        raise Problem("media_type", headers={"Accept-Patch": FRAGMENT}, expected=FRAGMENT)
    if_match = request.headers.get("if-match")
    if if_match is None:
        raise Problem("no_if_match")
    raw = await body_of(request, routes.SDP_BYTES)
    try:
        await request.app.state.relay.patch(session_id, raw.decode("utf-8", "replace"), if_match)
    except RelayRefused as refused:
        raise _translated(refused) from refused
    return Response(status_code=204)


async def _closed(request: Request) -> Response:
    session_id, _ = await _own_session(request)
    shop_of(request).media.forget(session_id)
    try:
        found = await request.app.state.relay.close_session(session_id)
    except RelayRefused as refused:
        raise _translated(refused) from refused
    if not found:
        raise Problem("not_found")
    return Response(status_code=200)


async def _answered(request: Request) -> Response:
    """Every answer of these doors, refusals too, may be read by another site's player."""
    try:
        if request.method == "OPTIONS":
            await room_of(request)
            accepts = {"Accept-Post": SDP} if "session" not in request.path_params else {"Accept-Patch": FRAGMENT}
            response = Response(status_code=204, headers={**_PREFLIGHT, **accepts})
        elif request.method == "POST":
            response = await _opened(request)
        elif request.method == "PATCH":
            response = await _patched(request)
        elif request.method == "DELETE":
            response = await _closed(request)
        else:
            allowed = "PATCH, DELETE, OPTIONS" if "session" in request.path_params else "POST, OPTIONS"
            raise Problem("method", headers={"Allow": allowed})
    except Problem as problem:
        response = problem_response(problem)
    except Unavailable as error:
        response = problem_response(Problem(error.code, headers={"Retry-After": str(error.retry_after_s)}))
    response.headers.update(_CORS)
    return response


async def _resource(request: Request) -> Response:
    if request.method in {"PATCH", "DELETE"}:
        response = problem_response(Problem("method", headers={"Allow": "POST, OPTIONS"}))
        response.headers.update(_CORS)
        return response
    return await _answered(request)


async def _session(request: Request) -> Response:
    if request.method == "POST":
        response = problem_response(Problem("method", headers={"Allow": "PATCH, DELETE, OPTIONS"}))
        response.headers.update(_CORS)
        return response
    return await _answered(request)


_ALL = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
ROUTES = [
    Route(routes.WHIP, _resource, methods=_ALL),
    Route(routes.WHEP, _resource, methods=_ALL),
    Route(routes.WHIP_SESSION, _session, methods=_ALL),
    Route(routes.WHEP_SESSION, _session, methods=_ALL),
]
