"""Responses as JSON, and errors as RFC 9457 problem details."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import orjson
from aiohttp import payload, web
from aiohttp.abc import AbstractStreamWriter

from publisher import configfile
from publisher.sources.documents.limits import MAX_FAULTS

PIECE = 64 * 1024
"""Bytes that are given to a connection at once; the next ones follow when these are sent."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong in a request: where (``feeds[0]``, ``limit``) and what, with what would be right."""

    path: str
    message: str


class Problem(Exception):
    """An error response; the middleware sends it. Of many faults it holds the first hundred.

    ``more`` are members of its own (RFC 9457 section 3.2).
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        faults: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.faults = bounded(faults)
        self.headers = dict(headers or {})
        self.more = dict(more or {})

    @property
    def title(self) -> str:
        """The status in words: what ``about:blank`` problems are titled (RFC 9457 section 4.2.1)."""
        return HTTPStatus(self.status).phrase


def problem_response(problem: Problem) -> web.Response:
    """The problem as ``application/problem+json``."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        **problem.more,
    }
    if problem.faults:
        body["errors"] = [{"path": fault.path, "message": fault.message} for fault in problem.faults]
    response = web.Response(
        body=orjson.dumps(body),
        status=problem.status,
        headers={"Cache-Control": "no-store", **problem.headers},
        content_type="application/problem+json",
    )
    if problem.status == 408:
        response.force_close()  # the rest of the request is not read (RFC 9110 section 15.5.9)
    return response


def json_response(data: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """Data as JSON; caches must not store it unless ``headers`` say otherwise."""
    return web.Response(
        body=in_pieces(orjson.dumps(data, option=orjson.OPT_APPEND_NEWLINE)),
        status=status,
        headers={"Cache-Control": "no-store", **(headers or {})},
        content_type="application/json",
        charset="utf-8",
    )


class _Pieces(payload.Payload):
    """Bytes that go out piece by piece, so that no more than one is copied for a client that reads slowly."""

    _value: bytes

    def __init__(self, value: bytes) -> None:
        super().__init__(value)
        self._size = len(value)

    @property
    def value(self) -> bytes:
        """All of it."""
        return self._value

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        return self._value.decode(encoding, errors)

    async def write(self, writer: AbstractStreamWriter) -> None:
        for piece in pieces(self._value):
            await writer.write(piece)
            await writer.drain()


def pieces(body: bytes) -> Iterator[memoryview]:
    """The body in pieces that share its bytes."""
    view = memoryview(body)
    return (view[start : start + PIECE] for start in range(0, len(body), PIECE))


def in_pieces(body: bytes) -> bytes | payload.Payload:
    """The body for a response: unchanged where it is small, else sent in pieces."""
    return body if len(body) <= PIECE else _Pieces(body)


def whole(response: web.Response) -> bytes:
    """The body of a response that has not been sent yet, in pieces or not."""
    body = response.body
    return body.value if isinstance(body, _Pieces) else body if isinstance(body, bytes) else b""


def invalid(*faults: Fault) -> Problem:
    """422: the request is well-formed but cannot be processed."""
    return Problem(422, "; ".join(f"{fault.path}: {fault.message}" for fault in bounded(faults)), faults=faults)


def bounded(faults: Sequence[Fault]) -> tuple[Fault, ...]:
    """The first hundred faults, and how many more there are."""
    if len(faults) <= MAX_FAULTS + 1:  # an earlier count has added a fault that says how many more there are
        return tuple(faults)
    more = f"{len(faults) - MAX_FAULTS:,} more faults are not told; put these right first"
    return (*faults[:MAX_FAULTS], Fault("body", more))


def too_many(said: str, wait: float) -> Problem:
    """429 with when to try again (RFC 6585 section 4): in ``wait`` seconds, told as whole ones."""
    seconds = max(1, math.ceil(wait))
    return Problem(429, f"{said}; try again in {seconds} s", headers={"Retry-After": str(seconds)})


def nearest(name: str, known: Iterable[str]) -> str:
    """See :func:`publisher.configfile.nearest`; up to three names, quoted as clients of the API expect."""
    return configfile.nearest(name, known, most=3, quote="'")
