"""What is pushed, as observations."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from publisher.clock import rfc3339
from publisher.model import Article, Indicator, IndicatorSpec
from publisher.model.observed import ObservedArticle
from publisher.web.answers import Fault, invalid
from publisher.web.asking import faults_of


def read_article(id_: str, payload: Mapping[str, Any]) -> ObservedArticle:
    """The article of ``PUT /api/v1/articles/{id}``; 422 names each field that is wrong."""
    import nh3

    if payload.get("id", id_) != id_:
        raise invalid(Fault("id", f"is {str(payload['id'])[:80]!r}, but the address says {id_!r}"))
    try:
        article = Article.model_validate({**payload, "id": id_})
        article = Article.model_validate({**article.model_dump(), "body": nh3.clean(article.body)})
    except ValidationError as error:
        raise invalid(*faults_of(error)) from error
    return ObservedArticle(article=article, identity=id_, origin=f"PUT /api/v1/articles/{id_}")


def read_indicator(
    payload: object, *, specs: Mapping[str, IndicatorSpec], now: datetime, at: str
) -> Indicator | list[Fault]:
    """One observation, or what is wrong with it; ``at`` is where it stands in the request.

    ``observed_at`` is now where it is not given; name and unit are those of the registry.
    """
    if not isinstance(payload, dict):
        return [Fault(at or "body", "must be an object")]
    spec = specs.get(str(payload.get("symbol")))
    known = {"name": spec.name, "unit": spec.unit} if spec else {}
    try:
        return Indicator.model_validate({"observed_at": rfc3339(now), **known, **payload})
    except ValidationError as error:
        return faults_of(error, at)
