"""Values held to the schemas that describe them."""

from __future__ import annotations

from typing import Any

from jsonschema import Draft202012Validator


def faults(value: Any, schema: Any) -> list[str]:
    """Where a value is not as its schema (without references) says, or has what the schema does not name."""
    wrong = [f"{one.json_path}: {one.message}" for one in Draft202012Validator(schema).iter_errors(value)]
    return wrong or unnamed(value, schema)


def unnamed(value: Any, schema: Any, at: str = "$") -> list[str]:
    """The members of a value that its schema does not name."""
    several = schema.get("anyOf") or schema.get("oneOf")
    if several:
        fitting = [unnamed(value, one, at) for one in several if Draft202012Validator(one).is_valid(value)]
        return min(fitting, key=len, default=[])
    if isinstance(value, list):
        items = schema.get("items", {})
        return [one for number, entry in enumerate(value) for one in unnamed(entry, items, f"{at}[{number}]")]
    if not isinstance(value, dict) or "properties" not in schema:
        return []
    known = schema["properties"]
    own = [f"{at}.{name} is not described" for name in value if name not in known]
    return own + [one for name in value if name in known for one in unnamed(value[name], known[name], f"{at}.{name}")]
