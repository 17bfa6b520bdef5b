"""What a request accepts, and whether the client has the present version already."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import lru_cache

from aiohttp import web

from publisher.publish.codings import IDENTITY, Coding

_TAG = re.compile(r'(?:W/)?"([^"]*)"')
_HTML = ("text/html", "application/xhtml+xml")

_UNNAMED = 0.0001
"""The quality of a document in no coding where ``Accept-Encoding`` does not name it: less than any it can give."""


def preferred_coding(request: web.Request, offered: tuple[Coding, ...]) -> Coding:
    """The coding that the client accepts with the highest quality, of equals the first (RFC 9110 section 12.5.3).

    A client that refuses everything offered, ``identity`` too, is sent the document as it is rather than a 406: most
    likely it can read that.
    """
    header = ", ".join(request.headers.getall("Accept-Encoding", ()))
    return _preferred_coding(header, offered) if header else IDENTITY


def prefers_html(request: web.Request) -> bool:
    """Whether the request prefers HTML to JSON, as a browser's does; that of a program that accepts anything does
    not.
    """
    accept = request.headers.get("Accept", "")
    html = _quality(accept, _HTML)
    return html > 0 and html >= _quality(accept, ("application/json", "application/problem+json"))


def preferred(request: web.Request, offered: Mapping[str, tuple[str, ...]]) -> str | None:
    """The offer, each with its media types, that the request names as better than HTML: the best, of equals the first.

    None where HTML is as good, as for all browsers and for programs that accept anything.
    """
    accept = request.headers.get("Accept", "")
    if "/" not in accept:
        return None
    qualities = {name: _quality(accept, media_types) for name, media_types in offered.items()}
    best = max(qualities, key=qualities.__getitem__)
    return best if qualities[best] > _quality(accept, _HTML) else None


def matching_tag(request: web.Request, tag: str, *others: str) -> str | None:
    """The first entity tag of ``If-None-Match`` that is one of these, without quotes; None if it names none of them.

    The comparison is weak (RFC 9110 section 13.1.2); ``*`` matches, and stands for ``tag``.
    """
    header = ", ".join(request.headers.getall("If-None-Match", []))
    if header.strip() == "*":
        return tag
    return next((one for one in _TAG.findall(header) if one == tag or one in others), None)


def unmodified(request: web.Request, changed_at: datetime | None) -> bool:
    """Whether ``If-Modified-Since`` says that the client has the present version; ``If-None-Match`` takes
    precedence.
    """
    if changed_at is None or "If-None-Match" in request.headers:
        return False
    since = request.if_modified_since
    return since is not None and since >= _next_second(changed_at)


def last_modified(changed_at: datetime | None, now: datetime) -> dict[str, str]:
    """The ``Last-Modified`` header; none within the second of the change.

    It has whole seconds, and two versions must not share one: clients built on libcurl drop a new version that has the
    old one's date, yet keep its ETag. So the date is rounded up, and left out while it would be later than the
    response's own date, which is not allowed (RFC 9110 section 8.8.2.1).
    """
    if changed_at is None or not is_dated(changed_at, now):
        return {}
    return {"Last-Modified": format_datetime(_next_second(changed_at).astimezone(UTC), usegmt=True)}


def is_dated(changed_at: datetime | None, now: datetime) -> bool:
    """Whether a response sent now has a ``Last-Modified``."""
    return changed_at is not None and _next_second(changed_at) <= now


def _next_second(moment: datetime) -> datetime:
    whole = moment.replace(microsecond=0)
    return whole if whole == moment else whole + timedelta(seconds=1)


@lru_cache(maxsize=256)
def _preferred_coding(header: str, offered: tuple[Coding, ...]) -> Coding:
    qualities = [_quality(header, one.names, "*", _UNNAMED if one is IDENTITY else 0.0) for one in offered]
    best = max(qualities)
    return offered[qualities.index(best)] if best > 0 else IDENTITY


@lru_cache(maxsize=128)
def _quality(header: str, names: tuple[str, ...], wildcard: str | None = None, unnamed: float = 0.0) -> float:
    """The highest q-value that the header gives to one of the names, else to the wildcard, else ``unnamed``."""
    given: dict[str, float] = {}
    for part in header.split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        given[name] = next((_number(one[2:]) for one in parameters if one.startswith("q=")), 1.0)
    named = [given[name] for name in names if name in given]
    return max(named) if named else given.get(wildcard, unnamed) if wildcard else unnamed


def _number(text: str) -> float:
    """A q-value, from 0 to 1; 0 for what is none."""
    try:
        return min(1.0, max(0.0, float(text)))  # in this order, NaN is 0
    except ValueError:
        return 0.0
