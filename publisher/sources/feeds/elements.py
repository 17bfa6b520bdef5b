"""What the elements of a feed are called, whatever prefix, spelling or case their writer chose."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urljoin

if TYPE_CHECKING:
    from lxml import etree

XML = "http://www.w3.org/XML/1998/namespace"

_FAMILIES = {
    "http://www.w3.org/2005/atom": "atom",
    "http://purl.org/atom/ns": "atom",
    "http://purl.org/net/atom/ns": "atom",
    "http://example.com/newformat": "atom",
    "http://search.yahoo.com/mrss": "media",
    "http://video.search.yahoo.com/mrss": "media",
    "http://www.rssboard.org/media-rss": "media",
    "http://tools.search.yahoo.com/mrss": "media",
    "http://www.itunes.com/dtds/podcast-1.0.dtd": "itunes",
    "http://www.itunes.com/podcast-1.0.dtd": "itunes",
    "http://www.google.com/schemas/play-podcasts/1.0": "googleplay",
    "http://purl.org/dc/elements/1.1": "dc",
    "http://purl.org/dc/elements/1.0": "dc",
    "http://purl.org/dc/terms": "dcterms",
    "http://purl.org/rss/1.0/modules/content": "content",
    "http://www.w3.org/1999/02/22-rdf-syntax-ns": "rdf",
    "http://prismstandard.org/namespaces/basic/2.0": "prism",
    "http://prismstandard.org/namespaces/1.2/basic": "prism",
    "http://prismstandard.org/namespaces/basic/1.2": "prism",
    "http://rssnamespace.org/feedburner/ext/1.0": "feedburner",
    "http://www.pheedo.com/namespace/pheedo": "feedburner",
    "http://www.w3.org/1999/xhtml": "xhtml",
    "http://news.yandex.ru": "yandex",
    "http://www.sitemaps.org/schemas/sitemap/0.9": "sitemap",
    # What RSS itself has been put into.
    "http://purl.org/rss/1.0": "",
    "http://my.netscape.com/rdf/simple/0.9": "",
    "http://channel.netscape.com/rdf/simple/0.9": "",
    "http://purl.org/net/rss1.1": "",
    "http://backend.userland.com/rss": "",
    "http://backend.userland.com/rss2": "",
    "http://backend.userland.com/rss091": "",
    "http://blogs.law.harvard.edu/tech/rss": "",
    "http://cyber.law.harvard.edu/rss/rss.html": "",
}
_PREFIXES = {
    **{name: name for name in ("media", "itunes", "googleplay", "dc", "dcterms", "content", "rdf", "prism", "atom")},
    **{name: name for name in ("feedburner", "xhtml", "yandex")},
    "a10": "atom",
    "pheedo": "feedburner",
    "dcterm": "dcterms",
}
CANONICAL = {family: uri for uri, family in reversed(_FAMILIES.items()) if family}
"""A namespace for each family, for prefixes that are not declared."""


def name_of(element: etree._Element) -> str:
    """What an element is: ``title`` of RSS, ``atom:title``, ``media:content``; the name in lower case.

    An unknown namespace is identified by its prefix: half of the wrong ones are misspelt.
    """
    tag = element.tag
    return _named(tag, element.prefix if tag[0] == "{" else None) if isinstance(tag, str) else ""


@lru_cache(maxsize=1_000)
def _named(tag: str, prefix: str | None) -> str:
    if tag[0] != "{":
        return tag.lower()
    uri, _, local = tag[1:].partition("}")
    family = family_of(uri, prefix)
    return f"{family}:{local.lower()}" if family else local.lower()


def family_of(uri: str, prefix: str | None) -> str:
    """The family of a namespace; empty for RSS's own."""
    known = _FAMILIES.get(uri.strip().rstrip("/#").lower())
    if known is not None:
        return known
    return _PREFIXES.get(prefix.lower(), "other") if prefix else ""


def attribute(element: etree._Element, name: str) -> str | None:
    """An attribute whatever its case and namespace; None where it is missing or blank."""
    value = element.get(name)
    if value is None:
        for key, other in element.attrib.items():
            if str(key).rpartition("}")[2].lower() == name.lower():
                value = str(other)
                break
    return (value or "").strip() or None


def children(element: etree._Element, *names: str) -> Iterator[etree._Element]:
    """The children that have one of the names, in the order of the names, then of the document."""
    named = _by_name(element)
    for name in names:
        yield from named.get(name, ())


@lru_cache(maxsize=16)
def _by_name(element: etree._Element) -> dict[str, list[etree._Element]]:
    # Some fifty names are looked up in an entry.
    found: dict[str, list[etree._Element]] = {}
    for child in element:
        found.setdefault(name_of(child), []).append(child)
    return found


def forget() -> None:
    """Forget the document that was read last."""
    _by_name.cache_clear()


def text_of_first(element: etree._Element, *names: str) -> str | None:
    """The text of the first such child that has any."""
    return next((text for child in children(element, *names) if (text := text_in(child))), None)


def text_in(element: etree._Element) -> str:
    """All text in an element, without white space around it."""
    return "".join(map(str, element.itertext())).strip()


def base_of(element: etree._Element, base: str) -> str:
    """The address that links in an element are relative to (XML Base): its own and its ancestors' ``xml:base``."""
    stated = [found for one in (element, *element.iterancestors()) if (found := one.get(f"{{{XML}}}base"))]
    for one in reversed(stated):
        base = joined(base, one.strip())
    return base


def unescaped(address: str) -> str:
    """An address without double escaping: ``?a=1&amp;b=2`` was meant as ``?a=1&b=2``."""
    return address.replace("&amp;", "&")


def joined(base: str, address: str) -> str:
    """The absolute address, relative to a base; the base itself where there is no valid address."""
    try:
        return urljoin(base, address)
    except ValueError:
        return base


def language_of(element: etree._Element) -> str | None:
    """The ``xml:lang`` that holds for an element."""
    for one in (element, *element.iterancestors()):
        if found := (one.get(f"{{{XML}}}lang") or "").strip():
            return str(found)
    return None
