"""Who wrote an entry: the names in what feeds put where an author stands."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import unescape
from typing import TYPE_CHECKING

from publisher.content import one_line
from publisher.sources.feeds.elements import children, name_of, text_in, text_of_first
from publisher.sources.feeds.entry import Entry, lines
from publisher.sources.feeds.texts import is_markup, plain_text
from publisher.sources.forms.bylines import people

if TYPE_CHECKING:
    from lxml import etree

_MAIL = r"[^\s<>()@,;]{1,64}@[^\s<>()@,;]{1,255}"
# RSS 2.0 wants "mail (Name)"; RFC 5322 has "Name <mail>".
_MAIL_NAME = re.compile(rf"(?:mailto:)?{_MAIL}\s*\((?P<name>[^()]{{1,200}}(?:\([^()]{{0,100}}\))?[^()]{{0,100}})\)")
_NAME_MAIL = re.compile(rf"\"?(?P<name>[^<>\"]{{1,200}}?)\"?\s*[<(]\s*(?:mailto:)?{_MAIL}\s*[>)]")
_MAIL_ALONE = re.compile(rf"<?(?:mailto:)?{_MAIL}>?")

_AUTHORS = ("dc:creator", "atom:author", "author", "itunes:author", "googleplay:author")


def credit(element: etree._Element, entry: Entry, site: str | None) -> None:
    """Fill in the authors of an entry, from the first kind of element that names any.

    ``site`` is the feed's own name, which is not a person's.
    """
    for name in _AUTHORS:
        take(texts_of(element, name, entry), entry, site)
        if entry.authors:
            return


def inherit(values: Iterable[str], entry: Entry, site: str | None) -> None:
    """Add the authors of a whole feed, without the name of its site, which needs no note."""
    told = list(entry.notes)
    take((value for value in values if value != site), entry, site)
    entry.notes = [*told, *(one for one in entry.notes[len(told) :] if entry.authors)]


def texts_of(element: etree._Element, name: str, entry: Entry) -> list[str]:
    """What stands in the elements of one name, without mail addresses."""
    return [text for one in children(element, name) if (text := _person(one, entry))]


def inherited(element: etree._Element) -> list[str]:
    """The authors of a whole feed, as written, which hold for its entries that name none."""
    return texts_of(element, "atom:author", Entry())


def take(values: Iterable[str], entry: Entry, site: str | None) -> None:
    """Add the people named in texts, each of which stands in the place of an author's name.

    A role word, a degree or an agency is not part of a name (see :mod:`publisher.sources.forms.bylines`). A name in one
    word that is written as no name is what somebody calls themselves there; what the feed is called may be
    who writes it.
    """
    found: list[str] = []
    for text in lines(values, entry, "authors"):
        said = people(text)
        if site and text.casefold() == site.casefold() and said.authors:
            entry.note("authors", "is what the feed itself is called", text)
        entry.editor = entry.editor or said.editor
        entry.agency = entry.agency or said.agency
        if said.doubt and " " not in text:
            entry.note("authors", "is written as no name; it is taken as it stands", text)
            found.append(text)
            continue
        found += said.authors
        if said.doubt:
            entry.note("authors", said.doubt, text)
        left = (*said.outlets, *said.others, *said.photographers)
        if left:
            entry.note("authors", f"{', '.join(left)}: no author, and left out", text)
        elif not (said.authors or said.editor or said.agency or said.doubt):
            entry.note("authors", "names nobody; left out", text)
    entry.authors = lines([*entry.authors, *found], entry, "authors")


def name_in(text: str, entry: Entry) -> str | None:
    """The name in ``mail (Name)``, ``Name <mail>`` or ``Name``; an address without one is nobody's name."""
    if is_markup(text):
        entry.note("authors", "has markup, of which only the text is taken", text)
        text = plain_text(text)
    text = one_line(unescape(text))
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
