"""The smallest WHIP and WHEP server around a real Relay: no passes, no limits, one page."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from seller_console.platform.relay import Relay, RelayNote, RelayRefused, Session
from seller_console.platform.tls import Certificate

STATUS = {"bad_offer": 400, "no_common_codec": 406, "no_session": 404, "full": 503, "unavailable": 503}


@dataclass
class Door:
    relay: Relay
    url: str
    notes: list[RelayNote] = field(default_factory=list)

    @property
    def whip(self) -> str:
        return f"{self.url}/whip"

    @property
    def whep(self) -> str:
        return f"{self.url}/whep"

    def of(self, kind: type) -> list[RelayNote]:
        return [note for note in self.notes if isinstance(note, kind)]


def _app(relay: Relay) -> Starlette:
    async def answer(session: Session, kind: str) -> Response:
        headers = {"Location": f"/{kind}/{session.session_id}", "ETag": session.etag}
        return Response(session.answer_sdp, 201, headers, "application/sdp")

    async def offered(request: Request) -> Response:
        kind = request.url.path.strip("/")
        offer = (await request.body()).decode()
        try:
            session = await (relay.ingest(offer) if kind == "whip" else relay.view(offer))
        except RelayRefused as refused:
            return Response(refused.code, STATUS.get(refused.code, 422))
        return await answer(session, kind)

    async def session(request: Request) -> Response:
        identity = request.path_params["session"]
        if request.method == "DELETE":
            try:
                return Response(status_code=200 if await relay.close_session(identity) else 404)
            except RelayRefused:
                return Response(status_code=503)
        try:
            await relay.patch(identity, (await request.body()).decode(), request.headers.get("if-match"))
        except RelayRefused as refused:
            return Response(refused.code, STATUS.get(refused.code, 422))
        return Response(status_code=204)

    async def page(_: Request) -> Response:
        return HTMLResponse("<!doctype html><title>t</title><video id=v autoplay playsinline></video>")

    return Starlette(
        routes=[
            Route("/", page),
            Route("/whip", offered, methods=["POST"]),
            Route("/whep", offered, methods=["POST"]),
            Route("/whip/{session}", session, methods=["DELETE", "PATCH"]),
            Route("/whep/{session}", session, methods=["DELETE", "PATCH"]),
        ]
    )


def serving(relay: Relay, port: int = 0) -> contextlib.AbstractAsyncContextManager[str]:
    return serving_app(_app(relay), port)


@contextlib.asynccontextmanager
async def serving_app(app: Starlette, port: int = 0, certificate: Certificate | None = None) -> AsyncIterator[str]:
    """The base URL while it serves."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    config = uvicorn.Config(
        app, log_level="error", lifespan="off", timeout_graceful_shutdown=1,
        ssl_certfile=certificate.cert_path if certificate else None,
        ssl_keyfile=certificate.key_path if certificate else None,
    )  # fmt: skip
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    task = asyncio.create_task(server.serve([listener]))
    try:
        while not server.started:  # noqa: ASYNC110 - uvicorn offers nothing to wait on
            await asyncio.sleep(0.01)
        yield f"{'https' if certificate else 'http'}://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
        listener.close()


@contextlib.asynccontextmanager
async def opened(port: int = 0) -> AsyncIterator[Door]:
    """A relay process behind a door on loopback."""
    relay = Relay()
    door = Door(relay, "")
    relay.on_note = door.notes.append
    await relay.start()
    try:
        async with serving(relay, port) as url:
            door.url = url
            yield door
    finally:
        await relay.stop()
