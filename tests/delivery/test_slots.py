"""Who may send now: places, by endpoint, host, owner and in all."""

from __future__ import annotations

import pytest

from publisher.delivery.endpoints.parties import Line
from publisher.delivery.endpoints.slots import Bounds, Slots
from publisher.delivery.lines import Lines
from publisher.storage.subscriptions.queue import Follower

URL = "https://receiver.example/hook"
BOUNDS = Bounds(slots=8, endpoint=2, host=4, owner=5)


def lines(*urls: str, owner: str = "reader") -> list[Line]:
    known = Lines()
    return [
        known.add(Follower(n, 0, url, owner, 0, None, f"wh_{n}", "standard", b""), 0.0) for n, url in enumerate(urls)
    ]


def began(slots: Slots, some: list[Line]) -> list[bool]:
    return [slots.take(one) is not None for one in some]


def test_an_endpoint_has_no_more_under_way_than_it_may_however_many_subscriptions_name_it() -> None:
    slots = Slots(BOUNDS)
    assert began(slots, lines(*[URL + f"?key={n}" for n in range(4)])) == [True, True, False, False]


def test_a_host_is_one_whatever_its_ports_and_however_many_dots_stand_after_it() -> None:
    slots = Slots(BOUNDS)
    urls = [
        "https://hook.example/a",
        "https://HOOK.example../b",
        "https://hook.example:8443/c",
        "https://hook.example/d",
    ]
    assert began(slots, lines(*urls, "https://hook.example/e", "https://other.example/")) == [True] * 4 + [False, True]


def test_an_owner_has_no_more_under_way_than_it_may() -> None:
    slots = Slots(BOUNDS)
    assert began(slots, lines(*[f"https://{n}.example/" for n in range(6)])) == [True] * 5 + [False]


def test_the_slow_and_the_unknown_leave_a_quarter_of_all_places_to_the_quick() -> None:
    slots = Slots(Bounds(slots=8, endpoint=2, host=4, owner=100))
    some = lines(*[f"https://{n}.example/" for n in range(10)])
    some[9].endpoint.took(0.01, taken=True)
    assert began(slots, some) == [True] * 6 + [False] * 3 + [True]


@pytest.mark.parametrize(("seconds", "taken", "quick"), [(0.01, True, True), (0.01, False, False), (5.0, True, False)])
def test_an_endpoint_that_takes_what_it_is_sent_and_is_quick_is_not_held_to_bounds(
    seconds: float, taken: bool, quick: bool
) -> None:
    slots = Slots(BOUNDS)
    some = lines(*[URL + f"?key={n}" for n in range(6)])
    some[0].endpoint.took(seconds, taken=taken)
    assert began(slots, some) == ([True] * 6 if quick else [True] * 2 + [False] * 4)


def test_one_subscription_has_no_more_under_way_than_it_may_however_quick_it_is() -> None:
    slots = Slots(BOUNDS)
    [one] = lines(URL)
    one.endpoint.took(0.01, taken=True)
    assert began(slots, [one] * 3) == [True, True, False]


def test_who_found_no_place_takes_its_turn_once_there_is_one() -> None:
    slots = Slots(BOUNDS)
    some = lines(*[f"https://hook.example/{n}" for n in range(6)])
    taken = [slots.take(one) for one in some]
    assert list(slots.ready) == []
    assert taken[0] is not None
    slots.give_back(some[0], taken[0])
    assert list(slots.ready) == some[4:]


def test_everything_that_was_taken_is_given_back() -> None:
    slots = Slots(BOUNDS)
    some = lines(*[f"https://hook.example/{n}" for n in range(4)])
    for one, parties in [(one, slots.take(one)) for one in some]:
        assert parties is not None
        slots.give_back(one, parties)
    assert slots.under_way == 0
    assert all(party.idle for one in some for party in (one.endpoint, one.endpoint.host, one.owner))
    assert began(slots, some) == [True] * 4


def test_a_slow_endpoint_gets_a_place_beside_quick_ones_that_have_more_under_way_than_its_host_may() -> None:
    slots = Slots(BOUNDS)
    *others, slow = lines(*[f"https://hook.example/{n}" for n in range(4)])
    for one in others:
        one.endpoint.took(0.01, taken=True)
    slow.endpoint.took(0.01, taken=False)
    assert began(slots, others * 2) == [True] * 6
    assert began(slots, [slow] * 3) == [True, True, False]
