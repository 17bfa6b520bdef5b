"""Connections by origin: who gets which, how many there are, and who waits for one."""

from __future__ import annotations

import asyncio
import socket
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime

from aiohttp.abc import AbstractResolver

from publisher.deadlines import Deadlines
from publisher.outbound.faults import not_connected, unresolved
from publisher.outbound.guard import Guard
from publisher.outbound.http1.connection import Connection
from publisher.outbound.http1.dial import Dial
from publisher.outbound.http1.encrypted import Encrypted
from publisher.outbound.http1.names import Names
from publisher.outbound.http1.sending import Sending
from publisher.outbound.http1.target import Address, Target
from publisher.outbound.http1.tls import Tls
from publisher.outbound.results import PostResult

CONNECTING = 32
"""Connections in the making to one origin at once; what else is sent there waits for one of them, or for one in use."""

IDLE_SECONDS = 30.0
"""How long a connection is kept unused."""

DRAINING = 64
"""Connections whose answer is told and whose body is still read, so that they can be kept; others are closed."""


class Origin:
    """What is known of one scheme, host and port, and of what is presented there, while there are connections or
    requests to it.
    """

    __slots__ = (
        "behind", "connecting", "connections", "host", "identity", "idle", "key", "port", "public_only", "tls",
        "waiting",
    )  # fmt: skip

    def __init__(self, target: Target) -> None:
        self.key = target.origin
        self.host = target.host
        self.port = target.port
        self.tls = target.tls
        self.identity = target.identity
        self.public_only = target.public_only
        self.idle: list[Connection] = []
        self.connections: set[Connection] = set()
        self.connecting: set[Dial] = set()
        # In order. Those that wait for room in all stand in the pool's queue as well.
        self.waiting: OrderedDict[Sending, None] = OrderedDict()
        # Those of them that wait for a place among the connections in the making, and not for room in all.
        self.behind: OrderedDict[Sending, None] = OrderedDict()


class Pool:
    """All connections of one client. Belongs to one event loop; end it with :meth:`close`.

    ``limit`` connections are open at most, in whatever state; ``keep`` of them unused. Beyond ``limit`` the one unused
    longest is closed, and where none is, requests wait in order: their time begins when their turn comes. ``public``
    judges the addresses of targets that are ``public_only``.
    """

    def __init__(
        self,
        guard: Guard,
        resolver: Callable[[], AbstractResolver],
        *,
        keep: int,
        limit: int,
        tls: Tls,
        now: Callable[[], datetime],
        deadlines: Deadlines,
        public: Guard | None = None,
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.time = self.loop.time
        self.guard = guard
        self.public = public or guard
        self.deadlines = deadlines
        self.tls = tls
        self.now = now
        self.opened = 0
        """Sockets that are open."""
        self._names = Names(self.loop, resolver)
        self._keep = keep
        self._limit = max(1, limit)
        self._connecting_limit = max(1, limit // 2)
        self._connecting = 0
        self._origins: dict[str, Origin] = {}
        # Since when each is unused, those unused longest first.
        self._idle: OrderedDict[Connection, float] = OrderedDict()
        self._draining: OrderedDict[Connection, None] = OrderedDict()
        self._queue: OrderedDict[Sending, tuple[Address, ...]] = OrderedDict()
        self._resolving: dict[Sending, None] = {}
        self._sweep: asyncio.TimerHandle | None = None
        self._pumping = False

    @property
    def idle(self) -> int:
        """How many connections are open and unused."""
        return len(self._idle)

    @property
    def waiting(self) -> int:
        """How many requests wait for a connection because there are as many as there may be."""
        return len(self._queue)

    def send(self, sending: Sending) -> None:
        """Send it now, or as soon as there is a connection."""
        origin = self._origins.get(sending.target.origin)
        if origin is not None and self._on_idle(origin, sending):
            return
        sending.begin()
        self._connect(sending)

    def again(self, sending: Sending) -> None:
        """Send it once more, on a connection of its own: those that are kept may all have been closed."""
        self._connect(sending)

    def close_idle(self, down_to: int = 0) -> None:
        """Close unused connections, those unused longest first, down to this many."""
        while len(self._idle) > down_to:
            next(iter(self._idle)).close()

    def close(self) -> None:
        """Close everything; requests under way are told that they were cancelled."""
        self._names.close()
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        # Those who wait go first, lest one takes the place of another that is cancelled.
        for sending in [one for origin in self._origins.values() for one in origin.waiting]:
            sending.cancel()
        for sending in list(self._resolving):
            sending.cancel()
        for origin in list(self._origins.values()):
            for sending in [dial.sending for dial in origin.connecting]:
                sending.cancel()
            for connection in list(origin.connections):
                connection.end()
        self._origins.clear()

    # Who waits.

    def leave(self, sending: Sending) -> PostResult | None:
        """It waits no longer."""
        resolving = self._resolving.pop(sending, self) is None
        self._queue.pop(sending, None)
        origin = self._origins.get(sending.target.origin)
        if origin is not None:
            origin.waiting.pop(sending, None)
            origin.behind.pop(sending, None)
            if resolving:
                self._make_next(origin)
            self._forget(origin)
        return None

    def _on_idle(self, origin: Origin, sending: Sending) -> bool:
        """Whether it was sent on a connection that is kept, or stopped there; the one used last likeliest lives."""
        if not origin.idle:
            return False
        connection = origin.idle.pop()
        del self._idle[connection]
        if not connection.carry(sending):
            self.release(connection)
        return True

    def _connect(self, sending: Sending, *, first: bool = False) -> None:
        """Find its addresses, then make a connection for it; ``first``: it has waited for this before others."""
        target = sending.target
        sending.place = self
        addresses = target.addresses or self._names.known(target.host, target.port)
        if addresses is not None:
            self._admit(sending, addresses, first=first)
            return

        def found(addresses: tuple[Address, ...], error: Exception | None) -> None:
            if self._resolving.pop(sending, self) is self:
                return
            origin = self._origins.get(target.origin)
            if error is None and (sending.again or origin is None or not self._on_idle(origin, sending)):
                self._admit(sending, addresses, first=first)
                return
            if origin is not None:
                self._make_next(origin)
                self._forget(origin)
            if error is not None:
                sending.tell(unresolved(target.host, error, sending.spent()))

        self._resolving[sending] = None
        self._names.find(target.host, target.port, found)

    def _admit(self, sending: Sending, addresses: tuple[Address, ...], *, first: bool) -> None:
        """Make a connection for it, or let it wait: behind others to the same origin, or for room."""
        target = sending.target
        origin = self._origins.get(target.origin)
        if origin is None:
            origin = self._origins[target.origin] = Origin(target)
        if len(origin.connecting) >= CONNECTING:
            origin.waiting[sending] = origin.behind[sending] = None
            return
        if (self._queue and not first) or not self._make_room():
            sending.pause()
            origin.waiting[sending] = None
            self._queue[sending] = addresses
            if first:
                self._queue.move_to_end(sending, last=False)
            return
        self._origins[origin.key] = origin  # forgotten where room was made by closing its last connection
        dial = Dial(self, origin, sending, addresses)
        origin.connecting.add(dial)
        self._connecting += 1
        dial.start()

    def _make_room(self) -> bool:
        """Whether one more may be made, for which one that no one needs may be closed."""
        if self._connecting >= self._connecting_limit:
            return False
        if self.opened >= self._limit:
            spare = self._idle or self._draining
            if not spare:
                return False
            next(iter(spare)).close()
        return True

    @property
    def _crowded(self) -> bool:
        """Whether someone waits for a connection to be closed."""
        return bool(self._queue) and self.opened >= self._limit

    def room_for_another(self) -> bool:
        """Whether a second address may be tried beside the first."""
        return self.opened < self._limit

    def _pump_soon(self) -> None:
        if not self._pumping:
            self._pumping = True
            self.loop.call_soon(self._pump)

    def _pump(self) -> None:
        """Let those go on who can."""
        self._pumping = False
        while self._queue and self._make_room():
            sending, addresses = self._queue.popitem(last=False)
            del self._origins[sending.target.origin].waiting[sending]
            sending.begin()
            self._admit(sending, addresses, first=True)

    # What connections tell.

    def dialled(self, dial: Dial, connected: socket.socket | Encrypted) -> None:
        """There is a connection."""
        origin, sending = dial.origin, dial.sending
        connection = Connection(self, origin, connected)
        origin.connections.add(connection)
        self.dial_ended(dial)
        sending.place = None
        if not connection.carry(sending):
            connection.settle()
            self.release(connection)

    def not_dialled(self, dial: Dial, error: Exception) -> None:
        """There is none."""
        sending = dial.sending
        result = not_connected(dial.origin.host, dial.origin.port, error, sending.spent())
        if result.ours:
            self.close_idle()
        self.dial_ended(dial)
        sending.tell(result)

    def dial_ended(self, dial: Dial) -> None:
        """It is no longer in the making, whatever became of it."""
        origin = dial.origin
        origin.connecting.remove(dial)
        self._connecting -= 1
        self._make_next(origin)
        if self._queue:
            self._pump_soon()
        self._forget(origin)

    def _make_next(self, origin: Origin) -> None:
        """A place among the connections in the making was given up: for the next that waits for one."""
        if origin.behind and len(origin.connecting) < CONNECTING:
            after, _ = origin.behind.popitem(last=False)
            del origin.waiting[after]
            self._connect(after, first=True)

    def release(self, connection: Connection) -> None:
        """It is free: for who waits for this origin, or for later."""
        origin = connection.origin
        while origin.waiting:
            if self._crowded and next(iter(self._queue)).target.origin != origin.key:
                break
            sending, _ = origin.waiting.popitem(last=False)
            origin.behind.pop(sending, None)
            self._queue.pop(sending, None)
            sending.place = None
            if connection.carry(sending):
                return
        if self._crowded:
            connection.close()
            return
        origin.idle.append(connection)
        self._idle[connection] = self.time()
        if len(self._idle) > self._keep:
            self.close_idle(self._keep)
        if self._sweep is None:
            self._sweep = self.loop.call_later(IDLE_SECONDS, self._close_old)

    def may_drain(self, connection: Connection) -> bool:
        """Whether the rest of its answer may be read."""
        if self._crowded or len(self._draining) >= DRAINING:
            return False
        self._draining[connection] = None
        return True

    def drained(self, connection: Connection) -> None:
        """Nothing more is read of its answer."""
        self._draining.pop(connection, None)

    def closed(self, connection: Connection) -> None:
        """It is closed."""
        origin = connection.origin
        self.opened -= 1
        origin.connections.discard(connection)
        self._draining.pop(connection, None)
        if self._idle.pop(connection, None) is not None:
            origin.idle.remove(connection)
        self._forget(origin)
        if self._queue:
            self._pump_soon()

    def _forget(self, origin: Origin) -> None:
        if not origin.connections and not origin.connecting and not origin.waiting:
            self._origins.pop(origin.key, None)

    def _close_old(self) -> None:
        self._sweep = None
        old = self.time() - IDLE_SECONDS
        while self._idle:
            connection, since = next(iter(self._idle.items()))
            if since > old:
                self._sweep = self.loop.call_at(since + IDLE_SECONDS, self._close_old)
                return
            connection.close()
