"""Whether two texts that say the same give different numbers for it."""

from __future__ import annotations

import re
from collections import Counter

_TOKEN = re.compile(r"(?P<number>\d+(?:[.,:]\d+)*)|[^\W\d_]+")

_Words = tuple[str, ...]


def other_number(one: str, other: str, *, behind: int = 2) -> tuple[str, str] | None:
    """The first number of a text for which another gives a different one, and that: between the same two words before
    it and as many as ``behind`` after it, which stand as often in both. Null where there is none.
    """
    first, second = _numbers(one, behind), _numbers(other, behind)
    for words, numbers in first.items():
        found = second.get(words, [])
        only, instead = Counter(numbers) - Counter(found), Counter(found) - Counter(numbers)
        if only and len(numbers) == len(found):
            return next(iter(only)), next(iter(instead))
    return None


def _numbers(text: str, behind: int) -> dict[_Words, list[str]]:
    """The numbers of a text by the words around each; a number among those is no word."""
    tokens = list(_TOKEN.finditer(text.casefold()))
    words = ["", "", *("#" if token["number"] else token[0] for token in tokens), *[""] * behind]
    found: dict[_Words, list[str]] = {}
    for at, token in enumerate(tokens):
        around = (*words[at : at + 2], *words[at + 3 : at + 3 + behind])
        if token["number"] and any(word.isalpha() for word in around):
            found.setdefault(around, []).append(token["number"])
    return found
