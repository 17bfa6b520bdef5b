"""A feed's bytes as a tree: what can be meant in one way only is put right, all else is told.

A third of the faults of real feeds are ampersands and entities that XML does not know, most others are characters that
it forbids and a character set that is not the one declared. What is still no XML is read by names as HTML would be.
"""

from __future__ import annotations

import re
from html import escape, unescape
from html.entities import html5
from typing import TYPE_CHECKING

from publisher.content import absolute
from publisher.errors import FetchError, ReadError
from publisher.model.base import xml_legal
from publisher.sources.documents import dom
from publisher.sources.documents.charset import IN_HEADER, Decoded, decode
from publisher.sources.documents.limits import MAX_ELEMENTS

if TYPE_CHECKING:
    from lxml import etree

NO_FEED = "is no RSS, Atom or JSON Feed"

_ROOT = re.compile(r"<(?:[\w.-]{1,40}:)?(?:rss|feed|rdf|channel|entry|urlset|sitemapindex)(?=[\s>/])", re.IGNORECASE)
_HTML = re.compile(r"<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_DECLARED = re.compile(rb"""<\?xml[^>]{0,200}?\bencoding\s*=\s*["']([\w.:-]{1,40})["']""")
_DEFAULTS = frozenset(("iso-8859-1", "us-ascii", "utf-8", "utf8", "latin1"))
"""What servers say of every file, whatever is in it."""

_AMPERSAND = re.compile(
    r"&(?!(?:amp|lt|gt|quot|apos);)(?:#\d{1,7};|#[xX][0-9a-fA-F]{1,6};|[A-Za-z][A-Za-z0-9]{1,31};)?"
)
_HALVES = re.compile(r"&#([xX][dD][0-9a-fA-F]{3}|5\d{4});&#([xX][dD][0-9a-fA-F]{3}|5\d{4});")
_STRAY = re.compile(r"<(?!/?[A-Za-z_]|[?!])")


def tree_of(body: bytes, content_type: str | None, url: str) -> tuple[etree._Element, list[str], bool]:
    """The root of a feed, warnings in words, and whether the document ends before it should.

    Raises FetchError for what is not a feed, has too much in it, or defines entities.
    """
    decoded = decoded_feed(body, content_type)
    text = decoded.text.lstrip("\ufeff")
    warnings = [decoded.warning] if decoded.warning else []
    start = _ROOT.search(text)
    page = _HTML.search(text[: start.start()] if start else text)
    if start is None or page:
        raise FetchError(_a_page(text, url) if page else NO_FEED)
    prologue, text = text[: start.start()], text[start.start() :]
    if "<!ENTITY" in prologue:
        raise FetchError("defines XML entities, which no feed needs: refused")
    if text.count("<") > 2 * MAX_ELEMENTS:
        raise FetchError(f"has more than {MAX_ELEMENTS:,} elements")
    if not re.fullmatch(r"(?s)\s*(?:<[?!].*>)?\s*", prologue):
        warnings.append("begins with what is no part of a feed; it is passed over")
    root, fault, is_cut = _parsed(_within_root(repaired(text), start[0][1:]))
    without_default(root)
    if fault:
        warnings.append(f"is not well-formed: {fault}; what could be read was taken"[:300])
    return root, warnings, is_cut


def decoded_feed(body: bytes, content_type: str | None) -> Decoded:
    """The text of a feed: byte order mark, the header's character set, that of the XML declaration, UTF-8.

    Where header and declaration differ, the header counts (RFC 7303, section 3), unless what it says is only what
    servers say of every file. Raises FetchError for what is no text.
    """
    for mark, name in ((b"<\0", "utf-16-le"), (b"\0<", "utf-16-be")):
        if body.startswith(mark):
            return Decoded(xml_legal(body.decode(name, "replace")))
    said = IN_HEADER.search(content_type or "")
    declared = _DECLARED.search(body[:1024])
    header = said[1].lower() if said else None
    own = declared[1].decode("ascii").lower() if declared else None
    label = own if own and (header is None or header in _DEFAULTS) else header
    try:
        found = decode(body, f"x; charset={label}" if label else None, html=False)
    except ReadError as error:
        raise FetchError(str(error)) from error
    if header and own and header != own and not body.isascii() and not found.warning:
        return Decoded(found.text, f"declares {own}, but was sent as {header}; read as {label}")
    return found


def repaired(text: str) -> str:
    """The document without comments, CDATA sections as escaped text, and with entities that XML knows."""
    parts: list[str] = []
    at, end = 0, len(text)
    openings = {mark: text.find(mark) for mark in ("<![CDATA[", "<!--")}
    while at < end:
        for mark, place in openings.items():
            if 0 <= place < at:
                openings[mark] = text.find(mark, at)
        found = min((place, mark) for mark, place in (*openings.items(), ("", end)) if place >= 0)
        start, mark = (found[0], found[1]) if found[1] else (end, "")
        outside = _HALVES.sub(_together, text[at:start])
        parts.append(_STRAY.sub("&lt;", _AMPERSAND.sub(_known, outside)))
        if not mark:
            break
        closing = "]]>" if mark == "<![CDATA[" else "-->"
        close = text.find(closing, start + len(mark))
        inner = text[start + len(mark) : close if close >= 0 else end]
        if mark == "<![CDATA[":
            parts.append(escape(inner, quote=False))
        at = close + len(closing) if close >= 0 else end
    return "".join(parts)


def without_default(root: etree._Element) -> None:
    """Remove the default namespace from RSS, even where it is Atom's; elements with a prefix keep theirs."""
    tag = str(root.tag)
    if not tag.startswith("{") or root.prefix is not None or tag.rpartition("}")[2].lower() != "rss":
        return
    space = tag.rpartition("}")[0] + "}"
    for one in root.iter():
        if isinstance(one.tag, str) and one.prefix is None and one.tag.startswith(space):
            one.tag = one.tag.removeprefix(space)


def _together(found: re.Match[str]) -> str:
    """A character beyond U+FFFF, written as the two halves by which some programs count."""
    high, low = (int(half[1:], 16) if half[0] in "xX" else int(half) for half in found.groups())
    if not (0xD800 <= high < 0xDC00 <= low < 0xE000):
        return found[0]
    return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))


def _known(found: re.Match[str]) -> str:
    name = found[0]
    if name[1:2] == "#":
        return escape(xml_legal(unescape(name)))  # as HTML reads them: &#150; is a dash
    known = html5.get(name[1:])
    return escape(known, quote=False) if known is not None else f"&amp;{name[1:]}"


def _within_root(text: str, name: str) -> str:
    """The text up to the end of its root: what scripts and servers add behind it is not part of the feed."""
    end = text.rfind(f"</{name}")
    close = text.find(">", end) if end >= 0 else -1
    return text[: close + 1] if close >= 0 else text


def _parsed(text: str) -> tuple[etree._Element, str | None, bool]:
    from lxml import etree

    from publisher.sources.feeds.lenient import lenient_tree

    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        return etree.fromstring(text.encode(), parser), None, False
    except etree.XMLSyntaxError as error:
        root, is_cut = lenient_tree(text)
        if root is None:
            raise FetchError(f"{NO_FEED}: {error}"[:300]) from error
        return root, str(error), is_cut


def _a_page(text: str, url: str) -> str:
    """The message for a page instead of a feed, with the feed that the page names."""
    said = f"{NO_FEED} but an HTML page"
    try:
        tree = dom.parse(text)
    except ReadError:
        return said
    for node in tree.css('link[rel~="alternate"][href]')[:100]:
        kind = (node.attributes.get("type") or "").lower()
        address = absolute(node.attributes.get("href"), url)
        if address and re.search(r"rss|atom|feed\+json", kind):
            return f"{said}; it names {address} as its feed"
    return said
