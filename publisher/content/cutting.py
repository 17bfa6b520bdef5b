"""Cutting HTML that was cleaned to a length: what is left is whole elements, and text that ends behind a word."""

from __future__ import annotations

from collections.abc import Callable

from selectolax.lexbor import LexborHTMLParser, LexborNode

from publisher.content.text import CUT, LOOSE, start_tag, written
from publisher.content.vocabulary import VOID
from publisher.content.walking import walk

_IDEOGRAPHS = "\u2e80"
"""From here on stand the scripts of East Asia (Unicode, CJK Radicals Supplement and what follows it)."""

LONGEST_REFERENCE = len("&quot;")


def cut(html: str, room: int, size: Callable[[str], int] = len) -> str:
    """As much of the beginning of HTML as has room, with every element closed, and a text that was cut marked.

    ``size`` measures a piece of what is returned: at least one for each character, and the whole is the sum of its
    pieces, at most ``room``. Empty where nothing of it has room. HTML that has room comes out as it went in.
    """
    if size(html) <= room:
        return html
    # No more than this has room, and a tag or a reference that is cut off here has none.
    body = LexborHTMLParser(f"<body>{html[: max(room, 0) + LONGEST_REFERENCE]}").body
    if body is None:
        return ""
    writer = _Writer(room - size(CUT), size)
    for node, met in walk(body, lambda _: True):
        if not (writer.meet(node) if met else writer.leave(node)):
            break
    return writer.ended()


class _Writer:
    """Writes piece after piece; ``left`` is the room once all that is open is closed, and it is marked as cut."""

    def __init__(self, left: int, size: Callable[[str], int]) -> None:
        self.left = left
        self.size = size
        self.out: list[str] = []
        self.open: list[tuple[str, int]] = []

    def meet(self, node: LexborNode) -> bool:
        """Write a text, or where an element begins; returns whether it had room."""
        if node.is_text_node:
            return self._text(node.text_content or "")
        if not node.is_element_node:
            return True
        tag, start = node.tag or "", start_tag(node)
        end = "" if tag in VOID else f"</{tag}>"
        needed = self.size(start) + self.size(end)
        if needed > self.left:
            return False
        self.left -= needed
        if end:
            self.open.append((tag, len(self.out)))
        self.out.append(start)
        return True

    def leave(self, node: LexborNode) -> bool:
        """Close the element that was entered last: there is room for that."""
        if node.is_element_node and node.tag not in VOID:
            self.open.pop()
            self.out.append(f"</{node.tag}>")
        return True

    def ended(self) -> str:
        """All that had room, closed. An element of which nothing but its beginning had room is not there."""
        while self.open and self.open[-1][1] == len(self.out) - 1:
            self.open.pop()
            self.out.pop()
        return "".join((*self.out, *(f"</{tag}>" for tag, _ in reversed(self.open))))

    def _text(self, text: str) -> bool:
        whole = written(text)
        needed = self.size(whole)
        if needed <= self.left:
            self.left -= needed
            self.out.append(whole)
            return True
        some = written(self._beginning(text))
        if some:
            self.out += some, CUT  # nowhere else: between the rows of a table no text may stand
        return False

    def _beginning(self, text: str) -> str:
        """As many characters as have room, up to the end of a word."""
        low, high = 0, min(len(text), max(self.left, 0))
        while low < high:
            middle = (low + high + 1) // 2
            if self.size(written(text[:middle])) <= self.left:
                low = middle
            else:
                high = middle - 1
        end = low
        # A number without its last digits is another number. In scripts without spaces a word ends anywhere.
        while 0 < end < len(text) and _of_a_word(text[end - 1]) and _of_a_word(text[end]):
            end -= 1
        return text[:end].rstrip(LOOSE)


def _of_a_word(character: str) -> bool:
    return not character.isspace() and character < _IDEOGRAPHS
