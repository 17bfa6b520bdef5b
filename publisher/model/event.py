"""An event: something changed. It holds the item as it was then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from publisher.model.base import Frozen


class EventType(StrEnum):
    """Every type an event can have."""

    ARTICLE_PUBLISHED = "article.published"
    ARTICLE_UPDATED = "article.updated"
    ARTICLE_WITHDRAWN = "article.withdrawn"
    INDICATOR_UPDATED = "indicator.updated"
    INDICATOR_CORRECTED = "indicator.corrected"
    INDICATOR_HELD = "indicator.held"
    INDICATOR_ALERT = "indicator.alert"
    INDICATOR_CLOSED = "indicator.closed"
    SOURCE_FAILING = "source.failing"
    SOURCE_RECOVERED = "source.recovered"
    WEBHOOK_DISABLED = "webhook.disabled"
    WEBHOOK_ACCESS = "webhook.access"
    WEBHOOK_FAILING = "webhook.failing"

    @property
    def items(self) -> str:
        """The kind of feed that can carry it: ``articles``, ``indicators`` or ``operations``."""
        prefix = self.value.partition(".")[0]
        return {"article": "articles", "indicator": "indicators"}.get(prefix, "operations")


class Change(StrEnum):
    """What an event meant to one feed: the item came into it, was in it before and after, or went out of it."""

    ENTERED = "entered"
    STAYED = "stayed"
    LEFT = "left"


CHANGE_COUNTS_AS = {
    Change.ENTERED: EventType.ARTICLE_PUBLISHED,
    Change.LEFT: EventType.ARTICLE_WITHDRAWN,
}
"""For a follower of a feed of articles that filters by type: what entering and leaving count as."""


@dataclass(frozen=True, slots=True)
class Match:
    """What an event is to one follower: the type it is told, and the change in what it follows.

    ``summary``: every feed that shows it the item shows summaries alone, so it is not told the item's full text.
    ``held``: the removed feed that alone shows it.
    """

    type: EventType
    change: Change
    summary: bool = False
    held: str | None = None


class Event(Frozen):
    """One entry of the log.

    ``data`` is the item after the change (for a withdrawal: as it last was), ``before`` the item before it, None where
    it is new. ``changed`` names the fields that differ. A ``quiet`` event is in the log and in no delivery (a first
    load).
    """

    seq: int = 0
    id: str
    type: EventType
    timestamp: datetime
    source: str
    subject: str
    data: dict[str, Any]
    before: dict[str, Any] | None = None
    changed: tuple[str, ...] = ()
    quiet: bool = False

    @property
    def erased(self) -> bool:
        """Whether its item's text was removed for good: ``data`` then holds the id and ``erased`` alone."""
        return self.data.get("erased") is True
