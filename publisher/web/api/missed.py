"""What a webhook missed while it was disabled, as the answer to enabling it tells."""

from __future__ import annotations

from typing import Any

from publisher.clock import rfc3339
from publisher.delivery.followers import replaying
from publisher.model import Subscription
from publisher.storage.engine.database import Tx
from publisher.storage.subscriptions import again

PATH = "/api/v1/webhooks"


def missed_json(tx: Tx, before: Subscription) -> dict[str, Any] | None:
    """What a webhook has missed that was disabled ``before`` and is active by now, and where to ask for it; None where
    nothing is known of that.
    """
    found = replaying.missed(tx, before)
    if found is None:
        return None
    at = again.moment_of(tx, found.since_seq) if found.since_seq <= found.until_seq else None
    return {
        "events": found.events,
        "more": found.more,
        "since": found.since_seq,
        "until": found.until_seq,
        "at": at and rfc3339(at),
        "cancelled": len(found.cut_off),
        "cancelled_since": found.cut_off[0] if found.cut_off else None,
        "replay": f"{PATH}/{before.id}/replays",
    }
