"""One signed POST of a request that is written already."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache

from publisher import clock, telemetry
from publisher.clock import Clock
from publisher.delivery import signing
from publisher.delivery.transports.base import Request
from publisher.outbound import Outbound, PostResult, Sending
from publisher.redaction import endpoint, redacted
from publisher.storage.access.sealing import Sealer

log = telemetry.logger(__name__)

KEPT_KEYS = 16_384
"""Keys of endpoints kept unsealed, in memory alone: unsealing one costs twice as much as signing with it."""


class Poster:
    """Signs and sends, once. ``now`` is the time that a signature states, and that an attempt is recorded with."""

    def __init__(self, outbound: Outbound, sealer: Sealer, *, now: Clock = clock.now) -> None:
        self._outbound = outbound
        self._sealer = sealer
        self.now = now
        self._key = lru_cache(KEPT_KEYS)(self._unsealed)

    async def post(self, url: str, sealed: bytes, request: Request, timeout: float) -> tuple[datetime, PostResult]:
        """Send a request now; returns when that was and how it went. Whatever goes wrong is in the result.

        ``timeout`` is in seconds, for all of the attempt. Raises SecretError, with nothing sent, where the secret
        cannot be opened: that is no fault of the receiver's.
        """
        at = self.now()
        signature = signing.headers(self._key(sealed), request.id, int(at.timestamp()), request.body)
        try:
            headers = {**request.headers, **signature}
            to = url + request.path
            return at, await self._outbound.post(to, request.body, headers, timeout, reads=request.reads_answer)
        except Exception as error:  # one delivery's surprise must not become everyone's
            log.exception("delivery.crashed", url=endpoint(url))
            return at, PostResult(None, redacted(f"{type(error).__name__}: {error}"[:300]))

    def send(  # noqa: PLR0917 -- one of each of these is given for every delivery
        self,
        url: str,
        sealed: bytes,
        request: Request,
        timeout: float,
        done: Callable[[PostResult], None],
        begins: Callable[[], bool],
    ) -> tuple[datetime, Sending]:
        """As :meth:`post` and :meth:`Outbound.send`; returns when it was signed, and what can be cancelled."""
        at = self.now()
        signature = signing.headers(self._key(sealed), request.id, int(at.timestamp()), request.body)
        headers = {**request.headers, **signature}
        to, reads = url + request.path, request.reads_answer
        return at, self._outbound.send(to, request.body, headers, timeout, done, begins=begins, reads=reads)

    def _unsealed(self, sealed: bytes) -> bytes:
        return signing.key_of(self._sealer.unseal(sealed).decode())
