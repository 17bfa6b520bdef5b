"""TLS over a socket that does not block, through memory.

``ssl.SSLSocket`` asks the system for each record twice, for its length and for the rest, and sends the last message of
a handshake by itself. Here what has come is read at once, and that message goes with the first request.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from typing import Any

_BUFFER = bytearray(18 * 1024)  # a record of the largest kind and its frame (RFC 8446 section 5.2)
_VIEW = memoryview(_BUFFER)


class Encrypted:
    """A connection with TLS, used as ``ssl.SSLSocket`` is, with its errors. It owns the socket.

    Each call reads from the socket once at most, so that who sends much that is nothing, such as tickets, holds nobody
    up.
    """

    __slots__ = ("_begun", "_incoming", "_object", "_outgoing", "_owed", "_plain", "_unsent")

    def __init__(
        self, plain: socket.socket, context: ssl.SSLContext, hostname: str, session: ssl.SSLSession | None
    ) -> None:
        self._plain = plain
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._object = context.wrap_bio(self._incoming, self._outgoing, server_hostname=hostname, session=session)
        self._unsent = b""
        self._owed = 0
        """Bytes that were taken to be sent and not told so, since the socket took them in part."""
        self._begun = False

    @property
    def session(self) -> ssl.SSLSession | None:
        """A copy of the session, with the tickets that have come until now."""
        return self._object.session

    @property
    def session_reused(self) -> bool:
        """Whether the handshake went back to a session."""
        return self._object.session_reused

    def fileno(self) -> int:
        """The descriptor of the socket."""
        return self._plain.fileno()

    def getpeername(self) -> Any:
        """The address that it is connected to."""
        return self._plain.getpeername()

    def close(self) -> None:
        """Close the socket, without a word."""
        self._plain.close()

    def do_handshake(self) -> None:
        """Go on with the handshake. Once it is over, :meth:`flush` or :meth:`send` sends the last of it."""
        if self._unsent:
            self.flush()
        if self._begun:
            self._fill()
        self._begun = True
        try:
            self._object.do_handshake()
        except ssl.SSLWantReadError:
            self.flush()
            raise
        except ssl.SSLError:
            with contextlib.suppress(OSError):
                self.flush()  # the receiver is told why
            raise

    def flush(self) -> None:
        """Send what is to be sent; raises SSLWantWriteError where the socket takes it in part."""
        data = self._unsent + self._outgoing.read()
        if not data:
            return
        try:
            sent = self._plain.send(data)
        except (BlockingIOError, InterruptedError):
            sent = 0
        self._unsent = data[sent:]
        if self._unsent:
            raise ssl.SSLWantWriteError(ssl.SSL_ERROR_WANT_WRITE, "the socket is full")

    def send(self, data: bytes | memoryview) -> int:
        """Send some of it, and tell how much. After SSLWantWriteError call again, with what begins with the same."""
        if not self._owed:
            self._owed = self._object.write(data)
        self.flush()
        sent, self._owed = self._owed, 0
        return sent

    def pending(self) -> int:
        """Bytes that have come and were not read, of which the event loop knows nothing."""
        return self._object.pending() or self._incoming.pending

    def recv_into(self, buffer: bytearray) -> int:
        """Read into the buffer; how many bytes, 0 at the end. SSLWantReadError where nothing has come."""
        if self.pending():
            with contextlib.suppress(ssl.SSLWantReadError):
                return self._read(buffer)
        self._fill()
        return self._read(buffer)

    def _read(self, buffer: bytearray) -> int:
        try:
            return self._object.read(len(buffer), buffer)  # type: ignore[return-value]  # a number, with a buffer
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
            return 0
        finally:
            if self._outgoing.pending:
                with contextlib.suppress(OSError):  # the next that is sent will meet it
                    self.flush()

    def _fill(self) -> None:
        try:
            size = self._plain.recv_into(_BUFFER)
        except (BlockingIOError, InterruptedError):
            raise ssl.SSLWantReadError(ssl.SSL_ERROR_WANT_READ, "nothing has come") from None
        if size:
            self._incoming.write(_VIEW[:size])
        else:
            self._incoming.write_eof()
