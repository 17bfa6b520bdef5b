"""Where the documents of feeds are found: the one place that makes their addresses."""

from __future__ import annotations

from typing import NamedTuple

from publisher.model.narrowing import EMPTY, Narrowing


class Address(NamedTuple):
    """One document: a feed in a format, narrowed or whole. It is also what documents are kept by."""

    feed: str
    format: str
    narrowing: Narrowing = EMPTY

    @property
    def path(self) -> str:
        """``/feeds/news.rss``, below the site's URL."""
        query = f"?{self.narrowing.text}" if self.narrowing else ""
        return f"{page_path(self.feed)}.{self.format}{query}"

    def url(self, site_url: str) -> str:
        """``https://example.id/feeds/news.rss``; whether ``site_url`` ends in a slash does not matter."""
        return f"{site_url.rstrip('/')}{self.path}"


def page_path(feed: str) -> str:
    """``/feeds/news``: the page of a feed, below the site's URL."""
    return f"/feeds/{feed}"
