"""One connection of a client, held to its limits: aiohttp's protocol, which sets none of these by itself.

Nothing is buffered for a client that does not read: the transport's buffer has a high-water mark of zero, so that it
is "paused" exactly while something lies unsent, the next request is taken up only once nothing does, and reading stops
when a few requests wait. The caller of :meth:`Connection.check` supplies the time.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

from aiohttp import web
from aiohttp.http import HttpRequestParser
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from aiohttp.web_protocol import RequestHandler, _ErrInfo

from publisher import telemetry
from publisher.web.http.limits import FIELD_BYTES, FIELDS, HEAD_BYTES, PIPELINED, URL_BYTES, Ended, Limits
from publisher.web.http.response import Problem, problem_response

if TYPE_CHECKING:
    from publisher.web.http.runner import Server

log = telemetry.logger(__name__)

READ_BYTES = 64 * 1024
"""Bytes of a body that are read ahead of the handler; reading stops at twice that."""

LINGER_SECONDS = 5.0
"""Seconds for which an unused body is still read, so that the client gets to see the response."""


class RequestTooSlow(web.RequestPayloadError):
    """A request's body came more slowly than the server waits for."""


class _HeadTooLarge(HttpProcessingError):
    code = 431
    message = f"a request's head may have {HEAD_BYTES} bytes, in {FIELDS} fields of {FIELD_BYTES}"


class Connection(RequestHandler):
    """aiohttp's protocol with limits. Made by :class:`~publisher.web.http.runner.Server`."""

    def __init__(self, server: Server, limits: Limits, *, loop: asyncio.AbstractEventLoop, **options: Any) -> None:
        super().__init__(
            server,
            loop=loop,
            read_bufsize=READ_BYTES,
            lingering_time=LINGER_SECONDS,
            max_line_size=URL_BYTES,
            max_field_size=FIELD_BYTES,
            max_headers=FIELDS,
            **options,
        )
        # aiohttp reads 32 requests ahead and offers no option for it.
        self._max_msg_queue_size, self._msg_queue_resume_size = PIPELINED, PIPELINED // 2
        self._parser = HttpRequestParser(
            self,
            loop,
            READ_BYTES,
            max_line_size=URL_BYTES,
            max_field_size=FIELD_BYTES,
            max_headers=FIELDS,
            payload_exception=web.RequestPayloadError,
            max_msg_queue_size=PIPELINED,
        )
        self._server = server
        self._limits = limits
        self._wire: asyncio.Transport | None = None  # aiohttp drops its own when it closes, with bytes still unsent
        self._admitted = False
        self.address = ""
        self.since = 0.0
        """When it last had a request, by the event loop's clock."""
        self._head_at: float | None = None
        self._head_bytes = 0
        self._payload: StreamReader = EMPTY_PAYLOAD
        self._body_at = 0.0
        self._body_bytes = 0
        self._held_at: float | None = None  # since when we ourselves read no more of a body
        self._unsent_at: float | None = None
        self._unsent_bytes = 0
        self.gone = asyncio.Event()
        """Set once the client has gone."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Accept the connection, or refuse it with 503 where its client, or all together, have too many."""
        self._wire = wire = cast(asyncio.Transport, transport)
        peer = wire.get_extra_info("peername")
        self.address = str(peer[0]) if isinstance(peer, tuple) else ""
        self.since = self._loop.time()
        refused = self._server.refused(self)
        if refused is not None:
            self._force_close = True
            wire.write(_closing(503, f"too many connections ({refused})"))
            wire.close()
            return
        self._admitted = True
        wire.set_write_buffer_limits(high=0)
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Give up its place."""
        self._wire = None
        self.gone.set()
        if self._admitted:
            self._admitted = False
            self._server.left(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse, and note whether a request has begun and whether it is whole."""
        before = self._request_count
        super().data_received(data)
        if self._force_close or self._close:
            return
        if self._request_count > before:
            self._begun(self._request_count - before)
        elif not self._payload.is_eof():
            self._body_bytes += len(data)
        elif data:
            if self._head_at is None:
                self._head_at = self._loop.time()
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES and self._idle:
                self._refuse(_HeadTooLarge.code, _HeadTooLarge.message)

    def _begun(self, new: int) -> None:
        """Heads of new requests are whole; only the last of them can have a body still to come."""
        self.since = self._body_at = self._loop.time()
        self._head_at, self._head_bytes, self._body_bytes, self._held_at = None, 0, 0, None
        for place in range(max(0, len(self._messages) - new), len(self._messages)):
            message, _ = self._messages[place]
            if not isinstance(message, _ErrInfo) and _size(message.raw_headers) > HEAD_BYTES:
                error = _HeadTooLarge()
                self._messages[place] = (_ErrInfo(status=error.code, exc=error, message=error.message), EMPTY_PAYLOAD)
        self._payload = self._messages[-1][1] if self._messages else EMPTY_PAYLOAD

    def pause_reading(self) -> None:
        """Read no more of a body for now: the handler is behind, which is not the client's fault."""
        if self._held_at is None:
            self._held_at = self._loop.time()
        super().pause_reading()

    def resume_reading(self, resume_parser: bool = True) -> None:
        """Read on; the time in between does not count against the client."""
        if self._held_at is not None:
            self._body_at += self._loop.time() - self._held_at
            self._held_at = None
        super().resume_reading(resume_parser)

    def pause_writing(self) -> None:
        """Note that something is unsent."""
        if self._wire is not None:
            self._unsent_at, self._unsent_bytes = self._loop.time(), self._wire.get_write_buffer_size()
        super().pause_writing()

    def resume_writing(self) -> None:
        """Note that everything was sent."""
        self._unsent_at = None
        super().resume_writing()

    @property
    def idle(self) -> bool:
        """Whether it waits for a request of which nothing has come, with nothing left to send."""
        return self._idle and self._head_at is None and self._unsent_at is None

    @property
    def _idle(self) -> bool:
        return self._waiter is not None and not self._waiter.done()

    def check(self, now: float) -> None:
        """End what has taken longer than it may, by the event loop's clock."""
        limits = self._limits
        if self._unsent_at is not None:
            if now > self._unsent_at + limits.write + self._unsent_bytes / limits.pace:
                self._end(Ended.WRITE)
        elif not self._idle:
            self.since = now
            self._check_body(now)
        elif self._head_at is not None:
            if now > self._head_at + limits.head:
                self._refuse(408, f"a request's head must be whole within {limits.head:g} seconds")
                self._server.ended(Ended.HEAD)
        elif now > self.since + limits.idle:
            self._server.ended(Ended.IDLE)
            self.force_close()

    def evict(self) -> None:
        """Close this idle connection to make room for another."""
        self._server.ended(Ended.EVICTED)
        self.force_close()

    def _check_body(self, now: float) -> None:
        if self._payload.is_eof() or self._held_at is not None or self._close:
            return
        if self._buffer_paused:  # requests wait before it, and nothing is read
            self._body_at = now
            return
        if now <= self._body_at + self._limits.body + self._body_bytes / self._limits.pace:
            return
        if not self._request_in_progress:
            self._end(Ended.BODY)
            return
        self._server.ended(Ended.BODY)
        self._close, self._lingering_time = True, 0.0
        needed = f"{self._limits.body:g} seconds, and one more for each {self._limits.pace:,} bytes"
        self._payload.set_exception(RequestTooSlow(f"a request's body must come within {needed}"))

    def _end(self, why: Ended) -> None:
        self._server.ended(why)
        wire = self._wire
        self.force_close()
        if wire is not None:
            wire.abort()

    def _refuse(self, status: int, words: str) -> None:
        """Send a response, unless another one is being sent, and close."""
        if self._wire is not None:
            self._wire.write(_closing(status, words))
        self.force_close()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Respond to what cannot be parsed as a request; that is the client's fault, so it is not logged.

        A target that is too long is 414, a head that is too large is 431 (RFC 9110 section 15.5.15, RFC 6585 section
        5).
        """
        if not isinstance(exc, HttpProcessingError):
            return super().handle_error(request, status, exc, message)
        log.debug("request.malformed", kind=type(exc).__name__)  # its text may quote a key
        response = problem_response(_malformed(exc))
        response.force_close()
        return response


def gone(request: web.Request) -> asyncio.Event:
    """Set once the client that sent this request has gone, for responses that take long."""
    connection = request.protocol
    return connection.gone if isinstance(connection, Connection) else asyncio.Event()


def _malformed(error: HttpProcessingError) -> Problem:
    if isinstance(error, _HeadTooLarge) or "Too many headers" in str(error.message):
        return Problem(431, _HeadTooLarge.message)
    if not isinstance(error, LineTooLong):
        said = str(error.message).partition("\n")[0].strip().rstrip(":")
        return Problem(400, f"this is no HTTP request: {said[:200]}")
    if error.args[1] == URL_BYTES:
        return Problem(414, f"the address of a request may have {URL_BYTES} bytes")
    return Problem(431, _HeadTooLarge.message)


def _size(fields: tuple[tuple[bytes, bytes], ...]) -> int:
    return sum(len(name) + len(value) + 4 for name, value in fields)


def _closing(status: int, words: str) -> bytes:
    """A whole response, for where aiohttp has no request to respond to."""
    body = words.encode() + b"\n"
    head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nContent-Type: text/plain; charset=utf-8\r\n"
    return f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body
