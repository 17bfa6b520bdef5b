"""What RSS and Atom have in common: XML by lxml, put together from fragments."""

from __future__ import annotations

import re
from collections.abc import Iterable

from lxml import etree

from publisher.render.entry import Entry

ATOM = "http://www.w3.org/2005/Atom"
CONTENT = "http://purl.org/rss/1.0/modules/content/"
DC = "http://purl.org/dc/elements/1.1/"
MEDIA = "http://search.yahoo.com/mrss/"
CB = "http://www.cbwiki.net/wiki/index.php/Specification_1.2/"
TOMBSTONES = "http://purl.org/atompub/tombstones/1.0"
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"

_START_TAG = re.compile(rb"<[^>]*>")


def inner_xml(parent: etree._Element) -> bytes:
    """What stands inside an element, the namespaces declared on the element itself not repeated."""
    written = etree.tostring(parent, encoding="UTF-8", xml_declaration=False)
    start = _START_TAG.match(written)
    assert start is not None
    return written[start.end() : written.rindex(b"</")]


def xml_document(root: etree._Element, closing: bytes, fragments: Iterable[bytes]) -> bytes:
    """The document of ``root`` with the fragments put in front of ``closing``, its last end tags."""
    written = etree.tostring(root, encoding="UTF-8", xml_declaration=False)
    assert written.endswith(closing)
    opening = b'<?xml version="1.0" encoding="UTF-8"?>\n' + written[: -len(closing)]
    # One join, since each further copy of a large document costs as much as writing an entry.
    return b"\n".join((opening, *fragments, closing + b"\n"))


def add(parent: etree._Element, tag: str, text: str | None = None, **attributes: str) -> etree._Element:
    """A new element at the end of ``parent``."""
    element = etree.SubElement(parent, tag, attributes)
    element.text = text
    return element


def add_common(item: etree._Element, entry: Entry) -> None:
    """What RSS and Atom both say in elements of Dublin Core and Media RSS.

    The editor is a contributor; the agency is the source that the text was taken from, the dateline the place it
    covers. A picture's credit is its photographer's line (Media RSS 1.5.1, ``media:credit``).
    """
    if entry.agency:
        add(item, f"{{{DC}}}source", entry.agency)
    if entry.dateline:
        add(item, f"{{{DC}}}coverage", entry.dateline)
    for picture in entry.pictures:
        content = add(item, f"{{{MEDIA}}}content", url=picture.url, medium="image")
        if picture.caption:
            add(content, f"{{{MEDIA}}}description", picture.caption, type="plain")
        if picture.credit:
            add(content, f"{{{MEDIA}}}credit", picture.credit, role="photographer")
