"""Programs of others: FFmpeg publishes to us, a stock WebRTC server takes what we publish."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from seller_console.engine.watch import Viewer
from seller_console.platform.relay import IngestStarted
from tests.fakes import relay_door
from tests.fakes.studio import Studio, on_air

pytestmark = pytest.mark.media
FFMPEG = Path(__file__).parents[1] / "fakes" / "ffmpeg_whip.py"


async def until(done: Callable[[], Any], within_s: float = 30.0, saying: str = "") -> None:
    deadline = time.monotonic() + within_s
    while not done():
        assert time.monotonic() < deadline, f"waited {within_s} s in vain: {saying}"
        await asyncio.sleep(0.02)


def certificate(folder: Path) -> dict[str, str]:
    """A P-256 pair as FFmpeg's DTLS wants it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "studio")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain, private = serialization.NoEncryption(), serialization.PrivateFormat.TraditionalOpenSSL
    (folder / "cert.pem").write_bytes(made.public_bytes(pem))
    (folder / "key.pem").write_bytes(key.private_bytes(pem, private, plain))
    return {"cert_file": str(folder / "cert.pem"), "key_file": str(folder / "key.pem")}


@pytest.mark.parametrize("flags", [["dtls_active"], []])
async def test_ffmpeg_publishes_to_the_relay(tmp_path: Path, flags: list[str]) -> None:
    files = certificate(tmp_path)
    async with relay_door.opened() as door:
        ffmpeg = await asyncio.create_subprocess_exec(
            sys.executable, str(FFMPEG), door.whip, files["cert_file"], files["key_file"], "20", *flags,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        viewer = Viewer(door.whep, decode=True)
        watching = asyncio.create_task(viewer.run())
        try:
            await until(lambda: ffmpeg.returncode is not None or viewer.total.changed > 40, saying="FFmpeg's picture")
        finally:
            watching.cancel()
            await asyncio.wait([watching])
            with contextlib.suppress(ProcessLookupError):
                ffmpeg.kill()
            _, complaint = await ffmpeg.communicate()
        assert door.of(IngestStarted), complaint[-2_000:].decode()
        assert viewer.total.changed > 40


class StockServer:
    """A WHIP endpoint of stock aiortc: no transport-wide feedback, its own jitter buffer and decoder."""

    def __init__(self) -> None:
        self.pictures = self.sounds = 0
        self.size = (0, 0)
        self._connections: list[RTCPeerConnection] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def post(self, request: Request) -> Response:
        connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._connections.append(connection)

        def take(track: Any) -> None:
            self._tasks.append(asyncio.create_task(self._drain(track)))

        connection.on("track", take)
        offer = (await request.body()).decode()
        await connection.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        await connection.setLocalDescription(await connection.createAnswer())
        headers = {"Location": "/session"}
        return Response(connection.localDescription.sdp, 201, headers, "application/sdp")

    async def delete(self, _: Request) -> Response:
        return Response(status_code=200)

    async def _drain(self, track: Any) -> None:
        with contextlib.suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                if track.kind == "video":
                    self.pictures += 1
                    self.size = (frame.width, frame.height)
                else:
                    self.sounds += 1

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        routes = [Route("/whip", self.post, methods=["POST"]), Route("/session", self.delete, methods=["DELETE"])]
        async with relay_door.serving_app(Starlette(routes=routes)) as url:
            try:
                yield f"{url}/whip"
            finally:
                for connection in self._connections:
                    await connection.close()
                for task in self._tasks:
                    task.cancel()
                if self._tasks:
                    await asyncio.wait(self._tasks)


async def test_a_stock_server_receives_what_we_publish() -> None:
    server = StockServer()
    async with server.serving() as url, on_air(url, Studio(480, 270)) as (publisher, studio, said):
        await until(lambda: server.pictures > 60 and server.sounds > 60, saying="decoded by a stock server")
        assert server.size == (480, 270)
        await until(lambda: publisher.stats().rtt_ms >= 0)
        assert [air.state for air in said] == ["connecting", "on_air"]
        assert studio.idrs >= 1
