"""Operations on articles and indicators."""

from __future__ import annotations

from publisher.model import Role
from publisher.model.article import ID_PATTERN
from publisher.model.envelope import ARTICLE
from publisher.web.api import articles, indicators
from publisher.web.api.described.operation import AFTER, IDEMPOTENCY, Answer, Body, Group, Operation, Parameter, limit
from publisher.web.api.described.shapes import items as shapes

ID = Parameter("id", "The article's id", {"type": "string", "pattern": ID_PATTERN}, "path", "harvest-2026")
SYMBOL = Parameter("symbol", "The indicator's symbol; `/` in it as `%2F`", {"type": "string"}, "path", "USD/IDR")

_NAMES = {"type": "array", "items": {"type": "string", "pattern": r"\S"}}
_IF_MATCH = Parameter("If-Match", 'The version that is changed, as `"r3"`, or `*`', place="header")
_IF_NONE_MATCH = Parameter("If-None-Match", "`*`: create, never change", place="header")
_SEEN = Parameter("If-None-Match", "The version that you have; 304 if it is still that", place="header")
_TAG = {"ETag": "The version, as `If-Match` and `If-None-Match` take it"}
_PLACED = {**_TAG, "Location": "The article's address"}
_OUTDATED = {412: "It is another version than the one that was named"}
_ONE = {"title": "Harvest begins", "body": "<p>The first beans are in.</p>", "topics": ["coffee"]}
_OBSERVED = {"symbol": "USD/IDR", "value": "15635.00", "change": "-20.00", "percent": "-0.13"}
_LATER = {"Embargoed-Until": "When it will be published"}


def _narrowing(name: str) -> Parameter:
    said = f"To have articles with this {name} alone; one of several if repeated"
    said += {"language": ". A range (RFC 4647)", "source": ". For editors' keys"}.get(name, "")
    return Parameter(name, said, _NAMES)


operations = {
    "GET /api/v1/articles": Operation(
        id="listArticles",
        group=Group.ARTICLES,
        parameters=(limit(articles.PAGE, articles.MAX_PAGE), AFTER, *map(_narrowing, articles.FACETS)),
        answers={200: Answer("A page", shapes.ArticlesPage)},
        refused={403: "`source` takes an editor's key", 410: "The place is gone; begin anew"},
    ),
    "POST /api/v1/articles": Operation(
        id="pushArticles",
        group=Group.ARTICLES,
        role=Role.EDITOR,
        parameters=(IDEMPOTENCY,),
        body=Body(shapes.BatchedArticle, [{"id": "harvest-2026", **_ONE}], listed=True, alone=False),
        answers={200: Answer("Some were taken", shapes.ArticlesPushed)},
        refused={410: "The article that this `Idempotency-Key` published was erased"},
        once=True,
    ),
    "GET /api/v1/articles/{id}": Operation(
        id="showArticle",
        group=Group.ARTICLES,
        parameters=(ID, _SEEN),
        answers={
            200: Answer("The article", shapes.ArticleShown, {**_TAG, **_LATER}),
            304: Answer("It is the version that you have", None, _TAG),
        },
        refused={404: "There is none in sight", 410: "It was withdrawn"},
    ),
    "PUT /api/v1/articles/{id}": Operation(
        id="pushArticle",
        group=Group.ARTICLES,
        role=Role.EDITOR,
        parameters=(ID, IDEMPOTENCY, _IF_MATCH, _IF_NONE_MATCH),
        body=Body(shapes.PushedArticle, {key: ARTICLE[key] for key in ARTICLE if key != "id"}),
        answers={
            200: Answer("It was changed, or is what it was", shapes.ArticlePushed, _PLACED),
            201: Answer("It is published", shapes.ArticlePushed, _PLACED),
            202: Answer("It waits for its published time", shapes.ArticlePushed, {**_PLACED, **_LATER}),
        },
        refused={**_OUTDATED, 404: "That can be no id", 410: "The article of this `Idempotency-Key` was erased"},
        once=True,
    ),
    "DELETE /api/v1/articles/{id}": Operation(
        id="withdrawArticle",
        group=Group.ARTICLES,
        role=Role.EDITOR,
        parameters=(
            ID,
            Parameter("erase", "Whether its text is removed for good, too", {"type": "boolean", "default": False}),
            _IF_MATCH,
        ),
        answers={200: Answer("It is withdrawn", shapes.ArticleWithdrawn)},
        refused={**_OUTDATED, 404: "There never was one"},
    ),
    "GET /api/v1/indicators": Operation(
        id="listIndicators",
        group=Group.INDICATORS,
        parameters=(limit(indicators.MAX_PAGE, indicators.MAX_PAGE), AFTER),
        answers={200: Answer("A page", shapes.IndicatorsPage)},
        refused={410: "The place is gone; begin anew"},
    ),
    "GET /api/v1/indicators/{symbol}": Operation(
        id="showIndicator",
        group=Group.INDICATORS,
        parameters=(SYMBOL,),
        answers={200: Answer("The newest observation", shapes.IndicatorShown)},
        refused={404: "None was observed in sight; the nearest are named"},
    ),
    "POST /api/v1/indicators": Operation(
        id="pushIndicators",
        group=Group.INDICATORS,
        role=Role.EDITOR,
        parameters=(IDEMPOTENCY,),
        body=Body(shapes.PushedIndicator, _OBSERVED, listed=True),
        answers={
            200: Answer("All are what they were", shapes.IndicatorsPushed),
            201: Answer("At least one is new", shapes.IndicatorsPushed),
            202: Answer("At least one is held, and none is new", shapes.IndicatorsPushed),
        },
        once=True,
    ),
}
