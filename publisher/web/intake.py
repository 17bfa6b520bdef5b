"""What is pushed, as observations. It is read as the files of a folder are, but refused for any error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiohttp import web

from publisher.model import Indicator
from publisher.model.observed import ObservedArticle, Problem
from publisher.sources.push import read_article_json, read_indicator_json
from publisher.web.answers import Fault, invalid
from publisher.web.services import services_of


def read_article(request: web.Request, id_: str, payload: Any) -> tuple[ObservedArticle, list[Fault]]:
    """The article of a PUT, and what is doubtful about it; 422 names each field that is wrong."""
    observed, problems = read_article_json(
        payload, origin=request.path, language=services_of(request).site.language, article_id=id_, identity=id_
    )
    errors = [problem for problem in problems if problem.severity == "error"]
    if observed is None or errors:
        raise invalid(*_faults(errors))
    return observed, _faults(problems)


def read_indicator(request: web.Request, payload: object, at: str) -> Indicator | list[Fault]:
    """One observation, or what is wrong with it; ``at`` is where it stands in the request.

    ``observed_at`` is now where it is not given; name and unit are those of the registry.
    """
    services = services_of(request)
    indicator, problems = read_indicator_json(
        payload, specs=services.catalog().indicators, now=services.now(), origin=request.path, path=at
    )
    return _faults(problems) if indicator is None else indicator


def _faults(problems: Sequence[Problem]) -> list[Fault]:
    return [Fault(problem.field or "body", problem.message) for problem in problems]
