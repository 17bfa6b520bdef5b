"""Every webhook format is in ``docs/formats.md`` as it describes itself, with what it takes and a body of it."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from publisher.delivery.transports import FORMATS, for_webhooks, preview_body
from publisher.delivery.transports.base import SingleEvent, Site
from publisher.delivery.transports.writing.templates import FILTERS
from publisher.model import Change, Event, EventType

TEXT = (Path(__file__).parents[2] / "docs/formats.md").read_text()

EXAMPLE = SingleEvent.of(
    Event(
        seq=42,
        id="evt_0006411c8a2f3b90aa01f2",
        type=EventType.ARTICLE_UPDATED,
        timestamp=datetime(2026, 11, 22, 21, 51, 36, tzinfo=UTC),
        source="desk",
        subject="a1",
        data={
            "id": "a1",
            "url": "https://news.example/coffee",
            "title": "Coffee is dearer & tea is not",
            "summary": "By a tenth since May.",
            "body": "<p>By a tenth since May.</p>",
            "topics": ["coffee"],
            "images": [{"url": "https://news.example/coffee.jpg", "caption": "Beans"}],
        },
        changed=("title",),
    ),
    EventType.ARTICLE_UPDATED,
    Change.STAYED,
    site=Site("Kabar", "https://kabar.example", "en", "Asia/Jakarta"),
)
"""What the bodies on the page tell."""


def section(heading: str) -> str:
    level = heading.partition(" ")[0]
    found = re.search(rf"^{re.escape(heading)}$(.*?)(?=^#{{2,{len(level)}}} |\Z)", TEXT, re.MULTILINE | re.DOTALL)
    assert found, f"there is no heading {heading!r}"
    return found[1]


def rows(text: str) -> dict[str, str]:
    """The first two columns of the tables."""
    found = re.findall(r"^\| `([\w-]+)` \| (.*?) \|(?: .* \|)?$", text, re.MULTILINE)
    return {name: said for name, said in found if name not in ("format", "filter")}


def body(name: str) -> Any:
    return json.loads(preview_body(name, FORMATS[name].example, EXAMPLE).body)


def test_every_format_is_documented_in_its_own_words_and_no_other() -> None:
    documented = rows("\n".join(line for line in TEXT.split("\n## ")[0].splitlines() if "| **" in line))
    assert documented == {name: f"**{one.label}.** {one.about}" for name, one in for_webhooks().items()}


@pytest.mark.parametrize("name", for_webhooks())
def test_its_parameters_are_documented_in_their_own_words(name: str) -> None:
    declared = FORMATS[name].parameters.model_fields
    common = rows(section("## Messages")) if "images" in declared else {}
    own = rows(section(f"## {name}"))
    assert {**own, **common} == {field: one.description for field, one in declared.items()}


@pytest.mark.parametrize("name", for_webhooks())
def test_its_body_is_the_one_that_is_shown(name: str) -> None:
    (shown,) = re.findall(r"^```json\n(.*?)^```$", section(f"## {name}"), re.MULTILINE | re.DOTALL)
    assert json.loads(shown) == body(name)


def test_the_template_that_is_shown_makes_the_body_that_is_shown() -> None:
    (shown,) = re.findall(r"^```jsonc\n(.*?)^```$", section("## template"), re.MULTILINE | re.DOTALL)
    assert json.loads(shown) == json.loads(FORMATS["template"].example.template or "")


def test_every_filter_is_documented_in_its_own_words() -> None:
    assert rows(section("## Templates")) == {name: one.about for name, one in FILTERS.items()}
