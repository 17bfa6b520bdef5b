"""Which feeds an item belongs to, and what a change means to them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.model import Change, Event, EventType, FeedDefinition, Filter, Match, Selection
from publisher.model.facets import item_facets
from publisher.selection import FeedIndex, follow, judge, selects

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
PUBLISHED, UPDATED, WITHDRAWN = (
    EventType.ARTICLE_PUBLISHED,
    EventType.ARTICLE_UPDATED,
    EventType.ARTICLE_WITHDRAWN,
)


def feed(name: str = "f", items: str = "articles", **select: Any) -> FeedDefinition:
    return FeedDefinition(name=name, title=name, items=items, select=Selection(**select))


def event(type: EventType, data: dict[str, Any], before: dict[str, Any] | None = None) -> Event:
    return Event(id="e1", type=type, timestamp=NOW, source="desk", subject="a1", data=data, before=before)


def test_a_feed_without_a_selection_takes_every_item_of_its_kind_and_no_other() -> None:
    assert selects(feed(), "articles", {})
    assert not selects(feed(), "indicators", {})


def test_keys_combine_with_and_and_values_with_or_whatever_their_case() -> None:
    narrow = feed(topics=("Rusia", " china "), sections=("Internasional",))
    assert selects(narrow, "articles", item_facets({"topics": ["CHINA"], "section": "internasional"}, "desk"))
    assert not selects(narrow, "articles", item_facets({"topics": ["rusia"], "section": "Nasional"}, "desk"))
    assert not selects(narrow, "articles", item_facets({"section": "Internasional"}, "desk"))


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        (["emas"], ["emas", "dolar"], Change.STAYED),
        ([], ["emas"], Change.ENTERED),
        (["emas"], [], Change.LEFT),
        (["dolar"], [], None),
    ],
)
def test_a_feed_matches_an_event_if_the_item_before_or_after_it_is_selected(
    before: list[str], after: list[str], change: Change | None
) -> None:
    assert judge(feed(topics=("emas",)), event(UPDATED, {"topics": after}, {"topics": before})) == change


def test_publishing_enters_and_withdrawing_leaves() -> None:
    assert judge(feed(), event(PUBLISHED, {})) == Change.ENTERED
    assert judge(feed(), event(WITHDRAWN, {}, {})) == Change.LEFT
    assert judge(feed(), event(WITHDRAWN, {"title": "x"})) == Change.LEFT


def test_a_first_observation_enters_and_later_ones_stay() -> None:
    rates = feed(items="indicators", symbols=("usd/idr",))
    updated = EventType.INDICATOR_UPDATED
    assert judge(rates, event(updated, {"symbol": "USD/IDR"})) == Change.ENTERED
    assert judge(rates, event(updated, {"symbol": "USD/IDR"}, {"symbol": "USD/IDR"})) == Change.STAYED
    assert judge(rates, event(updated, {"symbol": "EMAS"})) is None


def test_an_item_that_changes_its_source_leaves_the_feed_of_the_old_one() -> None:
    taken_over = event(UPDATED, {}, {"source": "wire"})
    assert judge(feed(sources=("wire",)), taken_over) == Change.LEFT
    assert judge(feed(sources=("desk",)), taken_over) == Change.ENTERED


def test_only_the_feeds_that_match_are_judged_to_match() -> None:
    feeds = [feed("all"), feed("gold", topics=("emas",)), feed("rates", "indicators")]
    assert FeedIndex.of(feeds).judge(event(PUBLISHED, {"topics": ["dolar"]})) == {"all": Change.ENTERED}


def test_a_follower_that_names_types_sees_entering_as_published_and_leaving_as_withdrawn() -> None:
    feeds = {"gold": feed("gold", topics=("emas",))}
    gains = event(UPDATED, {"topics": ["emas"]}, {"topics": []})
    loses = event(UPDATED, {"topics": []}, {"topics": ["emas"]})
    stays = event(UPDATED, {"topics": ["emas"]}, {"topics": ["emas"]})
    named = Filter(feeds=("gold",), events=(PUBLISHED, WITHDRAWN))
    assert follow(named, feeds, gains) == Match(PUBLISHED, Change.ENTERED)
    assert follow(named, feeds, loses) == Match(WITHDRAWN, Change.LEFT)
    assert follow(named, feeds, stays) is None
    assert follow(Filter(feeds=("gold",), events=(UPDATED,)), feeds, gains) is None


def test_a_follower_of_every_type_sees_the_events_own_type() -> None:
    feeds = {"gold": feed("gold", topics=("emas",))}
    gains = event(UPDATED, {"topics": ["emas"]}, {"topics": []})
    assert follow(Filter(feeds=("gold",)), feeds, gains) == Match(UPDATED, Change.ENTERED)


def test_an_item_that_moves_between_two_followed_feeds_stays() -> None:
    feeds = {"gold": feed("gold", topics=("emas",)), "dollar": feed("dollar", topics=("dolar",))}
    moves = event(UPDATED, {"topics": ["dolar"]}, {"topics": ["emas"]})
    assert follow(Filter(feeds=("gold", "dollar", "gone")), feeds, moves) == Match(UPDATED, Change.STAYED)
    assert follow(Filter(feeds=("gone",)), feeds, moves) is None


def test_the_full_text_is_for_who_follows_a_feed_that_shows_the_item_in_full() -> None:
    gold = feed("gold", topics=("emas",)).model_copy(update={"content": "summary"})
    feeds = {"gold": gold, "all": feed("all"), "rates": feed("rates", "indicators")}
    gains = event(UPDATED, {"topics": ["emas"]}, {"topics": ["dolar"]})
    loses = event(UPDATED, {"topics": ["dolar"]}, {"topics": ["emas"]})

    assert follow(Filter(feeds=("gold",)), feeds, gains) == Match(UPDATED, Change.ENTERED, summary=True)
    assert follow(Filter(feeds=("gold",)), feeds, loses) == Match(UPDATED, Change.LEFT, summary=True)
    assert follow(Filter(feeds=("gold", "all")), feeds, gains) == Match(UPDATED, Change.STAYED)
    assert follow(Filter(feeds=("gold", "rates")), feeds, gains) == Match(UPDATED, Change.ENTERED, summary=True)


def test_a_full_feed_that_does_not_take_the_item_does_not_open_its_text() -> None:
    gold = feed("gold", topics=("emas",)).model_copy(update={"content": "summary"})
    feeds = {"gold": gold, "dollar": feed("dollar", topics=("dolar",))}
    leaves_dollar = event(UPDATED, {"topics": ["emas"]}, {"topics": ["emas", "dolar"]})

    match = follow(Filter(feeds=("gold", "dollar")), feeds, leaves_dollar)
    assert match == Match(UPDATED, Change.STAYED, summary=True)


def test_an_indicators_first_event_keeps_its_type_for_a_follower_that_names_it() -> None:
    rates = {"rates": feed("rates", "indicators")}
    chosen = Filter(feeds=("rates",), events=(EventType.INDICATOR_UPDATED,))
    assert follow(chosen, rates, event(EventType.INDICATOR_UPDATED, {"symbol": "EMAS"})) == Match(
        EventType.INDICATOR_UPDATED, Change.ENTERED
    )


def test_an_observation_that_is_held_touches_no_feed_and_is_told_to_who_names_its_type() -> None:
    rates = {"rates": feed("rates", "indicators")}
    held = event(EventType.INDICATOR_HELD, {"symbol": "EMAS", "value": "1.533"}, {"symbol": "EMAS", "value": "1533000"})
    assert FeedIndex.of(rates.values()).judge(held) == {}
    assert judge(rates["rates"], held) is None
    assert follow(Filter(feeds=("rates",)), rates, held) is None
    assert follow(Filter(feeds=("rates",), events=(EventType.INDICATOR_UPDATED,)), rates, held) is None
    asked = Filter(feeds=("rates",), events=(EventType.INDICATOR_UPDATED, EventType.INDICATOR_HELD))
    assert follow(asked, rates, held) == Match(EventType.INDICATOR_HELD, Change.STAYED)


values = st.sampled_from(["emas", "Dolar", "RUSIA"])
states = st.none() | st.fixed_dictionaries(
    {"topics": st.lists(values, max_size=2), "section": st.none() | values, "editor": st.none() | values}
)
selections = st.builds(
    Selection,
    topics=st.lists(values, max_size=2).map(tuple),
    sections=st.lists(values, max_size=1).map(tuple),
    sources=st.sampled_from([(), ("desk",), ("other",)]),
)


def history(states: list[dict[str, Any] | None]) -> list[Event]:
    """The events of one article that goes through these states; null is: not there."""
    events = []
    before = None
    for after in states:
        if after is not None:
            events.append(event(UPDATED if before is not None else PUBLISHED, after, before))
        elif before is not None:
            events.append(event(WITHDRAWN, before, before))
        before = after
    return events


@given(selections, st.lists(states, min_size=1, max_size=8))
def test_following_the_changes_leads_to_what_the_feed_selects(select: Selection, passed: list[Any]) -> None:
    chosen = FeedDefinition(name="f", title="f", select=select)
    inside = False
    for each in history(passed):
        change = judge(chosen, each)
        assert change is not Change.ENTERED or not inside
        assert change in (Change.ENTERED, None) or inside
        inside = change in (Change.ENTERED, Change.STAYED)
    last = passed[-1]
    assert inside == (last is not None and selects(chosen, "articles", item_facets(last, "desk")))


@given(st.lists(selections, min_size=1, max_size=3), st.lists(states, min_size=1, max_size=8))
def test_a_follower_by_type_that_publishes_and_withdraws_holds_what_its_feeds_select(
    chosen: list[Selection], passed: list[Any]
) -> None:
    feeds = {f"f{n}": FeedDefinition(name=f"f{n}", title="f", select=one) for n, one in enumerate(chosen)}
    held = False
    for each in history(passed):
        match = follow(Filter(feeds=tuple(feeds), events=(PUBLISHED, WITHDRAWN)), feeds, each)
        held = held if match is None else match.type is PUBLISHED
    last = passed[-1]
    facets = None if last is None else item_facets(last, "desk")
    assert held == (facets is not None and any(selects(one, "articles", facets) for one in feeds.values()))


@pytest.mark.parametrize(
    ("range_", "takes", "leaves"),
    [
        ("id", ["id", "ID", "id-ID", "in", "in-ID", "ind", "id_ID"], ["idb", "en", None]),
        ("in", ["id", "id-ID", "in"], ["en"]),
        ("en-GB", ["en-GB", "en_gb", "en-UK", "en-GB-oed"], ["en", "en-US", "en-Latn-GB"]),
        ("zh-Hans", ["zh-Hans", "zh-hans-cn"], ["zh", "zh-Hant", "zh-CN"]),
        ("*", ["id", "en-GB", "x-rumah"], [None, "", "bahasa"]),
    ],
)
def test_a_language_is_selected_by_its_range(range_: str, takes: list[str], leaves: list[str | None]) -> None:
    narrow = feed(languages=(range_,))
    assert all(selects(narrow, "articles", item_facets({"language": one}, "desk")) for one in takes)
    assert not any(selects(narrow, "articles", item_facets({"language": one}, "desk")) for one in leaves)


def test_a_webhook_on_a_feed_of_a_language_is_told_of_every_kind_of_it() -> None:
    feeds = {"news": feed("news", languages=("id",))}
    told = follow(Filter(feeds=("news",)), feeds, event(UPDATED, {"language": "id-ID"}, {"language": "en"}))
    assert told is not None
    assert told.change == Change.ENTERED
