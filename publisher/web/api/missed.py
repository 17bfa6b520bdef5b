"""What a webhook missed while it was disabled, as the answer to enabling it tells."""

from __future__ import annotations

from typing import Any

from publisher.clock import rfc3339
from publisher.delivery.followers import replaying
from publisher.model import Subscription
from publisher.storage.engine.database import Tx
from publisher.storage.subscriptions import again

PATH = "/api/v1/webhooks"


def missed_json(tx: Tx, webhook: Subscription, before: Subscription) -> dict[str, Any] | None:
    """What a webhook that was just enabled has missed, and where to ask for it; None where nothing is known of that."""
    if before.until_seq is None or webhook.from_seq <= before.until_seq + 1:
        return None
    found = replaying.missed(tx, webhook.id, before.until_seq + 1, webhook.from_seq - 1)
    at = again.moment_of(tx, found.since_seq)
    return {
        "events": found.events,
        "more": found.more,
        "since": found.since_seq,
        "until": found.until_seq,
        "at": at and rfc3339(at),
        "replay": f"{PATH}/{webhook.id}/replays",
    }
