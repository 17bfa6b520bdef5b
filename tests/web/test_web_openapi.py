"""The description of the API for programs says what the API does."""

from __future__ import annotations

from typing import Any

import pytest
from webroom import Newsroom

from publisher.model import EventType
from publisher.storage.configuration import installation
from publisher.web.api.events import list_events
from publisher.web.http.parameters import _TAKEN

PATH = "/api/v1/openapi.json"
EVENTS = "/api/v1/events"


def resolved(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """The schema that a reference names; parts of an ``allOf`` as one."""
    if "$ref" in schema:
        return resolved(document["components"]["schemas"][schema["$ref"].rpartition("/")[2]], document)
    parts = [resolved(one, document) for one in schema.get("allOf", [])]
    if not parts:
        return schema
    properties = {name: one for part in parts for name, one in part["properties"].items()}
    return {
        "type": "object",
        "properties": properties,
        "required": [name for part in parts for name in part["required"]],
    }


def faults(value: Any, schema: dict[str, Any], document: dict[str, Any], at: str = "") -> list[str]:
    """Where a value is not as its schema says, by as much of JSON Schema as the description uses."""
    schema = resolved(schema, document)
    kinds = {"object": dict, "array": list, "string": str, "integer": int, "null": type(None)}
    allowed = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if not isinstance(value, tuple(kinds[one] for one in allowed)):
        return [f"{at}: {value!r} is not {allowed}"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{at}: {value!r} is not among {schema['enum']}"]
    if isinstance(value, list):
        return [fault for one in value for fault in faults(one, schema["items"], document, f"{at}[]")]
    if not isinstance(value, dict) or "properties" not in schema:
        return []
    missing = [f"{at}.{name} is missing" for name in schema["required"] if name not in value]
    unknown = [f"{at}.{name} is not described" for name in value if name not in schema["properties"]]
    known = {name: one for name, one in schema["properties"].items() if name in value}
    return (
        missing
        + unknown
        + [fault for name, one in known.items() for fault in faults(value[name], one, document, f"{at}.{name}")]
    )


async def operation(newsroom: Newsroom) -> tuple[dict[str, Any], dict[str, Any]]:
    document = await newsroom.get(PATH)
    return document, document["paths"][EVENTS]["get"]


async def told(newsroom: Newsroom, query: str, role: str | None = None) -> tuple[int, Any, list[str]]:
    """The status, the answer and what is not described of it."""
    document, described = await operation(newsroom)
    answer = await newsroom.client.get(f"{EVENTS}?{query}", headers=newsroom.as_(role) if role else {})
    body = await answer.json()
    content = described["responses"][str(answer.status)]["content"][answer.content_type]
    return answer.status, body, faults(body, content["schema"], document)


async def test_the_parameters_are_those_that_the_log_takes(newsroom: Newsroom) -> None:
    _, described = await operation(newsroom)
    taken = _TAKEN[list_events]
    assert {one["name"] for one in described["parameters"]} == taken.once | taken.many
    schemas = {one["name"]: one["schema"] for one in described["parameters"]}
    assert {name for name, one in schemas.items() if one["type"] == "array"} == taken.many
    assert schemas["type"]["items"]["enum"] == [type.value for type in EventType]


@pytest.mark.parametrize("name", ["limit", "wait"])
async def test_the_bounds_are_those_that_are_held(newsroom: Newsroom, name: str) -> None:
    _, described = await operation(newsroom)
    await newsroom.push("a1")
    (schema,) = [one["schema"] for one in described["parameters"] if one["name"] == name]
    for value, status in (
        (schema["minimum"], 200),
        (schema["maximum"], 200),
        (schema["minimum"] - 1, 422),
        (schema["maximum"] + 1, 422),
    ):
        assert (await told(newsroom, f"{name}={value}"))[::2] == (status, [])


async def test_as_many_feeds_may_be_named_as_it_says(newsroom: Newsroom) -> None:
    _, described = await operation(newsroom)
    (most,) = {one["schema"]["maxItems"] for one in described["parameters"] if one["schema"]["type"] == "array"}
    for count, status in ((most, 200), (most + 1, 422)):
        assert (await told(newsroom, "&".join(["feed=news"] * count)))[0] == status


@pytest.mark.parametrize("role", [None, "operator"])
async def test_a_page_is_what_it_says(newsroom: Newsroom, role: str | None) -> None:
    await newsroom.push("a1")
    await newsroom.push("a1", title="Lain")
    await newsroom.push("a1", "rahasia")
    status, page, undescribed = await told(newsroom, "limit=9", role)
    assert (status, len(page["events"]), undescribed) == (200, 3, [])


async def test_refusals_are_what_it_says(newsroom: Newsroom) -> None:
    await newsroom.db.write(installation.claim, b"proof")
    await newsroom.push("a1")
    old = (await newsroom.get(EVENTS))["next"]
    await newsroom.db.write(installation.renew, 0)
    for query, role, status in ((f"after={old}", None, 410), ("feed=desk", "editor", 403), ("feed=x", None, 422)):
        assert (await told(newsroom, query, role))[::2] == (status, [])


async def test_it_can_be_read_by_pages_of_other_sites(newsroom: Newsroom) -> None:
    assert (await newsroom.client.get(PATH)).headers["Access-Control-Allow-Origin"] == "*"
