"""Bodies of articles and indicators."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from publisher.model.article import ID_PATTERN
from publisher.model.envelope import (
    ArticleTold,
    AttachmentTold,
    Digits,
    ImageTold,
    IndicatorTold,
    RelatedTold,
    Shape,
    Time,
)
from publisher.web.api.described.shapes.common import NOTHING, FaultShown, Next


class Doubtful(Shape):
    """What is doubtful about a field of an article that was read."""

    field: str | None = None
    message: str
    text: str | None = None


class HeldShown(Shape):
    """An observation that waits for a second one that agrees."""

    source: str
    held_at: Time
    data: IndicatorTold


class ArticleShown(ArticleTold):
    """An article, and where its values came from; `warnings` are for editors' keys."""

    provenance: dict[str, str]
    warnings: list[Doubtful] = Field(default_factory=list)


class ArticlesPage(Shape):
    """A page of articles, newest first."""

    articles: list[ArticleShown]
    next: Next


class ArticlePushed(Shape):
    """What became of an article that was pushed."""

    outcome: str
    article: ArticleTold
    warnings: list[FaultShown]
    embargoed_until: Time = NOTHING


class ArticleTaken(Shape):
    """What became of one article of several."""

    id: str | None
    outcome: str
    etag: str = NOTHING
    warnings: list[FaultShown] = NOTHING
    errors: list[FaultShown] = NOTHING
    embargoed_until: Time = NOTHING


class ArticlesPushed(Shape):
    """What became of articles that were pushed together, in their order."""

    taken: int
    refused: int
    articles: list[ArticleTaken]


class ArticleWithdrawn(Shape):
    """What became of an article that was withdrawn or erased."""

    id: str
    outcome: str


class IndicatorShown(IndicatorTold):
    """The newest observation of an indicator; `held`, what waits of it, is for editors' keys."""

    held: list[HeldShown] = NOTHING


class IndicatorsPage(Shape):
    """A page of newest observations, by symbol."""

    indicators: list[IndicatorTold]
    next: Next


class IndicatorTaken(Shape):
    """What became of an observation."""

    symbol: str
    outcome: str


class IndicatorsPushed(Shape):
    """What became of the observations that were pushed."""

    indicators: list[IndicatorTaken]
    errors: list[FaultShown]
    warnings: list[FaultShown]


class Taken(BaseModel):
    """An object that is taken; a member that is not named is refused."""

    model_config = ConfigDict(extra="forbid")


Seen = Annotated[str, Field(pattern=r"\S")]


class PushedArticle(Taken):
    """An article to publish. `body` is HTML, and is cleaned. What only says nothing is left out, with a warning."""

    title: Seen
    body: Seen
    url: str | None = None
    summary: str | None = None
    authors: list[str] = []
    editor: str | None = None
    agency: str | None = None
    dateline: str | None = None
    section: str | None = None
    topics: list[str] = []
    language: str | None = None
    published: Time | None = None
    updated: Time | None = None
    images: list[ImageTold] = []
    attachments: list[AttachmentTold] = []
    related: list[RelatedTold] = []
    id: Annotated[str, Field(pattern=ID_PATTERN, description="The one in the address, or left out")] = NOTHING
    provenance: Annotated[Any, Field(description="As it was read; ignored")] = NOTHING
    warnings: Annotated[Any, Field(description="As it was read; ignored")] = NOTHING


class BatchedArticle(PushedArticle):
    """An article of several, which has its id."""

    id: Annotated[str, Field(pattern=ID_PATTERN)]


class PushedIndicator(Taken):
    """An observation. Decimals are strings with the source's own digits; name and unit are the registry's where left
    out, and `observed_at` is now.
    """

    symbol: Annotated[str, Field(min_length=1, max_length=64)]
    name: str | None = None
    value: Digits | int
    change: Digits | int | None = None
    percent: Digits | int | None = None
    unit: str | None = None
    as_of: Time | None = None
    observed_at: Time | None = None
