"""A WHIP and WHEP server of a page: the relay behind plain HTTP, for tests that need no auction.

Run as a program it prints {"whip": …, "whep": …} and then every relay note, a JSON
object a line, until stdin ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from seller_console.platform.relay import Relay, RelayRefused


class WhipDoor:
    """`async with WhipDoor(on_note) as door:` then door.whip, door.whep."""

    def __init__(self, on_note: Any = None, token: str = "") -> None:
        self._token = token
        self.relay = Relay()
        self.relay.on_note = on_note or (lambda _note: None)
        self.whip = self.whep = ""

    async def _offer(self, request: Request) -> Response:
        if self._token and request.headers.get("authorization") != f"Bearer {self._token}":
            return Response(status_code=401)
        offer = (await request.body()).decode()
        take = self.relay.ingest if request.url.path == "/whip" else self.relay.view
        try:
            session = await take(offer)
        except RelayRefused as refused:
            return Response(str(refused), status_code=409 if refused.code == "busy" else 400)
        headers = {"Location": f"/session/{session.session_id}", "Access-Control-Allow-Origin": "*"}
        return Response(session.answer_sdp, 201, headers, media_type="application/sdp")

    async def _close(self, request: Request) -> Response:
        known = await self.relay.close_session(request.path_params["session"])
        return Response(status_code=200 if known else 404)

    @asynccontextmanager
    async def serving(self, port: int = 0) -> AsyncIterator[WhipDoor]:
        app = Starlette(
            routes=[
                Route("/whip", self._offer, methods=["POST"]),
                Route("/whep", self._offer, methods=["POST"]),
                Route("/session/{session}", self._close, methods=["DELETE"]),
            ]
        )
        await self.relay.start()
        listening = socket.create_server(("127.0.0.1", port))
        bound = listening.getsockname()[1]
        self.whip, self.whep = f"http://127.0.0.1:{bound}/whip", f"http://127.0.0.1:{bound}/whep"
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
        server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
        task = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            yield self
        finally:
            server.should_exit = True
            await task
            await self.relay.stop()


async def _main() -> None:
    def say(note: Any) -> None:
        print(json.dumps({"note": type(note).__name__, **msgspec.to_builtins(note)}), flush=True)

    async with WhipDoor(say).serving() as door:
        print(json.dumps({"whip": door.whip, "whep": door.whep}), flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_main())
