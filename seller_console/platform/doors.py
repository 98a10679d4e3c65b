"""What every request must satisfy before anybody looks at it, and how a no is said.

Promises: every error is problem+json (RFC 9457) with a stable code and a sentence;
a foreign Host (DNS rebinding) and an unsafe request sent by another site (Origin,
Sec-Fetch-Site) are refused; bodies have a cap that holds while they arrive; every
answer carries the headers that keep a page to itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import msgspec
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..contract.words import Refusal

_THROWN_AWAY_BYTES = 16 * 1024 * 1024
_BODY_S = 30.0
"""A body that takes longer holds a connection for nothing."""

PROBLEMS: dict[str, tuple[int, str]] = {
    "unreadable": (400, "Cette demande est illisible\u202f: {why}."),
    "no_key": (400, "Il manque l’en-tête Idempotency-Key."),
    "no_pass": (401, "Entrez d’abord dans le live."),
    "wrong_pass": (401, "Ce passe n’est pas (ou plus) valable ici."),
    "not_allowed": (403, "Votre rôle ne permet pas cette action."),
    "foreign_origin": (403, "Cette demande vient d’un autre site."),
    "not_found": (404, "Il n’y a rien à cette adresse."),
    "no_show": (404, "Ce live n’existe pas."),
    "method": (405, "Cette adresse ne connaît pas cette méthode."),
    "not_acceptable": (406, "Aucun codec commun\u202f: il faut H.264 ou VP8, et Opus."),
    "not_current": (409, "L’image est celle d’un autre live."),
    "not_a_rehearsal": (409, "Un public simulé n’entre que dans une répétition."),
    "feed_ahead": (409, "Votre écran est en avance sur le journal\u202f: rechargez-le."),
    "etag_mismatch": (412, "Cette session a changé entre-temps."),
    "too_large": (413, "C’est trop lourd\u202f: {most} octets au plus."),
    "media_type": (415, "Type attendu\u202f: {expected}."),
    "foreign_host": (421, "Cette plateforme ne répond pas à ce nom."),
    "key_reused": (422, "Cette clé a déjà servi pour une autre demande."),
    "bad_sdp": (422, "Cette offre SDP n’est pas utilisable\u202f: {why}."),
    "ice_restart": (422, "Le redémarrage ICE n’est pas pris en charge\u202f: ouvrez une nouvelle session."),
    "bad_picture": (422, "Cette image n’est pas lisible\u202f: {why}."),
    "wrong_code": (422, "Ce code n’est pas (ou plus) valable."),
    "no_if_match": (428, "Il manque l’en-tête If-Match."),
    "too_often": (429, "Trop de demandes\u202f: réessayez dans {wait_s}\u202fs."),
    "bug": (500, "La plateforme s’est trompée\u202f: rien n’a été changé."),
    "log_unwritable": (503, "Le journal de la vente ne peut pas être écrit\u202f: vente suspendue."),
    "closing": (503, "La plateforme s’arrête ou redémarre."),
    "media_unavailable": (503, "L’image n’est pas disponible pour l’instant."),
    "full": (503, "Trop de spectateurs pour cette machine."),
}
"""Code -> HTTP status, sentence. A rule's own refusals (409) bring their sentence with them."""


_WORD_LENGTH = 300


def _short(word: Any) -> Any:
    """A no never sends back at length what was sent to us."""
    return f"{word[:_WORD_LENGTH]}…" if isinstance(word, str) and len(word) > _WORD_LENGTH else word


class Problem(Exception):
    """A no, said as problem+json."""

    def __init__(
        self,
        code: str,
        *,
        headers: Mapping[str, str] | None = None,
        sentence: str = "",
        status: int = 0,
        facts: Mapping[str, Any] | None = None,
        **words: Any,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.facts = dict(facts or {}) | {name: _short(word) for name, word in words.items()}
        self.headers = dict(headers or {})
        known_status, known_sentence = PROBLEMS.get(code, (409, sentence))
        self.status = status or known_status
        self.sentence = sentence or known_sentence.format(**self.facts)


def problem_response(problem: Problem) -> Response:
    body = {
        "type": f"urn:seller-console:problem:{problem.code}",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.sentence,
        "code": problem.code,
        "sentence": problem.sentence,
        "facts": problem.facts,
    }
    return Response(
        msgspec.json.encode(body), problem.status, media_type="application/problem+json", headers=problem.headers
    )


def refused(refusal: Refusal) -> Problem:
    """A rule said no: 409; the key's own refusal 422; a role's 403."""
    status = PROBLEMS[refusal.code][0] if refusal.code in {"key_reused", "not_allowed", "log_unwritable"} else 409
    return Problem(refusal.code, sentence=refusal.sentence, status=status, facts=refusal.facts)


async def body_of(request: Request, most: int) -> bytes:
    """The whole body, at most `most` bytes kept; 413 when it is larger.

    What is too large is read on and thrown away, within reason: a client that is still
    sending when its socket closes never sees why.
    """
    declared = request.headers.get("content-length", "")
    too_large = declared.isascii() and declared.isdecimal() and int(declared) > most
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(_BODY_S):
            async for part in request.stream():
                size += len(part)
                if size > most + _THROWN_AWAY_BYTES:
                    break
                if size > most or too_large:
                    too_large = True
                    parts.clear()
                else:
                    parts.append(part)
    except ClientDisconnect:
        raise Problem("unreadable", why="interrompue") from None
    except TimeoutError:
        raise Problem("unreadable", headers={"Connection": "close"}, why="trop lente") from None
    if too_large:
        raise Problem("too_large", headers={"Connection": "close"}, most=most)
    return b"".join(parts)


def kind_of(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def from_elsewhere(request: Request) -> bool:
    """An unsafe request a browser sent for another site's page."""
    site = request.headers.get("sec-fetch-site")
    if site is not None and site not in {"same-origin", "none"}:
        return True
    origin = request.headers.get("origin")
    if origin is None:
        return False
    try:
        return urlsplit(origin).netloc.lower() != request.headers.get("host", "").lower()
    except ValueError:
        return True  # no browser writes an origin that cannot be read


def host_names(hosts: Iterable[str]) -> frozenset[str]:
    return frozenset({"localhost", "127.0.0.1", "[::1]", *(host.lower() for host in hosts)})


POLICY = (
    "default-src 'self'; media-src 'self' blob:; img-src 'self' blob:; connect-src 'self'; object-src 'none';"
    " base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_KEPT_TO_ITSELF = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class Doors:
    """ASGI middleware: Host first, then the page-keeping headers on whatever is answered."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str]) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        host = Headers(scope=scope).get("host", "")
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host

        async def send_kept(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for key, value in _KEPT_TO_ITSELF.items():
                    headers.setdefault(key, value)
            await send(message)

        if name.lower() not in self._hosts:
            await problem_response(Problem("foreign_host"))(scope, receive, send_kept)
            return
        await self._app(scope, receive, send_kept)
