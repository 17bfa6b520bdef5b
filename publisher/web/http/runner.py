"""Serving an application over connections that are held to limits, see ``limits`` and ``protocol``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from aiohttp import web

from publisher.web.http.connection import Connection
from publisher.web.http.limits import Admission, Ended, Limits

CHECK_SECONDS = 1.0
"""How often the open connections are looked at."""


def _untold(_why: Ended) -> None:
    pass


class Server(web.Server):
    """Makes the connections, knows those that are open, and ends those that are over their limits."""

    def __init__(self, made: web.Server, limits: Limits, ended: Callable[[Ended], None]) -> None:
        loop = made._loop
        super().__init__(
            made.request_handler,
            request_factory=made.request_factory,
            handler_cancellation=made.handler_cancellation,
            loop=loop,
        )
        self._options = made._kwargs
        self._limits = limits
        self._admission = Admission(limits)
        self._open: dict[Connection, None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self.ended = ended
        """Called with the reason whenever a connection was refused or ended here."""

    def __call__(self) -> Connection:
        return Connection(self, self._limits, loop=self._loop, **self._options)

    @property
    def open(self) -> int:
        """How many connections are open."""
        return self._admission.open

    def refused(self, connection: Connection) -> Ended | None:
        """Admit a connection, or return why it is refused.

        Where the maximum is reached, the connection that has been idle longest is closed.
        """
        why = self._admission.refused(connection.address)
        if why is Ended.FULL and (idle := self._longest_idle()) is not None:
            self.left(idle)
            idle.evict()
            why = None
        if why is not None:
            self.ended(why)
            return why
        self._admission.enter(connection.address)
        self._open[connection] = None
        return None

    def _longest_idle(self) -> Connection | None:
        return min((one for one in self._open if one.idle), key=lambda one: one.since, default=None)

    def left(self, connection: Connection) -> None:
        """Forget a connection that is closed."""
        if connection in self._open:
            del self._open[connection]
            self._admission.leave(connection.address)

    def check(self, now: float) -> None:
        """End the connections that are over their limits; ``now`` is by the event loop's clock."""
        for connection in tuple(self._open):
            connection.check(now)

    def watch(self) -> None:
        """Check now and every second from now on."""
        self.check(self._loop.time())
        self._timer = self._loop.call_later(CHECK_SECONDS, self.watch)

    def pre_shutdown(self) -> None:
        """Stop watching: what is still open now is ended by the shutdown."""
        if self._timer is not None:
            self._timer.cancel()
        super().pre_shutdown()

    async def shutdown(self, timeout: float | None = None) -> None:
        """End every connection within ``timeout`` seconds; aiohttp would take it twice where a client is stalled."""
        await super().shutdown(None if timeout is None else timeout / 2)


class Runner(web.AppRunner):
    """An application's runner whose connections are held to ``limits``; ``ended`` is told why one was ended."""

    def __init__(
        self,
        app: web.Application,
        *,
        limits: Limits | None = None,
        ended: Callable[[Ended], None] = _untold,
        **options: Any,
    ) -> None:
        super().__init__(app, **options)
        self._limits = limits or Limits()
        self._ended = ended

    async def _make_server(self) -> Server:
        # The one place where aiohttp lets a runner choose its server.
        server = Server(await super()._make_server(), self._limits, self._ended)
        server.watch()
        return server
