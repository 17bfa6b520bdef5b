"""What formats of XML have in common: entries by feedgen, elements by lxml, documents put together from fragments.

Both libraries are imported when the first entry is written: they are 6 MB that a service need not hold before it is
read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from publisher.imports import later
from publisher.render.entry import Entry
from publisher.render.media import Attached, Picture

if TYPE_CHECKING:
    import feedgen.entry as feedgen_entry
    from lxml import etree
else:
    feedgen_entry = later("feedgen.entry")
    etree = later("lxml.etree")

ATOM = "http://www.w3.org/2005/Atom"
CONTENT = "http://purl.org/rss/1.0/modules/content/"
DC = "http://purl.org/dc/elements/1.1/"
MEDIA = "http://search.yahoo.com/mrss/"
CB = "http://www.cbwiki.net/wiki/index.php/Specification_1.2/"
TOMBSTONES = "http://purl.org/atompub/tombstones/1.0"
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


def blank_entry() -> feedgen_entry.FeedEntry:
    """An entry of feedgen's with nothing in it."""
    return feedgen_entry.FeedEntry()


def root(tag: str, namespaces: Mapping[str | None, str], **attributes: str) -> etree._Element:
    """An element for others to stand in, which declares their namespaces."""
    return etree.Element(tag, attributes, nsmap=dict(namespaces))


def inner_xml(parent: etree._Element) -> bytes:
    """What stands inside an element, the namespaces declared on the element itself not repeated."""
    written = etree.tostring(parent, encoding="UTF-8", xml_declaration=False)
    # In what lxml writes, the first ">" ends the start tag: in values of attributes it stands escaped.
    return written[written.index(b">") + 1 : written.rindex(b"</")]


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
    covers.
    """
    if entry.agency:
        add(item, f"{{{DC}}}source", entry.agency)
    if entry.dateline:
        add(item, f"{{{DC}}}coverage", entry.dateline)
    for picture in entry.pictures:
        _add_picture(item, picture)
    for one in entry.attachments:
        _add_attached(item, one)


def _add_picture(item: etree._Element, picture: Picture) -> None:
    """A picture's credit is its photographer's line (Media RSS 1.5.1, ``media:credit``)."""
    size = {"width": picture.width, "height": picture.height}
    content = add(item, f"{{{MEDIA}}}content", **stated(url=picture.url, type=picture.type, medium="image", **size))
    if picture.caption:
        add(content, f"{{{MEDIA}}}description", picture.caption, type="plain")
    if picture.credit:
        add(content, f"{{{MEDIA}}}credit", picture.credit, role="photographer")


def _add_attached(item: etree._Element, one: Attached) -> None:
    # Validators take whole numbers above zero.
    seconds = round(one.duration or 0) or None
    said = stated(url=one.url, fileSize=one.length, type=one.type, medium=one.medium, duration=seconds)
    add(item, f"{{{MEDIA}}}content", **said)


def stated(**attributes: object) -> dict[str, str]:
    """The attributes that have a value, as text."""
    return {name: str(value) for name, value in attributes.items() if value is not None}
