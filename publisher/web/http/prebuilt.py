"""Responses whose head and body are bytes already: written in one go, where aiohttp would build the head each time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Mapping
from datetime import datetime
from email.utils import format_datetime
from http import HTTPStatus

from aiohttp import HttpVersion11, web
from aiohttp.abc import AbstractStreamWriter

from publisher.web.http.headers import finished
from publisher.web.http.response import PIECE, pieces

MOST_HEADS = 4096
"""Heads kept at once, half a kilobyte each. Some are of addresses that nobody will request again."""


class Heads:
    """Heads that were written before, one to a place; ``head`` writes one anew when its stamp is another."""

    def __init__(self) -> None:
        self._held: dict[Hashable, tuple[Hashable, bytes]] = {}
        self._date = (0, b"")

    def head(self, place: Hashable, stamp: Hashable, write: Callable[[], bytes]) -> bytes:
        """The head at this place, as ``write`` made it for this stamp."""
        held = self._held.get(place)
        if held is None or held[0] != stamp:
            if len(self._held) >= MOST_HEADS:
                self._held.clear()
            held = self._held[place] = stamp, write()
        return held[1]

    def date(self, now: datetime) -> bytes:
        """The last line of a head: the date (RFC 9110 section 6.6.1), written once a second."""
        second = int(now.timestamp())
        if self._date[0] != second:
            self._date = second, f"Date: {format_datetime(now, usegmt=True)}\r\n\r\n".encode()
        return self._date[1]


STOPPING: web.AppKey[list[bool]] = web.AppKey("stopping", list)
"""Holds something once the application is shutting down."""

HEADS: web.AppKey[Heads] = web.AppKey("heads", Heads)


def written(request: web.Request, status: int, headers: Mapping[str, str], length: int | None) -> bytes:
    """A head up to its date, with the headers that every response to such a request has (``headers.finished``)."""
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
    lines += [f"{name}: {value}" for name, value in finished(request.path, request.method, headers).items()]
    if length is not None:
        lines.append(f"Content-Length: {length}")
    return "\r\n".join([*lines, ""]).encode()


def takes_prebuilt(request: web.Request) -> bool:
    """Whether the connection is kept open after the response, which a prebuilt head implies, having no
    ``Connection``.
    """
    return request.version == HttpVersion11 and request.keep_alive and not request.app[STOPPING]


class Prebuilt(web.StreamResponse):
    """A response of a written head and a body. It sends no ``on_response_prepare``, and its headers cannot be
    changed.
    """

    def __init__(self, status: int, head: bytes, date: bytes, body: bytes = b"") -> None:
        super().__init__(status=status)
        self._parts = (head, date, body)

    @property
    def keep_alive(self) -> bool:
        return True

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Write it all; returns once the connection has room for more."""
        head, date, body = self._parts
        if not body or request.method == "HEAD":
            _transport(request).write(head + date)
        elif len(body) <= PIECE:
            _transport(request).writelines((head, date, body))
        else:
            # A transport copies what it cannot send at once: piece by piece, a slow reader has a copy of one.
            _transport(request).write(head + date)
            for piece in pieces(body):
                await request.writer.drain()
                _transport(request).write(piece)
        await request.writer.drain()
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        """Nothing is left to write."""


def _transport(request: web.BaseRequest) -> asyncio.Transport:
    if request.transport is None or request.transport.is_closing():
        raise ConnectionResetError("the client has gone")
    return request.transport
