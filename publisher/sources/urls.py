"""Addresses by which articles are known: canonical, and free of what only tracks."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from publisher.model.tracking import SURELY_TRACKING

_PORTS = {"http": 80, "https": 443}


def canonical(url: str) -> str:
    """The form in which a URL identifies an article: host in lower case, no default port, tracking or fragment."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    if ":" in host:
        host = f"[{host}]"
    port = f":{parts.port}" if parts.port and parts.port != _PORTS.get(parts.scheme) else ""
    named = ((part.partition("=")[0], part) for part in parts.query.split("&") if part)
    query = "&".join(part for name, part in named if not SURELY_TRACKING.fullmatch(name))
    return urlunsplit((parts.scheme, host + port, parts.path or "/", query, ""))
