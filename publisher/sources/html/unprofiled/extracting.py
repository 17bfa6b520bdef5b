"""The text of a page by its structure: where its paragraphs stand close together and its links do not.

An element that names itself the article is taken at its word where most of the text is in it; else paragraphs count for
what holds them, as in Arc90's Readability. One walk over the page, and one over what it chose.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from selectolax.lexbor import LexborHTMLParser, LexborNode

from publisher.content import one_line
from publisher.content.walking import walk
from publisher.sources.documents.dom import text_of
from publisher.sources.html.body import Block, fragment_blocks
from publisher.sources.html.unprofiled.classnames import BODY, is_aside, name_words
from publisher.sources.html.unprofiled.evidence import plain, word_set
from publisher.sources.html.unprofiled.junk import is_junk

_GONE = word_set("script style noscript template button select textarea input label svg math canvas object")
_FRAMES = frozenset(("iframe", "embed"))
_HEADINGS = "h1, h2, h3, h4"
_MAIN = re.compile(r"\bmain-?content\b")
_PLAYER = re.compile(
    r"//[^/?#]*(?:youtu\.?be|youtube|vimeo|dailymotion|brightcove|jwplatform|jwplayer|player|video|soundcloud|spotify|podcast"
    r"|audio|twitch|rutube|vk\.com/video|bilibili|datawrapper|flourish|infogram)|/(?:embed|player)[/?.]",
    re.IGNORECASE,
)
_BESIDE = word_set("nav footer aside form dialog menu")
_ROLES = word_set("navigation banner complementary contentinfo search dialog alert menu toolbar")
_BLOCK = word_set(
    "p div section article main td li blockquote pre dd dt figure figcaption header h1 h2 h3 h4 h5 h6 ul ol"
    " table tr tbody center address details summary body"
)
_COUNTED = word_set("p pre blockquote dd td div section article main body center")
_COMMAS = re.compile(r"[,，、،;؛。।।]")
MAX_PARTS = 40
"""Boxes of one name that a text may be parted into."""

_NESTED = 6
"""How deep what holds most of a page is gone into for what stands beside the article in it."""

SHORT = 25
"""Characters of a paragraph that does not count."""


@dataclass(slots=True)
class _Counted:
    """What was counted of one element: its ``score`` by the paragraphs in it, its text and that of its links, and the
    text that stands in it directly, in no block below."""

    node: LexborNode
    score: float = 0.0
    text: int = 0
    linked: int = 0
    direct: list[str] = field(default_factory=list)
    good: int = 0
    """Characters of its paragraphs."""

    @property
    def density(self) -> float:
        return self.linked / self.text if self.text else 0.0


def extract(tree: LexborHTMLParser, headline: str | None = None) -> list[Block]:
    """The blocks of the article in a page with what is shown around it, none where there is no text that could be one;
    changes the tree. Where a page goes on with further articles, the one under ``headline`` is meant.
    """
    body = tree.body
    if body is None:
        return []
    _take_out(body)
    body = _under(headline, body)
    counted = _count(body)
    top = _top(counted, body)
    if top is None:
        return []
    return [block for node in _with_siblings(top, counted) for block in _blocks(node)]


def _take_out(body: LexborNode) -> None:
    """Take out what is never an article's: machinery, navigation, and what is named as standing beside it."""
    for node in _found(body, lambda one: one.tag in _GONE or (one.tag in _FRAMES and not _plays(one))):
        node.decompose()
    total = len(body.text(deep=True) or "")
    kept: set[int] = set()
    for _ in range(_NESTED):
        found = _found(body, lambda one: one.mem_id not in kept and _is_beside(one))
        for node in found:
            # Some name all of a page after its sidebar: nothing that holds most of it is beside it.
            if len(node.text(deep=True) or "") < 0.4 * total or _is_never(node):
                node.decompose()
            elif node.tag == "form":
                node.unwrap()  # some servers put the whole page into one
            else:
                kept.add(node.mem_id)  # what is in it is looked at next
        if not found:
            break


def _under(headline: str | None, body: LexborNode) -> LexborNode:
    """Of a page with several headings of the first rank, what stands under the headline and under no other of them; all
    of it where that is no text.
    """
    headings = body.css("h1")[:MAX_PARTS]
    own = next((one for one in headings if headline and plain(text_of(one)) == plain(headline)), None)
    if own is None or len(headings) < 2:
        return body
    others = {above.mem_id for one in headings if one.mem_id != own.mem_id for above in _above(one)}
    under = own
    for above in _above(own):
        if above.mem_id in others:
            break
        under = above
    return under if len(under.text(deep=True) or "") >= 200 else body


def _is_never(node: LexborNode) -> bool:
    """Whether it is not the article however much there is in it: what readers wrote."""
    return "comment" in " ".join(name_words(node)) and node.css_first("h1, article, [itemprop~=articleBody]") is None


def _plays(frame: LexborNode) -> bool:
    """Whether a frame is a player, and no button or advertisement."""
    return _PLAYER.search(frame.attributes.get("src") or frame.attributes.get("data-src") or "") is not None


def _found(body: LexborNode, wanted: Callable[[LexborNode], bool]) -> list[LexborNode]:
    """The outermost elements that are wanted."""
    found: list[LexborNode] = []

    def enters(node: LexborNode) -> bool:
        if not wanted(node):
            return True
        found.append(node)
        return False

    for _ in walk(body, enters):
        pass
    return found


def _is_beside(node: LexborNode) -> bool:
    if node.tag in _BESIDE:
        return True
    attributes = node.attributes
    if (attributes.get("role") or "").lower() in _ROLES or "hidden" in attributes:
        return True
    if node.tag in ("html", "body", "main", "p", "a", "b", "i", "em", "strong", "br", "img"):
        return False
    if attributes.get("aria-hidden") == "true" and node.tag not in ("figure", "picture", "span"):
        return True
    if "display:none" in (attributes.get("style") or "").replace(" ", "").lower():
        return True
    return node.tag != "article" and is_aside(node) and "articlebody" not in (attributes.get("itemprop") or "").lower()


def _count(body: LexborNode) -> list[_Counted]:
    """What each block of a page holds, the page itself first."""
    root = _Counted(body)
    stack, done, in_link = [root], [root], 0
    for node, met in walk(body, lambda one: one.is_element_node and one.tag not in _GONE):
        if node.is_text_node:
            text = node.text_content or ""
            size = len(one_line(text))
            stack[-1].direct.append(text)
            stack[-1].text += size
            stack[-1].linked += size if in_link else 0
        elif not node.is_element_node:
            continue
        elif node.tag == "a":
            in_link += 1 if met else -1
        elif node.tag == "br":
            stack[-1].direct.append(" ")
        elif node.tag in _BLOCK:
            if met:
                stack.append(_Counted(node))
                done.append(stack[-1])
            else:
                _close(stack)
    while len(stack) > 1:
        _close(stack)
    _close([_Counted(body), root])
    return done


def _close(stack: list[_Counted]) -> None:
    one = stack.pop()
    above = stack[-1]
    direct = one_line("".join(one.direct))
    if len(direct) >= SHORT and one.node.tag in _COUNTED and one.density < 0.5:
        points = 1 + len(_COMMAS.findall(direct)) + min(len(direct) / 100, 3)
        one.good += len(direct)
        if one.node.tag in ("p", "pre", "blockquote", "dd"):
            above.score += points
        elif len(direct) > 80:
            one.score += points
            above.score += points / 2
        if len(stack) > 1:
            stack[-2].score += points / 2
        if len(stack) > 2:
            stack[-3].score += points / 4
    above.text += one.text
    above.linked += one.linked
    above.good += one.good


def _top(counted: list[_Counted], body: LexborNode) -> _Counted | None:
    """The element that holds the article."""
    good = counted[0].good
    stated = [one for one in counted if "articlebody" in (one.node.attributes.get("itemprop") or "").lower()]
    stated += [one for one in counted if _is_named_text(one.node) and one.node.mem_id != body.mem_id]
    scored = sorted((one for one in counted if one.score > 0), key=_worth, reverse=True)
    best = scored[0] if scored else None
    for one in sorted(stated, key=lambda each: each.good, reverse=True):
        if (
            one.good >= 140
            and best is not None
            and one.good >= 0.6 * best.good
            and one.good >= 0.25 * good
            and one.density < 0.4
        ):
            if _narrower(one, stated):
                continue
            return one
    return best


def _is_named_text(node: LexborNode) -> bool:
    """Whether it is named as the text of an article; what holds the main content holds much else besides."""
    return BODY.search(_MAIN.sub("", " ".join(name_words(node)))) is not None


def _narrower(one: _Counted, stated: list[_Counted]) -> bool:
    """Whether another that names itself the text holds nearly all of this one's, and less besides."""
    return any(each is not one and each.text < one.text and each.good >= 0.9 * one.good for each in stated)


def _worth(one: _Counted) -> float:
    named = " ".join(name_words(one.node))
    weight = 1.25 if BODY.search(named) else 1.0
    if one.node.tag in ("article", "main"):
        weight *= 1.2
    if is_aside(one.node):
        weight *= 0.2
    return one.score * weight * (1 - one.density)


def _with_siblings(top: _Counted, counted: list[_Counted]) -> list[LexborNode]:
    """The element, and those beside it that hold more of the same: articles that are cut in parts."""
    if len(parts := _parts(top, counted)) > 1:
        return parts
    above = top.node.parent
    if above is None or top.node.tag in ("body", "article", "main"):
        return [top.node]
    by_id = {one.node.mem_id: one for one in counted}
    found = []
    for node in above.iter():
        one = by_id.get(node.mem_id)
        if node.mem_id == top.node.mem_id or (one is not None and _continues(one, top)):
            found.append(node)
    return found


def _parts(top: _Counted, counted: list[_Counted]) -> list[LexborNode]:
    """The elements of the same name in the same article, the chosen one among them: texts that pictures part, each
    part in a box of its own. Where a page goes on with the next article, that one's parts are not this one's.
    """
    names = top.node.attributes.get("class")
    if not names or len([one for one in counted if one.node.tag == "h1"]) > 1:
        return [top.node]
    article = _article_around(top.node)
    named = [one for one in counted if one.node.attributes.get("class") == names and one.node.tag == top.node.tag]
    ids = {one.node.mem_id for one in named}
    found: list[LexborNode] = []
    for one in named[:MAX_PARTS]:
        if any(above.mem_id in ids for above in _above(one.node)):
            return [top.node]  # boxes within boxes of that name are no parts beside each other
        own = one.node.mem_id == top.node.mem_id or (
            one.good >= 80 and one.density < 0.3 and not _has_own_title(one.node, top.node)
        )
        if own and _article_around(one.node) == article:
            found.append(one.node)
    return found


def _has_own_title(part: LexborNode, top: LexborNode) -> bool:
    """Whether the box around a part has a heading of its own: then it is another article's, or beside this one."""
    around = {above.mem_id for above in _above(top)}
    within = len(part.css(_HEADINGS))
    for above in _above(part):
        if above.mem_id in around:
            return False
        if len(above.css(_HEADINGS)) > within:
            return True
    return False


def _article_around(node: LexborNode) -> int:
    """The element around it that is an article; the page where none is."""
    return next((one.mem_id for one in _above(node) if one.tag in ("article", "body")), 0)


def _above(node: LexborNode) -> Iterator[LexborNode]:
    current = node.parent
    while current is not None:
        yield current
        current = current.parent


def _continues(one: _Counted, top: _Counted) -> bool:
    """Whether an element beside the article's is a further part of it."""
    if one.density >= 0.3 or one.node.tag in ("header", "figure"):
        return False
    names = one.node.attributes.get("class")
    alike_named = bool(names) and names == top.node.attributes.get("class") and one.node.tag == top.node.tag
    return one.score >= max(10, top.score * 0.2) or (one.good >= 80 and (one.node.tag == "p" or alike_named))


def _blocks(node: LexborNode) -> Iterator[Block]:
    for block in fragment_blocks(node.html or ""):
        if not is_junk(block, linked_text(block.html)):
            yield block


def linked_text(html: str) -> int:
    """Characters of the text in a piece of HTML that are links'."""
    if "<a" not in html:
        return 0
    tree = LexborHTMLParser(f"<body>{html}")
    return sum(len(text_of(node)) for node in tree.css("a"))
