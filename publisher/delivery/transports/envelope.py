"""The body of a webhook: Standard Webhooks' ``type``, ``timestamp`` and ``data``, and what places it in the log.

A function of the stored event and the stored match alone, so that every attempt carries the same bytes.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from publisher.clock import rfc3339
from publisher.content import summarised
from publisher.jsonbytes import compact
from publisher.model import Change, Event, EventType

TEST_TYPE = "webhook.test"


def body(event: Event, type: EventType, change: Change, *, summary: bool = False) -> bytes:
    """What a follower is told of an event. ``timestamp`` is the event's, as is the ``webhook-id`` beside it.

    ``source`` is null but for operations: the names of sources are not for everyone who may follow a feed.
    """
    data = _data(event, change)
    return _envelope(
        type=type.value,
        timestamp=event.timestamp,
        id=event.id,
        seq=event.seq,
        source=event.source if type.items == "operations" else None,
        change=change.value,
        changed=event.changed,
        data=summarised(data) if summary else data,
    )


def test_body(id: str, timestamp: datetime, subscription: str) -> bytes:
    """A synthetic event in the form of a real one; it is in no log, so its ``seq`` is 0."""
    return _envelope(
        type=TEST_TYPE,
        timestamp=timestamp,
        id=id,
        seq=0,
        source="publisher",
        change=None,
        changed=(),
        data={"webhook": subscription},
    )


def _data(event: Event, change: Change) -> dict[str, Any]:
    if change is not Change.LEFT or event.before is None:
        return event.data
    # The item as it is now may be what this follower must not see: it gets what it knew. A source in it says whose
    # item it was, and is no part of the item.
    return {key: value for key, value in event.before.items() if key != "source"}


def _envelope(**fields: Any) -> bytes:
    timestamp: datetime = fields.pop("timestamp")
    return compact({"type": fields.pop("type"), "timestamp": rfc3339(timestamp), **fields})
