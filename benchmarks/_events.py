"""Events as benchmarks append them."""

from __future__ import annotations

from datetime import UTC, datetime

from publisher.model import Event, EventType


def an_article(group: str = "news", number: int = 0) -> Event:
    """An article of about 2 KB."""
    data = {"id": f"a{number}", "title": "Kopi", "body": "<p>Harga kopi naik.</p>" * 80, "topics": [group]}
    return Event(
        id=f"evt_{number:08x}", type=EventType.ARTICLE_PUBLISHED, timestamp=datetime.now(UTC), source="desk",
        subject=f"a{number}", data=data,
    )  # fmt: skip


def an_observation(group: str, number: int) -> Event:
    """One of ten indicators, which moved, told as an article: groups of webhooks are told apart by topics."""
    data = {
        "symbol": f"IDX{number % 10}", "name": "IHSG", "value": f"{7000 + number % 100}.25", "change": "12.50",
        "percent": "0.18", "unit": "poin", "as_of": "2026-11-28T02:00:00Z", "observed_at": "2026-11-28T02:00:01Z",
        "id": f"i{number % 10}", "title": "IHSG", "topics": [group],
    }  # fmt: skip
    return Event(
        id=f"evt_{number:08x}", type=EventType.ARTICLE_UPDATED, timestamp=datetime.now(UTC), source="market",
        subject=f"i{number % 10}", data=data, before={**data, "value": "6990.75"}, changed=("value",),
    )  # fmt: skip
