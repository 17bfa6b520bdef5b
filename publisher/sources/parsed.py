"""What a document gave, as it passes from the process that read it to the service: pieces of JSON, each checked."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from publisher.errors import ReadError
from publisher.model import Indicator
from publisher.model.observed import ObservedArticle, Problem
from publisher.sources.limits import MAX_PROBLEMS, MAX_SHOWN

_ARTICLE = TypeAdapter(ObservedArticle)
_INDICATORS = TypeAdapter(list[Indicator])
_PROBLEMS = TypeAdapter(list[Problem])


@dataclass(slots=True)
class Parsed:
    """Items, and what was wrong; ``rest`` is what else there is, as plain JSON."""

    articles: list[ObservedArticle] = field(default_factory=list)
    indicators: list[Indicator] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    rest: dict[str, Any] = field(default_factory=dict)


def written(parsed: Parsed) -> Iterator[bytes]:
    """The pieces: one for each article, so that none takes long to check, and one for all of the rest."""
    for article in parsed.articles:
        yield b"a" + _ARTICLE.dump_json(article)
    if parsed.indicators:
        yield b"i" + _INDICATORS.dump_json(parsed.indicators)
    if parsed.problems:
        yield b"p" + _PROBLEMS.dump_json(_bounded(parsed.problems))
    if parsed.rest:
        yield b"r" + to_json(parsed.rest)


async def read_back(pieces: Sequence[bytes]) -> Parsed:
    """What the pieces say; others get their turn between two of them. Raises ReadError for what they must not say."""
    parsed = Parsed()
    for number, piece in enumerate(pieces):
        if number:
            await asyncio.sleep(0)
        try:
            _take(parsed, piece[:1], piece[1:])
        except (ValidationError, orjson.JSONDecodeError) as error:
            raise ReadError(f"was read as something that it cannot be: {error}"[:500]) from error
    return parsed


def _take(parsed: Parsed, kind: bytes, content: bytes) -> None:
    if kind == b"a":
        parsed.articles.append(_ARTICLE.validate_json(content))
    elif kind == b"i":
        parsed.indicators += _INDICATORS.validate_json(content)
    elif kind == b"p":
        parsed.problems += _PROBLEMS.validate_json(content)
    elif isinstance(rest := orjson.loads(content), dict):
        parsed.rest = rest


def _bounded(problems: Iterable[Problem]) -> list[Problem]:
    all_of_them = list(problems)
    if len(all_of_them) > MAX_PROBLEMS:  # errors first: what is refused must be told before what is only doubtful
        all_of_them.sort(key=lambda one: one.severity != "error")
    told = [
        replace(one, text=one.text[:MAX_SHOWN]) if one.text and len(one.text) > MAX_SHOWN else one
        for one in all_of_them[:MAX_PROBLEMS]
    ]
    if len(all_of_them) > MAX_PROBLEMS:
        more = f"{len(all_of_them) - MAX_PROBLEMS:,} more problems are not told; put these right first"
        told.append(Problem(told[0].origin, more, severity=_gravest(all_of_them[MAX_PROBLEMS:])))
    return told


def _gravest(problems: Iterable[Problem]) -> Any:
    return "error" if any(one.severity == "error" for one in problems) else "warning"
