"""Addresses: absolute, canonical, and free of what only tracks."""

from __future__ import annotations

import re
from urllib.parse import urljoin, urlsplit, urlunsplit

from publisher.model.tracking import SURELY_TRACKING

_PORTS = {"http": 80, "https": 443}
MAX_URL = 2048


def absolute(link: str | None, base: str | None) -> str | None:
    """The http or https URL that a link means on a page at ``base``; null where it means none."""
    if not link or len(link) > MAX_URL:
        return None
    # Browsers drop tabs and line breaks in URLs (WHATWG URL, "remove all ASCII tab or newline").
    text = re.sub(r"[\t\r\n]", "", link).strip()
    try:
        joined = urljoin(base, text) if base else text
        parts = urlsplit(joined)
        valid = parts.scheme in _PORTS and bool(parts.hostname) and "\\" not in parts.netloc and parts.port != 0
    except ValueError:
        return None
    if not valid or re.search(r"\s", parts.netloc) or parts.username is not None:
        return None
    return urlunsplit(parts).replace(" ", "%20")


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
