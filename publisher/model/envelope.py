"""What followers are told, type by type, as models from which schemas are made.

They describe; nothing is read or written by them. Whoever reads events by them must let pass what they do not name:
fields are added without a new version. What is taken away, or means something else, is a new version.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, create_model

from publisher.model.event import Change, EventType

TEST = "webhook.test"
"""The type of what ``POST /api/v1/webhooks/ID/test`` sends; it is in no log."""

Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
"""A time as RFC 3339 has it, in UTC."""

Digits = Annotated[str, Field(pattern=r"^-?[0-9]+(\.[0-9]+)?$")]
"""A decimal with the digits that its source wrote."""


class Shape(BaseModel):
    """An object of what is told; it may have more members than are named."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class ImageTold(Shape):
    """An illustration; ``url`` is null where the source gives only its caption and credit. Sizes are in pixels."""

    url: str | None = None
    caption: str | None = None
    credit: str | None = None
    type: str | None = None
    width: int | None = None
    height: int | None = None


class AttachmentTold(Shape):
    """A recording or another file; ``length`` is in bytes, ``duration`` in seconds."""

    url: str
    type: str | None = None
    length: int | None = None
    duration: float | None = None


class RelatedTold(Shape):
    """A headline that the article points to."""

    title: str
    url: str | None = None


class ArticleTold(Shape):
    """An article. ``body`` is sanitised HTML; null where every feed that shows the article shows summaries."""

    id: str
    url: str | None = None
    title: str
    summary: str | None = None
    body: str | None
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


class ErasedTold(Shape):
    """All that is left of an article whose text was removed for good."""

    id: str
    erased: Literal[True]


class IndicatorTold(Shape):
    """An observation. ``change`` and ``percent`` are against the previous close; ``as_of`` is when the value held, and
    ``observed_at`` when it was read.
    """

    symbol: str
    name: str
    value: Digits
    change: Digits | None = None
    percent: Digits | None = None
    unit: str | None = None
    as_of: Time | None = None
    observed_at: Time


class SourceTold(Shape):
    """A source that fails, or does so no more: ``failures`` in a row, and the ``error`` of the last."""

    source: str
    failures: int
    error: str | None = None


class WebhookTold(Shape):
    """A webhook, by its id and the ``host`` (with the port) of its endpoint, and the ``feeds`` that it follows."""

    id: str
    host: str
    feeds: list[str]


class WebhookDisabledTold(WebhookTold):
    """A webhook that was disabled, and why."""

    reason: str


class WebhookAccessTold(WebhookTold):
    """A webhook that may follow something else than before; ``withheld`` are its feeds that it is not told of."""

    state: str
    reason: str | None
    withheld: list[str]


class WebhookFailingTold(WebhookTold):
    """A webhook whose deliveries fail at the first attempt: how many in a row, and why the last did."""

    failures: int
    error: str | None


class TestTold(Shape):
    """The webhook that is tested."""

    __test__ = False

    webhook: str


class TruncatedTold(Shape):
    """What was cut so that the body stays under 20 KB: the ``fields``, and where the whole is, for people (``url``) and
    for programs.
    """

    fields: list[str]
    url: str
    api_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EventKind:
    """A type of event as it is described: what it tells of (``items``), when it comes, what ``data`` is."""

    name: str
    version: int = 1
    items: str
    description: str
    data: Any
    example: Mapping[str, Any]

    def envelope(self, data: Any) -> type[BaseModel]:
        """The model of the whole event with this ``data``."""
        change = Literal["entered", "stayed", "left"] if self.name != TEST else None
        members: dict[str, Any] = {
            "type": (Literal[self.name], Field(description="The type that the follower is told")),
            "timestamp": (Time, Field(description="When it happened; RFC 3339, in UTC")),
            "id": (str, Field(description="The event's, the same over every attempt: drop what you have seen")),
            "seq": (Annotated[int, Field(ge=0)], Field(description="Its place in the log; 0 for what is in none")),
            "source": (str | None, Field(description="Where it comes from; null for items")),
            "change": (change, Field(description="What it meant to what is followed")),
            "changed": (list[str], Field(description="The fields that differ")),
            "data": (data, Field(description="The item as it was then; of one that left, as it last stood there")),
        }
        name = "".join(part.title() for part in self.name.split("."))
        made: type[BaseModel] = create_model(name, __base__=Shape, __doc__=self.description, **members)
        return made

    def json_schema(self) -> dict[str, Any]:
        """The JSON Schema (2020-12) of the whole event."""
        models = get_args(self.data) or (self.data,)
        return _schema(self.envelope(reduce(or_, map(_cuttable, models))))

    def thin_schema(self) -> dict[str, Any]:
        """That of what is sent to webhooks with ``content`` ``thin``: ``data`` is what names the item, and links."""
        first = (get_args(self.data) or (self.data,))[0]
        name = next(one for one in _NAMES if one in first.model_fields)
        links: dict[str, Any] = {
            name: (str, ...),
            "url": (str, Field(description="Where people see it")),
            "api_url": (str, Field(description="Where programs see it as it is, if they may")),
        }
        said = "What names the item, and where it is."
        thin: type[BaseModel] = create_model("Thin", __base__=Shape, __doc__=said, **links)
        return _schema(self.envelope(thin))


_NAMES = ("id", "symbol", "source", "webhook")
"""What names an item; the first of these that its model has."""


def _cuttable(model: type[BaseModel]) -> type[BaseModel]:
    """The model, with what says that something of it was cut."""
    said = "There where something was cut, and left out elsewhere"
    field = Field(default=None, description=said, json_schema_extra=_without_default)
    made: type[BaseModel] = create_model(
        model.__name__, __base__=model, __doc__=model.__doc__, truncated=(TruncatedTold, field)
    )
    return made


def _without_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    made = model.model_json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made}


ARTICLE = {
    "id": "harvest-2026",
    "url": "https://news.example/harvest-2026",
    "title": "Harvest begins",
    "summary": "The first beans are in.",
    "body": "<p>The first beans are in, two weeks early.</p>",
    "authors": ["A. Writer"],
    "editor": None,
    "agency": None,
    "dateline": None,
    "section": "Economy",
    "topics": ["coffee"],
    "language": "en",
    "published": "2026-11-22T00:00:00Z",
    "updated": None,
    "images": [
        {
            "url": "https://news.example/beans.jpg",
            "caption": "Beans",
            "credit": "A. Camera",
            "type": "image/jpeg",
            "width": 1200,
            "height": 800,
        }
    ],
    "attachments": [],
    "related": [{"title": "Harvest last year", "url": "https://news.example/harvest-2025"}],
}

INDICATOR = {
    "symbol": "USD/IDR",
    "name": "US dollar",
    "value": "15635.00",
    "change": "-20.00",
    "percent": "-0.13",
    "unit": "IDR",
    "as_of": None,
    "observed_at": "2026-11-22T08:00:00Z",
}

_WEBHOOK = {"id": "wh_3n0Fh2Yk8QxLq1aB", "host": "receiver.example.org", "feeds": ["energy"]}
_UNMADE = " This version makes none."


def _kind(
    type: str, description: str, data: Any, example: Mapping[str, Any], source: str | None = None, **more: Any
) -> EventKind:
    told = {
        "type": type,
        "timestamp": "2026-11-22T08:00:00Z",
        "id": "evt_0006411c8a2f3b90aa01f2",
        "seq": 42,
        "source": source,
        "change": "entered",
        "changed": [],
        "data": dict(example),
        **more,
    }
    items = EventType(type).items if type != TEST else "operations"
    return EventKind(name=type, items=items, description=description, data=data, example=told)


_KINDS = (
    _kind("article.published", "An article is new to what is followed.", ArticleTold, ARTICLE),
    _kind(
        "article.updated",
        "An article has changed.",
        ArticleTold | ErasedTold,
        ARTICLE,
        change=Change.STAYED.value,
        changed=["title"],
    ),
    _kind(
        "article.withdrawn",
        "An article is no longer there, or no longer in what is followed.",
        ArticleTold | ErasedTold,
        ARTICLE,
        change=Change.LEFT.value,
    ),
    _kind(
        "indicator.updated",
        "An indicator has a new observation.",
        IndicatorTold,
        INDICATOR,
        change=Change.STAYED.value,
        changed=["value", "change", "percent", "observed_at"],
    ),
    _kind("indicator.corrected", f"A published observation was put right.{_UNMADE}", IndicatorTold, INDICATOR),
    _kind(
        "indicator.held",
        "An observation that jumps waits for a second one and is not published; sent only to who names this type.",
        IndicatorTold,
        INDICATOR,
    ),
    _kind("indicator.alert", f"An indicator met a rule of its own.{_UNMADE}", IndicatorTold, INDICATOR),
    _kind("indicator.closed", f"A market has closed with this value.{_UNMADE}", IndicatorTold, INDICATOR),
    _kind(
        "source.failing",
        "A source could not be read three times in a row, or most of what it had is gone at once.",
        SourceTold,
        {"source": "wire", "failures": 3, "error": "the server answered 503"},
        "wire",
    ),
    _kind(
        "source.recovered",
        "A source that was failing is read again.",
        SourceTold,
        {"source": "wire", "failures": 3},
        "wire",
    ),
    _kind(
        "webhook.disabled",
        "The publisher disabled a webhook; its endpoint is told, too.",
        WebhookDisabledTold,
        {**_WEBHOOK, "reason": 'the feed "energy" was removed'},
        "publisher",
    ),
    _kind(
        "webhook.access",
        "What a webhook may follow is another; its endpoint is told, too.",
        WebhookAccessTold,
        {
            **_WEBHOOK,
            "state": "paused",
            "reason": "its owner has no key in force",
            "withheld": ["energy"],
        },
        "publisher",
    ),
    _kind(
        "webhook.failing",
        "The first attempts of three deliveries to a webhook failed with no success between.",
        WebhookFailingTold,
        {**_WEBHOOK, "failures": 3, "error": "no answer within 20 s"},
        "publisher",
    ),
    _kind(
        TEST,
        "What a test sends: in the form of an event, and in no log.",
        TestTold,
        {"webhook": "wh_3n0Fh2Yk8QxLq1aB"},
        "publisher",
        seq=0,
        change=None,
    ),
)

EVENT_KINDS: Mapping[str, EventKind] = {one.name: one for one in _KINDS}
"""Every type of event, and the test, by its name."""
