"""The format of Standard Webhooks: ``type``, ``timestamp`` and ``data``, and what places the event in the log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from publisher.clock import rfc3339
from publisher.delivery.transports.base import Content, Format, Ping, SingleEvent
from publisher.jsonbytes import compact

TEST_TYPE = "webhook.test"


class Standard(Format):
    """JSON, with the fields that the specification asks for and the log's beside them."""

    name: ClassVar[str] = "standard"
    label: ClassVar[str] = "Standard Webhooks"
    about: ClassVar[str] = (
        "JSON as Standard Webhooks version 1 has it: type, timestamp and data, with the place in the log."
    )
    carries: ClassVar[frozenset[type[Content]]] = frozenset({SingleEvent, Ping})
    batch_type: ClassVar[str | None] = "application/json"

    def content_type(self, content: Content) -> str:
        return "application/json"

    def body(self, content: Content) -> bytes:
        return compact(_ping(content) if isinstance(content, Ping) else _event(content))


def _event(told: SingleEvent) -> Mapping[str, Any]:
    return {
        "type": told.type.value,
        "timestamp": rfc3339(told.timestamp),
        "id": told.id,
        "seq": told.seq,
        "source": told.source,
        "change": told.change.value,
        "changed": told.changed,
        "data": told.data,
    }


def _ping(ping: Ping) -> Mapping[str, Any]:
    """In the form of a real event; it is in no log, so its ``seq`` is 0."""
    return {
        "type": TEST_TYPE,
        "timestamp": rfc3339(ping.timestamp),
        "id": ping.id,
        "seq": 0,
        "source": "publisher",
        "change": None,
        "changed": (),
        "data": {"webhook": ping.webhook},
    }
