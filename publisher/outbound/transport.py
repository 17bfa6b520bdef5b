"""The connections that documents are fetched over: what an answer may cost, counted in bytes as they come off the wire.

aiohttp bounds a header line and reads a body as slowly as we do, but neither the number of interim answers (1xx,
RFC 9110 section 15.2) nor all heads together, chunk extensions or trailers. A peer that sends ``HTTP/1.1 103`` without
end keeps the parser busy, and with it every task of the loop. So bytes are counted before they are parsed, and
heads are parsed one at a time, in small pieces.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ConnectionKey

HEAD_LIMIT = 64 * 1024
"""Bytes of all heads of one response, interim ones included."""

MAX_INTERIM = 32
"""Interim responses (1xx) before the final one; a server sends one or two."""

PIECE = 4096
"""Bytes of a head that are parsed at once: at most 256 interim answers, some milliseconds."""

SLICE = 32 * 1024
"""Bytes of a body that are parsed in one step of the event loop: chunks of one byte cost most, and are 5,000 then."""

_END_OF_HEAD = re.compile(rb"\n\r?\n")
_USUAL_END = b"\r\n\r\n"
_NO_BODY = (204, 304)


class AnswerRefused(aiohttp.ClientError):
    """A response that costs more than it may."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What one answer may cost: ``wire`` bytes in all, as they arrive. Reading on raises AnswerRefused."""

    wire: int


BUDGET: ContextVar[Budget] = ContextVar("BUDGET")
"""What the response to the next request of this task may cost."""


class BudgetedProtocol(ResponseHandler):
    """One connection, whose every response keeps within the budget of its request."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._budget: Budget | None = None
        self._left = 0
        self._head_left = 0
        self._interim = 0
        self._in_head = False
        self._over = False
        self._status = 0
        self._last = b""
        self._later = b""

    @property
    def should_close(self) -> bool:
        """Whether it can serve no other request."""
        return bool(self._later) or super().should_close

    def set_response_params(self, **params: Any) -> None:
        """Begin to wait for a response."""
        self._budget = BUDGET.get()
        self._left = self._budget.wire
        self._head_left = HEAD_LIMIT
        self._interim, self._status = 0, 0
        self._in_head, self._over, self._last = True, False, b""
        super().set_response_params(**params)

    def data_received(self, data: bytes) -> None:
        """Count, then parse."""
        if self._over:
            return
        if self._later and data:
            self._later += data
        elif self._parser is None:
            self._unasked(data)
        elif self._in_head and data:
            self._heads(data)
        elif data:
            self._body(data)
        else:
            super().data_received(data)

    def feed_data(self, data: Any, size: int = 0) -> None:
        """Take a parsed head."""
        if not self._in_head:  # a response without a request
            self._over = True
            self.force_close()
            return
        self._status = data[0].code
        self._in_head = 100 <= self._status < 200 and self._status != 101
        # The reader goes through all that are waiting in one step.
        if len(self) <= MAX_INTERIM:
            super().feed_data(data, size)

    def _unasked(self, data: bytes) -> None:
        """Bytes before a request or after its response; they are never the response to the next request."""
        if self._budget is not None or len(self._tail) + len(data) > PIECE:
            self._over = True
            self.force_close()
            if self.transport is not None:
                self.transport.abort()
        else:
            super().data_received(data)

    def _heads(self, data: bytes) -> None:
        size = len(data)
        if size <= PIECE and size <= self._left and not self._last and data.find(_USUAL_END) == size - len(_USUAL_END):
            # As most do: one head that came whole, and nothing after it.
            self._interim += 1
            self._head_left -= size
            self._left -= size
            if self._head_left >= 0 and self._interim <= MAX_INTERIM:
                super().data_received(data)
                return
        self._pieces(data)

    def _pieces(self, data: bytes) -> None:
        at = 0
        while at < len(data) and self._in_head and not self._over:
            piece = data[at : at + PIECE]
            # A head may end at the seam of two pieces; what stands before the seam is at most two bytes of it.
            end = _END_OF_HEAD.search(self._last + piece)
            if end:
                piece = piece[: end.end() - len(self._last)]
                self._interim += 1
            self._last = b"" if end else (self._last + piece)[-2:]
            at += len(piece)
            self._head_left -= len(piece)
            self._left -= len(piece)
            if self._head_left < 0 or self._left < 0:
                self._refuse(f"its head goes on after {min(HEAD_LIMIT, self._wire)} bytes")
                return
            super().data_received(piece)
            if self._in_head and self._interim > MAX_INTERIM:
                self._refuse(f"more than {MAX_INTERIM} interim answers (1xx) came before it")
            if self._exception is not None:
                self._over = True
        if at < len(data) and not self._over:
            self._body(data[at:])

    def _body(self, data: bytes) -> None:
        ended = self._payload is None or self._payload.is_eof()
        if ended or self._status in _NO_BODY:
            # A 204 and a 304 have no body whatever comes (RFC 9110 section 6.4.1), and what comes answers nothing.
            self._over = True
            self._end()
            return
        if len(data) > SLICE:
            data, self._later = data[:SLICE], data[SLICE:]
            self._pause_reading_for_buffer()
            self._loop.call_soon(self._go_on)
        within = data[: self._left]
        self._left -= len(within)
        if within:
            super().data_received(within)
        if len(within) < len(data) and not self._over:
            self._refuse(f"it goes on after {self._wire} bytes, heads and framing included")

    def _go_on(self) -> None:
        data, self._later = self._later, b""
        if self.transport is not None and not self._over:
            self._resume_reading_for_buffer()
            self._body(data)

    def _refuse(self, reason: str) -> None:
        self._over = True
        fault = AnswerRefused(reason)
        self.set_exception(fault)
        if self._payload is not None and not self._payload.is_eof():
            self._payload.set_exception(fault)
        self._payload = None
        self._end()

    def _end(self) -> None:
        self.force_close()
        if self.transport is not None:
            self.transport.abort()

    @property
    def _wire(self) -> int:
        return self._budget.wire if self._budget else 0


class BudgetedConnector(aiohttp.TCPConnector):
    """A pool of connections that count. ``keep`` of them stay open unused at most; the one unused longest goes first.

    aiohttp bounds how many are in use, but keeps each unused one for its time, however many there are.
    """

    def __init__(self, *, keep: int, **options: Any) -> None:
        super().__init__(**options)
        self._factory = partial(BudgetedProtocol, loop=self._loop)  # type: ignore[assignment]  # a subclass of it
        self._keep = keep
        # In the order in which they were released; those in use again are left in it until they would be closed.
        self._idle: dict[ResponseHandler, ConnectionKey] = {}

    @property
    def idle(self) -> int:
        """How many connections are open and unused."""
        return sum(map(len, self._conns.values()))

    def close_idle(self, down_to: int = 0) -> None:
        """Close unused connections, those unused longest first, down to this many."""
        while len(self._idle) > down_to:
            protocol = next(iter(self._idle))
            key = self._idle.pop(protocol)
            if protocol in self._acquired:  # in use again; it comes back when it is released
                continue
            if kept := [one for one in self._conns.get(key, ()) if one[0] is not protocol]:
                self._conns[key] = deque(kept)
            else:
                self._conns.pop(key, None)
            protocol.close()

    def _release(self, key: ConnectionKey, protocol: ResponseHandler, *, should_close: bool = False) -> None:
        super()._release(key, protocol, should_close=should_close)
        self._idle.pop(protocol, None)
        if protocol.transport is not None:
            self._idle[protocol] = key
            if len(self._idle) > self._keep:
                self.close_idle(self._keep)
