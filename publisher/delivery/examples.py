"""An example event of each type, for tests of webhooks: in no log, and plain to see as what it is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from publisher.content import summarised
from publisher.delivery.transports.base import SITE, SingleEvent, Site
from publisher.model import Article, Change, EventType, Indicator, Subscription, article_json
from publisher.model.indicator import indicator_json
from publisher.model.subscription import endpoint_host

TEST_HEADER = "webhook-test"
"""Set, to the type, on what is no real event."""

_CHANGES = {
    EventType.ARTICLE_PUBLISHED: Change.ENTERED,
    EventType.ARTICLE_WITHDRAWN: Change.LEFT,
    EventType.ARTICLE_UPDATED: Change.STAYED,
    EventType.INDICATOR_UPDATED: Change.STAYED,
    EventType.INDICATOR_CORRECTED: Change.STAYED,
}


def example(
    type: EventType, id: str, at: datetime, webhook: Subscription, site: Site = SITE, *, summary: bool = False
) -> SingleEvent:
    """An event of this type as the webhook would be told it by ``site``; ``summary``: the feeds it follows show no full
    text.

    ``seq`` is 0, since it is in no log, and ``id`` is its own.
    """
    data = _data(type, at, webhook)
    change = _CHANGES.get(type, Change.ENTERED)
    return SingleEvent(
        id=id,
        seq=0,
        type=type,
        timestamp=at,
        source="publisher" if type.items == "operations" else None,
        change=change,
        changed=_changed(type) if change is Change.STAYED else (),
        data=summarised(data) if summary and type.items == "articles" else data,
        site=site,
        asked=webhook.options,
    )


def _changed(type: EventType) -> tuple[str, ...]:
    return ("title", "body") if type.items == "articles" else ("value", "change", "percent")


def _data(type: EventType, at: datetime, webhook: Subscription) -> dict[str, Any]:
    match type.items:
        case "articles":
            return article_json(_article(at))
        case "indicators":
            return indicator_json(_indicator(at))
    if type in (EventType.SOURCE_FAILING, EventType.SOURCE_RECOVERED):
        error = {"error": "This is a test: no source fails."} if type is EventType.SOURCE_FAILING else {}
        return {"source": "test", "failures": 3, **error}
    about = {"id": webhook.id, "host": endpoint_host(webhook.url)}
    told: Mapping[EventType, dict[str, Any]] = {
        EventType.WEBHOOK_DISABLED: {"reason": "This is a test: nothing was disabled."},
        EventType.WEBHOOK_FAILING: {"failures": 3, "error": "This is a test: nothing fails."},
        EventType.WEBHOOK_ACCESS: {"state": webhook.state, "reason": "This is a test.", "withheld": []},
    }
    return {**about, **told.get(type, {}), "feeds": list(webhook.filter.feeds)}


def _article(at: datetime) -> Article:
    return Article(
        id="test-article",
        url="https://example.org/test-article",
        title="[Test] An example of an article",
        summary="This is a test: nothing was published.",
        body="<p>This is a test: nothing was published.</p>",
        authors=("A. Writer",),
        section="test",
        topics=("test",),
        language="en",
        published=at,
    )


def _indicator(at: datetime) -> Indicator:
    return Indicator(
        symbol="TEST",
        name="[Test] An example of an indicator",
        value=Decimal("100.00"),
        change=Decimal("1.50"),
        percent=Decimal("1.52"),
        unit="IDR",
        as_of=at,
        observed_at=at,
    )
