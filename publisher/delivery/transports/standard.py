"""The format of Standard Webhooks: ``type``, ``timestamp`` and ``data``, and what places the event in the log."""

from __future__ import annotations

from typing import ClassVar

from publisher.delivery.transports.base import Content, Format, Ping, SingleEvent
from publisher.delivery.transports.writing.envelope import envelope
from publisher.jsonbytes import compact


class Standard(Format):
    """JSON, with the fields that the specification asks for and the log's beside them."""

    name: ClassVar[str] = "standard"
    label: ClassVar[str] = "Standard Webhooks"
    about: ClassVar[str] = (
        "JSON as Standard Webhooks version 1 has it: type, timestamp and data, with the place in the log."
    )
    carries: ClassVar[frozenset[type[Content]]] = frozenset({SingleEvent, Ping})
    takes: ClassVar[frozenset[str]] = frozenset({"content"})
    batch_type: ClassVar[str | None] = "application/json"

    def content_type(self, content: Content) -> str:
        return "application/json"

    def body(self, content: Content) -> bytes:
        return compact(envelope(content))
