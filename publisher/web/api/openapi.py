"""``/api/v1/openapi.json``: what programs may read of the API, as OpenAPI 3.1. So far that is the log."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from publisher import __version__
from publisher.model import Change, EventType
from publisher.model.feed import NAME_PATTERN
from publisher.web.api.events import LATEST, LONGEST_WAIT, MAX_PAGE, PAGE
from publisher.web.api.filters import MOST_NAMES
from publisher.web.http.headers import READ
from publisher.web.http.response import json_response

routes = web.RouteTableDef()

Schema = dict[str, Any]

PROBLEM = "application/problem+json"


@routes.get("/api/v1/openapi.json")
async def show(request: web.Request) -> web.Response:
    """The description; the same for every caller."""
    return json_response(described(), headers=READ)


def described() -> Schema:
    """The whole document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Publisher",
            "version": __version__,
            "description": "Reading the log of events. Other operations are not described here yet.",
        },
        "security": [{}, {"key": []}],
        "paths": {"/api/v1/events": {"get": _list_events()}},
        "components": {
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Event": _event(), "Events": _events(), "Problem": _problem(), "Gone": _gone()},
        },
    }


def _list_events() -> Schema:
    return {
        "operationId": "listEvents",
        "summary": "Events after a place in the log, oldest first",
        "description": "Ask for `next_url` again and again, and you are told of each event once, in order.",
        "parameters": _parameters(),
        "responses": {
            "200": {
                "description": "A page; it may have no events, and still there is one after it",
                "headers": {"Link": {"description": 'The next page, with rel="next"', "schema": {"type": "string"}}},
                "content": {"application/json": {"schema": _named("Events")}},
            },
            "401": _refusal("The key is unknown or was revoked"),
            "403": _refusal("A feed that only operators may follow"),
            "410": _refusal("The place is gone: go on at `begin_url`", "Gone"),
            "422": _refusal("A parameter is wrong; `errors` says which, and what would be right"),
            "429": _refusal("Too many requests wait already; `Retry-After` says when to go on"),
            "503": _refusal("Storage does not answer; `Retry-After` says when to go on"),
        },
    }


def _parameters() -> list[Schema]:
    most = {"type": "array", "maxItems": MOST_NAMES}
    names = {**most, "items": {"type": "string", "pattern": NAME_PATTERN}}
    types = {**most, "items": {"type": "string", "enum": [type.value for type in EventType]}}
    wait = {"type": "integer", "minimum": 0, "maximum": int(LONGEST_WAIT), "default": 0}
    limit = {"type": "integer", "minimum": 1, "maximum": MAX_PAGE, "default": PAGE}
    after = f"A page's `next`, {LATEST!r}, or an event's `seq`; left out, the first event that is kept"
    return [
        _parameter("feed", "A feed to follow; left out, all that the caller may see", names),
        _parameter("type", "A type of event to be told of; left out, all", types),
        _parameter("after", after, {"type": "string"}),
        _parameter("limit", "The most events of a page; it may have fewer", limit),
        _parameter("wait", "Seconds to wait for an event where there is none yet", wait),
    ]


def _parameter(name: str, description: str, schema: Schema) -> Schema:
    return {"name": name, "in": "query", "description": description, "schema": schema}


def _event() -> Schema:
    text = {"type": "string"}
    return _object(
        seq={"type": "integer", "minimum": 1},
        id=text,
        type={"type": "string", "enum": [type.value for type in EventType]},
        timestamp={"type": "string", "format": "date-time"},
        source={"type": ["string", "null"]},
        change={"type": "string", "enum": [change.value for change in Change]},
        changed={"type": "array", "items": text},
        data={"type": "object"},
    )


def _events() -> Schema:
    url = {"type": "string", "format": "uri-reference"}
    return _object(events={"type": "array", "items": _named("Event")}, next={"type": "string"}, next_url=url)


def _problem() -> Schema:
    text = {"type": "string"}
    told = _object(type=text, title=text, status={"type": "integer"}, detail=text)
    told["properties"]["errors"] = {"type": "array", "items": _object(path=text, message=text)}
    return told


def _gone() -> Schema:
    own = _object(
        code={"type": "string", "enum": ["log-reset", "log-pruned"]},
        begin={"type": "string"},
        begin_url={"type": "string", "format": "uri-reference"},
    )
    return {"allOf": [_named("Problem"), own]}


def _object(**properties: Schema) -> Schema:
    """An object that has all of these."""
    return {"type": "object", "properties": properties, "required": list(properties)}


def _named(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _refusal(description: str, schema: str = "Problem") -> Schema:
    return {"description": description, "content": {PROBLEM: {"schema": _named(schema)}}}
