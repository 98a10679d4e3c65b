"""A second console gets its pass by a code: on this machine, and over TLS under the certificate it saw."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from seller_console.link import pairing, trust
from seller_console.link.keys import Keys
from seller_console.link.platform import Address, PlatformClient

from .conftest import Heard, address_of, until

pytestmark = [pytest.mark.processes, pytest.mark.timeout(60)]


async def _code(client: PlatformClient) -> tuple[str, str, int]:
    opened = await client.invite("producer")
    assert opened is not None
    return opened


async def test_a_code_is_worth_one_pass_over_tls_too_and_never_under_another_certificate(
    start_platform: Callable[..., Any],
) -> None:
    _, place = start_platform("--lan")
    heard = Heard()
    seller = PlatformClient(address_of(place), heard)
    following = asyncio.create_task(seller.run())
    try:
        await until(lambda: heard.road == "connected")
        code, url, _ = await _code(seller)
        fingerprint = trust.fingerprint(await asyncio.to_thread(trust.seen, url))
        secure = url.startswith("https")
        assert secure and len(fingerprint) == 32 and not pairing.is_loopback(url)
        forged = pairing.Invited(url, code, "0" * 32)
        with pytest.raises(pairing.Unpaired, match="wrong_fingerprint"):
            await asyncio.to_thread(pairing.claim, forged, "Marie")
        whole = pairing.invited(pairing.address_with(url, code, fingerprint), "")
        claimed = await asyncio.to_thread(pairing.claim, whole, "Marie")
        assert (claimed.role, claimed.nickname, claimed.fingerprint) == ("producer", "Marie", fingerprint)
        with pytest.raises(pairing.Unpaired, match="wrong_code"):
            await asyncio.to_thread(pairing.claim, whole, "Jean")
        Keys().keep(url, claimed.owner_pass)
        hers = Heard()
        producer = PlatformClient(Address(url, Keys().get(url)), hers)
        joined = asyncio.create_task(producer.run())
        await until(lambda: hers.road == "connected")
        assert hers.who is not None and hers.who.role == "producer"
        assert await producer.invite("producer") is None, "only the seller invites"
        joined.cancel()
        await asyncio.gather(joined, return_exceptions=True)
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


async def test_nobody_there_is_said(tmp_path: Any) -> None:
    with pytest.raises(pairing.Unpaired, match="unreachable"):
        await asyncio.to_thread(pairing.claim, pairing.Invited("http://127.0.0.1:9", "12345678"), "Marie")


def test_an_invitation_is_read_both_ways() -> None:
    apart = pairing.invited("https://192.168.1.20:8443/", "4821 0937")
    whole = pairing.invited("https://192.168.1.20:8443#48210937.3FA2", "")
    assert (apart.url, apart.code) == (whole.url, whole.code) == ("https://192.168.1.20:8443", "48210937")
    assert whole.fingerprint == "3fa2"
