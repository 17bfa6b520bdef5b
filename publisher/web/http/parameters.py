"""Query parameters: each API route declares those that it takes, and any other is refused.

Pages and feeds take none: tracking parameters are ignored, since other sites add them to every link.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from aiohttp import web

from publisher.model.tracking import TRACKING
from publisher.web.http.response import Fault, Problem, invalid, nearest

Handler = TypeVar("Handler", bound=Callable[[web.Request], Awaitable[web.StreamResponse]])

MOST_FAULTS = 10
SHOWN = 40
"""The most characters of a parameter's name that an error message quotes."""


@dataclass(frozen=True, slots=True)
class Taken:
    """The parameters of a route: those that stand once, and those that may be repeated."""

    once: frozenset[str] = frozenset()
    many: frozenset[str] = frozenset()


_NOTHING = Taken()
_TAKEN: dict[Any, Taken] = {}
_READERS: set[Any] = set()


def takes(*once: str, many: Iterable[str] = ()) -> Callable[[Handler], Handler]:
    """Declare the parameters of an API handler; without it, a handler takes none. Goes below the route decorator."""

    def declare(handler: Handler) -> Handler:
        _TAKEN[handler] = Taken(frozenset(once), frozenset(many))
        return handler

    return declare


def for_readers(handler: Handler) -> Handler:
    """Declare that a handler serves people and feed readers. Goes below the route decorator."""
    _READERS.add(handler)
    return handler


def check(request: web.Request) -> None:
    """Refuse a parameter that the route does not take: 422 in the API, 400 for a page or feed."""
    found = request.match_info
    if not request.rel_url.raw_query_string or found.http_exception is not None:
        return
    if found.handler in _READERS:
        _check_reader(request)
    elif request.path.startswith("/api/"):
        faults = list(_faults(request, _TAKEN.get(found.handler, _NOTHING)))
        if faults:
            raise invalid(*faults)


def _check_reader(request: web.Request) -> None:
    unknown = next((name for name in request.query if not TRACKING.fullmatch(name)), None)
    if unknown is not None:
        raise Problem(400, f"this address takes no query parameters, and {unknown[:SHOWN]!r} is one; leave it out")


def _faults(request: web.Request, taken: Taken) -> Iterator[Fault]:
    names = dict.fromkeys(request.query)
    # Each unknown name is compared with every known one, and a request line has room for thousands.
    unknown = [name for name in names if name not in taken.once | taken.many]
    for name in unknown[:MOST_FAULTS]:
        known = taken.once | taken.many
        hint = nearest(name[:SHOWN], known) if known else "this address takes none"
        yield Fault(name[:SHOWN], f"is no query parameter here; {hint}")
    for name in names:
        values = request.query.getall(name)
        if name in taken.once and len(values) > 1:
            yield Fault(name, f"may be given once, not {len(values)} times")
        elif name in taken.many and not all(value.strip() for value in values):
            yield Fault(name, "must not be empty")
