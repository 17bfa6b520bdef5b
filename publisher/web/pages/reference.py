"""The description of the API as people read it, made of the one that programs read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter: its name, where it stands, what it may be, and what it means."""

    name: str
    place: str
    kind: str
    description: str


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation. ``role`` is the least that its key must have, None where none is needed.

    ``paragraphs`` may have code between backticks; ``example`` is a body, as text; ``answers`` and ``refusals`` are
    statuses with their meanings.
    """

    id: str
    method: str
    path: str
    summary: str
    paragraphs: tuple[str, ...]
    role: str | None
    parameters: tuple[Parameter, ...]
    example: str | None
    answers: tuple[tuple[str, str], ...]
    refusals: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Group:
    """What is about one thing; ``anchor`` is its id on the page."""

    name: str
    anchor: str
    operations: tuple[Operation, ...]


@dataclass(frozen=True, slots=True)
class EventType:
    """A type of event, with an example of the whole event, as text."""

    type: str
    version: int
    description: str
    example: str


def groups_of(document: Mapping[str, Any]) -> list[Group]:
    """The operations of an OpenAPI document, by their groups."""
    found: dict[str, list[Operation]] = {}
    for path, methods in document["paths"].items():
        for method, one in methods.items():
            found.setdefault(one["tags"][0], []).append(_operation(method.upper(), path, one))
    order = [tag["name"] for tag in document["tags"]]
    return [Group(name, name.lower().replace(" ", "-"), tuple(found[name])) for name in order if name in found]


def event_types_of(described: list[dict[str, Any]]) -> list[EventType]:
    """Types of events as the API describes them."""
    return [EventType(one["type"], one["version"], one["description"], _written(one["example"])) for one in described]


def _operation(method: str, path: str, one: Mapping[str, Any]) -> Operation:
    content = one.get("requestBody", {}).get("content", {}).get("application/json")
    meanings = [(status, said["description"]) for status, said in one["responses"].items()]
    return Operation(
        one["operationId"],
        method,
        path,
        one["summary"],
        tuple(one.get("description", "").split("\n\n")) if one.get("description") else (),
        one.get("x-role"),
        tuple(_parameter(parameter) for parameter in one["parameters"]),
        _written(content["example"]) if content else None,
        tuple(pair for pair in meanings if pair[0] < "400"),
        tuple(pair for pair in meanings if pair[0] >= "400"),
    )


def _parameter(one: Mapping[str, Any]) -> Parameter:
    return Parameter(one["name"], one["in"], _kind(one["schema"]), one["description"])


def _kind(schema: Mapping[str, Any]) -> str:
    """What a value may be, in words; empty for any text."""
    if schema["type"] == "array":
        return _kind(schema["items"])
    if "enum" in schema:
        return "one of " + ", ".join(f"`{one}`" for one in schema["enum"])
    if schema["type"] == "integer":
        return f"{schema['minimum']} to {schema['maximum']:,}, {schema['default']} if left out"
    return "`true` or `false`" if schema["type"] == "boolean" else ""


def _written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)
