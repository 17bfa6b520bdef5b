"""What is sent, apart from how it is written: contents, the formats that write them, and the request that comes of it.

Signing (``signing.py``) and posting (``posting.py``) know of requests alone; formats know of contents alone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, final

from publisher.content import summarised
from publisher.model import Change, Event, EventType


@dataclass(frozen=True, slots=True, kw_only=True)
class SingleEvent:
    """One event as one follower may know it; what a follower may not know is not in here, whatever the format.

    ``id`` is the event's, the same over every attempt, and ``seq`` its place in the log. ``type`` is the one that the
    follower is told, ``change`` what the event meant to what it follows, ``changed`` the fields that differ. ``data``
    is the item: as it was then, or, for one that left, as it last stood in the feed. ``source`` is None but for
    operations: the names of sources are not for everyone who may follow a feed.
    """

    id: str
    seq: int
    type: EventType
    timestamp: datetime
    source: str | None
    change: Change
    changed: Sequence[str]
    data: Mapping[str, Any]

    @classmethod
    def of(cls, event: Event, type: EventType, change: Change, *, summary: bool = False) -> SingleEvent:
        """What a follower is told of an event by its match; with ``summary`` the item's full text is not for it."""
        data = _data(event, change)
        return cls(
            id=event.id,
            seq=event.seq,
            type=type,
            timestamp=event.timestamp,
            source=event.source if type.items == "operations" else None,
            change=change,
            changed=event.changed,
            data=summarised(data) if summary else data,
        )


def _data(event: Event, change: Change) -> dict[str, Any]:
    if change is not Change.LEFT or event.before is None:
        return event.data
    # The item as it is now may be what this follower must not see: it gets what it knew. A source in it says whose
    # item it was, and is no part of the item.
    return {key: value for key, value in event.before.items() if key != "source"}


@dataclass(frozen=True, slots=True)
class Ping:
    """A test of a webhook (its id): no event, and in no log. ``id`` is its own."""

    id: str
    timestamp: datetime
    webhook: str


Content = SingleEvent | Ping
"""Whatever can be sent: formats tell one from the other by its class, and mypy that none is left out."""


@dataclass(frozen=True, slots=True)
class Request:
    """A content, written: what is signed and posted. ``id`` is the content's; ``headers`` hold no signature."""

    id: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class Format(ABC):
    """One format, which describes itself; adding one is a file beside ``standard.py`` that looks like it.

    ``name`` is what it is called in the API, in commands and in storage; ``label`` what people call it; ``about`` one
    sentence for docs/webhooks.md, which a test compares. ``carries`` are the classes of contents that it can write.

    What it writes is a function of the content alone: every attempt carries the same bytes.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    about: ClassVar[str]
    carries: ClassVar[frozenset[type[Content]]]
    batch_type: ClassVar[str | None] = None
    """The ``Content-Type`` of a JSON array of bodies, None where several events cannot be sent at once."""

    @abstractmethod
    def content_type(self, content: Content) -> str:
        """The ``Content-Type`` of the body."""

    @abstractmethod
    def body(self, content: Content) -> bytes:
        """The content, written."""

    def headers(self, content: Content) -> Mapping[str, str]:
        """What headers it needs beside the type of the body and the signature: none, by default."""
        return {}

    @final
    def request(self, content: Content) -> Request:
        """The request that carries the content, unsigned."""
        headers = {"Content-Type": self.content_type(content), **self.headers(content)}
        return Request(content.id, self.body(content), headers)
