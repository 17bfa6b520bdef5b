"""Addresses by which articles are known: canonical, and free of what only tracks or lets in."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit, urlunsplit

from publisher.model.tracking import ONCE_TRACKING, without_session, without_tracking
from publisher.model.uri import iri

_PORTS = {"http": 80, "https": 443}

# Fragments that tell where a reader came from, or what to show first; browsers take ":~:" for a search.
_NO_PLACE = re.compile(r"(?:utm_|xtor|at_|ref=|rss|:~:|comments?$|respond$).*", re.IGNORECASE)


def canonical(url: str) -> str:
    """The form in which a URL is requested: host in lower case, no default port, sure tracking or fragment.

    Ids of articles are made of it (see :func:`identifying`), so what it leaves out never changes.
    """
    parts = urlsplit(url)
    named = ((part.partition("=")[0], part) for part in parts.query.split("&") if part)
    query = "&".join(part for name, part in named if not ONCE_TRACKING.fullmatch(name))
    return urlunsplit((parts.scheme, _host(parts), parts.path or "/", query, ""))


def identifying(url: str) -> str:
    """The form in which a URL identifies an article: as :func:`canonical`, without tokens, sessions and all tracking.

    They differ from one reading to the next. What was known by its canonical form stays so
    (:attr:`~publisher.model.observed.ObservedArticle.addresses`).
    """
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, _host(parts), without_session(parts.path) or "/", _query(parts), ""))


def with_fragment(url: str) -> str:
    """That form with its fragment, where that is a place in the page."""
    fragment = urlsplit(url).fragment
    return identifying(url) + (f"#{fragment}" if fragment and not _NO_PLACE.fullmatch(fragment) else "")


def addresses(url: str) -> tuple[str, ...]:
    """The forms by which an article at that address is known now, or was by an earlier version.

    That kept addresses as they were written, with characters that no URI may hold.
    """
    return tuple(dict.fromkeys((identifying(url), canonical(url), iri(canonical(url)))))


def siblings(url: str) -> list[str]:
    """The addresses at which a site has the same page before or after it moved: to https, off ``www.``, or a slash."""
    parts = urlsplit(url)
    host, path = parts.netloc, parts.path.rstrip("/")
    schemes = ("http", "https") if parts.scheme in _PORTS and ":" not in host else (parts.scheme,)
    hosts = dict.fromkeys((host, host.removeprefix("www."), host if host.startswith("www.") else f"www.{host}"))
    paths = (path, f"{path}/") if path else ("/",)
    forms = (parts._replace(scheme=scheme, netloc=one, path=at) for scheme in schemes for one in hosts for at in paths)
    return [form for one in forms if (form := urlunsplit(one)) != url]


def with_scheme(link: str, base: str | None) -> str:
    """A link that begins with a host, its site's own or one in ``www.``, as whoever wrote it meant it.

    Read as RFC 3986 has it, ``www.kanal.example/1`` is a file in a folder of the site. The scheme is that of ``base``.
    """
    host = link.lstrip().partition("/")[0].lower()
    own = (urlsplit(base).hostname or "").removeprefix("www.") if base else ""
    is_host = bool(base) and "." in host and (host.startswith("www.") or host == own)
    return f"//{link.lstrip()}" if is_host else link


def _host(parts: SplitResult) -> str:
    host = (parts.hostname or "").lower()
    if ":" in host:
        host = f"[{host}]"
    return host + (f":{parts.port}" if parts.port and parts.port != _PORTS.get(parts.scheme) else "")


def _query(parts: SplitResult) -> str:
    written = [part for part in parts.query.split("&") if part]
    pairs = [(name, value) for name, _, value in (part.partition("=") for part in written)]
    kept = iter(without_tracking(parts.path, pairs))
    wanted, found = next(kept, None), []
    for part, pair in zip(written, pairs, strict=True):  # as they were written: "a" is not "a="
        if pair == wanted:
            found.append(part)
            wanted = next(kept, None)
    return "&".join(found)
