"""The bodies of the events that are being sent, made once however many they are sent to."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from cachetools import LRUCache

from publisher.delivery.transports import envelope
from publisher.model import Change, Event, EventType

KEPT_BYTES = 16 * 1024 * 1024
KEPT_EVENTS = 1000


@dataclass(slots=True)
class Prepared:
    """An event and the bodies made of it: one for each type, change and extent that a follower is told."""

    event: Event
    bodies: dict[tuple[EventType, Change, bool], bytes] = field(default_factory=dict)

    def body(self, type: EventType, change: Change, summary: bool) -> bytes:
        """What a follower is told."""
        if (type, change, summary) not in self.bodies:
            self.bodies[type, change, summary] = envelope.body(self.event, type, change, summary=summary)
        return self.bodies[type, change, summary]

    @property
    def size(self) -> int:
        return sum(map(len, self.bodies.values()))


class Bodies:
    """The events sent last, within a bound of memory."""

    def __init__(self) -> None:
        # Bounded by trim(): what a claim has just brought must not push out what it counted on.
        self._events: LRUCache[int, Prepared] = LRUCache(math.inf)

    @property
    def known(self) -> Collection[int]:
        """The ``seq`` of each event that need not be loaded."""
        return self._events.keys()

    def add(self, events: Iterable[Event]) -> None:
        """Take events that were loaded."""
        for event in events:
            self._events[event.seq] = Prepared(event)

    def get(self, seq: int) -> Prepared:
        """A known event."""
        return self._events[seq]

    def trim(self) -> None:
        """Forget the events not used for longest, down to the bound."""
        size = sum(prepared.size for prepared in self._events.values())
        while size > KEPT_BYTES or len(self._events) > KEPT_EVENTS:
            size -= self._events.popitem()[1].size
