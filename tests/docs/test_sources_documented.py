"""``docs/sources.md``: every key is in it, its examples are right, and its recipe leads where it says."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Annotated

import pytest
from aiohttp.test_utils import TestServer
from pydantic import BaseModel, TypeAdapter
from selectolax.lexbor import LexborHTMLParser
from support.clock import ManualClock
from support.service import write_installation

from publisher.app.installation import App
from publisher.catalog import load
from publisher.ingest import Report
from publisher.sample.newsroom import Newsroom
from publisher.sample.site import make_site
from publisher.sources.json.mapping import ArticleMap, IndicatorMap
from publisher.sources.kinds import KINDS
from publisher.sources.profiles import profile
from publisher.storage.items import articles

TEXT = (Path(__file__).parents[2] / "docs/sources.md").read_text()
BLOCKS = re.findall(r"^```toml\n# (\S+?)(, continued)?\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


def section(heading: str) -> str:
    found = re.search(rf"^## {re.escape(heading)}$(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL)
    assert found, f"docs/sources.md has no heading {heading!r}"
    return found[1]


@pytest.mark.parametrize("kind", KINDS)
def test_every_key_of_a_kind_is_documented_and_no_other(kind: str) -> None:
    documented = set(re.findall(r"^\| `(\w+)` \|", section(f"`{kind}`"), re.MULTILINE))
    assert documented == set(KINDS[kind].Options.model_fields)


@pytest.mark.parametrize("kind", KINDS)
def test_every_default_that_is_shown_is_the_default(kind: str) -> None:
    for key, shown in re.findall(r"^\| `(\w+)` \| `([^`]+)` \|", section(f"`{kind}`"), re.MULTILINE):
        field = KINDS[kind].Options.model_fields[key]
        value = tomllib.loads(f"value = {shown}")["value"]
        # None keeps it an Annotated where there is no metadata.
        adapter: TypeAdapter[object] = TypeAdapter(Annotated[(field.annotation, None, *field.metadata)])
        assert adapter.validate_python(value) == field.default, key


@pytest.mark.parametrize(
    "model",
    [
        profile.HtmlProfile, profile.HtmlArticle, profile.HtmlBody, profile.HtmlImage, profile.Byline,
        profile.HtmlIndex, profile.HtmlTicker, profile.TextBody, profile.TextImage, profile.TextTicker,
    ],
)  # fmt: skip
def test_every_key_of_a_profile_is_documented(model: type[BaseModel]) -> None:
    text = section("Profiles")
    assert {key for key in model.model_fields if f"`{key}`" not in text and f"`[{key}]`" not in text} - {
        "kind"
    } == set()


@pytest.mark.parametrize("model", [ArticleMap, IndicatorMap])
def test_every_key_of_a_mapping_is_documented(model: type[BaseModel]) -> None:
    assert {key for key in model.model_fields if f"`{key}`" not in section("`json`")} == set()


def test_every_example_of_a_source_is_one_that_is_taken(tmp_path: Path) -> None:
    examples = [text for file, _, text in BLOCKS if file == "config/sources.toml"]
    assert len(examples) == 4
    for number, example in enumerate(examples):
        home = write_installation(tmp_path / str(number), {"config/sources.toml": example, **_profile(whole=True)})
        assert len(load(home).sources) == 1


def _profile(*, whole: bool) -> dict[str, str]:
    """The profile of the recipe; ``whole``: grown, where a table that stands twice is the later one."""
    first, further = [text for file, _, text in BLOCKS if file.startswith("config/profiles")]
    if not whole:
        return {"config/profiles/warta.toml": first}
    return {"config/profiles/warta.toml": first.partition("[article.body]")[0] + further}


# --- the recipe


class Site:
    """The sample newsroom on a free port, and an installation that follows the recipe over it."""

    def __init__(self, home: Path, clock: ManualClock) -> None:
        self.home = home
        self.clock = clock
        self.newsroom = Newsroom(4, clock())

    async def follow(self, source: str, files: dict[str, str]) -> tuple[Report, list[dict[str, object]]]:
        async with TestServer(make_site(self.newsroom, self.clock)) as server:
            address = str(server.make_url("/"))
            written = {"config/sources.toml": source, **files}
            moved = {name: text.replace("http://127.0.0.1:8081/", address) for name, text in written.items()}
            quick = {"config/publisher.toml": '[fetch]\nallow_private_networks = ["127.0.0.0/8:*"]\npause = "0s"\n'}
            app = await App.open(write_installation(self.home, {**moved, **quick}), now=self.clock)
            try:
                report = await app.load("warta")
                found = await app.db.read(lambda tx: articles.page(tx, limit=100))
            finally:
                await app.close()
        return report, [one.data for one in found]


@pytest.fixture
def site(tmp_path: Path, clock: ManualClock) -> Site:
    return Site(tmp_path, clock)


def sources() -> list[str]:
    return [text for file, _, text in BLOCKS if file == "config/sources.toml"]


def texts(article: dict[str, object]) -> list[str]:
    return [node.text() for node in LexborHTMLParser(str(article["body"])).css("p")]


async def test_without_a_profile_the_recipe_shows_where_fields_came_from_or_what_is_missing(site: Site) -> None:
    report, found = await site.follow(sources()[0], {})
    assert report.error is None
    assert len(found) + sum(problem.severity == "error" for problem in report.problems) >= len(
        site.newsroom.latest("id")
    )
    for fields in report.origins.values():
        assert set(fields.values()) <= {"jsonld", "opengraph", "page", "extracted", "guessed"}


async def test_three_selectors_are_enough_to_begin_with(site: Site) -> None:
    report, found = await site.follow(sources()[1], _profile(whole=False))
    assert report.error is None
    assert {(one.severity, one.field, one.message) for one in report.problems} <= {
        ("warning", "body", "may be no part of the article"),
        ("warning", "body", "ends as no sentence: a heading, or a teaser of another article?"),
    }
    expected = site.newsroom.latest("id")
    assert [one["title"] for one in found] == [piece.title for piece in expected]
    first = texts(found[0])
    assert first[0].startswith(("Editor:", "Sumber:"))
    assert any(text.startswith("Baca Juga:") for text in first)


async def test_the_profile_that_has_grown_takes_the_text_alone_and_who_wrote_it(site: Site) -> None:
    report, found = await site.follow(sources()[1], _profile(whole=True))
    assert (report.error, report.problems) == (None, [])
    for article, piece in zip(found, site.newsroom.latest("id"), strict=True):
        said = texts(article)
        assert said[0].endswith(piece.paragraphs[0])
        assert said[1:] == list(piece.paragraphs[1:])
        assert (article["editor"], article["agency"]) == (piece.story.editor, piece.story.agency)
