"""How much work a page is for a parser, counted from its tags before it is parsed: depth, elements, attributes.

Parsing takes time by the square of the depth, and of the attributes of one element: 200,000 open ``<div>``, or one
with 200,000 attributes, hold a parser up for minutes. What is told of depth and elements is never less than what the
tree has that the HTML standard makes of the page, and a little more where tags are missing: an end tag closes an
element only where the standard surely lets it, and formatting that stays open is counted in each block that it goes on
in.
"""

from __future__ import annotations

import re

from publisher.sources.documents.limits import MAX_ATTRIBUTES, MAX_DEPTH, MAX_ELEMENTS, MAX_OF_ONE

# HTML standard 13.2.5.32 to 13.2.5.39: a name may hold anything but white space, "/", ">" and, behind its first
# character, "="; a quote begins a value behind "=" alone.
_ATTRIBUTE = r"""[^\s/>][^\s/>=]*+(?:\s*+=\s*+(?:"[^"]*+"|'[^']*+'|[^\s>"'][^\s>]*+)?+)?+"""
_ATTRIBUTES = re.compile(_ATTRIBUTE)
# A comment; what browsers take for one, or a doctype; a tag with what stands in it, and whether it closes itself.
_TAG = re.compile(
    rf"<(?:(!--)|((?:[!?]|/(?![a-z>]))[^>]*+>?)|(/?)([a-z][^\s/>]*+)((?:\s++|/(?!>)|{_ATTRIBUTE})*+)(/?)>?)"
)

# HTML standard 13.2.5.44: "<!-->" and "<!--->" are comments, too.
_COMMENT_END = re.compile(r"(?<=<!--)-?>|--!?>")


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_VOID = _names("area base br col embed hr img input link meta param source track wbr html head body")
_OPAQUE = _names("script style textarea title iframe noembed noframes xmp")
_FOREIGN = _names("svg math")
# HTML standard 13.2.4.2, "has an element in scope": an end tag does not reach beyond these.
_WALLS = _names(
    "applet caption html table td th marquee object template select foreignobject desc title annotation-xml mi mo"
    " mn ms mtext"
)
_HEADINGS = _names("h1 h2 h3 h4 h5 h6")
# End tags that close whatever is open inside their element.
_BLOCKS = _names(
    "address article aside blockquote button center details dialog dir div dl fieldset figcaption figure footer header"
    " hgroup listing main menu nav ol pre search section summary ul"
)
_TABLE = _names("table tr td th tbody thead tfoot caption")
# Elements that a start tag closes where they are the last ones open.
_IMPLIED = {
    "li": _names("p li"),
    "dt": _names("p dt dd"),
    "dd": _names("p dt dd"),
    "option": _names("option"),
    "td": _names("p td th"),
    "th": _names("p td th"),
    "tr": _names("p td th tr"),
    "tbody": _names("p td th tr tbody thead tfoot"),
    "thead": _names("p td th tr tbody thead tfoot"),
    "tfoot": _names("p td th tr tbody thead tfoot"),
}
_CLOSE_P = _BLOCKS | _HEADINGS | _names("p li dt dd form hr table")
_FORMATTING = _names("a b big code em font i nobr s small strike strong tt u")
_SPECIAL = (
    _BLOCKS
    | _HEADINGS
    | _WALLS
    | _TABLE
    | _names("p li dt dd iframe noscript noembed noframes optgroup option plaintext form")
)


def too_deep(text: str, limit: int = MAX_DEPTH) -> bool:
    """Whether more than ``limit`` elements are open anywhere, in time linear in the page."""
    return too_much(text, depth=limit) == _nested(limit)


def too_much(text: str, *, depth: int = MAX_DEPTH) -> str | None:
    """What of a page is over its limit, in words; None where nothing is. Takes time linear in the page."""
    text = text.lower()
    seen = _Seen()
    at = 0
    while match := _TAG.search(text, at):
        comment, bogus, closing, name, rest, closed_itself = match.groups()
        at = match.end()
        if comment:
            end = _COMMENT_END.search(text, at)
            if end is None:
                return None  # all the rest is comment
            at = end.end()
        elif bogus:
            at = seen.after_data(text, match.start(), at)
        elif closing:
            seen.close(name)
        else:
            seen.attributes_of(rest)
            if name not in _VOID and not (closed_itself and seen.foreign):
                at = seen.open(text, name, rest, at)
        if over := seen.over(depth):
            return over
    return None


def _nested(limit: int) -> str:
    return f"is nested deeper than {limit} elements"


class _Seen:
    """What was counted of a page so far, and which elements are open."""

    def __init__(self) -> None:
        self.opened: list[str] = []
        self.foreign = 0
        self.elements = 0
        self.attributes = 0
        self.most = 0
        self.varied: set[str] = set()
        self.going_on = 0  # formatting that outlived its block, and is repeated in each block from then on
        self._opaque = _OPAQUE

    def over(self, depth: int) -> str | None:
        """What is over its limit, in words."""
        if len(self.opened) > depth:
            return _nested(depth)
        if self.elements > MAX_ELEMENTS:
            return f"has more than {MAX_ELEMENTS:,} elements"
        if self.most > MAX_OF_ONE:
            return f"has an element with more than {MAX_OF_ONE} attributes"
        return f"has more than {MAX_ATTRIBUTES:,} attributes" if self.attributes > MAX_ATTRIBUTES else None

    def attributes_of(self, rest: str) -> None:
        """Count those of one tag."""
        self.elements += 1
        if rest:
            found = len(_ATTRIBUTES.findall(rest))
            self.attributes += found
            self.most = max(self.most, found)

    def after_data(self, text: str, start: int, at: int) -> int:
        """Where to go on after what is not a tag; in svg and math it may be a CDATA section, with another end."""
        if self.foreign and text.startswith("<![cdata[", start):
            end = text.find("]]>", start)
            return len(text) if end < 0 else end + 3
        return at

    def open(self, text: str, name: str, rest: str, at: int) -> int:
        """Open an element; where to go on, which is behind the text of one that holds no elements."""
        if name in self._opaque and not self.foreign:
            end = re.compile(rf"</{name}(?=[\s/>])").search(text, at)
            if end is not None:
                return end.start()
            self._opaque = self._opaque - {name}
        if rest and name in _FORMATTING:
            self.varied.add(name)
        if not _left_out(self.opened, name):
            self._make_way(name)
            self.opened.append(name)
        self.foreign += name in _FOREIGN
        return at

    def _make_way(self, name: str) -> None:
        closes = _HEADINGS if name in _HEADINGS else _IMPLIED.get(name, frozenset())
        while self.opened and self.opened[-1] in closes:
            self.opened.pop()
        if name in _CLOSE_P:
            self._end("p", foreign=False)
            self.elements += self.going_on

    def close(self, name: str) -> None:
        """Close what an end tag closes."""
        self._end(name, foreign=self.foreign > 0)

    def _end(self, name: str, *, foreign: bool) -> None:
        ended, reopened = _close(self.opened, name, self.varied, foreign=foreign)
        self.foreign -= ended
        if reopened or (self.going_on and name in _FORMATTING):
            self.going_on = min(self.going_on + reopened, sum(one in _FORMATTING for one in self.opened))


def _left_out(opened: list[str], name: str) -> bool:
    """Whether the standard leaves a start tag out: parts of a table outside any."""
    return name in _TABLE and name != "table" and "table" not in opened


def _close(opened: list[str], name: str, varied: set[str], *, foreign: bool) -> tuple[int, int]:
    """Close what an end tag closes; how many of those were svg or math, and how much formatting goes on after it."""
    if name == "form":
        # 13.2.6.4.7: the form alone is taken out, what it holds stays open.
        if name in opened:
            del opened[len(opened) - 1 - opened[::-1].index(name)]
        return 0, 0
    same = _HEADINGS if name in _HEADINGS else frozenset((name,))
    if foreign and name not in _FOREIGN and (not opened or opened[-1] != name):
        return 0, 0  # what stands in svg or math is closed by its own end tag alone
    walls = _walls(name)
    for index in range(len(opened) - 1, -1, -1):
        if opened[index] in same:
            closed = opened[index:]
            # Formatting goes on after the element that it stands in: HTML standard 13.2.4.3, at most three alike, and
            # those with attributes may all differ.
            kept = [one for one in closed[1:] if one in _FORMATTING]
            kept = [one for at, one in enumerate(kept) if one in varied or kept[:at].count(one) < 3]
            opened[index:] = kept
            return sum(one in _FOREIGN for one in closed), len(kept)
        if opened[index] in walls:
            break
    return 0, 0


def _walls(name: str) -> frozenset[str]:
    """The elements beyond which an end tag closes nothing."""
    if name in _TABLE:
        return _names("template select") if name == "table" else _names("template select table")
    if name in _FOREIGN:
        return _SPECIAL | _FORMATTING | _names("ruby span sub sup var")  # these end svg and math before their end tag
    if name == "p":
        return _WALLS | {"button"}
    return _WALLS if name in _BLOCKS or name in _HEADINGS else _SPECIAL
