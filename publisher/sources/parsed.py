"""What a document gave, as it passes from the process that read it to the service: pieces of JSON, each checked.

Whoever found a fault in a parser may have taken that process over, and then its answers are theirs. So the models and
the HTML are looked at again on this side, by a parser of another make.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from publisher.content import harmless
from publisher.errors import Faulty
from publisher.model import Article, Indicator
from publisher.model.observed import ObservedArticle, Problem
from publisher.sources.documents.limits import MAX_PROBLEMS, MAX_SHOWN
from publisher.sources.json.batch import ENTRY, Entry

_ARTICLE = TypeAdapter(ObservedArticle)
_INDICATORS = TypeAdapter(list[Indicator])
_PROBLEMS = TypeAdapter(list[Problem])

CLEANED_HERE = 65_536
"""Characters of HTML that are cleaned where requests are served, in some two milliseconds; more is in a thread."""


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
    """What the pieces say; others get their turn between two of them. Raises Faulty for what they must not say."""
    parsed = Parsed()
    for number, piece in enumerate(pieces):
        if number:
            await asyncio.sleep(0)
        with _valid():
            await _take(parsed, piece[:1], piece[1:])
    return parsed


async def read_entry(piece: bytes) -> Entry:
    """An article of a batch. Raises Faulty for what it must not say."""
    with _valid():
        entry = ENTRY.validate_json(piece)
        return entry if entry.article is None else replace(entry, article=await _cleaned(entry.article))


@contextlib.contextmanager
def _valid() -> Iterator[None]:
    try:
        yield
    except (ValidationError, orjson.JSONDecodeError) as error:
        raise Faulty(f"was read as something that it cannot be: {error}"[:500]) from error


async def _cleaned(one: ObservedArticle) -> ObservedArticle:
    """The article with a body in which no script hides."""
    body = await clean(one.article.body)
    if body == one.article.body:
        return one
    given = one.article.model_dump() | {"body": body}
    return replace(one, article=Article.model_validate(given), fingerprint=None)


async def clean(html: str) -> str:
    """HTML as :func:`~publisher.content.harmless` leaves it."""
    return harmless(html) if len(html) <= CLEANED_HERE else await asyncio.to_thread(harmless, html)


async def _take(parsed: Parsed, kind: bytes, content: bytes) -> None:
    if kind == b"a":
        parsed.articles.append(await _cleaned(_ARTICLE.validate_json(content)))
    elif kind == b"i":
        parsed.indicators += _INDICATORS.validate_json(content)
    elif kind == b"p":
        parsed.problems += _PROBLEMS.validate_json(content)
    elif isinstance(rest := orjson.loads(content), dict):
        parsed.rest = rest
        fields = rest.get("fields")
        if isinstance(fields, dict) and isinstance(body := fields.get("body"), str):
            fields["body"] = await clean(body)


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
