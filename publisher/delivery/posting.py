"""One signed POST of a request that is written already."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache

from publisher import clock
from publisher.clock import Clock
from publisher.delivery.credentials import Credentials, Opened
from publisher.delivery.transports.base import Request
from publisher.outbound import Exchange, Outbound, PostResult, Sending
from publisher.storage.access.sealing import Sealer

KEPT = 16_384
"""Credentials of endpoints kept open, in memory alone: unsealing them costs twice as much as signing with them."""


class Poster:
    """Signs and sends, once. ``now`` is the time that a signature states, and that an attempt is recorded with."""

    def __init__(self, outbound: Outbound, sealer: Sealer, *, now: Clock = clock.now) -> None:
        self._outbound = outbound
        self._sealer = sealer
        self.now = now
        self._credentials = lru_cache(KEPT)(self._opened)

    async def exchange(self, url: str, sealed: bytes, request: Request, timeout: float) -> Exchange:
        """Send a request now, over a connection of its own; returns all that was sent and answered.

        ``timeout`` is in seconds, for all of the attempt. Raises SecretError, with nothing sent, where the secret
        cannot be opened: that is no fault of the receiver's.
        """
        own = self._credentials(sealed)
        headers = own.signed(request.headers, request.id, self.now(), request.body)
        return await self._outbound.exchange(
            url + request.path, request.body, headers, timeout, own.identity, public_only=own.public_only
        )

    def send(  # noqa: PLR0917 -- one of each of these is given for every delivery
        self,
        url: str,
        sealed: bytes,
        request: Request,
        timeout: float,
        done: Callable[[PostResult], None],
        begins: Callable[[], bool],
    ) -> tuple[datetime, Sending]:
        """As :meth:`Outbound.send`; returns when it was signed, and what can be cancelled. Raises SecretError."""
        at = self.now()
        own = self._credentials(sealed)
        headers = own.signed(request.headers, request.id, at, request.body)
        sending = self._outbound.send(
            url + request.path, request.body, headers, timeout, done, begins=begins, identity=own.identity,
            public_only=own.public_only, reads=request.reads_answer,
        )  # fmt: skip
        return at, sending

    def _opened(self, sealed: bytes) -> Opened:
        credentials = Credentials.read(self._sealer.unseal(sealed))
        # Sealed twice, the same is other bytes: so no other webhook's connections have this name, nor those of before.
        return Opened(credentials, hashlib.sha256(sealed).hexdigest()[:32])
