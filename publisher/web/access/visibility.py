"""What a caller may see: without an editor's key, only what some public feed selects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from publisher import selection
from publisher.content import summarised
from publisher.model import FeedDefinition, Role
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
    """What one caller sees. Make it with :func:`sight_of`. ``everything``: every article and indicator."""

    feeds: Mapping[str, FeedDefinition]
    everything: bool = False

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


def sight_of(caller: Caller, feeds: Mapping[str, FeedDefinition]) -> Sight:
    """What this caller sees, given all feeds."""
    return Sight(
        {name: feed for name, feed in feeds.items() if feed.public},
        everything=caller.may(Role.EDITOR),
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
