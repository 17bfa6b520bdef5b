"""One signed POST, and what it means for the delivery."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from publisher import clock, telemetry
from publisher.clock import Clock
from publisher.delivery import retry, signing
from publisher.errors import SecretError
from publisher.outbound import Outbound, PostResult
from publisher.storage.deliveries import Claimed, Outcome
from publisher.storage.sealing import Sealer

log = telemetry.logger(__name__)

KEPT_KEYS = 16_384
"""Keys of endpoints kept unsealed, in memory alone: opening one costs twice what signing with it does."""


class Poster:
    """Signs and sends, once, within ``timeout`` seconds."""

    def __init__(self, outbound: Outbound, sealer: Sealer, *, timeout: float, now: Clock = clock.now) -> None:
        self._outbound = outbound
        self._sealer = sealer
        self._timeout = timeout
        self._now = now
        self._key = lru_cache(KEPT_KEYS)(self._unsealed)

    async def post(self, url: str, sealed: bytes, id: str, body: bytes) -> tuple[datetime, PostResult]:
        """Send a body now; returns when that was and how it went. Whatever goes wrong is in the result."""
        at = self._now()
        try:
            headers = signing.headers(self._key(sealed), id, int(at.timestamp()), body)
        except SecretError as error:
            return at, PostResult(None, str(error))
        try:
            return at, await self._outbound.post(url, body, headers, self._timeout)
        except Exception as error:  # one delivery's surprise must not become everyone's
            log.exception("delivery.crashed", url=url)
            return at, PostResult(None, f"{type(error).__name__}: {error}"[:300])

    def _unsealed(self, sealed: bytes) -> bytes:
        return signing.key_of(self._sealer.unseal(sealed).decode())


def outcome(one: Claimed, at: datetime, result: PostResult, schedule: Sequence[float]) -> Outcome:
    """What becomes of a delivery: 2xx is success, anything else is tried again until the schedule is used up."""
    tried = (
        one.number, at, result.duration_ms, result.status, result.error, result.response_excerpt,
        one.subscription, one.failing,
    )  # fmt: skip
    if result.delivered:
        return Outcome(one.id, one.lease, "delivered", None, *tried)
    wait = retry.next_wait(one.number, schedule, random.random())
    if wait is None:
        log.warning("delivery.dead", webhook=one.webhook, seq=one.seq, attempts=one.number, status=result.status)
    return Outcome(one.id, one.lease, "dead" if wait is None else "retrying", wait, *tried)
