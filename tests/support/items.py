"""Items, decisions about them and events, with everything that a test does not care about filled in."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from publisher.model import Article, Event, EventType, Indicator, article_json
from publisher.model.change import ArticleChange, IndicatorChange, Outcome

MORNING = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)

_numbers = itertools.count(1)


def an_article(id: str = "a1", **fields: Any) -> Article:
    """An article; ``fields`` replace what it is made of."""
    return Article(**{"id": id, "title": f"Title of {id}", "body": f"<p>Body of {id}</p>", **fields})


def article_change(
    article: Article | str = "a1",
    outcome: Outcome = Outcome.NEW,
    *,
    source: str = "desk",
    revision: int = 1,
    fingerprint: str = "f1",
    event: EventType | None = None,
    recent: Sequence[tuple[str, datetime]] = (),
    held_until: datetime | None = None,
) -> ArticleChange:
    """A decision about an article, as ``changes`` would make it."""
    if isinstance(article, str):
        article = an_article(article)
    return ArticleChange(
        outcome=outcome,
        source=source,
        identity=f"https://news.example/{article.id}",
        article=article,
        fingerprint=fingerprint,
        revision=revision,
        event=event,
        recent=tuple(recent),
        held_until=held_until,
    )


def an_indicator(symbol: str = "USD/IDR", value: str = "15635", **fields: Any) -> Indicator:
    """An observation of an indicator."""
    return Indicator(**{"symbol": symbol, "name": symbol, "value": Decimal(value), "observed_at": MORNING, **fields})


def indicator_change(
    indicator: Indicator, period: str, outcome: Outcome = Outcome.NEW, *, revision: int = 1, source: str = "ticker"
) -> IndicatorChange:
    """A decision about an observation, as ``changes`` would make it."""
    return IndicatorChange(outcome, source, indicator, period, fingerprint="f1", revision=revision)


def an_event(type: EventType = EventType.ARTICLE_PUBLISHED, subject: str = "a1", **fields: Any) -> Event:
    """An event, with an id that no other has."""
    data = article_json(an_article(subject))
    made = {"id": f"evt_{next(_numbers)}", "type": type, "timestamp": MORNING, "source": "desk", "subject": subject}
    return Event(**{**made, "data": data, **fields})
