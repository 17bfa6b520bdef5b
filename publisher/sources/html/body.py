"""The text of an article: cut out of a page, freed of what is not the article, and cleaned block by block.

What markup an article may have, ``publisher/content`` says; here are the blocks of which it is made.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass, field
from html import escape

from selectolax.lexbor import LexborHTMLParser, LexborNode

from publisher.content import Cleaned, Notes, clean, one_line
from publisher.content.text import paragraph, pieces, said
from publisher.content.vocabulary import ENDS_A_WORD, LEAVES_A_GAP, MEDIA, REMOVED, RENAMED, TOLD
from publisher.content.walking import walk
from publisher.errors import ReadError
from publisher.sources.documents.dom import descendants, parse
from publisher.sources.documents.limits import MAX_BODY
from publisher.sources.profiles.patterns import matches_any
from publisher.sources.profiles.profile import HtmlBody

MAX_BLOCKS = 20_000
"""Paragraphs of one article; no newsroom writes more, and each costs time."""

_PARTS = ENDS_A_WORD - {"br"}
_HEADINGS = frozenset(("h2", "h3", "h4", *RENAMED))
_WHOLE = frozenset(("p", "ul", "ol", "dl", "blockquote", "figure", "table", "pre", "hr")) | _HEADINGS
"""Elements that are one block with all of their content; other block elements are searched for blocks."""
_SHOWN = MEDIA | {"img", "hr"}
"""Elements that make a block even without text."""


@dataclass(slots=True)
class Block:
    """One paragraph or other block: its markup, not yet cleaned, and its text on one line."""

    html: str
    text: str
    shows: bool = True
    """Whether there is text, a picture or a player in it; one without is kept until what is left out has been told."""


def body_blocks(tree: LexborHTMLParser, rules: HtmlBody) -> list[Block]:
    """The blocks of an article in a page, without its junk; changes the tree.

    The scripts and forms of a page are its machinery, which nobody misses in the article: no word is said of them.
    """
    for selector in rules.select:
        nodes = tree.css(selector)
        if nodes:
            break
    else:
        return []
    body = nodes[0]
    if rules.end_comment:
        _cut(body, rules.end_comment)
    for selector in rules.junk:
        for node in body.css(selector):
            if node.mem_id != body.mem_id:
                node.decompose()
    _take_out(body)
    return [block for block in _bounded(body) if block.shows and not matches_any(rules.junk_text, block.text)]


def fragment_blocks(html: str) -> list[Block]:
    """The blocks of a piece of HTML. Raises ReadError for one that is nested too deeply."""
    body = parse(f"<body>{html}").body
    if body is None:
        return []
    left_out = _take_out(body)
    told = "".join(f"<{tag}></{tag}>" for tag in left_out if tag in TOLD)
    return [*_bounded(body), *([Block(told, "", shows=False)] if told else [])]


def plain(html: str) -> str | None:
    """The text of a piece of HTML on one line; None where it has none. Raises ReadError as above."""
    body = parse(f"<body>{html}").body
    return (one_line("".join(said(body))) or None) if body is not None else None


def strip_prefix(block: Block, prefix: str) -> Block:
    """The block without its first characters, which are ``prefix`` whatever the markup and white space in it."""
    paragraph = parse(f"<body>{block.html}").body
    left = len("".join(prefix.split()))
    if paragraph is None:
        return block
    for node in [node for node, met in walk(paragraph, _read) if met and node.is_text_node]:
        if left <= 0:
            break
        text = node.text_content or ""
        at = 0
        while at < len(text) and left > 0:
            left -= not text[at].isspace()
            at += 1
        node.replace_with(text[at:] if left > 0 else text[at:].lstrip())
    return Block((paragraph.inner_html or "").strip(), _text(paragraph))


def sanitised(blocks: list[Block], base: str | None) -> Cleaned:
    """Blocks as HTML that can be shown anywhere, one a line, and what was left out of all of them.

    Raises ReadError for more than five million characters: each short link on a page may stand for a long address.
    """
    lines: list[str] = []
    notes = Notes()
    length = 0
    for block in blocks:
        line = clean(block.html, base, notes).html
        length += len(line) + 1
        if length > MAX_BODY:
            raise ReadError(f"has a text of more than {MAX_BODY:,} characters once its links are absolute")
        if line:
            lines.append(line)
    return Cleaned("\n".join(lines), notes.told())


def escaped(paragraphs: list[str]) -> str:
    """Plain paragraphs as HTML."""
    return "\n".join(map(paragraph, paragraphs))


def _cut(body: LexborNode, comment: str) -> None:
    """Remove what follows the first comment with that text."""
    for node in descendants(body):
        if node.is_comment_node and (node.comment_content or "").strip() == comment:
            break
    else:
        return
    current: LexborNode | None = node
    while current is not None and current.mem_id != body.mem_id:
        while current.next is not None:
            following = current.next
            following.remove() if following.is_text_node or following.is_comment_node else following.decompose()
        current = current.parent


def _take_out(body: LexborNode) -> list[str]:
    """Remove what is not text, and the fallback content of players; returns the names of the former.

    Both may hold paragraphs, which would end the one that they are in.
    """
    gone = [node for node, met in walk(body, _read) if met and node.tag in REMOVED]
    names = [node.tag or "" for node in gone]
    players = [node for node, met in walk(body, _read) if met and node.tag in MEDIA]
    gone += [child for player in players for child in player.iter() if child.tag != "source"]
    for node in gone:
        if node.tag in LEAVES_A_GAP and node.tag in REMOVED:
            node.replace_with(" ")
        else:
            node.decompose()
    return names


def _bounded(body: LexborNode) -> Iterator[Block]:
    for number, block in enumerate(_blocks(body)):
        if number >= MAX_BLOCKS:
            raise ReadError(f"has more than {MAX_BLOCKS:,} paragraphs")
        yield block


def _blocks(top: LexborNode) -> Iterator[Block]:
    """The blocks below a node. Text outside any paragraph becomes paragraphs, parted where two ``<br>`` stand."""
    holding = _holding_blocks(top)
    run = _Run()
    for node, met in walk(top, lambda one: _gone_into(one, holding)):
        if not met:
            yield from run.end()
        elif node.is_text_node:
            yield from run.add(node)
        elif not node.is_element_node:
            continue
        elif _gone_into(node, holding):
            yield from run.end()
        elif node.tag in _WHOLE:
            yield from run.end()
            text = _text(node)
            yield Block(node.html or "", text, bool(text) or _is_shown(node))
        else:
            yield from run.add(node)
    yield from run.end()


def _read(node: LexborNode) -> bool:
    """Whether the text of an element is part of the article's."""
    return node.tag not in REMOVED and node.tag not in MEDIA


def _gone_into(node: LexborNode, holding: Set[int]) -> bool:
    return _read(node) and node.tag not in _WHOLE and (node.tag in _PARTS or node.mem_id in holding)


def _holding_blocks(top: LexborNode) -> Set[int]:
    """The elements below a node that hold a block, each found once: not looked for again from each one around it."""
    holding = {top.mem_id}
    for node, met in walk(top, _read):
        if met and node.is_element_node and node.tag in _PARTS:
            around = node.parent
            while around is not None and around.mem_id not in holding:
                holding.add(around.mem_id)
                around = around.parent
    return holding


def _text(node: LexborNode) -> str:
    return one_line("".join(pieces(node)))


def _is_shown(node: LexborNode) -> bool:
    return node.tag in _SHOWN or any(met and below.tag in _SHOWN for below, met in walk(node, _read))


@dataclass(slots=True)
class _Run:
    """Text and its marks outside any paragraph, until a block begins or ends, or two line breaks stand together."""

    _html: list[str] = field(default_factory=list)
    _texts: list[str] = field(default_factory=list)
    _shows: bool = False
    _breaks: int = 0
    """Line breaks that stand at its end, with nothing but white space behind them."""

    def add(self, node: LexborNode) -> Iterator[Block]:
        """Add a node; the paragraph before it, where it begins a new one."""
        if node.tag == "br":
            self._breaks += 1
            return
        text = node.text_content or "" if node.is_text_node else ""
        if node.is_text_node and not text.strip():
            self._html.append(" ")
            self._texts.append(" ")
            return
        if self._breaks > 1:
            yield from self.end()
        elif self._breaks:
            self._html.append("<br>")
            self._texts.append(" ")
            self._breaks = 0
        self._html.append(escape(text, quote=False) if node.is_text_node else node.html or "")
        self._texts += [text] if node.is_text_node else pieces(node) if _read(node) else ()
        self._shows = self._shows or (node.is_element_node and _is_shown(node))

    def end(self) -> Iterator[Block]:
        """The paragraph, unless there is nothing in it; what is added next begins another."""
        html = "".join(self._html).strip()
        if html:
            text = one_line("".join(self._texts))
            yield Block(f"<p>{html}</p>", text, bool(text) or self._shows)
        self._html, self._texts, self._shows, self._breaks = [], [], False, 0
