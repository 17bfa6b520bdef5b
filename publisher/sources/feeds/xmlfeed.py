"""The entries of RSS (0.9 to 2.0), RDF and Atom (0.3 and 1.0)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from publisher.content import absolute, one_line
from publisher.errors import FetchError
from publisher.sources.documents.limits import MAX_CATEGORIES, MAX_ENTRIES
from publisher.sources.feeds import media, people, texts
from publisher.sources.feeds.document import NO_FEED, tree_of
from publisher.sources.feeds.elements import (
    attribute,
    base_of,
    children,
    forget,
    language_of,
    name_of,
    text_in,
    text_of_first,
    unescaped,
)
from publisher.sources.feeds.entry import Content, Entry, lines
from publisher.sources.urls import with_scheme

if TYPE_CHECKING:
    from lxml import etree

_ENTRIES = frozenset(("item", "entry", "atom:entry", "atom:item"))
_ROOTS = frozenset(("rss", "rdf:rdf", "rdf", "feed", "atom:feed", "channel", "atom:rss", *_ENTRIES))

_PUBLISHED = (
    "atom:published",
    "published",
    "pubdate",
    "dcterms:issued",
    "atom:issued",
    "prism:publicationdate",
    "dc:date",
    "dcterms:created",
    "atom:created",
    "dcterms:date",
    "atom:pubdate",
    "date",
)
_UPDATED = ("atom:updated", "updated", "dcterms:modified", "atom:modified", "prism:modificationdate", "lastbuilddate")
_FULL = (
    "content:encoded",
    "yandex:full-text",
    "full-text",
    "fulltext",
    "xhtml:body",
    "body",
    "atom:content",
    "content",
)
_SHORT = ("atom:summary", "description", "summary", "dcterms:abstract", "dc:description", "abstract")
_LAST = ("itunes:summary", "googleplay:description", "itunes:subtitle")

_INTERNAL = re.compile(r"https?://schemas\.google\.com/")
"""Schemes of categories that say what kind of record an entry is (Blogger, YouTube), not what it is about."""


@dataclass(frozen=True, slots=True)
class Channel:
    """What a feed says of itself, as far as it holds for its entries."""

    url: str
    title: str | None
    link: str | None
    base: str
    language: str | None
    authors: list[str]


def entries(body: bytes, content_type: str | None, url: str) -> tuple[list[Entry], list[str]]:
    """The entries of a feed and warnings about the whole. Raises FetchError for what is not a feed, or has too many."""
    root, warnings, is_cut = tree_of(body, content_type, url)
    kind = name_of(root)
    if kind.startswith("sitemap:") or kind in ("urlset", "sitemapindex"):
        raise FetchError(f'{NO_FEED} but a sitemap; a source of kind "index" reads it')
    if kind not in _ROOTS:
        raise FetchError(NO_FEED)
    elements = list(_entries(root))
    if len(elements) > MAX_ENTRIES:
        raise FetchError(f"has {len(elements):,} entries, the limit is {MAX_ENTRIES:,}")
    channel = _channel(root, url)
    found = [_entry(element, channel) for element in elements]
    forget()
    if is_cut and found:
        found[-1].cut = True
    return found, warnings


def _entries(root: etree._Element) -> Iterator[etree._Element]:
    around = [root]
    while around:
        element = around.pop()
        if name_of(element) in _ENTRIES:
            yield element
            continue
        around += [child for child in reversed(element) if name_of(child)]


def _channel(root: etree._Element, url: str) -> Channel:
    top = root if name_of(root) in ("channel", "atom:feed", "feed") else next(children(root, "channel"), root)
    title = next(children(top, "title", "atom:title"), None)
    is_atom = name_of(top) == "atom:feed"
    base = base_of(top, url)
    link = _alternate(top, base) or absolute(text_of_first(top, "link"), base)
    return Channel(
        url=url,
        title=one_line(text_in(title)) if title is not None else None,
        link=link,
        # RSS says nothing of relative links; a feed that has some means its site.
        base=base if is_atom or link is None or base != url else link,
        language=language_of(top) or text_of_first(top, "language", "dc:language"),
        # RFC 4287, section 4.2.1: whose entries name nobody. Whoever edits an RSS channel has written none of it.
        authors=people.inherited(top) if is_atom else [],
    )


def _entry(element: etree._Element, channel: Channel) -> Entry:
    entry = Entry(base=base_of(element, channel.base))
    if name_of(element) in ("atom:entry", "entry"):
        entry.base = base_of(element, channel.url)
    _identify(element, entry, channel)
    heading = next(filter(None, (_content(one, entry, "title") for one in children(element, *_TITLES))), None)
    entry.title = texts.title(heading, entry)
    _write(element, entry)
    entry.agency = _agency(element, entry, channel)
    entry.title = texts.without_source(entry.title, entry.agency)
    people.credit(element, entry, channel.title)
    if not (entry.authors or entry.editor):
        people.inherit(_inherited(element, entry, channel), entry, channel.title)
    entry.section = text_of_first(element, "prism:section")
    entry.topics = _topics(element, entry)
    entry.language = text_of_first(element, "dc:language", "language") or language_of(element) or channel.language
    entry.published = [text for name in _PUBLISHED for one in children(element, name) if (text := text_in(one))]
    entry.updated = [text for name in _UPDATED for one in children(element, name) if (text := text_in(one))]
    media.media(element, entry.base or channel.url, entry)
    return entry


_TITLES = ("title", "atom:title", "dc:title", "dcterms:title")


def _identify(element: etree._Element, entry: Entry, channel: Channel) -> None:
    """The guid and the link; a guid that is said to be a permalink, or says nothing, stands for a missing link."""
    guid = next(children(element, "guid", "atom:id", "id"), None)
    entry.id = one_line(text_in(guid)) if guid is not None else None
    entry.id = entry.id or attribute(element, "about") or text_of_first(element, "dc:identifier")
    written = text_of_first(element, "feedburner:origlink", "link")
    meant = with_scheme(unescaped(written or ""), entry.base)
    entry.link = absolute(meant, entry.base) or _alternate(element, entry.base or channel.url)
    if meant.startswith("//") and not (written or "").startswith("//"):
        entry.note("url", "has no scheme; that of the feed is taken", written)
    stated = attribute(guid, "isPermaLink") if guid is not None else None
    if entry.link is None and name_of(element) == "item" and (stated or "true").lower() != "false":
        entry.link = absolute(entry.id, None)
    if written and entry.link is None:
        entry.note("url", "is no address that can be kept; left out", written)
    if entry.link is not None:
        homes = {_bare(one) for one in (channel.link, channel.url) if one}
        entry.is_home = _bare(entry.link) in homes


def _bare(url: str) -> str:
    return url.partition("#")[0].partition("://")[2].rstrip("/").lower()


def _alternate(element: etree._Element, base: str) -> str | None:
    """The page that an Atom link of the relation ``alternate`` leads to, one of HTML where there are several."""
    found: list[tuple[bool, str]] = []
    for one in children(element, "atom:link", "link"):
        address = absolute(unescaped(attribute(one, "href") or ""), base_of(one, base))
        # RFC 4287, section 4.2.7.2: a relation may also be written as an address that ends in its name.
        if address and (attribute(one, "rel") or "alternate").lower().rpartition("/")[2] == "alternate":
            found.append(("html" not in (attribute(one, "type") or "text/html").lower(), address))
    return min(found, key=lambda one: one[0])[1] if found else None


def _content(element: etree._Element, entry: Entry, name: str) -> Content | None:
    return texts.content_of(element, entry.base or "", entry, name)


def _write(element: etree._Element, entry: Entry) -> None:
    """The texts, the fullest first, and the summary, where it is not the text itself."""
    full = _texts(element, _FULL, entry)
    short = _texts(element, _SHORT, entry)
    last = _texts(element, _LAST, entry)
    entry.contents = [*sorted(full, key=lambda one: -len(one.value)), *short, *last]
    if not entry.contents:
        _describe(element, entry)
    entry.summary = texts.summary([*short, *last] if full else [*short[1:], *last])


def _texts(element: etree._Element, wanted: Iterable[str], entry: Entry) -> list[Content]:
    return [found for one in children(element, *wanted) if (found := _content(one, entry, "body"))]


def _describe(element: etree._Element, entry: Entry) -> None:
    """The description of the recording, for an entry that is a recording without a text."""
    groups = [*children(element, "media:group"), element]
    within = [one for group in groups for one in children(group, "media:content")]
    if any(media.says_picture(one) for one in within):
        return
    for place in (*groups, *within):
        for one in children(place, "media:description"):
            if found := _content(one, entry, "body"):
                entry.contents = [found]
                entry.origins["body"] = "guessed"
                entry.note("body", "has no text of its own; what is said of its recording is taken")
                return


def _inherited(element: etree._Element, entry: Entry, channel: Channel) -> list[str]:
    """RFC 4287, section 4.2.1: those of the feed that an entry was taken from, else those of this one."""
    for source in children(element, "atom:source"):
        if found := people.texts_of(source, "atom:author", entry):
            return found
    return list(channel.authors)


def _agency(element: etree._Element, entry: Entry, channel: Channel) -> str | None:
    """Where the entry was taken from: the name in ``source``, unless that is this feed, or another of its site."""
    own = {_host(one) for one in (channel.url, channel.link, entry.link) if one}
    for one in children(element, "source", "atom:source", "dc:source"):
        name = text_of_first(one, "atom:title", "title") or (text_in(one) if not len(one) else None)
        place = absolute(attribute(one, "url"), None)
        if not name or absolute(name, None) or (place and _host(place) in own):
            continue
        if one_line(name) not in (channel.title, entry.title):
            return one_line(name)
    return None


def _host(url: str) -> str:
    return (urlsplit(url).hostname or "").removeprefix("www.")


def _topics(element: etree._Element, entry: Entry) -> list[str]:
    found: list[str | None] = []
    for one in children(element, "category", "atom:category", "dc:subject", "dcterms:subject", "media:category"):
        if not _INTERNAL.match(attribute(one, "scheme") or attribute(one, "domain") or ""):
            found.append(attribute(one, "label") or text_in(one) or attribute(one, "term"))
    for one in children(element, "media:keywords", "itunes:keywords", "keywords"):
        found += re.split(r"[,;]", text_in(one))
    if len(found) > MAX_CATEGORIES:
        entry.note("topics", f"{len(found):,} of them; the first {MAX_CATEGORIES:,} are looked at")
    return lines(found[:MAX_CATEGORIES], entry, "topics")
