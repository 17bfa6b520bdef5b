"""How an operation of the API is described."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pydantic import BaseModel

from publisher.model import Role

JSON = "application/json"
PROBLEM = "application/problem+json"

Schema = dict[str, Any]


class Group(StrEnum):
    """What an operation is about; groups stand in this order."""

    ARTICLES = "Articles"
    INDICATORS = "Indicators"
    EVENTS = "Events"
    WEBHOOKS = "Webhooks"
    DELIVERIES = "Deliveries"
    SOURCES = "Sources"
    API = "The API itself"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter. ``place`` is ``query``, ``path`` or ``header``; those in the path are always needed."""

    name: str
    description: str
    schema: Schema = field(default_factory=lambda: {"type": "string"})
    place: str = "query"
    example: Any = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A response: what it means, and the model of its JSON; None for one without a body.

    ``headers`` have their meaning. ``media`` is its type.
    """

    description: str
    model: type[BaseModel] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    media: str = JSON


@dataclass(frozen=True, slots=True)
class Body:
    """A request's JSON: its model, or a list of it, or either; and an example. ``needed``: it cannot be left out."""

    model: type[BaseModel]
    example: Any
    listed: bool = False
    alone: bool = True
    needed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """What a route does, beside what its handler's docstring says: the first sentence is its summary.

    ``role`` is the least that may use it, None where no key is needed; ``keyed``: whether it looks at keys at all.
    ``refused`` are the statuses of errors that are its own, with their meanings: those that every such operation has
    are added, and ``problems`` are the models of those that have more to say. ``once``: whether it takes an
    ``Idempotency-Key``. ``openly``: whether it needs no key where the registration is open.
    """

    id: str
    group: Group
    answers: Mapping[int, Answer]
    role: Role | None = None
    keyed: bool = True
    parameters: tuple[Parameter, ...] = ()
    body: Body | None = None
    refused: Mapping[int, str] = field(default_factory=dict)
    problems: Mapping[int, type[BaseModel]] = field(default_factory=dict)
    once: bool = False
    openly: bool = False


IDEMPOTENCY = Parameter(
    "Idempotency-Key",
    "A key of your making, as a UUID: repeated with it, the request has its effect once",
    {"type": "string", "pattern": '^(?:[!#-\\[\\]-~]{1,255}|"[!#-\\[\\]-~]{1,255}")$'},
    "header",
    "8e03978e-40d5-43dd-bc93-6894a57f9324",
)


def limit(default: int, most: int) -> Parameter:
    """The parameter ``limit`` of a list."""
    schema = {"type": "integer", "minimum": 1, "maximum": most, "default": default}
    return Parameter("limit", "The most items of a page; it may have fewer", schema)


AFTER = Parameter("after", "The `next` of a page, to begin after it; left out, the beginning")


def refusals(operation: Operation) -> dict[int, str]:
    """Every status of an error that it may answer, with the meaning."""
    found = {
        400: "The request cannot be read as HTTP or JSON",
        422: "Something in it is wrong; `errors` says where, and what would be right",
        500: "A fault of the publisher, which is logged",
        503: "Storage does not answer, or this node is not up to date; `Retry-After` says when to go on",
    }
    if operation.keyed:
        found |= {
            401: "The key is unknown or was revoked",
            429: "A limit was reached; `Retry-After` says when to go on",
        }
    if operation.role is not None:
        found |= {
            401: f"A key with the role `{operation.role.value}` is needed, or this one is unknown or was revoked",
            403: f"The key's role is not `{operation.role.value}` or above, or it may not do this",
        }
    if operation.body is not None:
        found |= {
            408: "The body came too slowly",
            413: "The body is too large",
            415: "The body is not sent as `application/json`",
        }
    return dict(sorted({**found, **operation.refused}.items()))
