"""``/api/v1/indicators``: pushing observations and reading the newest."""

from __future__ import annotations

from typing import Any

import pytest
from support.clock import ManualClock
from webroom import Newsroom

DOLLAR = {"symbol": "USD/IDR", "value": "16199.00", "change": "95.00", "percent": "0.58"}


async def push(newsroom: Newsroom, body: Any) -> tuple[int, Any]:
    answer = await newsroom.client.post("/api/v1/indicators", json=body, headers=newsroom.as_("editor"))
    return answer.status, await answer.json()


async def test_a_pushed_observation_is_read_with_its_own_digits(newsroom: Newsroom, clock: ManualClock) -> None:
    status, body = await push(newsroom, DOLLAR)
    assert (status, body["indicators"]) == (201, [{"symbol": "USD/IDR", "outcome": "new"}])
    assert await newsroom.get("/api/v1/indicators/USD%2FIDR") == {
        "symbol": "USD/IDR",
        "name": "Dolar AS",
        "value": "16199.00",
        "change": "95.00",
        "percent": "0.58",
        "unit": "IDR",
        "as_of": None,
        "observed_at": clock().isoformat().replace("+00:00", "Z"),
    }


async def test_the_same_observation_again_is_unchanged_and_another_value_is_not(newsroom: Newsroom) -> None:
    bodies = [DOLLAR, DOLLAR, {**DOLLAR, "value": "16200.00"}]
    answers = [await push(newsroom, body) for body in bodies]
    assert [status for status, _ in answers] == [201, 200, 200]
    assert [body["indicators"][0]["outcome"] for _, body in answers] == ["new", "unchanged", "changed"]
    assert len((await newsroom.get("/api/v1/events"))["events"]) == 2


async def test_bad_observations_are_itemised_and_the_good_ones_taken(newsroom: Newsroom) -> None:
    listed = [DOLLAR, {"symbol": "EMAS", "value": 95.5}, "x", {"symbol": "EMAS", "value": "1_000", "extra": 1}]
    status, body = await push(newsroom, listed)
    assert status == 201
    assert [one["symbol"] for one in body["indicators"]] == ["USD/IDR"]
    assert {error["path"] for error in body["errors"]} >= {"[1].value", "[2]", "[3].extra"}
    assert [one["symbol"] for one in (await newsroom.get("/api/v1/indicators"))["indicators"]] == ["USD/IDR"]


async def test_a_push_without_one_good_observation_is_422(newsroom: Newsroom) -> None:
    status, problem = await push(newsroom, [{"symbol": "EMAS"}, {"value": "1"}])
    assert status == 422
    assert {error["path"] for error in problem["errors"]} >= {"[0].value", "[1].symbol"}


async def test_an_observation_that_contradicts_itself_is_refused_and_its_percent_named(newsroom: Newsroom) -> None:
    status, problem = await push(newsroom, {**DOLLAR, "percent": "-0.58"})
    assert (status, problem["errors"][0]["path"]) == (422, "percent")
    assert "have opposite signs" in problem["errors"][0]["message"]


async def test_what_is_odd_about_an_observation_is_told_beside_it(newsroom: Newsroom) -> None:
    status, body = await push(newsroom, [DOLLAR, {**DOLLAR, "unit": "USD"}])
    assert (status, body["errors"]) == (201, [])
    assert [one["path"] for one in body["warnings"]] == ["[1].unit"]


@pytest.mark.parametrize("body", [[], [DOLLAR] * 1001])
async def test_a_list_has_one_to_a_thousand_observations(newsroom: Newsroom, body: Any) -> None:
    assert (await push(newsroom, body))[0] == 422


async def test_a_slash_in_a_symbol_may_come_plain(newsroom: Newsroom) -> None:
    await push(newsroom, DOLLAR)
    assert (await newsroom.get("/api/v1/indicators/USD/IDR"))["symbol"] == "USD/IDR"


@pytest.mark.parametrize("other", [{"value": "16200.00"}, {"change": "-95.00", "percent": "-0.58"}, {"change": None}])
async def test_two_observations_of_one_time_that_say_different_things_are_told(newsroom: Newsroom, other: Any) -> None:
    _, body = await push(newsroom, [DOLLAR, {**DOLLAR, **other}])
    assert [one["path"] for one in body["warnings"]] == ["[1].symbol"]
    assert (await push(newsroom, [DOLLAR, DOLLAR]))[1]["warnings"] == []


async def test_an_unknown_symbol_names_what_was_observed(newsroom: Newsroom) -> None:
    await push(newsroom, DOLLAR)
    answer = await newsroom.client.get("/api/v1/indicators/USD%2FIDX")
    assert answer.status == 404
    assert "'USD/IDR'" in (await answer.json())["detail"]


async def test_an_indicator_that_no_public_feed_shows_is_seen_with_an_editors_key_only(newsroom: Newsroom) -> None:
    await push(newsroom, {"symbol": "RAHASIA", "name": "Rahasia", "value": "1"})
    assert (await newsroom.get("/api/v1/indicators"))["indicators"] == []
    assert (await newsroom.client.get("/api/v1/indicators/RAHASIA")).status == 404
    assert (await newsroom.get("/api/v1/indicators/RAHASIA", "editor"))["value"] == "1"


async def test_a_value_that_jumps_waits_until_it_is_pushed_again(newsroom: Newsroom, clock: ManualClock) -> None:
    await push(newsroom, DOLLAR)
    jump = {"symbol": "USD/IDR", "value": "20000.00"}
    status, body = await push(newsroom, [jump])
    assert (status, body["indicators"]) == (202, [{"symbol": "USD/IDR", "outcome": "held"}])
    [warning] = body["warnings"]
    assert warning["path"] == "[0].value"
    assert "more than 20% from the published 16199.00" in warning["message"]
    assert "push it once more" in warning["message"]
    shown = await newsroom.get("/api/v1/indicators/USD%2FIDR", "editor")
    assert (shown["value"], shown["held"][0]["data"]["value"], shown["held"][0]["source"]) == (
        "16199.00",
        "20000.00",
        "api",
    )
    assert "held" not in await newsroom.get("/api/v1/indicators/USD%2FIDR")
    clock.advance(1)
    status, body = await push(newsroom, jump)
    assert (status, body["indicators"][0]["outcome"], body["warnings"]) == (200, "changed", [])
    shown = await newsroom.get("/api/v1/indicators/USD%2FIDR", "editor")
    assert (shown["value"], shown["held"]) == ("20000.00", [])
    types = [one["type"] for one in (await newsroom.get("/api/v1/events", "editor"))["events"]]
    assert types == ["indicator.updated", "indicator.held", "indicator.updated"]


async def test_one_request_does_not_agree_with_itself(newsroom: Newsroom) -> None:
    await push(newsroom, DOLLAR)
    jump = {"symbol": "USD/IDR", "value": "20000.00"}
    status, body = await push(newsroom, [jump, jump])
    assert (status, [one["outcome"] for one in body["indicators"]]) == (202, ["held", "held"])


async def test_who_reads_without_a_key_is_not_told_of_what_is_held(newsroom: Newsroom) -> None:
    await push(newsroom, DOLLAR)
    await push(newsroom, {"symbol": "USD/IDR", "value": "20000.00"})
    assert [one["type"] for one in (await newsroom.get("/api/v1/events"))["events"]] == ["indicator.updated"]


async def test_a_time_that_has_not_come_is_refused_and_freezes_nothing(newsroom: Newsroom) -> None:
    status, problem = await push(
        newsroom, {"symbol": "USD/IDR", "value": "7000", "observed_at": "2999-01-01T00:00:00Z"}
    )
    assert (status, problem["errors"][0]["path"]) == (422, "observed_at")
    assert (await push(newsroom, {"symbol": "USD/IDR", "value": "7100"}))[0] == 201
    assert (await newsroom.get("/api/v1/indicators/USD%2FIDR"))["value"] == "7100"


async def test_a_correction_of_an_earlier_day_is_told_that_it_comes_too_late(newsroom: Newsroom) -> None:
    await push(newsroom, DOLLAR)
    status, body = await push(newsroom, {**DOLLAR, "value": "16190.00", "as_of": "2024-02-08T08:00:00Z"})
    assert (status, body["indicators"][0]["outcome"]) == (200, "unchanged")
    assert "comes too late and changes nothing" in body["warnings"][0]["message"]


async def test_two_values_of_one_moment_are_told(newsroom: Newsroom) -> None:
    status, body = await push(newsroom, [DOLLAR, {"symbol": "USD/IDR", "value": "16250"}])
    assert status == 201
    assert [(one["path"], one["message"]) for one in body["warnings"]] == [
        ("[1].symbol", "USD/IDR stands twice with one time; the last counts")
    ]


async def test_a_value_that_is_written_as_on_the_page_of_an_indonesian_site_is_told(newsroom: Newsroom) -> None:
    status, body = await push(newsroom, {"symbol": "USD/IDR", "value": "16.199"})
    assert (status, [one["path"] for one in body["warnings"]]) == (201, ["value"])
    assert "is it 16199?" in body["warnings"][0]["message"]
