"""What may be followed, by webhooks and by whoever reads the log: names of feeds and types, and the rights for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from aiohttp import web

from publisher.model import EventType, FeedDefinition, Filter
from publisher.web.access.auth import Caller
from publisher.web.access.visibility import may_read
from publisher.web.http.request import many
from publisher.web.http.response import Fault, Problem, invalid, nearest

MOST_NAMES = 100
"""Feeds, or types of events, that one webhook or one request may name."""


def asked(request: web.Request, caller: Caller, feeds: Mapping[str, FeedDefinition]) -> Filter:
    """What the parameters ``feed`` and ``type`` ask for, each name once; without ``feed`` its feeds are empty.

    422 names all that are not known, which a feed that the caller may not read is too; 403 for one that it may read
    and not follow. Public feeds take no key.
    """
    names, types = many(request, "feed"), many(request, "type")
    followable = {name for name in names if name in feeds and _may_follow(caller, feeds[name])}
    known = followable | {name for name in names if name in feeds and may_read(caller, feeds[name])}
    faults = [
        Fault(name, f"may be given {MOST_NAMES} times, not {len(values)}")
        for name, values in (("feed", names), ("type", types))
        if len(values) > MOST_NAMES
    ]
    if not faults:
        offered = (name for name, one in feeds.items() if _may_follow(caller, one))
        faults += [Fault("feed", said) for _, said in unknown(names, offered, known)]
        faults += [Fault("type", said) for _, said in unknown(types, EventType, EventType)]
    if faults:
        raise invalid(*faults)
    refuse([name for name in names if name not in followable])
    return Filter(feeds=tuple(dict.fromkeys(names)), events=tuple(map(EventType, dict.fromkeys(types))))


def unknown(names: Sequence[str], offered: Iterable[str], known: Iterable[str]) -> list[tuple[int, str]]:
    """The places of names that are not known, each with what to tell of it; ``offered`` are those to name instead."""
    known = set(known)
    missing = [(place, name) for place, name in enumerate(names) if name not in known]
    offered = list(offered) if missing else []
    return [(place, f"{name[:80]!r} is not known; {nearest(name[:80], offered)}") for place, name in missing]


def _may_follow(caller: Caller, feed: FeedDefinition) -> bool:
    return feed.public or caller.may(feed.follower)


def refuse(feeds: Sequence[str]) -> None:
    """403 where there are feeds that only operators may follow among what is to be followed: these."""
    if feeds:
        raise Problem(
            403, f"{', '.join(map(repr, feeds))}: a key with the role 'operator' is needed to follow a private feed"
        )
