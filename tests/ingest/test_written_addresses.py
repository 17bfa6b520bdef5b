"""An article keeps its id where its address was once kept as it was written."""

from __future__ import annotations

import pytest
from support.items import an_article, article_change

from publisher.content import absolute
from publisher.ingest import Definitions
from publisher.ingest.absences import settle
from publisher.ingest.recorder import Recorder
from publisher.model import identity_id
from publisher.model.change import Outcome
from publisher.model.observed import Batch, ObservedArticle
from publisher.sources.urls import addresses, canonical, identifying
from publisher.storage.engine.database import Database, Tx
from publisher.storage.items import articles
from publisher.storage.items.record import record

DEFINITIONS = Definitions(
    feeds=dict, sources=lambda: frozenset({"desk", "wire"}), indicators=dict, timezone=lambda: "UTC"
)
WRITTEN = "https://bücher.example/straße/[1]?ü=ö"


def observed(link: str) -> ObservedArticle:
    url = absolute(link, None)
    assert url is not None
    identity = canonical(url)
    return ObservedArticle(an_article(identity_id(identity), url=url), identity, "feed")


def read(tx: Tx, source: str, *found: ObservedArticle) -> list[tuple[str, Outcome]]:
    changes = Recorder(DEFINITIONS, source).apply(tx, Batch(articles=found))
    return [(change.article.id, change.outcome) for change in changes]  # type: ignore[union-attr]


async def stored(db: Database, *addresses: str, source: str = "desk") -> None:
    made = [article_change(an_article(identity_id(one)), source=source) for one in addresses]
    await db.write(record, articles=made)


@pytest.mark.parametrize(
    "written", [WRITTEN, "https://пример.рф/да", "https://example.id/harga-kopi-“naik”", "https://example.id/a|b"]
)
async def test_what_was_met_at_an_address_as_it_was_written_is_the_same_article(db: Database, written: str) -> None:
    await stored(db, written)
    one = observed(written)
    assert one.article.id != identity_id(written)
    [(id, outcome)] = await db.write(read, "desk", one)
    assert id == identity_id(written)
    assert outcome is not Outcome.NEW
    assert list(await db.read(articles.known, [identity_id(written), one.article.id])) == [id]


async def test_one_that_was_known_by_its_uri_stays_that(db: Database) -> None:
    uri = "https://example.id/%D0%B4%D0%B0"
    await stored(db, uri, "https://example.id/да")
    assert [id for id, _ in await db.write(read, "desk", observed(uri))] == [identity_id(uri)]


async def test_that_of_another_source_is_not_taken_over(db: Database) -> None:
    await stored(db, WRITTEN, source="wire")
    one = observed(WRITTEN)
    assert await db.write(read, "desk", one) == [(one.article.id, Outcome.NEW)]


async def test_one_that_is_listed_under_its_uri_is_not_missed(db: Database) -> None:
    await stored(db, WRITTEN)
    one = observed(WRITTEN)
    batch = Batch(articles=(one,), listed=frozenset({one.article.id}), gone_after=1)
    found = await db.write(lambda tx: settle(tx, Recorder(DEFINITIONS, "desk"), "desk", batch, {}))
    assert not found.withdrawn


async def test_one_that_is_listed_without_the_tracking_that_it_was_known_with_is_not_missed(db: Database) -> None:
    address = "https://example.id/kopi?ref=rss"
    assert identifying(address) != canonical(address)
    await stored(db, canonical(address))
    identity = identifying(address)
    one = ObservedArticle(
        an_article(identity_id(identity), url=address), identity, "list", addresses=addresses(address)
    )
    batch = Batch(articles=(one,), listed=frozenset({one.article.id}), gone_after=1)
    found = await db.write(lambda tx: settle(tx, Recorder(DEFINITIONS, "desk"), "desk", batch, {}))
    assert not found.withdrawn
