"""The ids that items have in feeds: ``tag:`` URIs (RFC 4151), the same in every format.

They are made of what an editor never changes, so that a new headline or URL is an edit and no new item. The date is
part of the name only: a day on which whoever runs the site holds its host name.

Ids of one installation begin alike. ``ids`` is that beginning: ``tag:example.id,2026:``, and, for one that does not
have the host to itself, its port and path, with a colon behind them that nothing of an item holds.
"""

from __future__ import annotations

import hashlib
import re
from urllib.parse import urlsplit

from publisher.model.uri import uri

_SINCE = "2026"
_PLAIN_SYMBOL = re.compile(r"[A-Z0-9]+(?:/[A-Z0-9]+)*")
_USUAL_PORTS = {80, 443}


def beginning(site_url: str) -> str:
    """How the ids of an installation that is new at this address begin: ``tag:example.id,2026:``, or
    ``tag:example.id,2026:8443/berita:`` where port or path are not the usual ones.
    """
    parts = urlsplit(uri(site_url))
    # RFC 4151 knows names and IPv4 addresses: of letters, digits, dots and hyphens.
    authority = re.sub("[^a-z0-9.-]", "-", host_of(site_url))
    port = str(parts.port) if parts.port and parts.port not in _USUAL_PORTS else ""
    path = parts.path.rstrip("/")
    return f"tag:{authority},{_SINCE}:{port}{path}{':' if port or path else ''}"


def host_of(site_url: str) -> str:
    """The host of an address, as DNS has it."""
    return urlsplit(uri(site_url)).hostname or "localhost"


def first_beginning(site_url: str) -> str:
    """How ids began in the installations of the first releases, whatever their port and path."""
    host = urlsplit(site_url).hostname or "localhost"
    return f"tag:{host.encode('idna').decode() if not host.isascii() else host},{_SINCE}:"


def article_id(ids: str, id: str) -> str:
    """``tag:example.id,2026:a3f…``."""
    return f"{ids}{id}"


def indicator_id(ids: str, symbol: str, period: str) -> str:
    """``tag:example.id,2026:indicator/usd-idr/2026-11-22``: one item per indicator and trading day."""
    return f"{ids}indicator/{symbol_slug(symbol)}/{period}"


def event_id(ids: str, id: str) -> str:
    """``tag:example.id,2026:event/evt_…``."""
    return f"{ids}event/{id}"


def feed_id(ids: str, name: str) -> str:
    """``tag:example.id,2026:feed/news``: the feed itself, whatever its format."""
    return f"{ids}feed/{name}"


def symbol_slug(symbol: str) -> str:
    """``USD/IDR`` → ``usd-idr``; a symbol of another form gets a digest behind it, so that no two share a slug."""
    slug = re.sub(r"[^a-z0-9]+", "-", symbol.casefold()).strip("-")
    if _PLAIN_SYMBOL.fullmatch(symbol):
        return slug
    return f"{slug}-{hashlib.sha256(symbol.encode()).hexdigest()[:8]}".lstrip("-")
