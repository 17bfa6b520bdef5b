"""A page as a tree, within limits, and the values that a profile's rules find in it."""

from __future__ import annotations

from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

from publisher.errors import ReadError
from publisher.sources.documents.depth import too_much
from publisher.sources.profiles.patterns import value_of
from publisher.sources.profiles.profile import Rule

# Elements without text for people, and those that begin a new piece of text.
_SILENT = frozenset(("script", "style", "template", "noscript", "iframe", "object", "svg", "math"))
_BLOCK_NAMES = (
    "address article aside blockquote dd details div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6"
    " header hr li main nav ol p pre section table tbody td tfoot th thead tr ul br"
)
BLOCKS = frozenset(_BLOCK_NAMES.split())


def parse(text: str) -> LexborHTMLParser:
    """The tree of a page. Raises ReadError for one with too many elements or attributes, or nested too deeply."""
    if over := too_much(text):
        raise ReadError(over)
    return LexborHTMLParser(text)


def descendants(node: LexborNode) -> Iterator[LexborNode]:
    """Everything below a node in document order, comments and text included."""
    current = node.first_child
    top = node.mem_id  # == compares the markup of two nodes, which takes as long as writing it out
    while current is not None:
        yield current
        following = current.first_child or current.next
        while following is None:
            current = current.parent
            if current is None or current.mem_id == top:
                return
            following = current.next
        current = following


def text_of(node: LexborNode, *, apart: bool = False) -> str:
    """The text of a node on one line, as people see it: a space between block elements, no scripts.

    ``apart``: so is what stands raised, lowered or hidden.
    """
    return " ".join("".join(_pieces(node, apart=apart)).split())


def _pieces(top: LexborNode, *, apart: bool) -> Iterator[str]:
    """The text below a node, and a space at both edges of each block. A loop: generators inside each other would pass
    each piece on through every element around it.
    """
    end = top.mem_id
    node: LexborNode | None = top.first_child
    while node is not None:
        if node.is_text_node:
            yield node.text_content or ""
        elif node.is_element_node and node.tag not in _SILENT:
            if node.tag in BLOCKS or (apart and _is_aside(node)):
                yield " "
            if node.first_child is not None:
                node = node.first_child
                continue
        while node is not None and node.next is None:
            node = node.parent
            if node is None or node.mem_id == end:
                return
            if node.tag in BLOCKS or (apart and _is_aside(node)):
                yield " "
        node = node.next if node is not None else None


def _is_aside(node: LexborNode) -> bool:
    attributes = node.attributes
    style = (attributes.get("style") or "").replace(" ", "").lower()
    return node.tag in ("sup", "sub") or "hidden" in attributes or "display:none" in style


def select(
    scope: LexborHTMLParser | LexborNode, rules: tuple[Rule, ...], *, apart: bool = False
) -> list[tuple[LexborNode, str]]:
    """The matches of the first rule that has any: each element and its value."""
    for rule in rules:
        found = [(node, value) for node in scope.css(rule.select) if (value := _value(node, rule, apart=apart))]
        if found:
            return found
    return []


def first(scope: LexborHTMLParser | LexborNode, rules: tuple[Rule, ...], *, apart: bool = False) -> str | None:
    """The first value that the rules find; None if they find none. ``apart``: see :func:`text_of`."""
    found = select(scope, rules, apart=apart)
    return found[0][1] if found else None


def _value(node: LexborNode, rule: Rule, *, apart: bool) -> str | None:
    text = text_of(node, apart=apart) if rule.attribute is None else (node.attributes.get(rule.attribute) or "")
    return value_of(rule.pattern, text)
