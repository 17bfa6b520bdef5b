"""Which feeds an item belongs to, and what a change of it means to them. Pure.

One rule serves reading, webhooks and the live stream: **a feed matches an event if the item before or after it meets
the selection.** The change then says what happened in that feed::

    before  after
    no      yes    entered
    yes     yes    stayed
    yes     no     left
    no      no     (no match)
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from publisher.model import CHANGE_COUNTS_AS, Change, Event, EventType, FeedDefinition, Filter, Match, Role, Selection
from publisher.model.facets import Facets, item_facets, wanted_values
from publisher.model.narrowing import Narrowing


def selects(feed: FeedDefinition, kind: str, facets: Facets) -> bool:
    """Whether the feed takes an item of ``kind`` (``articles``, ``indicators``, ``operations``) with these facets."""
    return feed.items == kind and all(not wanted.isdisjoint(facets.get(key, ())) for key, wanted in wants(feed.select))


def narrowed_to(narrowing: Narrowing, facets: Facets) -> bool:
    """Whether an item with these facets is one of those that the narrowing leaves of a feed."""
    return all(not wanted.isdisjoint(facets.get(key, ())) for key, wanted in narrowing.wants)


@lru_cache(maxsize=4096)
def wants(select: Selection) -> tuple[tuple[str, frozenset[str]], ...]:
    """The selection's keys that are set, each with its values as facets hold them; an item must meet every key."""
    return tuple((key, wanted_values(key, values)) for key, values in select if values)


def only_summary(feeds: Iterable[FeedDefinition], kind: str, facets: Facets) -> bool:
    """Whether the item's full text is not for who reads these feeds: none of those that take it shows it in full."""
    return kind == "articles" and not any(feed.content == "full" and selects(feed, kind, facets) for feed in feeds)


def compare(feed: FeedDefinition, kind: str, before: Facets | None, after: Facets | None) -> Change | None:
    """What it means to the feed that an item's facets went from ``before`` to ``after``; None: there was no item."""
    was = before is not None and selects(feed, kind, before)
    now = after is not None and selects(feed, kind, after)
    return _change(was, now)


def judge(feed: FeedDefinition, event: Event) -> Change | None:
    """What the event means to the feed, None if nothing."""
    return judge_many((feed,), event).get(feed.name)


def judge_many(feeds: Iterable[FeedDefinition], event: Event) -> dict[str, Change]:
    """What the event means to each feed that it matches, by feed name."""
    if event.type is EventType.INDICATOR_HELD:
        return {}  # every feed shows what it showed
    kind = event.type.items
    before, after = before_and_after(event)
    judged = ((feed.name, compare(feed, kind, before, after)) for feed in feeds)
    return {name: change for name, change in judged if change is not None}


def follow(filter: Filter, feeds: Mapping[str, FeedDefinition], event: Event) -> Match | None:
    """What the event is to a follower of several feeds, None if it is not told.

    The feeds count as one: an item that moves from one of them to another stays. A follower that filters by type sees
    an article that enters as published and one that leaves as withdrawn, so that the type is always one it asked for.
    An observation that is held is told to those alone who ask for that type: to others it would be the present value.
    Feeds that no longer exist match nothing.
    """
    if event.type is EventType.INDICATOR_HELD and event.type not in filter.events:
        return None
    kind = event.type.items
    followed = [feeds[name] for name in filter.feeds if name in feeds]
    before, after = before_and_after(event)
    was = before is not None and any(selects(feed, kind, before) for feed in followed)
    now = after is not None and any(selects(feed, kind, after) for feed in followed)
    change = _change(was, now)
    if change is None:
        return None
    summary = only_summary(followed, kind, (before if change is Change.LEFT else after) or {})
    if not filter.events:
        return Match(event.type, change, summary)
    told = CHANGE_COUNTS_AS.get(change, event.type) if kind == "articles" else event.type
    return Match(told, change, summary) if told in filter.events else None


def visible(filter: Filter, feeds: Mapping[str, FeedDefinition], private: Collection[str]) -> dict[str, FeedDefinition]:
    """Those of a filter's feeds that everyone may follow. ``private`` are names of others, whatever ``feeds`` say."""
    return {
        name: feeds[name]
        for name in filter.feeds
        if name in feeds and name not in private and feeds[name].follower is Role.SUBSCRIBER
    }


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
        # By what the filter is, not by what it says: to take the hash of one costs as much as to follow it. It is kept
        # beside what it takes, so that no other comes to be what it was.
        self._kept: dict[tuple[int, bool], _Taken] = {}

    def follow(self, filter: Filter, event: Event, *, public: bool) -> Match | None:
        """What the event is to those who follow this filter; ``public``: it takes nothing from private feeds."""
        kept = self._kept.get((id(filter), public))
        if kept is None:
            kept = self._kept[id(filter), public] = self._taken(filter, public)
        match = follow(filter, self._for(event, kept.feeds, public), event)
        if match is not None or not kept.removed:
            return match
        for name, feed in kept.removed.items():
            found = follow(filter, self._for(event, {**kept.feeds, name: feed}, public), event)
            if found is not None:
                return replace(found, held=name)
        return None

    def _for(self, event: Event, feeds: Mapping[str, FeedDefinition], public: bool) -> Mapping[str, FeedDefinition]:
        if not (public and self._opened):
            return feeds
        return {name: feed for name, feed in feeds.items() if event.seq >= self._opened.get(name, 0)}

    def _taken(self, filter: Filter, public: bool) -> _Taken:
        there = {name: self._feeds[name] for name in filter.feeds if name in self._feeds}
        away = {name: self._removed[name] for name in filter.feeds if name in self._removed and name not in there}
        feeds, removed = (there, away) if there else (away, {})
        if public:
            feeds, removed = (visible(filter, some, self._private) for some in (feeds, removed))
        return _Taken(filter, feeds, removed)


class _Taken(NamedTuple):
    """The feeds that a filter takes something from: at once, and what it takes of ``removed`` to be held."""

    filter: Filter
    feeds: Mapping[str, FeedDefinition]
    removed: Mapping[str, FeedDefinition]


def before_and_after(event: Event) -> tuple[Facets | None, Facets | None]:
    """The facets of the event's item before and after it; None where there was, or is, no item.

    ``before`` names its source where it was another than the event's.
    """
    before = None if event.type is EventType.ARTICLE_PUBLISHED else event.before
    after: dict[str, object] | None = event.data
    if event.type is EventType.ARTICLE_WITHDRAWN:
        before, after = event.before or event.data, None
    return (
        None if before is None else item_facets(before, before.get("source", event.source)),
        None if after is None else item_facets(after, event.source),
    )


def _change(was: bool, now: bool) -> Change | None:
    if now:
        return Change.STAYED if was else Change.ENTERED
    return Change.LEFT if was else None
