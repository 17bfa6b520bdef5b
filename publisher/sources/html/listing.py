"""The links of an index: a page that lists articles, or a sitemap (sitemaps.org, also of news and gzipped)."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from publisher.content import absolute
from publisher.errors import ReadError
from publisher.sources.documents import dom
from publisher.sources.documents.charset import decode
from publisher.sources.urls import canonical

if TYPE_CHECKING:
    from lxml import etree

LIST_LIMIT = 10_000_000
"""Bytes of one list as it comes, which holds some 50,000 links, the most that sitemaps.org allows in one."""

UNPACKED_LIMIT = 50_000_000
"""Bytes of an unpacked sitemap; the limit of sitemaps.org."""

_OLDEST = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Link:
    """An address in its canonical form. ``stamp`` is when a sitemap says that the page changed, as it is written."""

    url: str
    stamp: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """What an index lists, newest first where it says so. ``further`` are the sitemaps that a sitemap index names."""

    links: tuple[Link, ...]
    further: tuple[Link, ...] = ()


def is_sitemap(body: bytes) -> bool:
    """Whether it is XML of sitemaps.org, or gzipped, which only sitemaps are."""
    head = body[:2048].removeprefix(b"\xef\xbb\xbf").lstrip()
    return body[:2] == b"\x1f\x8b" or re.search(rb"<(?:\w+:)?(?:urlset|sitemapindex)[\s>]", head) is not None


def read_sitemap(body: bytes, url: str) -> Listing:
    """The links of a sitemap or sitemap index, those that changed last first. Raises ReadError."""
    from lxml import etree

    if body[:2] == b"\x1f\x8b":
        body = _unpacked(body)
    if b"<!ENTITY" in body.replace(b"\0", b""):
        raise ReadError("defines XML entities, which no sitemap needs: refused")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        raise ReadError(f"is no well-formed sitemap: {error}") from error
    kind = etree.QName(root).localname
    if kind not in ("urlset", "sitemapindex"):
        raise ReadError(f"is no sitemap: its root is <{kind}>")
    found = [link for entry in root.iterchildren(tag=etree.Element) if (link := _entry(entry, url))]
    found.sort(key=lambda link: _moment(link.stamp), reverse=True)
    links = tuple({link.url: link for link in reversed(found)}.values())[::-1]
    return Listing(links) if kind == "urlset" else Listing((), links)


def read_list(body: bytes, url: str, selectors: tuple[str, ...], content_type: str | None = None) -> Listing:
    """The links of a page, in their order, that the first of the selectors finds that finds any.

    A selector may find the links themselves or what they stand in. Raises ReadError for what is no page.
    """
    tree = dom.parse(decode(body, content_type).text)
    node = tree.css_first("base[href]")
    base = (absolute(node.attributes.get("href"), url) if node is not None else None) or url
    for selector in selectors:
        found: dict[str, Link] = {}
        for place in tree.css(selector):
            for anchor in (place,) if place.tag == "a" else place.css("a[href]"):
                address = absolute(anchor.attributes.get("href"), base)
                if address:
                    found.setdefault(canonical(address), Link(canonical(address)))
        if found:
            return Listing(tuple(found.values()))
    return Listing(())


def _unpacked(body: bytes) -> bytes:
    machine = zlib.decompressobj(wbits=31)
    try:
        unpacked = machine.decompress(body, UNPACKED_LIMIT)
    except zlib.error as error:
        raise ReadError(f"cannot be unpacked: {error}") from error
    if machine.unconsumed_tail:
        raise ReadError(f"is larger than {UNPACKED_LIMIT:,} bytes once unpacked")
    return unpacked


def _entry(entry: etree._Element, url: str) -> Link | None:
    from lxml import etree

    texts: dict[str, str] = {}
    for child in entry.iter(tag=etree.Element):  # its own loc stands before those of its images
        texts.setdefault(etree.QName(child).localname, (child.text or "").strip())
    address = absolute(texts.get("loc"), url)
    return Link(canonical(address), texts.get("lastmod") or texts.get("publication_date") or "") if address else None


def _moment(stamp: str) -> datetime:
    """A W3C date or time, for ordering; what is not one comes last."""
    try:
        found = datetime.fromisoformat(stamp)
    except ValueError:
        return _OLDEST
    return found if found.tzinfo else found.replace(tzinfo=UTC)
