"""What a caller who reads the log is told of its events: by the rules by which webhooks are told."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from publisher import selection
from publisher.clock import rfc3339
from publisher.content import summarised
from publisher.model import Change, Event, EventType, FeedDefinition, Filter, Match, Role
from publisher.storage.log.tail import Entry
from publisher.web.access.auth import Caller


@dataclass(frozen=True, slots=True)
class Offer:
    """The feeds in force, as whoever reads the log depends on them: one object for all requests.

    ``opened``: by feed, the first event that everyone may be told of; what came before it was for operators.
    """

    feeds: Mapping[str, FeedDefinition]
    index: selection.FeedIndex
    public: frozenset[str]
    opened: Mapping[str, int]

    @classmethod
    def of(cls, feeds: Mapping[str, FeedDefinition], opened: Mapping[str, int]) -> Offer:
        """What these feeds come to."""
        public = frozenset(name for name, feed in feeds.items() if feed.public)
        return cls(feeds, selection.FeedIndex.of(feeds.values()), public, opened)


@dataclass(frozen=True, slots=True)
class View:
    """What one caller sees of the log. Make it with :func:`view_of`.

    ``followed``: the feeds whose events are told. ``types``: what is asked for, none for every type. ``opened`` as in
    :class:`Offer`, empty for operators. ``everything``: also what no feed takes, and where items come from.
    ``operations``: then also what sources and webhooks do.
    """

    index: selection.FeedIndex
    followed: frozenset[str]
    reads: frozenset[EventType]
    """The types of events that are worth looking at."""
    types: frozenset[EventType] = frozenset()
    opened: Mapping[str, int] = field(default_factory=dict)
    everything: bool = False
    operations: bool = False

    def match(self, entry: Entry, left: Collection[str] = ()) -> Match | None:
        """What the event is to the caller; None if it is not told.

        Nothing is left of an erased item: its withdrawal is told where a followed feed is among ``left``, the feeds
        that it left.
        """
        event = entry.event
        if event.erased:
            return self._parted(event, left)
        if self.everything:
            return self._whole(event)
        sides = entry.judged(self.index, self.index.sides)
        return selection.told(self.types, self._telling(event, sides.touched), event, sides)

    def written(self, event: Event, match: Match) -> dict[str, Any]:
        """The event as it is told, in the form that webhooks carry.

        One that took an item out of sight shows the item as it was last seen. Where items come from is told only to a
        caller who sees everything.
        """
        item = event.type.items != "operations"
        data = event.before if match.change is Change.LEFT and event.before is not None else event.data
        if match.summary:
            data = summarised(data)
        return {
            "seq": event.seq,
            "id": event.id,
            "type": match.type.value,
            "timestamp": rfc3339(event.timestamp),
            "source": event.source if self.everything or not item else None,
            "change": match.change.value,
            "changed": event.changed,
            # A source in it says whose item it was, and is no part of the item.
            "data": {key: value for key, value in data.items() if key != "source"} if item else data,
        }

    def _telling(self, event: Event, feeds: Collection[str]) -> list[str]:
        """Those of these feeds that are followed and may tell of the event."""
        return [name for name in feeds if name in self.followed and event.seq >= self.opened.get(name, 0)]

    def _parted(self, event: Event, left: Collection[str]) -> Match | None:
        if event.type is not EventType.ARTICLE_WITHDRAWN or (self.types and event.type not in self.types):
            return None
        return Match(event.type, Change.LEFT) if self.everything or self._telling(event, left) else None

    def _whole(self, event: Event) -> Match | None:
        if self.types and event.type not in self.types:
            return None
        if event.type.items == "operations":
            return Match(event.type, Change.ENTERED) if self.operations else None
        before, after = selection.before_and_after(event)
        return Match(event.type, Change.LEFT if after is None else Change.ENTERED if before is None else Change.STAYED)


def view_of(caller: Caller, wanted: Filter, offer: Offer) -> View:
    """What this caller sees of what it wants; ``wanted`` without feeds: of all that it may see.

    That it may follow the feeds that it names was judged before.
    """
    everything = caller.may(Role.EDITOR) and not wanted.feeds
    operations = caller.may(Role.OPERATOR) and everything
    followed = frozenset(wanted.feeds) if wanted.feeds else offer.public
    kinds = {"articles", "indicators"} if everything else {str(offer.feeds[name].items) for name in followed}
    if operations:
        kinds |= {"operations"}
    if wanted.events:
        kinds &= {type.items for type in wanted.events}
    return View(
        offer.index,
        followed,
        reads=frozenset(type for type in EventType if type.items in kinds),
        types=frozenset(wanted.events),
        opened={} if caller.may(Role.OPERATOR) else offer.opened,
        everything=everything,
        operations=operations,
    )
