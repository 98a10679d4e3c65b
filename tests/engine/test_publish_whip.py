"""The way to a WHIP door: proxies, certificates, passes, and nothing that ends the trying."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from seller_console import trusted
from seller_console.engine import publish, whip
from seller_console.engine.watch import Viewer
from seller_console.link import trust
from seller_console.platform.relay import Relay
from seller_console.platform.tls import Certificate, certificate
from tests.fakes import relay_door
from tests.fakes.doorman import doorman, publishing, until
from tests.fakes.studio import on_air

pytestmark = pytest.mark.media


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    running = Relay()
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
def own_certificate(tmp_path: Path) -> Certificate:
    """Signed by nobody but itself, as a platform on the local network has one."""
    return certificate(tmp_path / "tls", ["127.0.0.1"])


@pytest.fixture
def dead_proxy() -> Any:
    """An address where nobody listens, and nobody else will."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


# --- proxies -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["HTTP_PROXY", "ALL_PROXY"])
async def test_a_door_on_this_machine_is_not_looked_for_behind_the_systems_proxy(
    relay: Relay, dead_proxy: str, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, dead_proxy)
    async with doorman(relay) as keeper, publishing(keeper.url) as (_, said):
        await until(lambda: any(air.state == "on_air" or air.reason for air in said))
        assert said[-1].state == "on_air"


async def test_a_viewer_on_this_machine_does_not_go_through_the_proxy_either(
    dead_proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", dead_proxy)
    async with relay_door.opened() as door, on_air(door.whip):
        viewer = Viewer(door.whep)
        watching = asyncio.create_task(viewer.run())
        await until(lambda: viewer.total.frames or viewer.errors)
        watching.cancel()
        await asyncio.wait([watching])
    assert viewer.errors == []


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://127.0.0.1:1/", True),
        ("http://localhost/", True),
        ("http://[::1]:80/", True),
        ("http://[fe80::1%25eth0]/", True),
        ("https://192.168.1.5:8443/", True),
        ("https://10.0.0.1/", True),
        ("http://shop.local/", True),
        ("http://shop/", True),
        ("https://ingest.example/", False),
        ("https://8.8.8.8/", False),
    ],
)
def test_what_is_near_is_known_by_its_address(url: str, here: bool) -> None:
    assert whip.near(url) is here


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:9", "socks://127.0.0.1:9"])
async def test_a_proxy_of_a_kind_we_cannot_use_is_said_and_tried_again(
    monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    async with publishing("http://ingest.example/whip") as (publisher, said):
        await until(lambda: any(air.reason for air in said))
        publisher.retry_now()
        await until(lambda: sum(bool(air.reason) for air in said) >= 2)
    assert {(air.reason, air.detail) for air in said if air.reason} == {("unreachable", "bad_proxy")}


# --- nothing ends the trying ----------------------------------------------------------------------


@pytest.mark.parametrize("token", ["clé", "a\nb"])
async def test_a_pass_that_no_header_can_carry_is_a_wrong_pass(token: str) -> None:
    async with doorman() as keeper, publishing(keeper.url, token) as (_, said):
        await until(lambda: any(air.reason for air in said))
        assert keeper.posts == []
    assert {(air.reason, air.detail) for air in said if air.reason} == {("refused", "wrong_pass")}


@pytest.mark.parametrize("url", ["http://[::1/whip", "http://127.0.0.1:99999/whip", "ftp://127.0.0.1/whip", "whip"])
async def test_an_address_that_is_none_is_said_to_be_badly_written(url: str) -> None:
    async with publishing(url) as (_, said):
        await until(lambda: any(air.reason for air in said))
    assert {(air.reason, air.detail) for air in said if air.reason} == {("refused", "bad_url")}


async def test_a_kept_certificate_that_is_none_is_a_matter_of_the_certificate() -> None:
    trust.keep("https://127.0.0.1:9/whip", "-----BEGIN CERTIFICATE-----\n")
    async with publishing("https://127.0.0.1:9/whip") as (_, said):
        await until(lambda: any(air.reason for air in said))
    assert {(air.reason, air.detail) for air in said if air.reason} == {("unreachable", "tls")}


@pytest.mark.parametrize(
    ("address", "refused"),
    [
        ("http://127.0.0.1:99999/whip", ("refused", "bad_url")),
        ("ftp://127.0.0.1/whip", ("refused", "bad_url")),
        ("http://[::1/whip", ("unreachable", "no_connection")),
    ],
)
async def test_a_redirect_to_an_address_that_is_none_is_said_and_tried_again(
    address: str, refused: tuple[str, str]
) -> None:
    async with doorman() as keeper:
        keeper.redirect = address
        async with publishing(keeper.url.replace("/whip", "/moved")) as (publisher, said):
            await until(lambda: any(air.reason for air in said))
            publisher.retry_now()
            await until(lambda: len(keeper.posts) >= 2)
    assert {(air.reason, air.detail) for air in said if air.reason} == {refused}


async def test_a_session_whose_address_is_unreadable_is_on_air_all_the_same(relay: Relay) -> None:
    async with doorman(relay) as keeper:
        keeper.location = "http://[::1/resource"
        async with publishing(keeper.url) as (_, said):
            await until(lambda: any(air.state == "on_air" or air.reason for air in said))
            assert said[-1].state == "on_air"


@pytest.mark.warns("air_broke")
@pytest.mark.parametrize(
    ("trouble", "detail"),
    [(OSError("no more sockets"), "no_connection"), (RuntimeError("a bug"), "broken"), (KeyError("a bug"), "broken")],
)
async def test_whatever_goes_wrong_in_an_attempt_the_next_one_follows(
    relay: Relay, monkeypatch: pytest.MonkeyPatch, trouble: Exception, detail: str
) -> None:
    offers = 0
    whole = publish.Sending.offer

    async def offered(sending: publish.Sending) -> str:
        nonlocal offers
        offers += 1
        if offers <= 2:
            raise trouble
        return await whole(sending)

    monkeypatch.setattr(publish.Sending, "offer", offered)
    async with doorman(relay) as keeper, publishing(keeper.url) as (_, said):
        await until(lambda: any(air.state == "on_air" for air in said))
    assert [(air.reason, air.detail) for air in said if air.reason] == [("unreachable", detail)] * 2


@pytest.mark.warns("air_broke")
async def test_a_proof_of_the_seams_that_breaks_is_tried_again(relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = 0

    async def proof() -> tuple[str, ...]:
        nonlocal tried
        tried += 1
        if tried == 1:
            raise RuntimeError("not now")
        return ()

    monkeypatch.setattr(publish, "broken_seams", proof)
    async with doorman(relay) as keeper, publishing(keeper.url) as (_, said):
        await until(lambda: any(air.state == "on_air" for air in said))
    assert tried == 2


# --- certificates and passes ----------------------------------------------------------------------


async def test_a_platform_whose_certificate_the_console_kept_gets_the_picture_and_no_other_does(
    relay: Relay, own_certificate: Certificate
) -> None:
    async with doorman(relay, own_certificate) as keeper:
        async with publishing(keeper.url) as (_, said):
            await until(lambda: any(air.reason for air in said))
            assert {(air.reason, air.detail) for air in said if air.reason} == {("unreachable", "tls")}
        trust.keep(keeper.url, own_certificate.cert_path.read_text("ascii"))
        async with publishing(keeper.url, "s3cret") as (_, said):
            await until(lambda: any(air.state == "on_air" or air.reason for air in said))
            assert said[-1].state == "on_air"
        assert keeper.deleted_with == ["Bearer s3cret"], "the goodbye knows the certificate too"


async def test_a_viewer_trusts_what_the_console_trusted(own_certificate: Certificate) -> None:
    async with doorman(None, own_certificate) as keeper:
        trust.keep(keeper.url, own_certificate.cert_path.read_text("ascii"))
        viewer = Viewer(keeper.url)
        watching = asyncio.create_task(viewer.run())
        await until(lambda: viewer.errors)
        watching.cancel()
        await asyncio.wait([watching])
    assert viewer.errors[0] == "HTTP 503", "it was heard, and refused"


async def test_a_certificate_is_kept_for_one_address_and_read_once(own_certificate: Certificate) -> None:
    pem = own_certificate.cert_path.read_text("ascii")
    trust.keep("https://192.168.1.5:8443/whip", pem)
    assert trusted.context("https://192.168.1.5:8443/other") is trusted.only(pem)
    assert trusted.context("https://192.168.1.5:9/") is trusted.context("https://ingest.example/")
    assert trusted.context("https://192.168.1.5:9/") is not trusted.only(pem)


async def test_the_pass_does_not_go_down_from_https_to_http_not_even_with_the_goodbye(
    relay: Relay, own_certificate: Certificate
) -> None:
    async with doorman(relay, own_certificate) as safe, doorman() as plain:
        trust.keep(safe.url, own_certificate.cert_path.read_text("ascii"))
        safe.location = plain.url.replace("/whip", "/resource/1")
        async with publishing(safe.url, "s3cret") as (_, said):
            await until(lambda: any(air.state == "on_air" for air in said))
        assert safe.passes == ["Bearer s3cret"]
        assert (plain.deleted, plain.deleted_with) == (["/resource/1"], [""])


async def test_after_a_redirect_from_https_to_http_the_goodbye_is_as_silent_as_the_offer(
    relay: Relay, own_certificate: Certificate
) -> None:
    async with doorman(None, own_certificate) as safe, doorman(relay) as plain:
        trust.keep(safe.url, own_certificate.cert_path.read_text("ascii"))
        safe.redirect = plain.url
        async with publishing(safe.url.replace("/whip", "/moved"), "s3cret") as (_, said):
            await until(lambda: any(air.state == "on_air" for air in said))
        assert safe.passes == ["Bearer s3cret"]
        assert (plain.passes, plain.deleted_with) == ([""], [""])


# --- refusals with a code -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "kind", "detail"),
    [
        ('{"code": "show_ended"}', "application/problem+json", "show_ended"),
        ('{"code": "not_current"}', "application/problem+json", "other_show"),
        ('{"code": "something"}', "application/problem+json", "busy"),
        ("[1]", "application/json", "busy"),
        ("{", "application/json", "busy"),
        ("hello", "text/plain", "busy"),
    ],
)
def test_a_conflict_is_said_by_its_code(body: str, kind: str, detail: str) -> None:
    failed = whip.refusal(httpx.Response(409, content=body, headers={"content-type": kind}))
    assert (failed.reason, failed.detail) == ("refused", detail)


@pytest.mark.parametrize(("after", "wait_s"), [("2", 2.0), ("900", 5.0), ("²", 0.0), ("soon", 0.0)])
def test_a_wait_that_is_no_number_is_none(after: str, wait_s: float) -> None:
    headers = [(b"retry-after", after.encode("latin-1"))]
    assert whip.refusal(httpx.Response(429, headers=headers)).wait_s == wait_s
