"""A narrowing: what a follower wants of a feed besides what the feed selects.

It is written in one form whatever order and case it was asked in, so that it can be a key: of caches, of validators and
of addresses. A new key of it is a line in :data:`KEYS`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode

from publisher.model.facets import wanted_values

KEYS = {"language": "languages", "section": "sections", "topic": "topics"}
"""The names in addresses, each with the selection key that it narrows by."""


class Narrowing(NamedTuple):
    """``text`` is its canonical form, as the query of an address has it: ``language=en&topic=emas``.

    Keys combine with AND, the values of one with OR, as in a selection. Make it with :meth:`of`; empty, it is false.
    """

    text: str = ""

    @classmethod
    def of(cls, wanted: Mapping[str, Iterable[str]]) -> Narrowing:
        """By these keys of :data:`KEYS`, each with its values. Raises KeyError for another key."""
        pairs = {(key, value) for key, values in wanted.items() for value in wanted_values(KEYS[key], values)}
        return cls(urlencode(sorted(pairs)))

    def __bool__(self) -> bool:
        return bool(self.text)

    @property
    def wants(self) -> tuple[tuple[str, frozenset[str]], ...]:
        """Its selection keys, each with the values as facets hold them; an item must meet every key."""
        return _wants(self.text)


EMPTY = Narrowing()
"""All that the feed selects."""


@lru_cache(maxsize=1024)
def _wants(text: str) -> tuple[tuple[str, frozenset[str]], ...]:
    found: dict[str, set[str]] = {}
    for key, value in parse_qsl(text):
        found.setdefault(KEYS[key], set()).add(value)
    return tuple((key, frozenset(values)) for key, values in found.items())
