"""Token buckets on a clock that tests move."""

from __future__ import annotations

import pytest

from publisher.web.budgets.buckets import KEPT, Buckets, Slots


class Stopped:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def taken(buckets: Buckets, times: int, party: str = "a") -> int:
    count = 0
    for _ in range(times):
        if not buckets.wait(party):
            buckets.take(party)
            count += 1
    return count


@pytest.mark.parametrize("per_minute", [1, 3, 7, 60, 1_000])
def test_a_minutes_share_is_there_at_once_and_comes_back_evenly(per_minute: int) -> None:
    clock = Stopped()
    buckets = Buckets(per_minute, clock)
    assert taken(buckets, per_minute + 5) == per_minute
    clock.now += buckets.wait("a")
    assert taken(buckets, 5) == 1
    clock.now += 60
    assert taken(buckets, per_minute + 5) == per_minute


def test_what_was_taken_beyond_the_share_delays_no_longer_than_one_token() -> None:
    buckets = Buckets(20, Stopped())
    for _ in range(1_000):
        buckets.take("a")
    assert buckets.wait("a") == pytest.approx(3.0)


def test_parties_have_their_own_and_only_so_many_are_remembered() -> None:
    buckets = Buckets(1, Stopped())
    assert sum(taken(buckets, 2, f"party {n}") for n in range(KEPT + 100)) == KEPT + 100
    assert len(buckets._full_at) == KEPT


def test_a_place_is_free_again_when_it_was_given_back() -> None:
    slots = Slots(1)
    with slots.taken("a"):
        assert (slots.full("a"), slots.full("b")) == (True, False)
    assert not slots.full("a")
