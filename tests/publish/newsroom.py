"""A small newsroom over a real database: what is taken in is compared, recorded and published as it is for real."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from publisher import changes, clock
from publisher.model import Article, Event, EventType, FeedDefinition, Indicator, article_json, indicator_json
from publisher.model.change import ArticleChange, FeedTouch, IndicatorChange
from publisher.model.observed import ObservedArticle
from publisher.publish import Publications, SiteInfo, appearance
from publisher.selection import FeedIndex
from publisher.storage.configuration import feeds
from publisher.storage.engine.database import Database, Tx
from publisher.storage.items import articles, indicators, record

SITE = SiteInfo("Berita Contoh", "https://berita.example.id", "id", "Asia/Jakarta")

_numbers = itertools.count(1)


class Newsroom:
    """Takes items in for some feeds, and publishes them."""

    def __init__(self, db: Database, data: Path, *definitions: FeedDefinition) -> None:
        self.db = db
        self.data = data
        self.feeds = {feed.name: feed for feed in definitions}
        self.site = SITE
        self.publications = self.publish_anew()

    def publish_anew(self, site: SiteInfo = SITE) -> Publications:
        """The publications as a restarted process would have them."""
        self.site = site
        self.publications = Publications(self.db, self.feeds, site, self.data)
        return self.publications

    async def open(self) -> Newsroom:
        """Make the feeds known to storage."""
        await self.db.write(feeds.sync, {name: appearance(feed, self.site) for name, feed in self.feeds.items()})
        return self

    async def take(self, *ids: str, source: str = "desk", **fields: Any) -> None:
        """Take articles in, each with these fields."""
        await self.db.write(self._take, ids, source, fields)

    async def withdraw(self, id: str) -> None:
        """Take an article back."""
        await self.db.write(self._withdraw, id)

    async def observe(self, symbol: str, value: str, at: str, **fields: Any) -> None:
        """Take an observation of an indicator in."""
        await self.db.write(self._observe, symbol, value, at, fields)

    async def note(self, type: EventType, subject: str) -> None:
        """Put an operations event into the log."""
        await self.db.write(
            lambda tx: self._record(tx, events=[_event(tx, type, subject, subject, {"source": subject})])
        )

    def _take(self, tx: Tx, ids: tuple[str, ...], source: str, fields: dict[str, Any]) -> None:
        known = articles.known(tx, ids)
        now = clock.from_micros(tx.now)
        decided = [
            changes.article(
                known.get(id),
                ObservedArticle(
                    Article(**({"id": id, "title": f"Judul {id}", "body": "<p>Isi.</p>"} | fields)), id, id
                ),
                source=source,
                now=now,
                settle=False,
                rebaseline=False,
            )
            for id in ids
        ]
        self._record(tx, articles=[one for one in decided if one.event])

    def _withdraw(self, tx: Tx, id: str) -> None:
        known = articles.known(tx, [id])[id]
        self._record(tx, articles=[changes.withdrawal(known, source="api", now=clock.from_micros(tx.now))])

    def _observe(self, tx: Tx, symbol: str, value: str, at: str, fields: dict[str, Any]) -> None:
        observed = Indicator(**({"symbol": symbol, "name": symbol, "value": value, "observed_at": at} | fields))
        known = indicators.known(tx, [symbol]).get(symbol)
        change = changes.indicator(
            known, observed, source="ticker", timezone="Asia/Jakarta", now=observed.observed_at, rebaseline=False
        )
        self._record(tx, indicators=[change] if change.event else [])

    def _record(
        self,
        tx: Tx,
        articles: list[ArticleChange] | None = None,
        indicators: list[IndicatorChange] | None = None,
        events: list[Event] | None = None,
    ) -> None:
        events = events or []
        for change in articles or ():
            assert change.event
            data = article_json(change.article)
            events.append(_event(tx, change.event, change.article.id, change.source, data, change.before))
        for observed in indicators or ():
            assert observed.event
            data = indicator_json(observed.indicator)
            events.append(_event(tx, observed.event, observed.indicator.symbol, observed.source, data, observed.before))
        touches = [
            FeedTouch(name, change, event.subject if event.type.items == "articles" else None)
            for event in events
            for name, change in FeedIndex.of(self.feeds.values()).judge(event).items()
        ]
        record.record(tx, articles=articles or [], indicators=indicators or [], events=events, touches=touches)


Open = Callable[..., Awaitable[Newsroom]]
"""Opens a newsroom with these feeds: the fixture ``newsroom``."""


def _event(
    tx: Tx, type: EventType, subject: str, source: str, data: dict[str, Any], before: dict[str, Any] | None = None
) -> Event:
    return Event(
        id=f"evt_{next(_numbers)}",
        type=type,
        timestamp=clock.from_micros(tx.now),
        source=source,
        subject=subject,
        data=data,
        before=before,
    )
