"""How another console gets its pass: the seller's eight digits, exchanged once for a pass of one's own.

An invitation can be said whole as one address, ADDRESS#CODE.FINGERPRINT: what the
square code on the seller's screen holds, and what --platform takes.
"""

from __future__ import annotations

import logging
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
import msgspec

from ..contract import routes
from . import trust

log = logging.getLogger(__name__)

ANSWER_S = 10.0


class Unpaired(Exception):
    """code: wrong_code, unreachable, wrong_fingerprint or refused (`why`: the platform's sentence)."""

    def __init__(self, code: str, why: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.why = why


@dataclass(frozen=True, slots=True)
class Invited:
    """What --platform and --code come to."""

    url: str
    code: str = ""
    fingerprint: str = ""


class _Opened(msgspec.Struct):
    code: str
    url: str
    expires_ms: int


class Claimed(msgspec.Struct, rename={"owner_pass": "pass"}):
    owner_pass: str
    show_id: str
    role: str
    nickname: str
    fingerprint: str = ""


def opened_of(content: bytes) -> tuple[str, str, int]:
    """(digits, address, expires_ms) of the platform's answer. Raises msgspec.DecodeError."""
    opened = msgspec.json.decode(content, type=_Opened)
    return opened.code, opened.url.removesuffix(routes.PAIRING_CLAIM), opened.expires_ms


def address_with(url: str, code: str, fingerprint: str = "") -> str:
    return f"{url}#{code}.{fingerprint}" if fingerprint else f"{url}#{code}"


def invited(platform: str, code: str) -> Invited:
    """Reads both ways of saying it: a whole address, or an address and a code typed apart."""
    url, _, said = platform.strip().partition("#")
    digits, _, fingerprint = said.partition(".")
    return Invited(url.rstrip("/"), "".join((code or digits).split()), fingerprint.lower())


def is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host in {"localhost", "::1"} or host.startswith("127.")


def claim(invitation: Invited, name: str) -> Claimed:
    """Exchanges the code for a pass; keeps the certificate it was given under. Blocks. Raises Unpaired."""
    url = invitation.url
    pem = ""
    verify: ssl.SSLContext | bool = True
    if urlsplit(url).scheme == "https" and (invitation.fingerprint or not _system_trusts(url)):
        try:
            pem = trust.seen(url)
        except OSError as error:
            raise Unpaired("unreachable", str(error)) from error
        if invitation.fingerprint and trust.fingerprint(pem) != invitation.fingerprint:
            raise Unpaired("wrong_fingerprint")
        verify = trust.only(pem)
    try:
        with httpx.Client(verify=verify, trust_env=False, timeout=ANSWER_S) as http:
            answer = http.post(url + routes.PAIRING_CLAIM, json={"code": invitation.code, "name": name})
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Unpaired("unreachable", type(error).__name__) from error
    if answer.status_code != 200:
        raise _refused(answer)
    try:
        claimed = msgspec.json.decode(answer.content, type=Claimed)
    except msgspec.DecodeError as error:
        raise Unpaired("unreachable", "not a platform") from error
    if pem:
        trust.keep(url, pem)
        claimed.fingerprint = trust.fingerprint(pem)
    log.info("paired role=%s url=%s", claimed.role, url)
    return claimed


def _system_trusts(url: str) -> bool:
    try:
        httpx.get(url + routes.HEALTH, trust_env=False, timeout=ANSWER_S)
    except httpx.HTTPError:
        return False
    return True


def _refused(answer: httpx.Response) -> Unpaired:
    try:
        said = msgspec.json.decode(answer.content, type=dict[str, object])
    except msgspec.DecodeError:
        said = {}
    if said.get("code") == "wrong_code":
        return Unpaired("wrong_code")
    return Unpaired("refused", str(said.get("detail") or said.get("title") or answer.status_code))
