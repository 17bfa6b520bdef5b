"""Texts that were cut inside a character, which JSON can hold and no document may show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from publisher.jsonbytes import HALF

CUT = "is cut inside a character: it holds half of one (a lone surrogate)"

At = tuple[str | int, ...]


def halves(values: Mapping[str, Any]) -> Iterator[At]:
    """The places of all texts that hold half a character, in their order."""
    waiting: list[Iterator[tuple[At, Any]]] = [(((key,), value) for key, value in values.items())]
    while waiting:
        found = next(waiting[-1], None)
        if found is None:
            waiting.pop()
            continue
        at, value = found
        if isinstance(value, str):
            if HALF in value:
                yield at
        elif isinstance(value, dict):
            waiting.append(_within(at, value.items()))
        elif isinstance(value, list):
            waiting.append(_within(at, enumerate(value)))


def _within(at: At, parts: Any) -> Iterator[tuple[At, Any]]:
    return (((*at, key), value) for key, value in parts)
