"""Many articles pushed in one request: each is taken or refused by itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from pydantic import TypeAdapter

from publisher.jsonbytes import CUT, HALF
from publisher.model.observed import ObservedArticle, Problem
from publisher.sources.documents.limits import MAX_PUSHED
from publisher.sources.json.pushed import read_article_json


@dataclass(frozen=True, slots=True)
class Entry:
    """One article of a batch: its id if it has one, the article unless it is refused, and what is wrong or doubtful."""

    id: str | None
    article: ObservedArticle | None = None
    problems: list[Problem] = field(default_factory=list)


ENTRY = TypeAdapter(Entry)


def not_a_batch(payload: Any, most: int) -> str | None:
    """Why a document is no list of articles, in words; None where it is one."""
    if isinstance(payload, list) and 1 <= len(payload) <= most:
        return None
    said = f"is a list of {len(payload)}" if isinstance(payload, list) else "is no list; send one article with PUT"
    return f"must be a list of 1 to {most} articles, each with its id; it {said}"


def read_entries(given: Sequence[Any], *, origin: str, language: str) -> Iterator[Entry]:
    """The articles of a list, in their order. The ``field`` of a problem is where it stands in the whole list."""
    seen: dict[str, int] = {}
    for number, payload in enumerate(given):
        at = f"[{number}]"
        id_ = payload.get("id") if isinstance(payload, dict) else None
        if not isinstance(payload, dict):
            yield Entry(None, None, [Problem(origin, "must be an object", field=at)])
        elif not isinstance(id_, str):
            yield Entry(None, None, [Problem(origin, "is missing", field=f"{at}.id")])
        elif HALF in id_:
            yield Entry(None, None, [Problem(origin, f"{CUT}; send it whole", field=f"{at}.id")])
        elif id_ in seen:
            message = f"is that of [{seen[id_]}], too; send one of them"
            yield Entry(id_, None, [Problem(origin, message, field=f"{at}.id")])
        else:
            seen[id_] = number
            yield _entry(id_, payload, at, origin=origin, language=language)


def read_one(
    payload: Any, id_: str, *, origin: str, language: str, at: str = ""
) -> tuple[ObservedArticle | None, list[Problem]]:
    """A pushed article, refused for any error: then what is told are the errors alone."""
    article, problems = read_article_json(
        payload, origin=origin, language=language, article_id=id_, identity=id_, path=at
    )
    errors = [problem for problem in problems if problem.severity == "error"]
    return (None, errors) if article is None or errors else (article, problems)


def _entry(id_: str, payload: dict[str, Any], at: str, *, origin: str, language: str) -> Entry:
    if (size := len(orjson.dumps(payload))) > MAX_PUSHED:
        message = f"has {size} bytes; an article may have {MAX_PUSHED}"
        return Entry(id_, None, [Problem(origin, message, field=at)])
    return Entry(id_, *read_one(payload, id_, origin=origin, language=language, at=at))
