"""The text of an article: cut out of a page, freed of what is not the article, and sanitised."""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from dataclasses import dataclass
from functools import cache
from html import escape
from typing import Any

from selectolax.lexbor import LexborHTMLParser, LexborNode

from publisher.errors import ReadError
from publisher.model.base import xml_legal
from publisher.sources.dom import BLOCKS, descendants, parse, text_of
from publisher.sources.limits import MAX_BODY
from publisher.sources.patterns import matches_any
from publisher.sources.profile import HtmlBody
from publisher.sources.urls import absolute

_ALLOWED_NAMES = (
    "p h2 h3 h4 ul ol li blockquote a strong em b i u s sub sup br hr figure figcaption img table caption thead tbody"
    " tfoot tr th td code pre"
)
ALLOWED_TAGS = frozenset(_ALLOWED_NAMES.split())
MAX_BLOCKS = 20_000
"""Paragraphs of one article; no newsroom writes more, and each costs time."""

_ATTRIBUTES = {"a": {"href"}, "img": {"src", "alt"}, "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan"}}
_REMOVED = {"script", "style", "template", "noscript", "iframe", "object", "form", "svg", "math", "title", "textarea"}
_WHOLE = {"p", "ul", "ol", "blockquote", "figure", "table", "pre", "hr"}
_HEADINGS = {"h1": "h2", "h2": "h2", "h3": "h3", "h4": "h4", "h5": "h4", "h6": "h4"}
_DROPPED = (*sorted(_REMOVED), "head", "button", "input", "select", "nav")
MAX_EMPTY = 8
"""Empty elements inside each other that are looked for."""
_EMPTY = re.compile(r"<img(?: alt=\"[^\"]*\")?>|<(strong|em|b|i|u|s|a|figcaption)(?: [^>]*)?>\s*</\1>")
_TAG = re.compile(r'</?[a-z][a-z0-9]*(?: [a-z]+="[^"<>]*")*>')
_EDGES = ("&nbsp;", "<br>", " ")


@dataclass(slots=True)
class Block:
    """One paragraph or other block: its markup, not yet sanitised, and its text on one line."""

    html: str
    text: str


def body_blocks(tree: LexborHTMLParser, rules: HtmlBody) -> list[Block]:
    """The blocks of an article in a page, without its junk; changes the tree."""
    for selector in rules.select:
        nodes = tree.css(selector)
        if nodes:
            break
    else:
        return []
    body = nodes[0]
    if rules.end_comment:
        _cut(body, rules.end_comment)
    for selector in (*rules.junk, *_DROPPED):
        for node in body.css(selector):
            if node.mem_id != body.mem_id:
                node.decompose()
    return [block for block in _bounded(_blocks(body)) if not matches_any(rules.junk_text, block.text)]


def fragment_blocks(html: str) -> list[Block]:
    """The blocks of a piece of HTML. Raises ReadError for one that is nested too deeply."""
    body = parse(f"<body>{html}").body
    if body is None:
        return []
    for selector in _DROPPED:
        for node in body.css(selector):
            node.decompose()
    return list(_bounded(_blocks(body)))


def strip_prefix(block: Block, prefix: str) -> Block:
    """The block without its first characters, which are ``prefix`` whatever the markup and white space in it."""
    paragraph = parse(f"<body>{block.html}").body
    left = len("".join(prefix.split()))
    if paragraph is None:
        return block
    for node in list(descendants(paragraph)):
        if not node.is_text_node or left <= 0:
            continue
        text = node.text_content or ""
        at = 0
        while at < len(text) and left > 0:
            left -= not text[at].isspace()
            at += 1
        node.replace_with(text[at:] if left > 0 else text[at:].lstrip())
    return Block((paragraph.inner_html or "").strip(), text_of(paragraph))


def sanitised(blocks: list[Block], base: str | None) -> str:
    """Blocks as HTML that can be shown anywhere, one a line.

    Only allowed elements are left, links are http or https and absolute, and nothing is empty. Raises ReadError for
    more than five million characters: each short link on a page may stand for a long address.
    """
    import nh3

    cleaner = nh3.Cleaner(
        tags=set(ALLOWED_TAGS),
        clean_content_tags=_REMOVED - {"noscript"},
        attributes=_ATTRIBUTES,
        attribute_filter=lambda tag, name, value: absolute(value, base) if name in ("href", "src") else value,
        url_schemes={"http", "https"},
        link_rel="noopener noreferrer",
    )
    lines: list[str] = []
    length = 0
    for block in blocks:
        line = _tidy(cleaner.clean(block.html), keep_lines=block.html.startswith("<pre"))
        length += len(line) + 1
        if length > MAX_BODY:
            raise ReadError(f"has a text of more than {MAX_BODY:,} characters once its links are absolute")
        if line:
            lines.append(line)
    return "\n".join(lines)


def harmless(html: str) -> str:
    """What :func:`sanitised` or :func:`escaped` wrote, as it is; of anything else what can be shown anywhere.

    It is for what comes from a process that strangers may have taken over.
    """
    # A parser drops a line break at the start of <pre>: one more, and the one that stands there stays.
    cleaned = _vocabulary().clean(html.replace("<pre>\n", "<pre>\n\n"))
    # A no-break space is written one way by the library and another by people; neither begins or ends any markup.
    given, found = (text.replace("&nbsp;", "\xa0") for text in (html, cleaned))
    return html if given == found or _only_nested_otherwise(given, found) else cleaned.strip()


def _only_nested_otherwise(given: str, cleaned: str) -> bool:
    """Whether each tag is one that the library wrote, too, and nothing else is markup.

    What a parser makes of tags in a strange order it may not make of its own answer. Among these elements no text is
    read as anything but text, so that what is harmless tag by tag is harmless.
    """
    return "<" not in _TAG.sub("", given) and set(_TAG.findall(given)) <= set(_TAG.findall(cleaned))


def escaped(paragraphs: list[str]) -> str:
    """Plain paragraphs as HTML."""
    return "\n".join(f"<p>{escape(xml_legal(text), quote=False)}</p>" for text in paragraphs)


@cache
def _vocabulary() -> Any:
    import nh3

    return nh3.Cleaner(
        tags=set(ALLOWED_TAGS),
        clean_content_tags=_REMOVED - {"noscript"},
        attributes=_ATTRIBUTES,
        url_schemes={"http", "https"},
        link_rel="noopener noreferrer",
    )


def _tidy(html: str, *, keep_lines: bool) -> str:
    """One sanitised block without empty elements and without white space at the edges of a paragraph."""
    html = xml_legal(html).strip()
    if not keep_lines:
        html = re.sub(r"\s+", " ", html)
    for _ in range(MAX_EMPTY):
        html, changes = _EMPTY.subn("", html)
        if not changes:
            break
    if html.startswith("<p>") and html.endswith("</p>"):
        inner = _without_edges(html[3:-4])
        return f"<p>{inner}</p>" if inner else ""
    return html


def _without_edges(html: str) -> str:
    start, end = 0, len(html)
    while edge := next((one for one in _EDGES if html.startswith(one, start, end)), None):
        start += len(edge)
    while edge := next((one for one in _EDGES if html.endswith(one, start, end)), None):
        end -= len(edge)
    return html[start:end]


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


def _bounded(blocks: Iterator[Block]) -> Iterator[Block]:
    number = 0
    try:
        for block in blocks:
            number += 1
            if number > MAX_BLOCKS:
                raise ReadError(f"has more than {MAX_BLOCKS:,} paragraphs")
            yield block
    except RecursionError as error:
        raise ReadError("is nested too deeply") from error


def _blocks(node: LexborNode) -> Iterator[Block]:
    return _blocks_in(node, _holding_blocks(node))


def _blocks_in(node: LexborNode, holding: Set[int]) -> Iterator[Block]:
    """The blocks below a node. Text outside any paragraph becomes paragraphs, parted where two ``<br>`` stand."""
    run: list[str] = []
    for child in node.iter(include_text=True, skip_empty=False):
        tag = child.tag or ""
        if child.is_comment_node:
            continue
        if child.is_element_node and tag in BLOCKS and tag != "br":
            yield from _run(run)
            run = []
            yield from _block(child, tag, holding)
        elif child.is_text_node:
            run.append(escape(child.text_content or "", quote=False))
        elif child.is_element_node and tag not in ("br", "img") and child.mem_id in holding:
            yield from _run(run)
            run = []
            yield from _blocks_in(child, holding)
        else:
            run.append(child.html or "")
    yield from _run(run)


def _block(node: LexborNode, tag: str, holding: Set[int]) -> Iterator[Block]:
    text = text_of(node)
    if tag in _HEADINGS:
        name = _HEADINGS[tag]
        yield Block(f"<{name}>{node.inner_html}</{name}>", text)
    elif tag in _WHOLE:
        if text or tag == "hr" or node.css_first("img") is not None:
            yield Block(node.html or "", text)
    else:
        yield from _blocks_in(node, holding)


def _holding_blocks(top: LexborNode) -> Set[int]:
    """The elements below a node that hold a block, each found once: not looked for anew from each one around it."""
    holding = {top.mem_id}
    for node in descendants(top):
        if node.is_element_node and node.tag in BLOCKS and node.tag != "br":
            around = node.parent
            while around is not None and around.mem_id not in holding:
                holding.add(around.mem_id)
                around = around.parent
    return holding


def _run(pieces: list[str]) -> Iterator[Block]:
    joined = "".join(pieces)
    for part in re.split(r"(?:<br>\s*){2,}", joined):
        if part.strip():
            html = f"<p>{part.strip()}</p>"
            fragment = LexborHTMLParser(html).body
            text = text_of(fragment) if fragment is not None else ""
            if text or "<img" in part:
                yield Block(html, text)
