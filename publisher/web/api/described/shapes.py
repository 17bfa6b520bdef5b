"""The bodies of the API, as models: what is answered, and what is taken.

They describe what handlers write and read themselves; tests and schemathesis hold one to the other.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from publisher.model import EventType, SubscriptionState
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

# A list is sent in pieces: `next` and what else ends a page stands behind the items.

Next = Annotated[str | None, Field(description="The `after` of the following page; null at the end")]
NOTHING: Any = None


class FaultShown(Shape):
    """One thing that is wrong or doubtful: where (`feeds[0]`), and what, with what would be right."""

    path: str
    message: str


class Problem(Shape):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FaultShown] = Field(default_factory=list)


class Gone(Problem):
    """A place in the log that is gone: go on at `begin_url`."""

    code: Literal["log-reset", "log-pruned"]
    begin: str | None
    begin_url: str | None


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


class Event(Shape):
    """An event, as its followers are told it; `/api/v1/event-types` has a schema for each type."""

    seq: Annotated[int, Field(ge=1)]
    id: str
    type: EventType
    timestamp: Time
    source: str | None
    change: Literal["entered", "stayed", "left"]
    changed: list[str]
    data: dict[str, Any]


class Events(Shape):
    """A page of the log; `next_url` is the whole request for the page after it."""

    events: list[Event]
    next: str
    next_url: Annotated[str, Field(json_schema_extra={"format": "uri-reference"})]


class Webhook(Shape):
    """A webhook. `events` is null for all types; `failures` counts failed attempts in a row, `filter_errors` events for
    which its expression could not be evaluated.
    """

    id: str
    url: str
    feeds: list[str]
    events: list[EventType] | None
    where: dict[str, list[str]] | None
    expression: str | None
    format: str
    description: str | None
    state: SubscriptionState
    reason: str | None
    owner: str
    created_at: Time
    updated_at: Time
    failures: int
    failing_since: Time | None
    last_error: str | None
    last_error_at: Time | None
    filter_errors: int
    last_filter_error: str | None


class WebhookRegistered(Webhook):
    """A webhook that was just registered, with its secret, which is shown this once."""

    secret: str


class WebhooksPage(Shape):
    """A page of webhooks, in the order they were registered."""

    webhooks: list[Webhook]
    next: Next


class TestAnswered(Shape):
    """How a test went; `status` is null where no status line came."""

    __test__ = False

    delivered: bool
    status: int | None
    error: str | None
    duration_ms: int
    response: str | None


class Attempt(Shape):
    """A request that counts."""

    number: int
    at: Time
    duration_ms: int
    status: int | None
    error: str | None
    response: str | None


class Delivery(Shape):
    """What became of an event for a webhook."""

    id: str
    event: str
    seq: int
    type: str
    run: int
    state: str
    reason: str | None
    created_at: Time
    next_attempt_at: Time | None
    settled_at: Time | None
    attempts: list[Attempt]


class DeliveriesPage(Shape):
    """A page of deliveries of a webhook, newest event first."""

    deliveries: list[Delivery]
    next: Next
    folded_until: Time | None


class DeliveryOfEvent(Delivery):
    """What became of an event for one of its webhooks."""

    webhook: str


class EventDeliveries(Shape):
    """A page of deliveries of an event: `matched` is the sum of `states`, some of which are `folded` into counts."""

    deliveries: list[DeliveryOfEvent]
    next: Next
    matched: int
    states: dict[str, int]
    folded: dict[str, int]


class PreviewedEvent(Shape):
    """An event that the feeds tell of; `type` and `change` are null where the filter does not take it."""

    seq: int
    id: str
    timestamp: Time
    taken: bool
    type: str | None
    change: str | None
    error: str | None


class PreviewedRequest(Shape):
    """The request that would be sent for an event, before it is signed."""

    event: str
    headers: dict[str, str]
    body: str


class Previewed(Shape):
    """What a webhook would be sent, tried on events that have happened."""

    events: list[PreviewedEvent]
    taken: int
    filter_errors: int
    last_filter_error: str | None
    request: PreviewedRequest | None


class SourceShown(Shape):
    """How a source is doing."""

    name: str
    kind: str
    every: str | float | None
    cron: str | None
    nodes: list[str]
    node: str | None
    state: str
    failures: int
    last_error: str | None
    last_success_at: Time | None
    last_error_at: Time | None
    next_run_at: Time | None
    items: int | None
    events: int | None
    refused: int
    refusals: list[Any]


class Sources(Shape):
    """Every source that is configured."""

    sources: list[SourceShown]


class EventTypeShown(Shape):
    """A type of event: the JSON Schema of the whole event, and an example."""

    type: str
    version: int
    items: str
    description: str
    json_schema: Annotated[dict[str, Any], Field(serialization_alias="schema")]
    example: dict[str, Any]


class EventTypes(Shape):
    """Every type of event."""

    event_types: list[EventTypeShown]


class Document(Shape):
    """An OpenAPI 3.1 document."""

    openapi: str
    info: dict[str, Any]
    servers: list[Any]
    tags: list[Any]
    security: list[Any]
    paths: dict[str, Any]
    components: dict[str, Any]


class Taken(BaseModel):
    """An object that is taken; a member that is not named is refused."""

    model_config = ConfigDict(extra="forbid")


Words = Annotated[str, Field(max_length=100_000)]
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
