"""The sample newsroom goes about its day as a real one would, and the same way for the same seed."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from publisher.model.agreement import contradiction
from publisher.sample.market import FARTHEST
from publisher.sample.newsroom import MOST, Newsroom
from publisher.sample.picture import draw
from publisher.sample.stories import load

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SYMBOLS = ["EMAS", "USD/IDR", "IDX", "KOMPAS100", "LQ45", "ISSI", "IDX30", "IDXHIDIV20", "IDX80", "IDXV30", "IDXQ30"]


def day_of_news(seed: int, ticks: int = 300) -> tuple[Newsroom, list[str]]:
    newsroom = Newsroom(seed, START)
    told = []
    for n in range(1, ticks + 1):
        happening = newsroom.make_news(START + timedelta(seconds=30 * n))
        told.append(f"{happening.what} {happening.slug}")
    return newsroom, told


def test_there_are_stories_enough_in_both_languages_and_each_is_whole() -> None:
    languages = Counter(story.language for story in load())
    assert languages["id"] >= 12
    assert languages["en"] >= 8
    assert len({story.slug for story in load()}) == len(load())
    assert all(4 <= len(story.paragraphs) <= 8 and story.topics and story.addition for story in load())


def test_the_same_seed_tells_the_same_day() -> None:
    assert day_of_news(7)[1] == day_of_news(7)[1]
    assert day_of_news(7)[1] != day_of_news(8)[1]


@pytest.mark.parametrize("seed", range(5))
def test_news_is_published_changed_and_withdrawn_and_never_runs_out(seed: int) -> None:
    newsroom, told = day_of_news(seed)
    counts = Counter(one.partition(" ")[0] for one in told)
    assert set(counts) == {"published", "changed", "withdrawn"}
    assert "published" in "".join(told[-20:])
    standing = newsroom.latest("id") + newsroom.latest("en")
    assert 5 <= len(standing) <= MOST


def test_no_address_is_ever_given_to_two_stories() -> None:
    _, told = day_of_news(3, ticks=1000)
    published = [one for one in told if one.startswith("published")]
    assert len(set(published)) == len(published)


def test_a_changed_story_says_something_else_and_when() -> None:
    newsroom = Newsroom(1, START)
    before = {piece.story.slug: piece for piece in newsroom.latest("id") + newsroom.latest("en")}
    for n in range(1, 100):
        now = START + timedelta(seconds=30 * n)
        happening = newsroom.make_news(now)
        if happening.what == "changed" and happening.slug in before:
            break
    after, old = newsroom.piece(happening.slug), before[happening.slug]
    assert after is not None
    assert (after.updated, after.published) == (now, old.published)
    assert after.paragraphs == (*old.paragraphs, after.story.addition)


@pytest.mark.parametrize("seed", range(4))
def test_what_the_ticker_shows_never_contradicts_itself_and_never_jumps(seed: int) -> None:
    newsroom = Newsroom(seed, START)
    for n in range(2_000):
        before = {one.symbol: one.shown for one in newsroom.market.indicators}
        newsroom.move_market(START + timedelta(minutes=n))
        for one in newsroom.market.indicators:
            assert contradiction(one.shown, one.change, one.percent) is None
            assert abs(one.shown - before[one.symbol]) < before[one.symbol] / 10


def test_the_market_opens_with_eleven_indicators() -> None:
    market = Newsroom(0, START).market
    assert [one.symbol for one in market.indicators] == SYMBOLS
    dollar = market["USD/IDR"]
    assert (str(dollar.shown), str(dollar.change), str(dollar.percent)) == ("16199", "95.00", "0.59")
    assert (str(market["EMAS"].change), str(market["EMAS"].percent)) == ("0", "0.00")


@pytest.mark.parametrize("seed", range(5))
def test_every_tick_moves_something_and_nothing_runs_away(seed: int) -> None:
    newsroom = Newsroom(seed, START)
    for n in range(3000):
        before = {one.symbol: one.value for one in newsroom.market.indicators}
        moved = newsroom.move_market(START + timedelta(seconds=n))
        assert moved
        assert {one.symbol for one in newsroom.market.indicators if one.value != before[one.symbol]} == set(moved)
    for one in newsroom.market.indicators:
        assert abs(one.change) / one.close < FARTHEST * Decimal("1.05"), one


def test_at_midnight_in_jakarta_the_last_value_becomes_the_previous_close() -> None:
    newsroom = Newsroom(0, START)
    last = {one.symbol: one.value for one in newsroom.market.indicators}
    newsroom.move_market(datetime(2026, 3, 2, 17, 0, tzinfo=UTC))
    assert {one.symbol: one.close for one in newsroom.market.indicators} == last


def test_a_picture_is_the_same_for_the_same_word_and_a_png() -> None:
    assert draw("garam") == draw("garam")
    assert draw("garam") != draw("kopi")
    assert draw("garam").startswith(b"\x89PNG\r\n\x1a\n")
    assert len(draw("garam")) < 20_000
