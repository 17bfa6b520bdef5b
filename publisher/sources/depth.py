"""How deeply a page is nested, told from its tags before it is parsed.

Parsing takes time by the square of the depth: 200,000 open ``<div>`` hold a parser up for minutes. What is told is
never less than the depth of the tree that the HTML standard makes of the page, and a little more where tags are
missing: an end tag closes an element only where the standard surely lets it.
"""

from __future__ import annotations

import re

MAX_DEPTH = 400
"""Open elements at any place of a page; browsers stop at 512."""

_TAG = re.compile(r"<(?:(!--)|(/?)([a-z][^\s/<>]*)([^<>]*))")

# HTML standard 13.2.5.44: "<!-->" and "<!--->" are comments, too.
_COMMENT_END = re.compile(r"(?<=<!--)-?>|--!?>")


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_VOID = _names("area base br col embed hr img input link meta param source track wbr html head body")
_OPAQUE = _names("script style textarea title")
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
    text = text.lower()
    opened: list[str] = []
    at = foreign = 0
    opaque = _OPAQUE
    while match := _TAG.search(text, at):
        comment, closing, name, rest = match.groups()
        at = match.end()
        if comment:
            end = _COMMENT_END.search(text, at)
            if end is None:
                return False  # all the rest is comment
            at = end.end()
        elif name in _VOID or (rest.endswith("/") and foreign):
            continue
        elif closing:
            foreign -= _close(opened, name, foreign=foreign > 0)
        else:
            if name in opaque and not foreign:
                closed = text.find(f"</{name}", at)
                if closed >= 0:
                    at = closed
                    continue
                opaque = opaque - {name}
            _open(opened, name)
            foreign += name in _FOREIGN
            if len(opened) > limit:
                return True
    return False


def _open(opened: list[str], name: str) -> None:
    if name in _TABLE and name != "table" and "table" not in opened:
        return  # the standard leaves it out
    closes = _HEADINGS if name in _HEADINGS else _IMPLIED.get(name, frozenset())
    while opened and opened[-1] in closes:
        opened.pop()
    if name in _CLOSE_P:
        _close(opened, "p")
    opened.append(name)


def _close(opened: list[str], name: str, *, foreign: bool = False) -> int:
    """Close what an end tag closes; how many of those were svg or math."""
    if name == "form":
        # 13.2.6.4.7: the form alone is taken out, what it holds stays open.
        if name in opened:
            del opened[len(opened) - 1 - opened[::-1].index(name)]
        return 0
    same = _HEADINGS if name in _HEADINGS else frozenset((name,))
    if foreign and name not in _FOREIGN and (not opened or opened[-1] != name):
        return 0  # what stands in svg or math is closed by its own end tag alone
    walls = _walls(name)
    for index in range(len(opened) - 1, -1, -1):
        if opened[index] in same:
            closed = opened[index:]
            # Formatting goes on after the element that it stands in: HTML standard 13.2.4.3, at most three alike.
            kept = [one for one in closed[1:] if one in _FORMATTING]
            opened[index:] = [one for at, one in enumerate(kept) if kept[:at].count(one) < 3]
            return sum(one in _FOREIGN for one in closed)
        if opened[index] in walls:
            break
    return 0


def _walls(name: str) -> frozenset[str]:
    """What the end tag of an element does not reach beyond."""
    if name in _TABLE:
        return _names("template select") if name == "table" else _names("template select table")
    if name in _FOREIGN:
        return _SPECIAL | _FORMATTING | _names("ruby span sub sup var")  # these end svg and math before their end tag
    if name == "p":
        return _WALLS | {"button"}
    return _WALLS if name in _BLOCKS or name in _HEADINGS else _SPECIAL
