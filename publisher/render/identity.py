"""The ids that items have in feeds: ``tag:`` URIs (RFC 4151), the same in every format.

They are made of what an editor never changes, so that a new headline or URL is an edit and no new item. The date is
part of the name only: a day on which whoever runs the site holds its host name.
"""

from __future__ import annotations

import hashlib
import re
from urllib.parse import urlsplit

_SINCE = "2026"
_PLAIN_SYMBOL = re.compile(r"[A-Z0-9]+(?:/[A-Z0-9]+)*")


def article_id(site_url: str, id: str) -> str:
    """``tag:example.id,2026:a3f…``."""
    return _tag(site_url, id)


def indicator_id(site_url: str, symbol: str, period: str) -> str:
    """``tag:example.id,2026:indicator/usd-idr/2026-11-22``: one item per indicator and trading day."""
    return _tag(site_url, f"indicator/{symbol_slug(symbol)}/{period}")


def event_id(site_url: str, id: str) -> str:
    """``tag:example.id,2026:event/evt_…``."""
    return _tag(site_url, f"event/{id}")


def feed_id(site_url: str, name: str) -> str:
    """``tag:example.id,2026:feed/news``: the feed itself, whatever its format."""
    return _tag(site_url, f"feed/{name}")


def symbol_slug(symbol: str) -> str:
    """``USD/IDR`` → ``usd-idr``; a symbol of another form gets a digest behind it, so that no two share a slug."""
    slug = re.sub(r"[^a-z0-9]+", "-", symbol.casefold()).strip("-")
    if _PLAIN_SYMBOL.fullmatch(symbol):
        return slug
    return f"{slug}-{hashlib.sha256(symbol.encode()).hexdigest()[:8]}".lstrip("-")


def _tag(site_url: str, specific: str) -> str:
    host = urlsplit(site_url).hostname or "localhost"
    return f"tag:{host.encode('idna').decode() if not host.isascii() else host},{_SINCE}:{specific}"
