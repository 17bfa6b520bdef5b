"""Where an article's values came from, and what is doubtful about them: kept beside the article, and no part of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

MAX_DOUBTS = 50
"""Doubts that are kept of one article."""

MAX_TEXT = 200
"""Characters that are kept of a text that was found, and of a field's path."""

MAX_MESSAGE = 500
"""Characters that are kept of what is said of it."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """What is doubtful about a field of an article that was taken, or wrong, so that the field is None.

    ``text`` is what was found, None where that says nothing; ``field`` is None where it is about the whole article.
    """

    field: str | None
    message: str
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Provenance:
    """``origins``: field → where its value came from, for each field that has one.

    These are ``profile``, ``jsonld``, ``opengraph``, ``page``, ``extracted``, ``guessed``, ``feed``, ``json``, ``text``
    and ``api``. ``edition`` counts how often this changed since the article itself did.
    """

    origins: Mapping[str, str] = field(default_factory=dict)
    doubts: tuple[Doubt, ...] = ()
    edition: int = 0

    def renewed(self, later: Provenance) -> Provenance:
        """What is known of the same article after it was read once more."""
        if (later.origins, later.doubts) == (self.origins, self.doubts):
            return self
        return replace(later, edition=self.edition + 1)


NOTHING_KNOWN = Provenance()
"""The provenance of what was stored before provenance was kept."""


def bounded(doubts: Iterable[Doubt]) -> tuple[Doubt, ...]:
    """The first doubts, each once, cut to the lengths that are kept."""
    cut = (
        Doubt(one.field and one.field[:MAX_TEXT], one.message[:MAX_MESSAGE], one.text and one.text[:MAX_TEXT])
        for one in doubts
    )
    return tuple(dict.fromkeys(cut))[:MAX_DOUBTS]


def doubts_json(provenance: Provenance) -> list[dict[str, str | None]]:
    """The doubts as JSON-ready values."""
    return [{"field": one.field, "message": one.message, "text": one.text} for one in provenance.doubts]


def provenance_json(provenance: Provenance) -> dict[str, Any]:
    """The provenance as JSON-ready values, without empty ones; ``{}`` where nothing is known."""
    found = {
        "origins": dict(provenance.origins),
        "warnings": doubts_json(provenance),
        "edition": provenance.edition,
    }
    return {key: value for key, value in found.items() if value}


def provenance_of(data: Mapping[str, Any]) -> Provenance:
    """The inverse of :func:`provenance_json`."""
    doubts = (Doubt(one["field"], one["message"], one["text"]) for one in data.get("warnings", ()))
    return Provenance(data.get("origins", {}), tuple(doubts), data.get("edition", 0))
