"""The little that rendering must know of an article's HTML. It was sanitised when it was taken in."""

from __future__ import annotations

import re
from html import escape, unescape
from urllib.parse import urljoin

from selectolax.lexbor import LexborHTMLParser

_RELATIVE = re.compile(r"(\s(?:href|src|poster|cite)=)(\"|')(?!https?:|mailto:|tel:|data:|#)(.*?)\2", re.IGNORECASE)

OPENING_READ = 16_384
"""Characters of an article's HTML in which its beginning stands: a list of large articles must not read them whole."""


def first_text(html: str) -> str | None:
    """The text of the first paragraph that has any, else all text; null if there is none."""
    return _first_text(LexborHTMLParser(html))


def opening(html: str, most: int) -> str | None:
    """The beginning of the first text, at most ``most`` characters and never over half of all text; null if too short.

    It ends with a whole word. No more than :data:`OPENING_READ` characters of the HTML are looked at.
    """
    tree = LexborHTMLParser(html[:OPENING_READ])
    text = _first_text(tree)
    if text is None:
        return None
    room = min(most, len(_all_text(tree)) // 2)
    if len(text) <= room:
        return text
    cut = text[: room + 1].rpartition(" ")[0].rstrip(" ,;:&–-")
    return f"{cut}…" if cut else None


def _first_text(tree: LexborHTMLParser) -> str | None:
    for paragraph in tree.css("p"):
        text = " ".join(paragraph.text().split())
        if text:
            return text
    return _all_text(tree) or None


def _all_text(tree: LexborHTMLParser) -> str:
    return " ".join(tree.body.text(separator=" ").split()) if tree.body else ""


def absolute(html: str, base: str) -> str:
    """The HTML with every link and picture addressed absolutely, as a feed has no address of its own to start from."""

    def resolve(found: re.Match[str]) -> str:
        try:
            url = urljoin(base, unescape(found[3]).strip())
        except ValueError:
            return found[0]
        return f"{found[1]}{found[2]}{escape(url)}{found[2]}"

    return _RELATIVE.sub(resolve, html)


def paragraphs(lines: list[str]) -> str:
    """Lines of plain text as HTML."""
    return "".join(f"<p>{escape(line, quote=False)}</p>" for line in lines)
