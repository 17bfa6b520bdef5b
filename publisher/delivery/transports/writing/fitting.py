"""Texts that have to fit: into so many characters, however a receiver counts them and whatever escaping adds."""

from __future__ import annotations

from collections.abc import Callable

CUT = "…"


def fitted(text: str, room: int, size: Callable[[str], int] = len) -> str:
    """The text, or as much of its beginning as has room with a mark behind it, cut behind a word where there is one.

    ``size`` measures a text as it will stand there: at least one for each character.
    """
    if size(text) <= room:
        return text
    low, high = 0, min(len(text), max(room, 0))
    while low < high:
        middle = (low + high + 1) // 2
        if size(text[:middle] + CUT) <= room:
            low = middle
        else:
            high = middle - 1
    if not low:
        return CUT if size(CUT) <= room else ""
    space = text.rfind(" ", 0, low + 1)
    return text[: space if space > low // 2 else low].rstrip() + CUT


def utf16(text: str) -> int:
    """Characters as JavaScript counts them: those outside the first plane are two. None counts more strictly."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def utf8(text: str) -> int:
    """Bytes."""
    return len(text.encode())
