"""What strangers send to an open socket ends nothing: anybody may send a datagram to anybody."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import socket
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from struct import pack
from typing import Any

import pytest

from seller_console.rtc import peer
from seller_console.rtc.peer import Peer
from seller_console.rtc.sdp import Media
from seller_console.rtc.wire import build_rtp

pytestmark = pytest.mark.media

COOKIE = 0x2112A442


def _uvloop() -> Any:
    if sys.platform == "win32":
        pytest.skip("uvloop does not exist for Windows")
    import uvloop

    return uvloop.new_event_loop()


LOOPS: dict[str, Callable[[], Any]] = {"asyncio": asyncio.new_event_loop, "uvloop": _uvloop}


class Ends:
    """Two peers of this machine that are connected; what each has received."""

    def __init__(self) -> None:
        self.heard: dict[str, list[bytes]] = {"caller": [], "called": []}
        self.changed = asyncio.Event()
        self.caller, self.called = (
            Peer(
                controlling=name == "caller", on_rtp=lambda data, name=name: self._hear(name, data),  # type: ignore[misc]
                on_rtcp=lambda _: None, on_state=lambda _: self.changed.set(),
            )
            for name in ("caller", "called")
        )  # fmt: skip

    def _hear(self, name: str, data: bytes) -> None:
        self.heard[name].append(data)
        self.changed.set()

    async def until(self, done: Callable[[], bool], within_s: float = 15.0) -> None:
        async with asyncio.timeout(within_s):
            while not done():
                self.changed.clear()
                await self.changed.wait()

    async def speak(self, number: int) -> None:
        """One packet each way arrives: after everything that was sent before it to the same socket."""
        said = build_rtp(102, 1, number, number, 7, b"frame")
        assert self.caller.send_rtp(said) and self.called.send_rtp(said)
        await self.until(lambda: all(heard[-1:] == [said] for heard in self.heard.values()))


@contextlib.asynccontextmanager
async def ends() -> AsyncIterator[Ends]:
    pair = Ends()
    try:
        for one in (pair.caller, pair.called):
            await one.gather()
        for one, other, client in ((pair.caller, pair.called, False), (pair.called, pair.caller, True)):
            local = other.local("actpass")
            candidates = [text for text in local.candidates if " 127.0.0.1 " in text]
            remote = Media("video", ufrag=local.ufrag, pwd=local.pwd, fingerprints=[local.fingerprint])
            remote.candidates = candidates
            one.connect(remote, dtls_client=client)
        await pair.until(lambda: pair.caller.state == pair.called.state == "connected")
        yield pair
    finally:
        await pair.caller.close()
        await pair.called.close()


def sockets_of(one: Peer) -> list[tuple[str, int]]:
    return [(one.host, one.port) for one in one._agent.local_candidates if "." in one.host]


def stun(kind: int, attributes: bytes) -> bytes:
    return pack("!HHI12s", kind, len(attributes), COOKIE, b"t" * 12) + attributes


def junk() -> list[bytes]:
    chance = random.Random(7)
    found = [b""]
    found += [bytes((first,)) for first in range(256)]
    found += [chance.randbytes(3) for _ in range(50)]
    found += [chance.randbytes(chance.randint(1, 1400)) for _ in range(150)]
    found += [bytes((first,)) + chance.randbytes(40) for first in range(256)]
    # STUN whose attributes are shorter than their kind, with names that are no text
    found += [
        stun(kind, pack("!HH", attribute, size) + chance.randbytes(size + -size % 4))
        for kind in (0x0001, 0x0101, 0x0111, 0x0011, 0x0FFF)
        for attribute in (0x0006, 0x0008, 0x0009, 0x0020, 0x0024, 0x0025, 0x8028, 0x8029, 0x802A)
        for size in (0, 1, 3, 7)
    ]
    # DTLS: alerts in the clear (close_notify, fatal), a hello, an empty record, a record that promises more
    head = b"\xfe\xfd" + b"\0" * 8
    found += [
        b"\x15" + head + b"\0\2\1\0",
        b"\x15" + head + b"\0\2\2\x28",
        b"\x16" + head + b"\0\x0c" + b"\1" + b"\0" * 11,
        b"\x17" + head + b"\0\0",
        b"\x16" + head + b"\xff\xff",
    ]
    found.append(b"")
    return found


def run(loop: str, story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(story())


@pytest.mark.parametrize("loop", LOOPS)
def test_an_empty_datagram_from_a_stranger_ends_no_session(loop: str) -> None:
    async def story() -> None:
        async with ends() as pair:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
                for one in (pair.caller, pair.called):
                    for address in sockets_of(one):
                        stranger.sendto(b"", address)
            for number in range(20):
                await pair.speak(number)
            assert (pair.caller.state, pair.called.state) == ("connected", "connected")

    run(loop, story)


@pytest.mark.parametrize("loop", LOOPS)
def test_junk_from_a_stranger_is_dropped_without_a_word_and_the_session_goes_on(
    loop: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Not a word: a line for each datagram would let anybody fill the disk."""

    async def story() -> None:
        async with ends() as pair:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
                for number, data in enumerate(junk()):
                    for one in (pair.caller, pair.called):
                        for address in sockets_of(one):
                            stranger.sendto(data, address)
                    if number % 20 == 0:
                        await pair.speak(number)
            await pair.speak(2_000)
            assert (pair.caller.state, pair.called.state) == ("connected", "connected")
            await pair.caller.close()
            await pair.until(lambda: pair.called.state == "closed")
            assert pair.called.reason == "goodbye", "what is said by the other side is still heard"

    with caplog.at_level(logging.INFO):
        run(loop, story)
    assert [record for record in caplog.records if record.name in ("asyncio", "seller_console.rtc.peer")] == []


async def test_what_strangers_send_before_the_handshake_is_kept_to_a_bound() -> None:
    lonely = Peer(controlling=False, on_rtp=lambda _: None, on_rtcp=lambda _: None, on_state=lambda _: None)
    await lonely.gather()
    try:
        for _ in range(3 * peer.QUEUED_AT_MOST):
            lonely._agent.data_received(b"\x16" + b"\0" * 60, 1)
        assert lonely._agent._queue.qsize() <= peer.QUEUED_AT_MOST
    finally:
        await lonely.close()
