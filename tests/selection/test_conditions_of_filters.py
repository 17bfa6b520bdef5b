"""What a follower asks for beside feeds and types: who is told what, and that nothing hidden has a say."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from publisher.delivery.transports import FORMATS
from publisher.delivery.transports.base import SingleEvent
from publisher.model import Change, Event, EventType, FeedDefinition, Filter, Match, Selection
from publisher.selection import Followers, Judge, Shown, condition, envelope, follow, parse

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
PUBLISHED, UPDATED, WITHDRAWN = (
    EventType.ARTICLE_PUBLISHED,
    EventType.ARTICLE_UPDATED,
    EventType.ARTICLE_WITHDRAWN,
)
ALL = FeedDefinition(name="all", title="All")
GOLD = FeedDefinition(name="gold", title="Gold", select=Selection(topics=("emas",)))
SHORT = FeedDefinition(name="short", title="Short", content="summary")
DESK = FeedDefinition(name="desk", title="Desk", private=True)
RATES = FeedDefinition(name="rates", title="Rates", items="indicators")
FEEDS = {feed.name: feed for feed in (ALL, GOLD, SHORT, DESK, RATES)}


def article(**fields: Any) -> dict[str, Any]:
    return {"id": "a1", "title": "Judul", "summary": None, "body": "<p>Isi.</p>", "topics": [], **fields}


def event(type: EventType, data: dict[str, Any], before: dict[str, Any] | None = None, **more: Any) -> Event:
    return Event(
        seq=7, id="e1", type=type, timestamp=NOW, source="desk", subject="a1", data=data, before=before, **more
    )


def told(given: Event, *feeds: str, public: bool = True, events: tuple[EventType, ...] = (), **asked: Any) -> Any:
    wanted = Filter(feeds=feeds or ("all",), events=events, where=parse(asked.get("where", {})).pairs)
    wanted = wanted.model_copy(update={"expression": asked.get("expression")})
    judge = Judge(FEEDS, {}, {"desk"}, {})
    by_judge = judge.matches(given, Followers([(1, wanted, public)])).get(1)
    seen = {name: one for name, one in FEEDS.items() if not (public and one.private)}
    assert by_judge == follow(wanted, seen, given, public=public)
    return by_judge


EMAS = {"where": {"topic": ["emas"]}}
SAYS_EMAS = {"expression": '"emas" in data.topics'}


@pytest.mark.parametrize("asked", [EMAS, SAYS_EMAS], ids=["where", "expression"])
@pytest.mark.parametrize(
    ("before", "after", "match"),
    [
        ([], ["emas"], Match(UPDATED, Change.ENTERED)),
        (["emas"], ["emas"], Match(UPDATED, Change.STAYED)),
        (["emas"], [], Match(UPDATED, Change.LEFT)),
        ([], ["dolar"], None),
    ],
)
def test_what_a_filter_asks_for_decides_as_a_selection_does_what_enters_stays_and_leaves(
    asked: dict[str, Any], before: list[str], after: list[str], match: Match | None
) -> None:
    assert told(event(UPDATED, article(topics=after), article(topics=before)), **asked) == match


@pytest.mark.parametrize("asked", [EMAS, SAYS_EMAS], ids=["where", "expression"])
def test_by_types_what_enters_counts_as_published_and_what_leaves_as_withdrawn(asked: dict[str, Any]) -> None:
    gains = event(UPDATED, article(topics=["emas"]), article())
    loses = event(UPDATED, article(), article(topics=["emas"]))
    assert told(gains, events=(PUBLISHED,), **asked) == Match(PUBLISHED, Change.ENTERED)
    assert told(loses, events=(WITHDRAWN,), **asked) == Match(WITHDRAWN, Change.LEFT)
    assert told(gains, events=(UPDATED,), **asked) is None
    assert told(loses, events=(UPDATED,), **asked) is None


@pytest.mark.parametrize("asked", [EMAS, SAYS_EMAS], ids=["where", "expression"])
def test_publishing_enters_and_withdrawing_leaves_only_what_is_asked_for(asked: dict[str, Any]) -> None:
    gold, other = article(topics=["emas"]), article(topics=["dolar"])
    assert told(event(PUBLISHED, gold), **asked) == Match(PUBLISHED, Change.ENTERED)
    assert told(event(WITHDRAWN, gold, gold), **asked) == Match(WITHDRAWN, Change.LEFT)
    assert told(event(PUBLISHED, other), **asked) is None
    assert told(event(WITHDRAWN, other, other), **asked) is None


@pytest.mark.parametrize("asked", [EMAS, SAYS_EMAS], ids=["where", "expression"])
def test_a_filter_takes_no_more_than_its_feeds_do(asked: dict[str, Any]) -> None:
    assert told(event(PUBLISHED, article(topics=["emas"])), "rates", **asked) is None
    both = event(UPDATED, article(topics=["emas"]), article(topics=["emas"], title="Lama"))
    assert told(both, "gold", where={"topic": ["-emas"]}) is None


HIDDEN = "rahasia"


@pytest.mark.parametrize(
    "asked",
    [
        {"where": {"q": [HIDDEN]}},
        {"where": {"q": [f"-{HIDDEN}"]}},
        {"where": {"q": ["raha*"]}},
        {"expression": f'data.body != null && data.body.contains("{HIDDEN}")'},
        {"expression": f'data.body == null || !data.body.contains("{HIDDEN}")'},
        {"expression": f'has(data.source) && data.source == "{HIDDEN}"'},
        {"expression": 'source == "desk"'},
        {"expression": "size(string(data.summary)) > 40"},
    ],
)
@pytest.mark.parametrize("side", ["after", "before", "both"])
@pytest.mark.parametrize("type", [PUBLISHED, UPDATED, WITHDRAWN])
def test_no_answer_changes_where_only_what_is_hidden_does(asked: dict[str, Any], side: str, type: EventType) -> None:
    plain = "<p>Kata pertama sampai akhir yang biasa saja dan terbuka.</p>" + "<p>lain</p>" * 9
    secret = plain + f"<p>{HIDDEN}</p>"
    open_ = article(summary="Ringkasan", body=plain, source="wire")
    shut = article(summary="Ringkasan", body=secret, source=HIDDEN)
    after = shut if side in ("after", "both") else open_
    before = shut if side in ("before", "both") else open_
    # The item's own data never names its source; `before` does.
    after = {key: value for key, value in after.items() if key != "source"}
    plainly = {key: value for key, value in open_.items() if key != "source"}
    former = None if type is PUBLISHED else before
    expected = told(event(type, plainly, None if former is None else open_), "short", **asked)
    assert told(event(type, after, former), "short", **asked) == expected


def test_what_only_a_private_feed_shows_has_no_say_for_who_may_not_follow_it() -> None:
    gold_before = event(UPDATED, article(topics=[]), article(topics=["emas"]))
    wanted = {"where": {"q": ["judul"]}}
    assert told(gold_before, "gold", **wanted) == Match(UPDATED, Change.LEFT)
    shown_to_desk = event(UPDATED, article(title="Terbuka"), article(title="Judul"))
    assert told(shown_to_desk, "desk", "gold", **wanted) is None
    assert told(shown_to_desk, "desk", "gold", public=False, **wanted) == Match(UPDATED, Change.LEFT)


def test_full_text_counts_where_one_of_the_feeds_shows_it() -> None:
    body = article(summary="Ringkasan", body=f"<p>Awal.</p><p>{HIDDEN}</p>")
    assert told(event(PUBLISHED, body), "short", "all", where={"q": [HIDDEN]}) == Match(PUBLISHED, Change.ENTERED)
    assert told(event(PUBLISHED, body), "short", where={"q": [HIDDEN]}) is None


def test_where_items_come_from_is_asked_by_operators_alone() -> None:
    wanted = {"where": {"source": ["desk"]}}
    assert told(event(PUBLISHED, article()), public=False, **wanted) == Match(PUBLISHED, Change.ENTERED)
    assert told(event(PUBLISHED, article()), public=True, **wanted) is None
    assert told(event(PUBLISHED, article()), public=True, where={"source": ["-wire"]}) is None


def test_a_held_observation_is_asked_about_like_any_other() -> None:
    held = event(EventType.INDICATOR_HELD, {"symbol": "EMAS", "name": "Emas", "value": "9"})
    types = (EventType.INDICATOR_HELD,)
    asked = {"where": {"symbol": ["emas"]}}
    assert told(held, "rates", events=types, **asked) == Match(EventType.INDICATOR_HELD, Change.ENTERED)
    assert told(held, "rates", events=types, where={"symbol": ["USD/IDR"]}) is None
    assert told(held, "rates", **asked) is None


@pytest.mark.parametrize(
    ("expression", "matched"),
    [
        ('type == "article.published" && change == "entered" && seq == 7 && id == "e1"', True),
        ('timestamp == "2026-11-22T08:00:00Z" && timestamp(timestamp) > timestamp("2026-01-01T00:00:00Z")', True),
        ('"title" in changed', True),
        ("source == null", True),
        ('data.title.startsWith("Jud")', True),
        ('data.title.startsWith("jud")', False),
        ("has(data.nothing)", False),
    ],
)
def test_an_expression_sees_the_envelope(expression: str, matched: bool) -> None:
    given = event(PUBLISHED, article(), changed=("title",))
    assert told(given, expression=expression) == (Match(PUBLISHED, Change.ENTERED) if matched else None)


def test_numbers_are_read_from_their_digits() -> None:
    rate = event(EventType.INDICATOR_UPDATED, {"symbol": "USD/IDR", "value": "15635.00", "change": "-20.00"})
    assert told(rate, "rates", expression="double(data.value) > 15000.0 && double(data.change) < 0.0") is not None


@pytest.mark.parametrize("expression", ["data.nothing == 1", "double(data.title) > 1.0", "1 / 0 == 1", "data.title"])
def test_what_cannot_be_evaluated_is_no_match_and_told(expression: str) -> None:
    wanted = Filter(feeds=("all",), expression=expression)
    fine = Filter(feeds=("all",), expression="true")
    faults: dict[int, str] = {}
    found = Judge(FEEDS, {}, {}, {}).matches(
        event(PUBLISHED, article()), Followers([(1, wanted, True), (2, fine, True)]), faults
    )
    assert found.keys() == {2}
    assert faults.keys() == {1}
    assert faults[1]


@pytest.mark.parametrize("expression", ["data[data.title] == 1", "double(data.title) > 1.0", "data.topics[data.title]"])
@pytest.mark.parametrize("title", ["Rahasia dalam kutip", 'Rahasia "dalam" kutip', "Rahasia 'dalam' \"kutip\""])
def test_what_is_told_of_an_error_quotes_nothing_of_the_event(expression: str, title: str) -> None:
    given = event(PUBLISHED, article(title=title))
    shown = Shown(given)
    wanted = Filter(feeds=("all",), expression=expression)
    assert Judge(FEEDS, {}, {}, {}).follow(wanted, given, public=True, shown=shown) is None
    fault = shown.fault() or ""
    assert fault
    assert "ahasia" not in fault and "dalam" not in fault and "kutip" not in fault


def test_whatever_the_library_raises_is_no_match_and_told_without_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_text: str) -> None:
        raise RuntimeError("Rahasia")

    monkeypatch.setattr(condition, "compiled", fails)
    given = event(PUBLISHED, article())
    faults: dict[int, str] = {}
    followers = Followers([(1, Filter(feeds=("all",), expression="true"), True), (2, Filter(feeds=("all",)), True)])
    assert Judge(FEEDS, {}, {}, {}).matches(given, followers, faults).keys() == {2}
    assert faults == {1: "it could not be evaluated (RuntimeError)"}


def test_once_the_time_for_an_event_is_used_up_expressions_match_nothing_and_that_is_told() -> None:
    wanted = Filter(feeds=("all",), expression="true")
    given = event(PUBLISHED, article())
    judge, spent = Judge(FEEDS, {}, {}, {}), Shown(given, seconds=0.0)
    assert judge.follow(wanted, given, public=True, shown=spent) is None
    assert "expressions had taken 0 s" in (spent.fault() or "")
    assert spent.fault() is None
    narrowed = Filter(feeds=("all",), where=parse({"q": ["judul"]}).pairs)
    assert judge.follow(narrowed, given, public=True, shown=spent) is not None
    assert judge.follow(wanted, given, public=True, shown=Shown(given)) is not None


def test_the_envelope_that_is_asked_is_the_one_that_is_sent() -> None:
    given = event(UPDATED, article(title="Baru"), article(title="Lama"), changed=("title",))
    sent = FORMATS["standard"].request(SingleEvent.of(given, UPDATED, Change.STAYED))
    assert json.loads(sent.body) == envelope(given, UPDATED, Change.STAYED, given.data)
