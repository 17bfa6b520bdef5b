"""Atom (RFC 4287) with tombstones (RFC 6721), Dublin Core and Media RSS.

feedgen writes each entry. Its elements carry no namespace; they come to stand in a document whose default namespace
is Atom's. It drops the rel, type and title of an entry's links (https://github.com/lkiesow/python-feedgen/issues/135),
so these are set here.
"""

from __future__ import annotations

from collections.abc import Iterable

from feedgen.entry import FeedEntry
from lxml import etree

from publisher.render.entry import Entry
from publisher.render.format import GENERATOR, Format, Head, zulu
from publisher.render.media import Attached
from publisher.render.xml import ATOM, DC, MEDIA, TOMBSTONES, XML_LANG, add, add_common, inner_xml, stated, xml_document

_NAMESPACES: dict[str | None, str] = {"dc": DC, "media": MEDIA}


class Atom(Format):
    """Atom 1.0."""

    content_type = "application/atom+xml; charset=utf-8"

    def fragment(self, entry: Entry) -> bytes:
        """The ``<entry>``; title and summary are plain text, content is escaped HTML."""
        written = FeedEntry()
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
        root = etree.Element("feed", nsmap=_NAMESPACES)
        element = written.atom_entry()
        root.append(element)
        _add_links(element, entry)
        if entry.language:
            element.set(XML_LANG, entry.language)
        add_common(element, entry)
        return inner_xml(root)

    def document(self, head: Head, fragments: Iterable[bytes]) -> bytes:
        """The ``<feed>`` document. The site is its author, so that an entry need not have one (section 4.1.1)."""
        namespaces: dict[str | None, str] = {None: ATOM, **_NAMESPACES}
        if head.deleted:
            namespaces["at"] = TOMBSTONES
        root = etree.Element(f"{{{ATOM}}}feed", {XML_LANG: head.language}, nsmap=namespaces)
        _add(root, "id", head.id)
        _add(root, "title", head.title)
        if head.description:
            _add(root, "subtitle", head.description)
        _add(root, "updated", zulu(head.updated))
        author = _add(root, "author")
        _add(author, "name", head.site_title)
        _add(author, "uri", head.site_url)
        _add(root, "link", rel="self", type="application/atom+xml", href=head.url)
        _add(root, "link", rel="alternate", type="text/html", href=head.home_url)
        _add(root, "generator", GENERATOR)
        for id, at in head.deleted:
            add(root, f"{{{TOMBSTONES}}}deleted-entry", ref=id, when=zulu(at))
        return xml_document(root, b"</feed>", fragments)


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
