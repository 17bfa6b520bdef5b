"""Titles and texts of entries: which of them is markup, and what is escaped once too often."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from copy import deepcopy
from html import unescape
from typing import TYPE_CHECKING

from publisher.content import one_line
from publisher.errors import ReadError
from publisher.model.base import xml_legal
from publisher.sources.feeds.elements import attribute, base_of, name_of, text_in
from publisher.sources.feeds.entry import Content, Entry
from publisher.sources.html.body import plain

if TYPE_CHECKING:
    from lxml import etree

_ELEMENTS = (
    "a|abbr|article|aside|audio|b|big|blockquote|br|center|cite|code|dd|del|div|dl|dt|em|embed|figcaption|figure|font"
    "|footer|h[1-6]|header|hr|i|iframe|img|ins|kbd|li|mark|nobr|object|ol|p|picture|pre|q|s|script|section|small|span"
    "|strike|strong|style|sub|sup|table|tbody|td|th|thead|tr|tt|u|ul|video|wbr"
)
# Whether a text is meant as markup. What is in it is for the parser to say.
_INSIDE = r"(?:\s[^<>=]{0,200}=[^<>]{0,8000}|\s{0,20}/?)"
_TAG = re.compile(rf"</?(?:{_ELEMENTS}){_INSIDE}>", re.IGNORECASE)
_PAIR = re.compile(rf"<({_ELEMENTS}){_INSIDE}>[^<>]{{0,4000}}</\1>", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_OFTEN = re.compile(r"&(?:amp|quot|apos|#0?39|#8\d{3}|nbsp);")
"""What is left in a text that was escaped once too often."""

_APPEARED = re.compile(r"\s*The post .{1,400} (?:appeared first on|first appeared on) .{1,200}\.$")

_XML_TYPES = ("xhtml", "application/xhtml+xml")


def is_markup(text: str) -> bool:
    """Whether a text has a tag of HTML in it."""
    return "<" in text and _TAG.search(text) is not None


def title(content: Content | None, entry: Entry) -> str | None:
    """A title on one line. What was taken out of it, or read as something else than it says, is noted."""
    if content is None:
        return None
    text = content.value
    if is_markup(text):
        if not (content.html and content.stated):
            entry.note("title", "has markup, of which only the text is taken", text)
        text = plain_text(text)
    elif content.html:
        text = unescape(text)
    if _OFTEN.search(text):
        entry.note("title", "is escaped twice; it is read as what it means", content.value)
        text = unescape(text)
    if _PAIR.search(text):
        entry.note("title", "has markup that is escaped twice, of which only the text is taken", content.value)
        text = plain_text(text)
    return one_line(xml_legal(text)) or None


def without_source(title: str | None, source: str | None) -> str | None:
    """A title without the name of its origin, which news aggregators add at the end."""
    if title and source:
        for mark in (" - ", " – ", " — ", " | "):
            if title.endswith(f"{mark}{source}") and len(title) > len(mark) + len(source):
                return title.removesuffix(f"{mark}{source}").rstrip()
    return title


def summary(contents: Iterable[Content]) -> str | None:
    """The first of these texts that is not empty, on one line, without the sentence that WordPress adds."""
    for content in contents:
        if text := line(content):
            return _APPEARED.sub("", text) or None
    return None


def plain_text(html: str) -> str:
    """The text of markup on one line; what is nested too deeply to be read has none."""
    try:
        return plain(html) or ""
    except ReadError:
        return ""


def line(content: Content) -> str | None:
    """A text as one line."""
    return (plain_text(content.value) if content.html else one_line(xml_legal(content.value))) or None


def content_of(element: etree._Element, url: str, entry: Entry, name: str) -> Content | None:
    """The text in an element of RSS or Atom; None where it has none. ``url`` is where the feed came from.

    An Atom text is what its ``type`` says (RFC 4287, section 3.1; in Atom 0.3 also ``mode``); RSS does not say what a
    text is, so one with a tag or an entity of HTML is HTML.
    """
    kind = (attribute(element, "type") or "").partition(";")[0].strip().lower()
    base = base_of(element, "") or None
    if any(name_of(child) for child in element):
        return _given(_inside(element), html=True, base=base, stated=kind in _XML_TYPES)
    text = _out_of_cdata(text_in(element), entry, name)
    if attribute(element, "mode") == "base64":
        text = _decoded(text, entry, name)
    if name_of(element).startswith("atom:"):
        return _of_atom(text, kind, base, entry, name)
    if kind in ("plain", "text", "text/plain"):
        return _given(text, html=False, base=base)
    return _guessed(text, base, entry, name)


def _out_of_cdata(text: str, entry: Entry, name: str) -> str:
    """Text whose CDATA marks were escaped with it."""
    if text.startswith("<![CDATA[") and text.endswith("]]>"):
        entry.note(name, "has a CDATA section that is escaped; it is read as what it means")
        return text[9:-3].strip()
    return text


def _of_atom(text: str, kind: str, base: str | None, entry: Entry, name: str) -> Content | None:
    if kind in ("html", "text/html", *_XML_TYPES):
        return _twice(text, base, entry, name, stated=True)
    if kind and kind != "text" and not kind.startswith("text/"):
        if text:
            entry.note(name, f"is {kind}, no text; left out")
        return None
    if is_markup(text) and _PAIR.search(text) and name != "title":
        entry.note(name, "is said to be plain text, but has markup; it is read as HTML")
        return _given(text, html=True, base=base)
    if name != "title" and _OFTEN.search(text):
        entry.note(name, "is escaped twice; it is read as what it means")
        text = unescape(text)
    return _given(text, html=False, base=base, stated=True)


def _guessed(text: str, base: str | None, entry: Entry, name: str) -> Content | None:
    if name == "title" or is_markup(text):
        return _given(text, html=True, base=base)
    return _twice(text, base, entry, name) if _ENTITY.search(text) else _given(text, html=False, base=base)


def _twice(text: str, base: str | None, entry: Entry, name: str, *, stated: bool = False) -> Content | None:
    """HTML, unescaped once more where all of its markup is escaped."""
    if name != "title" and not is_markup(text) and _PAIR.search(inner := unescape(text)):
        entry.note(name, "is escaped twice; it is read as what it means")
        return _given(inner, html=True, base=base)
    return _given(text, html=True, base=base, stated=stated)


def _given(text: str, *, html: bool, base: str | None, stated: bool = False) -> Content | None:
    return Content(text, html, base, stated) if text.strip() else None


def _inside(element: etree._Element) -> str:
    """The content of an element as HTML: XHTML without prefixes, or RSS markup that should have been escaped."""
    from lxml import etree

    copy = deepcopy(element)
    for one in copy.iter(tag=etree.Element):
        one.tag = str(one.tag).rpartition("}")[2].lower()
    etree.cleanup_namespaces(copy)
    own = [child for child in copy if child.tag == "div"]
    if len(copy) == 1 and own and not (copy.text or "").strip():
        copy = own[0]
        copy.tail = None
    text = etree.tostring(copy, encoding="unicode", method="html")
    return text[text.index(">") + 1 : text.rindex("<")]


def _decoded(text: str, entry: Entry, name: str) -> str:
    try:
        return base64.b64decode("".join(text.split()), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        entry.note(name, "is said to be base64, but cannot be decoded; left out")
        return ""
