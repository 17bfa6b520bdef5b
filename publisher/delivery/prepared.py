"""The events that are being sent, each written once however many it is sent to."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from cachetools import LRUCache

from publisher.delivery.transports.base import SITE, Format, Request, SingleEvent, Site
from publisher.model import Change, Event, EventType
from publisher.model.options import PLAIN, how_written, read
from publisher.storage.subscriptions.queue import Claimed

KEPT_BYTES = 16 * 1024 * 1024
KEPT_EVENTS = 1000

BATCH_ID_BYTES = 12


@dataclass(slots=True)
class Prepared:
    """An event and the requests made of it: one for each format, type, change and extent that a follower is told, and
    for each way in which one asked for the body to be written.
    """

    event: Event
    requests: dict[tuple[str, EventType, Change, bool, bytes], Request] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes of all bodies."""
        return sum(len(request.body) for request in self.requests.values())


class PreparedEvents:
    """The events sent last, within a bound of memory, as a site tells of them."""

    def __init__(self, site: Site = SITE) -> None:
        self._site = site
        # Bounded by trim(): what a claim has just brought must not push out what it counted on.
        self._events: LRUCache[int, Prepared] = LRUCache(math.inf)
        self._epoch: int | None = None
        self._size = 0

    @property
    def site(self) -> Site:
        """Who tells; what was written for another is written anew."""
        return self._site

    @site.setter
    def site(self, site: Site) -> None:
        if site != self._site:
            self._site = site
            self._forget_requests()

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

    def request(  # noqa: PLR0917 -- all that one attempt is written by
        self, seq: int, format: Format, type: EventType, change: Change, summary: bool, options: str = PLAIN
    ) -> Request:
        """What a follower is told of a known event, written in its format as its stored ``options`` ask.

        Raises KeyError where the event is not known, and Unwritable where these make too much of it.
        """
        prepared: Prepared = self._events[seq]
        key = (format.name, type, change, summary, how_written(options))
        found = prepared.requests.get(key)
        if found is None:
            told = SingleEvent.of(prepared.event, type, change, summary=summary, site=self._site, asked=read(options))
            found = format.request(told)
            if self._size + len(found.body) > KEPT_BYTES:  # every follower of an event may have a template of its own
                self._forget_requests()
            prepared.requests[key] = found
            self._size += len(found.body)
        return found

    def batch(self, format: Format, rows: Sequence[Claimed]) -> Request:
        """What a follower is told of several known events at once: the same bytes, and the same id, over every attempt.

        Raises KeyError where one is not known, ValueError where the format has no form for several.
        """
        if format.batch_type is None:
            raise ValueError(f"the format {format.name!r} has no form for several events")
        each = [self.request(one.seq, format, one.type, one.change, one.summary, one.options) for one in rows]
        known = hashlib.blake2b(digest_size=BATCH_ID_BYTES)
        known.update("\n".join([rows[0].webhook, *(one.id for one in each)]).encode())
        body = b"[" + b",".join(one.body for one in each) + b"]"
        return Request(f"bat_{known.hexdigest()}", body, {"Content-Type": format.batch_type})

    def _forget_requests(self) -> None:
        """Keep the events, which whoever has claimed them counts on, and write them anew as they are asked for."""
        for prepared in self._events.values():
            prepared.requests.clear()
        self._size = 0

    def trim(self) -> None:
        """Forget the events not used for longest, down to the bound."""
        while self._size > KEPT_BYTES or len(self._events) > KEPT_EVENTS:
            self._size -= self._events.popitem()[1].size
