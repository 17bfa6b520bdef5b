"""Operations on the log, on sources, and on the API itself."""

from __future__ import annotations

from publisher.model import EventType, Role
from publisher.model.feed import NAME_PATTERN
from publisher.web.api import events, webhooks
from publisher.web.api.described.operation import AFTER, Answer, Group, Operation, Parameter, limit
from publisher.web.api.described.shapes import deliveries
from publisher.web.api.described.shapes import events as shapes
from publisher.web.api.filters import MOST_NAMES

_MANY = {"type": "array", "maxItems": MOST_NAMES}
_FEEDS = {**_MANY, "items": {"type": "string", "pattern": NAME_PATTERN}}
_TYPES = {**_MANY, "items": {"type": "string", "enum": [type.value for type in EventType]}}
_WAIT = {"type": "integer", "minimum": 0, "maximum": int(events.LONGEST_WAIT), "default": 0}
_FROM = f"A page's `next`, `{events.LATEST}`, or an event's `seq`; left out, the first event that is kept"
_TYPE = Parameter("type", "The type's name", place="path", example="article.published")

operations = {
    "GET /api/v1/events": Operation(
        id="listEvents",
        group=Group.EVENTS,
        parameters=(
            Parameter("feed", "A feed to follow; several if repeated. Left out, all that you may see", _FEEDS),
            Parameter("type", "A type of event to be told of; several if repeated. Left out, all", _TYPES),
            Parameter("after", _FROM),
            limit(events.PAGE, events.MAX_PAGE),
            Parameter("wait", "Seconds to wait for an event where there is none yet", _WAIT),
        ),
        answers={200: Answer("A page", shapes.Events, {"Link": 'The next page, with `rel="next"`'})},
        refused={403: "A feed that only operators may follow", 410: "The place is gone: go on at `begin_url`"},
    ),
    "GET /api/v1/events/{id}/deliveries": Operation(
        id="listDeliveriesOfEvent",
        group=Group.EVENTS,
        role=Role.OPERATOR,
        parameters=(
            Parameter("id", "The event's id or number", place="path", example="evt_0006411c8a2f3b90aa01f2"),
            limit(webhooks.PAGE, webhooks.MAX_PAGE),
            AFTER,
        ),
        answers={200: Answer("A page, and the sums", deliveries.EventDeliveries)},
        refused={404: "There is no such event, or it is kept no longer", 410: "The place is gone; begin anew"},
    ),
    "GET /api/v1/event-types": Operation(
        id="listEventTypes",
        group=Group.EVENTS,
        keyed=False,
        answers={200: Answer("Every type", shapes.EventTypes)},
    ),
    "GET /api/v1/event-types/{type}": Operation(
        id="showEventType",
        group=Group.EVENTS,
        keyed=False,
        parameters=(_TYPE,),
        answers={200: Answer("The type", shapes.EventTypeShown)},
        refused={404: "There is no such type; the nearest are named"},
    ),
    "GET /api/v1/sources": Operation(
        id="listSources",
        group=Group.SOURCES,
        role=Role.EDITOR,
        answers={200: Answer("How each is doing", shapes.Sources)},
    ),
    "GET /api/openapi.json": Operation(
        id="describeApi",
        group=Group.API,
        keyed=False,
        answers={200: Answer("The description", shapes.Document)},
    ),
    "GET /api/v1/openapi.json": Operation(
        id="describeApiFromBefore",
        group=Group.API,
        keyed=False,
        answers={200: Answer("The description", shapes.Document)},
    ),
}
