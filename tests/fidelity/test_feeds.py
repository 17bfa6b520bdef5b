"""Feeds as some forty systems write them, in our own words: every value is the one that was meant, or it is told.

Beside each feed stands what is to be read of it: its articles with all of their values, what they are known by, which
values were guessed, and every word that is told (where, field, severity, message).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from support.clock import ManualClock
from support.reading import Answer, Server, open_source

from publisher.errors import FetchError
from publisher.model import article_json
from publisher.model.observed import Batch, ObservedArticle

HERE = Path(__file__).parent / "feeds"
EXPECTED = ".expected.json"
FEEDS = sorted(one.name for one in HERE.iterdir() if not one.name.endswith(EXPECTED))
WITH_ARTICLES = [name for name in FEEDS if name not in ("page.html", "sitemap.xml")]


def expected(name: str) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads((HERE / f"{name}{EXPECTED}").read_bytes())
    return found


async def read(name: str, home: Path, clock: ManualClock) -> Batch:
    kind = expected(name).get("content_type", "")
    answer = Answer((HERE / name).read_bytes(), headers={"Content-Type": kind})
    return await open_source("feed", home, clock, http=Server(answer), url=f"https://upstream.example/{name}").read({})


def said(value: Any) -> Any:
    """A value without what was not said in it."""
    if isinstance(value, dict):
        return {key: said(one) for key, one in value.items() if one not in (None, [])}
    return [said(one) for one in value] if isinstance(value, list) else value


def values(one: ObservedArticle) -> dict[str, Any]:
    found = {key: value for key, value in said(article_json(one.article)).items() if key != "id"}
    found["known_by"] = one.identity
    guessed = [field for field, origin in one.origins.items() if origin == "guessed" and field != "language"]
    return found | ({"guessed": guessed} if guessed else {})


@pytest.mark.parametrize("name", WITH_ARTICLES)
async def test_every_value_of_a_feed_is_the_one_that_was_meant(name: str, tmp_path: Path, clock: ManualClock) -> None:
    batch = await read(name, tmp_path, clock)
    assert [values(one) for one in batch.articles] == expected(name)["articles"]


@pytest.mark.parametrize("name", WITH_ARTICLES)
async def test_whatever_is_doubtful_in_a_feed_is_told_and_nothing_else(
    name: str, tmp_path: Path, clock: ManualClock
) -> None:
    batch = await read(name, tmp_path, clock)
    url = f"https://upstream.example/{name}"
    told = [[one.origin.removeprefix(url).strip(), one.field, one.severity, one.message] for one in batch.problems]
    assert told == expected(name)["told"]


@pytest.mark.parametrize("name", WITH_ARTICLES)
async def test_a_title_or_a_text_that_was_guessed_is_told_beside_its_article(
    name: str, tmp_path: Path, clock: ManualClock
) -> None:
    batch = await read(name, tmp_path, clock)
    warned = {(one.origin, one.field) for one in batch.problems}
    for one in batch.articles:
        guessed = {field for field, origin in one.origins.items() if origin == "guessed"} - {"language", "images"}
        assert {(one.origin, field) for field in guessed} <= warned


@pytest.mark.parametrize("name", sorted(set(FEEDS) - set(WITH_ARTICLES)))
async def test_what_is_no_feed_says_what_it_is_instead(name: str, tmp_path: Path, clock: ManualClock) -> None:
    with pytest.raises(FetchError) as caught:
        await read(name, tmp_path, clock)
    assert str(caught.value) == expected(name)["error"]
