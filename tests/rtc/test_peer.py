"""The seams into aiortc and aioice, tried on the installed versions."""

from __future__ import annotations

import asyncio
import time

import aioice.ice
import pytest

from seller_console.rtc import peer, proof
from seller_console.rtc.peer import Peer, host_addresses, seams
from seller_console.rtc.sdp import Media

pytestmark = pytest.mark.media


async def test_every_seam_holds_on_the_installed_versions() -> None:
    assert [name for name, holds in seams().items() if not holds] == []
    assert await proof.broken_seams() == ()


async def test_a_missing_private_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(aioice.Connection, "build_request")
    assert await proof.broken_seams() == ("aioice.Connection.build_request",)


async def test_a_private_that_changed_its_ways_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proof, "TRIED_WITHIN_S", 1.0)
    monkeypatch.setattr(peer._Agent, "data_received", lambda self, data, component: None)
    (broken,) = await proof.broken_seams()
    assert broken.startswith("loopback")


async def test_a_machine_without_network_still_talks_to_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: [])
    assert host_addresses() == ["127.0.0.1"]
    assert await proof.broken_seams() == ()


async def test_nobody_there_fails_in_words_and_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer, "CONNECT_WITHIN_S", 0.5)
    failed = asyncio.Event()
    lonely = Peer(
        controlling=True, on_rtp=lambda _: None, on_rtcp=lambda _: None,
        on_state=lambda state: failed.set() if state == "failed" else None,
    )  # fmt: skip
    await lonely.gather()
    nobody = Media("video", ufrag="abcd", pwd="0123456789012345678901", fingerprints=[("sha-256", "00")])
    begun_s = time.monotonic()
    lonely.connect(nobody, dtls_client=False)
    await asyncio.wait_for(failed.wait(), 3)
    assert time.monotonic() - begun_s < 2
    assert lonely.reason == "unreachable"
    assert not lonely.send_rtp(b"\x80" * 20)
    await lonely.close()
    await lonely.close()
