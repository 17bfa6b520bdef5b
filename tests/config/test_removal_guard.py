"""How much one edit may take away at once."""

from __future__ import annotations

import pytest

from publisher.catalog.guard import WINDOW_MICROS, Standing, judge
from publisher.errors import RemovalRefused

MINUTE = 60_000_000
T0 = 1_800_000_000_000_000


def names(count: int, start: int = 0) -> list[str]:
    return [f"f{number}" for number in range(start, start + count)]


@pytest.mark.parametrize(("before", "after"), [(1, 1), (2, 1), (3, 1), (4, 2), (6, 3), (10, 5), (0, 5), (2, 2)])
def test_up_to_half_of_the_feeds_or_two_may_go_at_once(before: int, after: int) -> None:
    judge(Standing(frozenset(names(before))), names(after), T0)


@pytest.mark.parametrize(("before", "after"), [(4, 1), (5, 2), (7, 3), (100, 49)])
def test_more_than_half_of_the_feeds_and_more_than_two_may_not(before: int, after: int) -> None:
    with pytest.raises(RemovalRefused, match=rf"{before - after} of {before} feeds") as refused:
        judge(Standing(frozenset(names(before))), names(after), T0)
    assert not refused.value.whole
    assert set(refused.value.feeds) == set(names(before)) - set(names(after))


@pytest.mark.parametrize("before", [1, 2, 50])
@pytest.mark.parametrize("missing", [True, False])
def test_the_last_feed_may_never_go_unasked(before: int, missing: bool) -> None:
    with pytest.raises(RemovalRefused, match="not there" if missing else "holds no feed") as refused:
        judge(Standing(frozenset(names(before))), [], T0, missing=missing)
    assert refused.value.whole


def test_all_renamed_at_once_are_all_removed() -> None:
    with pytest.raises(RemovalRefused):
        judge(Standing(frozenset(names(5))), names(5, start=50), T0)


def test_removed_one_by_one_they_are_as_many() -> None:
    standing = Standing(frozenset(names(6)))
    for left, second in ((5, 0), (4, 5), (3, 10)):
        judge(standing, names(left), T0 + second * 1_000_000)
        standing = standing.moved(names(left), 1, T0 + second * 1_000_000)
    with pytest.raises(RemovalRefused, match="4 of 6"):
        judge(standing, names(2), T0 + 15_000_000)
    judge(standing, names(2), T0 + WINDOW_MICROS + 10_000_001)


def test_feeds_that_came_lately_hide_none_that_go() -> None:
    standing = Standing(frozenset(names(4))).moved(names(14), 1, T0)
    with pytest.raises(RemovalRefused, match="4 of 4"):
        judge(standing, names(10, start=4), T0 + MINUTE)


def test_feeds_that_came_lately_may_go_again() -> None:
    standing = Standing(frozenset(names(4))).moved(names(6), 1, T0)
    judge(standing, names(4), T0 + MINUTE)


def test_an_edit_that_removes_nothing_more_is_none_to_refuse() -> None:
    standing = Standing(frozenset(names(6)))
    for left in (3, 2):
        standing = standing.moved(names(left), 1, T0)
    judge(standing, names(2), T0 + MINUTE)


def test_a_feed_that_comes_back_was_never_gone() -> None:
    standing = Standing(frozenset(names(4))).moved(names(3), 1, T0).moved(names(4), 1, T0 + MINUTE)
    assert standing.before(T0 + 2 * MINUTE) == frozenset(names(4))
    assert standing.before(T0 + 20 * MINUTE) == frozenset(names(4))


def test_a_clock_that_stepped_back_hides_no_removal() -> None:
    standing = Standing(frozenset(names(6))).moved(names(3), 1, T0)
    with pytest.raises(RemovalRefused):
        judge(standing, names(2), T0 - 100 * MINUTE)


def test_a_standing_is_read_as_it_was_written() -> None:
    standing = Standing(frozenset(names(4))).moved(names(3), 1, T0).moved(names(5, start=1), 1, T0 + MINUTE)
    assert Standing.read(standing.written()) == standing


def test_a_file_of_sources_that_was_emptied_is_no_edit() -> None:
    with pytest.raises(RemovalRefused, match=r"sources\.toml is empty, and 3 sources") as refused:
        judge(Standing(frozenset(names(1)), sources=3), names(1), T0, emptied=True)
    assert refused.value.whole
    judge(Standing(frozenset(names(1))), names(1), T0, emptied=True)
