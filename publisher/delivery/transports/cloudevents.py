"""The format of CloudEvents 1.0.2, structured mode: one JSON document that says of itself what it is.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md, with the extension ``sequence`` of
``cloudevents/extensions/sequence.md`` beside it, and ours, ``change`` and ``changed``. Several at once are its batched
mode: an array of these.
"""

from __future__ import annotations

from typing import Any, ClassVar

from publisher.clock import rfc3339
from publisher.delivery.transports.base import Content, Format, Ping, SingleEvent
from publisher.delivery.transports.writing.envelope import LIMIT, data_within, json_size, subject_of, type_of
from publisher.jsonbytes import compact

DIGITS = 19
"""Of a sequence: that of a greater number is the greater text, up to the greatest that a database counts to."""


class CloudEvents(Format):
    """Each event is one CloudEvent, whose source is the site."""

    name: ClassVar[str] = "cloudevents"
    label: ClassVar[str] = "CloudEvents"
    about: ClassVar[str] = (
        "CloudEvents 1.0 in structured mode: the item as `data`, the place in the log as the extension `sequence`."
    )
    carries: ClassVar[frozenset[type[Content]]] = frozenset({SingleEvent, Ping})
    takes: ClassVar[frozenset[str]] = frozenset({"content"})
    batch_type: ClassVar[str | None] = "application/cloudevents-batch+json; charset=utf-8"

    def content_type(self, content: Content) -> str:
        return "application/cloudevents+json; charset=utf-8"

    def body(self, content: Content) -> bytes:
        frame = _attributes(content)
        return compact({**frame, "data": data_within(content, LIMIT - json_size({**frame, "data": {}}))})


def _attributes(content: Content) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": content.id,
        "source": f"{content.site.url}/",
        "type": type_of(content),
        "time": rfc3339(content.timestamp),
        "subject": subject_of(content),
        "datacontenttype": "application/json",
        **(_placed(content) if isinstance(content, SingleEvent) else {}),
    }


def _placed(told: SingleEvent) -> dict[str, str]:
    """What describes an event and places it in the log. Attributes hold no lists: the names of fields are one text."""
    placed = {
        "dataschema": f"{told.site.url}/api/v1/event-types/{told.type.value}",
        "sequence": f"{told.seq:0{DIGITS}}",
        "change": told.change.value,
    }
    return {**placed, "changed": ",".join(told.changed)} if told.changed else placed
