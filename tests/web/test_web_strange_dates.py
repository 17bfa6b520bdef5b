"""A date that no item may have any more breaks no page and no feed that shows it from before."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from webroom import Newsroom

from publisher.ingest import Definitions, Recorder
from publisher.locale import format_date, format_datetime
from publisher.model import Article, Indicator
from publisher.model.base import STORED
from publisher.model.observed import Batch, ObservedArticle
from publisher.render.market import date_and_time
from publisher.web.pages.localised import Localised

MOMENTS = ("0001-01-01T00:00:00Z", "1899-12-31T23:59:59Z", "2101-01-01T00:00:00Z", "9999-12-31T23:59:59Z")
FEEDS = ("/feeds/news.rss", "/feeds/news.atom", "/feeds/news.json", "/feeds/market.rss", "/feeds/market.atom")
PAGES = ("/", "/articles/old", "/indicators/EMAS", *FEEDS)


def of_before(moment: str) -> Batch:
    """An article and an observation as an earlier version took them."""
    fields = {"id": "old", "title": "Judul", "body": "<p>Isi.</p>", "topics": ["kopi"], "updated": moment}
    if moment < "2026":  # what is to come was published at its time, and never
        fields["published"] = moment
    values = {"symbol": "EMAS", "name": "Emas", "value": "1", "as_of": moment, "observed_at": "2026-01-01T00:00:00Z"}
    article = Article.model_validate(fields, context=STORED)
    return Batch((ObservedArticle(article, "old", "old"),), (Indicator.model_validate(values, context=STORED),))


@pytest.mark.parametrize("moment", MOMENTS)
async def test_pages_and_feeds_show_what_an_earlier_version_stored(newsroom: Newsroom, moment: str) -> None:
    definitions = Definitions(
        feeds=lambda: newsroom.catalog.feeds,
        sources=frozenset,
        indicators=lambda: newsroom.catalog.indicators,
        timezone=lambda: "Asia/Jakarta",
    )
    await newsroom.db.write(Recorder(definitions, "api").apply, of_before(moment))
    answers = {path: (await newsroom.client.get(path)).status for path in PAGES}
    assert {path for path, status in answers.items() if status >= 500} == set()
    assert answers["/"] == answers["/articles/old"] == answers["/feeds/news.rss"] == 200
    # It can be changed and taken back as any other.
    await newsroom.push("old", title="Judul baru")
    assert (await newsroom.client.delete("/api/v1/articles/old", headers=newsroom.as_("editor"))).status == 200


@pytest.mark.parametrize("timezone", ["Asia/Jakarta", "America/New_York", "Pacific/Kiritimati"])
@pytest.mark.parametrize("moment", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
def test_the_first_and_the_last_moment_can_be_written_in_every_time_zone(moment: datetime, timezone: str) -> None:
    assert format_date(moment, "id", timezone)
    assert format_datetime(moment, "id", timezone)
    assert date_and_time(moment, "id", timezone)
    formats = Localised("id", timezone)
    assert formats.moment(moment).text
    assert formats.day(moment).text
    assert formats.brief(moment, datetime(2026, 1, 1, tzinfo=UTC)).text


@pytest.mark.parametrize("moment", [*MOMENTS, "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"])
async def test_such_a_date_is_refused_where_it_is_pushed(newsroom: Newsroom, moment: str) -> None:
    article = {"title": "Judul", "body": "<p>Isi.</p>", "published": moment}
    answer = await newsroom.client.put("/api/v1/articles/a1", json=article, headers=newsroom.as_("editor"))
    assert answer.status == 422
    (error,) = (await answer.json())["errors"]
    assert (error["path"], "outside the years 1900 to 2100" in error["message"]) == ("published", True)
