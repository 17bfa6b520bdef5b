"""A tree of what is no XML: tags close what they name, as in HTML; what closes nothing is passed over."""

from __future__ import annotations

from html import escape
from html.parser import HTMLParser
from typing import TYPE_CHECKING

from publisher.sources.documents.limits import MAX_OF_ONE
from publisher.sources.feeds.elements import CANONICAL, XML, family_of

if TYPE_CHECKING:
    from lxml import etree

MAX_OPEN = 200
"""Open elements at any place; what stands deeper is read as text of the last."""

_ENTRIES = frozenset(("item", "entry"))
_VOID = frozenset(("br", "hr", "img", "input", "wbr", "area", "col", "embed", "meta"))


def lenient_tree(text: str) -> tuple[etree._Element | None, bool]:
    """The root, None where there is none, and whether the text ends within an entry."""
    end = text.rfind(">") + 1
    # Comments and the like are gone already; what looks like one is text, and so is what no ">" ends.
    text = text[:end].replace("<!", "&lt;!").replace("<?", "&lt;?") + escape(text[end:])
    builder = _Builder()
    builder.feed(text)
    builder.close()
    is_cut = any(_local(name) in _ENTRIES for name in builder.names)
    builder.finish()
    return builder.root, is_cut


def _local(name: str) -> str:
    return name.rpartition(":")[2]


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root: etree._Element | None = None
        self.names: list[str] = []
        self._open: list[etree._Element] = []
        self._namespaces: dict[str, str] = {}
        self._pieces: list[str] = []

    def set_cdata_mode(self, *_: object, **__: object) -> None:
        """No element of a feed holds text of another kind."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if _local(tag) in _ENTRIES and (within := self._innermost_entry()) is not None:
            self._close_to(within)  # an entry in an entry: the end of the first is missing
        if self.root is not None and (not self._open or len(self._open) >= MAX_OPEN):
            return
        element = self._element(tag, attrs)
        if tag in _VOID:
            return
        self._open.append(element)
        self.names.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self.root is None or self._open:
            self._element(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        for at in range(len(self.names) - 1, -1, -1):
            if self.names[at] == tag:
                self._close_to(at)
                return
            if _local(self.names[at]) in _ENTRIES and _local(tag) not in ("rss", "channel", "feed", "rdf"):
                return  # nothing within an entry closes what stands around it

    def handle_data(self, data: str) -> None:
        self._pieces.append(data)

    def finish(self) -> None:
        """Insert the text met so far, all pieces at once."""
        data, self._pieces = "".join(self._pieces), []
        if not self._open or not data:
            return
        around = self._open[-1]
        if len(around):
            around[-1].tail = (around[-1].tail or "") + data
        else:
            around.text = (around.text or "") + data

    def _innermost_entry(self) -> int | None:
        return next((at for at in range(len(self.names) - 1, -1, -1) if _local(self.names[at]) in _ENTRIES), None)

    def _close_to(self, at: int) -> None:
        self.finish()
        del self._open[at:], self.names[at:]

    def _element(self, tag: str, attrs: list[tuple[str, str | None]]) -> etree._Element:
        from lxml import etree

        self.finish()
        attrs = attrs[:MAX_OF_ONE]
        for key, value in attrs:
            if key == "xmlns" or key.startswith("xmlns:"):
                self._namespaces[key[6:]] = value or ""
        named = self._named(tag)
        given = {name: value or "" for key, value in attrs if (name := self._attribute(key))}
        try:
            element = (
                etree.Element(named, given) if self.root is None else etree.SubElement(self._open[-1], named, given)
            )
        except ValueError:  # a name that XML does not allow
            element = etree.Element("unknown") if self.root is None else etree.SubElement(self._open[-1], "unknown")
        self.root = element if self.root is None else self.root
        return element

    def _named(self, tag: str) -> str:
        prefix, colon, local = tag.rpartition(":")
        uri = self._namespaces.get(prefix, "")
        if not colon:
            return f"{{{uri}}}{local}" if uri else local
        family = family_of(uri, prefix)
        return f"{{{CANONICAL.get(family, 'urn:unknown')}}}{local}"

    def _attribute(self, key: str) -> str | None:
        prefix, colon, local = key.rpartition(":")
        if prefix == "xml":
            return f"{{{XML}}}{local}"
        return None if key.startswith("xmlns") else local if colon else key
