"""No change breaks what is promised of events and of the API: what was promised is kept beside this file."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import golden_schemas as golden
import pytest
from support.compatibility import broken

AGAIN = "something was added: write it with `python tests/web/golden_schemas.py`"


def test_no_type_of_event_breaks_what_was_promised() -> None:
    now = golden.event_types()
    for name, then in golden.read(golden.EVENT_TYPES).items():
        assert name in now, f"{name} is gone"
        if now[name]["version"] == then["version"]:
            for form in ("answered", "thin"):
                assert broken(then[form], now[name][form], taken=False, at=f"{name} {form}") == []


def test_no_operation_breaks_what_was_promised() -> None:
    now = golden.operations()
    for name, then in golden.read(golden.OPENAPI).items():
        assert name in now, f"{name} is gone"
        assert set(then["statuses"]) <= set(now[name]["statuses"])
        for kind, taken in (("parameters", True), ("taken", True), ("answered", False)):
            for part, schema in then[kind].items():
                assert part in now[name][kind], f"{name}: {part} is gone"
                assert broken(schema, now[name][kind][part], taken=taken, at=f"{name} {part}") == []


def test_all_that_is_promised_is_kept() -> None:
    assert json.loads(json.dumps(golden.event_types())) == golden.read(golden.EVENT_TYPES), AGAIN
    assert json.loads(json.dumps(golden.operations())) == golden.read(golden.OPENAPI), AGAIN


OLD = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "kind": {"type": "string", "enum": ["a", "b"]},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "many": {"type": "array", "items": {"type": "object", "properties": {"n": {"type": "integer"}}}},
        "size": {"type": "integer", "maximum": 10},
    },
    "required": ["id", "kind"],
}


def changed(change: Callable[[Any], object]) -> Any:
    new = copy.deepcopy(OLD)
    change(new)
    return new


@pytest.mark.parametrize("taken", [True, False], ids=["taken", "answered"])
@pytest.mark.parametrize(
    "change",
    [
        lambda one: one["properties"].pop("note"),
        lambda one: one["properties"]["many"]["items"]["properties"].pop("n"),
        lambda one: one["properties"].update(id={"type": "integer"}),
        lambda one: one["properties"].update(note={"type": "string"}),
        lambda one: one["properties"]["kind"].update(enum=["a"]),
        lambda one: one["properties"]["id"].update(pattern="x"),
        lambda one: one["properties"]["id"].update(enum=["x"]),
    ],
)
def test_what_is_taken_away_or_narrowed_is_a_break(change: Callable[[Any], object], taken: bool) -> None:
    assert broken(OLD, changed(change), taken=taken)


@pytest.mark.parametrize(
    ("change", "taken"),
    [
        (lambda one: one["required"].append("note"), True),
        (lambda one: one["properties"]["size"].update(maximum=5), True),
        (lambda one: one["required"].remove("kind"), False),
        (lambda one: one["properties"].update(id={"type": ["string", "null"]}), False),
    ],
)
def test_what_breaks_one_side_is_a_break_for_that_side(change: Callable[[Any], object], taken: bool) -> None:
    assert broken(OLD, changed(change), taken=taken)
    assert not broken(OLD, changed(change), taken=not taken)


@pytest.mark.parametrize("taken", [True, False], ids=["taken", "answered"])
def test_what_is_added_is_no_break(taken: bool) -> None:
    def add(one: Any) -> None:
        one["properties"]["more"] = {"type": "string"}
        one["properties"]["kind"]["enum"].append("c")

    assert broken(OLD, OLD, taken=taken) == []
    assert broken(OLD, changed(add), taken=taken) == []
