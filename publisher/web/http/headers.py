"""Headers that many responses share."""

from __future__ import annotations

from collections.abc import Mapping

# Revalidated each time, since a pushed change shows at once; what a key may see, others may not.
READ = {"Cache-Control": "no-cache", "Vary": "Authorization"}

STALE_SECONDS = 3600
"""Seconds for which public content is shown as it last was while storage fails: here, and by caches that honour it."""

PUBLIC = f"max-age=0, stale-if-error={STALE_SECONDS}"
"""``Cache-Control`` of public content: revalidated each time, and shown as it was only where the response is an error
(RFC 5861 section 4). ``no-cache`` would forbid that (RFC 9111 section 4.2.4)."""

OPEN = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "ETag, Last-Modified, Link, Location",
}
"""For public content, which any page on the web may read."""

PREFLIGHT = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, HEAD",
    "Access-Control-Allow-Headers": "Accept, Authorization, If-Modified-Since, If-None-Match",
    "Access-Control-Max-Age": "86400",
}

OPEN_PATHS = (
    "/feeds/",
    "/api/v1/articles",
    "/api/v1/indicators",
    "/api/v1/event",  # events and event-types
    "/api/openapi.json",
    "/api/v1/openapi.json",
)


def is_open(path: str, method: str) -> bool:
    """Whether pages of other sites may read this."""
    return method in ("GET", "HEAD") and path.startswith(OPEN_PATHS)


def finished(path: str, method: str, headers: Mapping[str, str]) -> dict[str, str]:
    """These headers, and those that every response to such a request has unless it says otherwise."""
    shared = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
    return {**shared, **(OPEN if is_open(path, method) else {}), **headers}
