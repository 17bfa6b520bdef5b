"""What a caller may see: without an editor's key, only what some public feed selects."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from publisher import selection
from publisher.clock import rfc3339
from publisher.content import summarised
from publisher.model import Change, Event, EventType, FeedDefinition, Match, Role
from publisher.model.facets import item_facets
from publisher.model.provenance import Provenance, doubts_json
from publisher.storage.configuration import feeds as feed_states
from publisher.storage.engine.database import Tx
from publisher.storage.items import articles
from publisher.storage.items.articles import Narrowing, StoredArticle
from publisher.web.access.auth import Caller

MOST_CONDITIONS = 10
"""Feeds with several conditions that one query may name: each takes the database 20 ms where little is in sight."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What one caller sees. Make it with :func:`sight_of`.

    ``everything``: every article and indicator. ``operations``: also what sources and webhooks do.
    """

    feeds: Mapping[str, FeedDefinition]
    everything: bool = False
    operations: bool = False

    def shows(self, kind: str, data: Mapping[str, Any], source: str) -> bool:
        """Whether the caller sees an item of ``kind`` (``articles``, ``indicators``) as it is now."""
        if self.everything:
            return True
        facets = item_facets(data, source)
        return bool(selection.FeedIndex.of(self.feeds.values()).taking(kind, facets))

    def narrowings(self) -> list[Narrowing] | None:
        """The conditions for a database query: a visible article meets all of one of these. None where no query is
        needed.

        A condition that would make the query too large is left out, so each result must still be checked with
        :meth:`shows`.
        """
        if self.everything:
            return None
        wanted = [dict(selection.wants(feed.select)) for feed in self.feeds.values() if feed.items == "articles"]
        if not all(wanted):
            return None  # one takes every article
        several = {tuple(sorted(one.items())) for one in wanted if len(one) > 1}
        together = [dict(one) for one in sorted(several, key=repr)] if len(several) <= MOST_CONDITIONS else []
        single: dict[str, set[str]] = {}
        for one in wanted if len(several) > MOST_CONDITIONS else [one for one in wanted if len(one) == 1]:
            facet = min(one, key=selection.RAREST_FIRST.index)
            single.setdefault(facet, set()).update(one[facet])
        return [*({facet: values} for facet, values in sorted(single.items())), *together]

    def kinds(self) -> set[str]:
        """The kinds of items whose events the caller may see."""
        kinds = {"articles", "indicators"} if self.everything else {str(feed.items) for feed in self.feeds.values()}
        return kinds | {"operations"} if self.operations else kinds - {"operations"}

    def seen(self, article: StoredArticle) -> StoredArticle:
        """An article in sight as it is seen: the same one, or without its full text where only summaries are shown."""
        if self.everything:
            return article
        facets = item_facets(article.data, article.source)
        taking = selection.FeedIndex.of(self.feeds.values()).taking("articles", facets)
        if any(feed.content == "full" for feed in taking.values()):
            return article
        return replace(article, data=summarised(article.data))

    def beside(self, provenance: Provenance) -> dict[str, Any]:
        """What is shown beside a visible article: where its values came from, and, to a caller who sees everything, its
        warnings.

        A warning quotes from a document that not everyone may see.
        """
        shown: dict[str, Any] = {"provenance": dict(provenance.origins)}
        return shown | {"warnings": doubts_json(provenance)} if self.everything else shown

    def tag(self, version: str, article: StoredArticle, seen: StoredArticle, provenance: Provenance) -> str:
        """The entity tag of an article in sight as it is seen: whatever its bytes depend on is in it."""
        edition = f"{version}-{provenance.edition}" if provenance.edition else version
        if self.everything:
            return edition
        return f"{edition}-summary" if seen is not article else f"{edition}-public"

    def event(self, event: Event, left: Collection[str] = ()) -> dict[str, Any] | None:
        """The event as the caller sees it, in the form that webhooks carry; None if the caller may not see it.

        An event that took an item out of sight shows the item as it was last seen. Nothing is left of an erased item:
        its withdrawal is shown where a visible feed is among ``left``, the feeds that it left. Only a caller who sees
        everything is told its source.
        """
        match = self._parted(event, left) if event.erased else self._match(event)
        if match is None:
            return None
        item = event.type.items != "operations"
        data = event.before if match.change is Change.LEFT and event.before is not None else event.data
        if match.summary:
            data = summarised(data)
        return {
            "seq": event.seq,
            "id": event.id,
            "type": event.type.value,
            "timestamp": rfc3339(event.timestamp),
            "source": event.source if self.everything else None,
            "change": match.change.value,
            "changed": event.changed,
            # A source in it says whose item it was, and is no part of the item.
            "data": {key: value for key, value in data.items() if key != "source"} if item else data,
        }

    def _parted(self, event: Event, left: Collection[str]) -> Match | None:
        known = self.everything or not self.feeds.keys().isdisjoint(left)
        return Match(event.type, Change.LEFT) if known and event.type is EventType.ARTICLE_WITHDRAWN else None

    def _match(self, event: Event) -> Match | None:
        if event.type.items == "operations":
            return Match(event.type, Change.ENTERED) if self.operations else None
        if not self.everything:
            sides = selection.FeedIndex.of(self.feeds.values()).sides(event)
            return selection.told((), self.feeds.keys(), event, sides)
        before, after = selection.before_and_after(event)
        return Match(event.type, Change.LEFT if after is None else Change.ENTERED if before is None else Change.STAYED)


def sight_of(caller: Caller, feeds: Mapping[str, FeedDefinition]) -> Sight:
    """What this caller sees, given all feeds."""
    return Sight(
        {name: feed for name, feed in feeds.items() if feed.public},
        everything=caller.may(Role.EDITOR),
        operations=caller.may(Role.OPERATOR),
    )


def in_sight(tx: Tx, sight: Sight, id: str) -> StoredArticle | None:
    """An article as far as it is in sight, withdrawn or not; an erased one where it left a feed in sight."""
    stored = articles.get(tx, id)
    if stored is None or sight.everything:
        return stored
    if stored.data.get("erased"):
        return stored if not sight.feeds.keys().isdisjoint(feed_states.left(tx, [id])[id]) else None
    return stored if sight.shows("articles", stored.data, stored.source) else None


def may_read(caller: Caller, feed: FeedDefinition) -> bool:
    """Whether this caller may read the feed's documents."""
    if feed.public:
        return True
    return caller.may(Role.OPERATOR if feed.items == "operations" else Role.EDITOR)
