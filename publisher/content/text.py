"""What people read of HTML: text on one line, the first paragraph, a summary of bounded length."""

from __future__ import annotations

from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

from publisher.content.vocabulary import ENDS_A_WORD, MEDIA, REMOVED
from publisher.content.walking import walk

SUMMARY = 300
"""Characters of a summary that is taken from the text."""

OPENING_READ = 16_384
"""Characters of HTML in which an article's beginning stands: a list of large articles must not read them whole."""

_CUT = "…"
_LOOSE = " ,;:&–—-"


def one_line(text: str) -> str:
    """The text with each run of white space as one space, and none at its ends."""
    return " ".join(text.split())


def text_of(html: str) -> str:
    """All text of HTML on one line; a space stands where a block or a line ends."""
    body = LexborHTMLParser(f"<body>{html}").body
    return one_line("".join(pieces(body))) if body is not None else ""


def first_text(html: str) -> str | None:
    """The text of the first paragraph that has any, else all text, on one line; None if there is none."""
    body = LexborHTMLParser(f"<body>{html}").body
    if body is None:
        return None
    for paragraph in body.css("p"):
        if text := one_line("".join(pieces(paragraph))):
            return text
    return one_line("".join(pieces(body))) or None


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
    cut = text[: room + 1].rpartition(" ")[0].rstrip(_LOOSE)
    return f"{cut}{_CUT}" if cut else None


def shortened(text: str, limit: int = SUMMARY) -> str:
    """The text on one line, cut behind the last word that ends within ``limit`` characters and marked as cut."""
    text = one_line(text)
    if len(text) <= limit:
        return text
    cut = text[: limit + 1].rfind(" ")
    # A script without spaces, or one word: no better place than the limit.
    kept = text[: cut if cut > limit // 2 else limit]
    return kept.rstrip(_LOOSE) + _CUT


def pieces(node: LexborNode) -> Iterator[str]:
    """The text below a node, piece by piece, with a space where a block begins or ends."""
    for below, _met in walk(node, lambda one: one.tag not in REMOVED and one.tag not in MEDIA):
        if below.is_text_node:
            yield below.text_content or ""
        elif below.is_element_node and below.tag in ENDS_A_WORD:
            yield " "
