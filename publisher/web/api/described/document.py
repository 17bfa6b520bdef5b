"""OpenAPI 3.1 of the routes that are served: their handlers' docstrings, their parameters, and the models of bodies."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from inspect import cleandoc
from typing import Any, NamedTuple

from aiohttp import web
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from publisher import __version__
from publisher.web.api.described import articles, deliveries, events, webhooks
from publisher.web.api.described.operation import PROBLEM, Answer, Body, Group, Operation, Parameter, Schema, refusals
from publisher.web.api.described.shapes.common import Gone
from publisher.web.api.described.shapes.common import Problem as ProblemShown

OPERATIONS: Mapping[str, Operation] = {
    **articles.operations,
    **events.operations,
    **webhooks.operations,
    **deliveries.operations,
}
"""Every operation, by method and path."""

READABLE = "/api"
"""Where people read the description."""

_REF = "#/components/schemas/{model}"


class Route(NamedTuple):
    """A route of the API: its operation, None where nothing describes it, and what its handler's docstring says."""

    method: str
    path: str
    operation: Operation | None
    handler: Any

    @property
    def key(self) -> str:
        """The name of its operation."""
        return f"{self.method} {self.path}"

    @property
    def said(self) -> tuple[str, str]:
        """The first sentence of the docstring, and the rest."""
        text = cleandoc(self.handler.__doc__ or "").replace("``", "`")
        first, _, rest = text.partition("\n\n")
        found = re.match(r"(.+?\.)(?:\s+(?=[A-Z`])|$)", " ".join(first.split()), re.DOTALL)
        summary = found.group(1) if found else first
        more = " ".join(first.split())[len(summary) :].strip()
        paragraphs = [more, *(" ".join(one.split()) for one in rest.split("\n\n"))]
        return summary.removesuffix("."), "\n\n".join(one for one in paragraphs if one)


def routes_of(app: web.Application) -> Iterator[Route]:
    """Every route below ``/api`` that has JSON for programs, in the order of the groups."""
    found: dict[str, Route] = {}
    for one in app.router.routes():
        path = one.resource.canonical if one.resource is not None else ""
        if path.startswith("/api/") and one.method != "HEAD":
            key = f"{one.method} {path}"
            found.setdefault(key, Route(one.method, path, OPERATIONS.get(key), one.handler))
    order = list(Group)
    yield from sorted(found.values(), key=lambda one: order.index(one.operation.group) if one.operation else 99)


def document(app: web.Application, url: str, title: str) -> Schema:
    """The description of an application that is served at ``url``."""
    routes = [one for one in routes_of(app) if one.operation is not None]
    names, schemas = _schemas(one.operation for one in routes if one.operation is not None)
    paths: dict[str, Schema] = {}
    for one in routes:
        assert one.operation is not None
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one, one.operation, names)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": title,
            "version": __version__,
            "description": "Articles, indicators and events of this publisher, and webhooks on them. "
            f"For people it is at {READABLE}.",
        },
        "servers": [{"url": url.rstrip("/")}],
        "tags": [{"name": group.value} for group in Group],
        "security": [{}, {"key": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "A key of this publisher"}},
            "schemas": schemas,
        },
    }


def _operation(route: Route, one: Operation, names: _Names) -> Schema:
    summary, description = route.said
    said: Schema = {
        "operationId": one.id,
        "tags": [one.group.value],
        "summary": summary,
        "parameters": [_parameter(parameter) for parameter in one.parameters],
        "responses": {
            **{str(status): _answer(answer, names) for status, answer in one.answers.items()},
            **{str(status): _refusal(status, meaning, one, names) for status, meaning in refusals(one).items()},
        },
    }
    if description:
        said["description"] = description
    if one.role is not None or not one.keyed:
        said["security"] = [*([{}] if one.openly else []), *([{"key": []}] if one.role is not None else [])]
    if one.role is not None:
        said["x-role"] = one.role.value
    if one.body is not None:
        said["requestBody"] = _body(one.body, names)
    return said


def _parameter(one: Parameter) -> Schema:
    said: Schema = {"name": one.name, "in": one.place, "description": one.description, "schema": one.schema}
    if one.place == "path":
        said["required"] = True
    if one.example is not None:
        said["example"] = one.example
    return said


def _body(body: Body, names: _Names) -> Schema:
    one = names.taken(body.model)
    several = {"type": "array", "items": one, "minItems": 1, "maxItems": 1000}
    forms = [form for form, has in ((one, body.alone), (several, body.listed)) if has]
    schema = forms[0] if len(forms) == 1 else {"oneOf": forms}
    return {"required": body.needed, "content": {"application/json": {"schema": schema, "example": body.example}}}


def _answer(answer: Answer, names: _Names) -> Schema:
    said: Schema = {"description": answer.description}
    if answer.headers:
        said["headers"] = {
            name: {"description": meaning, "schema": {"type": "string"}} for name, meaning in answer.headers.items()
        }
    if answer.model is not None:
        said["content"] = {answer.media: {"schema": names.shown(answer.model)}}
    return said


def _refusal(status: int, meaning: str, one: Operation, names: _Names) -> Schema:
    gone = status == 410 and any(parameter.name == "after" for parameter in one.parameters)
    model = one.problems.get(status, Gone if gone else ProblemShown)
    return {"description": meaning, "content": {PROBLEM: {"schema": names.shown(model)}}}


class _Names:
    """References to the schemas of models."""

    def __init__(self, found: Mapping[tuple[Any, JsonSchemaMode], Schema]) -> None:
        self._found = found

    def shown(self, model: type[BaseModel]) -> Schema:
        """That of what is answered."""
        return self._found[model, "serialization"]

    def taken(self, model: type[BaseModel]) -> Schema:
        """That of what is sent."""
        return self._found[model, "validation"]


def _schemas(operations: Iterator[Operation]) -> tuple[_Names, dict[str, Schema]]:
    wanted: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {
        (ProblemShown, "serialization"): None,
        (Gone, "serialization"): None,
    }
    for one in operations:
        wanted |= {(answer.model, "serialization"): None for answer in one.answers.values() if answer.model}
        wanted |= {(model, "serialization"): None for model in one.problems.values()}
        if one.body is not None:
            wanted[one.body.model, "validation"] = None
    found, defined = models_json_schema(list(wanted), ref_template=_REF)
    return _Names(found), {name: _plain(one) for name, one in defined["$defs"].items()}


def _plain(schema: Any) -> Any:
    """Without titles that only repeat a name and defaults that are no value, and with docstrings as people write
    them.
    """
    if isinstance(schema, list):
        return [_plain(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    said = {
        key: _plain(value)
        for key, value in schema.items()
        if not (key == "title" and isinstance(value, str)) and not (key == "default" and value is None)
    }
    if isinstance(said.get("description"), str):
        said["description"] = " ".join(said["description"].replace("``", "`").split())
    return said
