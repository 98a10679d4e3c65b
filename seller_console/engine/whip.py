"""WHIP as HTTP (RFC 9725): what is said to a door, and what each of its answers means in our words.

Promises: the pass never goes from https down to http, neither with the offer nor with the
DELETE; nothing on this machine or the local network is looked for behind the system's proxy;
an address whose certificate was seen at pairing must show that one (trusted.py). Everything a
door may do wrong is a `Failed`; publish.py says what its words mean.
"""

from __future__ import annotations

import ipaddress
import logging
import ssl
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import httpx

from .. import trusted

log = logging.getLogger(__name__)

ANSWER_WITHIN_S = 8.0
REDIRECTS_AT_MOST = 5


class Failed(Exception):
    """This attempt is over. `reason` and `detail`: see publish.py."""

    def __init__(self, reason: str, detail: str, wait_s: float = 0.0) -> None:
        super().__init__(f"{reason} {detail}")
        self.reason, self.detail, self.wait_s = reason, detail, wait_s


class BadProxy(ValueError):
    """The proxy that the environment names is of a kind we cannot use."""


@dataclass(frozen=True)
class Opened:
    """`resource` is "" when the door named none; `token` is what may be shown to it."""

    answer: str
    resource: str
    token: str


def near(url: str) -> bool:
    """Of this machine or the local network: nothing a proxy could reach for us."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host == "localhost" or host.endswith((".localhost", ".local")) or "." not in host
    return address.is_private or address.is_loopback or address.is_link_local


def client_for(url: str, within_s: float = ANSWER_WITHIN_S) -> httpx.AsyncClient:
    """For this address only: another may ask for another way and another certificate.

    Raises BadProxy, ValueError (no address), ssl.SSLError (no certificate).
    """
    if urlsplit(url).port == 0:  # and ValueError beyond 65535: the socket would say it in a group of its own
        raise ValueError("no port")
    verify, by_proxy = trusted.context(url), not near(url)
    try:
        return httpx.AsyncClient(timeout=within_s, verify=verify, trust_env=by_proxy)
    except (ImportError, ValueError, httpx.InvalidURL) as unknown:  # socks5 without its library; an unknown scheme
        raise BadProxy(str(unknown)) from unknown


def _falls(url: str, target: str) -> bool:
    return urlsplit(url).scheme == "https" and urlsplit(target).scheme != "https"


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


def _problem(response: httpx.Response) -> str:
    """The code of a problem+json, "" of anything else."""
    if "json" not in response.headers.get("content-type", ""):
        return ""
    try:
        said = response.json()
    except ValueError:
        return ""
    return str(said.get("code", "")) if isinstance(said, dict) else ""


def refusal(response: httpx.Response) -> Failed:
    """An HTTP answer that is not 201, in our words (RFC 9725 section 4.2)."""
    status = response.status_code
    after = response.headers.get("retry-after", "")
    wait_s = min(5.0, float(after)) if after.isdecimal() else 0.0
    if status in (401, 403):
        return Failed("refused", "wrong_pass", 5.0)
    if status in (404, 410):
        return Failed("refused", "not_found")
    if status == 409:
        code = _problem(response)
        if code == "show_ended":
            return Failed("refused", "show_ended", 5.0)
        if code == "not_current":
            return Failed("refused", "other_show", wait_s)
        return Failed("refused", "busy", wait_s)
    if status == 429:
        return Failed("refused", "too_often", wait_s)
    if status >= 500:
        return Failed("unreachable", "server_error", wait_s)
    return Failed("refused", "offer_rejected", 5.0)


async def open_session(url: str, token: str, offer: str) -> Opened:
    """Follows 307 and 308. Raises Failed."""
    if not (token.isascii() and token.isprintable()):
        raise Failed("refused", "wrong_pass", 5.0)  # no header can carry it, so no door has given it
    headers = {"Content-Type": "application/sdp", "Accept": "application/sdp"}
    for _ in range(REDIRECTS_AT_MOST):
        response = await _post(url, offer, {**headers, **_bearer(token)})
        location = response.headers.get("location", "")
        if response.status_code in (307, 308) and location:
            try:
                target = urljoin(url, location)
                token = "" if _falls(url, target) else token
            except ValueError as unreadable:
                raise Failed("refused", "bad_url", 5.0) from unreadable
            url = target
            continue
        if response.status_code != 201:
            raise refusal(response)
        try:
            resource = urljoin(url, location) if location else ""
            return Opened(response.text, resource, "" if resource and _falls(url, resource) else token)
        except ValueError:  # it cannot be told to end, but the picture can go there
            log.info("whip_location_unreadable")
            return Opened(response.text, "", "")
    raise Failed("refused", "redirect_loop", 5.0)


async def _post(url: str, offer: str, headers: dict[str, str]) -> httpx.Response:
    try:
        client = client_for(url)
    except BadProxy as trouble:
        raise Failed("unreachable", "bad_proxy", 5.0) from trouble
    except ValueError as trouble:
        raise Failed("refused", "bad_url", 5.0) from trouble
    except ssl.SSLError as trouble:
        raise Failed("unreachable", "tls", 5.0) from trouble
    try:
        async with client:
            return await client.post(url, content=offer, headers=headers)
    except httpx.ProxyError as trouble:
        raise Failed("unreachable", "bad_proxy", 5.0) from trouble
    except httpx.TimeoutException as trouble:
        raise Failed("unreachable", "timeout") from trouble
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as trouble:
        raise Failed("refused", "bad_url", 5.0) from trouble
    except httpx.HTTPError as trouble:
        detail = "tls" if "SSL" in str(trouble) or "CERTIFICATE" in str(trouble) else "no_connection"
        raise Failed("unreachable", detail) from trouble


async def close_session(opened: Opened) -> None:
    """DELETE, as far as the network allows; the caller says how long it may take."""
    try:
        async with client_for(opened.resource) as client:
            await client.delete(opened.resource, headers=_bearer(opened.token))
    except (ValueError, OSError, httpx.InvalidURL, httpx.HTTPError, RuntimeError) as trouble:
        log.info("whip_delete_failed why=%s", type(trouble).__name__)
