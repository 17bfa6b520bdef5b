"""Lists as JSON, sent while they are read: only one batch is in memory, however long the list is.

A batch is read once the client has taken the one before it; so a slow client keeps a batch in memory, but no connection
to the database.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

import orjson
from aiohttp import ClientConnectionError, web

from publisher import telemetry
from publisher.web.http.headers import READ
from publisher.web.http.response import json_response, pieces

log = telemetry.logger(__name__)

BATCH_BYTES = 256 * 1024
"""What is read at once: some milliseconds in which the event loop does nothing else. One item may be larger."""

PAGE_BYTES = 4 * 1024 * 1024
"""The most bytes of a page; it then ends, and ``next`` names the following one. One item may be larger."""

Batches = AsyncIterator[Sequence[Any]]


async def list_response(
    request: web.Request,
    name: str,
    batches: Batches,
    end: Callable[[], Mapping[str, Any]],
    headers: Mapping[str, str] = READ,
) -> web.StreamResponse:
    """``{name: [items of all batches], **end()}``; ``end`` is called when the last batch is read."""
    first = await anext(batches, None) or []
    second = await anext(batches, None)
    if second is None:
        return json_response({name: list(first), **end()}, headers=headers)
    response = web.StreamResponse(headers={"Content-Type": "application/json; charset=utf-8", **headers})
    await response.prepare(request)
    if request.method == "HEAD":
        return response
    try:
        await response.write(b'{"%s":[' % name.encode())
        await _send(request, response, _joined(first, second, batches))
        await response.write(b"]," + orjson.dumps(end())[1:] + b"\n")
    except (ConnectionError, ClientConnectionError):
        raise
    except Exception:
        # The head said 200: only a connection that breaks off can say that the list is not whole.
        log.exception("list.broken", path=request.path)
        if request.transport is not None:
            request.transport.abort()
    return response


async def _joined(first: Sequence[Any], second: Sequence[Any], more: Batches) -> Batches:
    yield first
    yield second
    async for batch in more:
        yield batch


async def _send(request: web.Request, response: web.StreamResponse, batches: Batches) -> None:
    separator = b""
    async for batch in batches:
        if not batch:
            continue
        for piece in pieces(separator + b",".join(map(orjson.dumps, batch))):
            await response.write(piece)
            await request.writer.drain()
        separator = b","
