"""What a change of a JSON Schema breaks for those who rely on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]

LEAST, MOST = ("minimum", "minLength", "minItems"), ("maximum", "maxLength", "maxItems")


def resolved(schema: Any, root: Schema) -> Any:
    """The schema with what its references name in their place."""
    if isinstance(schema, list):
        return [resolved(one, root) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        found: Any = root
        for step in schema["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        return resolved(found, root)
    return {key: resolved(one, root) for key, one in schema.items() if key != "$defs"}


def broken(old: Schema, new: Schema, *, taken: bool, at: str = "body") -> list[str]:
    """How ``new`` breaks what was promised by ``old``, both without references; empty if it does not.

    ``taken``: of what is sent to us, which may become wider and not narrower; else of what we answer, which may gain
    members and values of enumerations.
    """
    return list(_broken(old, new, taken, at))


def _variants(schema: Schema) -> list[Schema]:
    several = schema.get("anyOf") or schema.get("oneOf")
    if several:
        return [variant for one in several for variant in _variants(one)]
    kinds = schema.get("type")
    if isinstance(kinds, list):
        return [{**schema, "type": kind} for kind in kinds]
    return [schema]


def _broken(old: Schema, new: Schema, taken: bool, at: str) -> Iterator[str]:
    before, after = _variants(old), _variants(new)
    if len(before) == len(after) == 1:
        yield from _changed(before[0], after[0], taken, at)
        return
    for one in before:
        if not any(not list(_changed(one, other, taken, at)) for other in after):
            yield f"{at}: {_named(one)} is gone, or another"
    for other in after if not taken else ():
        if not any(not list(_changed(one, other, taken, at)) for one in before):
            yield f"{at}: may be {_named(other)}, which it never was"


def _named(schema: Schema) -> str:
    return str(schema.get("title") or schema.get("const") or schema.get("type") or "anything")


def _changed(old: Schema, new: Schema, taken: bool, at: str) -> Iterator[str]:
    for key in ("type", "const", "pattern", "format"):
        loosened = taken and key not in new
        if old.get(key) != new.get(key) and not loosened:
            yield f"{at}: {key} was {old.get(key)!r} and is {new.get(key)!r}"
    if "enum" in new or "enum" in old:
        gone = set(map(str, old.get("enum", ()))) - set(map(str, new.get("enum", ())))
        if (gone and "enum" in new) or (not taken and "enum" not in new):
            yield f"{at}: {', '.join(sorted(gone))} is no value of it any more"
        if "enum" not in old:
            yield f"{at}: had any value, and has a few"
    yield from _bounds(old, new, at) if taken else ()
    yield from _members(old, new, taken, at)
    if "items" in old and "items" in new:
        yield from _broken(old["items"], new["items"], taken, f"{at}[]")
    values = old.get("additionalProperties"), new.get("additionalProperties")
    if isinstance(values[0], dict) and isinstance(values[1], dict):
        yield from _broken(values[0], values[1], taken, f"{at}.*")


def _bounds(old: Schema, new: Schema, at: str) -> Iterator[str]:
    for key in LEAST:
        if key in new and new[key] > old.get(key, float("-inf")):
            yield f"{at}: {key} was {old.get(key)} and is {new[key]}"
    for key in MOST:
        if key in new and new[key] < old.get(key, float("inf")):
            yield f"{at}: {key} was {old.get(key)} and is {new[key]}"


def _members(old: Schema, new: Schema, taken: bool, at: str) -> Iterator[str]:
    before, after = old.get("properties", {}), new.get("properties", {})
    for name in before:
        if name not in after:
            yield f"{at}.{name}: is gone"
        else:
            yield from _broken(before[name], after[name], taken, f"{at}.{name}")
    was, now = set(old.get("required", ())), set(new.get("required", ()))
    for name in sorted(now - was if taken else was - now):
        yield f"{at}.{name}: {'is needed, and was not' if taken else 'may be missing, and never was'}"
