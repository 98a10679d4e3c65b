"""A WHIP door that answers as told, and remembers what it was asked; behind it a relay, or nobody."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from seller_console.contract.media import AirChanged
from seller_console.engine.publish import Publisher
from seller_console.platform.relay import Relay
from seller_console.platform.tls import Certificate

from . import relay_door


async def until(done: Callable[[], Any], within_s: float = 20.0, saying: str = "") -> None:
    deadline = time.monotonic() + within_s
    while not done():
        assert time.monotonic() < deadline, f"waited {within_s} s in vain: {saying}"
        await asyncio.sleep(0.01)


@dataclass
class Doorman:
    url: str = ""
    status: int = 503
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    relay: Relay | None = None
    foreign: bool = False
    """Its answers do not say that our platform wrote them."""
    location: str = "/resource/1"
    redirect: str = ""
    """Where /moved points; else to /whip here."""
    posts: list[float] = field(default_factory=list)
    passes: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    deleted_with: list[str] = field(default_factory=list)

    async def post(self, request: Request) -> Response:
        self.posts.append(time.monotonic())
        self.passes.append(request.headers.get("authorization", ""))
        if self.relay is not None and request.url.path == "/whip":
            session = await self.relay.ingest((await request.body()).decode())
            answer = session.answer_sdp
            if self.foreign:
                answer = answer.replace("a=tool:seller-console\r\n", "")
            return Response(answer, 201, {"Location": self.location}, "application/sdp")
        if request.url.path.startswith("/moved"):
            return Response(status_code=307, headers={"Location": self.redirect or self.url})
        return Response(self.body, self.status, self.headers)

    async def delete(self, request: Request) -> Response:
        self.deleted.append(request.url.path)
        self.deleted_with.append(request.headers.get("authorization", ""))
        return Response(status_code=200)


@contextlib.asynccontextmanager
async def doorman(relay: Relay | None = None, certificate: Certificate | None = None) -> AsyncIterator[Doorman]:
    keeper = Doorman(relay=relay)
    app = Starlette(
        routes=[
            Route("/whip", keeper.post, methods=["POST"]),
            Route("/moved", keeper.post, methods=["POST"]),
            Route("/{path:path}", keeper.delete, methods=["DELETE"]),
        ]
    )
    async with relay_door.serving_app(app, certificate=certificate) as base:
        keeper.url = f"{base}/whip"
        yield keeper


@contextlib.asynccontextmanager
async def publishing(url: str, token: str = "") -> AsyncIterator[tuple[Publisher, list[AirChanged]]]:
    said: list[AirChanged] = []
    publisher = Publisher(on_air=said.append, on_keyframe_wanted=lambda: None)
    publisher.start(url, token)
    try:
        yield publisher, said
    finally:
        await publisher.stop()
