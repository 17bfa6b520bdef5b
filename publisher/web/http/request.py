"""Reading requests: JSON bodies and query parameters, each fault named with its place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from aiohttp import web
from pydantic import ValidationError

from publisher.configfile import in_words
from publisher.jsonbytes import load
from publisher.model.base import xml_legal
from publisher.sources.documents.limits import MAX_KEYS, MAX_PUSHED
from publisher.web.http.connection import RequestTooSlow
from publisher.web.http.response import Fault, Problem, bounded, invalid

BODY_LIMIT = MAX_PUSHED
"""Bytes of a request body; more is 413."""

_BODY = web.RequestKey("body", bytes)


async def body_of(request: web.Request, limit: int = BODY_LIMIT) -> bytes:
    """The request's body, which is read once; 413 over the limit, also where only reading shows its length."""
    if _BODY in request:
        return request[_BODY]
    refused = Problem(413, f"a request body may have {limit} bytes here")
    if (request.content_length or 0) > limit:
        raise refused
    body = bytearray()
    try:
        async for piece in request.content.iter_any():
            body += piece
            if len(body) > limit:
                raise refused
    except RequestTooSlow as error:
        raise Problem(408, str(error)) from error
    except web.RequestPayloadError as error:
        # aiohttp's text is "400, message:" and, on the next line, the reason.
        reason = str(error).rpartition("\n")[2].strip()
        raise Problem(400, f"the body cannot be read: {reason}") from error
    request[_BODY] = bytes(body)
    return request[_BODY]


async def json_body(request: web.Request, limit: int = BODY_LIMIT) -> Any:
    """The request's JSON. 415 for another content type, 413 over the limit, 400 with the place for what is no JSON."""
    return loaded(await json_bytes(request, limit))


async def json_bytes(request: web.Request, limit: int = BODY_LIMIT) -> bytes:
    """The request's JSON unread. 415 for another content type, 413 over the limit."""
    if request.content_type != "application/json" and not request.content_type.endswith("+json"):
        given = request.headers.get("Content-Type", "no content type")
        raise Problem(415, f"send JSON with Content-Type: application/json; this request has {given}")
    return await body_of(request, limit)


def loaded(body: bytes) -> Any:
    """A body's JSON; 400 with the place for what is none."""
    try:
        return load(body)
    except orjson.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise Problem(400, f"the body is no JSON: {error.msg} at {place}", faults=[Fault(place, error.msg)]) from error


async def json_object(request: web.Request) -> dict[str, Any]:
    """The request's JSON, which must be an object."""
    data = await json_body(request)
    if not isinstance(data, dict):
        raise Problem(422, "the body must be a JSON object")
    if len(data) > MAX_KEYS:
        raise Problem(422, f"the body has {len(data):,} keys; nothing here takes more than {MAX_KEYS}")
    return data


def integer(request: web.Request, name: str, default: int, *, low: int, high: int) -> int:
    """A query parameter as a number; 422 if it is none or out of bounds."""
    text = request.query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) < 20 and low <= int(text) <= high):
        raise invalid(Fault(name, f"must be a number from {low} to {high}, not {text[:40]!r}"))
    return int(text)


def flag(request: web.Request, name: str) -> bool:
    """A query parameter that is ``true`` or ``false``, absent: false; 422 for anything else."""
    text = request.query.get(name, "false")
    if text not in ("true", "false"):
        raise invalid(Fault(name, f"must be true or false, not {text[:40]!r}"))
    return text == "true"


def many(request: web.Request, name: str) -> list[str]:
    """Every value of a query parameter that may be repeated."""
    return [xml_legal(value) for value in request.query.getall(name, [])]


def faults_of(error: ValidationError, at: str = "") -> list[Fault]:
    """What a model refused, field by field; ``at`` is where the model's data stands in the request."""
    return list(bounded([Fault(path(at, one["loc"]), _message(one)) for one in error.errors(include_url=False)]))


def path(at: str, loc: Sequence[int | str]) -> str:
    """``("images", 0, "url")`` as ``images[0].url``."""
    text = at
    for step in loc:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text or "body"


def _message(error: Any) -> str:
    return "is not known here" if error["type"] == "extra_forbidden" else in_words(error)
