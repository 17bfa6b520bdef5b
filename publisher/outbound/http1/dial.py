"""One connection in the making: TCP to the first address that answers, then TLS.

Addresses are tried in turns, each a moment after the one before, and the first that is connected wins (RFC 8305,
"happy eyeballs"), so that one that is silent costs a quarter of a second; two seconds where as many connections are
open as may be, and it has to be closed for that. Each is judged where its socket is made.
"""

from __future__ import annotations

import errno
import os
import socket
import ssl
from typing import TYPE_CHECKING

from publisher.outbound.http1.encrypted import Encrypted
from publisher.outbound.http1.sending import Sending
from publisher.outbound.http1.target import Address
from publisher.outbound.results import PostResult

if TYPE_CHECKING:
    from publisher.outbound.http1.pool import Origin, Pool

STAGGER_SECONDS = 0.25
"""Until the next address is tried as well."""

ALONE_SECONDS = 2.0
"""How long one may be silent where there is no room for another beside it."""

CONNECT_SECONDS = 10.0
"""For TCP, and again for TLS; within the time of the request that it is made for."""

_UNDER_WAY = (errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EALREADY)


class Dial:
    """Makes a connection for one request, which it is handed to; the pool is told of either outcome."""

    __slots__ = ("_addresses", "_alone", "_error", "_limit", "_pool", "_sockets", "_tls", "origin", "sending")

    def __init__(self, pool: Pool, origin: Origin, sending: Sending, addresses: tuple[Address, ...]) -> None:
        self._pool = pool
        self.origin = origin
        self.sending = sending
        self._addresses = list(addresses)
        self._sockets: dict[int, socket.socket | Encrypted] = {}
        self._tls: Encrypted | None = None
        self._error: Exception | None = None
        self._limit = 0.0
        self._alone = 0.0
        """For how many seconds the next address has waited for room."""

    def start(self) -> None:
        """Try the first address; the outcome is told later, from the event loop."""
        self.sending.place = self
        self._try_next()
        if not self._sockets:
            self._pool.loop.call_soon(self._failed)

    def leave(self, sending: Sending) -> PostResult | None:
        """No one waits for it."""
        self.abandon()
        self._pool.dial_ended(self)
        return None

    def abandon(self) -> None:
        """Close what is open."""
        self._until(0.0)
        for fd in list(self._sockets):
            self._close(fd)
        self._addresses.clear()

    def expire(self) -> None:
        """It takes long: try another address as well, or give up."""
        self._limit = 0.0
        if self._tls is None and self._addresses:
            self._try_another()
            return
        what = "TLS handshake" if self._tls is not None else "connection"
        self._error = TimeoutError(errno.ETIMEDOUT, f"no {what} within {CONNECT_SECONDS:g} s")
        self._failed()

    def _try_another(self) -> None:
        """Try the next address beside those that are silent; where there is no room for that, in place of one."""
        if not self._pool.room_for_another():
            self._alone += STAGGER_SECONDS
            if self._alone < ALONE_SECONDS:
                self._until(STAGGER_SECONDS)
                return
            self._close(next(iter(self._sockets)))
        self._alone = 0.0
        self._try_next()
        if not self._sockets:
            self._failed()

    def _try_next(self) -> None:
        """Try addresses until one is under way."""
        while self._addresses:
            info = self._addresses.pop(0)
            try:
                guard = self._pool.public if self.origin.public_only else self._pool.guard
                plain = guard.open_socket(info)
            except (OSError, ValueError) as error:
                self._error = error
                continue
            fd = plain.fileno()
            self._sockets[fd] = plain
            self._pool.opened += 1
            try:
                plain.setblocking(False)
                plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                code = plain.connect_ex(info[4])
            except OSError as error:
                self._error = error
                self._close(fd)
                continue
            if code and code not in _UNDER_WAY:
                self._error = OSError(code, os.strerror(code))
                self._close(fd)
                continue
            self._pool.loop.add_writer(fd, self._connected, fd)
            break
        if self._sockets:
            self._until(STAGGER_SECONDS if self._addresses else CONNECT_SECONDS)

    def _connected(self, fd: int) -> None:
        plain = self._sockets[fd]
        assert isinstance(plain, socket.socket)
        code = plain.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            self._error = OSError(code, os.strerror(code))
            self._close(fd)
            if self._addresses:
                self._try_next()
            if not self._sockets:
                self._failed()
            return
        for other in [one for one in self._sockets if one != fd]:
            self._close(other)
        self._addresses.clear()
        if not self.origin.tls:
            del self._sockets[fd]
            self._until(0.0)
            self._pool.dialled(self, plain)
            return
        try:
            origin = self.origin
            wrapped = self._pool.tls.wrap(plain, origin.host, origin.key, self._pool.time(), origin.identity)
        except (OSError, ValueError) as error:
            self._error = error
            self._failed()
            return
        self._tls = self._sockets[fd] = wrapped
        self._pool.loop.add_reader(fd, self._shake)
        self._pool.loop.remove_writer(fd)
        self._until(CONNECT_SECONDS)
        self._shake()

    def _shake(self) -> None:
        wrapped = self._tls
        if wrapped is None:
            return
        fd = wrapped.fileno()
        try:
            wrapped.do_handshake()
        except ssl.SSLWantReadError:
            self._pool.loop.remove_writer(fd)
            return
        except ssl.SSLWantWriteError:
            self._pool.loop.add_writer(fd, self._shake)
            return
        except (OSError, ValueError) as error:
            self._pool.tls.forget(self.origin.key)
            self._error = error
            self._failed()
            return
        self._pool.loop.remove_writer(fd)
        del self._sockets[fd]
        self._until(0.0)
        self._pool.dialled(self, wrapped)

    def _failed(self) -> None:
        if self.sending.place is not self:  # it was left meanwhile
            return
        self.abandon()
        self._pool.not_dialled(self, self._error or OSError(errno.EHOSTUNREACH, "no address"))

    def _until(self, seconds: float) -> None:
        """Expire after so long, and not after what was set before; 0.0 for never."""
        if self._limit:
            self._pool.deadlines.end(self, self._limit)
        self._limit = seconds
        if seconds:
            self._pool.deadlines.begin(self, seconds)

    def _close(self, fd: int) -> None:
        self._pool.loop.remove_reader(fd)
        self._pool.loop.remove_writer(fd)
        self._sockets.pop(fd).close()
        self._pool.opened -= 1
