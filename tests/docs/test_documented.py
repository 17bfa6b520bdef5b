"""Every setting and every command is documented."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import typer
from pydantic import BaseModel

from publisher.catalog.sources import _Common
from publisher.cli.main import cli
from publisher.model import FeedDefinition, IndicatorSpec, Selection
from publisher.settings import Settings

DOCS = Path(__file__).parents[2] / "docs"
CONFIGURATION = (DOCS / "configuration.md").read_text()
OPERATION = (DOCS / "operation.md").read_text()

SECTIONS = {name: field.annotation for name, field in Settings.model_fields.items()}


def section(heading: str, document: str = CONFIGURATION) -> str:
    """The text under a heading, up to the next of its level or above."""
    level = heading.split(" ", 1)[0]
    found = re.search(rf"^{re.escape(heading)}$(.*?)(?=^#{{1,{len(level)}}} |\Z)", document, re.MULTILINE | re.DOTALL)
    assert found, f"there is no heading {heading!r}"
    return found[1]


def keys_in(text: str) -> set[str]:
    return set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))


@pytest.mark.parametrize("name", SECTIONS)
def test_every_setting_is_documented_and_no_other(name: str) -> None:
    model = SECTIONS[name]
    assert isinstance(model, type)
    assert issubclass(model, BaseModel)
    assert keys_in(section(f"### [{name}]")) == set(model.model_fields)


@pytest.mark.parametrize(
    ("heading", "model"),
    [
        ("## config/sources.toml", _Common),
        ("## config/indicators.toml", IndicatorSpec),
        ("## feeds/NAME.toml", FeedDefinition),
    ],
)
def test_every_key_of_a_definition_is_documented_and_no_other(heading: str, model: type[BaseModel]) -> None:
    named_by_its_file = {"name"} if model is FeedDefinition else set()
    assert keys_in(section(heading)) == set(model.model_fields) - named_by_its_file


def test_every_key_of_a_selection_is_documented() -> None:
    assert {key for key in Selection.model_fields if f"`{key}`" not in section("## feeds/NAME.toml")} == set()


def _commands(group: typer.main.TyperGroup, prefix: str = "publisher") -> list[str]:
    found = []
    for name, command in group.commands.items():
        path = f"{prefix} {name}"
        found += _commands(command, path) if isinstance(command, typer.main.TyperGroup) else [path]
    return found


@pytest.mark.parametrize("command", _commands(typer.main.get_group(cli)))
def test_every_command_is_documented(command: str) -> None:
    assert re.search(rf"`{command}[ `]", OPERATION), f"docs/operation.md does not name `{command}`"


def test_the_rooms_are_listed_for_who_works_on_them_as_the_linter_holds_them() -> None:
    project = tomllib.loads((DOCS.parent / "pyproject.toml").read_text())
    contract = project["tool"]["importlinter"]["contracts"][0]
    layers = [[room.strip(" ()") for room in layer.split("|")] for layer in contract["layers"]]
    chain = section("## Rooms", (DOCS / "architecture.md").read_text()).split("```")[1]
    assert [[room.strip() for room in layer.split("|")] for layer in chain.split(">")] == layers
    table = section("## The house", (DOCS.parent / "DEVELOPERS.md").read_text())
    listed = re.findall(r"`(\w+)(?:/|\.py)`", "".join(re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)))
    assert sorted(listed) == sorted(room for layer in layers for room in layer)


@pytest.mark.parametrize("room", ["web", "delivery", "sources", "storage"])
def test_the_folders_of_a_room_are_listed_as_they_are(room: str) -> None:
    table = section("## Rooms", (DOCS / "architecture.md").read_text())
    (row,) = re.findall(rf"^\| `{room}/` \| (.*) \|$", table, re.MULTILINE)
    built = row.partition("Pages for operators")[0]
    folders = {path.parent.name for path in (DOCS.parent / "publisher" / room).glob("*/__init__.py")}
    nested = {path.parent.name for path in (DOCS.parent / "publisher" / room).glob("*/*/__init__.py")}
    assert folders <= set(re.findall(r"`(\w+)`", built)) <= folders | nested


def test_what_a_change_begins_with_is_there() -> None:
    table = section("## Where a change begins", (DOCS.parent / "DEVELOPERS.md").read_text())
    named = re.findall(r"`([\w/]+(?:\.py|/))`", table)
    package = DOCS.parent / "publisher"
    assert [path for path in named if not (package / path).exists()] == ["web/console/"]  # which the page says
