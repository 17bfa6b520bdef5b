"""The rule for one feed: whether it takes an item, and what a change of the item means to it.

The change says what happened in that feed::

    before  after
    no      yes    entered
    yes     yes    stayed
    yes     no     left
    no      no     (no match)
"""

from __future__ import annotations

from functools import lru_cache

from publisher.model import Change, Event, EventType, FeedDefinition, Selection
from publisher.model.facets import Facets, item_facets, wanted_values
from publisher.model.narrowing import Narrowing

Wants = tuple[tuple[str, frozenset[str]], ...]
"""Selection keys, each with its values as facets hold them; an item must meet every key."""


def selects(feed: FeedDefinition, kind: str, facets: Facets) -> bool:
    """Whether the feed takes an item of ``kind`` (``articles``, ``indicators``, ``operations``) with these facets."""
    return feed.items == kind and meets(wants(feed.select), facets)


def narrowed_to(narrowing: Narrowing, facets: Facets) -> bool:
    """Whether an item with these facets is one of those that the narrowing leaves of a feed."""
    return meets(narrowing.wants, facets)


def meets(wanted: Wants, facets: Facets) -> bool:
    """Whether an item with these facets has a value of each key."""
    return all(not values.isdisjoint(facets.get(key, ())) for key, values in wanted)


@lru_cache(maxsize=4096)
def wants(select: Selection) -> Wants:
    """The selection's keys that are set."""
    return tuple((key, wanted_values(key, values)) for key, values in select if values)


def judge(feed: FeedDefinition, event: Event) -> Change | None:
    """What the event means to the feed, None if nothing; for many feeds, ask :class:`FeedIndex`."""
    if event.type is EventType.INDICATOR_HELD:
        return None  # every feed shows what it showed
    kind = event.type.items
    before, after = before_and_after(event)
    was = before is not None and selects(feed, kind, before)
    now = after is not None and selects(feed, kind, after)
    return change_of(was, now)


def change_of(was: bool, now: bool) -> Change | None:
    """What it means that an item was there before, and is after."""
    if now:
        return Change.STAYED if was else Change.ENTERED
    return Change.LEFT if was else None


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
