"""What events are to those who follow several feeds, by who may follow what."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, MutableMapping
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from publisher.model import CHANGE_COUNTS_AS, Change, Event, EventType, FeedDefinition, Filter, Match, Role
from publisher.selection.condition import Condition, Shown, condition_of
from publisher.selection.index import FeedIndex, Sides
from publisher.selection.matching import change_of

Meets = Callable[..., bool]
""":meth:`Condition.meets` of one event."""


def follow(filter: Filter, feeds: Mapping[str, FeedDefinition], event: Event, *, public: bool = False) -> Match | None:
    """What the event is to a follower of several feeds, None if it is not told; ``public``: one who is told nothing of
    private feeds.

    The feeds count as one: an item that moves from one of them to another stays. A follower that filters by type sees
    an article that enters as published and one that leaves as withdrawn, so that the type is always one it asked for.
    An observation that is held is told to those alone who ask for that type: to others it would be the present value.
    Feeds that no longer exist match nothing. A filter that narrows, or has an expression, takes the item before or
    after the event where a feed takes it and it is what the filter asks for: by its rules an item enters, stays and
    leaves as it does by the feeds'.
    """
    followed = {name: feeds[name] for name in filter.feeds if name in feeds}
    condition = condition_of(filter, public=public)
    meets = None if condition is None else partial(condition.meets, Shown(event))
    return told(filter.events, followed.keys(), event, FeedIndex.of(followed.values()).sides(event), meets)


def told(
    types: Collection[EventType], followed: Collection[str], event: Event, sides: Sides, meets: Meets | None = None
) -> Match | None:
    """The same, where it is known which feeds take the event's item: for who follows these feeds, and asks for these
    types of events (none: for every type); ``meets`` says what else it asks for.
    """
    if event.type is EventType.INDICATOR_HELD and event.type not in types:
        return None
    before, after = sides
    was, now = not before.keys().isdisjoint(followed), not after.keys().isdisjoint(followed)
    change = change_of(was, now)
    if change is not None and meets is not None:
        as_told = {"type": _counts_as(types, event, change), "change": change}
        was = was and meets(after=False, summary=_summary(event, followed, before), **as_told)
        now = now and meets(after=True, summary=_summary(event, followed, after), **as_told)
        change = change_of(was, now)
    if change is None:
        return None
    type = _counts_as(types, event, change)
    if types and type not in types:
        return None
    return Match(type, change, _summary(event, followed, before if change is Change.LEFT else after))


def _counts_as(types: Collection[EventType], event: Event, change: Change) -> EventType:
    """The type that a follower is told who asks for these."""
    return CHANGE_COUNTS_AS.get(change, event.type) if types and event.type.items == "articles" else event.type


def _summary(event: Event, followed: Collection[str], showing: Mapping[str, FeedDefinition]) -> bool:
    """Whether an article is shown as a summary alone by those of the feeds followed that show it."""
    if event.type.items != "articles":
        return False
    return not any(name in showing and showing[name].content == "full" for name in followed)


def visible(filter: Filter, feeds: Mapping[str, FeedDefinition], private: Collection[str]) -> dict[str, FeedDefinition]:
    """Those of a filter's feeds that everyone may follow. ``private`` are names of others, whatever ``feeds`` say."""
    return {
        name: feeds[name]
        for name in filter.feeds
        if name in feeds and name not in private and feeds[name].follower is Role.SUBSCRIBER
    }


class Followers:
    """Filters by the feeds that they name, so that those of an event are found by the feeds that it touches.

    Each is an id, a filter, and whether it is public: takes nothing from private feeds.
    """

    def __init__(self, filters: Iterable[tuple[int, Filter, bool]]) -> None:
        self._naming: dict[str, list[tuple[int, Filter, bool]]] = {}
        for one in filters:
            for name in set(one[1].feeds):
                self._naming.setdefault(name, []).append(one)

    def naming(self, feeds: Iterable[str]) -> Iterator[tuple[int, Filter, bool]]:
        """Each filter that names one of these feeds, once."""
        seen: set[int] = set()
        for name in feeds:
            for one in self._naming.get(name, ()):
                if one[0] not in seen:
                    seen.add(one[0])
                    yield one


class Judge:
    """What events are to followers, by who may follow what.

    Feeds that are not among ``feeds`` go by how they were when they were ``removed``: what they alone show is held
    until they are back. A filter none of whose feeds is there holds nothing: it stands still as a whole. A public
    filter takes nothing from feeds that only operators may follow (those that ``feeds`` say are, and ``private``), nor
    from one that was ``opened`` what came before that event.
    """

    def __init__(
        self,
        feeds: Mapping[str, FeedDefinition],
        removed: Mapping[str, FeedDefinition],
        private: Collection[str],
        opened: Mapping[str, int],
    ) -> None:
        self._feeds = feeds
        self._removed = removed
        self._private = private
        self._opened = opened
        self._index = FeedIndex.of({**removed, **feeds}.values())
        # By what the filter is, not by what it says: to take the hash of one costs as much as to follow it. It is kept
        # beside what it takes, so that no other comes to be what it was.
        self._kept: dict[tuple[int, bool], _Taken] = {}

    def matches(
        self, event: Event, followers: Followers, faults: MutableMapping[int, str] | None = None
    ) -> dict[int, Match]:
        """What the event is to each of the followers that are told of it, by the id of the filter.

        ``faults`` is given what went wrong with a filter's expression; that is no match.
        """
        sides, shown = self._index.sides(event), Shown(event)
        matched: dict[int, Match] = {}
        for id_, filter, public in followers.naming(sides.touched):
            match = self._told(filter, event, sides, shown, public)
            if match is not None:
                matched[id_] = match
            if filter.expression is not None and (fault := shown.fault()) and faults is not None:
                faults[id_] = fault
        return matched

    def follow(self, filter: Filter, event: Event, *, public: bool, shown: Shown | None = None) -> Match | None:
        """What the event is to those who follow this filter; ``public``: it takes nothing from private feeds.

        ``shown`` is given by who wants to know of faults.
        """
        return self._told(filter, event, self._index.sides(event), shown or Shown(event), public)

    def kinds(self, feeds: Iterable[str]) -> set[str]:
        """What kinds of items these feeds have."""
        known = {**self._removed, **self._feeds}
        return {known[name].items for name in feeds if name in known}

    def _told(self, filter: Filter, event: Event, sides: Sides, shown: Shown, public: bool) -> Match | None:
        kept = self._kept.get((id(filter), public))
        if kept is None:
            kept = self._kept[id(filter), public] = self._taken(filter, public)
        meets = None if kept.condition is None else partial(kept.condition.meets, shown)
        match = told(filter.events, self._for(event, kept.feeds, public), event, sides, meets)
        if match is not None or not kept.removed:
            return match
        for name in kept.removed:
            found = told(filter.events, self._for(event, (*kept.feeds, name), public), event, sides, meets)
            if found is not None:
                return replace(found, held=name)
        return None

    def _for(self, event: Event, feeds: Collection[str], public: bool) -> Collection[str]:
        if not (public and self._opened):
            return feeds
        return [name for name in feeds if event.seq >= self._opened.get(name, 0)]

    def _taken(self, filter: Filter, public: bool) -> _Taken:
        there = {name: self._feeds[name] for name in filter.feeds if name in self._feeds}
        away = {name: self._removed[name] for name in filter.feeds if name in self._removed and name not in there}
        feeds, removed = (there, away) if there else (away, {})
        if public:
            feeds, removed = (visible(filter, some, self._private) for some in (feeds, removed))
        return _Taken(filter, tuple(feeds), tuple(removed), condition_of(filter, public=public))


class _Taken(NamedTuple):
    """The feeds that a filter takes something from: at once, and what it takes of ``removed`` to be held."""

    filter: Filter
    feeds: tuple[str, ...]
    removed: tuple[str, ...]
    condition: Condition | None
