"""``/feeds/NAME.FORMAT``: the documents. A version is built once; a request only picks the coding it accepts."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from types import MappingProxyType

from aiohttp import ClientConnectionError, web

from publisher.errors import NotFound
from publisher.model import FeedDefinition
from publisher.model.feed import NAME_PATTERN
from publisher.publish import Address, Document, codings
from publisher.publish.codings import IDENTITY
from publisher.render import FORMATS
from publisher.storage.configuration import feeds as feed_states
from publisher.web.access.auth import caller
from publisher.web.access.visibility import may_read
from publisher.web.http import negotiation
from publisher.web.http.headers import PUBLIC
from publisher.web.http.parameters import for_readers
from publisher.web.http.prebuilt import HEADS, Prebuilt, takes_prebuilt, written
from publisher.web.http.response import PIECE, Problem, in_pieces, nearest
from publisher.web.services import services_of

routes = web.RouteTableDef()

KNOWN_NAME = re.compile(NAME_PATTERN)
NOTHING: Mapping[str, str] = MappingProxyType({})


@routes.get("/feeds/{name:[^/]+}.{format:[^/.]+}")
@for_readers
async def document(request: web.Request) -> web.StreamResponse:
    """One feed in one format; 304 for a client that has the present version in any coding."""
    address = Address(request.match_info["name"], request.match_info["format"])
    feed = await readable(request, address.feed)
    if address.format not in FORMATS:
        raise Problem(404, f"feeds come as {', '.join(FORMATS)}; {address.format!r} is none of them")
    try:
        unchanged = await _not_modified(request, feed, address)
        if unchanged is not None:
            return unchanged
        return await _send(request, feed, address, await services_of(request).publications.current(*address))
    except NotFound as error:  # removed since it was looked up
        raise Problem(404, str(error)) from error


async def _not_modified(request: web.Request, feed: FeedDefinition, address: Address) -> web.StreamResponse | None:
    """The 304 for a client that has the present version; it needs no rendering."""
    if "If-None-Match" not in request.headers and "If-Modified-Since" not in request.headers:
        return None
    version = await services_of(request).publications.version(address.feed, address.narrowing)
    coded = (coding.tag(version.etag) for coding in codings.CODINGS)
    tag = negotiation.matching_tag(request, version.etag, *coded)
    if tag is None and not negotiation.unmodified(request, version.last_modified):
        return None
    return _answer(request, feed, address, tag or version.etag, version.last_modified, status=304)


async def readable(request: web.Request, name: str) -> FeedDefinition:
    """The feed of this name, if the caller may read it.

    A feed that the caller may not read is 404, as if it did not exist. A 404, and the 410 for a public feed that was
    removed, name the nearest feeds that the caller may read.
    """
    feeds = services_of(request).catalog().feeds
    feed = feeds.get(name)
    if feed is not None and feed.public:
        return feed
    client = await caller(request)  # first of all, so that the response does not show whether there is such a feed
    if feed is not None and may_read(client, feed):
        return feed
    offered = [one.name for one in feeds.values() if may_read(client, one)]
    if feed is None and await was_removed(request, name):
        raise Problem(410, f"the feed {name!r} was removed; {nearest(name, offered)}")
    raise Problem(404, f"there is no feed {name!r}; {nearest(name, offered)}")


async def was_removed(request: web.Request, name: str) -> bool:
    """Whether there was a public feed of this name, which is no feed any more."""
    # A database may choke on what cannot be a name, such as a NUL.
    if not KNOWN_NAME.fullmatch(name):
        return False
    state = await services_of(request).db.read(feed_states.state, name)
    return state is not None and not state.private


async def _send(request: web.Request, feed: FeedDefinition, address: Address, found: Document) -> web.StreamResponse:
    coding = negotiation.preferred_coding(request, tuple(found.bodies))
    body, tag = found.bodies[coding], coding.tag(found.etag)
    content = {"Content-Type": found.content_type}
    if coding is not IDENTITY:
        content["Content-Encoding"] = coding.name
    if isinstance(body, Path):
        return await _send_file(request, body, _headers(request, feed, address, tag, found.last_modified) | content)
    return _answer(request, feed, address, tag, found.last_modified, status=200, content=content, body=body)


def _answer(
    request: web.Request,
    feed: FeedDefinition,
    address: Address,
    tag: str,
    changed_at: datetime | None,
    *,
    status: int,
    content: Mapping[str, str] = NOTHING,
    body: bytes | None = None,
) -> web.StreamResponse:
    if not takes_prebuilt(request):
        return web.Response(
            status=status,
            body=in_pieces(body or b""),
            headers={**_headers(request, feed, address, tag, changed_at), **content},
        )

    def write() -> bytes:
        headers = {**_headers(request, feed, address, tag, changed_at), **content}
        return written(request, status, headers, None if body is None else len(body))

    heads, now = request.app[HEADS], services_of(request).now()
    stamp = tag, negotiation.is_dated(changed_at, now), feed.public
    head = heads.head((address, status, content.get("Content-Encoding")), stamp, write)
    return Prebuilt(status, head, heads.date(now), body or b"")


def _headers(
    request: web.Request, feed: FeedDefinition, address: Address, tag: str, changed_at: datetime | None
) -> dict[str, str]:
    """What a 200 and a 304 have in common (RFC 9110 section 15.4.5)."""
    services = services_of(request)
    return {
        "Cache-Control": PUBLIC if feed.public else "private, no-cache",
        "Vary": "Accept-Encoding" if feed.public else "Accept-Encoding, Authorization",
        "Link": f'<{address.url(services.site().url)}>; rel="self"',
        "ETag": f'"{tag}"',
        **negotiation.last_modified(changed_at, services.now()),
    }


async def _send_file(request: web.Request, path: Path, headers: dict[str, str]) -> web.StreamResponse:
    # aiohttp's FileResponse would put the file's own ETag and Last-Modified in place of the feed's.
    file = await asyncio.to_thread(path.open, "rb")
    try:
        response = web.StreamResponse(headers=headers)
        response.content_length = os.fstat(file.fileno()).st_size
        await response.prepare(request)
        while request.method != "HEAD" and (chunk := await asyncio.to_thread(file.read, PIECE)):
            await response.write(chunk)
            await request.writer.drain()
        await response.write_eof()
    except (ConnectionError, ClientConnectionError):
        pass  # the client has gone
    finally:
        file.close()
    return response
