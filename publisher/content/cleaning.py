"""HTML as an article may carry it: allowed elements and attributes only, addresses absolute, nothing empty.

One pass over the tree of a parser, in time linear in the size of the markup, and ``nh3`` over what comes of it: what
the pass writes is written again by a second parser, so that no fault of ours alone lets anything through.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cache
from html import escape

import nh3
from selectolax.lexbor import LexborHTMLParser, LexborNode

from publisher.content.address import WEB, absolute, largest
from publisher.content.text import one_line
from publisher.content.vocabulary import (
    ATTRIBUTES,
    BLOCK,
    ELEMENTS,
    ENDS_A_WORD,
    EVERYWHERE,
    HIDING,
    KEPT_EMPTY,
    LAZY_SETS,
    LAZY_SOURCES,
    LEAVES_A_GAP,
    LIST_TYPES,
    MEDIA,
    NUMBERS,
    REMOVED,
    RENAMED,
    SCHEMES,
    SIGNED,
    TOLD,
    VOID,
    WORDS,
)
from publisher.content.walking import walk
from publisher.model.base import xml_legal
from publisher.model.languages import canonical_tag

# White space as HTML folds it ("ASCII whitespace"); a no-break space is a character like others.
_WHITE = re.compile(r"[ \t\n\f\r]+")

# An ampersand that nothing here writes: before anything but the five references of ``nh3``.
_STRANGE = re.compile("&(?!(?:amp|nbsp|lt|gt|quot);)")

# What stands for an ampersand, and before a letter that stands for one of the 64 whose first byte is that of a no-break
# space: no characters of XML, so none of a text's own.
_AMPERSAND, _MOVED = "\uffff", "\ufffe"
_SOUGHT = re.compile("[\x80-\xbf]")
_FAR = 0x100
_BACK = re.compile("\ufffe([\u0180-\u01bf])")

MOST_NOTES = 20
"""Notes kept of one article; the rest is counted in the last."""


@dataclass(frozen=True, slots=True)
class Cleaned:
    """HTML that can be shown anywhere, and what was left out of it that somebody may miss, in words."""

    html: str
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class Notes:
    """What was left out of one article or more pieces of it, in words, each once with how often."""

    _counts: dict[str, int] = field(default_factory=dict)

    def add(self, text: str) -> None:
        self._counts[text] = self._counts.get(text, 0) + 1

    def told(self) -> tuple[str, ...]:
        told = [f"{note} ({count} times)" if count > 1 else note for note, count in self._counts.items()]
        if len(told) > MOST_NOTES:
            told = [*told[: MOST_NOTES - 1], f"{len(told) - MOST_NOTES + 1} more"]
        return tuple(told)


def clean(html: str, base: str | None, notes: Notes | None = None) -> Cleaned:
    """Clean a piece of HTML whose links stand on ``base``; without one, relative links are left out and told.

    ``notes`` are those of the pieces before it, where it is one of several.
    """
    notes = Notes() if notes is None else notes
    body = LexborHTMLParser(f"<body>{html}").body
    if body is None:
        return Cleaned("", notes.told())
    writer = _Writer(base, notes)
    for node, met in walk(body, writer.enters):
        if met:
            writer.meet(node)
        else:
            writer.leave()
    # Twice: what a parser makes of tags in a strange order it may not make of its own answer.
    once = _cleaner().clean(_hidden("".join(writer.out)))
    return Cleaned(_shown(_written_again(once)).strip(), notes.told())


@dataclass(slots=True)
class _Open:
    """An element being written: its name (None: only its children are written), and where in the output it begins."""

    name: str | None
    start: int
    apart: bool = False
    """Whether a word ends where it does, though no element is written."""
    filled: bool = False
    """Whether there is text or a picture in it."""


@dataclass(slots=True)
class _Writer:
    base: str | None
    notes: Notes
    out: list[str] = field(default_factory=list)
    _open: list[_Open] = field(default_factory=list)
    _links: int = 0
    _pre: int = 0

    def enters(self, node: LexborNode) -> bool:
        return node.tag not in REMOVED and node.tag not in MEDIA and node.tag not in VOID and not _is_hidden(node)

    def meet(self, node: LexborNode) -> None:
        """Write what a node is, or where an element begins."""
        if node.is_text_node:
            self._text(node.text_content or "")
        elif not node.is_element_node:
            return
        elif node.tag in MEDIA:
            self._medium(node)
        elif node.tag in REMOVED:
            if node.tag in TOLD:
                self.notes.add(f"<{node.tag}> is left out")
            if node.tag in LEAVES_A_GAP:
                self._space()
        elif _is_hidden(node):
            self.notes.add(f"{one_line(node.text(deep=True))[:120]!r} is left out: the page does not show it")
            self._space()
        elif node.tag in VOID:
            self._void(node)
        else:
            self._begin(node)

    def leave(self) -> None:
        """End the element entered last; one with nothing in it is taken back."""
        one = self._open.pop()
        self._links -= one.name == "a"
        self._pre -= one.name == "pre"
        if one.name is None:
            self._fill(one.filled)
            if one.apart:
                self._space()
            return
        if not one.filled and one.name not in KEPT_EMPTY:
            white = any(piece.isspace() for piece in self.out[one.start :])
            del self.out[one.start :]
            if white and one.name not in BLOCK:
                self._space()
            return
        if one.name == "p":
            self._trim(one.start + 1)
        elif one.name in BLOCK and self.out[-1] == " ":
            self.out.pop()
        self.out.append(f"</{one.name}>")
        self._fill(one.filled)

    def _text(self, text: str) -> None:
        text = xml_legal(text)
        if not self._pre:
            text = _WHITE.sub(" ", text)
            if self.out and self.out[-1].endswith(" "):
                text = text.removeprefix(" ")
        if text:
            self.out.append(escape(text, quote=False))
            self._fill(not text.isspace())

    def _begin(self, node: LexborNode) -> None:
        tag = RENAMED.get(node.tag or "", node.tag or "")
        name = tag if tag in ELEMENTS else None
        attributes = _attributes(node, tag, self.base) if name else {}
        if name == "a" and "href" not in attributes:
            name = None
            self._missed(node, "href", "a link")
        apart = name is None and tag in ENDS_A_WORD
        if apart:
            self._space()
        self._open.append(_Open(name, len(self.out), apart))
        self._links += name == "a"
        self._pre += name == "pre"
        if name is not None:
            self.out.append(_tag(name, attributes))

    def _void(self, node: LexborNode) -> None:
        tag = node.tag or ""
        attributes = _attributes(node, tag, self.base)
        if tag == "img":
            source = _picture(node, self.base)
            if source is None:
                self._missed(node, "src", "a picture")
                self._space()
                return
            attributes = {"src": source, **attributes}
        self.out.append(_tag(tag, attributes))
        self._fill(tag in ("img", "hr"))

    def _medium(self, node: LexborNode) -> None:
        """A link to what a player would play, under its title."""
        address = _playing(node, self.base)
        if address is None:
            self.notes.add(f"<{node.tag}> without an address is left out")
            self._space()
            return
        title = one_line((node.attributes.get("title") or "") or (node.attributes.get("aria-label") or "")) or address
        shown = escape(xml_legal(title), quote=False)
        if self._links:
            self.out.append(shown)
        else:
            self._space()
            self.out += f"{_tag('a', {'href': address})}{shown}</a>", " "
        self._fill(True)

    def _fill(self, filled: bool) -> None:
        # Only the innermost: it hands on what it is when it is left, which keeps the pass linear.
        if filled and self._open:
            self._open[-1].filled = True

    def _missed(self, node: LexborNode, attribute: str, what: str) -> None:
        value = node.attributes.get(attribute)
        if value and not value.startswith(("data:", "#")):
            why = (
                "has no base to stand on" if absolute(value, "http://localhost/") else "is no address that can be kept"
            )
            self.notes.add(f"{what} to {value[:120]!r} is left out: it {why}")

    def _space(self) -> None:
        first = self._open and self._open[-1].name in BLOCK and len(self.out) == self._open[-1].start + 1
        if self.out and not first and not self.out[-1].endswith(" "):
            self.out.append(" ")

    def _trim(self, start: int) -> None:
        """Take white space and line breaks from the edges of a paragraph that begins at ``start``."""
        end = len(self.out)
        while end > start and _edge(self.out[end - 1]):
            end -= 1
        del self.out[end:]
        first = start
        while first < end and _edge(self.out[first]):
            first += 1
        del self.out[start:first]
        if start < len(self.out) and not self.out[start].startswith("<"):
            self.out[start] = self.out[start].lstrip()
        if start < len(self.out) and not self.out[-1].startswith("<"):
            self.out[-1] = self.out[-1].rstrip()


def _is_hidden(node: LexborNode) -> bool:
    """Whether a page keeps words within a line from its readers: another number beside the one that they see.

    Whole paragraphs that are hidden are kept, since pages unfold them.
    """
    if node.tag in ENDS_A_WORD or node.tag in VOID:
        return False
    attributes = node.attributes
    style = "".join((attributes.get("style") or "").lower().split())
    return "hidden" in attributes or any(one.removesuffix("!important") in HIDING for one in style.split(";"))


def _edge(piece: str) -> bool:
    return piece == "<br>" or piece.isspace()


def _tag(name: str, attributes: dict[str, str]) -> str:
    return "<" + " ".join((name, *(f'{key}="{escape(value)}"' for key, value in attributes.items()))) + ">"


def _attributes(node: LexborNode, tag: str, base: str | None) -> dict[str, str]:
    """The attributes that stay, as they are written; not a picture's source."""
    allowed: Collection[str] = ATTRIBUTES.get(tag, ())
    kept = {}
    for name, value in node.attributes.items():
        if (name in allowed and name != "src") or name in EVERYWHERE:
            said = _value(name, xml_legal(value or ""), base)
            if said is not None:
                kept[name] = said
    return kept


def _value(name: str, value: str, base: str | None) -> str | None:
    if name in ("href", "cite"):
        return absolute(value, base, SCHEMES.get(name, WEB))
    if name in NUMBERS:
        digits = value.strip().removeprefix("-" if name in SIGNED else "")
        return value.strip() if digits.isdecimal() and digits.isascii() and len(digits) < 6 else None
    if name == "type":
        return value if value in LIST_TYPES else None
    if name in WORDS:
        return value.strip().lower() if value.strip().lower() in WORDS[name] else None
    if name == "lang":
        return canonical_tag(value)
    return one_line(value)[:1000]


def _picture(node: LexborNode, base: str | None) -> str | None:
    """A picture's address. What a page loads as one scrolls stands elsewhere, with a placeholder in ``src``."""
    attributes = node.attributes
    lazy = [attributes.get(name) for name in LAZY_SOURCES]
    sets = [largest(value) for name in LAZY_SETS if (value := attributes.get(name))]
    shown = attributes.get("src") or ""
    first = [*lazy, shown] if any(lazy) else [shown, *sets]
    return next((found for one in (*first, *sets) if one and (found := absolute(one, base))), None)


def _playing(node: LexborNode, base: str | None) -> str | None:
    places = [node, *node.css("source")]
    sources = (one.attributes.get(name) for one in places for name in ("src", "data-src", "data-lazy-src"))
    return next((found for one in sources if (found := absolute(one, base))), None)


def harmless(html: str) -> str:
    """What :func:`clean` wrote, as it is; of anything else what can be shown anywhere.

    It is for what comes from a process that strangers may have taken over.
    """
    if _STRANGE.search(html):
        return clean(html, None).html
    cleaned = _shown(_written_again(_hidden(html)))
    # A no-break space is written one way by the library and another by people; neither begins or ends any markup.
    given, found = (text.replace("&nbsp;", "\xa0") for text in (html, cleaned))
    return html if given == found else cleaned.strip()


def _written_again(html: str) -> str:
    # A parser drops a line break at the start of <pre>: one more, and the one that stands there stays.
    return _cleaner().clean(html.replace("<pre>\n", "<pre>\n\n"))


def _hidden(html: str) -> str:
    """HTML for ``nh3``, which looks through the rest of a text again for each ampersand and each of _SOUGHT in it.

    Characters that no document may hold stand for them until :func:`_shown` puts them back. None of them begins or
    ends any markup, before or after, so it is the same HTML to the parser.
    """
    html = xml_legal(html).replace("&amp;", _AMPERSAND).replace("&nbsp;", "\xa0")
    return _SOUGHT.sub(lambda found: _MOVED + chr(ord(found[0]) + _FAR), html)


def _shown(html: str) -> str:
    html = _BACK.sub(lambda found: chr(ord(found[1]) - _FAR), html)
    return html.replace(_AMPERSAND, "&amp;").replace("\xa0", "&nbsp;")


@cache
def _cleaner() -> nh3.Cleaner:
    return nh3.Cleaner(
        tags=set(ELEMENTS),
        clean_content_tags={"script", "style", "template", "iframe", "object", "svg", "math"},
        attributes={**{name: set(ATTRIBUTES.get(name, ())) | set(EVERYWHERE) for name in ELEMENTS}},
        url_schemes={"http", "https", "mailto", "tel"},
        link_rel="noopener noreferrer",
    )
