"""The values of an item by which a feed can select it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from publisher.model.languages import language_ranges, range_of

Facets = Mapping[str, frozenset[str]]
"""Selection key (``topics``) → folded values."""


def fold(text: str) -> str:
    """The form in which values are compared: case and surrounding white space do not count."""
    return " ".join(text.casefold().split())


def wanted_values(key: str, values: Iterable[str]) -> frozenset[str]:
    """The values of a selection key in the form in which items' facets hold them.

    A language is a range (RFC 4647 section 2.1): ``en`` takes ``en-GB`` too, ``*`` every one that is named.
    """
    if key != "languages":
        return frozenset(map(fold, values))
    return frozenset(range_of(value) or fold(value) for value in values)


def item_facets(data: Mapping[str, Any], source: str) -> Facets:
    """The facets of an article or indicator in its JSON form.

    The keys are those of :class:`~publisher.model.feed.Selection`; a key without values is left out. Of a language it
    has every range that it is in.
    """
    found = {"sources": [source]}
    for key, many in (("topics", "topics"), ("authors", "authors")):
        found[key] = list(data.get(many) or ())
    for key, one in (
        ("sections", "section"),
        ("editors", "editor"),
        ("agencies", "agency"),
        ("symbols", "symbol"),
    ):
        value = data.get(one)
        found[key] = [value] if value else []
    facets = {key: frozenset(map(fold, values)) for key, values in found.items() if values}
    ranges = language_ranges(data.get("language"))
    return facets | {"languages": ranges} if ranges else facets
