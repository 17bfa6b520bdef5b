"""Who wrote an entry: the names in what feeds put where an author stands."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from publisher.content import one_line
from publisher.sources.feeds.entry import Entry, lines
from publisher.sources.feeds.names import children, name_of, text_in, text_of_first

if TYPE_CHECKING:
    from lxml import etree

_MAIL = r"[^\s<>()@,;]{1,64}@[^\s<>()@,;]{1,255}"
# RSS 2.0 wants "mail (Name)"; RFC 5322 has "Name <mail>".
_MAIL_NAME = re.compile(rf"(?:mailto:)?{_MAIL}\s*\((?P<name>[^()]{{1,200}}(?:\([^()]{{0,100}}\))?[^()]{{0,100}})\)")
_NAME_MAIL = re.compile(rf"\"?(?P<name>[^<>\"]{{1,200}}?)\"?\s*[<(]\s*(?:mailto:)?{_MAIL}\s*[>)]")
_MAIL_ALONE = re.compile(rf"<?(?:mailto:)?{_MAIL}>?")

_AUTHORS = ("dc:creator", "atom:author", "author", "itunes:author", "googleplay:author")


def authors(element: etree._Element, entry: Entry) -> list[str]:
    """The names of the first kind of element that gives any: ``dc:creator``, ``author`` or ``itunes:author``."""
    for name in _AUTHORS:
        found = lines((_person(one, entry) for one in children(element, name)), entry, "authors")
        if found:
            return found
    return []


def named(values: Iterable[str | None], entry: Entry) -> list[str]:
    """The names in texts that stand where an author's name stands."""
    return lines((name_in(value, entry) for value in values if value), entry, "authors")


def name_in(text: str, entry: Entry) -> str | None:
    """The name in ``mail (Name)``, ``Name <mail>`` or ``Name``; an address without one is nobody's name."""
    text = one_line(text)
    if "@" not in text:
        return text or None
    for pattern in (_MAIL_NAME, _NAME_MAIL):
        if found := pattern.fullmatch(text):
            return found["name"].strip() or None
    if _MAIL_ALONE.fullmatch(text):
        entry.note("authors", "is a mail address without a name; left out")
        return None
    return text


def _person(element: etree._Element, entry: Entry) -> str | None:
    """One author: a person with a ``name`` (RFC 4287, section 3.2), or text."""
    if any(name_of(child) for child in element):
        name = text_of_first(element, "atom:name", "name")
        if name is None and text_of_first(element, "atom:email", "email", "atom:uri", "uri"):
            entry.note("authors", "has an address, but no name; left out")
        return name_in(name, entry) if name else None
    return name_in(text_in(element), entry)
