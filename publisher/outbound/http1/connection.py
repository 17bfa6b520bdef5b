"""One connection: a request at a time, and its answer within a budget.

Bytes are counted as they come off the wire and before they are parsed, so that heads, interim answers (1xx, RFC 9110
section 15.2), chunk extensions and trailers count too. What is read at once is 16 KiB, some 0.1 ms of parsing at worst.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from typing import TYPE_CHECKING

from publisher.model.subscription import ErrorClass
from publisher.outbound.http1.answer import Answer
from publisher.outbound.http1.encrypted import Encrypted
from publisher.outbound.http1.sending import Sending
from publisher.outbound.results import PostResult

if TYPE_CHECKING:
    from publisher.outbound.http1.pool import Origin, Pool

READ = 16 * 1024
FIRST_WRITE = 64 * 1024
"""A request of up to so many bytes is sent in one piece; of a larger one this much is copied beside its head."""

EXCERPT_SECONDS = 1.0
"""How long an answer's text is waited for once its head is there, where it is no success or was asked for."""

DRAIN_SECONDS = 1.0
RESPONSE_LIMIT = 16 * 1024
"""Bytes of a body, as they come, and seconds that it may take, so that its connection can be kept."""

RETRY_SECONDS = 1.0
EMPTY_READS = 64
"""Readings in a row that brought nothing, such as tickets of TLS."""

_BUFFER = bytearray(READ)
_VIEW = memoryview(_BUFFER)
_NOT_NOW = (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Connection:
    """An open connection to an origin. It is idle, carries one request, or drains an answer that was told already."""

    __slots__ = (
        "_answer", "_draining", "_empty", "_fd", "_limit", "_peer", "_pool", "_rest", "_sending", "_sent_at",
        "_served", "_socket", "_tls", "origin",
    )  # fmt: skip

    def __init__(self, pool: Pool, origin: Origin, connected: socket.socket | Encrypted) -> None:
        self._pool = pool
        self.origin = origin
        self._socket = connected
        self._tls = connected if isinstance(connected, Encrypted) else None
        self._fd = connected.fileno()
        self._peer = _peer_of(connected)
        self._answer = Answer()
        self._sending: Sending | None = None
        self._rest: list[memoryview] = []
        self._draining = False
        self._served = 0
        self._empty = 0
        self._limit = 0.0
        self._sent_at = 0.0
        pool.loop.add_reader(self._fd, self._readable)
        pool.loop.remove_writer(self._fd)

    def carry(self, sending: Sending) -> bool:
        """Send this request; False, and the connection is still free, where it is wished for no more."""
        if (sending.begins is not None or sending.done is None) and not sending.may_begin():
            return False
        self._sending = sending
        sending.place = self
        sending.address = self._peer
        if sending.began:
            self._sent_at = self._pool.time()
        else:
            sending.begin()
            self._sent_at = sending.began
        self._answer.expect(reads=sending.reads)
        head, body = sending.head, sending.body
        whole = head + body if len(body) <= FIRST_WRITE else head + body[:FIRST_WRITE]
        sending.written = True
        try:
            sent = self._socket.send(whole)
        except _NOT_NOW:
            sent = 0
        except OSError as error:
            self._pool.loop.call_soon(self._lost, sending, error)
            return True
        if sent < len(whole):
            self._rest.append(memoryview(whole)[sent:])
        if len(body) > FIRST_WRITE:
            self._rest.append(memoryview(body)[FIRST_WRITE:])
        if self._rest:
            self._pool.loop.add_writer(self._fd, self._writable)
        return True

    def settle(self) -> None:
        """Send the last of the handshake of TLS, since no request does: the receiver waits for it."""
        if self._tls is not None:
            with contextlib.suppress(OSError):  # then it is not kept for long: it is readable
                self._tls.flush()

    def leave(self, sending: Sending) -> PostResult | None:
        """Close it: an answer that comes now would be taken for that to another request."""
        self._sending = None
        self.close()
        return self._answer.result(sending) if self._answer.status else None

    def end(self) -> None:
        """Close it; a request on it is cancelled."""
        if self._sending is not None:
            self._sending.cancel()
        self.close()

    def expire(self) -> None:
        """What is left of the body does not come in time."""
        self._limit = 0.0
        sending, self._sending = self._sending, None
        self.close()
        if sending is not None:
            sending.tell_soon(self._answer.result(sending))

    def close(self) -> None:
        """Close it, whatever it does."""
        if self._fd < 0:
            return
        self._until(0.0)
        self._pool.loop.remove_reader(self._fd)
        self._pool.loop.remove_writer(self._fd)
        self._fd = -1
        self._rest.clear()
        self._answer.close()
        self._socket.close()
        self._pool.closed(self)

    def _writable(self) -> None:
        sending = self._sending
        try:
            while self._rest:
                piece = self._rest[0]
                sent = self._socket.send(piece[: 256 * 1024])
                if sent < len(piece):
                    self._rest[0] = piece[sent:]
                else:
                    del self._rest[0]
        except _NOT_NOW:
            return
        except OSError as error:
            # A receiver that refuses a large body may have answered before it hung up.
            # What is left stays in ``_rest``, so that the connection is not kept.
            self._pool.loop.remove_writer(self._fd)
            if sending is not None:
                self._unwritten(error)
            return
        self._pool.loop.remove_writer(self._fd)

    def _unwritten(self, error: OSError) -> None:
        """Read what there may be of an answer; without one the request has failed."""
        sending = self._sending
        self._readable()
        if sending is not None and sending is self._sending and self._fd >= 0 and not self._answer.status:
            self._lost(sending, error)

    def _readable(self) -> None:
        while self._fd >= 0:
            try:
                size = self._socket.recv_into(_BUFFER)
            except _NOT_NOW:
                self._nothing()
                return
            except OSError as error:
                self._ended(error)
                return
            if not size:
                self._ended(None)
                return
            self._take(size)
            if self._tls is None or self._fd < 0 or not self._tls.pending():
                return

    def _nothing(self) -> None:
        self._empty += 1
        if self._empty > EMPTY_READS:
            self._ended(None)

    def _take(self, size: int) -> None:
        answer = self._answer
        self._empty = 0
        if self._sending is None and not self._draining:
            self.close()  # no one asked
            return
        answer.feed(_VIEW[:size], size)
        if answer.status:
            if not self._draining:
                self._answered()
            elif answer.complete or answer.refused is not None:
                self._finish()
        elif answer.refused is not None:
            self._refused(answer.refused)

    def _answered(self) -> None:
        """The final head is there, and with it the outcome."""
        sending, answer = self._sending, self._answer
        if sending is None:
            return
        if not self._limit:  # this is news
            self._served += 1
            answer.spent = sending.spent()
            sending.pause()
            if self._tls is not None and self._served == 1:
                self._pool.tls.keep(self.origin.key, self._tls, self._pool.time())
        if answer.complete or answer.refused is not None:
            result = answer.result(sending)
            self._sending = None
            self._finish()
            sending.tell(result)
        elif answer.enough:
            result = answer.result(sending)
            self._sending = None
            self._drain()
            sending.tell(result)
        elif not self._limit:
            self._until(EXCERPT_SECONDS)

    def _drain(self) -> None:
        """Read what is left of a body that no one waits for, within bounds."""
        if not self._pool.may_drain(self):
            self.close()
            return
        self._draining = True
        self._answer.left = min(self._answer.left, RESPONSE_LIMIT)
        self._until(DRAIN_SECONDS)

    def _finish(self) -> None:
        """The answer is read, or as much of it as may be."""
        if self._draining:
            self._draining = False
            self._pool.drained(self)
        if self._limit:
            self._until(0.0)
        answer = self._answer
        if answer.keep and answer.complete and answer.refused is None and not self._rest and self._quiet():
            self._pool.release(self)
        else:
            self.close()

    def _quiet(self) -> bool:
        """Whether nothing more has come: it would be taken for the answer to the next request."""
        try:
            self._socket.recv_into(_BUFFER)
        except _NOT_NOW:
            return True
        except OSError:
            return False
        return False

    def _ended(self, error: OSError | None) -> None:
        """The receiver has closed the connection."""
        sending, answer = self._sending, self._answer
        if sending is None:
            self.close()
        elif answer.status:
            self._sending = None
            self.close()
            sending.tell(answer.result(sending))
        else:
            self._lost(sending, error)

    def _lost(self, sending: Sending, error: OSError | None) -> None:
        """It ended before an answer came. A kept connection may have been closed just as the request was sent."""
        if self._sending is not sending:
            return
        self._sending = None
        kept = self._served > 0
        self.close()
        quick = self._pool.time() - self._sent_at < RETRY_SECONDS
        if kept and quick and not self._answer.begun and not sending.again:
            sending.again = True
            self._pool.again(sending)
            return
        if error is None or self._answer.begun:
            what = "in the middle of its answer" if self._answer.begun else "without an answer"
            reason = f"the server closed the connection {what}"
        else:
            reason = f"the connection was lost: {error.strerror or error}"
        fault = ErrorClass.ANSWER if self._answer.begun else ErrorClass.CONNECTION
        sending.tell_soon(PostResult(None, reason, duration_ms=sending.spent(), fault=fault))

    def _refused(self, reason: str) -> None:
        sending, self._sending = self._sending, None
        self.close()
        if sending is not None:
            sending.tell(PostResult(None, reason, duration_ms=sending.spent(), fault=ErrorClass.ANSWER))

    def _until(self, seconds: float) -> None:
        if self._limit:
            self._pool.deadlines.end(self, self._limit)
        self._limit = seconds
        if seconds:
            self._pool.deadlines.begin(self, seconds)


def _peer_of(connected: socket.socket | Encrypted) -> str | None:
    try:
        return str(connected.getpeername()[0])
    except OSError:  # it is gone already, which the first request finds out
        return None
