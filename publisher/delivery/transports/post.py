"""One signed POST, and what it means for the delivery."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from publisher import clock, telemetry
from publisher.clock import Clock
from publisher.delivery import signing
from publisher.delivery.endpoints import retry
from publisher.outbound import Outbound, PostResult
from publisher.redaction import bare, redacted
from publisher.storage.access.sealing import Sealer
from publisher.storage.subscriptions.deliveries import Claimed, Outcome

log = telemetry.logger(__name__)

KEPT_KEYS = 16_384
"""Keys of endpoints kept unsealed, in memory alone: opening one costs twice what signing with it does."""


class Poster:
    """Signs and sends, once, within ``timeout`` seconds, which may be set anew."""

    def __init__(self, outbound: Outbound, sealer: Sealer, *, timeout: float, now: Clock = clock.now) -> None:
        self._outbound = outbound
        self._sealer = sealer
        self.timeout = timeout
        self._now = now
        self._key = lru_cache(KEPT_KEYS)(self._unsealed)

    async def post(self, url: str, sealed: bytes, id: str, body: bytes) -> tuple[datetime, PostResult]:
        """Send a body now; returns when that was and how it went. Whatever goes wrong is in the result.

        Raises SecretError, with nothing sent, where the secret cannot be opened: that is no fault of the receiver's.
        """
        at = self._now()
        headers = signing.headers(self._key(sealed), id, int(at.timestamp()), body)
        try:
            return at, await self._outbound.post(url, body, headers, self.timeout)
        except Exception as error:  # one delivery's surprise must not become everyone's
            log.exception("delivery.crashed", url=bare(url))
            return at, PostResult(None, redacted(f"{type(error).__name__}: {error}"[:300]))

    def _unsealed(self, sealed: bytes) -> bytes:
        return signing.key_of(self._sealer.unseal(sealed).decode())


def outcome(one: Claimed, at: datetime, result: PostResult, schedule: Sequence[float]) -> Outcome:
    """What becomes of a delivery: 2xx is success, anything else is tried again until the schedule is used up.

    A receiver that says when it wants to be asked again is not asked before (``Retry-After``, for a day at most).
    """
    tried = (
        one.number, at, result.duration_ms, result.status, result.error, result.response_excerpt,
        one.subscription, one.failing,
    )  # fmt: skip
    if result.delivered:
        return Outcome(one.id, one.lease, "delivered", None, *tried)
    wait = retry.next_wait(one.number, schedule, random.random())
    if wait is not None and result.retry_after is not None:
        wait = max(wait, result.retry_after)
    _tell(one, result, wait)
    return Outcome(one.id, one.lease, "dead" if wait is None else "retrying", wait, *tried)


def _tell(one: Claimed, result: PostResult, wait: float | None) -> None:
    """One line for each failed attempt. Query and user of a URL may be keys of the receiver's."""
    said = {
        "webhook": one.webhook,
        "seq": one.seq,
        "url": bare(one.url),
        "attempt": one.number,
        "status": result.status,
        "error": result.error,
        "ignored": result.ignored,
        "advice": result.advice,
    }
    known = {name: value for name, value in said.items() if value is not None}
    if wait is None:
        log.warning("delivery.dead", **known)
    else:
        log.warning("delivery.failed", **known, retry_in=round(wait, 1))
