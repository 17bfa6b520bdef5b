"""What an index remembers of each page that it follows, between two readings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

from publisher.clock import from_micros, to_micros


@dataclass(slots=True)
class Page:
    """One page. ``link`` is its address as it was listed, which it is known by here.

    ``to`` is where it moved for good, ``at`` (microseconds) when it was requested last, ``id`` its article and
    ``identity`` what that is known by: they stay whatever address the page comes to have. ``stamp`` is the sitemap's.
    ``title`` is a digest of its headline: two that differ under one address are two articles.
    ``misses`` counts the answers in a row that there is no such page; ``gone`` is set when those were enough.
    """

    link: str
    to: str = ""
    at: int = 0
    etag: str = ""
    last_modified: str = ""
    digest: str = ""
    stamp: str = ""
    id: str = ""
    identity: str = ""
    title: str = ""
    listed: bool = True
    misses: int = 0
    gone: bool = False

    @property
    def address(self) -> str:
        """Where it is requested."""
        return self.to or self.link

    @property
    def validators(self) -> dict[str, str]:
        """What a conditional request is made of; none for a page that was gone, which is to be read again in full."""
        return {} if self.gone else {"etag": self.etag, "last_modified": self.last_modified}

    def is_due(self, now: datetime, recheck: float) -> bool:
        """Whether it was last requested at least ``recheck`` seconds ago."""
        return not self.at or (now - from_micros(self.at)).total_seconds() >= recheck

    def requested(self, now: datetime) -> None:
        """Note that it is requested now."""
        self.at = to_micros(now)

    def missed(self, *, for_good: bool, gone_after: int) -> None:
        """Note an answer that there is no such page."""
        self.misses += 1
        self.gone = self.gone or for_good or self.misses >= gone_after

    def found(self) -> None:
        """Note that it is there."""
        self.misses, self.gone = 0, False


_DEFAULTS = {one.name: one.default for one in fields(Page)}


def load(stored: Iterable[Mapping[str, Any]]) -> dict[str, Page]:
    """The pages of a bookmark by link, in their order."""
    return {one["link"]: Page(**one) for one in stored}


def dump(pages: Iterable[Page]) -> list[dict[str, Any]]:
    """The pages as a bookmark keeps them: what is not as it is at first."""
    return [{name: value for name, value in asdict(page).items() if value != _DEFAULTS[name]} for page in pages]
