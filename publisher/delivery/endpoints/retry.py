"""What an answer means for a delivery: that it is delivered, tried again and when, or dead.

A 2xx is a success. A 410 ends it, and its webhook with it (``storage/subscriptions/health.py``). Anything else, a 429
or 503 with ``Retry-After`` too, is tried again until the schedule is used up.

With the default schedule the attempts come at 0 s, 5 s, 5 min, 35 min, 2 h 35 min, 7 h 35 min, 17 h 35 min,
31 h 35 min, 51 h 35 min and 75 h 35 min: ten over three days, each wait ±20 %.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from publisher import telemetry
from publisher.outbound import PostResult
from publisher.redaction import endpoint
from publisher.storage.subscriptions.deliveries import Outcome
from publisher.storage.subscriptions.health import GONE
from publisher.storage.subscriptions.parcels import Parcel
from publisher.storage.subscriptions.queue import Claimed

log = telemetry.logger(__name__)

JITTER = 0.2


def outcome(  # noqa: PLR0917 -- all that is known of one attempt
    one: Claimed, at: datetime, result: PostResult, schedule: Sequence[float],
    parcel: Parcel | None = None, seat: int = 0, *, probe: bool = False,
) -> Outcome:  # fmt: skip
    """What becomes of a delivery after one attempt, begun at ``at``; ``schedule`` are the waits in seconds.

    A receiver that says when it will take requests again (``Retry-After``, which the client has read by
    ``retryafter.py``) is sent none before, as far as the schedule goes. A ``probe`` that fails leaves the delivery as
    it was.
    """
    tried = (
        one.number, at, result.duration_ms, result.status, result.error, result.response_excerpt,
        one.subscription, one.failures > 0,
    )  # fmt: skip
    if result.delivered:
        return Outcome(one.id, one.lease, "delivered", None, *tried, False, parcel, seat)
    if probe:
        _tell(one, result, 0.0)
        return Outcome(one.id, one.lease, "pending" if one.number == 1 else "retrying", 0.0, *tried, probe=True)
    wait = None if result.status == GONE else next_wait(one.number, schedule, random.random(), result.retry_after)
    _tell(one, result, wait)
    fault = None if result.status is not None else result.error_class
    state: Literal["dead", "retrying"] = "dead" if wait is None else "retrying"
    return Outcome(one.id, one.lease, state, wait, *tried, False, parcel, seat, fault=fault)


def next_wait(attempt: int, schedule: Sequence[float], spread: float, asked: float | None = None) -> float | None:
    """Seconds to wait after failed attempt number ``attempt`` (from 1); None if it was the last.

    ``spread``, from 0 to 1, chooses a place within ±20 %, so that those that failed together do not come back together.
    ``asked`` is for how long the receiver wishes to be left alone: it is held to the shortest and the longest wait of
    the schedule, and spread too, over the fifth that follows, since many may have been told the same.
    """
    if attempt > len(schedule):
        return None
    wait = schedule[attempt - 1] * (1 - JITTER + 2 * JITTER * spread)
    if asked is None:
        return wait
    return max(wait, min(max(asked, min(schedule)), max(schedule)) * (1 + JITTER * spread))


def _tell(one: Claimed, result: PostResult, wait: float | None) -> None:
    """One line for each failed attempt. Query, user and parts of the path of a URL may be keys of the receiver's."""
    said = {
        "webhook": one.webhook,
        "seq": one.seq,
        "url": endpoint(one.url),
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
