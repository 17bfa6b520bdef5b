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

from collections.abc import Iterable, Mapping
from functools import lru_cache

from publisher.model import CHANGE_COUNTS_AS, Change, Event, EventType, FeedDefinition, Filter, Match, Selection
from publisher.model.facets import Facets, fold, item_facets


def selects(feed: FeedDefinition, kind: str, facets: Facets) -> bool:
    """Whether the feed takes an item of ``kind`` (``articles``, ``indicators``, ``operations``) with these facets."""
    return feed.items == kind and all(not wanted.isdisjoint(facets.get(key, ())) for key, wanted in wants(feed.select))


@lru_cache(maxsize=4096)
def wants(select: Selection) -> tuple[tuple[str, frozenset[str]], ...]:
    """The selection's keys that are set, each with its folded values; an item must meet every key."""
    return tuple((key, frozenset(map(fold, values))) for key, values in select if values)


def only_summary(feeds: Iterable[FeedDefinition], kind: str, facets: Facets) -> bool:
    """Whether the item's full text is not for who reads these feeds: none of those that take it shows it in full."""
    return kind == "articles" and not any(feed.content == "full" and selects(feed, kind, facets) for feed in feeds)


def compare(feed: FeedDefinition, kind: str, before: Facets | None, after: Facets | None) -> Change | None:
    """What it means to the feed that an item's facets went from ``before`` to ``after``; null: there was no item."""
    was = before is not None and selects(feed, kind, before)
    now = after is not None and selects(feed, kind, after)
    return _change(was, now)


def judge(feed: FeedDefinition, event: Event) -> Change | None:
    """What the event means to the feed, null if nothing."""
    return judge_many((feed,), event).get(feed.name)


def judge_many(feeds: Iterable[FeedDefinition], event: Event) -> dict[str, Change]:
    """What the event means to each feed that it matches, by feed name."""
    kind = event.type.items
    before, after = before_and_after(event)
    judged = ((feed.name, compare(feed, kind, before, after)) for feed in feeds)
    return {name: change for name, change in judged if change is not None}


def follow(filter: Filter, feeds: Mapping[str, FeedDefinition], event: Event) -> Match | None:
    """What the event is to a follower of several feeds, null if it is not told.

    The feeds count as one: an item that moves from one of them to another stays. A follower that filters by type sees
    an article that enters as published and one that leaves as withdrawn, so that the type is always one it asked for.
    Feeds that no longer exist match nothing.
    """
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


def before_and_after(event: Event) -> tuple[Facets | None, Facets | None]:
    """The facets of the event's item before and after it; null where there was, or is, no item.

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
