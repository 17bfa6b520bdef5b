"""Bodies of the log, of types of events, of sources, and of the description itself."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from publisher.model import EventType
from publisher.model.envelope import Shape, Time


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
    """A type of event: the JSON Schema of the whole event, that of a thin one, and an example."""

    type: str
    version: int
    items: str
    description: str
    json_schema: Annotated[dict[str, Any], Field(serialization_alias="schema")]
    thin_schema: dict[str, Any]
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
