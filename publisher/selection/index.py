"""Feeds found by the values that items have, so that an item costs by the feeds that take it and not by all there are.

An item must meet each key of a feed, so the feed is filed under one of them: that whose values the fewest feeds share.
An item looks up the values it has; the feeds that it finds there have that key met, and only the others are compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Set
from functools import lru_cache
from typing import NamedTuple

from publisher.model import Change, Event, EventType, FeedDefinition
from publisher.model.facets import Facets
from publisher.selection.matching import Wants, before_and_after, meets, wants

KEPT = 8
"""Indexes that are kept: the definitions in force in few forms (all, the public ones, with those removed lately)."""

RAREST_FIRST = ("authors", "editors", "topics", "sections", "agencies", "symbols", "sources", "languages")
"""Keys of selections, beginning with those whose values the fewest items share."""


class Sides(NamedTuple):
    """The feeds that take an event's item as it was before and as it is after, by name."""

    before: Mapping[str, FeedDefinition]
    after: Mapping[str, FeedDefinition]

    @property
    def touched(self) -> Set[str]:
        """The names of all that the event matches."""
        return self.before.keys() | self.after.keys()


class FeedIndex:
    """Feeds of different names, by what they select. It never changes; :meth:`of` makes one for each set of feeds."""

    def __init__(self, feeds: Iterable[FeedDefinition]) -> None:
        by_kind: dict[str, list[FeedDefinition]] = {}
        for feed in feeds:
            by_kind.setdefault(feed.items, []).append(feed)
        self._kinds = {kind: _filed(own) for kind, own in by_kind.items()}

    @classmethod
    def of(cls, feeds: Collection[FeedDefinition]) -> FeedIndex:
        """The index of these feeds, made once for the same ones: whoever asks by the same definitions shares it."""
        return _index(_Same(feeds))

    def taking(self, kind: str, facets: Facets) -> dict[str, FeedDefinition]:
        """The feeds that take an item of ``kind`` with these facets, by name."""
        filed = self._kinds.get(kind)
        if filed is None:
            return {}
        found = dict(filed.every)
        for key, by_value in filed.by_key:
            for value in facets.get(key, ()):
                for name, feed, others in by_value.get(value, ()):
                    if name not in found and meets(others, facets):
                        found[name] = feed
        return found

    def sides(self, event: Event) -> Sides:
        """The feeds that take the event's item before and after it; what is held back counts as its item too."""
        kind = event.type.items
        before, after = before_and_after(event)
        return Sides(
            {} if before is None else self.taking(kind, before),
            {} if after is None else self.taking(kind, after),
        )

    def judge(self, event: Event) -> dict[str, Change]:
        """What the event means to each feed that it matches, by feed name."""
        if event.type is EventType.INDICATOR_HELD:
            return {}  # every feed shows what it showed
        before, after = self.sides(event)
        judged = {name: Change.STAYED if name in before else Change.ENTERED for name in after}
        return judged | {name: Change.LEFT for name in before if name not in after}


class _Entry(NamedTuple):
    """A feed as it lies under a value of one of its keys: the item must meet the ``others`` too."""

    name: str
    feed: FeedDefinition
    others: Wants


class _Filed(NamedTuple):
    """The feeds of one kind: those that take ``every`` item, and the others by a key and its value."""

    every: Mapping[str, FeedDefinition]
    by_key: tuple[tuple[str, Mapping[str, tuple[_Entry, ...]]], ...]


def _filed(feeds: Collection[FeedDefinition]) -> _Filed:
    shared = Counter((key, value) for feed in feeds for key, values in wants(feed.select) for value in values)
    every: dict[str, FeedDefinition] = {}
    entries: dict[str, dict[str, list[_Entry]]] = {}
    for feed in feeds:
        wanted = wants(feed.select)
        if not wanted:
            every[feed.name] = feed
            continue
        key, values = min(wanted, key=lambda one: _commonness(one[0], one[1], shared))
        entry = _Entry(feed.name, feed, tuple(one for one in wanted if one[0] != key))
        for value in values:
            entries.setdefault(key, {}).setdefault(value, []).append(entry)
    by_key = {key: {value: tuple(own) for value, own in lists.items()} for key, lists in entries.items()}
    return _Filed(every, tuple(by_key.items()))


def _commonness(key: str, values: Collection[str], shared: Counter[tuple[str, str]]) -> tuple[int, int]:
    return max(shared[key, value] for value in values), RAREST_FIRST.index(key)


class _Same:
    """Feeds as the key of a cache: equal where they are the same objects, since to compare what feeds say costs as much
    as to ask them. They are frozen, and held here, so that no other comes to have the identity of one.
    """

    __slots__ = ("_ids", "feeds")

    def __init__(self, feeds: Collection[FeedDefinition]) -> None:
        self.feeds = tuple(feeds)
        self._ids = tuple(map(id, self.feeds))

    def __hash__(self) -> int:
        return hash(self._ids)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self._ids == other._ids


@lru_cache(maxsize=KEPT)
def _index(same: _Same) -> FeedIndex:
    return FeedIndex(same.feeds)
