"""Where the values of what was read came from, as far as its reader said, and what it found doubtful about them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from publisher.model import article_json
from publisher.model.observed import ObservedArticle, Problem
from publisher.model.provenance import Doubt, bounded


def accounted(
    articles: Sequence[ObservedArticle], origin: str, problems: Iterable[Problem] = ()
) -> tuple[ObservedArticle, ...]:
    """The articles with an origin for each value that they have, and with the doubts about them.

    ``origin`` is that of values of which their reader said none. A problem belongs to the article of the same origin;
    where several have it, as those of one file do, each has the doubts that its reader gave it.
    """
    shared = Counter(one.origin for one in articles)
    told: dict[str, list[Problem]] = defaultdict(list)
    for problem in problems:
        if shared[problem.origin] == 1 and _is_of_the_article(problem):
            told[problem.origin].append(problem)
    return tuple(_accounted(one, origin, told.get(one.origin, ())) for one in articles)


def _accounted(one: ObservedArticle, origin: str, told: Iterable[Problem]) -> ObservedArticle:
    values = article_json(one.article)
    origins = {key: one.origins.get(key, origin) for key, value in values.items() if key != "id" and value}
    doubts = (*one.doubts, *(Doubt(problem.field, problem.message, problem.text) for problem in told))
    return replace(one, origins=origins, doubts=bounded(doubts))


def _is_of_the_article(problem: Problem) -> bool:
    # A page's ticker is no part of its article, and an error without a field is about an item that was left out.
    field = problem.field or ""
    return not field.startswith("ticker") and (problem.severity == "warning" or field != "")
