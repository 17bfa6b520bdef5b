"""Words of a text as searches compare them: whole, and folded."""

from __future__ import annotations

import re
import sys
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable
from functools import cached_property, lru_cache

_ACCENTS = re.compile("[\u0300-\u036f]")


def folded(text: str) -> str:
    """The form in which words are compared: neither case nor accents count, nor how letters are encoded.

    ``Café``, ``CAFE`` and ``cafe`` are one word. Marks that are letters' vowels (of Indic scripts, say) stay.
    """
    return _ACCENTS.sub("", unicodedata.normalize("NFKD", text.casefold()))


def words_of(text: str) -> list[str]:
    """The words of a text, folded, in their order: runs of letters, digits and their marks."""
    return _word().findall(folded(text))


@lru_cache(maxsize=1)
def _word() -> re.Pattern[str]:
    # \w has letters and digits of every script, but not the marks that vowels are written with in some.
    marks = [chr(code) for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code))[0] == "M"]
    return re.compile(f"(?:[^\\W_]|[{re.escape(''.join(marks))}])+")


class Words:
    """The words of an item, folded, asked one by one."""

    def __init__(self, words: Iterable[str]) -> None:
        self._all = frozenset(words)

    @cached_property
    def _sorted(self) -> list[str]:
        return sorted(self._all)

    def has(self, word: str) -> bool:
        """Whether this folded word is there; ``word*``: one that begins with it."""
        if not word.endswith("*"):
            return word in self._all
        prefix = word[:-1]
        place = bisect_left(self._sorted, prefix)
        return place < len(self._sorted) and self._sorted[place].startswith(prefix)
