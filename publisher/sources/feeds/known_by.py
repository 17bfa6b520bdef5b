"""What each entry of a feed is known by: its guid, or its link where it has none."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from publisher.content import absolute
from publisher.sources.feeds.entry import Entry
from publisher.sources.urls import addresses, canonical, identifying, with_fragment

Mode = Literal["entry", "url", "id"]

_URI = re.compile(r"[a-z][a-z0-9+.-]{1,30}:\S+", re.IGNORECASE)
"""A guid that no other feed gives to something else: ``tag:``, ``urn:``, or an address."""


@dataclass(frozen=True, slots=True)
class KnownBy:
    """See :class:`~publisher.model.observed.ObservedArticle`, whose fields these are."""

    identity: str
    key: str | None = None
    keys: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()


def known_by(entries: Sequence[Entry], feed: str, mode: Mode) -> list[KnownBy | None]:
    """For each entry of a document what it is known by; None for one that has neither link nor id.

    ``entry``: its guid. Its id is made of its link all the same, as that is what two feeds of one site have in common,
    unless the link is the site's own or that of several entries. ``url`` and ``id``: one of the two, whatever the
    other says.
    """
    if mode != "entry":
        return [_by_one(entry, mode) for entry in entries]
    keys = [_key(entry) for entry in entries]
    links = [identifying(entry.link) if entry.link else None for entry in entries]
    linked = Counter(link for _, link in {(key, link) for key, link in zip(keys, links, strict=True)})
    meant = Counter(key for key, _ in {(key, link) for key, link in zip(keys, links, strict=True)})
    return [
        _by_guid(entry, link, None if meant[key] > 1 else key, feed, is_shared=entry.is_home or (linked[link] > 1))
        for entry, key, link in zip(entries, keys, links, strict=True)
    ]


def _by_one(entry: Entry, mode: Mode) -> KnownBy | None:
    link = canonical(entry.link) if entry.link else None
    identity = (link or entry.id) if mode == "url" else (entry.id or link)
    return KnownBy(identity, entry.id) if identity else None


def _by_guid(entry: Entry, link: str | None, key: str | None, feed: str, *, is_shared: bool) -> KnownBy | None:
    """``key`` is None where the feed gives it to entries with different links."""
    places = addresses(entry.link) if entry.link else ()
    if key is None:
        identity = link or entry.id
        return KnownBy(identity, addresses=places) if identity else None
    own = key if _URI.fullmatch(key) else f"{canonical(feed)} {key}"
    keys = tuple(dict.fromkeys((own, key, *([entry.id] if entry.id else []))))
    return KnownBy(own if link is None or is_shared else link, entry.id, keys, places)


def _key(entry: Entry) -> str | None:
    """The guid, one that is an address without what tracks; where there is none, the place in a page that is linked."""
    if entry.id:
        address = absolute(entry.id, None)
        return with_fragment(address) if address else entry.id
    if entry.link and "#" in entry.link and (place := with_fragment(entry.link)) != identifying(entry.link):
        return place
    return None
