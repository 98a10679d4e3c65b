"""The doors of the platform: paths, headers, cookies, as every client spells them.

Commands: POST COMMANDS with the command as its JSON body (tagged by "type") and
an Idempotency-Key header -> 200 Accepted, or problem+json carrying a Refusal
(409 a rule said no, 400 unreadable, 401/403 pass, 413, 422 key reused, 429, 503).
Feed: GET FEED with Last-Event-ID (or ?after=SEQ) -> text/event-stream:
  a row you may see   "id: SEQ\nevent: row\ndata: {Stamped}\n\n"
  a row you may not   "id: SEQ\n\n"
  what passes by      "event: passing\ndata: {Passing}\n\n"
Brief: GET BRIEF -> Brief; go on from its seq by the feed.
Join: POST JOIN {"nickname": ..., "invite": ...} -> cookie (buyers), Brief-like Who.
"""

from __future__ import annotations

HEALTH = "/api/health"
"""GET, no pass: {"ok": true, "contract": 1, "version": ..., "show_id": ...}."""
TIME = "/api/time"
"""GET, no pass: {"server_ms": int}. Five samples, the fastest sets the offset (rule 16)."""
OPENAPI = "/api/openapi.json"
SHOWS = "/api/shows"
"""GET (backstage): the shows of this platform. POST (owner): open another show."""
SHOW = "/api/shows/{show}"
JOIN = "/api/shows/{show}/join"
COMMANDS = "/api/shows/{show}/commands"
FEED = "/api/shows/{show}/feed"
BRIEF = "/api/shows/{show}/brief"
EDITING = "/api/shows/{show}/editing"
"""PUT {"lot_id": ID or null}: I have this lot open (seen by backstage, forgotten after 30 s)."""
PICTURES = "/api/shows/{show}/pictures"
"""POST (backstage) image/jpeg|png|webp, at most 8 MB -> {"path": "/pictures/…"}; re-encoded."""
PICTURE = "/pictures/{name}"
PAIRING = "/api/pairing"
"""POST (owner): {"role"} -> {"code", "url", "expires_ms"}; POST PAIRING_CLAIM {"code", "name"} -> pass."""
PAIRING_CLAIM = "/api/pairing/claim"
WHIP = "/whip/{show}"
WHIP_SESSION = "/whip/{show}/{session}"
WHEP = "/whep/{show}"
WHEP_SESSION = "/whep/{show}/{session}"
BUYER_PAGE = "/s/{show}"
"""What a buyer opens. "/" redirects to the current show's."""
STATIC = "/static"

IDEMPOTENCY_KEY = "Idempotency-Key"
LAST_EVENT_ID = "Last-Event-ID"
BUYER_COOKIE = "pass"
"""HttpOnly, SameSite=Strict. Staff send "Authorization: Bearer PASS" instead."""
REGULAR_COOKIE = "regular"
"""The same, lasting, sent to /api alone: a buyer of this platform's earlier shows. It opens nothing."""

COMMAND_BYTES = 16 * 1024
IMPORT_BYTES = 8 * 1024 * 1024
"""ImportLots alone may be this large."""
SDP_BYTES = 64 * 1024
PICTURE_BYTES = 8 * 1024 * 1024


def at(path: str, show: str, **names: str) -> str:
    """A path of this page with its names filled in."""
    return path.format(show=show, **names)
