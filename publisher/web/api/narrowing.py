"""What a webhook asks for besides its feeds and types of events: ``where`` and ``expression``, judged as requested."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated

from pydantic import Field

from publisher.model import FeedDefinition, Key, Role
from publisher.model.base import Text
from publisher.selection import NotANarrowing, Where, parse
from publisher.selection.expression import NoExpressions, NotAnExpression, compiled
from publisher.selection.where import SOURCE
from publisher.web.http.response import Fault, invalid

Narrowed = Annotated[dict[str, list[Text]], Field(description="Keys to narrow by, each with its values")]
Expressed = Annotated[Text, Field(max_length=500, description="A CEL expression over the event")]


def narrowing(given: Mapping[str, Iterable[str]] | None) -> Where:
    """``where`` as it is given; 422 names everything that is wrong with it."""
    try:
        return parse(given or {})
    except NotANarrowing as wrong:
        raise invalid(*(Fault(_path(one.path), one.said) for one in wrong.faults)) from wrong


def expression(text: str | None) -> str | None:
    """``expression`` as it is stored, None for none; 422 says where it is wrong."""
    if text is None:
        return None
    stripped = text.strip()
    try:
        compiled(stripped)
    except (NotAnExpression, NoExpressions) as wrong:
        raise invalid(Fault("expression", str(wrong))) from wrong
    return stripped


def fits(where: Where, feeds: Sequence[FeedDefinition], key: Key) -> list[Fault]:
    """Why this key's owner cannot narrow these feeds so: items of one do not have a key, or it is not theirs to ask."""
    faults = [
        Fault(_path(name), f"cannot narrow the feed {feed.name!r}: its items are {feed.items}, which have no {name!r}")
        for feed in feeds
        for name in where.misplaced(feed.items)
    ]
    if SOURCE in where.keys and not key.role.allows(Role.OPERATOR):
        said = "a key with the role 'operator' is needed to ask where items come from"
        faults.append(Fault(_path(SOURCE), said))
    return faults


def where_json(where: tuple[tuple[str, tuple[str, ...]], ...]) -> dict[str, list[str]] | None:
    """A filter's narrowing as the API shows it; None for none."""
    return {key: list(values) for key, values in where} or None


def _path(path: str) -> str:
    return f"where.{path}" if path else "where"
