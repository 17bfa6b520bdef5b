"""Feeds and followers found by what an item has are those that asking each of them would have found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.model import CHANGE_COUNTS_AS, Change, Event, EventType, FeedDefinition, Filter, Match, Selection
from publisher.model.facets import Facets, item_facets
from publisher.selection import (
    RAREST_FIRST,
    FeedIndex,
    Followers,
    Judge,
    before_and_after,
    follow,
    judge,
    selects,
    visible,
)

NOW = datetime(2026, 11, 28, 8, 0, tzinfo=UTC)
FIELDS = {
    "sources": "source",
    "sections": "section",
    "topics": "topics",
    "authors": "authors",
    "editors": "editor",
    "agencies": "agency",
    "languages": "language",
    "symbols": "symbol",
}
"""The keys of selections, each with the field of an item that has its values."""

VALUES = ("emas", "Dolar", " RUSIA ")
LANGUAGES = ("id", "id-ID", "en", "en-GB", "zh-Hans", "*", "bahasa")
NAMES = tuple(f"feed{n}" for n in range(8))


def wanted(key: str) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(LANGUAGES if key == "languages" else VALUES), max_size=3).map(tuple)


def value(key: str) -> st.SearchStrategy[Any]:
    one = st.sampled_from(LANGUAGES if key == "languages" else VALUES)
    if key in ("topics", "authors"):
        return st.lists(one, max_size=3)
    return one if key == "sources" else st.none() | one


selections = st.fixed_dictionaries({}, optional={key: wanted(key) for key in FIELDS}).map(
    lambda chosen: Selection(**chosen)
)
items = st.fixed_dictionaries({}, optional={field: value(key) for key, field in FIELDS.items()})
definitions = st.lists(
    st.builds(
        lambda items, select, content, private: {
            "items": items,
            "select": select,
            "content": content,
            "private": private,
        },
        st.sampled_from(["articles", "articles", "indicators", "operations"]),
        selections,
        st.sampled_from(["full", "summary"]),
        st.booleans(),
    ),
    max_size=len(NAMES),
).map(lambda made: [FeedDefinition(name=name, title=name, **one) for name, one in zip(NAMES, made, strict=False)])
events = st.builds(
    lambda type, source, data, before, seq: Event(
        seq=seq, id="e", type=type, timestamp=NOW, source=source, subject="a", data=data, before=before
    ),
    st.sampled_from(EventType),
    st.sampled_from(VALUES),
    items,
    st.none() | items,
    st.integers(1, 3),
)
filters = st.lists(
    st.tuples(
        st.builds(
            Filter,
            feeds=st.lists(st.sampled_from(NAMES), max_size=4, unique=True).map(tuple),
            events=st.lists(st.sampled_from(EventType), max_size=3, unique=True).map(tuple),
        ),
        st.booleans(),
    ),
    max_size=6,
)


@dataclass
class Known:
    """What a judge goes by, drawn at random."""

    feeds: Mapping[str, FeedDefinition]
    removed: Mapping[str, FeedDefinition]
    private: frozenset[str]
    opened: Mapping[str, int]


known = st.builds(
    lambda feeds, gone, private, opened: Known(
        {one.name: one for one in feeds if one.name not in gone},
        {one.name: one for one in feeds if one.name in gone},
        private,
        opened,
    ),
    definitions,
    st.frozensets(st.sampled_from(NAMES)),
    st.frozensets(st.sampled_from(NAMES), max_size=2),
    st.dictionaries(st.sampled_from(NAMES), st.integers(1, 3), max_size=2),
)


def one_by_one(filter: Filter, feeds: Mapping[str, FeedDefinition], event: Event) -> Match | None:
    """The rule for followers, asking each feed."""
    if event.type is EventType.INDICATOR_HELD and event.type not in filter.events:
        return None
    kind = event.type.items
    followed = [feeds[name] for name in filter.feeds if name in feeds]

    def taking(facets: Facets | None) -> list[FeedDefinition]:
        return [] if facets is None else [feed for feed in followed if selects(feed, kind, facets)]

    before, after = map(taking, before_and_after(event))
    if not before and not after:
        return None
    change = Change.LEFT if not after else Change.STAYED if before else Change.ENTERED
    summary = kind == "articles" and all(feed.content == "summary" for feed in after or before)
    type_ = event.type
    if filter.events and kind == "articles":
        type_ = CHANGE_COUNTS_AS.get(change, event.type)
    return Match(type_, change, summary) if not filter.events or type_ in filter.events else None


def judged_one_by_one(by: Known, filter: Filter, event: Event, *, public: bool) -> Match | None:
    """The rule for followers where feeds were removed, closed and opened, asking each feed."""
    feeds = {name: by.feeds[name] for name in filter.feeds if name in by.feeds}
    away = {name: by.removed[name] for name in filter.feeds if name in by.removed}
    feeds, away = (feeds, away) if feeds else (away, {})
    if public:
        feeds, away = visible(filter, feeds, by.private), visible(filter, away, by.private)
        feeds, away = (
            {name: feed for name, feed in some.items() if event.seq >= by.opened.get(name, 0)} for some in (feeds, away)
        )
    match = one_by_one(filter, feeds, event)
    if match is not None:
        return match
    for name, feed in away.items():
        match = one_by_one(filter, {**feeds, name: feed}, event)
        if match is not None:
            return replace(match, held=name)
    return None


def test_these_examples_have_every_key_that_a_selection_knows() -> None:
    assert set(FIELDS) == set(Selection.model_fields) == set(RAREST_FIRST)
    full = {
        field: ["emas"] if key in ("topics", "authors") else "id" if key == "languages" else "emas"
        for key, field in FIELDS.items()
    }
    assert set(item_facets(full, "desk")) == set(FIELDS)


@given(definitions, events)
def test_the_index_judges_as_asking_each_feed_does(feeds: list[FeedDefinition], event: Event) -> None:
    asked = {feed.name: judge(feed, event) for feed in feeds}

    assert FeedIndex.of(feeds).judge(event) == {name: change for name, change in asked.items() if change is not None}


@given(definitions, st.sampled_from(["articles", "indicators", "operations"]), items, st.sampled_from(VALUES))
def test_the_index_finds_the_feeds_that_take_an_item_and_no_others(
    feeds: list[FeedDefinition], kind: str, item: dict[str, Any], source: str
) -> None:
    facets = item_facets(item, source)

    found = FeedIndex.of(feeds).taking(kind, facets)

    assert found == {feed.name: feed for feed in feeds if selects(feed, kind, facets)}


@given(known, filters, events)
def test_followers_found_by_the_feeds_touched_are_told_what_asking_each_of_them_tells(
    by: Known, followed: list[tuple[Filter, bool]], event: Event
) -> None:
    one = Judge(by.feeds, by.removed, by.private, by.opened)
    asked = {n: judged_one_by_one(by, filter, event, public=public) for n, (filter, public) in enumerate(followed)}
    told = {n: match for n, match in asked.items() if match is not None}

    assert one.matches(event, Followers((n, *each) for n, each in enumerate(followed))) == told
    assert asked == {n: one.follow(filter, event, public=public) for n, (filter, public) in enumerate(followed)}


@given(definitions, st.builds(Filter, feeds=st.just(NAMES)), events)
def test_following_feeds_by_the_index_is_following_each_of_them(
    feeds: list[FeedDefinition], filter: Filter, event: Event
) -> None:
    named = {feed.name: feed for feed in feeds}

    assert follow(filter, named, event) == one_by_one(filter, named, event)


def of_topics(*topics: str) -> list[FeedDefinition]:
    return [
        FeedDefinition(name=f"of-{topic}", title=topic, select=Selection(languages=("id",), topics=(topic,)))
        for topic in topics
    ]


class Counted(dict[str, frozenset[str]]):
    """An item's facets, with a count of the languages that were asked for."""

    asked = 0

    def get(self, key: str, default: Any = None) -> Any:
        self.asked += key == "languages"
        return super().get(key, default)


@pytest.mark.parametrize("others", [10, 1_000])
def test_a_feed_is_asked_only_where_the_item_has_a_value_that_few_feeds_share(others: int) -> None:
    feeds = of_topics("emas", *(f"topic{n}" for n in range(others)))
    facets = Counted(item_facets({"language": "id", "topics": ["emas", "kopi"]}, "desk"))

    assert list(FeedIndex(feeds).taking("articles", facets)) == ["of-emas"]
    assert facets.asked == 1


def test_the_index_of_the_same_definitions_is_made_once_and_that_of_others_is_another() -> None:
    feeds = of_topics("emas", "kopi")
    by_name = {feed.name: feed for feed in feeds}

    assert FeedIndex.of(feeds) is FeedIndex.of(by_name.values())
    assert FeedIndex.of(feeds[:1]) is not FeedIndex.of(feeds)
    by_name["of-kopi"] = feeds[1].model_copy(update={"select": Selection(topics=("emas",))})
    gold = item_facets({"language": "id", "topics": ["emas"]}, "desk")
    assert set(FeedIndex.of(by_name.values()).taking("articles", gold)) == {"of-emas", "of-kopi"}
