"""What people read of HTML: text on one line, the first paragraph, a summary of bounded length. And text as HTML."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from selectolax.lexbor import LexborHTMLParser, LexborNode

from publisher.content.vocabulary import ENDS_A_WORD, LEAVES_A_GAP, MEDIA, READINGS, REMOVED, STRUCK, VOID
from publisher.content.walking import walk
from publisher.model.base import xml_legal

SUMMARY = 300
"""Characters of a summary that is taken from the text."""

OPENING_READ = 16_384
"""Characters of HTML in which an article's beginning stands: a list of large articles must not read them whole."""

# Plain text has no small figures but these: without them 10<sup>2</sup> is read as 102.
_SMALL = {
    "sup": str.maketrans(
        "0123456789+-\u2212=()",
        "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079\u207a\u207b\u207b\u207c\u207d\u207e",
    ),
    "sub": str.maketrans(
        "0123456789+-\u2212=()",
        "\u2080\u2081\u2082\u2083\u2084\u2085\u2086\u2087\u2088\u2089\u208a\u208b\u208b\u208c\u208d\u208e",
    ),
}

CUT = "…"
LOOSE = " ,;:&–—-"
"""What a text that was cut ends with, and what is not left before that."""


_UNSAID = REMOVED | MEDIA | STRUCK | READINGS
_PARTING = ENDS_A_WORD | LEAVES_A_GAP | STRUCK


def one_line(text: str) -> str:
    """The text with each run of white space as one space, and none at its ends."""
    return " ".join(text.split())


def text_of(html: str) -> str:
    """All text of HTML on one line, as :func:`said` has it; a space stands where a block or a line ends."""
    body = LexborHTMLParser(f"<body>{html}").body
    return one_line("".join(said(body))) if body is not None else ""


def markup_of(html: str) -> Iterator[str]:
    """The tags and texts of HTML in turn, each as it is written: ``<p>``, ``a &amp; b``, ``</p>``.

    A text never begins with ``<``. HTML that was cleaned comes out as it went in.
    """
    body = LexborHTMLParser(f"<body>{html}").body
    for node, met in walk(body, lambda _: True) if body is not None else ():
        if node.is_text_node:
            yield written(node.text_content or "")
        elif node.is_element_node and met:
            yield start_tag(node)
        elif node.is_element_node and node.tag not in VOID:
            yield f"</{node.tag}>"


def first_text(html: str) -> str | None:
    """The text of the first paragraph that has any, else all text, on one line; None if there is none."""
    body = LexborHTMLParser(f"<body>{html}").body
    if body is None:
        return None
    for paragraph in body.css("p"):
        if text := one_line("".join(said(paragraph))):
            return text
    return one_line("".join(said(body))) or None


def opening(html: str, limit: int = SUMMARY) -> str | None:
    """The first text, shortened; None if there is none. A long article is not read to its end."""
    text = first_text(html[:OPENING_READ])
    return shortened(text, limit) if text else None


def excerpt(html: str, limit: int = SUMMARY) -> str | None:
    """The first text, at most ``limit`` characters and never over half of all text, for whoever may not have it whole.

    None where that is too short to show a part of.
    """
    html = html[:OPENING_READ]
    text = first_text(html)
    if text is None:
        return None
    room = min(limit, len(text_of(html)) // 2)
    if len(text) <= room:
        return text
    cut = text[: room + 1].rpartition(" ")[0].rstrip(LOOSE)
    return f"{cut}{CUT}" if cut else None


def summary_of(article: Mapping[str, Any]) -> str | None:
    """The own summary of an article in its JSON form, else how its text begins, for whoever may not have it whole.

    None where that is too short to show a part of.
    """
    return (article.get("summary") or "").strip() or excerpt(article.get("body") or "")


def summarised(article: Mapping[str, Any]) -> dict[str, Any]:
    """The article's JSON form with a ``summary`` and without its ``body``; an erased one, which has none, as it is."""
    if "body" not in article:
        return dict(article)
    return {**article, "summary": summary_of(article), "body": None}


def shortened(text: str, limit: int = SUMMARY) -> str:
    """The text on one line, cut behind the last word that ends within ``limit`` characters and marked as cut."""
    text = one_line(text)
    if len(text) <= limit:
        return text
    cut = text[: limit + 1].rfind(" ")
    # A script without spaces, or one word: no better place than the limit.
    kept = text[: cut if cut > limit // 2 else limit]
    return kept.rstrip(LOOSE) + CUT


def paragraph(text: str) -> str:
    """Plain text as a paragraph of HTML."""
    return f"<p>{escape(xml_legal(text), quote=False)}</p>"


def said(node: LexborNode) -> Iterator[str]:
    """The text below a node as plain text can say it, piece by piece.

    What is struck out is left out, as are the readings of a ruby; small figures are those of Unicode (``10²``), and a
    quotation has its marks. So no number runs into another that looks otherwise.
    """
    small: list[str] = []
    for below, met in walk(node, lambda one: one.tag not in _UNSAID):
        if below.is_text_node:
            text = below.text_content or ""
            yield text.translate(_SMALL[small[-1]]) if small and any(map(str.isdecimal, text)) else text
        elif not below.is_element_node:
            continue
        elif below.tag in _SMALL:
            small.append(below.tag or "") if met else small.pop()
        elif below.tag == "q":
            yield "“" if met else "”"
        elif below.tag in _PARTING:
            yield " "


def pieces(node: LexborNode) -> Iterator[str]:
    """The text below a node letter for letter, piece by piece, with a space where a block begins or ends."""
    for below, _met in walk(node, lambda one: one.tag not in REMOVED and one.tag not in MEDIA):
        if below.is_text_node:
            yield below.text_content or ""
        elif below.is_element_node and below.tag in ENDS_A_WORD:
            yield " "


def start_tag(node: LexborNode) -> str:
    """The tag with which an element begins, with its attributes."""
    attributes = node.attributes
    if not attributes:
        return f"<{node.tag}>"
    values = ((name, written(value or "").replace('"', "&quot;")) for name, value in attributes.items())
    return f"<{node.tag} " + " ".join(f'{name}="{value}"' for name, value in values) + ">"


def written(text: str) -> str:
    """Text as HTML has it: four references and no others (HTML standard, "escaping a string")."""
    return text.replace("&", "&amp;").replace("\xa0", "&nbsp;").replace("<", "&lt;").replace(">", "&gt;")
