"""What every feed format can do, and what it is told of a feed."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import ClassVar

from lxml import etree

from publisher.clock import rfc3339
from publisher.render.entry import Entry

GENERATOR = "publisher"

ATOM = "http://www.w3.org/2005/Atom"
CONTENT = "http://purl.org/rss/1.0/modules/content/"
DC = "http://purl.org/dc/elements/1.1/"
MEDIA = "http://search.yahoo.com/mrss/"
CB = "http://www.cbwiki.net/wiki/index.php/Specification_1.2/"
TOMBSTONES = "http://purl.org/atompub/tombstones/1.0"
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


@dataclass(frozen=True, slots=True)
class Head:
    """A feed without its entries. ``updated`` is when it last changed; ``deleted`` are (entry id, when) that left it.

    ``url`` is that of the document, ``home_url`` of the feed's page for people, ``site_url`` of the site's.
    """

    id: str
    title: str
    description: str
    language: str
    updated: datetime
    url: str
    home_url: str
    site_title: str
    site_url: str
    items: str = "articles"
    deleted: Sequence[tuple[str, datetime]] = ()


class Format(ABC):
    """One feed format. Adding one: subclass this in a file of its own and name it in ``render.FORMATS``."""

    content_type: ClassVar[str]

    @abstractmethod
    def fragment(self, entry: Entry) -> bytes:
        """One entry, written so that it can stand in any document of this format."""

    @abstractmethod
    def document(self, head: Head, fragments: Iterable[bytes]) -> bytes:
        """The whole document, the entries in the order given."""


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


def rfc822(moment: datetime) -> str:
    """``Sun, 22 Nov 2026 08:00:00 +0000``, in English whatever the locale (RFC 822, with a four-digit year)."""
    return format_datetime(moment)


def zulu(moment: datetime) -> str:
    """RFC 3339 to the second."""
    return rfc3339(moment.replace(microsecond=0))
