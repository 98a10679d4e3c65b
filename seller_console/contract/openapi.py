"""The platform in writing: OpenAPI 3.1 and the catalogue of events, made from the words themselves.

`document()` is what the platform serves at routes.OPENAPI. Another platform can be
written from it. Schemas come from the structs, so they cannot differ from what is
decoded; the roles of each command and the audience of each event are beside them.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec

from . import VERSION, routes
from .commands import Command
from .events import Brief, Event, Passing, Stamped
from .examples import example, members, tag_of
from .words import Accepted, Who

TEMPLATE = "#/components/schemas/{name}"
JSON = "application/json"
PROBLEM = "application/problem+json"
SDP = "application/sdp"
FRAGMENT = "application/trickle-ice-sdpfrag"
EVENTS = "text/event-stream"


@cache
def document() -> dict[str, Any]:
    """The whole description; the same object each time: do not change it."""
    said = [word for word in members(Command) if word.BY]
    roots = [*said, *members(Event), *members(Passing), Stamped, Brief, Accepted, Who]
    _, schemas = msgspec.json.schema_components(roots, ref_template=TEMPLATE)
    for word in said:
        schemas[word.__name__]["x-roles"] = sorted(word.BY)
        schemas[word.__name__]["examples"] = [_plain(word)]
    schemas["Command"] = _one_of(said)
    schemas["Event"] = _one_of(members(Event))
    schemas["Passing"] = _one_of(members(Passing))
    schemas.update(_BY_HAND)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Seller console: the platform",
            "version": str(VERSION),
            "description": __doc__ + "\n\n" + (routes.__doc__ or ""),
            "license": {"name": "GPL-3.0-or-later", "identifier": "GPL-3.0-or-later"},
        },
        "paths": _paths(),
        "components": {
            "schemas": schemas,
            "parameters": _PARAMETERS,
            "responses": {"Problem": _answer("A no: who, why, and a sentence for people.", _ref("Problem"), PROBLEM)},
            "securitySchemes": {
                "staff": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The pass of an owner, producer, moderator.",
                },
                "buyer": {"type": "apiKey", "in": "cookie", "name": routes.BUYER_COOKIE},
                "streamKey": {"type": "http", "scheme": "bearer", "description": "The key of the publisher (WHIP)."},
            },
        },
        "x-events": {tag_of(word): _catalogued(word) for word in members(Event)},
        "x-passing": {tag_of(word): _catalogued(word) for word in members(Passing)},
    }


def _catalogued(word: type[Any]) -> dict[str, Any]:
    """Audience as in events.py; one that depends on the event names the field it reads."""
    shown = example(word)
    audience = shown.audience()
    kind, _, person = audience.partition(":")
    field = next(
        (name for name in ("bidder", "buyer", "person") if person and getattr(shown, name, None) == person), ""
    )
    return {
        "audience": f"{kind}:{{{field}}}" if field else audience,
        "schema": _ref(word.__name__),
        "example": _plain(word),
    }


def _plain(word: type[Any]) -> Any:
    return msgspec.to_builtins(example(word))


def _ref(name: str) -> dict[str, str]:
    return {"$ref": TEMPLATE.format(name=name)}


def _one_of(words: Any) -> dict[str, Any]:
    names = [word.__name__ for word in words]
    mapping = {tag_of(word): TEMPLATE.format(name=word.__name__) for word in words}
    return {"oneOf": [_ref(name) for name in names], "discriminator": {"propertyName": "type", "mapping": mapping}}


# --- the paths -------------------------------------------------------------------------


def _answer(
    description: str, schema: Any = None, kind: str = JSON, shown: Any = None, **headers: str
) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": description}
    if schema is not None:
        content: dict[str, Any] = {"schema": schema}
        if shown is not None:
            content["example"] = shown
        answer["content"] = {kind: content}
    if headers:
        answer["headers"] = {
            name.replace("_", "-"): {"description": said, "schema": {"type": "string"}}
            for name, said in headers.items()
        }
    return answer


def _object(**properties: Any) -> dict[str, Any]:
    """An object of these properties, all required; a schema, or an example to take the type from."""
    kinds = {bool: "boolean", int: "integer", str: "string"}
    schemas = {
        name: value if isinstance(value, dict) else {"type": kinds[type(value)], "examples": [value]}
        for name, value in properties.items()
    }
    return {"type": "object", "properties": schemas, "required": list(schemas)}


def _does(
    summary: str,
    answers: dict[str, Any],
    *,
    security: tuple[str, ...] = (),
    body: dict[str, Any] | None = None,
    parameters: tuple[str, ...] = (),
) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": summary,
        "operationId": summary.split(":")[0].strip().lower().replace(" ", "_").replace("'", ""),
        "security": [{name: []} for name in security],
        "responses": {**answers, "default": {"$ref": "#/components/responses/Problem"}},
    }
    if parameters:
        operation["parameters"] = [{"$ref": f"#/components/parameters/{name}"} for name in parameters]
    if body is not None:
        operation["requestBody"] = {"required": True, "content": body}
    return operation


def _json_body(schema: Any, shown: Any = None) -> dict[str, Any]:
    return {JSON: {"schema": schema} | ({} if shown is None else {"example": shown})}


_TEXT = {"type": "string"}
_SDP_BODY = {SDP: {"schema": _TEXT, "example": "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\n…"}}
_ANYONE = ("staff", "buyer")
_SHOW_FACE = _object(
    show_id="20250614-soiree", title="Soirée cartes", status="live", rehearsal=False, opened_at=1, live_at=0, ended_at=0
)
_BY_HAND: dict[str, Any] = {
    "Problem": {
        **_object(
            type="urn:seller-console:problem:too_low",
            title="Conflict",
            status=409,
            detail="Il faut au moins 18 €.",
            code="too_low",
            sentence="Il faut au moins 18 €.",
            facts={"type": "object"},
        ),
        "description": "RFC 9457. `code` is stable; `sentence` is for people; `facts` for screens.",
    },
    "ShowFace": _SHOW_FACE,
}
_PARAMETERS: dict[str, Any] = {
    **{
        name: {"name": name, "in": "path", "required": True, "schema": _TEXT, "description": said}
        for name, said in {
            "show": "The show's id.",
            "session": "The id of a WHIP or WHEP session, from Location.",
            "name": "The picture's file name.",
        }.items()
    },
    "key": {
        "name": routes.IDEMPOTENCY_KEY,
        "in": "header",
        "required": True,
        "schema": {"type": "string", "minLength": 1, "maxLength": 200},
        "description": "The same key and body get the same answer; the same key with another body is refused 422.",
    },
    "last": {
        "name": routes.LAST_EVENT_ID,
        "in": "header",
        "schema": {"type": "string", "pattern": "^[0-9]{1,18}$"},
        "description": "The seq the reader has: the feed goes on after it.",
    },
    "after": {
        "name": "after",
        "in": "query",
        "schema": {"type": "string", "pattern": "^[0-9]{1,18}$"},
        "description": "The same, for readers that cannot set a header.",
    },
    "match": {
        "name": "If-Match",
        "in": "header",
        "required": True,
        "schema": _TEXT,
        "description": "The session's ETag.",
    },
}


def _session(door: str, security: tuple[str, ...]) -> dict[str, Any]:
    return {
        "parameters": [{"$ref": "#/components/parameters/show"}, {"$ref": "#/components/parameters/session"}],
        "patch": _does(
            f"{door} candidates: trickle ICE (RFC 8840)",
            {"204": _answer("Taken.")},
            security=security,
            body={FRAGMENT: {"schema": _TEXT}},
            parameters=("match",),
        ),
        "delete": _does(f"{door} end: close the session", {"200": _answer("Closed.")}, security=security),
    }


def _opening(door: str, said: str, security: tuple[str, ...]) -> dict[str, Any]:
    return _does(
        f"{door} offer: {said}",
        {"201": _answer("The answer.", _TEXT, SDP, Location="The session.", ETag="Of the session.")},
        security=security,
        body=_SDP_BODY,
    )


def _paths() -> dict[str, Any]:
    of_show = [{"$ref": "#/components/parameters/show"}]
    seen = _object(lot_id={"type": ["string", "null"], "maxLength": 64})
    return {
        routes.HEALTH: {
            "get": _does(
                "Health: whether the platform answers",
                {"200": _answer("It does.", _object(ok=True, contract=1, version="0.1.0", show_id="20250614-soiree"))},
            )
        },
        routes.TIME: {
            "get": _does("Time: the platform's clock (rule 16)", {"200": _answer("Now.", _object(server_ms=1))})
        },
        routes.OPENAPI: {
            "get": _does("Description: this document", {"200": _answer("OpenAPI 3.1.", {"type": "object"})})
        },
        routes.SHOWS: {
            "get": _does(
                "Shows: those of this platform",
                {
                    "200": _answer(
                        "The shows.",
                        _object(shows={"type": "array", "items": _object(show_id="20250614-soiree")}),
                    )
                },
                security=("staff",),
            ),
            "post": _does(
                "Open show: another one",
                {"201": _answer("Opened.", _ref("ShowFace"), Location="The show.")},
                security=("staff",),
                body=_json_body({"type": "object", "properties": {"title": {"type": "string", "maxLength": 80}}}),
            ),
        },
        routes.SHOW: {
            "parameters": of_show,
            "get": _does("Show: its public face", {"200": _answer("The show.", _ref("ShowFace"))}),
        },
        routes.JOIN: {
            "parameters": of_show,
            "post": _does(
                "Join: enter the show as a buyer",
                {"200": _answer("Who you are; the pass is in the cookie.", _ref("Who"), shown=_plain(Who))},
                body=_json_body(
                    {
                        "type": "object",
                        "properties": {
                            "nickname": {"type": "string", "maxLength": 200},
                            "invite": {"type": "string", "maxLength": 100},
                            "simulated": {"type": "boolean"},
                        },
                    },
                    {"nickname": "Léa"},
                ),
            ),
        },
        routes.COMMANDS: {
            "parameters": of_show,
            "post": _does(
                "Say: a command to the show",
                {"200": _answer("In the log.", _ref("Accepted"), shown=_plain(Accepted))},
                security=_ANYONE,
                body={JSON: {"schema": _ref("Command"), "examples": _command_examples()}},
                parameters=("key",),
            ),
        },
        routes.FEED: {
            "parameters": of_show,
            "get": _does(
                "Feed: every event of the show that this reader may see",
                {"200": _answer(routes.__doc__ or "", _TEXT, EVENTS, f"id: 1204\nevent: row\ndata: {_stamped()}\n\n")},
                security=_ANYONE,
                parameters=("last", "after"),
            ),
        },
        routes.BRIEF: {
            "parameters": of_show,
            "get": _does(
                "Brief: the shortest history of this reader's screen",
                {"200": _answer("Go on from its seq by the feed.", _ref("Brief"))},
                security=_ANYONE,
            ),
        },
        routes.EDITING: {
            "parameters": of_show,
            "put": _does(
                "Editing: I have this lot open",
                {"204": _answer("Noted for 30 s.")},
                security=("staff",),
                body=_json_body(seen, {"lot_id": "L152"}),
            ),
        },
        routes.PICTURES: {
            "parameters": of_show,
            "post": _does(
                "Add picture: re-encoded, without its metadata",
                {"201": _answer("Kept.", _object(path="/pictures/4f1c.jpg"))},
                security=("staff",),
                body={kind: {} for kind in ("image/jpeg", "image/png", "image/webp")},
            ),
        },
        routes.PICTURE: {
            "parameters": [{"$ref": "#/components/parameters/name"}],
            "get": _does(
                "Picture: one of a lot", {"200": {"description": "The picture.", "content": {"image/jpeg": {}}}}
            ),
        },
        routes.PAIRING: {
            "post": _does(
                "Pairing: a code for another console",
                {"201": _answer("Good for two minutes.", _object(code="12345678", url="https://…", expires_ms=1))},
                security=("staff",),
                body=_json_body(_object(role={"enum": ["producer", "moderator"]}), {"role": "producer"}),
            )
        },
        routes.PAIRING_CLAIM: {
            "post": _does(
                "Claim: a code for a pass",
                {"200": _answer("The pass.", {"type": "object"})},
                body=_json_body(_object(code=_TEXT, name=_TEXT), {"code": "12345678", "name": "Marie"}),
            )
        },
        routes.WHIP: {"parameters": of_show, "post": _opening("WHIP", "publish (RFC 9725)", ("streamKey",))},
        routes.WHIP_SESSION: _session("WHIP", ("streamKey",)),
        routes.WHEP: {"parameters": of_show, "post": _opening("WHEP", "watch", _ANYONE)},
        routes.WHEP_SESSION: _session("WHEP", _ANYONE),
        routes.BUYER_PAGE: {
            "parameters": of_show,
            "get": _does("Buyer page: what a buyer opens", {"200": _answer("The page.", _TEXT, "text/html")}),
        },
    }


def _command_examples() -> dict[str, Any]:
    return {tag_of(word): {"value": _plain(word)} for word in members(Command) if word.BY}


def _stamped() -> str:
    return msgspec.json.encode(example(Stamped)).decode()
