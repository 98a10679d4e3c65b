"""Whether our way into aiortc and aioice still holds on the installed versions.

`broken_seams()` first looks (each private is there), then tries: two transports on
this machine shake hands and pass RTP and RTCP both ways. What is broken is named;
the publisher then falls back to stock aiortc (stock.py) and says so.
"""

from __future__ import annotations

import asyncio

from .peer import Peer, seams
from .sdp import Media
from .wire import build_pli, build_rtp

TRIED_WITHIN_S = 5.0


async def broken_seams() -> tuple[str, ...]:
    """Names of what does not hold; () when all is well. Takes about 0.1 s."""
    missing = tuple(sorted(name for name, holds in seams().items() if not holds))
    if missing:
        return missing
    try:
        async with asyncio.timeout(TRIED_WITHIN_S):
            return await _try()
    except (TimeoutError, AttributeError, TypeError) as trouble:
        return (f"loopback: {type(trouble).__name__} {trouble}".strip(),)


async def _try() -> tuple[str, ...]:
    changed = asyncio.Event()
    rtp: list[bytes] = []
    rtcp: list[bytes] = []

    def note(_: object) -> None:
        changed.set()

    def media_in(data: bytes) -> None:
        rtp.append(data)
        changed.set()

    def feedback_in(data: bytes) -> None:
        rtcp.append(data)
        changed.set()

    caller = Peer(controlling=True, on_rtp=media_in, on_rtcp=feedback_in, on_state=note)
    called = Peer(controlling=False, on_rtp=media_in, on_rtcp=feedback_in, on_state=note)
    try:
        for peer in (caller, called):
            await peer.gather()
        for peer, other, client in ((caller, called, False), (called, caller, True)):
            local = other.local("actpass")
            remote = Media(
                "video", ufrag=local.ufrag, pwd=local.pwd, fingerprints=[local.fingerprint],
                candidates=[one for one in local.candidates if " 127.0.0.1 " in one],
            )  # fmt: skip
            peer.connect(remote, dtls_client=client)
        while not caller.state == called.state == "connected":
            if "failed" in (caller.state, called.state):
                return ("loopback: not connected",)
            changed.clear()
            await changed.wait()
        media, feedback = build_rtp(102, 1, 7, 7, 7, b"frame"), build_pli(1, 7)
        for peer in (caller, called):
            if not (peer.send_rtp(media) and peer.send_rtcp(feedback)):
                return ("loopback: not sent",)
        while len(rtp) < 2 or len(rtcp) < 2:
            changed.clear()
            await changed.wait()
        return () if set(rtp) == {media} and set(rtcp) == {feedback} else ("loopback: garbled",)
    finally:
        await caller.close()
        await called.close()
