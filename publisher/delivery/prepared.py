"""The events that are being sent, each written once however many it is sent to."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from cachetools import LRUCache

from publisher.delivery.transports.base import Format, Request, SingleEvent
from publisher.model import Change, Event, EventType
from publisher.storage.subscriptions.queue import Claimed

KEPT_BYTES = 16 * 1024 * 1024
KEPT_EVENTS = 1000

BATCH_ID_BYTES = 12


@dataclass(slots=True)
class Prepared:
    """An event and the requests made of it: one for each format, type, change and extent that a follower is told."""

    event: Event
    requests: dict[tuple[str, EventType, Change, bool], Request] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes of all bodies."""
        return sum(len(request.body) for request in self.requests.values())


class PreparedEvents:
    """The events sent last, within a bound of memory."""

    def __init__(self) -> None:
        # Bounded by trim(): what a claim has just brought must not push out what it counted on.
        self._events: LRUCache[int, Prepared] = LRUCache(math.inf)
        self._epoch: int | None = None
        self._size = 0

    @property
    def known(self) -> Collection[int]:
        """The ``seq`` of each event that need not be loaded."""
        return self._events.keys()

    def valid(self, epoch: int) -> None:
        """Forget all that was loaded in another epoch of the log: it may be erased, or its number another event's."""
        if epoch != self._epoch:
            self._epoch = epoch
            self._events.clear()
            self._size = 0

    def add(self, events: Iterable[Event]) -> None:
        """Take events that were loaded."""
        for event in events:
            before: Prepared | None = self._events.pop(event.seq, None)
            if before is not None:
                self._size -= before.size
            self._events[event.seq] = Prepared(event)

    def find(self, seq: int) -> Prepared | None:
        """An event; None where it is not known any more."""
        found: Prepared | None = self._events.get(seq)
        return found

    def request(self, seq: int, format: Format, type: EventType, change: Change, summary: bool) -> Request:
        """What a follower is told of a known event, written in its format. Raises KeyError where it is not known."""
        prepared: Prepared = self._events[seq]
        key = (format.name, type, change, summary)
        found = prepared.requests.get(key)
        if found is None:
            found = format.request(SingleEvent.of(prepared.event, type, change, summary=summary))
            prepared.requests[key] = found
            self._size += len(found.body)
        return found

    def batch(self, format: Format, rows: Sequence[Claimed]) -> Request:
        """What a follower is told of several known events at once: the same bytes, and the same id, over every attempt.

        Raises KeyError where one is not known, ValueError where the format has no form for several.
        """
        if format.batch_type is None:
            raise ValueError(f"the format {format.name!r} has no form for several events")
        each = [self.request(one.seq, format, one.type, one.change, one.summary) for one in rows]
        known = hashlib.blake2b(digest_size=BATCH_ID_BYTES)
        known.update("\n".join([rows[0].webhook, *(one.id for one in each)]).encode())
        body = b"[" + b",".join(one.body for one in each) + b"]"
        return Request(f"bat_{known.hexdigest()}", body, {"Content-Type": format.batch_type})

    def trim(self) -> None:
        """Forget the events not used for longest, down to the bound."""
        while self._size > KEPT_BYTES or len(self._events) > KEPT_EVENTS:
            self._size -= self._events.popitem()[1].size
