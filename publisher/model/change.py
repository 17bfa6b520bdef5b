"""What a reading means: the decision that ``changes`` makes and ``storage`` carries out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from publisher.model.article import Article
from publisher.model.event import Change, EventType
from publisher.model.indicator import Indicator
from publisher.model.provenance import NOTHING_KNOWN, Provenance


class Outcome(StrEnum):
    """``rebaselined``: stored again without an event, since our way of reading changed and not the article.

    ``held``: it waits: an article until it stands still, an observation for a second reading that agrees.

    ``embargoed``: its published time has not come; it waits, and is in no feed, page or delivery until then.
    """

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    HELD = "held"
    WITHDRAWN = "withdrawn"
    REBASELINED = "rebaselined"
    EMBARGOED = "embargoed"


@dataclass(frozen=True, slots=True)
class ArticleChange:
    """One article's decision. ``before`` is None where there was nothing (or a withdrawn article) before.

    ``waiting`` is an article under embargo that takes the place of whatever waited under this id; None: nothing does.
    ``provenance`` is that of the article as it is published from here on, ``later`` that of one that waits: under
    embargo, or until it stands still.
    """

    outcome: Outcome
    source: str
    identity: str
    article: Article
    fingerprint: str
    revision: int
    before: dict[str, Any] | None = None
    event: EventType | None = None
    changed: tuple[str, ...] = ()
    recent: tuple[tuple[str, datetime], ...] = ()
    held_until: datetime | None = None
    waiting: Article | None = None
    provenance: Provenance = NOTHING_KNOWN
    later: Provenance | None = None


@dataclass(frozen=True, slots=True)
class IndicatorChange:
    """One observation's decision. ``before`` is the observation it replaces or follows, None for the first.

    One that is ``held`` is kept beside what is published. ``settled`` are the sources whose held observations of the
    symbol wait no longer. ``displaced``: periods after this one, which had not come when an earlier version stored
    them, make way. ``doubt`` is what is to be told of it, in words.
    """

    outcome: Outcome
    source: str
    indicator: Indicator
    period: str
    fingerprint: str
    revision: int
    before: dict[str, Any] | None = None
    event: EventType | None = None
    changed: tuple[str, ...] = ()
    settled: frozenset[str] = frozenset()
    displaced: str | None = None
    doubt: str | None = None


@dataclass(frozen=True, slots=True)
class FeedTouch:
    """A feed that must show something else after this transaction. ``article`` is set where it is an article's."""

    feed: str
    change: Change
    article: str | None = None
