"""The values of an item by which a feed can select it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Facets = Mapping[str, frozenset[str]]
"""Selection key (``topics``) → folded values."""


def fold(text: str) -> str:
    """The form in which values are compared: case and surrounding white space do not count."""
    return " ".join(text.casefold().split())


def item_facets(data: Mapping[str, Any], source: str) -> Facets:
    """The facets of an article or indicator in its JSON form.

    The keys are those of :class:`~publisher.model.feed.Selection`; a key without values is left out.
    """
    found = {"sources": [source]}
    for key, many in (("topics", "topics"), ("authors", "authors")):
        found[key] = list(data.get(many) or ())
    for key, one in (
        ("sections", "section"),
        ("editors", "editor"),
        ("agencies", "agency"),
        ("languages", "language"),
        ("symbols", "symbol"),
    ):
        value = data.get(one)
        found[key] = [value] if value else []
    return {key: frozenset(map(fold, values)) for key, values in found.items() if values}
