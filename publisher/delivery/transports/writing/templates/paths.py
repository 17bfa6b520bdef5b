"""Which paths there are: those of the envelope, and of every item that its ``data`` may be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel

from publisher.model import Article, Indicator

Tree = Mapping[str, Any]
"""What stands below a name: a tree, or None below a value. Below a list is :data:`ENTRY`."""

ENTRY = "0"
"""Stands for any number: the entries of a list are counted from 0."""

MOST_DIGITS = 3

_LIST: Tree = {ENTRY: None}
_LINKS: Tree = {"url": None, "api_url": None}
_OPERATIONS: Tree = {
    **dict.fromkeys(("id", "host", "state", "reason", "source", "error", "failures", "webhook", "erased")),
    "withheld": _LIST,
    "feeds": _LIST,
}


def _of(model: type[BaseModel]) -> dict[str, Any]:
    return {name: _below(field.annotation) for name, field in model.model_fields.items()}


def _below(annotation: Any) -> Tree | None:
    """What stands below a field of this type: entries below a tuple, the fields of what they are below those."""
    args = get_args(annotation)
    if Ellipsis not in args:
        return None
    entry = args[0]
    return {ENTRY: _of(entry) if isinstance(entry, type) and issubclass(entry, BaseModel) else None}


ROOT: Tree = {
    **dict.fromkeys(("type", "timestamp", "id", "seq", "source", "change")),
    "changed": _LIST,
    "data": {**_OPERATIONS, **_of(Indicator), **_of(Article), **_LINKS, "truncated": {"fields": _LIST, **_LINKS}},
}


def _names(tree: Tree, before: str = "") -> Iterator[str]:
    for name, below in tree.items():
        yield f"{before}{name}"
        if below is not None:
            yield from _names(below, f"{before}{name}.")


PATHS = tuple(_names(ROOT))
"""Every path, as it is written."""


def there(path: tuple[str, ...]) -> bool:
    """Whether there is such a path."""
    tree: Tree | None = ROOT
    for name in path:
        if tree is None:
            return False
        key = ENTRY if name.isdecimal() and len(name) <= MOST_DIGITS else name
        if key not in tree:
            return False
        tree = tree[key]
    return True


def value_at(envelope: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    """The value there; None where this event has none."""
    value: Any = envelope
    for name in path:
        if isinstance(value, Mapping):
            value = value.get(name)
        elif isinstance(value, list | tuple) and name.isdecimal():
            value = value[int(name)] if int(name) < len(value) else None
        else:
            return None
    return value
