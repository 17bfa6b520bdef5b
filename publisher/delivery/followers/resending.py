"""Sending one delivery again, now."""

from __future__ import annotations

from publisher import telemetry
from publisher.delivery.followers import sendable
from publisher.delivery.followers.sendable import Known, Right
from publisher.errors import Conflict, NotFound
from publisher.model import DeliveryState, Event
from publisher.storage.engine.database import Tx
from publisher.storage.log import events
from publisher.storage.subscriptions import again, listing, replays, rights, subscriptions
from publisher.storage.subscriptions.listing import Listed

log = telemetry.logger(__name__)

NEVER = {
    "access": "it was cancelled since its owner might not be sent it any more",
    "erased": "what it carried was erased",
    "removed": "the feed that showed it was removed",
}
"""The reasons of what was cancelled and is not sent again, in words."""


def retry(tx: Tx, id: str, delivery: str) -> Listed:
    """Send an event to the subscription ``id`` once more, and return the delivery by which that happens.

    Where one of this event is open it is made due at once; else there is a new one, in a run of its own. Raises
    NotFound where there is no such delivery, Conflict with the words why it cannot be sent.
    """
    n = replays.active(tx, id)
    found = listing.get(tx, id, delivery)
    if found is None:
        raise NotFound(f"the webhook has no delivery {delivery!r}, or it is listed no more")
    run = 0 if _waits_in_parcel(found) else again.hurry(tx, n, found.seq)
    if run is None:
        _may_be_sent(tx, id, found)
        run = again.resend(tx, n, found.seq, found.filter_id)
    made = listing.get(tx, id, f"{found.seq}.{run}")
    assert made is not None
    log.info("delivery.sent_again", webhook=id, delivery=made.id)
    return made


def _waits_in_parcel(one: Listed) -> bool:
    return one.row is None and one.state is DeliveryState.PENDING


def _may_be_sent(tx: Tx, id: str, one: Listed) -> None:
    if one.state is DeliveryState.CANCELLED and one.reason in NEVER:
        raise Conflict(f"the delivery cannot be sent again: {NEVER[one.reason]}")
    event = _event(tx, one.seq)
    webhook = subscriptions.existing(tx, id)
    right = Right.of(tx, webhook.owner, webhook.granted, one.seq - 1)
    filter = rights.filter_of(tx, one.filter_id)
    stored = replays.stored(tx, [one.seq], [one.filter_id]).get((one.seq, one.filter_id))
    known = Known.of(stored)
    match = sendable.what(event, filter, known, right, right.judge(), narrowed=False)
    if match is None or match != known.match:
        raise Conflict("the delivery cannot be sent again: it is not for this webhook any more, or was not then")


def _event(tx: Tx, seq: int) -> Event:
    found = events.among(tx, [seq])
    if not found:
        raise Conflict("the delivery cannot be sent again: its event is kept no longer")
    if found[0].erased:
        raise Conflict(f"the delivery cannot be sent again: {NEVER['erased']}")
    return found[0]
