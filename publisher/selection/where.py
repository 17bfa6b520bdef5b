"""Narrowing: what a follower wants of feeds besides what they select. One grammar, whoever follows.

A narrowing is keys with values, ``{"topic": ["rusia", "-olahraga"], "q": ["emas*"]}``, or the same as the query of an
address, ``topic=rusia&topic=-olahraga&q=emas*``. An item must meet every key: have one of its values, and none of those
that begin with ``-``. It has one canonical form whatever order and case it was asked in, so that it can be a key: of
interned filters, caches and addresses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import NamedTuple
from urllib.parse import urlencode

from publisher.configfile import nearest
from publisher.model.base import is_blank
from publisher.model.facets import Facets, fold, wanted_values
from publisher.selection.words import Words, words_of

ARTICLES, INDICATORS, OPERATIONS = "articles", "indicators", "operations"


class NarrowingKey(NamedTuple):
    """A key of narrowings: the selection key that it compares, None for words; and the kinds of items that have it."""

    facet: str | None
    kinds: frozenset[str]


KEYS: Mapping[str, NarrowingKey] = {
    "topic": NarrowingKey("topics", frozenset({ARTICLES})),
    "section": NarrowingKey("sections", frozenset({ARTICLES})),
    "source": NarrowingKey("sources", frozenset({ARTICLES, INDICATORS, OPERATIONS})),
    "author": NarrowingKey("authors", frozenset({ARTICLES})),
    "editor": NarrowingKey("editors", frozenset({ARTICLES})),
    "agency": NarrowingKey("agencies", frozenset({ARTICLES})),
    "language": NarrowingKey("languages", frozenset({ARTICLES})),
    "symbol": NarrowingKey("symbols", frozenset({INDICATORS})),
    "q": NarrowingKey(None, frozenset({ARTICLES, INDICATORS})),
}
"""Every key by which items are told apart."""

ALIASES = {"lang": "language"}
"""Other names of keys; the canonical form has the first."""

SOURCE = "source"
"""The key that asks where items come from, which is not for every follower to know."""

MOST_VALUES = 100
"""Values of all keys together."""

LONGEST_VALUE = 200
"""Characters of a value."""

MOST_WORDS = 10
"""Words of one value of ``q``."""

SHOWN = 40
"""Characters of a name that a fault quotes."""

Pairs = tuple[tuple[str, tuple[str, ...]], ...]
"""A narrowing's canonical form: keys in order, each with its values in order."""


class Unfit(NamedTuple):
    """One thing wrong with a narrowing: where (``topic[1]``, ``topik``), and what, with what would be right."""

    path: str
    said: str


class NotANarrowing(ValueError):
    """The keys or values of a narrowing are wrong; ``faults`` are all of them."""

    def __init__(self, faults: Sequence[Unfit]) -> None:
        super().__init__("; ".join(f"{fault.path}: {fault.said}" for fault in faults))
        self.faults = tuple(faults)


class Where:
    """A narrowing. Make it with :func:`parse`, or of a canonical form; empty, it is false and takes every item."""

    def __init__(self, pairs: Pairs = ()) -> None:
        self.pairs = pairs
        self._facets = tuple(_wants(key, values) for key, values in pairs if KEYS[key].facet)
        self._words = next((_phrases(values) for key, values in pairs if KEYS[key].facet is None), None)

    def __bool__(self) -> bool:
        return bool(self.pairs)

    @cached_property
    def text(self) -> str:
        """Its canonical form as the query of an address."""
        return urlencode([(key, value) for key, values in self.pairs for value in values])

    @property
    def keys(self) -> frozenset[str]:
        """The keys that it names."""
        return frozenset(key for key, _ in self.pairs)

    def misplaced(self, kind: str) -> list[str]:
        """Those of its keys that items of a kind (``articles``, ``indicators``, ``operations``) do not have."""
        return [key for key, _ in self.pairs if kind not in KEYS[key].kinds]

    def takes(self, facets: Facets, words: Callable[[], Words]) -> bool:
        """Whether an item with these facets is taken; ``words`` is called where its words are asked for."""
        for facet, wanted, unwanted in self._facets:
            has = facets.get(facet, frozenset())
            if (wanted and wanted.isdisjoint(has)) or not unwanted.isdisjoint(has):
                return False
        return self._words is None or self._words.met(words())


class _Phrases(NamedTuple):
    wanted: tuple[tuple[str, ...], ...]
    unwanted: tuple[tuple[str, ...], ...]

    def met(self, words: Words) -> bool:
        """Whether all words of one that is wanted are there, and not all of one that is not."""
        if self.wanted and not any(all(map(words.has, one)) for one in self.wanted):
            return False
        return not any(all(map(words.has, one)) for one in self.unwanted)


def parse(given: Mapping[str, Iterable[str]]) -> Where:
    """The narrowing by these keys, each with its values. Raises :class:`NotANarrowing` with everything that is wrong.

    A value that is given twice counts once.
    """
    faults: list[Unfit] = []
    found: dict[str, set[str]] = {}
    count = 0
    for name, values in given.items():
        key = ALIASES.get(name, name)
        if key not in KEYS:
            faults.append(Unfit(name[:SHOWN], f"is no key to narrow by; {nearest(name[:SHOWN], KEYS, quote=chr(39))}"))
            continue
        read = [_read(key, value) for value in values]
        count += len(read)
        if not read:
            faults.append(Unfit(name, "has no value; leave it out, or name what is wanted"))
        faults += [Unfit(f"{name}[{place}]", one.said) for place, one in enumerate(read) if isinstance(one, Unfit)]
        found.setdefault(key, set()).update(one for one in read if isinstance(one, str))
    if count > MOST_VALUES:
        faults.append(Unfit("", f"may have {MOST_VALUES} values in all, not {count:,}"))
    if faults:
        raise NotANarrowing(faults)
    return of(tuple((key, tuple(sorted(values))) for key, values in sorted(found.items())))


@lru_cache(maxsize=4096)
def of(pairs: Pairs) -> Where:
    """The narrowing of a canonical form."""
    return Where(pairs)


def _read(key: str, value: str) -> str | Unfit:
    """A value in its canonical form; or what is wrong with it."""
    excluded, text = value.startswith("-"), value.removeprefix("-")
    if len(value) > LONGEST_VALUE:
        return Unfit("", f"may have {LONGEST_VALUE} characters, not {len(value):,}")
    if is_blank(text):
        return Unfit("", "must not be empty" if not excluded else "must name after '-' what is not wanted")
    if key == "q":
        words = _asked(text)
        if isinstance(words, Unfit):
            return words
        canonical = " ".join(sorted(set(words)))
    else:
        (canonical,) = wanted_values(KEYS[key].facet or "", [text])
    return f"-{canonical}" if excluded else canonical


def _asked(text: str) -> tuple[str, ...] | Unfit:
    """The words of a value of ``q``: all must be there. ``emas*`` is every word that begins with it."""
    asked: list[str] = []
    for part in fold(text).split():
        if asked and part.startswith("-"):
            return Unfit("", f"name {part[:SHOWN]!r} as a value of its own: '-' stands before all that is not wanted")
        found = words_of(part)
        if not found:
            return Unfit("", f"{part[:SHOWN]!r} has no letter or digit to look for")
        asked += [*found[:-1], found[-1] + "*" if part.endswith("*") else found[-1]]
    if len(asked) > MOST_WORDS:
        return Unfit("", f"may have {MOST_WORDS} words, not {len(asked)}")
    return tuple(asked)


def _wants(key: str, values: Iterable[str]) -> tuple[str, frozenset[str], frozenset[str]]:
    wanted = frozenset(value for value in values if not value.startswith("-"))
    return KEYS[key].facet or "", wanted, frozenset(value[1:] for value in values if value.startswith("-"))


def _phrases(values: Iterable[str]) -> _Phrases:
    split = [(value.startswith("-"), tuple(value.removeprefix("-").split())) for value in values]
    return _Phrases(tuple(words for no, words in split if not no), tuple(words for no, words in split if no))
