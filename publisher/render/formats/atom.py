"""Atom (RFC 4287) with tombstones (RFC 6721), Dublin Core and Media RSS.

feedgen writes each entry. Its elements carry no namespace; they come to stand in a document whose default namespace
is Atom's. It drops the rel, type and title of an entry's links (https://github.com/lkiesow/python-feedgen/issues/135),
so these are set here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from publisher.render.entry import Entry
from publisher.render.format import GENERATOR, Format, Head, zulu
from publisher.render.media import Attached
from publisher.render.xml import (
    ATOM,
    DC,
    MEDIA,
    TOMBSTONES,
    XML_LANG,
    add,
    add_common,
    blank_entry,
    inner_xml,
    root,
    stated,
    xml_document,
)

if TYPE_CHECKING:
    from lxml import etree

_NAMESPACES: dict[str | None, str] = {"dc": DC, "media": MEDIA}


class Atom(Format):
    """Atom 1.0."""

    name = "atom"
    label = "Atom 1.0"
    short = "Atom"
    content_type = "application/atom+xml; charset=utf-8"
    media_types = ("application/atom+xml",)
    place = 20
    printed = True

    def fragment(self, entry: Entry) -> bytes:
        """The ``<entry>``; title and summary are plain text, content is escaped HTML."""
        written = blank_entry()
        written.id(entry.id)
        written.title(entry.title)
        written.updated(entry.updated)
        if entry.published:
            written.published(entry.published)
        written.link(href=entry.url, rel="alternate")
        written.author([{"name": name} for name in entry.authors])
        if entry.editor:
            written.contributor({"name": entry.editor})
        if entry.categories:
            written.category([{"term": name} for name in entry.categories])
        if entry.summary:
            written.summary(entry.summary)
        if entry.content:
            written.content(entry.content, type="html")
        feed = root("feed", _NAMESPACES)
        element = written.atom_entry()
        feed.append(element)
        _add_links(element, entry)
        if entry.language:
            element.set(XML_LANG, entry.language)
        add_common(element, entry)
        return inner_xml(feed)

    def document(self, head: Head, fragments: Iterable[bytes]) -> bytes:
        """The ``<feed>`` document. The site is its author, so that an entry need not have one (section 4.1.1)."""
        namespaces: dict[str | None, str] = {None: ATOM, **_NAMESPACES}
        if head.deleted:
            namespaces["at"] = TOMBSTONES
        feed = root(f"{{{ATOM}}}feed", namespaces, **{XML_LANG: head.language})
        _add(feed, "id", head.id)
        _add(feed, "title", head.title)
        if head.description:
            _add(feed, "subtitle", head.description)
        _add(feed, "updated", zulu(head.updated))
        author = _add(feed, "author")
        _add(author, "name", head.site_title)
        _add(author, "uri", head.site_url)
        _add(feed, "link", rel="self", type="application/atom+xml", href=head.url)
        _add(feed, "link", rel="alternate", type="text/html", href=head.home_url)
        _add(feed, "generator", GENERATOR)
        for id, at in head.deleted:
            add(feed, f"{{{TOMBSTONES}}}deleted-entry", ref=id, when=zulu(at))
        return xml_document(feed, b"</feed>", fragments)


def _add_links(element: etree._Element, entry: Entry) -> None:
    for alternate in element.iterfind("link"):
        alternate.set("rel", "alternate")
        alternate.set("type", "text/html")
    for title, url in entry.related:
        add(element, "link", rel="related", href=url, title=title)
    for one in _enclosures(entry):
        add(element, "link", **stated(rel="enclosure", type=one.type, length=one.length, href=one.url))


def _enclosures(entry: Entry) -> Iterable[Attached]:
    """What RSS would enclose first, then the lead picture and all else: some readers show only one."""
    lead = [Attached(one.url, one.type) for one in entry.pictures[:1]]
    recordings = [one for one in entry.attachments if one.plays]
    return [*recordings, *lead, *(one for one in entry.attachments if not one.plays)]


def _add(parent: etree._Element, tag: str, text: str | None = None, **attributes: str) -> etree._Element:
    return add(parent, f"{{{ATOM}}}{tag}", text, **attributes)
